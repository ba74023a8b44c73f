// Fields of every log line that this thread writes during the LogField's lifetime: task, experiment, reconcile.
//
// Per thread, destroyed in reverse order of construction. The formatter (controller/json_log) reads All().
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace kube::runtime {

class LogField {
 public:
  LogField(const char* name, std::string value);
  ~LogField();
  LogField(const LogField&) = delete;
  LogField& operator=(const LogField&) = delete;

  // Fields of this thread, the outermost first.
  static const std::vector<std::pair<const char*, std::string>>& All();
};

}  // namespace kube::runtime
