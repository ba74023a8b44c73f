// The answer and the search for it: status.best, pareto, search, parallelism and referenceLoads.
#include <cstdint>
#include <utility>

#include "operator/api/autotune_task.h"
#include "operator/api/object_reader.h"
#include "operator/api/status_json.h"
#include "operator/api/units.h"

namespace autotune::api {
namespace {

json ToJson(const TaskStatus::Best& best) {
  json out = {{"experiment", best.experiment}};
  Put(out, "model", best.model);
  Put(out, "runtime", best.runtime);
  Put(out, "gpu", best.gpu);
  Put(out, "quantName", best.quant_name);
  Put(out, "score", best.score);
  Put(out, "improvementOverBaseline", best.improvement_over_baseline);
  Put(out, "ci", best.ci);
  Put(out, "scoreBasis", best.score_basis);
  Put(out, "scoreBound", best.score_bound);
  Put(out, "concurrency", static_cast<std::int64_t>(best.concurrency));
  Put(out, "requestRate", best.request_rate);
  Put(out, "tokensPerSecondPerGpu", best.tokens_per_second);
  Put(out, "pricePerMillionTokens", best.price);
  Put(out, "pricePerMillionInputTokens", best.input_price);
  if (!best.tied_with.empty()) out["tiedWith"] = best.tied_with;
  if (best.starts > 1) out["starts"] = best.starts;
  Put(out, "confirmed", best.confirmed);
  Put(out, "confirmedRequestRate", best.confirmed_rate);
  return out;
}

void ReadBest(ObjectReader& reader, TaskStatus::Best& out) {
  reader.Text("experiment", out.experiment);
  reader.Text("model", out.model);
  reader.Text("runtime", out.runtime);
  reader.Text("gpu", out.gpu);
  reader.Text("quantName", out.quant_name);
  reader.Text("score", out.score);
  reader.Text("improvementOverBaseline", out.improvement_over_baseline);
  reader.Text("ci", out.ci);
  reader.Text("scoreBasis", out.score_basis);
  reader.Text("scoreBound", out.score_bound);
  reader.Integer("concurrency", out.concurrency);
  reader.Text("requestRate", out.request_rate);
  reader.Text("tokensPerSecondPerGpu", out.tokens_per_second);
  reader.Text("pricePerMillionTokens", out.price);
  reader.Text("pricePerMillionInputTokens", out.input_price);
  reader.Texts("tiedWith", out.tied_with, ObjectReader::kUnbounded);
  reader.Integer("starts", out.starts);
  reader.Bool("confirmed", out.confirmed);
  reader.Text("confirmedRequestRate", out.confirmed_rate);
}

}  // namespace

void PutAnswer(json& out, const TaskStatus& status) {
  if (status.best) out["best"] = ToJson(*status.best);
  for (const TaskStatus::ReferenceLoad& load : status.reference_loads) {
    out["referenceLoads"].push_back(
        {{"scenario", load.scenario}, {"requestRate", FormatDecimal(load.request_rate, 4)}});
  }
  if (status.search) {
    json search = {{"stopped", status.search->stopped}, {"message", status.search->message}};
    Put(search, "expectedGain", status.search->expected_gain);
    out["search"] = std::move(search);
  }
  if (status.parallelism > 0) out["parallelism"] = status.parallelism;
  if (!status.pareto.empty()) out["pareto"] = status.pareto;
}

void ReadAnswer(ObjectReader& reader, TaskStatus& out) {
  reader.Each("referenceLoads", ObjectReader::kUnbounded, [&](ObjectReader& item) {
    TaskStatus::ReferenceLoad load;
    item.Text("scenario", load.scenario);
    item.Decimal("requestRate", load.request_rate);
    out.reference_loads.push_back(std::move(load));
  });
  reader.Nested("search", [&](ObjectReader& search) {
    out.search = TaskStatus::Search{};
    search.Text("stopped", out.search->stopped);
    search.Text("message", out.search->message);
    search.Text("expectedGain", out.search->expected_gain);
  });
  reader.Integer("parallelism", out.parallelism);
  reader.Nested("best", [&](ObjectReader& best) {
    out.best = TaskStatus::Best{};  // Clang 14 finds no default constructor in emplace()
    ReadBest(best, *out.best);
  });
  reader.Texts("pareto", out.pareto, kMaxExperiments);
}

}  // namespace autotune::api
