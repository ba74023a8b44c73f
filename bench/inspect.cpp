#include "bench/inspect.h"

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

// "" = experiments can use them.
std::string ProblemOf(const BenchSpec& spec) {
  if (spec.dataset) {
    if (const auto entries = ReadDatasetOf(spec); !entries) return "spec.benchmark." + entries.error().message;
  }
  const auto questions = ReadQuestionsOf(spec);
  return questions ? "" : "spec." + questions.error().message;
}

}  // namespace

InspectOutcome Inspect(const InspectOptions& options) {
  InspectOutcome outcome;
  if (options.datasets) outcome.result.dataset_problem = ProblemOf(*options.datasets);
  if (!outcome.result.dataset_problem.empty() || options.model.empty()) return outcome;
  std::unique_ptr<checkpoint::CheckpointFiles> files;
  if (options.model.starts_with('/')) {
    auto opened = checkpoint::OpenDirectory(options.model);
    if (!opened) return Unreadable(opened.error());
    files = *std::move(opened);
  } else {
    files = checkpoint::OpenHub(options);
  }
  auto facts = checkpoint::ReadCheckpoint(*files);
  if (!facts) return Unreadable(facts.error());
  outcome.result.model = *std::move(facts);
  return outcome;
}

}  // namespace autotune::bench
