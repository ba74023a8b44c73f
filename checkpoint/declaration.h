// What one file or key declares about a checkpoint's quantization. Internal to checkpoint/.
//
// A new method is a row of kMethods (declaration.cpp), and where its details decide a reader: a function below in a
// file of its own, which ReadDeclaration() calls.
//
// Pure, thread-safe. Any input is safe: what is not understood is "other" or "unknown", with a note.
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

#include "checkpoint/json_keys.h"
#include "checkpoint/model_facts.h"
#include "checkpoint/module_patterns.h"
#include "checkpoint/stored_format.h"

namespace autotune::checkpoint {

// What one declaration says. A part without a format is like the other one.
struct Declaration {
  std::string where;
  std::string method = "none";
  std::optional<StoredFormat> linear, experts;
  std::string kv_cache = "none";
  std::string kv_form;  // see ModelFacts::kv_form
  std::optional<WeightBlock> block;
  std::vector<std::string> ignored;
  std::vector<std::string> notes;
  std::set<std::pair<ModelPart, std::string>> schemes;  // see ModelFacts::schemes, without the part
  bool foreign = false;
  bool own_experts = false;         // the format of experts was declared for them alone
  std::vector<std::string> listed;  // names of the modules that are quantized, all others are not; empty = no list
  bool linear_gates = true;         // no list of what is quantized leaves the gates of linear attention out
  bool no_linear_layer = false;     // only the embedding, the output layer or attention is quantized
  std::string packed_attention;     // "int", "fp": what attention is stored as, several in one element; "" = it is not
  std::vector<std::string> special_schemes;  // see ModelFacts::schemes: what is neither of linear layers nor of experts

  void Both(const StoredFormat& format) { linear = experts = format; }
  static std::string SchemeText(const std::string& weights, const std::string& inputs, const std::string& packing) {
    const auto word = [](const std::string& text) {
      std::string one = Lower(text).substr(0, 40);
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

// quantization_config, or another object with a quant_method. `where`: its name in messages.
Declaration ReadDeclaration(const nlohmann::json& config, const std::string& where);
// Mistral's params.json: {"qformat_weight": "fp8_e4m3", "qscheme_act": "TENSOR"}.
Declaration ReadMistral(const nlohmann::json& quantization);
// AutoGPTQ's quantize_config.json, AutoAWQ's quant_config.json; nullopt for a file of other tools.
std::optional<Declaration> ReadLegacy(const nlohmann::json& file, const std::string& name);
// Whether ModelOpt says that it wrote this file.
bool NamesModelOpt(const nlohmann::json* config);
// What the name of a method alone means. Families and activations: see ModelFacts; "" = its details decide.
struct MethodMeaning {
  std::string family, activations;
};
std::optional<MethodMeaning> MeaningOfMethod(std::string_view name);
// In alphabetical order, separated by ", ".
std::string MethodNames();

// ---- One method each ------------------------------------------------------------------------------------------------

void ReadCompressedTensors(const nlohmann::json& config, Declaration& declaration);
// `nested`: `quantization` stands under this key, as in hf_quant_config.json.
void ReadModelOpt(const nlohmann::json& quantization, bool nested, Declaration& declaration);
void ReadQuark(const nlohmann::json& config, Declaration& declaration);
void ReadTorchAo(const nlohmann::json& config, Declaration& declaration);
void ReadAutoRound(const nlohmann::json& config, Declaration& declaration);
// GPTQ, AWQ and their kin: integer weights, 16-bit inputs.
void ReadIntegerWeights(const nlohmann::json& config, Declaration& declaration);
void ReadHumming(const nlohmann::json& config, Declaration& declaration);
// Experts may have a format of their own that the method leaves out: DeepSeek's {"expert_dtype": "fp4"}.
void ReadExpertDtype(const nlohmann::json* config, Declaration& declaration);
// ModelOpt's words about experts beside another method: {"quant_method": "fp8", "moe_quant_algo": "NVFP4"}.
void ReadExpertsOfTheirOwn(const nlohmann::json& config, Declaration& declaration);

// ---- Words that several methods share -------------------------------------------------------------------------------

inline constexpr std::int64_t kLargestBlock = 1 << 20;  // far above any, and products fit

std::string KvAlgorithm(std::string_view algorithm);
// compressed-tensors' and newer ModelOpt's {"num_bits": 8, "type": "float", ...}.
std::string KvScheme(const nlohmann::json* scheme);
// "scheme", "text" or "": ModelFacts::kv_form of a kv_cache_scheme.
std::string KvSchemeForm(const nlohmann::json* scheme);
// [128, 128], also as the text "128x128".
std::optional<WeightBlock> BlockOf(const nlohmann::json* shape);
std::optional<WeightBlock> GroupOf(std::optional<std::int64_t> size);
// "int4-group128-asym", "fp8-token-dynamic": compressed-tensors' QuantizationArgs with its defaults; "none" for no
// quantization.
std::string CompressedText(const nlohmann::json* scheme);

// Collects formats for patterns over module names: what speaks of experts alone goes before what speaks of everything.
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
  std::array<std::set<StoredFormat>, 2> linear_, experts_;  // of this part alone, of everything
};

}  // namespace autotune::checkpoint
