#include "checkpoint/weight_tensors.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "checkpoint/json_keys.h"

namespace autotune::checkpoint {
namespace {

constexpr std::size_t kMaxKinds = 20;  // they travel in a termination message, with all other facts
constexpr std::size_t kLongestName = 64;

template <std::size_t N>
bool ContainsAny(std::string_view name, const std::array<std::string_view, N>& words) {
  return std::ranges::any_of(words, [&](std::string_view word) { return Contains(name, word); });
}

// The linear layer that chooses experts: "mlp.gate", "block_sparse_moe.gate", "router", "router.proj", "gate.wg".
bool IsRouter(std::string_view module) {
  const std::size_t dot = module.rfind('.');
  const std::string_view name = dot == std::string_view::npos ? module : module.substr(dot + 1);
  if (name == "gate" || name == "router") return true;
  const std::string_view parent = dot == std::string_view::npos ? "" : module.substr(0, dot);
  return parent.ends_with(".router") || (parent.ends_with(".gate") && name == "wg");
}

constexpr std::array<std::string_view, 7> kOthers = {
    "visual", "vision", "audio", "mm_projector", "multi_modal_projector", "mtp.", "speech"};
constexpr std::array<std::string_view, 7> kEmbeddings = {"embed_tokens",   "word_embeddings", "wte",       "embed_in",
                                                         "tok_embeddings", "embeddings",      "_embedding"};

// "" = a part whose weights say nothing about the language model's: images, sound, layers that only draft.
std::string_view PartOfTensor(std::string_view module, std::string_view last) {
  if (ContainsAny(module, kOthers)) return "";
  if (module == "lm_head" || module.ends_with(".lm_head") || module == "output" || module == "embed_out") return "head";
  if (ContainsAny(module, kEmbeddings)) return "embedding";
  const bool shared = Contains(module, "shared_expert") || Contains(module, "share_expert");
  if (Contains(module, "experts") && !shared) return "experts";
  if (last == "k_scale" || last == "v_scale" || last == "q_scale" || last == "kv_scale") return "attention";
  return "linear";
}

// What no unquantized layer has.
bool IsOfQuantization(std::string_view last) {
  static constexpr std::array<std::string_view, 15> kWords = {
      "packed",   "qweight", "qzeros",       "g_idx",    "zero_point",   "absmax", "quant_", "qdata",
      "hadamard", "_blocks", "weight_shape", "codebook", "bitsandbytes", "SCB",    "W_q"};
  static constexpr std::array<std::string_view, 13> kScales = {
      "weight_scale", "weight_scale_2", "scale_inv",        "input_scale",   "input_scale_2",
      "output_scale", "act_scale",      "activation_scale", "_global_scale", "pre_quant_scale",
      "chan_scale",   "scales",         "kv_scale"};
  return ContainsAny(last, kWords) ||
         std::ranges::any_of(kScales, [&](std::string_view end) { return last.ends_with(end); });
}

// Norms have scales too, and rotary embeddings and routers, in models of all kinds: "router.per_expert_scale" is no
// quantization's, "router.proj.weight_scale" is.
bool IsScaleOfAnother(std::string_view module, std::string_view last) {
  static constexpr std::array<std::string_view, 5> kModules = {"norm", "rotary", "router", "rope", "layer_scale"};
  if (!Contains(last, "scale") || IsOfQuantization(last)) return false;
  return ContainsAny(module, kModules) || last == "layer_scale" || last == "layer_scalar";
}

bool IsNarrow(std::string_view type) {
  return type.starts_with("F8") || type.starts_with("F4") || type.starts_with("F6") || type == "I8" || type == "U8";
}

}  // namespace

bool IsOfLanguageLayers(std::string_view module) {
  return !ContainsAny(module, kOthers) && !ContainsAny(module, kEmbeddings) && !Contains(module, "mtp");
}

std::optional<std::int64_t> LayerOf(std::string_view tensor) {
  constexpr std::array<std::string_view, 7> kAround = {"model",   "language_model", "text_model", "transformer",
                                                       "decoder", "backbone",       "llm"};
  while (!tensor.empty()) {
    const std::size_t dot = tensor.find('.');
    if (dot == std::string_view::npos) return std::nullopt;
    const std::string_view word = tensor.substr(0, dot);
    tensor.remove_prefix(dot + 1);
    if (word == "mtp" || word.starts_with("mtp_") || word == "nextn" || word.starts_with("nextn_")) return kDraftLayer;
    if (word == "layers") {
      std::int64_t number = 0;
      const char* const end = tensor.data() + tensor.size();
      const auto [stop, error] = std::from_chars(tensor.data(), end, number);
      const bool whole = error == std::errc() && number >= 0 && stop != end && *stop == '.';
      return whole && number != kDraftLayer ? std::optional(number) : std::nullopt;
    }
    if (std::ranges::find(kAround, word) == kAround.end()) return std::nullopt;
  }
  return std::nullopt;
}

void TensorKinds::Add(std::string_view name, std::string_view type) {
  const std::size_t dot = name.rfind('.');
  const std::string_view module = dot == std::string_view::npos ? "" : name.substr(0, dot);
  const std::string_view last = dot == std::string_view::npos ? name : name.substr(dot + 1);
  std::string_view part = PartOfTensor(module, last);
  if (part.empty() || last.size() > kLongestName || IsScaleOfAnother(module, last)) return;
  const bool of_cache = part == "attention";
  const bool of_quantization = IsOfQuantization(last);
  const bool weight = last == "weight" && !Contains(module, "norm");
  // DeepSeek's own files call it "scale", as other layers call what has nothing to do with it.
  if (!of_quantization && !weight && !of_cache && last != "scale") return;
  const bool quantized = (of_quantization && !of_cache) || (weight && IsNarrow(type));
  quantized_ = quantized_ || quantized;
  // Few engines have a quantized router. One that is not quantized is like any linear layer.
  if (quantized && part != "experts" && IsRouter(module)) part = "router";
  std::string kind(part);
  // ModelOpt keeps the scales of the cache inside of the projections: "k_proj.k_scale".
  if (of_cache && module.ends_with("_proj"))
    kind.append(".").append(module.substr(module.rfind('.') == std::string_view::npos ? 0 : module.rfind('.') + 1));
  kind.append(".").append(last);
  auto& types = types_[kind];
  if (!type.empty()) types.emplace(type);
}

void TensorKinds::Add(const TensorKinds& other) {
  quantized_ = quantized_ || other.quantized_;
  for (const auto& [kind, types] : other.types_) types_[kind].insert(types.begin(), types.end());
}

std::vector<std::string> TensorKinds::List() const {
  std::vector<std::string> list;
  for (const auto& [kind, types] : types_) {
    if (types.empty()) list.push_back(kind);
    for (const std::string& type : types) list.push_back(kind + ":" + type);
  }
  if (list.size() > kMaxKinds) list.resize(kMaxKinds);
  return list;
}

}  // namespace autotune::checkpoint
