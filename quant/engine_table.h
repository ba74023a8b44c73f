// One engine's compatibility table in memory: flags by release, verdict cells, cross-field rules. Internal to quant/.
//
// Immutable after Load and thread-safe. The code contains no knowledge about engines: names, values and conditions are
// data from quant/engines/<engine>.yaml (rules, written by hand) and <engine>.flags.yaml (the flag catalogue). The
// language of the tables is documented in docs/engine-rules.md. Beside them stands <engine>.models.yaml
// (quant/model_table.h).
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.h"
#include "checkpoint/model_facts.h"
#include "quant/condition.h"
#include "quant/flag_value.h"
#include "quant/launch_plan.h"
#include "quant/model_table.h"
#include "quant/quant_config.h"
#include "quant/rules.h"
#include "quant/version.h"

namespace autotune::quant {

struct VersionRange {
  std::optional<Version> since;  // first release
  std::optional<Version> until;  // first release without it
  [[nodiscard]] bool Contains(const Version& version) const {
    return (!since || *since <= version) && (!until || version < *until);
  }
};

enum class ValueType { kSwitch, kText, kInteger, kDecimal, kSize, kSizeOrAuto, kJson, kFolded };
enum class Arity { kOne, kOptional, kSome, kAny, kRepeated };
enum class FlagState { kCurrent, kDeprecated, kRemoved };
// Values that a flag accepts in addition to its own: any name of a plug-in, or the path of a class ("package.Class").
enum class Extension { kNone, kAny, kPath };

// How one flag is written in the releases that share this shape.
struct FlagShape {
  std::string spelling;                // with its dashes; the dotted path for an option of the options file
  std::vector<std::string> spellings;  // all of them, without dashes at the front and with "_" as "-"
  std::string off;                     // the off form of a switch, with its dashes; empty = leave the flag out
  ValueType type = ValueType::kText;
  Arity arity = Arity::kOne;
  bool restricted = false;  // only `choices` are accepted
  std::vector<std::string> choices;
  bool any_case = false;  // compared without regard to case
  Extension extension = Extension::kNone;
  FlagState state = FlagState::kCurrent;
  std::string replacement;  // of a deprecated flag, in the engine's words; "" = not said
  // Of an option of the options file: the normalised spellings that the command line has too.
  std::vector<std::string> typed;
};

// Release from which a flag, or one of its values, exists, more exact than the recorded releases.
struct Bound {
  std::string value;  // empty = the flag itself
  VersionRange range;
  std::optional<Version> certain;  // `since` is inferred; confirmed from this release on
};

struct Limit {
  std::optional<double> above, min, max, below;
};

// Values that an engine rejects only after its parser has accepted them, or that the recorded parser does not show.
struct LateValues {
  std::optional<ValueType> type;
  bool upper_case = false;            // the engine compares in upper case
  std::vector<std::string> patterns;  // texts with "*" at the start or the end; empty = any
};

struct Flag {
  std::string name;                      // canonical: the newest release's first spelling without dashes
  bool option = false;                   // a key of the options file; `name` is its dotted path
  std::vector<const FlagShape*> shapes;  // by recorded release; null = not in that release
  std::vector<Bound> bounds;
  Limit limit;
  LateValues late;
};

// A flag as one release has it.
struct FlagUse {
  const Flag* flag = nullptr;
  const FlagShape* shape = nullptr;  // the recorded release at or before this one, else the one after
  const FlagShape* other = nullptr;  // the next recorded release's shape where it differs; a value may fit either
  bool negated = false;              // the alias was the off form
  bool certain = true;               // false: only one of the two recorded neighbours has it
  bool respelled = false;            // the release's own parser spells this off form otherwise

  // The values that the flag is known to take, those of both neighbours; empty = any of its type.
  [[nodiscard]] std::vector<std::string> Choices() const;
  // The value as the release lists it, where case does not count.
  [[nodiscard]] std::string Spelled(const std::string& value) const;
};

// Acceptance of a flag's value by a release.
enum class Standing {
  kRefused,
  kPlugin,     // not built in: requires a plug-in
  kUncertain,  // only one of the adjacent recorded releases accepts it
  kKnown,
};

// One possible verdict of a field's value; the first whose range and conditions match is used.
struct Alternative {
  VersionRange range;
  std::optional<Version> certain;
  Guard guard;
  VerdictKind verdict = VerdictKind::kAlreadySo;
  bool satisfied = false;  // with kNeedsCheckpoint: the checkpoint carries it
  std::string reason, message, source;
  std::vector<std::pair<std::string, FlagValue>> set;
  std::map<std::string, std::string> env;
  std::optional<ComputeCapability> gpu;  // needed at least
  std::string warn_reason, warn_message;
};

enum class Action { kAdjust, kReject, kWarn, kRequire, kAccept };

// A rule about combinations of final flags, checkpoint and GPU; applied in the order of the table.
struct Rule {
  Action action = Action::kReject;
  VersionRange range;
  std::optional<Version> certain;  // where `until` is derived from dates, the release from which it is sure
  Guard guard;
  std::vector<std::string> blame;  // flags, or "model", "gpu": subject of the message, the most specific first
  std::string reason, message, source;
  std::vector<std::pair<std::string, FlagValue>> set;  // kAdjust; only mapped values are replaced
  std::optional<ComputeCapability> gpu;                // kRequire
};

// Compute dtype of an engine for a checkpoint's dtype if the user sets none; the first that matches.
struct AutoDtype {
  std::string model;  // "none" = the checkpoint declares no dtype; rules for bfloat16 hold for it too
  std::optional<Condition> gpu;
  Guard guard;
  std::string dtype;
};

// Minimum memory of one GPU. All numbers are lower bounds: nothing is rejected that could run.
struct MemoryRule {
  struct Share {
    VersionRange range;
    double value = 1;
  };
  std::string fraction;       // the flag for the share of a GPU that the engine may use; empty = all of it
  std::vector<Share> shares;  // the default by release; empty = not known, all of it
  bool activations_in_share = false;
  std::string context;          // the flag for the longest sequence
  bool whole_sequence = false;  // the engine does not start when the KV cache cannot hold one sequence of that length
  std::string kv_cache;         // the flag for the KV cache's dtype
  std::vector<std::string> index_cache;          // flags for the dtype of index caches; 4 bits at least
  std::string batch;                             // the flag for the tokens computed at once
  std::int64_t smallest_batch = 0;               // when the flag is not set
  bool experts_over_data = false;                // data parallelism shares the experts out instead of copying them
  std::vector<std::string> shares_context;       // flags whose sizes split one sequence's KV cache
  std::map<std::string, int, std::less<>> bits;  // of a weight, by method that quantizes all of them while loading
  std::vector<std::string> unless;               // flags that keep weights out of the GPU or size the cache by hand
};

// Flags that limit the batch; empty = the engine has none.
struct SchedulerRule {
  std::string sequences;
  std::string eager;  // a switch: no CUDA graphs
  std::string draft;  // tokens that speculative decoding drafts a step
};

// What an engine uses for a flag that is not set; the first that matches.
struct DefaultRule {
  VersionRange range;
  double least_gib = 0;    // memory of the GPU; 0 = any
  std::string except_gpu;  // not on products with this in their name, whatever the case; "" = on all
  std::string value;
};

// Minimum compute capability of an engine's released kernels.
struct GpuFloor {
  VersionRange range;
  ComputeCapability gpu;
};

// Releases that give experts finer scales at load time, so a part of an expert may be smaller than a block.
struct BlockRule {
  VersionRange range;
  std::vector<std::string> methods;  // of checkpoints
  std::int64_t least = 0;            // weights that may share a scale then; 0 = no release does that
};

// What an engine does with the shared experts instead of splitting them as one MLP over tensor parallelism.
struct SharedExpertRule {
  VersionRange range;
  Guard guard;
  bool routed = false;  // one more routed expert, if it is as wide as one; else every GPU has them whole
  std::string source;
};

// Widths that a kernel can compute: a layer's outputs and inputs on one GPU are multiples of one of the tiles.
struct TileRule {
  VersionRange range;
  Guard guard;
  enum class Part { kLinear, kExperts, kVision };
  Part part = Part::kLinear;  // routed experts, the tower for images, or all other linear layers
  // Whether the linear layers include the gates of linear attention, and as what one GPU has of them.
  enum class Gates { kNot, kSplit, kWhole } gates = Gates::kNot;
  // The engine looks at the whole layer, and runs one that does not fit on another kernel.
  bool falls_back = false;
  std::string kernel;  // "Marlin"; for messages
  std::string source;
  std::vector<checkpoint::WeightBlock> tiles;  // rows = outputs, columns = inputs
};

// A value that the engine replaces while it starts, whatever was asked for: candidates that differ in it alone run the
// same.
struct OverwriteRule {
  VersionRange range;
  Guard guard;
  std::string flag;  // canonical
  std::string of;    // runs with the value of this flag, a number, + `plus`
  std::int64_t plus = 0;
  std::string is;                  // without `of`: runs with this value; "" = the flag has no effect
  std::vector<std::string> keeps;  // values that the engine leaves as they are
  std::string message, source;
};

// What an engine chooses where a flag is not set, or is "auto": rules see it as the value of the flag.
struct ChoiceRule {
  VersionRange range;
  Guard guard;
  std::string flag, is;         // canonical; the value
  std::string message, source;  // why, as the end of a rule's sentence
};

// Effect of flags on the architectures that a release supports.
struct ModelRule {
  std::string trust;                   // the switch that lets an engine run code of the checkpoint; empty = not checked
  std::vector<std::string> unless;     // flags that override the checkpoint's configuration
  std::vector<std::string> tokenizer;  // flags that choose another tokenizer, or none
  // If no release could be read: the architectures in the engine's documentation, with their first release; empty = not
  // used.
  std::map<std::string, std::optional<Version>, std::less<>> documented;
  // With `documented`: model types that the engine or its library of every release can read without the checkpoint's
  // own code.
  std::vector<std::string> types;
  // Methods of speculators' drafts whose model the engine starts in place of the draft, with their first release.
  std::map<std::string, std::optional<Version>, std::less<>> drafts;
};

// A variable of the environment that an engine once read.
struct RemovedVariable {
  Version until;    // first release that does not read it
  std::string use;  // the flag, or member of one, that replaces it; "" = nothing does
};

struct ParallelRule {
  std::string flag;
  bool as_switch = false;            // the flag is a switch and its size follows from the others
  std::vector<std::string> equals;   // flags whose product the size has to be
  std::vector<std::string> divides;  // flags whose product the size has to divide
  bool divides_experts = false;
};

struct GpuFactor {
  std::string flag;
  std::string unless;  // a switch that takes the factor out
};

// The word nearest to a misspelt one; empty when none is near enough to have been meant.
std::string Nearest(std::string_view word, const std::vector<std::string>& known);

class EngineTable {
 public:
  struct Source {
    std::string file;  // for messages
    std::string text;
  };
  // kInvalid with "file:line: reason". Without `models`, architectures are not checked.
  static base::Result<std::shared_ptr<const EngineTable>> Load(const Source& rules, const Source& flags,
                                                               const Source* models = nullptr,
                                                               const Source* variables = nullptr);

  [[nodiscard]] const std::string& date() const { return date_; }
  [[nodiscard]] const EngineTraits& traits() const { return traits_; }
  [[nodiscard]] const Version& oldest() const { return releases_.front(); }
  [[nodiscard]] const Version& newest() const { return releases_.back(); }
  // The newest release that the table says something about: recorded, or a bound of its entries. Later ones are treated
  // like it.
  [[nodiscard]] Version latest() const { return Milestones().back(); }
  // The recorded releases, ascending.
  [[nodiscard]] const std::vector<Version>& releases() const { return releases_; }
  // Every release that the table names, ascending, from the oldest on: the recorded ones, and those of bounds, cells
  // and rules.
  [[nodiscard]] std::vector<Version> Milestones() const;

  // Looks up an alias: leading dashes and "_" or "-" do not matter. Returns nullopt if the release does not have it.
  [[nodiscard]] std::optional<FlagUse> Find(std::string_view spelling, const Version& version) const;
  // Flags of the release with this prefix, if its parser accepts unambiguous prefixes.
  [[nodiscard]] std::vector<std::string> CompletionsOf(std::string_view spelling, const Version& version) const;
  // "is deprecated in 0.5.15", of recorded releases only; "" if neither the one before nor the one after has it so.
  [[nodiscard]] std::string Deprecation(const FlagUse& use, const Version& version) const;
  // Find(), also by an unambiguous prefix (CompletionsOf() has one entry).
  [[nodiscard]] std::optional<FlagUse> FindCompleted(std::string_view spelling, const Version& version) const;
  [[nodiscard]] Standing StandingOf(const FlagUse& use, const std::string& value, const Version& version) const;
  // Values that the release accepts, if known; empty = any.
  [[nodiscard]] std::vector<std::string> ChoicesOf(const FlagUse& use, const Version& version) const;
  // Hint for the message about an unknown flag: its history, otherwise the closest known flag.
  [[nodiscard]] std::string Hint(std::string_view spelling, const Version& version) const;

  [[nodiscard]] const std::vector<Alternative>& Cell(Field field, const std::string& value) const;
  [[nodiscard]] const std::vector<Rule>& rules() const { return rules_; }
  // About one scheme or one kind of tensor of the checkpoint: the first that holds and does more than to require a GPU
  // decides about it.
  [[nodiscard]] const std::vector<Rule>& schemes() const { return schemes_; }
  [[nodiscard]] const std::vector<Rule>& tensors() const { return tensors_; }
  [[nodiscard]] const ParallelRule* Parallel(std::string_view size) const;
  [[nodiscard]] const std::vector<GpuFactor>& gpu_factors() const { return gpu_factors_; }
  // What a checkpoint that declares no dtype most probably is.
  [[nodiscard]] static const std::string& UsualDtype();
  // Compute dtype for a checkpoint's dtype if the user sets none; "" = the checkpoint declares none.
  [[nodiscard]] const std::string& DtypeOf(const std::string& declared, const FactSource& facts) const;
  [[nodiscard]] const std::string& dtype_flag() const { return dtype_flag_; }
  [[nodiscard]] const std::string& tensor_flag() const { return tensor_flag_; }
  [[nodiscard]] const std::string& data_flag() const { return data_flag_; }
  [[nodiscard]] const std::string& pipeline_flag() const { return pipeline_flag_; }
  // The switch that makes data parallelism split the attention heads' GPUs instead of adding some.
  [[nodiscard]] const std::string& attention_data_switch() const { return attention_data_switch_; }
  // Its successor: a flag with the number of parts. Both may be empty.
  [[nodiscard]] const std::string& attention_data_flag() const { return attention_data_flag_; }
  // The flag that quantizes weights while loading; may be empty.
  [[nodiscard]] const std::string& quantization_flag() const { return quantization_flag_; }
  // Flags that only decide how the KV cache is stored.
  [[nodiscard]] const std::vector<std::string>& cache_flags() const { return cache_flags_; }
  // Whether "auto" follows a KV cache that a checkpoint of this method declares. `plain`: with one static scale for
  // keys and one for values. `facts`: of the checkpoint and the GPU.
  [[nodiscard]] bool FollowsDeclaredKv(const std::string& method, const std::string& kv_cache, bool plain,
                                       const Version& version, const FactSource& facts) const;
  [[nodiscard]] const MemoryRule& memory() const { return memory_; }
  // How many weights of an expert share a scale at least when `part` of them, in a model of this hidden size, are on
  // one GPU and the checkpoint has blocks of `block`.
  [[nodiscard]] std::int64_t ExpertBlock(const Version& version, const std::string& method, std::int64_t block,
                                         std::int64_t part, std::int64_t hidden) const;
  // In the order of the table; the first that holds applies.
  [[nodiscard]] const std::vector<SharedExpertRule>& shared_experts() const { return shared_experts_; }
  // In the order of the table; all that hold apply.
  [[nodiscard]] const std::vector<TileRule>& tiles() const { return tiles_; }
  // In the order of the table; all that hold apply.
  [[nodiscard]] const std::vector<OverwriteRule>& overwrites() const { return overwrites_; }
  // In the order of the table; the first of a flag that holds.
  [[nodiscard]] const std::vector<ChoiceRule>& choices() const { return choices_; }
  // nullopt = not known.
  [[nodiscard]] std::optional<ComputeCapability> LeastGpu(const Version& version) const;
  [[nodiscard]] const ModelTable& models() const { return models_; }
  [[nodiscard]] const ModelRule& model_rule() const { return model_rule_; }
  [[nodiscard]] const SchedulerRule& scheduler() const { return scheduler_; }
  // What the engine uses on this GPU for a flag that is not set; "" = not known. `memory_bytes`: 0 = not known.
  [[nodiscard]] std::string DefaultOf(const std::string& flag, const Version& version, std::string_view product,
                                      std::int64_t memory_bytes) const;
  // True if the release can load a specific revision of a model.
  [[nodiscard]] bool TakesRevision(const Version& version) const {
    return !traits_.revision_args.empty() && revision_range_.Contains(version);
  }
  // The target of a friendly name such as "attention-config.backend"; empty = there is none.
  [[nodiscard]] std::string AliasOf(const std::string& name) const;
  // Position in the rendered command line; flags not listed come after, by name.
  [[nodiscard]] std::size_t Order(const std::string& flag) const;
  [[nodiscard]] bool Reserved(const std::string& flag) const;
  // Why a reserved flag is no parameter: "the operator sets it itself"; "" if it is not reserved.
  [[nodiscard]] std::string WhyReserved(const std::string& flag) const;
  // Why a variable of the environment has no effect: "vLLM 0.24.0 does not read VLLM_USE_V1 (removed in 0.12.0)"; "" if
  // the release reads it, or that is not known.
  [[nodiscard]] std::string WhyIgnored(const std::string& variable, const Version& version) const;
  // Reason for which a common alias is rejected; empty = it is not on the list.
  [[nodiscard]] const std::string& Forbidden(const std::string& normalised) const;
  // Unknown dotted keys of a known option are passed on.
  [[nodiscard]] bool has_options_file() const { return !traits_.options_file_args.empty(); }

  // "--Kv_cache_dtype" -> "kv-cache-dtype"; only the part before the first dot is changed.
  static std::string Normalise(std::string_view spelling);

 private:
  friend class TableLoader;
  struct Spelling {
    const Flag* flag;
    std::size_t release;
    bool off;
  };
  struct Neighbours {
    std::size_t before, after;
  };
  [[nodiscard]] Neighbours NeighboursOf(const Version& version) const;
  [[nodiscard]] std::optional<FlagUse> Use(const Flag* flag, const Version& version, const Neighbours& near) const;

  std::string date_;
  EngineTraits traits_;
  std::vector<Version> releases_;
  std::vector<std::unique_ptr<FlagShape>> shapes_;
  std::vector<std::unique_ptr<Flag>> flags_;
  std::unordered_map<std::string, std::vector<Spelling>> spellings_;
  std::unordered_map<std::string, std::string> aliases_;  // friendly names of the table's own
  std::unordered_map<std::string, std::string> hints_;
  std::unordered_map<std::string, std::string> forbidden_;
  std::unordered_map<std::string, std::size_t> order_;
  std::unordered_map<std::string, std::string> reserved_;  // with the reason
  std::map<std::string, RemovedVariable, std::less<>> removed_variables_;
  // Recorded: which releases read a variable, by position in variable_releases_ (ascending).
  std::vector<Version> variable_releases_;
  std::map<std::string, std::vector<bool>, std::less<>> variables_;
  std::vector<AutoDtype> auto_dtypes_;
  VersionRange revision_range_;
  MemoryRule memory_;
  // A KV cache that "auto" takes from the checkpoint: patterns; no values = all.
  struct DeclaredKv {
    std::vector<std::string> methods, values;
    bool plain = false;  // no other than with static scales per tensor
    VersionRange range;
    Guard guard;
  };
  std::vector<DeclaredKv> declared_kv_;
  SchedulerRule scheduler_;
  std::unordered_map<std::string, std::vector<DefaultRule>> defaults_;
  BlockRule expert_blocks_;
  std::vector<SharedExpertRule> shared_experts_;
  std::vector<TileRule> tiles_;
  std::vector<OverwriteRule> overwrites_;
  std::vector<ChoiceRule> choices_;
  std::vector<GpuFloor> gpu_floors_;
  ModelTable models_;
  ModelRule model_rule_;
  std::map<Field, std::map<std::string, std::vector<Alternative>>> cells_;
  std::vector<Rule> rules_, schemes_, tensors_;
  std::map<std::string, ParallelRule, std::less<>> parallel_;
  std::vector<GpuFactor> gpu_factors_;
  std::string dtype_flag_, tensor_flag_, data_flag_, pipeline_flag_, attention_data_switch_;
  std::string attention_data_flag_, quantization_flag_;
  std::vector<std::string> cache_flags_;
  bool completes_ = false;
};

}  // namespace autotune::quant
