#include "base/json_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace base {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::Pair;

using Members = std::vector<std::pair<std::string, std::string>>;

std::optional<Members> MembersOf(std::string_view text) {
  Members members;
  const bool whole =
      EachJsonMember(text, [&](std::string_view name, std::string_view value) { members.emplace_back(name, value); });
  return whole ? std::optional(members) : std::nullopt;
}

TEST(JsonText, FindsMembersAsTheyAreWritten) {
  EXPECT_THAT(*MembersOf("{}"), ElementsAre());
  EXPECT_THAT(*MembersOf(R"({"a":1})"), ElementsAre(Pair("a", "1")));
  EXPECT_THAT(*MembersOf(" { \"a\" : [ 1 , {\"b\":2} ] ,\n\"c\":\"x\" } \n"),
              ElementsAre(Pair("a", "[ 1 , {\"b\":2} ]"), Pair("c", "\"x\"")));
  EXPECT_THAT(*MembersOf(R"({"a":true,"b":null,"c":-1.5e3,"d":{}})"),
              ElementsAre(Pair("a", "true"), Pair("b", "null"), Pair("c", "-1.5e3"), Pair("d", "{}")));
}

TEST(JsonText, BracketsAndQuotesInStringsSeparateNothing) {
  EXPECT_THAT(*MembersOf(R"({"a":"}]\",{[","b":"\\","c":{"d":"\"}"}})"),
              ElementsAre(Pair("a", R"("}]\",{[")"), Pair("b", R"("\\")"), Pair("c", R"({"d":"\"}"})")));
  EXPECT_THAT(*MembersOf(R"({"a\"b":1})"), ElementsAre(Pair(R"(a\"b)", "1"))) << "names keep their escapes";
}

TEST(JsonText, WhatIsNotOneWholeObjectIsRefused) {
  for (const std::string text :
       {"", " ", "1", "[]", "{", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{,}", "{\"a\" 1}",
        "{a:1}", "{\"a\":1}}", "{\"a\":1} x", "{\"a\":\"b}", "{\"a\":[1}", "{\"a\":\"\\", "{\"a\":}"}) {
    EXPECT_FALSE(MembersOf(text)) << text;
  }
}

TEST(JsonText, FindsOneMemberWithoutReadingOn) {
  EXPECT_EQ(FirstJsonMember(R"({"a":{"b":1},"b":[2],"c")", "b"), "[2]");
  EXPECT_EQ(FirstJsonMember(R"({"a":{"b":1}})", "b"), std::nullopt);
  EXPECT_EQ(FirstJsonMember(R"({"a":1,"b":)", "b"), std::nullopt);
  EXPECT_EQ(FirstJsonMember("[]", "b"), std::nullopt);
}

TEST(JsonText, FindsElements) {
  std::vector<std::string> elements;
  const auto collect = [&](std::string_view element) { elements.emplace_back(element); };
  EXPECT_TRUE(EachJsonElement(R"([ {"a":[1,2]} , "x,y" ,[3], 4 ])", collect));
  EXPECT_THAT(elements, ElementsAre(R"({"a":[1,2]})", R"("x,y")", "[3]", "4"));
  EXPECT_TRUE(EachJsonElement("[]", collect));
  EXPECT_FALSE(EachJsonElement("{}", collect));
  EXPECT_FALSE(EachJsonElement("[1", collect));
  EXPECT_FALSE(EachJsonElement("[1,]", collect));
  EXPECT_FALSE(EachJsonElement("null", collect));
}

TEST(JsonText, LeavesOutMembersAlsoOfArraysOfObjects) {
  const JsonPaths paths = {"b", "c.d", "e.f.g"};
  const auto without = [&](std::string_view text) { return WithoutJsonMembers(text, paths).value_or("refused"); };
  EXPECT_EQ(without(R"({"a":1,"b":{"c":2},"c":{"d":3,"x":{"d":4}}})"), R"({"a":1,"c":{"x":{"d":4}}})");
  EXPECT_EQ(without(R"({"b":1,"e":[{"f":{"g":1,"h":2}},{"f":[{"g":3},{"h":4}]},5,[{"f":6}]]})"),
            R"({"e":[{"f":{"h":2}},{"f":[{},{"h":4}]},5,[{"f":6}]]})");
  EXPECT_EQ(without(R"({ "b" : 1 , "a" : [ ] })"), R"({"a":[ ]})");
  EXPECT_EQ(without(R"({"b":1})"), "{}");
  EXPECT_EQ(without("7"), "7");
  EXPECT_EQ(without(R"({"a":1,"b":)"), "refused");
  EXPECT_EQ(without(R"({"a":1}})"), "refused");
}

TEST(JsonText, LeavesOutAllMembersButSome) {
  EXPECT_EQ(WithoutJsonMembers(R"({"a":[{"x":1,"y":{"z":2},"k":3},{"l":[4]},{"z":5}],"k":6})", {"a.{k,l}"}),
            R"({"a":[{"k":3},{"l":[4]},{}],"k":6})");
  EXPECT_EQ(WithoutJsonMembers(R"({"a":{"k":{"x":1,"y":2},"l":3}})", {"a.{k}", "a.k.x"}), R"({"a":{"k":{"y":2}}})");
}

TEST(JsonText, DepthIsNotTheStacks) {
  const std::string deep = std::string(1'000'000, '[') + std::string(1'000'000, ']');
  EXPECT_EQ(WithoutJsonMembers(R"({"a":)" + deep + "}", {"a.b"}), R"({"a":)" + deep + "}");
}

// What is left parses to what a parser leaves of the whole.
TEST(JsonText, AgreesWithAParserOnRandomValues) {
  std::mt19937 random(7);
  const auto below = [&](int limit) { return std::uniform_int_distribution(0, limit - 1)(random); };
  const std::string texts[] = {"", "a", "b", "\"", "\\", "}{", "][", ",:", "\n\t", "\xc3\xa4"};
  const std::function<json(int)> value = [&](int depth) -> json {
    const int kind = below(depth > 0 ? 6 : 4);
    if (kind == 0) return below(100) - 50;
    if (kind == 1) return below(2) == 0;
    if (kind == 2) return nullptr;
    if (kind == 3) return texts[below(std::size(texts))];
    json out = kind == 4 ? json::array() : json::object();
    for (int i = below(5); i > 0; --i) {
      kind == 4 ? out.push_back(value(depth - 1)) : void(out[texts[below(std::size(texts))]] = value(depth - 1));
    }
    return out;
  };
  const std::function<void(json&)> leave_out = [&](json& parsed) {
    if (!parsed.is_object()) return;
    parsed.erase("b");
    const auto inner = parsed.find("a");
    if (inner == parsed.end()) return;
    if (inner->is_object()) inner->erase("b");
    if (!inner->is_array()) return;
    for (json& element : *inner) {
      if (element.is_object()) element.erase("b");
    }
  };
  int changed = 0;
  for (int i = 0; i < 2000; ++i) {
    json whole = value(4);
    if (whole.is_array()) whole = {{"a", whole}};
    const std::string text = whole.dump(below(3) - 1);
    const auto left = WithoutJsonMembers(text, {"b", "a.b"});
    ASSERT_TRUE(left) << text;
    json expected = whole;
    leave_out(expected);
    changed += expected == whole ? 0 : 1;
    EXPECT_EQ(json::parse(*left), expected) << text;
  }
  EXPECT_GT(changed, 30) << "the test says something";
}

}  // namespace
}  // namespace base
