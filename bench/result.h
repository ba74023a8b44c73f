// The result document that a pod's bench container writes to its termination log: its only output.
//
// Pure. The document is one line: "AT1 <payload bytes> <crc32, 8 hex digits> <compact JSON>", at most kMaxBytes. The
// kubelet cuts a termination message at 12 KiB divided by the number of containers; length and checksum detect that.
// Encode() always fits. If needed, it first rounds numbers, then drops the details (engine counters, relative
// intervals, errors by kind) of points that are not a scenario's best, then of all points, then the oldest points that
// are not a scenario's best. It also shortens failure messages.
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
#include "measurement/load_search.h"
#include "measurement/point.h"
#include "measurement/quality.h"

namespace autotune::bench {

inline constexpr std::size_t kMaxBytes = 2900;
inline constexpr std::size_t kMaxPoints = 12;

// The fixed set of failure reasons; the API's names are the enumerators without the k. The launcher and the load
// generator report the first group; operator/experiment derives the second from the pod's status.
enum class FailureReason {
  kEngineRejectedArguments,
  kEngineRejectedConfiguration,
  kOutOfMemory,
  kStartupTimeout,
  kExperimentTimeout,
  kEngineCrashed,
  kBenchmarkFailed,
  kClientBound,      // the load generator always sent late: its machine is too busy
  kBrokenOutput,     // the answers are ones that no working model gives
  kModelUnreadable,  // inspect only

  kImagePullFailed,
  kInvalidPodConfiguration,
  kUnschedulable,
  kStorageLimitExceeded,
  kEvicted,
  kNodeRefused,
  kNodeLost,
};
std::string_view FailureReasonName(FailureReason reason);
std::optional<FailureReason> FailureReasonFromName(std::string_view name);
// True if another attempt of the same configuration may succeed (infrastructure, not configuration).
bool IsRetryable(FailureReason reason);

// How the search for the limit of one scenario ended.
struct ScenarioOutcome {
  measurement::StopReason reason = measurement::StopReason::kFound;
  std::optional<std::size_t> best;     // index into RunResult::points
  std::optional<std::size_t> limit{};  // the limit if `best` is a rate below it; not encoded, but its point is kept
  bool operator==(const ScenarioOutcome&) const = default;
};

struct Failure {
  FailureReason reason = FailureReason::kBenchmarkFailed;
  std::string message;  // root cause in the engine's words: its most informative log line
  int exit_code = 0;    // of the engine; 128 + signal if killed, 0 if it did not end
  int http_status = 0;  // inspect: status of the hub's response, 0 = none
  // True if the driver, a GPU, the network or the hub failed, not the configuration: another attempt may succeed. Not
  // used with reasons that are always retryable.
  bool machine = false;
};

// Result of `autotune-bench run`.
struct RunResult {
  bool simulated = false;
  std::string engine_version;  // as reported by the engine, "" = not reported
  std::string gpu_product;     // as the launcher saw it, "" = not seen
  std::string driver;          // of the GPU, as the launcher saw it, "" = not seen
  double start_seconds = 0;    // engine process start to healthy
  double measure_seconds = 0;  // measurement time of bench, warm-up included
  // In order of measurement, scenario by scenario; partial if `failure` is set. A point with failed requests is
  // included. Beyond kMaxPoints, the oldest points that are no scenario's best are not encoded.
  std::vector<measurement::Point> points;
  std::vector<ScenarioOutcome> outcomes;  // of the finished scenarios, in the order of the spec
  std::vector<std::string> warnings;      // limitations of the results, such as random tokens with speculative decoding
  std::optional<measurement::Quality> quality;
  std::string quality_problem;  // reason for a missing quality measurement, or a missing part of it
  std::optional<Failure> failure;
};

// Result of `autotune-bench inspect`.
struct InspectResult {
  checkpoint::ModelFacts model;
  std::string datasets_read;    // how the questions of a dataset are judged, for people; "" = no questions
  int choice_questions = 0;     // questions that are judged by the likelihood of choices
  std::string dataset_problem;  // why no experiment can use a dataset, with file and line; if set, `model` is not set
  std::optional<Failure> failure;
};

std::string Encode(const RunResult& result);
std::string Encode(const InspectResult& result);
// kInvalid: not a result document, truncated or damaged; the message says which.
base::Result<RunResult> DecodeRun(std::string_view message);
base::Result<InspectResult> DecodeInspect(std::string_view message);

}  // namespace autotune::bench
