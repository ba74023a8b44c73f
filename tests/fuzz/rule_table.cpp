// An engine's rule table from a mounted ConfigMap, with the built-in catalogue of the engine that it claims to be.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "quant/engine_table.h"
#include "quant/rules.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace autotune::quant;  // NOLINT(google-build-using-namespace): a test
  // The smallest catalogue: this one is about tables, and the larger ones take ten times as long to read.
  static const std::string flags(RuleSet::BuiltInFile("tensorrt-llm.flags.yaml").value());
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto table = EngineTable::Load({"tensorrt-llm.yaml", text}, {"tensorrt-llm.flags.yaml", flags});
  if (!table && table.error().message.empty()) abort();
  if (table && (*table)->releases().empty()) abort();
  return 0;
}
