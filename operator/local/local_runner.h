// Runs a task on this machine from the beginning to its end: observe, decide, apply, wait.
//
// The decisions are the operator's own (operator/reconcile); only the cluster is another.
#pragma once

#include <filesystem>
#include <stop_token>
#include <string>

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
  std::filesystem::path model_dir;  // what stands for the models' volumes; "" = paths are those of this machine
  std::filesystem::path dataset;    // the file that stands for spec.benchmark.dataset
  std::filesystem::path questions;  // the file that stands for spec.quality.dataset
  std::filesystem::path records;    // the directory that stands for spec.benchmark.records
};
experiment::PodEnvironment LocalPodEnvironment(const LocalTools& tools);

// Sets what an API server would: namespace, uid, generation, creation time. An earlier status of the same GPUs is kept
// where `resume`, but experiments that were not finished begin anew.
void Admit(api::AutotuneTask& task, const Machine& machine, base::WallTime now, bool resume);

// What local mode cannot do, before anything starts: kInvalid names the field.
base::Status CheckLocal(const api::AutotuneTask& task, const Machine& machine);

// Returns the finished task (Complete or Failed). kCancelled when stopped; nothing runs any more then.
base::Result<api::AutotuneTask> RunTask(LocalCluster& cluster, const reconcile::Settings& settings, base::Clock& clock,
                                        const std::stop_token& stop);

}  // namespace autotune::local
