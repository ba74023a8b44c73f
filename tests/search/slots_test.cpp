#include "tuning/search/slots.h"

#include <gtest/gtest.h>

namespace autotune::tuning::search {
namespace {

StartOffer Offer(std::size_t candidate, int gpus, double score, double seconds = 600) {
  return {candidate, gpus, seconds, score};
}

TEST(Slots, EverythingFitsWhereGpusAreNotCounted) {
  EXPECT_EQ(PickFitting({Offer(3, 64, 1)}, {}), 3U);
  EXPECT_FALSE(PickFitting({}, {}));
}

TEST(Slots, TheBestOfferThatFitsStarts) {
  Slots slots;
  slots.free_gpus = {{2, 4}};
  EXPECT_EQ(PickFitting({Offer(0, 8, 1), Offer(1, 4, 0.9), Offer(2, 1, 0.5)}, slots), 1U);
  slots.free_gpus = {{0, 0}};
  EXPECT_FALSE(PickFitting({Offer(0, 1, 1)}, slots));
}

TEST(Slots, GpusAreKeptForAStartThatIsWorthMuchMore) {
  Slots slots;
  slots.free_gpus = {{2}};
  slots.running = {{9, true, 6, 0, 300, 0}};
  // Eight GPUs are free in 300 s; the small trial would hold two of them for 600 s.
  EXPECT_FALSE(PickFitting({Offer(0, 8, 2), Offer(1, 2, 1, 600)}, slots));
  EXPECT_EQ(PickFitting({Offer(0, 8, 2), Offer(1, 2, 1, 200)}, slots), 1U);    // ends before
  EXPECT_EQ(PickFitting({Offer(0, 8, 1.2), Offer(1, 2, 1, 600)}, slots), 1U);  // hardly better
}

TEST(Slots, GpusAreKeptOnlyForMoreThanAHalfHigherScore) {
  Slots slots;
  slots.free_gpus = {{2}};
  slots.running = {{9, true, 6, 0, 300, 0}};
  EXPECT_EQ(PickFitting({Offer(0, 8, 3), Offer(1, 2, 2, 600)}, slots), 1U);
  EXPECT_FALSE(PickFitting({Offer(0, 8, 3.01), Offer(1, 2, 2, 600)}, slots));
  EXPECT_EQ(PickFitting({Offer(0, 2, -1)}, slots), 0U) << "the best offer fits, whatever its score";
}

TEST(Slots, TheGpusOfATrialAreFreeWhenItEnds) {
  Slots slots;
  slots.free_gpus = {{2}};
  // The eight GPUs are free after the second trial, and not only after all of them.
  slots.running = {{9, true, 6, 0, 900, 0}, {8, true, 6, 0, 300, 0}};
  EXPECT_FALSE(PickFitting({Offer(0, 8, 2), Offer(1, 2, 1, 600)}, slots));
  EXPECT_FALSE(PickFitting({Offer(0, 8, 2), Offer(1, 1, 1, 600)}, slots));
  EXPECT_EQ(PickFitting({Offer(0, 8, 2), Offer(1, 2, 1, 300)}, slots), 1U) << "it ends in time";
  slots.running = {{8, true, 6, 0, 300, 0}, {9, true, 2, 0, 100, 0}};
  EXPECT_EQ(PickFitting({Offer(0, 8, 2), Offer(1, 2, 1, 200)}, slots), 1U) << "the first trial frees too few";
  slots.running = {{9, true, 6, 0, 900, 0}, {8, true, 6, 0, 300, 0}};
  EXPECT_FALSE(PickFitting({Offer(0, 8, 2), Offer(1, 2, 1, 600), Offer(2, 4, 0.5, 100)}, slots)) << "four do not fit";
}

TEST(Slots, TheNodeThatIsFreeFirstIsReserved) {
  Slots slots;
  const auto picked = [&](double first, double second) {
    slots.running = {{9, true, 7, 0, first, 0}, {8, true, 7, 1, second, 0}};
    return PickFitting({Offer(0, 8, 2), Offer(1, 2, 1, 600)}, slots);
  };
  slots.free_gpus = {{2, 1}};  // the small trial fits on the first node only
  EXPECT_FALSE(picked(100, 300));
  EXPECT_EQ(picked(300, 100), 1U);
  EXPECT_FALSE(picked(100, 100)) << "of equals the first";
  slots.free_gpus = {{1, 2}};
  EXPECT_FALSE(picked(300, 100));
}

TEST(Slots, BackFillingGoesToOtherNodesAndPastWhatNeverFits) {
  Slots slots;
  slots.free_gpus = {{2, 2}};
  slots.running = {{9, true, 6, 0, 300, 0}};
  EXPECT_EQ(PickFitting({Offer(0, 8, 2), Offer(1, 2, 1, 600)}, slots), 1U);
  EXPECT_EQ(PickFitting({Offer(0, 64, 2), Offer(1, 2, 1, 600)}, slots), 1U);
}

TEST(Slots, ATrialRunsOnNodesOfItsTypeOfGpu) {
  Slots slots;
  slots.free_gpus = {{0, 8}};
  slots.node_types = {0, 1};
  StartOffer other = Offer(1, 2, 0.5);
  other.gpu = 1;
  EXPECT_EQ(PickFitting({Offer(0, 2, 1), other}, slots), 1U);
  EXPECT_FALSE(PickFitting({Offer(0, 2, 1)}, slots));
}

TEST(Slots, ANodeOfAnotherTypeOfGpuIsNotReserved) {
  Slots slots;
  slots.free_gpus = {{2, 2}};
  slots.node_types = {0, 1};
  slots.running = {{9, true, 6, 0, 300, 0}, {8, true, 6, 1, 100, 0}};
  EXPECT_FALSE(PickFitting({Offer(0, 8, 2), Offer(1, 2, 1, 600)}, slots));
}

TEST(Slots, AtMostFourAndATenthOfTheCandidates) {
  EXPECT_EQ(DefaultSlots(8, 100, 40), 4);
  EXPECT_EQ(DefaultSlots(8, 25, 40), 2);
  EXPECT_EQ(DefaultSlots(8, 20, 40), 2);
  EXPECT_EQ(DefaultSlots(8, 19, 40), 1);
  EXPECT_EQ(DefaultSlots(8, 5, 40), 1);
  EXPECT_EQ(DefaultSlots(1, 100, 40), 1);
  EXPECT_EQ(DefaultSlots(8, 100, 7.9), 2) << "a budget for seven trials";
  EXPECT_EQ(DefaultSlots(8, 100, 0.5), 1);
}

}  // namespace
}  // namespace autotune::tuning::search
