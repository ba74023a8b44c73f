// `autotune status`: a task's state and answer as text, from the object alone. Pure.
#pragma once

#include <string>
#include <vector>

#include "operator/api/autotune_task.h"
#include "quant/rules.h"

namespace autotune::cli {

// One task in full.
std::string StatusText(const api::AutotuneTask& task, const quant::RuleSet& rules, std::size_t width);
// Several, a line each, as `kubectl get` would.
std::string StatusList(const std::vector<api::AutotuneTask>& tasks);

// "Results", the table; "Serve it with", the winning command line: how `autotune run` ends.
std::string FinalText(const api::AutotuneTask& task, const quant::RuleSet& rules, std::size_t width);

}  // namespace autotune::cli
