// AutotuneTask (autotuner.io/v1alpha1) as C++ values: the typed projection of the custom resource.
//
// Pure values, thread-safe. crds/autotunetask.yaml is the source of truth for shapes, bounds and defaults; FromJson
// applies the same defaults, so local mode (no API server) and a cluster read the same task. Objects that the operator
// only passes through to a pod (tolerations, volumes, ...) stay JSON text.
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

// The uid of a task of local mode begins with it: no API server has the task.
inline constexpr std::string_view kLocalUid = "local-";
// True as well without a uid.
bool IsLocal(const ObjectMeta& metadata);

struct ModelSpec {
  std::string name;        // of one checkpoint of spec.models; "" = spec.model, the only one
  bool reference = false;  // see ReferenceModel
  std::string id_or_path;
  std::string revision;  // "" = the hub's default, which is "main" for every engine
  // Revision that differs from the default; "" for "main".
  [[nodiscard]] std::string OwnRevision() const { return revision == "main" ? "" : revision; }
  json volume;  // null, or an object with exactly one of persistentVolumeClaim, image, hostPath
  struct HuggingFace {
    std::string token_secret_name, token_secret_key;
    std::string endpoint = "https://huggingface.co";
    std::string cache_claim;
  } hugging_face;
  json facts;                // null, or an inline config.json: no inspect pod
  std::string quantization;  // overrides detection
};

struct RuntimeSpec {
  std::string name, engine, image, version;
  std::vector<std::string> command, args;
  json env = json::array();
  json resources = json::object();
  json security_context;  // null = the builder's default
};

// One type of GPU, and how pods get it.
struct GpuSpec {
  std::string name;  // of one type of spec.gpus; "" = spec.gpu, the only one
  std::string resource_name = "nvidia.com/gpu";
  std::vector<std::string> products;
  std::string min_memory;  // a quantity
  std::string min_compute_capability;
  json node_selector = json::object(), tolerations = json::array(), affinity;
  std::string runtime_class_name, priority_class_name, scheduler_name, queue_name;
  std::string price_per_hour;  // decimal, per GPU-hour; "" = the price of the operator's configuration, if it has one
  std::map<std::string, std::string> images{};  // by runtime, instead of RuntimeSpec::image; only in spec.gpus
};

enum class Strategy { kAdaptive, kGrid, kRandom };
// In the order of the schema's list.
enum class Objective {
  kMaximizeThroughput,
  kMaximizeGoodput,
  kMinimizeCost,
  kMinimizeLatency,
  kMinimizeTtft,
  kMinimizeTpot
};

// A workload of the task's namespace that serves the model in production.
struct WorkloadRef {
  std::string kind = "Deployment";  // one of kWorkloadKinds
  std::string name;
  std::string container;  // "" = the one that serves the model
  bool operator==(const WorkloadRef&) const = default;
};
inline constexpr std::array<std::string_view, 3> kWorkloadKinds = {"Deployment", "LeaderWorkerSet",
                                                                   "LLMInferenceService"};

// A production server, as pasted or read.
struct DeployedServer {
  std::string image;                       // "" = not known
  std::vector<std::string> words;          // its command line; arguments of the image's entrypoint if it has no program
  std::map<std::string, std::string> env;  // of its engine, without secrets
  std::vector<std::string> left_out;       // settings that no experiment has: "HF_TOKEN"
  std::map<std::string, std::string> limits{}, requests{};  // of its container, as quantities by resource
  std::vector<std::string> pull_secrets{};                  // of its pod
  std::map<std::string, std::string> mounts{};  // of a pasted docker run: directory in the container, and its source
  bool operator==(const DeployedServer&) const = default;
};

// Configuration that candidates are compared with, such as the one in production.
struct BaselineSpec {
  std::string runtime;  // whose baseline this is; "" = every runtime's
  std::string gpu;      // GpuSpec::name of the type that baselines run on; see BaselineGpu
  std::string preset;   // "" = default
  std::map<std::string, quant::FlagValue> parameters;
  // Production configuration instead of preset and parameters: its command, or the workload that has it.
  std::string command{};
  std::optional<WorkloadRef> deployment_ref{};
  // Configuration of deployment_ref, from the status; nullopt until it is read. Not a field of the spec.
  std::optional<DeployedServer> deployed{};
  [[nodiscard]] bool IsDeployed() const { return !command.empty() || deployment_ref.has_value(); }
  bool operator==(const BaselineSpec&) const = default;
};

enum class Reuse { kNone, kNamespace };  // of measurements of finished tasks of the namespace

struct OptimizationSpec {
  std::optional<Strategy> strategy;  // unset = kAdaptive
  Objective objective = Objective::kMaximizeThroughput;
  std::optional<BaselineSpec> baseline;
  // Fresh starts of the best configuration. Unset: one, if the search is adaptive and the result is uncertain.
  std::optional<int> confirmations;
  Reuse reuse = Reuse::kNone;
  int max_experiments = 40;
  std::optional<double> budget_gpu_hours;  // hard: nothing starts that would not fit
  std::optional<Seconds> budget_deadline;  // from the task's start
  std::int64_t seed = 1;
  Seconds experiment_timeout{45 * 60}, startup_timeout{30 * 60}, scheduling_timeout{30 * 60},
      image_pull_timeout{15 * 60};
  int retries = 2;
};

// Limits in milliseconds by statistic ("p50" "p90" "p95" "p99" "mean").
struct SloSpec {
  std::map<std::string, double> ttft, tpot, itl, e2e_latency;
  double error_rate = 0.01;          // share of requests that may fail, 0..1
  std::optional<double> attainment;  // share of requests that must meet every limit, (0, 1]
  [[nodiscard]] bool HasBound() const { return !(ttft.empty() && tpot.empty() && itl.empty() && e2e_latency.empty()); }
};

struct DatasetSpec {
  std::string config_map, claim;  // exactly one of them
  std::string file;               // key of the ConfigMap, or path inside the claim's volume
  measurement::DatasetFormat format = measurement::DatasetFormat::kJsonl;
  std::optional<int> output_tokens;  // for entries without an output length
};

inline constexpr const char* kDefaultScenario = "D(512,128)";

struct BenchmarkSpec {
  measurement::Endpoint endpoint = measurement::Endpoint::kCompletions;
  std::vector<std::string> scenarios;  // empty: kDefaultScenario, unless there is a dataset
  std::optional<DatasetSpec> dataset;
  measurement::Prefix prefix;
  measurement::Turns turns;
  measurement::LoadPlan load;
  measurement::Arrival arrival;
  Seconds duration{60}, drain{30}, warmup{60};
  std::optional<Seconds> request_timeout;
  std::string records_claim;
  std::int64_t seed = 1;
  std::string image;  // "" = the operator's own
  json resources = json::object();
  json env = json::array();
};
// Maximum number of points of a result: scenarios times loads; a search counts as 3 loads.
std::size_t PointsOf(const BenchmarkSpec& benchmark);

// Questions with references; measurement/questions.h.
struct QuestionsSpec {
  std::string config_map, claim;  // exactly one of them
  std::string file;               // key of the ConfigMap, or path inside the claim's volume
  int answer_tokens = 256;
};

struct QualitySpec {
  bool measure = true;  // Auto; Off
  std::optional<QuestionsSpec> dataset;
  std::optional<double> max_degradation;  // growth of perplexity over the baseline's, as a share: 0.01 = 1 %
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
  // Formats of the best configuration, in the requested order, each once.
  std::vector<std::string> targets = {"Deployment"};
  // A Deployment of the task's namespace that the best is compared with.
  struct DiffAgainst {
    std::string deployment;
    std::string container;  // "" = the one that serves the model
    bool operator==(const DiffAgainst&) const = default;
  };
  std::optional<DiffAgainst> diff_against;
};

enum class KeepPods { kNever, kOnFailure, kAlways };

// How long after the end; unset = until somebody deletes them, or as long as the operator keeps them by default.
struct RetentionSpec {
  std::optional<Seconds> pods;  // those that `keepPods` keeps
  std::optional<Seconds> task;  // the task, with its pods and its recommendation
};
inline constexpr Seconds kLongestRetention = std::chrono::hours(24 * 7 * 52);

struct TaskSpec {
  std::string description;
  bool suspend = false;
  std::optional<int> parallelism;  // unset: chosen by the search (reconcile::PlacesOf)
  // The checkpoints to compare: spec.models, or spec.model as the only one. Never empty.
  std::vector<ModelSpec> models = std::vector<ModelSpec>(1);
  std::string base_runtime;  // "" when `runtimes` is used
  std::vector<RuntimeSpec> runtimes;
  quant::QuantSpec quant;
  // Engine flag -> its axis: one or more values.
  std::map<std::string, std::vector<quant::FlagValue>> parameters;
  std::vector<int> tensor_parallel, pipeline_parallel, data_parallel, expert_parallel;  // empty = not set
  // The types of GPU to compare: spec.gpus, or spec.gpu as the only one. Never empty.
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

// The checkpoint that baselines use and that the others are compared with: the one with `reference`, else the first.
std::size_t ReferenceModel(const TaskSpec& spec);
// "spec.model" or "spec.models[1]".
std::string ModelPath(const TaskSpec& spec, std::size_t model);
// The same for people, with the name: "spec.models[1] (awq)".
std::string ModelTitle(const TaskSpec& spec, std::size_t model);
// By name; nullopt if the spec has no such checkpoint any more.
std::optional<std::size_t> FindModel(const TaskSpec& spec, const std::string& name);

// The same for types of GPU: "spec.gpu" or "spec.gpus[1]", "spec.gpus[1] (l40s)", by name.
std::string GpuPath(const TaskSpec& spec, std::size_t gpu);
std::string GpuTitle(const TaskSpec& spec, std::size_t gpu);
std::optional<std::size_t> FindGpu(const TaskSpec& spec, const std::string& name);
// The type that baselines run on where they can: optimization.baseline.gpu, else the first.
std::size_t BaselineGpu(const TaskSpec& spec);

enum class ExperimentState { kPending, kStarting, kMeasuring, kSucceeded, kFailed };

struct LoadRow {
  measurement::Point measured;
  bool meets_slo = true;
};

// All members except `measured` are relative to the runtime's baseline; "" if there is nothing to compare. `mean`,
// `delta` and `ci` are decimals in nats per token, shares and p-values decimals.
struct QualityStatus {
  measurement::Quality measured;
  std::string mean, delta, ci;
  std::string growth;                                   // of perplexity, as a share
  bool per_byte = false;                                // measurement::QualityChange's
  std::string cache;                                    // measurement::CacheUseName
  std::string agreement, agreement_ci, own_agreement;   // greedy answers; the baseline's with itself
  std::string pass_rate, pass_low, pass_high, p_value;  // of the dataset's questions
  int lost = 0, gained = 0;
  std::string gate;  // measurement::QualityGateName, under a bound
};

struct ExperimentStatus {
  std::string name;  // "e7-3fa2c1": running number, first six digits of the hash
  std::string hash;  // 16 hexadecimal digits of the content hash
  ExperimentState state = ExperimentState::kPending;
  std::string model;  // ModelSpec::name
  std::string runtime;
  std::string gpu;  // GpuSpec::name
  quant::QuantConfig quant;
  bool baseline = false;
  bool deployed = false;       // the configuration of optimization.baseline.command or deploymentRef
  std::string confirms;        // experiment that this one repeats with a fresh start; "" = none
  std::string reused_from;     // "task/experiment" of the namespace with the measurement; "" = measured by this task
  double allowed_seconds = 0;  // of GPU time that the budget allows for one attempt, including its start; 0 = no limit
  std::vector<std::string> args;
  std::string options;                     // the engine's options file, where it has one
  std::map<std::string, std::string> env;  // that the quantization sets for the engine
  std::string apart_from_cache;            // quant::LaunchPlan's
  int gpus = 0;
  std::string node, gpu_product;
  std::string driver;          // of the GPU, as the launcher saw it
  std::string image_id;        // the engine's, as the kubelet resolved it: "registry/repository@sha256:..."
  std::string engine_version;  // as reported by the engine, "" = not reported
  std::vector<quant::Warning> warnings;
  std::vector<LoadRow> loads;
  std::string score;        // decimal, "" = none
  std::string score_ci;     // half-width of its 95 % interval, decimal, "" = not known
  std::string score_basis;  // tuning::ScoreBasisName, "" without a score
  std::string score_bound;  // of an estimate: that it cannot exceed, decimal
  std::string
      stopped;  // end of its load search: measurement::StopReasonName, comma-separated by scenario if they differ
  std::optional<QualityStatus> quality;
  bool simulated = false;
  std::string reason, message;  // of a failure; bench::FailureReasonName
  std::string started_at, finished_at;
  double start_seconds = 0, measure_seconds = 0;
  int attempts = 0;             // pods created so far, the running one included
  int failures = 0;             // attempts of this generation that the infrastructure ended, limited by `retries`
  std::string retry_at;         // RFC 3339, "" = no retry pending
  double wasted_gpu_hours = 0;  // of earlier attempts
  bool truncated = false;
};

struct NotTried {
  std::string reason;  // tuning::search::ReasonName, or LikelyToFail
  int count = 0;
};

struct PrunedReason {
  std::string reason;
  int count = 0;
  std::string example;
};

inline constexpr double kSecondsPerHour = 3600;

// Time that GPUs were held, times their number.
struct GpuSeconds {
  double start = 0;    // starting engines, of successful attempts
  double measure = 0;  // measuring, of successful attempts
  double wasted = 0;   // failed, retried and stopped attempts
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

// Inputs from which `experiments` were expanded, to be compared with those of the current spec. The rules and the GPUs
// of that expansion are TaskStatus::rules_version and gpus.
struct ExpandedFor {
  std::int64_t generation = 0;  // the last one whose spec asks for these experiments
  int hash_scheme = 1;          // tuning::kHashScheme of the hashes below and of experiments[].hash
  std::string model_source;     // of the model's facts
  std::string spec;             // hash of the fields of the spec that the expansion reads
  // Inputs of a measurement apart from its configuration, by MeasuredWith.
  struct Runtime {
    std::string image;  // resolved: where the spec names none, it comes with the rules
    std::string hash;   // of model, workload, GPUs, pod and the runtime's own image, command, env, ...
    bool operator==(const Runtime&) const = default;
  };
  std::map<std::string, Runtime> runtimes;
  bool operator==(const ExpandedFor&) const = default;
};

// Key of ExpandedFor::runtimes: the runtime's name, with those of checkpoint and GPU type where there are several:
// "vllm/awq@l40s".
std::string MeasuredWith(const std::string& runtime, const std::string& model, const std::string& gpu);
std::string MeasuredWith(const ExperimentStatus& experiment);

// The pods that read one checkpoint.
struct InspectionStatus {
  std::int64_t generation = 0;  // that the latest pod reads the model for
  int attempts = 0;             // the number of the latest pod; never given twice
  int failures = 0;             // of this generation
  std::string retry_at;         // RFC 3339, "" = no retry pending
  std::string message;          // while a retry is pending, why the latest one failed; else how it read the datasets
  int choice_questions = 0;     // of quality.dataset, judged by the likelihood of choices
  bool operator==(const InspectionStatus&) const = default;
};

// Differences between a Deployment, read once, and the best configuration.
struct Difference {
  enum class Part { kImage, kArguments, kEnvironment, kResources, kNodeSelection };
  struct Line {
    Part part = Part::kImage;
    std::string field;                                // "max-num-seqs", "limits.memory"
    std::optional<std::string> running, recommended;  // nullopt = not there
    bool operator==(const Line&) const = default;
  };
  std::string deployment, container;
  std::string experiment;  // that it is compared with
  std::string read_at;     // RFC 3339
  std::string message;     // reason for no comparison, or parts that are left out
  int same = 0;            // arguments, resources, ... that both have
  std::vector<Line> lines;
  [[nodiscard]] bool compared() const { return !experiment.empty(); }
  bool operator==(const Difference&) const = default;
};
std::string_view DifferencePartName(Difference::Part part);  // "Arguments"

// The workload of spec.optimization.baseline.deploymentRef, read once.
struct ReadWorkload {
  WorkloadRef ref;      // includes the container that was read
  std::string read_at;  // RFC 3339
  DeployedServer server;
  [[nodiscard]] bool Answers(const WorkloadRef& asked) const {
    return asked.kind == ref.kind && asked.name == ref.name &&
           (asked.container.empty() || asked.container == ref.container);
  }
  bool operator==(const ReadWorkload&) const = default;
};

// One checkpoint of the spec, in its order.
struct ModelStatus {
  std::string name;  // ModelSpec::name
  std::optional<checkpoint::ModelFacts> facts;
  std::string source;  // hash of the spec's fields for the checkpoint; a change starts another inspection
  InspectionStatus inspection;
  bool operator==(const ModelStatus&) const = default;
};

// The GPUs of one type of the spec that the experiments were expanded for and run on: chosen once, so that all
// configurations of the type run on the same GPUs and changes of nodes do not change candidates. They change only if
// the spec no longer allows them. Empty if no node has GPU labels.
struct GpuStatus {
  std::string name;  // GpuSpec::name
  std::string product;
  std::string compute_capability;  // "9.0"
  std::int64_t memory_bytes = 0;
  bool shared = false;           // pods get shares of cards, though the product's name does not say it
  std::string price_per_hour;    // decimal, of the operator's configuration; "" = not known, or the spec has one
  std::string gpu_hours, price;  // spent on this type, with several
  std::string unavailable;       // reason for which nothing more starts on it; "" = it does
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
  std::vector<NotTried> not_tried;       // of an adaptive search that has ended; with the experiments, all candidates
  std::vector<quant::Warning> warnings;  // of the task as a whole
  // Expected cost of an adaptive search, as text for people: "5-9" (80 % interval), "1.1-2 h".
  struct Estimate {
    std::string experiments, gpu_hours, duration;  // of the whole task: past and expected experiments
    std::string finish_at;                         // RFC 3339: the interval's end, while something is left to do
    std::string most_gpu_hours;                    // all candidates at all their loads
    // Estimate before the first start, for comparison with the actual cost.
    std::string first_experiments, first_gpu_hours, first_duration;
  };
  std::optional<Estimate> estimate;
  std::vector<ExperimentStatus> experiments;
  struct Best {
    std::string experiment, runtime, quant_name, score, improvement_over_baseline;
    std::string ci;                      // half-width of the score's 95 % interval
    int concurrency = 0;                 // requests in flight at the scored point, offered or mean
    std::string request_rate;            // requests/s there
    std::string tokens_per_second;       // output tokens/s per GPU there
    std::string price;                   // per million output tokens; "" = no price per hour is known
    std::vector<std::string> tied_with;  // experiments whose intervals overlap with it
    int starts = 1;                      // fresh starts that the score is the mean of
    bool confirmed = false;              // a fresh start met the limits
    std::string model{};                 // ModelSpec::name
    std::string gpu{};                   // GpuSpec::name
    std::string input_price{};           // as `price`, per million input tokens
    std::string confirmed_rate{};        // requests/s that every fresh start kept in an open loop; "" = not measured
    std::string score_basis{};           // ExperimentStatus's
    std::string score_bound{};
  };
  std::optional<Best> best;
  // Load at which latencies are compared without fixed loads: one per scenario, the same for all experiments.
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
    std::string expected_gain;  // as a share of the leader
  };
  std::optional<Search> search;
  int parallelism = 0;  // parallel experiments that an adaptive search chose; 0 = not chosen
  std::vector<std::string> pareto;
  struct Cost {
    std::string gpu_hours = "0", start = "0", measure = "0", wasted = "0", price;
    GpuSecondsByType earlier;  // part of the above: experiments that an edit of the spec removed or repeated
  } cost;
  std::string recommendation_config_map;
  std::optional<Difference> difference;                     // from spec.recommendation.diffAgainst
  std::vector<GpuStatus> gpus = std::vector<GpuStatus>(1);  // in the order of the spec's
  std::optional<ReadWorkload> deployed;
  std::string started_at, finished_at;
};

struct AutotuneTask {
  ObjectMeta metadata;
  TaskSpec spec;
  TaskStatus status;
};

// Reads an object as the API server or a file gives it, with the defaults of the CRD. kInvalid names the field's path.
base::Result<AutotuneTask> TaskFromJson(const json& object);
// The whole object; omits fields with a zero value if the CRD has no default for them.
json ToJson(const AutotuneTask& task);
json ToJson(const TaskSpec& spec);
json ToJson(const TaskStatus& status);
json ToJson(const ExperimentStatus& experiment);
json ToJson(const LoadRow& row);
json ToJson(const Difference& difference);
// Inverse of ToJson, up to the API's precision (latencies 0.1 %, rates 0.01 per second, seconds 0.1, GPU-hours 0.0001).
// Unknown fields, of a newer operator, are ignored.
base::Result<TaskStatus> StatusFromJson(const json& status);

// The runtime of what is deployed, where that has another image or other resources than the task's runtime: "vllm"
// and "vllm-deployed". Its only experiment is what is deployed.
std::string DeployedRuntimeName(const std::string& runtime);
// The inverse; the name itself if it is of no such runtime.
std::string WithoutDeployed(const std::string& runtime);

// What the experiments of a runtime are compared with: what is deployed, else the runtime's baseline; null = neither.
const ExperimentStatus* ComparedWith(const std::vector<ExperimentStatus>& experiments, const std::string& runtime);
// What their quality is compared with: the runtime's baseline, which serves the reference checkpoint. A runtime of what
// is deployed has that of the task's runtime, so that quality has one reference.
const ExperimentStatus* QualityReference(const std::vector<ExperimentStatus>& experiments, const std::string& runtime);

// Facts of the checkpoint with this name; null where they are not known.
const checkpoint::ModelFacts* FactsOf(const TaskStatus& status, const std::string& model);
// The GPUs of a type; those of a type without GPUs if the status has none of this name.
const GpuStatus& GpuOf(const TaskStatus& status, const std::string& gpu);
// "NVIDIA-H100-80GB-HBM3", with several types "h100: NVIDIA-H100-80GB-HBM3, l40s: NVIDIA-L40S"; "" = not known.
std::string GpuProductsText(const TaskStatus& status);
// Short name of an experiment's configuration: "kv-cache-fp8", with several checkpoints "awq/kv-cache-fp8", with
// several types of GPU "kv-cache-fp8 on l40s".
std::string ConfigurationName(const std::string& model, const std::string& quant_name, const std::string& gpu);
std::string ConfigurationName(const TaskStatus::Best& best);
std::string ConfigurationName(const ExperimentStatus& experiment);

std::string_view ObjectiveName(Objective objective);          // "MaximizeThroughput"
std::string_view ExperimentStateName(ExperimentState state);  // "Succeeded"

// "500ms", "2h", "1h30m" -> duration; kInvalid with `path` otherwise.
base::Result<std::chrono::milliseconds> ParseDuration(const std::string& text, const std::string& path);
// Shortest form: 61ms, 1.5s, 45m, 2h.
std::string FormatDuration(std::chrono::milliseconds duration);
// Bytes of a Kubernetes quantity: "70Gi", "80G", "1024".
base::Result<std::int64_t> ParseQuantity(const std::string& text, const std::string& path);
// At most `decimals` places, no trailing zeros, never exponents: decimals are strings in the API. "0" for values that
// are not finite, which no API field accepts.
std::string FormatDecimal(double value, int decimals);

// Keeps each experiment below 2 KiB and the object below 1 MiB (the status below 768 KiB: spec and metadata need the
// rest). Too large an entry loses load rows, least decisive first, then the tails of options, warnings, args and
// message, with `truncated` set. Experiments named in `keep_all_loads` (most important first) keep every row, and their
// rows but one are not counted against the 2 KiB; they lose them only where the object would grow too large. Also
// replaces bytes that are not UTF-8, which JSON cannot carry.
void EnforceSizeLimits(TaskStatus& status, const std::vector<std::string>& keep_all_loads);

}  // namespace autotune::api
