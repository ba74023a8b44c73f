#include "kube/runtime/reflector.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <mutex>
#include <utility>

#include "kube/runtime/watch_event.h"

namespace kube::runtime {

namespace {

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

bool Reflector::AwaitSync(const std::stop_token& stop) const {
  std::unique_lock lock(mutex_);
  return has_synced_.wait(lock, stop, [this] { return HasSynced(); });
}

std::string Reflector::LastError() const {
  const base::MutexLock lock(mutex_);
  return last_error_;
}

std::optional<base::TimePoint> Reflector::FailingSince() const {
  const base::MutexLock lock(mutex_);
  return failing_since_;
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
  if (options_.after != nullptr && !options_.after->AwaitSync(stop)) return;
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
      if (!failing_since_) failing_since_ = clock_.Now();
    }
    base::Duration delay = NextBackoff();
    if (outcome.error->retry_after) delay = std::max<base::Duration>(delay, *outcome.error->retry_after);
    spdlog::warn("Watch of {} continues in {} ms: {}", options_.name,
                 std::chrono::duration_cast<std::chrono::milliseconds>(delay).count(), outcome.error->message);
    Beat(delay);
    if (!clock_.SleepFor(delay, stop)) return;
  }
}

Reflector::Outcome Reflector::GetState(const std::stop_token& stop) {
  if (!watch_list_) return List(stop);
  Outcome outcome = Watch(true, stop);
  const bool refused =
      outcome.error && (outcome.error->code == base::Code::kInvalid || outcome.error->http_status == 422);
  if (refused && outcome.next == Next::kState) {
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
  {
    const base::MutexLock lock(mutex_);
    synced_.store(true, std::memory_order_release);
  }
  has_synced_.notify_all();
  Heard();
}

void Reflector::Heard() {
  const base::MutexLock lock(mutex_);
  last_error_.clear();
  failing_since_.reset();
}

Reflector::Outcome Reflector::List(const std::stop_token& stop) {
  WatchSource::ListRequest request;
  // Never older than what we have seen. Not "0" at first, which the server's watch cache answers whatever the limit
  // says: a whole collection in one answer, larger than the client reads, and the next start would ask for the same.
  request.resource_version = version_gone_ ? "" : version_;
  request.limit = options_.page_size;
  store_.BeginReplace();
  while (true) {
    bool readable = true;
    base::Result<WatchSource::Page> page = source_.List(
        request,
        [&](std::string_view object) {
          readable = readable && ReadObjectMeta(object);
          if (readable) store_.Stage(object);
          received_.fetch_add(1, std::memory_order_relaxed);
        },
        stop);
    if (page && !readable) page = base::Retry("an object of the list has metadata that cannot be read");
    if (observer_ != nullptr) observer_->OnList(options_.name, page.ok());
    if (!page) {
      // Also where the snapshot of the continue token was compacted: from the first page, after a pause.
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
        base::Result<WatchEvent> event = ParseWatchEvent(line);
        if (!event) {
          failure = std::move(event).error();
          return false;
        }
        ++events;
        received_.fetch_add(1, std::memory_order_relaxed);
        Beat();
        const std::string& version = event->meta.resource_version;
        switch (event->type) {
          case WatchEventType::kAdded:
          case WatchEventType::kModified:
            staging ? store_.Stage(event->object) : store_.Upsert(event->object);
            break;
          case WatchEventType::kDeleted:
            staging ? store_.Unstage(event->object) : store_.Remove(event->object);
            break;
          case WatchEventType::kBookmark:
            if (staging && event->ends_initial_events) {
              staging = false;
              store_.CommitReplace(version);
              Committed(version);
            } else if (!staging) {
              store_.Advance(version);
            }
            break;
        }
        if (!staging) {
          Heard();
          // Before the end of the initial events a version says nothing: the rest of the state is missing.
          if (!version.empty()) version_ = version;
        }
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
  } else {
    Heard();  // a quiet watch that the server ended: nothing has happened
  }
  if (staging) outcome.next = Next::kState;
  return outcome;
}

}  // namespace kube::runtime
