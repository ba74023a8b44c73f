// CUDA compute capability of a GPU, such as "8.9". Pure value.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace autotune::gpu {

struct ComputeCapability {
  int major = 0;
  int minor = 0;
  static std::optional<ComputeCapability> Parse(std::string_view text);  // "8.9"
  [[nodiscard]] std::string ToString() const;
  auto operator<=>(const ComputeCapability&) const = default;
};

}  // namespace autotune::gpu
