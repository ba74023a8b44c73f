// Answers as datasets write them, besides numbers (written_number.h): TeX around them, lists in one text, formulas.
//
// Pure and thread-safe. UTF-8.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace autotune::measurement {

// Without what TeX writes around a text or a number: "$\boxed{\text{Ann}}$" is "Ann", "12 \mathrm{~cm}" is "12", and so
// is "x = 12". Other texts are returned as they are.
std::string WithoutTex(std::string_view text);

// What is in the last \boxed{} of a text; nullopt if there is none or if several differ.
std::optional<std::string> Boxed(std::string_view text);

// A command of TeX, "=" or "^"; a function with an argument ("np.arcsin(10/13)"); or symbols or variables without a
// word: "2RC+R+C", "p - q", "10-4 n", "2\u221a3", "(3,4)". Dates are none.
bool HasFormula(std::string_view text);

// The items of a list in one text, where all are numbers, or all are letters, Roman or circled numerals: "2,4,3", "A,
// C", "[1, 3]", "I and II", "(1)(3)"; and what a comma of Chinese enumerations (U+3001) separates, or a Chinese comma
// that has at most three characters on each side. Empty for any other text. One number may look like a list
// ("1,00,000"): OneNumber first.
std::vector<std::string> ListedIn(std::string_view text);

// "['Ann', \"Ann's\"]" as Python writes a list of texts; JSON's is one, too. nullopt for any other text, and for an
// empty list.
std::optional<std::vector<std::string>> ListOfPython(std::string_view text);
// "('Ann', 'Bo')", also with one text: "('Ann',)".
std::optional<std::vector<std::string>> TupleOfPython(std::string_view text);
// "{'A': 'one', 'B': 'two'}" of texts, in this order.
std::optional<std::vector<std::pair<std::string, std::string>>> DictionaryOfPython(std::string_view text);

}  // namespace autotune::measurement
