#include "report/report_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "finished_task.h"

namespace autotune::report {
namespace {

TEST(JsonReport, HasTheAnswerAndEveryExperimentBestFirst) {
  const auto rules = quant::RuleSet::BuiltIn();
  const nlohmann::json report = JsonReport(Finished(), *rules);
  EXPECT_EQ(report["answer"]["experiment"], "e2-bbbbbb");
  EXPECT_EQ(report["answer"]["unit"], "tok/s per GPU");
  EXPECT_EQ(report["answer"]["score"], 1413);
  EXPECT_EQ(report["answer"]["command"][0], "vllm");
  ASSERT_EQ(report["experiments"].size(), 3U);
  EXPECT_EQ(report["experiments"][0]["judged"]["whyNot"], "best");
  EXPECT_EQ(report["experiments"][1]["judged"]["whyNot"], "29.2% below the best");
  EXPECT_EQ(report["experiments"][2]["reason"], "OutOfMemory");
}

TEST(JsonReport, SaysWhyThereIsNoAnswer) {
  const auto rules = quant::RuleSet::BuiltIn();
  api::AutotuneTask task = Finished();
  task.status.best.reset();
  task.status.conditions = {{"Ready", "True", "NoFeasibleConfiguration", "No configuration meets it", 1, ""}};
  EXPECT_EQ(JsonReport(task, *rules)["answer"]["why"], "No configuration meets it");
}

}  // namespace
}  // namespace autotune::report
