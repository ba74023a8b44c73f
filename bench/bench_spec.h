// What one bench run has to do: passed by the pod builder as one JSON argument (`autotune-bench run --spec '{...}'`).
//
// Pure value shared by operator/experiment (writes it), bench and `autotune bench` (read it). Part of the content hash,
// but for what only says when to stop (score_to_beat, predictions, quality.reference, experiment_timeout, allowed) or
// where raw data goes (records). Members that have their default are not written: an absent one means the same
// measurement as before.
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
  // For entries that do not say how many tokens to generate. Nothing: the model ends its answers itself, at the latest
  // after kLongestFreeAnswer tokens, and answers shorter than that are not short.
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

// What is measured after the last point (bench/quality_probe.h).
struct QualityPlan {
  bool measure = true;
  std::optional<QuestionSet> questions;
  // The engine makes its weights up: its answers mean nothing, and no sanity is asked of them.
  bool made_up_weights = false;
  // When the corpus need not be read to its end; not part of the content hash. All or none of the first two.
  std::optional<measurement::Quality> reference;  // the baseline's
  std::optional<double> max_growth;               // of perplexity over it, as a share
  bool only_cache_differs = false;                // from it
  bool operator==(const QualityPlan&) const = default;
};

struct BenchSpec {
  // --- what is sent. Exactly one of scenarios and dataset; a dataset counts as one scenario, "dataset".
  std::vector<measurement::Scenario> scenarios;
  std::optional<Dataset> dataset;
  measurement::Endpoint endpoint = measurement::Endpoint::kCompletions;
  measurement::Prefix prefix;  // scenarios only
  measurement::Turns turns;    // scenarios only; ShareGPT brings its own, JSONL and Mooncake have single requests
  // Of the model; 0 = not known. Token ids are drawn below vocab_size; without it they are found out by trying. Lengths
  // beyond max_model_len are refused before the first request.
  int vocab_size = 0;
  int max_model_len = 0;

  // --- how much of it
  measurement::LoadPlan load;
  measurement::Arrival arrival;  // of request rates; kTrace needs a Mooncake dataset

  // --- what is good enough, and what decides
  measurement::Slo slo;
  measurement::Worth worth = measurement::Worth::kOutputTokens;
  int gpus = 1;  // of the engine: scores are per GPU
  // One for each scenario (a dataset: one), or empty. Set: racing, see measurement/load_search.h.
  std::vector<std::optional<double>> score_to_beat;
  std::vector<std::optional<measurement::PredictedLoads>> predictions;
  std::vector<std::optional<double>> admitted;
  std::vector<std::optional<double>> start;      // the load at which the incumbent has its score, of the plan's kind
  bool confirms = false;                         // a fresh start of what was measured before, whose limit was `start`
  std::vector<std::optional<double>> reference;  // requests/s, where load.reference_share asks for such a point

  // --- how long
  std::chrono::milliseconds duration{60'000};  // longest steady window of a point
  std::chrono::milliseconds drain{30'000};     // longest wait for requests of the window after it
  std::chrono::milliseconds warmup{60'000};    // longest, per scenario, from its second wave on
  // Nothing: 10 times the E2E latency of the first warm-up request, at least kShortestRequestTimeout.
  std::optional<std::chrono::milliseconds> request_timeout;
  std::chrono::milliseconds first_request_timeout{600'000};  // engines compile kernels on first use
  std::chrono::milliseconds experiment_timeout{2'700'000};   // bench's own deadline, from its start
  // What a budget has for this run, from the engine's start on: bench's deadline where that comes first.
  std::optional<std::chrono::milliseconds> allowed;

  // Of a command that a user wrote: the model that it should serve, as a hub id or path. "" = not compared with what
  // the server says.
  std::string model;

  std::int64_t seed = 1;
  std::string records;  // file for one JSON line a request (bench/recorder.h), "" = none
  QualityPlan quality;

  [[nodiscard]] std::size_t Workloads() const { return dataset ? 1 : scenarios.size(); }
  bool operator==(const BenchSpec&) const = default;
};
inline constexpr std::chrono::milliseconds kShortestRequestTimeout{120'000};

// {"scenarios": ["D(512,128)"] | "dataset": {"path", "format", "outputTokens"}, "endpoint", "prefix": {"tokens",
//  "groups"}, "turns", "vocabSize", "maxModelLen", "load", "arrival", "slo" (as measurement/spec_json.h), "worth":
//  "OutputTokens" | "AttainedRequests" | "Ttft" | "Tpot" | "E2e", "gpus", "scoreToBeat": [x | null], "predictions":
//  [{} | null], "admitted": [x | null], "start": [x | null], "confirms", "reference": [x | null], "durationMs",
//  "drainMs", "warmupMs", "requestTimeoutMs", "firstRequestTimeoutMs", "experimentTimeoutMs", "allowedMs", "seed",
//  "records", "quality": false | {"measure", "questions": {"path", "answerTokens"}, "madeUpWeights", "reference":
//  {"text", "blocks"}, "maxGrowth", "onlyCacheDiffers"}}
nlohmann::json ToJson(const BenchSpec& spec);
// Says the member and what would be right, as CheckBenchSpec() does for what members mean together.
base::Result<BenchSpec> BenchSpecFromJson(const nlohmann::json& value);

// What the spec alone tells: lengths beyond the context, more points than a result holds, a trace without timestamps, a
// rate that no arrival process holds, an SLO bound that cannot be measured. Paths are those of the JSON: `spec.load`.
base::Status CheckBenchSpec(const BenchSpec& spec);

}  // namespace autotune::bench
