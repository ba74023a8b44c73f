#include "bench/bench_spec.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "bench/result.h"

namespace autotune::bench {
namespace {

using measurement::Scenario;
using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

BenchSpec Example() {
  BenchSpec spec;
  spec.scenarios = {Scenario::Fixed(512, 128), *Scenario::Parse("N(480,240)/(300,150)")};
  spec.endpoint = measurement::Endpoint::kChat;
  spec.prefix = {100, 8};
  spec.turns.mean = 4;
  spec.vocab_size = 32'000;
  spec.max_model_len = 8192;
  spec.load.mode = measurement::LoadMode::kFixedRate;
  spec.load.fixed = {1, 8.5, 32};
  spec.arrival = {measurement::ArrivalProcess::kGamma, 0.5};
  spec.slo.bounds = {{measurement::Metric::kTtft, measurement::Statistic::kP99, 500}};
  spec.slo.attainment = 0.95;
  spec.score_metric = measurement::ScoreMetric::kAttainedRequests;
  spec.gpus = 2;
  spec.score_to_beat = {1560.2, std::nullopt};
  spec.score_to_beat_ci = {31.5, std::nullopt};
  measurement::PredictedLoads prediction;
  prediction.loads = {1, 8};
  prediction.u = {0, 2};
  prediction.ttft.mean = {3, 4};
  prediction.tpot.mean = {1, 2};
  spec.predictions = {std::nullopt, prediction};
  spec.admitted = {100.0, 90.5};
  spec.start = {std::nullopt, 48.0};
  spec.confirms = true;
  spec.reference = {12.5, std::nullopt};
  spec.duration = seconds(30);
  spec.drain = seconds(7);
  spec.warmup = seconds(8);
  spec.seed = -5;
  spec.records = "/records/e1.jsonl";
  spec.quality.questions = QuestionSet{"/questions/exam.jsonl", 64};
  spec.quality.made_up_weights = true;
  spec.quality.reference.emplace();
  spec.quality.reference->text = "corpus-3";
  spec.quality.reference->blocks = {{measurement::TextKind::kLong, 1, 2.5, {77, 7, 0}, 2.25}};
  spec.quality.max_growth = 0.01;
  spec.quality.only_cache_differs = true;
  spec.first_request_timeout = milliseconds(1500);
  spec.request_timeout = seconds(9);
  spec.experiment_timeout = std::chrono::minutes(45);
  return spec;
}

TEST(BenchSpec, RoundTrips) {
  const auto read = BenchSpecFromJson(json::parse(ToJson(Example()).dump()));
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(*read, Example());

  BenchSpec trace;
  trace.dataset = Dataset{"/data/trace.jsonl", measurement::DatasetFormat::kMooncake, 32};
  trace.load.mode = measurement::LoadMode::kAutoRate;
  trace.arrival.process = measurement::ArrivalProcess::kTrace;
  const auto read_trace = BenchSpecFromJson(json::parse(ToJson(trace).dump()));
  ASSERT_TRUE(read_trace.ok()) << read_trace.error().message;
  EXPECT_EQ(*read_trace, trace);
}

TEST(BenchSpec, AbsentMembersKeepTheDefaults) {
  const auto read = BenchSpecFromJson(json{{"scenarios", {"D(1,1)"}}});
  ASSERT_TRUE(read.ok()) << read.error().message;
  BenchSpec expected;
  expected.scenarios = {Scenario::Fixed(1, 1)};
  EXPECT_EQ(*read, expected);
}

TEST(BenchSpec, ErrorsNameTheMember) {
  const struct {
    const char* member;
    json value;
    const char* message;
  } kCases[] = {
      {"scenarios", json::array(), "spec.scenarios: at least one"},
      {"scenarios", {"D(1,1)", "x"}, "spec.scenarios[1]: \"x\""},
      {"scenarios", {7}, "spec.scenarios[0]: 7 is not a text"},
      {"scenarios",
       {"D(8000,128)", "D(8000,500)"},
       "spec.scenarios[1]: D(8000,500) has requests of up to 8500 tokens; "
       "the context holds 8192"},
      {"dataset", {{"path", "/x"}}, "spec.dataset: a dataset has its own lengths"},
      {"dataset", json::object(), "spec.dataset.path: the file is missing"},
      {"dataset", {{"path", "/x"}, {"format", "CSV"}}, "spec.dataset.format: \"CSV\" is not one of"},
      {"endpoint", "chat", "spec.endpoint: \"chat\" is neither Completions nor Chat"},
      {"prefix", {{"tokens", 0}}, "spec.prefix.tokens: 0 is not in [1, "},
      {"prefix", {{"tokens", 512}, {"groups", 1}}, "spec.prefix.tokens: 512 is not shorter than the longest input"},
      {"turns", 0.5, "spec.turns: 0.5 is not a mean number of turns"},
      {"load", {{"mode", "x"}}, "spec.load"},
      {"load", json::object(), "spec.arrival: a closed loop has no arrival process"},
      {"arrival", {{"process", "Trace"}}, "spec.arrival.process: Trace requires a dataset with timestamps"},
      {"slo", json::object(), "spec.slo: goodput requires a latency limit"},
      {"slo", {{"bounds", {{{"metric", "x"}}}}}, "spec.slo"},
      {"worth", "Money", "spec.worth: \"Money\" is not one of"},
      {"scoreToBeat", {1}, "spec.scoreToBeat: not a list of 2"},
      {"scoreToBeat", {nullptr, "1"}, "spec.scoreToBeat[1]: \"1\" is not a number"},
      {"reference", {nullptr, -1}, "spec.reference[1]: -1 is not a positive number"},
      {"predictions", {nullptr, 5}, "spec.predictions[1]"},
      {"gpus", 0, "spec.gpus: 0 is not in [1, "},
      {"quality", "on", "spec.quality: \"on\" is neither true nor false"},
      {"seed", 18446744073709551615ull, "spec.seed: 18446744073709551615 is not in"},
      {"durationMs", "60s", "spec.durationMs: \"60s\" is not an integer"},
      {"requestTimeoutMs", 0, "spec.requestTimeoutMs: 0 is not in [1, "},
      {"records", 7, "spec.records: 7 is not a path"},
  };
  for (const auto& row : kCases) {
    json document = ToJson(Example());
    for (const char* of_each : {"scoreToBeat", "scoreToBeatCi", "predictions", "admitted", "start", "reference"}) {
      if (row.member != std::string(of_each)) document.erase(of_each);
    }
    document[row.member] = row.value;
    const auto read = BenchSpecFromJson(document);
    ASSERT_FALSE(read.ok()) << document;
    EXPECT_THAT(read.error().message, HasSubstr(row.message));
  }
  EXPECT_FALSE(BenchSpecFromJson(json::array()).ok());
}

TEST(BenchSpec, WhatCannotBeMeasuredIsRefused) {
  BenchSpec spec;
  spec.scenarios = {Scenario::Fixed(512, 1)};
  spec.slo.bounds = {{measurement::Metric::kItl, measurement::Statistic::kP99, 50}};
  EXPECT_EQ(CheckBenchSpec(spec).error().message, "spec.slo.itl.p99: answers of one token have no time between tokens");
  spec.slo.bounds.clear();
  spec.load.mode = measurement::LoadMode::kFixedConcurrency;
  spec.load.fixed.assign(kMaxPoints + 1, 1);
  EXPECT_THAT(CheckBenchSpec(spec).error().message, HasSubstr("1 scenarios x 13 loads are more than 12 points"));
}

}  // namespace
}  // namespace autotune::bench
