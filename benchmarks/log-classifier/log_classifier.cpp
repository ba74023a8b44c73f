// How often the classifier of engine logs is right: precision and recall per reason, over recordings and reports.
//
//   log_classifier [--wrong] [FILE...]
//
// --wrong lists what it gets wrong, except of what is held out. FILE: other reports, of the form that
// tests/engines/reports/README.md describes, instead of those of the repository; what is wrong is always listed.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <map>
#include <string>

#include "bench/root_cause.h"
#include "failure_corpus.h"

namespace {

using autotune::bench::Classify;
using autotune::bench::Failure;
using autotune::bench::FailureCase;
using autotune::bench::FailureReasonName;

std::string LabelOf(const std::string& reason, bool machine) { return reason + (machine ? " (machine)" : ""); }

void Report(const char* name, const std::vector<FailureCase>& cases, bool list_wrong) {
  struct Count {
    int expected = 0, said = 0, right = 0;
  };
  std::map<std::string, Count> counts;
  int reasons = 0, messages = 0, both = 0;
  for (const FailureCase& one : cases) {
    const Failure failure = Classify(StateOf(one));
    const std::string expected = LabelOf(one.reason, one.machine);
    const std::string said = LabelOf(std::string(FailureReasonName(failure.reason)), failure.machine);
    const bool message = HasMessage(one, failure.message);
    ++counts[expected].expected;
    ++counts[said].said;
    counts[said].right += said == expected ? 1 : 0;
    reasons += said == expected ? 1 : 0;
    messages += message ? 1 : 0;
    both += said == expected && message ? 1 : 0;
    if (list_wrong && !(said == expected && message)) {
      std::printf("  %s: %s, not %s: %s\n", one.source.c_str(), said.c_str(), expected.c_str(),
                  failure.message.c_str());
    }
  }
  const auto total = cases.size();
  std::printf("%s: %zu failures; reason right %d, message right %d, both %d (%.0f %%)\n", name, total, reasons,
              messages, both, 100.0 * both / static_cast<double>(std::max<std::size_t>(total, 1)));
  for (const auto& [label, count] : counts) {
    std::printf("  %-32s precision %3d/%-3d recall %3d/%-3d\n", label.c_str(), count.right, count.said, count.right,
                count.expected);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const bool wrong = argc > 1 && std::strcmp(argv[1], "--wrong") == 0;
  const int first_file = wrong ? 2 : 1;
  if (argc > first_file) {
    for (int i = first_file; i < argc; ++i) Report(argv[i], autotune::bench::ReadReports(argv[i]), true);
    return 0;
  }
  const std::filesystem::path engines = ENGINES_DIR;
  Report("recorded here", autotune::bench::ReadRecordings(engines / "logs"), wrong);
  Report("reports, seen", autotune::bench::ReadReports(engines / "reports/seen.txt"), wrong);
  Report("reports, held out", autotune::bench::ReadReports(engines / "reports/held-out.txt"), false);
}
