// Report of a task in Markdown: result, command, table, pruned and failed candidates, measurement, cost. Pure. Text of
// the task is escaped.
#pragma once

#include <string>

#include "operator/api/autotune_task.h"
#include "quant/rules.h"

namespace autotune::report {

std::string MarkdownReport(const api::AutotuneTask& task, const quant::RuleSet& rules);

}  // namespace autotune::report
