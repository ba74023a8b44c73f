# Writes OUTPUT, a C++ file with the bytes of the CustomResourceDefinition INPUT.
file(READ "${INPUT}" hex HEX)
file(SIZE "${INPUT}" size)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
file(WRITE "${OUTPUT}" "// Generated from crds/autotunetask.yaml by cli/embed_crd.cmake; do not edit.
#include <string_view>

namespace autotune::cli {
namespace {
constexpr unsigned char kBytes[] = {${bytes}};
}  // namespace

std::string_view BuiltInCrd();
std::string_view BuiltInCrd() { return {reinterpret_cast<const char*>(kBytes), ${size}}; }

}  // namespace autotune::cli
")
