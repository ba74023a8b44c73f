#include "simulator/argparse.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "recorded_data.h"
#include "simulator/flexible_arguments.h"
#include "simulator/python_text.h"

namespace autotune::simulator {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;

json Describe(const std::variant<ParsedArguments, ArgparseError>& result) {
  if (const auto* refusal = std::get_if<ArgparseError>(&result)) {
    const char* kind = refusal->kind == ArgparseError::Kind::kError ? "error" : "unrecognized";
    return {{"kind", kind}, {"message", refusal->message}};
  }
  json given = json::object();
  for (const auto& [key, argument] : std::get<ParsedArguments>(result).given) {
    given[key] = argument.values.empty() ? json(argument.on) : json(argument.values);
  }
  return {{"kind", "ok"}, {"message", ""}, {"given", given}};
}

// The corpus was written by Python's own argparse (make_argparse_corpus.py).
TEST(Argparse, AgreesWithPythonsOnEveryLineOfTheCorpus) {
  const json corpus = json::parse(ReadFile(std::string(TESTDATA_DIR) + "/simulator/argparse_corpus.json"));
  ASSERT_GT(corpus.size(), 1000U);
  RecordedParser parser;  // the corpus is sorted by release
  for (const json& row : corpus) {
    const Engine engine = row["engine"] == "vllm" ? Engine::kVllm : Engine::kSglang;
    const std::string version = row["version"];
    if (parser.release.engine != engine || parser.release.version != version) parser = Recorded(engine, version);
    const std::vector<std::string> required =
        engine == Engine::kSglang ? std::vector<std::string>{"model-path"} : std::vector<std::string>{};
    json want = {{"kind", row["kind"]}, {"message", row["message"]}};
    if (row.contains("given")) want["given"] = row["given"];
    EXPECT_EQ(Describe(ParseArguments(parser, row["argv"], required)), want)
        << row["engine"] << " " << row["version"] << " " << row["argv"];
  }
}

// Beyond this flag the recordings know less than the usage shows: hidden flags, names of values, flags of other
// parsers.
TEST(Argparse, WritesSglangsUsageAsRecordedUpToTheFirstHiddenFlag) {
  const std::string log = RecordedLog("sglang-0.5.15/unknown_flag.log");
  const std::size_t begin = log.find("usage: ");
  const std::size_t end = log.find("[--enable-forward-pass-metrics]");
  ASSERT_NE(begin, std::string::npos);
  ASSERT_NE(end, std::string::npos);
  const std::string usage = FormatUsage(Recorded(Engine::kSglang, "0.5.15"), "sglang serve", {"model-path"});
  EXPECT_EQ(usage.substr(0, end - begin), log.substr(begin, end - begin));
}

TEST(PythonText, QuotesAsReprDoes) {
  EXPECT_EQ(PythonRepr("fp16"), "'fp16'");
  EXPECT_EQ(PythonRepr("it's"), "\"it's\"");
  EXPECT_EQ(PythonRepr("a'\"b"), "'a\\'\"b'");
  EXPECT_EQ(PythonRepr("a\nb\\"), "'a\\nb\\\\'");
}

TEST(PythonText, ReadsHumanReadableIntegers) {
  EXPECT_EQ(ParseHumanReadableInt("16k").value, 16000);
  EXPECT_EQ(ParseHumanReadableInt("16K").value, 16384);
  EXPECT_EQ(ParseHumanReadableInt("25.6k").value, 25600);
  EXPECT_EQ(ParseHumanReadableInt("1_000").value, 1000);
  EXPECT_FALSE(ParseHumanReadableInt("k").value);
  EXPECT_FALSE(ParseHumanReadableInt("1.5K").value);
  EXPECT_NE(ParseHumanReadableInt("1.5K").message, "");
}

struct FlexibleCase {
  const char* name;
  std::vector<std::string> in;
  std::vector<std::string> out;
};

TEST(FlexibleArguments, PreparesLinesAsVllmDoes) {
  const RecordedParser parser = Recorded(Engine::kVllm, "0.24.0");
  const FlexibleCase cases[] = {
      {"underscores", {"m", "--kv_cache_dtype", "fp8"}, {"m", "--kv-cache-dtype", "fp8"}},
      {"underscores stay in values", {"m", "--kv_cache_dtype=fp8_e4m3"}, {"m", "--kv-cache-dtype=fp8_e4m3"}},
      {"dotted flags become JSON",
       {"m", "--quantization-config.linear=fp8_per_tensor", "--quantization_config.moe", "mxfp8"},
       {"m", "--quantization-config", R"({"linear":"fp8_per_tensor","moe":"mxfp8"})"}},
      {"dots in values do not count", {"m", "--served-model-name=a.b"}, {"m", "--served-model-name=a.b"}},
      {"a negative decimal is a value", {"m", "--seed", "-1.5"}, {"m", "--seed", "-1.5"}},
      {"-O3", {"m", "-O3"}, {"m", "--optimization-level", "3"}},
      {"--model moves to the front", {"--port", "1", "--model", "m"}, {"m", "--port", "1"}},
  };
  for (const FlexibleCase& each : cases) {
    const auto prepared = PrepareVllmArguments(parser, each.in, true);
    ASSERT_TRUE(prepared.ok()) << each.name;
    EXPECT_EQ(prepared->arguments, each.out) << each.name;
  }
}

TEST(FlexibleArguments, WarnsOfDuplicateFlagsAsRecorded) {
  const auto prepared = PrepareVllmArguments(Recorded(Engine::kVllm, "0.24.0"),
                                             {"m", "--max-model-len", "1", "--max-model-len", "2"}, true);
  ASSERT_TRUE(prepared.ok());
  ASSERT_THAT(prepared->warnings, ElementsAre("Found duplicate keys --max-model-len"));
  EXPECT_NE(RecordedLog("vllm-0.24.0/context_too_long.log").find(prepared->warnings[0]), std::string::npos);
}

TEST(RecordedParsers, NameWhatIsRecordedWhenAReleaseIsMissing) {
  const auto missing = RecordedParsers::Embedded().Find({Engine::kVllm, "0.19.0"});
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, base::Code::kNotFound);
  EXPECT_EQ(
      missing.error().message,
      "no recorded parser of vllm 0.19.0; recorded: 0.11.2, 0.14.1, 0.16.0, 0.18.1, 0.20.2, 0.24.0, 0.26.0, 0.33.0");
}

TEST(RecordedParsers, ReadTheSameFromADirectory) {
  const auto parsers = RecordedParsers::FromDirectory(std::string(TESTDATA_DIR) + "/engines/parsers");
  ASSERT_TRUE(parsers.ok());
  EXPECT_EQ(parsers->Versions(Engine::kSglang), RecordedParsers::Embedded().Versions(Engine::kSglang));
  EXPECT_FALSE(RecordedParsers::FromDirectory("/nonexistent").ok());
}

}  // namespace
}  // namespace autotune::simulator
