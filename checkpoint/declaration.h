// Quantization of a checkpoint as one file or key declares it. Internal to checkpoint/.
//
// To add a method, add a row to kMethods (declaration.cpp). If the name of the method is not enough, also add a reader:
// a function below with a file of its own, which ReadDeclaration() calls.
//
// Pure, thread-safe. Accepts any input: an unknown format becomes "other" or "unknown", with a note.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ascii_case.h"
#include "checkpoint/json_keys.h"
#include "checkpoint/model_facts.h"
#include "checkpoint/module_patterns.h"
#include "checkpoint/stored_format.h"

namespace autotune::checkpoint {

struct Declaration {
  std::string where;                            // name of the file or key, for messages
  std::string method = "none";                  // ModelFacts::quantization
  std::optional<StoredFormat> linear, experts;  // nullopt = the same format as the other part
  std::string kv_cache = "none";                // ModelFacts::kv_cache
  std::string kv_form;                          // ModelFacts::kv_form
  std::optional<WeightBlock> block;             // ModelFacts::weight_block
  std::vector<std::string> ignored;             // names and patterns of modules that stay unquantized
  std::vector<std::string> notes;
  std::set<std::pair<ModelPart, std::string>> schemes;  // ModelFacts::schemes of linear layers and experts
  bool foreign = false;                                 // no engine loads this method
  bool own_experts = false;                             // `experts` was declared separately from `linear`
  std::vector<std::string> listed;  // names of the quantized modules, if the method lists them; empty = no list
  bool linear_gates = true;         // false: a list of quantized modules excludes the gates of linear attention
  bool no_linear_layer = false;     // only the embedding, the output layer or attention is quantized
  std::string packed_attention;     // type of attention weights that are packed: "int", "fp"; "" = not packed
  std::vector<std::string> special_schemes;  // ModelFacts::schemes of other parts

  void Both(const StoredFormat& format) { linear = experts = format; }
  static std::string SchemeText(const std::string& weights, const std::string& inputs, const std::string& packing) {
    const auto word = [](const std::string& text) {
      std::string one = base::AsciiLower(text).substr(0, 40);
      std::ranges::replace(one, ' ', '_');
      return one.empty() ? "-" : one;
    };
    return word(weights) + " " + word(inputs) + " " + word(packing);
  }
  void AddScheme(ModelPart part, const std::string& weights, const std::string& inputs = "-",
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

// ---- Any method -----------------------------------------------------------------------------------------------------

// Reads quantization_config, or another object with a quant_method. `where`: its name in messages.
Declaration ReadDeclaration(const nlohmann::json& config, const std::string& where);
// Reads the quantization in Mistral's params.json: {"qformat_weight": "fp8_e4m3", "qscheme_act": "TENSOR"}.
Declaration ReadMistral(const nlohmann::json& quantization);
// Reads AutoGPTQ's quantize_config.json or AutoAWQ's quant_config.json. nullopt if another tool wrote the file.
std::optional<Declaration> ReadLegacy(const nlohmann::json& file, const std::string& name);
// True if the file names ModelOpt as its producer.
bool NamesModelOpt(const nlohmann::json* config);
// Format that follows from the name of a method alone: ModelFacts::family and activations; "" = depends on the details.
struct MethodMeaning {
  std::string family, activations;
};
// nullopt for an unknown method.
std::optional<MethodMeaning> MeaningOfMethod(std::string_view name);
// Names of all known methods, in alphabetical order, separated by ", ".
std::string MethodNames();

// ---- Readers of one method ------------------------------------------------------------------------------------------

void ReadCompressedTensors(const nlohmann::json& config, Declaration& declaration);
// `nested`: true if `quantization` is the value of the key "quantization", as in hf_quant_config.json.
void ReadModelOpt(const nlohmann::json& quantization, bool nested, Declaration& declaration);
void ReadQuark(const nlohmann::json& config, Declaration& declaration);
void ReadTorchAo(const nlohmann::json& config, Declaration& declaration);
void ReadAutoRound(const nlohmann::json& config, Declaration& declaration);
// GPTQ, AWQ and similar methods: integer weights, 16-bit inputs.
void ReadIntegerWeights(const nlohmann::json& config, Declaration& declaration);
void ReadHumming(const nlohmann::json& config, Declaration& declaration);
// Format of experts that the method does not declare: DeepSeek's {"expert_dtype": "fp4"}.
void ReadExpertDtype(const nlohmann::json* config, Declaration& declaration);
// ModelOpt's format of experts in a declaration of another method: {"quant_method": "fp8", "moe_quant_algo": "NVFP4"}.
void ReadExpertsOfTheirOwn(const nlohmann::json& config, Declaration& declaration);

// ---- Keys and values that several methods share ---------------------------------------------------------------------

inline constexpr std::int64_t kLargestBlock = 1 << 20;  // above any real size; products do not overflow

// ModelFacts::kv_cache of a kv_cache_quant_algo.
std::string KvAlgorithm(std::string_view algorithm);
// ModelFacts::kv_cache of a kv_cache_scheme of compressed-tensors or newer ModelOpt: {"num_bits": 8, "type": "float"}.
std::string KvScheme(const nlohmann::json* scheme);
// ModelFacts::kv_form of a kv_cache_scheme: "scheme", "text" or "".
std::string KvSchemeForm(const nlohmann::json* scheme);
// Reads [128, 128] or "128x128".
std::optional<WeightBlock> BlockOf(const nlohmann::json* shape);
// The block of a group of `size` weights along the input.
std::optional<WeightBlock> GroupOf(std::optional<std::int64_t> size);
// compressed-tensors' QuantizationArgs as in ModelFacts::schemes, with its defaults: "int4-group128-asym",
// "fp8-token-dynamic"; "none" without quantization.
std::string CompressedText(const nlohmann::json* scheme);

// Collects the formats of patterns over module names. For experts, patterns that match only experts take precedence
// over patterns that match every layer.
class PartFormats {
 public:
  void Add(ModelPart part, const StoredFormat& format) {
    if (part != ModelPart::kExperts) linear_[part == ModelPart::kBoth ? 1 : 0].insert(format);
    if (part != ModelPart::kLinear) experts_[part == ModelPart::kBoth ? 1 : 0].insert(format);
  }
  void Into(Declaration& declaration) const {
    const auto one = [](const std::array<std::set<StoredFormat>, 2>& sets,
                        bool together) -> std::optional<StoredFormat> {
      std::set<StoredFormat> formats = sets[0];
      if (together || formats.empty()) formats.insert(sets[1].begin(), sets[1].end());
      if (formats.empty()) return std::nullopt;
      return Merged(formats);
    };
    declaration.linear = one(linear_, true);
    declaration.experts = one(experts_, false);
    if (!declaration.linear) declaration.linear = StoredFormat{};
    if (!declaration.experts) declaration.experts = StoredFormat{};
  }
  [[nodiscard]] bool empty() const {
    return linear_[0].empty() && linear_[1].empty() && experts_[0].empty() && experts_[1].empty();
  }

 private:
  std::array<std::set<StoredFormat>, 2> linear_, experts_;  // of patterns for this part alone, and for both parts
};

}  // namespace autotune::checkpoint
