// Builds the pod of a candidate: one experiment is one Pod.
//
// Pure. The pod: init container `install` copies the static launcher into an emptyDir; native sidecar `engine` runs the
// engine under the launcher; main container `bench` measures, reports through its termination message and ends the pod.
// Where things run (port, paths, images) comes from PodEnvironment, which is not part of the content hash.
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

// How long an inspect pod may read a model's files, once it runs.
inline constexpr std::chrono::seconds kInspectTimeout{600};

// Names that the cluster sees.
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
  bool cluster = true;          // false: local mode, where kubectl finds no pods
  std::string operator_name{};  // namespace/lease of the operator, which pods carry; "" = they do not
  std::string tools_image;      // our image: launcher and bench
  std::string tools_pull_policy = "IfNotPresent";
  std::string port = "8000";                  // local mode: "$(AUTOTUNE_PORT)", expanded per process as a kubelet does
  std::string shared_dir = "/autotune";       // the emptyDir in engine and bench
  std::string options_dir = "/etc/autotune";  // downwardAPI volume with the engine's options file
  std::string model_dir = "/models";          // where a model's volume is mounted; idOrPath "/x" is model_dir + "/x"
  std::string cache_dir = "/cache";           // hub cache claim
  std::string home_dir = "/home/autotune";    // HOME of the engine; "" = the image's or the user's own
  std::string dataset_file{};    // local mode: file to use as spec.benchmark.dataset; "" = mounted at kDatasetDir
  std::string questions_file{};  // the same for spec.quality.dataset and kQuestionsDir
  std::string records_dir = kRecordsDir;
  std::string host = "0.0.0.0";
  std::string termination_log = "/dev/termination-log";
  std::string launch_binary = "/usr/local/bin/autotune-launch";  // in tools_image
  std::string bench_binary = "/usr/local/bin/autotune-bench";
  ToolResources tool_resources;
  PodPolicy policy;
};

// Hints for one run of bench: they decide when to stop, not what is measured, and are not hashed.
struct BenchHints {
  int vocab_size = 0;                                // of the model; 0 = not known
  std::vector<std::optional<double>> score_to_beat;  // per scenario, or empty: no racing
  std::vector<std::optional<double>> score_to_beat_ci;
  std::vector<std::optional<measurement::PredictedLoads>> predictions;
  std::vector<std::optional<double>> admitted;
  std::vector<std::optional<double>> reference;  // requests/s at which latencies are compared, once known
  // Of the runtime's baseline: the corpus is read until the bound is decided, or the difference is known well enough.
  std::optional<measurement::Quality> quality_reference;
  bool only_cache_differs = false;              // from that baseline
  std::vector<std::optional<double>> start;     // the load to measure first
  bool confirms = false;                        // a fresh start: `start` is the limit to confirm
  std::optional<std::chrono::seconds> allowed;  // for all of the attempt, from the engine's start on
};

// One candidate as the builder needs it.
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

// One placement for all experiments on a type of GPU, apart from nodes to avoid, so that configurations are compared on
// the same GPUs.
struct Placement {
  std::optional<quant::ComputeCapability> min_capability;  // the strictest that eligible candidates need
  std::string pinned_product;                              // chosen for the type; "" = nodes have no GPU labels
  bool nodes_are_labelled = true;                          // false: derived terms are left out (with a warning)
  std::string avoided_node{};                              // of one pod: where its last attempt met a fault; "" = none
};

// "<task>-<10 hex digits of hash(task UID, content hash, attempt)>", at most 63 characters, a DNS label.
std::string PodName(const api::AutotuneTask& task, const std::string& hash, int attempt);
// Revision for engines: the commit that the inspection found, so all experiments and the deployment load the same
// files; the revision of the spec if the hub reported no commit.
std::string ModelRevision(const api::AutotuneTask& task, std::size_t model);
// Datasets are read before an experiment gets a GPU: by each pod that inspects a model, with its context.
bool ReadsDatasets(const api::TaskSpec& spec);
// Where the datasets come from.
std::string DatasetSourceOf(const api::TaskSpec& spec);

std::string InspectPodName(const api::AutotuneTask& task, std::size_t model, int attempt);

// Latency objectives compare configurations at this share of the requests/s at the baseline's limit.
inline constexpr double kReferenceShare = 0.7;
// Value of a point for an objective.
measurement::Worth WorthOf(api::Objective objective);
// Specification of the measurement of a candidate's pod; part of the content hash, including the SLO, which decides
// where points end.
base::Result<bench::BenchSpec> BenchSpecOf(const api::TaskSpec& spec);
// A message of bench::CheckBenchSpec with the task's paths: "spec.load: ..." is spec.benchmark.load, spec.slo is its
// own.
std::string BenchmarkPath(const std::string& message);
measurement::Slo SloOf(const api::SloSpec& slo);
// Everything of the task, apart from the candidate, that influences a result: canonical JSON text for the content hash
// (model, GPU request, workload, pod environment of the user). Field order and defaults do not change it.
std::string HashedContext(const api::TaskSpec& spec, std::size_t model, std::size_t gpu);

nlohmann::json BuildExperimentPod(const api::AutotuneTask& task, const Experiment& experiment,
                                  const Placement& placement, const PodEnvironment& environment);
nlohmann::json BuildInspectPod(const api::AutotuneTask& task, std::size_t model, int attempt,
                               const PodEnvironment& environment);

// Checks spec fields that the schema accepts but a pod cannot have (the policy rejects them, a reserved flag in
// runtimes[].args, a reserved env name, ...): kInvalid with the field's path.
base::Status CheckPodInputs(const api::TaskSpec& spec, const std::vector<quant::EngineTraits>& traits,
                            const PodEnvironment& environment);

}  // namespace autotune::experiment
