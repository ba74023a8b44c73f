// Ranks of one NCCL communicator on one GPU, which NCCL refuses as "invalid usage": from the lines that NCCL prints
// with NCCL_DEBUG=INFO. Pure.
#pragma once

#include <string>
#include <string_view>

namespace autotune::cli {

// "ranks 0 and 1 of a communicator are on one GPU (busId 100000 of host worker-0)"; "" = no line shows such ranks.
std::string RanksOnOneGpu(std::string_view log);

// True if the log has lines of NCCL_DEBUG=INFO or WARN.
bool HasNcclLines(std::string_view log);

}  // namespace autotune::cli
