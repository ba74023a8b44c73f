#include "quant/version.h"

#include <charconv>

namespace autotune::quant {
namespace {

constexpr int kReleaseCandidate = -1000;
constexpr int kBeta = -2000;
constexpr int kAlpha = -3000;
constexpr int kDevelopment = -4000;

// Reads a non-negative number off the front of `text`; image tags never need more than six digits.
std::optional<int> TakeNumber(std::string_view& text) {
  std::size_t length = 0;
  while (length < text.size() && text[length] >= '0' && text[length] <= '9') ++length;
  if (length == 0 || length > 6) return std::nullopt;
  int value = 0;
  std::from_chars(text.data(), text.data() + length, value);
  text.remove_prefix(length);
  return value;
}

bool TakePrefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

// "rc7", ".post2", "b1", "-rc.1" off the front of `text`. Nothing and text unchanged when there is no such suffix.
std::optional<int> TakeStage(std::string_view& text) {
  struct Marker {
    std::string_view name;
    int base;
  };
  static constexpr Marker kMarkers[] = {{"post", 0},       {"rc", kReleaseCandidate}, {"dev", kDevelopment},
                                        {"alpha", kAlpha}, {"beta", kBeta},           {"a", kAlpha},
                                        {"b", kBeta}};
  std::string_view rest = text;
  if (!rest.empty() && (rest.front() == '.' || rest.front() == '-')) rest.remove_prefix(1);
  for (const Marker& marker : kMarkers) {
    std::string_view after = rest;
    if (!TakePrefix(after, marker.name)) continue;
    if (!after.empty() && after.front() == '.') after.remove_prefix(1);
    const std::optional<int> number = TakeNumber(after);
    if (!number || *number >= 1000) continue;
    text = after;
    return marker.base + *number;
  }
  return std::nullopt;
}

}  // namespace

std::optional<Version> Version::Parse(std::string_view text) {
  TakePrefix(text, "v");
  Version version;
  const std::optional<int> major = TakeNumber(text);
  if (!major || !TakePrefix(text, ".")) return std::nullopt;
  const std::optional<int> minor = TakeNumber(text);
  if (!minor) return std::nullopt;
  version.major = *major;
  version.minor = *minor;
  if (text.size() > 1 && text[0] == '.' && text[1] >= '0' && text[1] <= '9') {
    text.remove_prefix(1);
    const std::optional<int> patch = TakeNumber(text);
    if (!patch) return std::nullopt;
    version.patch = *patch;
  }
  version.stage = TakeStage(text).value_or(0);
  // A post-release of a candidate ("1.3.0rc5.post1") runs the candidate's rules.
  TakeStage(text);
  // What is left is a build suffix, or this was no version.
  if (!text.empty() && text.front() != '-' && text.front() != '+' && text.front() != '_') return std::nullopt;
  return version;
}

std::string Version::ToString() const {
  std::string text = std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
  if (stage > 0) return text + ".post" + std::to_string(stage);
  if (stage == 0) return text;
  if (stage >= kReleaseCandidate) return text + "rc" + std::to_string(stage - kReleaseCandidate);
  if (stage >= kBeta) return text + "b" + std::to_string(stage - kBeta);
  if (stage >= kAlpha) return text + "a" + std::to_string(stage - kAlpha);
  return text + ".dev" + std::to_string(stage - kDevelopment);
}

}  // namespace autotune::quant
