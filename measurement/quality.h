// How likely an engine finds the tokens of fixed passages.
//
// A value: bench measures it, tuning compares it.
#pragma once

#include <string>
#include <vector>

namespace autotune::measurement {

struct Quality {
  std::string passages;     // which ones: only numbers of the same can be compared
  std::vector<double> nll;  // per passage, nats per token
  bool operator==(const Quality&) const = default;
};

}  // namespace autotune::measurement
