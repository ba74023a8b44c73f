#include "cli/explain.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "tests/quant/built_in_rules.h"
#include "tests/temporary_directory.h"

namespace autotune::cli {
namespace {

using nlohmann::json;
using quant::testing::Rules;
using ::testing::HasSubstr;

json Json(std::vector<std::string> settings, const std::string& engine = "vllm:0.24.0") {
  const auto explanation =
      Explain(Rules(), {.settings = std::move(settings), .engine = engine, .gpu = "h100", .model = ""});
  EXPECT_TRUE(explanation.ok()) << (explanation.ok() ? "" : explanation.error().message);
  return ExplanationJson(*explanation);
}

TEST(Explain, GivesEveryFieldAVerdictWithItsSource) {
  const json explanation = Json({"kvcacheDtype=fp8"});
  EXPECT_TRUE(explanation["rejected"].is_null());
  EXPECT_THAT(explanation["args"].get<std::vector<std::string>>(), ::testing::ElementsAre("--kv-cache-dtype", "fp8"));
  ASSERT_EQ(explanation["verdicts"].size(), 4U);
  for (const json& verdict : explanation["verdicts"]) {
    for (const char* key : {"field", "verdict", "reason", "message", "source"})
      EXPECT_TRUE(verdict.contains(key)) << key;
  }
  EXPECT_EQ(explanation["verdicts"][1]["field"], "kvcacheDtype");
  EXPECT_EQ(explanation["verdicts"][1]["verdict"], "map");
}

TEST(Explain, SaysWhatIsNeverStarted) {
  const json explanation = Json({"kvcacheDtype=int4"});
  ASSERT_TRUE(explanation["rejected"].is_object());
  EXPECT_EQ(explanation["rejected"]["field"], "kvcacheDtype");
  EXPECT_EQ(explanation["rejected"]["reason"], "KvDtypeNotSupported");
  EXPECT_EQ(explanation["rejected"]["message"], "an int4 KV cache requires vLLM 0.25.0 or later");
}

TEST(Explain, LetsFieldsOverrideAPresetWhereverTheyStand) {
  EXPECT_EQ(Json({"kvcacheDtype=auto", "preset=dynamic-fp8"})["args"],
            Json({"preset=dynamic-fp8", "kvcacheDtype=auto"})["args"]);
}

TEST(Explain, TakesEngineFlagsWhichAlwaysWin) {
  const json explanation = Json({"preset=kv-cache-fp8", "--kv_cache_dtype=auto", "max-num-seqs=64"});
  EXPECT_EQ(explanation["args"], json({"--kv-cache-dtype", "auto", "--max-num-seqs", "64"}));
  EXPECT_EQ(explanation["overrides"], json::array({{{"flag", "kv-cache-dtype"}, {"mapped", "fp8"}, {"user", "auto"}}}));
}

TEST(Explain, SaysWhichFlagDecidesWhereAFieldAsksForNothing) {
  const json explanation = Json({"max-num-seqs=64", "kv-cache-dtype=fp8", "quantization=fp8"});
  EXPECT_EQ(explanation["verdicts"][0]["message"], "parameters.quantization decides: fp8");
  EXPECT_EQ(explanation["verdicts"][3]["message"], "the model has no experts");
  EXPECT_EQ(explanation["verdicts"][1]["reason"], "SetByParameter");
  EXPECT_EQ(explanation["verdicts"][1]["message"], "parameters.kv-cache-dtype decides: fp8");
  EXPECT_EQ(Json({"kv-cache-dtype=auto"})["verdicts"][1]["reason"], "KvFollowsModel");
}

TEST(Explain, ReadsMapsAndListsAsATaskHasThem) {
  const json explanation = Json({"preset=dynamic-fp8", "quantization={unset: true}"});
  EXPECT_THAT(explanation["args"].get<std::vector<std::string>>(), ::testing::ElementsAre("--kv-cache-dtype", "fp8"));
  EXPECT_EQ(Json({"kv_cache_dtype=fp8"})["args"], Json({"kv-cache-dtype=fp8"})["args"]);  // a flag, no field
}

TEST(Explain, TakesAComputeCapabilityForAGpu) {
  const auto turing =
      Explain(Rules(), {.settings = {"gemmDtype=bfloat16"}, .engine = "vllm", .gpu = "7.5", .model = ""});
  ASSERT_TRUE(turing.ok());
  ASSERT_TRUE(turing->plan.rejection.has_value());
  EXPECT_EQ(turing->plan.rejection->reason, "CapabilityTooLow");
}

TEST(Explain, KnowsAmdGpus) {
  for (const char* gpu : {"mi300x", "MI300X", "AMD_Instinct_MI300X_OAM", "mi308x", "74a1", "gfx942"}) {
    const auto amd = Explain(Rules(), {.settings = {"gemmDtype=fp8"}, .engine = "vllm", .gpu = gpu, .model = ""});
    ASSERT_TRUE(amd.ok()) << amd.error().message;
    EXPECT_EQ(amd->request.amd_architecture, "gfx942");
    EXPECT_FALSE(amd->request.gpu.has_value());
    EXPECT_THAT(ExplanationText(*amd), HasSubstr("AMD gfx942"));
  }
}

TEST(Explain, ReadsFactsAsPeopleWriteThem) {
  const TemporaryDirectory directory;
  const std::string path =
      directory.Write("facts.json", R"({"architecture": "X", "quantization": "awq", "lairs": 3, "experts": 0})");
  const auto explained =
      Explain(Rules(), {.settings = {"gemmDtype=fp8"}, .engine = "vllm", .gpu = "h100", .model = path});
  ASSERT_TRUE(explained.ok()) << explained.error().message;
  EXPECT_EQ(explained->request.model.family, "int4-wna16");
  EXPECT_THAT(explained->request.model.notes, ::testing::ElementsAre("\"lairs\" is not a known field of a model"));
  EXPECT_THAT(ExplanationText(*explained), HasSubstr("keeps its weights"));
  directory.Write("facts.json", R"({"architecture": "X", "quantization": "fast"})");
  const auto unknown = Explain(Rules(), {.settings = {}, .engine = "vllm", .gpu = "", .model = path});
  ASSERT_FALSE(unknown.ok());
  EXPECT_THAT(unknown.error().message, HasSubstr("\"fast\" is not one of none, aqlm"));
}

TEST(Explain, WorksForEveryEngine) {
  for (const std::string& engine : Rules().engines()) {
    const auto explanation =
        Explain(Rules(), {.settings = {"preset=kv-cache-fp8"}, .engine = engine, .gpu = "h100", .model = ""});
    ASSERT_TRUE(explanation.ok()) << explanation.error().message;
    EXPECT_THAT(ExplanationText(*explanation), HasSubstr("MODEL")) << engine;
  }
}

TEST(Explain, NamesWhatIsWrongAndWhatIsAllowed) {
  struct Case {
    std::vector<std::string> settings;
    const char* engine;
    const char* gpu;
    const char* message;
  };
  const Case cases[] = {
      {{"gemmDtype=fp9"}, "vllm", "", "gemmDtype: \"fp9\" is not one of auto, float16"},
      {{"preset=fast"}, "vllm", "", "preset: \"fast\" is not one of default, kv-cache-fp8"},
      {{"gemm=fp8"}, "vllm", "", "\"gemm\" is not a field; did you mean gemmDtype?"},
      {{"kvcache_dtype=fp8"}, "vllm", "", "\"kvcache_dtype\" is not a field; did you mean kvcacheDtype?"},
      {{"gemmDtype=fp8", "gemmDtype=int8"}, "vllm", "", "\"gemmDtype\" is set twice"},
      {{"gemmDtype"}, "vllm", "", "\"gemmDtype\" is not of the form name=value"},
      {{"=x"}, "vllm", "", "is not of the form name=value"},
      {{"--=x"}, "vllm", "", "has no name"},
      {{}, "ollama", "", "--engine:"},
      {{}, "vllm", "h1", "--gpu: GPU \"h1\" is not known"},
  };
  for (const Case& test : cases) {
    const auto explanation =
        Explain(Rules(), {.settings = test.settings, .engine = test.engine, .gpu = test.gpu, .model = ""});
    ASSERT_FALSE(explanation.ok()) << test.message;
    EXPECT_THAT(explanation.error().message, HasSubstr(test.message));
  }
  EXPECT_THAT(Explain(Rules(), {.settings = {}, .engine = "vllm", .gpu = "", .model = "/no/such"}).error().message,
              HasSubstr("--model: \"/no/such\" is neither a file or directory here nor a hub id (OWNER/NAME)"));
}

TEST(Explain, NamesItsOwnOptionWhereTheHubIsNotReached) {
  ExplainOptions options{.settings = {}, .engine = "vllm", .gpu = "", .model = "org/model"};
  options.hub.offline = true;
  const std::string message = Explain(Rules(), options).error().message;
  EXPECT_THAT(message, HasSubstr("not available offline: set --model to a directory with its config.json"));
  EXPECT_EQ(message.find("--model-dir"), std::string::npos);
}

TEST(Explain, SaysThatTheMemoryOfTheGpuIsNotKnown) {
  const auto text = [](const std::string& gpu) {
    return ExplanationText(*Explain(Rules(), {.settings = {}, .engine = "vllm", .gpu = gpu, .model = ""}));
  };
  EXPECT_THAT(text("12.0"), HasSubstr("Warning  gpu: the memory of a GPU with compute capability 12.0 is not known"));
  EXPECT_THAT(text("gfx942"), HasSubstr("the memory of a GPU of AMD with architecture gfx942 is not known"));
  EXPECT_THAT(text("gb10"), HasSubstr("shares its memory with the CPU"));
  EXPECT_THAT(text("h100"), ::testing::Not(HasSubstr("memory")));
  EXPECT_THAT(text(""), ::testing::Not(HasSubstr("memory")));
}

base::Result<Explanation> OfCommand(std::vector<std::string> command, std::vector<std::string> settings = {}) {
  ExplainOptions options{.settings = std::move(settings), .command = std::move(command), .gpu = "h100", .model = ""};
  options.engine_is_default = true;
  options.hub.offline = true;
  return Explain(Rules(), options);
}

TEST(Explain, TakesAWholeCommand) {
  const auto pasted =
      OfCommand({"vllm", "serve", "meta-llama/Llama-3.1-8B-Instruct", "--host", "0.0.0.0", "--port", "8000",
                 "--api-key", "k", "--max-num-seqs", "128", "--compilation-config.cudagraph_mode", "NONE"});
  ASSERT_TRUE(pasted.ok()) << pasted.error().message;
  EXPECT_FALSE(pasted->plan.rejection);
  EXPECT_THAT(pasted->plan.args,
              ::testing::ElementsAre("--compilation-config", R"({"cudagraph_mode":"NONE"})", "--max-num-seqs", "128"));
  EXPECT_TRUE(pasted->unknown_model);
  const std::string text = ExplanationText(*pasted);
  EXPECT_THAT(text, HasSubstr("Note: left to the operator, which starts the server: --api-key, --host, --port\n"));
  EXPECT_THAT(text, HasSubstr("Note: the files of meta-llama/Llama-3.1-8B-Instruct cannot be read: "));
  EXPECT_THAT(text, HasSubstr("vllm serve meta-llama/Llama-3.1-8B-Instruct"));

  const auto docker = OfCommand({"docker run -e VLLM_X=1 -p 80:80 vllm/vllm-openai:v0.23.0 --model a/b --tp 2"});
  ASSERT_TRUE(docker.ok()) << docker.error().message;
  EXPECT_EQ(docker->request.release.version.ToString(), "0.23.0");
  EXPECT_THAT(ExplanationText(*docker), HasSubstr("the rules do not read the environment: VLLM_X=1"));

  const auto sglang = OfCommand({"python3 -m sglang.launch_server --model-path a/b --tp 2 --mem-fraction-static 0.8"},
                                {"kvcacheDtype=fp8"});
  ASSERT_TRUE(sglang.ok()) << sglang.error().message;
  EXPECT_EQ(sglang->request.release.engine, "sglang");
  EXPECT_EQ(sglang->request.model.dtype, "bfloat16") << "as the note says";
  EXPECT_EQ(ExplanationJson(*sglang)["args"],
            json({"--kv-cache-dtype", "fp8_e4m3", "--tp-size", "2", "--mem-fraction-static", "0.8"}));

  // Nothing is said of a model whose files cannot be read: it may have MLA.
  EXPECT_FALSE(OfCommand({"vllm serve a/b --attention-backend TRITON_MLA"})->plan.rejection);
  EXPECT_THAT(ExplanationText(*OfCommand({"vllm serve a/b"})), HasSubstr("holds for an unquantized model in bfloat16"));
  const auto experts = OfCommand({"vllm serve a/b --enable-expert-parallel --quantization awq --config x.yaml -tp 3"});
  ASSERT_TRUE(experts.ok()) << experts.error().message;
  EXPECT_FALSE(experts->plan.rejection) << experts->plan.rejection->message;
  EXPECT_THAT(ExplanationText(*experts), HasSubstr("a model that is not known: set its config.json with --model"));
  EXPECT_THAT(ExplanationText(*experts), HasSubstr("the settings in x.yaml (--config) are not read"));
  EXPECT_EQ(ExplanationJson(*experts)["modelKnown"], false);
  EXPECT_THAT(ExplanationText(*OfCommand({"vllm serve a/b --max-num-seqs many"})),
              HasSubstr("Pruned: parameters.max-num-seqs: InvalidFlagValue"));
  EXPECT_THAT(ExplanationText(*OfCommand({"vllm serve a/b"}, {"gemmDtype=int8"})),
              HasSubstr("Pruned, unless the files of the model say otherwise: gemmDtype"));

  EXPECT_FALSE(OfCommand({"vllm serve a/b --nnodes 1"})->plan.rejection);
  EXPECT_THAT(OfCommand({"vllm serve a/b --enable-prefix-caching=false --max-num-seqs $N"}).error().message,
              HasSubstr("the command --enable-prefix-caching takes no value, and the command gives it \"false\""));
  // The off form of a switch as the release spells it, and the one that its parser still accepts.
  for (const char* off : {"--disable-prefix-caching", "--no-enable-prefix-caching"}) {
    const auto outcome = OfCommand({std::string("docker run vllm/vllm-openai:v0.33.0 --model a/b ") + off});
    ASSERT_TRUE(outcome.ok()) << outcome.error().message;
    EXPECT_THAT(ExplanationText(*outcome), HasSubstr("--disable-prefix-caching"));
  }
  EXPECT_FALSE(
      OfCommand({"docker run vllm/vllm-openai:v0.24.0 --model a/b --no-enable-prefix-caching"})->plan.rejection);
  EXPECT_FALSE(
      OfCommand({"docker run vllm/vllm-openai:gptoss --model a/b --no-enable-prefix-caching"})->plan.rejection);
  EXPECT_THAT(OfCommand({"docker run corp/llm:prod --model a/b"}).error().message,
              HasSubstr("the command runs image corp/llm:prod, which does not say the engine"));
  EXPECT_THAT(OfCommand({"ollama", "serve", "x"}).error().message, HasSubstr("the command begins with \"ollama\""));
  EXPECT_THAT(OfCommand({"vllm serve m | grep x"}).error().message, HasSubstr("a pipe"));
  EXPECT_THAT(OfCommand({"vllm", "serve", "m", "128"}).error().message, HasSubstr("contains \"128\""));
  ExplainOptions other{.settings = {}, .command = {"vllm", "serve", "m"}, .engine = "sglang", .gpu = "", .model = ""};
  EXPECT_THAT(Explain(Rules(), other).error().message, HasSubstr("the command starts vllm, and --engine is sglang"));
}

TEST(Explain, ReadsAWorkerOfDynamoAsItsEngine) {
  const auto vllm = OfCommand(
      {"docker run corp/nim:dynamo-1.4.1-vllm0.26.0-p1 python3 -m dynamo.vllm --model a/b --tensor-parallel-size 4 "
       "--dyn-tool-call-parser hermes --endpoint dyn://a.b.c --request-plane nats --async-scheduling"});
  ASSERT_TRUE(vllm.ok()) << vllm.error().message;
  EXPECT_EQ(vllm->request.release.version.ToString(), "0.26.0");
  EXPECT_EQ(vllm->model, "a/b");
  EXPECT_FALSE(vllm->plan.rejection);
  EXPECT_THAT(ExplanationText(*vllm), HasSubstr("--dyn-tool-call-parser, --endpoint, --request-plane\n"));
  EXPECT_THAT(vllm->plan.args, ::testing::ElementsAre("--tensor-parallel-size", "4", "--async-scheduling"));

  const auto trtllm =
      OfCommand({"python3 -m dynamo.trtllm --model-path a/b --extra-engine-args /c/a.yaml "
                 "--publish-events-and-metrics --kv-block-size 64"});
  ASSERT_TRUE(trtllm.ok()) << trtllm.error().message;
  EXPECT_EQ(trtllm->request.release.engine, "tensorrt-llm");
  EXPECT_FALSE(trtllm->plan.rejection);
  EXPECT_THAT(ExplanationText(*trtllm), HasSubstr("the settings in /c/a.yaml (--extra-engine-args) are not read"));

  // A flag that no engine and no worker has is still told, and Dynamo's are no flags of the engine's own server.
  EXPECT_THAT(OfCommand({"python3 -m dynamo.sglang --model-path a/b --no-such-flag 1"})->plan.rejection->message,
              HasSubstr("has no flag \"no-such-flag\""));
  EXPECT_TRUE(OfCommand({"vllm serve a/b --request-plane nats"})->plan.rejection);
}

TEST(Explain, SaysThatAShareOrAPartitionIsNoCard) {
  const auto reasons = [](const std::string& gpu, std::vector<std::string> settings) {
    ExplainOptions options{.settings = std::move(settings), .command = {}, .gpu = gpu, .model = ""};
    options.engine = "vllm:0.24.0";
    options.hub.offline = true;
    const auto explanation = Explain(Rules(), options);
    std::string all;
    if (!explanation.ok()) return explanation.error().message;
    for (const quant::Warning& warning : explanation->plan.warnings) all += warning.reason + " ";
    return all;
  };
  EXPECT_THAT(reasons("NVIDIA-GeForce-RTX-3090-SHARED", {}), HasSubstr("GpuIsShared "));
  EXPECT_THAT(reasons("NVIDIA-GeForce-RTX-3090", {}), ::testing::Not(HasSubstr("GpuIs")));
  EXPECT_THAT(reasons("NVIDIA-H100-80GB-HBM3-MIG-3g.40gb", {"tensor-parallel-size=2"}), HasSubstr("GpuIsPartition "));
  EXPECT_THAT(reasons("NVIDIA-A40-48Q", {"tensor-parallel-size=2"}), HasSubstr("GpuIsPartition "));
  EXPECT_THAT(reasons("NVIDIA-H100-80GB-HBM3-MIG-3g.40gb", {}), ::testing::Not(HasSubstr("GpuIs")));
}

// The parser of the release decides what a command may have: not the keys of its file of options, and not what the
// servers of other engines have.
TEST(Explain, TakesOnlyFlagsOfTheEnginesOwnParser) {
  const auto says = [](const std::string& command) {
    const auto explanation = OfCommand({command});
    return explanation.ok() ? "" : explanation.error().message;
  };
  EXPECT_EQ(says("trtllm-serve a/b --tp_size 4 --dtype fp8"),
            "the command has --dtype, and trtllm-serve 1.2.0 has no such option: it belongs into the file of "
            "--extra_llm_api_options (--config)");
  EXPECT_EQ(says("trtllm-serve a/b --dtype bfloat16 --attn_backend TRTLLM --stream_interval 2 "
                 "--disable_overlap_scheduler --scheduler_policy max_utilization --api_key K --enable_chunked_context"),
            "the command has --attn_backend, --disable_overlap_scheduler, --dtype, --stream_interval, and trtllm-serve "
            "1.2.0 has no such options: they belong into the file of --extra_llm_api_options (--config); has "
            "--api_key, --enable_chunked_context, --scheduler_policy, and trtllm-serve 1.2.0 has no such options; "
            "--enable_chunked_context: did you mean --enable_chunked_prefill?");
  EXPECT_EQ(says("docker run nvcr.io/nvidia/tensorrt-llm/release:1.1.0 trtllm-serve a/b --dtype bfloat16"),
            "the command has --dtype, and trtllm-serve 1.1.0 has no such option: it belongs into the file of "
            "--extra_llm_api_options");
  // Options of both: TensorRT-LLM issue 5389; aliases since 1.2.0 and an option since 1.3.0rc7.
  const std::string image = "docker run nvcr.io/nvidia/tensorrt-llm/release:";
  EXPECT_EQ(says(image + "1.0.0 trtllm-serve a/b --kv_cache_free_gpu_memory_fraction 0.8"), "");
  EXPECT_EQ(says(image + "1.2.0 trtllm-serve a/b --free_gpu_memory_fraction=0.8"), "");
  EXPECT_THAT(says(image + "1.1.0 trtllm-serve a/b --free_gpu_memory_fraction 0.8"),
              HasSubstr("it belongs into the file"));
  EXPECT_EQ(says(image + "1.3.0rc7 trtllm-serve a/b --kv_cache_dtype fp8"), "");
  EXPECT_THAT(says(image + "1.2.0 trtllm-serve a/b --kv_cache_dtype fp8"), HasSubstr("it belongs into the file"));
  EXPECT_EQ(says("vllm serve a/b --ssl-keyfile k --api-key K --log-level-http debug"),
            "the command has --log-level-http, and vllm 0.24.0 has no such option");
  EXPECT_EQ(says("python3 -m sglang.launch_server --model-path a/b --log-level-http debug --api-key K"), "");
  EXPECT_EQ(says("trtllm-serve a/b --tp_size 4 --max_batch_size 8 --log_level info --host ::"), "");
  // Nobody knows what another image has in it, or a worker's own parser.
  EXPECT_EQ(says("docker run example.com/trt:mine trtllm-serve a/b --dtype bfloat16 --api_key K"), "");
  EXPECT_EQ(says("python3 -m dynamo.trtllm --model-path a/b --api-key K"), "");
}

TEST(Explain, KeepsAFileOfOptionsThatItDoesNotRead) {
  EXPECT_THAT(ExplanationText(*OfCommand({"vllm serve a/b --config x.yaml --max-num-seqs 8"})),
              HasSubstr("--max-num-seqs 8 --config x.yaml\n"));
  const auto file = OfCommand({"trtllm-serve a/b --extra_llm_api_options o.yaml --max_batch_size 8"});
  ASSERT_TRUE(file.ok()) << file.error().message;
  EXPECT_THAT(ExplanationText(*file),
              HasSubstr("(--extra-llm-api-options) are not read: what is said below does not "));
  EXPECT_THAT(ExplanationText(*file), HasSubstr("--extra_llm_api_options o.yaml"));
  // Keys of the file are settings of their own; trtllm-serve has no such options.
  const auto both =
      OfCommand({"trtllm-serve a/b --extra_llm_api_options o.yaml"}, {"kv_cache_config.enable_block_reuse=false"});
  ASSERT_TRUE(both.ok()) << both.error().message;
  EXPECT_THAT(both->plan.options_yaml, HasSubstr("enable_block_reuse: false"));
  EXPECT_THAT(ExplanationText(*both), HasSubstr("--extra_llm_api_options o.yaml\n"));
  EXPECT_THAT(ExplanationText(*both), HasSubstr("\no.yaml, beside what it contains:\n"));
  // The command of a worker of Dynamo has it, that of the engine's server has not.
  EXPECT_THAT(ExplanationText(*OfCommand({"python3 -m dynamo.trtllm --model-path a/b --extra-engine-args a.yaml"})),
              ::testing::Not(HasSubstr("--extra-engine-args a.yaml")));
}

TEST(Explain, NamesAProgramThatIsNoServer) {
  ExplainOptions options{.settings = {},
                         .command = {"python3", "-m", "dynamo.frontend", "--http-port", "80"},
                         .engine = "vllm",
                         .gpu = "",
                         .model = ""};
  EXPECT_THAT(Explain(Rules(), options).error().message,
              HasSubstr("the command starts \"python3 -m dynamo.frontend\", which is no server of vllm"));
}

TEST(Explain, DoesNotPruneForTheFlagsOfAReleaseThatItDoesNotKnow) {
  // Flags that came and went: SGLang has no cuda-graph-max-bs after 0.5.20.
  const auto image =
      OfCommand({"docker run lmsysorg/sglang:kimi-k3 sglang serve --model-path a/b --cuda-graph-max-bs 8"});
  ASSERT_TRUE(image.ok()) << image.error().message;
  EXPECT_FALSE(image->plan.rejection);
  EXPECT_THAT(ExplanationText(*image), HasSubstr("has no flag \"cuda-graph-max-bs\", SGLang 0.5.18 has: whether the "
                                                 "release in this image has it is not known"));
  EXPECT_THAT(image->plan.args, ::testing::ElementsAre("--cuda-graph-max-bs", "8"));
  EXPECT_FALSE(OfCommand({"docker run lmsysorg/sglang:kimi-k3 sglang serve --model-path a/b --cuda-graph-bs 1 2 4"})
                   ->plan.rejection);
  EXPECT_TRUE(OfCommand({"docker run lmsysorg/sglang:v0.5.23 sglang serve --model-path a/b --cuda-graph-max-bs 8"})
                  ->plan.rejection);
  EXPECT_TRUE(
      OfCommand({"docker run lmsysorg/sglang:kimi-k3 sglang serve --model-path a/b --no-such-flag 8"})->plan.rejection);
}

TEST(Explain, TellsAllThatTheParserRefusesAtOnce) {
  // An unknown flag and an ambiguous prefix have the words up to the next flag.
  const auto plan =
      OfCommand({"docker run lmsysorg/sglang:v0.5.23 sglang serve --model-path a/b --cuda-graph-bs 1 2 4 "
                 "--no-such-flag 1 2 --kv-cache-dtype no-such-value"});
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  ASSERT_TRUE(plan->plan.rejection);
  EXPECT_EQ(plan->plan.rejection->field, "parameters.cuda-graph-bs");
  EXPECT_THAT(plan->plan.rejection->message, HasSubstr("\"cuda-graph-bs\" is an ambiguous prefix of flags of SGLang"));
  EXPECT_THAT(plan->plan.rejection->message, HasSubstr(". Also parameters.kv-cache-dtype: --kv-cache-dtype of SGLang"));
  EXPECT_THAT(plan->plan.rejection->message, HasSubstr("SGLang 0.5.23 has no flag \"no-such-flag\""));
  // The model is a word of its own before them, or the first word that can be it.
  EXPECT_THAT(OfCommand({"vllm serve a/b --no-such-flag 1 2"})->plan.rejection->message, HasSubstr("no-such-flag"));
  EXPECT_EQ(OfCommand({"vllm serve --no-such-flag 1 a/b"})->model, "a/b");
}

TEST(Explain, SaysOfACommandWhatAReleaseAndAPodDoNotHave) {
  const std::string text = ExplanationText(
      *OfCommand({"docker run -e VLLM_ATTENTION_BACKEND=FLASHINFER -v /no/such:/models registry.corp/vllm:nightly "
                  "--model /models/m --lora-modules a=/models/a"}));
  EXPECT_THAT(text,
              HasSubstr("does not read VLLM_ATTENTION_BACKEND (removed in 0.15.0); --attention-backend replaces"));
  EXPECT_THAT(text, HasSubstr("the release of image registry.corp/vllm:nightly is not known"));
  EXPECT_THAT(text, HasSubstr("(--engine vllm:VERSION)"));
  EXPECT_THAT(text, HasSubstr("a path of the container, and the command mounts it from /no/such/m, which is not here"));
  EXPECT_THAT(text, HasSubstr("/models/a (--lora-modules, from /no/such/a)"));
  for (const auto& [tag, release] :
       {std::pair("v0.11.0-x86_64", "0.11.0"), {"rocm6.4.1_vllm_0.18.1_20250909", "0.18.1"}, {"25.09-py3", "0.33.0"}}) {
    const auto of = OfCommand({std::string("docker run corp/vllm:") + tag + " --model a/b"});
    ASSERT_TRUE(of.ok()) << of.error().message;
    EXPECT_EQ(of->request.release.version.ToString(), release) << tag;
  }
}

}  // namespace
TEST(Explain, SharesOfACardAreNoCards) {
  for (const char* gpu : {"NVIDIA-L40S-SHARED", "NVIDIA-L40S"}) {
    const auto explanation =
        Explain(Rules(), {.settings = {"tensor-parallel-size=2"}, .engine = "vllm", .gpu = gpu, .model = ""});
    ASSERT_TRUE(explanation.ok()) << gpu;
    const bool shared = std::string_view(gpu).ends_with("SHARED");
    EXPECT_EQ(explanation->plan.rejection.has_value(), shared) << gpu;
    if (shared) {
      EXPECT_EQ(explanation->plan.rejection->reason, "GpuIsShared");
    }
  }
}

}  // namespace autotune::cli
