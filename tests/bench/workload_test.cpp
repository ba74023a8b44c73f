#include "bench/workload.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <set>

namespace autotune::bench {
namespace {

using measurement::DatasetEntry;
using measurement::DatasetFormat;
using measurement::Endpoint;
using measurement::Lengths;
using measurement::Scenario;
using nlohmann::json;
using testing::HasSubstr;

BenchSpec Spec(int input, int output) {
  BenchSpec spec;
  spec.scenarios = {Scenario::Fixed(input, output)};
  spec.seed = 7;
  return spec;
}

Workload Make(const BenchSpec& spec) {
  Workload workload(spec, 0);
  workload.set_model("org/model \"x\"");
  return workload;
}

Request First(const Workload& workload, std::uint64_t index) {
  Workload::Conversation conversation = workload.Start(index);
  return workload.Next(conversation, "");
}

std::set<std::string> Keys(const json& body) {
  std::set<std::string> keys;
  for (const auto& [key, value] : body.items()) keys.insert(key);
  return keys;
}

// TensorRT-LLM refuses every field that it does not know, so this list is a contract.
TEST(Workload, SendsExactlyTheFieldsThatAllEnginesKnow) {
  BenchSpec spec = Spec(512, 128);
  const json body = json::parse(First(Make(spec), 0).body);
  EXPECT_EQ(Keys(body), (std::set<std::string>{"model", "prompt", "max_tokens", "temperature", "seed", "ignore_eos",
                                               "skip_special_tokens", "stream", "stream_options"}));
  EXPECT_EQ(body["model"], "org/model \"x\"");
  EXPECT_EQ(body["max_tokens"], 128);
  EXPECT_EQ(body["temperature"], 0);
  EXPECT_EQ(body["seed"], 7);
  EXPECT_EQ(body["ignore_eos"], true);
  EXPECT_EQ(body["stream"], true);
  EXPECT_EQ(body["stream_options"], json({{"include_usage", true}}));

  spec.endpoint = Endpoint::kChat;
  const json chat = json::parse(First(Make(spec), 0).body);
  EXPECT_EQ(Keys(chat), (std::set<std::string>{"model", "messages", "max_tokens", "temperature", "seed", "ignore_eos",
                                               "skip_special_tokens", "stream", "stream_options"}));
  EXPECT_EQ(chat["messages"].size(), 1u);
  EXPECT_EQ(chat["messages"][0]["role"], "user");
}

TEST(Workload, AServerThatIsNoEngineGetsOnlyWhatTheApiHas) {
  Workload workload = Make(Spec(64, 8));
  workload.set_style({PromptStyle::Kind::kWords, 0, 0, false});
  const Request request = First(workload, 0);
  EXPECT_EQ(Keys(json::parse(request.body)), (std::set<std::string>{"model", "prompt", "max_tokens", "temperature",
                                                                    "seed", "stream", "stream_options"}));
  EXPECT_EQ(request.asked_tokens, 0) << "an answer that ends by itself is not short";
}

TEST(Workload, HasExactlyTheAskedNumberOfTokensInTheStylesRange) {
  for (const int vocab : {0, 16, 1000, 16'384, 32'000, 152'000}) {
    BenchSpec spec = Spec(512, 128);
    spec.vocab_size = vocab;
    for (const PromptStyle& style : PromptStyles(Endpoint::kCompletions, vocab)) {
      Workload workload = Make(spec);
      workload.set_style(style);
      const json prompt = json::parse(First(workload, 5).body)["prompt"];
      if (style.kind == PromptStyle::Kind::kWords) {
        const auto text = prompt.get<std::string>();
        EXPECT_EQ(std::count(text.begin(), text.end(), ' '), 511);
        continue;
      }
      ASSERT_EQ(prompt.size(), 512u);
      for (const json& id : prompt) {
        EXPECT_GE(id.get<int>(), style.first_id);
        EXPECT_LE(id.get<int>(), style.last_id);
        EXPECT_LT(id.get<int>(), vocab == 0 ? 31'000 : vocab);
      }
    }
  }
  EXPECT_EQ(PromptStyles(Endpoint::kCompletions, 152'000).front(), PromptStyles(Endpoint::kCompletions, 0).front())
      << "models with usual vocabularies get the same prompts, known or not";
}

TEST(Workload, IsTheSameForTheSameSeedAndIndex) {
  const BenchSpec spec = Spec(64, 8);
  EXPECT_EQ(First(Make(spec), 4).body, First(Make(spec), 4).body);
  BenchSpec other = spec;
  other.seed = 8;
  EXPECT_NE(json::parse(First(Make(spec), 4).body)["prompt"], json::parse(First(Make(other), 4).body)["prompt"]);
}

// Prefix caches must not help: the first tokens of no two requests agree.
TEST(Workload, SharesNoPrefixUnlessAsked) {
  const Workload workload = Make(Spec(16, 8));
  std::set<std::string> beginnings;
  for (std::uint64_t index = 0; index < 4000; ++index) {
    const json prompt = json::parse(First(workload, index).body)["prompt"];
    beginnings.insert(json(std::vector<json>(prompt.begin(), prompt.begin() + 3)).dump());
  }
  EXPECT_EQ(beginnings.size(), 4000u);
}

TEST(Workload, LengthsFollowTheScenario) {
  BenchSpec spec;
  spec.scenarios = {*Scenario::Parse("U(10,20)/(5,7)")};
  const Workload workload = Make(spec);
  std::set<int> inputs, outputs;
  for (std::uint64_t index = 0; index < 500; ++index) {
    const Request request = First(workload, index);
    EXPECT_EQ(json::parse(request.body)["prompt"].size(), static_cast<std::size_t>(request.input_tokens));
    inputs.insert(request.input_tokens);
    outputs.insert(request.asked_tokens);
  }
  EXPECT_EQ(inputs.size(), 11u);
  EXPECT_EQ(outputs, (std::set<int>{5, 6, 7}));
}

TEST(Workload, PrefixesAreSharedWithinTheirGroup) {
  BenchSpec spec = Spec(100, 8);
  spec.prefix = {60, 3};
  const Workload workload = Make(spec);
  std::map<std::string, int> groups;
  std::set<std::string> rests;
  for (std::uint64_t index = 0; index < 300; ++index) {
    const json prompt = json::parse(First(workload, index).body)["prompt"];
    ASSERT_EQ(prompt.size(), 100u);
    ++groups[json(std::vector<json>(prompt.begin(), prompt.begin() + 60)).dump()];
    rests.insert(json(std::vector<json>(prompt.begin() + 60, prompt.end())).dump());
  }
  EXPECT_EQ(groups.size(), 3u);
  for (const auto& [text, count] : groups) EXPECT_GT(count, 60) << "about a third each";
  EXPECT_EQ(rests.size(), 300u);
}

TEST(Workload, TurnsRepeatWhatWasSaid) {
  BenchSpec spec = Spec(10, 4);
  spec.turns.mean = 3;
  const Workload workload = Make(spec);
  double turns = 0;
  for (std::uint64_t index = 0; index < 2000; ++index) {
    Workload::Conversation conversation = workload.Start(index);
    json last = json::array();
    int turn = 0;
    while (conversation.HasNext()) {
      const Request request = workload.Next(conversation, "");
      const json prompt = json::parse(request.body)["prompt"];
      ASSERT_EQ(prompt.size(), static_cast<std::size_t>(10 + 14 * turn)) << "new text, and an answer in between";
      EXPECT_EQ(request.input_tokens, 10 + 14 * turn);
      EXPECT_TRUE(std::equal(last.begin(), last.end(), prompt.begin())) << "begins as the turn before it";
      last = prompt;
      ++turn;
    }
    turns += turn / 2000.0;
  }
  EXPECT_NEAR(turns, 3, 0.2);
}

TEST(Workload, ChatTurnsCarryTheAnswersThatWereGiven) {
  BenchSpec spec = Spec(3, 4);
  spec.endpoint = Endpoint::kChat;
  spec.turns.mean = 50;
  const Workload workload = Make(spec);
  ASSERT_TRUE(workload.needs_answers());
  Workload::Conversation conversation = workload.Start(1);
  (void)workload.Next(conversation, "");
  const json messages = json::parse(workload.Next(conversation, R"(say \"hi\"\n)").body)["messages"];
  ASSERT_EQ(messages.size(), 3u);
  EXPECT_EQ(messages[1], json({{"role", "assistant"}, {"content", "say \"hi\"\n"}}));
  EXPECT_EQ(messages[2]["role"], "user");
}

TEST(Workload, AConversationEndsBeforeItOutgrowsTheContext) {
  BenchSpec spec = Spec(10, 4);
  spec.turns.mean = 1000;
  spec.max_model_len = 60;
  const Workload workload = Make(spec);
  Workload::Conversation conversation = workload.Start(0);
  int longest = 0;
  while (conversation.HasNext()) longest = workload.Next(conversation, "").input_tokens + 4;
  EXPECT_EQ(longest, 10 + 3 * 14 + 4);
}

TEST(Workload, WordsAreCalibratedByTheFirstAnswer) {
  BenchSpec spec = Spec(100, 8);
  spec.endpoint = Endpoint::kChat;
  Workload workload = Make(spec);
  workload.Calibrate(First(workload, 0), 125);  // the chat template adds, some words are two tokens
  const std::string text = json::parse(First(workload, 1).body)["messages"][0]["content"];
  EXPECT_EQ(std::count(text.begin(), text.end(), ' '), 79);
}

base::Result<Workload> OfDataset(std::vector<DatasetEntry> entries, DatasetFormat format, Endpoint endpoint,
                                 std::optional<int> output = std::nullopt, int max_model_len = 0) {
  BenchSpec spec;
  spec.dataset = Dataset{"/data/prompts.jsonl", format, output};
  spec.endpoint = endpoint;
  spec.max_model_len = max_model_len;
  for (std::size_t i = 0; i < entries.size(); ++i) entries[i].place = "prompts.jsonl:" + std::to_string(i + 1);
  return Workload::OfDataset(spec, std::move(entries));
}

DatasetEntry Prompt(const std::string& text, std::optional<int> output = std::nullopt) {
  DatasetEntry entry;
  entry.prompt = text;
  entry.output_tokens = output;
  return entry;
}

TEST(Workload, AJsonlDatasetIsSentAsItIs) {
  const auto workload =
      OfDataset({Prompt("Say \"x\"", 5), Prompt("two")}, DatasetFormat::kJsonl, Endpoint::kCompletions);
  ASSERT_TRUE(workload.ok()) << workload.error().message;
  const Request first = First(*workload, 0), second = First(*workload, 1), third = First(*workload, 2);
  EXPECT_EQ(json::parse(first.body)["prompt"], "Say \"x\"");
  EXPECT_EQ(json::parse(first.body)["max_tokens"], 5);
  EXPECT_EQ(json::parse(first.body)["ignore_eos"], true);
  EXPECT_EQ(first.asked_tokens, 5);
  EXPECT_EQ(json::parse(second.body)["max_tokens"], kLongestFreeAnswer);
  EXPECT_FALSE(json::parse(second.body).contains("ignore_eos")) << "no length is asked for: the model ends it";
  EXPECT_EQ(second.asked_tokens, 0);
  EXPECT_EQ(third.body, first.body) << "begins again";
  EXPECT_EQ(First(*OfDataset({Prompt("two")}, DatasetFormat::kJsonl, Endpoint::kCompletions, 9), 0).asked_tokens, 9);
  EXPECT_EQ(json::parse(First(*OfDataset({Prompt("p")}, DatasetFormat::kJsonl, Endpoint::kChat), 0).body)["messages"],
            json::parse(R"([{"role":"user","content":"p"}])"));
}

TEST(Workload, ARecordedConversationIsReplayed) {
  DatasetEntry entry;
  entry.messages = {{"user", "one"}, {"assistant", "12345678"}, {"user", "two"}, {"assistant", "1234567890123456"}};
  const auto workload = OfDataset({entry}, DatasetFormat::kShareGpt, Endpoint::kChat);
  ASSERT_TRUE(workload.ok());
  EXPECT_FALSE(workload->needs_answers()) << "the recorded ones are what was said";
  Workload::Conversation conversation = workload->Start(0);
  const Request first = workload->Next(conversation, "");
  EXPECT_EQ(json::parse(first.body)["messages"].size(), 1u);
  EXPECT_EQ(first.asked_tokens, 2) << "four characters a token";
  ASSERT_TRUE(conversation.HasNext());
  const Request second = workload->Next(conversation, "");
  EXPECT_EQ(json::parse(second.body)["messages"].size(), 3u);
  EXPECT_EQ(json::parse(second.body)["messages"][1]["content"], "12345678");
  EXPECT_EQ(second.asked_tokens, 4);
  EXPECT_FALSE(conversation.HasNext());
}

TEST(Workload, TurnsOfTheUserFollowTheServersOwnAnswers) {
  DatasetEntry entry;
  entry.messages = {{"user", "one \"x\""}, {"user", "two"}};
  entry.answers_are_own = true;
  const auto workload = OfDataset({entry}, DatasetFormat::kJsonl, Endpoint::kChat);
  ASSERT_TRUE(workload.ok());
  EXPECT_TRUE(workload->needs_answers());
  Workload::Conversation conversation = workload->Start(0);
  EXPECT_EQ(json::parse(workload->Next(conversation, "").body)["messages"],
            json::parse(R"([{"role":"user","content":"one \"x\""}])"));
  ASSERT_TRUE(conversation.HasNext());
  EXPECT_EQ(json::parse(workload->Next(conversation, "an \\\"answer\\\"").body)["messages"],
            json::parse(R"([{"role":"user","content":"one \"x\""},{"role":"assistant","content":"an \"answer\""},
                            {"role":"user","content":"two"}])"));
  EXPECT_FALSE(conversation.HasNext());
  EXPECT_THAT(OfDataset({entry}, DatasetFormat::kJsonl, Endpoint::kCompletions).error().message,
              testing::HasSubstr("prompts.jsonl:1 has turns, which the endpoint Completions does not accept"));
}

TEST(Workload, LeavesOutTheFieldThatARejectionNames) {
  const PromptStyle words{PromptStyle::Kind::kWords, 0, 0};
  const auto keys = [&](Endpoint endpoint, const char* rejection) {
    const auto without = WithoutRejected(words, endpoint, rejection);
    if (!without) return std::set<std::string>();
    BenchSpec spec = Spec(64, 8);
    spec.endpoint = endpoint;
    Workload workload = Make(spec);
    workload.set_style(*without);
    return Keys(json::parse(First(workload, 0).body));
  };
  EXPECT_EQ(
      keys(Endpoint::kChat, "'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."),
      (std::set<std::string>{"model", "messages", "max_completion_tokens", "temperature", "seed", "ignore_eos",
                             "skip_special_tokens", "stream", "stream_options"}));
  EXPECT_EQ(keys(Endpoint::kChat, "'temperature' does not support 0 with this model"),
            (std::set<std::string>{"model", "messages", "max_tokens", "ignore_eos", "skip_special_tokens", "stream",
                                   "stream_options"}));
  EXPECT_EQ(
      keys(Endpoint::kCompletions, "Unknown parameter: ignore_eos"),
      (std::set<std::string>{"model", "prompt", "max_tokens", "temperature", "seed", "stream", "stream_options"}));
  EXPECT_EQ(keys(Endpoint::kCompletions, "max_completion_tokens"), std::set<std::string>()) << "chats only";
  EXPECT_EQ(keys(Endpoint::kCompletions, "the prompt is too long"), std::set<std::string>());
}

DatasetEntry Trace(int input, int output, std::vector<std::int64_t> blocks, int arrival = 0) {
  DatasetEntry entry;
  entry.input_tokens = input;
  entry.output_tokens = output;
  entry.blocks = std::move(blocks);
  entry.arrival = std::chrono::milliseconds(arrival);
  return entry;
}

TEST(Workload, EqualBlocksOfATraceAreEqualTexts) {
  const auto workload = OfDataset({Trace(1100, 3, {7, 8, 9}), Trace(1030, 4, {7, 8, 1}, 250)}, DatasetFormat::kMooncake,
                                  Endpoint::kCompletions);
  ASSERT_TRUE(workload.ok());
  const json a = json::parse(First(*workload, 0).body)["prompt"], b = json::parse(First(*workload, 1).body)["prompt"];
  ASSERT_EQ(a.size(), 1100u);
  ASSERT_EQ(b.size(), 1030u);
  EXPECT_TRUE(std::equal(a.begin(), a.begin() + 1024, b.begin())) << "two blocks of 512";
  EXPECT_NE(a[1024], b[1024]);
  EXPECT_EQ(workload->timestamps(),
            (std::vector<std::chrono::milliseconds>{std::chrono::milliseconds(0), std::chrono::milliseconds(250)}));
}

TEST(Workload, ADatasetThatCannotBeSentSaysWhichEntry) {
  DatasetEntry chat;
  chat.messages = {{"user", "x"}};
  EXPECT_EQ(OfDataset({Prompt("p"), chat}, DatasetFormat::kJsonl, Endpoint::kCompletions).error().message,
            "dataset: prompts.jsonl:2 has messages, which the endpoint Completions does not accept: use Chat "
            "(benchmark.endpoint, or --chat)");
  EXPECT_EQ(OfDataset({Trace(10, 5, {}), Trace(4000, 200, {}), Trace(5000, 1, {})}, DatasetFormat::kMooncake,
                      Endpoint::kCompletions, std::nullopt, 4096)
                .error()
                .message,
            "dataset: prompts.jsonl:2: 4000 tokens in and 200 out do not fit into the context of 4096 tokens (2 of 3 "
            "entries do not): leave them out");
}

TEST(Workload, ADatasetsTextsFitIntoTheContextByAnyTokenizer) {
  std::string text;
  for (int i = 0; i < 160; ++i) text += "word ";  // 100 tokens at least
  const auto problem = [](DatasetEntry entry, DatasetFormat format, Endpoint endpoint, int context) {
    const auto workload = OfDataset({std::move(entry)}, format, endpoint, std::nullopt, context);
    return workload.ok() ? "" : workload.error().message;
  };
  EXPECT_EQ(
      problem(Prompt(text, 20), DatasetFormat::kJsonl, Endpoint::kCompletions, 119),
      "dataset: prompts.jsonl:1: at least 100 tokens (one for every 8 characters) in and 20 out do not fit into the "
      "context of 119 tokens (1 of 1 entries do not): leave them out");
  EXPECT_EQ(problem(Prompt(text, 20), DatasetFormat::kJsonl, Endpoint::kCompletions, 120), "");
  // The longest request of a conversation has all but the last answer, whose recorded length is asked for.
  DatasetEntry talk;
  talk.messages = {{"user", text}, {"assistant", "yes."}, {"user", text}, {"assistant", std::string(40, 'x')}};
  EXPECT_NE(problem(talk, DatasetFormat::kShareGpt, Endpoint::kChat, 210), "");
  EXPECT_EQ(problem(talk, DatasetFormat::kShareGpt, Endpoint::kChat, 211), "");
  EXPECT_EQ(problem(talk, DatasetFormat::kShareGpt, Endpoint::kCompletions, 101), "") << "the first turn alone";
  EXPECT_NE(problem(talk, DatasetFormat::kShareGpt, Endpoint::kCompletions, 100), "");
}

}  // namespace
}  // namespace autotune::bench
