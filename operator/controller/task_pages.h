// The operator's read-only pages: a list of all tasks, and a report for each.
//
// Thread-safe; blocks on the API server. The list comes from the caches. A report reads its task from the API server,
// because caches do not keep whole finished tasks. All references are borrowed.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "kube/client/client.h"
#include "kube/runtime/get_server.h"
#include "kube/runtime/object_key.h"
#include "operator/controller/cached_task.h"
#include "operator/controller/rule_source.h"

namespace autotune::controller {

class TaskPages {
 public:
  struct Listed {
    kube::runtime::ObjectKey key;
    std::string state;
    CachedTask::Summary summary;
  };
  // `watches`: true for namespaces whose tasks the operator watches.
  TaskPages(std::function<std::vector<Listed>()> list, std::function<bool(const std::string& ns)> watches,
            kube::Client& client, RuleSource& rules)
      : list_(std::move(list)), watches_(std::move(watches)), client_(client), rules_(rules) {}

  // Page for "/" or "/NAMESPACE/NAME". The page of a running task reloads every few seconds.
  [[nodiscard]] kube::runtime::Page Of(const std::string& path) const;

 private:
  [[nodiscard]] kube::runtime::Page List() const;
  [[nodiscard]] kube::runtime::Page Report(const std::string& ns, const std::string& name) const;

  std::function<std::vector<Listed>()> list_;
  std::function<bool(const std::string& ns)> watches_;
  kube::Client& client_;
  RuleSource& rules_;
};

}  // namespace autotune::controller
