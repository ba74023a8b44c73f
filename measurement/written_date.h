// Dates as datasets and models write them: "5 May 2010", "May 5th, 2010", "5. Mai 2010", "2010-05-05".
//
// Pure and thread-safe. UTF-8. Names of months: English, German, French, Spanish, Italian, Portuguese and Dutch.
// Chinese, Japanese and Korean dates have numbers.
#pragma once

#include <optional>
#include <string_view>

namespace autotune::measurement {

// 0: not given. At least two are given.
struct WrittenDate {
  int year = 0, month = 0, day = 0;
};

// Parses a text that is one date, with at most a weekday or a preposition before it. nullopt for "5/6/2010", because
// the month is ambiguous; "25/6/2010" is a date.
std::optional<WrittenDate> OneDate(std::string_view text);

// True if the text has a date with all parts of `date`, in any order.
bool HasDate(std::string_view text, const WrittenDate& date);

}  // namespace autotune::measurement
