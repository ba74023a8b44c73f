// A task's answer as a Markdown document to hand on: answer, command, table, what was pruned and failed, how it was
// measured, cost. Pure. Text of the task is escaped: it cannot bring markup of its own.
#pragma once

#include <string>

#include "operator/api/autotune_task.h"
#include "quant/rules.h"

namespace autotune::report {

std::string MarkdownReport(const api::AutotuneTask& task, const quant::RuleSet& rules);

}  // namespace autotune::report
