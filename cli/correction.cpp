#include "cli/correction.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>
#include <regex>
#include <string_view>
#include <utility>

#include "base/ascii_case.h"
#include "operator/api/autotune_task.h"
#include "operator/api/units.h"
#include "text/table.h"

namespace autotune::cli {
namespace {

using nlohmann::json;

// Insertions, deletions, replacements and swaps of neighbours.
std::size_t Distance(const std::string& a, const std::string& b) {
  std::vector<std::vector<std::size_t>> table(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        table[i][j] = i + j;
        continue;
      }
      table[i][j] =
          std::min({table[i - 1][j] + 1, table[i][j - 1] + 1, table[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        table[i][j] = std::min(table[i][j], table[i - 2][j - 2] + 1);
      }
    }
  }
  return table[a.size()][b.size()];
}

std::string Folded(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c != '-' && c != '_') out += base::AsciiLower(c);
  }
  return out;
}

// "persistentVolumeClaim": "pvc".
std::string Initials(const std::string& name) {
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (i == 0 || std::isupper(static_cast<unsigned char>(name[i])) != 0) out += base::AsciiLower(name[i]);
  }
  return out;
}

bool IsSubsequence(std::string_view part, std::string_view whole) {
  std::size_t at = 0;
  for (const char c : whole) {
    if (at < part.size() && part[at] == c) ++at;
  }
  return at == part.size();
}

// The only one that `fits` takes; "" where there are none or several.
template <typename Fits>
std::string OnlyOne(const std::vector<std::string>& known, const Fits& fits) {
  const auto first = std::find_if(known.begin(), known.end(), fits);
  return first == known.end() || std::find_if(std::next(first), known.end(), fits) != known.end() ? "" : *first;
}

std::string WithoutSpaces(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (std::isspace(static_cast<unsigned char>(c)) == 0) out += c;
  }
  return out;
}

// The number at the beginning of a text, and what follows it; nothing where there is none.
struct Amount {
  double number = 0;
  std::string unit;
};
std::optional<Amount> AmountOf(const std::string& text) {
  const std::string plain = WithoutSpaces(text);
  const std::size_t begin = plain.find_first_of("0123456789.");
  // A currency before it is no part of the number, a sign is.
  constexpr std::array<std::string_view, 5> kBefore = {"", "$", "\u20ac", "\u00a3", "USD"};
  if (begin == std::string::npos) return std::nullopt;
  if (std::find(kBefore.begin(), kBefore.end(), std::string_view(plain).substr(0, begin)) == kBefore.end()) {
    return std::nullopt;
  }
  Amount amount;
  const auto [end, error] =
      std::from_chars(plain.data() + begin, plain.data() + plain.size(), amount.number, std::chars_format::fixed);
  if (error != std::errc()) return std::nullopt;
  for (const char* c = end; c != plain.data() + plain.size(); ++c) amount.unit += base::AsciiLower(*c);
  return amount;
}

// Units of time, in milliseconds.
constexpr std::array<std::pair<std::string_view, double>, 19> kTimes = {{{"ms", 1},
                                                                         {"msec", 1},
                                                                         {"milliseconds", 1},
                                                                         {"s", 1e3},
                                                                         {"sec", 1e3},
                                                                         {"secs", 1e3},
                                                                         {"second", 1e3},
                                                                         {"seconds", 1e3},
                                                                         {"m", 6e4},
                                                                         {"min", 6e4},
                                                                         {"mins", 6e4},
                                                                         {"minutes", 6e4},
                                                                         {"h", 3.6e6},
                                                                         {"hr", 3.6e6},
                                                                         {"hrs", 3.6e6},
                                                                         {"hours", 3.6e6},
                                                                         {"hour", 3.6e6},
                                                                         {"d", 8.64e7},
                                                                         {"days", 8.64e7}}};

// Milliseconds of "30 min" and of "1h30m".
std::optional<double> MillisecondsOf(const std::string& text) {
  const std::optional<Amount> amount = AmountOf(text);
  if (!amount) return std::nullopt;
  for (const auto& [unit, factor] : kTimes) {
    if (amount->unit == unit) return amount->number * factor;
  }
  const auto several = api::ParseMilliseconds(WithoutSpaces(text), "");
  return several ? std::optional(*several) : std::nullopt;
}

// Words after a number that name what the field counts anyway: "$/h" of a price per hour, "rps" of a rate. A unit that
// changes the number ("/min", "k", "percent") is none of them.
bool IsNameOfUnit(const std::string& unit) {
  if (unit.size() > 32) return false;
  static const std::regex kNames(
      "(\\$|usd|eur|dollars?|euros?)?((/|per)?(gpu)?(/|per)?(h|hr|hour))?|rps|qps|(req|reqs|requests?)?(/"
      "|per)(s|sec|second)"
      "|gpuh(ours?|rs?)?|x|gpus?|experiments?|requests?|tokens?|trials?|times");
  return std::regex_match(unit, kNames);
}

// Whole milliseconds as a duration: "1500ms", "60s".
std::string Duration(double milliseconds) {
  const double rounded = std::round(milliseconds);
  if (rounded >= 1000 && std::fmod(rounded, 1000) == 0) return api::FormatDecimal(rounded / 1000, 0) + "s";
  return api::FormatDecimal(rounded, 0) + "ms";
}

bool IsGpuHours(const std::string& path) { return path.ends_with(".gpuHours"); }

bool IsMemory(const std::string& path) {
  return path.ends_with(".minMemory") || path.ends_with(".memory") || path.ends_with("ephemeral-storage");
}

// Other forms of what has a form of its own: a scenario "512/128" or "d(512,128)", a compute capability "sm_90", the
// address of a model's page.
std::vector<std::string> WrittenOtherwise(const std::string& text) {
  if (text.size() > 256) return {};
  std::smatch found;
  static const std::regex kLengths("^([0-9]+) *[/,:x] *([0-9]+)$"), kCapability("^[Ss][Mm]_?([0-9]+)([0-9])$"),
      kDistribution("^ *[dnue] *\\(.*\\) *$"), kAddress("^https?://(www\\.)?huggingface\\.co/([^/?#]+/[^/?#]+)/?$");
  if (std::regex_match(text, found, kLengths)) return {"D(" + found[1].str() + "," + found[2].str() + ")"};
  if (std::regex_match(text, found, kCapability)) return {found[1].str() + "." + found[2].str()};
  if (std::regex_match(text, found, kAddress)) return {found[2].str()};
  if (!std::regex_match(text, kDistribution)) return {};
  return {base::AsciiUpper(WithoutSpaces(text))};
}

// What a text with a number may have meant.
std::vector<std::string> Texts(const std::string& text, const std::string& path) {
  std::vector<std::string> out = WrittenOtherwise(text);
  const std::optional<Amount> amount = AmountOf(text);
  if (amount || text.find('(') != std::string::npos) out.insert(out.begin(), WithoutSpaces(text));
  if (!amount) return out;
  const double number = amount->number;
  for (const auto& [unit, factor] : kTimes) {
    if (amount->unit == unit) {
      // Hours stay hours: a day is 24h.
      if (factor >= 3.6e6) out.push_back(api::FormatDecimal(number * factor / 3.6e6, 0) + "h");
      out.push_back(Duration(number * factor));
    }
  }
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 14> kSizes = {{{"kb", "k"},
                                                                                            {"mb", "M"},
                                                                                            {"gb", "G"},
                                                                                            {"tb", "T"},
                                                                                            {"g", "G"},
                                                                                            {"t", "T"},
                                                                                            {"kib", "Ki"},
                                                                                            {"mib", "Mi"},
                                                                                            {"gib", "Gi"},
                                                                                            {"tib", "Ti"},
                                                                                            {"ki", "Ki"},
                                                                                            {"mi", "Mi"},
                                                                                            {"gi", "Gi"},
                                                                                            {"ti", "Ti"}}};
  for (const auto& [unit, suffix] : kSizes) {
    if (amount->unit == unit) out.push_back(api::FormatDecimal(number, 3) + std::string(suffix));
  }
  for (const std::string_view percent : {"%", "percent", "pct"}) {
    if (amount->unit == percent) out.push_back(api::FormatDecimal(number / 100, 6));
  }
  if (amount->unit.empty() && IsMemory(path)) out.push_back(api::FormatDecimal(number, 3) + "Gi");
  if (amount->unit.empty()) {
    // One possible meaning; WithUnits has all of them.
    const bool milliseconds = path.starts_with("spec.slo.") && number >= 10;
    if (path.ends_with(".deadline")) out.push_back(api::FormatDecimal(number, 0) + "h");
    out.push_back(Duration(milliseconds ? number : number * 1000));
  }
  if (IsGpuHours(path)) {
    if (const auto milliseconds = MillisecondsOf(text); milliseconds && *milliseconds > 0) {
      out.push_back(api::FormatDecimal(*milliseconds / 3.6e6, 6));
      return out;
    }
  }
  // What follows a number is left out only where the number stays the same: "2,50" is not 2, "30m" is not 30. A number
  // of bytes without its unit is another number.
  if (!IsMemory(path) && IsNameOfUnit(amount->unit)) {
    out.push_back(api::FormatDecimal(number, 6));
    out.push_back(api::FormatDecimal(number, 1) + (std::fmod(number, 1) == 0 ? ".0" : ""));  // "9" of "9.0"
  }
  return out;
}

// Other ways to write a scalar.
std::vector<json> Scalars(const json& value, const std::string& path) {
  std::vector<json> out;
  if (value.is_boolean()) {
    // YAML's old words for them.
    for (const char* word : {"true", "On", "Auto", "Always"}) {
      if (value.get<bool>()) out.emplace_back(word);
    }
    for (const char* word : {"false", "Off", "Never", "None"}) {
      if (!value.get<bool>()) out.emplace_back(word);
    }
    return out;
  }
  const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  for (const std::string& one : Texts(text, path)) out.emplace_back(one);
  if (value.is_string()) {
    const json parsed = json::parse(WithoutSpaces(text), nullptr, false);
    if (parsed.is_number() || parsed.is_boolean()) out.push_back(parsed);
  }
  return out;
}

bool IsCommandLine(const std::string& path) { return path.ends_with(".args") || path.ends_with(".command"); }

// A list that was written as one text: words of a command line, else what stands between commas (not within brackets).
std::vector<std::string> PartsOf(const std::string& text, const std::string& path) {
  const bool words = IsCommandLine(path);
  std::vector<std::string> parts(1);
  int depth = 0;
  for (const char c : text) {
    depth += c == '(' || c == '{' || c == '[' ? 1 : c == ')' || c == '}' || c == ']' ? -1 : 0;
    if (words ? c == ' ' : c == ',' && depth == 0) {
      if (!parts.back().empty()) parts.emplace_back();
    } else if (c != ' ') {
      parts.back() += c;
    }
  }
  if (parts.back().empty()) parts.pop_back();
  return parts;
}

}  // namespace

std::optional<json> Corrected(const json& schema, const json& value, const std::string& path, const Takes& takes) {
  if (value.is_null()) return std::nullopt;
  const std::string type = schema.value("type", "");
  // The value itself, or what it should have been, as the only one of a list or the one member that an object needs.
  const auto as_member = [&](const json& member) -> std::optional<json> {
    if (takes(member, value)) return value;
    return Corrected(member, value, path, takes);
  };
  if (type == "array" && schema.contains("items")) {
    if (value.is_object()) {  // NAME: VALUE, ... where a list of named ones is wanted
      json list = json::array();
      for (const auto& [name, member] : value.items()) {
        list.push_back({{"name", name}, {"value", member.is_string() ? member : json(member.dump())}});
      }
      return takes(schema, list) ? std::optional(list) : std::nullopt;
    }
    if (value.is_array()) return std::nullopt;
    const std::string text = value.is_string() ? value.get<std::string>() : "";
    // Which words quotes hold together is the shell's business.
    if (IsCommandLine(path) && text.find_first_of("'\"\\\n") != std::string::npos) return std::nullopt;
    if (const auto parts = PartsOf(text, path); parts.size() > 1) {
      json list = json::array();
      for (const std::string& part : parts) {
        const auto member =
            takes(schema["items"], part) ? json(part) : Corrected(schema["items"], part, path, takes).value_or(json());
        list.push_back(member);
      }
      if (takes(schema, list)) return list;
    }
    const auto one = as_member(schema["items"]);
    return one && takes(schema, json::array({*one})) ? std::optional(json::array({*one})) : std::nullopt;
  }
  if (type == "object" && schema.contains("properties") && !value.is_structured()) {
    if (value == json(true) && takes(schema, json::object())) return json::object();
    std::optional<json> found;
    for (const auto& [name, member] : schema["properties"].items()) {
      // A word that YAML reads as a boolean may be one of an enumeration.
      const auto inside = value.is_boolean() && !member.contains("enum") ? std::nullopt : as_member(member);
      if (!inside || !takes(schema, {{name, *inside}})) continue;
      if (found) return std::nullopt;  // more than one could be meant
      found = json{{name, *inside}};
    }
    return found;
  }
  if (value.is_array() && value.size() == 1 && takes(schema, value.front())) return value.front();
  if (value.is_structured()) return std::nullopt;
  if (schema.contains("enum") && value.is_string()) {
    std::vector<std::string> names;
    for (const json& one : schema["enum"]) {
      if (one.is_string()) names.push_back(one);
    }
    const std::string close = Closest(value, names);
    return close.empty() ? std::nullopt : std::optional(json(close));
  }
  for (const json& other : Scalars(value, path)) {
    if (takes(schema, other)) return other;
  }
  return std::nullopt;
}

std::vector<std::string> WithUnits(const json& schema, const json& value, const std::string& path, const Takes& takes) {
  std::vector<std::string> out;
  if (!takes(schema, "1s") || !takes(schema, "1m") || takes(schema, "1") || value.is_structured()) return out;
  const auto amount = AmountOf(value.is_string() ? value.get<std::string>() : value.dump());
  if (!amount || !amount->unit.empty() || !(amount->number > 0) || amount->number > 1e6) return out;
  const double number = amount->number;
  const auto offer = [&](std::string_view unit, double milliseconds) {
    const bool whole = std::fmod(number, 1) == 0;
    const std::string text = whole
                                 ? api::FormatDecimal(number, 0) + std::string(unit)
                                 : api::FormatDuration(std::chrono::milliseconds(std::llround(number * milliseconds)));
    if (takes(schema, text)) out.push_back(text);
  };
  if (path.starts_with("spec.slo.")) {
    // Limits of a tenth of a second and more are not written in seconds by accident, nor fractions in milliseconds.
    if (number >= 1) offer("ms", 1);
    if (number < 100) offer("s", 1e3);
  } else {
    offer("s", 1e3);
    offer("m", 6e4);
    offer("h", 3.6e6);
  }
  return out;
}

std::string Closest(const std::string& word, const std::vector<std::string>& known) {
  if (word.size() > 64) return "";
  const std::string folded = Folded(word);
  std::string best;
  std::size_t least = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const std::string& candidate : known) {
    const std::size_t distance = Distance(folded, Folded(candidate));
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  if (!best.empty() || folded.size() < 3) return best;
  best = OnlyOne(known, [&](const std::string& one) { return Folded(one).find(folded) != std::string::npos; });
  if (best.empty()) best = OnlyOne(known, [&](const std::string& one) { return Initials(one) == folded; });
  if (best.empty() && folded.size() >= 5) {
    best = OnlyOne(known, [&](const std::string& one) {
      const std::string whole = Folded(one);
      return whole.front() == folded.front() && IsSubsequence(folded, whole);
    });
  }
  return best;
}

std::string NoneOf(const std::string& value, const std::vector<std::string>& known) {
  const std::string close = Closest(value, known);
  return "\"" + value + "\" is not one of " + text::Joined(known, ", ") +
         (close.empty() ? "" : "; did you mean " + close + "?");
}

}  // namespace autotune::cli
