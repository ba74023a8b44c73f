// NVIDIA's ModelOpt.
#include <nlohmann/json.hpp>

#include "base/ascii_case.h"
#include "checkpoint/declaration.h"
#include "checkpoint/weight_tensors.h"

namespace autotune::checkpoint {

using nlohmann::json;

namespace {

// quant_algo names, as in tensorrt_llm.quantization.QuantAlgo.
StoredFormat ModelOptFormat(std::string_view algorithm) {
  const std::string name = base::AsciiLower(algorithm);
  if (name.empty() || name == "none" || name == "no_quant" || name == "unquantized") return {};
  const bool from_fp8 = name.ends_with("_fp8");
  // Before "w4a8": W4A8_MXFP4_FP8 and W4A8_NVFP4_FP8 are 4-bit floats, W4A8_AWQ is not.
  if (Contains(name, "mxfp4")) {
    if (from_fp8) return {"mxfp4", "fp8"};
    return {"mxfp4", Contains(name, "mxfp8") ? "mxfp8" : Contains(name, "a16") ? "none" : "mxfp4"};
  }
  if (Contains(name, "nvfp4")) return {"nvfp4", from_fp8 ? "fp8" : Contains(name, "a16") ? "none" : "nvfp4"};
  if (name.starts_with("w4a8")) return {"w4a8", "fp8"};
  if (name.starts_with("w4a16")) return {"int4-wna16", "none"};
  if (name.starts_with("w8a16")) return {"int8-w8a16", "none"};
  if (name.starts_with("w8a8_sq") || name == "int8") return {"int8-w8a8", "int8"};
  if (name.starts_with("mxfp8")) return {"mxfp8", "mxfp8"};
  if (name == "fp8_pb_wo") return {"fp8-w8a16", "none"};
  if (name.starts_with("fp8")) return {"fp8", "fp8"};
  return kOther;
}

}  // namespace

void ReadModelOpt(const json& quantization, bool nested, Declaration& declaration) {
  const std::string algorithm = TextOf(&quantization, "quant_algo");
  const json* layers = FindObject(&quantization, "quantized_layers");
  if (base::AsciiLower(algorithm) == "mixed_precision" && layers != nullptr && !layers->empty()) {
    PartFormats parts;
    for (const auto& [layer, config] : layers->items()) {
      const ModelPart part = ModelPartOf(layer) == ModelPart::kExperts ? ModelPart::kExperts : ModelPart::kLinear;
      const StoredFormat format = ModelOptFormat(TextOf(&config, "quant_algo"));
      if (IsHead(layer)) {
        if (format.family != "none") declaration.AddSpecialScheme("head", TextOf(&config, "quant_algo"), "-", "mixed");
        continue;
      }
      if (!IsOfLanguageLayers(layer)) continue;
      parts.Add(part, format);
      if (format.family != "none") declaration.AddScheme(part, TextOf(&config, "quant_algo"), "-", "mixed");
    }
    parts.Into(declaration);
  } else if (base::AsciiLower(algorithm) == "mixed_precision") {
    declaration.Both({"mixed", ""});
    declaration.AddScheme(ModelPart::kLinear, algorithm, "-", "empty");
  } else {
    declaration.Both(ModelOptFormat(algorithm));
    if (declaration.linear->family != "none") declaration.AddScheme(ModelPart::kBoth, algorithm);
    if (declaration.linear == kOther) {
      declaration.notes.push_back(declaration.where + ": quant_algo \"" + algorithm.substr(0, 40) +
                                  "\" is not one that this version knows");
    }
  }
  if (base::AsciiLower(algorithm) == "fp8_block_scales" || base::AsciiLower(algorithm) == "fp8_pb_wo")
    declaration.block = WeightBlock{128, 128};
  if (declaration.linear->family == "int4-wna16" || declaration.linear->family == "w4a8")
    declaration.block = GroupOf(IntegerOf(&quantization, "group_size"));
  // Where a file has both, engines look for the scheme first.
  const json* scheme = Find(&quantization, "kv_cache_scheme");
  declaration.kv_cache = KvScheme(scheme);
  declaration.kv_form = KvSchemeForm(scheme);
  if (declaration.kv_cache == "none") {
    declaration.kv_cache = KvAlgorithm(TextOf(&quantization, "kv_cache_quant_algo"));
    if (declaration.kv_cache != "none") declaration.kv_form = nested ? "nested" : "algorithm";
  }
  // Exports write "dynamic": false. vLLM reads every other scheme, also one that leaves it out, as none at all.
  if (scheme != nullptr && scheme->is_object() && !scheme->empty()) {
    const json* dynamic = Find(scheme, "dynamic");
    if (dynamic == nullptr || *dynamic != json(false)) {
      const std::string text = CompressedText(scheme);
      declaration.AddSpecialScheme("kv", text.find("-dynamic") == std::string::npos ? text + "-dynamic" : text);
    }
  }
  declaration.ignored = TextsOf(&quantization, "exclude_modules");
  for (const std::string& ignored : TextsOf(&quantization, "ignore")) declaration.ignored.push_back(ignored);
}

void ReadExpertDtype(const json* config, Declaration& declaration) {
  const std::string dtype = base::AsciiLower(TextOf(config, "expert_dtype"));
  if (dtype.empty() || declaration.own_experts) return;
  const std::optional<NumberFormat> numbers = NumbersOf(dtype);
  declaration.own_experts = true;
  declaration.AddScheme(ModelPart::kExperts, dtype);
  if (Contains(dtype, "nvfp4")) {
    declaration.experts = StoredFormat{"nvfp4", ""};
  } else if (numbers && numbers->is_float && numbers->bits == 4) {
    declaration.experts = StoredFormat{"mxfp4", ""};
  } else if (numbers && numbers->is_float && numbers->bits == 8) {
    declaration.experts = StoredFormat{"fp8", "fp8"};
  } else if (numbers && numbers->bits >= 16) {
    declaration.experts = StoredFormat{};
  } else {
    declaration.experts = kOther;
  }
}

void ReadExpertsOfTheirOwn(const json& config, Declaration& declaration) {
  if (declaration.method == "modelopt" || declaration.method == "modelopt_mixed") return;
  std::set<StoredFormat> formats;
  if (const std::string algorithm = TextOf(&config, "moe_quant_algo"); !algorithm.empty())
    formats.insert(ModelOptFormat(algorithm));
  if (const json* layers = FindObject(&config, "quantized_layers"); layers != nullptr && formats.empty()) {
    for (const auto& [layer, settings] : layers->items()) {
      if (ModelPartOf(layer) == ModelPart::kExperts && IsOfLanguageLayers(layer))
        formats.insert(ModelOptFormat(TextOf(&settings, "quant_algo")));
    }
  }
  if (!formats.empty()) {
    declaration.experts = Merged(formats);
    declaration.own_experts = true;
  }
  if (!formats.empty() && (declaration.method == "fp8" || declaration.method == "deepseek_v4_fp8")) {
    // "ignore" is what ModelOpt left as it was, in fp8 as well: engines read it of experts alone.
    declaration.ignored.clear();
    for (const char* key : {"modules_to_not_convert", "ignored_layers", "ignore", "exclude_modules"}) {
      const bool of_experts = std::string_view(key) == "ignore" || std::string_view(key) == "exclude_modules";
      for (const std::string& module : TextsOf(&config, key)) {
        if (!of_experts || IsOfRoutedExperts(module)) declaration.ignored.push_back(module);
      }
    }
    const std::string algorithm = base::AsciiLower(TextOf(&config, "moe_quant_algo"));
    const std::int64_t group = IntegerOf(&config, "group_size").value_or(0);
    if (!algorithm.empty())
      declaration.AddScheme(ModelPart::kExperts, algorithm + (group > 0 ? "-group" + std::to_string(group) : ""));
  }
  ReadExpertDtype(&config, declaration);
}

}  // namespace autotune::checkpoint
