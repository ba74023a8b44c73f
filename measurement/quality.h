// Quality of a configuration relative to the baseline of its runtime: likelihood of a corpus, agreement of greedy
// answers, and passed questions of a dataset.
//
// Pure and thread-safe. bench measures Quality; the result document and the status store it as short texts.
// CompareQuality() is the only comparison. docs/quality.md defines the numbers.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace autotune::measurement {

// Length of a document and form of its request. This decides whether an engine reads its KV cache for it: a short
// prompt, the first chunk of a long one and its later chunks take different attention paths in some engines.
enum class TextKind : char {
  kShortAlone = 'a',  // short documents, sent one at a time: equal requests give bitwise equal numbers
  kShort = 's',       // short documents, several in flight: other requests in the same step may change the last digits
  kLong = 'l',        // one long document, sent alone
};

// One long document, or short documents of one kind.
struct QualityBlock {
  TextKind kind = TextKind::kShort;
  // Number of requests for its document; more than 1 if an engine cannot process it whole (only for kLong). Blocks that
  // were cut differently are not compared.
  int pieces = 1;
  double nll = 0;  // mean of -ln p over its tokens, in nats per token; in [0, kMostNll]
  // For each third of its tokens: kPrintBits bits of a hash of all its log-probabilities.
  std::array<std::uint16_t, 3> prints{};
  // The nll of its documents with their halves swapped: the same words in another context.
  std::optional<double> turned;
  int tokens = 0;  // number of tokens, at most kMostBlockTokens; 0 = not recorded
  bool operator==(const QualityBlock&) const = default;
};
// The groups of kinds (prose, code, ...) alternate through the corpus: block i is of group i % kQualityGroups. So any
// beginning of it is a fair sample, and differences between kinds do not widen the interval.
inline constexpr std::size_t kQualityBlocks = 40, kQualityGroups = 4;
inline constexpr int kPrintBits = 12;
inline constexpr int kMostPieces = 25;  // larger numbers are stored as this
inline constexpr double kMostNll = 16;
inline constexpr int kMostBlockTokens = (1 << 18) - 1;

// One greedily decoded answer: 6-bit hashes of its first 8, 16, ... 256 bytes, and how many of these prefixes the same
// engine reproduced in a second measurement.
struct GreedyAnswer {
  static constexpr std::array<int, 6> kBytes = {8, 16, 32, 64, 128, 256};
  std::array<std::uint8_t, kBytes.size()> prints{};
  int repeated = 0;
  bool operator==(const GreedyAnswer&) const = default;
};
inline constexpr std::size_t kGreedyPrompts = 32;
inline constexpr int kGreedyTokens = 64;

GreedyAnswer MakeGreedyAnswer(std::string_view text, std::string_view again);

// Questions of a dataset with a correct answer.
struct QuestionResults {
  std::string dataset;       // identifies the contents: only passes of the same dataset are compared
  std::vector<bool> passed;  // in the order of the dataset
  bool operator==(const QuestionResults&) const = default;
};
inline constexpr std::size_t kMostQuestions = 1000;

struct Quality {
  std::string text;                  // identifies the corpus: only blocks of the same one are compared; "" = no blocks
  std::vector<QualityBlock> blocks;  // in the order of the corpus; fewer than kQualityBlocks if the probe ended early
  std::vector<GreedyAnswer> answers;
  std::optional<QuestionResults> passes;
  bool operator==(const Quality&) const = default;
};

// Conversion to and from short base64url texts; nullopt for an invalid text. Rounds nll to 1e-6.
std::string EncodeBlocks(std::span<const QualityBlock> blocks);
std::optional<std::vector<QualityBlock>> DecodeBlocks(std::string_view text);
// The blocks' numbers of tokens; "" if they were not recorded.
std::string EncodeTokens(std::span<const QualityBlock> blocks);
// Sets these numbers. Returns false if the text does not match the blocks.
bool DecodeTokens(std::string_view text, std::vector<QualityBlock>& blocks);
std::string EncodeAnswers(std::span<const GreedyAnswer> answers);
std::optional<std::vector<GreedyAnswer>> DecodeAnswers(std::string_view text);
std::string EncodePassed(const std::vector<bool>& passed);  // "<number>:<bits>"
std::optional<std::vector<bool>> DecodePassed(std::string_view text);

struct Change {
  double value = 0;
  double ci = 0;  // half-width of its interval
  bool operator==(const Change&) const = default;
};

// Whether the engine read its KV cache for the corpus. Known only if the cache is the only difference from the
// baseline: a third of a block did not read it if its log-probabilities equal the baseline's exactly. A single block is
// not enough, because it has no interval.
enum class CacheUse { kNotKnown, kRead, kPartly, kNotRead };
std::string_view CacheUseName(CacheUse use);

// Shares of equal prefixes of the answers, in [0, 1].
struct Agreement {
  double with_baseline = 0;
  double baseline_with_itself = 0;  // measured twice: disagreement without any change
  double ci = 0;                    // of the difference of both, paired by prompt
  bool operator==(const Agreement&) const = default;
};

struct PassRateChange {
  double rate = 0, baseline_rate = 0;
  double low = 0, high = 0;  // Wilson's 95 % interval of `rate`
  int lost = 0, gained = 0;  // passed only by the baseline; passed only by this configuration
  double p_value = 1;        // McNemar's exact test of lost against gained
  bool operator==(const PassRateChange&) const = default;
};

inline constexpr double kOrdinaryConfidence = 0.95, kEarlyConfidence = 0.999;

struct QualityChange {
  // Change of the mean negative log-likelihood in nats per token; positive is worse. nullopt if no block is comparable.
  // Paired t-interval over the blocks: 95 %, or 99.9 % if the probe ended before it had all blocks of the reference for
  // another reason than a narrow enough interval.
  std::optional<Change> nll;
  double confidence = kOrdinaryConfidence;  // of the interval of `nll`
  // The tokenizers differ: `nll` is per number of bytes that a token of the reference has on average.
  bool per_byte = false;
  CacheUse cache = CacheUse::kNotKnown;
  std::optional<Agreement> agreement;
  std::optional<PassRateChange> passes;

  // The loss that is certain: 0 if the interval contains 0.
  [[nodiscard]] double CertainLoss() const { return nll && nll->value > nll->ci ? nll->value : 0; }
  bool operator==(const QualityChange&) const = default;
};

// `only_cache_differs`: the KV cache is the only numerical difference from the reference. Returns nullopt if the two
// have no common measurement.
std::optional<QualityChange> CompareQuality(const Quality& measured, const Quality& reference, bool only_cache_differs);

// Returns nullopt without blocks.
std::optional<double> MeanNll(const Quality& quality);

// Relative growth of the perplexity exp(nll) if nll grows by `delta` nats: 0.01 = 1 %.
double PerplexityGrowth(double delta);

enum class QualityGate { kHolds, kFails, kUndecided };
std::string_view QualityGateName(QualityGate gate);
// Whether the growth of perplexity is at most `max_growth`, decided by the whole interval. Without likelihoods: kHolds
// if the answers agree with the baseline's as well as the baseline agrees with itself, else kUndecided.
QualityGate GateOf(const QualityChange& change, double max_growth);
// Tolerance of kHolds below the baseline's agreement with itself.
inline constexpr double kAgreementMargin = 0.05;
// Minimum agreement of a baseline with itself for a comparison.
inline constexpr double kLeastOwnAgreement = 0.5;

// Half-width of a 95 % interval that is narrow enough: 0.05 % of perplexity, half of the measured cost of an fp8 KV
// cache (docs/verified/2026-11-28-h200-quality.md).
inline constexpr double kQualityGoal = 0.0005;
// Minimum number of blocks for this: the scatter of fewer blocks is not known well enough.
inline constexpr std::size_t kFewestForGoal = 4 * kQualityGroups;

// Stopping rule of the sequential measurement. True if more text is of no use: with a limit, the gate is kHolds or
// kFails with 99.9 % confidence; without one, the interval is narrow enough; or all text of the reference was measured;
// or the KV cache is not read.
bool IsEnough(const Quality& so_far, const Quality& reference, bool only_cache_differs,
              std::optional<double> max_growth);

}  // namespace autotune::measurement
