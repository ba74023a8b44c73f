// autotune-operator: wiring only. Exit codes: 0 asked to stop, 1 could not work (caches, API server), 2 wrong flags,
// kubeconfig or compatibility table.
#include <malloc.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "kube/client/client.h"
#include "kube/client/config.h"
#include "kube/client/user_agent.h"
#include "kube/cpprest/cpprest_transport.h"
#include "kube/runtime/events.h"
#include "kube/runtime/health_server.h"
#include "kube/runtime/leader_election.h"
#include "kube/runtime/leader_fence.h"
#include "kube/runtime/metrics.h"
#include "kube/runtime/metrics_server.h"
#include "kube/runtime/shutdown.h"
#include "operator/controller/json_log.h"
#include "operator/controller/rule_source.h"
#include "operator/controller/task_controller.h"
#include "operator/controller/task_pages.h"
#include "operator/reconcile/gpu_prices.h"

namespace {

using namespace autotune;  // NOLINT(google-build-using-namespace): wiring

struct Flags {
  kube::KubeconfigOptions kubeconfig;
  std::vector<std::string> namespaces;
  std::string tools_image, tools_pull_policy = "IfNotPresent";
  std::string health_address = ":8081";
  std::string ui_address;  // "" = no pages
  std::string metrics_address, metrics_tls_directory;
  bool metrics_authorization = false;
  std::string rules_directory;
  std::string log_level = "info", log_level_file;
  int workers = 2;
  double requests_per_second = 50;
  experiment::PodPolicy policy;
  std::string install_resources, bench_resources, inspect_resources;
  std::string gpu_prices;
  std::string retain_pods, retain_tasks;
  bool watch_nodes = true;
  bool leader_elect = false;
  std::string lease_namespace, lease_name = "autotune-operator", identity;
  int lease_seconds = 15, renew_seconds = 10, retry_seconds = 2;
};

int WrongInput(const std::string& message) {
  std::cerr << "autotune-operator: " << message << "\n";
  return 2;
}

base::Status CheckNamespaces(const std::vector<std::string>& namespaces) {
  static constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789-";
  for (const std::string& name : namespaces) {
    // A flag with an empty value takes the next flag for its value: that must not watch a namespace of that name.
    if (name.empty() || name.size() > 63 || name.front() == '-' ||
        name.find_first_not_of(kLetters) != std::string::npos) {
      return base::Invalid("--watch-namespaces: \"" + name + "\" is not the name of a namespace");
    }
  }
  return {};
}

base::Result<experiment::ToolResources> ReadToolResources(const Flags& flags) {
  experiment::ToolResources resources;
  const std::tuple<const char*, const std::string&, nlohmann::json&> parts[] = {
      {"--install-resources", flags.install_resources, resources.install},
      {"--bench-resources", flags.bench_resources, resources.bench},
      {"--inspect-resources", flags.inspect_resources, resources.inspect}};
  for (const auto& [name, text, part] : parts) {
    if (text.empty()) continue;
    auto parsed = experiment::ParseResources(text, name);
    if (!parsed) return std::move(parsed).error();
    part = *std::move(parsed);
  }
  return resources;
}

base::Result<api::RetentionSpec> ReadRetention(const Flags& flags) {
  api::RetentionSpec retention;
  const std::tuple<const char*, const std::string&, std::optional<api::Seconds>&> parts[] = {
      {"--retain-pods", flags.retain_pods, retention.pods}, {"--retain-tasks", flags.retain_tasks, retention.task}};
  for (const auto& [name, text, part] : parts) {
    if (text.empty()) continue;
    const auto parsed = api::ParseDuration(text, name);
    if (!parsed) return parsed.error();
    const auto seconds = std::chrono::duration_cast<api::Seconds>(*parsed);
    if (seconds > api::kLongestRetention || (seconds < api::Seconds(1) && &part == &retention.task)) {
      return base::Invalid(std::string(name) + ": \"" + text + "\" is not between 1s and 8736h");
    }
    part = seconds;
  }
  return retention;
}

// Where metrics are served over TLS; nothing = with the probes.
base::Result<std::optional<kube::runtime::GetServerOptions>> ReadMetricsServer(const Flags& flags, base::Clock& clock) {
  using Server = std::optional<kube::runtime::GetServerOptions>;
  if (flags.metrics_address.empty() != flags.metrics_tls_directory.empty()) {
    return base::Invalid("--metrics-addr and --metrics-tls-dir go together");
  }
  if (flags.metrics_address.empty()) {
    // A token over plain HTTP is everybody's.
    if (flags.metrics_authorization) return base::Invalid("--metrics-authorization needs --metrics-tls-dir");
    return Server();
  }
  auto server = kube::runtime::ParseListenAddress(flags.metrics_address);
  if (!server) return base::Invalid("--metrics-addr: " + server.error().message);
  auto files = kube::runtime::TlsFiles::Open(flags.metrics_tls_directory, clock);
  if (!files) return base::Invalid("--metrics-tls-dir: " + files.error().message);
  server->tls = *std::move(files);
  return Server(*std::move(server));
}

// Freed room that is kept for later, and a heap of its own for each thread, were a quarter of the memory of an idle
// operator (benchmarks/README.md, Memory). REQUIRES, of both: no other thread runs.
void GiveBackWhatIsFreed() {
  constexpr int kKept = 64 * 1024;  // bytes
  mallopt(M_MMAP_THRESHOLD, kKept);
  mallopt(M_TRIM_THRESHOLD, kKept);
}

// Threads that start from now on share the heaps that there are. They wait for the network and seldom allocate at the
// same time.
void MakeNoMoreHeaps() { mallopt(M_ARENA_MAX, 1); }

// Of this process and no other, where nobody says who it is.
std::string Identity(const std::string& instance) {
  std::random_device random;
  char text[17];
  std::snprintf(text, sizeof text, "%08x%08x", random(), random());
  return instance + "_" + text;
}

int Run(const Flags& flags) {
  if (auto named = CheckNamespaces(flags.namespaces); !named) return WrongInput(named.error().message);
  auto tool_resources = ReadToolResources(flags);
  if (!tool_resources) return WrongInput(tool_resources.error().message);
  auto gpu_prices = reconcile::ParseGpuPrices(flags.gpu_prices);
  if (!gpu_prices) return WrongInput("--gpu-prices: " + gpu_prices.error().message);
  for (const std::string& unknown : reconcile::UnknownProducts(*gpu_prices)) spdlog::warn("--gpu-prices: {}", unknown);
  const auto retention = ReadRetention(flags);
  if (!retention) return WrongInput(retention.error().message);
  const auto health = kube::runtime::ParseListenAddress(flags.health_address);
  if (!health) return WrongInput("--health-addr: " + health.error().message);
  std::optional<kube::runtime::GetServerOptions> ui;
  if (!flags.ui_address.empty()) {
    const auto parsed = kube::runtime::ParseListenAddress(flags.ui_address);
    if (!parsed) return WrongInput("--ui: " + parsed.error().message);
    ui = *parsed;
  }
  if (auto logging = controller::InitializeLogging(flags.log_level); !logging)
    return WrongInput(logging.error().message);

  controller::LogLevelFile log_level(flags.log_level_file, flags.log_level);
  base::RealClock clock;
  const auto metrics_at = ReadMetricsServer(flags, clock);
  if (!metrics_at) return WrongInput(metrics_at.error().message);
  const auto rules = controller::RuleSource::Open(flags.rules_directory, clock);
  if (!rules) return WrongInput(rules.error().message);
  MakeNoMoreHeaps();  // the documents of the tables had one
  const kube::Environment environment = kube::Environment::Real();
  const auto config = kube::LoadConfig(flags.kubeconfig, environment);
  if (!config) return WrongInput(config.error().message);
  kube::SkipSystemRoots(*config);
  // From here on there are other threads.
  kube::InitializeHttpThreads();
  if (!flags.log_level_file.empty()) log_level.Start();
  kube::TransportOptions transport_options;
  transport_options.user_agent = kube::UserAgent("autotune-operator", AUTOTUNE_VERSION);
  auto transport =
      kube::MakeCpprestTransport(*config, kube::MakeCredentialSource(*config, environment, clock), transport_options);
  if (!transport) return WrongInput(transport.error().message);

  kube::runtime::Metrics metrics;
  kube::ClientOptions client_options;
  client_options.requests_per_second = flags.requests_per_second;
  client_options.burst = 2 * flags.requests_per_second;
  const char* hostname = std::getenv("HOSTNAME");
  const std::string instance = hostname == nullptr ? "autotune-operator" : hostname;

  kube::runtime::LeaderElectionOptions lease;
  lease.ns = flags.lease_namespace.empty() ? config->default_namespace : flags.lease_namespace;
  lease.name = flags.lease_name;
  lease.identity = flags.identity.empty() ? Identity(instance) : flags.identity;
  lease.lease = std::chrono::seconds(flags.lease_seconds);
  lease.renew_deadline = std::chrono::seconds(flags.renew_seconds);
  lease.retry_period = std::chrono::seconds(flags.retry_seconds);
  lease.seed = static_cast<std::uint64_t>(clock.Wall().time_since_epoch().count());
  if (auto checked = kube::runtime::CheckLeaderElection(lease); flags.leader_elect && !checked) {
    return WrongInput(checked.error().message);
  }
  // A client of its own, whose requests wait for no others.
  kube::ClientOptions lease_client_options;
  lease_client_options.deadline = std::chrono::duration_cast<std::chrono::milliseconds>(lease.renew_deadline / 2);
  kube::Client lease_client(**transport, clock, lease_client_options, &metrics.ForClient(config->server));
  metrics.SetLeader(lease.name, false);
  kube::runtime::LeaderElection election(lease, lease_client, clock, [&](bool leading) {
    metrics.SetLeader(lease.name, leading);
    if (leading) return;
    // Whatever the workers are at: the fence lets no write of theirs out any more, and the next process starts afresh.
    spdlog::critical("Exiting: another replica may be the leader");
    spdlog::default_logger()->flush();
    std::_Exit(1);
  });
  kube::runtime::AlwaysLeader alone;
  kube::runtime::LeaderGate& gate = flags.leader_elect ? static_cast<kube::runtime::LeaderGate&>(election) : alone;
  kube::runtime::LeaderFence fence(**transport, gate);

  kube::Client client(fence, clock, client_options, &metrics.ForClient(config->server));
  kube::runtime::KubeEventSink event_sink(client);
  kube::runtime::EventOptions event_options;
  event_options.reporting_controller = "autotuner.io/operator";
  event_options.reporting_instance = instance;
  kube::runtime::EventRecorder events(event_options, event_sink, clock);

  reconcile::Settings settings;
  settings.environment.tools_image = flags.tools_image;
  settings.environment.tools_pull_policy = flags.tools_pull_policy;
  settings.environment.tool_resources = *std::move(tool_resources);
  settings.environment.policy = flags.policy;
  settings.environment.operator_name = lease.ns + "/" + lease.name;
  settings.gpu_prices = *std::move(gpu_prices);
  settings.retention = *retention;
  controller::TaskControllerOptions options;
  options.namespaces = flags.namespaces;
  options.watch_nodes = flags.watch_nodes;
  options.workers = flags.workers;
  controller::TaskController tasks(options, settings, **rules, client, events, metrics, clock, gate);

  const auto render = [&] { return tasks.RenderMetrics(); };
  const auto server = kube::runtime::StartHealthServer(
      *health, {{"watches", [&] { return tasks.Alive(); }}, {"lease", [&] { return election.Alive(); }}},
      {{"caches", [&] { return tasks.Ready(); }}}, *metrics_at ? std::function<std::string()>() : render);
  if (!server) return WrongInput("--health-addr: " + server.error().message);

  // A client without the fence: a replica that does not lead is asked for its metrics, too.
  kube::ClientOptions review_options;
  review_options.deadline = std::chrono::seconds(3);
  kube::Client review_client(**transport, clock, review_options, &metrics.ForClient(config->server));
  std::unique_ptr<kube::runtime::GetServer> metrics_server;
  if (*metrics_at) {
    auto started = kube::runtime::StartMetricsServer(
        **metrics_at, render,
        flags.metrics_authorization ? std::make_unique<kube::runtime::AccessReview>(review_client, clock) : nullptr);
    if (!started) return WrongInput("--metrics-addr: " + started.error().message);
    metrics_server = *std::move(started);
  }

  const controller::TaskPages pages([&] { return tasks.List(); }, [&](const auto& ns) { return tasks.Watches(ns); },
                                    client, **rules);
  std::unique_ptr<kube::runtime::GetServer> ui_server;
  if (ui) {
    auto started = kube::runtime::GetServer::Start(
        *ui, [](const auto&) { return std::nullopt; }, [&](const auto& request) { return pages.Of(request.path); });
    if (!started) return WrongInput("--ui: " + started.error().message);
    ui_server = *std::move(started);
  }

  kube::runtime::SignalWaiter signals;
  spdlog::info("Started autotune-operator {} with rules {} against {}", AUTOTUNE_VERSION,
               (*rules)->Current()->version(), config->server);
  // A replica that does not lead keeps its caches full meanwhile, and is ready.
  if (flags.leader_elect) election.Start();
  if (const auto started = tasks.Start(signals.token()); !started) {
    if (started.error().code == base::Code::kCancelled) return 0;
    spdlog::error("The caches did not sync: {}", started.error().message);
    return 1;
  }
  malloc_trim(0);  // what parsing the tables and the first lists took
  spdlog::info("Caches synced, {} workers started", flags.workers);
  signals.Wait();
  spdlog::info("Stopping");
  const bool in_time = tasks.Stop();
  events.Stop();
  election.Stop();  // last: nothing is written after it
  spdlog::info(in_time ? "Stopped" : "Stopped; interrupted reconciles will be repeated");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  GiveBackWhatIsFreed();
  // Before the first thread: the HTTP library's would take SIGTERM otherwise, and its default is the process's end.
  kube::runtime::BlockSignals();
  Flags flags;
  CLI::App app("Tunes LLM inference: reconciles AutotuneTask resources.", "autotune-operator");
  app.set_version_flag("--version", AUTOTUNE_VERSION);
  app.add_option("--kubeconfig", flags.kubeconfig.path, "Kubeconfig file; default: in-cluster, then $KUBECONFIG");
  app.add_option("--context", flags.kubeconfig.context, "Context of the kubeconfig");
  app.add_option("--watch-namespaces", flags.namespaces, "Namespaces to watch, comma-separated; default: all")
      ->delimiter(',');
  app.add_flag("--watch-nodes,!--no-watch-nodes", flags.watch_nodes,
               "Read nodes to pick GPUs by their labels (requires a ClusterRole); default: true");
  app.add_option("--tools-image", flags.tools_image,
                 "Image with the launcher and the load generator, for experiment and inspection pods")
      ->required()
      ->check(
          CLI::Validator([](const std::string& image) { return std::string(image.empty() ? "is empty" : ""); }, ""));
  app.add_option("--tools-pull-policy", flags.tools_pull_policy, "Pull policy of the tools image")
      ->check(CLI::IsMember({"Always", "IfNotPresent", "Never"}));
  app.add_option("--health-addr", flags.health_address,
                 "Address of /healthz, /readyz and /metrics: [address]:port, an IPv6 address in brackets");
  app.add_option("--metrics-addr", flags.metrics_address,
                 "Address of /metrics over TLS, instead of --health-addr: [address]:port; requires --metrics-tls-dir");
  app.add_option("--metrics-tls-dir", flags.metrics_tls_directory,
                 "Directory with tls.crt and tls.key, read again when they change");
  app.add_flag("--metrics-authorization", flags.metrics_authorization,
               "Serve metrics only for bearer tokens that may get the URL /metrics, as the API server says");
  app.add_option("--ui", flags.ui_address,
                 "Address of read-only pages with all tasks and their reports, without a login: [address]:port; "
                 "default: not served");
  app.add_option("--workers", flags.workers, "Number of tasks reconciled at the same time")->check(CLI::Range(1, 64));
  app.add_option("--rules-dir", flags.rules_directory,
                 "Directory with compatibility tables that replace the built-in ones");
  app.add_option("--kube-api-qps", flags.requests_per_second, "Requests per second to the API server; 0: unlimited")
      ->check(CLI::Range(0.0, 10'000.0));
  app.add_flag("--allow-host-path", flags.policy.host_path, "Accept directories of nodes as volumes of tasks");
  app.add_flag("--allow-privileged", flags.policy.privileged,
               "Accept security contexts in tasks beyond the Pod Security baseline");
  app.add_option("--allow-service-accounts", flags.policy.service_accounts,
                 "ServiceAccounts that tasks may use, comma-separated; *: all")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--allow-volumes", flags.policy.volumes,
                 "Types of volumes in spec.podTemplate, comma-separated; *: all")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--install-resources", flags.install_resources,
                 "Resources of the container that copies the launcher, as JSON");
  app.add_option("--bench-resources", flags.bench_resources,
                 "Resources of the load generator, as JSON; spec.benchmark.resources takes precedence");
  app.add_option("--inspect-resources", flags.inspect_resources,
                 "Resources of the container that reads a model's configuration, as JSON");
  app.add_option("--gpu-prices", flags.gpu_prices,
                 "Prices of a GPU for an hour by product, for tasks that give none: H100=4.10,L40S=1.20");
  app.add_option("--retain-pods", flags.retain_pods,
                 "Time after which kept pods of finished tasks are deleted, for tasks without spec.retention.pods; "
                 "default: never");
  app.add_option("--retain-tasks", flags.retain_tasks,
                 "Time after which finished tasks without spec.retention.task are deleted; default: never");
  app.add_flag("--leader-elect", flags.leader_elect,
               "Elect one of several replicas as the leader, with a Lease; the others wait");
  app.add_option("--leader-election-namespace", flags.lease_namespace,
                 "Namespace of the Lease; default: the operator's");
  app.add_option("--leader-election-id", flags.lease_name, "Name of the Lease")->capture_default_str();
  app.add_option("--leader-election-identity", flags.identity,
                 "Identity of this process, unique among the replicas; default: the host name and a random number");
  app.add_option("--leader-election-lease-duration", flags.lease_seconds,
                 "Seconds after which another replica may acquire a Lease that is not renewed")
      ->capture_default_str();
  app.add_option("--leader-election-renew-deadline", flags.renew_seconds,
                 "Seconds after which a leader that cannot renew the Lease exits")
      ->capture_default_str();
  app.add_option("--leader-election-retry-period", flags.retry_seconds, "Seconds between two renewals of the Lease")
      ->capture_default_str();
  app.add_option("--log-level", flags.log_level, "trace, debug, info, warning, error");
  app.add_option("--log-level-file", flags.log_level_file,
                 "File whose content overrides --log-level while it contains a level; read every few seconds");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    return WrongInput(error.what());
  }
  return Run(flags);
}
