#include "operator/experiment/pod_policy.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace autotune::experiment {
namespace {

using nlohmann::json;

// Pod Security Standards, "baseline", as kubernetes staging/src/k8s.io/pod-security-admission/policy/check_*.go has it.
constexpr std::array<std::string_view, 13> kCapabilities = {
    "AUDIT_WRITE",      "CHOWN",   "DAC_OVERRIDE", "FOWNER",  "FSETID", "KILL",      "MKNOD",
    "NET_BIND_SERVICE", "SETFCAP", "SETGID",       "SETPCAP", "SETUID", "SYS_CHROOT"};
constexpr std::array<std::string_view, 5> kSeLinuxTypes = {"", "container_t", "container_init_t", "container_kvm_t",
                                                           "container_engine_t"};
constexpr std::array<std::string_view, 10> kSysctls = {
    "kernel.shm_rmid_forced",       "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies",      "net.ipv4.ping_group_range",    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time",  "net.ipv4.tcp_fin_timeout",     "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes"};
constexpr std::string_view kAppArmorPrefix = "container.apparmor.security.beta.kubernetes.io/";

template <typename List>
bool IsIn(const List& list, std::string_view value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

bool Allows(const std::vector<std::string>& list, std::string_view value) {
  return IsIn(list, "*") || IsIn(list, value);
}

const json& Field(const json& object, const char* name) {
  static const json nothing;
  if (!object.is_object()) return nothing;
  const auto found = object.find(name);
  return found == object.end() ? nothing : *found;
}

// What is not a string has no value that a list of values knows.
std::string Shown(const json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

class PolicyChecker {
 public:
  PolicyChecker(const api::TaskSpec& spec, const PodPolicy& policy) : spec_(spec), policy_(policy) {}

  base::Status Run() {
    const api::PodTemplateSpec& pod = spec_.pod_template;
    const std::string path = "spec.podTemplate";
    for (std::size_t i = 0; i < spec_.models.size(); ++i) {
      const json& volume = spec_.models[i].volume;
      if (volume.is_object() && volume.contains("hostPath")) HostPath(api::ModelPath(spec_, i) + ".volume.hostPath");
    }
    for (std::size_t i = 0; pod.volumes.is_array() && i < pod.volumes.size(); ++i) {
      Volume(pod.volumes[i], path + ".volumes[" + std::to_string(i) + "]");
    }
    if (const std::string& account = pod.service_account_name;
        !Allows(policy_.service_accounts, account.empty() ? "default" : account)) {
      Refuse(account.empty() ? path : path + ".serviceAccountName",
             "pods may not run as ServiceAccount \"" + (account.empty() ? "default" : account) + "\"",
             "--allow-service-accounts");
    }
    if (policy_.privileged) return status_;
    SecurityContext(pod.security_context, path + ".securityContext");
    for (const auto& [key, value] : pod.annotations) {
      if (key.starts_with(kAppArmorPrefix) && value != "runtime/default" && !value.starts_with("localhost/")) {
        Beyond(path + ".annotations[\"" + key + "\"]", value);
      }
    }
    for (std::size_t i = 0; i < spec_.runtimes.size(); ++i) {
      SecurityContext(spec_.runtimes[i].security_context, "spec.runtimes[" + std::to_string(i) + "].securityContext");
    }
    return status_;
  }

 private:
  // Only the first is reported: one clear line.
  void Refuse(const std::string& path, const std::string& why, const char* flag) {
    if (status_.ok()) status_ = base::Invalid(path + ": " + why + " (the operator's flag " + flag + ")");
  }

  void HostPath(const std::string& path) {
    if (policy_.host_path) return;
    Refuse(path, "this operator does not allow directories of nodes; use a persistentVolumeClaim or an image",
           "--allow-host-path");
  }

  void Volume(const json& volume, const std::string& path) {
    if (!volume.is_object()) return;
    for (const auto& [kind, member] : volume.items()) {
      if (kind == "name") continue;
      if (kind == "hostPath") {
        HostPath(path + ".hostPath");
      } else if (!Allows(policy_.volumes, kind)) {
        Refuse(path + "." + kind, "this operator does not allow volumes of this type", "--allow-volumes");
      }
    }
  }

  void Beyond(const std::string& path, const std::string& value) {
    Refuse(path, "\"" + value + "\" exceeds the Pod Security baseline, which this operator enforces",
           "--allow-privileged");
  }
  void Unless(bool allowed, const json& value, const std::string& path) {
    if (!value.is_null() && !allowed) Beyond(path, Shown(value));
  }

  // Of a pod or a container: what only one of them knows is checked in both.
  void SecurityContext(const json& context, const std::string& path) {
    const json& privileged = Field(context, "privileged");
    Unless(privileged == false, privileged, path + ".privileged");
    const json& host_process = Field(Field(context, "windowsOptions"), "hostProcess");
    Unless(host_process == false, host_process, path + ".windowsOptions.hostProcess");
    const json& proc_mount = Field(context, "procMount");
    Unless(proc_mount == "" || proc_mount == "Default", proc_mount, path + ".procMount");
    for (const char* profile : {"seccompProfile", "appArmorProfile"}) {
      const json& type = Field(Field(context, profile), "type");
      Unless(type == "RuntimeDefault" || type == "Localhost", type, path + "." + profile + ".type");
    }
    const json& selinux = Field(context, "seLinuxOptions");
    const json& type = Field(selinux, "type");
    Unless(IsIn(kSeLinuxTypes, Shown(type)), type, path + ".seLinuxOptions.type");
    for (const char* field : {"user", "role"}) {
      const json& value = Field(selinux, field);
      Unless(value == "", value, path + ".seLinuxOptions." + field);
    }
    const json& added = Field(Field(context, "capabilities"), "add");
    for (std::size_t i = 0; added.is_array() && i < added.size(); ++i) {
      Unless(IsIn(kCapabilities, Shown(added[i])), added[i], path + ".capabilities.add[" + std::to_string(i) + "]");
    }
    const json& sysctls = Field(context, "sysctls");
    for (std::size_t i = 0; sysctls.is_array() && i < sysctls.size(); ++i) {
      const json& name = Field(sysctls[i], "name");
      Unless(IsIn(kSysctls, Shown(name)), name, path + ".sysctls[" + std::to_string(i) + "].name");
    }
  }

  const api::TaskSpec& spec_;
  const PodPolicy& policy_;
  base::Status status_;
};

}  // namespace

PodPolicy PodPolicy::Everything() { return {true, true, {"*"}, {"*"}}; }

base::Status CheckPodPolicy(const api::TaskSpec& spec, const PodPolicy& policy) {
  return PolicyChecker(spec, policy).Run();
}

}  // namespace autotune::experiment
