// Random numbers as a function of a key: equal on every machine, independent of earlier draws.
//
// A key names the use of the number: Key({seed, decision, Fnv1a(candidate), draw}). There is no generator and no state
// to save: a restarted process draws the same numbers. std::normal_distribution and std::shuffle differ between
// standard libraries and are not used. Pure and thread-safe.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace base {

// SplitMix64's step: a bijection of 64 bits in which every input bit moves every output bit.
constexpr std::uint64_t Mix64(std::uint64_t z) {
  z += 0x9e3779b97f4a7c15ULL;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

// Order matters: Key({1, 2}) and Key({2, 1}) differ.
constexpr std::uint64_t Key(std::initializer_list<std::uint64_t> values) {
  std::uint64_t h = 0x243f6a8885a308d3ULL;
  for (const std::uint64_t v : values) h = Mix64(h ^ Mix64(v));
  return h;
}

// FNV-1a, 64 bit.
constexpr std::uint64_t Fnv1a(std::string_view text, std::uint64_t basis = 0xcbf29ce484222325ULL) {
  std::uint64_t h = basis;
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return h;
}

// Uniform in the open interval (0, 1).
constexpr double Uniform(std::uint64_t key) { return (static_cast<double>(key >> 11) + 0.5) / 9007199254740992.0; }

// The standard normal quantile of p in (0, 1): algorithm AS 241 (Wichura 1988), relative error below 1e-15.
double NormalQuantile(double p);

inline double Normal(std::uint64_t key) { return NormalQuantile(Uniform(key)); }

// The standard normal distribution function.
double NormalProbability(double z);

}  // namespace base
