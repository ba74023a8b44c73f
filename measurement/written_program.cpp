#include "measurement/written_program.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <string>

#include "base/ascii_case.h"
#include "measurement/questions.h"

namespace autotune::measurement {
namespace {

bool IsLatin(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }
bool IsNameCharacter(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// In lower case, with one space for each run of white space.
std::string Flat(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool space = std::isspace(static_cast<unsigned char>(c)) != 0;
    if (!space) out += base::AsciiLower(c);
    if (space && !out.empty() && out.back() != ' ') out += ' ';
  }
  return out;
}

bool Has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

// ---- Queries ----

// How a statement begins, and what it has besides.
struct Statement {
  std::string_view begin, part;
};
constexpr std::array<Statement, 13> kStatements = {{{"insert into ", " values"},
                                                    {"insert into ", " select "},
                                                    {"update ", " set "},
                                                    {"delete from ", " where "},
                                                    {"create table ", "("},
                                                    {"create view ", " as "},
                                                    {"create index ", " on "},
                                                    {"alter table ", " add "},
                                                    {"alter table ", " drop "},
                                                    {"with ", " as (select "},
                                                    {"with ", " as ( select "},
                                                    {"match (", " return "},
                                                    {"prefix ", " select "}}};

// "select a card from the deck" is none: in lower case a query has a sign of its own, or no article.
bool IsQuery(std::string_view text) {
  while (text.starts_with('(')) text = Trimmed(text.substr(1));
  const std::string flat = Flat(text);
  const bool capitals = text.size() > 1 && std::isupper(static_cast<unsigned char>(text[0])) != 0 &&
                        std::isupper(static_cast<unsigned char>(text[1])) != 0;
  const bool signs = flat.find_first_of("*=<>(;_") != std::string::npos;
  if (std::ranges::any_of(kStatements,
                          [&](const Statement& one) { return flat.starts_with(one.begin) && Has(flat, one.part); }))
    return capitals || signs;
  if (!flat.starts_with("select ")) return false;
  const bool from = Has(flat, " from ");
  if (capitals) return from || flat.find_first_of("({0123456789?") != std::string::npos;
  const bool prose = Has(flat, " the ") || Has(flat, " a ") || Has(flat, " an ");
  return from && (!prose || signs);
}

// ---- Commands ----

constexpr std::array<std::string_view, 48> kCommands = {
    "find",  "grep",   "egrep",   "awk",    "sed",  "ls",   "cat",  "tar",    "chmod",   "chown",   "cp",   "mv",
    "rm",    "mkdir",  "git",     "docker", "curl", "wget", "ssh",  "scp",    "rsync",   "xargs",   "sort", "uniq",
    "head",  "tail",   "wc",      "cut",    "tr",   "du",   "df",   "ps",     "kill",    "sudo",    "echo", "ln",
    "touch", "python", "python3", "pip",    "npm",  "tee",  "diff", "rename", "openssl", "kubectl", "ip",   "dig"};

// With an option, or with another command behind it.
bool IsCommand(std::string_view text) {
  if (text.starts_with("$ ")) text.remove_prefix(2);
  const std::string_view first = text.substr(0, text.find(' '));
  if (first.size() == text.size() || std::ranges::find(kCommands, first) == kCommands.end()) return false;
  if (Has(text, " | ") || Has(text, " > ") || Has(text, "$(") || Has(text, " && ") || Has(text, "*.")) return true;
  for (std::size_t at = text.find(" -"); at != std::string_view::npos; at = text.find(" -", at + 1)) {
    const std::size_t name = text.find_first_not_of('-', at + 1);
    if (name != std::string_view::npos && name - at <= 3 && IsNameCharacter(text[name])) return true;
  }
  return false;
}

// ---- Programs ----

constexpr std::array<Statement, 23> kBeginnings = {
    {{"def ", "("},     {"async def ", "("},   {"class ", ":\n"},  {"class ", "{"},
     {"import ", "\n"}, {"from ", " import "}, {"lambda ", ":"},   {"return ", ";"},
     {"#include", ""},  {"#!/", ""},           {"<?php", ""},      {"using namespace ", ""},
     {"public ", "{"},  {"private ", "{"},     {"static ", "{"},   {"package ", "\n"},
     {"fn ", "{"},      {"func ", "{"},        {"function ", "{"}, {"const ", "="},
     {"let ", ";"},     {"var ", "="},         {"```", "\n"}}};

// "df.head(5)", "os.path.join(a, b)"; not "print()", "np.arcsin(10/13)", "e.g.(x)".
bool HasCall(std::string_view text) {
  constexpr std::array<std::string_view, 5> kMathematics = {"np", "numpy", "math", "sympy", "sp"};
  for (std::size_t dot = text.find('.'); dot != std::string_view::npos; dot = text.find('.', dot + 1)) {
    std::size_t begin = dot, end = dot + 1;
    while (begin > 0 && IsNameCharacter(text[begin - 1])) --begin;
    while (end < text.size() && IsNameCharacter(text[end])) ++end;
    const std::string_view owner = text.substr(begin, dot - begin);
    const bool names = !owner.empty() && IsLatin(owner.front()) && end > dot + 2 && IsLatin(text[dot + 1]);
    const bool argument = end + 1 < text.size() && text[end] == '(' && text[end + 1] != ')';
    if (names && argument && text.find(')', end) != std::string_view::npos &&
        std::ranges::find(kMathematics, owner) == kMathematics.end())
      return true;
  }
  return false;
}

// "print(x)", alone.
bool IsPrint(std::string_view text) {
  constexpr std::array<std::string_view, 5> kPrints = {"print(", "printf(", "console.log(", "System.out.print",
                                                       "std::"};
  return text.size() > 8 && (text.ends_with(')') || text.ends_with(';')) && !text.ends_with("()") &&
         std::ranges::any_of(kPrints, [&](std::string_view begin) { return text.starts_with(begin); });
}

// "d['a']", "[x for x in y]"
bool HasIndexing(std::string_view text) {
  for (std::size_t at = text.find('['); at != std::string_view::npos; at = text.find('[', at + 1)) {
    const bool quoted = at + 1 < text.size() && (text[at + 1] == '\'' || text[at + 1] == '"');
    if (at > 0 && (IsNameCharacter(text[at - 1]) || text[at - 1] == ']') && quoted) return true;
  }
  return text.starts_with('[') && text.ends_with(']') && Has(text, " for ") && Has(text, " in ");
}

// A first line of prose: "To find the largest amount (as above):".
bool BeginsInProse(std::string_view text) {
  constexpr std::ptrdiff_t kWords = 7;
  const std::string_view line = text.substr(0, text.find('\n'));
  if (line.empty() || std::isupper(static_cast<unsigned char>(line.front())) == 0) return false;
  return std::count(line.begin(), line.end(), ' ') >= kWords - 1 &&
         line.find_first_of(";{}=") == std::string_view::npos;
}

// Lines of which one opens a block or ends a statement.
bool HasBlocks(std::string_view text) {
  if (BeginsInProse(text)) return false;
  std::size_t statements = 0;
  bool opened = false;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (opened && (line.starts_with("  ") || line.starts_with('\t'))) return true;
    const std::string_view bare = Trimmed(line);
    opened = bare.ends_with(':') && (bare.ends_with("):") || bare.starts_with("for ") || bare.starts_with("if ") ||
                                     bare.starts_with("while ") || bare.starts_with("else"));
    statements += bare.ends_with(';') || bare.ends_with('{') || bare == "}" ? 1 : 0;
  }
  return statements > 1;
}

}  // namespace

std::string_view ProgramIn(std::string_view text) {
  text = Trimmed(text);
  if (IsQuery(text)) return "a query";
  if (text.starts_with("diff --git ") || (text.starts_with("--- ") && Has(text, "\n+++ ")))
    return "a change of a program";
  if (IsCommand(text)) return "a command";
  const bool begins = std::ranges::any_of(
      kBeginnings, [&](const Statement& one) { return text.starts_with(one.begin) && Has(text, one.part); });
  if (begins || HasCall(text) || IsPrint(text) || HasIndexing(text) || HasBlocks(text)) return "a program";
  return "";
}

}  // namespace autotune::measurement
