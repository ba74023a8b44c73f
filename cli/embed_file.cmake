# Writes OUTPUT, a C++ file with the bytes of the file INPUT as the function autotune::cli::FUNCTION().
file(READ "${INPUT}" hex HEX)
file(SIZE "${INPUT}" size)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
file(WRITE "${OUTPUT}" "// Generated from ${INPUT} by cli/embed_file.cmake; do not edit.
#include <string_view>

namespace autotune::cli {

std::string_view ${FUNCTION}();
std::string_view ${FUNCTION}() {
  static constexpr unsigned char kBytes[] = {${bytes}};
  return {reinterpret_cast<const char*>(kBytes), ${size}};
}

}  // namespace autotune::cli
")
