// LeaderGate: whether this process may write. LeaderElection implements it for several replicas, AlwaysLeader for a
// single one.
//
// Thread-safe. IsLeader is cheap: writers call it before each write (a fence). Workers wait once, at their start.
#pragma once

#include <stop_token>

namespace kube::runtime {

class LeaderGate {
 public:
  virtual ~LeaderGate() = default;
  [[nodiscard]] virtual bool IsLeader() const = 0;
  // Waits until this process leads. Returns false if stopped before.
  virtual bool AwaitLeadership(const std::stop_token& stop) = 0;
};

// For a process that runs alone.
class AlwaysLeader final : public LeaderGate {
 public:
  [[nodiscard]] bool IsLeader() const override { return true; }
  bool AwaitLeadership(const std::stop_token& stop) override { return !stop.stop_requested(); }
};

}  // namespace kube::runtime
