// Metrics: the Prometheus metrics of the process, with controller-runtime's names, so existing dashboards work.
//
// Thread-safe. Owns the registry. Creates the observers for queues, controllers, clients and reflectors, which live as
// long as the Metrics object. Every label set that is known beforehand starts at zero.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kube/runtime/controller.h"
#include "kube/runtime/reflector.h"
#include "kube/runtime/work_queue.h"

namespace kube {
class ClientObserver;
}
namespace prometheus {
class Registry;
}

namespace kube::runtime {

class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // For application metrics.
  [[nodiscard]] prometheus::Registry& registry();

  WorkQueueObserver& ForQueue(const std::string& name);
  // Each scrape reads from the queue how long its keys have been processed. Call WatchQueue(name, nullptr) before the
  // queue is destroyed.
  void WatchQueue(const std::string& name, const WorkQueue* queue);
  ControllerObserver& ForController(const std::string& name, int workers);
  // Observer for a client's requests to `host`.
  kube::ClientObserver& ForClient(const std::string& host);
  ReflectorObserver& ForReflectors();
  void SetLeader(const std::string& name, bool leader);

  // Returns the text exposition format, with the current values of process_*.
  [[nodiscard]] std::string Render();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kube::runtime
