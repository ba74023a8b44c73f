// Values that an engine refuses behind its argument parser: for every recorded release what its source lists, and what
// comes of a value that is not in the list. A row is read alone:
//
//   engine release | flag | value | what comes of it: "taken", "plug-in" (a warning) or the end of the rejection's
//   message

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/quant/plan_fixture.h"
#include "tests/quant/recorded_parser.h"

namespace autotune::quant {
namespace {

std::vector<RecordedParser> AllParsers() {
  std::vector<RecordedParser> parsers = RecordedParser::All("vllm");
  for (RecordedParser& parser : RecordedParser::All("sglang")) parsers.push_back(std::move(parser));
  return parsers;
}

constexpr const char* kRows = R"(
vllm 0.14.1 | attention-backend | flash_attn | taken
vllm 0.14.1 | attention-backend | auto | CPU_ATTN, CUSTOM, None, not "auto"
vllm 0.18.1 | attention-backend | Auto | taken
vllm 0.24.0 | attention-backend | FLASH_INFER | None, not "FLASH_INFER"; did you mean FLASHINFER?
vllm 0.24.0 | attention-config.backend | TREE_ATTN | auto, None, not "TREE_ATTN"
vllm 0.20.2 | attention-config.backend | TREE_ATTN | taken
vllm 0.24.0 | distributed-executor-backend | rey | takes one of ray, mp, uni, external_launcher, None, not "rey"; did you mean ray?
vllm 0.24.0 | distributed-executor-backend | Mp | external_launcher, None, not "Mp"; did you mean mp?
vllm 0.24.0 | distributed-executor-backend | my.own.Executor | plug-in
vllm 0.24.0 | data-parallel-backend | nccl | --data-parallel-backend of vLLM 0.24.0 takes one of ray, mp, not "nccl"
vllm 0.20.2 | mamba-backend | cpu | --mamba-backend of vLLM 0.20.2 takes one of TRITON, FLASHINFER, not "cpu"
vllm 0.20.2 | load-format | gguf | taken
vllm 0.24.0 | load-format | gguf | plug-in
vllm 0.24.0 | load-format | Dummy | taken
vllm 0.24.0 | load-format | safetensor | plug-in
vllm 0.26.0 | tokenizer-mode | slow | taken
vllm 0.33.0 | tokenizer-mode | slow | plug-in
vllm 0.33.0 | reasoning-parser | none | taken
vllm 0.26.0 | reasoning-parser | hf | plug-in
vllm 0.16.0 | tool-call-parser | gemma4 | plug-in
vllm 0.24.0 | tool-call-parser | gemma4 | taken
sglang 0.5.9 | speculative-algorithm | DFLASH | takes one of EAGLE, EAGLE3, NEXTN, STANDALONE, NGRAM, not "DFLASH"
sglang 0.5.15 | speculative-algorithm | dflash | taken
sglang 0.5.15 | speculative-algorithm | DSPARK | plug-in
sglang 0.5.18 | speculative-algorithm | DSPARK | taken
sglang 0.5.23 | speculative-algorithm | nextn | taken
sglang 0.5.9 | speculative-draft-attention-backend | hpc_ops | plug-in
sglang 0.5.18 | speculative-draft-attention-backend | hpc_ops | taken
sglang 0.5.15 | model-config-parser | gguf | plug-in
)";

TEST(LateValues, AreTakenWarnedOfAndRefusedByTheirRelease) {
  for (const std::string& line : Split(kRows, '\n')) {
    if (line.empty()) continue;
    const std::vector<std::string> columns = Split(line, '|');
    ASSERT_EQ(columns.size(), 4u) << line;
    const std::vector<std::string> release = Split(columns[0], ' ');
    LaunchRequest request = Request(release[0], release[1]);
    request.parameters = {{columns[1], FlagValue::Text(columns[2])}};
    // What speculates with a draft model gets one.
    if (columns[1] == "speculative-algorithm")
      request.parameters["speculative-draft-model-path"] = FlagValue::Text("a/b");
    const LaunchPlan plan = PlanLaunch(Rules(), request);
    const bool refused = columns[3] != "taken" && columns[3] != "plug-in";
    ASSERT_EQ(plan.rejection.has_value(), refused) << line << "\n" << Line(plan);
    EXPECT_EQ(Warns(plan, "ValueNotBuiltIn"), columns[3] == "plug-in") << line;
    if (!refused) continue;
    EXPECT_EQ(plan.rejection->reason, "InvalidFlagValue") << line;
    EXPECT_TRUE(plan.rejection->message.ends_with(columns[3])) << line << "\n" << plan.rejection->message;
  }
}

TEST(LateValues, OfEveryRecordedReleaseAreTakenAndOthersAreNot) {
  int taken = 0;
  int refused = 0;
  int warned = 0;
  for (const RecordedParser& parser : AllParsers()) {
    for (const auto& [flag, row] : parser.late_values().items()) {
      LaunchRequest request = Request(parser.engine(), parser.version());
      const std::string where = parser.engine() + " " + parser.version() + " " + flag;
      for (const std::string value : row.at("values")) {
        request.parameters = {{flag, FlagValue::Text(value)}};
        const LaunchPlan plan = PlanLaunch(Rules(), request);
        EXPECT_FALSE(plan.rejection && plan.rejection->reason == "InvalidFlagValue") << where << " " << value;
        EXPECT_FALSE(Warns(plan, "ValueNotBuiltIn") || Warns(plan, "ValueNotCertain")) << where << " " << value;
        ++taken;
      }
      request.parameters = {{flag, FlagValue::Text("no-such-value")}};
      const LaunchPlan plan = PlanLaunch(Rules(), request);
      const bool open = row.value("open", "") == "any";
      ASSERT_EQ(plan.rejection.has_value(), !open) << where;
      EXPECT_EQ(Warns(plan, "ValueNotBuiltIn"), open) << where;
      ++(open ? warned : refused);
    }
  }
  EXPECT_GT(taken, 1000);
  EXPECT_GT(refused, 20);
  EXPECT_GT(warned, 40);
}

// What a release in between takes is not recorded: one of its neighbours has to take it.
TEST(LateValues, BetweenReleasesAreThoseOfEitherNeighbour) {
  LaunchRequest request = Request("vllm", "0.17.0");
  request.parameters = Values({{"attention-backend", "auto"}});
  LaunchPlan plan = PlanLaunch(Rules(), request);
  EXPECT_EQ(Line(plan), "--attention-backend auto");
  EXPECT_TRUE(Warns(plan, "ValueNotCertain"));
  request.parameters = Values({{"attention-backend", "TURBOQUANT"}});
  EXPECT_EQ(Line(PlanLaunch(Rules(), request)), "REJECT InvalidFlagValue");
  request.parameters = Values({{"load-format", "instanttensor"}});
  plan = PlanLaunch(Rules(), request);
  EXPECT_TRUE(Warns(plan, "ValueNotCertain"));
  EXPECT_FALSE(Warns(plan, "ValueNotBuiltIn"));
}

TEST(LateValues, ThatAPlugInMayBringComeWithWhatMayHaveBeenMeant) {
  LaunchRequest request = Request("vllm", "0.24.0");
  const auto warning = [&](const char* flag, const char* value) {
    request.parameters = Values({{flag, value}});
    const LaunchPlan plan = PlanLaunch(Rules(), request);
    return plan.warnings.size() == 1 ? plan.warnings[0].field + ": " + plan.warnings[0].message : Line(plan);
  };
  EXPECT_EQ(warning("load-format", "safetensor"),
            "parameters.load-format: \"safetensor\" is not a built-in value of --load-format in vLLM 0.24.0: it "
            "requires a plug-in; did you mean safetensors?");
  EXPECT_EQ(warning("config-format", "gguf"),
            "parameters.config-format: \"gguf\" is not a built-in value of --config-format in vLLM 0.24.0: it requires "
            "a plug-in; its own values are hf, mistral, auto");
}

// One setting has one spelling, so that what runs the same is measured once.
TEST(LateValues, AreWrittenAsTheReleaseListsThem) {
  LaunchRequest request = Request("vllm", "0.24.0");
  request.parameters = Values({{"attention-backend", "Flashinfer"}, {"load-format", "Dummy"}});
  EXPECT_EQ(Line(PlanLaunch(Rules(), request)), "--attention-backend FLASHINFER --load-format dummy");
}

}  // namespace
}  // namespace autotune::quant
