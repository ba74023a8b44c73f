#include "quant/model_facts.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

namespace autotune::quant {
namespace {

using nlohmann::json;

// Notes travel in a termination message of limited size.
constexpr std::size_t kMaxNotes = 8;
constexpr std::size_t kMaxNoteLength = 200;

// The method names that checkpoints carry, with the family where the name alone decides it. "" = the details decide.
// Sources: the quantization registries of vLLM and SGLang, and their loaders.
struct Method {
  std::string_view name;
  std::string_view family;
};
constexpr std::array kMethods = {
    Method{"aqlm", "other"},
    Method{"auto-round", "int4-wna16"},
    Method{"awq", "int4-wna16"},
    Method{"awq_marlin", "int4-wna16"},
    Method{"bitnet", "other"},
    Method{"bitsandbytes", "bnb"},
    Method{"compressed-tensors", ""},
    Method{"deepseek_v4_fp8", "fp8"},
    Method{"fbgemm_fp8", "fp8"},
    Method{"fp8", "fp8"},
    Method{"fp_quant", "other"},
    Method{"gguf", "gguf"},
    Method{"gpt_oss_mxfp4", "mxfp4"},
    Method{"gptq", "int4-wna16"},
    Method{"gptq_marlin", "int4-wna16"},
    Method{"hqq", "other"},
    Method{"inc", "int4-wna16"},
    Method{"marlin", "int4-wna16"},
    Method{"modelopt", ""},
    Method{"modelopt_fp4", "nvfp4"},
    Method{"modelopt_fp8", "fp8"},
    Method{"modelopt_mixed", "mixed"},
    Method{"modelopt_mxfp8", "mxfp8"},
    Method{"moe_wna16", "int4-wna16"},
    Method{"mxfp4", "mxfp4"},
    Method{"mxfp8", "mxfp8"},
    Method{"nvfp4", "nvfp4"},
    Method{"petit_nvfp4", "nvfp4"},
    Method{"quark", ""},
    Method{"squeezellm", "other"},
    Method{"torchao", ""},
    Method{"w4afp8", "w4a8"},
    Method{"w8a8_fp8", "fp8"},
    Method{"w8a8_int8", "int8-w8a8"},
};

const Method* FindMethod(std::string_view name) {
  const auto found = std::ranges::find(kMethods, name, &Method::name);
  return found == kMethods.end() ? nullptr : &*found;
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

bool Contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

// The member `key` if `object` is an object that has it and it is not null.
const json* Find(const json* object, std::string_view key) {
  if (object == nullptr || !object->is_object()) return nullptr;
  const auto found = object->find(key);
  return found == object->end() || found->is_null() ? nullptr : &*found;
}

const json* FindObject(const json* object, std::string_view key) {
  const json* found = Find(object, key);
  return found != nullptr && found->is_object() ? found : nullptr;
}

std::string TextOf(const json* object, std::string_view key) {
  const json* found = Find(object, key);
  return found != nullptr && found->is_string() ? found->get<std::string>() : "";
}

std::optional<std::int64_t> IntegerOf(const json* object, std::string_view key) {
  const json* found = Find(object, key);
  if (found == nullptr || !found->is_number_integer()) return std::nullopt;
  if (found->is_number_unsigned() && found->get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX))
    return std::nullopt;
  return found->get<std::int64_t>();
}

bool TrueAt(const json* object, std::string_view key) {
  const json* found = Find(object, key);
  return found != nullptr && found->is_boolean() && found->get<bool>();
}

void Note(ModelFacts& facts, std::string note) {
  if (facts.notes.size() >= kMaxNotes) return;
  if (note.size() > kMaxNoteLength) note.resize(kMaxNoteLength);
  facts.notes.push_back(std::move(note));
}

// What one declaration says: method as its files name it, normalised family, KV-cache scheme.
struct Declaration {
  std::string method;
  std::string family;
  std::string kv_cache = "none";
  std::string weight_block = "none";
  std::string where;
  std::string note;
};

std::string KvAlgorithm(std::string_view algorithm) {
  std::string lower = Lower(algorithm);
  if (lower.empty() || lower == "none") return "none";
  if (Contains(lower, "nvfp4") || Contains(lower, "fp4")) return "nvfp4";
  if (Contains(lower, "fp8")) return "fp8";
  if (Contains(lower, "int8")) return "int8";
  return lower;
}

// compressed-tensors' and newer ModelOpt's {"num_bits": 8, "type": "float", ...}.
std::string KvScheme(const json* scheme) {
  if (scheme == nullptr) return "none";
  if (scheme->is_string()) return KvAlgorithm(scheme->get_ref<const std::string&>());
  if (!scheme->is_object()) return "none";
  const std::int64_t bits = IntegerOf(scheme, "num_bits").value_or(8);
  const bool is_float = TextOf(scheme, "type") != "int";
  if (is_float) return bits == 4 ? "nvfp4" : "fp8";
  return "int" + std::to_string(bits);
}

// One group of compressed-tensors' config_groups.
std::string GroupFamily(const json& group) {
  const json* weights = FindObject(&group, "weights");
  const json* activations = FindObject(&group, "input_activations");
  if (weights == nullptr) return "other";
  const std::int64_t bits = IntegerOf(weights, "num_bits").value_or(0);
  const std::int64_t activation_bits = activations == nullptr ? 16 : IntegerOf(activations, "num_bits").value_or(16);
  const std::int64_t group_size = IntegerOf(weights, "group_size").value_or(0);
  if (TextOf(weights, "type") == "float") {
    if (bits == 4) return group_size == 32 ? "mxfp4" : "nvfp4";
    if (bits == 8) return group_size == 32 ? "mxfp8" : "fp8";
    return "other";
  }
  if (bits == 4) return activation_bits == 8 ? "w4a8" : activation_bits == 16 ? "int4-wna16" : "other";
  if (bits == 8 && activation_bits == 8) return "int8-w8a8";
  return "other";
}

std::string CompressedTensorsFamily(const json& config) {
  std::set<std::string> families;
  if (const json* groups = FindObject(&config, "config_groups")) {
    for (const auto& [name, group] : groups->items()) families.insert(GroupFamily(group));
  }
  if (families.empty()) {
    const std::string format = TextOf(&config, "format");
    if (format == "float-quantized") return "fp8";
    if (format == "int-quantized") return "int8-w8a8";
    if (format == "pack-quantized") return "int4-wna16";
    if (Contains(format, "nvfp4")) return "nvfp4";
    if (Contains(format, "mxfp4")) return "mxfp4";
    return "other";
  }
  return families.size() == 1 ? *families.begin() : "mixed";
}

// [128, 128] -> "128x128".
std::string BlockShape(const json& object, std::string_view key) {
  const json* shape = Find(&object, key);
  if (shape == nullptr || !shape->is_array() || shape->size() != 2) return "none";
  if (!(*shape)[0].is_number_integer() || !(*shape)[1].is_number_integer()) return "none";
  return (*shape)[0].dump() + "x" + (*shape)[1].dump();
}

// Of the first group of compressed-tensors' config_groups that has one.
std::string GroupBlock(const json& config) {
  const json* groups = FindObject(&config, "config_groups");
  if (groups == nullptr) return "none";
  for (const auto& [name, group] : groups->items()) {
    const json* weights = FindObject(&group, "weights");
    if (weights == nullptr || TextOf(weights, "type") != "float") continue;
    std::string shape = BlockShape(*weights, "block_structure");
    if (shape != "none") return shape;
  }
  return "none";
}

// ModelOpt's quant_algo names, as in tensorrt_llm.quantization.QuantAlgo.
std::string ModelOptFamily(std::string_view algorithm, const json* quantized_layers) {
  const std::string name = Lower(algorithm);
  if (name.empty() || name == "none" || name == "no_quant") return "none";
  if (name == "mixed_precision") {
    // Experts in W4A8 with fp8 elsewhere is the layout that engines run as "w4afp8".
    if (quantized_layers != nullptr && quantized_layers->is_object()) {
      for (const auto& [layer, config] : quantized_layers->items()) {
        if (Lower(TextOf(&config, "quant_algo")) == "w4a8_awq") return "w4a8";
      }
    }
    return "mixed";
  }
  // Before "w4a8": W4A8_MXFP4_FP8 and W4A8_NVFP4_FP8 are 4-bit floats, W4A8_AWQ is not.
  if (Contains(name, "mxfp4")) return "mxfp4";
  if (Contains(name, "nvfp4")) return "nvfp4";
  if (name.starts_with("w4a8")) return "w4a8";
  if (name.starts_with("w4a16")) return "int4-wna16";
  if (name.starts_with("w8a8_sq") || name == "int8") return "int8-w8a8";
  if (name.starts_with("mxfp8")) return "mxfp8";
  if (name.starts_with("fp8")) return "fp8";
  return "other";
}

std::string QuarkFamily(const json& config) {
  const json* global = FindObject(&config, "global_quant_config");
  const json* weight = Find(global, "weight");
  if (weight != nullptr && weight->is_array() && !weight->empty()) weight = &weight->front();
  const json* input = Find(global, "input_tensors");
  if (input != nullptr && input->is_array() && !input->empty()) input = &input->front();
  const std::string weights = Lower(TextOf(weight, "dtype"));
  const std::string activations = Lower(TextOf(input, "dtype"));
  if (Contains(weights, "fp8")) return "fp8";
  if (Contains(weights, "fp4")) return "mxfp4";
  if (weights == "int4") return activations.empty() ? "int4-wna16" : "w4a8";
  if (weights == "int8") return activations.empty() ? "other" : "int8-w8a8";
  return "other";
}

std::string TorchAoFamily(const json& config) {
  const json* type = Find(&config, "quant_type");
  if (type == nullptr) return "other";
  const std::string text = Lower(type->is_string() ? type->get<std::string>() : type->dump());
  if (Contains(text, "float8") || Contains(text, "fp8")) return "fp8";
  if (Contains(text, "int8dynamicactivationint8") || Contains(text, "int8dq")) return "int8-w8a8";
  if (Contains(text, "int8dynamicactivationint4")) return "w4a8";
  if (Contains(text, "int4")) return "int4-wna16";
  return "other";
}

Declaration ReadModelOpt(const json& quantization) {
  Declaration declaration;
  declaration.method = "modelopt";
  const std::string algorithm = TextOf(&quantization, "quant_algo");
  declaration.family = ModelOptFamily(algorithm, Find(&quantization, "quantized_layers"));
  if (Lower(algorithm) == "fp8_block_scales") declaration.weight_block = "128x128";
  const json* kv = Find(&quantization, "kv_cache_quant_algo");
  declaration.kv_cache = kv != nullptr && kv->is_string() ? KvAlgorithm(kv->get<std::string>())
                                                          : KvScheme(Find(&quantization, "kv_cache_scheme"));
  return declaration;
}

Declaration ReadQuantizationConfig(const json& config, std::string where) {
  Declaration declaration;
  std::string method = Lower(TextOf(&config, "quant_method"));
  if (method.empty()) {
    if (TrueAt(&config, "load_in_4bit") || TrueAt(&config, "load_in_8bit")) {
      method = "bitsandbytes";
    } else if (Find(&config, "config_groups") != nullptr) {
      method = "compressed-tensors";
    } else if (Find(&config, "quant_algo") != nullptr) {
      method = "modelopt";
    }
  }
  if (method.empty()) {
    declaration.method = "unknown";
    declaration.family = "other";
    declaration.note = where + " names no quant_method; the checkpoint is treated as quantized in an unknown way";
  } else if (method == "modelopt") {
    // Newer exports put what hf_quant_config.json says into config.json, with or without the "quantization" level.
    const json* inner = FindObject(&config, "quantization");
    declaration = ReadModelOpt(inner != nullptr ? *inner : config);
    if (declaration.family == "none" && TextOf(&config, "quant_algo").empty() && inner == nullptr)
      declaration.family = "other";
  } else {
    declaration.method = method;
    const Method* known = FindMethod(method);
    if (known == nullptr) {
      declaration.family = "other";
      declaration.note = where + ".quant_method \"" + method + "\" is not a method this version knows";
    } else {
      declaration.family = std::string(known->family);
    }
    if (method == "compressed-tensors") declaration.family = CompressedTensorsFamily(config);
    if (method == "quark") declaration.family = QuarkFamily(config);
    if (method == "torchao") declaration.family = TorchAoFamily(config);
    if (declaration.family == "int4-wna16") {
      const std::int64_t bits = IntegerOf(&config, "bits").value_or(IntegerOf(&config, "w_bit").value_or(4));
      if (bits != 4) {
        declaration.family = "other";
        declaration.note = where + ": " + method + " with " + std::to_string(bits) + " bits";
      }
    }
    if (method == "fp8") declaration.weight_block = BlockShape(config, "weight_block_size");
    if (method == "compressed-tensors") declaration.weight_block = GroupBlock(config);
    if (method == "fp_quant") {
      const std::string forward = Lower(TextOf(&config, "forward_dtype"));
      if (forward == "mxfp4" || forward == "nvfp4") declaration.family = forward;
    }
    declaration.kv_cache = KvScheme(Find(&config, "kv_cache_scheme"));
    if (method == "quark") {
      const json* kv = Find(&config, "kv_cache_quant_config");
      const json* group = Find(&config, "kv_cache_group");
      if ((kv != nullptr && kv->is_object() && !kv->empty()) ||
          (group != nullptr && group->is_array() && !group->empty()))
        declaration.kv_cache = "fp8";
    }
  }
  declaration.where = std::move(where);
  return declaration;
}

// The engines' dtype names; "" for none that weights are computed in.
std::string NormalDtype(std::string_view text) {
  std::string lower = Lower(text);
  if (lower.starts_with("torch.")) lower.erase(0, 6);
  if (lower == "bfloat16" || lower == "bf16") return "bfloat16";
  if (lower == "float16" || lower == "half" || lower == "fp16") return "float16";
  if (lower == "float32" || lower == "float" || lower == "fp32") return "float32";
  return "";
}

// Multimodal configurations keep the language model one level down.
const json* LanguageConfig(const json& config) {
  static constexpr std::string_view kNested[] = {"text_config", "llm_config", "language_config", "language_model"};
  for (const std::string_view key : kNested) {
    if (const json* nested = FindObject(&config, key)) return nested;
  }
  if (const json* thinker = FindObject(&config, "thinker_config")) {
    if (const json* nested = FindObject(thinker, "text_config")) return nested;
  }
  return nullptr;
}

class SizeReader {
 public:
  SizeReader(const json& config, const json* nested, ModelFacts& facts)
      : config_(config), nested_(nested), facts_(facts) {}

  std::int64_t Read(std::initializer_list<std::string_view> keys) {
    for (const json* object : {nested_, &config_}) {
      for (const std::string_view key : keys) {
        const json* found = Find(object, key);
        if (found == nullptr) continue;
        const std::optional<std::int64_t> value = IntegerOf(object, key);
        if (value && *value >= 0) return *value;
        // Some architectures list a value per layer: one number cannot stand for them.
        Note(facts_, "config.json: " + std::string(key) + " is not one number; treated as not known");
        return 0;
      }
    }
    return 0;
  }

 private:
  const json& config_;
  const json* nested_;
  ModelFacts& facts_;
};

// Layers whose KV cache grows with the whole context. Where the configuration mentions another kind of layer without
// listing them, the answer is "not known".
std::int64_t FullAttentionLayers(const json& config, const json* nested, std::int64_t layers) {
  for (const json* object : {nested, &config}) {
    if (const json* types = Find(object, "layer_types"); types != nullptr && types->is_array()) {
      return std::ranges::count_if(*types, [](const json& type) { return type == "full_attention"; });
    }
  }
  static constexpr std::array<std::string_view, 12> kOtherLayers = {
      "sliding_window",       "sliding_window_size",     "sliding_window_pattern",
      "attention_chunk_size", "full_attention_interval", "attn_layer_period",
      "layers_block_type",    "hybrid_override_pattern", "block_types",
      "linear_attn_config",   "attn_layer_indices",      "attn_type_list"};
  for (const json* object : {nested, &config}) {
    const json* uses = Find(object, "use_sliding_window");
    for (const std::string_view key : kOtherLayers) {
      const bool switched_off = key.starts_with("sliding_window") && uses != nullptr && *uses == false;
      if (Find(object, key) != nullptr && !switched_off) return 0;
    }
  }
  return layers;
}

void ReadSizes(const json& config, const json* nested, ModelFacts& facts) {
  SizeReader sizes(config, nested, facts);
  facts.layers = sizes.Read({"num_hidden_layers", "n_layer", "num_layers", "n_layers"});
  facts.hidden_size = sizes.Read({"hidden_size", "n_embd", "d_model"});
  facts.intermediate_size = sizes.Read({"intermediate_size", "n_inner", "ffn_hidden_size"});
  facts.attention_heads = sizes.Read({"num_attention_heads", "n_head", "n_heads"});
  facts.kv_heads = sizes.Read({"num_key_value_heads", "num_kv_heads", "n_head_kv", "multi_query_group_num"});
  facts.head_dim = sizes.Read({"head_dim"});
  facts.experts =
      sizes.Read({"num_experts", "num_local_experts", "n_routed_experts", "num_routed_experts", "moe_num_experts"});
  facts.experts_per_token =
      sizes.Read({"num_experts_per_tok", "num_experts_per_token", "experts_per_token", "moe_topk", "moe_top_k"});
  facts.moe_intermediate_size = sizes.Read({"moe_intermediate_size", "expert_ffn_hidden_size"});
  facts.vocab_size = sizes.Read({"vocab_size"});
  facts.max_position = sizes.Read({"max_position_embeddings", "n_positions", "max_seq_len", "seq_length"});
  const std::int64_t latent = sizes.Read({"kv_lora_rank"});
  if (latent > 0) facts.kv_latent_size = latent + sizes.Read({"qk_rope_head_dim"});
  // Defaults of the transformers library where the key is absent.
  if (facts.kv_heads == 0) facts.kv_heads = facts.attention_heads;
  if (facts.head_dim == 0 && facts.attention_heads > 0) facts.head_dim = facts.hidden_size / facts.attention_heads;
  facts.full_attention_layers = FullAttentionLayers(config, nested, facts.layers);
  // One expert is a dense layer.
  if (facts.experts <= 1) facts.experts = 0;
}

void ReadDtype(const json& config, const json* nested, ModelFacts& facts) {
  std::string declared;
  for (const json* object : {&config, nested}) {
    for (const std::string_view key : {"torch_dtype", "dtype"}) {
      if (declared.empty()) declared = TextOf(object, key);
    }
  }
  if (declared.empty()) {
    Note(facts, "config.json declares no dtype; bfloat16 is assumed");
    return;
  }
  const std::string normal = NormalDtype(declared);
  if (normal.empty()) {
    Note(facts, "config.json: dtype \"" + declared + "\" is none of bfloat16, float16, float32; bfloat16 is assumed");
    return;
  }
  facts.dtype = normal;
}

// Methods whose usual abbreviation in a repository's name says that the weights are quantized.
std::string_view MethodInName(std::string_view name) {
  const std::string lower = Lower(name);
  for (const std::string_view method : {"awq", "gptq", "gguf", "nvfp4", "mxfp4", "fp8", "bnb-4bit", "w8a8", "w4a16"}) {
    if (Contains(lower, method)) return method;
  }
  return "";
}

}  // namespace

base::Result<ModelFacts> ReadModelFacts(const CheckpointFiles& files) {
  if (files.config == nullptr) return base::Invalid("config.json: the checkpoint has none");
  const json& config = *files.config;
  if (!config.is_object()) return base::Invalid("config.json: must be an object");

  ModelFacts facts;
  facts.weight_bytes = files.weight_bytes;
  if (const json* architectures = Find(&config, "architectures");
      architectures != nullptr && architectures->is_array() && !architectures->empty() &&
      architectures->front().is_string()) {
    facts.architecture = architectures->front().get<std::string>();
  } else {
    facts.architecture = TextOf(&config, "model_type");
  }
  const json* nested = LanguageConfig(config);
  ReadDtype(config, nested, facts);
  ReadSizes(config, nested, facts);

  // In the order in which the engines look; the first that quantizes decides, the others are compared with it.
  std::vector<Declaration> declarations;
  struct Place {
    const json* object;
    std::string_view key;
    std::string_view where;
  };
  const Place places[] = {{&config, "quantization_config", "config.json: quantization_config"},
                          {nested, "quantization_config", "config.json: text_config.quantization_config"},
                          {&config, "compression_config", "config.json: compression_config"}};
  for (const Place& place : places) {
    const json* found = Find(place.object, place.key);
    if (found == nullptr) continue;
    if (!found->is_object()) return base::Invalid(std::string(place.where) + ": must be an object");
    if (found->empty()) continue;
    declarations.push_back(ReadQuantizationConfig(*found, std::string(place.where)));
  }
  if (files.hf_quant_config != nullptr) {
    if (!files.hf_quant_config->is_object()) return base::Invalid("hf_quant_config.json: must be an object");
    const json* quantization = Find(files.hf_quant_config, "quantization");
    if (quantization == nullptr || !quantization->is_object())
      return base::Invalid("hf_quant_config.json: quantization: must be an object");
    Declaration declaration = ReadModelOpt(*quantization);
    declaration.where = "hf_quant_config.json";
    declarations.push_back(std::move(declaration));
  }
  if (files.has_gguf_file && declarations.empty()) {
    Declaration declaration;
    declaration.method = "gguf";
    declaration.family = "gguf";
    declaration.where = "a .gguf file";
    declarations.push_back(std::move(declaration));
  }

  const Declaration* deciding = nullptr;
  for (const Declaration& declaration : declarations) {
    if (!declaration.note.empty()) Note(facts, declaration.note);
    if (declaration.kv_cache != "none" && facts.kv_cache == "none") facts.kv_cache = declaration.kv_cache;
    if (declaration.family == "none") continue;
    if (deciding == nullptr) {
      deciding = &declaration;
    } else if (declaration.family != deciding->family) {
      Note(facts, declaration.where + " says " + declaration.family + ", " + deciding->where + " says " +
                      deciding->family + "; the latter is used");
    }
  }
  if (deciding != nullptr) {
    facts.quantization = deciding->method;
    facts.family = deciding->family;
    facts.weight_block = deciding->weight_block;
  } else if (const std::string_view method = MethodInName(files.name); !method.empty()) {
    Note(facts, "the name \"" + files.name + "\" suggests " + std::string(method) +
                    ", but no file declares a quantization; the weights are taken as unquantized");
  }
  return facts;
}

base::Status OverrideQuantization(ModelFacts& facts, const std::string& method) {
  const std::string name = Lower(method);
  if (name == "none") {
    if (facts.quantized()) Note(facts, "spec.model.quantization says none, the files say " + facts.quantization);
    facts.quantization = "none";
    facts.family = "none";
    return {};
  }
  const Method* known = FindMethod(name);
  if (known == nullptr) {
    std::string allowed = "none";
    for (const Method& candidate : kMethods) allowed += ", " + std::string(candidate.name);
    return base::Invalid("spec.model.quantization: \"" + method + "\" is not one of " + allowed);
  }
  if (facts.quantization == name) return {};
  if (facts.quantized()) Note(facts, "spec.model.quantization says " + name + ", the files say " + facts.quantization);
  facts.quantization = name;
  facts.family = known->family.empty() ? "other" : std::string(known->family);
  return {};
}

json ToJson(const ModelFacts& facts) {
  json value = {{"architecture", facts.architecture},
                {"dtype", facts.dtype},
                {"quantization", facts.quantization},
                {"family", facts.family},
                {"kvCache", facts.kv_cache}};
  const auto size = [&](const char* key, std::int64_t number) {
    if (number != 0) value[key] = number;
  };
  size("layers", facts.layers);
  size("hiddenSize", facts.hidden_size);
  size("intermediateSize", facts.intermediate_size);
  size("attentionHeads", facts.attention_heads);
  size("kvHeads", facts.kv_heads);
  size("headDim", facts.head_dim);
  size("experts", facts.experts);
  size("expertsPerToken", facts.experts_per_token);
  size("moeIntermediateSize", facts.moe_intermediate_size);
  size("vocabSize", facts.vocab_size);
  size("maxPosition", facts.max_position);
  size("kvLatentSize", facts.kv_latent_size);
  size("fullAttentionLayers", facts.full_attention_layers);
  if (facts.weight_block != "none") value["weightBlock"] = facts.weight_block;
  // Text, because it exceeds what a JSON reader that uses doubles can hold for the largest checkpoints.
  if (facts.weight_bytes != 0) value["weightBytes"] = std::to_string(facts.weight_bytes);
  if (!facts.notes.empty()) value["notes"] = facts.notes;
  return value;
}

base::Result<ModelFacts> ModelFactsFromJson(const json& value) {
  if (!value.is_object()) return base::Invalid("model facts: must be an object");
  ModelFacts facts;
  std::string problem;
  const auto text = [&](const char* key, std::string& target) {
    const json* found = Find(&value, key);
    if (found == nullptr) return;
    if (found->is_string()) {
      target = found->get<std::string>();
    } else if (problem.empty()) {
      problem = std::string("model facts: ") + key + ": must be a string";
    }
  };
  const auto size = [&](const char* key, std::int64_t& target) {
    const json* found = Find(&value, key);
    if (found == nullptr) return;
    std::optional<std::int64_t> number = IntegerOf(&value, key);
    if (found->is_string()) {
      const json parsed = json::parse(found->get_ref<const std::string&>(), nullptr, false);
      const json holder = {{"n", parsed.is_discarded() ? json() : parsed}};
      number = IntegerOf(&holder, "n");
    }
    if (number && *number >= 0) {
      target = *number;
    } else if (problem.empty()) {
      problem = std::string("model facts: ") + key + ": must be a non-negative integer";
    }
  };
  text("architecture", facts.architecture);
  text("dtype", facts.dtype);
  text("quantization", facts.quantization);
  text("family", facts.family);
  text("kvCache", facts.kv_cache);
  size("layers", facts.layers);
  size("hiddenSize", facts.hidden_size);
  size("intermediateSize", facts.intermediate_size);
  size("attentionHeads", facts.attention_heads);
  size("kvHeads", facts.kv_heads);
  size("headDim", facts.head_dim);
  size("experts", facts.experts);
  size("expertsPerToken", facts.experts_per_token);
  size("moeIntermediateSize", facts.moe_intermediate_size);
  size("vocabSize", facts.vocab_size);
  size("maxPosition", facts.max_position);
  size("kvLatentSize", facts.kv_latent_size);
  size("fullAttentionLayers", facts.full_attention_layers);
  text("weightBlock", facts.weight_block);
  size("weightBytes", facts.weight_bytes);
  if (const json* notes = Find(&value, "notes"); notes != nullptr) {
    if (!notes->is_array()) return base::Invalid("model facts: notes: must be a list");
    for (const json& note : *notes) {
      if (!note.is_string()) return base::Invalid("model facts: notes: must be a list of strings");
      Note(facts, note.get<std::string>());
    }
  }
  if (!problem.empty()) return base::Invalid(problem);
  return facts;
}

}  // namespace autotune::quant
