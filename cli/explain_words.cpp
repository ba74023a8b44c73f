#include "cli/explain_words.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <nlohmann/json.hpp>

namespace autotune::cli {
namespace {

// "-1" and "-0.5" are values.
bool IsOption(std::string_view word) {
  return word.size() > 1 && word[0] == '-' && std::isdigit(static_cast<unsigned char>(word[1])) == 0 && word[1] != '.';
}

// "-O3"
bool HasNumberAttached(std::string_view word) {
  return word.size() > 2 && std::isalpha(static_cast<unsigned char>(word[1])) != 0 &&
         std::ranges::all_of(word.substr(2), [](unsigned char c) { return std::isdigit(c) != 0; });
}

// "gemmDtype=fp8", not "{a=b}" or "https://x?y=z".
bool IsSetting(std::string_view word) {
  const std::size_t equals = word.find('=');
  return equals != std::string_view::npos && equals > 0 &&
         std::ranges::all_of(word.substr(0, equals),
                             [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.'; });
}

// The position of the subcommand; the size where there is none.
std::size_t CommandOf(const std::vector<std::string>& words, const OwnOption& own) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (!IsOption(words[i])) return i;
    if (words[i].find('=') == std::string::npos) i += static_cast<std::size_t>(own(words[i]).value_or(0));
  }
  return words.size();
}

std::string Value(const std::vector<std::string>& values) {
  if (values.empty()) return "true";
  if (values.size() == 1) return values.front();
  nlohmann::json list = nlohmann::json::array();
  for (const std::string& value : values) {
    const nlohmann::json parsed = nlohmann::json::parse(value, nullptr, false);
    list.push_back(parsed.is_number() ? parsed : nlohmann::json(value));
  }
  return list.dump();
}

// "sudo", "HF_HOME=/models": what stands before a program. Settings of explain are not in capitals.
bool StandsBefore(std::string_view word) {
  constexpr std::array<std::string_view, 4> kBefore = {"sudo", "nohup", "exec", "env"};
  const std::string_view name = word.substr(0, word.find('='));
  const bool variable = name.size() < word.size() && !name.empty() && std::ranges::all_of(name, [](unsigned char c) {
                          return std::isupper(c) != 0 || std::isdigit(c) != 0 || c == '_';
                        });
  return variable || std::ranges::find(kBefore, word) != kBefore.end();
}

bool IsProgram(std::string_view word) {
  const std::string_view name = word.substr(word.rfind('/') + 1);
  constexpr std::array<std::string_view, 8> kPrograms = {"vllm",   "sglang",  "trtllm-serve", "docker",
                                                         "podman", "nerdctl", "bash",         "sh"};
  return name.starts_with("python") || std::ranges::find(kPrograms, name) != kPrograms.end();
}

// "vllm", "python3", or a whole line or script in quotes: "sudo docker run ...", "cd /srv && vllm serve M".
bool StartsACommand(std::string_view word) {
  const bool script = word.find_first_of(" \t\n") != std::string_view::npos && !IsSetting(word);
  while (true) {
    const std::size_t end = std::min(word.find_first_of(" \t\n"), word.size());
    if (IsProgram(word.substr(0, end))) return true;
    if (end == word.size() || !(script || StandsBefore(word.substr(0, end)))) return false;
    word.remove_prefix(end + 1);
  }
}

}  // namespace

std::vector<std::string> TakeCommand(std::vector<std::string>& words, const OwnOption& own) {
  const std::size_t command = CommandOf(words, own);
  if (command == words.size() || words[command] != "explain") return {};
  const auto take = [&](std::size_t first, std::size_t behind) {
    std::vector<std::string> taken(words.begin() + static_cast<std::ptrdiff_t>(behind), words.end());
    words.resize(first);
    return taken;
  };
  for (std::size_t i = command + 1; i < words.size(); ++i) {
    if (words[i] == "--") return take(i, i + 1);
    if (IsOption(words[i])) {
      if (words[i].find('=') == std::string::npos) i += static_cast<std::size_t>(own(words[i]).value_or(0));
      // The value of an engine's flag.
      const bool flag = !own(words[i].substr(0, words[i].find('='))).has_value() && IsOption(words[i]);
      if (flag && words[i].find('=') == std::string::npos && i + 1 < words.size() && !IsOption(words[i + 1])) ++i;
      continue;
    }
    if (StartsACommand(words[i])) {
      while (i > command + 1 && StandsBefore(words[i - 1])) --i;
      return take(i, i);
    }
  }
  return {};
}

std::vector<std::string> ExplainWords(std::vector<std::string> words, const OwnOption& own) {
  const std::size_t command = CommandOf(words, own);
  if (command == words.size() || words[command] != "explain") return words;
  std::vector<std::string> out(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(command) + 1);
  for (std::size_t i = command + 1; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (!IsOption(word) || word == "--") {
      out.push_back(word);
      continue;
    }
    const std::size_t equals = word.find('=');
    if (const auto following = own(word.substr(0, equals))) {
      out.push_back(word);
      for (int k = 0; equals == std::string::npos && k < *following && i + 1 < words.size(); ++k)
        out.push_back(words[++i]);
      continue;
    }
    if (HasNumberAttached(word)) {
      out.push_back(word.substr(1, 1) + "=" + word.substr(2));
      continue;
    }
    const std::string name = word.substr(word.find_first_not_of('-'));
    if (equals != std::string::npos) {
      out.push_back(name);
      continue;
    }
    std::vector<std::string> values;
    while (i + 1 < words.size() && !IsOption(words[i + 1]) && !IsSetting(words[i + 1])) values.push_back(words[++i]);
    out.push_back(name + "=" + Value(values));
  }
  return out;
}

}  // namespace autotune::cli
