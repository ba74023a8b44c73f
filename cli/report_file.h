// `autotune report`: writes reports of tasks to files (atomically) or to standard output. Blocks; one
// thread.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "base/result.h"
#include "operator/api/autotune_task.h"
#include "quant/rules.h"

namespace autotune::cli {

struct ReportOptions {
  std::string format = "html";  // html, markdown, json
  std::string to;  // a file, "-" = standard output, "" = a file for each task as HTML, else standard output
};

// Prints the names of the written files on `out`. kInvalid: several tasks for one HTML or JSON file, or a file cannot
// be written.
base::Status WriteReports(const std::vector<api::AutotuneTask>& tasks, const ReportOptions& options,
                          const quant::RuleSet& rules, std::ostream& out);

}  // namespace autotune::cli
