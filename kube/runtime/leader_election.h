// LeaderElection: elects one of several replicas through a Lease (coordination.k8s.io), as client-go's
// tools/leaderelection does.
//
// Owns one thread between Start and Stop (or the destructor). Client and clock are borrowed. The client should be a
// separate one with a deadline below the renew deadline, so that a busy operator does not delay its lease. The validity
// of a lease counts on the local clock from the last observed change of its record; other machines' clocks are not
// used. IsLeader() is a fence in time: it becomes false before another process can lead, even in a process that was
// suspended and resumed.
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
  // Unique among running processes. A process whose identity is in the lease leads at once.
  std::string identity;
  base::Duration lease = std::chrono::seconds(15);
  base::Duration renew_deadline = std::chrono::seconds(10);
  base::Duration retry_period = std::chrono::seconds(2);
  std::uint64_t seed = 0;  // of the jitter
};

// kInvalid unless the lease is whole seconds and >= renew_deadline + 2 s, and renew_deadline > 1.2 retry_period > 0.
base::Status CheckLeaderElection(const LeaderElectionOptions& options);

class LeaderElection final : public LeaderGate {
 public:
  // `changed` is called with true when this process begins to lead, and with false when it has lost its lease
  // unexpectedly: the process should then exit at once. Called on the election's thread.
  LeaderElection(LeaderElectionOptions options, kube::Client& client, base::Clock& clock,
                 std::function<void(bool leading)> changed = {});
  ~LeaderElection() override;
  LeaderElection(const LeaderElection&) = delete;
  LeaderElection& operator=(const LeaderElection&) = delete;

  void Start();
  // Ends the thread and releases a held lease, so the next leader need not wait for its expiry. After this call nothing
  // may be written.
  void Stop();

  [[nodiscard]] bool IsLeader() const override EXCLUDES(mutex_);
  bool AwaitLeadership(const std::stop_token& stop) override;
  // Identity of the leader as last observed; "" = none or not known.
  [[nodiscard]] std::string Leader() const EXCLUDES(mutex_);
  // For /healthz: fails if this process leads and has not renewed for so long that its thread must hang.
  [[nodiscard]] base::Status Alive() const EXCLUDES(mutex_);

  // Tries once to acquire or renew. Returns the wait until the next try. Called by the thread's loop and by tests.
  base::Duration Step(const std::stop_token& stop) EXCLUDES(mutex_);

 private:
  void Run(const std::stop_token& stop);
  // True when the lease is ours now.
  bool TryAcquireOrRenew(const std::stop_token& stop);
  bool Write(const nlohmann::json& lease, const std::stop_token& stop);
  nlohmann::json Record(bool keep) const;
  void Observe(nlohmann::json lease);
  // Time from which a process other than the holder may take the observed lease.
  [[nodiscard]] base::TimePoint Expiry() const;
  void Release();

  const LeaderElectionOptions options_;
  kube::Client& client_;
  base::Clock& clock_;
  const std::function<void(bool)> changed_;

  // Used by the election's thread only.
  std::mt19937_64 random_;
  nlohmann::json observed_;          // the whole Lease as last read or written; null = none
  base::TimePoint observed_at_{};    // time of the last observed change of its record
  base::TimePoint attempt_began_{};  // start of the request that may renew

  mutable base::Mutex mutex_;
  bool leading_ GUARDED_BY(mutex_) = false;
  base::TimePoint renewed_ GUARDED_BY(mutex_){};  // start of the last successful write
  std::string holder_ GUARDED_BY(mutex_);
  std::stop_source leads_;  // requested when leadership begins: wakes AwaitLeadership
  std::jthread thread_;     // last: joined before anything that it uses goes away
};

}  // namespace kube::runtime
