#include "bench/root_cause.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "bench/log_digest.h"

namespace autotune::bench {
namespace {

using R = FailureReason;
using testing::HasSubstr;
using testing::StartsWith;

const std::filesystem::path kLogs = std::filesystem::path(TESTDATA_DIR) / "engines/logs";

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

EngineState Digested(const std::string& log) {
  LogDigest digest;
  // In odd pieces, as a pipe delivers them.
  for (std::size_t at = 0; at < log.size(); at += 977) digest.Append(std::string_view(log).substr(at, 977));
  digest.Finish();
  EngineState state;
  state.phase = EngineState::Phase::kExited;
  state.error_lines = digest.error_lines();
  state.last_lines = digest.last_lines();
  state.start_seconds = 24.2;
  return state;
}

// Every recorded start that failed, with the line that a person would point at (written by hand from the logs).
struct Recorded {
  const char* log;
  R reason;
  const char* message;
};
constexpr Recorded kFailed[] = {
    {"vllm-0.24.0/fp8_kv_e5m2", R::kEngineRejectedConfiguration,
     "ValueError: fp8_e5m2 kv-cache is not supported with fp8 checkpoints."},
    {"vllm-0.24.0/att_fa_e5m2", R::kEngineRejectedConfiguration,
     "ValueError: Selected backend AttentionBackendEnum.FLASH_ATTN is not valid for this configuration. Reason: "
     "['kv_cache_dtype not supported']"},
    {"vllm-0.24.0/f32_fp8", R::kEngineRejectedConfiguration,
     "Value error, torch.float32 is not supported for quantization method fp8. Supported dtypes: [torch.bfloat16, "
     "torch.float16]"},
    {"vllm-0.24.0/kv_f16", R::kEngineRejectedConfiguration, "RuntimeError: query and key must have the same dtype"},
    {"vllm-0.24.0/kv_fp16_bad", R::kEngineRejectedArguments,
     "main.py serve: error: argument --kv-cache-dtype: invalid choice: 'fp16' (choose from 'auto', 'bfloat16', "
     "'float16', 'fp8', "},
    {"vllm-0.24.0/kv_int8_bad", R::kEngineRejectedArguments,
     "main.py serve: error: argument --kv-cache-dtype: invalid choice: 'int8' (choose from "},
    {"vllm-0.24.0/kv_int4ph", R::kEngineRejectedArguments,
     "main.py serve: error: argument --kv-cache-dtype: invalid choice: 'int4_per_token_head' (choose from "},
    {"vllm-0.24.0/q_int8_bad", R::kEngineRejectedConfiguration,
     "Value error, Unknown quantization method: int8. Must be one of ['awq', "},
    {"vllm-0.24.0/q_awq_nockpt", R::kEngineRejectedConfiguration, "Value error, Cannot find the config file for awq"},
    {"vllm-0.24.0/q_fp8_cfg", R::kEngineRejectedConfiguration,
     "ValueError: quantization_config is only supported when quantization is one of ['fp8_per_block', "
     "'fp8_per_channel', 'fp8_per_tensor', 'int8_per_channel_weight_only', 'mxfp8', 'online'], got "
     "quantization='fp8'"},
    {"vllm-0.24.0/unknown_flag", R::kEngineRejectedArguments,
     "main.py: error: unrecognized arguments: --no-such-flag 1"},
    {"vllm-0.24.0/swap_space", R::kEngineRejectedArguments, "main.py: error: unrecognized arguments: --swap-space 4"},
    {"vllm-0.24.0/moe_backend_ficutlass", R::kEngineRejectedConfiguration,
     "ValueError: FP8 MoE backend FLASHINFER_CUTLASS does not support the deployment configuration since kernel does "
     "not support quantization scheme "},
    {"vllm-0.24.0/context_too_long", R::kEngineRejectedConfiguration,
     "ValueError: To serve at least one request with the model's max seq len (131072), (16.0 GiB KV cache is needed, "
     "which is larger than the available KV cache memory (7.53 GiB)."},
    {"sglang-0.5.15/dt_f32", R::kEngineRejectedConfiguration,
     "RuntimeError: rmsnorm(at::Tensor&, at::Tensor&, at::Tensor&, double, bool)::<lambda()> failed to dispatch data "
     "type Float"},
    {"sglang-0.5.15/kv_bf16_f16model", R::kEngineRejectedConfiguration,
     "RuntimeError: expected mat1 and mat2 to have the same dtype, but got: c10::BFloat16 != c10::Half"},
    {"sglang-0.5.15/kv_fp4", R::kEngineRejectedConfiguration,
     "AssertionError: KV4 MHA expects attention_backend to be one of ['triton', 'torch_native', 'flex_attention', "
     "'trtllm_mha'], but got fa3"},
    {"sglang-0.5.15/kv_fp8_bad", R::kEngineRejectedArguments,
     "sglang serve: error: argument --kv-cache-dtype: invalid choice: 'fp8' (choose from 'auto', 'fp8_e5m2', "
     "'fp8_e4m3', 'bf16', 'bfloat16', 'fp4_e2m1')"},
    {"sglang-0.5.15/moe_fp8_ficutlass", R::kEngineRejectedConfiguration, "AssertionError: Invalid quantization 'fp8'."},
    {"sglang-0.5.15/q_int8_bad", R::kEngineRejectedArguments,
     "sglang serve: error: argument --quantization: invalid choice: 'int8' (choose from 'awq', "},
    {"sglang-0.5.15/q_mxfp4", R::kEngineRejectedConfiguration, "AssertionError: assert self.quant_method is not None"},
    {"sglang-0.5.15/hub_offline", R::kEngineRejectedConfiguration,
     "huggingface_hub.errors.LocalEntryNotFoundError: Cannot find the requested files in the disk cache and outgoing "
     "traffic has been disabled."},
    {"sglang-0.5.15/no_weights", R::kEngineRejectedConfiguration,
     "RuntimeError: Cannot find any model weights with `/models/no-weights`"},
    {"sglang-0.5.15/grpc_port", R::kEngineRejectedConfiguration,
     "ValueError: SGLANG_GRPC_PORT (69941) must be between 1 and 65535"},
    {"sglang-0.5.15/worker_killed", R::kEngineCrashed,
     "the engine was ended by signal 9 (SIGKILL) while serving; its log: Subprocess scheduler_0 (pid=29389) crashed "
     "with "
     "exit code -9. Triggering SIGQUIT for cleanup..."},
    {"sglang-0.5.15/underscore", R::kEngineRejectedArguments,
     "sglang serve: error: unrecognized arguments: --kv_cache_dtype fp8_e4m3"},
    {"sglang-0.5.15/unknown_flag", R::kEngineRejectedArguments,
     "sglang serve: error: unrecognized arguments: --no-such-flag 1"},
    {"vllm-0.24.0/no_weights", R::kEngineRejectedConfiguration,
     "RuntimeError: Cannot find any model weights with `/models/no-weights`"},
    {"vllm-0.24.0/wrong_shapes", R::kEngineRejectedConfiguration,
     "RuntimeError: The size of tensor a (2048) must match the size of tensor b (1024) at non-singleton dimension 1"},
    {"vllm-0.24.0/lfs_pointer", R::kEngineRejectedConfiguration,
     "safetensors._safetensors_rust.SafetensorError: Error while deserializing header: header too large"},
    {"vllm-0.24.0/cut_off", R::kEngineRejectedConfiguration,
     "safetensors._safetensors_rust.SafetensorError: Error while deserializing header: incomplete metadata, file not "
     "fully covered"},
    {"vllm-0.24.0/unknown_architecture", R::kEngineRejectedConfiguration,
     "Value error, The checkpoint you are trying to load has model type `novel` but Transformers does not recognize "
     "this architecture."},
    {"vllm-0.24.0/hub_offline", R::kEngineRejectedConfiguration,
     "huggingface_hub.errors.LocalEntryNotFoundError: Cannot find an appropriate cached snapshot folder"},
    {"vllm-0.24.0/bad_tokenizer", R::kEngineRejectedConfiguration,
     "huggingface_hub.errors.HFValidationError: Repo id must use alphanumeric chars, '-', '_' or '.'."},
    {"vllm-0.24.0/kv_below_context", R::kEngineRejectedConfiguration,
     "ValueError: To serve at least one request with the model's max seq len (32768), (1.0 GiB KV cache is needed, "
     "which is larger than the available KV cache memory (0.1 GiB)."},
    {"vllm-0.24.0/kv_too_small", R::kOutOfMemory, "ValueError: No available memory for the cache blocks."},
    {"vllm-0.24.0/oom_loading", R::kOutOfMemory,
     "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 448.00 MiB. GPU 0 has a total capacity of 79.18 "
     "GiB of which 348.19 MiB is free."},
    {"vllm-0.24.0/oom_warm_up", R::kOutOfMemory,
     "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.75 GiB. GPU 0 has a total capacity of 79.18 GiB "
     "of which 1.22 GiB is free."},
    {"vllm-0.24.0/moe_kv_f16", R::kEngineCrashed, "RuntimeError: query and key must have the same dtype"},
    {"vllm-0.24.0/moe_mxfp4", R::kEngineRejectedConfiguration,
     "ValueError: online quantization for RoutedExperts with weight="},
    {"vllm-0.24.0/worker_killed", R::kEngineCrashed,
     "the engine ended with exit code 0 while serving; its log: vllm.v1.engine.exceptions.EngineDeadError: EngineCore "
     "encountered an issue."},
    {"vllm-0.24.0/tp_worker_killed", R::kEngineCrashed,
     "the engine ended with exit code 0 while serving; its log: Worker proc VllmWorker-1 died unexpectedly"},
    {"vllm-0.24.0/tp_no_interface", R::kEngineCrashed,
     "RuntimeError: NCCL error: invalid usage (run with NCCL_DEBUG=WARN for details)"},
    {"sglang-0.5.15/wrong_shapes", R::kEngineRejectedConfiguration,
     "RuntimeError: The size of tensor a (2048) must match the size of tensor b (1024) at non-singleton dimension 1"},
    {"sglang-0.5.15/lfs_pointer", R::kEngineRejectedConfiguration,
     "safetensors._safetensors_rust.SafetensorError: Error while deserializing header: header too large"},
    {"sglang-0.5.15/cut_off", R::kEngineRejectedConfiguration,
     "safetensors._safetensors_rust.SafetensorError: Error while deserializing header: incomplete metadata, file not "
     "fully covered"},
    {"sglang-0.5.15/unknown_architecture", R::kEngineRejectedConfiguration,
     "ValueError: The checkpoint you are trying to load has model type `novel` but Transformers does not recognize "
     "this architecture."},
    {"sglang-0.5.15/kv_too_small", R::kOutOfMemory,
     "ValueError: Loaded weights leave no GPU memory for the KV cache under --mem-fraction-static=0.1."},
    {"sglang-0.5.15/oom_loading", R::kOutOfMemory,
     "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 448.00 MiB. GPU 0 has a total capacity of 79.18 "
     "GiB of which 319.38 MiB is free."},
    {"sglang-0.5.15/oom_serving", R::kOutOfMemory,
     "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.75 GiB. GPU 0 has a total capacity of 79.18 GiB "
     "of which 1.43 GiB is free."},
    {"sglang-0.5.15/tp_worker_killed", R::kEngineCrashed,
     "the engine was ended by signal 9 (SIGKILL) while serving; its log: RuntimeError: "
     "[/pytorch/third_party/gloo/gloo/transport/tcp/pair.cc:547] Connection closed by peer [127.0.0.1]:9637"},
    {"sglang-0.5.15/tp_no_interface", R::kEngineCrashed,
     "RuntimeError: NCCL error: invalid usage (run with NCCL_DEBUG=WARN for details)"},
    {"sglang-0.5.15/tp_small_shm", R::kEngineCrashed,
     "RuntimeError: NCCL error: unhandled system error (run with NCCL_DEBUG=INFO for details)"},
};
// Not ready when their time was over, or ended from outside while compiling kernels: nothing in the log is an error.
constexpr const char* kTimedOut[] = {"sglang-0.5.15/moe_ficutlass", "sglang-0.5.15/q_w4afp8_fimxfp4",
                                     "sglang-0.5.15/q_w4afp8", "sglang-0.5.15/flashinfer_e4m3",
                                     "vllm-0.24.0/q_fp8_per_block"};

// The state that the launcher would have written: the outcome in index.json is "exit N" or, ended by a signal, "exit
// -N", perhaps with "while serving".
EngineState Recording(const nlohmann::json& index, const std::string& log) {
  EngineState state = Digested(ReadFile(kLogs / (log + ".log")));
  const std::size_t slash = log.find('/');
  const std::string outcome = index.at(log.substr(0, slash)).at(log.substr(slash + 1)).at("outcome");
  // SGLang "up, but the first request failed" ends itself, its own warm-up request being the first.
  const int code = outcome.starts_with("exit ") ? std::stoi(outcome.substr(5)) : -9;
  (code < 0 ? state.signal : state.exit_code) = std::abs(code);
  state.was_ready = outcome.ends_with("while serving");
  return state;
}

TEST(RootCause, OfEveryRecordedFailureIsTheLineAPersonWouldPointAt) {
  const auto index = nlohmann::json::parse(ReadFile(kLogs / "index.json"));
  for (const Recorded& row : kFailed) {
    const EngineState state = Recording(index, row.log);
    const Failure failure = Classify(state);
    EXPECT_EQ(FailureReasonName(failure.reason), FailureReasonName(row.reason)) << row.log << ": " << failure.message;
    EXPECT_THAT(failure.message, StartsWith(row.message)) << row.log;
    EXPECT_EQ(failure.exit_code, state.signal != 0 ? 128 + state.signal : state.exit_code) << row.log;
  }
}

TEST(RootCause, OfALogWithoutAnErrorIsNothing) {
  const auto index = nlohmann::json::parse(ReadFile(kLogs / "index.json"));
  int ready = 0;
  for (const auto& [engine, starts] : index.items()) {
    for (const auto& [name, start] : starts.items()) {
      if (start["outcome"] != "ready") continue;
      ++ready;
      const EngineState state = Digested(ReadFile(kLogs / engine / (name + ".log")));
      EXPECT_EQ(RootCause(state.error_lines), std::nullopt) << engine << "/" << name;
    }
  }
  EXPECT_EQ(ready, 9);
  for (const char* name : kTimedOut) {
    const EngineState state = Digested(ReadFile(kLogs / (std::string(name) + ".log")));
    EXPECT_EQ(RootCause(state.error_lines), std::nullopt) << name;
  }
}

TEST(RootCause, TheTablesCoverEveryRecordedStart) {
  std::set<std::string> covered(std::begin(kTimedOut), std::end(kTimedOut));
  for (const Recorded& row : kFailed) covered.insert(row.log);
  const auto index = nlohmann::json::parse(ReadFile(kLogs / "index.json"));
  for (const auto& [engine, starts] : index.items()) {
    for (const auto& [name, start] : starts.items()) {
      EXPECT_EQ(start["outcome"] == "ready", !covered.contains(engine + "/" + name)) << engine << "/" << name;
    }
  }
}

TEST(RootCause, AStartupTimeoutShowsWhatTheEngineWasDoing) {
  EngineState state = Digested(ReadFile(kLogs / "sglang-0.5.15/moe_ficutlass.log"));
  state.phase = EngineState::Phase::kStartupTimeout;
  state.start_seconds = 140;
  const Failure failure = Classify(state);
  EXPECT_EQ(failure.reason, R::kStartupTimeout);
  EXPECT_THAT(failure.message,
              StartsWith("not ready within 140 s; its last line: Running FlashInfer autotune with cache: "));
}

TEST(RootCause, AnEngineThatDiedWhileServingCrashed) {
  EngineState state = Digested(ReadFile(kLogs / "sglang-0.5.15/dt_f32.log"));
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
       "the engine was ended by signal 9 (SIGKILL) after 24 s, before it was ready; it printed nothing"},
      {"loading\n", 137, R::kEngineCrashed, "the engine ended with exit code 137 after 24 s"},
      {"loading\n", 0, R::kEngineCrashed, "the engine ended with exit code 0 after 24 s"},
      {"what is this\n", 2, R::kEngineRejectedArguments, "the engine ended with exit code 2 after 24 s"},
  };
  for (const auto& row : kCases) {
    EngineState state = Digested(row.log);
    (row.exit_code < 0 ? state.signal : state.exit_code) = std::abs(row.exit_code);
    const Failure failure = Classify(state);
    EXPECT_EQ(FailureReasonName(failure.reason), FailureReasonName(row.reason)) << row.log;
    EXPECT_THAT(failure.message, StartsWith(row.message)) << row.log;
  }
}

TEST(RootCause, HostMemoryIsClaimedForTheKernelsCounterOnly) {
  EngineState state = Digested("RuntimeError: Engine core initialization failed. See root cause above.\n");
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
