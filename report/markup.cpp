#include "report/markup.h"

#include <array>
#include <cmath>
#include <cstdio>

namespace autotune::report {
namespace {

// Length of the UTF-8 sequence that begins here; 0 = none does.
std::size_t SequenceLength(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  const unsigned char second = byte(1);
  if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) || (first == 0xF0 && second < 0x90) ||
      (first == 0xF4 && second > 0x8F)) {
    return 0;
  }
  return length;
}

std::string Escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = SequenceLength(text);
    const char c = text.front();
    const auto value = static_cast<unsigned char>(c);
    if (length == 0 || (value < 0x20 && c != '\n' && c != '\t') || value == 0x7F) {
      out += "\uFFFD";
    } else if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"') {
      out += "&quot;";
    } else if (c == '\'') {
      out += "&#39;";
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(std::max<std::size_t>(1, length));
  }
  return out;
}

// HTML elements without content.
bool IsVoid(std::string_view tag) { return tag == "meta" || tag == "br"; }

}  // namespace

Markup Text(std::string_view text) { return Markup(Escaped(text)); }

Markup Element(const char* tag, Attributes attributes, const Markup& content) {
  std::string out = std::string("<") + tag;
  for (const auto& [name, value] : attributes) {
    if (!value.empty()) out += std::string(" ") + name + "=\"" + Escaped(value) + "\"";
  }
  out += ">";
  if (!IsVoid(tag)) out += content.str() + "</" + tag + ">";
  return Markup(std::move(out));
}

Markup Element(const char* tag, Attributes attributes, std::string_view text) {
  return Element(tag, attributes, Text(text));
}
Markup Element(const char* tag, const Markup& content) { return Element(tag, {}, content); }
Markup Element(const char* tag, std::string_view text) { return Element(tag, {}, Text(text)); }

std::string Number(double value) {
  if (!std::isfinite(value)) return "0";
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.2f", std::min(std::max(value, -1e7), 1e7));
  std::string number(text.data());
  number.erase(number.find_last_not_of('0') + 1);
  if (number.ends_with('.')) number.pop_back();
  return number == "-0" ? "0" : number;
}

}  // namespace autotune::report
