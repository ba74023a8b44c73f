#include "operator/local/local_runner.h"

#include <algorithm>
#include <utility>

#include "base/sha256.h"
#include "operator/experiment/node_affinity.h"
#include "operator/reconcile/apply.h"
#include "operator/reconcile/expand.h"
#include "operator/reconcile/space.h"
#include "operator/reconcile/track.h"

namespace autotune::local {
namespace {

// What a real engine needs to let go of its GPUs; the launcher gives it 20 s after SIGTERM.
constexpr std::chrono::seconds kStopGrace{30};

std::string Variable(const char* name) { return std::string("$(") + name + ")"; }

bool IsOver(const api::AutotuneTask& task) {
  return task.status.observed_generation == task.metadata.generation &&
         (task.status.state == "Complete" || task.status.state == "Failed");
}

}  // namespace

namespace {

base::Status CheckGpu(const api::TaskSpec& spec, std::size_t index, const Machine& machine) {
  const api::GpuSpec& asked = spec.gpus[index];
  const bool amd = !machine.gpu.amd_architecture.empty();
  if (!machine.gpu.product.empty() && amd != experiment::IsAmdResource(asked.resource_name)) {
    return base::Invalid(api::GpuPath(spec, index) + ".resourceName: is " + asked.resource_name +
                         "; the GPUs of this machine (" + machine.gpu.product + ") are " +
                         (amd ? "amd.com/gpu" : "nvidia.com/gpu"));
  }
  const experiment::NodeView node = NodeOf(machine, asked.resource_name, {});
  api::GpuSpec gpu = asked;
  gpu.node_selector = nlohmann::json::object();
  if (!machine.gpu.product.empty() && reconcile::GpuChoices(gpu, {node}).empty()) {
    return base::Invalid(api::GpuPath(spec, index) + ": does not allow the GPUs of this machine (" +
                         machine.gpu.product + "); see products, minMemory and minComputeCapability");
  }
  return {};
}

}  // namespace

experiment::PodEnvironment LocalPodEnvironment(const LocalTools& tools) {
  const std::string directory = Variable(kPodDirVariable);
  experiment::PodEnvironment environment;
  environment.cluster = false;
  environment.tools_image = "local";
  environment.port = Variable(kPortVariable);
  environment.shared_dir = directory;
  environment.options_dir = directory + "/options";
  environment.model_dir = tools.model_dir.string();
  environment.cache_dir = tools.hub_cache.string();
  environment.home_dir.clear();  // engines run as the user, who has a home and warm caches
  environment.dataset_file = tools.dataset.string();
  environment.questions_file = tools.questions.string();
  environment.records_dir = tools.records.string();
  environment.host = "127.0.0.1";
  environment.termination_log = directory + "/termination-log";
  environment.launch_binary = tools.launch_binary.string();
  environment.bench_binary = tools.bench_binary.string();
  environment.policy = experiment::PodPolicy::Everything();
  return environment;
}

void Admit(api::AutotuneTask& task, const std::vector<Machine>& machines, base::WallTime now, bool resume) {
  api::ObjectMeta& metadata = task.metadata;
  if (metadata.ns.empty()) metadata.ns = "default";
  metadata.uid = std::string(api::kLocalUid) + base::Sha256Hex(metadata.ns + "/" + metadata.name).substr(0, 32);
  metadata.creation_timestamp = base::FormatRfc3339(now);
  metadata.resource_version = "1";
  metadata.deleting = false;
  // Measurements of another machine's GPUs are no beginning: there is no node here that could continue them.
  const bool same_gpus = std::ranges::equal(task.status.gpus, machines, [](const auto& gpu, const Machine& machine) {
    return gpu.product == machine.gpu.product;
  });
  if (!resume || !same_gpus) task.status = {};
  for (api::ExperimentStatus& experiment : task.status.experiments) {
    if (reconcile::IsFinished(experiment)) continue;
    experiment = reconcile::Cleared(experiment);
    experiment.attempts = 0;
  }
  // A generation of its own: what could not finish for want of something that is there now is run again.
  metadata.generation = std::max<std::int64_t>(task.status.observed_generation, 0) + 1;
}

base::Status CheckLocal(const api::AutotuneTask& task, const std::vector<Machine>& machines) {
  const api::TaskSpec& spec = task.spec;
  if (spec.suspend) return base::Invalid("spec.suspend: is true, so nothing runs");
  if (spec.gpus.size() != machines.size()) {
    return base::Invalid("spec.gpus: the task compares " + std::to_string(spec.gpus.size()) +
                         " types of GPU, and this machine has one (" + machines.front().gpu.product +
                         "): run it in a cluster, keep one entry, or simulate all with --simulate task");
  }
  for (std::size_t i = 0; i < machines.size(); ++i) {
    if (const auto checked = CheckGpu(spec, i, machines[i]); !checked) return checked;
  }
  for (std::size_t i = 0; i < spec.models.size(); ++i) {
    const nlohmann::json& volume = spec.models[i].volume;
    if (!volume.is_object() || !volume.contains("image")) continue;
    return base::Invalid(api::ModelPath(spec, i) +
                         ".volume.image: local mode cannot read images; unpack it and use --model-dir");
  }
  return {};
}

base::Result<api::AutotuneTask> RunTask(LocalCluster& cluster, const reconcile::Settings& settings, base::Clock& clock,
                                        const std::stop_token& stop) {
  reconcile::Memory memory;
  while (true) {
    std::uint64_t version = 0;
    reconcile::Observed observed = cluster.Observe(&version);
    memory.Begin(observed.task.metadata.generation);
    observed.memory = memory;
    const base::WallTime now = clock.Wall();
    const reconcile::Plan plan = reconcile::Decide(observed, settings, now);
    const reconcile::Applied applied = reconcile::Apply(plan, observed.task, cluster, now, memory);
    if (!applied.status && applied.status.error().code != base::Code::kConflict) {
      cluster.StopAll(kStopGrace);
      return applied.status.error();
    }
    if (applied.look_again) continue;
    const bool settled = !plan.status && plan.delete_pods.empty() && plan.create_pods.empty();
    if (settled && IsOver(observed.task) && !cluster.HasRunningPods()) {
      cluster.StopAll(std::chrono::milliseconds(0));  // what spec.keepPods keeps has ended: only its files are left
      return observed.task;
    }
    if (!cluster.AwaitChange(version, plan.wake_at, stop)) {
      cluster.StopAll(kStopGrace);
      return base::Error{base::Code::kCancelled, "stopped", std::nullopt, 0};
    }
  }
}

}  // namespace autotune::local
