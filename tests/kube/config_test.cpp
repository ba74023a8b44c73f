// Where the API server is and who we are: a corpus of kubeconfigs and pods, each with what must come out.
#include "kube/client/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace kube {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// An environment out of two maps.
Environment Fake(std::map<std::string, std::string> variables, std::map<std::string, std::string> files) {
  return {[variables = std::move(variables)](const std::string& name) -> std::optional<std::string> {
            const auto found = variables.find(name);
            if (found == variables.end()) return std::nullopt;
            return found->second;
          },
          [files = std::move(files)](const std::string& path) -> base::Result<std::string> {
            const auto found = files.find(path);
            if (found == files.end()) return base::Error{base::Code::kNotFound, path + ": No such file or directory"};
            return found->second;
          }};
}

const std::map<std::string, std::string> kPodFiles = {
    {"/var/run/secrets/kubernetes.io/serviceaccount/token", "tok"},
    {"/var/run/secrets/kubernetes.io/serviceaccount/ca.crt", "pem"},
    {"/var/run/secrets/kubernetes.io/serviceaccount/namespace", "autotune-system\n"}};

TEST(InClusterConfig, ReadsServiceAndServiceAccount) {
  const auto config =
      InClusterConfig(Fake({{"KUBERNETES_SERVICE_HOST", "10.96.0.1"}, {"KUBERNETES_SERVICE_PORT", "443"}}, kPodFiles));
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->server, "https://10.96.0.1:443");
  EXPECT_EQ(config->credentials.token_file, "/var/run/secrets/kubernetes.io/serviceaccount/token");
  EXPECT_EQ(config->ca_file, "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt");
  EXPECT_EQ(config->default_namespace, "autotune-system");
}

TEST(InClusterConfig, TakesTheServiceNameForAnIpv6Address) {
  const auto config = InClusterConfig(
      Fake({{"KUBERNETES_SERVICE_HOST", "fd00:10:96::1"}, {"KUBERNETES_SERVICE_PORT", "443"}}, kPodFiles));
  ASSERT_TRUE(config);
  EXPECT_EQ(config->server, "https://kubernetes.default.svc:443");
}

TEST(InClusterConfig, OutsideOfAClusterIsNotFound) {
  const auto config = InClusterConfig(Fake({}, kPodFiles));
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().code, base::Code::kNotFound);
}

TEST(InClusterConfig, APodWithoutATokenSaysSo) {
  const auto config =
      InClusterConfig(Fake({{"KUBERNETES_SERVICE_HOST", "10.96.0.1"}, {"KUBERNETES_SERVICE_PORT", "443"}}, {}));
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().code, base::Code::kInvalid);
  EXPECT_THAT(config.error().message, HasSubstr("automountServiceAccountToken"));
}

constexpr const char* kPlain = R"(
apiVersion: v1
kind: Config
current-context: dev
contexts:
- {name: dev, context: {cluster: dev, user: me, namespace: team-a}}
- {name: prod, context: {cluster: prod, user: robot}}
clusters:
- name: dev
  cluster: {server: "https://127.0.0.1:6443/", certificate-authority-data: cGVtIHRleHQ=}
- name: prod
  cluster: {server: https://api.example:6443, certificate-authority: pki/ca.crt, tls-server-name: kubernetes}
users:
- name: me
  user: {client-certificate-data: Y2VydA==, client-key-data: a2V5}
- name: robot
  user: {tokenFile: robot.token}
)";

TEST(Kubeconfig, ReadsTheCurrentContext) {
  const auto config = KubeconfigConfig({}, Fake({{"HOME", "/home/me"}}, {{"/home/me/.kube/config", kPlain}}));
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->server, "https://127.0.0.1:6443");
  EXPECT_EQ(config->ca_pem, "pem text");
  EXPECT_EQ(config->credentials.fixed.certificate_pem, "cert");
  EXPECT_EQ(config->credentials.fixed.key_pem, "key");
  EXPECT_EQ(config->default_namespace, "team-a");
}

TEST(Kubeconfig, PathsAreRelativeToTheFileThatNamesThem) {
  const auto config = KubeconfigConfig({"/etc/kube/config", "prod"}, Fake({}, {{"/etc/kube/config", kPlain}}));
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->ca_file, "/etc/kube/pki/ca.crt");
  EXPECT_EQ(config->credentials.token_file, "/etc/kube/robot.token");
  EXPECT_EQ(config->tls_server_name, "kubernetes");
  EXPECT_EQ(config->default_namespace, "default");
}

TEST(Kubeconfig, OfSeveralFilesTheFirstWithAKeyWins) {
  const Environment environment = Fake({{"KUBECONFIG", "/a/config:/missing:/b/config"}}, {{"/a/config", R"(
current-context: x
contexts: [{name: x, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: https://first:1, certificate-authority: ca.crt}}]
)"},
                                                                                          {"/b/config", R"(
current-context: y
clusters: [{name: c, cluster: {server: https://second:1}}]
users: [{name: u, user: {tokenFile: token}}]
)"}});
  const auto config = KubeconfigConfig({}, environment);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->server, "https://first:1");
  EXPECT_EQ(config->ca_file, "/a/ca.crt");
  EXPECT_EQ(config->credentials.token_file, "/b/token");
  EXPECT_EQ(config->source, "/a/config:/b/config context x");
}

TEST(Kubeconfig, ReadsImpersonationBasicAuthenticationAndProxy) {
  const auto config = KubeconfigConfig({"/k", ""}, Fake({}, {{"/k", R"(
current-context: x
contexts: [{name: x, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: https://a:1, insecure-skip-tls-verify: true, proxy-url: "http://proxy:3128"}}]
users: [{name: u, user: {username: jo, password: pw, as: alice, as-uid: "7", as-groups: [dev]}}]
)"}}));
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_TRUE(config->insecure_skip_tls_verify);
  EXPECT_EQ(config->proxy_url, "http://proxy:3128");
  EXPECT_EQ(config->basic_user, "jo");
  EXPECT_EQ(config->basic_password, "pw");
  EXPECT_EQ(config->impersonate_user, "alice");
  EXPECT_EQ(config->impersonate_uid, "7");
  EXPECT_THAT(config->impersonate_groups, ElementsAre("dev"));
}

TEST(Kubeconfig, ReadsAnExecPlugin) {
  const auto config = KubeconfigConfig({"/etc/k", ""}, Fake({}, {{"/etc/k", R"(
current-context: x
contexts: [{name: x, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: https://a:1, certificate-authority-data: cGVtIHRleHQ=}}]
users:
- name: u
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: bin/get-token
      args: [--cluster, c]
      env: [{name: PROFILE, value: dev}]
      provideClusterInfo: true
      interactiveMode: IfAvailable
      installHint: ask the platform team
)"}}));
  ASSERT_TRUE(config) << config.error().message;
  ASSERT_TRUE(config->exec);
  EXPECT_EQ(config->exec->command, "/etc/bin/get-token");
  EXPECT_THAT(config->exec->args, ElementsAre("--cluster", "c"));
  EXPECT_EQ(config->exec->env.at("PROFILE"), "dev");
  EXPECT_EQ(config->exec->api_version, "client.authentication.k8s.io/v1");
  EXPECT_EQ(config->exec->install_hint, "ask the platform team");
  EXPECT_THAT(config->exec->cluster_info_json, HasSubstr("https://a:1"));
}

TEST(KubeconfigConfig, AClusterThatIsNotUtf8IsNoEnd) {
  const auto config = KubeconfigConfig({"/etc/k", ""}, Fake({}, {{"/etc/k", std::string(R"(
current-context: x
contexts: [{name: x, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: https://a:1, tls-server-name: ")") + "\xe9" +
                                                                                R"("}}]
users:
- name: u
  user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: x, provideClusterInfo: true, interactiveMode: Never}}
)"}}));
  if (config) {
    EXPECT_THAT(config->exec->cluster_info_json, HasSubstr("\xef\xbf\xbd"));
  } else {
    EXPECT_NE(config.error().message, "");
  }
}

std::string With(const std::string& cluster, const std::string& user) {
  return "current-context: x\ncontexts: [{name: x, context: {cluster: c, user: u}}]\nclusters: [{name: c, cluster: " +
         cluster + "}]\nusers: [{name: u, user: " + user + "}]\n";
}

TEST(Kubeconfig, WhatIsWrongOrNotSupportedIsNamed) {
  struct Row {
    std::string text;
    const char* message;
  };
  const Row rows[] = {
      {"just text", "a mapping is expected"},
      {"a: [", "/k: yaml"},
      {"clusters: []", "no current-context"},
      {"current-context: gone", "context \"gone\" does not exist"},
      {"current-context: x\ncontexts: [{name: x, context: {cluster: c}}]", "contexts[x].cluster: \"c\" does not exist"},
      {With("{}", "{}"), "clusters[c].server: is missing"},
      {With("{server: https://a, certificate-authority-data: '%%'}", "{}"),
       "clusters[c].certificate-authority-data: not base64"},
      {With("{server: https://a, insecure-skip-tls-verify: perhaps}", "{}"), "\"perhaps\" is not true or false"},
      {With("{server: https://a, insecure-skip-tls-verify: true, certificate-authority: x}", "{}"), "contradicts"},
      {With("{server: https://a, proxy-url: 'socks5://p:1'}", "{}"), "only http:// proxies"},
      {With("{server: https://a}", "{auth-provider: {name: gcp}}"), "users[u].auth-provider: is not supported"},
      {With("{server: https://a}", "{as-user-extra: {a: [b]}}"), "users[u].as-user-extra: is not supported"},
      {With("{server: https://a}", "{as: me, as-groups: [a, b]}"), "users[u].as-groups"},
      {With("{server: https://a}", "{client-certificate-data: Y2VydA==}"), "users[u].client-key: is missing"},
      {With("{server: https://a}", "{token: [a]}"), "users[u].token: not a string"},
      {With("{server: https://a}", "{exec: {command: x, apiVersion: client.authentication.k8s.io/v1alpha1}}"),
       "exec.apiVersion"},
      {With("{server: https://a}", "{exec: {apiVersion: client.authentication.k8s.io/v1}}"), "exec.command"},
      {With("{server: https://a}",
            "{exec: {command: x, apiVersion: client.authentication.k8s.io/v1, interactiveMode: Always}}"),
       "exec.interactiveMode"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.text);
    const auto config = KubeconfigConfig({"/k", ""}, Fake({}, {{"/k", row.text}}));
    ASSERT_FALSE(config);
    EXPECT_EQ(config.error().code, base::Code::kInvalid);
    EXPECT_THAT(config.error().message, HasSubstr(row.message));
  }
}

TEST(Kubeconfig, AFileAskedForMustExist) {
  const auto config = KubeconfigConfig({"/k", ""}, Fake({}, {}));
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().code, base::Code::kInvalid);
  EXPECT_THAT(config.error().message, HasSubstr("/k"));
}

TEST(Proxy, NoProxyExceptsHostsDomainsAddressesAndNetworks) {
  struct Row {
    const char* host;
    const char* no_proxy;
    bool excepted;
  };
  const Row rows[] = {
      {"api.example.com", "", false},
      {"api.example.com", "*", true},
      {"api.example.com", "other.org, api.example.com", true},
      {"api.example.com", "example.com", true},
      {"api.example.com", ".example.com", true},
      {"myexample.com", "example.com", false},
      {"10.1.2.3", "10.0.0.0/8", true},
      {"11.1.2.3", "10.0.0.0/8", false},
      {"10.1.2.3", "0.0.0.0/0", true},
      {"10.1.2.3", "10.0.0.0/99", false},
      {"10.1.2.3", "10.1.2.3", true},
      {"localhost", "", true},
      {"127.0.0.5", "", true},
      {"::1", "", true},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(ExceptedFromProxy(row.host, row.no_proxy), row.excepted) << row.host << " in \"" << row.no_proxy << '"';
  }
}

TEST(Proxy, ComesFromTheEnvironmentUnlessTheServerIsExcepted) {
  const std::map<std::string, std::string> files = {{"/k", kPlain}};
  const auto proxy = [&](const char* context, std::map<std::string, std::string> variables) {
    return KubeconfigConfig({"/k", context}, Fake(std::move(variables), files))->proxy_url;
  };
  EXPECT_EQ(proxy("prod", {{"HTTPS_PROXY", "http://proxy:3128"}}), "http://proxy:3128");
  EXPECT_EQ(proxy("prod", {{"https_proxy", "proxy:3128"}}), "http://proxy:3128");
  EXPECT_EQ(proxy("prod", {{"HTTPS_PROXY", "http://proxy:3128"}, {"NO_PROXY", ".example"}}), "");
  EXPECT_EQ(proxy("dev", {{"HTTPS_PROXY", "http://proxy:3128"}}), "") << "the loopback needs no proxy";
  EXPECT_FALSE(KubeconfigConfig({"/k", "prod"}, Fake({{"HTTPS_PROXY", "socks5://proxy:1"}}, files)));
}

TEST(LoadConfig, PrefersThePodAndTakesAKubeconfigWhenAsked) {
  std::map<std::string, std::string> files = kPodFiles;
  files["/home/me/.kube/config"] = kPlain;
  const std::map<std::string, std::string> in_pod = {
      {"KUBERNETES_SERVICE_HOST", "10.96.0.1"}, {"KUBERNETES_SERVICE_PORT", "443"}, {"HOME", "/home/me"}};
  EXPECT_EQ(LoadConfig({}, Fake(in_pod, files))->source, "in-cluster");
  EXPECT_EQ(LoadConfig({"/home/me/.kube/config", ""}, Fake(in_pod, files))->server, "https://127.0.0.1:6443");
  EXPECT_EQ(LoadConfig({"", "prod"}, Fake(in_pod, files))->server, "https://api.example:6443");
  EXPECT_EQ(LoadConfig({}, Fake({{"HOME", "/home/me"}}, files))->server, "https://127.0.0.1:6443");
  const auto none = LoadConfig({}, Fake({{"HOME", "/nobody"}}, {}));
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, base::Code::kNotFound);
}

}  // namespace
}  // namespace kube
