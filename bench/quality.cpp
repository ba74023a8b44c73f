#include "bench/quality.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>

#include "bench/clean_text.h"
#include "bench/completion_stream.h"

namespace autotune::bench {
namespace {

using measurement::QualityBlock;
using nlohmann::json;

const json::json_pointer kChoice("/choices/0");
const json::json_pointer kLogprobs("/choices/0/logprobs/token_logprobs");
constexpr std::size_t kShortestLoop = 16;  // bytes; a shorter answer is no loop yet
constexpr std::size_t kUnitRepeats = 4;    // of a unit, to call it one

// FNV-1a over the bits: equal only for numbers that are equal to the last digit, in the same order.
std::uint16_t Print(std::vector<double>::const_iterator begin, std::vector<double>::const_iterator end) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (; begin != end; ++begin) {
    const auto bits = std::bit_cast<std::uint64_t>(*begin);
    for (int shift = 0; shift < 64; shift += 8) hash = (hash ^ (bits >> shift & 0xff)) * 0x100000001b3;
  }
  return static_cast<std::uint16_t>((hash ^ hash >> 32) & ((1u << measurement::kPrintBits) - 1));
}

// Is the whole text a unit of at most a quarter of it, over and over?
bool IsLoop(std::string_view text) {
  if (text.size() < kShortestLoop) return false;
  for (std::size_t unit = 1; unit <= text.size() / kUnitRepeats; ++unit) {
    if (text.substr(unit) == text.substr(0, text.size() - unit)) return true;
  }
  return false;
}

bool IsBlank(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) <= ' '; });
}

}  // namespace

std::string LikelihoodBody(const std::string& model, std::string_view text) {
  const json body = {{"model", model}, {"prompt", text}, {"max_tokens", 1}, {"temperature", 0},
                     {"echo", true},   {"logprobs", 1},  {"stream", false}};
  return body.dump();
}

base::Result<std::vector<double>> PromptLogprobs(std::string_view answer) {
  const json document = json::parse(answer, nullptr, false);
  if (!document.contains(kChoice)) return base::Invalid("no completion: " + ErrorMessage(answer));
  const json values = document.contains(kLogprobs) ? document.at(kLogprobs) : json();
  // Prompt and one generated token; the first of the prompt is null, or missing where a beginning token was added.
  if (!values.is_array() || values.size() < 3) {
    return base::Invalid("the engine reports no log-probabilities of a prompt");
  }
  std::vector<double> logprobs;
  logprobs.reserve(values.size());
  for (std::size_t i = 0; i + 1 < values.size(); ++i) {
    const json& value = values[i];
    if (i == 0 && value.is_null()) continue;
    const double logprob = value.is_number() ? value.get<double>() : std::numeric_limits<double>::quiet_NaN();
    logprobs.push_back(std::isfinite(logprob) ? logprob : std::numeric_limits<double>::quiet_NaN());
  }
  return logprobs;
}

bool SaysNotANumber(std::string_view answer) {
  return answer.find("Out of range float values") != std::string_view::npos;
}

double NllOf(const std::vector<double>& logprobs) {
  return -std::accumulate(logprobs.begin(), logprobs.end(), 0.0) / static_cast<double>(logprobs.size());
}

QualityBlock MakeBlock(const std::vector<double>& logprobs) {
  QualityBlock block;
  block.nll = NllOf(logprobs);
  const auto at = [&](std::size_t third) {
    return logprobs.begin() + static_cast<std::ptrdiff_t>(logprobs.size() * third / block.prints.size());
  };
  for (std::size_t i = 0; i < block.prints.size(); ++i) block.prints[i] = Print(at(i), at(i + 1));
  block.tokens = static_cast<int>(std::min<std::size_t>(logprobs.size(), measurement::kMostBlockTokens));
  return block;
}

std::string GreedyBody(const std::string& model, std::string_view prompt, int tokens) {
  const json body = {
      {"model", model}, {"prompt", prompt}, {"max_tokens", tokens}, {"temperature", 0}, {"stream", false}};
  return body.dump();
}

base::Result<GreedyText> ReadGreedyText(std::string_view answer) {
  const json document = json::parse(answer, nullptr, false);
  if (!document.contains(kChoice)) return base::Invalid("no completion: " + ErrorMessage(answer));
  const json& choice = document.at(kChoice);
  GreedyText out;
  if (!choice.is_object() || !choice.contains("text") || !choice["text"].is_string()) {
    return base::Invalid("a completion without a text");
  }
  out.text = choice["text"].get<std::string>();
  if (const json reason = choice.value("finish_reason", json()); reason.is_string()) {
    out.finish_reason = reason.get<std::string>();
  }
  const json usage = document.value("usage", json());
  if (usage.is_object() && usage.contains("completion_tokens") && usage["completion_tokens"].is_number_integer()) {
    out.tokens = usage["completion_tokens"].get<std::int64_t>();
  }
  return out;
}

std::string WhyBroken(const std::vector<GreedyText>& answers) {
  if (answers.size() < 2) return "";
  const auto all = [&](auto is) { return std::all_of(answers.begin(), answers.end(), is); };
  const std::string count = "all " + std::to_string(answers.size()) + " test prompts ";
  if (all([](const GreedyText& answer) { return IsBlank(answer.text); })) {
    const bool ended = all([](const GreedyText& answer) { return answer.finish_reason == "stop"; });
    return count + (ended ? "are answered with an immediate end of sequence" : "are answered with nothing visible");
  }
  if (all([](const GreedyText& answer) { return IsLoop(answer.text); })) {
    return count + "are answered by an endless repetition of one text, such as \"" + CleanText(answers[0].text, 40) +
           "\"";
  }
  return "";
}

}  // namespace autotune::bench
