// The requests of a benchmark: bodies for POST /v1/completions with random prompts of an exact length.
//
// Pure: the same (seed, stream, index) is the same request for every configuration, and no two share a prefix, so that
// prefix caches do not help. Only fields that vLLM, SGLang and TensorRT-LLM all know are sent: TensorRT-LLM refuses
// every other (docs/benchmark.md lists them).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/bench_spec.h"

namespace autotune::bench {

// How a prompt is written. Token ids give exactly the asked length without a tokenizer.
struct PromptStyle {
  enum class Kind { kTokenIds, kWords } kind = Kind::kTokenIds;
  int first_id = 0, last_id = 0;  // ids are drawn from [first_id, last_id]
  bool operator==(const PromptStyle&) const = default;
};

// What to try, in this order, until the engine accepts one: the vocabulary's size is not known here, and ids beyond it
// are refused. Words are the last resort: their number of tokens is near the asked one, not exact.
const std::vector<PromptStyle>& PromptStyles();

struct RequestSeries {
  std::string model;
  measurement::Scenario scenario;
  PromptStyle style;
  std::int64_t seed = 0;
  std::uint64_t stream = 0;  // keeps warm-up, steps and scenarios apart
};

// The body of the index-th request of the series.
std::string CompletionBody(const RequestSeries& series, std::uint64_t index);

}  // namespace autotune::bench
