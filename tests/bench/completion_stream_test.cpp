#include "bench/completion_stream.h"

#include <gtest/gtest.h>

namespace autotune::bench {
namespace {

// As vLLM writes them.
const std::string kText =
    R"(data: {"id":"cmpl-1","object":"text_completion","created":1,"model":"m","choices":[{"index":0,"text":" a","logprobs":null,"finish_reason":null}],"usage":null})"
    "\n\n";
const std::string kEmptyText =
    R"(data: {"id":"cmpl-1","choices":[{"index":0,"text":"","finish_reason":"length"}],"usage":null})"
    "\n\n";
const std::string kUsage =
    R"(data: {"id":"cmpl-1","choices":[],"usage":{"prompt_tokens":512,"total_tokens":640,"completion_tokens":128}})"
    "\n\n";
const std::string kDone = "data: [DONE]\n\n";

TEST(CompletionStream, ReadsTextUsageAndEnd) {
  CompletionStream stream;
  EXPECT_EQ(stream.Append(kText), 1);
  EXPECT_EQ(stream.Append(kEmptyText), 0);
  EXPECT_FALSE(stream.usage().has_value());
  EXPECT_EQ(stream.Append(kUsage), 0);
  EXPECT_EQ(stream.Append(kDone), 0);
  EXPECT_TRUE(stream.done());
  ASSERT_TRUE(stream.usage().has_value());
  EXPECT_EQ(stream.usage()->input_tokens, 512);
  EXPECT_EQ(stream.usage()->output_tokens, 128);
  EXPECT_EQ(stream.error(), "");
}

TEST(CompletionStream, ReadsTheSameInPiecesOfAnySize) {
  const std::string whole = ": comment\r\nevent: x\r\n" + kEmptyText + kText + kText + kUsage + kDone;
  for (std::size_t size = 1; size < whole.size(); ++size) {
    CompletionStream stream;
    int texts = 0;
    for (std::size_t at = 0; at < whole.size(); at += size) texts += stream.Append(whole.substr(at, size));
    EXPECT_EQ(texts, 2) << size;
    EXPECT_TRUE(stream.done()) << size;
    EXPECT_EQ(stream.usage()->output_tokens, 128) << size;
  }
}

TEST(CompletionStream, GeneratedTextCannotPassForAKey) {
  CompletionStream stream;
  const std::string fooling =
      R"(data: {"choices":[{"text":"\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":9} \"error\":{\"message\":\"x\"}"}]})"
      "\n";
  EXPECT_EQ(stream.Append(fooling), 1);
  EXPECT_FALSE(stream.usage().has_value());
  EXPECT_EQ(stream.error(), "");
  EXPECT_EQ(stream.Append("data: {\"choices\":[{\"text\":\"\",\"x\":\"\\\"text\\\":\\\"y\\\"\"}]}\n"), 0);
  EXPECT_EQ(stream.Append("data: {\"text\":\"ends in a backslash \\\\\",\"error\":{\"message\":\"y\"}}\n"), 1);
  EXPECT_EQ(stream.error(), "y");
}

TEST(CompletionStream, AcceptsSpacesAsPythonWritesThem) {
  CompletionStream stream;
  EXPECT_EQ(stream.Append("data: {\"choices\": [{\"index\": 0, \"text\": \" b\"}]}\n"), 1);
  EXPECT_EQ(stream.Append("data: {\"choices\": [{\"index\": 0, \"text\": \"\"}]}\n"), 0);
  EXPECT_EQ(stream.Append("data: {\"choices\": [{\"index\": 0, \"text\": null}]}\n"), 0);
}

TEST(CompletionStream, ReadsChats) {
  CompletionStream stream;
  const auto delta = [](const std::string& members) {
    return "data: {\"id\":\"chatcmpl-1\",\"choices\":[{\"index\":0,\"delta\":{" + members + "}}],\"usage\":null}\n\n";
  };
  EXPECT_EQ(stream.Append(delta(R"("role":"assistant","content":"")")), 0) << "an announcement is not a token";
  EXPECT_EQ(stream.Append(delta(R"("content":"Hi")")), 1);
  EXPECT_EQ(stream.Append(delta(R"("content":null,"reasoning_content":"hm")")), 1);
  EXPECT_EQ(stream.Append(delta(R"("reasoning":"hm")")), 1);
  EXPECT_EQ(stream.Append(delta(R"("tool_calls":[{"index":0,"function":{"arguments":"{\"x\""}}])")), 1);
  EXPECT_EQ(stream.Append(delta("")), 0);
  EXPECT_EQ(stream.Append(delta(R"("content":"a")") + delta(R"("content":"b")")), 2) << "two in one piece";
}

TEST(CompletionStream, KeepsTheTextAsTheJsonHadIt) {
  CompletionStream stream;
  stream.set_keeps_text(true);
  stream.Append("data: {\"choices\":[{\"delta\":{\"content\":\"say \\\"\"}}]}\n");
  stream.Append("data: {\"choices\":[{\"delta\":{\"content\":\"\\u00e9\\n\"}}]}\n");
  EXPECT_EQ(stream.escaped_text(), R"(say \"\u00e9\n)");
  stream.Reset();
  EXPECT_EQ(stream.escaped_text(), "");
}

// TensorRT-LLM's default: continuous usage.
TEST(CompletionStream, OfManyUsagesTheLastCounts) {
  CompletionStream stream;
  for (int i = 1; i <= 3; ++i) {
    stream.Append("data: {\"choices\":[{\"text\":\"a\"}],\"usage\":{\"prompt_tokens\":4,\"completion_tokens\":" +
                  std::to_string(i) + "}}\n\n");
  }
  EXPECT_EQ(stream.usage()->output_tokens, 3);
}

TEST(CompletionStream, ReportsAnErrorInTheMiddle) {
  CompletionStream stream;
  stream.Append(kText);
  stream.Append(R"(data: {"error":{"object":"error","message":"EngineCore died","type":"x","code":500}})"
                "\n\n");
  stream.Append(kDone);
  EXPECT_EQ(stream.error(), "EngineCore died");
  EXPECT_EQ(stream.error_code(), 500);
}

TEST(CompletionStream, ResetForgets) {
  CompletionStream stream;
  stream.Append(kUsage + kDone + "data: {\"error\":\"x\"}\ndata: unfinished");
  stream.Reset();
  EXPECT_FALSE(stream.done());
  EXPECT_FALSE(stream.usage().has_value());
  EXPECT_EQ(stream.error(), "");
  EXPECT_EQ(stream.Append(kText), 1) << "the unfinished line is forgotten too";
}

TEST(ErrorMessage, ReadsTheShapesThatEnginesUse) {
  const struct {
    const char *body, *expected;
  } kCases[] = {
      {R"({"error":{"message":"too long","type":"BadRequestError","code":400}})", "too long"},         // vLLM
      {R"({"object":"error","message":"too long","type":"BadRequestError","code":400})", "too long"},  // SGLang
      {R"({"detail":"Not Found"})", "Not Found"},                                                      // FastAPI
      {R"({"detail":[{"loc":["body"],"msg":"x"}]})", R"([{"loc":["body"],"msg":"x"}])"},
      {R"({"error":"plain"})", "plain"},
      {"Internal Server Error\n", "Internal Server Error"},
      {"", ""},
      {"[1]", "[1]"},
  };
  for (const auto& row : kCases) EXPECT_EQ(ErrorMessage(row.body), row.expected);
}

}  // namespace
}  // namespace autotune::bench
