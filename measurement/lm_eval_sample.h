// Samples that lm-eval writes with --log_samples: the requests of a document, and its target.
//
// Pure and thread-safe.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "measurement/questions.h"

namespace autotune::measurement {

bool IsLmEvalSample(const nlohmann::json& row);

// Reads the prompt, the stop sequences and the comparison. kInvalid: a part of the row is missing, or its answer cannot
// be checked here. REQUIRES: IsLmEvalSample(row).
base::Status ReadLmEvalSample(const nlohmann::json& row, Question& question);

}  // namespace autotune::measurement
