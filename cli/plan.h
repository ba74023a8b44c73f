// `autotune plan`: the experiments that a task would run, from the operator's own expansion, for a named GPU or for the
// GPUs of a cluster's nodes. MakePlan() may read files and the hub; the rest is pure.
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
#include "operator/reconcile/places.h"
#include "operator/reconcile/space.h"
#include "quant/rules.h"

namespace autotune::cli {

struct PlanOptions {
  // As ReadGpu (cli/asked_gpu.h) reads it; "" = from the products of the spec's types, else not known. For one type.
  std::string gpu{};
  // Checkpoint directory or config.json, of one of spec.models as "name=DIR". Without: inline facts, or idOrPath where
  // that is here, or the hub.
  std::vector<std::string> model_dirs{};
  HubAccess hub{};
  std::string dataset{};         // file that stands for spec.benchmark.dataset; "" = its ConfigMap, or not read
  std::string questions{};       // the same for spec.quality.dataset
  ConfigMapTexts config_maps{};  // beside the tasks
  std::optional<std::vector<experiment::NodeView>> nodes{};  // of a cluster; the GPU is chosen among theirs
  reconcile::GpuPrices gpu_prices{};                         // as the operator's, for tasks that give none
};

struct TaskPlan {
  api::AutotuneTask task;                  // with the facts of its checkpoints and the GPU's price in its status
  std::vector<std::string> model_sources;  // "spec.model.facts", "/models/llama/config.json", "https://huggingface.co"
  // By type of GPU: what is known of it, and where from: "--gpu", "spec.gpu.products", "the cluster's nodes", "" = not
  // known.
  std::vector<reconcile::GpuChoice> gpus;
  std::vector<std::string> gpu_sources;
  std::string gpu_resources;                   // that the cluster's nodes have, for people
  std::vector<std::vector<GpuPool>> pools;     // by type: of the cluster's nodes; empty without a cluster
  std::vector<reconcile::NodeGpus> node_gpus;  // that experiments may run on; empty without a cluster
  reconcile::Space space;                      // of `gpus`
  std::string rules_version;
  std::optional<std::size_t> requests;     // of spec.benchmark.dataset, if it was read
  std::optional<QuestionsRead> questions;  // of spec.quality.dataset, if it was read
};

// kInvalid names the field or flag. Missing facts are an error, never guessed.
base::Result<TaskPlan> MakePlan(api::AutotuneTask task, const quant::RuleSet& rules,
                                const experiment::PodEnvironment& environment, const PlanOptions& options);

// Why no node of the cluster fits the task's experiments, or those on a type of GPU, in one line; "" if one does, or
// without a cluster.
std::string NoRoom(const TaskPlan& plan);

std::string PlanText(const TaskPlan& plan, std::size_t width);
nlohmann::json PlanJson(const TaskPlan& plan, const experiment::PodEnvironment& environment);
// The pods of every experiment that would run, as a YAML stream.
std::string PlanPods(const TaskPlan& plan, const experiment::PodEnvironment& environment);

}  // namespace autotune::cli
