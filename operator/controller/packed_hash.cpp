#include "operator/controller/packed_hash.h"

#include <charconv>
#include <cstdio>

namespace autotune::controller {

std::string UnpackedHash(std::uint64_t hash) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
  return text;
}

std::optional<std::uint64_t> PackedHash(const std::string& hash) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(hash.data(), hash.data() + hash.size(), number, 16);
  if (error != std::errc() || end != hash.data() + hash.size() || UnpackedHash(number) != hash) return std::nullopt;
  return number;
}

}  // namespace autotune::controller
