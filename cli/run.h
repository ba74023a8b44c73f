// `autotune run`: runs a task on this machine, with live progress. Blocks until the task has ended or a signal
// interrupts it.
#pragma once

#include <string>

#include "base/result.h"
#include "operator/api/autotune_task.h"
#include "operator/local/container_spec.h"
#include "quant/rules.h"

namespace autotune::cli {

struct RunOptions {
  std::string simulate;         // "h100"; "task" = the products of the task's types; "" = real engines
  double startup_speedup = 20;  // speed-up of the simulated engine's start
  int gpus = 0;                 // 0 = all GPUs (8 if simulated)
  std::string status_file;      // written at every change; "" = none
  bool resume = false;          // keeps the finished experiments of status_file
  std::string logs;             // directory for logs; "" = logs are not kept
  std::string report;           // HTML file to write at the end; "" = none
  std::string model_dir;        // directory for spec.model.volume
  std::string dataset;          // file for spec.benchmark.dataset
  std::string questions;        // file for spec.quality.dataset
  std::string records;          // directory for spec.benchmark.records
  std::string tools_dir;        // directory of autotune-launch and autotune-bench; "" = that of this program
  bool yaml = false;            // the finished task as YAML on standard output instead of the table
};

// Exit code: 0 best configuration found, 1 none, 2 the task cannot run here, 130 interrupted.
int RunLocally(api::AutotuneTask task, const quant::RuleSet& rules, const RunOptions& options);

// Columns of the terminal; 160 if `descriptor` is not a terminal.
std::size_t TerminalWidth(int descriptor);
local::Environment ParentEnvironment();

}  // namespace autotune::cli
