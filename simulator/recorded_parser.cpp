#include "simulator/recorded_parser.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>

#include "simulator/embedded_parsers.h"
#include "simulator/python_text.h"

namespace autotune::simulator {
namespace {

using nlohmann::json;

// A scalar as Python's repr() would print it; choices are strings and numbers.
std::string Repr(const json& value) {
  if (value.is_string()) return PythonRepr(value.get<std::string>());
  if (value.is_boolean()) return value.get<bool>() ? "True" : "False";
  if (value.is_null()) return "None";
  return value.dump();
}

std::string ScalarText(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "true" : "false";
  if (value.is_number()) return value.dump();
  return "";
}

base::Result<Nargs> NargsOf(const json& value) {
  if (value.is_null()) return Nargs::kOne;
  if (value.is_number_integer() && value.get<int>() == 0) return Nargs::kZero;
  if (value == "?") return Nargs::kOptional;
  if (value == "*") return Nargs::kAny;
  if (value == "+") return Nargs::kOneOrMore;
  return base::Invalid("nargs " + value.dump() + " is not one of null, 0, \"?\", \"*\", \"+\"");
}

}  // namespace

std::string RecordedArgument::DisplayName() const {
  std::string name = positional;
  for (const std::string& flag : flags) name += (name.empty() ? "" : "/") + flag;
  return name;
}

std::string RecordedArgument::Key() const {
  if (!positional.empty()) return positional;
  for (const std::string& flag : flags) {
    if (flag.starts_with("--")) return flag.substr(2);
  }
  return flags.empty() ? "" : flags.front().substr(1);
}

base::Result<RecordedParser> ParseRecordedParser(std::string_view json_text) {
  const json document = json::parse(json_text, nullptr, false);
  if (!document.is_object() || !document.contains("engine") || !document.contains("version") ||
      !document.contains("arguments")) {
    return base::Invalid("recorded parser: not a JSON object with \"engine\", \"version\" and \"arguments\"");
  }
  RecordedParser parser;
  const std::string engine = document["engine"].get<std::string>();
  parser.release.engine = engine == "sglang" ? Engine::kSglang : Engine::kVllm;
  parser.release.version = document["version"].get<std::string>();
  if (const auto methods = document.find("quantization_methods"); methods != document.end() && methods->is_array()) {
    parser.quantization_methods = methods->get<std::vector<std::string>>();
  }
  for (const json& entry : document["arguments"]) {
    RecordedArgument argument;
    base::Result<Nargs> nargs = NargsOf(entry.value("nargs", json()));
    if (!nargs) return std::move(nargs).error();
    argument.nargs = *nargs;
    if (entry.contains("positional")) {
      argument.positional = entry["positional"].get<std::string>();
    } else {
      argument.flags = entry["flags"].get<std::vector<std::string>>();
      argument.kind = entry.value("kind", "StoreAction");
      if (entry["type"].is_string()) argument.type = entry["type"].get<std::string>();
      if (entry["choices"].is_array()) {
        argument.choices.emplace();
        for (const json& choice : entry["choices"]) argument.choices->push_back(Repr(choice));
      }
      argument.default_text = ScalarText(entry["default"]);
    }
    parser.arguments.push_back(std::move(argument));
  }
  return parser;
}

std::optional<EngineRelease> RecordedParsers::ReleaseOfFile(std::string_view file_name) {
  if (!file_name.ends_with(".json")) return std::nullopt;
  file_name.remove_suffix(5);
  for (const Engine engine : {Engine::kVllm, Engine::kSglang}) {
    const std::string prefix = std::string(EngineKey(engine)) + "-";
    if (file_name.starts_with(prefix)) return EngineRelease{engine, std::string(file_name.substr(prefix.size()))};
  }
  return std::nullopt;
}

RecordedParsers RecordedParsers::Embedded() {
  RecordedParsers parsers;
  for (const EmbeddedParser& file : EmbeddedParserFiles()) {
    if (auto release = ReleaseOfFile(file.file_name)) {
      parsers.recordings_.push_back({*std::move(release), std::string(file.text)});
    }
  }
  return parsers;
}

base::Result<RecordedParsers> RecordedParsers::FromDirectory(const std::string& directory) {
  RecordedParsers parsers;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    auto release = ReleaseOfFile(entry.path().filename().string());
    if (!release) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    if (!file) return base::Invalid("AUTOTUNE_SIM_DATA: cannot read " + entry.path().string());
    parsers.recordings_.push_back({*std::move(release), text.str()});
  }
  if (error) return base::Invalid("AUTOTUNE_SIM_DATA: cannot read directory " + directory + ": " + error.message());
  return parsers;
}

base::Result<RecordedParser> RecordedParsers::Find(const EngineRelease& release) const {
  for (const Recording& recording : recordings_) {
    if (recording.release.engine == release.engine && recording.release.version == release.version) {
      return ParseRecordedParser(recording.text);
    }
  }
  std::string known;
  for (const std::string& version : Versions(release.engine)) known += (known.empty() ? "" : ", ") + version;
  return base::Error{base::Code::kNotFound,
                     "no recorded parser of " + std::string(EngineKey(release.engine)) + " " + release.version +
                         "; recorded: " + (known.empty() ? "nothing" : known),
                     std::nullopt, 0};
}

std::vector<std::string> RecordedParsers::Versions(Engine engine) const {
  std::vector<std::string> versions;
  for (const Recording& recording : recordings_) {
    if (recording.release.engine == engine) versions.push_back(recording.release.version);
  }
  std::sort(versions.begin(), versions.end(),
            [](const std::string& a, const std::string& b) { return CompareVersions(a, b) < 0; });
  return versions;
}

}  // namespace autotune::simulator
