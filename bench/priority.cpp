#include "bench/priority.h"

#include <sched.h>
#include <sys/resource.h>

namespace autotune::bench {

void AskForPriority() {
  sched_param lowest{};
  lowest.sched_priority = ::sched_get_priority_min(SCHED_RR);
  if (::sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &lowest) == 0) return;
  constexpr int kNice = -10;
  ::setpriority(PRIO_PROCESS, 0, kNice);
}

}  // namespace autotune::bench
