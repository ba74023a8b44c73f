// The result document: what a pod's bench container writes to its termination log, and the only thing it says.
//
// Pure. The document is one line: "AT1 <payload bytes> <crc32, 8 hex digits> <compact JSON>", at most kMaxBytes. The
// kubelet cuts a termination message at 12 KiB divided by the number of containers, so length and checksum tell a cut
// message from a whole one. Encode() always fits: first numbers lose digits (six, then four), then points that are no
// scenario's best lose what explains them (engine counters, mean, p90 and p95), then texts are shortened.
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
  kClientBound,      // the load generator was late each time: its machine is too busy
  kBrokenOutput,     // it answers, and what no working model says
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
  std::optional<std::size_t> best;  // index into RunResult::points
  bool operator==(const ScenarioOutcome&) const = default;
};

struct Failure {
  FailureReason reason = FailureReason::kBenchmarkFailed;
  std::string message;  // the engine's root cause: the line a person would point at
  int exit_code = 0;    // of the engine, 128+signal when killed, 0 when it did not end
  int http_status = 0;  // inspect: what the hub answered, 0 = no answer
  // The driver, a GPU, the network or the hub failed, not the configuration: another attempt may end differently.
  // Beside a reason that is retryable anyway it says nothing.
  bool machine = false;
};

// What `autotune-bench run` reports.
struct RunResult {
  bool simulated = false;
  std::string engine_version;  // as the engine names itself, "" = it does not say
  std::string gpu_product;     // as the launcher saw it, "" = not seen
  std::string driver;          // of the GPU, as the launcher saw it, "" = not seen
  double start_seconds = 0;    // engine process start to healthy
  double measure_seconds = 0;  // bench, warm-up included
  // In the order of measuring, scenario after scenario; partial when `failure` is set. A point whose requests failed is
  // a point. Beyond kMaxPoints the oldest that are no scenario's best are not encoded.
  std::vector<measurement::Point> points;
  std::vector<ScenarioOutcome> outcomes;  // of the scenarios that were finished, in the spec's order
  std::vector<std::string> warnings;      // what makes the numbers mean less, such as random tokens with drafted ones
  std::optional<measurement::Quality> quality;
  std::string quality_problem;  // why it, or a part of it, was asked for and is not there
  std::optional<Failure> failure;
};

// What `autotune-bench inspect` reports.
struct InspectResult {
  checkpoint::ModelFacts model;
  std::string dataset_problem;  // why no experiment can use a dataset, with file and line; `model` is not set then
  std::optional<Failure> failure;
};

std::string Encode(const RunResult& result);
std::string Encode(const InspectResult& result);
// kInvalid: not a result document, cut short, or damaged (the message says which).
base::Result<RunResult> DecodeRun(std::string_view message);
base::Result<InspectResult> DecodeInspect(std::string_view message);

}  // namespace autotune::bench
