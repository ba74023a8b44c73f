// Runs one pod as processes on this machine, as a kubelet runs the pods of operator/experiment.
//
// Supports init containers, a native sidecar (restarted when it ends; its exec startup probe gates the next
// containers), main containers, termination messages, activeDeadlineSeconds and graceful termination. Its own thread
// drives it; public members are thread-safe. The destructor ends every process of the pod and joins.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/thread_annotations.h"
#include "operator/local/container_spec.h"
#include "operator/local/pod_state.h"
#include "operator/local/process.h"

namespace autotune::local {

// Names that are visible to a pod's containers; the pod builder's environment refers to them.
inline constexpr const char* kPodDirVariable = "AUTOTUNE_POD_DIR";
inline constexpr const char* kPortVariable = "AUTOTUNE_PORT";
// Set for every process of a pod, to find all of them: its value is the pod's UID.
inline constexpr const char* kPodUidVariable = "AUTOTUNE_POD_UID";

// Resources of a scheduled pod.
struct PodGrant {
  std::filesystem::path directory;  // the pod's own: its shared emptyDir, and <container>.log
  int port = 0;
  std::string node;
  Environment variables;  // for every container: CUDA_VISIBLE_DEVICES, simulation
};

class LocalPod {
 public:
  // `changed` is called without locks held after every change of State(). `clock` gives the times in the status;
  // waiting for processes always uses real time.
  LocalPod(nlohmann::json pod, Environment parent, base::Clock& clock, std::function<void()> changed);
  ~LocalPod();
  LocalPod(const LocalPod&) = delete;
  LocalPod& operator=(const LocalPod&) = delete;

  // Starts the pod. REQUIRES: not started before.
  void Start(PodGrant grant);
  // Ends the pod as a deletion does: SIGTERM, and SIGKILL after the grace period. Returns at once.
  void Delete(std::chrono::milliseconds grace);
  void SetUnschedulable(const std::string& message);
  // Fails the pod at once because it can never run here, like a node that cannot start the first container.
  void Reject(const std::string& message);

  [[nodiscard]] PodState State() const;
  [[nodiscard]] bool WasStarted() const;
  // True if no process runs and none will be started.
  [[nodiscard]] bool Ended() const;
  [[nodiscard]] const nlohmann::json& pod() const { return pod_; }

 private:
  struct Running {
    const nlohmann::json* spec = nullptr;
    std::size_t state = 0;  // index into state_.containers
    std::unique_ptr<Process> process;
    std::unique_ptr<Process> probe;
    base::TimePoint probe_started{}, next_probe{}, restart_at{};
    std::chrono::seconds probe_timeout{1};
    bool started = false;   // passed its startup probe
    int failed_probes = 0;  // in a row
    int restarts = 0;
  };
  enum class Wake { kDone, kDeleted, kDeadline };

  void Run();
  Wake RunContainers();
  base::Status Prepare();
  // Missing objects are an error here, unlike on a node. kInvalid names the container.
  [[nodiscard]] base::Status CheckContainers() const;
  // Sets phase Failed with `message`: the first container could not be started.
  void EndUnstarted(const std::string& message, PodState& state) const;
  // Returns false if the process could not be started; the container's state has the reason.
  bool StartContainer(Running& running);
  // Call when the container's process has ended.
  void RecordExit(Running& running, ProcessExit exit);
  void SuperviseSidecar(Running& running);
  void Probe(Running& running);
  // Time at which SuperviseSidecar must run without an event.
  [[nodiscard]] base::TimePoint NextLook(const Running& running) const;
  // Waits until `done` returns true, and supervises the sidecars meanwhile.
  Wake WaitUntil(const std::function<bool()>& done);
  void EndProcesses(std::chrono::milliseconds grace);
  void Update(const std::function<void(PodState&)>& change);
  void Poke();
  [[nodiscard]] std::filesystem::path TerminationLog(const nlohmann::json& container) const;

  const nlohmann::json pod_;
  const Environment parent_;
  base::Clock& clock_;
  const std::function<void()> changed_;

  mutable base::Mutex mutex_;
  std::condition_variable_any wake_;
  PodState state_ GUARDED_BY(mutex_);
  bool started_ GUARDED_BY(mutex_) = false;
  bool ended_ GUARDED_BY(mutex_) = false;
  bool deleted_ GUARDED_BY(mutex_) = false;
  std::chrono::milliseconds delete_grace_ GUARDED_BY(mutex_){30'000};
  std::uint64_t pokes_ GUARDED_BY(mutex_) = 0;  // counts exits and requests, so that none is missed

  // Used by the pod's thread only.
  PodGrant grant_;
  Environment pod_variables_;
  std::vector<Running> sidecars_;
  std::vector<Running> mains_;
  std::optional<base::TimePoint> deadline_;

  std::thread thread_;
};

}  // namespace autotune::local
