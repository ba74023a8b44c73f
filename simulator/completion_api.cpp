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

std::string OutOfVocabulary(const EngineSettings& settings, const std::string& id) {
  switch (settings.release.engine) {
    case Engine::kVllm:
      return "Token id " + id + " is out of vocabulary";
    case Engine::kSglang:
      return "The input_ids contains values greater than the vocab size (" + std::to_string(settings.shape.vocabulary) +
             ").";
    case Engine::kTensorRtLlm:
      break;
  }
  return "Token ID " + id + " is out of range of the vocabulary";
}

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
// Of an answer that may end by itself: an assumption.
constexpr double kMeanAnswerTokens = 400;
// Of precision, in nats a token: mean and standard deviation.
struct Effect {
  double loss, noise;
};
constexpr Effect kFp8Cache{0.00083, 0.043}, kE5m2Cache{0.0020, 0.078}, kWeights{0.00182, 0.059};
// Of checkpoints with weights of four bits, not recorded here: perplexity 5.47 and 5.60 (Llama 2 7B, groups of 128;
// AWQ, Lin et al. 2024, table 4). The deviation is three times that of eight bits.
constexpr Effect kFourBitWeights{0.0235, 0.18};
constexpr double kFewBits = 6;
// That greedy decoding goes another way, at each token.
constexpr double kCacheDiverges = 0.02, kWeightsDiverge = 0.03;
// Prompts that MLA computes as it computes decoding.
constexpr int kShortPrompt = 256;

std::uint64_t Fnv1a(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

// In (0, 1), the same for the same text (by its Fnv1a), place and stream.
double Uniform(std::uint64_t text, int place, std::uint64_t stream) {
  std::uint64_t hash = text ^ stream * 0x9e3779b97f4a7c15;
  hash = (hash ^ static_cast<std::uint64_t>(place)) * 0x9e3779b97f4a7c15;
  hash = (hash ^ (hash >> 31)) * 0xbf58476d1ce4e5b9;  // splitmix64's finish: neighbours are far apart
  hash ^= hash >> 27;
  return (static_cast<double>(hash >> 11) + 0.5) * 0x1p-53;
}

// Standard normal, by Box and Muller.
double Normal(std::uint64_t text, int place, std::uint64_t stream) {
  return std::sqrt(-2 * std::log(Uniform(text, place, stream))) *
         std::cos(2 * std::numbers::pi * Uniform(text, place, stream + 1));
}

bool ReadsKvCache(const CompletionRequest& request, int place, const EngineSettings& settings) {
  return !settings.shape.latent_attention || request.prompt_tokens <= kShortPrompt || place >= settings.token_budget;
}

// `text`: the Fnv1a of its prompt.
double PromptLogprob(const CompletionRequest& request, std::uint64_t text, int place, const EngineSettings& settings) {
  double logprob = (kMeanNll - kSmallestNll) * std::log(Uniform(text, place, 1)) - kSmallestNll;
  const auto add = [&](const std::string& name, const Effect& effect) {
    logprob -= effect.loss + effect.noise * Normal(text, place, Fnv1a(name));
  };
  const std::string weights = settings.EffectiveQuantization();
  if (!weights.empty()) add(weights, settings.shape.checkpoint_bits < kFewBits ? kFourBitWeights : kWeights);
  const std::string cache = settings.EffectiveKvCache();
  if (cache.starts_with("fp8") && ReadsKvCache(request, place, settings)) {
    add(cache, cache == "fp8_e5m2" ? kE5m2Cache : kFp8Cache);
  }
  return std::min(logprob, 0.0);
}

// The words of a completion that is not streamed, four bytes a token.
std::string Words(const CompletionRequest& request, const EngineSettings& settings) {
  constexpr std::string_view kConsonants = "bdfgklmnprstvz", kVowels = "aeiou";
  const std::string weights = settings.EffectiveQuantization(), cache = settings.EffectiveKvCache();
  const std::uint64_t prompt = Fnv1a(request.prompt);
  std::uint64_t way = prompt;  // what decides the words from here on
  std::string text;
  for (int i = 0; i < request.output_tokens; ++i) {
    const auto diverges = [&](const std::string& name, double probability) {
      if (Uniform(prompt ^ Fnv1a(name), i, 11) < probability) way = (way ^ Fnv1a(name)) * 0x100000001b3;
    };
    if (!weights.empty()) diverges(weights, kWeightsDiverge);
    if (cache.starts_with("fp8")) diverges(cache, kCacheDiverges);
    const auto pick = [&](std::string_view letters, std::uint64_t stream) {
      return letters[static_cast<std::size_t>(Uniform(way, i, stream) * static_cast<double>(letters.size()))];
    };
    text += {' ', pick(kConsonants, 13), pick(kVowels, 14), pick(kConsonants, 15)};
  }
  return text;
}

std::string WholeAnswer(const CompletionRequest& request, const EngineSettings& settings) {
  switch (settings.scenario) {
    case InjectedFailure::kBrokenEmpty:
      return "";
    case InjectedFailure::kBrokenLoop:
    case InjectedFailure::kBrokenNan:  // the first entry of the vocabulary, often an exclamation mark
      return std::string(static_cast<std::size_t>(request.output_tokens), '!');
    case InjectedFailure::kNone:
    case InjectedFailure::kCrash:
    case InjectedFailure::kCrashServing:
    case InjectedFailure::kOomHost:
    case InjectedFailure::kOomCuda:
    case InjectedFailure::kNeverReady:
    case InjectedFailure::kExit137:
      break;
  }
  return Words(request, settings);
}

json Header(const CompletionIdentity& identity, const char* object) {
  return {{"id", identity.id},
          {"object", object},
          {"created", identity.created},
          {"model", identity.model},
          {"simulated", true}};
}

std::string Answer(int tokens) {
  std::string text;
  for (int i = 0; i < tokens; ++i) text += kTokenText;
  return text;
}

const char* FinishReason(const CompletionRequest& request) { return request.stops ? "stop" : "length"; }

// The chat as a model's template would write it. What an answer adds stands where the next turn repeats it.
std::string RenderChat(const json& messages) {
  std::string text;
  for (const json& message : messages) {
    text += "<|" + message.value("role", std::string("user")) + "|>";
    const json content = message.value("content", json());
    if (content.is_string()) text += content.get<std::string>();
    if (content.is_array()) {
      for (const json& part : content) {
        if (part.is_object()) text += part.value("text", "");
      }
    }
    text += "<|end|>";
  }
  return text + "<|assistant|>";
}

// Pieces of at least 16 tokens and whole blocks, each named by everything up to its end.
std::vector<engine_model::TextSegment> Segments(std::string_view bytes, std::size_t token_bytes, int block_tokens) {
  const int tokens = block_tokens >= 16 ? block_tokens : 16 / block_tokens * block_tokens;
  const std::size_t step = static_cast<std::size_t>(tokens) * token_bytes;
  std::vector<engine_model::TextSegment> segments;
  std::uint64_t key = 0xcbf29ce484222325;
  for (std::size_t at = 0; at + step <= bytes.size(); at += step) {
    for (const char c : bytes.substr(at, step)) key = (key ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    segments.push_back({key, tokens});
  }
  return segments;
}

int TokensOf(std::string_view text) { return static_cast<int>(std::max<std::size_t>(1, (text.size() + 3) / 4)); }

}  // namespace

ApiError MakeApiError(int status, const std::string& type, const std::string& message) {
  const json body = {{"error", {{"message", message}, {"type", type}, {"param", nullptr}, {"code", status}}}};
  return {status, body.dump()};
}

ApiError QueueFull(Engine engine) {
  if (engine != Engine::kSglang) return MakeApiError(503, "ServiceUnavailable", "Too many requests are waiting.");
  const json body = {{"object", "error"},
                     {"message", "The request queue is full."},
                     {"type", "SERVICE_UNAVAILABLE"},
                     {"param", nullptr},
                     {"code", 503}};
  return {503, json{{"error", body}}.dump()};
}

std::variant<CompletionRequest, ApiError> ParseCompletion(Endpoint endpoint, std::string_view text,
                                                          const EngineSettings& settings, std::int64_t kv_tokens) {
  const json body = json::parse(text, nullptr, false);
  if (!body.is_object()) return MakeApiError(400, "BadRequestError", "the body is not a JSON object");
  const bool trtllm = settings.release.engine == Engine::kTensorRtLlm;
  if (trtllm && endpoint == Endpoint::kCompletions) {
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

  request.endpoint = endpoint;
  const bool chat = endpoint == Endpoint::kChat;
  if (body.contains("n") && body["n"].is_number_integer() && body["n"] != 1) {
    return MakeApiError(400, "BadRequestError", "n: the simulated engine gives one answer");
  }
  std::string bytes;  // of the prompt
  constexpr std::size_t kTokenBytes = 4;
  if (chat) {
    const json messages = body.value("messages", json());
    if (!messages.is_array() || messages.empty() ||
        !std::all_of(messages.begin(), messages.end(), [](const json& each) { return each.is_object(); })) {
      return MakeApiError(400, "BadRequestError", "messages: a list of at least one message");
    }
    bytes = RenderChat(messages);
    request.prompt_tokens = TokensOf(bytes);
  } else {
    const json prompt = body.value("prompt", json());
    const json& first = prompt.is_array() && prompt.size() == 1 && !prompt[0].is_number() ? prompt[0] : prompt;
    if (first.is_string()) {
      bytes = first.get<std::string>();
      request.prompt_tokens = TokensOf(bytes);
    } else if (first.is_array() && !first.empty() && first[0].is_number_integer()) {
      request.prompt_tokens = static_cast<int>(first.size());
      for (const json& id : first) {
        const std::int64_t value = id.is_number_integer() ? id.get<std::int64_t>() : -1;
        if (value < 0 || value >= settings.shape.vocabulary) {
          const std::string message = OutOfVocabulary(settings, id.dump());
          ApiError error = MakeApiError(400, "BadRequestError", message);
          // vLLM looks when it has begun to answer (0.22.1, measured): a stream is a 200 with an error in it.
          if (settings.release.engine != Engine::kVllm || body.value("stream", json()) != true) return error;
          request.stream_error = std::move(error.body);
          break;
        }
        for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(value >> shift);
      }
    } else {
      return MakeApiError(400, "BadRequestError",
                          "prompt: a string or a list of token ids (the simulated engine takes one prompt a request)");
    }
    if (body.value("echo", json()) == true) request.echo = first.is_string() ? first.get<std::string>() : first.dump();
    request.prompt_logprobs = settings.release.engine == Engine::kVllm && body.contains("prompt_logprobs") &&
                              body["prompt_logprobs"].is_number_integer();
    if (body.value("stream", json()) != true) {
      request.prompt = first.is_string() ? first.get<std::string>() : first.dump();
    }
  }
  const json logprobs = body.value("logprobs", json());
  request.logprobs = logprobs == true || (logprobs.is_number_integer() && logprobs >= 1);
  // Log-probabilities of a prompt: all of it is computed.
  request.reads_cache = !(request.prompt_logprobs || (!request.echo.empty() && request.logprobs));

  if (settings.scenario == InjectedFailure::kBrokenNan && request.logprobs) {
    return MakeApiError(500, "InternalServerError", "Out of range float values are not JSON compliant: nan");
  }

  const std::int64_t room = std::min(settings.max_model_len, kv_tokens) - request.prompt_tokens;
  std::int64_t most = chat ? std::max<std::int64_t>(1, room) : 16;
  for (const char* name : {"max_tokens", "max_completion_tokens"}) {
    if (!body.contains(name) || body[name].is_null() || (!chat && name[4] == 'c')) continue;
    const std::int64_t least = request.echo.empty() ? 1 : 0;
    if (!body[name].is_number_integer() || body[name].get<std::int64_t>() < least) {
      return MakeApiError(
          400, "BadRequestError",
          std::string(name) + " must be at least " + std::to_string(least) + ", got " + body[name].dump() + ".");
    }
    most = std::min<std::int64_t>(body[name].get<std::int64_t>(), 1 << 24);
  }
  request.output_tokens = static_cast<int>(most);
  if (body.value("ignore_eos", json()) != true) {
    const json min_tokens = body.value("min_tokens", json());
    const std::int64_t least = min_tokens.is_number_integer() ? min_tokens.get<std::int64_t>() : 0;
    const double length = -kMeanAnswerTokens * std::log(Uniform(Fnv1a(bytes), 0, 7));
    const std::int64_t natural = std::max(least, 1 + static_cast<std::int64_t>(length));
    const bool at_once = settings.scenario == InjectedFailure::kBrokenEmpty;
    if (natural < most || at_once) {
      request.output_tokens = at_once ? 1 : static_cast<int>(natural);
      request.stops = true;
    }
  }
  request.stream = body.contains("stream") && body["stream"].is_boolean() && body["stream"].get<bool>();
  const json options = body.value("stream_options", json());
  if (options.is_object() && !request.stream && settings.release.engine != Engine::kSglang) {
    return MakeApiError(400, "BadRequestError", "Stream options can only be defined when `stream=True`.");
  }
  // TensorRT-LLM sends the usage unless told not to.
  request.include_usage = options.is_object() ? options.value("include_usage", trtllm) : false;
  request.continuous_usage = options.is_object() && options.value("continuous_usage_stats", false);

  const std::int64_t total = std::int64_t{request.prompt_tokens} + most;
  if (total > settings.max_model_len || total > kv_tokens) {
    return MakeApiError(400, "BadRequestError",
                        "This model's maximum context length is " +
                            std::to_string(std::min(settings.max_model_len, kv_tokens)) +
                            " tokens. However, you requested " + std::to_string(most) +
                            " output tokens and your prompt contains " + std::to_string(request.prompt_tokens) +
                            " input tokens, for a total of " + std::to_string(total) + " tokens.");
  }
  if (settings.prefix_caching) {
    // The answer of a chat is known already: the next turn's prompt continues behind it.
    if (chat) bytes += Answer(request.output_tokens);
    request.text = Segments(bytes, kTokenBytes, settings.block_tokens);
  }
  return request;
}

std::string OpeningEventText(const CompletionIdentity& identity, const CompletionRequest& request) {
  if (request.endpoint != Endpoint::kChat) return "";
  json event = Header(identity, "chat.completion.chunk");
  event["choices"] = json::array({{{"index", 0},
                                   {"delta", {{"role", "assistant"}, {"content", ""}}},
                                   {"logprobs", nullptr},
                                   {"finish_reason", nullptr}}});
  return "data: " + event.dump() + "\n\n";
}

std::string TokenEventText(const CompletionIdentity& identity, const CompletionRequest& request,
                           const EngineSettings& settings, int tokens, int tokens_so_far, bool finished) {
  const bool chat = request.endpoint == Endpoint::kChat;
  // SGLang's chat tells the reason in an event of its own.
  const bool apart = chat && finished && settings.release.engine == Engine::kSglang;
  const std::string reason =
      finished && !apart ? std::string("\"") + FinishReason(request) + "\"" : std::string("null");
  const std::string begin =
      "data: {\"id\":\"" + identity.id + "\",\"object\":\"" + (chat ? "chat.completion.chunk" : "text_completion") +
      "\",\"created\":" + std::to_string(identity.created) + ",\"model\":" + json(identity.model).dump() +
      ",\"simulated\":true,\"choices\":[{\"index\":0,";
  std::string end = "]";
  if (request.continuous_usage) end += ",\"usage\":" + Usage(request, tokens_so_far).dump();
  end += "}\n\n";
  const std::string text = "\"" + Answer(tokens) + "\"";
  if (!chat) {
    std::string logprobs = "null";
    if (request.logprobs) {
      json values = json::array();
      for (int i = 0; i < tokens; ++i) values.push_back(kTokenLogprob);
      logprobs = json{{"token_logprobs", std::move(values)}}.dump();
    }
    return begin + "\"text\":" + text + ",\"logprobs\":" + logprobs + ",\"finish_reason\":" + reason +
           ",\"stop_reason\":null}" + end;
  }
  std::string out =
      begin + "\"delta\":{\"content\":" + text + "},\"logprobs\":null,\"finish_reason\":" + reason + "}" + end;
  if (apart) {
    out += begin + "\"delta\":{},\"logprobs\":null,\"finish_reason\":\"" + FinishReason(request) + "\"}" + end;
  }
  return out;
}

std::string ClosingEventText(const CompletionIdentity& identity, const CompletionRequest& request) {
  std::string out;
  if (request.include_usage) {
    json usage = Header(identity, request.endpoint == Endpoint::kChat ? "chat.completion.chunk" : "text_completion");
    usage["choices"] = json::array();
    usage["usage"] = Usage(request, request.output_tokens);
    out = "data: " + usage.dump() + "\n\n";
  }
  return out + "data: [DONE]\n\n";
}

std::string ErrorEventText(const std::string& body) { return "data: " + body + "\n\ndata: [DONE]\n\n"; }

std::string CompletionBody(const CompletionIdentity& identity, const CompletionRequest& request,
                           const EngineSettings& settings) {
  if (request.endpoint == Endpoint::kChat) {
    json body = Header(identity, "chat.completion");
    body["choices"] = json::array({{{"index", 0},
                                    {"message", {{"role", "assistant"}, {"content", Answer(request.output_tokens)}}},
                                    {"logprobs", nullptr},
                                    {"finish_reason", FinishReason(request)}}});
    body["usage"] = Usage(request, request.output_tokens);
    return body.dump();
  }
  const std::uint64_t text = Fnv1a(request.prompt);
  json logprobs;
  if (request.logprobs) {
    json values = json::array();
    if (!request.echo.empty() && settings.release.engine != Engine::kTensorRtLlm) {
      for (int i = 0; i < request.prompt_tokens; ++i) {
        values.push_back(i == 0 ? json() : json(PromptLogprob(request, text, i, settings)));
      }
    }
    for (int i = 0; i < request.output_tokens; ++i) values.push_back(kTokenLogprob);
    logprobs = {{"token_logprobs", std::move(values)}};
  }
  json choice = {{"index", 0},
                 {"text", request.echo + WholeAnswer(request, settings)},
                 {"logprobs", logprobs},
                 {"finish_reason", FinishReason(request)},
                 {"stop_reason", nullptr}};
  if (request.prompt_logprobs) {
    json values = json::array();
    for (int i = 0; i < request.prompt_tokens; ++i) {
      const json token = {
          {"logprob", PromptLogprob(request, text, i, settings)}, {"rank", 1}, {"decoded_token", " sim"}};
      values.push_back(i == 0 ? json() : json{{std::to_string(i), token}});
    }
    choice["prompt_logprobs"] = std::move(values);
  }
  json body = Header(identity, "text_completion");
  body["choices"] = json::array({std::move(choice)});
  body["usage"] = Usage(request, request.output_tokens);
  return body.dump();
}

}  // namespace autotune::simulator
