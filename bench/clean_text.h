// Text from engines and hubs made fit for a status message: valid UTF-8, no control characters, bounded.
//
// Pure, thread-safe, needs nothing but the C++ library (the static launcher links it).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace autotune::bench {

// Drops terminal escape sequences, turns runs of control characters into one space, replaces invalid UTF-8 with U+FFFD
// and trims. Longer results are cut between characters and end in "…", so that they hold at most `max_bytes` (>= 3).
std::string CleanText(std::string_view text, std::size_t max_bytes);

// The longest prefix of at most `max_bytes` bytes that does not split a character. `text` must be valid UTF-8.
std::string_view Utf8Prefix(std::string_view text, std::size_t max_bytes);

}  // namespace autotune::bench
