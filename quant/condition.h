// Conditions of the compatibility tables: `when: {--quantization: fp8, gpu: ["<8.9", unknown]}`. Internal to quant/.
//
// Pure and thread-safe. A condition reads the value of one subject as text from a FactSource, so this file is
// independent of engines.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "quant/launch_plan.h"

namespace autotune::quant {

// Subjects of conditions. kFlag also requires the flag's name.
enum class Subject {
  kGemm,
  kKvCache,
  kAttention,
  kMoe,
  kCheckpoint,    // the normalised family
  kFormats,       // the families of all parts, separated by spaces; a pattern matches one of them
  kMethod,        // the checkpoint's own name of its method
  kCheckpointKv,  // KV-cache quantization that the checkpoint declares, where the engine follows its method's
  kDeclaredKv,    // the same, whether the engine follows it or not
  kKvForm,        // where and how the checkpoint declares it: ModelFacts::kv_form; "none" = not, or by another method
  kLinearFormat,  // the family of linear layers outside of experts
  kExpertFormat,  // the family of experts
  kExperts,       // "yes", "no" or "unknown"
  kModelDtype,
  kDtype,            // compute dtype: the dtype flag, else the engine's choice for the model's dtype
  kArchitecture,     // "LlamaForCausalLM"
  kLanguageClass,    // the class that a multimodal config.json names for its language model; not set = none is named
  kClassVersion,     // the version that such a class chooses its model by; not set = config.json names none
  kNativeConfig,     // Mistral's params.json: "only", "beside" config.json, or "none"
  kOneFile,          // "yes" when the model is one file (.gguf)
  kPooling,          // "yes" if the checkpoint is for embeddings
  kIgnored,          // the modules that stay unquantized, as ModelFacts::ignored_modules names them, one after another
  kMethodInConfig,   // "yes" when quantization_config of config.json names the method
  kMethodKnown,      // "yes" when the release's own registry, its quantization flag, has the checkpoint's method
  kLatentAttention,  // "yes" for multi-head latent attention (DeepSeek), which has its own attention backends
  kHiddenSize,       // numbers of the model's facts; "0" = not known
  kExpertSize,
  kMaxPosition,
  kHeadDim,
  kSparseAttention,  // "yes" for MLA in which a query attends only to tokens that an index selects (DeepSeek V3.2)
  kQkvParts,         // number of parts of the file's fused QKV matrix; "0" = there is none
  kAttentionGpus,    // GPUs that split the attention heads
  kWindowKvHeads,    // KV heads of layers with a sliding window; "0" = there are none, or not known
  kMambaHeads,       // of Mamba 2 layers, and the groups that they form; "0" = there are none, or not known
  kMambaGroups,
  kPrompts,      // of the benchmark: "random", "shared" (random, and some begin alike) or "recorded" (a dataset)
  kWeightBlock,  // of block-scaled fp8: "128x128", else "none"
  kPart,         // part of the scheme in question, in the lists "schemes": "linear", "experts", "ignored"
  kWeights,      // its words; see ModelFacts::schemes
  kInputs,
  kPacking,
  kTensor,  // kind of the tensor in question, in the list "tensors": "linear.weight_scale:BF16"
  kGpu,     // compute capability, an AMD architecture such as "gfx942", or "unknown"
  kFlag,
  kMapped,  // true if the named flags were generated and not set by the user
};

class FactSource {
 public:
  virtual ~FactSource() = default;
  // Returns nullopt if the flag is not set.
  [[nodiscard]] virtual std::optional<std::string> Text(Subject subject, const std::string& flag) const = 0;
  [[nodiscard]] virtual std::optional<ComputeCapability> Gpu() const = 0;
  // Empty for NVIDIA GPUs.
  [[nodiscard]] virtual const std::string& AmdArchitecture() const = 0;
  [[nodiscard]] virtual bool Mapped(const std::string& flag) const = 0;
};

// A subject and its patterns. At least one pattern must match.
//
// clang-format off
//   "fp8*", "*-asym"             text, * stands for any text
//   "%32", "<8", ">8"            number: a multiple of 32, less than 8, more than 8
//   "(set)", "(unset)"           the flag is given, or not
//   "{method}"                   the value of another subject
//   "%{--page-size}"             the same as a number; false if one of both is not a number
//   "9.0", "9.x", "<8.9", ">=9.0", "unknown"    compute capability; false for AMD GPUs
//   "amd", "gfx95*"              AMD architecture
// clang-format on
struct Condition {
  Subject subject = Subject::kGemm;
  std::string flag;
  std::vector<std::string> patterns;

  [[nodiscard]] bool Holds(const FactSource& facts) const;
};

// Holds when all of `when` hold and in no group of `unless` all hold.
struct Guard {
  std::vector<Condition> when;
  std::vector<std::vector<Condition>> unless;

  [[nodiscard]] bool Holds(const FactSource& facts) const;
  [[nodiscard]] bool unconditional() const { return when.empty() && unless.empty(); }
};

// "gemmDtype", "checkpoint", "--kv-cache-dtype", ... Returns nullopt if there is no such subject.
std::optional<Subject> ParseSubject(std::string_view name);

// True if a pattern is well formed for its subject.
bool ValidPattern(Subject subject, std::string_view pattern);

// A guard in its table's words: "--quantization: fp8, gpu: [<8.9, unknown]; unless {experts: no}". Empty when it always
// holds.
std::string GuardText(const Guard& guard);

// Replaces {gemmDtype}, {checkpoint}, {--flag}, ... in a message.
std::string FillIn(std::string_view message, const FactSource& facts);

}  // namespace autotune::quant
