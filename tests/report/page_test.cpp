#include "report/page.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "finished_task.h"
#include "report/effects.h"
#include "report/markdown.h"
#include "report/report_json.h"
#include "report/result_view.h"
#include "report/task_words.h"
#include "tests/quant/built_in_rules.h"
#include "text/table.h"
#include "text/yaml_json.h"

namespace autotune::report {
namespace {

using nlohmann::json;
using quant::testing::Rules;
using ::testing::HasSubstr;
using ::testing::Not;

// The tags of a page in their order, without text and attributes' values.
std::vector<std::string> Skeleton(const std::string& page) {
  std::vector<std::string> tags;
  for (std::size_t open = page.find('<'); open != std::string::npos; open = page.find('<', open + 1)) {
    tags.push_back(page.substr(open, page.find_first_of(" >", open) - open));
  }
  return tags;
}

api::AutotuneTask Recorded(const char* file) {
  std::ifstream in(std::string(TESTDATA_DIR) + "/engines/runs/" + file);
  std::stringstream content;
  content << in.rdbuf();
  const auto documents = text::ParseYaml(content.str(), file);
  EXPECT_TRUE(documents.ok());
  auto task = api::TaskFromJson(documents->front());
  EXPECT_TRUE(task.ok()) << (task.ok() ? "" : task.error().message);
  return *task;
}

TEST(HtmlReport, AnswersFirst) {
  const std::string page = HtmlReport(Finished(), Rules());
  const std::size_t answer = page.find("Best configuration");
  ASSERT_NE(answer, std::string::npos);
  for (const char* part :
       {"1413.0 tok/s per GPU", "+41.3% over the baseline (1000.0 tok/s per GPU, at 8 in flight)",
        "--kv-cache-dtype fp8  instead of  the engine&#39;s defaults", "TTFT p99 310 ms (bound 500 ms)",
        "32 in flight missed slo.ttft.p99 (900 ms, allowed 500 ms)", "vllm serve org/model"}) {
    const std::size_t at = page.find(part);
    EXPECT_NE(at, std::string::npos) << part;
    EXPECT_LT(at, page.find("id=\"experiments\"")) << part;
  }
}

TEST(HtmlReport, TheAnswersScoreIsThatOfAllItsStarts) {
  api::AutotuneTask task = Finished();
  api::ExperimentStatus fresh = task.status.experiments[1];
  fresh.name = "e4-dddddd";
  fresh.confirms = task.status.experiments[1].name;
  task.status.experiments.push_back(fresh);
  task.status.best->score = "1300";
  task.status.best->ci = "26";
  task.status.best->starts = 2;
  const std::string page = HtmlReport(task, Rules());
  EXPECT_NE(page.find("1300.0 tok/s per GPU"), std::string::npos);
  EXPECT_NE(page.find("2 % (95 % interval)"), std::string::npos);
  EXPECT_NE(page.find("the score is the mean of 2 starts"), std::string::npos);
  EXPECT_NE(page.find("fresh start of e2-bbbbbb: confirmed"), std::string::npos);
  EXPECT_NE(Headline(task).find("1300.0 tok/s per GPU, the mean of 2 starts"), std::string::npos);
}

// The best with a fresh start that kept less, and held a rate as well.
api::AutotuneTask StartedAfresh() {
  api::AutotuneTask task = Finished();
  api::ExperimentStatus fresh = task.status.experiments[1];
  fresh.name = "e4-dddddd";
  fresh.confirms = task.status.experiments[1].name;
  fresh.loads[0].measured.load = measurement::Concurrency(6);
  fresh.loads[0].measured.requests_per_second = 7.5;
  fresh.loads.push_back(fresh.loads[0]);
  fresh.loads.back().measured.load = measurement::RequestRate(7.2);
  fresh.loads.back().measured.role = measurement::PointRole::kConfirmation;
  fresh.loads.back().measured.ttft.p99 = 106;
  task.status.experiments.push_back(fresh);
  task.status.best->starts = 2;
  task.status.best->concurrency = 6;
  task.status.best->request_rate = "7.1";
  return task;
}

TEST(HtmlReport, SaysWhatEachStartKeptAndMergesNoPoints) {
  const api::AutotuneTask task = StartedAfresh();
  const std::string page = HtmlReport(task, Rules());
  EXPECT_THAT(page,
              HasSubstr("6 in flight, 7.5 requests/s in e4-dddddd: the highest load at which every start meets the "
                        "SLO"));
  EXPECT_THAT(page,
              HasSubstr("the score is the mean of 2 starts, at 8 and 6 in flight; e2-bbbbbb met the SLO up to 8 in "
                        "flight (32 in flight missed"));
  EXPECT_THAT(page, HasSubstr("e4-dddddd met the SLO up to 6 in flight"));
  EXPECT_THAT(
      page, HasSubstr("Not every start met the SLO at the loads of this mean; all of them met it at 6 in flight, with "
                      "1413.0 tok/s per GPU"));
  EXPECT_THAT(page, HasSubstr("<dt>Measured there</dt><dd>1413.0 tok/s per GPU, TTFT p99 310 ms"));
  EXPECT_THAT(page, HasSubstr("7.2 requests/s met the SLO (e4-dddddd): TTFT p99 106 ms (bound 500 ms); no higher rate "
                              "was tried"));
  EXPECT_THAT(page, HasSubstr("8 in flight (first start)"));
  EXPECT_THAT(page, HasSubstr("as e2-bbbbbb"));
  EXPECT_THAT(page, Not(HasSubstr("the highest load at which it meets the SLO")));
  EXPECT_THAT(page, HasSubstr("3 experiments and 1 fresh start out of"));
  EXPECT_THAT(Headline(task), HasSubstr("the mean of 2 starts, at 8 and 6 in flight"));
  EXPECT_THAT(
      Headline(task),
      HasSubstr("with 6 requests in flight (7.5 requests/s), where every start met the SLO; in an open loop 7.2 "
                "requests/s met the SLO (no higher rate was tried)"));
}

TEST(HtmlReport, SaysThatAnotherStartTriedAHigherRate) {
  api::AutotuneTask task = StartedAfresh();
  api::ExperimentStatus second = task.status.experiments.back();
  second.name = "e5-eeeeee";
  second.loads.back().measured.load = measurement::RequestRate(7.4);
  task.status.experiments.push_back(second);
  task.status.best->starts = 3;
  EXPECT_THAT(Headline(task), HasSubstr("in an open loop 7.2 requests/s met the SLO (e5-eeeeee met it at 7.4 "
                                        "requests/s)"));
  EXPECT_THAT(HtmlReport(task, Rules()), HasSubstr("; e5-eeeeee met it at 7.4 requests/s"));
  EXPECT_THAT(HtmlReport(task, Rules()), Not(HasSubstr("no higher rate was tried")));
  EXPECT_THAT(WhyNotMore(task, ResultRows(task)), ::testing::StartsWith("in e5-eeeeee, "));
}

TEST(HtmlReport, SaysWhichRatesWereTried) {
  api::AutotuneTask task = StartedAfresh();
  std::vector<api::LoadRow>& loads = task.status.experiments.back().loads;
  api::LoadRow higher = loads.back();
  higher.measured.load = measurement::RequestRate(7.6);
  higher.measured.ttft.p99 = 800;
  higher.meets_slo = false;
  loads.push_back(higher);
  EXPECT_THAT(HtmlReport(task, Rules()),
              HasSubstr("(bound 500 ms); 7.6 requests/s missed slo.ttft.p99 (800 ms, allowed 500 ms)"));
  EXPECT_THAT(HtmlReport(task, Rules()), Not(HasSubstr("no higher rate was tried")));
  EXPECT_THAT(Headline(task), Not(HasSubstr("no higher rate was tried")));
  loads.erase(loads.end() - 2);
  EXPECT_THAT(HtmlReport(task, Rules()), HasSubstr("no tried rate met the SLO (e4-dddddd): 7.6 requests/s missed"));
}

TEST(HtmlReport, ShowsTheStartWhoseLoadAllStartsKept) {
  api::AutotuneTask task = StartedAfresh();
  for (api::LoadRow& load : task.status.experiments.back().loads) {
    if (load.measured.load == measurement::Concurrency(6)) load.measured.load = measurement::Concurrency(12);
  }
  EXPECT_THAT(HtmlReport(task, Rules()),
              HasSubstr("8 in flight, 8 requests/s: the highest load at which every start meets the SLO"))
      << "the fresh start kept more than the first one";
}

TEST(HtmlReport, ALoadByRateHasTheRequestsInFlightOfTheSamePoint) {
  api::AutotuneTask task = Finished();
  measurement::Point& point = task.status.experiments[1].loads[0].measured;
  point.load = measurement::RequestRate(8.2);
  point.mean_concurrency = 5.4;
  task.status.best->concurrency = 5;
  EXPECT_THAT(HtmlReport(task, Rules()),
              HasSubstr("8.2 requests/s in an open loop, 8 completed, 5.4 in flight on average"));
  EXPECT_THAT(Headline(task), HasSubstr("at 8.2 requests/s in an open loop (5 requests in flight on average)"));
}

TEST(HtmlReport, OneNumberHasOneText) {
  api::AutotuneTask task = Finished();
  task.status.best->score = "9786.45";  // of 9786.449 before it was rounded
  task.status.experiments[1].loads[0].measured.output_tokens_per_second = 9786.449;
  const std::string page = HtmlReport(task, Rules());
  EXPECT_THAT(page, HasSubstr(text::TokensPerSecond(9786.45)));
  const std::string other = text::TokensPerSecond(9786.45) == "9786.5" ? "9786.4" : "9786.5";
  EXPECT_THAT(page, Not(HasSubstr(other)));
  EXPECT_EQ(text::TokensPerSecond(9786.449), text::TokensPerSecond(9786.45));
}

TEST(HtmlReport, TheScoredLoadNeedNotBeTheHighestThatKeepsTheSlo) {
  api::AutotuneTask task = Finished();
  EXPECT_THAT(HtmlReport(task, Rules()),
              HasSubstr("8 in flight, 8 requests/s: the highest load at which it meets the SLO"));
  api::LoadRow higher = task.status.experiments[1].loads[0];
  higher.measured.load = measurement::Concurrency(12);
  higher.measured.output_tokens_per_second -= 1;
  task.status.experiments[1].loads.push_back(higher);
  EXPECT_THAT(
      HtmlReport(task, Rules()),
      HasSubstr(
          "8 in flight, 8 requests/s: the best score of the loads at which it meets the SLO, up to 12 in flight"));
}

TEST(HtmlReport, NamesALowerLoadThatGivesNearlyTheSame) {
  api::AutotuneTask task = Finished();
  std::vector<api::LoadRow>& loads = task.status.experiments[1].loads;
  api::LoadRow lower = loads[0];
  lower.measured.load = measurement::Concurrency(4);
  lower.measured.output_tokens_per_second *= 0.97;
  lower.measured.tpot.p50 = 3.1;
  loads.insert(loads.begin(), lower);
  EXPECT_THAT(HtmlReport(task, Rules()),
              HasSubstr("4 in flight gives 3.0% less throughput, with TPOT p50 3.1 ms instead of 7.2 ms"));
  loads.front().measured.output_tokens_per_second *= 0.9;
  EXPECT_THAT(HtmlReport(task, Rules()), Not(HasSubstr("less throughput")));
}

TEST(HtmlReport, HasTheManifestOfTheBest) {
  const std::string page = HtmlReport(Finished(), Rules());
  const std::size_t manifest = page.find("<summary>Kubernetes manifest");
  ASSERT_NE(manifest, std::string::npos);
  EXPECT_NE(page.find("kind: Deployment", manifest), std::string::npos);
  EXPECT_NE(page.find("kind: Service", manifest), std::string::npos);
}

TEST(HtmlReport, DrawsThePriceOfPricedTypesOfGpu) {
  api::AutotuneTask task = Finished();
  EXPECT_THAT(HtmlReport(task, Rules()), Not(HasSubstr("Price against time per token")));
  task.spec.gpus = {task.spec.gpus.front(), task.spec.gpus.front()};
  task.status.gpus = {task.status.gpus.front(), task.status.gpus.front()};
  const char* const names[] = {"h100", "l40s"};
  const char* const prices[] = {"4", "1"};
  for (std::size_t i = 0; i < 2; ++i) {
    task.spec.gpus[i].name = task.status.gpus[i].name = names[i];
    task.spec.gpus[i].price_per_hour = prices[i];
  }
  task.status.experiments[0].gpu = "l40s";
  task.status.experiments[1].gpu = task.status.experiments[2].gpu = task.status.best->gpu = "h100";
  const std::string page = HtmlReport(task, Rules());
  EXPECT_THAT(page, HasSubstr("Price against time per token, with the Pareto front"));
  EXPECT_THAT(page, HasSubstr("price per million output tokens"));
  task.spec.gpus[1].price_per_hour = "";
  EXPECT_THAT(HtmlReport(task, Rules()), Not(HasSubstr("Price against time per token")));
}

TEST(HtmlReport, TheGainHasItsInterval) {
  api::AutotuneTask task = Finished();
  for (api::ExperimentStatus& experiment : task.status.experiments) {
    for (api::LoadRow& load : experiment.loads) {
      load.measured.output_tokens_per_second_ci = load.measured.output_tokens_per_second * 0.01;
    }
  }
  const std::string interval = GainInterval(task, ResultRows(task));
  EXPECT_THAT(interval, ::testing::StartsWith(" (+"));
  EXPECT_THAT(HtmlReport(task, Rules()), HasSubstr("+41.3%" + interval + " over the baseline"));
  EXPECT_THAT(Headline(task), HasSubstr("+41.3%" + interval + " over the baseline"));
}

TEST(HtmlReport, SaysHowToGetAManifest) {
  api::AutotuneTask task = Finished();
  task.status.experiments[1].image_id = "vllm/vllm-openai:v0.24.0";
  task.metadata.uid = "local-e1a617a71a16cad1f9a28efd915a3717";
  EXPECT_THAT(HtmlReport(task, Rules()), HasSubstr("autotune apply -f status.yaml"));
  EXPECT_THAT(HtmlReport(task, Rules()), HasSubstr("<dt>Ran in</dt><dd>local mode (autotune run)"));
  EXPECT_THAT(HtmlReport(task, Rules()), HasSubstr("in the image vllm/vllm-openai:v0.24.0"));
  EXPECT_THAT(HtmlReport(task, Rules()), HasSubstr("Start the engine as it was measured"));
  task.metadata.uid = "0b8d6c1e-6d0f-4f1c-9a57-000000000001";
  EXPECT_THAT(HtmlReport(task, Rules()), HasSubstr("kubectl autotune apply llama -n ml"));
  EXPECT_THAT(HtmlReport(task, Rules()), HasSubstr("uid</dt><dd>0b8d6c1e"));
  EXPECT_THAT(HtmlReport(task, Rules()), Not(HasSubstr("status.yaml")));
  task.status.experiments[1].simulated = true;
  EXPECT_THAT(HtmlReport(task, Rules()), HasSubstr("Start a real engine with these settings"));
  EXPECT_THAT(HtmlReport(task, Rules()), Not(HasSubstr("as it was measured")));
}

TEST(HtmlReport, ThePlotOfTheModelNamesTheStartsThatMeasuredALoad) {
  const std::string page = HtmlReport(Recorded("2026-11-28-h200-verify/vllm-search.status.yaml"), Rules());
  EXPECT_THAT(page, HasSubstr("e2-b8351c and e4-7dfc8a (mean of 2 measurements), 192 in flight: predicted"));
  EXPECT_THAT(page, HasSubstr("e2-b8351c (mean of 2 measurements), 512 in flight: predicted"));
}

TEST(HtmlReport, ExplainsBracketsOnlyWhereThereAreSome) {
  api::AutotuneTask task = Finished();
  EXPECT_THAT(HtmlReport(task, Rules()), Not(HasSubstr("requests in brackets")));
  task.status.experiments[1].loads[0].measured.requests = 16;
  EXPECT_THAT(HtmlReport(task, Rules()), HasSubstr("requests in brackets"));
}

api::AutotuneTask Compared() {
  api::AutotuneTask task = Finished();
  api::Difference& difference = task.status.difference.emplace();
  difference.deployment = "chat";
  difference.container = "server";
  difference.experiment = "e2-bbbbbb";
  difference.same = 7;
  difference.lines = {{api::Difference::Part::kImage, "image", "vllm:1<script>", "vllm:2"},
                      {api::Difference::Part::kArguments, "max-num-seqs", std::nullopt, "--max-num-seqs 64"},
                      {api::Difference::Part::kResources, "memory", "64Gi", std::nullopt}};
  return task;
}

TEST(HtmlReport, ShowsWhatTheRunningDeploymentHasOtherwise) {
  const std::string page = HtmlReport(Compared(), Rules());
  EXPECT_THAT(page, HasSubstr("Against Deployment chat"));
  EXPECT_THAT(page, HasSubstr("3 settings differ, 7 are the same"));
  EXPECT_THAT(page, HasSubstr("<span class=\"new\">--max-num-seqs 64</span>"));
  EXPECT_THAT(page, HasSubstr("<span class=\"gone\">memory: 64Gi</span>"));
  EXPECT_THAT(page, Not(HasSubstr("<script>")));
  EXPECT_THAT(
      MarkdownReport(Compared(), Rules()),
      HasSubstr("```diff\n--- Deployment chat, container server\n+++ e2-bbbbbb of AutotuneTask llama\n image\n-  "
                "vllm:1<script>\n+  vllm:2\n arguments\n+  --max-num-seqs 64\n resources\n-  memory: 64Gi\n 3 "
                "settings differ, 7 are the same\n```\n"));
  EXPECT_EQ(JsonReport(Compared(), Rules())["difference"]["lines"].size(), 3U);

  api::AutotuneTask unread = Finished();
  unread.status.difference.emplace().message = "the operator may not read it";
  EXPECT_THAT(HtmlReport(unread, Rules()), HasSubstr("the operator may not read it"));
  EXPECT_THAT(MarkdownReport(unread, Rules()), HasSubstr("the operator may not read it\n"));
}

TEST(HtmlReport, ProvenanceSaysThatTheEngineWasSimulated) {
  api::AutotuneTask task = Finished();
  const auto provenance = [&] {
    const std::string page = HtmlReport(task, Rules());
    return page.substr(page.find("id=\"provenance\""));
  };
  EXPECT_THAT(provenance(), Not(HasSubstr("imulated")));
  task.status.experiments[1].simulated = true;
  EXPECT_THAT(provenance(), HasSubstr("Simulated: the engine was a simulated one"));
  EXPECT_THAT(provenance(), HasSubstr("NVIDIA-H100-80GB-HBM3 (simulated)"));
}

TEST(HtmlReport, NotesOfAPresetAreNoWarningsOfTheBest) {
  api::AutotuneTask task = Finished();
  api::ExperimentStatus& best = task.status.experiments[1];
  best.quant = *quant::FindPreset("kv-cache-fp8");
  best.warnings = {{"moeDtype", "ModelHasNoExperts", "the model has no experts"},
                   {"quality", "QualityUndecided", "the interval contains the limit"}};
  const auto answer = [&] {
    const std::string page = HtmlReport(task, Rules());
    return page.substr(0, page.find("id=\"experiments\""));
  };
  EXPECT_THAT(answer(), Not(HasSubstr("no experts")));
  EXPECT_THAT(answer(), HasSubstr("quality: the interval contains the limit"));
  EXPECT_THAT(HtmlReport(task, Rules()), Not(HasSubstr("no experts"))) << "the model has none: no note on the preset";
  EXPECT_THAT(MarkdownReport(task, Rules()), Not(HasSubstr("no experts")));
  best.quant.moe = "fp8";  // no preset any more: somebody asked for it
  EXPECT_THAT(answer(), HasSubstr("moeDtype: the model has no experts"));
}

TEST(HtmlReport, SaysWhyAnExperimentHasNoScoreAndWhichLoadAScoreIsOf) {
  api::AutotuneTask task = Finished();
  EXPECT_THAT(HtmlReport(task, Rules()), HasSubstr("at 8 in flight)"));
  EXPECT_THAT(HtmlReport(task, Rules()),
              HasSubstr("Each score is that of the highest load at which the experiment meets the SLO"));
  EXPECT_THAT(HtmlReport(task, Rules()), HasSubstr("<td class=\"n\">failed</td>"));
  task.status.experiments[0].stopped = "CannotWin";
  EXPECT_THAT(HtmlReport(task, Rules()), HasSubstr("<td class=\"n\">stopped early</td>"));
}

TEST(HtmlReport, ExplainsTheWorkload) {
  api::AutotuneTask task = Finished();
  EXPECT_THAT(HtmlReport(task, Rules()), HasSubstr("D(512,128) (512 prompt tokens in, 128 out)"));
  EXPECT_EQ(ScenarioText("N(480,240)/(300,150)"), "480 \u00b1 240 prompt tokens in, 300 \u00b1 150 out");
  EXPECT_EQ(ScenarioText("U(100,500)/(50,200)"), "100 to 500 prompt tokens in, 50 to 200 out");
  EXPECT_EQ(ScenarioText("E(512)/(128)"), "512 on average prompt tokens in, 128 on average out");
  EXPECT_EQ(ScenarioText("dataset"), "dataset");
}

TEST(HtmlReport, HasACourseOfTheScoreOnlyWhereThereIsOne) {
  api::AutotuneTask task = Finished();
  task.status.started_at = "2026-11-29T10:00:00Z";
  const api::ExperimentStatus good = task.status.experiments[1];
  task.status.experiments.clear();
  for (const double tokens : {1000, 1100, 900, 1413}) {
    api::ExperimentStatus& experiment = task.status.experiments.emplace_back(good);
    experiment.name = "e" + std::to_string(task.status.experiments.size());
    experiment.started_at = "2026-11-29T10:00:00Z";
    experiment.finished_at = "2026-11-29T10:0" + std::to_string(task.status.experiments.size()) + ":00Z";
    for (api::LoadRow& load : experiment.loads) load.measured.output_tokens_per_second = tokens;
  }
  task.status.best->experiment = "e4";
  EXPECT_THAT(HtmlReport(task, Rules()), HasSubstr("Best score over time"));
  task.status.experiments.resize(3);
  task.status.best->experiment = "e2";
  EXPECT_THAT(HtmlReport(task, Rules()), Not(HasSubstr("Best score over time")));
}

TEST(HtmlReport, SaysWhatTheBestCostsInQuality) {
  api::AutotuneTask task = Finished();
  EXPECT_THAT(HtmlReport(task, Rules()), HasSubstr("<dt>Quality</dt><dd>not measured</dd>"));
  task.spec.quality.measure = false;
  EXPECT_THAT(HtmlReport(task, Rules()), HasSubstr("not measured (spec.quality.measure is Off)"));
}

TEST(HtmlReport, HasEverySection) {
  const std::string page = HtmlReport(Recorded("2026-11-28-h200/vllm-search.status.yaml"), Rules());
  for (const char* id : {"answer", "experiments", "curves", "effects", "insight", "cost", "provenance"}) {
    EXPECT_THAT(page, HasSubstr(std::string("id=\"") + id + "\"")) << id;
  }
  EXPECT_THAT(page, HasSubstr(">SLO 2 s</text>"));
}

TEST(HtmlReport, AsksNobodyForAnything) {
  const std::string page = HtmlReport(Recorded("2026-11-28-h200/vllm-search.status.yaml"), Rules());
  EXPECT_THAT(page, HasSubstr("default-src &#39;none&#39;"));
  for (const char* loads : {" src=", " href=", "url(", "@import", "<script", "<link", "<iframe", "<form"}) {
    EXPECT_THAT(page, Not(HasSubstr(loads))) << loads;
  }
}

TEST(HtmlReport, WorksAtEveryStageOfATask) {
  api::AutotuneTask task = Finished();
  task.status.best.reset();
  task.status.conditions = {{"Ready", "True", "NoFeasibleConfiguration", "No configuration meets it", 1, ""}};
  EXPECT_THAT(HtmlReport(task, Rules()), HasSubstr("No configuration meets it"));
  task.status = {};
  EXPECT_THAT(HtmlReport(task, Rules()), HasSubstr("Nothing has been measured yet"));
}

// Every string of a task, one after the other, replaced by an attack: the page has the same elements as with a harmless
// word of its place.
TEST(HtmlReport, NoTextOfATaskIsMarkup) {
  const json task = api::ToJson(Finished());
  const std::string attack = "\"'><script>alert(1)</script><!--\x01</style></svg>&lt;";
  int tried = 0;
  const json flat = task.flatten();
  for (const auto& [pointer, value] : flat.items()) {
    if (!value.is_string()) continue;
    json harmless = task, harmful = task;
    harmless[json::json_pointer(pointer)] = "harmless";
    harmful[json::json_pointer(pointer)] = attack;
    const auto calm = api::TaskFromJson(harmless), angry = api::TaskFromJson(harmful);
    if (!calm || !angry) continue;  // an enumeration, a number
    ++tried;
    const std::string page = HtmlReport(*angry, Rules());
    EXPECT_EQ(Skeleton(page), Skeleton(HtmlReport(*calm, Rules()))) << pointer;
    EXPECT_THAT(page, Not(HasSubstr("<script"))) << pointer;
  }
  EXPECT_GT(tried, 20);
}

}  // namespace
}  // namespace autotune::report
