// The behaviours of a correct list and watch, each against a script. No HTTP, no real time.
#include "kube/runtime/reflector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "tests/runtime/fakes.h"

namespace kube::runtime {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using testing::Bookmark;
using ::testing::ElementsAre;
using testing::ErrorEvent;
using ::testing::Ge;
using testing::JumpingClock;
using ::testing::Le;
using testing::Line;
using testing::Object;
using testing::RecordedStore;
using testing::ScriptedSource;
using ::testing::SizeIs;

base::Error Http(base::Code code, int status, const std::string& message = "scripted") {
  return {code, message, std::nullopt, status};
}

class ReflectorTest : public ::testing::Test {
 protected:
  ReflectorOptions Options(bool watch_list = false) {
    ReflectorOptions options;
    options.name = "things";
    options.watch_list = watch_list;
    return options;
  }
  // Versions of the lists and watches, as asked for.
  static std::vector<std::string> Versions(const std::vector<WatchSource::ListRequest>& requests) {
    std::vector<std::string> versions;
    for (const auto& request : requests) versions.push_back(request.resource_version);
    return versions;
  }
  static std::vector<std::string> Versions(const std::vector<WatchSource::WatchRequest>& requests) {
    std::vector<std::string> versions;
    for (const auto& request : requests) versions.push_back(request.resource_version);
    return versions;
  }

  JumpingClock clock;
  ScriptedSource source;
  RecordedStore recorded;
};

TEST_F(ReflectorTest, ReadsNothingBeforeAnotherOneHasSynced) {
  source.Page({Object("a", "u1", "3")}, "10");
  ScriptedSource later_source;
  later_source.Page({Object("b", "u2", "4")}, "11");
  RecordedStore later_recorded;
  Reflector reflector(Options(), source, recorded.store.writer(), clock);
  ReflectorOptions after = Options();
  after.after = &reflector;
  {
    Reflector stopped(after, later_source, later_recorded.store.writer(), clock);
    stopped.Start();
  }  // the wait ends with it
  EXPECT_THAT(later_source.Lists(), SizeIs(0));
  Reflector later(after, later_source, later_recorded.store.writer(), clock);
  later.Start();
  EXPECT_FALSE(later.HasSynced());
  reflector.Start();
  later_recorded.Await(1);
  EXPECT_THAT(recorded.Changes(), SizeIs(1));
}

TEST_F(ReflectorTest, AnObjectThatCannotBeReadDeletesNothing) {
  source.Watch({R"({"type":"ADDED","object":{"metadata":{"name":)"}, {}).Watch({Bookmark("5", true)}, {});
  Reflector reflector(Options(true), source, recorded.store.writer(), clock);
  reflector.Start();
  EXPECT_THAT(clock.AwaitSleeps(1), SizeIs(Ge(1U))) << "the watch is begun again, after a pause";
}

TEST_F(ReflectorTest, ListsInPagesAndWatchesFromThere) {
  source.Page({Object("a", "u1", "3")}, "10");
  Reflector reflector(Options(), source, recorded.store.writer(), clock);
  EXPECT_FALSE(reflector.HasSynced());
  reflector.Start();
  EXPECT_THAT(Versions(source.AwaitWatches(1)), ElementsAre("10"));
  EXPECT_TRUE(reflector.HasSynced());
  EXPECT_THAT(Versions(source.Lists()), ElementsAre("")) << "at version 0 the server ignores the limit";
  EXPECT_EQ(source.Lists()[0].limit, 500);
}

TEST_F(ReflectorTest, AppliesEachEvent) {
  source.Page({Object("a", "u1", "3")}, "10");
  source.Watch({Line("ADDED", Object("b", "u2", "11", "blue")), Line("MODIFIED", Object("a", "u1", "12", "green")),
                Line("DELETED", Object("b", "u2", "13", "blue"))});
  Reflector reflector(Options(), source, recorded.store.writer(), clock);
  reflector.Start();
  EXPECT_THAT(Versions(source.AwaitWatches(2)), ElementsAre("10", "13")) << "the version follows every event";
  EXPECT_THAT(recorded.Changes(), ElementsAre("+a red*", "+b blue", "~a red>green", "-b blue"));
}

TEST_F(ReflectorTest, ABookmarkMovesTheVersionAndReachesNoHandler) {
  source.Page({Object("a", "u1", "3")}, "10");
  source.Watch({Bookmark("500")});
  Reflector reflector(Options(), source, recorded.store.writer(), clock);
  reflector.Start();
  EXPECT_THAT(Versions(source.AwaitWatches(2)), ElementsAre("10", "500"));
  EXPECT_EQ(recorded.store.view().ResourceVersion(), "500");
  EXPECT_THAT(recorded.Changes(), ElementsAre("+a red*"));
}

TEST_F(ReflectorTest, ListsTheMostRecentStateAfter410) {
  source.Page({Object("a", "u1", "3")}, "10");
  source.Watch({ErrorEvent(410, "Expired")});
  source.Page({Object("a", "u1", "3")}, "90");
  Reflector reflector(Options(), source, recorded.store.writer(), clock);
  reflector.Start();
  EXPECT_THAT(Versions(source.AwaitWatches(2)), ElementsAre("10", "90"));
  EXPECT_THAT(Versions(source.Lists()), ElementsAre("", ""));
}

TEST_F(ReflectorTest, RelistsAfterEverySayingOfGone) {
  struct Row {
    const char* name;
    std::vector<std::string> lines;
    base::Status end;
  };
  const Row rows[] = {
      {"event 410 Gone", {ErrorEvent(410, "Gone")}, {}},
      {"event Expired without a code", {ErrorEvent(0, "Expired")}, {}},
      {"HTTP 410", {}, Http(base::Code::kNotFound, 410)},
      {"too large version", {}, Http(base::Code::kRetry, 504, "Too large resource version: 10, current: 7")},
      {"HTTP 404, the CRD is gone", {}, Http(base::Code::kNotFound, 404)},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    JumpingClock own_clock;
    ScriptedSource own_source;
    RecordedStore own_store;
    own_source.Page({}, "10").Watch(row.lines, row.end).Page({}, "90");
    Reflector reflector(Options(), own_source, own_store.store.writer(), own_clock);
    reflector.Start();
    EXPECT_THAT(Versions(own_source.AwaitWatches(2)), ElementsAre("10", "90"));
    EXPECT_THAT(own_source.Lists(), SizeIs(2));
    EXPECT_THAT(own_clock.AwaitSleeps(1), SizeIs(1)) << "no busy loop: a back-off comes first";
  }
}

TEST_F(ReflectorTest, WatchesAgainFromTheLastVersionAfterWhatPasses) {
  struct Row {
    const char* name;
    std::vector<std::string> lines;
    base::Status end;
  };
  const Row rows[] = {
      {"connection refused", {}, Http(base::Code::kRetry, 0, "Connect")},
      {"reset after an event", {Bookmark("10")}, Http(base::Code::kRetry, 0, "Reset")},
      {"idle watchdog", {Bookmark("10")}, Http(base::Code::kRetry, 0, "Timeout")},
      {"HTTP 429", {}, Http(base::Code::kRetry, 429)},
      {"HTTP 503", {}, Http(base::Code::kRetry, 503)},
      {"event 429", {ErrorEvent(429, "TooManyRequests")}, {}},
      {"event 500", {ErrorEvent(500, "InternalError")}, {}},
      {"event 401", {ErrorEvent(401, "Unauthorized")}, {}},
      {"a line that is no event", {"<html>"}, {}},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    JumpingClock own_clock;
    ScriptedSource own_source;
    RecordedStore own_store;
    own_source.Page({}, "10");
    for (int i = 0; i < 3; ++i) own_source.Watch(row.lines, row.end);
    Reflector reflector(Options(), own_source, own_store.store.writer(), own_clock);
    reflector.Start();
    EXPECT_THAT(Versions(own_source.AwaitWatches(4)), ElementsAre("10", "10", "10", "10"));
    EXPECT_THAT(own_source.Lists(), SizeIs(1)) << "one list over three breaks";
    EXPECT_THAT(own_clock.AwaitSleeps(3), SizeIs(3));
  }
}

TEST_F(ReflectorTest, AnOrderlyEndIsFollowedAtOnce) {
  source.Page({}, "10");
  source.Watch({Bookmark("11")});
  source.Watch({}, {}, [this] { clock.Advance(400s); });
  Reflector reflector(Options(), source, recorded.store.writer(), clock);
  reflector.Start();
  source.AwaitWatches(3);
  EXPECT_THAT(clock.AwaitSleeps(0), SizeIs(0));
}

TEST_F(ReflectorTest, AVeryShortWatchWithoutEventsBacksOff) {
  source.Page({}, "10");
  for (int i = 0; i < 5; ++i) source.Watch({});
  Reflector reflector(Options(), source, recorded.store.writer(), clock);
  reflector.Start();
  source.AwaitWatches(6);
  EXPECT_THAT(clock.AwaitSleeps(5), SizeIs(5));
  EXPECT_THAT(source.Lists(), SizeIs(1));
}

TEST_F(ReflectorTest, BacksOffFrom800MillisecondsTo30SecondsWithJitter) {
  JumpingClock bounded(9);
  for (int i = 0; i < 20; ++i) source.ListFails(Http(base::Code::kRetry, 500));
  Reflector reflector(Options(), source, recorded.store.writer(), bounded);
  reflector.Start();
  const std::vector<base::Duration> sleeps = bounded.AwaitSleeps(9);
  base::Duration step = 800ms;
  for (const base::Duration& sleep : sleeps) {
    EXPECT_THAT(sleep, AllOf(Ge(step), Le(step * 2)));
    step = std::min<base::Duration>(step * 2, 30s);
  }
}

TEST_F(ReflectorTest, TheJitterOfTwoReflectorsDiffers) {
  std::vector<base::Duration> first_sleeps;
  for (const std::uint64_t seed : {1U, 2U}) {
    JumpingClock bounded(1);
    ScriptedSource own_source;
    own_source.ListFails(Http(base::Code::kRetry, 500));
    ReflectorOptions options = Options();
    options.seed = seed;
    RecordedStore own_store;
    Reflector reflector(options, own_source, own_store.store.writer(), bounded);
    reflector.Start();
    first_sleeps.push_back(bounded.AwaitSleeps(1)[0]);
  }
  EXPECT_NE(first_sleeps[0], first_sleeps[1]);
}

TEST_F(ReflectorTest, TwoHealthyMinutesResetTheBackoff) {
  source.Page({}, "10");
  for (int i = 0; i < 6; ++i) source.Watch({}, Http(base::Code::kRetry, 503));
  source.Watch({Bookmark("20")}, Http(base::Code::kRetry, 503), [this] { clock.Advance(5min); });
  Reflector reflector(Options(), source, recorded.store.writer(), clock);
  reflector.Start();
  source.AwaitWatches(8);
  const std::vector<base::Duration> sleeps = clock.AwaitSleeps(7);
  EXPECT_GE(sleeps[5], 25s);
  EXPECT_LE(sleeps[6], 1600ms);
}

TEST_F(ReflectorTest, WaitsAsLongAsTheServerAsks) {
  base::Error throttled = Http(base::Code::kRetry, 429);
  throttled.retry_after = 77s;
  source.Page({}, "10");
  source.Watch({}, throttled);
  Reflector reflector(Options(), source, recorded.store.writer(), clock);
  reflector.Start();
  EXPECT_EQ(clock.AwaitSleeps(1)[0], 77s);
}

TEST_F(ReflectorTest, AWaitThatTheServerAskedForIsNoSilence) {
  base::Error throttled = Http(base::Code::kRetry, 429);
  throttled.retry_after = 1h;
  source.ListFails(throttled);
  base::SimulatedClock standing;
  Reflector reflector(Options(), source, recorded.store.writer(), standing);
  reflector.Start();
  standing.AwaitSleepers(1);
  EXPECT_EQ(reflector.LastBeat() - standing.Now(), base::Duration(1h));
}

TEST_F(ReflectorTest, AWatchAsksForFiveToTenMinutes) {
  for (const std::uint64_t seed : {1U, 2U, 3U, 4U, 5U}) {
    ScriptedSource own_source;
    own_source.Page({}, "10");
    ReflectorOptions options = Options();
    options.seed = seed;
    RecordedStore own_store;
    Reflector reflector(options, own_source, own_store.store.writer(), clock);
    reflector.Start();
    EXPECT_THAT(own_source.AwaitWatches(1)[0].timeout, AllOf(Ge(300s), Le(600s)));
  }
}

TEST_F(ReflectorTest, ReadsAllPagesBeforeItCommits) {
  source.Page({Object("a", "u1", "1")}, "10", "token-1");
  source.Page({Object("b", "u2", "2")}, "10", "token-2");
  source.Page({Object("c", "u3", "3")}, "10");
  Reflector reflector(Options(), source, recorded.store.writer(), clock);
  reflector.Start();
  source.AwaitWatches(1);
  const auto lists = source.Lists();
  ASSERT_THAT(lists, SizeIs(3));
  EXPECT_EQ(lists[1].continue_token, "token-1");
  EXPECT_EQ(lists[1].resource_version, "") << "the token carries the version; both together are refused";
  EXPECT_EQ(lists[2].continue_token, "token-2");
  EXPECT_THAT(recorded.Changes(), ElementsAre("+a red*", "+b red*", "+c red*"));
}

TEST_F(ReflectorTest, AnExpiredContinueTokenStartsThePagesAgain) {
  source.Page({Object("a", "u1", "1"), Object("gone", "u9", "1")}, "10", "token-1");
  source.ListFails(Http(base::Code::kNotFound, 410));
  source.Page({Object("a", "u1", "1")}, "20", "token-2").Page({Object("b", "u2", "2")}, "20");
  Reflector reflector(Options(), source, recorded.store.writer(), clock);
  reflector.Start();
  EXPECT_THAT(Versions(source.AwaitWatches(1)), ElementsAre("20"));
  const auto lists = source.Lists();
  ASSERT_THAT(lists, SizeIs(4));
  EXPECT_EQ(lists[2].continue_token, "");
  EXPECT_EQ(lists[2].limit, 500) << "a whole collection at once may be larger than the client reads";
  EXPECT_EQ(lists[2].resource_version, "");
  EXPECT_THAT(clock.AwaitSleeps(1), SizeIs(1));
  EXPECT_THAT(recorded.Changes(), ElementsAre("+a red*", "+b red*")) << "nothing of the broken list is left";
}

TEST_F(ReflectorTest, SaysSinceWhenItsStoreMayBeStale) {
  JumpingClock stopping(3);  // stands still in its third back-off
  const base::TimePoint begin = stopping.Now();
  source.Page({}, "10");
  for (int i = 0; i < 3; ++i) source.Watch({}, Http(base::Code::kRetry, 0, "Connect: refused"));
  Reflector reflector(Options(), source, recorded.store.writer(), stopping);
  EXPECT_FALSE(reflector.FailingSince());
  reflector.Start();
  stopping.AwaitSleeps(3);
  EXPECT_EQ(reflector.FailingSince(), begin) << "the first of several failures counts";
  EXPECT_EQ(reflector.LastError(), "Connect: refused");
}

TEST_F(ReflectorTest, IsCurrentAgainWhenTheServerSaysAnything) {
  struct Row {
    const char* name;
    std::vector<std::string> lines;
    base::Duration lasts;
  };
  for (const Row& row :
       {Row{"a bookmark", {Bookmark("11")}, 0s}, Row{"a quiet watch that the server ended", {}, 300s}}) {
    SCOPED_TRACE(row.name);
    JumpingClock own_clock;
    ScriptedSource own_source;
    RecordedStore own_store;
    own_source.Page({}, "10");
    own_source.Watch({}, Http(base::Code::kRetry, 0, "Connect: refused"));
    own_source.Watch(row.lines, {}, [&] { own_clock.Advance(row.lasts); });
    Reflector reflector(Options(), own_source, own_store.store.writer(), own_clock);
    reflector.Start();
    own_source.AwaitWatches(3);
    EXPECT_FALSE(reflector.FailingSince());
    EXPECT_EQ(reflector.LastError(), "");
  }
}

TEST_F(ReflectorTest, ARelistFindsWhatWasDeletedAndRecreatedMeanwhile) {
  source.Page({Object("a", "u1", "1"), Object("b", "u2", "2"), Object("c", "u3", "3")}, "10");
  source.Watch({ErrorEvent(410, "Expired")});
  source.Page({Object("b", "u7", "50", "blue"), Object("c", "u3", "3")}, "90");
  Reflector reflector(Options(), source, recorded.store.writer(), clock);
  reflector.Start();
  source.AwaitWatches(2);
  EXPECT_THAT(recorded.Changes(), ElementsAre("+a red*", "+b red*", "+c red*", "-a red*", "-b red*", "+b blue*"));
}

TEST_F(ReflectorTest, AnEventOutOfOrderIsDropped) {
  source.Page({Object("a", "u1", "10", "red")}, "10");
  source.Watch({Line("MODIFIED", Object("a", "u1", "12", "new")), Line("MODIFIED", Object("a", "u1", "11", "old")),
                Bookmark("13")});
  Reflector reflector(Options(), source, recorded.store.writer(), clock);
  reflector.Start();
  source.AwaitWatches(2);
  EXPECT_EQ(recorded.store.Get({"ns", "a"})->color, "new");
}

TEST_F(ReflectorTest, KeepsItsStateWhileTheServerIsAway) {
  source.Page({Object("a", "u1", "1")}, "10");
  source.Watch({ErrorEvent(410, "Expired")});
  for (int i = 0; i < 5; ++i) source.ListFails(Http(base::Code::kRetry, 0));
  Reflector reflector(Options(), source, recorded.store.writer(), clock);
  reflector.Start();
  source.AwaitLists(7);
  EXPECT_NE(recorded.store.Get({"ns", "a"}), nullptr);
  EXPECT_TRUE(reflector.HasSynced());
}

TEST_F(ReflectorTest, SaysWhyItHasNotSynced) {
  JumpingClock bounded(1);
  source.ListFails(Http(base::Code::kDenied, 403, "things is forbidden: cannot list"));
  Reflector reflector(Options(), source, recorded.store.writer(), bounded);
  reflector.Start();
  bounded.AwaitSleeps(1);
  EXPECT_FALSE(reflector.HasSynced());
  EXPECT_EQ(reflector.LastError(), "things is forbidden: cannot list");
}

TEST_F(ReflectorTest, StopsWhileItWatchesAndWhileItBacksOff) {
  source.Page({}, "10");
  Reflector watching(Options(), source, recorded.store.writer(), clock);
  watching.Start();
  source.AwaitWatches(1);
  watching.Stop();

  base::SimulatedClock standing;
  ScriptedSource failing;
  failing.ListFails(Http(base::Code::kRetry, 500));
  RecordedStore other;
  Reflector backing_off(Options(), failing, other.store.writer(), standing);
  backing_off.Start();
  standing.AwaitSleepers(1);
  backing_off.Stop();
}

TEST_F(ReflectorTest, WatchListCommitsAtTheBookmarkThatEndsTheState) {
  source.Watch({Line("ADDED", Object("a", "u1", "3")), Line("ADDED", Object("b", "u2", "4")), Bookmark("10", true),
                Line("MODIFIED", Object("a", "u1", "12", "blue"))});
  Reflector reflector(Options(true), source, recorded.store.writer(), clock);
  reflector.Start();
  const auto watches = source.AwaitWatches(2);
  EXPECT_TRUE(watches[0].send_initial_events);
  EXPECT_EQ(watches[0].resource_version, "");
  EXPECT_FALSE(watches[1].send_initial_events);
  EXPECT_EQ(watches[1].resource_version, "12");
  EXPECT_THAT(source.Lists(), SizeIs(0));
  EXPECT_TRUE(reflector.HasSynced());
  EXPECT_THAT(recorded.Changes(), ElementsAre("+a red*", "+b red*", "~a red>blue"));
}

TEST_F(ReflectorTest, AWatchListThatEndsEarlyLeavesTheOldState) {
  source.Watch({Line("ADDED", Object("a", "u1", "3")), Bookmark("10", true), ErrorEvent(410, "Expired")});
  source.Watch({Line("ADDED", Object("b", "u2", "4"))}, Http(base::Code::kRetry, 0, "Reset"));
  source.Watch({Line("ADDED", Object("b", "u2", "4")), Line("ADDED", Object("c", "u3", "5")),
                Line("DELETED", Object("c", "u3", "6")), Bookmark("90", true)});
  Reflector reflector(Options(true), source, recorded.store.writer(), clock);
  reflector.Start();
  const auto watches = source.AwaitWatches(4);
  EXPECT_TRUE(watches[1].send_initial_events);
  EXPECT_TRUE(watches[2].send_initial_events) << "half a state is no state to watch from";
  EXPECT_EQ(watches[3].resource_version, "90");
  EXPECT_THAT(recorded.Changes(), ElementsAre("+a red*", "-a red*", "+b red*"));
}

TEST_F(ReflectorTest, FallsBackToListsForGoodWhenTheServerHasNoWatchList) {
  source.Watch({}, Http(base::Code::kInvalid, 422, "sendInitialEvents is forbidden"));
  source.Page({}, "10");
  source.Watch({ErrorEvent(410, "Expired")});
  source.Page({}, "20");
  Reflector reflector(Options(true), source, recorded.store.writer(), clock);
  reflector.Start();
  const auto watches = source.AwaitWatches(3);
  EXPECT_TRUE(watches[0].send_initial_events);
  EXPECT_FALSE(watches[1].send_initial_events);
  EXPECT_FALSE(watches[2].send_initial_events);
  EXPECT_THAT(source.Lists(), SizeIs(2));
}

}  // namespace
}  // namespace kube::runtime
