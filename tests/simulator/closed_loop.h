// A closed-loop client in virtual time: `concurrency` streams, each with one request at a time, as vLLM's own benchmark
// client runs it. Drives a Scheduler as fast as the machine can. Header only, shared by two test files.
#pragma once

#include <algorithm>
#include <vector>

#include "simulator/scheduler.h"

namespace autotune::simulator {

struct LoopResult {
  double output_tokens_per_second = 0;
  double median_ttft_ms = 0;
  double mean_tpot_ms = 0;
};

inline LoopResult RunClosedLoop(Scheduler& scheduler, int concurrency, int requests, int input, int output) {
  struct Stream {
    double sent = 0;
    double first = -1;
    double last = 0;
  };
  std::vector<Stream> streams;
  const auto send = [&](double now) {
    if (static_cast<int>(streams.size()) == requests) return;
    scheduler.Add(streams.size(), input, output, now);
    streams.push_back({now});
  };
  for (int i = 0; i < concurrency; ++i) send(0);
  while (const auto next = scheduler.NextEvent()) {
    for (const TokenEvent& event : scheduler.AdvanceTo(*next)) {
      Stream& stream = streams[event.request];
      if (stream.first < 0) stream.first = event.at;
      if (!event.last) continue;
      stream.last = event.at;
      send(event.at);
    }
  }
  LoopResult result;
  std::vector<double> ttft;
  double end = 0;
  for (const Stream& stream : streams) {
    ttft.push_back((stream.first - stream.sent) * 1e3);
    result.mean_tpot_ms += (stream.last - stream.first) * 1e3 / (output - 1) / requests;
    end = std::max(end, stream.last);
  }
  std::sort(ttft.begin(), ttft.end());
  result.median_ttft_ms = (ttft[(ttft.size() - 1) / 2] + ttft[ttft.size() / 2]) / 2;
  result.output_tokens_per_second = static_cast<double>(requests) * output / end;
  return result;
}

}  // namespace autotune::simulator
