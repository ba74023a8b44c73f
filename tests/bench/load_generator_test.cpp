#include "bench/load_generator.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/bench/launcher_process.h"
#include "tests/bench/scripted_engine.h"

namespace autotune::bench {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;
using Request = ScriptedEngine::Request;
using Answer = ScriptedEngine::Answer;

LoadStep Step(int concurrency, std::int64_t max_requests) {
  LoadStep step;
  step.series = {"m", measurement::Scenario::Fixed(16, 4), PromptStyles().front(), 1, 1};
  step.concurrency = concurrency;
  step.max_requests = max_requests;
  step.duration = seconds(120);  // far beyond what a test takes: the number of requests ends the step
  step.request_timeout = seconds(60);
  return step;
}

TEST(LoadGenerator, SendsExactlyTheAskedRequestsAndKeepsConnections) {
  ScriptedEngine engine([](const Request&, Answer& answer) { answer.Completion(16, 4); });
  LoadGenerator load(engine.port());
  const StepReport report = load.RunStep(Step(5, 43));
  EXPECT_THAT(report.completed, SizeIs(43));
  EXPECT_EQ(report.errors, 0) << report.first_error;
  EXPECT_EQ(engine.posts(), 43);
  EXPECT_EQ(engine.connections(), 5);
  EXPECT_FALSE(report.interrupted);
  EXPECT_FALSE(report.simulated);
  for (const CompletedRequest& request : report.completed) {
    EXPECT_EQ(request.input_tokens, 16);
    EXPECT_EQ(request.output_tokens, 4);
    EXPECT_LE(request.start, request.first_token);
    EXPECT_LE(request.first_token, request.last_token);
  }
}

TEST(LoadGenerator, KeepsExactlyThatManyRequestsInFlight) {
  std::atomic<int> waiting = 0;
  std::atomic<bool> full = false;
  ScriptedEngine engine([&](const Request&, Answer& answer) {
    // Nobody is answered before eight are here: a generator that keeps fewer in flight would hang and time out.
    if (++waiting == 8) full = true;
    while (!full && answer.Wait(milliseconds(1))) {
    }
    answer.Completion(16, 2, {}, milliseconds(1));
  });
  LoadGenerator load(engine.port());
  const StepReport report = load.RunStep(Step(8, 64));
  EXPECT_THAT(report.completed, SizeIs(64));
  EXPECT_EQ(engine.most_in_flight(), 8);
}

TEST(LoadGenerator, TimesTheFirstTextAndTheLast) {
  ScriptedEngine engine([](const Request&, Answer& answer) {
    answer.Begin();
    answer.Text("");  // some engines announce the stream: not a token
    answer.Wait(milliseconds(80));
    answer.Text(" a");
    answer.Wait(milliseconds(60));
    answer.Text(" b");
    answer.Text("");
    answer.Finish(16, 3);
  });
  LoadGenerator load(engine.port());
  const StepReport report = load.RunStep(Step(1, 1));
  ASSERT_THAT(report.completed, SizeIs(1));
  const CompletedRequest& request = report.completed[0];
  EXPECT_GE(request.first_token - request.start, milliseconds(80));
  EXPECT_GE(request.last_token - request.first_token, milliseconds(59));
  EXPECT_LT(request.last_token - request.start, seconds(20));
}

TEST(LoadGenerator, CountsErrorsAndKeepsTheFirstText) {
  ScriptedEngine engine([](const Request& request, Answer& answer) {
    switch (request.number % 4) {
      case 0:
        return answer.Completion(16, 2);
      case 1:
        return answer.Json(400, R"({"error":{"message":"max_tokens is too large","code":400}})");
      case 2:
        answer.Begin();
        answer.Text(" a");
        answer.Event(R"({"error":{"message":"worker died"}})");
        return answer.Finish(16, 1);
      default:
        answer.Begin();
        answer.Text(" a");
        return answer.Drop();
    }
  });
  LoadGenerator load(engine.port());
  const StepReport report = load.RunStep(Step(1, 12));
  EXPECT_THAT(report.completed, SizeIs(3));
  EXPECT_EQ(report.errors, 9);
  EXPECT_EQ(report.first_error, "HTTP 400: max_tokens is too large");
  EXPECT_EQ(report.first_error_status, 400);
}

TEST(LoadGenerator, SaysWhatIsWrongWithAnAnswer) {
  const struct {
    ScriptedEngine::Handler handler;
    const char* error;
  } kCases[] = {
      {[](const Request&, Answer& answer) {
         answer.Begin();
         answer.Text(" a");
         answer.Event(R"({"error":{"message":"worker died"}})");
         answer.Finish(16, 1);
       },
       "the engine gave up in the middle of its answer: worker died"},
      {[](const Request&, Answer& answer) {
         answer.Begin();
         answer.Text(" a");
         answer.Drop();
       },
       "answer broke off: "},
      {[](const Request&, Answer& answer) { answer.Drop(); }, "no answer: "},
      {[](const Request&, Answer& answer) {
         answer.Begin();
         answer.Finish(16, 4);
       },
       "the answer has 4 tokens and no text"},
      {[](const Request&, Answer& answer) {
         answer.Begin();
         answer.Text(" a");
         answer.Event("[DONE]");
         answer.Drop();
       },
       "answer broke off: "},
      {[](const Request&, Answer& answer) { answer.Json(200, "{}"); }, "the answer ended without [DONE]"},
      {[](const Request&, Answer& answer) { answer.Json(500, "Internal Server Error"); },
       "HTTP 500: Internal Server Error"},
  };
  for (const auto& row : kCases) {
    ScriptedEngine engine(row.handler);
    LoadGenerator load(engine.port());
    const StepReport report = load.RunStep(Step(1, 1));
    EXPECT_THAT(report.completed, SizeIs(0)) << row.error;
    EXPECT_EQ(report.errors, 1) << row.error;
    EXPECT_THAT(report.first_error, StartsWith(row.error));
  }
}

TEST(LoadGenerator, AnEngineThatDoesNotAnswerInTimeIsAnError) {
  ScriptedEngine engine([](const Request&, Answer& answer) {
    answer.Begin();
    answer.Wait(seconds(120));
  });
  LoadGenerator load(engine.port());
  LoadStep step = Step(2, 2);
  step.request_timeout = milliseconds(150);
  const StepReport report = load.RunStep(step);
  EXPECT_EQ(report.errors, 2);
  EXPECT_EQ(report.first_error, "no complete answer within 0.15 s");
}

TEST(LoadGenerator, RepeatsARequestThatMetAConnectionBeingClosed) {
  // Answers one request a connection and then closes it without saying so: as uvicorn does with idle connections.
  ScriptedEngine engine([](const Request& request, Answer& answer) {
    if (request.number % 2 == 0) return answer.Drop();
    answer.Completion(16, 2);
  });
  LoadGenerator load(engine.port());
  const StepReport report = load.RunStep(Step(1, 5));
  EXPECT_THAT(report.completed, SizeIs(5));
  EXPECT_EQ(report.errors, 0) << report.first_error;
}

TEST(LoadGenerator, AfterTheDurationItOnlyFinishesWhatIsInFlight) {
  ScriptedEngine engine(
      [](const Request&, Answer& answer) { answer.Completion(16, 2, milliseconds(100), milliseconds(200)); });
  LoadGenerator load(engine.port());
  LoadStep step = Step(3, 1'000'000);
  step.duration = milliseconds(50);
  const StepReport report = load.RunStep(step);
  EXPECT_THAT(report.completed, SizeIs(3)) << "those that had begun, to their end, and no other";
  EXPECT_EQ(report.errors, 0) << report.first_error;
}

TEST(LoadGenerator, StopsWhenEverythingFails) {
  ScriptedEngine engine([](const Request&, Answer& answer) { answer.Json(400, R"({"detail":"no"})"); });
  LoadGenerator load(engine.port());
  const StepReport report = load.RunStep(Step(4, 1'000'000));
  EXPECT_TRUE(report.hopeless);
  EXPECT_GE(report.errors, 16);
  EXPECT_LE(report.errors, 20);
}

TEST(LoadGenerator, WithoutAnEngineItReportsThatNobodyListens) {
  LoadGenerator load(FreePort());
  const StepReport report = load.RunStep(Step(2, 1'000'000));
  EXPECT_TRUE(report.hopeless);
  EXPECT_THAT(report.first_error, HasSubstr("cannot connect: Connection refused"));
}

TEST(LoadGenerator, AnInterruptionEndsAStepAtOnce) {
  ScriptedEngine engine([](const Request&, Answer& answer) { answer.Wait(seconds(120)); });
  LoadGenerator load(engine.port());
  load.set_interrupted([&] { return engine.posts() == 3; });
  const StepReport report = load.RunStep(Step(3, 10));
  EXPECT_TRUE(report.interrupted);
  EXPECT_EQ(report.errors, 0) << "what was cut off is not the engine's error: " << report.first_error;
}

// Found under load: a timer of the event loop expired in the moment of the last answer, could not be cancelled any more
// and kept the step alive for ever.
TEST(LoadGenerator, AStepEndsThoughATimerExpiresWithItsLastAnswer) {
  std::atomic<bool> looked = false, answered = false;
  ScriptedEngine engine([&](const Request&, Answer& answer) {
    answer.Begin();
    answer.Text(" x");
    answer.Event(R"({"choices":[],"usage":{"prompt_tokens":16,"completion_tokens":1}})");
    answer.Event("[DONE]");
    while (!looked && answer.Wait(milliseconds(1))) {
    }
    answer.End();  // five bytes: read and understood in one turn of the loop
    answered = true;
  });
  LoadGenerator load(engine.port());
  // Holds the loop up until the answer and a timer are both due.
  load.set_interrupted([&] {
    looked = true;
    EXPECT_TRUE(Eventually([&] { return answered.load(); }));
    const auto due = std::chrono::steady_clock::now() + milliseconds(30);
    EXPECT_TRUE(Eventually([&] { return std::chrono::steady_clock::now() >= due; }));
    return false;
  });
  EXPECT_THAT(load.RunStep(Step(1, 1)).completed, SizeIs(1));
}

TEST(LoadGenerator, ASimulatedEngineSaysSo) {
  ScriptedEngine engine([](const Request&, Answer& answer) {
    answer.Begin("X-Simulated: true\r\n");
    answer.Text(" x");
    answer.Finish(16, 1);
  });
  LoadGenerator load(engine.port());
  EXPECT_TRUE(load.RunStep(Step(1, 1)).simulated);
}

TEST(LoadGenerator, MeasuresItsOwnLag) {
  ScriptedEngine engine(
      [](const Request&, Answer& answer) { answer.Completion(16, 3, milliseconds(20), milliseconds(20)); });
  LoadGenerator load(engine.port());
  const StepReport report = load.RunStep(Step(4, 16));
  EXPECT_GT(report.issue_lag.p99, 0);
  EXPECT_GT(report.loop_lag.p99, 0);
}

TEST(LoadGenerator, HundredsOfConnectionsAtOnce) {
  ScriptedEngine engine(
      [](const Request&, Answer& answer) { answer.Completion(16, 8, milliseconds(5), milliseconds(1)); });
  LoadGenerator load(engine.port());
  const StepReport report = load.RunStep(Step(300, 1200));
  EXPECT_THAT(report.completed, SizeIs(1200));
  EXPECT_EQ(report.errors, 0) << report.first_error;
  EXPECT_LE(engine.connections(), 300);
}

TEST(LoadGenerator, GetsADocument) {
  ScriptedEngine engine([](const Request& request, Answer& answer) {
    request.path == "/v1/models" ? answer.Json(200, "{}", "X-Simulated: true\r\n") : answer.Json(404, "no");
  });
  LoadGenerator load(engine.port());
  const auto models = load.Get("/v1/models", seconds(60));
  ASSERT_TRUE(models.ok()) << models.error().message;
  EXPECT_EQ(models->status, 200);
  EXPECT_EQ(models->body, "{}");
  EXPECT_TRUE(models->simulated);
  EXPECT_EQ(load.Get("/other", seconds(60))->status, 404);
  EXPECT_EQ(LoadGenerator(FreePort()).Get("/", seconds(60)).error().code, base::Code::kRetry);
}

}  // namespace
}  // namespace autotune::bench
