// TensorRT-LLM's command line according to click. trtllm-serve was not recorded, so names are NOT checked: it rejects
// only what click rejects for every program (dashes in an option where all have underscores, a missing value, no
// model). Options take a value, except for known switches.
//
// Pure.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "simulator/argparse.h"

namespace autotune::simulator {

struct ClickError {
  std::string output;  // complete output to standard error
  int exit_code = 2;
};

// `arguments` after `trtllm-serve` (a leading "serve" is allowed). Keys of the result are the option names without
// dashes ("tp_size"); the model is under "model".
std::variant<ParsedArguments, ClickError> ParseTrtllmArguments(const std::vector<std::string>& arguments);

}  // namespace autotune::simulator
