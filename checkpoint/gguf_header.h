// Metadata and descriptions of the tensors at the beginning of a GGUF file.
//
// Pure, thread-safe. Format: ggml's docs/gguf.md, versions 2 and 3. The first bytes of a file are enough: a truncated
// header gives the entries that are complete. Any input is safe.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace autotune::checkpoint {

struct GgufHeader {
  std::map<std::string, std::int64_t, std::less<>> numbers;  // whole numbers and booleans
  std::map<std::string, std::string, std::less<>> texts;
  // Lists of numbers, one per layer. For other lists (a vocabulary's tokens) only the length is kept.
  std::map<std::string, std::vector<std::int64_t>, std::less<>> lists;
  std::map<std::string, std::int64_t, std::less<>> lengths;
  bool complete = false;                                          // the bytes held all of the metadata
  std::map<std::string, std::int64_t, std::less<>> tensor_types;  // number of tensors by type: "Q4_K", "F32"
  bool all_tensors = false;                                       // the bytes held the descriptions of all tensors
};

// kInvalid: not a GGUF file, or of an unknown version.
base::Result<GgufHeader> ReadGgufHeader(std::string_view bytes);

// The metadata with the keys of config.json.
nlohmann::json ConfigOfGguf(const GgufHeader& header);

// Metadata keys by key of config.json, for messages.
std::map<std::string, std::string, std::less<>> GgufKeys(const GgufHeader& header);

}  // namespace autotune::checkpoint
