// The header of a safetensors file: names, types and sizes of its tensors.
//
// Pure, thread-safe. Format: 8 bytes of length, little-endian, and a JSON object. Any input is safe.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "checkpoint/weight_tensors.h"

namespace autotune::checkpoint {

struct SafetensorsHeader {
  std::map<std::string, std::int64_t, std::less<>> bytes_by_type;  // "BF16", "F8_E4M3", "I32", ...
  std::map<std::int64_t, std::int64_t> bytes_by_layer;             // by LayerOf()
  std::int64_t tensors = 0;
  TensorKinds kinds;
};

inline constexpr std::int64_t kLargestSafetensorsHeader = 100'000'000;  // as the format's own reader has it

// Bytes of the file's beginning that hold the header, from at least 8 of them. kInvalid: it cannot be one.
base::Result<std::int64_t> SafetensorsHeaderEnd(std::string_view bytes);
base::Result<SafetensorsHeader> ReadSafetensorsHeader(std::string_view bytes, const std::string& file);

// The dtype of the weights that are not quantized: of the 16- and 32-bit floats the one that holds most bytes. "" =
// none.
std::string FloatDtype(const SafetensorsHeader& header);

}  // namespace autotune::checkpoint
