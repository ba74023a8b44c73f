#include "tuning/search/estimate.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/keyed_random.h"
#include "tuning/search/constants.h"
#include "tuning/search/crash_model.h"
#include "tuning/search/residual_model.h"

namespace autotune::tuning::search {
namespace {

constexpr std::size_t kPlayed = 10;
constexpr double kStartTimeDeviation = 0.3;  // of ln(start time) between clusters: image pulls, storage
constexpr int kStepsOfOneSearch = 10000;     // no search is that long

struct Cost {
  double experiments = 0, gpu_seconds = 0, seconds = 0;
};

// One search on one drawn surface, one slot.
Cost Play(const Space& space, const Bounds& bounds, const Prior& prior, Observations observations, const Limits& limits,
          const ResidualModel& model, const CrashModel& crashes, std::uint64_t key, double start_factor) {
  std::array<std::optional<ResidualModel::Draws>, kMetrics> draws;
  for (const Metric m : {kTtft, kTpot, kE2e, kObjective}) {
    if (model.Models(m)) draws[m] = model.Draw(m, 1, key);
  }
  Cost cost;
  Slots slots;
  Limits left = limits;
  std::map<std::size_t, int> attempt;
  for (const Point& p : observations.points) attempt[p.candidate] = std::max(attempt[p.candidate], p.attempt);
  for (int i = 0; i < kStepsOfOneSearch; ++i) {
    const Decision decision = Decide(space, bounds, prior, observations, slots, key, left);
    if (decision.action == Action::kStep) {
      const Candidate& c = space.candidates[decision.candidate];
      const auto load =
          static_cast<std::size_t>(std::find(c.loads.begin(), c.loads.end(), decision.step.load) - c.loads.begin());
      Point point;
      point.candidate = decision.candidate;
      point.attempt = attempt[decision.candidate];
      point.load = decision.step.load;
      // What is drawn is the truth; a repeat finds the same, and settles a borderline.
      point.measurements = decision.step.action == measurement::LoadAction::kRepeat ? 2 : 1;
      std::array<double, kMetrics> y{};
      for (const Metric m : {kTtft, kTpot, kE2e, kObjective}) {
        if (!draws[m]) continue;
        double level = 0;
        double slope = 0;
        draws[m]->LineOf(decision.candidate, 0, &level, &slope);
        const double rough = model.Roughness(m) * base::Normal(base::Key({key, c.key, load, m}));
        y[m] = model.PriorAt(m, decision.candidate, load) + level + slope * model.U(decision.candidate, load) + rough;
      }
      point.ln_ttft_ms = y[kTtft];
      point.ln_tpot_ms = y[kTpot];
      point.ln_e2e_ms = y[kE2e];
      point.ln_objective_ms = y[kObjective];
      point.value =
          measurement::ValueAt(model.PredictLoads(decision.candidate), point.load, y[kTtft], y[kTpot], y[kObjective]);
      std::erase_if(observations.points, [&](const Point& p) {
        return p.candidate == point.candidate && p.attempt == point.attempt && p.load == point.load;
      });
      observations.points.push_back(point);
      cost.gpu_seconds += c.features.shape.gpus * space.step_seconds;
      cost.seconds += space.step_seconds;
      left.budget.spent_gpu_seconds += c.features.shape.gpus * space.step_seconds;
      continue;
    }
    if (slots.up) observations.ended.push_back(*slots.up);
    slots.up.reset();
    if (decision.action != Action::kStart) break;
    const Candidate& c = space.candidates[decision.candidate];
    const bool ok = base::Uniform(base::Key({key, c.key, 0xc4a5})) < crashes.StartProbability(decision.candidate);
    const double seconds = c.start_seconds * start_factor;
    observations.starts.push_back({decision.candidate, ok ? StartOutcome::kOk : StartOutcome::kCrashed, seconds});
    ++attempt[decision.candidate];
    if (ok) slots.up = decision.candidate;
    cost.experiments += 1;
    cost.gpu_seconds += c.features.shape.gpus * seconds;
    cost.seconds += seconds;
    left.budget.started += 1;
    left.budget.spent_gpu_seconds += c.features.shape.gpus * seconds;
  }
  return cost;
}

Expected Summary(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  Expected out;
  for (const double v : values) out.mean += v / static_cast<double>(values.size());
  out.low = values[values.size() / 10];
  out.high = values[values.size() - 1 - values.size() / 10];
  return out;
}

}  // namespace

double StartTimeCorrection(const Space& space, const std::vector<Start>& starts) {
  double sum = 0;
  double n = 0;
  for (const Start& start : starts) {
    const double expected = space.candidates[start.candidate].start_seconds;
    if (start.outcome != StartOutcome::kOk || start.seconds <= 0 || expected <= 0) continue;
    sum += std::log(start.seconds / expected);
    n += 1;
  }
  return std::exp(sum / (n + 1));
}

CostEstimate EstimateCost(const Space& space, const Bounds& bounds, const Prior& prior,
                          const Observations& observations, int slots, std::uint64_t seed, const Limits& limits) {
  const double correction = StartTimeCorrection(space, observations.starts);
  const auto measured = static_cast<double>(std::count_if(observations.starts.begin(), observations.starts.end(),
                                                          [](const Start& s) { return s.seconds > 0; }));
  std::vector<bool> tried(space.candidates.size(), false);
  for (const Start& start : observations.starts) {
    if (start.outcome != StartOutcome::kInfrastructure) tried[start.candidate] = true;
  }
  CostEstimate out;
  for (std::size_t i = 0; i < space.candidates.size(); ++i) {
    if (tried[i]) continue;
    const Candidate& c = space.candidates[i];
    const double seconds = c.start_seconds * correction + static_cast<double>(c.loads.size()) * space.step_seconds;
    out.most_experiments += 1;
    out.most_gpu_hours += c.features.shape.gpus * seconds / 3600;
    out.most_hours += seconds / 3600 / std::max(1, slots);
  }

  std::vector<std::size_t> asked;
  for (const std::size_t i : prior.order) {
    if (asked.size() == 2 * constants::kShortlist) break;
    asked.push_back(i);
  }
  for (std::size_t i = 0; i < space.candidates.size(); ++i) {
    if (space.candidates[i].baseline) asked.push_back(i);
  }
  const std::vector<Row> rows = MergePoints(space, observations.points);
  const ResidualModel model(space, bounds, prior, rows, asked);
  const CrashModel crashes(space, observations.starts);
  std::vector<double> experiments;
  std::vector<double> gpu_hours;
  std::vector<double> hours;
  for (std::size_t r = 0; r < kPlayed; ++r) {
    const std::uint64_t key = base::Key({seed, 0xe571, r});
    // How far this cluster's starts are from the expected ones: spread evenly over the played searches.
    const double quantile = (static_cast<double>(r) + 0.5) / kPlayed;
    const double factor =
        correction * std::exp(kStartTimeDeviation / std::sqrt(1 + measured) * base::NormalQuantile(quantile));
    const Cost cost = Play(space, bounds, prior, observations, limits, model, crashes, key, factor);
    experiments.push_back(cost.experiments);
    gpu_hours.push_back(cost.gpu_seconds / 3600);
    hours.push_back(cost.seconds / 3600 / std::max(1, slots));
  }
  out.experiments = Summary(experiments);
  out.gpu_hours = Summary(gpu_hours);
  out.hours = Summary(hours);
  return out;
}

}  // namespace autotune::tuning::search
