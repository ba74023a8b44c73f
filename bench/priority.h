// Scheduling priority of the load generator's thread. Stateless; acts on the calling thread.
#pragma once

namespace autotune::bench {

// Asks the kernel to schedule this thread before ordinary ones: a request that starts late makes the measurement
// invalid. No effect without permission (containers without CAP_SYS_NICE); the send lag shows delays. Threads that this
// thread starts have ordinary priority.
void AskForPriority();

}  // namespace autotune::bench
