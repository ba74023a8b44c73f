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
    auto space = BuildSpace(task_.spec, *task_.status.model, GpuOf(task_.status), Rules(), {});
    ASSERT_TRUE(space.ok());
    space_ = *std::move(space);
  }

  api::AutotuneTask task_;
  Space space_;
};

double Low(const std::string& range) { return std::strtod(range.c_str(), nullptr); }
double High(const std::string& range) { return std::strtod(range.substr(range.find('-') + 1).c_str(), nullptr); }

TEST_P(RecordedSearch, TookWhatIsEstimated) {
  api::TaskStatus before = task_.status;
  before.experiments.clear();
  before.estimate.reset();
  before.search.reset();
  before.cost = {};
  const base::WallTime start = base::ParseRfc3339(task_.status.started_at);
  const SearchInput input = SearchInputOf(task_.spec, before, space_, start);
  const api::TaskStatus::Estimate estimate = EstimateOf(task_.spec, before, input, start);
  const double took = Low(task_.status.cost.gpu_hours);
  std::cout << estimate.experiments << " experiments " << estimate.gpu_hours << " GPU-hours " << estimate.duration
            << "; took " << task_.status.experiments.size() << " " << took << "\n";
  SearchInput unlimited = input;
  unlimited.limits = {};
  const auto free = EstimateOf(task_.spec, before, unlimited, start);
  std::cout << "unlimited " << free.experiments << " " << free.gpu_hours << " " << free.duration << "\n";
  EXPECT_GE(took, Low(estimate.gpu_hours));
  EXPECT_LE(took, High(estimate.gpu_hours));
}

TEST_P(RecordedSearch, Decides) {
  api::TaskStatus status = task_.status;
  const std::vector<api::ExperimentStatus> all = status.experiments;
  task_.spec.optimization.budget_deadline.reset();
  for (std::size_t n = 1; n <= all.size(); ++n) {
    status.experiments.assign(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(n));
    const SearchInput input = SearchInputOf(task_.spec, status, space_, base::ParseRfc3339(status.started_at));
    const search::Decision d = search::Decide(input.space, input.bounds, input.prior, input.observations, {}, 1);
    std::cout << n << " " << search::ReasonName(d.reason) << " gain " << d.expected_gain << " best "
              << (d.best ? d.best->value : 0) << " at " << (d.best ? d.best->load : 0) << " next " << d.candidate;
    for (const auto& a : space_.expansion.candidates[d.candidate].plan.args) std::cout << " " << a;
    std::cout << "\n";
    for (const auto& p : input.observations.points) {
      if (p.candidate != input.observations.points.back().candidate) continue;
      std::size_t j = 0;
      const auto& loads = input.space.candidates[p.candidate].loads;
      while (loads[j] != p.load) ++j;
      const auto& at = input.prior.at[p.candidate][j];
      std::cout << "   load " << p.load << " ttft " << std::exp(p.ln_ttft_ms) << " prior " << std::exp(at.ln_ttft_ms)
                << " sd " << std::sqrt(p.ttft_variance) << "; tpot " << std::exp(p.ln_tpot_ms) << " prior "
                << std::exp(at.ln_tpot_ms) << " sd " << std::sqrt(p.tpot_variance) << " value " << p.value << " met "
                << p.met << "\n";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(H200, RecordedSearch, ::testing::Values("2026-11-28-h200", "2026-11-28-h200-verify"),
                         [](const auto& one) {
                           std::string name = one.param;
                           std::erase(name, '-');
                           return name;
                         });

}  // namespace
}  // namespace autotune::reconcile
