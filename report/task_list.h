// A list of all tasks as an HTML page, one line per task, with links to the reports. Pure.
#pragma once

#include <string>
#include <vector>

namespace autotune::report {

struct TaskLine {
  std::string ns, name;
  std::string state, progress;
  std::string best, score, gain;  // of the best experiment; "" without one
  std::string gpu_hours;
};

// Links are NAMESPACE/NAME, relative to the page.
std::string TaskListPage(const std::vector<TaskLine>& tasks);

}  // namespace autotune::report
