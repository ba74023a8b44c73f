// Requests of the quality measurement and the parsing of their answers. Pure, thread-safe; quality_probe sends them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "measurement/quality.h"

namespace autotune::bench {

// POST /v1/completions: the text echoed with its log-probabilities, and one token more. Every field is one that vLLM,
// SGLang and TensorRT-LLM know; SGLang rejects max_tokens 0. Not streamed, because vLLM reports no log-probabilities of
// a prompt in a stream.
std::string LikelihoodBody(const std::string& model, std::string_view text);

// Of the text's tokens in order, its first one left out (nothing comes before it); NaN for values that are not numbers.
// kInvalid if the answer has none for the prompt: TensorRT-LLM reports only those of the generated token.
base::Result<std::vector<double>> PromptLogprobs(std::string_view answer);

// vLLM and SGLang cannot encode NaN in an answer and report it in an error message.
bool SaysNotANumber(std::string_view answer);

// Likelihood and prints of a block's tokens. REQUIRES: one log-probability for each third at least.
measurement::QualityBlock MakeBlock(const std::vector<double>& logprobs);
double NllOf(const std::vector<double>& logprobs);

// POST /v1/completions: the most likely continuation, of at most `tokens` tokens.
std::string GreedyBody(const std::string& model, std::string_view prompt, int tokens);

struct GreedyText {
  std::string text;
  std::int64_t tokens = -1;  // generated, -1 = not said
  std::string finish_reason;
};
base::Result<GreedyText> ReadGreedyText(std::string_view answer);

// Explains in one sentence, with an example, why no working model gives these answers; "" if the answers are plausible.
// All of them must be alike for a verdict: empty, ended at once, or one unit repeated from the first byte to the last.
// REQUIRES: answers to different prompts of natural text, at least two, asked for 16 tokens or more.
std::string WhyBroken(const std::vector<GreedyText>& answers);

}  // namespace autotune::bench
