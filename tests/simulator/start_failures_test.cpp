#include "simulator/start_failures.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <set>

#include "recorded_data.h"
#include "simulator/command_line.h"
#include "simulator/startup.h"
#include "tests/temporary_directory.h"

namespace autotune::simulator {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

// The settings that a real command line leads to, parser and all.
struct Start {
  std::vector<std::string> arguments;
  std::string model = "x/Llama-1B";
  std::string gpu = "h100";
  std::string version = "";  // the release that was recorded
  std::optional<int> visible_gpus = std::nullopt;
};

EngineSettings Resolve(Engine engine, const Start& start) {
  std::vector<std::string> argv;
  switch (engine) {
    case Engine::kVllm:
      argv = {"vllm", "serve", start.model};
      break;
    case Engine::kSglang:
      argv = {"sglang", "serve", "--model-path", start.model};
      break;
    case Engine::kTensorRtLlm:
      argv = {"trtllm-serve", start.model};
      break;
  }
  argv.insert(argv.end(), start.arguments.begin(), start.arguments.end());
  EngineRelease release = DefaultRelease(engine);
  if (!start.version.empty()) release.version = start.version;
  std::optional<RecordedParser> parser;
  if (engine != Engine::kTensorRtLlm) parser = Recorded(engine, release.version);
  const RecordedParser* pointer = parser ? &*parser : nullptr;
  const auto command = RecogniseCommand(argv);
  const auto parsed = ParseEngineArguments(std::get<Invocation>(command), pointer);
  if (const auto* refusal = std::get_if<CommandError>(&parsed)) {
    ADD_FAILURE() << refusal->output;
    return {};
  }
  auto settings = ResolveSettings({pointer, release, *FindGpu(start.gpu), start.visible_gpus},
                                  std::get<AcceptedArguments>(parsed).arguments);
  EXPECT_TRUE(settings.ok()) << (settings.ok() ? "" : settings.error().message);
  return settings.ok() ? *settings : EngineSettings{};
}

std::string OutcomeId(Engine engine, const Start& start) {
  const StartFailure* outcome = FindStartFailure(Resolve(engine, start));
  return outcome == nullptr ? "ready" : std::string(outcome->id);
}

const std::string kMoe = "x/Qwen3-30B-A3B";

struct Row {
  Start start;
  const char* outcome;
};

// Each failing row beside neighbours that differ in one thing and start: O.1 of the recorded tables.
TEST(VllmOutcomes, AreTheRecordedOnesAndTheirNeighboursStart) {
  const Row rows[] = {
      {{{}}, "ready"},
      {{{"--quantization", "fp8"}}, "ready"},
      {{{"--kv-cache-dtype", "fp8_e5m2"}}, "ready"},
      {{{"--quantization", "fp8", "--kv-cache-dtype", "fp8_e5m2"}}, "vllm-fp8-weights-with-e5m2-kv"},
      {{{"--quantization", "fp8", "--kv-cache-dtype", "fp8"}}, "ready"},
      {{{"--quantization", "fp8_per_tensor", "--kv-cache-dtype", "fp8_e5m2"}}, "ready"},
      {{{"--kv-cache-dtype", "fp8_e5m2"}, "x/Llama-8B-FP8"}, "vllm-fp8-weights-with-e5m2-kv"},
      {{{"--dtype", "float16"}}, "ready"},
      {{{"--dtype", "float32"}}, "ready"},
      {{{"--dtype", "float32", "--quantization", "fp8"}}, "vllm-float32-with-quantization"},
      {{{"--kv-cache-dtype", "bfloat16"}}, "ready"},
      {{{"--kv-cache-dtype", "float16"}}, "vllm-kv-dtype-is-not-the-models"},
      {{{"--kv-cache-dtype", "float16", "--dtype", "half"}}, "ready"},
      {{{"--kv-cache-dtype", "bfloat16", "--dtype", "half"}}, "vllm-kv-dtype-is-not-the-models"},
      {{{"--kv-cache-dtype", "int8_per_token_head"}}, "ready"},
      {{{"--kv-cache-dtype", "fp8_per_token_head"}}, "ready"},
      {{{"--kv-cache-dtype", "nvfp4"}}, "vllm-nvfp4-kv-needs-blackwell"},
      {{{"--kv-cache-dtype", "nvfp4"}, "x/Llama-1B", "b200"}, "ready"},
      {{{"--quantization", "experts_int8"}}, "ready"},
      {{{"--quantization", "mxfp8"}}, "ready"},
      {{{"--quantization", "fp8_per_block"}}, "ready"},
      {{{"--quantization", "int8"}}, "vllm-unknown-quantization"},
      {{{"--quantization", "fp8_per_channel"}}, "ready"},
      {{{"--quantization", "fp8_per_channel"}, "x/Llama-1B", "h100", "0.20.2"}, "vllm-unknown-quantization"},
      {{{"--quantization", "awq"}}, "vllm-quantization-needs-checkpoint"},
      {{{"--quantization", "awq"}, "x/Llama-2-7B-AWQ"}, "ready"},
      {{{"--quantization", "fp8"}, "x/Llama-2-7B-AWQ"}, "vllm-quantization-is-not-the-checkpoints"},
      {{{"--quantization-config", R"({"linear":"fp8_per_tensor"})"}}, "ready"},
      {{{"--quantization", "online", "--quantization-config", R"({"linear":"fp8_per_tensor"})"}}, "ready"},
      {{{"--quantization", "fp8", "--quantization-config", R"({"linear":"fp8_per_tensor"})"}},
       "vllm-quantization-config-without-online"},
      {{{"--quantization", "fp8", "--quantization-config.linear", "fp8_per_tensor"}},
       "vllm-quantization-config-without-online"},
      {{{"--attention-backend", "TRITON_ATTN", "--kv-cache-dtype", "fp8"}}, "ready"},
      {{{"--attention-backend", "FLASHINFER", "--kv-cache-dtype", "fp8"}}, "ready"},
      {{{"--attention-backend", "FLASH_ATTN", "--kv-cache-dtype", "fp8"}}, "ready"},
      {{{"--attention-backend", "FLASH_ATTN", "--kv-cache-dtype", "fp8_e5m2"}}, "vllm-backend-refuses-kv-dtype"},
      {{{}, kMoe}, "ready"},
      {{{"--quantization", "fp8"}, kMoe}, "ready"},
      {{{"--quantization", "online", "--quantization-config", R"({"moe":"fp8_per_tensor"})"}, kMoe}, "ready"},
      {{{"--quantization", "online", "--quantization-config", R"({"moe":"mxfp4"})"}, kMoe},
       "vllm-online-mxfp4-experts"},
      {{{"--quantization", "online", "--quantization-config", R"({"moe":"mxfp4"})"}}, "ready"},
      {{{"--quantization", "fp8", "--moe-backend", "flashinfer_cutlass"}, kMoe},
       "vllm-fp8-moe-backend-flashinfer-cutlass"},
      {{{"--quantization", "fp8", "--moe-backend", "flashinfer_cutlass"}}, "ready"},
      {{{"--quantization", "fp8", "--moe-backend", "triton"}, kMoe}, "ready"},
      {{{"--max-model-len", "131072", "--gpu-memory-utilization", "0.28"}, "x/Llama-8B"}, "vllm-context-does-not-fit"},
      {{{"--max-model-len", "32768", "--gpu-memory-utilization", "0.28"}, "x/Llama-8B"}, "ready"},
      {{{"--gpu-memory-utilization", "0.15"}, "x/Llama-8B"}, "vllm-no-memory-for-kv-cache"},
      {{{}, "x/Llama-70B"}, "vllm-weights-do-not-fit"},
      {{{"-tp", "4"}, "x/Llama-70B"}, "ready"},
      {{{"-tp", "2"}, "x/Llama-8B", "h100", "", 1}, "vllm-more-gpus-than-visible"},
      {{{"-tp", "2"}, "x/Llama-8B", "h100", "", 2}, "ready"},
      {{{"-dp", "2"}, "x/Llama-8B", "h100", "", 1}, "vllm-replicas-beyond-visible-gpus"},
      {{{"-tp", "3"}, "x/Llama-8B"}, "vllm-heads-not-divisible"},
  };
  for (const Row& row : rows) {
    std::string line = row.start.model;
    for (const std::string& argument : row.start.arguments) line += " " + argument;
    EXPECT_EQ(OutcomeId(Engine::kVllm, row.start), row.outcome) << line;
  }
}

TEST(SglangOutcomes, AreTheRecordedOnesAndTheirNeighboursStart) {
  const Row rows[] = {
      {{{}}, "ready"},
      {{{"--quantization", "fp8", "--kv-cache-dtype", "fp8_e4m3"}}, "ready"},
      {{{"--quantization", "fp8", "--kv-cache-dtype", "fp8_e5m2"}}, "ready"},
      {{{"--kv-cache-dtype", "fp8_e5m2", "--attention-backend", "fa3"}}, "ready"},
      {{{"--kv-cache-dtype", "bf16"}}, "ready"},
      {{{"--dtype", "float16", "--kv-cache-dtype", "bf16"}}, "sglang-kv-dtype-is-not-the-models"},
      {{{"--dtype", "float16"}}, "ready"},
      {{{"--dtype", "float32"}}, "sglang-float32-dies-on-first-request"},
      {{{"--dtype", "float32", "--attention-backend", "triton"}}, "sglang-float32-dies-on-first-request"},
      {{{"--kv-cache-dtype", "fp4_e2m1"}}, "sglang-fp4-kv-needs-other-attention"},
      {{{"--kv-cache-dtype", "fp4_e2m1", "--attention-backend", "triton"}}, "ready"},
      {{{"--kv-cache-dtype", "fp4_e2m1"}, "x/Llama-1B", "h100", "0.5.18"}, "sglang-fp4-kv-renamed"},
      {{{"--quantization", "auto-round-int8"}}, "ready"},
      {{{"--quantization", "w8a8_int8"}}, "ready"},
      {{{"--quantization", "w8a8_fp8"}}, "ready"},
      {{{"--quantization", "mxfp8"}}, "sglang-mxfp8-needs-blackwell"},
      {{{"--quantization", "mxfp8"}, "x/Llama-1B", "b200"}, "ready"},
      {{{"--quantization", "nvfp4_online"}}, "sglang-nvfp4-online-needs-blackwell"},
      {{{"--quantization", "nvfp4_online"}, "x/Llama-1B", "b200"}, "ready"},
      {{{"--quantization", "awq"}}, "sglang-quantization-needs-checkpoint"},
      {{{"--quantization", "awq"}, "x/Llama-2-7B-AWQ"}, "ready"},
      {{{"--quantization", "mxfp4"}, kMoe}, "sglang-mxfp4-needs-checkpoint"},
      {{{"--quantization", "mxfp4"}, "openai/gpt-oss-20b"}, "ready"},
      {{{"--torchao-config", "int8wo"}}, "sglang-torchao"},
      {{{}, kMoe}, "ready"},
      {{{"--quantization", "fp8"}, kMoe}, "ready"},
      {{{"--quantization", "fp8", "--moe-runner-backend", "flashinfer_cutlass"}, kMoe},
       "sglang-flashinfer-cutlass-with-fp8"},
      {{{"--moe-runner-backend", "flashinfer_cutlass"}, kMoe}, "ready"},
      {{{"--quantization", "w4afp8"}, kMoe}, "ready"},
      {{{"--quantization", "w4afp8"}, kMoe, "a100"}, "sglang-quantization-needs-newer-gpu"},
      {{{"--quantization", "fp8"}, "x/Llama-2-7B-AWQ"}, "sglang-quantization-is-not-the-checkpoints"},
      {{{"--tp", "2"}, "x/Llama-8B", "h100", "", 1}, "sglang-more-gpus-than-visible"},
      {{{"--mem-fraction-static", "0.1"}, "x/Llama-8B"}, "sglang-no-memory-for-kv-cache"},
      {{{}, "x/Llama-70B"}, "sglang-weights-do-not-fit"},
  };
  for (const Row& row : rows) {
    std::string line = row.start.model;
    for (const std::string& argument : row.start.arguments) line += " " + argument;
    EXPECT_EQ(OutcomeId(Engine::kSglang, row.start), row.outcome) << line;
  }
}

TEST(TrtllmOutcomes, ComeFromTheOptionsFile) {
  const TemporaryDirectory directory;
  const auto with = [&](const std::string& yaml) {
    return OutcomeId(Engine::kTensorRtLlm, {{"--extra_llm_api_options", directory.Write("options.yaml", yaml)}});
  };
  EXPECT_EQ(with("kv_cache_config:\n  dtype: fp8\n"), "ready");
  EXPECT_EQ(with("kv_cache_config: {dtype: bf16}\n"), "trtllm-kv-dtype");
  EXPECT_EQ(with("quant_config: {quant_algo: FP8}\n"), "trtllm-quant-config");
  EXPECT_EQ(OutcomeId(Engine::kTensorRtLlm, {{"--kv_cache_dtype", "fp8"}}), "ready");
}

// Where a row names a log, the cause it prints is a line of that log, and the log's start ended as the row says.
TEST(StartFailures, PrintTheCauseOfTheLogTheyName) {
  const json index = json::parse(RecordedLog("index.json"));
  int compared = 0;
  for (const StartFailure& outcome : StartFailures()) {
    if (outcome.provenance != Provenance::kLog) continue;
    SCOPED_TRACE(outcome.id);
    const std::string log = RecordedLog(outcome.reference);
    const std::string directory(outcome.reference.substr(0, outcome.reference.find('/')));
    std::string name(outcome.reference.substr(directory.size() + 1));
    name.resize(name.size() - 4);
    const json& run = index.at(directory).at(name);
    Start start{run["args"].get<std::vector<std::string>>()};
    if (run["model"] == "dense 8B") start.model = "x/Llama-8B";
    if (run["model"] == "moe") start.model = kMoe;
    const EngineSettings settings = Resolve(outcome.engine, start);
    ASSERT_EQ(FindStartFailure(settings), &outcome);
    std::string cause = outcome.cause(settings);
    if (outcome.id == "vllm-context-does-not-fit") {
      // Sizes differ by what the model of memory does not know; the words are compared, then the sizes.
      EXPECT_THAT(log, HasSubstr(cause.substr(0, cause.find("than the available"))));
      cause = cause.substr(cause.find("Try increasing"));
    }
    for (std::size_t begin = 0; begin < cause.size();) {
      const std::size_t end = std::min(cause.find('\n', begin), cause.size());
      EXPECT_THAT(log, HasSubstr(cause.substr(begin, end - begin)));
      begin = end + 1;
    }
    const std::string recorded = run["outcome"];
    const StartupPlan plan = PlanStartup(settings, InjectedFailure::kNone);
    if (recorded.starts_with("exit 1")) {
      EXPECT_EQ(plan.end, StartupPlan::End::kExit);
      EXPECT_EQ(plan.exit_code, 1);
    } else if (recorded == "exit -9") {
      EXPECT_EQ(plan.end, StartupPlan::End::kKill);
    } else {
      EXPECT_TRUE(plan.dies_on_first_request) << recorded;
    }
    ++compared;
  }
  EXPECT_GE(compared, 14);
}

// Every recorded start that argparse accepted and that became ready does so here.
TEST(StartFailures, LetEveryRecordedStartThatWasReadyStart) {
  const json index = json::parse(RecordedLog("index.json"));
  int ready = 0;
  for (const auto& [directory, runs] : index.items()) {
    const Engine engine = directory.starts_with("vllm") ? Engine::kVllm : Engine::kSglang;
    for (const auto& [name, run] : runs.items()) {
      if (run["outcome"] != "ready") continue;
      Start start{run["args"].get<std::vector<std::string>>()};
      if (run["model"] == "moe") start.model = kMoe;
      EXPECT_EQ(OutcomeId(engine, start), "ready") << directory << "/" << name;
      ++ready;
    }
  }
  EXPECT_GE(ready, 8);
}

TEST(StartFailures, HaveUniqueIdsAndSayWhereTheyComeFrom) {
  std::set<std::string_view> ids;
  for (const StartFailure& outcome : StartFailures()) {
    EXPECT_TRUE(ids.insert(outcome.id).second) << outcome.id;
    EXPECT_FALSE(outcome.reference.empty()) << outcome.id;
  }
}

TEST(Startup, TakesAsLongAsObserved) {
  EXPECT_NEAR(ReadySeconds(Resolve(Engine::kVllm, {{}, "x/Llama-8B"})), 79, 4);
  EXPECT_NEAR(ReadySeconds(Resolve(Engine::kVllm, {{"--quantization", "fp8"}, "x/Llama-8B"})), 102, 5);
  EXPECT_NEAR(ReadySeconds(Resolve(Engine::kVllm, {{"--enforce-eager"}})), 46, 3);
  EXPECT_NEAR(ReadySeconds(Resolve(Engine::kSglang, {{"--disable-cuda-graph"}})), 50, 5);
}

TEST(Startup, CompilesKernelsOnFirstUseWhereObserved) {
  const auto delay = [](Engine engine, const Start& start) {
    return PlanStartup(Resolve(engine, start), InjectedFailure::kNone).first_request_delay;
  };
  EXPECT_EQ(delay(Engine::kVllm, {{}}), 0);
  EXPECT_GT(delay(Engine::kVllm, {{"--quantization", "fp8_per_block"}}), 60);
  EXPECT_GT(delay(Engine::kSglang, {{"--attention-backend", "flashinfer", "--kv-cache-dtype", "fp8_e4m3"}}), 75);
  EXPECT_GT(delay(Engine::kSglang, {{"--quantization", "w4afp8"}, kMoe}), 75);
  EXPECT_GT(ReadySeconds(Resolve(Engine::kSglang, {{"--moe-runner-backend", "flashinfer_cutlass"}, kMoe})), 140);
}

TEST(InjectedFailure, IsAppliedWhereTheCommandLineMatches) {
  EXPECT_EQ(*InjectedFailureFromText("crash", "fp8", "vllm serve m --quantization fp8"), InjectedFailure::kCrash);
  EXPECT_EQ(*InjectedFailureFromText("crash", "fp8", "vllm serve m"), InjectedFailure::kNone);
  EXPECT_EQ(*InjectedFailureFromText("oom-cuda", "", "vllm serve m"), InjectedFailure::kOomCuda);
  EXPECT_FALSE(InjectedFailureFromText("explode", "", "vllm serve m").ok());
}

TEST(InjectedFailure, EndsTheStartAsItSays) {
  const EngineSettings settings = Resolve(Engine::kVllm, {{}});
  EXPECT_EQ(PlanStartup(settings, InjectedFailure::kCrash).end, StartupPlan::End::kExit);
  EXPECT_EQ(PlanStartup(settings, InjectedFailure::kExit137).end, StartupPlan::End::kKill);
  EXPECT_EQ(PlanStartup(settings, InjectedFailure::kOomHost).end, StartupPlan::End::kHostMemory);
  EXPECT_EQ(PlanStartup(settings, InjectedFailure::kNeverReady).end, StartupPlan::End::kNeverReady);
  EXPECT_TRUE(PlanStartup(settings, InjectedFailure::kCrashServing).dies_on_first_request);
  const StartupPlan oom = PlanStartup(settings, InjectedFailure::kOomCuda);
  bool says_so = false;
  for (const auto& line : oom.lines)
    says_so = says_so || line.entry.text.find("CUDA out of memory") != std::string::npos;
  EXPECT_TRUE(says_so);
}

TEST(Backends, AreTheObservedOnes) {
  const auto backend = [](Engine engine, const Start& start) {
    return Resolve(engine, start).EffectiveAttentionBackend();
  };
  EXPECT_EQ(backend(Engine::kVllm, {{}}), "FLASH_ATTN");
  EXPECT_EQ(backend(Engine::kVllm, {{"--kv-cache-dtype", "fp8"}}), "FLASH_ATTN");
  EXPECT_EQ(backend(Engine::kVllm, {{"--kv-cache-dtype", "fp8_e5m2"}}), "FLASHINFER");
  EXPECT_EQ(backend(Engine::kVllm, {{"--dtype", "float32"}}), "TRITON_ATTN");
  EXPECT_EQ(backend(Engine::kVllm, {{"--kv-cache-dtype", "int8_per_token_head"}}), "TRITON_ATTN");
  EXPECT_EQ(backend(Engine::kSglang, {{}}), "fa3");
  EXPECT_EQ(backend(Engine::kSglang, {{"--kv-cache-dtype", "fp8_e5m2"}}), "triton");
  EXPECT_EQ(backend(Engine::kSglang, {{"--kv-cache-dtype", "fp8_e5m2", "--attention-backend", "fa3"}}), "triton");
}

}  // namespace
}  // namespace autotune::simulator
