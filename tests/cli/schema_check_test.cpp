#include "cli/schema_check.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/usage_error.h"
#include "operator/api/autotune_task.h"
#include "text/yaml_json.h"

namespace autotune::cli {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
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
       R"(spec.slo.errorRate: 0.01 is a number; a string is wanted: write "0.01")"},
      {{{"spec", {{"parameter", json::object()}}}}, "spec.parameter: unknown field; did you mean parameters?"},
      {{{"spec", {{"keepPods", "onfailure"}}}},
       R"(spec.keepPods: "onfailure" is none of Never, OnFailure, Always; did you mean OnFailure?)"},
      {{{"spec", {{"gpu", {{"products", "H100"}}}}}},
       R"(spec.gpu.products: "H100" is a string; a list is wanted: write ["H100"])"},
      {{{"spec", {{"gpu", {{"products", {"A", "A"}}}}}}}, R"(spec.gpu.products[1]: "A" is there twice)"},
      {{{"spec", {{"optimization", {{"maxExperiments", 1000}}}}}},
       "spec.optimization.maxExperiments: 1000 is above 256"},
      {{{"spec", {{"gpu", {{"minComputeCapability", "9"}}}}}},
       R"(spec.gpu.minComputeCapability: "9" does not have the form)"},
      {{{"spec", {{"gpu", {{"pricePerHour", "-1"}}}}}}, R"(spec.gpu.pricePerHour: "-1" does not have the form)"},
      {{{"spec", {{"model", nullptr}}}}, "spec.model: is missing"},
      {{{"metadata", {{"name", "Bad_Name"}}}}, R"(metadata.name: "Bad_Name" is no name)"},
      {{{"specs", json::object()}}, "specs: unknown field; did you mean spec?"},
  };
  for (const auto& [patch, expected] : cases) {
    EXPECT_THAT(SchemaProblems(TaskWith(patch)), ElementsAre(StartsWith(expected))) << patch;
  }
  EXPECT_THAT(SchemaProblems(TaskWith(json::object())), IsEmpty());
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
  const auto documents = text::ParseYaml(content.str(), path.filename());
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
}

TEST(UsageProblem, NamesTheCommandOrFlagThatWasMeant) {
  const std::vector<CommandWords> commands = {{"plan", "", {"--gpu", "-f"}, false}, {"status", "", {}, true}};
  EXPECT_EQ(UsageProblem({"plna", "-f", "x"}, commands, {}), "there is no command \"plna\"; did you mean plan?");
  EXPECT_EQ(UsageProblem({"zebra"}, commands, {}), "there is no command \"zebra\"; there are plan, status");
  EXPECT_EQ(UsageProblem({"plan", "--gpuu=h100"}, commands, {}), "plan has no flag --gpuu; did you mean --gpu?");
  EXPECT_EQ(UsageProblem({"plan", "--rules", "d", "-f", "x"}, commands, {"--rules"}), "");
}

}  // namespace
}  // namespace autotune::cli
