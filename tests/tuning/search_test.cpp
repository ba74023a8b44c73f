#include "tuning/search.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include "base/sha256.h"

namespace autotune::tuning {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

std::vector<Candidate> Candidates(std::size_t count, const std::set<std::size_t>& baselines = {}) {
  std::vector<Candidate> candidates(count);
  for (std::size_t i = 0; i < count; ++i) {
    candidates[i].hash = base::Sha256Hex("candidate " + std::to_string(i)).substr(0, 16);
    candidates[i].baseline = baselines.contains(i);
  }
  return candidates;
}

std::vector<std::string> Hashes(const std::vector<Candidate>& candidates, const std::vector<std::size_t>& order) {
  std::vector<std::string> hashes;
  for (std::size_t i : order) hashes.push_back(candidates[i].hash);
  return hashes;
}

TEST(Schedule, RunsGridInTheOrderOfTheCandidates) {
  EXPECT_THAT(Schedule(Candidates(4), Order::kGrid, 1, 40), ElementsAre(0, 1, 2, 3));
}

TEST(Schedule, RunsEveryRuntimesBaselineBeforeAnythingElse) {
  EXPECT_THAT(Schedule(Candidates(5, {0, 3}), Order::kGrid, 1, 40), ElementsAre(0, 3, 1, 2, 4));
  const auto random = Schedule(Candidates(5, {0, 3}), Order::kRandom, 7, 40);
  ASSERT_THAT(random, SizeIs(5));
  EXPECT_THAT(std::vector(random.begin(), random.begin() + 2), ElementsAre(0, 3));
}

TEST(Schedule, CutsAtTheLimitAndKeepsTheBaselines) {
  EXPECT_THAT(Schedule(Candidates(5, {4}), Order::kGrid, 1, 3), ElementsAre(4, 0, 1));
  EXPECT_THAT(Schedule(Candidates(5), Order::kGrid, 1, 0), SizeIs(0));
  EXPECT_THAT(Schedule({}, Order::kRandom, 1, 10), SizeIs(0));
}

TEST(Schedule, ShufflesEveryCandidateExactlyOnce) {
  const auto candidates = Candidates(200);
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    auto order = Schedule(candidates, Order::kRandom, seed, 1000);
    std::sort(order.begin(), order.end());
    EXPECT_EQ(order, Schedule(candidates, Order::kGrid, seed, 1000));
  }
}

// A recorded order: another compiler, standard library or architecture must give the same one, or a resumed task would
// run other experiments than it began with.
TEST(Schedule, GivesTheSameShuffleOnEveryMachine) {
  EXPECT_THAT(Schedule(Candidates(8), Order::kRandom, 1, 40), ElementsAre(7, 0, 6, 5, 4, 3, 2, 1));
  EXPECT_THAT(Schedule(Candidates(8), Order::kRandom, 2, 40), ElementsAre(5, 3, 7, 4, 0, 6, 1, 2));
}

TEST(Schedule, SpreadsTheFirstPickOverTheWholeGrid) {
  const auto candidates = Candidates(10);
  std::vector<int> firsts(10, 0);
  for (std::uint64_t seed = 0; seed < 2000; ++seed) ++firsts[Schedule(candidates, Order::kRandom, seed, 1).front()];
  // 200 expected each; 6 sigma is 80.
  for (int count : firsts) EXPECT_NEAR(count, 200, 80);
}

TEST(Schedule, KeepsTheOrderOfTheOthersWhenACandidateIsAddedOrRemoved) {
  const auto before = Candidates(30);
  auto after = before;
  after.erase(after.begin() + 11);
  after.insert(after.begin() + 4, Candidates(31).back());
  auto old_order = Hashes(before, Schedule(before, Order::kRandom, 3, 100));
  auto new_order = Hashes(after, Schedule(after, Order::kRandom, 3, 100));
  std::erase(old_order, before[11].hash);
  std::erase(new_order, after[4].hash);
  EXPECT_EQ(old_order, new_order);
}

}  // namespace
}  // namespace autotune::tuning
