// A closed-loop client in virtual time: `concurrency` streams, each with one request at a time, as vLLM's own benchmark
// client runs it. Drives a Scheduler as fast as the machine can. Header only, shared by two test files.
#pragma once

#include <algorithm>
#include <deque>
#include <vector>

#include "engine_model/scheduler.h"

namespace autotune::engine_model {

struct LoopResult {
  double output_tokens_per_second = 0;
  double median_ttft_ms = 0;
  double mean_tpot_ms = 0;
  double median_tpot_ms = 0;
};

// What the client itself takes, one thing after the other: to send a request and to read a token.
struct ClientCost {
  double request_seconds = 0;
  double token_seconds = 0;
};

inline LoopResult RunClosedLoop(Scheduler& scheduler, int concurrency, int requests, int input, int output,
                                const ClientCost& client = {}) {
  struct Stream {
    double sent = 0;
    double first = -1;
    double last = 0;
  };
  std::vector<Stream> streams;
  std::deque<double> to_send;  // when the client gets to it, ascending
  double client_free = 0;
  int planned = 0;
  const auto send = [&] {
    if (planned == requests) return;
    ++planned;
    to_send.push_back(client_free);
    client_free += client.request_seconds;
  };
  for (int i = 0; i < concurrency; ++i) send();
  while (true) {
    const auto next = scheduler.NextEvent();
    if (!to_send.empty() && (!next || to_send.front() <= *next)) {
      scheduler.Add(streams.size(), input, output, to_send.front());
      streams.push_back({to_send.front()});
      to_send.pop_front();
      continue;
    }
    if (!next) break;
    for (const TokenEvent& event : scheduler.AdvanceTo(*next)) {
      client_free = std::max(client_free, event.at) + client.token_seconds;
      Stream& stream = streams[event.request];
      if (stream.first < 0) stream.first = client_free;
      if (!event.last) continue;
      stream.last = client_free;
      send();
    }
  }
  LoopResult result;
  std::vector<double> ttft;
  std::vector<double> tpot;
  double end = 0;
  for (const Stream& stream : streams) {
    ttft.push_back((stream.first - stream.sent) * 1e3);
    tpot.push_back((stream.last - stream.first) * 1e3 / (output - 1));
    result.mean_tpot_ms += tpot.back() / requests;
    end = std::max(end, stream.last);
  }
  const auto median = [](std::vector<double>& values) {
    std::sort(values.begin(), values.end());
    return (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2;
  };
  result.median_ttft_ms = median(ttft);
  result.median_tpot_ms = median(tpot);
  result.output_tokens_per_second = static_cast<double>(requests) * output / end;
  return result;
}

}  // namespace autotune::engine_model
