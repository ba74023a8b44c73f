#include "measurement/batches.h"

#include <cstddef>
#include <cstdint>

namespace autotune::measurement {

std::optional<Batches> BatchesOf(std::span<const RequestRecord> records) {
  constexpr std::size_t kFewestEvents = 4;           // events of an answer
  constexpr std::uint32_t kTogetherMicros = 500;     // microseconds
  constexpr double kSeveralEvents = 2;               // events of a batch
  constexpr double kApart = 10.0 * kTogetherMicros;  // faster ones may be a busy client's
  constexpr double kOfTheAnswers = 0.5;
  if (CameInOnePiece(records)) return std::nullopt;
  double events = 0, batches = 0, gaps = 0, apart = 0, answers = 0, too_low = 0, too_high = 0;
  for (const RequestRecord& record : records) {
    if (record.outcome != RequestOutcome::kOk || record.events.size() < kFewestEvents) continue;
    double of_first = 0;
    for (std::size_t i = 1; i < record.events.size(); ++i) {
      const std::uint32_t gap = record.events[i] - record.events[i - 1];
      if (gap <= kTogetherMicros) continue;
      if (of_first == 0) of_first = static_cast<double>(i);
      gaps += 1;
      apart += gap;
      batches += 1;
    }
    const auto count = static_cast<double>(record.events.size());
    if (of_first == 0) of_first = count;
    batches += 1;
    events += count;
    too_low += (of_first - 1) / (count - 1);
    // At the pace of what came after the first batch.
    if (count > of_first) {
      too_high += (of_first - 1) * (record.events.back() - record.events.front()) / 1e3 / (count - of_first);
    }
    answers += 1;
  }
  if (answers == 0 || events < kSeveralEvents * batches || apart < kApart * gaps) return std::nullopt;
  if (gaps < kOfTheAnswers * answers) return std::nullopt;  // a few answers of a machine that was busy
  return Batches{events / batches, apart / gaps / 1e3, too_high / answers, too_low / answers};
}

}  // namespace autotune::measurement
