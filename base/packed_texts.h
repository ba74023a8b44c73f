// PackedTexts<N>: N texts in one block of memory, for objects that are kept by the thousand. A std::string takes 32
// bytes, and at least 16 more if it is longer than 15 bytes; here a text takes four bytes and its own length.
//
// Immutable value.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace base {

template <std::size_t N>
class PackedTexts {
 public:
  PackedTexts() = default;
  // REQUIRES: together less than 4 GiB.
  explicit PackedTexts(const std::array<std::string_view, N>& texts) {
    std::size_t size = 0;
    for (const std::string_view text : texts) size += text.size();
    text_.reserve(size);
    for (std::size_t i = 0; i < N; ++i) {
      text_ += texts[i];
      ends_[i] = static_cast<std::uint32_t>(text_.size());
    }
  }

  // REQUIRES: i < N.
  [[nodiscard]] std::string_view operator[](std::size_t i) const {
    const std::size_t begin = i == 0 ? 0 : ends_[i - 1];
    return std::string_view(text_).substr(begin, ends_[i] - begin);
  }

 private:
  std::string text_;  // one after the other
  std::array<std::uint32_t, N> ends_{};
};

}  // namespace base
