// Whether requests fail at every load, so that an answer without errors only had luck.
//
// A point is judged by its own requests. A server that fails one request in fifty whatever it is sent shows no error in
// a short point now and then, and that point may be the best one. All points together tell.
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
  std::int64_t errors = 0, ended = 0;  // requests, of all points that count
  [[nodiscard]] double Share() const {
    return ended > 0 ? static_cast<double>(errors) / static_cast<double>(ended) : 0;
  }
};

// `points`: of one scenario; `answer`: index of the one that is told as the best. Points count that miss no limit but
// that of the error rate: an overload has errors of its own. nullopt unless more of their requests failed than
// `slo.max_error_rate` allows (99.5 %), the answer by itself keeps that limit, and the errors of each point are what
// one share, the same at all of them, leaves to chance (99 %).
std::optional<PooledErrors> ErrorsAtEveryLoad(const Slo& slo, std::span<const Point> points, std::size_t answer);

}  // namespace autotune::measurement
