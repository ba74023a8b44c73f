#include "text/shell_words.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "text/table.h"

namespace autotune::text {
namespace {

// What a shell does at a character outside of quotes; "" = nothing.
std::string_view Meaning(char c) {
  switch (c) {
    case '`':
      return "a command substitution (`)";
    case '|':
      return "a pipe (|)";
    case '&':
      return "a background job or a second command (&)";
    case ';':
      return "a second command (;)";
    case '<':
    case '>':
      return "a redirection (< or >)";
    case '(':
    case ')':
      return "a subshell (parentheses)";
    case '*':
    case '?':
      return "a pattern for file names (* or ?)";
    default:
      return "";
  }
}

class Lexer {
 public:
  explicit Lexer(std::string_view script) : script_(script) {}

  ShellScript Run() {
    while (at_ < script_.size()) Step();
    if (quote_ != '\0') Beyond("a quote that does not end", quoted_from_);
    EndWord();
    if (out_.commands.back().empty()) out_.commands.pop_back();
    return std::move(out_);
  }

 private:
  void Step() {
    const char c = script_[at_];
    if (c == '\\' && quote_ != '\'' && Escape()) return;
    if (quote_ != '\0') {
      Quoted(c);
    } else if (c == '\'' || c == '"') {
      quote_ = c;
      quoted_from_ = at_++;
      in_word_ = true;  // "" is a word
    } else if (c == '#' && !in_word_) {
      at_ = std::min(script_.find('\n', at_), script_.size());
    } else if (c == ' ' || c == '\t' || c == '\r') {
      EndWord();
      ++at_;
    } else if (c == '\n' || c == ';' || c == '&' || c == '|') {
      if (c != '\n') Beyond(Meaning(c), at_);
      EndWord();
      if (!out_.commands.back().empty()) out_.commands.emplace_back();
      ++at_;
    } else {
      Plain(c);
    }
  }

  // False: the backslash is an ordinary character.
  bool Escape() {
    const std::string_view rest = script_.substr(at_ + 1);
    if (rest.empty()) {
      Beyond("a backslash without anything behind it", at_);
      return false;
    }
    const std::size_t line_end = rest.starts_with("\r\n") ? 2 : rest.starts_with('\n') ? 1 : 0;
    if (line_end != 0) {  // a continued line is nothing
      at_ += 1 + line_end;
      return true;
    }
    if (quote_ == '"' && std::string_view("\"\\$`").find(rest[0]) == std::string_view::npos) return false;
    Add(rest[0]);
    ++at_;
    return true;
  }

  void Quoted(char c) {
    if (c == quote_) {
      quote_ = '\0';
      ++at_;
      return;
    }
    if (quote_ == '"' && c == '`') Beyond(Meaning(c), at_);
    if (quote_ == '"' && c == '$') Dollar();
    Add(c);
  }

  void Plain(char c) {
    if (const std::string_view meaning = Meaning(c); !meaning.empty()) Beyond(meaning, at_);
    if (c == '$') Dollar();
    if (c == '~' && !in_word_) Note("a home directory (~)", at_, out_.filled_in);
    if (c == '{' && IsBraceExpansion()) Beyond("a brace expansion ({a,b})", at_);
    // It began on a line of its own.
    if (!in_word_ && out_.commands.size() > 1 && out_.commands.back().empty()) {
      Beyond("a second command (the line before it does not end in \\)", at_);
    }
    Add(c);
  }

  void Dollar() {
    const bool substitutes = script_.substr(at_).starts_with("$(");
    // A pod's own way to name an environment variable, which a shell reads otherwise.
    const std::string_view inside = script_.substr(std::min(at_ + 2, script_.size()));
    const std::size_t end = inside.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    const bool of_a_pod = substitutes && end != 0 && end != std::string_view::npos && inside[end] == ')';
    const char* const meaning = of_a_pod      ? "a variable of a pod or a command substitution ($(NAME))"
                                : substitutes ? "a command substitution ($(...))"
                                              : "a variable ($)";
    Note(meaning, at_, substitutes ? out_.beyond : out_.filled_in);
  }

  // {8,16} outside of quotes is two words.
  [[nodiscard]] bool IsBraceExpansion() const {
    const std::string_view rest = script_.substr(at_);
    const std::string_view inside = rest.substr(0, rest.find_first_of(" \t\r\n'\"}"));
    return inside.find(',') != std::string_view::npos || inside.find("..") != std::string_view::npos;
  }

  void Add(char c) {
    word_ += c;
    in_word_ = true;
    ++at_;
  }

  void EndWord() {
    if (in_word_) out_.commands.back().push_back(std::move(word_));
    word_.clear();
    in_word_ = false;
  }

  void Beyond(std::string_view what, std::size_t at) { Note(what, at, out_.beyond); }

  void Note(std::string_view what, std::size_t at, std::string& first) const {
    constexpr std::size_t kShown = 30;
    if (first.empty()) first = std::string(what) + " at \"" + Shortened(script_.substr(at), kShown) + "\"";
  }

  std::string_view script_;
  std::size_t at_ = 0, quoted_from_ = 0;
  char quote_ = '\0';
  bool in_word_ = false;
  std::string word_;
  ShellScript out_{{{}}, "", ""};
};

}  // namespace

ShellScript ReadShell(std::string_view script) { return Lexer(script).Run(); }

std::string FilledIn(std::string_view word) {
  if (word.starts_with('~')) return "~";
  for (std::size_t at = word.find('$'); at != std::string_view::npos; at = word.find('$', at + 1)) {
    const std::string_view rest = word.substr(at + 1);
    if (rest.starts_with('{')) return std::string(word.substr(at, rest.find('}') + 2));
    std::size_t end = 0;
    while (end < rest.size() && (std::isalnum(static_cast<unsigned char>(rest[end])) != 0 || rest[end] == '_')) ++end;
    if (end > 0) return std::string(word.substr(at, end + 1));
  }
  return "";
}

base::Result<std::vector<std::string>> ShellWords(std::string_view line) {
  ShellScript script = ReadShell(line);
  if (!script.beyond.empty()) return base::Invalid("contains " + script.beyond + ": it is read without a shell");
  if (script.commands.empty()) return std::vector<std::string>();
  return std::move(script.commands.front());
}

}  // namespace autotune::text
