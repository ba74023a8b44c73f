// Conversion between YAML manifests and JSON.
//
// Pure. Scalars follow the YAML 1.2 core schema: plain `true`, `8`, `0.9` and `null` are typed, everything quoted is a
// string, and `yes`, `on`, `0123` or dates stay strings. kKubectl reads like kubectl, with the words and numbers of
// YAML 1.1. Duplicate keys are rejected. No exception leaves this file.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace autotune::text {

enum class Dialect {
  kCore,
  // sigs.k8s.io/yaml, seen with kubectl 1.36: Off, no, n are false, On, yes, y are true, 017 is 15, 1_000 is 1000.
  kKubectl,
};
// Every document of the text that is not empty. `name` begins error messages: `task.yaml:7:3: duplicate key "model"`.
base::Result<std::vector<nlohmann::json>> ParseYaml(const std::string& text, const std::string& name,
                                                    Dialect dialect = Dialect::kCore);

// Block style, two spaces, keys in the order of the JSON; a string is quoted where a plain one would read as something
// else. Ends with a newline.
std::string ToYaml(const nlohmann::json& value);

}  // namespace autotune::text
