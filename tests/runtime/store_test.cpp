#include "kube/runtime/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/runtime/fakes.h"

namespace kube::runtime {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::Object;
using testing::ProjectThing;
using testing::RecordedStore;
using testing::Thing;

const ObjectKey kA{"ns", "a"};

class StoreTest : public ::testing::Test {
 protected:
  void Replace(const std::vector<nlohmann::json>& objects, const std::string& version) {
    StoreWriter& writer = recorded.store.writer();
    writer.BeginReplace();
    for (const nlohmann::json& object : objects) writer.Stage(object.dump());
    writer.CommitReplace(version);
  }
  RecordedStore recorded;
  Store<Thing>& store = recorded.store;
};

TEST_F(StoreTest, HoldsProjectionsOfWhatWasListed) {
  Replace({Object("a", "u1", "1", "red", "owner"), Object("b", "u2", "2", "blue")}, "5");
  EXPECT_EQ(store.Get(kA)->color, "red");
  EXPECT_EQ(store.Find(kA)->meta.owner_uid, "owner");
  EXPECT_EQ(store.Find(kA)->meta.owner_kind, "Task");
  EXPECT_EQ(store.Get({"ns", "c"}), nullptr);
  EXPECT_EQ(store.view().Size(), 2U);
  EXPECT_EQ(store.view().ResourceVersion(), "5");
  EXPECT_THAT(recorded.Changes(), ElementsAre("+a red*", "+b blue*"));
}

TEST_F(StoreTest, ASnapshotStaysAsItWas) {
  Replace({Object("a", "u1", "1", "red")}, "1");
  const std::shared_ptr<const Thing> snapshot = store.Get(kA);
  store.writer().Upsert(Object("a", "u1", "2", "blue").dump());
  EXPECT_EQ(snapshot->color, "red");
  EXPECT_EQ(store.Get(kA)->color, "blue");
  EXPECT_EQ(recorded.Changes().back(), "~a red>blue");
}

TEST_F(StoreTest, AnotherProjectionReplacesWhatHasNotChanged) {
  Replace({Object("a", "u1", "1", "red", "owner")}, "1");
  const auto read = store.Find(kA);
  store.Reproject(*read, Thing{"small"});
  EXPECT_EQ(store.Get(kA)->color, "small");
  EXPECT_EQ(store.Find(kA)->meta.resource_version, "1");
  ASSERT_EQ(store.OwnedBy("owner").size(), 1U);
  EXPECT_EQ(store.OwnedBy("owner")[0].object->color, "small");
  EXPECT_EQ(store.GetByUid("u1")->color, "small");
  EXPECT_EQ(recorded.Changes().size(), 1U) << "nothing has happened to the object";
  store.writer().Upsert(Object("a", "u1", "2", "blue", "owner").dump());
  store.Reproject(*read, Thing{"late"});
  EXPECT_EQ(store.Get(kA)->color, "blue");
  store.writer().Remove(Object("a", "u1", "3", "blue", "owner").dump());
  store.Reproject(*read, Thing{"late"});
  EXPECT_EQ(store.Get(kA), nullptr);
  EXPECT_EQ(store.GetByUid("u1"), nullptr);
  EXPECT_THAT(store.OwnedBy("owner"), IsEmpty());
}

TEST_F(StoreTest, TwoNamesWithOneUidAreTwoObjects) {
  // No API server sends that; a cache has to survive it.
  store.writer().Upsert(Object("a", "u1", "1", "red", "owner").dump());
  store.writer().Upsert(Object("b", "u1", "2", "blue", "owner").dump());
  EXPECT_EQ(store.view().Size(), 2U);
  EXPECT_EQ(store.GetByUid("u1")->color, "blue");
  store.writer().Remove(Object("a", "u1", "3").dump());
  EXPECT_EQ(store.GetByUid("u1")->color, "blue");
  EXPECT_EQ(store.OwnedBy("owner").size(), 1U);
  store.writer().Remove(Object("b", "u1", "4").dump());
  EXPECT_EQ(store.GetByUid("u1"), nullptr);
}

TEST_F(StoreTest, ReadersSeeTheOldStateUntilTheCommit) {
  Replace({Object("a", "u1", "1")}, "1");
  store.writer().BeginReplace();
  store.writer().Stage(Object("b", "u2", "2").dump());
  EXPECT_NE(store.Get(kA), nullptr);
  EXPECT_EQ(store.Get({"ns", "b"}), nullptr);
  store.writer().CommitReplace("2");
  EXPECT_EQ(store.Get(kA), nullptr);
  EXPECT_NE(store.Get({"ns", "b"}), nullptr);
}

TEST_F(StoreTest, AListDeletesWhatItDoesNotHave) {
  Replace({Object("a", "u1", "1", "red", "o"), Object("b", "u2", "2")}, "2");
  Replace({Object("b", "u2", "2")}, "9");
  EXPECT_THAT(store.OwnedBy("o"), IsEmpty());
  EXPECT_THAT(recorded.Changes(), ElementsAre("+a red*", "+b red*", "-a red*"));
}

TEST_F(StoreTest, AListThatFindsNothingNewTellsNothing) {
  Replace({Object("a", "u1", "1")}, "2");
  Replace({Object("a", "u1", "1")}, "9");
  EXPECT_THAT(recorded.Changes(), ElementsAre("+a red*"));
  EXPECT_EQ(store.view().ResourceVersion(), "9");
}

TEST_F(StoreTest, ANewUidUnderOneNameIsADeletionAndACreation) {
  Replace({Object("a", "u1", "1", "red")}, "1");
  Replace({Object("a", "u2", "7", "blue")}, "7");
  store.writer().Upsert(Object("a", "u3", "8", "green").dump());
  EXPECT_THAT(recorded.Changes(), ElementsAre("+a red*", "-a red*", "+a blue*", "-a blue", "+a green"));
  EXPECT_FALSE(store.view().Has("u1"));
  EXPECT_FALSE(store.view().Has("u2"));
  EXPECT_TRUE(store.view().Has("u3"));
}

TEST_F(StoreTest, AnEventOlderThanTheCacheIsDropped) {
  Replace({Object("a", "u1", "100", "red")}, "100");
  store.writer().Upsert(Object("a", "u1", "99", "blue").dump());
  store.writer().Upsert(Object("a", "u1", "100", "blue").dump());
  EXPECT_EQ(store.Get(kA)->color, "red");
  EXPECT_EQ(store.view().ResourceVersion(), "100");
}

TEST_F(StoreTest, TheLateEndOfAPredecessorDoesNotTouchItsSuccessor) {
  Replace({Object("a", "u2", "5")}, "5");
  store.writer().Remove(Object("a", "u1", "4").dump());
  EXPECT_NE(store.Get(kA), nullptr);
}

TEST_F(StoreTest, ADeletionTellsTheFinalState) {
  Replace({Object("a", "u1", "5", "running")}, "5");
  store.writer().Remove(Object("a", "u1", "6", "succeeded").dump());
  EXPECT_EQ(recorded.Changes().back(), "-a succeeded");
  EXPECT_EQ(store.view().ResourceVersion(), "6");
}

TEST_F(StoreTest, FindsWhatAnOwnerControls) {
  Replace(
      {Object("a", "u1", "1", "red", "o1"), Object("b", "u2", "2", "red", "o2"), Object("c", "u3", "3", "red", "o1")},
      "3");
  ASSERT_EQ(store.OwnedBy("o1").size(), 2U);
  EXPECT_EQ(store.OwnedBy("o1")[1].meta.key.name, "c");
  // "other" is an owner of each, but not the controller.
  EXPECT_THAT(store.OwnedBy("other"), IsEmpty());
  store.writer().Upsert(Object("a", "u1", "4", "red", "o2").dump());
  EXPECT_EQ(store.OwnedBy("o1").size(), 1U);
  EXPECT_EQ(store.OwnedBy("o2").size(), 2U);
}

TEST_F(StoreTest, WhatTheProjectionRefusesKeepsItsLastState) {
  Replace({Object("a", "u1", "1", "red")}, "1");
  store.writer().Upsert(Object("a", "u1", "2", "invalid").dump());
  EXPECT_EQ(store.Get(kA)->color, "red");
  nlohmann::json without_color = Object("a", "u1", "3");
  without_color.erase("color");
  store.writer().Upsert(without_color.dump());  // the projection throws
  EXPECT_EQ(store.Get(kA)->color, "red");
  Replace({Object("a", "u1", "4", "invalid")}, "4");
  EXPECT_EQ(store.Get(kA)->color, "red") << "it exists: a list with it must not delete it";
  EXPECT_THAT(recorded.Changes(), ElementsAre("+a red*"));
}

TEST_F(StoreTest, AnObjectThatIsBeingDeletedIsNotLive) {
  nlohmann::json object = Object("a", "u1", "1");
  object["metadata"]["deletionTimestamp"] = "2026-11-22T17:46:05Z";
  Replace({object}, "1");
  EXPECT_TRUE(store.view().Has("u1"));
  EXPECT_FALSE(store.view().HasLive("u1"));
}

TEST_F(StoreTest, ABookmarkOnlyMovesTheVersion) {
  Replace({Object("a", "u1", "1")}, "1");
  store.writer().Advance("50");
  store.writer().Advance("40");
  EXPECT_EQ(store.view().ResourceVersion(), "50");
  EXPECT_EQ(recorded.Changes().size(), 1U);
}

TEST(ResourceVersions, AreOrderedOnlyWhereBothAreNumbers) {
  EXPECT_TRUE(ReachedVersion("10", "9"));
  EXPECT_TRUE(ReachedVersion("10", "10"));
  EXPECT_FALSE(ReachedVersion("9", "10"));
  EXPECT_TRUE(ReachedVersion("abc", "abc"));
  EXPECT_FALSE(ReachedVersion("abc", "abd"));
  EXPECT_FALSE(ReachedVersion("", "1"));
  EXPECT_TRUE(OlderVersion("9", "10"));
  EXPECT_FALSE(OlderVersion("abb", "abc"));
}

TEST(ObjectMeta, OfWhatIsNoObjectIsEmpty) {
  EXPECT_EQ(ReadObjectMeta(nlohmann::json::array()).key.name, "");
  EXPECT_EQ(ReadObjectMeta({{"metadata", 3}}).key.name, "");
  EXPECT_EQ(ReadObjectMeta({{"metadata", {{"name", 3}, {"ownerReferences", {1, 2}}}}}).key.name, "");
}

}  // namespace
}  // namespace kube::runtime
