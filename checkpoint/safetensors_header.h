// The header of a safetensors file: names, types and sizes of its tensors.
//
// Pure, thread-safe. Format: 8 bytes of length (little-endian) and a JSON object. Any input is safe.
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

inline constexpr std::int64_t kLargestSafetensorsHeader = 100'000'000;  // limit of the format's own reader

// Number of bytes up to the end of the header. kInvalid: not a header. REQUIRES: at least 8 bytes.
base::Result<std::int64_t> SafetensorsHeaderEnd(std::string_view bytes);
base::Result<SafetensorsHeader> ReadSafetensorsHeader(std::string_view bytes, const std::string& file);

// Dtype of the unquantized weights: the 16- or 32-bit float type with the most bytes; "" =
// none.
std::string FloatDtype(const SafetensorsHeader& header);

}  // namespace autotune::checkpoint
