// LeaderGate: may this process write? The seam for leader election; so far a process that runs alone leads always.
//
// Thread-safe. IsLeader is cheap: writers ask before each write (a fence), workers wait once at start.
#pragma once

#include <stop_token>

namespace runtime {

class LeaderGate {
 public:
  virtual ~LeaderGate() = default;
  [[nodiscard]] virtual bool IsLeader() const = 0;
  // False when stopped before becoming leader.
  virtual bool AwaitLeadership(const std::stop_token& stop) = 0;
};

// For one replica with strategy Recreate, where Kubernetes itself sees to it that there is one.
class AlwaysLeader final : public LeaderGate {
 public:
  [[nodiscard]] bool IsLeader() const override { return true; }
  bool AwaitLeadership(const std::stop_token& stop) override { return !stop.stop_requested(); }
};

}  // namespace runtime
