// What is asked of an engine to tell its quality, and how its answers read. Pure: text in, text out; quality_probe
// sends.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "measurement/quality.h"

namespace autotune::bench {

// POST /v1/completions: the text echoed with its log-probabilities, and one token more. Every field is one that vLLM,
// SGLang and TensorRT-LLM know; SGLang refuses max_tokens 0. Not streamed: vLLM gives no log-probabilities of a prompt
// otherwise.
std::string LikelihoodBody(const std::string& model, std::string_view text);

// Of the text's tokens in order, its first one left out (nothing comes before it); NaN for what is no number. kInvalid
// where the answer has none of the prompt: TensorRT-LLM gives those of the generated token only.
base::Result<std::vector<double>> PromptLogprobs(std::string_view answer);

// vLLM and SGLang cannot write NaN into an answer and say so in an error's text.
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

// Why no model that works answers so, in one sentence with an example; "" for answers that may be a model's. All of
// them must be alike for a verdict: empty, ended at once, or one unit repeated from the first byte to the last.
// REQUIRES: answers to different prompts of natural text, at least two, asked for 16 tokens or more.
std::string WhyBroken(const std::vector<GreedyText>& answers);

}  // namespace autotune::bench
