// Building blocks of the AutotuneTask's JSON reader and writer. Pure. Internal to operator/api.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "operator/api/autotune_task.h"
#include "operator/api/object_reader.h"

namespace autotune::api {

// `spec` of a task, with the defaults of the CRD. kInvalid names the field's path from "spec." on.
base::Result<TaskSpec> SpecFromJson(const json& spec);

void ReadBenchmark(ObjectReader& reader, BenchmarkSpec& out);
json ToJson(const BenchmarkSpec& benchmark);

// `configMap: {name, key}` or `persistentVolumeClaim: {claimName, path}`, exactly one of them.
void ReadFileSource(ObjectReader& reader, std::string& config_map, std::string& claim, std::string& file);
json FileSourceJson(const std::string& config_map, const std::string& claim, const std::string& file);

// Items of a list that go to the pod as they are; each has the fields of `required`, as texts.
void ReadPassedItems(ObjectReader& reader, std::string_view key, json& out, std::size_t max_items,
                     std::initializer_list<std::string_view> required);
// `resources` of a container: limits and requests, each quantities.
void ReadResources(ObjectReader& reader, json& out);

}  // namespace autotune::api
