// The engines' OpenAI completion and chat API: from requests to events. Text only, no sockets. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine_model/block_pool.h"
#include "simulator/engine_settings.h"

namespace autotune::simulator {

enum class Endpoint { kCompletions, kChat };

struct CompletionRequest {
  Endpoint endpoint = Endpoint::kCompletions;
  std::string model;
  int prompt_tokens = 0;
  int output_tokens = 16;  // length of the answer; 0: only the prompt is computed (echo)
  bool stops = false;      // the answer ends by itself, not by max_tokens
  bool stream = false;
  bool include_usage = false;     // a further event with the usage, before [DONE]
  bool continuous_usage = false;  // usage in every event
  std::string echo;               // prompt to repeat; "" = none
  bool logprobs = false;
  bool prompt_logprobs = false;  // vLLM's own field
  std::string prompt;            // for log-probabilities and whole answers; "" for streams
  // Pieces of prompt and answer that other requests may share, for the prefix cache.
  std::vector<engine_model::TextSegment> text;
  bool reads_cache = true;
  // Body of an ApiError that ends the stream before its first token; "" = none.
  std::string stream_error;
};

struct ApiError {
  int status = 400;
  std::string body;
};

// Prompts: a string (about four bytes per token), a list of token ids, or a chat's messages. With ignore_eos the answer
// has exactly max_tokens tokens. Otherwise it ends where its prompt determines, after 400 tokens on average and at
// least min_tokens.
std::variant<CompletionRequest, ApiError> ParseCompletion(Endpoint endpoint, std::string_view body,
                                                          const EngineSettings& settings, std::int64_t kv_tokens);

struct CompletionIdentity {
  std::string id;  // "cmpl-...", "chatcmpl-..."
  std::int64_t created = 0;
  std::string model;
};
// Event before the first token: the role in a chat; "" for completions.
std::string OpeningEventText(const CompletionIdentity& identity, const CompletionRequest& request);
// One server-sent event ("data: {...}\n\n") for `tokens` tokens, after which there are `tokens_so_far`; `finished`
// marks the last.
std::string TokenEventText(const CompletionIdentity& identity, const CompletionRequest& request,
                           const EngineSettings& settings, int tokens, int tokens_so_far, bool finished);
// Events after the last token: the usage, if requested, and [DONE].
std::string ClosingEventText(const CompletionIdentity& identity, const CompletionRequest& request);
// An error in a running stream, and [DONE].
std::string ErrorEventText(const std::string& body);
// The body of an answer that is not streamed. A completion's words depend on the prompt, and other words follow from
// some place on where precision is reduced. Log-probabilities are made up: a prompt's token has one that depends on the
// prompt and its place, and precision moves each by a normally distributed amount, as vLLM 0.22.1 did with a trained
// model of 222M parameters on an H200: fp8 KV cache +0.00083 nats on average with a standard deviation of 0.043,
// quantized weights +0.00182 (0.059), e5m2 KV cache +0.0020 (0.078). MLA reads its cache as on an H100: for short
// prompts and for what comes after a first chunk. TensorRT-LLM gives log-probabilities of generated tokens only.
std::string CompletionBody(const CompletionIdentity& identity, const CompletionRequest& request,
                           const EngineSettings& settings);

ApiError MakeApiError(int status, const std::string& type, const std::string& message);

// Response to a request that is rejected because too many wait.
ApiError QueueFull(Engine engine);

}  // namespace autotune::simulator
