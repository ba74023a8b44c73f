#include "measurement/keyed_random.h"

#include <cmath>

#include "base/keyed_random.h"

namespace autotune::measurement {
namespace {

constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15U;

__extension__ typedef unsigned __int128 Product;  // not of ISO C++

}  // namespace

KeyedRandom::KeyedRandom(std::uint64_t seed, std::uint64_t stream) : state_(base::Key({seed, stream})) {}

std::uint64_t KeyedRandom::Bits() {
  const std::uint64_t bits = base::Mix64(state_);
  state_ += kGolden;
  return bits;
}

double KeyedRandom::Uniform() { return base::Uniform(Bits()); }

// Multiplication instead of the remainder (Lemire 2019); the bias is below n / 2^64.
std::uint64_t KeyedRandom::Below(std::uint64_t n) {
  return static_cast<std::uint64_t>((static_cast<Product>(Bits()) * n) >> 64);
}

double KeyedRandom::Normal() { return base::NormalQuantile(Uniform()); }

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
