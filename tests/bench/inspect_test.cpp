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

}  // namespace
}  // namespace autotune::bench
