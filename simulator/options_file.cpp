#include "simulator/options_file.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "simulator/python_text.h"

namespace autotune::simulator {
namespace {

using nlohmann::json;

json Scalar(const YAML::Node& node) {
  const std::string& text = node.Scalar();
  if (node.Tag() == "!") return text;  // quoted
  if (text == "true" || text == "True") return true;
  if (text == "false" || text == "False") return false;
  if (text.empty() || text == "null" || text == "~") return nullptr;
  if (const auto number = PythonInt(text)) return *number;
  if (const auto number = PythonFloat(text)) return *number;
  return text;
}

json ToJson(const YAML::Node& node) {
  if (node.IsMap()) {
    json object = json::object();
    for (const auto& entry : node) object[entry.first.as<std::string>()] = ToJson(entry.second);
    return object;
  }
  if (node.IsSequence()) {
    json list = json::array();
    for (const auto& entry : node) list.push_back(ToJson(entry));
    return list;
  }
  return node.IsScalar() ? Scalar(node) : json();
}

std::string Text(const json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

}  // namespace

base::Result<json> ReadOptionsFile(const std::string& path) {
  try {
    const YAML::Node root = YAML::LoadFile(path);
    if (root.IsNull()) return json::object();
    if (!root.IsMap()) return base::Invalid(path + ": the top level is not a mapping");
    return ToJson(root);
  } catch (const YAML::BadFile&) {
    return base::Invalid(path + ": cannot be read");
  } catch (const YAML::Exception& error) {
    return base::Invalid(path + ": " + error.what());
  }
}

std::vector<std::string> ArgumentsOfOptions(const json& options, const std::vector<std::string>& known_flags) {
  std::vector<std::string> arguments;
  for (const auto& [key, value] : options.items()) {
    const std::string flag = "--" + key;
    if (value.is_boolean()) {
      const std::string off = "--no-" + key;
      if (value.get<bool>()) {
        arguments.push_back(flag);
      } else if (std::find(known_flags.begin(), known_flags.end(), off) != known_flags.end()) {
        arguments.push_back(off);
      }
    } else if (value.is_array()) {
      if (value.empty()) continue;
      arguments.push_back(flag);
      for (const json& item : value) arguments.push_back(Text(item));
    } else {
      arguments.push_back(flag);
      arguments.push_back(Text(value));
    }
  }
  return arguments;
}

}  // namespace autotune::simulator
