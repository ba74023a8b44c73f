// TensorRT-LLM's command line by click's rules. Nothing is recorded of trtllm-serve, so names are NOT checked: only
// what click rejects for every program is (an option spelled with dashes where all are declared with underscores, a
// missing value, no model). Whether an option takes a value is known for the switches below; every other one takes one.
//
// Pure.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "simulator/argparse.h"

namespace autotune::simulator {

struct ClickRefusal {
  std::string output;  // complete output to standard error
  int exit_code = 2;
};

// `arguments` after `trtllm-serve` (a leading "serve" is allowed). Keys of the result are the option names without
// dashes ("tp_size"); the model is under "model".
std::variant<ParsedArguments, ClickRefusal> ParseTrtllmArguments(const std::vector<std::string>& arguments);

}  // namespace autotune::simulator
