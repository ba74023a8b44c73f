// What the API server's answers to one task's writes mean for that task.
#include "operator/controller/kube_cluster.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "kube/client/http_transport.h"
#include "kube/runtime/metrics.h"
#include "operator/controller/cached_pod.h"
#include "operator/experiment/pod_view.h"
#include "operator/reconcile/observed_task.h"

namespace autotune::controller {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Gives the answers in their order; records what was asked.
class ScriptedTransport final : public kube::HttpTransport {
 public:
  kube::HttpResult<kube::Response> Send(const kube::Request& request, const std::stop_token&) override {
    sent.push_back(request);
    if (answers.empty()) return kube::HttpError{kube::ErrorKind::kConnect, 0, "no answer left"};
    auto [status, body] = answers.front();
    answers.pop_front();
    return kube::Response{status, {{"Content-Type", "application/json"}}, body.dump()};
  }
  kube::HttpResult<kube::Response> Stream(const kube::Request&, const kube::LineSink&,
                                          const std::stop_token&) override {
    return kube::HttpError{kube::ErrorKind::kConnect, 0, "nothing is watched here"};
  }
  std::vector<std::string> Lines() const {
    std::vector<std::string> lines;
    for (const kube::Request& request : sent) {
      lines.push_back(request.method + " " + request.target.substr(0, request.target.find('?')));
    }
    return lines;
  }

  std::deque<std::pair<int, json>> answers;
  std::vector<kube::Request> sent;
};

class KubeClusterTest : public ::testing::Test {
 protected:
  json Refusal(const char* reason, const std::string& message) {
    return {{"kind", "Status"}, {"reason", reason}, {"message", message}};
  }
  static json Owned(const char* kind, const char* name) {
    return {{"apiVersion", "v1"},
            {"kind", kind},
            {"metadata",
             {{"namespace", "ns"},
              {"name", name},
              {"labels", {{"a", "b"}}},
              {"ownerReferences", json::array({{{"kind", "AutotuneTask"}, {"uid", "u1"}, {"controller", true}}})}}},
            {"data", {{"k", "v"}}}};
  }

  base::SimulatedClock clock;
  ScriptedTransport transport;
  kube::Client client{transport, clock};
  kube::runtime::KubeEventSink sink{client};
  kube::runtime::EventRecorder events{{}, sink, clock};
  kube::runtime::Metrics metrics;
  TaskMetrics task_metrics{metrics.registry()};
  kube::runtime::Expectations expectations{clock};
  kube::runtime::Store<reconcile::ObservedTask> tasks{
      "autotunetasks", [](std::string_view text) { return reconcile::ObserveTask(kube::runtime::ParseObject(text)); }};
  kube::runtime::Store<experiment::PodView> pods{
      "pods", [](std::string_view pod) -> base::Result<experiment::PodView> { return PodViewFromText(pod); }};
  KubeCluster cluster{client,       events,      task_metrics, expectations,
                      tasks.view(), pods.view(), {"ns", "t"},  std::stop_token()};
};

TEST_F(KubeClusterTest, ARefusalThatMayPassIsTriedAgain) {
  const std::pair<int, json> refusals[] = {
      {401, Refusal("Unauthorized", "Unauthorized")},
      {403, Refusal("Forbidden", "pods is forbidden: User \"x\" cannot create resource \"pods\"")},
      {403, Refusal("Forbidden", "pods \"p\" is forbidden: violates PodSecurity \"restricted:latest\": ...")},
      {403, Refusal("Forbidden", "pods \"p\" is forbidden: status unknown for quota: q, resources: pods")},
      {403, Refusal("Forbidden", "pods \"p\" is forbidden: exceeded quota: q, requested: pods=1")},
      {422, Refusal("Invalid", "pods \"p\" is forbidden: ValidatingAdmissionPolicy 'v' with binding 'b' denied")},
      {400, Refusal("BadRequest", "admission webhook \"w\" denied the request: try later")},
      {405, Refusal("MethodNotAllowed", "a proxy's answer")},
      {413, Refusal("RequestEntityTooLarge", "a proxy's answer")},
  };
  for (const auto& [status, body] : refusals) {
    SCOPED_TRACE(body.dump());
    transport.answers = {{status, body}};
    const base::Status created = cluster.CreatePod(Owned("Pod", "p"));
    ASSERT_FALSE(created);
    EXPECT_EQ(created.error().code, base::Code::kRetry);
    EXPECT_THAT(created.error().message, HasSubstr(body["message"].get<std::string>()));
    EXPECT_EQ(created.error().http_status, status) << "it was the server's answer, and no fault on the way";
  }
}

TEST_F(KubeClusterTest, APodThatTheServerValidatedIsRefusedForGood) {
  json invalid = Refusal("Invalid", "Pod \"p\" is invalid: spec.volumes[0].name: Required value");
  invalid["details"] = {
      {"kind", "Pod"},
      {"name", "p"},
      {"causes",
       {{{"reason", "FieldValueRequired"}, {"message", "Required value"}, {"field", "spec.volumes[0].name"}}}}};
  const std::pair<int, json> refusals[] = {
      {422, invalid},
      {400, Refusal("BadRequest",
                    "Pod in version \"v1\" cannot be handled as a Pod: strict decoding error: unknown "
                    "field \"spec.volumes[0].nsf\"")},
  };
  for (const auto& [status, body] : refusals) {
    SCOPED_TRACE(body.dump());
    transport.answers = {{status, body}};
    const base::Status created = cluster.CreatePod(Owned("Pod", "p"));
    ASSERT_FALSE(created);
    EXPECT_EQ(created.error().code, base::Code::kInvalid);
  }
}

TEST_F(KubeClusterTest, AQuotaOnLimitsSaysWhereTheyAreSet) {
  transport.answers = {
      {403,
       Refusal("Forbidden", "pods \"p\" is forbidden: failed quota: q: must specify limits.cpu for: bench,install")}};
  const base::Status created = cluster.CreatePod(Owned("Pod", "p"));
  ASSERT_FALSE(created);
  EXPECT_EQ(created.error().code, base::Code::kRetry);
  EXPECT_THAT(created.error().message, HasSubstr("must specify limits.cpu for: bench,install"));
  EXPECT_THAT(created.error().message, HasSubstr("spec.benchmark.resources"));
  EXPECT_THAT(created.error().message, HasSubstr("--install-resources"));
}

TEST_F(KubeClusterTest, ANetworkThatIsDownIsNoRefusal) {
  const base::Status created = cluster.CreatePod(Owned("Pod", "p"));
  ASSERT_FALSE(created);
  EXPECT_EQ(created.error().code, base::Code::kRetry);
  EXPECT_EQ(created.error().http_status, 0);
}

TEST_F(KubeClusterTest, ARefusedStatusOrDeletionIsTriedAgain) {
  api::ObjectMeta task;
  task.ns = "ns";
  task.name = "t";
  json invalid = Refusal("Invalid", "AutotuneTask.autotuner.io \"t\" is invalid: status.state: Unsupported value");
  invalid["details"] = {{"kind", "AutotuneTask"},
                        {"causes", {{{"reason", "FieldValueNotSupported"}, {"field", "status.state"}}}}};
  transport.answers = {{422, invalid}, {403, Refusal("Forbidden", "no")}, {403, Refusal("Forbidden", "no")}};
  const auto patched = cluster.PatchStatus(task, {{"state", "New"}});
  ASSERT_FALSE(patched);
  EXPECT_EQ(patched.error().code, base::Code::kRetry) << "an older CRD under a newer operator is replaced soon";
  const base::Status deleted = cluster.DeletePod("ns", "p", "uid");
  ASSERT_FALSE(deleted);
  EXPECT_EQ(deleted.error().code, base::Code::kRetry);
  const base::Status applied = cluster.ApplyConfigMap(Owned("ConfigMap", "t-best"));
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().code, base::Code::kRetry);
}

TEST_F(KubeClusterTest, ATaskIsDeletedInTheVersionThatWasDecidedAbout) {
  api::ObjectMeta task;
  task.ns = "ns";
  task.name = "t";
  task.uid = "u1";
  task.resource_version = "5";
  transport.answers = {{200, json::object()},
                       {409, Refusal("Conflict", "the object has been modified")},
                       {404, Refusal("NotFound", "autotunetasks \"t\" not found")}};
  EXPECT_TRUE(cluster.DeleteTask(task));
  EXPECT_EQ(json::parse(transport.sent[0].body)["preconditions"], json({{"uid", "u1"}, {"resourceVersion", "5"}}));
  const base::Status edited = cluster.DeleteTask(task);
  ASSERT_FALSE(edited);
  EXPECT_EQ(edited.error().code, base::Code::kConflict);
  EXPECT_TRUE(cluster.DeleteTask(task)) << "gone already";
  EXPECT_THAT(metrics.Render(), HasSubstr("autotune_tasks_deleted_total 1\n"));
}

TEST_F(KubeClusterTest, FieldsThatTheApiServerDroppedAreCountedAndNamed) {
  api::ObjectMeta task;
  task.ns = "ns";
  task.name = "t";
  const json patch = {{"state", "Searching"},
                      {"search", nullptr},
                      {"experiments", {{{"name", "e1"}, {"driver", "570"}}}},
                      {"cost", json::object()}};
  const auto dropped = [&](json status) {
    transport.answers = {{200, {{"metadata", {{"resourceVersion", "6"}}}, {"status", std::move(status)}}}};
    const auto written = cluster.PatchStatus(task, patch);
    EXPECT_TRUE(written);
    return written ? written->dropped : "";
  };
  EXPECT_EQ(
      dropped({{"state", "Searching"}, {"progress", "0/1"}, {"experiments", {{{"name", "e1"}, {"driver", "570"}}}}}),
      "");
  EXPECT_THAT(metrics.Render(), HasSubstr("autotune_status_fields_dropped_total 0\n"));
  EXPECT_EQ(dropped({{"state", "Searching"}, {"experiments", {{{"name", "e1"}}}}}), "status.experiments[0].driver");
  EXPECT_THAT(metrics.Render(), HasSubstr("autotune_status_fields_dropped_total 1\n"));
  EXPECT_EQ(dropped({{"experiments", {{{"name", "e1"}}}}}), "status.state") << "which is needed to continue";
  EXPECT_THAT(metrics.Render(), HasSubstr("autotune_status_fields_dropped_total 2\n"));
}

TEST_F(KubeClusterTest, TheTasksConfigMapIsCreatedOrItsDataReplaced) {
  transport.answers = {{201, json::object()}};
  EXPECT_TRUE(cluster.ApplyConfigMap(Owned("ConfigMap", "t-best")));
  EXPECT_THAT(transport.Lines(), ElementsAre("POST /api/v1/namespaces/ns/configmaps"));

  transport.sent.clear();
  transport.answers = {{409, Refusal("AlreadyExists", "exists")}, {200, json::object()}};
  EXPECT_TRUE(cluster.ApplyConfigMap(Owned("ConfigMap", "t-best")));
  ASSERT_THAT(transport.Lines(),
              ElementsAre("POST /api/v1/namespaces/ns/configmaps", "PATCH /api/v1/namespaces/ns/configmaps/t-best"));
  EXPECT_EQ(transport.sent[1].headers.Get("Content-Type"), "application/json-patch+json");
  const json patch = json::parse(transport.sent[1].body);
  EXPECT_EQ(patch[0], json({{"op", "test"}, {"path", "/metadata/ownerReferences/0/uid"}, {"value", "u1"}}));
  EXPECT_EQ(patch.back(), json({{"op", "add"}, {"path", "/data"}, {"value", {{"k", "v"}}}}));
}

TEST_F(KubeClusterTest, AConfigMapOfSomebodyElseIsLeftAlone) {
  transport.answers = {{409, Refusal("AlreadyExists", "exists")},
                       {422, Refusal("Invalid", "the server rejected our request due to an error in our request")}};
  const base::Status applied = cluster.ApplyConfigMap(Owned("ConfigMap", "t-best"));
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().code, base::Code::kAlreadyExists);
  EXPECT_THAT(applied.error().message, HasSubstr("ConfigMap ns/t-best exists and does not belong to this task"));
}

TEST_F(KubeClusterTest, ADeploymentThatIsNotReadSaysWhyInOneLine) {
  transport.answers = {{200, {{"kind", "Deployment"}}},
                       {403, Refusal("Forbidden", "deployments.apps \"chat\" is forbidden: User ...")},
                       {404, Refusal("NotFound", "deployments.apps \"chat\" not found")},
                       {500, Refusal("InternalError", "etcd is gone")}};
  const auto read = [&] { return cluster.ReadWorkload("ns", "Deployment", "chat"); };
  EXPECT_EQ(read()->value("kind", ""), "Deployment");
  EXPECT_THAT(transport.Lines(), ElementsAre("GET /apis/apps/v1/namespaces/ns/deployments/chat"));
  EXPECT_EQ(read().error().message,
            "the operator has no permission to read Deployment \"chat\": set the chart value rbac.readDeployments");
  EXPECT_EQ(read().error().message, "there is no Deployment \"chat\" in namespace ns");
  EXPECT_THAT(read().error().message, HasSubstr("Deployment \"chat\" was not read: "));
}

}  // namespace
}  // namespace autotune::controller
