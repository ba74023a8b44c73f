#include "gpu/compute_capability.h"

#include <charconv>

namespace autotune::gpu {

std::optional<ComputeCapability> ComputeCapability::Parse(std::string_view text) {
  ComputeCapability capability;
  const char* const end = text.data() + text.size();
  auto result = std::from_chars(text.data(), end, capability.major);
  if (result.ec != std::errc() || capability.major < 0) return std::nullopt;
  if (result.ptr == end) return capability;
  if (*result.ptr != '.') return std::nullopt;
  result = std::from_chars(result.ptr + 1, end, capability.minor);
  if (result.ec != std::errc() || result.ptr != end || capability.minor < 0) return std::nullopt;
  return capability;
}

std::string ComputeCapability::ToString() const { return std::to_string(major) + "." + std::to_string(minor); }

}  // namespace autotune::gpu
