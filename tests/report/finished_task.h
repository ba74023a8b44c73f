// A task that has come to an end: a baseline, a better one, one that failed. As kubectl would deliver it.
#pragma once

#include "operator/api/autotune_task.h"

namespace autotune::report {

api::AutotuneTask Finished();

// 2 nats a token and by how much more; every second row of blocks 0.01 above the others then.
measurement::Quality BlocksOf(double loss);

}  // namespace autotune::report
