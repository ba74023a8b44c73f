#include "quant/settings.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>

#include "base/ascii_case.h"

namespace autotune::quant {
namespace {

using Kind = FlagValue::Kind;
using nlohmann::json;

// "a.b.c" below `root`, created where missing.
json& At(json& root, std::string_view path) {
  json* at = &root;
  while (true) {
    const std::size_t dot = path.find('.');
    if (!at->is_object()) *at = json::object();
    at = &(*at)[std::string(path.substr(0, dot))];
    if (dot == std::string_view::npos) return *at;
    path.remove_prefix(dot + 1);
  }
}

bool IsPlainYaml(std::string_view text) {
  static const std::set<std::string, std::less<>> kWords = {"true", "false", "null", "yes", "no", "on",
                                                            "off",  "y",     "n",    "nan", "inf"};
  if (text.empty() || !std::isalpha(static_cast<unsigned char>(text.front()))) return false;
  for (const char c : text) {
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '_' && c != '-' && c != '.' && c != '/') return false;
  }
  return !kWords.contains(base::AsciiLower(text));
}

std::string YamlScalar(const json& value) {
  if (value.is_string() && IsPlainYaml(value.get_ref<const std::string&>())) return value.get<std::string>();
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

// Block style for maps, flow style for lists: JSON is YAML, so whatever is left is written as JSON.
void WriteYaml(const json& map, const std::string& indent, std::string& out) {
  for (const auto& [key, value] : map.items()) {
    out += indent + YamlScalar(json(key)) + ":";
    if (value.is_object() && !value.empty()) {
      out += "\n";
      WriteYaml(value, indent + "  ", out);
    } else {
      out.append(" ").append(YamlScalar(value)).append("\n");
    }
  }
}

void Append(std::vector<std::string>& args, const std::string& flag, const std::string& value) {
  // argparse takes "-x" for a flag unless it reads as a negative number.
  if (value.starts_with('-') && !FlagValue::IsNumber(value)) {
    args.push_back(flag + "=" + value);
    return;
  }
  args.push_back(flag);
  args.push_back(value);
}

}  // namespace

void Settings::AddUser(const Parameters& parameters) {
  for (const Parameter& parameter : parameters.list) {
    if (!parameter.member.empty()) continue;
    settings_[parameter.name] = {parameter.use, parameter.value, std::nullopt, parameter.spelling};
  }
}

bool Settings::Map(const std::string& name, const FlagValue& value, std::optional<Field> field) {
  const std::optional<FlagUse> use = table_.Find(name, version_);
  if (!use) return false;
  const auto found = settings_.find(name);
  if (found != settings_.end() && found->second.by_user()) {
    if (found->second.value == value) return true;
    const auto known = std::ranges::find(overrides_, name, &Override::flag);
    if (known == overrides_.end()) {
      overrides_.push_back({name, value.ToString(), found->second.value.ToString()});
    } else {
      known->mapped = value.ToString();
    }
    return true;
  }
  settings_[name] = {*use, value, field, ""};
  return true;
}

void Settings::AddUserMembers(const Parameters& parameters) {
  for (const Parameter& parameter : parameters.list) {
    if (parameter.member.empty()) continue;
    json map = json::object();
    const auto found = settings_.find(parameter.name);
    const bool mapped = found != settings_.end() && !found->second.by_user();
    if (found != settings_.end() && found->second.value.kind == Kind::kMap)
      map = json::parse(found->second.value.text, nullptr, false);
    json& member = At(map, parameter.member);
    if (mapped && !member.is_null() && member != parameter.value.ToJson()) {
      const std::string was = member.is_string() ? member.get<std::string>() : member.dump();
      overrides_.push_back({parameter.name + "." + parameter.member, was, parameter.value.ToString()});
    }
    if (parameter.value.kind == Kind::kUnset) {
      const std::size_t dot = parameter.member.rfind('.');
      json& parent = dot == std::string::npos ? map : At(map, parameter.member.substr(0, dot));
      parent.erase(dot == std::string::npos ? parameter.member : parameter.member.substr(dot + 1));
    } else {
      member = parameter.value.ToJson();
    }
    if (map.empty()) {
      settings_.erase(parameter.name);
      continue;
    }
    FlagValue value{Kind::kMap, false, map.dump(-1, ' ', false, json::error_handler_t::replace), {}};
    settings_[parameter.name] = {parameter.use, std::move(value), std::nullopt, parameter.spelling};
  }
}

const Setting* Settings::Find(const std::string& name) const {
  const auto found = settings_.find(name);
  if (found == settings_.end() || found->second.value.kind == Kind::kUnset) return nullptr;
  return &found->second;
}

std::optional<std::string> Settings::Text(const std::string& name) const {
  if (const Setting* setting = Find(name)) return setting->value.ToString();
  const std::size_t dot = name.find('.');
  if (dot == std::string::npos) return std::nullopt;
  const Setting* head = Find(name.substr(0, dot));
  if (head == nullptr || head->value.kind != Kind::kMap) return std::nullopt;
  json map = json::parse(head->value.text, nullptr, false);
  const json& member = At(map, std::string_view(name).substr(dot + 1));
  if (member.is_null()) return std::nullopt;
  return member.is_string() ? member.get<std::string>() : member.dump();
}

std::vector<const std::pair<const std::string, Setting>*> Settings::Ordered() const {
  std::vector<const std::pair<const std::string, Setting>*> ordered;
  for (const auto& entry : settings_) {
    if (entry.second.value.kind != Kind::kUnset) ordered.push_back(&entry);
  }
  // The map is sorted by name already.
  std::ranges::stable_sort(
      ordered, [&](const auto* a, const auto* b) { return table_.Order(a->first) < table_.Order(b->first); });
  return ordered;
}

void Settings::Replace(const std::string& name, const FlagValue& value) {
  const auto found = settings_.find(name);
  if (found == settings_.end()) {
    Map(name, value, std::nullopt);
  } else {
    found->second.value = value;
  }
}

void Settings::Remove(const std::string& name) { settings_.erase(name); }

Settings Settings::Without(const std::vector<std::string>& names) const {
  Settings rest = *this;
  for (const std::string& name : names) rest.settings_.erase(name);
  return rest;
}

std::vector<std::string> Settings::Arguments() const {
  std::vector<std::string> args;
  for (const auto* entry : Ordered()) {
    const Setting& setting = entry->second;
    const FlagShape& shape = *setting.use.shape;
    if (setting.use.flag->option) continue;
    switch (setting.value.kind) {
      case Kind::kUnset:
        break;
      case Kind::kBool:
        if (setting.value.boolean) {
          args.push_back(shape.spelling);
        } else if (!shape.off.empty()) {
          args.push_back(shape.off);
        }
        break;
      case Kind::kNumber:
      case Kind::kString:
      case Kind::kMap:
        Append(args, shape.spelling, setting.value.text);
        break;
      case Kind::kList:
        if (shape.type == ValueType::kJson) {
          Append(args, shape.spelling, setting.value.ToJson().dump());
        } else if (shape.arity == Arity::kRepeated) {
          for (const std::string& item : setting.value.items) Append(args, shape.spelling, item);
        } else {
          args.push_back(shape.spelling);
          args.insert(args.end(), setting.value.items.begin(), setting.value.items.end());
        }
        break;
    }
  }
  return args;
}

std::string Settings::OptionsYaml() const {
  json options = json::object();
  for (const auto* entry : Ordered()) {
    if (entry->second.use.flag->option) At(options, entry->first) = entry->second.value.ToJson();
  }
  std::string text;
  WriteYaml(options, "", text);
  return text;
}

}  // namespace autotune::quant
