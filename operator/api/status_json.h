// status of an AutotuneTask <-> C++ values, a file for those that belong together. Pure. Internal to operator/api.
//
// The status is the state that every decision is recomputed from, so reading back gives what was written, up to the
// precision of the API: latencies as FormatLatency has it, rates to 0.01 per second (requests to 0.001), seconds to
// 0.1, GPU-hours to 0.0001. Unknown fields are a newer operator's and left alone.
//
// PutX adds members to the status, ReadX reads them from it or from the object of their own. All are absent at their
// zero value.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "operator/api/autotune_task.h"
#include "operator/api/object_reader.h"

namespace autotune::api {

// status_json.cpp
json ToJson(const quant::Warning& warning);
void ReadWarnings(ObjectReader& reader, std::vector<quant::Warning>& out);

// load_row_json.cpp; ToJson is in autotune_task.h
void ReadLoadRow(ObjectReader& reader, LoadRow& out);

// experiment_json.cpp; ToJson is in autotune_task.h
void ReadExperiment(ObjectReader& reader, ExperimentStatus& out);

// model_status_json.cpp
void PutModels(json& out, const std::vector<ModelStatus>& models);
void ReadModels(ObjectReader& reader, std::vector<ModelStatus>& out);

// expansion_json.cpp: what the experiments come from
void PutExpansion(json& out, const TaskStatus& status);
void ReadExpansion(ObjectReader& reader, TaskStatus& out);

// answer_json.cpp: the best experiment and the search for it
void PutAnswer(json& out, const TaskStatus& status);
void ReadAnswer(ObjectReader& reader, TaskStatus& out);

// cost_json.cpp
void PutGpus(json& out, const std::vector<GpuStatus>& gpus);
void ReadGpus(ObjectReader& reader, std::vector<GpuStatus>& out);
json ToJson(const TaskStatus::Cost& cost);
void ReadCost(ObjectReader& reader, TaskStatus::Cost& out);

// deployed_json.cpp: recommendation and deployed
void PutDeployed(json& out, const TaskStatus& status);
void ReadDeployed(ObjectReader& reader, TaskStatus& out);

inline void Put(json& out, const char* key, const std::string& value) {
  if (!value.empty()) out[key] = value;
}
inline void Put(json& out, const char* key, std::int64_t value) {
  if (value != 0) out[key] = value;
}
inline void Put(json& out, const char* key, bool value) {
  if (value) out[key] = true;
}

}  // namespace autotune::api
