#include "checkpoint/safetensors_header.h"

#include <nlohmann/json.hpp>

#include "checkpoint/json_keys.h"
#include "checkpoint/python_json.h"

namespace autotune::checkpoint {

using nlohmann::json;

base::Result<std::int64_t> SafetensorsHeaderEnd(std::string_view bytes) {
  constexpr std::size_t kLength = 8;
  if (bytes.size() < kLength) return base::Invalid("is too short for a safetensors file");
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < kLength; ++i)
    length |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  if (length < 2 || length > static_cast<std::uint64_t>(kLargestSafetensorsHeader))
    return base::Invalid("is not a safetensors file: its header would have " + std::to_string(length) + " bytes");
  return static_cast<std::int64_t>(length + kLength);
}

base::Result<SafetensorsHeader> ReadSafetensorsHeader(std::string_view bytes, const std::string& file) {
  const auto end = SafetensorsHeaderEnd(bytes);
  if (!end) return base::Invalid(file + ": " + end.error().message);
  if (bytes.size() < static_cast<std::size_t>(*end))
    return base::Invalid(file + ": ends within its header of " + std::to_string(*end) + " bytes");
  const auto object = ParseObject(bytes.substr(8, static_cast<std::size_t>(*end) - 8), file);
  if (!object) return object.error();
  SafetensorsHeader header;
  for (const auto& [name, tensor] : object->items()) {
    if (name == "__metadata__") continue;
    const auto offsets = IntegersOf(Find(&tensor, "data_offsets"));
    const std::string type = TextOf(&tensor, "dtype");
    const bool valid = offsets && offsets->size() == 2 && (*offsets)[0] >= 0 && (*offsets)[1] >= (*offsets)[0];
    if (!valid || type.empty())
      return base::Invalid(file + ": tensor \"" + name.substr(0, 80) + "\" has no dtype and data_offsets");
    // Offsets are below 2^53, and a header of this length holds fewer than 2^22 tensors that may overlap.
    std::int64_t& sum = header.bytes_by_type[type];
    if (__builtin_add_overflow(sum, (*offsets)[1] - (*offsets)[0], &sum))
      return base::Invalid(file + ": its tensors exceed 2^63 bytes");
    if (const auto layer = LayerOf(name)) {
      std::int64_t& of_layer = header.bytes_by_layer[*layer];
      if (__builtin_add_overflow(of_layer, (*offsets)[1] - (*offsets)[0], &of_layer))
        return base::Invalid(file + ": its tensors exceed 2^63 bytes");
    }
    ++header.tensors;
    header.kinds.Add(name, type);
  }
  return header;
}

std::string FloatDtype(const SafetensorsHeader& header) {
  struct Named {
    std::string_view type, dtype;
  };
  std::string most;
  std::int64_t bytes = 0;
  for (const Named& named : {Named{"BF16", "bfloat16"}, Named{"F16", "float16"}, Named{"F32", "float32"}}) {
    const auto found = header.bytes_by_type.find(named.type);
    if (found == header.bytes_by_type.end() || found->second <= bytes) continue;
    most = named.dtype;
    bytes = found->second;
  }
  return most;
}

}  // namespace autotune::checkpoint
