#include "cli/plan.h"

#include <gmock/gmock.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "cli/plan_diff.h"
#include "cli/plan_search.h"
#include "cli/task_file.h"
#include "operator/reconcile/estimate.h"
#include "tests/checkpoint/tls_hub.h"
#include "tests/quant/built_in_rules.h"
#include "text/yaml_json.h"

namespace autotune::cli {
namespace {

using nlohmann::json;
using quant::testing::Rules;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;
using text::ParseYaml;

json Facts() {
  return json::parse(R"({"architectures": ["LlamaForCausalLM"], "torch_dtype": "bfloat16", "hidden_size": 4096,
      "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8,
      "vocab_size": 128256})");
}

api::AutotuneTask Task(const json& changes, const json& facts = Facts()) {
  json object = {{"apiVersion", "autotuner.io/v1alpha1"},
                 {"kind", "AutotuneTask"},
                 {"metadata", {{"name", "t"}}},
                 {"spec", {{"model", {{"idOrPath", "org/model"}}}, {"baseRuntime", "vllm"}}}};
  if (!facts.is_null()) object["spec"]["model"]["facts"] = facts;
  object["spec"].merge_patch(changes);
  auto task = api::TaskFromJson(object);
  EXPECT_TRUE(task.ok()) << (task.ok() ? "" : task.error().message);
  return *task;
}

experiment::PodEnvironment Environment() {
  experiment::PodEnvironment environment;
  environment.tools_image = "tools:1";
  return environment;
}

TaskPlan Plan(const json& changes, PlanOptions options = {}) {
  auto plan = MakePlan(Task(changes), Rules(), Environment(), options);
  EXPECT_TRUE(plan.ok()) << (plan.ok() ? "" : plan.error().message);
  return *std::move(plan);
}

const json kSpace = {{"quantConfig", {{"presets", {"default", "kv-cache-fp8"}}}},
                     {"parameters", {{"max-num-seqs", {64, "64", 128}}, {"gpu-memory-utilization", 0.9}}}};

TEST(PlanText, ShowsExperimentsWhatDiffersAndTheSum) {
  const std::string text = PlanText(Plan(kSpace, {.gpu = "h100"}), 160);
  EXPECT_THAT(text, HasSubstr("GPU    NVIDIA-H100-80GB-HBM3, compute capability 9.0  (from --gpu)"));
  EXPECT_THAT(text, HasSubstr("not quantized; from spec.model.facts"));
  EXPECT_THAT(text, HasSubstr("ARGUMENTS THAT DIFFER"));
  EXPECT_THAT(text, HasSubstr("Common arguments: --gpu-memory-utilization 0.9"));
  EXPECT_THAT(text, HasSubstr("duplicates: 1"));
  EXPECT_THAT(text, HasSubstr("7 combinations: 5 candidates, 2 duplicates, 0 pruned; the search decides how many of "
                              "them it measures, at most 5"));
}

TEST(PlanText, ShowsWhatIsPrunedAndWhy) {
  const std::string text =
      PlanText(Plan({{"quantConfig", {{"sweep", {{"kvcacheDtype", {"auto", "int4"}}}}}}}, {.gpu = "h100"}), 200);
  EXPECT_THAT(text, HasSubstr("Pruned before any GPU is used"));
  EXPECT_THAT(text, HasSubstr("kvcacheDtype"));
  EXPECT_THAT(text, HasSubstr("1 pruned"));
}

TEST(PlanText, SaysOnceWhyManyCombinationsAreRefused) {
  const std::string text =
      PlanText(Plan({{"parameters", {{"max-num-seqs", {64, 128, 256}}, {"no-such-flag", true}}}}), 200);
  EXPECT_THAT(text, HasSubstr("Nothing is left to run."));
  EXPECT_THAT(text, HasSubstr("max-num-seqs=64 and 2 others"));
  EXPECT_EQ(text.find("UnknownFlag"), text.rfind("UnknownFlag")) << text;
  EXPECT_THAT(text, HasSubstr("3 combinations: 0 candidates, 0 duplicates, 3 pruned\n"));
  EXPECT_THAT(text, Not(HasSubstr("baseline"))) << "nothing is compared with it";
}

TEST(PlanText, SaysThatABaselineAloneIsComparedWithNothing) {
  const std::string alone = "The baseline is the only candidate";
  EXPECT_THAT(PlanText(Plan(json::object()), 160), HasSubstr(alone));
  EXPECT_THAT(PlanText(Plan(kSpace), 160), Not(HasSubstr(alone)));
}

TEST(PlanText, WarnsWhereNearlyEverythingIsPruned) {
  const json two = {{"baseRuntime", nullptr},
                    {"runtimes", {{{"name", "vllm"}, {"engine", "vllm"}}, {{"name", "sglang"}, {"engine", "sglang"}}}},
                    {"parameters", {{"max-num-seqs", {16, 32, 64, 128, 256}}, {"schedule-policy", {"lpm", "fcfs"}}}}};
  EXPECT_THAT(PlanText(Plan(two), 200),
              HasSubstr(" combinations are pruned: little of the space is left to compare; most often for "));
  EXPECT_THAT(PlanText(Plan(kSpace), 200), Not(HasSubstr("little of the space")));
}

TEST(PlanText, SaysOnceThatARuntimesReleaseIsNotKnown) {
  const json old = {{"baseRuntime", nullptr},
                    {"runtimes", {{{"name", "own"}, {"engine", "vllm"}, {"image", "vllm/vllm-openai:v0.7.3"}}}}};
  const std::string text = PlanText(Plan(old, {.gpu = "h100"}), 200);
  const std::string message = "vLLM 0.7.3 is older than the compatibility table";
  EXPECT_THAT(text, HasSubstr(message));
  EXPECT_EQ(text.find(message), text.rfind(message)) << text;
}

TEST(PlanText, SaysBelowTheTableInFullWhatTheTableCuts) {
  const json old = {{"baseRuntime", nullptr},
                    {"runtimes", {{{"name", "own"}, {"engine", "vllm"}, {"image", "vllm/vllm-openai:v0.7.3"}}}}};
  const std::string text = PlanText(Plan(old, {.gpu = "h100"}), 30);
  EXPECT_THAT(text, HasSubstr("vLLM 0.7.3 is older than th..."));
  EXPECT_THAT(text, HasSubstr("vLLM 0.7.3 is older than the compatibility table; the rules of 0.11.2 are used\n"));
  const std::string pruned = PlanText(Plan({{"parameters", {{"swap-space", 4}}}}), 30);
  EXPECT_THAT(pruned, HasSubstr("vLLM 0.24.0 has no flag \"swap-space\"; removed in 0.18.0 without a successor\n"));
}

TEST(PlanText, SaysThatOnlyAnAdaptiveSearchKeepsABudgetOfGpuHours) {
  const auto text = [](const char* strategy) {
    const json changes = {{"optimization", {{"strategy", strategy}, {"budget", {{"gpuHours", "2"}}}}}};
    return PlanText(Plan(changes, {.gpu = "h100"}), 200);
  };
  EXPECT_THAT(text("Grid"), HasSubstr("BudgetNotKept: has an effect only with strategy Adaptive"));
  EXPECT_THAT(text("Adaptive"), Not(HasSubstr("BudgetNotKept")));
}

TEST(PlanText, CountsWhatDoesNotFitIntoMaxExperiments) {
  const std::string text = PlanText(Plan({{"parameters", {{"max-num-seqs", {16, 32, 64, 128}}}},
                                          {"optimization", {{"maxExperiments", 2}, {"strategy", "Grid"}}}}),
                                    160);
  EXPECT_THAT(
      text,
      HasSubstr("5 combinations: 2 experiments, 0 duplicates, 0 pruned, 3 not run (optimization.maxExperiments is 2)"));
}

TEST(PlanText, SaysThatTheGpuIsNotKnown) {
  EXPECT_THAT(PlanText(Plan(json::object()), 160), HasSubstr("GPU    not known"));
  EXPECT_THAT(PlanText(Plan({{"gpu", {{"products", {"NVIDIA-H200"}}}}}), 160),
              HasSubstr("NVIDIA-H200, compute capability 9.0  (from spec.gpu.products)"));
}

TEST(PlanText, SaysThatAModelIsTooLargeOrThatItsSizeIsNotKnown) {
  json large = Facts();
  large["num_hidden_layers"] = 80;
  large["hidden_size"] = 8192;
  large["intermediate_size"] = 29568;
  large["num_attention_heads"] = 64;
  const auto plan = [&](const json& facts) {
    api::AutotuneTask task = Task(json::object(), facts);
    task.spec.models.front().id_or_path = "Qwen/Qwen2.5-72B-Instruct";
    const auto made = MakePlan(std::move(task), Rules(), Environment(), {.gpu = "l40s"});
    EXPECT_TRUE(made.ok());
    return PlanText(*made, 200);
  };
  EXPECT_THAT(plan(large), HasSubstr("ModelDoesNotFit: each GPU must hold at least"));
  EXPECT_THAT(plan(large), HasSubstr("Nothing is left to run."));
  const std::string unknown = plan({{"architectures", {"Qwen2ForCausalLM"}}});
  EXPECT_THAT(unknown,
              HasSubstr("Memory not known to be enough: the facts of Qwen/Qwen2.5-72B-Instruct have neither a size "
                        "nor dimensions"));
  EXPECT_THAT(unknown, HasSubstr("Its name says 144.0 GB in 16 bits; one GPU has 48."));
  EXPECT_THAT(PlanText(Plan(json::object(), {.gpu = "h100"}), 200), Not(HasSubstr("Memory not known")));
}

TEST(PlanText, TakesTheGpusThatExplainTakes) {
  EXPECT_THAT(PlanText(Plan(json::object(), {.gpu = "9.0"}), 160),
              HasSubstr("GPU    compute capability 9.0  (from --gpu)"));
  const json amd = {{"gpu", {{"resourceName", "amd.com/gpu"}}}};
  EXPECT_THAT(PlanText(Plan(amd, {.gpu = "mi300x"}), 160),
              HasSubstr("GPU    AMD_Instinct_MI300X_OAM, AMD gfx942  (from --gpu)"));
  EXPECT_THAT(PlanText(Plan(amd, {.gpu = "gfx950"}), 160), HasSubstr("GPU    AMD gfx950  (from --gpu)"));
  EXPECT_THAT(PlanText(Plan(amd), 160), HasSubstr("GPU    AMD, model not known"));
  const json product = {{"gpu", {{"resourceName", "amd.com/gpu"}, {"products", {"74b5"}}}}};
  EXPECT_THAT(PlanText(Plan(product), 160), HasSubstr("GPU    74b5, AMD gfx942  (from spec.gpu.products)"));
}

TEST(PlanText, SaysThatTheMemoryOfTheGpuIsNotKnown) {
  EXPECT_THAT(PlanText(Plan(json::object(), {.gpu = "12.0"}), 400),
              HasSubstr("GpuMemoryNotKnown: the memory of a GPU with compute capability 12.0 is not known"));
  EXPECT_THAT(PlanText(Plan(json::object(), {.gpu = "h100"}), 400), Not(HasSubstr("GpuMemoryNotKnown")));
}

TEST(PlanJson, BindsPodsToAmdGpusByAmdsLabels) {
  const json amd = {{"gpu", {{"resourceName", "amd.com/gpu"}}}, {"quantConfig", {{"gemmDtype", "fp8"}}}};
  const TaskPlan plan = Plan(amd, {.gpu = "mi300x"});
  EXPECT_EQ(PlanJson(plan, Environment())["gpu"]["amdArchitecture"], "gfx942");
  EXPECT_EQ(PlanJson(plan, Environment())["candidates"][0]["image"], "vllm/vllm-openai-rocm:v0.24.0");
  const std::string pods = PlanPods(plan, Environment());
  EXPECT_THAT(pods, HasSubstr("amd.com/gpu.product-name"));
  EXPECT_THAT(pods, HasSubstr("AMD_Instinct_MI300X_OAM"));
  EXPECT_THAT(pods, Not(HasSubstr("nvidia")));
}

TEST(PlanText, SaysThatThePodsWouldGetGpusOfAnotherVendor) {
  EXPECT_THAT(
      PlanText(Plan(json::object(), {.gpu = "mi300x"}), 400),
      HasSubstr("GpuOfAnotherVendor: this is a plan for AMD GPUs, but spec.gpu.resourceName is nvidia.com/gpu"));
  EXPECT_THAT(PlanText(Plan({{"gpu", {{"resourceName", "amd.com/gpu"}}}}, {.gpu = "h100"}), 400),
              HasSubstr("GpuOfAnotherVendor"));
  EXPECT_THAT(PlanText(Plan(json::object(), {.gpu = "h100"}), 400), Not(HasSubstr("GpuOfAnotherVendor")));
}

TEST(PlanText, SaysWhatEveryExperimentIsAskedOrThatItIsNotKnown) {
  char directory[] = "/tmp/plan-questions-XXXXXX";
  ASSERT_NE(mkdtemp(directory), nullptr);
  const std::string exam = std::string(directory) + "/exam.jsonl", prompts = std::string(directory) + "/prompts.jsonl";
  std::ofstream(exam) << R"({"question": "How many?", "answer": "4"})";
  std::ofstream(prompts) << R"({"prompt": "Hello", "max_tokens": 4})"
                         << "\n"
                         << R"({"prompt": "Hi", "max_tokens": 4})";
  const json changes = {
      {"quality", {{"dataset", {{"configMap", {{"name", "q"}, {"key", "exam.jsonl"}}}}}}},
      {"benchmark", {{"dataset", {{"configMap", {{"name", "p"}, {"key", "prompts.jsonl"}}}, {"format", "JSONL"}}}}},
      {"baseRuntime", nullptr},
      {"runtimes", {{{"name", "trt"}, {"engine", "tensorrt-llm"}}}}};
  const TaskPlan unread = Plan(changes);
  EXPECT_THAT(PlanText(unread, 200),
              HasSubstr("Questions of quality.dataset: exam.jsonl, which is not checked until the "
                        "task runs (--questions FILE reads a copy of it)\n"));
  EXPECT_THAT(PlanText(unread, 200), HasSubstr("Requests of benchmark.dataset: prompts.jsonl, which is not checked"));
  EXPECT_THAT(PlanText(unread, 200), HasSubstr("ChoicesNotCompared"));
  EXPECT_EQ(PlanJson(unread, Environment())["questions"], (json{{"file", "exam.jsonl"}, {"read", nullptr}}));

  PlanOptions files;
  files.dataset = prompts;
  files.questions = exam;
  const TaskPlan read = Plan(changes, files);
  EXPECT_THAT(PlanText(read, 200),
              HasSubstr("Questions of quality.dataset: exam.jsonl: 1 question: 1 by number (answers "
                        "of at most 256 tokens)\n"));
  EXPECT_THAT(PlanText(read, 200), HasSubstr("Requests of benchmark.dataset: 2 requests\n"));
  EXPECT_THAT(PlanText(read, 200), Not(HasSubstr("ChoicesNotCompared"))) << "no question is by choices";
  EXPECT_EQ(PlanJson(read, Environment())["questions"]["read"], "exam.jsonl: 1 question: 1 by number");

  PlanOptions beside;
  beside.config_maps = {{{"q", "exam.jsonl"}, R"({"question": "Who?", "choices": ["Ann", "Bo"], "answer": 0})"},
                        {{"p", "another.jsonl"}, "x"}};
  const TaskPlan both = Plan(changes, beside);
  EXPECT_THAT(PlanText(both, 200), HasSubstr("exam.jsonl: 1 question: 1 by choices (likelihood)"));
  EXPECT_THAT(PlanText(both, 200), HasSubstr("Requests of benchmark.dataset: prompts.jsonl, which is not checked"));
  EXPECT_THAT(PlanText(both, 200), HasSubstr("ChoicesNotCompared"));

  std::ofstream(exam) << R"({"question": "How many?"})";
  const auto bad = MakePlan(Task(changes), Rules(), Environment(), files);
  ASSERT_FALSE(bad.ok());
  EXPECT_THAT(bad.error().message, HasSubstr("quality.dataset: exam.jsonl:1: has neither \"reference\""));
  std::filesystem::remove_all(directory);
}

TEST(PlanJson, HasFinalArgumentsVerdictsAndEveryCombination) {
  const json plan = PlanJson(Plan(kSpace, {.gpu = "h100"}), Environment());
  EXPECT_EQ(plan["total"], 7);  // the baseline is the engine's own defaults
  EXPECT_EQ(plan["duplicateCount"], 2);
  ASSERT_EQ(plan["candidates"].size(), 5U);
  EXPECT_EQ(plan["candidates"][0]["baseline"], true);
  const json& fp8 = plan["candidates"][3];
  EXPECT_EQ(fp8["quant"]["name"], "kv-cache-fp8");
  EXPECT_THAT(fp8["args"].get<std::vector<std::string>>(), ::testing::IsSupersetOf({"--kv-cache-dtype", "fp8"}));
  EXPECT_EQ(fp8["command"][0], "vllm");
  EXPECT_EQ(fp8["command"][2], "org/model");
  EXPECT_EQ(fp8["verdicts"].size(), 4U);
  EXPECT_EQ(fp8["runs"], true);
  EXPECT_THAT(fp8["experiment"].get<std::string>(), ::testing::StartsWith("e4-"));
  EXPECT_EQ(plan["duplicates"][0]["of"], plan["candidates"][1]["hash"]);
}

// A search of three quantizations by three limits under an SLO.
json SearchedSpace(const json& optimization = json::object()) {
  return {{"quantConfig", {{"presets", {"default", "kv-cache-fp8", "dynamic-fp8"}}}},
          {"parameters", {{"max-num-seqs", {32, 128, 512}}}},
          {"slo", {{"ttft", {{"p99", "800ms"}}}}},
          {"benchmark", {{"load", {{"auto", {{"max", 256}}}}}}},
          {"optimization", optimization}};
}

TEST(SearchText, ShowsTheOrderAndTheEstimateAsPredictions) {
  const TaskPlan plan = Plan(SearchedSpace(), {.gpu = "h100"});
  const SearchPreview preview = PreviewSearch(plan);
  const std::string text = SearchText(plan, preview);
  EXPECT_THAT(text, HasSubstr("Expected order and results: predicted, not measured"));
  EXPECT_THAT(text, HasSubstr("baseline"));
  EXPECT_THAT(text, HasSubstr("Estimate: "));
  EXPECT_THAT(text, Not(HasSubstr("budget")));
  ASSERT_GE(preview.order.size(), 3U);
  for (std::size_t i = 2; i < preview.order.size(); ++i) {
    if (!preview.order[i].feasible) continue;
    EXPECT_LE(preview.order[i].value, preview.order[i - 1].value);
  }
  EXPECT_LE(preview.cost.experiments.high, preview.cost.most_experiments);
  // The values of the JSON are the same.
  EXPECT_EQ(SearchJson(plan, preview)["order"][1]["predicted"]["outputTokensPerSecondPerGpu"], preview.order[1].value);
}

TEST(SearchText, WarnsOfAnSloThatNothingIsPredictedToMeet) {
  json space = SearchedSpace();
  const TaskPlan met = Plan(space, {.gpu = "h100"});
  EXPECT_THAT(SearchText(met, PreviewSearch(met)), Not(HasSubstr("Warning: spec.slo")));
  space["slo"] = {{"ttft", {{"p99", "1ms"}}}};
  const TaskPlan missed = Plan(space, {.gpu = "h100"});
  EXPECT_THAT(SearchText(missed, PreviewSearch(missed)), HasSubstr("Warning: spec.slo: every candidate above"));
}

TEST(SearchText, WarnsThatACostHasNoPrice) {
  json space = SearchedSpace();
  space["optimization"]["objective"] = "MinimizeCost";
  const TaskPlan plan = Plan(space, {.gpu = "h100"});
  EXPECT_THAT(SearchText(plan, PreviewSearch(plan)), HasSubstr("Warning: spec.gpu.pricePerHour is not set"));
  space["gpu"] = {{"pricePerHour", "2.50"}};
  const TaskPlan priced = Plan(space, {.gpu = "h100"});
  EXPECT_THAT(SearchText(priced, PreviewSearch(priced)), Not(HasSubstr("Warning: spec.gpu.pricePerHour")));
}

TEST(SearchText, PredictsNothingForPartsOfCards) {
  for (const char* part : {"NVIDIA-L40S-SHARED", "NVIDIA-H100-80GB-HBM3-MIG-3g.40gb", "NVIDIA-A40-48Q"}) {
    const TaskPlan plan = Plan(SearchedSpace(), {.gpu = part});
    const SearchPreview preview = PreviewSearch(plan);
    EXPECT_EQ(preview.not_predicted, std::vector<std::string>{part});
    const std::string text = SearchText(plan, preview) + EstimateText(preview);
    EXPECT_THAT(text, HasSubstr("nothing is predicted for " + std::string(part)));
    for (const char* figure : {"TOK/S", "GPU-hours", "TTFT", "~"}) EXPECT_THAT(text, Not(HasSubstr(figure))) << part;
    const json found = SearchJson(plan, preview);
    EXPECT_TRUE(found["order"].empty()) << found;
    EXPECT_FALSE(found.contains("estimate")) << found;
    EXPECT_EQ(found["notPredicted"].dump(), "[\"" + std::string(part) + "\"]");
  }
}

TEST(SearchText, ShowsThePriceOfTheEstimateWithItsInterval) {
  const TaskPlan plan = Plan(SearchedSpace(), {.gpu = "h100", .gpu_prices = {{"H100", "4"}, {"L40S", "1"}}});
  const SearchPreview preview = PreviewSearch(plan);
  ASSERT_TRUE(preview.priced);
  const tuning::search::Expected& hours = preview.cost.gpu_hours;
  EXPECT_THAT(EstimateText(preview),
              HasSubstr("GPU-hours, price " + reconcile::RangeText(4 * hours.low, 4 * hours.high, 2)));
  const json price = SearchJson(plan, preview)["estimate"]["price"];
  EXPECT_NEAR(price["mean"].get<double>(), 4 * hours.mean, 1e-9);
  EXPECT_NEAR(price["high"].get<double>(), 4 * hours.high, 1e-9);
  json own = SearchedSpace();
  own["gpu"] = {{"pricePerHour", "2"}};
  const SearchPreview of_the_task = PreviewSearch(Plan(own, {.gpu = "h100", .gpu_prices = {{"H100", "4"}}}));
  EXPECT_NEAR(of_the_task.cost.price.mean, 2 * hours.mean, 1e-9);
  EXPECT_THAT(EstimateText(PreviewSearch(Plan(SearchedSpace(), {.gpu = "h100"}))), Not(HasSubstr("price")));
}

TEST(PlanText, SaysWhichPricesApplyToNothing) {
  const std::string text =
      PlanText(Plan(SearchedSpace(), {.gpu = "h100", .gpu_prices = {{"H200", "4"}, {"l40ss", "1"}}}), 200);
  EXPECT_THAT(text, HasSubstr("has no price for the GPU (NVIDIA-H100-80GB-HBM3)"));
  EXPECT_THAT(text, HasSubstr("l40ss is not a known GPU; did you mean l40s?"));
  EXPECT_THAT(PlanText(Plan(SearchedSpace(), {.gpu = "h100", .gpu_prices = {{"h100", "4"}}}), 200),
              Not(HasSubstr("--gpu-prices")));
}

json OnTwoTypes() {
  json spec = SearchedSpace();
  spec["gpus"] = {{{"name", "h100"}, {"products", {"h100"}}, {"pricePerHour", "3"}},
                  {{"name", "l40s"}, {"products", {"l40s"}}, {"pricePerHour", "1"}}};
  return spec;
}

TEST(PlanOfGpuTypes, HasEveryTypeWithItsPriceInTextAndJson) {
  const TaskPlan plan = Plan(OnTwoTypes());
  const std::string text = PlanText(plan, 200);
  EXPECT_THAT(text, HasSubstr("h100: NVIDIA-H100"));
  EXPECT_THAT(text,
              HasSubstr("l40s: NVIDIA-L40S, compute capability 8.9  (from spec.gpus[1].products), price 1 per hour"));
  const json out = PlanJson(plan, Environment());
  EXPECT_EQ(out["gpus"][1]["name"], "l40s");
  std::map<std::string, int> candidates;
  for (const json& one : out["candidates"]) ++candidates[one["gpu"].get<std::string>()];
  EXPECT_GT(candidates["h100"], 0);
  EXPECT_GT(candidates["l40s"], 0);
  const SearchPreview preview = PreviewSearch(plan);
  EXPECT_FALSE(preview.generic) << "both data sheets are known";
  // Of the searches that are played, each with the types that it uses: not all on the cheapest or on the dearest.
  ASSERT_TRUE(preview.priced);
  const tuning::search::Expected &hours = preview.cost.gpu_hours, &price = preview.cost.price;
  EXPECT_GT(price.low, hours.low);
  EXPECT_LE(price.high, 3 * hours.high + 1e-9);
  EXPECT_LE(price.low, price.mean);
  EXPECT_LE(price.mean, price.high);
  EXPECT_LT(preview.cost.most_price, 3 * preview.cost.most_gpu_hours);
  EXPECT_THAT(EstimateText(preview), HasSubstr("price " + reconcile::RangeText(price.low, price.high, 2)));
}

TEST(PlanOfGpuTypes, TakesNoGpuFromTheCommandLine) {
  const auto plan = MakePlan(Task(OnTwoTypes()), Rules(), Environment(), {.gpu = "h100"});
  EXPECT_THAT(plan.error().message, HasSubstr("--gpu: the task has 2 types of GPU"));
}

TEST(PlanOfGpuTypes, NamesAProductThatIsSpelledAlmostLikeOne) {
  json spec = OnTwoTypes();
  spec["gpus"][1]["products"] = {"l40ss"};
  EXPECT_THAT(PlanText(Plan(spec), 200), HasSubstr("l40ss is not a known GPU; did you mean l40s?"));
}

TEST(SearchText, SaysWhatTheBudgetCuts) {
  const TaskPlan plan = Plan(SearchedSpace({{"budget", {{"gpuHours", "0.1"}}}}), {.gpu = "h100"});
  const SearchPreview preview = PreviewSearch(plan);
  EXPECT_LT(preview.cost.experiments.mean, preview.unlimited->experiments.mean);
  EXPECT_THAT(SearchText(plan, preview), HasSubstr("Budget: 0.1 GPU-hours; it ends the search early. Without it: "));
  const TaskPlan rich = Plan(SearchedSpace({{"budget", {{"gpuHours", "50"}}}}), {.gpu = "h100"});
  EXPECT_THAT(SearchText(rich, PreviewSearch(rich)), HasSubstr("Budget: 50 GPU-hours; it is large enough"));
}

TEST(SearchText, SaysWhatTheBudgetMayCost) {
  json spec = OnTwoTypes();
  spec["optimization"]["budget"] = {{"gpuHours", "2"}, {"deadline", "4h"}};
  const TaskPlan plan = Plan(spec);
  EXPECT_THAT(SearchText(plan, PreviewSearch(plan)),
              HasSubstr("Budget: 2 GPU-hours (price at most 6) and 4h from the start; "));
}

TEST(SearchText, SaysThatNothingCanBeStarted) {
  const TaskPlan plan = Plan(SearchedSpace({{"budget", {{"gpuHours", "0.001"}}}}), {.gpu = "h100"});
  EXPECT_THAT(SearchText(plan, PreviewSearch(plan)),
              HasSubstr("No experiment can start: spec.optimization.budget.gpuHours"));
}

TEST(SearchPreview, TakesAsManyPlacesAsTheOperatorWould) {
  const auto preview = [](const json& changes, const PlanOptions& options) {
    return PreviewSearch(Plan(changes, options));
  };
  json wide = SearchedSpace();
  wide["parameters"]["max-num-seqs"] = {8, 16, 24, 32, 48, 64, 96, 128, 256, 512};
  EXPECT_EQ(preview(wide, {.gpu = "h100"}).parallelism, 1) << "no nodes are known";
  experiment::NodeView node;
  node.name = "a";
  node.labels["nvidia.com/gpu.product"] = "NVIDIA-H100-80GB-HBM3";
  node.allocatable["nvidia.com/gpu"] = 8;
  const SearchPreview cluster = preview(wide, {.nodes = {{node}}});
  EXPECT_EQ(cluster.parallelism, 3) << "a tenth of 31 candidates";
  EXPECT_LT(cluster.cost.hours.mean, preview(wide, {.gpu = "h100"}).cost.hours.mean);
  EXPECT_THAT(EstimateText(cluster), HasSubstr(" h with 3 at a time"));
  wide["parallelism"] = 2;
  EXPECT_EQ(preview(wide, {.nodes = {{node}}}).parallelism, 2) << "as the task says";
  wide.erase("parallelism");
  wide["optimization"]["objective"] = "MinimizeTTFT";
  const SearchPreview latency = preview(wide, {.nodes = {{node}}});
  EXPECT_EQ(latency.parallelism, 3);
  EXPECT_THAT(EstimateText(latency), HasSubstr(" h with 3 at a time after the first"))
      << "the reference load comes first";
  EXPECT_LT(latency.cost.hours.mean, preview(wide, {.gpu = "h100"}).cost.hours.mean);
}

TEST(PlanDiff, SaysWhatAnEditOfTheSpaceChanges) {
  json edited = SearchedSpace();
  edited["parameters"]["max-num-seqs"] = {128, 512, 1024};
  const TaskPlan from = Plan(SearchedSpace(), {.gpu = "h100"}), to = Plan(edited, {.gpu = "h100"});
  const PlanChange change = Compare(from, to);
  ASSERT_EQ(change.fields.size(), 1U);
  EXPECT_EQ(change.fields[0].path, "spec.parameters.max-num-seqs");
  EXPECT_EQ(change.added.size(), 3U);
  EXPECT_EQ(change.removed.size(), 3U);
  EXPECT_EQ(change.again.size(), 0U);
  EXPECT_EQ(change.kept + 3, to.space.expansion.candidates.size());
  const SearchPreview before = PreviewSearch(from), after = PreviewSearch(to);
  const std::string text = PlanChangeText(from, to, change, &before, &after);
  EXPECT_THAT(text, HasSubstr("spec.parameters.max-num-seqs: [32,128,512] -> [128,512,1024]\n"));
  EXPECT_THAT(text, HasSubstr("3 added, 3 removed, 7 kept, 0 measured again"));
  EXPECT_THAT(text, HasSubstr("  + kv-cache-fp8  --kv-cache-dtype fp8 --max-num-seqs 1024\n"));
  EXPECT_THAT(text, HasSubstr("  - default  --max-num-seqs 32\n"));
  EXPECT_THAT(text, HasSubstr("Estimate before: "));
  EXPECT_THAT(text, HasSubstr("Estimate after:  "));
  EXPECT_EQ(PlanChangeJson(from, to, change, &before, &after)["candidates"]["added"].size(), 3U);
}

TEST(PlanDiff, AnotherWorkloadMeasuresTheSameConfigurationsAgain) {
  json edited = SearchedSpace();
  edited["benchmark"]["scenarios"] = {"D(2048,64)"};
  const TaskPlan from = Plan(SearchedSpace(), {.gpu = "h100"}), to = Plan(edited, {.gpu = "h100"});
  const PlanChange change = Compare(from, to);
  EXPECT_EQ(change.kept, 0U);
  EXPECT_EQ(change.again.size(), to.space.expansion.candidates.size());
  EXPECT_EQ(change.added.size() + change.removed.size(), 0U);
  EXPECT_THAT(PlanChangeText(from, to, change, nullptr, nullptr), HasSubstr("10 measured again"));
}

// Two checkpoints on two types of GPU.
json SpaceOfTypes() {
  json space = {{"model", nullptr},
                {"models",
                 {{{"name", "bf16"}, {"idOrPath", "org/model"}, {"facts", Facts()}},
                  {{"name", "fp8"}, {"idOrPath", "org/model-FP8"}, {"facts", Facts()}}}},
                {"gpus", {{{"name", "fast"}, {"products", {"H100"}}}, {{"name", "slow"}, {"products", {"L40S"}}}}}};
  space["models"][1]["facts"]["quantization_config"] = {{"quant_method", "fp8"}, {"activation_scheme", "static"}};
  return space;
}

TEST(PlanDiff, SaysWhatIsRenamed) {
  json edited = SpaceOfTypes();
  edited["gpus"][0]["name"] = "hopper";
  edited["models"][1]["name"] = "published";
  const TaskPlan from = Plan(SpaceOfTypes()), to = Plan(edited);
  const PlanChange change = Compare(from, to);
  EXPECT_EQ(change.kept, to.space.expansion.candidates.size());
  EXPECT_THAT(change.renamed, UnorderedElementsAre(PlanChange::Renamed{"GPU type", "fast", "hopper"},
                                                   PlanChange::Renamed{"checkpoint", "fp8", "published"}));
  const std::string text = PlanChangeText(from, to, change, nullptr, nullptr);
  EXPECT_THAT(text,
              HasSubstr("  = GPU type fast is renamed to hopper: what was measured under the old name is kept\n"));
  EXPECT_EQ(PlanChangeJson(from, to, change, nullptr, nullptr)["candidates"]["renamed"].size(), 2U);
  // Names that are exchanged, too.
  json exchanged = SpaceOfTypes();
  std::swap(exchanged["gpus"][0]["name"], exchanged["gpus"][1]["name"]);
  EXPECT_EQ(Compare(from, Plan(exchanged)).renamed.size(), 2U);
}

TEST(PlanDiff, AnotherGpuOrModelUnderAnOldNameIsAdded) {
  json gpu = SpaceOfTypes(), model = SpaceOfTypes();
  gpu["gpus"][1]["products"] = {"A100-80GB"};
  model["models"][1]["idOrPath"] = "other/model-FP8";
  const TaskPlan from = Plan(SpaceOfTypes());
  for (const json& edited : {gpu, model}) {
    const TaskPlan to = Plan(edited);
    const PlanChange change = Compare(from, to);
    EXPECT_THAT(change.again, IsEmpty()) << PlanChangeText(from, to, change, nullptr, nullptr);
    EXPECT_FALSE(change.added.empty());
    EXPECT_FALSE(change.removed.empty());
    EXPECT_GT(change.kept, 0U);
    EXPECT_THAT(change.renamed, IsEmpty());
  }
  // Another workload under another name: the same configuration, once more.
  json both = SpaceOfTypes();
  both["gpus"][0]["name"] = "hopper";
  both["benchmark"]["scenarios"] = {"D(2048,64)"};
  const TaskPlan to = Plan(both);
  EXPECT_EQ(Compare(from, to).again.size(), to.space.expansion.candidates.size());
}

TEST(PlanDiff, ShowsNoKeys) {
  json before = SearchedSpace(), after = SearchedSpace();
  const auto command = [](const std::string& key, const std::string& sequences) {
    return "HF_TOKEN=hf_" + key + " vllm serve org/model --api-key " + key + " --api-key=" + key + " --max-num-seqs " +
           sequences;
  };
  before["optimization"]["baseline"]["command"] = command("old", "64");
  after["optimization"]["baseline"]["command"] = command("new", "128");
  before["benchmark"]["env"] = {{{"name", "PROXY_TOKEN"}, {"value", "old"}}};
  after["benchmark"]["env"] = {{{"name", "PROXY_TOKEN"}, {"value", "new"}}};
  const TaskPlan from = Plan(before, {.gpu = "h100"}), to = Plan(after, {.gpu = "h100"});
  const std::string text = PlanChangeText(from, to, Compare(from, to), nullptr, nullptr);
  EXPECT_THAT(
      text,
      HasSubstr("HF_TOKEN=*** vllm serve org/model --api-key *** --api-key=*** --max-num-seqs 64 -> HF_TOKEN=***"));
  EXPECT_THAT(text, Not(HasSubstr("new")));
}

TEST(PlanDiff, OfTheSameTaskIsNothing) {
  json edited = SearchedSpace();
  edited["optimization"]["maxExperiments"] = 40;  // as by default
  const TaskPlan from = Plan(SearchedSpace(), {.gpu = "h100"}), to = Plan(edited, {.gpu = "h100"});
  const PlanChange change = Compare(from, to);
  EXPECT_TRUE(change.fields.empty());
  EXPECT_EQ(change.kept, from.space.expansion.candidates.size());
  EXPECT_THAT(PlanChangeText(from, to, change, nullptr, nullptr), HasSubstr("The specs are the same."));
}

TEST(PlanPods, AreManifestsOfEveryExperiment) {
  const auto pods = ParseYaml(PlanPods(Plan(kSpace), Environment()), "pods");
  ASSERT_TRUE(pods.ok()) << pods.error().message;
  ASSERT_EQ(pods->size(), 5U);
  for (const json& pod : *pods) {
    EXPECT_EQ(pod["kind"], "Pod");
    EXPECT_EQ(pod["spec"]["containers"][0]["image"], "tools:1");
  }
}

TEST(MakePlan, NeverGuessesTheModel) {
  const auto plan = MakePlan(Task(json::object(), nullptr), Rules(), Environment(), {.hub = {.offline = true}});
  ASSERT_FALSE(plan.ok());
  EXPECT_THAT(plan.error().message, HasSubstr("\"org/model\" is not available offline"));
  EXPECT_THAT(plan.error().message, HasSubstr("--model-dir"));
}

// A hub whose every model is gated and of one size; it takes one token.
class PlanFromHub : public ::testing::Test {
 protected:
  PlanFromHub() { ::setenv("SSL_CERT_FILE", hub_.authority_file().c_str(), 1); }
  ~PlanFromHub() override { ::unsetenv("SSL_CERT_FILE"); }

  static checkpoint::TlsHub::Answer Answer(const checkpoint::TlsHub::Request& request) {
    if (request.authorization != "Bearer hf_good") return {401, "{}", {{"X-Error-Code", "GatedRepo"}}};
    if (request.path.ends_with("/resolve/main/config.json")) return {200, Facts().dump(), {}};
    if (request.path.starts_with("/api/models/") && request.path.ends_with("/tree/main"))
      return {200, R"([{"type":"file","path":"model.safetensors","size":16060522496}])", {}};
    return {404, "{}", {{"X-Error-Code", "EntryNotFound"}}};
  }
  [[nodiscard]] PlanOptions Options(const std::string& token) const {
    PlanOptions options{.gpu = "h100"};
    options.hub.endpoint = hub_.endpoint();
    options.hub.token = token;
    options.hub.retry_delay = std::chrono::milliseconds(1);
    return options;
  }

  checkpoint::TlsHub hub_{Answer};
};

TEST_F(PlanFromHub, PlansTheReadmesOwnTaskWithoutACopyOfTheModel) {
  std::ifstream file(TESTDATA_DIR "/../README.md");
  const std::string readme((std::istreambuf_iterator<char>(file)), {});
  const std::size_t begin = readme.find("```yaml\n") + 8;
  const auto tasks = TasksFromText(readme.substr(begin, readme.find("```", begin) - begin), "README.md");
  ASSERT_TRUE(tasks.ok()) << tasks.error().message;
  const auto plan = MakePlan(tasks->front(), Rules(), Environment(), Options("hf_good"));
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  EXPECT_EQ(plan->space.models.front().facts.layers, 32);
  EXPECT_EQ(plan->space.models.front().facts.weight_bytes, 16'060'522'496);
  EXPECT_THAT(PlanText(*plan, 160), HasSubstr("from " + hub_.endpoint()));
}

TEST_F(PlanFromHub, SaysHowToGetIntoAGatedModel) {
  api::AutotuneTask task = Task(json::object(), nullptr);
  task.spec.models.front().id_or_path = "meta-llama/Llama-3.1-8B-Instruct";
  const auto plan = MakePlan(task, Rules(), Environment(), Options(""));
  ASSERT_FALSE(plan.ok());
  EXPECT_THAT(plan.error().message, HasSubstr("is gated (HTTP 401)"));
  EXPECT_THAT(plan.error().message, HasSubstr("set HF_TOKEN to a token"));
  EXPECT_THAT(plan.error().message, HasSubstr("--model-dir"));
}

TEST_F(PlanFromHub, SendsNoTokenToAHubThatTheTaskNames) {
  api::AutotuneTask task = Task(json::object(), nullptr);
  task.spec.models.front().hugging_face.endpoint = hub_.endpoint();
  PlanOptions options = Options("hf_good");
  options.hub.endpoint.clear();  // the user's token is for the usual hub
  EXPECT_FALSE(MakePlan(task, Rules(), Environment(), options).ok());
  for (const auto& request : hub_.requests()) EXPECT_EQ(request.authorization, "");
}

class ModelDirectoryTest : public ::testing::Test {
 protected:
  ModelDirectoryTest() {
    std::string name = ::testing::TempDir() + "model-XXXXXX";
    directory_ = mkdtemp(name.data());
  }
  ~ModelDirectoryTest() override { std::filesystem::remove_all(directory_); }
  void Write(const std::string& name, const std::string& text) const { std::ofstream(directory_ / name) << text; }
  base::Result<TaskPlan> Plan() const {
    return MakePlan(Task(json::object(), nullptr), Rules(), Environment(), {.gpu = "", .model_dirs = {directory_}});
  }
  std::filesystem::path directory_;
};

TEST_F(ModelDirectoryTest, IsReadInsteadOfTheHub) {
  Write("config.json", Facts().dump());
  Write("model-00001-of-00002.safetensors", std::string(1000, 'x'));
  Write("model-00002-of-00002.safetensors", std::string(500, 'x'));
  Write("tokenizer.json", "{}");
  const auto plan = Plan();
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  EXPECT_EQ(plan->space.models.front().facts.layers, 32);
  EXPECT_EQ(plan->space.models.front().facts.weight_bytes, 1500);
  EXPECT_EQ(plan->model_sources.front(), directory_.string());
}

TEST_F(ModelDirectoryTest, NamesTheFileThatIsWrong) {
  EXPECT_THAT(Plan().error().message, HasSubstr("has no config.json"));
  Write("config.json", "{");
  EXPECT_THAT(Plan().error().message, HasSubstr("config.json: line 1, column 2: is not JSON"));
  Write("config.json", "[1]");
  EXPECT_THAT(Plan().error().message, HasSubstr("config.json: is not a JSON object"));
  Write("config.json", Facts().dump());
  Write("hf_quant_config.json", "nonsense");
  EXPECT_THAT(Plan().error().message, HasSubstr("hf_quant_config.json: line 1, column 2: is not JSON"));
}

TEST(MakePlan, RefusesAGpuThatNobodyKnows) {
  const auto plan = MakePlan(Task(json::object()), Rules(), Environment(), {.gpu = "h1000"});
  EXPECT_THAT(plan.error().message, HasSubstr("--gpu: GPU \"h1000\" is not known; did you mean h100?"));
}

experiment::NodeView GpuNode(const std::string& name, const std::string& product, std::int64_t gpus) {
  experiment::NodeView node;
  node.name = name;
  node.labels["nvidia.com/gpu.product"] = product;
  node.allocatable["nvidia.com/gpu"] = gpus;
  return node;
}

TEST(PlanForACluster, IsForTheGpuThatTheOperatorWouldChoose) {
  PlanOptions options;
  options.nodes = {{GpuNode("a", "Tesla-V100-SXM2-16GB", 8), GpuNode("b", "NVIDIA-H100-80GB-HBM3", 4)}};
  const TaskPlan plan = Plan({{"quantConfig", {{"presets", {"default", "dynamic-fp8"}}}}}, options);
  EXPECT_EQ(plan.gpus.front().product, "NVIDIA-H100-80GB-HBM3") << "more of the task runs on it";
  EXPECT_EQ(NoRoom(plan), "");
  const std::string text = PlanText(plan, 200);
  EXPECT_THAT(text, HasSubstr("(from the cluster's nodes)"));
  EXPECT_THAT(text, HasSubstr("GPUs of the cluster"));
  const json out = PlanJson(plan, Environment());
  EXPECT_EQ(out["cluster"]["gpus"].size(), 2U);
  EXPECT_EQ(out["cluster"]["noRoom"], "");
}

TEST(PlanForACluster, SaysWhenNothingFits) {
  PlanOptions options;
  options.nodes = {{GpuNode("a", "NVIDIA-H100-80GB-HBM3", 2)}};
  EXPECT_EQ(NoRoom(Plan({{"parallelConfig", {{"tensorParallel", {4}}}}}, options)),
            "an experiment requires 4 GPUs on one node, and the largest node with NVIDIA-H100-80GB-HBM3 has 2; "
            "engines over several nodes are not supported");
  const TaskPlan partly = Plan({{"parallelConfig", {{"tensorParallel", {1, 4}}}}}, options);
  EXPECT_EQ(NoRoom(partly), "");
  EXPECT_THAT(PlanText(partly, 200), HasSubstr("Not enough GPUs: an experiment requires 4 GPUs"));
  EXPECT_EQ(NoRoom(Plan({{"gpu", {{"products", {"b200"}}}}}, options)),
            "spec.gpu allows no node of the cluster that has nvidia.com/gpu");
  options.nodes->clear();
  EXPECT_EQ(NoRoom(Plan(json::object(), options)), "no node of the cluster has nvidia.com/gpu");
}

TEST(PlanText, OfSeveralCheckpointsNamesTheirsInEveryTable) {
  json quantized = Facts();
  quantized["quantization_config"] = {{"quant_method", "awq"}, {"bits", 4}, {"group_size", 128}};
  const json changes = {{"model", nullptr},
                        {"models",
                         {{{"name", "bf16"}, {"idOrPath", "org/m"}, {"facts", Facts()}},
                          {{"name", "awq"}, {"idOrPath", "org/m-awq"}, {"facts", quantized}}}},
                        {"quantConfig", {{"presets", {"default", "kv-cache-fp8", "dynamic-fp8"}}}},
                        {"parameters", {{"tensor-parallel-size", {1, 64}}}}};
  const TaskPlan plan = Plan(changes, {.gpu = "h100"});
  const std::string text = PlanText(plan, 160);
  EXPECT_THAT(text, HasSubstr("Model  bf16: org/m  (LlamaForCausalLM, bfloat16, not quantized; from "
                              "spec.models[0].facts; the reference)\n       awq: org/m-awq  ("));
  EXPECT_THAT(text, ::testing::ContainsRegex("e1-[0-9a-f]{6} +bf16 +vllm .*baseline"));
  EXPECT_THAT(text, ::testing::ContainsRegex("e[0-9]+-[0-9a-f]{6} +awq +vllm"));
  EXPECT_THAT(text, ::testing::ContainsRegex("  awq +vllm +default .*tensor-parallel-size=64"));
  const json plan_json = PlanJson(plan, Environment());
  EXPECT_EQ(plan_json["models"]["awq"]["quantization"], "awq");
  EXPECT_FALSE(plan_json.contains("model"));
  EXPECT_EQ(plan_json["candidates"][0]["model"], "bf16");
  EXPECT_THAT(PlanPods(plan, Environment()), HasSubstr("autotuner.io/model: awq"));
}

TEST(MakePlan, ReadsACheckpointFromTheDirectoryOfItsName) {
  const json changes = {{"model", nullptr},
                        {"models", {{{"name", "a"}, {"idOrPath", "org/a"}}, {{"name", "b"}, {"idOrPath", "org/b"}}}}};
  const auto message = [&](std::vector<std::string> directories) {
    const auto plan = MakePlan(Task(changes, nullptr), Rules(), Environment(),
                               {.gpu = "", .model_dirs = std::move(directories), .hub = {.offline = true}});
    return plan.ok() ? "" : plan.error().message;
  };
  EXPECT_THAT(message({"/dir"}), HasSubstr("--model-dir: \"/dir\" is not NAME=DIR"));
  EXPECT_THAT(message({"c=/dir"}), HasSubstr("--model-dir: \"c=/dir\" is not NAME=DIR"));
  EXPECT_THAT(message({"a=/no/such"}), HasSubstr("--model-dir: /no/such: no such file or directory"));
  EXPECT_THAT(message({}), HasSubstr("spec.models[0] (a): the config.json of \"org/a\" is not available offline"));
}

}  // namespace
}  // namespace autotune::cli
