// JSON lines for spdlog: {"ts":"...","level":"info","msg":"..."}, one object per line, whatever a message contains.
#pragma once

#include <string>

#include "base/result.h"

namespace autotune::controller {

// Makes the default logger write JSON lines to standard error. `level`: trace, debug, info, warning, error.
base::Status InitializeLogging(const std::string& level);

}  // namespace autotune::controller
