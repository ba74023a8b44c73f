// AMD's Quark.
#include <nlohmann/json.hpp>

#include "base/ascii_case.h"
#include "checkpoint/declaration.h"
#include "checkpoint/weight_tensors.h"

namespace autotune::checkpoint {

using nlohmann::json;

namespace {

// One tensor: {"dtype": "fp8_e4m3", "group_size": 32, ...}, or a list of them applied one after the other.
std::optional<NumberFormat> QuarkNumbers(const json* tensor, std::int64_t* group) {
  if (tensor == nullptr) return NumberFormat{};
  if (tensor->is_array()) {
    // Int4 over fp8: what is stored is the narrowest.
    std::optional<NumberFormat> narrowest;
    for (const json& step : *tensor) {
      const auto numbers = QuarkNumbers(&step, group);
      if (!numbers) return std::nullopt;
      if (!narrowest || numbers->bits < narrowest->bits) narrowest = numbers;
    }
    return narrowest ? narrowest : NumberFormat{};
  }
  if (!tensor->is_object()) return std::nullopt;
  if (group != nullptr) *group = std::max(*group, IntegerOf(tensor, "group_size").value_or(0));
  return NumbersOf(TextOf(tensor, "dtype"));
}

StoredFormat QuarkFormat(const json* config) {
  std::int64_t group = 0;
  const auto weights = QuarkNumbers(Find(config, "weight"), &group);
  const auto inputs = QuarkNumbers(Find(config, "input_tensors"), nullptr);
  if (!weights || !inputs) return kOther;
  // Quark has one 4-bit float, OCP's in groups of 32; older files leave the group out.
  if (weights->is_float && weights->bits == 4 && group == 0) group = 32;
  return FormatOf(*weights, *inputs, group);
}

// "fp8-tensor", "int4-channel" and, for steps one after the other, "fp8-tensor+int4-channel".
std::string QuarkText(const json* tensor) {
  if (tensor == nullptr) return "none";
  if (tensor->is_array()) {
    std::string steps;
    for (const json& step : *tensor) steps += (steps.empty() ? "" : "+") + QuarkText(&step);
    return steps.empty() ? "none" : steps;
  }
  std::string text = base::AsciiLower(TextOf(tensor, "dtype"));
  if (text.starts_with("fp8")) text = "fp8";
  std::string scheme = TextOf(tensor, "qscheme");
  if (scheme.starts_with("per_")) scheme.erase(0, 4);
  if (!scheme.empty()) text += "-" + scheme;
  if (scheme == "group") text += std::to_string(IntegerOf(tensor, "group_size").value_or(0));
  if (TrueAt(tensor, "is_dynamic")) text += "-dynamic";
  if (Find(tensor, "symmetric") != nullptr && !TrueAt(tensor, "symmetric") && Contains(text, "int")) text += "-asym";
  return text;
}

void AddQuarkScheme(const json* config, ModelPart part, Declaration& declaration) {
  if (config == nullptr || Find(config, "weight") == nullptr) return;
  const std::string outputs = Find(config, "output_tensors") == nullptr ? "" : "+output";
  declaration.AddScheme(part, QuarkText(Find(config, "weight")), QuarkText(Find(config, "input_tensors")) + outputs);
}

}  // namespace

void ReadQuark(const json& config, Declaration& declaration) {
  PartFormats parts;
  parts.Add(ModelPart::kBoth, QuarkFormat(FindObject(&config, "global_quant_config")));
  AddQuarkScheme(FindObject(&config, "global_quant_config"), ModelPart::kBoth, declaration);
  for (const char* key : {"layer_quant_config", "layer_type_quant_config"}) {
    if (const json* layers = FindObject(&config, key)) {
      for (const auto& [pattern, layer] : layers->items()) {
        if (!layer.is_object() || !IsOfLanguageLayers(pattern)) continue;
        const ModelPart part = ModelPartOf(pattern);
        const StoredFormat format = QuarkFormat(&layer);
        // The same again, with a quantized output for the KV cache.
        parts.Add(part, format);
        if (key == std::string_view("layer_quant_config") && !Contains(pattern, "k_proj") &&
            !Contains(pattern, "v_proj"))
          AddQuarkScheme(&layer, part, declaration);
      }
    }
  }
  parts.Into(declaration);
  declaration.ignored = TextsOf(&config, "exclude");
  // A layer that no list names has no format, and that is not "unquantized" to an engine.
  const bool attention_named = std::ranges::any_of(declaration.ignored, [](const std::string& module) {
    return Contains(module, "attn") || Contains(module, "attention");
  });
  if (Find(FindObject(&config, "global_quant_config"), "weight") == nullptr && declaration.linear->family == "none" &&
      declaration.experts->family != "none" && !attention_named)
    declaration.AddSpecialScheme("unlisted", "none");
  // "*lm_head", which not every engine reads as a pattern.
  if (std::ranges::any_of(declaration.ignored, [](const std::string& module) {
        return !module.starts_with("re:") && Contains(module, "*");
      }))
    declaration.AddSpecialScheme("ignored", "glob");
  // {"*k_proj": {"output_tensors": {"dtype": "fp8_e4m3"}}}; older exports have only the group.
  if (const json* kv = FindObject(&config, "kv_cache_quant_config"); kv != nullptr && !kv->empty()) {
    declaration.kv_cache = "unknown";
    for (const auto& [pattern, layer] : kv->items()) {
      const json* outputs = Find(&layer, "output_tensors");
      if (outputs != nullptr && outputs->is_array() && !outputs->empty()) outputs = &outputs->front();
      const std::string dtype = TextOf(outputs != nullptr ? outputs : &layer, "dtype");
      if (!dtype.empty()) declaration.kv_cache = KvAlgorithm(dtype);
    }
  } else if (const json* group = FindArray(&config, "kv_cache_group"); group != nullptr && !group->empty()) {
    declaration.kv_cache = "fp8";
  }
}

}  // namespace autotune::checkpoint
