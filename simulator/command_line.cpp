#include "simulator/command_line.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "simulator/click_options.h"
#include "simulator/flexible_arguments.h"
#include "simulator/options_file.h"

namespace autotune::simulator {
namespace {

CommandError NotSimulated(const std::string& what) {
  return {"simulated-engine: " + what +
              "\nsimulated commands: vllm serve MODEL ..., python3 -m vllm.entrypoints.openai.api_server ..., "
              "python3 -m sglang.launch_server ..., sglang serve ..., trtllm-serve MODEL ..., "
              "simulated-engine --as NAME -- ARGUMENTS\n",
          2, false};
}

std::vector<std::string> Rest(const std::vector<std::string>& words, std::size_t from) {
  return {words.begin() + static_cast<std::ptrdiff_t>(std::min(from, words.size())), words.end()};
}

std::variant<Invocation, CommandError> VllmCommand(const std::string& prog, const std::vector<std::string>& words,
                                                   std::size_t from) {
  Invocation invocation{Engine::kVllm, prog, true, false, {}};
  if (from >= words.size()) return NotSimulated(prog + " without a command");
  if (words[from] != "serve") return NotSimulated(prog + " " + words[from] + " is not simulated, only serve is");
  invocation.arguments = Rest(words, from + 1);
  return invocation;
}

std::variant<Invocation, CommandError> PythonCommand(const std::vector<std::string>& words) {
  std::size_t at = 1;
  while (at < words.size() && words[at] != "-m" && words[at].starts_with("-") && words[at] != "-c") ++at;
  if (at + 1 >= words.size() || words[at] != "-m") return NotSimulated("only python3 -m MODULE is simulated");
  const std::string& module = words[at + 1];
  if (module == "vllm.entrypoints.openai.api_server") {
    return Invocation{Engine::kVllm, "api_server.py", false, true, Rest(words, at + 2)};
  }
  if (module == "vllm.entrypoints.cli.main") {
    auto command = VllmCommand("main.py", words, at + 2);
    if (auto* invocation = std::get_if<Invocation>(&command)) invocation->module = true;
    return command;
  }
  if (module == "sglang.launch_server") {
    return Invocation{Engine::kSglang, "launch_server.py", true, true, Rest(words, at + 2)};
  }
  return NotSimulated("python3 -m " + module + " is not simulated");
}

// argparse's parent parser of vLLM: it reports what the sub-command's parser left over.
std::string VllmParentUsage(const std::string& prog) {
  return "usage: " + prog + " [-h] [-v]\n" + std::string(prog.size() + 8, ' ') +
         "{chat,complete,serve,launch,bench,collect-env,run-batch} ...\n";
}

CommandError Explain(const ArgparseError& refusal, const std::string& usage, const std::string& prog,
                     const std::string& parent_usage, const std::string& parent_prog) {
  switch (refusal.kind) {
    case ArgparseError::Kind::kError:
      return {usage + prog + ": error: " + refusal.message + "\n", 2, true};
    case ArgparseError::Kind::kUnrecognized:
      return {parent_usage + parent_prog + ": error: unrecognized arguments: " + refusal.message + "\n", 2, true};
    case ArgparseError::Kind::kHelp:
      return {usage, 0, true};
  }
  return {};
}

}  // namespace

std::variant<Invocation, CommandError> RecogniseCommand(const std::vector<std::string>& argv) {
  std::vector<std::string> words = argv;
  if (words.empty()) return NotSimulated("no command");
  std::string name = std::filesystem::path(words.front()).filename().string();
  if (name == "simulated-engine") {
    if (words.size() < 3 || words[1] != "--as") return NotSimulated("which engine?");
    name = words[2];
    std::size_t from = 3;
    if (from < words.size() && words[from] == "--") ++from;
    words = Rest(words, from);
    words.insert(words.begin(), name);
  }
  if (name == "vllm") return VllmCommand("vllm", words, 1);
  if (name.starts_with("python")) return PythonCommand(words);
  if (name == "sglang") {
    if (words.size() < 2 || words[1] != "serve") return NotSimulated("sglang: only serve is simulated");
    return Invocation{Engine::kSglang, "sglang serve", true, false, Rest(words, 2)};
  }
  if (name == "trtllm-serve") return Invocation{Engine::kTensorRtLlm, "trtllm-serve", true, false, Rest(words, 1)};
  return NotSimulated("\"" + name + "\" is not a simulated command");
}

std::variant<AcceptedArguments, CommandError> ParseEngineArguments(const Invocation& invocation,
                                                                   const RecordedParser* parser) {
  AcceptedArguments accepted;
  switch (invocation.engine) {
    case Engine::kVllm: {
      base::Result<FlexibleArguments> prepared =
          PrepareVllmArguments(*parser, invocation.arguments, invocation.subcommand);
      if (!prepared) return CommandError{prepared.error().message + "\n", 1, true};
      accepted.warnings = prepared->warnings;
      auto parsed = ParseArguments(*parser, prepared->arguments, {});
      if (const auto* refusal = std::get_if<ArgparseError>(&parsed)) {
        if (!invocation.subcommand) {
          const std::string usage = FormatUsage(*parser, invocation.prog, {});
          return Explain(*refusal, usage, invocation.prog, usage, invocation.prog);
        }
        return Explain(*refusal, "usage: vllm serve [model_tag] [options]\n", invocation.prog + " serve",
                       VllmParentUsage(invocation.prog), invocation.prog);
      }
      accepted.arguments = std::get<ParsedArguments>(std::move(parsed));
      return accepted;
    }
    case Engine::kSglang: {
      std::vector<std::string> arguments = invocation.arguments;
      const auto config = std::find(arguments.begin(), arguments.end(), "--config");
      if (config != arguments.end() && config + 1 != arguments.end()) {
        base::Result<nlohmann::json> options = ReadOptionsFile(*(config + 1));
        if (!options) return CommandError{"ValueError: " + options.error().message + "\n", 1, true};
        // The file's values come first, so that the command line wins.
        const std::vector<std::string> from_file = ArgumentsOfOptions(*options, {});
        arguments.erase(config, config + 2);
        arguments.insert(arguments.begin(), from_file.begin(), from_file.end());
      }
      auto parsed = ParseArguments(*parser, arguments, {"model-path"});
      if (const auto* refusal = std::get_if<ArgparseError>(&parsed)) {
        // From 0.5.10 on the module calls itself by its new name.
        const std::string prog = parser->release.Within("0.5.10", "") ? "sglang serve" : invocation.prog;
        const std::string usage = FormatUsage(*parser, prog, {"model-path"});
        return Explain(*refusal, usage, prog, usage, prog);
      }
      accepted.arguments = std::get<ParsedArguments>(std::move(parsed));
      return accepted;
    }
    case Engine::kTensorRtLlm: {
      auto parsed = ParseTrtllmArguments(invocation.arguments);
      if (const auto* refusal = std::get_if<ClickError>(&parsed)) {
        return CommandError{refusal->output, refusal->exit_code, true};
      }
      accepted.arguments = std::get<ParsedArguments>(std::move(parsed));
      return accepted;
    }
  }
  return NotSimulated("unknown engine");
}

}  // namespace autotune::simulator
