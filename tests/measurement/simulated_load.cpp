#include "tests/measurement/simulated_load.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <queue>

#include "measurement/arrival_gaps.h"
#include "measurement/keyed_random.h"

namespace autotune::measurement {
namespace {

using std::chrono::nanoseconds;

nanoseconds Nanoseconds(double seconds) { return nanoseconds(std::llround(seconds * 1e9)); }

}  // namespace

SimulatedLoad::SimulatedLoad(const SimulatedServer& server, const Load& load, nanoseconds length, std::uint64_t seed) {
  KeyedRandom services(seed, 2), shed(seed, 3);
  const Arrival arrival = server.variability > 0 ? Arrival{ArrivalProcess::kGamma, 1 / server.variability}
                                                 : Arrival{ArrivalProcess::kConstant, 1};
  ArrivalGaps gaps(arrival, KeyedRandom(seed, 1), server.block);
  using Earliest = std::priority_queue<double, std::vector<double>, std::greater<>>;
  Earliest free, places;
  for (int i = 0; i < server.slots; ++i) free.push(0);
  const bool closed = load.kind == LoadKind::kConcurrency;
  if (closed) {
    for (int i = 0; i < static_cast<int>(load.value); ++i) places.push(server.service_seconds * i / load.value);
  }
  const double sigma2 = std::log(1 + server.variation * server.variation);
  const double end = std::chrono::duration<double>(length).count();
  double clock = 0;
  for (;;) {
    double start = 0;
    if (closed) {
      start = places.top();
      places.pop();
    } else {
      clock += gaps.Next() / load.value;
      start = clock;
    }
    if (start >= end) break;
    RequestRecord record;
    record.start = Nanoseconds(start);
    record.input_tokens = 100;
    record.asked_tokens = server.tokens;
    const double service = server.service_seconds * std::exp(-sigma2 / 2 + std::sqrt(sigma2) * services.Normal());
    double done = 0;
    if (shed.Uniform() < server.shed_share) {
      record.outcome = RequestOutcome::kRefused;
      done = start + 0.001;
    } else {
      const double begin = std::max(start, free.top());
      free.pop();
      done = begin + service;
      free.push(done);
      record.outcome = RequestOutcome::kOk;
      record.output_tokens = server.tokens;
      for (int i = 1; i <= server.tokens; ++i) {
        record.events.push_back(
            static_cast<std::uint32_t>(std::lround((begin - start + service * i / server.tokens) * 1e6)));
      }
    }
    record.end = Nanoseconds(done);
    if (closed) places.push(done);
    records_.push_back(std::move(record));
  }
  std::stable_sort(records_.begin(), records_.end(),
                   [](const RequestRecord& a, const RequestRecord& b) { return a.start < b.start; });
}

std::vector<RequestRecord> SimulatedLoad::At(nanoseconds now) const {
  std::vector<RequestRecord> out;
  for (const RequestRecord& record : records_) {
    if (record.start > now) break;
    RequestRecord& seen = out.emplace_back(record);
    if (record.end <= now) continue;
    seen.outcome = RequestOutcome::kInFlight;
    seen.end = nanoseconds(0);
    seen.output_tokens = 0;
    const auto age = static_cast<std::uint64_t>((now - record.start).count() / 1000);
    seen.events.erase(std::upper_bound(seen.events.begin(), seen.events.end(), age), seen.events.end());
  }
  return out;
}

Measured MeasurePoint(const std::function<std::span<const RequestRecord>(nanoseconds)>& at, const PointSpec& spec) {
  Measured out;
  nanoseconds now{};
  while (out.progress.phase != Phase::kDone) {
    now = std::max(out.progress.check_again_at, now + std::chrono::milliseconds(1));
    out.progress = Evaluate(spec, at(now), now, out.progress);
    ++out.evaluations;
  }
  out.seconds = std::chrono::duration<double>(now).count();
  return out;
}

Measured MeasurePoint(const SimulatedLoad& load, const PointSpec& spec) {
  std::vector<RequestRecord> records;
  return MeasurePoint(
      [&](nanoseconds now) {
        records = load.At(now);
        return std::span<const RequestRecord>(records);
      },
      spec);
}

}  // namespace autotune::measurement
