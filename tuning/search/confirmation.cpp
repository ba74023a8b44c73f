#include "tuning/search/confirmation.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "tuning/search/acquisition.h"
#include "tuning/search/constants.h"
#include "tuning/search/residual_model.h"

namespace autotune::tuning::search {
namespace {

// One candidate at one load: the points of its starts, first start first.
struct Starts {
  std::size_t candidate = 0;
  double load = 0;
  std::vector<Point> points;
  Row pooled;
};

std::vector<Starts> ByValue(const Space& space, const std::vector<Point>& points) {
  std::vector<Starts> out;
  for (const Row& row : MergePoints(space, points)) {
    Starts s{row.candidate, row.load, {}, row};
    for (const Point& p : points) {
      if (p.candidate == row.candidate && p.load == row.load) s.points.push_back(p);
    }
    std::sort(s.points.begin(), s.points.end(), [](const Point& a, const Point& b) { return a.attempt < b.attempt; });
    out.push_back(std::move(s));
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const Starts& a, const Starts& b) { return a.pooled.value > b.pooled.value; });
  return out;
}

// Of ln(value) of one start: the model's noise of what dominates latency, or what the starts show where they vary more.
double DeviationOfStart(const Starts& s) {
  const double model = constants::kTpot.noise;
  if (s.points.size() < 2) return model;
  double mean = 0;
  for (const Point& p : s.points) mean += std::log(p.value) / static_cast<double>(s.points.size());
  double squares = 0;
  for (const Point& p : s.points) squares += (std::log(p.value) - mean) * (std::log(p.value) - mean);
  return std::max(model, std::sqrt(squares / static_cast<double>(s.points.size() - 1)));
}

double DeviationOfMean(const Starts& s) {
  return DeviationOfStart(s) / std::sqrt(static_cast<double>(s.points.size()));
}

Standing StandingOf(const Starts& s, bool confirmed) {
  const double half = constants::kTieDeviations * DeviationOfMean(s);
  return {s.candidate,
          s.load,
          static_cast<int>(s.points.size()),
          s.pooled.value,
          s.pooled.value * std::exp(-half),
          s.pooled.value * std::exp(half),
          confirmed};
}

std::vector<std::size_t> TiesOf(const std::vector<Starts>& all, const Bounds& bounds, const Starts& answer) {
  std::vector<std::size_t> ties;
  for (const Starts& other : all) {
    if (other.candidate == answer.candidate || !Feasible(bounds, other.pooled)) continue;
    if (std::find(ties.begin(), ties.end(), other.candidate) != ties.end()) continue;
    const double a = DeviationOfMean(answer);
    const double b = DeviationOfMean(other);
    const double apart = std::log(answer.pooled.value / other.pooled.value);
    if (std::fabs(apart) < constants::kTieDeviations * std::sqrt(a * a + b * b)) ties.push_back(other.candidate);
  }
  return ties;
}

bool NearBound(const Row& row, const Bounds& bounds) {
  const auto near = [](double y, const std::optional<double>& bound, double noise) {
    return bound && std::log(*bound) - y < constants::kTieDeviations * noise;
  };
  return near(row.y[kTtft], bounds.ttft_ms, constants::kTtft.noise) ||
         near(row.y[kTpot], bounds.tpot_ms, constants::kTpot.noise) ||
         near(row.y[kE2e], bounds.e2e_ms, constants::kTpot.noise);
}

}  // namespace

Conclusion Conclude(const Space& space, const Bounds& bounds, const Observations& observations, int confirmations) {
  const std::vector<Starts> all = ByValue(space, observations.points);
  Conclusion out;
  const Starts* unconfirmed = nullptr;
  int fresh_starts = 0;
  for (const Starts& s : all) fresh_starts += static_cast<int>(s.points.size()) - 1;
  const bool may_start = fresh_starts < confirmations * static_cast<int>(constants::kMostFinalists);
  for (const Starts& s : all) {
    const std::vector<Point> fresh(s.points.begin() + 1, s.points.end());
    if (!fresh.empty() && confirmations > 0) {
      // The first start was selected for looking good; the others were not.
      const std::vector<Row> row = MergePoints(space, fresh);
      if (!Feasible(bounds, row.front())) continue;
    } else if (!Feasible(bounds, s.pooled)) {
      continue;
    }
    if (static_cast<int>(fresh.size()) >= confirmations) {
      out.answer = StandingOf(s, confirmations > 0);
      out.ties = TiesOf(all, bounds, s);
      return out;
    }
    if (may_start) {
      out.confirm = FreshStart{s.candidate, s.load};
      return out;
    }
    if (unconfirmed == nullptr) unconfirmed = &s;
  }
  // Every start was spent and nothing held: the best that was not contradicted, marked as not confirmed.
  if (unconfirmed != nullptr) {
    out.answer = StandingOf(*unconfirmed, false);
    out.ties = TiesOf(all, bounds, *unconfirmed);
  }
  return out;
}

int ConfirmationsNeeded(const Space& space, const Bounds& bounds, const Observations& observations) {
  const std::vector<Starts> all = ByValue(space, observations.points);
  const auto leader = std::find_if(all.begin(), all.end(), [&](const Starts& s) { return Feasible(bounds, s.pooled); });
  if (leader == all.end()) return 0;
  if (!TiesOf(all, bounds, *leader).empty() || NearBound(leader->pooled, bounds)) return 1;
  for (const Starts& s : all) {
    if (DeviationOfStart(s) > constants::kNoisyRatio * constants::kTpot.noise) return 1;
  }
  return 0;
}

}  // namespace autotune::tuning::search
