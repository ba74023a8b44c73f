#include "tuning/search/decide.h"

#include <algorithm>
#include <cmath>

#include "base/keyed_random.h"
#include "tuning/search/constants.h"
#include "tuning/search/crash_model.h"
#include "tuning/search/residual_model.h"
#include "tuning/search/step_rule.h"
#include "tuning/search/stop_rule.h"

namespace autotune::tuning::search {
namespace {

// Candidates that have a terminal state or run: not to be started.
std::vector<bool> Taken(const Space& space, const Observations& observations, const Slots& slots) {
  std::vector<bool> taken(space.candidates.size(), false);
  for (const Start& start : observations.starts) {
    if (start.outcome != StartOutcome::kInfrastructure) taken[start.candidate] = true;
  }
  for (const Point& point : observations.points) taken[point.candidate] = true;
  for (const std::size_t ended : observations.ended) taken[ended] = true;
  for (const RunningTrial& trial : slots.running) taken[trial.candidate] = true;
  if (slots.up) taken[*slots.up] = true;
  for (std::size_t i = 0; i < taken.size(); ++i) {
    if (!space.candidates[i].available) taken[i] = true;
  }
  return taken;
}

// To nine digits: mathematics libraries round the last bits differently, and must not decide. Ties go by key.
double Rounded(double x) {
  int exponent = 0;
  const double mantissa = std::frexp(x, &exponent);
  return std::ldexp(std::round(mantissa * 1073741824.0), exponent - 30);
}

// What runs elsewhere will soon say something that a choice made now would lack.
bool NewsIsNear(const Space& space, const Slots& slots, std::size_t next) {
  const double patience = constants::kPatience * space.candidates[next].start_seconds;
  return std::any_of(slots.running.begin(), slots.running.end(), [&](const RunningTrial& trial) {
    return trial.seconds_left > 0 && trial.seconds_left <= patience;
  });
}

struct Scored {
  std::size_t candidate = 0;
  double improvement = 0;
  double score = 0;  // per GPU-second
};

}  // namespace

std::string_view ReasonName(Reason reason) {
  switch (reason) {
    case Reason::kBaseline:
      return "Baseline";
    case Reason::kLargestGain:
      return "LargestGain";
    case Reason::kLeastViolation:
      return "LeastViolation";
    case Reason::kMeasure:
      return "Measure";
    case Reason::kSlotsBusy:
      return "SlotsBusy";
    case Reason::kLowExpectedGain:
      return "LowExpectedGain";
    case Reason::kInfeasible:
      return "Infeasible";
    case Reason::kBudget:
      return "Budget";
    case Reason::kMaxExperiments:
      return "MaxExperiments";
    case Reason::kAllTried:
      return "AllTried";
  }
  return "";
}

Decision Decide(const Space& space, const Bounds& bounds, const Prior& prior, const Observations& observations,
                const Slots& slots, std::uint64_t seed, const Limits& limits) {
  const std::vector<Row> rows = MergePoints(space, observations.points);
  Decision decision;
  decision.best = BestObserved(bounds, rows);

  if (slots.up) {
    const measurement::NextLoad step = ChooseStep(space, bounds, prior, rows, *slots.up, seed);
    if (step.action != measurement::LoadAction::kStop) {
      decision.action = Action::kStep;
      decision.reason = Reason::kMeasure;
      decision.candidate = *slots.up;
      decision.step = step;
      return decision;
    }
  }

  const std::vector<bool> taken = Taken(space, observations, slots);
  std::vector<std::size_t> left;
  bool over_budget = false;
  const bool most_started = limits.budget.trials && limits.budget.started >= *limits.budget.trials;
  std::optional<std::size_t> incumbent;
  if (decision.best) incumbent = decision.best->candidate;
  const auto fits = [&](std::size_t i) {
    const bool allowed = Allow(space, limits.budget, i, incumbent).has_value();
    over_budget |= !allowed;
    return allowed;
  };
  const auto start = [&](std::size_t i, Reason reason, double gain) {
    decision.action = Action::kStart;
    decision.reason = reason;
    decision.candidate = i;
    decision.expected_gain = gain;
    decision.allowance = Allow(space, limits.budget, i, incumbent);
  };
  const auto stop = [&](Reason reason) {
    // What runs may change the answer, and what is chosen next.
    decision.action = slots.running.empty() ? Action::kStop : Action::kWait;
    decision.reason = slots.running.empty() ? reason : Reason::kSlotsBusy;
    if (decision.action != Action::kStop || (reason != Reason::kBudget && reason != Reason::kMaxExperiments)) return;
    // A limit is the reason only where the search would go on without it.
    const Decision unlimited =
        Decide(space, bounds, prior, observations, slots, seed, Limits{.budget = {}, .exhaust = limits.exhaust});
    if (unlimited.action != Action::kStop) return;
    decision.reason = unlimited.reason;
    decision.expected_gain = unlimited.expected_gain;
  };

  for (std::size_t i = 0; i < space.candidates.size(); ++i) {
    if (!space.candidates[i].baseline || taken[i] || !fits(i)) continue;
    const Features& features = space.candidates[i].features;
    if (!slots.HasSlot(features.gpu)) continue;
    if (slots.free_gpus && !PickFitting({{i, features.shape.gpus, 0, 1, features.gpu}}, slots)) continue;
    start(i, Reason::kBaseline, 0);
    return decision;
  }
  for (const std::size_t i : prior.order) {
    if (left.size() == constants::kShortlist) break;
    if (!taken[i] && fits(i)) left.push_back(i);
  }
  if (left.empty()) {
    stop(most_started ? Reason::kMaxExperiments : over_budget ? Reason::kBudget : Reason::kAllTried);
    return decision;
  }

  if (NewsIsNear(space, slots, left.front())) {
    decision.action = Action::kWait;
    decision.reason = Reason::kSlotsBusy;
    return decision;
  }

  // The decision's number: how much is known.
  const std::uint64_t number =
      observations.starts.size() + observations.points.size() + observations.ended.size() + slots.running.size();
  std::vector<std::size_t> asked = left;
  for (const RunningTrial& trial : slots.running) asked.push_back(trial.candidate);
  const ResidualModel model(space, bounds, prior, rows, asked);
  const CrashModel crashes(space, observations.starts);
  const ValueDraws draws(space, bounds, model, rows, base::Key({seed, number}), DrawsFor(asked.size()));

  std::vector<double> beat(draws.Count(), decision.best ? decision.best->value : 0);
  for (const RunningTrial& trial : slots.running) {
    const std::vector<double> values = draws.Of(trial.candidate);
    const double p = trial.up ? 1 : crashes.StartProbability(trial.candidate);
    for (std::size_t s = 0; s < beat.size(); ++s) {
      if (values[s] > beat[s] && draws.Starts(trial.candidate, s, p)) beat[s] = values[s];
    }
  }
  std::vector<std::vector<double>> values;
  std::vector<double> probability;
  values.reserve(left.size());
  probability.reserve(left.size());
  for (const std::size_t i : left) {
    values.push_back(draws.Of(i));
    probability.push_back(crashes.StartProbability(i));
  }
  std::vector<bool> has_rows(space.candidates.size(), false);
  for (const Row& row : rows) has_rows[row.candidate] = true;
  const StopState state = TestStop(space, draws, left, values, probability, beat, decision.best,
                                   static_cast<int>(std::count(has_rows.begin(), has_rows.end(), true)));
  decision.expected_gain = state.expected_gain;
  if (!limits.exhaust && state.verdict != StopVerdict::kGoOn) {
    stop(state.verdict == StopVerdict::kInfeasible ? Reason::kInfeasible
         : over_budget                             ? Reason::kBudget
                                                   : Reason::kLowExpectedGain);
    return decision;
  }

  std::vector<Scored> scored;
  double most = 0;
  for (std::size_t i = 0; i < left.size(); ++i) {
    const double improvement = ExpectedImprovement(values[i], beat, probability[i]);
    most = std::max(most, improvement);
    scored.push_back({left[i], improvement, Rounded(improvement / ExpectedCost(space, left[i]))});
  }
  Reason reason = Reason::kLargestGain;
  const double scale = decision.best ? decision.best->value : 1;
  if (most <= constants::kNegligible * scale) {
    reason = Reason::kLeastViolation;
    for (Scored& s : scored) s.score = -Rounded(draws.Violation(s.candidate));
  }
  std::sort(scored.begin(), scored.end(), [&](const Scored& a, const Scored& b) {
    return a.score != b.score ? a.score > b.score
                              : space.candidates[a.candidate].key < space.candidates[b.candidate].key;
  });
  std::vector<StartOffer> offers;
  offers.reserve(scored.size());
  for (const Scored& s : scored) {
    const Candidate& c = space.candidates[s.candidate];
    if (!slots.HasSlot(c.features.gpu)) continue;
    offers.push_back({s.candidate, c.features.shape.gpus,
                      c.start_seconds + constants::kStepsPerTrial * space.step_seconds, s.score, c.features.gpu});
  }
  const std::optional<std::size_t> picked = PickFitting(offers, slots);
  if (!picked) {
    decision.action = Action::kWait;
    decision.reason = Reason::kSlotsBusy;
    return decision;
  }
  const auto at = std::find_if(scored.begin(), scored.end(), [&](const Scored& s) { return s.candidate == *picked; });
  start(*picked, reason, decision.best ? at->improvement / decision.best->value : 0);
  return decision;
}

}  // namespace autotune::tuning::search
