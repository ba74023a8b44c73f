// The specifications of measurement/ as JSON, for the bench argument.
//
// Pure. Defaults are not written; reading is the inverse of writing. Errors name the member below `path`:
// `spec.slo.bounds[1].limit: -3 is not a positive number`.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/result.h"
#include "measurement/load.h"
#include "measurement/predicted_load.h"
#include "measurement/slo.h"
#include "measurement/workload.h"

namespace autotune::measurement {

nlohmann::json ToJson(const Arrival& arrival);
nlohmann::json ToJson(const LoadPlan& plan);
nlohmann::json ToJson(const Slo& slo);
nlohmann::json ToJson(const PredictedLoads& prediction);

base::Result<Arrival> ArrivalFromJson(const nlohmann::json& value, const std::string& path);
base::Result<LoadPlan> LoadPlanFromJson(const nlohmann::json& value, const std::string& path);
base::Result<Slo> SloFromJson(const nlohmann::json& value, const std::string& path);
base::Result<PredictedLoads> PredictedLoadsFromJson(const nlohmann::json& value, const std::string& path);

}  // namespace autotune::measurement
