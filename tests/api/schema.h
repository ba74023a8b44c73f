// The CRD of this repository as JSON, and what a test wants to know of it.
#pragma once

#include <nlohmann/json.hpp>
#include <set>
#include <string>

namespace autotune::api {

// A YAML file as the JSON that kubectl would send. Plain scalars become null, booleans or numbers as in YAML's core
// schema.
nlohmann::json LoadYaml(const std::string& path);

// openAPIV3Schema of crds/autotunetask.yaml.
nlohmann::json LoadSchema();

// What the API server does to an object on its way in: fills in the schema's defaults.
void ApplyDefaults(const nlohmann::json& schema, nlohmann::json& value);

// The paths of all leaves of a schema below `path` ("spec.gpu.products[]"). Where anything is allowed, the path ends.
std::set<std::string> LeafPaths(const nlohmann::json& schema, const std::string& path);

// The paths of a value's leaves in the same spelling; stops where the schema stops.
std::set<std::string> LeafPaths(const nlohmann::json& schema, const nlohmann::json& value, const std::string& path);

}  // namespace autotune::api
