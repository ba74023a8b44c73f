#include "tuning/search/acquisition.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/keyed_random.h"

namespace autotune::tuning::search {
namespace {

// Excess (ln) of an engine that does not keep up with the requests: its latencies grow without end.
constexpr double kOverloaded = 1;

// No draw of base::Normal is further from 0: Uniform is at least 2^-54.
constexpr double kFurthestDraw = 8.4;

constexpr std::array<Metric, kMetrics> kAllMetrics = {kTtft, kTpot, kE2e, kObjective};

std::array<double, kMetrics> LnBounds(const Bounds& bounds) {
  const auto ln = [](const std::optional<double>& ms) {
    return ms ? std::log(*ms) : std::numeric_limits<double>::infinity();
  };
  return {ln(bounds.ttft_ms), ln(bounds.tpot_ms), ln(bounds.e2e_ms), std::numeric_limits<double>::infinity()};
}

}  // namespace

bool Feasible(const Bounds& bounds, const Row& row) {
  const std::array<double, kMetrics> limit = LnBounds(bounds);
  for (std::size_t m = 0; m < kMetrics; ++m) {
    if (row.y[m] > limit[m]) return false;
  }
  return row.met;
}

std::optional<Incumbent> BestObserved(const Bounds& bounds, const std::vector<Row>& rows,
                                      std::optional<std::size_t> without) {
  std::optional<Incumbent> best;
  for (const Row& row : rows) {
    if (row.candidate == without || !Feasible(bounds, row)) continue;
    if (!best || row.value > best->value) best = {row.candidate, row.load, row.value};
  }
  return best;
}

std::size_t DrawsFor(std::size_t candidates) {
  constexpr std::size_t kMostSamples = constants::kLeastDraws * constants::kShortlist;
  return std::clamp(kMostSamples / std::max<std::size_t>(candidates, 1), constants::kLeastDraws, constants::kMostDraws);
}

ValueDraws::ValueDraws(const Space& space, const Bounds& bounds, const ResidualModel& model,
                       const std::vector<Row>& rows, std::uint64_t key, std::size_t count)
    : space_(&space), bounds_(&bounds), model_(&model), rows_(&rows), key_(key), count_(count), metrics_(kMetrics) {
  for (const Metric m : kAllMetrics) {
    if (model.Models(m)) metrics_[m] = model.Draw(m, count, key);
  }
}

std::vector<ValueDraws::Sample> ValueDraws::Samples(std::size_t candidate, Wanted wanted) const {
  const Candidate& c = space_->candidates[candidate];
  const std::array<double, kMetrics> limit = LnBounds(*bounds_);
  const std::size_t loads = c.loads.size();
  measurement::PredictedLoads value;
  value.output_tokens = std::max(1.0, space_->workload.output_tokens);
  value.gpus = DivisorOf(c);
  if (space_->objective != Objective::kThroughput) value.value = measurement::LoadValue::kInverseLatency;
  if (model_->Models(kObjective)) value.objective.emplace();

  const bool at_rate = space_->request_rate.has_value();
  std::vector<const Row*> at_the_rate;
  std::vector<const Row*> measured(loads, nullptr);
  for (const Row& row : *rows_) {
    if (row.candidate != candidate) continue;
    if (at_rate) at_the_rate.push_back(&row);
    const auto at = static_cast<std::size_t>(std::find(c.loads.begin(), c.loads.end(), row.load) - c.loads.begin());
    if (at < loads) measured[at] = &row;
  }
  // Loop invariants: what the prior says at each load.
  std::vector<std::array<double, kMetrics>> prior(loads);
  std::vector<double> u(loads);
  std::vector<double> queued(loads);
  for (std::size_t j = 0; j < loads; ++j) {
    u[j] = model_->U(candidate, j);
    queued[j] = model_->Queued(candidate, j);
    for (const Metric m : kAllMetrics) {
      if (metrics_[m]) prior[j][m] = model_->PriorAt(m, candidate, j);
    }
  }
  const auto value_at = [&](std::size_t j, const std::array<double, kMetrics>& y) {
    return measurement::ValueAt(value, c.loads[j], y[kTtft], y[kTpot], y[kObjective]);
  };

  std::array<double, kMetrics> furthest{};
  for (const Metric m : kAllMetrics) {
    if (metrics_[m]) furthest[m] = kFurthestDraw * model_->Roughness(m);
  }

  const auto excess = [&](const std::array<double, kMetrics>& y) {
    double violation = 0;
    for (const Metric m : kAllMetrics) {
      if (metrics_[m]) violation += std::max(0.0, y[m] - limit[m]);
    }
    return violation;
  };

  std::vector<Sample> samples(count_);
  for (std::size_t s = 0; s < samples.size(); ++s) {
    std::array<double, kMetrics> level{};
    std::array<double, kMetrics> slope{};
    for (const Metric m : kAllMetrics) {
      if (metrics_[m]) metrics_[m]->LineOf(candidate, s, &level[m], &slope[m]);
    }
    const std::uint64_t key = base::Key({key_, c.key, s});
    const auto draw = [&](std::size_t point, Metric m) {
      return base::Normal(base::Mix64(key + (point * kMetrics + m) * 0x9e3779b97f4a7c15ULL));
    };
    const auto without_roughness = [&](std::size_t j, Metric m) { return prior[j][m] + level[m] + slope[m] * u[j]; };
    const auto with_queue = [&](std::size_t j, std::array<double, kMetrics>* y) {
      (*y)[kTtft] = measurement::WithQueue((*y)[kTtft], (*y)[kTpot], queued[j], value.output_tokens);
    };
    const auto predicted = [&](std::size_t j, std::size_t point) {
      std::array<double, kMetrics> y{};
      for (const Metric m : kAllMetrics) {
        if (metrics_[m]) y[m] = without_roughness(j, m) + draw(point, m) * model_->Roughness(m);
      }
      with_queue(j, &y);
      return y;
    };
    // Most loads of most draws are decided without drawing: no roughness would bring them within the limits, or above
    // the best load so far.
    const auto improves = [&](std::size_t j, double best) {
      std::array<double, kMetrics> least{};
      for (const Metric m : kAllMetrics) {
        if (!metrics_[m]) continue;
        least[m] = without_roughness(j, m) - furthest[m];
        if (least[m] > limit[m]) return false;
      }
      with_queue(j, &least);
      return least[kTtft] <= limit[kTtft] && (best <= 0 || value_at(j, least) > best);
    };
    // Measured throughput need not follow from the latencies exactly: the noise moves it, the formula does not replace
    // it.
    const auto consider_row = [&](const Row& row, std::size_t point) {
      std::array<double, kMetrics> y{};
      for (const Metric m : kAllMetrics) {
        if (!metrics_[m]) continue;
        y[m] = row.y[m] + draw(point, m) * std::sqrt(model_->NoiseVariance(m, row));
      }
      if (!row.met) return;
      const double violation = excess(y);
      samples[s].violation = std::min(samples[s].violation, violation);
      if (violation > 0) return;
      const std::size_t j = std::min(point, loads - 1);
      samples[s].value = std::max(samples[s].value, row.value * value_at(j, y) / value_at(j, row.y));
    };
    samples[s].violation = std::numeric_limits<double>::infinity();
    if (!at_the_rate.empty()) {
      for (std::size_t i = 0; i < at_the_rate.size(); ++i) consider_row(*at_the_rate[i], i);
    } else if (at_rate) {
      // One point of the curve, wherever the rate meets it.
      std::vector<std::array<double, kMetrics>> curve(loads);
      for (std::size_t j = 0; j < loads; ++j) curve[j] = predicted(j, 0);
      const std::optional<InFlight> at = model_->MeetRate(candidate, curve);
      std::array<double, kMetrics> y = curve.back();
      for (std::size_t m = 0; at && m < kMetrics; ++m) y[m] = at->Between(curve[at->below][m], curve[at->above][m]);
      samples[s].violation = excess(y) + (at ? 0 : kOverloaded);
      if (samples[s].violation == 0) samples[s].value = value_at(0, y);
    } else {
      // From the highest: throughput grows with the load.
      for (std::size_t j = loads; j-- > 0;) {
        if (measured[j] != nullptr) {
          consider_row(*measured[j], j);
          continue;
        }
        if (wanted == Wanted::kValue && !improves(j, samples[s].value)) continue;
        const std::array<double, kMetrics> y = predicted(j, j);
        const double violation = excess(y);
        samples[s].violation = std::min(samples[s].violation, violation);
        if (violation == 0) samples[s].value = std::max(samples[s].value, value_at(j, y));
      }
    }
  }
  return samples;
}

std::vector<double> ValueDraws::Of(std::size_t candidate) const {
  std::vector<double> out;
  out.reserve(count_);
  for (const Sample& sample : Samples(candidate, Wanted::kValue)) out.push_back(sample.value);
  return out;
}

double ValueDraws::Violation(std::size_t candidate) const {
  double sum = 0;
  for (const Sample& sample : Samples(candidate, Wanted::kViolation)) sum += sample.violation;
  return sum / static_cast<double>(count_);
}

bool ValueDraws::Starts(std::size_t candidate, std::size_t draw, double probability) const {
  return base::Uniform(base::Key({key_, space_->candidates[candidate].key, draw, 0x57a7})) < probability;
}

double ExpectedImprovement(const std::vector<double>& values, const std::vector<double>& beat,
                           double start_probability) {
  double sum = 0;
  for (std::size_t s = 0; s < values.size(); ++s) sum += std::max(0.0, values[s] - beat[s]);
  return start_probability * sum / static_cast<double>(values.size());
}

double ExpectedCost(const Space& space, std::size_t candidate) {
  const Candidate& c = space.candidates[candidate];
  return c.features.shape.gpus * (c.start_seconds + constants::kStepsPerTrial * space.step_seconds);
}

}  // namespace autotune::tuning::search
