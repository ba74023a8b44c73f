#include "bench/quality.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "bench/completion_stream.h"

namespace autotune::bench {
namespace {

using nlohmann::json;

const json::json_pointer kChoice("/choices/0");
const json::json_pointer kLogprobs("/choices/0/logprobs/token_logprobs");

}  // namespace

std::string QualityBody(const std::string& model, const std::string& passage) {
  const json body = {{"model", model}, {"prompt", passage}, {"max_tokens", 1}, {"temperature", 0},
                     {"echo", true},   {"logprobs", 1},     {"stream", false}};
  return body.dump();
}

base::Result<double> MeanNll(std::string_view answer) {
  const json document = json::parse(answer, nullptr, false);
  if (!document.contains(kChoice)) return base::Invalid("no completion: " + ErrorMessage(answer));
  const json values = document.contains(kLogprobs) ? document.at(kLogprobs) : json();
  // Prompt and one generated token; the first of the prompt is null, or missing where a beginning token was added.
  if (!values.is_array() || values.size() < 3) {
    return base::Invalid("the engine gives no log-probabilities of a prompt");
  }
  double sum = 0;
  int count = 0;
  for (std::size_t i = 0; i + 1 < values.size(); ++i) {
    const json& value = values[i];
    if (i == 0 && value.is_null()) continue;
    if (!value.is_number() || !std::isfinite(value.get<double>())) {
      return base::Invalid("the log-probability of token " + std::to_string(i) + " is " + value.dump());
    }
    sum += value.get<double>();
    ++count;
  }
  return -sum / count;
}

}  // namespace autotune::bench
