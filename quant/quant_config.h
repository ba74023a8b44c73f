// The four-field quantization model: configurations of users, independent of engines.
//
// Pure values, thread-safe. Fields: `gemmDtype` for linear layers, `kvcacheDtype` for the storage of
// the KV cache, `attentionDtype` for QK^T, softmax and AV, `moeDtype` for experts. Presets are named combinations.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace autotune::quant {

enum class Field { kGemm, kKvCache, kAttention, kMoe };
inline constexpr std::array kFields = {Field::kGemm, Field::kKvCache, Field::kAttention, Field::kMoe};

// The name under spec.quantConfig: "gemmDtype", "kvcacheDtype", "attentionDtype", "moeDtype".
std::string_view FieldName(Field field);
// Every value that the API accepts for the field, "auto" first.
std::span<const std::string_view> AllowedValues(Field field);

// One configuration: a value per field. `name`: that of the preset or the user, or one derived from the values.
struct QuantConfig {
  std::string name = "default";
  std::string gemm = "auto";
  std::string kvcache = "auto";
  std::string attention = "auto";
  std::string moe = "auto";

  [[nodiscard]] const std::string& Get(Field field) const;
  void Set(Field field, std::string value);
  // Compares the four values, but not the name.
  [[nodiscard]] bool SameValues(const QuantConfig& other) const;
  bool operator==(const QuantConfig&) const = default;
};

// The five presets in the order of docs/api.md, "default" first.
std::span<const QuantConfig> Presets();
// Null if no preset has this name.
const QuantConfig* FindPreset(std::string_view name);

// A custom configuration as the user writes it: an absent field is "auto", or the preset's value if a preset is named.
struct FieldValues {
  std::map<Field, std::string> values;
  bool operator==(const FieldValues&) const = default;
};
struct NamedConfig {
  std::string name;
  FieldValues fields;
  bool operator==(const NamedConfig&) const = default;
};

// spec.quantConfig. At most one style (docs/api.md, "Search space"): preset [+ fields], presets [+ custom],
// fields alone, custom, sweep. All empty = the preset "default".
struct QuantSpec {
  std::optional<std::string> preset;
  std::vector<std::string> presets;
  FieldValues fields;
  std::vector<NamedConfig> custom;
  std::map<Field, std::vector<std::string>> sweep;
  bool operator==(const QuantSpec&) const = default;
};

// Checks every value and returns the configurations in the order of the spec, each with a unique name. Errors are
// kInvalid with the field's path: `spec.quantConfig.gemmDtype: "fp9" is not one of auto, float16, ...`.
base::Result<std::vector<QuantConfig>> ExpandPresets(const QuantSpec& spec);

// "GEMM: fp8, KV cache: fp8, attention: auto, MoE: auto".
std::string Summary(const QuantConfig& config);

}  // namespace autotune::quant
