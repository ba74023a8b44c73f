// Exit statuses of autotune-bench, which the operator reads from an ended pod. Constants.
#pragma once

namespace autotune::bench {

inline constexpr int kExitResult = 0;
inline constexpr int kExitConfigurationFailed = 10;  // engine rejected, crashed, too slow, or no request answered
inline constexpr int kExitInfrastructure = 20;       // the pod itself: directories, a termination signal

}  // namespace autotune::bench
