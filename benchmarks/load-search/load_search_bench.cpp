// Prints how near the load search comes to the truth, in how many points and seconds of measuring; what racing saves;
// and how often the intervals of single points hold the truth. Everything in virtual time: the figures are the same on
// every machine.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "measurement/arrival_gaps.h"
#include "measurement/keyed_random.h"
#include "measurement/limit_interval.h"
#include "measurement/load_search.h"
#include "measurement/long_run.h"
#include "measurement/statistics.h"
#include "measurement/window.h"
#include "tests/measurement/simulated_load.h"

namespace autotune::measurement {
namespace {

using std::chrono::seconds;

struct Mode {
  const char* name;
  LoadMode mode;
  double variability;
};
constexpr Mode kModes[] = {{"closed loop", LoadMode::kAutoConcurrency, 1},
                           {"Poisson", LoadMode::kAutoRate, 1},
                           {"constant", LoadMode::kAutoRate, 0},
                           {"gamma 0.5", LoadMode::kAutoRate, 2}};

// A server whose TTFT is its queue's: slots and service time differ by seed.
SimulatedServer ServerOf(std::uint64_t seed, double variability) {
  KeyedRandom random(seed, 5);
  SimulatedServer server;
  server.slots = static_cast<int>(std::lround(12 * std::pow(8, random.Uniform())));
  server.service_seconds = 0.8 * std::pow(4, random.Uniform());
  server.variation = 0.2 + 0.4 * random.Uniform();
  server.variability = variability;
  return server;
}

// TTFT at the share, in milliseconds, of a long run.
double TrueTtft(const SimulatedServer& server, const Load& load, double share) {
  const double rate = load.kind == LoadKind::kRequestRate ? load.value : server.slots / server.service_seconds;
  const auto length = seconds(static_cast<int>(40'000 / rate) + 60);
  std::vector<double> ttft;
  const SimulatedLoad run(server, load, length, 987654321);
  for (const RequestRecord& record : run.All()) {
    if (record.start > seconds(30)) ttft.push_back(record.events.front() / 1e3);
  }
  std::sort(ttft.begin(), ttft.end());
  return Quantile(ttft, share);
}

double TrueLimit(const SimulatedServer& server, LoadKind kind, const Bound& bound) {
  const double capacity = server.slots / server.service_seconds;
  double low = kind == LoadKind::kConcurrency ? 1 : capacity / 100;
  double high = kind == LoadKind::kConcurrency ? 512 : capacity * 0.999;
  const double enough = kind == LoadKind::kConcurrency ? 1.0001 : low / 4;
  while (high - low > enough) {
    const double middle = kind == LoadKind::kConcurrency ? std::floor((low + high) / 2) : (low + high) / 2;
    (TrueTtft(server, {kind, middle}, Share(bound.statistic)) <= bound.limit ? low : high) = middle;
  }
  return low;
}

struct Found {
  LoadDecision decision;
  std::vector<Point> points;
  double spent = 0;  // s of measuring
  [[nodiscard]] double Limit() const { return decision.best ? points[*decision.best].load.value : 0; }
};

Arrival ArrivalOf(const SimulatedServer& server) {
  if (server.variability == 0) return {ArrivalProcess::kConstant, 1};
  if (server.variability == 1) return {};
  return {ArrivalProcess::kGamma, 1 / server.variability};
}

// As a pod's warm-up sees it: one request, and two waves of as many as there may be.
std::vector<Point> WarmUp(const SimulatedServer& server, const LoadSearchInput& input, std::uint64_t seed) {
  std::vector<Point> out;
  for (const int places : {1, input.plan.max}) {
    const double wave = server.service_seconds * std::max(1.0, static_cast<double>(places) / server.slots);
    const auto length = std::chrono::nanoseconds(std::llround(3 * wave * 1e9));
    out.push_back(*Glimpse(places, SimulatedLoad(server, Concurrency(places), length, seed).All()));
  }
  return out;
}

Found FindLimit(const SimulatedServer& server, LoadSearchInput input, std::uint64_t seed) {
  Found found;
  input.warm_up = WarmUp(server, input, seed);
  for (;;) {
    found.decision = DecideLoad(input, found.points);
    if (!found.decision.next) return found;
    PointSpec spec;
    spec.load = *found.decision.next;
    spec.slo = input.slo;
    spec.precision = found.decision.precision;
    SimulatedServer held = server;
    held.block = BlockOfArrivals(spec.load.value, std::chrono::nanoseconds(std::llround(server.service_seconds * 1e9)));
    const SimulatedLoad load(held, spec.load, seconds(200), seed * 100 + found.points.size());
    const Measured measured = MeasurePoint(load, spec);
    found.points.push_back(measured.progress.point);
    const std::vector<RequestRecord> records = load.At(std::chrono::nanoseconds(std::llround(measured.seconds * 1e9)));
    ShowLongRun(input.slo, {records, ArrivalOf(server), spec.load.value, MaxRunningRequests(input.warm_up)},
                found.points.back());
    found.spent += measured.seconds;
  }
}

void PrintLimits(int seeds, std::uint64_t after, std::string_view only) {
  std::printf(
      "| arrivals | SLO | off by, mean | too high by, mean | off by, p90 | within 5 %% or one request | points | s of "
      "measuring, "
      "median | interval of the limit holds it |\n");
  std::printf("|---|---|---|---|---|---|---|---|---|\n");
  for (const Mode& mode : kModes) {
    if (!std::string_view(mode.name).starts_with(only)) continue;
    for (const auto& [statistic, of_service] :
         {std::pair(Statistic::kP99, 0.3), {Statistic::kP90, 0.3}, {Statistic::kP99, 1.0}}) {
      std::vector<double> off, spent;
      double points = 0, near = 0, held = 0, too_high = 0;
      for (int seed = 1; seed <= seeds; ++seed) {
        const std::uint64_t key = after + static_cast<std::uint64_t>(seed);
        const SimulatedServer server = ServerOf(key, mode.variability);
        LoadSearchInput input;
        input.plan.mode = mode.mode;
        input.slo.bounds = {{Metric::kTtft, statistic, of_service * server.service_seconds * 1e3}};
        input.mean_output_tokens = server.tokens;
        const LoadKind kind = KindOf(mode.mode);
        const double truth = TrueLimit(server, kind, input.slo.bounds[0]);
        const Found found = FindLimit(server, input, key);
        off.push_back(std::abs(found.Limit() / truth - 1));
        too_high += (found.Limit() / truth - 1) / seeds;
        near += off.back() <= 0.05 || (kind == LoadKind::kConcurrency && std::abs(found.Limit() - truth) <= 1);
        points += static_cast<double>(found.points.size()) / seeds;
        spent.push_back(found.spent);
        if (found.decision.best) {
          const double half = LimitHalfWidth(input.slo, found.points, *found.decision.best);
          held += std::abs(truth / found.Limit() - 1) <= half;
        }
      }
      std::sort(off.begin(), off.end());
      std::sort(spent.begin(), spent.end());
      double mean = 0;
      for (const double value : off) mean += value / seeds;
      std::printf(
          "| %s | TTFT %s <= %.1f service times | %.1f %% | %+.1f %% | %.1f %% | %.0f of %d | %.1f | %.0f | %.0f of %d "
          "|\n",
          mode.name, std::string(StatisticName(statistic)).c_str(), of_service, 100 * mean, 100 * too_high,
          100 * Quantile(off, 0.9), near, seeds, points, Quantile(spent, 0.5), held, seeds);
      std::fflush(stdout);
    }
  }
}

void PrintRacing(int seeds) {
  std::printf(
      "\n| arrivals | of losers | ended as a loser | points | s of measuring | without racing, points | s | a ladder "
      "of three | winners kept |\n|---|---|---|---|---|---|---|---|---|\n");
  for (const Mode& mode : {kModes[0], kModes[1]}) {
    double points = 0, spent = 0, points_without = 0, spent_without = 0, ladder = 0;
    int losers = 0, ended = 0, winners = 0, kept = 0;
    for (int seed = 1; seed <= seeds; ++seed) {
      const SimulatedServer incumbent = ServerOf(static_cast<std::uint64_t>(seed), mode.variability);
      LoadSearchInput input;
      input.plan.mode = mode.mode;
      input.slo.bounds = {{Metric::kTtft, Statistic::kP90, 0.3 * incumbent.service_seconds * 1e3}};
      input.mean_output_tokens = incumbent.tokens;
      const LoadKind kind = KindOf(mode.mode);
      const Found best = FindLimit(incumbent, input, static_cast<std::uint64_t>(seed) + 500);
      if (!best.decision.best) continue;
      LoadSearchInput racing = input;
      racing.score_to_beat = PointScore(ScoreMetric::kOutputTokens, best.points[*best.decision.best], 1);
      racing.start = Load{kind, best.Limit()};
      for (const double speed : {0.6, 0.8, 1.25, 1.6}) {
        SimulatedServer candidate = incumbent;
        candidate.service_seconds /= speed;
        const auto key = static_cast<std::uint64_t>(seed * 10) + static_cast<std::uint64_t>(speed * 4);
        const Found found = FindLimit(candidate, racing, key);
        if (speed > 1) {
          ++winners;
          kept += found.decision.reason != StopReason::kCannotWin;
          continue;
        }
        ++losers;
        ended += found.decision.reason == StopReason::kCannotWin || found.decision.reason == StopReason::kInfeasible;
        points += static_cast<double>(found.points.size());
        spent += found.spent;
        const Found without = FindLimit(candidate, input, key);
        points_without += static_cast<double>(without.points.size());
        spent_without += without.spent;
        // What there was before: three given loads for a minute each.
        ladder += 3 * (60 + candidate.service_seconds);
      }
    }
    std::printf("| %s | %d | %d | %.1f | %.0f | %.1f | %.0f | %.0f s | %d of %d |\n", mode.name, losers, ended,
                points / losers, spent / losers, points_without / losers, spent_without / losers, ladder / losers, kept,
                winners);
    std::fflush(stdout);
  }
}

void PrintCoverage(int points) {
  std::printf(
      "\n| load of a server with 32 slots | window | p50 | p90 | p99 | mean | throughput | throughput, ended "
      "early |\n|---|---|---|---|---|---|---|---|\n");
  SimulatedServer server;
  server.tokens = 8;
  const struct {
    const char* name;
    Load load;
    int window;
  } kCases[] = {{"closed loop, 32 in flight", Concurrency(32), 60},
                {"closed loop, 40 in flight", Concurrency(40), 60},
                {"Poisson, 60 %", RequestRate(0.6 * 32), 60},
                {"Poisson, 80 %", RequestRate(0.8 * 32), 60},
                {"Poisson, 80 %", RequestRate(0.8 * 32), 300}};
  for (const auto& row : kCases) {
    // A pod's arrivals hold their rate.
    server.block = row.load.kind == LoadKind::kRequestRate ? BlockOfArrivals(row.load.value, seconds(1)) : 0;
    constexpr double kShares[] = {0.5, 0.9, 0.99};
    double truth[3], sum = 0, count = 0;
    std::vector<double> ttft;
    const SimulatedLoad longest(server, row.load, seconds(20'000), 31337);
    double tokens = 0;
    for (const RequestRecord& record : longest.All()) {
      if (record.start < seconds(50)) continue;
      ttft.push_back(record.events.front() / 1e3);
      sum += ttft.back();
      count += 1;
      tokens += record.output_tokens;
    }
    // Of a rate that is kept up with: no count of a run.
    const double true_throughput =
        row.load.kind == LoadKind::kRequestRate ? row.load.value * server.tokens : tokens / (20'000 - 50);
    std::sort(ttft.begin(), ttft.end());
    for (int i = 0; i < 3; ++i) truth[i] = Quantile(ttft, kShares[i]);
    double held[6] = {};
    for (int seed = 1; seed <= points; ++seed) {
      const SimulatedLoad load(server, row.load, seconds(row.window + 60), static_cast<std::uint64_t>(seed));
      std::vector<Sample> samples;
      for (const RequestRecord& record : load.All()) {
        if (record.start >= seconds(30) && record.start < seconds(30 + row.window)) {
          samples.push_back({record.events.front() / 1e3});
        }
      }
      for (int i = 0; i < 3; ++i) held[i] += EstimateQuantile(samples, kShares[i]).interval.Holds(truth[i]);
      held[3] += EstimateMean(samples).interval.Holds(sum / count);
      PointSpec spec;
      spec.load = row.load;
      spec.duration = seconds(row.window);
      spec.drain = seconds(0);
      for (const double precision : {0.0, 0.03}) {
        spec.precision.throughput = precision;
        const Point point = MeasurePoint(load, spec).progress.point;
        held[precision == 0 ? 4 : 5] +=
            std::abs(point.output_tokens_per_second - true_throughput) <= point.output_tokens_per_second_ci;
      }
    }
    std::printf("| %s | %d s |", row.name, row.window);
    for (const double value : held) std::printf(" %.1f %% |", 100 * value / points);
    std::printf("\n");
    std::fflush(stdout);
  }
}

}  // namespace
}  // namespace autotune::measurement

// Seeds of searches (0 = no searches) and points of the coverage (0 = no coverage); then only searches, whose arrivals
// begin so, of seeds after the third.
int main(int argc, char** argv) {
  const int seeds = argc > 1 ? std::atoi(argv[1]) : 20;
  const int points = argc > 2 ? std::atoi(argv[2]) : 1000;
  if (seeds > 0) {
    autotune::measurement::PrintLimits(seeds, argc > 4 ? std::strtoull(argv[4], nullptr, 10) : 0,
                                       argc > 3 ? argv[3] : "");
  }
  if (argc > 3) return 0;
  if (seeds > 0) autotune::measurement::PrintRacing(seeds);
  if (points > 0) autotune::measurement::PrintCoverage(points);
}
