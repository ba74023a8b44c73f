// One engine's compatibility table in memory: flags by release, verdict cells, cross-field rules. Internal to quant/.
//
// Immutable after Load and thread-safe. Independent of engines: names, values and conditions are data from
// quant/engines/<engine>.yaml (rules, written by hand) and <engine>.flags.yaml (the flag catalogue).
// docs/engine-rules.md describes the language of the tables. <engine>.models.yaml is read by
// quant/model_table.h.
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
// Further values that a flag accepts: the name of any plug-in, or the path of a class ("package.Class").
enum class Extension { kNone, kAny, kPath };

// How one flag is written, in the releases that share this form.
struct FlagShape {
  std::string spelling;                // with dashes; for an option of the options file its dotted path
  std::vector<std::string> spellings;  // all names, without leading dashes, with "_" as "-"
  std::string off;                     // the off form of a switch, with dashes; empty = the flag is left out
  ValueType type = ValueType::kText;
  Arity arity = Arity::kOne;
  bool restricted = false;  // only `choices` are accepted
  std::vector<std::string> choices;
  bool any_case = false;  // compared ignoring case
  Extension extension = Extension::kNone;
  FlagState state = FlagState::kCurrent;
  std::string replacement;  // replacement of a deprecated flag, as the engine names it; "" = not given
  // For an option of the options file: its normalised names on the command line.
  std::vector<std::string> typed;
};

// First release with a flag or one of its values, more exact than the recorded releases.
struct Bound {
  std::string value;  // empty = the flag itself
  VersionRange range;
  std::optional<Version> certain;  // `since` is inferred from release dates; confirmed from this release on
};

struct Limit {
  std::optional<double> above, min, max, below;
};

// Values that an engine rejects after its parser accepted them, or that the recorded parser does not show.
struct LateValues {
  std::optional<ValueType> type;
  bool upper_case = false;            // the engine compares in upper case
  std::vector<std::string> patterns;  // texts with "*" at the start or the end; empty = any
};

struct Flag {
  std::string name;                      // canonical: the newest release's first name, without dashes
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
  const FlagShape* other = nullptr;  // the next recorded release's form if it differs; a value may match either
  bool negated = false;              // the off form was given
  bool certain = true;               // false: only one of the two adjacent recorded releases has it
  bool respelled = false;            // the release's own parser has another name for this off form

  // The values of both neighbours; empty = any value of the type.
  [[nodiscard]] std::vector<std::string> Choices() const;
  // The value as the release lists it, if case is ignored.
  [[nodiscard]] std::string Spelled(const std::string& value) const;
};

// Acceptance of a flag's value by a release.
enum class Standing {
  kRefused,
  kPlugin,     // requires a plug-in
  kUncertain,  // only one of the adjacent recorded releases accepts it
  kKnown,
};

// One possible verdict for a field's value. The first one whose range and conditions match is used.
struct Alternative {
  VersionRange range;
  std::optional<Version> certain;
  Guard guard;
  VerdictKind verdict = VerdictKind::kAlreadySo;
  bool satisfied = false;  // with kNeedsCheckpoint: the checkpoint has this format
  std::string reason, message, source;
  std::vector<std::pair<std::string, FlagValue>> set;
  std::map<std::string, std::string> env;
  std::optional<ComputeCapability> gpu;  // minimum compute capability
  std::string warn_reason, warn_message;
};

enum class Action { kAdjust, kReject, kWarn, kRequire, kAccept };

// A rule about combinations of final flags, checkpoint and GPU. Rules are applied in the order of the table.
struct Rule {
  Action action = Action::kReject;
  VersionRange range;
  std::optional<Version> certain;  // if `until` is inferred from dates: the release from which it is confirmed
  Guard guard;
  std::vector<std::string> blame;  // flags, "model" or "gpu": subject of the message, most specific first
  std::string reason, message, source;
  std::vector<std::pair<std::string, FlagValue>> set;  // kAdjust; only mapped values are replaced
  std::optional<ComputeCapability> gpu;                // kRequire
};

// Compute dtype for a checkpoint's dtype if the user sets none. The first entry that matches is used.
struct AutoDtype {
  std::string model;  // "none" = the checkpoint declares no dtype; entries for bfloat16 also apply then
  std::optional<Condition> gpu;
  Guard guard;
  std::string dtype;
};

// Releases and conditions under which something is so.
struct GuardedRule {
  VersionRange range;
  Guard guard;
  std::string source;
  [[nodiscard]] bool Holds(const Version& version, const FactSource& facts) const {
    return range.Contains(version) && guard.Holds(facts);
  }
};

// Minimum memory of one GPU. All numbers are lower bounds: nothing is rejected that could run.
struct MemoryRule {
  struct Share {
    VersionRange range;
    double value = 1;
  };
  std::string fraction;       // flag for the share of GPU memory that the engine may use; empty = all of it
  std::vector<Share> shares;  // default by release; empty = not known, all of it
  bool activations_in_share = false;
  std::string context;                           // flag for the maximum sequence length
  bool whole_sequence = false;                   // the engine requires KV cache for one sequence of that length
  std::string kv_cache;                          // the flag for the KV cache's dtype
  std::vector<std::string> index_cache;          // flags for the dtype of index caches; 4 bits at least
  std::string batch;                             // flag for the number of tokens computed at once
  std::int64_t smallest_batch = 0;               // if the flag is not set
  bool experts_over_data = false;                // data parallelism splits the experts instead of copying them
  std::vector<std::string> shares_context;       // flags whose sizes split the KV cache of one sequence
  std::map<std::string, int, std::less<>> bits;  // per weight, by method that quantizes all weights online
  std::vector<std::string> unless;               // flags that keep weights off the GPU, or set the size of the cache
  std::vector<GuardedRule> loaded_whole;         // online quantization begins when all weights are in the GPU's memory
};

// Flags that limit the batch; empty = the engine has none.
struct SchedulerRule {
  std::string sequences;
  std::string eager;  // a switch: no CUDA graphs
  std::string draft;  // tokens that speculative decoding proposes per step
};

// Value that an engine uses for a flag that is not set. The first entry that matches is used.
struct DefaultRule {
  VersionRange range;
  double least_gib = 0;    // memory of the GPU; 0 = any
  std::string except_gpu;  // not on products whose name contains this text, ignoring case; "" = on all
  std::string value;
};

// Minimum compute capability of an engine's released kernels.
struct GpuFloor {
  VersionRange range;
  ComputeCapability gpu;
};

// Releases that give experts finer scales during loading, so that a part of an expert may be smaller than a block.
struct BlockRule {
  VersionRange range;
  std::vector<std::string> methods;  // of checkpoints
  std::int64_t least = 0;            // minimum number of weights per scale; 0 = no release does this
};

// Treatment of shared experts other than splitting them as one MLP over tensor parallelism.
struct SharedExpertRule : GuardedRule {
  bool routed = false;  // as one more routed expert, if the widths are equal
  bool padded = false;  // split, each part with whole blocks; neither: each GPU has a full copy
};

// Widths that a kernel supports: a layer's outputs and inputs per GPU must be multiples of one of the tiles.
struct TileRule : GuardedRule {
  enum class Part { kLinear, kExperts, kVision };
  Part part = Part::kLinear;  // routed experts, the vision tower, or all other linear layers
  // Whether the linear layers include the gates of linear attention, split over the GPUs or whole on each.
  enum class Gates { kNot, kSplit, kWhole } gates = Gates::kNot;
  // The engine checks the whole layer, and uses another kernel for one that does not fit.
  bool falls_back = false;
  std::string kernel;                          // name of the kernel for messages: "Marlin"
  std::vector<checkpoint::WeightBlock> tiles;  // rows = outputs, columns = inputs
};

// A value that the engine replaces at startup, regardless of the request: candidates that differ only in it are
// duplicates.
struct OverwriteRule : GuardedRule {
  std::string flag;  // canonical
  std::string of;    // replaced by the value of this flag (a number) + `plus`
  std::int64_t plus = 0;
  std::string is;                  // if `of` is empty: the replacement; "" = the flag has no effect
  std::vector<std::string> keeps;  // values that the engine does not replace
  std::string message;
};

// The engine's choice for a flag that is unset or "auto": rules see it as the flag's value.
struct ChoiceRule : GuardedRule {
  std::string flag, is;  // canonical; the value
  std::string message;   // the reason, as the end of a sentence
};

// Effect of flags on the architectures that a release supports.
struct ModelRule {
  std::string trust;                   // switch that lets an engine run code of the checkpoint; empty = not checked
  std::vector<std::string> unless;     // flags that override the checkpoint's configuration
  std::vector<std::string> tokenizer;  // flags that choose another tokenizer, or none
  // If no release was recorded: architectures in the engine's documentation, with their first release; empty = not
  // used.
  std::map<std::string, std::optional<Version>, std::less<>> documented;
  // With `documented`: model types that every release (or its libraries) can read without code from the
  // checkpoint.
  std::vector<std::string> types;
  // Methods of speculators drafts whose verifier the engine starts in place of the draft, with their first release.
  std::map<std::string, std::optional<Version>, std::less<>> drafts;
};

// An environment variable that an engine no longer reads.
struct RemovedVariable {
  Version until;    // first release that does not read it
  std::string use;  // flag, or member of a flag, that replaces it; "" = none
};

struct ParallelRule {
  std::string flag;
  bool as_switch = false;            // the flag is a switch; its size follows from the others
  std::vector<std::string> equals;   // flags whose product must equal the size
  std::vector<std::string> divides;  // flags whose product must be a multiple of the size
  bool divides_experts = false;
};

struct GpuFactor {
  std::string flag;
  std::string unless;  // switch that disables the factor
};

// The known word closest to a misspelt one; empty if none is close enough.
std::string Nearest(std::string_view word, const std::vector<std::string>& known);

class EngineTable {
 public:
  struct Source {
    std::string file;  // for messages
    std::string text;
  };
  // kInvalid: "file:line: reason". Without `models`, architectures are not checked.
  static base::Result<std::shared_ptr<const EngineTable>> Load(const Source& rules, const Source& flags,
                                                               const Source* models = nullptr,
                                                               const Source* variables = nullptr);

  [[nodiscard]] const std::string& date() const { return date_; }
  [[nodiscard]] const EngineTraits& traits() const { return traits_; }
  [[nodiscard]] const Version& oldest() const { return releases_.front(); }
  [[nodiscard]] const Version& newest() const { return releases_.back(); }
  // The newest release in the table: recorded, or a limit of its entries. Later releases are treated like
  // it.
  [[nodiscard]] Version latest() const { return Milestones().back(); }
  // The recorded releases, ascending.
  [[nodiscard]] const std::vector<Version>& releases() const { return releases_; }
  // All releases in the table, ascending: the recorded ones, and those of limits, cells and rules, from the oldest
  // recorded one on.
  [[nodiscard]] std::vector<Version> Milestones() const;

  // Looks up a flag by any name; leading dashes and "_" or "-" are ignored. nullopt if the release does not have it.
  [[nodiscard]] std::optional<FlagUse> Find(std::string_view spelling, const Version& version) const;
  // Flags of the release with this prefix, if its parser accepts unambiguous prefixes; else empty.
  [[nodiscard]] std::vector<std::string> CompletionsOf(std::string_view spelling, const Version& version) const;
  // "is deprecated in 0.5.15", from recorded releases; "" if neither adjacent release marks it as deprecated.
  [[nodiscard]] std::string Deprecation(const FlagUse& use, const Version& version) const;
  // Like Find(), but also accepts an unambiguous prefix (CompletionsOf() has one entry).
  [[nodiscard]] std::optional<FlagUse> FindCompleted(std::string_view spelling, const Version& version) const;
  [[nodiscard]] Standing StandingOf(const FlagUse& use, const std::string& value, const Version& version) const;
  // Values that the release accepts; empty = any, or not known.
  [[nodiscard]] std::vector<std::string> ChoicesOf(const FlagUse& use, const Version& version) const;
  // Hint for the message about an unknown flag: its history, else the closest known flag.
  [[nodiscard]] std::string Hint(std::string_view spelling, const Version& version) const;

  [[nodiscard]] const std::vector<Alternative>& Cell(Field field, const std::string& value) const;
  [[nodiscard]] const std::vector<Rule>& rules() const { return rules_; }
  // Rules about one scheme or one kind of tensor. The first one that holds and does more than require a GPU
  // decides.
  [[nodiscard]] const std::vector<Rule>& schemes() const { return schemes_; }
  [[nodiscard]] const std::vector<Rule>& tensors() const { return tensors_; }
  [[nodiscard]] const ParallelRule* Parallel(std::string_view size) const;
  [[nodiscard]] const std::vector<GpuFactor>& gpu_factors() const { return gpu_factors_; }
  // The most probable dtype of a checkpoint that declares none.
  [[nodiscard]] static const std::string& UsualDtype();
  // Compute dtype for a checkpoint's dtype if the user sets none. `declared`: "" = the checkpoint declares none.
  [[nodiscard]] const std::string& DtypeOf(const std::string& declared, const FactSource& facts) const;
  [[nodiscard]] const std::string& dtype_flag() const { return dtype_flag_; }
  [[nodiscard]] const std::string& tensor_flag() const { return tensor_flag_; }
  [[nodiscard]] const std::string& data_flag() const { return data_flag_; }
  [[nodiscard]] const std::string& pipeline_flag() const { return pipeline_flag_; }
  // Switch with which data parallelism splits the GPUs of the attention heads instead of adding GPUs.
  [[nodiscard]] const std::string& attention_data_switch() const { return attention_data_switch_; }
  // Its successor: a flag with the number of parts. Both may be empty.
  [[nodiscard]] const std::string& attention_data_flag() const { return attention_data_flag_; }
  // Flag for online quantization; may be empty.
  [[nodiscard]] const std::string& quantization_flag() const { return quantization_flag_; }
  // Flags that only determine how the KV cache is stored.
  [[nodiscard]] const std::vector<std::string>& cache_flags() const { return cache_flags_; }
  // True if "auto" follows a KV cache that a checkpoint of this method declares. `plain`: it has one static scale for
  // keys and one for values. `facts`: of the checkpoint and the GPU.
  [[nodiscard]] bool FollowsDeclaredKv(const std::string& method, const std::string& kv_cache, bool plain,
                                       const Version& version, const FactSource& facts) const;
  [[nodiscard]] const MemoryRule& memory() const { return memory_; }
  // Minimum number of weights of an expert per scale, if one GPU has `part` of them, in a model with this hidden size
  // and blocks of `block` weights.
  [[nodiscard]] std::int64_t ExpertBlock(const Version& version, const std::string& method, std::int64_t block,
                                         std::int64_t part, std::int64_t hidden) const;
  // In the order of the table; the first one that holds applies.
  [[nodiscard]] const std::vector<SharedExpertRule>& shared_experts() const { return shared_experts_; }
  // Under which keys on one GPU may end inside a block of weights that share a scale.
  [[nodiscard]] const std::vector<GuardedRule>& torn_keys() const { return torn_keys_; }
  // In the order of the table; all that hold apply.
  [[nodiscard]] const std::vector<TileRule>& tiles() const { return tiles_; }
  // In the order of the table; all that hold apply.
  [[nodiscard]] const std::vector<OverwriteRule>& overwrites() const { return overwrites_; }
  // In the order of the table; per flag the first one that holds applies.
  [[nodiscard]] const std::vector<ChoiceRule>& choices() const { return choices_; }
  // Minimum compute capability; nullopt = not known.
  [[nodiscard]] std::optional<ComputeCapability> LeastGpu(const Version& version) const;
  [[nodiscard]] const ModelTable& models() const { return models_; }
  [[nodiscard]] const ModelRule& model_rule() const { return model_rule_; }
  [[nodiscard]] const SchedulerRule& scheduler() const { return scheduler_; }
  // Value that the engine uses on this GPU for an unset flag; "" = not known. `memory_bytes`: 0 = not known.
  [[nodiscard]] std::string DefaultOf(const std::string& flag, const Version& version, std::string_view product,
                                      std::int64_t memory_bytes) const;
  // True if the release can load a specific revision of a model.
  [[nodiscard]] bool TakesRevision(const Version& version) const {
    return !traits_.revision_args.empty() && revision_range_.Contains(version);
  }
  // Target of a friendly name such as "attention-config.backend"; empty = there is none.
  [[nodiscard]] std::string AliasOf(const std::string& name) const;
  // Position in the command line; flags that are not listed come last, by name.
  [[nodiscard]] std::size_t Order(const std::string& flag) const;
  [[nodiscard]] bool Reserved(const std::string& flag) const;
  // Reason why a reserved flag cannot be a parameter: "the operator sets it itself"; "" if it is not reserved.
  [[nodiscard]] std::string WhyReserved(const std::string& flag) const;
  // Reason why an environment variable has no effect: "vLLM 0.24.0 does not read VLLM_USE_V1 (removed in 0.12.0)"; ""
  // if the release reads it, or if this is not known.
  [[nodiscard]] std::string WhyIgnored(const std::string& variable, const Version& version) const;
  // Members of a JSON flag whose parser rejects others, by the flag's name; null = not checked.
  [[nodiscard]] const std::vector<std::string>* MembersOf(const std::string& flag, const Version& version) const;
  // Reason why a common alias is rejected; empty = it is not on the list.
  [[nodiscard]] const std::string& Forbidden(const std::string& normalised) const;
  // True if unknown dotted keys of a known option are passed on.
  [[nodiscard]] bool has_options_file() const { return !traits_.options_file_args.empty(); }

  // "--Kv_cache_dtype" becomes "kv-cache-dtype"; the part after the first dot is unchanged.
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
  std::unordered_map<std::string, std::string> aliases_;  // the table's own friendly names
  std::unordered_map<std::string, std::string> hints_;
  std::unordered_map<std::string, std::string> forbidden_;
  std::map<std::string, std::vector<std::pair<VersionRange, std::vector<std::string>>>> members_;
  std::unordered_map<std::string, std::size_t> order_;
  std::unordered_map<std::string, std::string> reserved_;  // with the reasons
  std::map<std::string, RemovedVariable, std::less<>> removed_variables_;
  // Recorded releases that read a variable, by position in variable_releases_ (ascending).
  std::vector<Version> variable_releases_;
  std::map<std::string, std::vector<bool>, std::less<>> variables_;
  std::vector<AutoDtype> auto_dtypes_;
  VersionRange revision_range_;
  MemoryRule memory_;
  // KV-cache declarations that "auto" follows: patterns; no values = all.
  struct DeclaredKv {
    std::vector<std::string> methods, values;
    bool plain = false;  // only with static per-tensor scales
    VersionRange range;
    Guard guard;
  };
  std::vector<DeclaredKv> declared_kv_;
  SchedulerRule scheduler_;
  std::unordered_map<std::string, std::vector<DefaultRule>> defaults_;
  BlockRule expert_blocks_;
  std::vector<GuardedRule> torn_keys_;
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
