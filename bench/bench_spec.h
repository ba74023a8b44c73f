// Specification of one bench run, passed by the pod builder as one JSON argument (`autotune-bench run --spec '{...}'`).
//
// Pure value shared by operator/experiment (writes it), bench and `autotune bench` (read it). The content hash covers
// what BenchSpecOf() sets from a task (operator/experiment/hashed_context.cpp), without experiment_timeout. Members set
// per candidate (score_to_beat to reference, quality.reference, allowed, ...) are not hashed. Members with their
// default value are not written: an absent member means the same measurement as before.
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
  // Number of tokens to generate for entries without an output length. nullopt: the model ends its answers itself,
  // after at most kLongestFreeAnswer tokens, and shorter answers are valid.
  std::optional<int> output_tokens;
  bool operator==(const Dataset&) const = default;
};
inline constexpr int kLongestFreeAnswer = 1024;

// A dataset with references: measurement/questions.h.
struct QuestionSet {
  std::string path;         // mounted into the bench container
  int answer_tokens = 256;  // maximum tokens of one answer
  bool operator==(const QuestionSet&) const = default;
};

// Measurement of quality after the last point (bench/quality_probe.h).
struct QualityPlan {
  bool measure = true;
  std::optional<QuestionSet> questions;
  // The engine has random weights: its answers are meaningless, and their sanity is not checked.
  bool made_up_weights = false;
  // Inputs of the corpus's stopping rule, not hashed. Set both `reference` and `max_growth`, or neither.
  std::optional<measurement::Quality> reference;  // quality of the baseline
  std::optional<double> max_growth;               // limit for the growth of perplexity over `reference`, as a share
  bool only_cache_differs = false;                // the KV cache is the only difference from `reference`
  bool operator==(const QualityPlan&) const = default;
};

struct BenchSpec {
  // --- Requests. Exactly one of `scenarios` and `dataset` is set; a dataset counts as one scenario, "dataset".
  std::vector<measurement::Scenario> scenarios;
  std::optional<Dataset> dataset;
  measurement::Endpoint endpoint = measurement::Endpoint::kCompletions;
  measurement::Prefix prefix;  // scenarios only
  measurement::Turns turns;    // scenarios only; ShareGPT has its own turns, JSONL and Mooncake have single requests
  // Of the model; 0 = not known. Token ids are drawn below vocab_size. If it is not known, test requests find a valid
  // range. Lengths beyond max_model_len are rejected before the first request.
  int vocab_size = 0;
  int max_model_len = 0;

  // --- Loads
  measurement::LoadPlan load;
  measurement::Arrival arrival;  // of request rates; kTrace needs a Mooncake dataset

  // --- Limits and objective
  measurement::Slo slo;
  measurement::ScoreMetric score_metric = measurement::ScoreMetric::kOutputTokens;
  int gpus = 1;  // of the engine; scores are per GPU
  // One per scenario (a dataset counts as one), or empty. If set, racing is on: see measurement/load_search.h.
  std::vector<std::optional<double>> score_to_beat;
  std::vector<std::optional<double>> score_to_beat_ci;  // half-width of its 95 % interval, if known
  std::vector<std::optional<measurement::PredictedLoads>> predictions;
  std::vector<std::optional<double>> admitted;
  std::vector<std::optional<double>> start;      // load of the incumbent's score, in the plan's kind of load
  bool confirms = false;                         // a fresh start of a measured configuration whose limit is `start`
  std::vector<std::optional<double>> reference;  // requests/s, if load.reference_share asks for such a point

  // --- Times
  std::chrono::milliseconds duration{60'000};  // maximum length of a point's window, in steady state
  std::chrono::milliseconds drain{30'000};     // maximum wait for the requests of the window after its end
  std::chrono::milliseconds warmup{60'000};    // maximum per scenario, from its second wave on
  // nullopt: 10 times the E2E latency of the first warm-up request, but at least kShortestRequestTimeout.
  std::optional<std::chrono::milliseconds> request_timeout;
  std::chrono::milliseconds first_request_timeout{600'000};  // engines compile kernels on first use
  std::chrono::milliseconds experiment_timeout{2'700'000};   // bench's own deadline, from its start
  // Time that the budget allows for this run, from the engine's start. The earlier of both deadlines applies.
  std::optional<std::chrono::milliseconds> allowed;

  // Model that a user's own command is expected to serve, as a hub id or path. "" = the served model is not checked.
  std::string model;

  std::int64_t seed = 1;
  std::string records;  // file with one JSON line per request (bench/recorder.h); "" = none
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
// "madeUpWeights", "reference": {"text", "blocks"}, "maxGrowth", "onlyCacheDiffers"},
// "model"}
nlohmann::json ToJson(const BenchSpec& spec);
// kInvalid names the member and the correction. CheckBenchSpec() checks the combination of members.
base::Result<BenchSpec> BenchSpecFromJson(const nlohmann::json& value);

// Checks that need only the spec: lengths beyond the context, more points than a result holds, a trace without
// timestamps, a rate that no arrival process supports, an SLO limit that cannot be measured. Messages use the JSON's
// paths: `spec.load`.
base::Status CheckBenchSpec(const BenchSpec& spec);

}  // namespace autotune::bench
