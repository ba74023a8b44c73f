// A task's answer as one HTML page that needs nothing else: no network, no script, light and dark, printable. Pure.
//
// Top down: the answer and how to deploy it, the experiments and why each is not the best, plots, cost, what was not
// tried, provenance. docs/report.md says what each picture means. Works for a task at any stage.
#pragma once

#include <string>

#include "operator/api/autotune_task.h"
#include "quant/rules.h"

namespace autotune::report {

std::string HtmlReport(const api::AutotuneTask& task, const quant::RuleSet& rules);

}  // namespace autotune::report
