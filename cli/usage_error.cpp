#include "cli/usage_error.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <regex>
#include <sstream>

#include "cli/correction.h"

namespace autotune::cli {
namespace {

std::string Meant(const std::string& word, const std::vector<std::string>& known, const std::string& otherwise) {
  std::string close = Closest(word, known);
  // "--request-rate" for --rate.
  for (const std::string& one : known) {
    if (close.empty() && one.starts_with("--") && one.size() > 4 && word.ends_with(one.substr(1))) close = one;
  }
  return close.empty() ? otherwise : "did you mean " + close + "?";
}

// What `bench` has instead of flags of the field's other load generators; "" for others.
std::string InsteadOf(const std::string& command, const std::string& flag) {
  constexpr const char* kUrl = "the server is the argument: autotune bench http://HOST:PORT";
  constexpr const char* kLengths = "lengths are a --scenario, such as D(512,128)";
  static const std::map<std::string, std::string> kBench = {
      {"--base-url", kUrl},
      {"--host", kUrl},
      {"--port", kUrl},
      {"--target", kUrl},
      {"--input-len", kLengths},
      {"--output-len", kLengths},
      {"--random-input-len", kLengths},
      {"--random-output-len", kLengths},
      {"--isl", kLengths},
      {"--osl", kLengths},
      {"--num-prompts", "a point ends when its result is certain, at most after --duration"},
      {"--request-count", "a point ends when its result is certain, at most after --duration"},
      {"--burstiness", "the burstiness is part of --arrival"},
      {"--goodput", "limits are --slo, such as --slo ttft.p99=500ms --slo attainment=0.95"},
      {"--ignore-eos", "answers already have the exact lengths of the --scenario"}};
  const auto found = kBench.find(flag);
  return command == "bench" && found != kBench.end() ? found->second : "";
}

}  // namespace

std::string UsageProblem(const std::vector<std::string>& words, const std::vector<CommandWords>& commands,
                         const std::vector<std::string>& global) {
  const auto is_flag = [](const std::string& word) { return word.size() > 1 && word[0] == '-'; };
  std::vector<std::string> names;
  std::string all;
  for (const CommandWords& command : commands) {
    names.push_back(command.name);
    all += (all.empty() ? "" : ", ") + command.name;
  }
  const CommandWords* command = nullptr;
  for (const std::string& word : words) {
    const auto found =
        std::find_if(commands.begin(), commands.end(), [&](const auto& one) { return one.name == word; });
    if (found != commands.end()) {
      command = &*found;
      break;
    }
  }
  if (command == nullptr) {
    const auto word = std::find_if_not(words.begin(), words.end(), is_flag);
    if (word == words.end()) return words.empty() ? "no command is given; commands are " + all : "";
    return "unknown command \"" + *word + "\"; " + Meant(*word, names, "commands are " + all);
  }
  std::vector<std::string> flags = command->options;
  flags.insert(flags.end(), global.begin(), global.end());
  for (const std::string& word : words) {
    if (word == "--") break;
    const bool is_long = word.starts_with("--");
    // "-fFILE" is -f; a negative number is a value.
    const bool is_short = !is_long && is_flag(word) && std::isalpha(static_cast<unsigned char>(word[1])) != 0;
    const std::string flag = is_long ? word.substr(0, word.find('=')) : word.substr(0, 2);
    if ((!is_long && !is_short) || std::find(flags.begin(), flags.end(), flag) != flags.end()) continue;
    if (is_short) return command->name + " has no flag " + flag + "; autotune " + command->name + " --help lists them";
    if (const std::string instead = InsteadOf(command->name, flag); !instead.empty()) {
      return command->name + " has no flag " + flag + "; " + instead;
    }
    return command->name + " has no flag " + flag + "; " +
           Meant(flag, flags, "autotune " + command->name + " --help lists them");
  }
  return "";
}

std::string Reworded(const std::string& message) {
  std::smatch match;
  static const std::regex kSet(R"(^(\S+): (.*) not in \{(.*)\}$)"), kRange(R"(^(\S+): Value (.*) not in range (.*)$)"),
      kMissing(R"(^(\S+) is required$)"), kNoValue(R"(^(\S+): (?:At least )?\d+ required (\S+) missing$)"),
      kNoNumber(R"(^Could not convert: (\S+) = (.*)$)"),
      kTooMany(R"(^The following arguments? w\S+ not expected: (.*)$)");
  if (std::regex_match(message, match, kSet)) {
    std::vector<std::string> known;
    std::istringstream names(match.str(3));
    for (std::string name; std::getline(names, name, ',');) known.push_back(name);
    return match.str(1) + ": " + NoneOf(match.str(2), known);
  }
  if (std::regex_match(message, match, kRange)) {
    return match.str(1) + ": " + match.str(2) + " is not within " + match.str(3);
  }
  if (std::regex_match(message, match, kMissing)) {
    return match.str(1) == "--file" ? "no file is given: FILE, or - for standard input" : match.str(1) + " is missing";
  }
  if (std::regex_match(message, match, kNoValue)) return match.str(1) + " needs a value: " + match.str(2);
  if (std::regex_match(message, match, kNoNumber)) {
    return match.str(1) + ": \"" + match.str(2) + "\" is not a number";
  }
  if (std::regex_match(message, match, kTooMany)) return "too many arguments: " + match.str(1);
  return message;
}

}  // namespace autotune::cli
