// `autotune run`: a task on this machine, with live progress.
#pragma once

#include <string>

#include "base/result.h"
#include "operator/api/autotune_task.h"
#include "operator/local/container_spec.h"
#include "quant/rules.h"

namespace autotune::cli {

struct RunOptions {
  std::string simulate;         // "h100"; "" = the real engines
  double startup_speedup = 20;  // of the simulated engine
  int gpus = 0;                 // 0 = all that there are (8 simulated ones)
  std::string status_file;      // written at every change; "" = none
  bool resume = false;          // status_file's finished experiments are kept
  std::string logs;             // directory to keep; "" = not kept
  std::string report;           // HTML file to write at the end; "" = none
  std::string model_dir;        // what spec.model.volume stands for
  std::string dataset;          // file that stands for spec.benchmark.dataset
  std::string questions;        // file that stands for spec.quality.dataset
  std::string records;          // directory that stands for spec.benchmark.records
  std::string tools_dir;        // of autotune-launch and autotune-bench; "" = beside this program
  bool yaml = false;            // the finished task as YAML on standard output instead of the table
};

// Exit code: 0 there is a best, 1 there is none, 2 cannot be run here, 130 interrupted.
int RunLocally(api::AutotuneTask task, const quant::RuleSet& rules, const RunOptions& options);

// Columns of the terminal, 160 where `descriptor` is none.
std::size_t TerminalWidth(int descriptor);
local::Environment ParentEnvironment();

}  // namespace autotune::cli
