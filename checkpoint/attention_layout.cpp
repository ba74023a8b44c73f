#include "checkpoint/attention_layout.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ascii_case.h"
#include "checkpoint/json_keys.h"
#include "checkpoint/model_classes.h"

namespace autotune::checkpoint {
namespace {

using nlohmann::json;

// Far above any model, and small enough that products of three fit into 64 bits.
constexpr std::int64_t kLargest = 1 << 20;

enum class Kind {
  kFull,         // a cache of the whole context
  kSliding,      // a cache of the last tokens
  kLinear,       // a state of fixed size
  kMamba,        // the same, of a state space model
  kBoth,         // attention and Mamba side by side
  kShared,       // attention with an earlier layer's cache
  kNoAttention,  // an MLP, experts, an attention that was removed, cross-attention to an image
  kNoCache,      // no KV cache; whether it is an MLP or has a state is not known
};

std::optional<Kind> KindNamed(std::string_view name) {
  struct Named {
    std::string_view name;
    Kind kind;
  };
  static constexpr std::array kNames = {
      Named{"full_attention", Kind::kFull},
      Named{"minicpm4", Kind::kFull},  // picks blocks of a cache that keeps the whole context
      Named{"attention", Kind::kFull},
      Named{"attn", Kind::kFull},
      Named{"indexed_attention", Kind::kFull},
      Named{"deepseek_sparse_attention", Kind::kFull},
      Named{"full", Kind::kFull},
      Named{"global", Kind::kFull},
      Named{"global_attention", Kind::kFull},
      Named{"sliding_attention", Kind::kSliding},
      Named{"chunked_attention", Kind::kSliding},
      Named{"sliding_window", Kind::kSliding},
      Named{"sliding", Kind::kSliding},
      Named{"local", Kind::kSliding},
      Named{"local_attention", Kind::kSliding},
      Named{"swa", Kind::kSliding},
      Named{"linear_attention", Kind::kLinear},
      Named{"recurrent", Kind::kLinear},
      Named{"conv", Kind::kLinear},
      Named{"kda", Kind::kLinear},
      Named{"gated_delta_net", Kind::kLinear},
      Named{"lightning", Kind::kLinear},
      Named{"lightning_attention", Kind::kLinear},
      Named{"lightning-attn", Kind::kLinear},
      Named{"jet", Kind::kLinear},
      Named{"mamba", Kind::kMamba},
      Named{"mamba2", Kind::kMamba},
      Named{"hybrid", Kind::kBoth},
      Named{"mlp", Kind::kNoAttention},
      Named{"moe", Kind::kNoAttention},
      Named{"ffn", Kind::kNoAttention},
  };
  const auto found = std::ranges::find(kNames, name, &Named::name);
  return found == kNames.end() ? std::nullopt : std::optional(found->kind);
}

using Kinds = std::vector<Kind>;

// False for what configurations write for "not used": null, false, 0, "", [] and {}.
bool Says(const json& value) {
  if (value.is_null() || value == false) return false;
  if (value.is_number()) return value.get<double>() != 0;
  if (value.is_string()) return !value.get_ref<const std::string&>().empty();
  return !value.is_structured() || !value.empty();
}

// "enable_dsa", "index_top_k", "moba_topk", "use_nsa"; not "norm_topk_prob", which chooses experts.
bool SpeaksOfSparseAttention(std::string_view key) {
  const auto has = [&](std::initializer_list<std::string_view> words) {
    return std::ranges::any_of(words, [&](std::string_view word) { return Contains(key, word); });
  };
  if (has({"moe", "mlp", "expert", "ffn", "router", "step", "activation", "vision", "quant", "nextn", "mtp"}))
    return false;
  if (has({"sparse"}) || key.starts_with("index_") || key.starts_with("indexer")) return true;
  if (has({"topk", "top_k"}) && has({"attn", "attention", "kv", "block", "index"})) return true;
  // Whole words between underscores.
  const std::string words = "_" + std::string(key) + "_";
  return std::ranges::any_of(std::initializer_list<std::string_view>{"_dsa_", "_nsa_", "_moba_", "_infllm_", "_csa_",
                                                                     "_hca_", "_msa_", "_qsa_", "_hisa_"},
                             [&](std::string_view word) { return Contains(words, word); });
}

class AttentionReader {
 public:
  AttentionReader(const json& language, const json& config, ModelFacts& facts)
      : language_(language),
        facts_(facts),
        class_name_(ClassName(facts.model_type, &language == &config ? facts.architecture : "")),
        class_(FindModelClass(facts.model_type, &language == &config ? facts.architecture : "")) {
    encoder_decoder_ = TrueAt(&config, "is_encoder_decoder");
    // These fill what their text_config leaves out with values of their own.
    const std::string outer = TextOf(&config, "model_type");
    if (&language != &config && (outer == "voxtral" || outer == "glmasr" || outer == "musicflamingo")) class_ = nullptr;
  }

  void Read() {
    ReadHeads();
    if (!facts_.layers || *facts_.layers > kLargest) return;
    layers_ = static_cast<std::size_t>(*facts_.layers);
    if (encoder_decoder_) {
      AddNote(facts_,
              "config.json: is_encoder_decoder; the size of the KV cache, which holds the encoder's output too, "
              "is not known");
      return;
    }
    ReadWindow();
    ForgetWhatOtherLayersHave();
    if (class_name_ == "deepseekv4" && FindArray(&language_, "compress_ratios") != nullptr) return ReadCompressed();
    if (const std::string key = UnknownSparseKey(); !key.empty()) {
      AddNote(facts_, "config.json: " + key +
                          " speaks of sparse attention in a form that is not known; what layers keep of the context is "
                          "not known");
      return;
    }
    std::optional<Kinds> kinds = ReadKinds();
    if (kinds && kinds->size() != layers_) {
      AddNote(facts_, "config.json: " + source_ + " is for " + std::to_string(kinds->size()) + " layers, " +
                          "num_hidden_layers of " + std::to_string(layers_) + "; which keep a KV cache is not known");
      kinds.reset();
    }
    if (!kinds) return;
    if (!ShareCaches(*kinds)) return;
    BuildCaches(*kinds);
    ReadIndex(*kinds);
    // A class that nobody here knows, with nothing about its layers: what it has is known only where all sizes are
    // given as an ordinary attention has them.
    if (!by_default_ || class_ != nullptr || facts_.caches) Count(*kinds);
  }

 private:
  // ---- Looking up ----

  [[nodiscard]] const json* Get(std::string_view key) const { return Find(&language_, key); }
  // A size among several spellings; unset with a note where it is written in another way than as one number.
  Size Number(std::initializer_list<std::string_view> keys, const json* object = nullptr) {
    for (const std::string_view key : keys) {
      const json* found = object != nullptr ? Find(object, key) : Get(key);
      if (found == nullptr) continue;
      const std::optional<std::int64_t> number = WholeNumber(*found);
      if (number && *number > 0 && *number <= kLargest) return number;
      if (number == 0) continue;
      if (!found->is_array())
        AddNote(facts_, "config.json: " + std::string(key) + " is not a size; values that depend on it are not known");
      return std::nullopt;
    }
    return std::nullopt;
  }

  // The first key that hints at something and is not among those that were understood.
  [[nodiscard]] std::string Hint(std::initializer_list<std::string_view> words) const {
    for (const auto& [key, value] : language_.items()) {
      if (!Says(value) || key == "chunk_size_feed_forward" || key == "max_window_layers" ||
          key == "use_sliding_window" || key == "mlp_layer_types" || Contains(key, "vision") ||
          Contains(key, "quant") || Contains(key, "compression_config"))
        continue;
      const std::string lower = base::AsciiLower(key);
      for (const std::string_view word : words) {
        if (Contains(lower, word)) return key;
      }
    }
    return "";
  }

  // A key of sparse attention that no class here has: what such a layer keeps, and whether it is one at all, is not
  // known. "" = there is none, or it is understood.
  [[nodiscard]] std::string UnknownSparseKey() const {
    std::string found;
    for (const auto& [key, value] : language_.items()) {
      const std::string lower = base::AsciiLower(key);
      if (!SpeaksOfSparseAttention(lower)) continue;
      if (value == false) return "";  // enable_dsa: false
      const bool understood =
          (facts_.latent_attention() && facts_.index_top_k && (lower.starts_with("index") || lower.ends_with("dsa"))) ||
          (lower == "sparse_attention_config" && facts_.architecture.starts_with("MiniMaxM3")) ||
          lower == "sparse_config" || class_ != nullptr;
      if (!understood && Says(value) && found.empty()) found = key;
    }
    return found;
  }

  // ---- Heads ----

  void ReadHeads() {
    facts_.attention_heads =
        Number({"decoder_attention_heads", "num_attention_heads", "n_head", "n_heads", "num_query_heads"});
    const json* attention = FindObject(&language_, "attn_config");
    facts_.head_dim = Number({"head_dim", "attention_head_dim", "hidden_size_per_head", "kv_channels", "d_head"});
    if (!facts_.head_dim && attention != nullptr) facts_.head_dim = Number({"head_dim"}, attention);
    facts_.v_head_dim = Number({"v_head_dim"});
    facts_.q_lora_rank = Number({"q_lora_rank"});
    facts_.kv_lora_rank = Number({"kv_lora_rank"});
    facts_.qk_rope_head_dim = Number({"qk_rope_head_dim"});
    facts_.qk_nope_head_dim = Number({"qk_nope_head_dim"});
    facts_.index_top_k = Number({"index_topk"});
    const json* uses = Get("use_mla");
    if (uses != nullptr && *uses == false) facts_.kv_lora_rank.reset();
    // MLA whose rank is left to the class.
    latent_unknown_ = !facts_.kv_lora_rank && (uses == nullptr || *uses != false) && class_name_ != "deepseekv4" &&
                      (facts_.qk_rope_head_dim || facts_.qk_nope_head_dim);
    if (latent_unknown_) {
      AddNote(facts_, "config.json: kv_lora_rank is missing; the size of the KV cache is not known");
      facts_.head_dim.reset();  // of a query or of a cache: the class says which
    }

    facts_.kv_heads = KvHeads(attention);
    if (facts_.latent_attention()) {
      // The dimension of a query beside such a cache; head_dim means something else in several of these models.
      facts_.head_dim = facts_.qk_nope_head_dim && facts_.qk_rope_head_dim
                            ? Size(*facts_.qk_nope_head_dim + *facts_.qk_rope_head_dim)
                            : std::nullopt;
    } else if (!facts_.head_dim && class_ != nullptr && !latent_unknown_) {
      facts_.head_dim = class_->head_dim;
      const bool divides =
          facts_.hidden_size && facts_.attention_heads && *facts_.hidden_size % *facts_.attention_heads == 0;
      if (class_->head_dim_follows && divides) facts_.head_dim = *facts_.hidden_size / *facts_.attention_heads;
    }
    if (facts_.model_type.starts_with("qwen3_next") || facts_.model_type.starts_with("qwen3_5"))
      facts_.linear_value_heads = Number({"linear_num_value_heads"});
    // vLLM and SGLang take the parts to be as many as KV heads of full attention.
    if (TextOf(&language_, "attention_projection_layout") == "fused_qkv") facts_.qkv_parts = facts_.kv_heads;
    // Lists by layer.
    if (!facts_.attention_heads) facts_.attention_heads = Same(Get("num_attention_heads"));
    if (!facts_.attention_heads) facts_.attention_heads = Same(Get("num_query_heads"));
    if (const json* by_layer = FindArray(&language_, "num_attention_heads_per_layer")) {
      facts_.attention_heads = Same(by_layer);
      if (!facts_.attention_heads) {
        AddNote(facts_, "config.json: layers differ in their number of attention heads");
        CountQueryHeads(*by_layer);
      }
    }
  }

  void CountQueryHeads(const json& by_layer) {
    const auto numbers = IntegersOf(&by_layer);
    if (!numbers || std::cmp_not_equal(numbers->size(), facts_.layers.value_or(0))) return;
    std::int64_t divisor = 0, total = 0;
    for (const std::int64_t heads : *numbers) {
      if (heads <= 0 || heads > kLargest) return;
      divisor = std::gcd(divisor, heads);
      total += heads;
    }
    facts_.query_heads_divisor = divisor;
    facts_.query_heads_total = total;
  }

  // The one value of a list; unset where its members differ.
  static Size Same(const json* list) {
    const auto numbers = IntegersOf(list);
    if (!numbers || numbers->empty() || numbers->front() <= 0 || numbers->front() > kLargest) return std::nullopt;
    return std::ranges::all_of(*numbers, [&](std::int64_t n) { return n == numbers->front(); }) ? Size(numbers->front())
                                                                                                : std::nullopt;
  }

  Size KvHeads(const json* attention) {
    const bool grouped = TrueAt(&language_, "new_decoder_architecture");
    if (const json* one = Get("multi_query"); one != nullptr && one->is_boolean() && !grouped) {
      return one->get<bool>() ? Size(1) : facts_.attention_heads;
    }
    // Its num_kv_heads counts only in the new architecture; without multi_query its class decides.
    if (class_name_ == "falcon" && !grouped) return std::nullopt;
    if (const json* several = Get("multi_query_attention"); several != nullptr && *several == false)
      return facts_.attention_heads;
    static constexpr auto kKeys = {
        "num_key_value_heads",   "num_kv_heads",         "n_head_kv",        "n_kv_heads",
        "multi_query_group_num", "num_attention_groups", "num_query_groups", "num_key_value_groups_heads",
        "num_multi_query_heads"};
    // PLaMo: query heads per KV head, beside a num_key_value_heads that nothing reads.
    if (const Size per_head = Number({"n_shared_head"})) {
      if (!facts_.attention_heads) return std::nullopt;
      return (*facts_.attention_heads + *per_head - 1) / *per_head;
    }
    for (const char* key : kKeys) {
      const json* found = Get(key);
      if (found == nullptr) continue;
      if (const auto list = IntegersOf(found)) {
        kv_by_layer_ = *list;
        source_of_heads_ = key;
        return Uniform(kv_by_layer_);
      }
      return Number({key});
    }
    if (attention != nullptr) {
      if (Size heads = Number({"kv_n_heads", "num_key_value_heads", "n_kv_heads"}, attention)) return heads;
    }
    for (const char* key : {"num_key_value_heads_per_layer", "num_kv_heads_per_layer"}) {
      if (const auto list = IntegersOf(Get(key))) {
        kv_by_layer_ = *list;
        source_of_heads_ = key;
        return Uniform(kv_by_layer_);
      }
    }
    if (const json* blocks = FindArray(&language_, "block_configs")) return KvHeadsOfBlocks(*blocks);
    // Another spelling would be taken for "as many as there are heads".
    const std::string hint = Hint({"kv_head", "key_value_head", "query_group", "kv_group", "n_head_kv"});
    if (!hint.empty()) {
      AddNote(facts_, "config.json: " + hint + " is not understood; the number of KV heads is not known");
      return std::nullopt;
    }
    return class_ != nullptr && class_->kv_heads_follow ? facts_.attention_heads : std::nullopt;
  }

  // Of the layers that have any.
  static Size Uniform(const std::vector<std::int64_t>& heads) {
    Size one;
    for (const std::int64_t n : heads) {
      if (n < 0 || n > kLargest) return std::nullopt;
      if (n == 0) continue;
      if (one && *one != n) return std::nullopt;
      one = n;
    }
    return one;
  }

  // Nemotron-NAS: {"attention": {"n_heads_in_group": 8, "no_op": false, ...}}; newer files have num_key_value_heads.
  Size KvHeadsOfBlocks(const json& blocks) {
    source_of_heads_ = "block_configs";
    for (const json& block : blocks) {
      const json* attention = FindObject(&block, "attention");
      if (attention == nullptr) return kv_by_layer_.clear(), std::nullopt;
      if (TrueAt(attention, "no_op") || TrueAt(attention, "replace_with_linear")) {
        kv_by_layer_.push_back(0);
        continue;
      }
      const Size heads = Number({"num_key_value_heads"}, attention);
      const Size group = Number({"n_heads_in_group"}, attention);
      if (heads) {
        kv_by_layer_.push_back(*heads);
      } else if (group && facts_.attention_heads && *facts_.attention_heads % *group == 0) {
        kv_by_layer_.push_back(*facts_.attention_heads / *group);
      } else {
        return kv_by_layer_.clear(), std::nullopt;
      }
    }
    return Uniform(kv_by_layer_);
  }

  // ---- Kinds of layers ----

  void ReadWindow() {
    if (const json* uses = Get("use_sliding_window"); uses != nullptr && *uses == false) return;
    for (const char* key : {"sliding_window", "sliding_window_size", "attention_window_size", "attention_chunk_size",
                            "window_size", "local_attention_window"}) {
      const json* found = Get(key);
      if (found == nullptr) continue;
      const std::optional<std::int64_t> window = WholeNumber(*found);
      // -1 and 0: no window.
      if (window && *window > 0) {
        window_ = *window;
        window_key_ = key;
        return;
      }
    }
    if (const json* own = FindObject(FindObject(&language_, "efficient_attention_config"), "swa")) {
      window_ = Number({"window_size"}, own);
      window_key_ = "efficient_attention_config";
    }
    // Null means that there is none; where the key is missing, this class has one.
    if (class_name_ == "mistral" && !language_.contains("sliding_window")) {
      window_ = 4096;
      window_key_ = "sliding_window";
    }
  }

  std::optional<Kinds> ReadKinds() {
    if (class_name_ == "mamba" || class_name_ == "mamba2" || class_name_ == "falconmamba" ||
        class_name_ == "codestralmamba")
      return Kinds(layers_, Kind::kMamba);
    if (class_name_ == "rwkv") return Kinds(layers_, Kind::kLinear);
    if (class_name_ == "falconh1") return Kinds(layers_, Kind::kBoth);
    if (const json* types = FindArray(&language_, "layer_types")) return FromNames("layer_types", *types, false);
    if (const json* types = FindArray(&language_, "layers_block_type"))
      return FromNames("layers_block_type", *types, false);
    if (const json* types = FindArray(&language_, "mixer_types")) return FromNames("mixer_types", *types, false);
    if (const json* types = FindArray(&language_, "block_types")) return FromNames("block_types", *types, true);
    if (const json* blocks = FindArray(&language_, "block_configs")) return FromBlocks(*blocks);
    if (const std::string pattern = TextOf(&language_, "hybrid_override_pattern"); !pattern.empty())
      return FromLetters(pattern);
    if (const auto pattern = IntegersOf(Get("hybrid_layer_pattern")))
      return FromNumbers("hybrid_layer_pattern", *pattern, 0, Kind::kSliding);
    if (const auto types = IntegersOf(Get("attn_type_list")))
      return FromNumbers("attn_type_list", *types, 1, Kind::kLinear);
    if (const auto indices = IntegersOf(Get("attn_layer_indices"))) {
      Kinds kinds(layers_, Kind::kMamba);
      for (const std::int64_t index : *indices) {
        if (index < 0 || static_cast<std::size_t>(index) >= layers_) return NotKnown("attn_layer_indices");
        kinds[static_cast<std::size_t>(index)] = Kind::kFull;
      }
      return kinds;
    }
    if (const Size period = Number({"attn_layer_period"}); period && class_name_ == "jamba") {
      const std::int64_t offset = IntegerOf(&language_, "attn_layer_offset").value_or(-1);
      if (offset < 0) return NotKnown("attn_layer_period");
      return Every(*period, offset, Kind::kFull, Kind::kMamba);
    }
    if (class_name_ == "plamo2") return FromMambaStep();
    // Its window is one of a second pass (LaterPasses).
    if (class_name_ == "iquestloopcoder" && !window_) return Kinds(layers_, Kind::kFull);
    if (const json* linear = FindObject(&language_, "linear_attn_config")) return FromLinearConfig(*linear);
    if (const Size interval = Number({"full_attention_interval"}))
      return Every(*interval, *interval - 1, Kind::kFull, Kind::kLinear);
    if (const Size group = Number({"layer_group_size"}); group && class_name_.starts_with("bailing")) {
      Kinds kinds = Every(*group, *group - 1, Kind::kFull, Kind::kLinear);
      const auto size = static_cast<std::size_t>(*group);
      for (std::size_t i = layers_ / size * size; i < layers_; ++i) kinds[i] = Kind::kFull;
      return *group > 1 ? kinds : Kinds(layers_, Kind::kFull);
    }
    if (!window_ && kv_by_layer_.size() == layers_ && std::ranges::find(kv_by_layer_, 0) != kv_by_layer_.end()) {
      source_ = source_of_heads_;
      Kinds kinds;
      for (const std::int64_t heads : kv_by_layer_) kinds.push_back(heads > 0 ? Kind::kFull : Kind::kNoCache);
      return kinds;
    }
    if (const json* cross = FindArray(&language_, "cross_attention_layers"); cross != nullptr && !window_) {
      const auto indices = IntegersOf(cross);
      if (!indices) return NotKnown("cross_attention_layers");
      Kinds kinds(layers_, Kind::kFull);
      for (const std::int64_t index : *indices) {
        if (index < 0 || static_cast<std::size_t>(index) >= layers_) return NotKnown("cross_attention_layers");
        kinds[static_cast<std::size_t>(index)] = Kind::kNoAttention;
      }
      return kinds;
    }
    if (window_) return FromWindow();
    const json* uses = Get("use_sliding_window");
    const bool windows_off = uses != nullptr && *uses == false;
    const std::string hint = Hint(
        {"layer_type",  "block_type",      "hybrid",        "linear_attn", "linear_num",     "linear_key",  "mamba",
         "ssm",         "recurrent",       "lightning",     "attn_type",   "attention_type", "rwkv",        "conv_",
         "attn_layer",  "attention_layer", "compress_rat",  "swa",         "local_att",      "global_att",  "retention",
         "layer_group", "chunk",           "no_rope_layer", "expand_k",    "expand_v",       "feature_map", "cca"});
    if (!hint.empty()) return NotKnown(hint);
    const std::string window = windows_off ? "" : Hint({"window", "sliding"});
    const bool none =
        window.empty() || window.ends_with("pattern") || WholeNumber(language_.at(window)).value_or(1) <= 0;
    if (!none) return NotKnown(window);
    by_default_ = true;
    return Kinds(layers_, Kind::kFull);
  }

  std::optional<Kinds> NotKnown(std::string_view key) {
    AddNote(facts_,
            "config.json: " + std::string(key) + " is not understood; which layers keep a KV cache is not known");
    return std::nullopt;
  }
  bool Unknown(std::string_view key) { return NotKnown(key).has_value(); }

  std::optional<Kinds> FromNames(const char* key, const json& names, bool repeated) {
    source_ = key;
    Kinds kinds;
    for (const json& name : names) {
      const std::optional<Kind> kind =
          name.is_string() ? KindNamed(base::AsciiLower(name.get<std::string>())) : std::nullopt;
      // Side by side in these two only; other classes call other layers so.
      const bool hybrid = kind == Kind::kBoth && class_name_ != "zamba2" && class_name_ != "falconh1";
      if (!kind || hybrid) return NotKnown(key);
      const bool local = kind == Kind::kFull && class_name_ == "recurrentgemma";
      kinds.push_back(local ? Kind::kSliding : *kind);
    }
    if (kinds.empty()) return NotKnown(key);
    if (repeated) {
      const std::size_t period = kinds.size();
      for (std::size_t i = period; i < layers_; ++i) kinds.push_back(kinds[i % period]);
      kinds.resize(layers_);
    }
    // Draft layers for multi-token prediction may follow.
    if (kinds.size() > layers_ && kinds.size() <= layers_ + 4) kinds.resize(layers_);
    return kinds;
  }

  std::optional<Kinds> FromLetters(const std::string& pattern) {
    source_ = "hybrid_override_pattern";
    Kinds kinds;
    for (const char letter : pattern) {
      if (letter == 'M') {
        kinds.push_back(Kind::kMamba);
      } else if (letter == '*') {
        kinds.push_back(Kind::kFull);
      } else if (letter == '-' || letter == 'E') {
        kinds.push_back(Kind::kNoAttention);
      } else {
        return NotKnown("hybrid_override_pattern");
      }
    }
    return kinds;
  }

  // PLaMo 2: one layer of each mamba_step attends. vLLM, which alone runs it, gives it the whole context and no window.
  std::optional<Kinds> FromMambaStep() {
    const json* enabled = Get("mamba_enabled");
    const Size step = Number({"mamba_step"});
    if (enabled == nullptr || !enabled->is_boolean() || !step || *step < 2) return NotKnown("mamba_step");
    if (*enabled == false) return Kinds(layers_, Kind::kFull);
    if (static_cast<std::int64_t>(layers_) <= *step / 2) {
      Kinds kinds(layers_, Kind::kMamba);
      kinds.back() = Kind::kFull;
      return kinds;
    }
    return Every(*step, *step / 2, Kind::kFull, Kind::kMamba);
  }

  std::optional<Kinds> FromNumbers(const char* key, const std::vector<std::int64_t>& numbers, std::int64_t full,
                                   Kind other) {
    source_ = key;
    Kinds kinds;
    for (const std::int64_t number : numbers) {
      if (number != 0 && number != 1) return NotKnown(key);
      kinds.push_back(number == full ? Kind::kFull : other);
    }
    return kinds;
  }

  std::optional<Kinds> FromBlocks(const json& blocks) {
    source_ = "block_configs";
    Kinds kinds;
    for (const json& block : blocks) {
      const json* attention = FindObject(&block, "attention");
      if (attention == nullptr) return NotKnown("block_configs");
      const json* mamba = Find(attention, "mamba");
      if (mamba != nullptr && Says(*mamba)) {
        kinds.push_back(Kind::kMamba);
      } else if (TrueAt(attention, "no_op") || TrueAt(attention, "replace_with_linear")) {
        kinds.push_back(Kind::kNoAttention);
      } else if (const Size window = Number({"window_length", "sliding_window_length", "sliding_window"}, attention)) {
        if (window_ && *window_ != *window) return NotKnown("block_configs");
        window_ = window;
        kinds.push_back(Kind::kSliding);
      } else {
        kinds.push_back(Kind::kFull);
      }
    }
    return kinds;
  }

  // Kimi Linear: layers counted from 1.
  std::optional<Kinds> FromLinearConfig(const json& linear) {
    const auto full = IntegersOf(Find(&linear, "full_attn_layers"));
    // Solar Open 2: layers counted from 0.
    if (const auto grouped = IntegersOf(Get("gqa_layers")); !full && grouped) {
      Kinds kinds(layers_, Kind::kLinear);
      for (const std::int64_t index : *grouped) {
        if (index < 0 || static_cast<std::size_t>(index) >= layers_) return NotKnown("gqa_layers");
        kinds[static_cast<std::size_t>(index)] = Kind::kFull;
      }
      return kinds;
    }
    if (!full) return NotKnown("linear_attn_config");
    Kinds kinds(layers_, Kind::kLinear);
    for (const std::int64_t number : *full) {
      if (number < 1 || static_cast<std::size_t>(number) > layers_) return NotKnown("linear_attn_config");
      kinds[static_cast<std::size_t>(number) - 1] = Kind::kFull;
    }
    return kinds;
  }

  [[nodiscard]] Kinds Every(std::int64_t period, std::int64_t offset, Kind chosen, Kind other) const {
    Kinds kinds(layers_, other);
    for (std::size_t i = 0; i < layers_; ++i) {
      if (static_cast<std::int64_t>(i) % period == offset) kinds[i] = chosen;
    }
    return kinds;
  }

  // A window without a list of layers: the key beside it says which, or the class does.
  std::optional<Kinds> FromWindow() {
    if (facts_.max_position && *window_ >= *facts_.max_position) return Kinds(layers_, Kind::kFull);
    if (window_key_ == "attention_chunk_size") {
      const auto chunked = IntegersOf(Get("no_rope_layers"));
      if (chunked && !chunked->empty()) return FromNumbers("no_rope_layers", *chunked, 0, Kind::kSliding);
      if (class_name_ == "llama4text" || class_name_ == "llama4") return Every(4, 3, Kind::kFull, Kind::kSliding);
      return NotKnown(window_key_);
    }
    if (const auto windowed = IntegersOf(Get("sliding_window_layers"))) {
      Kinds kinds(layers_, Kind::kFull);
      for (const std::int64_t index : *windowed) {
        if (index < 0 || static_cast<std::size_t>(index) >= layers_) return NotKnown("sliding_window_layers");
        kinds[static_cast<std::size_t>(index)] = Kind::kSliding;
      }
      return kinds;
    }
    if (const Size every = Number({"global_attn_every_n_layers"}); every && class_name_ == "afmoe")
      return Every(*every, *every - 1, Kind::kFull, Kind::kSliding);
    for (const char* key : {"sliding_window_pattern", "_sliding_window_pattern"}) {
      if (const std::string letters = TextOf(&language_, key); !letters.empty()) {
        Kinds kinds;
        for (std::size_t i = 0; i < layers_; ++i) {
          const char letter = letters[i % letters.size()];
          if (letter != 'L' && letter != 'G') return NotKnown(key);
          kinds.push_back(letter == 'L' ? Kind::kSliding : Kind::kFull);
        }
        return kinds;
      }
      if (const Size pattern = Number({key})) return Every(*pattern, *pattern - 1, Kind::kFull, Kind::kSliding);
    }
    if (class_name_ == "gemma2" || class_name_ == "gptoss") return Every(2, 1, Kind::kFull, Kind::kSliding);
    if (class_name_ == "gemma3text") return Every(6, 5, Kind::kFull, Kind::kSliding);
    if (const Size below = Number({"max_window_layers"}); below && TrueAt(&language_, "use_sliding_window")) {
      Kinds kinds(layers_, Kind::kFull);
      for (std::size_t i = static_cast<std::size_t>(*below); i < layers_; ++i) kinds[i] = Kind::kSliding;
      return kinds;
    }
    static constexpr std::array<std::string_view, 7> kAllLayers = {"mistral", "mixtral",    "ministral", "phi3",
                                                                   "phi3v",   "starcoder2", "phimoe"};
    if (std::ranges::find(kAllLayers, class_name_) != kAllLayers.end()) return Kinds(layers_, Kind::kSliding);
    return NotKnown(window_key_);
  }

  // DeepSeek V4: every layer keeps the last tokens, and most of them one entry for several tokens of the whole context;
  // where these are four, an index picks among the entries. Engines store an entry in 8 bits or in 16.
  void ReadCompressed() {
    const auto ratios = IntegersOf(Get("compress_ratios"));
    const Size index_dim = Number({"index_head_dim"});
    const bool known = ratios && ratios->size() >= layers_ && window_ && facts_.head_dim && index_dim;
    const auto is_known = [](std::int64_t ratio) { return ratio == 0 || ratio == 1 || ratio == 4 || ratio == 128; };
    if (!known || !std::ranges::all_of(*ratios, is_known)) {
      NotKnown("compress_ratios");
      return;
    }
    const auto count = [&](std::int64_t ratio) {
      return static_cast<std::int64_t>(std::ranges::count(std::span(*ratios).first(layers_), ratio));
    };
    const std::int64_t every = *facts_.layers, fourth = count(4), rest = count(128);
    constexpr std::int64_t kBits = 8;
    facts_.caches.emplace({KvCacheGroup{every, 0, *facts_.head_dim, *window_, 1, kBits}});
    if (fourth > 0) {
      facts_.caches->push_back({fourth, 0, *facts_.head_dim, 0, 4, kBits});
      facts_.index_caches.push_back({fourth, 0, *index_dim, 0, 4, kBits});
    }
    if (rest > 0) facts_.caches->push_back({rest, 0, *facts_.head_dim, 0, 128, kBits});
    facts_.full_attention_layers = fourth + rest;
    facts_.sliding_attention_layers = every - fourth - rest;
    facts_.linear_attention_layers = facts_.mamba_layers = 0;
    facts_.sliding_window = window_;
  }

  // ---- Index caches ----

  // One key of a token for all of the index's heads, in fp8 unless a flag of the engine says otherwise.
  void ReadIndex(const Kinds& kinds) {
    constexpr std::int64_t kBits = 8;
    const auto attends = [&](std::size_t layer) { return kinds[layer] == Kind::kFull; };
    if (const json* sparse = FindObject(&language_, "sparse_attention_config")) {  // MiniMax M3
      const Size dim = Number({"sparse_index_dim"}, sparse);
      const auto chosen = IntegersOf(Find(sparse, "sparse_attention_freq"));
      if (const json* uses = Find(sparse, "use_sparse_attention"); uses != nullptr && *uses == false) return;
      if (!dim || !chosen || chosen->size() < layers_) return IndexNotKnown("sparse_attention_config");
      std::int64_t layers = 0;
      for (std::size_t i = 0; i < layers_; ++i) layers += attends(i) && (*chosen)[i] != 0 ? 1 : 0;
      if (layers > 0) facts_.index_caches.push_back({layers, 0, *dim, 0, 1, kBits});
      return;
    }
    if (Get("sparse_config") != nullptr && Says(*Get("sparse_config"))) return IndexNotKnown("sparse_config");
    if (!facts_.index_top_k) return;
    const Size dim = Number({"index_head_dim"});
    if (!dim) return IndexNotKnown("index_topk");
    if (!facts_.latent_attention()) return IndexNotKnown("index_head_dim");
    const std::optional<std::vector<bool>> own = LayersWithOwnIndex();
    if (!own) return;
    std::int64_t layers = 0;
    for (std::size_t i = 0; i < layers_; ++i) layers += attends(i) && (*own)[i] ? 1 : 0;
    const Size pool = Number({"index_kpool"});
    const json* compresses = Get("index_kpool_compress");
    const bool pooled = pool && (compresses == nullptr || *compresses != false);
    if (layers > 0) facts_.index_caches.push_back({layers, 0, *dim, 0, pooled ? *pool : 1, kBits});
  }

  void IndexNotKnown(std::string_view key) {
    AddNote(facts_, "config.json: " + std::string(key) +
                        ": what sparse attention keeps beside the KV cache is not known and not counted");
  }

  // The other layers use what an earlier one picked.
  std::optional<std::vector<bool>> LayersWithOwnIndex() {
    std::vector<bool> own(layers_, true);
    if (const json* types = FindArray(&language_, "indexer_types")) {
      if (types->size() < layers_) return IndexNotKnown("indexer_types"), std::nullopt;
      for (std::size_t i = 0; i < layers_; ++i) {
        const json& type = (*types)[i];
        if (type != "full" && type != "shared") return IndexNotKnown("indexer_types"), std::nullopt;
        own[i] = type == "full";
      }
      return own;
    }
    const auto layer = [](std::size_t i) { return static_cast<std::int64_t>(i); };
    if (const Size factor = Number({"cli_factor"})) {  // LongCat
      for (std::size_t i = 0; i < layers_; ++i) own[i] = layer(i) % *factor == 0;
      return own;
    }
    if (const std::string pattern = TextOf(&language_, "index_topk_pattern"); !pattern.empty()) {
      for (std::size_t i = 0; i < std::min(layers_, pattern.size()); ++i) own[i] = pattern[i] != 'S';
      return own;
    }
    const std::int64_t every = Number({"index_topk_freq"}).value_or(1);
    const std::int64_t offset = Number({"index_skip_topk_offset"}).value_or(2);
    for (std::size_t i = 0; i < layers_; ++i) own[i] = std::max<std::int64_t>(layer(i) - offset + 1, 0) % every == 0;
    return own;
  }

  // ---- Caches ----

  // False when it is not known which layers share a cache.
  bool ShareCaches(Kinds& kinds) {
    if (const Size shared = Number({"num_kv_shared_layers"})) {
      if (static_cast<std::size_t>(*shared) >= layers_) return Unknown("num_kv_shared_layers");
      for (std::size_t i = layers_ - static_cast<std::size_t>(*shared); i < layers_; ++i) Share(kinds[i]);
      return true;
    }
    if (TrueAt(&language_, "use_cla")) {
      const Size factor = Number({"cla_share_factor"});
      if (!factor) return Unknown("use_cla");
      for (std::size_t i = 0; i < layers_; ++i) {
        if (i % static_cast<std::size_t>(*factor) != 0) Share(kinds[i]);
      }
      return true;
    }
    if (class_name_ == "gemma3ntext" && !language_.contains("num_kv_shared_layers")) return Unknown("layer sharing");
    const std::string hint =
        Hint({"kv_shar", "share_kv", "shared_kv", "kv_reuse", "reuse_kv", "yoco", "num_kv_layers"});
    return hint.empty() || Unknown(hint);
  }

  static void Share(Kind& kind) {
    if (kind == Kind::kFull || kind == Kind::kSliding) kind = Kind::kShared;
  }

  void Count(const Kinds& kinds) {
    const auto count = [&](std::initializer_list<Kind> which) {
      return static_cast<std::int64_t>(
          std::ranges::count_if(kinds, [&](Kind kind) { return std::ranges::find(which, kind) != which.end(); }));
    };
    facts_.full_attention_layers = count({Kind::kFull, Kind::kBoth});
    facts_.sliding_attention_layers = count({Kind::kSliding});
    facts_.linear_attention_layers = count({Kind::kLinear});
    facts_.mamba_layers = count({Kind::kMamba, Kind::kBoth});
    if (facts_.sliding_attention_layers > 0) facts_.sliding_window = window_;
    if (count({Kind::kNoCache}) > 0) {
      facts_.linear_attention_layers.reset();
      facts_.mamba_layers.reset();
    }
  }

  // Heads that are not those of every layer are no fact about the model.
  void ForgetWhatOtherLayersHave() {
    for (const std::string& key : UnknownShapes()) {
      if (Contains(key, "kv") || Contains(key, "key_value")) facts_.kv_heads.reset();
      if (Contains(key, "attention_heads")) facts_.attention_heads.reset();
    }
  }

  // Caches of one layer: more than one where a token passes it more than once. Unset = not known.
  Size CachesPerLayer() {
    if (class_name_ == "longcatflash") return 2;  // two attentions in each of its layers
    if (class_name_ == "ouro") return Number({"total_ut_steps"});
    if (class_name_ == "iquestloopcoder") return Get("loop_num") == nullptr ? std::nullopt : Size(1);
    const std::string hint = Hint({"loop", "ut_step", "recurrence", "recursion"});
    if (hint.empty()) return 1;
    AddNote(facts_, "config.json: " + hint + " is not understood; how many KV caches a layer keeps is not known");
    return std::nullopt;
  }

  // IQuest Loop passes its layers again, each time with a cache of a few tokens beside the first pass's.
  void LaterPasses(std::vector<KvCacheGroup>& groups) {
    if (class_name_ != "iquestloopcoder") return;
    const Size passes = Number({"loop_num"}), window = Number({"loop_window_size"});
    if (!passes || !window) return groups.clear();
    const std::vector<KvCacheGroup> first = groups;
    for (KvCacheGroup again : first) {
      again.layers *= *passes - 1;
      again.window = *window;
      if (again.layers > 0) groups.push_back(again);
    }
  }

  struct Shape {
    Size kv_heads, key_dim, value_dim;
  };

  // Of the layers of one kind, where the file has sizes of its own for them.
  std::optional<Shape> ShapeOf(Kind kind) {
    Shape shape{facts_.kv_heads, facts_.head_dim, facts_.v_head_dim ? facts_.v_head_dim : facts_.head_dim};
    const auto replace = [&](Size& size, std::initializer_list<std::string_view> keys) {
      if (const Size own = Number(keys)) size = own;
    };
    if (kind == Kind::kSliding) {
      replace(shape.kv_heads, {"swa_num_key_value_heads", "sliding_num_key_value_heads", "num_swa_key_value_heads"});
      // Baichuan-M1: as many heads as fill the hidden size, so that their width differs too.
      if (const Size heads = Number({"num_swa_attention_heads"}); heads && class_name_ == "baichuanm1") {
        const bool divides = facts_.hidden_size && *facts_.hidden_size % *heads == 0;
        shape.key_dim = shape.value_dim = divides ? Size(*facts_.hidden_size / *heads) : std::nullopt;
      }
      replace(shape.key_dim, {"swa_head_dim"});
      if (Number({"swa_head_dim"})) shape.value_dim = shape.key_dim;
      replace(shape.value_dim, {"swa_v_head_dim"});
      if (const json* other = FindObject(&language_, "attention_other_setting")) {
        if (TextOf(other, "attention_type") != "sliding_attention") return std::nullopt;
        if (const Size own = Number({"num_attention_groups"}, other)) shape.kv_heads = own;
        if (const Size own = Number({"head_dim"}, other)) shape.key_dim = shape.value_dim = own;
      }
    } else {
      replace(shape.kv_heads, {"num_global_key_value_heads"});
      if (const Size own = Number({"global_head_dim"})) shape.key_dim = shape.value_dim = own;
    }
    return shape;
  }

  // Sizes for some layers only that this reader does not know.
  [[nodiscard]] std::vector<std::string> UnknownShapes() const {
    static constexpr std::array<std::string_view, 10> kKnown = {"num_swa_attention_heads",
                                                                "num_swa_key_value_heads",
                                                                "swa_num_key_value_heads",
                                                                "sliding_num_key_value_heads",
                                                                "swa_head_dim",
                                                                "swa_v_head_dim",
                                                                "swa_num_attention_heads",
                                                                "num_global_key_value_heads",
                                                                "global_head_dim",
                                                                "attention_other_setting"};
    std::vector<std::string> keys;
    for (const auto& [key, value] : language_.items()) {
      if (!Says(value) || std::ranges::find(kKnown, key) != kKnown.end()) continue;
      const bool some = key.starts_with("swa_") || key.starts_with("sliding_") || key.starts_with("local_") ||
                        key.starts_with("global_") || Contains(key, "_global_") || Contains(key, "_swa");
      if (some && (Contains(key, "head") || Contains(key, "kv"))) keys.push_back(key);
    }
    return keys;
  }

  void BuildCaches(const Kinds& kinds) {
    // EmbeddingGemma: every token sees all others, so nothing is kept for a next one. "vision" says it of images alone.
    if (TrueAt(&language_, "use_bidirectional_attention")) {
      facts_.caches.emplace();
      return;
    }
    const auto caches = [](Kind kind) { return kind == Kind::kFull || kind == Kind::kSliding || kind == Kind::kBoth; };
    if (std::ranges::none_of(kinds, caches)) {
      // Nothing attends: heads of a state space model are something else.
      if (std::ranges::find(kinds, Kind::kShared) == kinds.end()) {
        facts_.attention_heads.reset();
        facts_.kv_heads.reset();
        facts_.head_dim.reset();
      }
      facts_.caches.emplace();
      return;
    }
    if (latent_unknown_) return;
    if (class_name_ == "minicpm3") {
      AddNote(facts_, "engines differ in what they keep of MLA for this model; the size of the KV cache is not known");
      return;
    }
    if (!kv_by_layer_.empty() && kv_by_layer_.size() != layers_) {
      AddNote(facts_, "config.json: " + source_of_heads_ + " lists " + std::to_string(kv_by_layer_.size()) +
                          " layers of " + std::to_string(layers_) + "; KV heads are not known");
      facts_.kv_heads.reset();
      return;
    }
    if (const std::vector<std::string> unknown = UnknownShapes(); !unknown.empty()) {
      AddNote(facts_, "config.json: " + unknown.front() + " is not understood; the size of the KV cache is not known");
      return;
    }
    std::vector<KvCacheGroup> groups;
    const Size per_layer = CachesPerLayer();
    if (!per_layer) return;
    bool same_heads = true;
    for (std::size_t i = 0; i < kinds.size(); ++i) {
      if (!caches(kinds[i])) continue;
      KvCacheGroup group;
      group.layers = *per_layer;
      group.window = kinds[i] == Kind::kSliding ? window_.value_or(0) : 0;
      if (kinds[i] == Kind::kSliding && !window_) return;
      if (facts_.latent_attention()) {
        if (!facts_.qk_rope_head_dim) return;
        group.elements = *facts_.kv_lora_rank + *facts_.qk_rope_head_dim;
      } else {
        const std::optional<Shape> shape = ShapeOf(kinds[i]);
        if (!shape) return;
        const Size heads = kv_by_layer_.empty() ? shape->kv_heads : Size(kv_by_layer_[i]);
        if (heads == 0) continue;
        if (!heads || *heads < 0 || *heads > kLargest || !shape->key_dim || !shape->value_dim) {
          AddNote(facts_, std::string("config.json: the ") +
                              (heads ? "size of an attention head" : "number of KV heads") +
                              " is under no key that is known; the size of the KV cache is not known");
          return;
        }
        group.kv_heads = *heads;
        group.elements = *heads * (*shape->key_dim + *shape->value_dim);
        same_heads = same_heads && heads == facts_.kv_heads;
      }
      const auto same = std::ranges::find_if(groups, [&](const KvCacheGroup& other) {
        return other.kv_heads == group.kv_heads && other.elements == group.elements && other.window == group.window;
      });
      if (same == groups.end()) {
        groups.push_back(group);
      } else {
        same->layers += *per_layer;
      }
    }
    LaterPasses(groups);
    if (groups.empty()) return;
    constexpr std::size_t kMostShapes = 16;  // more than any model has; they travel in a message of limited size
    if (groups.size() > kMostShapes) {
      AddNote(facts_, "config.json: layers have more than " + std::to_string(kMostShapes) + " shapes of KV cache");
      return;
    }
    if (!same_heads) {
      const std::int64_t first = groups.front().kv_heads;
      const bool one = std::ranges::all_of(groups, [&](const KvCacheGroup& group) { return group.kv_heads == first; });
      facts_.kv_heads = one ? Size(first) : std::nullopt;
    }
    // Query heads that differ between layers are no single number.
    const json* other = FindObject(&language_, "attention_other_setting");
    Size sliding = Number({"swa_num_attention_heads", "num_swa_attention_heads"});
    if (other != nullptr) sliding = Number({"num_attention_heads"}, other);
    if (sliding && sliding != facts_.attention_heads) {
      AddNote(facts_, "config.json: layers differ in their number of attention heads");
      facts_.attention_heads.reset();
      if (class_name_ == "baichuanm1") facts_.head_dim.reset();
    }
    facts_.caches = std::move(groups);
  }

  const json& language_;
  ModelFacts& facts_;
  std::string class_name_;
  const ModelClass* class_;
  std::size_t layers_ = 0;
  Size window_;
  std::string window_key_;
  bool latent_unknown_ = false;
  bool encoder_decoder_ = false;
  bool by_default_ = false;  // no key says which layers attend
  std::string source_ = "a list of layers";
  std::string source_of_heads_;
  std::vector<std::int64_t> kv_by_layer_;  // empty = the same in every layer
};

}  // namespace

void ReadAttention(const json& language, const json& config, ModelFacts& facts) {
  AttentionReader(language, config, facts).Read();
}

}  // namespace autotune::checkpoint
