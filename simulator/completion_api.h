// The OpenAI completion API as the engines speak it: requests in, events out. Text only, no sockets. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "simulator/engine_settings.h"

namespace autotune::simulator {

struct CompletionRequest {
  std::string model;
  int prompt_tokens = 0;
  int output_tokens = 16;
  bool stream = false;
  bool include_usage = false;     // one more event with the usage, before [DONE]
  bool continuous_usage = false;  // usage in every event
  std::string echo;               // the prompt, where it is to be repeated
  bool logprobs = false;
};

struct ApiError {
  int status = 400;
  std::string body;
};

// Prompts: a string (about four bytes a token) or a list of token ids. Every answer has exactly max_tokens tokens.
std::variant<CompletionRequest, ApiError> ParseCompletion(std::string_view body, const EngineSettings& settings,
                                                          std::int64_t kv_tokens);

struct CompletionIdentity {
  std::string id;  // "cmpl-..."
  std::int64_t created = 0;
  std::string model;
};
// One server-sent event ("data: {...}\n\n") for one token; `finished` marks the last.
std::string TokenEventText(const CompletionIdentity& identity, const CompletionRequest& request, int tokens_so_far,
                           bool finished);
// What follows the last token: the usage when asked for, and [DONE].
std::string ClosingEventText(const CompletionIdentity& identity, const CompletionRequest& request);
// The body of an answer that is not streamed. Log-probabilities are made up: a prompt's token has one that depends on
// the prompt and its place, and precision moves each by a normally distributed amount without a direction, of the size
// that H100s showed on random weights (docs/verified/2026-11-25-h100.md): 0.11 nats for an fp8 KV cache, 0.27 for
// quantized weights. TensorRT-LLM gives those of generated tokens only.
std::string CompletionBody(const CompletionIdentity& identity, const CompletionRequest& request,
                           const EngineSettings& settings);

ApiError MakeApiError(int status, const std::string& type, const std::string& message);

}  // namespace autotune::simulator
