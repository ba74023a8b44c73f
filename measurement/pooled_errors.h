// Whether requests fail at the same rate at every load, so that a best point without errors was only lucky.
//
// A point is judged by its own requests. A server that fails one request in fifty at any load sometimes shows no error
// in a short point, and that point may become the best one. All points together show the error rate.
//
// Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "measurement/point.h"
#include "measurement/slo.h"

namespace autotune::measurement {

struct PooledErrors {
  std::int64_t errors = 0, ended = 0;  // requests of all points that count
  [[nodiscard]] double Share() const {
    return ended > 0 ? static_cast<double>(errors) / static_cast<double>(ended) : 0;
  }
};

// `points`: of one scenario; `answer`: index of the best one. Points that miss another limit than the error rate do not
// count, because an overload causes errors of its own. nullopt unless three conditions hold: more requests failed than
// `slo.max_error_rate` allows (99.5 %), the best point alone meets that limit, and the errors of all points fit one
// common rate (99 %).
std::optional<PooledErrors> ErrorsAtEveryLoad(const Slo& slo, std::span<const Point> points, std::size_t answer);

}  // namespace autotune::measurement
