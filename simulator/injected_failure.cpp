#include "simulator/injected_failure.h"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <optional>
#include <utility>

namespace autotune::simulator {
namespace {

// The limit of the cgroup that a container sees as its own, v2 then v1; nullopt = no limit.
std::optional<std::uint64_t> CgroupLimit() {
  for (const char* path : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    std::ifstream file(path);
    std::uint64_t bytes = 0;
    if (file >> bytes && bytes < (std::uint64_t{1} << 50)) return bytes;
  }
  return std::nullopt;
}

}  // namespace

base::Result<InjectedFailure> InjectedFailureFromText(std::string_view name, std::string_view when,
                                                      std::string_view command_line) {
  constexpr std::array<std::pair<std::string_view, InjectedFailure>, 10> kNames = {
      {{"", InjectedFailure::kNone},
       {"crash", InjectedFailure::kCrash},
       {"crash-serving", InjectedFailure::kCrashServing},
       {"oom-host", InjectedFailure::kOomHost},
       {"oom-cuda", InjectedFailure::kOomCuda},
       {"never-ready", InjectedFailure::kNeverReady},
       {"broken-empty", InjectedFailure::kBrokenEmpty},
       {"broken-loop", InjectedFailure::kBrokenLoop},
       {"broken-nan", InjectedFailure::kBrokenNan},
       {"exit137", InjectedFailure::kExit137}}};
  std::string known;
  for (const auto& [text, scenario] : kNames) {
    if (text == name) return command_line.find(when) == std::string_view::npos ? InjectedFailure::kNone : scenario;
    if (!text.empty()) known += (known.empty() ? "" : ", ") + std::string(text);
  }
  return base::Invalid("AUTOTUNE_SIM_FAIL: \"" + std::string(name) + "\" is not one of " + known);
}

void KillSelf() {
  kill(getpid(), SIGKILL);
  while (true) pause();
}

void ExhaustHostMemory() {
  const bool limited = CgroupLimit().has_value();
  constexpr std::size_t kPiece = std::size_t{32} << 20;
  constexpr std::size_t kUnlimitedStop = std::size_t{2} << 30;
  for (std::size_t taken = 0; limited || taken < kUnlimitedStop; taken += kPiece) {
    void* piece = mmap(nullptr, kPiece, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (piece == MAP_FAILED) break;
    std::memset(piece, 1, kPiece);
  }
  std::fputs("SIMULATED: no cgroup limits this process' memory; killing it as the kernel would\n", stderr);
  KillSelf();
}

}  // namespace autotune::simulator
