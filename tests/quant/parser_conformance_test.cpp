// Everything that the rules emit, given to the recorded argument parsers of every release; and everything that a parser
// refuses, given to the rules.

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>

#include "tests/quant/plan_fixture.h"
#include "tests/quant/recorded_parser.h"

namespace autotune::quant {
namespace {

using nlohmann::json;

class ParserConformance : public testing::TestWithParam<RecordedParser> {
 protected:
  [[nodiscard]] LaunchRequest Ask(const checkpoint::ModelFacts& model = Dense()) const {
    return Request(GetParam().engine(), GetParam().version(), model);
  }
};

std::vector<RecordedParser> AllParsers() {
  std::vector<RecordedParser> parsers = RecordedParser::All("vllm");
  for (RecordedParser& parser : RecordedParser::All("sglang")) parsers.push_back(std::move(parser));
  return parsers;
}

std::vector<checkpoint::ModelFacts> Models() {
  checkpoint::ModelFacts half = Dense();
  half.dtype = "float16";
  checkpoint::ModelFacts calibrated = Quantized(Moe(), "modelopt", "fp8");
  calibrated.kv_cache = "fp8";
  return {
      Dense(), Moe(), half, calibrated, Quantized(Moe(), "mxfp4", "mxfp4"), Quantized(Dense(), "awq", "int4-wna16")};
}

void ForEveryConfiguration(const std::function<void(const QuantConfig&)>& check) {
  for (const std::string_view gemm : AllowedValues(Field::kGemm))
    for (const std::string_view kvcache : AllowedValues(Field::kKvCache))
      // The other values of attention are treated as one of these, or emit nothing.
      for (const std::string_view attention : {"auto", "bfloat16", "fp8"})
        for (const std::string_view moe : AllowedValues(Field::kMoe))
          check({"x", std::string(gemm), std::string(kvcache), std::string(attention), std::string(moe)});
}

TEST_P(ParserConformance, AcceptsEveryMappedConfiguration) {
  int accepted = 0;
  for (const checkpoint::ModelFacts& model : Models()) {
    LaunchRequest request = Ask(model);
    // Hopper and Blackwell differ in what is emitted: on the latter, attention has a switch.
    for (const int major : {9, 10}) {
      request.gpu = ComputeCapability{major, 0};
      ForEveryConfiguration([&](const QuantConfig& config) {
        request.quant = config;
        const LaunchPlan plan = PlanLaunch(Rules(), request);
        if (plan.rejection) return;
        ++accepted;
        const std::string complaint = GetParam().Complaint(plan.args);
        EXPECT_EQ(complaint, "") << Summary(config) << "\n" << Line(plan);
      });
    }
  }
  EXPECT_GT(accepted, 200);
}

TEST_P(ParserConformance, GivesEveryFieldExactlyOneVerdict) {
  for (const checkpoint::ModelFacts& model : Models()) {
    for (const std::optional<ComputeCapability> gpu :
         {std::optional<ComputeCapability>(), std::optional(ComputeCapability{8, 0}),
          std::optional(ComputeCapability{9, 0}), std::optional(ComputeCapability{10, 0})}) {
      LaunchRequest request = Ask(model);
      request.gpu = gpu;
      for (const Field field : kFields) {
        for (const std::string_view value : AllowedValues(field)) {
          request.quant = QuantConfig{};
          request.quant.Set(field, std::string(value));
          const LaunchPlan plan = PlanLaunch(Rules(), request);
          ASSERT_EQ(plan.verdicts.size(), kFields.size());
          for (std::size_t i = 0; i < kFields.size(); ++i) {
            EXPECT_EQ(plan.verdicts[i].field, kFields[i]);
            EXPECT_EQ(plan.verdicts[i].value, request.quant.Get(kFields[i]));
            EXPECT_FALSE(plan.verdicts[i].reason.empty());
            EXPECT_FALSE(plan.verdicts[i].message.empty());
            EXPECT_FALSE(plan.verdicts[i].source.empty());
          }
          const Verdict& verdict = plan.verdicts[static_cast<std::size_t>(field)];
          if (verdict.kind == VerdictKind::kReject) {
            EXPECT_TRUE(plan.rejection) << verdict.reason;
          }
          if (verdict.kind == VerdictKind::kWarn) {
            EXPECT_TRUE(Warns(plan, verdict.reason)) << verdict.reason;
          }
        }
      }
    }
  }
}

TEST_P(ParserConformance, AcceptsEveryParallelSize) {
  for (const int tensor : {1, 2, 8})
    for (const int pipeline : {1, 2})
      for (const int data : {1, 4})
        for (const int expert : {1, 2, 8}) {
          LaunchRequest request = Ask(Moe());
          request.parallel = {tensor, pipeline, data, expert};
          const LaunchPlan plan = PlanLaunch(Rules(), request);
          if (!plan.rejection) {
            EXPECT_EQ(GetParam().Complaint(plan.args), "") << Line(plan);
          }
        }
}

// A value that the recorded argument takes.
FlagValue Sample(const RecordedParser& parser, const json& argument) {
  if (argument["nargs"] == 0) return FlagValue::Bool(true);
  for (const json& flag : argument["flags"]) {
    if (parser.late_values().contains(flag.get<std::string>())) return FlagValue::Text(parser.Values(flag).front());
  }
  std::string text = "1";
  const std::string flag = argument["flags"][0];
  if (flag == "--quantization") return FlagValue::Text("fp8");
  if (flag == "--kv-cache-dtype") return FlagValue::Text("auto");
  if (flag == "--mem-fraction-static") return FlagValue::Text("0.8");
  if (argument["choices"].is_array() && !argument["choices"].empty()) {
    const json& first = argument["choices"][0];
    text = first.is_string() ? first.get<std::string>() : first.dump();
  } else if (argument["type"] == "loads" || argument["type"] == "parse_dataclass") {
    return *FlagValue::FromJson(json{{"a", 1}}, "x");
  } else if (argument["type"] == "json_list_type") {
    text = "[1]";
  }
  FlagValue value = FlagValue::Text(text);
  if (argument["nargs"] == "+" || argument["nargs"] == "*") return FlagValue{FlagValue::Kind::kList, false, "", {text}};
  return value;
}

TEST_P(ParserConformance, UnderstandsEveryFlagOfTheRelease) {
  // Refused for what they mean, not because they were not understood.
  const std::set<std::string> other_reasons = {"ReservedFlag",
                                               "NeedsCheckpoint",
                                               "ModelHasNoExperts",
                                               "FlagBroken",
                                               "MoeBackendNotForQuantization",
                                               "QuantizationConfigIgnored",
                                               "NeedsExpertParallel",
                                               "NeedsToolCallParser",
                                               "NeedsLoggedRequests",
                                               "BackendNotForModel",
                                               "NoCompletions",
                                               "SpeculationNotComplete",
                                               "BackendNotOnThisGpu",
                                               "RoundingNotForCache",
                                               "UnknownMember"};
  int understood = 0;
  for (const json& argument : GetParam().arguments()) {
    if (!argument.contains("flags") || argument["kind"] == "HelpAction") continue;
    for (const json& flag : argument["flags"]) {
      LaunchRequest request = Ask(Moe());
      request.parameters = {{flag.get<std::string>(), Sample(GetParam(), argument)}};
      const LaunchPlan plan = PlanLaunch(Rules(), request);
      if (argument.value("refuses", false)) {
        EXPECT_TRUE(plan.rejection) << flag;
        continue;
      }
      if (plan.rejection) {
        EXPECT_TRUE(other_reasons.contains(plan.rejection->reason)) << flag << ": " << plan.rejection->message;
        continue;
      }
      ++understood;
      EXPECT_EQ(GetParam().Complaint(plan.args), "") << Line(plan);
    }
  }
  EXPECT_GT(understood, 100);
}

TEST_P(ParserConformance, SwitchesOffWithTheFormThatTheReleaseHas) {
  for (const json& argument : GetParam().arguments()) {
    if (!argument.contains("flags") || argument["nargs"] != 0) continue;
    if (argument["kind"] != "BooleanOptionalAction" && argument["kind"] != "EnableDisableAction") continue;
    LaunchRequest request = Ask(Moe());
    request.parameters = {{argument["flags"][0].get<std::string>(), FlagValue::Bool(false)}};
    const LaunchPlan plan = PlanLaunch(Rules(), request);
    if (plan.rejection) continue;  // reserved
    ASSERT_EQ(plan.args.size(), 1u) << argument["flags"];
    EXPECT_NE(plan.args[0], argument["flags"][0].get<std::string>());
    EXPECT_TRUE(std::ranges::any_of(argument["flags"], [&](const json& flag) { return flag == plan.args[0]; }))
        << argument["flags"] << " " << plan.args[0];
  }
}

TEST_P(ParserConformance, RefusesEveryFlagThatOnlyOtherReleasesHave) {
  int refused = 0;
  for (const RecordedParser& other : AllParsers()) {
    if (other.engine() != GetParam().engine()) continue;
    for (const json& argument : other.arguments()) {
      if (!argument.contains("flags") || argument["kind"] == "HelpAction") continue;
      for (const json& flag : argument["flags"]) {
        if (!flag.get<std::string>().starts_with("--") || GetParam().Knows(flag)) continue;
        // "--no-x" stays understood where this release switches x off in other words.
        if (flag.get<std::string>().starts_with("--no-") && GetParam().Knows("--" + flag.get<std::string>().substr(5)))
          continue;
        LaunchRequest request = Ask(Moe());
        request.parameters = {{flag.get<std::string>(), Sample(other, argument)}};
        const LaunchPlan plan = PlanLaunch(Rules(), request);
        if (!plan.rejection) {
          // The release has it under another name, and gets that.
          EXPECT_EQ(GetParam().Complaint(plan.args), "") << flag;
          EXPECT_FALSE(plan.args.empty()) << flag;
          continue;
        }
        EXPECT_EQ(plan.rejection->reason, "UnknownFlag") << flag;
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, 20);
}

TEST_P(ParserConformance, RefusesWhatTheParserRefuses) {
  int refused = 0;
  for (const json& argument : GetParam().arguments()) {
    if (!argument.contains("flags") || argument["kind"] == "HelpAction" || argument.value("refuses", false)) continue;
    const std::string flag = argument["flags"][0];
    for (const std::string text : {"no-such-value", "1.5", "[", "int8", "8k"}) {
      std::vector<std::string> args = {flag, text};
      if (argument["nargs"] == 0 || GetParam().Complaint(args).empty()) continue;
      LaunchRequest request = Ask(Moe());
      request.parameters = {{flag, FlagValue::Text(text)}};
      const LaunchPlan plan = PlanLaunch(Rules(), request);
      ASSERT_TRUE(plan.rejection) << flag << " " << text;
      EXPECT_TRUE(plan.rejection->reason == "InvalidFlagValue" || plan.rejection->reason == "ReservedFlag")
          << flag << " " << text << " " << plan.rejection->reason;
      ++refused;
    }
  }
  EXPECT_GT(refused, 100);
}

INSTANTIATE_TEST_SUITE_P(Releases, ParserConformance, testing::ValuesIn(AllParsers()), [](const auto& parameter) {
  std::string name = parameter.param.engine() + "_" + parameter.param.version();
  std::ranges::replace(name, '.', '_');
  return name;
});

// Releases that were not recorded: what is emitted has to be known to the release before or to the one after.
TEST(ParsersBetween, AcceptEveryMappedConfiguration) {
  struct Gap {
    std::string engine, release, before, after;
  };
  const std::vector<Gap> gaps = {{"vllm", "0.12.0", "0.11.2", "0.14.1"},      {"vllm", "0.17.0", "0.16.0", "0.18.1"},
                                 {"vllm", "0.19.0", "0.18.1", "0.20.2"},      {"vllm", "0.20.0", "0.18.1", "0.20.2"},
                                 {"vllm", "0.22.0", "0.20.2", "0.24.0"},      {"vllm", "0.25.0", "0.24.0", "0.26.0"},
                                 {"vllm", "0.28.0", "0.26.0", "0.33.0"},      {"vllm", "0.30.0", "0.26.0", "0.33.0"},
                                 {"sglang", "0.5.8", "0.5.6.post2", "0.5.9"}, {"sglang", "0.5.12", "0.5.9", "0.5.15"},
                                 {"sglang", "0.5.16", "0.5.15", "0.5.18"},    {"sglang", "0.5.20", "0.5.18", "0.5.23"}};
  for (const Gap& gap : gaps) {
    const std::string folder = std::string(TESTDATA_DIR) + "/engines/parsers/" + gap.engine + "-";
    const RecordedParser before = RecordedParser::Read(folder + gap.before + ".json");
    const RecordedParser after = RecordedParser::Read(folder + gap.after + ".json");
    LaunchRequest request = Request(gap.engine, gap.release, Moe());
    ForEveryConfiguration([&](const QuantConfig& config) {
      request.quant = config;
      const LaunchPlan plan = PlanLaunch(Rules(), request);
      if (plan.rejection) return;
      const bool fits = before.Complaint(plan.args).empty() || after.Complaint(plan.args).empty();
      EXPECT_TRUE(fits) << gap.engine << " " << gap.release << " " << Summary(config) << "\n" << Line(plan);
    });
  }
}

TEST(ParsersBetween, WarnWhereTheNeighboursDiffer) {
  // 0.18 has --elastic-ep-join-mode, 0.15 does not, and the packages between them do not tell.
  LaunchRequest request = Request("sglang", "0.5.16");
  request.parameters = Values({{"elastic-ep-join-rank-offset", "2"}});
  LaunchPlan plan = PlanLaunch(Rules(), request);
  EXPECT_EQ(Line(plan), "--elastic-ep-join-rank-offset 2");
  EXPECT_TRUE(Warns(plan, "FlagNotCertain"));
  // 0.24 has --spec-tokens, 0.20 does not, and the package of 0.22 does.
  request = Request("vllm", "0.22.0");
  request.parameters = Values({{"spec-tokens", "2"}});
  plan = PlanLaunch(Rules(), request);
  EXPECT_EQ(Line(plan), "--spec-tokens 2");
  EXPECT_FALSE(Warns(plan, "FlagNotCertain"));
  request = Request("vllm", "0.27.0");
  request.parameters = Values({{"max-num-partial-prefills", "4"}});
  EXPECT_EQ(Line(PlanLaunch(Rules(), request)), "REJECT UnknownFlag");
  // A list shows what the release takes, and not what a neighbour does.
  request = Request("vllm", "0.28.0");
  request.parameters = Values({{"quantization", "bitsandbytes"}});
  plan = PlanLaunch(Rules(), request);
  ASSERT_TRUE(plan.rejection);
  EXPECT_NE(plan.rejection->message.find("takes one of "), std::string::npos);
  EXPECT_EQ(plan.rejection->message.find(" bitsandbytes,"), std::string::npos) << plan.rejection->message;
  request = Request("vllm", "0.22.0");
  // Known on both sides, and known from both sides not to take the value.
  request.parameters = Values({{"kv-cache-dtype", "int4_per_token_head"}});
  EXPECT_EQ(Line(PlanLaunch(Rules(), request)), "REJECT InvalidFlagValue");
}

}  // namespace
}  // namespace autotune::quant
