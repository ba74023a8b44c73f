#include "kube/runtime/work_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <map>
#include <random>
#include <thread>
#include <vector>

namespace kube::runtime {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

const ObjectKey kA{"ns", "a"};
const ObjectKey kB{"ns", "b"};
const ObjectKey kC{"ns", "c"};

RateLimits WithoutOverall() {
  RateLimits limits;
  limits.overall_per_second = 0;
  return limits;
}

TEST(WorkQueue, HandsOutKeysInTheirOrderAndOnce) {
  base::SimulatedClock clock;
  WorkQueue queue(clock);
  queue.Add(kB);
  queue.Add(kA);
  queue.Add(kB);
  EXPECT_EQ(queue.Depth(), 2U);
  EXPECT_EQ(queue.Get(), kB);
  EXPECT_EQ(queue.Get(), kA);
  EXPECT_EQ(queue.Depth(), 0U);
}

TEST(WorkQueue, AKeyAddedWhileInWorkComesOnceMoreAfterDone) {
  base::SimulatedClock clock;
  WorkQueue queue(clock);
  queue.Add(kA);
  ASSERT_EQ(queue.Get(), kA);
  queue.Add(kA);
  queue.Add(kA);
  EXPECT_EQ(queue.Depth(), 0U) << "not while another worker has it";
  queue.Done(kA);
  EXPECT_EQ(queue.Depth(), 1U);
  EXPECT_EQ(queue.Get(), kA);
  queue.Done(kA);
  EXPECT_EQ(queue.Depth(), 0U);
}

TEST(WorkQueue, WhatUsersDoComesBeforeWhatAListBrings) {
  base::SimulatedClock clock;
  WorkQueue queue(clock);
  queue.Add(kA, WorkQueue::kFromList);
  queue.Add(kB, WorkQueue::kFromList);
  queue.Add(kC);
  queue.Add(kB);  // an edit raises it
  EXPECT_EQ(queue.Get(), kC);
  EXPECT_EQ(queue.Get(), kB);
  EXPECT_EQ(queue.Get(), kA);
}

TEST(WorkQueue, ALowerPriorityDoesNotPushAKeyBack) {
  base::SimulatedClock clock;
  WorkQueue queue(clock);
  queue.Add(kA);
  queue.Add(kB);
  queue.Add(kA, WorkQueue::kFromList);
  EXPECT_EQ(queue.Get(), kA);
}

TEST(WorkQueue, ADelayedKeyComesWhenItsTimeHasCome) {
  base::SimulatedClock clock;
  WorkQueue queue(clock);
  queue.AddAfter(kA, 10s);
  clock.AwaitSleepers(1);
  EXPECT_EQ(queue.Depth(), 0U);
  clock.Advance(10s);
  EXPECT_EQ(queue.Get(), kA);
}

TEST(WorkQueue, TheEarliestOfSeveralDeadlinesWins) {
  base::SimulatedClock clock;
  WorkQueue queue(clock);
  queue.AddAfter(kA, 10s);
  queue.AddAfter(kA, 5s);
  queue.AddAfter(kA, 60s);
  clock.Advance(5s);
  EXPECT_EQ(queue.Get(), kA);
  queue.Done(kA);
  queue.AddAfter(kB, 120s);
  clock.Advance(120s);
  EXPECT_EQ(queue.Get(), kB) << "the later deadlines of a are gone";
  EXPECT_EQ(queue.Depth(), 0U);
}

TEST(WorkQueue, AnEarlierDeadlineWakesTheQueue) {
  base::SimulatedClock clock;
  WorkQueue queue(clock);
  queue.AddAfter(kA, 1h);
  clock.AwaitSleepers(1);
  queue.AddAfter(kB, 1s);
  clock.Advance(1s);
  EXPECT_EQ(queue.Get(), kB);
}

TEST(WorkQueue, ADelayOfZeroIsNoDelay) {
  base::SimulatedClock clock;
  WorkQueue queue(clock);
  queue.AddAfter(kA, 0s);
  queue.AddAfter(kB, -1s);
  EXPECT_EQ(queue.Depth(), 2U);
}

TEST(WorkQueue, BacksOffExponentiallyPerKey) {
  base::SimulatedClock clock;
  WorkQueue queue(clock, WithoutOverall());
  base::Duration step = 5ms;
  for (int failure = 0; failure < 30; ++failure) {
    SCOPED_TRACE(failure);
    queue.AddRateLimited(kA);
    const base::Duration expected = std::min<base::Duration>(step, 1000s);
    clock.AwaitSleepers(1);
    clock.Advance(expected - 1ns);
    EXPECT_EQ(queue.Depth(), 0U);
    clock.Advance(1ns);
    ASSERT_EQ(queue.Get(), kA);
    queue.Done(kA);
    step = std::min<base::Duration>(step * 2, 2000s);
  }
  EXPECT_EQ(queue.Failures(kA), 30);
  EXPECT_EQ(queue.Failures(kB), 0);
}

TEST(WorkQueue, ManyFailuresDoNotOverflow) {
  base::SimulatedClock clock;
  WorkQueue queue(clock, WithoutOverall());
  for (int i = 0; i < 2000; ++i) queue.AddRateLimited(kA);
  EXPECT_EQ(queue.Failures(kA), 2000);
  // All these deadlines are one, the earliest.
  clock.Advance(5ms);
  EXPECT_EQ(queue.Get(), kA);
}

TEST(WorkQueue, ForgetEndsTheBackoff) {
  base::SimulatedClock clock;
  WorkQueue queue(clock, WithoutOverall());
  for (int i = 0; i < 10; ++i) queue.AddRateLimited(kA);
  clock.Advance(5ms);
  ASSERT_EQ(queue.Get(), kA);
  queue.Done(kA);
  queue.Forget(kA);
  queue.AddRateLimited(kA);
  clock.Advance(5ms);
  EXPECT_EQ(queue.Get(), kA);
}

TEST(WorkQueue, FailuresOfAllKeysTogetherAreLimitedToo) {
  base::SimulatedClock clock;
  RateLimits limits;
  limits.overall_per_second = 10;
  limits.overall_burst = 3;
  WorkQueue queue(clock, limits);
  for (int i = 0; i < 5; ++i) queue.AddRateLimited({"ns", std::to_string(i)});
  clock.Advance(5ms);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(queue.Get());
  clock.AwaitSleepers(1);
  EXPECT_EQ(queue.Depth(), 0U);
  clock.Advance(95ms);
  EXPECT_EQ(queue.Get(), (ObjectKey{"ns", "3"}));
  clock.Advance(100ms);
  EXPECT_EQ(queue.Get(), (ObjectKey{"ns", "4"}));
}

TEST(WorkQueue, ShutDownWakesEveryWorkerAndDropsWhatWaits) {
  base::SimulatedClock clock;
  WorkQueue queue(clock);
  std::vector<std::jthread> workers;
  std::atomic<int> ended{0};
  for (int i = 0; i < 4; ++i) {
    workers.emplace_back([&] {
      while (queue.Get()) {
      }
      ++ended;
    });
  }
  queue.AddAfter(kB, 1h);
  queue.ShutDown();
  workers.clear();
  EXPECT_EQ(ended, 4);
  queue.Add(kA);
  EXPECT_EQ(queue.Get(), std::nullopt);
}

TEST(WorkQueue, AKeyInWorkAtShutDownDoesNotComeAgain) {
  base::SimulatedClock clock;
  WorkQueue queue(clock);
  queue.Add(kA);
  ASSERT_TRUE(queue.Get());
  queue.Add(kA);
  queue.ShutDown();
  queue.Done(kA);
  EXPECT_EQ(queue.Get(), std::nullopt);
}

TEST(WorkQueue, TellsHowLongKeysAreInWork) {
  base::SimulatedClock clock;
  WorkQueue queue(clock);
  queue.Add(kA);
  ASSERT_TRUE(queue.Get());
  clock.Advance(10s);
  queue.Add(kB);
  ASSERT_TRUE(queue.Get());
  clock.Advance(5s);
  const WorkQueue::Processing processing = queue.InProcess();
  EXPECT_EQ(processing.keys, 2U);
  EXPECT_EQ(processing.longest, 15s);
  EXPECT_EQ(processing.sum, 20s);
}

class Counts final : public WorkQueueObserver {
 public:
  void OnAdd() override { ++adds; }
  void OnDepth(std::size_t depth) override { last_depth = depth; }
  void OnStart(base::Duration duration) override { queued.push_back(duration); }
  void OnDone(base::Duration duration) override { worked.push_back(duration); }
  void OnRetry() override { ++retries; }
  int adds = 0;
  int retries = 0;
  std::size_t last_depth = 0;
  std::vector<base::Duration> queued;
  std::vector<base::Duration> worked;
};

TEST(WorkQueue, TellsItsObserver) {
  base::SimulatedClock clock;
  Counts counts;
  WorkQueue queue(clock, {}, &counts);
  queue.Add(kA);
  queue.Add(kA);
  clock.Advance(2s);
  ASSERT_TRUE(queue.Get());
  clock.Advance(3s);
  queue.Done(kA);
  queue.AddRateLimited(kA);
  EXPECT_EQ(counts.adds, 1);
  EXPECT_EQ(counts.retries, 1);
  EXPECT_EQ(counts.last_depth, 0U);
  EXPECT_THAT(counts.queued, ElementsAre(2s));
  EXPECT_THAT(counts.worked, ElementsAre(3s));
}

// The invariants under threads: never two workers on one key, and after an Add a worker always sees what was written
// before it (no lost wake-up). Each key's state is a plain int that only its worker touches: ThreadSanitizer would see
// two workers on it as well.
TEST(WorkQueue, NeverTwoWorkersOnAKeyAndNoLostWakeUp) {
  constexpr int kKeys = 7;
  constexpr int kAddsPerThread = 3000;
  base::RealClock clock;
  WorkQueue queue(clock, WithoutOverall());
  struct State {
    std::atomic<int> wanted{0};  // raised before each Add
    std::atomic<int> seen{0};    // what the last reconcile saw
    std::atomic<bool> busy{false};
    int plain = 0;
  };
  std::vector<State> states(kKeys);
  std::atomic<bool> overlapped{false};
  {
    std::vector<std::jthread> workers;
    for (int i = 0; i < 4; ++i) {
      workers.emplace_back([&] {
        while (const std::optional<ObjectKey> key = queue.Get()) {
          State& state = states[static_cast<std::size_t>(std::stoi(key->name))];
          if (state.busy.exchange(true)) overlapped = true;
          ++state.plain;
          state.seen = state.wanted.load();
          state.busy = false;
          queue.Done(*key);
        }
      });
    }
    {
      std::vector<std::jthread> adders;
      for (unsigned i = 0; i < 3; ++i) {
        adders.emplace_back([&, i] {
          std::mt19937 random(i);
          for (int n = 0; n < kAddsPerThread; ++n) {
            const std::size_t key = random() % kKeys;
            ++states[key].wanted;
            const ObjectKey object{"", std::to_string(key)};
            switch (random() % 4) {
              case 0:
                queue.AddAfter(object, std::chrono::microseconds(static_cast<int>(random() % 50)));
                break;
              case 1:
                queue.Add(object, WorkQueue::kFromList);
                break;
              default:
                queue.Add(object);
            }
          }
        });
      }
    }
    for (std::size_t key = 0; key < kKeys; ++key) {
      while (states[key].seen != states[key].wanted) std::this_thread::yield();
    }
    queue.ShutDown();
  }
  EXPECT_FALSE(overlapped);
}

}  // namespace
}  // namespace kube::runtime
