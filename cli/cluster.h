// The tasks of a cluster, for the command line: with the kubeconfig, context and permissions of the caller.
//
// Calls block; one thread. Errors are one line for people, with the task, the namespace and the missing object. No
// method writes but Suspend, Cancel and Apply.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "kube/client/client.h"
#include "kube/client/config.h"
#include "operator/api/autotune_task.h"
#include "operator/experiment/node_view.h"

namespace autotune::cli {

struct ClusterOptions {
  kube::KubeconfigOptions kubeconfig;
  std::string ns;               // "" = the context's
  bool all_namespaces = false;  // of lists
};

class Cluster {
 public:
  // `client` is borrowed. `ns`: where tasks are looked for.
  Cluster(kube::Client& client, std::string ns) : client_(client), ns_(std::move(ns)) {}

  [[nodiscard]] const std::string& ns() const { return ns_; }

  base::Result<api::AutotuneTask> Get(const std::string& name);
  base::Result<std::vector<api::AutotuneTask>> List(bool all_namespaces);
  base::Result<std::vector<experiment::NodeView>> Nodes();
  // Of one of api::kWorkloadKinds.
  base::Result<nlohmann::json> Workload(const std::string& kind, const std::string& name);
  // Calls `seen` with the task as it is and after each change, until it returns false or the task is gone (kNotFound).
  base::Status Watch(const std::string& name, const std::function<bool(const api::AutotuneTask&)>& seen,
                     const std::stop_token& stop);
  // The log of a container of the experiment's pod. kNotFound where there is no pod any more.
  base::Result<std::string> Log(const api::AutotuneTask& task, const api::ExperimentStatus& experiment,
                                const std::string& container);
  base::Status Suspend(const std::string& name, bool suspended);
  base::Status Cancel(const std::string& name);
  // Creates the object, or replaces one that an earlier apply of the same task created; any other object with that name
  // is kAlreadyExists and stays unchanged. Returns "created" or "configured". `dry_run`: the API server checks it all,
  // and nothing is written.
  base::Result<std::string> Apply(const nlohmann::json& object, const std::string& task, bool dry_run = false);

 private:
  base::Error Explain(base::Error error, const std::string& what) const;

  kube::Client& client_;
  const std::string ns_;
};

// The connection and the objects that it borrows, in order of construction.
struct Connection {
  base::RealClock clock;
  std::unique_ptr<kube::HttpTransport> transport;
  std::unique_ptr<kube::Client> client;
  std::unique_ptr<Cluster> cluster;
};
base::Result<std::unique_ptr<Connection>> Connect(const ClusterOptions& options);

// Connects and reads the nodes.
// Reads the workload of spec.optimization.baseline.deploymentRef into the task, where it names one, as the operator
// does.
base::Status ReadDeployed(const ClusterOptions& options, api::AutotuneTask& task);
base::Result<std::vector<experiment::NodeView>> NodesOf(const ClusterOptions& options);

// 1: the task has no result yet; 2: wrong input; 3: no cluster, or no permission; 4: no such task, experiment or pod.
int ExitCodeOf(const base::Error& error);

}  // namespace autotune::cli
