#include "measurement/standing_queue.h"

#include <algorithm>

namespace autotune::measurement {
namespace {

constexpr double kLeastShare = 0.01;  // of a request's time: benchmarks/README.md has others
constexpr double kTimesAlone = 1.15;  // what one request alone takes is known from one or two

}  // namespace

double WaitingShare(const Point& point, double alone_ms) {
  if (!(point.e2e.mean > 0)) return 0;
  return std::clamp((point.ttft.mean - alone_ms) / point.e2e.mean, 0.0, 1.0);
}

bool QueueStands(const Point& point, double alone_ms) {
  return point.load.kind == LoadKind::kConcurrency && point.ttft.mean >= kTimesAlone * alone_ms &&
         WaitingShare(point, alone_ms) >= kLeastShare;
}

}  // namespace autotune::measurement
