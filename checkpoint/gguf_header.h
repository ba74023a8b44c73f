// The metadata at the beginning of a GGUF file.
//
// Pure, thread-safe. Format: ggml's docs/gguf.md, versions 2 and 3. Only the first bytes of a file are needed: reading
// ends where they end, and what came before counts. Any input is safe.
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
  // Lists of numbers, one per layer. Of other lists (the tokens of a vocabulary) only the length is kept.
  std::map<std::string, std::vector<std::int64_t>, std::less<>> lists;
  std::map<std::string, std::int64_t, std::less<>> lengths;
  bool complete = false;  // the bytes held all of the metadata
};

// kInvalid: not a GGUF file, or of a version that is not known.
base::Result<GgufHeader> ReadGgufHeader(std::string_view bytes);

// What the metadata says of the model, in the words of config.json.
nlohmann::json ConfigOfGguf(const GgufHeader& header);

// The metadata keys that those words stand for, by word. For messages.
std::map<std::string, std::string, std::less<>> GgufKeys(const GgufHeader& header);

}  // namespace autotune::checkpoint
