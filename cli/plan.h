// `autotune plan`: the experiments that a task would run, from the operator's own expansion, for a given GPU or the
// GPUs of a cluster. MakePlan() may read files and the hub; the rest is pure.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/cluster_gpus.h"
#include "cli/dataset_files.h"
#include "cli/model_source.h"
#include "operator/api/autotune_task.h"
#include "operator/experiment/pod_builder.h"
#include "operator/reconcile/gpu_prices.h"
#include "operator/reconcile/parallelism.h"
#include "operator/reconcile/space.h"
#include "quant/rules.h"

namespace autotune::cli {

struct PlanOptions {
  // As in ReadGpu (cli/asked_gpu.h); "" = the products of the spec's types, else not known. For a single type only.
  std::string gpu{};
  // Checkpoint directories or config.json files; for spec.models as "name=DIR". Without one: inline facts, else
  // idOrPath if it is a local path, else the hub.
  std::vector<std::string> model_dirs{};
  HubAccess hub{};
  std::string dataset{};         // file for spec.benchmark.dataset; "" = its ConfigMap, or not read
  std::string questions{};       // the same for spec.quality.dataset
  ConfigMapTexts config_maps{};  // from the files of the tasks
  std::optional<std::vector<experiment::NodeView>> nodes{};  // nodes of a cluster; the GPU is chosen among theirs
  reconcile::GpuPrices gpu_prices{};                         // the operator's prices, for tasks without prices
};

struct TaskPlan {
  api::AutotuneTask task;                  // its status has the facts of its checkpoints and the GPU's price
  std::vector<std::string> model_sources;  // "spec.model.facts", "/models/llama/config.json", "https://huggingface.co"
  // By type of GPU: its known properties and their source: "--gpu", "spec.gpu.products", "the cluster's nodes", "" =
  // not known.
  std::vector<reconcile::GpuChoice> gpus;
  std::vector<std::string> gpu_sources;
  std::string gpu_resources;                       // GPU resources of the cluster's nodes, for people
  std::vector<std::vector<OtherGpus>> other_gpus;  // by type: of the cluster's nodes; empty without a cluster
  std::vector<std::vector<GpuPool>> pools;         // by type: of the cluster's nodes; empty without a cluster
  std::vector<reconcile::NodeGpus> node_gpus;      // GPUs for experiments; empty without a cluster
  reconcile::Space space;                          // of `gpus`
  std::string rules_version;
  std::optional<std::size_t> requests;     // of spec.benchmark.dataset, if it was read
  std::optional<QuestionsRead> questions;  // of spec.quality.dataset, if it was read
};

// kInvalid names the field or flag. Missing facts are an error, never guessed.
base::Result<TaskPlan> MakePlan(api::AutotuneTask task, const quant::RuleSet& rules,
                                const experiment::PodEnvironment& environment, const PlanOptions& options);

// Why no node of the cluster fits the task's experiments, or those on one type of GPU, in one line; "" if one fits, or
// without a cluster.
std::string NoRoom(const TaskPlan& plan);

std::string PlanText(const TaskPlan& plan, std::size_t width);
nlohmann::json PlanJson(const TaskPlan& plan, const experiment::PodEnvironment& environment);
// The pods of all experiments that would run, as a YAML stream.
std::string PlanPods(const TaskPlan& plan, const experiment::PodEnvironment& environment);

}  // namespace autotune::cli
