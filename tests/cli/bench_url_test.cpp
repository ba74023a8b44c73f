#include "cli/bench_url.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

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

TEST(BenchUrl, TheTableEndsWithTheAnswer) {
  Example example;
  const std::string text = ResultTable(example.spec, example.result);
  EXPECT_THAT(text,
              HasSubstr("D(512,128): meets ttft.p99 <= 500 ms up to 3200.0 +- 12.5 output tokens/s, 16 requests/s "
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

TEST(BenchUrl, SaysSoWhenNothingKeepsTheSlo) {
  Example example;
  example.result.outcomes = {{measurement::StopReason::kInfeasible, std::nullopt}};
  example.result.warnings = {"random tokens"};
  example.result.simulated = true;
  const std::string text = ResultTable(example.spec, example.result);
  EXPECT_THAT(text, HasSubstr("D(512,128): no measured load meets ttft.p99 <= 500 ms\n"));
  EXPECT_THAT(text, HasSubstr("warning: random tokens\n"));
  EXPECT_THAT(text, HasSubstr("simulated engine"));
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
        +[](BenchOptions& o) { o.dataset = "/nowhere/prompts.jsonl"; }}) {
    BenchOptions options;
    options.url = "http://127.0.0.1:1";
    change(options);
    EXPECT_EQ(BenchUrl(options), 2);
  }
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
            "D(512,128) at 8.5 requests/s: 20 s, 200 requests, 800.0 +- 12.5 tok/s, TTFT p50 40.0 ms p99 310 ms, ITL "
            "p99 21.5 ms");
}

}  // namespace
}  // namespace autotune::cli
