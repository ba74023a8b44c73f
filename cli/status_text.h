// `autotune status`: state and result of a task as text, from the task object alone. Pure.
#pragma once

#include <string>
#include <vector>

#include "operator/api/autotune_task.h"
#include "quant/rules.h"

namespace autotune::cli {

// One task in full.
std::string StatusText(const api::AutotuneTask& task, const quant::RuleSet& rules, std::size_t width);
// Several tasks, one line each, like `kubectl get`.
std::string StatusList(const std::vector<api::AutotuneTask>& tasks);

// The table of results and the command line of the best configuration: the output of `autotune run`.
std::string FinalText(const api::AutotuneTask& task, const quant::RuleSet& rules, std::size_t width);

}  // namespace autotune::cli
