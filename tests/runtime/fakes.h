// What the runtime tests share: objects as JSON, a clock that never waits, and a watch source that plays a script.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "kube/runtime/reflector.h"
#include "kube/runtime/store.h"

namespace kube::runtime::testing {

struct Thing {
  std::string color;
  bool operator==(const Thing&) const = default;
};

inline nlohmann::json Object(const std::string& name, const std::string& uid, const std::string& version,
                             const std::string& color = "red", const std::string& owner = {}) {
  nlohmann::json object = {
      {"metadata", {{"namespace", "ns"}, {"name", name}, {"uid", uid}, {"resourceVersion", version}}},
      {"color", color}};
  if (!owner.empty()) {
    object["metadata"]["ownerReferences"] = {{{"uid", "other"}, {"kind", "Other"}, {"name", "o"}},
                                             {{"uid", owner}, {"kind", "Task"}, {"name", "t"}, {"controller", true}}};
  }
  return object;
}

inline std::string Line(const std::string& type, const nlohmann::json& object) {
  return nlohmann::json({{"type", type}, {"object", object}}).dump();
}

inline std::string Bookmark(const std::string& version, bool ends_initial_events = false) {
  nlohmann::json object = {{"metadata", {{"resourceVersion", version}}}};
  if (ends_initial_events) object["metadata"]["annotations"] = {{"k8s.io/initial-events-end", "true"}};
  return Line("BOOKMARK", object);
}

inline std::string ErrorEvent(int code, const std::string& reason) {
  return Line("ERROR", {{"kind", "Status"}, {"code", code}, {"reason", reason}, {"message", "scripted"}});
}

inline base::Result<Thing> ProjectThing(std::string_view text) {
  const nlohmann::json object = ParseObject(text);
  if (object.at("color") == "invalid") return base::Invalid("color: \"invalid\" is not a color");
  return Thing{object.at("color").get<std::string>()};
}

// A store of things that writes down what its handler is told: "+a red", "~a red>blue", "-a blue"; "*" marks a list.
class RecordedStore {
 public:
  RecordedStore() : store("things", &ProjectThing) {
    store.OnChange([this](const Change<Thing>& change) {
      const std::string& name = change.any().meta.key.name;
      std::string text;
      if (change.before && change.after) {
        text = "~" + name + " " + change.before->object->color + ">" + change.after->object->color;
      } else if (change.after) {
        text = "+" + name + " " + change.after->object->color;
      } else {
        text = "-" + name + " " + change.before->object->color;
      }
      const std::lock_guard lock(mutex_);
      changes_.push_back(text + (change.from_list ? "*" : ""));
      changed_.notify_all();
    });
  }
  std::vector<std::string> Await(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return changes_.size() >= count; });
    return changes_;
  }
  std::vector<std::string> Changes() {
    const std::lock_guard lock(mutex_);
    return changes_;
  }

  Store<Thing> store;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> changes_;
};

// Never waits: jumps to each deadline and writes down how far that was. Stops its sleeper after `limit` sleeps.
class JumpingClock final : public base::Clock {
 public:
  explicit JumpingClock(std::size_t limit = SIZE_MAX) : limit_(limit) {}
  [[nodiscard]] base::TimePoint Now() const override {
    const std::lock_guard lock(mutex_);
    return now_;
  }
  [[nodiscard]] base::WallTime Wall() const override { return base::WallTime(std::chrono::seconds(1'790'000'000)); }
  bool SleepUntil(base::TimePoint deadline, const std::stop_token& stop) override {
    std::unique_lock lock(mutex_);
    sleeps_.push_back(deadline - now_);
    now_ = std::max(now_, deadline);
    changed_.notify_all();
    if (sleeps_.size() < limit_) return !stop.stop_requested();
    changed_.wait(lock, stop, [] { return false; });
    return false;
  }
  void Advance(base::Duration by) {
    const std::lock_guard lock(mutex_);
    now_ += by;
  }
  std::vector<base::Duration> AwaitSleeps(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return sleeps_.size() >= count; });
    return sleeps_;
  }

 private:
  const std::size_t limit_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  base::TimePoint now_;
  std::vector<base::Duration> sleeps_;
};

// Plays one step per call. When the script is over, a call blocks until it is stopped, as an idle watch does.
class ScriptedSource final : public WatchSource {
 public:
  // An answer to List.
  ScriptedSource& Page(std::vector<nlohmann::json> items, std::string version, std::string continue_token = {}) {
    const std::lock_guard lock(mutex_);
    lists_.push_back({std::move(items), WatchSource::Page{std::move(version), std::move(continue_token)}});
    return *this;
  }
  ScriptedSource& ListFails(base::Error error) {
    const std::lock_guard lock(mutex_);
    lists_.push_back({{}, std::move(error)});
    return *this;
  }
  // An answer to Watch: lines, then this end. `lasts`: moves the clock between the lines and the end.
  ScriptedSource& Watch(std::vector<std::string> lines, base::Status end = {}, std::function<void()> before_end = {}) {
    const std::lock_guard lock(mutex_);
    watches_.push_back({std::move(lines), std::move(end), std::move(before_end)});
    return *this;
  }

  base::Result<WatchSource::Page> List(const ListRequest& request, const std::function<void(std::string_view)>& item,
                                       const std::stop_token& stop) override {
    std::unique_lock lock(mutex_);
    list_requests_.push_back(request);
    changed_.notify_all();
    if (lists_.empty()) return Idle(lock, stop);
    ListStep step = std::move(lists_.front());
    lists_.pop_front();
    lock.unlock();
    for (const nlohmann::json& object : step.items) item(object.dump());
    return step.answer;
  }

  base::Status Watch(const WatchRequest& request, const std::function<bool(std::string_view)>& line,
                     const std::stop_token& stop) override {
    std::unique_lock lock(mutex_);
    watch_requests_.push_back(request);
    changed_.notify_all();
    if (watches_.empty()) return Idle(lock, stop);
    const WatchStep step = std::move(watches_.front());
    watches_.pop_front();
    lock.unlock();
    for (const std::string& text : step.lines) {
      if (!line(text)) return {};
    }
    if (step.before_end) step.before_end();
    return step.end;
  }

  std::vector<ListRequest> AwaitLists(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return list_requests_.size() >= count; });
    return list_requests_;
  }
  std::vector<WatchRequest> AwaitWatches(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return watch_requests_.size() >= count; });
    return watch_requests_;
  }
  std::vector<ListRequest> Lists() { return AwaitLists(0); }
  std::vector<WatchRequest> Watches() { return AwaitWatches(0); }

 private:
  struct ListStep {
    std::vector<nlohmann::json> items;
    base::Result<WatchSource::Page> answer;
  };
  struct WatchStep {
    std::vector<std::string> lines;
    base::Status end;
    std::function<void()> before_end;
  };
  base::Error Idle(std::unique_lock<std::mutex>& lock, const std::stop_token& stop) {
    changed_.wait(lock, stop, [] { return false; });
    return {base::Code::kCancelled, "stopped"};
  }

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<ListStep> lists_;
  std::deque<WatchStep> watches_;
  std::vector<ListRequest> list_requests_;
  std::vector<WatchRequest> watch_requests_;
};

}  // namespace kube::runtime::testing
