// Dates as datasets and models write them: "5 May 2010", "May 5th, 2010", "5. Mai 2010", "2010-05-05".
//
// Pure and thread-safe. UTF-8. The names of months are those of English, German, French, Spanish, Italian, Portuguese
// and Dutch; Chinese, Japanese and Korean write numbers.
#pragma once

#include <optional>
#include <string_view>

namespace autotune::measurement {

// 0: not said. At least two are.
struct WrittenDate {
  int year = 0, month = 0, day = 0;
};

// A text that is one date, with at most a weekday or a preposition before it. "5/6/2010" is none: nothing tells which
// is the month; in "25/6/2010" it is clear.
std::optional<WrittenDate> OneDate(std::string_view text);

// Is a date in the text that says all that `date` says, in any order of its parts?
bool HasDate(std::string_view text, const WrittenDate& date);

}  // namespace autotune::measurement
