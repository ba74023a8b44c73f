// The recorded argument parser of one engine release.
//
// The recordings are the JSON files of tests/engines/parsers, compiled into the binary, so an image requires no other
// files; a directory (AUTOTUNE_SIM_DATA) replaces them. Immutable values, free to share between threads.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "simulator/engine_release.h"

namespace autotune::simulator {

// argparse's nargs. kOne: exactly one value (argparse's None, for actions that store a value).
enum class Nargs { kOne, kZero, kOptional, kAny, kOneOrMore };

struct RecordedArgument {
  std::vector<std::string> flags;  // as declared: "--quantization", "-q"; empty for the positional
  std::string kind;                // argparse action: "StoreAction", "BooleanOptionalAction", ...
  std::string type;                // name of the conversion function, "" = none
  Nargs nargs = Nargs::kOne;
  // Allowed values as written by Python's repr() ("'auto'", "2"); nullopt = any value.
  std::optional<std::vector<std::string>> choices;
  // The default, if it is a scalar, as on a command line; "" if it is None or not a scalar.
  std::string default_text;

  // Name in error messages: every flag, joined by "/".
  [[nodiscard]] std::string DisplayName() const;
  // The first long flag without its dashes ("kv-cache-dtype"), or the positional's name.
  [[nodiscard]] std::string Key() const;
  std::string positional;  // "model_tag", "" for flags
};

struct RecordedParser {
  EngineRelease release;
  std::vector<RecordedArgument> arguments;
  std::vector<std::string> quantization_methods;  // vLLM: its registry, checked after argparse; else empty
};

// kInvalid: not a recorded parser (the message names the missing part).
base::Result<RecordedParser> ParseRecordedParser(std::string_view json_text);

class RecordedParsers {
 public:
  // The recordings inside the binary.
  static RecordedParsers Embedded();
  // Every *.json file of `directory`. kInvalid names the file that cannot be read.
  static base::Result<RecordedParsers> FromDirectory(const std::string& directory);

  // kNotFound lists the recorded releases of the engine.
  [[nodiscard]] base::Result<RecordedParser> Find(const EngineRelease& release) const;
  // Ascending.
  [[nodiscard]] std::vector<std::string> Versions(Engine engine) const;

 private:
  struct Recording {
    EngineRelease release;
    std::string text;
  };
  // From a file name such as "vllm-0.24.0.json"; nullopt when it is none.
  static std::optional<EngineRelease> ReleaseOfFile(std::string_view file_name);
  std::vector<Recording> recordings_;
};

}  // namespace autotune::simulator
