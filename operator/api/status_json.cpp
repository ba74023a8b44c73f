#include "operator/api/status_json.h"

#include <optional>
#include <utility>

#include "operator/api/autotune_task.h"
#include "operator/api/object_reader.h"
#include "operator/api/status_json.h"

namespace autotune::api {
namespace {

json ToJson(const Condition& condition) {
  json out = {{"type", condition.type},
              {"status", condition.status},
              {"reason", condition.reason},
              {"message", condition.message},
              {"observedGeneration", condition.observed_generation}};
  Put(out, "lastTransitionTime", condition.last_transition_time);
  return out;
}

void ReadCondition(ObjectReader& reader, Condition& out) {
  reader.Text("type", out.type);
  reader.Text("status", out.status);
  reader.Text("reason", out.reason);
  reader.Text("message", out.message);
  reader.Integer("observedGeneration", out.observed_generation);
  reader.Text("lastTransitionTime", out.last_transition_time);
}

}  // namespace

json ToJson(const quant::Warning& warning) {
  return {{"field", warning.field}, {"reason", warning.reason}, {"message", warning.message}};
}

void ReadWarnings(ObjectReader& reader, std::vector<quant::Warning>& out) {
  reader.Each("warnings", ObjectReader::kUnbounded, [&](ObjectReader& item) {
    quant::Warning warning;
    item.Text("field", warning.field);
    item.Text("reason", warning.reason);
    item.Text("message", warning.message);
    out.push_back(std::move(warning));
  });
}

json ToJson(const TaskStatus& status) {
  json out = {{"observedGeneration", status.observed_generation}};
  Put(out, "rulesVersion", status.rules_version);
  Put(out, "state", status.state);
  Put(out, "progress", status.progress);
  for (const Condition& condition : status.conditions) out["conditions"].push_back(ToJson(condition));
  PutModels(out, status.models);
  PutExpansion(out, status);
  for (const quant::Warning& warning : status.warnings) out["warnings"].push_back(ToJson(warning));
  for (const ExperimentStatus& experiment : status.experiments) out["experiments"].push_back(ToJson(experiment));
  PutAnswer(out, status);
  out["cost"] = ToJson(status.cost);
  PutGpus(out, status.gpus);
  PutDeployed(out, status);
  Put(out, "startedAt", status.started_at);
  Put(out, "finishedAt", status.finished_at);
  return out;
}

base::Result<TaskStatus> StatusFromJson(const json& status) {
  TaskStatus out;
  std::optional<base::Error> error;
  ObjectReader reader(status, "status", error, ObjectReader::Unknown::kIgnore);
  reader.Integer("observedGeneration", out.observed_generation);
  reader.Text("rulesVersion", out.rules_version);
  reader.Text("state", out.state);
  reader.Text("progress", out.progress);
  reader.Each("conditions", ObjectReader::kUnbounded, [&](ObjectReader& item) {
    Condition condition;
    ReadCondition(item, condition);
    out.conditions.push_back(std::move(condition));
  });
  ReadModels(reader, out.models);
  ReadExpansion(reader, out);
  ReadWarnings(reader, out.warnings);
  reader.Each("experiments", kMaxExperiments, [&](ObjectReader& item) {
    ExperimentStatus experiment;
    ReadExperiment(item, experiment);
    out.experiments.push_back(std::move(experiment));
  });
  ReadAnswer(reader, out);
  reader.Nested("cost", [&](ObjectReader& cost) { ReadCost(cost, out.cost); });
  ReadGpus(reader, out.gpus);
  ReadDeployed(reader, out);
  reader.Text("startedAt", out.started_at);
  reader.Text("finishedAt", out.finished_at);
  if (error) return *std::move(error);
  return out;
}

}  // namespace autotune::api
