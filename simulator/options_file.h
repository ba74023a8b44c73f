// Option files that engines read (vLLM and SGLang `--config`, TensorRT-LLM's extra options): YAML as JSON. Stateless.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/result.h"

namespace autotune::simulator {

// kInvalid: the file cannot be read, is not YAML, or its top level is not a mapping.
base::Result<nlohmann::json> ReadOptionsFile(const std::string& path);

// The command-line arguments that a `--config` file stands for: {"port": 1, "enforce-eager": true} is
// --port 1 --enforce-eager; false becomes --no-KEY where `known_flags` has it and is left out otherwise.
std::vector<std::string> ArgumentsOfOptions(const nlohmann::json& options, const std::vector<std::string>& known_flags);

}  // namespace autotune::simulator
