#include "measurement/quality.h"

#include <gmock/gmock.h>

#include <cmath>
#include <functional>

#include "measurement/keyed_random.h"
#include "measurement/statistics.h"

namespace autotune::measurement {
namespace {

using testing::ElementsAre;

Quality Of(const std::vector<double>& nll, TextKind kind = TextKind::kLater) {
  Quality quality;
  quality.text = "corpus-2";
  std::uint32_t print = 1;
  for (const double value : nll) quality.blocks.push_back({kind, 1, value, print++});
  return quality;
}

// As a configuration whose every log-probability is another one leaves it.
Quality Moved(Quality quality, double by) {
  for (QualityBlock& block : quality.blocks) {
    block.nll += by;
    block.print ^= 0x2a5a5;
  }
  return quality;
}

// Differences 0.01, 0.02, 0.03: mean 0.02, standard deviation 0.01; t(0.9995, 2) is 31.599 in any table.
TEST(CompareQuality, AskedInPartNeedsAlmostCertainty) {
  const auto change = CompareQuality(Of({2.01, 3.02, 1.03}), Of({2, 3, 1}), false);
  ASSERT_TRUE(change && change->nll);
  EXPECT_NEAR(change->nll->value, 0.02, 1e-12);
  EXPECT_NEAR(change->nll->ci, 31.599 * 0.01 / std::sqrt(3), 1e-4);
}

// t(0.975, 31) is 2.0395.
TEST(CompareQuality, OfTheWholeCorpusIsAPairedTTest) {
  std::vector<double> reference(kQualityBlocks, 2.0), measured;
  double sum = 0, squares = 0;
  for (std::size_t i = 0; i < kQualityBlocks; ++i) {
    const double difference = 1e-3 * static_cast<double>(i * i % 7);
    measured.push_back(2 + difference);
    sum += difference;
    squares += difference * difference;
  }
  const auto change = CompareQuality(Of(measured), Of(reference), false);
  ASSERT_TRUE(change && change->nll);
  EXPECT_NEAR(change->nll->value, sum / 32, 1e-12);
  EXPECT_NEAR(change->nll->ci, 2.0395 * std::sqrt((squares - sum * sum / 32) / 31 / 32), 1e-7);
  EXPECT_EQ(change->CertainLoss(), change->nll->value);
  EXPECT_EQ(change->cache, CacheUse::kNotKnown);
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
  other.text = "corpus-3";
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
    EXPECT_FALSE(IsDecided(Of(nll), reference, false, 0.01)) << none;
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
  double squares = 0;
  for (std::size_t i = 8; i < kQualityBlocks; ++i) {
    const double difference = i % 2 == 0 ? 0.001 : 0.003;
    measured.blocks[i].nll += difference;
    measured.blocks[i].print ^= 1;
    squares += (difference - 0.002) * (difference - 0.002);
  }
  const auto change = CompareQuality(measured, reference, true);
  ASSERT_TRUE(change && change->nll);
  EXPECT_EQ(change->cache, CacheUse::kPartly);
  EXPECT_NEAR(change->nll->value, 0.002, 1e-12);
  EXPECT_NEAR(change->nll->ci, 2.0687 * std::sqrt(squares / 23 / 24), 1e-7) << "t(0.975, 23)";
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
  Quality reference = Of({2, 2, 2, 2, 2, 2, 2, 2}, TextKind::kLater);
  reference.blocks[0].kind = TextKind::kShortAlone;
  reference.blocks[1].kind = TextKind::kShort;
  reference.blocks[2].kind = reference.blocks[3].kind = TextKind::kBeginning;
  const Quality all = Moved(reference, 0.001);
  auto change = CompareQuality(all, reference, true);
  ASSERT_TRUE(change && change->nll);
  EXPECT_EQ(change->cache, CacheUse::kRead);
  EXPECT_NEAR(change->nll->value, 0.001, 1e-12);

  // Latent attention: the first chunk of a long document does not read it.
  Quality chunked = all;
  chunked.blocks[2] = reference.blocks[2];
  chunked.blocks[3] = reference.blocks[3];
  change = CompareQuality(chunked, reference, true);
  ASSERT_TRUE(change && change->nll);
  EXPECT_EQ(change->cache, CacheUse::kPartly);
  EXPECT_NEAR(change->nll->value, 0.001, 1e-12) << "not diluted by tokens that were not exercised";
  change = CompareQuality(chunked, reference, false);
  EXPECT_EQ(change->cache, CacheUse::kNotKnown) << "where more differs, equal numbers say nothing";
  EXPECT_NEAR(change->nll->value, 0.00075, 1e-12);

  // Nothing reads it; what shared a step with others differs in its last digits anyway.
  Quality none = reference;
  none.blocks[1].print ^= 1;
  none.answers = std::vector<GreedyAnswer>(4, MakeGreedyAnswer("one answer", "one answer"));
  Quality asked = reference;
  asked.answers = none.answers;
  change = CompareQuality(none, asked, true);
  ASSERT_TRUE(change);
  EXPECT_EQ(change->cache, CacheUse::kNotRead);
  EXPECT_FALSE(change->nll) << "no +0.00 %";
  EXPECT_TRUE(change->agreement);
}

// Seen with latent attention (vLLM 0.24.0): short prompts read the cache alone, and not where they share a step.
TEST(CacheUse, OfShortDocumentsThatEqualTheBaselineIsNone) {
  Quality reference = Of({2, 2, 2, 2}, TextKind::kShort);
  reference.blocks[0].kind = TextKind::kShortAlone;
  Quality measured = reference;
  for (const std::size_t i : {0U, 1U}) measured.blocks[i] = {reference.blocks[i].kind, 1, 2.25, 77};
  const auto change = CompareQuality(measured, reference, true);
  ASSERT_TRUE(change && change->nll);
  EXPECT_EQ(change->cache, CacheUse::kPartly);
  EXPECT_EQ(change->nll->value, 0.25) << "not diluted by the two that equal the baseline";
}

TEST(CacheUse, OfOneBlockAloneIsNone) {
  const Quality reference = Of({2, 2, 2, 2});
  Quality one = reference;
  one.blocks[3] = {TextKind::kLater, 1, 2.5, 77};
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
  half.blocks[0] = {TextKind::kShort, 1, 2.25, 77};
  half.blocks[1] = {TextKind::kShort, 1, 2.25, 78};
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
  reference.passes = Passes{"exam.jsonl#1", {true, true, true, true, true, true, true, true, false, true}};
  measured.passes = Passes{"exam.jsonl#1", {true, false, false, false, false, false, true, true, true, true}};
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
  EXPECT_FALSE(IsDecided(Of({2.5}), Of(std::vector<double>(kQualityBlocks, 2)), false, 0.01));
  EXPECT_FALSE(IsDecided(Of({}), Of({}), false, 0.01));
  EXPECT_TRUE(IsDecided(Of({2.5, 2.5}), Of(std::vector<double>(kQualityBlocks, 2)), false, 0.01));
}

TEST(PerplexityGrowth, IsTheExponentialOfTheDifference) {
  EXPECT_NEAR(PerplexityGrowth(0.01), 0.010050167, 1e-9);
  EXPECT_LT(PerplexityGrowth(-0.01), 0);
  EXPECT_TRUE(std::isfinite(PerplexityGrowth(9999)));
}

TEST(QualityTexts, RoundTrip) {
  Quality quality = Of({0, 2.3456789, 99.9999999, 11.75});
  quality.blocks[0].kind = TextKind::kShortAlone;
  quality.blocks[1] = {TextKind::kBeginning, 4, 1.25, 0x3ffff};
  const std::string text = EncodeBlocks(quality.blocks);
  EXPECT_EQ(text.size(), 9U * 4);
  const auto blocks = DecodeBlocks(text);
  ASSERT_TRUE(blocks);
  for (std::size_t i = 0; i < blocks->size(); ++i) {
    EXPECT_EQ((*blocks)[i].kind, quality.blocks[i].kind);
    EXPECT_EQ((*blocks)[i].pieces, quality.blocks[i].pieces);
    EXPECT_EQ((*blocks)[i].print, quality.blocks[i].print);
    EXPECT_NEAR((*blocks)[i].nll, quality.blocks[i].nll, 1e-7);
  }
  EXPECT_EQ(EncodeBlocks(*blocks), text);
  const std::vector<GreedyAnswer> answers = {MakeGreedyAnswer("a", "b"), MakeGreedyAnswer("", "")};
  EXPECT_EQ(DecodeAnswers(EncodeAnswers(answers)), answers);
  for (const std::size_t n : {0, 1, 6, 7, 1000}) {
    std::vector<bool> passed(n);
    for (std::size_t i = 0; i < n; ++i) passed[i] = i % 3 == 0;
    EXPECT_EQ(DecodePassed(EncodePassed(passed)), passed);
  }
  for (const char* bad : {"x", "xAAAAAAAA", "lAAAA AAA", "lAAAAAAA", "ZAAAAAAAA"})
    EXPECT_FALSE(DecodeBlocks(bad)) << bad;
  for (const char* bad : {"A", "AAAAAAH", "AAAAA!A"}) EXPECT_FALSE(DecodeAnswers(bad)) << bad;
  for (const char* bad : {"", "3", "3:", "9:A", "1:!", "1001:A", "-1:A"}) EXPECT_FALSE(DecodePassed(bad)) << bad;
}

// What a corpus of 32 blocks leaves: kinds of text whose losses differ, and heavy tails.
std::vector<double> DrawDifferences(KeyedRandom& random, double truth) {
  std::vector<double> out;
  for (std::size_t i = 0; i < kQualityBlocks; ++i) {
    const double tail = random.Uniform() < 0.1 ? 2.5 : 1;
    out.push_back(truth + 0.0015 * tail * random.Normal());
  }
  return out;
}

TEST(QualityInterval, HoldsTheTruthInNineteenOfTwentyCorpora) {
  int held = 0;
  constexpr int kRuns = 4000;
  for (int run = 0; run < kRuns; ++run) {
    KeyedRandom random(static_cast<std::uint64_t>(run), 1);
    const std::vector<double> differences = DrawDifferences(random, 0.001);
    std::vector<double> measured;
    for (const double difference : differences) measured.push_back(2 + difference);
    const auto change = CompareQuality(Of(measured), Of(std::vector<double>(kQualityBlocks, 2)), false);
    held += std::abs(change->nll->value - 0.001) <= change->nll->ci ? 1 : 0;
  }
  EXPECT_GE(held, kRuns * 93 / 100);
  EXPECT_LE(held, kRuns * 97 / 100);
}

// Looking four times must not make a wrong verdict likelier than looking once.
TEST(QualityGate, DecidesEarlyWithoutMoreWrongVerdicts) {
  int wrong = 0, early = 0;
  constexpr int kRuns = 4000;
  constexpr double kBound = 0.002;
  const double truth = std::log1p(kBound);  // on the bound itself: every verdict but Undecided is a coin that fell
  for (int run = 0; run < kRuns; ++run) {
    KeyedRandom random(static_cast<std::uint64_t>(run), 2);
    const std::vector<double> differences = DrawDifferences(random, truth);
    std::vector<double> measured;
    for (const double difference : differences) measured.push_back(2 + difference);
    const Quality reference = Of(std::vector<double>(kQualityBlocks, 2));
    const Quality whole = Of(measured);
    bool decided = false;
    for (const std::size_t blocks : {14U, 20U, 26U, 32U}) {
      Quality so_far = whole;
      so_far.blocks.resize(blocks);
      if (decided || !IsDecided(so_far, reference, false, kBound)) continue;
      decided = true;
      early += blocks < kQualityBlocks ? 1 : 0;
    }
    wrong += decided ? 1 : 0;
  }
  EXPECT_LE(wrong, kRuns * 7 / 100) << early << " of them early";
  // Far from the bound the first look is enough.
  KeyedRandom random(1, 3);
  Quality far = Of({});
  for (const double difference : DrawDifferences(random, 0.05)) {
    far.blocks.push_back({TextKind::kLater, 1, 2 + difference, static_cast<std::uint32_t>(far.blocks.size() + 1)});
  }
  far.blocks.resize(14);
  EXPECT_TRUE(IsDecided(far, Of(std::vector<double>(kQualityBlocks, 2)), false, kBound));
}

// Blocks of 1,000 tokens and 2 nats per token.
Quality OfTokens(int tokens, double nll) {
  Quality quality;
  quality.text = "corpus";
  for (std::size_t i = 0; i < kQualityBlocks; ++i) {
    quality.blocks.push_back({TextKind::kShort, 1, nll, static_cast<std::uint32_t>(i), tokens});
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
  quality.blocks[3].tokens = 5000;
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
