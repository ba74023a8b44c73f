#include "cli/run.h"

#include <gmock/gmock.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/quant/built_in_rules.h"

namespace autotune::cli {
namespace {

using nlohmann::json;
using quant::testing::Rules;
using ::testing::HasSubstr;

// A directory with programs that exist and are never started.
class RunLocallyTest : public ::testing::Test {
 protected:
  RunLocallyTest() {
    std::string name = (std::filesystem::temp_directory_path() / "run-test-XXXXXX").string();
    directory_ = mkdtemp(name.data());
    for (const char* tool : {"autotune-launch", "autotune-bench"}) {
      std::ofstream(directory_ / tool) << "";
      std::filesystem::permissions(directory_ / tool, std::filesystem::perms::owner_all);
    }
    std::filesystem::create_directory(directory_ / "simulated");
    options_.tools_dir = directory_;
    options_.simulate = "h100";
    options_.status_file = directory_ / "status.yaml";
  }
  ~RunLocallyTest() override { std::filesystem::remove_all(directory_); }

  // A task of a small model with this in its spec.
  int Run(const json& more) {
    json object = json::parse(R"({
        "apiVersion": "autotuner.io/v1alpha1", "kind": "AutotuneTask", "metadata": {"name": "t"},
        "spec": {"model": {"idOrPath": "org/model", "facts": {"architectures": ["LlamaForCausalLM"],
                   "torch_dtype": "bfloat16", "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32,
                   "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 128256,
                   "max_position_embeddings": 8192}},
                 "baseRuntime": "vllm"}})");
    object["spec"].update(more);
    auto task = api::TaskFromJson(object);
    EXPECT_TRUE(task.ok()) << (task.ok() ? "" : task.error().message);
    return RunLocally(*task, Rules(), options_);
  }

  // A task that plays a trace of these lines.
  int RunTrace(const std::string& lines) {
    options_.dataset = directory_ / "trace.jsonl";
    std::ofstream(options_.dataset) << lines;
    return Run(json::parse(R"({
        "slo": {"ttft": {"p90": "2s"}},
        "benchmark": {"dataset": {"configMap": {"name": "trace", "key": "trace.jsonl"}, "format": "Mooncake"},
                      "load": {"auto": {"by": "RequestRate"}}, "arrival": {"process": "Trace"}}})"));
  }

  // A task that asks these questions.
  int RunQuestions(const std::string& lines) {
    options_.questions = directory_ / "exam.jsonl";
    std::ofstream(options_.questions) << lines;
    return Run(json::parse(R"({"quality": {"dataset": {"configMap": {"name": "exam", "key": "exam.jsonl"}}}})"));
  }

  std::filesystem::path directory_;
  RunOptions options_;
};

// Otherwise the answer of hours would be lost.
TEST_F(RunLocallyTest, RefusesAReportThatItCouldNotWriteBeforeAnythingStarts) {
  options_.report = directory_ / "not-there" / "report.html";
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(RunTrace(""), 2);
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("autotune: --report: "));
  options_.report.clear();
  options_.logs = options_.tools_dir + "/autotune-launch/logs";
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(RunTrace(""), 2);
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("autotune: --keep-logs: "));
  EXPECT_FALSE(std::filesystem::exists(options_.status_file));
}

TEST_F(RunLocallyTest, KeepsTheResultsOfAnUnfinishedRun) {
  const std::string left = R"({
      "apiVersion": "autotuner.io/v1alpha1", "kind": "AutotuneTask", "metadata": {"name": "t"},
      "spec": {"model": {"idOrPath": "org/model"}, "baseRuntime": "vllm"},
      "status": {"state": "Searching",
                 "experiments": [{"name": "e1-aaaaaa", "runtime": "vllm", "state": "Succeeded", "hash": "a"}]}})";
  std::ofstream(options_.status_file) << left;
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(Run(json::object()), 2);
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              HasSubstr("has an unfinished run of task \"t\" with 1 result: add --resume to continue it"));
  std::ifstream file(options_.status_file);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), left);
}

TEST_F(RunLocallyTest, RefusesQuestionsThatNoExperimentCouldJudgeBeforeOneStarts) {
  const std::string first = R"({"question": "Ice is", "choices": ["hot", "cold"], "answer": "B"})";
  std::string words;
  for (int i = 0; i < 16'000; ++i) words += "word ";
  const struct {
    std::string second;
    const char* message;
  } kCases[] = {
      {R"({"prompt": "def f():", "test": "assert f() == 1"})",
       "quality.dataset: exam.jsonl:2: \"test\": the answers are programs"},
      {R"({"prompt": ")" + words + R"(", "reference": "y"})",
       "exam.jsonl:2: at least 10000 tokens (one for every 8 characters) and 256 of the answer do not fit into the "
       "context of 8192 tokens"},
  };
  for (const auto& row : kCases) {
    ::testing::internal::CaptureStderr();
    const int code = RunQuestions(first + "\n" + row.second + "\n");
    EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr(row.message));
    EXPECT_EQ(code, 2);
    EXPECT_FALSE(std::filesystem::exists(options_.status_file)) << "nothing was begun";
  }
}

TEST_F(RunLocallyTest, RefusesADatasetThatNoExperimentCouldUseBeforeOneStarts) {
  const std::string first = R"({"timestamp": 500, "input_length": 10, "output_length": 5, "hash_ids": [1]})";
  const struct {
    const char* second;
    const char* message;
  } kCases[] = {
      {R"({"timestamp": 600, "input_length":)", "dataset: trace.jsonl:2: not JSON"},
      {R"({"timestamp": 100, "input_length": 10, "output_length": 5, "hash_ids": [1]})",
       "dataset: trace.jsonl:2: timestamp 100 is before that of the line above (500)"},
      {R"({"timestamp": 500, "input_length": 10, "output_length": 5, "hash_ids": [1]})",
       "dataset: trace.jsonl: all entries have the same timestamp"},
      {R"({"timestamp": 600, "input_length": 9000, "output_length": 5, "hash_ids": [1]})",
       "dataset: trace.jsonl:2: 9000 tokens in and 5 out do not fit into the context of 8192 tokens"},
  };
  for (const auto& row : kCases) {
    ::testing::internal::CaptureStderr();
    const int code = RunTrace(first + "\n" + row.second + "\n");
    EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr(row.message));
    EXPECT_EQ(code, 2);
    EXPECT_FALSE(std::filesystem::exists(options_.status_file)) << "nothing was begun";
  }
}

}  // namespace
}  // namespace autotune::cli
