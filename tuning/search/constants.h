// Constants of the search and their sources.
//
// "train": coordinate search and marginal likelihood on the public half of the replay data (docs/search.md); the result
// is flat, a step in any direction changes the cost of finding by at most 0.003 of a sweep.
#pragma once

#include <cstddef>

namespace autotune::tuning::search::constants {

// --- Residual model: standard deviations of ln(observed / predicted), by term. Train, marginal likelihood. ---
struct TermDeviations {
  double all, engine, class_, family, candidate;           // level
  double all_u, engine_u, class_u, family_u, candidate_u;  // slope over ln(running requests)
  double size, engine_size;                                // per doubling of the GPUs
  double roughness;                                        // one load's own deviation
  double noise;                                            // one measurement
};
// clang-format off
inline constexpr TermDeviations kTtft = {0.25, 0.20, 0.15, 0.19, 0.06, 0.10, 0.08, 0.05, 0.047, 0.02, 0.05, 0.05, 0.10, 0.03};
inline constexpr TermDeviations kTpot = {0.15, 0.10, 0.10, 0.065, 0.025, 0.035, 0.035, 0.03, 0.028, 0.01, 0.04, 0.04, 0.02, 0.01};
// clang-format on
// E2E latency takes TPOT's column: most of it is output tokens.
// Means of the same: a roofline sees neither the host between two steps nor what synchronising more GPUs costs.
inline constexpr double kTpotMean = 0.1;
inline constexpr double kTpotSizeMean = 0.05;   // per doubling of the GPUs
inline constexpr double kTpotSlopeMean = 0.04;  // per ln(running requests)

// Without facts about the model or the GPU, latencies are predicted less well by these factors.
inline constexpr double kGenericTpotFactor = 2;
inline constexpr double kGenericTtftFactor = 1.5;
// Engines that the roofline was never compared with.
inline constexpr double kUnknownClassFactor = 2;
// Observations of an earlier task: variance beside the measurement's own (another day, another node).
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
// Joint draws. Few candidates get more of them, so that a decision takes no longer than one with a whole shortlist:
// with 128 instead of 512, finding costs 2 to 10 % more (train); 1024 gain nothing that is certain.
inline constexpr std::size_t kLeastDraws = 128;
inline constexpr std::size_t kMostDraws = 512;
inline constexpr double kStepsPerTrial = 1.6;  // expected, in the cost of a start; 1.3 were measured on train
// Expected gain, as a share of the incumbent, at which a search ends: kMostStopGain in a space of up to kSmallSpace
// candidates (train, 3 %: 0.247 of a sweep and quality 0.990, 8 %: 0.213 and 0.982), less by the square of the number
// of candidates in larger ones, at least these (brute_force_test; decision 83). TTFT: its own noise.
inline constexpr double kMostStopGain = 0.05;
inline constexpr double kSmallSpace = 20;
inline constexpr double kLeastStopGain = 0.005;  // throughput
inline constexpr double kLeastStopGainOfLatency = 0.01;
inline constexpr double kLeastStopGainOfTtft = 0.03;
inline constexpr double kLongestStart = 4;  // times the expected: image pulls, cold storage (a factor of 2 was seen)
inline constexpr int kTrialsBeforeStop = 2;
inline constexpr double kInfeasibleShare = 0.02;  // of draws with a feasible point: below, nothing will be
inline constexpr double kNegligible = 1e-9;       // expected improvements below this share rank by violation
// Candidates that take part in joint draws; the rest is ranked by the prior only (issue 12, point 3).
inline constexpr std::size_t kShortlist = 256;

// --- Parallel slots ---
inline constexpr int kMostSlots = 4;
inline constexpr int kCandidatesPerSlot = 10;
// Of a start's time: news of another slot that comes within it is waited for. Train, four slots: GPU-minutes 15 % fewer
// at the same wall time.
inline constexpr double kPatience = 0.3;
inline constexpr double kRounds = 3;           // at least, one after the other
inline constexpr double kReserveFactor = 1.5;  // GPUs are kept free for a start that is worth this much more

// --- Estimate. Recorded runs of seven tasks on H100 and H200 (tests/engines/runs). ---
inline constexpr double kStartTimeDeviation = 0.35;  // of ln(start time) between clusters: image pulls, cold caches
inline constexpr double kStepTimeDeviation = 0.3;    // of ln(time of a load)

// --- Confirmation ---
inline constexpr std::size_t kMostFinalists = 3;
inline constexpr int kStepsPerConfirmation = 2;
inline constexpr double kFinalistProbability = 0.05;  // of being the best
inline constexpr double kTieDeviations = 1.96;        // of the difference of two means
inline constexpr double kNoisyRatio = 2;              // of measured noise to the model's: confirm
inline constexpr double kRetryRatio =
    1.189207115002721;  // 2^(1/4): a finalist that fails is tried at a load lower by this

}  // namespace autotune::tuning::search::constants
