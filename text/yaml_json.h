// YAML manifests to JSON and back: what a user writes and reads, and what the API types speak.
//
// Pure. Scalars follow the YAML 1.2 core schema, as Kubernetes' own JSON does: plain `true`, `8`, `0.9` and `null` are
// typed, everything quoted is a string, and `yes`, `on`, `0123` or dates stay strings. Duplicate keys are refused. No
// exception leaves this file.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace autotune::text {

// Every document of the text that is not empty. `name` begins error messages: `task.yaml:7:3: duplicate key "model"`.
base::Result<std::vector<nlohmann::json>> ParseYaml(const std::string& text, const std::string& name);

// Block style, two spaces, keys in the order of the JSON; a string is quoted where a plain one would read as something
// else. Ends with a newline.
std::string ToYaml(const nlohmann::json& value);

}  // namespace autotune::text
