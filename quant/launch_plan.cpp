#include "quant/launch_plan.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <span>
#include <utility>

#include "base/sha256.h"
#include "gpu/product.h"
#include "quant/condition.h"
#include "quant/engine_table.h"
#include "quant/memory_need.h"
#include "quant/parameters.h"
#include "quant/settings.h"
#include "quant/sharding.h"

namespace autotune::quant {
namespace {

// A size that engines would take; more is a typing error and must not overflow the product.
constexpr int kLargestSize = 4096;

std::optional<int> SizeOf(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  int value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size() || value < 1 || value > kLargestSize)
    return std::nullopt;
  return value;
}

std::optional<double> NumberOf(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string PromptsName(Prompts prompts) {
  switch (prompts) {
    case Prompts::kRandom:
      return "random";
    case Prompts::kShared:
      return "shared";
    case Prompts::kRecorded:
      return "recorded";
  }
  return "random";
}

std::string NormalDtype(const std::string& dtype) {
  if (dtype == "half") return "float16";
  if (dtype == "float") return "float32";
  return dtype;
}

// "80.0 GB": powers of ten, as GPUs and checkpoints are sold.
std::string Gigabytes(double bytes) {
  const auto tenths = static_cast<std::int64_t>(std::llround(bytes / 1e8));
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " GB";
}

class Planner final : public FactSource {
 public:
  Planner(const EngineTable& table, const LaunchRequest& request)
      : table_(table), request_(request), settings_(table, request.release.version) {}

  LaunchPlan Plan() {
    if (!request_.release.assumption.empty()) Warn("runtime", "UnknownEngineVersion", request_.release.assumption);
    if (!request_.revision.empty() && !table_.TakesRevision(request_.release.version))
      Reject({"model.revision", "RevisionNotSupported",
              Title(table_, request_.release) +
                  " cannot load a specific revision of a model; it would load the "
                  "default branch instead of " +
                  request_.revision});
    const Parameters parameters = ReadParameters(table_, request_.release, request_.parameters);
    plan_.warnings.insert(plan_.warnings.end(), parameters.warnings.begin(), parameters.warnings.end());
    if (parameters.rejection) Reject(*parameters.rejection);
    settings_.AddUser(parameters);
    ReadExtraArguments();
    for (const Field field : kFields) MapField(field);
    MapParallelSizes();
    settings_.AddUserMembers(parameters);
    choosing_ = true;
    for (const Rule& rule : table_.rules()) Apply(rule);
    ApplySchemes();
    ApplyTensors();
    choosing_ = false;
    SayWhatKvIsNotFollowed();
    if (!StartsTheVerifier()) CheckModel();
    CheckGpuFloor();
    CheckAmdGpu();
    CheckParallelSizes();
    plan_.overrides = settings_.overrides();
    plan_.args = settings_.Arguments();
    plan_.options_yaml = settings_.OptionsYaml();
    CheckExtraArguments();
    CountGpus();
    CheckShares();
    CheckMemory();
    CheckContext();
    FillShape();
    Settings distinct = settings_;
    if (SaysTheDtypeInVain()) distinct.Remove(table_.dtype_flag());
    for (const OverwriteRule& rule : table_.overwrites()) Overwrite(rule, distinct);
    plan_.distinct_args = distinct.Arguments();
    plan_.distinct_yaml = distinct.OptionsYaml();
    for (std::vector<std::string>* args : {&plan_.args, &plan_.distinct_args})
      args->insert(args->end(), request_.extra_args.begin(), request_.extra_args.end());
    plan_.apart_from_cache = ApartFromCache();
    // How a GPU would compute weights for which the release has no kernels on it.
    if (plan_.rejection && plan_.rejection->reason == "CapabilityTooLow")
      std::erase_if(plan_.warnings, [](const Warning& warning) { return warning.reason == "WeightOnly"; });
    return std::move(plan_);
  }

  [[nodiscard]] std::optional<std::string> Text(Subject subject, const std::string& flag) const override {
    switch (subject) {
      case Subject::kGemm:
        return request_.quant.gemm;
      case Subject::kKvCache:
        return request_.quant.kvcache;
      case Subject::kAttention:
        return request_.quant.attention;
      case Subject::kMoe:
        return request_.quant.moe;
      case Subject::kCheckpoint:
        return request_.model.family;
      case Subject::kFormats:
        return Formats();
      case Subject::kMethod:
        return request_.model.quantization;
      case Subject::kCheckpointKv:
        return CheckpointKv();
      case Subject::kDeclaredKv:
        return request_.model.kv_cache;
      case Subject::kKvForm:
        return request_.model.kv_form.empty() ? "none" : request_.model.kv_form;
      case Subject::kExperts:
        return !request_.model.experts ? "unknown" : *request_.model.experts > 0 ? "yes" : "no";
      case Subject::kLinearFormat:
        return request_.model.linear_format;
      case Subject::kExpertFormat:
        // A field about experts means nothing in a dense model: it is like the whole.
        return request_.model.experts == 0 ? request_.model.family : request_.model.expert_format;
      case Subject::kModelDtype:
        return ModelDtype();
      case Subject::kDtype: {
        const std::optional<std::string> asked = Final(table_.dtype_flag());
        if (asked && *asked != "auto") return NormalDtype(*asked);
        return table_.DtypeOf(request_.model.dtype, *this);
      }
      case Subject::kArchitecture:
        if (request_.model.architecture.empty()) return std::nullopt;
        return request_.model.architecture;
      case Subject::kLanguageClass:
        if (request_.model.language_class.empty()) return std::nullopt;
        return request_.model.language_class;
      case Subject::kClassVersion:
        if (request_.model.class_version.empty()) return std::nullopt;
        return request_.model.class_version;
      case Subject::kNativeConfig:
        return request_.model.native_only ? "only" : request_.model.native_config ? "beside" : "none";
      case Subject::kOneFile:
        return request_.model.one_file ? "yes" : "no";
      case Subject::kPooling:
        return request_.model.pooling ? "yes" : "no";
      case Subject::kIgnored:
        return IgnoredModules();
      case Subject::kMethodInConfig:
        return request_.model.method_in_config ? "yes" : "no";
      case Subject::kMethodKnown:
        return MethodKnown() ? "yes" : "no";
      case Subject::kLatentAttention:
        return request_.model.latent_attention() ? "yes" : AttentionIsKnown() ? "no" : "unknown";
      case Subject::kSparseAttention:
        return request_.model.sparse_attention() ? "yes" : AttentionIsKnown() ? "no" : "unknown";
      case Subject::kPrompts:
        return PromptsName(request_.prompts);
      case Subject::kHiddenSize:
        return std::to_string(request_.model.hidden_size.value_or(0));
      case Subject::kExpertSize:
        return std::to_string(request_.model.moe_intermediate_size.value_or(0));
      case Subject::kMaxPosition:
        return std::to_string(request_.model.max_position.value_or(0));
      case Subject::kHeadDim:
        return std::to_string(request_.model.head_dim.value_or(0));
      case Subject::kQkvParts:
        return std::to_string(request_.model.qkv_parts.value_or(0));
      case Subject::kWindowKvHeads:
        return std::to_string(WindowKvHeads());
      case Subject::kMambaHeads:
        return std::to_string(request_.model.mamba_heads.value_or(0));
      case Subject::kMambaGroups:
        return std::to_string(request_.model.mamba_groups.value_or(0));
      case Subject::kAttentionGpus:
        return std::to_string(AttentionParts());
      case Subject::kWeightBlock:
        return request_.model.weight_block ? request_.model.weight_block->ToString() : "none";
      case Subject::kGpu:
        if (!request_.amd_architecture.empty()) return request_.amd_architecture;
        return request_.gpu ? request_.gpu->ToString() : "unknown";
      case Subject::kPart:
        return scheme_[0];
      case Subject::kWeights:
        return scheme_[1];
      case Subject::kInputs:
        return scheme_[2];
      case Subject::kPacking:
        return scheme_[3];
      case Subject::kTensor:
        return tensor_;
      case Subject::kFlag:
        if (const ChoiceRule* choice = choosing_ ? ChoiceOf(flag) : nullptr) return choice->is;
        return Final(flag);
      case Subject::kMapped:
        break;
    }
    return std::nullopt;
  }

  [[nodiscard]] std::optional<ComputeCapability> Gpu() const override { return request_.gpu; }

  [[nodiscard]] const std::string& AmdArchitecture() const override { return request_.amd_architecture; }

  [[nodiscard]] bool Mapped(const std::string& flag) const override {
    const Setting* setting = settings_.Find(flag);
    return setting != nullptr && !setting->by_user();
  }

 private:
  // vLLM starts the model that a draft of speculators names, and drafts with the checkpoint.
  bool StartsTheVerifier() {
    const checkpoint::ModelFacts& model = request_.model;
    const auto known = table_.model_rule().drafts.find(model.draft_method);
    if (model.verifier.empty() || known == table_.model_rule().drafts.end()) return false;
    const std::string title = Title(table_, request_.release);
    if (known->second && request_.release.version < *known->second) {
      Reject({"model", "CheckpointNotSupported",
              title + " does not know drafts of the method " + model.draft_method + ", which it has from " +
                  known->second->ToString() + " on"});
      return true;
    }
    if (!request_.revision.empty())
      Reject({"model.revision", "RevisionNotSupported",
              title + " takes the revision for that of " + model.verifier + ", for which the checkpoint is a draft"});
    Warn("model", "VerifierNotChecked",
         "the checkpoint is a draft (" + model.draft_method +
             (model.draft_tokens ? ", " + std::to_string(*model.draft_tokens) + " tokens" : "") + ") for " +
             model.verifier + ": " + title +
             " starts that model and drafts with this one. Its size and format are not " +
             "checked; they are where spec.model names that model, and speculative-config the draft");
    if (request_.prompts != Prompts::kRecorded)
      Warn(
          "model", "SpeculationOnRandomText",
          "the checkpoint is a draft, and speculative decoding depends on the text: results with random prompts do not "
          "apply to real prompts");
    return true;
  }

  // A model that the release does not have at all is named before its formats and settings, which no longer matter.
  void CheckModel() {
    const std::optional<Rejection> of_settings = std::exchange(plan_.rejection, std::nullopt);
    CheckThatItIsNoDraft();
    CheckThatItGeneratesText();
    CheckArchitecture();
    const bool unknown = plan_.rejection && plan_.rejection->reason == "ArchitectureNotSupported";
    if (of_settings && !unknown) plan_.rejection = of_settings;
    CheckTokenizer();
  }

  // Heads that predict tokens for another model.
  void CheckThatItIsNoDraft() {
    static constexpr std::array<std::string_view, 10> kDrafts = {
        "ForCausalLMEagle", "ForCausalLMEagle3", "ForCausalLMNextN",          "MTP",       "MTPModel", "DraftModel",
        "MedusaModel",      "SpeculatorModel",   "SpeculatorPreTrainedModel", "Speculator"};
    const std::string& architecture = request_.model.architecture;
    const bool eagle = architecture.starts_with("Eagle") && architecture.ends_with("ForCausalLM");
    if (!eagle && std::ranges::none_of(kDrafts, [&](std::string_view end) { return architecture.ends_with(end); }))
      return;
    const std::string& verifier = request_.model.verifier;
    Reject({"model", "CheckpointNotSupported",
            architecture + " is a draft for speculative decoding: it is not served without its model" +
                (verifier.empty() ? "" : ", " + verifier)});
  }

  // Classifiers, rerankers, embedding models and those that only transcribe speech: engines serve them by other
  // requests than completions.
  void CheckThatItGeneratesText() {
    static constexpr std::array<std::string_view, 20> kEndings = {"ForSequenceClassification",
                                                                  "ForTokenClassification",
                                                                  "ForAudioClassification",
                                                                  "ForImageClassification",
                                                                  "ForVideoClassification",
                                                                  "ClassificationModel",
                                                                  "ForMaskedLM",
                                                                  "ForQuestionAnswering",
                                                                  "ForRewardModeling",
                                                                  "RewardModel",
                                                                  "ForTextEncoding",
                                                                  "ForEmbedding",
                                                                  "EmbeddingModel",
                                                                  "ForRetrieval",
                                                                  "ForRanking",
                                                                  "ForJointSchema",
                                                                  "HF_ColBERT",
                                                                  "ColQwen3",
                                                                  "ColQwen3_5",
                                                                  "Model"};
    // Names that end in "Model" and are those of generators.
    static constexpr std::array<std::string_view, 9> kGenerators = {
        "LMHeadModel",    "ChatModel",        "AquilaModel",   "ChatGLMModel",   "MiDashengLMModel",
        "MossAudioModel", "Qwen2_5OmniModel", "UltravoxModel", "LlavaLlamaModel"};
    static constexpr std::array<std::string_view, 14> kEncoders = {
        "bert",    "roberta", "xlm-roberta", "xlm-roberta-xl", "camembert",  "distilbert", "albert",
        "electra", "deberta", "deberta-v2",  "mpnet",          "modernbert", "nomic_bert", "gte"};
    const std::string& architecture = request_.model.architecture;
    static constexpr std::array<std::string_view, 6> kSpeech = {"WhisperForConditionalGeneration",
                                                                "CohereAsrForConditionalGeneration",
                                                                "FireRedASR2ForConditionalGeneration",
                                                                "FunASRForConditionalGeneration",
                                                                "MossTranscribeDiarizeForConditionalGeneration",
                                                                "SpeechT5ForSpeechToText"};
    if (std::ranges::find(kSpeech, architecture) != kSpeech.end())
      return Reject(
          {"model", "CheckpointNotSupported", architecture + " transcribes speech: completions cannot be measured"});
    const auto ends_with = [&](std::string_view end) { return architecture.ends_with(end); };
    // Own code may call a generator so; the checkpoint says whether it is one.
    const bool own_generator = request_.model.remote_code && !request_.model.pooling &&
                               architecture.ends_with("Model") &&
                               std::ranges::none_of(std::span(kEndings).first(kEndings.size() - 1), ends_with);
    const bool ends =
        std::ranges::any_of(kEndings, ends_with) && std::ranges::none_of(kGenerators, ends_with) && !own_generator;
    if (!ends && std::ranges::find(kEncoders, request_.model.model_type) == kEncoders.end()) return;
    Reject({"model", "CheckpointNotSupported", architecture + " generates no text: completions cannot be measured"});
  }

  // In another image a plug-in may bring what the release lacks.
  void CheckArchitecture() {
    const ModelRule& rule = table_.model_rule();
    if (rule.trust.empty()) return;
    for (const std::string& flag : rule.unless) {
      if (Final(flag).value_or("auto") != "auto") return;
    }
    WarnOfRemoteCode(rule);
    const std::string& name = request_.model.architecture;
    // The name of a type stands for a class that no file names, as in params.json.
    const bool named = !name.empty() && name != request_.model.config_type;
    if (!rule.documented.empty() && !named && !name.empty())
      return Warn("model", "ArchitectureNotCertain",
                  "no file names the class of the model, of type " + name + ": whether " +
                      Title(table_, request_.release) + " supports it is not known");
    if (!rule.documented.empty() && named) {
      const auto listed = rule.documented.find(name);
      const bool at_all = listed != rule.documented.end();
      if (at_all && (!listed->second || *listed->second <= request_.release.version)) return;
      const std::string title = Title(table_, request_.release);
      return Warn("model", "ArchitectureNotCertain",
                  name + " is " + (at_all ? "listed" : "not listed") + " in the documentation of " +
                      table_.traits().title + (at_all ? " from " + listed->second->ToString() + " on" : "") +
                      ": whether " + title + " supports it is not known");
    }
    ModelTable::Answer answer = table_.models().AnswerFor(request_.release.version, Title(table_, request_.release),
                                                          request_.model, SwitchedOn(rule.trust));
    if (answer.kind == ModelTable::Answer::Kind::kNothing) return;
    if (answer.reason == "RemoteCodeNotTrusted") answer.message += ": " + rule.trust;
    const bool known = request_.release.stock && !request_.release.unknown;
    if (answer.kind == ModelTable::Answer::Kind::kReject && known)
      return Reject({"model", std::move(answer.reason), std::move(answer.message)});
    if (!request_.release.stock) {
      answer.message += "; what the image adds to it is not known";
    } else if (request_.release.unknown) {
      answer.message += "; which release the image contains is not known";
    }
    Warn("model", "ArchitectureNotCertain", std::move(answer.message));
  }

  // Where no release could be read: a configuration with code of its own is read without permission only if its type is
  // known.
  void WarnOfRemoteCode(const ModelRule& rule) {
    const checkpoint::ModelFacts& model = request_.model;
    if (rule.types.empty() || !model.remote_code || SwitchedOn(rule.trust) ||
        std::ranges::find(rule.types, model.config_type) != rule.types.end())
      return;
    Warn("model", "RemoteCodeNotTrusted",
         "config.json names code of the checkpoint's own (auto_map)" +
             (model.config_type.empty() ? "" : " for model type \"" + model.config_type + "\"") + ": without " +
             rule.trust + " " + Title(table_, request_.release) +
             " starts only if it or its transformers library knows the type, which is not known");
  }

  // Without permission transformers takes a class of its own for the tokenizer, and fails if it has none.
  void CheckTokenizer() {
    const ModelRule& rule = table_.model_rule();
    if (!request_.model.remote_tokenizer || rule.trust.empty() || SwitchedOn(rule.trust) || plan_.rejection) return;
    for (const std::string& flag : rule.tokenizer) {
      if (const std::string value = Final(flag).value_or("auto"); value != "auto" && value != "false") return;
    }
    Warn("model", "TokenizerCodeNotTrusted",
         "tokenizer_config.json names tokenizer code of the checkpoint's own (auto_map): without " + rule.trust +
             " the engine starts only if it has a class of its own for this tokenizer, which is not known");
  }

  // The families of all parts, each once, separated by spaces. Those within a part that is "mixed" are in its schemes'
  // words: ModelOpt's and compressed-tensors' ("w4a16_nvfp4", "fp8-channel", "fp4-tensor_group16").
  [[nodiscard]] std::string Formats() const {
    static constexpr std::pair<std::string_view, std::string_view> kWords[] = {
        {"nvfp4", "nvfp4"},     {"fp4-tensor_group16", "nvfp4"},
        {"mxfp4", "mxfp4"},     {"fp4-group32", "mxfp4"},
        {"mxfp8", "mxfp8"},     {"fp8-group32", "mxfp8"},
        {"w4a8", "w4a8"},       {"w4a16", "int4-wna16"},
        {"int4", "int4-wna16"}, {"fp8", "fp8"}};
    const checkpoint::ModelFacts& model = request_.model;
    std::vector<std::string> all;
    const auto add = [&](std::string_view format) {
      const bool says = !format.empty() && format != "none" && format != "mixed";
      if (says && std::ranges::find(all, format) == all.end()) all.emplace_back(format);
    };
    for (const std::string& format : {model.family, model.linear_format, model.expert_format}) add(format);
    for (const std::string& scheme : model.schemes) {
      for (const auto& [part, format] :
           {std::pair{"linear ", model.linear_format}, {"experts ", model.expert_format}}) {
        if (format != "mixed" || !scheme.starts_with(part)) continue;
        std::string_view weights = std::string_view(scheme).substr(std::string_view(part).size());
        weights = weights.substr(0, weights.find(' '));
        const auto row = std::ranges::find_if(
            kWords, [&](const auto& word) { return weights.find(word.first) != std::string_view::npos; });
        if (row != std::end(kWords)) add(row->second);
      }
    }
    std::string text;
    for (const std::string& format : all) text += (text.empty() ? "" : " ") + format;
    return text.empty() ? model.family : text;
  }

  // A file that was read names the class, the heads or the layers.
  [[nodiscard]] bool AttentionIsKnown() const {
    const checkpoint::ModelFacts& model = request_.model;
    return !model.architecture.empty() || !model.model_type.empty() || model.attention_heads || model.layers;
  }

  // The rules were made for the AMD GPUs of the catalogue; those for "amd" apply to the others too.
  void CheckAmdGpu() {
    const std::string& architecture = request_.amd_architecture;
    if (architecture.empty() || gpu::IsKnownAmdArchitecture(architecture)) return;
    const std::string which = architecture == "gfx" ? "the architecture of this AMD GPU is" : architecture + " is";
    Warn("gpu", "CapabilityNotChecked", which + " not known: what the engine's kernels require of it is not checked");
  }

  // Released kernels: another image may have been built for older GPUs.
  void CheckGpuFloor() {
    const std::optional<ComputeCapability> least = table_.LeastGpu(request_.release.version);
    if (!least || !request_.gpu || *request_.gpu >= *least) return;
    const std::string why = "the kernels of " + Title(table_, request_.release) + " are built for compute capability " +
                            least->ToString() + " and later, the GPU has " + request_.gpu->ToString();
    if (request_.release.stock && !request_.release.unknown) return Reject({"gpu", "CapabilityTooLow", why});
    Warn("gpu", "CapabilityTooLow", why + "; what this image was built for is not known");
  }

  void Reject(Rejection rejection) {
    if (!plan_.rejection) plan_.rejection = std::move(rejection);
  }
  void Warn(std::string field, std::string reason, std::string message) {
    Warning warning{std::move(field), std::move(reason), std::move(message)};
    if (std::ranges::find(plan_.warnings, warning) == plan_.warnings.end())
      plan_.warnings.push_back(std::move(warning));
  }

  // A rule needs a size that the checkpoint's files do not say.
  void NotKnown(std::string field, const std::string& what, const std::string& so) {
    Warn(std::move(field), "ModelSizeNotKnown", what + " is not known: " + so + " was not checked");
  }

  // A minimum that the final arguments have; below it the plan is rejected, above or unknown it is remembered.
  void NeedCapability(const ComputeCapability& needed, const std::string& field, const std::string& why) {
    if (!request_.amd_architecture.empty())
      return Warn(field, "CapabilityNotChecked",
                  why + " requires compute capability " + needed.ToString() + " on NVIDIA GPUs; what it requires on " +
                      request_.amd_architecture + " is not known");
    if (!plan_.min_capability || *plan_.min_capability < needed) plan_.min_capability = needed;
    if (!request_.gpu || *request_.gpu >= needed) return;
    Reject({field, "CapabilityTooLow",
            why + " requires compute capability " + needed.ToString() + ", the GPU has " + request_.gpu->ToString()});
  }

  // A method of the checkpoint that the release's registry lacks is rejected after the configuration was read.
  [[nodiscard]] bool MethodKnown() const {
    const std::optional<FlagUse> use = table_.Find(table_.quantization_flag(), request_.release.version);
    return !request_.model.quantized() || !use ||
           table_.StandingOf(*use, request_.model.quantization, request_.release.version) != Standing::kRefused;
  }

  // "" where the form is the usual one.
  static std::string WhereKvIsDeclared(const std::string& form) {
    if (form == "text") return " (config.json: kv_cache_scheme as a text)";
    if (form == "algorithm") return " (config.json: kv_cache_quant_algo)";
    if (form == "beside") return " (only in hf_quant_config.json, next to a quantization_config in config.json)";
    return "";
  }

  void SayWhatKvIsNotFollowed() {
    const checkpoint::ModelFacts& model = request_.model;
    const bool asked = Final(table_.memory().kv_cache).value_or("auto") != "auto";
    if (model.kv_cache == "none" || asked || CheckpointKv() != "none") return;
    const ChoiceRule* choice = ChoiceOf(table_.memory().kv_cache);
    if (choice != nullptr && choice->is.starts_with(model.kv_cache)) return;
    Warn("kvcacheDtype", "DeclaredKvNotFollowed",
         "the checkpoint declares a KV cache in " + model.kv_cache + WhereKvIsDeclared(model.kv_form) + ", which " +
             table_.traits().title + " does not follow for " + model.quantization +
             (model.sparse_attention() ? " with sparse attention" : "") + ": set kvcacheDtype to use it");
  }

  // Only for a known GPU: what an engine makes of a model's dtype depends on it.
  [[nodiscard]] bool SaysTheDtypeInVain() const {
    const bool gpu_known = request_.gpu || !request_.amd_architecture.empty();
    const std::optional<std::string> asked = settings_.Text(table_.dtype_flag());
    return gpu_known && asked && NormalDtype(*asked) == table_.DtypeOf(request_.model.dtype, *this);
  }

  void Overwrite(const OverwriteRule& rule, Settings& distinct) {
    if (!rule.Holds(request_.release.version, *this)) return;
    const std::optional<std::string> asked = Final(rule.flag);
    if (asked && std::ranges::find(rule.keeps, *asked) != rule.keeps.end()) return;
    std::string becomes = rule.is;
    if (!rule.of.empty()) {
      const std::optional<std::int64_t> base = FlagValue::Tokens(Final(rule.of).value_or(""));
      if (!base) return;
      becomes = std::to_string(*base + rule.plus);
    }
    if (becomes.empty()) {
      distinct.Remove(rule.flag);
    } else {
      distinct.Replace(rule.flag, FlagValue::Text(becomes));
    }
    if (!becomes.empty() && rule.flag == table_.scheduler().draft)
      plan_.shape.draft_tokens = static_cast<int>(FlagValue::Tokens(becomes).value_or(0));
    if (!asked || *asked == becomes) return;
    const std::string field = extra_.contains(rule.flag) ? "runtimes[].args" : FieldOfFlag(rule.flag);
    const std::string effect = becomes.empty() ? " has no effect" : " is " + becomes + ", and not " + *asked;
    Warn(field, "ValueOverwritten", FillIn(rule.message, *this) + ": " + rule.flag + effect);
  }

  // The KV cache of "auto": a declaration that the engine's loader does not hand on changes nothing.
  [[nodiscard]] std::string CheckpointKv() const {
    const checkpoint::ModelFacts& model = request_.model;
    const bool plain =
        std::ranges::none_of(model.schemes, [](const std::string& scheme) { return scheme.starts_with("kv "); });
    return table_.FollowsDeclaredKv(model.quantization, model.kv_cache, plain, request_.release.version, *this)
               ? model.kv_cache
               : "none";
  }

  // What the rules go by where no file says it; the facts carry a note then.
  [[nodiscard]] const std::string& ModelDtype() const {
    return request_.model.dtype.empty() ? EngineTable::UsualDtype() : request_.model.dtype;
  }

  void MapField(Field field) {
    const std::string& value = request_.quant.Get(field);
    Verdict verdict{field, value, VerdictKind::kReject, "UnknownValue", "", "rules"};
    for (const Alternative& alternative : table_.Cell(field, value)) {
      if (!alternative.range.Contains(request_.release.version) || !alternative.guard.Holds(*this)) continue;
      verdict.kind = alternative.verdict;
      verdict.reason = alternative.reason;
      verdict.message = FillIn(alternative.message, *this);
      verdict.source = alternative.source;
      Carry(alternative, verdict);
      if (verdict.kind == VerdictKind::kAlreadySo) SayWhatDecidesInstead(verdict);
      plan_.verdicts.push_back(std::move(verdict));
      return;
    }
    verdict.message = "\"" + value + "\" is not a value of " + std::string(FieldName(field));
    Reject({std::string(FieldName(field)), verdict.reason, verdict.message});
    plan_.verdicts.push_back(std::move(verdict));
  }

  void Carry(const Alternative& alternative, const Verdict& verdict) {
    const std::string field(FieldName(verdict.field));
    switch (verdict.kind) {
      case VerdictKind::kMap:
        for (const auto& [name, value] : alternative.set) {
          if (settings_.Map(name, value, verdict.field)) continue;
          Reject({field, "UnknownFlag", Title(table_, request_.release) + " has no flag " + name});
        }
        plan_.env.insert(alternative.env.begin(), alternative.env.end());
        break;
      case VerdictKind::kAlreadySo:
        break;
      case VerdictKind::kWarn:
        Warn(field, verdict.reason, verdict.message);
        break;
      case VerdictKind::kNeedsCheckpoint:
        if (!alternative.satisfied) Reject({field, verdict.reason, verdict.message});
        break;
      case VerdictKind::kReject:
        Reject({field, verdict.reason, verdict.message});
        break;
    }
    if (alternative.certain && request_.release.version < *alternative.certain)
      Warn(field, "ReleaseNotRecorded",
           "that " + Title(table_, request_.release) +
               " supports this is inferred from release dates; it is confirmed from " +
               alternative.certain->ToString());
    if (!alternative.warn_reason.empty()) Warn(field, alternative.warn_reason, FillIn(alternative.warn_message, *this));
    if (alternative.gpu) NeedCapability(*alternative.gpu, field, field + " " + verdict.value);
  }

  // "The KV cache holds bfloat16" is not true where the user's own flag asks for another one.
  void SayWhatDecidesInstead(Verdict& verdict) const {
    static const std::string kNoFlag;
    // Of a quantized checkpoint the rules say what experts are computed in; the flag names its method.
    const checkpoint::ModelFacts& model = request_.model;
    const bool unknown = !AttentionIsKnown();
    const bool of_experts = verdict.field == Field::kMoe && verdict.value == "auto" && model.experts != 0 &&
                            (unknown || !model.quantized());
    const std::string& flag = verdict.field == Field::kKvCache              ? table_.memory().kv_cache
                              : verdict.field == Field::kGemm || of_experts ? table_.quantization_flag()
                                                                            : kNoFlag;
    if (flag.empty()) return;
    const Setting* setting = settings_.Find(flag);
    const bool asks = setting != nullptr && setting->by_user();
    const std::string value = asks ? Final(flag).value_or("auto") : "auto";
    if (value == "auto") {
      if (verdict.field == Field::kGemm && verdict.value == "auto") SayWhichDtypeDecides(verdict);
      return;
    }
    verdict.reason = "SetByParameter";
    verdict.source = "parameters";
    verdict.message = "parameters." + setting->spelling + " decides: " + value;
    if (verdict.field == Field::kKvCache) return;
    // Methods such as mxfp4 are of experts alone.
    if (unknown) {
      verdict.message += of_experts ? ", if the method quantizes experts" : ", if the method quantizes linear layers";
    } else if (model.quantized() && model.linear_format == "none") {
      verdict.message =
          "parameters." + setting->spelling + " is " + value + "; the checkpoint's linear layers are not quantized";
    }
  }

  // "As the checkpoint declares" is not what --dtype, or a GPU without bfloat16, makes of it.
  void SayWhichDtypeDecides(Verdict& verdict) const {
    const Setting* setting = settings_.Find(table_.dtype_flag());
    const std::string asked = Final(table_.dtype_flag()).value_or("auto");
    const std::string dtype = Text(Subject::kDtype, "").value_or("");
    if (setting != nullptr && setting->by_user() && asked != "auto") {
      verdict.reason = "SetByParameter";
      verdict.source = "parameters";
      const std::string decides = "parameters." + setting->spelling + " decides";
      verdict.message = request_.model.quantized()
                            ? verdict.message + "; " + decides + " the dtype of the rest: " + dtype
                            : decides + ": " + dtype;
    } else if (!request_.model.quantized() && !dtype.empty() && dtype != NormalDtype(ModelDtype())) {
      const std::string& declared = request_.model.dtype;
      verdict.message =
          "weights are computed in " + dtype + (declared.empty() ? "" : ", not in the checkpoint's " + declared);
    }
  }

  // What a message about these flags is about: the user's own words first, then the field that was mapped to them.
  std::string FieldOfBlame(const std::vector<std::string>& blame, std::optional<Field>& mapped) const {
    for (const std::string& name : blame) {
      const Setting* setting = settings_.Find(name);
      if (setting != nullptr && setting->by_user()) return "parameters." + setting->spelling;
    }
    for (const std::string& name : blame) {
      const Setting* setting = settings_.Find(name);
      if (setting == nullptr || !setting->field) continue;
      mapped = setting->field;
      return std::string(FieldName(*setting->field));
    }
    for (const std::string& name : blame) {
      if (name == "model" || name == "gpu") return name;
      if (extra_.contains(name)) return "runtimes[].args";
      if (const Setting* setting = settings_.Find(name)) return FieldOfParallel(setting->use.flag->name);
    }
    const bool chosen = std::ranges::any_of(blame, [&](const auto& name) { return ChoiceOf(name) != nullptr; });
    if (chosen && choosing_) return "model";
    return blame.front() == "model" || blame.front() == "gpu" ? blame.front() : "parameters." + blame.front();
  }

  std::string FieldOfParallel(const std::string& flag) const {
    static constexpr std::pair<std::string_view, std::string_view> kSizes[] = {
        {"tensor", "parallelConfig.tensorParallel"},
        {"pipeline", "parallelConfig.pipelineParallel"},
        {"data", "parallelConfig.dataParallel"},
        {"expert", "parallelConfig.expertParallel"}};
    for (const auto& [size, path] : kSizes) {
      const ParallelRule* rule = table_.Parallel(size);
      if (rule != nullptr && rule->flag == flag) return std::string(path);
    }
    return "parameters." + flag;
  }

  // The field of a flag as it stands: the user's parameter or the parallel size that set it.
  [[nodiscard]] std::string FieldOfFlag(const std::string& flag) const {
    const Setting* setting = settings_.Find(flag);
    if (setting != nullptr && setting->by_user()) return "parameters." + setting->spelling;
    return FieldOfParallel(flag);
  }

  // What the engine chooses for a flag that nobody set; null = a flag that is set, or nothing is known.
  [[nodiscard]] const ChoiceRule* ChoiceOf(const std::string& flag) const {
    if (Final(flag).value_or("auto") != "auto") return nullptr;
    const auto holds = [&](const ChoiceRule& rule) {
      return rule.flag == flag && rule.Holds(request_.release.version, *this);
    };
    const bool before = std::exchange(choosing_, false);  // a choice depends on what was set, not on other choices
    const auto found = std::ranges::find_if(table_.choices(), holds);
    choosing_ = before;
    return found == table_.choices().end() ? nullptr : &*found;
  }

  // "; the checkpoint declares this KV cache": why a rule is about flags that nobody set.
  [[nodiscard]] std::string WhyChosen(const Rule& rule) const {
    std::string why;
    for (const Condition& condition : rule.guard.when) {
      const bool flag = condition.subject == Subject::kFlag;
      if (const ChoiceRule* choice = flag ? ChoiceOf(condition.flag) : nullptr) why += "; " + choice->message;
    }
    return why;
  }

  void Apply(const Rule& rule) {
    const Version& version = request_.release.version;
    const bool perhaps = rule.certain && *rule.range.until <= version && version < *rule.certain;
    if ((!perhaps && !rule.range.Contains(version)) || !rule.guard.Holds(*this)) return;
    std::optional<Field> mapped;
    const std::string field = FieldOfBlame(rule.blame, mapped);
    if (perhaps)
      return Warn(field, "ReleaseNotRecorded",
                  "that " + Title(table_, request_.release) +
                      " accepts this is inferred from release dates; it is confirmed from " + rule.certain->ToString());
    const std::string what = FillIn(rule.message, *this);
    const std::string message = what + WhyChosen(rule);
    switch (rule.action) {
      case Action::kAdjust:
        for (const auto& [name, value] : rule.set) {
          const Setting* current = settings_.Find(name);
          settings_.Map(name, value, current == nullptr ? mapped : current->field);
        }
        Warn(field, rule.reason, message);
        break;
      case Action::kReject:
        if (mapped && !plan_.rejection) {
          Verdict& verdict = plan_.verdicts[static_cast<std::size_t>(*mapped)];
          verdict = {*mapped, verdict.value, VerdictKind::kReject, rule.reason, message, rule.source};
        }
        Reject({field, rule.reason, message});
        break;
      case Action::kWarn:
        Warn(field, rule.reason, message);
        break;
      case Action::kRequire:
        NeedCapability(*rule.gpu, field, what);
        break;
      case Action::kAccept:
        break;
    }
  }

  void ApplySchemes() {
    for (const std::string& scheme : request_.model.schemes) {
      if (scheme.starts_with("mtp ")) continue;  // loaded for speculative decoding alone
      AskAbout(scheme);
      ApplyFirst(table_.schemes());
    }
    scheme_ = {};
  }

  void AskAbout(std::string_view scheme) {
    for (std::optional<std::string>& word : scheme_) {
      const std::size_t end = std::min(scheme.find(' '), scheme.size());
      word = std::string(scheme.substr(0, end));
      scheme.remove_prefix(std::min(end + 1, scheme.size()));
    }
  }

  // The one of linear layers, where they have but one.
  void AskAboutLinearLayers() {
    const std::vector<std::string>& schemes = request_.model.schemes;
    const auto linear = [](const std::string& scheme) { return scheme.starts_with("linear "); };
    if (std::ranges::count_if(schemes, linear) == 1) AskAbout(*std::ranges::find_if(schemes, linear));
  }

  void ApplyTensors() {
    for (const std::string& tensor : request_.model.tensors) {
      tensor_ = tensor;
      ApplyFirst(table_.tensors());
    }
    tensor_.reset();
  }

  void ApplyFirst(const std::vector<Rule>& rules) {
    for (const Rule& rule : rules) {
      if (!rule.range.Contains(request_.release.version) || !rule.guard.Holds(*this)) continue;
      if (rule.action == Action::kAccept) return;
      Apply(rule);
      if (rule.action != Action::kRequire) return;
    }
  }

  [[nodiscard]] std::string IgnoredModules() const {
    std::string names;
    for (const std::string& module : request_.model.ignored_modules)
      names.append(names.empty() ? "" : " ").append(module);
    return names;
  }

  struct Size {
    std::string_view name;
    std::optional<int> value;
  };
  [[nodiscard]] std::array<Size, 4> Sizes() const {
    return {{{"tensor", request_.parallel.tensor},
             {"pipeline", request_.parallel.pipeline},
             {"data", request_.parallel.data},
             {"expert", request_.parallel.expert}}};
  }

  void MapParallelSizes() {
    for (const Size& size : Sizes()) {
      if (!size.value) continue;
      const std::string field = "parallelConfig." + std::string(size.name) + "Parallel";
      if (*size.value < 1 || *size.value > kLargestSize) {
        Reject({field, "InvalidParallelSize",
                std::to_string(*size.value) + " is not between 1 and " + std::to_string(kLargestSize)});
        continue;
      }
      const ParallelRule* rule = table_.Parallel(size.name);
      if (rule == nullptr) {
        if (*size.value > 1)
          Reject({field, "ParallelismNotSupported",
                  table_.traits().title + " has no setting for this size; it runs one replica per pod"});
        continue;
      }
      // Engines take 1 as the default: leaving it out makes equal settings equal arguments.
      if (*size.value == 1) continue;
      const FlagValue value = rule->as_switch ? FlagValue::Bool(true) : FlagValue::Number(std::to_string(*size.value));
      if (!settings_.Map(rule->flag, value, std::nullopt))
        Reject({field, "ParallelismNotSupported", Title(table_, request_.release) + " has no flag " + rule->flag});
    }
  }

  [[nodiscard]] int Product(const std::vector<std::string>& flags) const {
    int product = 1;
    for (const std::string& flag : flags) product = std::min(product * SizeNow(flag), kLargestSize);
    return product;
  }

  // Extra arguments come last on the command line, so they decide.
  [[nodiscard]] int SizeNow(const std::string& flag) const {
    const auto extra = extra_.find(flag);
    if (extra != extra_.end()) return SizeOf(extra->second).value_or(1);
    return SizeOf(settings_.Text(flag)).value_or(1);
  }

  [[nodiscard]] bool SwitchedOn(const std::string& flag) const {
    if (flag.empty()) return false;
    const auto extra = extra_.find(flag);
    if (extra != extra_.end()) return extra->second == "true";
    return settings_.Text(flag) == "true";
  }

  void CheckParallelSizes() {
    const ParallelRule* rule = table_.Parallel("expert");
    if (rule == nullptr) return;
    const bool asked = request_.parallel.expert && *request_.parallel.expert > 1;
    int size = asked ? *request_.parallel.expert : 1;
    const Setting* setting = settings_.Find(rule->flag);
    if (!rule->as_switch && setting != nullptr) size = SizeNow(rule->flag);
    if (setting == nullptr || size <= 1) return;
    const std::string field = FieldOfFlag(rule->flag);
    const checkpoint::Size& experts = request_.model.experts;
    if (experts == 0)
      return Reject(
          {field, "ModelHasNoExperts", "expert parallelism requires a model with experts, this one is dense"});
    if (!rule->equals.empty() && asked && !setting->by_user() && size != Product(rule->equals))
      return Reject({field, "ExpertParallelSizeFollows",
                     "the size of expert parallelism in " + table_.traits().title +
                         " follows from the other sizes and is " + std::to_string(Product(rule->equals)) +
                         " here, not " + std::to_string(size)});
    if (!rule->divides.empty() && Product(rule->divides) % size != 0)
      return Reject({field, "ExpertParallelSizeDoesNotDivide",
                     std::to_string(size) + " does not divide the tensor parallel size " +
                         std::to_string(Product(rule->divides))});
    if (!experts) return NotKnown(field, "the number of experts", "whether " + std::to_string(size) + " divides it");
    if (rule->divides_experts && *experts % size != 0)
      Reject({field, "ExpertParallelSizeDoesNotDivide",
              std::to_string(size) + " does not divide the model's " + std::to_string(*experts) + " experts"});
  }

  // runtimes[].args are passed on as they are; they are read for what they mean to the parameters beside them, and to
  // the pod's size and reachability.
  [[nodiscard]] std::string ApartFromCache() const {
    const Settings rest = settings_.Without(table_.cache_flags());
    const nlohmann::json apart = {rest.Arguments(), rest.OptionsYaml(), request_.extra_args, plan_.env};
    return base::Sha256Hex(apart.dump()).substr(0, 16);
  }

  void ReadExtraArguments() {
    const std::vector<std::string>& args = request_.extra_args;
    for (std::size_t i = 0; i < args.size(); ++i) {
      const std::string& arg = args[i];
      if (!arg.starts_with('-') || FlagValue::IsNumber(arg)) continue;
      const std::size_t equals = arg.find('=');
      const std::string spelling = arg.substr(0, equals);
      const std::optional<FlagUse> use = table_.FindCompleted(spelling, request_.release.version);
      if (!use) {
        WarnOfUnknownArgument(spelling);
        continue;
      }
      const std::string& name = use->flag->name;
      extra_spellings_.emplace_back(spelling, name);
      if (use->shape->type == ValueType::kSwitch) {
        extra_[name] = use->negated ? "false" : "true";
      } else if (equals != std::string::npos) {
        extra_[name] = arg.substr(equals + 1);
      } else if (i + 1 < args.size()) {
        extra_[name] = args[++i];
      }
    }
  }

  // Only where the catalogue is a recorded parser's: a table written by hand may lack a flag.
  void WarnOfUnknownArgument(const std::string& spelling) {
    const Version& version = request_.release.version;
    if (!spelling.starts_with("--") || spelling.size() < 3 || spelling.find('.') != std::string::npos ||
        table_.has_options_file() || !table_.CompletionsOf(spelling, version).empty())
      return;
    const std::string hint = table_.Hint(spelling, version);
    Warn("runtimes[].args", "UnknownArgument",
         Title(table_, request_.release) + " has no flag " + spelling + (hint.empty() ? "" : "; " + hint));
  }

  void CheckExtraArguments() {
    for (const auto& [spelling, name] : extra_spellings_) {
      if (table_.Reserved(name)) {
        Reject({"runtimes[].args", "ReservedFlag", spelling + ": " + table_.WhyReserved(name)});
      } else if (settings_.Find(name) != nullptr) {
        Warn("runtimes[].args", "ArgumentsOverride", spelling + " comes after the tuned " + name + " and replaces it");
      }
    }
  }

  [[nodiscard]] int AttentionShare() const {
    return table_.attention_data_flag().empty() ? 1 : SizeNow(table_.attention_data_flag());
  }

  [[nodiscard]] std::int64_t WindowKvHeads() const {
    if (!request_.model.caches) return 0;
    const auto found = std::ranges::find_if(*request_.model.caches,
                                            [](const checkpoint::KvCacheGroup& group) { return group.window > 0; });
    return found == request_.model.caches->end() ? 0 : found->kv_heads;
  }

  // GPUs that split the attention heads.
  [[nodiscard]] int AttentionParts() const {
    const int tensor = SizeNow(table_.tensor_flag());
    if (const int share = AttentionShare(); share > 1 && tensor % share == 0) return tensor / share;
    if (!SwitchedOn(table_.attention_data_switch()) || table_.data_flag().empty()) return tensor;
    const int data = SizeNow(table_.data_flag());
    return tensor % data == 0 ? tensor / data : tensor;
  }

  void CountGpus() {
    std::int64_t gpus = 1;
    for (const GpuFactor& factor : table_.gpu_factors()) {
      if (SwitchedOn(factor.unless)) continue;
      gpus = std::min<std::int64_t>(gpus * SizeNow(factor.flag), std::numeric_limits<int>::max());
    }
    plan_.gpus = static_cast<int>(gpus);
    if (request_.gpu_shared && gpus > 1)
      Reject(
          {"gpu", "GpuIsShared",
           std::to_string(gpus) + " shares of GPUs can be of one card: engines need as many cards as they use GPUs"});
  }

  void CheckShares() {
    const checkpoint::ModelFacts& model = request_.model;
    const int tensor = SizeNow(table_.tensor_flag());
    if (SwitchedOn(table_.attention_data_switch()) && !table_.data_flag().empty()) {
      const int data = SizeNow(table_.data_flag());
      if (tensor % data != 0)
        return Reject({FieldOfFlag(table_.data_flag()), "DataParallelDoesNotDivide",
                       "with data-parallel attention the size " + std::to_string(data) +
                           " must divide the tensor parallel size " + std::to_string(tensor)});
    }
    const Shares shares{tensor, AttentionParts(), ExpertParts(tensor), FieldOfFlag(table_.tensor_flag())};
    AskAboutLinearLayers();
    ShardingFindings findings = CheckSharding(model, shares, table_, request_.release.version, *this);
    scheme_ = {};
    for (const NotKnownSize& size : findings.not_known) NotKnown(size.field, size.what, size.so);
    if (findings.rejection) Reject(*std::move(findings.rejection));
    if (!findings.heads_fit) return;
    if (table_.pipeline_flag().empty()) return;
    const int pipeline = SizeNow(table_.pipeline_flag());
    if (model.layers && pipeline > *model.layers)
      Reject({FieldOfFlag(table_.pipeline_flag()), "PipelineLongerThanModel",
              std::to_string(*model.layers) + " layers cannot be split into " + std::to_string(pipeline) + " stages"});
  }

  // GPUs that split one expert.
  [[nodiscard]] int ExpertParts(int tensor) const {
    const ParallelRule* expert = table_.Parallel("expert");
    if (expert == nullptr) return tensor;
    if (expert->as_switch) return SwitchedOn(expert->flag) ? 1 : Product(expert->equals);
    const int size = SizeNow(expert->flag);
    return tensor % size == 0 ? tensor / size : tensor;
  }

  // The text of a flag as the engine will read it: extra arguments come last and decide.
  [[nodiscard]] std::optional<std::string> Final(const std::string& flag) const {
    if (flag.empty()) return std::nullopt;
    if (const auto extra = extra_.find(flag); extra != extra_.end()) return extra->second;
    return settings_.Text(flag);
  }

  [[nodiscard]] std::int64_t Tokens(const std::string& flag, std::int64_t otherwise) const {
    return FlagValue::Tokens(Final(flag).value_or("")).value_or(otherwise);
  }

  [[nodiscard]] MemoryInput LeastMemoryInput(const MemoryRule& rule) const {
    MemoryInput input;
    input.tensor = SizeNow(table_.tensor_flag());
    if (!table_.pipeline_flag().empty()) input.pipeline = SizeNow(table_.pipeline_flag());
    if (!table_.data_flag().empty()) input.data = SizeNow(table_.data_flag());
    input.attention_parts = input.tensor;
    if (SwitchedOn(table_.attention_data_switch())) input.attention_parts = std::max(1, input.tensor / input.data);
    if (const int share = AttentionShare(); share > 1) input.attention_parts = std::max(1, input.tensor / share);
    input.context_parts = Product(rule.shares_context);
    input.experts_over_data = rule.experts_over_data;
    input.dtype_bytes = Text(Subject::kDtype, "") == "float32" ? 4 : 2;
    if (const std::optional<std::string> method = Final(table_.quantization_flag()); method && *method != "unquant") {
      // What the table does not name shrinks to 4 bits at best.
      const auto known = rule.bits.find(*method);
      input.quantized_bits = known == rule.bits.end() ? 4 : known->second;
    }
    const double model_kv = KvElementBytes(CheckpointKv(), input.dtype_bytes);
    const ChoiceRule* choice = ChoiceOf(rule.kv_cache);
    input.kv_element_bytes =
        KvElementBytes(choice != nullptr ? choice->is : Final(rule.kv_cache).value_or("auto"), model_kv);
    const auto chosen_by = [&](const std::string& flag) {
      const std::string value = Final(flag).value_or("auto");
      return value != "auto" && value != "false";
    };
    if (std::ranges::any_of(rule.index_cache, chosen_by)) input.index_bits = 4;
    // A context that the engine chooses itself, "auto" or -1, fits by construction.
    const bool chosen = Final(rule.context).value_or("") == "auto" || Final(rule.context).value_or("").starts_with('-');
    if (rule.whole_sequence && !chosen) input.kv_tokens = Tokens(rule.context, request_.model.max_position.value_or(0));
    input.batch_tokens = Tokens(rule.batch, rule.smallest_batch);
    return input;
  }

  // The share of a GPU that the engine may use; nullopt = not known, all of it.
  [[nodiscard]] std::optional<double> MemoryShare() const {
    const MemoryRule& rule = table_.memory();
    if (rule.fraction.empty()) return std::nullopt;
    std::optional<double> share;
    for (const MemoryRule::Share& by_default : rule.shares) {
      if (by_default.range.Contains(request_.release.version)) share = by_default.value;
    }
    if (const std::optional<std::string> asked = Final(rule.fraction)) {
      if (const auto number = NumberOf(*asked)) share = number;
    }
    return share;
  }

  // Its own context does not hold the longest request.
  void CheckContext() {
    const std::string& flag = table_.memory().context;
    const auto tokens = FlagValue::Tokens(Final(flag).value_or(""));
    if (!tokens || *tokens >= request_.longest_request) return;
    Reject({extra_.contains(flag) ? "runtimes[].args" : FieldOfFlag(flag), "ContextTooShort",
            flag + " is " + *Final(flag) + ": too short for requests of up to " +
                std::to_string(request_.longest_request) + " tokens (benchmark.scenarios)"});
  }

  void FillShape() {
    const SchedulerRule& scheduler = table_.scheduler();
    const MemoryRule& memory = table_.memory();
    const MemoryInput input = LeastMemoryInput(memory);
    const auto count = [&](const std::string& flag) {
      const std::int64_t value = Tokens(flag, 0);
      return static_cast<int>(std::clamp<std::int64_t>(value, 0, std::numeric_limits<int>::max()));
    };
    LaunchShape& shape = plan_.shape;
    shape.tensor = input.tensor;
    shape.pipeline = input.pipeline;
    shape.data = input.data;
    if (const ParallelRule* expert = table_.Parallel("expert"); expert != nullptr) {
      shape.expert =
          expert->as_switch ? (SwitchedOn(expert->flag) ? Product(expert->equals) : 1) : SizeNow(expert->flag);
    }
    shape.max_sequences = count(scheduler.sequences);
    shape.batched_tokens = count(memory.batch);
    shape.draft_tokens = count(scheduler.draft);
    shape.eager = SwitchedOn(scheduler.eager);
    shape.memory_share = MemoryShare().value_or(0);
    shape.weight_bits = input.quantized_bits;
    shape.kv_element_bytes = input.kv_element_bytes;
  }

  // What one GPU needs at least must fit; what is close is left to the engine.
  void CheckMemory() {
    // Without any size of the weights nothing is known not to fit; the facts carry a note.
    const double weights = LeastWeightBytes(request_.model);
    if (!(weights > 0) || request_.gpu_memory_bytes <= 0) return;
    const MemoryRule& rule = table_.memory();
    for (const std::string& flag : rule.unless) {
      if (const std::optional<std::string> value = Final(flag); value && *value != "0") return;
    }
    const MemoryInput input = LeastMemoryInput(rule);
    const MemoryNeed need = LeastMemory(request_.model, input);
    const auto memory = static_cast<double>(request_.gpu_memory_bytes);
    const double share = MemoryShare().value_or(1);
    std::string of_share;
    if (share < 1) {
      const std::string text = FlagValue::CanonicalNumber(nlohmann::json(share).dump());
      of_share = " x " + text + " (" + rule.fraction + ") = " + Gigabytes(memory * share);
    }
    std::string split;
    if (plan_.gpus > 1) split = " (weights of " + Gigabytes(weights) + " on " + std::to_string(plan_.gpus) + " GPUs)";
    const std::string of_weights =
        std::string(" of weights") + (request_.model.weight_bytes ? "" : " (from the model's dimensions)");
    const std::string at_most = request_.gpu_memory_bound ? "at most " : "";
    const std::string shared = request_.gpu_memory_bound ? ", which the CPU shares" : "";
    const double in_share = need.total() - (rule.activations_in_share ? 0 : need.activations);
    if (in_share <= memory * share && need.total() <= memory)
      return CheckLoading(input, of_weights, split, "; it has " + at_most + Gigabytes(memory) + shared);
    constexpr double kShown = 5e7;  // less reads as 0.0 GB
    std::string parts = Gigabytes(need.weights) + of_weights;
    if (need.kv_cache >= kShown)
      parts += " + " + Gigabytes(need.kv_cache) + " of KV cache for one sequence of " +
               std::to_string(input.kv_tokens) + " tokens";
    if (need.activations >= kShown) parts += " + " + Gigabytes(need.activations) + " of activations";
    Reject({"model", "ModelDoesNotFit",
            "each GPU must hold at least " + parts + " = " + Gigabytes(need.total()) + split + "; it has " + at_most +
                Gigabytes(memory) + of_share + shared});
  }

  // Online quantization that begins when all weights are loaded: until then they are as large as without it.
  void CheckLoading(MemoryInput input, const std::string& of_weights, const std::string& split,
                    const std::string& it_has) {
    if (input.quantized_bits == 0 || request_.model.quantized()) return;
    const std::vector<GuardedRule>& rules = table_.memory().loaded_whole;
    const Version& version = request_.release.version;
    const auto rule =
        std::ranges::find_if(rules, [&](const GuardedRule& loaded) { return loaded.Holds(version, *this); });
    if (rule == rules.end()) return;
    input.quantized_bits = 0;
    const double weights = LeastMemory(request_.model, input).weights;
    if (weights <= static_cast<double>(request_.gpu_memory_bytes)) return;
    const std::string method = Final(table_.quantization_flag()).value_or("");
    std::string message = "each GPU must hold at least " + Gigabytes(weights) + of_weights + split + it_has + "; " +
                          Title(table_, request_.release) + " quantizes to " + method +
                          " when it has loaded all weights in " + Text(Subject::kDtype, "").value_or("16 bits");
    if (rule->range.until) message += "; from " + rule->range.until->ToString() + " on it quantizes them while loading";
    Reject({"model", "ModelDoesNotFit", message});
  }

  const EngineTable& table_;
  const LaunchRequest& request_;
  Settings settings_;
  std::array<std::optional<std::string>, 4>
      scheme_;                         // the one that rules are asked about: part, weights, inputs, packing
  std::optional<std::string> tensor_;  // the same
  std::map<std::string, std::string> extra_;
  std::vector<std::pair<std::string, std::string>> extra_spellings_;  // as written, and the flag's name
  mutable bool choosing_ = false;  // flags that are not set have the values that the engine chooses
  LaunchPlan plan_;
};

std::string Replace(std::string text, std::string_view placeholder, const std::string& value) {
  for (std::size_t at = text.find(placeholder); at != std::string::npos; at = text.find(placeholder, at + value.size()))
    text.replace(at, placeholder.size(), value);
  return text;
}

}  // namespace

std::string_view VerdictKindName(VerdictKind kind) {
  switch (kind) {
    case VerdictKind::kMap:
      return "map";
    case VerdictKind::kAlreadySo:
      return "already-so";
    case VerdictKind::kWarn:
      return "warn";
    case VerdictKind::kNeedsCheckpoint:
      return "needs-checkpoint";
    case VerdictKind::kReject:
      return "reject";
  }
  return "";
}

LaunchPlan PlanLaunch(const RuleSet& rules, const LaunchRequest& request) {
  const EngineTable* table = rules.Find(request.release.engine);
  if (table == nullptr) {
    LaunchPlan plan;
    plan.rejection = {"runtime", "UnknownEngine",
                      "there is no compatibility table for engine \"" + request.release.engine + "\""};
    return plan;
  }
  return Planner(*table, request).Plan();
}

std::string MemoryDoubt(const std::string& product, const std::optional<ComputeCapability>& capability,
                        const std::string& amd_architecture, std::int64_t memory_bytes) {
  if (memory_bytes <= 0) {
    const std::string gpu = !product.empty()            ? product
                            : capability                ? "a GPU with compute capability " + capability->ToString()
                            : !amd_architecture.empty() ? "a GPU of AMD with architecture " + amd_architecture
                                                        : "";
    if (gpu.empty()) return "";
    return "the memory of " + gpu + " is not known: whether the model and its KV cache fit is not checked";
  }
  if (!gpu::IsUpperBound(product, memory_bytes)) return "";
  return product + " shares its memory with the CPU, and its driver does not report how much the GPU gets: only what " +
         "exceeds " + Gigabytes(static_cast<double>(memory_bytes)) + " is pruned; less may not fit either";
}

std::vector<std::string> StartCommand(const EngineTraits& traits, const StartContext& context, const LaunchPlan& plan) {
  std::vector<std::string> argv;
  for (const std::string& part : traits.command) {
    // Placeholders stand alone, so a model named "{port}" stays what it is.
    if (part == "{model}") {
      argv.push_back(context.model);
    } else if (part == "{host}") {
      argv.push_back(context.host);
    } else if (part == "{port}") {
      argv.push_back(context.port);
    } else {
      argv.push_back(part);
    }
  }
  if (!context.revision.empty()) {
    for (const std::string& part : traits.revision_args) argv.push_back(Replace(part, "{revision}", context.revision));
  }
  if (!plan.options_yaml.empty()) {
    for (const std::string& part : traits.options_file_args)
      argv.push_back(Replace(part, "{file}", context.options_file));
  }
  argv.insert(argv.end(), plan.args.begin(), plan.args.end());
  return argv;
}

}  // namespace autotune::quant
