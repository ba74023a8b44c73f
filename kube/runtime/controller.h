// Controller: N workers that take keys from a queue and reconcile them.
//
// Owns its worker threads between Start and Stop (or the destructor). Queue, clock, gate and observer are borrowed.
// Workers start when every cache has synced and leadership is acquired. Without leadership a key is requeued with
// backoff. The result of a reconcile determines the next step:
//   success                 resets the backoff; reconciled again after requeue_after, if it is set
//   kInvalid                terminal: counted, not retried until the object changes
//   kRetry with retry_after retried after that time, or after the backoff if that is longer
//   every other error       retried with backoff
// An exception is treated like kRetry and counted as a panic.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/thread_annotations.h"
#include "kube/runtime/leader_gate.h"
#include "kube/runtime/object_key.h"
#include "kube/runtime/work_queue.h"

namespace kube::runtime {

struct ReconcileResult {
  // Time until this key is reconciled again without a change. Zero or less: at once.
  std::optional<base::Duration> requeue_after;
};

enum class ReconcileOutcome { kSuccess, kRequeueAfter, kError, kTerminalError, kPanic };

// For metrics. Thread-safe; called by workers.
class ControllerObserver {
 public:
  virtual ~ControllerObserver() = default;
  virtual void OnReconcileStart() = 0;
  virtual void OnReconcileEnd(ReconcileOutcome outcome, base::Duration duration) = 0;
};

struct ControllerOptions {
  std::string name;  // for logs
  int workers = 1;
  base::Duration cache_sync_timeout = std::chrono::minutes(2);
  const char* log_field = "object";  // name of the key in the log lines of its reconcile
};

// A cache that must have synced before the first decision.
struct CacheSync {
  std::string name;
  std::function<bool()> synced;
  std::function<std::string()> last_error{};  // reason why it has not synced: RBAC, a missing CRD
  std::function<std::uint64_t()> received{};  // objects read so far: the wait goes on while it grows; null = not known
};

class Controller {
 public:
  // The stop token is set when the process shuts down: finish the current work, begin no new work.
  using Reconcile = std::function<base::Result<ReconcileResult>(const ObjectKey& key, const std::stop_token& stop)>;

  Controller(ControllerOptions options, Reconcile reconcile, WorkQueue& queue, base::Clock& clock, LeaderGate& gate,
             ControllerObserver* observer = nullptr);
  ~Controller();
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;

  // Waits for the caches and for leadership, then starts the workers. Blocks until then. kRetry, with names and last
  // errors, if caches did not sync in time; kCancelled if stopped.
  base::Status Start(const std::vector<CacheSync>& caches, const std::stop_token& stop);

  // Shuts the queue down and waits for running reconciles, at most `grace` of the clock's time. Then it sets their stop
  // token and waits until they end. Returns true if all ended within the grace period. Idempotent.
  bool Stop(base::Duration grace = std::chrono::seconds(30));

 private:
  void Work();
  void ReconcileOne(const ObjectKey& key);

  const ControllerOptions options_;
  const Reconcile reconcile_;
  WorkQueue& queue_;
  base::Clock& clock_;
  LeaderGate& gate_;
  ControllerObserver* const observer_;

  std::stop_source stop_;
  std::stop_source drained_;  // requested when the last worker ended: ends the grace
  std::atomic<int> running_{0};
  std::atomic<std::uint64_t> reconciles_{0};
  std::vector<std::jthread> workers_;
};

// Waits for caches without a controller, for programs with several controllers. kRetry if no cache received a new
// object for `timeout`, or after ten times `timeout` in total.
base::Status AwaitCaches(const std::vector<CacheSync>& caches, base::Duration timeout, base::Clock& clock,
                         const std::stop_token& stop);

}  // namespace kube::runtime
