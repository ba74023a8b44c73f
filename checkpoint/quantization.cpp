#include "checkpoint/quantization.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "checkpoint/json_keys.h"
#include "checkpoint/weight_tensors.h"

namespace autotune::checkpoint {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxIgnored = 12;
constexpr std::size_t kMaxSchemes = 8;
constexpr std::int64_t kLargestBlock = 1 << 20;  // far above any, and products fit

// A family and what the inputs of its layers are; "" = not known.
struct Format {
  std::string family = "none";
  std::string activations = "none";
  bool operator==(const Format&) const = default;
  auto operator<=>(const Format&) const = default;
};

const Format kOther{"other", ""};

// Numbers as tools describe them: "float" or "int" and bits; 16 bits = not quantized.
struct Numbers {
  bool is_float = false;
  std::int64_t bits = 16;
};

// A format from its numbers. `group` = weights along the input that share one scale; 0 = more than a group.
Format FormatOf(const Numbers& weights, const Numbers& inputs, std::int64_t group) {
  Format format;
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

// "fp8_e4m3", "float8_e4m3fn", "int4", "uint4", "fp4", "bfloat16": nullopt for what is not understood.
std::optional<Numbers> NumbersOf(std::string_view dtype) {
  const std::string name = Lower(dtype);
  if (name.empty()) return std::nullopt;
  if (Contains(name, "bfloat16") || Contains(name, "float16") || Contains(name, "fp16") || Contains(name, "bf16") ||
      Contains(name, "float32"))
    return Numbers{true, 16};
  for (const std::int64_t bits : {8, 6, 5, 4, 3, 2, 1}) {
    const std::string digits = std::to_string(bits);
    if (Contains(name, "int" + digits)) return Numbers{false, bits};
    if (Contains(name, "fp" + digits) || Contains(name, "float" + digits)) return Numbers{true, bits};
  }
  return std::nullopt;
}

// ---- Parts of a model -----------------------------------------------------------------------------------------------

enum class Part { kLinear, kExperts, kBoth };

// What a pattern over module names speaks of: "re:.*mlp.experts.*", "model.layers.3.self_attn.q_proj", "Linear".
Part PartOf(std::string_view pattern) {
  const std::string name = Lower(pattern);
  // "re:.*mlp.*(gate|up|down)_proj" matches experts' projections and those of other MLPs.
  for (const std::string_view word : {"mlp.*", "ffn.*", "feed_forward.*", "moe.*"}) {
    const std::size_t at = name.find(word);
    const bool layer = at != std::string::npos && name.find("shared", at) == std::string::npos;
    if (layer && name.find("proj", at) != std::string::npos) return Part::kBoth;
  }
  if (Contains(name, "shared_expert") || Contains(name, "shared_mlp")) return Part::kLinear;
  if (Contains(name, "expert") || Contains(name, "moe.down") || Contains(name, "moe.up")) return Part::kExperts;
  for (const std::string_view word : {"attn", "attention", "_proj", "lm_head", "embed", "mixer", "mamba", "dense"}) {
    if (Contains(name, word)) return Part::kLinear;
  }
  return Part::kBoth;
}

// "model.layers.17.mlp" -> "model.layers.*.mlp".
std::string WithoutNumbers(std::string_view pattern) {
  std::string general;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const bool digit = std::isdigit(static_cast<unsigned char>(pattern[i])) != 0;
    const bool starts_word = i == 0 || pattern[i - 1] == '.';
    if (!digit || !starts_word) {
      general += pattern[i];
      continue;
    }
    std::size_t end = i;
    while (end < pattern.size() && std::isdigit(static_cast<unsigned char>(pattern[end])) != 0) ++end;
    const bool whole = end == pattern.size() || pattern[end] == '.' || pattern[end] == '*';
    general += whole ? "*" : pattern.substr(i, end - i);
    i = end - 1;
  }
  return general;
}

// A regular expression's "model\\.layers" as a name: "model.layers".
std::string WithoutEscapes(std::string_view pattern) {
  std::string name;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '\\' || i + 1 == pattern.size() || std::isalnum(static_cast<unsigned char>(pattern[i + 1])) != 0)
      name += pattern[i];
  }
  return name;
}

// Whether a pattern picks layers by a choice of numbers: "layers.(0|1)", "layers.[0-9]", "layers.1.*".
bool NamesSomeLayers(std::string_view pattern) {
  for (const std::string_view word : {"layers.", ".h.", "blocks."}) {
    const std::size_t at = pattern.find(word);
    if (at == std::string_view::npos) continue;
    const std::string_view rest = pattern.substr(at + word.size());
    const std::size_t start = rest.find_first_not_of("([?:");
    if (start != std::string_view::npos && std::isdigit(static_cast<unsigned char>(rest[start])) != 0) return true;
  }
  return false;
}

// Which parts a list of modules that stay unquantized covers wholly.
class IgnoredModules {
 public:
  IgnoredModules(const std::vector<std::string>& patterns, const ModelFacts& facts) {
    const std::int64_t layers = facts.layers.value_or(0);
    std::set<std::string> of_all_layers;
    for (const std::string& listed : patterns) {
      const std::string pattern = WithoutEscapes(listed);
      const std::string general = WithoutNumbers(pattern);
      ++counts_[general];
      examples_.emplace(general, listed);
      // "model.layers.0.mlp" is of one layer and "(0|1)" of some; "model.layers.*.mlp" and ".*mlp.*" are of all.
      if (general == pattern && !NamesSomeLayers(pattern)) of_all_layers.insert(general);
    }
    // "model.layers.0*" and "model.layers.0.*" leave a whole layer alone.
    std::int64_t whole_layers = 0;
    for (const auto& [general, count] : counts_) {
      const std::size_t end = general.find_last_not_of("*.");
      if (end != std::string::npos && general.substr(0, end + 1).ends_with("layers") &&
          !of_all_layers.contains(general))
        whole_layers += count;
    }
    dense_ = facts.dense_layers && whole_layers >= *facts.dense_layers;
    for (const auto& [general, count] : counts_) {
      // The dense layers beside those with experts, of which there are few.
      const bool all_dense =
          facts.experts > 0 && facts.dense_layers > 0 && Contains(general, "mlp.") && count >= *facts.dense_layers;
      const bool everywhere =
          of_all_layers.contains(general) || all_dense || (layers > 0 && count + whole_layers >= layers);
      if (!everywhere) continue;
      // Named by those layers where it is no more of them.
      if (!all_dense || of_all_layers.contains(general) || count > *facts.dense_layers) everywhere_.insert(general);
      Cover(Lower(general));
    }
  }

  // All of them; the facts keep kMaxIgnored.
  [[nodiscard]] std::vector<std::string> patterns() const {
    std::vector<std::string> list;
    for (const auto& [general, count] : counts_) {
      const std::string& example = examples_.at(general);
      // Modules of a few layers are not those of all.
      const bool numbered = WithoutEscapes(example) != general;
      const bool some = numbered && !everywhere_.contains(general);
      std::string name = (some || !numbered ? example : general).substr(0, 80);
      if (some && count > 1)
        name += " and " + std::to_string(count - 1) + (count == 2 ? " more layer" : " more layers");
      list.push_back(std::move(name));
    }
    return list;
  }
  [[nodiscard]] bool attention() const {
    return attention_ || std::ranges::all_of(std::array{"q", "k", "v", "o"},
                                             [&](const char* projection) { return projections_.contains(projection); });
  }
  [[nodiscard]] bool dense() const { return dense_ || (projections_.contains("up") && projections_.contains("down")); }
  [[nodiscard]] bool experts() const { return experts_; }
  [[nodiscard]] bool shared() const { return shared_; }

 private:
  // What remains of a pattern behind `word`, without a regular expression's signs; nullopt if the word is not in it.
  static std::optional<std::string> Behind(const std::string& name, std::string_view word) {
    const std::size_t at = name.rfind(word);
    if (at == std::string::npos) return std::nullopt;
    std::string rest;
    for (const char c : name.substr(at + word.size())) {
      if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_') rest += c;
    }
    return rest;
  }

  void Cover(const std::string& name) {
    const bool shared = Contains(name, "shared_expert") || Contains(name, "shared_mlp");
    shared_ = shared_ || shared;
    for (const std::string_view word : {"self_attn", "self_attention", "attn", "attention"}) {
      if (const auto rest = Behind(name, word)) {
        attention_ = attention_ || rest->empty();
        break;
      }
    }
    if (const auto rest = Behind(name, "experts"); rest && rest->empty() && !shared) experts_ = true;
    if (const auto rest = Behind(name, "mlp"); rest && rest->empty() && !shared) dense_ = true;
    if (Contains(name, "expert")) return;
    for (const char* projection : {"q", "k", "v", "o", "up", "down"}) {
      if (Contains(name, std::string(projection) + "_proj")) projections_.insert(projection);
    }
    // "mlp\.(gate|up|gate_up|down)_proj"
    if (Contains(name, "|up|") || Contains(name, "(up|")) projections_.insert("up");
    if (Contains(name, "|down)") || Contains(name, "|down|")) projections_.insert("down");
    if (Contains(name, "qkv_proj")) projections_.insert({"q", "k", "v"});
    if (Contains(name, "gate_up_proj") || Contains(name, "gate_up|")) projections_.insert("up");
  }

  std::map<std::string, std::int64_t> counts_;
  std::map<std::string, std::string> examples_;  // the first name of each
  std::set<std::string> everywhere_;             // those of all layers
  std::set<std::string> projections_;
  bool attention_ = false, dense_ = false, experts_ = false, shared_ = false;
};

// ---- Declarations ---------------------------------------------------------------------------------------------------

// What one declaration says. A part without a format is like the other one.
struct Declaration {
  std::string where;
  std::string method = "none";
  std::optional<Format> linear, experts;
  std::string kv_cache = "none";
  std::optional<WeightBlock> block;
  std::vector<std::string> ignored;
  std::vector<std::string> notes;
  std::set<std::pair<Part, std::string>> schemes;  // see ModelFacts::schemes, without the part
  bool foreign = false;
  bool own_experts = false;         // the format of experts was declared for them alone
  std::vector<std::string> listed;  // names of the modules that are quantized, all others are not; empty = no list
  bool no_linear_layer = false;     // only the embedding, the output layer or attention is quantized
  std::vector<std::string> special_schemes;  // see ModelFacts::schemes: what is neither of linear layers nor of experts

  void Both(const Format& format) { linear = experts = format; }
  static std::string SchemeText(const std::string& weights, const std::string& inputs, const std::string& packing) {
    const auto word = [](const std::string& text) {
      std::string one = Lower(text).substr(0, 40);
      std::ranges::replace(one, ' ', '_');
      return one.empty() ? "-" : one;
    };
    return word(weights) + " " + word(inputs) + " " + word(packing);
  }
  void AddScheme(Part part, const std::string& weights, const std::string& inputs = "-",
                 const std::string& packing = "-") {
    schemes.emplace(part, SchemeText(weights, inputs, packing));
  }
  void AddSpecialScheme(const std::string& part, const std::string& weights, const std::string& inputs = "-",
                        const std::string& packing = "-") {
    std::string scheme = part + " " + SchemeText(weights, inputs, packing);
    if (std::ranges::find(special_schemes, scheme) == special_schemes.end())
      special_schemes.push_back(std::move(scheme));
  }
  [[nodiscard]] bool quantizes() const {
    return foreign || no_linear_layer || (linear && linear->family != "none") || (experts && experts->family != "none");
  }
};

// The names of methods that checkpoints carry, by the format that the name alone means. nullptr = details decide.
struct Methods {
  const char* family;
  const char* activations;
  std::string_view names;  // separated by spaces
};
constexpr std::array kMethods = {
    Methods{nullptr, nullptr,
            "auto-round compressed-tensors fp_quant humming inc modelopt modelopt_mixed quark torchao"},
    Methods{"bnb", "none", "bitsandbytes"},
    Methods{"fp8", "fp8", "deepseek_v4_fp8 fbgemm_fp8 fp8 modelopt_fp8 w8a8_fp8"},
    Methods{"gguf", "none", "gguf"},
    Methods{"int4-wna16", "none", "auto_awq auto_gptq awq awq_marlin bitblas gptq gptq_marlin marlin moe_wna16"},
    Methods{"int8-w8a16", "none", "eetq"},
    Methods{"int8-w8a8", "int8", "blockwise_int8 w8a8_int8"},
    Methods{"mxfp4", "none", "gpt_oss_mxfp4 mxfp4"},
    Methods{"mxfp8", "mxfp8", "modelopt_mxfp8 mxfp8"},
    Methods{"nvfp4", "nvfp4", "modelopt_fp4 nvfp4"},
    Methods{"nvfp4", "none", "petit_nvfp4"},
    Methods{"other", "", "aqlm bitnet"},
    Methods{"other", "none", "hqq squeezellm"},
    Methods{"w4a8", "fp8", "w4afp8"},
};

// Calls `each` with every name of `methods` until it returns true.
template <typename Each>
bool AnyName(const Methods& methods, Each each) {
  for (std::string_view rest = methods.names; !rest.empty();) {
    const std::size_t end = std::min(rest.find(' '), rest.size());
    if (each(rest.substr(0, end))) return true;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return false;
}

const Methods* FindMethod(std::string_view name) {
  const auto found = std::ranges::find_if(kMethods, [&](const Methods& methods) {
    return AnyName(methods, [&](std::string_view one) { return one == name; });
  });
  return found == kMethods.end() ? nullptr : &*found;
}

// Formats of other runtimes, which no engine here loads on a GPU.
constexpr std::array<std::string_view, 10> kForeign = {"mlx",      "exl2",   "exl3",   "ascend", "modelslim",
                                                       "openvino", "neuron", "coreml", "onnx",   "ggml"};

std::string KvAlgorithm(std::string_view algorithm) {
  std::string lower = Lower(algorithm);
  if (lower.empty() || lower == "none" || lower == "null" || lower == "auto") return "none";
  if (Contains(lower, "fp4")) return "nvfp4";
  if (Contains(lower, "fp8") || Contains(lower, "float8")) return "fp8";
  if (Contains(lower, "int8")) return "int8";
  return lower;
}

// compressed-tensors' and newer ModelOpt's {"num_bits": 8, "type": "float", ...}.
std::string KvScheme(const json* scheme) {
  if (scheme == nullptr) return "none";
  if (scheme->is_string()) return KvAlgorithm(scheme->get_ref<const std::string&>());
  if (!scheme->is_object() || scheme->empty()) return "none";
  const std::optional<std::int64_t> bits = IntegerOf(scheme, "num_bits");
  if (!bits) return "unknown";
  const bool is_float = TextOf(scheme, "type") != "int";
  if (is_float) return *bits == 4 ? "nvfp4" : *bits == 8 ? "fp8" : "fp" + std::to_string(*bits);
  return "int" + std::to_string(*bits);
}

// [128, 128], also as the text "128x128".
std::optional<WeightBlock> BlockOf(const json* shape) {
  if (shape != nullptr && shape->is_string()) {
    const std::string& text = shape->get_ref<const std::string&>();
    const std::size_t x = text.find('x');
    const json pair = x == std::string::npos ? json()
                                             : json::array({json::parse(text.substr(0, x), nullptr, false),
                                                            json::parse(text.substr(x + 1), nullptr, false)});
    return pair.is_array() ? BlockOf(&pair) : std::nullopt;
  }
  const auto sizes = IntegersOf(shape);
  const auto valid = [](std::int64_t size) { return size >= 1 && size <= kLargestBlock; };
  if (!sizes || sizes->size() != 2 || !valid((*sizes)[0]) || !valid((*sizes)[1])) return std::nullopt;
  return WeightBlock{(*sizes)[0], (*sizes)[1]};
}

std::optional<WeightBlock> GroupOf(std::optional<std::int64_t> size) {
  if (!size || *size < 1 || *size > kLargestBlock) return std::nullopt;
  return WeightBlock{1, *size};
}

// One family for parts that differ within themselves.
Format Merged(const std::set<Format>& formats) {
  if (formats.empty()) return Format{};
  if (formats.size() == 1) return *formats.begin();
  std::set<std::string> activations;
  for (const Format& format : formats) activations.insert(format.activations);
  return {"mixed", activations.size() == 1 ? *activations.begin() : ""};
}

// Collects formats for patterns over module names: what speaks of experts alone goes before what speaks of everything.
class Parts {
 public:
  void Add(Part part, const Format& format) {
    if (part != Part::kExperts) linear_[part == Part::kBoth ? 1 : 0].insert(format);
    if (part != Part::kLinear) experts_[part == Part::kBoth ? 1 : 0].insert(format);
  }
  void Into(Declaration& declaration) const {
    const auto one = [](const std::array<std::set<Format>, 2>& sets, bool together) -> std::optional<Format> {
      std::set<Format> formats = sets[0];
      if (together || formats.empty()) formats.insert(sets[1].begin(), sets[1].end());
      if (formats.empty()) return std::nullopt;
      return Merged(formats);
    };
    declaration.linear = one(linear_, true);
    declaration.experts = one(experts_, false);
    if (!declaration.linear) declaration.linear = Format{};
    if (!declaration.experts) declaration.experts = Format{};
  }
  [[nodiscard]] bool empty() const {
    return linear_[0].empty() && linear_[1].empty() && experts_[0].empty() && experts_[1].empty();
  }

 private:
  std::array<std::set<Format>, 2> linear_, experts_;  // of this part alone, of everything
};

// Whether a group's target is the embedding or the output layer: "Embedding", "re:.*embed_tokens$", "lm_head".
bool IsEmbedding(const std::string& target) {
  const std::string name = Lower(target);
  return name == "embedding" || name == "vocabparallelembedding" || Contains(name, "embed_tokens") ||
         Contains(name, "word_embeddings") || Contains(name, "lm_head");
}

// ---- compressed-tensors ---------------------------------------------------------------------------------------------

Numbers CompressedNumbers(const json* scheme) {
  if (scheme == nullptr) return {};
  return {TextOf(scheme, "type") == "float", IntegerOf(scheme, "num_bits").value_or(0)};
}

// "int4-group128-asym", "fp8-token-dynamic": QuantizationArgs with its defaults; "none" for no quantization.
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
  const std::string order = Lower(TextOf(scheme, "actorder"));
  if (order == "group" || order == "dynamic" || TrueAt(scheme, "actorder")) text += "-actorder";
  return text;
}

// Without the names of modules that only hold others: "model.layers.0.linear_attn". compressed-tensors compares whole
// names, or those that begin with "re:", so a parent's name leaves none of its linear layers alone. "experts" are one
// layer in engines.
std::vector<std::string> WithoutParents(std::vector<std::string> names) {
  constexpr std::array<std::string_view, 13> kParents = {
      "self_attn",    "self_attention",   "cross_attn",    "linear_attn",    "attn",       "attention", "mlp",
      "feed_forward", "block_sparse_moe", "shared_expert", "shared_experts", "shared_mlp", "mixer"};
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

void ReadCompressedTensors(const json& config, Declaration& declaration) {
  Parts parts;
  bool embeddings = false, attention = false;
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
        if (std::ranges::any_of(targets, [](const std::string& target) { return Contains(Lower(target), "mtp"); })) {
          const std::string packing = TextOf(&group, "format");
          declaration.AddSpecialScheme("mtp", CompressedText(weights),
                                       CompressedText(FindObject(&group, "input_activations")),
                                       packing.empty() ? TextOf(&config, "format") : packing);
        }
        continue;
      }
      const std::int64_t size = IntegerOf(weights, "group_size").value_or(0);
      Format format = FormatOf(CompressedNumbers(weights), CompressedNumbers(FindObject(&group, "input_activations")),
                               std::max<std::int64_t>(size, 0));
      if (!declaration.block) declaration.block = BlockOf(Find(weights, "block_structure"));
      if (!declaration.block && format.family == "int4-wna16") declaration.block = GroupOf(size);
      std::set<Part> about;
      for (const std::string& target : targets) about.insert(PartOf(target));
      if (about.empty()) about.insert(Part::kBoth);
      const std::string inputs = CompressedText(FindObject(&group, "input_activations"));
      const std::string outputs = FindObject(&group, "output_activations") == nullptr ? "" : "+output";
      std::string packing = TextOf(&group, "format");
      // The name of the whole means that each group has its own, which not every engine looks at.
      const bool mixed = TextOf(&config, "format") == "mixed-precision";
      if (packing.empty() && !mixed) packing = TextOf(&config, "format");
      if (mixed) packing = "mixed:" + (packing.empty() ? "-" : packing);
      for (const Part part : about) {
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
    declaration.Both(Format{});
    declaration.no_linear_layer = true;
  } else if (parts.empty()) {
    const std::string format = TextOf(&config, "format");
    Format whole = kOther;
    if (format == "float-quantized") whole = {"fp8", "fp8"};
    if (format == "int-quantized") whole = {"int8-w8a8", "int8"};
    if (format == "pack-quantized") whole = {"int4-wna16", "none"};
    if (Contains(format, "nvfp4")) whole = {"nvfp4", ""};
    if (Contains(format, "mxfp4")) whole = {"mxfp4", ""};
    declaration.Both(whole);
  } else {
    parts.Into(declaration);
    declaration.own_experts = true;  // whether a group speaks of them or none does
  }
  declaration.ignored = WithoutParents(TextsOf(&config, "ignore"));
}

// ---- ModelOpt -------------------------------------------------------------------------------------------------------

// quant_algo names, as in tensorrt_llm.quantization.QuantAlgo.
Format ModelOptFormat(std::string_view algorithm) {
  const std::string name = Lower(algorithm);
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

bool IsHead(std::string_view module) { return module == "lm_head" || module.ends_with(".lm_head"); }

void ReadModelOpt(const json& quantization, Declaration& declaration) {
  const std::string algorithm = TextOf(&quantization, "quant_algo");
  const json* layers = FindObject(&quantization, "quantized_layers");
  if (Lower(algorithm) == "mixed_precision" && layers != nullptr && !layers->empty()) {
    Parts parts;
    for (const auto& [layer, config] : layers->items()) {
      const Part part = PartOf(layer) == Part::kExperts ? Part::kExperts : Part::kLinear;
      const Format format = ModelOptFormat(TextOf(&config, "quant_algo"));
      if (IsHead(layer)) {
        if (format.family != "none") declaration.AddSpecialScheme("head", TextOf(&config, "quant_algo"), "-", "mixed");
        continue;
      }
      if (!IsOfLanguageLayers(layer)) continue;
      parts.Add(part, format);
      if (format.family != "none") declaration.AddScheme(part, TextOf(&config, "quant_algo"), "-", "mixed");
    }
    parts.Into(declaration);
  } else if (Lower(algorithm) == "mixed_precision") {
    declaration.Both({"mixed", ""});
    declaration.AddScheme(Part::kLinear, algorithm, "-", "empty");
  } else {
    declaration.Both(ModelOptFormat(algorithm));
    if (declaration.linear->family != "none") declaration.AddScheme(Part::kBoth, algorithm);
    if (declaration.linear == kOther) {
      declaration.notes.push_back(declaration.where + ": quant_algo \"" + algorithm.substr(0, 40) +
                                  "\" is not one that this version knows");
    }
  }
  if (Lower(algorithm) == "fp8_block_scales" || Lower(algorithm) == "fp8_pb_wo")
    declaration.block = WeightBlock{128, 128};
  if (declaration.linear->family == "int4-wna16" || declaration.linear->family == "w4a8")
    declaration.block = GroupOf(IntegerOf(&quantization, "group_size"));
  const json* kv = Find(&quantization, "kv_cache_quant_algo");
  declaration.kv_cache = kv != nullptr && kv->is_string() ? KvAlgorithm(kv->get<std::string>())
                                                          : KvScheme(Find(&quantization, "kv_cache_scheme"));
  // Exports write "dynamic": false. vLLM reads every other scheme, also one that leaves it out, as none at all.
  if (const json* scheme = FindObject(&quantization, "kv_cache_scheme"); scheme != nullptr && !scheme->empty()) {
    const json* dynamic = Find(scheme, "dynamic");
    if (dynamic == nullptr || *dynamic != json(false)) {
      const std::string text = CompressedText(scheme);
      declaration.AddSpecialScheme("kv", text.find("-dynamic") == std::string::npos ? text + "-dynamic" : text);
    }
  }
  declaration.ignored = TextsOf(&quantization, "exclude_modules");
  for (const std::string& ignored : TextsOf(&quantization, "ignore")) declaration.ignored.push_back(ignored);
}

// ---- Quark ----------------------------------------------------------------------------------------------------------

// One tensor: {"dtype": "fp8_e4m3", "group_size": 32, ...}, or a list of them applied one after the other.
std::optional<Numbers> QuarkNumbers(const json* tensor, std::int64_t* group) {
  if (tensor == nullptr) return Numbers{};
  if (tensor->is_array()) {
    // Int4 over fp8: what is stored is the narrowest.
    std::optional<Numbers> narrowest;
    for (const json& step : *tensor) {
      const auto numbers = QuarkNumbers(&step, group);
      if (!numbers) return std::nullopt;
      if (!narrowest || numbers->bits < narrowest->bits) narrowest = numbers;
    }
    return narrowest ? narrowest : Numbers{};
  }
  if (!tensor->is_object()) return std::nullopt;
  if (group != nullptr) *group = std::max(*group, IntegerOf(tensor, "group_size").value_or(0));
  return NumbersOf(TextOf(tensor, "dtype"));
}

Format QuarkFormat(const json* config) {
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
  std::string text = Lower(TextOf(tensor, "dtype"));
  if (text.starts_with("fp8")) text = "fp8";
  std::string scheme = TextOf(tensor, "qscheme");
  if (scheme.starts_with("per_")) scheme.erase(0, 4);
  if (!scheme.empty()) text += "-" + scheme;
  if (scheme == "group") text += std::to_string(IntegerOf(tensor, "group_size").value_or(0));
  if (TrueAt(tensor, "is_dynamic")) text += "-dynamic";
  if (Find(tensor, "symmetric") != nullptr && !TrueAt(tensor, "symmetric") && Contains(text, "int")) text += "-asym";
  return text;
}

void AddQuarkScheme(const json* config, Part part, Declaration& declaration) {
  if (config == nullptr || Find(config, "weight") == nullptr) return;
  const std::string outputs = Find(config, "output_tensors") == nullptr ? "" : "+output";
  declaration.AddScheme(part, QuarkText(Find(config, "weight")), QuarkText(Find(config, "input_tensors")) + outputs);
}

void ReadQuark(const json& config, Declaration& declaration) {
  Parts parts;
  parts.Add(Part::kBoth, QuarkFormat(FindObject(&config, "global_quant_config")));
  AddQuarkScheme(FindObject(&config, "global_quant_config"), Part::kBoth, declaration);
  for (const char* key : {"layer_quant_config", "layer_type_quant_config"}) {
    if (const json* layers = FindObject(&config, key)) {
      for (const auto& [pattern, layer] : layers->items()) {
        if (!layer.is_object() || !IsOfLanguageLayers(pattern)) continue;
        const Part part = PartOf(pattern);
        const Format format = QuarkFormat(&layer);
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

// ---- torchao --------------------------------------------------------------------------------------------------------

// Names of configuration classes, and the texts of older files ("int4_weight_only", "float8dq-row", "int8wo").
Format TorchAoName(std::string name, const json* data) {
  name = Lower(name);
  std::erase_if(name, [](char c) { return c == '_' || c == '-'; });
  const auto weight_dtype = [&]() -> std::optional<Numbers> {
    const json* dtype = Find(data, "weight_dtype");
    if (dtype == nullptr) return std::nullopt;
    return NumbersOf(dtype->is_string() ? dtype->get<std::string>() : TextOf(dtype, "_data"));
  };
  const std::int64_t group = IntegerOf(data, "group_size").value_or(0);
  if (Contains(name, "nvfp4")) return {"nvfp4", Contains(name, "weightonly") ? "none" : "nvfp4"};
  if (name.starts_with("mx")) {
    const std::optional<Numbers> numbers = weight_dtype();
    if (!numbers) return kOther;
    if (numbers->bits == 4) return {"mxfp4", "mxfp4"};
    if (numbers->bits == 8) return {"mxfp8", "mxfp8"};
    return kOther;
  }
  const Numbers plain{};
  if (Contains(name, "int8dynamicactivationint8") || name == "int8dq") return FormatOf({false, 8}, {false, 8}, 0);
  if (Contains(name, "int8dynamicactivationint4") || name.starts_with("int8da4w") || name.starts_with("8da4w"))
    return FormatOf({false, 4}, {false, 8}, 0);
  if (Contains(name, "int8dynamicactivationintx")) {
    const std::optional<Numbers> weights = weight_dtype();
    return weights ? FormatOf(*weights, {false, 8}, 0) : kOther;
  }
  if (Contains(name, "float8dynamicactivationint4") || Contains(name, "float8activationint4"))
    return FormatOf({false, 4}, {true, 8}, 0);
  if (Contains(name, "float8dynamicactivationfloat8") || Contains(name, "float8staticactivationfloat8") ||
      name.starts_with("float8dq") || name.starts_with("fp8dq"))
    return FormatOf({true, 8}, {true, 8}, 0);
  if (Contains(name, "float8weightonly") || name.starts_with("float8wo") || name.starts_with("fp8wo"))
    return FormatOf({true, 8}, plain, 0);
  if (name.starts_with("int4weightonly") || name.starts_with("int4wo")) return FormatOf({false, 4}, plain, group);
  if (name.starts_with("int8weightonly") || name.starts_with("int8wo")) return FormatOf({false, 8}, plain, 0);
  if (name.starts_with("intxweightonly")) {
    const std::optional<Numbers> weights = weight_dtype();
    return weights ? FormatOf(*weights, plain, 0) : kOther;
  }
  return kOther;
}

Format TorchAoFormat(const json* type) {
  if (type == nullptr) return kOther;
  if (type->is_string()) return TorchAoName(type->get<std::string>(), nullptr);
  return TorchAoName(TextOf(type, "_type"), FindObject(type, "_data"));
}

void ReadTorchAo(const json& config, Declaration& declaration) {
  const json* type = Find(&config, "quant_type");
  if (const json* by_default = Find(type, "default"); by_default != nullptr) type = by_default;
  const json* data = FindObject(type, "_data");
  const json* by_module = FindObject(data, "module_fqn_to_config");
  if (by_module == nullptr) by_module = FindObject(data, "fqn_to_config");
  const auto name_of = [](const json* of) {
    return of != nullptr && of->is_string() ? of->get<std::string>() : TextOf(of, "_type");
  };
  if (by_module == nullptr) {
    declaration.Both(TorchAoFormat(type));
    declaration.AddScheme(Part::kBoth, name_of(type));
    if (declaration.linear->family == "int4-wna16") {
      const json* arguments = data != nullptr ? data : FindObject(&config, "quant_type_kwargs");
      declaration.block = GroupOf(IntegerOf(arguments, "group_size"));
    }
  } else {
    Parts parts;
    for (const auto& [module, format] : by_module->items()) {
      if (format.is_null()) {
        declaration.ignored.push_back(module);
      } else if (!Contains(module, "embed") && !Contains(module, "lm_head") && IsOfLanguageLayers(module)) {
        const Part part = module == "_default" ? Part::kBoth : PartOf(module);
        parts.Add(part, TorchAoFormat(&format));
        declaration.AddScheme(part, name_of(&format));
      }
    }
    parts.Into(declaration);
  }
  for (const std::string& module : TextsOf(&config, "modules_to_not_convert")) declaration.ignored.push_back(module);
}

// ---- AutoRound ------------------------------------------------------------------------------------------------------

Format AutoRoundFormat(const json* config, const json* defaults) {
  const auto value = [&](const char* key) {
    const json* found = Find(config, key);
    return found != nullptr ? found : Find(defaults, key);
  };
  const auto bits = [&](const char* key, std::int64_t otherwise) {
    const json* found = value(key);
    return found == nullptr ? otherwise : WholeNumber(*found).value_or(0);
  };
  const json* type = value("data_type");
  const std::string data_type = type != nullptr && type->is_string() ? Lower(type->get<std::string>()) : "int";
  const std::int64_t weight_bits = bits("bits", 4);
  if (weight_bits >= 16) return Format{};  // left alone, whatever the default says of inputs
  const std::int64_t act_bits = bits("act_bits", 16);
  const json* act_type = value("act_data_type");
  const std::string act_data_type =
      act_type != nullptr && act_type->is_string() ? Lower(act_type->get<std::string>()) : data_type;
  const Numbers inputs{act_data_type.starts_with("fp") || act_data_type.starts_with("mx") ||
                           act_data_type.starts_with("nv") || act_data_type.starts_with("float"),
                       act_bits};
  if (data_type.starts_with("mx_fp") || data_type.starts_with("mxfp")) return FormatOf({true, weight_bits}, inputs, 32);
  if (data_type.starts_with("nv_fp") || data_type.starts_with("nvfp")) return FormatOf({true, weight_bits}, inputs, 16);
  if (data_type.starts_with("fp") || data_type.starts_with("float")) return FormatOf({true, weight_bits}, inputs, 0);
  if (data_type.starts_with("int")) return FormatOf({false, weight_bits}, inputs, 0);
  return kOther;
}

// "int4-group128", "mx_fp4-group32"; inputs "none" or "int8".
void AddAutoRoundScheme(const json& config, const json& layer, Part part, Declaration& declaration) {
  const auto value = [&](const char* key) { return Find(&layer, key) != nullptr ? &layer : &config; };
  std::string weights = Lower(TextOf(value("data_type"), "data_type"));
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

void ReadAutoRound(const json& config, Declaration& declaration) {
  Parts parts;
  const Format whole = AutoRoundFormat(&config, nullptr);
  parts.Add(Part::kBoth, whole);
  AddAutoRoundScheme(config, config, Part::kBoth, declaration);
  if (const json* layers = FindObject(&config, "extra_config")) {
    for (const auto& [name, layer] : layers->items()) {
      const Format format = AutoRoundFormat(&layer, &config);
      if (format.family == "none") {
        declaration.ignored.push_back(name);
      } else if (format != whole && !Contains(name, "lm_head") && IsOfLanguageLayers(name)) {
        parts.Add(PartOf(name), format);
        AddAutoRoundScheme(config, layer, PartOf(name), declaration);
      }
    }
  }
  parts.Into(declaration);
  if (whole.family == "int4-wna16") declaration.block = GroupOf(IntegerOf(&config, "group_size"));
}

// ---- The others -----------------------------------------------------------------------------------------------------

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

// GPTQ, AWQ and their kin: integer weights, 16-bit inputs.
void ReadIntegerWeights(const json& config, Declaration& declaration) {
  const std::int64_t bits = IntegerOf(&config, "bits").value_or(IntegerOf(&config, "w_bit").value_or(4));
  std::optional<std::int64_t> group = IntegerOf(&config, "group_size");
  if (!group) group = IntegerOf(&config, "q_group_size");
  const bool awq = Contains(declaration.method, "awq");
  Parts parts;
  parts.Add(Part::kBoth, FormatOf({false, bits}, {}, 0));
  std::string packing = TextOf(&config, "checkpoint_format");
  if (packing.empty()) packing = TextOf(&config, "version");
  const std::string of_all = IntegerText(config, nullptr, awq);
  declaration.AddScheme(Part::kBoth, of_all, "none", packing);
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
        parts.Add(PartOf(pattern), FormatOf({false, IntegerOf(&settings, "bits").value_or(bits)}, {}, 0));
        declaration.AddScheme(PartOf(pattern), own, "none", packing);
      } else {
        continue;
      }
      if (NamesPartOfFused(pattern) && !Contains(pattern, "expert"))
        declaration.AddSpecialScheme("dynamic", "projections");
    }
  }
  declaration.listed = ListedModules(config);
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
  const std::optional<Numbers> weights = NumbersOf(text({"b_dtype", "weight_dtype", "dtype"}));
  if (!weights) return declaration.Both(kOther);
  const std::int64_t group = number({"weight_scale_group_size", "group_size"});
  const std::int64_t rows = number({"weight_scale_group_size_n", "group_size_n"});
  const std::string inputs = text({"a_dtype", "input_dtype"});
  const std::optional<Numbers> input = inputs.empty() ? Numbers{} : NumbersOf(inputs);
  declaration.Both(input ? FormatOf(*weights, *input, group) : kOther);
  if (rows > 1 && group > 0 && rows <= kLargestBlock && group <= kLargestBlock) {
    declaration.block = WeightBlock{rows, group};
  } else if (group > 0) {
    declaration.block = GroupOf(group);
  }
}

// Experts may have a format of their own that the method leaves out: DeepSeek's {"expert_dtype": "fp4"}.
void ReadExpertDtype(const json* config, Declaration& declaration) {
  const std::string dtype = Lower(TextOf(config, "expert_dtype"));
  if (dtype.empty() || declaration.own_experts) return;
  const std::optional<Numbers> numbers = NumbersOf(dtype);
  declaration.own_experts = true;
  declaration.AddScheme(Part::kExperts, dtype);
  if (Contains(dtype, "nvfp4")) {
    declaration.experts = Format{"nvfp4", ""};
  } else if (numbers && numbers->is_float && numbers->bits == 4) {
    declaration.experts = Format{"mxfp4", ""};
  } else if (numbers && numbers->is_float && numbers->bits == 8) {
    declaration.experts = Format{"fp8", "fp8"};
  } else if (numbers && numbers->bits >= 16) {
    declaration.experts = Format{};
  } else {
    declaration.experts = kOther;
  }
}

bool IsOfRoutedExperts(const std::string& module) {
  const std::string name = Lower(module);
  return Contains(name, "experts") && !Contains(name, "shared_expert");
}

// ModelOpt's words about experts beside another method: {"quant_method": "fp8", "moe_quant_algo": "NVFP4"}.
void ReadExpertsOfTheirOwn(const json& config, Declaration& declaration) {
  if (declaration.method == "modelopt" || declaration.method == "modelopt_mixed") return;
  std::set<Format> formats;
  if (const std::string algorithm = TextOf(&config, "moe_quant_algo"); !algorithm.empty())
    formats.insert(ModelOptFormat(algorithm));
  if (const json* layers = FindObject(&config, "quantized_layers"); layers != nullptr && formats.empty()) {
    for (const auto& [layer, settings] : layers->items()) {
      if (PartOf(layer) == Part::kExperts && IsOfLanguageLayers(layer))
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
    const std::string algorithm = Lower(TextOf(&config, "moe_quant_algo"));
    const std::int64_t group = IntegerOf(&config, "group_size").value_or(0);
    if (!algorithm.empty())
      declaration.AddScheme(Part::kExperts, algorithm + (group > 0 ? "-group" + std::to_string(group) : ""));
  }
  ReadExpertDtype(&config, declaration);
}

void ReadBlock(const json& config, Declaration& declaration) {
  const json* size = Find(&config, "weight_block_size");
  declaration.block = BlockOf(size);
  if (size != nullptr && !declaration.block && !(size->is_array() && size->empty())) {
    declaration.notes.push_back(declaration.where +
                                ".weight_block_size is not a pair of numbers; the block is not known");
  }
}

bool NamesModelOpt(const json* config) { return Lower(TextOf(FindObject(config, "producer"), "name")) == "modelopt"; }

std::string MethodOf(const json& config) {
  std::string method = Lower(TextOf(&config, "quant_method"));
  if (method.empty()) method = Lower(TextOf(&config, "quantization_method"));
  if (method == "auto_round" || method == "autoround" || method == "intel/auto-round") method = "auto-round";
  if (method == "compressed_tensors") method = "compressed-tensors";
  if (method == "bitsandbytes_4bit" || method == "bitsandbytes_8bit" || method == "bnb") method = "bitsandbytes";
  if (!method.empty()) return method;
  if (TrueAt(&config, "load_in_4bit") || TrueAt(&config, "load_in_8bit")) return "bitsandbytes";
  // Older exports of ModelOpt have groups as compressed-tensors writes them.
  if (Find(&config, "quant_algo") != nullptr || NamesModelOpt(&config)) return "modelopt";
  if (Find(&config, "config_groups") != nullptr) return "compressed-tensors";
  // mlx-lm writes neither a method nor anything else than the numbers, and "mode" in newer versions.
  const bool numbers = IntegerOf(&config, "bits").has_value() && IntegerOf(&config, "group_size").has_value();
  const bool integer_tools = Find(&config, "zero_point") != nullptr || Find(&config, "desc_act") != nullptr ||
                             Find(&config, "sym") != nullptr || Find(&config, "version") != nullptr;
  return numbers && !integer_tools ? "mlx" : "";
}

Declaration ReadDeclaration(const json& config, const std::string& where) {
  Declaration declaration;
  declaration.where = where;
  declaration.method = MethodOf(config);
  const std::string& method = declaration.method;
  if (method.empty()) {
    declaration.method = "unknown";
    declaration.foreign = true;
    declaration.notes.push_back(where + " contains no quant_method: how its weights are quantized is not known");
    return declaration;
  }
  if (std::ranges::find(kForeign, method) != kForeign.end()) {
    declaration.foreign = true;
    return declaration;
  }
  const Methods* known = FindMethod(method);
  if (known == nullptr) {
    declaration.Both(kOther);
    declaration.notes.push_back(where + ".quant_method \"" + method + "\" is not a method this version knows");
    return declaration;
  }
  if (known->family != nullptr) declaration.Both({known->family, known->activations});
  for (const char* key :
       {"modules_to_not_convert", "ignored_layers", "llm_int8_skip_modules", "ignore", "exclude_modules"}) {
    for (const std::string& module : TextsOf(&config, key)) declaration.ignored.push_back(module);
  }
  declaration.kv_cache = KvScheme(Find(&config, "kv_cache_scheme"));
  if (method == "modelopt" || method == "modelopt_mixed") {
    // Newer exports put what hf_quant_config.json says into config.json, with or without the "quantization" level.
    const json* inner = FindObject(&config, "quantization");
    const json& quantization = inner != nullptr ? *inner : config;
    declaration.ignored.clear();
    if (inner == nullptr && TextOf(&config, "quant_algo").empty() && Find(&config, "config_groups") != nullptr) {
      ReadCompressedTensors(config, declaration);
    } else {
      ReadModelOpt(quantization, declaration);
      if (inner == nullptr && TextOf(&config, "quant_algo").empty()) declaration.Both(kOther);
    }
  } else if (method == "compressed-tensors") {
    declaration.ignored.clear();
    ReadCompressedTensors(config, declaration);
  } else if (method == "quark") {
    ReadQuark(config, declaration);
  } else if (method == "torchao") {
    declaration.ignored.clear();
    ReadTorchAo(config, declaration);
  } else if (method == "auto-round" || method == "inc") {
    ReadAutoRound(config, declaration);
  } else if (method == "fp_quant") {
    const std::string forward = Lower(TextOf(&config, "forward_dtype"));
    declaration.Both(forward == "mxfp4" || forward == "nvfp4" ? Format{forward, forward} : kOther);
  } else if (method == "humming") {
    ReadHumming(config, declaration);
  } else if (method == "hqq") {
    const json* weights = FindObject(FindObject(&config, "quant_config"), "weight_quant_params");
    if (IntegerOf(weights, "nbits") == 4) declaration.block = GroupOf(IntegerOf(weights, "group_size"));
  } else if (known->family != nullptr && std::string_view(known->family) == "int4-wna16") {
    ReadIntegerWeights(config, declaration);
  }
  if (method == "fp8" || method == "deepseek_v4_fp8" || method == "blockwise_int8" || method == "mxfp8")
    ReadBlock(config, declaration);
  if (method == "fp8" || method == "deepseek_v4_fp8") {
    const std::string activations = Lower(TextOf(&config, "activation_scheme"));
    declaration.AddScheme(Part::kBoth, declaration.block ? "fp8-block" + declaration.block->ToString() : "fp8-tensor",
                          activations.empty() ? "-" : "fp8-" + activations);
  } else if (method == "bitsandbytes") {
    const std::string type = TextOf(&config, "bnb_4bit_quant_type");
    const bool eight = TrueAt(&config, "load_in_8bit");
    declaration.AddScheme(Part::kBoth, eight ? "int8" : type.empty() ? "fp4" : type);
  }
  // These leave everything but experts alone, or experts are the part that the name speaks of.
  if (method == "mxfp4" || method == "gpt_oss_mxfp4") declaration.linear = Format{};
  if (method == "w4afp8") declaration.linear = Format{"fp8", "fp8"};
  ReadExpertsOfTheirOwn(config, declaration);
  return declaration;
}

// Mistral's params.json: {"qformat_weight": "fp8_e4m3", "qscheme_act": "TENSOR"}.
Declaration ReadMistral(const json& quantization) {
  Declaration declaration;
  declaration.where = "params.json: quantization";
  const std::string weights = Lower(TextOf(&quantization, "qformat_weight"));
  if (weights.starts_with("fp8")) {
    declaration.method = "fp8";
    declaration.Both({"fp8", "fp8"});
  } else {
    declaration = ReadDeclaration(quantization, declaration.where);
  }
  return declaration;
}

// AutoGPTQ's quantize_config.json, AutoAWQ's quant_config.json; nullopt for a file of other tools.
std::optional<Declaration> ReadLegacy(const json& file, const std::string& name) {
  json named = file;
  if (TextOf(&file, "quant_method").empty()) {
    const bool awq = Find(&file, "w_bit") != nullptr || Find(&file, "q_group_size") != nullptr;
    if (!awq && !IntegerOf(&file, "bits")) return std::nullopt;
    named["quant_method"] = awq ? "awq" : "gptq";
  }
  Declaration declaration = ReadDeclaration(named, name);
  std::string weights = "-";
  if (!declaration.schemes.empty()) {
    const std::string& text = declaration.schemes.begin()->second;
    weights = text.substr(0, text.find(' '));
  }
  declaration.AddSpecialScheme("declared", name, weights);
  declaration.notes.push_back(name + " declares " + declaration.method +
                              ", config.json does not: engines read the file only if they are told the method");
  return declaration;
}

// ---- Together -------------------------------------------------------------------------------------------------------

std::string FamilyOf(const std::string& linear, const std::string& experts, bool dense) {
  if (linear == experts || experts == "none" || (dense && linear != "none")) return linear;
  if (linear == "none") return experts;
  // The layout that engines run as "w4afp8".
  if (experts == "w4a8" && linear == "fp8") return "w4a8";
  return "mixed";
}

// A scheme of everything belongs to each part that is quantized at all.
std::vector<std::string> SchemesOf(const Declaration& declaration, bool experts, bool linear) {
  const auto own = [&](Part part) {
    return std::ranges::any_of(declaration.schemes, [&](const auto& scheme) { return scheme.first == part; });
  };
  std::vector<std::string> schemes;
  for (const auto& [part, text] : declaration.schemes) {
    if (part != Part::kExperts && linear) schemes.push_back("linear " + text);
    if (part != Part::kLinear && experts && (part == Part::kExperts || !own(Part::kExperts)))
      schemes.push_back("experts " + text);
  }
  std::ranges::sort(schemes);
  // What only drafts comes last: no rule asks for it.
  std::vector<std::string> special = declaration.special_schemes;
  const auto drafts = std::stable_partition(special.begin(), special.end(),
                                            [](const std::string& scheme) { return !scheme.starts_with("mtp "); });
  schemes.insert(schemes.begin(), special.begin(), drafts);
  schemes.insert(schemes.end(), drafts, special.end());
  if (schemes.size() > kMaxSchemes) schemes.resize(kMaxSchemes);
  return schemes;
}

// What a list of quantized modules leaves out, as far as its names are the usual ones.
struct Unlisted {
  std::vector<std::string> modules;  // "self_attn", "mlp.experts", "self_attn.o_proj"
  bool part_of_fused = false;        // one of the projections that engines compute together, not all
};

// `fused`: the projections of `group` that engines compute together; `other`: the rest of them.
void AddUnlisted(const std::vector<std::string>& listed, std::string_view group, std::string_view fused,
                 std::string_view other, Unlisted& out) {
  std::vector<std::string> names;
  for (const std::string& name : listed) {
    if (Contains(name, group)) names.push_back(name);
  }
  if (names.empty()) {
    out.modules.emplace_back(group);
    return;
  }
  const auto words = [](std::string_view text) {
    std::vector<std::string> list;
    for (std::size_t end = 0; !text.empty(); text.remove_prefix(std::min(end + 1, text.size()))) {
      end = std::min(text.find(' '), text.size());
      list.emplace_back(text.substr(0, end));
    }
    return list;
  };
  const std::vector<std::string> first = words(fused), rest = words(other);
  const auto last_word = [](const std::string& name) { return name.substr(name.rfind('.') + 1); };
  const auto among = [](const std::vector<std::string>& list, const std::string& word) {
    return std::ranges::find(list, word) != list.end();
  };
  std::set<std::string> present;
  for (const std::string& name : names) {
    // The whole group, or projections of other names.
    if (!among(first, last_word(name)) && !among(rest, last_word(name))) return;
    present.insert(last_word(name));
  }
  std::size_t of_fused = 0;
  for (const std::string& word : first) {
    if (present.contains(word)) ++of_fused;
    if (!present.contains(word)) out.modules.push_back(std::string(group) + "." + word);
  }
  for (const std::string& word : rest) {
    if (!present.contains(word)) out.modules.push_back(std::string(group) + "." + word);
  }
  if (of_fused > 0 && of_fused < first.size()) out.part_of_fused = true;
}

Unlisted UnlistedModules(const std::vector<std::string>& listed, const ModelFacts& facts) {
  Unlisted out;
  if (listed.empty()) return out;
  std::vector<std::string> attention, experts, shared, dense;
  for (const std::string& name : listed) {
    const std::string lower = Lower(name);
    if (Contains(lower, "shared_expert") || Contains(lower, "shared_mlp")) {
      shared.push_back(name);
    } else if (Contains(lower, "expert") || Contains(lower, "moe.")) {
      experts.push_back(name);
    } else if (Contains(lower, "linear_attn")) {
      continue;
    } else if (Contains(lower, "attn") || Contains(lower, "attention")) {
      attention.push_back(Contains(lower, "self_attn.") ? name : "self_attn");
    } else {
      // "mlp." alone is every MLP.
      dense.push_back(Contains(lower, "mlp.") ? name : "mlp");
      if (lower == "mlp." || lower == "mlp") {
        experts.push_back(name);
        shared.push_back(name);
      }
    }
  }
  AddUnlisted(attention, "self_attn", "q_proj k_proj v_proj", "o_proj", out);
  const bool has_shared = facts.shared_experts > 0 || facts.shared_intermediate_size > 0;
  if (facts.experts > 0 && experts.empty()) out.modules.emplace_back("mlp.experts");
  if (has_shared && shared.empty()) out.modules.emplace_back("mlp.shared_expert");
  if (facts.experts == 0 || facts.dense_layers > 0) AddUnlisted(dense, "mlp", "gate_proj up_proj", "down_proj", out);
  return out;
}

void Apply(const Declaration& declaration, ModelFacts& facts) {
  const bool dense = facts.experts == 0;
  const Unlisted unlisted = UnlistedModules(declaration.listed, facts);
  std::vector<std::string> plain = declaration.ignored;
  plain.insert(plain.end(), unlisted.modules.begin(), unlisted.modules.end());
  const IgnoredModules ignored(plain, facts);
  Format linear = declaration.linear.value_or(Format{});
  Format experts = declaration.experts.value_or(Format{});
  const bool has_shared = facts.shared_experts > 0 || facts.shared_intermediate_size > 0;
  const bool no_dense_mlp = !dense && facts.dense_layers == 0;
  // A list may name everything, where only its caller knows what is left: then the method's name decides.
  const bool linear_left =
      !(ignored.attention() && (ignored.dense() || no_dense_mlp) && (ignored.shared() || !has_shared));
  const bool experts_left = !ignored.experts();
  if (!dense && linear_left != experts_left) {
    if (!linear_left) linear = Format{};
    if (!experts_left) experts = Format{};
  }
  facts.quantization = declaration.method;
  facts.linear_format = declaration.foreign ? "" : linear.family;
  facts.expert_format = declaration.foreign ? "" : dense ? "none" : experts.family;
  facts.family = declaration.foreign           ? "foreign"
                 : declaration.no_linear_layer ? "other"
                                               : FamilyOf(linear.family, experts.family, dense);
  if (declaration.foreign) {
    facts.activations = "";
  } else if (dense || experts.family == "none" || experts.activations == linear.activations) {
    facts.activations = linear.activations;
  } else {
    facts.activations = linear.family == "none" ? experts.activations : "";
  }
  facts.kv_cache = declaration.kv_cache;
  facts.weight_block = declaration.block;
  facts.plain_shared_experts = has_shared && ignored.shared() && linear.family != "none";
  facts.ignored_modules = ignored.patterns();
  facts.ignored_parts = IgnoredPartsOf(facts.ignored_modules);
  const std::size_t kept = std::min(facts.ignored_modules.size(), kMaxIgnored);
  facts.ignored_left_out = static_cast<std::int64_t>(facts.ignored_modules.size() - kept);
  facts.ignored_modules.resize(kept);
  facts.schemes = SchemesOf(declaration, !dense && experts.family != "none", linear.family != "none");
  if (!unlisted.modules.empty()) {
    const bool of_experts = std::ranges::find(unlisted.modules, "mlp.experts") != unlisted.modules.end();
    const std::string what = unlisted.part_of_fused ? "fused-part" : of_experts ? "experts" : "modules";
    facts.schemes.insert(facts.schemes.begin(), "unlisted " + what + " - -");
    facts.schemes.resize(std::min<std::size_t>(facts.schemes.size(), kMaxSchemes));
  }
}

std::string SaidFamily(const Declaration& declaration) {
  if (declaration.foreign) return "foreign";
  if (declaration.no_linear_layer) return "other";
  return FamilyOf(declaration.linear.value_or(Format{}).family, declaration.experts.value_or(Format{}).family, false);
}

// Methods whose usual abbreviation in a repository's name says that the weights are quantized.
std::string_view MethodInName(std::string_view name) {
  const std::string lower = Lower(name);
  for (const std::string_view method : {"awq", "gptq", "gguf", "nvfp4", "mxfp4", "fp8", "bnb-4bit", "w8a8", "w4a16"}) {
    if (Contains(lower, method)) return method;
  }
  return "";
}

// {"dtype": "fp8"} of a vendor's own format; "" for weights of 16 bits and more.
std::string QuantizedDtype(const QuantizationFiles& files) {
  for (const json* object : {files.language, files.config}) {
    for (const char* key : {"dtype", "torch_dtype"}) {
      const std::string dtype = Lower(TextOf(object, key)).substr(0, 40);
      if (const std::optional<Numbers> numbers = NumbersOf(dtype); numbers && numbers->bits < 16) return dtype;
    }
  }
  return "";
}

// Formats that stand in config.json under a key of their own, from before quantization_config or beside it: AQLM's and
// QuIP#'s first exports, ModelSlim's older ones.
std::optional<Declaration> ReadOwnKeys(const QuantizationFiles& files) {
  struct Own {
    std::string_view key, method;
    bool foreign;
  };
  constexpr Own kOwn[] = {{"aqlm", "aqlm", false}, {"quip_params", "quip", false}, {"quantize", "modelslim", true}};
  for (const Own& own : kOwn) {
    const json* found = Find(files.config, own.key);
    const bool says = found != nullptr && (found->is_object() ? !found->empty() : found->is_string() && *found != "");
    if (!says) continue;
    Declaration declaration;
    declaration.where = "config.json: " + std::string(own.key);
    declaration.method = own.method;
    declaration.foreign = own.foreign;
    if (!own.foreign) declaration.Both(kOther);
    return declaration;
  }
  return std::nullopt;
}

// What trtllm-build takes or makes: its weights and keys are for TensorRT-LLM's former backend, and no engine's server
// here loads them.
bool IsForTrtllmBuild(const json* config) {
  if (Find(config, "architectures") != nullptr || Find(config, "model_type") != nullptr) return false;
  const bool engine =
      FindObject(config, "pretrained_config") != nullptr && FindObject(config, "build_config") != nullptr;
  return engine || (!TextOf(config, "architecture").empty() && !TextOf(config, "position_embedding_type").empty());
}

}  // namespace

base::Status ReadQuantization(const QuantizationFiles& files, ModelFacts& facts) {
  if (IsForTrtllmBuild(files.config)) {
    Declaration declaration;
    declaration.method = "trtllm-build";
    declaration.foreign = true;
    Apply(declaration, facts);
    AddNote(facts, "config.json is that of a checkpoint or an engine of trtllm-build, which no server here loads");
    return {};
  }
  // In the order in which the engines look; the first that quantizes decides, the others are compared with it.
  std::vector<Declaration> declarations;
  struct Place {
    const json* object;
    std::string_view key;
    std::string where;
  };
  const Place places[] = {{files.config, "quantization_config", "config.json: quantization_config"},
                          {files.language, "quantization_config", "config.json: text_config.quantization_config"},
                          {files.config, "compression_config", "config.json: compression_config"},
                          // mlx-lm's own key, which its files repeat as quantization_config.
                          {files.config, "quantization", "config.json: quantization"}};
  std::string_view nameless;  // the key of an object without a quant_method
  for (const Place& place : places) {
    const json* found = Find(place.object, place.key);
    if (found == nullptr) continue;
    if (!found->is_object()) {
      if (place.key == "quantization" && (found->is_boolean() || found->is_string())) continue;
      return base::Invalid(place.where + ": must be an object");
    }
    if (found->empty()) continue;
    Declaration declaration = ReadDeclaration(*found, place.where);
    const bool named = !TextOf(found, "quant_method").empty() || !TextOf(found, "quantization_method").empty();
    // hf_quant_config.json, which TensorRT-LLM reads first, has the same in ModelOpt's own words.
    if (!named && NamesModelOpt(files.hf_quant_config)) {
      const bool same = declaration.method == "modelopt" || declaration.method == "compressed-tensors";
      if (same || declaration.method == "unknown") nameless = place.key;
      if (nameless == place.key) continue;
    }
    if (!named && declaration.method == "modelopt" && FindObject(found, "quantization") == nullptr)
      declaration.AddSpecialScheme("nameless", std::string(place.key));
    declarations.push_back(std::move(declaration));
  }
  if (files.hf_quant_config != nullptr) {
    if (!files.hf_quant_config->is_object()) return base::Invalid("hf_quant_config.json: must be an object");
    const json* quantization = Find(files.hf_quant_config, "quantization");
    if (quantization == nullptr || !quantization->is_object())
      return base::Invalid("hf_quant_config.json: quantization: must be an object");
    Declaration declaration;
    declaration.where = "hf_quant_config.json";
    declaration.method = "modelopt";
    ReadModelOpt(*quantization, declaration);
    // vLLM has a list of its own for what it reads from this file, which is shorter than that for config.json.
    const std::string algorithm = Lower(TextOf(quantization, "quant_algo"));
    constexpr std::array<std::string_view, 5> kAsInConfig = {"", "fp8", "nvfp4", "fp8_per_channel_per_token",
                                                             "fp8_pb_wo"};
    if (!nameless.empty()) declaration.AddSpecialScheme("nameless", std::string(nameless));
    if (declarations.empty() && nameless.empty() && std::ranges::find(kAsInConfig, algorithm) == kAsInConfig.end())
      declaration.AddSpecialScheme("file", declaration.where, algorithm);
    declarations.push_back(std::move(declaration));
  }
  if (const json* quantization = FindObject(files.params, "quantization");
      quantization != nullptr && !quantization->empty())
    declarations.push_back(ReadMistral(*quantization));
  if (files.legacy != nullptr && std::ranges::none_of(declarations, &Declaration::quantizes)) {
    if (std::optional<Declaration> legacy = ReadLegacy(*files.legacy, files.legacy_name))
      declarations.push_back(*std::move(legacy));
  }
  const bool undeclared = std::ranges::none_of(declarations, &Declaration::quantizes);
  if (undeclared && !files.modelslim.empty()) {
    Declaration declaration;
    declaration.where = files.modelslim;
    declaration.method = "modelslim";
    declaration.foreign = true;
    declarations.push_back(std::move(declaration));
  } else if (undeclared) {
    if (std::optional<Declaration> own = ReadOwnKeys(files)) declarations.push_back(*std::move(own));
  }
  if (files.only_gguf && std::ranges::none_of(declarations, &Declaration::quantizes)) {
    Declaration declaration;
    declaration.where = "a .gguf file";
    declaration.method = "gguf";
    declaration.Both({"gguf", "none"});
    declarations.push_back(std::move(declaration));
  }

  Declaration* deciding = nullptr;
  for (Declaration& declaration : declarations) {
    for (std::string& note : declaration.notes) AddNote(facts, std::move(note));
    if (!declaration.quantizes()) continue;
    if (deciding == nullptr) {
      deciding = &declaration;
      // A key of DeepSeek's own loader, which a checkpoint that another tool quantized keeps and no engine reads then.
      const json* of_experts = TextOf(files.language, "expert_dtype").empty() ? files.config : files.language;
      if (declaration.method == "fp8" || declaration.method == "deepseek_v4_fp8")
        ReadExpertDtype(of_experts, declaration);
    } else if (const std::string family = SaidFamily(declaration); family != SaidFamily(*deciding)) {
      AddNote(facts, declaration.where + " says " + family + ", " + deciding->where + " says " + SaidFamily(*deciding) +
                         "; the latter is used");
    }
  }
  if (deciding != nullptr) {
    // A KV cache may be declared in another place than the weights.
    for (const Declaration& declaration : declarations) {
      if (deciding->kv_cache == "none") deciding->kv_cache = declaration.kv_cache;
    }
    Apply(*deciding, facts);
    return {};
  }
  for (const Declaration& declaration : declarations) {
    if (facts.kv_cache == "none") facts.kv_cache = declaration.kv_cache;
  }
  if (const std::string dtype = QuantizedDtype(files); !dtype.empty()) {
    Declaration declaration;
    declaration.method = "unknown";
    declaration.foreign = true;
    Apply(declaration, facts);
    AddNote(facts,
            "config.json: dtype \"" + dtype + "\" is that of quantized weights, but no quantization_config says how");
    return {};
  }
  if (const std::string_view method = MethodInName(files.name); !method.empty()) {
    AddNote(facts, "the name \"" + files.name + "\" suggests " + std::string(method) +
                       ", but no file declares a quantization; the weights are taken as unquantized");
  }
  return {};
}

void CompareWithTensors(bool complete, ModelFacts& facts) {
  if (!facts.quantized()) return;
  struct PartFormat {
    std::string name;
    std::string ModelFacts::*format;
  };
  for (const PartFormat& part :
       {PartFormat{"linear", &ModelFacts::linear_format}, PartFormat{"experts", &ModelFacts::expert_format}}) {
    std::string& format = facts.*part.format;
    const bool integers = format.starts_with("int");
    if (!integers && format != "none") continue;
    const auto first = [&](std::string_view last) {
      const std::string kind = part.name + "." + std::string(last);
      return std::ranges::find_if(facts.tensors, [&](const std::string& tensor) { return tensor.starts_with(kind); });
    };
    auto found = first("weight_scale_inv");
    if (found == facts.tensors.end()) found = first("weight:F8");
    if (found == facts.tensors.end()) continue;
    AddNote(facts, "the weight files hold fp8 weights (" + *found + ") where " + facts.quantization + " declares " +
                       (integers ? format : "unquantized weights"));
    const bool both = first("qweight") != facts.tensors.end() || first("weight_packed") != facts.tensors.end();
    format = !integers || (!both && complete) ? "fp8" : both ? "mixed" : "";
    facts.schemes.insert(facts.schemes.begin(), "undeclared fp8 " + part.name + " -");
    facts.schemes.resize(std::min<std::size_t>(facts.schemes.size(), kMaxSchemes));
    facts.activations = "";
    const bool known = !facts.linear_format.empty() && !facts.expert_format.empty();
    facts.family = known ? FamilyOf(facts.linear_format, facts.expert_format, facts.experts == 0) : "other";
  }
}

base::Status OverrideQuantization(ModelFacts& facts, const std::string& method) {
  const std::string name = Lower(method);
  if (name == facts.quantization) return {};
  const Methods* known = FindMethod(name);
  if (known == nullptr && name != "none") {
    std::set<std::string_view> names;
    for (const Methods& methods : kMethods) {
      AnyName(methods, [&](std::string_view one) { return !names.insert(one).second; });
    }
    std::string allowed = "none";
    for (const std::string_view one : names) allowed += ", " + std::string(one);
    return base::Invalid("spec.model.quantization: \"" + method + "\" is not one of " + allowed);
  }
  if (facts.quantized())
    AddNote(facts, "spec.model.quantization says " + name + ", the files say " + facts.quantization);
  const bool dense = facts.experts == 0;
  const std::string family = known == nullptr ? "none" : known->family == nullptr ? "other" : known->family;
  facts.quantization = name;
  facts.family = family;
  facts.linear_format = family;
  facts.expert_format = dense ? "none" : family;
  facts.activations = known == nullptr ? "none" : known->activations == nullptr ? "" : known->activations;
  facts.weight_block.reset();
  facts.ignored_modules.clear();
  facts.ignored_parts.clear();
  facts.ignored_left_out = 0;
  facts.schemes.clear();
  return {};
}

}  // namespace autotune::checkpoint
