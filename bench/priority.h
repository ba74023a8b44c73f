// Scheduling priority of the load generator's thread. Stateless; acts on the calling thread.
#pragma once

namespace autotune::bench {

// Asks the kernel to run this thread before ordinary ones: a request that starts late makes the measurement invalid. No
// effect without permission (containers without CAP_SYS_NICE); the client's lag shows delays. Threads that it starts
// have ordinary priority.
void AskForPriority();

}  // namespace autotune::bench
