#include "measurement/quality.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>

#include "measurement/statistics.h"

namespace autotune::measurement {
namespace {

constexpr double kLastLook = 0.95, kEarlyLook = 0.999;
constexpr double kNllUnit = 1e-7;
constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::size_t kNllDigits = 5, kPrintDigits = 3, kTokenDigits = 2, kBlockBytes = 1 + kNllDigits + kPrintDigits;
static_assert(kPrintBits == 6 * kPrintDigits && kMostBlockTokens < 1 << 6 * kTokenDigits &&
              kMostNll / kNllUnit < 1 << 30);

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
  if (c > 'A' && c < 'A' + kMostPieces) return QualityBlock{TextKind::kBeginning, c - 'A' + 1, 0, 0, 0};
  for (const TextKind kind : {TextKind::kShortAlone, TextKind::kShort, TextKind::kBeginning, TextKind::kLater}) {
    if (static_cast<char>(kind) == c) return QualityBlock{kind, 1, 0, 0, 0};
  }
  return std::nullopt;
}

std::uint64_t Hash(std::string_view bytes) {  // FNV-1a
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

bool Same(const QualityBlock& a, const QualityBlock& b) {
  return a.print == b.print && std::abs(a.nll - b.nll) < kNllUnit;
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

// Which of them can tell something of a changed KV cache. Short documents of which several were in flight may differ in
// the last digits anyway: they count where those that were asked alone do, too.
std::vector<std::size_t> ReadingTheCache(const Quality& measured, const Quality& reference,
                                         const std::vector<std::size_t>& common) {
  const auto reads = [&](std::size_t i) { return !Same(measured.blocks[i], reference.blocks[i]); };
  const auto alone = [&](std::size_t i) { return measured.blocks[i].kind == TextKind::kShortAlone; };
  const bool any_alone = std::any_of(common.begin(), common.end(), alone);
  const bool alone_reads =
      std::any_of(common.begin(), common.end(), [&](std::size_t i) { return alone(i) && reads(i); });
  std::vector<std::size_t> reading;
  std::copy_if(common.begin(), common.end(), std::back_inserter(reading), [&](std::size_t i) {
    return reads(i) && (measured.blocks[i].kind != TextKind::kShort || alone_reads || !any_alone);
  });
  return reading;
}

// The tokens of a block per token of the reference: blocks are equal shares of the same text.
double TokenRatio(const QualityBlock& block, const QualityBlock& reference) {
  const bool known = block.tokens > 0 && reference.tokens > 0;
  return known ? static_cast<double>(block.tokens) / reference.tokens : 1;
}

Change MeanChange(std::span<const double> values, double confidence) {
  const Interval interval = StudentInterval(values, confidence);
  return {(interval.low + interval.high) / 2, interval.HalfWidth()};
}

void CompareBlocks(const Quality& measured, const Quality& reference, bool only_cache_differs, QualityChange& change) {
  const std::vector<std::size_t> common = Common(measured, reference);
  if (common.size() < 2) return;
  const std::vector<std::size_t> counted = only_cache_differs ? ReadingTheCache(measured, reference, common) : common;
  if (only_cache_differs) {
    change.cache = counted.size() < 2                ? CacheUse::kNotRead
                   : counted.size() == common.size() ? CacheUse::kRead
                                                     : CacheUse::kPartly;
  }
  std::vector<double> differences;
  for (const std::size_t i : counted) {
    const QualityBlock &ours = measured.blocks[i], &theirs = reference.blocks[i];
    const double ratio = TokenRatio(ours, theirs);
    differences.push_back(ours.nll * ratio - theirs.nll);
    change.per_byte = change.per_byte || ratio != 1;
  }
  if (differences.size() < 2) return;
  const Change nll = MeanChange(differences, common.size() == kQualityBlocks ? kLastLook : kEarlyLook);
  if (std::isfinite(nll.value) && std::isfinite(nll.ci)) change.nll = nll;
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
  agreement.ci = MeanChange(differences, kLastLook).ci;
  return agreement;
}

std::optional<PassChange> ComparePasses(const Quality& measured, const Quality& reference) {
  if (!measured.passes || !reference.passes) return std::nullopt;
  const std::vector<bool>& ours = measured.passes->passed;
  const std::vector<bool>& theirs = reference.passes->passed;
  if (measured.passes->dataset != reference.passes->dataset || ours.size() != theirs.size() || ours.empty()) {
    return std::nullopt;
  }
  PassChange change;
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
    const double nll = std::isfinite(block.nll) ? std::clamp(block.nll, 0.0, kMostNll) : kMostNll;
    AppendDigits(out, static_cast<std::uint64_t>(std::llround(nll / kNllUnit)), kNllDigits);
    AppendDigits(out, block.print, kPrintDigits);
  }
  return out;
}

std::optional<std::vector<QualityBlock>> DecodeBlocks(std::string_view text) {
  if (text.size() % kBlockBytes != 0) return std::nullopt;
  std::vector<QualityBlock> blocks;
  for (; !text.empty(); text.remove_prefix(kBlockBytes)) {
    auto block = ReadLayout(text[0]);
    const auto nll = ReadDigits(text.substr(1, kNllDigits));
    const auto print = ReadDigits(text.substr(1 + kNllDigits, kPrintDigits));
    if (!block || !nll || !print) return std::nullopt;
    block->nll = static_cast<double>(*nll) * kNllUnit;
    block->print = static_cast<std::uint32_t>(*print);
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
  CompareBlocks(measured, reference, only_cache_differs, change);
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

bool IsDecided(const Quality& so_far, const Quality& reference, bool only_cache_differs, double max_growth) {
  QualityChange change;
  CompareBlocks(so_far, reference, only_cache_differs, change);
  return change.nll && GateOf(change, max_growth) != QualityGate::kUndecided;
}

}  // namespace autotune::measurement
