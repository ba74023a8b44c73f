#include "operator/deploy/container_command.h"

#include <string_view>

#include "text/table.h"

namespace autotune::deploy {

std::vector<std::string> WithoutKubelet(const std::vector<std::string>& words) {
  std::vector<std::string> out;
  for (const std::string& word : words) {
    std::string plain;
    for (std::size_t i = 0; i < word.size(); ++i) {
      plain += word[i];
      if (word[i] == '$' && i + 1 < word.size() && word[i + 1] == '$') ++i;
    }
    out.push_back(std::move(plain));
  }
  return out;
}

std::string ShellWord(const std::string& word) { return text::ShellQuoted(word); }

std::string ShellLine(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) line += (line.empty() ? "" : " ") + ShellWord(word);
  return line;
}

std::string ComposeWord(const std::string& word) {
  std::string out;
  for (const char c : word) out += c == '$' ? std::string("$$") : std::string(1, c);
  return out;
}

bool SurvivesSplitting(const std::string& word) {
  return !word.empty() && word.find_first_of(" \t\n*?[") == std::string::npos;
}

}  // namespace autotune::deploy
