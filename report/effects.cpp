#include "report/effects.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <functional>
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
  std::string better{}, base{};  // the experiments
  bool tied = false;             // the best and one that ties with it
};

class Gains {
 public:
  explicit Gains(const api::AutotuneTask& task)
      : falls_(reconcile::LessIsBetter(task.spec.optimization.objective)),
        criteria_(reconcile::CriteriaOf(task.spec, task.status)) {
    if (!criteria_.fixed_loads) return;
    for (const api::ExperimentStatus& experiment : task.status.experiments) {
      if (experiment.state == api::ExperimentState::kSucceeded) succeeded_.push_back(&experiment);
    }
    observations_ = reconcile::ObservationsOf(succeeded_, task.spec, task.status);
    judgement_ = tuning::Judge(observations_, criteria_);
  }

  [[nodiscard]] std::optional<LogGain> Of(const ResultRow& better, const ResultRow& base) const {
    const double ours = *better.score, theirs = *base.score;
    if (ours == 0 || theirs == 0) return std::nullopt;
    const bool tied = (better.best && base.tied) || (better.tied && base.best);
    LogGain out{0, 0, better.experiment->name, base.experiment->name, tied};
    if (criteria_.fixed_loads) {
      // Like with like: at one load.
      const auto ours_at = std::ranges::find(succeeded_, better.experiment);
      const auto theirs_at = std::ranges::find(succeeded_, base.experiment);
      if (ours_at == succeeded_.end() || theirs_at == succeeded_.end()) return std::nullopt;
      const auto gain =
          reconcile::GainOfMeans(observations_, judgement_, static_cast<std::size_t>(ours_at - succeeded_.begin()),
                                 static_cast<std::size_t>(theirs_at - succeeded_.begin()), criteria_);
      if (!gain) return std::nullopt;
      return LogGain{Log(gain->share), gain->ln_half_width, better.experiment->name, base.experiment->name, tied};
    }
    out.gain = std::log(std::abs(ours / theirs)) * (ours < 0 ? -1 : 1);
    if (better.ci > 0 && base.ci > 0) out.half_width = std::hypot(better.ci / ours, base.ci / theirs);
    return out;
  }

  [[nodiscard]] bool falls() const { return falls_; }
  // A share of the score, as GainOver has it: 50 % less latency is +0.5.
  [[nodiscard]] double Share(double log_gain) const {
    return falls_ ? 1 - std::exp(-log_gain) : std::exp(log_gain) - 1;
  }

 private:
  [[nodiscard]] double Log(double share) const { return falls_ ? -std::log(1 - share) : std::log(1 + share); }

  const bool falls_;
  const tuning::Criteria criteria_;
  // With fixed loads: what was measured, with all starts.
  std::vector<const api::ExperimentStatus*> succeeded_;
  std::vector<tuning::Observation> observations_;
  tuning::Judgement judgement_;
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
  out.less_is_better = gains.falls();
  if (pairs.size() == 1) {
    out.tied = pairs.front().tied;
    out.from = sign > 0 ? pairs.front().base : pairs.front().better;
    out.to = sign > 0 ? pairs.front().better : pairs.front().base;
  }
  return out;
}

// Settings other than parameters in which two experiments differ, by their indices: what only a deployed one has.
using Beyond = std::function<std::vector<std::string>(std::size_t, std::size_t)>;

// Of the scored pairs of an experiment with a value and one with the best configuration's value, the one that differs
// in the fewest parameters; of equals the one with the best configuration, then the one with the highest scores.
std::optional<NearestPair> NearestOf(const Gains& gains, const std::vector<ResultRow>& rows,
                                     const std::vector<Asked>& points, const Beyond& beyond,
                                     const std::string& parameter, const std::vector<std::size_t>& with_value,
                                     const std::vector<std::size_t>& with_best) {
  using Rank = std::tuple<std::size_t, bool, double>;
  std::optional<std::pair<Rank, NearestPair>> nearest;
  for (const std::size_t i : with_value) {
    for (const std::size_t j : with_best) {
      if (!rows[i].score || !rows[j].score) continue;
      std::vector<std::string> with = DifferencesOf(points[i], points[j]);
      std::erase(with, parameter);
      for (std::string& name : beyond(i, j)) with.push_back(std::move(name));
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

using Surroundings = std::vector<std::pair<std::string, std::string>>;

// What differs between two servers. A release that is not known does not differ.
std::vector<std::string> DifferencesOf(const Surroundings& a, const Surroundings& b) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const bool known = a[i].first != "release" || (!a[i].second.empty() && !b[i].second.empty());
    if (known && a[i].second != b[i].second) names.push_back(a[i].first);
  }
  return names;
}

// Differences between what is deployed and an experiment that no parameter stands for. A pair with one of them does
// not differ in a parameter alone.
class Deployed {
 public:
  Deployed(const api::AutotuneTask& task, const std::vector<ResultRow>& rows, const quant::RuleSet& rules)
      : task_(task), rows_(rows), rules_(rules) {}

  std::vector<std::string> DifferencesOf(std::size_t a, std::size_t b) {
    if (rows_[a].experiment->deployed == rows_[b].experiment->deployed) return {};
    const api::ExperimentStatus& deployed = *rows_[rows_[a].experiment->deployed ? a : b].experiment;
    const api::ExperimentStatus& other = *rows_[rows_[a].experiment->deployed ? b : a].experiment;
    const bool same_type = deployed.gpu == other.gpu;
    const bool same_preset = deployed.quant.name == other.quant.name;
    std::vector<std::string> names;
    for (const std::string& name : base::KeysOf(deployed.env, other.env)) {
      // What only the other sets may come with its preset or its type of GPU.
      const bool follows = !deployed.env.contains(name) && !(same_type && same_preset);
      if (!follows && ValueOf(deployed.env, name) != ValueOf(other.env, name)) names.push_back(name);
    }
    // Another type of GPU may need another image.
    if (!same_type || api::WithoutDeployed(deployed.runtime) != api::WithoutDeployed(other.runtime)) return names;
    for (std::string& name : report::DifferencesOf(Of(deployed), Of(other))) names.push_back(std::move(name));
    return names;
  }

 private:
  const Surroundings& Of(const api::ExperimentStatus& experiment) {
    const auto [found, is_new] = known_.try_emplace({experiment.runtime, experiment.gpu, experiment.engine_version});
    if (is_new) found->second = EngineSettings(task_, experiment, rules_).Surroundings();
    return found->second;
  }

  const api::AutotuneTask& task_;
  const std::vector<ResultRow>& rows_;
  const quant::RuleSet& rules_;
  std::map<std::tuple<std::string, std::string, std::string>, Surroundings> known_;
};

// Every setting in which the two of a pair differ, without `parameter`, as the list of changes names it.
std::vector<std::string> DifferingSettings(const api::AutotuneTask& task, const std::vector<ResultRow>& rows,
                                           const quant::RuleSet& rules, const std::string& parameter,
                                           const NearestPair& pair) {
  const auto experiment = [&](const std::string& name) -> const api::ExperimentStatus& {
    return *std::ranges::find_if(rows, [&](const ResultRow& row) { return row.experiment->name == name; })->experiment;
  };
  const EngineSettings one(task, experiment(pair.with_best), rules), other(task, experiment(pair.with_value), rules);
  const Settings ours = one.All(), theirs = other.All();
  std::set<std::string> names;
  for (const std::string& name : pair.with) names.insert(one.NameOf(name));
  for (const std::string& name : base::KeysOf(ours, theirs)) {
    const std::string own = ValueOf(ours, name), its = ValueOf(theirs, name);
    if (own != its && one.Used(name, own) != other.Used(name, its)) names.insert(name);
  }
  for (std::string& name : DifferencesOf(one.Surroundings(), other.Surroundings())) names.insert(std::move(name));
  names.erase(one.NameOf(parameter));
  return {names.begin(), names.end()};
}

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
                                            const std::vector<Settings>& asked, const std::vector<Settings>& used,
                                            const Beyond& beyond) {
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
          if (!beyond(i, other).empty()) continue;
          if (const auto gain = gains.Of(rows[i], rows[other])) pairs.push_back(*gain);
        }
      }
      std::stable_sort(effect.scored.begin(), effect.scored.end(),
                       [](const ResultRow* a, const ResultRow* b) { return *a->score > *b->score; });
      if (!pairs.empty()) {
        effect.from_best = ChangeOf(gains, pairs, 1);
        effect.to_best = ChangeOf(gains, pairs, -1);
      } else if (value != parameter.best) {
        effect.nearest = NearestOf(gains, rows, points, beyond, name, members, with[parameter.best]);
      }
      parameter.values.push_back(std::move(effect));
    }
    std::stable_sort(parameter.values.begin(), parameter.values.end(),
                     [](const ValueEffect& a, const ValueEffect& b) { return ValueBefore(a.value, b.value); });
    out.push_back(std::move(parameter));
  }
  return out;
}

std::string IntervalText(const MeasuredChange& change) {
  if (!change.has_interval()) return "";
  return reconcile::GainIntervalWords(change.change, change.low, change.high, change.less_is_better);
}

std::string ToldText(const MeasuredChange& change) {
  if (!change.has_interval() || change.certain()) return "";
  // As the table says it: its rule is stricter than the interval of the difference.
  const bool beyond = change.low > 0 || change.high < 0;
  return beyond ? ", not told apart: the intervals of the two scores overlap" : ", not told apart";
}

}  // namespace

std::vector<ParameterEffect> EffectsOf(const api::AutotuneTask& task, const std::vector<ResultRow>& rows,
                                       const std::vector<Settings>& points) {
  return EffectsBetween(task, rows, points, points,
                        [](std::size_t, std::size_t) { return std::vector<std::string>(); });
}

std::vector<ParameterEffect> EffectsOf(const api::AutotuneTask& task, const std::vector<ResultRow>& rows,
                                       const std::vector<Settings>& points, const quant::RuleSet& rules) {
  Engines engines(task, rules);
  Deployed deployed(task, rows, rules);
  std::vector<ParameterEffect> effects =
      EffectsBetween(task, rows, points, WithDefaults(rows, points, engines),
                     [&](std::size_t a, std::size_t b) { return deployed.DifferencesOf(a, b); });
  for (ParameterEffect& parameter : effects) {
    for (ValueEffect& value : parameter.values) {
      if (value.nearest)
        value.nearest->with = DifferingSettings(task, rows, rules, parameter.parameter, *value.nearest);
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
  return change ? IntervalText(*change) : "";
}

std::string ChangeText(const MeasuredChange& change) {
  return reconcile::GainWords(change.change, change.less_is_better) + IntervalText(change);
}

std::string EvidenceText(const MeasuredChange& change) {
  const std::size_t pairs = change.pairs.size();
  return ChangeText(change) + ", " + std::to_string(pairs) + (pairs == 1 ? " pair" : " pairs") +
         (change.from.empty() ? "" : ", from " + change.from + " to " + change.to) + ToldText(change);
}

std::string NoEffectText(const ValueEffect& value, const ParameterEffect& parameter, Direction direction) {
  if (value.from_best || value.value == parameter.best) return "";
  if (!value.scored.empty()) {
    const std::string text = "no pair differs in this alone";
    if (!value.nearest) return text;
    const NearestPair& pair = *value.nearest;
    const bool back = direction == Direction::kToBest;
    return text + "; together with " + text::Joined(pair.with, ", ") + ": " +
           ChangeText(back ? pair.to_best : pair.from_best) + ", from " + (back ? pair.with_value : pair.with_best) +
           " to " + (back ? pair.with_best : pair.with_value) + ToldText(pair.to_best);
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
