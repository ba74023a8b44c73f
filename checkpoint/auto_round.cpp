// Intel's AutoRound.
#include <nlohmann/json.hpp>

#include "base/ascii_case.h"
#include "checkpoint/declaration.h"
#include "checkpoint/weight_tensors.h"

namespace autotune::checkpoint {

using nlohmann::json;

namespace {

StoredFormat AutoRoundFormat(const json* config, const json* defaults) {
  const auto value = [&](const char* key) {
    const json* found = Find(config, key);
    return found != nullptr ? found : Find(defaults, key);
  };
  const auto bits = [&](const char* key, std::int64_t otherwise) {
    const json* found = value(key);
    return found == nullptr ? otherwise : WholeNumber(*found).value_or(0);
  };
  const json* type = value("data_type");
  const std::string data_type =
      type != nullptr && type->is_string() ? base::AsciiLower(type->get<std::string>()) : "int";
  const std::int64_t weight_bits = bits("bits", 4);
  if (weight_bits >= 16) return StoredFormat{};  // left alone, whatever the default says of inputs
  const std::int64_t act_bits = bits("act_bits", 16);
  const json* act_type = value("act_data_type");
  const std::string act_data_type =
      act_type != nullptr && act_type->is_string() ? base::AsciiLower(act_type->get<std::string>()) : data_type;
  const NumberFormat inputs{act_data_type.starts_with("fp") || act_data_type.starts_with("mx") ||
                                act_data_type.starts_with("nv") || act_data_type.starts_with("float"),
                            act_bits};
  if (data_type.starts_with("mx_fp") || data_type.starts_with("mxfp")) return FormatOf({true, weight_bits}, inputs, 32);
  if (data_type.starts_with("nv_fp") || data_type.starts_with("nvfp")) return FormatOf({true, weight_bits}, inputs, 16);
  if (data_type.starts_with("fp") || data_type.starts_with("float")) return FormatOf({true, weight_bits}, inputs, 0);
  if (data_type.starts_with("int")) return FormatOf({false, weight_bits}, inputs, 0);
  return kOther;
}

// "int4-group128", "mx_fp4-group32"; inputs "none" or "int8".
void AddAutoRoundScheme(const json& config, const json& layer, ModelPart part, Declaration& declaration) {
  const auto value = [&](const char* key) { return Find(&layer, key) != nullptr ? &layer : &config; };
  std::string weights = base::AsciiLower(TextOf(value("data_type"), "data_type"));
  if (weights.empty() || weights == "int")
    weights = "int" + std::to_string(IntegerOf(value("bits"), "bits").value_or(4));
  const std::int64_t group = IntegerOf(value("group_size"), "group_size").value_or(128);
  weights += group > 0 ? "-group" + std::to_string(group) : "-channel";
  const json* symmetric = value("sym");
  if (Find(symmetric, "sym") != nullptr && !TrueAt(symmetric, "sym")) weights += "-asym";
  const std::int64_t bits = IntegerOf(value("act_bits"), "act_bits").value_or(16);
  std::string inputs = TextOf(value("act_data_type"), "act_data_type");
  if (inputs.empty() || inputs == "int") inputs = "int" + std::to_string(bits);
  declaration.AddScheme(part, weights, bits >= 16 ? "none" : inputs, TextOf(&config, "packing_format"));
}

// Where only the named blocks are quantized: their first name, if it is one of a multimodal model's. Engines whose
// class names its layers in another way find none of them.
void AddBlocks(const json& config, Declaration& declaration) {
  for (const char* key : {"block_name_to_quantize", "to_quant_block_names"}) {
    const json* names = Find(&config, key);
    if (names == nullptr) continue;
    if (names->is_array() && !names->empty()) names = &names->front();
    if (!names->is_string()) return;
    const std::string text = names->get<std::string>();
    const std::string first = text.substr(0, text.find(','));
    if (Contains(first, "language_model")) declaration.AddSpecialScheme("blocks", first);
    return;
  }
}

}  // namespace

void ReadAutoRound(const json& config, Declaration& declaration) {
  PartFormats parts;
  const StoredFormat whole = AutoRoundFormat(&config, nullptr);
  parts.Add(ModelPart::kBoth, whole);
  AddAutoRoundScheme(config, config, ModelPart::kBoth, declaration);
  if (const json* layers = FindObject(&config, "extra_config")) {
    for (const auto& [name, layer] : layers->items()) {
      const StoredFormat format = AutoRoundFormat(&layer, &config);
      if (format.family == "none") {
        declaration.ignored.push_back(name);
      } else if (format != whole && !Contains(name, "lm_head") && IsOfLanguageLayers(name)) {
        parts.Add(ModelPartOf(name), format);
        AddAutoRoundScheme(config, layer, ModelPartOf(name), declaration);
      }
    }
  }
  parts.Into(declaration);
  AddBlocks(config, declaration);
  if (whole.family == "int4-wna16") declaration.block = GroupOf(IntegerOf(&config, "group_size"));
}

}  // namespace autotune::checkpoint
