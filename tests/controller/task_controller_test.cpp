// A controller whose API server is a script: what /healthz and /readyz say of it, what it does to a pod that is not its
// own. Simulated time.
#include "operator/controller/task_controller.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "kube/client/http_transport.h"
#include "kube/runtime/leader_gate.h"
#include "operator/experiment/pod_builder.h"

namespace autotune::controller {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

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

// One task that the API server keeps; what is asked of it is recorded. Initial lists of resources in `held` come only
// when Release() names them.
class SmallApi final : public kube::HttpTransport {
 public:
  explicit SmallApi(std::set<std::string> held = {}) : held_(std::move(held)) {}

  kube::HttpResult<kube::Response> Send(const kube::Request& request, const std::stop_token&) override {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request.method + " " + request.target.substr(0, request.target.find('?')));
    changed_.notify_all();
    const auto reply = [](int status, const json& body) {
      return kube::Response{status, {{"Content-Type", "application/json"}}, body.dump()};
    };
    if (request.method == "PATCH") {
      task_.merge_patch(json::parse(request.body));
      task_["metadata"]["resourceVersion"] = std::to_string(++version_);
      modified_ = true;
      return reply(200, task_);
    }
    if (request.method == "POST" && request.target.find("/pods") != std::string::npos) {
      return reply(409, {{"kind", "Status"}, {"reason", "AlreadyExists"}, {"message", "pods already exists"}});
    }
    if (request.method == "GET") return reply(200, pod_);
    return reply(200, json::object());
  }

  kube::HttpResult<kube::Response> Stream(const kube::Request& request, const kube::LineSink& sink,
                                          const std::stop_token& stop) override {
    const auto is = [&](const std::string& resource) {
      return request.target.find("/" + resource + "?") != std::string::npos;
    };
    std::unique_lock lock(mutex_);
    const bool go = changed_.wait(lock, stop, [&] { return std::none_of(held_.begin(), held_.end(), is); });
    if (!go) return kube::HttpError{kube::ErrorKind::kCancelled, 0, "stopped"};
    const auto say = [&](const char* type, const json& object) {
      sink(json{{"type", type}, {"object", object}}.dump());
    };
    const auto cut = [&] { return !cut_.empty() && is(cut_); };
    const kube::HttpError away{kube::ErrorKind::kConnect, 0, "the API server is away"};
    if (cut()) return away;
    if (is("autotunetasks")) say("ADDED", task_);
    if (is("pods")) say("ADDED", pod_);
    say("BOOKMARK",
        {{"metadata", {{"resourceVersion", "10"}, {"annotations", {{"k8s.io/initial-events-end", "true"}}}}}});
    while (changed_.wait(lock, stop, [&] { return cut() || (is("autotunetasks") && modified_); })) {
      if (cut()) return away;
      modified_ = false;
      say("MODIFIED", task_);
    }
    return kube::HttpError{kube::ErrorKind::kCancelled, 0, "stopped"};
  }

  // From now on no watch of this resource is answered, until Restore().
  void Cut(const std::string& resource) {
    const std::lock_guard lock(mutex_);
    cut_ = resource;
    changed_.notify_all();
  }
  void Restore() { Cut(""); }

  void Release(const std::string& resource) {
    const std::lock_guard lock(mutex_);
    held_.erase(resource);
    changed_.notify_all();
  }
  // False after a while of real time: a broken controller must fail the test, not hang it.
  bool AwaitRequest(const std::string& request) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 20s,
                             [&] { return std::find(requests_.begin(), requests_.end(), request) != requests_.end(); });
  }
  // Before the first watch.
  void Replace(const json& patch) {
    const std::lock_guard lock(mutex_);
    task_.merge_patch(patch);
  }
  void ReplacePod(const json& patch) {
    const std::lock_guard lock(mutex_);
    pod_.merge_patch(patch);
  }
  // Somebody's edit.
  void Edit(const json& patch) {
    const std::lock_guard lock(mutex_);
    task_.merge_patch(patch);
    task_["metadata"]["resourceVersion"] = std::to_string(++version_);
    modified_ = true;
    changed_.notify_all();
  }
  json Task() {
    const std::lock_guard lock(mutex_);
    return task_;
  }
  std::vector<std::string> Requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  // Labelled as the operator's pods are, and owned by the task that had this name before.
  static json ForeignPod() {
    return {{"metadata",
             {{"name", "somebodys"},
              {"namespace", "ns"},
              {"uid", "pod-1"},
              {"resourceVersion", "7"},
              {"labels",
               {{experiment::kManagedByLabel, experiment::kManagedByValue},
                {experiment::kRoleLabel, "inspect"},
                {experiment::kAttemptLabel, "1"}}},
              {"ownerReferences",
               {{{"kind", "AutotuneTask"}, {"name", "t"}, {"uid", "another task"}, {"controller", true}}}}}},
            {"spec", json::object()},
            {"status", {{"phase", "Running"}}}};
  }

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::set<std::string> held_;
  std::string cut_;
  std::vector<std::string> requests_;
  bool modified_ = false;
  int version_ = 20;
  json pod_ = ForeignPod();
  json task_ = {
      {"apiVersion", "autotuner.io/v1alpha1"},
      {"kind", "AutotuneTask"},
      {"metadata", {{"namespace", "ns"}, {"name", "t"}, {"uid", "u1"}, {"resourceVersion", "5"}, {"generation", 1}}},
      {"spec", {{"model", {{"idOrPath", "a/b"}}}, {"baseRuntime", "vllm"}}}};
};

// A controller on an API, with all that it needs around it, and a clock that goes on by itself.
class Running {
 public:
  explicit Running(kube::HttpTransport& api) : client(api, clock), sink(client), events({}, sink, clock) {
    EXPECT_TRUE(rules) << (rules ? "" : rules.error().message);
    TaskControllerOptions options;
    options.stop_grace = base::Duration::zero();
    controller.emplace(options, reconcile::Settings{}, **rules, client, events, metrics, clock, gate);
  }
  ~Running() {
    stop.request_stop();
    if (start.joinable()) start.join();
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  void Start() {
    start = std::jthread([this] { (void)controller->Start(stop.get_token()); });
    ticks = std::jthread([this](const std::stop_token& end) {
      while (!end.stop_requested()) {
        clock.Advance(50ms);
        std::this_thread::sleep_for(1ms);
      }
    });
  }

  base::SimulatedClock clock;
  kube::Client client;
  kube::runtime::Metrics metrics;
  kube::runtime::KubeEventSink sink;
  kube::runtime::EventRecorder events;
  kube::runtime::AlwaysLeader gate;
  base::Result<std::unique_ptr<RuleSource>> rules = RuleSource::Open({}, clock);
  std::optional<TaskController> controller;
  std::stop_source stop;
  std::jthread start, ticks;
};

TEST(TaskController, IsNotReadyWhileACacheHasNotSynced) {
  for (const std::string held : {"autotunetasks", "pods", "nodes"}) {
    SCOPED_TRACE(held);
    SmallApi api({held});
    Running running(api);
    EXPECT_FALSE(running.controller->Ready()) << "nothing was started";
    running.Start();
    // The others sync, and then it is this one that is missing.
    const auto until = std::chrono::steady_clock::now() + 20s;
    base::Status ready = running.controller->Ready();
    while (!ready && ready.error().message.find("cache " + held + " ") == std::string::npos &&
           std::chrono::steady_clock::now() < until) {
      std::this_thread::sleep_for(1ms);
      ready = running.controller->Ready();
    }
    ASSERT_FALSE(ready);
    EXPECT_THAT(ready.error().message, HasSubstr("cache " + held + " has not synced"));
    api.Release(held);
    while (!running.controller->Ready() && std::chrono::steady_clock::now() < until) std::this_thread::sleep_for(1ms);
    EXPECT_TRUE(running.controller->Ready());
  }
}

TEST(TaskController, IsNotReadyWhenACacheHasBeenStaleForLong) {
  SmallApi api;
  Running running(api);
  running.Start();
  const auto until = std::chrono::steady_clock::now() + 20s;
  const auto await = [&](const std::function<bool()>& condition) {
    while (!condition() && std::chrono::steady_clock::now() < until) std::this_thread::sleep_for(1ms);
    return condition();
  };
  ASSERT_TRUE(await([&] { return running.controller->Ready().ok(); }));
  // Minutes of the simulated clock: the caches hold what they have, and say how old it may be.
  api.Cut("pods");
  ASSERT_TRUE(await([&] {
    running.clock.Advance(10s);
    return !running.controller->Ready();
  }));
  const base::Status ready = running.controller->Ready();
  EXPECT_THAT(ready.error().message, HasSubstr("cache pods may be stale, no data for "));
  EXPECT_THAT(ready.error().message, HasSubstr("the API server is away"));
  EXPECT_TRUE(running.controller->Alive()) << "a restart would change nothing";
  api.Restore();
  EXPECT_TRUE(await([&] { return running.controller->Ready().ok(); }));
}

TEST(TaskController, APodOfItsNameThatIsNotItsOwnIsNeitherTakenNorDeleted) {
  SmallApi api;
  Running running(api);
  running.Start();
  // The event tells of the refusal when everything else is done.
  ASSERT_TRUE(api.AwaitRequest("POST /apis/events.k8s.io/v1/namespaces/ns/events")) << api.Task().dump(1);
  const json task = api.Task();
  EXPECT_EQ(task["status"]["state"], "Inspecting") << "a refusal ends nothing";
  EXPECT_THAT(task["status"]["conditions"].dump(), HasSubstr("exists and belongs to another object"));
  EXPECT_THAT(task["status"]["conditions"].dump(), HasSubstr("PodRefused"));
  EXPECT_THAT(api.Requests(), Contains(StartsWith("POST /api/v1/namespaces/ns/pods")));
  EXPECT_THAT(api.Requests(), Not(Contains(StartsWith("DELETE"))));
}

TEST(TaskController, DeletesAFinishedTaskWhenItsTimeIsOver) {
  SmallApi api;
  Running running(api);
  api.Replace({{"metadata", {{"generation", 1}}},
               {"spec", {{"retention", {{"task", "1h"}}}}},
               {"status",
                {{"observedGeneration", 1},
                 {"state", "Failed"},
                 {"finishedAt", base::FormatRfc3339(running.clock.Wall())},
                 {"conditions", json::array()}}}});
  running.Start();
  const auto until = std::chrono::steady_clock::now() + 20s;
  while (!running.controller->Ready() && std::chrono::steady_clock::now() < until) std::this_thread::sleep_for(1ms);
  EXPECT_THAT(api.Requests(), Not(Contains(StartsWith("DELETE"))));
  running.clock.Advance(1h);
  EXPECT_TRUE(api.AwaitRequest("DELETE /apis/autotuner.io/v1alpha1/namespaces/ns/autotunetasks/t"));
}

TEST(TaskController, ReadsAKeptPodAgainWhenItsFinishedTaskGoesOn) {
  SmallApi api;
  Running running(api);
  const char* const hash = "0123456789abcdef";
  api.Replace({{"spec", {{"keepPods", "Always"}}},
               {"status",
                {{"observedGeneration", 1},
                 {"state", "Failed"},
                 {"finishedAt", base::FormatRfc3339(running.clock.Wall())},
                 {"conditions", json::array()},
                 {"experiments", {{{"name", "e1"}, {"hash", hash}, {"state", "Succeeded"}, {"attempts", 1}}}}}}});
  api.ReplacePod(
      {{"metadata",
        {{"labels", {{experiment::kRoleLabel, "experiment"}, {experiment::kHashLabel, hash}}},
         {"ownerReferences", {{{"kind", "AutotuneTask"}, {"name", "t"}, {"uid", "u1"}, {"controller", true}}}}}},
       {"status", {{"phase", "Succeeded"}}}});
  running.Start();
  const auto until = std::chrono::steady_clock::now() + 20s;
  while (!running.controller->Ready() && std::chrono::steady_clock::now() < until) std::this_thread::sleep_for(1ms);
  EXPECT_THAT(api.Requests(), Not(Contains(StartsWith("GET"))));
  EXPECT_THAT(api.Requests(), Not(Contains(StartsWith("DELETE"))));
  api.Edit({{"metadata", {{"generation", 2}}}});
  EXPECT_TRUE(api.AwaitRequest("GET /api/v1/namespaces/ns/pods/somebodys"));
}

TEST(TaskController, IsNotAliveWhenAReconcileHangs) {
  base::SimulatedClock clock;
  HangingApi api;
  kube::Client client(api, clock);
  kube::runtime::Metrics metrics;
  kube::runtime::KubeEventSink sink(client);
  kube::runtime::EventRecorder events({}, sink, clock);
  kube::runtime::AlwaysLeader gate;
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
