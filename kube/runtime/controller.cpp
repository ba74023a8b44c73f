#include "kube/runtime/controller.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "kube/runtime/log_field.h"

namespace kube::runtime {

base::Status AwaitCaches(const std::vector<CacheSync>& caches, base::Duration timeout, base::Clock& clock,
                         const std::stop_token& stop) {
  // Thousands of large objects take minutes on a busy machine: whoever gives up while they come starts again from none.
  constexpr int kMostTimeouts = 10;
  const base::TimePoint last = clock.Now() + kMostTimeouts * timeout;
  base::TimePoint deadline = clock.Now() + timeout;
  std::uint64_t received_before = 0;
  while (true) {
    std::string missing;
    std::uint64_t received = 0;
    for (const CacheSync& cache : caches) {
      if (cache.received) received += cache.received();
      if (cache.synced()) continue;
      const std::string why = cache.last_error ? cache.last_error() : std::string();
      missing += (missing.empty() ? "" : "; ") + cache.name + (why.empty() ? "" : " (" + why + ")");
    }
    if (missing.empty()) return {};
    if (received != received_before) deadline = std::min(clock.Now() + timeout, last);
    received_before = received;
    if (clock.Now() >= deadline) {
      const base::Duration waited = deadline == last ? kMostTimeouts * timeout : timeout;
      return base::Retry("caches did not sync within " +
                         std::to_string(std::chrono::duration_cast<std::chrono::seconds>(waited).count()) +
                         " s: " + missing + ". Are the CRD and the RBAC rules installed?");
    }
    if (!clock.SleepFor(std::chrono::milliseconds(50), stop)) {
      return base::Error{base::Code::kCancelled, "stopped while waiting for caches: " + missing};
    }
  }
}

Controller::Controller(ControllerOptions options, Reconcile reconcile, WorkQueue& queue, base::Clock& clock,
                       LeaderGate& gate, ControllerObserver* observer)
    : options_(std::move(options)),
      reconcile_(std::move(reconcile)),
      queue_(queue),
      clock_(clock),
      gate_(gate),
      observer_(observer) {}

Controller::~Controller() {
  stop_.request_stop();
  Stop(base::Duration::zero());
}

base::Status Controller::Start(const std::vector<CacheSync>& caches, const std::stop_token& stop) {
  if (base::Status synced = AwaitCaches(caches, options_.cache_sync_timeout, clock_, stop); !synced) return synced;
  if (!gate_.AwaitLeadership(stop)) {
    return base::Error{base::Code::kCancelled, options_.name + ": stopped before becoming leader"};
  }
  const int count = std::max(options_.workers, 1);
  running_ = count;
  for (int i = 0; i < count; ++i) workers_.emplace_back([this] { Work(); });
  spdlog::info("Controller {} started with {} workers", options_.name, count);
  return {};
}

bool Controller::Stop(base::Duration grace) {
  queue_.ShutDown();
  if (workers_.empty()) return true;
  if (grace > base::Duration::zero()) clock_.SleepFor(grace, drained_.get_token());
  const bool in_time = drained_.stop_requested();
  if (!in_time) spdlog::warn("Controller {} interrupts its reconciles", options_.name);
  stop_.request_stop();
  for (std::jthread& worker : workers_) worker.join();
  workers_.clear();
  return in_time;
}

void Controller::Work() {
  while (const std::optional<ObjectKey> key = queue_.Get()) {
    ReconcileOne(*key);
    queue_.Done(*key);
  }
  if (running_.fetch_sub(1) == 1) drained_.request_stop();
}

void Controller::ReconcileOne(const ObjectKey& key) {
  if (!gate_.IsLeader()) {
    queue_.AddRateLimited(key);
    return;
  }
  const LogField log_key(options_.log_field, key.ToString());
  // Tells the lines of this look at the object from those of others.
  const LogField log_reconcile("reconcile", std::to_string(++reconciles_));
  if (observer_ != nullptr) observer_->OnReconcileStart();
  const base::TimePoint begin = clock_.Now();
  ReconcileOutcome outcome = ReconcileOutcome::kSuccess;
  base::Result<ReconcileResult> result = ReconcileResult{};
  try {
    result = reconcile_(key, stop_.get_token());
  } catch (const std::exception& error) {
    outcome = ReconcileOutcome::kPanic;
    result = base::Retry(std::string("exception: ") + error.what());
  } catch (...) {
    outcome = ReconcileOutcome::kPanic;
    result = base::Retry("exception of unknown type");
  }

  if (result) {
    queue_.Forget(key);
    if (result->requeue_after) {
      outcome = ReconcileOutcome::kRequeueAfter;
      queue_.AddAfter(key, *result->requeue_after);
    }
  } else {
    const base::Error& error = result.error();
    switch (error.code) {
      case base::Code::kInvalid:
        outcome = ReconcileOutcome::kTerminalError;
        spdlog::error("Reconcile of {} {} ended: {}", options_.name, key.ToString(), error.message);
        queue_.Forget(key);
        break;
      case base::Code::kConflict:
        // Somebody else was faster: usual, and the next try sees what they wrote.
        if (outcome != ReconcileOutcome::kPanic) outcome = ReconcileOutcome::kError;
        spdlog::debug("Reconcile of {} {} is repeated: {}", options_.name, key.ToString(), error.message);
        queue_.AddRateLimited(key);
        break;
      case base::Code::kRetry:
      case base::Code::kNotFound:
      case base::Code::kAlreadyExists:
      case base::Code::kDenied:
      case base::Code::kCancelled:
        if (outcome != ReconcileOutcome::kPanic) outcome = ReconcileOutcome::kError;
        spdlog::warn("Reconcile of {} {} failed ({}): {}", options_.name, key.ToString(), base::CodeName(error.code),
                     error.message);
        queue_.AddRateLimited(key, error.retry_after ? base::Duration(*error.retry_after) : base::Duration::zero());
        break;
    }
  }
  if (observer_ != nullptr) observer_->OnReconcileEnd(outcome, clock_.Now() - begin);
}

}  // namespace kube::runtime
