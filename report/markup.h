// Injection-safe HTML and SVG: markup comes from constants of this program, everything else is escaped.
//
// Pure values. Only Element() and Text() create a Markup. Text of a task, an engine or a person enters through Text()
// or as an attribute's value, and both escape it. Control characters and bytes that are not UTF-8 become U+FFFD.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace autotune::report {

class Markup {
 public:
  Markup() = default;
  // A constant of this program, unchanged: style sheets, entities. Accepts only string literals.
  template <std::size_t N>
  static Markup Constant(const char (&markup)[N]) {
    return Markup(std::string(markup, N - 1));
  }
  Markup& operator+=(const Markup& other) {
    markup_ += other.markup_;
    return *this;
  }
  friend Markup operator+(Markup left, const Markup& right) { return left += right; }
  [[nodiscard]] bool empty() const { return markup_.empty(); }
  [[nodiscard]] const std::string& str() const { return markup_; }

 private:
  friend Markup Text(std::string_view text);
  friend Markup Element(const char* tag, std::initializer_list<std::pair<const char*, std::string>> attributes,
                        const Markup& content);
  explicit Markup(std::string markup) : markup_(std::move(markup)) {}
  std::string markup_;
};

Markup Text(std::string_view text);

using Attributes = std::initializer_list<std::pair<const char*, std::string>>;
// REQUIRES: tags and attribute names are constants. An attribute with an empty value is left out. No attribute gets a
// URL, a style or a script from outside; the links of task_list.cpp are names that it has checked.
Markup Element(const char* tag, Attributes attributes, const Markup& content);
Markup Element(const char* tag, Attributes attributes, std::string_view text);
Markup Element(const char* tag, const Markup& content);
Markup Element(const char* tag, std::string_view text);

// A coordinate: at most two decimals, never an exponent.
std::string Number(double value);

}  // namespace autotune::report
