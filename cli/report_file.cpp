#include "cli/report_file.h"

#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/whole_file.h"
#include "report/markdown.h"
#include "report/page.h"
#include "report/report_json.h"

namespace autotune::cli {
namespace {

std::string ReportText(const api::AutotuneTask& task, const std::string& format, const quant::RuleSet& rules) {
  if (format == "json") return report::JsonReport(task, rules).dump(2) + "\n";
  return format == "markdown" ? report::MarkdownReport(task, rules) : report::HtmlReport(task, rules);
}

}  // namespace

base::Status WriteReports(const std::vector<api::AutotuneTask>& tasks, const ReportOptions& options,
                          const quant::RuleSet& rules, std::ostream& out) {
  const bool own_files = options.to.empty() && options.format == "html";
  if (tasks.size() > 1 && !own_files && options.format != "markdown") {
    return base::Invalid("report: " + std::to_string(tasks.size()) + " tasks do not go into one " + options.format +
                         " document; name one, or leave --to out");
  }
  std::string all;
  for (const api::AutotuneTask& task : tasks) {
    const std::string text = ReportText(task, options.format, rules);
    if (!own_files) {
      all += text;
      continue;
    }
    // A name is a DNS name on a cluster; what a file says is anybody's.
    std::string name = task.metadata.name;
    for (char& c : name) {
      if (c == '/' || c == '\0') c = '-';
    }
    const std::string file = "autotune-" + name + ".html";
    if (const auto written = WriteWholeFile(file, text); !written) return written;
    out << file << "\n";
  }
  if (own_files) return {};
  if (options.to.empty() || options.to == "-") {
    out << all;
    return {};
  }
  if (const auto written = WriteWholeFile(options.to, all); !written) return written;
  out << options.to << "\n";
  return {};
}

}  // namespace autotune::cli
