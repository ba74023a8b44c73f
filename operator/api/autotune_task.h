// C++ types of the custom resource AutotuneTask (autotuner.io/v1alpha1).
//
// Pure values, thread-safe. crds/autotunetask.yaml is the source of truth for types, ranges and defaults. TaskFromJson
// applies the same defaults, so that a task has the same values in local mode (without an API server) and in a cluster.
// Objects that the operator only copies to a pod (tolerations, volumes, ...) stay JSON.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bench/result.h"
#include "measurement/load.h"
#include "measurement/workload.h"
#include "operator/api/conditions.h"
#include "quant/flag_value.h"
#include "quant/launch_plan.h"
#include "quant/quant_config.h"

namespace autotune::api {

inline constexpr const char* kGroup = "autotuner.io";
inline constexpr const char* kVersion = "v1alpha1";
inline constexpr const char* kApiVersion = "autotuner.io/v1alpha1";
inline constexpr const char* kKind = "AutotuneTask";
inline constexpr const char* kPlural = "autotunetasks";
inline constexpr std::size_t kMaxExperiments = 256;

using nlohmann::json;
using Seconds = std::chrono::seconds;

struct ObjectMeta {
  std::string name, ns, uid, resource_version;
  std::int64_t generation = 0;
  bool deleting = false;
  std::string creation_timestamp;
};

// Prefix of the uid of a task in local mode, which no API server has created.
inline constexpr std::string_view kLocalUid = "local-";
// True for a uid with this prefix, and for an empty one.
bool IsLocal(const ObjectMeta& metadata);

struct ModelSpec {
  std::string name;        // of an entry of spec.models; "" = spec.model, the only checkpoint
  bool reference = false;  // see ReferenceModel
  std::string id_or_path;
  std::string revision;  // "" = the hub's default, "main"
  // The revision, but "" for the default.
  [[nodiscard]] std::string OwnRevision() const { return revision == "main" ? "" : revision; }
  json volume;  // null, or an object with exactly one of persistentVolumeClaim, image, hostPath
  struct HuggingFace {
    std::string token_secret_name, token_secret_key;
    std::string endpoint = "https://huggingface.co";
    std::string cache_claim;
  } hugging_face;
  json facts;                // null, or an inline config.json, which replaces the inspection pod
  std::string quantization;  // overrides the quantization found in the files; "" = no override
};

struct RuntimeSpec {
  std::string name, engine, image, version;
  std::vector<std::string> command, args;
  json env = json::array();
  json resources = json::object();
  json security_context;  // null = the default of experiment::BuildExperimentPod
};

// A type of GPU, and the pod fields that request it.
struct GpuSpec {
  std::string name;  // of an entry of spec.gpus; "" = spec.gpu, the only type
  std::string resource_name = "nvidia.com/gpu";
  std::vector<std::string> products;
  std::string min_memory;  // Kubernetes quantity
  std::string min_compute_capability;
  json node_selector = json::object(), tolerations = json::array(), affinity;
  std::string runtime_class_name, priority_class_name, scheduler_name, queue_name;
  std::string price_per_hour;  // decimal, per GPU-hour; "" = the price in the operator's configuration, if any
  std::map<std::string, std::string> images{};  // by runtime: overrides RuntimeSpec::image; only in spec.gpus
};

enum class Strategy { kAdaptive, kGrid, kRandom };
// In the order of the enum in the CRD.
enum class Objective {
  kMaximizeThroughput,
  kMaximizeGoodput,
  kMinimizeCost,
  kMinimizeLatency,
  kMinimizeTtft,
  kMinimizeTpot
};

// A workload in the task's namespace that serves the model in production.
struct WorkloadRef {
  std::string kind = "Deployment";  // one of kWorkloadKinds
  std::string name;
  std::string container;  // "" = the container that serves the model
  bool operator==(const WorkloadRef&) const = default;
};
inline constexpr std::array<std::string_view, 3> kWorkloadKinds = {"Deployment", "LeaderWorkerSet",
                                                                   "LLMInferenceService"};

// Configuration of a production server, from a pasted command or a workload of the cluster.
struct DeployedServer {
  std::string image;                       // "" = not known
  std::vector<std::string> words;          // command line; without a program, the arguments of the image's entrypoint
  std::map<std::string, std::string> env;  // variables for the engine, without secrets
  std::vector<std::string> left_out;       // settings that experiments do not copy: "HF_TOKEN"
  std::map<std::string, std::string> limits{}, requests{};  // of the container: quantities by resource
  std::vector<std::string> pull_secrets{};                  // of the pod
  std::map<std::string, std::string> mounts{};  // of a pasted `docker run`: source by directory in the container
  bool operator==(const DeployedServer&) const = default;
};

// Configuration with which candidates are compared, such as the one in production.
struct BaselineSpec {
  std::string runtime;  // RuntimeSpec::name of the runtime that has this baseline; "" = all runtimes
  std::string gpu;      // GpuSpec::name of the type on which baselines run; see BaselineGpu
  std::string preset;   // "" = default
  std::map<std::string, quant::FlagValue> parameters;
  // Production configuration, which excludes preset and parameters: its command, or a reference to its workload.
  std::string command{};
  std::optional<WorkloadRef> deployment_ref{};
  // Configuration of deployment_ref. Not a field of the spec: copied from the status; nullopt until it is read.
  std::optional<DeployedServer> deployed{};
  [[nodiscard]] bool IsDeployed() const { return !command.empty() || deployment_ref.has_value(); }
  bool operator==(const BaselineSpec&) const = default;
};

// Reuse of measurements: none, or of finished tasks in the namespace.
enum class Reuse { kNone, kNamespace };

struct OptimizationSpec {
  std::optional<Strategy> strategy;  // nullopt = kAdaptive
  Objective objective = Objective::kMaximizeThroughput;
  std::optional<BaselineSpec> baseline;
  // Fresh starts of the best configuration. nullopt: 1 if the search is adaptive and the result is uncertain, else 0.
  std::optional<int> confirmations;
  Reuse reuse = Reuse::kNone;
  int max_experiments = 40;
  std::optional<double> budget_gpu_hours;  // hard limit: an experiment starts only if it fits
  std::optional<Seconds> budget_deadline;  // time since the start of the task
  std::int64_t seed = 1;
  Seconds experiment_timeout{45 * 60}, startup_timeout{30 * 60}, scheduling_timeout{30 * 60},
      image_pull_timeout{15 * 60};
  int retries = 2;
};

struct SloSpec {
  std::map<std::string, double> ttft, tpot, itl, e2e_latency;  // ms, by statistic: "p50" "p90" "p95" "p99" "mean"
  double error_rate = 0.01;                                    // maximum share of failed requests, in [0, 1]
  std::optional<double> attainment;  // minimum share of requests that meet every limit, in (0, 1]
  [[nodiscard]] bool HasBound() const { return !(ttft.empty() && tpot.empty() && itl.empty() && e2e_latency.empty()); }
};

struct DatasetSpec {
  std::string config_map, claim;  // name of a ConfigMap or a PersistentVolumeClaim; exactly one is set
  std::string file;               // key of the ConfigMap, or path in the volume
  measurement::DatasetFormat format = measurement::DatasetFormat::kJsonl;
  std::optional<int> output_tokens;  // for entries without an output length
};

inline constexpr const char* kDefaultScenario = "D(512,128)";

struct BenchmarkSpec {
  measurement::Endpoint endpoint = measurement::Endpoint::kCompletions;
  std::vector<std::string> scenarios;  // empty = kDefaultScenario, or none if there is a dataset
  std::optional<DatasetSpec> dataset;
  measurement::Prefix prefix;
  measurement::Turns turns;
  measurement::LoadPlan load;
  measurement::Arrival arrival;
  Seconds duration{60}, drain{30}, warmup{60};
  std::optional<Seconds> request_timeout;
  std::string records_claim;
  std::int64_t seed = 1;
  std::string image;  // tools image; "" = that of the operator's configuration
  json resources = json::object();
  json env = json::array();
};
// Maximum number of points in a result: scenarios times loads. A search counts as 3 loads.
std::size_t PointsOf(const BenchmarkSpec& benchmark);

// Dataset of questions with reference answers; see measurement/questions.h.
struct QuestionsSpec {
  std::string config_map, claim;  // name of a ConfigMap or a PersistentVolumeClaim; exactly one is set
  std::string file;               // key of the ConfigMap, or path in the volume
  int answer_tokens = 256;
};

struct QualitySpec {
  bool measure = true;  // true = Auto, false = Off
  std::optional<QuestionsSpec> dataset;
  std::optional<double> max_degradation;  // maximum growth of perplexity over the baseline, as a share: 0.01 = 1 %
};

struct PodTemplateSpec {
  std::map<std::string, std::string> labels, annotations;
  json security_context;
  std::string service_account_name;
  json image_pull_secrets = json::array(), volumes = json::array(), volume_mounts = json::array();
};

inline constexpr std::array<std::string_view, 8> kRecommendationTargets = {
    "Deployment", "LLMInferenceService", "InferenceService", "LLMD", "DynamoGraphDeployment", "LeaderWorkerSet",
    "Command",    "DockerCompose"};

struct RecommendationSpec {
  // Formats for the best configuration, in the order of the spec, without duplicates.
  std::vector<std::string> targets = {"Deployment"};
  // A Deployment in the task's namespace with which the best configuration is compared.
  struct DiffAgainst {
    std::string deployment;
    std::string container;  // "" = the container that serves the model
    bool operator==(const DiffAgainst&) const = default;
  };
  std::optional<DiffAgainst> diff_against;
};

enum class KeepPods { kNever, kOnFailure, kAlways };

// Time from the end of the task until deletion. nullopt = the default in the operator's configuration, else never.
struct RetentionSpec {
  std::optional<Seconds> pods;  // of pods that `keep_pods` keeps
  std::optional<Seconds> task;  // of the task, its pods and its recommendation
};
inline constexpr Seconds kLongestRetention = std::chrono::hours(24 * 7 * 52);

struct TaskSpec {
  std::string description;
  bool suspend = false;
  std::optional<int> parallelism;  // nullopt = see reconcile::ParallelismOf
  // Checkpoints to compare: spec.models, or spec.model as the only entry. Never empty.
  std::vector<ModelSpec> models = std::vector<ModelSpec>(1);
  std::string base_runtime;  // "" if the spec has `runtimes`
  std::vector<RuntimeSpec> runtimes;
  quant::QuantSpec quant;
  // Values to try, by engine flag; at least one value each.
  std::map<std::string, std::vector<quant::FlagValue>> parameters;
  // Sizes to try; empty = not set.
  std::vector<int> tensor_parallel, pipeline_parallel, data_parallel, expert_parallel;
  // Types of GPU to compare: spec.gpus, or spec.gpu as the only entry. Never empty.
  std::vector<GpuSpec> gpus = std::vector<GpuSpec>(1);
  OptimizationSpec optimization;
  SloSpec slo;
  BenchmarkSpec benchmark;
  QualitySpec quality;
  RecommendationSpec recommendation;
  PodTemplateSpec pod_template;
  KeepPods keep_pods = KeepPods::kOnFailure;
  RetentionSpec retention;
};

// Index of the reference checkpoint, which baselines use: the entry with `reference`, else the first.
std::size_t ReferenceModel(const TaskSpec& spec);
// Path of a checkpoint in the spec: "spec.model" or "spec.models[1]".
std::string ModelPath(const TaskSpec& spec, std::size_t model);
// The same for people, with the name: "spec.models[1] (awq)".
std::string ModelTitle(const TaskSpec& spec, std::size_t model);
// Index by name; nullopt if the spec has no checkpoint of this name.
std::optional<std::size_t> FindModel(const TaskSpec& spec, const std::string& name);

// "spec.gpu" or "spec.gpus[1]".
std::string GpuPath(const TaskSpec& spec, std::size_t gpu);
// "spec.gpus[1] (l40s)".
std::string GpuTitle(const TaskSpec& spec, std::size_t gpu);
// Index by name; nullopt if the spec has no type of this name.
std::optional<std::size_t> FindGpu(const TaskSpec& spec, const std::string& name);
// Index of the type on which baselines run if they fit there: optimization.baseline.gpu, else the first.
std::size_t BaselineGpu(const TaskSpec& spec);

enum class ExperimentState { kPending, kStarting, kMeasuring, kSucceeded, kFailed };

// A point of an experiment, and whether it meets the SLO of the current spec.
struct LoadRow {
  measurement::Point measured;
  bool meets_slo = true;
};

// Quality of an experiment. Except for `measured` and `mean`, it is relative to the runtime's baseline, and "" if there
// is nothing to compare. Strings are decimals; `mean`, `delta` and `ci` are in nats per token.
struct QualityStatus {
  measurement::Quality measured;
  std::string mean, delta, ci;  // mean NLL, its change, and the half-width of the change's interval
  std::string growth;           // of perplexity, as a share
  bool per_byte = false;        // measurement::QualityChange::per_byte
  std::string cache;            // measurement::CacheUseName
  // Agreement of greedy answers with the baseline, its interval, and agreement of the baseline with itself.
  std::string agreement, agreement_ci, own_agreement;
  std::string pass_rate, pass_low, pass_high, p_value;  // measurement::PassRateChange
  int lost = 0, gained = 0;                             // measurement::PassRateChange
  std::string gate;                                     // measurement::QualityGateName; "" without a quality limit
};

struct ExperimentStatus {
  std::string name;  // "e7-3fa2c1": sequence number, and first six digits of the hash
  std::string hash;  // content hash of the candidate, 16 hexadecimal digits
  ExperimentState state = ExperimentState::kPending;
  std::string model;  // ModelSpec::name
  std::string runtime;
  std::string gpu;  // GpuSpec::name
  quant::QuantConfig quant;
  bool baseline = false;
  bool deployed = false;       // true for the configuration of optimization.baseline.command or deploymentRef
  std::string confirms;        // experiment of which this is a fresh start; "" = none
  std::string reused_from;     // source of a reused measurement: "task/experiment"; "" = measured by this task
  double allowed_seconds = 0;  // maximum duration of one attempt within the budget, with its start; 0 = no limit
  std::vector<std::string> args;
  std::string options;                     // the engine's options file; "" = none
  std::map<std::string, std::string> env;  // variables that the quantization requires
  std::string apart_from_cache;            // quant::LaunchPlan::apart_from_cache
  int gpus = 0;
  std::string node, gpu_product;
  std::string driver;          // version of the GPU driver, as reported by the launcher
  std::string image_id;        // of the engine, as resolved by the kubelet: "registry/repository@sha256:..."
  std::string engine_version;  // as reported by the engine; "" = not reported
  std::vector<quant::Warning> warnings;
  std::vector<LoadRow> loads;
  std::string score;        // decimal; "" = none
  std::string score_ci;     // half-width of its 95 % interval, decimal; "" = not known
  std::string score_basis;  // tuning::ScoreBasisName; "" without a score
  std::string score_bound;  // of an estimate: the highest possible score, decimal
  // Reason for which the load search stopped (measurement::StopReasonName); comma-separated if scenarios differ.
  std::string stopped;
  std::optional<QualityStatus> quality;
  bool simulated = false;
  std::string reason, message;  // of a failure; `reason` is a bench::FailureReasonName
  std::string started_at, finished_at;
  double start_seconds = 0, measure_seconds = 0;
  int attempts = 0;             // number of pods created so far, including the running one
  int failures = 0;             // attempts in this generation that the infrastructure ended; `retries` are retried
  std::string retry_at;         // RFC 3339; "" = no retry is pending
  double wasted_gpu_hours = 0;  // cost of earlier attempts
  bool truncated = false;       // see EnforceSizeLimits
};

// Number of candidates without an experiment, by reason.
struct NotTried {
  std::string reason;  // tuning::search::ReasonName, or LikelyToFail
  int count = 0;
};

// Number of pruned candidates with the same reason, and one of them.
struct PrunedReason {
  std::string reason;
  int count = 0;
  std::string example;
};

inline constexpr double kSecondsPerHour = 3600;

// GPU time: duration times number of GPUs.
struct GpuSeconds {
  double start = 0;    // of engine starts, in successful attempts
  double measure = 0;  // of measurements, in successful attempts
  double wasted = 0;   // of failed, retried and stopped attempts
  [[nodiscard]] double Total() const { return start + measure + wasted; }
  GpuSeconds& operator+=(const GpuSeconds& other) {
    start += other.start;
    measure += other.measure;
    wasted += other.wasted;
    return *this;
  }
};
// By GpuSpec::name.
using GpuSecondsByType = std::map<std::string, GpuSeconds>;
GpuSeconds SumOf(const GpuSecondsByType& seconds);

// Inputs of the expansion that created `experiments`. A difference from the current spec requires a new expansion. Two
// further inputs are TaskStatus::rules_version and TaskStatus::gpus.
struct ExpandedFor {
  std::int64_t generation = 0;  // the latest generation of the spec with these inputs
  int hash_scheme = 1;          // tuning::kHashScheme of the hashes below and of experiments[].hash
  std::string model_source;     // ModelStatus::source of the facts
  std::string spec;             // hash of the fields of the spec that the expansion reads
  // Inputs of a measurement other than the candidate. Key: MeasuredWith().
  struct Runtime {
    std::string image;  // of the spec, else the default of the compatibility table
    std::string hash;   // of model, workload, GPUs, pod, and the runtime's image, command, env, ...
    bool operator==(const Runtime&) const = default;
  };
  std::map<std::string, Runtime> runtimes;
  bool operator==(const ExpandedFor&) const = default;
};

// Key of ExpandedFor::runtimes: the name of the runtime, with those of checkpoint and type of GPU if the task has
// several: "vllm/awq@l40s".
std::string MeasuredWith(const std::string& runtime, const std::string& model, const std::string& gpu);
std::string MeasuredWith(const ExperimentStatus& experiment);

// Inspection pods of one checkpoint.
struct InspectionStatus {
  std::int64_t generation = 0;  // of the spec, for which the latest pod was created
  int attempts = 0;             // number of the latest pod; numbers are never reused
  int failures = 0;             // in this generation
  std::string retry_at;         // RFC 3339; "" = no retry is pending
  std::string message;          // with a pending retry, the cause of the failure; else a remark about the datasets
  int choice_questions = 0;     // questions of quality.dataset that are judged by the likelihood of their choices
  bool operator==(const InspectionStatus&) const = default;
};

// Differences between a Deployment and the best configuration. The Deployment is read once.
struct Difference {
  enum class Part { kImage, kArguments, kEnvironment, kResources, kNodeSelection };
  struct Line {
    Part part = Part::kImage;
    std::string field;                                // "max-num-seqs", "limits.memory"
    std::optional<std::string> running, recommended;  // values; nullopt = not set
    bool operator==(const Line&) const = default;
  };
  std::string deployment, container;
  std::string experiment;  // the best one; "" = not compared
  std::string read_at;     // RFC 3339
  std::string message;     // reason for which there is no comparison, or a list of parts that are not compared
  int same = 0;            // number of equal arguments, resources, ...
  std::vector<Line> lines;
  [[nodiscard]] bool compared() const { return !experiment.empty(); }
  bool operator==(const Difference&) const = default;
};
std::string_view DifferencePartName(Difference::Part part);  // "Arguments"

// Configuration of spec.optimization.baseline.deploymentRef. The workload is read once.
struct ReadWorkload {
  WorkloadRef ref;      // with the name of the container
  std::string read_at;  // RFC 3339
  DeployedServer server;
  // True if this is the configuration that `asked` refers to.
  [[nodiscard]] bool Answers(const WorkloadRef& asked) const {
    return asked.kind == ref.kind && asked.name == ref.name &&
           (asked.container.empty() || asked.container == ref.container);
  }
  bool operator==(const ReadWorkload&) const = default;
};

// Status of one checkpoint.
struct ModelStatus {
  std::string name;  // ModelSpec::name
  std::optional<checkpoint::ModelFacts> facts;
  std::string source;  // hash of the checkpoint's fields in the spec; after a change it is inspected again
  InspectionStatus inspection;
  bool operator==(const ModelStatus&) const = default;
};

// GPU product of one type of GPU of the spec. It is chosen once, so that all experiments of the type run on the same
// product and new nodes do not change the candidates. It changes only if the spec no longer allows it.
struct GpuStatus {
  std::string name;                // GpuSpec::name
  std::string product;             // "" if no node has GPU labels; the members below are then empty too
  std::string compute_capability;  // "9.0"
  std::int64_t memory_bytes = 0;
  bool shared = false;           // true if pods get shares of a GPU and the name of the product does not show it
  std::string price_per_hour;    // decimal, from the operator's configuration; "" = not known, or given in the spec
  std::string gpu_hours, price;  // cost of this type; "" if the spec has only one type
  std::string unavailable;       // reason for which no further experiment starts on it; "" = available
  bool operator==(const GpuStatus&) const = default;
};

struct TaskStatus {
  std::int64_t observed_generation = -1;
  std::string rules_version;
  std::string state;     // Inspecting Searching Complete Failed Suspended
  std::string progress;  // "7/40"
  std::vector<Condition> conditions;
  std::vector<ModelStatus> models = std::vector<ModelStatus>(1);
  std::optional<ExpandedFor> expanded_for;
  struct Candidates {
    int total = 0, duplicates = 0, pruned = 0, eligible = 0, not_run = 0;
  } candidates;
  std::vector<PrunedReason> pruned_reasons;
  std::vector<NotTried> not_tried;       // after the end of an adaptive search: all candidates without an experiment
  std::vector<quant::Warning> warnings;  // about the whole task
  // Expected cost of an adaptive search, as text for people: "5-9" (80 % interval), "1.1-2 h".
  struct Estimate {
    std::string experiments, gpu_hours, duration;  // of the whole task: finished and expected experiments
    std::string finish_at;                         // RFC 3339: latest end (of the interval); "" = finished
    std::string most_gpu_hours;                    // cost of all candidates at all their loads
    // Estimate before the first experiment, for comparison with the actual cost.
    std::string first_experiments, first_gpu_hours, first_duration;
  };
  std::optional<Estimate> estimate;
  std::vector<ExperimentStatus> experiments;
  struct Best {
    std::string experiment, runtime, quant_name, score, improvement_over_baseline;
    std::string ci;                      // half-width of the score's 95 % interval
    int concurrency = 0;                 // requests in flight at the scored point; of a request rate the mean
    std::string request_rate;            // completed requests/s at the scored point
    std::string tokens_per_second;       // output tokens/s per GPU at the scored point
    std::string price;                   // per million output tokens; "" = no price per GPU-hour is known
    std::vector<std::string> tied_with;  // experiments whose intervals overlap with that of the score
    int starts = 1;                      // number of starts that the score is the mean of
    bool confirmed = false;              // at least one fresh start, and all of them met the limits
    std::string model{};                 // ModelSpec::name
    std::string gpu{};                   // GpuSpec::name
    std::string input_price{};           // like `price`, per million input tokens
    std::string confirmed_rate{};        // requests/s in an open loop that every fresh start met; "" = not measured
    std::string score_basis{};           // ExperimentStatus::score_basis
    std::string score_bound{};           // ExperimentStatus::score_bound
  };
  std::optional<Best> best;
  // Reference load: the request rate at which a latency objective compares all experiments, by scenario. Not used with
  // fixed loads.
  struct ReferenceLoad {
    std::string scenario;
    double request_rate = 0;  // requests/s
    bool operator==(const ReferenceLoad&) const = default;
  };
  std::vector<ReferenceLoad> reference_loads;
  // End of an adaptive search: the reason, and the expected gain of the best candidate that did not run.
  struct Search {
    std::string stopped;        // tuning::search::ReasonName
    std::string message;        // for people
    std::string expected_gain;  // relative to the best score
  };
  std::optional<Search> search;
  int parallelism = 0;  // number of parallel experiments of an adaptive search; 0 = set in the spec, or not yet chosen
  std::vector<std::string> pareto;
  struct Cost {
    std::string gpu_hours = "0", start = "0", measure = "0", wasted = "0", price;
    GpuSecondsByType earlier;  // included above: cost of experiments that an edit of the spec removed or repeated
  } cost;
  std::string recommendation_config_map;
  std::optional<Difference> difference;                     // for spec.recommendation.diffAgainst
  std::vector<GpuStatus> gpus = std::vector<GpuStatus>(1);  // in the order of the spec
  std::optional<ReadWorkload> deployed;
  std::string started_at, finished_at;
};

struct AutotuneTask {
  ObjectMeta metadata;
  TaskSpec spec;
  TaskStatus status;
};

// Reads an object from the API server or a file, and applies the defaults of the CRD. kInvalid: the message names the
// path of the field.
base::Result<AutotuneTask> TaskFromJson(const json& object);
// The whole object. Omits fields with a zero value if the CRD has no default for them.
json ToJson(const AutotuneTask& task);
json ToJson(const TaskSpec& spec);
json ToJson(const TaskStatus& status);
json ToJson(const ExperimentStatus& experiment);
json ToJson(const LoadRow& row);
json ToJson(const Difference& difference);
// Inverse of ToJson, up to the API's precision (latencies 0.1 %, rates 0.01 per second, seconds 0.1, GPU-hours 0.0001).
// Unknown fields, of a newer operator, are ignored.
base::Result<TaskStatus> StatusFromJson(const json& status);

// Name of the additional runtime for the deployed configuration, if its image or resources differ from those of the
// task's runtime: "vllm" gives "vllm-deployed". This runtime has only one experiment.
std::string DeployedRuntimeName(const std::string& runtime);
// The inverse: "vllm-deployed" gives "vllm"; other names are returned unchanged.
std::string WithoutDeployed(const std::string& runtime);

// Experiment with which the experiments of a runtime are compared: the deployed configuration, else the baseline of the
// runtime; null if there is neither.
const ExperimentStatus* ComparedWith(const std::vector<ExperimentStatus>& experiments, const std::string& runtime);
// Experiment with which their quality is compared: the baseline of the runtime, which serves the reference checkpoint.
// "vllm-deployed" uses the baseline of "vllm". Null if there is none.
const ExperimentStatus* QualityReference(const std::vector<ExperimentStatus>& experiments, const std::string& runtime);

// Facts of the checkpoint with this name; null if they are not known.
const checkpoint::ModelFacts* FactsOf(const TaskStatus& status, const std::string& model);
// Status of the type of GPU with this name; an empty GpuStatus if there is none.
const GpuStatus& GpuOf(const TaskStatus& status, const std::string& gpu);
// "NVIDIA-H100-80GB-HBM3"; with several types "h100: NVIDIA-H100-80GB-HBM3, l40s: NVIDIA-L40S"; "" = not known.
std::string GpuProductsText(const TaskStatus& status);
// Short name of a configuration: "kv-cache-fp8"; with several checkpoints "awq/kv-cache-fp8"; with several types of GPU
// "kv-cache-fp8 on l40s".
std::string ConfigurationName(const std::string& model, const std::string& quant_name, const std::string& gpu);
std::string ConfigurationName(const TaskStatus::Best& best);
std::string ConfigurationName(const ExperimentStatus& experiment);

std::string_view ObjectiveName(Objective objective);          // "MaximizeThroughput"
std::string_view ExperimentStateName(ExperimentState state);  // "Succeeded"

// Parses a duration: "500ms", "2h", "1h30m". kInvalid: the message names `path`.
base::Result<std::chrono::milliseconds> ParseDuration(const std::string& text, const std::string& path);
// Shortest form: 61ms, 1.5s, 45m, 2h.
std::string FormatDuration(std::chrono::milliseconds duration);
// Bytes of a Kubernetes quantity: "70Gi", "80G", "1024".
base::Result<std::int64_t> ParseQuantity(const std::string& text, const std::string& path);
// Decimal number for the API: at most `decimals` decimal places, without trailing zeros and exponents. "0" for values
// that are not finite.
std::string FormatDecimal(double value, int decimals);

// Limits each experiment to 2 KiB and the status to 768 KiB, so that the object stays below 1 MiB.
//
// An experiment above its limit loses load rows, the least decisive first, then the ends of options, warnings, args and
// message; `truncated` is then set. Experiments in `keep_all_loads` (most important first) keep all rows: only one of
// their rows counts for the 2 KiB, and the others are removed only if the status is too large. Also replaces bytes that
// are not valid UTF-8, which JSON cannot contain.
void EnforceSizeLimits(TaskStatus& status, const std::vector<std::string>& keep_all_loads);

}  // namespace autotune::api
