// A model-based test: whatever a user edits, the API server refuses, nodes do or an upgrade changes, in whatever order,
// a task ends with the answer that a fresh task with the same spec comes to, or says why not.
//
// AUTOTUNE_MODEL_SEQUENCES sets how many random sequences run (default 60), AUTOTUNE_MODEL_SEED the first one's seed. A
// failure names its seed: AUTOTUNE_MODEL_SEED=<it> AUTOTUNE_MODEL_SEQUENCES=1 runs it alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "base/sha256.h"
#include "operator/reconcile/observed_task.h"
#include "tests/reconcile/fake_cluster.h"
#include "tuning/candidate.h"

namespace autotune::reconcile {
namespace {

using nlohmann::json;
using std::chrono::seconds;

std::uint64_t Number(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// ---- The machine: what a pod measures depends on what it runs and on nothing else
// ------------------------------------

bool IsInspect(const json& pod) { return pod["metadata"]["labels"][experiment::kRoleLabel] == "inspect"; }

std::string ProductOf(const std::string& node) {
  return node.starts_with("h200") ? "NVIDIA-H200" : "NVIDIA-H100-80GB-HBM3";
}

// What a request for GPUs says beyond what the pod shows, on the pod: another request is another measurement.
constexpr const char* kGpuAnnotation = "test/gpu";
void NoteGpuRequest(const json& spec, json& pod) {
  json request = json::object();
  const json gpu = spec.value("gpu", json::object());
  for (const char* field : {"products", "nodeSelector"}) {
    if (gpu.contains(field) && !gpu[field].empty()) request[field] = gpu[field];
  }
  if (pod["metadata"].value("/annotations"_json_pointer, json::object()).contains(kGpuAnnotation)) return;
  pod["metadata"]["annotations"][kGpuAnnotation] = request.dump();
}

// Everything of a pod that a measurement depends on.
std::uint64_t Digest(const json& pod, const std::string& product) {
  const json& engine = pod["spec"]["initContainers"][1];
  const json& bench = pod["spec"]["containers"][0];
  json spec = json::parse(bench["args"][6].get<std::string>());
  // Hints for finding the limit, from the facts and from what was measured before.
  for (const char* hint : {"experimentTimeoutMs", "vocabSize", "maxModelLen", "gpus", "scoreToBeat", "predictions"}) {
    spec.erase(hint);
  }
  // Bounds say which loads are measured only where those are searched.
  if (spec["load"].contains("fixed")) spec.erase("slo");
  // The token decides whether the weights arrive.
  json env = json::array();
  for (const json& variable : engine.value("env", json::array())) {
    if (variable["name"] != "HF_TOKEN") env.push_back(variable);
  }
  const json measured = {engine["image"],
                         EngineArgv(pod),
                         env,
                         engine["resources"],
                         spec,
                         bench["resources"],
                         pod["spec"].value("securityContext", json()),
                         pod["metadata"]["annotations"][kGpuAnnotation],
                         product};
  return std::stoull(base::Sha256Hex(measured.dump()).substr(0, 12), nullptr, 16);
}

bool IsRejected(std::uint64_t digest) { return digest % 11 == 0; }
int Speed(std::uint64_t digest) { return 500 + static_cast<int>(digest % 100'000); }

void EndWithResult(FakeCluster& cluster, json& pod) {
  if (IsInspect(pod)) {
    bench::InspectResult inspected;
    inspected.model.architecture = "LlamaForCausalLM";
    cluster.Finish(pod, bench::Encode(inspected), 0);
    pod["status"].erase("initContainerStatuses");
    pod["status"]["containerStatuses"][0]["name"] = "inspect";
    return;
  }
  const std::uint64_t digest = Digest(pod, ProductOf(pod["spec"]["nodeName"]));
  if (IsRejected(digest)) {
    cluster.Finish(pod, FailureMessage(bench::FailureReason::kEngineRejectedConfiguration, "ValueError: no"), 10);
  } else {
    cluster.Finish(pod, ResultMessage(Speed(digest), 1e6 / Speed(digest)), 0);
  }
}

json Node(const std::string& name) {
  return {{"metadata",
           {{"name", name},
            {"labels",
             {{"nvidia.com/gpu.product", ProductOf(name)},
              {"nvidia.com/gpu.compute.major", "9"},
              {"nvidia.com/gpu.compute.minor", "0"},
              {"pool", name.substr(0, 4)}}}}},
          {"status", {{"allocatable", {{"nvidia.com/gpu", "8"}}}}}};
}

bool Admits(const json& pod, const json& node) {
  if (node.value("/spec/unschedulable"_json_pointer, false)) return false;
  for (const auto& [key, value] : pod["spec"].value("nodeSelector", json::object()).items()) {
    if (node["metadata"]["labels"].value(key, "") != value) return false;
  }
  const std::string affinity = pod["spec"].value("affinity", json()).dump();
  const std::string product = node["metadata"]["labels"]["nvidia.com/gpu.product"];
  return affinity.find("gpu.product") == std::string::npos || affinity.find(product) != std::string::npos;
}

// ---- Rules: of another version, and with another default image -----------------------------------------------------

const quant::RuleSet& RulesOf(int which) {
  static std::map<int, quant::RuleSet> sets;
  if (which == 0) return Rules();
  if (const auto found = sets.find(which); found != sets.end()) return found->second;
  const std::filesystem::path directory = testing::TempDir() + "/model-rules-" + std::to_string(which);
  std::filesystem::create_directories(directory);
  for (const char* name : {"vllm.yaml", "vllm.flags.yaml"}) {
    std::string text(quant::RuleSet::BuiltInFile(name).value());
    if (which == 2) {
      const std::string image = "image: vllm/vllm-openai:v0.24.0";
      if (const std::size_t at = text.find(image); at != std::string::npos) text.insert(at + image.size(), ".post1");
    }
    std::ofstream(directory / name) << text << "# version " << which << "\n";
  }
  auto rules = quant::RuleSet::FromDirectory(directory);
  if (!rules) throw std::runtime_error(rules.error().message);
  return sets.emplace(which, std::move(*rules)).first->second;
}

const quant::RuleSet* RulesOfVersion(const std::string& version) {
  for (int which = 0; which < 3; ++which) {
    if (RulesOf(which).version() == version) return &RulesOf(which);
  }
  return nullptr;
}

// ---- What a fresh task comes to ------------------------------------------------------------------------------------

struct Fresh {
  std::set<int> speeds;  // of all that is measured
  api::TaskStatus status;
};

// Nothing where the spec cannot be carried out on these GPUs, or they are not known.
std::optional<Fresh> RunFresh(json spec, const std::string& product, const quant::RuleSet& rules) {
  static std::map<std::string, std::optional<Fresh>> known;
  if (product.empty()) return std::nullopt;
  spec["suspend"] = false;
  spec["parallelism"] = 16;
  // Which candidates an adaptive search measures depends on what it has seen. All of them are what it may report.
  if (spec["optimization"].value("strategy", "") != "Grid") {
    spec["optimization"]["strategy"] = "Grid";
    spec["optimization"]["maxExperiments"] = 256;
  }
  const std::string key = spec.dump() + product + rules.version();
  if (const auto found = known.find(key); found != known.end()) return found->second;
  json task = SmallTask();
  task["spec"] = spec;
  FakeCluster cluster(task);
  cluster.settings.rules = &rules;
  const std::string node = product == "NVIDIA-H200" ? "h200-0" : "h100-0";
  cluster.nodes = {Node(node)};
  cluster.RunToEnd([&](FakeCluster& self, json& pod) {
    pod["spec"]["nodeName"] = node;
    NoteGpuRequest(spec, pod);
    EndWithResult(self, pod);
  });
  std::optional<Fresh> fresh = Fresh{{}, cluster.Task().status};
  for (const api::ExperimentStatus& entry : fresh->status.experiments) {
    if (entry.state != api::ExperimentState::kSucceeded) continue;
    fresh->speeds.insert(static_cast<int>(entry.loads.at(0).measured.output_tokens_per_second));
  }
  if (fresh->status.gpu_product != product || !fresh->status.expanded_for) fresh.reset();
  known[key] = fresh;
  return fresh;
}

// ---- A sequence ----------------------------------------------------------------------------------------------------

class Sequence {
 public:
  explicit Sequence(std::uint64_t seed) : random_(seed), cluster_(FirstTask()) {
    cluster_.nodes = {Node("h100-0"), Node("h200-0")};
    cluster_.clock.Advance(seconds(1));
    cluster_.admission = [this](const json& pod) { return OnCreate(pod); };
    cluster_.crash = [this](const std::string& what) {
      if (what == "status") before_write_ = cluster_.task;
      return crash_in_ > 0 && --crash_in_ == 0;
    };
  }

  void Run() {
    const int steps = static_cast<int>(Below(60)) + 20;
    for (int step = 0; step < steps && !testing::Test::HasFailure(); ++step) {
      Happen();
      Look();
    }
    if (!testing::Test::HasFailure()) End();
    if (testing::Test::HasFailure()) {
      for (const std::string& line : log_) std::cerr << "  " << line << "\n";
      std::cerr << cluster_.task.dump(1) << "\n";
    }
  }

 private:
  std::uint64_t Below(std::uint64_t n) { return random_() % n; }
  bool OneIn(std::uint64_t n) { return Below(n) == 0; }
  template <typename T>
  const T& OneOf(const std::vector<T>& of) {
    return of[Below(of.size())];
  }
  void Note(std::string line) { log_.push_back(base::FormatRfc3339(cluster_.clock.Wall()) + " " + std::move(line)); }

  json FirstTask() {
    json task = SmallTask();
    if (OneIn(3)) task["spec"]["model"] = {{"idOrPath", "org/a"}};
    if (OneIn(2)) task["spec"]["runtimes"][0].erase("image");
    task["spec"]["parallelism"] = 1 + Below(3);
    task["spec"]["optimization"]["strategy"] = OneIn(4) ? "Adaptive" : "Grid";
    return task;
  }

  // ---- What may happen ----

  void Edit() {
    static const std::vector<std::pair<const char*, std::function<void(json&, std::uint64_t)>>> kEdits = {
        {"description", [](json& s, std::uint64_t n) { s["description"] = "text " + std::to_string(n % 3); }},
        {"suspend", [](json& s, std::uint64_t n) { s["suspend"] = n % 2 == 0; }},
        {"parallelism", [](json& s, std::uint64_t n) { s["parallelism"] = 1 + n % 3; }},
        {"model", [](json& s, std::uint64_t n) { s["model"]["idOrPath"] = n % 2 ? "org/a" : "org/b"; }},
        {"model.revision", [](json& s, std::uint64_t n) { s["model"]["revision"] = n % 2 ? "main" : "v2"; }},
        {"model.facts",
         [](json& s, std::uint64_t n) {
           if (n % 2) s["model"]["facts"] = SmallTask()["spec"]["model"]["facts"];
           if (n % 2 == 0) s["model"].erase("facts");
         }},
        {"model.quantization",
         [](json& s, std::uint64_t n) {
           n % 2 ? void(s["model"]["quantization"] = "awq") : void(s["model"].erase("quantization"));
         }},
        {"model.huggingFace",
         [](json& s, std::uint64_t n) {
           s["model"]["huggingFace"] = {{"tokenSecretRef", {{"name", n % 2 ? "hf" : "other"}, {"key", "token"}}}};
         }},
        {"quantConfig.presets",
         [](json& s, std::uint64_t n) {
           s["quantConfig"] = {{"presets", json::array({"default"})}};
           if (n % 2) s["quantConfig"]["presets"].push_back("kv-cache-fp8");
           if (n % 3) s["quantConfig"]["presets"].push_back("dynamic-fp8");
         }},
        {"quantConfig that cannot be",
         [](json& s, std::uint64_t) {
           s["quantConfig"] = {{"gemmDtype", "fp9"}};
         }},
        {"quantConfig.gemmDtype",
         [](json& s, std::uint64_t) {
           s["quantConfig"] = {{"gemmDtype", "fp8"}};
         }},
        {"parameters",
         [](json& s, std::uint64_t n) {
           s["parameters"] = {{"max-num-seqs", n % 2 ? json{64, 128} : json{64}}};
         }},
        {"no parameters", [](json& s, std::uint64_t) { s.erase("parameters"); }},
        {"runtimes[].image",
         [](json& s, std::uint64_t n) {
           n % 2 ? void(s["runtimes"][0].erase("image")) : void(s["runtimes"][0]["image"] = "vllm/vllm-openai:v0.20.1");
         }},
        {"runtimes[].args",
         [](json& s, std::uint64_t n) { s["runtimes"][0]["args"] = n % 2 ? json{"--enforce-eager"} : json::array(); }},
        {"runtimes[].env",
         [](json& s, std::uint64_t n) {
           s["runtimes"][0]["env"] = {{{"name", "A"}, {"value", std::to_string(n % 2)}}};
         }},
        {"runtimes[1]",
         [](json& s, std::uint64_t n) {
           while (s["runtimes"].size() > 1) s["runtimes"].erase(1);
           if (n % 2) s["runtimes"].push_back({{"name", "sg"}, {"engine", "sglang"}});
         }},
        {"an engine that does not exist",
         [](json& s, std::uint64_t) { s["runtimes"][0]["version"] = "not a version"; }},
        {"runtimes[].version", [](json& s, std::uint64_t) { s["runtimes"][0].erase("version"); }},
        {"benchmark.duration", [](json& s, std::uint64_t n) { s["benchmark"]["duration"] = n % 2 ? "10s" : "20s"; }},
        {"benchmark.load",
         [](json& s, std::uint64_t n) {
           n % 2 ? void(s["benchmark"]["load"] = {{"concurrency", {8}}}) : void(s["benchmark"].erase("load"));
         }},
        {"benchmark.resources",
         [](json& s, std::uint64_t n) {
           s["benchmark"]["resources"] = {{"limits", {{"memory", n % 2 ? "1Gi" : "2Gi"}}}};
         }},
        {"slo",
         [](json& s, std::uint64_t n) {
           s["slo"] = {{"tpot", {{"p95", n % 2 ? "1ms" : "900ms"}}}};
         }},
        {"optimization.objective",
         [](json& s, std::uint64_t n) {
           s["optimization"]["objective"] = n % 2 ? "MaximizeThroughput" : "MinimizeTPOT";
         }},
        {"optimization.retries", [](json& s, std::uint64_t n) { s["optimization"]["retries"] = n % 4; }},
        {"optimization.startupTimeout",
         [](json& s, std::uint64_t n) { s["optimization"]["startupTimeout"] = n % 2 ? "30m" : "20m"; }},
        {"optimization.schedulingTimeout",
         [](json& s, std::uint64_t n) { s["optimization"]["schedulingTimeout"] = n % 2 ? "30m" : "10m"; }},
        {"optimization.maxExperiments",
         [](json& s, std::uint64_t n) { s["optimization"]["maxExperiments"] = 1 + n % 4; }},
        {"gpu.products",
         [](json& s, std::uint64_t n) {
           s["gpu"]["products"] = n % 3 == 0   ? json::array()
                                  : n % 3 == 1 ? json{"NVIDIA-H200"}
                                               : json{"NVIDIA-H100-80GB-HBM3"};
         }},
        {"gpu.nodeSelector",
         [](json& s, std::uint64_t n) {
           s["gpu"]["nodeSelector"] = n % 2 ? json::object() : json{{"pool", "h200"}};
         }},
        {"gpu.tolerations",
         [](json& s, std::uint64_t n) {
           s["gpu"]["tolerations"] = {{{"key", "k" + std::to_string(n % 2)}, {"operator", "Exists"}}};
         }},
        {"gpu.pricePerHour", [](json& s, std::uint64_t n) { s["gpu"]["pricePerHour"] = std::to_string(1 + n % 3); }},
        {"podTemplate.labels",
         [](json& s, std::uint64_t n) {
           s["podTemplate"]["labels"] = {{"team", n % 2 ? "a" : "b"}};
         }},
        {"podTemplate.securityContext",
         [](json& s, std::uint64_t n) {
           s["podTemplate"]["securityContext"] = {{"fsGroup", 1000 + n % 2}};
         }},
        {"keepPods",
         [](json& s, std::uint64_t n) { s["keepPods"] = n % 3 == 0   ? "Never"
                                                        : n % 3 == 1 ? "OnFailure"
                                                                     : "Always"; }},
    };
    const auto& [name, edit] = OneOf(kEdits);
    const std::uint64_t value = random_();
    cluster_.EditSpec([&](json& spec) { edit(spec, value); });
    Note(std::string("edit of ") + name + " to " + cluster_.task["spec"].dump());
    most_parallel_ = std::max(most_parallel_, cluster_.task["spec"].value("parallelism", 1));
  }

  void Refuse() {
    static const std::vector<base::Error> kRefusals = {
        {base::Code::kRetry, "pods is forbidden: User cannot create resource", std::nullopt, 403},
        {base::Code::kRetry, "Unauthorized", std::nullopt, 401},
        {base::Code::kRetry, "ValidatingAdmissionPolicy denied request", std::nullopt, 422},
        {base::Code::kRetry, "exceeded quota: q, requested: pods=1, used: pods=4, limited: pods=4", std::nullopt, 403},
        {base::Code::kInvalid, "Pod is invalid", std::nullopt, 422},
        {base::Code::kAlreadyExists, "exists and belongs to somebody else", std::nullopt, 409},
        {base::Code::kRetry, "the server is overloaded", std::nullopt, 503}};
    std::optional<base::Error> error;
    if (OneIn(2)) error = OneOf(kRefusals);
    const std::string words = error ? error->message : "nothing";
    switch (Below(3)) {
      case 0:
        refuse_ = error;
        Note("pods are refused: " + words);
        break;
      case 1:
        cluster_.refuse_config_maps = error;
        Note("ConfigMaps are refused: " + words);
        break;
      default:
        if (error) error->code = base::Code::kRetry;
        cluster_.refuse_status = OneIn(2) ? error : std::nullopt;
        Note(std::string("status is refused: ") + (cluster_.refuse_status ? words : "nothing"));
    }
  }

  void Nodes() {
    const std::string name = OneOf(std::vector<std::string>{"h100-0", "h100-1", "h200-0", "h200-1"});
    const auto at = std::find_if(cluster_.nodes.begin(), cluster_.nodes.end(),
                                 [&](const json& node) { return node["metadata"]["name"] == name; });
    if (at == cluster_.nodes.end()) {
      cluster_.nodes.push_back(Node(name));
      cluster_.lost_nodes.erase(name);
      Note("node " + name + " comes");
    } else if (OneIn(3)) {
      (*at)["spec"]["unschedulable"] = !at->value("/spec/unschedulable"_json_pointer, false);
      Note("node " + name + " is cordoned or not");
    } else if (OneIn(2)) {
      if (!cluster_.lost_nodes.erase(name)) cluster_.lost_nodes.insert(name);
      Note("node " + name + " is lost or back");
    } else {
      cluster_.nodes.erase(at);
      cluster_.lost_nodes.erase(name);
      std::erase_if(cluster_.pods, [&](const auto& pod) { return pod.second["spec"].value("nodeName", "") == name; });
      Note("node " + name + " goes, with its pods");
    }
  }

  void Upgrade() {
    switch (Below(4)) {
      case 0:
        cluster_.NameExperimentsOtherwise(true);
        Note("upgrade: another scheme of hashes");
        break;
      case 1:
        cluster_.NameExperimentsOtherwise(false);
        Note("upgrade: other hashes under the same number");
        break;
      case 2:
        cluster_.settings.rules = &RulesOf(static_cast<int>(Below(3)));
        cluster_.Restart();
        Note("upgrade: rules " + cluster_.settings.rules->version());
        break;
      default:
        cluster_.Restart();
        Note("restart");
    }
  }

  void HarmAPod() {
    if (cluster_.pods.empty()) return;
    auto at = cluster_.pods.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(Below(cluster_.pods.size())));
    json& pod = at->second;
    Note("harm to pod " + at->first);
    switch (Below(3)) {
      case 0:
        Delete(at->first);
        break;
      case 1:
        if (!pod["spec"].contains("nodeName") || HasEnded(pod)) return;
        cluster_.SetPhaseRunning(pod);
        pod["status"]["phase"] = "Failed";
        pod["status"]["reason"] = "NodeLost";
        break;
      default:
        if (!pod["spec"].contains("nodeName") || HasEnded(pod) || IsInspect(pod)) return;
        cluster_.Finish(pod, MachineFaultMessage("NCCL error: unhandled system error"), 10);
    }
  }

  void Happen() {
    switch (Below(12)) {
      case 0:
      case 1:
        return Edit();
      case 2:
        return Refuse();
      case 3:
        return Nodes();
      case 4:
        return OneIn(2) ? Upgrade() : HarmAPod();
      case 5:
        if (OneIn(2)) {
          OneIn(2) ? cluster_.LagTasks() : cluster_.LagPods();
          Note("a cache lags");
        } else {
          cluster_.CatchUp();
          Note("the caches catch up");
        }
        return;
      case 6:
        crash_in_ = static_cast<int>(Below(4)) + 1;
        Note("killed at the " + std::to_string(crash_in_) + ". write from now");
        return;
      case 7:
      case 8:
        cluster_.clock.Advance(seconds(1 + Below(OneIn(4) ? 3000 : 60)));
        return;
      default:
        return Kubelet();
    }
  }

  static bool HasEnded(const json& pod) {
    return pod["status"]["phase"] == "Succeeded" || pod["status"]["phase"] == "Failed";
  }

  // By somebody else.
  void Delete(const std::string& name) {
    const int crash = std::exchange(crash_in_, 0);
    FakeCluster& c = cluster_;
    json& pod = c.pods[name];
    if (!pod["spec"].contains("nodeName")) {
      c.pods.erase(name);
    } else if (!pod["metadata"].contains("deletionTimestamp")) {
      pod["metadata"]["deletionTimestamp"] = base::FormatRfc3339(c.clock.Wall() + seconds(30));
    }
    crash_in_ = crash;
  }

  // Scheduler, kubelets and node controller.
  void Kubelet(bool to_the_end = false) {
    cluster_.Terminate();
    std::vector<std::string> names;
    for (const auto& [name, pod] : cluster_.pods) names.push_back(name);
    for (const std::string& name : names) {
      json& pod = cluster_.pods[name];
      if (HasEnded(pod) || pod["metadata"].contains("deletionTimestamp")) continue;
      if (cluster_.OnLostNode(pod)) {
        if (to_the_end || OneIn(3)) Delete(name);
        continue;
      }
      if (!to_the_end && OneIn(3)) continue;
      if (!pod["spec"].contains("nodeName")) {
        Schedule(pod);
      } else if (pod["status"]["phase"] == "Pending") {
        cluster_.SetPhaseRunning(pod);
      } else {
        EndWithResult(cluster_, pod);
      }
    }
  }

  void Schedule(json& pod) {
    const std::string now = base::FormatRfc3339(cluster_.clock.Wall());
    for (const json& node : cluster_.nodes) {
      const std::string name = node["metadata"]["name"];
      if (cluster_.lost_nodes.contains(name) || !(IsInspect(pod) || Admits(pod, node))) continue;
      pod["spec"]["nodeName"] = name;
      pod["status"]["conditions"] = {{{"type", "PodScheduled"}, {"status", "True"}, {"lastTransitionTime", now}}};
      return;
    }
    pod["status"]["conditions"] = {{{"type", "PodScheduled"},
                                    {"status", "False"},
                                    {"reason", "Unschedulable"},
                                    {"message", "0/2 nodes are available"},
                                    {"lastTransitionTime", now}}};
  }

  // ---- What must hold ----

  std::optional<base::Error> OnCreate(const json& pod) {
    if (refuse_) return refuse_;
    if (IsInspect(pod)) return std::nullopt;
    const api::TaskStatus status = cluster_.Task().status;
    const std::string hash = pod["metadata"]["labels"][experiment::kHashLabel];
    const auto entry = std::find_if(status.experiments.begin(), status.experiments.end(),
                                    [&](const auto& one) { return one.hash == hash; });
    EXPECT_TRUE(entry != status.experiments.end()) << "a pod without an owner in the status";
    if (entry != status.experiments.end()) {
      EXPECT_NE(entry->state, api::ExperimentState::kSucceeded) << entry->name << " is measured again";
    }
    int holding = 0;
    for (const auto& [name, other] : cluster_.pods) {
      const bool deleting = other["metadata"].contains("deletionTimestamp");
      holding += !IsInspect(other) && !HasEnded(other) && !deleting ? 1 : 0;
    }
    EXPECT_LT(holding, most_parallel_);
    return std::nullopt;
  }

  void Look() {
    before_write_ = cluster_.task;
    const int writes = cluster_.status_writes;
    const bool crashes = crash_in_ > 0;
    const json seen = api::ToJson(cluster_.Observe()->task.spec);
    (void)cluster_.Reconcile();
    for (auto& [name, pod] : cluster_.pods) NoteGpuRequest(seen, pod);
    if (cluster_.status_writes != writes) CheckWrite();
    if (crashes && crash_in_ == 0) {
      Note("killed");
      cluster_.Restart();
    }
  }

  static std::map<std::string, int> SpeedsOf(const api::TaskStatus& status) {
    std::map<std::string, int> speeds;
    for (const api::ExperimentStatus& entry : status.experiments) {
      if (entry.state != api::ExperimentState::kSucceeded) continue;
      speeds[entry.name] = static_cast<int>(entry.loads.at(0).measured.output_tokens_per_second);
    }
    return speeds;
  }

  void CheckWrite() {
    const api::AutotuneTask before = ObserveTask(before_write_)->task, after = cluster_.Task();
    Note("status: " + after.status.state + " " + after.status.progress + " " +
         api::FindCondition(after.status.conditions, "Ready")->message);
    if (after.status.best) {
      ASSERT_TRUE(after.status.expanded_for);
      EXPECT_EQ(after.status.expanded_for->generation, after.status.observed_generation);
    }
    const bool ready = api::FindCondition(after.status.conditions, "Ready")->status == "True";
    EXPECT_EQ(ready, after.status.state == "Complete");
    EXPECT_EQ(api::FindCondition(after.status.conditions, "Feasible") != nullptr, ready);

    const std::map<std::string, int> was = SpeedsOf(before.status), is = SpeedsOf(after.status);
    const bool present = after.status.expanded_for &&
                         after.status.expanded_for->generation == after.metadata.generation &&
                         after.status.observed_generation == after.metadata.generation;
    const quant::RuleSet* rules = present ? RulesOfVersion(after.status.rules_version) : nullptr;
    if (rules != nullptr && !is.empty()) {
      if (const auto fresh = RunFresh(cluster_.task["spec"], after.status.gpu_product, *rules)) {
        for (const auto& [name, speed] : is) {
          EXPECT_TRUE(fresh->speeds.contains(speed)) << name << " was not measured for the present spec: " << speed;
        }
      }
    }
    // Nothing that the present spec asks for is let go of. Edited and upgraded to another scheme of hashes at once, the
    // two cannot be compared.
    const bool comparable = !before.status.expanded_for ||
                            before.status.expanded_for->hash_scheme == tuning::kHashScheme ||
                            before.status.expanded_for->generation == after.metadata.generation;
    std::optional<Fresh> fresh;
    for (const auto& [name, speed] : was) {
      if (is.contains(name) || !comparable) continue;
      if (!fresh) fresh = RunFresh(cluster_.task["spec"], before.status.gpu_product, *cluster_.settings.rules);
      EXPECT_FALSE(fresh && fresh->speeds.contains(speed)) << name << " is let go of";
    }
  }

  // ---- The end ----

  void End() {
    Note("everything heals");
    refuse_.reset();
    cluster_.refuse_config_maps.reset();
    cluster_.refuse_status.reset();
    cluster_.lost_nodes.clear();
    cluster_.CatchUp();
    crash_in_ = 0;
    cluster_.nodes = {Node("h100-0"), Node("h200-0")};
    cluster_.EditSpec([](json& spec) { spec["suspend"] = false; });
    for (int jump = 0; jump < 400 && !testing::Test::HasFailure(); ++jump) {
      if (!Settle()) break;
    }
    if (!testing::Test::HasFailure()) CheckEnd();
  }

  // Runs until nothing changes. True when the clock has been moved on and there is more to see.
  bool Settle() {
    for (int step = 0; step < 200; ++step) {
      const json before = {cluster_.task, cluster_.pods};
      Look();
      Kubelet(true);
      const bool again = cluster_.wake_at && *cluster_.wake_at <= cluster_.clock.Wall();
      if (testing::Test::HasFailure()) return false;
      if (again || before != json{cluster_.task, cluster_.pods}) continue;
      if (!cluster_.wake_at) return false;
      cluster_.clock.Advance(*cluster_.wake_at - cluster_.clock.Wall());
      return true;
    }
    ADD_FAILURE() << "the task does not come to rest";
    return false;
  }

  void CheckEnd() {
    const api::TaskStatus status = cluster_.Task().status;
    ASSERT_TRUE(status.state == "Complete" || status.state == "Failed") << "it hangs without a wake-up";
    EXPECT_EQ(status.observed_generation, cluster_.task["metadata"]["generation"]);
    std::set<std::string> hashes;
    for (const api::ExperimentStatus& entry : status.experiments) hashes.insert(entry.hash);
    for (const auto& [name, pod] : cluster_.pods) {
      EXPECT_FALSE(IsInspect(pod)) << "a pod is left: " << name;
      EXPECT_TRUE(HasEnded(pod)) << "a pod runs on: " << name;
      EXPECT_TRUE(IsInspect(pod) || hashes.contains(pod["metadata"]["labels"][experiment::kHashLabel]));
    }
    const api::Condition* ready = api::FindCondition(status.conditions, "Ready");
    if (status.state == "Failed") {
      EXPECT_THAT(ready->reason, testing::AnyOf("InvalidSpec", "AllExperimentsFailed", "ModelUnreadable"));
      EXPECT_FALSE(status.best);
    }
    if (!status.expanded_for || ready->reason == "InvalidSpec" || ready->reason == "ModelUnreadable") return;
    const quant::RuleSet* rules = RulesOfVersion(status.rules_version);
    ASSERT_NE(rules, nullptr);
    const auto fresh = RunFresh(cluster_.task["spec"], status.gpu_product, *rules);
    if (!fresh) return;
    EXPECT_EQ(status.candidates.total, fresh->status.candidates.total);
    if (cluster_.task["spec"]["optimization"]["strategy"] != "Grid") return;
    EXPECT_EQ(status.experiments.size(), fresh->status.experiments.size());
    // What the infrastructure ended for good is a named failure; everything else has to be as it is for a fresh task.
    for (const api::ExperimentStatus& entry : status.experiments) {
      const bool deterministic =
          entry.state == api::ExperimentState::kSucceeded || entry.reason == "EngineRejectedConfiguration";
      if (!deterministic) return;
    }
    EXPECT_EQ(status.state, fresh->status.state);
    EXPECT_EQ(ready->reason, api::FindCondition(fresh->status.conditions, "Ready")->reason);
    ASSERT_EQ(status.best.has_value(), fresh->status.best.has_value());
    if (!status.best) return;
    EXPECT_EQ(status.best->score, fresh->status.best->score);
    EXPECT_EQ(status.best->improvement_over_baseline, fresh->status.best->improvement_over_baseline);
    EXPECT_EQ(status.recommendation_config_map, "llama-best");
    EXPECT_EQ(api::FindCondition(status.conditions, "RecommendationFailed"), nullptr);
  }

  std::mt19937_64 random_;
  FakeCluster cluster_;
  std::optional<base::Error> refuse_;
  int crash_in_ = 0;
  int most_parallel_ = 3;
  json before_write_;
  std::vector<std::string> log_;
};

TEST(Model, WhateverHappensTheTaskEndsWithTheAnswerToItsPresentSpecOrSaysWhyNot) {
  const std::uint64_t first = Number("AUTOTUNE_MODEL_SEED", 1);
  const std::uint64_t sequences = Number("AUTOTUNE_MODEL_SEQUENCES", 60);
  for (std::uint64_t seed = first; seed < first + sequences; ++seed) {
    SCOPED_TRACE("AUTOTUNE_MODEL_SEED=" + std::to_string(seed));
    Sequence(seed).Run();
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace autotune::reconcile
