// Constants of the search and their sources.
//
// "train": coordinate search and marginal likelihood on the public half of the replay data (docs/search.md). The
// optimum is flat: a step in any direction changes the cost by at most 0.003 of a sweep.
#pragma once

#include <cstddef>

namespace autotune::tuning::search::constants {

// --- Residual model: standard deviations of ln(observed / predicted), by term. Train, marginal likelihood. ---
struct TermDeviations {
  double all, engine, class_, family, candidate;           // level
  double all_u, engine_u, class_u, family_u, candidate_u;  // slope over ln(running requests)
  double size, engine_size;                                // per doubling of the GPUs
  double roughness;                                        // deviation of a single load
  double noise;                                            // one measurement
};
// clang-format off
inline constexpr TermDeviations kTtft = {0.25, 0.20, 0.15, 0.19, 0.06, 0.10, 0.08, 0.05, 0.047, 0.02, 0.05, 0.05, 0.10, 0.03};
inline constexpr TermDeviations kTpot = {0.15, 0.10, 0.10, 0.065, 0.025, 0.035, 0.035, 0.03, 0.028, 0.01, 0.04, 0.04, 0.02, 0.01};
// clang-format on
// E2E latency takes TPOT's column: most of it is output tokens.
// Means of the same: a roofline includes neither the host's time between steps nor the synchronisation of more GPUs.
inline constexpr double kTpotMean = 0.1;
inline constexpr double kTpotSizeMean = 0.05;   // per doubling of the GPUs
inline constexpr double kTpotSlopeMean = 0.04;  // per ln(running requests)

// Without facts about the model or the GPU, deviations are larger by these factors.
inline constexpr double kGenericTpotFactor = 2;
inline constexpr double kGenericTtftFactor = 1.5;
// Factor for engines that the roofline was never compared with.
inline constexpr double kUnknownClassFactor = 2;
// Deviation added to observations of an earlier task (another day, another node).
inline constexpr double kReusedDeviation = 0.05;

// --- Generic prior: milliseconds. Least squares on train, all models together. ---
inline constexpr double kGenericTpotMs = 12;
inline constexpr double kGenericTpotLoad = 0.30;
inline constexpr double kGenericTpotGpus = -0.35;
inline constexpr double kGenericTpotWide = 0.25;
inline constexpr double kGenericTpotFp4 = -0.1;
inline constexpr double kGenericTtftMs = 120;
inline constexpr double kGenericTtftLoad = 0.45;
inline constexpr double kGenericTtftGpus = -0.40;
inline constexpr double kGenericTtftInput = 0.7;

// --- Start probability ---
inline constexpr double kEngineSuccesses = 4.5;
inline constexpr double kEngineTrials = 5;  // pseudo-counts: 10 % of starts fail
inline constexpr double kClassTrials = 2;   // pseudo-counts at the engine's rate
inline constexpr int kCrashesOfClass = 2;   // without a success: the class is suspended
inline constexpr double kSuspendedProbability = 0.1;

// --- Decision ---
// Joint draws. With few candidates there are more draws, so that a decision takes as long as one with a full shortlist.
// 128 instead of 512 cost 2 to 10 % more (train); 1024 have no certain gain.
inline constexpr std::size_t kLeastDraws = 128;
inline constexpr std::size_t kMostDraws = 512;
inline constexpr double kStepsPerTrial = 1.6;  // expected, relative to the cost of a start; 1.3 were measured on train
// Expected gain, as a share of the incumbent, below which a search ends. kMostStopGain applies to spaces of up to
// kSmallSpace candidates (train: 3 % cost 0.247 of a sweep with quality 0.990, 8 % cost 0.213 with 0.982). It falls
// with the square of the number of candidates, to these minima (brute_force_test; decision 83). TTFT: its own noise.
inline constexpr double kMostStopGain = 0.05;
inline constexpr double kSmallSpace = 20;
inline constexpr double kLeastStopGain = 0.005;  // throughput
inline constexpr double kLeastStopGainOfLatency = 0.01;
inline constexpr double kLeastStopGainOfTtft = 0.03;
inline constexpr double kLongestStart = 4;  // times the expected start: image pulls, cold storage (2 was observed)
inline constexpr int kTrialsBeforeStop = 2;
inline constexpr double kInfeasibleShare = 0.02;  // share of draws with a feasible point: the search ends below it
inline constexpr double kNegligible = 1e-9;       // expected improvements below this share are ranked by violation
// Number of candidates in joint draws; the others are ranked by the prior only.
inline constexpr std::size_t kShortlist = 256;

// --- Parallel slots ---
inline constexpr int kMostSlots = 4;
inline constexpr int kCandidatesPerSlot = 10;
// Share of a start's time for which the search waits for a result of another slot. Train, four slots: 15 % fewer
// GPU-minutes at the same wall time.
inline constexpr double kPatience = 0.3;
inline constexpr double kRounds = 3;           // minimum number of sequential rounds
inline constexpr double kReserveFactor = 1.5;  // GPUs are reserved for a start with at least this many times the score

// --- Estimate. Recorded runs of seven tasks on H100 and H200 (tests/engines/runs). ---
inline constexpr double kStartTimeDeviation = 0.35;  // of ln(start time) between clusters: image pulls, cold caches
inline constexpr double kStepTimeDeviation = 0.3;    // of ln(time of a load)

// --- Confirmation ---
inline constexpr std::size_t kMostFinalists = 3;
inline constexpr int kStepsPerConfirmation = 2;
inline constexpr double kFinalistProbability = 0.05;  // of being the best
inline constexpr double kTieDeviations = 1.96;        // standard deviations of the difference of two means
inline constexpr double kNoisyRatio = 2;              // measured noise to the model's noise: confirm above it
inline constexpr double kRetryRatio =
    1.189207115002721;  // 2^(1/4): a finalist that fails is tried at a load lower by this

}  // namespace autotune::tuning::search::constants
