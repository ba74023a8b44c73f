// Engine release numbers and their order: 0.20.1, 0.5.6.post2, 1.3.0rc7, v0.24.0-cu130. Pure.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace autotune::quant {

struct Version {
  int major = 0;
  int minor = 0;
  int patch = 0;
  // Order of suffixes: release candidates (rcN = -1000 + N) < final (0) < postN (N).
  int stage = 0;

  // Accepts a leading "v", and ignores build suffixes such as "-cu126" and "-runtime". nullopt for "latest", digests
  // and other texts without a version.
  static std::optional<Version> Parse(std::string_view text);
  [[nodiscard]] std::string ToString() const;
  auto operator<=>(const Version&) const = default;
};

}  // namespace autotune::quant
