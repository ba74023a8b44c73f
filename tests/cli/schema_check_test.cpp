#include "cli/schema_check.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/correction.h"
#include "cli/usage_error.h"
#include "operator/api/autotune_task.h"
#include "text/yaml_json.h"

namespace autotune::cli {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

json TaskWith(const json& patch) {
  json task = {{"apiVersion", "autotuner.io/v1alpha1"},
               {"kind", "AutotuneTask"},
               {"metadata", {{"name", "t"}}},
               {"spec", {{"model", {{"idOrPath", "org/m"}}}, {"baseRuntime", "vllm"}}}};
  task.merge_patch(patch);
  return task;
}

TEST(SchemaProblems, SayWhatWasFoundWhereAndWhatToWrite) {
  const std::vector<std::pair<json, const char*>> cases = {
      {{{"spec", {{"slo", {{"errorRate", 0.01}}}}}},
       R"(spec.slo.errorRate: 0.01 is a number; expected a string: write "0.01")"},
      {{{"spec", {{"parameter", json::object()}}}}, "spec.parameter: unknown field; did you mean parameters?"},
      {{{"spec", {{"keepPods", "onfailure"}}}},
       R"(spec.keepPods: "onfailure" is not one of Never, OnFailure, Always; did you mean OnFailure?)"},
      {{{"spec", {{"gpu", {{"products", "H100"}}}}}},
       R"(spec.gpu.products: "H100" is a string; expected a list: write ["H100"])"},
      {{{"spec", {{"gpu", {{"products", {"A", "A"}}}}}}}, R"(spec.gpu.products[1]: "A" is listed twice)"},
      {{{"spec", {{"optimization", {{"maxExperiments", 1000}}}}}},
       "spec.optimization.maxExperiments: 1000 is above 256"},
      {{{"spec", {{"gpu", {{"minComputeCapability", "9"}}}}}},
       R"(spec.gpu.minComputeCapability: "9" does not have the form)"},
      {{{"spec", {{"gpu", {{"pricePerHour", "-1"}}}}}}, R"(spec.gpu.pricePerHour: "-1" does not have the form)"},
      {{{"spec", {{"model", {{"idOrPath", nullptr}}}}}}, "spec.model.idOrPath: is missing"},
      {{{"spec", {{"model", nullptr}, {"models", {{{"name", "a"}, {"idOrPath", "/a"}}}}}}},
       R"(spec.models[0].idOrPath: "/a" is a path, which requires spec.models[0].volume)"},
      {{{"spec",
         {{"baseRuntime", nullptr},
          {"runtimes", {{{"name", "a"}, {"engine", "vllm"}, {"image", "i:v0.24.0"}, {"args", "--a 64  --b"}}}}}}},
       R"(spec.runtimes[0].args: "--a 64  --b" is a string; expected a list: write ["--a","64","--b"])"},
      {{{"metadata", {{"name", "Bad_Name"}}}}, R"(metadata.name: "Bad_Name" is not a valid name)"},
      {{{"specs", json::object()}}, "specs: unknown field; did you mean spec?"},
  };
  for (const auto& [patch, expected] : cases) {
    EXPECT_THAT(SchemaProblems(TaskWith(patch)), ElementsAre(StartsWith(expected))) << patch;
  }
  EXPECT_THAT(SchemaProblems(TaskWith(json::object())), IsEmpty());
}

// The end of the only line about `spec.PATH: VALUE`.
std::string Advice(const std::string& pointer, const char* value) {
  json task = TaskWith(json::object());
  task[json::json_pointer("/spec/" + pointer)] = json::parse(value);
  const auto problems = SchemaProblems(task);
  if (problems.size() != 1) return std::to_string(problems.size()) + " problems";
  for (const char* mark : {": write ", "; did you mean ", "; it belongs to ", "; expected "}) {
    const std::size_t at = problems[0].rfind(mark);
    if (at != std::string::npos) return problems[0].substr(at + 1);
  }
  return problems[0];
}

TEST(SchemaProblems, CorrectNames) {
  const auto named = [](const json& name) {
    json task = TaskWith(json::object());
    task["metadata"]["name"] = name;
    const auto problems = SchemaProblems(task);
    return problems.empty() ? "" : problems.front();
  };
  EXPECT_THAT(named("My_Task"), ::testing::EndsWith(": write \"my-task\""));
  EXPECT_EQ(named(123), "metadata.name: 123 is an integer; expected a string: write \"123\"");
  EXPECT_LT(named(std::string(300, 'a')).size(), 250U);
  EXPECT_THAT(named("-"), Not(::testing::HasSubstr("write")));
}

TEST(ReadAsTheApiServer, LeavesOutWhatTheApiServerLeavesOut) {
  json task = TaskWith(json::object());
  task["spec"]["description"] = nullptr;
  task["spec"]["parameters"] = {{"max-num-seqs", nullptr}, {"a", {1, nullptr}}, {"b", {{"unset", nullptr}}}};
  task["spec"]["optimization"] = {{"seed", nullptr}};
  task["spec"]["model"]["facts"] = {{"quantization_config", nullptr}};
  task["spec"]["benchmark"] = {{"scenarios", {nullptr}}};
  task["unknown"] = nullptr;
  EXPECT_THAT(
      ReadAsTheApiServer(task),
      ::testing::UnorderedElementsAre("spec.description", "spec.parameters.max-num-seqs", "spec.optimization.seed"));
  EXPECT_FALSE(task["spec"]["parameters"].contains("max-num-seqs"));
  EXPECT_TRUE(task["spec"]["parameters"]["a"][1].is_null()) << "of a list";
  EXPECT_TRUE(task["spec"]["parameters"]["b"]["unset"].is_null()) << "the schema does not know it";
  EXPECT_TRUE(task["spec"]["model"]["facts"].contains("quantization_config")) << "a config.json has nulls";
  EXPECT_TRUE(task["spec"]["benchmark"]["scenarios"][0].is_null());
  EXPECT_TRUE(task.contains("unknown"));
  task["spec"]["optimization"] = {{"maxExperiments", 10.0}, {"seed", 1.5}};
  ReadAsTheApiServer(task);
  EXPECT_TRUE(task["spec"]["optimization"]["maxExperiments"].is_number_integer());
  EXPECT_TRUE(task["spec"]["optimization"]["seed"].is_number_float()) << "is no integer";
}

TEST(SchemaProblems, CheckMetadata) {
  json task = TaskWith({{"metadata", {{"lables", json::object()}, {"labels", {{"a", 1}}}, {"annotations", "x"}}}});
  EXPECT_THAT(SchemaProblems(task), ElementsAre("metadata.lables: unknown field; did you mean labels?",
                                                "metadata.labels.a: 1 is an integer; expected a string: write \"1\"",
                                                "metadata.annotations: \"x\" is a string; expected an object"));
  task["metadata"] = {{"name", "t"}, {"namespace", "n"}, {"labels", {{"a", "b"}}}, {"resourceVersion", "1"}};
  EXPECT_THAT(SchemaProblems(task), IsEmpty());
}

TEST(SchemaProblems, SayWhatToWriteInstead) {
  const std::vector<std::tuple<const char*, const char*, const char*>> cases = {
      {"slo/ttft/p99", "500", R"(write "500ms")"},
      {"slo/ttft/p99", R"("500")", R"(write "500ms")"},
      {"slo/ttft/p99", "0.5", R"(write "500ms")"},
      {"slo/ttft/p99", "2", R"(write "2ms" or "2s")"},
      {"slo/tpot/p99", R"("7")", R"(write "7ms" or "7s")"},
      {"optimization/budget/deadline", "8", R"(write "8s", "8m" or "8h")"},
      {"optimization/budget/deadline", R"("25")", R"(write "25s", "25m" or "25h")"},
      {"optimization/budget/deadline", "1.5", R"(write "1m30s" or "1h30m")"},
      {"optimization/experimentTimeout", "45", R"(write "45s", "45m" or "45h")"},
      {"slo/e2eLatency/p90", R"("8 s")", R"(write "8s")"},
      {"slo/tpot/p95", R"("40 msec")", R"(write "40ms")"},
      {"slo/errorRate", R"("1%")", R"(write "0.01")"},
      {"slo/errorRate", R"("1 percent")", R"(write "0.01")"},
      {"quality/maxDegradation", R"("0.5 %")", R"(write "0.005")"},
      {"benchmark/duration", "60", R"(write "60s")"},
      {"benchmark/duration", R"("60")", R"(write "60s")"},
      {"benchmark/warmup", R"("2 minutes")", R"(write "120s")"},
      {"optimization/budget/deadline", R"("1d")", R"(write "24h")"},
      {"optimization/budget/gpuHours", R"("12h")", R"(write "12")"},
      {"optimization/budget/gpuHours", "12", R"(write "12")"},
      {"optimization/budget/gpuHours", R"("30m")", R"(write "0.5")"},
      {"optimization/budget/gpuHours", R"("1800s")", R"(write "0.5")"},
      {"optimization/budget/gpuHours", R"("90 minutes")", R"(write "1.5")"},
      {"optimization/budget/gpuHours", R"("1h30m")", R"(write "1.5")"},
      {"optimization/budget/gpuHours", R"("2 days")", R"(write "48")"},
      {"optimization/budget/gpuHours", R"("8 GPUh")", R"(write "8")"},
      {"gpu/minMemory", R"("80GB")", R"(write "80G")"},
      {"gpu/minMemory", R"("80 GiB")", R"(write "80Gi")"},
      {"gpu/minMemory", R"("80g")", R"(write "80G")"},
      {"gpu/minMemory", "80", R"(write "80Gi")"},
      {"gpu/minMemory", R"("80")", R"(write "80Gi")"},
      {"gpu/minMemory", R"("80 gi")", R"(write "80Gi")"},
      {"gpu/minComputeCapability", R"("sm_90")", R"(write "9.0")"},
      {"gpu/minComputeCapability", R"("SM120")", R"(write "12.0")"},
      {"benchmark/scenarios", R"j(["512/128"])j", R"j(write "D(512,128)")j"},
      {"benchmark/scenarios", R"j(["d(512, 128)"])j", R"j(write "D(512,128)")j"},
      {"model/idOrPath", R"("https://huggingface.co/org/m")", R"(write "org/m")"},
      {"model/revision", "100000.0", "write it in quotes, as"},
      {"runtimes", R"({"a": {"engine": "vllm"}})", "a list of objects with name, engine"},
      {"quality", "false", R"(write {"measure":"Off"})"},
      {"gpu/minComputeCapability", "9", R"(write "9.0")"},
      {"gpu/minComputeCapability", R"("9")", R"(write "9.0")"},
      {"gpu/pricePerHour", R"("$2.5")", R"(write "2.5")"},
      {"gpu/pricePerHour", R"("2.5 USD/h")", R"(write "2.5")"},
      {"gpu/nodeSelector/a", "1", R"(write "1")"},
      {"optimization/maxExperiments", R"("40")", "write 40"},
      {"parallelism", R"("2")", "write 2"},
      {"suspend", R"("true")", "write true"},
      {"quality/measure", "false", R"(write "Off" (without quotes YAML reads words such as Off and No as false))"},
      {"keepPods", "false", R"(write "Never" (without quotes YAML reads words such as Off and No as false))"},
      {"benchmark/load/requestRate", R"([2])", R"(write "2")"},
      {"benchmark/load/requestRate", "2", R"(write ["2"])"},
      {"benchmark/load/concurrency", "8", "write [8]"},
      {"benchmark/load/concurrency", R"("8,16")", "write [8,16]"},
      {"quantConfig/presets", R"("default, kv-cache-fp8")", R"(write ["default","kv-cache-fp8"])"},
      {"benchmark/scenarios", R"j("D(512,128)")j", R"j(write ["D(512,128)"])j"},
      {"benchmark/scenarios", R"j("D(512,128),D(64,16)")j", R"j(write ["D(512,128)","D(64,16)"])j"},
      {"benchmark/load/auto", "true", "write {}"},
      {"benchmark/arrival", R"("poisson")", R"(write {"process":"Poisson"})"},
      {"model", R"("org/m")", R"(write {"idOrPath":"org/m"})"},
      {"recommendation", R"("Deployment")", R"(write {"targets":["Deployment"]})"},
      {"quantConfig/sweep/gemmDtype", R"("FP8")", R"(write ["fp8"])"},
      {"baseRuntime", R"("trtllm")", "did you mean tensorrt-llm?"},
      {"optimization/objective", R"("Throughput")", "did you mean MaximizeThroughput?"},
      {"optimization/objective", R"("TTFT")", "did you mean MinimizeTTFT?"},
      {"slo/e2e", R"({"p90": "8s"})", "did you mean e2eLatency?"},
      {"model/volume/pvc", R"({"claimName": "c"})", "did you mean persistentVolumeClaim?"},
      {"ttft", R"({"p90": "8s"})", "it belongs to spec.slo.ttft"},
      {"maxExperiments", "8", "it belongs to spec.optimization.maxExperiments"},
      {"benchmark/concurrency", "[8]", "it belongs to spec.benchmark.load.concurrency"},
      {"optimization/budget", R"("12h")", "expected an object with deadline, gpuHours"},
      {"slo/tpot", R"("40ms")", "by statistic: p50, p90, p95, p99 or mean"},
  };
  for (const auto& [pointer, value, expected] : cases) {
    EXPECT_THAT(Advice(pointer, value), ::testing::HasSubstr(expected)) << pointer << ": " << value;
  }
}

TEST(SchemaProblems, AdviseOnlyWhatTheSchemaTakes) {
  // Nothing to write instead is said where nothing is certain to be meant.
  for (const auto& [pointer, value] :
       std::vector<std::pair<const char*, const char*>>{{"slo/ttft/p99", R"("fast")"},
                                                        {"gpu/pricePerHour", R"("-1")"},
                                                        {"gpu/pricePerHour", R"("2,50")"},
                                                        {"gpu/pricePerHour", R"("4 cents/min")"},
                                                        {"benchmark/load/requestRate", R"(["120/min"])"},
                                                        {"optimization/maxExperiments", R"("1k")"},
                                                        {"optimization/budget/gpuHours", R"("0s")"},
                                                        {"suspend", R"("perhaps")"},
                                                        {"parallelism", R"("many")"},
                                                        {"gpu/minMemory", R"("lots")"},
                                                        {"gpu/minMemory", R"("80 pounds")"},
                                                        {"model/idOrPath", R"("a b")"},
                                                        {"model/revision", "[1]"}}) {
    EXPECT_THAT(Advice(pointer, value), ::testing::Not(::testing::HasSubstr("write "))) << pointer << ": " << value;
  }
}

TEST(SchemaProblems, TakeAnyShape) {
  for (const char* text : {R"({"metadata": [1], "spec": [1]})", R"({"metadata": "x", "spec": {"model": [1]}})", "[]",
                           "1", R"({"spec": {"model": {"idOrPath": "/a", "volume": []}}})"}) {
    EXPECT_FALSE(SchemaProblems(json::parse(text)).empty()) << text;
  }
}

TEST(SchemaProblems, AreSaidAllAtOnce) {
  EXPECT_EQ(
      SchemaProblems(TaskWith({{"spec", {{"parallelism", "2"}, {"keepPods", "x"}, {"sllo", json::object()}}}})).size(),
      3U);
}

json ReadManifest(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::stringstream content;
  content << file.rdbuf();
  const auto documents = text::ParseYaml(content.str(), path.filename(), text::Dialect::kKubectl);
  return documents && !documents->empty() ? documents->front() : json();
}

// The corpus that a real API server was asked about (tests/manifests): what it refuses is refused here, by the schema
// or by what stands for its CEL rules; what it takes is taken.
TEST(SchemaProblems, AgreeWithTheApiServerOnTheCorpus) {
  const std::filesystem::path root = std::filesystem::path(TESTDATA_DIR).parent_path();
  int refused = 0, taken = 0;
  for (const auto& entry : std::filesystem::directory_iterator(root / "tests/manifests/invalid")) {
    const json task = ReadManifest(entry.path());
    ++refused;
    EXPECT_TRUE(!SchemaProblems(task).empty() || !api::TaskFromJson(task).ok()) << entry.path() << " is taken";
  }
  for (const auto& entry : std::filesystem::directory_iterator(root / "examples")) {
    if (entry.path().extension() != ".yaml") continue;
    const json task = ReadManifest(entry.path());
    ++taken;
    EXPECT_THAT(SchemaProblems(task), IsEmpty()) << entry.path();
    const auto read = api::TaskFromJson(task);
    ASSERT_TRUE(read.ok()) << entry.path() << ": " << read.error().message;
    // What the program itself writes, as a status file or a printed task, is a task again.
    EXPECT_THAT(SchemaProblems(api::ToJson(*read)), IsEmpty()) << entry.path();
  }
  EXPECT_GT(refused, 60);
  EXPECT_GT(taken, 10);
}

TEST(Closest, NamesOnlyWhatIsClose) {
  EXPECT_EQ(Closest("tftt", {"ttft", "tpot"}), "ttft");
  EXPECT_EQ(Closest("base_runtime", {"baseRuntime"}), "baseRuntime");
  EXPECT_EQ(Closest("zebra", {"ttft", "tpot"}), "");
  EXPECT_EQ(Closest("fp8", {"kv-cache-fp8", "dynamic-fp8"}), "") << "either may be meant";
  EXPECT_EQ(Closest("goodput", {"MaximizeThroughput", "MaximizeGoodput"}), "MaximizeGoodput");
}

TEST(UsageProblem, NamesTheCommandOrFlagThatWasMeant) {
  const std::vector<CommandWords> commands = {{"plan", "", {"--gpu", "-f"}, false}, {"status", "", {}, true}};
  EXPECT_EQ(UsageProblem({"plna", "-f", "x"}, commands, {}), "unknown command \"plna\"; did you mean plan?");
  EXPECT_EQ(UsageProblem({"zebra"}, commands, {}), "unknown command \"zebra\"; commands are plan, status");
  EXPECT_EQ(UsageProblem({"plan", "--gpuu=h100"}, commands, {}), "plan has no flag --gpuu; did you mean --gpu?");
  const std::vector<CommandWords> bench = {{"bench", "", {"--rate", "--scenario"}, false}};
  EXPECT_EQ(UsageProblem({"bench", "--request-rate=4"}, bench, {}),
            "bench has no flag --request-rate; did you mean --rate?");
  EXPECT_EQ(UsageProblem({"bench", "--random-input-len", "4"}, bench, {}),
            "bench has no flag --random-input-len; lengths are a --scenario, such as D(512,128)");
  EXPECT_EQ(UsageProblem({"plan", "-t", "x"}, commands, {}), "plan has no flag -t; autotune plan --help lists them");
  EXPECT_EQ(UsageProblem({"plan", "-fx"}, commands, {}), "");
  EXPECT_EQ(UsageProblem({}, commands, {}), "no command is given; commands are plan, status");
  EXPECT_EQ(UsageProblem({"plan", "--rules", "d", "-f", "x"}, commands, {"--rules"}), "");
}

TEST(Reworded, SaysWhatTheParserSaysInOneStyle) {
  EXPECT_EQ(Reworded("--output: yaml not in {table,json,pods}"), "--output: \"yaml\" is not one of table, json, pods");
  EXPECT_EQ(Reworded("SHELL: zhs not in {bash,zsh}"), "SHELL: \"zhs\" is not one of bash, zsh; did you mean zsh?");
  EXPECT_EQ(Reworded("--gpus: Value 0 not in range 1 to 1024"), "--gpus: 0 is not within 1 to 1024");
  EXPECT_EQ(Reworded("--file is required"), "no file is given: FILE, or - for standard input");
  EXPECT_EQ(Reworded("NAME is required"), "NAME is missing");
  EXPECT_EQ(Reworded("--simulate: 1 required GPU missing"), "--simulate needs a value: GPU");
  EXPECT_EQ(Reworded("Could not convert: --concurrency = a"), "--concurrency: \"a\" is not a number");
  EXPECT_EQ(Reworded("The following argument was not expected: b"), "too many arguments: b");
  EXPECT_EQ(Reworded("something else"), "something else");
}

}  // namespace
}  // namespace autotune::cli
