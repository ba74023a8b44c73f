// Replicas that want one Lease, on a simulated clock: an API server that keeps it, and can be cut off from each of
// them.
#include "kube/runtime/leader_election.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "kube/runtime/leader_fence.h"
#include "kube/runtime/micro_time.h"

namespace kube::runtime {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// What the API server keeps of one Lease.
struct LeaseServer {
  std::mutex mutex;
  json lease;  // null: none
  int version = 100;
  int writes = 0;

  int Writes() {
    const std::lock_guard lock(mutex);
    return writes;
  }
  json spec() {
    const std::lock_guard lock(mutex);
    return lease["spec"];
  }
};

// One replica's way to it.
class LeaseTransport final : public kube::HttpTransport {
 public:
  LeaseTransport(LeaseServer& server, base::SimulatedClock& clock) : server_(server), clock_(clock) {}

  kube::HttpResult<kube::Response> Send(const kube::Request& request, const std::stop_token&) override {
    requests.push_back(request.method);
    if (down) {
      clock_.Advance(5s);  // the request's deadline
      return kube::HttpError{kube::ErrorKind::kTimeout, ETIMEDOUT, "black hole"};
    }
    const std::lock_guard lock(server_.mutex);
    const auto reply = [](int status, const json& body) {
      return kube::Response{status, {{"Content-Type", "application/json"}}, body.dump()};
    };
    const auto refuse = [&](int status, const char* reason) {
      return reply(status, {{"kind", "Status"}, {"reason", reason}, {"message", reason}});
    };
    if (request.method == "GET") return server_.lease.is_null() ? refuse(404, "NotFound") : reply(200, server_.lease);
    json sent = json::parse(request.body);
    if (request.method == "POST" && !server_.lease.is_null()) return refuse(409, "AlreadyExists");
    if (request.method == "PUT" && (server_.lease.is_null() || sent["metadata"]["resourceVersion"] !=
                                                                   server_.lease["metadata"]["resourceVersion"])) {
      return refuse(409, "Conflict");
    }
    sent["metadata"]["resourceVersion"] = std::to_string(++server_.version);
    server_.lease = sent;
    ++server_.writes;
    if (lose_answers) return kube::HttpError{kube::ErrorKind::kReset, ECONNRESET, "the answer was lost"};
    return reply(200, sent);
  }
  kube::HttpResult<kube::Response> Stream(const kube::Request&, const kube::LineSink&,
                                          const std::stop_token&) override {
    return kube::HttpError{kube::ErrorKind::kConnect, 0, "nothing is watched here"};
  }

  bool down = false;
  bool lose_answers = false;
  std::vector<std::string> requests;

 private:
  LeaseServer& server_;
  base::SimulatedClock& clock_;
};

// One replica. Its clock is its own: machines are not started at the same moment and do not agree on the time.
struct Replica {
  Replica(LeaseServer& server, const std::string& name, base::WallTime start = base::WallTime(1'790'000'000s))
      : clock(start),
        transport(server, clock),
        client(transport, clock),
        election(Options(name), client, clock, [this](bool leading) { told.push_back(leading); }) {}
  static LeaderElectionOptions Options(const std::string& name) {
    LeaderElectionOptions options;
    options.ns = "autotune-system";
    options.name = "autotune-operator";
    options.identity = name;
    return options;
  }
  base::Duration Step() { return election.Step({}); }

  base::SimulatedClock clock;
  LeaseTransport transport;
  kube::Client client;
  std::vector<bool> told;
  LeaderElection election;
};

class LeaderElectionTest : public ::testing::Test {
 protected:
  void Pass(base::Duration time) {
    a.clock.Advance(time);
    b.clock.Advance(time);
  }
  LeaseServer server;
  Replica a{server, "a"};
  // Ten minutes behind.
  Replica b{server, "b", base::WallTime(1'790'000'000s - 10min)};
};

TEST_F(LeaderElectionTest, TheFirstOneCreatesTheLeaseAndTheOtherWaits) {
  a.Step();
  b.Step();
  EXPECT_TRUE(a.election.IsLeader());
  EXPECT_FALSE(b.election.IsLeader());
  EXPECT_EQ(b.election.Leader(), "a");
  EXPECT_THAT(a.told, ElementsAre(true));
  EXPECT_THAT(b.told, ElementsAre());
  const json spec = server.spec();
  EXPECT_EQ(spec["holderIdentity"], "a");
  EXPECT_EQ(spec["leaseDurationSeconds"], 15);
  EXPECT_EQ(spec["leaseTransitions"], 0);
  EXPECT_EQ(spec["renewTime"], FormatMicroTime(a.clock.Wall()));
  EXPECT_EQ(server.lease["apiVersion"], "coordination.k8s.io/v1");
}

TEST_F(LeaderElectionTest, ARenewalIsOneRequestEveryTwoSeconds) {
  a.Step();
  const json first = server.spec();
  a.transport.requests.clear();
  for (int i = 0; i < 5; ++i) {
    Pass(2s);
    EXPECT_EQ(a.Step(), 2s);
  }
  EXPECT_THAT(a.transport.requests, ElementsAre("PUT", "PUT", "PUT", "PUT", "PUT"));
  const json last = server.spec();
  EXPECT_EQ(last["acquireTime"], first["acquireTime"]);
  EXPECT_EQ(last["renewTime"], FormatMicroTime(a.clock.Wall()));
  EXPECT_EQ(last["leaseTransitions"], 0);
}

TEST_F(LeaderElectionTest, ALeaderThatIsRenewedIsNeverReplacedWhateverTheClocksSay) {
  a.Step();
  for (int i = 0; i < 100; ++i) {
    Pass(2s);
    a.Step();
    b.Step();
    ASSERT_TRUE(a.election.IsLeader());
    ASSERT_FALSE(b.election.IsLeader());
  }
}

TEST_F(LeaderElectionTest, AKilledLeaderIsReplacedWhenItsLeaseEnds) {
  a.Step();
  Pass(b.Step());
  a.Step();  // the last thing that it does
  base::Duration passed{0};
  while (true) {
    const base::Duration wait = b.Step();
    if (b.election.IsLeader()) break;
    EXPECT_GT(wait, 0s);
    EXPECT_GE(wait, std::min<base::Duration>(1s, 15s - passed));
    EXPECT_LE(wait, 1500ms);
    Pass(wait);
    passed += wait;
    ASSERT_LE(passed, 15s) << "not at the end of the lease as it was observed";
  }
  EXPECT_EQ(passed, 15s) << "a lease that may be valid is not taken";
  EXPECT_EQ(server.spec()["leaseTransitions"], 1);
  EXPECT_EQ(server.spec()["acquireTime"], FormatMicroTime(b.clock.Wall()));
}

// The waiting replica has looked just before the leader's last renewal.
TEST_F(LeaderElectionTest, ALeaderThatIsKilledAfterARenewalIsReplacedWithin17Seconds) {
  for (int pauses = 0; pauses < 20; ++pauses) {
    LeaseServer other;
    Replica leader(other, "leader");
    Replica waiting(other, "waiting");
    leader.Step();
    base::Duration wait{0};
    for (int i = 0; i <= pauses; ++i) wait = waiting.Step();
    leader.Step();
    base::Duration passed{0};
    while (!waiting.election.IsLeader()) {
      waiting.clock.Advance(wait);
      passed += wait;
      wait = waiting.Step();
    }
    EXPECT_GE(passed, 15s);
    EXPECT_LE(passed, 16500ms);
  }
}

// Its requests fail, so that it knows nothing new: it neither waits for less than no time nor asks all the time.
TEST_F(LeaderElectionTest, AfterTheEndOfALeaseThatItCannotTakeAReplicaWaitsBetweenItsTries) {
  a.Step();
  b.Step();
  Pass(20s);
  b.transport.down = true;
  for (int i = 0; i < 5; ++i) EXPECT_GE(b.Step(), 1s);
}

TEST_F(LeaderElectionTest, ALeaseThatWasGivenBackIsTakenAtTheNextTry) {
  a.Step();
  b.Step();
  a.election.Stop();
  EXPECT_FALSE(a.election.IsLeader());
  EXPECT_EQ(server.spec()["holderIdentity"], "");
  EXPECT_EQ(server.spec()["leaseDurationSeconds"], 1);
  EXPECT_THAT(a.told, ElementsAre(true)) << "it was asked to stop: that is no loss";
  b.Step();
  EXPECT_TRUE(b.election.IsLeader());
}

TEST_F(LeaderElectionTest, ARestartedContainerGoesOnWithItsPodsLease) {
  a.Step();
  Replica again(server, "a");
  again.Step();
  EXPECT_TRUE(again.election.IsLeader());
  EXPECT_EQ(server.spec()["leaseTransitions"], 0);
}

TEST_F(LeaderElectionTest, AReplicaThatDoesNotLeadGivesNothingBack) {
  a.Step();
  b.Step();
  b.election.Stop();
  EXPECT_EQ(server.spec()["holderIdentity"], "a");
}

// The fence: whatever else the process does, at any moment, there is at most one that may write.
TEST_F(LeaderElectionTest, ALeaderWithoutTheServerStopsWritingBeforeAnotherMayLead) {
  a.Step();
  b.Step();
  a.transport.down = true;
  bool was_lost = false;
  base::Duration passed{0};
  base::TimePoint a_next = a.clock.Now();
  while (!b.election.IsLeader()) {
    Pass(100ms);
    passed += 100ms;
    // Its tries take time, which passes for the other one as well.
    if (!was_lost && a.clock.Now() >= a_next) {
      const base::TimePoint before = a.clock.Now();
      a_next = before + a.Step();
      b.clock.Advance(a.clock.Now() - before);
      passed += a.clock.Now() - before;
    }
    was_lost = a.told.size() == 2;
    b.Step();
    ASSERT_FALSE(a.election.IsLeader() && b.election.IsLeader());
    ASSERT_LT(passed, 60s);
  }
  EXPECT_THAT(a.told, ElementsAre(true, false));
  EXPECT_FALSE(a.election.IsLeader());
}

TEST_F(LeaderElectionTest, AProcessThatWasStoppedForLongDoesNotLeadWhenItGoesOn) {
  a.Step();
  b.Step();
  Pass(20s);  // SIGSTOP for a, b does its work
  b.Step();
  b.Step();
  ASSERT_TRUE(b.election.IsLeader());
  EXPECT_FALSE(a.election.IsLeader()) << "before it has asked anybody";
  LeaderFence fence(a.transport, a.election);
  a.transport.requests.clear();
  kube::Request write;
  write.method = "PATCH";
  const auto sent = fence.Send(write, {});
  ASSERT_FALSE(sent.ok());
  EXPECT_EQ(sent.error().kind, kube::ErrorKind::kCancelled);
  EXPECT_TRUE(a.transport.requests.empty());
  EXPECT_TRUE(fence.Send(kube::Request{}, {}).ok()) << "reads are not fenced";
  a.Step();
  EXPECT_THAT(a.told, ElementsAre(true, false));
  EXPECT_EQ(a.election.Leader(), "b");
  EXPECT_EQ(server.spec()["holderIdentity"], "b");
}

TEST_F(LeaderElectionTest, ALostAnswerOfARenewalIsNoLoss) {
  a.Step();
  a.transport.lose_answers = true;
  Pass(2s);
  a.Step();
  a.transport.lose_answers = false;
  EXPECT_TRUE(a.election.IsLeader());
  Pass(2s);
  a.Step();
  EXPECT_TRUE(a.election.IsLeader()) << "the conflict shows its own record";
  EXPECT_THAT(a.told, ElementsAre(true));
}

TEST_F(LeaderElectionTest, ALostAnswerOfTheCreationEndsInTheLease) {
  a.transport.lose_answers = true;
  a.Step();
  EXPECT_FALSE(a.election.IsLeader());
  a.transport.lose_answers = false;
  a.Step();
  EXPECT_TRUE(a.election.IsLeader());
}

TEST_F(LeaderElectionTest, OfTwoThatTryAtOnceOneLeads) {
  a.Step();
  a.Step();
  Pass(2s);
  b.Step();
  Pass(20s);  // nobody renewed
  b.Step();
  a.Step();
  EXPECT_NE(a.election.IsLeader(), b.election.IsLeader());
  EXPECT_EQ(server.spec()["holderIdentity"], b.election.IsLeader() ? "b" : "a");
}

TEST_F(LeaderElectionTest, WhatANewerApiHasInTheLeaseStays) {
  a.Step();
  server.lease["metadata"]["labels"] = {{"team", "a"}};
  server.lease["spec"]["strategy"] = "OldestEmulationVersion";
  server.lease["metadata"]["resourceVersion"] = std::to_string(++server.version);
  Pass(2s);
  a.Step();
  EXPECT_TRUE(a.election.IsLeader());
  EXPECT_EQ(server.spec()["strategy"], "OldestEmulationVersion");
  EXPECT_EQ(server.lease["metadata"]["labels"]["team"], "a");
}

TEST_F(LeaderElectionTest, SomebodyElsesNameInTheLeaseIsALoss) {
  a.Step();
  server.lease["spec"]["holderIdentity"] = "kubectl edit";
  server.lease["metadata"]["resourceVersion"] = std::to_string(++server.version);
  Pass(2s);
  a.Step();
  EXPECT_FALSE(a.election.IsLeader());
  EXPECT_THAT(a.told, ElementsAre(true, false));
}

TEST_F(LeaderElectionTest, IsNotAliveWhenItsThreadHangsWhileItLeads) {
  EXPECT_TRUE(a.election.Alive());
  a.Step();
  Pass(34s);
  EXPECT_TRUE(a.election.Alive());
  Pass(2s);
  const base::Status alive = a.election.Alive();
  ASSERT_FALSE(alive);
  EXPECT_THAT(alive.error().message, HasSubstr("36 s"));
  Pass(10min);
  EXPECT_TRUE(b.election.Alive()) << "who waits has nothing to renew";
}

TEST_F(LeaderElectionTest, ItsThreadAcquiresRenewsAndGivesBack) {
  std::stop_source nobody;
  a.election.Start();
  EXPECT_TRUE(a.election.AwaitLeadership(nobody.get_token()));
  EXPECT_TRUE(a.election.IsLeader());
  for (int writes = 2; writes <= 4; ++writes) {
    a.clock.AwaitSleepers(1);
    a.clock.Advance(2s);
    while (server.Writes() < writes) std::this_thread::yield();
  }
  a.election.Stop();
  EXPECT_EQ(server.spec()["holderIdentity"], "");
}

TEST_F(LeaderElectionTest, WhoIsStoppedBeforeItLeadsIsToldSo) {
  a.Step();
  b.election.Start();
  std::stop_source stop;
  std::jthread stopper([&] {
    b.clock.AwaitSleepers(2);  // its thread, and who waits for leadership
    stop.request_stop();
  });
  EXPECT_FALSE(b.election.AwaitLeadership(stop.get_token()));
}

TEST(CheckLeaderElection, RefusesTimesThatCannotWork) {
  struct Row {
    base::Duration lease, renew, retry;
    const char* message;  // "" = accepted
  };
  const Row rows[] = {
      {15s, 10s, 2s, ""},
      {60s, 40s, 15s, ""},
      {10s, 10s, 2s, "must be at least 2 s longer than the renew deadline"},
      {15s, 2s, 2s, "must be longer than 1.2 times the retry period"},
      {15500ms, 10s, 2s, "must be a whole number of seconds"},
      {15s, 10s, 0s, "must be positive"},
  };
  for (const Row& row : rows) {
    LeaderElectionOptions options = Replica::Options("a");
    options.lease = row.lease;
    options.renew_deadline = row.renew;
    options.retry_period = row.retry;
    const base::Status checked = CheckLeaderElection(options);
    if (*row.message == '\0') {
      EXPECT_TRUE(checked) << checked.error().message;
    } else {
      ASSERT_FALSE(checked);
      EXPECT_THAT(checked.error().message, HasSubstr(row.message));
    }
  }
}

}  // namespace
}  // namespace kube::runtime
