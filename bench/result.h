// The result document: what a pod's bench container writes to its termination log, and the only thing it says.
//
// Pure. The document is one line: "AT1 <payload bytes> <crc32, 8 hex digits> <compact JSON>", at most kMaxBytes. The
// kubelet cuts a termination message at 12 KiB divided by the number of containers, so length and checksum tell a cut
// message from a whole one. Encode() always fits: texts are shortened, never rows (the API bounds scenarios x steps to
// kMaxLoads). Texts are valid UTF-8 without control characters; measured numbers keep six significant digits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "checkpoint/model_facts.h"

namespace autotune::bench {

inline constexpr std::size_t kMaxBytes = 2900;
inline constexpr std::size_t kMaxLoads = 12;

// The closed list of failure reasons, in the API's spelling (enumerator without the k). The first group is found by the
// launcher and the load generator, the second is read from the pod's status by operator/experiment.
enum class FailureReason {
  kEngineRejectedArguments,
  kEngineRejectedConfiguration,
  kOutOfMemory,
  kStartupTimeout,
  kExperimentTimeout,
  kEngineCrashed,
  kBenchmarkFailed,
  kModelUnreadable,  // inspect only

  kImagePullFailed,
  kInvalidPodConfiguration,
  kUnschedulable,
  kStorageLimitExceeded,
  kEvicted,
  kNodeLost,
};
std::string_view FailureReasonName(FailureReason reason);
std::optional<FailureReason> FailureReasonFromName(std::string_view name);
// True where another attempt of the same configuration may end differently (infrastructure, not configuration).
bool IsRetryable(FailureReason reason);

// Milliseconds over all successful requests of a step, pooled.
struct Latency {
  double mean = 0, p50 = 0, p90 = 0, p95 = 0, p99 = 0;
  bool operator==(const Latency&) const = default;
};

// One load step: one scenario at one concurrency.
struct LoadMeasurement {
  std::string scenario;  // "D(512,128)"
  int concurrency = 0;
  double duration_seconds = 0;  // first request start to last request end
  std::int64_t requests = 0;    // completed
  std::int64_t errors = 0;
  std::int64_t input_tokens = 0;  // from the engine's usage
  std::int64_t output_tokens = 0;
  double output_tokens_per_second = 0;  // output_tokens / duration
  double requests_per_second = 0;
  Latency ttft, tpot, e2e;  // definitions: docs/benchmark.md
  bool operator==(const LoadMeasurement&) const = default;
};

// How likely the engine found the tokens of fixed passages (bench/quality.h).
struct Quality {
  std::string passages;     // which ones: only numbers of the same can be compared
  std::vector<double> nll;  // per passage, nats per token
  bool operator==(const Quality&) const = default;
};

struct Failure {
  FailureReason reason = FailureReason::kBenchmarkFailed;
  std::string message;  // the engine's root cause: the line a person would point at
  int exit_code = 0;    // of the engine, 128+signal when killed, 0 when it did not end
  int http_status = 0;  // inspect: what the hub answered, 0 = no answer
};

// What `autotune-bench run` reports.
struct RunResult {
  bool simulated = false;
  std::string engine_version;          // as the engine names itself, "" = it does not say
  std::string gpu_product;             // as the launcher saw it, "" = not seen
  double start_seconds = 0;            // engine process start to healthy
  double measure_seconds = 0;          // bench, warm-up included
  std::vector<LoadMeasurement> loads;  // partial when `failure` is set
  std::optional<Quality> quality;
  std::string quality_problem;  // why it was asked for and is not there
  std::optional<Failure> failure;
};

// What `autotune-bench inspect` reports.
struct InspectResult {
  checkpoint::ModelFacts model;
  std::optional<Failure> failure;
};

std::string Encode(const RunResult& result);
std::string Encode(const InspectResult& result);
// kInvalid: not a result document, cut short, or damaged (the message says which).
base::Result<RunResult> DecodeRun(std::string_view message);
base::Result<InspectResult> DecodeInspect(std::string_view message);

}  // namespace autotune::bench
