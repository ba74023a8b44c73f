// ClusterConfig: API server address and client identity, from the pod's service account or from kubeconfig files.
//
// Loading has no side effects apart from the given Environment. An unsupported kubeconfig key that changes the
// connection is an error that names the key: nothing is ignored silently.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "kube/client/credentials.h"
#include "kube/client/environment.h"

namespace kube {

struct ClusterConfig {
  std::string server;           // "https://10.96.0.1:443", path prefix allowed, no trailing slash
  std::string ca_file;          // re-read for every new connection; empty: ca_pem
  std::string ca_pem;           // both empty: the system's roots (API servers with a public certificate)
  std::string tls_server_name;  // verify this name instead of the host
  bool insecure_skip_tls_verify = false;
  std::string proxy_url;  // from the kubeconfig, else $HTTPS_PROXY unless $NO_PROXY exempts the server; empty: none

  CredentialFiles credentials;     // static parts and files that are re-read
  std::optional<ExecPlugin> exec;  // takes precedence over `credentials`
  std::string basic_user;
  std::string basic_password;
  std::string impersonate_user;
  std::string impersonate_uid;
  std::vector<std::string> impersonate_groups;

  std::string default_namespace = "default";
  std::string source;  // for messages: "in-cluster", or the files and the context
};

// From KUBERNETES_SERVICE_HOST/PORT and /var/run/secrets/kubernetes.io/serviceaccount. kNotFound if the variables are
// not set (not in a cluster). An IPv6 host is replaced by kubernetes.default.svc, which every serving certificate
// includes: the HTTP library cannot connect to IPv6 literals.
base::Result<ClusterConfig> InClusterConfig(const Environment& environment);

struct KubeconfigOptions {
  std::string path;     // --kubeconfig; empty: $KUBECONFIG (a list), else $HOME/.kube/config
  std::string context;  // empty: current-context
};
// kNotFound if no file exists.
base::Result<ClusterConfig> KubeconfigConfig(const KubeconfigOptions& options, const Environment& environment);

// True if $NO_PROXY (a comma-separated list of hosts, domains, addresses and IPv4 networks, or "*") exempts `host`.
// Loopback addresses are always exempt, as in Go's net/http.
bool ExceptedFromProxy(const std::string& host, const std::string& no_proxy);

// Precedence: an explicit kubeconfig path or context, else in-cluster, else the default kubeconfig.
base::Result<ClusterConfig> LoadConfig(const KubeconfigOptions& options, const Environment& environment);

// The source for `config`: exec plugin, files, or static.
std::shared_ptr<CredentialSource> MakeCredentialSource(const ClusterConfig& config, const Environment& environment,
                                                       base::Clock& clock);

}  // namespace kube
