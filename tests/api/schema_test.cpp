// The CRD and the code describe the same fields.
#include "tests/api/schema.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <functional>
#include <iterator>

#include "operator/api/autotune_task.h"
#include "operator/api/needed_fields.h"
#include "tests/api/full_task.h"

namespace autotune::api {
namespace {

// Only what one of the two has: gtest prints whole sets.
std::vector<std::string> Difference(const std::set<std::string>& a, const std::set<std::string>& b) {
  std::vector<std::string> only;
  std::ranges::set_symmetric_difference(a, b, std::back_inserter(only));
  return only;
}

// FullSpecs and FullStatus are what the code gives back unchanged (spec_test, status_test), so a path that the schema
// has and they have not is a field that nobody reads, and the other way round one that the API server would drop.
TEST(Schema, OfTheSpecHasTheFieldsThatTheCodeReads) {
  const json schema = LoadSchema().at("properties").at("spec");
  std::set<std::string> used;
  for (const json& spec : FullSpecs()) used.merge(LeafPaths(schema, spec, "spec"));
  EXPECT_THAT(Difference(used, LeafPaths(schema, "spec")), ::testing::IsEmpty());
}

TEST(Schema, OfTheStatusHasTheFieldsThatTheCodeWrites) {
  const json schema = LoadSchema().at("properties").at("status");
  std::set<std::string> used = LeafPaths(schema, FullStatus(), "status");
  used.merge(LeafPaths(schema, StatusOfCheckpoints(), "status"));
  used.merge(LeafPaths(schema, StatusOfGpuTypes(), "status"));
  EXPECT_THAT(Difference(used, LeafPaths(schema, "status")), ::testing::IsEmpty());
}

// Results for people: a task goes on where an older definition of tasks drops them. Each new field of the status
// belongs here or into needed_fields.cpp.
constexpr const char* kResults[] = {"status.progress",
                                    "status.gpu.pricePerHour",
                                    "status.gpus[].pricePerHour",
                                    "status.gpus[].gpuHours",
                                    "status.gpus[].price",
                                    "status.candidates",
                                    "status.prunedReasons",
                                    "status.parallelism",
                                    "status.notTried",
                                    "status.estimate",
                                    "status.warnings",
                                    "status.experiments[].reusedFrom",
                                    "status.experiments[].args",
                                    "status.experiments[].options",
                                    "status.experiments[].env",
                                    "status.experiments[].apartFromCache",
                                    "status.experiments[].node",
                                    "status.experiments[].gpuProduct",
                                    "status.experiments[].driver",
                                    "status.experiments[].imageID",
                                    "status.experiments[].engineVersion",
                                    "status.experiments[].warnings",
                                    "status.experiments[].loads",
                                    "status.experiments[].score",
                                    "status.experiments[].scoreCi",
                                    "status.experiments[].scoreBasis",
                                    "status.experiments[].scoreBound",
                                    "status.experiments[].quality",
                                    "status.experiments[].simulated",
                                    "status.experiments[].message",
                                    "status.experiments[].finishedAt",
                                    "status.experiments[].startSeconds",
                                    "status.experiments[].measureSeconds",
                                    "status.experiments[].wastedGpuHours",
                                    "status.experiments[].truncated",
                                    "status.referenceLoads",
                                    "status.best",
                                    "status.search.message",
                                    "status.search.expectedGain",
                                    "status.pareto",
                                    "status.cost",
                                    "status.recommendation.difference"};

TEST(Schema, EveryFieldOfTheStatusIsAResultOrNeededToContinue) {
  for (const std::string& leaf : LeafPaths(LoadSchema().at("properties").at("status"), "status")) {
    const bool result = std::ranges::any_of(kResults, [&](const std::string& field) {
      return leaf == field || leaf.starts_with(field + ".") || leaf.starts_with(field + "[");
    });
    const bool needed = IsNeededToContinue(leaf);
    EXPECT_TRUE(needed || result) << leaf << " is neither";
    EXPECT_TRUE(!needed || !result || leaf == "status.experiments[].loads[].scenario") << leaf << " is both";
  }
}

TEST(Schema, AnObjectWithANeededFieldIsNeededAndIndicesDoNotMatter) {
  EXPECT_TRUE(IsNeededToContinue("status.experiments"));
  EXPECT_TRUE(IsNeededToContinue("status.experiments[12].attempts"));
  EXPECT_TRUE(IsNeededToContinue("status.models[1].inspection.retryAt"));
  EXPECT_TRUE(IsNeededToContinue("status.search"));
  EXPECT_FALSE(IsNeededToContinue("status.experiments[12].driver"));
  EXPECT_FALSE(IsNeededToContinue("status.search.message"));
  EXPECT_FALSE(IsNeededToContinue("status.modelling"));
}

TEST(Schema, SaysWhatKstatusNeedsOfAFreshObject) {
  EXPECT_EQ(LoadSchema().at("properties").at("status").at("default"), json::parse(R"({"observedGeneration": -1})"));
}

// What the schema of quantConfig lists is what quant/ knows.
TEST(Schema, ListsTheValuesOfTheQuantizationModel) {
  const json quant = LoadSchema().at("properties").at("spec").at("properties").at("quantConfig").at("properties");
  for (const quant::Field field : quant::kFields) {
    const std::string name(quant::FieldName(field));
    const auto allowed = quant::AllowedValues(field);
    const json expected = std::vector<std::string>(allowed.begin(), allowed.end());
    EXPECT_EQ(quant.at(name).at("enum"), expected) << name;
    EXPECT_EQ(quant.at("sweep").at("properties").at(name).at("items").at("enum"), expected) << name;
    EXPECT_EQ(quant.at("custom").at("items").at("properties").at(name).at("enum"), expected) << name;
  }
  json presets = json::array();
  for (const quant::QuantConfig& preset : quant::Presets()) presets.push_back(preset.name);
  EXPECT_EQ(quant.at("preset").at("enum"), presets);
  EXPECT_EQ(quant.at("presets").at("items").at("enum"), presets);
}

// Unbounded strings, lists and maps in the spec would end in an object that etcd refuses, far from its cause.
TEST(Schema, BoundsEveryListMapAndStringOfTheSpec) {
  const std::function<void(const json&, const std::string&)> check = [&](const json& schema, const std::string& path) {
    const std::string type = schema.value("type", "");
    if (type == "string" && !schema.contains("enum")) {
      EXPECT_TRUE(schema.contains("maxLength")) << path;
    }
    if (type == "array") {
      EXPECT_TRUE(schema.contains("maxItems")) << path;
      check(schema.at("items"), path + "[]");
    }
    if (type == "object" && !schema.contains("properties")) {
      EXPECT_TRUE(schema.contains("maxProperties")) << path;
    }
    if (schema.contains("additionalProperties")) check(schema["additionalProperties"], path + ".*");
    if (schema.contains("properties")) {
      for (const auto& [key, property] : schema["properties"].items()) check(property, path + "." + key);
    }
  };
  check(LoadSchema().at("properties").at("spec"), "spec");
}

}  // namespace
}  // namespace autotune::api
