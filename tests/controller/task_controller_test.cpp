// What /healthz says of a controller whose API server is a script. Simulated time.
#include "operator/controller/task_controller.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <stop_token>
#include <string>
#include <thread>

#include "operator/kube/http_transport.h"
#include "operator/runtime/leader_gate.h"

namespace autotune::controller {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

// One task, and a status write that is never answered.
class HangingApi final : public kube::HttpTransport {
 public:
  kube::HttpResult<kube::Response> Send(const kube::Request& request, const std::stop_token& stop) override {
    std::unique_lock lock(mutex_);
    hangs_ = hangs_ || request.method == "PATCH";
    changed_.notify_all();
    return Hang(lock, stop);
  }
  kube::HttpResult<kube::Response> Stream(const kube::Request& request, const kube::LineSink& sink,
                                          const std::stop_token& stop) override {
    if (request.target.find("autotunetasks") != std::string::npos) {
      sink(R"({"type":"ADDED","object":{"apiVersion":"autotuner.io/v1alpha1","kind":"AutotuneTask","metadata":)"
           R"({"namespace":"ns","name":"t","uid":"u1","resourceVersion":"5","generation":1},)"
           R"("spec":{}}})");
    }
    sink(R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"10",)"
         R"("annotations":{"k8s.io/initial-events-end":"true"}}}})");
    std::unique_lock lock(mutex_);
    return Hang(lock, stop);
  }
  void AwaitHanging() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return hangs_; });
  }

 private:
  kube::HttpError Hang(std::unique_lock<std::mutex>& lock, const std::stop_token& stop) {
    changed_.wait(lock, stop, [] { return false; });
    return {kube::ErrorKind::kCancelled, 0, "stopped"};
  }
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool hangs_ = false;
};

TEST(TaskController, IsNotAliveWhenAReconcileHangs) {
  base::SimulatedClock clock;
  HangingApi api;
  kube::Client client(api, clock);
  runtime::Metrics metrics;
  runtime::KubeEventSink sink(client);
  runtime::EventRecorder events({}, sink, clock);
  runtime::AlwaysLeader gate;
  const auto rules = RuleSource::Open({}, clock);
  ASSERT_TRUE(rules) << rules.error().message;
  TaskControllerOptions options;
  options.stop_grace = base::Duration::zero();
  TaskController controller(options, {}, **rules, client, events, metrics, clock, gate);

  std::stop_source stop;
  std::jthread start([&] { EXPECT_TRUE(controller.Start(stop.get_token())); });
  // The caches are looked at every 50 ms of a clock that stands still.
  while (!controller.Ready()) std::this_thread::sleep_for(1ms);
  std::jthread ticks([&](const std::stop_token& end) {
    while (!end.stop_requested()) {
      clock.Advance(50ms);
      std::this_thread::sleep_for(1ms);
    }
  });
  api.AwaitHanging();
  ticks.request_stop();
  ticks.join();
  start.join();
  EXPECT_TRUE(controller.Alive());

  clock.Advance(16min);
  const base::Status alive = controller.Alive();
  ASSERT_FALSE(alive);
  EXPECT_THAT(alive.error().message, HasSubstr("a reconcile has been running for"));
}

}  // namespace
}  // namespace autotune::controller
