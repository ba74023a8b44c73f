#include "operator/local/pod_state.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "operator/experiment/pod_view.h"

namespace autotune::local {
namespace {

using nlohmann::json;

const base::WallTime kNoon = base::ParseRfc3339("2026-11-22T12:00:00Z");

json PodWithStatus(const PodState& state) {
  json pod = {{"metadata", {{"name", "p"}}}, {"spec", json::object()}};
  if (!state.node.empty()) pod["spec"]["nodeName"] = state.node;
  pod["status"] = PodStatusJson(state);
  return pod;
}

PodState Scheduled() {
  PodState state;
  state.scheduled = true;
  state.scheduled_at = kNoon;
  state.node = "here";
  state.containers = ContainersOf(json::parse(R"({"spec":{
      "initContainers":[{"name":"install","image":"t"},{"name":"engine","image":"e","restartPolicy":"Always"}],
      "containers":[{"name":"bench","image":"t"}]}})"));
  return state;
}

TEST(PodStatusJson, SaysWhyAPodIsNotScheduled) {
  PodState state;
  state.unschedulable_message = "0/1 nodes are available";
  const auto view = experiment::PodViewFromJson(PodWithStatus(state));
  EXPECT_EQ(view.phase, "Pending");
  EXPECT_FALSE(view.scheduled);
  EXPECT_EQ(view.unscheduled_reason, "GpusInUse");
  EXPECT_EQ(view.unscheduled_message, "0/1 nodes are available");
}

TEST(PodStatusJson, ListsEveryContainerFromTheBeginning) {
  const auto view = experiment::PodViewFromJson(PodWithStatus(Scheduled()));
  EXPECT_TRUE(view.scheduled);
  EXPECT_EQ(view.scheduled_at, kNoon);
  EXPECT_EQ(view.node, "here");
  for (const char* name : {"install", "engine", "bench"}) {
    ASSERT_NE(view.Container(name), nullptr) << name;
    EXPECT_EQ(view.Container(name)->state, experiment::ContainerView::State::kWaiting);
    EXPECT_EQ(view.Container(name)->waiting_reason, "PodInitializing");
  }
}

TEST(PodStatusJson, TellsStartedFromRunning) {
  PodState state = Scheduled();
  ContainerState& engine = state.containers[1];
  engine.phase = ContainerState::Phase::kRunning;
  engine.started_at = kNoon;
  auto view = experiment::PodViewFromJson(PodWithStatus(state));
  EXPECT_EQ(view.Container("engine")->state, experiment::ContainerView::State::kRunning);
  EXPECT_FALSE(view.Container("engine")->started);
  EXPECT_EQ(view.Container("engine")->running_since, kNoon);
  engine.started = true;
  view = experiment::PodViewFromJson(PodWithStatus(state));
  EXPECT_TRUE(view.Container("engine")->started);
  EXPECT_TRUE(view.Container("engine")->ready);
}

TEST(PodStatusJson, CarriesTerminationsAndRestarts) {
  PodState state = Scheduled();
  ContainerState::Termination end;
  end.exit_code = 137;
  end.signal = 9;
  end.reason = "Error";
  end.message = "AT1 ...";
  end.started_at = kNoon;
  end.finished_at = kNoon + std::chrono::seconds(5);
  state.containers[2].phase = ContainerState::Phase::kTerminated;
  state.containers[2].terminated = end;
  state.containers[1].phase = ContainerState::Phase::kWaiting;
  state.containers[1].waiting_reason = "CrashLoopBackOff";
  state.containers[1].restarts = 2;
  state.containers[1].last_terminated = end;
  state.phase = "Failed";
  state.reason = "DeadlineExceeded";
  const auto view = experiment::PodViewFromJson(PodWithStatus(state));
  EXPECT_EQ(view.phase, "Failed");
  EXPECT_EQ(view.reason, "DeadlineExceeded");
  const auto* bench = view.Container("bench");
  ASSERT_TRUE(bench->terminated);
  EXPECT_EQ(bench->terminated->exit_code, 137);
  EXPECT_EQ(bench->terminated->signal, 9);
  EXPECT_EQ(bench->terminated->message, "AT1 ...");
  EXPECT_EQ(bench->terminated->finished_at, kNoon + std::chrono::seconds(5));
  const auto* engine = view.Container("engine");
  EXPECT_EQ(engine->restart_count, 2);
  EXPECT_EQ(engine->waiting_reason, "CrashLoopBackOff");
  ASSERT_TRUE(engine->last_terminated);
  EXPECT_EQ(engine->last_terminated->exit_code, 137);
}

}  // namespace
}  // namespace autotune::local
