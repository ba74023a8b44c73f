// What flags, checkpoint and GPU do to each other, whoever set them: one row a fact, read alone.
//
//   engine release | checkpoint | GPU | flags | "ok", "reject Reason", or the reasons of the warnings
//
// A value of "-" unsets a flag; [..] and {..} are lists and maps.

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "quant/engine_table.h"
#include "tests/quant/plan_fixture.h"

namespace autotune::quant {
namespace {

constexpr const char* kFacts = R"(
# vLLM: sizes and switches that it compares with each other
vllm 0.24.0 | dense | 9.0 | max-num-batched-tokens=128; max-num-seqs=256 | reject BatchSmallerThanSequences
vllm 0.11.2 | dense | 9.0 | max-num-batched-tokens=128; max-num-seqs=256 | reject BatchSmallerThanSequences
vllm 0.33.0 | dense | 9.0 | max-num-batched-tokens=1k; max-num-seqs=1024 | reject BatchSmallerThanSequences
vllm 0.24.0 | dense | 9.0 | max-num-batched-tokens=1K; max-num-seqs=1024 | ok
vllm 0.24.0 | dense | 9.0 | max-num-batched-tokens=256; max-num-seqs=256 | ok
vllm 0.24.0 | dense | 9.0 | max-num-batched-tokens=64 | ok
vllm 0.24.0 | dense | 9.0 | max-num-seqs=100000 | ok
vllm 0.24.0 | dense | 9.0 | enable-chunked-prefill=false; max-num-batched-tokens=2048; max-model-len=4096 | reject BatchSmallerThanContext
vllm 0.24.0 | dense | 9.0 | enable-chunked-prefill=false; max-num-batched-tokens=4K; max-model-len=4096 | ok
vllm 0.24.0 | dense | 9.0 | enable-chunked-prefill=false; max-num-batched-tokens=2048; max-model-len=auto | ok
vllm 0.24.0 | dense | 9.0 | enable-chunked-prefill=true; max-num-batched-tokens=2048; max-model-len=4096 | ok
vllm 0.24.0 | dense | 9.0 | max-num-batched-tokens=2048; max-model-len=4096 | ok
vllm 0.33.0 | dense | 9.0 | max-num-active-seqs=64; max-num-seqs=32 | reject MoreActiveThanSequences
vllm 0.33.0 | dense | 9.0 | max-num-active-seqs=32; max-num-seqs=32 | ok
vllm 0.33.0 | dense | 9.0 | long-prefill-token-threshold=8192; max-model-len=4096 | reject ThresholdAboveContext
vllm 0.26.0 | dense | 9.0 | long-prefill-token-threshold=8192; max-model-len=4096 | ok
vllm 0.26.0 | dense | 9.0 | max-num-partial-prefills=2 | reject InvalidFlagValue
vllm 0.26.0 | dense | 9.0 | max-num-partial-prefills=1 | ok
vllm 0.24.0 | dense | 9.0 | tensor-parallel-size=4; decode-context-parallel-size=3 | reject ContextParallelDoesNotDivide
vllm 0.11.2 | dense | 9.0 | decode-context-parallel-size=2 | reject ContextParallelDoesNotDivide
vllm 0.24.0 | dense | 9.0 | tensor-parallel-size=4; decode-context-parallel-size=2 | ok
vllm 0.24.0 | dense | 9.0 | decode-context-parallel-size=1 | ok
vllm 0.33.0 | dense | 9.0 | prefill-context-parallel-size=2; decode-context-parallel-size=2 | ok
vllm 0.24.0 | moe | 9.0 | enable-eplb=true; tensor-parallel-size=2 | reject NeedsExpertParallel
vllm 0.24.0 | moe | 9.0 | enable-eplb=true; enable-expert-parallel=true | reject NeedsExpertParallel
vllm 0.24.0 | moe | 9.0 | enable-eplb=true; enable-expert-parallel=true; tensor-parallel-size=2 | ok
vllm 0.24.0 | moe | 9.0 | enable-eplb=true; enable-expert-parallel=true; data-parallel-size=2 | ok
vllm 0.24.0 | moe | 9.0 | enable-eplb=false | ok
vllm 0.24.0 | moe | 9.0 | enable-dbo=true; all2all-backend=allgather_reducescatter | reject BackendNotForDualBatch
vllm 0.24.0 | moe | 9.0 | enable-dbo=true; all2all-backend=deepep_low_latency | ValueOverwritten
vllm 0.14.1 | moe | 9.0 | enable-dbo=true; all2all-backend=pplx | ValueOverwritten
vllm 0.33.0 | moe | gfx942 | enable-dbo=true; all2all-backend=allgather_reducescatter | RulesAreForNvidia ValueOverwritten
vllm 0.14.1 | dense | 9.0 | async-scheduling=true; pipeline-parallel-size=2 | reject AsyncSchedulingNotWithPipeline
vllm 0.14.1 | dense | 9.0 | async-scheduling=false; pipeline-parallel-size=2 | ok
vllm 0.16.0 | dense | 9.0 | async-scheduling=true; pipeline-parallel-size=2 | ok
vllm 0.18.1 | dense | 9.0 | async-scheduling=true; distributed-executor-backend=ray | reject AsyncSchedulingNotOnRay
vllm 0.18.1 | dense | 9.0 | async-scheduling=true; distributed-executor-backend=mp | ok
vllm 0.19.0 | dense | 9.0 | async-scheduling=true; distributed-executor-backend=ray | ReleaseNotRecorded
vllm 0.20.2 | dense | 9.0 | async-scheduling=true; distributed-executor-backend=ray | ok
vllm 0.18.1 | ct-fp8-kv | 9.0 | kv-cache-dtype=bfloat16 | reject KvDtypeNotCheckpoints
vllm 0.33.0 | deepseek-v4 | 8.9 | | reject ModelNotOnThisGpu
vllm 0.33.0 | deepseek-v4 | 8.0 | kv-cache-dtype=fp8 | reject ModelNotOnThisGpu
vllm 0.33.0 | deepseek-v4 | 9.0 | | ok
vllm 0.33.0 | deepseek-v4 | 12.0 | | ok
vllm 0.23.0 | deepseek-v4 | 12.0 | kv-cache-dtype=fp8 | reject ModelNotOnThisGpu
vllm 0.33.0 | deepseek-v4 | 9.0 | attention-backend=FLASHINFER_MLA_SPARSE_DSV4 | reject BackendNotOnThisGpu
vllm 0.33.0 | deepseek-v4 | 12.0 | attention-backend=FLASHMLA_SPARSE_DSV4 | reject BackendNotOnThisGpu
sglang 0.5.15 | internvl-llama | 9.0 | | reject ArchitectureNotSupported
vllm 0.24.0 | internvl-llama | 9.0 | | ok
# values under another name
sglang 0.5.15 | sparse | 9.0 | attention-backend=nsa | ValueOverwritten
sglang 0.5.15 | sparse | 9.0 | attention-backend=dsa | ok
vllm 0.24.0 | moe | 9.0 | enable-expert-parallel=true; tensor-parallel-size=2; all2all-backend=naive | ValueOverwritten
vllm 0.18.1 | moe | 9.0 | enable-expert-parallel=true; tensor-parallel-size=2; all2all-backend=naive | ok
# Mistral's own files
tensorrt-llm 1.1.0 | mistral-params | 9.0 | | reject CheckpointNotSupported
tensorrt-llm 1.2.0 | mistral-params | 9.0 | | reject CheckpointNotSupported
tensorrt-llm 1.2.0 | mistral-params | 9.0 | checkpoint_format=mistral | FormatNotCertain
tensorrt-llm 1.2.0 | dense | 9.0 | checkpoint_format=HF | ok
sglang 0.5.15 | deepseek-v4 | 8.9 | | reject ModelNotOnThisGpu
sglang 0.5.15 | deepseek-v4 | 9.0 | | ok
sglang 0.5.12 | deepseek-v4 | 12.0 | | reject ModelNotOnThisGpu
sglang 0.5.15 | deepseek-v4 | 12.0 | | ok
vllm 0.24.0 | deepseek-v4 | 9.0 | kv-cache-dtype=auto | reject KvDtypeNotSupported
vllm 0.33.0 | deepseek-v4 | 9.0 | kv-cache-dtype=fp8_ds_mla | ok
vllm 0.33.0 | mla | 9.0 | kv-cache-dtype=fp8_ds_mla | reject BackendNotForKvCache
vllm 0.33.0 | sparse | 12.0 | dtype=float16 | reject DtypeNotSupported
vllm 0.33.0 | granite-hybrid | 9.0 | pipeline-parallel-size=2 | reject ParallelismNotSupported
vllm 0.33.0 | granite-hybrid | 9.0 | pipeline-parallel-size=1 | ok
# flags that take JSON
vllm 0.11.2 | dense | 9.0 | limit-mm-per-prompt=image=1 | reject InvalidFlagValue
vllm 0.33.0 | dense | 9.0 | limit-mm-per-prompt=image=1 | reject InvalidFlagValue
vllm 0.33.0 | dense | 9.0 | limit-mm-per-prompt={"image":1} | ok
vllm 0.24.0 | dense | 9.0 | media-io-kwargs=x=1 | reject InvalidFlagValue
vllm 0.24.0 | dense | 9.0 | override-generation-config=x=1 | reject InvalidFlagValue
vllm 0.24.0 | dense | 9.0 | mm-processor-kwargs=num_crops=4 | reject InvalidFlagValue
vllm 0.24.0 | dense | 9.0 | kv-transfer-config=x | reject InvalidFlagValue
vllm 0.24.0 | dense | 9.0 | pooler-config=x | reject InvalidFlagValue
# members of flags in JSON
vllm 0.16.0 | dense | 9.0 | speculative-config={"num_spec_tokens":3} | reject UnknownMember
vllm 0.15.1 | dense | 9.0 | kv-transfer-config={"kv_conector":"x"} | ok
vllm 0.33.0 | dense | 9.0 | kv-transfer-config={"kv_conector":"x"} | reject UnknownMember
vllm 0.33.0 | dense | 9.0 | structured-outputs-config={"backend":"xgrammar"} | ok
vllm 0.33.0 | dense | 9.0 | attention-config={"use_fp4_indexer_cache":true} | reject UnknownMember
vllm 0.24.0 | mimo-v2 | 9.0 | tensor-parallel-size=16 | reject TensorParallelDoesNotDivide
vllm 0.33.0 | mimo-v2 | 9.0 | tensor-parallel-size=16 | ok
vllm 0.33.0 | deepseek-v4 | 9.0 | kv-cache-dtype=bfloat16 | reject KvDtypeNotSupported
vllm 0.22.0 | ct-fp8-kv | 9.0 | kv-cache-dtype=bfloat16 | ok
vllm 0.24.0 | dense | 9.0 | runner=pooling | reject NoCompletions
vllm 0.24.0 | dense | 9.0 | runner=draft | reject NoCompletions
vllm 0.24.0 | dense | 9.0 | runner=generate | ok
vllm 0.24.0 | dense | 9.0 | convert=embed | reject NoCompletions
vllm 0.24.0 | dense | 9.0 | convert=auto | ok
vllm 0.24.0 | dense | 9.0 | mm-encoder-only=true | reject NoCompletions
vllm 0.11.2 | dense | 9.0 | task=embed | reject NoCompletions
vllm 0.11.2 | dense | 9.0 | task=score | reject NoCompletions
vllm 0.11.2 | dense | 9.0 | task=generate | ok
sglang 0.5.15 | dense | 9.0 | is-embedding=true | reject NoCompletions
sglang 0.5.15 | dense | 9.0 | is-embedding=false | ok
vllm 0.24.0 | dense | 9.0 | enable-auto-tool-choice=true | reject NeedsToolCallParser
vllm 0.24.0 | dense | 9.0 | enable-auto-tool-choice=true; tool-call-parser=hermes | ok
vllm 0.24.0 | dense | 9.0 | enable-log-outputs=true | reject NeedsLoggedRequests
vllm 0.24.0 | dense | 9.0 | enable-log-outputs=true; enable-log-requests=true | ok
vllm 0.24.0 | positions-8192 | 9.0 | max-model-len=16k | ContextAboveModel
vllm 0.24.0 | positions-8192 | 9.0 | max-model-len=8192 | ok
vllm 0.24.0 | positions-8192 | 9.0 | max-model-len=auto | ok
vllm 0.24.0 | positions-8192 | 9.0 | max-model-len=16k; hf-overrides={"rope_scaling":{"factor":4.0}} | ok
vllm 0.24.0 | dense | 9.0 | max-model-len=1000000 | ok
# attention heads that a backend has no kernels for
vllm 0.24.0 | heads-of-96 | 8.0 | | ok
vllm 0.24.0 | heads-of-96 | 8.0 | kv-cache-dtype=fp8 | reject KvDtypeNotSupported
vllm 0.24.0 | heads-of-96 | 7.5 | kv-cache-dtype=fp8 | reject KvDtypeNotSupported
vllm 0.13.0 | heads-of-96 | 8.6 | kv-cache-dtype=fp8_e4m3 | reject KvDtypeNotSupported
vllm 0.24.0 | heads-of-96 | 8.6 | kv-cache-dtype=fp8_e5m2 | reject KvDtypeNotSupported
vllm 0.20.2 | heads-of-96 | 8.6 | kv-cache-dtype=fp8_e5m2 | ok
vllm 0.24.0 | heads-of-64 | 8.0 | kv-cache-dtype=fp8 | AttentionBackendChanges
vllm 0.24.0 | dense | 8.0 | kv-cache-dtype=fp8 | AttentionBackendChanges
vllm 0.24.0 | heads-of-96 | 8.9 | kv-cache-dtype=fp8 | AttentionBackendChanges
vllm 0.24.0 | heads-of-96 | 12.0 | kv-cache-dtype=fp8 | AttentionBackendChanges
vllm 0.24.0 | heads-of-96 | 9.0 | kv-cache-dtype=fp8 | ok
vllm 0.24.0 | heads-of-96 | 9.0 | kv-cache-dtype=fp8_e5m2 | AttentionBackendChanges
vllm 0.24.0 | heads-of-96 | 10.0 | kv-cache-dtype=fp8 | AttentionBackendChanges
vllm 0.24.0 | dense | 10.0 | kv-cache-dtype=fp8 | ok
vllm 0.24.0 | heads-of-96 | 10.0 | kv-cache-dtype=nvfp4 | reject KvDtypeNotSupported
vllm 0.24.0 | heads-of-96 | 8.0 | attention-backend=FLASHINFER | reject BackendNotForModel
vllm 0.24.0 | heads-of-96 | 8.0 | attention-backend=FLASH_ATTN | ok
vllm 0.24.0 | heads-of-100 | 8.0 | attention-backend=FLASH_ATTN | reject BackendNotForModel
vllm 0.24.0 | heads-of-64 | 8.0 | attention-backend=FLASHINFER | ok
vllm 0.24.0 | heads-of-0 | 8.0 | attention-backend=FLASHINFER | ok
sglang 0.5.15 | heads-of-96 | 8.0 | | ModelNotCertain
sglang 0.5.15 | heads-of-96 | 12.0 | | ModelNotCertain
sglang 0.5.15 | heads-of-96 | 9.0 | | ok
sglang 0.5.15 | heads-of-96 | 10.0 | | ok
sglang 0.5.15 | heads-of-96 | 9.0 | attention-backend=flashinfer | ModelNotCertain
sglang 0.5.15 | heads-of-96 | 8.0 | attention-backend=triton | ok
sglang 0.5.15 | heads-of-64 | 8.0 | attention-backend=flashinfer | ok
sglang 0.5.15 | heads-of-0 | 8.0 | | ok
# SGLang: the same
sglang 0.5.15 | positions-8192 | 9.0 | context-length=16384 | ContextAboveModel
sglang 0.5.15 | positions-8192 | 9.0 | context-length=8192 | ok
sglang 0.5.15 | dense | 9.0 | context-length=1000000 | ok
sglang 0.5.15 | dense | 9.0 | chunked-prefill-size=1000; page-size=64 | reject ChunkNotOfWholePages
sglang 0.5.6.post2 | dense | 8.0 | chunked-prefill-size=1000; page-size=16; attention-backend=triton | reject ChunkNotOfWholePages
sglang 0.5.23 | dense | 9.0 | chunked-prefill-size=1000; page-size=64 | reject ChunkNotOfWholePages
sglang 0.5.15 | dense | 9.0 | chunked-prefill-size=1024; page-size=64 | ok
sglang 0.5.15 | dense | 9.0 | chunked-prefill-size=-1; page-size=64 | ok
sglang 0.5.15 | dense | 9.0 | chunked-prefill-size=1000 | ok
sglang 0.5.15 | dense | 9.0 | chunked-prefill-size=1000; page-size=1 | ok
sglang 0.5.15 | dense | 9.0 | chunked-prefill-size=1000; page-size=64; disaggregation-mode=decode | reject Disaggregated
vllm 0.24.0 | dense | 9.0 | kv-transfer-config={"kv_connector":"P2pNcclConnector","kv_role":"kv_producer"} | reject Disaggregated
vllm 0.24.0 | dense | 9.0 | kv-transfer-config={"kv_connector":"NixlConnector","kv_role":"kv_both"} | Disaggregated
vllm 0.24.0 | dense | 9.0 | kv-transfer-config={"kv_connector":"OffloadingConnector","kv_role":"kv_both"} | ok
sglang 0.5.15 | dense | 9.0 | chunked-prefill-size=1000; page-size=64; attention-backend=fa4 | ok
sglang 0.5.15 | dense | 10.0 | chunked-prefill-size=1000; page-size=64 | ok
sglang 0.5.15 | mla | 9.0 | chunked-prefill-size=1000; page-size=64 | ok
sglang 0.5.15 | dense | 9.0 | chunked-prefill-size=1000; page-size=64; tp-size=2; dp-size=2; enable-dp-attention=true | ok
sglang 0.5.15 | dense | 9.0 | pp-size=2; speculative-algorithm=NGRAM | reject SpeculationNotWithPipeline
sglang 0.5.15 | dense | 9.0 | pp-size=1; speculative-algorithm=NGRAM | SpeculationOnRandomText
sglang 0.5.20 | dense | 9.0 | pp-size=2; speculative-algorithm=NGRAM | ReleaseNotRecorded SpeculationOnRandomText
sglang 0.5.23 | dense | 9.0 | pp-size=2; speculative-algorithm=NGRAM | reject SpeculationNotWithPipeline
sglang 0.5.23 | dense | 9.0 | pp-size=2; speculative-algorithm=eagle | SpeculationOnRandomText
# what a benchmark with random prompts cannot show
sglang 0.5.15 | dense | 9.0 | disable-radix-cache=true | PrefixCacheNotMeasured
sglang 0.5.15 | dense | 9.0 | stream-interval=8 | LatenciesOfChunks
sglang 0.5.15 | dense | 9.0 | stream-interval=1 | ok
vllm 0.24.0 | dense | 9.0 | speculative-config={"method": "ngram", "num_speculative_tokens": 2} | SpeculationOnRandomText
vllm 0.24.0 | dense | 9.0 | speculative-config={"method": "ngram"} | reject SpeculationNotComplete
sglang 0.5.15 | mimo-v2 | 9.0 | tp-size=4 | reject TensorParallelDoesNotDivide
sglang 0.5.15 | mimo-v2 | 9.0 | tp-size=8 | ok
sglang 0.5.20 | mimo-v2 | 9.0 | tp-size=4 | ok
sglang 0.5.20 | mimo-v2 | 9.0 | tp-size=16 | reject TensorParallelDoesNotDivide
sglang 0.5.19 | deepseek-v4 | 9.0 | speculative-algorithm=NEXTN | reject SpeculationNotForModel
sglang 0.5.19 | dense | 9.0 | speculative-algorithm=DFLASH | reject SpeculationNotComplete
vllm 0.24.0 | dense | 9.0 | speculative-config={"method": "mtp", "num_speculative_tokens": 2} | reject SpeculationNotForModel
sglang 0.5.19 | dense | 9.0 | speculative-algorithm=NGRAM; enable-dp-attention=true | reject SpeculationNotWithDpAttention
sglang 0.5.19 | dense | 10.0 | speculative-algorithm=NGRAM; attention-backend=trtllm_mha; speculative-eagle-topk=4 | reject SpeculationNotOnBackend
vllm 0.24.0 | dense | 9.0 | enable-prefix-caching=false | PrefixCacheNotMeasured
vllm 0.24.0 | dense | 9.0 | stream-interval=4 | LatenciesOfChunks
tensorrt-llm 1.2.0 | dense | 9.0 | stream_interval=4 | LatenciesOfChunks
tensorrt-llm 1.2.0 | dense | 9.0 | kv_cache_config.enable_block_reuse=true | PrefixCacheNotMeasured
tensorrt-llm 1.2.0 | dense | 9.0 | speculative_config={"decoding_type": "NGram"} | SpeculationOnRandomText
# a cache of Mamba states that is rounded at random
vllm 0.24.0 | dense | 10.0 | enable-mamba-cache-stochastic-rounding=true | reject RoundingNotForCache
vllm 0.24.0 | dense | 10.0 | enable-mamba-cache-stochastic-rounding=true; mamba-ssm-cache-dtype=float16 | ok
vllm 0.24.0 | dense | 9.0 | enable-mamba-cache-stochastic-rounding=true; mamba-ssm-cache-dtype=float16 | reject BackendNotOnThisGpu
vllm 0.24.0 | dense | 9.0 | enable-mamba-cache-stochastic-rounding=true; mamba-ssm-cache-dtype=float16; mamba-backend=flashinfer | ok
sglang 0.5.15 | dense | 10.0 | enable-mamba-cache-stochastic-rounding=true | reject RoundingNotForCache
sglang 0.5.15 | dense | 9.0 | enable-mamba-cache-stochastic-rounding=true; mamba-ssm-dtype=float16 | reject BackendNotOnThisGpu
# layers of Mamba 2 with one group, and a KV cache that is declared as a text
vllm 0.24.0 | mamba | 9.0 | tensor-parallel-size=2; quantization=fp8 | ModelNotCertain
vllm 0.24.0 | mamba | 9.0 | tensor-parallel-size=2 | ok
vllm 0.15.1 | mamba | 9.0 | tensor-parallel-size=2; quantization=fp8 | reject TensorParallelDoesNotDivide
sglang 0.5.8 | modelopt-text-fp8-kv | 9.0 | | reject SchemeNotSupported
sglang 0.5.15 | modelopt-text-fp8-kv | 9.0 | | DeclaredKvNotFollowed
sglang 0.5.6.post2 | nvfp4-text-fp8-kv | 10.0 | | reject SchemeNotSupported
sglang 0.5.7 | nvfp4-text-fp8-kv | 10.0 | | ok
# the beginning of a flag
sglang 0.5.15 | dense | 9.0 | mem-frac=0.8; speculative-algo=NGRAM | SpeculationOnRandomText
sglang 0.5.15 | dense | 9.0 | enable-dp=true | reject UnknownFlag
vllm 0.24.0 | dense | 9.0 | tensor-parallel=2; max-num-b=8192 | ok
sglang 0.5.15 | dense | 9.0 | enable-priority-scheduling=true; schedule-policy=lpm | reject PolicyNotForPriorities
sglang 0.5.15 | dense | 9.0 | enable-priority-scheduling=true; schedule-policy=lof | ok
sglang 0.5.15 | dense | 9.0 | enable-priority-scheduling=true | ok
sglang 0.5.15 | moe | 9.0 | enable-eplb=true; eplb-algorithm=greedy | reject UnknownEplbAlgorithm
sglang 0.5.15 | moe | 9.0 | enable-eplb=true; eplb-algorithm=deepseek_vec | ok
sglang 0.5.15 | moe | 9.0 | eplb-algorithm=greedy | ok
# vLLM: fp8 weights and an e5m2 cache
vllm 0.24.0 | dense | 9.0 | quantization=fp8; kv-cache-dtype=fp8_e5m2 | reject KvDtypeNeedsOtherWeights
vllm 0.11.2 | dense | 9.0 | quantization=fp8; kv-cache-dtype=fp8_e5m2 | reject KvDtypeNeedsOtherWeights
vllm 0.24.0 | dense | 9.0 | quantization=fp8_per_tensor; kv-cache-dtype=fp8_e5m2 | AttentionBackendChanges
vllm 0.24.0 | dense | 9.0 | quantization=online; quantization-config={"linear":"fp8_per_tensor"}; kv-cache-dtype=fp8_e5m2 | AttentionBackendChanges
vllm 0.24.0 | fp8 | 9.0 | kv-cache-dtype=fp8_e5m2 | reject KvDtypeNeedsOtherWeights
vllm 0.24.0 | quark-fp8 | 9.0 | kv-cache-dtype=fp8_e5m2 | reject KvDtypeNeedsOtherWeights
# 16-bit caches
vllm 0.24.0 | dense | 9.0 | kv-cache-dtype=float16 | reject KvDtypeNotModelDtype
vllm 0.14.0 | dense | 9.0 | kv-cache-dtype=bfloat16 | reject BackendNotForKvCache
vllm 0.15.0 | dense | 9.0 | kv-cache-dtype=bfloat16 | ok
vllm 0.24.0 | dense | 9.0 | kv-cache-dtype=fp8_inc | reject BackendNotForKvCache
vllm 0.24.0 | dense | 9.0 | kv-cache-dtype=fp8_ds_mla | reject BackendNotForKvCache
vllm 0.24.0 | sparse | 9.0 | kv-cache-dtype=fp8_ds_mla | ok
vllm 0.24.0 | sparse | 9.0 | kv-cache-dtype=fp8_e4m3 | reject BackendNotForKvCache
vllm 0.24.0 | sparse | 9.0 | kv-cache-dtype=fp8 | ok
vllm 0.24.0 | sparse | 10.0 | kv-cache-dtype=fp8_e4m3 | ok
vllm 0.24.0 | sparse | 8.0 | kv-cache-dtype=fp8 | reject BackendNotOnThisGpu
sglang 0.5.20 | sparse | 12.0 | | BackendNotCertain
sglang 0.5.20 | sparse | 9.0 | | ok
sglang 0.5.20 | dense | 9.0 | quantization=humming | QuantizationNotCertain
vllm 0.20.2 | dense | 9.0 | kv-cache-dtype=fp8_e5m2 | reject BackendNotForKvCache
vllm 0.20.2 | dense | 9.0 | kv-cache-dtype=fp8_e5m2; attention-backend=FLASHINFER | ok
vllm 0.24.0 | dense | 9.0 | kv-cache-dtype=float16; dtype=half | ok
vllm 0.24.0 | dense | 9.0 | kv-cache-dtype=bfloat16; dtype=float16 | reject KvDtypeNotModelDtype
vllm 0.24.0 | dense | 7.5 | kv-cache-dtype=bfloat16 | reject KvDtypeNotModelDtype
# float32
vllm 0.24.0 | dense | 9.0 | dtype=float; quantization=fp8_per_block | reject DtypeNotForQuantization
vllm 0.24.0 | dense | 9.0 | dtype=float32; quantization=humming | reject DtypeNotForQuantization
vllm 0.11.2 | dense | 9.0 | dtype=float32; quantization=rtn | reject DtypeNotForQuantization
vllm 0.26.0 | dense | 10.0 | dtype=float32; quantization=nvfp4_per_token | reject DtypeNotForQuantization
vllm 0.24.0 | moe | 9.0 | dtype=float32; quantization=experts_int8 | reject DtypeNotForQuantization
vllm 0.24.0 | dense | 9.0 | dtype=float32; kv-cache-dtype=fp8_e4m3 | AttentionBackendChanges
vllm 0.24.0 | dense | 8.0 | dtype=float32; kv-cache-dtype=fp8_e4m3 | reject DtypeNotForKvCache
vllm 0.24.0 | dense | 9.0 | dtype=float32; attention-backend=FLASH_ATTN | reject BackendNotForDtype
vllm 0.24.0 | dense | 9.0 | dtype=float32; attention-backend=FLASHINFER | reject BackendNotForDtype
vllm 0.24.0 | dense | 9.0 | dtype=float32; attention-backend=flex_attention | ok
vllm 0.24.0 | dense | 9.0 | dtype=float32 | AttentionBackendChanges
vllm 0.24.0 | mxfp4-moe | 9.0 | dtype=float16 | reject DtypeNotForQuantization
# --quantization and --quantization-config
vllm 0.24.0 | dense | 9.0 | quantization=fp8; quantization-config={"linear":"fp8_per_tensor"} | reject QuantizationConfigNeedsOnline
vllm 0.24.0 | dense | 9.0 | quantization=fp8_per_tensor; quantization-config={"ignore":["lm_head"]} | ok
vllm 0.24.0 | dense | 9.0 | quantization-config={"linear":"fp8_per_tensor"} | reject QuantizationConfigIgnored
vllm 0.24.0 | mxfp4-moe | 10.0 | quantization-config={"moe":{"activation":"mxfp8"}} | ok
vllm 0.24.0 | dense | 9.0 | quantization=online; quantization-config={"linear":"int8_per_channel_weight_only"} | reject NotForLinearLayers
vllm 0.26.0 | dense | 10.0 | quantization=online; quantization-config={"linear":"nvfp4_per_token"} | reject NotForLinearLayers
vllm 0.24.0 | dense | 9.0 | quantization=online; quantization-config={"linear":"mxfp4"} | reject NotForLinearLayers
vllm 0.23.0 | dense | 9.0 | quantization=online; quantization-config={"linear":"fp8_per_channel"} | reject NotForLinearLayers
vllm 0.24.0 | dense | 9.0 | quantization=online; quantization-config={"linear":"fp8_per_channel"} | ok
vllm 0.23.0 | moe | 9.0 | quantization=online; quantization-config={"moe":"fp8_per_channel"} | reject NotForExperts
vllm 0.24.0 | moe | 9.0 | quantization=online; quantization-config={"moe":"mxfp4"} | reject NotForExperts
vllm 0.33.0 | moe | 9.0 | quantization=online; quantization-config={"moe":"mxfp4"} | ok
vllm 0.33.0 | moe-odd | 9.0 | quantization=online; quantization-config={"moe":"mxfp4"} | reject NotForExperts
vllm 0.24.0 | moe | 10.0 | quantization=online; quantization-config={"moe":"nvfp4_per_token"} | reject NotForExperts
vllm 0.26.0 | moe | 10.0 | quantization=online; quantization-config={"moe":"nvfp4_per_token"} | ok
vllm 0.26.0 | moe | 9.0 | quantization=online; quantization-config={"moe":"nvfp4_per_token"} | reject CapabilityTooLow
vllm 0.24.0 | moe | 8.0 | quantization=online; quantization-config={"moe":"fp8_per_tensor"} | WeightOnly
vllm 0.24.0 | dense | 9.0 | quantization=online; quantization-config.linear=fp8_per_tensor | ok
# methods and checkpoints
vllm 0.24.0 | dense | 9.0 | quantization=awq | reject NeedsCheckpoint
vllm 0.24.0 | awq | 9.0 | quantization=awq | ok
vllm 0.24.0 | awq | 9.0 | quantization=awq_marlin | ok
vllm 0.24.0 | awq | 9.0 | quantization=fp8 | reject QuantizationConflict
vllm 0.24.0 | awq | 9.0 | quantization=gptq | reject QuantizationConflict
vllm 0.24.0 | fp8 | 9.0 | quantization=fp8 | ok
vllm 0.24.0 | gguf | 9.0 | | reject CheckpointNotSupported
vllm 0.20.2 | gguf | 9.0 | | ModelIsOneFile
vllm 0.20.2 | gguf | 12.0 | | reject DtypeNotForQuantization
vllm 0.20.2 | gguf | 10.0 | dtype=bfloat16 | reject DtypeNotForQuantization
vllm 0.20.2 | gguf | 12.0 | dtype=float16 | ModelIsOneFile
vllm 0.20.2 | gguf | 12.0 | dtype=float32 | AttentionBackendChanges ModelIsOneFile
vllm 0.13.0 | gguf | 12.0 | | ModelIsOneFile
vllm 0.11.2 | gguf | 12.0 | dtype=bfloat16 | ModelIsOneFile
sglang 0.5.15 | gguf | 9.0 | | ModelIsOneFile
sglang 0.5.9 | nvfp4 | 10.0 | | ok
sglang 0.5.9 | nvfp4-in-config | 10.0 | | NeedsQuantization
sglang 0.5.9 | nvfp4-in-config | 10.0 | quantization=modelopt | ok
sglang 0.5.10 | nvfp4-in-config | 10.0 | | ok
sglang 0.5.9 | mistral-params | 9.0 | | ModelReadByItsName
sglang 0.5.23 | mistral-params | 9.0 | | ModelReadByItsName
sglang 0.5.23 | mistral-params | 9.0 | model-config-parser=mistral | ok
vllm 0.24.0 | mistral-params | 9.0 | | ok
sglang 0.5.15 | gguf-file | 9.0 | | ok
vllm 0.20.2 | gguf-file | 9.0 | | ok
vllm 0.26.0 | bnb | 9.0 | tensor-parallel-size=2 | reject NotWithTensorParallelism
vllm 0.26.0 | bnb | 9.0 | pipeline-parallel-size=2 | ok
vllm 0.26.0 | awq | 9.0 | load-format=bitsandbytes | reject NeedsLoadFormat
sglang 0.5.7 | bnb | 9.0 | | reject CheckpointNotSupported
sglang 0.5.8 | bnb | 9.0 | | NeedsLoadFormat PackageNotIncluded
sglang 0.5.15 | bnb | 9.0 | | NeedsLoadFormat PackageNotIncluded
sglang 0.5.15 | bnb | 9.0 | load-format=bitsandbytes | PackageNotIncluded
sglang 0.5.15 | bnb | 9.0 | load-format=auto | reject NeedsLoadFormat
sglang 0.5.15 | bnb | 9.0 | tp-size=2 | reject NotWithTensorParallelism
sglang 0.5.15 | bnb | 9.0 | pp-size=2 | NeedsLoadFormat PackageNotIncluded
sglang 0.5.15 | awq | 9.0 | load-format=bitsandbytes | reject NeedsLoadFormat
sglang 0.5.15 | dense | 9.0 | quantization=bitsandbytes; load-format=bitsandbytes | ok
sglang 0.5.15 | dense | 9.0 | quantization=bitsandbytes | reject NeedsCheckpoint
vllm 0.33.0 | bnb | 9.0 | | reject CheckpointNotSupported
vllm 0.26.0 | bnb | 9.0 | | ok
vllm 0.24.0 | hqq | 9.0 | | reject CheckpointNotSupported
vllm 0.14.1 | moe | 9.0 | quantization=experts_int8 | DeprecatedQuantization
vllm 0.14.1 | moe | 9.0 | quantization=experts_int8; allow-deprecated-quantization=false | reject DeprecatedQuantization
vllm 0.14.1 | moe | 9.0 | quantization=experts_int8; allow-deprecated-quantization=- | reject DeprecatedQuantization
vllm 0.14.1 | moe | 9.0 | quantization=experts_int8; allow-deprecated-quantization=true | ok
vllm 0.20.2 | moe | 9.0 | quantization=experts_int8 | ok
vllm 0.24.0 | fbgemm | 9.0 | | DeprecatedQuantization
vllm 0.24.0 | fbgemm | 9.0 | allow-deprecated-quantization=false | reject DeprecatedQuantization
vllm 0.11.2 | fbgemm | 9.0 | | ok
vllm 0.24.0 | dense | 9.0 | quantization=experts_int8 | ModelHasNoExperts
# attention backends and caches
vllm 0.24.0 | dense | 9.0 | attention-backend=FLASH_ATTN; kv-cache-dtype=fp8_e5m2 | reject BackendNotForKvCache
vllm 0.24.0 | dense | 9.0 | attention-backend=flash_attn; kv-cache-dtype=fp8_e5m2 | reject BackendNotForKvCache
vllm 0.24.0 | dense | 9.0 | attention-config.backend=FLASH_ATTN; kv-cache-dtype=fp8_e5m2 | reject BackendNotForKvCache
vllm 0.24.0 | dense | 9.0 | attention-config={"backend":"FLASH_ATTN"}; kv-cache-dtype=fp8_e5m2 | reject BackendNotForKvCache
vllm 0.24.0 | dense | 9.0 | attention-config={"backend":"FLASHINFER"}; attention-backend=TRITON_ATTN | reject DuplicateParameter
vllm 0.24.0 | dense | 9.0 | attention-backend=FLEX_ATTENTION; kv-cache-dtype=fp8 | reject BackendNotForKvCache
vllm 0.24.0 | mla | 9.0 | attention-backend=FLASH_ATTN_MLA; kv-cache-dtype=fp8 | reject BackendNotForKvCache
vllm 0.24.0 | dense | 9.0 | attention-backend=FLASHINFER; kv-cache-dtype=int8_per_token_head | reject BackendNotForKvCache
vllm 0.24.0 | dense | 9.0 | attention-backend=TRITON_ATTN; kv-cache-dtype=int8_per_token_head | ok
vllm 0.24.0 | mla | 9.0 | kv-cache-dtype=int8_per_token_head | reject BackendNotForKvCache
vllm 0.24.0 | mla | 9.0 | kv-cache-dtype=fp8_e5m2 | reject BackendNotForKvCache
vllm 0.24.0 | mla | 9.0 | kv-cache-dtype=fp8 | ok
vllm 0.24.0 | mla-awq | 9.0 | | SchemeNotCertain
vllm 0.28.0 | mla-awq | 9.0 | | ok
vllm 0.24.0 | mla | 12.0 | kv-cache-dtype=fp8 | ok
vllm 0.24.0 | dense | 8.0 | attention-backend=TRITON_ATTN; kv-cache-dtype=fp8 | reject BackendNotForKvCache
vllm 0.24.0 | dense | 8.9 | attention-backend=TRITON_ATTN; kv-cache-dtype=fp8 | ok
vllm 0.24.0 | dense | 8.0 | kv-cache-dtype=fp8 | AttentionBackendChanges
vllm 0.24.0 | dense | 8.0 | attention-backend=FLASHINFER; kv-cache-dtype=fp8 | ok
vllm 0.24.0 | dense | 9.0 | attention-backend=auto; kv-cache-dtype=fp8_e5m2 | AttentionBackendChanges
vllm 0.24.0 | dense | 10.0 | kv-cache-dtype=nvfp4 | ok
vllm 0.24.0 | dense | 12.0 | kv-cache-dtype=nvfp4 | reject KvDtypeNotOnThisGpu
vllm 0.31.0 | dense | 9.0 | kv-cache-dtype=nvfp4 | reject KvDtypeNotOnThisGpu
vllm 0.32.0 | dense | 8.0 | kv-cache-dtype=nvfp4 | ok
vllm 0.33.0 | dense | 8.9 | kv-cache-dtype=nvfp4 | ok
vllm 0.33.0 | dense | 9.0 | kv-cache-dtype=nvfp4 | ok
vllm 0.33.0 | dense | 12.0 | kv-cache-dtype=nvfp4; attention-backend=FLASHINFER | ok
vllm 0.33.0 | dense | 11.0 | kv-cache-dtype=nvfp4 | reject KvDtypeNotOnThisGpu
vllm 0.33.0 | dense | 7.5 | kv-cache-dtype=nvfp4 | reject KvDtypeNotOnThisGpu
vllm 0.33.0 | dense | 9.0 | kv-cache-dtype=nvfp4; decode-context-parallel-size=2; tensor-parallel-size=2 | reject KvDtypeNotSupported
vllm 0.33.0 | dense | 10.0 | kv-cache-dtype=nvfp4; decode-context-parallel-size=2; tensor-parallel-size=2 | ok
vllm 0.33.0 | heads-of-64 | 9.0 | kv-cache-dtype=nvfp4 | reject KvDtypeNotSupported
vllm 0.33.0 | dense | 9.0 | kv-cache-dtype=nvfp4_4over6 | reject KvDtypeNotOnThisGpu
vllm 0.33.0 | dense | 10.0 | kv-cache-dtype=nvfp4_4over6 | ok
vllm 0.33.0 | dense | 9.0 | kv-cache-dtype=ultraquant_4bit | reject KvDtypeNotOnThisGpu
vllm 0.33.0 | dense | 9.0 | kv-cache-dtype=octave_k3v4 | reject KvDtypeNotOnThisGpu
vllm 0.33.0 | sparse | 9.0 | kv-cache-dtype=nvfp4_ds_mla | reject KvDtypeNotOnThisGpu
vllm 0.24.0 | nvfp4-nvfp4-kv | 9.0 | | reject KvDtypeNotOnThisGpu
vllm 0.33.0 | nvfp4-nvfp4-kv | 9.0 | | WeightOnly
vllm 0.24.0 | dense | 8.9 | attention-backend=FLASH_ATTN; kv-cache-dtype=fp8 | reject BackendNotForKvCache
vllm 0.24.0 | dense | 9.0 | attention-backend=FLASH_ATTN; kv-cache-dtype=fp8 | ok
vllm 0.26.0 | dense | 10.0 | attention-backend=FLASH_ATTN; kv-cache-dtype=fp8 | reject BackendNotForKvCache
vllm 0.27.0 | dense | 10.0 | attention-backend=FLASH_ATTN; kv-cache-dtype=fp8 | ok
vllm 0.33.0 | dense | 9.0 | attention-backend=B12X | reject BackendNotOnThisGpu
vllm 0.33.0 | dense | 12.0 | attention-backend=TRITON_FLASH_ATTN | reject BackendNotOnThisGpu
vllm 0.33.0 | dense | 9.0 | attention-backend=TRITON_FLASHINFER | reject BackendNotOnThisGpu
vllm 0.24.0 | dense | 10.0 | kv-cache-dtype=nvfp4; attention-backend=TRITON_ATTN | reject BackendNotForKvCache
vllm 0.24.0 | mla | 10.0 | kv-cache-dtype=nvfp4 | reject BackendNotForKvCache
vllm 0.24.0 | dense | 8.0 | kv-cache-dtype=fp8_per_token_head | reject CapabilityTooLow
vllm 0.24.0 | dense | 9.0 | kv-cache-dtype=turboquant_k8v4 | AttentionBackendChanges
vllm 0.24.0 | nemotron-h | 9.0 | kv-cache-dtype=turboquant_k8v4 | AttentionBackendChanges
vllm 0.24.0 | dense | 9.0 | attention-backend=FLASHINFER; block-size=128 | reject BackendNotForBlockSize
vllm 0.24.0 | dense | 10.0 | attention-backend=FLASHINFER; block-size=128 | ok
vllm 0.24.0 | dense | 9.0 | attention-backend=TRITON_ATTN; block-size=24 | reject BackendNotForBlockSize
vllm 0.24.0 | dense | 9.0 | attention-backend=TRITON_ATTN; block-size=48 | ok
vllm 0.24.0 | dense | 9.0 | attention-backend=FLASHMLA | reject BackendNotForModel
vllm 0.24.0 | mla | 9.0 | attention-backend=FLASH_ATTN | reject BackendNotForModel
vllm 0.24.0 | mla | 12.1 | attention-backend=FLASH_ATTN_MLA | reject BackendNotOnThisGpu
vllm 0.24.0 | mla | 9.0 | attention-backend=FLASH_ATTN_MLA | ok
vllm 0.24.0 | mla | 9.0 | attention-backend=CUTLASS_MLA | reject BackendNotOnThisGpu
vllm 0.24.0 | mla | 10.0 | attention-backend=FLASHINFER_MLA | ok
vllm 0.24.0 | mla | 12.0 | attention-backend=FLASHMLA | reject BackendNotOnThisGpu
vllm 0.24.0 | dense | 7.5 | attention-backend=FLASH_ATTN | reject BackendNotOnThisGpu
vllm 0.24.0 | gemma4 | 9.0 | dtype=float16 | ok
vllm 0.24.0 | gemma3 | 9.0 | dtype=float16 | reject DtypeNotForModel
vllm 0.24.0 | embedding | 9.0 | | reject CheckpointNotSupported
sglang 0.5.15 | embedding | 9.0 | | MadeForEmbeddings
vllm 0.24.0 | only-embedding | 9.0 | | FormatNotCertain
sglang 0.5.15 | only-embedding | 9.0 | | FormatNotCertain
vllm 0.24.0 | gpt-oss | 9.0 | attention-backend=FLASHINFER | reject BackendNotForModel
vllm 0.24.0 | gpt-oss | 10.0 | attention-backend=FLASHINFER | ok
vllm 0.24.0 | gpt-oss | 8.0 | attention-backend=FLASH_ATTN | reject BackendNotForModel
vllm 0.24.0 | gpt-oss | 9.0 | attention-backend=FLASH_ATTN | ok
vllm 0.18.1 | gpt-oss | 10.0 | attention-backend=FLASH_ATTN | reject BackendNotForModel
vllm 0.24.0 | gpt-oss | 9.0 | attention-backend=FLEX_ATTENTION | reject BackendNotForModel
# experts
vllm 0.24.0 | moe | 9.0 | quantization=fp8; moe-backend=flashinfer_cutlass | reject MoeBackendNotForQuantization
vllm 0.24.0 | dense | 9.0 | enable-expert-parallel=true | reject ModelHasNoExperts
vllm 0.24.0 | dense | 9.0 | enable-expert-parallel=false | ok
# GPUs
vllm 0.13.0 | dense | 7.5 | quantization=fp8 | reject CapabilityTooLow
vllm 0.24.0 | dense | 7.0 | quantization=fp8_per_tensor | reject CapabilityTooLow
vllm 0.24.0 | dense | 7.5 | dtype=bfloat16 | reject CapabilityTooLow
vllm 0.26.0 | dense | 12.0 | quantization=nvfp4_per_token | reject QuantizationNotOnThisGpu
vllm 0.24.0 | awq | 7.0 | | reject CapabilityTooLow
vllm 0.24.0 | mxfp4-moe | 7.5 | | reject *
vllm 0.24.0 | modelopt-fp8 | 7.5 | | reject CapabilityTooLow
vllm 0.24.0 | fp-quant | 9.0 | | reject CapabilityTooLow
vllm 0.24.0 | fp-quant | 10.3 | | DeprecatedQuantization QuantizationNotCertain
vllm 0.24.0 | fp-quant | 12.1 | | reject QuantizationNotOnThisGpu
vllm 0.24.0 | fp8 | 8.6 | | WeightOnly
vllm 0.24.0 | nvfp4 | 9.0 | | WeightOnly
vllm 0.26.0 | modelopt-fp8 | 8.0 | | reject CapabilityTooLow
vllm 0.27.0 | modelopt-fp8 | 8.0 | | WeightOnly
vllm 0.13.0 | nvfp4 | 7.5 | | reject CapabilityTooLow
sglang 0.5.12 | nvfp4 | 9.0 | | reject CapabilityTooLow
sglang 0.5.13 | nvfp4 | 9.0 | | WeightOnly
sglang 0.5.15 | moe-nvfp4 | 9.0 | moe-runner-backend=flashinfer_cutlass; quantization=modelopt_fp4 | reject BackendNotOnThisGpu
sglang 0.5.15 | moe-nvfp4 | 9.0 | moe-runner-backend=marlin | WeightOnly
sglang 0.5.15 | moe-nvfp4 | 10.0 | moe-runner-backend=flashinfer_cutlass | ok
sglang 0.5.15 | nvfp4 | 9.0 | fp4-gemm-backend=flashinfer_cutlass | reject BackendNotOnThisGpu
vllm 0.24.0 | nvfp4 | 12.0 | | ok
vllm 0.24.0 | ct-int8 | 10.0 | | reject NoInt8Kernel
sglang 0.5.15 | ct-int8 | 10.0 | | reject NoInt8Kernel
sglang 0.5.15 | ct-int8 | 12.0 | | reject NoInt8Kernel
vllm 0.24.0 | ct-int8 | 9.0 | | ok
vllm 0.24.0 | dense | gfx942 | | RulesAreForNvidia

# SGLang: dtypes and caches
sglang 0.5.15 | gpt-oss | 9.0 | attention-backend=flashinfer | reject BackendNotForModel
sglang 0.5.15 | gpt-oss | 9.0 | attention-backend=fa3 | ok
sglang 0.5.15 | dense | 10.0 | attention-backend=fa3 | reject BackendNotOnThisGpu
sglang 0.5.15 | dense | 8.0 | attention-backend=fa3 | ok
sglang 0.5.15 | mla | 8.0 | attention-backend=fa3 | reject BackendNotOnThisGpu
sglang 0.5.15 | mla | 9.0 | attention-backend=fa3 | ok
sglang 0.5.15 | dense | 10.0 | attention-backend=trtllm_mla | reject BackendNotForModel
sglang 0.5.15 | mla | 10.0 | attention-backend=trtllm_mha | reject BackendNotForModel
sglang 0.5.15 | llama4 | 9.0 | attention-backend=flashinfer | reject BackendNotForModel
sglang 0.5.15 | gemma4 | 9.0 | attention-backend=fa3 | reject BackendNotForModel
sglang 0.5.15 | nemotron-h | 9.0 | attention-backend=triton | reject BackendNotForModel
sglang 0.5.23 | nemotron-h | 9.0 | attention-backend=triton | ok
sglang 0.5.9 | dense | 9.0 | moe-dense-tp-size=2; tp-size=2 | reject InvalidFlagValue
sglang 0.5.15 | dense | 9.0 | moe-dense-tp-size=2; tp-size=2 | ok
sglang 0.5.15 | dense | 7.5 | | KernelsNotOnThisGpu
sglang 0.5.15 | dense | 7.0 | | reject CapabilityTooLow
sglang 0.5.15 | dense | 9.0 | dtype=float | reject DtypeNotSupported
sglang 0.5.15 | dense | 9.0 | dtype=float16; kv-cache-dtype=bfloat16 | reject KvDtypeNotModelDtype
sglang 0.5.15 | dense | 9.0 | kv-cache-dtype=fp8_e5m2; attention-backend=fa3 | AttentionBackendChanges
sglang 0.5.15 | dense | 9.0 | kv-cache-dtype=fp8_e5m2; decode-attention-backend=fa3 | AttentionBackendChanges
sglang 0.5.15 | dense | 9.0 | kv-cache-dtype=fp8_e5m2; attention-backend=triton | ok
sglang 0.5.15 | dense | 10.0 | kv-cache-dtype=fp8_e5m2 | AttentionBackendChanges
sglang 0.5.15 | mla | 10.0 | kv-cache-dtype=fp8_e5m2; attention-backend=trtllm_mla | reject BackendNotForKvCache
sglang 0.5.15 | mla | 10.0 | kv-cache-dtype=fp8_e5m2; decode-attention-backend=cutedsl_mla | reject BackendNotForKvCache
sglang 0.5.15 | mla | 10.0 | kv-cache-dtype=bfloat16; attention-backend=trtllm_mla | reject BackendNotForKvCache
sglang 0.5.15 | mla | 10.0 | kv-cache-dtype=bf16; attention-backend=trtllm_mla | ok
sglang 0.5.15 | mla | 9.0 | attention-backend=trtllm_mla | reject CapabilityTooLow
sglang 0.5.15 | mla | 10.0 | attention-backend=tokenspeed_mla | reject BackendNotForKvCache
sglang 0.5.15 | mla | 10.0 | attention-backend=tokenspeed_mla; kv-cache-dtype=fp8_e4m3 | ok
sglang 0.5.15 | mla | 10.0 | attention-backend=cutedsl_mla | reject BackendNotForPhase
sglang 0.5.15 | mla | 10.0 | decode-attention-backend=cutedsl_mla | ok
sglang 0.5.15 | mla | 12.0 | decode-attention-backend=cutedsl_mla | reject BackendNotOnThisGpu
sglang 0.5.15 | dense | 10.0 | attention-backend=fa4; kv-cache-dtype=fp8_e4m3 | reject BackendNotForKvCache
sglang 0.5.15 | dense | 9.0 | attention-backend=trtllm_mha | reject BackendNotOnThisGpu
sglang 0.5.15 | dense | 9.0 | decode-attention-backend=trtllm_mha | ok
sglang 0.5.15 | dense | 8.0 | decode-attention-backend=trtllm_mha | reject BackendNotOnThisGpu
sglang 0.5.15 | dense | 9.0 | kv-cache-dtype=fp4_e2m1 | reject BackendNotForKvCache
sglang 0.5.15 | dense | 9.0 | kv-cache-dtype=fp4_e2m1; attention-backend=triton | ok
sglang 0.5.18 | dense | 9.0 | kv-cache-dtype=fp4_e2m1; attention-backend=triton | reject KvDtypeNotSupported
sglang 0.5.18 | dense | 9.0 | kv-cache-dtype=nvfp4 | reject KvDtypeNotOnThisGpu
sglang 0.5.18 | dense | 10.0 | kv-cache-dtype=nvfp4 | ok
sglang 0.5.18 | dense | 12.0 | kv-cache-dtype=nvfp4 | reject BackendNotForKvCache
sglang 0.5.18 | dense | 12.0 | kv-cache-dtype=nvfp4; attention-backend=triton | ok
sglang 0.5.18 | mla | 10.0 | kv-cache-dtype=nvfp4; attention-backend=triton | reject BackendNotForKvCache
sglang 0.5.18 | mla | 10.0 | kv-cache-dtype=nvfp4; attention-backend=trtllm_mla | ok
sglang 0.5.21 | mla | 10.0 | kv-cache-dtype=nvfp4; attention-backend=trtllm_mla | reject BackendNotForKvCache
sglang 0.5.21 | dense | 12.0 | kv-cache-dtype=nvfp4 | ok
sglang 0.5.23 | dense | 12.0 | kv-cache-dtype=nvfp4; attention-backend=triton | reject BackendNotForKvCache
sglang 0.5.23 | dense | 12.0 | kv-cache-dtype=nvfp4; attention-backend=flashinfer | ok
sglang 0.5.23 | dense | 12.0 | kv-cache-dtype=nvfp4; attention-backend=trtllm_mha | reject BackendNotForKvCache
sglang 0.5.23 | dense | 10.0 | kv-cache-dtype=nvfp4; attention-backend=trtllm_mha | ok
sglang 0.5.23 | dense | 10.0 | kv-cache-dtype=nvfp4; decode-attention-backend=flashinfer | reject BackendNotForKvCache
sglang 0.5.23 | dense | 10.0 | kv-cache-dtype=nvfp4; prefill-attention-backend=fa4 | reject BackendNotForKvCache
sglang 0.5.18 | dense | 12.0 | attention-backend=trtllm_mha | reject BackendNotOnThisGpu
sglang 0.5.19 | dense | 12.0 | attention-backend=trtllm_mha | ok
sglang 0.5.19 | dense | 9.0 | prefill-attention-backend=trtllm_mha | ok
sglang 0.5.19 | dense | 8.9 | prefill-attention-backend=trtllm_mha | reject BackendNotOnThisGpu
sglang 0.5.19 | dense | 12.0 | attention-backend=trtllm_mha; kv-cache-dtype=fp8_e4m3 | reject BackendNotForKvCache
sglang 0.5.18 | dense | 10.0 | decode-attention-backend=fa4; kv-cache-dtype=fp8_e4m3 | reject BackendNotForKvCache
sglang 0.5.20 | dense | 10.0 | decode-attention-backend=fa4; kv-cache-dtype=fp8_e4m3 | ok
sglang 0.5.18 | dense | 9.0 | kv-cache-dtype=mxfp8 | reject CapabilityTooLow
# kernels for experts
sglang 0.5.15 | moe | 9.0 | quantization=fp8; moe-runner-backend=flashinfer_cutlass | reject MoeBackendNotForQuantization
sglang 0.5.15 | moe | 9.0 | quantization=auto-round-int8; moe-runner-backend=flashinfer_cutlass | reject MoeBackendNotForQuantization
sglang 0.5.15 | moe | 9.0 | moe-runner-backend=flashinfer_cutlass | KernelsCompiledAtStart
sglang 0.5.15 | moe | 10.0 | moe-runner-backend=flashinfer_cutedsl | reject MoeBackendNotForQuantization
sglang 0.5.15 | nvfp4 | 10.0 | moe-runner-backend=flashinfer_cutedsl | ok
sglang 0.5.15 | moe | 10.0 | quantization=auto-round-int8; moe-runner-backend=flashinfer_trtllm | reject MoeBackendNotForQuantization
sglang 0.5.15 | moe | 10.0 | quantization=fp8; moe-runner-backend=flashinfer_trtllm | ok
sglang 0.5.15 | moe | 10.0 | quantization=fp8; moe-runner-backend=flashinfer_trtllm; tp-size=4; ep-size=2 | reject MoeBackendNotForExpertParallel
sglang 0.5.15 | moe | 10.0 | quantization=fp8; moe-runner-backend=flashinfer_trtllm; tp-size=4; ep-size=4 | ok
sglang 0.5.15 | moe | 10.0 | quantization=auto-round-int8; moe-runner-backend=flashinfer_trtllm_routed | reject MoeBackendNotForQuantization
sglang 0.5.15 | moe | 9.0 | quantization=fp8; moe-runner-backend=cutlass; tp-size=2; ep-size=2 | reject MoeBackendNotForExpertParallel
sglang 0.5.15 | moe | 9.0 | quantization=fp8; moe-runner-backend=cutlass; tp-size=2 | ok
sglang 0.5.15 | moe | 10.0 | quantization=mxfp8; moe-runner-backend=triton | MoeBackendChanges
sglang 0.5.15 | mxfp4-moe | 9.0 | moe-runner-backend=flashinfer_mxfp4 | ok
sglang 0.5.15 | mxfp4-moe | 8.0 | moe-runner-backend=flashinfer_mxfp4 | reject MoeBackendNotOnThisGpu
sglang 0.5.15 | moe | 9.0 | moe-runner-backend=flashinfer_mxfp4 | reject MoeBackendNotForQuantization
# methods and checkpoints
sglang 0.5.15 | dense | 9.0 | quantization=w8a8_int8 | reject NeedsCheckpoint
sglang 0.5.15 | dense | 9.0 | quantization=quark_mxfp4 | reject NeedsCheckpoint
sglang 0.5.15 | dense | 9.0 | quantization=mlx_q4 | reject NeedsCheckpoint
sglang 0.5.15 | moe | gfx942 | quantization=quark_int4fp8_moe | RulesAreForNvidia
sglang 0.5.15 | moe | gfx942 | quantization=mxfp4 | reject NeedsCheckpoint
sglang 0.5.15 | moe | gfx950 | quantization=mxfp4 | CapabilityNotChecked RulesAreForNvidia
sglang 0.5.15 | dense | 9.0 | quantization=unquant | ok
sglang 0.5.15 | ct-int8 | 9.0 | quantization=w8a8_int8 | ok
sglang 0.5.15 | ct-int8 | 9.0 | quantization=fp8 | reject QuantizationConflict
sglang 0.5.15 | modelopt-fp8 | 9.0 | quantization=modelopt_fp8 | ok
sglang 0.5.15 | fp8 | 10.0 | quantization=modelopt_fp4 | ok
sglang 0.5.15 | fp8 | 9.0 | quantization=awq | reject QuantizationConflict
sglang 0.5.15 | hqq | 9.0 | | reject CheckpointNotSupported
sglang 0.5.15 | w4afp8-moe | 9.0 | dtype=float16 | reject DtypeNotForQuantization
sglang 0.5.15 | dense | 9.0 | torchao-config=int8wo | reject FlagBroken
sglang 0.5.15 | dense | 9.0 | quantize-and-serve=true | reject FlagBroken
# GPUs
sglang 0.5.15 | dense | 9.0 | quantization=nvfp4_online | reject CapabilityTooLow
sglang 0.5.15 | dense | 10.0 | quantization=nvfp4_online | ok
sglang 0.5.15 | dense | 12.0 | quantization=nvfp4_online | reject QuantizationNotOnThisGpu
sglang 0.5.15 | w4afp8-moe | 8.9 | | reject CapabilityTooLow
sglang 0.5.15 | modelopt-fp8 | 8.0 | | reject CapabilityTooLow
sglang 0.5.15 | fp8 | 8.0 | | WeightOnly
sglang 0.5.15 | dense | 8.0 | quantization=fp8 | WeightOnly
sglang 0.5.15 | dense | gfx942 | | RulesAreForNvidia

# TensorRT-LLM
tensorrt-llm 1.2.0 | dense | 9.0 | kv_cache_config.dtype=bfloat16 | reject KvDtypeNotSupported
tensorrt-llm 1.2.0 | dense | 9.0 | kv_cache_dtype=int8 | reject KvDtypeNotSupported
tensorrt-llm 1.2.0 | dense | 9.0 | kv_cache_dtype=nvfp4 | reject KvDtypeNotOnThisGpu
tensorrt-llm 1.2.0 | dense | 10.0 | kv_cache_dtype=nvfp4 | ok
sglang 0.5.15 | moe | 9.0 | tp-size=8; moe-dense-tp-size=2 | reject InvalidFlagValue
sglang 0.5.15 | moe | 9.0 | tp-size=4; moe-dense-tp-size=1 | ok
tensorrt-llm 1.2.0 | dense | 12.0 | kv_cache_dtype=nvfp4 | reject KvDtypeNotOnThisGpu
tensorrt-llm 1.2.0 | modelopt-fp8-kv | 10.0 | kv_cache_dtype=nvfp4 | reject KvDtypeNotCheckpoints
tensorrt-llm 1.3.0rc7 | modelopt-fp8-kv | 10.0 | kv_cache_dtype=nvfp4 | KvDtypeNotCheckpoints
tensorrt-llm 1.2.0 | modelopt-fp8-kv | 9.0 | kv_cache_dtype=fp8 | ValueOverwritten
tensorrt-llm 1.3.0rc18 | mxfp8 | 10.0 | | FormatNotCertain
tensorrt-llm 1.2.0 | awq | 9.0 | | reject CheckpointNotSupported
tensorrt-llm 1.2.0 | quanto | 9.0 | | reject CheckpointNotSupported
tensorrt-llm 1.2.0 | ct-int8 | 9.0 | | reject CheckpointNotSupported
tensorrt-llm 1.2.0 | fp8 | 8.0 | | reject CapabilityTooLow
tensorrt-llm 1.2.0 | fp8-block | 8.6 | | reject QuantizationNotOnThisGpu
tensorrt-llm 1.2.0 | fp8-block | 8.9 | | QuantizationNotCertain
tensorrt-llm 1.2.0 | moe-fp8-block | 8.9 | | reject QuantizationNotOnThisGpu
tensorrt-llm 1.2.0 | moe-fp8-block | 9.0 | | ok
tensorrt-llm 1.1.0 | fp8-block | 12.0 | | reject QuantizationNotOnThisGpu
tensorrt-llm 1.2.0 | fp8-block | 12.0 | | QuantizationNotCertain
tensorrt-llm 1.2.0 | fp8-block | 11.0 | | reject QuantizationNotOnThisGpu
tensorrt-llm 1.3.0rc22 | deepseek-v4 | 8.9 | | reject ModelNotOnThisGpu
tensorrt-llm 1.3.0rc22 | deepseek-v4 | 9.0 | | reject ModelNotOnThisGpu
tensorrt-llm 1.3.0rc24 | deepseek-v4 | 9.0 | | ModelNotCertain
tensorrt-llm 1.3.0rc22 | deepseek-v4 | 10.0 | | ok
tensorrt-llm 1.3.0rc21 | deepseek-v4 | 12.0 | | reject ModelNotOnThisGpu
tensorrt-llm 1.3.0rc22 | deepseek-v4 | 12.0 | | ModelNotCertain
tensorrt-llm 1.3.0rc22 | deepseek-v4 | 12.1 | kv_cache_config.dtype=fp8_ds_mla | ModelNotCertain
tensorrt-llm 1.3.0rc22 | deepseek-v4 | 10.0 | kv_cache_config.dtype=fp8_ds_mla | reject KvDtypeNotOnThisGpu
tensorrt-llm 1.3.0rc21 | deepseek-v4 | 10.0 | kv_cache_config.dtype=fp8_ds_mla | reject KvDtypeNotSupported
tensorrt-llm 1.3.0rc22 | dense | 12.0 | kv_cache_config.dtype=fp8_ds_mla | reject KvDtypeNotSupported
tensorrt-llm 1.2.0 | sparse | 8.0 | | reject ModelNotOnThisGpu
tensorrt-llm 1.2.0 | sparse | 9.0 | | ok
tensorrt-llm 1.2.0 | sparse | 12.0 | | reject ModelNotOnThisGpu
tensorrt-llm 1.3.0rc22 | sparse | 12.0 | kv_cache_config.dtype=fp8_ds_mla | ModelNotCertain
tensorrt-llm 1.2.0 | fp8-block | 9.0 | | ok
tensorrt-llm 1.2.0 | nvfp4 | 9.0 | | reject CapabilityTooLow
tensorrt-llm 1.2.0 | nvfp4 | 10.0 | | ok
tensorrt-llm 1.2.0 | embedding | 9.0 | | MadeForEmbeddings
tensorrt-llm 1.2.0 | dense | 7.5 | | reject CapabilityTooLow
tensorrt-llm 1.2.0 | dense | gfx942 | | reject GpuNotSupported
)";

checkpoint::ModelFacts Checkpoint(const std::string& name) {
  checkpoint::ModelFacts facts = name.find("moe") != std::string::npos ? Moe() : Dense();
  if (facts.experts > 0) facts.moe_intermediate_size = name == "moe-odd" ? 100 : 768;
  if (name == "dense" || name == "moe" || name == "moe-odd") return facts;
  static const std::map<std::string, std::string> kArchitectures = {
      {"gpt-oss", "GptOssForCausalLM"},       {"llama4", "Llama4ForConditionalGeneration"},
      {"gemma3", "Gemma3ForCausalLM"},        {"gemma4", "Gemma4ForConditionalGeneration"},
      {"nemotron-h", "NemotronHForCausalLM"}, {"deepseek-v4", "DeepseekV4ForCausalLM"}};
  if (const auto found = kArchitectures.find(name); found != kArchitectures.end()) {
    facts.architecture = found->second;
    return facts;
  }
  if (name == "mla-awq") return Quantized(Latent(facts), "awq", "int4-wna16");
  if (name == "internvl-llama") {
    facts.architecture = "InternVLChatModel";
    facts.language_class = "LlamaForCausalLM";
    return facts;
  }
  if (name == "embedding") {
    facts.pooling = true;
    return facts;
  }
  if (name == "only-embedding") {
    facts = Quantized(facts, "compressed-tensors", "other");
    facts.linear_format = facts.expert_format = "none";
    return facts;
  }
  if (name.starts_with("heads-of-")) {
    facts.head_dim = std::stoi(name.substr(9));
    return facts;
  }
  if (name == "positions-8192") {
    facts.max_position = 8192;
    return facts;
  }
  if (name == "mimo-v2") {
    facts = Quantized(facts, "fp8", "fp8");
    facts.architecture = "MiMoV2ForCausalLM";
    facts.qkv_parts = facts.kv_heads;
    return facts;
  }
  if (name == "mistral-params") {
    facts.native_only = true;
    return facts;
  }
  if (name == "mla") {
    facts = Latent(facts);
    return facts;
  }
  if (name == "sparse") {
    facts = Latent(facts);
    facts.index_top_k = 2048;
    return facts;
  }
  if (name == "granite-hybrid") {
    facts.architecture = "GraniteMoeHybridForCausalLM";
    return facts;
  }
  if (name == "mamba") {
    facts.mamba_heads = 24;
    facts.mamba_groups = 1;
    return facts;
  }
  facts.method_in_config = name.ends_with("-in-config");
  facts.one_file = name.ends_with("-file");
  if (name.ends_with("text-fp8-kv")) facts.kv_form = "text";
  if (name.ends_with("fp8-block")) facts.weight_block = {128, 128};
  if (name.ends_with("fp8-kv")) facts.kv_cache = "fp8";
  if (name.ends_with("nvfp4-kv")) facts.kv_cache = "nvfp4";
  static const std::map<std::string, std::pair<std::string, std::string>> kQuantized = {
      {"ct-fp8-kv", {"compressed-tensors", "fp8"}},
      {"awq", {"awq", "int4-wna16"}},
      {"gguf", {"gguf", "gguf"}},
      {"gguf-file", {"gguf", "gguf"}},
      {"bnb", {"bitsandbytes", "bnb"}},
      {"hqq", {"hqq", "other"}},
      {"quanto", {"quanto", "other"}},
      {"fp8", {"fp8", "fp8"}},
      {"fp8-block", {"fp8", "fp8"}},
      {"moe-fp8-block", {"fp8", "fp8"}},
      {"fbgemm", {"fbgemm_fp8", "fp8"}},
      {"quark-fp8", {"quark", "fp8"}},
      {"ct-int8", {"compressed-tensors", "int8-w8a8"}},
      {"modelopt-fp8", {"modelopt", "fp8"}},
      {"modelopt-fp8-kv", {"modelopt", "fp8"}},
      {"modelopt-text-fp8-kv", {"modelopt", "fp8"}},
      {"nvfp4-text-fp8-kv", {"modelopt", "nvfp4"}},
      {"mxfp8", {"mxfp8", "mxfp8"}},
      {"nvfp4", {"modelopt", "nvfp4"}},
      {"nvfp4-in-config", {"modelopt", "nvfp4"}},
      {"nvfp4-nvfp4-kv", {"modelopt", "nvfp4"}},
      {"moe-nvfp4", {"modelopt", "nvfp4"}},
      {"fp-quant", {"fp_quant", "nvfp4"}},
      {"mxfp4-moe", {"mxfp4", "mxfp4"}},
      {"w4afp8-moe", {"w4afp8", "w4a8"}},
  };
  const auto& [method, family] = kQuantized.at(name);
  return Quantized(facts, method, family);
}

std::string Outcome(const LaunchPlan& plan) {
  if (plan.rejection) return "reject " + plan.rejection->reason;
  std::set<std::string> reasons;
  for (const Warning& warning : plan.warnings) reasons.insert(warning.reason);
  for (const char* about_the_release : {"UnknownEngineVersion", "FlagNotCertain", "ValueNotCertain", "DeprecatedFlag"})
    reasons.erase(about_the_release);
  return reasons.empty() ? "ok" : Joined({reasons.begin(), reasons.end()});
}

TEST(CrossField, SaysWhatTheEnginesDo) {
  std::map<std::string, std::set<std::string>> seen;  // engine -> reasons
  for (const std::string& row : Split(kFacts, '\n')) {
    if (row.empty() || row.starts_with('#')) continue;
    const std::vector<std::string> columns = Split(row, '|');
    ASSERT_EQ(columns.size(), 5u) << row;
    const std::vector<std::string> release = Split(columns[0], ' ');
    LaunchRequest request = Request(release[0], release[1], Checkpoint(columns[1]));
    request.gpu = ComputeCapability::Parse(columns[2]);
    if (columns[2].starts_with("gfx")) request.amd_architecture = columns[2];
    Flags flags;
    for (const std::string& flag : Split(columns[3], ';')) {
      const std::size_t equals = flag.find('=');
      if (!flag.empty()) flags[flag.substr(0, equals)] = flag.substr(equals + 1);
    }
    request.parameters = Values(flags);
    const LaunchPlan plan = PlanLaunch(Rules(), request);
    const std::string where = row + (plan.rejection ? "\n" + plan.rejection->message : "");
    if (columns[4] == "reject *") {
      EXPECT_TRUE(plan.rejection) << where;
    } else {
      EXPECT_EQ(Outcome(plan), columns[4]) << where;
    }
    if (plan.rejection) seen[release[0]].insert(plan.rejection->reason);
    for (const Warning& warning : plan.warnings) seen[release[0]].insert(warning.reason);
  }
  // These need a mapped flag: they are cells of the matrix.
  const std::set<std::string> mapped = {"WeightMethodChanged", "KvDtypeRenamed"};
  for (const std::string& engine : Rules().engines()) {
    for (const Rule& rule : Rules().Find(engine)->rules()) {
      EXPECT_TRUE(seen[engine].contains(rule.reason) || mapped.contains(rule.reason))
          << engine << " has no row for " << rule.reason;
    }
  }
}

}  // namespace
}  // namespace autotune::quant
