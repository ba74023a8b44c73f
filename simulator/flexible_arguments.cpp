#include "simulator/flexible_arguments.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "simulator/options_file.h"
#include "simulator/python_text.h"

namespace autotune::simulator {
namespace {

using nlohmann::json;

bool HasFlag(const RecordedParser& parser, std::string_view flag) {
  for (const RecordedArgument& argument : parser.arguments) {
    if (std::find(argument.flags.begin(), argument.flags.end(), flag) != argument.flags.end()) return true;
  }
  return false;
}

// Underscores become dashes between the leading dashes and the first dot; what follows a "=" is the value.
std::string NormaliseFlag(const std::string& word) {
  const std::size_t end = std::min(word.find('='), word.size());
  const std::size_t dot = std::min(word.find('.'), end);
  std::string out = word;
  for (std::size_t i = 2; i < dot; ++i) {
    if (out[i] == '_') out[i] = '-';
  }
  return out;
}

// `--model M` and `--model=M` with `vllm serve` move to the front.
void MoveModelToFront(std::vector<std::string>* arguments, FlexibleArguments* out) {
  for (std::size_t i = 0; i < arguments->size(); ++i) {
    const std::string word = (*arguments)[i];
    const bool glued = word.starts_with("--model=") && word.size() > 8;
    if (word != "--model" && !glued) continue;
    if (!glued && (i + 1 >= arguments->size() || (*arguments)[i + 1].starts_with("-"))) return;  // argparse will say so
    out->warnings.emplace_back(
        "With `vllm serve`, you should provide the model as a positional argument or in a config file instead of via "
        "the `--model` option. The `--model` option will be removed in a future version.");
    const std::string model = glued ? word.substr(8) : (*arguments)[i + 1];
    const auto at = arguments->begin() + static_cast<std::ptrdiff_t>(i);
    arguments->erase(at, at + (glued ? 1 : 2));
    arguments->insert(arguments->begin(), model);
    return;
  }
}

// Values of a later dotted flag replace earlier ones; lists are joined. Returns true when something was replaced.
bool Merge(json* into, const json& update) {
  bool replaced = false;
  for (const auto& [key, value] : update.items()) {
    json& slot = (*into)[key];
    if (value.is_object() && slot.is_object()) {
      replaced = Merge(&slot, value) || replaced;
    } else if (value.is_array() && slot.is_array()) {
      slot.insert(slot.end(), value.begin(), value.end());
    } else {
      replaced = replaced || !slot.is_null();
      slot = value;
    }
  }
  return replaced;
}

json DottedValue(const std::string& text) {
  json value = json::parse(text, nullptr, false);
  if (!value.is_discarded()) return value;
  const HumanReadableInt number = ParseHumanReadableInt(text);
  if (number.value) return *number.value;
  return text;
}

}  // namespace

base::Result<FlexibleArguments> PrepareVllmArguments(const RecordedParser& parser, std::vector<std::string> arguments,
                                                     bool serve) {
  FlexibleArguments out;
  if (serve) MoveModelToFront(&arguments, &out);

  if (const auto config = std::find(arguments.begin(), arguments.end(), "--config"); config != arguments.end()) {
    if (config + 1 == arguments.end()) {
      return base::Invalid("ValueError: No config file specified! Please check your command-line arguments.");
    }
    base::Result<json> options = ReadOptionsFile(*(config + 1));
    if (!options) return base::Invalid("ValueError: " + options.error().message);
    std::vector<std::string> known;
    for (const RecordedArgument& argument : parser.arguments) {
      known.insert(known.end(), argument.flags.begin(), argument.flags.end());
    }
    std::vector<std::string> from_file = ArgumentsOfOptions(*options, known);
    if (serve) {
      // The file's model counts only when the command line has none.
      const bool model_in_line = !arguments.front().starts_with("-");
      const auto model = std::find(from_file.begin(), from_file.end(), "--model");
      if (model != from_file.end()) {
        const std::string name = *(model + 1);
        from_file.erase(model, model + 2);
        if (!model_in_line) arguments.insert(arguments.begin(), name);
      } else if (!model_in_line) {
        return base::Invalid(
            "ValueError: No model specified! Please specify model either as a positional argument or in a config "
            "file.");
      }
    }
    const auto again = std::find(arguments.begin(), arguments.end(), "--config");
    arguments.erase(again, again + 2);
    const std::ptrdiff_t position = serve ? 1 : 0;
    arguments.insert(arguments.begin() + position, from_file.begin(), from_file.end());
  }

  const bool optimization_level = HasFlag(parser, "--optimization-level");
  std::vector<std::string> words;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    const bool level_follows = word == "-O" && i + 1 < arguments.size() && arguments[i + 1].size() == 1 &&
                               arguments[i + 1][0] >= '0' && arguments[i + 1][0] <= '3';
    if (word.starts_with("--help=")) {
      words.emplace_back("--help");
    } else if (word.starts_with("--")) {
      words.push_back(NormaliseFlag(word));
    } else if (word.starts_with("-O") && word.size() > 2 && word[2] != '.') {
      const std::string level = word[2] == '=' ? word.substr(3) : word.substr(2);
      // Before --optimization-level existed, -O3 was a field of the compilation configuration.
      words.push_back(optimization_level ? "--optimization-level" : "-O.mode=" + level);
      if (optimization_level) words.push_back(level);
    } else if (level_follows) {
      words.emplace_back(optimization_level ? "--optimization-level" : "-O.mode");
    } else {
      words.push_back(word);
    }
  }

  std::set<std::string> duplicates;
  std::set<std::string> seen;
  std::vector<std::pair<std::string, json>> dotted;
  std::vector<std::string> plain;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    const std::size_t equals = word.find('=');
    std::string name = word.substr(0, equals);
    const bool is_flag = word.starts_with("-") && word.size() > 1;
    const bool number = is_flag && PythonFloat(word).has_value();
    if (!is_flag || number || name.find('.') == std::string::npos) {
      if (word.starts_with("--") && word.size() > 2 && word.find('.') == std::string::npos &&
          !seen.insert(name).second) {
        duplicates.insert(name);
      }
      plain.push_back(word);
      continue;
    }
    std::string value = equals == std::string::npos ? std::string() : word.substr(equals + 1);
    if (equals == std::string::npos) {
      if (i + 1 >= words.size()) return base::Invalid("IndexError: list index out of range");
      value = words[++i];
    }
    json parsed;
    if (name.ends_with("+")) {
      name.pop_back();
      parsed = json::array();
      for (std::size_t begin = 0; begin <= value.size();) {
        const std::size_t comma = std::min(value.find(',', begin), value.size());
        parsed.push_back(value.substr(begin, comma - begin));
        begin = comma + 1;
      }
    } else {
      parsed = DottedValue(value);
    }
    const std::size_t first_dot = name.find('.');
    const std::string flag = name.substr(0, first_dot);
    std::string path = name.substr(first_dot + 1);
    while (true) {
      const std::size_t last = path.rfind('.');
      parsed = json{{path.substr(last == std::string::npos ? 0 : last + 1), parsed}};
      if (last == std::string::npos) break;
      path.resize(last);
    }
    auto entry = std::find_if(dotted.begin(), dotted.end(), [&](const auto& each) { return each.first == flag; });
    if (entry == dotted.end()) entry = dotted.insert(dotted.end(), {flag, json::object()});
    if (Merge(&entry->second, parsed)) duplicates.insert(name);
  }
  for (const auto& [flag, value] : dotted) {
    plain.push_back(flag);
    plain.push_back(value.dump());
  }
  if (!duplicates.empty()) {
    std::string names;
    for (const std::string& name : duplicates) names += (names.empty() ? "" : ", ") + name;
    out.warnings.push_back("Found duplicate keys " + names);
  }
  out.arguments = std::move(plain);
  return out;
}

}  // namespace autotune::simulator
