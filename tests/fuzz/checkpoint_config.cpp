// Any bytes as config.json: the reader returns facts that can be written down and read again, or an error.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>

#include "checkpoint/checkpoint.h"
#include "checkpoint/config_reader.h"
#include "checkpoint/python_json.h"
#include "checkpoint/weight_files.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace autotune::checkpoint;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto parsed = ParseObject(text, "config.json");
  if (!parsed) return 0;
  // The seeds of tests/checkpoint/public have a level more.
  const auto inner = parsed->find("config");
  const nlohmann::json& config = inner != parsed->end() && inner->is_object() ? *inner : *parsed;
  (void)ReadWeightIndex(text, "model.safetensors.index.json").ok();
  CheckpointParts parts;
  parts.config = &config;
  parts.hf_quant_config = &config;
  if (const auto facts = FactsOf(parts)) {
    const auto again = ModelFactsFromJson(ToJson(*facts));
    if (!again || !(*again == *facts)) std::abort();
  }
  CheckpointParts mistral;
  mistral.params = &config;
  (void)FactsOf(mistral).ok();
  return 0;
}
