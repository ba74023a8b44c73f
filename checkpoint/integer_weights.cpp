// GPTQ, AWQ and their kin, and Humming.
#include <nlohmann/json.hpp>

#include "checkpoint/declaration.h"
#include "checkpoint/weight_tensors.h"

namespace autotune::checkpoint {

using nlohmann::json;

namespace {

// GPTQ's optional list of names (also a list of lists) that are quantized: ["self_attn.q_proj", "mlp.up_proj"]. A name
// is a part of a module's whole name.
std::vector<std::string> ListedModules(const json& config) {
  std::vector<std::string> names;
  const json* lists = FindArray(&config, "modules_in_block_to_quantize");
  if (lists == nullptr) return names;
  for (const json& list : *lists) {
    if (list.is_string()) names.push_back(list.get<std::string>());
    if (!list.is_array()) continue;
    for (const json& name : list) {
      if (name.is_string()) names.push_back(name.get<std::string>());
    }
  }
  return names;
}

// "int4-group128-asym-actorder" of GPTQ or AWQ; `layer` = settings of some layers that go before those of all.
std::string IntegerText(const json& config, const json* layer, bool awq) {
  const auto of = [&](const char* key) { return Find(layer, key) != nullptr ? layer : &config; };
  std::optional<std::int64_t> bits = IntegerOf(of("bits"), "bits");
  if (!bits) bits = IntegerOf(&config, "w_bit");
  std::optional<std::int64_t> group = IntegerOf(of("group_size"), "group_size");
  if (!group) group = IntegerOf(&config, "q_group_size");
  std::string text = "int" + std::to_string(bits.value_or(4));
  text += group && *group > 0 ? "-group" + std::to_string(*group) : "-channel";
  // AWQ has zero points unless it says otherwise.
  const bool symmetric = Find(of("sym"), "sym") != nullptr ? TrueAt(of("sym"), "sym") : !awq;
  if (Find(&config, "zero_point") != nullptr ? TrueAt(&config, "zero_point") : !symmetric) text += "-asym";
  if (TrueAt(of("desc_act"), "desc_act")) text += "-actorder";
  return text;
}

// Whether a pattern is about one of the projections that engines compute together: "q_proj", not "qkv_proj".
bool NamesPartOfFused(std::string_view pattern) {
  if (Contains(pattern, "qkv_proj") || Contains(pattern, "gate_up_proj")) return false;
  for (const std::string_view projection : {"q_proj", "k_proj", "v_proj", "gate_proj", "up_proj"}) {
    const std::size_t at = pattern.find(projection);
    if (at == std::string_view::npos) continue;
    const bool whole_word =
        at == 0 || (std::isalnum(static_cast<unsigned char>(pattern[at - 1])) == 0 && pattern[at - 1] != '_');
    if (whole_word) return true;
  }
  return false;
}

}  // namespace

void ReadIntegerWeights(const json& config, Declaration& declaration) {
  const std::int64_t bits = IntegerOf(&config, "bits").value_or(IntegerOf(&config, "w_bit").value_or(4));
  std::optional<std::int64_t> group = IntegerOf(&config, "group_size");
  if (!group) group = IntegerOf(&config, "q_group_size");
  const bool awq = Contains(declaration.method, "awq");
  PartFormats parts;
  parts.Add(ModelPart::kBoth, FormatOf({false, bits}, {}, 0));
  std::string packing = TextOf(&config, "checkpoint_format");
  if (packing.empty()) packing = TextOf(&config, "version");
  const std::string of_all = IntegerText(config, nullptr, awq);
  declaration.AddScheme(ModelPart::kBoth, of_all, "none", packing);
  // GPTQModel's rules by module: "-:pattern" leaves it alone, "+:pattern" changes settings.
  if (const json* rules = FindObject(&config, "dynamic")) {
    for (const auto& [rule, settings] : rules->items()) {
      const std::size_t colon = rule.find(':');
      const std::string written = colon == std::string::npos ? rule : rule.substr(colon + 1);
      const std::string pattern = WithoutEscapes(written);
      const std::string own = IntegerText(config, &settings, awq);
      if (rule.starts_with("-")) {
        declaration.ignored.push_back(written);
      } else if (!IsOfLanguageLayers(pattern)) {
        continue;
      } else if (own != of_all) {
        parts.Add(ModelPartOf(pattern), FormatOf({false, IntegerOf(&settings, "bits").value_or(bits)}, {}, 0));
        declaration.AddScheme(ModelPartOf(pattern), own, "none", packing);
      } else {
        continue;
      }
      if (NamesPartOfFused(pattern) && !Contains(pattern, "expert"))
        declaration.AddSpecialScheme("dynamic", "projections");
    }
  }
  declaration.listed = ListedModules(config);
  declaration.linear_gates = declaration.listed.empty() || std::ranges::any_of(declaration.listed, CanMeanLinearGates);
  parts.Into(declaration);
  if (group && *group > 0) declaration.block = GroupOf(group);
}

// Humming, a library of kernels: {"dtype": "uint4", "group_size": 128}. Its names: "int3", "uint8", "float8e4m3",
// "float4e2m1"; several spellings of each key.
void ReadHumming(const json& config, Declaration& declaration) {
  const auto text = [&](std::initializer_list<const char*> keys) {
    for (const char* key : keys) {
      if (const std::string found = TextOf(&config, key); !found.empty()) return found;
    }
    return std::string();
  };
  const auto number = [&](std::initializer_list<const char*> keys) {
    for (const char* key : keys) {
      if (const auto found = IntegerOf(&config, key)) return *found;
    }
    return std::int64_t{0};
  };
  const std::optional<NumberFormat> weights = NumbersOf(text({"b_dtype", "weight_dtype", "dtype"}));
  if (!weights) return declaration.Both(kOther);
  const std::int64_t group = number({"weight_scale_group_size", "group_size"});
  const std::int64_t rows = number({"weight_scale_group_size_n", "group_size_n"});
  const std::string inputs = text({"a_dtype", "input_dtype"});
  const std::optional<NumberFormat> input = inputs.empty() ? NumberFormat{} : NumbersOf(inputs);
  declaration.Both(input ? FormatOf(*weights, *input, group) : kOther);
  if (rows > 1 && group > 0 && rows <= kLargestBlock && group <= kLargestBlock) {
    declaration.block = WeightBlock{rows, group};
  } else if (group > 0) {
    declaration.block = GroupOf(group);
  }
}

}  // namespace autotune::checkpoint
