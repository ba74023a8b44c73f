#include "report/task_list.h"

#include <algorithm>
#include <tuple>

#include "report/page_parts.h"

namespace autotune::report {
namespace {

// As the API server allows them: nothing that a link could mean something else by.
bool IsObjectName(const std::string& name) {
  return !name.empty() && name.front() != '.' &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-.") == std::string::npos;
}

Markup Name(const TaskLine& task) {
  if (!IsObjectName(task.ns) || !IsObjectName(task.name)) return Text(task.name);
  return Element("a", {{"href", task.ns + "/" + task.name}}, task.name);
}

Markup Numeric(const std::string& text) { return Element("span", {{"class", "n"}}, text); }

}  // namespace

std::string TaskListPage(const std::vector<TaskLine>& tasks) {
  std::vector<const TaskLine*> ordered;
  for (const TaskLine& task : tasks) ordered.push_back(&task);
  std::sort(ordered.begin(), ordered.end(),
            [](const TaskLine* a, const TaskLine* b) { return std::tie(a->ns, a->name) < std::tie(b->ns, b->name); });
  Markup rows = Row({Text("Namespace"), Text("Task"), Text("State"), Text("Progress"), Text("Leader"), Text("Score"),
                     Text("Gain"), Text("GPU-hours")},
                    "th");
  for (const TaskLine* task : ordered) {
    rows +=
        Row({Text(task->ns), Name(*task), Text(task->state.empty() ? "not started" : task->state), Text(task->progress),
             Text(task->best), Numeric(task->score), Numeric(task->gain), Numeric(task->gpu_hours)});
  }
  Markup main = Element("header", Element("h1", "AutotuneTasks"));
  main += tasks.empty() ? Paragraph("about", "There are none.") : Scrolling(Element("table", rows));
  return Document("AutotuneTasks", main);
}

}  // namespace autotune::report
