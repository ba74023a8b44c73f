#include "tests/measurement/synthetic_engine.h"

#include <algorithm>
#include <cmath>

namespace autotune::measurement {
namespace {

struct State {
  double ttft = 0, tpot = 0, e2e = 0;  // s, means
  double wait = 0;                     // s, mean, of those that wait
  double running = 0, rate = 0;        // requests/s
  bool saturated = false;
};

// `batch` requests run all the time.
State Running(const SyntheticEngine& engine, double batch) {
  State out;
  out.running = batch;
  out.tpot = engine.step + engine.per_seq * batch;
  out.ttft = engine.prefill * (1 + engine.queueing * batch) + 2 * out.tpot;
  out.e2e = out.ttft + (engine.output - 1) * out.tpot;
  out.rate = batch / out.e2e;
  return out;
}

State At(const SyntheticEngine& engine, const Load& load) {
  if (load.kind == LoadKind::kConcurrency) {
    State out = Running(engine, std::min(load.value, engine.slots));
    out.wait = (load.value - out.running) / out.rate;
    return out;
  }
  const double capacity = engine.Capacity();
  if (load.value >= capacity) {
    State out = Running(engine, engine.slots);
    out.wait = 10 * out.e2e;
    out.saturated = true;
    return out;
  }
  double low = 0, high = engine.slots;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (Running(engine, std::max(middle, 1e-6)).rate < load.value ? low : high) = middle;
  }
  State out = Running(engine, std::max(high, 1e-6));
  // Waiting for a slot, after Sakasegawa's approximation of G/G/m.
  const double use = load.value / capacity;
  out.wait =
      engine.variability * out.e2e / engine.slots * std::pow(use, std::sqrt(2 * (engine.slots + 1)) - 1) / (1 - use);
  return out;
}

Latency Spread(double mean, double waiting, double tail) {
  const double p99 = mean * tail + waiting * 4;
  const double all = mean + waiting;
  return {all * 1e3, all * 0.95e3, (0.6 * all + 0.4 * p99) * 1e3, (0.4 * all + 0.6 * p99) * 1e3, p99 * 1e3};
}

}  // namespace

SyntheticEngine SyntheticEngine::Random(std::uint64_t seed) {
  KeyedRandom random(seed, 77);
  const auto between = [&](double low, double high) { return low * std::pow(high / low, random.Uniform()); };
  SyntheticEngine out;
  out.prefill = between(0.02, 0.2);
  out.step = between(0.005, 0.03);
  out.per_seq = out.step * between(0.01, 0.05);
  out.slots = std::round(between(24, 400));
  out.output = std::round(between(32, 400));
  out.tail = between(1.3, 2.5);
  out.queueing = between(0.03, 0.3);
  return out;
}

double SyntheticEngine::Capacity() const { return Running(*this, slots).rate; }

Point SyntheticEngine::Truth(const Slo& slo, const Load& load) const {
  const State state = At(*this, load);
  Point point;
  point.scenario = "D(512,128)";
  point.load = load;
  point.window_seconds = 20;
  point.requests_per_second = state.rate;
  point.requests = std::max<std::int64_t>(std::llround(state.rate * point.window_seconds), 1);
  point.output_tokens_per_second = state.rate * output;
  point.output_tokens = std::llround(static_cast<double>(point.requests) * output);
  point.mean_concurrency = state.running;
  point.saturated = state.saturated;
  point.ttft = Spread(state.ttft, state.wait, tail);
  point.tpot = Spread(state.tpot, 0, 1.1);
  point.itl = Spread(state.tpot, 0, tail);
  point.e2e = Spread(state.e2e, state.wait, 1.2);
  if (!slo.bounds.empty()) {
    // The share of requests that keep the bound, as if latencies were log-normal.
    double kept = 1;
    for (const Bound& bound : slo.bounds) {
      const Latency& latency = point.Get(bound.metric);
      const double sigma = std::log(latency.p99 / latency.p50) / 2.3263;
      kept = std::min(kept, std::erfc(-std::log(bound.limit / latency.p50) / sigma / std::sqrt(2.0)) / 2);
    }
    point.attainment = kept;
  }
  point.verdict = CheckSlo(slo, point).empty() ? Verdict::kMet : Verdict::kMissed;
  return point;
}

Point SyntheticEngine::Measure(const Slo& slo, const Load& load, double noise, KeyedRandom& random) const {
  Point point = Truth(slo, load);
  for (const Metric metric : kMetrics) {
    // A mean over many tokens is steadier than one event of a request.
    const double own = metric == Metric::kTtft ? noise : noise / 6;
    const double factor = std::exp(own * random.Normal());
    for (const Statistic statistic : kStatistics) {
      point.Get(metric).Set(statistic, point.Get(metric).Get(statistic) * factor);
    }
    point.relative_ci[static_cast<std::size_t>(metric)] = 2 * own;
  }
  point.output_tokens_per_second *= std::exp(noise / 5 * random.Normal());
  point.output_tokens_per_second_ci = 0.4 * noise * point.output_tokens_per_second;
  if (point.attainment) {
    const double failed = (1 - *point.attainment) * std::exp(4 * noise * random.Normal());
    point.attainment = std::clamp(1 - failed, 0.0, 1.0);
  }
  // Certain where the noise would have to be two standard deviations.
  const auto verdict_of = [&](double sign) {
    Point moved = point;
    for (const Metric metric : kMetrics) {
      const double factor = std::exp(sign * point.relative_ci[static_cast<std::size_t>(metric)]);
      for (const Statistic statistic : kStatistics) {
        moved.Get(metric).Set(statistic, point.Get(metric).Get(statistic) * factor);
      }
    }
    return CheckSlo(slo, moved).empty();
  };
  const bool kept_at_worst = verdict_of(1), kept_at_best = verdict_of(-1);
  point.verdict = kept_at_worst ? Verdict::kMet : kept_at_best ? Verdict::kUndecided : Verdict::kMissed;
  return point;
}

double SyntheticEngine::BruteForceLimit(const Slo& slo, LoadKind kind, double max) const {
  double limit = 0;
  if (kind == LoadKind::kConcurrency) {
    for (double load = 1; load <= max && Truth(slo, {kind, load}).verdict == Verdict::kMet; ++load) limit = load;
    return limit;
  }
  for (double load = Capacity() * 0.02; load <= max; load *= 1.003) {
    if (Truth(slo, {kind, load}).verdict != Verdict::kMet) break;
    limit = load;
  }
  return limit;
}

}  // namespace autotune::measurement
