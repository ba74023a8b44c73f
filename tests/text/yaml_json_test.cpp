#include "text/yaml_json.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <random>

namespace autotune::text {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;

json One(const std::string& text) {
  const auto documents = ParseYaml(text, "t.yaml");
  if (!documents) {
    ADD_FAILURE() << documents.error().message;
    return nullptr;
  }
  EXPECT_THAT(*documents, SizeIs(1)) << text;
  return documents->empty() ? json() : documents->front();
}

TEST(ParseYaml, ReadsScalarsByTheCoreSchema) {
  struct Case {
    const char* text;
    json expected;
  };
  const Case cases[] = {
      {"true", true},
      {"False", false},
      {"~", nullptr},
      {"null", nullptr},
      {"", nullptr},
      {"8", 8},
      {"-3", -3},
      {"+7", 7},
      {"0", 0},
      {"0x1F", 31},
      {"0o17", 15},
      {"0.9", 0.9},
      {"0.90", 0.9},
      {".5", 0.5},
      {"1e3", 1000.0},
      {"1.5E-2", 0.015},
      {"18446744073709551615", 18446744073709551615ULL},
      {"fp8", "fp8"},
      {"1e", "1e"},
      {"0123", "0123"},
      {"1_000", "1_000"},
      {"yes", "yes"},
      {"off", "off"},
      {"No", "No"},
      {"2026-11-22", "2026-11-22"},
      {"70Gi", "70Gi"},
      {"500ms", "500ms"},
      {"1.2.3", "1.2.3"},
      {"a-b", "a-b"},
      {"'8'", "8"},
      {"\"true\"", "true"},
      {"'null'", "null"},
      {"!!str 8", "8"},
      {"D(512,128)", "D(512,128)"},
      {"\"\"", ""},
  };
  for (const Case& test : cases) {
    const json document = One(std::string("v: ") + test.text);
    EXPECT_EQ(document["v"], test.expected) << test.text;
    EXPECT_EQ(document["v"].is_number_float(), test.expected.is_number_float()) << test.text;
  }
}

// As `kubectl label --local -o json` showed what it reads.
TEST(ParseYaml, ReadsAsKubectlDoesWhereItIsAsked) {
  const std::vector<std::pair<const char*, const char*>> cases = {{"Off", "false"},
                                                                  {"off", "false"},
                                                                  {"NO", "false"},
                                                                  {"n", "false"},
                                                                  {"N", "false"},
                                                                  {"On", "true"},
                                                                  {"Yes", "true"},
                                                                  {"y", "true"},
                                                                  {"oFF", "\"oFF\""},
                                                                  {"'Off'", "\"Off\""},
                                                                  {"017", "15"},
                                                                  {"0o17", "15"},
                                                                  {"1_000", "1000"},
                                                                  {"0b11", "3"},
                                                                  {"08", "8"},
                                                                  {"1:30", "\"1:30\""},
                                                                  {"-0b11", "-3"},
                                                                  {"Nope", "\"Nope\""},
                                                                  {"2026-01-01", "\"2026-01-01\""},
                                                                  {"_", "\"_\""},
                                                                  {"true", "true"},
                                                                  {"1.5", "1.5"}};
  for (const auto& [text, expected] : cases) {
    const auto read = ParseYaml(std::string("a: ") + text, "t", Dialect::kKubectl);
    ASSERT_TRUE(read.ok()) << text << ": " << read.error().message;
    EXPECT_EQ(read->front()["a"].dump(), expected) << text;
  }
  EXPECT_EQ(ParseYaml("a: Off", "t")->front()["a"], "Off");
}

TEST(ParseYaml, ReadsNestedBlocksFlowAndLiteralText) {
  const json document =
      One("spec:\n  load: {concurrency: [1, 8]}\n  list:\n  - a\n  - b: 1\n    c: |\n      x\n      y\n");
  EXPECT_EQ(document, json::parse(R"({"spec":{"load":{"concurrency":[1,8]},"list":["a",{"b":1,"c":"x\ny\n"}]}})"));
}

TEST(ParseYaml, ReadsJson) {
  EXPECT_EQ(One(R"({"a": [1, "2", null, true]})"), json::parse(R"({"a":[1,"2",null,true]})"));
}

TEST(ParseYaml, ResolvesAnchorsAndMergeKeys) {
  EXPECT_EQ(One("a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}\nc: *x\n"),
            json::parse(R"({"a":{"p":1,"q":2},"b":{"p":1,"q":3},"c":{"p":1,"q":2}})"));
}

TEST(ParseYaml, ReadsEveryDocumentThatIsNotEmpty) {
  const auto documents = ParseYaml("---\n# nothing\n---\na: 1\n---\nb: 2\n", "t.yaml");
  ASSERT_TRUE(documents.ok());
  EXPECT_THAT(*documents, SizeIs(2));
  EXPECT_THAT(*ParseYaml("", "t.yaml"), SizeIs(0));
}

TEST(ParseYaml, SaysWhereItIsWrong) {
  struct Case {
    const char* text;
    const char* place;
    const char* what;
  };
  const Case cases[] = {
      {"a: {b: 1\n c: 2\n", "t.yaml:", "is not closed"},
      {"a:\n  b: 1\n c: 2\n", "t.yaml:3:", "another indentation than the fields that it belongs to"},
      {"a: b: c\n", "t.yaml:1:", "put the value in quotes"},
      {"a: @x\n", "t.yaml:1:", "a value cannot begin with this character"},
      {"a: 1\nb: [1, 2\n", "t.yaml:", "not YAML"},
      {"a: 1\n\tb: 2\n", "t.yaml:2:", "not YAML"},
      {"a: 1\nb: 2\na: 3\n", "t.yaml:3:1", "duplicate key \"a\""},
      {"a: .inf\n", "t.yaml:1:4", "not a number that JSON can hold"},
      {"a: *missing\n", "t.yaml:1:", "not YAML: * refers to an anchor"},
      {"[a]: 1\n", "t.yaml:1:", "a key has to be a scalar"},
      {"a: {<<: 3}\n", "t.yaml:1:", "<< merges mappings only"},
      {",: 1\n", "t.yaml:1:", "not YAML"},
  };
  for (const Case& test : cases) {
    const auto documents = ParseYaml(test.text, "t.yaml");
    ASSERT_FALSE(documents.ok()) << test.text;
    EXPECT_THAT(documents.error().message, StartsWith(test.place)) << test.text;
    EXPECT_THAT(documents.error().message, HasSubstr(test.what)) << test.text;
  }
}

TEST(ParseYaml, RefusesBytesThatAreNotUtf8) {
  for (const char* text : {"a: \xFE\xFF", "a: \"\xC3(\"", "- |\n  x\xFF", "\xFE: 1"}) {
    const auto parsed = ParseYaml(std::string("b: 1\n---\n") + text, "task.yaml");
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_THAT(parsed.error().message, testing::StartsWith("task.yaml:3:"));
    EXPECT_THAT(parsed.error().message, testing::HasSubstr("has bytes that are not UTF-8"));
  }
  EXPECT_TRUE(ParseYaml("a: Z\xC3\xBCrich \xF0\x9F\x98\x80", "task.yaml").ok());
}

TEST(ParseYaml, RefusesBombsAndDepthInsteadOfTakingAllMemory) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int k = 0; k < 9; ++k) bomb += ", " + before;
    bomb += "]\n";
  }
  EXPECT_THAT(ParseYaml(bomb, "t.yaml").error().message, HasSubstr("larger than"));
  EXPECT_THAT(ParseYaml(std::string(200, '[') + std::string(200, ']'), "t.yaml").error().message,
              HasSubstr("deeper than"));
  EXPECT_FALSE(ParseYaml("a: &x [*x]\n", "t.yaml").ok());
}

TEST(ToYaml, LooksAsKubectlWritesIt) {
  const json value =
      json::parse(R"({"kind":"X","metadata":{"name":"a"},"spec":{"empty":{},"list":[1,"two",{"a":1,"b":[true]}],
      "none":[],"text":"line one\nline two\n","version":"0.9","when":"2026-11-22T12:00:00Z"}})");
  EXPECT_EQ(ToYaml(value), R"(kind: X
metadata:
  name: a
spec:
  empty: {}
  list:
  - 1
  - two
  - a: 1
    b:
    - true
  none: []
  text: |
    line one
    line two
  version: "0.9"
  when: "2026-11-22T12:00:00Z"
)");
}

TEST(ToYaml, IsReadBackAsWhatItWas) {
  const char* texts[] = {"",      " ",    "a b", "a: b", "a #b",  "#a",  "- a",  "-",    "--flag", "-1",        "1",
                         "0x1",   "true", "yes", "null", "~",     "a:",  "@x",   "`x`",  "a\nb",   "a\n",       "\n",
                         "a\n\n", " a\n", "\ta", "a\tb", "'",     "\"",  "a\"b", "\\",   "{a}",    "[a]",       "!x",
                         "&x",    "*x",   "|",   ">",    "%",     "?",   "? a",  "\x01", "ü",      "e7-3",      "1.2.3",
                         "=",     "<<",   "---", "...",  "a\r\n", "1e5", "1_0",  ".5",   "+1",     "D(512,128)"};
  for (const char* text : texts) {
    const json value = {{"v", text}, {"l", json::array({text, {{text, text}}})}};
    EXPECT_EQ(One(ToYaml(value)), value) << "[" << text << "]\n" << ToYaml(value);
  }
  for (const json& value : {json(true), json(nullptr), json(1.5), json(-7), json("x"), json::array(), json::object(),
                            json::array({json::array({1, json::array({2})}), json::object()})}) {
    EXPECT_EQ(One(ToYaml({{"v", value}})), (json{{"v", value}})) << value;
  }
}

// Random bytes and mutilated manifests: an answer or an error, never a crash.
TEST(ParseYaml, SurvivesAnyText) {
  std::mt19937 random(7);
  const std::string manifest = "a: &x {b: [1, 'two', \"three\"]}\nc: *x\nd: |\n  text\n? e\n: f\n";
  const std::string alphabet = "abc:-[]{}#&*!|>'\"%@`,? \n\t\\~0.9eE<";
  for (int i = 0; i < 3000; ++i) {
    std::string text = manifest;
    for (int k = 0; k < 6; ++k) text[random() % text.size()] = alphabet[random() % alphabet.size()];
    const auto documents = ParseYaml(text, "t.yaml");
    EXPECT_TRUE(documents.ok() || !documents.error().message.empty());
  }
}

}  // namespace
}  // namespace autotune::text
