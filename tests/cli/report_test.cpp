#include "cli/report.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "cli/result_view.h"

namespace autotune::cli {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

const quant::RuleSet& Rules() {
  static const base::Result<quant::RuleSet> rules = quant::RuleSet::BuiltIn();
  return *rules;
}

// Built from the API's own types, then written and read as kubectl would deliver it.
api::AutotuneTask Finished() {
  const json object = {{"apiVersion", "autotuner.io/v1alpha1"},
                       {"kind", "AutotuneTask"},
                       {"metadata", {{"name", "llama"}, {"namespace", "ml"}}},
                       {"spec",
                        {{"baseRuntime", "vllm"},
                         {"description", "Which KV cache?"},
                         {"model", {{"idOrPath", "org/model"}}},
                         {"slo", {{"ttft", {{"p99", "500ms"}}}}}}}};
  auto parsed = api::TaskFromJson(object);
  EXPECT_TRUE(parsed.ok()) << (parsed.ok() ? "" : parsed.error().message);
  api::AutotuneTask task = *parsed;
  api::TaskStatus& status = task.status;
  status.state = "Complete";
  status.progress = "3/3";
  status.candidates = {5, 1, 1, 3, 0};
  status.pruned_reasons = {{"NoSuchThing", 1, "vllm + mine: cannot"}};
  status.gpu_product = "NVIDIA-H100-80GB-HBM3";
  const auto add = [&](const char* name, const char* quant, std::vector<std::string> args, double tokens) {
    api::ExperimentStatus experiment;
    experiment.name = name;
    experiment.hash = "0123456789abcdef";
    experiment.runtime = "vllm";
    experiment.quant.name = quant;
    experiment.gpus = 1;
    experiment.args = std::move(args);
    experiment.state = tokens > 0 ? api::ExperimentState::kSucceeded : api::ExperimentState::kFailed;
    if (tokens > 0) {
      measurement::Point load;
      load.scenario = "D(512,128)";
      load.load = measurement::Concurrency(8);
      load.requests = 100;
      load.output_tokens_per_second = tokens;
      load.requests_per_second = 8;
      load.ttft = {60, 61, 90, 95, 310};
      load.tpot = {7, 7.2, 8, 8, 9};
      load.e2e = {900, 950, 970, 980, 1000};
      experiment.loads = {{load, true}, {load, true}};
      experiment.loads[1].measured.load = measurement::Concurrency(32);
      experiment.loads[1].measured.ttft.p99 = 900;
      experiment.loads[1].meets_slo = false;
    } else {
      experiment.reason = "OutOfMemory";
      experiment.message = "torch.OutOfMemoryError: CUDA out of memory";
    }
    status.experiments.push_back(experiment);
  };
  add("e1-aaaaaa", "default", {"--max-num-seqs", "64"}, 1000);
  add("e2-bbbbbb", "kv-cache-fp8", {"--max-num-seqs", "64", "--kv-cache-dtype", "fp8"}, 1413);
  add("e3-cccccc", "dynamic-fp8", {"--max-num-seqs", "64", "--quantization", "fp8"}, 0);
  status.experiments[0].baseline = true;
  status.best = api::TaskStatus::Best{"e2-bbbbbb", "vllm", "kv-cache-fp8", "1413", "+41.3%", "", 8, "", "", "", {}};
  status.pareto = {"e2-bbbbbb"};
  status.cost.gpu_hours = "0.42";
  status.conditions = {{"Ready", "True", "Succeeded", "Best: e2", 1, ""}};
  return task;
}

TEST(FinalText, EndsWithTheTableAndTheWinningCommandLine) {
  const std::string text = FinalText(Finished(), Rules(), 160);
  EXPECT_THAT(text, HasSubstr("ARGUMENTS THAT DIFFER"));
  EXPECT_THAT(text, HasSubstr("Common arguments: --max-num-seqs 64"));
  EXPECT_THAT(
      text, ::testing::ContainsRegex(
                "e2-bbbbbb +kv-cache-fp8 +--kv-cache-dtype fp8 +8 +8 +1413.0 +61.0 ms +310 ms +7.2 ms +.41.3% +best"));
  EXPECT_THAT(text, HasSubstr("OutOfMemory: torch.OutOfMemoryError"));
  EXPECT_THAT(text, HasSubstr("Best: e2-bbbbbb (vllm, kv-cache-fp8): 1413.0 tok/s per GPU, +41.3% over the baseline, "
                              "with 8 requests in flight"));
  EXPECT_TRUE(
      text.ends_with("vllm serve org/model --host 0.0.0.0 --port 8000 --max-num-seqs 64 --kv-cache-dtype fp8\n"))
      << text;
  EXPECT_THAT(text, Not(HasSubstr("imulated")));
}

TEST(FinalText, ShowsWhatPrecisionCosts) {
  api::AutotuneTask task = Finished();
  task.status.experiments[0].quality = {{"builtin-1", {2.0, 2.2, 1.8, 2.0}}, "2", "0", "0"};
  task.status.experiments[1].quality = {{"builtin-1", {2.01, 2.22, 1.81, 2.02}}, "2.015", "0.015", "0.0068"};
  std::string text = FinalText(task, Rules(), 160);
  EXPECT_THAT(text, HasSubstr("PERPLEXITY"));
  EXPECT_THAT(text, ::testing::ContainsRegex("e1-aaaaaa .* 7.389 +baseline"));
  EXPECT_THAT(text, HasSubstr("+1.51% \u00b10.67%  best"));
  task.spec.quality.max_degradation = 0.01;
  text = FinalText(task, Rules(), 160);
  EXPECT_THAT(text, HasSubstr("+1.51% \u00b10.67%  loses quality"));
  task.status.experiments[1].quality.reset();
  EXPECT_THAT(FinalText(task, Rules(), 160), HasSubstr("quality not known"));
}

TEST(FinalText, SaysWhatWasAskedForAndIsNoExperiment) {
  api::AutotuneTask task = Finished();
  task.status.candidates = {48, 2, 4, 42, 2};
  task.status.pruned_reasons = {{"NeedsCheckpoint", 3, "vllm + aggressive-moe: cannot"}};
  EXPECT_THAT(FinalText(task, Rules(), 160),
              HasSubstr("Common arguments: --max-num-seqs 64\n\n"
                        "Not among the experiments:\n"
                        "  3 pruned, NeedsCheckpoint: vllm + aggressive-moe: cannot\n"
                        "  1 pruned for other reasons\n"
                        "  2 not run: optimization.maxExperiments is 40\n"
                        "  2 duplicates, which start an engine exactly as an experiment does (autotune plan names them)"
                        "\n\n"
                        "Best: "));
}

TEST(FinalText, SaysNothingMoreWhereEveryCombinationIsAnExperiment) {
  api::AutotuneTask task = Finished();
  task.status.candidates = {3, 0, 0, 3, 0};
  task.status.pruned_reasons.clear();
  EXPECT_THAT(FinalText(task, Rules(), 160), Not(HasSubstr("Not among")));
  EXPECT_THAT(MarkdownReport(task, Rules()), Not(HasSubstr("Not among")));
}

TEST(FinalText, SaysThatNumbersAreSimulated) {
  api::AutotuneTask task = Finished();
  task.status.experiments[1].simulated = true;
  EXPECT_THAT(FinalText(task, Rules(), 160), HasSubstr("Simulated: "));
  EXPECT_THAT(MarkdownReport(task, Rules()), HasSubstr("> **Simulated: "));
}

TEST(FinalText, SaysWhyThereIsNoBest) {
  api::AutotuneTask task = Finished();
  task.status.best.reset();
  task.status.conditions = {{"Ready", "True", "NoFeasibleConfiguration", "No configuration meets slo.ttft.p99", 1, ""}};
  EXPECT_THAT(FinalText(task, Rules(), 160), HasSubstr("No best configuration: No configuration meets slo.ttft.p99"));
}

TEST(StatusText, ShowsStateConditionsAndResults) {
  const std::string text = StatusText(Finished(), Rules(), 160);
  EXPECT_THAT(text, HasSubstr("Task      llama in namespace ml"));
  EXPECT_THAT(text, HasSubstr("State     Complete  3/3"));
  EXPECT_THAT(text, HasSubstr("Condition Ready=True Succeeded: Best: e2"));
  EXPECT_THAT(text, HasSubstr("3 experiments out of 5 combinations"));
}

TEST(StatusText, SaysWhatOfTheCostIsOfExperimentsThatAreGone) {
  api::AutotuneTask task = Finished();
  EXPECT_THAT(StatusText(task, Rules(), 160), Not(HasSubstr("edits")));
  task.status.cost.earlier = {360, 720, 0};
  EXPECT_THAT(StatusText(task, Rules(), 160), HasSubstr(", of it 0.3 for experiments that edits dropped"));
}

TEST(StatusText, WorksBeforeTheOperatorHasSeenTheTask) {
  api::AutotuneTask task = Finished();
  task.status = {};
  EXPECT_THAT(StatusText(task, Rules(), 80), HasSubstr("not seen by the operator yet"));
}

TEST(StatusText, SaysWhyEveryCombinationWasPruned) {
  api::AutotuneTask task = Finished();
  task.status.experiments.clear();
  task.status.candidates = {1, 0, 1, 0, 0};
  EXPECT_THAT(StatusText(task, Rules(), 160), HasSubstr("  1 pruned, NoSuchThing: vllm + mine: cannot\n"));
}

TEST(StatusText, SaysThatTheSpecIsNewerThanTheStatus) {
  api::AutotuneTask task = Finished();
  task.metadata.generation = 3;
  task.status.observed_generation = 2;
  EXPECT_THAT(StatusText(task, Rules(), 80), HasSubstr("generation 3"));
}

TEST(StatusList, HasALineForEachTask) {
  api::AutotuneTask other = Finished();
  other.metadata.name = "new";
  other.status = {};
  const std::string text = StatusList({Finished(), other});
  EXPECT_THAT(text, ::testing::ContainsRegex("ml +llama +Complete +3/3 +kv-cache-fp8 +1413 +.41.3%"));
  EXPECT_THAT(text, ::testing::ContainsRegex("ml +new +-"));
}

TEST(MarkdownReport, HasAnswerTableLoadsAndWhatFailed) {
  const std::string text = MarkdownReport(Finished(), Rules());
  for (const char* part :
       {"# llama\n", "Which KV cache?", "## Answer", "```sh\nvllm serve org/model", "| EXPERIMENT |",
        "## The best under load", "SLO: TTFT p99 <= 500 ms", "| Undecided |",
        "## Not among the experiments\n\n- 1 pruned, NoSuchThing: vllm + mine: cannot\n- 1 duplicate, which starts",
        "## Failed", "CUDA out of memory"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
}

TEST(ResultRows, JudgeAsTheOperatorDoes) {
  api::AutotuneTask task = Finished();
  task.spec.optimization.objective = api::Objective::kMinimizeTpot;
  const auto rows = ResultRows(task);
  EXPECT_TRUE(rows[0].best) << "equal TPOT: the earlier one";
  EXPECT_EQ(rows[1].improvement, "+0.0%");
  EXPECT_FALSE(rows[2].score.has_value());
}

TEST(OptionsText, FlattensAnOptionsFile) {
  EXPECT_EQ(OptionsText("kv_cache_config:\n  dtype: fp8\nmax_batch_size: 64\n"),
            "options: kv_cache_config.dtype=fp8 max_batch_size=64");
  EXPECT_EQ(OptionsText(""), "");
}

}  // namespace
}  // namespace autotune::cli
