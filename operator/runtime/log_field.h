// Fields that every log line of this thread carries while they are alive: which task, which experiment, which
// reconcile.
//
// One thread's own, ended in reverse order of their beginning. Whoever writes the lines (controller/json_log) reads
// All().
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace runtime {

class LogField {
 public:
  LogField(const char* name, std::string value);
  ~LogField();
  LogField(const LogField&) = delete;
  LogField& operator=(const LogField&) = delete;

  // Of this thread, the outermost first.
  static const std::vector<std::pair<const char*, std::string>>& All();
};

}  // namespace runtime
