// Checks a task against the schema of the CustomResourceDefinition, as the API server does, and lists all errors at
// once.
//
// Pure. The schema is crds/autotunetask.yaml, compiled in: types, enumerations, patterns, limits, required and unknown
// fields, sets and keyed lists. CEL rules are not evaluated here: api::TaskFromJson checks them.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace autotune::cli {

// One line per error, "spec.slo.errorRate: a number, must be a string: write \"0.01\""; empty if the API server's
// schema accepts the object. Also checks metadata.name.
std::vector<std::string> SchemaProblems(const nlohmann::json& task);

// Normalises an object as the API server does before validation. Removes null members, except in lists and in objects
// whose members the schema does not define; returns their paths, "spec.parameters.max-num-seqs". Whole numbers become
// integers if the schema requires that: 1e1 is 10.
std::vector<std::string> ReadAsTheApiServer(nlohmann::json& task);

}  // namespace autotune::cli
