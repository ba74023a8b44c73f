#include "report/report_json.h"

#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "report/changes.h"
#include "report/effects.h"
#include "report/page_parts.h"
#include "report/quality_words.h"
#include "report/runner_up.h"
#include "report/task_words.h"

namespace autotune::report {
namespace {

using nlohmann::json;

json ExperimentJson(const PageData& data, std::size_t index) {
  const ResultRow& row = data.rows[index];
  json out = api::ToJson(*row.experiment);
  json judged = {{"pareto", row.pareto},
                 {"tied", row.tied},
                 {"best", row.best},
                 {"whyNot", WhyNotBest(row, data.best)},
                 {"settings", data.settings[index]}};
  if (row.score) judged["score"] = *row.score;
  if (row.ci > 0) judged["halfWidth"] = row.ci;
  if (row.score) judged["basis"] = tuning::ScoreBasisName(row.basis);
  if (row.bound) judged["bound"] = *row.bound;
  if (!row.improvement.empty()) judged["gain"] = row.improvement;
  json violations = json::array();
  for (const measurement::Violation& violation : row.violations) {
    violations.push_back({{"bound", violation.bound}, {"limit", violation.limit}});
    if (violation.actual) violations.back()["actual"] = *violation.actual;
  }
  judged["broken"] = violations;
  out["judged"] = judged;
  return out;
}

json AnswerJson(const PageData& data) {
  if (data.best == nullptr || !data.task.status.best) return {{"why", StatusMessage(data.task.status)}};
  const api::TaskStatus::Best& best = *data.task.status.best;
  json out = {{"experiment", best.experiment},
              {"runtime", best.runtime},
              {"quantization", best.quant_name},
              {"headline", Headline(data.task)},
              {"unit", ScoreUnit(ScoreKindOf(data.task))},
              {"gain", best.improvement_over_baseline},
              {"tiedWith", best.tied_with}};
  if (!best.model.empty()) out["checkpoint"] = best.model;
  if (!best.gpu.empty()) out["gpuType"] = best.gpu;
  out["score"] = std::strtod(best.score.c_str(), nullptr);
  if (!best.ci.empty()) out["halfWidth"] = std::strtod(best.ci.c_str(), nullptr);
  out["basis"] = tuning::ScoreBasisName(data.best->basis);
  if (data.best->bound) out["bound"] = *data.best->bound;
  if (!best.price.empty()) out["pricePerMillionOutputTokens"] = std::strtod(best.price.c_str(), nullptr);
  if (!best.input_price.empty()) out["pricePerMillionInputTokens"] = std::strtod(best.input_price.c_str(), nullptr);
  if (best.starts > 1) out["starts"] = best.starts;
  if (const ResultRow* second = RunnerUp(data.rows)) out["second"] = second->experiment->name;
  if (const std::string why = RunnerUpText(data.task, data.rows, data.rules); !why.empty()) out["whySecond"] = why;
  if (const std::string quality = QualityOf(*data.best); !quality.empty()) out["quality"] = quality;
  if (const auto argv = ServeCommand(data.task, *data.best->experiment, data.rules)) out["command"] = *argv;
  return out;
}

json ChangeJson(const MeasuredChange& change) {
  json out = {{"effect", api::FormatDecimal(change.change, 4)}, {"pairs", change.pairs.size()}};
  if (change.has_interval()) {
    out["low"] = api::FormatDecimal(change.low, 4);
    out["high"] = api::FormatDecimal(change.high, 4);
  }
  return out;
}

json EffectsJson(const PageData& data) {
  json out = json::array();
  for (const ParameterEffect& parameter : EffectsOf(data.task, data.rows, data.rules)) {
    json values = json::array();
    for (const ValueEffect& value : parameter.values) {
      json entry = {{"value", value.value},
                    {"shown", value.shown},
                    {"scored", value.scored.size()},
                    {"notScored", value.unscored.size()}};
      if (value.from_best) entry["fromBest"] = ChangeJson(*value.from_best);
      if (const std::string why = NoEffectText(value, parameter, Direction::kFromBest); !why.empty())
        entry["why"] = why;
      values.push_back(std::move(entry));
    }
    out.push_back({{"parameter", parameter.parameter}, {"best", parameter.best}, {"values", values}});
  }
  return out;
}

json ChangesJson(const ComparedChanges& found) {
  json settings = json::array();
  for (const Change& change : found.changes) {
    json entry = {{"setting", change.setting}, {"baseline", change.before}, {"best", change.after}};
    if (change.worth) entry["worth"] = ChangeJson(*change.worth);
    if (!change.why_no_worth.empty()) entry["whyNoWorth"] = change.why_no_worth;
    settings.push_back(std::move(entry));
  }
  return {{"comparedWith", found.compared}, {"role", found.role}, {"settings", settings}};
}

}  // namespace

json JsonReport(const api::AutotuneTask& task, const quant::RuleSet& rules) {
  const PageData data = DataOf(task, rules);
  json experiments = json::array();
  for (const std::size_t index : data.order) experiments.push_back(ExperimentJson(data, index));
  const json status = api::ToJson(task.status);
  json out = {{"task", task.metadata.name},
              {"namespace", task.metadata.ns},
              {"state", task.status.state},
              {"simulated", IsSimulated(task.status)},
              {"model", task.spec.models[api::ReferenceModel(task.spec)].id_or_path},
              {"gpu", api::GpuProductsText(task.status)},
              {"objective", api::ObjectiveName(task.spec.optimization.objective)},
              {"slo", SloText(task.spec.slo)},
              {"measured", MeasuredText(task)},
              {"scoreRule", ScoreRuleText(task)},
              {"answer", AnswerJson(data)},
              {"effects", EffectsJson(data)},
              {"experiments", experiments},
              {"notExperiments", NotAmongExperiments(task)},
              {"rules", task.status.rules_version.empty() ? rules.version() : task.status.rules_version}};
  if (const auto found = ChangesOf(task, rules)) out["changes"] = ChangesJson(*found);
  if (task.status.difference) out["difference"] = api::ToJson(*task.status.difference);
  for (const char* field : {"cost", "conditions", "candidates", "prunedReasons", "pareto"}) {
    if (status.contains(field)) out[field] = status[field];
  }
  return out;
}

}  // namespace autotune::report
