// Tasks with several checkpoints, from the manifest to the recommendation.
#include <gmock/gmock.h>

#include <algorithm>
#include <iterator>
#include <map>

#include "operator/experiment/pod_builder.h"
#include "operator/reconcile/space.h"
#include "tests/reconcile/fake_cluster.h"

namespace autotune::reconcile {
namespace {

using nlohmann::json;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::SizeIs;

json Quantized(const std::string& method) {
  if (method == "fp8") return {{"quant_method", "fp8"}, {"activation_scheme", "static"}};
  return {{"quant_method", "awq"}, {"bits", 4}, {"group_size", 128}, {"version", "gemm"}, {"zero_point", true}};
}

// SmallTask with the checkpoints "bf16", "fp8" and "awq" of its model.
json CheckpointTask() {
  json task = SmallTask();
  const json facts = task["spec"]["model"]["facts"];
  task["spec"].erase("model");
  for (const std::string name : {"bf16", "fp8", "awq"}) {
    json model = {{"name", name}, {"idOrPath", "org/llama-" + name}, {"facts", facts}};
    if (name != "bf16") model["facts"]["quantization_config"] = Quantized(name);
    task["spec"]["models"].push_back(model);
  }
  return task;
}

std::string ModelOf(const json& pod) { return pod["metadata"]["labels"].value(experiment::kModelLabel, ""); }

// The AWQ checkpoint is the fastest, the FP8 one second.
void MeasureByCheckpoint(FakeCluster& cluster, json& pod) {
  const std::map<std::string, std::pair<double, double>> of = {
      {"bf16", {800, 2.0}}, {"fp8", {1200, 2.004}}, {"awq", {1500, 2.06}}, {"", {800, 2.0}}};
  const auto& [speed, nll] = of.at(ModelOf(pod));
  cluster.Finish(pod, ResultMessage(speed, nll, ""), 0);
}

const api::ExperimentStatus& Find(const api::TaskStatus& status, const std::string& model, const std::string& quant) {
  const auto found = std::ranges::find_if(status.experiments, [&](const api::ExperimentStatus& entry) {
    return entry.model == model && entry.quant.name == quant;
  });
  EXPECT_NE(found, status.experiments.end()) << model << " " << quant;
  return *found;
}

TEST(SeveralCheckpoints, AreMeasuredEachWithItsOwnModelAndTheBestNamesItsOwn) {
  FakeCluster cluster(CheckpointTask());
  cluster.RunToEnd(MeasureByCheckpoint);
  const api::AutotuneTask done = cluster.Task();
  ASSERT_EQ(done.status.state, "Complete");
  for (const json& pod : cluster.created_pods) {
    EXPECT_THAT(EngineArgv(pod), Contains("org/llama-" + ModelOf(pod)));
  }
  EXPECT_EQ(std::ranges::count_if(done.status.experiments, &api::ExperimentStatus::baseline), 1);
  EXPECT_TRUE(Find(done.status, "bf16", "default").baseline);
  ASSERT_TRUE(done.status.best.has_value());
  EXPECT_EQ(done.status.best->model, "awq");
  EXPECT_EQ(done.status.best->improvement_over_baseline, "+87.5%");
  const std::string about = cluster.config_maps.begin()->second["data"]["about.txt"];
  EXPECT_THAT(about, HasSubstr("checkpoint: awq"));
  EXPECT_THAT(about, HasSubstr("model: org/llama-awq"));
  EXPECT_THAT(cluster.config_maps.begin()->second["data"]["command.txt"].get<std::string>(),
              HasSubstr("org/llama-awq"));
}

TEST(SeveralCheckpoints, AreComparedInQualityWithTheReference) {
  json task = CheckpointTask();
  task["spec"]["quality"] = {{"maxDegradation", "0.01"}};
  FakeCluster cluster(task);
  cluster.RunToEnd(MeasureByCheckpoint);
  const api::TaskStatus status = cluster.Task().status;
  EXPECT_EQ(Find(status, "fp8", "default").quality->gate, "Holds");
  EXPECT_EQ(Find(status, "awq", "default").quality->gate, "Fails");
  ASSERT_TRUE(status.best.has_value());
  EXPECT_EQ(status.best->model, "fp8");
}

TEST(SeveralCheckpoints, OneOfThemHasTheHashesOfASingleModel) {
  json single = SmallTask();
  single["spec"]["model"]["idOrPath"] = "org/llama-bf16";
  FakeCluster alone(single), among(CheckpointTask());
  alone.RunToEnd(MeasureByCheckpoint);
  among.RunToEnd(MeasureByCheckpoint);
  for (const api::ExperimentStatus& entry : alone.Task().status.experiments) {
    EXPECT_EQ(Find(among.Task().status, "bf16", entry.quant.name).hash, entry.hash) << entry.quant.name;
  }
}

TEST(SeveralCheckpoints, AreInspectedEachByAPodOfItsOwn) {
  json task = CheckpointTask();
  for (json& model : task["spec"]["models"]) model.erase("facts");
  FakeCluster cluster(task);
  cluster.RunToEnd([](FakeCluster& self, json& pod) {
    if (pod["metadata"]["labels"][experiment::kRoleLabel] != "inspect") return MeasureByCheckpoint(self, pod);
    bench::InspectResult inspected;
    inspected.model.architecture = "LlamaForCausalLM";
    inspected.model.commit = std::string(40, ModelOf(pod)[0]);
    if (ModelOf(pod) == "awq") inspected.model.quantization = "awq", inspected.model.family = "int4-wna16";
    self.FinishInspect(pod, inspected, 0);
  });
  const api::AutotuneTask done = cluster.Task();
  ASSERT_EQ(done.status.state, "Complete");
  ASSERT_THAT(done.status.models, SizeIs(3));
  EXPECT_EQ(done.status.models[2].facts->quantization, "awq");
  EXPECT_EQ(done.status.models[0].facts->quantization, "none");
  for (const json& pod : cluster.created_pods) {
    if (pod["metadata"]["labels"][experiment::kRoleLabel] == "inspect") continue;
    EXPECT_THAT(EngineArgv(pod), Contains(std::string(40, ModelOf(pod)[0])));
  }
  EXPECT_THAT(cluster.config_maps.begin()->second["data"]["about.txt"].get<std::string>(),
              HasSubstr("model-commit: " + std::string(40, 'a')));
}

TEST(SeveralCheckpoints, OneThatCannotBeReadIsNamedAndNothingRuns) {
  json task = CheckpointTask();
  task["spec"]["models"][1].erase("facts");
  FakeCluster cluster(task);
  cluster.RunToEnd([](FakeCluster& self, json& pod) {
    bench::InspectResult result;
    result.failure = bench::Failure{bench::FailureReason::kModelUnreadable, "The model is gated", 0, 401};
    self.FinishInspect(pod, result, 1);
  });
  const api::TaskStatus status = cluster.Task().status;
  EXPECT_EQ(status.state, "Failed");
  const api::Condition* ready = api::FindCondition(status.conditions, "Ready");
  ASSERT_NE(ready, nullptr);
  EXPECT_EQ(ready->reason, "ModelUnreadable");
  EXPECT_THAT(ready->message, HasSubstr("spec.models[1] (fp8): The model is gated"));
  EXPECT_THAT(cluster.created, SizeIs(1));
}

TEST(SeveralCheckpoints, EachHasToHoldTheDatasets) {
  json task = CheckpointTask();
  task["spec"]["quality"]["dataset"] = {{"configMap", {{"name", "exam"}, {"key", "exam.jsonl"}}}};
  FakeCluster cluster(task);
  cluster.RunToEnd([](FakeCluster& self, json& pod) {
    bench::InspectResult result;
    if (ModelOf(pod) == "fp8") result.dataset_problem = "spec.quality.dataset: exam.jsonl:17: at least 9000 tokens";
    self.FinishInspect(pod, result, 0);
  });
  const api::TaskStatus status = cluster.Task().status;
  EXPECT_EQ(status.state, "Failed");
  const api::Condition* ready = api::FindCondition(status.conditions, "Ready");
  ASSERT_NE(ready, nullptr);
  EXPECT_EQ(ready->reason, "InvalidSpec");
  EXPECT_THAT(ready->message, HasSubstr("spec.models[1] (fp8): spec.quality.dataset: exam.jsonl:17"));
  EXPECT_THAT(cluster.created, SizeIs(3)) << "pods that read, and none that measures";
}

TEST(SeveralCheckpoints, OfDifferentModelsAreRefusedByNameBeforeAnythingRuns) {
  const struct {
    const char* key;
    json value;
    const char* expected;
  } rows[] = {{"model_type", "qwen2", "its type is qwen2, not llama"},
              {"num_hidden_layers", 80, "its number of layers is 80, not 32"},
              {"num_attention_heads", 64, "its number of attention heads is 64, not 32"},
              {"num_key_value_heads", 32, "its number of KV heads is 32, not 8"},
              {"head_dim", 64, "the size of its heads is 64, not 128"},
              {"vocab_size", 32000, "the size of its vocabulary is 32000, not 128256"}};
  for (const auto& row : rows) {
    json task = CheckpointTask();
    task["spec"]["models"][2]["facts"][row.key] = row.value;
    FakeCluster cluster(task);
    cluster.RunToEnd(MeasureByCheckpoint);
    const api::AutotuneTask ended = cluster.Task();
    const api::Condition* ready = api::FindCondition(ended.status.conditions, "Ready");
    ASSERT_NE(ready, nullptr);
    EXPECT_EQ(ready->reason, "InvalidSpec");
    EXPECT_THAT(ready->message,
                HasSubstr("spec.models[2] (awq): is not a checkpoint of the same model as spec.models[0] (bf16): " +
                          std::string(row.expected)));
    EXPECT_TRUE(cluster.created.empty());
  }
}

TEST(SeveralCheckpoints, OfDifferentLengthsAreToldApart) {
  json task = CheckpointTask();
  for (int i = 0; i < 3; ++i) task["spec"]["models"][i]["facts"]["max_position_embeddings"] = i == 2 ? 8192 : 131072;
  const auto parsed = api::TaskFromJson(task);
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  std::vector<checkpoint::ModelFacts> facts;
  for (std::size_t i = 0; i < 3; ++i) facts.push_back(**InlineFacts(parsed->spec, i));
  const auto space = BuildSpace(parsed->spec, facts, {}, Rules(), {});
  ASSERT_TRUE(space.ok()) << space.error().message;
  std::vector<quant::Warning> told;
  std::ranges::copy_if(space->warnings, std::back_inserter(told),
                       [](const quant::Warning& warning) { return warning.reason == "ContextLengthsDiffer"; });
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told[0].field, "models.awq");
  EXPECT_THAT(told[0].message, HasSubstr("has 8192 positions, and bf16 131072"));

  // Two revisions that are one commit.
  api::TaskSpec twice = parsed->spec;
  twice.models[1].id_or_path = twice.models[0].id_or_path;
  twice.models[1].revision = "v1";
  facts[1] = facts[0];
  EXPECT_TRUE(BuildSpace(twice, facts, {}, Rules(), {}).ok()) << "nothing is known of the commits";
  facts[0].commit = facts[1].commit = std::string(40, 'a');
  const auto refused = BuildSpace(twice, facts, {}, Rules(), {});
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message,
              HasSubstr("spec.models[1] (fp8): is the same checkpoint as spec.models[0] (bf16): both revisions are"));
}

TEST(SeveralCheckpoints, AFurtherOneKeepsWhatWasMeasuredOfTheOthers) {
  json task = CheckpointTask();
  const json awq = task["spec"]["models"][2];
  task["spec"]["models"].erase(2);
  FakeCluster cluster(task);
  cluster.RunToEnd(MeasureByCheckpoint);
  const std::size_t before = cluster.created.size();
  cluster.EditSpec([&](json& spec) { spec["models"].push_back(awq); });
  cluster.RunToEnd(MeasureByCheckpoint);
  EXPECT_EQ(cluster.Task().status.best->model, "awq");
  for (std::size_t i = before; i < cluster.created_pods.size(); ++i) EXPECT_EQ(ModelOf(cluster.created_pods[i]), "awq");
}

}  // namespace
}  // namespace autotune::reconcile
