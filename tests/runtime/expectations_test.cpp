#include "kube/runtime/expectations.h"

#include <gtest/gtest.h>

#include "tests/runtime/fakes.h"

namespace kube::runtime {
namespace {

using namespace std::chrono_literals;
using testing::Object;
using testing::RecordedStore;

const ObjectKey kTask{"ns", "task"};

class ExpectationsTest : public ::testing::Test {
 protected:
  StoreWriter& writer() { return recorded.store.writer(); }
  const StoreView& view() { return recorded.store.view(); }

  base::SimulatedClock clock;
  RecordedStore recorded;
  Expectations expectations{clock};
};

TEST_F(ExpectationsTest, NothingExpectedIsSatisfied) { EXPECT_TRUE(expectations.Satisfied(kTask)); }

TEST_F(ExpectationsTest, ACreationIsAwaitedUntilTheCacheShowsIt) {
  expectations.ExpectCreated(kTask, view(), "u1", "20");
  EXPECT_FALSE(expectations.Satisfied(kTask));
  EXPECT_TRUE(expectations.Satisfied({"ns", "other"}));
  writer().Upsert(Object("other", "u0", "19").dump());
  EXPECT_FALSE(expectations.Satisfied(kTask));
  writer().Upsert(Object("a", "u1", "20").dump());
  EXPECT_TRUE(expectations.Satisfied(kTask));
  EXPECT_EQ(expectations.Size(), 0U);
}

TEST_F(ExpectationsTest, TheEventMayComeBeforeTheAnswerOfTheWrite) {
  writer().Upsert(Object("a", "u1", "20").dump());
  expectations.ExpectCreated(kTask, view(), "u1", "20");
  EXPECT_TRUE(expectations.Satisfied(kTask));
}

TEST_F(ExpectationsTest, WhatHasComeAndGoneWasSeen) {
  expectations.ExpectCreated(kTask, view(), "u1", "20");
  writer().Upsert(Object("a", "u1", "20").dump());
  writer().Remove(Object("a", "u1", "21").dump());
  EXPECT_TRUE(expectations.Satisfied(kTask));
}

TEST_F(ExpectationsTest, VersionsThatAreNoNumbersNeedTheObjectItself) {
  expectations.ExpectCreated(kTask, view(), "u1", "abc");
  writer().Upsert(Object("b", "u2", "abd").dump());
  EXPECT_FALSE(expectations.Satisfied(kTask));
  writer().Upsert(Object("a", "u1", "abc").dump());
  EXPECT_TRUE(expectations.Satisfied(kTask));
}

TEST_F(ExpectationsTest, ADeletionIsAwaitedUntilTheObjectIsGoingOrGone) {
  writer().Upsert(Object("a", "u1", "20").dump());
  writer().Upsert(Object("b", "u2", "21").dump());
  expectations.ExpectDeleted(kTask, view(), "u1");
  expectations.ExpectDeleted(kTask, view(), "u2");
  EXPECT_FALSE(expectations.Satisfied(kTask));
  nlohmann::json going = Object("a", "u1", "22");
  going["metadata"]["deletionTimestamp"] = "2026-11-22T17:46:05Z";
  writer().Upsert(going.dump());
  EXPECT_FALSE(expectations.Satisfied(kTask));
  writer().Remove(Object("b", "u2", "23").dump());
  EXPECT_TRUE(expectations.Satisfied(kTask));
}

TEST_F(ExpectationsTest, APatchIsAwaitedByItsVersion) {
  writer().Upsert(Object("a", "u1", "20").dump());
  expectations.ExpectVersion(kTask, view(), "25");
  EXPECT_FALSE(expectations.Satisfied(kTask));
  writer().Advance("26");
  EXPECT_TRUE(expectations.Satisfied(kTask));
}

TEST_F(ExpectationsTest, ALostEventDoesNotStopAKeyForEver) {
  expectations.ExpectCreated(kTask, view(), "u1", "20");
  EXPECT_EQ(expectations.ExpiresAt(kTask), clock.Now() + 5min);
  clock.Advance(5min - 1s);
  EXPECT_FALSE(expectations.Satisfied(kTask));
  clock.Advance(1s);
  EXPECT_TRUE(expectations.Satisfied(kTask));
}

TEST_F(ExpectationsTest, ForgetDropsAll) {
  expectations.ExpectCreated(kTask, view(), "u1", "20");
  expectations.Forget(kTask);
  EXPECT_TRUE(expectations.Satisfied(kTask));
}

}  // namespace
}  // namespace kube::runtime
