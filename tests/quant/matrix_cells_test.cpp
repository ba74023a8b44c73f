// The matrix of the quantization model, cell by cell: every value of every field, on every engine, over all releases
// that the rules cover, with the checkpoints and GPUs that make a difference. A row is read alone:
//
//   settings | engine | releases | checkpoint | GPU | verdict of the first setting, or "reject" | arguments | warnings
//
// "0.20.0.." is from that release on, "..0.19.0" up to it, "" all. A rejection's arguments are not looked at.

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/quant/plan_fixture.h"

namespace autotune::quant {
namespace {

constexpr const char* kCells = R"(
# gemmDtype: what linear layers compute in.
gemm=auto | vllm | | bf16 | 9.0 | already-so EngineChooses | |
gemm=auto | vllm | | awq | 9.0 | already-so EngineChooses | |
gemm=float16 | vllm | | bf16 | 9.0 | map ComputeDtype | --dtype float16 |
gemm=float16 | vllm | | bf16 | 7.5 | map ComputeDtype | --dtype float16 |
gemm=float16 | vllm | | awq | 9.0 | map ComputeDtype | --dtype float16 |
gemm=float16 | vllm | | mxfp4-moe | 9.0 | reject DtypeNotForQuantization | |
gemm=bfloat16 | vllm | | fp16 | 9.0 | map ComputeDtype | --dtype bfloat16 |
gemm=bfloat16 | vllm | | fp16 | 7.5 | reject CapabilityTooLow | |
gemm=float32 | vllm | | bf16 | 9.0 | map ComputeDtype | --dtype float32 | AttentionBackendChanges
gemm=float32 | vllm | | fp8 | 9.0 | reject DtypeNotForQuantization | |
gemm=float32 | vllm | | awq | 9.0 | reject DtypeNotForQuantization | |
gemm=float32 | vllm | | ct-int8 | 9.0 | map ComputeDtype | --dtype float32 | AttentionBackendChanges
gemm=float32 kv=fp8 | vllm | | bf16 | 9.0 | map ComputeDtype | --dtype float32 --kv-cache-dtype fp8 | AttentionBackendChanges
gemm=float32 kv=fp8 | vllm | | bf16 | 8.0 | reject DtypeNotForKvCache | |
gemm=float32 moe=int8 | vllm | | moe | 9.0 | reject DtypeNotForQuantization | |
gemm=fp8 | vllm | | bf16 | 9.0 | map OnlineQuantization | --quantization fp8 |
gemm=fp8 | vllm | | bf16 | 8.9 | map OnlineQuantization | --quantization fp8 |
gemm=fp8 | vllm | | bf16 | 10.0 | map OnlineQuantization | --quantization fp8 |
gemm=fp8 | vllm | | bf16 | 12.0 | map OnlineQuantization | --quantization fp8 |
gemm=fp8 | vllm | | bf16 | 8.0 | map OnlineQuantization | --quantization fp8 | WeightOnly
gemm=fp8 | vllm | | bf16 | 8.6 | map OnlineQuantization | --quantization fp8 | WeightOnly
gemm=fp8 | vllm | ..0.13.0 | bf16 | 7.5 | reject CapabilityTooLow | |
gemm=fp8 | vllm | 0.14.0.. | bf16 | 7.5 | map OnlineQuantization | --quantization fp8 | WeightOnly
gemm=fp8 | vllm | | fp8 | 9.0 | needs-checkpoint CheckpointCarriesIt | |
gemm=fp8 | vllm | | fp8 | 8.0 | needs-checkpoint CheckpointCarriesIt | | WeightOnly
gemm=fp8 | vllm | | awq | 9.0 | warn CheckpointKeepsItsWeights | | CheckpointKeepsItsWeights
gemm=int8 | vllm | | bf16 | 9.0 | reject NoOnlineInt8 | |
gemm=int8 | vllm | | ct-int8 | 9.0 | needs-checkpoint CheckpointCarriesIt | |
gemm=int8 | vllm | | ct-int8 | 8.0 | needs-checkpoint CheckpointCarriesIt | |
gemm=int8 | vllm | | ct-int8 | 10.0 | reject NoInt8Kernel | |
gemm=int8 | vllm | | ct-int8 | 12.0 | reject NoInt8Kernel | |
gemm=int8 | vllm | | awq | 9.0 | warn CheckpointKeepsItsWeights | | CheckpointKeepsItsWeights

gemm=auto | sglang | | bf16 | 9.0 | already-so EngineChooses | |
gemm=float16 | sglang | | bf16 | 9.0 | map ComputeDtype | --dtype float16 |
gemm=float16 | sglang | | w4afp8-moe | 9.0 | reject DtypeNotForQuantization | |
gemm=bfloat16 | sglang | | fp16 | 9.0 | map ComputeDtype | --dtype bfloat16 |
gemm=bfloat16 | sglang | | fp16 | 7.5 | reject CapabilityTooLow | |
gemm=float32 | sglang | | bf16 | 9.0 | reject DtypeNotSupported | |
gemm=fp8 | sglang | | bf16 | 9.0 | map OnlineQuantization | --quantization fp8 |
gemm=fp8 | sglang | | bf16 | 8.0 | map OnlineQuantization | --quantization fp8 | WeightOnly
gemm=fp8 | sglang | | bf16 | 7.5 | reject CapabilityTooLow | |
gemm=fp8 | sglang | | fp8 | 9.0 | needs-checkpoint CheckpointCarriesIt | |
gemm=fp8 | sglang | | fp8 | 8.6 | needs-checkpoint CheckpointCarriesIt | | WeightOnly
gemm=fp8 | sglang | | awq | 9.0 | warn CheckpointKeepsItsWeights | | CheckpointKeepsItsWeights
gemm=int8 | sglang | ..0.5.14 | bf16 | 9.0 | reject NoOnlineInt8 | |
gemm=int8 | sglang | 0.5.15.. | bf16 | 9.0 | map OnlineQuantization | --quantization auto-round-int8 |
gemm=int8 | sglang | | ct-int8 | 9.0 | needs-checkpoint CheckpointCarriesIt | |
gemm=int8 | sglang | | awq | 9.0 | warn CheckpointKeepsItsWeights | | CheckpointKeepsItsWeights

gemm=auto | tensorrt-llm | | bf16 | 9.0 | already-so EngineChooses | |
gemm=float16 | tensorrt-llm | | bf16 | 9.0 | map ComputeDtype | YAML: dtype: float16 |
gemm=bfloat16 | tensorrt-llm | | fp16 | 9.0 | map ComputeDtype | YAML: dtype: bfloat16 |
gemm=bfloat16 | tensorrt-llm | | fp16 | 7.5 | reject CapabilityTooLow | |
gemm=float32 | tensorrt-llm | | bf16 | 9.0 | map ComputeDtype | YAML: dtype: float32 | SlowDtype
gemm=float32 | tensorrt-llm | | fp8 | 9.0 | reject DtypeNotForQuantization | |
gemm=fp8 | tensorrt-llm | | bf16 | 9.0 | reject NoOnlineQuantization | |
gemm=fp8 | tensorrt-llm | | fp8 | 9.0 | needs-checkpoint CheckpointCarriesIt | |
gemm=fp8 | tensorrt-llm | | fp8 | 8.9 | needs-checkpoint CheckpointCarriesIt | |
gemm=fp8 | tensorrt-llm | | fp8 | 8.0 | reject CapabilityTooLow | |
gemm=fp8 | tensorrt-llm | | fp8-block | 9.0 | needs-checkpoint CheckpointCarriesIt | |
gemm=fp8 | tensorrt-llm | | fp8-block | 10.3 | needs-checkpoint CheckpointCarriesIt | |
gemm=fp8 | tensorrt-llm | | fp8-block | 8.9 | needs-checkpoint CheckpointCarriesIt | | QuantizationNotCertain
gemm=fp8 | tensorrt-llm | ..1.1.0 | fp8-block | 12.0 | reject QuantizationNotOnThisGpu | |
gemm=fp8 | tensorrt-llm | 1.2.0.. | fp8-block | 12.0 | needs-checkpoint CheckpointCarriesIt | | QuantizationNotCertain
gemm=fp8 | tensorrt-llm | | modelopt-nvfp4 | 10.0 | warn CheckpointKeepsItsWeights | | CheckpointKeepsItsWeights
gemm=fp8 | tensorrt-llm | ..1.3.0rc7 | modelopt-nvfp4 | 9.0 | reject CapabilityTooLow | |
gemm=fp8 | tensorrt-llm | 1.3.0rc20.. | modelopt-nvfp4 | 9.0 | warn CheckpointKeepsItsWeights | | CheckpointKeepsItsWeights QuantizationNotCertain
gemm=fp8 | tensorrt-llm | | awq | 9.0 | reject CheckpointNotSupported | |
gemm=int8 | tensorrt-llm | | bf16 | 9.0 | reject NoOnlineQuantization | |
gemm=int8 | tensorrt-llm | | ct-int8 | 9.0 | reject CheckpointNotSupported | |

# kvcacheDtype: what the KV cache holds.
kv=auto | vllm | | bf16 | 9.0 | already-so KvFollowsModel | |
kv=auto | vllm | ..0.14.0 | ct-fp8-kv | 9.0 | already-so KvFollowsModel | | DeclaredKvNotFollowed
kv=auto | vllm | 0.15.0.. | ct-fp8-kv | 9.0 | already-so KvFollowsCheckpoint | |
kv=auto | vllm | 0.15.0.. | ct-fp8-kv | 8.9 | already-so KvFollowsCheckpoint | | AttentionBackendChanges
kv=fp16 | vllm | | bf16 | 9.0 | reject KvDtypeNotModelDtype | |
kv=fp16 | vllm | | fp16 | 9.0 | already-so KvFollowsModel | |
kv=fp16 gemm=float16 | vllm | | bf16 | 9.0 | already-so KvFollowsModel | --dtype float16 |
kv=fp16 | vllm | | bf16 | 7.5 | already-so KvFollowsModel | |
kv=fp16 | vllm | ..0.14.0 | fp16-fp8-kv | 9.0 | already-so KvFollowsModel | | DeclaredKvNotFollowed
kv=fp16 | vllm | 0.15.0..0.17.0 | fp16-fp8-kv | 9.0 | reject KvDtypeNotSupported | |
kv=fp16 | vllm | 0.18.0..0.21.0 | fp16-fp8-kv | 9.0 | reject KvDtypeNotCheckpoints | |
kv=fp16 | vllm | 0.22.0.. | fp16-fp8-kv | 9.0 | map KvDtype | --kv-cache-dtype float16 |
kv=bfloat16 | vllm | | bf16 | 9.0 | already-so KvFollowsModel | |
kv=bfloat16 | vllm | | fp16 | 9.0 | reject KvDtypeNotModelDtype | |
kv=bfloat16 | vllm | | bf16 | 7.5 | reject KvDtypeNotModelDtype | |
kv=bfloat16 gemm=bfloat16 | vllm | | fp16 | 9.0 | already-so KvFollowsModel | --dtype bfloat16 |
kv=bfloat16 | vllm | | fp32 | 9.0 | already-so KvFollowsModel | |
kv=bfloat16 | vllm | ..0.14.0 | ct-fp8-kv | 9.0 | already-so KvFollowsModel | | DeclaredKvNotFollowed
kv=bfloat16 | vllm | 0.15.0..0.21.0 | ct-fp8-kv | 9.0 | reject KvDtypeNotCheckpoints | |
kv=bfloat16 | vllm | 0.22.0.. | ct-fp8-kv | 9.0 | map KvDtype | --kv-cache-dtype bfloat16 |
kv=fp8 | vllm | | bf16 | 9.0 | map KvDtype | --kv-cache-dtype fp8 |
kv=fp8 | vllm | | bf16 | 10.0 | map KvDtype | --kv-cache-dtype fp8 |
kv=fp8 | vllm | | bf16 | 8.0 | map KvDtype | --kv-cache-dtype fp8 | AttentionBackendChanges
kv=fp8 | vllm | | bf16 | 8.9 | map KvDtype | --kv-cache-dtype fp8 | AttentionBackendChanges
kv=fp8 | vllm | | bf16 | 12.0 | map KvDtype | --kv-cache-dtype fp8 | AttentionBackendChanges
kv=fp8 | vllm | | awq | 9.0 | map KvDtype | --kv-cache-dtype fp8 |
kv=fp8 gemm=fp8 | vllm | | bf16 | 9.0 | map KvDtype | --quantization fp8 --kv-cache-dtype fp8 |
kv=fp8_e4m3 | vllm | | bf16 | 9.0 | map KvDtype | --kv-cache-dtype fp8_e4m3 |
kv=fp8_e4m3 | vllm | | bf16 | 8.6 | map KvDtype | --kv-cache-dtype fp8_e4m3 | AttentionBackendChanges
kv=fp8_e4m3 | vllm | ..0.19.0 | sparse | 9.0 | map KvDtype | --kv-cache-dtype fp8_e4m3 |
kv=fp8_e4m3 | vllm | 0.20.0..0.24.0 | sparse | 9.0 | map KvDtype | --kv-cache-dtype fp8 | KvDtypeRenamed
kv=fp8_e4m3 | vllm | 0.25.0..0.25.1 | sparse | 9.0 | reject BackendNotForKvCache | |
kv=fp8_e4m3 | vllm | 0.26.0..0.28.0 | sparse | 9.0 | map KvDtype | --kv-cache-dtype fp8 | KvDtypeRenamed
kv=auto | vllm | 0.24.0.. | sparse | 12.0 | already-so KvFollowsModel | |
kv=fp8 | vllm | 0.24.0.. | sparse | 12.0 | already-so KvFollowsModel | |
kv=bfloat16 | vllm | 0.24.0.. | sparse | 12.0 | reject KvDtypeNotSupported | |
kv=fp8_e4m3 | vllm | | sparse | 10.0 | map KvDtype | --kv-cache-dtype fp8_e4m3 |
kv=fp8_e5m2 | vllm | ..0.21.0 | bf16 | 9.0 | reject BackendNotForKvCache | |
kv=fp8_e5m2 | vllm | 0.22.0.. | bf16 | 9.0 | map KvDtype | --kv-cache-dtype fp8_e5m2 | AttentionBackendChanges
kv=fp8_e5m2 | vllm | | bf16 | unknown | map KvDtype | --kv-cache-dtype fp8_e5m2 | AttentionBackendChanges
kv=fp8_e5m2 | vllm | | bf16 | 8.0 | map KvDtype | --kv-cache-dtype fp8_e5m2 | AttentionBackendChanges
kv=fp8_e5m2 | vllm | | bf16 | 10.0 | map KvDtype | --kv-cache-dtype fp8_e5m2 | AttentionBackendChanges
kv=fp8_e5m2 | vllm | ..0.21.0 | awq | 9.0 | reject BackendNotForKvCache | |
kv=fp8_e5m2 | vllm | 0.22.0.. | awq | 9.0 | map KvDtype | --kv-cache-dtype fp8_e5m2 | AttentionBackendChanges
kv=fp8_e5m2 | vllm | | fp8 | 9.0 | reject KvDtypeNeedsOtherWeights | |
kv=fp8_e5m2 | vllm | | modelopt-fp8 | 9.0 | reject KvDtypeNeedsOtherWeights | |
kv=fp8_e5m2 | vllm | | modelopt-nvfp4 | 10.0 | reject KvDtypeNeedsOtherWeights | |
kv=fp8_e5m2 | vllm | | quark-fp8 | 9.0 | reject KvDtypeNeedsOtherWeights | |
kv=fp8_e5m2 | vllm | ..0.23.0 | ct-fp8 | 9.0 | reject KvDtypeNeedsOtherWeights | |
kv=fp8_e5m2 | vllm | 0.24.0..0.25.0 | ct-fp8 | 9.0 | map KvDtype | --kv-cache-dtype fp8_e5m2 | AttentionBackendChanges ReleaseNotRecorded
kv=fp8_e5m2 | vllm | 0.26.0.. | ct-fp8 | 9.0 | map KvDtype | --kv-cache-dtype fp8_e5m2 | AttentionBackendChanges
kv=fp8_e5m2 | vllm | | ct-fp8-kv | 9.0 | reject KvDtypeNeedsOtherWeights | |
kv=fp8_e5m2 gemm=fp8 | vllm | ..0.19.0 | bf16 | 9.0 | reject KvDtypeNeedsOtherWeights | |
kv=fp8_e5m2 gemm=fp8 | vllm | 0.20.0..0.21.0 | bf16 | 9.0 | reject BackendNotForKvCache | |
kv=fp8_e5m2 gemm=fp8 | vllm | 0.22.0.. | bf16 | 9.0 | map KvDtype | --quantization fp8_per_tensor --kv-cache-dtype fp8_e5m2 | AttentionBackendChanges WeightMethodChanged
kv=int8 | vllm | ..0.19.0 | bf16 | 9.0 | reject KvDtypeNotSupported | |
kv=int8 | vllm | 0.20.0.. | bf16 | 9.0 | map KvDtypePerTokenHead | --kv-cache-dtype int8_per_token_head | AttentionBackendChanges
kv=int8 | vllm | 0.20.0.. | bf16 | 8.0 | map KvDtypePerTokenHead | --kv-cache-dtype int8_per_token_head | AttentionBackendChanges
kv=int8 | vllm | | mla | 9.0 | reject * | |
kv=int4 | vllm | ..0.24.0 | bf16 | 9.0 | reject KvDtypeNotSupported | |
kv=int4 | vllm | 0.25.0..0.25.0 | bf16 | 9.0 | map KvDtypePerTokenHead | --kv-cache-dtype int4_per_token_head | AttentionBackendChanges ReleaseNotRecorded
kv=int4 | vllm | 0.26.0.. | bf16 | 9.0 | map KvDtypePerTokenHead | --kv-cache-dtype int4_per_token_head | AttentionBackendChanges
kv=int4 | vllm | 0.26.0.. | mla | 9.0 | reject BackendNotForKvCache | |

kv=auto | sglang | | bf16 | 9.0 | already-so KvFollowsModel | |
kv=auto | sglang | | modelopt-fp8-kv | 9.0 | already-so KvFollowsCheckpoint | |
kv=fp16 | sglang | | bf16 | 9.0 | reject KvDtypeNotModelDtype | |
kv=fp16 | sglang | | fp16 | 9.0 | already-so KvFollowsModel | |
kv=fp16 gemm=float16 | sglang | | bf16 | 9.0 | already-so KvFollowsModel | --dtype float16 |
kv=fp16 | sglang | | fp32 | 9.0 | already-so KvFollowsModel | |
kv=bfloat16 | sglang | | bf16 | 9.0 | already-so KvFollowsModel | |
kv=bfloat16 | sglang | | fp16 | 9.0 | reject KvDtypeNotModelDtype | |
kv=bfloat16 | sglang | | bf16 | 7.5 | reject KvDtypeNotModelDtype | |
kv=bfloat16 | sglang | | modelopt-fp8-kv | 9.0 | map KvDtype | --kv-cache-dtype bf16 |
kv=fp8 | sglang | | bf16 | 9.0 | map KvDtype | --kv-cache-dtype fp8_e4m3 |
kv=fp8 | sglang | | bf16 | 8.0 | map KvDtype | --kv-cache-dtype fp8_e4m3 |
kv=fp8 | sglang | | awq | 9.0 | map KvDtype | --kv-cache-dtype fp8_e4m3 |
kv=fp8_e4m3 | sglang | | bf16 | 9.0 | map KvDtype | --kv-cache-dtype fp8_e4m3 |
kv=fp8_e5m2 | sglang | | bf16 | 9.0 | map KvDtype | --kv-cache-dtype fp8_e5m2 | AttentionBackendChanges
kv=fp8_e5m2 | sglang | | bf16 | 8.9 | map KvDtype | --kv-cache-dtype fp8_e5m2 |
kv=fp8_e5m2 | sglang | | bf16 | 10.0 | map KvDtype | --kv-cache-dtype fp8_e5m2 | AttentionBackendChanges
kv=fp8_e5m2 gemm=fp8 | sglang | | bf16 | 9.0 | map KvDtype | --quantization fp8 --kv-cache-dtype fp8_e5m2 | AttentionBackendChanges
kv=int8 | sglang | | bf16 | 9.0 | reject KvDtypeNotSupported | |
kv=int4 | sglang | | bf16 | 9.0 | reject KvDtypeNotSupported | |

kv=auto | tensorrt-llm | | bf16 | 9.0 | already-so KvFollowsModel | |
kv=auto | tensorrt-llm | | modelopt-fp8-kv | 9.0 | already-so KvFollowsCheckpoint | |
kv=fp16 | tensorrt-llm | | fp16 | 9.0 | already-so KvFollowsModel | |
kv=fp16 gemm=float16 | tensorrt-llm | | bf16 | 9.0 | already-so KvFollowsModel | YAML: dtype: float16 |
kv=fp16 | tensorrt-llm | | bf16 | 9.0 | reject KvDtypeNotModelDtype | |
kv=bfloat16 | tensorrt-llm | | bf16 | 9.0 | already-so KvFollowsModel | |
kv=bfloat16 | tensorrt-llm | | fp16 | 9.0 | reject KvDtypeNotModelDtype | |
kv=bfloat16 | tensorrt-llm | | modelopt-fp8-kv | 9.0 | reject KvDtypeNotModelDtype | |
kv=fp8 | tensorrt-llm | | bf16 | 9.0 | map KvDtype | YAML: kv_cache_config: /   dtype: fp8 |
kv=fp8 | tensorrt-llm | | bf16 | 8.0 | map KvDtype | YAML: kv_cache_config: /   dtype: fp8 |
kv=fp8 | tensorrt-llm | | modelopt-fp8-kv | 9.0 | map KvDtype | YAML: kv_cache_config: /   dtype: fp8 | ValueOverwritten
kv=fp8 | tensorrt-llm | ..1.3.0rc6 | modelopt-nvfp4-kv | 10.0 | reject KvDtypeNotCheckpoints | |
kv=fp8 | tensorrt-llm | 1.3.0rc7.. | modelopt-nvfp4-kv | 10.0 | map KvDtype | YAML: kv_cache_config: /   dtype: fp8 | KvDtypeNotCheckpoints
kv=fp8_e4m3 | tensorrt-llm | | bf16 | 9.0 | map KvDtype | YAML: kv_cache_config: /   dtype: fp8 |
kv=fp8_e5m2 | tensorrt-llm | | bf16 | 9.0 | reject KvDtypeNotSupported | |
kv=int8 | tensorrt-llm | | bf16 | 9.0 | reject KvDtypeNotSupported | |
kv=int4 | tensorrt-llm | | bf16 | 9.0 | reject KvDtypeNotSupported | |

# attentionDtype: an outcome of the KV cache, the GPU and the backend; no engine has a flag for it.
attention=auto | vllm | | bf16 | 9.0 | already-so EngineChooses | |
attention=float16 | vllm | | fp16 | 9.0 | already-so AttentionFollowsModel | |
attention=float16 | vllm | | bf16 | 9.0 | warn AttentionDtypeNotControllable | | AttentionDtypeNotControllable
attention=float16 kv=fp8 | vllm | ..0.12.0 | fp16 | 10.0 | warn AttentionDtypeNotControllable | --kv-cache-dtype fp8 | AttentionDtypeNotControllable
attention=float16 kv=fp8 | vllm | 0.13.0.. | fp16 | 10.0 | map QueryNotQuantized | --kv-cache-dtype fp8 --attention-config {"disable_flashinfer_q_quantization":true} |
attention=bfloat16 | vllm | | bf16 | 9.0 | already-so AttentionFollowsModel | |
attention=bfloat16 | vllm | | fp16 | 9.0 | warn AttentionDtypeNotControllable | | AttentionDtypeNotControllable
attention=bfloat16 kv=fp8 | vllm | | bf16 | 9.0 | warn AttentionDtypeNotControllable | --kv-cache-dtype fp8 | AttentionDtypeNotControllable
attention=bfloat16 kv=fp8 | vllm | ..0.12.0 | bf16 | 10.0 | warn AttentionDtypeNotControllable | --kv-cache-dtype fp8 | AttentionDtypeNotControllable
attention=bfloat16 kv=fp8 | vllm | 0.13.0.. | bf16 | 10.0 | map QueryNotQuantized | --kv-cache-dtype fp8 --attention-config {"disable_flashinfer_q_quantization":true} |
attention=bfloat16 kv=fp8 | vllm | 0.13.0.. | mla | 10.0 | warn AttentionDtypeNotControllable | --kv-cache-dtype fp8 | AttentionDtypeNotControllable
attention=bfloat16 | vllm | 0.15.0.. | ct-fp8-kv | 10.0 | map QueryNotQuantized | --attention-config {"disable_flashinfer_q_quantization":true} |
attention=bfloat16 kv=int8 | vllm | 0.20.0.. | bf16 | 9.0 | already-so AttentionFollowsModel | --kv-cache-dtype int8_per_token_head | AttentionBackendChanges
attention=fp8 | vllm | | bf16 | 9.0 | warn AttentionDtypeNotControllable | | AttentionDtypeNotControllable
attention=fp8 kv=fp8 | vllm | | bf16 | 9.0 | already-so AttentionFollowsKvCache | --kv-cache-dtype fp8 |
attention=fp8 kv=fp8 | vllm | | bf16 | 10.0 | already-so AttentionFollowsKvCache | --kv-cache-dtype fp8 |
attention=fp8 kv=fp8 | vllm | | bf16 | 8.9 | warn AttentionDtypeNotControllable | --kv-cache-dtype fp8 | AttentionBackendChanges AttentionDtypeNotControllable
attention=fp8 kv=fp8 | vllm | | bf16 | unknown | warn AttentionDtypeNotControllable | --kv-cache-dtype fp8 | AttentionDtypeNotControllable
attention=fp8 kv=fp8_e5m2 | vllm | ..0.21.0 | bf16 | 9.0 | reject BackendNotForKvCache | |
attention=fp8 kv=fp8_e5m2 | vllm | 0.22.0.. | bf16 | 9.0 | warn AttentionDtypeNotControllable | --kv-cache-dtype fp8_e5m2 | AttentionBackendChanges AttentionDtypeNotControllable
attention=fp8 kv=fp8 | vllm | | mla | 9.0 | warn AttentionDtypeNotControllable | --kv-cache-dtype fp8 | AttentionDtypeNotControllable
attention=fp8 | vllm | 0.15.0.. | ct-fp8-kv | 9.0 | already-so AttentionFollowsKvCache | |
attention=fp8_e4m3 kv=fp8_e4m3 | vllm | | bf16 | 9.0 | already-so AttentionFollowsKvCache | --kv-cache-dtype fp8_e4m3 |
attention=fp8_e4m3 | vllm | | bf16 | 9.0 | warn AttentionDtypeNotControllable | | AttentionDtypeNotControllable
attention=fp8_e5m2 kv=fp8 | vllm | | bf16 | 9.0 | warn AttentionDtypeNotControllable | --kv-cache-dtype fp8 | AttentionDtypeNotControllable
attention=fp8_block kv=fp8 | vllm | | bf16 | 9.0 | warn AttentionDtypeNotControllable | --kv-cache-dtype fp8 | AttentionDtypeNotControllable

attention=auto | sglang | | bf16 | 9.0 | already-so EngineChooses | |
attention=float16 | sglang | | fp16 | 9.0 | already-so AttentionFollowsModel | |
attention=float16 | sglang | | bf16 | 9.0 | warn AttentionDtypeNotControllable | | AttentionDtypeNotControllable
attention=bfloat16 | sglang | | bf16 | 9.0 | already-so AttentionFollowsModel | |
attention=bfloat16 kv=fp8 | sglang | | bf16 | 10.0 | warn AttentionDtypeNotControllable | --kv-cache-dtype fp8_e4m3 | AttentionDtypeNotControllable
attention=fp8 | sglang | | bf16 | 9.0 | warn AttentionDtypeNotControllable | | AttentionDtypeNotControllable
attention=fp8 kv=fp8 | sglang | | bf16 | 9.0 | already-so AttentionFollowsKvCache | --kv-cache-dtype fp8_e4m3 |
attention=fp8 kv=fp8 | sglang | | bf16 | 10.0 | already-so AttentionFollowsKvCache | --kv-cache-dtype fp8_e4m3 |
attention=fp8 kv=fp8 | sglang | | mla | 10.0 | warn AttentionDtypeNotControllable | --kv-cache-dtype fp8_e4m3 | AttentionDtypeNotControllable
attention=fp8 kv=fp8 | sglang | | bf16 | 8.9 | warn AttentionDtypeNotControllable | --kv-cache-dtype fp8_e4m3 | AttentionDtypeNotControllable
attention=fp8 | sglang | | modelopt-fp8-kv | 9.0 | already-so AttentionFollowsKvCache | |
attention=fp8_e4m3 kv=fp8_e4m3 | sglang | | bf16 | 9.0 | already-so AttentionFollowsKvCache | --kv-cache-dtype fp8_e4m3 |
attention=fp8_e5m2 kv=fp8_e5m2 | sglang | | bf16 | 9.0 | warn AttentionDtypeNotControllable | --kv-cache-dtype fp8_e5m2 | AttentionBackendChanges AttentionDtypeNotControllable
attention=fp8_block | sglang | | bf16 | 9.0 | warn AttentionDtypeNotControllable | | AttentionDtypeNotControllable

attention=auto | tensorrt-llm | | bf16 | 9.0 | already-so EngineChooses | |
attention=float16 | tensorrt-llm | | fp16 | 9.0 | already-so AttentionFollowsModel | |
attention=float16 | tensorrt-llm | | bf16 | 9.0 | warn AttentionDtypeNotControllable | | AttentionDtypeNotControllable
attention=bfloat16 | tensorrt-llm | | bf16 | 9.0 | already-so AttentionFollowsModel | |
attention=bfloat16 kv=fp8 | tensorrt-llm | | bf16 | 9.0 | warn AttentionDtypeNotControllable | YAML: kv_cache_config: /   dtype: fp8 | AttentionDtypeNotControllable
attention=fp8 | tensorrt-llm | | bf16 | 9.0 | warn AttentionDtypeNotControllable | | AttentionDtypeNotControllable
attention=fp8 kv=fp8 | tensorrt-llm | | bf16 | 9.0 | already-so AttentionFollowsKvCache | YAML: kv_cache_config: /   dtype: fp8 |
attention=fp8 kv=fp8 | tensorrt-llm | | bf16 | 8.9 | already-so AttentionFollowsKvCache | YAML: kv_cache_config: /   dtype: fp8 |
attention=fp8 kv=fp8 | tensorrt-llm | | bf16 | 8.0 | warn AttentionDtypeNotControllable | YAML: kv_cache_config: /   dtype: fp8 | AttentionDtypeNotControllable
attention=fp8 | tensorrt-llm | | fp8 | 9.0 | already-so AttentionFollowsCheckpoint | |
attention=fp8_e4m3 | tensorrt-llm | | fp8 | 8.9 | already-so AttentionFollowsCheckpoint | |
attention=fp8_e4m3 | tensorrt-llm | | bf16 | 9.0 | warn AttentionDtypeNotControllable | | AttentionDtypeNotControllable
attention=fp8_e5m2 | tensorrt-llm | | bf16 | 9.0 | warn AttentionDtypeNotControllable | | AttentionDtypeNotControllable
attention=fp8_block | tensorrt-llm | | bf16 | 9.0 | warn AttentionDtypeNotControllable | | AttentionDtypeNotControllable

# moeDtype: what experts compute in.
moe=auto | vllm | | moe | 9.0 | already-so FollowsGemm | |
moe=auto gemm=fp8 | vllm | | moe | 9.0 | already-so FollowsGemm | --quantization fp8 |
moe=float16 | vllm | | bf16 | 9.0 | warn ModelHasNoExperts | | ModelHasNoExperts
moe=float16 gemm=float16 | vllm | | moe | 9.0 | already-so FollowsGemm | --dtype float16 |
moe=float16 | vllm | | moe | 9.0 | reject ExpertsFollowGemm | |
moe=float16 gemm=fp8 | vllm | 0.23.0.. | fp16-moe | 9.0 | map OnlineQuantization | --quantization online --quantization-config {"linear":"fp8_per_tensor"} |
moe=bfloat16 | vllm | | moe | 9.0 | already-so FollowsGemm | |
moe=bfloat16 gemm=fp8 | vllm | ..0.21.0 | moe | 9.0 | reject ExpertsFollowGemm | |
moe=bfloat16 gemm=fp8 | vllm | 0.22.0..0.22.0 | moe | 9.0 | map OnlineQuantization | --quantization online --quantization-config {"linear":"fp8_per_tensor"} | ReleaseNotRecorded
moe=bfloat16 gemm=fp8 | vllm | 0.23.0.. | moe | 9.0 | map OnlineQuantization | --quantization online --quantization-config {"linear":"fp8_per_tensor"} |
moe=bfloat16 gemm=fp8 | vllm | 0.23.0.. | moe | 8.0 | map OnlineQuantization | --quantization online --quantization-config {"linear":"fp8_per_tensor"} | WeightOnly
moe=bfloat16 | vllm | | awq-moe | 9.0 | warn CheckpointKeepsItsWeights | | CheckpointKeepsItsWeights
moe=fp8 gemm=fp8 | vllm | | moe | 9.0 | already-so FollowsGemm | --quantization fp8 |
moe=fp8 gemm=fp8 kv=fp8_e5m2 | vllm | 0.20.0..0.21.0 | moe | 9.0 | reject BackendNotForKvCache | |
moe=fp8 gemm=fp8 kv=fp8_e5m2 | vllm | 0.22.0.. | moe | 9.0 | already-so FollowsGemm | --quantization fp8_per_tensor --kv-cache-dtype fp8_e5m2 | AttentionBackendChanges WeightMethodChanged
moe=fp8 | vllm | ..0.21.0 | moe | 9.0 | reject ExpertsFollowGemm | |
moe=fp8 | vllm | 0.22.0..0.22.0 | moe | 9.0 | map OnlineQuantization | --quantization online --quantization-config {"moe":"fp8_per_tensor"} | ReleaseNotRecorded
moe=fp8 | vllm | 0.23.0.. | moe | 9.0 | map OnlineQuantization | --quantization online --quantization-config {"moe":"fp8_per_tensor"} |
moe=fp8 gemm=bfloat16 | vllm | 0.23.0.. | moe | 9.0 | map OnlineQuantization | --dtype bfloat16 --quantization online --quantization-config {"moe":"fp8_per_tensor"} |
moe=fp8 | vllm | | fp8-moe | 9.0 | needs-checkpoint CheckpointCarriesIt | |
moe=fp8 | vllm | | bf16 | 9.0 | warn ModelHasNoExperts | | ModelHasNoExperts
moe=w4afp8 | vllm | | moe | 9.0 | reject NeedsCheckpoint | |
moe=w4afp8 | vllm | | ct-w4a8-moe | 9.0 | needs-checkpoint CheckpointCarriesIt | |
moe=w4afp8 | vllm | | awq-moe | 9.0 | reject NeedsCheckpoint | |
moe=mxfp4 | vllm | | mxfp4-moe | 9.0 | needs-checkpoint CheckpointCarriesIt | |
moe=mxfp4 | vllm | | mxfp4-moe | 8.0 | needs-checkpoint CheckpointCarriesIt | | WeightOnly
moe=mxfp4 | vllm | | mxfp4-moe | 7.5 | reject * | |
moe=mxfp4 | vllm | ..0.27.0 | moe | 9.0 | reject NeedsCheckpoint | |
moe=mxfp4 | vllm | 0.28.0..0.32.0 | moe | 9.0 | map OnlineQuantization | --quantization online --quantization-config {"moe":"mxfp4"} | ReleaseNotRecorded
moe=mxfp4 | vllm | 0.33.0.. | moe | 9.0 | map OnlineQuantization | --quantization online --quantization-config {"moe":"mxfp4"} |
moe=mxfp4 gemm=fp8 | vllm | 0.33.0.. | moe | 9.0 | map OnlineQuantization | --quantization online --quantization-config {"linear":"fp8_per_tensor","moe":"mxfp4"} |
moe=mxfp4 | vllm | | moe-odd | 9.0 | reject NeedsCheckpoint | |
moe=int8 | vllm | ..0.13.0 | moe | 9.0 | map OnlineQuantization | --quantization experts_int8 | WeightOnly
moe=int8 | vllm | 0.14.0..0.19.0 | moe | 9.0 | map OnlineQuantization | --quantization experts_int8 --allow-deprecated-quantization | DeprecatedQuantization WeightOnly
moe=int8 | vllm | 0.20.0..0.21.0 | moe | 9.0 | map OnlineQuantization | --quantization int8_per_channel_weight_only | WeightOnly
moe=int8 | vllm | 0.22.0..0.22.0 | moe | 9.0 | map OnlineQuantization | --quantization online --quantization-config {"moe":"int8_per_channel_weight_only"} | ReleaseNotRecorded WeightOnly
moe=int8 | vllm | 0.23.0.. | moe | 9.0 | map OnlineQuantization | --quantization online --quantization-config {"moe":"int8_per_channel_weight_only"} | WeightOnly
moe=int8 gemm=fp8 | vllm | ..0.21.0 | moe | 9.0 | reject ExpertsFollowGemm | |
moe=int8 gemm=fp8 | vllm | 0.23.0.. | moe | 9.0 | map OnlineQuantization | --quantization online --quantization-config {"linear":"fp8_per_tensor","moe":"int8_per_channel_weight_only"} | WeightOnly
moe=int8 | vllm | ..0.19.0 | moe | 7.5 | reject CapabilityTooLow | |
moe=int8 | vllm | | ct-int8-moe | 9.0 | needs-checkpoint CheckpointCarriesIt | |
moe=int8 | vllm | | bf16 | 9.0 | warn ModelHasNoExperts | | ModelHasNoExperts

moe=auto | sglang | | moe | 9.0 | already-so FollowsGemm | |
moe=float16 gemm=float16 | sglang | | moe | 9.0 | already-so FollowsGemm | --dtype float16 |
moe=float16 | sglang | | moe | 9.0 | reject ExpertsFollowGemm | |
moe=float16 gemm=fp8 | sglang | | fp16-moe | 9.0 | reject ExpertsFollowGemm | |
moe=bfloat16 | sglang | | moe | 9.0 | already-so FollowsGemm | |
moe=bfloat16 gemm=fp8 | sglang | | moe | 9.0 | reject ExpertsFollowGemm | |
moe=bfloat16 gemm=int8 | sglang | 0.5.15.. | moe | 9.0 | reject ExpertsFollowGemm | |
moe=fp8 gemm=fp8 | sglang | | moe | 9.0 | already-so FollowsGemm | --quantization fp8 |
moe=fp8 | sglang | | moe | 9.0 | reject ExpertsFollowGemm | |
moe=fp8 | sglang | | fp8-moe | 9.0 | needs-checkpoint CheckpointCarriesIt | |
moe=fp8 | sglang | | bf16 | 9.0 | warn ModelHasNoExperts | | ModelHasNoExperts
moe=w4afp8 | sglang | | w4afp8-moe | 9.0 | needs-checkpoint CheckpointCarriesIt | |
moe=w4afp8 | sglang | | modelopt-w4a8-moe | 9.0 | needs-checkpoint CheckpointCarriesIt | |
moe=w4afp8 | sglang | | w4afp8-moe | 8.9 | reject CapabilityTooLow | |
moe=w4afp8 | sglang | | moe | 9.0 | reject NeedsCheckpoint | |
moe=mxfp4 | sglang | | mxfp4-moe | 9.0 | needs-checkpoint CheckpointCarriesIt | |
moe=mxfp4 | sglang | | moe | 9.0 | reject NeedsCheckpoint | |
moe=mxfp4 | sglang | | moe | gfx942 | reject NeedsCheckpoint | |
moe=mxfp4 | sglang | ..0.5.12 | moe | gfx950 | reject NeedsCheckpoint | |
moe=mxfp4 | sglang | 0.5.13.. | moe | gfx950 | map OnlineQuantization | --quantization quark_mxfp4 | RulesAreForNvidia
moe=int8 | sglang | | moe | 9.0 | reject ExpertsFollowGemm | |
moe=int8 gemm=int8 | sglang | ..0.5.14 | moe | 9.0 | reject NoOnlineInt8 | |
moe=int8 gemm=int8 | sglang | 0.5.15.. | moe | 9.0 | already-so FollowsGemm | --quantization auto-round-int8 |
moe=int8 | sglang | | ct-int8-moe | 9.0 | needs-checkpoint CheckpointCarriesIt | |

moe=auto | tensorrt-llm | | moe | 9.0 | already-so FollowsGemm | |
moe=float16 gemm=float16 | tensorrt-llm | | moe | 9.0 | already-so FollowsGemm | YAML: dtype: float16 |
moe=float16 | tensorrt-llm | | moe | 9.0 | reject ExpertsFollowGemm | |
moe=bfloat16 | tensorrt-llm | | moe | 9.0 | already-so FollowsGemm | |
moe=bfloat16 | tensorrt-llm | | fp8-moe | 9.0 | warn CheckpointKeepsItsWeights | | CheckpointKeepsItsWeights
moe=fp8 | tensorrt-llm | | fp8-moe | 9.0 | needs-checkpoint CheckpointCarriesIt | |
moe=fp8 | tensorrt-llm | | moe | 9.0 | reject NoOnlineQuantization | |
moe=w4afp8 | tensorrt-llm | | modelopt-w4a8-moe | 9.0 | needs-checkpoint CheckpointCarriesIt | |
moe=w4afp8 | tensorrt-llm | | modelopt-w4a8-moe | 8.9 | needs-checkpoint CheckpointCarriesIt | |
moe=w4afp8 | tensorrt-llm | | modelopt-w4a8-moe | 10.0 | reject * | |
moe=auto | tensorrt-llm | | modelopt-w4a8-moe | 10.0 | reject QuantizationNotOnThisGpu | |
moe=w4afp8 | tensorrt-llm | | moe | 9.0 | reject NeedsCheckpoint | |
moe=mxfp4 | tensorrt-llm | | mxfp4-moe | 9.0 | needs-checkpoint CheckpointCarriesIt | |
moe=mxfp4 | tensorrt-llm | | mxfp4-moe | 10.0 | needs-checkpoint CheckpointCarriesIt | |
moe=mxfp4 | tensorrt-llm | | moe | 9.0 | reject NeedsCheckpoint | |
moe=int8 | tensorrt-llm | | moe | 9.0 | reject NoOnlineQuantization | |

# GPUs of AMD have no compute capability: what needs one says that it was not checked.
gemm=fp8 kv=fp8 | vllm | | bf16 | gfx942 | map OnlineQuantization | --quantization fp8 --kv-cache-dtype fp8 | CapabilityNotChecked RulesAreForNvidia
gemm=fp8 kv=fp8 | sglang | | bf16 | gfx942 | map OnlineQuantization | --quantization fp8 --kv-cache-dtype fp8_e4m3 | CapabilityNotChecked RulesAreForNvidia
kv=fp8_e5m2 | vllm | | bf16 | gfx942 | map KvDtype | --kv-cache-dtype fp8_e5m2 | RulesAreForNvidia
attention=fp8 kv=fp8 | vllm | | bf16 | gfx942 | warn AttentionDtypeNotControllable | --kv-cache-dtype fp8 | AttentionDtypeNotControllable RulesAreForNvidia
kv=fp8 | tensorrt-llm | | bf16 | gfx942 | reject GpuNotSupported | |
)";

const std::map<std::string, std::vector<std::string>>& Releases() {
  static const std::map<std::string, std::vector<std::string>> kReleases = [] {
    std::map<std::string, std::vector<std::string>> releases;
    releases["vllm"] = {"0.11.0", "0.11.1", "0.11.2"};
    for (int minor = 12; minor <= 33; ++minor) releases["vllm"].push_back("0." + std::to_string(minor) + ".0");
    releases["sglang"] = {"0.5.6", "0.5.6.post2"};
    for (int patch = 7; patch <= 23; ++patch) releases["sglang"].push_back("0.5." + std::to_string(patch));
    releases["tensorrt-llm"] = {"1.0.0",    "1.1.0",     "1.2.0",     "1.3.0rc1",  "1.3.0rc6",
                                "1.3.0rc7", "1.3.0rc20", "1.3.0rc21", "1.3.0rc24", "1.3.0"};
    return releases;
  }();
  return kReleases;
}

checkpoint::ModelFacts Checkpoint(std::string name) {
  checkpoint::ModelFacts facts = name.ends_with("-moe") || name == "moe" || name == "moe-odd" ? Moe() : Dense();
  if (facts.experts > 0) facts.moe_intermediate_size = name == "moe-odd" ? 100 : 768;
  if (name.ends_with("-moe")) name.erase(name.size() - 4);
  if (name.starts_with("fp16")) facts.dtype = "float16";
  if (name == "fp32") facts.dtype = "float32";
  if (name == "mla" || name == "sparse") facts = Latent(facts);
  if (name == "sparse") facts.index_top_k = 2048;
  if (name.ends_with("fp8-kv")) facts.kv_cache = "fp8";
  if (name == "modelopt-nvfp4-kv") facts.kv_cache = "nvfp4";
  if (name == "fp8-block") facts.weight_block = {128, 128};
  static const std::map<std::string, std::pair<std::string, std::string>> kQuantized = {
      {"fp8", {"fp8", "fp8"}},
      {"fp8-block", {"fp8", "fp8"}},
      {"awq", {"awq", "int4-wna16"}},
      {"ct-int8", {"compressed-tensors", "int8-w8a8"}},
      {"ct-fp8", {"compressed-tensors", "fp8"}},
      {"ct-fp8-kv", {"compressed-tensors", "fp8"}},
      {"fp16-fp8-kv", {"compressed-tensors", "fp8"}},
      {"ct-w4a8", {"compressed-tensors", "w4a8"}},
      {"w4afp8", {"w4afp8", "w4a8"}},
      {"modelopt-w4a8", {"modelopt", "w4a8"}},
      {"modelopt-fp8", {"modelopt", "fp8"}},
      {"modelopt-fp8-kv", {"modelopt", "fp8"}},
      {"modelopt-nvfp4", {"modelopt", "nvfp4"}},
      {"modelopt-nvfp4-kv", {"modelopt", "nvfp4"}},
      {"quark-fp8", {"quark", "fp8"}},
      {"mxfp4", {"mxfp4", "mxfp4"}},
  };
  static const std::set<std::string> kPlain = {"bf16", "fp16", "fp32", "moe", "moe-odd", "mla", "sparse"};
  if (const auto found = kQuantized.find(name); found != kQuantized.end())
    return Quantized(facts, found->second.first, found->second.second);
  EXPECT_TRUE(kPlain.contains(name)) << name;
  return facts;
}

struct Cell {
  std::string text;
  QuantConfig quant;
  Field field = Field::kGemm;
  std::string engine, releases, checkpoint, gpu, verdict, arguments;
  std::string warnings;

  [[nodiscard]] bool Covers(const std::string& release) const {
    if (releases.empty()) return true;
    const std::size_t dots = releases.find("..");
    const auto first = Version::Parse(releases.substr(0, dots));
    const auto last = Version::Parse(releases.substr(dots + 2));
    const Version version = *Version::Parse(release);
    return (!first || *first <= version) && (!last || version <= *last);
  }
};

Cell ParseCell(const std::string& text) {
  static const std::map<std::string, Field> kNames = {
      {"gemm", Field::kGemm}, {"kv", Field::kKvCache}, {"attention", Field::kAttention}, {"moe", Field::kMoe}};
  Cell cell;
  cell.text = text;
  const std::vector<std::string> columns = Split(text, '|');
  EXPECT_TRUE(columns.size() == 8) << text;
  bool first = true;
  for (const std::string& setting : Split(columns[0], ' ')) {
    const std::size_t equals = setting.find('=');
    const Field field = kNames.at(setting.substr(0, equals));
    cell.quant.Set(field, setting.substr(equals + 1));
    if (first) cell.field = field;
    first = false;
  }
  cell.engine = columns[1];
  cell.releases = columns[2];
  cell.checkpoint = columns[3];
  cell.gpu = columns[4];
  cell.verdict = columns[5];
  cell.arguments = columns[6];
  cell.warnings = columns[7];
  return cell;
}

const std::vector<Cell>& Cells() {
  static const std::vector<Cell> kRows = [] {
    std::vector<Cell> cells;
    for (const std::string& line : Split(kCells, '\n')) {
      if (!line.empty() && !line.starts_with('#')) cells.push_back(ParseCell(line));
    }
    return cells;
  }();
  return kRows;
}

LaunchPlan PlanOf(const Cell& cell, const std::string& release) {
  LaunchRequest request = Request(cell.engine, release, Checkpoint(cell.checkpoint));
  request.quant = cell.quant;
  request.gpu = ComputeCapability::Parse(cell.gpu);
  if (cell.gpu.starts_with("gfx")) request.amd_architecture = cell.gpu;
  return PlanLaunch(Rules(), request);
}

std::string Outcome(const LaunchPlan& plan, Field field) {
  if (plan.rejection) return "reject " + plan.rejection->reason;
  const Verdict& verdict = plan.verdicts[static_cast<std::size_t>(field)];
  return std::string(VerdictKindName(verdict.kind)) + " " + verdict.reason;
}

// That a release is older or newer than all recorded ones is said in every row.
std::string WarningsOf(const LaunchPlan& plan) {
  std::set<std::string> reasons;
  for (const Warning& warning : plan.warnings) reasons.insert(warning.reason);
  reasons.erase("UnknownEngineVersion");
  return Joined({reasons.begin(), reasons.end()});
}

TEST(MatrixCells, SayWhatTheEnginesDo) {
  for (const Cell& cell : Cells()) {
    int releases = 0;
    for (const std::string& release : Releases().at(cell.engine)) {
      if (!cell.Covers(release)) continue;
      ++releases;
      const LaunchPlan plan = PlanOf(cell, release);
      const std::string where = release + ": " + cell.text + (plan.rejection ? "\n" + plan.rejection->message : "");
      const std::string outcome = Outcome(plan, cell.field);
      if (cell.verdict == "reject *") {
        EXPECT_TRUE(outcome.starts_with("reject ")) << where;
      } else {
        EXPECT_EQ(outcome, cell.verdict) << where;
      }
      if (plan.rejection) continue;
      EXPECT_EQ(Line(plan), cell.arguments) << where;
      EXPECT_EQ(WarningsOf(plan), cell.warnings) << where;
    }
    EXPECT_GT(releases, 0) << cell.text;
  }
}

TEST(MatrixCells, LeaveNoValueOfNoReleaseOut) {
  for (const auto& [engine, releases] : Releases()) {
    for (const std::string& release : releases) {
      for (const Field field : kFields) {
        for (const std::string_view value : AllowedValues(field)) {
          const bool covered = std::ranges::any_of(Cells(), [&, &wanted = engine](const Cell& cell) {
            return cell.engine == wanted && cell.field == field && cell.quant.Get(field) == value &&
                   cell.Covers(release);
          });
          EXPECT_TRUE(covered) << engine << " " << release << " " << FieldName(field) << " " << value;
        }
      }
    }
  }
}

}  // namespace
}  // namespace autotune::quant
