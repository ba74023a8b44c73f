#include "measurement/quality.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>

#include "measurement/statistics.h"

namespace autotune::measurement {
namespace {

constexpr double kNllUnit = 1e-6;
constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::size_t kNllDigits = 4, kPrintDigits = 2, kThirds = 3, kTokenDigits = 3;
constexpr char kTurnedMark = '.';  // between a block and the likelihood of its documents turned round
static_assert(kPrintBits == 6 * kPrintDigits && kMostBlockTokens < 1 << 6 * kTokenDigits &&
              kMostNll / kNllUnit < 1 << 6 * kNllDigits);

void AppendDigits(std::string& out, std::uint64_t value, std::size_t digits) {
  for (std::size_t i = digits; i-- > 0;) out += kDigits[(value >> (6 * i)) & 63];
}

std::optional<std::uint64_t> ReadDigits(std::string_view text) {
  std::uint64_t value = 0;
  for (const char c : text) {
    const std::size_t digit = kDigits.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    value = value << 6 | digit;
  }
  return value;
}

// A whole document's kind, or in how many pieces it was asked: 'B' for two.
char LayoutDigit(const QualityBlock& block) {
  if (block.pieces <= 1) return static_cast<char>(block.kind);
  return static_cast<char>('A' + std::min(block.pieces, kMostPieces) - 1);
}

std::optional<QualityBlock> ReadLayout(char c) {
  QualityBlock block;
  if (c > 'A' && c < 'A' + kMostPieces) {
    block.kind = TextKind::kLong;
    block.pieces = c - 'A' + 1;
    return block;
  }
  for (const TextKind kind : {TextKind::kShortAlone, TextKind::kShort, TextKind::kLong}) {
    block.kind = kind;
    if (static_cast<char>(kind) == c) return block;
  }
  return std::nullopt;
}

void AppendNll(std::string& out, double nll) {
  nll = std::isfinite(nll) ? std::clamp(nll, 0.0, kMostNll) : kMostNll;
  AppendDigits(out, static_cast<std::uint64_t>(std::llround(nll / kNllUnit)), kNllDigits);
}

std::uint64_t Hash(std::string_view bytes) {  // FNV-1a
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

// Blocks of the same tokens, asked in the same way, as indices into both.
std::vector<std::size_t> Common(const Quality& measured, const Quality& reference) {
  std::vector<std::size_t> common;
  if (measured.text != reference.text) return common;
  const std::size_t n = std::min(measured.blocks.size(), reference.blocks.size());
  for (std::size_t i = 0; i < n; ++i) {
    const QualityBlock& ours = measured.blocks[i];
    const QualityBlock& theirs = reference.blocks[i];
    if (ours.kind == theirs.kind && ours.pieces == theirs.pieces) common.push_back(i);
  }
  return common;
}

// The share of a block's tokens that tell something of a changed KV cache: a document's first chunk may not read it,
// and then equals the baseline's to the last digit. What comes after a third that differs counts whatever its print: an
// equal one is a hash's chance.
double ReadShare(const QualityBlock& ours, const QualityBlock& theirs) {
  const auto apart = std::mismatch(ours.prints.begin(), ours.prints.end(), theirs.prints.begin()).first;
  if (apart != ours.prints.end()) return static_cast<double>(ours.prints.end() - apart) / kThirds;
  return std::abs(ours.nll - theirs.nll) < kNllUnit ? 0 : 1;
}

// The tokens of a block per token of the reference: blocks are the same texts.
double TokenRatio(const QualityBlock& block, const QualityBlock& reference) {
  const bool known = block.tokens > 0 && reference.tokens > 0;
  return known ? static_cast<double>(block.tokens) / reference.tokens : 1;
}

// How much the mean of a block's askings differs, those that both have, per token of the reference.
double DifferenceOf(const QualityBlock& ours, const QualityBlock& theirs) {
  const double ratio = TokenRatio(ours, theirs);
  const double written = ours.nll * ratio - theirs.nll;
  return ours.turned && theirs.turned ? (written + *ours.turned * ratio - *theirs.turned) / 2 : written;
}

struct Difference {
  std::size_t block = 0;
  double nll = 0;
  bool whole = true;  // all of its tokens tell something
};

// Of the blocks that read a changed KV cache, over their tokens that do. Short documents of which several were in
// flight may differ in the last digits anyway: they count where those that were asked alone do, too.
std::vector<Difference> ReadingTheCache(const Quality& measured, const Quality& reference,
                                        const std::vector<std::size_t>& common) {
  const auto share = [&](std::size_t i) { return ReadShare(measured.blocks[i], reference.blocks[i]); };
  const auto alone = [&](std::size_t i) { return measured.blocks[i].kind == TextKind::kShortAlone; };
  const bool any_alone = std::any_of(common.begin(), common.end(), alone);
  const bool alone_reads =
      std::any_of(common.begin(), common.end(), [&](std::size_t i) { return alone(i) && share(i) > 0; });
  std::vector<Difference> reading;
  for (const std::size_t i : common) {
    const double read = share(i);
    if (read == 0 || (measured.blocks[i].kind == TextKind::kShort && any_alone && !alone_reads)) continue;
    // What did not read it differs by nothing: the difference is all of the others.
    reading.push_back({i, DifferenceOf(measured.blocks[i], reference.blocks[i]) / read, read == 1});
  }
  return reading;
}

// Everything that can be compared with the reference?
bool HasAllOf(const Quality& measured, const Quality& reference) {
  const auto turned = [](const Quality& quality) {
    return std::count_if(quality.blocks.begin(), quality.blocks.end(),
                         [](const QualityBlock& block) { return block.turned.has_value(); });
  };
  return measured.blocks.size() >= reference.blocks.size() && turned(measured) >= turned(reference);
}

// What two measurements say of each other by their blocks.
struct Comparison {
  CacheUse cache = CacheUse::kNotKnown;
  bool per_byte = false;            // see QualityChange
  std::vector<double> differences;  // of the blocks that count
  std::vector<std::size_t> groups;

  [[nodiscard]] std::optional<Change> Nll(double confidence) const {
    if (differences.size() < 2) return std::nullopt;
    const Interval interval = StratifiedInterval(differences, groups, confidence);
    const Change nll{(interval.low + interval.high) / 2, interval.HalfWidth()};
    if (!std::isfinite(nll.value) || !std::isfinite(nll.ci)) return std::nullopt;
    return nll;
  }
  [[nodiscard]] bool IsNarrow() const {
    const auto nll = differences.size() < kFewestForGoal ? std::nullopt : Nll(kOrdinaryConfidence);
    return nll && nll->ci <= kQualityGoal;
  }
};

Comparison CompareBlocks(const Quality& measured, const Quality& reference, bool only_cache_differs) {
  Comparison comparison;
  const std::vector<std::size_t> common = Common(measured, reference);
  if (common.size() < 2) return comparison;
  std::vector<Difference> counted;
  if (only_cache_differs) {
    counted = ReadingTheCache(measured, reference, common);
    const bool all = counted.size() == common.size() &&
                     std::all_of(counted.begin(), counted.end(), [](const Difference& each) { return each.whole; });
    comparison.cache = counted.size() < 2 ? CacheUse::kNotRead : all ? CacheUse::kRead : CacheUse::kPartly;
  } else {
    for (const std::size_t i : common)
      counted.push_back({i, DifferenceOf(measured.blocks[i], reference.blocks[i]), true});
  }
  for (const Difference& difference : counted) {
    comparison.differences.push_back(difference.nll);
    comparison.groups.push_back(difference.block % kQualityGroups);
    const std::size_t i = difference.block;
    comparison.per_byte = comparison.per_byte || TokenRatio(measured.blocks[i], reference.blocks[i]) != 1;
  }
  return comparison;
}

std::optional<Agreement> CompareAnswers(const Quality& measured, const Quality& reference) {
  const std::size_t n = measured.answers.size();
  if (n < 2 || n != reference.answers.size()) return std::nullopt;
  constexpr double kAll = GreedyAnswer::kBytes.size();
  Agreement agreement;
  std::vector<double> differences;
  for (std::size_t i = 0; i < n; ++i) {
    const GreedyAnswer& ours = measured.answers[i];
    const GreedyAnswer& theirs = reference.answers[i];
    const auto apart = std::mismatch(ours.prints.begin(), ours.prints.end(), theirs.prints.begin()).first;
    const double share = static_cast<double>(apart - ours.prints.begin()) / kAll;
    const double own = theirs.repeated / kAll;
    agreement.with_baseline += share / static_cast<double>(n);
    agreement.baseline_with_itself += own / static_cast<double>(n);
    differences.push_back(share - own);
  }
  agreement.ci = StudentInterval(differences, kOrdinaryConfidence).HalfWidth();
  return agreement;
}

std::optional<PassRateChange> ComparePasses(const Quality& measured, const Quality& reference) {
  if (!measured.passes || !reference.passes) return std::nullopt;
  const std::vector<bool>& ours = measured.passes->passed;
  const std::vector<bool>& theirs = reference.passes->passed;
  if (measured.passes->dataset != reference.passes->dataset || ours.size() != theirs.size() || ours.empty()) {
    return std::nullopt;
  }
  PassRateChange change;
  const auto n = static_cast<double>(ours.size());
  const auto passed = static_cast<double>(std::count(ours.begin(), ours.end(), true));
  change.rate = passed / n;
  change.baseline_rate = static_cast<double>(std::count(theirs.begin(), theirs.end(), true)) / n;
  const Interval wilson = ShareInterval(passed, n);
  change.low = wilson.low;
  change.high = wilson.high;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    change.lost += theirs[i] && !ours[i] ? 1 : 0;
    change.gained += ours[i] && !theirs[i] ? 1 : 0;
  }
  change.p_value = SignTest(change.lost, change.gained);
  return change;
}

}  // namespace

GreedyAnswer MakeGreedyAnswer(std::string_view text, std::string_view again) {
  GreedyAnswer answer;
  bool same = true;
  for (std::size_t i = 0; i < answer.kBytes.size(); ++i) {
    const auto bytes = static_cast<std::size_t>(answer.kBytes[i]);
    answer.prints[i] =
        static_cast<std::uint8_t>(Hash(text.substr(0, bytes)) % 61);  // 6 bits; FNV-1a mixes its low ones least
    same = same && text.substr(0, bytes) == again.substr(0, bytes);
    if (same) ++answer.repeated;
  }
  return answer;
}

std::string EncodeBlocks(std::span<const QualityBlock> blocks) {
  std::string out;
  for (const QualityBlock& block : blocks) {
    out += LayoutDigit(block);
    AppendNll(out, block.nll);
    for (const std::uint16_t print : block.prints) AppendDigits(out, print, kPrintDigits);
    if (block.turned) AppendNll(out += kTurnedMark, *block.turned);
  }
  return out;
}

std::optional<std::vector<QualityBlock>> DecodeBlocks(std::string_view text) {
  const auto digits = [&](std::size_t count) -> std::optional<std::uint64_t> {
    if (text.size() < count) return std::nullopt;
    const auto value = ReadDigits(text.substr(0, count));
    text.remove_prefix(count);
    return value;
  };
  std::vector<QualityBlock> blocks;
  while (!text.empty()) {
    auto block = ReadLayout(text[0]);
    text.remove_prefix(1);
    const auto nll = digits(kNllDigits);
    if (!block || !nll) return std::nullopt;
    block->nll = static_cast<double>(*nll) * kNllUnit;
    for (std::uint16_t& print : block->prints) {
      const auto value = digits(kPrintDigits);
      if (!value) return std::nullopt;
      print = static_cast<std::uint16_t>(*value);
    }
    if (text.starts_with(kTurnedMark)) {
      text.remove_prefix(1);
      const auto turned = digits(kNllDigits);
      if (!turned) return std::nullopt;
      block->turned = static_cast<double>(*turned) * kNllUnit;
    }
    blocks.push_back(*block);
  }
  return blocks;
}

std::string EncodeTokens(std::span<const QualityBlock> blocks) {
  std::string out;
  if (std::all_of(blocks.begin(), blocks.end(), [](const QualityBlock& block) { return block.tokens == 0; }))
    return out;
  for (const QualityBlock& block : blocks) {
    AppendDigits(out, static_cast<std::uint64_t>(std::clamp(block.tokens, 0, kMostBlockTokens)), kTokenDigits);
  }
  return out;
}

bool DecodeTokens(std::string_view text, std::vector<QualityBlock>& blocks) {
  if (text.empty()) return true;
  if (text.size() != blocks.size() * kTokenDigits) return false;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const auto tokens = ReadDigits(text.substr(i * kTokenDigits, kTokenDigits));
    if (!tokens) return false;
    blocks[i].tokens = static_cast<int>(*tokens);
  }
  return true;
}

std::string EncodeAnswers(std::span<const GreedyAnswer> answers) {
  std::string out;
  for (const GreedyAnswer& answer : answers) {
    for (const std::uint8_t print : answer.prints) AppendDigits(out, print, 1);
    AppendDigits(out, static_cast<std::uint64_t>(std::clamp<int>(answer.repeated, 0, answer.kBytes.size())), 1);
  }
  return out;
}

std::optional<std::vector<GreedyAnswer>> DecodeAnswers(std::string_view text) {
  constexpr std::size_t kPrints = GreedyAnswer::kBytes.size();
  if (text.size() % (kPrints + 1) != 0) return std::nullopt;
  std::vector<GreedyAnswer> answers;
  for (; !text.empty(); text.remove_prefix(kPrints + 1)) {
    GreedyAnswer& answer = answers.emplace_back();
    for (std::size_t i = 0; i <= kPrints; ++i) {
      const auto digit = ReadDigits(text.substr(i, 1));
      if (!digit || (i == kPrints && *digit > kPrints)) return std::nullopt;
      if (i < kPrints) {
        answer.prints[i] = static_cast<std::uint8_t>(*digit);
      } else {
        answer.repeated = static_cast<int>(*digit);
      }
    }
  }
  return answers;
}

std::string EncodePassed(const std::vector<bool>& passed) {
  std::string out = std::to_string(passed.size()) + ":";
  for (std::size_t i = 0; i < passed.size(); i += 6) {
    std::uint64_t bits = 0;
    for (std::size_t j = i; j < i + 6; ++j) bits = bits << 1 | (j < passed.size() && passed[j] ? 1 : 0);
    AppendDigits(out, bits, 1);
  }
  return out;
}

std::optional<std::vector<bool>> DecodePassed(std::string_view text) {
  std::size_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (error != std::errc() || count > kMostQuestions || text.size() != 1 + (count + 5) / 6 || text[0] != ':') {
    return std::nullopt;
  }
  std::vector<bool> passed;
  for (const char c : text.substr(1)) {
    const std::size_t bits = kDigits.find(c);
    if (bits == std::string_view::npos) return std::nullopt;
    for (int bit = 5; bit >= 0 && passed.size() < count; --bit) passed.push_back((bits >> bit & 1) != 0);
  }
  return passed;
}

std::string_view CacheUseName(CacheUse use) {
  switch (use) {
    case CacheUse::kNotKnown:
      return "NotKnown";
    case CacheUse::kRead:
      return "Read";
    case CacheUse::kPartly:
      return "Partly";
    case CacheUse::kNotRead:
      return "NotRead";
  }
  return "NotKnown";
}

std::optional<QualityChange> CompareQuality(const Quality& measured, const Quality& reference,
                                            bool only_cache_differs) {
  QualityChange change;
  const Comparison blocks = CompareBlocks(measured, reference, only_cache_differs);
  change.cache = blocks.cache;
  change.per_byte = blocks.per_byte;
  const double confidence = HasAllOf(measured, reference) || blocks.IsNarrow() ? kOrdinaryConfidence : kEarlyConfidence;
  change.nll = blocks.Nll(confidence);
  if (change.nll) change.confidence = confidence;
  change.agreement = CompareAnswers(measured, reference);
  change.passes = ComparePasses(measured, reference);
  if (change == QualityChange()) return std::nullopt;
  return change;
}

std::optional<double> MeanNll(const Quality& quality) {
  if (quality.blocks.empty()) return std::nullopt;
  double sum = 0;
  for (const QualityBlock& block : quality.blocks) sum += block.nll;
  return sum / static_cast<double>(quality.blocks.size());
}

double PerplexityGrowth(double delta) { return std::expm1(std::min(delta, 50.0)); }

std::string_view QualityGateName(QualityGate gate) {
  switch (gate) {
    case QualityGate::kHolds:
      return "Holds";
    case QualityGate::kFails:
      return "Fails";
    case QualityGate::kUndecided:
      return "Undecided";
  }
  return "Undecided";
}

QualityGate GateOf(const QualityChange& change, double max_growth) {
  if (change.nll) {
    const double most = std::log1p(max_growth);
    if (change.nll->value + change.nll->ci <= most) return QualityGate::kHolds;
    return change.nll->value - change.nll->ci > most ? QualityGate::kFails : QualityGate::kUndecided;
  }
  if (!change.agreement || change.agreement->baseline_with_itself < kLeastOwnAgreement) return QualityGate::kUndecided;
  const Agreement& agreement = *change.agreement;
  const double worst = agreement.with_baseline - agreement.baseline_with_itself - agreement.ci;
  return worst >= -kAgreementMargin ? QualityGate::kHolds : QualityGate::kUndecided;
}

bool IsEnough(const Quality& so_far, const Quality& reference, bool only_cache_differs,
              std::optional<double> max_growth) {
  if (HasAllOf(so_far, reference)) return true;
  const Comparison blocks = CompareBlocks(so_far, reference, only_cache_differs);
  if (blocks.cache == CacheUse::kNotRead && so_far.blocks.size() >= reference.blocks.size()) return true;
  if (!max_growth) return blocks.IsNarrow();
  QualityChange look;
  look.nll = blocks.Nll(kEarlyConfidence);
  return look.nll && GateOf(look, *max_growth) != QualityGate::kUndecided;
}

}  // namespace autotune::measurement
