// Quality measurement of a running engine: plausibility of its answers, likelihood of the corpus, greedy answers, and
// questions of a dataset.
//
// Blocking, single-threaded. Requests are sent through QualityHooks, so tests need no engine. Bounded: at
// most kQualityBudget for the corpus; no request exceeds the context, or the memory for its
// log-probabilities.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "bench/bench_spec.h"
#include "bench/corpus.h"
#include "bench/exchange.h"
#include "measurement/quality.h"
#include "measurement/questions.h"

namespace autotune::bench {

inline constexpr std::chrono::seconds kQualityBudget{180};
inline constexpr std::size_t kShortInFlight = 16;

struct QualityHooks {
  // Sends all bodies, at most `in_flight` at a time. Returns an answer or an error for each.
  std::function<std::vector<base::Result<Answer>>(std::string_view path, std::span<const std::string> bodies,
                                                  std::size_t in_flight)>
      ask;
  std::function<bool()> interrupted = [] { return false; };
  // After a response that may be the last: waits for the engine to exit. True if it has ended, or the run has.
  std::function<bool()> ended = [] { return false; };
  std::function<void(const std::string&)> say = [](const std::string&) {};
};

struct QualityOutcome {
  std::optional<measurement::Quality> quality;  // the measured parts, also if some are missing
  std::string problem;                          // reason for a missing part, "" = complete
  std::string broken;                           // reason for which the output is broken, "" = plausible
};

class QualityProbe {
 public:
  // `spec` and `clock` must outlive it.
  QualityProbe(const BenchSpec& spec, std::string model, QualityHooks hooks, base::Clock& clock);

  // Checks a few greedy answers for output that no working model gives. Returns "" if they are plausible, or if the
  // engine does not answer (the load run reports that).
  std::string CheckSanity();
  QualityOutcome Measure();

  // Maximum text per request in bytes, limited by the context and by the GPU memory for the log-probabilities of its
  // tokens.
  static std::size_t LongestText(const BenchSpec& spec);

 private:
  void MeasureCorpus();
  enum class Asking { kWritten, kTurned };
  bool MeasurePart(std::size_t number, Asking asking);
  bool AskDocuments(const std::vector<std::string_view>& documents, bool alone, std::vector<double>& all, int& pieces);
  bool AskPieces(const std::vector<std::string_view>& texts, std::size_t in_flight,
                 std::vector<std::vector<double>>& logprobs, int& pieces);
  bool AskAgainInHalves(std::string_view text, std::vector<double>& logprobs, int& pieces);
  bool Read(const Answer& answer, std::vector<double>& logprobs);
  void MeasureAnswers();
  std::optional<std::vector<std::string>> GreedyAnswers(std::size_t in_flight);
  void MeasureQuestions();
  std::optional<std::vector<bool>> AskForAnswers(std::string_view path,
                                                 std::span<const measurement::Question> questions,
                                                 const std::vector<std::size_t>& which);
  std::optional<std::vector<bool>> AskChoices(std::span<const measurement::Question> questions,
                                              const std::vector<std::size_t>& which);
  bool Fail(const std::string& reason);  // of part_
  void FailAtQuestion(std::size_t index, const std::string& reason);
  [[nodiscard]] std::string Refusal(const base::Result<Answer>& answer) const;

  const BenchSpec& spec_;
  const std::string model_;
  QualityHooks hooks_;
  base::Clock& clock_;
  measurement::Quality measured_;
  QualityOutcome outcome_;
  std::string part_;                                           // part that is being measured: "the corpus"
  std::vector<std::pair<std::string, std::string>> problems_;  // missing parts, and why
};

}  // namespace autotune::bench
