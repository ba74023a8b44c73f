// References that are sentences or lists: a right answer may have other words or another order.
//
// Pure and thread-safe. UTF-8. The word lists are those of English, and shorter ones of some twenty other languages;
// for Chinese, characters and lengths decide.
#pragma once

#include <string_view>

namespace autotune::measurement {

// A text of more than 200 bytes; a verdict with its reasons; a clause ("sales grew because costs were low"); nine words
// or more. Names and titles are none ("The Man Who Would Be King"), and neither is a text whose words are all in
// `asked`: it may be copied.
bool IsSentence(std::string_view text, std::string_view asked = {});

// "$400,000,000 increase.", "grew by 5%": one number, at most five words, and one of them tells of a difference. None
// of them is all in `asked`.
bool IsWordedNumber(std::string_view text, std::string_view asked = {});

// "Ann, Bo and Cy", "the first; the last", and not in `asked`, where it may be copied from. "Ann and Bo" may be a name,
// and so may "The Good, the Bad and the Ugly".
bool IsEnumeration(std::string_view text, std::string_view asked = {});

// "Ann Lee, PER\nACME, ORG", "Ann Lee (PERSON); Bern (LOC)", "ORG: ACME": each line or part has the type of an entity.
bool IsWrittenEntities(std::string_view text);

// "8 days, 3 hours and 18 minutes": two or more numbers, each with a unit of time.
bool IsWrittenDuration(std::string_view text);

}  // namespace autotune::measurement
