// Length limits for texts: examples, events, conditions. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace autotune::reconcile {

inline constexpr std::size_t kMaxNote = 1000;  // of an event; the API's limit is 1 KiB

// At most `limit` bytes, never cut inside a UTF-8 sequence. "..." replaces the end, unless `limit` has no room for it.
inline std::string Short(const std::string& text, std::size_t limit) {
  constexpr std::string_view kEllipsis = "...";
  if (text.size() <= limit) return text;
  const bool room = limit >= kEllipsis.size();
  std::size_t end = room ? limit - kEllipsis.size() : limit;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end).append(room ? kEllipsis : "");
}

}  // namespace autotune::reconcile
