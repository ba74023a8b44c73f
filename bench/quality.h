// Requests of the quality measurement and the parsing of their answers. Pure, thread-safe; quality_probe sends them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "measurement/quality.h"

namespace autotune::bench {

// Body of POST /v1/completions: echoes the text with its log-probabilities, and generates one token. Uses only fields
// that vLLM, SGLang and TensorRT-LLM support; SGLang rejects max_tokens 0. Not streamed: vLLM reports no
// log-probabilities of a prompt in a stream.
std::string LikelihoodBody(const std::string& model, std::string_view text);

// Log-probabilities of the text's tokens in order, without the first one (nothing precedes it); NaN for values that are
// not numbers. kInvalid if the response has none for the prompt: TensorRT-LLM reports only the generated token's.
base::Result<std::vector<double>> PromptLogprobs(std::string_view answer);

// True if the response is an error message about NaN: vLLM and SGLang cannot encode NaN in JSON.
bool SaysNotANumber(std::string_view answer);

// Likelihood and hashes of a block's tokens. REQUIRES: at least one log-probability per third of the block.
measurement::QualityBlock MakeBlock(const std::vector<double>& logprobs);
double NllOf(const std::vector<double>& logprobs);

// POST /v1/completions: the most likely continuation, of at most `tokens` tokens.
std::string GreedyBody(const std::string& model, std::string_view prompt, int tokens);

struct GreedyText {
  std::string text;
  std::int64_t tokens = -1;  // number of generated tokens, -1 = not reported
  std::string finish_reason;
};
base::Result<GreedyText> ReadGreedyText(std::string_view answer);

// Explains in one sentence, with an example, why no working model gives these answers; "" if they are plausible. Only
// if all of them are alike: empty, ended at once, or one unit repeated from the first byte to the last. REQUIRES: at
// least two answers, to different prompts of natural text, with 16 or more requested tokens.
std::string WhyBroken(const std::vector<GreedyText>& answers);

}  // namespace autotune::bench
