// How one part of a model stores its weights, in the words of the facts. Internal to checkpoint/.
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

// A family and what the inputs of its layers are; "" = not known.
struct StoredFormat {
  std::string family = "none";
  std::string activations = "none";
  bool operator==(const StoredFormat&) const = default;
  auto operator<=>(const StoredFormat&) const = default;
};

inline const StoredFormat kOther{"other", ""};

// Numbers as tools describe them: "float" or "int" and bits; 16 bits = not quantized.
struct NumberFormat {
  bool is_float = false;
  std::int64_t bits = 16;
};

// A format from its numbers. `group` = weights along the input that share one scale; 0 = more than a group.
StoredFormat FormatOf(const NumberFormat& weights, const NumberFormat& inputs, std::int64_t group);
// "fp8_e4m3", "float8_e4m3fn", "int4", "uint4", "fp4", "bfloat16": nullopt for what is not understood.
std::optional<NumberFormat> NumbersOf(std::string_view dtype);
// One family for parts that differ within themselves.
StoredFormat Merged(const std::set<StoredFormat>& formats);
// One family for a model whose linear layers and experts have these. `dense`: it has no experts.
std::string FamilyOf(const std::string& linear, const std::string& experts, bool dense);

}  // namespace autotune::checkpoint
