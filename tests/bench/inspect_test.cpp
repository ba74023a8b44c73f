// How a checkpoint that can or cannot be read becomes a result; the readers themselves are in tests/checkpoint.

#include "bench/inspect.h"

#include <gmock/gmock.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "bench/bench_run.h"
#include "tests/bench/launcher_process.h"
#include "tests/checkpoint/tls_hub.h"

namespace autotune::bench {
namespace {

using checkpoint::TlsHub;
using testing::HasSubstr;

constexpr const char* kLlama =
    R"({"architectures":["LlamaForCausalLM"],"model_type":"llama","torch_dtype":"bfloat16","num_hidden_layers":16,)"
    R"("hidden_size":2048,"intermediate_size":8192,"num_attention_heads":32,"num_key_value_heads":8,"vocab_size":128256})";

TlsHub::Answer Hub(const TlsHub::Request& request) {
  if (request.path == "/org/public/resolve/main/config.json") return {200, kLlama, {}};
  if (request.path == "/org/busy/resolve/main/config.json") return {503, "busy", {}};
  return {404, "{}", {{"X-Error-Code", "EntryNotFound"}}};
}

class InspectHub : public testing::Test {
 protected:
  InspectHub() {
    ::setenv("SSL_CERT_FILE", hub_.authority_file().c_str(), 1);
    options_.endpoint = hub_.endpoint();
    options_.retry_delay = std::chrono::milliseconds(1);
  }
  ~InspectHub() override { ::unsetenv("SSL_CERT_FILE"); }

  InspectOutcome Of(const std::string& model) {
    options_.model = model;
    return Inspect(options_);
  }

  TlsHub hub_{Hub};
  InspectOptions options_;
};

TEST_F(InspectHub, ReadsAModel) {
  const InspectOutcome outcome = Of("org/public");
  ASSERT_FALSE(outcome.result.failure.has_value()) << outcome.result.failure->message;
  EXPECT_EQ(outcome.exit_code, kExitResult);
  EXPECT_EQ(outcome.result.model.layers, 16);
}

TEST_F(InspectHub, AMissingModelIsTheTasksAndABusyHubTheMachines) {
  const InspectOutcome missing = Of("org/missing");
  ASSERT_TRUE(missing.result.failure.has_value());
  EXPECT_EQ(missing.result.failure->reason, FailureReason::kModelUnreadable);
  EXPECT_FALSE(missing.result.failure->machine);
  EXPECT_EQ(missing.exit_code, kExitConfigurationFailed);
  const InspectOutcome busy = Of("org/busy");
  ASSERT_TRUE(busy.result.failure.has_value());
  EXPECT_EQ(busy.result.failure->http_status, 503);
  EXPECT_TRUE(busy.result.failure->machine);
  EXPECT_EQ(busy.exit_code, kExitInfrastructure);
}

TEST(Inspect, AHubThatIsNotThereIsInfrastructure) {
  InspectOptions options;
  options.model = "org/public";
  options.endpoint = "http://127.0.0.1:" + std::to_string(FreePort());
  options.retry_delay = std::chrono::milliseconds(1);
  const InspectOutcome outcome = Inspect(options);
  EXPECT_EQ(outcome.exit_code, kExitInfrastructure);
  ASSERT_TRUE(outcome.result.failure.has_value());
  EXPECT_EQ(outcome.result.failure->http_status, 0);
  EXPECT_TRUE(outcome.result.failure->machine);
  EXPECT_THAT(outcome.result.failure->message, HasSubstr("the hub cannot be read"));
}

TEST(Inspect, ReadsADirectory) {
  char path[] = "/tmp/autotune-model-XXXXXX";
  InspectOptions options;
  options.model = ::mkdtemp(path);
  EXPECT_EQ(Inspect(options).exit_code, kExitConfigurationFailed);
  std::ofstream(options.model + "/config.json") << kLlama;
  const InspectOutcome outcome = Inspect(options);
  EXPECT_EQ(outcome.exit_code, kExitResult);
  EXPECT_EQ(outcome.result.model.architecture, "LlamaForCausalLM");
  std::filesystem::remove_all(options.model);
}

TEST(Inspect, ReadsTheDatasetsOfABenchWithOrWithoutAModel) {
  char path[] = "/tmp/autotune-questions-XXXXXX";
  const std::string directory = ::mkdtemp(path);
  InspectOptions options;
  BenchSpec& spec = options.datasets.emplace();
  spec.quality.questions = QuestionSet{directory + "/exam.jsonl", 16};
  EXPECT_THAT(Inspect(options).result.dataset_problem, HasSubstr("cannot be read"));
  std::ofstream(spec.quality.questions->path) << R"({"prompt": "x"})";
  EXPECT_THAT(Inspect(options).result.dataset_problem,
              HasSubstr("spec.quality.dataset: exam.jsonl:1: has neither \"reference\""));
  std::ofstream(spec.quality.questions->path) << R"({"prompt": "x", "reference": "y"})";
  EXPECT_EQ(Inspect(options).result.dataset_problem, "");
  spec.dataset = Dataset{directory + "/prompts.jsonl", measurement::DatasetFormat::kJsonl, std::nullopt};
  EXPECT_THAT(Inspect(options).result.dataset_problem, HasSubstr("spec.benchmark.dataset: "));
  std::filesystem::remove_all(directory);
}

class InspectDatasets : public testing::Test {
 protected:
  InspectDatasets() {
    char path[] = "/tmp/autotune-lengths-XXXXXX";
    directory_ = ::mkdtemp(path);
    options_.model = directory_;
    options_.datasets.emplace().quality.questions = QuestionSet{directory_ + "/exam.jsonl", 16};
    std::string words;
    for (int i = 0; i < 1600; ++i) words += "word ";  // 1,000 tokens at least
    std::ofstream(directory_ + "/exam.jsonl") << R"({"question": "How many?", "answer": "2"})"
                                              << "\n"
                                              << R"({"prompt": ")" << words << R"(", "reference": "y"})";
  }
  ~InspectDatasets() override { std::filesystem::remove_all(directory_); }

  InspectResult With(const std::string& config) {
    std::ofstream(directory_ + "/config.json") << config;
    return Inspect(options_).result;
  }

  std::string directory_;
  InspectOptions options_;
};

TEST_F(InspectDatasets, FitIntoTheContextOfTheModelThatIsInspected) {
  const std::string config = std::string(kLlama).substr(0, std::string(kLlama).size() - 1);
  options_.models_context = true;
  EXPECT_THAT(With(config + R"(,"max_position_embeddings":1015})").dataset_problem,
              testing::StartsWith("spec.quality.dataset: exam.jsonl:2: at least 1000 tokens (one for every 8 "
                                  "characters) and 16 of the answer do not fit into the context of 1015 tokens"));
  const InspectResult fits = With(config + R"(,"max_position_embeddings":1016})");
  EXPECT_EQ(fits.dataset_problem, "");
  EXPECT_EQ(fits.datasets_read, "exam.jsonl: 2 questions: 1 by number, 1 by exact");
  EXPECT_EQ(fits.choice_questions, 0);
  EXPECT_EQ(fits.model.layers, 16);
  EXPECT_EQ(With(config + R"(,"max_position_embeddings":512,"rope_scaling":{"rope_type":"linear","factor":2.0}})")
                .dataset_problem,
            "")
      << "what scaling adds is context";
  EXPECT_EQ(With(kLlama).dataset_problem, "") << "no context is known";
}

TEST_F(InspectDatasets, FitIntoTheLongestContextThatFlagsSet) {
  const std::string config =
      std::string(kLlama).substr(0, std::string(kLlama).size() - 1) + R"(,"max_position_embeddings":512})";
  options_.datasets->max_model_len = 1015;
  EXPECT_THAT(With(config).dataset_problem, HasSubstr("context of 1015 tokens"));
  options_.datasets->max_model_len = 1016;
  EXPECT_EQ(With(config).dataset_problem, "");
  options_.models_context = true;
  EXPECT_EQ(With(config).dataset_problem, "") << "the longer of both";
}

TEST_F(InspectDatasets, CountQuestionsByChoices) {
  std::ofstream(directory_ + "/exam.jsonl") << R"({"question": "How many?", "answer": "2"})"
                                            << "\n"
                                            << R"({"question": "Who?", "choices": ["Ann", "Bo"], "answer": 0})";
  EXPECT_EQ(With(kLlama).choice_questions, 1);
}

TEST_F(InspectDatasets, AreReadAlsoIfTheModelCannotBe) {
  std::ofstream(directory_ + "/exam.jsonl") << "{";
  EXPECT_THAT(Inspect(options_).result.dataset_problem, HasSubstr("exam.jsonl:1: not JSON"));
  std::ofstream(directory_ + "/exam.jsonl") << R"({"question": "How many?", "answer": "2"})";
  EXPECT_EQ(Inspect(options_).result.failure->reason, FailureReason::kModelUnreadable);
}

}  // namespace
}  // namespace autotune::bench
