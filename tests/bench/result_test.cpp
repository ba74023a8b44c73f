#include "bench/result.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>

#include "bench/clean_text.h"

namespace autotune::bench {
namespace {

using measurement::Metric;
using measurement::Point;
using measurement::Statistic;
using testing::HasSubstr;

Point ExamplePoint(int concurrency) {
  Point point;
  point.scenario = "D(1024,128)";
  point.load = measurement::Concurrency(concurrency);
  point.window_seconds = 61.25;
  point.requests = 1987;
  point.errors = 3;
  point.errors_by_kind = {1, 0, 2, 0, 0, 0};
  point.censored = 1;
  point.input_tokens = 2'034'688;
  point.output_tokens = 254'336;
  point.output_tokens_per_second = 4152.43;
  point.output_tokens_per_second_ci = 12.25;
  point.requests_per_second = 32.4408;
  point.mean_concurrency = 31.5;
  point.saturated = true;
  point.standing_queue = true;
  point.ttft = {233.5, 230.25, 260.125, 270.5, 310.75};
  point.tpot = {4.83, 4.8, 5.1, 5.25, 6.125};
  point.itl = {4.82, 4.7, 5.2, 5.5, 9.125};
  point.e2e = {846.5, 840.125, 910.25, 930.5, 1020.75};
  point.lower_bounds.Add(Metric::kE2e, Statistic::kP99);
  point.relative_ci = {0.012, 0.003, 0.004, 0.01};
  point.attainment = 0.985;
  point.client_lag_p99 = 0.125;
  point.engine.running = 30.5;
  point.engine.kv_cache_use = 0.875;
  point.engine.preemptions = 0;
  point.verdict = measurement::Verdict::kMet;
  return point;
}

RunResult ExampleRun() {
  RunResult run;
  run.simulated = true;
  run.engine_version = "0.24.0";
  run.gpu_product = "NVIDIA H100 80GB HBM3";
  run.driver = "570.86.15";
  run.start_seconds = 79.5;
  run.measure_seconds = 312.25;
  run.points = {ExamplePoint(1), ExamplePoint(64)};
  run.points[0].role = measurement::PointRole::kReference;
  run.points[1].in_window = {{Metric::kTtft, Statistic::kP99, 250.5}, {Metric::kE2e, Statistic::kMean, 801.25}};
  run.outcomes = {{measurement::StopReason::kFound, 1}};
  run.warnings = {"the engine drafts tokens"};
  return run;
}

TEST(Result, ARunRoundTrips) {
  const auto decoded = DecodeRun(Encode(ExampleRun()));
  ASSERT_TRUE(decoded.ok()) << decoded.error().message;
  EXPECT_TRUE(decoded->simulated);
  EXPECT_EQ(decoded->engine_version, "0.24.0");
  EXPECT_EQ(decoded->gpu_product, "NVIDIA H100 80GB HBM3");
  EXPECT_EQ(decoded->driver, "570.86.15");
  EXPECT_EQ(decoded->start_seconds, 79.5);
  EXPECT_EQ(decoded->measure_seconds, 312.25);
  EXPECT_EQ(decoded->points, ExampleRun().points);
  EXPECT_EQ(decoded->outcomes, ExampleRun().outcomes);
  EXPECT_EQ(decoded->warnings, ExampleRun().warnings);
  EXPECT_FALSE(decoded->failure.has_value());
}

measurement::Quality ExampleQuality() {
  measurement::Quality quality;
  quality.text = "corpus-3";
  for (std::uint16_t i = 0; i < measurement::kQualityBlocks; ++i) {
    const auto print = static_cast<std::uint16_t>(97 * i);
    quality.blocks.push_back({measurement::TextKind::kLong, 1, 2.3134256 + 0.1 * i, {print, 0xfff, 0}, 3.1 + 0.1 * i});
  }
  quality.answers.assign(measurement::kGreedyPrompts, measurement::MakeGreedyAnswer("an answer", "an answer"));
  quality.passes = measurement::QuestionResults{"exam.jsonl#0123abcd", std::vector<bool>(100, true)};
  return quality;
}

TEST(Result, QualityRoundTripsWithAllItsDigits) {
  RunResult run = ExampleRun();
  run.points.assign(3, ExamplePoint(1));
  run.quality = ExampleQuality();
  auto decoded = DecodeRun(Encode(run));
  ASSERT_TRUE(decoded.ok()) << decoded.error().message;
  EXPECT_EQ(decoded->points, run.points);
  ASSERT_TRUE(decoded->quality.has_value());
  EXPECT_EQ(decoded->quality->text, "corpus-3");
  EXPECT_EQ(decoded->quality->answers, run.quality->answers);
  EXPECT_EQ(decoded->quality->passes, run.quality->passes);
  ASSERT_EQ(decoded->quality->blocks.size(), measurement::kQualityBlocks);
  for (std::size_t i = 0; i < measurement::kQualityBlocks; ++i) {
    EXPECT_NEAR(decoded->quality->blocks[i].nll, run.quality->blocks[i].nll, 1e-6);
    EXPECT_EQ(decoded->quality->blocks[i].prints, run.quality->blocks[i].prints);
    EXPECT_NEAR(*decoded->quality->blocks[i].turned, *run.quality->blocks[i].turned, 1e-6);
  }

  run.quality.reset();
  run.quality_problem = "HTTP 500: \"x\"";
  decoded = DecodeRun(Encode(run));
  ASSERT_TRUE(decoded.ok()) << decoded.error().message;
  EXPECT_FALSE(decoded->quality.has_value());
  EXPECT_EQ(decoded->quality_problem, run.quality_problem);
}

TEST(Result, AFailureKeepsThePointsBeforeIt) {
  RunResult run = ExampleRun();
  run.failure = Failure{FailureReason::kEngineCrashed, "RuntimeError: \"mat1\" and mat2\\x", 137, 0};
  const auto decoded = DecodeRun(Encode(run));
  ASSERT_TRUE(decoded.ok()) << decoded.error().message;
  EXPECT_EQ(decoded->points.size(), 2u);
  ASSERT_TRUE(decoded->failure.has_value());
  EXPECT_EQ(decoded->failure->reason, FailureReason::kEngineCrashed);
  EXPECT_EQ(decoded->failure->message, "RuntimeError: \"mat1\" and mat2\\x");
  EXPECT_EQ(decoded->failure->exit_code, 137);
}

TEST(Result, SaysWhetherTheMachineFailed) {
  RunResult result;
  result.failure = Failure{FailureReason::kEngineCrashed, "NCCL error", 1, 0, true};
  EXPECT_TRUE(DecodeRun(Encode(result))->failure->machine);
  result.failure->machine = false;
  EXPECT_EQ(Encode(result).find("machine"), std::string::npos) << "as earlier versions wrote it";
  EXPECT_FALSE(DecodeRun(Encode(result))->failure->machine);
}

TEST(Result, AnInspectionRoundTrips) {
  InspectResult inspect;
  inspect.model.architecture = "LlamaForCausalLM";
  inspect.model.layers = 32;
  inspect.model.weight_bytes = 16'060'522'496;
  inspect.model.notes = {"two methods declared"};
  const auto decoded = DecodeInspect(Encode(inspect));
  ASSERT_TRUE(decoded.ok()) << decoded.error().message;
  EXPECT_EQ(decoded->model, inspect.model);
  EXPECT_EQ(decoded->datasets_read, "");

  EXPECT_EQ(decoded->choice_questions, 0);

  inspect.datasets_read = "exam.jsonl: 1 question: 1 by choices (likelihood)";
  inspect.choice_questions = 1;
  EXPECT_EQ(DecodeInspect(Encode(inspect))->datasets_read, inspect.datasets_read);
  EXPECT_EQ(DecodeInspect(Encode(inspect))->choice_questions, 1);
  EXPECT_EQ(DecodeInspect(Encode(inspect))->model, inspect.model);

  inspect.dataset_problem = "spec.quality.dataset: exam.jsonl:3: not JSON: {\xff";
  const auto problem = DecodeInspect(Encode(inspect));
  ASSERT_TRUE(problem.ok()) << problem.error().message;
  EXPECT_THAT(problem->dataset_problem, testing::StartsWith("spec.quality.dataset: exam.jsonl:3: not JSON"));

  inspect.dataset_problem =
      "exam.jsonl:3: x; 299 more rows cannot be read: sed '" + std::string(1200, '7') + "' FILE > OUT";
  EXPECT_EQ(DecodeInspect(Encode(inspect))->dataset_problem, inspect.dataset_problem) << "a command stays whole";
  inspect.dataset_problem = std::string(4000, '"');
  EXPECT_TRUE(DecodeInspect(Encode(inspect)).ok());

  inspect.failure = Failure{FailureReason::kModelUnreadable, "gated", 0, 403};
  const auto failed = DecodeInspect(Encode(inspect));
  ASSERT_TRUE(failed.ok()) << failed.error().message;
  ASSERT_TRUE(failed->failure.has_value());
  EXPECT_EQ(failed->failure->http_status, 403);
}

TEST(Result, ReasonsAreSpelledAsInTheApiAndReadBack) {
  using R = FailureReason;
  for (const R reason : {R::kEngineRejectedArguments, R::kEngineRejectedConfiguration, R::kOutOfMemory,
                         R::kStartupTimeout, R::kExperimentTimeout, R::kEngineCrashed, R::kBenchmarkFailed,
                         R::kClientBound, R::kModelUnreadable, R::kImagePullFailed, R::kInvalidPodConfiguration,
                         R::kUnschedulable, R::kStorageLimitExceeded, R::kEvicted, R::kNodeLost}) {
    EXPECT_EQ(FailureReasonFromName(FailureReasonName(reason)), reason);
  }
  EXPECT_EQ(FailureReasonName(R::kEngineRejectedArguments), "EngineRejectedArguments");
  EXPECT_EQ(FailureReasonFromName("kEvicted"), std::nullopt);
  EXPECT_TRUE(IsRetryable(R::kNodeLost));
  EXPECT_TRUE(IsRetryable(R::kClientBound)) << "another node may be less busy";
  EXPECT_FALSE(IsRetryable(R::kEngineCrashed));
}

void ExpectFitting(const std::string& document) {
  EXPECT_LE(document.size(), kMaxBytes) << document;
  EXPECT_EQ(document.find('\n'), std::string::npos);
  EXPECT_EQ(CleanText(document, document.size() + 10), document) << "not clean UTF-8";
}

RunResult HugeRun(const std::string& text) {
  RunResult run;
  run.engine_version = run.gpu_product = run.driver = text;
  run.start_seconds = run.measure_seconds = std::numeric_limits<double>::max();
  for (std::size_t i = 0; i < 2 * kMaxPoints; ++i) {
    Point point = ExamplePoint(std::numeric_limits<int>::max());
    point.scenario = "N(1234567,1234567)/(1234567,1234567) " + std::to_string(i);
    point.requests = point.errors = std::numeric_limits<std::int64_t>::max();
    point.errors_by_kind.fill(std::numeric_limits<std::int64_t>::max());
    point.input_tokens = point.output_tokens = 123'456'789'012'345'678;
    point.window_seconds = point.output_tokens_per_second = point.requests_per_second = 1.2345678e300;
    point.ttft = point.tpot = point.itl = {0.0012345678, 0.0012345678, 0.0012345678, 0.0012345678, 0.0012345678};
    point.e2e = {1.2345678e-300, 1.2345678e60, 1.2345678e60, 1.2345678e60, 1.2345678e60};
    point.relative_ci.fill(1.2345678e60);
    for (const Metric metric : measurement::kMetrics) {
      for (const Statistic statistic : measurement::kStatistics) {
        point.in_window.push_back({metric, statistic, 1.2345678e60});
      }
    }
    point.engine = {1e60, 1e60, 1e60, 1e60, 1e60, 1e60};
    point.verdict = measurement::Verdict::kShortAnswers;
    run.points.push_back(point);
    run.outcomes.push_back({measurement::StopReason::kLadderDone, i});
  }
  run.warnings.assign(30, text);
  run.failure = Failure{FailureReason::kEngineRejectedConfiguration, text, std::numeric_limits<int>::min(),
                        std::numeric_limits<int>::min()};
  return run;
}

TEST(Result, FitsWhateverItIsGiven) {
  for (const std::string unit : {"a", "\"", "\\", "\n", "\x01", "\xff", "数", "😀", "\"数", "\x1b[31m"}) {
    std::string text;
    while (text.size() < 20'000) text += unit;
    const RunResult run = HugeRun(text);
    const std::string document = Encode(run);
    ExpectFitting(document);
    const auto decoded = DecodeRun(document);
    ASSERT_TRUE(decoded.ok()) << decoded.error().message << "\n" << document;
    EXPECT_GE(decoded->points.size(), 5u);
    EXPECT_GE(decoded->failure->message.size(), std::min<std::size_t>(CleanText(text, 9999).size(), 60));

    RunResult measured = HugeRun(text);  // quality is measured where nothing failed
    measured.failure.reset();
    measured.quality = ExampleQuality();
    measured.quality->text = measured.quality->passes->dataset = text;
    measured.quality->passes->passed.assign(measurement::kMostQuestions, true);
    for (auto& block : measured.quality->blocks) block.nll = std::numeric_limits<double>::max();
    ExpectFitting(Encode(measured));
    EXPECT_TRUE(DecodeRun(Encode(measured)).ok());
    measured.quality.reset();
    measured.quality_problem = text;
    ExpectFitting(Encode(measured));
    EXPECT_TRUE(DecodeRun(Encode(measured)).ok());

    InspectResult inspect;
    inspect.model.architecture = inspect.model.quantization = inspect.model.family = text;
    inspect.model.dtype = inspect.model.kv_cache = text;
    inspect.model.vocab_size = inspect.model.weight_bytes = std::numeric_limits<std::int64_t>::max();
    inspect.model.notes.assign(500, text);
    ExpectFitting(Encode(inspect));
    EXPECT_TRUE(DecodeInspect(Encode(inspect)).ok());
    inspect.failure = Failure{FailureReason::kModelUnreadable, text, 0, 401};
    ExpectFitting(Encode(inspect));
    EXPECT_TRUE(DecodeInspect(Encode(inspect)).ok());
  }
}

// What a search leaves: all that it found, and why.
TEST(Result, RealisticPointsKeepTheirDigitsAndWhatExplainsThem) {
  RunResult run = ExampleRun();
  run.points.clear();
  for (int i = 0; i < 6; ++i) run.points.push_back(ExamplePoint(1 << i));
  run.quality = ExampleQuality();
  for (measurement::QualityBlock& block : run.quality->blocks) block.turned.reset();
  std::string document = Encode(run);
  ExpectFitting(document);
  auto decoded = DecodeRun(document);
  ASSERT_TRUE(decoded.ok()) << decoded.error().message;
  EXPECT_EQ(decoded->points, run.points);

  // The baseline's, which is asked for all of the corpus twice: four digits of everything.
  run.quality = ExampleQuality();
  document = Encode(run);
  ExpectFitting(document);
  decoded = DecodeRun(document);
  ASSERT_TRUE(decoded.ok()) << decoded.error().message;
  ASSERT_EQ(decoded->points.size(), run.points.size());
  for (std::size_t i = 0; i < run.points.size(); ++i) {
    const Point &read = decoded->points[i], &written = run.points[i];
    EXPECT_NEAR(read.Get(Metric::kTtft).Get(Statistic::kP95) / written.Get(Metric::kTtft).Get(Statistic::kP95), 1,
                1e-3);
    EXPECT_EQ(read.engine.kv_cache_use, 0.875);
  }
}

TEST(Result, TheMostPointsKeepTheirNumbersAndTheBestWhatExplainsIt) {
  RunResult run = ExampleRun();
  run.points.clear();
  for (std::size_t i = 0; i < kMaxPoints; ++i) run.points.push_back(ExamplePoint(1 << i));
  run.outcomes = {{measurement::StopReason::kFound, 7}};
  run.failure = Failure{FailureReason::kExperimentTimeout, std::string(100, 'm'), 0, 0};
  const std::string document = Encode(run);
  ExpectFitting(document);
  const auto decoded = DecodeRun(document);
  ASSERT_TRUE(decoded.ok()) << decoded.error().message;
  ASSERT_EQ(decoded->points.size(), kMaxPoints);
  for (std::size_t i = 0; i < kMaxPoints; ++i) {
    const Point &read = decoded->points[i], &written = run.points[i];
    EXPECT_EQ(read.load, written.load);
    EXPECT_EQ(read.verdict, written.verdict);
    EXPECT_EQ(read.requests, written.requests);
    EXPECT_EQ(read.input_tokens, written.input_tokens) << "what explains a point may go, and its prices stay";
    EXPECT_NEAR(read.output_tokens_per_second / written.output_tokens_per_second, 1, 1e-3);
    for (const Metric metric : measurement::kMetrics) {
      for (const Statistic statistic : measurement::kStatistics) {
        EXPECT_NEAR(read.Get(metric).Get(statistic) / written.Get(metric).Get(statistic), 1, 5e-3);
      }
    }
  }
  EXPECT_EQ(decoded->points[7].engine.kv_cache_use, 0.875);
  EXPECT_EQ(decoded->outcomes, run.outcomes);
  EXPECT_EQ(decoded->failure->message, run.failure->message);
}

TEST(Result, BeyondTheMostTheOldestThatAreNoScenariosBestAreLeftOut) {
  RunResult run = ExampleRun();
  run.points.clear();
  for (int i = 0; i < 15; ++i) run.points.push_back(ExamplePoint(i + 1));
  run.outcomes = {{measurement::StopReason::kFound, 1}, {measurement::StopReason::kCannotWin, std::nullopt}};
  const auto decoded = DecodeRun(Encode(run));
  ASSERT_TRUE(decoded.ok()) << decoded.error().message;
  ASSERT_EQ(decoded->points.size(), kMaxPoints);
  EXPECT_EQ(decoded->points[0].load.value, 2) << "1 is gone, 2 is the best";
  EXPECT_EQ(decoded->points[1].load.value, 5);
  ASSERT_EQ(decoded->outcomes.size(), 2u);
  EXPECT_EQ(decoded->outcomes[0].best, 0u) << "where it is now";
  EXPECT_EQ(decoded->outcomes[1].best, std::nullopt);
}

TEST(Result, AnotherVersionsDocumentNamesWhatIsDifferent) {
  const std::string payload =
      R"({"kind":"run","simulated":false,"engine":"","gpu":"","start":0,"measure":0,"loads":[]})";
  const std::string document = Encode(RunResult{});
  EXPECT_TRUE(DecodeRun(document).ok());
  char frame[32];
  std::snprintf(frame, sizeof frame, "AT1 %zu %s ", payload.size(), "dc1a527b");
  EXPECT_EQ(DecodeRun(frame + payload).error().message,
            "result document of another version of autotune-bench: scenarios is missing or of another type");
}

TEST(Result, RandomDocumentsFitAndReadBack) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 400; ++round) {
    std::string text(random() % 4000, '\0');
    for (char& c : text) c = random() % 3 == 0 ? static_cast<char>(random()) : "\"\\ax"[random() % 4];
    RunResult run = HugeRun(text);
    run.points.resize(random() % (kMaxPoints + 1));
    run.outcomes.clear();
    for (Point& point : run.points) {
      point = ExamplePoint(static_cast<int>(random() % 1000));
      for (measurement::Latency* latency : {&point.ttft, &point.tpot, &point.itl, &point.e2e}) {
        latency->p99 = std::ldexp(1.0 + static_cast<double>(random() % 1000) / 7, static_cast<int>(random() % 30));
      }
      point.output_tokens = static_cast<std::int64_t>(random() >> (1 + random() % 60));
    }
    if (random() % 2 == 0) run.failure.reset();
    const std::string document = Encode(run);
    ExpectFitting(document);
    const auto decoded = DecodeRun(document);
    ASSERT_TRUE(decoded.ok()) << decoded.error().message;
    ASSERT_LE(decoded->points.size(), run.points.size());
    const std::size_t dropped = run.points.size() - decoded->points.size();
    for (std::size_t i = 0; i < decoded->points.size(); ++i) {
      EXPECT_NEAR(decoded->points[i].ttft.p99 / run.points[i + dropped].ttft.p99, 1, 0.006);
    }
  }
}

TEST(Result, NumbersThatJsonLacksBecomeZero) {
  RunResult run = ExampleRun();
  run.points[0].ttft.p99 = std::numeric_limits<double>::quiet_NaN();
  run.points[0].ttft.p95 = -std::numeric_limits<double>::infinity();
  const auto decoded = DecodeRun(Encode(run));
  ASSERT_TRUE(decoded.ok()) << decoded.error().message;
  EXPECT_EQ(decoded->points[0].ttft.p99, 0);
  EXPECT_EQ(decoded->points[0].ttft.p95, 0);
}

// What a kubelet does to a message that is too long for the number of containers in the pod.
TEST(Result, ACutDocumentIsAlwaysNoticed) {
  const std::string whole = Encode(ExampleRun());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto decoded = DecodeRun(std::string_view(whole).substr(0, size));
    ASSERT_FALSE(decoded.ok()) << size;
    EXPECT_EQ(decoded.error().code, base::Code::kInvalid);
    EXPECT_THAT(decoded.error().message, HasSubstr(size < 5 ? "not a result document" : "truncated")) << size;
  }
}

TEST(Result, AFlippedByteIsAlwaysNoticed) {
  const std::string whole = Encode(ExampleRun());
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    EXPECT_FALSE(DecodeRun(damaged).ok()) << damaged.substr(0, 40) << " at " << at;
  }
}

TEST(Result, AForeignMessageSaysWhatItIs) {
  const auto decoded = DecodeRun("panic: runtime error\ngoroutine 1");
  ASSERT_FALSE(decoded.ok());
  EXPECT_EQ(decoded.error().message, "not a result document: \"panic: runtime error goroutine 1\"");
  EXPECT_THAT(DecodeInspect(Encode(ExampleRun())).error().message,
              HasSubstr("not a result of `autotune-bench inspect`"));
  EXPECT_FALSE(DecodeRun("").ok());
}

// The frame is fixed (another language must be able to check it): CRC-32 as zlib's, over the JSON text.
TEST(Result, TheFrameIsMagicLengthAndChecksum) {
  EXPECT_EQ(
      Encode(RunResult{}),
      "AT1 116 e7213b8c {\"kind\":\"run\",\"simulated\":false,\"engine\":\"\",\"gpu\":\"\",\"start\":0,\"measure\":0,"
      "\"scenarios\":[],\"points\":[],\"outcomes\":[]}");
}

}  // namespace
}  // namespace autotune::bench
