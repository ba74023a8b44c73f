#include "kube/runtime/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <set>
#include <sstream>

#include "kube/client/client_observer.h"

namespace kube::runtime {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;

std::set<std::string> Names(const std::string& text) {
  std::set<std::string> names;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("# TYPE ", 0) == 0) names.insert(line.substr(7, line.find(' ', 7) - 7));
  }
  return names;
}

TEST(Metrics, CarryControllerRuntimesNames) {
  Metrics metrics;
  metrics.ForQueue("tasks");
  metrics.ForController("tasks", 4);
  metrics.ForClient("api:6443").OnRequest("GET", "200", 10ms);
  metrics.SetLeader("tasks", true);
  metrics.ForReflectors().OnList("pods", true);
  EXPECT_THAT(Names(metrics.Render()), IsSupersetOf({"controller_runtime_reconcile_total",
                                                     "controller_runtime_reconcile_errors_total",
                                                     "controller_runtime_terminal_reconcile_errors_total",
                                                     "controller_runtime_reconcile_panics_total",
                                                     "controller_runtime_reconcile_timeouts_total",
                                                     "controller_runtime_reconcile_time_seconds",
                                                     "controller_runtime_max_concurrent_reconciles",
                                                     "controller_runtime_active_workers",
                                                     "workqueue_depth",
                                                     "workqueue_adds_total",
                                                     "workqueue_queue_duration_seconds",
                                                     "workqueue_work_duration_seconds",
                                                     "workqueue_unfinished_work_seconds",
                                                     "workqueue_longest_running_processor_seconds",
                                                     "workqueue_retries_total",
                                                     "rest_client_requests_total",
                                                     "rest_client_request_duration_seconds",
                                                     "leader_election_master_status",
                                                     "process_cpu_seconds_total",
                                                     "process_resident_memory_bytes",
                                                     "process_open_fds",
                                                     "process_start_time_seconds",
                                                     "reflector_lists_total"}));
}

TEST(Metrics, KnownLabelSetsStartAtZero) {
  Metrics metrics;
  metrics.ForController("tasks", 4);
  const std::string text = metrics.Render();
  for (const char* result : {"success", "requeue_after", "requeue", "error"}) {
    EXPECT_THAT(text, HasSubstr("controller_runtime_reconcile_total{controller=\"tasks\",result=\"" +
                                std::string(result) + "\"} 0"));
  }
  EXPECT_THAT(text, HasSubstr("controller_runtime_max_concurrent_reconciles{controller=\"tasks\"} 4"));
}

TEST(Metrics, CountWhatReconcilesAndRequestsDo) {
  Metrics metrics;
  ControllerObserver& controller = metrics.ForController("tasks", 1);
  for (const ReconcileOutcome outcome : {ReconcileOutcome::kSuccess, ReconcileOutcome::kError,
                                         ReconcileOutcome::kTerminalError, ReconcileOutcome::kPanic}) {
    controller.OnReconcileStart();
    controller.OnReconcileEnd(outcome, 20ms);
  }
  metrics.ForClient("h").OnRequest("POST", "201", 10ms);
  const std::string text = metrics.Render();
  EXPECT_THAT(text, HasSubstr("controller_runtime_reconcile_total{controller=\"tasks\",result=\"error\"} 3"));
  EXPECT_THAT(text, HasSubstr("controller_runtime_reconcile_errors_total{controller=\"tasks\"} 3"));
  EXPECT_THAT(text, HasSubstr("controller_runtime_terminal_reconcile_errors_total{controller=\"tasks\"} 1"));
  EXPECT_THAT(text, HasSubstr("controller_runtime_reconcile_panics_total{controller=\"tasks\"} 1"));
  EXPECT_THAT(text, HasSubstr("controller_runtime_active_workers{controller=\"tasks\"} 0"));
  EXPECT_THAT(text, HasSubstr("rest_client_requests_total{code=\"201\",host=\"h\",method=\"POST\"} 1"));
}

TEST(Metrics, AskTheQueueWhenTheyAreRead) {
  base::SimulatedClock clock;
  Metrics metrics;
  WorkQueue queue(clock, {}, &metrics.ForQueue("tasks"));
  metrics.WatchQueue("tasks", &queue);
  queue.Add({"ns", "a"});
  ASSERT_TRUE(queue.Get());
  clock.Advance(90s);
  const std::string text = metrics.Render();
  EXPECT_THAT(text, HasSubstr("workqueue_longest_running_processor_seconds{controller=\"tasks\",name=\"tasks\"} 90"));
  EXPECT_THAT(text, HasSubstr("workqueue_adds_total{controller=\"tasks\",name=\"tasks\"} 1"));
  metrics.WatchQueue("tasks", nullptr);
}

}  // namespace
}  // namespace kube::runtime
