#include "operator/runtime/reflector.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace runtime {

namespace {

using nlohmann::json;

enum class EventType { kAdded, kModified, kDeleted, kBookmark, kError };

std::optional<EventType> ParseType(const std::string& type) {
  if (type == "ADDED") return EventType::kAdded;
  if (type == "MODIFIED") return EventType::kModified;
  if (type == "DELETED") return EventType::kDeleted;
  if (type == "BOOKMARK") return EventType::kBookmark;
  if (type == "ERROR") return EventType::kError;
  return std::nullopt;
}

bool EndsInitialEvents(const json& object) {
  const auto* annotations = [&]() -> const json* {
    const auto metadata = object.find("metadata");
    if (metadata == object.end() || !metadata->is_object()) return nullptr;
    const auto found = metadata->find("annotations");
    return found == metadata->end() || !found->is_object() ? nullptr : &*found;
  }();
  if (annotations == nullptr) return false;
  const auto end = annotations->find("k8s.io/initial-events-end");
  return end != annotations->end() && *end == "true";
}

// The Status of an ERROR event as the error that the same status over HTTP would be.
base::Error FromStatus(const json& status) {
  const auto code = status.find("code");
  const auto text = [&](const char* name) {
    const auto found = status.find(name);
    return found != status.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  base::Error error = base::Retry("watch event ERROR: " + text("reason") + ": " + text("message"));
  if (code != status.end() && code->is_number_integer()) error.http_status = code->get<int>();
  if (text("reason") == "Expired" || text("reason") == "Gone") error.http_status = 410;
  if (error.http_status == 410) error.code = base::Code::kNotFound;
  return error;
}

bool VersionGone(const base::Error& error) {
  // 410 Expired or Gone; or a version that this API server has not reached yet, after its peer went away.
  return error.http_status == 410 || error.message.find("oo large resource version") != std::string::npos;
}

}  // namespace

Reflector::Reflector(ReflectorOptions options, WatchSource& source, StoreWriter& store, base::Clock& clock,
                     ReflectorObserver* observer)
    : options_(std::move(options)),
      source_(source),
      store_(store),
      clock_(clock),
      observer_(observer),
      random_(options_.seed),
      watch_list_(options_.watch_list),
      backoff_(options_.backoff_first),
      last_failure_(clock.Now()),
      beat_(clock.Now()) {}

Reflector::~Reflector() { Stop(); }

void Reflector::Start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { Run(stop); });
}

void Reflector::Stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

std::string Reflector::LastError() const {
  const base::MutexLock lock(mutex_);
  return last_error_;
}

base::TimePoint Reflector::LastBeat() const {
  const base::MutexLock lock(mutex_);
  return beat_;
}

void Reflector::Beat(base::Duration ahead) {
  const base::MutexLock lock(mutex_);
  beat_ = clock_.Now() + ahead;
}

base::Duration Reflector::NextBackoff() {
  const base::TimePoint now = clock_.Now();
  if (now - last_failure_ > options_.backoff_reset) backoff_ = options_.backoff_first;
  last_failure_ = now;
  // Jitter 1.0 in client-go's sense: between once and twice the step.
  const auto jitter = std::uniform_int_distribution<base::Duration::rep>(0, backoff_.count())(random_);
  const base::Duration delay = backoff_ + base::Duration(jitter);
  backoff_ = std::min(backoff_ * 2, options_.backoff_max);
  return delay;
}

void Reflector::Run(const std::stop_token& stop) {
  Next next = Next::kState;
  while (!stop.stop_requested()) {
    const Outcome outcome = next == Next::kState ? GetState(stop) : Watch(false, stop);
    next = outcome.next;
    Beat();
    if (stop.stop_requested()) return;
    if (!outcome.error) continue;
    if (observer_ != nullptr) observer_->OnError(options_.name, *outcome.error);
    {
      const base::MutexLock lock(mutex_);
      last_error_ = outcome.error->message;
    }
    base::Duration delay = NextBackoff();
    if (outcome.error->retry_after) delay = std::max<base::Duration>(delay, *outcome.error->retry_after);
    spdlog::warn("Watch of {} goes on in {} ms: {}", options_.name,
                 std::chrono::duration_cast<std::chrono::milliseconds>(delay).count(), outcome.error->message);
    Beat(delay);
    if (!clock_.SleepFor(delay, stop)) return;
  }
}

Reflector::Outcome Reflector::GetState(const std::stop_token& stop) {
  if (!watch_list_) return List(stop);
  Outcome outcome = Watch(true, stop);
  if (outcome.error && outcome.error->code == base::Code::kInvalid && outcome.next == Next::kState) {
    spdlog::info("API server cannot stream the state of {}, listing from now on: {}", options_.name,
                 outcome.error->message);
    watch_list_ = false;
    return List(stop);
  }
  return outcome;
}

Reflector::Outcome Reflector::AfterError(base::Error error) {
  if (VersionGone(error)) {
    version_gone_ = true;
    return {Next::kState, std::move(error)};
  }
  // What passes by itself needs no new list: a restart of the API server would otherwise bring one from every client.
  const Next next =
      error.code == base::Code::kRetry || error.code == base::Code::kCancelled ? Next::kWatch : Next::kState;
  return {next, std::move(error)};
}

void Reflector::Committed(const std::string& version) {
  version_ = version;
  version_gone_ = false;
  synced_.store(true, std::memory_order_release);
  const base::MutexLock lock(mutex_);
  last_error_.clear();
}

Reflector::Outcome Reflector::List(const std::stop_token& stop) {
  WatchSource::ListRequest request;
  // "0": what the server's cache has will do, the watch brings the rest. Later never older than what we have seen.
  request.resource_version = version_gone_ ? "" : version_.empty() ? "0" : version_;
  request.limit = options_.page_size;
  store_.BeginReplace();
  while (true) {
    base::Result<WatchSource::Page> page = source_.List(
        request, [this](json&& object) { store_.Stage(object); }, stop);
    if (observer_ != nullptr) observer_->OnList(options_.name, page.ok());
    if (!page && page.error().http_status == 410 && !request.continue_token.empty()) {
      // The snapshot of this continue token was compacted: everything at once, then.
      request = {"", "", 0};
      store_.BeginReplace();
      continue;
    }
    if (!page) {
      Outcome outcome = AfterError(page.error());
      outcome.next = Next::kState;
      return outcome;
    }
    if (page->continue_token.empty()) {
      store_.CommitReplace(page->resource_version);
      Committed(page->resource_version);
      return {Next::kWatch, std::nullopt};
    }
    Beat();
    request.continue_token = page->continue_token;
    request.resource_version.clear();  // the token carries it
  }
}

Reflector::Outcome Reflector::Watch(bool initial_events, const std::stop_token& stop) {
  WatchSource::WatchRequest request;
  request.resource_version = version_gone_ ? "" : version_;
  request.send_initial_events = initial_events;
  request.timeout = std::chrono::seconds(std::uniform_int_distribution<std::chrono::seconds::rep>(
      options_.watch_timeout_min.count(), options_.watch_timeout_max.count())(random_));
  if (initial_events) store_.BeginReplace();
  if (observer_ != nullptr) observer_->OnWatchStart(options_.name);

  bool staging = initial_events;
  std::size_t events = 0;
  std::optional<base::Error> failure;
  const base::TimePoint begin = clock_.Now();
  const base::Status ended = source_.Watch(
      request,
      [&](std::string_view line) {
        const json event = json::parse(line, nullptr, /*allow_exceptions=*/false);
        const auto type = event.is_object() ? event.find("type") : event.end();
        const auto object = event.is_object() ? event.find("object") : event.end();
        const std::optional<EventType> kind =
            type != event.end() && type->is_string() ? ParseType(type->get<std::string>()) : std::nullopt;
        if (!kind || object == event.end() || !object->is_object()) {
          failure = base::Retry("watch event could not be read: " + std::string(line.substr(0, 128)));
          return false;
        }
        if (*kind == EventType::kError) {
          failure = FromStatus(*object);
          return false;
        }
        ++events;
        Beat();
        const std::string version = ReadObjectMeta(*object).resource_version;
        switch (*kind) {
          case EventType::kAdded:
          case EventType::kModified:
            staging ? store_.Stage(*object) : store_.Upsert(*object);
            break;
          case EventType::kDeleted:
            staging ? store_.Unstage(*object) : store_.Remove(*object);
            break;
          case EventType::kBookmark:
            if (staging && EndsInitialEvents(*object)) {
              staging = false;
              store_.CommitReplace(version);
              Committed(version);
            } else if (!staging) {
              store_.Advance(version);
            }
            break;
          case EventType::kError:
            break;
        }
        // Before the end of the initial events a version says nothing: the rest of the state is missing.
        if (!staging && !version.empty()) version_ = version;
        return !stop.stop_requested();
      },
      stop);

  if (!failure && !ended) failure = ended.error();
  Outcome outcome;
  if (failure) {
    outcome = AfterError(*std::move(failure));
  } else if (staging) {
    outcome.error = base::Retry("the watch ended before the whole state had arrived");
  } else if (events == 0 && clock_.Now() - begin < std::chrono::seconds(1)) {
    // Without this a server that accepts and closes at once would be asked thousands of times a second.
    outcome.error = base::Retry("the watch ended at once and without an event");
  }
  if (staging) outcome.next = Next::kState;
  return outcome;
}

}  // namespace runtime
