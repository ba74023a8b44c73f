#include "simulator/completion_api.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>

namespace autotune::simulator {
namespace {

using nlohmann::json;

constexpr std::string_view kTokenText = " sim";

// Fields of TensorRT-LLM's CompletionRequest, which forbids every other (tensorrt_llm/serve/openai_protocol.py).
constexpr std::array<std::string_view, 44> kTrtllmFields = {"model",
                                                            "prompt",
                                                            "best_of",
                                                            "echo",
                                                            "frequency_penalty",
                                                            "logit_bias",
                                                            "logprobs",
                                                            "max_tokens",
                                                            "n",
                                                            "presence_penalty",
                                                            "seed",
                                                            "stop",
                                                            "stream",
                                                            "stream_options",
                                                            "suffix",
                                                            "temperature",
                                                            "top_p",
                                                            "user",
                                                            "lora_request",
                                                            "use_beam_search",
                                                            "top_k",
                                                            "top_p_min",
                                                            "min_p",
                                                            "repetition_penalty",
                                                            "length_penalty",
                                                            "early_stopping",
                                                            "stop_token_ids",
                                                            "include_stop_str_in_output",
                                                            "ignore_eos",
                                                            "min_tokens",
                                                            "skip_special_tokens",
                                                            "spaces_between_special_tokens",
                                                            "truncate_prompt_tokens",
                                                            "return_context_logits",
                                                            "detokenize",
                                                            "add_special_tokens",
                                                            "response_format",
                                                            "disaggregated_params",
                                                            "prompt_token_ids",
                                                            "bad",
                                                            "bad_token_ids",
                                                            "prompt_ignore_length",
                                                            "conversation_params",
                                                            "cache_salt"};

json Usage(const CompletionRequest& request, int tokens) {
  return {{"prompt_tokens", request.prompt_tokens},
          {"completion_tokens", tokens},
          {"total_tokens", request.prompt_tokens + tokens}};
}

// Of natural text, in nats per token. The smallest is far enough from 0 that noise does not end there: it would have a
// direction.
constexpr double kMeanNll = 2.3;
constexpr double kSmallestNll = 0.8;
constexpr double kTokenLogprob = -0.5;
constexpr double kKvCacheNoise = 0.11;
constexpr double kWeightNoise = 0.27;

std::uint64_t Fnv1a(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

// In (0, 1), the same for the same text, place and stream.
double Uniform(std::string_view text, int place, std::uint64_t stream) {
  std::uint64_t hash = Fnv1a(text) ^ stream * 0x9e3779b97f4a7c15;
  hash = (hash ^ static_cast<std::uint64_t>(place)) * 0x9e3779b97f4a7c15;
  hash = (hash ^ (hash >> 31)) * 0xbf58476d1ce4e5b9;  // splitmix64's finish: neighbours are far apart
  hash ^= hash >> 27;
  return (static_cast<double>(hash >> 11) + 0.5) * 0x1p-53;
}

// Standard normal, by Box and Muller.
double Normal(std::string_view text, int place, std::uint64_t stream) {
  return std::sqrt(-2 * std::log(Uniform(text, place, stream))) *
         std::cos(2 * std::numbers::pi * Uniform(text, place, stream + 1));
}

double PromptLogprob(std::string_view prompt, int place, const EngineSettings& settings) {
  double logprob = (kMeanNll - kSmallestNll) * std::log(Uniform(prompt, place, 1)) - kSmallestNll;
  if (!settings.EffectiveQuantization().empty()) {
    logprob += kWeightNoise * Normal(prompt, place, Fnv1a(settings.EffectiveQuantization()));
  }
  if (settings.kv_cache_dtype.starts_with("fp8")) {
    logprob += kKvCacheNoise * Normal(prompt, place, Fnv1a(settings.kv_cache_dtype));
  }
  return std::min(logprob, 0.0);
}

json Header(const CompletionIdentity& identity) {
  return {{"id", identity.id},
          {"object", "text_completion"},
          {"created", identity.created},
          {"model", identity.model},
          {"simulated", true}};
}

}  // namespace

ApiError MakeApiError(int status, const std::string& type, const std::string& message) {
  const json body = {{"error", {{"message", message}, {"type", type}, {"param", nullptr}, {"code", status}}}};
  return {status, body.dump()};
}

std::variant<CompletionRequest, ApiError> ParseCompletion(std::string_view text, const EngineSettings& settings,
                                                          std::int64_t kv_tokens) {
  const json body = json::parse(text, nullptr, false);
  if (!body.is_object()) return MakeApiError(400, "BadRequestError", "the body is not a JSON object");
  const bool trtllm = settings.release.engine == Engine::kTensorRtLlm;
  if (trtllm) {
    for (const auto& [field, value] : body.items()) {
      if (std::find(kTrtllmFields.begin(), kTrtllmFields.end(), field) == kTrtllmFields.end()) {
        return MakeApiError(400, "BadRequestError", "body." + field + ": Extra inputs are not permitted");
      }
    }
  }
  CompletionRequest request;
  if (body.contains("model") && body["model"].is_string()) request.model = body["model"].get<std::string>();
  if (settings.release.engine == Engine::kVllm && !request.model.empty() && request.model != settings.served_name) {
    return MakeApiError(404, "NotFoundError", "The model `" + request.model + "` does not exist.");
  }
  if (request.model.empty()) request.model = settings.served_name;

  const json prompt = body.value("prompt", json());
  const json& first = prompt.is_array() && prompt.size() == 1 && !prompt[0].is_number() ? prompt[0] : prompt;
  if (first.is_string()) {
    request.prompt_tokens =
        static_cast<int>(std::max<std::size_t>(1, (first.get_ref<const std::string&>().size() + 3) / 4));
  } else if (first.is_array() && !first.empty() && first[0].is_number_integer()) {
    request.prompt_tokens = static_cast<int>(first.size());
  } else {
    return MakeApiError(400, "BadRequestError",
                        "prompt: a string or a list of token ids (the simulated engine takes one prompt a request)");
  }
  if (body.contains("max_tokens") && !body["max_tokens"].is_null()) {
    if (!body["max_tokens"].is_number_integer() || body["max_tokens"].get<std::int64_t>() < 1) {
      return MakeApiError(400, "BadRequestError",
                          "max_tokens must be at least 1, got " + body["max_tokens"].dump() + ".");
    }
    request.output_tokens = static_cast<int>(std::min<std::int64_t>(body["max_tokens"].get<std::int64_t>(), 1 << 24));
  }
  if (body.value("echo", json()) == true) request.echo = first.is_string() ? first.get<std::string>() : first.dump();
  const json logprobs = body.value("logprobs", json());
  request.logprobs = logprobs == true || (logprobs.is_number_integer() && logprobs >= 1);
  request.stream = body.contains("stream") && body["stream"].is_boolean() && body["stream"].get<bool>();
  const json options = body.value("stream_options", json());
  if (options.is_object() && !request.stream && settings.release.engine != Engine::kSglang) {
    return MakeApiError(400, "BadRequestError", "Stream options can only be defined when `stream=True`.");
  }
  // TensorRT-LLM sends the usage unless told not to.
  request.include_usage = options.is_object() ? options.value("include_usage", trtllm) : false;
  request.continuous_usage = options.is_object() && options.value("continuous_usage_stats", false);

  const std::int64_t total = std::int64_t{request.prompt_tokens} + request.output_tokens;
  if (total > settings.max_model_len || total > kv_tokens) {
    return MakeApiError(400, "BadRequestError",
                        "This model's maximum context length is " +
                            std::to_string(std::min(settings.max_model_len, kv_tokens)) +
                            " tokens. However, you requested " + std::to_string(request.output_tokens) +
                            " output tokens and your prompt contains " + std::to_string(request.prompt_tokens) +
                            " input tokens, for a total of " + std::to_string(total) + " tokens.");
  }
  return request;
}

std::string TokenEventText(const CompletionIdentity& identity, const CompletionRequest& request, int tokens_so_far,
                           bool finished) {
  // Written by hand: this is the hot path, thousands of times a second.
  std::string out = "data: {\"id\":\"" + identity.id +
                    "\",\"object\":\"text_completion\",\"created\":" + std::to_string(identity.created) +
                    ",\"model\":" + json(identity.model).dump() +
                    ",\"simulated\":true,\"choices\":[{\"index\":0,\"text\":\"" + std::string(kTokenText) +
                    "\",\"logprobs\":null,\"finish_reason\":" + (finished ? "\"length\"" : "null") +
                    ",\"stop_reason\":null}]";
  if (request.continuous_usage) out += ",\"usage\":" + Usage(request, tokens_so_far).dump();
  return out + "}\n\n";
}

std::string ClosingEventText(const CompletionIdentity& identity, const CompletionRequest& request) {
  std::string out;
  if (request.include_usage) {
    json usage = Header(identity);
    usage["choices"] = json::array();
    usage["usage"] = Usage(request, request.output_tokens);
    out = "data: " + usage.dump() + "\n\n";
  }
  return out + "data: [DONE]\n\n";
}

std::string CompletionBody(const CompletionIdentity& identity, const CompletionRequest& request,
                           const EngineSettings& settings) {
  std::string text = request.echo;
  for (int i = 0; i < request.output_tokens; ++i) text += kTokenText;
  json logprobs;
  if (request.logprobs) {
    json values = json::array();
    if (!request.echo.empty() && settings.release.engine != Engine::kTensorRtLlm) {
      for (int i = 0; i < request.prompt_tokens; ++i) {
        values.push_back(i == 0 ? json() : json(PromptLogprob(request.echo, i, settings)));
      }
    }
    for (int i = 0; i < request.output_tokens; ++i) values.push_back(kTokenLogprob);
    logprobs = {{"token_logprobs", std::move(values)}};
  }
  json body = Header(identity);
  body["choices"] = json::array(
      {{{"index", 0}, {"text", text}, {"logprobs", logprobs}, {"finish_reason", "length"}, {"stop_reason", nullptr}}});
  body["usage"] = Usage(request, request.output_tokens);
  return body.dump();
}

}  // namespace autotune::simulator
