// A task's answer as JSON for programs: what the page shows, as values. Pure. docs/report.md names the fields.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "operator/api/autotune_task.h"
#include "quant/rules.h"

namespace autotune::report {

nlohmann::json JsonReport(const api::AutotuneTask& task, const quant::RuleSet& rules);

}  // namespace autotune::report
