#include "measurement/scenario.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <initializer_list>
#include <optional>
#include <regex>
#include <string_view>

namespace autotune::measurement {
namespace {

constexpr double kLongest = 10'000'000;
constexpr double kNormalCut = 4;       // standard deviations: one request in 30,000 is beyond
constexpr double kExponentialCut = 5;  // means: one in 150 is beyond

// A whole number in [min, kLongest] without sign or spaces; moves `text` behind it.
std::optional<double> TakeCount(std::string_view& text, double min) {
  int value = 0;
  if (text.empty() || text.front() == '-') return std::nullopt;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || value < min || value > kLongest) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
  return value;
}

bool Take(std::string_view& text, std::string_view what) {
  if (!text.starts_with(what)) return false;
  text.remove_prefix(what.size());
  return true;
}

// "(480,240)", "(512)".
std::optional<Lengths> TakeLengths(std::string_view& text, Lengths::Kind kind) {
  Lengths out{kind};
  if (!Take(text, "(")) return std::nullopt;
  const auto a = TakeCount(text, 1);
  if (!a) return std::nullopt;
  out.a = *a;
  switch (kind) {
    case Lengths::Kind::kFixed:
    case Lengths::Kind::kExponential:
      break;
    case Lengths::Kind::kNormal:
    case Lengths::Kind::kUniform: {
      if (!Take(text, ",")) return std::nullopt;
      const auto b = TakeCount(text, kind == Lengths::Kind::kNormal ? 0 : out.a);
      if (!b) return std::nullopt;
      out.b = *b;
      break;
    }
  }
  if (!Take(text, ")")) return std::nullopt;
  return out;
}

std::optional<Scenario> TryParse(std::string_view text) {
  const auto pair = [&](Lengths::Kind kind) -> std::optional<Scenario> {
    const auto input = TakeLengths(text, kind);
    if (!input || !Take(text, "/")) return std::nullopt;
    const auto output = TakeLengths(text, kind);
    if (!output || !text.empty()) return std::nullopt;
    return Scenario{*input, *output};
  };
  if (Take(text, "N")) return pair(Lengths::Kind::kNormal);
  if (Take(text, "U")) return pair(Lengths::Kind::kUniform);
  if (Take(text, "E")) return pair(Lengths::Kind::kExponential);
  if (!Take(text, "D(")) return std::nullopt;
  const auto input = TakeCount(text, 1);
  if (!input || !Take(text, ",")) return std::nullopt;
  const auto output = TakeCount(text, 1);
  if (!output || text != ")") return std::nullopt;
  return Scenario{{Lengths::Kind::kFixed, *input}, {Lengths::Kind::kFixed, *output}};
}

std::string Count(double value) { return std::to_string(std::lround(value)); }

std::string LengthsText(const Lengths& lengths) {
  switch (lengths.kind) {
    case Lengths::Kind::kFixed:
    case Lengths::Kind::kExponential:
      return "(" + Count(lengths.a) + ")";
    case Lengths::Kind::kNormal:
    case Lengths::Kind::kUniform:
      break;
  }
  return "(" + Count(lengths.a) + "," + Count(lengths.b) + ")";
}

}  // namespace

double Lengths::Mean() const {
  switch (kind) {
    case Kind::kFixed:
      return a;
    case Kind::kUniform:
      return (a + b) / 2;
    case Kind::kNormal: {
      if (b <= 0) return a;
      // What lies below 1 counts as 1: E max(X, 1). The cut above is worth less than 1e-5 of b.
      const double z = (1 - a) / b;
      const double density = std::exp(-z * z / 2) / std::sqrt(2 * 3.141592653589793);
      const double below = std::erfc(-z / std::sqrt(2.0)) / 2;
      return a + b * (density + z * below);
    }
    case Kind::kExponential:
      // E min(max(X, 1), cut).
      return 1 + a * (std::exp(-1 / a) - std::exp(-kExponentialCut));
  }
  return a;
}

int Lengths::Max() const {
  switch (kind) {
    case Kind::kFixed:
      return static_cast<int>(a);
    case Kind::kUniform:
      return static_cast<int>(b);
    case Kind::kNormal:
      return static_cast<int>(std::min(std::ceil(a + kNormalCut * b), kLongest));
    case Kind::kExponential:
      return static_cast<int>(std::min(std::ceil(kExponentialCut * a), kLongest));
  }
  return static_cast<int>(a);
}

int Lengths::Draw(KeyedRandom& random) const {
  double length = a;
  switch (kind) {
    case Kind::kFixed:
      break;
    case Kind::kUniform:
      length = a + static_cast<double>(random.Below(static_cast<std::uint64_t>(b - a) + 1));
      break;
    case Kind::kNormal:
      length = a + b * random.Normal();
      break;
    case Kind::kExponential:
      length = a * random.Exponential();
      break;
  }
  return static_cast<int>(std::clamp(std::round(length), 1.0, static_cast<double>(Max())));
}

base::Result<Scenario> Scenario::Parse(const std::string& text) {
  if (const auto scenario = TryParse(text)) return *scenario;
  constexpr std::size_t kLongestForm = 64;
  static const std::regex kForm(R"(D\(\d+,\d+\)|[NU]\(\d+,\d+\)/\(\d+,\d+\)|E\(\d+\)/\(\d+\))");
  if (text.size() <= kLongestForm && std::regex_match(text, kForm)) {
    return base::Invalid("\"" + text + "\" is not a scenario: a request has at least 1 token in and 1 out, at most " +
                         Count(kLongest) + ", and a range begins with its lower end");
  }
  return base::Invalid("\"" + text +
                       "\" is not a scenario: D(in,out) with the tokens in and out of every request, such as "
                       "D(512,128), or N(mean,sd)/(mean,sd), U(low,high)/(low,high), E(mean)/(mean)");
}

Scenario Scenario::Fixed(int input_tokens, int output_tokens) {
  return {{Lengths::Kind::kFixed, static_cast<double>(input_tokens)},
          {Lengths::Kind::kFixed, static_cast<double>(output_tokens)}};
}

std::string Scenario::ToString() const {
  switch (input.kind) {
    case Lengths::Kind::kFixed:
      return "D(" + Count(input.a) + "," + Count(output.a) + ")";
    case Lengths::Kind::kNormal:
      return "N" + LengthsText(input) + "/" + LengthsText(output);
    case Lengths::Kind::kUniform:
      return "U" + LengthsText(input) + "/" + LengthsText(output);
    case Lengths::Kind::kExponential:
      return "E" + LengthsText(input) + "/" + LengthsText(output);
  }
  return "";
}

}  // namespace autotune::measurement
