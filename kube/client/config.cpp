#include "kube/client/config.h"

#include <arpa/inet.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "kube/client/base64.h"

namespace kube {

namespace {

constexpr const char* kServiceAccount = "/var/run/secrets/kubernetes.io/serviceaccount";

std::string Trimmed(std::string text) {
  const auto is_space = [](unsigned char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; };
  while (!text.empty() && is_space(static_cast<unsigned char>(text.back()))) text.pop_back();
  std::size_t begin = 0;
  while (begin < text.size() && is_space(static_cast<unsigned char>(text[begin]))) ++begin;
  return text.substr(begin);
}

// One named entry (cluster, user, context) with the file that it came from: relative paths are relative to that.
struct Named {
  YAML::Node body;
  std::string file;
};

class Kubeconfig {
 public:
  // The first file that has a key wins, as in client-go.
  base::Status Merge(const std::string& file, const std::string& text) {
    try {
      const YAML::Node root = YAML::Load(text);
      if (root.IsNull()) return {};
      if (!root.IsMap()) return base::Invalid(file + ": not a kubeconfig: a mapping is expected");
      Collect(root["clusters"], "cluster", file, clusters_);
      Collect(root["users"], "user", file, users_);
      Collect(root["contexts"], "context", file, contexts_);
      if (current_.empty() && root["current-context"] && root["current-context"].IsScalar()) {
        current_ = root["current-context"].as<std::string>();
      }
      return {};
    } catch (const YAML::Exception& error) {
      return base::Invalid(file + ": " + error.what());
    }
  }

  [[nodiscard]] const std::string& current() const { return current_; }
  [[nodiscard]] const std::map<std::string, Named>& clusters() const { return clusters_; }
  [[nodiscard]] const std::map<std::string, Named>& users() const { return users_; }
  [[nodiscard]] const std::map<std::string, Named>& contexts() const { return contexts_; }

 private:
  static void Collect(const YAML::Node& list, const char* member, const std::string& file,
                      std::map<std::string, Named>& into) {
    if (!list || !list.IsSequence()) return;
    for (const YAML::Node& entry : list) {
      if (!entry.IsMap() || !entry["name"]) continue;
      into.try_emplace(entry["name"].as<std::string>(), Named{entry[member], file});
    }
  }

  std::string current_;
  std::map<std::string, Named> clusters_, users_, contexts_;
};

// Reads keys of one entry and remembers where it stands, for messages such as
// `/home/me/.kube/config: users[me].token: not a string`.
class Reader {
 public:
  Reader(const Named& named, std::string where, const Environment& environment)
      : named_(named), where_(named.file + ": " + where), environment_(environment) {}

  std::string Text(const char* key) {
    const YAML::Node node = Find(key);
    if (!node || node.IsNull()) return {};
    if (!node.IsScalar()) {
      Fail(key, "not a string");
      return {};
    }
    return node.as<std::string>();
  }

  bool Flag(const char* key) {
    const std::string text = Text(key);
    if (text.empty() || text == "false") return false;
    if (text != "true") Fail(key, "\"" + text + "\" is not true or false");
    return text == "true";
  }

  std::vector<std::string> Texts(const char* key) {
    std::vector<std::string> result;
    const YAML::Node node = Find(key);
    if (!node || node.IsNull()) return result;
    if (!node.IsSequence()) {
      Fail(key, "not a list");
      return result;
    }
    for (const YAML::Node& item : node) result.push_back(item.as<std::string>());
    return result;
  }

  // A path relative to the kubeconfig's folder.
  std::string Path(const char* key) {
    const std::string path = Text(key);
    if (path.empty() || path.front() == '/') return path;
    return (std::filesystem::path(named_.file).parent_path() / path).lexically_normal().string();
  }

  // KEY-data (base64), which takes precedence over the file.
  std::string Data(const char* key) {
    const std::string text = Text(key);
    if (text.empty()) return {};
    std::optional<std::string> decoded = DecodeBase64(text);
    if (!decoded) Fail(key, "not base64");
    return std::move(decoded).value_or("");
  }

  void Refuse(const char* key, const std::string& instead) {
    const YAML::Node node = Find(key);
    if (node && !node.IsNull()) Fail(key, "is not supported; " + instead);
  }

  [[nodiscard]] YAML::Node Find(const char* key) const {
    if (!named_.body || !named_.body.IsMap()) return YAML::Node(YAML::NodeType::Undefined);
    const YAML::Node body = named_.body;  // const operator[]: does not create the key
    return body[key];
  }
  void Fail(const std::string& key, const std::string& why) {
    if (error_.empty()) error_ = where_ + "." + key + ": " + why;
  }
  [[nodiscard]] const std::string& error() const { return error_; }
  [[nodiscard]] const Environment& environment() const { return environment_; }

 private:
  const Named& named_;
  const std::string where_;
  const Environment& environment_;
  std::string error_;
};

// The first of several variables that is set: upper case and lower case are both in use.
std::string FirstSet(const Environment& environment, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (std::string value = environment.variable(name).value_or(""); !value.empty()) return value;
  }
  return {};
}

// "https://host:port/path" -> "host", brackets of IPv6 addresses removed.
std::string HostOf(const std::string& url) {
  std::string host = url.substr(url.find("://") + 3);
  host = host.substr(0, host.find('/'));
  if (!host.empty() && host.front() == '[') return host.substr(1, host.find(']') - 1);
  return host.substr(0, host.find(':'));
}

bool InNetwork(const std::string& host, const std::string& network) {
  const std::size_t slash = network.find('/');
  in_addr address{};
  in_addr base_address{};
  unsigned bits = 0;
  if (slash == std::string::npos || inet_pton(AF_INET, host.c_str(), &address) != 1 ||
      inet_pton(AF_INET, network.substr(0, slash).c_str(), &base_address) != 1) {
    return false;
  }
  const char* const end = network.data() + network.size();
  const auto [rest, error] = std::from_chars(network.data() + slash + 1, end, bits);
  if (error != std::errc() || rest != end || bits > 32) return false;
  const std::uint32_t mask = bits == 0 ? 0 : ~std::uint32_t{0} << (32 - bits);
  return (ntohl(address.s_addr) & mask) == (ntohl(base_address.s_addr) & mask);
}

std::optional<ExecPlugin> ReadExec(Reader& user, const Named& named, const ClusterConfig& config) {
  const YAML::Node node = user.Find("exec");
  if (!node || node.IsNull()) return std::nullopt;
  const Named exec_named{node, named.file};
  Reader exec(exec_named, "exec", user.environment());
  ExecPlugin plugin;
  plugin.command = exec.Text("command");
  if (plugin.command.find('/') != std::string::npos) plugin.command = exec.Path("command");
  plugin.args = exec.Texts("args");
  plugin.api_version = exec.Text("apiVersion");
  plugin.install_hint = exec.Text("installHint");
  if (plugin.command.empty()) user.Fail("exec.command", "is missing");
  if (plugin.api_version != "client.authentication.k8s.io/v1" &&
      plugin.api_version != "client.authentication.k8s.io/v1beta1") {
    user.Fail("exec.apiVersion", "\"" + plugin.api_version + "\" is not client.authentication.k8s.io/v1 or v1beta1");
  }
  if (exec.Text("interactiveMode") == "Always") {
    user.Fail("exec.interactiveMode", "Always is not supported: the plugin runs without a terminal");
  }
  if (const YAML::Node env = exec.Find("env"); env && env.IsSequence()) {
    for (const YAML::Node& variable : env) {
      plugin.env[variable["name"].as<std::string>()] = variable["value"].as<std::string>();
    }
  }
  if (exec.Flag("provideClusterInfo")) {
    nlohmann::json cluster = {{"server", config.server}};
    std::string ca = config.ca_pem;
    if (!config.ca_file.empty()) {
      if (base::Result<std::string> file = user.environment().read_file(config.ca_file)) ca = std::move(file).value();
    }
    if (!ca.empty()) cluster["certificate-authority-data"] = ca;  // encoded where it is written
    if (!config.tls_server_name.empty()) cluster["tls-server-name"] = config.tls_server_name;
    if (config.insecure_skip_tls_verify) cluster["insecure-skip-tls-verify"] = true;
    if (!config.proxy_url.empty()) cluster["proxy-url"] = config.proxy_url;
    plugin.cluster_info_json = cluster.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }
  if (!exec.error().empty()) user.Fail("exec", exec.error());
  return plugin;
}

base::Result<ClusterConfig> Select(const Kubeconfig& kubeconfig, const std::string& wanted, const std::string& files,
                                   const Environment& environment) {
  const std::string context_name = wanted.empty() ? kubeconfig.current() : wanted;
  if (context_name.empty()) return base::Invalid(files + ": no current-context; name a context");
  const auto context = kubeconfig.contexts().find(context_name);
  if (context == kubeconfig.contexts().end()) {
    return base::Invalid(files + ": context \"" + context_name + "\" does not exist");
  }
  Reader in_context(context->second, "contexts[" + context_name + "]", environment);
  const std::string cluster_name = in_context.Text("cluster");
  const std::string user_name = in_context.Text("user");
  ClusterConfig config;
  config.source = files + " context " + context_name;
  if (std::string ns = in_context.Text("namespace"); !ns.empty()) config.default_namespace = std::move(ns);
  if (!in_context.error().empty()) return base::Invalid(in_context.error());

  const auto cluster = kubeconfig.clusters().find(cluster_name);
  if (cluster == kubeconfig.clusters().end()) {
    return base::Invalid(context->second.file + ": contexts[" + context_name + "].cluster: \"" + cluster_name +
                         "\" does not exist");
  }
  Reader in_cluster(cluster->second, "clusters[" + cluster_name + "]", environment);
  config.server = in_cluster.Text("server");
  while (!config.server.empty() && config.server.back() == '/') config.server.pop_back();
  config.ca_pem = in_cluster.Data("certificate-authority-data");
  if (config.ca_pem.empty()) config.ca_file = in_cluster.Path("certificate-authority");
  config.tls_server_name = in_cluster.Text("tls-server-name");
  config.insecure_skip_tls_verify = in_cluster.Flag("insecure-skip-tls-verify");
  config.proxy_url = in_cluster.Text("proxy-url");
  if (config.server.empty()) in_cluster.Fail("server", "is missing");
  if (config.server.find("://") == std::string::npos) config.server = "https://" + config.server;
  if (config.insecure_skip_tls_verify && (!config.ca_pem.empty() || !config.ca_file.empty())) {
    in_cluster.Fail("insecure-skip-tls-verify", "contradicts certificate-authority");
  }
  if (!config.proxy_url.empty() && config.proxy_url.rfind("http://", 0) != 0) {
    in_cluster.Fail("proxy-url", "\"" + config.proxy_url + "\": only http:// proxies are supported");
  }
  if (!in_cluster.error().empty()) return base::Invalid(in_cluster.error());
  if (config.proxy_url.empty()) {
    const std::string proxy = FirstSet(environment, {"HTTPS_PROXY", "https_proxy"});
    if (!proxy.empty() && !ExceptedFromProxy(HostOf(config.server), FirstSet(environment, {"NO_PROXY", "no_proxy"}))) {
      config.proxy_url = proxy.find("://") == std::string::npos ? "http://" + proxy : proxy;
      if (config.proxy_url.rfind("http://", 0) != 0) {
        return base::Invalid("HTTPS_PROXY: \"" + proxy + "\": only http:// proxies are supported");
      }
    }
  }

  if (user_name.empty()) return config;  // anonymous, as kubectl
  const auto user = kubeconfig.users().find(user_name);
  if (user == kubeconfig.users().end()) {
    return base::Invalid(context->second.file + ": contexts[" + context_name + "].user: \"" + user_name +
                         "\" does not exist");
  }
  Reader in_user(user->second, "users[" + user_name + "]", environment);
  CredentialFiles& files_of_user = config.credentials;
  files_of_user.token_file = in_user.Path("tokenFile");
  if (files_of_user.token_file.empty()) files_of_user.fixed.token = Trimmed(in_user.Text("token"));
  files_of_user.fixed.certificate_pem = in_user.Data("client-certificate-data");
  if (files_of_user.fixed.certificate_pem.empty()) files_of_user.certificate_file = in_user.Path("client-certificate");
  files_of_user.fixed.key_pem = in_user.Data("client-key-data");
  if (files_of_user.fixed.key_pem.empty()) files_of_user.key_file = in_user.Path("client-key");
  config.basic_user = in_user.Text("username");
  config.basic_password = in_user.Text("password");
  config.impersonate_user = in_user.Text("as");
  config.impersonate_uid = in_user.Text("as-uid");
  config.impersonate_groups = in_user.Texts("as-groups");
  if (config.impersonate_groups.size() > 1) {
    in_user.Fail("as-groups", "more than one group is not supported");
  }
  in_user.Refuse("as-user-extra", "impersonation works with as, as-uid and one of as-groups");
  in_user.Refuse("auth-provider", "use an exec credential plugin");
  const bool has_certificate = !files_of_user.certificate_file.empty() || !files_of_user.fixed.certificate_pem.empty();
  const bool has_key = !files_of_user.key_file.empty() || !files_of_user.fixed.key_pem.empty();
  if (has_certificate != has_key) {
    in_user.Fail(has_certificate ? "client-key" : "client-certificate", "is missing: certificate and key go together");
  }
  config.exec = ReadExec(in_user, user->second, config);
  if (!in_user.error().empty()) return base::Invalid(in_user.error());
  return config;
}

}  // namespace

bool ExceptedFromProxy(const std::string& host, const std::string& no_proxy) {
  if (host == "localhost" || host == "::1" || InNetwork(host, "127.0.0.0/8")) return true;
  std::size_t begin = 0;
  while (begin < no_proxy.size()) {
    const std::size_t end = std::min(no_proxy.find(',', begin), no_proxy.size());
    std::string entry = Trimmed(no_proxy.substr(begin, end - begin));
    begin = end + 1;
    if (entry.empty()) continue;
    if (entry == "*" || entry == host || InNetwork(host, entry)) return true;
    if (entry.front() != '.') entry.insert(entry.begin(), '.');  // "example.com" stands for its subdomains too
    if (host.size() > entry.size() && host.compare(host.size() - entry.size(), entry.size(), entry) == 0) return true;
  }
  return false;
}

base::Result<ClusterConfig> InClusterConfig(const Environment& environment) {
  const std::string host = environment.variable("KUBERNETES_SERVICE_HOST").value_or("");
  const std::string port = environment.variable("KUBERNETES_SERVICE_PORT").value_or("");
  if (host.empty() || port.empty()) {
    return base::Error{base::Code::kNotFound,
                       "not in a cluster: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set"};
  }
  ClusterConfig config;
  config.source = "in-cluster";
  config.server = "https://" + (host.find(':') == std::string::npos ? host : "kubernetes.default.svc") + ":" + port;
  config.credentials.token_file = std::string(kServiceAccount) + "/token";
  config.ca_file = std::string(kServiceAccount) + "/ca.crt";
  // Read once now: a pod without a service account token would otherwise be anonymous and only see 403.
  for (const std::string& file : {config.credentials.token_file, config.ca_file}) {
    if (const base::Result<std::string> text = environment.read_file(file); !text) {
      return base::Invalid("in-cluster: " + text.error().message +
                           " (is automountServiceAccountToken switched off for this pod?)");
    }
  }
  if (base::Result<std::string> ns = environment.read_file(std::string(kServiceAccount) + "/namespace")) {
    if (std::string name = Trimmed(std::move(ns).value()); !name.empty()) config.default_namespace = std::move(name);
  }
  return config;
}

base::Result<ClusterConfig> KubeconfigConfig(const KubeconfigOptions& options, const Environment& environment) {
  std::vector<std::string> paths;
  bool must_exist = false;
  if (!options.path.empty()) {
    paths = {options.path};
    must_exist = true;
  } else if (const std::string list = environment.variable("KUBECONFIG").value_or(""); !list.empty()) {
    std::size_t begin = 0;
    while (begin <= list.size()) {
      const std::size_t end = std::min(list.find(':', begin), list.size());
      if (end > begin) paths.push_back(list.substr(begin, end - begin));
      begin = end + 1;
    }
  } else if (const std::optional<std::string> home = environment.variable("HOME")) {
    paths = {*home + "/.kube/config"};
  }

  Kubeconfig merged;
  std::string files;
  for (const std::string& path : paths) {
    const base::Result<std::string> text = environment.read_file(path);
    // As kubectl: files of the list that do not exist are left out, a file asked for must be there.
    if (!text && text.error().code == base::Code::kNotFound && !must_exist) continue;
    if (!text) return base::Invalid("kubeconfig: " + text.error().message);
    if (const base::Status status = merged.Merge(path, *text); !status) return status.error();
    files += (files.empty() ? "" : ":") + path;
  }
  if (files.empty()) {
    std::string searched;
    for (const std::string& path : paths) searched += (searched.empty() ? "" : ":") + path;
    return base::Error{base::Code::kNotFound,
                       "no kubeconfig: " + (searched.empty() ? "neither KUBECONFIG nor HOME is set" : searched)};
  }
  try {
    return Select(merged, options.context, files, environment);
  } catch (const YAML::Exception& error) {
    return base::Invalid(files + ": " + error.what());
  }
}

base::Result<ClusterConfig> LoadConfig(const KubeconfigOptions& options, const Environment& environment) {
  if (options.path.empty() && options.context.empty()) {
    base::Result<ClusterConfig> in_cluster = InClusterConfig(environment);
    if (in_cluster || in_cluster.error().code != base::Code::kNotFound) return in_cluster;
  }
  return KubeconfigConfig(options, environment);
}

std::shared_ptr<CredentialSource> MakeCredentialSource(const ClusterConfig& config, const Environment& environment,
                                                       base::Clock& clock) {
  if (config.exec) return ExecCredential(*config.exec, clock);
  const CredentialFiles& files = config.credentials;
  if (files.token_file.empty() && files.certificate_file.empty() && files.key_file.empty()) {
    return StaticCredential(files.fixed);
  }
  return FileCredential(files, environment, clock);
}

}  // namespace kube
