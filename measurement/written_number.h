// Numbers as datasets and models write them.
//
// Pure and thread-safe. UTF-8: the minus sign (U+2212), full-width digits and non-breaking spaces are read like their
// ASCII forms.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace autotune::measurement {

struct WrittenNumber {
  double value;
  bool percent = false;  // "%" or "percent" follows: 20 of "20 %"
  double scale = 1;      // 1e6 of "20 million"
};

// The last number in a text; nullopt if there is none, or if it is part of a formula without a value here ("3\pi").
// "1,200.50 $" is 1200.5, "1 000" is 1000, "- 1" is -1, "3/4" and "\frac{3}{4}" are 0.75, "2 1/2" and "2(1/2)" are 2.5,
// "3.2 \times 10^{5}" is 320000. A date ("3/4/2021") is not a fraction.
std::optional<WrittenNumber> LastNumber(std::string_view text);

// The number of a text that is one number, with at most a currency sign, "%" or a degree sign: input of LastNumber.
std::optional<std::string> OneNumber(std::string_view text);

// The value of arithmetic with numbers: "(3/5)", "1(5/6)", "(2/3)/(4/5)", "5+5", "3*4-1". nullopt for ambiguous texts
// ("3-2", "10-20", "3/4/2021") unless `sure`: another member says that the text is arithmetic.
std::optional<double> ArithmeticValue(std::string_view text, bool sure = false);

// True for a text like "3/4/2021".
bool IsDate(std::string_view text);

// Replaces mathematical signs by their ASCII forms: "\u2212" by "-", "\dfrac" by "\frac", "{,}" by ",", "\%" by "%".
std::string WithAsciiSigns(std::string_view text);

bool IsDigitAt(std::string_view text, std::size_t at);

// The position after the "}" that closes the "{" at `at`; npos if there is none. REQUIRES: text[at] == '{'.
std::size_t EndOfBraces(std::string_view text, std::size_t at);

}  // namespace autotune::measurement
