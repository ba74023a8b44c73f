// A task that has come to an end: a baseline, a better one, one that failed. As kubectl would deliver it.
#pragma once

#include "operator/api/autotune_task.h"

namespace autotune::report {

api::AutotuneTask Finished();

}  // namespace autotune::report
