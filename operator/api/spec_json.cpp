// spec of an AutotuneTask <-> C++ values, from the parts that the other *_json.cpp read. What the schema checks on a
// cluster is checked here for files (local mode), and once more for objects of an older schema.
#include <array>
#include <utility>

#include "operator/api/autotune_task.h"
#include "operator/api/object_reader.h"
#include "operator/api/task_json.h"
#include "operator/api/units.h"

namespace autotune::api {
namespace {

using Presence = ObjectReader::Presence;

constexpr std::array<std::string_view, 3> kKeepPods = {"Never", "OnFailure", "Always"};

}  // namespace

base::Result<TaskSpec> SpecFromJson(const json& value) {
  TaskSpec out;
  std::optional<base::Error> error;
  ObjectReader reader(value, "spec", error, ObjectReader::Unknown::kRefuse);

  reader.Text("description", out.description, Presence::kOptional, 1024);
  reader.Bool("suspend", out.suspend);
  if (reader.Get("parallelism") != nullptr) reader.Integer("parallelism", out.parallelism.emplace(1), 1, 64);
  reader.Nested("model", [&](ObjectReader& model) { ReadModel(model, out.models.front()); });
  ReadModels(reader, out.models);
  ReadEngine(reader, "baseRuntime", out.base_runtime);
  ReadRuntimes(reader, out.runtimes);
  if (!reader.failed() && out.base_runtime.empty() == out.runtimes.empty()) {
    reader.FailAt(reader.path(), "set exactly one of baseRuntime and runtimes");
  }
  reader.Nested("quantConfig", [&](ObjectReader& quant) { ReadQuant(quant, out.quant); });
  ReadParameters(reader, out.parameters);
  reader.Nested("parallelConfig", [&](ObjectReader& parallel) {
    parallel.Integers("tensorParallel", out.tensor_parallel, 1, 1024, 8);
    parallel.Integers("pipelineParallel", out.pipeline_parallel, 1, 1024, 8);
    parallel.Integers("dataParallel", out.data_parallel, 1, 1024, 8);
    parallel.Integers("expertParallel", out.expert_parallel, 1, 1024, 8);
  });
  reader.Nested("gpu", [&](ObjectReader& gpu) { ReadGpu(gpu, out.gpus.front()); });
  ReadGpus(reader, out.gpus);
  reader.Nested("optimization", [&](ObjectReader& optimization) { ReadOptimization(optimization, out.optimization); });
  reader.Nested("slo", [&](ObjectReader& slo) { ReadSlo(slo, out.slo); });
  reader.Nested("benchmark", [&](ObjectReader& benchmark) { ReadBenchmark(benchmark, out.benchmark); });
  reader.Nested("quality", [&](ObjectReader& quality) { ReadQuality(quality, out.quality); });
  reader.Nested("recommendation", [&](ObjectReader& member) { ReadRecommendation(member, out.recommendation); });
  reader.Nested("podTemplate", [&](ObjectReader& pod) { ReadPodTemplate(pod, out.pod_template); });
  reader.Choice("keepPods", kKeepPods, [&](std::size_t i) { out.keep_pods = static_cast<KeepPods>(i); });
  reader.Nested("retention", [&](ObjectReader& retention) { ReadRetention(retention, out.retention); });
  if (!reader.failed() && out.parallelism > out.optimization.max_experiments) {
    reader.Fail("parallelism", std::to_string(*out.parallelism) + " is more than optimization.maxExperiments (" +
                                   std::to_string(out.optimization.max_experiments) + ")");
  }
  for (std::size_t i = 0; i < out.runtimes.size(); ++i) {
    for (const char* list : {"limits", "requests"}) {
      const auto resources = out.runtimes[i].resources.find(list);
      if (resources == out.runtimes[i].resources.end()) continue;
      for (const GpuSpec& gpu : out.gpus) {
        if (!resources->contains(gpu.resource_name)) continue;
        reader.FailAt(
            reader.PathOf("runtimes") + "[" + std::to_string(i) + "].resources." + list + "." + gpu.resource_name,
            "the number of GPUs is derived from the engine's arguments");
      }
    }
  }
  reader.Finish();
  if (error) return *std::move(error);
  return out;
}

json ToJson(const TaskSpec& spec) {
  json out = {{"suspend", spec.suspend},
              {"optimization", ToJson(spec.optimization)},
              {"benchmark", ToJson(spec.benchmark)},
              {"quality", ToJson(spec.quality)},
              {"recommendation", ToJson(spec.recommendation)},
              {"keepPods", kKeepPods[static_cast<std::size_t>(spec.keep_pods)]}};
  for (const ModelSpec& model : spec.models) {
    if (model.name.empty()) {
      out["model"] = ToJson(model);
    } else {
      out["models"].push_back(ToJson(model));
    }
  }
  for (const GpuSpec& gpu : spec.gpus) {
    if (gpu.name.empty()) {
      out["gpu"] = ToJson(gpu);
    } else {
      out["gpus"].push_back(ToJson(gpu));
    }
  }
  if (spec.parallelism) out["parallelism"] = *spec.parallelism;
  if (spec.retention.pods) out["retention"]["pods"] = FormatDuration(*spec.retention.pods);
  if (spec.retention.task) out["retention"]["task"] = FormatDuration(*spec.retention.task);
  Put(out, "description", spec.description);
  Put(out, "baseRuntime", spec.base_runtime);
  for (const RuntimeSpec& runtime : spec.runtimes) out["runtimes"].push_back(ToJson(runtime));
  PutPassed(out, "quantConfig", ToJson(spec.quant));
  PutPassed(out, "parameters", ToJson(spec.parameters));
  json parallel = json::object();
  PutList(parallel, "tensorParallel", spec.tensor_parallel);
  PutList(parallel, "pipelineParallel", spec.pipeline_parallel);
  PutList(parallel, "dataParallel", spec.data_parallel);
  PutList(parallel, "expertParallel", spec.expert_parallel);
  PutPassed(out, "parallelConfig", parallel);
  PutPassed(out, "slo", ToJson(spec.slo));
  PutPassed(out, "podTemplate", ToJson(spec.pod_template));
  return out;
}

}  // namespace autotune::api
