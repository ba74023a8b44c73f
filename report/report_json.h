// Report of a task as JSON for programs: the values of the HTML page. Pure. docs/report.md names the fields.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "operator/api/autotune_task.h"
#include "quant/rules.h"

namespace autotune::report {

nlohmann::json JsonReport(const api::AutotuneTask& task, const quant::RuleSet& rules);

}  // namespace autotune::report
