#include "measurement/lockstep.h"

#include <cmath>
#include <complex>
#include <cstddef>
#include <numbers>

namespace autotune::measurement {
namespace {

constexpr int kFewPlaces = 16;
constexpr double kBunched = 0.83;  // of starts within a third of the time of a request
constexpr std::size_t kRequestsOfPlace = 3;

}  // namespace

std::optional<double> Bunching(int concurrency, std::span<const RequestRecord> records,
                               std::chrono::nanoseconds window_start, std::chrono::nanoseconds window_end) {
  const auto counts = [&](const RequestRecord& record) {
    return record.outcome == RequestOutcome::kOk && record.start >= window_start && record.start < window_end;
  };
  double e2e = 0;
  std::size_t requests = 0;
  for (const RequestRecord& record : records) {
    if (!counts(record)) continue;
    e2e += static_cast<double>((record.end - record.start).count());
    ++requests;
  }
  if (concurrency <= 0 || e2e <= 0 || requests < kRequestsOfPlace * static_cast<std::size_t>(concurrency))
    return std::nullopt;
  e2e /= static_cast<double>(requests);
  std::complex<double> sum;
  for (const RequestRecord& record : records) {
    if (!counts(record)) continue;
    const double cycles = static_cast<double>((record.start - window_start).count()) / e2e;
    sum += std::polar(1.0, 2 * std::numbers::pi * (cycles - std::floor(cycles)));
  }
  return std::abs(sum) / static_cast<double>(requests);
}

bool InLockstep(int concurrency, std::span<const RequestRecord> records, std::chrono::nanoseconds window_start,
                std::chrono::nanoseconds window_end) {
  if (concurrency < kFewPlaces) return false;
  return Bunching(concurrency, records, window_start, window_end).value_or(0) >= kBunched;
}

}  // namespace autotune::measurement
