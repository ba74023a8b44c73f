#include "operator/experiment/pod_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sample_task.h"

namespace autotune::experiment {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

std::string Engine(const std::string& context) {
  return R"({"baseRuntime": null, "runtimes": [{"name": "v", "engine": "vllm", "image": "v:0.20.1", "securityContext": )" +
         context + "}]}";
}
std::string Pod(const std::string& fields) { return R"({"podTemplate": )" + fields + "}"; }
std::string PodContext(const std::string& context) { return Pod(R"({"securityContext": )" + context + "}"); }

struct Row {
  std::string spec;
  const char* path;  // of the field that is refused; "" = accepted
  const char* flag;
};

constexpr const char* kPrivileged = "--allow-privileged";
constexpr const char* kVolumes = "--allow-volumes";

const Row kRows[] = {
    {"{}", "", ""},
    {R"({"model": {"idOrPath": "/l", "volume": {"hostPath": {"path": "/"}}}})", "spec.model.volume.hostPath",
     "--allow-host-path"},
    {Pod(R"({"volumes": [{"name": "a", "emptyDir": {}}, {"name": "h", "hostPath": {"path": "/"}}]})"),
     "spec.podTemplate.volumes[1].hostPath", "--allow-host-path"},
    {Pod(R"({"volumes": [{"name": "a", "nfs": {"server": "s", "path": "/"}}]})"), "spec.podTemplate.volumes[0].nfs",
     kVolumes},
    {Pod(R"({"volumes": [{"name": "a", "persistentVolumeClaim": {"claimName": "c"}}, {"name": "b", "csi": {"driver": "d"}}]})"),
     "", ""},
    {Pod(R"({"serviceAccountName": "default"})"), "", ""},
    {Pod(R"({"serviceAccountName": "admin"})"), "spec.podTemplate.serviceAccountName", "--allow-service-accounts"},
    // Pod Security's baseline, control by control.
    {Engine(R"({"privileged": true})"), "spec.runtimes[0].securityContext.privileged", kPrivileged},
    {Engine(R"({"privileged": "true"})"), "spec.runtimes[0].securityContext.privileged", kPrivileged},
    {Engine(R"({"privileged": false, "runAsUser": 0, "allowPrivilegeEscalation": true})"), "", ""},
    {Engine(R"({"capabilities": {"add": ["CHOWN", "SYS_PTRACE"]}})"),
     "spec.runtimes[0].securityContext.capabilities.add[1]", kPrivileged},
    {Engine(R"({"capabilities": {"add": ["ALL"]}})"), "spec.runtimes[0].securityContext.capabilities.add[0]",
     kPrivileged},
    {Engine(R"({"capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}})"), "", ""},
    {Engine(R"({"procMount": "Unmasked"})"), "spec.runtimes[0].securityContext.procMount", kPrivileged},
    {Engine(R"({"seccompProfile": {"type": "Unconfined"}})"), "spec.runtimes[0].securityContext.seccompProfile.type",
     kPrivileged},
    {PodContext(R"({"seccompProfile": {"type": "Localhost", "localhostProfile": "p"}})"), "", ""},
    {PodContext(R"({"appArmorProfile": {"type": "Unconfined"}})"),
     "spec.podTemplate.securityContext.appArmorProfile.type", kPrivileged},
    {PodContext(R"({"seLinuxOptions": {"type": "spc_t"}})"), "spec.podTemplate.securityContext.seLinuxOptions.type",
     kPrivileged},
    {PodContext(R"({"seLinuxOptions": {"level": "s0:c1", "type": "container_t"}})"), "", ""},
    {PodContext(R"({"seLinuxOptions": {"user": "system_u"}})"), "spec.podTemplate.securityContext.seLinuxOptions.user",
     kPrivileged},
    {PodContext(
         R"({"sysctls": [{"name": "net.ipv4.tcp_syncookies", "value": "1"}, {"name": "kernel.msgmax", "value": "1"}]})"),
     "spec.podTemplate.securityContext.sysctls[1].name", kPrivileged},
    {PodContext(R"({"windowsOptions": {"hostProcess": true}})"),
     "spec.podTemplate.securityContext.windowsOptions.hostProcess", kPrivileged},
    {Pod(R"({"annotations": {"container.apparmor.security.beta.kubernetes.io/engine": "unconfined"}})"),
     R"(spec.podTemplate.annotations["container.apparmor.security.beta.kubernetes.io/engine"])", kPrivileged},
    {Pod(R"({"annotations": {"container.apparmor.security.beta.kubernetes.io/engine": "localhost/x"}})"), "", ""},
};

TEST(PodPolicy, RefusesWhatTasksMayNotAskForAndNamesTheFlag) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.spec);
    const auto checked = CheckPodPolicy(SampleTask(row.spec).spec, {});
    if (*row.path == '\0') {
      EXPECT_TRUE(checked.ok()) << checked.error().message;
    } else if (checked.ok()) {
      ADD_FAILURE() << "accepted";
    } else {
      EXPECT_EQ(checked.error().code, base::Code::kInvalid);
      EXPECT_THAT(checked.error().message, AllOf(StartsWith(std::string(row.path) + ": "), HasSubstr(row.flag)));
    }
  }
}

TEST(PodPolicy, EverythingIsAcceptedWhereTheUsersOwnRightsDecide) {
  for (const Row& row : kRows) {
    EXPECT_TRUE(CheckPodPolicy(SampleTask(row.spec).spec, PodPolicy::Everything())) << row.spec;
  }
}

TEST(PodPolicy, EachFlagWidensItsOwnPart) {
  for (const Row& row : kRows) {
    if (*row.path == '\0') continue;
    SCOPED_TRACE(row.spec);
    PodPolicy wider;
    const std::string flag = row.flag;
    if (flag == "--allow-host-path") wider.host_path = true;
    if (flag == kPrivileged) wider.privileged = true;
    if (flag == kVolumes) wider.volumes.emplace_back("nfs");
    if (flag == "--allow-service-accounts") wider.service_accounts = {"admin"};
    const auto checked = CheckPodPolicy(SampleTask(row.spec).spec, wider);
    if (flag == "--allow-service-accounts") {
      EXPECT_TRUE(checked.ok());
      EXPECT_FALSE(CheckPodPolicy(SampleTask("{}").spec, wider).ok()) << "a list without \"default\" leaves it out";
    } else {
      EXPECT_TRUE(checked.ok()) << checked.error().message;
    }
  }
}

}  // namespace
}  // namespace autotune::experiment
