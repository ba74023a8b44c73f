#include "cli/report_file.h"

#include <nlohmann/json.hpp>
#include <ostream>
#include <set>

#include "cli/json_text.h"
#include "cli/whole_file.h"
#include "report/markdown.h"
#include "report/page.h"
#include "report/report_json.h"

namespace autotune::cli {
namespace {

std::string ReportText(const api::AutotuneTask& task, const std::string& format, const quant::RuleSet& rules) {
  if (format == "json") return IndentedJson(report::JsonReport(task, rules)) + "\n";
  return format == "markdown" ? report::MarkdownReport(task, rules) : report::HtmlReport(task, rules);
}

// A name is a DNS name on a cluster; what a file says is anybody's.
std::string FileNameOf(const api::AutotuneTask& task) {
  std::string name = task.metadata.name;
  for (char& c : name) {
    if (c == '/' || c == '\0') c = '-';
  }
  return "autotune-" + name + ".html";
}

base::Status WriteOwnFiles(const std::vector<api::AutotuneTask>& tasks, const quant::RuleSet& rules,
                           std::ostream& out) {
  std::set<std::string> names;
  for (const api::AutotuneTask& task : tasks) {
    if (names.insert(FileNameOf(task)).second) continue;
    return base::Invalid("report: several tasks would be written to " + FileNameOf(task) + "; nothing was written");
  }
  for (const api::AutotuneTask& task : tasks) {
    const std::string file = FileNameOf(task);
    if (const auto written = WriteWholeFile(file, ReportText(task, "html", rules)); !written) return written;
    out << file << "\n";
  }
  return {};
}

}  // namespace

base::Status WriteReports(const std::vector<api::AutotuneTask>& tasks, const ReportOptions& options,
                          const quant::RuleSet& rules, std::ostream& out) {
  const bool own_files = options.to.empty() && options.format == "html";
  if (tasks.size() > 1 && !own_files && options.format != "markdown") {
    return base::Invalid("report: " + std::to_string(tasks.size()) + " tasks do not fit into one " + options.format +
                         " document; set the name of one task, or remove --to");
  }
  if (own_files) return WriteOwnFiles(tasks, rules, out);
  std::string all;
  for (const api::AutotuneTask& task : tasks) all += ReportText(task, options.format, rules);
  if (options.to.empty() || options.to == "-") {
    out << all;
    return {};
  }
  if (const auto written = WriteWholeFile(options.to, all); !written) return written;
  out << options.to << "\n";
  return {};
}

}  // namespace autotune::cli
