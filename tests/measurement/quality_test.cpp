#include "measurement/quality.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include "measurement/keyed_random.h"
#include "measurement/statistics.h"

namespace autotune::measurement {
namespace {

using testing::ElementsAre;

QualityBlock Block(TextKind kind, double nll, std::size_t print) {
  const auto bits = static_cast<std::uint16_t>(print);
  return {kind, 1, nll, {bits, bits, bits}, std::nullopt};
}

Quality Of(const std::vector<double>& nll, TextKind kind = TextKind::kLong) {
  Quality quality;
  quality.text = "corpus-3";
  for (const double value : nll) quality.blocks.push_back(Block(kind, value, quality.blocks.size() + 1));
  return quality;
}

// As a configuration whose every log-probability is another one leaves it.
Quality Moved(Quality quality, double by) {
  for (QualityBlock& block : quality.blocks) {
    block.nll += by;
    for (std::uint16_t& print : block.prints) print ^= 0xa5a;
  }
  return quality;
}

// Differences 0.01, 0.02, 0.03: mean 0.02, standard deviation 0.01; t(0.9995, 2) is 31.599 in any table.
TEST(CompareQuality, AskedInPartNeedsAlmostCertainty) {
  const auto change = CompareQuality(Of({2.01, 3.02, 1.03}), Of({2, 3, 1, 4}), false);
  ASSERT_TRUE(change && change->nll);
  EXPECT_NEAR(change->nll->value, 0.02, 1e-12);
  EXPECT_NEAR(change->nll->ci, 31.599 * 0.01 / std::sqrt(3), 1e-4);
  EXPECT_EQ(change->confidence, 0.999);
}

// Differences 0.01, 0.02, 0.03 again, and nothing more to compare with: t(0.975, 2) is 4.3027.
TEST(CompareQuality, OfAllThatTheReferenceHasIsAnOrdinaryLook) {
  const auto change = CompareQuality(Of({2.01, 3.02, 1.03, 5}), Of({2, 3, 1}), false);
  ASSERT_TRUE(change && change->nll);
  EXPECT_NEAR(change->nll->ci, 4.3027 * 0.01 / std::sqrt(3), 1e-5);
  EXPECT_EQ(change->confidence, 0.95);
}

// t(0.975, 36) is 2.0281.
TEST(CompareQuality, OfTheWholeCorpusIsAPairedTTestWithinItsGroups) {
  std::vector<double> reference(kQualityBlocks, 2.0), measured;
  double sum = 0;
  std::array<double, kQualityGroups> sums{}, squares{}, counts{};
  for (std::size_t i = 0; i < kQualityBlocks; ++i) {
    const std::size_t group = i % kQualityGroups;
    const double difference = 1e-3 * static_cast<double>(i * i % 7) + 0.1 * static_cast<double>(group);
    measured.push_back(2 + difference);
    sum += difference;
    sums[group] += difference;
    squares[group] += difference * difference;
    ++counts[group];
  }
  double within = 0;
  for (std::size_t group = 0; group < kQualityGroups; ++group) {
    within += squares[group] - sums[group] * sums[group] / counts[group];
  }
  const auto change = CompareQuality(Of(measured), Of(reference), false);
  ASSERT_TRUE(change && change->nll);
  EXPECT_NEAR(change->nll->value, sum / 40, 1e-12);
  EXPECT_NEAR(change->nll->ci, 2.0281 * std::sqrt(within / 36 / 40), 1e-7);
  EXPECT_LT(change->nll->ci, 0.002) << "groups that are 0.1 apart widen nothing";
  EXPECT_EQ(change->CertainLoss(), change->nll->value);
  EXPECT_EQ(change->cache, CacheUse::kNotKnown);
}

// Half as much noise where each document is asked in two ways that err independently, and only what both have.
TEST(CompareQuality, TakesTheMeanOfWhatWasAskedTwice) {
  Quality reference = Of({2, 3, 1}), measured = Of({2.01, 3.02, 1.03});
  for (QualityBlock& block : reference.blocks) block.turned = 4;
  measured.blocks[0].turned = 4.03;
  measured.blocks[1].turned = 4.02;
  auto change = CompareQuality(measured, reference, false);
  ASSERT_TRUE(change && change->nll);
  EXPECT_NEAR(change->nll->value, (0.02 + 0.02 + 0.03) / 3, 1e-12);
  measured.blocks[2].turned = 4.01;
  change = CompareQuality(measured, reference, false);
  EXPECT_NEAR(change->nll->value, 0.02, 1e-12);
  EXPECT_NEAR(change->nll->ci, 0, 1e-12);
}

TEST(CompareQuality, OfTheSameIsNothingAtAll) {
  const auto change = CompareQuality(Of({2, 3, 1}), Of({2, 3, 1}), false);
  ASSERT_TRUE(change && change->nll);
  EXPECT_EQ(change->nll, (Change{0, 0}));
  EXPECT_EQ(change->CertainLoss(), 0);
}

TEST(CompareQuality, RefusesWhatCannotBeCompared) {
  EXPECT_FALSE(CompareQuality(Of({2}), Of({2}), false));
  EXPECT_FALSE(CompareQuality(Of({}), Of({}), false));
  EXPECT_FALSE(CompareQuality(Of({2, NAN, 1}), Of({2, 3, 1}), false));
  Quality other = Of({2, 3});
  other.text = "corpus-4";
  EXPECT_FALSE(CompareQuality(other, Of({2, 3}), false));
}

TEST(CompareQuality, HasNoNumberWhereOneLikelihoodIsNone) {
  for (const double none : {NAN, INFINITY, -INFINITY}) {
    std::vector<double> nll(kQualityBlocks, 2.0);
    const Quality reference = Of(nll);
    nll[17] = none;
    EXPECT_FALSE(CompareQuality(Of(nll), reference, false)) << none;
    const auto cache = CompareQuality(Of(nll), reference, true);
    EXPECT_FALSE(cache && cache->nll) << none;
    Quality more = reference;
    more.blocks.push_back(more.blocks[0]);
    EXPECT_FALSE(IsEnough(Of(nll), more, false, 0.01)) << none;
    EXPECT_FALSE(IsEnough(Of(nll), more, false, std::nullopt)) << none;
  }
}

// What a status can hold of them is a loss that no bound lets through.
TEST(CompareQuality, OfANumberThatIsNoneInAStatusIsALoss) {
  std::vector<double> nll(kQualityBlocks, 2.0);
  const Quality reference = Of(nll);
  nll.assign(kQualityBlocks, NAN);
  Quality kept = Of(nll);
  kept.blocks = DecodeBlocks(EncodeBlocks(kept.blocks)).value();
  const auto change = CompareQuality(kept, reference, false);
  ASSERT_TRUE(change && change->nll);
  EXPECT_EQ(GateOf(*change, 1.0), QualityGate::kFails);
}

// Part of the corpus does not read the cache: what counts is fewer blocks, but no early look.
TEST(CompareQuality, OfTheBlocksThatReadTheCacheIsALastLook) {
  const Quality reference = Of(std::vector<double>(kQualityBlocks, 2.0));
  Quality measured = reference;
  for (std::size_t i = 8; i < 40; ++i) {
    measured.blocks[i].nll += i / kQualityGroups % 2 == 0 ? 0.001 : 0.003;  // four rows of each
    for (std::uint16_t& print : measured.blocks[i].prints) print ^= 1;
  }
  const auto change = CompareQuality(measured, reference, true);
  ASSERT_TRUE(change && change->nll);
  EXPECT_EQ(change->cache, CacheUse::kPartly);
  EXPECT_NEAR(change->nll->value, 0.002, 1e-12);
  EXPECT_NEAR(change->nll->ci, 2.0484 * 0.001 * std::sqrt(32.0 / 28 / 32), 1e-7) << "t(0.975, 28)";
}

// A context of another length sees the same tokens with less before them.
TEST(CompareQuality, LeavesOutDocumentsThatWereCutOtherwise) {
  Quality whole = Of({2, 3, 1, 4}), cut = Moved(whole, 0.5);
  cut.blocks[0].nll = 2.01;
  cut.blocks[1].nll = 3.01;
  for (std::size_t i = 2; i < 4; ++i) cut.blocks[i].pieces = 3;
  const auto change = CompareQuality(cut, whole, false);
  ASSERT_TRUE(change && change->nll);
  EXPECT_NEAR(change->nll->value, 0.01, 1e-12);
}

TEST(CacheUse, IsToldByLogProbabilitiesThatDiffer) {
  Quality reference = Of({2, 2, 2, 2, 2, 2, 2, 2});
  reference.blocks[0].kind = TextKind::kShortAlone;
  reference.blocks[1].kind = TextKind::kShort;
  const Quality all = Moved(reference, 0.001);
  auto change = CompareQuality(all, reference, true);
  ASSERT_TRUE(change && change->nll);
  EXPECT_EQ(change->cache, CacheUse::kRead);
  EXPECT_NEAR(change->nll->value, 0.001, 1e-12);

  // Latent attention: the first chunk of a long document does not read it.
  Quality chunked = all;
  for (std::size_t i = 2; i < 8; ++i) {
    chunked.blocks[i].prints[0] = reference.blocks[i].prints[0];
    chunked.blocks[i].nll = 2 + 0.001 * 2 / 3;
  }
  change = CompareQuality(chunked, reference, true);
  ASSERT_TRUE(change && change->nll);
  EXPECT_EQ(change->cache, CacheUse::kPartly);
  EXPECT_NEAR(change->nll->value, 0.001, 1e-12) << "not diluted by tokens that were not exercised";
  change = CompareQuality(chunked, reference, false);
  EXPECT_EQ(change->cache, CacheUse::kNotKnown) << "where more differs, equal numbers say nothing";
  EXPECT_NEAR(change->nll->value, 0.00075, 1e-12);

  // Nothing reads it; what shared a step with others differs in its last digits anyway.
  Quality none = reference;
  none.blocks[1].prints[0] ^= 1;
  none.answers = std::vector<GreedyAnswer>(4, MakeGreedyAnswer("one answer", "one answer"));
  Quality asked = reference;
  asked.answers = none.answers;
  change = CompareQuality(none, asked, true);
  ASSERT_TRUE(change);
  EXPECT_EQ(change->cache, CacheUse::kNotRead);
  EXPECT_FALSE(change->nll) << "no +0.00 %";
  EXPECT_TRUE(change->agreement);
}

// What is read once is read from there on: an equal print behind it is a hash's chance.
TEST(CacheUse, OfAThirdBehindOneThatReadIsRead) {
  const Quality reference = Of({2, 2, 2, 2});
  Quality measured = Moved(reference, 0.003);
  measured.blocks[1].prints[1] = reference.blocks[1].prints[1];
  measured.blocks[2].prints = reference.blocks[2].prints;  // all by chance: its likelihood differs
  auto change = CompareQuality(measured, reference, true);
  ASSERT_TRUE(change && change->nll);
  EXPECT_EQ(change->cache, CacheUse::kRead);
  EXPECT_NEAR(change->nll->value, 0.003, 1e-12);
}

// Seen with latent attention (vLLM 0.24.0): short prompts read the cache alone, and not where they share a step.
TEST(CacheUse, OfShortDocumentsThatEqualTheBaselineIsNone) {
  Quality reference = Of({2, 2, 2, 2}, TextKind::kShort);
  reference.blocks[0].kind = TextKind::kShortAlone;
  Quality measured = reference;
  for (const std::size_t i : {0U, 1U}) measured.blocks[i] = Block(reference.blocks[i].kind, 2.25, 77);
  const auto change = CompareQuality(measured, reference, true);
  ASSERT_TRUE(change && change->nll);
  EXPECT_EQ(change->cache, CacheUse::kPartly);
  EXPECT_EQ(change->nll->value, 0.25) << "not diluted by the two that equal the baseline";
}

TEST(CacheUse, OfOneBlockAloneIsNone) {
  const Quality reference = Of({2, 2, 2, 2});
  Quality one = reference;
  one.blocks[3] = Block(TextKind::kLong, 2.5, 77);
  const auto change = CompareQuality(one, reference, true);
  ASSERT_TRUE(change);
  EXPECT_EQ(change->cache, CacheUse::kNotRead);
  EXPECT_FALSE(change->nll);
  EXPECT_EQ(GateOf(*change, 10), QualityGate::kUndecided);
}

// Short documents that shared steps have nothing to follow where none was asked alone: their own digits tell.
TEST(CacheUse, OfShortDocumentsWithoutOneAskedAloneIsTheirOwn) {
  const Quality reference = Of({2, 2, 2, 2}, TextKind::kShort);
  Quality half = reference;
  half.blocks[0] = Block(TextKind::kShort, 2.25, 77);
  half.blocks[1] = Block(TextKind::kShort, 2.25, 78);
  const auto change = CompareQuality(half, reference, true);
  ASSERT_TRUE(change && change->nll);
  EXPECT_EQ(change->cache, CacheUse::kPartly);
  EXPECT_EQ(change->nll, (Change{0.25, 0}));
}

TEST(Agreement, IsHowFarTheBeginningsAreTheSame) {
  const std::string text(256, 'a');
  std::string late = text;
  late[100] = 'b';  // equal up to 64 bytes: four of six beginnings
  const GreedyAnswer same = MakeGreedyAnswer(text, text), other = MakeGreedyAnswer(late, late);
  EXPECT_EQ(same.repeated, 6);
  EXPECT_EQ(MakeGreedyAnswer(text, late).repeated, 4);
  EXPECT_THAT(std::vector<int>(same.prints.begin(), same.prints.begin() + 4),
              testing::ElementsAreArray(other.prints.begin(), other.prints.begin() + 4));
  EXPECT_NE(same.prints[4], other.prints[4]);

  Quality reference, measured;
  reference.answers.assign(8, same);
  measured.answers.assign(8, other);
  auto change = CompareQuality(measured, reference, true);
  ASSERT_TRUE(change && change->agreement);
  EXPECT_NEAR(change->agreement->with_baseline, 4.0 / 6, 1e-12);
  EXPECT_NEAR(change->agreement->baseline_with_itself, 1, 1e-12);
  EXPECT_EQ(GateOf(*change, 0.01), QualityGate::kUndecided) << "another answer is not a worse one";

  // The baseline asked again does no better: its own noise.
  reference.answers.assign(8, MakeGreedyAnswer(text, late));
  change = CompareQuality(measured, reference, true);
  EXPECT_EQ(GateOf(*change, 0.01), QualityGate::kHolds);
}

TEST(Agreement, WithABaselineThatDoesNotRepeatItselfDecidesNothing) {
  Quality reference, measured;
  reference.answers.assign(8, MakeGreedyAnswer("one answer", "another"));
  measured.answers.assign(8, MakeGreedyAnswer("!!!!!!!!!!!", "!!!!!!!!!!!"));
  const auto change = CompareQuality(measured, reference, false);
  ASSERT_TRUE(change && change->agreement);
  EXPECT_EQ(change->agreement->baseline_with_itself, 0);
  EXPECT_EQ(GateOf(*change, 0.01), QualityGate::kUndecided) << "it follows the baseline as far as the baseline does";
}

TEST(Passes, AreComparedQuestionByQuestion) {
  Quality reference, measured;
  reference.passes = QuestionResults{"exam.jsonl#1", {true, true, true, true, true, true, true, true, false, true}};
  measured.passes = QuestionResults{"exam.jsonl#1", {true, false, false, false, false, false, true, true, true, true}};
  const auto change = CompareQuality(measured, reference, false);
  ASSERT_TRUE(change && change->passes);
  EXPECT_NEAR(change->passes->rate, 0.5, 1e-12);
  EXPECT_NEAR(change->passes->baseline_rate, 0.9, 1e-12);
  EXPECT_NEAR(change->passes->low, 0.2366, 1e-4) << "Wilson, 5 of 10";
  EXPECT_EQ(change->passes->lost, 5);
  EXPECT_EQ(change->passes->gained, 1);
  EXPECT_NEAR(change->passes->p_value, 2 * (1 + 6) / 64.0, 1e-9) << "at most 1 of 6, on both sides";
  measured.passes->dataset = "exam.jsonl#2";
  EXPECT_FALSE(CompareQuality(measured, reference, false));
}

TEST(SignTest, IsTheBinomialTestOfEvenOdds) {
  EXPECT_EQ(SignTest(0, 0), 1);
  EXPECT_EQ(SignTest(3, 3), 1);
  EXPECT_NEAR(SignTest(0, 5), 2.0 / 32, 1e-12);
  EXPECT_NEAR(SignTest(8, 2), 2 * (1 + 10 + 45) / 1024.0, 1e-12);
  EXPECT_EQ(SignTest(8, 2), SignTest(2, 8));
}

TEST(QualityGate, LooksAtTheWholeInterval) {
  const struct {
    double delta, ci;
    QualityGate gate;
  } kCases[] = {{0.005, 0.004, QualityGate::kHolds},
                {0.005, 0.006, QualityGate::kUndecided},
                {0.015, 0.006, QualityGate::kUndecided},
                {0.015, 0.004, QualityGate::kFails},
                {-0.5, 0.1, QualityGate::kHolds}};
  for (const auto& row : kCases) {
    QualityChange change;
    change.nll = Change{row.delta, row.ci};
    EXPECT_EQ(GateOf(change, 0.01), row.gate) << row.delta << " +- " << row.ci;
  }
  EXPECT_EQ(GateOf(QualityChange(), 0.01), QualityGate::kUndecided);
}

TEST(QualityGate, OfABoundOfNothingHoldsForTheSameOnly) {
  const Quality reference = Of(std::vector<double>(kQualityBlocks, 2.0));
  EXPECT_EQ(GateOf(*CompareQuality(reference, reference, false), 0), QualityGate::kHolds);
  EXPECT_EQ(GateOf(*CompareQuality(Moved(reference, 1e-6), reference, false), 0), QualityGate::kFails);
  EXPECT_EQ(GateOf(*CompareQuality(Moved(reference, -1e-6), reference, false), 0), QualityGate::kHolds);
}

TEST(QualityGate, LooksAtTwoBlocksAtLeast) {
  EXPECT_FALSE(IsEnough(Of({2.5}), Of(std::vector<double>(kQualityBlocks, 2)), false, 0.01));
  EXPECT_TRUE(IsEnough(Of({2.5, 2.5}), Of(std::vector<double>(kQualityBlocks, 2)), false, 0.01));
}

// Nothing to compare more text with: what the reference lacks, and more reading of a cache that is not read.
TEST(IsEnough, WhereMoreTextIsOfNoUse) {
  Quality reference = Of(std::vector<double>(kQualityBlocks, 2.0));
  for (QualityBlock& block : reference.blocks) block.turned = 2;
  Quality asked_once = reference;
  for (QualityBlock& block : asked_once.blocks) block.turned.reset();
  EXPECT_FALSE(IsEnough(Of({2, 2.5, 2, 2.5}), reference, false, std::nullopt));
  EXPECT_TRUE(IsEnough(reference, reference, false, std::nullopt));
  EXPECT_TRUE(IsEnough(asked_once, reference, true, std::nullopt)) << "nothing reads the cache";
  EXPECT_TRUE(IsEnough(asked_once, asked_once, false, 0.001));
  EXPECT_TRUE(IsEnough(Of({2}), Of({}), false, std::nullopt)) << "a baseline without likelihoods";
}

TEST(IsEnough, WithoutABoundWhereTheIntervalIsNarrow) {
  const Quality reference = Of(std::vector<double>(kQualityBlocks, 2.0));
  const auto scattered = [&](std::size_t blocks, double by) {
    std::vector<double> nll;
    for (std::size_t i = 0; i < blocks; ++i) nll.push_back(2.01 + (i / kQualityGroups % 2 == 0 ? by : -by));
    return Of(nll);
  };
  EXPECT_FALSE(IsEnough(scattered(12, 1e-5), reference, false, std::nullopt)) << "too few to believe it";
  EXPECT_TRUE(IsEnough(scattered(16, 1e-5), reference, false, std::nullopt));
  EXPECT_FALSE(IsEnough(scattered(16, 1e-3), reference, false, std::nullopt));
  // It is the ordinary interval then, though the corpus was not asked to its end.
  const auto narrow = CompareQuality(scattered(16, 5e-4), reference, false);
  EXPECT_NEAR(narrow->nll->ci, 2.1788 * 5e-4 * std::sqrt(16.0 / 12 / 16), 1e-7) << "t(0.975, 12)";
  const auto wide = CompareQuality(scattered(16, 5e-3), reference, false);
  EXPECT_NEAR(wide->nll->ci, 4.3178 * 5e-3 * std::sqrt(16.0 / 12 / 16), 1e-6) << "t(0.9995, 12)";
}

TEST(PerplexityGrowth, IsTheExponentialOfTheDifference) {
  EXPECT_NEAR(PerplexityGrowth(0.01), 0.010050167, 1e-9);
  EXPECT_LT(PerplexityGrowth(-0.01), 0);
  EXPECT_TRUE(std::isfinite(PerplexityGrowth(9999)));
}

TEST(QualityTexts, RoundTrip) {
  Quality quality = Of({0, 2.3456789, 15.9999999, 11.75});
  quality.blocks[0].kind = TextKind::kShortAlone;
  quality.blocks[1] = {TextKind::kLong, 4, 1.25, {0xfff, 0, 7}, 9.5};
  const std::string text = EncodeBlocks(quality.blocks);
  EXPECT_EQ(text.size(), 11U * 4 + 5);
  const auto blocks = DecodeBlocks(text);
  ASSERT_TRUE(blocks);
  for (std::size_t i = 0; i < blocks->size(); ++i) {
    EXPECT_EQ((*blocks)[i].kind, quality.blocks[i].kind);
    EXPECT_EQ((*blocks)[i].pieces, quality.blocks[i].pieces);
    EXPECT_EQ((*blocks)[i].prints, quality.blocks[i].prints);
    EXPECT_NEAR((*blocks)[i].nll, quality.blocks[i].nll, 1e-6);
    ASSERT_EQ((*blocks)[i].turned.has_value(), quality.blocks[i].turned.has_value());
  }
  EXPECT_NEAR(*(*blocks)[1].turned, 9.5, 1e-6);
  EXPECT_EQ(EncodeBlocks(*blocks), text);
  const std::vector<GreedyAnswer> answers = {MakeGreedyAnswer("a", "b"), MakeGreedyAnswer("", "")};
  EXPECT_EQ(DecodeAnswers(EncodeAnswers(answers)), answers);
  for (const std::size_t n : {0, 1, 6, 7, 1000}) {
    std::vector<bool> passed(n);
    for (std::size_t i = 0; i < n; ++i) passed[i] = i % 3 == 0;
    EXPECT_EQ(DecodePassed(EncodePassed(passed)), passed);
  }
  for (const char* bad :
       {"x", "xAAAAAAAAAA", "lAAA AAAAAA", "lAAAAAAAAA", "ZAAAAAAAAAA", "lAAAAAAAAAA.", "lAAAAAAAAAA.AAA", ".AAAA"}) {
    EXPECT_FALSE(DecodeBlocks(bad)) << bad;
  }
  for (const char* bad : {"A", "AAAAAAH", "AAAAA!A"}) EXPECT_FALSE(DecodeAnswers(bad)) << bad;
  for (const char* bad : {"", "3", "3:", "9:A", "1:!", "1001:A", "-1:A"}) EXPECT_FALSE(DecodePassed(bad)) << bad;
}

// A configuration's whole corpus against a baseline of 2 nats a token everywhere. Kinds of text lose differently, tails
// are heavy, and documents turned round repeat a third of what they differ by; `truth` is the mean of all, `scatter`
// the standard deviation of a block.
Quality DrawWhole(KeyedRandom& random, double truth, double scatter) {
  constexpr std::array<double, kQualityGroups> kGroups = {-0.5, 0.8, 0.1, -0.4};
  constexpr double kRepeated = 1.0 / 3;
  const auto draw = [&] { return (random.Uniform() < 0.1 ? 2.0 : 0.9) * random.Normal(); };
  std::vector<double> nll;
  std::vector<double> turned;
  for (std::size_t i = 0; i < kQualityBlocks; ++i) {
    const double middle = 2 + truth + kGroups[i % kQualityGroups] * scatter, once = draw();
    nll.push_back(middle + scatter * once);
    turned.push_back(middle + scatter * (kRepeated * once + std::sqrt(1 - kRepeated * kRepeated) * draw()));
  }
  Quality whole = Of(nll);
  for (std::size_t i = 0; i < kQualityBlocks; ++i) whole.blocks[i].turned = turned[i];
  return whole;
}

Quality Baseline() {
  Quality reference = Of(std::vector<double>(kQualityBlocks, 2));
  for (QualityBlock& block : reference.blocks) block.turned = 2;
  return reference;
}

// Where the probe would have ended, as bench/quality_probe.cpp looks.
Quality AskedUntilEnough(const Quality& whole, std::optional<double> bound) {
  const Quality reference = Baseline();
  Quality so_far;
  so_far.text = whole.text;
  for (const bool twice : {false, true}) {
    for (std::size_t i = 0; i < kQualityBlocks; ++i) {
      if (twice) {
        so_far.blocks[i].turned = whole.blocks[i].turned;
      } else {
        so_far.blocks.push_back(whole.blocks[i]);
        so_far.blocks[i].turned.reset();
      }
      const bool look = (i + 1) % kQualityGroups == 0 && (twice || i + 1 >= 2 * kQualityGroups);
      if (look && IsEnough(so_far, reference, false, bound)) return so_far;
    }
  }
  return so_far;
}

std::size_t Askings(const Quality& quality) {
  return quality.blocks.size() +
         static_cast<std::size_t>(std::count_if(quality.blocks.begin(), quality.blocks.end(),
                                                [](const QualityBlock& block) { return block.turned.has_value(); }));
}

// Scatters from a hundredth of what an fp8 KV cache has to twice that of e5m2: those that end after the fourth row,
// after some more, in the second asking, and never.
TEST(QualityInterval, HoldsTheTruthInNineteenOfTwentyCorporaWhereverItEnds) {
  constexpr int kRuns = 1500;
  std::vector<double> askings;
  for (const double scatter : {0.00002, 0.001, 0.0016, 0.004}) {
    int held = 0;
    double asked = 0;
    for (int run = 0; run < kRuns; ++run) {
      KeyedRandom random(static_cast<std::uint64_t>(run), 1);
      const Quality ended = AskedUntilEnough(DrawWhole(random, 0.001, scatter), std::nullopt);
      const auto change = CompareQuality(ended, Baseline(), false);
      held += std::abs(change->nll->value - 0.001) <= change->nll->ci ? 1 : 0;
      asked += static_cast<double>(Askings(ended)) / kRuns;
      if (Askings(ended) < 2 * kQualityBlocks) {
        ASSERT_LE(change->nll->ci, kQualityGoal);
      }
    }
    EXPECT_GE(held, kRuns * 93 / 100) << scatter << ", " << asked << " askings";
    EXPECT_LE(held, kRuns * 97 / 100) << scatter << ", " << asked << " askings";
    askings.push_back(asked);
  }
  EXPECT_NEAR(askings.front(), 16, 1e-6);
  EXPECT_TRUE(std::is_sorted(askings.begin(), askings.end()));
  EXPECT_GT(askings.back(), 79);
}

// Looking often must not make a wrong verdict likelier than looking once.
TEST(QualityGate, DecidesEarlyWithoutMoreWrongVerdicts) {
  int wrong = 0, early = 0;
  constexpr int kRuns = 2000;
  constexpr double kBound = 0.002;
  const double truth = std::log1p(kBound);  // on the bound itself: every verdict but Undecided is a coin that fell
  for (int run = 0; run < kRuns; ++run) {
    KeyedRandom random(static_cast<std::uint64_t>(run), 2);
    const Quality ended = AskedUntilEnough(DrawWhole(random, truth, 0.0015), kBound);
    const bool decided = GateOf(*CompareQuality(ended, Baseline(), false), kBound) != QualityGate::kUndecided;
    wrong += decided ? 1 : 0;
    early += decided && Askings(ended) < 2 * kQualityBlocks ? 1 : 0;
  }
  EXPECT_LE(wrong, kRuns * 7 / 100) << early << " of them early";
  // Far from the bound the first look is enough.
  KeyedRandom random(1, 3);
  EXPECT_EQ(Askings(AskedUntilEnough(DrawWhole(random, 0.05, 0.0015), kBound)), 8U);
}

// An interval that a verdict ended is one of 99.9 %: it holds the truth at least as often as others, however far from
// the bound it lies.
TEST(QualityInterval, OfAVerdictHoldsTheTruthToo) {
  constexpr int kRuns = 500;
  for (const double truth : {0.0, 0.001, 0.0015, 0.002, 0.0025, 0.004}) {
    int held = 0;
    for (int run = 0; run < kRuns; ++run) {
      KeyedRandom random(static_cast<std::uint64_t>(run), 4);
      const auto change = CompareQuality(AskedUntilEnough(DrawWhole(random, truth, 0.0008), 0.002), Baseline(), false);
      held += std::abs(change->nll->value - truth) <= change->nll->ci ? 1 : 0;
    }
    EXPECT_GE(held, kRuns * 93 / 100) << truth;
  }
}

// Blocks of 1,000 tokens and 2 nats per token.
Quality OfTokens(int tokens, double nll) {
  Quality quality;
  quality.text = "corpus";
  for (std::size_t i = 0; i < kQualityBlocks; ++i) {
    quality.blocks.push_back(Block(TextKind::kShort, nll, i));
    quality.blocks.back().tokens = tokens;
  }
  return quality;
}

TEST(CompareQuality, ComparesPerTokenWhereTokenizersAgreeAndElsePerByte) {
  const Quality reference = OfTokens(1000, 2);
  const auto same = CompareQuality(OfTokens(1000, 2.1), reference, false);
  EXPECT_FALSE(same->per_byte);
  EXPECT_NEAR(same->nll->value, 0.1, 1e-9);
  // A quarter more tokens, each as much likelier: the same text is exactly as likely.
  const auto finer = CompareQuality(OfTokens(1250, 1.6), reference, false);
  EXPECT_TRUE(finer->per_byte);
  EXPECT_NEAR(finer->nll->value, 0, 1e-9);
  EXPECT_NEAR(CompareQuality(OfTokens(1250, 1.7), reference, false)->nll->value, 0.125, 1e-9);
}

TEST(CompareQuality, ComparesPerTokenWhatWasMeasuredBeforeTokensWereCounted) {
  const auto change = CompareQuality(OfTokens(1250, 2.1), OfTokens(0, 2), false);
  EXPECT_FALSE(change->per_byte);
  EXPECT_NEAR(change->nll->value, 0.1, 1e-9);
}

TEST(EncodeTokens, IsReadBackAndEmptyWhereNothingWasCounted) {
  Quality quality = OfTokens(1234, 2);
  quality.blocks[3].tokens = 300'000;
  const std::string text = EncodeTokens(quality.blocks);
  std::vector<QualityBlock> blocks = OfTokens(0, 2).blocks;
  EXPECT_EQ(EncodeTokens(blocks), "");
  EXPECT_TRUE(DecodeTokens("", blocks));
  ASSERT_TRUE(DecodeTokens(text, blocks));
  EXPECT_EQ(blocks[0].tokens, 1234);
  EXPECT_EQ(blocks[3].tokens, kMostBlockTokens);
  EXPECT_FALSE(DecodeTokens("AA", blocks));
  EXPECT_FALSE(DecodeTokens(std::string(text.size(), '!'), blocks));
}

}  // namespace
}  // namespace autotune::measurement
