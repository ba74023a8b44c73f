#include "bench/clean_text.h"

#include <algorithm>

namespace autotune::bench {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr std::string_view kEllipsis = "\xE2\x80\xA6";

// Bytes of a terminal escape sequence at the start of `text`, which begins with ESC (ECMA-48: CSI, OSC, two-byte).
std::size_t EscapeLength(std::string_view text) {
  if (text.size() < 2) return 1;
  if (text[1] == '[') {
    std::size_t i = 2;
    while (i < text.size() && (text[i] < 0x40 || text[i] > 0x7e)) {
      if (static_cast<unsigned char>(text[i]) < 0x20) return i;  // not a sequence after all: keep what follows
      ++i;
    }
    return i < text.size() ? i + 1 : i;
  }
  if (text[1] == ']') {
    for (std::size_t i = 2; i < text.size(); ++i) {
      if (text[i] == '\a') return i + 1;
      if (text[i] == '\x1b') return i;
    }
    return text.size();
  }
  return 2;
}

// Length of the valid UTF-8 character at the start of `text`, or 0. Overlong forms, surrogates and values beyond
// U+10FFFF are invalid (Unicode 15, table 3-7).
std::size_t CharacterLength(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto continues = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xbf) {
    return i < text.size() && byte(i) >= low && byte(i) <= high;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return continues(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const unsigned low = first == 0xe0 ? 0xa0 : 0x80, high = first == 0xed ? 0x9f : 0xbf;
    return continues(1, low, high) && continues(2) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const unsigned low = first == 0xf0 ? 0x90 : 0x80, high = first == 0xf4 ? 0x8f : 0xbf;
    return continues(1, low, high) && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

std::string_view Utf8Prefix(std::string_view text, std::size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  while (max_bytes > 0 && (static_cast<unsigned char>(text[max_bytes]) & 0xc0) == 0x80) --max_bytes;
  return text.substr(0, max_bytes);
}

std::string CleanText(std::string_view text, std::size_t max_bytes) {
  std::string out;
  bool space = false;
  // Texts can be megabytes (a progress bar without line ends): stop once enough is known to cut.
  for (std::size_t i = 0; i < text.size() && out.size() <= max_bytes;) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c == 0x1b) {
      i += EscapeLength(text.substr(i));
      continue;
    }
    if (c < 0x20 || c == 0x7f) {
      space = true;
      ++i;
      continue;
    }
    // Logs are mostly ASCII: whole runs at once.
    std::size_t run = i;
    while (run < text.size() && text[run] > ' ' && text[run] < 0x7f) ++run;
    if (run > i) {
      if (space && !out.empty() && out.back() != ' ') out += ' ';
      space = false;
      out += text.substr(i, std::min(run - i, max_bytes + 1));
      i = run;
      continue;
    }
    const std::size_t length = CharacterLength(text.substr(i, 4));
    if (length == 2 && c == 0xc2 && static_cast<unsigned char>(text[i + 1]) < 0xa0) {  // C1 controls
      space = true;
      i += 2;
      continue;
    }
    if (space && !out.empty() && out.back() != ' ' && c != ' ') out += ' ';
    space = false;
    if (!(out.empty() && c == ' ')) out += length == 0 ? kReplacement : text.substr(i, length);
    i += length == 0 ? 1 : length;
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  if (out.size() <= max_bytes) return out;
  std::string cut(Utf8Prefix(out, max_bytes - kEllipsis.size()));
  while (!cut.empty() && cut.back() == ' ') cut.pop_back();
  return cut.append(kEllipsis);
}

}  // namespace autotune::bench
