// A cluster in memory for tests of the reconcile: keeps one task and its pods, records what was asked, and plays API
// server, kubelet and the operator's process when the test says so. Single-threaded.
//
// It does what a real one does: pods that are deleted terminate first, and stay where their node is lost; caches lag
// behind, each for itself, and are waited for after own writes; a patch that changes nothing is no new version; what a
// process remembers is gone with it.
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
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

  base::Result<WrittenStatus> PatchStatus(const api::ObjectMeta& task, const nlohmann::json& patch) override;
  base::Status CreatePod(const nlohmann::json& pod) override;
  base::Status DeletePod(const std::string& ns, const std::string& name, const std::string& uid) override;
  base::Status DeleteTask(const api::ObjectMeta& task) override;
  base::Status ApplyConfigMap(const nlohmann::json& config_map) override;
  base::Result<nlohmann::json> ReadWorkload(const std::string& ns, const std::string& kind,
                                            const std::string& name) override;
  base::Status VisitTasks(const std::string& ns, const std::function<void(const api::AutotuneTask&)>& visit) override;
  void Emit(const api::ObjectMeta& task, const TaskEvent& event) override;

  // One observe -> decide -> apply; nothing where a cache does not show yet what this operator has written. Returns
  // apply's answer.
  base::Status Reconcile();
  // Reconciles until nothing changes any more, letting `kubelet` act on every pod in between. Time stands still. False
  // (and a failed test) when it never comes to rest.
  bool RunUntilQuiet(const std::function<void(FakeCluster&, nlohmann::json& pod)>& kubelet);
  // The same, with the clock jumping to the next wake-up time as long as there is one.
  void RunToEnd(const std::function<void(FakeCluster&, nlohmann::json& pod)>& kubelet);
  // Pods that are being deleted go, except on lost nodes.
  void Terminate();

  // The operator is killed and started again.
  void Restart();
  // Status and pods become those of an operator that names experiments otherwise, with a scheme of hashes of its own
  // or, by mistake, with this one's number; then this operator starts.
  void NameExperimentsOtherwise(bool scheme_is_another);
  // From now on the caches of the operator stand still, until they catch up.
  void LagTasks() { seen_task_ = task; }
  void LagPods() { seen_pods_ = pods; }
  void CatchUp();

  // What the kubelet does: the pod's engine and bench run and end with this termination message.
  void Finish(nlohmann::json& pod, const std::string& message, int exit_code, double seconds = 120);
  // The same of a pod that reads a model.
  void FinishInspect(nlohmann::json& pod, const bench::InspectResult& result, int exit_code);
  void SetPhaseRunning(nlohmann::json& pod);

  [[nodiscard]] api::AutotuneTask Task() const;
  void EditSpec(const std::function<void(nlohmann::json& spec)>& edit);

  nlohmann::json task;
  std::map<std::string, nlohmann::json> pods;  // by name
  std::vector<nlohmann::json> nodes;
  std::vector<std::string> created;  // names, in order, with repetitions
  std::vector<nlohmann::json> created_pods;
  std::map<std::string, nlohmann::json> config_maps;
  std::map<std::string, nlohmann::json> deployments;  // by name
  int deployment_reads = 0;
  std::vector<nlohmann::json> other_tasks;  // of the namespace
  int task_reads = 0;
  std::vector<TaskEvent> events;
  int status_writes = 0;
  int task_deletes = 0;  // that were asked for; the task stays, as where somebody edits it just then
  // Status fields that the CustomResourceDefinition does not have, as JSON pointers: "/startedAt".
  std::vector<std::string> unknown_fields;
  std::optional<base::Error> refuse_pods;                                          // what CreatePod answers
  std::optional<base::Error> refuse_config_maps;                                   // what ApplyConfigMap answers
  std::optional<base::Error> refuse_status;                                        // what PatchStatus answers
  std::optional<base::Error> refuse_deletes;                                       // what DeletePod answers
  std::optional<base::Error> refuse_reads;                                         // what ReadWorkload answers
  std::function<std::optional<base::Error>(const nlohmann::json& pod)> admission;  // of this pod
  std::set<std::string> lost_nodes;                                                // their kubelets are dead
  // Called before every write; true means "the operator is killed here": the write fails and so does all that follows
  // in this reconcile.
  std::function<bool(const std::string& what)> crash;
  base::SimulatedClock clock;
  Settings settings;
  std::optional<base::WallTime> wake_at;

  // What decide() is called with.
  [[nodiscard]] base::Result<Observed> Observe() const;
  [[nodiscard]] bool OnLostNode(const nlohmann::json& pod) const;

  Memory memory;
  Plan last_plan;

 private:
  bool Crashes(const std::string& what) { return crash && crash(what); }
  [[nodiscard]] bool CachesShowOwnWrites() const;

  std::optional<nlohmann::json> seen_task_;
  std::optional<std::map<std::string, nlohmann::json>> seen_pods_;
  int expected_version_ = 0;               // of the task
  std::set<std::string> expected_pods_;    // UIDs that were created
  std::set<std::string> unexpected_pods_;  // UIDs that were deleted
  int next_uid_ = 1;
};

// The engine's argv of a pod: what follows "--" in the engine container's command and args.
std::vector<std::string> EngineArgv(const nlohmann::json& pod);

// A small task: vLLM, inline Llama facts, preset default and kv-cache-fp8, one load step, all of them measured.
nlohmann::json SmallTask();
const quant::RuleSet& Rules();
// A successful measurement with this throughput (tokens per second) and TPOT (ms).
std::string ResultMessage(double tokens_per_second, double tpot_ms);
// With a negative log-likelihood of `nll` for every passage, or why it is not known.
std::string ResultMessage(double tokens_per_second, double nll, const std::string& quality_problem);
std::string FailureMessage(bench::FailureReason reason, const std::string& text);
// The engine crashed for a fault of its node.
std::string MachineFaultMessage(const std::string& text);

}  // namespace autotune::reconcile
