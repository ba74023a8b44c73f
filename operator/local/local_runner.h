// Runs a task on this machine to its end: observe, decide, apply, wait. Blocks; one thread.
//
// Decisions are those of the operator (operator/reconcile); only the cluster differs.
#pragma once

#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "operator/experiment/pod_builder.h"
#include "operator/local/local_cluster.h"
#include "operator/reconcile/decide.h"

namespace autotune::local {

// Paths for pods on this machine.
struct LocalTools {
  std::filesystem::path launch_binary, bench_binary;
  std::filesystem::path hub_cache;  // cache directory of the hub's files
  std::filesystem::path model_dir;  // directory for the models' volumes; "" = paths are those of this machine
  std::filesystem::path dataset;    // file for spec.benchmark.dataset
  std::filesystem::path questions;  // file for spec.quality.dataset
  std::filesystem::path records;    // directory for spec.benchmark.records
};
experiment::PodEnvironment LocalPodEnvironment(const LocalTools& tools);

// Sets the fields that an API server sets: namespace, uid, generation, creation time. `resume`: keeps an earlier status
// for the same GPUs, but restarts unfinished experiments. `machines`: by TaskSpec::gpus.
void Admit(api::AutotuneTask& task, const std::vector<Machine>& machines, base::WallTime now, bool resume);

// kInvalid, with the field: a setting is not supported in local mode.
base::Status CheckLocal(const api::AutotuneTask& task, const std::vector<Machine>& machines);

// Returns the finished task (Complete or Failed). kCancelled if stopped; then no process runs any more.
base::Result<api::AutotuneTask> RunTask(LocalCluster& cluster, const reconcile::Settings& settings, base::Clock& clock,
                                        const std::stop_token& stop);

}  // namespace autotune::local
