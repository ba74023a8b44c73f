// Rows as evaluation tools export them: the question and its answer are within objects of the row.
//
// Pure and thread-safe. Detected by structure, not by the name of a tool.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace autotune::measurement {

// Describes the row, with the jq program that makes a question of it: {"inputs": {...}, "outputs": {...}} (LangSmith,
// Phoenix, MLflow, Langfuse), {"vars": {...}, "assert": [...]} and "__expected" (promptfoo), references with tags
// (HELM). "" = none of these.
std::string WhyExport(const nlohmann::json& row);

}  // namespace autotune::measurement
