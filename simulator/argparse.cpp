#include "simulator/argparse.h"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <set>

#include "base/ascii_case.h"
#include "simulator/python_text.h"

namespace autotune::simulator {
namespace {

using nlohmann::json;

// Thrown nowhere: carried as a value by every step that can reject.
using Failure = std::optional<ArgparseError>;

ArgparseError Error(std::string message) { return {ArgparseError::Kind::kError, std::move(message)}; }
ArgparseError ArgumentError(const RecordedArgument& argument, const std::string& message) {
  return Error("argument " + argument.DisplayName() + ": " + message);
}

// "-5" and "-.5" are values, not options, unless the parser has options that look like them (none recorded has).
bool LooksLikeNegativeNumber(std::string_view text) {
  if (!text.starts_with('-')) return false;
  text.remove_prefix(1);
  const std::size_t dot = text.find('.');
  const std::string_view whole = text.substr(0, dot);
  if (!std::all_of(whole.begin(), whole.end(), [](unsigned char c) { return std::isdigit(c) != 0; })) return false;
  if (dot == std::string_view::npos) return !whole.empty();
  const std::string_view fraction = text.substr(dot + 1);
  return !fraction.empty() &&
         std::all_of(fraction.begin(), fraction.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

bool IsJson(std::string_view text) { return json::accept(text); }

// What the conversion made of one value: text for the choices check, or argparse's complaint.
struct Converted {
  std::string repr;     // repr() of the converted value, for choices and for messages
  std::string message;  // "" = converted
  bool is_none = false;
};

Converted Invalid(const std::string& type, std::string_view value) {
  return {"", "invalid " + type + " value: " + PythonRepr(value)};
}

Converted Convert(const RecordedArgument& argument, const std::string& value) {
  const std::string& type = argument.type;
  Converted text{PythonRepr(value), ""};
  if (type.empty() || type == "str" || type == "bool") return text;
  if (type == "int") {
    const auto number = PythonInt(value);
    if (!number) return Invalid(type, value);
    return {std::to_string(*number), ""};
  }
  if (type == "float") return PythonFloat(value) ? text : Invalid(type, value);
  if (type == "human_readable_int" || type == "human_readable_int_or_auto") {
    if (type == "human_readable_int_or_auto") {
      const std::string lower = base::AsciiLower(value);
      if (lower == "auto" || lower == "-1") return text;
    }
    const HumanReadableInt number = ParseHumanReadableInt(value);
    if (!number.message.empty()) return {"", number.message};
    return number.value ? text : Invalid(type, value);
  }
  if (type == "loads") return IsJson(value) ? text : Invalid(type, value);
  if (type == "_parse_type") {
    if (IsJson(value)) return text;
    return {"", "Value " + value + " cannot be converted to <function loads at 0x7f0000000000>."};
  }
  if (type == "union_dict_and_str") {
    const bool braces = !value.empty() && value.find_first_not_of(" \t\n") != std::string::npos &&
                        value[value.find_first_not_of(" \t\n")] == '{' && value[value.find_last_not_of(" \t\n")] == '}';
    if (!braces || IsJson(value)) return text;
    return {"", "Value " + value + " cannot be converted to <function loads at 0x7f0000000000>."};
  }
  if (type == "parse_dataclass") {
    // pydantic's message needs the engine's own class; its first line is enough to recognise it.
    if (IsJson(value)) return text;
    return {"", "1 validation error for " + argument.Key() +
                    "\n  Invalid JSON: expected value at line 1 column 1 "
                    "[type=json_invalid, input_value=" +
                    PythonRepr(value) + ", input_type=str]"};
  }
  if (type == "json_list_type") {
    const json list = json::parse(value, nullptr, false);
    return list.is_array() ? text : Converted{"", "Invalid JSON list: " + value};
  }
  if (type == "<lambda>" && (argument.Key() == "moe-backend" || argument.Key() == "linear-backend")) {
    std::string normalised = base::AsciiLower(value);
    std::ranges::replace(normalised, '-', '_');
    return {PythonRepr(normalised), ""};
  }
  if (type == "_optional_type" || type == "nullable_str") {
    text.is_none = value.empty() || value == "None";
    return text;
  }
  return text;  // parse_reasoning_parser, parse_cuda_graph_*: the engine's own vocabulary, not recorded
}

class Replay {
 public:
  Replay(const RecordedParser& parser, const std::vector<std::string>& arguments) : parser_(parser) {
    for (const RecordedArgument& argument : parser.arguments) {
      for (const std::string& flag : argument.flags) flags_.emplace_back(flag, &argument);
      if (!argument.positional.empty()) positional_ = &argument;
    }
    bool only_values = false;
    for (const std::string& text : arguments) {
      words_.push_back({text, Word::kValue, {}});
      if (only_values) continue;
      if (text == "--") {
        words_.back().kind = Word::kDashes;
        only_values = true;
      }
    }
  }

  std::variant<ParsedArguments, ArgparseError> Run(const std::vector<std::string>& required) {
    // argparse classifies every word before it consumes the first one, so an ambiguous abbreviation anywhere wins.
    for (Word& word : words_) {
      if (word.kind == Word::kDashes) break;
      if (Failure failure = Classify(word)) return *failure;
    }
    std::size_t last_option = 0;
    bool any_option = false;
    for (std::size_t i = 0; i < words_.size(); ++i) {
      if (words_[i].kind == Word::kOption) {
        last_option = i;
        any_option = true;
      }
    }
    std::size_t at = 0;
    while (any_option && at <= last_option) {
      std::size_t next = at;
      while (words_[next].kind != Word::kOption) ++next;
      if (at != next) {
        std::size_t end = at;
        if (Failure failure = ConsumePositional(&end)) return *failure;
        if (end > at) {
          at = end;
          continue;
        }
        for (; at < next; ++at) extras_.push_back(words_[at].text);
      }
      if (Failure failure = ConsumeOption(&at)) return *failure;
    }
    if (Failure failure = ConsumePositional(&at)) return *failure;
    for (; at < words_.size(); ++at) extras_.push_back(words_[at].text);

    std::string missing;
    for (const RecordedArgument& argument : parser_.arguments) {
      const bool is_required = std::find(required.begin(), required.end(), argument.Key()) != required.end();
      if (is_required && !parsed_.Has(argument.Key())) {
        missing += (missing.empty() ? "" : ", ") + argument.DisplayName();
      }
    }
    if (!missing.empty()) return Error("the following arguments are required: " + missing);
    if (!extras_.empty()) {
      std::string joined;
      for (const std::string& extra : extras_) joined += (joined.empty() ? "" : " ") + extra;
      return ArgparseError{ArgparseError::Kind::kUnrecognized, joined};
    }
    return std::move(parsed_);
  }

 private:
  struct Option {
    const RecordedArgument* argument = nullptr;  // nullptr: looks like an option and is none
    std::string flag;
    std::optional<std::string> explicit_value;  // after "=", or glued to a one-letter flag
  };
  struct Word {
    enum Kind { kValue, kOption, kDashes };
    std::string text;
    Kind kind = kValue;
    Option option;
  };

  const RecordedArgument* FindFlag(std::string_view flag) const {
    for (const auto& [name, argument] : flags_) {
      if (name == flag) return argument;
    }
    return nullptr;
  }

  // _parse_optional
  Failure Classify(Word& word) {
    const std::string& text = word.text;
    if (text.empty() || text[0] != '-') return std::nullopt;
    if (const RecordedArgument* argument = FindFlag(text)) {
      word.kind = Word::kOption;
      word.option = {argument, text, std::nullopt};
      return std::nullopt;
    }
    if (text.size() == 1) return std::nullopt;
    const std::size_t equals = text.find('=');
    if (equals != std::string::npos) {
      if (const RecordedArgument* argument = FindFlag(text.substr(0, equals))) {
        word.kind = Word::kOption;
        word.option = {argument, text.substr(0, equals), text.substr(equals + 1)};
        return std::nullopt;
      }
    }
    std::vector<Option> matches = Abbreviations(text);
    if (matches.size() > 1) {
      std::string could;
      for (const Option& match : matches) could += (could.empty() ? "" : ", ") + match.flag;
      return Error("ambiguous option: " + text + " could match " + could);
    }
    if (matches.size() == 1) {
      word.kind = Word::kOption;
      word.option = std::move(matches.front());
      return std::nullopt;
    }
    if (LooksLikeNegativeNumber(text) || text.find(' ') != std::string::npos) return std::nullopt;
    word.kind = Word::kOption;
    word.option = {nullptr, text, std::nullopt};
    return std::nullopt;
  }

  // _get_option_tuples
  std::vector<Option> Abbreviations(const std::string& text) const {
    std::vector<Option> matches;
    if (text.starts_with("--")) {
      const std::size_t equals = text.find('=');
      const std::string prefix = text.substr(0, equals);
      for (const auto& [flag, argument] : flags_) {
        if (!flag.starts_with(prefix)) continue;
        matches.push_back({argument, flag, std::nullopt});
        if (equals != std::string::npos) matches.back().explicit_value = text.substr(equals + 1);
      }
      return matches;
    }
    for (const auto& [flag, argument] : flags_) {
      if (flag == text.substr(0, 2)) {
        matches.push_back({argument, flag, text.substr(2)});
      } else if (flag.starts_with(text)) {
        matches.push_back({argument, flag, std::nullopt});
      }
    }
    return matches;
  }

  // How many of the words from `from` on the argument takes; nullopt = too few.
  std::optional<std::size_t> Match(Nargs nargs, std::size_t from) const {
    std::size_t available = 0;
    while (from + available < words_.size() && words_[from + available].kind == Word::kValue) ++available;
    return Match(nargs, from, available);
  }
  static std::optional<std::size_t> Match(Nargs nargs, std::size_t, std::size_t available) {
    switch (nargs) {
      case Nargs::kZero:
        return 0;
      case Nargs::kOne:
        return available >= 1 ? std::optional<std::size_t>(1) : std::nullopt;
      case Nargs::kOptional:
        return std::min<std::size_t>(available, 1);
      case Nargs::kAny:
        return available;
      case Nargs::kOneOrMore:
        return available >= 1 ? std::optional<std::size_t>(available) : std::nullopt;
    }
    return std::nullopt;
  }

  // consume_optional
  Failure ConsumeOption(std::size_t* at) {
    Option option = words_[*at].option;
    const std::size_t start = ++*at;
    if (option.argument == nullptr) {
      extras_.push_back(words_[start - 1].text);
      return std::nullopt;
    }
    while (option.explicit_value) {
      const std::string value = *option.explicit_value;
      const bool takes_value = option.argument->nargs != Nargs::kZero;
      if (takes_value) return Store(*option.argument, option.flag, {value});
      const bool single_dash = option.flag.size() > 1 && option.flag[1] != '-';
      if (!single_dash || value.empty()) {
        return ArgumentError(*option.argument, "ignored explicit argument " + PythonRepr(value));
      }
      // One-letter switches may be glued together: "-ab" is "-a -b".
      const RecordedArgument* next = FindFlag("-" + value.substr(0, 1));
      if (next == nullptr) {
        return ArgumentError(*option.argument, "ignored explicit argument " + PythonRepr(value));
      }
      if (Failure failure = Store(*option.argument, option.flag, {})) return failure;
      option.argument = next;
      option.flag = "-" + value.substr(0, 1);
      option.explicit_value = value.size() > 1 ? std::optional<std::string>(value.substr(1)) : std::nullopt;
    }
    const std::optional<std::size_t> count = Match(option.argument->nargs, start);
    if (!count) {
      return ArgumentError(*option.argument, option.argument->nargs == Nargs::kOneOrMore
                                                 ? "expected at least one argument"
                                                 : "expected one argument");
    }
    std::vector<std::string> values;
    for (std::size_t i = 0; i < *count; ++i) values.push_back(words_[start + i].text);
    *at = start + *count;
    return Store(*option.argument, option.flag, values);
  }

  // consume_positionals for the one positional that the engines have (nargs "?").
  Failure ConsumePositional(std::size_t* at) {
    if (positional_ == nullptr || positional_consumed_) return std::nullopt;
    std::size_t end = *at;
    if (end < words_.size() && words_[end].kind == Word::kDashes) ++end;
    std::vector<std::string> values;
    if (end < words_.size() && words_[end].kind == Word::kValue) values.push_back(words_[end++].text);
    if (end < words_.size() && words_[end].kind == Word::kDashes) ++end;
    positional_consumed_ = true;
    *at = end;
    if (values.empty()) return std::nullopt;
    return Store(*positional_, "", values);
  }

  Failure Store(const RecordedArgument& argument, const std::string& flag, const std::vector<std::string>& values) {
    if (argument.kind == "HelpAction") return ArgparseError{ArgparseError::Kind::kHelp, ""};
    for (const std::string& value : values) {
      const Converted converted = Convert(argument, value);
      if (!converted.message.empty()) return ArgumentError(argument, converted.message);
      if (argument.choices && !converted.is_none &&
          std::find(argument.choices->begin(), argument.choices->end(), converted.repr) == argument.choices->end()) {
        std::string allowed;
        for (const std::string& choice : *argument.choices) allowed += (allowed.empty() ? "" : ", ") + choice;
        return ArgumentError(argument, "invalid choice: " + converted.repr + " (choose from " + allowed + ")");
      }
    }
    GivenArgument given{flag, values, true};
    if (argument.kind == "BooleanOptionalAction") given.on = !flag.starts_with("--no-");
    // The off form is any long flag but the first; short flags are the on form.
    if (argument.kind == "EnableDisableAction") given.on = flag == argument.flags.front() || !flag.starts_with("--");
    if (argument.kind == "AppendAction") {
      const auto before = parsed_.given.find(argument.Key());
      if (before != parsed_.given.end()) {
        given.values.insert(given.values.begin(), before->second.values.begin(), before->second.values.end());
      }
    }
    parsed_.given.insert_or_assign(argument.Key(), std::move(given));
    return std::nullopt;
  }

  const RecordedParser& parser_;
  std::vector<std::pair<std::string, const RecordedArgument*>> flags_;
  const RecordedArgument* positional_ = nullptr;
  bool positional_consumed_ = false;
  std::vector<Word> words_;
  std::vector<std::string> extras_;
  ParsedArguments parsed_;
};

std::string Metavar(const RecordedArgument& argument) {
  if (argument.choices) {
    std::string set = "{";
    for (const std::string& choice : *argument.choices) {
      const bool quoted = choice.size() >= 2 && choice.front() == '\'';
      set += (set.size() == 1 ? "" : ",") + (quoted ? choice.substr(1, choice.size() - 2) : choice);
    }
    return set + "}";
  }
  std::string upper = base::AsciiUpper(argument.Key());
  std::ranges::replace(upper, '-', '_');
  return upper;
}

std::string UsagePart(const RecordedArgument& argument, bool required) {
  std::string part = argument.flags.front();
  if (argument.kind == "BooleanOptionalAction" || argument.kind == "EnableDisableAction") {
    part.clear();
    for (const std::string& flag : argument.flags) part += (part.empty() ? "" : " | ") + flag;
  }
  const std::string metavar = Metavar(argument);
  switch (argument.nargs) {
    case Nargs::kZero:
      break;
    case Nargs::kOne:
      part += " " + metavar;
      break;
    case Nargs::kOptional:
      part += " [" + metavar + "]";
      break;
    case Nargs::kAny:
      part += " [" + metavar + " ...]";
      break;
    case Nargs::kOneOrMore:
      part += " " + metavar + " [" + metavar + " ...]";
      break;
  }
  return required ? part : "[" + part + "]";
}

}  // namespace

std::string ParsedArguments::Text(std::string_view key, std::string_view fallback) const {
  const auto found = given.find(key);
  return found == given.end() || found->second.values.empty() ? std::string(fallback) : found->second.values.front();
}

bool ParsedArguments::On(std::string_view key, bool fallback) const {
  const auto found = given.find(key);
  return found == given.end() ? fallback : found->second.on;
}

std::variant<ParsedArguments, ArgparseError> ParseArguments(const RecordedParser& parser,
                                                            const std::vector<std::string>& arguments,
                                                            const std::vector<std::string>& required) {
  return Replay(parser, arguments).Run(required);
}

std::string FormatUsage(const RecordedParser& parser, std::string_view prog, const std::vector<std::string>& required) {
  const std::string head = "usage: " + std::string(prog);
  constexpr std::size_t kWidth = 78;  // 80 columns less argparse's two
  const std::string indent(head.size() + 1, ' ');
  std::string text = head;
  std::size_t line = indent.size() - 1;
  bool first_on_line = true;
  for (const RecordedArgument& argument : parser.arguments) {
    if (argument.flags.empty()) continue;
    const bool is_required = std::find(required.begin(), required.end(), argument.Key()) != required.end();
    const std::string part = UsagePart(argument, is_required);
    if (line + 1 + part.size() > kWidth && !first_on_line) {
      text += "\n" + indent.substr(1);
      line = indent.size() - 1;
    }
    text += " " + part;
    line += part.size() + 1;
    first_on_line = false;
  }
  return text + "\n";
}

}  // namespace autotune::simulator
