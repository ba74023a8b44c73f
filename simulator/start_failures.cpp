#include "simulator/start_failures.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <iterator>

#include "engine_model/roofline.h"
#include "simulator/deployment.h"
#include "simulator/python_text.h"

namespace autotune::simulator {
namespace {

using S = EngineSettings;
using Process = LogEntry::Process;

template <std::size_t N>
bool OneOf(std::string_view text, const std::array<std::string_view, N>& names) {
  return std::find(names.begin(), names.end(), text) != names.end();
}

std::string PythonList(const std::vector<std::string>& items) {
  std::string out = "[";
  for (const std::string& item : items) out += (out.size() == 1 ? "" : ", ") + PythonRepr(item);
  return out + "]";
}

// round(value, 2) as Python prints it: 16.0, 7.53.
std::string Rounded(double value) {
  std::array<char, 32> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.2f", value);
  std::string text = buffer.data();
  if (text.ends_with('0')) text.pop_back();
  return text;
}

bool IsFp8Method(std::string_view method) {
  return OneOf<5>(method, {"fp8", "modelopt", "modelopt_fp8", "quark", "fbgemm_fp8"});
}

// vLLM's online methods: with these --quantization-config has a meaning.
std::vector<std::string> OnlineMethods(const S& s) {
  std::vector<std::string> out;
  for (const char* name : {"fp8_per_block", "fp8_per_channel", "fp8_per_tensor", "int8_per_channel_weight_only",
                           "mxfp8", "nvfp4_per_token", "online"}) {
    if (std::find(s.quantization_methods.begin(), s.quantization_methods.end(), name) != s.quantization_methods.end()) {
      out.emplace_back(name);
    }
  }
  return out;
}
bool IsOnline(const S& s) {
  const std::vector<std::string> methods = OnlineMethods(s);
  return std::find(methods.begin(), methods.end(), s.quantization) != methods.end();
}

// "awq" and "awq_marlin" name one kind of checkpoint.
bool SameCheckpointKind(std::string_view flag, std::string_view checkpoint) {
  return flag.find(checkpoint) != std::string_view::npos || checkpoint.find(flag) != std::string_view::npos;
}

bool VllmBackendRefusesKv(const S& s) {
  const std::string& backend = s.attention_backend;
  const std::string& kv = s.kv_cache_dtype;
  if (backend == "FLASH_ATTN") {
    const bool fp8 = kv == "fp8" || kv == "fp8_e4m3";
    return kv == "fp8_e5m2" || kv.ends_with("per_token_head") || kv.starts_with("nvfp4") ||
           (fp8 && s.gpu.capability < 90);
  }
  if (backend == "FLASHINFER") return kv.ends_with("per_token_head");
  if (backend == "FLEX_ATTENTION" || backend == "FLASH_ATTN_MLA") return kv.starts_with("fp8");
  return false;
}

struct MinimumCapability {
  std::string_view method;
  int vllm = 0;  // 0: not known for this engine
  int sglang = 0;
};
constexpr std::array<MinimumCapability, 14> kMinimumCapability = {{{"fp8", 75, 80},
                                                                   {"online", 75, 0},
                                                                   {"awq", 75, 0},
                                                                   {"gptq", 60, 60},
                                                                   {"experts_int8", 80, 0},
                                                                   {"modelopt", 80, 0},
                                                                   {"modelopt_fp4", 75, 80},
                                                                   {"modelopt_fp8", 0, 89},
                                                                   {"mxfp4", 80, 80},
                                                                   {"fp_quant", 100, 0},
                                                                   {"mxfp8", 0, 100},
                                                                   {"w8a8_fp8", 0, 89},
                                                                   {"w8a8_int8", 0, 75},
                                                                   {"w4afp8", 0, 90}}};
int Minimum(const S& s) {
  const std::string method = s.EffectiveQuantization();
  for (const MinimumCapability& row : kMinimumCapability) {
    if (row.method == method) return s.release.engine == Engine::kVllm ? row.vllm : row.sglang;
  }
  return 0;
}
std::string CapabilityText(const S& s) {
  return "The quantization method " + s.EffectiveQuantization() + " is not supported for the current GPU. Minimum " +
         "capability: " + std::to_string(Minimum(s)) + ". Current capability: " + std::to_string(s.gpu.capability) +
         ".";
}
std::string MismatchText(const S& s) {
  return "Quantization method specified in the model config (" + s.shape.checkpoint_quantization +
         ") does not match the quantization method specified in the `quantization` argument (" + s.quantization + ").";
}

std::string CudaOutOfMemory(const S& s) {
  return "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 224.00 MiB. GPU 0 has a total capacity of " +
         Rounded(s.gpu.memory_gib) +
         " GiB of which 113.06 MiB is free. Including non-PyTorch memory, this process has " +
         Rounded(s.gpu.memory_gib - 0.11) + " GiB memory in use.";
}

double KvBytesNeeded(const S& s) {
  return static_cast<double>(s.max_model_len) * engine_model::Roofline(DeploymentOf(s)).KvBytesPerToken() /
         (s.tensor_parallel * s.pipeline_parallel);
}

constexpr double kGib = 1024.0 * 1024.0 * 1024.0;

const StartFailure kOutcomes[] = {
    // ---- vLLM, before any worker process ----
    {"vllm-quantization-config-without-online", Engine::kVllm, "", "", Provenance::kLog, "vllm-0.24.0/q_fp8_cfg.log",
     Stage::kConfig, Ending::kVllmFrontEnd,
     [](const S& s) { return s.has_quantization_config && !s.quantization.empty() && !IsOnline(s); },
     [](const S& s) {
       return "ValueError: quantization_config is only supported when quantization is one of " +
              PythonList(OnlineMethods(s)) + ", got quantization=" + PythonRepr(s.quantization);
     }},
    {"vllm-max-model-len-beyond-model", Engine::kVllm, "", "", Provenance::kSource, "vllm/config/model.py",
     Stage::kConfig, Ending::kVllmModelConfig,
     [](const S& s) { return s.shape.from_config && s.max_model_len_given && s.max_model_len > s.shape.max_positions; },
     [](const S& s) {
       return "User-specified max_model_len (" + std::to_string(s.max_model_len) +
              ") is greater than the derived max_model_len (max_position_embeddings=" +
              std::to_string(s.shape.max_positions) +
              " or model_max_length=None in model's config.json). To allow overriding this maximum, set the env var "
              "VLLM_ALLOW_LONG_MAX_MODEL_LEN=1.";
     }},
    {"vllm-unknown-quantization", Engine::kVllm, "", "", Provenance::kLog, "vllm-0.24.0/q_int8_bad.log", Stage::kConfig,
     Ending::kVllmModelConfig,
     [](const S& s) {
       return !s.quantization.empty() && std::find(s.quantization_methods.begin(), s.quantization_methods.end(),
                                                   s.quantization) == s.quantization_methods.end();
     },
     [](const S& s) {
       return "Unknown quantization method: " + s.quantization + ". Must be one of " +
              PythonList(s.quantization_methods) + ".";
     }},
    {"vllm-quantization-is-not-the-checkpoints", Engine::kVllm, "", "", Provenance::kSource, "vllm/config/model.py",
     Stage::kConfig, Ending::kVllmModelConfig,
     [](const S& s) {
       return !s.quantization.empty() && !s.shape.checkpoint_quantization.empty() &&
              !SameCheckpointKind(s.quantization, s.shape.checkpoint_quantization);
     },
     MismatchText},
    {"vllm-more-gpus-than-visible", Engine::kVllm, "", "", Provenance::kSource, "vllm/config/parallel.py",
     Stage::kConfig, Ending::kVllmParallelConfig,
     [](const S& s) { return s.visible_gpus && s.tensor_parallel * s.pipeline_parallel > *s.visible_gpus; },
     [](const S& s) {
       return "World size (" + std::to_string(s.tensor_parallel * s.pipeline_parallel) +
              ") is larger than the number of available GPUs (" + std::to_string(*s.visible_gpus) +
              ") in this node. If this is intentional and you are using:\n- ray, set '--distributed-executor-backend "
              "ray'."
              "\n- multiprocessing, set '--nnodes' appropriately.";
     }},
    {"vllm-heads-not-divisible", Engine::kVllm, "", "", Provenance::kSource, "vllm/config/model.py", Stage::kConfig,
     Ending::kVllmVllmConfig,
     [](const S& s) { return s.tensor_parallel > 0 && s.shape.heads % s.tensor_parallel != 0; },
     [](const S& s) {
       return "Total number of attention heads (" + std::to_string(s.shape.heads) +
              ") must be divisible by tensor parallel size (" + std::to_string(s.tensor_parallel) + ").";
     }},
    {"vllm-quantization-needs-checkpoint", Engine::kVllm, "", "", Provenance::kLog, "vllm-0.24.0/q_awq_nockpt.log",
     Stage::kConfig, Ending::kVllmVllmConfig,
     [](const S& s) {
       // Recorded for awq; the others look for a file of the checkpoint in the same way.
       return s.shape.checkpoint_quantization.empty() &&
              OneOf<11>(s.quantization, {"awq", "awq_marlin", "auto_awq", "gptq", "gptq_marlin", "auto_gptq",
                                         "modelopt", "modelopt_fp4", "modelopt_mxfp8", "modelopt_mixed", "moe_wna16"});
     },
     [](const S& s) { return "Cannot find the config file for " + s.quantization; }},
    {"vllm-quantization-needs-newer-gpu", Engine::kVllm, "", "", Provenance::kSource, "vllm/config/vllm.py",
     Stage::kConfig, Ending::kVllmVllmConfig,
     [](const S& s) { return s.gpu.nvidia() && s.gpu.capability < Minimum(s); }, CapabilityText},
    {"vllm-float32-with-quantization", Engine::kVllm, "", "", Provenance::kLog, "vllm-0.24.0/f32_fp8.log",
     Stage::kConfig, Ending::kVllmVllmConfig,
     [](const S& s) { return s.dtype == "float32" && (s.quantization == "fp8" || IsOnline(s)); },
     [](const S& s) {
       return "torch.float32 is not supported for quantization method " + s.quantization +
              ". Supported dtypes: [torch.bfloat16, torch.float16]";
     }},
    // ---- vLLM, in the engine core ----
    {"vllm-replicas-beyond-visible-gpus", Engine::kVllm, "", "", Provenance::kSource, "torch.cuda.set_device",
     Stage::kEngineInit, Ending::kVllmEngineCore,
     [](const S& s) { return s.visible_gpus && s.gpus() > *s.visible_gpus; },
     [](const S&) { return std::string("RuntimeError: CUDA error: invalid device ordinal"); }},
    {"vllm-backend-refuses-kv-dtype", Engine::kVllm, "0.14", "", Provenance::kLog, "vllm-0.24.0/att_fa_e5m2.log",
     Stage::kLoad, Ending::kVllmEngineCore, VllmBackendRefusesKv,
     [](const S& s) {
       return "ValueError: Selected backend AttentionBackendEnum." + s.attention_backend +
              " is not valid for this configuration. Reason: ['kv_cache_dtype not supported']";
     }},
    {"vllm-backend-refuses-float32", Engine::kVllm, "0.14", "", Provenance::kSource, "vllm/v1/attention/backends",
     Stage::kLoad, Ending::kVllmEngineCore,
     [](const S& s) {
       return s.dtype == "float32" && OneOf<2>(s.attention_backend, {"FLASH_ATTN", "FLASHINFER"});
     },
     [](const S& s) {
       return "ValueError: Selected backend AttentionBackendEnum." + s.attention_backend +
              " is not valid for this configuration. Reason: ['dtype not supported']";
     }},
    {"vllm-nvfp4-kv-needs-blackwell", Engine::kVllm, "0.20", "", Provenance::kTable,
     "O.1 --kv-cache-dtype nvfp4: requires sm100f", Stage::kLoad, Ending::kVllmEngineCore,
     [](const S& s) { return s.kv_cache_dtype.starts_with("nvfp4") && s.gpu.capability / 10 != 10; },
     [](const S&) { return std::string("ValueError: nvfp4 kv-cache requires sm100f"); }},
    {"vllm-fp8-weights-with-e5m2-kv", Engine::kVllm, "", "", Provenance::kLog, "vllm-0.24.0/fp8_kv_e5m2.log",
     Stage::kLoad, Ending::kVllmEngineCore,
     [](const S& s) { return s.kv_cache_dtype == "fp8_e5m2" && IsFp8Method(s.EffectiveQuantization()); },
     [](const S&) { return std::string("ValueError: fp8_e5m2 kv-cache is not supported with fp8 checkpoints."); }},
    {"vllm-online-mxfp4-experts", Engine::kVllm, "0.24", "0.28", Provenance::kTable,
     "O.1 MoE --quantization online {\"moe\":\"mxfp4\"}: not supported for routed experts", Stage::kLoad,
     Ending::kVllmEngineCore,
     [](const S& s) { return s.shape.is_moe() && s.quantization == "online" && s.online_moe == "mxfp4"; },
     [](const S&) { return std::string("ValueError: online mxfp4 is not supported for routed experts"); }},
    {"vllm-fp8-moe-backend-flashinfer-cutlass", Engine::kVllm, "0.18", "", Provenance::kLog,
     "vllm-0.24.0/moe_backend_ficutlass.log", Stage::kLoad, Ending::kVllmEngineCore,
     [](const S& s) { return s.shape.is_moe() && s.moe_backend == "flashinfer_cutlass" && s.quantization == "fp8"; },
     [](const S&) {
       return std::string(
           "ValueError: FP8 MoE backend FLASHINFER_CUTLASS does not support the deployment configuration since kernel "
           "does not support quantization scheme QuantKey(f8e4m3fn,scale(f32,static,per_tensor),symmetric)xQuantKey("
           "f8e4m3fn,scale(f32,dynamic,per_tensor),symmetric).");
     }},
    {"vllm-weights-do-not-fit", Engine::kVllm, "", "", Provenance::kSource, "PyTorch's CUDA allocator", Stage::kLoad,
     Ending::kVllmEngineCore, [](const S& s) { return !PlanMemory(DeploymentOf(s)).weights_fit; }, CudaOutOfMemory},
    {"vllm-no-memory-for-kv-cache", Engine::kVllm, "", "", Provenance::kSource, "vllm/v1/core/kv_cache_utils.py",
     Stage::kWarmup, Ending::kVllmEngineCore, [](const S& s) { return PlanMemory(DeploymentOf(s)).kv_gib <= 0; },
     [](const S&) {
       return std::string(
           "ValueError: No available memory for the cache blocks. Try increasing `gpu_memory_utilization` when "
           "initializing the engine.");
     }},
    {"vllm-context-does-not-fit", Engine::kVllm, "", "", Provenance::kLog, "vllm-0.24.0/context_too_long.log",
     Stage::kWarmup, Ending::kVllmEngineCore,
     [](const S& s) { return KvBytesNeeded(s) > PlanMemory(DeploymentOf(s)).kv_gib * kGib; },
     [](const S& s) {
       const engine_model::MemoryPlan plan = PlanMemory(DeploymentOf(s));
       return "ValueError: To serve at least one request with the model's max seq len (" +
              std::to_string(s.max_model_len) + "), (" + Rounded(KvBytesNeeded(s) / kGib) +
              " GiB KV cache is needed, which is larger than the available KV cache memory (" + Rounded(plan.kv_gib) +
              " GiB). Based on the available memory, the estimated maximum model length is " +
              std::to_string(plan.kv_tokens / std::max(1, s.data_parallel)) +
              ". Try increasing `gpu_memory_utilization` (which also controls CPU memory on the CPU backend) or "
              "decreasing `max_model_len` when initializing the engine. See "
              "https://docs.vllm.ai/en/latest/configuration/conserving_memory/ for more details.";
     }},
    {"vllm-kv-dtype-is-not-the-models", Engine::kVllm, "0.18", "", Provenance::kLog, "vllm-0.24.0/kv_f16.log",
     Stage::kWarmup, Ending::kVllmEngineCore,
     [](const S& s) {
       return OneOf<2>(s.kv_cache_dtype, {"float16", "bfloat16"}) && s.kv_cache_dtype != s.dtype;
     },
     [](const S&) { return std::string("RuntimeError: query and key must have the same dtype"); }},

    // ---- SGLang, while its arguments are checked ----
    {"sglang-fp4-kv-renamed", Engine::kSglang, "0.5.16", "", Provenance::kSource, "srt/mem_cache/kv_cache_dtype.py",
     Stage::kConfig, Ending::kSglangFrontEnd, [](const S& s) { return s.kv_cache_dtype == "fp4_e2m1"; },
     [](const S&) {
       return std::string("ValueError: --kv-cache-dtype=fp4_e2m1 is deprecated. Use --kv-cache-dtype=fp4_mx_block16");
     }},
    {"sglang-fp4-kv-needs-other-attention", Engine::kSglang, "0.5.5", "0.5.16", Provenance::kLog,
     "sglang-0.5.15/kv_fp4.log", Stage::kConfig, Ending::kSglangFrontEnd,
     [](const S& s) {
       return s.kv_cache_dtype == "fp4_e2m1" &&
              !OneOf<4>(s.EffectiveAttentionBackend(), {"triton", "torch_native", "flex_attention", "trtllm_mha"});
     },
     [](const S& s) {
       return "AssertionError: KV4 MHA expects attention_backend to be one of ['triton', 'torch_native', "
              "'flex_attention', 'trtllm_mha'], but got " +
              s.EffectiveAttentionBackend();
     }},
    {"sglang-flashinfer-cutlass-with-fp8", Engine::kSglang, "0.5.6", "", Provenance::kLog,
     "sglang-0.5.15/moe_fp8_ficutlass.log", Stage::kConfig, Ending::kSglangFrontEnd,
     [](const S& s) {
       return s.moe_backend == "flashinfer_cutlass" && !s.quantization.empty() &&
              !OneOf<3>(s.quantization, {"modelopt_fp4", "modelopt_fp8", "modelopt_mixed"});
     },
     [](const S& s) {
       return "AssertionError: Invalid quantization " + PythonRepr(s.quantization) +
              ". \nFlashInfer Cutlass MOE supports only: 'modelopt_fp4', 'modelopt_fp8', 'modelopt_mixed', or bfloat16 "
              "(None).";
     }},
    {"sglang-nvfp4-online-needs-blackwell", Engine::kSglang, "0.5.14", "", Provenance::kTable,
     "O.3 --quantization nvfp4_online: exit 1, Blackwell only", Stage::kConfig, Ending::kSglangFrontEnd,
     [](const S& s) { return s.quantization == "nvfp4_online" && s.gpu.capability < 100; },
     [](const S&) { return std::string("ValueError: nvfp4_online is supported on Blackwell only"); }},
    {"sglang-quantization-is-not-the-checkpoints", Engine::kSglang, "", "", Provenance::kSource,
     "srt/configs/model_config.py", Stage::kConfig, Ending::kSglangFrontEnd,
     [](const S& s) {
       const std::string& checkpoint = s.shape.checkpoint_quantization;
       if (s.quantization.empty() || checkpoint.empty() || SameCheckpointKind(s.quantization, checkpoint)) return false;
       const bool compressed =
           checkpoint == "compressed-tensors" && OneOf<3>(s.quantization, {"w8a8_int8", "w8a8_fp8", "auto-round-int8"});
       const bool requantized = checkpoint == "fp8" && OneOf<2>(s.quantization, {"modelopt_fp4", "nvfp4_online"});
       return !compressed && !requantized;
     },
     [](const S& s) { return "ValueError: " + MismatchText(s); }},
    // ---- SGLang, in a worker: the process tree kills itself ----
    {"sglang-more-gpus-than-visible", Engine::kSglang, "", "", Provenance::kSource, "torch.cuda.set_device",
     Stage::kEngineInit, Ending::kSglangScheduler,
     [](const S& s) { return s.visible_gpus && s.gpus() > *s.visible_gpus; },
     [](const S&) { return std::string("RuntimeError: CUDA error: invalid device ordinal"); }},
    {"sglang-mxfp8-needs-blackwell", Engine::kSglang, "", "", Provenance::kTable,
     "O.3 --quantization mxfp8: killed, needs capability 100", Stage::kLoad, Ending::kSglangScheduler,
     [](const S& s) { return s.quantization == "mxfp8" && s.gpu.capability < 100; },
     [](const S& s) { return "ValueError: " + CapabilityText(s); }},
    {"sglang-quantization-needs-newer-gpu", Engine::kSglang, "", "", Provenance::kSource, "srt/model_loader/loader.py",
     Stage::kLoad, Ending::kSglangScheduler, [](const S& s) { return s.gpu.nvidia() && s.gpu.capability < Minimum(s); },
     [](const S& s) { return "ValueError: " + CapabilityText(s); }},
    {"sglang-quantization-needs-checkpoint", Engine::kSglang, "", "", Provenance::kTable,
     "O.3 --quantization awq on an unquantized model: killed, Cannot find the config file for awq", Stage::kLoad,
     Ending::kSglangScheduler,
     [](const S& s) {
       return s.shape.checkpoint_quantization.empty() &&
              OneOf<10>(s.quantization, {"awq", "awq_marlin", "gptq", "gptq_marlin", "marlin", "modelopt",
                                         "modelopt_fp8", "modelopt_fp4", "modelopt_mixed", "moe_wna16"});
     },
     [](const S& s) { return "ValueError: Cannot find the config file for " + s.quantization; }},
    {"sglang-mxfp4-needs-checkpoint", Engine::kSglang, "", "", Provenance::kLog, "sglang-0.5.15/q_mxfp4.log",
     Stage::kLoad, Ending::kSglangScheduler,
     [](const S& s) { return s.quantization == "mxfp4" && s.shape.checkpoint_quantization.empty(); },
     [](const S&) { return std::string("AssertionError"); }},
    {"sglang-torchao", Engine::kSglang, "", "0.5.18", Provenance::kTable,
     "O.3 --torchao-config int8wo: killed, import error with torchao 0.17", Stage::kLoad, Ending::kSglangScheduler,
     [](const S& s) { return !s.torchao_config.empty() && s.torchao_config != "None"; },
     [](const S& s) { return "ImportError: cannot import what " + s.torchao_config + " needs from torchao"; }},
    {"sglang-weights-do-not-fit", Engine::kSglang, "", "", Provenance::kSource, "PyTorch's CUDA allocator",
     Stage::kLoad, Ending::kSglangScheduler, [](const S& s) { return !PlanMemory(DeploymentOf(s)).weights_fit; },
     CudaOutOfMemory},
    {"sglang-no-memory-for-kv-cache", Engine::kSglang, "", "", Provenance::kSource,
     "srt/model_executor/model_runner.py", Stage::kWarmup, Ending::kSglangScheduler,
     [](const S& s) { return PlanMemory(DeploymentOf(s)).kv_gib <= 0; },
     [](const S&) {
       return std::string("RuntimeError: Not enough memory. Please try to increase --mem-fraction-static.");
     }},
    {"sglang-float32-dies-on-first-request", Engine::kSglang, "", "", Provenance::kLog, "sglang-0.5.15/dt_f32.log",
     Stage::kFirstRequest, Ending::kSglangScheduler, [](const S& s) { return s.dtype == "float32"; },
     [](const S&) {
       return std::string(
           "RuntimeError: rmsnorm(at::Tensor&, at::Tensor&, at::Tensor&, double, bool)::<lambda()> failed to dispatch "
           "data "
           "type Float");
     }},
    {"sglang-kv-dtype-is-not-the-models", Engine::kSglang, "", "", Provenance::kLog,
     "sglang-0.5.15/kv_bf16_f16model.log", Stage::kFirstRequest, Ending::kSglangScheduler,
     [](const S& s) {
       return OneOf<2>(s.kv_cache_dtype, {"bf16", "bfloat16"}) && s.dtype == "float16";
     },
     [](const S&) {
       return std::string(
           "RuntimeError: expected mat1 and mat2 to have the same dtype, but got: c10::BFloat16 != c10::Half");
     }},

    // ---- TensorRT-LLM: nothing is recorded ----
    {"trtllm-quant-config", Engine::kTensorRtLlm, "", "", Provenance::kSource,
     "llm.py _validate_args_for_torch_backend", Stage::kConfig, Ending::kTensorRtLlm,
     [](const S& s) { return s.options_set_quantization; },
     [](const S&) {
       return std::string("ValueError: The following arguments are specific to TensorRT backend: ['quant_config']");
     }},
    {"trtllm-kv-dtype", Engine::kTensorRtLlm, "", "", Provenance::kSource, "validate_and_set_kv_cache_quant",
     Stage::kLoad, Ending::kTensorRtLlm,
     [](const S& s) {
       return !OneOf<3>(s.kv_cache_dtype, {"auto", "fp8", "nvfp4"});
     },
     [](const S& s) {
       return "ValueError: Overriding KV cache quantization with an invalid type \"llm_args.KvCacheConfig.dtype=\"" +
              s.kv_cache_dtype + "\" Accepted types are \"('fp8', 'nvfp4', 'auto')\".";
     }},
    {"trtllm-more-gpus-than-visible", Engine::kTensorRtLlm, "", "", Provenance::kSource, "torch.cuda.set_device",
     Stage::kEngineInit, Ending::kTensorRtLlm, [](const S& s) { return s.visible_gpus && s.gpus() > *s.visible_gpus; },
     [](const S&) { return std::string("RuntimeError: CUDA error: invalid device ordinal"); }},
    {"trtllm-weights-do-not-fit", Engine::kTensorRtLlm, "", "", Provenance::kSource, "PyTorch's CUDA allocator",
     Stage::kLoad, Ending::kTensorRtLlm, [](const S& s) { return !PlanMemory(DeploymentOf(s)).weights_fit; },
     CudaOutOfMemory},
};

const FirstUseDelay kFirstUseDelays[] = {
    {"vllm-fp8-per-block", Engine::kVllm, "O.1 --quantization fp8_per_block: first request took > 60 s", true, 65,
     [](const S& s) { return s.quantization == "fp8_per_block" || s.online_linear == "fp8_per_block"; }},
    {"vllm-flashinfer", Engine::kVllm, "O.1 --attention-backend FLASHINFER: up to 150 s for the first start", false,
     100, [](const S& s) { return s.EffectiveAttentionBackend() == "FLASHINFER" && s.gpu.capability < 100; }},
    {"sglang-flashinfer-fp8-kv", Engine::kSglang, "sglang-0.5.15/flashinfer_e4m3.log: first answer > 75 s", true, 90,
     [](const S& s) { return s.EffectiveAttentionBackend() == "flashinfer" && s.kv_cache_dtype.starts_with("fp8"); }},
    {"sglang-w4afp8-without-checkpoint", Engine::kSglang, "sglang-0.5.15/q_w4afp8.log: DeepGEMM says 10-20 minutes",
     true, 900, [](const S& s) { return s.quantization == "w4afp8" && s.shape.checkpoint_quantization.empty(); }},
    {"sglang-flashinfer-cutlass-moe", Engine::kSglang, "sglang-0.5.15/moe_ficutlass.log: not ready in 140 s", false,
     150, [](const S& s) { return s.shape.is_moe() && s.moe_backend == "flashinfer_cutlass"; }},
};

constexpr const char* kSite = "/usr/local/lib/python3.12/dist-packages";

std::string Frame(const std::string& file, int line, const std::string& function, const std::string& code) {
  return std::string("  File \"") + kSite + "/" + file + "\", line " + std::to_string(line) + ", in " + function +
         "\n    " + code;
}

void AddFrontEndTraceback(std::vector<LogEntry>* log, const std::string& last) {
  log->push_back(Raw(Process::kFrontEnd, "Traceback (most recent call last):"));
  log->push_back(
      Raw(Process::kFrontEnd, Frame("vllm/entrypoints/cli/serve.py", 148, "cmd", "uvloop.run(run_server(args))")));
  log->push_back(
      Raw(Process::kFrontEnd, Frame("vllm/entrypoints/openai/api_server.py", 663, "run_server",
                                    "await run_server_worker(listen_address, sock, args, **uvicorn_kwargs)")));
  log->push_back(Raw(Process::kFrontEnd, last));
}

std::string ValidationError(const char* config, const std::string& cause) {
  return std::string("pydantic_core._pydantic_core.ValidationError: 1 validation error for ") + config +
         "\n  Value error, " + cause +
         " [type=value_error, input_value=ArgsKwargs((), {'model_co... 'shutdown_timeout': 0}), input_type=ArgsKwargs]"
         "\n    For further information visit https://errors.pydantic.dev/2.14/v/value_error";
}

}  // namespace

bool KillsItself(Ending ending) { return ending == Ending::kSglangScheduler; }

std::span<const StartFailure> StartFailures() { return {std::begin(kOutcomes), std::end(kOutcomes)}; }
std::span<const FirstUseDelay> FirstUseDelays() { return {std::begin(kFirstUseDelays), std::end(kFirstUseDelays)}; }

const StartFailure* FindStartFailure(const EngineSettings& settings) {
  for (const StartFailure& outcome : StartFailures()) {
    if (outcome.engine == settings.release.engine &&
        settings.release.Within(outcome.from_version, outcome.before_version) && outcome.applies(settings)) {
      return &outcome;
    }
  }
  return nullptr;
}

std::vector<LogEntry> FailureLog(Ending ending, Stage stage, const std::string& cause) {
  std::vector<LogEntry> log;
  switch (ending) {
    case Ending::kVllmModelConfig:
      AddFrontEndTraceback(&log, ValidationError("ModelConfig", cause));
      break;
    case Ending::kVllmVllmConfig:
      AddFrontEndTraceback(&log, ValidationError("VllmConfig", cause));
      break;
    case Ending::kVllmParallelConfig:
      AddFrontEndTraceback(&log, ValidationError("ParallelConfig", cause));
      break;
    case Ending::kVllmFrontEnd:
      AddFrontEndTraceback(&log, cause);
      break;
    case Ending::kVllmEngineCore: {
      const std::string trace = "Traceback (most recent call last):\n" +
                                Frame("vllm/v1/engine/core.py", 1200, "run_engine_core",
                                      "engine_core = EngineCoreProc(*args, engine_index=dp_rank, **kwargs)") +
                                "\n" + cause;
      log.push_back(
          {Process::kEngineCore, LogEntry::Level::kError, "core.py:1231", "EngineCore failed to start.\n" + trace});
      log.push_back(Raw(Process::kEngineCore, "Process EngineCore:\n" + trace));
      AddFrontEndTraceback(
          &log, "RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}");
      break;
    }
    case Ending::kSglangFrontEnd:
      log.push_back(Raw(Process::kNone, "Traceback (most recent call last):\n" +
                                            Frame("sglang/launch_server.py", 67, "<module>",
                                                  "server_args = prepare_server_args(sys.argv[1:])") +
                                            "\n" + cause));
      break;
    case Ending::kSglangScheduler:
      log.push_back({Process::kNone, LogEntry::Level::kError, "",
                     "Scheduler hit an exception: Traceback (most recent call last):"});
      log.push_back(Raw(Process::kNone,
                        Frame("sglang/srt/managers/scheduler.py", stage == Stage::kFirstRequest ? 4329 : 4313,
                              "run_scheduler_process",
                              stage == Stage::kFirstRequest ? "scheduler.run_event_loop()" : "scheduler = Scheduler(") +
                            "\n" + cause + "\n"));
      if (stage == Stage::kFirstRequest) {
        log.push_back(
            Info(Process::kNone, "", "SIGQUIT received. signum=None, frame=None. It usually means one child failed."));
        log.push_back(
            Info(Process::kNone, "", "Sleeping 5 seconds before crash diagnostics to let GPU activity settle."));
      } else {
        log.push_back(
            Info(Process::kNone, "", "Received sigquit from a child process. It usually means the child failed."));
      }
      log.push_back(Info(Process::kNone, "", "kill_process_tree called: parent_pid=1, include_parent=True, pid=1"));
      break;
    case Ending::kTensorRtLlm:
      log.push_back(Raw(Process::kNone, "Traceback (most recent call last):\n" +
                                            Frame("tensorrt_llm/commands/serve.py", 1, "launch_server",
                                                  "llm = PyTorchLLM(**llm_args)") +
                                            "\n" + cause));
      break;
  }
  return log;
}

}  // namespace autotune::simulator
