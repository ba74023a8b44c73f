#include "cli/bench_url.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <utility>

#include "bench/limit_search.h"
#include "bench/priority.h"
#include "bench/server.h"
#include "cli/json_text.h"
#include "cli/run.h"
#include "measurement/excess.h"
#include "measurement/slo.h"
#include "operator/api/autotune_task.h"
#include "operator/api/units.h"
#include "report/result_view.h"
#include "text/table.h"

namespace autotune::cli {
namespace {

using measurement::LoadKind;
using measurement::Metric;
using measurement::Point;
using measurement::Statistic;
using nlohmann::json;
using report::LoadText;
using report::VerdictText;
using text::Milliseconds;
using text::Shortened;
using text::Table;
using text::TokensPerSecond;

constexpr int kMeasured = 0, kNothing = 1, kBadInput = 2, kInterrupted = 130;

volatile std::sig_atomic_t interrupts = 0;

void CatchInterrupts() {
  struct sigaction action {};
  action.sa_handler = [](int) {
    // The second one ends the program at once, whatever it waits for.
    interrupts = interrupts + 1;
    if (interrupts > 1) ::_exit(kInterrupted);
  };
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

std::string Decimal(double value, int digits) { return api::FormatDecimal(value, digits); }

std::string Share(const std::optional<double>& share) { return share ? Decimal(*share * 100, 1) + " %" : ""; }

std::string Errors(const Point& point) {
  std::string out;
  for (std::size_t i = 0; i < measurement::kErrorKinds.size(); ++i) {
    if (point.errors_by_kind[i] == 0) continue;
    out += (out.empty() ? "" : " ") + std::to_string(point.errors_by_kind[i]) + " " +
           std::string(RequestOutcomeName(measurement::kErrorKinds[i]));
  }
  return out.empty() && point.errors > 0 ? std::to_string(point.errors) : out;
}

std::string SloText(const measurement::Slo& slo) {
  std::string out;
  for (const measurement::Bound& bound : slo.bounds) {
    out += (out.empty() ? "" : ", ") + bound.Field().substr(4) + " <= " + Milliseconds(bound.limit);
  }
  if (slo.attainment) out += " for " + Decimal(*slo.attainment * 100, 2) + " % of the requests";
  return out;
}

std::string GoodputText(const Point& point) {
  return Decimal(measurement::PointScore(measurement::ScoreMetric::kAttainedRequests, point, 1), 2) + " requests/s";
}

// A point of the search above the best one that meets the SLO too, and is worth less: the highest. Null without one.
const Point* HighestMet(const bench::BenchSpec& spec, const bench::RunResult& result, const Point& best) {
  const Point* highest = nullptr;
  for (std::size_t i = 0; i < result.points.size(); ++i) {
    const Point& point = result.points[i];
    if (point.scenario != best.scenario || point.role != best.role || point.load.kind != best.load.kind) continue;
    if (point.load.value <= best.load.value || IsInvalid(point) || !MeetsSlo(spec.slo, point)) continue;
    if (measurement::IsMeasuredAgain(result.points, i)) continue;
    if (highest == nullptr || point.load.value > highest->load.value) highest = &point;
  }
  return highest;
}

// "65 % of the requests at 12.7 requests/s waited in the client for one of 8 places (--max), while the server had
// room".
std::string HeldText(const bench::BenchSpec& spec, const Point& point) {
  return Decimal(100 * point.held, 0) + " % of the requests at " + point.load.ToString() +
         " waited in the client for one of " + std::to_string(spec.load.max) +
         " places (--max), while the server had room";
}

// Of a best rate: the lowest one above it that does not meet the SLO, if that is the client's doing. Null for others.
const Point* HeldAbove(const bench::BenchSpec& spec, const bench::RunResult& result, const Point& best) {
  const Point* lowest = nullptr;
  for (const Point& point : result.points) {
    if (point.scenario != best.scenario || point.role != best.role || point.load.kind != best.load.kind) continue;
    if (point.load.value <= best.load.value || IsInvalid(point) || MeetsSlo(spec.slo, point)) continue;
    if (lowest == nullptr || point.load.value < lowest->load.value) lowest = &point;
  }
  return lowest != nullptr && lowest->held > 0 ? lowest : nullptr;
}

// Of a search without an answer whose lowest load breaks no limit, but was a rate that is not kept up with, or whose
// requests waited in the client: so, by how much; "" for others.
std::string OverloadText(const bench::BenchSpec& spec, const bench::RunResult& result, const std::string& name) {
  const Point* lowest = nullptr;
  for (const Point& point : result.points) {
    if (point.scenario != name || IsInvalid(point) || point.load.kind != LoadKind::kRequestRate) continue;
    if (lowest == nullptr || point.load.value < lowest->load.value) lowest = &point;
  }
  if (lowest == nullptr) return "";
  if (lowest->held > 0) return "no measured rate can be judged: " + HeldText(spec, *lowest);
  const std::vector<measurement::Violation> violations = CheckSlo(spec.slo, *lowest);
  if (violations.size() != 1 || violations.front().bound != "requestRate") return "";
  return "no measured rate is kept up with: of " + lowest->load.ToString() + " " +
         Decimal(lowest->requests_per_second, 2) + " were answered, and the queue grew";
}

// Of a search without an answer all of whose loads miss the error rate: so, by the lowest load; "" for others.
std::string ErrorsText(const bench::BenchSpec& spec, const bench::RunResult& result, const std::string& name) {
  const Point* lowest = nullptr;
  for (const Point& point : result.points) {
    if (point.scenario != name || IsInvalid(point)) continue;
    const std::vector<measurement::Violation> violations = CheckSlo(spec.slo, point);
    if (std::none_of(violations.begin(), violations.end(),
                     [](const measurement::Violation& one) { return one.bound == "slo.errorRate"; })) {
      // Where a few percent fail at every load, single points have no error by chance.
      if (violations.empty() && point.verdict == measurement::Verdict::kUndecided) continue;
      return "";
    }
    if (lowest == nullptr || point.load.value < lowest->load.value) lowest = &point;
  }
  if (lowest == nullptr) return "";
  const double sent = static_cast<double>(lowest->requests + lowest->errors + lowest->censored);
  return "no measured load meets the limit of the error rate: " +
         Decimal(100 * static_cast<double>(lowest->errors) / sent, 1) + " % of the requests at " +
         lowest->load.ToString() + " failed, " + Decimal(100 * spec.slo.max_error_rate, 1) + " % may (--slo errorRate)";
}

// True if a rate sustains at most what this loop answers. A request alone starts sooner than one that joins a running
// batch, so a first token that comes later does not show by itself that the server is full.
bool IsBound(const bench::RunResult& result, const Point& loop) {
  constexpr double kWaiting = 0.1;  // of those in flight
  constexpr double kMore = 1.05;
  if (!loop.standing_queue || loop.engine.waiting.value_or(loop.load.value) < kWaiting * loop.load.value) return false;
  return std::ranges::none_of(result.points, [&](const Point& point) {
    return point.scenario == loop.scenario && point.requests_per_second > kMore * loop.requests_per_second;
  });
}

// Requests waited in the server for their turn, so more of them in flight would not be served faster.
bool IsFull(const Point& point) { return point.standing_queue || point.engine.waiting.value_or(0) >= 1; }

// Of a search that ended before a load met the SLO: below which one the limit is; "" without a load.
std::string BoundText(const bench::BenchSpec& spec, const bench::RunResult& result, const std::string& name) {
  const Point *lowest = nullptr, *loop = nullptr;
  for (const Point& point : result.points) {
    if (point.scenario != name || IsInvalid(point)) continue;
    if (point.load.kind == LoadKind::kConcurrency && MeetsSlo(spec.slo, point)) {
      loop = &point;
    } else if (lowest == nullptr || point.load.kind != lowest->load.kind
                   ? lowest == nullptr || point.load.kind == LoadKind::kRequestRate
                   : point.load.value < lowest->load.value) {
      lowest = &point;
    }
  }
  if (lowest == nullptr) return "";
  const std::string option = lowest->load.kind == LoadKind::kRequestRate ? "--rate" : "--concurrency";
  return "meets " + SloText(spec.slo) + " only below " + lowest->load.ToString() +
         ", the lowest load that was measured before the search ended" +
         (loop != nullptr ? "; " + loop->load.ToString() + " meet it, but requests always wait there" : "") +
         ". Measure lower ones: " + option;
}

std::string Sentence(const bench::BenchSpec& spec, const bench::RunResult& result, std::size_t scenario) {
  using measurement::StopReason;
  const bench::ScenarioOutcome& outcome = result.outcomes[scenario];
  const std::string name = spec.dataset ? "dataset" : spec.scenarios[scenario].ToString();
  const bool bounded = !spec.slo.bounds.empty();
  if (!outcome.best) {
    if (const std::string overload = OverloadText(spec, result, name); !overload.empty()) {
      return name + ": " + overload;
    }
    if (const std::string errors = ErrorsText(spec, result, name); !errors.empty()) return name + ": " + errors;
    if (const std::string bound = BoundText(spec, result, name);
        outcome.reason == StopReason::kOutOfTime && bounded && !bound.empty()) {
      return name + ": " + bound;
    }
    const bool undecided = std::any_of(result.points.begin(), result.points.end(), [](const Point& point) {
      return point.verdict == measurement::Verdict::kUndecided;
    });
    return name + ": no measured load meets " + (bounded ? SloText(spec.slo) : "the limit of the error rate") +
           (undecided ? " for certain; a longer --duration decides what is undecided" : "");
  }
  const Point& best = result.points[*outcome.best];
  const bool goodput = spec.score_metric == measurement::ScoreMetric::kAttainedRequests;
  std::string numbers = TokensPerSecond(best.output_tokens_per_second) + " +- " +
                        Decimal(best.output_tokens_per_second_ci, 1) + " output tokens/s";
  // A rate that is kept up with is the load itself.
  const std::string answered = Decimal(best.requests_per_second, 2);
  if (best.load.kind == LoadKind::kConcurrency || answered != Decimal(best.load.value, 2)) {
    numbers += ", " + answered + " answered requests/s";
  }
  if (goodput) numbers += ", " + GoodputText(best) + " within every limit";
  numbers += " at " + best.load.ToString();
  std::string text = name + ": ";
  const std::string undecided = best.verdict != measurement::Verdict::kUndecided ? ""
                                : IsTooShortToTell(best)
                                    ? " (Undecided: " + std::string(measurement::kTooShortText) + ")"
                                    : " (Undecided: by its measured values, not with 95 % confidence)";
  if (const Point* held = HeldAbove(spec, result, best)) {
    return text + (bounded ? "meets " + SloText(spec.slo) + " at " : "reaches ") + numbers + undecided +
           "; its limit is higher or not known: " + HeldText(spec, *held);
  }
  const bool searched = bounded && spec.load.fixed.empty();
  const Point* highest = goodput || searched ? HighestMet(spec, result, best) : nullptr;
  if (highest != nullptr) {
    return text + "meets " + SloText(spec.slo) + " up to " + highest->load.ToString() +
           (goodput
                ? "; most requests/s within every limit: " + numbers + " (" + GoodputText(*highest)
                : "; most output tokens/s: " + numbers + " (" + TokensPerSecond(highest->output_tokens_per_second)) +
           " at the highest load)";
  }
  switch (outcome.reason) {
    case StopReason::kFound:
      text += (bounded ? "meets " + SloText(spec.slo) + " up to " : "reaches ") + numbers;
      break;
    case StopReason::kCapacity:
      if (best.role == measurement::PointRole::kSustained) {
        text += "meets " + SloText(spec.slo) + " up to " + numbers;
        break;
      }
      if (best.load.kind == LoadKind::kConcurrency && best.load.value >= spec.load.max && (bounded || !IsFull(best))) {
        text += (bounded ? "meets " + SloText(spec.slo) + " up to " : "reaches ") + numbers +
                ", the most that --max allows";
        break;
      }
      text += (bounded ? "meets " + SloText(spec.slo) + " up to its capacity: " : "has a capacity of ") + numbers;
      break;
    case StopReason::kCannotWin:
    case StopReason::kInfeasible:
    case StopReason::kInvalid:
    case StopReason::kLadderDone:
      text += "best measured load: " + numbers;
      break;
    case StopReason::kOutOfTime:
      text += "ended before the limit was found: at least " + numbers;
      break;
  }
  if (best.role == measurement::PointRole::kSustained) {
    const auto loop =
        measurement::LimitOf({spec.slo, spec.score_metric, LoadKind::kConcurrency, best.scenario}, result.points);
    if (loop) {
      const Point& point = result.points[*loop];
      // Only where the server admits no more is this its capacity, and that is not known.
      text += "; " + point.load.ToString() +
              (point.load.value >= spec.load.max ? ", the most that --max allows," : "") + " answer " +
              Decimal(point.requests_per_second, 2) + " requests/s while requests wait, and no higher rate was tried";
    }
  }
  if (measurement::IsInvalid(best)) text += " (invalid: " + std::string(VerdictName(best.verdict)) + ")";
  return text + undecided;
}

// Writes the progress to standard error, below a table that may go elsewhere. On a terminal steps replace each other on
// one line, and the results of points stay; elsewhere, and with -v, every step stays.
class Ticker {
 public:
  explicit Ticker(bool verbose) : one_line_(::isatty(STDERR_FILENO) != 0 && !verbose) {}
  ~Ticker() { Clear(); }
  Ticker(const Ticker&) = delete;
  Ticker& operator=(const Ticker&) = delete;

  void Live(const std::string& text) {
    if (!one_line_) return;
    std::fprintf(stderr, "\r\033[K%s", Shortened(text, TerminalWidth(STDERR_FILENO) - 1).c_str());
    drawn_ = true;
  }
  void Say(const std::string& line) {
    if (one_line_) return Live(line);
    std::fprintf(stderr, "%s\n", line.c_str());
  }
  // What Say() loses on a terminal.
  void Keep(const std::string& line) {
    if (!one_line_) return;
    Clear();
    std::fprintf(stderr, "%s\n", line.c_str());
  }

  void Clear() {
    if (drawn_) std::fprintf(stderr, "\r\033[K");
    drawn_ = false;
  }

 private:
  const bool one_line_;
  bool drawn_ = false;
};

// A connection for each request in flight.
void RaiseDescriptorLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
}

int Fail(const std::string& message, int code) {
  std::cerr << "autotune: " << message << "\n";
  return code;
}

// False for answers of one token, or in one piece, and without an answer.
bool IsMeasured(const Point& point, Metric metric) { return point.Get(metric) != measurement::Latency(); }

bool IsOfLongRun(const Point& point) { return !point.in_window.empty(); }

// Of the answered requests; "" without one.
std::string MeanTokens(std::int64_t sum, const Point& point) {
  if (point.requests == 0 || sum == 0) return "";
  return Decimal(static_cast<double>(sum) / static_cast<double>(point.requests), 0);
}

json LatencyJson(const Point& point, Metric metric) {
  if (!IsMeasured(point, metric)) return nullptr;
  json out = json::object();
  json at_least = json::array();
  for (const Statistic statistic : measurement::kStatistics) {
    out[std::string(StatisticName(statistic))] = point.Get(metric).Get(statistic);
    if (point.lower_bounds.Has(metric, statistic)) at_least.push_back(StatisticName(statistic));
  }
  if (!at_least.empty()) out["atLeast"] = at_least;
  for (const measurement::WindowValue& value : point.in_window) {
    if (value.metric == metric) out["inWindow"][std::string(StatisticName(value.statistic))] = value.milliseconds;
  }
  return out;
}

json PointJson(const measurement::Slo& slo, const Point& point) {
  json out = {{"scenario", point.scenario},
              {"verdict", VerdictName(point.verdict)},
              {"meetsSlo", HasLimits(slo) ? json(MeetsSlo(slo, point)) : json()},
              {"windowSeconds", point.window_seconds},
              {"requests", point.requests},
              {"errors", point.errors},
              {"unfinished", point.censored},
              {"inputTokens", point.input_tokens},
              {"outputTokens", point.output_tokens},
              {"outputTokensPerSecond", point.output_tokens_per_second},
              {"outputTokensPerSecondCi", point.output_tokens_per_second_ci},
              {"requestsPerSecond", point.requests_per_second},
              {"meanConcurrency", point.mean_concurrency},
              {"clientLagP99", point.client_lag_p99}};
  out[point.load.kind == LoadKind::kConcurrency ? "concurrency" : "requestRate"] = point.load.value;
  if (point.saturated) out["saturated"] = true;
  if (point.standing_queue) out["standingQueue"] = true;
  if (point.held > 0) out["waitedInClient"] = point.held;
  if (point.verdict == measurement::Verdict::kMet && !HasLimits(slo)) out["verdict"] = nullptr;
  if (IsTooClose(slo, point)) out["tooClose"] = true;
  out["latenciesOf"] = IsOfLongRun(point) ? "LongRun" : "Window";
  if (point.requests > 0) {
    out["meanInputTokens"] = static_cast<double>(point.input_tokens) / static_cast<double>(point.requests);
    out["meanOutputTokens"] = static_cast<double>(point.output_tokens) / static_cast<double>(point.requests);
  }
  for (const Metric metric : measurement::kMetrics) out[std::string(MetricName(metric))] = LatencyJson(point, metric);
  if (point.attainment) out["attainment"] = *point.attainment;
  for (std::size_t i = 0; i < measurement::kErrorKinds.size(); ++i) {
    if (point.errors_by_kind[i] > 0) {
      out["errorsByKind"][std::string(RequestOutcomeName(measurement::kErrorKinds[i]))] = point.errors_by_kind[i];
    }
  }
  const std::pair<const char*, std::optional<double>> kEngine[] = {
      {"running", point.engine.running},
      {"waiting", point.engine.waiting},
      {"kvCacheUse", point.engine.kv_cache_use},
      {"preemptions", point.engine.preemptions},
      {"prefixHitRate", point.engine.prefix_hit_rate},
      {"acceptedDraftTokens", point.engine.accepted_draft_tokens}};
  for (const auto& [name, value] : kEngine) {
    if (value) out["engine"][name] = *value;
  }
  return out;
}

std::vector<std::string> Warnings(const bench::BenchSpec& spec, const bench::RunResult& result) {
  std::vector<std::string> out = result.warnings;
  for (std::string& warning : out) {
    if (spec.vocab_size > 0 && warning.starts_with(bench::kRejectsTokenIds)) warning += "; --vocab-size has no effect";
  }
  return out;
}

// Of the members of a point, so that a file can be read alone.
json Units() {
  json out;
  for (const Metric metric : measurement::kMetrics) out[std::string(MetricName(metric))] = "ms";
  out["clientLagP99"] = "ms";
  for (const char* name : {"outputTokensPerSecond", "outputTokensPerSecondCi"}) out[name] = "tokens/s";
  for (const char* name : {"requestRate", "requestsPerSecond"}) out[name] = "requests/s";
  for (const char* name : {"inputTokens", "outputTokens", "meanInputTokens", "meanOutputTokens"}) out[name] = "tokens";
  for (const char* name :
       {"concurrency", "meanConcurrency", "requests", "errors", "unfinished", "running", "waiting"}) {
    out[name] = "requests";
  }
  for (const char* name : {"attainment", "waitedInClient", "kvCacheUse", "prefixHitRate", "acceptedDraftTokens"}) {
    out[name] = "share, 0 to 1";
  }
  out["windowSeconds"] = "s";
  return out;
}

}  // namespace

std::string ResultTable(const bench::BenchSpec& spec, const bench::RunResult& result) {
  Table table;
  table.AddColumn("SCENARIO");
  table.AddColumn("LOAD", Table::Align::kRight);
  table.AddColumn("OUTPUT TOK/S", Table::Align::kRight);
  table.AddColumn("+-", Table::Align::kRight);
  table.AddColumn("ANSWERED/S", Table::Align::kRight);
  table.AddColumn("MEAN IN", Table::Align::kRight);
  table.AddColumn("MEAN OUT", Table::Align::kRight);
  const std::vector<report::LatencyColumn> latencies = report::LatencyColumns({{Metric::kTtft, Statistic::kP50},
                                                                               {Metric::kTtft, Statistic::kP99},
                                                                               {Metric::kTpot, Statistic::kP50},
                                                                               {Metric::kItl, Statistic::kP99},
                                                                               {Metric::kE2e, Statistic::kP99}},
                                                                              spec.slo);
  for (const auto& column : latencies) table.AddColumn(report::LatencyTitle(column), Table::Align::kRight);
  table.AddColumn("LATENCIES OF");
  table.AddColumn("ATTAINED", Table::Align::kRight);
  table.AddColumn("KV", Table::Align::kRight);
  table.AddColumn("WAITING", Table::Align::kRight);
  table.AddColumn("ERRORS");
  table.AddColumn("VERDICT");
  table.AddColumn("");
  const bool long_runs = std::any_of(result.points.begin(), result.points.end(), IsOfLongRun);
  for (std::size_t i = 0; i < result.points.size(); ++i) {
    const Point& point = result.points[i];
    bool best = false;
    for (const bench::ScenarioOutcome& outcome : result.outcomes) best = best || outcome.best == i;
    std::vector<std::string> cells = {
        point.scenario,
        LoadText(point.load),
        (IsBound(result, point) ? "<= " : "") + TokensPerSecond(point.output_tokens_per_second),
        Decimal(point.output_tokens_per_second_ci, 1),
        Decimal(point.requests_per_second, 2),
        MeanTokens(point.input_tokens, point),
        MeanTokens(point.output_tokens, point)};
    for (const auto& column : latencies) {
      cells.push_back(IsMeasured(point, column.metric) ? report::LatencyText(point, column.metric, column.statistic)
                                                       : "");
    }
    cells.emplace_back(!long_runs ? "" : IsOfLongRun(point) ? "long run" : "window");
    for (std::string cell : {Share(point.attainment), Share(point.engine.kv_cache_use),
                             point.engine.waiting ? Decimal(*point.engine.waiting, 1) : "", Errors(point),
                             VerdictText(spec.slo, point), std::string(best ? "<- best" : "")}) {
      cells.push_back(std::move(cell));
    }
    table.AddRow(std::move(cells));
  }
  std::string out = result.points.empty() ? "" : table.Text() + "\n";
  if (long_runs) {
    out += "long run: a simulation of more arrivals, fitted to the window; (window: ...) was measured in the window.\n";
  }
  if (std::any_of(result.points.begin(), result.points.end(),
                  [&](const Point& point) { return IsBound(result, point); })) {
    out += "<=: requests always waited in the server, so a request rate that is sustained is at most that.\n";
  }
  if (std::any_of(result.points.begin(), result.points.end(),
                  [&](const Point& point) { return IsTooClose(spec.slo, point) && !FellShort(point); })) {
    out +=
        "too close: within the limit by less than half a standard deviation; counts as missed, because bursts that "
        "did not occur would exceed it.\n";
  }
  for (const Point& point : result.points) {
    if (IsTooClose(spec.slo, point) && FellShort(point) && point.held == 0) {
      out += "too close at " + LoadText(point.load) + ": " + ShortfallText(point) + "; counts as missed.\n";
    }
  }
  for (std::size_t i = 0; i < result.outcomes.size(); ++i) out += Sentence(spec, result, i) + "\n";
  for (const std::string& warning : Warnings(spec, result)) out += "warning: " + warning + "\n";
  if (result.simulated) out += "These numbers are from a simulated engine, not measurements of a GPU.\n";
  return out;
}

json ResultJson(const bench::BenchSpec& spec, const bench::RunResult& result, const std::string& url,
                const std::string& model) {
  json out = {{"url", url},
              {"units", Units()},
              {"model", model},
              {"engineVersion", result.engine_version},
              {"simulated", result.simulated},
              {"points", json::array()},
              {"limits", json::array()},
              {"spec", bench::ToJson(spec)}};
  for (const Point& point : result.points) out["points"].push_back(PointJson(spec.slo, point));
  for (std::size_t i = 0; i < result.outcomes.size(); ++i) {
    const bench::ScenarioOutcome& outcome = result.outcomes[i];
    json limit = {{"scenario", spec.dataset ? "dataset" : spec.scenarios[i].ToString()},
                  {"reason", StopReasonName(outcome.reason)}};
    if (outcome.best) limit["point"] = *outcome.best;
    if (!outcome.best) {
      const std::string why = Sentence(spec, result, i);
      limit["why"] = why;
      out["error"] = out.contains("error") ? out["error"].get<std::string>() + "; " + why : why;
    }
    out["limits"].push_back(std::move(limit));
  }
  if (!result.warnings.empty()) out["warnings"] = Warnings(spec, result);
  return out;
}

std::string LiveText(const measurement::PointSpec& spec, const measurement::Progress& progress) {
  const Point& point = progress.point;
  std::string out = spec.scenario + " at " + spec.load.ToString() + ": ";
  switch (progress.phase) {
    case measurement::Phase::kRamp:
      return out + "ramp";
    case measurement::Phase::kWindow:
      out += Decimal(point.window_seconds, 0) + " s";
      break;
    case measurement::Phase::kDrain:
      out += "drain";
      break;
    case measurement::Phase::kDone:
      out += "done";
      break;
  }
  const std::int64_t sent = point.requests + point.errors + point.censored;
  if (sent == 0) return out;
  out += ", " + std::to_string(point.requests) + " of " + std::to_string(sent) + " requests answered";
  if (point.output_tokens_per_second > 0) {
    out += ", " + TokensPerSecond(point.output_tokens_per_second) + " +- " +
           Decimal(point.output_tokens_per_second_ci, 1) + " tok/s";
  }
  if (point.ttft.p50 > 0) out += ", TTFT p50 " + Milliseconds(point.ttft.p50) + " p99 " + Milliseconds(point.ttft.p99);
  if (point.errors > 0) out += ", " + std::to_string(point.errors) + " errors";
  return out;
}

std::string PointText(const measurement::Slo& slo, const Point& point) {
  const bool judged = HasLimits(slo) || point.verdict != measurement::Verdict::kMet;
  std::string out = point.scenario + " at " + point.load.ToString() + ": " +
                    (judged ? VerdictText(slo, point) + ", " : "") + std::to_string(point.requests) +
                    " requests answered";
  if (const std::string errors = Errors(point); !errors.empty()) out += ", errors: " + errors;
  if (point.censored > 0) out += ", " + std::to_string(point.censored) + " unfinished";
  if (point.requests == 0) return out + " (" + NothingAnsweredText(point) + ")";
  out += ", " + TokensPerSecond(point.output_tokens_per_second) + " tok/s";
  const Metric shown = IsMeasured(point, Metric::kTtft) ? Metric::kTtft : Metric::kE2e;
  return out + (shown == Metric::kTtft ? ", TTFT p99 " : ", E2E p99 ") +
         report::LatencyText(point, shown, Statistic::kP99);
}

int BenchUrl(const BenchOptions& options) {
  std::string dataset_begin;
  if (!options.dataset.empty()) {
    std::ifstream file(options.dataset, std::ios::binary);
    dataset_begin.resize(4096);
    file.read(dataset_begin.data(), static_cast<std::streamsize>(dataset_begin.size()));
    dataset_begin.resize(static_cast<std::size_t>(file.gcount()));
  }
  auto spec = BenchSpecOf(options, dataset_begin);
  if (!spec) return Fail(spec.error().message, kBadInput);
  auto url = bench::ServerUrl::Parse(options.url);
  if (!url) return Fail(url.error().message, kBadInput);
  if (const char* token = std::getenv("OPENAI_API_KEY"); token != nullptr) url->token = token;
  auto server = bench::Server::Make(*url);
  if (!server) return Fail(server.error().message, server.error().code == base::Code::kInvalid ? kBadInput : kNothing);

  CatchInterrupts();
  RaiseDescriptorLimit();
  bench::AskForPriority();
  base::Status status;
  bool measured = false;
  {
    Ticker ticker(options.verbose);
    bench::LimitSearchHooks hooks;
    hooks.interrupted = [] { return interrupts != 0; };
    hooks.say = [&](const std::string& line) { ticker.Say(line); };
    hooks.wait = [&](const std::string& line) { ticker.Keep(line); };
    hooks.point = [&](const Point& point, const std::string& error) {
      ticker.Keep(PointText(spec->slo, point));
      if (!error.empty()) ticker.Keep("  first error: " + error);
    };
    hooks.progress = [&](const auto& point_spec, const auto& progress) { ticker.Live(LiveText(point_spec, progress)); };
    bench::LimitSearch search(*spec, **server, hooks);
    if (auto prepared = search.Prepare(); !prepared) return Fail(prepared.error().message, kBadInput);
    status = search.Identify(options.model);
    if (status) status = search.Run();
    ticker.Clear();
    const bench::RunResult& result = search.result();
    measured = !result.points.empty();
    if (options.json) {
      json document = ResultJson(*spec, result, url->ToString(), search.model());
      if (!status) document["error"] = status.error().message;
      std::cout << IndentedJson(document) << "\n";
    } else {
      std::cout << ResultTable(*spec, result);
    }
    if (status) {
      for (const bench::ScenarioOutcome& outcome : result.outcomes) {
        if (!outcome.best) return kNothing;
      }
      return kMeasured;
    }
  }
  if (status.error().code == base::Code::kCancelled) {
    return Fail(measured ? "interrupted: what is above had been measured until then" : "interrupted", kInterrupted);
  }
  return Fail(status.error().message + (measured ? "; what is above had been measured until then" : ""), kNothing);
}

}  // namespace autotune::cli
