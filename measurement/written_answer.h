// Answers as datasets and models write them: numbers, lists in one text, and formulas that are no more than a number.
//
// Pure and thread-safe. UTF-8: the minus sign (U+2212), digits of full width and spaces that do not break are read like
// those of ASCII.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace autotune::measurement {

// The last number in a text; nullopt if there is none, or if it is part of a formula without a value here ("3\pi").
// "1,200.50 $" is 1200.5, "1 000" is 1000, "- 1" is -1, "3/4" and "\frac{3}{4}" are 0.75, "2 1/2" is 2.5, "3.2 \times
// 10^{5}" is 320000.
std::optional<double> LastNumber(std::string_view text);

// A text that is one number, with at most a sign of money, "%" or a degree sign beside it: what LastNumber needs of it.
std::optional<std::string> OneNumber(std::string_view text);

// Without what TeX writes around a text or a number: "$\boxed{\text{Ann}}$" is "Ann", "12 \mathrm{~cm}" is "12", and so
// is "x = 12". Other texts are returned as they are.
std::string WithoutTex(std::string_view text);

// What is in the last \boxed{} of a text; nullopt if there is none or if several differ.
std::optional<std::string> Boxed(std::string_view text);

// A command of TeX, "=" or "^"; or symbols or variables without a word: "p - q", "10-4 n", "2\u221a3", "(3,4)".
bool HasFormula(std::string_view text);

// The items of a list in one text, where all are numbers, or all are letters or Roman numerals: "2,4,3", "A, C", "[1,
// 3]", "I and II", "(1)(3)". Nothing for any other text. One number may look like a list ("1,00,000"): OneNumber first.
std::vector<std::string> ListedIn(std::string_view text);

}  // namespace autotune::measurement
