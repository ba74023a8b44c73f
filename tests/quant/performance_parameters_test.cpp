// The performance and parallel parameters of the engines: which releases have them, and with which values. What is
// accepted has to be accepted by the recorded parser too; what is refused is refused before anything is started,
// whether the parser would do it or the engine behind it. A row is read alone:
//
//   engine | flag | releases | values that are taken | values that are refused; "absent" = the flag is unknown

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "quant/engine_table.h"
#include "tests/quant/plan_fixture.h"
#include "tests/quant/recorded_parser.h"

namespace autotune::quant {
namespace {

constexpr const char* kParameters = R"(
vllm | tensor-parallel-size | | 1; 2; 8 | 0; -1; two; 1.5; true; [1, 2]
vllm | pipeline-parallel-size | | 1; 2 | 0; x
vllm | data-parallel-size | | 1; 4 | 0; x
vllm | decode-context-parallel-size | | 1; 2 | 0; x
vllm | enable-expert-parallel | | true; false | 1; yes; [true]
vllm | all2all-backend | ..0.18.1 | allgather_reducescatter; naive; pplx | nccl
vllm | all2all-backend | 0.24.0.. | allgather_reducescatter; nixl_ep | nccl
vllm | max-num-seqs | | 1; 256 | 0; many; 8k; 1.5
vllm | max-num-batched-tokens | | 2048; 8k; 16K | 0; x; -1k
vllm | gpu-memory-utilization | | 0.5; 0.92; 1 | 0; 1.1; -0.5; x
vllm | block-size | ..0.16.0 | 1; 16; 128; 256 | 48; 0; x
vllm | block-size | 0.18.1.. | 16; 48; 512 | 0; -16; x
vllm | max-model-len | | 4096; 16k | x; 1.5.0
vllm | max-model-len | 0.14.1.. | auto | automatic
vllm | enable-chunked-prefill | | true; false | 1; on
vllm | enable-prefix-caching | | true; false | 1; on
vllm | scheduling-policy | | fcfs; priority | lifo
vllm | async-scheduling | | true; false | 1
vllm | enforce-eager | | true; false | 1
vllm | cudagraph-capture-sizes | | [1, 2, 4] | [1, "x"]; []; true
vllm | max-cudagraph-capture-size | | 64 | x; 1.5
vllm | compilation-config | | {"mode": 3} | [; x
vllm | optimization-level | 0.14.1.. | 0; 3 | 9; fast
vllm | optimization-level | ..0.11.2 | | absent
vllm | speculative-config | | {"method": "ngram", "num_speculative_tokens": 2} | ngram; [
vllm | spec-tokens | ..0.20.2 | | absent
vllm | spec-tokens | 0.24.0.. | 2 | x
vllm | attention-backend | ..0.12.0 | | absent
vllm | attention-backend | 0.13.0.. | FLASHINFER; flash_attn; Triton_Attn; CUSTOM; None | FLASH; fa3; true; XFORMERS
vllm | attention-backend | 0.13.0..0.16.0 | TREE_ATTN | auto; TURBOQUANT; FLASHINFER_MLA_SPARSE; HPC_ATTN
vllm | attention-backend | 0.18.1.. | auto; AUTO; FLASHMLA_SPARSE | automatic
vllm | attention-backend | 0.24.0.. | TURBOQUANT | TREE_ATTN
vllm | attention-backend | 0.26.0.. | HPC_ATTN | CUTLASS
vllm | attention-backend | 0.13.0..0.26.0 | | TRITON_MSA; B12X
vllm | attention-backend | 0.33.0.. | TRITON_MSA; ULTRAQUANT | FLASH_ATTN_3
vllm | mm-encoder-attn-backend | | FLASH_ATTN; torch_sdpa | auto; sdpa; fastest
vllm | mm-encoder-attn-backend | ..0.11.2 | XFORMERS | FLASH_ATTN_DIFFKV
vllm | mm-encoder-attn-backend | 0.14.1.. | FLASH_ATTN_DIFFKV | xformers
vllm | mamba-backend | ..0.18.1 | | absent
vllm | mamba-backend | 0.20.2.. | triton; FlashInfer | auto; cuda
vllm | mamba-backend | 0.20.2..0.26.0 | triton | cpu
vllm | mamba-backend | 0.33.0.. | cpu | auto
vllm | data-parallel-backend | | mp; ray | MP; uni; nccl
vllm | distributed-executor-backend | | ray; mp; uni; external_launcher; my.Executor; None | Ray; multiprocessing; dask
vllm | load-format | | auto; safetensors; Dummy; RUNAI_STREAMER; of-a-plug-in | true; ["auto", "dummy"]
vllm | tokenizer-mode | ..0.11.2 | auto; slow; mistral; custom | fast; hf
vllm | tokenizer-mode | 0.14.1.. | auto; HF; mistral; of-a-plug-in | true
vllm | config-format | | auto; hf; mistral; of-a-plug-in | true
vllm | reasoning-parser | | deepseek_r1; qwen3; of-a-plug-in | true
vllm | tool-call-parser | | hermes; llama3_json; of-a-plug-in | true
vllm | moe-backend | ..0.16.0 | | absent
vllm | moe-backend | 0.18.1.. | auto; triton; Deep-Gemm | fastest
vllm | linear-backend | ..0.20.2 | | absent
vllm | linear-backend | 0.24.0.. | auto | fastest
vllm | performance-mode | ..0.16.0 | | absent
vllm | performance-mode | 0.17.0.. | balanced; interactivity; throughput | turbo
vllm | cpu-offload-gb | | 0; 4; 1.5 | -1; x
vllm | kv-offloading-size | | 4; 0.5 | x; -1
vllm | stream-interval | | 1; 4 | 0; x
vllm | disable-custom-all-reduce | | true; false | 1
vllm | disable-log-stats | | true; false | 1
vllm | calculate-kv-scales | ..0.27.0 | true | 1
vllm | calculate-kv-scales | 0.28.0.. | | absent
vllm | swap-space | ..0.16.0 | 4 | x
vllm | swap-space | 0.18.0.. | | absent
vllm | cuda-graph-sizes | ..0.12.0 | [1, 2] | true
vllm | cuda-graph-sizes | 0.13.0.. | | absent
vllm | task | 0.13.0.. | | absent
vllm | guided-decoding-backend | 0.12.0.. | | absent
vllm | no-such-flag | | | absent

sglang | tp-size | | 1; 2 | 0; x; 1.5; true
sglang | pp-size | | 1; 2 | 0; x
sglang | dp-size | | 1; 2 | 0; x
sglang | ep-size | | 1 | 0; x
sglang | enable-dp-attention | | true; false | 1; x
sglang | moe-a2a-backend | | none; deepep; mooncake | nccl
sglang | moe-a2a-backend | 0.5.23.. | deepep_v2; flashinfer_megamoe | x
sglang | moe-dp-size | ..0.5.6.post2 | | absent
sglang | moe-dp-size | 0.5.9.. | 1 | 0; x
sglang | dcp-size | ..0.5.9 | | absent
sglang | dcp-size | 0.5.15.. | 1 | 0; x
sglang | attn-dp-size | ..0.5.18 | | absent
sglang | attn-dp-size | 0.5.23.. | 1 | 0; x
sglang | max-running-requests | | 1; 64 | 0; x; 1.5
sglang | chunked-prefill-size | | -1; 4096 | -2; x
sglang | max-prefill-tokens | | 16384 | 0; x
sglang | mem-fraction-static | | 0.5; 0.88 | 0; 1; 1.2; x
sglang | page-size | | 1; 16 | 0; x
sglang | context-length | | 4096 | 0; x
sglang | enable-mixed-chunk | | true; false | 1
sglang | disable-radix-cache | | true; false | 1
sglang | radix-eviction-policy | | lru; lfu | fifo
sglang | radix-eviction-policy | ..0.5.9 | | slru; priority
sglang | radix-eviction-policy | 0.5.15.. | slru; priority | fifo
sglang | radix-eviction-policy | 0.5.23.. | tlru | fifo
sglang | schedule-policy | | lpm; random; fcfs; dfs-weight; lof; priority | sjf
sglang | schedule-policy | ..0.5.6.post2 | | routing-key
sglang | schedule-policy | 0.5.9.. | routing-key | sjf
sglang | schedule-policy | 0.5.23.. | hrrn; shortest-prefill-first | sjf
sglang | schedule-conservativeness | | 1.0; 0.3 | -1; x
sglang | disable-overlap-schedule | | true; false | 1
sglang | cuda-graph-max-bs | ..0.5.18 | 8 | 0; x
sglang | cuda-graph-max-bs | 0.5.23.. | | absent
sglang | cuda-graph-bs | ..0.5.18 | [1, 2] | [1, "x"]
sglang | cuda-graph-max-bs-decode | ..0.5.13 | | absent
sglang | cuda-graph-max-bs-decode | 0.5.14.. | 8 | 0; x
sglang | cuda-graph-bs-decode | 0.5.15.. | [1, 2, 4] | [1, "x"]; true
sglang | disable-cuda-graph | | true; false | 1
sglang | speculative-algorithm | | EAGLE; EAGLE3; NEXTN; STANDALONE; NGRAM | true
sglang | speculative-algorithm | ..0.5.9 | EAGLE | eagle; DFLASH; MEDUSA
sglang | speculative-algorithm | 0.5.15.. | eagle; DFLASH; of-a-plug-in | true
sglang | speculative-draft-attention-backend | 0.5.9.. | triton; fa3; of-a-plug-in | true
sglang | model-config-parser | 0.5.15.. | auto; hf; mistral; of-a-plug-in | true
sglang | speculative-num-steps | | 3 | x
sglang | attention-backend | | triton; flashinfer; fa3; torch_native | FA3; fastest
sglang | attention-backend | ..0.5.18 | cutlass_mla; dual_chunk_flash_attn | fastest
sglang | attention-backend | 0.5.23.. | | cutlass_mla; dual_chunk_flash_attn
sglang | moe-runner-backend | | auto; triton; deep_gemm | fastest
sglang | moe-runner-backend | ..0.5.9 | | flashinfer_trtllm_routed; aiter; marlin; megamoe
sglang | moe-runner-backend | 0.5.18.. | humming; megamoe | fastest
sglang | fp8-gemm-backend | | auto | fastest
sglang | num-continuous-decode-steps | | 1; 4 | 0; x
sglang | stream-interval | | 1; 4 | 0; x
sglang | enable-torch-compile | | true; false | 1
sglang | torch-compile-max-bs | | 8 | 0; x
sglang | torchao-config | 0.5.18.. | | absent

tensorrt-llm | tp_size | | 1; 2 | 0; x; true
tensorrt-llm | pp_size | | 1; 2 | 0; x
tensorrt-llm | ep_size | | 1 | 0; x
tensorrt-llm | cp_size | ..1.1.0 | | absent
tensorrt-llm | cp_size | 1.2.0.. | 1; 2 | 0; x
tensorrt-llm | enable_attention_dp | | true; false | 1
tensorrt-llm | moe_tensor_parallel_size | | 1 | x
tensorrt-llm | max_batch_size | | 1; 2048 | 0; x
tensorrt-llm | max_num_tokens | | 8192 | 0; x
tensorrt-llm | max_seq_len | | 4096 | 0; x
tensorrt-llm | kv_cache_free_gpu_memory_fraction | | 0.5; 0.9 | 0; 1; x
tensorrt-llm | free_gpu_memory_fraction | | 0.5 | 1.5
tensorrt-llm | kv_cache_config.tokens_per_block | | 32; 64 | 0; x
tensorrt-llm | kv_cache_config.enable_block_reuse | | true; false | 1
tensorrt-llm | kv_cache_config | | {"tokens_per_block": 64} | {"tokens_per_block": 0}
tensorrt-llm | enable_chunked_prefill | 1.1.0.. | true; false | 1
tensorrt-llm | scheduler_config.capacity_scheduler_policy | | MAX_UTILIZATION; GUARANTEED_NO_EVICT; STATIC_BATCH | FIFO
tensorrt-llm | disable_overlap_scheduler | | true; false | 1
tensorrt-llm | cuda_graph_config | | {"batch_sizes": [1, 2], "enable_padding": true} | x; [
tensorrt-llm | attn_backend | | TRTLLM; FLASHINFER; VANILLA | fa3
tensorrt-llm | moe_config.backend | ..1.0.0 | CUTLASS; TRTLLM | TRITON; AUTO; MARLIN
tensorrt-llm | moe_config.backend | 1.1.0..1.1.0 | TRITON | AUTO; MARLIN
tensorrt-llm | moe_config.backend | 1.2.0..1.3.0rc7 | AUTO; TRITON | MARLIN
tensorrt-llm | moe_config.backend | 1.3.0rc21.. | AUTO; MARLIN; DENSEGEMM | FASTEST
tensorrt-llm | stream_interval | | 1; 4 | 0; x
tensorrt-llm | num_postprocess_workers | | 0; 4 | -1; x
tensorrt-llm | quant_config | | | absent
tensorrt-llm | moe_backend | | | absent
tensorrt-llm | gpu-memory-utilization | | | absent
)";

struct Row {
  std::string text, engine, flag, releases;
  std::vector<std::string> taken, refused;
  bool absent = false;

  [[nodiscard]] bool Covers(const Version& version) const {
    if (releases.empty()) return true;
    const std::size_t dots = releases.find("..");
    const auto first = Version::Parse(releases.substr(0, dots));
    const auto last = Version::Parse(releases.substr(dots + 2));
    return (!first || *first <= version) && (!last || version <= *last);
  }
};

const std::vector<Row>& Rows() {
  static const std::vector<Row> kRows = [] {
    std::vector<Row> rows;
    for (const std::string& line : Split(kParameters, '\n')) {
      if (line.empty()) continue;
      const std::vector<std::string> columns = Split(line, '|');
      EXPECT_EQ(columns.size(), 5u) << line;
      Row row{line, columns[0], columns[1], columns[2], Split(columns[3], ';'), Split(columns[4], ';')};
      for (std::vector<std::string>* values : {&row.taken, &row.refused}) std::erase(*values, "");
      row.absent = columns[4] == "absent";
      rows.push_back(std::move(row));
    }
    return rows;
  }();
  return kRows;
}

// Every release with rules of its own; without a parser where none is recorded.
struct Release {
  std::string engine, version;
  const RecordedParser* parser = nullptr;
};

const std::vector<Release>& Releases() {
  static const std::vector<Release> kReleases = [] {
    std::vector<Release> releases;
    for (const char* engine : {"vllm", "sglang"}) {
      static std::map<std::string, std::vector<RecordedParser>> kParsers;
      for (const RecordedParser& parser : kParsers[engine] = RecordedParser::All(engine))
        releases.push_back({engine, parser.version(), &parser});
    }
    for (const Version& version : Rules().Find("tensorrt-llm")->releases())
      releases.push_back({"tensorrt-llm", version.ToString(), nullptr});
    return releases;
  }();
  return kReleases;
}

FlagValue ValueOf(const std::string& text) {
  // A broken JSON text is a text.
  if (text == "[") return FlagValue::Text(text);
  return Values({{"x", text}}).at("x");
}

TEST(PerformanceParameters, AreTakenAndRefusedAsTheReleasesDo) {
  int taken = 0;
  int refused = 0;
  for (const Row& row : Rows()) {
    for (const Release& release : Releases()) {
      if (release.engine != row.engine || !row.Covers(*Version::Parse(release.version))) continue;
      const std::string where = release.version + ": " + row.text;
      LaunchRequest request = Request(release.engine, release.version, Moe());
      if (row.absent) {
        request.parameters = {{row.flag, FlagValue::Text("1")}};
        const LaunchPlan plan = PlanLaunch(Rules(), request);
        ASSERT_TRUE(plan.rejection) << where;
        EXPECT_EQ(plan.rejection->reason, "UnknownFlag") << where;
        ++refused;
        continue;
      }
      for (const std::string& value : row.taken) {
        request.parameters = {{row.flag, ValueOf(value)}};
        // What needs a size to divide gets one.
        if (row.flag == "decode-context-parallel-size") request.parameters["tensor-parallel-size"] = ValueOf("8");
        if (row.flag == "speculative-algorithm")
          request.parameters["speculative-draft-model-path"] = ValueOf("a/draft");
        const LaunchPlan plan = PlanLaunch(Rules(), request);
        EXPECT_FALSE(plan.rejection) << where << " " << value << "\n" << plan.rejection->message;
        if (release.parser != nullptr) {
          EXPECT_EQ(release.parser->Complaint(plan.args), "") << where << " " << value;
        }
        if (value != "false") {
          EXPECT_NE(Line(plan), "") << where << " " << value;
        }
        ++taken;
      }
      for (const std::string& value : row.refused) {
        request.parameters = {{row.flag, ValueOf(value)}};
        const LaunchPlan plan = PlanLaunch(Rules(), request);
        ASSERT_TRUE(plan.rejection) << where << " " << value << "\n" << Line(plan);
        EXPECT_EQ(plan.rejection->reason, "InvalidFlagValue") << where << " " << value;
        ++refused;
      }
    }
  }
  EXPECT_GT(taken, 500);
  EXPECT_GT(refused, 500);
}

// Presets, fields, parallel sizes and parameters together, at random: the parser takes every line that is not refused.
TEST(PerformanceParameters, AreDeprecatedInReleasesThatWereRecorded) {
  const auto said = [](const char* version) {
    for (const Warning& warning :
         Plan(Request("sglang", version), Preset("default"), {{"disable-piecewise-cuda-graph", "true"}}).warnings) {
      if (warning.reason == "DeprecatedFlag") return warning.message;
    }
    return std::string();
  };
  EXPECT_EQ(
      said("0.5.15"),
      "--disable-piecewise-cuda-graph of SGLang is deprecated in 0.5.15; use --cuda-graph-backend-prefill=disabled");
  EXPECT_EQ(said("0.5.16"),
            "--disable-piecewise-cuda-graph of SGLang is deprecated in 0.5.15 and in 0.5.18; use "
            "--cuda-graph-backend-prefill=disabled");
  EXPECT_EQ(said("0.5.19"),
            "--disable-piecewise-cuda-graph of SGLang is deprecated in 0.5.18; whether it is in 0.5.19 is "
            "not recorded; use --cuda-graph-backend-prefill=disabled");
  // Its replacement exists from 0.5.14 on: before, nothing is deprecated in favour of it.
  EXPECT_EQ(said("0.5.11"), "");
  EXPECT_EQ(said("0.5.13"), "");
}

TEST(PerformanceParameters, OfAnotherNameAreNamedAfterTheOldOneIsGone) {
  const LaunchPlan gone =
      Plan(Request("sglang", "0.5.23"), Preset("default"), {{"mamba-scheduler-strategy", "extra_buffer"}});
  ASSERT_TRUE(gone.rejection);
  EXPECT_EQ(
      gone.rejection->message,
      "SGLang 0.5.23 has no flag \"mamba-scheduler-strategy\"; its replacement is --mamba-radix-cache-strategy; of "
      "the recorded releases 0.5.18 is the last that has it");
}

// SGLang 0.5.15, speculative_hook.py: "speculative_num_draft_tokens is adjusted to speculative_num_steps + 1".
TEST(PerformanceParameters, ThatTheEngineReplacesRunTheSame) {
  const auto plan = [](const char* engine, const char* version, const Flags& flags) {
    return Plan(Request(engine, version), Preset("default"), flags);
  };
  const auto draft = [&](const char* tokens, const char* top_k) {
    return plan("sglang", "0.5.15",
                {{"speculative-algorithm", "EAGLE"},
                 {"speculative-draft-model-path", "org/draft"},
                 {"speculative-num-steps", "3"},
                 {"speculative-eagle-topk", top_k},
                 {"speculative-num-draft-tokens", tokens}});
  };
  const auto said = [](const LaunchPlan& of) {
    for (const Warning& warning : of.warnings) {
      if (warning.reason == "ValueOverwritten") return warning.field + ": " + warning.message;
    }
    return std::string();
  };
  ASSERT_FALSE(draft("8", "1").rejection) << draft("8", "1").rejection->message;
  EXPECT_EQ(said(draft("8", "1")),
            "parameters.speculative-num-draft-tokens: SGLang drafts speculative-num-steps + 1 tokens if "
            "speculative-eagle-topk is 1: speculative-num-draft-tokens is 4, and not 8");
  EXPECT_EQ(draft("8", "1").distinct_args, draft("4", "1").distinct_args);
  EXPECT_NE(draft("8", "1").args, draft("4", "1").args);
  EXPECT_EQ(draft("8", "1").shape.draft_tokens, 4);
  EXPECT_EQ(said(draft("4", "1")), "");
  EXPECT_NE(draft("8", "2").distinct_args, draft("4", "2").distinct_args);

  const auto pages = [&](const Flags& flags) { return plan("sglang", "0.5.15", flags); };
  EXPECT_EQ(pages({{"attention-backend", "flashmla"}, {"page-size", "16"}}).distinct_args,
            pages({{"attention-backend", "flashmla"}}).distinct_args);
  EXPECT_NE(pages({{"attention-backend", "trtllm_mla"}, {"page-size", "32"}}).distinct_args,
            pages({{"attention-backend", "trtllm_mla"}, {"page-size", "64"}}).distinct_args);
  EXPECT_NE(pages({{"page-size", "16"}}).distinct_args, pages({{"page-size", "32"}}).distinct_args);

  // One row a fact: two sets of flags that run the same or not.
  const struct {
    const char *engine, *version, *gpu;
    Flags one, other;
    bool same;
  } kPairs[] = {
      {"vllm", "0.24.0", "9.0", {{"gpu-memory-utilization", "0.8"}}, {{"gpu-memory-utilization", "0.9"}}, false},
      {"vllm",
       "0.24.0",
       "9.0",
       {{"kv-cache-memory-bytes", "8G"}, {"gpu-memory-utilization", "0.8"}},
       {{"kv-cache-memory-bytes", "8G"}},
       true},
      {"vllm", "0.33.0", "9.0", {{"disable-cascade-attn", "true"}}, {}, true},
      {"vllm", "0.24.0", "9.0", {{"disable-cascade-attn", "true"}}, {}, false},
      {"vllm", "0.16.0", "9.0", {{"swap-space", "8"}}, {{"swap-space", "16"}}, true},
      {"sglang",
       "0.5.15",
       "10.0",
       {{"attention-backend", "trtllm_mha"}, {"page-size", "1"}},
       {{"attention-backend", "trtllm_mha"}, {"page-size", "64"}},
       true},
      {"sglang",
       "0.5.15",
       "10.0",
       {{"attention-backend", "trtllm_mha"}, {"page-size", "128"}},
       {{"attention-backend", "trtllm_mha"}},
       true},
      {"sglang",
       "0.5.18",
       "10.0",
       {{"attention-backend", "trtllm_mha"}, {"page-size", "128"}},
       {{"attention-backend", "trtllm_mha"}},
       false},
      {"sglang",
       "0.5.15",
       "10.0",
       {{"attention-backend", "fa4"}, {"page-size", "1"}},
       {{"attention-backend", "fa4"}, {"page-size", "128"}},
       true},
      {"sglang", "0.5.15", "9.0", {{"pp-size", "2"}, {"disable-overlap-schedule", "true"}}, {{"pp-size", "2"}}, true},
      {"sglang", "0.5.15", "9.0", {{"disable-overlap-schedule", "true"}}, {}, false},
      {"sglang", "0.5.15", "9.0", {{"enable-dp-attention", "true"}}, {}, true},
      {"sglang",
       "0.5.15",
       "9.0",
       {{"disable-radix-cache", "true"}, {"schedule-policy", "lpm"}},
       {{"disable-radix-cache", "true"}, {"schedule-policy", "fcfs"}},
       true},
      {"sglang", "0.5.15", "9.0", {{"schedule-policy", "lpm"}}, {{"schedule-policy", "fcfs"}}, false},
      {"sglang",
       "0.5.15",
       "9.0",
       {{"disable-cuda-graph", "true"}, {"mem-fraction-static", "0.8"}, {"cuda-graph-max-bs-decode", "64"}},
       {{"disable-cuda-graph", "true"}, {"mem-fraction-static", "0.8"}},
       true},
      {"sglang",
       "0.5.15",
       "9.0",
       {{"disable-cuda-graph", "true"}, {"cuda-graph-max-bs-decode", "64"}},
       {{"disable-cuda-graph", "true"}},
       false},
  };
  for (const auto& pair : kPairs) {
    const auto distinct = [&](const Flags& flags) {
      LaunchRequest request = Request(pair.engine, pair.version);
      request.gpu = ComputeCapability::Parse(pair.gpu);
      const LaunchPlan made = Plan(request, Preset("default"), flags);
      EXPECT_FALSE(made.rejection) << pair.version << ": " << (made.rejection ? made.rejection->message : "");
      return made.distinct_args;
    };
    EXPECT_EQ(distinct(pair.one) == distinct(pair.other), pair.same)
        << pair.engine << " " << pair.version << " " << (pair.one.empty() ? "" : pair.one.begin()->first);
  }
  const auto experts = [&](const Flags& flags) {
    return Plan(Request("vllm", "0.24.0", Moe()), Preset("default"), flags).distinct_args;
  };
  EXPECT_EQ(experts({{"enable-expert-parallel", "true"}}), experts({}));
  EXPECT_NE(experts({{"enable-expert-parallel", "true"}, {"tensor-parallel-size", "2"}}),
            experts({{"tensor-parallel-size", "2"}}));
  EXPECT_EQ(experts({{"all2all-backend", "deepep_low_latency"}, {"tensor-parallel-size", "2"}}),
            experts({{"tensor-parallel-size", "2"}}));

  const auto eager = [&](const char* size, const char* on) {
    return plan("vllm", "0.24.0", {{"enforce-eager", on}, {"max-cudagraph-capture-size", size}});
  };
  EXPECT_EQ(eager("64", "true").distinct_args, eager("512", "true").distinct_args);
  EXPECT_EQ(said(eager("64", "true")),
            "parameters.max-cudagraph-capture-size: vLLM captures no CUDA graphs with enforce-eager: "
            "max-cudagraph-capture-size has no effect");
  EXPECT_NE(eager("64", "false").distinct_args, eager("512", "false").distinct_args);
}

TEST(PerformanceParameters, AreTakenTogetherWithEverythingElse) {
  for (const Release& release : Releases()) {
    if (release.parser == nullptr) continue;
    std::vector<const Row*> rows;
    for (const Row& row : Rows()) {
      if (row.engine == release.engine && !row.taken.empty() && row.Covers(*Version::Parse(release.version)))
        rows.push_back(&row);
    }
    int accepted = 0;
    for (unsigned seed = 0; seed < 1500; ++seed) {
      std::mt19937 engine(seed);
      const auto below = [&](std::size_t count) {
        return std::uniform_int_distribution<std::size_t>(0, count - 1)(engine);
      };
      LaunchRequest request = Request(release.engine, release.version, below(2) == 0 ? Dense() : Moe());
      request.gpu = ComputeCapability{static_cast<int>(8 + below(3)), 0};
      request.quant = Presets()[below(Presets().size())];
      for (const Field field : kFields) {
        if (below(3) == 0)
          request.quant.Set(field, std::string(AllowedValues(field)[below(AllowedValues(field).size())]));
      }
      request.parallel = {1 << below(3), 1 + static_cast<int>(below(2)), 1 + static_cast<int>(below(2)), {}};
      for (std::size_t count = below(6); count > 0; --count) {
        const Row& row = *rows[below(rows.size())];
        request.parameters[row.flag] = ValueOf(row.taken[below(row.taken.size())]);
      }
      const LaunchPlan plan = PlanLaunch(Rules(), request);
      if (plan.rejection) continue;
      ++accepted;
      EXPECT_EQ(release.parser->Complaint(plan.args), "") << release.version << " seed " << seed << ": " << Line(plan);
    }
    EXPECT_GT(accepted, 300) << release.engine << " " << release.version;
  }
}

// What one release knows of the values that matter most, and another does not, is refused by exactly that release.
TEST(PerformanceParameters, HaveTheValuesOfTheirRelease) {
  for (const char* engine : {"vllm", "sglang"}) {
    for (const char* flag : {"quantization", "kv-cache-dtype", "dtype", "moe-runner-backend", "attention-backend"}) {
      std::vector<std::string> values;
      for (const Release& release : Releases()) {
        if (release.engine != engine) continue;
        for (const std::string& value : release.parser->Values("--" + std::string(flag)))
          if (std::ranges::find(values, value) == values.end()) values.push_back(value);
      }
      for (const Release& release : Releases()) {
        if (release.engine != engine || !release.parser->Knows("--" + std::string(flag))) continue;
        for (const std::string& value : values) {
          const bool complains = !release.parser->Complaint({"--" + std::string(flag), value}).empty();
          LaunchRequest request = Request(engine, release.version, Moe());
          request.parameters = {{flag, FlagValue::Text(value)}};
          const LaunchPlan plan = PlanLaunch(Rules(), request);
          const bool refuses = plan.rejection && plan.rejection->reason == "InvalidFlagValue";
          EXPECT_EQ(refuses, complains) << engine << " " << release.version << " --" << flag << " " << value;
        }
      }
    }
  }
}

}  // namespace
}  // namespace autotune::quant
