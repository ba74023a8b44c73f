// Makes text from engines and hubs fit for a status message: valid UTF-8, no control characters, bounded length.
//
// Pure, thread-safe, needs nothing but the C++ library (the static launcher links it).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace autotune::bench {

// Drops terminal escape sequences, replaces runs of control characters by one space and invalid UTF-8 by U+FFFD, and
// trims. Longer results are cut between characters and end in "…", within `max_bytes`. REQUIRES: max_bytes >= 3.
std::string CleanText(std::string_view text, std::size_t max_bytes);

// The longest prefix of at most `max_bytes` bytes that does not split a character. REQUIRES: `text` is valid UTF-8.
std::string_view Utf8Prefix(std::string_view text, std::size_t max_bytes);

}  // namespace autotune::bench
