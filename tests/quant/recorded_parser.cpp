#include "tests/quant/recorded_parser.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <regex>

#include "base/ascii_case.h"
#include "quant/version.h"

namespace autotune::quant {

using nlohmann::json;

namespace {

json ReadJson(const std::string& file) {
  std::ifstream stream(file);
  if (!stream) {
    std::cerr << file << ": cannot be read\n";
    std::abort();
  }
  return json::parse(stream);
}

}  // namespace

RecordedParser RecordedParser::Read(const std::string& file) {
  const json document = ReadJson(file);
  RecordedParser parser;
  parser.engine_ = document.at("engine");
  parser.version_ = document.at("version");
  parser.arguments_ = document.at("arguments");
  parser.methods_ = document.value("quantization_methods", json());
  parser.kv_dtypes_ = document.value("kv_cache_dtypes", json());
  parser.late_values_ =
      ReadJson(std::string(TESTDATA_DIR) + "/engines/late_values/" + parser.engine_ + "-" + parser.version_ + ".json")
          .at("flags");
  for (std::size_t i = 0; i < parser.arguments_.size(); ++i) {
    if (!parser.arguments_[i].contains("flags")) continue;
    for (const json& flag : parser.arguments_[i]["flags"]) parser.by_flag_[flag] = i;
  }
  return parser;
}

std::vector<RecordedParser> RecordedParser::All(const std::string& engine) {
  std::vector<RecordedParser> parsers;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(TESTDATA_DIR) + "/engines/parsers")) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(engine + "-") && name.ends_with(".json")) parsers.push_back(Read(entry.path().string()));
  }
  std::ranges::sort(parsers, [](const RecordedParser& a, const RecordedParser& b) {
    return *Version::Parse(a.version()) < *Version::Parse(b.version());
  });
  return parsers;
}

std::string RecordedParser::CheckValue(const json& argument, const std::string& value) const {
  const std::string flag = argument["flags"][0];
  const std::string type = argument["type"].is_string() ? argument["type"].get<std::string>() : "str";
  std::string converted = value;
  if (type == "int") {
    static const std::regex kInteger("-?[0-9]+");
    if (!std::regex_match(value, kInteger)) return flag + ": invalid int value: " + value;
  } else if (type == "float") {
    char* end = nullptr;
    std::strtod(value.c_str(), &end);
    if (value.empty() || *end != '\0') return flag + ": invalid float value: " + value;
  } else if (type == "loads" || type == "json_list_type" || type == "parse_dataclass") {
    if (!json::accept(value)) return flag + ": invalid JSON: " + value;
  } else if (type.starts_with("human_readable_int")) {
    static const std::regex kSize("-?[0-9]+(\\.[0-9]+)?[kKmMgGtT]?");
    if (!std::regex_match(value, kSize) && !(type.ends_with("_or_auto") && value == "auto"))
      return flag + ": invalid size: " + value;
  } else if (type == "<lambda>" && argument["choices"].is_array()) {
    for (char& c : converted) c = c == '-' ? '_' : base::AsciiLower(c);
  }
  const auto among = [&](const json& choices) {
    return std::ranges::any_of(choices, [&](const json& choice) {
      return (choice.is_string() ? choice.get<std::string>() : choice.is_null() ? "None" : choice.dump()) == converted;
    });
  };
  if (argument["choices"].is_array() && !among(argument["choices"])) return flag + ": invalid choice: " + value;
  // Checked after argparse, but refused all the same.
  if (flag == "--quantization" && methods_.is_array() && !among(methods_))
    return "Unknown quantization method: " + value;
  if (flag == "--kv-cache-dtype" && kv_dtypes_.is_array() && !among(kv_dtypes_)) return flag + ": invalid: " + value;
  return CheckLateValue(argument, value);
}

std::string RecordedParser::CheckLateValue(const json& argument, const std::string& value) const {
  for (const json& flag : argument["flags"]) {
    const auto row = late_values_.find(flag.get<std::string>());
    if (row == late_values_.end()) continue;
    if (argument["type"] == "_optional_type" && value == "None") continue;
    const std::string open = row->value("open", "");
    if (open == "any" || (open == "path" && value.find('.') != std::string::npos)) continue;
    const bool any_case = row->contains("case");
    const bool known = std::ranges::any_of(row->at("values"), [&](const json& one) {
      return any_case ? base::AsciiLower(one.get<std::string>()) == base::AsciiLower(value) : one == value;
    });
    if (!known) return flag.get<std::string>() + ": refused while starting: " + value;
  }
  return "";
}

std::vector<std::string> RecordedParser::Values(const std::string& flag) const {
  const auto found = by_flag_.find(flag);
  if (found == by_flag_.end()) return {};
  const json& choices = flag == "--quantization" && methods_.is_array()       ? methods_
                        : flag == "--kv-cache-dtype" && kv_dtypes_.is_array() ? kv_dtypes_
                                                                              : arguments_[found->second]["choices"];
  std::vector<std::string> values;
  if (late_values_.contains(flag)) return late_values_[flag]["values"];
  if (!choices.is_array()) return values;
  for (const json& choice : choices) {
    if (choice.is_string()) values.push_back(choice);
  }
  return values;
}

std::string RecordedParser::Complaint(const std::vector<std::string>& args) const {
  static const std::regex kNegativeNumber("-\\d+|-\\d*\\.\\d+");
  const auto is_flag = [&](const std::string& arg) {
    return arg.starts_with('-') && !std::regex_match(arg, kNegativeNumber);
  };
  for (std::size_t i = 0; i < args.size();) {
    std::string flag = args[i++];
    if (!is_flag(flag)) return "unexpected value: " + flag;
    std::vector<std::string> values;
    const std::size_t equals = flag.find('=');
    bool attached = false;
    if (equals != std::string::npos) {
      values.push_back(flag.substr(equals + 1));
      flag.resize(equals);
      attached = true;
    }
    const auto found = by_flag_.find(flag);
    if (found == by_flag_.end()) return "unrecognized arguments: " + flag;
    const json& argument = arguments_[found->second];
    if (argument.value("refuses", false)) return "removed: " + flag;
    while (!attached && i < args.size() && !is_flag(args[i])) values.push_back(args[i++]);
    const json& nargs = argument["nargs"];
    if (nargs == 0) {
      if (!values.empty()) return flag + ": takes no value";
      continue;
    }
    if (nargs.is_null() && values.size() != 1) return flag + ": expected one argument";
    if (nargs == "+" && values.empty()) return flag + ": expected at least one argument";
    if (nargs == "?" && values.size() > 1) return flag + ": expected at most one argument";
    for (const std::string& value : values) {
      const std::string complaint = CheckValue(argument, value);
      if (!complaint.empty()) return complaint;
    }
  }
  return "";
}

}  // namespace autotune::quant
