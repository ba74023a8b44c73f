#include "report/comparison.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "finished_task.h"

namespace autotune::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// The finished task by another name, with all throughputs times `factor` and intervals of `share`.
api::AutotuneTask Named(const std::string& name, double factor, double share) {
  api::AutotuneTask task = Finished();
  task.metadata.name = name;
  for (api::ExperimentStatus& experiment : task.status.experiments) {
    for (api::LoadRow& load : experiment.loads) {
      load.measured.output_tokens_per_second *= factor;
      load.measured.output_tokens_per_second_ci = load.measured.output_tokens_per_second * share;
    }
  }
  task.status.best->score = api::FormatDecimal(1413 * factor, 2);
  task.status.best->ci = share > 0 ? api::FormatDecimal(1413 * factor * share, 2) : "";
  return task;
}

TEST(Comparison, SaysHowMuchBetterWithTheIntervalOfBoth) {
  const auto comparison = Compare({Named("today", 1, 0.03), Named("next", 1.2, 0.04)});
  ASSERT_TRUE(comparison.ok()) << comparison.error().message;
  ASSERT_EQ(comparison->tasks.size(), 2U);
  EXPECT_FALSE(comparison->tasks[0].change);
  const ScoreChange& change = comparison->tasks[1].change.value();
  EXPECT_NEAR(change.better, 0.2, 1e-4);
  EXPECT_NEAR(change.ci, 1.2 * 0.05, 1e-3);  // 3 % and 4 % at right angles
  EXPECT_TRUE(change.told_apart);
  EXPECT_THAT(ComparisonText(*comparison, 0), HasSubstr("+20.0% \u00b16.0%"));
}

TEST(Comparison, SaysWhichScoresAreEstimates) {
  const api::AutotuneTask today = Named("today", 1, 0.03);
  api::AutotuneTask next = Named("next", 1.2, 0.04);
  EXPECT_THAT(ComparisonText(*Compare({today, next}), 0), Not(HasSubstr("estimate")));
  next.status.experiments[1].loads[0].measured.standing_queue = true;
  next.status.best->score_basis = "Estimate";
  const auto comparison = Compare({today, next});
  ASSERT_TRUE(comparison.ok()) << comparison.error().message;
  const std::string text = ComparisonText(*comparison, 0);
  EXPECT_THAT(text, HasSubstr("\u00b14.0% (estimate)"));
  EXPECT_THAT(text, HasSubstr(kEstimateNote));
  EXPECT_THAT(ComparisonMarkdown(*comparison), HasSubstr("the sustained rate was not measured"));
  EXPECT_THAT(ComparisonPage(*comparison), HasSubstr(kEstimateNote));
  const nlohmann::json json = ComparisonJson(*comparison);
  EXPECT_EQ(json["tasks"][0]["basis"], "Load");
  EXPECT_EQ(json["tasks"][1]["basis"], "Estimate");
  EXPECT_EQ(json["configurations"][1]["measured"][1]["basis"], "Estimate");
}

TEST(Comparison, NamesThePricesThatCostsAreMadeWith) {
  std::vector<api::AutotuneTask> tasks = {Named("today", 1, 0.03), Named("next", 1.2, 0.04)};
  for (api::AutotuneTask& task : tasks) task.spec.optimization.objective = api::Objective::kMinimizeCost;
  tasks[0].spec.gpus.front().price_per_hour = "2.5";
  tasks[1].spec.gpus.front().price_per_hour = "4";
  const auto comparison = Compare(tasks);
  ASSERT_TRUE(comparison.ok()) << comparison.error().message;
  const std::string text = ComparisonText(*comparison, 0);
  EXPECT_THAT(text, HasSubstr("PRICE/GPU-HOUR"));
  EXPECT_THAT(text, HasSubstr("2.5"));
  tasks[1].spec.gpus.front().price_per_hour = "";
  const auto without = Compare(tasks);
  ASSERT_FALSE(without.ok());
  EXPECT_EQ(without.error().message,
            "compare: next has no price per GPU-hour, so its score is GPU-hours and no price; set gpu.pricePerHour");
  tasks[0].spec.gpus.front().price_per_hour = "";
  const auto neither = Compare(tasks);
  ASSERT_TRUE(neither.ok()) << neither.error().message;
  EXPECT_THAT(ComparisonText(*neither, 0), HasSubstr("GPU-hours per million output tokens:"));
}

TEST(Comparison, HasAPageWithTheBestsCurves) {
  const auto comparison = Compare({Named("today", 1, 0.03), Named("<b>next", 1.2, 0.04)});
  ASSERT_TRUE(comparison.ok()) << comparison.error().message;
  const std::string page = ComparisonPage(*comparison);
  EXPECT_THAT(page, HasSubstr("<!DOCTYPE html>"));
  EXPECT_THAT(page, HasSubstr("+20.0% \u00b16.0%"));
  EXPECT_THAT(page, HasSubstr("<figcaption>TTFT p99</figcaption>"));
  EXPECT_THAT(page, HasSubstr("SLO 500"));
  EXPECT_THAT(page, HasSubstr("&lt;b&gt;next, 8 in flight: "));
  EXPECT_THAT(page, Not(HasSubstr("<b>next")));
  EXPECT_THAT(page, HasSubstr(kComparedSame));
  EXPECT_THAT(page, Not(HasSubstr("://")));
}

TEST(Comparison, DoesNotCallADifferenceWithinTheIntervalsOne) {
  const auto comparison = Compare({Named("today", 1, 0.03), Named("next", 1.04, 0.04)});
  ASSERT_TRUE(comparison.ok()) << comparison.error().message;
  EXPECT_FALSE(comparison->tasks[1].change->told_apart);
  EXPECT_THAT(ComparisonText(*comparison, 0), HasSubstr("+4.0% \u00b15.2%, a tie"));
}

TEST(Comparison, ClaimsNoIntervalWhereOneIsNotKnown) {
  const auto comparison = Compare({Named("today", 1, 0), Named("next", 1.5, 0.04)});
  ASSERT_TRUE(comparison.ok()) << comparison.error().message;
  EXPECT_EQ(comparison->tasks[1].change->ci, 0);
  EXPECT_FALSE(comparison->tasks[1].change->told_apart);
  EXPECT_THAT(ComparisonMarkdown(*comparison), HasSubstr("| +50.0% |"));
  EXPECT_FALSE(ComparisonJson(*comparison)["tasks"][1]["change"].contains("ci"));
}

TEST(Comparison, OfWhatIsMinimizedLessIsBetter) {
  const auto latency = [](const char* name, double milliseconds) {
    api::AutotuneTask task = Finished();
    task.metadata.name = name;
    task.spec.optimization.objective = api::Objective::kMinimizeTtft;
    task.status.best->score = api::FormatDecimal(-milliseconds, 2);
    task.status.best->ci = "1";
    return task;
  };
  const auto comparison = Compare({latency("today", 60), latency("next", 48)});
  ASSERT_TRUE(comparison.ok()) << comparison.error().message;
  EXPECT_NEAR(comparison->tasks[1].change->better, 0.2, 1e-9);
  EXPECT_THAT(ComparisonText(*comparison, 0), HasSubstr("48.0 ms"));
  EXPECT_THAT(ComparisonText(*comparison, 0), HasSubstr("20.0% less \u00b1"));
  const auto back = Compare({latency("today", 48), latency("next", 60)});
  EXPECT_THAT(ComparisonMarkdown(*back), HasSubstr("25.0% more \u00b1"));
}

TEST(Comparison, PairsTheConfigurationsThatBothMeasured) {
  api::AutotuneTask next = Named("next", 0.9, 0.01);
  next.status.experiments[1].args.back() = "fp8_e5m2";  // another configuration, and the best
  const auto comparison = Compare({Named("today", 1, 0.01), next});
  ASSERT_TRUE(comparison.ok()) << comparison.error().message;
  ASSERT_EQ(comparison->configurations.size(), 1U);
  const ComparedConfiguration& same = comparison->configurations.front();
  EXPECT_EQ(same.quant_name, "default");
  ASSERT_TRUE(same.measured[0] && same.measured[1]);
  EXPECT_FALSE(same.measured[0]->change);
  EXPECT_NEAR(same.measured[1]->change->better, -0.1, 1e-9);
  EXPECT_EQ(ComparisonJson(*comparison)["configurations"][0]["measured"].size(), 2U);

  for (api::ExperimentStatus& experiment : next.status.experiments) experiment.quant.name += "-v2";
  next.status.best->quant_name += "-v2";
  const auto strangers = Compare({Named("today", 1, 0.01), next});
  ASSERT_TRUE(strangers.ok()) << strangers.error().message;
  EXPECT_THAT(ComparisonText(*strangers, 0), HasSubstr("No configuration was measured by more than one"));
}

// Each task gives its own names to checkpoints.
TEST(Comparison, PairsCheckpointsByWhatTheyAreAndNotByTheirName) {
  const auto serving = [](const char* task_name, const char* name, const char* id, const char* revision) {
    api::AutotuneTask task = Named(task_name, 1, 0.01);
    task.spec.models.resize(1);
    task.spec.models.front().name = "bf16";
    task.spec.models.push_back(task.spec.models.front());
    task.spec.models.back().name = name;
    task.spec.models.back().id_or_path = id;
    task.spec.models.back().revision = revision;
    for (api::ExperimentStatus& experiment : task.status.experiments) experiment.model = name;
    task.status.best->model = name;
    return task;
  };
  const auto same = [](const api::AutotuneTask& a, const api::AutotuneTask& b) {
    const auto comparison = Compare({a, b});
    return comparison.ok() ? comparison->configurations.size() : 99;
  };
  const api::AutotuneTask today = serving("today", "fp8", "org/model-fp8", "");
  EXPECT_EQ(same(today, serving("next", "fp8", "org/model-fp8", "main")), 2U);
  EXPECT_EQ(same(today, serving("next", "eight", "org/model-fp8", "")), 2U);
  EXPECT_EQ(same(today, serving("next", "fp8", "other/model-fp8", "")), 0U);
  EXPECT_EQ(same(today, serving("next", "fp8", "org/model-fp8", "v2")), 0U);
}

TEST(Comparison, SaysThatTheOnlyCheckpointDiffers) {
  api::AutotuneTask next = Named("next", 1, 0.01);
  next.spec.models.front().id_or_path = "org/model-2";
  const auto comparison = Compare({Named("today", 1, 0.01), next});
  ASSERT_TRUE(comparison.ok()) << comparison.error().message;
  EXPECT_EQ(comparison->configurations.size(), 2U);
  const std::string differs = "The checkpoint is org/model in today and org/model-2 in next.";
  EXPECT_THAT(ComparisonText(*comparison, 0), HasSubstr(differs));
  EXPECT_THAT(ComparisonMarkdown(*comparison), HasSubstr("org/model-2 in next."));
  EXPECT_THAT(ComparisonPage(*comparison), HasSubstr(differs));
  EXPECT_EQ(SameExceptText(*Compare({Named("today", 1, 0.01), Named("next", 1, 0.01)})), "");
}

TEST(Comparison, RefusesWhatDidNotMeasureTheSame) {
  api::AutotuneTask other = Named("other", 1, 0.03);
  other.spec.slo.ttft.clear();
  other.spec.benchmark.scenarios = {"D(2048,128)"};
  const auto comparison = Compare({Named("today", 1, 0.03), other});
  ASSERT_FALSE(comparison.ok());
  EXPECT_THAT(comparison.error().message,
              HasSubstr("benchmark.scenarios.0 is not set in today and D(2048,128) in other"));
  EXPECT_THAT(comparison.error().message, HasSubstr("slo.ttft.p99 is 500ms in today and not set in other"));

  // How long points took and where records went says nothing of what was measured.
  api::AutotuneTask longer = Named("longer", 1, 0.03);
  longer.spec.benchmark.duration = api::Seconds(120);
  longer.spec.benchmark.seed = 7;
  longer.spec.benchmark.records_claim = "records";
  EXPECT_TRUE(Compare({Named("today", 1, 0.03), longer}).ok());

  api::AutotuneTask reference = Named("reference", 1, 0.03);
  reference.status.reference_loads = {{"D(512,128)", 12.5}};
  const auto loads = Compare({Named("today", 1, 0.03), reference});
  ASSERT_FALSE(loads.ok());
  EXPECT_THAT(loads.error().message, HasSubstr("12.5/s"));

  api::AutotuneTask simulated = Named("simulated", 1, 0.03);
  for (api::ExperimentStatus& experiment : simulated.status.experiments) experiment.simulated = true;
  const auto kinds = Compare({Named("today", 1, 0.03), simulated});
  ASSERT_FALSE(kinds.ok());
  EXPECT_EQ(kinds.error().message, "compare: simulated is simulated and today is not");
}

TEST(Comparison, NamesTheTaskWithoutAnAnswer) {
  api::AutotuneTask running = Named("running", 1, 0.03);
  running.status.best.reset();
  const auto comparison = Compare({Named("today", 1, 0.03), running});
  ASSERT_FALSE(comparison.ok());
  EXPECT_THAT(comparison.error().message, HasSubstr("compare: running has no best configuration"));
  EXPECT_EQ(comparison.error().code, base::Code::kConflict);
  EXPECT_FALSE(Compare({Named("today", 1, 0.03)}).ok());
}

TEST(Comparison, TellsTasksOfOneNameApart) {
  api::AutotuneTask elsewhere = Named("llama", 1, 0.03);
  elsewhere.metadata.ns = "other";
  const auto comparison = Compare({Named("llama", 1, 0.03), elsewhere, elsewhere});
  ASSERT_TRUE(comparison.ok()) << comparison.error().message;
  EXPECT_EQ(comparison->tasks[0].name, "ml/llama");
  EXPECT_EQ(comparison->tasks[1].name, "other/llama");
  EXPECT_EQ(comparison->tasks[2].name, "other/llama (2)");
  EXPECT_THAT(ComparisonText(*comparison, 0), Not(HasSubstr("MODEL")));  // the same in all
}

}  // namespace
}  // namespace autotune::report
