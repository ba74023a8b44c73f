// Commands of `autotune` for tasks in a cluster, a file or standard input.
//
// Each command blocks, prints, and returns the exit code; an error is one line on standard error. 0 success, 1 no
// result yet, 2 invalid input, 3 no cluster or no permission, 4 no such task or pod.
#pragma once

#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/cluster.h"
#include "cli/report_file.h"
#include "operator/api/autotune_task.h"
#include "quant/rules.h"

namespace autotune::cli {

struct Streams {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  bool in_is_terminal = false;
  std::size_t width = 160;
};

// Selects tasks.
struct TaskChoice {
  std::string name;  // name of a task in the cluster, or a file if it has a slash or ends in .yaml, .yml or .json
  std::string file;  // -f; "-" = standard input; "" = not given
  ClusterOptions cluster;
};
// Tasks from the file if one is given, else from the cluster, else from standard input.
base::Result<std::vector<api::AutotuneTask>> ChosenTasks(const TaskChoice& choice, Streams& streams);

int ListTasks(const ClusterOptions& options, const std::string& output, Streams& streams);
int ShowStatus(const TaskChoice& choice, bool watch, const quant::RuleSet& rules, Streams& streams);
int ShowResults(const TaskChoice& choice, const std::string& output, const quant::RuleSet& rules, Streams& streams);
int WriteReport(const TaskChoice& choice, const ReportOptions& options, const quant::RuleSet& rules, Streams& streams);
// Each name is a task of the cluster, or a file with one or more tasks. `output`: table, markdown, json or html. `to`:
// file of the HTML page, "-" = standard output.
int CompareTasks(const std::vector<std::string>& names, const ClusterOptions& options, const std::string& output,
                 const std::string& to, Streams& streams);
int ShowLog(const ClusterOptions& options, const std::string& task, const std::string& experiment,
            const std::string& container, Streams& streams);
int SetSuspended(const ClusterOptions& options, const std::string& task, bool suspended, Streams& streams);
int CancelTask(const ClusterOptions& options, const std::string& task, Streams& streams);

struct ApplyOptions {
  std::string target = "Deployment";
  std::string experiment;  // "" = the best
  bool print = false;      // prints instead of writing to the cluster
};
// A task in a cluster: writes to the cluster. A task in a file: prints the manifest.
int ApplyBest(const TaskChoice& choice, const ApplyOptions& options, const quant::RuleSet& rules, Streams& streams);

struct DiffOptions {
  std::string deployment;       // in the task's namespace, or a file; "" = the one in spec.recommendation.diffAgainst
  std::string container;        // "" = the one that serves the model
  std::string experiment;       // "" = the best
  std::string output = "text";  // or json
};
// Differences between a Deployment and the best configuration.
int ShowDifference(const TaskChoice& choice, const DiffOptions& options, const quant::RuleSet& rules, Streams& streams);

}  // namespace autotune::cli
