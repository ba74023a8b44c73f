// Report of a task as one self-contained HTML page: no network, no script, light and dark, printable. Pure.
//
// Contents: the result and its deployment, the experiments with the reason why each is not the best, plots, cost,
// candidates without an experiment, provenance. docs/report.md explains the plots. Supports tasks in any state.
#pragma once

#include <string>

#include "operator/api/autotune_task.h"
#include "quant/rules.h"

namespace autotune::report {

std::string HtmlReport(const api::AutotuneTask& task, const quant::RuleSet& rules);

}  // namespace autotune::report
