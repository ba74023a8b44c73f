// What the exit status of autotune-bench tells apart; part of what an operator reads from an ended pod.
#pragma once

namespace autotune::bench {

inline constexpr int kExitResult = 0;
inline constexpr int kExitConfigurationFailed = 10;  // engine rejected, crashed, too slow, or no request answered
inline constexpr int kExitInfrastructure = 20;       // the pod itself: directories, being told to end

}  // namespace autotune::bench
