#include "tests/reconcile/fake_cluster.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "bench/result.h"
#include "operator/reconcile/observed_task.h"

namespace autotune::reconcile {

using nlohmann::json;

FakeCluster::FakeCluster(json initial) : task(std::move(initial)) {
  task["metadata"]["uid"] = "uid-task";
  task["metadata"]["generation"] = 1;
  task["metadata"]["resourceVersion"] = "1";
  settings.rules = &Rules();
  settings.environment.tools_image = "autotune:test";
}

api::AutotuneTask FakeCluster::Task() const {
  auto observed = ObserveTask(task);
  EXPECT_TRUE(observed.ok()) << (observed.ok() ? "" : observed.error().message);
  return observed.ok() ? std::move(observed->task) : api::AutotuneTask{};
}

void FakeCluster::EditSpec(const std::function<void(json&)>& edit) {
  edit(task["spec"]);
  task["metadata"]["generation"] = task["metadata"]["generation"].get<int>() + 1;
  task["metadata"]["resourceVersion"] =
      std::to_string(std::stoi(task["metadata"]["resourceVersion"].get<std::string>()) + 1);
}

base::Result<std::string> FakeCluster::PatchStatus(const api::ObjectMeta& meta, const json& patch) {
  if (Crashes("status")) return base::Retry("killed");
  if (meta.resource_version != task["metadata"]["resourceVersion"])
    return base::Error{base::Code::kConflict, "conflict"};
  if (!task.contains("status")) task["status"] = json::object();
  task["status"].merge_patch(patch);
  const std::string version = std::to_string(std::stoi(meta.resource_version) + 1);
  task["metadata"]["resourceVersion"] = version;
  ++status_writes;
  return version;
}

base::Status FakeCluster::CreatePod(const json& pod) {
  if (Crashes("create")) return base::Retry("killed");
  if (refuse_pods) return *refuse_pods;
  const std::string name = pod["metadata"]["name"];
  if (pods.contains(name)) return {};
  json stored = pod;
  stored["metadata"]["uid"] = "uid-" + std::to_string(next_uid_++);
  stored["metadata"]["creationTimestamp"] = base::FormatRfc3339(clock.Wall());
  stored["status"] = {{"phase", "Pending"}};
  pods[name] = stored;
  created.push_back(name);
  created_pods.push_back(stored);
  return {};
}

base::Status FakeCluster::DeletePod(const std::string&, const std::string& name, const std::string& uid) {
  if (Crashes("delete")) return base::Retry("killed");
  const auto found = pods.find(name);
  if (found != pods.end() && found->second["metadata"]["uid"] == uid) pods.erase(found);
  return {};
}

base::Status FakeCluster::ApplyConfigMap(const json& config_map) {
  if (Crashes("configmap")) return base::Retry("killed");
  config_maps[config_map["metadata"]["name"]] = config_map;
  return {};
}

void FakeCluster::Emit(const api::ObjectMeta&, const TaskEvent& event) { events.push_back(event); }

base::Status FakeCluster::Reconcile() {
  Observed observed;
  auto read = ObserveTask(task);
  if (!read) return std::move(read).error();
  observed.task = std::move(read->task);
  observed.spec_error = std::move(read->spec_error);
  for (const auto& [name, pod] : pods) observed.pods.push_back(experiment::PodViewFromJson(pod));
  for (const json& node : nodes) observed.nodes.push_back(experiment::NodeViewFromJson(node));
  observed.refusal = refusal_;
  const Plan plan = Decide(observed, settings, clock.Wall());
  wake_at = plan.wake_at;
  base::Status applied = Apply(plan, observed.task, *this, nullptr);
  if (!applied && (applied.error().code == base::Code::kDenied || applied.error().code == base::Code::kInvalid)) {
    refusal_ = {applied.error().message, clock.Wall()};
  }
  return applied;
}

bool FakeCluster::RunUntilQuiet(const std::function<void(FakeCluster&, json&)>& kubelet) {
  for (int step = 0; step < 1000; ++step) {
    const json before = {task, pods};
    const bool applied = Reconcile().ok();
    for (auto& [name, pod] : pods) {
      if (pod["status"]["phase"] != "Succeeded" && pod["status"]["phase"] != "Failed") kubelet(*this, pod);
    }
    // A failed reconcile is repeated, as the work queue does.
    if (applied && before == json{task, pods}) return true;
  }
  ADD_FAILURE() << "the task did not come to rest: " << task["status"].dump(1);
  return false;
}

void FakeCluster::RunToEnd(const std::function<void(FakeCluster&, json&)>& kubelet) {
  while (RunUntilQuiet(kubelet) && wake_at) {
    clock.Advance(std::max<base::Duration>(std::chrono::seconds(1), *wake_at - clock.Wall()));
  }
}

void FakeCluster::SetPhaseRunning(json& pod) {
  const std::string now = base::FormatRfc3339(clock.Wall());
  pod["spec"]["nodeName"] = "node-1";
  pod["status"] = {
      {"phase", "Running"},
      {"startTime", now},
      {"conditions", {{{"type", "PodScheduled"}, {"status", "True"}, {"lastTransitionTime", now}}}},
      {"initContainerStatuses",
       {{{"name", "install"},
         {"ready", true},
         {"restartCount", 0},
         {"state",
          {{"terminated", {{"exitCode", 0}, {"reason", "Completed"}, {"startedAt", now}, {"finishedAt", now}}}}}},
        {{"name", "engine"},
         {"ready", true},
         {"started", true},
         {"restartCount", 0},
         {"state", {{"running", {{"startedAt", now}}}}}}}},
      {"containerStatuses",
       {{{"name", "bench"},
         {"ready", true},
         {"started", true},
         {"restartCount", 0},
         {"state", {{"running", {{"startedAt", now}}}}}}}}};
}

void FakeCluster::Finish(json& pod, const std::string& message, int exit_code) {
  SetPhaseRunning(pod);
  const std::string started = base::FormatRfc3339(clock.Wall());
  clock.Advance(std::chrono::seconds(120));
  const std::string now = base::FormatRfc3339(clock.Wall());
  const json terminated = {{"terminated",
                            {{"exitCode", exit_code},
                             {"reason", exit_code == 0 ? "Completed" : "Error"},
                             {"message", message},
                             {"startedAt", started},
                             {"finishedAt", now}}}};
  pod["status"]["containerStatuses"][0]["state"] = terminated;
  pod["status"]["phase"] = exit_code == 0 ? "Succeeded" : "Failed";
}

std::vector<std::string> EngineArgv(const json& pod) {
  std::vector<std::string> argv;
  for (const json& container : pod["spec"]["initContainers"]) {
    if (container["name"] != "engine") continue;
    for (const char* part : {"command", "args"}) {
      for (const json& word : container.value(part, json::array())) argv.push_back(word);
    }
  }
  const auto separator = std::find(argv.begin(), argv.end(), "--");
  return separator == argv.end() ? argv : std::vector<std::string>(separator + 1, argv.end());
}

json SmallTask() {
  return json::parse(R"json({
    "apiVersion": "autotuner.io/v1alpha1", "kind": "AutotuneTask",
    "metadata": {"name": "llama", "namespace": "ml"},
    "spec": {
      "model": {"idOrPath": "meta-llama/Llama-3.1-8B-Instruct",
        "facts": {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "torch_dtype": "bfloat16", "hidden_size": 4096,
                  "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8, "intermediate_size": 14336,
                  "vocab_size": 128256, "max_position_embeddings": 131072}},
      "runtimes": [{"name": "vllm", "engine": "vllm", "image": "vllm/vllm-openai:v0.24.0"}],
      "quantConfig": {"presets": ["default", "kv-cache-fp8"]},
      "benchmark": {"scenarios": ["D(512,128)"], "load": {"concurrency": [8]}, "duration": "10s"
}
}
})json");
}

const quant::RuleSet& Rules() {
  static const quant::RuleSet rules = [] {
    auto loaded = quant::RuleSet::BuiltIn();
    if (!loaded) throw std::runtime_error(loaded.error().message);
    return std::move(*loaded);
  }();
  return rules;
}

namespace {

bench::RunResult Result(double tokens_per_second, double tpot_ms) {
  bench::RunResult result;
  result.simulated = true;
  result.start_seconds = 40;
  result.measure_seconds = 60;
  measurement::Point load;
  load.scenario = "D(512,128)";
  load.load = measurement::Concurrency(8);
  load.window_seconds = 10;
  load.requests = 100;
  load.input_tokens = 51'200;
  load.output_tokens = static_cast<std::int64_t>(tokens_per_second * 10);
  load.output_tokens_per_second = tokens_per_second;
  load.requests_per_second = 10;
  load.ttft = {50, 50, 60, 70, 80};
  load.tpot = {tpot_ms, tpot_ms, tpot_ms, tpot_ms, tpot_ms};
  load.e2e = {900, 900, 950, 960, 990};
  result.points = {load};
  return result;
}

}  // namespace

std::string ResultMessage(double tokens_per_second, double tpot_ms) {
  return bench::Encode(Result(tokens_per_second, tpot_ms));
}

std::string ResultMessage(double tokens_per_second, double nll, const std::string& quality_problem) {
  bench::RunResult result = Result(tokens_per_second, 10'000 / tokens_per_second);
  result.quality_problem = quality_problem;
  if (quality_problem.empty()) result.quality = measurement::Quality{"builtin-1", std::vector<double>(16, nll)};
  return bench::Encode(result);
}

std::string FailureMessage(bench::FailureReason reason, const std::string& text) {
  bench::RunResult result;
  result.failure = bench::Failure{reason, text, 1, 0};
  return bench::Encode(result);
}

}  // namespace autotune::reconcile
