#include "measurement/keyed_random.h"

#include <cmath>

namespace autotune::measurement {
namespace {

constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15U;

__extension__ typedef unsigned __int128 Product;  // not of ISO C++

// SplitMix64's finalizer: Stafford's variant 13 of MurmurHash3's.
std::uint64_t Mix(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31);
}

}  // namespace

// Two rounds, so that neighbouring seeds and streams start far apart.
KeyedRandom::KeyedRandom(std::uint64_t seed, std::uint64_t stream) : state_(Mix(Mix(seed + kGolden) ^ (stream + 1))) {}

std::uint64_t KeyedRandom::Bits() {
  state_ += kGolden;
  return Mix(state_);
}

// 53 bits, moved by half a step: neither 0 nor 1.
double KeyedRandom::Uniform() { return (static_cast<double>(Bits() >> 11) + 0.5) * 0x1p-53; }

// Multiplication instead of the remainder (Lemire 2019); the bias is below n / 2^64.
std::uint64_t KeyedRandom::Below(std::uint64_t n) {
  return static_cast<std::uint64_t>((static_cast<Product>(Bits()) * n) >> 64);
}

// Box and Muller. The second value is thrown away: no state but the counter.
double KeyedRandom::Normal() {
  constexpr double kTwoPi = 6.283185307179586;
  const double radius = std::sqrt(-2 * std::log(Uniform()));
  return radius * std::cos(kTwoPi * Uniform());
}

double KeyedRandom::Exponential() { return -std::log(Uniform()); }

// Marsaglia and Tsang (2000), with their boost for shapes below 1.
double KeyedRandom::Gamma(double shape) {
  if (shape < 1) {
    const double boost = std::pow(Uniform(), 1 / shape);
    return Gamma(shape + 1) * boost;
  }
  const double d = shape - 1.0 / 3;
  const double c = 1 / std::sqrt(9 * d);
  for (;;) {
    const double x = Normal();
    const double v = std::pow(1 + c * x, 3);
    if (v > 0 && std::log(Uniform()) < 0.5 * x * x + d - d * v + d * std::log(v)) return d * v;
  }
}

}  // namespace autotune::measurement
