#include "bench/inspect.h"

#include <memory>
#include <utility>

#include "bench/bench_run.h"
#include "bench/clean_text.h"
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

}  // namespace

InspectOutcome Inspect(const InspectOptions& options) {
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
  InspectOutcome outcome;
  outcome.result.model = *std::move(facts);
  return outcome;
}

}  // namespace autotune::bench
