// LeaderElection: one of several replicas leads, by a Lease of the coordination.k8s.io API, as client-go's
// tools/leaderelection does it.
//
// Owns one thread between Start and Stop (or the destructor). Client and clock are borrowed; the client should be one
// of its own, with a deadline below the renew deadline, so that a busy operator does not starve its lease. The validity
// of a lease is measured on the local clock since the last observed change of its record: clocks of other machines are
// not used. IsLeader() is a fence in time: it becomes false before another process can lead, also in a process that was
// stopped and continued.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <stop_token>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/result.h"
#include "base/thread_annotations.h"
#include "kube/client/client.h"
#include "kube/runtime/leader_gate.h"

namespace kube::runtime {

struct LeaderElectionOptions {
  std::string ns, name;  // of the Lease
  // Unique among running processes. A process with the identity in the lease leads at once.
  std::string identity;
  base::Duration lease = std::chrono::seconds(15);
  base::Duration renew_deadline = std::chrono::seconds(10);
  base::Duration retry_period = std::chrono::seconds(2);
  std::uint64_t seed = 0;  // of the jitter
};

// kInvalid unless lease > renew_deadline > 1.2 retry_period and all are whole: client-go's conditions.
base::Status CheckLeaderElection(const LeaderElectionOptions& options);

class LeaderElection final : public LeaderGate {
 public:
  // `changed` is called when this process begins to lead (true), and when it has lost its lease unexpectedly (false):
  // the process should then exit at once. Called on the election's thread.
  LeaderElection(LeaderElectionOptions options, kube::Client& client, base::Clock& clock,
                 std::function<void(bool leading)> changed = {});
  ~LeaderElection() override;
  LeaderElection(const LeaderElection&) = delete;
  LeaderElection& operator=(const LeaderElection&) = delete;

  void Start();
  // Ends the thread. Releases a held lease, so the next leader need not wait for its end: nothing may be written after
  // this.
  void Stop();

  [[nodiscard]] bool IsLeader() const override EXCLUDES(mutex_);
  bool AwaitLeadership(const std::stop_token& stop) override;
  // Identity of the leader as last observed; "" = none or not known.
  [[nodiscard]] std::string Leader() const EXCLUDES(mutex_);
  // For /healthz: fails when this process leads and has not renewed for so long that its thread must hang.
  [[nodiscard]] base::Status Alive() const EXCLUDES(mutex_);

  // One try to acquire or renew, and how long to wait for the next; the thread's loop, and a test's.
  base::Duration Step(const std::stop_token& stop) EXCLUDES(mutex_);

 private:
  void Run(const std::stop_token& stop);
  // True when the lease is ours now.
  bool TryAcquireOrRenew(const std::stop_token& stop);
  bool Write(const nlohmann::json& lease, const std::stop_token& stop);
  nlohmann::json Record(bool keep) const;
  void Observe(nlohmann::json lease);
  // From when on the observed lease may be taken by another process than its holder.
  [[nodiscard]] base::TimePoint Expiry() const;
  void Release();

  const LeaderElectionOptions options_;
  kube::Client& client_;
  base::Clock& clock_;
  const std::function<void(bool)> changed_;

  // The thread's own.
  std::mt19937_64 random_;
  nlohmann::json observed_;          // the whole Lease as last read or written; null = none
  base::TimePoint observed_at_{};    // when its record was last seen to change
  base::TimePoint attempt_began_{};  // of the request that may renew

  mutable base::Mutex mutex_;
  bool leading_ GUARDED_BY(mutex_) = false;
  base::TimePoint renewed_ GUARDED_BY(mutex_){};  // when the last successful write was begun
  std::string holder_ GUARDED_BY(mutex_);
  std::stop_source leads_;  // requested when leadership begins: wakes AwaitLeadership
  std::jthread thread_;     // last: joined before anything that it uses goes away
};

}  // namespace kube::runtime
