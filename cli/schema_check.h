// Checks a task against the schema of the CustomResourceDefinition, as the API server does, and lists all errors at
// once.
//
// Pure. The schema is crds/autotunetask.yaml itself, compiled in: types, enumerations, patterns, bounds, required and
// unknown fields, sets and keyed lists. Its CEL rules are not evaluated here: api::TaskFromJson has each of them.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace autotune::cli {

// One line each, "spec.slo.errorRate: a number, must be a string: write \"0.01\""; empty where the API server's schema
// takes the object. Also metadata.name.
std::vector<std::string> SchemaProblems(const nlohmann::json& task);

// Reads an object as the API server does before it checks it. Members without a value (null) are removed, unless in a
// list or in an object whose members the schema does not know; returns their paths, "spec.parameters.max-num-seqs".
// Whole numbers become integers where the schema wants them: 1e1 is 10.
std::vector<std::string> ReadAsTheApiServer(nlohmann::json& task);

}  // namespace autotune::cli
