#include "measurement/workload.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <string>

namespace autotune::measurement {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::StartsWith;

TEST(ReadDataset, ReadsPromptsAndMessages) {
  const auto entries = ReadDataset(
      "{\"prompt\": \"one\", \"output_tokens\": 7}\n\n"
      "{\"messages\": [{\"role\": \"system\", \"content\": \"be brief\"}, {\"role\": \"user\", \"content\": "
      "[{\"type\": \"text\", \"text\": \"hi\"}]}], \"max_tokens\": 9}\r\n",
      DatasetFormat::kJsonl, "p.jsonl");
  ASSERT_TRUE(entries.ok()) << entries.error().message;
  ASSERT_EQ(entries->size(), 2U);
  EXPECT_EQ((*entries)[0].prompt, "one");
  EXPECT_EQ((*entries)[0].output_tokens, 7);
  EXPECT_THAT((*entries)[1].messages, ElementsAre(Message{"system", "be brief"}, Message{"user", "hi"}));
  EXPECT_EQ((*entries)[1].output_tokens, 9);
}

TEST(ReadDataset, ReadsShareGptAsAListOrLineByLine) {
  const std::string one =
      R"({"id": "a", "conversations": [{"from": "human", "value": "hi"}, {"from": "gpt", "value": "hello"}]})";
  const std::string answer_first = R"({"conversations": [{"from": "gpt", "value": "hello"}]})";
  for (const std::string& text : {"[" + one + ", " + answer_first + "]", one + "\n" + answer_first + "\n"}) {
    const auto entries = ReadDataset(text, DatasetFormat::kShareGpt, "s.json");
    ASSERT_TRUE(entries.ok()) << entries.error().message;
    ASSERT_EQ(entries->size(), 1U) << "a conversation that an answer begins cannot be sent";
    EXPECT_THAT((*entries)[0].messages, ElementsAre(Message{"user", "hi"}, Message{"assistant", "hello"}));
  }
}

// As other clients of the field write them: vLLM's and SGLang's batch and custom files, GuideLLM, AIPerf.
TEST(ReadDataset, ReadsTheSpellingsOfOtherClients) {
  const struct {
    DatasetFormat format;
    const char* bytes;
    DatasetEntry entry;
  } kCases[] = {
      {DatasetFormat::kJsonl,
       R"({"custom_id": "r-1", "method": "POST", "url": "/v1/chat/completions",
           "body": {"model": "m", "messages": [{"role": "user", "content": "hi"}], "max_completion_tokens": 9}})",
       {"", {{"user", "hi"}}, 9, {}, 0, {}}},
      {DatasetFormat::kJsonl,
       R"([{"prompt": "hi", "prompt_tokens_count": 1, "output_tokens_count": 7}])",
       {"hi", {}, 7, {}, 0, {}}},
      {DatasetFormat::kJsonl, R"({"text": "hi"})", {"hi", {}, std::nullopt, {}, 0, {}}},
      {DatasetFormat::kJsonl,
       R"({"text_input": "hi", "output_length": 4, "max_tokens": null})",
       {"hi", {}, 4, {}, 0, {}}},
      {DatasetFormat::kShareGpt,
       R"({"conversations": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yes"}]})",
       {"", {{"user", "hi"}, {"assistant", "yes"}}, std::nullopt, {}, 0, {}}},
      {DatasetFormat::kShareGpt,
       R"({"conversations": [{"role": "user", "content": [{"type": "text", "text": "h"}, {"type": "text", "text": "i"}]},
           {"role": "assistant", "content": "yes"}, {"role": "user", "content": "and?"}]})",
       {"", {{"user", "hi"}, {"assistant", "yes"}}, std::nullopt, {}, 0, {}}},
      {DatasetFormat::kShareGpt,  // WildChat
       R"({"conversation": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yes"}], "turn": 1})",
       {"", {{"user", "hi"}, {"assistant", "yes"}}, std::nullopt, {}, 0, {}}},
      {DatasetFormat::kJsonl,
       R"({"session_id": "s", "turns": [{"text": "hi", "delay": 0}, {"texts": ["and", "?"]}]})",
       {"", {{"user", "hi"}, {"user", "and?"}}, std::nullopt, {}, 0, {}, "", true}},
      {DatasetFormat::kJsonl,
       R"({"question_id": 81, "turns": ["hi", "and?"]})",
       {"", {{"user", "hi"}, {"user", "and?"}}, std::nullopt, {}, 0, {}, "", true}},
      {DatasetFormat::kJsonl, R"({"texts": ["h", "i"], "image": null})", {"hi", {}, std::nullopt, {}, 0, {}}},
      {DatasetFormat::kMooncake,
       R"({"timestamp": 12.75, "input_length": 6.0, "output_length": 2, "hash_ids": [3]})",
       {"", {}, 2, {}, 6, {3}}},
  };
  for (const auto& row : kCases) {
    std::string bytes = row.bytes;
    std::replace(bytes.begin(), bytes.end(), '\n', ' ');
    const auto entries = ReadDataset(bytes, row.format, "d");
    ASSERT_TRUE(entries.ok()) << entries.error().message;
    DatasetEntry entry = row.entry;
    entry.place = bytes.starts_with('[') ? "d[0]" : "d:1";
    EXPECT_THAT(*entries, ElementsAre(entry)) << bytes;
  }
}

TEST(ReadDataset, TurnsThatNobodyAnsweredAreRequestsOnlyWhereNoneWasAnswered) {
  const auto entries =
      ReadDataset(R"([{"conversations": [{"from": "human", "value": "a"}, {"from": "human", "value": "b"}]}])",
                  DatasetFormat::kShareGpt, "d");
  ASSERT_TRUE(entries.ok()) << entries.error().message;
  EXPECT_THAT((*entries)[0].messages, ElementsAre(Message{"user", "a"}, Message{"user", "b"}));
}

TEST(ReadDataset, ReadsATraceFromItsFirstArrival) {
  const auto entries = ReadDataset(
      "{\"timestamp\": 27482, \"input_length\": 6955, \"output_length\": 52, \"hash_ids\": [46, 47]}\n"
      "{\"timestamp\": 30535, \"input_length\": 10, \"output_length\": 26}\n",
      DatasetFormat::kMooncake, "t.jsonl");
  ASSERT_TRUE(entries.ok()) << entries.error().message;
  EXPECT_EQ((*entries)[0].arrival, milliseconds(0));
  EXPECT_EQ((*entries)[1].arrival, milliseconds(3053));
  EXPECT_EQ((*entries)[0].input_tokens, 6955);
  EXPECT_THAT((*entries)[0].blocks, ElementsAre(46, 47));
}

TEST(ReadDataset, NamesFileAndLineOfWhatIsWrong) {
  const struct {
    DatasetFormat format;
    const char* bytes;
    const char* message;
  } kCases[] = {
      {DatasetFormat::kJsonl, "{\"prompt\": \"a\"}\nnonsense\n", "d:2: not JSON: nonsense"},
      {DatasetFormat::kJsonl, "Timestamp,Model\n5,a\n",
       "d:1: not JSON: Timestamp,Model (a dataset is JSONL, ShareGPT or a Mooncake trace"},
      {DatasetFormat::kJsonl, "[1]", "d[0]: not a JSON object: 1"},
      {DatasetFormat::kJsonl, "{\"text\": 5}", "d:1: \"text\" is not a string"},
      {DatasetFormat::kJsonl, "{}", "d:1: there is neither \"prompt\" nor \"messages\""},
      {DatasetFormat::kJsonl, "{\"prompt\": \"a\", \"messages\": []}",
       "d:1: there are both \"prompt\" and \"messages\""},
      {DatasetFormat::kJsonl, "PAR1\x15\xff\x1b[31m", "d:1: not JSON: PAR1\\u0015\\ufffd\\u001b[31m (a dataset is"},
      {DatasetFormat::kJsonl, "{\"prompt\": 5}", "d:1: \"prompt\" is not a string"},
      {DatasetFormat::kJsonl, "{\"prompt\": \"\"}", "d:1: \"prompt\" is empty"},
      {DatasetFormat::kJsonl, "{\"messages\": [{\"content\": \"x\"}]}", "d:1: messages[0] has no \"role\""},
      {DatasetFormat::kJsonl, "{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": 5}]}]}",
       "d:1: messages[0].content[0] is of type 5: only text is sent"},
      {DatasetFormat::kJsonl, "{\"messages\": [{\"role\": \"user\", \"content\": null}]}",
       "d:1: messages[0].content is not a string"},
      {DatasetFormat::kJsonl,
       "{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"text\", \"text\": \"a\"}, {\"type\": "
       "\"image_url\"}]}]}",
       "d:1: messages[0].content[1] is of type \"image_url\": only text is sent"},
      {DatasetFormat::kJsonl, "{\"text\": \"a\", \"image\": \"x.png\"}", "d:1: \"image\": only text is sent"},
      {DatasetFormat::kJsonl, "{\"turns\": [{\"text\": \"a\"}, {\"delay\": 5}]}", "d:1: turns[1] has no \"text\""},
      {DatasetFormat::kJsonl, "{\"turns\": [\"a\"], \"prompt\": \"b\"}",
       "d:1: there are both \"prompt\" and \"turns\""},
      {DatasetFormat::kJsonl, "{\"prompt\": \"a\", \"output_tokens\": 0}",
       "d:1: \"output_tokens\" is 0, not a whole number from 1"},
      {DatasetFormat::kJsonl, "", "d: no usable entry"},
      {DatasetFormat::kShareGpt, "[{\"conversations\": [{\"from\": \"human\"}]}]",
       "d[0]: conversations[0].value is not a string"},
      {DatasetFormat::kShareGpt, "[{", "d: not a JSON list"},
      {DatasetFormat::kMooncake, "{\"timestamp\": 1, \"input_length\": 2}", "d:1: \"output_length\" is missing"},
      {DatasetFormat::kMooncake,
       "{\"timestamp\": 5, \"input_length\": 2, \"output_length\": 2}\n"
       "{\"timestamp\": 4, \"input_length\": 2, \"output_length\": 2}",
       "d:2: timestamp 4 is before that of the line above (5): a trace must be in order"},
      {DatasetFormat::kMooncake, "{\"timestamp\": 5, \"input_length\": 2.5, \"output_length\": 2}",
       "d:1: \"input_length\" is 2.5, not a whole number"},
      {DatasetFormat::kMooncake, "{\"timestamp\": \"5\", \"input_length\": 2, \"output_length\": 2}",
       "d:1: \"timestamp\" is \"5\", not milliseconds from 0"},
      {DatasetFormat::kMooncake,
       "{\"timestamp\": 5, \"input_length\": 40, \"output_length\": 2, \"hash_ids\": [1, 2, 3]}",
       "d:1: \"hash_ids\" has 3 blocks for 40 tokens, and a block of a Mooncake trace has 512"},
  };
  for (const auto& row : kCases) {
    const auto entries = ReadDataset(row.bytes, row.format, "d");
    ASSERT_FALSE(entries.ok()) << row.bytes;
    EXPECT_THAT(entries.error().message, StartsWith(row.message));
  }
}

TEST(Workload, NamesReadBack) {
  for (const Endpoint endpoint : {Endpoint::kCompletions, Endpoint::kChat}) {
    EXPECT_EQ(EndpointFromName(EndpointName(endpoint)), endpoint);
  }
  for (const DatasetFormat format : {DatasetFormat::kJsonl, DatasetFormat::kShareGpt, DatasetFormat::kMooncake}) {
    EXPECT_EQ(DatasetFormatFromName(DatasetFormatName(format)), format);
  }
}

}  // namespace
}  // namespace autotune::measurement
