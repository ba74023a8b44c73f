#include "operator/controller/task_pages.h"

#include <nlohmann/json.hpp>

#include "operator/api/autotune_task.h"
#include "operator/reconcile/verdict.h"
#include "report/page.h"
#include "report/task_list.h"

namespace autotune::controller {
namespace {

constexpr const char* kEverySeconds = "10";

kube::runtime::Page Html(std::string body, bool goes_on) {
  kube::runtime::Page page{200, std::move(body), "text/html; charset=utf-8"};
  page.headers = {{"Cache-Control", "no-store"},
                  {"X-Content-Type-Options", "nosniff"},
                  {"Content-Security-Policy",
                   "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; form-action 'none'"}};
  if (goes_on) page.headers["Refresh"] = kEverySeconds;
  return page;
}

kube::runtime::Page Missing() { return {404, "no such page: / is all tasks, /NAMESPACE/NAME the report of one\n"}; }

}  // namespace

kube::runtime::Page TaskPages::Of(const std::string& path) const {
  if (path == "/") return List();
  const std::size_t slash = path.find('/', 1);
  if (slash == std::string::npos || slash + 1 == path.size()) return Missing();
  const std::string ns = path.substr(1, slash - 1), name = path.substr(slash + 1);
  // What is no name is not asked for: the API server's paths have other meanings for it.
  static constexpr const char* kLetters = "abcdefghijklmnopqrstuvwxyz0123456789-.";
  if (ns.empty() || (ns + name).find_first_not_of(kLetters) != std::string::npos || !watches_(ns)) return Missing();
  return Report(ns, name);
}

kube::runtime::Page TaskPages::List() const {
  std::vector<report::TaskLine> lines;
  for (const Listed& task : list_()) {
    lines.push_back({task.key.ns, task.key.name, task.state, task.summary.progress, task.summary.best,
                     task.summary.score, task.summary.gain, task.summary.gpu_hours});
  }
  return Html(report::TaskListPage(lines), true);
}

kube::runtime::Page TaskPages::Report(const std::string& ns, const std::string& name) const {
  const auto object = client_.Get({api::kGroup, api::kVersion, api::kPlural, true}, ns, name);
  if (!object) {
    if (object.error().code == base::Code::kNotFound) return Missing();
    return {502, "the API server does not answer: " + object.error().message + "\n"};
  }
  const auto task = api::TaskFromJson(*object);
  if (!task) return {500, task.error().message + "\n"};
  const auto rules = rules_.Current();
  return Html(report::HtmlReport(*task, *rules), !reconcile::IsOver(task->status.state));
}

}  // namespace autotune::controller
