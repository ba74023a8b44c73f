// The operator's read-only pages: all tasks, and the report of each. Never writes.
//
// Thread-safe; blocks on the API server. The list comes from the caches; a report reads its one task afresh, because a
// finished task is not kept whole. Everything borrowed.
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
  // `watches`: whether the operator answers for tasks of a namespace.
  TaskPages(std::function<std::vector<Listed>()> list, std::function<bool(const std::string& ns)> watches,
            kube::Client& client, RuleSource& rules)
      : list_(std::move(list)), watches_(std::move(watches)), client_(client), rules_(rules) {}

  // "/" and "/NAMESPACE/NAME". The page of a running task reloads every few seconds.
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
