#include "report/changes.h"

#include <algorithm>
#include <cstdlib>

#include "base/keys.h"
#include "report/result_view.h"
#include "report/settings.h"

namespace autotune::report {
namespace {

// What was measured of the change, if the task varies the setting.
void SetWorth(const std::vector<ParameterEffect>& effects, const EngineSettings& engine_before,
              const EngineSettings& engine, Change& change) {
  const std::string before = engine_before.Used(change.setting, change.before);
  const std::string after = engine.Used(change.setting, change.after);
  if (before == after) {
    change.why_no_worth = "the engine's default is the same";
    return;
  }
  for (const ParameterEffect& parameter : effects) {
    if (engine.NameOf(parameter.parameter) != change.setting) continue;
    change.why_no_worth = "no pair differs in this alone";
    if (parameter.best != after) continue;
    for (const ValueEffect& value : parameter.values) {
      if (value.value != before) continue;
      change.worth = value.to_best;
      change.why_no_worth = NoEffectText(value, parameter, Direction::kToBest);
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
  if (compared == nullptr || compared == best) return {};
  const EngineSettings engine(task, *best, rules), engine_before(task, *compared, rules);
  const Settings before = engine_before.All(), after = engine.All();
  const std::vector<ResultRow> rows = ResultRows(task);
  std::vector<Change> out;
  // Of what is deployed; runtimes of the task are told apart by their names.
  if (compared->deployed) {
    const auto there = engine_before.Surroundings(), here = engine.Surroundings();
    for (std::size_t i = 0; i < there.size(); ++i) {
      const auto& [name, value] = there[i];
      const std::string& now = here[i].second;
      // A release that is not known does not differ.
      if (value == now || (name == "release" && (value.empty() || now.empty()))) continue;
      const std::string why = effects.empty() ? "" : WhyNoParameter(name, *compared, *best);
      out.push_back({name, value, now, engine_before.Shown(name, value), engine.Shown(name, now), {}, why, ""});
    }
  }
  for (const std::string& name : base::KeysOf(before, after)) {
    Change change{name, ValueOf(before, name), ValueOf(after, name), "", "", std::nullopt, "", ""};
    if (change.before == change.after) continue;
    change.before_shown = engine_before.Shown(name, change.before);
    change.after_shown = engine.Shown(name, change.after);
    SetWorth(effects, engine_before, engine, change);
    if (!effects.empty() && !change.worth && change.why_no_worth.empty()) {
      change.why_no_worth = WhyNoParameter(name, *compared, *best);
    }
    const bool told = change.worth && change.worth->certain();
    if (engine.LimitsBatch(name) && !told) change.note = CannotBindText(change.after, rows);
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
               "with its 95 % interval. Without such a pair: the change in the pair that differs in the fewest other "
               "parameters, which is what all of these are worth together."
             : "";
}

text::Table ChangeTable(const std::vector<Change>& changes, const std::string& compared) {
  text::Table table;
  table.AddColumn("SETTING");
  table.AddColumn(compared == "deployed" ? "DEPLOYED" : "BASELINE");
  table.AddColumn("BEST");
  table.AddColumn("WORTH (95 % INTERVAL)");
  for (const Change& change : changes) {
    std::string worth = change.worth ? EvidenceText(*change.worth) : change.why_no_worth;
    if (!change.note.empty()) worth += (worth.empty() ? "" : "; ") + change.note;
    table.AddRow({change.setting, change.before_shown, change.after_shown, worth});
  }
  return table;
}

}  // namespace autotune::report
