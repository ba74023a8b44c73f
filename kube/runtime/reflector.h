// Reflector: keeps one store equal to one collection of the API server, by a list and a watch.
//
// Owns one thread between Start and Stop (or the destructor). Source, store, clock and observer are borrowed. An error
// never ends it: it retries with backoff from the last seen version, and lists again only if the server reports that
// this version is gone. It behaves like client-go's tools/cache/reflector.go.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <optional>
#include <random>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>

#include "base/clock.h"
#include "base/result.h"
#include "base/thread_annotations.h"
#include "kube/runtime/store.h"
#include "kube/runtime/watch_source.h"

namespace kube::runtime {

class Reflector;

struct ReflectorOptions {
  std::string name;  // for logs and metrics: "pods"
  // Reads nothing before this reflector has synced. Borrowed; must outlive this reflector's thread.
  const Reflector* after = nullptr;
  std::uint64_t seed = 0;  // of the jitter: different for each reflector of a process
  std::int64_t page_size = 500;
  // Reads the initial state through a watch (WatchList, KEP-3157), so the whole collection is never held in memory.
  // Falls back to lists permanently if the server rejects it.
  bool watch_list = true;
  base::Duration backoff_first = std::chrono::milliseconds(800);
  base::Duration backoff_max = std::chrono::seconds(30);
  base::Duration backoff_reset = std::chrono::minutes(2);  // without an error: the backoff restarts at backoff_first
  std::chrono::seconds watch_timeout_min{300};
  std::chrono::seconds watch_timeout_max{600};
};

// For metrics and tests. Called on the reflector's thread.
class ReflectorObserver {
 public:
  virtual ~ReflectorObserver() = default;
  virtual void OnList(const std::string& name, bool ok) = 0;
  virtual void OnWatchStart(const std::string& name) = 0;
  virtual void OnError(const std::string& name, const base::Error& error) = 0;
};

class Reflector {
 public:
  Reflector(ReflectorOptions options, WatchSource& source, StoreWriter& store, base::Clock& clock,
            ReflectorObserver* observer = nullptr);
  ~Reflector();
  Reflector(const Reflector&) = delete;
  Reflector& operator=(const Reflector&) = delete;

  void Start();
  // Idempotent; returns when the thread has ended.
  void Stop();
  // True once the store has held a full state.
  [[nodiscard]] bool HasSynced() const { return synced_.load(std::memory_order_acquire); }
  // Number of objects of lists and events of watches read so far.
  [[nodiscard]] std::uint64_t Received() const { return received_.load(std::memory_order_relaxed); }
  // Blocks until HasSynced(). Returns false if stopped.
  bool AwaitSync(const std::stop_token& stop) const EXCLUDES(mutex_);
  [[nodiscard]] const std::string& name() const { return options_.name; }
  // The last error since the server's last message; "" = none.
  [[nodiscard]] std::string LastError() const EXCLUDES(mutex_);
  // Time since which the store may be stale, because all attempts to reach the server have failed; nullopt while it is
  // current. An open watch without events is current: the server sends a bookmark about every minute.
  [[nodiscard]] std::optional<base::TimePoint> FailingSince() const EXCLUDES(mutex_);
  // Time of the loop's last progress (an event, a bookmark, an error handled), for liveness. During a deliberate wait,
  // the end of that wait: a server may ask for an hour.
  [[nodiscard]] base::TimePoint LastBeat() const EXCLUDES(mutex_);

 private:
  enum class Next { kWatch, kState };
  struct Outcome {
    Next next = Next::kWatch;
    std::optional<base::Error> error;  // set: back off first
  };

  void Run(const std::stop_token& stop);
  Outcome GetState(const std::stop_token& stop);
  Outcome List(const std::stop_token& stop);
  Outcome Watch(bool initial_events, const std::stop_token& stop);
  // Next step after a failed list or watch.
  Outcome AfterError(base::Error error);
  void Committed(const std::string& version);
  void Heard() EXCLUDES(mutex_);
  base::Duration NextBackoff();
  void Beat(base::Duration ahead = base::Duration::zero()) EXCLUDES(mutex_);

  const ReflectorOptions options_;
  WatchSource& source_;
  StoreWriter& store_;
  base::Clock& clock_;
  ReflectorObserver* const observer_;

  // Used by the reflector's thread only.
  std::mt19937_64 random_;
  std::string version_;
  bool version_gone_ = false;  // the next list must ask for the most recent state
  bool watch_list_;
  base::Duration backoff_;
  base::TimePoint last_failure_;

  std::atomic<bool> synced_{false};
  std::atomic<std::uint64_t> received_{0};
  mutable base::Mutex mutex_;
  mutable std::condition_variable_any has_synced_;
  std::string last_error_ GUARDED_BY(mutex_);
  std::optional<base::TimePoint> failing_since_ GUARDED_BY(mutex_);
  base::TimePoint beat_ GUARDED_BY(mutex_);
  std::jthread thread_;  // last: joined before anything that it uses goes away
};

}  // namespace kube::runtime
