#include "cli/cluster.h"

#include <gmock/gmock.h>

#include "fake_transport.h"

namespace autotune::cli {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kTasks = "/apis/autotuner.io/v1alpha1/namespaces/ml/autotunetasks";

json TaskObject(const std::string& name, const std::string& state = "Searching") {
  return {{"apiVersion", "autotuner.io/v1alpha1"},
          {"kind", "AutotuneTask"},
          {"metadata", {{"name", name}, {"namespace", "ml"}, {"uid", "u-1"}, {"resourceVersion", "5"}}},
          {"spec", {{"baseRuntime", "vllm"}, {"model", {{"idOrPath", "org/m"}}}}},
          {"status", {{"state", state}}}};
}

json Refusal(int code, const std::string& reason, const std::string& message) {
  return {{"kind", "Status"}, {"reason", reason}, {"message", message}, {"code", code}};
}

class ClusterTest : public ::testing::Test {
 protected:
  FakeTransport transport;
  base::RealClock clock;
  kube::Client client{transport, clock};
  Cluster cluster{client, "ml"};
  std::string Path(const std::string& name) { return std::string(kTasks) + "/" + name; }
};

TEST_F(ClusterTest, ReadsATask) {
  transport.On("GET " + Path("llama"), 200, TaskObject("llama"));
  const auto task = cluster.Get("llama");
  ASSERT_TRUE(task.ok()) << task.error().message;
  EXPECT_EQ(task->metadata.name, "llama");
}

TEST_F(ClusterTest, SaysInOneLineWhatIsMissing) {
  transport.On("GET " + Path("nope"), 404, Refusal(404, "NotFound", "autotunetasks \"nope\" not found"));
  auto task = cluster.Get("nope");
  ASSERT_FALSE(task.ok());
  EXPECT_EQ(task.error().message, "there is no AutotuneTask \"nope\" in namespace ml");
  EXPECT_EQ(ExitCodeOf(task.error()), 4);

  transport.On("GET " + Path("secret"), 403, Refusal(403, "Forbidden", "user \"x\" cannot get"));
  task = cluster.Get("secret");
  EXPECT_THAT(task.error().message, HasSubstr("not allowed"));
  EXPECT_EQ(ExitCodeOf(task.error()), 3);

  transport.On("GET " + Path("crd"), 404, Refusal(404, "NotFound", "the server could not find the requested resource"));
  EXPECT_THAT(cluster.Get("crd").error().message, HasSubstr("operator is not installed"));

  transport.refuses_connections = true;
  task = cluster.Get("llama");
  EXPECT_THAT(task.error().message, HasSubstr("does not respond"));
  EXPECT_EQ(ExitCodeOf(task.error()), 3);
}

TEST_F(ClusterTest, ListsTasksOfAllPagesAndMarksWhatItCannotRead) {
  json unknown = TaskObject("newer");
  unknown["spec"]["fromTheFuture"] = 1;
  transport.On("GET " + std::string(kTasks), 200,
               {{"metadata", {{"continue", "next"}}}, {"items", json::array({TaskObject("a")})}});
  transport.On("GET " + std::string(kTasks), 200,
               {{"metadata", json::object()}, {"items", json::array({TaskObject("b"), unknown})}});
  const auto tasks = cluster.List(false);
  ASSERT_TRUE(tasks.ok()) << tasks.error().message;
  std::vector<std::string> names;
  for (const auto& task : *tasks) names.push_back(task.metadata.name + " " + task.status.state);
  EXPECT_THAT(names, ElementsAre("a Searching", "b Searching", "newer unreadable"));
}

TEST_F(ClusterTest, WatchesUntilTheTaskIsOver) {
  transport.On("GET " + Path("llama"), 200, TaskObject("llama"));
  const json changed = {{"type", "MODIFIED"}, {"object", TaskObject("llama", "Complete")}};
  transport.OnWatch(kTasks, {R"({"type":"BOOKMARK","object":{}})", changed.dump()});
  std::vector<std::string> states;
  const auto watched = cluster.Watch("llama",
                                     [&](const api::AutotuneTask& task) {
                                       states.push_back(task.status.state);
                                       return task.status.state != "Complete";
                                     },
                                     {});
  EXPECT_TRUE(watched.ok());
  EXPECT_THAT(states, ElementsAre("Searching", "Complete"));
}

TEST_F(ClusterTest, EndsAWatchOfATaskThatIsDeleted) {
  transport.On("GET " + Path("llama"), 200, TaskObject("llama"));
  const json deleted = {{"type", "DELETED"}, {"object", TaskObject("llama")}};
  transport.OnWatch(kTasks, {deleted.dump()});
  const auto watched = cluster.Watch("llama", [](const auto&) { return true; }, {});
  ASSERT_FALSE(watched.ok());
  EXPECT_THAT(watched.error().message, HasSubstr("was deleted"));
}

TEST_F(ClusterTest, ReadsAWorkloadInTheVersionThatIsServed) {
  transport.On("GET /apis/serving.kserve.io/v1alpha2/namespaces/ml/llminferenceservices/chat", 404,
               Refusal(404, "NotFound", "not served"));
  transport.On("GET /apis/serving.kserve.io/v1alpha1/namespaces/ml/llminferenceservices/chat", 200, {{"kind", "X"}});
  const auto read = cluster.Workload("LLMInferenceService", "chat");
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ((*read)["kind"], "X");
  transport.On("GET /apis/apps/v1/namespaces/ml/deployments/none", 404, Refusal(404, "NotFound", "not found"));
  EXPECT_THAT(cluster.Workload("Deployment", "none").error().message, HasSubstr("Deployment \"none\""));
}

TEST_F(ClusterTest, SuspendsWithAPatchOfOneField) {
  transport.On("PATCH " + Path("llama"), 200, TaskObject("llama"));
  EXPECT_TRUE(cluster.Suspend("llama", true).ok());
  EXPECT_EQ(json::parse(transport.requests.back().body), json({{"spec", {{"suspend", true}}}}));
}

TEST_F(ClusterTest, ReadsTheLogOfTheNewestPodOfTheTask) {
  const auto pod = [](const char* name, const char* owner, const char* created) {
    return json{
        {"metadata",
         {{"name", name}, {"creationTimestamp", created}, {"ownerReferences", json::array({{{"uid", owner}}})}}}};
  };
  transport.On(
      "GET /api/v1/namespaces/ml/pods", 200,
      {{"items", json::array({pod("old", "u-1", "2026-01-01T00:00:00Z"), pod("new", "u-1", "2026-01-02T00:00:00Z"),
                              pod("other", "u-2", "2026-01-03T00:00:00Z")})}});
  transport.On("GET /api/v1/namespaces/ml/pods/new/log", 200, "a line\n");
  api::AutotuneTask task;
  task.metadata.uid = "u-1";
  api::ExperimentStatus experiment;
  experiment.hash = "00ff";
  const auto log = cluster.Log(task, experiment, "engine");
  ASSERT_TRUE(log.ok()) << log.error().message;
  EXPECT_EQ(*log, "a line\n");
  EXPECT_THAT(transport.requests.back().target, HasSubstr("container=engine"));
}

TEST_F(ClusterTest, SaysWhyAContainerHasNoLogYet) {
  transport.On("GET /api/v1/namespaces/ml/pods", 200,
               {{"items", json::array({{{"metadata",
                                         {{"name", "new"},
                                          {"creationTimestamp", "2026-01-02T00:00:00Z"},
                                          {"ownerReferences", json::array({{{"uid", "u-1"}}})}}}}})}});
  const std::string why = "container \"engine\" in pod \"new\" is waiting to start: trying and failing to pull image";
  transport.On("GET /api/v1/namespaces/ml/pods/new/log", 400,
               {{"kind", "Status"}, {"status", "Failure"}, {"reason", "BadRequest"}, {"code", 400}, {"message", why}});
  api::AutotuneTask task;
  task.metadata.uid = "u-1";
  const auto log = cluster.Log(task, api::ExperimentStatus(), "engine");
  ASSERT_FALSE(log.ok());
  EXPECT_EQ(log.error().message, "there is no log yet: " + why);
  EXPECT_EQ(ExitCodeOf(log.error()), 4);
}

TEST_F(ClusterTest, ReadsTheNodesOrSaysHowToDoWithout) {
  transport.On("GET /api/v1/nodes", 200,
               {{"metadata", json::object()},
                {"items", json::array({{{"metadata", {{"name", "n1"}, {"labels", {{"a", "b"}}}}},
                                        {"status", {{"allocatable", {{"nvidia.com/gpu", "8"}}}}}}})}});
  const auto nodes = cluster.Nodes();
  ASSERT_TRUE(nodes.ok()) << nodes.error().message;
  EXPECT_EQ(nodes->front().allocatable.at("nvidia.com/gpu"), 8);

  FakeTransport refusing;
  refusing.On("GET /api/v1/nodes", 403, Refusal(403, "Forbidden", "nodes is forbidden"));
  kube::Client other(refusing, clock);
  const auto refused = Cluster(other, "ml").Nodes();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().message,
            "nodes: not allowed: GET /api/v1/nodes: 403 Forbidden: nodes is forbidden; --gpu NAME plans for a GPU "
            "without access to the cluster");
  EXPECT_EQ(ExitCodeOf(refused.error()), 3);
}

class ApplyTest : public ClusterTest {
 protected:
  const json object = {{"apiVersion", "apps/v1"},
                       {"kind", "Deployment"},
                       {"metadata", {{"name", "llama-best"}, {"annotations", {{"autotuner.io/task", "llama"}}}}}};
  const std::string path = "/apis/apps/v1/namespaces/ml/deployments";
};

TEST_F(ApplyTest, CreatesWhatIsNotThere) {
  transport.On("POST " + path, 201, object);
  EXPECT_EQ(*cluster.Apply(object, "llama"), "created");
}

TEST_F(ApplyTest, ADryRunWritesNothing) {
  transport.On("POST " + path, 201, object);
  EXPECT_TRUE(cluster.Apply(object, "llama", true).ok());
  EXPECT_THAT(transport.requests.back().target, HasSubstr("dryRun=All"));
}

TEST_F(ApplyTest, SaysWhenTheNamespaceIsMissing) {
  transport.On("POST " + path, 404, Refusal(404, "NotFound", "namespaces \"ml\" not found"));
  EXPECT_EQ(cluster.Apply(object, "llama").error().message, "namespace ml does not exist");
}

TEST_F(ApplyTest, ReplacesWhatItCreated) {
  json there = object;
  there["metadata"]["resourceVersion"] = "7";
  transport.On("POST " + path, 409, Refusal(409, "AlreadyExists", "there"));
  transport.On("GET " + path + "/llama-best", 200, there);
  transport.On("PUT " + path + "/llama-best", 200, there);
  const auto applied = cluster.Apply(object, "llama");
  ASSERT_TRUE(applied.ok()) << applied.error().message;
  EXPECT_EQ(*applied, "configured");
  EXPECT_EQ(json::parse(transport.requests.back().body)["metadata"]["resourceVersion"], "7");
}

TEST_F(ApplyTest, OverwritesNobodysObject) {
  json there = object;
  there["metadata"].erase("annotations");
  transport.On("POST " + path, 409, Refusal(409, "AlreadyExists", "there"));
  transport.On("GET " + path + "/llama-best", 200, there);
  const auto applied = cluster.Apply(object, "llama");
  ASSERT_FALSE(applied.ok());
  EXPECT_THAT(applied.error().message, HasSubstr("nothing was written"));
  EXPECT_EQ(ExitCodeOf(applied.error()), 1);
  for (const auto& request : transport.requests) EXPECT_NE(request.method, "PUT");
}

}  // namespace
}  // namespace autotune::cli
