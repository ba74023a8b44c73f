// compressed-tensors: llm-compressor's files.
#include <nlohmann/json.hpp>

#include "base/ascii_case.h"
#include "checkpoint/declaration.h"
#include "checkpoint/weight_tensors.h"

namespace autotune::checkpoint {

using nlohmann::json;

namespace {

NumberFormat CompressedNumbers(const json* scheme) {
  if (scheme == nullptr) return {};
  return {TextOf(scheme, "type") == "float", IntegerOf(scheme, "num_bits").value_or(0)};
}

// Without the names of modules that only hold others: "model.layers.0.linear_attn". compressed-tensors compares whole
// names, or those that begin with "re:", so a parent's name leaves none of its linear layers alone. "experts" are one
// layer in engines.
std::vector<std::string> WithoutParents(std::vector<std::string> names) {
  constexpr std::array<std::string_view, 14> kParents = {
      "self_attn",    "self_attention",   "cross_attn",    "linear_attn",    "attn",         "attention",  "mlp",
      "feed_forward", "block_sparse_moe", "shared_expert", "shared_experts", "share_expert", "shared_mlp", "mixer"};
  std::set<std::string> parents;
  for (const std::string& name : names) {
    for (std::size_t dot = name.find('.'); dot != std::string::npos; dot = name.find('.', dot + 1))
      parents.insert(name.substr(0, dot));
  }
  std::erase_if(names, [&](const std::string& name) {
    const std::size_t dot = name.rfind('.');
    if (name.starts_with("re:") || dot == std::string::npos) return false;
    const std::string_view last = std::string_view(name).substr(dot + 1);
    const bool layer = std::string_view(name).substr(0, dot).ends_with("layers") &&
                       std::ranges::all_of(last, [](unsigned char c) { return std::isdigit(c) != 0; });
    return last != "experts" &&
           (layer || parents.contains(name) || std::ranges::find(kParents, last) != kParents.end());
  });
  return names;
}

bool MeansAttention(const std::string& target) {
  const std::string lower = base::AsciiLower(target);
  return lower == "linear" || (IsOfLanguageLayers(target) && (Contains(lower, "attn") || Contains(lower, "kv_b_proj")));
}

}  // namespace

std::string CompressedText(const json* scheme) {
  if (scheme == nullptr || !scheme->is_object()) return "none";
  const std::optional<std::int64_t> group = IntegerOf(scheme, "group_size");
  std::string text = TextOf(scheme, "type") == "float" ? "fp" : "int";
  text += std::to_string(IntegerOf(scheme, "num_bits").value_or(8));
  std::string strategy = TextOf(scheme, "strategy");
  if (strategy.empty()) strategy = !group ? "tensor" : *group > 0 ? "group" : "channel";
  text += "-" + strategy;
  if (strategy == "block") {
    if (const auto block = BlockOf(Find(scheme, "block_structure"))) text += block->ToString();
  } else if (group && *group > 0 && (strategy == "group" || strategy == "tensor_group")) {
    text += std::to_string(*group);
  }
  const json* dynamic = Find(scheme, "dynamic");
  if (dynamic != nullptr && (dynamic->is_string() || TrueAt(scheme, "dynamic"))) text += "-dynamic";
  if (Find(scheme, "symmetric") != nullptr && !TrueAt(scheme, "symmetric")) text += "-asym";
  const std::string order = base::AsciiLower(TextOf(scheme, "actorder"));
  if (order == "group" || order == "dynamic" || TrueAt(scheme, "actorder")) text += "-actorder";
  return text;
}

void ReadCompressedTensors(const json& config, Declaration& declaration) {
  PartFormats parts;
  bool embeddings = false, attention = false, gates = false;
  const json* groups = FindObject(&config, "config_groups");
  if (groups == nullptr && Find(&config, "config_groups") != nullptr)
    declaration.notes.push_back(declaration.where +
                                ".config_groups is not an object; the format of all weights is not known");
  if (groups != nullptr) {
    for (const auto& [name, group] : groups->items()) {
      const json* weights = FindObject(&group, "weights");
      const std::vector<std::string> targets = TextsOf(&group, "targets");
      if (weights == nullptr) {
        // Quantized queries, keys and values: {"targets": ["LlamaAttention"], "weights": null, "input_activations":
        // ...}.
        if (FindObject(&group, "input_activations") == nullptr) continue;
        attention = true;
        const bool of_a_class = targets.size() == 1 && targets.front().ends_with("Attention");
        declaration.AddSpecialScheme("attention", "none", CompressedText(FindObject(&group, "input_activations")),
                                     of_a_class ? "class" : "pattern");
        continue;
      }
      if (!targets.empty() && std::ranges::all_of(targets, IsEmbedding)) {
        embeddings = true;
        continue;
      }
      if (!targets.empty() && std::ranges::none_of(targets, IsOfLanguageLayers)) {
        if (std::ranges::any_of(targets,
                                [](const std::string& target) { return Contains(base::AsciiLower(target), "mtp"); })) {
          const std::string packing = TextOf(&group, "format");
          declaration.AddSpecialScheme("mtp", CompressedText(weights),
                                       CompressedText(FindObject(&group, "input_activations")),
                                       packing.empty() ? TextOf(&config, "format") : packing);
        }
        continue;
      }
      gates = gates || targets.empty() || std::ranges::any_of(targets, CanMeanLinearGates);
      const std::int64_t size = IntegerOf(weights, "group_size").value_or(0);
      StoredFormat format =
          FormatOf(CompressedNumbers(weights), CompressedNumbers(FindObject(&group, "input_activations")),
                   std::max<std::int64_t>(size, 0));
      if (!declaration.block) declaration.block = BlockOf(Find(weights, "block_structure"));
      if (!declaration.block && format.family == "int4-wna16") declaration.block = GroupOf(size);
      std::set<ModelPart> about;
      for (const std::string& target : targets) about.insert(ModelPartOf(target));
      if (about.empty()) about.insert(ModelPart::kBoth);
      const std::string inputs = CompressedText(FindObject(&group, "input_activations"));
      const std::string outputs = FindObject(&group, "output_activations") == nullptr ? "" : "+output";
      std::string packing = TextOf(&group, "format");
      // The name of the whole means that each group has its own, which not every engine looks at.
      const bool mixed = TextOf(&config, "format") == "mixed-precision";
      if (packing.empty() && !mixed) packing = TextOf(&config, "format");
      if (mixed) packing = "mixed:" + (packing.empty() ? "-" : packing);
      if (Contains(packing, "pack-quantized") && (targets.empty() || std::ranges::any_of(targets, MeansAttention)))
        declaration.packed_attention = TextOf(weights, "type") == "float" ? "fp" : "int";
      for (const ModelPart part : about) {
        parts.Add(part, format);
        declaration.AddScheme(part, CompressedText(weights), inputs + outputs, packing);
      }
    }
  }
  if (embeddings)
    declaration.notes.push_back(
        declaration.where + " quantizes the embedding or the output layer; whether an engine loads that is not known");
  // {"num_bits": 8, "type": "float", "strategy": "tensor"} is what every loader expects; anything else is told.
  if (const json* kv = FindObject(&config, "kv_cache_scheme"); kv != nullptr && !kv->empty()) {
    const std::string text = CompressedText(kv);
    if (text != "fp8-tensor") declaration.AddSpecialScheme("kv", text);
  }
  // Empty in most files; with targets the weights are sparse.
  if (const json* sparsity = FindObject(&config, "sparsity_config"); !TextsOf(sparsity, "targets").empty())
    declaration.AddSpecialScheme("sparse", TextOf(sparsity, "sparsity_structure"), "-", TextOf(sparsity, "format"));
  // Rotations before quantized layers (QuIP, SpinQuant).
  const json* transforms = FindObject(FindObject(&config, "transform_config"), "config_groups");
  if (transforms != nullptr && !transforms->empty()) declaration.AddSpecialScheme("transform", "-");
  if (parts.empty() && (embeddings || attention)) {
    declaration.Both(StoredFormat{});
    declaration.no_linear_layer = true;
  } else if (parts.empty()) {
    const std::string format = TextOf(&config, "format");
    StoredFormat whole = kOther;
    if (format == "float-quantized") whole = {"fp8", "fp8"};
    if (format == "int-quantized") whole = {"int8-w8a8", "int8"};
    if (format == "pack-quantized") whole = {"int4-wna16", "none"};
    if (Contains(format, "nvfp4")) whole = {"nvfp4", ""};
    if (Contains(format, "mxfp4")) whole = {"mxfp4", ""};
    declaration.Both(whole);
  } else {
    parts.Into(declaration);
    declaration.own_experts = true;  // whether a group speaks of them or none does
    declaration.linear_gates = gates;
  }
  declaration.ignored = WithoutParents(TextsOf(&config, "ignore"));
}

}  // namespace autotune::checkpoint
