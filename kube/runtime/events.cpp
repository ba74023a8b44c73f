#include "kube/runtime/events.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "kube/client/client.h"
#include "kube/runtime/micro_time.h"

namespace kube::runtime {

namespace {

using nlohmann::json;

const kube::Resource kEvents{"events.k8s.io", "v1", "events", true};
constexpr std::size_t kShortField = 128;
constexpr std::size_t kNote = 1024;
constexpr int kTries = 4;
// More objects than this are forgotten together: the limiter must not become the leak that it is against.
constexpr std::size_t kMostBudgets = 10'000;
constexpr std::size_t kMostSeries = 4096;

// At most `limit` bytes, cut before a character rather than within.
std::string Cut(std::string text, std::size_t limit) {
  if (text.size() <= limit) return text;
  std::size_t end = limit;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  text.resize(end);
  return text;
}

const std::string& NamespaceOf(const Event& event) {
  static const std::string kDefault = "default";  // events about cluster-scoped objects live there
  return event.regarding.ns.empty() ? kDefault : event.regarding.ns;
}

}  // namespace

base::Status KubeEventSink::Create(const std::string& ns, const json& event, const std::stop_token& stop) {
  const base::Result<json> created = client_.Create(kEvents, ns, event, {}, stop);
  if (!created) return created.error();
  return {};
}

base::Status KubeEventSink::Patch(const std::string& ns, const std::string& name, const json& merge_patch,
                                  const std::stop_token& stop) {
  const base::Result<json> patched = client_.Patch(kEvents, ns, name, merge_patch, {}, stop);
  if (!patched) return patched.error();
  return {};
}

EventRecorder::EventRecorder(EventOptions options, EventSink& sink, base::Clock& clock)
    : options_(std::move(options)), sink_(sink), clock_(clock) {
  thread_ = std::jthread([this](const std::stop_token& stop) { Run(stop); });
}

EventRecorder::~EventRecorder() { Stop(base::Duration::zero()); }

bool EventRecorder::Spend(const ObjectReference& object) {
  if (budgets_.size() >= kMostBudgets) budgets_.clear();
  const base::TimePoint now = clock_.Now();
  Budget& budget = budgets_.try_emplace(object, Budget{static_cast<double>(options_.burst), now}).first->second;
  const double refilled = std::chrono::duration<double>(now - budget.updated) / options_.refill;
  budget.tokens = std::min(static_cast<double>(options_.burst), budget.tokens + refilled);
  budget.updated = now;
  if (budget.tokens < 1) return false;
  budget.tokens -= 1;
  return true;
}

void EventRecorder::Emit(Event event) {
  event.reason = Cut(std::move(event.reason), kShortField);
  event.action = event.action.empty() ? event.reason : Cut(std::move(event.action), kShortField);
  event.note = Cut(std::move(event.note), kNote);
  const base::MutexLock lock(mutex_);
  if (stopped_) return;
  if (queue_.size() >= options_.queue_limit || !Spend(event.regarding)) {
    ++dropped_;
    return;
  }
  queue_.push_back(std::move(event));
  changed_.notify_all();
}

std::uint64_t EventRecorder::Dropped() const {
  const base::MutexLock lock(mutex_);
  return dropped_;
}

void EventRecorder::Stop(base::Duration grace) {
  bool idle = false;
  {
    const base::MutexLock lock(mutex_);
    stopped_ = true;
    idle = queue_.empty() && !sending_;
  }
  if (!idle && grace > base::Duration::zero()) clock_.SleepFor(grace, drained_.get_token());
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void EventRecorder::Run(const std::stop_token& stop) {
  while (true) {
    std::optional<Event> event;
    {
      const base::MutexLock lock(mutex_);
      sending_ = false;
      if (stopped_ && queue_.empty()) drained_.request_stop();
      changed_.wait(mutex_, stop, [this]() REQUIRES(mutex_) { return !queue_.empty(); });
      if (stop.stop_requested()) return;
      event = std::move(queue_.front());
      queue_.pop_front();
      sending_ = true;
    }
    Send(*event, stop);
  }
}

json EventRecorder::Body(const Event& event, const std::string& name) const {
  return {{"apiVersion", "events.k8s.io/v1"},
          {"kind", "Event"},
          {"metadata", {{"name", name}, {"namespace", NamespaceOf(event)}}},
          {"eventTime", FormatMicroTime(clock_.Wall())},
          {"reportingController", options_.reporting_controller},
          {"reportingInstance", Cut(options_.reporting_instance, kShortField)},
          {"type", event.warning ? "Warning" : "Normal"},
          {"reason", event.reason},
          {"action", event.action},
          {"note", event.note},
          {"regarding",
           {{"apiVersion", event.regarding.api_version},
            {"kind", event.regarding.kind},
            {"namespace", event.regarding.ns},
            {"name", event.regarding.name},
            {"uid", event.regarding.uid}}}};
}

void EventRecorder::Send(const Event& event, const std::stop_token& stop) {
  const base::TimePoint now = clock_.Now();
  std::erase_if(series_, [&](const auto& entry) { return now - entry.second.last >= options_.series_window; });
  if (series_.size() >= kMostSeries) series_.clear();
  const SeriesKey key = json({event.regarding.ns, event.regarding.name, event.regarding.uid, event.warning,
                              event.reason, event.action, event.note})
                            .dump(-1, ' ', false, json::error_handler_t::replace);
  base::Duration pause = std::chrono::seconds(1);
  for (int attempt = 0; attempt < kTries; ++attempt, pause *= 2) {
    const auto running = series_.find(key);
    base::Status sent;
    if (running != series_.end()) {
      const json patch = {
          {"series", {{"count", running->second.count + 1}, {"lastObservedTime", FormatMicroTime(clock_.Wall())}}}};
      sent = sink_.Patch(NamespaceOf(event), running->second.name, patch, stop);
      if (sent) {
        ++running->second.count;
        running->second.last = now;
        return;
      }
      if (sent.error().code == base::Code::kNotFound) {  // the server's TTL was over: a new series
        series_.erase(running);
        continue;
      }
    } else {
      char suffix[48];
      std::snprintf(suffix, sizeof suffix, ".%llx.%llx",
                    static_cast<unsigned long long>(clock_.Wall().time_since_epoch().count()),
                    static_cast<unsigned long long>(sequence_++));
      const std::string name = Cut(event.regarding.name, 200) + suffix;
      sent = sink_.Create(NamespaceOf(event), Body(event, name), stop);
      if (sent || sent.error().code == base::Code::kAlreadyExists) {  // the HTTP library may send a POST twice
        series_[key] = {name, 1, now};
        return;
      }
    }
    if (sent.error().code != base::Code::kRetry) {
      spdlog::warn("Event {} about {} {} was rejected: {}", event.reason, event.regarding.kind, event.regarding.name,
                   sent.error().message);
      break;
    }
    if (!clock_.SleepFor(pause, stop)) break;
  }
  const base::MutexLock lock(mutex_);
  ++dropped_;
}

}  // namespace kube::runtime
