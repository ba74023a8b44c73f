#include "report/changes.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/keys.h"
#include "operator/deploy/engine_arguments.h"
#include "operator/reconcile/expand.h"
#include "operator/reconcile/insight.h"
#include "operator/reconcile/inspect.h"
#include "quant/engine_table.h"
#include "report/result_view.h"

namespace autotune::report {
namespace {

using tuning::search::Effect;
using Settings = std::map<std::string, std::string>;

// Every setting of an experiment, by name.
Settings SettingsOf(const api::ExperimentStatus& experiment, const std::vector<reconcile::ResolvedRuntime>& runtimes,
                    const quant::RuleSet& rules) {
  Settings out = experiment.env;
  const auto put = [&](const char* name, const std::string& value) {
    if (!value.empty()) out[name] = value;
  };
  put("checkpoint", experiment.model);
  put("runtime", experiment.runtime);
  put("quantization preset", experiment.quant.name);
  put("GPUs", std::to_string(experiment.gpus));
  for (const reconcile::ResolvedRuntime& runtime : runtimes) {
    if (runtime.spec.name != experiment.runtime) continue;
    for (const auto& [name, flag] : deploy::ReadFlags(experiment.args, runtime.release, rules).flags) {
      out[name] = flag.value;
    }
  }
  for (const auto& [name, value] : FlatOptions(experiment.options)) out[name] = value;
  return out;
}

std::string Found(const Settings& settings, const std::string& name) {
  const auto found = settings.find(name);
  return found == settings.end() ? "" : found->second;
}

// Names that effects have for settings of an engine.
class EffectNames {
 public:
  EffectNames(const quant::EngineTable* table, const quant::Version& version) : table_(table), version_(version) {}

  [[nodiscard]] std::string Of(const std::string& parameter) const {
    if (parameter == "quantization") return "quantization preset";
    if (table_ == nullptr) return parameter;
    if (parameter == "tensorParallel") return table_->tensor_flag();
    if (parameter == "pipelineParallel") return table_->pipeline_flag();
    if (parameter == "dataParallel") return table_->data_flag();
    const auto use = table_->FindCompleted(parameter, version_);
    return use ? use->flag->name : parameter;
  }

 private:
  const quant::EngineTable* table_;
  const quant::Version version_;
};

// Of a change from one value to another, from their effects against the mean: the half-widths add up as those of
// independent values, which they nearly are.
Worth Between(const Effect& before, const Effect& after) {
  Worth out{(1 + after.effect) / (1 + before.effect) - 1, 0, 0, true};
  out.low = out.effect - std::hypot(after.effect - after.low, before.high - before.effect);
  out.high = out.effect + std::hypot(after.high - after.effect, before.effect - before.low);
  return out;
}

std::optional<Worth> WorthOf(const Change& change, const std::vector<Effect>& effects, const EffectNames& names) {
  const Effect *before = nullptr, *after = nullptr;
  for (const Effect& effect : effects) {
    if (names.Of(effect.parameter) != change.setting || !std::isfinite(effect.low) || !std::isfinite(effect.high)) {
      continue;
    }
    if (effect.value == change.before) before = &effect;
    if (effect.value == change.after) after = &effect;
  }
  if (after == nullptr) return std::nullopt;
  if (before != nullptr) return Between(*before, *after);
  return Worth{after->effect, after->low, after->high, false};
}

std::string WorthText(const std::optional<Worth>& worth) {
  if (!worth) return "";
  const auto percent = [](double share) { return text::SignedPercent(share); };
  return percent(worth->effect) + " (" + percent(worth->low) + " to " + percent(worth->high) + ")" +
         (worth->of_the_change ? "" : " against the mean of its values");
}

}  // namespace

std::optional<tuning::search::Insight> InsightFor(const api::AutotuneTask& task, const quant::RuleSet& rules) {
  const bool measured =
      std::any_of(task.status.experiments.begin(), task.status.experiments.end(), [](const auto& experiment) {
        return experiment.state == api::ExperimentState::kSucceeded && !experiment.loads.empty();
      });
  if (!measured || !reconcile::AllKnown(task.status)) return std::nullopt;
  experiment::PodEnvironment environment;
  environment.policy = experiment::PodPolicy::Everything();
  const auto space = reconcile::BuildSpace(task.spec, reconcile::FactsOfModels(task.status),
                                           reconcile::GpuOf(task.status), rules, environment);
  if (!space) return std::nullopt;
  return reconcile::InsightOf(task.spec, task.status, *space);
}

std::vector<Change> ChangesOf(const api::AutotuneTask& task, const std::vector<Effect>& effects,
                              const quant::RuleSet& rules) {
  const api::ExperimentStatus* best = BestExperiment(task);
  if (best == nullptr) return {};
  const api::ExperimentStatus* compared = api::ComparedWith(task.status.experiments, best->runtime);
  const auto runtimes = reconcile::ResolveRuntimes(task.spec, rules);
  if (compared == nullptr || compared == best || !runtimes) return {};
  const Settings before = SettingsOf(*compared, *runtimes, rules), after = SettingsOf(*best, *runtimes, rules);
  const auto runtime =
      std::find_if(runtimes->begin(), runtimes->end(), [&](const auto& one) { return one.spec.name == best->runtime; });
  const bool known = runtime != runtimes->end();
  const EffectNames names(known ? rules.Find(runtime->spec.engine) : nullptr,
                          known ? runtime->release.version : quant::Version{});
  std::vector<Change> out;
  for (const std::string& name : base::KeysOf(before, after)) {
    Change change{name, Found(before, name), Found(after, name), std::nullopt};
    if (change.before == change.after) continue;
    change.worth = WorthOf(change, effects, names);
    out.push_back(std::move(change));
  }
  return out;
}

std::optional<ComparedChanges> ChangesOf(const api::AutotuneTask& task, const quant::RuleSet& rules) {
  const auto insight = InsightFor(task, rules);
  std::vector<Change> changes = ChangesOf(task, insight ? insight->effects : std::vector<Effect>(), rules);
  if (changes.empty()) return std::nullopt;
  const api::ExperimentStatus* compared = api::ComparedWith(task.status.experiments, BestExperiment(task)->runtime);
  return ComparedChanges{compared->name, RoleText(*compared), std::move(changes)};
}

text::Table ChangeTable(const std::vector<Change>& changes, const std::string& compared) {
  text::Table table;
  table.AddColumn("SETTING");
  table.AddColumn(compared == "deployed" ? "DEPLOYED" : "BASELINE");
  table.AddColumn("BEST");
  table.AddColumn("WORTH (90 % INTERVAL)");
  for (const Change& change : changes) {
    const auto shown = [](const std::string& value) { return value.empty() ? "(not set)" : value; };
    table.AddRow({change.setting, shown(change.before), shown(change.after), WorthText(change.worth)});
  }
  return table;
}

}  // namespace autotune::report
