// A cluster in memory for tests of the reconcile: keeps one task and its pods, records what was asked, and plays the
// kubelet when the test says so. Single-threaded.
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/clock.h"
#include "operator/reconcile/apply.h"
#include "operator/reconcile/cluster.h"
#include "operator/reconcile/decide.h"

namespace autotune::reconcile {

class FakeCluster final : public Cluster {
 public:
  explicit FakeCluster(nlohmann::json task);

  base::Result<std::string> PatchStatus(const api::ObjectMeta& task, const nlohmann::json& patch) override;
  base::Status CreatePod(const nlohmann::json& pod) override;
  base::Status DeletePod(const std::string& ns, const std::string& name, const std::string& uid) override;
  base::Status ApplyConfigMap(const nlohmann::json& config_map) override;
  void Emit(const api::ObjectMeta& task, const TaskEvent& event) override;

  // One observe -> decide -> apply. Returns apply's answer.
  base::Status Reconcile();
  // Reconciles until nothing changes any more, letting `kubelet` act on every pod in between. Time stands still. False
  // (and a failed test) when it never comes to rest.
  bool RunUntilQuiet(const std::function<void(FakeCluster&, nlohmann::json& pod)>& kubelet);
  // The same, with the clock jumping to the next wake-up time as long as there is one.
  void RunToEnd(const std::function<void(FakeCluster&, nlohmann::json& pod)>& kubelet);

  // What the kubelet does: the pod's engine and bench run and end with this termination message.
  void Finish(nlohmann::json& pod, const std::string& message, int exit_code);
  void SetPhaseRunning(nlohmann::json& pod);

  [[nodiscard]] api::AutotuneTask Task() const;
  void EditSpec(const std::function<void(nlohmann::json& spec)>& edit);

  nlohmann::json task;
  std::map<std::string, nlohmann::json> pods;  // by name
  std::vector<nlohmann::json> nodes;
  std::vector<std::string> created;  // names, in order, with repetitions
  std::vector<nlohmann::json> created_pods;
  std::map<std::string, nlohmann::json> config_maps;
  std::vector<TaskEvent> events;
  int status_writes = 0;
  std::optional<base::Error> refuse_pods;  // what CreatePod answers
  // Called before every write; true means "the operator is killed here": the write fails and so does all that follows
  // in this reconcile.
  std::function<bool(const std::string& what)> crash;
  base::SimulatedClock clock;
  Settings settings;
  std::optional<base::WallTime> wake_at;

 private:
  bool Crashes(const std::string& what) { return crash && crash(what); }
  std::optional<Observed::Refusal> refusal_;
  int next_uid_ = 1;
};

// The engine's argv of a pod: what follows "--" in the engine container's command and args.
std::vector<std::string> EngineArgv(const nlohmann::json& pod);

// A small task: vLLM, inline Llama facts, preset default and kv-cache-fp8, one load step.
nlohmann::json SmallTask();
const quant::RuleSet& Rules();
// A successful measurement with this throughput (tokens per second) and TPOT (ms).
std::string ResultMessage(double tokens_per_second, double tpot_ms);
// With a negative log-likelihood of `nll` for every passage, or why it is not known.
std::string ResultMessage(double tokens_per_second, double nll, const std::string& quality_problem);
std::string FailureMessage(bench::FailureReason reason, const std::string& text);

}  // namespace autotune::reconcile
