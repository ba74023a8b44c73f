// EventRecorder: events.k8s.io/v1 events about objects. Best effort by design.
//
// Thread-safe. Emit appends to a bounded queue and never delays a reconcile; events beyond the queue's size are dropped
// and counted. One thread sends. Equal events within six minutes become one series with a count.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/result.h"
#include "base/thread_annotations.h"

namespace kube {
class Client;
}

namespace kube::runtime {

struct ObjectReference {
  std::string api_version;
  std::string kind;
  std::string ns;
  std::string name;
  std::string uid;
  auto operator<=>(const ObjectReference&) const = default;
};

struct Event {
  ObjectReference regarding;
  bool warning = false;
  std::string reason;  // CamelCase, cut at 128 bytes
  std::string action;  // CamelCase, cut at 128 bytes; the action. Empty: the reason
  std::string note;    // cut at 1024 bytes, at a character's boundary
};

// Destination of events. Called on the recorder's thread.
class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual base::Status Create(const std::string& ns, const nlohmann::json& event, const std::stop_token& stop) = 0;
  virtual base::Status Patch(const std::string& ns, const std::string& name, const nlohmann::json& merge_patch,
                             const std::stop_token& stop) = 0;
};

class KubeEventSink final : public EventSink {
 public:
  explicit KubeEventSink(kube::Client& client) : client_(client) {}
  base::Status Create(const std::string& ns, const nlohmann::json& event, const std::stop_token& stop) override;
  base::Status Patch(const std::string& ns, const std::string& name, const nlohmann::json& merge_patch,
                     const std::stop_token& stop) override;

 private:
  kube::Client& client_;
};

struct EventOptions {
  std::string reporting_controller;  // "autotuner.io/operator"
  std::string reporting_instance;    // the pod's name, cut at 128 bytes
  std::size_t queue_limit = 1000;
  base::Duration series_window = std::chrono::minutes(6);
  // Rate limit per object: `burst` events at once, then one per interval. Events beyond it are dropped and counted.
  int burst = 25;
  base::Duration refill = std::chrono::minutes(5);
};

class EventRecorder {
 public:
  EventRecorder(EventOptions options, EventSink& sink, base::Clock& clock);
  ~EventRecorder();
  EventRecorder(const EventRecorder&) = delete;
  EventRecorder& operator=(const EventRecorder&) = delete;

  void Emit(Event event) EXCLUDES(mutex_);
  // Waits until the queue is empty or `grace` has passed, then stops the thread. Later calls of Emit have no effect.
  void Stop(base::Duration grace = std::chrono::seconds(2)) EXCLUDES(mutex_);
  [[nodiscard]] std::uint64_t Dropped() const EXCLUDES(mutex_);

 private:
  struct Series {
    std::string name;
    int count = 1;
    base::TimePoint last;
  };
  struct Budget {
    double tokens = 0;
    base::TimePoint updated;
  };
  using SeriesKey = std::string;

  void Run(const std::stop_token& stop);
  void Send(const Event& event, const std::stop_token& stop);
  bool Spend(const ObjectReference& object) REQUIRES(mutex_);
  [[nodiscard]] nlohmann::json Body(const Event& event, const std::string& name) const;

  const EventOptions options_;
  EventSink& sink_;
  base::Clock& clock_;

  // Used by the sending thread only.
  std::map<SeriesKey, Series> series_;
  std::uint64_t sequence_ = 0;

  mutable base::Mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Event> queue_ GUARDED_BY(mutex_);
  bool sending_ GUARDED_BY(mutex_) = false;
  std::stop_source drained_;  // requested when stopped and nothing is left to send
  bool stopped_ GUARDED_BY(mutex_) = false;
  std::uint64_t dropped_ GUARDED_BY(mutex_) = 0;
  std::map<ObjectReference, Budget> budgets_ GUARDED_BY(mutex_);
  std::jthread thread_;
};

}  // namespace kube::runtime
