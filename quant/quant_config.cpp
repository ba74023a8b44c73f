#include "quant/quant_config.h"

#include <algorithm>
#include <set>

namespace autotune::quant {
namespace {

constexpr std::string_view kGemmValues[] = {"auto", "float16", "bfloat16", "float32", "fp8", "int8"};
constexpr std::string_view kKvCacheValues[] = {"auto",     "fp16",     "bfloat16", "fp8",
                                               "fp8_e5m2", "fp8_e4m3", "int8",     "int4"};
constexpr std::string_view kAttentionValues[] = {"auto",     "float16",  "bfloat16", "fp8",
                                                 "fp8_e5m2", "fp8_e4m3", "fp8_block"};
constexpr std::string_view kMoeValues[] = {"auto", "float16", "bfloat16", "fp8", "w4afp8", "mxfp4", "int8"};

template <typename Names>
std::string Join(const Names& names) {
  std::string joined;
  for (const auto& name : names) {
    if (!joined.empty()) joined += ", ";
    joined += name;
  }
  return joined;
}

base::Error NotOneOf(const std::string& path, std::string_view value, const std::string& allowed) {
  return base::Invalid(path + ": \"" + std::string(value) + "\" is not one of " + allowed);
}

base::Error UnknownPreset(const std::string& path, std::string_view name) {
  std::vector<std::string> names;
  for (const QuantConfig& preset : Presets()) names.push_back(preset.name);
  return NotOneOf(path, name, Join(names));
}

base::Status CheckValue(const std::string& path, Field field, const std::string& value) {
  const std::span<const std::string_view> allowed = AllowedValues(field);
  if (std::ranges::find(allowed, value) == allowed.end()) return NotOneOf(path, value, Join(allowed));
  return {};
}

base::Status Apply(const std::string& path, const FieldValues& fields, QuantConfig& config) {
  for (const auto& [field, value] : fields.values) {
    const base::Status valid = CheckValue(path + "." + std::string(FieldName(field)), field, value);
    if (!valid.ok()) return valid.error();
    config.Set(field, value);
  }
  return {};
}

std::string_view ShortName(Field field) {
  switch (field) {
    case Field::kGemm:
      return "gemm";
    case Field::kKvCache:
      return "kvcache";
    case Field::kAttention:
      return "attention";
    case Field::kMoe:
      return "moe";
  }
  return "";
}

// "gemm-fp8.kvcache-fp8_e5m2": what differs from `base`, in characters that a label value may contain.
std::string NameFor(const QuantConfig& config, const QuantConfig& base_config) {
  std::string name = base_config.name == "default" ? "" : base_config.name;
  for (const Field field : kFields) {
    if (config.Get(field) == base_config.Get(field)) continue;
    if (!name.empty()) name += ".";
    name += std::string(ShortName(field)) + "-" + config.Get(field);
  }
  return name.empty() ? base_config.name : name;
}

base::Result<QuantConfig> One(const QuantSpec& spec) {
  const QuantConfig* base_config = FindPreset(spec.preset.value_or("default"));
  if (base_config == nullptr) return UnknownPreset("spec.quantConfig.preset", *spec.preset);
  QuantConfig config = *base_config;
  const base::Status applied = Apply("spec.quantConfig", spec.fields, config);
  if (!applied.ok()) return applied.error();
  config.name = NameFor(config, *base_config);
  return config;
}

base::Result<std::vector<QuantConfig>> Named(const QuantSpec& spec) {
  std::vector<QuantConfig> configs;
  std::set<std::string, std::less<>> names;
  for (std::size_t i = 0; i < spec.presets.size(); ++i) {
    const std::string path = "spec.quantConfig.presets[" + std::to_string(i) + "]";
    const QuantConfig* preset = FindPreset(spec.presets[i]);
    if (preset == nullptr) return UnknownPreset(path, spec.presets[i]);
    if (!names.insert(preset->name).second) return base::Invalid(path + ": \"" + preset->name + "\" is listed twice");
    configs.push_back(*preset);
  }
  for (std::size_t i = 0; i < spec.custom.size(); ++i) {
    const std::string path = "spec.quantConfig.custom[" + std::to_string(i) + "]";
    const NamedConfig& custom = spec.custom[i];
    if (custom.name.empty()) return base::Invalid(path + ".name: must not be empty");
    if (FindPreset(custom.name) != nullptr)
      return base::Invalid(path + ".name: \"" + custom.name + "\" is the name of a preset");
    if (!names.insert(custom.name).second) return base::Invalid(path + ".name: \"" + custom.name + "\" is used twice");
    QuantConfig config;
    const base::Status applied = Apply(path, custom.fields, config);
    if (!applied.ok()) return applied.error();
    config.name = custom.name;
    configs.push_back(std::move(config));
  }
  return configs;
}

base::Result<std::vector<QuantConfig>> Product(const QuantSpec& spec) {
  const QuantConfig& base_config = Presets().front();
  std::vector<QuantConfig> configs = {base_config};
  for (const Field field : kFields) {
    const auto axis = spec.sweep.find(field);
    if (axis == spec.sweep.end()) continue;
    const std::string path = "spec.quantConfig.sweep." + std::string(FieldName(field));
    if (axis->second.empty()) return base::Invalid(path + ": must list at least one value");
    std::set<std::string, std::less<>> seen;
    std::vector<QuantConfig> product;
    for (std::size_t i = 0; i < axis->second.size(); ++i) {
      const std::string& value = axis->second[i];
      const std::string item = path + "[" + std::to_string(i) + "]";
      const base::Status valid = CheckValue(item, field, value);
      if (!valid.ok()) return valid.error();
      if (!seen.insert(value).second) return base::Invalid(item + ": \"" + value + "\" is listed twice");
    }
    for (const QuantConfig& config : configs) {
      for (const std::string& value : axis->second) {
        product.push_back(config);
        product.back().Set(field, value);
      }
    }
    configs = std::move(product);
  }
  for (QuantConfig& config : configs) config.name = NameFor(config, base_config);
  return configs;
}

}  // namespace

std::string_view FieldName(Field field) {
  switch (field) {
    case Field::kGemm:
      return "gemmDtype";
    case Field::kKvCache:
      return "kvcacheDtype";
    case Field::kAttention:
      return "attentionDtype";
    case Field::kMoe:
      return "moeDtype";
  }
  return "";
}

std::span<const std::string_view> AllowedValues(Field field) {
  switch (field) {
    case Field::kGemm:
      return kGemmValues;
    case Field::kKvCache:
      return kKvCacheValues;
    case Field::kAttention:
      return kAttentionValues;
    case Field::kMoe:
      return kMoeValues;
  }
  return {};
}

const std::string& QuantConfig::Get(Field field) const {
  switch (field) {
    case Field::kGemm:
      return gemm;
    case Field::kKvCache:
      return kvcache;
    case Field::kAttention:
      return attention;
    case Field::kMoe:
      return moe;
  }
  return gemm;
}

void QuantConfig::Set(Field field, std::string value) {
  switch (field) {
    case Field::kGemm:
      gemm = std::move(value);
      return;
    case Field::kKvCache:
      kvcache = std::move(value);
      return;
    case Field::kAttention:
      attention = std::move(value);
      return;
    case Field::kMoe:
      moe = std::move(value);
      return;
  }
}

bool QuantConfig::SameValues(const QuantConfig& other) const {
  return std::ranges::all_of(kFields, [&](Field field) { return Get(field) == other.Get(field); });
}

std::span<const QuantConfig> Presets() {
  // The predecessor's presets asked for an fp8_e5m2 KV cache, which vLLM rejects beside fp8 weights and which costs
  // FlashAttention 3 on Hopper: "fp8" is the engine's own format, e4m3 where it has the choice.
  static const std::array<QuantConfig, 5> kPresets = {{
      {"default", "auto", "auto", "auto", "auto"},
      {"kv-cache-fp8", "auto", "fp8", "auto", "auto"},
      {"dynamic-fp8", "fp8", "fp8", "fp8", "fp8"},
      {"bf16-stable", "bfloat16", "fp8", "auto", "auto"},
      {"aggressive-moe", "bfloat16", "fp8", "fp8", "w4afp8"},
  }};
  return kPresets;
}

const QuantConfig* FindPreset(std::string_view name) {
  const std::span<const QuantConfig> presets = Presets();
  const auto found = std::ranges::find(presets, name, &QuantConfig::name);
  return found == presets.end() ? nullptr : &*found;
}

base::Result<std::vector<QuantConfig>> ExpandPresets(const QuantSpec& spec) {
  const bool one = spec.preset.has_value() || !spec.fields.values.empty();
  const bool named = !spec.presets.empty() || !spec.custom.empty();
  const bool product = !spec.sweep.empty();
  if (static_cast<int>(one) + static_cast<int>(named) + static_cast<int>(product) > 1) {
    std::vector<std::string> used;
    if (spec.preset) used.emplace_back("preset");
    for (const auto& [field, value] : spec.fields.values) used.emplace_back(FieldName(field));
    if (!spec.presets.empty()) used.emplace_back("presets");
    if (!spec.custom.empty()) used.emplace_back("custom");
    if (product) used.emplace_back("sweep");
    return base::Invalid("spec.quantConfig: " + Join(used) +
                         " exclude each other; use preset and fields, or presets and custom, or sweep");
  }
  if (product) return Product(spec);
  if (named) return Named(spec);
  base::Result<QuantConfig> config = One(spec);
  if (!config.ok()) return config.error();
  return std::vector<QuantConfig>{*std::move(config)};
}

std::string Summary(const QuantConfig& config) {
  return "GEMM: " + config.gemm + ", KV cache: " + config.kvcache + ", attention: " + config.attention +
         ", MoE: " + config.moe;
}

}  // namespace autotune::quant
