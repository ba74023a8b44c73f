#include "checkpoint/stored_format.h"

#include "base/ascii_case.h"
#include "checkpoint/json_keys.h"

namespace autotune::checkpoint {

StoredFormat FormatOf(const NumberFormat& weights, const NumberFormat& inputs, std::int64_t group) {
  StoredFormat format;
  if (inputs.bits >= 16) {
    format.activations = "none";
  } else if (inputs.is_float && inputs.bits == 8) {
    format.activations = group == 32 && weights.bits == 8 ? "mxfp8" : "fp8";
  } else if (inputs.is_float && inputs.bits == 4) {
    format.activations = group == 32 ? "mxfp4" : "nvfp4";
  } else {
    format.activations = (inputs.is_float ? "fp" : "int") + std::to_string(inputs.bits);
  }
  const bool plain_inputs = inputs.bits >= 16;
  format.family = "other";
  if (weights.bits >= 16) {
    format.family = plain_inputs ? "none" : "other";
  } else if (weights.is_float && weights.bits == 8) {
    if (group == 32) {
      format.family = "mxfp8";
    } else if (plain_inputs) {
      format.family = "fp8-w8a16";
    } else if (inputs.is_float && inputs.bits == 8) {
      format.family = "fp8";
    }
  } else if (weights.is_float && weights.bits == 4) {
    if (group == 32) format.family = "mxfp4";
    if (group == 16) format.family = "nvfp4";
  } else if (!weights.is_float && weights.bits == 8) {
    if (plain_inputs) format.family = "int8-w8a16";
    if (!inputs.is_float && inputs.bits == 8) format.family = "int8-w8a8";
  } else if (!weights.is_float && weights.bits == 4) {
    if (plain_inputs) format.family = "int4-wna16";
    if (inputs.bits == 8) format.family = "w4a8";
  } else if (!weights.is_float && (weights.bits == 2 || weights.bits == 3) && plain_inputs) {
    format.family = "int" + std::to_string(weights.bits) + "-wna16";
  }
  return format;
}

std::optional<NumberFormat> NumbersOf(std::string_view dtype) {
  const std::string name = base::AsciiLower(dtype);
  if (name.empty()) return std::nullopt;
  if (Contains(name, "bfloat16") || Contains(name, "float16") || Contains(name, "fp16") || Contains(name, "bf16") ||
      Contains(name, "float32"))
    return NumberFormat{true, 16};
  for (const std::int64_t bits : {8, 6, 5, 4, 3, 2, 1}) {
    const std::string digits = std::to_string(bits);
    if (Contains(name, "int" + digits)) return NumberFormat{false, bits};
    if (Contains(name, "fp" + digits) || Contains(name, "float" + digits)) return NumberFormat{true, bits};
  }
  return std::nullopt;
}

StoredFormat Merged(const std::set<StoredFormat>& formats) {
  if (formats.empty()) return StoredFormat{};
  if (formats.size() == 1) return *formats.begin();
  std::set<std::string> activations;
  for (const StoredFormat& format : formats) activations.insert(format.activations);
  return {"mixed", activations.size() == 1 ? *activations.begin() : ""};
}

std::string FamilyOf(const std::string& linear, const std::string& experts, bool dense) {
  if (linear == experts || experts == "none" || (dense && linear != "none")) return linear;
  if (linear == "none") return experts;
  // The layout that engines run as "w4afp8".
  if (experts == "w4a8" && linear == "fp8") return "w4a8";
  return "mixed";
}

}  // namespace autotune::checkpoint
