// Input and output lengths of requests: a distribution for each.
//
//   D(512,128)            every request 512 in, 128 out
//   N(480,240)/(300,150)  normal, mean and standard deviation
//   U(100,500)/(50,200)   uniform, both ends included
//   E(512)/(128)          exponential, mean
//
// Pure values. Drawn lengths are whole numbers in [1, Max()]. A normal distribution is cut at 4 standard deviations and
// an exponential one at 5 times its mean, so the longest request is known.
#pragma once

#include <string>

#include "base/result.h"
#include "measurement/keyed_random.h"

namespace autotune::measurement {

struct Lengths {
  enum class Kind { kFixed, kNormal, kUniform, kExponential };
  Kind kind = Kind::kFixed;
  // By kind: length; mean and standard deviation; minimum and maximum; mean.
  double a = 1, b = 0;

  // Mean of Draw(), including the cuts.
  [[nodiscard]] double Mean() const;
  [[nodiscard]] int Max() const;
  [[nodiscard]] int Draw(KeyedRandom& random) const;
  bool operator==(const Lengths&) const = default;
};

struct Scenario {
  Lengths input, output;

  // The message of kInvalid contains the syntax.
  static base::Result<Scenario> Parse(const std::string& text);
  static Scenario Fixed(int input_tokens, int output_tokens);
  [[nodiscard]] std::string ToString() const;
  bool operator==(const Scenario&) const = default;
};

}  // namespace autotune::measurement
