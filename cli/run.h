// `autotune run`: runs a task on this machine, with live progress. Blocks until the task has ended or a signal stops
// it.
#pragma once

#include <string>

#include "base/result.h"
#include "operator/api/autotune_task.h"
#include "operator/local/container_spec.h"
#include "quant/rules.h"

namespace autotune::cli {

struct RunOptions {
  std::string simulate;         // "h100"; "task" = the products of the task's types of GPU; "" = the real engines
  double startup_speedup = 20;  // of the simulated engine
  int gpus = 0;                 // 0 = all GPUs (8 if simulated)
  std::string status_file;      // written at every change; "" = none
  bool resume = false;          // status_file's finished experiments are kept
  std::string logs;             // directory to keep; "" = not kept
  std::string report;           // HTML file to write at the end; "" = none
  std::string model_dir;        // directory to use instead of spec.model.volume
  std::string dataset;          // file to use as spec.benchmark.dataset
  std::string questions;        // file to use as spec.quality.dataset
  std::string records;          // directory to use as spec.benchmark.records
  std::string tools_dir;        // of autotune-launch and autotune-bench; "" = beside this program
  bool yaml = false;            // the finished task as YAML on standard output instead of the table
};

// Exit code: 0 a best configuration, 1 none, 2 cannot run here, 130 interrupted.
int RunLocally(api::AutotuneTask task, const quant::RuleSet& rules, const RunOptions& options);

// Columns of the terminal, 160 where `descriptor` is none.
std::size_t TerminalWidth(int descriptor);
local::Environment ParentEnvironment();

}  // namespace autotune::cli
