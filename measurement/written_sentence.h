// References that are sentences or lists: a right answer may use other words or another order.
//
// Pure and thread-safe. UTF-8. Word lists: English, and shorter ones for some twenty other languages. For Chinese,
// characters and lengths decide.
#pragma once

#include <string_view>

namespace autotune::measurement {

// True for a text of more than 200 bytes; a verdict with reasons; a clause ("sales grew because costs were low"); nine
// words or more. False for names and titles ("The Man Who Would Be King"), and for a text whose words are all in
// `asked`, because it may be copied.
bool IsSentence(std::string_view text, std::string_view asked = {});

// True for one number in at most five words, one of which describes a difference: "$400,000,000 increase.", "grew by
// 5%". False if all of its words are in `asked`.
bool IsWordedNumber(std::string_view text, std::string_view asked = {});

// True for "Ann, Bo and Cy" or "the first; the last", unless it is in `asked` and may be copied from there. False for
// possible names: "Ann and Bo", "The Good, the Bad and the Ugly".
bool IsEnumeration(std::string_view text, std::string_view asked = {});

// True if each line or part has an entity type: "Ann Lee, PER\nACME, ORG", "Ann Lee (PERSON); Bern (LOC)", "ORG: ACME".
bool IsWrittenEntities(std::string_view text);

// True for two or more numbers with a unit of time each: "8 days, 3 hours and 18 minutes".
bool IsWrittenDuration(std::string_view text);

}  // namespace autotune::measurement
