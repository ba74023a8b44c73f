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
    case '<':
      return "a redirection of its input (<)";
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

// Of what begins with a dollar or a backquote: "${NAME:-text}", "$(a (b))", "`a`", "$NAME", "$". 0: it does not end.
std::size_t LengthOfExpansion(std::string_view text) {
  if (text.starts_with('`')) {
    const std::size_t end = text.find('`', 1);
    return end == std::string_view::npos ? 0 : end + 1;
  }
  if (text.starts_with("${") || text.starts_with("$(")) {
    const char open = text[1], close = open == '{' ? '}' : ')';
    int depth = 0;
    for (std::size_t i = 1; i < text.size(); ++i) {
      if (text[i] == open) ++depth;
      if (text[i] == close && --depth == 0) return i + 1;
    }
    return 0;
  }
  std::size_t end = 1;
  while (end < text.size() && (std::isalnum(static_cast<unsigned char>(text[end])) != 0 || text[end] == '_')) ++end;
  return end;
}

class Lexer {
 public:
  explicit Lexer(std::string_view script) : script_(script) {}

  ShellScript Run() {
    while (at_ < script_.size()) Step();
    if (quote_ != '\0') Beyond("a quote that does not end", quoted_from_);
    EndWord();
    if (drop_ == Drop::kWord) Beyond("a redirection without a file", redirected_at_);
    if (drop_ != Drop::kNothing) out_.filled_in = kept_filled_in_;
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
    } else if (c == '>' || script_.substr(at_).starts_with("&>")) {
      Output();
    } else if (c == '\n' || c == ';' || c == '&' || c == '|') {
      EndCommand(c);
    } else {
      Plain(c);
    }
  }

  // "> FILE", "2>> FILE", "2>&1", "&> FILE": where the output goes changes nothing for the command. The next word is
  // the file.
  void Output() {
    const bool number =
        !word_.empty() && std::ranges::all_of(word_, [](unsigned char digit) { return std::isdigit(digit) != 0; });
    if (number && script_[at_ - 1] == word_.back()) {
      word_.clear();
      in_word_ = false;
    }
    EndWord();
    redirected_at_ = at_;
    const std::string_view rest = script_.substr(at_);
    for (const std::string_view sign : {"&>>", "&>", ">>", ">|", ">&", ">"}) {
      if (!rest.starts_with(sign)) continue;
      at_ += sign.size();
      break;
    }
    if (drop_ == Drop::kNothing) kept_filled_in_ = out_.filled_in;
    if (drop_ == Drop::kWord) Beyond("a redirection without a file", redirected_at_);
    if (drop_ != Drop::kCommand) drop_ = Drop::kWord;
  }

  // Whether what follows a pipe only copies the output to files: "| tee -a FILE".
  [[nodiscard]] static bool IsTee(std::string_view pipe) {
    pipe.remove_prefix(pipe.starts_with("|&") ? 2 : 1);
    pipe.remove_prefix(std::min(pipe.find_first_not_of(" \t"), pipe.size()));
    if (!pipe.starts_with("tee")) return false;
    pipe.remove_prefix(3);
    return pipe.empty() || std::string_view(" \t\r\n").find(pipe[0]) != std::string_view::npos;
  }

  void EndCommand(char c) {
    const std::string_view rest = script_.substr(at_);
    const bool is_double = rest.starts_with("&&") || rest.starts_with("||");
    if (c == '|' && !is_double && IsTee(rest)) {
      EndWord();
      if (drop_ == Drop::kWord) Beyond("a redirection without a file", redirected_at_);
      if (drop_ == Drop::kNothing) kept_filled_in_ = out_.filled_in;
      drop_ = Drop::kCommand;
      at_ += rest.starts_with("|&") ? 2 : 1;
      return;
    }
    if (c == '|') Beyond(is_double ? "a command for the case of a failure (||)" : "a pipe (|)", at_);
    // At the end of the line it only means that nobody waits for the command.
    if (c == '&' && !is_double && rest.find_first_not_of(" \t\r\n", 1) != std::string_view::npos)
      Beyond("a background job (&)", at_);
    EndWord();
    if (drop_ == Drop::kWord) Beyond("a redirection without a file", redirected_at_);
    if (drop_ != Drop::kNothing) out_.filled_in = kept_filled_in_;
    drop_ = Drop::kNothing;
    if (!out_.commands.back().empty()) {
      out_.commands.emplace_back();
      separator_ = c == '\n'   ? "a second command (the line before it does not end in \\)"
                   : is_double ? "a second command (&&)"
                               : "a second command (;)";
      separator_at_ = at_;
    }
    at_ += is_double ? 2 : 1;
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
    // "128 \  " at the end of a line, and "128 \ --flag", which YAML makes of two lines.
    const std::size_t behind = rest.find_first_not_of(" \t\r");
    const bool ends_line = behind != std::string_view::npos && rest[behind] == '\n';
    if (quote_ == '\0' && behind != 0 && (ends_line || !in_word_)) {
      EndWord();
      at_ += 1 + (ends_line ? behind + 1 : std::min(behind, rest.size()));
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
    if (quote_ == '"' && (c == '$' || c == '`')) return Expansion();
    Add(c);
  }

  void Plain(char c) {
    if (c == '$' || c == '`') return Expansion();
    if (const std::string_view meaning = Meaning(c); !meaning.empty()) Beyond(meaning, at_);
    if (c == '~' && !in_word_) Note("a home directory (~)", at_, out_.filled_in);
    if (c == '{' && IsBraceExpansion()) Beyond("a brace expansion ({a,b})", at_);
    Add(c);
  }

  // The whole of $NAME, ${NAME:-text}, $(command) or `command` belongs to the word.
  void Expansion() {
    const bool substitutes = script_.substr(at_).starts_with("$(") || script_[at_] == '`';
    // A pod's own way to name an environment variable, which a shell reads otherwise.
    const std::string_view inside = script_.substr(std::min(at_ + 2, script_.size()));
    const std::size_t end = inside.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    const bool of_a_pod = substitutes && end != 0 && end != std::string_view::npos && inside[end] == ')';
    const char* const meaning = of_a_pod              ? "a variable of a pod or a command substitution ($(NAME))"
                                : script_[at_] == '`' ? "a command substitution (`)"
                                : substitutes         ? "a command substitution ($(...))"
                                                      : "a variable ($)";
    Note(meaning, at_, out_.filled_in);
    const std::size_t length = LengthOfExpansion(script_.substr(at_));
    if (length == 0) Beyond("an expansion that does not end", at_);
    for (const std::size_t behind = at_ + std::max<std::size_t>(length, 1); at_ < behind;) Add(script_[at_]);
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
    if (in_word_ && drop_ != Drop::kNothing) {
      if (drop_ == Drop::kWord) {
        drop_ = Drop::kNothing;
        out_.filled_in = kept_filled_in_;
      }
    } else if (in_word_) {
      const std::size_t at = separator_.ends_with("\\)") ? at_ - std::min(at_, word_.size()) : separator_at_;
      if (!separator_.empty()) Note(separator_, at, out_.several);
      out_.commands.back().push_back(std::move(word_));
    }
    word_.clear();
    in_word_ = false;
  }

  void Beyond(std::string_view what, std::size_t at) { Note(what, at, out_.beyond); }

  void Note(std::string_view what, std::size_t at, std::string& first) const {
    constexpr std::size_t kShown = 30;
    if (first.empty()) first = std::string(what) + " at \"" + Shortened(script_.substr(at), kShown) + "\"";
  }

  std::string_view script_;
  std::size_t at_ = 0, quoted_from_ = 0, separator_at_ = 0, redirected_at_ = 0;
  std::string_view separator_;  // behind the command before this one
  char quote_ = '\0';
  bool in_word_ = false;
  enum class Drop { kNothing, kWord, kCommand } drop_ = Drop::kNothing;  // what only says where the output goes
  std::string kept_filled_in_;                                           // as it was before that
  std::string word_;
  ShellScript out_{{{}}, "", "", ""};
};

}  // namespace

ShellScript ReadShell(std::string_view script) { return Lexer(script).Run(); }

std::string FilledIn(std::string_view word) {
  if (word.starts_with('~')) return "~";
  for (std::size_t at = word.find_first_of("$`"); at != std::string_view::npos; at = word.find_first_of("$`", at + 1)) {
    const std::size_t length = LengthOfExpansion(word.substr(at));
    if (length > 1) return std::string(word.substr(at, length));
  }
  return "";
}

std::string WithValues(std::string_view word, const std::map<std::string, std::string>& values, bool defaults) {
  std::string out;
  while (!word.empty()) {
    const std::size_t length = word[0] == '$' ? std::max<std::size_t>(LengthOfExpansion(word), 1) : 1;
    const std::string_view whole = word.substr(0, length);
    word.remove_prefix(length);
    std::string_view name = whole.substr(std::min<std::size_t>(1, whole.size() - 1));
    if (length > 3 && name.starts_with('{')) name = name.substr(1, name.size() - 2);
    const std::size_t minus = name.find('-');
    const bool empty_too = minus != std::string_view::npos && minus > 0 && name[minus - 1] == ':';
    const auto value = values.find(std::string(name.substr(0, empty_too ? minus - 1 : minus)));
    if (length > 1 && value != values.end() && !(empty_too && value->second.empty())) {
      out += value->second;
    } else if (length > 1 && whole.starts_with("${") && minus != std::string_view::npos && defaults) {
      out += name.substr(minus + 1);
    } else {
      out += whole;
    }
  }
  return out;
}

base::Result<std::vector<std::string>> ShellWords(std::string_view line) {
  ShellScript script = ReadShell(line);
  for (const std::string& why : {script.beyond, script.several}) {
    if (!why.empty()) return base::Invalid("contains " + why + ": it is read without a shell");
  }
  if (script.commands.empty()) return std::vector<std::string>();
  return std::move(script.commands.front());
}

}  // namespace autotune::text
