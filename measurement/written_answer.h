// Answers as datasets write them, except numbers (written_number.h): TeX around them, lists in one text, formulas.
//
// Pure and thread-safe. UTF-8.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace autotune::measurement {

// Removes TeX around a text or a number: "$\boxed{\text{Ann}}$" becomes "Ann"; "12 \mathrm{~cm}" and "x = 12" become
// "12". Other texts are returned unchanged.
std::string WithoutTex(std::string_view text);

// The content of the last \boxed{} of a text; nullopt if there is none, or if several differ.
std::optional<std::string> Boxed(std::string_view text);

// True for a TeX command, "=" or "^"; a function with an argument ("np.arcsin(10/13)"); or symbols and variables
// without words: "2RC+R+C", "p - q", "10-4 n", "2\u221a3", "(3,4)". False for dates.
bool HasFormula(std::string_view text);

// The items of a list in one text, if all are numbers, letters, Roman numerals or circled numerals: "2,4,3", "A, C",
// "[1, 3]", "I and II", "(1)(3)". Also items separated by the Chinese enumeration comma (U+3001), or by a Chinese comma
// between at most three characters. Empty for other texts. One number may look like a list ("1,00,000"): try OneNumber
// first.
std::vector<std::string> ListedIn(std::string_view text);

// Parses a list of texts as Python writes it: "['Ann', \"Ann's\"]". Also JSON lists. nullopt for other texts and for an
// empty list.
std::optional<std::vector<std::string>> ListOfPython(std::string_view text);
// The same for a tuple: "('Ann', 'Bo')", also with one text: "('Ann',)".
std::optional<std::vector<std::string>> TupleOfPython(std::string_view text);
// The same for a dictionary of texts, in order: "{'A': 'one', 'B': 'two'}".
std::optional<std::vector<std::pair<std::string, std::string>>> DictionaryOfPython(std::string_view text);

}  // namespace autotune::measurement
