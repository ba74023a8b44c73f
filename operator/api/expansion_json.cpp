// What the experiments come from: status.expandedFor, candidates, prunedReasons, notTried and estimate.
#include <string>
#include <utility>

#include "operator/api/autotune_task.h"
#include "operator/api/object_reader.h"
#include "operator/api/status_json.h"

namespace autotune::api {
namespace {

json ToJson(const ExpandedFor& expanded) {
  json out = {{"generation", expanded.generation},
              {"hashScheme", expanded.hash_scheme},
              {"modelSource", expanded.model_source},
              {"spec", expanded.spec},
              {"runtimes", json::array()}};
  for (const auto& [name, runtime] : expanded.runtimes) {
    out["runtimes"].push_back({{"name", name}, {"image", runtime.image}, {"hash", runtime.hash}});
  }
  return out;
}

void ReadExpandedFor(ObjectReader& reader, ExpandedFor& out) {
  reader.Integer("generation", out.generation);
  reader.Integer("hashScheme", out.hash_scheme);
  reader.Text("modelSource", out.model_source);
  reader.Text("spec", out.spec);
  reader.Each("runtimes", ObjectReader::kUnbounded, [&](ObjectReader& item) {
    std::string name;
    ExpandedFor::Runtime runtime;
    item.Text("name", name);
    item.Text("image", runtime.image);
    item.Text("hash", runtime.hash);
    out.runtimes[name] = std::move(runtime);
  });
}

using EstimateText = std::pair<const char*, std::string TaskStatus::Estimate::*>;
constexpr EstimateText kEstimateTexts[] = {{"experiments", &TaskStatus::Estimate::experiments},
                                           {"gpuHours", &TaskStatus::Estimate::gpu_hours},
                                           {"duration", &TaskStatus::Estimate::duration},
                                           {"finishAt", &TaskStatus::Estimate::finish_at},
                                           {"mostGpuHours", &TaskStatus::Estimate::most_gpu_hours}};
constexpr EstimateText kFirstEstimateTexts[] = {{"experiments", &TaskStatus::Estimate::first_experiments},
                                                {"gpuHours", &TaskStatus::Estimate::first_gpu_hours},
                                                {"duration", &TaskStatus::Estimate::first_duration}};

json ToJson(const TaskStatus::Estimate& estimate) {
  json out = json::object();
  for (const auto& [name, member] : kEstimateTexts) Put(out, name, estimate.*member);
  json first = json::object();
  for (const auto& [name, member] : kFirstEstimateTexts) Put(first, name, estimate.*member);
  if (!first.empty()) out["first"] = std::move(first);
  return out;
}

void ReadEstimate(ObjectReader& reader, TaskStatus::Estimate& out) {
  for (const auto& [name, member] : kEstimateTexts) reader.Text(name, out.*member);
  reader.Nested("first", [&](ObjectReader& first) {
    for (const auto& [name, member] : kFirstEstimateTexts) first.Text(name, out.*member);
  });
}

}  // namespace

void PutExpansion(json& out, const TaskStatus& status) {
  if (status.expanded_for) out["expandedFor"] = ToJson(*status.expanded_for);
  const TaskStatus::Candidates& candidates = status.candidates;
  if (candidates.total != 0) {
    out["candidates"] = {{"total", candidates.total},
                         {"duplicates", candidates.duplicates},
                         {"pruned", candidates.pruned},
                         {"eligible", candidates.eligible},
                         {"notRun", candidates.not_run}};
  }
  for (const PrunedReason& pruned : status.pruned_reasons) {
    json item = {{"reason", pruned.reason}, {"count", pruned.count}};
    Put(item, "example", pruned.example);
    out["prunedReasons"].push_back(std::move(item));
  }
  for (const NotTried& left : status.not_tried) {
    out["notTried"].push_back({{"reason", left.reason}, {"count", left.count}});
  }
  if (status.estimate) out["estimate"] = ToJson(*status.estimate);
}

void ReadExpansion(ObjectReader& reader, TaskStatus& out) {
  reader.Nested("expandedFor", [&](ObjectReader& expanded) { ReadExpandedFor(expanded, out.expanded_for.emplace()); });
  reader.Nested("candidates", [&](ObjectReader& candidates) {
    candidates.Integer("total", out.candidates.total);
    candidates.Integer("duplicates", out.candidates.duplicates);
    candidates.Integer("pruned", out.candidates.pruned);
    candidates.Integer("eligible", out.candidates.eligible);
    candidates.Integer("notRun", out.candidates.not_run);
  });
  reader.Each("prunedReasons", ObjectReader::kUnbounded, [&](ObjectReader& item) {
    PrunedReason pruned;
    item.Text("reason", pruned.reason);
    item.Integer("count", pruned.count);
    item.Text("example", pruned.example);
    out.pruned_reasons.push_back(std::move(pruned));
  });
  reader.Each("notTried", ObjectReader::kUnbounded, [&](ObjectReader& item) {
    NotTried left;
    item.Text("reason", left.reason);
    item.Integer("count", left.count);
    out.not_tried.push_back(std::move(left));
  });
  reader.Nested("estimate", [&](ObjectReader& estimate) {
    out.estimate = TaskStatus::Estimate{};
    ReadEstimate(estimate, *out.estimate);
  });
}

}  // namespace autotune::api
