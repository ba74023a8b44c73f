// Builds the pods of a task: one experiment is one pod, and so is one inspection of a checkpoint.
//
// Pure. Experiment pod: init container `install` copies the static launcher into an emptyDir; native sidecar `engine`
// runs the engine under the launcher; main container `bench` measures, reports in its termination message and ends the
// pod. PodEnvironment has the location of things (port, paths, images) and is not hashed.
#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "bench/bench_spec.h"
#include "operator/api/autotune_task.h"
#include "operator/experiment/node_view.h"
#include "operator/experiment/pod_policy.h"
#include "operator/experiment/tool_resources.h"
#include "quant/launch_plan.h"

namespace autotune::experiment {

// Maximum time in which a running inspection pod may read a model's files.
inline constexpr std::chrono::seconds kInspectTimeout{600};

// Names that are visible in the cluster.
inline constexpr const char* kManagedByLabel = "app.kubernetes.io/managed-by";
inline constexpr const char* kManagedByValue = "autotune-operator";
inline constexpr const char* kTaskLabel = "autotuner.io/task";             // task name, cut to 63
inline constexpr const char* kRoleLabel = "autotuner.io/role";             // experiment | inspect
inline constexpr const char* kHashLabel = "autotuner.io/experiment-hash";  // 16 digits
inline constexpr const char* kModelLabel = "autotuner.io/model";           // ModelSpec::name, with several checkpoints
inline constexpr const char* kGpuLabel = "autotuner.io/gpu";               // GpuSpec::name, with several types
inline constexpr const char* kAttemptLabel = "autotuner.io/attempt";
inline constexpr const char* kOptionsAnnotation = "autotuner.io/engine-options";
inline constexpr const char* kOperatorAnnotation = "autotuner.io/operator";  // PodEnvironment::operator_name
inline constexpr const char* kOptionsFile = "options.yaml";                  // in PodEnvironment::options_dir

inline constexpr const char* kDatasetDir = "/dataset";      // in the bench container, with spec.benchmark.dataset
inline constexpr const char* kQuestionsDir = "/questions";  // in the bench container, with spec.quality.dataset
inline constexpr const char* kRecordsDir = "/records";      // in the bench container, with spec.benchmark.records

struct PodEnvironment {
  bool cluster = true;          // false: local mode, where kubectl shows no pods
  std::string operator_name{};  // namespace/lease of the operator, written to the pods; "" = not written
  std::string tools_image;      // image with launcher and load generator
  std::string tools_pull_policy = "IfNotPresent";
  std::string port = "8000";                  // local mode: "$(AUTOTUNE_PORT)", expanded per process as by a kubelet
  std::string shared_dir = "/autotune";       // the emptyDir in engine and bench
  std::string options_dir = "/etc/autotune";  // downwardAPI volume with the engine's options file
  std::string model_dir = "/models";          // mount path of a model's volume; idOrPath "/x" is model_dir + "/x"
  std::string cache_dir = "/cache";           // mount path of the hub cache claim
  std::string home_dir = "/home/autotune";    // HOME of the engine; "" = that of the image or the user
  std::string dataset_file{};    // local mode: file for spec.benchmark.dataset; "" = mounted at kDatasetDir
  std::string questions_file{};  // the same for spec.quality.dataset and kQuestionsDir
  std::string records_dir = kRecordsDir;
  std::string host = "0.0.0.0";
  std::string termination_log = "/dev/termination-log";
  std::string launch_binary = "/usr/local/bin/autotune-launch";  // in tools_image
  std::string bench_binary = "/usr/local/bin/autotune-bench";
  ToolResources tool_resources;
  PodPolicy policy;
};

// Hints for one run of bench: they only decide when it stops or which load it measures, and are not hashed.
struct BenchHints {
  int vocab_size = 0;                                // of the model; 0 = not known
  std::vector<std::optional<double>> score_to_beat;  // per scenario, or empty: no racing
  std::vector<std::optional<double>> score_to_beat_ci;
  std::vector<std::optional<measurement::PredictedLoads>> predictions;
  std::vector<std::optional<double>> admitted;
  std::vector<std::optional<double>> reference;  // requests/s at which latencies are compared, if known
  // Quality of the runtime's baseline: the corpus is read until the limit is decided, or the difference precise enough.
  std::optional<measurement::Quality> quality_reference;
  bool only_cache_differs = false;              // the KV cache is the only difference from that baseline
  std::vector<std::optional<double>> start;     // the load to measure first
  bool confirms = false;                        // a fresh start: `start` is the limit to confirm
  std::optional<std::chrono::seconds> allowed;  // for the whole attempt, from the engine's start
};

// One candidate as input of the builder.
struct Experiment {
  std::string hash;  // content hash, 16 digits
  int attempt = 1;
  std::size_t model = 0;     // index into TaskSpec::models
  std::size_t gpu = 0;       // index into TaskSpec::gpus
  api::RuntimeSpec runtime;  // image resolved
  quant::EngineTraits traits;
  quant::LaunchPlan plan;
  BenchHints hints{};
};

// One placement for all experiments on a type of GPU, except for nodes to avoid: configurations are compared on the
// same GPUs.
struct Placement {
  std::optional<quant::ComputeCapability> min_capability;  // the strictest minimum of the eligible candidates
  std::string pinned_product;                              // product chosen for the type; "" = nodes have no GPU labels
  bool nodes_are_labelled = true;                          // false: derived terms are left out (with a warning)
  std::string avoided_node{};                              // for one pod: node of its last attempt's fault; "" = none
};

// "<task>-<10 hex digits of hash(task UID, content hash, attempt)>", at most 63 characters, a DNS label.
std::string PodName(const api::AutotuneTask& task, const std::string& hash, int attempt);
// Revision for engines: the commit that the inspection found, so all experiments and the deployment load the same
// files. The revision of the spec if the hub reported no commit.
std::string ModelRevision(const api::AutotuneTask& task, std::size_t model);
// True if the task has datasets: every inspection pod reads them, with its model's context, before an experiment runs.
bool ReadsDatasets(const api::TaskSpec& spec);
// Sources of the datasets, for comparison.
std::string DatasetSourceOf(const api::TaskSpec& spec);

std::string InspectPodName(const api::AutotuneTask& task, std::size_t model, int attempt);

// Latency objectives compare configurations at this share of the requests/s at the baseline's limit.
inline constexpr double kReferenceShare = 0.7;
// Value of a point for an objective.
measurement::ScoreMetric ScoreMetricOf(api::Objective objective);
// Specification of the measurement, common to all candidates. Part of the content hash; with fixed loads without
// attainment, the SLO is not hashed, because it does not change these measurements.
base::Result<bench::BenchSpec> BenchSpecOf(const api::TaskSpec& spec);
// Rewrites a message of bench::CheckBenchSpec with the task's paths: "spec.load: ..." becomes "spec.benchmark.load:
// ..."; "spec.slo" is unchanged.
std::string BenchmarkPath(const std::string& message);
measurement::Slo SloOf(const api::SloSpec& slo);
// Everything of the task, except the candidate, that influences a result: canonical JSON for the content hash (model,
// GPU request, workload, the user's pod settings). Independent of field order and of defaults.
std::string HashedContext(const api::TaskSpec& spec, std::size_t model, std::size_t gpu);

nlohmann::json BuildExperimentPod(const api::AutotuneTask& task, const Experiment& experiment,
                                  const Placement& placement, const PodEnvironment& environment);
nlohmann::json BuildInspectPod(const api::AutotuneTask& task, std::size_t model, int attempt,
                               const PodEnvironment& environment);

// Checks spec fields that the schema accepts but a pod cannot have (rejected by the policy, a reserved flag in
// runtimes[].args, a reserved env name, ...): kInvalid with the field's path.
base::Status CheckPodInputs(const api::TaskSpec& spec, const std::vector<quant::EngineTraits>& traits,
                            const PodEnvironment& environment);

}  // namespace autotune::experiment
