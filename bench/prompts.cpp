#include "bench/prompts.h"

#include <array>
#include <nlohmann/json.hpp>
#include <string_view>

#include "measurement/keyed_random.h"

namespace autotune::bench {
namespace {

// SplitMix64 (Steele, Lea and Flood, 2014): seeding is free, so every request has a generator of its own.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t Next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  std::uint64_t Below(std::uint64_t bound) { return Next() % bound; }

 private:
  std::uint64_t state_;
};

// One token each in the usual vocabularies, with the space before them.
constexpr std::array<std::string_view, 64> kWords = {
    "time",   "year",     "people",   "way",   "day",     "man",   "thing", "woman",   "life",   "child",  "world",
    "school", "state",    "family",   "group", "country", "hand",  "part",  "place",   "case",   "week",   "company",
    "system", "program",  "question", "work",  "number",  "night", "point", "home",    "water",  "room",   "mother",
    "area",   "money",    "story",    "fact",  "month",   "lot",   "right", "study",   "book",   "eye",    "job",
    "word",   "business", "issue",    "side",  "kind",    "head",  "house", "service", "friend", "father", "power",
    "hour",   "game",     "line",     "end",   "member",  "law",   "car",   "city",    "name"};

}  // namespace

const std::vector<PromptStyle>& PromptStyles() {
  using Kind = PromptStyle::Kind;
  // Special tokens live at the two ends of a vocabulary. 32,000 is the smallest among today's served models (Llama 2,
  // Mistral); the smaller ranges are for toy models.
  static const std::vector<PromptStyle> kStyles = {
      {Kind::kTokenIds, 1000, 30999}, {Kind::kTokenIds, 100, 999}, {Kind::kTokenIds, 3, 99}, {Kind::kWords, 0, 0}};
  return kStyles;
}

std::string CompletionBody(const RequestSeries& series, std::uint64_t index) {
  Random random(Random(static_cast<std::uint64_t>(series.seed)).Next() ^ Random(series.stream * 0x10001 + 1).Next() ^
                Random(index).Next());
  measurement::KeyedRandom lengths(static_cast<std::uint64_t>(series.seed) ^ (series.stream << 32), index);
  const int input_tokens = series.scenario.input.Draw(lengths);
  const int output_tokens = series.scenario.output.Draw(lengths);
  std::string body =
      "{\"model\":" + nlohmann::json(series.model).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  body.reserve(body.size() + static_cast<std::size_t>(input_tokens) * 7 + 256);
  switch (series.style.kind) {
    case PromptStyle::Kind::kTokenIds: {
      const auto range = static_cast<std::uint64_t>(series.style.last_id - series.style.first_id + 1);
      body += ",\"prompt\":[";
      for (int i = 0; i < input_tokens; ++i) {
        if (i > 0) body += ',';
        body += std::to_string(static_cast<std::uint64_t>(series.style.first_id) + random.Below(range));
      }
      body += ']';
      break;
    }
    case PromptStyle::Kind::kWords:
      body += ",\"prompt\":\"";
      for (int i = 0; i < input_tokens; ++i) {
        if (i > 0) body += ' ';
        body += kWords[random.Below(kWords.size())];
      }
      body += '"';
      break;
  }
  // Special tokens are not skipped: with ignore_eos a greedy model may repeat its end token for ever, and an answer
  // whose text is empty has no first token to time.
  body += ",\"max_tokens\":" + std::to_string(output_tokens) +
          ",\"temperature\":0,\"seed\":" + std::to_string(series.seed) +
          ",\"ignore_eos\":true,\"skip_special_tokens\":false,\"stream\":true,"
          "\"stream_options\":{\"include_usage\":true}}";
  return body;
}

}  // namespace autotune::bench
