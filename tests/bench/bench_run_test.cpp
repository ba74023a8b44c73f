#include "bench/bench_run.h"

#include <gmock/gmock.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

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
    options_.spec.concurrency = {1, 3};
    options_.spec.duration = seconds(60);
    options_.spec.max_requests = 6;
    options_.spec.warmup_requests = 4;
    options_.spec.quality = false;
    options_.death_grace = milliseconds(0);
    options_.say = [this](const std::string& line) { said_ += line + "\n"; };
  }
  ~BenchRunTest() override { std::filesystem::remove_all(options_.dir); }

  void Write(const EngineState& state) const {
    const std::string path = options_.dir + "/" + kEngineStateFile;
    std::ofstream(path + ".new") << EncodeEngineState(state);
    std::filesystem::rename(path + ".new", path);
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

  BenchRunOptions options_;
  std::string said_;
};

void Complete(const Request&, Answer& answer) { answer.Completion(32, 4); }

TEST_F(BenchRunTest, MeasuresEveryStepOfEveryScenario) {
  Write(Ready());
  options_.spec.scenarios = {measurement::Scenario::Fixed(32, 4), measurement::Scenario::Fixed(8, 2)};
  ScriptedEngine engine(Engine([](const Request& request, Answer& answer) {
    const json body = json::parse(request.body);
    EXPECT_EQ(body["model"], "meta/x");
    answer.Completion(static_cast<int>(body["prompt"].size()), body["max_tokens"]);
  }));
  const BenchRunOutcome outcome = Run(engine);
  EXPECT_EQ(outcome.exit_code, 0);
  const RunResult& result = outcome.result;
  EXPECT_FALSE(result.failure.has_value()) << result.failure->message;
  EXPECT_EQ(result.engine_version, "0.24.0");
  EXPECT_EQ(result.gpu_product, "NVIDIA H100");
  EXPECT_EQ(result.start_seconds, 42.5);
  EXPECT_GT(result.measure_seconds, 0);
  EXPECT_FALSE(result.simulated);
  ASSERT_THAT(result.loads, SizeIs(4));
  EXPECT_EQ(result.loads[0].scenario, "D(32,4)");
  EXPECT_EQ(result.loads[1].load, measurement::Concurrency(3));
  EXPECT_EQ(result.loads[2].scenario, "D(8,2)");
  for (const measurement::Point& load : result.loads) {
    EXPECT_EQ(load.requests, 6);
    EXPECT_EQ(load.errors, 0);
  }
  EXPECT_EQ(result.loads[3].input_tokens, 6 * 8);
  EXPECT_EQ(result.loads[3].output_tokens, 6 * 2);
  EXPECT_EQ(engine.posts(), 4 * 6 + 2 * 4) << "warm-up: 4 a scenario, not measured";
}

// Completions as `Complete`, echoed prompts as `echo` says.
ScriptedEngine::Handler WithEcho(ScriptedEngine::Handler echo) {
  return [echo = std::move(echo)](const Request& request, Answer& answer) {
    if (request.body.find("\"echo\":true") != std::string::npos) return echo(request, answer);
    Complete(request, answer);
  };
}

TEST_F(BenchRunTest, MeasuresQualityAfterTheLoad) {
  Write(Ready());
  options_.spec.quality = true;
  int asked = 0;
  ScriptedEngine engine(Engine(WithEcho([&](const Request& request, Answer& answer) {
    EXPECT_EQ(json::parse(request.body)["prompt"], QualityPassages()[static_cast<std::size_t>(asked)]);
    const std::string value = std::to_string(-1 - asked++);
    answer.Json(200, R"({"choices":[{"logprobs":{"token_logprobs":[null,)" + value + "," + value + ",-5]}}]}");
  })));
  const BenchRunOutcome outcome = Run(engine);
  EXPECT_EQ(outcome.exit_code, kExitResult);
  EXPECT_THAT(outcome.result.loads, SizeIs(2));
  ASSERT_TRUE(outcome.result.quality) << outcome.result.quality_problem;
  EXPECT_EQ(outcome.result.quality->passages, kPassageSet);
  ASSERT_THAT(outcome.result.quality->nll, SizeIs(kPassages));
  EXPECT_EQ(outcome.result.quality->nll.front(), 1);
  EXPECT_EQ(outcome.result.quality->nll.back(), static_cast<double>(kPassages));
  EXPECT_THAT(said_, HasSubstr("quality: 8.5000 nats per token over 16 passages"));
}

TEST_F(BenchRunTest, WhatStopsQualityTakesNothingAway) {
  options_.spec.quality = true;
  const struct {
    const char* problem;
    ScriptedEngine::Handler echo;
  } kCases[] = {{"HTTP 500: Out of range float values",
                 [](const Request&, Answer& answer) {
                   answer.Json(500, R"({"error":{"message":"Out of range float values"}})");
                 }},
                {"no log-probabilities of a prompt",
                 [](const Request&, Answer& answer) {
                   answer.Json(200, R"({"choices":[{"logprobs":{"token_logprobs":[-1]}}]})");
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
    EXPECT_THAT(outcome.result.loads, SizeIs(2));
    EXPECT_FALSE(outcome.result.quality);
    EXPECT_THAT(outcome.result.quality_problem, HasSubstr(row.problem));
  }
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

TEST_F(BenchRunTest, AnEngineThatDiesIsReportedWithTheStepsBefore) {
  Write(Ready());
  ScriptedEngine engine(Engine([&](const Request& request, Answer& answer) {
    if (request.number <= 4 + 6 + 2) return Complete(request, answer);  // warm-up, first step, two of the second
    if (request.number == 13) Write(Dead());
    answer.Wait(seconds(120));  // a dead engine's sockets may hang
  }));
  const BenchRunOutcome outcome = Run(engine);
  EXPECT_EQ(outcome.exit_code, kExitConfigurationFailed);
  ASSERT_TRUE(outcome.result.failure.has_value());
  EXPECT_EQ(outcome.result.failure->reason, FailureReason::kEngineCrashed);
  EXPECT_THAT(outcome.result.failure->message, HasSubstr("illegal memory access"));
  EXPECT_THAT(outcome.result.loads, SizeIs(1)) << "an incomplete step is no measurement";
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

TEST_F(BenchRunTest, AStepInWhichNothingSucceedsFailsTheBenchmark) {
  Write(Ready());
  ScriptedEngine engine(Engine([](const Request& request, Answer& answer) {
    if (request.number <= 4 + 6) return Complete(request, answer);
    answer.Json(503, R"({"error":{"message":"overloaded"}})");
  }));
  const BenchRunOutcome outcome = Run(engine);
  EXPECT_EQ(outcome.exit_code, kExitConfigurationFailed);
  ASSERT_TRUE(outcome.result.failure.has_value());
  EXPECT_EQ(outcome.result.failure->reason, FailureReason::kBenchmarkFailed);
  EXPECT_EQ(outcome.result.failure->message, "every request of D(32,4) at concurrency 3 failed: HTTP 503: overloaded");
  EXPECT_THAT(outcome.result.loads, SizeIs(1));
}

TEST_F(BenchRunTest, ErrorsAmongSuccessesAreCountedAndMeasured) {
  Write(Ready());
  ScriptedEngine engine(Engine([](const Request& request, Answer& answer) {
    request.number % 3 == 0 ? answer.Json(500, "x") : Complete(request, answer);
  }));
  const BenchRunOutcome outcome = Run(engine);
  EXPECT_EQ(outcome.exit_code, 0);
  ASSERT_THAT(outcome.result.loads, SizeIs(2));
  EXPECT_EQ(outcome.result.loads[0].requests, 4);
  EXPECT_EQ(outcome.result.loads[0].errors, 2);
}

TEST_F(BenchRunTest, OnlyTheWarmUpHasTheLongTimeout) {
  Write(Ready());
  options_.spec.request_timeout = seconds(1);
  options_.spec.concurrency = {1};
  ScriptedEngine engine(Engine([](const Request& request, Answer& answer) {
    if (request.number == 6) answer.Wait(seconds(120));                      // hangs while being measured
    answer.Completion(32, 4, milliseconds(request.number == 1 ? 1200 : 0));  // compiles kernels at first
  }));
  const BenchRunOutcome outcome = Run(engine);
  EXPECT_EQ(outcome.exit_code, 0) << said_;
  ASSERT_THAT(outcome.result.loads, SizeIs(1));
  EXPECT_GE(outcome.result.loads[0].errors, 1);
  EXPECT_THAT(said_, HasSubstr("first error: no complete answer within 1 s"));
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

TEST_F(BenchRunTest, AFirstRequestThatFailsNamesItsError) {
  Write(Ready());
  ScriptedEngine engine(Engine([](const Request&, Answer& answer) { answer.Json(500, R"({"detail":"no kernel"})"); }));
  const BenchRunOutcome outcome = Run(engine);
  EXPECT_EQ(outcome.result.failure->reason, FailureReason::kBenchmarkFailed);
  EXPECT_EQ(outcome.result.failure->message, "the first request failed: HTTP 500: no kernel");
  EXPECT_EQ(engine.posts(), 1) << "only a refusal of the request is tried with another prompt";
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
  ScriptedEngine engine(Engine([](const Request& request, Answer& answer) {
    if (request.number > 4 + 6) answer.Wait(seconds(120));
    Complete(request, answer);
  }));
  options_.port = engine.port();
  JumpingClock clock;
  options_.told_to_end = [&] {
    if (engine.posts() > 4 + 6) clock.jump = std::chrono::hours(2);
    return false;
  };
  const BenchRunOutcome outcome = RunBench(options_, clock);
  EXPECT_EQ(outcome.exit_code, kExitConfigurationFailed);
  ASSERT_TRUE(outcome.result.failure.has_value());
  EXPECT_EQ(outcome.result.failure->reason, FailureReason::kExperimentTimeout);
  EXPECT_EQ(outcome.result.failure->message, "not finished within 3600 s: 1 of 2 load steps measured");
  EXPECT_THAT(outcome.result.loads, SizeIs(1));
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

}  // namespace
}  // namespace autotune::bench
