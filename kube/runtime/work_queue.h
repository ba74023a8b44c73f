// WorkQueue: keys to reconcile. At most one worker processes a key; a key added meanwhile is queued once more.
//
// Thread-safe. Owns one thread that moves delayed keys into the queue when they are due. The three sets are those of
// client-go (util/workqueue/queue.go): dirty (to be processed), processing (held by a worker), queue (order).
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <unordered_map>

#include "base/clock.h"
#include "base/thread_annotations.h"
#include "kube/runtime/object_key.h"

namespace kube::runtime {

// For metrics, with controller-runtime's names and meanings. Called with the queue's lock held: must not call back.
class WorkQueueObserver {
 public:
  virtual ~WorkQueueObserver() = default;
  virtual void OnAdd() = 0;
  virtual void OnDepth(std::size_t depth) = 0;
  virtual void OnStart(base::Duration queued) = 0;
  virtual void OnDone(base::Duration worked) = 0;
  virtual void OnRetry() = 0;
};

struct RateLimits {
  // Per key: first * 2^failures, at most `max`.
  base::Duration first = std::chrono::milliseconds(5);
  base::Duration max = std::chrono::seconds(1000);
  // Over all keys. The longer of the per-key and the overall delay applies. A rate of 0 or less disables it.
  double overall_per_second = 10;
  double overall_burst = 100;
};

class WorkQueue {
 public:
  static constexpr int kFromList = -100;  // keys from start-up and resync: after changes by users

  explicit WorkQueue(base::Clock& clock, RateLimits limits = {}, WorkQueueObserver* observer = nullptr);
  ~WorkQueue();
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;

  // Higher priorities first; first come, first served within one priority. Adding a waiting key again can only raise
  // its priority.
  void Add(const ObjectKey& key, int priority = 0) EXCLUDES(mutex_);
  // The earliest of several deadlines of a key applies.
  void AddAfter(const ObjectKey& key, base::Duration delay, int priority = 0) EXCLUDES(mutex_);
  // Counts one more failure of the key and adds it after its backoff, at the earliest after `at_least`.
  void AddRateLimited(const ObjectKey& key, base::Duration at_least = base::Duration::zero()) EXCLUDES(mutex_);
  // Resets the key's failures and backoff.
  void Forget(const ObjectKey& key) EXCLUDES(mutex_);
  [[nodiscard]] int Failures(const ObjectKey& key) const EXCLUDES(mutex_);

  // Blocks for the next key; nullopt after ShutDown. Every returned key must be passed to Done.
  std::optional<ObjectKey> Get() EXCLUDES(mutex_);
  void Done(const ObjectKey& key) EXCLUDES(mutex_);

  // Drops waiting keys and makes Get() return nullopt; workers finish their current keys. Idempotent.
  void ShutDown() EXCLUDES(mutex_);

  [[nodiscard]] std::size_t Depth() const EXCLUDES(mutex_);
  // Keys held by workers: their number, and the longest and the total processing time.
  struct Processing {
    std::size_t keys = 0;
    base::Duration longest{0};
    base::Duration sum{0};
  };
  [[nodiscard]] Processing InProcess() const EXCLUDES(mutex_);

 private:
  struct Waiting {
    int priority = 0;
    std::uint64_t sequence = 0;
    base::TimePoint since;
  };
  struct Delayed {
    base::TimePoint due;
    int priority = 0;
  };

  void AddLocked(const ObjectKey& key, int priority) REQUIRES(mutex_);
  void Enqueue(const ObjectKey& key, int priority, base::TimePoint since) REQUIRES(mutex_);
  void AddDelayedLocked(const ObjectKey& key, base::Duration delay, int priority) REQUIRES(mutex_);
  base::Duration OverallDelay() REQUIRES(mutex_);
  void MoveDelayed(const std::stop_token& stop);

  base::Clock& clock_;
  const RateLimits limits_;
  WorkQueueObserver* const observer_;

  mutable base::Mutex mutex_;
  std::condition_variable_any ready_;
  std::condition_variable_any delayed_changed_;
  bool shut_down_ GUARDED_BY(mutex_) = false;
  std::uint64_t sequence_ GUARDED_BY(mutex_) = 0;
  // order_ and waiting_: the queue; redo_: dirty keys that a worker holds.
  std::map<std::pair<int, std::uint64_t>, ObjectKey> order_ GUARDED_BY(mutex_);
  std::unordered_map<ObjectKey, Waiting> waiting_ GUARDED_BY(mutex_);
  std::unordered_map<ObjectKey, Waiting> redo_ GUARDED_BY(mutex_);
  std::unordered_map<ObjectKey, base::TimePoint> processing_ GUARDED_BY(mutex_);
  std::unordered_map<ObjectKey, Delayed> delayed_ GUARDED_BY(mutex_);
  std::set<std::pair<base::TimePoint, ObjectKey>> deadlines_ GUARDED_BY(mutex_);
  std::unordered_map<ObjectKey, int> failures_ GUARDED_BY(mutex_);
  double tokens_ GUARDED_BY(mutex_);
  base::TimePoint tokens_at_ GUARDED_BY(mutex_);
  std::stop_source nap_ GUARDED_BY(mutex_);  // wakes the mover when an earlier deadline arrives

  std::jthread mover_;  // last: joined first
};

}  // namespace kube::runtime
