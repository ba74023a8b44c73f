#include "report/changes.h"

#include <algorithm>
#include <cstdlib>
#include <map>

#include "base/keys.h"
#include "operator/deploy/engine_arguments.h"
#include "operator/reconcile/space.h"
#include "quant/engine_table.h"
#include "report/result_view.h"

namespace autotune::report {
namespace {

using Settings = std::map<std::string, std::string>;

// Every setting of an experiment, by name.
Settings SettingsOf(const api::ExperimentStatus& experiment, const std::vector<reconcile::ResolvedRuntime>& runtimes,
                    const quant::RuleSet& rules) {
  Settings out = experiment.env;
  const auto put = [&](const char* name, const std::string& value) {
    if (!value.empty()) out[name] = value;
  };
  put("checkpoint", experiment.model);
  put("gpu", experiment.gpu);
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

// What was measured of the change, if the task varies the setting.
void SetWorth(const std::vector<ParameterEffect>& effects, const EffectNames& names, Change& change) {
  for (const ParameterEffect& parameter : effects) {
    if (names.Of(parameter.parameter) != change.setting) continue;
    change.why_no_worth = "no pair differs in this alone";
    if (parameter.best != change.after) continue;
    for (const ValueEffect& value : parameter.values) {
      if (value.value != change.before) continue;
      change.worth = value.to_best;
      change.why_no_worth = NoEffectText(value, parameter);
    }
  }
}

// Why a setting has no worth that is no parameter of the task.
std::string WhyNoParameter(const std::string& setting, const api::ExperimentStatus& compared,
                           const api::ExperimentStatus& best) {
  if (compared.deployed) return "the task does not vary it alone";
  const bool preset = compared.quant.name != best.quant.name && setting != "GPUs";
  return preset ? "comes with the quantization preset" : "comes with another setting";
}

// A limit of the batch that is no lower than the requests in flight where the best was scored did nothing there.
std::string CannotBindText(const std::string& value, const std::vector<ResultRow>& rows) {
  double most = 0;
  for (const ResultRow* start : StartsOfBest(rows)) {
    if (start->load->load.kind != measurement::LoadKind::kConcurrency) return "";
    most = std::max(most, start->load->load.value);
  }
  char* end = nullptr;
  const double limit = std::strtod(value.c_str(), &end);
  if (value.empty() || *end != '\0' || !(most > 0) || limit < most) return "";
  return "not reached where the best was scored: " + measurement::Concurrency(static_cast<int>(most)).ToString();
}

}  // namespace

std::vector<Change> ChangesOf(const api::AutotuneTask& task, const std::vector<ParameterEffect>& effects,
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
  const quant::EngineTable* const table = known ? rules.Find(runtime->spec.engine) : nullptr;
  const std::vector<ResultRow> rows = ResultRows(task);
  const EffectNames names(table, known ? runtime->release.version : quant::Version{});
  std::vector<Change> out;
  for (const std::string& name : base::KeysOf(before, after)) {
    Change change{name, Found(before, name), Found(after, name), std::nullopt, "", ""};
    if (change.before == change.after) continue;
    SetWorth(effects, names, change);
    if (!effects.empty() && !change.worth && change.why_no_worth.empty()) {
      change.why_no_worth = WhyNoParameter(name, *compared, *best);
    }
    const bool told = change.worth && change.worth->certain();
    if (table != nullptr && name == table->scheduler().sequences && !told) {
      change.note = CannotBindText(change.after, rows);
    }
    out.push_back(std::move(change));
  }
  return out;
}

std::optional<ComparedChanges> ChangesOf(const api::AutotuneTask& task, const quant::RuleSet& rules) {
  const std::vector<ResultRow> rows = ResultRows(task);
  std::vector<Change> changes = ChangesOf(task, EffectsOf(task, rows, rules), rules);
  if (changes.empty()) return std::nullopt;
  const api::ExperimentStatus* compared = api::ComparedWith(task.status.experiments, BestExperiment(task)->runtime);
  return ComparedChanges{compared->name, RoleText(*compared), std::move(changes)};
}

std::string WorthNote(const std::vector<Change>& changes) {
  const bool any = std::any_of(changes.begin(), changes.end(),
                               [](const Change& change) { return change.worth || !change.why_no_worth.empty(); });
  return any ? "Worth: the change of the score in pairs of measured experiments that differ in this setting alone, "
               "with "
               "its 95 % interval."
             : "";
}

text::Table ChangeTable(const std::vector<Change>& changes, const std::string& compared) {
  text::Table table;
  table.AddColumn("SETTING");
  table.AddColumn(compared == "deployed" ? "DEPLOYED" : "BASELINE");
  table.AddColumn("BEST");
  table.AddColumn("WORTH (95 % INTERVAL)");
  for (const Change& change : changes) {
    const auto shown = [](const std::string& value) { return value.empty() ? "(not set)" : value; };
    std::string worth = change.worth ? EvidenceText(*change.worth) : change.why_no_worth;
    if (!change.note.empty()) worth += (worth.empty() ? "" : "; ") + change.note;
    table.AddRow({change.setting, shown(change.before), shown(change.after), worth});
  }
  return table;
}

}  // namespace autotune::report
