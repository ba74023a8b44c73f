#include "simulator/python_text.h"

#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>

#include "base/ascii_case.h"

namespace autotune::simulator {
namespace {

bool IsDigit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }

std::string_view Strip(std::string_view text) {
  constexpr std::string_view kSpace = " \t\n\r\f\v";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

// Removes single underscores between digits, as Python's numeric literals allow; nullopt when one stands elsewhere.
std::optional<std::string> WithoutUnderscores(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      out += text[i];
      continue;
    }
    if (i == 0 || i + 1 == text.size() || !IsDigit(text[i - 1]) || !IsDigit(text[i + 1])) return std::nullopt;
  }
  return out;
}

}  // namespace

std::string PythonRepr(std::string_view text) {
  const bool double_quotes = text.find('\'') != std::string_view::npos && text.find('"') == std::string_view::npos;
  const char quote = double_quotes ? '"' : '\'';
  std::string out(1, quote);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == quote || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      std::array<char, 8> buffer{};
      std::snprintf(buffer.data(), buffer.size(), "\\x%02x", static_cast<unsigned>(byte));
      out += buffer.data();
    } else {
      out += c;
    }
  }
  return out + quote;
}

std::optional<std::int64_t> PythonInt(std::string_view text) {
  std::optional<std::string> digits = WithoutUnderscores(Strip(text));
  if (!digits) return std::nullopt;
  std::string_view rest = *digits;
  if (rest.starts_with('+')) rest.remove_prefix(1);
  // from_chars takes a minus sign of its own; "+-1" must not pass.
  if (rest.empty() || (digits->starts_with('+') && !IsDigit(rest.front()))) return std::nullopt;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
  if (error != std::errc() || end != rest.data() + rest.size()) return std::nullopt;
  return value;
}

std::optional<double> PythonFloat(std::string_view text) {
  std::optional<std::string> cleaned = WithoutUnderscores(Strip(text));
  if (!cleaned) return std::nullopt;
  std::string_view rest = *cleaned;
  double sign = 1;
  if (rest.starts_with('+') || rest.starts_with('-')) {
    if (rest.front() == '-') sign = -1;
    rest.remove_prefix(1);
  }
  const std::string lower = base::AsciiLower(rest);
  if (lower == "inf" || lower == "infinity") return sign * std::numeric_limits<double>::infinity();
  if (lower == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (rest.empty() || !(IsDigit(rest.front()) || rest.front() == '.')) return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
  if (error == std::errc::invalid_argument || end != rest.data() + rest.size()) return std::nullopt;
  return sign * value;
}

HumanReadableInt ParseHumanReadableInt(std::string_view text) {
  const std::string_view stripped = Strip(text);
  if (stripped.size() > 1 && std::string_view("kKmMgGtT").find(stripped.back()) != std::string_view::npos) {
    const char suffix = stripped.back();
    const std::string_view number = stripped.substr(0, stripped.size() - 1);
    const std::size_t dot = number.find('.');
    const std::string_view whole = number.substr(0, dot);
    const std::string_view fraction = dot == std::string_view::npos ? std::string_view() : number.substr(dot + 1);
    bool matches = !whole.empty() && (dot == std::string_view::npos || !fraction.empty());
    for (const char c : whole) matches = matches && IsDigit(c);
    for (const char c : fraction) matches = matches && IsDigit(c);
    if (matches) {
      const bool binary = std::isupper(static_cast<unsigned char>(suffix)) != 0;
      const char unit = base::AsciiLower(suffix);
      const int power = unit == 'k' ? 1 : unit == 'm' ? 2 : unit == 'g' ? 3 : 4;
      if (binary && dot != std::string_view::npos) {
        return {std::nullopt, "Decimals are not allowed with binary suffixes like " + std::string(1, suffix) +
                                  ". Did you mean to use " + std::string(number) + std::string(1, unit) + " instead?"};
      }
      const double scaled = PythonFloat(number).value_or(0) * std::pow(binary ? 1024.0 : 1000.0, power);
      if (scaled > 9e18) return {std::nullopt, ""};
      return {static_cast<std::int64_t>(scaled), ""};
    }
  }
  return {PythonInt(stripped), ""};
}

}  // namespace autotune::simulator
