#include "checkpoint/config_reader.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ascii_case.h"
#include "checkpoint/attention_layout.h"
#include "checkpoint/json_keys.h"
#include "checkpoint/model_classes.h"

namespace autotune::checkpoint {
namespace {

using nlohmann::json;

// Far above any model: a larger number is a mistake, and products of these fit into 64 bits.
constexpr std::int64_t kLargestShape = 1 << 26;
constexpr std::int64_t kLargestCount = std::int64_t{1} << 40;  // of parameters, tokens

// The engines' dtype names; "" for none that weights are computed in.
std::string NormalDtype(std::string_view text) {
  std::string lower = base::AsciiLower(text);
  if (lower.starts_with("torch.")) lower.erase(0, 6);
  if (lower == "bfloat16" || lower == "bf16") return "bfloat16";
  if (lower == "float16" || lower == "half" || lower == "fp16") return "float16";
  if (lower == "float32" || lower == "float" || lower == "fp32") return "float32";
  return "";
}

class ConfigReader {
 public:
  ConfigReader(const json& config, ModelFacts& facts) : config_(config), language_(*Language(config)), facts_(facts) {}

  void Read() {
    ReadNames();
    ReadDtype();
    if (const std::string elsewhere = LanguageModelElsewhere(config_); !elsewhere.empty()) {
      facts_.model_type.clear();
      AddNote(facts_, "config.json: the language model is " + elsewhere.substr(0, 80) +
                          ", in files of its own (text_model_id); its sizes and its quantization are not known");
      return;
    }
    class_ = FindModelClass(facts_.model_type, &language_ == &config_ ? facts_.architecture : "");
    // The other number of layers is the encoder's.
    facts_.layers = TrueAt(&config_, "is_encoder_decoder")
                        ? Number({"decoder_layers", "num_decoder_layers"})
                        : Number({"num_hidden_layers", "n_layer", "num_layers", "n_layers"});
    for (const char* list : {"block_configs", "layers_block_type", "layer_types"}) {
      if (!facts_.layers) facts_.layers = Listed(list);
    }
    facts_.hidden_size = Number({"hidden_size", "n_embd", "d_model", "n_embed", "model_dim"});
    facts_.vocab_size = Number({"vocab_size", "padded_vocab_size"});
    ReadPositions();
    for (const json* object : {&language_, &config_}) {
      const json* tied = Find(object, "tie_word_embeddings");
      if (!facts_.tied_embeddings && tied != nullptr && tied->is_boolean()) facts_.tied_embeddings = tied->get<bool>();
    }
    ReadAttention(language_, config_, facts_);
    ReadMlp();
    ReadMamba();
    ReadExperts();
    ReadVision();
  }

 private:
  static const json* Language(const json& config) {
    const json* nested = LanguageConfig(config);
    return nested != nullptr ? nested : &config;
  }

  // Of the language model only: what stands beside it describes the whole or its other parts.
  [[nodiscard]] const json* Get(std::string_view key) const { return Find(&language_, key); }

  // A size among several spellings, also as a list with the same number for every layer. Zero and null are "not used".
  Size Number(std::initializer_list<std::string_view> keys, std::int64_t largest = kLargestShape) {
    for (const std::string_view key : keys) {
      const json* found = Get(key);
      if (found == nullptr) continue;
      if (const Size size = One(*found, largest)) return *size > 0 ? size : std::nullopt;
      AddNote(facts_, "config.json: " + std::string(key) + " is not one number; treated as not known");
      return std::nullopt;
    }
    return std::nullopt;
  }

  static Size One(const json& value, std::int64_t largest) {
    if (const auto list = IntegersOf(&value)) {
      if (list->empty()) return std::nullopt;
      const bool same = std::ranges::all_of(*list, [&](std::int64_t n) { return n == list->front(); });
      return same && list->front() >= 0 && list->front() <= largest ? Size(list->front()) : std::nullopt;
    }
    const std::optional<std::int64_t> number = WholeNumber(value);
    return number && *number >= 0 && *number <= largest ? number : std::nullopt;
  }

  Size Listed(std::string_view key) const {
    const json* list = FindArray(&language_, key);
    return list == nullptr || list->empty() ? std::nullopt : Size(static_cast<std::int64_t>(list->size()));
  }

  // speculators_config: {"verifier": {"name_or_path": "org/model"}, "proposal_methods": [{"speculative_tokens": 3}]}
  void ReadVerifier() {
    constexpr std::size_t kLongest = 200;
    const json* speculators = FindObject(&config_, "speculators_config");
    facts_.verifier = TextOf(FindObject(speculators, "verifier"), "name_or_path").substr(0, kLongest);
    if (facts_.verifier.empty()) return;
    facts_.draft_method = base::AsciiLower(TextOf(&config_, "speculators_model_type")).substr(0, kLongest);
    const json* methods = FindArray(speculators, "proposal_methods");
    if (methods != nullptr && !methods->empty())
      facts_.draft_tokens = IntegerOf(&methods->front(), "speculative_tokens");
    if (facts_.draft_tokens < 0) facts_.draft_tokens.reset();
  }

  // "2.6", and 4.0 too.
  std::string ClassVersion() const {
    constexpr std::size_t kLongest = 20;
    const json* version = Find(&config_, "version");
    if (version == nullptr) return "";
    if (version->is_number()) return version->dump().substr(0, kLongest);
    return TextOf(&config_, "version").substr(0, kLongest);
  }

  void ReadNames() {
    const json* architectures = FindArray(&config_, "architectures");
    if (architectures != nullptr && !architectures->empty() && architectures->front().is_string())
      facts_.architecture = architectures->front().get<std::string>();
    if (const json* inner = &language_ == &config_ ? nullptr : FindArray(&language_, "architectures");
        inner != nullptr && !inner->empty() && inner->front().is_string())
      facts_.language_class = inner->front().get<std::string>();
    if (facts_.architecture.starts_with("MiniCPM")) facts_.class_version = ClassVersion();
    facts_.model_type = TextOf(&language_, "model_type");
    facts_.config_type = TextOf(&config_, "model_type");
    if (TextOf(&language_, "attention_projection_layout") == "fused_qkv")
      AddNote(facts_,
              "config.json: attention_projection_layout: qkv_proj is stored for as many GPUs as there are KV heads; "
              "whether another tensor-parallel size loads is not known");
    const json* code = Find(&config_, "auto_map");
    // Code for a tokenizer or a processor alone neither reads nor runs a model.
    if (code != nullptr && code->is_object()) {
      for (const auto& [name, class_name] : code->items())
        facts_.remote_code = facts_.remote_code || name == "AutoConfig" || name.starts_with("AutoModel");
    }
    const json* causal = Get("is_causal");
    facts_.pooling = !TextOf(&config_, "pooling").empty() || (causal != nullptr && *causal == false);
    // A class of the checkpoint's own that is registered for its vectors alone.
    const bool may_embed = facts_.architecture.ends_with("Model") && !facts_.architecture.ends_with("ChatModel");
    if (facts_.remote_code && may_embed && code->contains("AutoModel")) {
      bool generates = false;
      for (const auto& [name, class_name] : code->items()) generates = generates || name.starts_with("AutoModelFor");
      facts_.pooling = facts_.pooling || !generates;
    }
    if (facts_.architecture.empty()) facts_.architecture = facts_.config_type;
    ReadVerifier();
    constexpr std::size_t kLongest = 100;
    if (facts_.config_type.size() > kLongest) facts_.config_type.resize(kLongest);
    if (facts_.architecture.size() > kLongest) facts_.architecture.resize(kLongest);
    if (facts_.model_type.size() > kLongest) facts_.model_type.resize(kLongest);
    if (facts_.language_class.size() > kLongest) facts_.language_class.resize(kLongest);
  }

  void ReadDtype() {
    std::string declared;
    for (const json* object : {&config_, &language_}) {
      for (const std::string_view key : {"torch_dtype", "dtype"}) {
        if (declared.empty()) declared = TextOf(object, key);
      }
    }
    facts_.dtype = NormalDtype(declared);
    if (!declared.empty() && facts_.dtype.empty())
      AddNote(facts_, "config.json: dtype \"" + declared + "\" is not one of bfloat16, float16, float32; not known");
  }

  void ReadPositions() {
    // Where several say it, the least one: vLLM's rule.
    for (const std::string_view key :
         {"max_position_embeddings", "n_positions", "max_seq_len", "seq_length", "max_sequence_length",
          "model_max_length", "max_seq_length", "max_target_positions"}) {
      const Size one = Number({key}, kLargestCount);
      if (one && (!facts_.max_position || *one < *facts_.max_position)) facts_.max_position = one;
    }
    if (!facts_.max_position) facts_.max_position = Number({"n_ctx"}, kLargestCount);
    if (!facts_.max_position || facts_.model_type.starts_with("gemma3")) return;  // Gemma 3 declares the scaled number
    const std::int64_t declared = *facts_.max_position;
    for (const std::string_view key : {"rope_scaling", "rope_parameters", "yarn"}) {
      const json* scaling = FindObject(&language_, key);
      if (scaling == nullptr) continue;
      ExtendPositions(*scaling, key == "yarn", declared);
      for (const auto& [kind, one] : scaling->items()) {  // of each kind of layer
        if (one.is_object()) ExtendPositions(one, false, declared);
      }
    }
  }

  // As vLLM does: YaRN multiplies the positions that the checkpoint had before, other ways those that it declares.
  void ExtendPositions(const json& scaling, bool yarn, std::int64_t declared) {
    std::string type = TextOf(&scaling, "rope_type");
    if (type.empty()) type = TextOf(&scaling, "type");
    if (type == "llama3" || type == "longrope" || type == "su" || type == "default") return;
    const json* factor = Find(&scaling, "factor");
    if (factor == nullptr || !factor->is_number()) return;
    const json* before = Find(&scaling, "original_max_position_embeddings");
    const Size original = before != nullptr && (yarn || type == "yarn") ? One(*before, kLargestCount) : std::nullopt;
    const double positions = factor->get<double>() * static_cast<double>(original.value_or(declared));
    if (!(positions <= static_cast<double>(kLargestCount))) return;
    facts_.max_position = std::max(*facts_.max_position, static_cast<std::int64_t>(positions));
  }

  void ReadMlp() {
    // Llama 4 calls the experts' width intermediate_size and has another one for its dense layers.
    static constexpr std::array kWidths = {
        "dense_intermediate_size", "intermediate_size_mlp", "intermediate_size", "n_inner", "ffn_dim", "d_ff",
        "ffn_hidden_size"};
    const auto said = std::ranges::find_if(kWidths, [&](const char* key) { return Get(key) != nullptr; });
    if (said != kWidths.end()) facts_.intermediate_size = Number({*said});
    const std::string class_name = ClassName(facts_.model_type, &language_ == &config_ ? facts_.architecture : "");
    Size factor = MlpWidthFactor(class_name);
    if (class_name == "mpt" && Get("expansion_ratio") != nullptr) factor = Number({"expansion_ratio"});
    if (said == kWidths.end() && factor && facts_.hidden_size && *facts_.hidden_size <= kLargestShape / *factor)
      facts_.intermediate_size = *factor * *facts_.hidden_size;
    std::string activation;
    for (const char* key : {"mlp_hidden_act", "hidden_act", "hidden_activation", "activation_function"}) {
      if (activation.empty()) activation = base::AsciiLower(TextOf(&language_, key));
    }
    facts_.mlp_matrices = MlpMatrices(class_name, activation);
    const json* ffn = FindObject(&language_, "ffn_config");
    if (!facts_.intermediate_size && ffn != nullptr) {
      if (const json* width = Find(ffn, "ffn_hidden_size")) facts_.intermediate_size = One(*width, kLargestShape);
    }
    if (class_ != nullptr && facts_.intermediate_size) *facts_.intermediate_size /= class_->mlp_divisor;
    // LFM2 adjusts unless it is told not to.
    const bool adjusts = class_ != nullptr && class_->name == "lfm2" && Get("block_auto_adjust_ff_dim") == nullptr;
    if (adjusts || TrueAt(&language_, "block_auto_adjust_ff_dim")) facts_.intermediate_size = AdjustedWidth();
  }

  void ReadMamba() {
    if (!(facts_.mamba_layers > 0)) return;
    const auto product = [&](const char* one, const char* other) -> Size {
      const Size count = Positive(one), width = Positive(other);
      return count && width && *count <= kLargestShape / *width ? Size(*count * *width) : std::nullopt;
    };
    facts_.mamba_width = Positive("mamba_d_ssm");
    if (!facts_.mamba_width) facts_.mamba_width = product("mamba_num_heads", "mamba_head_dim");
    if (!facts_.mamba_width) facts_.mamba_width = product("mamba_n_heads", "mamba_d_head");
    for (const char* key : {"mamba_expand", "expand"}) {
      const Size factor = Positive(key);
      if (!facts_.mamba_width && factor && facts_.hidden_size && *factor <= kLargestShape / *facts_.hidden_size)
        facts_.mamba_width = *factor * *facts_.hidden_size;
    }
    // Mamba 2 alone has groups: Falcon H1, Granite and Bamba; Zamba 2; Nemotron H and Mamba 2 itself.
    for (const char* key : {"mamba_n_groups", "mamba_ngroups", "n_groups"}) {
      if (!facts_.mamba_groups) facts_.mamba_groups = Positive(key);
    }
    if (!facts_.mamba_groups) return;
    for (const char* key : {"mamba_n_heads", "mamba_num_heads", "n_mamba_heads"}) {
      if (!facts_.mamba_heads) facts_.mamba_heads = Positive(key);
    }
    if (!facts_.mamba_heads && facts_.model_type == "mamba2") facts_.mamba_heads = Positive("num_heads");
  }

  // LFM2: two thirds of what is written, times a factor, in whole multiples.
  Size AdjustedWidth() {
    const Size multiple = Positive("block_multiple_of");
    const json* factor = Get("block_ffn_dim_multiplier");
    if (!facts_.intermediate_size || !multiple || (factor != nullptr && !factor->is_number())) return std::nullopt;
    const std::int64_t width = 2 * *facts_.intermediate_size / 3;
    const double scaled = factor == nullptr ? 1 : factor->get<double>();
    if (!(scaled > 0 && scaled < 16)) return std::nullopt;
    const auto whole = static_cast<std::int64_t>(scaled * static_cast<double>(width));
    return (whole + *multiple - 1) / *multiple * *multiple;
  }

  // ---- Experts ----

  void ReadExperts() {
    const json* ffn = FindObject(&language_, "ffn_config");
    facts_.experts = ExpertNumber(ffn, {"num_experts", "num_local_experts", "n_routed_experts", "num_routed_experts",
                                        "moe_num_experts", "num_moe_experts", "n_experts", "moe_n_experts"});
    if (!facts_.experts) {
      const bool off = Switch("enable_moe_block") == false;
      const std::string hint = off ? "" : HintOfExperts();
      if (hint.empty()) {
        facts_.experts = 0;
      } else {
        AddNote(facts_, "config.json: " + hint + " is not understood; whether the model has experts is not known");
      }
    }
    // One expert is a dense layer; a number of experts may stand beside a switch that turns them off.
    if (facts_.experts == 1 || Switch("is_moe") == false || Switch("use_moe") == false) facts_.experts = 0;
    if (facts_.experts == 0) {
      facts_.moe_layers = 0;
      facts_.dense_layers = DenseLayers();
      return;
    }
    if (!facts_.experts) return;
    facts_.experts_per_token =
        ExpertNumber(ffn, {"num_experts_per_tok", "num_experts_per_token", "experts_per_token", "moe_topk", "moe_top_k",
                           "moe_k", "top_k_experts", "num_selected_experts", "moe_router_topk", "num_active_experts"});
    facts_.shared_experts = ExpertNumber(
        nullptr, {"n_shared_experts", "num_shared_experts", "num_shared_expert", "moe_num_shared_experts"});
    facts_.moe_intermediate_size = ExpertNumber(
        nullptr, {"moe_intermediate_size", "expert_ffn_hidden_size", "moe_ffn_hidden_size", "expert_hidden_dim",
                  "expert_intermediate_size", "moe_intermediate_dim", "expert_hidden_size"});
    facts_.moe_latent_size = ExpertNumber(nullptr, {"moe_latent_size", "routed_expert_hidden_size"});
    facts_.shared_intermediate_size =
        ExpertNumber(nullptr, {"shared_expert_intermediate_size", "moe_shared_expert_intermediate_size",
                               "shared_intermediate_size", "share_expert_dim", "shared_expert_dim"});
    ReadExpertWidths();
    ReadExpertLayers();
  }

  // Beside embed_dim, hidden_size is the width of what the tower puts out (Qwen2-VL).
  void ReadVision() {
    const json* around = FindObject(&config_, "thinker_config");
    const json* vision = FindObject(around == nullptr ? &config_ : around, "vision_config");
    if (vision == nullptr || Find(vision, "embed_dim") != nullptr) return;
    const auto size = [&](const char* key) {
      const json* found = Find(vision, key);
      return found == nullptr ? Size() : One(*found, kLargestShape);
    };
    facts_.vision_hidden_size = size("hidden_size");
    facts_.vision_intermediate_size = size("intermediate_size");
  }

  [[nodiscard]] std::optional<bool> Switch(std::string_view key) const {
    const json* found = Get(key);
    return found != nullptr && found->is_boolean() ? std::optional(found->get<bool>()) : std::nullopt;
  }

  Size ExpertNumber(const json* object, std::initializer_list<std::string_view> keys) {
    for (const std::string_view key : keys) {
      const json* found = Get(key);
      if (found == nullptr) found = Find(object, key);
      if (found == nullptr || *found == false) continue;
      const Size number = One(*found, kLargestShape);
      if (!number) {
        AddNote(facts_, "config.json: " + std::string(key) + " is not one number; treated as not known");
        return std::nullopt;
      }
      return number;
    }
    return std::nullopt;
  }

  // A key that says that there are experts, where no number of them was understood.
  [[nodiscard]] std::string HintOfExperts() const {
    for (const json* object : {&language_, FindObject(&language_, "ffn_config")}) {
      if (object == nullptr) continue;
      for (const auto& [key, value] : object->items()) {
        const std::string lower = base::AsciiLower(key);
        const bool about = Contains(lower, "expert") || lower.starts_with("moe") || Contains(lower, "_moe");
        const bool says = value.is_structured() ? !value.empty()
                          : value.is_boolean()  ? value == true
                                                : !value.is_null() && value != 0;
        if (about && says && !value.is_string() && !value.is_number_float()) return key;
        if (about && value.is_object() && !value.empty()) return key;
      }
    }
    return "";
  }

  void ReadExpertWidths() {
    // Llama 4's class has one beside the routed experts of every such layer, of their width; no key says so.
    if (const std::string name = ClassName(facts_.model_type, facts_.architecture);
        name == "llama4text" || name == "llama4") {
      if (!facts_.shared_experts) facts_.shared_experts = 1;
      if (!facts_.shared_intermediate_size) facts_.shared_intermediate_size = Positive("intermediate_size");
    }
    // A width that is left out, or written in an unknown way, is not that of the dense layers but for some classes.
    if (facts_.moe_intermediate_size || class_ == nullptr || !class_->experts_have_mlp_width) return;
    const json* width = Get("intermediate_size");
    if (width != nullptr) {
      facts_.moe_intermediate_size = One(*width, kLargestShape);
    } else if (FindObject(&language_, "ffn_config") != nullptr) {
      facts_.moe_intermediate_size = facts_.intermediate_size;
    }
  }

  // Layers that have an MLP of either kind: all but those whose attention or Mamba is the whole layer.
  [[nodiscard]] Size MlpLayers() const {
    if (!facts_.layers) return std::nullopt;
    for (const char* key : {"hybrid_override_pattern", "layers_block_type", "block_configs"}) {
      if (Find(&language_, key) != nullptr) return std::nullopt;
    }
    return facts_.layers;
  }

  [[nodiscard]] Size DenseLayers() const {
    if (const std::string pattern = TextOf(&language_, "hybrid_override_pattern"); !pattern.empty())
      return std::ranges::count(pattern, '-');
    return MlpLayers();
  }

  void ReadExpertLayers() {
    if (!facts_.layers) return;
    const std::int64_t layers = *facts_.layers;
    const auto set = [&](std::int64_t with_experts, std::int64_t all) {
      if (with_experts < 0 || with_experts > all) return;
      facts_.moe_layers = with_experts;
      facts_.dense_layers = all - with_experts;
    };
    if (const std::string pattern = TextOf(&language_, "hybrid_override_pattern"); !pattern.empty()) {
      facts_.moe_layers = std::ranges::count(pattern, 'E');
      facts_.dense_layers = std::ranges::count(pattern, '-');
      return;
    }
    if (const json* types = FindArray(&language_, "mlp_layer_types")) {
      const auto dense = std::ranges::count(*types, json("dense"));
      return static_cast<std::int64_t>(types->size()) == layers ? set(layers - dense, layers) : void();
    }
    if (const json* types = FindArray(&language_, "layers_block_type")) {
      facts_.moe_layers = std::ranges::count(*types, json("moe"));
      facts_.dense_layers = std::ranges::count(*types, json("mlp"));
      return;
    }
    if (Switch("enable_moe_block") == true) {  // beside a dense MLP in every layer
      facts_.moe_layers = facts_.dense_layers = layers;
      return;
    }
    if (const auto frequency = IntegersOf(Get("moe_layer_freq"))) {
      if (std::ranges::all_of(*frequency, [](std::int64_t one) { return one == 0 || one == 1; }))
        set(std::ranges::count(*frequency, 1), layers);
      return;
    }
    if (!MlpLayers()) return;
    const std::int64_t first = IntegerOf(&language_, "first_k_dense_replace").value_or(0);
    if (const json* frequency = Get("moe_layer_freq"); frequency != nullptr && *frequency != 1) return;
    if (Find(&language_, "first_k_dense_replace") != nullptr)
      return set(layers - std::clamp<std::int64_t>(first, 0, layers), layers);
    if (const Size first_dense = Positive("num_dense_layers")) return set(layers - *first_dense, layers);
    if (const auto list = IntegersOf(Get("moe_layers"))) return set(static_cast<std::int64_t>(list->size()), layers);
    if (const Size step = Positive("interleave_moe_layer_step")) return set(layers / *step, layers);
    if (const Size period = Positive("expert_layer_period")) {
      const std::int64_t offset = IntegerOf(&language_, "expert_layer_offset").value_or(-1);
      if (offset < 0 || offset >= *period) return;
      return set((layers - offset + *period - 1) / *period, layers);
    }
    if (const Size step = Positive("decoder_sparse_step")) {
      // Layers (i + 1) % step == 0, but for those that are listed.
      std::int64_t with_experts = layers / *step;
      const auto only = IntegersOf(Get("mlp_only_layers"));
      if (Get("mlp_only_layers") != nullptr && !only) return;
      if (only) {
        for (const std::int64_t layer : *only)
          with_experts -= layer >= 0 && layer < layers && (layer + 1) % *step == 0 ? 1 : 0;
      }
      return set(with_experts, layers);
    }
    // Without a word about single layers the class decides.
    const bool list = Get("moe_layers") != nullptr || Get("moe_layer_interval") != nullptr;
    if (class_ != nullptr && class_->experts_everywhere && !list) set(layers, layers);
  }

  [[nodiscard]] Size Positive(std::string_view key) const {
    const Size number = IntegerOf(&language_, key);
    return number && *number > 0 && *number <= kLargestShape ? number : std::nullopt;
  }

  const json& config_;
  const json& language_;
  ModelFacts& facts_;
  const ModelClass* class_ = nullptr;
};

}  // namespace

const json* LanguageConfig(const json& config) {
  static constexpr std::array<std::string_view, 6> kNested = {"text_config",    "llm_config", "language_config",
                                                              "language_model", "lm_config",  "llm"};
  for (const std::string_view key : kNested) {
    if (const json* nested = FindObject(&config, key); nested != nullptr && !nested->empty()) return nested;
  }
  if (const json* thinker = FindObject(&config, "thinker_config")) {
    if (const json* nested = FindObject(thinker, "text_config")) return nested;
  }
  if (TrueAt(&config, "is_encoder_decoder")) {
    if (const json* decoder = FindObject(&config, "decoder"); decoder != nullptr && !decoder->empty()) return decoder;
  }
  return nullptr;
}

std::string LanguageModelElsewhere(const json& config) { return TextOf(&config, "text_model_id"); }

void ReadConfig(const json& config, ModelFacts& facts) { ConfigReader(config, facts).Read(); }

namespace {

// A key of params.json, and config.json's word for it.
struct ParamsKey {
  std::string_view from, to;
};
constexpr std::array kParamsKeys = {
    ParamsKey{"n_layers", "num_hidden_layers"},          ParamsKey{"dim", "hidden_size"},
    ParamsKey{"hidden_dim", "intermediate_size"},        ParamsKey{"n_heads", "num_attention_heads"},
    ParamsKey{"n_kv_heads", "num_key_value_heads"},      ParamsKey{"max_seq_len", "max_position_embeddings"},
    ParamsKey{"tied_embeddings", "tie_word_embeddings"}, ParamsKey{"_sliding_window", "sliding_window"},
};
// The same of its object "moe".
constexpr std::array kParamsKeysOfExperts = {
    ParamsKey{"num_experts", "num_experts"},
    ParamsKey{"num_experts_per_tok", "num_experts_per_tok"},
    ParamsKey{"num_shared_experts", "num_shared_experts"},
    ParamsKey{"first_k_dense_replace", "first_k_dense_replace"},
    ParamsKey{"expert_hidden_dim", "moe_intermediate_size"},
    ParamsKey{"route_every_n", "moe_layer_freq"},
};

}  // namespace

json ConfigOfParams(const json& params) {
  // Mistral's older multimodal files have the language model under "llm".
  const json* text = FindObject(&params, "llm");
  if (text == nullptr) text = &params;
  json config = json::object();
  // Classes of config.json: Mistral's widths of heads are always given, Llama's follow from the others.
  config["model_type"] = Find(text, "multiple_of") != nullptr ? "llama" : "mistral";
  config["sliding_window"] = nullptr;  // there is none unless the file says so
  const auto copy = [&](const json& object) {
    for (const auto& [key, value] : object.items()) {
      if (key == "moe" || key == "llm" || key == "quantization") continue;
      const auto renamed = std::ranges::find(kParamsKeys, key, &ParamsKey::from);
      config[renamed == kParamsKeys.end() ? key : std::string(renamed->to)] = value;
    }
  };
  copy(*text);
  if (const json* moe = FindObject(text, "moe")) {
    for (const ParamsKey& renamed : kParamsKeysOfExperts) {
      if (const json* value = Find(moe, renamed.from)) config[std::string(renamed.to)] = *value;
    }
  }
  return config;
}

std::map<std::string, std::string, std::less<>> ParamsKeys() {
  std::map<std::string, std::string, std::less<>> keys;
  for (const ParamsKey& renamed : kParamsKeys) keys[std::string(renamed.to)] = renamed.from;
  for (const ParamsKey& renamed : kParamsKeysOfExperts)
    keys[std::string(renamed.to)] = "moe." + std::string(renamed.from);
  return keys;
}

}  // namespace autotune::checkpoint
