#include "cli/diagnose.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "cli/remedies.h"

namespace autotune::cli {
namespace {

using bench::FailureReason;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Diagnose, FindsTheCauseBeforeTheEngineWasReady) {
  const Diagnosis diagnosis = Diagnose(
      "(EngineCore pid=71) ERROR 11-22 15:53:02 [core.py:842] torch.OutOfMemoryError: CUDA out of memory. Tried to "
      "allocate 2.00 GiB.\n(APIServer pid=1) RuntimeError: Engine core initialization failed. See root cause above.\n",
      1);
  EXPECT_EQ(diagnosis.failure.reason, FailureReason::kOutOfMemory);
  EXPECT_THAT(diagnosis.failure.message, HasSubstr("Tried to allocate 2.00 GiB"));
  EXPECT_EQ(diagnosis.was_ready, false);
  EXPECT_TRUE(diagnosis.certain);
  EXPECT_THAT(DiagnosisText(diagnosis), HasSubstr("OutOfMemory, before the engine was ready"));
}

TEST(Diagnose, ForgetsWhatTheEngineSurvived) {
  const Diagnosis diagnosis = Diagnose(
      "ImportError: no flash_attn, falling back\nINFO:     Application startup complete.\n"
      "torch.AcceleratorError: CUDA error: an illegal memory access was encountered\n",
      1);
  EXPECT_EQ(diagnosis.failure.reason, FailureReason::kEngineCrashed);
  EXPECT_THAT(diagnosis.failure.message, HasSubstr("illegal memory access"));
  EXPECT_EQ(diagnosis.was_ready, true);
}

// Its web server starts before the first answer of the model.
TEST(Diagnose, SglangIsReadyWhenItSaysSo) {
  const std::string log =
      "sglang is starting\nINFO:     Application startup complete.\nValueError: the warm-up request failed\n";
  EXPECT_EQ(Diagnose(log, 1).was_ready, std::nullopt);
  EXPECT_EQ(Diagnose("The server is fired up and ready to roll!\n" + log, 1).was_ready, true);
}

// `kubectl logs --tail` and pasted logs begin later than the engine.
TEST(Diagnose, SeesFromThePartOfALogWhetherTheEngineServed) {
  const std::string error = "AssertionError: External KV connector is not verified yet\n";
  const struct {
    const char* lines;
    std::optional<bool> was_ready;
  } kCases[] = {
      {"(APIServer pid=1) INFO:     10.0.0.7:41522 - \"POST /v1/chat/completions HTTP/1.1\" 200 OK\n", true},
      {"INFO:     127.0.0.1:46222 - \"POST /v1/completions HTTP/1.1\" 500 Internal Server Error\n", true},
      {"(APIServer pid=1) INFO 06-12 18:19:55 [loggers.py:257] Engine 000: Avg prompt throughput: 2487.8 tokens/s\n",
       true},
      {"[2026-09-02 11:12:12 TP0] Decode batch, #running-req: 9, gen throughput (token/s): 311.2\n", true},
      {"(EngineCore pid=210) ERROR 06-12 18:20:01 [core.py:1167] EngineCore encountered a fatal error.\n", true},
      {"  File \"vllm/v1/engine/core.py\", line 862, in run_busy_loop\n    self._process_engine_step()\n", true},
      {"(EngineCore pid=210) ERROR 06-12 18:20:01 [core.py:1167] EngineCore failed to start.\n", false},
      {"[2026-09-02 10:05:00 TP0] Load weight begin. avail mem=77.97 GB\n", false},
      {"INFO:     1.2.3.4:5 - \"POST /v1/completions HTTP/1.1\" 200 OK\nINFO [x.py:1] vLLM API server version 0.24.0\n",
       false},
      {"", std::nullopt},
      {"INFO:     1.2.3.4:5 - \"GET /metrics HTTP/1.1\" 404 Not Found\n", std::nullopt},
  };
  for (const auto& row : kCases) {
    const Diagnosis diagnosis = Diagnose(row.lines + error, std::nullopt);
    EXPECT_EQ(diagnosis.was_ready, row.was_ready) << row.lines;
    EXPECT_EQ(diagnosis.failure.reason,
              row.was_ready == true ? FailureReason::kEngineCrashed : FailureReason::kEngineRejectedConfiguration)
        << row.lines;
    EXPECT_THAT(diagnosis.failure.message, HasSubstr("External KV connector")) << row.lines;
    EXPECT_EQ(diagnosis.reason_if_ready.has_value(), !row.was_ready.has_value()) << row.lines;
  }
  const Diagnosis unknown = Diagnose(error, std::nullopt);
  EXPECT_THAT(
      DiagnosisText(unknown),
      HasSubstr("EngineRejectedConfiguration; not known whether the engine was ready (if it was: EngineCrashed)"));
  EXPECT_TRUE(DiagnosisJson(unknown)["wasReady"].is_null());
}

TEST(Diagnose, ForgetsTheErrorsOfTheContainersEarlierRun) {
  const Diagnosis diagnosis = Diagnose(
      "INFO:     Application startup complete.\ntorch.AcceleratorError: CUDA error: an illegal memory access\n"
      "INFO [x.py:1] vLLM API server version 0.24.0\nValueError: of this start\n",
      1);
  EXPECT_EQ(diagnosis.failure.message, "ValueError: of this start");
}

TEST(Diagnose, ShowsTheNextErrorToo) {
  const Diagnosis diagnosis = Diagnose(
      "host:311:405 [0] transport/net_ib.cc:199 NCCL WARN NET/IB : mlx5_32:1 Got async error event: port error\n"
      "RuntimeError: BAD_STATUS\nvllm.v1.engine.exceptions.EngineDeadError: EngineCore encountered an issue.\n",
      1);
  EXPECT_TRUE(diagnosis.failure.machine);
  EXPECT_EQ(diagnosis.also, "RuntimeError: BAD_STATUS");
  EXPECT_THAT(DiagnosisText(diagnosis), HasSubstr("Also:     RuntimeError: BAD_STATUS\n"));
  EXPECT_EQ(Diagnose("ValueError: alone\n", 1).also, "");
}

TEST(Diagnose, InventsNeitherATimeNorAnExitCode) {
  const std::string message = Diagnose("loading\n", std::nullopt).failure.message;
  EXPECT_EQ(message, "the engine ended; its last line: loading");
  EXPECT_EQ(Diagnose("loading\n", 3).failure.message, "the engine ended with exit code 3; its last line: loading");
}

TEST(Diagnose, PrintsTheRemedyOfThePage) {
  for (const char* name : {"EngineRejectedArguments", "EngineRejectedConfiguration", "OutOfMemory", "StartupTimeout",
                           "EngineCrashed", "BenchmarkFailed", "Evicted", "NodeLost"}) {
    EXPECT_NE(RemedyOf(*bench::FailureReasonFromName(name)), "") << name;
  }
  const Diagnosis memory = Diagnose("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.\n", 1);
  EXPECT_THAT(DiagnosisText(memory), HasSubstr("Remedy:   GPU: more GPUs (`parallelConfig`)"));
  EXPECT_THAT(RemedyOf(FailureReason::kBenchmarkFailed), Not(HasSubstr("](")));
}

TEST(Diagnose, ExplainsCrypticMessages) {
  EXPECT_THAT(MeaningOf("RuntimeError: The size of tensor a (2048) must match the size of tensor b (1024) at x"),
              HasSubstr("belong to different models"));
  EXPECT_EQ(MeaningOf("ValueError: something"), "");
  EXPECT_THAT(DiagnosisText(Diagnose("Memory access fault by GPU node-3 (Agent handle: 0x1) on address 0x2.\n", 134)),
              HasSubstr("Meaning:  ROCm: a kernel read or wrote memory that is not its own"));
}

TEST(Diagnose, SaysThatALogHasNoError) {
  const Diagnosis diagnosis = Diagnose("INFO loading weights\n", 137);
  EXPECT_FALSE(diagnosis.certain);
  EXPECT_EQ(diagnosis.failure.exit_code, 137);
  EXPECT_THAT(DiagnosisText(diagnosis), HasSubstr("No line of the log names an error"));
}

TEST(Diagnose, AMachinesFailureIsRetried) {
  const Diagnosis diagnosis = Diagnose("RuntimeError: CUDA error: uncorrectable ECC error encountered\n", 1);
  const nlohmann::json json = DiagnosisJson(diagnosis);
  EXPECT_EQ(json["machine"], true);
  EXPECT_EQ(json["retried"], true);
  EXPECT_THAT(DiagnosisText(diagnosis), Not(HasSubstr("not retried")));
}

}  // namespace
}  // namespace autotune::cli
