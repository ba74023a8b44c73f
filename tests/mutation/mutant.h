// The switches of tests/mutation: each mutant of a rewritten source file is off unless AUTOTUNE_MUTANT is its number.
//
// With AUTOTUNE_MUTANTS_REACHED=FILE the program writes at exit the numbers of the mutants that it evaluated. Included
// only by the copies that mutate.py writes, one thread at a time. Where an operator has a helper here, it does what the
// operator does until one of its mutants is on.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <type_traits>

namespace mutant {

inline const int kSelected = std::getenv("AUTOTUNE_MUTANT") ? std::atoi(std::getenv("AUTOTUNE_MUTANT")) : 0;
inline const char* const kReachedFile = std::getenv("AUTOTUNE_MUTANTS_REACHED");
inline constexpr int kMax = 1 << 18;
inline char reached[kMax];

inline const struct WriteAtExit {
  ~WriteAtExit() {
    std::FILE* file = kReachedFile ? std::fopen(kReachedFile, "w") : nullptr;
    for (int n = 0; file && n < kMax; ++n) {
      if (reached[n]) std::fprintf(file, "%d\n", n);
    }
    if (file) std::fclose(file);
  }
} write_at_exit;

inline bool On(int n) {
  if (kReachedFile) reached[n] = 1;
  return n == kSelected;
}

// a OP b; mutant n is a OTHER b. Mutant m, of the operators that have an order, is the negation.
#define MUTANT_COMPARISON(name, op, other, negated)               \
  template <class A, class B>                                     \
  bool name(int n, int m, const A& a, const B& b) {               \
    if constexpr (requires { static_cast<bool>(a other b); }) {   \
      if (On(n)) return static_cast<bool>(a other b);             \
    }                                                             \
    if constexpr (requires { static_cast<bool>(a negated b); }) { \
      if (On(m)) return static_cast<bool>(a negated b);           \
    }                                                             \
    return static_cast<bool>(a op b);                             \
  }
MUTANT_COMPARISON(Less, <, <=, >=)
MUTANT_COMPARISON(LessEqual, <=, <, >)
MUTANT_COMPARISON(Greater, >, >=, <=)
MUTANT_COMPARISON(GreaterEqual, >=, >, <)
#undef MUTANT_COMPARISON

template <class A, class B>
bool Equal(int n, const A& a, const B& b) {
  return On(n) != static_cast<bool>(a == b);
}
template <class A, class B>
bool NotEqual(int n, const A& a, const B& b) {
  return On(n) != static_cast<bool>(a != b);
}

#define MUTANT_ARITHMETIC(name, op, other)                                   \
  template <class A, class B>                                                \
  auto name(int n, const A& a, const B& b)->std::decay_t<decltype(a op b)> { \
    if constexpr (requires { std::decay_t<decltype(a op b)>(a other b); }) { \
      if (On(n)) return std::decay_t<decltype(a op b)>(a other b);           \
    }                                                                        \
    return a op b;                                                           \
  }
MUTANT_ARITHMETIC(Plus, +, -)
MUTANT_ARITHMETIC(Minus, -, +)
MUTANT_ARITHMETIC(Times, *, /)
MUTANT_ARITHMETIC(Divided, /, *)
MUTANT_ARITHMETIC(Modulo, %, *)
#undef MUTANT_ARITHMETIC

#define MUTANT_ASSIGNMENT(name, op, other) \
  template <class A, class B>              \
  A& name(int n, A& a, const B& b) {       \
    return On(n) ? (a other b) : (a op b); \
  }
MUTANT_ASSIGNMENT(PlusAssign, +=, -=)
MUTANT_ASSIGNMENT(MinusAssign, -=, +=)
MUTANT_ASSIGNMENT(TimesAssign, *=, /=)
MUTANT_ASSIGNMENT(DividedAssign, /=, *=)
#undef MUTANT_ASSIGNMENT

// An integer constant: mutant n is one more; mutant m, unless 0, one less.
template <class T>
T Integer(int n, int m, T value) {
  if (On(n)) return static_cast<T>(value + 1);
  if (m && On(m)) return static_cast<T>(value - 1);
  return value;
}
// Another constant: its double, or 1 for 0.
template <class T>
T Doubled(int n, T value) {
  if (!On(n)) return value;
  if constexpr (std::is_arithmetic_v<T>) {
    if (value == T{}) return T{1};
  }
  return value + value;
}

template <class T>
T Min(int n, const T& a, const T& b) {
  return On(n) ? std::max(a, b) : std::min(a, b);
}
template <class T>
T Min(int n, std::initializer_list<T> values) {
  return On(n) ? std::max(values) : std::min(values);
}
template <class T>
T Max(int n, const T& a, const T& b) {
  return On(n) ? std::min(a, b) : std::max(a, b);
}
template <class T>
T Max(int n, std::initializer_list<T> values) {
  return On(n) ? std::min(values) : std::max(values);
}
template <class T>
auto Floor(int n, T value) {
  return On(n) ? std::ceil(value) : std::floor(value);
}
template <class T>
auto Ceil(int n, T value) {
  return On(n) ? std::floor(value) : std::ceil(value);
}

}  // namespace mutant
