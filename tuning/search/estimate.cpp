#include "tuning/search/estimate.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/keyed_random.h"
#include "tuning/search/constants.h"
#include "tuning/search/crash_model.h"
#include "tuning/search/residual_model.h"
#include "tuning/search/step_rule.h"

namespace autotune::tuning::search {
namespace {

constexpr int kDecisionsOfOneSearch = 10000;  // no search is that long

struct Cost {
  double experiments = 0, gpu_seconds = 0, seconds = 0, price = 0;
};

// How far times are from the expected ones on this cluster.
struct TimeFactors {
  double start = 1, step = 1;
};

// A search that is played: trials take the time that they are expected to take, and a slot learns of the others' when
// they end, as a pod reports.
class Game {
 public:
  Game(const Space& space, const Bounds& bounds, const Prior& prior, const Observations& known, const Limits& limits,
       const ResidualModel& model, const CrashModel& crashes, std::uint64_t key, TimeFactors factors)
      : space_(space),
        bounds_(bounds),
        prior_(prior),
        observations_(known),
        limits_(limits),
        model_(model),
        crashes_(crashes),
        key_(key),
        factors_(factors) {
    for (const Metric m : {kTtft, kTpot, kE2e, kObjective}) {
      if (model.Models(m)) draws_[m] = model.Draw(m, 1, key);
    }
    for (const Point& p : known.points) attempt_[p.candidate] = std::max(attempt_[p.candidate], p.attempt);
  }

  Cost Play(int places) {
    const std::optional<double> deadline = limits_.budget.seconds_left;
    const bool at_one_load = space_.objective != Objective::kThroughput && !space_.request_rate;
    for (int i = 0; i < kDecisionsOfOneSearch; ++i) {
      // The load at which latencies are compared is that of the first trial.
      if (at_one_load && observations_.ended.empty() && !running_.empty()) {
        EndNext();
        continue;
      }
      Slots slots;
      for (const Running& one : running_) slots.running.push_back(one.trial);
      Decision decision;
      if (running_.size() < static_cast<std::size_t>(std::max(1, places))) {
        if (deadline) limits_.budget.seconds_left = *deadline - cost_.seconds;
        decision = Decide(space_, bounds_, prior_, observations_, slots, key_, limits_);
      } else {
        decision.action = Action::kWait;
      }
      if (decision.action == Action::kStart) {
        Begin(decision);
      } else if (running_.empty()) {
        break;
      } else {
        EndNext();
      }
    }
    return cost_;
  }

 private:
  struct Running {
    RunningTrial trial;
    double ends = 0;
    Start start;
    std::vector<Point> points;
  };

  // All metrics of the drawn surface at a load.
  std::array<double, kMetrics> Drawn(std::size_t candidate, std::size_t load, std::size_t roughness) const {
    std::array<double, kMetrics> y{};
    for (const Metric m : {kTtft, kTpot, kE2e, kObjective}) {
      if (!draws_[m]) continue;
      double level = 0;
      double slope = 0;
      draws_[m]->LineOf(candidate, 0, &level, &slope);
      const double rough =
          model_.Roughness(m) * base::Normal(base::Key({key_, space_.candidates[candidate].key, roughness, m}));
      y[m] = model_.PriorAt(m, candidate, load) + level + slope * model_.U(candidate, load) + rough;
    }
    y[kTtft] = model_.WholeTtft(candidate, load, y[kTtft], y[kTpot]);
    return y;
  }

  // At the rate that is the same for all.
  Point MeasureAtRate(std::size_t candidate) {
    const Candidate& c = space_.candidates[candidate];
    std::vector<std::array<double, kMetrics>> curve;
    for (std::size_t load = 0; load < c.loads.size(); ++load) curve.push_back(Drawn(candidate, load, 0));
    const std::optional<InFlight> at = model_.MeetRate(candidate, curve);
    std::array<double, kMetrics> y = curve.back();
    for (std::size_t m = 0; at && m < kMetrics; ++m) y[m] = at->Between(curve[at->below][m], curve[at->above][m]);
    Point point = PointOf(candidate, at ? at->load : c.loads.back(), y);
    point.met = at.has_value();
    return point;
  }

  Point PointOf(std::size_t candidate, double load, const std::array<double, kMetrics>& y) {
    Point point;
    point.candidate = candidate;
    point.attempt = attempt_[candidate];
    point.load = load;
    point.ln_ttft_ms = y[kTtft];
    point.ln_tpot_ms = y[kTpot];
    point.ln_e2e_ms = y[kE2e];
    point.ln_objective_ms = y[kObjective];
    point.value = measurement::ValueAt(model_.PredictLoads(candidate), load, y[kTtft], y[kTpot], y[kObjective]);
    return point;
  }

  // Of the load that is asked for, as the drawn surface has it.
  Point Measure(std::size_t candidate, const measurement::NextLoad& step) {
    const Candidate& c = space_.candidates[candidate];
    const auto load = static_cast<std::size_t>(std::find(c.loads.begin(), c.loads.end(), step.load) - c.loads.begin());
    Point point = PointOf(candidate, step.load, Drawn(candidate, load, load));
    // What is drawn is the truth; a repeat finds the same, and settles a borderline.
    point.measurements = step.action == measurement::LoadAction::kRepeat ? 2 : 1;
    return point;
  }

  // A trial is decided by itself, from what was known at its start.
  void Begin(const Decision& decision) {
    const std::size_t candidate = decision.candidate;
    const Candidate& c = space_.candidates[candidate];
    Running run;
    const bool ok = base::Uniform(base::Key({key_, c.key, 0xc4a5})) < crashes_.StartProbability(candidate);
    double seconds = c.start_seconds * factors_.start;
    run.start = {candidate, ok ? StartOutcome::kOk : StartOutcome::kCrashed, seconds};
    ++attempt_[candidate];
    if (ok && space_.request_rate) {
      run.points.push_back(MeasureAtRate(candidate));
      const std::optional<Incumbent> best = BestObserved(bounds_, MergePoints(space_, observations_.points));
      const bool leads = run.points.front().met && (!best || run.points.front().value > best->value);
      const double loads = leads || c.baseline ? space_.loads_of_a_leader : space_.loads_of_a_loser;
      seconds += loads * space_.step_seconds * factors_.step;
    } else if (ok) {
      Observations seen = observations_;
      int measured = 0;
      for (;;) {
        const measurement::NextLoad step =
            ChooseStep(space_, bounds_, prior_, MergePoints(space_, seen.points), candidate, key_);
        if (step.action == measurement::LoadAction::kStop) break;
        const Point point = Measure(candidate, step);
        ++measured;
        const auto same = [&](const Point& p) {
          return p.candidate == candidate && p.attempt == point.attempt && p.load == point.load;
        };
        std::erase_if(seen.points, same);
        std::erase_if(run.points, same);
        seen.points.push_back(point);
        run.points.push_back(point);
      }
      const std::optional<Incumbent> best = BestObserved(bounds_, MergePoints(space_, seen.points));
      const bool leads = best && best->candidate == candidate;
      const double least = leads || c.baseline ? space_.loads_of_a_leader : space_.loads_of_a_loser;
      seconds += std::max<double>(measured, least) * space_.step_seconds * factors_.step;
    }
    const double gpus = c.features.shape.gpus;
    if (decision.allowance) seconds = std::min(seconds, decision.allowance->seconds);
    run.ends = cost_.seconds + seconds;
    run.trial = {candidate, false, c.features.shape.gpus, 0, seconds, gpus * seconds};
    limits_.budget.committed_gpu_seconds += run.trial.committed_gpu_seconds;
    limits_.budget.started += 1;
    cost_.experiments += 1;
    running_.push_back(std::move(run));
  }

  void EndNext() {
    const auto next = std::min_element(running_.begin(), running_.end(),
                                       [](const Running& a, const Running& b) { return a.ends < b.ends; });
    const double passed = next->ends - cost_.seconds;
    for (Running& one : running_) one.trial.seconds_left -= passed;
    cost_.seconds = next->ends;
    const double gpu_seconds = next->trial.committed_gpu_seconds;
    cost_.gpu_seconds += gpu_seconds;
    cost_.price += gpu_seconds / 3600 * space_.candidates[next->trial.candidate].gpu_hour_price;
    limits_.budget.committed_gpu_seconds -= gpu_seconds;
    limits_.budget.spent_gpu_seconds += gpu_seconds;
    observations_.starts.push_back(next->start);
    observations_.ended.push_back(next->trial.candidate);
    observations_.points.insert(observations_.points.end(), next->points.begin(), next->points.end());
    running_.erase(next);
  }

  const Space& space_;
  const Bounds& bounds_;
  const Prior& prior_;
  Observations observations_;
  Limits limits_;
  const ResidualModel& model_;
  const CrashModel& crashes_;
  std::uint64_t key_;
  TimeFactors factors_;
  std::array<std::optional<ResidualModel::Draws>, kMetrics> draws_;
  std::map<std::size_t, int> attempt_;
  std::vector<Running> running_;
  Cost cost_;
};

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
                          const Observations& observations, int slots, std::uint64_t seed, const Limits& limits,
                          int played) {
  const double correction = StartTimeCorrection(space, observations.starts);
  const auto measured = static_cast<double>(std::count_if(observations.starts.begin(), observations.starts.end(),
                                                          [](const Start& s) { return s.seconds > 0; }));
  std::vector<bool> tried(space.candidates.size(), false);
  for (const Start& start : observations.starts) {
    if (start.outcome != StartOutcome::kInfrastructure) tried[start.candidate] = true;
  }
  CostEstimate out;
  for (std::size_t i = 0; i < space.candidates.size(); ++i) {
    const Candidate& c = space.candidates[i];
    if (tried[i] || !c.available) continue;
    const double loads = std::max(MostLoadsOf(space, c), space.loads_of_a_leader);
    const double seconds = c.start_seconds * correction + loads * space.step_seconds;
    out.most_experiments += 1;
    out.most_gpu_hours += c.features.shape.gpus * seconds / 3600;
    out.most_price += c.features.shape.gpus * seconds / 3600 * c.gpu_hour_price;
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
  std::vector<double> prices;
  for (int r = 0; r < played; ++r) {
    const std::uint64_t key = base::Key({seed, 0xe571, static_cast<std::uint64_t>(r)});
    // How far this cluster's times are from the expected ones: spread evenly over the played searches.
    const double quantile = base::NormalQuantile((r + 0.5) / played);
    const TimeFactors factors{
        correction * std::exp(constants::kStartTimeDeviation / std::sqrt(1 + measured) * quantile),
        std::exp(constants::kStepTimeDeviation / std::sqrt(1 + measured) * quantile)};
    const Cost cost =
        Game(space, bounds, prior, observations, limits, model, crashes, key, factors).Play(std::max(1, slots));
    experiments.push_back(cost.experiments);
    gpu_hours.push_back(cost.gpu_seconds / 3600);
    hours.push_back(cost.seconds / 3600);
    prices.push_back(cost.price);
  }
  out.experiments = Summary(experiments);
  out.gpu_hours = Summary(gpu_hours);
  out.hours = Summary(hours);
  out.price = Summary(prices);
  return out;
}

}  // namespace autotune::tuning::search
