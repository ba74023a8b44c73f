#include "tuning/judge.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <iterator>
#include <limits>
#include <set>
#include <span>
#include <string_view>
#include <tuple>
#include <utility>

#include "measurement/answer_point.h"
#include "measurement/excess.h"
#include "measurement/limit_interval.h"

namespace autotune::tuning {
namespace {

using measurement::Load;
using measurement::Point;
using measurement::Violation;

// Where a limit is 0, or a latency rounds to 0, ratios and logarithms stay finite.
constexpr double kSmallest = 1e-3;
constexpr double kMaxRelative = 1e6;
// A simpler configuration wins a tie only within this share of the highest score: a wide interval is no merit. (On two
// H200 one of +- 72 % tied with a configuration that was 60 % faster, and held 18 % less load in an open loop. Of a tie
// 4 % behind, brute force says that it is 4 % behind: decision 83.)
constexpr double kSimplerWinsWithin = 0.01;

// What a rate sustains of a closed loop whose queue always stands, where no observation tells: in virtual time loops
// were 2 to 19 % too high in eleven of twelve workloads, on an H200 5 and 10 % (benchmarks/README.md, "Closed loops and
// rates").
constexpr double kUnknownShare = 1 / 1.15;
constexpr double kMostShare = 1 / 1.05;  // rates are searched to 5 % below the loop's
constexpr double kLeastShare = 0.3;
constexpr double kHalfWidths = 1.96;  // a 95 % interval's, in standard deviations

constexpr std::pair<ScoreBasis, std::string_view> kBasisNames[] = {
    {ScoreBasis::kLoad, "Load"}, {ScoreBasis::kSustainedRate, "SustainedRate"}, {ScoreBasis::kEstimate, "Estimate"}};

double Square(double value) { return value * value; }

double GeometricMean(std::span<const double> values) {
  double logarithms = 0;
  for (const double value : values) logarithms += std::log(std::max(value, kSmallest));
  return std::exp(logarithms / static_cast<double>(values.size()));
}

// A measured point as judging sees it.
struct Step {
  std::size_t load = 0;  // index into Observation::loads
  Load offered;
  double throughput = 0;  // output tokens/s per GPU
  double tpot = 0;        // p50
  double value = 0;       // what the objective looks at, higher is better; negative where less of it is better
  double ci = 0;          // half-width of value's interval
  ScoreBasis basis = ScoreBasis::kLoad;
  // Of an estimate: its score and the most that it can be as shares of the value, and the half-width of ln(score).
  double share = 1, most = 1, ln_half_width = 0;
  bool meets_slo = false;
  measurement::PointRole role = measurement::PointRole::kSearch;
  std::vector<Violation> violations;

  [[nodiscard]] double Miss() const { return violations.empty() ? 0 : violations.front().relative; }
};
using Curve = std::vector<std::vector<Step>>;  // by scenario

const Step* At(const std::vector<Step>& steps, const Load& load) {
  const auto found = std::find_if(steps.begin(), steps.end(), [&](const Step& step) { return step.offered == load; });
  return found == steps.end() ? nullptr : &*found;
}

std::vector<std::string> ScenariosOf(const std::vector<Observation>& observations) {
  std::vector<std::string> scenarios;
  for (const Observation& observation : observations) {
    for (const Point& load : observation.loads) {
      if (std::find(scenarios.begin(), scenarios.end(), load.scenario) == scenarios.end()) {
        scenarios.push_back(load.scenario);
      }
    }
  }
  return scenarios;
}

std::optional<measurement::Metric> LatencyOf(Objective objective) {
  switch (objective) {
    case Objective::kMinimizeLatency:
      return measurement::Metric::kE2e;
    case Objective::kMinimizeTtft:
      return measurement::Metric::kTtft;
    case Objective::kMinimizeTpot:
      return measurement::Metric::kTpot;
    case Objective::kMaximizeThroughput:
    case Objective::kMaximizeGoodput:
    case Objective::kMinimizeCost:
      break;
  }
  return std::nullopt;
}

// Value of the objective at a point, and the half-width of its interval.
std::pair<double, double> ScoreOf(const Criteria& criteria, const Point& point, const Observation& observation) {
  if (const auto latency = LatencyOf(criteria.objective)) {
    const double p50 = point.Get(*latency).p50;
    return {-p50, p50 * point.relative_ci[static_cast<std::size_t>(*latency)]};
  }
  const double throughput = point.output_tokens_per_second / std::max(observation.gpus, 1);
  double value = throughput;
  if (criteria.objective == Objective::kMaximizeGoodput) {
    value = measurement::PointScore(measurement::ScoreMetric::kAttainedRequests, point, observation.gpus);
  } else if (criteria.objective == Objective::kMinimizeCost) {
    value = -observation.price_per_gpu_hour / 3600 * 1e6 / std::max(throughput, kSmallest);
  }
  return {value,
          std::abs(value) * point.output_tokens_per_second_ci / std::max(point.output_tokens_per_second, kSmallest)};
}

Curve CurveOf(const Observation& observation, const std::vector<std::string>& scenarios, const Criteria& criteria) {
  Curve curve(scenarios.size());
  for (std::size_t i = 0; i < observation.loads.size(); ++i) {
    const Point& point = observation.loads[i];
    if (!measurement::IsUsable(point) || measurement::IsInvalid(point)) continue;
    // A latency of 0 was not measured (answers in one piece): it must not be the lowest.
    if (const auto latency = LatencyOf(criteria.objective)) {
      if (!(point.Get(*latency).p50 > 0)) continue;
    }
    if (!criteria.fixed_loads && measurement::IsMeasuredAgain(observation.loads, i)) continue;
    Step step;
    step.load = i;
    step.offered = point.load;
    step.role = point.role;
    step.throughput = point.output_tokens_per_second / std::max(observation.gpus, 1);
    step.tpot = point.tpot.p50;
    std::tie(step.value, step.ci) = ScoreOf(criteria, point, observation);
    step.violations = measurement::CheckSlo(criteria.slo, point);
    // The verdict is of the bounds that were measured under; given loads are judged under any.
    step.meets_slo = criteria.fixed_loads ? step.violations.empty() : measurement::MeetsSlo(criteria.slo, point);
    if (step.meets_slo) step.violations.clear();
    const auto scenario = std::find(scenarios.begin(), scenarios.end(), point.scenario) - scenarios.begin();
    curve[static_cast<std::size_t>(scenario)].push_back(std::move(step));
  }
  return curve;
}

std::vector<Curve> CurvesOf(const std::vector<Observation>& observations, const std::vector<std::string>& scenarios,
                            const Criteria& criteria) {
  std::vector<Curve> curves;
  for (const Observation& observation : observations) curves.push_back(CurveOf(observation, scenarios, criteria));
  return curves;
}

bool MeasuredAt(const Curve& curve, const Load& load) {
  return std::all_of(curve.begin(), curve.end(), [&](const auto& steps) { return At(steps, load) != nullptr; });
}

bool MeetsSloAt(const Curve& curve, const Load& load) {
  return std::all_of(curve.begin(), curve.end(), [&](const auto& steps) {
    const Step* step = At(steps, load);
    return step != nullptr && step->meets_slo;
  });
}

// The loads of the first scenario, ascending, each once.
std::vector<Load> LoadsOf(const std::vector<const Curve*>& curves) {
  std::vector<Load> loads;
  for (const Curve* curve : curves) {
    if (curve->empty()) continue;
    for (const Step& step : curve->front()) {
      if (std::find(loads.begin(), loads.end(), step.offered) == loads.end()) loads.push_back(step.offered);
    }
  }
  std::ranges::sort(loads, {}, &Load::value);
  return loads;
}

// The one load at which latency objectives compare; nullopt if nothing was measured. One load for all scenarios, so
// that a better measurement in one of them can never leave the task without a feasible configuration.
std::optional<Load> ComparedLoad(const std::vector<Observation>& observations, const std::vector<Curve>& all) {
  std::vector<const Curve*> curves;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!observations[i].confirms) curves.push_back(&all[i]);
  }
  // Measured by all; where rows are missing, by most.
  std::optional<Load> best;
  std::optional<std::pair<std::ptrdiff_t, bool>> best_rank;
  for (const Load& load : LoadsOf(curves)) {
    const auto measured = std::ranges::count_if(curves, [&](const Curve* curve) { return MeasuredAt(*curve, load); });
    const bool kept = std::ranges::any_of(curves, [&](const Curve* curve) { return MeetsSloAt(*curve, load); });
    const std::pair<std::ptrdiff_t, bool> rank{measured, kept};
    if (measured > 0 && rank >= best_rank) {
      best = load;  // ascending: of equals the highest load
      best_rank = rank;
    }
  }
  return best;
}

measurement::ScoreMetric SearchedMetric(const Criteria& criteria) {
  return criteria.objective == Objective::kMaximizeGoodput ? measurement::ScoreMetric::kAttainedRequests
                                                           : measurement::ScoreMetric::kOutputTokens;
}

Step* StepOf(std::vector<Step>& steps, std::optional<std::size_t> load) {
  const auto found = std::find_if(steps.begin(), steps.end(), [&](const Step& step) { return load == step.load; });
  return found == steps.end() ? nullptr : &*found;
}

// Whether scores are of limits that were searched within an SLO: then closed loops and rates are compared.
bool ComparesLoopsWithRates(const Criteria& criteria) { return !criteria.fixed_loads && !criteria.slo.bounds.empty(); }

// What a rate sustains of a closed loop whose queue stands: mean of ln(share), and the half-width of its interval.
struct SustainedShare {
  double ln = std::log(kUnknownShare), half_width = -std::log(kUnknownShare);
};

// Of one scenario, from the observations with both.
SustainedShare ShareOf(std::size_t scenario, const measurement::AnswerRule& rule,
                       const std::vector<Observation>& observations, std::vector<Curve>& curves) {
  std::vector<double> seen;
  for (std::size_t i = 0; i < observations.size(); ++i) {
    std::vector<Step>& steps = curves[i][scenario];
    const std::vector<Point>& points = observations[i].loads;
    if (!measurement::IsSustained(rule.scenario, points)) continue;
    const Step* rate = StepOf(steps, measurement::AnswerOf(rule, points));
    const Step* loop = StepOf(steps, measurement::LimitOf(rule, points));
    if (rate == nullptr || loop == nullptr) continue;
    seen.push_back(std::log(std::clamp(rate->throughput / loop->throughput, kLeastShare, kMostShare)));
  }
  if (seen.empty()) return {};
  double mean = 0, squares = 0;
  const auto count = static_cast<double>(seen.size());
  for (const double ln : seen) mean += ln / count;
  for (const double ln : seen) squares += Square(ln - mean);
  // Up to the loop's, at least.
  return {mean, std::max(kHalfWidths * std::sqrt(squares / std::max(count - 1, 1.0)), -mean)};
}

// The closed loop that is the answer of one scenario although its queue stands, because the time ended before a rate
// met the SLO.
void MarkEstimate(const Observation& observation, const measurement::AnswerRule& rule, const SustainedShare& share,
                  const Criteria& criteria, std::vector<Step>& steps) {
  const std::vector<Point>& points = observation.loads;
  const bool tried = measurement::IsSustained(rule.scenario, points);
  if (tried) {
    const bool cut = observation.stopped == measurement::StopReason::kOutOfTime;
    if (!cut || measurement::AnswerOf(rule, points)) return;
  }
  Step* loop = StepOf(steps, measurement::LimitOf(rule, points));
  if (loop == nullptr || !(tried || points[loop->load].standing_queue)) return;
  double most = 1;
  for (const Step& step : steps) {
    if (step.role != measurement::PointRole::kSustained) continue;
    most = std::min(most, step.offered.value / points[loop->load].requests_per_second);
  }
  const bool cost = criteria.objective == Objective::kMinimizeCost;
  const auto of_a_price = [cost](double factor) { return cost ? 1 / factor : factor; };
  loop->basis = ScoreBasis::kEstimate;
  loop->most = of_a_price(most);
  loop->share = of_a_price(most * std::exp(share.ln));
  loop->ln_half_width = share.half_width;
}

void MarkBases(const std::vector<Observation>& observations, const std::vector<std::string>& scenarios,
               const Criteria& criteria, std::vector<Curve>& curves) {
  if (!ComparesLoopsWithRates(criteria)) return;
  for (std::size_t scenario = 0; scenario < scenarios.size(); ++scenario) {
    const measurement::AnswerRule rule{criteria.slo, SearchedMetric(criteria), std::nullopt, scenarios[scenario]};
    const SustainedShare share = ShareOf(scenario, rule, observations, curves);
    for (std::size_t i = 0; i < observations.size(); ++i) {
      for (Step& step : curves[i][scenario]) {
        if (step.role == measurement::PointRole::kSustained) step.basis = ScoreBasis::kSustainedRate;
      }
      MarkEstimate(observations[i], rule, share, criteria, curves[i][scenario]);
    }
  }
}

// Which points count: each configuration's limit, those at one load, or those that were measured as references.
struct Yardstick {
  std::optional<Load> load;
  bool reference = false;
};

// The answer of a search; of given loads the one with the highest value. Where nothing meets the SLO, the nearest.
const Step* LimitStep(const Observation& observation, const std::vector<Step>& steps, const Criteria& criteria) {
  const std::string& scenario = observation.loads[steps.front().load].scenario;
  for (const Step& step : steps) {
    if (step.basis == ScoreBasis::kEstimate) return &step;
  }
  if (!criteria.fixed_loads) {
    const measurement::AnswerRule rule{criteria.slo, SearchedMetric(criteria), std::nullopt, scenario};
    const auto answer = measurement::AnswerOf(rule, observation.loads);
    const auto found =
        std::find_if(steps.begin(), steps.end(), [&](const Step& step) { return answer && step.load == *answer; });
    if (found != steps.end()) return &*found;
  }
  const bool sustained = measurement::IsSustained(scenario, observation.loads);
  const Step* best = nullptr;
  for (const Step& step : steps) {
    // Rates that finalists were asked for: of the others nothing like it is known.
    if (step.role == measurement::PointRole::kConfirmation) continue;
    if (sustained && step.role != measurement::PointRole::kSustained) continue;
    if (best == nullptr) {
      best = &step;
    } else if (step.meets_slo != best->meets_slo) {
      if (step.meets_slo) best = &step;
    } else if (step.meets_slo ? step.value > best->value : step.Miss() < best->Miss()) {
      best = &step;  // of steps that miss the SLO, the nearest
    }
  }
  return best;
}

// The step of a scenario that counts: null when the scenario has none.
const Step* CountingStep(const Observation& observation, const std::vector<Step>& steps, const Yardstick& yardstick,
                         const Criteria& criteria) {
  if (yardstick.reference) {
    const auto found = std::find_if(steps.rbegin(), steps.rend(),
                                    [](const Step& step) { return step.role == measurement::PointRole::kReference; });
    return found == steps.rend() ? nullptr : &*found;
  }
  if (yardstick.load) return At(steps, *yardstick.load);
  return steps.empty() ? nullptr : LimitStep(observation, steps, criteria);
}

std::vector<const Step*> CountingSteps(const Observation& observation, const Curve& curve, const Yardstick& yardstick,
                                       const Criteria& criteria) {
  std::vector<const Step*> counting;
  for (const std::vector<Step>& steps : curve) {
    if (const Step* step = CountingStep(observation, steps, yardstick, criteria)) counting.push_back(step);
  }
  if (counting.size() < curve.size()) counting.clear();
  return counting;
}

// `share`: of a step's value that counts.
double Score(std::span<const Step* const> counting, double Step::*share = &Step::share) {
  std::vector<double> magnitudes;
  for (const Step* step : counting) magnitudes.push_back(std::abs(step->value) * (*step).*share);
  const double mean = GeometricMean(magnitudes);
  return std::signbit(counting.front()->value) ? -mean : mean;
}

// Of one scenario's value: that of the point and, where the limit was searched, that of the limit's load.
double HalfWidth(const Observation& observation, const std::vector<Step>& steps, const Step& counted,
                 const Criteria& criteria) {
  if (criteria.fixed_loads || ComparesAtOneLoad(criteria.objective)) return counted.ci;
  const double of_load = measurement::LimitHalfWidth(criteria.slo, observation.loads, counted.load);
  if (!(of_load > 0)) return counted.ci;
  // What a share more load adds to the value: as much of requests that arrive, less of a batch that already fills the
  // engine.
  double share = 1;
  if (counted.offered.kind == measurement::LoadKind::kConcurrency) {
    const Step* next = nullptr;
    for (const Step& step : steps) {
      if (step.meets_slo || step.offered.kind != counted.offered.kind || step.offered.value <= counted.offered.value) {
        continue;
      }
      if (next == nullptr || step.offered.value < next->offered.value) next = &step;
    }
    const double gain =
        std::log(std::max(std::abs(next->value), kSmallest) / std::max(std::abs(counted.value), kSmallest));
    share = std::clamp(std::abs(gain) / std::log(next->offered.value / counted.offered.value), 0.0, 1.0);
  }
  return std::hypot(counted.ci, std::abs(counted.value) * share * of_load);
}

// Of the geometric mean over scenarios.
double ScoreCi(const Observation& observation, const Curve& curve, std::span<const Step* const> counting, double score,
               const Criteria& criteria) {
  double variance = 0;
  for (std::size_t i = 0; i < counting.size(); ++i) {
    const double relative =
        HalfWidth(observation, curve[i], *counting[i], criteria) / std::max(std::abs(counting[i]->value), kSmallest);
    variance += Square(relative) + Square(counting[i]->ln_half_width);
  }
  return std::abs(score) * std::sqrt(variance) / static_cast<double>(counting.size());
}

std::optional<measurement::QualityGate> GateOf(const Criteria& criteria, const Observation& observation) {
  if (!criteria.max_degradation || !observation.quality) return std::nullopt;
  return measurement::GateOf(*observation.quality, *criteria.max_degradation);
}

std::optional<Violation> CheckQuality(const Criteria& criteria, const Observation& observation) {
  if (!criteria.max_degradation) return std::nullopt;
  const double limit = *criteria.max_degradation;
  Violation violation{"quality.maxDegradation", limit, std::nullopt, kMaxRelative};
  const auto& quality = observation.quality;
  if (GateOf(criteria, observation) == measurement::QualityGate::kHolds) return std::nullopt;
  // Undecided, with all the text there is: the likelier side.
  if (quality && quality->nll) {
    violation.actual = measurement::PerplexityGrowth(quality->nll->value);
    if (*violation.actual <= limit) return std::nullopt;
    violation.relative = std::min((*violation.actual - limit) / std::max(limit, kSmallest), kMaxRelative);
  }
  return violation;
}

// Every bound once, with its worst value, worst first.
void AddViolations(const std::vector<Violation>& more, std::vector<Violation>& violations) {
  for (const Violation& violation : more) {
    const auto same = std::find_if(violations.begin(), violations.end(),
                                   [&](const Violation& known) { return known.bound == violation.bound; });
    if (same == violations.end()) {
      violations.push_back(violation);
    } else if (violation.relative > same->relative) {
      *same = violation;
    }
  }
  std::ranges::stable_sort(violations, std::ranges::greater(), &Violation::relative);
}

Judged JudgeOne(const Observation& observation, const Curve& curve, const Yardstick& yardstick,
                const Criteria& criteria) {
  Judged judged;
  judged.id = observation.id;
  judged.load_meets_slo.assign(observation.loads.size(), false);
  for (const std::vector<Step>& steps : curve) {
    for (const Step& step : steps) judged.load_meets_slo[step.load] = step.meets_slo;
  }
  judged.cannot_win = observation.stopped == measurement::StopReason::kCannotWin;
  const std::vector<const Step*> counting = CountingSteps(observation, curve, yardstick, criteria);
  if (counting.empty()) return judged;
  for (const Step* step : counting) judged.scored.push_back(step->load);
  const std::optional<Violation> lost = CheckQuality(criteria, observation);
  judged.meets_quality = !lost;
  judged.gate = GateOf(criteria, observation);
  if (judged.cannot_win) return judged;
  judged.feasible =
      !lost && std::all_of(counting.begin(), counting.end(), [](const Step* step) { return step->meets_slo; });
  if (judged.feasible) {
    judged.score = Score(counting);
    judged.ci = ScoreCi(observation, curve, counting, *judged.score, criteria);
    for (const Step* step : counting) judged.basis = std::max(judged.basis, step->basis);
    if (judged.basis == ScoreBasis::kEstimate) judged.bound = Score(counting, &Step::most);
    return judged;
  }
  judged.relaxed_score = Score(counting);
  for (const Step* step : counting) AddViolations(step->violations, judged.violations);
  if (lost) AddViolations({*lost}, judged.violations);
  return judged;
}

// The first start and its fresh ones as one. What was picked for looking good says nothing of whether the bounds hold.
void JudgeWithFreshStarts(std::size_t first, const std::vector<Observation>& observations,
                          std::vector<Judged>& judged) {
  Judged& own = judged[first];
  own.shown = first;
  const auto point_of = [&](std::size_t i) -> const Point& { return observations[i].loads[judged[i].scored.front()]; };
  // A closed loop and a rate, where only one of the starts had a queue that stood, compare by what they answered.
  const auto at_most = [&](std::size_t a, std::size_t b) {
    const Point &one = point_of(a), &other = point_of(b);
    return one.load.kind == other.load.kind ? one.load.value <= other.load.value
                                            : one.requests_per_second <= other.requests_per_second;
  };
  std::vector<std::size_t> scores;
  if (own.score) scores.push_back(first);
  bool kept = true;
  for (std::size_t i = 0; i < observations.size(); ++i) {
    if (observations[i].confirms != first || judged[i].scored.empty()) continue;
    // Where time cut the search off, the highest load that it reached is no limit: it would only pull the mean down.
    if (observations[i].stopped == measurement::StopReason::kOutOfTime && judged[i].feasible) continue;
    own.shown = i;
    own.confirmed = true;
    kept = kept && judged[i].feasible;
    if (judged[i].score) scores.push_back(i);
    own.violations = judged[i].violations;
    own.relaxed_score = judged[i].relaxed_score;
  }
  if (!own.confirmed) return;
  own.confirmed = own.feasible = kept && own.meets_quality;
  if (!own.feasible) {
    own.score.reset();
    own.bound.reset();
    own.ci = 0;
    return;
  }
  const auto is_estimate = [&](std::size_t i) { return judged[i].basis == ScoreBasis::kEstimate; };
  if (!std::all_of(scores.begin(), scores.end(), is_estimate)) std::erase_if(scores, is_estimate);
  own.shown = scores.front();
  std::vector<const Judged*> scored;
  std::vector<double> bounds;
  for (const std::size_t i : scores) {
    scored.push_back(&judged[i]);
    if (at_most(i, own.shown)) own.shown = i;
    if (judged[i].bound) bounds.push_back(std::abs(*judged[i].bound));
  }
  double mean = 0, variance = 0, squares = 0;
  const auto count = static_cast<double>(scored.size());
  const auto ln = [](const Judged& one) { return std::log(std::max(std::abs(*one.score), kSmallest)); };
  for (const Judged* one : scored) {
    mean += ln(*one) / count;
    variance += Square(one->ci / std::max(std::abs(*one->score), kSmallest) / count);
  }
  for (const Judged* one : scored) squares += Square(ln(*one) - mean);
  const double spread = kHalfWidths * std::sqrt(squares / std::max(count - 1, 1.0) / count);
  const double score = std::copysign(std::exp(mean), *scored.front()->score);
  own.starts = static_cast<int>(scored.size());
  own.ci = std::abs(score) * std::max(std::sqrt(variance), spread);
  const bool measured = bounds.empty();
  ScoreBasis basis = ScoreBasis::kLoad;
  for (const Judged* one : scored) basis = std::max(basis, one->basis);
  own.bound = measured ? std::nullopt : std::optional(std::copysign(GeometricMean(bounds), score));
  own.basis = basis;
  own.score = score;
}

// On the Pareto front's axes.
struct FrontPoint {
  std::size_t observation = 0;
  double throughput = 0, tpot = 0, loss = 0;
  double price = 0;  // of a token, up to a factor; 0 where it is no axis

  // At least as good in all and better in one.
  [[nodiscard]] bool Beats(const FrontPoint& other) const {
    return throughput >= other.throughput && tpot <= other.tpot && loss <= other.loss && price <= other.price &&
           (throughput > other.throughput || tpot < other.tpot || loss < other.loss || price < other.price);
  }
};

// The feasible points of one observation's curve: one per load that all scenarios have, and the scored one.
// `price`: of a GPU-hour, 0 where it is no axis.
void AddFrontPoints(std::size_t observation, const Curve& curve, const Judged& judged, double loss, double price,
                    std::vector<FrontPoint>& points) {
  if (!judged.feasible) return;
  const auto add = [&](std::span<const Step* const> steps) {
    std::vector<double> throughputs;
    std::vector<double> tpots;
    for (const Step* step : steps) {
      throughputs.push_back(step->throughput);
      tpots.push_back(step->tpot);
    }
    const double throughput = GeometricMean(throughputs);
    points.push_back({observation, throughput, GeometricMean(tpots), loss, price / std::max(throughput, kSmallest)});
  };
  std::vector<const Step*> steps(curve.size());
  for (const Step& first : curve.front()) {
    if (!MeetsSloAt(curve, first.offered)) continue;
    for (std::size_t i = 0; i < curve.size(); ++i) steps[i] = At(curve[i], first.offered);
    add(steps);
  }
  for (std::size_t i = 0; i < curve.size(); ++i) {
    const auto scored =
        std::find_if(curve[i].begin(), curve[i].end(), [&](const Step& step) { return step.load == judged.scored[i]; });
    steps[i] = &*scored;
  }
  add(steps);
}

// The fastest first: what is beaten is beaten early. (At most 256 experiments with 12 points.)
std::vector<std::size_t> ParetoFront(std::vector<FrontPoint> points) {
  std::ranges::sort(points, std::ranges::greater(), &FrontPoint::throughput);
  std::set<std::size_t> front;
  for (const FrontPoint& point : points) {
    if (std::none_of(points.begin(), points.end(), [&](const FrontPoint& other) { return other.Beats(point); })) {
      front.insert(point.observation);
    }
  }
  return {front.begin(), front.end()};
}

// The highest score, and of those that tie with it the one with the fewest settings. What was measured is before
// estimates that tie with it.
void NameBest(const std::vector<Observation>& observations, Judgement& judgement) {
  const std::vector<Judged>& judged = judgement.judged;
  std::vector<std::size_t> ranked;
  for (std::size_t i = 0; i < judged.size(); ++i) {
    if (!observations[i].confirms && judged[i].score) ranked.push_back(i);
  }
  if (ranked.empty()) return;
  const auto score = [&](std::size_t i) { return *judged[i].score; };
  const auto is_estimate = [&](std::size_t i) { return judged[i].basis == ScoreBasis::kEstimate; };
  std::size_t highest = *std::ranges::max_element(ranked, {}, score);
  const auto ties = [&](std::size_t i) {
    return std::abs(score(highest) - score(i)) <= std::hypot(judged[highest].ci, judged[i].ci);
  };
  if (is_estimate(highest)) {
    std::vector<std::size_t> measured;
    std::ranges::copy_if(ranked, std::back_inserter(measured), [&](auto i) { return !is_estimate(i) && ties(i); });
    if (!measured.empty()) highest = *std::ranges::max_element(measured, {}, score);
  }
  std::size_t best = highest;
  for (const std::size_t i : ranked) {
    const bool near = score(highest) - score(i) <= kSimplerWinsWithin * std::abs(score(highest));
    if (!near || !ties(i) || (is_estimate(i) && !is_estimate(highest))) continue;
    if (observations[i].settings < observations[best].settings) best = i;
  }
  judgement.best = best;
  for (const std::size_t i : ranked) {
    if (i != best && ties(i)) judgement.tied.push_back(i);
  }
}

void NameNearest(const std::vector<Observation>& observations, Judgement& judgement) {
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < observations.size(); ++i) {
    const std::vector<Violation>& violations = judgement.judged[i].violations;
    if (violations.empty() || observations[i].confirms) continue;
    if (violations.front().relative < least) {
      least = violations.front().relative;
      judgement.nearest = i;
    }
  }
}

}  // namespace

std::string_view ScoreBasisName(ScoreBasis basis) { return kBasisNames[static_cast<std::size_t>(basis)].second; }

std::optional<ScoreBasis> ScoreBasisFromName(std::string_view name) {
  for (const auto& [basis, known] : kBasisNames) {
    if (known == name) return basis;
  }
  return std::nullopt;
}

bool ComparesAtOneLoad(Objective objective) { return LatencyOf(objective).has_value(); }

std::optional<Load> ComparedLoad(const std::vector<Observation>& observations, const Criteria& criteria) {
  return ComparedLoad(observations, CurvesOf(observations, ScenariosOf(observations), criteria));
}

bool Criteria::AtReference() const { return ComparesAtOneLoad(objective) && !fixed_loads; }

Judgement Judge(const std::vector<Observation>& observations, const Criteria& criteria) {
  const std::vector<std::string> scenarios = ScenariosOf(observations);
  std::vector<Curve> curves = CurvesOf(observations, scenarios, criteria);
  MarkBases(observations, scenarios, criteria, curves);
  Yardstick yardstick{std::nullopt, criteria.AtReference()};
  if (ComparesAtOneLoad(criteria.objective)) yardstick.load = ComparedLoad(observations, curves);

  Judgement judgement;
  std::vector<FrontPoint> points;
  for (std::size_t i = 0; i < observations.size(); ++i) {
    judgement.judged.push_back(JudgeOne(observations[i], curves[i], yardstick, criteria));
  }
  for (std::size_t i = 0; i < observations.size(); ++i) {
    if (observations[i].confirms) continue;
    JudgeWithFreshStarts(i, observations, judgement.judged);
    const double loss = observations[i].quality ? observations[i].quality->CertainLoss() : 0;
    const double price = criteria.price_on_front ? observations[i].price_per_gpu_hour : 0;
    AddFrontPoints(i, curves[i], judgement.judged[i], loss, price, points);
  }
  NameBest(observations, judgement);
  if (!judgement.best) NameNearest(observations, judgement);
  judgement.pareto = ParetoFront(std::move(points));
  return judgement;
}

std::optional<double> GainOver(const Observation& better, const Observation& base, const Criteria& criteria) {
  const std::optional<Gain> gain = GainBetween(better, base, criteria);
  return gain ? std::optional(gain->share) : std::nullopt;
}

std::optional<Gain> GainBetween(const Observation& better, const Observation& base, const Criteria& criteria) {
  const std::vector<std::string> scenarios = ScenariosOf({better, base});
  std::vector<Curve> curves = CurvesOf({better, base}, scenarios, criteria);
  MarkBases({better, base}, scenarios, criteria, curves);
  const Curve &better_curve = curves[0], &base_curve = curves[1];
  Yardstick at{std::nullopt, criteria.AtReference()};
  if (criteria.fixed_loads) {
    for (const Load& load : LoadsOf({&better_curve, &base_curve})) {
      if (MeetsSloAt(better_curve, load) && MeetsSloAt(base_curve, load)) at.load = load;
    }
    if (!at.load) return std::nullopt;
  }
  struct Scored {
    double score, relative_ci;
  };
  const auto score = [&](const Observation& observation, const Curve& curve) -> std::optional<Scored> {
    const std::vector<const Step*> counting = CountingSteps(observation, curve, at, criteria);
    const bool met = !counting.empty() &&
                     std::all_of(counting.begin(), counting.end(), [](const Step* step) { return step->meets_slo; });
    if (!met) return std::nullopt;
    const double of_it = Score(counting);
    return Scored{of_it, ScoreCi(observation, curve, counting, of_it, criteria) / std::max(std::abs(of_it), kSmallest)};
  };
  const auto ours = score(better, better_curve);
  const auto theirs = score(base, base_curve);
  if (!ours || !theirs) return std::nullopt;
  const bool known = ours->relative_ci > 0 && theirs->relative_ci > 0;
  return Gain{(ours->score - theirs->score) / std::abs(theirs->score),
              known ? std::hypot(ours->relative_ci, theirs->relative_ci) : 0};
}

std::string GainText(std::optional<double> gain) {
  if (!gain || !std::isfinite(*gain)) return "";
  char text[64];
  std::snprintf(text, sizeof text, "%+.1f%%", *gain * 100);
  return std::string_view(text) == "-0.0%" ? "+0.0%" : text;
}

}  // namespace autotune::tuning
