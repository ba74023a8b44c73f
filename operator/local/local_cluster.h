// LocalCluster: reconcile::Cluster without Kubernetes. One task; this machine, or a simulated one per type of GPU, is
// the only node; pods are processes.
//
// Keeps the task's status and its pods in memory, emulates resource versions, and assigns GPUs in the order of the
// pods' creation. Thread-safe. The destructor ends every process and removes its files (logs are kept on request).
#pragma once

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/thread_annotations.h"
#include "operator/local/local_pod.h"
#include "operator/local/machine.h"
#include "operator/reconcile/cluster.h"
#include "operator/reconcile/decide.h"

namespace autotune::local {

struct LocalOptions {
  std::vector<Machine> machines;                // by TaskSpec::gpus
  Environment environment;                      // inherited by containers
  std::map<std::string, Environment> by_image;  // additional variables for pods whose engine has this image
  std::filesystem::path directory;              // one subdirectory per pod; created, and removed at the end
  std::filesystem::path logs;                   // "" = not kept; else the logs of each pod go to logs/<pod>
  // Called without locks held, after each write of the status and for each event.
  std::function<void(const api::AutotuneTask&)> on_status;
  std::function<void(const reconcile::TaskEvent&)> on_event;
};

class LocalCluster final : public reconcile::Cluster {
 public:
  LocalCluster(LocalOptions options, api::AutotuneTask task, base::Clock& clock);
  ~LocalCluster() override;

  base::Result<reconcile::WrittenStatus> PatchStatus(const api::ObjectMeta& task, const nlohmann::json& patch) override;
  base::Status CreatePod(const nlohmann::json& pod) override;
  base::Status DeletePod(const std::string& ns, const std::string& name, const std::string& uid) override;
  base::Status DeleteTask(const api::ObjectMeta& task) override;
  base::Status ApplyConfigMap(const nlohmann::json& config_map) override;
  base::Result<nlohmann::json> ReadWorkload(const std::string& ns, const std::string& kind,
                                            const std::string& name) override;
  base::Status VisitTasks(const std::string& ns, const std::function<void(const api::AutotuneTask&)>& visit) override;
  void Emit(const api::ObjectMeta& task, const reconcile::TaskEvent& event) override;

  // Returns the input of a reconcile, and in `version` the version for AwaitChange(). Also starts pods for which GPUs
  // are free, and removes deleted pods that have ended.
  reconcile::Observed Observe(std::uint64_t* version);
  // Waits until there is a version after `version`, or until `deadline`. Returns false if stopped.
  bool AwaitChange(std::uint64_t version, std::optional<base::WallTime> deadline, const std::stop_token& stop);

  // A pod as a kubelet would report it; null if there is none of that name.
  [[nodiscard]] nlohmann::json GetPod(const std::string& name) const;
  [[nodiscard]] bool HasRunningPods() const;
  [[nodiscard]] const std::optional<nlohmann::json> config_map() const;

  // Ends all pods; kills those that have not ended after `grace`. Returns when all processes have ended.
  void StopAll(std::chrono::milliseconds grace);
  // Makes a running StopAll() in another thread kill at once.
  void KillAll();

 private:
  struct Entry {
    std::shared_ptr<LocalPod> pod;
    nlohmann::json metadata;
    std::size_t machine = 0;           // index into LocalOptions::machines
    std::vector<std::string> devices;  // held until the pod has ended
    int port = 0;
    bool granted = false;
  };

  void Changed();
  void Schedule();
  void Reap();
  void Release(Entry& entry) REQUIRES(mutex_);
  // Directory, GPUs, port; nullopt if GPUs are missing.
  std::optional<PodGrant> Grant(Entry& entry) REQUIRES(mutex_);
  [[nodiscard]] nlohmann::json PodJson(const Entry& entry) const REQUIRES(mutex_);
  void KeepLogs(const std::string& pod_name) const;

  const LocalOptions options_;
  base::Clock& clock_;

  mutable base::Mutex mutex_;
  std::condition_variable_any changed_;
  std::uint64_t version_ GUARDED_BY(mutex_) = 1;
  std::uint64_t created_ GUARDED_BY(mutex_) = 0;
  api::AutotuneTask task_ GUARDED_BY(mutex_);
  std::vector<Entry> pods_ GUARDED_BY(mutex_);                             // in the order of their creation
  std::vector<std::vector<std::string>> free_devices_ GUARDED_BY(mutex_);  // by machine
  std::optional<nlohmann::json> config_map_ GUARDED_BY(mutex_);
};

}  // namespace autotune::local
