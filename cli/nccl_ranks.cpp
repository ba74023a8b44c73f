#include "cli/nccl_ranks.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <vector>

namespace autotune::cli {
namespace {

// The word behind `name`: of "rank 1 nranks 2" and " rank " the "1".
std::string_view WordBehind(std::string_view line, std::string_view name) {
  const std::size_t at = line.find(name);
  if (at == std::string_view::npos) return {};
  line.remove_prefix(at + name.size());
  return line.substr(0, line.find_first_of(" \r\n"));
}

// "worker-0" of "worker-0:42:982 [0] NCCL INFO ...".
std::string_view HostOf(std::string_view line) {
  line = line.substr(0, line.find(" NCCL INFO "));
  line = line.substr(0, line.rfind(" ["));
  line.remove_prefix(line.rfind(' ') + 1);
  return line.substr(0, line.find(':'));
}

}  // namespace

// "host:pid:tid [0] NCCL INFO ncclCommInitRank comm 0x... rank 1 nranks 2 cudaDev 0 nvmlDev 0 busId 100000 commId 0x...
// - Init START" (NCCL, init.cc).
std::string RanksOnOneGpu(std::string_view log) {
  std::map<std::tuple<std::string_view, std::string_view, std::string_view>, std::vector<std::string_view>> ranks;
  while (!log.empty()) {
    const std::string_view line = log.substr(0, log.find('\n'));
    log.remove_prefix(std::min(line.size() + 1, log.size()));
    if (line.find(" NCCL INFO ncclCommInitRank") == std::string_view::npos) continue;
    const std::string_view rank = WordBehind(line, " rank "), bus = WordBehind(line, " busId ");
    const std::string_view communicator = WordBehind(line, " commId ");
    if (rank.empty() || bus.empty() || communicator.empty()) continue;
    std::vector<std::string_view>& there = ranks[{HostOf(line), bus, communicator}];
    if (std::ranges::find(there, rank) == there.end()) there.push_back(rank);
    if (there.size() < 2) continue;
    return "ranks " + std::string(there[0]) + " and " + std::string(there[1]) +
           " of a communicator are on one GPU (busId " + std::string(bus) + " of host " + std::string(HostOf(line)) +
           ")";
  }
  return "";
}

bool HasNcclLines(std::string_view log) {
  return log.find(" NCCL INFO ") != std::string_view::npos || log.find(" NCCL WARN ") != std::string_view::npos;
}

}  // namespace autotune::cli
