// A serve command that somebody pastes into spec.optimization.baseline.command.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "operator/deploy/running_server.h"
#include "text/shell_words.h"
#include "text/table.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace autotune;  // NOLINT(google-build-using-namespace): a test
  const std::string line(reinterpret_cast<const char*>(data), size);
  const auto server = deploy::ReadPastedCommand(line);
  if (!server && server.error().message.empty()) abort();
  const auto words = text::ShellWords(line);
  if (!words) return 0;
  // Words that are quoted are the same words again.
  std::string quoted;
  for (const std::string& word : *words) quoted += text::ShellQuoted(word) + " ";
  const auto again = text::ShellWords(quoted);
  if (!again || *again != *words) abort();
  return 0;
}
