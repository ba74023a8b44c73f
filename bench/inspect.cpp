#include "bench/inspect.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>

#include "bench/bench_run.h"
#include "bench/clean_text.h"
#include "bench/datasets.h"
#include "checkpoint/directory.h"

namespace autotune::bench {
namespace {

InspectOutcome Unreadable(const base::Error& error) {
  constexpr std::size_t kLongest = 1000;
  InspectOutcome outcome;
  // Nothing that was asked for is wrong, as far as anybody knows.
  const bool again = error.code == base::Code::kRetry || error.code == base::Code::kCancelled;
  outcome.result.failure =
      Failure{FailureReason::kModelUnreadable, CleanText(error.message, kLongest), 0, error.http_status, again};
  outcome.exit_code = again ? kExitInfrastructure : kExitConfigurationFailed;
  return outcome;
}

// "" = experiments can use them. Fills what `result` has of questions.
std::string ProblemOf(const BenchSpec& spec, InspectResult& result) {
  if (spec.dataset) {
    if (const auto entries = ReadDatasetOf(spec); !entries) return "spec.benchmark." + entries.error().message;
  }
  const auto questions = ReadQuestionsOf(spec);
  if (!questions) return "spec." + questions.error().message;
  if (!questions->questions.empty()) result.datasets_read = QuestionsText(spec, *questions);
  result.choice_questions = static_cast<int>(measurement::QuestionsByChoices(*questions));
  return "";
}

base::Result<checkpoint::ModelFacts> ReadModel(const InspectOptions& options) {
  std::unique_ptr<checkpoint::CheckpointFiles> files;
  if (options.model.starts_with('/')) {
    auto opened = checkpoint::OpenDirectory(options.model);
    if (!opened) return opened.error();
    files = *std::move(opened);
  } else {
    files = checkpoint::OpenHub(options);
  }
  return checkpoint::ReadCheckpoint(*files);
}

// 0 = not known.
int ContextOf(const InspectOptions& options, const base::Result<checkpoint::ModelFacts>& facts) {
  const int asked = options.datasets->max_model_len;
  if (!options.models_context) return asked;
  if (!facts || !facts->max_position) return 0;
  constexpr std::int64_t kMost = 1'000'000'000;
  return std::max(asked, static_cast<int>(std::min(*facts->max_position, kMost)));
}

}  // namespace

InspectOutcome Inspect(const InspectOptions& options) {
  InspectOutcome outcome;
  auto facts = options.model.empty() ? checkpoint::ModelFacts() : ReadModel(options);
  if (options.datasets) {
    BenchSpec spec = *options.datasets;
    spec.max_model_len = ContextOf(options, facts);
    outcome.result.dataset_problem = ProblemOf(spec, outcome.result);
    if (!outcome.result.dataset_problem.empty()) return outcome;
  }
  if (!facts) return Unreadable(facts.error());
  outcome.result.model = *std::move(facts);
  return outcome;
}

}  // namespace autotune::bench
