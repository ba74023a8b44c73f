// Specification of one bench run, passed by the pod builder as one JSON argument (`autotune-bench run --spec '{...}'`).
//
// Pure value shared by operator/experiment (writes it), bench and `autotune bench` (read it). Part of the content hash,
// except members that only decide when to stop (score_to_beat, score_to_beat_ci, predictions, quality.reference,
// experiment_timeout, allowed) or where raw data goes (records). Members that have their default are not written: an
// absent one means the same measurement as before.
#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "measurement/load.h"
#include "measurement/load_search.h"
#include "measurement/predicted_load.h"
#include "measurement/quality.h"
#include "measurement/scenario.h"
#include "measurement/slo.h"
#include "measurement/workload.h"

namespace autotune::bench {

struct Dataset {
  std::string path;  // mounted into the bench container
  measurement::DatasetFormat format = measurement::DatasetFormat::kJsonl;
  // Number of tokens to generate for entries without an output length. nullopt: the model ends its answers, at the
  // latest after kLongestFreeAnswer tokens, and shorter answers are valid.
  std::optional<int> output_tokens;
  bool operator==(const Dataset&) const = default;
};
inline constexpr int kLongestFreeAnswer = 1024;

// A dataset with references: measurement/questions.h.
struct QuestionSet {
  std::string path;         // mounted into the bench container
  int answer_tokens = 256;  // of an answer, at most
  bool operator==(const QuestionSet&) const = default;
};

// Measurement of quality after the last point (bench/quality_probe.h).
struct QualityPlan {
  bool measure = true;
  std::optional<QuestionSet> questions;
  // The engine has random weights: its answers mean nothing, and their sanity is not checked.
  bool made_up_weights = false;
  // Inputs of the stopping rule for the corpus; not part of the content hash. Set both of the first two, or neither.
  std::optional<measurement::Quality> reference;  // the baseline's
  std::optional<double> max_growth;               // of perplexity over it, as a share
  bool only_cache_differs = false;                // from it
  bool operator==(const QualityPlan&) const = default;
};

struct BenchSpec {
  // --- Requests. Exactly one of scenarios and dataset; a dataset counts as one scenario, "dataset".
  std::vector<measurement::Scenario> scenarios;
  std::optional<Dataset> dataset;
  measurement::Endpoint endpoint = measurement::Endpoint::kCompletions;
  measurement::Prefix prefix;  // scenarios only
  measurement::Turns turns;    // scenarios only; ShareGPT brings its own, JSONL and Mooncake have single requests
  // Of the model; 0 = not known. Token ids are drawn below vocab_size; if it is not known, requests detect a valid
  // range. Lengths beyond max_model_len are rejected before the first request.
  int vocab_size = 0;
  int max_model_len = 0;

  // --- Loads
  measurement::LoadPlan load;
  measurement::Arrival arrival;  // of request rates; kTrace needs a Mooncake dataset

  // --- Limits and objective
  measurement::Slo slo;
  measurement::Worth worth = measurement::Worth::kOutputTokens;
  int gpus = 1;  // of the engine: scores are per GPU
  // One for each scenario (a dataset: one), or empty. Set: racing, see measurement/load_search.h.
  std::vector<std::optional<double>> score_to_beat;
  std::vector<std::optional<double>> score_to_beat_ci;  // half-width of its 95 % interval, where it is known
  std::vector<std::optional<measurement::PredictedLoads>> predictions;
  std::vector<std::optional<double>> admitted;
  std::vector<std::optional<double>> start;      // the load at which the incumbent has its score, of the plan's kind
  bool confirms = false;                         // a fresh start of a measured configuration with the limit `start`
  std::vector<std::optional<double>> reference;  // requests/s, where load.reference_share asks for such a point

  // --- Times
  std::chrono::milliseconds duration{60'000};  // longest steady window of a point
  std::chrono::milliseconds drain{30'000};     // longest wait for requests of the window after it
  std::chrono::milliseconds warmup{60'000};    // longest, per scenario, from its second wave on
  // nullopt: 10 times the E2E latency of the first warm-up request, at least kShortestRequestTimeout.
  std::optional<std::chrono::milliseconds> request_timeout;
  std::chrono::milliseconds first_request_timeout{600'000};  // engines compile kernels on first use
  std::chrono::milliseconds experiment_timeout{2'700'000};   // bench's own deadline, from its start
  // Time that a budget allows for this run, from the engine's start: bench's deadline if it comes first.
  std::optional<std::chrono::milliseconds> allowed;

  // Expected model of a command that a user wrote, as a hub id or path. "" = the server's model is not checked.
  std::string model;

  std::int64_t seed = 1;
  std::string records;  // file for one JSON line per request (bench/recorder.h), "" = none
  QualityPlan quality;

  [[nodiscard]] std::size_t Workloads() const { return dataset ? 1 : scenarios.size(); }
  bool operator==(const BenchSpec&) const = default;
};
inline constexpr std::chrono::milliseconds kShortestRequestTimeout{120'000};

// {"scenarios": ["D(512,128)"] | "dataset": {"path", "format", "outputTokens"}, "endpoint", "prefix": {"tokens",
//  "groups"}, "turns", "vocabSize", "maxModelLen", "load", "arrival", "slo" (as measurement/spec_json.h), "worth":
//  "OutputTokens" | "AttainedRequests" | "Ttft" | "Tpot" | "E2e", "gpus", "scoreToBeat": [x | null], "scoreToBeatCi":
//  [x | null], "predictions": [{} | null], "admitted": [x | null], "start": [x | null], "confirms", "reference": [x |
//  null], "durationMs", "drainMs", "warmupMs", "requestTimeoutMs", "firstRequestTimeoutMs", "experimentTimeoutMs",
//  "allowedMs", "seed", "records", "quality": false | {"measure", "questions": {"path", "answerTokens"},
//  "madeUpWeights", "reference":
//  {"text", "blocks"}, "maxGrowth", "onlyCacheDiffers"}}
nlohmann::json ToJson(const BenchSpec& spec);
// kInvalid names the member and the correction. CheckBenchSpec() checks the combination of members.
base::Result<BenchSpec> BenchSpecFromJson(const nlohmann::json& value);

// Checks that need only the spec: lengths beyond the context, more points than a result holds, a trace without
// timestamps, a rate that no arrival process holds, an SLO bound that cannot be measured. Paths are those of the JSON:
// `spec.load`.
base::Status CheckBenchSpec(const BenchSpec& spec);

}  // namespace autotune::bench
