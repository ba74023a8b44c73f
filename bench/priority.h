// Lets a load generator run when it has to, on a machine that does other things too.
#pragma once

namespace autotune::bench {

// Asks the kernel to run this thread before ordinary ones: it sleeps most of the time, and a request that starts late is
// a wrong measurement. Without effect where that is not allowed (containers without CAP_SYS_NICE); then the client's lag
// tells. The threads that it starts are ordinary again.
void AskForPriority();

}  // namespace autotune::bench
