// A manifest that somebody gives to `autotune plan`, `run` or `import`.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "cli/task_file.h"
#include "operator/api/autotune_task.h"
#include "operator/experiment/pod_builder.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace autotune;  // NOLINT(google-build-using-namespace): a test
  const auto tasks = cli::TasksFromText({reinterpret_cast<const char*>(data), size}, "task.yaml");
  if (!tasks) {
    if (tasks.error().message.empty()) abort();
    return 0;
  }
  for (const api::AutotuneTask& task : *tasks) {
    // What was accepted can be written and is accepted again.
    if (!api::TaskFromJson(api::ToJson(task))) abort();
    (void)experiment::CheckPodInputs(task.spec, {}, {});
  }
  return 0;
}
