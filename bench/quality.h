// What precision costs: how likely the engine finds the tokens of fixed passages, one number a passage.
//
// Pure: requests and readings as text; bench_run sends them. Natural text in several languages, code and figures,
// because random tokens, as the load uses them, are equally unlikely under every precision.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace autotune::bench {

// Names the passages: numbers of different sets cannot be compared. Change it with them.
inline constexpr const char* kPassageSet = "builtin-1";
inline constexpr std::size_t kPassages = 16;
// Passages of 80 to 200 tokens (of today's tokenizers), each of another kind.
const std::vector<std::string>& QualityPassages();

// POST /v1/completions: the passage echoed with its log-probabilities, and one token more. Every field is one that
// vLLM, SGLang and TensorRT-LLM know; SGLang refuses max_tokens 0. Not streamed: vLLM gives no log-probabilities of a
// prompt otherwise.
std::string QualityBody(const std::string& model, const std::string& passage);

// The mean negative log-likelihood of the passage's tokens, in nats per token, its first token left out (nothing comes
// before it). kInvalid where the answer has no log-probabilities of the prompt (TensorRT-LLM gives those of the
// generated token only), or one that is not a number.
base::Result<double> MeanNll(std::string_view answer);

}  // namespace autotune::bench
