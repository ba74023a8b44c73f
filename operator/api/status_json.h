// Status of an AutotuneTask <-> C++ values, one file per group of fields. Pure. Internal to operator/api.
//
// Every decision is recomputed from the status, so reading returns what was written, up to the API's precision:
// latencies as in FormatLatency, rates to 0.01 per second (requests to 0.001), seconds to 0.1, GPU-hours to 0.0001.
// Unknown fields belong to a newer operator and are ignored.
//
// PutX adds members to the status. ReadX reads them from the status or from their own object. Members with a zero value
// are absent.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "operator/api/autotune_task.h"
#include "operator/api/json_members.h"
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

// expansion_json.cpp: the origin of the experiments
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

// deployed_json.cpp: the recommendation and the deployed configuration
void PutDeployed(json& out, const TaskStatus& status);
void ReadDeployed(ObjectReader& reader, TaskStatus& out);

}  // namespace autotune::api
