// Changes of vLLM to its command line before argparse: underscores in flag names become dashes, dotted flags (`--x.y
// v`, `--x.y+=v`) become JSON, `-O3` becomes `--optimization-level 3`, a `--model` option becomes the positional.
//
// Written after vllm/utils/argparse_utils.py. Pure.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "simulator/recorded_parser.h"

namespace autotune::simulator {

struct FlexibleArguments {
  std::vector<std::string> arguments;
  std::vector<std::string> warnings;  // log lines without their prefix
};

// `arguments` are those after `vllm serve` (or all of them for the older module entry point: `serve` false).
// kInvalid: the process ends with a Python exception of that message (a missing value after a dotted flag or --config).
base::Result<FlexibleArguments> PrepareVllmArguments(const RecordedParser& parser, std::vector<std::string> arguments,
                                                     bool serve);

}  // namespace autotune::simulator
