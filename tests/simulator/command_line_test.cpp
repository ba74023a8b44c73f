#include "simulator/command_line.h"

#include <gmock/gmock.h>

#include "recorded_data.h"

namespace autotune::simulator {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

Invocation Recognised(const std::vector<std::string>& argv) {
  auto command = RecogniseCommand(argv);
  const auto* invocation = std::get_if<Invocation>(&command);
  EXPECT_NE(invocation, nullptr) << argv.front();
  return invocation == nullptr ? Invocation{} : *invocation;
}

std::string Refusal(const std::vector<std::string>& argv, const std::string& version, int* exit_code = nullptr) {
  const Invocation invocation = Recognised(argv);
  std::optional<RecordedParser> parser;
  if (invocation.engine != Engine::kTensorRtLlm) parser = Recorded(invocation.engine, version);
  auto parsed = ParseEngineArguments(invocation, parser ? &*parser : nullptr);
  const auto* refusal = std::get_if<CommandError>(&parsed);
  EXPECT_NE(refusal, nullptr);
  if (refusal == nullptr) return "";
  if (exit_code != nullptr) *exit_code = refusal->exit_code;
  return refusal->output;
}

TEST(Command, IsRecognisedByNameThroughAnyPath) {
  struct Case {
    std::vector<std::string> argv;
    Engine engine;
    std::vector<std::string> rest;
  };
  const Case cases[] = {
      {{"vllm", "serve", "m", "--port", "1"}, Engine::kVllm, {"m", "--port", "1"}},
      {{"/opt/bin/vllm", "serve", "m"}, Engine::kVllm, {"m"}},
      {{"python3", "-m", "vllm.entrypoints.openai.api_server", "--model", "m"}, Engine::kVllm, {"--model", "m"}},
      {{"/usr/bin/python3", "-m", "vllm.entrypoints.cli.main", "serve", "m"}, Engine::kVllm, {"m"}},
      {{"python3", "-m", "sglang.launch_server", "--model-path", "m"}, Engine::kSglang, {"--model-path", "m"}},
      {{"sglang", "serve", "--model-path", "m"}, Engine::kSglang, {"--model-path", "m"}},
      {{"trtllm-serve", "m"}, Engine::kTensorRtLlm, {"m"}},
      {{"simulated-engine", "--as", "vllm", "--", "serve", "m"}, Engine::kVllm, {"m"}},
      {{"simulated-engine", "--as", "trtllm-serve", "serve", "m"}, Engine::kTensorRtLlm, {"serve", "m"}},
  };
  for (const Case& each : cases) {
    const Invocation invocation = Recognised(each.argv);
    EXPECT_EQ(invocation.engine, each.engine) << each.argv[0];
    EXPECT_EQ(invocation.arguments, each.rest) << each.argv[0];
  }
}

TEST(Command, OfAnythingElseIsRefused) {
  for (const std::vector<std::string>& argv : {std::vector<std::string>{"bash", "-c", "true"},
                                               {"python3", "-c", "print()"},
                                               {"vllm", "bench"},
                                               {"vllm"},
                                               {"simulated-engine"},
                                               {"python3", "-m", "pip"}}) {
    auto command = RecogniseCommand(argv);
    const auto* refusal = std::get_if<CommandError>(&command);
    ASSERT_NE(refusal, nullptr) << argv[0];
    EXPECT_EQ(refusal->exit_code, 2);
    EXPECT_THAT(refusal->output, HasSubstr("simulated"));
  }
}

// The recorded runs used `python3 -m vllm.entrypoints.cli.main serve MODEL ...`; three refusals, whole logs.
TEST(VllmRefusal, IsTheRecordedTextToTheLastByte) {
  struct Case {
    const char* log;
    std::vector<std::string> arguments;
  };
  const Case cases[] = {
      {"vllm-0.24.0/unknown_flag.log", {"--no-such-flag", "1"}},
      {"vllm-0.24.0/swap_space.log", {"--swap-space", "4"}},
      {"vllm-0.24.0/kv_fp16_bad.log", {"--kv-cache-dtype", "fp16"}},
      {"vllm-0.24.0/kv_int8_bad.log", {"--kv-cache-dtype", "int8"}},
      {"vllm-0.24.0/kv_int4ph.log", {"--kv-cache-dtype", "int4_per_token_head"}},
  };
  for (const Case& each : cases) {
    std::vector<std::string> argv = {"python3", "-m", "vllm.entrypoints.cli.main", "serve", "m"};
    argv.insert(argv.end(), each.arguments.begin(), each.arguments.end());
    int exit_code = 0;
    EXPECT_EQ(Refusal(argv, "0.24.0", &exit_code), RecordedLog(each.log)) << each.log;
    EXPECT_EQ(exit_code, 2);
  }
}

TEST(VllmRefusal, NamesTheConsoleScriptWhenStartedAsOne) {
  EXPECT_EQ(Refusal({"vllm", "serve", "m", "--no-such-flag"}, "0.24.0"),
            "usage: vllm [-h] [-v]\n            {chat,complete,serve,launch,bench,collect-env,run-batch} ...\n"
            "vllm: error: unrecognized arguments: --no-such-flag\n");
}

// SGLang prints warnings of imports before and a usage that the recordings know in part; the error line is compared.
TEST(SglangRefusal, EndsWithTheRecordedErrorLine) {
  struct Case {
    const char* log;
    std::vector<std::string> arguments;
  };
  const Case cases[] = {
      {"sglang-0.5.15/unknown_flag.log", {"--no-such-flag", "1"}},
      {"sglang-0.5.15/underscore.log", {"--kv_cache_dtype", "fp8_e4m3"}},
      {"sglang-0.5.15/kv_fp8_bad.log", {"--kv-cache-dtype", "fp8"}},
      {"sglang-0.5.15/q_int8_bad.log", {"--quantization", "int8"}},
  };
  for (const Case& each : cases) {
    std::vector<std::string> argv = {"python3", "-m", "sglang.launch_server", "--model-path", "m"};
    argv.insert(argv.end(), each.arguments.begin(), each.arguments.end());
    const std::string log = RecordedLog(each.log);
    EXPECT_THAT(Refusal(argv, "0.5.15"), StartsWith("usage: sglang serve [-h] --model-path MODEL_PATH\n")) << each.log;
    EXPECT_THAT(Refusal(argv, "0.5.15"), EndsWith(log.substr(log.find("\nsglang serve: error: ")))) << each.log;
  }
}

TEST(TrtllmCommandLine, RefusesDashesByClicksRules) {
  int exit_code = 0;
  EXPECT_THAT(Refusal({"trtllm-serve", "m", "--tp-size", "2"}, "", &exit_code),
              EndsWith("\n\nError: No such option: --tp-size\n"));
  EXPECT_EQ(exit_code, 2);
  EXPECT_THAT(Refusal({"trtllm-serve", "--tp_size", "2"}, ""), EndsWith("Error: Missing argument 'MODEL'.\n"));
  EXPECT_THAT(Refusal({"trtllm-serve", "m", "--tp_size"}, ""),
              EndsWith("Error: Option '--tp_size' requires an argument.\n"));
  EXPECT_THAT(Refusal({"trtllm-serve", "m", "n"}, ""), EndsWith("Error: Got unexpected extra argument (n)\n"));
}

TEST(TrtllmCommandLine, TakesUnderscoresAndSwitches) {
  const auto parsed = ParseEngineArguments(
      Recognised({"trtllm-serve", "serve", "m", "--tp_size", "2", "--trust_remote_code", "--port=9"}), nullptr);
  const auto* accepted = std::get_if<AcceptedArguments>(&parsed);
  ASSERT_NE(accepted, nullptr);
  EXPECT_EQ(accepted->arguments.Text("model"), "m");
  EXPECT_EQ(accepted->arguments.Text("tp_size"), "2");
  EXPECT_EQ(accepted->arguments.Text("port"), "9");
  EXPECT_TRUE(accepted->arguments.On("trust_remote_code"));
}

}  // namespace
}  // namespace autotune::simulator
