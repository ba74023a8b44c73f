#include "checkpoint/quantization.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/ascii_case.h"
#include "checkpoint/declaration.h"
#include "checkpoint/json_keys.h"
#include "checkpoint/module_patterns.h"
#include "checkpoint/stored_format.h"
#include "checkpoint/weight_tensors.h"

namespace autotune::checkpoint {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxIgnored = 12;
constexpr std::size_t kMaxSchemes = 8;

// A scheme of everything belongs to each part that is quantized at all.
std::vector<std::string> SchemesOf(const Declaration& declaration, bool experts, bool linear) {
  const auto own = [&](ModelPart part) {
    return std::ranges::any_of(declaration.schemes, [&](const auto& scheme) { return scheme.first == part; });
  };
  std::vector<std::string> schemes;
  for (const auto& [part, text] : declaration.schemes) {
    if (part != ModelPart::kExperts && linear) schemes.push_back("linear " + text);
    if (part != ModelPart::kLinear && experts && (part == ModelPart::kExperts || !own(ModelPart::kExperts)))
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

// Whether a list of unquantized modules names routed experts of some layer: by their name, by that of the MLP around
// them, or by the whole layer. Which layers have a dense MLP is not known: more names than such layers say it.
bool NamesLayersOfExperts(const std::vector<std::string>& modules, const ModelFacts& facts) {
  if (!(facts.experts > 0)) return false;
  std::set<std::int64_t> layers;
  for (const std::string& module : modules) {
    if (IsOfRoutedExperts(module)) return true;
    const std::string lower = base::AsciiLower(module);
    const std::string_view name = std::string_view(lower).substr(0, lower.find_last_not_of(".*") + 1);
    constexpr std::string_view kLayers = "layers.";
    const std::size_t at = name.find(kLayers);
    if (at == std::string_view::npos) {
      if (name == "mlp" || name.ends_with(".mlp")) return true;
      continue;
    }
    std::int64_t number = 0;
    const char* const end = name.data() + name.size();
    const auto [rest, error] = std::from_chars(name.data() + at + kLayers.size(), end, number);
    const std::string_view behind(rest, static_cast<std::size_t>(end - rest));
    if (error == std::errc() && (behind.empty() || behind == ".mlp") && (!facts.layers || number < *facts.layers))
      layers.insert(number);
  }
  return facts.dense_layers && static_cast<std::int64_t>(layers.size()) > *facts.dense_layers;
}

// Routed experts that a list of unquantized modules names one by one ("model.layers.3.mlp.experts.0.down_proj"), and
// not as the one module that an engine has of them.
struct ExpertsNamedOneByOne {
  bool of_model = false;
  bool of_draft = false;  // in layers behind the model's own, which predict several tokens
};

ExpertsNamedOneByOne NamedOneByOne(const std::vector<std::string>& modules, const ModelFacts& facts) {
  constexpr std::string_view kExperts = ".experts";
  constexpr std::string_view kLayers = "layers.";
  ExpertsNamedOneByOne found;
  const std::set<std::string_view> names(modules.begin(), modules.end());
  for (const std::string_view module : modules) {
    const std::size_t at = module.find(kExperts);
    if (at == std::string_view::npos) continue;
    const std::string_view rest = module.substr(at + kExperts.size());
    if (rest.size() < 2 || rest[0] != '.' || rest[1] < '0' || rest[1] > '9') continue;
    if (names.contains(module.substr(0, at + kExperts.size()))) continue;
    std::int64_t number = -1;
    if (const std::size_t layer = module.find(kLayers); layer != std::string_view::npos)
      std::from_chars(module.data() + layer + kLayers.size(), module.data() + module.size(), number);
    const bool draft =
        module.starts_with("mtp.") || Contains(module, ".mtp.") || (facts.layers && number >= *facts.layers);
    (draft ? found.of_draft : found.of_model) = true;
  }
  return found;
}

void Apply(const Declaration& declaration, ModelFacts& facts) {
  const bool dense = facts.experts == 0;
  const Unlisted unlisted = UnlistedModules(declaration.listed, facts);
  std::vector<std::string> plain = declaration.ignored;
  plain.insert(plain.end(), unlisted.modules.begin(), unlisted.modules.end());
  const IgnoredModules ignored(plain, facts);
  StoredFormat linear = declaration.linear.value_or(StoredFormat{});
  StoredFormat experts = declaration.experts.value_or(StoredFormat{});
  const bool has_shared = facts.shared_experts > 0 || facts.shared_intermediate_size > 0;
  const bool no_dense_mlp = !dense && facts.dense_layers == 0;
  // A list may name everything, where only its caller knows what is left: then the method's name decides.
  const bool linear_left =
      !(ignored.attention() && (ignored.dense() || no_dense_mlp) && (ignored.shared() || !has_shared));
  const bool experts_left = !ignored.experts();
  if (!dense && linear_left != experts_left) {
    if (!linear_left) linear = StoredFormat{};
    if (!experts_left) experts = StoredFormat{};
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
  facts.kv_form = declaration.kv_form;
  facts.weight_block = declaration.block;
  facts.plain_shared_experts = has_shared && ignored.shared() && linear.family != "none";
  facts.ignored_modules = ignored.patterns();
  facts.ignored_parts = IgnoredPartsOf(facts.ignored_modules);
  // Beside "attention", which some layers are enough for: its projections in all of them.
  if (ignored.attention() && linear.family != "none") facts.ignored_parts.emplace_back("allAttention");
  if (!declaration.linear_gates && facts.linear_value_heads && !facts.ignores("linearGates"))
    facts.ignored_parts.emplace_back("linearGates");
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
  const bool has_tower = facts.vision_hidden_size || facts.config_type != facts.model_type;
  ListedNames names = NamesOfLinearLayers(declaration.ignored, has_tower);
  // Its queries, keys and values are no one matrix; Gemma 4's keys can be the values too.
  if (facts.latent_attention() || facts.model_type.starts_with("gemma4")) names.part_of_fused = false;
  const bool compares_names = declaration.method == "compressed-tensors" ||
                              declaration.method.starts_with("modelopt") || declaration.method == "quark" ||
                              declaration.method == "awq";
  // The other names of the group may be in a pattern.
  if (compares_names && names.part_of_fused && !names.patterns) {
    facts.schemes.insert(facts.schemes.begin(), "ignored fused-part - -");
    facts.schemes.resize(std::min<std::size_t>(facts.schemes.size(), kMaxSchemes));
  }
  if (declaration.method == "fp8" || declaration.method == "deepseek_v4_fp8") {
    for (const auto& [says, what] : {std::pair{names.patterns, "patterns"},
                                     {names.parts, "parts"},
                                     {names.part_of_fused, "fused-part"},
                                     {names.fused, "fused-name"}}) {
      if (says) facts.schemes.insert(facts.schemes.begin(), std::string("ignored ") + what + " - -");
    }
    facts.schemes.resize(std::min<std::size_t>(facts.schemes.size(), kMaxSchemes));
  }
  if (!declaration.packed_attention.empty() && facts.latent_attention() &&
      std::ranges::none_of(declaration.ignored, [](const std::string& module) {
        const std::string lower = base::AsciiLower(module);
        return IsOfLanguageLayers(module) &&
               (Contains(lower, "attn") || Contains(lower, "attention") || Contains(lower, "kv_"));
      })) {
    facts.schemes.insert(facts.schemes.begin(), "packed attention " + declaration.packed_attention + " -");
    facts.schemes.resize(std::min<std::size_t>(facts.schemes.size(), kMaxSchemes));
  }
  if (declaration.method == "quark" && facts.experts > 0) {
    const ExpertsNamedOneByOne named = NamedOneByOne(declaration.ignored, facts);
    for (const auto& [says, what] : {std::pair{named.of_draft, "draft-experts"}, {named.of_model, "each-expert"}}) {
      if (says) facts.schemes.insert(facts.schemes.begin(), std::string("ignored ") + what + " - -");
    }
    facts.schemes.resize(std::min<std::size_t>(facts.schemes.size(), kMaxSchemes));
  }
  if (declaration.method.starts_with("awq") && NamesLayersOfExperts(declaration.ignored, facts)) {
    facts.schemes.insert(facts.schemes.begin(), "ignored experts - -");
    facts.schemes.resize(std::min<std::size_t>(facts.schemes.size(), kMaxSchemes));
  }
}

std::string SaidFamily(const Declaration& declaration) {
  if (declaration.foreign) return "foreign";
  if (declaration.no_linear_layer) return "other";
  return FamilyOf(declaration.linear.value_or(StoredFormat{}).family,
                  declaration.experts.value_or(StoredFormat{}).family, false);
}

// Methods whose usual abbreviation in a repository's name says that the weights are quantized.
std::string_view MethodInName(std::string_view name) {
  const std::string lower = base::AsciiLower(name);
  for (const std::string_view method : {"awq", "gptq", "gguf", "nvfp4", "mxfp4", "fp8", "bnb-4bit", "w8a8", "w4a16"}) {
    if (Contains(lower, method)) return method;
  }
  return "";
}

// {"dtype": "fp8"} of a vendor's own format; "" for weights of 16 bits and more.
std::string QuantizedDtype(const QuantizationFiles& files) {
  for (const json* object : {files.language, files.config}) {
    for (const char* key : {"dtype", "torch_dtype"}) {
      const std::string dtype = base::AsciiLower(TextOf(object, key)).substr(0, 40);
      if (const std::optional<NumberFormat> numbers = NumbersOf(dtype); numbers && numbers->bits < 16) return dtype;
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
  bool named_in_config = false;
  std::string_view nameless;             // the key of an object without a quant_method
  std::optional<Declaration> in_config;  // what vLLM and SGLang read where it exists, and no other file then
  for (const Place& place : places) {
    const json* found = Find(place.object, place.key);
    if (found == nullptr) continue;
    if (!found->is_object()) {
      if (place.key == "quantization" && (found->is_boolean() || found->is_string())) continue;
      return base::Invalid(place.where + ": must be an object");
    }
    if (found->empty()) continue;
    Declaration declaration = ReadDeclaration(*found, place.where);
    // Engines look for it in text_config too; another key is known to the class of the configuration alone.
    if (place.object == FindObject(files.config, "llm_config") && !in_config) {
      const std::string text = declaration.schemes.empty() ? "-" : declaration.schemes.begin()->second;
      declaration.AddSpecialScheme("declared", "llm_config", text.substr(0, text.find(' ')));
    }
    if (!in_config) in_config = declaration;
    const bool named = !TextOf(found, "quant_method").empty() || !TextOf(found, "quantization_method").empty();
    named_in_config = named_in_config || (named && place.key == "quantization_config");
    // hf_quant_config.json, which TensorRT-LLM reads first, has the same in ModelOpt's own words.
    if (!named && NamesModelOpt(files.hf_quant_config)) {
      const bool same = declaration.method == "modelopt" || declaration.method == "compressed-tensors";
      if (same || declaration.method == "unknown") nameless = place.key;
      if (nameless == place.key) continue;
    }
    if (files.whole && files.hf_quant_config == nullptr && declaration.method.starts_with("modelopt"))
      declaration.AddSpecialScheme("inline", std::string(place.key));
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
    ReadModelOpt(*quantization, true, declaration);
    // vLLM has a list of its own for what it reads from this file, which is shorter than that for config.json.
    const std::string algorithm = base::AsciiLower(TextOf(quantization, "quant_algo"));
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
      if (deciding->kv_cache != "none") break;
      deciding->kv_cache = declaration.kv_cache;
      deciding->kv_form = declaration.kv_form;
    }
    if (in_config && deciding->kv_cache != "none")
      deciding->kv_form = in_config->kv_cache == "none" ? "beside" : in_config->kv_form;
    Apply(*deciding, facts);
    // Only ModelOpt writes two files, of which an engine may read one alone.
    facts.method_in_config = named_in_config && deciding->method == "modelopt";
    return {};
  }
  for (const Declaration& declaration : declarations) {
    if (facts.kv_cache != "none") break;
    facts.kv_cache = declaration.kv_cache;
    facts.kv_form = declaration.kv_form;
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
  const std::string name = base::AsciiLower(method);
  if (name == facts.quantization) return {};
  const std::optional<MethodMeaning> known = name == "none" ? MethodMeaning{"none", "none"} : MeaningOfMethod(name);
  if (!known) {
    return base::Invalid("spec.model.quantization: \"" + method + "\" is not one of none, " + MethodNames());
  }
  if (facts.quantized())
    AddNote(facts, "spec.model.quantization says " + name + ", the files say " + facts.quantization);
  const bool dense = facts.experts == 0;
  const std::string family = known->family.empty() ? "other" : known->family;
  facts.quantization = name;
  facts.method_in_config = false;
  facts.family = family;
  facts.linear_format = family;
  facts.expert_format = dense ? "none" : family;
  facts.activations = known->activations;
  facts.weight_block.reset();
  facts.plain_shared_experts = false;
  facts.ignored_modules.clear();
  facts.ignored_parts.clear();
  facts.ignored_left_out = 0;
  facts.schemes.clear();
  return {};
}

}  // namespace autotune::checkpoint
