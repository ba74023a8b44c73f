// Searches that ran on real GPUs (tests/engines/runs), decided and estimated again by what the search is now.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "operator/reconcile/estimate.h"
#include "operator/reconcile/expand.h"
#include "operator/reconcile/propose.h"
#include "operator/reconcile/track.h"
#include "tests/reconcile/fake_cluster.h"
#include "text/yaml_json.h"

namespace autotune::reconcile {
namespace {

namespace search = tuning::search;

class RecordedSearch : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    std::ifstream in(std::string(TESTDATA_DIR) + "/engines/runs/" + GetParam() + "/vllm-search.status.yaml");
    std::stringstream content;
    content << in.rdbuf();
    const auto documents = text::ParseYaml(content.str(), GetParam());
    ASSERT_TRUE(documents.ok());
    auto task = api::TaskFromJson(documents->front());
    ASSERT_TRUE(task.ok()) << (task.ok() ? "" : task.error().message);
    task_ = *std::move(task);
    experiment::PodEnvironment environment;
    environment.policy = experiment::PodPolicy::Everything();  // they ran in local mode
    auto space =
        BuildSpace(task_.spec, FactsOfModels(task_.status), GpusOf(task_.spec, task_.status), Rules(), environment);
    ASSERT_TRUE(space.ok()) << (space.ok() ? "" : space.error().message);
    space_ = *std::move(space);
  }

  api::AutotuneTask task_;
  Space space_;
};

double Low(const std::string& range) { return std::strtod(range.c_str(), nullptr); }
double High(const std::string& range) { return std::strtod(range.substr(range.find('-') + 1).c_str(), nullptr); }

TEST_P(RecordedSearch, TookAboutWhatIsEstimated) {
  api::TaskStatus before = task_.status;
  before.experiments.clear();
  before.estimate.reset();
  before.search.reset();
  before.cost = {};
  const base::WallTime start = base::ParseRfc3339(task_.status.started_at);
  const SearchInput input = SearchInputOf(task_.spec, before, space_, start);
  const api::TaskStatus::Estimate estimate = EstimateOf(task_.spec, before, input, start);
  const double took = Low(task_.status.cost.gpu_hours);
  EXPECT_GE(took, Low(estimate.gpu_hours));
  // Both were cut by their deadlines, with one trial more than would be started now.
  EXPECT_LE(took, 1.2 * High(estimate.gpu_hours));
  EXPECT_LE(High(estimate.gpu_hours), 2 * took);
}

INSTANTIATE_TEST_SUITE_P(H200, RecordedSearch, ::testing::Values("2026-11-28-h200", "2026-11-28-h200-verify"),
                         [](const auto& one) {
                           std::string name = one.param;
                           std::erase(name, '-');
                           return name;
                         });

class RecordedDecisions : public RecordedSearch {};

// 61 candidates. The slot that was free first did not wait for the nine seconds until the baseline's numbers came, and
// started a third trial; with both there is little left to gain, but for 61 candidates still enough to go on.
TEST_P(RecordedDecisions, FindsTheBestKindFirstAndExpectsLittleMore) {
  api::TaskStatus status = task_.status;
  const std::vector<api::ExperimentStatus> all = status.experiments;
  task_.spec.optimization.budget_deadline.reset();
  const auto decide = [&](std::size_t finished) {
    status.experiments.assign(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(finished));
    const SearchInput input = SearchInputOf(task_.spec, status, space_, base::ParseRfc3339(status.started_at));
    return search::Decide(input.space, input.bounds, input.prior, input.observations, {}, 1);
  };
  const search::Decision first = decide(1);
  EXPECT_EQ(first.action, search::Action::kStart);
  // The operator of that day took an interval that is not known for a sure one, and chose 512 sequences and 2,048
  // batched tokens; now it is 256 and 16,384 of the same precision.
  EXPECT_EQ(space_.expansion.candidates[first.candidate].quant.name, all[1].quant.name);
  EXPECT_EQ(all[1].name, task_.status.best->experiment);
  for (const std::size_t finished : {2U, 3U, 4U}) {
    const search::Decision decision = decide(finished);
    EXPECT_EQ(decision.action, search::Action::kStart);
    EXPECT_LT(decision.expected_gain, 0.03) << "of this start";
  }
}

TEST_P(RecordedDecisions, WaitsForNumbersThatAreNear) {
  // As it was when the second experiment had ended.
  api::TaskStatus status = task_.status;
  status.experiments.resize(2);
  const base::WallTime now = base::ParseRfc3339(status.experiments[1].finished_at);
  api::ExperimentStatus& baseline = status.experiments[0];
  ASSERT_GT(base::ParseRfc3339(baseline.finished_at), now);
  baseline.state = api::ExperimentState::kMeasuring;
  baseline.loads.clear();
  baseline.finished_at.clear();
  const SearchInput input = SearchInputOf(task_.spec, status, space_, now);
  const Proposal proposal = Propose(task_.spec, status, space_, input, {});
  EXPECT_TRUE(proposal.start.empty());
  EXPECT_FALSE(proposal.stopped);
}

INSTANTIATE_TEST_SUITE_P(H200, RecordedDecisions, ::testing::Values("2026-11-28-h200-verify"),
                         [](const auto&) { return "checked"; });

}  // namespace
}  // namespace autotune::reconcile
