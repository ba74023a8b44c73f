// Runs a task on this machine to its end: observe, decide, apply, wait. Blocks; one thread.
//
// The decisions are those of the operator (operator/reconcile); only the cluster differs.
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

// How pods are built for this machine.
struct LocalTools {
  std::filesystem::path launch_binary, bench_binary;
  std::filesystem::path hub_cache;  // where the hub's files are cached
  std::filesystem::path model_dir;  // directory to use as the models' volumes; "" = paths are those of this machine
  std::filesystem::path dataset;    // file to use as spec.benchmark.dataset
  std::filesystem::path questions;  // file to use as spec.quality.dataset
  std::filesystem::path records;    // directory to use as spec.benchmark.records
};
experiment::PodEnvironment LocalPodEnvironment(const LocalTools& tools);

// Sets the fields that an API server sets: namespace, uid, generation, creation time. An earlier status of the same
// GPUs is kept where `resume`, but experiments that were not finished begin anew. `machines`: by TaskSpec::gpus.
void Admit(api::AutotuneTask& task, const std::vector<Machine>& machines, base::WallTime now, bool resume);

// Checks for settings that local mode does not support: kInvalid names the field.
base::Status CheckLocal(const api::AutotuneTask& task, const std::vector<Machine>& machines);

// Returns the finished task (Complete or Failed). kCancelled when stopped; nothing runs any more then.
base::Result<api::AutotuneTask> RunTask(LocalCluster& cluster, const reconcile::Settings& settings, base::Clock& clock,
                                        const std::stop_token& stop);

}  // namespace autotune::local
