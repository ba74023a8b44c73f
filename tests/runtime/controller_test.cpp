#include "kube/runtime/controller.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

namespace kube::runtime {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const ObjectKey kA{"ns", "a"};

class Outcomes final : public ControllerObserver {
 public:
  void OnReconcileStart() override { ++started; }
  void OnReconcileEnd(ReconcileOutcome outcome, base::Duration) override {
    const std::lock_guard lock(mutex_);
    outcomes_.push_back(outcome);
    changed_.notify_all();
  }
  std::vector<ReconcileOutcome> Await(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return outcomes_.size() >= count; });
    return outcomes_;
  }
  std::atomic<int> started{0};

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<ReconcileOutcome> outcomes_;
};

RateLimits WithoutOverall() {
  RateLimits limits;
  limits.overall_per_second = 0;
  return limits;
}

class ControllerTest : public ::testing::Test {
 protected:
  void Start(Controller::Reconcile reconcile, int workers = 1) {
    controller = std::make_unique<Controller>(ControllerOptions{"test", workers, 2min}, std::move(reconcile), queue,
                                              clock, gate, &outcomes);
    ASSERT_TRUE(controller->Start({}, {}));
  }

  base::SimulatedClock clock;
  AlwaysLeader gate;
  Outcomes outcomes;
  WorkQueue queue{clock, WithoutOverall()};
  std::unique_ptr<Controller> controller;
};

TEST_F(ControllerTest, SuccessForgetsTheBackoff) {
  std::atomic<int> calls{0};
  Start([&](const ObjectKey&, const std::stop_token&) -> base::Result<ReconcileResult> {
    if (++calls < 3) return base::Retry("not yet");
    return ReconcileResult{};
  });
  queue.Add(kA);
  outcomes.Await(1);
  clock.AwaitSleepers(1);
  clock.Advance(5ms);
  outcomes.Await(2);
  clock.AwaitSleepers(1);
  clock.Advance(10ms);
  EXPECT_THAT(outcomes.Await(3),
              ElementsAre(ReconcileOutcome::kError, ReconcileOutcome::kError, ReconcileOutcome::kSuccess));
  EXPECT_EQ(queue.Failures(kA), 0);
}

TEST_F(ControllerTest, ATerminalErrorIsNotTriedAgain) {
  Start([&](const ObjectKey&, const std::stop_token&) -> base::Result<ReconcileResult> {
    return base::Invalid("spec.parallelism: 0 is not positive");
  });
  queue.Add(kA);
  EXPECT_THAT(outcomes.Await(1), ElementsAre(ReconcileOutcome::kTerminalError));
  EXPECT_EQ(queue.Failures(kA), 0);
  controller->Stop();
  EXPECT_EQ(outcomes.started, 1);
}

TEST_F(ControllerTest, EveryOtherErrorIsTriedAgain) {
  for (const base::Code code : {base::Code::kRetry, base::Code::kConflict, base::Code::kNotFound,
                                base::Code::kAlreadyExists, base::Code::kDenied, base::Code::kCancelled}) {
    SCOPED_TRACE(base::CodeName(code));
    WorkQueue own_queue(clock, WithoutOverall());
    Outcomes own_outcomes;
    Controller own(
        {"test", 1, 2min},
        [code](const ObjectKey&, const std::stop_token&) -> base::Result<ReconcileResult> {
          return base::Error{code, "scripted"};
        },
        own_queue, clock, gate, &own_outcomes);
    ASSERT_TRUE(own.Start({}, {}));
    own_queue.Add(kA);
    EXPECT_THAT(own_outcomes.Await(1), ElementsAre(ReconcileOutcome::kError));
    EXPECT_EQ(own_queue.Failures(kA), 1);
  }
}

TEST_F(ControllerTest, RequeueAfterComesBackAtItsTime) {
  Start(
      [&](const ObjectKey&, const std::stop_token&) -> base::Result<ReconcileResult> { return ReconcileResult{30s}; });
  queue.Add(kA);
  outcomes.Await(1);
  clock.AwaitSleepers(1);
  clock.Advance(30s);
  EXPECT_THAT(outcomes.Await(2), ElementsAre(ReconcileOutcome::kRequeueAfter, ReconcileOutcome::kRequeueAfter));
}

TEST_F(ControllerTest, WaitsAsLongAsTheServerAsked) {
  Start([&](const ObjectKey&, const std::stop_token&) -> base::Result<ReconcileResult> {
    base::Error error = base::Retry("throttled");
    error.retry_after = 7s;
    return error;
  });
  queue.Add(kA);
  outcomes.Await(1);
  clock.AwaitSleepers(1);
  clock.Advance(6999ms);
  EXPECT_EQ(queue.Depth(), 0U);
  EXPECT_EQ(outcomes.started, 1);
  clock.Advance(1ms);
  outcomes.Await(2);
}

TEST_F(ControllerTest, AnExceptionIsCountedAndTriedAgain) {
  std::atomic<int> calls{0};
  Start([&](const ObjectKey&, const std::stop_token&) -> base::Result<ReconcileResult> {
    if (++calls == 1) throw std::runtime_error("a bug");
    if (calls == 2) throw 42;  // NOLINT: of an unknown type, that is the point
    return ReconcileResult{};
  });
  queue.Add(kA);
  outcomes.Await(1);
  clock.AwaitSleepers(1);
  clock.Advance(5ms);
  outcomes.Await(2);
  clock.AwaitSleepers(1);
  clock.Advance(10ms);
  EXPECT_THAT(outcomes.Await(3),
              ElementsAre(ReconcileOutcome::kPanic, ReconcileOutcome::kPanic, ReconcileOutcome::kSuccess));
}

TEST_F(ControllerTest, WorkersStartOnlyWhenAllCachesHaveSynced) {
  std::atomic<bool> pods{false};
  queue.Add(kA);
  controller = std::make_unique<Controller>(
      ControllerOptions{"test", 1, 2min},
      [](const ObjectKey&, const std::stop_token&) -> base::Result<ReconcileResult> { return ReconcileResult{}; },
      queue, clock, gate, &outcomes);
  std::jthread starter([&] {
    EXPECT_TRUE(controller->Start({{"tasks", [] { return true; }, {}}, {"pods", [&] { return pods.load(); }, {}}}, {}));
  });
  clock.AwaitSleepers(1);
  EXPECT_EQ(outcomes.started, 0);
  pods = true;
  clock.Advance(1s);
  starter.join();
  outcomes.Await(1);
}

TEST_F(ControllerTest, CachesThatDoNotSyncEndTheStartWithTheReason) {
  controller = std::make_unique<Controller>(
      ControllerOptions{"test", 1, 2min},
      [](const ObjectKey&, const std::stop_token&) -> base::Result<ReconcileResult> { return ReconcileResult{}; },
      queue, clock, gate, &outcomes);
  base::Status started;
  std::jthread starter([&] {
    started = controller->Start({{"tasks", [] { return true; }, {}},
                                 {"pods", [] { return false; }, [] { return std::string("403 Forbidden"); }}},
                                {});
  });
  clock.AwaitSleepers(1);
  clock.Advance(2min);
  starter.join();
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().message, HasSubstr("pods (403 Forbidden)"));
  EXPECT_THAT(started.error().message, ::testing::Not(HasSubstr("tasks")));
}

TEST(AwaitCaches, GoesOnWhileObjectsComeButNotForEver) {
  const auto await = [](base::Duration syncs_after) {
    base::SimulatedClock clock;
    std::atomic<bool> done{false};
    std::uint64_t received = 0;
    base::Status status;
    std::jthread waiting([&] {
      status = AwaitCaches(
          {{"tasks", [&] { return clock.Now().time_since_epoch() >= syncs_after; }, {}, [&] { return ++received; }}},
          2min, clock, {});
      done = true;
    });
    while (!done) {
      clock.Advance(1s);
      std::this_thread::yield();
    }
    return status;
  };
  EXPECT_TRUE(await(19min));
  const base::Status never = await(60min);
  ASSERT_FALSE(never);
  EXPECT_THAT(never.error().message, HasSubstr("caches did not sync within 1200 s: tasks"));
}

TEST_F(ControllerTest, ReconcilesSeveralKeysAtOnceAndNoKeyTwiceAtOnce) {
  std::atomic<int> running{0};
  std::atomic<int> most{0};
  std::mutex mutex;
  std::condition_variable met;
  Start(
      [&](const ObjectKey&, const std::stop_token&) -> base::Result<ReconcileResult> {
        std::unique_lock lock(mutex);
        most = std::max(most.load(), ++running);
        met.notify_all();
        // Each waits until three are at work: with fewer workers this would hang.
        met.wait(lock, [&] { return most >= 3; });
        --running;
        return ReconcileResult{};
      },
      3);
  for (const char* name : {"a", "b", "c"}) queue.Add({"ns", name});
  outcomes.Await(3);
  EXPECT_EQ(most, 3);
}

TEST_F(ControllerTest, StopLetsTheRunningReconcileFinish) {
  std::mutex mutex;
  std::condition_variable changed;
  bool begun = false;
  bool may_end = false;
  std::atomic<bool> was_stopped{false};
  Start([&](const ObjectKey&, const std::stop_token& stop) -> base::Result<ReconcileResult> {
    std::unique_lock lock(mutex);
    begun = true;
    changed.notify_all();
    changed.wait(lock, [&] { return may_end; });
    was_stopped = stop.stop_requested();
    return ReconcileResult{};
  });
  queue.Add(kA);
  queue.Add({"ns", "never"});
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return begun; });
  }
  bool in_time = false;
  std::jthread stopper([&] { in_time = controller->Stop(30s); });
  clock.AwaitSleepers(1);
  {
    const std::lock_guard lock(mutex);
    may_end = true;
    changed.notify_all();
  }
  stopper.join();
  EXPECT_TRUE(in_time);
  EXPECT_FALSE(was_stopped);
  EXPECT_EQ(outcomes.started, 1) << "nothing new is begun";
}

TEST_F(ControllerTest, StopInterruptsAReconcileThatOutlivesTheGrace) {
  std::atomic<bool> begun{false};
  Start([&](const ObjectKey&, const std::stop_token& stop) -> base::Result<ReconcileResult> {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    begun = true;
    begun.notify_all();
    never.wait(lock, stop, [] { return false; });
    return base::Error{base::Code::kCancelled, "stopped"};
  });
  queue.Add(kA);
  begun.wait(false);
  bool in_time = true;
  std::jthread stopper([&] { in_time = controller->Stop(30s); });
  clock.AwaitSleepers(1);
  clock.Advance(30s);
  stopper.join();
  EXPECT_FALSE(in_time);
}

class NotYetLeader final : public LeaderGate {
 public:
  [[nodiscard]] bool IsLeader() const override { return false; }
  bool AwaitLeadership(const std::stop_token& stop) override {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    never.wait(lock, stop, [] { return false; });
    return false;
  }
};

TEST_F(ControllerTest, AStandbyStartsNoWorker) {
  NotYetLeader standby;
  controller = std::make_unique<Controller>(
      ControllerOptions{"test", 1, 2min},
      [](const ObjectKey&, const std::stop_token&) -> base::Result<ReconcileResult> { return ReconcileResult{}; },
      queue, clock, standby, &outcomes);
  std::stop_source stop;
  base::Status started;
  std::jthread starter([&] { started = controller->Start({}, stop.get_token()); });
  queue.Add(kA);
  stop.request_stop();
  starter.join();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, base::Code::kCancelled);
  EXPECT_EQ(outcomes.started, 0);
}

}  // namespace
}  // namespace kube::runtime
