// Python's argparse for a recorded parser: accepts or rejects arguments with the same messages.
//
// Follows ArgumentParser.parse_known_args of CPython 3.12 (with abbreviations, as in both engines); compared with it in
// tests/simulator/argparse_corpus.json. Differs where the recording is incomplete: conversions that need the engine's
// classes (`_optional_type`, `parse_dataclass`) accept plausible values. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "simulator/recorded_parser.h"

namespace autotune::simulator {

// One option that was given (the last one wins, as in argparse).
struct GivenArgument {
  std::string flag;                 // full name, abbreviations resolved: "--kv-cache-dtype"
  std::vector<std::string> values;  // empty for switches
  bool on = true;                   // switches: --x is true, --no-x (or the recorded off form) false
};

// Keyed by RecordedArgument::Key().
struct ParsedArguments {
  std::map<std::string, GivenArgument, std::less<>> given;

  [[nodiscard]] bool Has(std::string_view key) const { return given.find(key) != given.end(); }
  // The first value as text; `fallback` if absent.
  [[nodiscard]] std::string Text(std::string_view key, std::string_view fallback = "") const;
  [[nodiscard]] bool On(std::string_view key, bool fallback = false) const;
};

struct ArgparseError {
  enum class Kind {
    kError,         // parser.error(message)
    kUnrecognized,  // left-over arguments: a parent parser reports them
    kHelp,          // -h
  };
  Kind kind = Kind::kError;
  std::string message;  // "argument --x: expected one argument"; kUnrecognized: the arguments, joined by blanks
};

// `required`: keys that argparse requires; the recordings do not have them.
std::variant<ParsedArguments, ArgparseError> ParseArguments(const RecordedParser& parser,
                                                            const std::vector<std::string>& arguments,
                                                            const std::vector<std::string>& required);

// argparse's own usage text, wrapped for a terminal of 80 columns ("usage: PROG [-h] --model-path MODEL_PATH ...\n").
std::string FormatUsage(const RecordedParser& parser, std::string_view prog, const std::vector<std::string>& required);

}  // namespace autotune::simulator
