#include "operator/api/units.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <string_view>
#include <utility>

#include "operator/api/autotune_task.h"

namespace autotune::api {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// The end of digits[.digits] in `text` from `at`; `at` itself when there is no number.
std::size_t NumberEnd(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && IsDigit(text[end])) ++end;
  if (end == at) return at;
  if (end + 1 < text.size() && text[end] == '.' && IsDigit(text[end + 1])) {
    ++end;
    while (end < text.size() && IsDigit(text[end])) ++end;
  }
  return end;
}

double ToDouble(std::string_view number) {
  double value = 0;
  std::from_chars(number.data(), number.data() + number.size(), value);
  return value;
}

// Longer than any experiment and far from the limits of the integers that hold it.
constexpr double kMaxMilliseconds = 366.0 * 24 * 3600 * 1000;

// Of a quantity's suffix; 0 where it is none.
double ScaleOf(std::string_view suffix) {
  static constexpr std::array<std::pair<std::string_view, double>, 16> kSuffixes = {{{"", 1},
                                                                                     {"Ki", 0x1p10},
                                                                                     {"Mi", 0x1p20},
                                                                                     {"Gi", 0x1p30},
                                                                                     {"Ti", 0x1p40},
                                                                                     {"Pi", 0x1p50},
                                                                                     {"Ei", 0x1p60},
                                                                                     {"m", 1e-3},
                                                                                     {"k", 1e3},
                                                                                     {"M", 1e6},
                                                                                     {"G", 1e9},
                                                                                     {"T", 1e12},
                                                                                     {"P", 1e15},
                                                                                     {"E", 1e18},
                                                                                     {"u", 1e-6},
                                                                                     {"n", 1e-9}}};
  double scale = 0;
  for (const auto& [name, factor] : kSuffixes) {
    if (suffix == name) scale = factor;
  }
  if (scale == 0 && suffix.size() > 1 && (suffix[0] == 'e' || suffix[0] == 'E')) {
    int exponent = 0;
    std::string_view rest = suffix.substr(1);
    if (rest[0] == '+') rest.remove_prefix(1);
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), exponent);
    if (error == std::errc() && end == rest.data() + rest.size()) scale = std::pow(10.0, exponent);
  }
  return scale;
}

}  // namespace

base::Result<double> ParseMilliseconds(const std::string& text, const std::string& path) {
  const auto invalid = [&](std::string_view why) {
    return base::Invalid(path + ": \"" + text + "\" is not a duration" + std::string(why) +
                         " such as 500ms, 45s or 1h30m");
  };
  static constexpr std::array<std::pair<std::string_view, double>, 4> kUnits = {
      {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}}};
  const std::string_view view = text;
  if (view.empty()) return invalid("");
  double total = 0;
  std::size_t at = 0;
  while (at < view.size()) {
    const std::size_t number = NumberEnd(view, at);
    if (number == at) return invalid("");
    std::size_t unit = number;
    while (unit < view.size() && view[unit] >= 'a' && view[unit] <= 'z') ++unit;
    double scale = 0;
    for (const auto& [name, factor] : kUnits) {
      if (view.substr(number, unit - number) == name) scale = factor;
    }
    if (scale == 0) return invalid("");
    total += ToDouble(view.substr(at, number - at)) * scale;
    at = unit;
  }
  if (!(total <= kMaxMilliseconds)) return invalid(" of less than one year");
  return total;
}

base::Result<std::chrono::milliseconds> ParseDuration(const std::string& text, const std::string& path) {
  auto milliseconds = ParseMilliseconds(text, path);
  if (!milliseconds) return std::move(milliseconds).error();
  return std::chrono::milliseconds(std::llround(*milliseconds));
}

std::string FormatDuration(std::chrono::milliseconds duration) {
  std::int64_t left = duration.count();
  if (left == 0) return "0s";
  std::string out;
  if (left < 0) {
    out = "-";
    left = -left;
  }
  if (left < 1000) return out + std::to_string(left) + "ms";
  const std::int64_t hours = left / 3'600'000;
  const std::int64_t minutes = left / 60'000 % 60;
  const std::int64_t milliseconds = left % 60'000;
  if (hours != 0) out += std::to_string(hours) + "h";
  if (minutes != 0) out += std::to_string(minutes) + "m";
  if (milliseconds != 0) out += FormatDecimal(static_cast<double>(milliseconds) / 1000, 3) + "s";
  return out;
}

std::string FormatLatency(double milliseconds) {
  if (milliseconds < 99.995) return FormatDecimal(milliseconds, 2) + "ms";
  if (milliseconds < 999.95) return FormatDecimal(milliseconds, 1) + "ms";
  return FormatDecimal(milliseconds / 1000, 3) + "s";
}

std::string FormatBound(double milliseconds) {
  const double seconds = milliseconds / 1000;
  if (milliseconds != 0 && std::fmod(milliseconds, 1000) == 0) return FormatDecimal(seconds, 0) + "s";
  return FormatDecimal(milliseconds, 3) + "ms";
}

std::optional<double> QuantityValue(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  const double scale = error == std::errc() ? ScaleOf(text.substr(static_cast<std::size_t>(end - text.data()))) : 0;
  return scale == 0 ? std::nullopt : std::optional(number * scale);
}

base::Result<std::int64_t> ParseQuantity(const std::string& text, const std::string& path) {
  const auto invalid = [&](std::string_view why) {
    return base::Invalid(path + ": \"" + text + "\" " + std::string(why) + " such as 70Gi, 80G or 1024");
  };
  const std::string_view view = text;
  std::size_t digits = 0;
  // Unlike a duration's, a quantity's number may be "1." or ".5".
  bool digit = false, dot = false;
  while (digits < view.size() && (IsDigit(view[digits]) || (view[digits] == '.' && !dot))) {
    digit = digit || IsDigit(view[digits]);
    dot = dot || view[digits] == '.';
    ++digits;
  }
  if (!digit) return invalid("is not a quantity of bytes");
  std::string number(view.substr(0, digits));
  const std::string_view suffix = view.substr(digits);

  const double scale = ScaleOf(suffix);
  if (scale == 0) return invalid("is not a quantity of bytes");
  if (number.front() == '.') number.insert(0, "0");
  // Plain integers are exact; a fraction rounds up, as Kubernetes does.
  if (scale == 1 && !dot) {
    std::int64_t bytes = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), bytes);
    if (error != std::errc()) return invalid("is too large for a quantity of bytes");
    return bytes;
  }
  const double bytes = std::ceil(ToDouble(number) * scale);
  if (!(bytes < static_cast<double>(std::numeric_limits<std::int64_t>::max())))
    return invalid("is too large for a quantity of bytes");
  return static_cast<std::int64_t>(bytes);
}

std::string FormatDecimal(double value, int decimals) {
  if (!std::isfinite(value)) return "0";
  std::array<char, 400> buffer{};
  const int length = std::snprintf(buffer.data(), buffer.size(), "%.*f", decimals, value);
  std::string text(buffer.data(), static_cast<std::size_t>(length));
  if (text.find('.') != std::string::npos) {
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
  }
  return text == "-0" ? "0" : text;
}

bool IsDecimal(const std::string& text) {
  const std::size_t start = !text.empty() && (text[0] == '-' || text[0] == '+') ? 1 : 0;
  return start < text.size() && NumberEnd(text, start) == text.size();
}

}  // namespace autotune::api
