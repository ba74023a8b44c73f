#include "tests/api/schema.h"

#include <yaml-cpp/yaml.h>

#include <charconv>
#include <stdexcept>

namespace autotune::api {
namespace {

using nlohmann::json;

json ScalarToJson(const YAML::Node& node) {
  const std::string text = node.Scalar();
  // Quoted and block scalars carry "!", plain ones "?".
  if (node.Tag() == "!") return text;
  if (text.empty() || text == "~" || text == "null") return nullptr;
  if (text == "true" || text == "false") return text == "true";
  const char* end = text.data() + text.size();
  std::int64_t integer = 0;
  if (const auto [at, error] = std::from_chars(text.data(), end, integer); error == std::errc() && at == end) {
    return integer;
  }
  double number = 0;
  if (const auto [at, error] = std::from_chars(text.data(), end, number); error == std::errc() && at == end) {
    return number;
  }
  return text;
}

json ToJson(const YAML::Node& node) {
  if (node.IsMap()) {
    json out = json::object();
    for (const auto& item : node) out[item.first.Scalar()] = ToJson(item.second);
    return out;
  }
  if (node.IsSequence()) {
    json out = json::array();
    for (const auto& item : node) out.push_back(ToJson(item));
    return out;
  }
  return node.IsScalar() ? ScalarToJson(node) : json(nullptr);
}

// A place where the schema allows what it does not describe.
bool IsOpen(const json& schema) {
  return !schema.contains("type") || (schema.contains("x-kubernetes-preserve-unknown-fields"));
}

}  // namespace

json LoadYaml(const std::string& path) { return ToJson(YAML::LoadFile(path)); }

json LoadSchema() {
  const json crd = LoadYaml(TESTDATA_DIR "/../crds/autotunetask.yaml");
  return crd.at("spec").at("versions").at(0).at("schema").at("openAPIV3Schema");
}

void ApplyDefaults(const json& schema, json& value) {
  if (value.is_object() && schema.contains("properties")) {
    for (const auto& [key, property] : schema["properties"].items()) {
      if (!value.contains(key) && property.contains("default")) value[key] = property["default"];
      if (value.contains(key)) ApplyDefaults(property, value[key]);
    }
  }
  if (value.is_array() && schema.contains("items")) {
    for (json& item : value) ApplyDefaults(schema["items"], item);
  }
}

std::set<std::string> LeafPaths(const json& schema, const std::string& path) {
  if (IsOpen(schema)) return {path};
  std::set<std::string> paths;
  if (schema.contains("properties")) {
    for (const auto& [key, property] : schema["properties"].items()) paths.merge(LeafPaths(property, path + "." + key));
  } else if (schema.contains("items")) {
    paths.merge(LeafPaths(schema["items"], path + "[]"));
  } else {
    paths.insert(path);
  }
  return paths;
}

std::set<std::string> LeafPaths(const json& schema, const json& value, const std::string& path) {
  if (IsOpen(schema)) return {path};
  std::set<std::string> paths;
  if (schema.contains("properties") && value.is_object()) {
    for (const auto& [key, member] : value.items()) {
      // What the schema does not know shows up as a path that the schema does not have.
      const bool known = schema["properties"].contains(key);
      paths.merge(known ? LeafPaths(schema["properties"][key], member, path + "." + key)
                        : std::set<std::string>{path + "." + key});
    }
  } else if (schema.contains("items") && value.is_array()) {
    for (const json& item : value) paths.merge(LeafPaths(schema["items"], item, path + "[]"));
  } else {
    paths.insert(path);
  }
  return paths;
}

}  // namespace autotune::api
