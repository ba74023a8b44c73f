// Conversion between YAML manifests and JSON.
//
// Pure. Scalars follow the YAML 1.2 core schema: plain `true`, `8`, `0.9` and `null` are typed; quoted scalars, `yes`,
// `on`, `0123` and dates are strings. kKubectl follows YAML 1.1, as kubectl does. Duplicate keys are rejected. No
// exception leaves this file.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace autotune::text {

enum class Dialect {
  kCore,
  // sigs.k8s.io/yaml, as observed with kubectl 1.36: Off, no, n = false; On, yes, y = true; 017 = 15; 1_000 = 1000.
  kKubectl,
};
// Every non-empty document of the text. `name` begins error messages: `task.yaml:7:3: duplicate key "model"`.
base::Result<std::vector<nlohmann::json>> ParseYaml(const std::string& text, const std::string& name,
                                                    Dialect dialect = Dialect::kCore);

// Block style, two spaces, keys in the order of the JSON. Strings are quoted if a plain scalar would have another type.
// Ends with a newline.
std::string ToYaml(const nlohmann::json& value);

}  // namespace autotune::text
