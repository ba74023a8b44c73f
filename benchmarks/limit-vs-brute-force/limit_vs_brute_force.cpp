// Prints how near the limit that load_search finds comes to that of a bisection on the same engine, in how many points
// and seconds, how wide the interval of its score is, and how often it holds the true one.
//
// The engine is the simulated engine's own model (engine_model), played in virtual time with every token: a minute of
// measuring takes seconds, and the figures are the same on every machine.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <numeric>
#include <queue>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine_model/load_curve.h"
#include "engine_model/scheduler.h"
#include "measurement/arrival_gaps.h"
#include "measurement/keyed_random.h"
#include "measurement/load_search.h"
#include "measurement/lockstep.h"
#include "measurement/long_run.h"
#include "measurement/measured_latencies.h"
#include "measurement/standing_queue.h"
#include "measurement/statistics.h"
#include "tests/engine_model/llama_8b.h"
#include "tests/measurement/simulated_load.h"
#include "tuning/judge.h"

namespace autotune::engine_model {
namespace {

using measurement::KeyedRandom;
using measurement::Load;
using measurement::LoadKind;
using measurement::LoadMode;
using measurement::Metric;
using measurement::Point;
using measurement::RequestRecord;
using measurement::SimulatedLoad;
using measurement::Statistic;
using std::chrono::nanoseconds;

nanoseconds Nanoseconds(double seconds) { return nanoseconds(std::llround(seconds * 1e9)); }

struct Engine {
  Deployment deployment;
  LoadTest test;
  int requests = 60'000;  // of a load's truth
};

// Llama 3.1 8B on one H100: precision, batch limit and lengths differ by seed.
Engine EngineOf(std::uint64_t seed, const measurement::Arrival& arrival, const char* scenario) {
  CandidateShape candidate;
  candidate.weights = seed % 2 == 0 ? WeightFormat::kFp8 : WeightFormat::kBf16;
  constexpr int kSequences[] = {64, 128, 256};
  candidate.max_num_seqs = kSequences[seed % 3];
  Engine engine;
  engine.deployment = DeploymentOf(EngineKind::kVllm, testing::Llama8B(), *FindGpu("h100"), candidate);
  engine.test.scenario = *measurement::Scenario::Parse(scenario);
  engine.test.arrival = arrival;
  engine.test.seed = seed;
  return engine;
}

// What a recorder writes of this load, as far as it was asked for.
class Play {
 public:
  Play(const Engine& engine, const Load& load, nanoseconds expected_e2e, std::uint64_t seed)
      : engine_(engine),
        load_(load),
        lengths_(seed, 1),
        gaps_(engine.test.arrival, KeyedRandom(seed, 2), measurement::BlockOfArrivals(load.value, expected_e2e)),
        roofline_(engine.deployment),
        scheduler_(roofline_, LimitsOf(engine.deployment)) {
    if (load.kind == LoadKind::kRequestRate) {
      due_.push(Gap());
    } else {
      for (int i = 0; i < static_cast<int>(load.value); ++i)
        due_.push(std::chrono::duration<double>(expected_e2e).count() * i / load.value);
    }
  }

  std::span<const RequestRecord> At(nanoseconds now) {
    const double until = std::chrono::duration<double>(now).count();
    for (;;) {
      const auto event = scheduler_.NextEvent();
      if (!due_.empty() && (!event || due_.top() <= *event)) {
        const double at = due_.top();
        if (at > until) break;
        due_.pop();
        Send(at);
        if (load_.kind == LoadKind::kRequestRate) due_.push(at + Gap());
        continue;
      }
      if (!event || *event > until) break;
      for (const TokenEvent& token : scheduler_.AdvanceTo(*event)) Receive(token);
    }
    return records_;
  }
  [[nodiscard]] std::size_t ended() const { return ended_; }

 private:
  double Gap() { return gaps_.Next() / load_.value; }

  void Send(double at) {
    scheduler_.AdvanceTo(at);
    RequestRecord record;
    record.start = Nanoseconds(at);
    record.input_tokens = engine_.test.scenario.input.Draw(lengths_);
    record.asked_tokens = engine_.test.scenario.output.Draw(lengths_);
    scheduler_.Add(records_.size(), record.input_tokens, record.asked_tokens, at);
    records_.push_back(std::move(record));
  }

  void Receive(const TokenEvent& token) {
    RequestRecord& record = records_[token.request];
    const nanoseconds since = Nanoseconds(token.at) - record.start;
    record.events.push_back(static_cast<std::uint32_t>(since.count() / 1000));
    if (!token.last) return;
    record.end = Nanoseconds(token.at);
    record.output_tokens = record.asked_tokens;
    record.outcome = measurement::RequestOutcome::kOk;
    ++ended_;
    if (load_.kind == LoadKind::kConcurrency) due_.push(token.at);
  }

  const Engine& engine_;
  const Load load_;
  KeyedRandom lengths_;
  measurement::ArrivalGaps gaps_;
  Roofline roofline_;
  Scheduler scheduler_;
  std::priority_queue<double, std::vector<double>, std::greater<>> due_;
  std::vector<RequestRecord> records_;
  std::size_t ended_ = 0;
};

// How it is with very many requests.
PredictedPoint Truth(const Engine& engine, const Load& load) {
  Engine long_run = engine;
  long_run.test.requests = engine.requests;
  long_run.test.seed = 4711;
  return PredictPoint(long_run.deployment, long_run.test, load);
}

bool Keeps(const measurement::Slo& slo, const PredictedPoint& point) {
  if (point.saturated) return false;
  return std::all_of(slo.bounds.begin(), slo.bounds.end(), [&](const measurement::Bound& bound) {
    const measurement::Latency* latency = bound.metric == Metric::kTtft   ? &point.ttft
                                          : bound.metric == Metric::kTpot ? &point.tpot
                                          : bound.metric == Metric::kItl  ? &point.itl
                                                                          : &point.e2e;
    return latency->Get(bound.statistic) <= bound.limit;
  });
}

double BruteForce(const Engine& engine, LoadKind kind, const measurement::Slo& slo) {
  const bool closed = kind == LoadKind::kConcurrency;
  double low = closed ? 1 : 0.5, high = closed ? 512 : 200;
  if (Keeps(slo, Truth(engine, {kind, high}))) return high;
  while (closed ? high - low > 1.0001 : high / low > 1.004) {
    const double middle = closed ? std::floor((low + high) / 2) : std::sqrt(low * high);
    (Keeps(slo, Truth(engine, {kind, middle})) ? low : high) = middle;
  }
  return low;
}

// As a pod's warm-up sees it: one request, and two waves of as many as there may be.
std::vector<Point> WarmUp(const Engine& engine, int most, std::uint64_t seed) {
  std::vector<Point> out;
  nanoseconds expected{};
  for (const int places : {1, most}) {
    Play play(engine, measurement::Concurrency(places), expected, seed);
    nanoseconds now{};
    while (play.ended() < static_cast<std::size_t>(2 * places)) play.At(now += std::chrono::milliseconds(10));
    out.push_back(*measurement::Glimpse(places, play.At(now)));
    expected = Nanoseconds(out.back().e2e.mean / 1e3);
  }
  return out;
}

struct Found {
  measurement::LoadDecision decision;
  std::vector<Point> points;
  std::vector<double> seconds;  // of each
  double spent = 0;
  double alone_ms = 0;  // TTFT of a request alone
};

Found Search(const Engine& engine, measurement::LoadSearchInput input, std::uint64_t seed, int duration) {
  Found found;
  measurement::MeasuredLatencies seen;
  input.warm_up = WarmUp(engine, input.plan.max, seed);
  found.alone_ms = input.warm_up.front().ttft.mean;
  for (const Point& point : input.warm_up) seen.Add(point.load.value, Nanoseconds(point.e2e.mean / 1e3));
  for (;;) {
    found.decision = DecideLoad(input, found.points);
    if (!found.decision.next) return found;
    measurement::PointSpec spec;
    spec.load = *found.decision.next;
    spec.slo = input.slo;
    spec.precision = found.decision.precision;
    spec.duration = std::chrono::seconds(duration);
    Play play(engine, spec.load, seen.At(spec.load), seed * 100 + found.points.size());
    const measurement::Measured measured = MeasurePoint([&](nanoseconds now) { return play.At(now); }, spec);
    found.points.push_back(measured.progress.point);
    found.points.back().scenario = "s";
    ShowLongRun(input.slo,
                {play.At(Nanoseconds(measured.seconds)), engine.test.arrival, spec.load.value,
                 measurement::MaxRunningRequests(input.warm_up, found.points)},
                found.points.back());
    const Point& point = found.points.back();
    if (point.requests_per_second > 0) {
      seen.Add(point.mean_concurrency, Nanoseconds(point.mean_concurrency / point.requests_per_second));
    }
    found.spent += measured.seconds;
    found.seconds.push_back(measured.seconds);
    found.points.back().role = found.decision.role;
    if (std::getenv("SHOW_POINTS") != nullptr) {
      std::fprintf(stderr, "  %s: %s %.1f s\n", point.load.ToString().c_str(), measured.progress.why.c_str(),
                   measured.seconds);
    }
  }
}

// Only the search for the highest load of its kind: without the rates that a closed loop whose queue stands sustains.
Found LimitSearch(const Engine& engine, const measurement::LoadSearchInput& input, std::uint64_t seed, int duration) {
  Found found = Search(engine, input, seed, duration);
  std::size_t loops = 0;
  while (loops < found.points.size() && found.points[loops].role == measurement::PointRole::kSearch) ++loops;
  found.points.resize(loops);
  found.seconds.resize(loops);
  found.spent = std::accumulate(found.seconds.begin(), found.seconds.end(), 0.0);
  found.decision.best = found.decision.limit;
  return found;
}

struct Mode {
  const char* name;
  LoadMode mode;
  measurement::Arrival arrival;
};
const Mode kModes[] = {{"closed loop", LoadMode::kAutoConcurrency, {}},
                       {"Poisson", LoadMode::kAutoRate, {}},
                       {"constant", LoadMode::kAutoRate, {measurement::ArrivalProcess::kConstant, 1}},
                       {"gamma 0.5", LoadMode::kAutoRate, {measurement::ArrivalProcess::kGamma, 0.5}}};

// A bound in multiples of what a request alone takes.
struct Bound {
  const char* name;
  Metric metric;
  Statistic statistic;
  double times;
};
constexpr Bound kBounds[] = {{"TTFT p99 <= 10 x alone", Metric::kTtft, Statistic::kP99, 10},
                             {"TPOT p90 <= 1.6 x alone", Metric::kTpot, Statistic::kP90, 1.6},
                             {"E2E mean <= 2 x alone", Metric::kE2e, Statistic::kMean, 2}};

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return measurement::Quantile(values, 0.5);
}

double Share(const std::vector<double>& values, double at_most) {
  const auto kept = std::count_if(values.begin(), values.end(), [&](double value) { return value <= at_most; });
  return 100.0 * static_cast<double>(kept) / static_cast<double>(values.size());
}

void PrintRow(const Mode& mode, const Bound& bound, const char* scenario, int engines, int duration, int repetitions) {
  std::vector<double> off, widths, outside, points, spent;
  double bias = 0;
  for (int i = 1; i <= engines; ++i) {
    const Engine engine = EngineOf(static_cast<std::uint64_t>(i), mode.arrival, scenario);
    const PredictedPoint alone = Truth(engine, measurement::Concurrency(1));
    const measurement::Latency& latency = bound.metric == Metric::kTtft   ? alone.ttft
                                          : bound.metric == Metric::kTpot ? alone.tpot
                                                                          : alone.e2e;
    measurement::LoadSearchInput input;
    input.plan.mode = mode.mode;
    input.slo.bounds = {{bound.metric, bound.statistic, bound.times * latency.Get(bound.statistic)}};
    input.mean_output_tokens = engine.test.scenario.output.Mean();
    const LoadKind kind = KindOf(mode.mode);
    const double truth = BruteForce(engine, kind, input.slo);
    // Of a rate that is kept up with: no count of a run.
    const double true_score = kind == LoadKind::kRequestRate ? truth * input.mean_output_tokens
                                                             : Truth(engine, {kind, truth}).output_tokens_per_second;
    for (int repetition = 0; repetition < repetitions; ++repetition) {
      const auto seed = static_cast<std::uint64_t>(i + 1000 * repetition);
      if (std::getenv("SHOW_POINTS") != nullptr) std::fprintf(stderr, "truth %.4g\n", truth);
      const Found found = LimitSearch(engine, input, seed, duration);
      const double limit = found.decision.best ? found.points[*found.decision.best].load.value : 0;
      off.push_back(100 * std::abs(limit / truth - 1));
      bias += 100 * (limit / truth - 1);
      points.push_back(static_cast<double>(found.points.size()));
      spent.push_back(found.spent);
      tuning::Criteria criteria;
      criteria.slo = input.slo;
      tuning::Observation observation;
      observation.loads = found.points;
      const tuning::Judged judged = tuning::Judge({observation}, criteria).judged.front();
      if (!judged.score) continue;
      widths.push_back(100 * judged.ci / *judged.score);
      outside.push_back(std::abs(true_score - *judged.score) / judged.ci);
      if (std::getenv("SHOW_POINTS") != nullptr)
        std::fprintf(stderr, "  off %.1f %% in %.0f s, +- %.1f %%, z %.2f\n", 100 * (limit / truth - 1), found.spent,
                     widths.back(), (true_score - *judged.score) / judged.ci);
    }
  }
  std::sort(off.begin(), off.end());
  const auto runs = static_cast<double>(off.size());
  const double mean = std::accumulate(off.begin(), off.end(), 0.0) / runs;
  std::printf("| %s | %s | %s | %.1f %% | %+.1f %% | %.1f %% | %.0f %% | %.1f | %.0f | %.1f %% | %.0f %% |\n",
              mode.name, scenario, bound.name, mean, bias / runs, measurement::Quantile(off, 0.9), Share(off, 5),
              std::accumulate(points.begin(), points.end(), 0.0) / runs, Median(spent), Median(widths),
              Share(outside, 1));
  std::fflush(stdout);
}

// What one search says of a configuration, beside the truth.
struct Answer {
  double limit = 0, true_limit = 0;  // requests in flight or requests/s
  double score = 0, true_score = 0;  // output tokens/s there; 0 = no load meets the SLO
  double ci = 0;                     // half-width of the score's interval, as a share of it
  double spent = 0;                  // s of measuring
  bool holds = false;                // the interval holds the true score
};

Answer Ask(const Engine& engine, measurement::LoadSearchInput input, LoadMode mode, double true_limit, int duration,
           std::uint64_t seed) {
  const double output = engine.test.scenario.output.Mean();
  const LoadKind kind = KindOf(mode);
  input.plan.mode = mode;
  input.mean_output_tokens = output;
  Answer answer;
  answer.true_limit = true_limit;
  // Of a rate that is kept up with: no count of a run.
  answer.true_score =
      kind == LoadKind::kRequestRate ? true_limit * output : Truth(engine, {kind, true_limit}).output_tokens_per_second;
  const Found found = LimitSearch(engine, input, seed, duration);
  answer.spent = found.spent;
  if (!found.decision.best) return answer;
  answer.limit = found.points[*found.decision.best].load.value;
  tuning::Criteria criteria;
  criteria.slo = input.slo;
  tuning::Observation observation;
  observation.loads = found.points;
  const tuning::Judged judged = tuning::Judge({observation}, criteria).judged.front();
  if (!judged.score) return answer;
  answer.score = *judged.score;
  answer.ci = judged.ci / answer.score;
  answer.holds = std::abs(answer.true_score - answer.score) <= judged.ci;
  return answer;
}

// One configuration of the space that a ladder of fixed loads ranked by noise on an H200 (tests/engines/on_gpu/tasks/
// vllm-finding.yaml): two presets, three numbers of sequences, two sizes of a batch.
struct Configuration {
  std::string name;
  Engine engine;
  std::vector<Answer> closed, open;  // by search
  double ladder = 0;  // output tokens/s at the highest of the fixed loads that meets the SLO; 0 = none does
};

std::vector<Configuration> Finding() {
  std::vector<Configuration> out;
  for (const bool fp8 : {false, true}) {
    for (const int sequences : {64, 256, 512}) {
      for (const int batch : {2048, 16384}) {
        CandidateShape candidate;
        candidate.weights = fp8 ? WeightFormat::kFp8 : WeightFormat::kBf16;
        candidate.max_num_seqs = sequences;
        candidate.max_batched_tokens = batch;
        ModelShape model = testing::Llama8B();
        model.vocabulary = 32'000;
        Configuration& one = out.emplace_back();
        one.name = std::string(fp8 ? "dynamic-fp8" : "default") + ", " + std::to_string(sequences) + ", " +
                   std::to_string(batch);
        one.engine.deployment = DeploymentOf(EngineKind::kVllm, model, *FindGpu("h200"), candidate);
        one.engine.test.scenario = *measurement::Scenario::Parse("D(512,128)");
        one.engine.requests = 20'000;
      }
    }
  }
  return out;
}

// The product's first ladder: all requests of a load start together, and each load is held for a few waves.
double Ladder(const Engine& engine, const measurement::Slo& slo) {
  double reported = 0;
  for (const int places : {32, 256}) {
    Engine step = engine;
    step.test.together = true;
    step.test.requests = 4 * places;
    const PredictedPoint point = PredictPoint(step.deployment, step.test, measurement::Concurrency(places));
    if (Keeps(slo, point)) reported = point.output_tokens_per_second;
  }
  return reported;
}

std::string Cells(const std::vector<Answer>& answers, const char* format) {
  const auto number = [&](double value) {
    char buffer[40];
    std::snprintf(buffer, sizeof buffer, format, value);
    return std::string(buffer);
  };
  std::string found, seconds;
  double ci = 0, held = 0;
  for (const Answer& answer : answers) {
    found += (found.empty() ? "" : ", ") + number(answer.limit);
    seconds += (seconds.empty() ? "" : ", ") + std::to_string(std::lround(answer.spent));
    ci += 100 * answer.ci / static_cast<double>(answers.size());
    held += answer.holds;
  }
  return " " + number(answers.front().true_limit) + " | " + found + " | " +
         std::to_string(std::lround(answers.front().true_score)) + " | " + std::to_string(std::lround(ci)) + " % | " +
         std::to_string(std::lround(held)) + " of " + std::to_string(answers.size()) + " | " + seconds + " |";
}

void PrintFinding(int duration, int searches) {
  std::vector<Configuration> space = Finding();
  measurement::LoadSearchInput input;
  input.slo.bounds = {{Metric::kTtft, Statistic::kP99, 2000}};
  std::printf(
      "| preset, sequences, batch | limit in flight | found | tokens/s | half width | held | s | requests/s | found | "
      "tokens/s | half width | held | s | the ladder says "
      "|\n|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n");
  for (Configuration& one : space) {
    const double places = BruteForce(one.engine, LoadKind::kConcurrency, input.slo);
    const double rate = BruteForce(one.engine, LoadKind::kRequestRate, input.slo);
    for (int i = 1; i <= searches; ++i) {
      const auto seed = static_cast<std::uint64_t>(i);
      one.closed.push_back(Ask(one.engine, input, LoadMode::kAutoConcurrency, places, duration, seed));
      one.open.push_back(Ask(one.engine, input, LoadMode::kAutoRate, rate, duration, seed));
    }
    one.ladder = Ladder(one.engine, input.slo);
    std::printf("| %s |%s%s %.0f |\n", one.name.c_str(), Cells(one.closed, "%.0f").c_str(),
                Cells(one.open, "%.1f").c_str(), one.ladder);
    std::fflush(stdout);
  }
  std::printf("\n| by | best | of the most in a closed loop | of the most at a rate |\n|---|---|---|---|\n");
  const auto print = [&](const std::string& name, const auto& value) {
    const Configuration& best = *std::ranges::max_element(space, {}, value);
    const auto share = [&](std::vector<Answer> Configuration::*answers) {
      double most = 0;
      for (const Configuration& one : space) most = std::max(most, (one.*answers).front().true_score);
      return 100 * (best.*answers).front().true_score / most;
    };
    std::printf("| %s | %s | %.1f %% | %.1f %% |\n", name.c_str(), best.name.c_str(), share(&Configuration::closed),
                share(&Configuration::open));
  };
  print("brute force, closed loop", [](const Configuration& one) { return one.closed.front().true_score; });
  print("brute force, Poisson", [](const Configuration& one) { return one.open.front().true_score; });
  for (std::size_t i = 0; i < static_cast<std::size_t>(searches); ++i) {
    const std::string which = ", search " + std::to_string(i + 1);
    print("closed loop" + which, [&](const Configuration& one) { return one.closed[i].score; });
    print("Poisson" + which, [&](const Configuration& one) { return one.open[i].score; });
  }
  print("a ladder of 32 and 256", [](const Configuration& one) { return one.ladder; });
}

// A configuration by its closed loop, and by the rate that it sustains.
struct TwoScores {
  double truth = 0;               // output tokens/s of the highest rate that meets the SLO
  double loop = 0, ci = 0;        // of the closed loop's limit alone, and its interval's half width
  bool loop_holds = false;        // that interval holds the truth
  bool stands = false;            // its queue stands
  double bunching = 0;            // of its starts
  double waiting = 0, alone = 0;  // share of a request's time, TTFT in times of one alone
  double score = 0, score_ci = 0;
  bool holds = false;
  double spent = 0, more = 0;  // s of measuring: of the closed loops, of the rates
  int rates = 0;               // points
};

TwoScores Compare(const Engine& engine, double ttft_ms, int duration, std::uint64_t seed) {
  measurement::LoadSearchInput input;
  input.slo.bounds = {{Metric::kTtft, Statistic::kP99, ttft_ms}};
  input.mean_output_tokens = engine.test.scenario.output.Mean();
  TwoScores out;
  out.truth = BruteForce(engine, LoadKind::kRequestRate, input.slo) * input.mean_output_tokens;
  const Found found = Search(engine, input, seed, duration);
  tuning::Criteria criteria;
  criteria.slo = input.slo;
  const auto judge = [&](std::span<const Point> points) {
    tuning::Observation observation;
    observation.loads.assign(points.begin(), points.end());
    const tuning::Judged judged = tuning::Judge({observation}, criteria).judged.front();
    return std::pair(judged.score.value_or(0), judged.ci);
  };
  const auto first_rate = std::find_if(found.points.begin(), found.points.end(), [](const Point& point) {
    return point.role == measurement::PointRole::kSustained;
  });
  const std::span<const Point> loops(found.points.begin(), first_rate);
  std::tie(out.loop, out.ci) = judge(loops);
  std::tie(out.score, out.score_ci) = judge(found.points);
  const auto holds = [&](double score, double ci) { return std::abs(score - out.truth) <= ci; };
  out.loop_holds = holds(out.loop, out.ci);
  out.holds = holds(out.score, out.score_ci);
  out.stands = first_rate != found.points.end();
  out.rates = static_cast<int>(found.points.end() - first_rate);
  for (std::size_t i = 0; i < found.points.size(); ++i) (i < loops.size() ? out.spent : out.more) += found.seconds[i];
  if (const auto limit = measurement::LimitOf({input.slo, input.score_metric, std::nullopt, ""}, found.points)) {
    const Point& point = found.points[*limit];
    out.waiting = measurement::WaitingShare(point, found.alone_ms);
    out.alone = point.ttft.mean / found.alone_ms;
    const nanoseconds e2e = Nanoseconds(point.e2e.mean / 1e3);
    Play play(engine, point.load, e2e, seed);
    const auto places = static_cast<int>(point.load.value);
    out.bunching = measurement::Bunching(places, play.At(12 * e2e), 5 * e2e, 11 * e2e).value_or(0);
  }
  return out;
}

// Rows by the SLO and the workload; each of several engines and batch limits.
void PrintRates(int duration, std::string_view only) {
  std::printf(
      "| workload | TTFT p99 | configurations | closed loop: off by, most | interval holds | queue stands | of these "
      "within 5 %% | missed | lockstep | with rates: off by, most | interval holds | s | more s | rates | best by "
      "loop | best by rate |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n");
  for (const char* scenario : {"D(512,128)", "N(512,128)/(128,32)", "D(64,128)", "D(2048,64)"}) {
    for (const double ttft_ms : {200.0, 500.0, 2000.0}) {
      if (!(std::string(scenario) + std::to_string(std::lround(ttft_ms))).starts_with(only)) continue;
      std::vector<TwoScores> all;
      for (const EngineKind kind : {EngineKind::kVllm, EngineKind::kSglang}) {
        for (const int sequences : {32, 64, 256, 512}) {
          for (const int batch : {2048, 16384}) {
            CandidateShape candidate;
            candidate.weights = WeightFormat::kFp8;
            candidate.max_num_seqs = sequences;
            candidate.max_batched_tokens = batch;
            Engine engine;
            engine.deployment = DeploymentOf(kind, testing::Llama8B(), *FindGpu("h200"), candidate);
            engine.test.scenario = *measurement::Scenario::Parse(scenario);
            engine.requests = 20'000;
            all.push_back(Compare(engine, ttft_ms, duration, 1 + all.size()));
            const TwoScores& one = all.back();
            if (std::getenv("SHOW_POINTS") != nullptr) {
              std::fprintf(stderr,
                           "%s %.0f ms, %s, %d, %d: truth %.0f, loop %.0f +- %.0f, bunching %.2f, waiting %.3f, %.2f x "
                           "alone, score %.0f +- %.0f in "
                           "%.0f + %.0f s, %d rates\n",
                           scenario, ttft_ms, kind == EngineKind::kVllm ? "vllm" : "sglang", sequences, batch,
                           one.truth, one.loop, one.ci, one.bunching, one.waiting, one.alone, one.score, one.score_ci,
                           one.spent, one.more, one.rates);
            }
          }
        }
      }
      double loop_off = 0, loop_most = 0, off = 0, most = 0;
      int loop_holds = 0, holds = 0, stands = 0, false_alarms = 0, missed = 0, lockstep = 0, rates = 0;
      std::vector<double> spent, more;
      for (const TwoScores& one : all) {
        const double by_loop = 100 * (one.loop / one.truth - 1), by_rate = 100 * (one.score / one.truth - 1);
        loop_off += std::abs(by_loop) / static_cast<double>(all.size());
        off += std::abs(by_rate) / static_cast<double>(all.size());
        if (std::abs(by_loop) > std::abs(loop_most)) loop_most = by_loop;
        if (std::abs(by_rate) > std::abs(most)) most = by_rate;
        loop_holds += one.loop_holds;
        holds += one.holds;
        stands += one.stands;
        false_alarms += one.stands && std::abs(by_loop) <= 5;
        missed += !one.stands && std::abs(by_loop) > 5;
        lockstep += one.bunching >= 0.83;
        spent.push_back(one.spent);
        if (one.stands) more.push_back(one.more);
        rates += one.rates;
      }
      const auto share_of_best = [&](double TwoScores::*value) {
        double highest = 0;
        for (const TwoScores& one : all) highest = std::max(highest, one.truth);
        return 100 * std::ranges::max_element(all, {}, value)->truth / highest;
      };
      std::printf(
          "| %s | %.0f ms | %zu | %.1f %%, %+.1f %% | %d | %d | %d | %d | %d | %.1f %%, %+.1f %% | %d | %.0f | %.0f | "
          "%.1f | %.1f %% | %.1f %% |\n",
          scenario, ttft_ms, all.size(), loop_off, loop_most, loop_holds, stands, false_alarms, missed, lockstep, off,
          most, holds, Median(spent), more.empty() ? 0 : Median(more), stands > 0 ? 1.0 * rates / stands : 0,
          share_of_best(&TwoScores::loop), share_of_best(&TwoScores::score));
      std::fflush(stdout);
    }
  }
}

}  // namespace
}  // namespace autotune::engine_model

// "rates", the longest window of a point in seconds: closed loops whose queue stands, and the rates they sustain; then
// only rows whose workload and TTFT begin so: "D(2048,64)500".
// "finding", the longest window of a point in seconds, searches: the space that a ladder ranked by noise. Else:
// engines, the longest window of a point in seconds, searches of each engine; then only rows whose arrivals begin so.
int main(int argc, char** argv) {
  namespace em = autotune::engine_model;
  if (argc > 1 && std::string_view(argv[1]) == "finding") {
    em::PrintFinding(argc > 2 ? std::atoi(argv[2]) : 30, argc > 3 ? std::atoi(argv[3]) : 3);
    return 0;
  }
  if (argc > 1 && std::string_view(argv[1]) == "rates") {
    em::PrintRates(argc > 2 ? std::atoi(argv[2]) : 30, argc > 3 ? argv[3] : "");
    return 0;
  }
  const int engines = argc > 1 ? std::atoi(argv[1]) : 6;
  const int duration = argc > 2 ? std::atoi(argv[2]) : 60;
  const int repetitions = argc > 3 ? std::atoi(argv[3]) : 4;
  const std::string_view only = argc > 4 ? argv[4] : "";
  std::printf(
      "| arrivals | workload | SLO | off by, mean | too high by, mean | off by, p90 | within 5 %% | points | s of "
      "measuring, "
      "median | half width of the score, median | holds the true one |\n"
      "|---|---|---|---|---|---|---|---|---|---|---|\n");
  for (const em::Mode& mode : em::kModes) {
    if (!std::string_view(mode.name).starts_with(only)) continue;
    for (const em::Bound& bound : em::kBounds) {
      em::PrintRow(mode, bound, "N(512,128)/(128,32)", engines, duration, repetitions);
    }
  }
  if (only.empty()) em::PrintRow(em::kModes[0], em::kBounds[0], "D(512,128)", engines, duration, repetitions);
}
