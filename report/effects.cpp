#include "report/effects.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "base/keys.h"
#include "operator/reconcile/answer.h"
#include "operator/reconcile/expand.h"
#include "operator/reconcile/insight.h"
#include "operator/reconcile/inspect.h"
#include "text/table.h"
#include "tuning/judge.h"

namespace autotune::report {
namespace {

std::optional<reconcile::Space> SpaceOf(const api::AutotuneTask& task, const quant::RuleSet& rules) {
  if (!reconcile::AllKnown(task.status)) return std::nullopt;
  experiment::PodEnvironment environment;
  environment.policy = experiment::PodPolicy::Everything();
  auto space = reconcile::BuildSpace(task.spec, reconcile::FactsOfModels(task.status),
                                     reconcile::GpusOf(task.spec, task.status), rules, environment);
  if (!space) return std::nullopt;
  return std::move(*space);
}

// Settings of one experiment: what was asked for, and with it what the engine uses where nothing was.
struct Asked {
  const Settings* asked;
  const Settings* used;
};

// Parameters in which two experiments differ, by name. A default that follows from the GPU or the engine is no
// difference of its own: where both ask for nothing, they ask for the same.
std::vector<std::string> DifferencesOf(const Asked& a, const Asked& b) {
  std::vector<std::string> names;
  for (const std::string& name : base::KeysOf(*a.used, *b.used)) {
    const bool same =
        ValueOf(*a.used, name) == ValueOf(*b.used, name) || ValueOf(*a.asked, name) == ValueOf(*b.asked, name);
    if (!same) names.push_back(name);
  }
  return names;
}

// Values in the order of their numbers where all are numbers.
bool ValueBefore(const std::string& a, const std::string& b) {
  char *end_a = nullptr, *end_b = nullptr;
  const double x = std::strtod(a.c_str(), &end_a), y = std::strtod(b.c_str(), &end_b);
  const bool numbers = end_a != a.c_str() && *end_a == '\0' && end_b != b.c_str() && *end_b == '\0';
  return numbers ? x < y : a < b;
}

// ln of how much better one score is than another, with the half-width of its interval (0 = not known). In logarithms
// the way back is the same with the other sign.
struct LogGain {
  double gain = 0, half_width = 0;
};

class Gains {
 public:
  explicit Gains(const api::AutotuneTask& task)
      : task_(task), criteria_(reconcile::CriteriaOf(task.spec, task.status)) {}

  [[nodiscard]] std::optional<LogGain> Of(const ResultRow& better, const ResultRow& base) const {
    const double ours = *better.score, theirs = *base.score;
    if (ours == 0 || theirs == 0) return std::nullopt;
    LogGain out;
    if (criteria_.fixed_loads) {
      // Like with like: at one load.
      const auto gain =
          tuning::GainBetween(reconcile::ObservationOf(*better.experiment, task_.spec, task_.status),
                              reconcile::ObservationOf(*base.experiment, task_.spec, task_.status), criteria_);
      if (!gain) return std::nullopt;
      return LogGain{Log(gain->share), gain->ln_half_width};
    }
    out.gain = std::log(std::abs(ours / theirs)) * (ours < 0 ? -1 : 1);
    if (better.ci > 0 && base.ci > 0) out.half_width = std::hypot(better.ci / ours, base.ci / theirs);
    return out;
  }

  // A share of the score, as GainOver has it: 50 % less latency is +0.5.
  [[nodiscard]] double Share(double log_gain) const {
    return falls() ? 1 - std::exp(-log_gain) : std::exp(log_gain) - 1;
  }

 private:
  [[nodiscard]] bool falls() const {
    return criteria_.objective == tuning::Objective::kMinimizeCost || tuning::ComparesAtOneLoad(criteria_.objective);
  }
  [[nodiscard]] double Log(double share) const { return falls() ? -std::log(1 - share) : std::log(1 + share); }

  const api::AutotuneTask& task_;
  const tuning::Criteria criteria_;
};

MeasuredChange ChangeOf(const Gains& gains, const std::vector<LogGain>& pairs, double sign) {
  MeasuredChange out;
  double mean = 0, variance = 0;
  bool known = true;
  const auto count = static_cast<double>(pairs.size());
  for (const LogGain& pair : pairs) {
    mean += sign * pair.gain / count;
    variance += pair.half_width * pair.half_width / (count * count);
    known = known && pair.half_width > 0;
    out.pairs.push_back(gains.Share(sign * pair.gain));
  }
  std::sort(out.pairs.begin(), out.pairs.end());
  const double half_width = known ? std::sqrt(variance) : 0;
  out.change = gains.Share(mean);
  out.low = gains.Share(mean - half_width);
  out.high = gains.Share(mean + half_width);
  return out;
}

// Of the scored pairs of an experiment with a value and one with the best configuration's value, the one that differs
// in the fewest parameters; of equals the one with the best configuration, then the one with the highest scores.
std::optional<NearestPair> NearestOf(const Gains& gains, const std::vector<ResultRow>& rows,
                                     const std::vector<Asked>& points, const std::string& parameter,
                                     const std::vector<std::size_t>& with_value,
                                     const std::vector<std::size_t>& with_best) {
  using Rank = std::tuple<std::size_t, bool, double>;
  std::optional<std::pair<Rank, NearestPair>> nearest;
  for (const std::size_t i : with_value) {
    for (const std::size_t j : with_best) {
      if (!rows[i].score || !rows[j].score) continue;
      std::vector<std::string> with = DifferencesOf(points[i], points[j]);
      std::erase(with, parameter);
      const Rank rank = {with.size(), !rows[j].best, -(*rows[i].score + *rows[j].score)};
      if (nearest && nearest->first <= rank) continue;
      const auto gain = gains.Of(rows[i], rows[j]);
      if (!gain) continue;
      nearest.emplace(rank, NearestPair{ChangeOf(gains, {*gain}, 1), ChangeOf(gains, {*gain}, -1), std::move(with),
                                        rows[j].experiment->name, rows[i].experiment->name});
    }
  }
  return nearest ? std::optional(std::move(nearest->second)) : std::nullopt;
}

// The engines of a task's experiments: one for each runtime on each type of GPU.
class Engines {
 public:
  Engines(const api::AutotuneTask& task, const quant::RuleSet& rules) : task_(task), rules_(rules) {}

  const EngineSettings& Of(const api::ExperimentStatus& experiment) {
    return known_.try_emplace({experiment.runtime, experiment.gpu}, task_, experiment, rules_).first->second;
  }

 private:
  const api::AutotuneTask& task_;
  const quant::RuleSet& rules_;
  std::map<std::pair<std::string, std::string>, EngineSettings> known_;
};

// `points`, with what the engine uses where a parameter of any of them is not set.
std::vector<Settings> WithDefaults(const std::vector<ResultRow>& rows, std::vector<Settings> points, Engines& engines) {
  std::set<std::string> names;
  for (const Settings& point : points) {
    for (const auto& [name, value] : point) names.insert(name);
  }
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (points[i].empty()) continue;
    const EngineSettings& engine = engines.Of(*rows[i].experiment);
    for (const std::string& name : names) {
      const std::string value = engine.Used(engine.NameOf(name), ValueOf(points[i], name));
      if (!value.empty()) points[i][name] = value;
    }
  }
  return points;
}

// Whether the experiments with a value set it, and what stands for it where they do not.
std::string ShownOf(const std::vector<ResultRow>& rows, const std::vector<Settings>& points,
                    const std::string& parameter, const ValueEffect& value, Engines& engines) {
  std::set<std::string> unset;
  bool set = false;
  for (const auto* members : {&value.scored, &value.unscored}) {
    for (const ResultRow* row : *members) {
      const auto index = static_cast<std::size_t>(row - rows.data());
      const EngineSettings& engine = engines.Of(*row->experiment);
      const std::string written = ValueOf(points[index], parameter);
      set = set || !written.empty();
      if (written.empty()) unset.insert(engine.Shown(engine.NameOf(parameter), ""));
    }
  }
  if (set) return value.value + (unset.empty() ? "" : " (and engine's default)");
  return unset.size() == 1 ? *unset.begin() : "(not set)";
}

// `asked` and `used` are parallel to `rows`.
std::vector<ParameterEffect> EffectsBetween(const api::AutotuneTask& task, const std::vector<ResultRow>& rows,
                                            const std::vector<Settings>& asked, const std::vector<Settings>& used) {
  std::size_t best = rows.size();
  std::set<std::string> names;
  std::vector<Asked> points;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].best && rows[i].score) best = i;
    for (const auto& [name, value] : used[i]) names.insert(name);
    points.push_back({&asked[i], &used[i]});
  }
  std::vector<ParameterEffect> out;
  if (best == rows.size()) return out;
  const Gains gains(task);
  for (const std::string& name : names) {
    ParameterEffect parameter{name, ValueOf(used[best], name), {}};
    std::map<std::string, std::vector<std::size_t>> with;  // experiments by value
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const bool counts = !used[i].empty() && rows[i].experiment->confirms.empty();
      if (counts) with[ValueOf(used[i], name)].push_back(i);
    }
    if (with.size() < 2) continue;
    for (const auto& [value, members] : with) {
      ValueEffect effect;
      effect.value = value;
      effect.shown = value.empty() ? "(not set)" : value;
      std::vector<LogGain> pairs;
      for (const std::size_t i : members) {
        (rows[i].score ? effect.scored : effect.unscored).push_back(&rows[i]);
        if (!rows[i].score || value == parameter.best) continue;
        for (const std::size_t other : with[parameter.best]) {
          if (!rows[other].score || DifferencesOf(points[i], points[other]) != std::vector{name}) continue;
          if (const auto gain = gains.Of(rows[i], rows[other])) pairs.push_back(*gain);
        }
      }
      std::stable_sort(effect.scored.begin(), effect.scored.end(),
                       [](const ResultRow* a, const ResultRow* b) { return *a->score > *b->score; });
      if (!pairs.empty()) {
        effect.from_best = ChangeOf(gains, pairs, 1);
        effect.to_best = ChangeOf(gains, pairs, -1);
      } else if (value != parameter.best) {
        effect.nearest = NearestOf(gains, rows, points, name, members, with[parameter.best]);
      }
      parameter.values.push_back(std::move(effect));
    }
    std::stable_sort(parameter.values.begin(), parameter.values.end(),
                     [](const ValueEffect& a, const ValueEffect& b) { return ValueBefore(a.value, b.value); });
    out.push_back(std::move(parameter));
  }
  return out;
}

}  // namespace

std::vector<ParameterEffect> EffectsOf(const api::AutotuneTask& task, const std::vector<ResultRow>& rows,
                                       const std::vector<Settings>& points) {
  return EffectsBetween(task, rows, points, points);
}

std::vector<ParameterEffect> EffectsOf(const api::AutotuneTask& task, const std::vector<ResultRow>& rows,
                                       const std::vector<Settings>& points, const quant::RuleSet& rules) {
  Engines engines(task, rules);
  std::vector<ParameterEffect> effects = EffectsBetween(task, rows, points, WithDefaults(rows, points, engines));
  for (ParameterEffect& parameter : effects) {
    for (ValueEffect& value : parameter.values) {
      value.shown = ShownOf(rows, points, parameter.parameter, value, engines);
    }
  }
  return effects;
}

std::vector<ParameterEffect> EffectsOf(const api::AutotuneTask& task, const std::vector<ResultRow>& rows,
                                       const quant::RuleSet& rules) {
  const auto space = SpaceOf(task, rules);
  if (!space) return {};
  std::vector<Settings> points;
  points.reserve(rows.size());
  for (const ResultRow& row : rows) points.push_back(reconcile::PointOf(*space, *row.experiment));
  return EffectsOf(task, rows, points, rules);
}

std::optional<MeasuredChange> ChangeBetween(const api::AutotuneTask& task, const ResultRow& from, const ResultRow& to) {
  if (!from.score || !to.score) return std::nullopt;
  const Gains gains(task);
  const auto gain = gains.Of(to, from);
  if (!gain) return std::nullopt;
  return ChangeOf(gains, {*gain}, 1);
}

std::string GainInterval(const api::AutotuneTask& task, const std::vector<ResultRow>& rows) {
  const auto best = std::ranges::find_if(rows, &ResultRow::best);
  if (best == rows.end()) return "";
  const api::ExperimentStatus* compared = api::ComparedWith(task.status.experiments, best->experiment->runtime);
  const auto base = std::ranges::find(rows, compared, &ResultRow::experiment);
  if (base == rows.end() || base == best) return "";
  const auto change = ChangeBetween(task, *base, *best);
  if (!change || !change->has_interval()) return "";
  return " (" + text::SignedPercent(change->low) + " to " + text::SignedPercent(change->high) + ")";
}

std::string ChangeText(const MeasuredChange& change) {
  std::string text = text::SignedPercent(change.change);
  if (change.has_interval()) {
    text += " (" + text::SignedPercent(change.low) + " to " + text::SignedPercent(change.high) + ")";
  }
  return text;
}

std::string EvidenceText(const MeasuredChange& change) {
  const std::size_t pairs = change.pairs.size();
  return ChangeText(change) + ", " + std::to_string(pairs) + (pairs == 1 ? " pair" : " pairs") +
         (change.has_interval() && !change.certain() ? ", not told apart" : "");
}

std::string NoEffectText(const ValueEffect& value, const ParameterEffect& parameter, Way way) {
  if (value.from_best || value.value == parameter.best) return "";
  if (!value.scored.empty()) {
    const std::string text = "no pair differs in this alone";
    if (!value.nearest) return text;
    const NearestPair& pair = *value.nearest;
    const bool back = way == Way::kToBest;
    return text + "; together with " + text::Joined(pair.with, ", ") + ": " +
           ChangeText(back ? pair.to_best : pair.from_best) + ", from " + (back ? pair.with_value : pair.with_best) +
           " to " + (back ? pair.with_best : pair.with_value);
  }
  std::vector<std::string> reasons;
  for (const ResultRow* row : value.unscored) reasons.push_back(row->experiment->name + " " + NoScoreText(*row));
  return "no score: " + text::Joined(reasons, ", ");
}

std::optional<tuning::search::Insight> InsightFor(const api::AutotuneTask& task, const quant::RuleSet& rules) {
  const bool measured =
      std::any_of(task.status.experiments.begin(), task.status.experiments.end(), [](const auto& experiment) {
        return experiment.state == api::ExperimentState::kSucceeded && !experiment.loads.empty();
      });
  if (!measured) return std::nullopt;
  const auto space = SpaceOf(task, rules);
  if (!space) return std::nullopt;
  return reconcile::InsightOf(task.spec, task.status, *space);
}

}  // namespace autotune::report
