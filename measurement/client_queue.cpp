#include "measurement/client_queue.h"

#include <algorithm>
#include <vector>

#include "measurement/slo.h"
#include "measurement/standing_queue.h"

namespace autotune::measurement {
namespace {

using std::chrono::nanoseconds;

constexpr double kHeldSome = 0.01;       // of the requests
constexpr double kFullTimesAlone = 1.5;  // prompts of others take time, too
constexpr double kFullShare = 0.1;       // ... but not so much of a request's
constexpr double kWaitingInServer = 1;   // requests, mean

// The point as the server saw it: every request starts when it is sent. Those that never were are left out.
Point WithoutWaits(PointSpec spec, std::span<const RequestRecord> records, Progress progress, nanoseconds took) {
  std::vector<RequestRecord> sent;
  sent.reserve(records.size());
  for (const RequestRecord& record : records) {
    if (record.held == kNotSent) continue;
    RequestRecord& one = sent.emplace_back(record);
    one.start += record.held;
    const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(record.held).count();
    for (std::uint32_t& event : one.events) event -= static_cast<std::uint32_t>(std::min<std::int64_t>(micros, event));
  }
  std::stable_sort(sent.begin(), sent.end(),
                   [](const RequestRecord& a, const RequestRecord& b) { return a.start < b.start; });
  spec.drain = nanoseconds(0);
  progress.phase = Phase::kDrain;
  return Evaluate(spec, sent, took, progress).point;
}

bool IsFull(const Slo& slo, const Point& server, const EngineCounters& engine, std::optional<double> alone_ms) {
  if (server.verdict == Verdict::kMissed || !CheckSlo(slo, server).empty()) return true;
  if (engine.waiting) return *engine.waiting >= kWaitingInServer;
  return alone_ms && server.ttft.mean >= kFullTimesAlone * *alone_ms && WaitingShare(server, *alone_ms) >= kFullShare;
}

}  // namespace

double HeldShare(std::span<const RequestRecord> records, nanoseconds begin, nanoseconds end) {
  double all = 0, held = 0;
  for (const RequestRecord& record : records) {
    if (record.start < begin || record.start >= end) continue;
    all += 1;
    held += record.held > nanoseconds(0) ? 1 : 0;
  }
  return all > 0 ? held / all : 0;
}

void JudgeHeld(const PointSpec& spec, std::span<const RequestRecord> records, const Progress& progress,
               nanoseconds took, std::optional<double> alone_ms, Point& point) {
  if (point.load.kind != LoadKind::kRequestRate || IsInvalid(point)) return;
  const double held = HeldShare(records, progress.window_start, progress.window_end);
  if (held <= kHeldSome) return;
  const Point server = WithoutWaits(spec, records, progress, took);
  if (IsFull(spec.slo, server, point.engine, alone_ms)) return;
  point.held = held;
  const bool fell_short = point.verdict == Verdict::kMet && FellShort(point);
  if (point.verdict == Verdict::kMissed || fell_short) point.verdict = Verdict::kUndecided;
}

}  // namespace autotune::measurement
