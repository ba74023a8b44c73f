#include "bench/metrics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace autotune::bench {
namespace {

double Milliseconds(std::chrono::nanoseconds time) { return std::chrono::duration<double, std::milli>(time).count(); }

}  // namespace

double Percentile(const std::vector<double>& sorted, double p) {
  if (sorted.empty()) return 0;
  const double rank = p / 100 * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(std::floor(rank));
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (rank - std::floor(rank));
}

measurement::Latency Summarize(std::vector<double> milliseconds) {
  if (milliseconds.empty()) return {};
  std::sort(milliseconds.begin(), milliseconds.end());
  const double sum = std::accumulate(milliseconds.begin(), milliseconds.end(), 0.0);
  return {sum / static_cast<double>(milliseconds.size()), Percentile(milliseconds, 50), Percentile(milliseconds, 90),
          Percentile(milliseconds, 95), Percentile(milliseconds, 99)};
}

measurement::Point Measure(const measurement::Scenario& scenario, int concurrency,
                           const std::vector<CompletedRequest>& completed, std::int64_t errors) {
  measurement::Point load;
  load.scenario = scenario.ToString();
  load.load = measurement::Concurrency(concurrency);
  load.requests = static_cast<std::int64_t>(completed.size());
  load.errors = errors;
  if (completed.empty()) return load;

  std::vector<double> ttft, tpot, e2e;
  auto first_start = completed.front().start;
  auto last_end = completed.front().last_token;
  for (const CompletedRequest& request : completed) {
    load.input_tokens += request.input_tokens;
    load.output_tokens += request.output_tokens;
    first_start = std::min(first_start, request.start);
    last_end = std::max(last_end, request.last_token);
    ttft.push_back(Milliseconds(request.first_token - request.start));
    e2e.push_back(Milliseconds(request.last_token - request.start));
    if (request.output_tokens >= 2) {
      tpot.push_back(Milliseconds(request.last_token - request.first_token) /
                     static_cast<double>(request.output_tokens - 1));
    }
  }
  load.window_seconds = std::chrono::duration<double>(last_end - first_start).count();
  if (load.window_seconds > 0) {
    load.output_tokens_per_second = static_cast<double>(load.output_tokens) / load.window_seconds;
    load.requests_per_second = static_cast<double>(load.requests) / load.window_seconds;
  }
  load.ttft = Summarize(std::move(ttft));
  load.tpot = Summarize(std::move(tpot));
  load.e2e = Summarize(std::move(e2e));
  return load;
}

}  // namespace autotune::bench
