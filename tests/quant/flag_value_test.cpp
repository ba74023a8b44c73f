#include "quant/flag_value.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace autotune::quant {
namespace {

using nlohmann::json;

FlagValue Read(const std::string& text) {
  const base::Result<FlagValue> value = FlagValue::FromJson(json::parse(text), "parameters.x");
  EXPECT_TRUE(value.ok()) << text;
  return value.ok() ? *value : FlagValue{};
}

TEST(FlagValue, GivesEveryNumberOneForm) {
  struct Case {
    std::string text, canonical;
  };
  const std::vector<Case> cases = {
      {"0.90", "0.9"},    {"9e-1", "0.9"}, {"0.9", "0.9"},         {"8.0", "8"},        {"8", "8"},
      {"1e3", "1000"},    {"-1", "-1"},    {"-0.0", "0"},          {"0", "0"},          {".5", "0.5"},
      {"1.25E+2", "125"}, {"120", "120"},  {"0.00012", "0.00012"}, {"12e-5", "0.00012"}};
  for (const Case& c : cases) {
    EXPECT_TRUE(FlagValue::IsNumber(c.text)) << c.text;
    EXPECT_EQ(FlagValue::CanonicalNumber(c.text), c.canonical) << c.text;
  }
}

TEST(FlagValue, LeavesTextThatOnlyLooksLikeANumberAlone) {
  for (const std::string text : {"", "-", ".", "1.", "007", "1e999", "0x10", "8k", "1 2", "1.2.3", "nan", "+1", "e5"})
    EXPECT_FALSE(FlagValue::IsNumber(text)) << text;
}

TEST(FlagValue, TakesNumbersInTextForNumbers) { EXPECT_EQ(Read("\"0.90\""), Read("0.9")); }

TEST(FlagValue, ReadsEveryKind) {
  EXPECT_EQ(Read("true"), FlagValue::Bool(true));
  EXPECT_EQ(Read("1e-7").text, "0.0000001");
  EXPECT_EQ(Read("\"fp8\"").kind, FlagValue::Kind::kString);
  EXPECT_EQ(Read("[1, 2.0, \"4\", \"x\"]").items, (std::vector<std::string>{"1", "2", "4", "x"}));
  EXPECT_EQ(Read(R"({"b": 1.0, "a": {"d": [2.0], "c": 0.5}})").text, R"({"a":{"c":0.5,"d":[2]},"b":1})");
  EXPECT_EQ(Read(R"({"unset": true})"), FlagValue::Unset());
}

TEST(FlagValue, RefusesWhatNoFlagTakes) {
  struct Case {
    std::string text, message;
  };
  const std::vector<Case> cases = {
      {"null", "parameters.x: must be a boolean, a number, a string, a list or a map; {unset: true} removes a flag"},
      {"[1, null]", "parameters.x[1]: must not be null"},
      {R"({"unset": false})", "parameters.x.unset: false must be true; remove the parameter to keep the flag"},
      {"1e300", "parameters.x: 1e+300 is not a finite number in the supported range"},
  };
  for (const Case& c : cases) {
    const base::Result<FlagValue> value = FlagValue::FromJson(json::parse(c.text), "parameters.x");
    ASSERT_FALSE(value.ok()) << c.text;
    EXPECT_EQ(value.error().message, c.message);
  }
}

TEST(FlagValue, ComesBackFromItsJson) {
  for (const std::string text : {"true", "8", "0.95", "\"fp8\"", "[1,2,\"x\"]", R"({"a":{"b":1}})", R"({"unset":true})",
                                 "\"123456789012345678901234567890\""}) {
    const FlagValue value = Read(text);
    const base::Result<FlagValue> again = FlagValue::FromJson(value.ToJson(), "x");
    ASSERT_TRUE(again.ok()) << text;
    EXPECT_EQ(*again, value) << text;
  }
}

TEST(FlagValue, ReadsWellForPeople) {
  EXPECT_EQ(Read("false").ToString(), "false");
  EXPECT_EQ(Read("[1,2,4]").ToString(), "1,2,4");
  EXPECT_EQ(FlagValue::Unset().ToString(), "(unset)");
}

TEST(FlagValue, ReadsNumbersOfTokensAsEnginesDo) {
  EXPECT_EQ(FlagValue::Tokens("8192"), 8192);
  EXPECT_EQ(FlagValue::Tokens("8k"), 8000);
  EXPECT_EQ(FlagValue::Tokens("8K"), 8192);
  EXPECT_EQ(FlagValue::Tokens("1.5m"), 1'500'000);
  for (const char* text : {"", "auto", "-1", "0", "k", "8kb"}) EXPECT_EQ(FlagValue::Tokens(text), std::nullopt) << text;
}

}  // namespace
}  // namespace autotune::quant
