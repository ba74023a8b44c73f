// spec.quantConfig and spec.parameters of an AutotuneTask <-> C++ values. Bounds and defaults are those of
// crds/autotunetask.yaml.
#include <algorithm>
#include <utility>

#include "operator/api/autotune_task.h"
#include "operator/api/object_reader.h"
#include "operator/api/task_json.h"

namespace autotune::api {
namespace {

using Presence = ObjectReader::Presence;

constexpr std::size_t kMaxParameters = 32;
constexpr std::size_t kMaxAxisValues = 64;
constexpr std::size_t kMaxQuantConfigs = 32;

// An engine flag as the CRD's documentation describes it: up to two dashes, a letter, then letters, digits, "-_.".
bool IsFlagName(std::string_view text) {
  if (text.size() > 100) return false;
  while (!text.empty() && text.front() == '-') text.remove_prefix(1);
  return !text.empty() && IsAlphanumeric(text.front()) && !(text.front() >= '0' && text.front() <= '9') &&
         std::ranges::all_of(text, [](char c) { return IsAlphanumeric(c) || c == '-' || c == '_' || c == '.'; });
}

void ReadFieldValues(ObjectReader& reader, quant::FieldValues& out) {
  for (const quant::Field field : quant::kFields) {
    const auto allowed = quant::AllowedValues(field);
    reader.Choice(quant::FieldName(field), allowed,
                  [&](std::size_t i) { out.values[field] = std::string(allowed[i]); });
  }
}

void PutFields(json& out, const quant::FieldValues& fields) {
  for (const auto& [field, value] : fields.values) out[std::string(quant::FieldName(field))] = value;
}

}  // namespace

void ReadQuant(ObjectReader& reader, quant::QuantSpec& out) {
  std::vector<std::string_view> presets;
  for (const quant::QuantConfig& preset : quant::Presets()) presets.push_back(preset.name);

  reader.Choice("preset", presets, [&](std::size_t i) { out.preset = std::string(presets[i]); });
  reader.Texts("presets", out.presets, kMaxQuantConfigs);
  if (reader.Get("presets") != nullptr && out.presets.empty()) reader.Fail("presets", "is empty");
  for (std::size_t i = 0; i < out.presets.size(); ++i) {
    const std::string path = "presets[" + std::to_string(i) + "]";
    if (quant::FindPreset(out.presets[i]) == nullptr) {
      std::string allowed;
      for (const std::string_view name : presets) allowed += (allowed.empty() ? "" : ", ") + std::string(name);
      return reader.Fail(path, "\"" + out.presets[i] + "\" is not one of " + allowed);
    }
    if (std::find(out.presets.begin(), out.presets.begin() + static_cast<std::ptrdiff_t>(i), out.presets[i]) !=
        out.presets.begin() + static_cast<std::ptrdiff_t>(i)) {
      return reader.Fail(path, "\"" + out.presets[i] + "\" is listed twice");
    }
  }
  ReadFieldValues(reader, out.fields);
  reader.Each("custom", kMaxQuantConfigs, [&](ObjectReader& item) {
    quant::NamedConfig config;
    item.Text("name", config.name, Presence::kRequired);
    if (!item.failed() && !IsDnsLabel(config.name, 63)) {
      item.Fail("name", "\"" + config.name + "\" is not a name of at most 63 lower-case letters, digits and \"-\"");
    }
    if (!item.failed() && quant::FindPreset(config.name) != nullptr) {
      item.Fail("name", "\"" + config.name + "\" is the name of a preset");
    }
    if (!item.failed() && std::ranges::find(out.custom, config.name, &quant::NamedConfig::name) != out.custom.end()) {
      item.Fail("name", "\"" + config.name + "\" is listed twice");
    }
    ReadFieldValues(item, config.fields);
    out.custom.push_back(std::move(config));
  });
  reader.Nested("sweep", [&](ObjectReader& sweep) {
    for (const quant::Field field : quant::kFields) {
      const std::string key(quant::FieldName(field));
      std::vector<std::string> values;
      const bool present = sweep.Get(key) != nullptr;
      sweep.Texts(key, values, 16);
      if (sweep.failed() || !present) continue;
      if (values.empty()) sweep.Fail(key, "is empty; remove it or list values");
      const auto allowed = quant::AllowedValues(field);
      std::set<std::string> seen;
      for (std::size_t i = 0; i < values.size(); ++i) {
        const std::string path = key + "[" + std::to_string(i) + "]";
        if (std::ranges::find(allowed, values[i]) == allowed.end()) {
          std::string names;
          for (const std::string_view name : allowed) names += (names.empty() ? "" : ", ") + std::string(name);
          sweep.Fail(path, "\"" + values[i] + "\" is not one of " + names);
        } else if (!seen.insert(values[i]).second) {
          sweep.Fail(path, "\"" + values[i] + "\" is listed twice");
        }
      }
      out.sweep[field] = std::move(values);
    }
    if (!sweep.failed() && out.sweep.empty()) sweep.FailAt(sweep.path(), "must set at least one field");
  });
  if (reader.failed()) return;

  // docs/api.md, "Search space": which forms of quantConfig exclude each other.
  const bool preset = out.preset.has_value(), several = !out.presets.empty(), fields = !out.fields.values.empty(),
             custom = !out.custom.empty(), sweep = !out.sweep.empty();
  const char* allowed =
      "use one form: preset (the four fields override it), presets and custom, the four fields, or sweep";
  const std::string& self = reader.path();
  if (preset && several) reader.FailAt(self, std::string("preset and presets exclude each other; ") + allowed);
  if (preset && custom) reader.FailAt(self, std::string("preset and custom exclude each other; ") + allowed);
  if (fields && several) reader.FailAt(self, std::string("the four fields and presets exclude each other; ") + allowed);
  if (fields && custom) reader.FailAt(self, std::string("the four fields and custom exclude each other; ") + allowed);
  if (sweep && (preset || several || fields || custom)) {
    reader.FailAt(self, std::string("sweep excludes the other forms; ") + allowed);
  }
}

// A list is an axis, one experiment value an element; anything else is an axis of one value.
void ReadParameters(ObjectReader& reader, std::map<std::string, std::vector<quant::FlagValue>>& out) {
  json parameters = json::object();
  reader.PassObject("parameters", parameters);
  if (parameters.size() > kMaxParameters) {
    return reader.Fail("parameters", std::to_string(parameters.size()) + " flags, at most " +
                                         std::to_string(kMaxParameters) + " are allowed");
  }
  for (const auto& [flag, value] : parameters.items()) {
    const std::string path = reader.PathOf("parameters") + "." + flag;
    if (!IsFlagName(flag)) return reader.FailAt(path, "is not the name of an engine flag, such as max-num-seqs");
    std::vector<quant::FlagValue> axis;
    const bool list = value.is_array();
    if (list && value.empty()) return reader.FailAt(path, "is an empty list; remove it or list values");
    if (list && value.size() > kMaxAxisValues) {
      return reader.FailAt(
          path, std::to_string(value.size()) + " values, at most " + std::to_string(kMaxAxisValues) + " are allowed");
    }
    for (std::size_t i = 0; i < (list ? value.size() : 1); ++i) {
      const std::string item_path = list ? path + "[" + std::to_string(i) + "]" : path;
      auto item = quant::FlagValue::FromJson(list ? value[i] : value, item_path);
      if (!item) {
        if (!reader.failed()) reader.error() = item.error();
        return;
      }
      axis.push_back(*std::move(item));
    }
    out[flag] = std::move(axis);
  }
}

json ToJson(const quant::QuantSpec& spec) {
  json out = json::object();
  if (spec.preset) out["preset"] = *spec.preset;
  PutList(out, "presets", spec.presets);
  PutFields(out, spec.fields);
  for (const quant::NamedConfig& config : spec.custom) {
    json item = {{"name", config.name}};
    PutFields(item, config.fields);
    out["custom"].push_back(std::move(item));
  }
  for (const auto& [field, values] : spec.sweep) out["sweep"][std::string(quant::FieldName(field))] = values;
  return out;
}

json ToJson(const std::map<std::string, std::vector<quant::FlagValue>>& parameters) {
  json out = json::object();
  for (const auto& [flag, axis] : parameters) {
    // One list value has to stay in its axis, or it would read as an axis of its elements.
    if (axis.size() == 1 && axis.front().kind != quant::FlagValue::Kind::kList) {
      out[flag] = axis.front().ToJson();
      continue;
    }
    json values = json::array();
    for (const quant::FlagValue& value : axis) values.push_back(value.ToJson());
    out[flag] = std::move(values);
  }
  return out;
}

}  // namespace autotune::api
