#include "text/yaml_json.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string_view>
#include <utility>

#include "base/ascii_case.h"

namespace autotune::text {
namespace {

using nlohmann::json;

// Far above any manifest. Aliases can make a small text large, and an alias to its own parent endless.
constexpr std::size_t kMaxDepth = 64;
constexpr std::size_t kMaxNodes = 200'000;

bool IsOneOf(std::string_view text, std::initializer_list<std::string_view> values) {
  return std::find(values.begin(), values.end(), text) != values.end();
}

bool AllDigits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// [-+]? ( . [0-9]+ | [0-9]+ ( . [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?
bool IsCoreFloat(std::string_view text) {
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
  const std::size_t exponent = text.find_first_of("eE");
  if (exponent != std::string_view::npos) {
    std::string_view digits = text.substr(exponent + 1);
    if (!digits.empty() && (digits.front() == '-' || digits.front() == '+')) digits.remove_prefix(1);
    if (!AllDigits(digits)) return false;
    text = text.substr(0, exponent);
  }
  const std::size_t dot = text.find('.');
  if (dot == std::string_view::npos) return AllDigits(text);
  const std::string_view before = text.substr(0, dot);
  const std::string_view after = text.substr(dot + 1);
  if (before.empty()) return AllDigits(after);
  return AllDigits(before) && (after.empty() || AllDigits(after));
}

template <typename Integer>
std::optional<Integer> WholeInteger(std::string_view digits, int base) {
  Integer value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

// The value of a plain scalar; nullopt for .inf and .nan, which JSON does not have.
std::optional<json> PlainScalar(const std::string& text) {
  if (IsOneOf(text, {"", "~", "null", "Null", "NULL"})) return json(nullptr);
  if (IsOneOf(text, {"true", "True", "TRUE"})) return json(true);
  if (IsOneOf(text, {"false", "False", "FALSE"})) return json(false);
  if (IsOneOf(text,
              {".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF", ".nan", ".NaN", ".NAN"})) {
    return std::nullopt;
  }
  std::string_view unsigned_text = text;
  if (text.front() == '+') unsigned_text.remove_prefix(1);
  if (text.starts_with("0o") || text.starts_with("0x")) {
    const auto value = WholeInteger<std::uint64_t>(std::string_view(text).substr(2), text[1] == 'o' ? 8 : 16);
    if (value) return json(*value);
    return json(text);
  }
  const std::string_view digits = text.front() == '-' ? std::string_view(text).substr(1) : unsigned_text;
  // A leading zero is an octal number in YAML 1.1 and decimal in 1.2; nobody means either: an id such as 0123 is text.
  if (AllDigits(digits) && digits.size() > 1 && digits.front() == '0') return json(text);
  if (AllDigits(digits)) {
    if (const auto value = WholeInteger<std::int64_t>(unsigned_text, 10)) return json(*value);
    if (const auto value = WholeInteger<std::uint64_t>(unsigned_text, 10)) return json(*value);
  }
  if (IsCoreFloat(text)) {
    double value = 0;
    const auto [end, error] = std::from_chars(unsigned_text.data(), unsigned_text.data() + unsigned_text.size(), value);
    if (error == std::errc() && end == unsigned_text.data() + unsigned_text.size()) return json(value);
    return std::nullopt;
  }
  return json(text);
}

// What YAML 1.1 has beyond PlainScalar.
std::optional<json> OldScalar(const std::string& text) {
  const std::string lower = base::AsciiLower(text);
  const std::string capital = lower.empty() ? "" : base::AsciiUpper(lower[0]) + lower.substr(1);
  if (IsOneOf(text, {lower, capital, base::AsciiUpper(text)})) {
    if (IsOneOf(lower, {"y", "yes", "on"})) return json(true);
    if (IsOneOf(lower, {"n", "no", "off"})) return json(false);
  }
  std::string digits = text;
  std::erase(digits, '_');
  const bool negative = !digits.empty() && digits.front() == '-';
  if (!digits.empty() && (digits.front() == '-' || digits.front() == '+')) digits.erase(0, 1);
  std::optional<std::int64_t> value;
  if (digits.starts_with("0b")) {
    value = WholeInteger<std::int64_t>(std::string_view(digits).substr(2), 2);
  } else if (digits.size() > 1 && digits.front() == '0' && AllDigits(digits)) {
    value = WholeInteger<std::int64_t>(std::string_view(digits).substr(1), 8);
    if (!value) value = WholeInteger<std::int64_t>(digits, 10);  // 08 is no octal number
  } else if (digits.size() != text.size() && AllDigits(digits)) {
    value = WholeInteger<std::int64_t>(digits, 10);
  }
  return value ? std::optional(json(negative ? -*value : *value)) : std::nullopt;
}

// Ends the parser from within an event; caught in ParseYaml.
struct Stop {
  std::string message;
};

// What looks like an indentation in a line and is none; "" where there is no such thing.
std::string OddSpace(const std::string& text, std::size_t line) {
  std::size_t begin = 0;
  for (std::size_t i = 0; i < line && begin != std::string::npos; ++i) {
    begin = text.find('\n', begin);
    if (begin != std::string::npos) ++begin;
  }
  if (begin == std::string::npos) return "";
  const std::string here = text.substr(begin, text.find('\n', begin) - begin);
  const std::string indent = here.substr(0, here.find_first_not_of(" \t\xC2\xA0"));
  if (indent.find('\t') != std::string::npos) return "the line is indented with a tab; YAML takes spaces only";
  if (here.find("\xC2\xA0") != std::string::npos) return "a no-break space (U+00A0) where a plain space belongs";
  return "";
}

// yaml-cpp passes any bytes on; JSON with such a string cannot be written any more, in a message for example.
bool IsUtf8(const std::string& text) {
  try {
    (void)json(text).dump();
    return true;
  } catch (const json::type_error&) {
    return false;
  }
}

// Builds JSON from the parser's events. yaml-cpp's own loader is not used: LoadAll() never returns from a document that
// begins with a comma, aliases make cyclic graphs of its nodes, and duplicate keys go unnoticed.
class Builder final : public YAML::EventHandler {
 public:
  Builder(const std::string& name, Dialect dialect, std::vector<json>& documents)
      : name_(name), dialect_(dialect), documents_(documents) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    // The parser did not get on: what stands there is no document.
    if (mark.pos == last_start_) Fail(mark, "not YAML: a document cannot begin like this");
    last_start_ = mark.pos;
    anchors_.clear();
  }
  void OnDocumentEnd() override {
    if (!root_.is_null()) documents_.push_back(std::move(root_));
    root_ = nullptr;
  }

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { OnScalar(mark, "?", anchor, ""); }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) Fail(mark, "an alias to what it stands in");
    if (ExpectsKey()) Fail(mark, "a key has to be a scalar");
    Count(mark, found->second.nodes);  // before the copy is made
    Add(mark, found->second.value);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    if (!IsUtf8(text)) Fail(mark, "has bytes that are not UTF-8");  // a Kubernetes API server refuses them, too
    if (ExpectsKey()) return SetKey(mark, tag, text);
    Count(mark, 1);
    // "?" is a plain scalar, "!" a quoted one; explicit core tags mean what they say.
    std::optional<json> value = json(text);
    if (tag != "!" && tag != "tag:yaml.org,2002:str") {
      value = PlainScalar(text);
      if (dialect_ == Dialect::kKubectl && value && value->is_string()) value = OldScalar(text).value_or(*value);
    }
    if (!value) Fail(mark, text + " is not a number that JSON can hold");
    if (anchor != YAML::NullAnchor) anchors_[anchor] = {*value, 1};
    Add(mark, *std::move(value));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(mark, anchor, json::array());
  }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(mark, anchor, json::object());
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapEnd() override { Close(); }

 private:
  struct Frame {
    json value;
    YAML::Mark mark;
    YAML::anchor_t anchor = YAML::NullAnchor;
    std::size_t nodes_before = 0;
    std::optional<std::string> key;
    bool merge = false;        // the key is "<<"
    std::vector<json> merged;  // what "<<" brought, weaker than the own keys
  };
  struct Anchored {
    json value;
    std::size_t nodes = 0;
  };

  [[noreturn]] void Fail(const YAML::Mark& mark, const std::string& message) const {
    throw Stop{name_ + ":" + std::to_string(mark.line + 1) + ":" + std::to_string(mark.column + 1) + ": " + message};
  }

  void Count(const YAML::Mark& mark, std::size_t nodes) {
    nodes_ += nodes;
    if (nodes_ > kMaxNodes) Fail(mark, "larger than " + std::to_string(kMaxNodes) + " values");
  }

  [[nodiscard]] bool ExpectsKey() const {
    return !frames_.empty() && frames_.back().value.is_object() && !frames_.back().key;
  }

  void SetKey(const YAML::Mark& mark, const std::string& tag, const std::string& text) {
    Frame& map = frames_.back();
    map.merge = text == "<<" && tag == "?";
    if (!map.merge && map.value.contains(text)) Fail(mark, "duplicate key \"" + text + "\"");
    map.key = text;
  }

  void Open(const YAML::Mark& mark, YAML::anchor_t anchor, json empty) {
    if (ExpectsKey()) Fail(mark, "a key has to be a scalar");
    if (frames_.size() >= kMaxDepth) Fail(mark, "nested deeper than " + std::to_string(kMaxDepth) + " levels");
    Frame frame;
    frame.value = std::move(empty);
    frame.mark = mark;
    frame.anchor = anchor;
    frame.nodes_before = nodes_;
    Count(mark, 1);
    frames_.push_back(std::move(frame));
  }

  void Close() {
    Frame frame = std::move(frames_.back());
    frames_.pop_back();
    for (const json& source : frame.merged) {
      for (const auto& [key, member] : source.items()) {
        if (!frame.value.contains(key)) frame.value[key] = member;
      }
    }
    if (frame.anchor != YAML::NullAnchor) anchors_[frame.anchor] = {frame.value, nodes_ - frame.nodes_before};
    Add(frame.mark, std::move(frame.value));
  }

  void Add(const YAML::Mark& mark, json value) {
    if (frames_.empty()) {
      root_ = std::move(value);
      return;
    }
    Frame& parent = frames_.back();
    if (parent.value.is_array()) {
      parent.value.push_back(std::move(value));
      return;
    }
    if (parent.merge) {
      const json sources = value.is_array() ? std::move(value) : json::array({std::move(value)});
      for (const json& source : sources) {
        if (!source.is_object()) Fail(mark, "<< merges mappings only");
        parent.merged.push_back(source);
      }
    } else {
      parent.value[*parent.key] = std::move(value);
    }
    parent.key.reset();
    parent.merge = false;
  }

  const std::string& name_;
  const Dialect dialect_;
  std::vector<json>& documents_;
  json root_;
  std::vector<Frame> frames_;
  std::map<YAML::anchor_t, Anchored> anchors_;
  std::size_t nodes_ = 0;
  int last_start_ = -1;
};

bool NeedsQuotes(const std::string& text) {
  if (text.empty()) return true;
  const auto plain = PlainScalar(text);
  if (!plain || !plain->is_string()) return true;
  // YAML 1.1 readers (Kubernetes' among them) take these for booleans, numbers or dates.
  const std::string lower = base::AsciiLower(text);
  if (IsOneOf(lower, {"yes", "no", "on", "off", "y", "n", "<<"})) return true;
  // ... and dates: everything that begins with a number and could be of one.
  if (std::string_view("0123456789+-.").find(text.front()) != std::string_view::npos &&
      text.find_first_not_of("0123456789abcdefxoABCDEF_+-.:TZ") == std::string::npos) {
    return true;
  }
  if (std::string_view("!&*-?|>@%`\"'#,[]{}:=~ ").find(text.front()) != std::string_view::npos) {
    const bool harmless_dash = text.front() == '-' && text.size() > 1 && text[1] != ' ' && text != "---";
    if (!harmless_dash) return true;
  }
  if (text.back() == ' ' || text.back() == ':') return true;
  if (text.find(": ") != std::string::npos || text.find(" #") != std::string::npos) return true;
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

// A text of several lines that a literal block can hold as it is.
bool FitsLiteralBlock(const std::string& text) {
  if (text.find('\n') == std::string::npos || text.back() != '\n' || text.ends_with("\n\n")) return false;
  if (text.front() == ' ' || text.front() == '\n') return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c == '\n' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f); });
}

std::string QuotedText(const std::string& text) {
  // JSON strings are YAML double-quoted scalars.
  return json(text).dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string ScalarText(const json& value) {
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    return NeedsQuotes(text) ? QuotedText(text) : text;
  }
  if (value.is_object()) return "{}";
  if (value.is_array()) return "[]";
  return value.dump();
}

bool IsBlock(const json& value) { return (value.is_object() || value.is_array()) && !value.empty(); }

void Write(const json& value, int indent, std::string& out);

// What follows "key:" or "-" on its line.
void WriteMember(const json& value, int indent, std::string& out) {
  if (value.is_string() && FitsLiteralBlock(value.get_ref<const std::string&>())) {
    out += " |\n";
    std::string_view text = value.get_ref<const std::string&>();
    while (!text.empty()) {
      const std::size_t end = text.find('\n');
      if (end > 0) out.append(static_cast<std::size_t>(indent) + 2, ' ').append(text.substr(0, end));
      out += '\n';
      text.remove_prefix(end + 1);
    }
  } else {
    out += ' ' + ScalarText(value) + '\n';
  }
}

void Write(const json& value, int indent, std::string& out) {
  const std::string spaces(static_cast<std::size_t>(indent), ' ');
  if (value.is_object()) {
    for (const auto& [key, member] : value.items()) {
      out += spaces + (NeedsQuotes(key) ? QuotedText(key) : key) + ':';
      if (IsBlock(member)) {
        out += '\n';
        // Lists stand at their key's own indentation, as kubectl writes them.
        Write(member, member.is_array() ? indent : indent + 2, out);
      } else {
        WriteMember(member, indent, out);
      }
    }
    return;
  }
  for (const json& item : value) {
    if (item.is_object() && !item.empty()) {
      std::string block;
      Write(item, indent + 2, block);
      block[static_cast<std::size_t>(indent)] = '-';
      out += block;
    } else if (item.is_array() && !item.empty()) {
      std::string block;
      Write(item, indent + 2, block);
      block[static_cast<std::size_t>(indent)] = '-';
      out += block;
    } else {
      out += spaces + '-';
      WriteMember(item, indent, out);
    }
  }
}

// What the parser's message means for whoever wrote the file, and what to write instead.
std::string PlainWords(const std::string& message) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kWords = {
      {{"end of map not found", "the line has another indentation than the fields that it belongs to"},
       {"end of sequence not found", "the line has another indentation than the list that it belongs to"},
       {"illegal map value", "a second \":\" in a value: put the value in quotes"},
       {"unknown token", "a value cannot begin with this character: put the value in quotes"},
       {"the referenced anchor is not defined", "* refers to an anchor, which is not there: put the value in quotes"},
       {"end of map flow not found", "a \"{\" is not closed, or a comma is missing"},
       {"end of sequence flow not found", "a \"[\" is not closed, or a comma is missing"}}};
  for (const auto& [begin, words] : kWords) {
    if (message.starts_with(begin)) return std::string(words);
  }
  return message;
}

}  // namespace

base::Result<std::vector<json>> ParseYaml(const std::string& text, const std::string& name, Dialect dialect) {
  try {
    std::vector<json> documents;
    std::istringstream in(text);
    YAML::Parser parser(in);
    Builder builder(name, dialect, documents);
    while (parser.HandleNextDocument(builder)) {
    }
    return documents;
  } catch (const Stop& stop) {
    return base::Invalid(stop.message);
  } catch (const YAML::Exception& e) {
    std::string place = name;
    if (!e.mark.is_null()) place += ":" + std::to_string(e.mark.line + 1) + ":" + std::to_string(e.mark.column + 1);
    // An odd space makes the next line one that does not fit.
    std::string odd;
    for (int line = e.mark.line; !e.mark.is_null() && odd.empty() && line >= std::max(0, e.mark.line - 1); --line) {
      odd = OddSpace(text, static_cast<std::size_t>(line));
    }
    return base::Invalid(place + ": not YAML: " + (odd.empty() ? PlainWords(e.msg) : odd));
  } catch (const std::exception& e) {
    return base::Invalid(name + ": not YAML: " + e.what());
  }
}

std::string ToYaml(const json& value) {
  if (!IsBlock(value)) return ScalarText(value) + "\n";
  std::string out;
  Write(value, 0, out);
  return out;
}

}  // namespace autotune::text
