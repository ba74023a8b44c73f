#include "bench/quality_probe.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <numeric>
#include <utility>

#include "bench/clean_text.h"
#include "bench/completion_stream.h"
#include "bench/datasets.h"
#include "bench/quality.h"

namespace autotune::bench {
namespace {

using measurement::kGreedyTokens;
using measurement::Question;
using nlohmann::json;

constexpr std::string_view kCompletions = "/v1/completions", kChat = "/v1/chat/completions";
constexpr std::size_t kFirstLook = 2 * measurement::kQualityGroups;  // blocks
constexpr std::size_t kSanityPrompts = 4;
constexpr std::size_t kQuestionsInFlight = 64;
constexpr std::size_t kShortestPiece = 512;  // bytes; an engine that rejects less rejects everything
// Of ordinary text. Where a tokenizer makes more tokens of it than the context holds, the engine rejects, and gets
// halves.
constexpr double kBytesPerToken = 4;
// Of log-probabilities at once: logits, their 32-bit form and its logarithm are ten bytes for each token and entry of
// the vocabulary, 5 GiB for this many. Engines keep about a tenth of the GPU's memory free.
constexpr double kMostLogits = 1 << 29;

// Names the contents of a dataset.
std::string DatasetName(const BenchSpec& spec, const std::vector<Question>& questions) {
  std::uint64_t hash = 0xcbf29ce484222325;
  const auto add = [&](std::string_view text) {
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    hash = (hash ^ 0xff) * 0x100000001b3;
  };
  for (const Question& question : questions) {
    add(question.prompt);
    for (const auto& message : question.messages) add(message.role + ": " + message.content);
    for (const std::string& reference : question.references) add(reference);
    for (const std::string& stop : question.stop) add(stop);
    add(std::to_string(static_cast<int>(question.match)) + " " + std::to_string(question.right));
  }
  char text[24];
  std::snprintf(text, sizeof text, "#%08x", static_cast<unsigned>(hash ^ hash >> 32));
  return FileName(spec.quality.questions->path) + text;
}

std::string QuestionBody(const std::string& model, const Question& question, int tokens) {
  json body = {{"model", model}, {"max_tokens", tokens}, {"temperature", 0}, {"stream", false}};
  if (!question.stop.empty()) body["stop"] = question.stop;
  if (question.messages.empty()) {
    body["prompt"] = question.prompt;
  } else {
    for (const auto& message : question.messages) {
      body["messages"].push_back({{"role", message.role}, {"content", message.content}});
    }
  }
  return body.dump();
}

// Of a completion or a chat.
base::Result<std::string> AnswerText(std::string_view body) {
  const json document = json::parse(body, nullptr, false);
  const json::json_pointer kContent("/choices/0/message/content");
  if (document.contains(kContent) && document.at(kContent).is_string()) return document.at(kContent).get<std::string>();
  auto text = ReadGreedyText(body);
  if (!text) return text.error();
  return std::move(text->text);
}

}  // namespace

QualityProbe::QualityProbe(const BenchSpec& spec, std::string model, QualityHooks hooks, base::Clock& clock)
    : spec_(spec), model_(std::move(model)), hooks_(std::move(hooks)), clock_(clock) {}

std::size_t QualityProbe::LongestText(const BenchSpec& spec) {
  double tokens = 1e9;
  if (spec.max_model_len > 0) tokens = spec.max_model_len - 2;  // one is generated, one may begin the text
  if (spec.vocab_size > 0) tokens = std::min(tokens, kMostLogits / spec.vocab_size);
  return static_cast<std::size_t>(std::max(tokens * kBytesPerToken, double{kShortestPiece}));
}

std::string QualityProbe::CheckSanity() {
  std::vector<std::string> bodies;
  for (const std::string_view text : Corpus()[0].documents) {
    if (bodies.size() < kSanityPrompts)
      bodies.push_back(GreedyBody(model_, CutText(text, text.size() / 2)[0], kGreedyTokens));
  }
  std::vector<GreedyText> answers;
  for (const auto& answer : hooks_.ask(kCompletions, bodies, bodies.size())) {
    if (!answer) return "";
    if (SaysNotANumber(answer->body)) return "the engine computes NaN: " + CleanText(ErrorMessage(answer->body), 200);
    auto text = answer->status == 200 ? ReadGreedyText(answer->body) : base::Invalid("");
    if (!text) return "";
    answers.push_back(*std::move(text));
  }
  return WhyBroken(answers);
}

// Parts that are missing for one reason are told together.
bool QualityProbe::Fail(const std::string& reason) {
  hooks_.say("quality: " + part_ + ": " + reason);
  const auto same =
      std::find_if(problems_.begin(), problems_.end(), [&](const auto& one) { return one.second == reason; });
  if (same == problems_.end()) {
    problems_.emplace_back(part_, reason);
  } else {
    same->first += " and " + part_;
  }
  outcome_.problem.clear();
  for (const auto& [parts, why] : problems_) {
    outcome_.problem += (outcome_.problem.empty() ? "" : "; ") + parts + ": " + why;
  }
  return false;
}

std::string QualityProbe::Refusal(const base::Result<Answer>& answer) const {
  if (!answer) return answer.error().message;
  return "HTTP " + std::to_string(answer->status) + ": " + ErrorMessage(answer->body);
}

bool QualityProbe::Read(const Answer& answer, std::vector<double>& logprobs) {
  auto read = PromptLogprobs(answer.body);
  if (!read) return Fail(read.error().message);
  const auto nan = std::find_if(read->begin(), read->end(), [](double value) { return std::isnan(value); });
  if (nan != read->end()) {
    outcome_.broken = "the log-probability of a prompt's token (" + std::to_string(nan - read->begin() + 1) + " of " +
                      std::to_string(read->size()) + ") is not a number";
    return Fail(outcome_.broken);
  }
  logprobs = *std::move(read);
  return true;
}

// An engine that rejects a text as too long, or cannot compute it at once, gets it in two.
bool QualityProbe::AskAgainInHalves(std::string_view text, std::vector<double>& logprobs, int& pieces) {
  for (const std::string_view half : CutText(text, (text.size() + 1) / 2)) {
    std::vector<std::vector<double>> more;
    if (!AskPieces({half}, 1, more, pieces)) return false;
    logprobs.insert(logprobs.end(), more[0].begin(), more[0].end());
  }
  return true;
}

// Log-probabilities of each text, in order. `pieces` grows by one for each request that was answered.
bool QualityProbe::AskPieces(const std::vector<std::string_view>& texts, std::size_t in_flight,
                             std::vector<std::vector<double>>& logprobs, int& pieces) {
  std::vector<std::string> bodies;
  for (const std::string_view text : texts) bodies.push_back(LikelihoodBody(model_, text));
  const auto answers = hooks_.ask(kCompletions, bodies, in_flight);
  logprobs.assign(texts.size(), {});
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (answers[i] && answers[i]->status == 200) {
      if (!Read(*answers[i], logprobs[i])) return false;
      ++pieces;
      continue;
    }
    const std::string refusal = Refusal(answers[i]);
    if (hooks_.interrupted()) return Fail("the run ended before it was measured");
    if (answers[i] && SaysNotANumber(answers[i]->body)) {
      outcome_.broken = "the engine computes NaN: " + CleanText(refusal, 200);
      return Fail(refusal);
    }
    // Not an answer, or the answer of an engine that is about to end.
    if ((!answers[i] || answers[i]->status >= 500) && hooks_.ended())
      return Fail("the engine ended over it: " + refusal);
    if (!answers[i] || answers[i]->status == 404 || texts[i].size() < 2 * kShortestPiece) return Fail(refusal);
    if (!AskAgainInHalves(texts[i], logprobs[i], pieces)) return false;
  }
  return true;
}

// Log-probabilities of all documents in a row. `pieces`: in how many requests the one that was cut most was asked.
bool QualityProbe::AskDocuments(const std::vector<std::string_view>& documents, bool alone, std::vector<double>& all,
                                int& pieces) {
  std::vector<std::string_view> texts;
  for (const std::string_view document : documents) {
    for (const std::string_view piece : CutText(document, LongestText(spec_))) texts.push_back(piece);
  }
  int answered = 0;
  // Alone: one request after the other, so that nothing shares a step with it.
  const std::size_t group = alone ? 1 : texts.size();
  for (std::size_t at = 0; at < texts.size(); at += group) {
    std::vector<std::vector<double>> logprobs;
    const auto begin = texts.begin() + static_cast<std::ptrdiff_t>(at);
    if (!AskPieces({begin, begin + static_cast<std::ptrdiff_t>(group)}, kShortInFlight, logprobs, answered)) {
      return false;
    }
    for (const auto& values : logprobs) all.insert(all.end(), values.begin(), values.end());
  }
  pieces = std::min(answered - static_cast<int>(documents.size()) + 1, measurement::kMostPieces);
  return true;
}

bool QualityProbe::MeasurePart(std::size_t number, Asking asking) {
  using measurement::TextKind;
  const CorpusPart& part = Corpus()[number];
  std::vector<std::string> turned;
  if (asking == Asking::kTurned) {
    for (const std::string_view document : part.documents) turned.push_back(TurnedRound(document));
  }
  int pieces = 1;
  std::vector<double> all;
  if (!AskDocuments(turned.empty() ? part.documents : std::vector<std::string_view>(turned.begin(), turned.end()),
                    part.alone, all, pieces)) {
    return false;
  }
  if (all.size() < measurement::QualityBlock().prints.size())
    return Fail("too few tokens in " + std::string(part.files));
  if (asking == Asking::kTurned) {
    measurement::QualityBlock& block = measured_.blocks[number];
    if (block.pieces == pieces) block.turned = NllOf(all);
    return true;
  }
  measurement::QualityBlock& block = measured_.blocks.emplace_back(MakeBlock(all));
  block.pieces = pieces;
  block.kind = part.is_long || pieces > 1 ? TextKind::kLong : part.alone ? TextKind::kShortAlone : TextKind::kShort;
  return true;
}

// What a precision does to one token's likelihood is mostly noise that depends on the tokens before it: where the whole
// corpus does not suffice, its documents turned round draw that noise anew.
void QualityProbe::MeasureCorpus() {
  measured_.text = kCorpusName;
  part_ = "the corpus";
  const auto start = clock_.Now();
  const QualityPlan& plan = spec_.quality;
  const auto count = [&](std::size_t asked) {
    return std::to_string(asked) + " of " + std::to_string(Corpus().size()) + " blocks";
  };
  for (const Asking asking : {Asking::kWritten, Asking::kTurned}) {
    const bool written = asking == Asking::kWritten;
    for (std::size_t i = 0; i < Corpus().size(); ++i) {
      if (clock_.Now() - start > kQualityBudget) {
        const std::string limit = std::to_string(kQualityBudget.count()) + " s";
        if (written) {
          Fail("takes longer than " + limit + ": " + count(i));
        } else {
          hooks_.say("quality: " + limit + " are over, " + count(i) + " asked twice");
        }
        return;
      }
      if (!MeasurePart(i, asking)) return;
      const bool look = (i + 1) % measurement::kQualityGroups == 0 && (!written || i + 1 >= kFirstLook);
      if (look && plan.reference &&
          measurement::IsEnough(measured_, *plan.reference, plan.only_cache_differs, plan.max_growth)) {
        hooks_.say("quality: enough after " + count(i + 1) + (written ? "" : " asked twice"));
        return;
      }
    }
  }
}

std::optional<std::vector<std::string>> QualityProbe::GreedyAnswers(std::size_t in_flight) {
  std::vector<std::string> bodies, texts;
  for (const std::string_view prompt : GreedyPrompts()) bodies.push_back(GreedyBody(model_, prompt, kGreedyTokens));
  for (const auto& answer : hooks_.ask(kCompletions, bodies, in_flight)) {
    auto text = answer && answer->status == 200 ? ReadGreedyText(answer->body) : base::Invalid(Refusal(answer));
    if (!text) {
      Fail(text.error().message);
      return std::nullopt;
    }
    texts.push_back(std::move(text->text));
  }
  return texts;
}

void QualityProbe::MeasureAnswers() {
  part_ = "greedy answers";
  const auto once = GreedyAnswers(measurement::kGreedyPrompts);
  if (!once) return;
  // Other requests share the steps now: what rounding alone changes shows.
  const auto again = GreedyAnswers(measurement::kGreedyPrompts / 2);
  if (!again) return;
  for (std::size_t i = 0; i < once->size(); ++i) {
    measured_.answers.push_back(measurement::MakeGreedyAnswer((*once)[i], (*again)[i]));
  }
}

void QualityProbe::FailAtQuestion(std::size_t index, const std::string& reason) {
  const std::string part = part_;
  part_ += ", refused at question " + std::to_string(index + 1);
  Fail(reason);
  part_ = part;
}

// Which of these questions get a right answer; nullopt if one cannot be asked.
std::optional<std::vector<bool>> QualityProbe::AskForAnswers(std::string_view path, std::span<const Question> questions,
                                                             const std::vector<std::size_t>& which) {
  std::vector<std::string> bodies;
  for (const std::size_t i : which) {
    bodies.push_back(QuestionBody(model_, questions[i], spec_.quality.questions->answer_tokens));
  }
  const auto answers = hooks_.ask(path, bodies, kQuestionsInFlight);
  std::vector<bool> passed;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    auto text =
        answers[i] && answers[i]->status == 200 ? AnswerText(answers[i]->body) : base::Invalid(Refusal(answers[i]));
    if (!text) {
      FailAtQuestion(which[i], text.error().message);
      return std::nullopt;
    }
    passed.push_back(measurement::IsRight(questions[which[i]], *text));
  }
  return passed;
}

// The same of choices. All choices have the prompt in common, so the likeliest text has the likeliest choice.
std::optional<std::vector<bool>> QualityProbe::AskChoices(std::span<const Question> questions,
                                                          const std::vector<std::size_t>& which) {
  std::vector<std::string> bodies;
  for (const std::size_t i : which) {
    for (const std::string& choice : questions[i].references) {
      bodies.push_back(LikelihoodBody(model_, questions[i].prompt + choice));
    }
  }
  const auto answers = hooks_.ask(kCompletions, bodies, kShortInFlight);
  std::vector<bool> passed;
  std::size_t next = 0;
  for (const std::size_t i : which) {
    std::vector<double> sums;
    for (std::size_t j = 0; j < questions[i].references.size(); ++j, ++next) {
      std::vector<double> logprobs;
      if (!answers[next] || answers[next]->status != 200) {
        FailAtQuestion(i, Refusal(answers[next]));
        return std::nullopt;
      }
      if (!Read(*answers[next], logprobs)) return std::nullopt;
      sums.push_back(std::accumulate(logprobs.begin(), logprobs.end(), 0.0));
    }
    const auto likeliest = std::max_element(sums.begin(), sums.end()) - sums.begin();
    passed.push_back(static_cast<std::size_t>(likeliest) == questions[i].right);
  }
  return passed;
}

// By the kind of request. A kind that the engine refuses is left out whole: a rate of some is not the rate of all.
void QualityProbe::MeasureQuestions() {
  const auto set = ReadQuestionsOf(spec_);
  if (!set || set->questions.empty()) return;  // the run has looked at it before the engine was ready
  const std::vector<Question>& questions = set->questions;
  enum class Kind { kPrompts, kChats, kChoices };
  const auto kind_of = [](const Question& question) {
    if (question.match == Question::Match::kChoice) return Kind::kChoices;
    return question.messages.empty() ? Kind::kPrompts : Kind::kChats;
  };
  std::vector<std::optional<bool>> passed(questions.size());
  for (const auto& [kind, name] : {std::pair(Kind::kPrompts, "by prompts"), std::pair(Kind::kChats, "by messages"),
                                   std::pair(Kind::kChoices, "by choices")}) {
    std::vector<std::size_t> which;
    for (std::size_t i = 0; i < questions.size(); ++i) {
      if (kind_of(questions[i]) == kind) which.push_back(i);
    }
    if (which.empty()) continue;
    part_ = "quality.dataset: " + std::to_string(which.size()) + " of " + std::to_string(questions.size()) +
            (questions.size() == 1 ? " question " : " questions ") + name;
    const auto right = kind == Kind::kChoices
                           ? AskChoices(questions, which)
                           : AskForAnswers(kind == Kind::kChats ? kChat : kCompletions, questions, which);
    for (std::size_t i = 0; right && i < which.size(); ++i) passed[which[i]] = (*right)[i];
  }
  std::vector<Question> counted;
  measurement::QuestionResults passes;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    if (!passed[i]) continue;
    counted.push_back(questions[i]);
    passes.passed.push_back(*passed[i]);
  }
  passes.dataset = DatasetName(spec_, counted);
  if (!counted.empty()) measured_.passes = std::move(passes);
}

QualityOutcome QualityProbe::Measure() {
  outcome_ = {};
  measured_ = {};
  problems_.clear();
  // What needs the least memory first: what comes after it may end the engine.
  MeasureAnswers();
  if (outcome_.problem.empty()) MeasureQuestions();
  if (!hooks_.interrupted()) MeasureCorpus();
  if (measured_.blocks.empty()) measured_.text.clear();
  if (measured_ != measurement::Quality()) outcome_.quality = measured_;
  return outcome_;
}

}  // namespace autotune::bench
