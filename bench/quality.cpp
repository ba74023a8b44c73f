#include "bench/quality.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "bench/completion_stream.h"

namespace autotune::bench {
namespace {

using nlohmann::json;

const json* Member(const json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

}  // namespace

std::string QualityBody(const std::string& model, const std::string& passage) {
  const json body = {{"model", model}, {"prompt", passage}, {"max_tokens", 1}, {"temperature", 0},
                     {"echo", true},   {"logprobs", 1},     {"stream", false}};
  return body.dump();
}

base::Result<double> MeanNll(std::string_view answer) {
  const json document = json::parse(answer, nullptr, false);
  const json* choices = Member(document, "choices");
  if (choices == nullptr || !choices->is_array() || choices->empty()) {
    return base::Invalid("no completion: " + ErrorMessage(answer));
  }
  const json* logprobs = Member((*choices)[0], "logprobs");
  const json* values = logprobs == nullptr ? nullptr : Member(*logprobs, "token_logprobs");
  // Prompt and one generated token; the first of the prompt is null, or missing where a beginning token was added.
  if (values == nullptr || !values->is_array() || values->size() < 3) {
    return base::Invalid("the engine gives no log-probabilities of a prompt");
  }
  double sum = 0;
  int count = 0;
  for (std::size_t i = 0; i + 1 < values->size(); ++i) {
    const json& value = (*values)[i];
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
