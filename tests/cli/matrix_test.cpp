#include "cli/matrix.h"

#include <gmock/gmock.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "cli/explain.h"
#include "tests/quant/built_in_rules.h"

namespace autotune::cli {
namespace {

using nlohmann::json;
using quant::Version;
using quant::testing::Rules;
using ::testing::HasSubstr;

std::vector<EngineMatrix> Make(const MatrixOptions& options) {
  auto matrix = MakeMatrix(Rules(), options);
  EXPECT_TRUE(matrix.ok()) << (matrix.ok() ? "" : matrix.error().message);
  return matrix ? *std::move(matrix) : std::vector<EngineMatrix>{};
}

const MatrixRow& Row(const EngineMatrix& engine, const std::string& field, const std::string& value,
                     const std::string& model = "") {
  for (const auto* rows : {&engine.fields, &engine.presets, &engine.together, &engine.checkpoints}) {
    for (const MatrixRow& row : *rows) {
      if (row.field == field && row.value == value && row.model == model) return row;
    }
  }
  ADD_FAILURE() << "no row " << field << " " << value << " " << model;
  static const MatrixRow kNone;
  return kNone;
}

TEST(Matrix, MergesReleasesWithEqualOutcomes) {
  const auto matrix = Make({.engine = "vllm", .releases = "", .gpu = "h100", .model = ""});
  ASSERT_EQ(matrix.size(), 1U);
  const MatrixRow& row = Row(matrix[0], "kvcacheDtype", "int8");
  ASSERT_EQ(row.ranges.size(), 2U);
  EXPECT_EQ(RangeText(row.ranges[0].since, row.ranges[0].until), "up to 0.19");
  EXPECT_EQ(row.ranges[0].outcome.verdict, "reject");
  EXPECT_EQ(RangeText(row.ranges[1].since, row.ranges[1].until), "0.20+");
  EXPECT_THAT(row.ranges[1].outcome.args, ::testing::ElementsAre("--kv-cache-dtype", "int8_per_token_head"));
}

TEST(Matrix, MarksWhatFollowsFromDates) {
  const auto matrix = Make({.engine = "vllm", .releases = "", .gpu = "h100", .model = ""});
  const MatrixRow& row = Row(matrix[0], "kvcacheDtype", "int4");
  ASSERT_EQ(row.ranges.size(), 3U);
  EXPECT_FALSE(row.ranges[0].outcome.derived);
  EXPECT_TRUE(row.ranges[1].outcome.derived);
  EXPECT_FALSE(row.ranges[2].outcome.derived);
}

// The matrix says for every release what a task would get there: each recorded release of each row, asked again.
TEST(Matrix, SaysWhatExplainSays) {
  int compared = 0;
  for (const EngineMatrix& engine : Make({.engine = "", .releases = "", .gpu = "h100", .model = ""})) {
    for (const Version& release : quant::ReleasesOfInterest(Rules(), engine.engine)) {
      for (const MatrixRow& row : engine.fields) {
        if (row.model == "experts") continue;  // explain assumes the dense model
        const auto range = std::ranges::find_if(row.ranges, [&](const OutcomeRange& one) {
          return (!one.since || *one.since <= release) && (!one.until || release < *one.until);
        });
        ASSERT_NE(range, row.ranges.end());
        const auto explained = Explain(Rules(), {.settings = {row.field + "=" + row.value},
                                                 .engine = engine.engine + ":" + release.ToString(),
                                                 .gpu = "h100",
                                                 .model = ""});
        ASSERT_TRUE(explained.ok());
        const bool rejected = explained->plan.rejection.has_value();
        const bool said = range->outcome.verdict == "reject" || range->outcome.verdict == "needs-checkpoint";
        EXPECT_EQ(said, rejected) << engine.engine << " " << release.ToString() << " " << row.field << "=" << row.value;
        EXPECT_EQ(range->outcome.args, rejected ? std::vector<std::string>() : explained->plan.args);
        ++compared;
      }
    }
  }
  EXPECT_GT(compared, 1000);
}

TEST(Matrix, ShowsPairsThatActDifferentlyTogether) {
  const auto matrix = Make({.engine = "vllm", .releases = "0.24.0", .gpu = "h100", .model = ""});
  const MatrixRow& row = Row(matrix[0], "gemmDtype + kvcacheDtype", "fp8 + fp8_e5m2");
  ASSERT_EQ(row.ranges.size(), 1U);
  EXPECT_THAT(row.ranges[0].outcome.args, ::testing::Contains("fp8_per_tensor"));
  for (const MatrixRow& other : matrix[0].together) EXPECT_NE(other.value, "bfloat16 + fp8");  // the sum of both
}

TEST(Matrix, ListsTheRulesInForce) {
  const auto old_ones = Make({.engine = "vllm", .releases = "0.12.0", .gpu = "", .model = ""});
  const auto new_ones = Make({.engine = "vllm", .releases = "0.24.0", .gpu = "", .model = ""});
  const auto gguf = [](const EngineMatrix& engine) {
    return std::ranges::any_of(engine.rules, [](const quant::ListedRule& rule) {
      return rule.when == "method: gguf" && rule.reason == "CheckpointNotSupported";
    });
  };
  EXPECT_FALSE(gguf(old_ones[0]));
  EXPECT_TRUE(gguf(new_ones[0]));
}

TEST(Matrix, NamesRangesOfReleases) {
  struct Case {
    const char* since;
    const char* until;
    const char* text;
  };
  const Case cases[] = {
      {"", "", "all"},
      {"", "0.20.0", "up to 0.19"},
      {"", "0.18.1", "up to 0.18.0"},
      {"", "1.0.0", "before 1.0"},
      {"0.20.0", "", "0.20+"},
      {"0.18.1", "", "0.18.1+"},
      {"0.18.0", "0.20.0", "0.18–0.19"},
      {"0.25.0", "0.26.0", "0.25"},
      {"0.24.0", "0.24.1", "0.24.0"},
      {"0.5.7", "0.5.9", "0.5.7–0.5.8"},
      {"0.5.4", "0.5.6.post2", "0.5.4–0.5.6.post1"},
      {"1.2.0", "1.3.0rc7", "1.2 to before 1.3.0rc7"},
  };
  for (const Case& test : cases)
    EXPECT_EQ(RangeText(Version::Parse(test.since), Version::Parse(test.until)), test.text);
}

TEST(Matrix, IsJsonToo) {
  const json matrix = MatrixJson(Make({.engine = "sglang", .releases = "", .gpu = "h100", .model = ""}), "v");
  ASSERT_EQ(matrix["engines"].size(), 1U);
  const json& range = matrix["engines"][0]["fields"][0]["ranges"][0];
  for (const char* key : {"releases", "since", "until", "verdict", "args", "yaml", "env", "reason", "message", "source",
                          "warnings", "derived"})
    EXPECT_TRUE(range.contains(key)) << key;
  EXPECT_FALSE(matrix["engines"][0]["rules"].empty());
}

TEST(Matrix, RefusesWhatItDoesNotKnow) {
  struct Case {
    MatrixOptions options;
    const char* message;
  };
  const Case cases[] = {
      {{.engine = "ollama", .releases = "", .gpu = "", .model = ""}, "--engine: engine \"ollama\" is not one of"},
      {{.engine = "", .releases = "new", .gpu = "", .model = ""}, "--releases: \"new\" is not a release"},
      {{.engine = "", .releases = "0.26-0.20", .gpu = "", .model = ""}, "--releases: \"0.26-0.20\""},
      {{.engine = "", .releases = "", .gpu = "h1", .model = ""}, "--gpu: GPU \"h1\" is not known"},
      {{.engine = "", .releases = "", .gpu = "", .model = "/no/such"},
       "--model: \"/no/such\" is neither a file or directory here nor a hub id (OWNER/NAME)"},
  };
  for (const Case& test : cases) {
    const auto matrix = MakeMatrix(Rules(), test.options);
    ASSERT_FALSE(matrix.ok()) << test.message;
    EXPECT_THAT(matrix.error().message, HasSubstr(test.message));
  }
}

TEST(Matrix, IsWhatTheEnginePageShows) {
  std::ifstream file(TESTDATA_DIR "/../docs/engines.md");
  const std::string page((std::istreambuf_iterator<char>(file)), {});
  // Not EXPECT_EQ: the difference is for `git diff` to show.
  EXPECT_TRUE(page == MatrixMarkdown(Make({}))) << "docs/engines.md is not current; build and run: "
                                                   "build/release/bin/autotune matrix -o markdown > docs/engines.md";
}

}  // namespace
}  // namespace autotune::cli
