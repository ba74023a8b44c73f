// Access to the tasks of a cluster from the command line, with the caller's kubeconfig, context and permissions.
//
// Calls block; one thread. Errors are one line for people, with the task, the namespace and the missing object. Only
// Suspend, Cancel and Apply write.
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
  bool all_namespaces = false;  // for List
};

class Cluster {
 public:
  // `client` is borrowed. `ns`: namespace of the tasks.
  Cluster(kube::Client& client, std::string ns) : client_(client), ns_(std::move(ns)) {}

  [[nodiscard]] const std::string& ns() const { return ns_; }

  base::Result<api::AutotuneTask> Get(const std::string& name);
  base::Result<std::vector<api::AutotuneTask>> List(bool all_namespaces);
  base::Result<std::vector<experiment::NodeView>> Nodes();
  // `kind`: one of api::kWorkloadKinds.
  base::Result<nlohmann::json> Workload(const std::string& kind, const std::string& name);
  // Calls `seen` with the task, and again after each change, until it returns false or the task is deleted (kNotFound).
  base::Status Watch(const std::string& name, const std::function<bool(const api::AutotuneTask&)>& seen,
                     const std::stop_token& stop);
  // The log of a container of the experiment's pod. kNotFound if the pod no longer exists.
  base::Result<std::string> Log(const api::AutotuneTask& task, const api::ExperimentStatus& experiment,
                                const std::string& container);
  base::Status Suspend(const std::string& name, bool suspended);
  base::Status Cancel(const std::string& name);
  // Creates the object, or replaces one that an earlier apply of the same task created. kAlreadyExists, without a
  // change, for any other object of that name. Returns "created" or "configured". `dry_run`: the API server checks
  // everything, and nothing is written.
  base::Result<std::string> Apply(const nlohmann::json& object, const std::string& task, bool dry_run = false);

 private:
  base::Error Explain(base::Error error, const std::string& what) const;

  kube::Client& client_;
  const std::string ns_;
};

// A connection and the objects that it borrows, in order of construction.
struct Connection {
  base::RealClock clock;
  std::unique_ptr<kube::HttpTransport> transport;
  std::unique_ptr<kube::Client> client;
  std::unique_ptr<Cluster> cluster;
};
base::Result<std::unique_ptr<Connection>> Connect(const ClusterOptions& options);

// ReadDeployed: reads the workload of spec.optimization.baseline.deploymentRef into the
// task, if it names one, as the operator does. NodesOf: the cluster's nodes. Both connect
// first.
base::Status ReadDeployed(const ClusterOptions& options, api::AutotuneTask& task);
base::Result<std::vector<experiment::NodeView>> NodesOf(const ClusterOptions& options);

// Exit code: 1 no result yet; 2 invalid input; 3 no cluster, or no permission; 4 no such task, experiment or pod.
int ExitCodeOf(const base::Error& error);

}  // namespace autotune::cli
