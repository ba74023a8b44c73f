#include "cli/schema_check.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <string_view>

#include "base/ascii_case.h"
#include "cli/correction.h"
#include "text/yaml_json.h"

namespace autotune::cli {

std::string_view BuiltInCrd();

namespace {

using nlohmann::json;

// Longer strings are over every maxLength; std::regex is recursive.
constexpr std::size_t kMostMatched = 8192;

const json& TaskSchema() {
  static const json schema = [] {
    const auto documents = text::ParseYaml(std::string(BuiltInCrd()), "crds/autotunetask.yaml");
    return documents ? documents->front()["spec"]["versions"][0]["schema"]["openAPIV3Schema"] : json::object();
  }();
  return schema;
}

std::string Shown(const json& value) {
  std::string text = value.dump(-1, ' ', false, json::error_handler_t::replace);
  return text.size() > 60 ? text.substr(0, 57) + "..." : text;
}

std::string TypeOf(const json& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return "a list";
  if (value.is_string()) return "a string";
  if (value.is_boolean()) return "true or false";
  if (value.is_number_integer()) return "an integer";
  if (value.is_number()) return "a number";
  return "nothing";
}

std::string Wanted(const std::string& type) {
  if (type == "object") return "an object";
  if (type == "array") return "a list";
  if (type == "integer") return "an integer";
  if (type == "boolean") return "true or false";
  return "a " + type;
}

bool IsOfType(const json& value, const std::string& type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_boolean();
  if (type == "number") return value.is_number();
  if (type != "integer") return true;
  return value.is_number_integer() ||
         (value.is_number_float() && std::floor(value.get<double>()) == value.get<double>());
}

std::size_t Characters(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

// A value as one writes it in YAML: text quoted, lists and objects in one line.
std::string Written(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

// Every place of the spec at which a field of this name is, "spec.slo.ttft": for those who put it elsewhere.
void FindFields(const json& schema, const std::string& name, const std::string& path, std::vector<std::string>& found) {
  if (schema.contains("items")) FindFields(schema["items"], name, path + "[]", found);
  if (!schema.contains("properties")) return;
  for (const auto& [known, member] : schema["properties"].items()) {
    if (known == name) found.push_back(path + "." + known);
    FindFields(member, name, path + "." + known, found);
  }
}

// What a field is: its description continues with ranges and defaults.
std::string FirstSentence(const std::string& description) { return description.substr(0, description.find(". ")); }

class Checker {
 public:
  void Check(const json& schema, const json& value, const std::string& path) {
    if (schema.value("x-kubernetes-int-or-string", false)) {
      if (!value.is_string() && !value.is_number_integer()) {
        Say(path, Shown(value) + " is " + TypeOf(value) + "; expected an integer or a string");
      } else if (value.is_string()) {
        CheckText(schema, value.get<std::string>(), path);
      } else {
        CheckNumber(schema, value, path);
      }
      return;
    }
    const std::string type = schema.value("type", "");
    if (!IsOfType(value, type)) return WrongType(schema, type, value, path);
    if (schema.contains("enum")) CheckEnum(schema["enum"], value, path);
    if (value.is_string()) CheckText(schema, value.get<std::string>(), path);
    if (value.is_number()) CheckNumber(schema, value, path);
    if (value.is_array()) CheckList(schema, value, path);
    if (value.is_object()) CheckObject(schema, value, path);
  }

  void Say(const std::string& path, const std::string& what) { problems_.push_back(path + ": " + what); }
  std::vector<std::string> Take() { return std::move(problems_); }

 private:
  void WrongType(const json& schema, const std::string& type, const json& value, const std::string& path) {
    std::string text = Shown(value) + " is " + TypeOf(value) + "; expected " + Wanted(type);
    const std::string correction = corrects_ ? Correction(schema, value, path) : "";
    if (correction.empty() && type == "object" && schema.contains("properties")) {
      std::string names;
      for (const auto& [name, member] : schema["properties"].items()) names += (names.empty() ? "" : ", ") + name;
      text += " with " + names;
    } else if (correction.empty() && type == "array" && schema.contains("items") &&
               schema["items"].contains("properties")) {
      std::string names;
      for (const json& name : schema["items"].value("required", json::array())) {
        names += (names.empty() ? "" : ", ") + name.get<std::string>();
      }
      text += " of objects" + (names.empty() ? "" : " with " + names);
    } else if (correction.empty() && type == "object") {
      const std::string description = schema.value("description", "");
      if (!description.empty()) text += ": " + FirstSentence(description);
    }
    Say(path, text + correction);
  }

  // ": write X", or "" where nothing else is taken.
  static std::string Correction(const json& schema, const json& value, const std::string& path) {
    const auto takes = [&](const json& field, const json& other) {
      Checker checker;
      checker.corrects_ = false;
      checker.Check(field, other, path);
      return checker.problems_.empty();
    };
    const std::vector<std::string> durations = WithUnits(schema, value, path, takes);
    std::string text;
    for (std::size_t i = 0; i < durations.size(); ++i) {
      text += i == 0 ? ": write " : i + 1 == durations.size() ? " or " : ", ";
      text += Written(durations[i]);
    }
    if (!text.empty()) return text;
    const auto corrected = Corrected(schema, value, path, takes);
    if (!corrected) return "";
    text = ": write " + Written(*corrected);
    // The number is another text than what was written: 0.10 is 0.1, 1e5 is 100000.0.
    const bool plain = !schema.contains("pattern") || path.ends_with(".version") || path.ends_with(".revision");
    if (value.is_number_float() && corrected->is_string() && plain) {
      return ": write it in quotes, as \"" + corrected->get<std::string>() +
             "\" (without quotes YAML reads a number, and 0.10 as 0.1)";
    }
    if (value.is_boolean() && corrected->is_string() && *corrected != value.dump()) {
      text += " (without quotes YAML reads words such as Off and No as false)";
    }
    return text;
  }

  void CheckEnum(const json& values, const json& value, const std::string& path) {
    if (std::find(values.begin(), values.end(), value) != values.end()) return;
    std::vector<std::string> names;
    std::string all;
    for (const json& one : values) {
      names.push_back(one.is_string() ? one.get<std::string>() : one.dump());
      all += (all.empty() ? "" : ", ") + names.back();
    }
    const std::string close = value.is_string() ? Closest(value.get<std::string>(), names) : "";
    Say(path, Shown(value) + " is not one of " + all + (close.empty() ? "" : "; did you mean " + close + "?"));
  }

  void CheckText(const json& schema, const std::string& value, const std::string& path) {
    const std::size_t length = Characters(value);
    if (schema.contains("maxLength") && length > schema["maxLength"].get<std::size_t>()) {
      return Say(path, "has " + std::to_string(length) + " characters, at most " + schema["maxLength"].dump() +
                           " are allowed");
    }
    if (schema.contains("minLength") && length < schema["minLength"].get<std::size_t>()) {
      return Say(path, value.empty() ? "is empty" : "is shorter than " + schema["minLength"].dump() + " characters");
    }
    if (!schema.contains("pattern") || value.size() > kMostMatched) return;
    const std::string pattern = schema["pattern"];
    if (std::regex_search(value, std::regex(pattern, std::regex::ECMAScript | std::regex::nosubs))) return;
    const std::string description = schema.value("description", "");
    Say(path, Shown(value) + " does not have the form " + pattern +
                  (description.empty() ? "" : " (" + FirstSentence(description) + ")") +
                  (corrects_ ? Correction(schema, value, path) : ""));
  }

  void CheckNumber(const json& schema, const json& value, const std::string& path) {
    if (schema.contains("minimum") && value.get<double>() < schema["minimum"].get<double>()) {
      const bool has_unit = corrects_ && schema.value("x-kubernetes-int-or-string", false);
      Say(path,
          Shown(value) + " is below " + schema["minimum"].dump() + (has_unit ? Correction(schema, value, path) : ""));
    }
    if (schema.contains("maximum") && value.get<double>() > schema["maximum"].get<double>()) {
      Say(path, Shown(value) + " is above " + schema["maximum"].dump());
    }
  }

  void CheckList(const json& schema, const json& value, const std::string& path) {
    if (schema.contains("maxItems") && value.size() > schema["maxItems"].get<std::size_t>()) {
      Say(path,
          "has " + std::to_string(value.size()) + " entries, at most " + schema["maxItems"].dump() + " are allowed");
    }
    if (schema.contains("minItems") && value.size() < schema["minItems"].get<std::size_t>()) {
      Say(path,
          "has " + std::to_string(value.size()) + " entries, at least " + schema["minItems"].dump() + " are required");
    }
    const std::string kind = schema.value("x-kubernetes-list-type", "");
    std::set<json> seen;
    for (std::size_t i = 0; i < value.size(); ++i) {
      const std::string item = path + "[" + std::to_string(i) + "]";
      if (schema.contains("items")) Check(schema["items"], value[i], item);
      json key = value[i];
      if (kind == "map" && value[i].is_object()) {
        key = json::object();
        for (const json& name : schema["x-kubernetes-list-map-keys"]) {
          key[name.get<std::string>()] = value[i].value(name.get<std::string>(), json());
        }
      }
      if ((kind == "map" || kind == "set") && !seen.insert(key).second) Say(item, Shown(key) + " is listed twice");
    }
  }

  void CheckObject(const json& schema, const json& value, const std::string& path) {
    if (schema.contains("maxProperties") && value.size() > schema["maxProperties"].get<std::size_t>()) {
      Say(path, "has " + std::to_string(value.size()) + " fields, at most " + schema["maxProperties"].dump() +
                    " are allowed");
    }
    if (schema.contains("minProperties") && value.size() < schema["minProperties"].get<std::size_t>()) {
      Say(path, "has no field, at least " + schema["minProperties"].dump() + " is required");
    }
    for (const json& name : schema.value("required", json::array())) {
      if (!value.contains(name.get<std::string>())) Say(path + "." + name.get<std::string>(), "is missing");
    }
    const json& properties = schema.contains("properties") ? schema["properties"] : kNone;
    for (const auto& [name, member] : value.items()) {
      const std::string inside = path + "." + name;
      if (properties.contains(name)) {
        Check(properties[name], member, inside);
      } else if (schema.contains("additionalProperties") && schema["additionalProperties"].is_object()) {
        Check(schema["additionalProperties"], member, inside);
      } else if (!schema.value("x-kubernetes-preserve-unknown-fields", false) && schema.contains("properties")) {
        Unknown(properties, name, inside);
      }
    }
  }

  void Unknown(const json& properties, const std::string& name, const std::string& path) {
    if (name.find("\u00a0") != std::string::npos) {
      return Say(path, "unknown field: it contains a no-break space; write an ordinary one");
    }
    std::vector<std::string> names;
    std::string all;
    for (const auto& [known, schema] : properties.items()) {
      names.push_back(known);
      all += (all.empty() ? "" : ", ") + known;
    }
    const std::string close = Closest(name, names);
    if (!close.empty()) return Say(path, "unknown field; did you mean " + close + "?");
    std::vector<std::string> elsewhere;
    FindFields(TaskSchema()["properties"]["spec"], name, "spec", elsewhere);
    if (elsewhere.empty() || elsewhere.size() > 2) return Say(path, "unknown field; known fields are " + all);
    Say(path, "unknown field here; it belongs to " + elsewhere.front() +
                  (elsewhere.size() == 2 ? " or " + elsewhere.back() : ""));
  }

  inline static const json kNone = json::object();
  std::vector<std::string> problems_;
  bool corrects_ = true;  // says what to write instead
};

// The member of an object; null for anything else.
json Member(const json& value, const char* name) {
  return value.is_object() && value.contains(name) ? value[name] : json();
}

// RFC 1123 subdomain, as the name of a custom resource.
void CheckName(const json& task, Checker& checker) {
  const json name = Member(Member(task, "metadata"), "name");
  if (name.is_null()) return checker.Say("metadata.name", "is missing");
  if (!name.is_string()) {
    return checker.Say("metadata.name", Shown(name) + " is " + TypeOf(name) + "; expected a string" +
                                            (name.is_number_integer() ? ": write \"" + name.dump() + "\"" : ""));
  }
  const std::string text = name;
  static const std::regex kName("^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$");
  if (text.size() <= 253 && std::regex_match(text, kName)) return;
  std::string small = base::AsciiLower(text);
  std::ranges::replace_if(
      small, [](char c) { return c == '_' || c == ' '; }, '-');
  const bool valid = small.size() <= 253 && std::regex_match(small, kName);
  checker.Say("metadata.name", Shown(name) +
                                   " is not a valid name: lower-case letters, digits, - and ., at most 253 characters, "
                                   "beginning and ending with a letter or digit" +
                                   (valid ? ": write \"" + small + "\"" : ""));
}

// What every object has: names of fields, and labels and annotations of texts. The API server refuses others.
void CheckMetadata(const json& task, Checker& checker) {
  static const std::vector<std::string> kKnown = {"annotations",
                                                  "creationTimestamp",
                                                  "deletionGracePeriodSeconds",
                                                  "deletionTimestamp",
                                                  "finalizers",
                                                  "generateName",
                                                  "generation",
                                                  "labels",
                                                  "managedFields",
                                                  "name",
                                                  "namespace",
                                                  "ownerReferences",
                                                  "resourceVersion",
                                                  "selfLink",
                                                  "uid"};
  const json metadata = Member(task, "metadata");
  if (!metadata.is_object()) return;
  for (const auto& [name, member] : metadata.items()) {
    if (std::find(kKnown.begin(), kKnown.end(), name) != kKnown.end()) continue;
    const std::string close = Closest(name, kKnown);
    checker.Say("metadata." + name, "unknown field" + (close.empty() ? "" : "; did you mean " + close + "?"));
  }
  for (const char* texts : {"labels", "annotations"}) {
    const json of = Member(metadata, texts);
    const std::string path = std::string("metadata.") + texts;
    if (!of.is_object() && !of.is_null()) {
      checker.Say(path, Shown(of) + " is " + TypeOf(of) + "; expected an object");
      continue;
    }
    for (const auto& [name, member] : of.items()) {
      if (member.is_string() || member.is_null()) continue;
      checker.Say(path + "." + name, Shown(member) + " is " + TypeOf(member) + "; expected a string" +
                                         (member.is_structured() ? "" : ": write " + Written(member.dump())));
    }
  }
}

// A CEL rule that reading the task leaves to whoever builds a pod.
void CheckVolumeOf(const json& model, const std::string& path, Checker& checker) {
  const json id = Member(model, "idOrPath");
  if (!id.is_string() || !id.get<std::string>().starts_with('/') || Member(model, "volume").is_object()) return;
  checker.Say(path + ".idOrPath", Shown(id) + " is a path, which requires " + path +
                                      ".volume; an id on the Hugging Face Hub looks like "
                                      "meta-llama/Llama-3.2-1B-Instruct");
}

}  // namespace

namespace {

// As the API server's pruning (k8s.io/apiextensions-apiserver, schema/defaulting): only where the schema knows the
// member.
void ReadMember(const json& schema, json& value, const std::string& path, std::vector<std::string>& dropped) {
  // JSON has one kind of number: 10.0 is an integer.
  constexpr double kExact = 9007199254740992;  // 2^53: larger ones have lost digits already
  const bool integer = schema.value("type", "") == "integer" || schema.value("x-kubernetes-int-or-string", false);
  if (integer && value.is_number_float()) {
    const double number = value.get<double>();
    if (std::floor(number) == number && std::abs(number) < kExact) value = static_cast<std::int64_t>(number);
  }
  if (value.is_array() && schema.contains("items")) {
    for (std::size_t i = 0; i < value.size(); ++i) {
      ReadMember(schema["items"], value[i], path + "[" + std::to_string(i) + "]", dropped);
    }
  }
  if (!value.is_object()) return;
  std::vector<std::string> nulls;
  for (auto& [name, member] : value.items()) {
    const bool known = schema.contains("properties") && schema["properties"].contains(name);
    const bool additional = schema.contains("additionalProperties") && schema["additionalProperties"].is_object();
    if (!known && !additional) continue;
    const json& inner = known ? schema["properties"][name] : schema["additionalProperties"];
    const std::string inside = path.empty() ? name : path + "." + name;
    if (!member.is_null()) {
      ReadMember(inner, member, inside, dropped);
    } else if (!inner.value("nullable", false)) {
      nulls.push_back(name);
      dropped.push_back(inside);
    }
  }
  for (const std::string& name : nulls) value.erase(name);
}

}  // namespace

std::vector<std::string> ReadAsTheApiServer(json& task) {
  std::vector<std::string> dropped;
  ReadMember(TaskSchema(), task, "", dropped);
  return dropped;
}

std::vector<std::string> SchemaProblems(const json& task) {
  Checker checker;
  if (!task.is_object()) return {"is not an object"};
  CheckName(task, checker);
  CheckMetadata(task, checker);
  const json& spec = TaskSchema()["properties"]["spec"];
  if (!task.contains("spec")) {
    checker.Say("spec", "is missing");
  } else {
    checker.Check(spec, task["spec"], "spec");
    CheckVolumeOf(Member(task["spec"], "model"), "spec.model", checker);
    const json models = Member(task["spec"], "models");
    for (std::size_t i = 0; models.is_array() && i < models.size(); ++i) {
      CheckVolumeOf(models[i], "spec.models[" + std::to_string(i) + "]", checker);
    }
  }
  for (const auto& [name, member] : task.items()) {
    static const std::vector<std::string> kTop = {"apiVersion", "kind", "metadata", "spec", "status"};
    if (std::find(kTop.begin(), kTop.end(), name) != kTop.end()) continue;
    const std::string close = Closest(name, kTop);
    checker.Say(name, "unknown field" + (close.empty() ? "" : "; did you mean " + close + "?"));
  }
  return checker.Take();
}

}  // namespace autotune::cli
