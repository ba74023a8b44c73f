#include "tests/reconcile/fake_cluster.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "bench/result.h"
#include "operator/reconcile/observed_task.h"
#include "tuning/candidate.h"

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

namespace {

int VersionOf(const json& object) { return std::stoi(object["metadata"]["resourceVersion"].get<std::string>()); }

void Bump(json& object) { object["metadata"]["resourceVersion"] = std::to_string(VersionOf(object) + 1); }

bool HasEnded(const json& pod) { return pod["status"]["phase"] == "Succeeded" || pod["status"]["phase"] == "Failed"; }

bool IsDeleting(const json& pod) { return pod["metadata"].contains("deletionTimestamp"); }

}  // namespace

void FakeCluster::EditSpec(const std::function<void(json&)>& edit) {
  const json before = task["spec"];
  edit(task["spec"]);
  if (task["spec"] == before) return;
  task["metadata"]["generation"] = task["metadata"]["generation"].get<int>() + 1;
  Bump(task);
}

base::Result<WrittenStatus> FakeCluster::PatchStatus(const api::ObjectMeta& meta, const json& patch) {
  if (Crashes("status")) return base::Retry("killed");
  if (refuse_status) return *refuse_status;
  if (meta.resource_version != task["metadata"]["resourceVersion"])
    return base::Error{base::Code::kConflict, "conflict"};
  json status = task.value("status", json::object());
  status.merge_patch(patch);
  WrittenStatus written;
  for (const std::string& field : unknown_fields) {
    const json::json_pointer at(field);
    if (!status.contains(at)) continue;
    status[at.parent_pointer()].erase(at.back());
    if (patch.contains(at)) written.dropped = "status." + field.substr(1);
  }
  if (status != task.value("status", json::object())) {
    task["status"] = std::move(status);
    Bump(task);
  }
  ++status_writes;
  expected_version_ = VersionOf(task);
  written.resource_version = task["metadata"]["resourceVersion"].get<std::string>();
  return written;
}

base::Status FakeCluster::CreatePod(const json& pod) {
  if (Crashes("create")) return base::Retry("killed");
  if (refuse_pods) return *refuse_pods;
  if (admission) {
    if (auto refused = admission(pod)) return *refused;
  }
  const std::string name = pod["metadata"]["name"];
  if (pods.contains(name)) {
    expected_pods_.insert(pods[name]["metadata"]["uid"].get<std::string>());
    return {};
  }
  json stored = pod;
  stored["metadata"]["uid"] = "uid-" + std::to_string(next_uid_++);
  stored["metadata"]["creationTimestamp"] = base::FormatRfc3339(clock.Wall());
  stored["status"] = {{"phase", "Pending"}};
  pods[name] = stored;
  created.push_back(name);
  created_pods.push_back(stored);
  expected_pods_.insert(stored["metadata"]["uid"].get<std::string>());
  return {};
}

base::Status FakeCluster::DeleteTask(const api::ObjectMeta&) {
  if (Crashes("delete task")) return base::Retry("killed");
  if (refuse_deletes) return *refuse_deletes;
  ++task_deletes;
  return {};
}

base::Status FakeCluster::DeletePod(const std::string&, const std::string& name, const std::string& uid) {
  if (Crashes("delete")) return base::Retry("killed");
  if (refuse_deletes) return *refuse_deletes;
  unexpected_pods_.insert(uid);
  const auto found = pods.find(name);
  if (found == pods.end() || found->second["metadata"]["uid"] != uid || IsDeleting(found->second)) return {};
  // Nobody runs what was never scheduled.
  if (!found->second["spec"].contains("nodeName")) {
    pods.erase(found);
    return {};
  }
  const int grace = found->second["spec"].value("terminationGracePeriodSeconds", 30);
  found->second["metadata"]["deletionTimestamp"] = base::FormatRfc3339(clock.Wall() + std::chrono::seconds(grace));
  return {};
}

base::Status FakeCluster::ApplyConfigMap(const json& config_map) {
  if (Crashes("configmap")) return base::Retry("killed");
  if (refuse_config_maps) return *refuse_config_maps;
  config_maps[config_map["metadata"]["name"]] = config_map;
  return {};
}

base::Result<json> FakeCluster::ReadWorkload(const std::string& ns, const std::string& kind, const std::string& name) {
  ++deployment_reads;
  if (refuse_reads) return *refuse_reads;
  const auto found = deployments.find(name);
  if (found != deployments.end()) return found->second;
  return base::Error{base::Code::kNotFound, "there is no " + kind + " \"" + name + "\" in namespace " + ns};
}

base::Status FakeCluster::VisitTasks(const std::string&, const std::function<void(const api::AutotuneTask&)>& visit) {
  ++task_reads;
  if (Crashes("tasks")) return base::Retry("killed");
  visit(Task());
  for (const json& other : other_tasks) {
    const auto read = api::TaskFromJson(other);
    if (read) visit(*read);
  }
  return {};
}

void FakeCluster::Emit(const api::ObjectMeta&, const TaskEvent& event) { events.push_back(event); }

bool FakeCluster::OnLostNode(const json& pod) const {
  return pod["spec"].contains("nodeName") && lost_nodes.contains(pod["spec"]["nodeName"].get<std::string>());
}

void FakeCluster::Terminate() {
  std::erase_if(pods, [&](const auto& pod) { return IsDeleting(pod.second) && !OnLostNode(pod.second); });
}

void FakeCluster::Restart() {
  memory = {};
  expected_version_ = 0;
  expected_pods_.clear();
  unexpected_pods_.clear();
  CatchUp();  // it lists
}

void FakeCluster::NameExperimentsOtherwise(bool scheme_is_another) {
  const api::AutotuneTask read = Task();
  if (!task.contains("status") || !task["status"].contains("experiments")) return Restart();
  json& status = task["status"];
  for (json& entry : status["experiments"]) {
    const std::string hash = entry["hash"], other(hash.rbegin(), hash.rend());
    for (int attempt = 1; attempt <= 64; ++attempt) {
      auto pod = pods.extract(experiment::PodName(read, hash, attempt));
      if (pod.empty()) continue;
      pod.key() = experiment::PodName(read, other, attempt);
      pod.mapped()["metadata"]["name"] = pod.key();
      pod.mapped()["metadata"]["labels"][experiment::kHashLabel] = other;
      pods.insert(std::move(pod));
    }
    entry["hash"] = other;
  }
  if (scheme_is_another && status.contains("expandedFor")) {
    json& expanded = status["expandedFor"];
    expanded["hashScheme"] = tuning::kHashScheme + 1;
    expanded["spec"] = "of another scheme";
    for (json& runtime : expanded["runtimes"]) runtime["hash"] = "of another scheme";
  }
  Bump(task);
  Restart();
}

void FakeCluster::CatchUp() {
  seen_task_.reset();
  seen_pods_.reset();
}

bool FakeCluster::CachesShowOwnWrites() const {
  if (seen_task_ && VersionOf(*seen_task_) < expected_version_) return false;
  if (!seen_pods_) return true;
  std::map<std::string, bool> seen;  // by UID: being deleted
  for (const auto& [name, pod] : *seen_pods_) seen[pod["metadata"]["uid"]] = IsDeleting(pod);
  return std::ranges::all_of(expected_pods_,
                             [&](const auto& uid) { return seen.contains(uid) || unexpected_pods_.contains(uid); }) &&
         std::ranges::all_of(unexpected_pods_, [&](const auto& uid) { return !seen.contains(uid) || seen[uid]; });
}

base::Result<Observed> FakeCluster::Observe() const {
  auto read = ObserveTask(seen_task_ ? *seen_task_ : task);
  if (!read) return std::move(read).error();
  Observed observed;
  observed.task = std::move(read->task);
  observed.spec_error = std::move(read->spec_error);
  observed.status_error = std::move(read->status_error);
  for (const auto& [name, pod] : seen_pods_ ? *seen_pods_ : pods) {
    observed.pods.push_back(experiment::PodViewFromJson(pod));
  }
  for (const json& node : nodes) observed.nodes.push_back(experiment::NodeViewFromJson(node));
  observed.memory = memory;
  observed.memory.Begin(observed.task.metadata.generation);
  return observed;
}

base::Status FakeCluster::Reconcile() {
  if (!CachesShowOwnWrites()) {
    wake_at = clock.Wall() + std::chrono::minutes(5);
    return {};
  }
  expected_pods_.clear();
  auto observed = Observe();
  if (!observed) return std::move(observed).error();
  memory = observed->memory;
  last_plan = Decide(*observed, settings, clock.Wall());
  wake_at = last_plan.wake_at;
  const Applied applied = Apply(last_plan, observed->task, *this, clock.Wall(), memory);
  if (applied.look_again) wake_at = clock.Wall();
  return applied.status;
}

bool FakeCluster::RunUntilQuiet(const std::function<void(FakeCluster&, json&)>& kubelet) {
  for (int step = 0; step < 1000; ++step) {
    const json before = {task, pods};
    const bool applied = Reconcile().ok();
    const bool again = wake_at && *wake_at <= clock.Wall();
    Terminate();
    for (auto& [name, pod] : pods) {
      if (!HasEnded(pod) && !IsDeleting(pod) && !OnLostNode(pod)) kubelet(*this, pod);
    }
    // A failed reconcile is repeated, as the work queue does.
    if (applied && !again && before == json{task, pods}) return true;
  }
  ADD_FAILURE() << "the task did not come to rest: " << task["status"].dump(1);
  return false;
}

void FakeCluster::RunToEnd(const std::function<void(FakeCluster&, json&)>& kubelet) {
  for (int jump = 0; jump < 500; ++jump) {
    if (!RunUntilQuiet(kubelet) || !wake_at) return;
    clock.Advance(std::max<base::Duration>(std::chrono::seconds(1), *wake_at - clock.Wall()));
  }
  ADD_FAILURE() << "the task never ends: " << task["status"].dump(1);
}

void FakeCluster::SetPhaseRunning(json& pod) {
  const std::string now = base::FormatRfc3339(clock.Wall());
  if (!pod["spec"].contains("nodeName")) pod["spec"]["nodeName"] = "node-1";
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

void FakeCluster::Finish(json& pod, const std::string& message, int exit_code, double seconds) {
  SetPhaseRunning(pod);
  const std::string started = base::FormatRfc3339(clock.Wall());
  clock.Advance(std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::duration<double>(seconds)));
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

void FakeCluster::FinishInspect(json& pod, const bench::InspectResult& result, int exit_code) {
  Finish(pod, bench::Encode(result), exit_code);
  pod["status"].erase("initContainerStatuses");
  pod["status"]["containerStatuses"][0]["name"] = "inspect";
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
      "optimization": {"strategy": "Grid"},
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
  if (quality_problem.empty()) {
    result.quality.emplace().text = "corpus-3";
    for (std::size_t i = 0; i < measurement::kQualityBlocks; ++i) {
      const auto print = static_cast<std::uint16_t>(nll * 1000);
      result.quality->blocks.push_back({measurement::TextKind::kLong, 1, nll, {print, print, print}, std::nullopt});
    }
  }
  return bench::Encode(result);
}

std::string FailureMessage(bench::FailureReason reason, const std::string& text) {
  bench::RunResult result;
  result.failure = bench::Failure{reason, text, 1, 0};
  return bench::Encode(result);
}

std::string MachineFaultMessage(const std::string& text) {
  bench::RunResult result;
  result.failure = bench::Failure{bench::FailureReason::kEngineCrashed, text, 1, 0, true};
  return bench::Encode(result);
}

}  // namespace autotune::reconcile
