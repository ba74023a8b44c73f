// Reads a task file of the predecessor (inference-autotuner, JSON with snake_case keys) and writes the AutotuneTask
// that means the same.
//
// Pure. Nothing is dropped silently: every key is carried over, mentioned in a note with what became of it, or refused
// by name. What is written is a valid task: it was read back by the same code that reads tasks.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace autotune::cli {

struct ImportResult {
  std::string yaml;                // the AutotuneTask
  std::vector<std::string> notes;  // for people: what changed its meaning, has no counterpart, or needs a look
};

// kInvalid names the key of the old file: `base_runtime: "llama-rt" is the name of ...`.
base::Result<ImportResult> Import(const std::string& text);

}  // namespace autotune::cli
