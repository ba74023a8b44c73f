// The result document that a pod's bench container writes to its termination log: its only output.
//
// Pure. The document is one line: "AT1 <payload bytes> <crc32, 8 hex digits> <compact JSON>", at most kMaxBytes. The
// kubelet cuts a termination message at 12 KiB divided by the number of containers, so length and checksum detect a
// truncated message. Encode() always fits: first numbers lose digits, then points that are not the best of a scenario
// lose what explains them (engine counters, relative intervals, errors by kind), then all points do, then the oldest
// points that are not the best of a scenario are left out. Messages of failures are shortened.
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

// The fixed set of failure reasons; API names are the enumerators without the k. The launcher and the load generator
// find the first group, operator/experiment reads the second from the pod's status.
enum class FailureReason {
  kEngineRejectedArguments,
  kEngineRejectedConfiguration,
  kOutOfMemory,
  kStartupTimeout,
  kExperimentTimeout,
  kEngineCrashed,
  kBenchmarkFailed,
  kClientBound,      // the load generator sent late each time: its machine is too busy
  kBrokenOutput,     // it gives answers that no working model gives
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
// True where another attempt of the same configuration may end differently (infrastructure, not configuration).
bool IsRetryable(FailureReason reason);

// How the search for the limit of one scenario ended.
struct ScenarioOutcome {
  measurement::StopReason reason = measurement::StopReason::kFound;
  std::optional<std::size_t> best;     // index into RunResult::points
  std::optional<std::size_t> limit{};  // where `best` is a rate below it: not written, but kept among the points
  bool operator==(const ScenarioOutcome&) const = default;
};

struct Failure {
  FailureReason reason = FailureReason::kBenchmarkFailed;
  std::string message;  // the engine's root cause: the line a person would point at
  int exit_code = 0;    // of the engine, 128+signal when killed, 0 when it did not end
  int http_status = 0;  // inspect: status of the hub's answer, 0 = no answer
  // The driver, a GPU, the network or the hub failed, not the configuration: another attempt may end differently. Not
  // used with a reason that is always retryable.
  bool machine = false;
};

// Result of `autotune-bench run`.
struct RunResult {
  bool simulated = false;
  std::string engine_version;  // as reported by the engine, "" = not reported
  std::string gpu_product;     // as the launcher saw it, "" = not seen
  std::string driver;          // of the GPU, as the launcher saw it, "" = not seen
  double start_seconds = 0;    // engine process start to healthy
  double measure_seconds = 0;  // bench, warm-up included
  // In the order of measuring, scenario after scenario; partial when `failure` is set. A point whose requests failed is
  // a point. Beyond kMaxPoints the oldest that are no scenario's best are not encoded.
  std::vector<measurement::Point> points;
  std::vector<ScenarioOutcome> outcomes;  // of the scenarios that were finished, in the spec's order
  std::vector<std::string> warnings;      // limits of the results, such as random tokens with speculative decoding
  std::optional<measurement::Quality> quality;
  std::string quality_problem;  // reason for a missing quality measurement, or a missing part of it
  std::optional<Failure> failure;
};

// Result of `autotune-bench inspect`.
struct InspectResult {
  checkpoint::ModelFacts model;
  std::string datasets_read;    // how the questions of a dataset are judged, for people; "" = there are none
  int choice_questions = 0;     // of them, judged by the likelihood of choices
  std::string dataset_problem;  // why no experiment can use a dataset, with file and line; `model` is not set then
  std::optional<Failure> failure;
};

std::string Encode(const RunResult& result);
std::string Encode(const InspectResult& result);
// kInvalid: not a result document, truncated, or damaged (see the message).
base::Result<RunResult> DecodeRun(std::string_view message);
base::Result<InspectResult> DecodeInspect(std::string_view message);

}  // namespace autotune::bench
