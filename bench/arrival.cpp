#include "bench/arrival.h"

#include <algorithm>
#include <cmath>

namespace autotune::bench {
namespace {

constexpr std::uint64_t kArrivalStream = 0xA221u;  // keeps arrivals and contents of a point apart

// What lies between the last entry of a trace and the first one of its repetition: its mean gap.
double TracePeriod(const std::vector<std::chrono::milliseconds>& trace) {
  const double span = static_cast<double>((trace.back() - trace.front()).count());
  return span * static_cast<double>(trace.size()) / static_cast<double>(trace.size() - 1);
}

}  // namespace

base::Status CheckTrace(const std::vector<std::chrono::milliseconds>& timestamps) {
  if (timestamps.size() < 2) return base::Invalid("a trace requires at least two entries");
  if (timestamps.back() <= timestamps.front()) {
    return base::Invalid("all entries have the same timestamp: they define no rate");
  }
  return {};
}

ArrivalTimes::ArrivalTimes(const measurement::Arrival& arrival, double rate, std::int64_t seed, std::uint64_t stream,
                           std::size_t block, const std::vector<std::chrono::milliseconds>* trace, std::uint64_t first)
    : arrival_(arrival),
      gap_seconds_(1 / rate),
      gaps_(arrival, measurement::KeyedRandom(static_cast<std::uint64_t>(seed), (stream << 16) ^ kArrivalStream),
            block),
      trace_(trace),
      first_(first) {
  if (arrival_.process == measurement::ArrivalProcess::kTrace) {
    trace_scale_ = static_cast<double>(trace_->size()) / (TracePeriod(*trace_) * rate);
  }
}

double ArrivalTimes::TraceTime(std::uint64_t entry) const {
  const std::uint64_t size = trace_->size();
  const std::uint64_t rounds = entry / size;  // of the whole trace
  return static_cast<double>(rounds) * TracePeriod(*trace_) +
         static_cast<double>(((*trace_)[entry % size] - trace_->front()).count());
}

std::chrono::nanoseconds ArrivalTimes::Next() {
  using measurement::ArrivalProcess;
  switch (arrival_.process) {
    case ArrivalProcess::kPoisson:
    case ArrivalProcess::kGamma:
      seconds_ += gap_seconds_ * gaps_.Next();
      break;
    case ArrivalProcess::kConstant:
      seconds_ = gap_seconds_ * static_cast<double>(count_);  // not a sum: no rounding adds up
      break;
    case ArrivalProcess::kTrace:
      seconds_ = trace_scale_ * (TraceTime(first_ + count_) - TraceTime(first_));
      break;
  }
  ++count_;
  return std::chrono::nanoseconds(std::llround(seconds_ * 1e9));
}

std::chrono::nanoseconds StaggeredStart(int user, int users, std::chrono::nanoseconds expected_e2e) {
  return expected_e2e * user / std::max(users, 1);
}

}  // namespace autotune::bench
