// status.gpu or status.gpus, and status.cost: the GPUs and the time that they were held.
#include <string>
#include <utility>
#include <vector>

#include "operator/api/autotune_task.h"
#include "operator/api/object_reader.h"
#include "operator/api/status_json.h"
#include "operator/api/units.h"

namespace autotune::api {
namespace {

// The members of one type of GPU: of `gpu` where there is only one, else of an entry of `gpus`.
constexpr std::pair<const char*, std::string GpuStatus::*> kGpuTexts[] = {
    {"product", &GpuStatus::product},
    {"computeCapability", &GpuStatus::compute_capability},
    {"pricePerHour", &GpuStatus::price_per_hour},
    {"gpuHours", &GpuStatus::gpu_hours},
    {"price", &GpuStatus::price},
    {"unavailable", &GpuStatus::unavailable}};

json ToJson(const GpuStatus& gpu) {
  json out = json::object();
  for (const auto& [name, member] : kGpuTexts) Put(out, name, gpu.*member);
  Put(out, "memoryBytes", gpu.memory_bytes);
  if (gpu.shared) out["shared"] = true;
  return out;
}

void ReadGpu(ObjectReader& reader, GpuStatus& out) {
  for (const auto& [name, member] : kGpuTexts) reader.Text(name, out.*member);
  reader.Integer("memoryBytes", out.memory_bytes);
  reader.Bool("shared", out.shared);
}

// In GPU-hours to six places: an edit after the other must not round GPU-seconds away.
json ToJson(const GpuSeconds& spent) {
  json out = json::object();
  const auto put = [&](const char* kind, double value) {
    Put(out, kind, value == 0 ? "" : FormatDecimal(value / kSecondsPerHour, 6));
  };
  put("start", spent.start);
  put("measure", spent.measure);
  put("wasted", spent.wasted);
  return out;
}

void ReadGpuSeconds(ObjectReader& reader, GpuSeconds& out) {
  const auto read = [&](const char* kind, double& value) {
    reader.Decimal(kind, value);
    value *= kSecondsPerHour;
  };
  read("start", out.start);
  read("measure", out.measure);
  read("wasted", out.wasted);
}

}  // namespace

void PutGpus(json& out, const std::vector<GpuStatus>& gpus) {
  for (const GpuStatus& gpu : gpus) {
    json item = ToJson(gpu);
    if (!gpu.name.empty()) {
      item["name"] = gpu.name;
      out["gpus"].push_back(std::move(item));
    } else if (!item.empty()) {
      out["gpu"] = std::move(item);
    }
  }
}

void ReadGpus(ObjectReader& reader, std::vector<GpuStatus>& out) {
  reader.Nested("gpu", [&](ObjectReader& gpu) { ReadGpu(gpu, out.front()); });
  std::vector<GpuStatus> gpus;
  reader.Each("gpus", ObjectReader::kUnbounded, [&](ObjectReader& item) {
    GpuStatus& gpu = gpus.emplace_back();
    item.Text("name", gpu.name);
    ReadGpu(item, gpu);
  });
  if (!gpus.empty()) out = std::move(gpus);
}

json ToJson(const TaskStatus::Cost& cost) {
  json out = {{"gpuHours", cost.gpu_hours}, {"start", cost.start}, {"measure", cost.measure}, {"wasted", cost.wasted}};
  Put(out, "price", cost.price);
  for (const auto& [type, spent] : cost.earlier) {
    json earlier = ToJson(spent);
    if (earlier.empty()) continue;
    if (type.empty()) {
      out["earlier"] = std::move(earlier);
    } else {
      earlier["gpu"] = type;
      out["earlierByGpu"].push_back(std::move(earlier));
    }
  }
  return out;
}

void ReadCost(ObjectReader& reader, TaskStatus::Cost& out) {
  reader.DecimalText("gpuHours", out.gpu_hours);
  reader.DecimalText("start", out.start);
  reader.DecimalText("measure", out.measure);
  reader.DecimalText("wasted", out.wasted);
  reader.DecimalText("price", out.price);
  reader.Nested("earlier", [&](ObjectReader& earlier) { ReadGpuSeconds(earlier, out.earlier[""]); });
  reader.Each("earlierByGpu", ObjectReader::kUnbounded, [&](ObjectReader& earlier) {
    std::string type;
    earlier.Text("gpu", type);
    ReadGpuSeconds(earlier, out.earlier[type]);
  });
}

}  // namespace autotune::api
