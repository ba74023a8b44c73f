#include "kube/runtime/events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace kube::runtime {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::SizeIs;

// Writes down what it is sent; answers from a list, or waits at a gate.
class RecordingSink final : public EventSink {
 public:
  base::Status Create(const std::string& ns, const json& event, const std::stop_token& stop) override {
    return Record("POST " + ns, event, stop);
  }
  base::Status Patch(const std::string& ns, const std::string& name, const json& patch,
                     const std::stop_token& stop) override {
    return Record("PATCH " + ns + "/" + name, patch, stop);
  }
  std::vector<std::pair<std::string, json>> Await(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return sent_.size() >= count; });
    return sent_;
  }
  void AnswerWith(base::Status status) {
    const std::lock_guard lock(mutex_);
    answers_.push_back(std::move(status));
  }
  void Hang() {
    const std::lock_guard lock(mutex_);
    hangs_ = true;
  }

 private:
  base::Status Record(std::string what, const json& body, const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    sent_.emplace_back(std::move(what), body);
    changed_.notify_all();
    if (hangs_) changed_.wait(lock, stop, [] { return false; });
    if (answers_.empty()) return {};
    base::Status answer = answers_.front();
    answers_.pop_front();
    return answer;
  }
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<std::pair<std::string, json>> sent_;
  std::deque<base::Status> answers_;
  bool hangs_ = false;
};

Event About(const std::string& name, const std::string& note = "note") {
  Event event;
  event.regarding = {"example.io/v1", "Task", "ns", name, "uid-" + name};
  event.reason = "Created";
  event.action = "CreatePod";
  event.note = note;
  return event;
}

EventOptions Options() {
  EventOptions options;
  options.reporting_controller = "example.io/operator";
  options.reporting_instance = "operator-abc";
  return options;
}

class EventsTest : public ::testing::Test {
 protected:
  base::SimulatedClock clock;
  RecordingSink sink;
};

TEST_F(EventsTest, AnEventHasAllThatTheApiWants) {
  EventRecorder recorder(Options(), sink, clock);
  recorder.Emit(About("a"));
  const auto sent = sink.Await(1);
  EXPECT_EQ(sent[0].first, "POST ns");
  json event = sent[0].second;
  EXPECT_THAT(event["metadata"]["name"].get<std::string>(), ::testing::StartsWith("a."));
  event["metadata"].erase("name");
  EXPECT_EQ(event, json::parse(R"({
    "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"namespace": "ns"},
    "eventTime": "2026-09-21T14:13:20.000000Z",
    "reportingController": "example.io/operator", "reportingInstance": "operator-abc",
    "type": "Normal", "reason": "Created", "action": "CreatePod", "note": "note",
    "regarding": {"apiVersion": "example.io/v1", "kind": "Task", "namespace": "ns", "name": "a", "uid": "uid-a"}})"));
}

TEST_F(EventsTest, EqualEventsBecomeOneWithACount) {
  EventRecorder recorder(Options(), sink, clock);
  for (int i = 0; i < 3; ++i) recorder.Emit(About("a"));
  const auto sent = sink.Await(3);
  EXPECT_EQ(sent[0].first, "POST ns");
  const std::string name = sent[0].second["metadata"]["name"];
  EXPECT_EQ(sent[1].first, "PATCH ns/" + name);
  EXPECT_EQ(sent[1].second["series"]["count"], 2);
  EXPECT_EQ(sent[2].second["series"]["count"], 3);
  EXPECT_EQ(sent[2].second["series"]["lastObservedTime"], "2026-09-21T14:13:20.000000Z");
}

TEST_F(EventsTest, AfterSixMinutesASeriesIsOver) {
  EventRecorder recorder(Options(), sink, clock);
  recorder.Emit(About("a"));
  sink.Await(1);
  clock.Advance(7min);
  recorder.Emit(About("a"));
  EXPECT_EQ(sink.Await(2)[1].first, "POST ns");
}

TEST_F(EventsTest, ASeriesThatTheServerHasForgottenBeginsAnew) {
  EventRecorder recorder(Options(), sink, clock);
  recorder.Emit(About("a"));
  sink.Await(1);
  sink.AnswerWith(base::Error{base::Code::kNotFound, "gone"});
  recorder.Emit(About("a"));
  const auto sent = sink.Await(3);
  EXPECT_THAT(sent[1].first, ::testing::StartsWith("PATCH"));
  EXPECT_EQ(sent[2].first, "POST ns");
}

TEST_F(EventsTest, LongTextsAreCutAtACharacter) {
  Event event = About("a");
  event.reason = std::string(200, 'R');
  event.action.clear();
  std::string note;
  while (note.size() < 2000) note += "größe";
  event.note = note;
  EventRecorder recorder(Options(), sink, clock);
  recorder.Emit(event);
  const json sent = sink.Await(1)[0].second;
  EXPECT_EQ(sent["reason"].get<std::string>().size(), 128U);
  EXPECT_EQ(sent["action"], sent["reason"]);
  EXPECT_LE(sent["note"].get<std::string>().size(), 1024U);
  EXPECT_GE(sent["note"].get<std::string>().size(), 1021U);
  EXPECT_NO_THROW((void)sent.dump()) << "half a character is not UTF-8";
}

TEST_F(EventsTest, AServerThatHangsDelaysNobody) {
  sink.Hang();
  EventOptions options = Options();
  options.queue_limit = 10;
  options.burst = 1000;
  EventRecorder recorder(options, sink, clock);
  recorder.Emit(About("a", "first"));
  sink.Await(1);  // the sender is stuck now
  for (int i = 0; i < 100; ++i) recorder.Emit(About("a", std::to_string(i)));
  EXPECT_EQ(recorder.Dropped(), 90U);
}

TEST_F(EventsTest, AFloodAboutOneObjectLeavesRoomForOthers) {
  EventOptions options = Options();
  options.burst = 3;
  EventRecorder recorder(options, sink, clock);
  for (int i = 0; i < 10; ++i) recorder.Emit(About("noisy", std::to_string(i)));
  recorder.Emit(About("quiet"));
  sink.Await(4);
  EXPECT_EQ(recorder.Dropped(), 7U);
  clock.Advance(5min);
  recorder.Emit(About("noisy", "later"));
  sink.Await(5);
}

TEST_F(EventsTest, TriesAgainWhatPassesAndDropsWhatStays) {
  EventRecorder recorder(Options(), sink, clock);
  sink.AnswerWith(base::Retry("503"));
  sink.AnswerWith({});
  sink.AnswerWith(base::Invalid("no"));
  recorder.Emit(About("a"));
  sink.Await(1);
  clock.AwaitSleepers(1);
  clock.Advance(1s);
  sink.Await(2);
  recorder.Emit(About("b"));
  sink.Await(3);
  recorder.Stop();
  EXPECT_EQ(recorder.Dropped(), 1U);
}

TEST_F(EventsTest, StopSendsWhatIsQueuedFirst) {
  base::RealClock real;
  EventRecorder recorder(Options(), sink, real);
  for (int i = 0; i < 20; ++i) recorder.Emit(About("a", std::to_string(i)));
  recorder.Stop(30s);
  EXPECT_THAT(sink.Await(0), SizeIs(20));
  recorder.Emit(About("b"));
  EXPECT_THAT(sink.Await(0), SizeIs(20));
}

TEST_F(EventsTest, EventsOfClusterScopedObjectsGoToTheDefaultNamespace) {
  EventRecorder recorder(Options(), sink, clock);
  Event event = About("node-1");
  event.regarding.ns.clear();
  recorder.Emit(event);
  EXPECT_EQ(sink.Await(1)[0].first, "POST default");
}

}  // namespace
}  // namespace kube::runtime
