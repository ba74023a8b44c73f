#include "report/changes.h"

#include <gmock/gmock.h>

#include "finished_task.h"
#include "report/markdown.h"
#include "report/page.h"
#include "report/result_view.h"
#include "tests/quant/built_in_rules.h"

namespace autotune::report {
namespace {

using quant::testing::Rules;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using tuning::search::Effect;

// Finished(), where the first experiment is what is deployed.
api::AutotuneTask Deployed() {
  api::AutotuneTask task = Finished();
  task.status.experiments[0].deployed = true;
  task.status.experiments[0].env = {{"VLLM_X", "1"}};
  return task;
}

std::vector<std::string> Lines(const std::vector<Change>& changes) {
  std::vector<std::string> lines;
  for (const Change& change : changes) lines.push_back(change.setting + ": " + change.before + " -> " + change.after);
  return lines;
}

TEST(ChangesOf, AreSettingBySettingAgainstWhatIsDeployed) {
  const api::AutotuneTask task = Deployed();
  EXPECT_THAT(Lines(ChangesOf(task, {}, Rules())),
              ElementsAre("VLLM_X: 1 -> ", "kv-cache-dtype:  -> fp8", "quantization preset: default -> kv-cache-fp8"));
}

TEST(ChangesOf, AreWorthWhatTheModelSaysOfTheirValues) {
  api::AutotuneTask task = Deployed();
  task.status.experiments[0].args = {"--max-num-seqs", "32"};
  const std::vector<Effect> effects = {{"max_num_seqs", "32", -0.2, -0.25, -0.15, 1, 1},
                                       {"max_num_seqs", "64", 0.1, 0.05, 0.15, 1, 1},
                                       {"quantization", "kv-cache-fp8", 0.3, 0.2, 0.4, 1, 1}};
  for (const Change& change : ChangesOf(task, effects, Rules())) {
    if (change.setting == "max-num-seqs") {
      ASSERT_TRUE(change.worth);
      EXPECT_TRUE(change.worth->of_the_change);
      EXPECT_NEAR(change.worth->effect, 1.1 / 0.8 - 1, 1e-9);
      EXPECT_LT(change.worth->low, change.worth->effect - 0.05);
      EXPECT_GT(change.worth->high, change.worth->effect + 0.05);
    } else if (change.setting == "quantization preset") {
      ASSERT_TRUE(change.worth);
      EXPECT_FALSE(change.worth->of_the_change) << "the model says nothing of the preset that is deployed";
      EXPECT_DOUBLE_EQ(change.worth->effect, 0.3);
    } else {
      EXPECT_FALSE(change.worth) << change.setting;
    }
  }
  const std::string table = ChangeTable(ChangesOf(task, effects, Rules()), "deployed").Text();
  EXPECT_THAT(table, HasSubstr("SETTING"));
  EXPECT_THAT(table, HasSubstr("DEPLOYED"));
  EXPECT_THAT(table, HasSubstr("+37.5%"));
  EXPECT_THAT(table, HasSubstr("+30.0% (+20.0% to +40.0%) against the mean of its values"));
}

TEST(ChangesOf, AreInEveryReport) {
  const api::AutotuneTask task = Deployed();
  EXPECT_THAT(MarkdownReport(task, Rules()), HasSubstr("## Against what is deployed"));
  EXPECT_THAT(HtmlReport(task, Rules()), HasSubstr("Against what is deployed"));
  EXPECT_THAT(HtmlReport(task, Rules()), HasSubstr("+41.3% over what is deployed"));
  EXPECT_THAT(Headline(task), HasSubstr(", +41.3% over what is deployed"));
  api::AutotuneTask itself = Deployed();
  itself.status.best->experiment = itself.status.experiments[0].name;
  EXPECT_THAT(MarkdownReport(itself, Rules()), Not(HasSubstr("## Against what")));
  EXPECT_TRUE(ChangesOf(itself, {}, Rules()).empty());
}

}  // namespace
}  // namespace autotune::report
