// What lm-eval writes with --log_samples: the requests of a document, and its target.
//
// Pure and thread-safe.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "measurement/questions.h"

namespace autotune::measurement {

bool IsLmEvalSample(const nlohmann::json& row);

// Reads the prompt, the stops and what is compared. kInvalid: a part of the row is lost, or nothing here can judge it.
// REQUIRES: IsLmEvalSample(row).
base::Status ReadLmEvalSample(const nlohmann::json& row, Question& question);

}  // namespace autotune::measurement
