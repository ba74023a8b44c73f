#include "tuning/score.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <set>
#include <span>
#include <string_view>
#include <utility>

namespace autotune::tuning {
namespace {

// Where a limit is 0, or a latency rounds to 0, ratios and logarithms stay finite.
constexpr double kSmallest = 1e-3;
constexpr double kMaxRelative = 1e6;

bool IsMeasured(const measurement::Latency& latency) {
  const double values[] = {latency.mean, latency.p50, latency.p90, latency.p95, latency.p99};
  return std::all_of(std::begin(values), std::end(values), [](double v) { return std::isfinite(v) && v >= 0; });
}

// A step whose numbers can be compared.
bool IsUsable(const measurement::Point& load) {
  return load.requests > 0 && load.errors >= 0 && std::isfinite(load.output_tokens_per_second) &&
         load.output_tokens_per_second > 0 && IsMeasured(load.ttft) && IsMeasured(load.tpot) && IsMeasured(load.e2e);
}

std::optional<double> Percentile(const measurement::Latency& latency, std::string_view name) {
  if (name == "mean") return latency.mean;
  if (name == "p50") return latency.p50;
  if (name == "p90") return latency.p90;
  if (name == "p95") return latency.p95;
  if (name == "p99") return latency.p99;
  return std::nullopt;  // the API accepts no other name
}

double Relative(double actual, double limit) {
  return std::min((actual - limit) / std::max(limit, kSmallest), kMaxRelative);
}

double GeometricMean(std::span<const double> values) {
  double logarithms = 0;
  for (double value : values) logarithms += std::log(std::max(value, kSmallest));
  return std::exp(logarithms / static_cast<double>(values.size()));
}

// An observation's usable steps by scenario, with what judging needs of each.
struct Step {
  std::size_t load = 0;  // index into Observation::loads
  int concurrency = 0;
  double throughput = 0;  // output tokens/s per GPU
  double tpot = 0;        // p50
  double objective = 0;   // the value that the objective looks at, higher is better
  std::vector<Violation> violations;

  [[nodiscard]] bool MeetsSlo() const { return violations.empty(); }
  [[nodiscard]] double Miss() const { return violations.empty() ? 0 : violations.front().relative; }
};
using Curve = std::vector<std::vector<Step>>;  // by scenario

// The step of this concurrency; null when there is none.
const Step* At(const std::vector<Step>& steps, int concurrency) {
  const auto found =
      std::find_if(steps.begin(), steps.end(), [&](const Step& step) { return step.concurrency == concurrency; });
  return found == steps.end() ? nullptr : &*found;
}

std::vector<std::string> ScenariosOf(const std::vector<Observation>& observations) {
  std::vector<std::string> scenarios;
  for (const Observation& observation : observations) {
    for (const measurement::Point& load : observation.loads) {
      if (std::find(scenarios.begin(), scenarios.end(), load.scenario) == scenarios.end()) {
        scenarios.push_back(load.scenario);
      }
    }
  }
  return scenarios;
}

// What the objective looks at in one step; higher is better.
double ObjectiveValue(Objective objective, const measurement::Point& load, double throughput) {
  switch (objective) {
    case Objective::kMaximizeThroughput:
      return throughput;
    case Objective::kMinimizeLatency:
      return -load.e2e.p50;
    case Objective::kMinimizeTtft:
      return -load.ttft.p50;
    case Objective::kMinimizeTpot:
      return -load.tpot.p50;
  }
  return 0;
}

Curve CurveOf(const Observation& observation, const std::vector<std::string>& scenarios, Objective objective,
              const Slo& slo) {
  Curve curve(scenarios.size());
  for (std::size_t i = 0; i < observation.loads.size(); ++i) {
    const measurement::Point& load = observation.loads[i];
    if (!IsUsable(load)) continue;
    Step step;
    step.load = i;
    step.concurrency = static_cast<int>(std::lround(load.load.value));
    step.throughput = load.output_tokens_per_second / std::max(observation.gpus, 1);
    step.tpot = load.tpot.p50;
    step.objective = ObjectiveValue(objective, load, step.throughput);
    step.violations = CheckSlo(slo, load);
    const auto scenario = std::find(scenarios.begin(), scenarios.end(), load.scenario) - scenarios.begin();
    curve[static_cast<std::size_t>(scenario)].push_back(std::move(step));
  }
  return curve;
}

bool IsComplete(const Curve& curve) {
  return !curve.empty() &&
         std::none_of(curve.begin(), curve.end(), [](const std::vector<Step>& steps) { return steps.empty(); });
}

bool MeasuredAt(const Curve& curve, int concurrency) {
  return std::all_of(curve.begin(), curve.end(),
                     [&](const std::vector<Step>& steps) { return At(steps, concurrency) != nullptr; });
}

bool MeetsSloAt(const Curve& curve, int concurrency) {
  return std::all_of(curve.begin(), curve.end(), [&](const std::vector<Step>& steps) {
    const Step* step = At(steps, concurrency);
    return step != nullptr && step->MeetsSlo();
  });
}

// The one load at which latency objectives compare; 0 when nothing was measured. One load for all scenarios, so that a
// better measurement in one of them can never leave the task without a feasible configuration.
int ComparedLoad(const std::vector<Curve>& curves) {
  std::set<int> loads;
  for (const Curve& curve : curves) {
    if (!IsComplete(curve)) continue;
    for (const Step& step : curve.front()) loads.insert(step.concurrency);
  }
  // Measured by all; where rows are missing, by most.
  int best = 0;
  std::pair<std::ptrdiff_t, bool> best_rank{0, false};
  for (int load : loads) {
    const auto measured = std::count_if(
        curves.begin(), curves.end(), [&](const Curve& curve) { return IsComplete(curve) && MeasuredAt(curve, load); });
    const bool met = std::any_of(curves.begin(), curves.end(),
                                 [&](const Curve& curve) { return IsComplete(curve) && MeetsSloAt(curve, load); });
    const std::pair<std::ptrdiff_t, bool> rank{measured, met};
    if (measured > 0 && rank >= best_rank) {
      best = load;  // ascending: of equals the highest load
      best_rank = rank;
    }
  }
  return best;
}

bool ComparesAtOneLoad(Objective objective) {
  switch (objective) {
    case Objective::kMaximizeThroughput:
      return false;
    case Objective::kMinimizeLatency:
    case Objective::kMinimizeTtft:
    case Objective::kMinimizeTpot:
      return true;
  }
  return false;
}

// The step of a scenario that counts: null when the scenario has none.
const Step* CountingStep(const std::vector<Step>& steps, Objective objective, int compared_load) {
  if (ComparesAtOneLoad(objective)) return At(steps, compared_load);
  const Step* best = nullptr;
  for (const Step& step : steps) {
    if (best == nullptr) {
      best = &step;
    } else if (step.MeetsSlo() != best->MeetsSlo()) {
      if (step.MeetsSlo()) best = &step;
    } else if (step.MeetsSlo() ? step.objective > best->objective : step.Miss() < best->Miss()) {
      best = &step;  // of steps that break the SLO, the nearest
    }
  }
  return best;
}

double Score(std::span<const Step* const> counting) {
  std::vector<double> magnitudes;
  for (const Step* step : counting) magnitudes.push_back(std::abs(step->objective));
  const double mean = GeometricMean(magnitudes);
  return std::signbit(counting.front()->objective) ? -mean : mean;
}

std::optional<Violation> CheckQuality(const Slo& slo, const Observation& observation) {
  if (!slo.degradation) return std::nullopt;
  Violation violation{"quality.maxDegradation", *slo.degradation, std::nullopt, kMaxRelative};
  if (observation.quality) {
    violation.actual = PerplexityGrowth(observation.quality->delta);
    if (*violation.actual <= *slo.degradation) return std::nullopt;
    violation.relative = Relative(*violation.actual, *slo.degradation);
  }
  return violation;
}

Judged JudgeOne(const Observation& observation, const std::vector<std::string>& scenarios, const Curve& curve,
                Objective objective, int compared_load, const Slo& slo) {
  Judged judged;
  judged.id = observation.id;
  judged.load_meets_slo.assign(observation.loads.size(), false);
  for (const std::vector<Step>& steps : curve) {
    for (const Step& step : steps) judged.load_meets_slo[step.load] = step.MeetsSlo();
  }
  if (!IsComplete(curve)) return judged;

  std::vector<const Step*> counting;
  for (const std::vector<Step>& steps : curve) {
    const Step* step = CountingStep(steps, objective, compared_load);
    if (step == nullptr) return judged;
    counting.push_back(step);
    judged.scored.push_back(step->load);
  }
  judged.scored_concurrency = counting.front()->concurrency;
  const std::optional<Violation> lost = CheckQuality(slo, observation);
  judged.keeps_quality = !lost;
  judged.feasible =
      !lost && std::all_of(counting.begin(), counting.end(), [](const Step* step) { return step->MeetsSlo(); });
  if (judged.feasible) {
    judged.score = Score(counting);
    return judged;
  }
  judged.relaxed_score = Score(counting);
  for (std::size_t i = 0; i < counting.size(); ++i) {
    if (counting[i]->MeetsSlo()) continue;
    const Violation& worst = counting[i]->violations.front();
    if (!judged.binding || worst.relative > judged.binding->relative) {
      judged.binding = worst;
      judged.binding_scenario = scenarios[i];
      judged.binding_concurrency = counting[i]->concurrency;
    }
  }
  if (lost && (!judged.binding || lost->relative > judged.binding->relative)) {
    judged.binding = lost;
    judged.binding_scenario.clear();  // it has no load
    judged.binding_concurrency = 0;
  }
  return judged;
}

struct FrontPoint {
  std::size_t observation = 0;
  double throughput = 0, tpot = 0, loss = 0;

  // At least as good in all and better in one.
  [[nodiscard]] bool Beats(const FrontPoint& other) const {
    return throughput >= other.throughput && tpot <= other.tpot && loss <= other.loss &&
           (throughput > other.throughput || tpot < other.tpot || loss < other.loss);
  }
};

// The feasible points of one observation's curve: one per concurrency that all scenarios have, and the scored one.
void AddPoints(std::size_t observation, const Curve& curve, const Judged& judged, double loss,
               std::vector<FrontPoint>& points) {
  if (!judged.feasible) return;
  const auto add = [&](std::span<const Step* const> steps) {
    std::vector<double> throughputs;
    std::vector<double> tpots;
    for (const Step* step : steps) {
      throughputs.push_back(step->throughput);
      tpots.push_back(step->tpot);
    }
    points.push_back({observation, GeometricMean(throughputs), GeometricMean(tpots), loss});
  };
  std::vector<const Step*> steps(curve.size());
  for (const Step& first : curve.front()) {
    if (!MeetsSloAt(curve, first.concurrency)) continue;
    for (std::size_t i = 0; i < curve.size(); ++i) steps[i] = At(curve[i], first.concurrency);
    add(steps);
  }
  for (std::size_t i = 0; i < curve.size(); ++i) {
    const auto scored =
        std::find_if(curve[i].begin(), curve[i].end(), [&](const Step& step) { return step.load == judged.scored[i]; });
    steps[i] = &*scored;
  }
  add(steps);
}

// The fastest first: what is beaten is beaten early. (At most 256 experiments with 12 steps.)
std::vector<std::size_t> ParetoFront(std::vector<FrontPoint> points) {
  std::sort(points.begin(), points.end(),
            [](const FrontPoint& a, const FrontPoint& b) { return a.throughput > b.throughput; });
  std::set<std::size_t> front;
  for (const FrontPoint& point : points) {
    if (std::none_of(points.begin(), points.end(), [&](const FrontPoint& other) { return other.Beats(point); })) {
      front.insert(point.observation);
    }
  }
  return {front.begin(), front.end()};
}

}  // namespace

std::vector<Violation> CheckSlo(const Slo& slo, const measurement::Point& load) {
  if (!IsUsable(load)) {
    const double limit = slo.error_rate.value_or(0);
    return {{"slo.errorRate", limit, 1, Relative(1, limit)}};
  }
  std::vector<Violation> violations;
  const auto check = [&](const std::string& bound, double limit, double actual) {
    if (actual > limit) violations.push_back({bound, limit, actual, Relative(actual, limit)});
  };
  const auto check_latency = [&](const std::string& metric, const std::map<std::string, double>& bounds,
                                 const measurement::Latency& latency) {
    for (const auto& [percentile, limit] : bounds) {
      if (const auto actual = Percentile(latency, percentile))
        check("slo." + metric + "." + percentile, limit, *actual);
    }
  };
  check_latency("ttft", slo.ttft, load.ttft);
  check_latency("tpot", slo.tpot, load.tpot);
  check_latency("e2eLatency", slo.e2e, load.e2e);
  if (slo.error_rate) {
    check("slo.errorRate", *slo.error_rate,
          static_cast<double>(load.errors) / static_cast<double>(load.requests + load.errors));
  }
  std::stable_sort(violations.begin(), violations.end(),
                   [](const Violation& a, const Violation& b) { return a.relative > b.relative; });
  return violations;
}

Judgement Judge(const std::vector<Observation>& observations, Objective objective, const Slo& slo) {
  const std::vector<std::string> scenarios = ScenariosOf(observations);
  std::vector<Curve> curves;
  curves.reserve(observations.size());
  for (const Observation& observation : observations) {
    curves.push_back(CurveOf(observation, scenarios, objective, slo));
  }
  const int compared_load = ComparesAtOneLoad(objective) ? ComparedLoad(curves) : 0;

  Judgement judgement;
  std::vector<FrontPoint> points;
  for (std::size_t i = 0; i < observations.size(); ++i) {
    Judged judged = JudgeOne(observations[i], scenarios, curves[i], objective, compared_load, slo);
    const double loss = observations[i].quality ? observations[i].quality->CertainLoss() : 0;
    AddPoints(i, curves[i], judged, loss, points);
    judgement.judged.push_back(std::move(judged));
  }
  for (std::size_t i = 0; i < observations.size(); ++i) {
    const Judged& judged = judgement.judged[i];
    if (judged.score && (!judgement.best || *judged.score > *judgement.judged[*judgement.best].score)) {
      judgement.best = i;
    }
    if (judged.binding &&
        (!judgement.nearest || judged.binding->relative < judgement.judged[*judgement.nearest].binding->relative)) {
      judgement.nearest = i;
    }
  }
  if (judgement.best) judgement.nearest.reset();
  judgement.pareto = ParetoFront(std::move(points));
  return judgement;
}

std::string Improvement(std::optional<double> score, std::optional<double> baseline, Objective objective) {
  if (!score || !baseline || *baseline == 0 || !std::isfinite(*score) || !std::isfinite(*baseline)) return "";
  double gain = 0;
  switch (objective) {
    case Objective::kMaximizeThroughput:
      gain = (*score - *baseline) / *baseline;
      break;
    case Objective::kMinimizeLatency:
    case Objective::kMinimizeTtft:
    case Objective::kMinimizeTpot:
      gain = (*score - *baseline) / -*baseline;  // both are negative: -60 is 25 % better than -80
      break;
  }
  char text[64];
  std::snprintf(text, sizeof text, "%+.1f%%", gain * 100);
  return std::string_view(text) == "-0.0%" ? "+0.0%" : text;
}

}  // namespace autotune::tuning
