#include "kube/client/base64.h"

#include <algorithm>
#include <cstddef>

namespace kube {

std::string EncodeBase64(std::string_view data) {
  static constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string encoded;
  for (std::size_t i = 0; i < data.size(); i += 3) {
    unsigned bits = 0;
    const std::size_t count = std::min<std::size_t>(3, data.size() - i);
    for (std::size_t k = 0; k < 3; ++k) bits = bits << 8 | (k < count ? static_cast<unsigned char>(data[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k) encoded += k <= count ? kAlphabet[bits >> (18 - 6 * k) & 63] : '=';
  }
  return encoded;
}

std::optional<std::string> DecodeBase64(std::string_view text) {
  const auto value = [](char c) -> int {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '+') return 62;
    if (c == '/') return 63;
    return -1;
  };
  std::string decoded;
  unsigned bits = 0;
  int count = 0;
  int padding = 0;
  for (const char c : text) {
    if (c == '\n' || c == '\r' || c == ' ') continue;
    if (c == '=') {
      ++padding;
      continue;
    }
    const int six = value(c);
    if (six < 0 || padding != 0) return std::nullopt;
    bits = (bits << 6 | static_cast<unsigned>(six)) & 0xFFFFFF;
    if (++count % 4 != 1) {
      const int shift = count % 4 == 2 ? 4 : count % 4 == 3 ? 2 : 0;
      decoded += static_cast<char>(bits >> shift & 0xFF);
    }
  }
  if (count % 4 == 1 || padding > 2 || (padding != 0 && (count + padding) % 4 != 0)) return std::nullopt;
  return decoded;
}

}  // namespace kube
