#include "cli/yaml_json.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

namespace autotune::cli {
namespace {

using nlohmann::json;

// Far above any manifest. Aliases can make a small text large, and an alias to its own parent endless.
constexpr int kMaxDepth = 64;
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

// The value of a plain scalar; nothing for .inf and .nan, which JSON does not have.
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

class Converter {
 public:
  explicit Converter(const std::string& name) : name_(name) {}

  base::Result<json> Convert(const YAML::Node& node, int depth) {
    if (depth > kMaxDepth) return Fail(node, "nested deeper than " + std::to_string(kMaxDepth) + " levels");
    if (++nodes_ > kMaxNodes) return Fail(node, "larger than " + std::to_string(kMaxNodes) + " values");
    switch (node.Type()) {
      case YAML::NodeType::Undefined:
      case YAML::NodeType::Null:
        return json(nullptr);
      case YAML::NodeType::Scalar:
        return Scalar(node);
      case YAML::NodeType::Sequence: {
        json list = json::array();
        for (const YAML::Node& item : node) {
          auto value = Convert(item, depth + 1);
          if (!value) return value;
          list.push_back(*std::move(value));
        }
        return list;
      }
      case YAML::NodeType::Map:
        return Map(node, depth);
    }
    return Fail(node, "unknown kind of node");
  }

 private:
  base::Error Fail(const YAML::Node& node, const std::string& message) const {
    const YAML::Mark mark = node.Mark();
    if (mark.is_null()) return base::Invalid(name_ + ": " + message);
    return base::Invalid(name_ + ":" + std::to_string(mark.line + 1) + ":" + std::to_string(mark.column + 1) + ": " +
                         message);
  }

  base::Result<json> Scalar(const YAML::Node& node) const {
    const std::string& text = node.Scalar();
    const std::string& tag = node.Tag();
    // "?" is a plain scalar, "!" a quoted one; explicit core tags mean what they say.
    if (tag == "!" || tag == "tag:yaml.org,2002:str") return json(text);
    auto value = PlainScalar(text);
    if (!value) return Fail(node, text + " is not a number that JSON can hold");
    return *std::move(value);
  }

  base::Result<json> Map(const YAML::Node& node, int depth) {
    json object = json::object();
    std::vector<YAML::Node> merged;
    for (const auto& entry : node) {
      if (!entry.first.IsScalar()) return Fail(entry.first, "a key has to be a scalar");
      const std::string& key = entry.first.Scalar();
      if (key == "<<" && entry.first.Tag() == "?") {
        merged.push_back(entry.second);
        continue;
      }
      if (object.contains(key)) return Fail(entry.first, "duplicate key \"" + key + "\"");
      auto value = Convert(entry.second, depth + 1);
      if (!value) return value;
      object[key] = *std::move(value);
    }
    for (const YAML::Node& node_of_keys : merged) {
      auto value = Convert(node_of_keys, depth + 1);
      if (!value) return value;
      json sources = value->is_array() ? *value : json::array({*value});
      for (const json& source : sources) {
        if (!source.is_object()) return Fail(node_of_keys, "<< merges mappings only");
        for (const auto& [key, member] : source.items()) {
          if (!object.contains(key)) object[key] = member;
        }
      }
    }
    return object;
  }

  const std::string& name_;
  std::size_t nodes_ = 0;
};

bool NeedsQuotes(const std::string& text) {
  if (text.empty()) return true;
  const auto plain = PlainScalar(text);
  if (!plain || !plain->is_string()) return true;
  // YAML 1.1 readers (Kubernetes' among them) take these for booleans, numbers or dates.
  std::string lower = text;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (IsOneOf(lower, {"yes", "no", "on", "off", "y", "n"})) return true;
  if (std::string_view("0123456789+-.").find(text.front()) != std::string_view::npos &&
      text.find_first_not_of("0123456789abcdefxoABCDEF_+-.:eE") == std::string::npos) {
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

}  // namespace

base::Result<std::vector<json>> ParseYaml(const std::string& text, const std::string& name) {
  try {
    std::vector<json> documents;
    for (const YAML::Node& node : YAML::LoadAll(text)) {
      Converter converter(name);
      auto document = converter.Convert(node, 0);
      if (!document) return std::move(document).error();
      if (!document->is_null()) documents.push_back(*std::move(document));
    }
    return documents;
  } catch (const YAML::Exception& e) {
    std::string place = name;
    if (!e.mark.is_null()) place += ":" + std::to_string(e.mark.line + 1) + ":" + std::to_string(e.mark.column + 1);
    return base::Invalid(place + ": not YAML: " + e.msg);
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

}  // namespace autotune::cli
