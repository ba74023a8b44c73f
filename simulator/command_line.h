// From an argv to an engine: selects the engine (by the command's name, also through symbolic links) and the release,
// and checks whether its parser accepts the arguments. Pure, apart from reading option files.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "simulator/argparse.h"
#include "simulator/recorded_parser.h"

namespace autotune::simulator {

// A recognised command.
struct Invocation {
  Engine engine = Engine::kVllm;
  std::string prog;                    // argparse's name of the program, "vllm" or "main.py"
  bool subcommand = true;              // vLLM: `vllm serve` (false: the older module entry point)
  bool module = false;                 // started with python3 -m
  std::vector<std::string> arguments;  // after the command words
};

// Output and exit code of a process that does not start an engine.
struct CommandError {
  std::string output;  // standard error, complete lines
  int exit_code = 2;
  bool after_imports = false;  // true: the real engine reports it only after importing its code
};

// Recognises `vllm serve ...`, `python3 -m vllm.entrypoints.openai.api_server ...`, `python3 -m
// vllm.entrypoints.cli.main serve ...`, `python3 -m sglang.launch_server ...`, `sglang serve ...`, `trtllm-serve
// [serve] ...`, and `simulated-engine --as NAME -- ...` with any of these names.
std::variant<Invocation, CommandError> RecogniseCommand(const std::vector<std::string>& argv);

struct AcceptedArguments {
  ParsedArguments arguments;
  std::vector<std::string> warnings;
};
// `parser` is nullptr for TensorRT-LLM, whose flags are not checked.
std::variant<AcceptedArguments, CommandError> ParseEngineArguments(const Invocation& invocation,
                                                                   const RecordedParser* parser);

}  // namespace autotune::simulator
