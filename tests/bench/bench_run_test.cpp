#include "bench/bench_run.h"

#include <gmock/gmock.h>
#include <stdlib.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <semaphore>
#include <string_view>

#include "bench/corpus.h"
#include "bench/engine_state.h"
#include "bench/quality.h"
#include "tests/bench/scripted_engine.h"

namespace autotune::bench {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::SizeIs;
using Phase = EngineState::Phase;
using Request = ScriptedEngine::Request;
using Answer = ScriptedEngine::Answer;

class BenchRunTest : public testing::Test {
 protected:
  BenchRunTest() {
    char path[] = "/tmp/autotune-bench-XXXXXX";
    options_.dir = ::mkdtemp(path);
    options_.spec.scenarios = {measurement::Scenario::Fixed(32, 4)};
    options_.spec.load.mode = measurement::LoadMode::kFixedConcurrency;
    options_.spec.load.fixed = {1, 3};
    options_.spec.duration = milliseconds(300);
    options_.spec.drain = seconds(20);  // its end is that of the last request
    options_.spec.warmup = milliseconds(500);
    options_.spec.quality.measure = false;
    options_.spec.quality.made_up_weights = true;  // no sanity is asked but where a test says so
    options_.death_grace = milliseconds(0);
    options_.client_lag_ms = 1e9;  // whatever else this machine does
    options_.retry_pause = milliseconds(20);
    options_.say = [this](const std::string& line) {
      said_ += line + "\n";
      if (line.find(" in flight: ") != std::string::npos) ++points_;
      if (line.find("warm-up") != std::string::npos) warm_ = true;
    };
  }
  ~BenchRunTest() override { std::filesystem::remove_all(options_.dir); }

  void Write(const EngineState& state) const {
    const std::string path = options_.dir + "/" + kEngineStateFile;
    std::ofstream(path + ".new") << EncodeEngineState(state);
    // A thread of a test may come with its state when the run, and its directory, are over: nobody reads that any more.
    std::error_code gone;
    std::filesystem::rename(path + ".new", path, gone);
  }
  static EngineState Ready() {
    EngineState state;
    state.phase = Phase::kReady;
    state.was_ready = true;
    state.start_seconds = 42.5;
    state.gpu_product = "NVIDIA H100";
    return state;
  }
  static EngineState Dead() {
    EngineState state = Ready();
    state.phase = Phase::kExited;
    state.exit_code = 1;
    state.error_lines = {"RuntimeError: CUDA error: an illegal memory access was encountered"};
    return state;
  }
  // Answers GETs as vLLM does; completions as `post` says.
  static ScriptedEngine::Handler Engine(ScriptedEngine::Handler post) {
    return [post = std::move(post)](const Request& request, Answer& answer) {
      if (request.method == "POST") return post(request, answer);
      if (request.path == "/v1/models") {
        return answer.Json(200, R"({"object":"list","data":[{"id":"meta/x","owned_by":"vllm"}]})");
      }
      if (request.path == "/version") return answer.Json(200, R"({"version":"0.24.0"})");
      answer.Json(404, R"({"detail":"Not Found"})");
    };
  }
  BenchRunOutcome Run(const ScriptedEngine& engine) {
    options_.port = engine.port();
    base::RealClock clock;
    return RunBench(options_, clock);
  }

  // Without those that come of a machine which is busy with something else: it slows an engine down, and holds its
  // tokens back. The tests of measurement/drift and measurement/batches have their own clock.
  static std::vector<std::string> Told(const BenchRunOutcome& outcome) {
    std::vector<std::string> told = outcome.result.warnings;
    std::erase_if(told, [](const std::string& warning) {
      const std::string_view kOfTheMachine[] = {"the throughput was not steady: ", "the server stalled: ",
                                                "tokens arrive in batches (", "TTFT, TPOT and ITL are not measured: "};
      return std::ranges::any_of(kOfTheMachine, [&](std::string_view kind) { return warning.starts_with(kind); });
    });
    return told;
  }

  BenchRunOptions options_;
  std::string said_;
  std::atomic<int> points_ = 0;  // measured
  std::atomic<bool> warm_ = false;
};

void Complete(const Request&, Answer& answer) { answer.Completion(32, 4); }

TEST_F(BenchRunTest, MeasuresEveryLoadOfEveryScenario) {
  Write(Ready());
  options_.spec.duration = seconds(1);
  options_.spec.scenarios = {measurement::Scenario::Fixed(32, 4), measurement::Scenario::Fixed(8, 2)};
  ScriptedEngine engine(Engine([](const Request& request, Answer& answer) {
    const json body = json::parse(request.body);
    EXPECT_EQ(body["model"], "meta/x");
    answer.Completion(static_cast<int>(body["prompt"].size()), body["max_tokens"], milliseconds(2), milliseconds(1));
  }));
  const BenchRunOutcome outcome = Run(engine);
  EXPECT_EQ(outcome.exit_code, 0);
  const RunResult& result = outcome.result;
  EXPECT_FALSE(result.failure.has_value()) << result.failure->message;
  EXPECT_EQ(result.engine_version, "0.24.0");
  EXPECT_EQ(result.gpu_product, "NVIDIA H100");
  EXPECT_EQ(result.start_seconds, 42.5);
  EXPECT_FALSE(result.simulated);
  ASSERT_THAT(result.points, SizeIs(4));
  EXPECT_EQ(result.points[0].scenario, "D(32,4)");
  EXPECT_EQ(result.points[1].load, measurement::Concurrency(3));
  EXPECT_EQ(result.points[2].scenario, "D(8,2)");
  double windows = 0;
  for (const measurement::Point& point : result.points) {
    windows += point.window_seconds;
    EXPECT_GT(point.requests, 0);
    EXPECT_EQ(point.errors, 0);
    EXPECT_GE(point.ttft.p50, 2);
    EXPECT_EQ(point.input_tokens, point.requests * (point.scenario == "D(8,2)" ? 8 : 32));
    EXPECT_EQ(point.output_tokens, point.requests * (point.scenario == "D(8,2)" ? 2 : 4));
  }
  EXPECT_GE(result.measure_seconds, windows) << "the whole benchmark";
  EXPECT_EQ(result.outcomes, (std::vector<ScenarioOutcome>{{measurement::StopReason::kLadderDone, 1},
                                                           {measurement::StopReason::kLadderDone, 3}}));
}

TEST_F(BenchRunTest, ReportsTheEnginesOwnCounters) {
  Write(Ready());
  ScriptedEngine engine([](const Request& request, Answer& answer) {
    if (request.method == "POST") return answer.Completion(32, 4, milliseconds(2));
    if (request.path == "/metrics") {
      return answer.Json(200, "vllm:num_requests_running{engine=\"0\"} 3.0\nvllm:kv_cache_usage_perc 0.5\n");
    }
    answer.Json(200, R"({"data":[{"id":"m"}]})");
  });
  const BenchRunOutcome outcome = Run(engine);
  ASSERT_THAT(outcome.result.points, SizeIs(2));
  EXPECT_EQ(outcome.result.points[0].engine.running, 3);
  EXPECT_EQ(outcome.result.points[0].engine.kv_cache_use, 0.5);
  EXPECT_EQ(outcome.result.points[0].engine.waiting, std::nullopt);
}

TEST_F(BenchRunTest, AnUnreadableDatasetEndsBeforeTheEngineIsWaitedFor) {
  Write(EngineState());  // starting, for ever
  const std::string file = options_.dir + "/prompts.jsonl";
  std::ofstream(file) << "{\"prompt\":\"a\"}\n{\"prompt\":7}\n";
  options_.spec.scenarios.clear();
  options_.spec.dataset = Dataset{file, measurement::DatasetFormat::kJsonl, 4};
  ScriptedEngine engine(Engine(Complete));
  const BenchRunOutcome outcome = Run(engine);
  EXPECT_EQ(outcome.exit_code, kExitConfigurationFailed);
  EXPECT_THAT(outcome.result.failure->message, HasSubstr("dataset: prompts.jsonl:2: "));
  options_.spec.dataset->path = "/nowhere/x";
  EXPECT_THAT(Run(engine).result.failure->message, HasSubstr("dataset: /nowhere/x: cannot be read"));
}

TEST_F(BenchRunTest, ADatasetIsSentInItsOrder) {
  Write(Ready());
  const std::string file = options_.dir + "/prompts.jsonl";
  std::ofstream(file) << "{\"prompt\":\"a\"}\n{\"prompt\":\"b\"}\n{\"prompt\":\"c\"}\n";
  options_.spec.scenarios.clear();
  options_.spec.dataset = Dataset{file, measurement::DatasetFormat::kJsonl, 4};
  options_.spec.load.fixed = {1};
  options_.spec.records = options_.dir + "/records.jsonl";
  std::mutex mutex;  // an answer to a request that the client no longer waits for is still being written
  std::string prompts;
  ScriptedEngine engine(Engine([&](const Request& request, Answer& answer) {
    {
      const std::lock_guard lock(mutex);
      prompts += json::parse(request.body)["prompt"].get<std::string>();
    }
    answer.Completion(1, 4, milliseconds(2));
  }));
  const BenchRunOutcome outcome = Run(engine);
  ASSERT_THAT(outcome.result.points, SizeIs(1));
  EXPECT_EQ(outcome.result.points[0].scenario, "dataset");
  {
    const std::lock_guard lock(mutex);
    EXPECT_THAT(prompts, testing::StartsWith("abcabc"));
  }
  std::ifstream records(options_.spec.records);
  std::string line;
  ASSERT_TRUE(std::getline(records, line));
  EXPECT_EQ(json::parse(line)["scenario"], "dataset");
}

// Completions as `Complete`, echoed prompts as `echo` says.
ScriptedEngine::Handler WithEcho(ScriptedEngine::Handler echo) {
  return [echo = std::move(echo)](const Request& request, Answer& answer) {
    if (request.body.find("\"stream\":false") != std::string::npos) return echo(request, answer);
    Complete(request, answer);
  };
}

// -2 nats a token; the greedy answer is the prompt.
void Echo(const Request& request, Answer& answer) {
  json choice = {{"text", json::parse(request.body)["prompt"]}, {"finish_reason", "length"}};
  if (request.body.find("\"echo\"") != std::string::npos) {
    json logprobs = json::array({nullptr});
    for (int i = 0; i < 40; ++i) logprobs.push_back(-2);
    logprobs.push_back(-5);
    choice["logprobs"]["token_logprobs"] = std::move(logprobs);
  }
  answer.Json(200, json{{"choices", {choice}}}.dump());
}

TEST_F(BenchRunTest, MeasuresQualityAfterTheLoad) {
  Write(Ready());
  options_.spec.quality.measure = true;
  ScriptedEngine engine(Engine(WithEcho(Echo)));
  const BenchRunOutcome outcome = Run(engine);
  EXPECT_EQ(outcome.exit_code, kExitResult);
  EXPECT_THAT(outcome.result.points, SizeIs(2));
  ASSERT_TRUE(outcome.result.quality) << outcome.result.quality_problem;
  EXPECT_EQ(outcome.result.quality->text, kCorpusName);
  EXPECT_THAT(outcome.result.quality->blocks, SizeIs(measurement::kQualityBlocks));
  EXPECT_THAT(said_, HasSubstr("quality: 2.00000 nats per token over 40 blocks, 32 greedy answers"));
}

TEST_F(BenchRunTest, WhatStopsQualityTakesNothingAway) {
  options_.spec.quality.measure = true;
  const struct {
    const char* problem;
    ScriptedEngine::Handler echo;
  } kCases[] = {{"HTTP 500: Out of range float values",
                 [](const Request&, Answer& answer) {
                   answer.Json(500, R"({"error":{"message":"Out of range float values"}})");
                 }},
                {"no log-probabilities of a prompt",
                 [](const Request&, Answer& answer) {
                   answer.Json(200, R"({"choices":[{"text":"x","logprobs":{"token_logprobs":[-1]}}]})");
                 }},
                {"an illegal memory access", [this](const Request&, Answer& answer) {
                   Write(Dead());
                   answer.Drop();
                 }}};
  for (const auto& row : kCases) {
    SCOPED_TRACE(row.problem);
    Write(Ready());
    ScriptedEngine engine(Engine(WithEcho(row.echo)));
    const BenchRunOutcome outcome = Run(engine);
    EXPECT_EQ(outcome.exit_code, kExitResult);
    EXPECT_FALSE(outcome.result.failure);
    EXPECT_THAT(outcome.result.points, SizeIs(2));
    EXPECT_FALSE(outcome.result.quality && !outcome.result.quality->blocks.empty());
    EXPECT_THAT(outcome.result.quality_problem, HasSubstr(row.problem));
  }
}

TEST_F(BenchRunTest, BrokenOutputIsAFailureBeforeAnythingIsMeasured) {
  Write(Ready());
  options_.spec.quality.made_up_weights = false;
  ScriptedEngine engine(Engine(WithEcho([](const Request&, Answer& answer) {
    answer.Json(200, R"({"choices":[{"text":"!!!!!!!!!!!!!!!!!!!!!!!!","finish_reason":"length"}]})");
  })));
  const BenchRunOutcome outcome = Run(engine);
  EXPECT_EQ(outcome.exit_code, kExitConfigurationFailed);
  ASSERT_TRUE(outcome.result.failure);
  EXPECT_EQ(outcome.result.failure->reason, FailureReason::kBrokenOutput);
  EXPECT_THAT(outcome.result.failure->message, HasSubstr("\"!!!"));
  EXPECT_THAT(outcome.result.points, SizeIs(0));
}

TEST_F(BenchRunTest, NanInWhatIsMeasuredLastIsBrokenOutputToo) {
  Write(Ready());
  options_.spec.quality = {};
  ScriptedEngine engine(Engine(WithEcho([](const Request& request, Answer& answer) {
    if (request.body.find("\"echo\"") == std::string::npos) return Echo(request, answer);
    answer.Json(200, R"({"choices":[{"logprobs":{"token_logprobs":[null,-1,null,-1]}}]})");
  })));
  const BenchRunOutcome outcome = Run(engine);
  ASSERT_TRUE(outcome.result.failure);
  EXPECT_EQ(outcome.result.failure->reason, FailureReason::kBrokenOutput);
  EXPECT_FALSE(outcome.result.quality);
  EXPECT_THAT(outcome.result.points, SizeIs(2)) << "what was measured is told, and does not win";
}

TEST_F(BenchRunTest, ADatasetsBadLineEndsTheRunBeforeAnEngineIsAwaited) {
  const std::string path = options_.dir + "/exam.jsonl";
  std::ofstream(path) << "{\"prompt\": \"x\", \"reference\": \"y\"}\n{\"prompt\": \"z\"}\n";
  options_.spec.quality.questions = QuestionSet{path, 16};
  ScriptedEngine engine(Engine(Complete));
  const BenchRunOutcome outcome = Run(engine);
  ASSERT_TRUE(outcome.result.failure);
  EXPECT_EQ(outcome.result.failure->reason, FailureReason::kBenchmarkFailed);
  EXPECT_THAT(outcome.result.failure->message, HasSubstr("quality.dataset: exam.jsonl:2: "));
  EXPECT_EQ(engine.posts(), 0);
}

TEST_F(BenchRunTest, WaitsForTheEngine) {
  EngineState state;  // starting
  Write(state);
  ScriptedEngine engine(Engine(Complete));
  int looks = 0;
  options_.told_to_end = [&] {
    if (++looks == 3) Write(Ready());
    return false;
  };
  EXPECT_EQ(Run(engine).exit_code, 0);
  EXPECT_GE(looks, 3);
}

TEST_F(BenchRunTest, ReportsAnEngineThatNeverBecameReady) {
  EngineState state;
  state.phase = Phase::kExited;
  state.exit_code = 2;
  state.start_seconds = 24;
  state.error_lines = {"serve: error: unrecognized arguments: --x"};
  Write(state);
  ScriptedEngine engine(Engine(Complete));
  const BenchRunOutcome outcome = Run(engine);
  EXPECT_EQ(outcome.exit_code, kExitConfigurationFailed);
  ASSERT_TRUE(outcome.result.failure.has_value());
  EXPECT_EQ(outcome.result.failure->reason, FailureReason::kEngineRejectedArguments);
  EXPECT_EQ(outcome.result.failure->message, "serve: error: unrecognized arguments: --x");
  EXPECT_EQ(outcome.result.failure->exit_code, 2);
  EXPECT_EQ(outcome.result.start_seconds, 24);
  EXPECT_EQ(engine.posts(), 0);
}

TEST_F(BenchRunTest, AnEngineThatDiesIsReportedWithThePointsBefore) {
  Write(Ready());
  ScriptedEngine engine(Engine([&](const Request& request, Answer& answer) {
    if (points_ == 0) return Complete(request, answer);
    Write(Dead());
    answer.Wait(seconds(120));  // a dead engine's sockets may hang
  }));
  const BenchRunOutcome outcome = Run(engine);
  EXPECT_EQ(outcome.exit_code, kExitConfigurationFailed);
  ASSERT_TRUE(outcome.result.failure.has_value());
  EXPECT_EQ(outcome.result.failure->reason, FailureReason::kEngineCrashed);
  EXPECT_THAT(outcome.result.failure->message, HasSubstr("illegal memory access"));
  EXPECT_THAT(outcome.result.points, SizeIs(1)) << "an incomplete point is no measurement";
}

TEST_F(BenchRunTest, TheEnginesEndExplainsErrorsThatCameBeforeIt) {
  Write(Ready());
  options_.death_grace = seconds(60);
  ScriptedEngine engine(Engine([](const Request&, Answer& answer) { answer.Json(500, "dead"); }));
  // The engine's processes are gone some time after its last answer: the third look after it.
  int looks = 0;
  options_.told_to_end = [&] {
    if (engine.posts() > 0 && ++looks == 3) Write(Dead());
    return false;
  };
  const BenchRunOutcome outcome = Run(engine);
  ASSERT_TRUE(outcome.result.failure.has_value());
  EXPECT_EQ(outcome.result.failure->reason, FailureReason::kEngineCrashed);
}

TEST_F(BenchRunTest, APointThatFailsIsAPoint) {
  Write(Ready());
  options_.spec.duration = milliseconds(1500);  // refused places wait up to a second
  ScriptedEngine engine(Engine([&](const Request& request, Answer& answer) {
    if (points_ == 0) return Complete(request, answer);
    answer.Json(503, R"({"error":{"message":"overloaded"}})");
  }));
  const BenchRunOutcome outcome = Run(engine);
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_FALSE(outcome.result.failure.has_value());
  ASSERT_THAT(outcome.result.points, SizeIs(2));
  EXPECT_EQ(outcome.result.points[1].requests, 0);
  EXPECT_GT(outcome.result.points[1].errors_by_kind[2], 0) << "ServerError";
  EXPECT_EQ(outcome.result.points[1].verdict, measurement::Verdict::kMissed);
  ASSERT_THAT(outcome.result.outcomes, SizeIs(1));
  EXPECT_EQ(outcome.result.outcomes[0].best, 0u);
  EXPECT_THAT(said_, HasSubstr("first error: HTTP 503: overloaded"));
}

TEST_F(BenchRunTest, AScenarioInWhichNothingIsAnsweredFailsTheBenchmark) {
  Write(Ready());
  ScriptedEngine engine(Engine([&](const Request& request, Answer& answer) {
    if (!warm_) return Complete(request, answer);
    answer.Json(503, R"({"error":{"message":"overloaded"}})");
  }));
  const BenchRunOutcome outcome = Run(engine);
  EXPECT_EQ(outcome.exit_code, kExitConfigurationFailed);
  ASSERT_TRUE(outcome.result.failure.has_value());
  EXPECT_EQ(outcome.result.failure->reason, FailureReason::kBenchmarkFailed);
  EXPECT_THAT(outcome.result.failure->message, HasSubstr("every request of D(32,4) at "));
  EXPECT_THAT(outcome.result.failure->message, HasSubstr("failed: HTTP 503: overloaded"));
}

TEST_F(BenchRunTest, ErrorsAmongSuccessesAreCountedAndMeasured) {
  Write(Ready());
  ScriptedEngine engine(Engine([&](const Request& request, Answer& answer) {
    warm_&& request.number % 3 == 0 ? answer.Json(500, "x") : Complete(request, answer);
  }));
  const BenchRunOutcome outcome = Run(engine);
  EXPECT_EQ(outcome.exit_code, 0);
  ASSERT_GE(outcome.result.points.size(), 1u);
  const measurement::Point& point = outcome.result.points[0];
  EXPECT_GT(point.requests, 0);
  // Every third one failed; the window begins and ends anywhere within the three.
  EXPECT_LE(std::abs(2 * point.errors - point.requests), 9) << point.errors << " of " << point.requests;
  EXPECT_EQ(outcome.result.points[0].verdict, measurement::Verdict::kMissed) << "more than 1 % of errors";
}

// A tenth of them fails, but none of the first point, which has a dozen.
TEST_F(BenchRunTest, ErrorsThatTheBestPointLackedByChanceAreWarnedOf) {
  Write(Ready());
  options_.spec.duration = milliseconds(1500);
  std::atomic<int> sent = 0;
  ScriptedEngine engine(Engine([&](const Request&, Answer& answer) {
    if (points_ > 0 && ++sent % 10 == 0) return answer.Json(500, "x");
    answer.Completion(32, 4, milliseconds(points_ > 0 ? 1 : 125));
  }));
  const BenchRunOutcome outcome = Run(engine);
  ASSERT_THAT(outcome.result.outcomes, SizeIs(1));
  EXPECT_EQ(outcome.result.outcomes.front().best, 0u) << said_;
  EXPECT_THAT(outcome.result.warnings, testing::Contains(HasSubstr("% of the requests failed, whatever the load: ")))
      << said_;
}

TEST_F(BenchRunTest, AServerThatDoesNotKnowIgnoreEosIsMeasuredWithAWarning) {
  Write(Ready());
  ScriptedEngine engine(Engine([](const Request& request, Answer& answer) {
    if (json::parse(request.body).contains("ignore_eos")) {
      return answer.Json(400, R"({"error":{"message":"Unknown parameter: ignore_eos"}})");
    }
    answer.Completion(32, 2);  // ends by itself
  }));
  const BenchRunOutcome outcome = Run(engine);
  EXPECT_EQ(outcome.exit_code, 0);
  ASSERT_THAT(Told(outcome), SizeIs(1));
  EXPECT_THAT(Told(outcome)[0], HasSubstr("answers end by themselves"));
  EXPECT_NE(outcome.result.points.at(0).verdict, measurement::Verdict::kShortAnswers);
}

TEST_F(BenchRunTest, AnswersShorterThanAskedAreNoMeasurement) {
  Write(Ready());
  ScriptedEngine engine(Engine([](const Request&, Answer& answer) { answer.Completion(32, 3); }));
  const BenchRunOutcome outcome = Run(engine);
  ASSERT_GE(outcome.result.points.size(), 1u);
  EXPECT_EQ(outcome.result.points[0].verdict, measurement::Verdict::kShortAnswers);
  EXPECT_EQ(outcome.exit_code, kExitConfigurationFailed);
  ASSERT_TRUE(outcome.result.failure.has_value());
  EXPECT_EQ(outcome.result.failure->reason, FailureReason::kBenchmarkFailed);
  EXPECT_THAT(outcome.result.failure->message, HasSubstr("D(32,4) at 1 in flight: more than 1 % of the answers were"));
  EXPECT_THAT(outcome.result.failure->message, HasSubstr("use a dataset"));
}

TEST_F(BenchRunTest, AnswersThatBecomeShorterKeepThePointsBefore) {
  Write(Ready());
  options_.spec.load.fixed = {1, 2};
  ScriptedEngine engine(Engine([&](const Request& request, Answer& answer) {
    if (points_ == 0) return Complete(request, answer);
    answer.Completion(32, 3);
  }));
  const BenchRunOutcome outcome = Run(engine);
  EXPECT_EQ(outcome.exit_code, 0);
  ASSERT_THAT(outcome.result.outcomes, SizeIs(1));
  EXPECT_EQ(outcome.result.outcomes[0].reason, measurement::StopReason::kInvalid);
  EXPECT_EQ(outcome.result.outcomes[0].best, 0u);
}

TEST_F(BenchRunTest, WarmsUpUntilTheEngineIsSteady) {
  Write(Ready());
  options_.spec.warmup = seconds(60);
  options_.spec.load.fixed = {3};
  ScriptedEngine engine(Engine([](const Request& request, Answer& answer) {
    // Two single requests, then waves of three, each faster than the one before: 800, 600, 400, 200 ms, and then
    // steady.
    const int wave = (request.number - 3) / 3;
    answer.Completion(32, 4, milliseconds(request.number < 3 ? 0 : std::max(800 - 200 * wave, 5)));
  }));
  const BenchRunOutcome outcome = Run(engine);
  ASSERT_THAT(outcome.result.points, SizeIs(1));
  const std::size_t at = said_.find("warm-up: ");
  ASSERT_NE(at, std::string::npos);
  EXPECT_GE(std::atoi(said_.c_str() + at + 9), 5 * 3) << said_;
  EXPECT_LT(outcome.result.points[0].ttft.p50, 200) << "nothing of the warm-up is in the point";
}

// Requests that are due while all places are taken are in the queue, although nobody has sent them.
TEST_F(BenchRunTest, AnOverloadIsNoThroughput) {
  Write(Ready());
  options_.spec.load.mode = measurement::LoadMode::kFixedRate;
  options_.spec.load.fixed = {100};
  options_.spec.load.max = 2;
  options_.spec.duration = seconds(2);
  options_.spec.drain = milliseconds(500);  // the queue takes ten seconds
  ScriptedEngine engine(Engine([](const Request&, Answer& answer) { answer.Completion(32, 4, milliseconds(100)); }));
  const BenchRunOutcome outcome = Run(engine);
  ASSERT_THAT(outcome.result.points, SizeIs(1));
  const measurement::Point& point = outcome.result.points[0];
  EXPECT_TRUE(point.saturated);
  EXPECT_LT(point.output_tokens_per_second, 1.3 * 80) << "two at a time, 0.1 s each";
  // The server answers whatever comes in 0.1 s: two at a time is the client's limit, not its own.
  EXPECT_EQ(point.verdict, measurement::Verdict::kUndecided);
  EXPECT_GT(point.held, 0.9);
  EXPECT_THAT(outcome.result.warnings,
              testing::Contains(HasSubstr("at 100 requests/s, for one of 2 places (load.max, --max)")));
}

// 512 requests of a large model take as long as `warmup`: what the engine gets through is known from a second wave.
TEST_F(BenchRunTest, WaitsForASecondWaveThatTakesLongerThanTheWarmUp) {
  Write(Ready());
  options_.spec.warmup = milliseconds(10);
  options_.spec.load.fixed = {3};
  ScriptedEngine engine(Engine([](const Request& request, Answer& answer) {
    const int wave = (request.number - 3) / 3;
    answer.Completion(32, 4, milliseconds(request.number < 3 || wave > 1 ? 1 : wave == 0 ? 20 : 25));
  }));
  Run(engine);
  const std::size_t at = said_.find("warm-up: ");
  ASSERT_NE(at, std::string::npos);
  EXPECT_GE(std::atoi(said_.c_str() + at + 9), 2 * 3) << said_;
}

TEST_F(BenchRunTest, WarmsUpNoFurtherThanTheSearchCanGo) {
  Write(Ready());
  measurement::PredictedLoads prediction;
  prediction.loads = {1, 4, 8, 64};
  prediction.u = {0, 1, 2, 4};
  prediction.ttft.mean = {4, 5, 6, 8};  // ln ms: 55, 148, 403 ms, 3 s
  prediction.ttft.level_variance = 0.09;
  prediction.ttft.ln_bound = std::log(100);
  prediction.tpot.mean = {1, 1, 1, 1};
  options_.spec.slo.bounds = {{measurement::Metric::kTtft, measurement::Statistic::kP99, 100}};
  options_.spec.load.mode = measurement::LoadMode::kAutoConcurrency;
  options_.spec.load.fixed.clear();
  options_.spec.load.max = 64;
  options_.spec.predictions = {prediction};
  ScriptedEngine engine(
      Engine([](const Request&, Answer& answer) { answer.Completion(32, 4, milliseconds(2), milliseconds(1)); }));
  Run(engine);
  // 403 ms less three deviations of 30 % are 164 ms: above the bound; of 148 ms, 60 ms.
  EXPECT_THAT(said_, HasSubstr(" answers, 8 at a time"));
}

// Four answers of 40 ms at once: 100 requests/s. With 16 in flight each waits for 120 ms, for ever.
TEST_F(BenchRunTest, MeasuresTheRateThatIsSustainedWhereTheQueueStands) {
  Write(Ready());
  options_.spec.slo.bounds = {{measurement::Metric::kTtft, measurement::Statistic::kP99, 2000}};
  options_.spec.load.mode = measurement::LoadMode::kAutoConcurrency;
  options_.spec.load.fixed.clear();
  options_.spec.load.max = 16;
  options_.spec.duration = seconds(2);
  std::counting_semaphore<4> places(4);
  ScriptedEngine engine(Engine([&](const Request& request, Answer& answer) {
    while (!places.try_acquire()) {
      if (!answer.Wait(milliseconds(1))) return;
    }
    const json body = json::parse(request.body);
    answer.Completion(32, body["max_tokens"], milliseconds(10), milliseconds(10));
    places.release();
  }));
  const RunResult result = Run(engine).result;
  ASSERT_THAT(result.outcomes, SizeIs(1)) << said_;
  const ScenarioOutcome& outcome = result.outcomes.front();
  ASSERT_TRUE(outcome.best && outcome.limit) << said_;
  const measurement::Point &rate = result.points[*outcome.best], &loop = result.points[*outcome.limit];
  EXPECT_EQ(loop.load, measurement::Concurrency(16));
  EXPECT_TRUE(loop.standing_queue);
  EXPECT_FALSE(rate.standing_queue);
  EXPECT_EQ(rate.role, measurement::PointRole::kSustained);
  EXPECT_EQ(rate.load.kind, measurement::LoadKind::kRequestRate);
  EXPECT_LT(rate.load.value, loop.requests_per_second);
  EXPECT_THAT(said_, HasSubstr("the queue always stands at 16 in flight"));
}

TEST_F(BenchRunTest, OnlyTheWarmUpHasTheLongTimeout) {
  Write(Ready());
  options_.spec.request_timeout = milliseconds(300);
  options_.spec.duration = seconds(1);
  options_.spec.load.fixed = {1};
  ScriptedEngine engine(Engine([&](const Request& request, Answer& answer) {
    if (warm_) answer.Wait(seconds(120));                                   // hangs while being measured
    answer.Completion(32, 4, milliseconds(request.number == 1 ? 500 : 0));  // compiles kernels at first
  }));
  const BenchRunOutcome outcome = Run(engine);
  EXPECT_THAT(outcome.result.failure->message, HasSubstr("no complete answer within 0.3 s")) << said_;
}

TEST_F(BenchRunTest, PromptsBecomeWordsWhereTokenIdsAreRefused) {
  Write(Ready());
  ScriptedEngine engine(Engine([](const Request& request, Answer& answer) {
    if (!json::parse(request.body)["prompt"].is_string()) return answer.Json(400, R"({"error":"prompt must be text"})");
    Complete(request, answer);
  }));
  EXPECT_EQ(Run(engine).exit_code, 0);
  EXPECT_THAT(said_, HasSubstr("prompts are words"));
}

TEST_F(BenchRunTest, TokenIdsStayBelowASmallVocabulary) {
  Write(Ready());
  ScriptedEngine engine(Engine([](const Request& request, Answer& answer) {
    const json body = json::parse(request.body);
    for (const json& id : body["prompt"]) {
      if (id >= 1000) return answer.Json(400, R"({"error":{"message":"Token id 5000 is out of vocabulary"}})");
    }
    Complete(request, answer);
  }));
  EXPECT_EQ(Run(engine).exit_code, 0);
  EXPECT_THAT(said_, HasSubstr("prompts are token ids"));
}

// As vLLM 0.22.1 does: 200, and the refusal in the stream.
TEST_F(BenchRunTest, TokenIdsAreFoundByTryingWhereTheStreamRefusesThem) {
  Write(Ready());
  ScriptedEngine engine(Engine([](const Request& request, Answer& answer) {
    const json body = json::parse(request.body);
    for (const json& id : body["prompt"]) {
      if (id < 1000) continue;
      answer.Begin();
      answer.Event(R"({"error":{"message":"Token id 30843 is out of vocabulary","code":400}})");
      answer.Event("[DONE]");
      return answer.End();
    }
    Complete(request, answer);
  }));
  EXPECT_EQ(Run(engine).exit_code, 0) << said_;
  EXPECT_THAT(said_, HasSubstr("prompts are token ids"));
}

TEST_F(BenchRunTest, TokenIdsStayBelowAKnownVocabulary) {
  Write(Ready());
  options_.spec.vocab_size = 64;
  ScriptedEngine engine(Engine([](const Request& request, Answer& answer) {
    const json body = json::parse(request.body);
    for (const json& id : body["prompt"]) EXPECT_LT(id, 64);
    Complete(request, answer);
  }));
  EXPECT_EQ(Run(engine).exit_code, 0);
}

TEST_F(BenchRunTest, AFirstRequestThatFailsNamesItsError) {
  Write(Ready());
  ScriptedEngine engine(Engine([](const Request&, Answer& answer) { answer.Json(500, R"({"detail":"no kernel"})"); }));
  const BenchRunOutcome outcome = Run(engine);
  EXPECT_EQ(outcome.result.failure->reason, FailureReason::kBenchmarkFailed);
  EXPECT_EQ(outcome.result.failure->message, "the first request failed: HTTP 500: no kernel");
  EXPECT_EQ(engine.posts(), 5) << "four times, and once with words";
}

TEST_F(BenchRunTest, AFirstRequestThatIsRefusedForAWhileIsTriedAgain) {
  for (const int status : {429, 500, 503}) {
    Write(Ready());
    said_.clear();
    ScriptedEngine engine(Engine([&](const Request& request, Answer& answer) {
      if (request.number <= 2) return answer.Json(status, R"({"detail":"warming up"})");
      Complete(request, answer);
    }));
    EXPECT_EQ(Run(engine).exit_code, 0) << said_;
    EXPECT_THAT(said_,
                HasSubstr("the first request failed: HTTP " + std::to_string(status) + ": warming up; retry 2 of 3"));
    EXPECT_THAT(said_, HasSubstr("prompts are token ids")) << "the same prompt";
  }
}

TEST_F(BenchRunTest, AServerThatFailsAtTokenIdsGetsWords) {
  Write(Ready());
  ScriptedEngine engine(Engine([](const Request& request, Answer& answer) {
    if (!json::parse(request.body)["prompt"].is_string()) return answer.Json(500, "Internal Server Error");
    Complete(request, answer);
  }));
  EXPECT_EQ(Run(engine).exit_code, 0) << said_;
  EXPECT_THAT(said_, HasSubstr("prompts are words"));
}

TEST_F(BenchRunTest, TokenIdsStayWhereOnlyIgnoreEosIsRefused) {
  for (const char* text : {"Unknown parameter: ignore_eos", "bad request"}) {
    Write(Ready());
    said_.clear();
    ScriptedEngine engine(Engine([&](const Request& request, Answer& answer) {
      const json body = json::parse(request.body);
      if (body.contains("ignore_eos")) return answer.Json(400, json{{"error", {{"message", text}}}}.dump());
      if (!body["prompt"].is_array()) return answer.Json(400, R"({"error":{"message":"ids only"}})");
      answer.Completion(32, 2);
    }));
    const BenchRunOutcome outcome = Run(engine);
    EXPECT_EQ(outcome.exit_code, 0) << text << said_;
    EXPECT_THAT(said_, HasSubstr("prompts are token ids"));
    EXPECT_THAT(Told(outcome).at(0), HasSubstr("the server rejects ignore_eos"));
  }
}

TEST_F(BenchRunTest, AServerWithoutTheEndpointIsToldOf) {
  Write(Ready());
  ScriptedEngine engine(Engine([](const Request& request, Answer& answer) {
    request.path == "/v1/completions" ? answer.Json(404, R"({"detail":"Not Found"})") : Complete(request, answer);
  }));
  EXPECT_EQ(Run(engine).result.failure->message,
            "the first request failed: HTTP 404: Not Found (POST /v1/completions); a server that only has chats: "
            "--chat (in a task: benchmark.endpoint: Chat)");
}

TEST_F(BenchRunTest, AnswersInOnePieceLeaveTheTimeBetweenTokensUnmeasured) {
  const auto held_back = [](const Request&, Answer& answer) { answer.Completion(32, 16, milliseconds(100)); };
  options_.spec.scenarios = {measurement::Scenario::Fixed(32, 16)};
  {
    Write(Ready());
    ScriptedEngine engine(Engine(held_back));
    const BenchRunOutcome outcome = Run(engine);
    EXPECT_EQ(outcome.exit_code, 0) << said_;
    EXPECT_THAT(
        outcome.result.warnings,
        testing::Contains(testing::AllOf(HasSubstr("TTFT, TPOT and ITL are not measured: answers came in one piece"),
                                         testing::SizeIs(testing::Le(120U)))))
        << "as long as the result document keeps";
    EXPECT_EQ(outcome.result.points.at(0).tpot, measurement::Latency());
    EXPECT_EQ(outcome.result.points.at(0).ttft, measurement::Latency());
    EXPECT_GE(outcome.result.points.at(0).e2e.p50, 100);
  }
  Write(Ready());
  options_.spec.slo.bounds = {{measurement::Metric::kTpot, measurement::Statistic::kP95, 40}};
  ScriptedEngine engine(Engine(held_back));
  const BenchRunOutcome outcome = Run(engine);
  EXPECT_THAT(outcome.result.failure->message,
              HasSubstr("the limit of tpot.p95 cannot be judged: it is not measured: answers came in one piece"));
  EXPECT_EQ(engine.posts(), 2) << "told by the first requests";
}

TEST_F(BenchRunTest, SeveralTokensOfAnEventAreWarnedOf) {
  options_.spec.scenarios = {measurement::Scenario::Fixed(32, 16)};
  for (const int tokens : {1, 4}) {
    Write(Ready());
    ScriptedEngine engine(Engine([&](const Request&, Answer& answer) {
      answer.Begin();
      for (int i = 0; i < 16; i += tokens) {
        answer.Wait(milliseconds(5));
        answer.Text(" x");
      }
      answer.Finish(32, 16);
    }));
    const BenchRunOutcome outcome = Run(engine);
    EXPECT_EQ(outcome.exit_code, 0) << said_;
    ASSERT_THAT(Told(outcome), SizeIs(tokens == 1 ? 0 : 1));
    if (tokens == 1) continue;
    EXPECT_EQ(Told(outcome)[0],
              "an event carries 4.0 tokens on average: ITL is the time between events, and TPOT is about 20 % too low");
    EXPECT_LE(Told(outcome)[0].size(), 120U) << "as long as the result document keeps";
  }
}

TEST_F(BenchRunTest, ALimitForClientsIsWarnedOf) {
  Write(Ready());
  options_.spec.duration = milliseconds(1500);
  ScriptedEngine engine(Engine([&](const Request& request, Answer& answer) {
    if (points_ == 0) return Complete(request, answer);
    answer.Json(429, R"({"error":"Rate limit reached"})");
  }));
  const BenchRunOutcome outcome = Run(engine);
  EXPECT_EQ(outcome.exit_code, 0) << said_;
  EXPECT_THAT(outcome.result.warnings,
              testing::Contains("the server limits requests (HTTP 429): results show this limit, not its speed"));
}

// A quota that is used up: refused places wait, so the answers become fewer.
TEST_F(BenchRunTest, ALimitForClientsIsNoDriftOfTheServer) {
  Write(Ready());
  options_.spec.load.fixed = {8};
  options_.spec.duration = seconds(3);
  const auto begin = std::make_shared<std::atomic<std::int64_t>>(0);
  const auto slower = [&](bool by_refusals) {
    *begin = 0;
    ScriptedEngine engine(Engine([&, by_refusals](const Request& request, Answer& answer) {
      const auto now = std::chrono::steady_clock::now().time_since_epoch() / milliseconds(1);
      if (warm_ && *begin == 0) *begin = now;
      const std::int64_t since = *begin == 0 ? 0 : now - *begin;
      if (by_refusals && request.number % 100 < since / 60) return answer.Json(429, R"({"error":"slow down"})");
      answer.Completion(32, 4, milliseconds(5), milliseconds(5 + (by_refusals ? 0 : since / 200)));
    }));
    warm_ = false;
    return Run(engine).result.warnings;
  };
  const std::string drift = "the throughput was not steady: ";
  EXPECT_THAT(slower(false), testing::Contains(HasSubstr(drift)));
  const auto warnings = slower(true);
  EXPECT_THAT(warnings, testing::Contains(HasSubstr("the server limits requests (HTTP 429)")));
  EXPECT_THAT(warnings, testing::Not(testing::Contains(HasSubstr(drift))));
}

TEST_F(BenchRunTest, AServerThatIsGoneIsNoResult) {
  Write(Ready());
  ScriptedEngine engine([&](const Request& request, Answer& answer) {
    if (points_ > 0) return answer.Drop();
    Engine(Complete)(request, answer);
  });
  const BenchRunOutcome outcome = Run(engine);
  EXPECT_EQ(outcome.exit_code, kExitConfigurationFailed);
  EXPECT_THAT(outcome.result.failure->message, HasSubstr("the server no longer answers: "));
  ASSERT_THAT(outcome.result.points, SizeIs(1)) << "that a server has ended is no verdict of a load";
  EXPECT_EQ(outcome.result.points[0].verdict, measurement::Verdict::kMet);
}

// It takes requests and answers none: as many unfinished requests are no load that was measured.
TEST_F(BenchRunTest, AServerThatHangsIsNoResult) {
  Write(Ready());
  options_.spec.load.fixed = {1, 2};
  options_.spec.duration = seconds(3);
  options_.spec.drain = seconds(3);
  std::atomic<int> in_second = 0;
  ScriptedEngine engine(Engine([&](const Request& request, Answer& answer) {
    if (points_ > 0 && ++in_second > 8) answer.Wait(seconds(60));
    Complete(request, answer);
  }));
  const BenchRunOutcome outcome = Run(engine);
  ASSERT_EQ(outcome.exit_code, kExitConfigurationFailed) << said_;
  EXPECT_THAT(outcome.result.failure->message, HasSubstr("the server no longer answers: no token came for "));
  ASSERT_THAT(outcome.result.points, SizeIs(1)) << "what is known";
}

// ... also if it hangs before the point's first answer: the warm-up tells how long one takes.
TEST_F(BenchRunTest, AServerThatHangsBeforeAPointIsNoResult) {
  Write(Ready());
  options_.spec.load.fixed = {1, 2};
  options_.spec.duration = seconds(2);
  options_.spec.drain = seconds(1);
  ScriptedEngine engine(Engine([&](const Request& request, Answer& answer) {
    if (points_ > 0) answer.Wait(seconds(60));
    Complete(request, answer);
  }));
  const BenchRunOutcome outcome = Run(engine);
  ASSERT_EQ(outcome.exit_code, kExitConfigurationFailed) << said_;
  EXPECT_THAT(outcome.result.failure->message, HasSubstr("the server no longer answers: no token came for "));
  EXPECT_THAT(outcome.result.points, SizeIs(1));
}

// A gateway that lets a few requests in and refuses the others at once.
TEST_F(BenchRunTest, AServerThatAdmitsAFewIsMeasured) {
  Write(Ready());
  options_.spec.load.fixed = {1, 8};
  options_.spec.duration = milliseconds(1500);
  std::atomic<int> inside = 0;
  ScriptedEngine engine(Engine([&](const Request&, Answer& answer) {
    if (++inside > 2) {
      answer.Json(429, R"({"error":"Rate limit reached"})");
    } else {
      answer.Completion(32, 4, milliseconds(300));
    }
    --inside;
  }));
  const BenchRunOutcome outcome = Run(engine);
  EXPECT_EQ(outcome.exit_code, 0) << said_;
  ASSERT_THAT(outcome.result.points, SizeIs(2));
  EXPECT_EQ(outcome.result.points[0].verdict, measurement::Verdict::kMet);
  EXPECT_EQ(outcome.result.points[1].verdict, measurement::Verdict::kMissed) << "most were refused";
}

TEST_F(BenchRunTest, PromptsThatRepeatAreWarnedOf) {
  options_.spec.scenarios.clear();
  options_.spec.dataset = Dataset{options_.dir + "/short.jsonl", measurement::DatasetFormat::kJsonl, 4};
  options_.spec.load.fixed = {2};
  std::ofstream(options_.spec.dataset->path) << R"({"prompt":"one"})"
                                             << "\n"
                                             << R"({"prompt":"two"})"
                                             << "\n";
  std::atomic<int> hits = 0;
  const auto run = [&](bool counters, bool cached) {
    Write(Ready());
    hits = 0;
    ScriptedEngine engine([&](const Request& request, Answer& answer) {
      if (counters && request.path == "/metrics") {
        const int now = hits += 100;
        return answer.Json(200, "vllm:prefix_cache_queries_total " + std::to_string(now) +
                                    "\nvllm:prefix_cache_hits_total " + std::to_string(cached ? now * 0.75 : 0) + "\n");
      }
      Engine([](const Request&, Answer& a) { a.Completion(32, 4, milliseconds(2), milliseconds(1)); })(request, answer);
    });
    return Told(Run(engine));
  };
  EXPECT_THAT(run(true, true),
              testing::ElementsAre(
                  testing::AllOf(testing::StartsWith("prompts repeat (2 of the dataset, sent "),
                                 testing::EndsWith(" times each): 75 % of their tokens came from the prefix cache"))));
  EXPECT_THAT(run(true, false), testing::IsEmpty()) << "the cache is off";
  EXPECT_THAT(run(false, false), testing::ElementsAre(HasSubstr("a prefix cache speeds them up")));
}

// An engine that begins with answers every 600 ms only: whoever ended together starts together.
TEST_F(BenchRunTest, ALockstepIsWarnedOf) {
  static constexpr milliseconds kRound{600};
  const auto round = [](const Request&, Answer& answer) {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    answer.Wait(kRound - std::chrono::duration_cast<milliseconds>(now) % kRound);
    answer.Completion(32, 4, milliseconds(0), milliseconds(10));
  };
  Write(Ready());
  options_.spec.load.fixed = {16};
  options_.spec.duration = seconds(4);
  {
    ScriptedEngine engine(Engine(round));
    EXPECT_THAT(Run(engine).result.warnings, testing::Contains(HasSubstr("lockstep at 16 in flight")));
  }
  // The same load on an engine that begins at once, with answers of different lengths.
  ScriptedEngine engine(Engine([](const Request& request, Answer& answer) {
    answer.Completion(32, 4, milliseconds(request.number * 7 % 40), milliseconds(10));
  }));
  EXPECT_THAT(Run(engine).result.warnings, testing::Not(testing::Contains(HasSubstr("lockstep"))));
}

TEST_F(BenchRunTest, PromptsThatAnEarlierRunSentAreWarnedOf) {
  Write(Ready());
  std::atomic<int> tokens = 0;
  ScriptedEngine engine([&](const Request& request, Answer& answer) {
    if (request.path == "/metrics") {
      const std::string now = std::to_string(tokens += 100);
      return answer.Json(200,
                         "vllm:prefix_cache_queries_total " + now + "\nvllm:prefix_cache_hits_total " + now + "\n");
    }
    Engine([](const Request&, Answer& a) { a.Completion(32, 4, milliseconds(2), milliseconds(1)); })(request, answer);
  });
  EXPECT_THAT(
      Told(Run(engine)),
      testing::ElementsAre("the prefix cache held 100 % of all prompt tokens: sent before (use another seed), or by "
                           "other clients"));
}

// Real time plus what the test adds.
class JumpingClock final : public base::Clock {
 public:
  [[nodiscard]] base::TimePoint Now() const override { return real_.Now() + jump; }
  [[nodiscard]] base::WallTime Wall() const override { return real_.Wall(); }
  bool SleepUntil(base::TimePoint deadline, const std::stop_token& stop) override {
    return real_.SleepUntil(deadline - jump, stop);
  }
  base::Duration jump{0};

 private:
  base::RealClock real_;
};

TEST_F(BenchRunTest, EndsAtTheExperimentsTimeout) {
  Write(Ready());
  options_.spec.experiment_timeout = std::chrono::hours(1);
  std::atomic<bool> hangs = false;
  ScriptedEngine engine(Engine([&](const Request& request, Answer& answer) {
    if (points_ > 0) {
      hangs = true;
      answer.Wait(seconds(120));
    }
    Complete(request, answer);
  }));
  options_.port = engine.port();
  JumpingClock clock;
  options_.told_to_end = [&] {
    if (hangs) clock.jump = std::chrono::hours(2);
    return false;
  };
  const BenchRunOutcome outcome = RunBench(options_, clock);
  EXPECT_EQ(outcome.exit_code, kExitConfigurationFailed);
  ASSERT_TRUE(outcome.result.failure.has_value());
  EXPECT_EQ(outcome.result.failure->reason, FailureReason::kExperimentTimeout);
  EXPECT_EQ(outcome.result.failure->message, "not finished within 3600 s: 0 of 1 scenarios, 1 points measured");
  EXPECT_THAT(outcome.result.points, SizeIs(1));
}

TEST_F(BenchRunTest, BeingToldToEndIsInfrastructure) {
  Write(Ready());
  ScriptedEngine engine(Engine([](const Request&, Answer& answer) { answer.Wait(seconds(120)); }));
  options_.told_to_end = [&] { return engine.posts() > 0; };
  const BenchRunOutcome outcome = Run(engine);
  EXPECT_EQ(outcome.exit_code, kExitInfrastructure);
  EXPECT_TRUE(outcome.result.failure.has_value());
}

TEST_F(BenchRunTest, AMissingDirectoryIsInfrastructure) {
  std::filesystem::remove_all(options_.dir);
  ScriptedEngine engine(Engine(Complete));
  EXPECT_EQ(Run(engine).exit_code, kExitInfrastructure);
}

TEST_F(BenchRunTest, ASimulatedEngineIsMarkedByEitherSign) {
  Write(Ready());
  for (const bool by_header : {true, false}) {
    ScriptedEngine engine([&](const Request& request, Answer& answer) {
      if (request.method == "POST") return Complete(request, answer);
      if (request.path == "/server_info") return answer.Json(200, R"({"version":"0.5.15"})");
      if (request.path != "/v1/models") return answer.Json(404, "");
      by_header ? answer.Json(200, R"({"data":[{"id":"m","owned_by":"sglang"}]})", "X-Simulated: true\r\n")
                : answer.Json(200, R"({"data":[{"id":"m","owned_by":"simulated"}]})");
    });
    const BenchRunOutcome outcome = Run(engine);
    EXPECT_TRUE(outcome.result.simulated);
    EXPECT_EQ(outcome.result.engine_version, "0.5.15") << "SGLang says it in /server_info";
  }
}

TEST_F(BenchRunTest, AServerThatNamesAnotherModelIsToldOf) {
  Write(Ready());
  const std::pair<const char*, bool> kCases[] = {{"", false},           {"meta/x", false}, {"/models/X", false},
                                                 {"/models/x/", false}, {"meta/xl", true}, {"org/other", true}};
  for (const auto& [model, told] : kCases) {
    options_.spec.model = model;
    ScriptedEngine engine(
        Engine([](const Request&, Answer& answer) { answer.Completion(32, 4, milliseconds(2), milliseconds(1)); }));
    const auto warnings = Told(Run(engine));
    EXPECT_EQ(warnings.size(), told ? 1U : 0U) << model;
    if (told) {
      EXPECT_THAT(warnings[0], HasSubstr("calls its model \"meta/x\""));
    }
  }
}

}  // namespace
}  // namespace autotune::bench
