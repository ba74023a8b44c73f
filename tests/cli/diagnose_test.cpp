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

// Logs that somebody passed on: kubectl, docker compose, services, programs that start the engine, reports.
TEST(Diagnose, ReadsBehindThePrefixOfWhoeverPassedTheLogOn) {
  const std::string vllm =
      "(EngineCore_DP0 pid=268) INFO 09-16 20:56:51 [cuda.py:362] Using Flash Attention backend.\n"
      "(EngineCore_DP0 pid=268) ERROR 09-16 20:57:00 [core.py:718] EngineCore failed to start.\n"
      "(EngineCore_DP0 pid=268) ERROR 09-16 20:57:00 [core.py:718] Traceback (most recent call last):\n"
      "(EngineCore_DP0 pid=268) ERROR 09-16 20:57:00 [core.py:718]     param = params_dict[name]\n"
      "(EngineCore_DP0 pid=268) ERROR 09-16 20:57:00 [core.py:718] KeyError: 'layers.35.mlp.gate.g_idx'\n"
      "(APIServer pid=1) RuntimeError: Engine core initialization failed. See root cause above.\n";
  const std::string sglang =
      "[2025-03-07 23:50:27 TP0] Load weight begin. avail mem=22.46 GB\n"
      "[2025-03-07 23:50:28 TP0] Scheduler hit an exception: Traceback (most recent call last):\n"
      "  File \"/sglang/srt/managers/scheduler.py\", line 2555, in run_scheduler_process\n"
      "    scheduler = Scheduler(\n"
      "RuntimeError: Not enough memory. Please try to increase --mem-fraction-static.\n"
      "\n"
      "[2025-03-07 23:50:28] Received sigquit from a child process. It usually means the child failed.\n";
  const std::string trtllm =
      "[08/11/2025-23:50:01] [TRT-LLM] [I] Prefetching 29.07GB checkpoint files.\n"
      "[08/11/2025-23:50:40] [TRT-LLM] [E] Traceback (most recent call last):\n"
      "  File \"/x/executor/worker.py\", line 690, in worker_main\n"
      "ValueError: unknown architecture\n";
  for (const char* prefix :
       {"", "[VLLM LOG] ", "[pod/vllm-0/engine] ", "vllm  | ", "vllm-1  | ", "engine: ", "[engine] ", "> ", "\u2502 ",
        "    ", "decode-0 modelserver ", "2026-06-09 14:01:54.604 [Info] (Process) ", "2026/03/04 10:31:59 [stderr] ",
        "10:31:59.123 | ", "2025-03-07 23:50:27,531 - __main__ - INFO - ", "2026-06-09T14:01:54.604123456Z ",
        "Aug 17 18:42:18 host vllm[8052]: ", "(SGLangWorker pid=38138) ", "[36mvllm_1 |[0m "}) {
    const auto passed_on = [&](const std::string& log) {
      std::string out;
      for (std::size_t at = 0; at < log.size();) {
        const std::size_t end = log.find('\n', at) + 1;
        out += prefix + log.substr(at, end - at);
        at = end;
      }
      return Diagnose(out, 1).failure.message;
    };
    EXPECT_EQ(passed_on(vllm), "KeyError: 'layers.35.mlp.gate.g_idx'") << prefix;
    EXPECT_EQ(passed_on(sglang), "RuntimeError: Not enough memory. Please try to increase --mem-fraction-static.")
        << prefix;
    EXPECT_EQ(passed_on(trtllm), "ValueError: unknown architecture") << prefix;
  }
}

// Consoles of clusters show, and export, the newest line first.
TEST(Diagnose, ReadsALogThatIsNewestFirst) {
  const std::string newest_first =
      "ERROR 2025-04-07T19:13:52.541718006Z ./entrypoint.sh: line 48: 27 Killed python3 -m sglang.launch_server\n"
      "ERROR 2025-04-07T19:13:52.318307161Z [2025-04-07 19:13:52] Received sigquit from a child process.\n"
      "ERROR 2025-04-07T19:13:52.317869663Z AssertionError\n"
      "ERROR 2025-04-07T19:13:52.317867517Z     assert num_heads % tp_size == 0\n"
      "ERROR 2025-04-07T19:13:52.317865848Z   File \"llama.py\", line 508, in load_weights\n"
      "ERROR 2025-04-07T19:13:51.000000000Z Traceback (most recent call last):\n";
  EXPECT_EQ(Diagnose(newest_first, std::nullopt).failure.message, "AssertionError: assert num_heads % tp_size == 0");
  // Two processes may write a moment apart.
  const std::string usual =
      "2025-04-07T19:13:52.300Z a\n2025-04-07T19:13:52.200Z b\n2025-04-07T19:13:52.100Z ValueError: first\n"
      "2025-04-07T19:13:53.100Z ValueError: second\n2025-04-07T19:13:53.000Z c\n2025-04-07T19:13:54.000Z d\n";
  EXPECT_EQ(Diagnose(usual, std::nullopt).failure.message, "ValueError: first");
}

TEST(Diagnose, ReadsBehindAPrefixThatOnlyATracebackShows) {
  std::string log;
  for (const char* line : {"Traceback (most recent call last):", "  File \"a.py\", line 1, in get", "    f(x)",
                           "  File \"b.py\", line 2, in f", "    raise ValueError(x)", "ValueError: not possible"})
    log += "duuu9mr59pks4j[info]" + std::string(line) + "\\n\n";
  EXPECT_EQ(Diagnose(log, std::nullopt).failure.message, "ValueError: not possible");
}

TEST(Diagnose, TakesNoTextForAPrefix) {
  // Few lines begin so, or the engine's own words stand before another engine's.
  const std::string log =
      "RuntimeError: worker (Worker pid=7) did not answer\n"
      "RuntimeError: worker (Worker pid=8) did not answer\n"
      "INFO:     Started server process [1]\n"
      "INFO:     Waiting for application startup.\n";
  EXPECT_THAT(Diagnose(log, 1).failure.message, HasSubstr("RuntimeError: worker"));
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

TEST(Diagnose, BatchesOfClientsShowThatSglangServed) {
  const std::string error =
      "[2026-09-21 06:38:26 TP0] Scheduler hit an exception: Traceback (most recent call last):\n"
      "AssertionError: Not enough slots for the state, try to increase --mamba-full-memory-ratio.\n";
  const Diagnosis loaded = Diagnose(
      "[2026-09-21 06:38:25 TP0] Prefill batch, #new-seq: 1, #running-req: 1, #queue-req: 2, mamba usage: 0.29\n" +
          error,
      std::nullopt);
  EXPECT_EQ(loaded.was_ready, true);
  EXPECT_EQ(loaded.failure.reason, FailureReason::kEngineCrashed);
  EXPECT_THAT(DiagnosisText(loaded),
              HasSubstr("Remedy:   increase --mamba-full-memory-ratio, as the message says. In "));
  EXPECT_EQ(
      Diagnose(
          "[2026-09-21 06:38:25] Decode batch. #running-req: 2, #token: 90, gen throughput (token/s): 9.1\n" + error,
          std::nullopt)
          .was_ready,
      true);
  EXPECT_EQ(
      Diagnose("Prefill batch. #new-seq: 1, #new-token: 9, #running-req: 0, #queue-req: 3\n" + error, std::nullopt)
          .was_ready,
      true);
  // The server's own first request, before it is ready.
  EXPECT_NE(
      Diagnose("Prefill batch. #new-seq: 1, #new-token: 9, #running-req: 0, #queue-req: 0\n" + error, std::nullopt)
          .was_ready,
      true);
}

TEST(Diagnose, AdviceIsWhatTheMessageAdvises) {
  EXPECT_EQ(AdviceOf("Not enough memory. Please try increasing --mem-fraction-static."),
            "increasing --mem-fraction-static");
  EXPECT_EQ(
      AdviceOf("KV cache is too small, decrease `--max-model-len` or increase the --gpu-memory-utilization value."),
      "decrease --max-model-len, increase --gpu-memory-utilization");
  EXPECT_EQ(
      AdviceOf("Try increasing `gpu_memory_utilization` or decreasing `max_model_len` when initializing the engine."),
      "increasing --gpu-memory-utilization, decreasing --max-model-len");
  EXPECT_EQ(AdviceOf("Try increasing `memory` or the use of `__init__`, or `torch.empty`."), "");
  EXPECT_EQ(AdviceOf("error: unrecognized arguments: --swap-space 16"), "");
}

// Arguments of Python functions, and flags of other programs, are none of the engine's.
TEST(Diagnose, AdviceNamesOnlyFlagsOfTheEngine) {
  EXPECT_EQ(AdviceOf("Repo id must be in the form 'namespace/repo_name'. Use `repo_type` argument if needed."), "");
  EXPECT_EQ(AdviceOf("Use `torch_dtype` argument if needed."), "");
  EXPECT_EQ(AdviceOf("try increasing --shm-size"), "");
  const std::string advice = "Try to increase --mamba-full-memory-ratio.";
  EXPECT_EQ(AdviceOf(advice, {"sglang"}), "increase --mamba-full-memory-ratio");
  EXPECT_EQ(AdviceOf(advice, {"vllm"}), "");
  EXPECT_EQ(AdviceOf("Try increasing `max_num_tokens`.", {"tensorrt-llm"}), "increasing --max_num_tokens");
}

TEST(Diagnose, AnAssertionWithoutATextSaysLessThanTheError) {
  EXPECT_THAT(Diagnose("/aten/src/ATen/native/cuda/TensorCompare.cu:112: _assert_async_cuda_kernel: block: [0,0,0], "
                       "thread: [0,0,0] Assertion `` failed.\n"
                       "torch.AcceleratorError: CUDA error: device-side assert triggered\n",
                       std::nullopt)
                  .failure.message,
              HasSubstr("AcceleratorError"));
  EXPECT_THAT(Diagnose("/aten/src/ATen/native/cuda/Indexing.cu:1553: indexSelectLargeIndex: block: [0,0,0], thread: "
                       "[0,0,0] Assertion `srcIndex < srcSelectDimSize` failed.\n"
                       "torch.AcceleratorError: CUDA error: device-side assert triggered\n",
                       std::nullopt)
                  .failure.message,
              HasSubstr("srcIndex < srcSelectDimSize"));
}

// Its web server starts before the first answer of the model.
TEST(Diagnose, SglangIsReadyWhenItSaysSo) {
  const std::string log =
      "sglang is starting\nINFO:     Application startup complete.\nValueError: the warm-up request failed\n";
  EXPECT_EQ(Diagnose(log, 1).was_ready, std::nullopt);
  EXPECT_EQ(Diagnose("The server is fired up and ready to roll!\n" + log, 1).was_ready, true);
}

TEST(Diagnose, TellsTheDraftModelFromTheModel) {
  const std::string error = "KeyError: 'layers.0.self_attn.qkv_proj.weight'\n";
  const std::string frame = "  File \"sglang/srt/model_executor/model_runner.py\", line 281, in load_model\n";
  const std::string draft =
      "Scheduler hit an exception: Traceback (most recent call last):\n"
      "  File \"sglang/srt/managers/scheduler.py\", line 221, in __init__\n"
      "    self.draft_worker = EAGLEWorker(\n" +
      frame + error;
  const std::string model = "Scheduler hit an exception: Traceback (most recent call last):\n" + frame + error;
  EXPECT_THAT(DiagnosisText(Diagnose(draft, 1)), HasSubstr("in the code of the draft model"));
  EXPECT_THAT(DiagnosisText(Diagnose(model, 1)), testing::Not(HasSubstr("draft model")));
  EXPECT_FALSE(Diagnose(draft + "\nsome lines\n" + model, std::nullopt).failure.message.empty());
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
      // Only what serves has requests.
      {"(Worker_DP0 pid=9) ERROR 10-16 17:22:56 [nixl_connector.py:827] Handshake failed for request chatcmpl-1\n",
       true},
      {"Prefill transfer failed for request rank=0 req.rid='5b02' with exception no transfer\n", true},
      {"Unexpected transfer worker error for room 1788380104266545413\n", true},
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

TEST(Diagnose, SaysHowMuchMemoryIsMissingForAnyCache) {
  const auto of = [](const std::string& memory) {
    return Diagnose(
        "(EngineCore pid=71) INFO [gpu_worker.py:1] Available KV cache memory: " + memory +
            "\n(EngineCore pid=71) ERROR [core.py:1] ValueError: No available memory for the cache blocks. Try "
            "increasing `gpu_memory_utilization` when initializing the engine.\n",
        1);
  };
  EXPECT_THAT(DiagnosisText(of("-8.59 GiB")),
              HasSubstr("needs 8.59 GiB more on a GPU than its memory fraction allows"));
  EXPECT_EQ(DiagnosisJson(of("-8.59 GiB"))["kvCacheGib"], -8.59);
  for (const char* unknown : {"1.20 GiB", "nan GiB", "-1e300 GiB", "-8.59", ""}) {
    EXPECT_THAT(DiagnosisText(of(unknown)), Not(HasSubstr("more on a GPU"))) << unknown;
    EXPECT_FALSE(DiagnosisJson(of(unknown)).contains("kvCacheGib")) << unknown;
  }
}

// A container that was restarted until it worked.
TEST(Diagnose, NamesTheCauseOfAnEarlierRunWhereTheLatestGotReady) {
  const std::string failed =
      "INFO [x.py:1] vLLM API server version 0.24.0\n"
      "(EngineCore pid=71) INFO [gpu_worker.py:1] Available KV cache memory: -8.59 GiB\n"
      "(EngineCore pid=71) ERROR [core.py:1] EngineCore failed to start.\n"
      "(EngineCore pid=71) ERROR [core.py:1] ValueError: No available memory for the cache blocks.\n";
  const std::string ready =
      "INFO [x.py:1] vLLM API server version 0.24.0\nINFO [x.py:1] Using max model len 16384\n"
      "INFO:     Application startup complete.\n";
  for (const std::string& log : {failed + ready, failed + "engine exited with code 1 (restarting)\n" + ready,
                                 failed + "INFO:     Application startup complete.\n"}) {
    const Diagnosis diagnosis = Diagnose(log, std::nullopt);
    EXPECT_TRUE(diagnosis.earlier);
    EXPECT_TRUE(diagnosis.certain);
    EXPECT_EQ(diagnosis.failure.reason, FailureReason::kOutOfMemory);
    EXPECT_EQ(diagnosis.was_ready, false);
    EXPECT_THAT(DiagnosisText(diagnosis),
                HasSubstr("OutOfMemory, before the engine was ready\nMessage:  an earlier run "
                          "failed: ValueError: No available memory"));
    EXPECT_EQ(DiagnosisJson(diagnosis)["earlierRun"], true);
  }
  // The latest run's own end, by its lines or by its exit code.
  EXPECT_EQ(Diagnose(failed + ready + "RuntimeError: of this run\n", std::nullopt).failure.message,
            "RuntimeError: of this run");
  EXPECT_FALSE(Diagnose(failed + ready, 137).earlier);
  // An error that the process survived is no end of a run.
  EXPECT_FALSE(Diagnose("ImportError: no flash_attn, falling back\n" + ready, std::nullopt).earlier);
  // It had served.
  const Diagnosis served = Diagnose(ready + "RuntimeError: of the run before\n" + ready, std::nullopt);
  EXPECT_TRUE(served.earlier);
  EXPECT_EQ(served.was_ready, true);
  EXPECT_EQ(served.failure.message, "RuntimeError: of the run before");
}

// SGLang issue 7407: a pasted end of a log, whose container has a name without a dash.
TEST(Diagnose, ReadsPastTheNameOfAComposeService) {
  const std::string error = "ValueError: awq quantization requires some operators from vllm.";
  for (const std::string prefix : {"sglang            | ", "vllm_server  | ", "api | ", "model.server2 | "}) {
    const std::string log = prefix + "    self.model_runner = ModelRunner(\n" + prefix +
                            "                        ^^^^^^^\n" + prefix + error + "\n" +
                            prefix.substr(0, prefix.size() - 1) + "\n";
    EXPECT_EQ(Diagnose(log, std::nullopt).failure.message, error) << prefix;
    EXPECT_EQ(Diagnose("Attaching to it\n" + log, std::nullopt).failure.message, error) << prefix;
  }
  // The most frequent name counts.
  std::string two;
  for (int i = 0; i < 3; ++i) two += "api | \n";
  for (int i = 0; i < 9; ++i) two += "vllm_server | " + error + "\n";
  EXPECT_EQ(Diagnose(two, std::nullopt).failure.message, error);
  // A table is no such log.
  const std::string table = "name | bytes\nkv | 3\nweights | 5\nValueError: of this run\n";
  EXPECT_EQ(Diagnose(table, std::nullopt).failure.message, "ValueError: of this run");
}

TEST(Diagnose, TellsTheServicesOfOneLogApart) {
  const std::string log =
      "big    | INFO [x.py:1] vLLM API server version 0.24.0\n"
      "small  | INFO [x.py:1] vLLM API server version 0.24.0\n"
      "big    | INFO:     Application startup complete.\n"
      "small  | (EngineCore pid=71) ERROR [core.py:1] EngineCore failed to start.\n"
      "small  | (EngineCore pid=71) ERROR [core.py:1] ValueError: No available memory for the cache blocks.\n";
  const std::string restart =
      "small exited with code 1 (restarting)\n"
      "small  | INFO [x.py:1] vLLM API server version 0.24.0\n"
      "small  | INFO:     Application startup complete.\n";
  for (const std::string& one : {log, log + restart}) {
    const Diagnosis diagnosis = Diagnose(one, std::nullopt);
    EXPECT_EQ(diagnosis.service, "small");
    EXPECT_EQ(diagnosis.failure.reason, FailureReason::kOutOfMemory);
    EXPECT_EQ(diagnosis.was_ready, false) << "the other one was";
    EXPECT_EQ(diagnosis.earlier, one != log);
    EXPECT_THAT(DiagnosisText(diagnosis), HasSubstr("\nService:  small\n"));
    EXPECT_THAT(DiagnosisText(diagnosis), HasSubstr("The log is that of other services too (big): if they use"));
    EXPECT_EQ(DiagnosisJson(diagnosis)["otherServices"], nlohmann::json({"big"}));
  }
  // The exit code is that of the one whose lines say why.
  EXPECT_EQ(Diagnose(log, 1).service, "small");
  EXPECT_EQ(Diagnose(log, 1).was_ready, false);
  // A helper beside one server is no second one.
  EXPECT_EQ(Diagnose("proxy  | listening\nsmall  | INFO [x.py:1] vLLM API server version 0.24.0\n"
                     "small  | ValueError: alone\n",
                     1)
                .service,
            "");
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

constexpr const char* kNotFull =
    "(Worker_TP0 pid=60) ERROR 05-03 00:18:16 [multiproc_executor.py:870] torch.OutOfMemoryError: CUDA out of memory. "
    "Tried to allocate 1.19 GiB. GPU 0 has a total capacity of 24.00 GiB of which 14.71 GiB is free. Of the allocated "
    "memory 7.89 GiB is allocated by PyTorch, and 12.54 MiB is reserved by PyTorch but unallocated. If reserved but "
    "unallocated memory is large try setting PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True to avoid "
    "fragmentation.\n";

std::string RemedyIn(const std::string& log) { return DiagnosisJson(Diagnose(log, 1))["remedy"]; }

TEST(Diagnose, AGpuWithMoreFreeMemoryThanAskedForIsNotFull) {
  EXPECT_EQ(Diagnose(kNotFull, 1).failure.reason, FailureReason::kOutOfMemory);
  const std::string remedy = RemedyIn(kNotFull);
  EXPECT_THAT(remedy, HasSubstr("14.71 GiB of the GPU were free when 1.19 GiB could not be allocated"));
  EXPECT_THAT(remedy, HasSubstr("Known causes: (1) WSL2"));
  EXPECT_THAT(remedy, HasSubstr("APUs"));
  EXPECT_THAT(remedy, Not(HasSubstr("fp8 KV cache")));
  const std::string wsl =
      RemedyIn("INFO [interface.py:1] Using 'pin_memory=False' as WSL is detected.\n" + std::string(kNotFull));
  EXPECT_THAT(wsl, HasSubstr("expandable_segments:False"));
  EXPECT_THAT(wsl, Not(HasSubstr("APUs")));
  // PyTorch 2.0's words, and a limit of its own.
  EXPECT_THAT(
      RemedyIn("torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 350.00 MiB (GPU 0; 23.65 GiB "
               "total capacity; 1.06 GiB already allocated; 10.26 GiB free; 12.53 GiB reserved in total)\n"),
      HasSubstr("10.26 GiB of the GPU were free when 0.34 GiB"));
  EXPECT_THAT(RemedyIn("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total "
                       "capacity of 79.11 GiB of which 60.00 GiB is free. 8.00 GiB allowed; Of the allocated memory "
                       "7.00 GiB is allocated by PyTorch\n"),
              HasSubstr("PyTorch allows this process only 8.00 GiB"));
}

TEST(Diagnose, AFullGpuIsTakenAtItsWord) {
  for (const char* free : {"1.30 GiB", "156.94 MiB", "448.00 KiB", "0 bytes"}) {
    EXPECT_THAT(RemedyIn("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.19 GiB. GPU 0 has a total "
                         "capacity of 23.69 GiB of which " +
                         std::string(free) + " is free. Process 7 has 22.73 GiB memory in use.\n"),
                HasSubstr("an fp8 KV cache"))
        << free;
  }
}

TEST(Diagnose, WhileWeightsAreLoadedThereIsNoKvCache) {
  const std::string log =
      "(EngineCore pid=77) ERROR 05-05 07:35:19 [core.py:1136] Traceback (most recent call last):\n"
      "(EngineCore pid=77) ERROR 05-05 07:35:19 [core.py:1136]   File \"/vllm/_custom_ops.py\", line 1279, in "
      "gptq_marlin_repack\n"
      "(EngineCore pid=77) ERROR 05-05 07:35:19 [core.py:1136]     return torch.ops._C.gptq_marlin_repack(\n"
      "(EngineCore pid=77) ERROR 05-05 07:35:19 [core.py:1136] ";
  const std::string loading = RemedyIn(log + "RuntimeError: CUDA driver error: out of memory\n");
  EXPECT_THAT(loading, HasSubstr("first what the meaning says. In general: smaller weights on a GPU"));
  EXPECT_THAT(loading, HasSubstr("while weights were loaded, before there was a KV cache"));
  EXPECT_THAT(loading, Not(HasSubstr("fp8 KV cache")));
  const std::string cut = log.substr(log.find('\n') + 1) + "torch.OutOfMemoryError: CUDA out of memory.\n";
  EXPECT_THAT(RemedyIn(cut), HasSubstr("while weights were loaded")) << "without the head of the traceback";
  for (const char* error : {"out of memory", "device not ready"}) {
    EXPECT_THAT(DiagnosisText(Diagnose(log + "RuntimeError: CUDA driver error: " + error + "\n", 1)),
                HasSubstr("Meaning:  the driver failed in a call of PyTorch's expandable segments"));
  }
  EXPECT_THAT(RemedyIn("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.\n"),
              Not(HasSubstr("while weights were loaded")));
}

// TensorRT-LLM issue 9263.
TEST(Diagnose, TwoRanksOnOneGpuAreNamedIfTheLogShowsThem) {
  const std::string error =
      "[11/18/2025-09:33:30] [TRT-LLM] [RANK 0] [E] Failed to initialize executor on rank 0: [TensorRT-LLM][ERROR] "
      "Assertion failed: Failed, NCCL error ncclCommunicator.cpp:90 'invalid usage (run with NCCL_DEBUG=WARN for "
      "details)'\n";
  const auto rank = [](const std::string& host, const std::string& number, const std::string& bus) {
    return host + ":42:982 [0] NCCL INFO ncclCommInitRank comm 0x7a rank " + number +
           " nranks 2 cudaDev 0 nvmlDev 0 busId " + bus + " commId 0xaa9b - Init START\n";
  };
  const std::string text = DiagnosisText(Diagnose(rank("w-0", "0", "100000") + rank("w-0", "1", "100000") + error, 1));
  EXPECT_THAT(text, HasSubstr("ranks 0 and 1 of a communicator are on one GPU (busId 100000 of host w-0)"));
  EXPECT_THAT(text, Not(HasSubstr("Set `NCCL_DEBUG=WARN`"))) << "it is set";
  for (const std::string& second : {rank("w-0", "1", "200000"), rank("w-1", "1", "100000"), std::string()}) {
    EXPECT_THAT(DiagnosisText(Diagnose(rank("w-0", "0", "100000") + second + error, 1)),
                Not(HasSubstr("on one GPU (busId")));
  }
  EXPECT_THAT(DiagnosisText(Diagnose(error, 1)), HasSubstr("Set `NCCL_DEBUG=WARN`"));
}

// sglang issue 24972, ktransformers issue 1985.
TEST(Diagnose, AnAssertionAboutRequestsOfClientsIsNoRefusal) {
  const std::string begin =
      "[2026-05-07 16:08:04 TP2] Scheduler hit an exception: Traceback (most recent call last):\n"
      "  File \"/sglang/srt/managers/scheduler.py\", line 1952, in get_next_batch_to_run\n"
      "    self.stash_chunked_request(self.chunked_req)\n";
  const Diagnosis cut = Diagnose(
      begin + "  File \"/sglang/srt/managers/scheduler.py\", line 1893, in stash_chunked_request\nAssertionError\n", 1);
  EXPECT_EQ(cut.failure.message, "AssertionError: raised in stash_chunked_request (scheduler.py, line 1893)");
  EXPECT_EQ(cut.failure.reason, FailureReason::kEngineCrashed);
  EXPECT_EQ(cut.was_ready, true);
  const Diagnosis cache = Diagnose(
      "  File \"/sglang/srt/mem_cache/unified_radix_cache.py\", line 1390, in init_load_back\n"
      "    loading_values = self.load_back(last_node, mem_quota, req=req)\n"
      "  File \"/sglang/srt/mem_cache/swa_component.py\", line 448, in build_hicache_transfers\n"
      "    assert cd.host_value is not None or cd.value is not None\n"
      "AssertionError\n",
      1);
  EXPECT_EQ(cache.failure.message, "AssertionError: assert cd.host_value is not None or cd.value is not None");
  EXPECT_EQ(cache.failure.reason, FailureReason::kEngineCrashed);
}

TEST(Diagnose, AMessageMayBeAQuotation) {
  for (const char* log :
       {"> ValueError: head size 80 is not supported\n", ">ValueError: head size 80 is not supported\n",
        "> > ValueError: head size 80 is not supported",
        "I get this:\n> (EngineCore pid=1) ERROR 05-05 07:35:19 [core.py:1] ValueError: head size 80 is not supported\n"
        ">\nwhat does it mean?\n"}) {
    EXPECT_EQ(Diagnose(log, 1).failure.message, "ValueError: head size 80 is not supported") << log;
  }
}

TEST(Diagnose, NamesTheSettingOfAttentionSinksAndTheAssemblerThatIsTooOld) {
  EXPECT_THAT(DiagnosisText(Diagnose("[04/17/2026-04:17:42] [TRT-LLM] [E] Failed to initialize executor on rank 0: "
                                     "Attention sinks are only supported for TRTLLM backend.\n",
                                     1)),
              HasSubstr("`attn_backend: TRTLLM`"));
  EXPECT_THAT(DiagnosisText(Diagnose(
                  "subprocess.CalledProcessError: Command '['/triton/backends/nvidia/bin/ptxas', '-lineinfo', '-v', "
                  "'--gpu-name=sm_120a', '/tmp/t.ptx', '-o', '/tmp/t.ptx.o']' returned non-zero exit status 255.\n",
                  1)),
              HasSubstr("Meaning:  `ptxas`, the assembler that Triton brings along"));
}

// vLLM, gpu_worker.py: with kv_cache_memory_bytes no memory is profiled.
TEST(Diagnose, AKvCacheOfAFixedSizeDoesNotGrowWithTheMemoryFraction) {
  const std::string error =
      "(EngineCore pid=71) ValueError: To serve at least one request with the models's max seq len (40960), (4.38 GiB "
      "KV cache is needed, which is larger than the available KV cache memory (1.00 GiB). Try increasing "
      "`gpu_memory_utilization` or decreasing `max_model_len` when initializing the engine.\n";
  for (const char* set : {"non-default args: {'kv_cache_memory_bytes': 1073741824}\n",
                          "vllm serve m --kv-cache-memory-bytes 1073741824\n",
                          "Initial free memory 21.0 GiB, reserved 1.0 GiB memory for KV Cache as specified by "
                          "kv_cache_memory_bytes config and skipped memory profiling.\n"}) {
    EXPECT_THAT(RemedyIn(set + error), HasSubstr("`gpu_memory_utilization` has no effect then")) << set;
  }
  for (const char* unset : {"", "kv_cache_memory_bytes=None\n"}) {
    EXPECT_THAT(RemedyIn(unset + error), Not(HasSubstr("has no effect"))) << unset;
  }
}

TEST(Diagnose, SpeaksOfAnExitCodeOnlyWhereItIsThatOne) {
  const std::string log = "RuntimeError: cuDNN error: CUDNN_STATUS_EXECUTION_FAILED\n";
  for (const std::optional<int> code : {std::optional<int>(), std::optional<int>(1)}) {
    EXPECT_EQ(Diagnose(log, code).failure.reason, FailureReason::kEngineCrashed);
    EXPECT_THAT(DiagnosisText(Diagnose(log, code)), Not(HasSubstr("137")));
  }
  EXPECT_THAT(DiagnosisText(Diagnose(log, 137)), HasSubstr("Remedy:   read the message. Exit code 137 without"));
}

// NCCL's errors are the machine's, but not its word for a wrong call: another node does not help.
TEST(Diagnose, AWrongCallOfNcclIsNotRetried) {
  const std::string head = "torch.distributed.DistBackendError: NCCL error in: ProcessGroupNCCL.cpp:3690, ";
  EXPECT_FALSE(Diagnose(head + "invalid usage (run with NCCL_DEBUG=WARN for details), NCCL version 2.27.5\n", 1)
                   .failure.machine);
  EXPECT_TRUE(Diagnose(head + "unhandled system error, NCCL version 2.27.5\n", 1).failure.machine);
}

TEST(Diagnose, ExplainsCrypticMessages) {
  EXPECT_THAT(MeaningOf("NCCL WARN Duplicate GPU detected : rank 1 and rank 0", false), HasSubstr("use one GPU"));
  EXPECT_THAT(MeaningOf("DistBackendError: NCCL error in: x.cpp:90, invalid usage", false),
              HasSubstr("two ranks on one GPU"));
  EXPECT_THAT(MeaningOf("CUDA error: the provided PTX was compiled with an unsupported toolchain.", false),
              HasSubstr("driver is older"));
  EXPECT_EQ(MeaningOf("ValueError: something", false), "");
  for (const char* name : {"KeyError: 'qwen3_5_moe'", "KeyError: <class 'transformers.models.x.XConfig'>"})
    EXPECT_THAT(MeaningOf(name, false), HasSubstr("is older than the model")) << name;
  EXPECT_THAT(MeaningOf("KeyError: 'model.layers.0.mlp.gate_up_proj.weight'", false), HasSubstr("the same tensors"));
  EXPECT_THAT(MeaningOf("RuntimeError: Runtime check failed at /sgl-workspace/sglang/python/sglang/jit_kernel/include/"
                        "sgl_kernel/distributed/custom_all_reduce.cuh:37: CUDA error: invalid argument",
                        false),
              HasSubstr("expandable_segments:True"));
  EXPECT_THAT(DiagnosisText(Diagnose("Memory access fault by GPU node-3 (Agent handle: 0x1) on address 0x2.\n", 134)),
              HasSubstr("Meaning:  ROCm: a kernel read or wrote memory that is not its own"));
}

// Weights were loaded before an engine serves: they are not the cause of an error after that.
TEST(Diagnose, AMeaningDependsOnThePhase) {
  const std::string message = "RuntimeError: The size of tensor a (2048) must match the size of tensor b (1024) at x";
  EXPECT_THAT(MeaningOf(message, false), HasSubstr("belong to different models"));
  EXPECT_THAT(MeaningOf(message, true), Not(HasSubstr("different models")));
  EXPECT_THAT(MeaningOf(message, true), HasSubstr("The weights are not the cause"));
  EXPECT_THAT(MeaningOf(message, std::nullopt), HasSubstr("if the engine was not ready yet: while weights are"));
  EXPECT_THAT(MeaningOf(message, std::nullopt), HasSubstr(". If it was serving: two tensors"));
  for (const char* path :
       {"huggingface_hub.errors.HFValidationError: Repo id must use alphanumeric chars, '-'",
        "HFValidationError: Repo id must be in the form 'repo_name' or 'namespace/repo_name': '/m/a'"})
    EXPECT_THAT(MeaningOf(path, false), HasSubstr("a wrong path or a missing volume")) << path;
  // A message that the table has for one phase alone.
  const std::string tensor = "KeyError: 'layers.0.mlp.gate_proj.weight";
  ASSERT_THAT(MeaningOf(tensor, false), HasSubstr("weights are loaded"));
  ASSERT_EQ(MeaningOf(tensor, true), "");
  EXPECT_EQ(MeaningOf(tensor, std::nullopt), "if the engine was not ready yet: " + MeaningOf(tensor, false));
  const std::string served = "INFO:     Application startup complete.\n" + message + "\n";
  EXPECT_THAT(DiagnosisText(Diagnose(served, 1)), HasSubstr("Meaning:  two tensors of one computation"));
  EXPECT_THAT(DiagnosisJson(Diagnose(served, 1))["meaning"], HasSubstr("two tensors"));
  EXPECT_EQ(MeaningOf("Fatal Python error: Bus error", true).find("weight file"), std::string::npos);
}

// A newer image does not help where the tool that quantized the model made up its type.
TEST(Diagnose, AMeaningNamesEveryCauseItKnows) {
  const std::string meaning = MeaningOf(
      "ValueError: The checkpoint you are trying to load has model type `glm4_moe_lite` but Transformers does not "
      "recognize this architecture. This could be because of an issue with the checkpoint",
      false);
  EXPECT_THAT(meaning, HasSubstr("Either it is older than the model"));
  EXPECT_THAT(meaning, HasSubstr("the tool that quantized the model"));
}

TEST(Diagnose, SaysThatALogHasNoError) {
  const Diagnosis diagnosis = Diagnose("INFO loading weights\n", 137);
  EXPECT_FALSE(diagnosis.certain);
  EXPECT_EQ(diagnosis.failure.exit_code, 137);
  EXPECT_THAT(DiagnosisText(diagnosis), HasSubstr("No line of the log names an error"));
}

// Pasted into an issue (sgl-project/sglang#21460), every line behind a space.
TEST(Diagnose, ReadsALogThatIsIndentedAsAWhole) {
  for (const char* prefix : {"(SGLangEngine pid=12589) ", "[2026-06-15 13:26:40 TP0] ", "2026-06-15 13:26:40,113 "}) {
    std::string log;
    for (const char* line : {"  File \"sampler.py\", line 600, in sampling_from_probs_torch",
                             "    sampled_index = torch.multinomial(probs)",
                             "torch.AcceleratorError: CUDA error: device-side assert triggered",
                             "Compile with `TORCH_USE_CUDA_DSA` to enable device-side assertions."})
      log += std::string(" ") + prefix + line + "\n";
    EXPECT_EQ(Diagnose(log, std::nullopt).failure.message,
              "torch.AcceleratorError: CUDA error: device-side assert triggered")
        << prefix;
  }
  // The code lines of a traceback say nothing.
  EXPECT_FALSE(Diagnose("    raise RuntimeError(\"Executor worker\")\n", std::nullopt).certain);
}

// The watchdog of a rank that waited: it does not know why the other one did not come.
constexpr const char* kWatchdog =
    "[rank0]:[E1112 09:49:50.029035281 ProcessGroupNCCL.cpp:607] [Rank 0] Watchdog caught collective operation "
    "timeout: "
    "WorkNCCL(SeqNum=1, OpType=ALLREDUCE, NumelIn=128, NumelOut=128, Timeout(ms)=600000) ran for 600009 milliseconds "
    "before timing out.\n"
    "[rank0]:[E1112 09:49:50.032589219 ProcessGroupNCCL.cpp:1664] [PG 0 (default_pg) Rank 0] Exception (either an "
    "error "
    "or timeout) detected by watchdog at work: 1, last enqueued NCCL work: 1, last completed NCCL work: -1.\n"
    "[rank0]:[E1112 09:49:50.032589219 ProcessGroupNCCL.cpp:1709] [PG 0 Rank 0] Timeout at NCCL work: 1, last enqueued "
    "NCCL work: 1, last completed NCCL work: 0.\n"
    "[rank0]:[E1112 09:49:50.268211378 ProcessGroupNCCL.cpp:621] [Rank 0] Some NCCL operations have failed or timed "
    "out. "
    "Due to the asynchronous nature of CUDA kernels, subsequent GPU operations might run on corrupted data.\n"
    "terminate called after throwing an instance of 'c10::DistBackendError'\n";

TEST(Diagnose, ACollectiveThatTimesOutIsOfTheMachineOrOfAnotherRank) {
  const Diagnosis diagnosis = Diagnose(kWatchdog, 134);
  EXPECT_THAT(diagnosis.failure.message, HasSubstr("Watchdog caught collective operation timeout"));
  EXPECT_THAT(diagnosis.failure.message, HasSubstr("the process on another GPU ended, hung or fell behind first"));
  EXPECT_TRUE(diagnosis.waited);
  EXPECT_TRUE(diagnosis.retried);
  EXPECT_THAT(DiagnosisText(diagnosis), HasSubstr("Either the process on another GPU"));
  EXPECT_THAT(DiagnosisText(diagnosis), Not(HasSubstr("Probably the cause is outside")));
  EXPECT_EQ(DiagnosisJson(diagnosis)["waitedForAnotherGpu"], true);
}

TEST(Diagnose, TheRankThatFailedFirstIsTheCauseWhereverItStands) {
  for (const auto& [line, reason] :
       {std::pair("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.\n",
                  FailureReason::kOutOfMemory),
        std::pair("ValueError: head size 80 is not supported\n", FailureReason::kEngineRejectedConfiguration),
        std::pair("RuntimeError: CUDA error: an illegal memory access was encountered\n",
                  FailureReason::kEngineCrashed)}) {
    for (const std::string& log : {std::string(line) + kWatchdog, std::string(kWatchdog) + line}) {
      const Diagnosis diagnosis = Diagnose(log, 1);
      EXPECT_EQ(diagnosis.failure.reason, reason) << log;
      EXPECT_FALSE(diagnosis.failure.machine) << log;
      EXPECT_FALSE(diagnosis.waited) << log;
    }
  }
}

TEST(Diagnose, AKernelThatTheGpuDoesNotHaveIsTheConfigurations) {
  using R = FailureReason;
  for (const auto& [line, reason] :
       {std::pair("tvm.error.InternalError: Error in function 'TllmGenFmhaRunner' at fmhaRunner.cuh:37: Unsupported "
                  "architecture",
                  R::kEngineRejectedConfiguration),
        std::pair("tvm.error.InternalError: Failed to set the allowed dynamic shared memory size to 169984",
                  R::kEngineRejectedConfiguration),
        std::pair(
            "triton.compiler.errors.CompilationError: at 1:0:\ndef fused_moe_kernel(\n^\nValueError(\"type fp8e4nv "
            "not supported in this architecture. The supported fp8 dtypes are ('fp8e4b15', 'fp8e5')\")",
            R::kEngineRejectedConfiguration),
        std::pair("RuntimeError: Invalid thread config: thread_m_blocks = 1, thread_k = -1 for MKN = [1, 2736, 4096]",
                  R::kEngineRejectedConfiguration),
        std::pair("NameError: name 'deep_gemm' is not defined", R::kEngineCrashed)}) {
    // vLLM's logger repeats its prefix before each line, SGLang prints what it has caught as it is.
    const std::string prefix = "(EngineCore pid=7) ERROR 09-18 07:41:36 [core.py:1099] ";
    std::string of_vllm = prefix;
    for (const char* c = line; *c != '\0'; ++c) of_vllm += *c == '\n' ? "\n" + prefix : std::string(1, *c);
    const std::string of_sglang =
        "[2026-09-19 06:49:24 TP0] Scheduler hit an exception: Traceback (most recent call "
        "last):\n  File \"a.py\", line 1, in f\n    k()\n" +
        std::string(line);
    for (const std::string& log : {of_vllm + "\n" + prefix + "EngineCore failed to start.\n",
                                   of_sglang + "\n\nInitialization failed. Please see the error messages above.\n"}) {
      const Diagnosis diagnosis = Diagnose(log, 1);
      EXPECT_EQ(diagnosis.failure.reason, reason) << log << ": " << diagnosis.failure.message;
    }
  }
}

TEST(Diagnose, ARankThatWaitedForTheOthersSaysWhereToLook) {
  const std::string line =
      "ValueError: TP rank 1 could finish the model loading, but there are other ranks that didn't finish loading. It "
      "is likely due to unexpected failures (e.g., OOM) or a slow node.\n";
  const Diagnosis diagnosis = Diagnose(
      "[2025-04-16 10:01:20 TP1] Scheduler hit an exception: Traceback (most recent "
      "call last):\n  File \"model_runner.py\", line 417, in load_model\n    raise "
      "ValueError(\n" +
          line,
      std::nullopt);
  EXPECT_EQ(diagnosis.failure.reason, FailureReason::kEngineCrashed);
  EXPECT_TRUE(diagnosis.waited);
  EXPECT_THAT(DiagnosisText(diagnosis), HasSubstr("Meaning:  this rank waited for another one"));
}

// A parent waits for its workers: what one of them says is the cause.
TEST(Diagnose, ACallThatTimesOutIsLessThanTheWorkersOwnError) {
  EXPECT_THAT(Diagnose("(EngineCore_DP0 pid=22) ERROR 10-02 08:11:02 [core.py:1110] TimeoutError: RPC call to "
                       "sample_tokens timed out.\n(Worker_TP1 pid=31) ERROR 10-02 08:11:03 [multiproc_executor.py:718] "
                       "torch.AcceleratorError: CUDA error: unspecified launch failure\n",
                       1)
                  .failure.message,
              HasSubstr("unspecified launch failure"));
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
