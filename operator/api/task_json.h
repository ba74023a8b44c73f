// Building blocks of the AutotuneTask's JSON reader and writer. Pure. Internal to operator/api.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "operator/api/autotune_task.h"
#include "operator/api/json_members.h"
#include "operator/api/object_reader.h"

namespace autotune::api {

// Reads the `spec` of a task, with the CRD's defaults. kInvalid names the field's path, which starts with "spec.".
base::Result<TaskSpec> SpecFromJson(const json& spec);

// ---- Members of spec, in one file per group of fields --------------------------------------------------------------

// benchmark_json.cpp
void ReadBenchmark(ObjectReader& reader, BenchmarkSpec& out);
json ToJson(const BenchmarkSpec& benchmark);

// model_json.cpp
void ReadModel(ObjectReader& reader, ModelSpec& out);
// Reads `models`, and checks that exactly one of `models` and `model` is set.
void ReadModels(ObjectReader& reader, std::vector<ModelSpec>& out);
json ToJson(const ModelSpec& model);

// quant_json.cpp
void ReadQuant(ObjectReader& reader, quant::QuantSpec& out);
void ReadParameters(ObjectReader& reader, std::map<std::string, std::vector<quant::FlagValue>>& out);
json ToJson(const quant::QuantSpec& spec);
json ToJson(const std::map<std::string, std::vector<quant::FlagValue>>& parameters);

// pod_json.cpp
void ReadEngine(ObjectReader& reader, std::string_view key, std::string& out);
void ReadRuntimes(ObjectReader& reader, std::vector<RuntimeSpec>& out);
void ReadGpu(ObjectReader& reader, GpuSpec& out);
// Reads `gpus`, and checks that `gpus` and `gpu` are not both set.
void ReadGpus(ObjectReader& reader, std::vector<GpuSpec>& out);
void ReadPodTemplate(ObjectReader& reader, PodTemplateSpec& out);
json ToJson(const RuntimeSpec& runtime);
json ToJson(const GpuSpec& gpu);
json ToJson(const PodTemplateSpec& pod);

// goal_json.cpp
void ReadOptimization(ObjectReader& reader, OptimizationSpec& out);
void ReadRetention(ObjectReader& reader, RetentionSpec& out);
void ReadSlo(ObjectReader& reader, SloSpec& out);
void ReadQuality(ObjectReader& reader, QualitySpec& out);
void ReadRecommendation(ObjectReader& reader, RecommendationSpec& out);
json ToJson(const OptimizationSpec& optimization);
json ToJson(const SloSpec& slo);
json ToJson(const QualitySpec& quality);
json ToJson(const RecommendationSpec& recommendation);

// ---- Shared parts
// ---------------------------------------------------------------------------------------

// `configMap: {name, key}` or `persistentVolumeClaim: {claimName, path}`: exactly one of them.
void ReadFileSource(ObjectReader& reader, std::string& config_map, std::string& claim, std::string& file);
json FileSourceJson(const std::string& config_map, const std::string& claim, const std::string& file);

// Items of a list that are passed to the pod unchanged; each must have the fields of `required`, as texts.
void ReadPassedItems(ObjectReader& reader, std::string_view key, json& out, std::size_t max_items,
                     std::initializer_list<std::string_view> required);
// `resources` of a container: limits and requests, each quantities.
void ReadResources(ObjectReader& reader, json& out);

constexpr bool IsAlphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}
// [a-z0-9]([-a-z0-9]*[a-z0-9])? of at most `max` characters: names of runtimes and configurations, used in labels.
inline bool IsDnsLabel(const std::string& text, std::size_t max) {
  const auto good = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  return !text.empty() && text.size() <= max && std::ranges::all_of(text, good) && text.front() != '-' &&
         text.back() != '-';
}

// Reads the required `name` of a list entry: a DNS label of at most 40 characters.
inline void ReadName(ObjectReader& reader, std::string& out) {
  reader.Text("name", out, ObjectReader::Presence::kRequired);
  if (!reader.failed() && !IsDnsLabel(out, 40)) {
    reader.Fail("name", "\"" + out + "\" is not a name of at most 40 lower-case letters, digits and \"-\"");
  }
}

// Objects and lists that are passed to a pod unchanged: absent if empty.
inline void PutPassed(json& out, const char* key, const json& value) {
  if (!value.is_null() && !value.empty()) out[key] = value;
}
// Like PutPassed, but keeps an empty object, which differs from none ("no security context at all").
inline void PutNullable(json& out, const char* key, const json& value) {
  if (!value.is_null()) out[key] = value;
}
template <typename List>
void PutList(json& out, const char* key, const List& value) {
  if (!value.empty()) out[key] = value;
}

}  // namespace autotune::api
