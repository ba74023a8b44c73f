// status.model and its siblings, or status.models: the checkpoints as read.
#include <utility>
#include <vector>

#include "checkpoint/model_facts.h"
#include "operator/api/autotune_task.h"
#include "operator/api/object_reader.h"
#include "operator/api/status_json.h"

namespace autotune::api {
namespace {

json ToJson(const InspectionStatus& inspection) {
  json out = json::object();
  Put(out, "generation", inspection.generation);
  Put(out, "attempts", static_cast<std::int64_t>(inspection.attempts));
  Put(out, "failures", static_cast<std::int64_t>(inspection.failures));
  Put(out, "retryAt", inspection.retry_at);
  Put(out, "message", inspection.message);
  Put(out, "choiceQuestions", static_cast<std::int64_t>(inspection.choice_questions));
  return out;
}

void ReadInspection(ObjectReader& reader, InspectionStatus& out) {
  reader.Integer("generation", out.generation);
  reader.Integer("attempts", out.attempts);
  reader.Integer("failures", out.failures);
  reader.Text("retryAt", out.retry_at);
  reader.Text("message", out.message);
  reader.Integer("choiceQuestions", out.choice_questions);
}

// The members of one checkpoint: of the status itself where there is only one, else of an entry of `models`.
struct ModelKeys {
  const char *facts, *source;
};
constexpr ModelKeys kOnlyModel{"model", "modelSource"}, kOneOfModels{"facts", "source"};

void PutModel(json& out, const ModelKeys& keys, const ModelStatus& model) {
  if (model.facts) out[keys.facts] = checkpoint::ToJson(*model.facts);
  Put(out, keys.source, model.source);
  if (json inspection = ToJson(model.inspection); !inspection.empty()) out["inspection"] = std::move(inspection);
}

void ReadModel(ObjectReader& reader, const ModelKeys& keys, ModelStatus& out) {
  if (const json* model = reader.Get(keys.facts)) {
    auto facts = checkpoint::ModelFactsFromJson(*model);
    if (facts) {
      out.facts = *std::move(facts);
    } else {
      reader.Fail(keys.facts, facts.error().message);
    }
  }
  reader.Text(keys.source, out.source);
  reader.Nested("inspection", [&](ObjectReader& inspection) { ReadInspection(inspection, out.inspection); });
}

}  // namespace

void PutModels(json& out, const std::vector<ModelStatus>& models) {
  for (const ModelStatus& model : models) {
    if (model.name.empty()) {
      PutModel(out, kOnlyModel, model);
      continue;
    }
    json item = {{"name", model.name}};
    PutModel(item, kOneOfModels, model);
    out["models"].push_back(std::move(item));
  }
}

void ReadModels(ObjectReader& reader, std::vector<ModelStatus>& out) {
  ReadModel(reader, kOnlyModel, out.front());
  std::vector<ModelStatus> models;
  reader.Each("models", ObjectReader::kUnbounded, [&](ObjectReader& item) {
    ModelStatus& model = models.emplace_back();
    item.Text("name", model.name);
    ReadModel(item, kOneOfModels, model);
  });
  if (!models.empty()) out = std::move(models);
}

}  // namespace autotune::api
