// How one part of a model stores its weights, in the terms of ModelFacts. Internal to checkpoint/.
//
// Pure, thread-safe.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace autotune::checkpoint {

// A family and the format of its layers' inputs; "" = not known.
struct StoredFormat {
  std::string family = "none";
  std::string activations = "none";
  bool operator==(const StoredFormat&) const = default;
  auto operator<=>(const StoredFormat&) const = default;
};

inline const StoredFormat kOther{"other", ""};

// A number format as tools describe it: "float" or "int", and bits; 16 bits = not quantized.
struct NumberFormat {
  bool is_float = false;
  std::int64_t bits = 16;
};

// `group`: number of weights along the input that share one scale; 0 = more than a group.
StoredFormat FormatOf(const NumberFormat& weights, const NumberFormat& inputs, std::int64_t group);
// Parses "fp8_e4m3", "float8_e4m3fn", "int4", "uint4", "fp4" or "bfloat16"; nullopt for unknown formats.
std::optional<NumberFormat> NumbersOf(std::string_view dtype);
// One format for a part with several formats.
StoredFormat Merged(const std::set<StoredFormat>& formats);
// One family for a model with these formats of linear layers and experts. `dense`: it has no experts.
std::string FamilyOf(const std::string& linear, const std::string& experts, bool dense);

}  // namespace autotune::checkpoint
