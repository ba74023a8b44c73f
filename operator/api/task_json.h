// The part of an AutotuneTask's JSON that autotune_task.cpp puts together and nobody else needs: the spec alone.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "operator/api/autotune_task.h"

namespace autotune::api {

// `spec` of a task, with the defaults of the CRD. kInvalid names the field's path from "spec." on.
base::Result<TaskSpec> SpecFromJson(const json& spec);

}  // namespace autotune::api
