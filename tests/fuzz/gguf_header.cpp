// Any bytes as the beginning of a GGUF file.

#include "checkpoint/gguf_header.h"

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

#include "checkpoint/checkpoint.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace autotune::checkpoint;
  const auto header = ReadGgufHeader({reinterpret_cast<const char*>(data), size});
  if (!header) return 0;
  const nlohmann::json config = ConfigOfGguf(*header);
  CheckpointParts parts;
  parts.gguf = &config;
  parts.config_name = "model.gguf";
  parts.config_keys = GgufKeys(*header);
  parts.only_gguf = true;
  (void)FactsOf(parts).ok();
  return 0;
}
