#include "bench/root_cause.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "bench/cause_rules.h"
#include "failure_corpus.h"

namespace autotune::bench {
namespace {

using R = FailureReason;
using testing::HasSubstr;
using testing::StartsWith;

const std::filesystem::path kLogs = std::filesystem::path(TESTDATA_DIR) / "engines/logs";
const std::filesystem::path kReports = std::filesystem::path(TESTDATA_DIR) / "engines/reports";

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// Their own messages: the table of the recordings is tests/engines/logs/expected.txt.
std::vector<FailureCase> Recordings() { return ReadRecordings(kLogs); }

// Not ready when their time was over, or ended from outside while compiling kernels: nothing in the log is an error.
constexpr const char* kTimedOut[] = {"sglang-0.5.15/moe_ficutlass", "sglang-0.5.15/q_w4afp8_fimxfp4",
                                     "sglang-0.5.15/q_w4afp8", "sglang-0.5.15/flashinfer_e4m3",
                                     "vllm-0.24.0/q_fp8_per_block"};

void ExpectRight(const FailureCase& one) {
  const Failure failure = Classify(StateOf(one));
  EXPECT_EQ(FailureReasonName(failure.reason), one.reason) << one.source << ": " << failure.message;
  EXPECT_EQ(failure.machine, one.machine) << one.source << ": " << failure.message;
  EXPECT_TRUE(HasMessage(one, failure.message)) << one.source << ": " << failure.message;
  EXPECT_EQ(failure.exit_code, one.signal != 0 ? 128 + one.signal : one.exit_code) << one.source;
}

TEST(RootCause, OfEveryRecordedFailureIsTheLineAPersonWouldPointAt) {
  for (const FailureCase& one : Recordings()) ExpectRight(one);
}

TEST(RootCause, OfPublicReportsIsTheLineAPersonWouldPointAt) {
  for (const FailureCase& one : ReadReports(kReports / "seen.txt")) ExpectRight(one);
}

// Rows that nobody looked into: how many are right is benchmarks/log-classifier's answer; fewer than nine of ten is a
// classifier that was fitted to what it had seen.
TEST(RootCause, OfReportsThatItWasNotWrittenForIsMostlyRight) {
  const std::vector<FailureCase> held_out = ReadReports(kReports / "held-out.txt");
  const auto right = std::ranges::count_if(held_out, [](const FailureCase& one) {
    const Failure failure = Classify(StateOf(one));
    return FailureReasonName(failure.reason) == one.reason && failure.machine == one.machine;
  });
  EXPECT_GE(right * 10, std::ssize(held_out) * 9);
}

TEST(RootCause, OfALogWithoutAnErrorIsNothing) {
  const auto index = nlohmann::json::parse(ReadFile(kLogs / "index.json"));
  int ready = 0;
  for (const auto& [engine, starts] : index.items()) {
    for (const auto& [name, start] : starts.items()) {
      if (start["outcome"] != "ready") continue;
      ++ready;
      const EngineState state = StateAfter(ReadFile(kLogs / engine / (name + ".log")));
      EXPECT_EQ(RootCause(state.error_lines), std::nullopt) << engine << "/" << name;
    }
  }
  EXPECT_EQ(ready, 9);
  for (const char* name : kTimedOut) {
    const EngineState state = StateAfter(ReadFile(kLogs / (std::string(name) + ".log")));
    EXPECT_EQ(RootCause(state.error_lines), std::nullopt) << name;
  }
}

TEST(RootCause, TheTablesCoverEveryRecordedStart) {
  std::set<std::string> covered(std::begin(kTimedOut), std::end(kTimedOut));
  for (const FailureCase& one : Recordings()) covered.insert(one.source);
  const auto index = nlohmann::json::parse(ReadFile(kLogs / "index.json"));
  for (const auto& [engine, starts] : index.items()) {
    for (const auto& [name, start] : starts.items()) {
      EXPECT_EQ(start["outcome"] == "ready", !covered.contains(engine + "/" + name)) << engine << "/" << name;
    }
  }
}

TEST(RootCause, AStartupTimeoutShowsWhatTheEngineWasDoing) {
  EngineState state = StateAfter(ReadFile(kLogs / "sglang-0.5.15/moe_ficutlass.log"));
  state.phase = EngineState::Phase::kStartupTimeout;
  state.start_seconds = 140;
  const Failure failure = Classify(state);
  EXPECT_EQ(failure.reason, R::kStartupTimeout);
  EXPECT_THAT(failure.message,
              StartsWith("not ready within 140 s; its last line: Running FlashInfer autotune with cache: "));
}

TEST(RootCause, AnEngineThatDiedWhileServingCrashed) {
  EngineState state = StateAfter(ReadFile(kLogs / "sglang-0.5.15/dt_f32.log"));
  state.was_ready = true;
  state.signal = 9;
  EXPECT_EQ(Classify(state).reason, R::kEngineCrashed);
  EXPECT_THAT(Classify(state).message, StartsWith("RuntimeError: rmsnorm("));
}

// Log excerpts that were not recorded here: shapes from the projects' own issue trackers and sources.
TEST(RootCause, ClassifiesTextsOfOtherEndings) {
  const struct {
    const char* log;
    int exit_code;
    R reason;
    const char* message;
  } kCases[] = {
      {"(Worker_TP1 pid=9) ERROR 11-22 15:53:02 [multiproc_executor.py:700] torch.OutOfMemoryError: CUDA out of "
       "memory. "
       "Tried to allocate 1.75 GiB. GPU 1 has a total capacity of 79.11 GiB\n"
       "(EngineCore pid=7) RuntimeError: Worker failed with error 'x', please check the stack trace above for the root "
       "cause\n(APIServer pid=1) RuntimeError: Engine core initialization failed. See root cause above.\n",
       1, R::kOutOfMemory, "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.75 GiB."},
      {"(EngineCore pid=7) ValueError: No available memory for the cache blocks. Try increasing "
       "`gpu_memory_utilization` when initializing the engine.\n",
       1, R::kOutOfMemory, "ValueError: No available memory for the cache blocks."},
      {"[2026-11-22 16:43:34 TP0] Scheduler hit an exception: Traceback (most recent call last):\n"
       "RuntimeError: Not enough memory. Please try to increase --mem-fraction-static.\n",
       -9, R::kOutOfMemory, "RuntimeError: Not enough memory. Please try to increase"},
      {"WARNING 11-22 15:53:02 [x.py:1] CUDA graphs may lead to out of memory errors\n", 1, R::kEngineCrashed,
       "the engine ended with exit code 1 after 24 s, before it was ready; its last line: CUDA graphs may lead"},
      {"Usage: trtllm-serve [OPTIONS] MODEL\nTry 'trtllm-serve --help' for help.\n\nError: No such option: --tp-size\n",
       2, R::kEngineRejectedArguments, "Error: No such option: --tp-size"},
      {"pydantic_core._pydantic_core.ValidationError: 1 validation error for TorchLlmArgs\nkv_cache_config.dtypo\n"
       "  Extra inputs are not permitted [type=extra_forbidden, input_value='fp8', input_type=str]\n"
       "    For further information visit https://errors.pydantic.dev/2.11/v/extra_forbidden\n",
       1, R::kEngineRejectedConfiguration, "kv_cache_config.dtypo: Extra inputs are not permitted"},
      {"[rank0]: torch.AcceleratorError: CUDA error: an illegal memory access was encountered\n", 1, R::kEngineCrashed,
       "torch.AcceleratorError: CUDA error: an illegal memory access"},
      {"RuntimeError: No CUDA GPUs are available\n", 1, R::kEngineCrashed, "RuntimeError: No CUDA GPUs are available"},
      {"OSError: [Errno 98] Address already in use\n", 1, R::kEngineCrashed, "OSError: [Errno 98] Address already"},
      {"\x1b[31mValueError: coloured\x1b[0m\r\n", 1, R::kEngineRejectedConfiguration, "ValueError: coloured"},
      {"/usr/bin/python3: No module named sglang\n", 1, R::kEngineCrashed, "/usr/bin/python3: No module named sglang"},
      {"Fatal Python error: Segmentation fault\n", -11, R::kEngineCrashed, "Fatal Python error: Segmentation fault"},
      {"", -9, R::kEngineCrashed,
       "the engine was ended by signal 9 (SIGKILL) after 24 s, before it was ready; without output"},
      {"loading\n", 137, R::kEngineCrashed, "the engine ended with exit code 137 after 24 s"},
      {"loading\n", 0, R::kEngineCrashed, "the engine ended with exit code 0 after 24 s"},
      // Refusals and shortages in the engines' own words, from their sources.
      {"RuntimeError: Step3 reasoning parser could not locate think end token in the tokenizer!\n", 1,
       R::kEngineRejectedConfiguration, "RuntimeError: Step3 reasoning parser could not locate"},
      {"RuntimeError: GDN prefill backend 'aiter_flydsl' was requested but the kernels are not importable.\n", 1,
       R::kEngineRejectedConfiguration, "RuntimeError: GDN prefill backend"},
      {"RuntimeError: FlashInfer top-p/top-k sampling unavailable: x. Unset VLLM_USE_FLASHINFER_SAMPLER=1.\n", 1,
       R::kEngineRejectedConfiguration, "RuntimeError: FlashInfer top-p/top-k sampling unavailable"},
      // PyTorch's allocator on a MIG device, after an allocation failed.
      {"RuntimeError: NVML_SUCCESS == r INTERNAL ASSERT FAILED at \"../c10/cuda/CUDACachingAllocator.cpp\":1154, "
       "please "
       "report a bug to PyTorch.\n",
       1, R::kOutOfMemory, "RuntimeError: NVML_SUCCESS == r INTERNAL ASSERT FAILED"},
      {"RuntimeError: Not enough GPU memory for hybrid (mamba/linear-attention) state cache.\n", 1, R::kOutOfMemory,
       "RuntimeError: Not enough GPU memory for hybrid"},
      {"RuntimeError: Pinned host memory allocation of 400.0 GiB (429496729600 bytes) returned a null pointer\n", 1,
       R::kOutOfMemory, "host memory: RuntimeError: Pinned host memory allocation"},
      {"RuntimeError: DP Coordinator process failed during startup.\nKeyError: 'layers.0.router.proj.weight_scale'\n",
       1, R::kEngineRejectedConfiguration, "KeyError: 'layers.0.router.proj.weight_scale'"},
      {"[2025-11-06T02:08:28.503Z] [2025-11-06 02:08:28] Scheduler hit an exception: Traceback (most recent call "
       "last):\n"
       "[2025-11-06T02:08:28.503Z]   File \"a.py\", line 1, in f\n[2025-11-06T02:08:28.503Z]     raise\n"
       "[2025-11-06T02:08:28.503Z] ValueError: behind the time of a forwarder\n",
       1, R::kEngineRejectedConfiguration, "ValueError: behind the time of a forwarder"},
      {"RuntimeError: Worker failed with error 'size_k must divisible by BLOCK_SIZE_K', please check the stack trace "
       "above for the root cause\n",
       1, R::kEngineRejectedConfiguration, "RuntimeError: Worker failed with error 'size_k must"},
      {"RuntimeError: Worker failed with error 'CUDA error: unspecified launch failure', please check the stack trace "
       "above for the root cause\n",
       1, R::kEngineCrashed, "RuntimeError: Worker failed with error 'CUDA error"},
      {"RuntimeError: Worker failed with error 'x', please check the stack trace above for the root cause\n"
       "KeyError: 'x'\nValueError: x is not possible\n",
       1, R::kEngineRejectedConfiguration, "ValueError: x is not possible"},
      {"HW Exception by GPU node-9 (Agent handle: 0x631351bb5a20) reason :GPU Hang\nFatal Python error: Aborted\n", -6,
       R::kEngineCrashed, "HW Exception by GPU node-9"},
      {"RuntimeError: cancelled\nMemory critical error by agent node-0 (Agent handle: 0x1) on address 0x2.\n", 1,
       R::kEngineCrashed, "Memory critical error by agent node-0"},
      {"./entrypoint.sh: line 48:    27 Killed                  python3 -m sglang.launch_server\nloading\n", 137,
       R::kEngineCrashed,
       "the engine ended with exit code 137 after 24 s, before it was ready; its log: ./entrypoint.sh: line 48:    27"},
      {"./entrypoint.sh: line 48:    27 Killed                  python3 -m sglang.launch_server\nKeyError: "
       "'a.weight'\n",
       1, R::kEngineRejectedConfiguration, "KeyError: 'a.weight'"},
      {"what is this\n", 2, R::kEngineRejectedArguments, "the engine ended with exit code 2 after 24 s"},
  };
  for (const auto& row : kCases) {
    EngineState state = StateAfter(row.log);
    (row.exit_code < 0 ? state.signal : state.exit_code) = std::abs(row.exit_code);
    const Failure failure = Classify(state);
    EXPECT_EQ(FailureReasonName(failure.reason), FailureReasonName(row.reason)) << row.log;
    EXPECT_THAT(failure.message, StartsWith(row.message)) << row.log;
  }
}

TEST(RootCause, ShowsTheTwoBestLinesWhereItIsNotCertain) {
  EngineState state = StateAfter(
      "ERROR 01-02 10:00:00 [a.py:1] the widget is upside down\nERROR 01-02 10:00:00 [a.py:1] so is the gadget\n");
  state.exit_code = 1;
  EXPECT_EQ(Classify(state).message, "the widget is upside down; or: so is the gadget");
  // A known text leaves no doubt.
  state = StateAfter("RuntimeError: No CUDA GPUs are available\nValueError: something\n");
  EXPECT_EQ(Classify(state).message, "RuntimeError: No CUDA GPUs are available");
  // An unknown exception, then one of another kind.
  state = StateAfter("ValueError: something\nRuntimeError: NCCL error: unhandled cuda error\n");
  EXPECT_EQ(Classify(state).message, "ValueError: something; or: RuntimeError: NCCL error: unhandled cuda error");
}

// Of two processes that failed by themselves the first one, where memory cannot be its reason.
TEST(RootCause, AnUnknownWeightIsTheCauseWhereAnotherProcessRunsOutOfMemoryLater) {
  const std::string weight = "[rank0]: KeyError: 'model.layers.6.mlp.experts.w2_weight_scale'\n";
  const std::string memory = "[rank9]: torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 896.00 MiB.\n";
  const std::string more = "[rank8]: torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 64.00 MiB.\n";
  const Failure first = Classify(StateAfter(weight + memory + more));
  EXPECT_EQ(first.reason, R::kEngineRejectedConfiguration);
  EXPECT_THAT(first.message,
              StartsWith("KeyError: 'model.layers.6.mlp.experts.w2_weight_scale'; or: torch.OutOfMemory"));
  const EngineState later = StateAfter(memory + more + weight);
  EXPECT_EQ(Classify(later).reason, R::kOutOfMemory);
  EXPECT_EQ(OtherCause(later.error_lines, *RootCause(later.error_lines)),
            "KeyError: 'model.layers.6.mlp.experts.w2_weight_scale'");
  // A lookup of something else may have been survived.
  EXPECT_EQ(Classify(StateAfter("KeyError: 'tokenizer'\n" + memory)).reason, R::kOutOfMemory);
}

TEST(RootCause, WhoRepeatsTheCauseIsNoOtherCause) {
  const std::string cause = "RuntimeError: size_n = 2736 is not divisible by tile_n_size = 64";
  const std::string repeats =
      "RuntimeError: Worker failed with error 'size_n = 2736 is not divisible by tile_n_size = 64', please check the "
      "stack trace above for the root cause";
  EXPECT_EQ(OtherCause({cause, repeats}, cause), std::nullopt);
  EXPECT_EQ(OtherCause({cause, repeats, "ValueError: another"}, cause), "ValueError: another");
}

// A warning of what was not loaded is the cause where it is missed; another error goes before it.
TEST(RootCause, WhatAWarningSaysWasNotLoadedIsTheCauseWhereAnOperatorIsMissing) {
  const std::string warning = "Failed to import from vllm._C with ImportError('libcudart.so.13: cannot open')";
  const std::string misses = "AttributeError: '_OpNamespace' '_C' object has no attribute 'rms_norm'";
  EXPECT_EQ(RootCause({warning, misses}), warning);
  EXPECT_EQ(RootCause({misses}), misses);
  EXPECT_EQ(RootCause({warning, "ValueError: too small"}), "ValueError: too small");
}

TEST(RootCause, WhoWaitedForAFailedProcessIsNoOtherCause) {
  const std::string memory = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 896.00 MiB.";
  const std::string waited =
      "ValueError: TP rank 3 could finish the model loading, but there are other ranks that didn't finish loading.";
  const std::string wrapper = "ray.exceptions.RayTaskError(RuntimeError): ray::Worker.load() (pid=3, ip=10.0.0.7)";
  EXPECT_EQ(OtherCause({waited, wrapper, memory}, memory), std::nullopt);
  EXPECT_EQ(OtherCause({waited, "ValueError: alone"}, "ValueError: alone"), std::nullopt);
  EXPECT_EQ(OtherCause({waited}, waited), std::nullopt);
}

TEST(RootCause, ATasksClassIsTheCauseWhereItsTextIsMissing) {
  const auto of = [](const std::string& name) {
    return Classify(StateAfter("ray.exceptions.RayTaskError(" + name + "): ray::Worker.load() (pid=3, ip=10.0.0.7)\n"));
  };
  EXPECT_EQ(of("OutOfMemoryError").reason, R::kOutOfMemory);
  EXPECT_EQ(of("ModuleNotFoundError").reason, R::kEngineCrashed);
  EXPECT_EQ(of("ValueError").reason, R::kEngineRejectedConfiguration);
  EXPECT_EQ(Classify(StateAfter("ray.exceptions.RayTaskError(OutOfMemoryError): ray::W.load() (pid=3)\n"
                                "ValueError: x\n"))
                .message,
            "ValueError: x");
}

// Each is what one process says of another one, in the engines' own words.
TEST(RootCause, AReportAboutAnotherProcessIsNeverTheCauseBesideOne) {
  for (const char* report :
       {"ValueError: TP rank 1 could finish the model loading, but there are other ranks that didn't finish loading.",
        "Rank 3 successfully reached monitoredBarrier, but received errors while waiting for send/recv from rank 0.",
        "RuntimeError: Rank 0 scheduler died during initialization (exit code: -9). A common cause is the OS.",
        "torch.distributed.DistStoreError: Timed out after 601 seconds waiting for clients. 1/2 clients joined.",
        "torch.distributed.DistBackendError: [1] is setting up NCCL communicator and retrieving ncclUniqueId from [0]",
        "ray.exceptions.RayChannelTimeoutError: System error: Timed out waiting for object available to read.",
        "ray.exceptions.RayChannelError: System error: Channel closed.",
        "torch.distributed.elastic.multiprocessing.errors.ChildFailedError:",
        "RuntimeError: Engine core initialization failed. Failed core proc(s): {'EngineCore': 1}",
        "RuntimeError: Server processes exited with code 1 before becoming ready.",
        "TimeoutError: Timed out waiting for engines to send initial message on input socket.",
        "RuntimeError('Engine process (pid 77) died.')", "Exception: Server process terminated unexpectedly."}) {
    for (const std::string& log : {std::string(report) + "\nValueError: head size 80 is not supported\n",
                                   "ValueError: head size 80 is not supported\n" + std::string(report) + "\n"}) {
      EXPECT_EQ(Classify(StateAfter(log)).reason, R::kEngineRejectedConfiguration) << log;
      EXPECT_THAT(Classify(StateAfter(log)).message, StartsWith("ValueError: head size 80")) << log;
    }
    EXPECT_EQ(Classify(StateAfter(std::string(report) + "\n")).reason, R::kEngineCrashed) << report;
  }
}

TEST(RootCause, GpuMemoryThatAnotherProcessHoldsIsTheMachines) {
  const struct {
    const char* free;
    bool machine;
  } kCases[] = {{"(7.34/139.72 GiB)", true},   {"cuda:0 (31.44/47.38 GiB)", true}, {"(0.49/79.32 GiB)", true},
                {"(138.6/139.72 GiB)", false}, {"(76.5/79.32 GiB)", false},        {"(20.1/22.05 GiB)", false},
                {"(3.22/4.0 GiB)", false}};
  for (const auto& row : kCases) {
    EngineState state = StateAfter("ValueError: Free memory on device " + std::string(row.free) +
                                   " on startup is less than desired GPU memory utilization (0.99, 139.0 GiB).\n");
    state.exit_code = 1;
    const Failure failure = Classify(state);
    EXPECT_EQ(failure.machine, row.machine) << row.free;
    EXPECT_EQ(failure.reason, row.machine ? R::kEngineCrashed : R::kEngineRejectedConfiguration) << row.free;
  }
}

TEST(RootCause, AnErrorOfTheHardwareOfAnAmdGpuIsTheMachines) {
  EXPECT_TRUE(Classify(StateAfter("HW Exception by GPU node-9 (Agent handle: 0x6313) reason :ECC\n")).machine);
  EXPECT_FALSE(Classify(StateAfter("HW Exception by GPU node-9 (Agent handle: 0x6313) reason :GPU Hang\n")).machine);
}

TEST(RootCause, CompilersDoNotComplainOfArguments) {
  for (const char* log : {"collect2: error: ld returned 1 exit status\n", "x.cu(12): error: identifier undefined\n",
                          "/tmp/x.cc:3:10: error: no member\n", "/usr/bin/ld: error: cannot open\n"}) {
    EngineState state = StateAfter(log);
    state.exit_code = 1;
    EXPECT_EQ(Classify(state).reason, R::kEngineCrashed) << log;
  }
}

TEST(CauseRules, PatternsAreTextsWithGaps) {
  EXPECT_TRUE(MatchesPattern("nvcc fatal   : Unsupported GPU", "nvcc*unsupported"));
  EXPECT_FALSE(MatchesPattern("Unsupported by nvcc", "nvcc*unsupported"));
  EXPECT_TRUE(MatchesPattern("KeyError: x", "^keyerror:"));
  EXPECT_FALSE(MatchesPattern("a KeyError: x", "^keyerror:"));
}

TEST(RootCause, HostMemoryIsClaimedForTheKernelsCounterOnly) {
  EngineState state = StateAfter("RuntimeError: Engine core initialization failed. See root cause above.\n");
  state.signal = 9;
  EXPECT_EQ(Classify(state).reason, R::kEngineCrashed);
  state.oom_kills = 2;
  EXPECT_EQ(Classify(state).reason, R::kOutOfMemory);
  EXPECT_THAT(Classify(state).message, HasSubstr("killed 2 processes of the engine at the container's memory limit"));
}

TEST(RootCause, AWholeContainerThatWasKilledIsNotCalledOutOfMemoryHere) {
  EngineState state;
  state.phase = EngineState::Phase::kKilled;
  EXPECT_EQ(Classify(state).reason, R::kEngineCrashed);
  state.oom_kills = 1;
  EXPECT_EQ(Classify(state).reason, R::kOutOfMemory);
}

TEST(RootCause, ACommandThatDoesNotExistIsAnInvalidPod) {
  EngineState state;
  state.phase = EngineState::Phase::kNotStarted;
  state.error_lines = {"cannot execute \"vlm\": No such file or directory"};
  EXPECT_EQ(Classify(state).reason, R::kInvalidPodConfiguration);
  EXPECT_EQ(Classify(state).message, state.error_lines[0]);
}

}  // namespace
}  // namespace autotune::bench
