// Asks an engine for what bench/quality reads: sanity of its answers, likelihood of the corpus, greedy answers, and the
// questions of a dataset.
//
// Blocking, single-threaded; how requests are sent comes in through Hooks, so that the order of events can be tested
// without an engine. Time and memory are bounded: at most kQualityBudget for the corpus, and requests no longer than
// the context or the memory for their log-probabilities allow.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <span>
#include <string>
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
  // Sends all, at most `in_flight` at a time; an answer or why there is none for each.
  std::function<std::vector<base::Result<Answer>>(std::string_view path, std::span<const std::string> bodies,
                                                  std::size_t in_flight)>
      ask;
  std::function<bool()> interrupted = [] { return false; };
  // After an answer that may be an engine's last: waits for its end, if it comes. True: it has ended, or the run has.
  std::function<bool()> ended = [] { return false; };
  std::function<void(const std::string&)> say = [](const std::string&) {};
};

struct QualityOutcome {
  std::optional<measurement::Quality> quality;  // what was measured, also where a part is missing
  std::string problem;                          // why something of it is missing, "" = nothing
  std::string broken;                           // why the engine's output is none of a model that works
};

class QualityProbe {
 public:
  // `spec` and `clock` must outlive it.
  QualityProbe(const BenchSpec& spec, std::string model, QualityHooks hooks, base::Clock& clock);

  // A few greedy answers, looked at for what no working model says; "" = nothing. An engine that does not answer is no
  // finding: the load run says it better.
  std::string CheckSanity();
  QualityOutcome Measure();

  // The longest text that is asked for at once, in bytes: what the context holds, and what the log-probabilities of all
  // its tokens leave of a GPU's memory.
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
  std::optional<std::vector<bool>> AskQuestions(std::span<const measurement::Question> questions);
  bool Fail(const std::string& problem);
  [[nodiscard]] std::string Refusal(const base::Result<Answer>& answer) const;

  const BenchSpec& spec_;
  const std::string model_;
  QualityHooks hooks_;
  base::Clock& clock_;
  measurement::Quality measured_;
  QualityOutcome outcome_;
};

}  // namespace autotune::bench
