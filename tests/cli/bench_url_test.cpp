#include "cli/bench_url.h"

#include <gmock/gmock.h>

#include <atomic>
#include <nlohmann/json.hpp>

#include "tests/bench/scripted_engine.h"
#include "tests/checkpoint/tls_hub.h"

namespace autotune::cli {
namespace {

using measurement::Metric;
using measurement::Statistic;
using testing::HasSubstr;
using testing::Not;

measurement::Point Point(double concurrency, double ttft_p99) {
  measurement::Point point;
  point.scenario = "D(512,128)";
  point.load = measurement::Concurrency(static_cast<int>(concurrency));
  point.window_seconds = 20;
  point.requests = 200;
  point.output_tokens_per_second = 100 * concurrency;
  point.output_tokens_per_second_ci = 12.5;
  point.requests_per_second = concurrency / 2;
  point.ttft = {40, 40, 50, 60, ttft_p99};
  point.tpot = {8, 8, 9, 9, 9.5};
  point.itl = {8, 8, 9, 10, 21.5};
  point.e2e = {1000, 1000, 1100, 1200, 1300};
  point.verdict = measurement::Verdict::kMet;
  return point;
}

struct Example {
  Example() {
    spec.scenarios = {measurement::Scenario::Fixed(512, 128)};
    spec.slo.bounds = {{Metric::kTtft, Statistic::kP99, 500}};
    result.points = {Point(8, 310), Point(64, 900), Point(32, 450)};
    result.points[1].verdict = measurement::Verdict::kMissed;
    result.points[1].errors = 3;
    result.points[1].errors_by_kind = {2, 1, 0, 0, 0, 0};
    result.points[1].lower_bounds.Add(Metric::kTtft, Statistic::kP99);
    result.points[2].engine.kv_cache_use = 0.5;
    result.outcomes = {{measurement::StopReason::kFound, 2}};
  }
  bench::BenchSpec spec;
  bench::RunResult result;
};

TEST(BenchUrl, TheThroughputOfALoopWhoseQueueStandsIsABound) {
  Example example;
  EXPECT_THAT(ResultTable(example.spec, example.result), Not(HasSubstr("<= 3200.0")));
  example.result.points[2].standing_queue = true;
  example.result.points[1].requests_per_second = example.result.points[2].requests_per_second;
  const std::string text = ResultTable(example.spec, example.result);
  EXPECT_THAT(text, HasSubstr(" <= 3200.0 "));
  EXPECT_THAT(text, HasSubstr("\n<=: requests always waited in the server, so a request rate that is sustained is at "
                              "most that.\n"));
  EXPECT_EQ(ResultJson(example.spec, example.result, "u", "m")["points"][2]["standingQueue"], true);

  // At light load a request waits for the next step only.
  Example light = example;
  light.result.points[2].engine.waiting = 0.5;
  EXPECT_THAT(ResultTable(light.spec, light.result), Not(HasSubstr("<= 3200.0")));
  light = example;
  light.result.points[0].requests_per_second = 1.1 * light.result.points[2].requests_per_second;
  EXPECT_THAT(ResultTable(light.spec, light.result), Not(HasSubstr("<= 3200.0"))) << "another load answers more";
}

// No SLO, and as many in flight as may be: the most that the client allows only if the server has room.
TEST(BenchUrl, ALoopWhoseRequestsWaitHasTheCapacity) {
  Example example;
  example.spec.slo.bounds.clear();
  example.spec.load.max = 32;
  example.result.outcomes = {{measurement::StopReason::kCapacity, 2}};
  EXPECT_THAT(ResultTable(example.spec, example.result), HasSubstr("at 32 in flight, the most that --max allows"));
  example.result.points[2].engine.waiting = 9;
  const std::string text = ResultTable(example.spec, example.result);
  EXPECT_THAT(text, HasSubstr("D(512,128): has a capacity of 3200.0 "));
  EXPECT_THAT(text, Not(HasSubstr("--max")));
}

TEST(BenchUrl, ASearchThatEndedBeforeALoadMetTheSloSaysBelowWhichItIs) {
  Example example;
  example.result.points[2].role = measurement::PointRole::kSustained;
  example.result.points[2].load = measurement::RequestRate(0.9);
  example.result.points[2].ttft.p99 = 700;
  example.result.points[2].verdict = measurement::Verdict::kMissed;
  example.result.outcomes = {{measurement::StopReason::kOutOfTime, std::nullopt}};
  EXPECT_THAT(ResultTable(example.spec, example.result),
              HasSubstr("D(512,128): meets ttft.p99 <= 500 ms only below 0.9 requests/s, the lowest load that was "
                        "measured before the search ended; 8 in flight meet it, but requests always wait there. "
                        "Measure lower ones: --rate\n"));
}

// A load that met the SLO in a short look, and missed it when it was measured again.
TEST(BenchUrl, WhatWasMeasuredAgainIsNoHighestLoad) {
  Example example;
  for (measurement::Point& point : example.result.points) point.load.kind = measurement::LoadKind::kRequestRate;
  example.result.points = {example.result.points[2], example.result.points[0], example.result.points[2]};
  example.result.points[2].ttft.p99 = 900;
  example.result.points[2].verdict = measurement::Verdict::kMissed;
  example.result.outcomes = {{measurement::StopReason::kFound, 1}};
  const std::string text = ResultTable(example.spec, example.result);
  EXPECT_THAT(text, HasSubstr("meets ttft.p99 <= 500 ms up to 800.0 "));
  EXPECT_THAT(text, Not(HasSubstr("at the highest load")));
}

TEST(BenchUrl, AVocabularyOfAServerThatWantsWordsHasNoEffect) {
  Example example;
  example.result.warnings = {"the server rejects token ids: prompts are words, and their lengths are approximate"};
  EXPECT_THAT(ResultTable(example.spec, example.result), Not(HasSubstr("--vocab-size")));
  example.spec.vocab_size = 32000;
  EXPECT_THAT(ResultTable(example.spec, example.result), HasSubstr("approximate; --vocab-size has no effect\n"));
}

TEST(BenchUrl, TheTableEndsWithTheAnswer) {
  Example example;
  const std::string text = ResultTable(example.spec, example.result);
  EXPECT_THAT(
      text,
      HasSubstr("D(512,128): meets ttft.p99 <= 500 ms up to 3200.0 +- 12.5 output tokens/s, 16 answered requests/s "
                "at 32 in flight\n"));
  EXPECT_THAT(text, HasSubstr("\u2265 900 ms")) << "a lower bound";
  EXPECT_THAT(text, HasSubstr("2 TimedOut 1 Refused"));
  EXPECT_THAT(text, HasSubstr("50 %"));
  EXPECT_THAT(text, Not(HasSubstr("ATTAINED"))) << "a column that nothing fills is left out";
  EXPECT_THAT(text, HasSubstr("Met      <- best"));
}

TEST(BenchUrl, TheTableShowsWhatTheSloBounds) {
  Example example;
  EXPECT_THAT(ResultTable(example.spec, example.result), Not(HasSubstr("TPOT P95")));
  example.spec.slo.bounds.push_back({Metric::kTpot, Statistic::kP95, 20});
  EXPECT_THAT(ResultTable(example.spec, example.result), HasSubstr("TPOT P50  TPOT P95"));
}

TEST(BenchUrl, MarksAPercentileOfTooFewRequests) {
  Example example;
  example.result.points[0].requests = 16;
  EXPECT_THAT(ResultTable(example.spec, example.result), HasSubstr("310 ms (16 requests)"));
}

TEST(BenchUrl, CallsTheMostThatWasAskedNoCapacity) {
  Example example;
  example.spec.load.max = 32;
  example.result.outcomes = {{measurement::StopReason::kCapacity, 2}};
  EXPECT_THAT(ResultTable(example.spec, example.result), HasSubstr("at 32 in flight, the most that --max allows\n"));
  example.spec.load.max = 512;
  EXPECT_THAT(ResultTable(example.spec, example.result), HasSubstr("up to its capacity: "));
}

TEST(BenchUrl, AnOpenVerdictSaysWhatItCountsAs) {
  Example example;
  example.result.points[0].verdict = example.result.points[2].verdict = measurement::Verdict::kUndecided;
  example.result.points[0].ttft.p99 = 501;
  const std::string text = ResultTable(example.spec, example.result);
  EXPECT_THAT(text, HasSubstr("Undecided (missed)"));
  EXPECT_THAT(text, HasSubstr("Undecided (met)     <- best"));
  EXPECT_THAT(text, HasSubstr("at 32 in flight (Undecided: by its measured values, not with 95 % confidence)\n"));
  const nlohmann::json out = ResultJson(example.spec, example.result, "http://h", "m");
  EXPECT_EQ(out["points"][0]["meetsSlo"], false);
  EXPECT_EQ(out["points"][2]["meetsSlo"], true);
}

// Within the limit, and it does not count as met: bursts that the window did not see.
TEST(BenchUrl, SaysThatARateIsTooCloseToItsLimit) {
  Example example;
  measurement::Point& point = example.result.points[2];
  point.load = measurement::RequestRate(16);
  point.verdict = measurement::Verdict::kUndecided;
  point.ttft.p99 = 480;
  point.relative_ci[0] = 0.2;
  std::string text = ResultTable(example.spec, example.result);
  EXPECT_THAT(text, HasSubstr("Undecided (too close)"));
  EXPECT_THAT(text, HasSubstr("too close: within the limit by less than half a standard deviation; counts as missed"));
  EXPECT_EQ(ResultJson(example.spec, example.result, "http://h", "m")["points"][2]["tooClose"], true);
  // A trace whose rate was not reached in the window.
  point.load = measurement::RequestRate(32);
  point.ttft.p99 = 100;
  point.requests = std::lround(30 * point.window_seconds);
  text = ResultTable(example.spec, example.result);
  EXPECT_THAT(text, HasSubstr("too close at 32/s: 32 requests/s were due, 30 were sent in the window and 16 answered; "
                              "counts as missed.\n"));
}

TEST(BenchUrl, WithoutAnSloNothingIsMet) {
  Example example;
  example.spec.slo = {};
  const std::string text = ResultTable(example.spec, example.result);
  EXPECT_THAT(text, HasSubstr("no SLO   <- best"));
  EXPECT_THAT(text, Not(HasSubstr("Met")));
  const nlohmann::json out = ResultJson(example.spec, example.result, "http://h", "m");
  EXPECT_TRUE(out["points"][0]["verdict"].is_null());
  EXPECT_TRUE(out["points"][0]["meetsSlo"].is_null());
  EXPECT_EQ(out["points"][1]["verdict"], "Missed") << "errors are a result without an SLO, too";
  example.spec.slo.max_error_rate = 0.05;
  EXPECT_THAT(ResultTable(example.spec, example.result), HasSubstr("Met      <- best")) << "a limit that was set";
}

TEST(BenchUrl, SaysThatErrorsAreWhyNoLoadIsTheAnswer) {
  Example example;
  example.result.outcomes[0].best.reset();
  EXPECT_THAT(ResultTable(example.spec, example.result), HasSubstr("no measured load meets ttft.p99 <= 500 ms"));
  for (measurement::Point& point : example.result.points) {
    point.errors = 3;
    point.requests = 57;
    point.censored = 0;
  }
  EXPECT_THAT(ResultTable(example.spec, example.result),
              HasSubstr("no measured load meets the limit of the error rate: 5 % of the requests at 8 in flight "
                        "failed, 1 % may (--slo errorRate)"));
  // One without an error by chance.
  measurement::Point& lucky = example.result.points[0];
  lucky.errors = 0;
  lucky.verdict = measurement::Verdict::kUndecided;
  EXPECT_THAT(ResultTable(example.spec, example.result),
              HasSubstr("no measured load meets the limit of the error rate"));
  lucky.verdict = measurement::Verdict::kMet;
  EXPECT_THAT(ResultTable(example.spec, example.result), HasSubstr("no measured load meets ttft.p99 <= 500 ms"));
}

TEST(BenchUrl, SaysWhereALowerLoadHasMoreGoodput) {
  Example example;
  example.spec.slo.attainment = 0.9;
  example.spec.score_metric = measurement::ScoreMetric::kAttainedRequests;
  example.result.points[0].attainment = 1;
  example.result.points[2].attainment = 0.95;
  EXPECT_THAT(ResultTable(example.spec, example.result),
              HasSubstr("16 answered requests/s, 15.2 requests/s within every limit at 32 in flight\n"));
  example.result.points[0].requests_per_second = 17;
  example.result.outcomes[0].best = 0;
  EXPECT_THAT(ResultTable(example.spec, example.result),
              HasSubstr("D(512,128): meets ttft.p99 <= 500 ms for 90 % of the requests up to 32 in flight; most "
                        "requests/s within every limit: 800.0 +- 12.5 output tokens/s, 17 answered requests/s, 17 "
                        "requests/s within every limit at 8 in flight (15.2 requests/s at the highest load)\n"));
}

TEST(BenchUrl, ShowsMeanLengths) {
  Example example;
  example.result.points[0].input_tokens = 200 * 511;
  example.result.points[0].output_tokens = 200 * 97 + 60;
  const std::string text = ResultTable(example.spec, example.result);
  EXPECT_THAT(text, HasSubstr("MEAN IN  MEAN OUT"));
  EXPECT_THAT(text, HasSubstr("511        97"));
  const nlohmann::json out = ResultJson(example.spec, example.result, "http://h", "m");
  EXPECT_EQ(out["points"][0]["meanInputTokens"], 511);
  EXPECT_EQ(out["units"]["ttft"], "ms");
  for (const auto& [name, value] : out["points"][2].items()) {
    if (!value.is_number()) continue;
    EXPECT_TRUE(out["units"].contains(name)) << name;
  }
}

TEST(BenchUrl, NamesARateOnceWhereItIsKeptUpWith) {
  Example example;
  measurement::Point& best = example.result.points[2];
  best.load = measurement::RequestRate(16);
  EXPECT_THAT(ResultTable(example.spec, example.result), HasSubstr("12.5 output tokens/s at 16 requests/s\n"));
  best.requests_per_second = 15.2;
  EXPECT_THAT(ResultTable(example.spec, example.result),
              HasSubstr("12.5 output tokens/s, 15.2 answered requests/s at 16 requests/s\n"));
}

TEST(BenchUrl, SaysSoWhenNothingKeepsTheSlo) {
  Example example;
  example.result.outcomes = {{measurement::StopReason::kInfeasible, std::nullopt}};
  example.result.warnings = {"random tokens"};
  example.result.simulated = true;
  const std::string text = ResultTable(example.spec, example.result);
  EXPECT_THAT(text, HasSubstr("D(512,128): no measured load meets ttft.p99 <= 500 ms\n"));
  example.result.points.back().verdict = measurement::Verdict::kUndecided;
  EXPECT_THAT(ResultTable(example.spec, example.result), HasSubstr("meets ttft.p99 <= 500 ms for certain; a longer"));
  EXPECT_THAT(text, HasSubstr("warning: random tokens\n"));
  EXPECT_THAT(text, HasSubstr("simulated engine"));
}

TEST(BenchUrl, ARateThatIsNotKeptUpWithIsTheReason) {
  Example example;
  example.result.points.resize(1);
  example.result.outcomes = {{measurement::StopReason::kLadderDone, std::nullopt}};
  measurement::Point& point = example.result.points[0];
  point.load = measurement::RequestRate(13);
  point.requests_per_second = 8.333;
  point.saturated = true;
  point.verdict = measurement::Verdict::kMissed;
  const std::string why =
      "D(512,128): no measured rate is kept up with: of 13 requests/s 8.33 were answered, and the queue grew";
  EXPECT_THAT(ResultTable(example.spec, example.result), HasSubstr(why + "\n"));
  example.spec.slo = {};
  EXPECT_THAT(ResultTable(example.spec, example.result), HasSubstr(why + "\n")) << "and no limit of the error rate";
  const nlohmann::json out = ResultJson(example.spec, example.result, "http://h", "m");
  EXPECT_EQ(out["error"], why);
  EXPECT_EQ(out["limits"][0]["why"], why);
  example.spec.slo.bounds = {{Metric::kTtft, Statistic::kP99, 100}};
  EXPECT_THAT(ResultTable(example.spec, example.result), HasSubstr("no measured load meets ttft.p99 <= 100 ms"));
}

TEST(BenchUrl, WhatTheClientHeldBackIsNoLimitOfTheServer) {
  Example example;
  example.spec.load.max = 8;
  measurement::Point& best = example.result.points[2];
  best.load = measurement::RequestRate(16);
  measurement::Point above = best;
  above.load = measurement::RequestRate(17.5);
  above.verdict = measurement::Verdict::kUndecided;
  above.ttft.p99 = 800;
  above.held = 0.654;
  example.result.points.push_back(above);
  const std::string text = ResultTable(example.spec, example.result);
  EXPECT_THAT(text, HasSubstr("meets ttft.p99 <= 500 ms at "));
  EXPECT_THAT(text, HasSubstr("at 16 requests/s; its limit is higher or not known: 65 % of the requests at 17.5 "
                              "requests/s waited in the client for one of 8 places (--max), while the server had "
                              "room\n"));
  EXPECT_THAT(text, Not(HasSubstr(" up to ")));
  EXPECT_THAT(text, HasSubstr("Undecided (waits in the client)"));
  const nlohmann::json out = ResultJson(example.spec, example.result, "http://h", "m");
  EXPECT_EQ(out["points"][3]["waitedInClient"], 0.654);
  EXPECT_EQ(out["units"]["waitedInClient"], "share, 0 to 1");
  example.result.points = {above};
  example.result.outcomes = {{measurement::StopReason::kInfeasible, std::nullopt}};
  EXPECT_THAT(
      ResultTable(example.spec, example.result),
      HasSubstr("no measured rate can be judged: 65 % of the requests at 17.5 requests/s waited in the client"));
}

TEST(BenchUrl, JsonHasEveryNumberOfAPoint) {
  Example example;
  example.result.points[0].in_window = {{Metric::kTtft, Statistic::kP99, 280.5}};
  const nlohmann::json out = ResultJson(example.spec, example.result, "http://h", "m");
  EXPECT_EQ(out["model"], "m");
  EXPECT_EQ(out["points"][0]["ttft"]["inWindow"], (nlohmann::json{{"p99", 280.5}}));
  EXPECT_FALSE(out["points"][1]["ttft"].contains("inWindow"));
  ASSERT_EQ(out["points"].size(), 3u);
  EXPECT_EQ(out["points"][1]["ttft"]["atLeast"], nlohmann::json::array({"p99"}));
  EXPECT_EQ(out["points"][1]["errorsByKind"], (nlohmann::json{{"TimedOut", 2}, {"Refused", 1}}));
  EXPECT_EQ(out["points"][2]["engine"], (nlohmann::json{{"kvCacheUse", 0.5}}));
  EXPECT_EQ(out["points"][2]["concurrency"], 32);
  EXPECT_EQ(out["limits"], nlohmann::json::parse(R"j([{"scenario":"D(512,128)","reason":"Found","point":2}])j"));
}

TEST(BenchUrl, WrongInputIsToldBeforeAnythingIsAsked) {
  for (void (*change)(BenchOptions&) :
       {+[](BenchOptions& o) { o.url = "localhost:8000"; }, +[](BenchOptions& o) { o.slo = {"ttft=1ms"}; },
        +[](BenchOptions& o) { o.dataset = "/nowhere/prompts.jsonl"; }, +[](BenchOptions& o) { o.dataset = "/tmp"; }}) {
    BenchOptions options;
    options.url = "http://127.0.0.1:1";
    change(options);
    EXPECT_EQ(BenchUrl(options), 2);
  }
}

BenchOptions Short(const bench::ScriptedEngine& engine) {
  BenchOptions options;
  options.url = "http://127.0.0.1:" + std::to_string(engine.port());
  options.scenarios = {"D(32,4)"};
  options.concurrency = {1};
  options.duration = options.drain = options.warmup = "300ms";
  options.json = true;
  return options;
}

TEST(BenchUrl, ANamedModelNeedsNoListOfModels) {
  bench::ScriptedEngine engine([](const auto& request, auto& answer) {
    if (request.method == "GET") return answer.Json(404, "{}");
    EXPECT_THAT(request.body, HasSubstr("\"model\":\"mine\""));
    answer.Completion(32, 4, std::chrono::milliseconds(2), std::chrono::milliseconds(1));
  });
  BenchOptions options = Short(engine);
  testing::internal::CaptureStderr();
  EXPECT_EQ(BenchUrl(options), 1);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("name the model (--model)"));
  options.model = "mine";
  testing::internal::CaptureStdout();
  EXPECT_EQ(BenchUrl(options), 0);
  EXPECT_EQ(nlohmann::json::parse(testing::internal::GetCapturedStdout())["model"], "mine");
}

TEST(BenchUrl, ARejectedTokenSaysWhereItComesFrom) {
  ::unsetenv("OPENAI_API_KEY");
  bench::ScriptedEngine engine([](const auto&, auto& answer) { answer.Json(401, R"({"error":"Unauthorized"})"); });
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  EXPECT_EQ(BenchUrl(Short(engine)), 1);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("set the environment variable OPENAI_API_KEY to"));
  ::setenv("OPENAI_API_KEY", "wrong", 1);
  testing::internal::CaptureStderr();
  EXPECT_EQ(BenchUrl(Short(engine)), 1);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("does not accept the token of OPENAI_API_KEY"));
  ::unsetenv("OPENAI_API_KEY");
  testing::internal::GetCapturedStdout();
}

TEST(BenchUrl, AServerWithTlsIsToldOf) {
  checkpoint::TlsHub hub([](const auto&) { return checkpoint::TlsHub::Answer(); });
  BenchOptions options;
  options.url = "http://" + hub.endpoint().substr(8);
  testing::internal::CaptureStderr();
  testing::internal::CaptureStdout();
  EXPECT_EQ(BenchUrl(options), 1);
  testing::internal::GetCapturedStdout();
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("https:// instead of http://"));
}

TEST(BenchUrl, AServerThatEndsInTheRunIsAFailureWithWhatIsKnown) {
  // With the first two requests at a time after the point of one: all before is the warm-up.
  std::atomic<int> inside = 0, alone = 0;
  std::atomic<bool> ended = false;
  bench::ScriptedEngine engine([&](const auto& request, auto& answer) {
    if (ended) return answer.Drop();
    if (request.path == "/v1/models") return answer.Json(200, R"({"data":[{"id":"m"}]})");
    if (request.method == "GET") return answer.Json(404, "{}");
    const bool together = ++inside > 1;
    if (together && alone >= 20) ended = true;
    alone = together ? 0 : alone + 1;
    answer.Completion(32, 4, std::chrono::milliseconds(2), std::chrono::milliseconds(1));
    --inside;
  });
  BenchOptions options = Short(engine);
  options.concurrency = {1, 2, 3, 4};
  options.duration = "1s";
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  EXPECT_EQ(BenchUrl(options), 1);
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              testing::ContainsRegex("autotune: the server no longer answers: .*; what is above had been measured"));
  const auto out = nlohmann::json::parse(testing::internal::GetCapturedStdout());
  ASSERT_EQ(out["points"].size(), 1U) << "the load at which the server ended has no verdict";
  EXPECT_EQ(out["points"][0]["concurrency"], 1);
  EXPECT_THAT(out["error"].get<std::string>(), HasSubstr("no longer answers"));
}

TEST(BenchUrl, TheLiveLineSaysWhereAPointIs) {
  measurement::PointSpec spec;
  spec.scenario = "D(512,128)";
  spec.load = measurement::RequestRate(8.5);
  measurement::Progress progress;
  EXPECT_EQ(LiveText(spec, progress), "D(512,128) at 8.5 requests/s: ramp");
  progress.phase = measurement::Phase::kWindow;
  progress.point = Point(8, 310);
  EXPECT_EQ(LiveText(spec, progress),
            "D(512,128) at 8.5 requests/s: 20 s, 200 of 200 requests answered, 800.0 +- 12.5 tok/s, TTFT p50 40.0 ms "
            "p99 310 ms");
  progress.point = {};
  progress.point.window_seconds = 3;
  progress.point.censored = 16;
  EXPECT_EQ(LiveText(spec, progress), "D(512,128) at 8.5 requests/s: 3 s, 0 of 16 requests answered");
}

TEST(BenchUrl, TheLineOfAPointHasItsResultAndItsErrors) {
  measurement::Point point = Point(8, 310);
  measurement::Slo slo;
  slo.bounds = {{Metric::kTtft, Statistic::kP99, 500}};
  EXPECT_EQ(PointText(slo, point),
            "D(512,128) at 8 in flight: Met, 200 requests answered, 800.0 tok/s, TTFT p99 310 ms");
  EXPECT_EQ(PointText({}, point), "D(512,128) at 8 in flight: 200 requests answered, 800.0 tok/s, TTFT p99 310 ms");
  point.ttft = {};
  EXPECT_EQ(PointText(slo, point),
            "D(512,128) at 8 in flight: Met, 200 requests answered, 800.0 tok/s, E2E p99 1.30 s");
  point.errors = 2;
  point.errors_by_kind = {0, 2, 0, 0, 0, 0};
  point.requests = 0;
  point.verdict = measurement::Verdict::kMissed;
  EXPECT_EQ(PointText({}, point),
            "D(512,128) at 8 in flight: Missed, 0 requests answered, errors: 2 Refused (all 2 requests that started in "
            "the window failed)");
  point.errors = 0;
  point.errors_by_kind = {};
  EXPECT_EQ(PointText({}, point),
            "D(512,128) at 8 in flight: Missed, 0 requests answered (no request started in the window: those from "
            "before it were still waiting for an answer)");
}

TEST(BenchUrl, SaysOfWhichRequestsTheLatenciesOfARowAre) {
  Example example;
  EXPECT_THAT(ResultTable(example.spec, example.result), Not(HasSubstr("LATENCIES OF")));
  example.result.points[0].in_window = {{Metric::kTtft, Statistic::kP99, 280.5}};
  const std::string text = ResultTable(example.spec, example.result);
  EXPECT_THAT(text, HasSubstr("long run: a simulation of more arrivals"));
  EXPECT_THAT(text, testing::ContainsRegex("310 ms .window: 280 ms..*.window: 21.5 ms..*long run"))
      << "gaps between tokens are always measured";
  EXPECT_THAT(text, testing::ContainsRegex("900 ms .*21.5 ms .*window"));
  const nlohmann::json out = ResultJson(example.spec, example.result, "http://h", "m");
  EXPECT_EQ(out["points"][0]["latenciesOf"], "LongRun");
  EXPECT_EQ(out["points"][1]["latenciesOf"], "Window");
}

TEST(BenchUrl, WhatWasNotMeasuredIsNoZero) {
  Example example;
  example.result.points[0].tpot = {};
  const nlohmann::json out = ResultJson(example.spec, example.result, "http://h", "m");
  EXPECT_TRUE(out["points"][0]["tpot"].is_null());
  EXPECT_EQ(out["points"][1]["tpot"]["p50"], 8);
  EXPECT_THAT(ResultTable(example.spec, example.result), Not(HasSubstr(" 0.0 ms")));
}

}  // namespace
}  // namespace autotune::cli
