// A sequence of random numbers that is a function of (seed, stream): the same on every machine.
//
// SplitMix64 (Steele, Lea and Flood 2014) on base/keyed_random.h's keys. It has its own transforms, because the C++
// library's distributions differ between implementations. Give every purpose its own stream, for example the lengths of
// request 17. A value; not thread-safe.
#pragma once

#include <cstdint>

namespace autotune::measurement {

class KeyedRandom {
 public:
  explicit KeyedRandom(std::uint64_t seed, std::uint64_t stream = 0);

  std::uint64_t Bits();
  // In the open interval (0, 1).
  double Uniform();
  // In [0, n). REQUIRES: n > 0.
  std::uint64_t Below(std::uint64_t n);
  // Mean 0, standard deviation 1.
  double Normal();
  // Mean 1.
  double Exponential();
  // Mean `shape`, scale 1. REQUIRES: shape > 0.
  double Gamma(double shape);

 private:
  std::uint64_t state_;
};

}  // namespace autotune::measurement
