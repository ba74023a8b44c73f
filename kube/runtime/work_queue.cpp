#include "kube/runtime/work_queue.h"

#include <algorithm>
#include <cmath>

namespace kube::runtime {

WorkQueue::WorkQueue(base::Clock& clock, RateLimits limits, WorkQueueObserver* observer)
    : clock_(clock), limits_(limits), observer_(observer), tokens_(limits.overall_burst), tokens_at_(clock.Now()) {
  mover_ = std::jthread([this](const std::stop_token& stop) { MoveDelayed(stop); });
}

WorkQueue::~WorkQueue() {
  ShutDown();
  mover_.request_stop();
  mover_.join();
}

void WorkQueue::Add(const ObjectKey& key, int priority) {
  const base::MutexLock lock(mutex_);
  AddLocked(key, priority);
}

void WorkQueue::AddLocked(const ObjectKey& key, int priority) {
  if (shut_down_) return;
  const base::TimePoint now = clock_.Now();
  if (processing_.count(key) != 0) {
    const auto [redo, inserted] = redo_.try_emplace(key, Waiting{priority, 0, now});
    if (!inserted) redo->second.priority = std::max(redo->second.priority, priority);
    if (inserted && observer_ != nullptr) observer_->OnAdd();
    return;
  }
  const auto waiting = waiting_.find(key);
  if (waiting != waiting_.end()) {
    if (priority <= waiting->second.priority) return;
    const base::TimePoint since = waiting->second.since;
    order_.erase({-waiting->second.priority, waiting->second.sequence});
    waiting_.erase(waiting);
    Enqueue(key, priority, since);
    return;
  }
  if (observer_ != nullptr) observer_->OnAdd();
  Enqueue(key, priority, now);
}

void WorkQueue::Enqueue(const ObjectKey& key, int priority, base::TimePoint since) {
  const std::uint64_t sequence = sequence_++;
  order_.emplace(std::pair(-priority, sequence), key);
  waiting_.emplace(key, Waiting{priority, sequence, since});
  if (observer_ != nullptr) observer_->OnDepth(order_.size());
  ready_.notify_one();
}

void WorkQueue::AddAfter(const ObjectKey& key, base::Duration delay, int priority) {
  const base::MutexLock lock(mutex_);
  AddDelayedLocked(key, delay, priority);
}

void WorkQueue::AddDelayedLocked(const ObjectKey& key, base::Duration delay, int priority) {
  if (shut_down_) return;
  if (delay <= base::Duration::zero()) {
    AddLocked(key, priority);
    return;
  }
  const base::TimePoint due = clock_.Now() + delay;
  const bool first = deadlines_.empty() || due < deadlines_.begin()->first;
  const auto [delayed, inserted] = delayed_.try_emplace(key, Delayed{due, priority});
  if (!inserted) {
    delayed->second.priority = std::max(delayed->second.priority, priority);
    if (delayed->second.due <= due) return;
    deadlines_.erase({delayed->second.due, key});
    delayed->second.due = due;
  }
  deadlines_.emplace(due, key);
  if (first) {
    nap_.request_stop();
    delayed_changed_.notify_all();
  }
}

base::Duration WorkQueue::OverallDelay() {
  if (limits_.overall_per_second <= 0) return base::Duration::zero();
  const base::TimePoint now = clock_.Now();
  const double refilled = std::chrono::duration<double>(now - tokens_at_).count() * limits_.overall_per_second;
  tokens_ = std::min(limits_.overall_burst, tokens_ + refilled) - 1;
  tokens_at_ = now;
  if (tokens_ >= 0) return base::Duration::zero();
  return std::chrono::duration_cast<base::Duration>(
      std::chrono::duration<double>(-tokens_ / limits_.overall_per_second));
}

void WorkQueue::AddRateLimited(const ObjectKey& key, base::Duration at_least) {
  const base::MutexLock lock(mutex_);
  if (shut_down_) return;
  const int failures = failures_[key]++;
  // As double: 5 ms * 2^62 would overflow the integer long before the maximum is applied.
  const double step = static_cast<double>(limits_.first.count()) * std::exp2(failures);
  const base::Duration delay =
      step >= static_cast<double>(limits_.max.count()) ? limits_.max : base::Duration(static_cast<std::int64_t>(step));
  if (observer_ != nullptr) observer_->OnRetry();
  AddDelayedLocked(key, std::max({delay, OverallDelay(), at_least}), 0);
}

void WorkQueue::Forget(const ObjectKey& key) {
  const base::MutexLock lock(mutex_);
  failures_.erase(key);
}

int WorkQueue::Failures(const ObjectKey& key) const {
  const base::MutexLock lock(mutex_);
  const auto found = failures_.find(key);
  return found == failures_.end() ? 0 : found->second;
}

std::optional<ObjectKey> WorkQueue::Get() {
  const base::MutexLock lock(mutex_);
  while (order_.empty() && !shut_down_) ready_.wait(mutex_);
  if (order_.empty()) return std::nullopt;
  ObjectKey key = std::move(order_.begin()->second);
  order_.erase(order_.begin());
  const base::TimePoint now = clock_.Now();
  const auto waiting = waiting_.find(key);
  if (observer_ != nullptr) {
    observer_->OnDepth(order_.size());
    observer_->OnStart(now - waiting->second.since);
  }
  waiting_.erase(waiting);
  processing_.emplace(key, now);
  return key;
}

void WorkQueue::Done(const ObjectKey& key) {
  const base::MutexLock lock(mutex_);
  const auto processing = processing_.find(key);
  if (processing == processing_.end()) return;
  if (observer_ != nullptr) observer_->OnDone(clock_.Now() - processing->second);
  processing_.erase(processing);
  const auto redo = redo_.find(key);
  if (redo == redo_.end()) return;
  const Waiting waiting = redo->second;
  redo_.erase(redo);
  if (!shut_down_) Enqueue(key, waiting.priority, waiting.since);
}

void WorkQueue::ShutDown() {
  const base::MutexLock lock(mutex_);
  if (shut_down_) return;
  shut_down_ = true;
  order_.clear();
  waiting_.clear();
  redo_.clear();
  delayed_.clear();
  deadlines_.clear();
  if (observer_ != nullptr) observer_->OnDepth(0);
  nap_.request_stop();
  ready_.notify_all();
  delayed_changed_.notify_all();
}

std::size_t WorkQueue::Depth() const {
  const base::MutexLock lock(mutex_);
  return order_.size();
}

WorkQueue::Processing WorkQueue::InProcess() const {
  const base::MutexLock lock(mutex_);
  Processing result;
  const base::TimePoint now = clock_.Now();
  for (const auto& [key, since] : processing_) {
    ++result.keys;
    result.longest = std::max(result.longest, now - since);
    result.sum += now - since;
  }
  return result;
}

void WorkQueue::MoveDelayed(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    base::TimePoint due;
    std::stop_token nap;
    {
      const base::MutexLock lock(mutex_);
      while (deadlines_.empty() && !shut_down_) delayed_changed_.wait(mutex_);
      if (shut_down_) return;
      const base::TimePoint now = clock_.Now();
      while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
        const ObjectKey key = deadlines_.begin()->second;
        const int priority = delayed_.at(key).priority;
        deadlines_.erase(deadlines_.begin());
        delayed_.erase(key);
        AddLocked(key, priority);
      }
      if (deadlines_.empty()) continue;
      due = deadlines_.begin()->first;
      nap_ = std::stop_source();
      nap = nap_.get_token();
    }
    clock_.SleepUntil(due, nap);
  }
}

}  // namespace kube::runtime
