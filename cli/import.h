// Converts a task file of inference-autotuner (JSON with snake_case keys) to an equivalent AutotuneTask.
//
// Pure. Nothing is dropped silently: every key is converted, explained in a note, or rejected by name. The result is
// valid: it was read back by the code that reads tasks.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace autotune::cli {

struct ImportResult {
  std::string yaml;                // the AutotuneTask
  std::vector<std::string> notes;  // for people: keys with another meaning, without a counterpart, or that need a check
};

// kInvalid names the key of the old file: `base_runtime: "llama-rt" is the name of ...`.
base::Result<ImportResult> Import(const std::string& text);

}  // namespace autotune::cli
