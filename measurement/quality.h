// What a configuration loses in quality against the baseline of its runtime: how likely it finds the tokens of a
// corpus, how far its greedy answers follow the baseline's, and how many questions of a dataset it answers.
//
// Pure and thread-safe. bench measures Quality, the result document and the status carry it as short texts, and
// CompareQuality() is the only place that compares. docs/quality.md says what the numbers mean.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace autotune::measurement {

// Whether a document is short and how it is asked. It decides whether an engine reads its KV cache for it: a short
// prompt, the first chunk of a long one and its later chunks take different ways through the attention of some engines.
enum class TextKind : char {
  kShortAlone = 'a',  // short documents, asked one at a time: equal requests give equal numbers to the last digit
  kShort = 's',       // short documents, several in flight: what shares a step with them may move the last digits
  kLong = 'l',        // one long document, asked alone
};

// One long document, or short ones of a kind.
struct QualityBlock {
  TextKind kind = TextKind::kShort;
  // In how many requests its document was asked; more than one where an engine cannot take it whole (kind is kLong
  // then). Blocks of documents that were cut otherwise are not compared.
  int pieces = 1;
  double nll = 0;  // mean of -ln p over its tokens, in nats per token; in [0, kMostNll]
  // Of each third of its tokens: kPrintBits of a hash of all its log-probabilities.
  std::array<std::uint16_t, 3> prints{};
  // The nll of its documents turned round, the second half before the first: the same words with others before them.
  std::optional<double> turned;
  int tokens = 0;  // in it, at most kMostBlockTokens; 0 = not recorded
  bool operator==(const QualityBlock&) const = default;
};
// The corpus repeats its groups of kinds (prose, code, ...) all the way: block i is of group i % kQualityGroups, so
// that any beginning is a fair sample, and what kinds differ by widens no interval.
inline constexpr std::size_t kQualityBlocks = 40, kQualityGroups = 4;
inline constexpr int kPrintBits = 12;
inline constexpr int kMostPieces = 25;  // more count as so many
inline constexpr double kMostNll = 16;
inline constexpr int kMostBlockTokens = (1 << 18) - 1;

// One greedily decoded answer: a hash of its first 8, 16, ... 256 bytes, each of 6 bits, and of how many of these
// beginnings came again when the same engine was asked again.
struct GreedyAnswer {
  static constexpr std::array<int, 6> kBytes = {8, 16, 32, 64, 128, 256};
  std::array<std::uint8_t, kBytes.size()> prints{};
  int repeated = 0;
  bool operator==(const GreedyAnswer&) const = default;
};
inline constexpr std::size_t kGreedyPrompts = 32;
inline constexpr int kGreedyTokens = 64;

GreedyAnswer MakeGreedyAnswer(std::string_view text, std::string_view again);

// Which questions of a dataset were answered as its references say.
struct Passes {
  std::string dataset;       // names its contents: only passes of the same are compared
  std::vector<bool> passed;  // in the order of the dataset
  bool operator==(const Passes&) const = default;
};
inline constexpr std::size_t kMostQuestions = 1000;

struct Quality {
  std::string text;                  // names the corpus: only blocks of the same are compared; "" = no blocks
  std::vector<QualityBlock> blocks;  // in the corpus' order; fewer than kQualityBlocks where the probe ended early
  std::vector<GreedyAnswer> answers;
  std::optional<Passes> passes;
  bool operator==(const Quality&) const = default;
};

// Short texts of the base64url alphabet, and back; nothing for what they are not. Nll is kept to 1e-6.
std::string EncodeBlocks(std::span<const QualityBlock> blocks);
std::optional<std::vector<QualityBlock>> DecodeBlocks(std::string_view text);
// The blocks' tokens; "" where they were not recorded.
std::string EncodeTokens(std::span<const QualityBlock> blocks);
// Fills them in. False for a text that is not of these blocks.
bool DecodeTokens(std::string_view text, std::vector<QualityBlock>& blocks);
std::string EncodeAnswers(std::span<const GreedyAnswer> answers);
std::optional<std::vector<GreedyAnswer>> DecodeAnswers(std::string_view text);
std::string EncodePassed(const std::vector<bool>& passed);  // "<number>:<bits>"
std::optional<std::vector<bool>> DecodePassed(std::string_view text);

struct Change {
  double value = 0;
  double ci = 0;  // half the width of its interval
  bool operator==(const Change&) const = default;
};

// Did the corpus make the engine read its KV cache? Known where the cache is all that differs from the baseline: thirds
// of blocks whose every log-probability equals the baseline's to the last digit did not. One block that did is as good
// as none: it has no interval.
enum class CacheUse { kNotKnown, kRead, kPartly, kNotRead };
std::string_view CacheUseName(CacheUse use);

// Shares of the answers' beginnings, in [0, 1].
struct Agreement {
  double with_baseline = 0;
  double baseline_with_itself = 0;  // asked twice: what is lost without any change
  double ci = 0;                    // of the difference of the two, paired by prompt
  bool operator==(const Agreement&) const = default;
};

struct PassChange {
  double rate = 0, baseline_rate = 0;
  double low = 0, high = 0;  // Wilson's 95 % interval of `rate`
  int lost = 0, gained = 0;  // passed by the baseline only, by this one only
  double p_value = 1;        // McNemar's exact test of lost against gained
  bool operator==(const PassChange&) const = default;
};

struct QualityChange {
  // Of the mean negative log-likelihood, in nats per token; positive is worse. Nothing where no block can tell. Paired
  // t-interval over the blocks: 95 %, but 99.9 % where the probe ended before it had all that the reference has, and
  // not because the interval is narrow enough.
  std::optional<Change> nll;
  // The tokenizers are two: `nll` is of equal bytes, of as many as a token of the reference has.
  bool per_byte = false;
  CacheUse cache = CacheUse::kNotKnown;
  std::optional<Agreement> agreement;
  std::optional<PassChange> passes;

  // What counts as a loss: nothing within the interval.
  [[nodiscard]] double CertainLoss() const { return nll && nll->value > nll->ci ? nll->value : 0; }
  bool operator==(const QualityChange&) const = default;
};

// `only_cache_differs`: from the reference, in what decides how numbers are computed. Nothing where the two have
// nothing in common.
std::optional<QualityChange> CompareQuality(const Quality& measured, const Quality& reference, bool only_cache_differs);

// Nothing for no block.
std::optional<double> MeanNll(const Quality& quality);

// Perplexity is exp(nll): by which share it grows when nll grows by `delta`. 0.01 for 1 %.
double PerplexityGrowth(double delta);

enum class QualityGate { kHolds, kFails, kUndecided };
std::string_view QualityGateName(QualityGate gate);
// Is the growth of perplexity at most `max_growth`? The whole interval decides, never its middle. Without likelihoods:
// kHolds where the answers follow the baseline's as far as its own do when it is asked again, else kUndecided.
QualityGate GateOf(const QualityChange& change, double max_growth);
// How much less than the baseline's own agreement counts as as much.
inline constexpr double kAgreementMargin = 0.05;
// A baseline that follows itself less far is no measure: anything follows it as far.
inline constexpr double kLeastOwnAgreement = 0.5;

// Half the width of a 95 % interval that is narrow enough: 0.05 % of perplexity, half of what an fp8 KV cache was
// measured to cost (docs/verified/2026-11-28-h200-quality.md).
inline constexpr double kQualityGoal = 0.0005;
// Blocks of which it is believed: of fewer, their own scatter is known too badly.
inline constexpr std::size_t kFewestForGoal = 4 * kQualityGroups;

// Sequential probing looks at what there is so far. True where more text is of no use: with a bound, because the gate
// kHolds or kFails with 99.9 %; without one, because the interval is narrow enough; and where there is all that the
// reference has, or no more reading of the KV cache to hope for.
bool IsEnough(const Quality& so_far, const Quality& reference, bool only_cache_differs,
              std::optional<double> max_growth);

}  // namespace autotune::measurement
