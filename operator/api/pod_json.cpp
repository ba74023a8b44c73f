// What pods get of an AutotuneTask: spec.runtimes, spec.gpu, spec.gpus and spec.podTemplate <-> C++ values.
// Bounds and defaults are those of crds/autotunetask.yaml.
#include <algorithm>
#include <array>
#include <utility>

#include "operator/api/autotune_task.h"
#include "operator/api/object_reader.h"
#include "operator/api/task_json.h"
#include "operator/api/units.h"
#include "quant/version.h"

namespace autotune::api {
namespace {

using Presence = ObjectReader::Presence;

constexpr std::array<std::string_view, 3> kEngines = {"vllm", "sglang", "tensorrt-llm"};
constexpr std::size_t kMaxRuntimes = 8, kMaxGpus = 8;

// [A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?, at most 63: the value of a label.
bool IsLabelValue(const std::string& text) {
  const auto good = [](char c) { return IsAlphanumeric(c) || c == '-' || c == '_' || c == '.'; };
  return !text.empty() && text.size() <= 63 && std::ranges::all_of(text, good) && IsAlphanumeric(text.front()) &&
         IsAlphanumeric(text.back());
}

// nvidia.com/gpu: an extended resource has a domain.
bool IsResourceName(const std::string& text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string::npos || slash == 0) return false;
  const auto good = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.'; };
  return std::ranges::all_of(text.substr(0, slash), good) && IsLabelValue(text.substr(slash + 1));
}

void ReadRuntime(ObjectReader& reader, RuntimeSpec& out) {
  ReadName(reader, out.name);
  ReadEngine(reader, "engine", out.engine);
  if (!reader.failed() && out.engine.empty()) reader.Fail("engine", "is required");
  reader.Text("image", out.image, Presence::kOptional, 512);
  reader.Text("version", out.version, Presence::kOptional, 64);
  if (!reader.failed() && !out.version.empty() && !quant::Version::Parse(out.version)) {
    reader.Fail("version", "\"" + out.version + "\" is not a release such as \"0.20.1\"");
  }
  reader.Texts("command", out.command, 64, 4096);
  reader.Texts("args", out.args, 128, 4096);
  ReadPassedItems(reader, "env", out.env, 64, {"name"});
  ReadResources(reader, out.resources);
  reader.PassObject("securityContext", out.security_context);
}

}  // namespace

void ReadPassedItems(ObjectReader& reader, std::string_view key, json& out, std::size_t max_items,
                     std::initializer_list<std::string_view> required) {
  reader.PassArray(key, out, max_items);
  for (std::size_t i = 0; i < out.size() && !reader.failed(); ++i) {
    const std::string path = reader.PathOf(key) + "[" + std::to_string(i) + "]";
    if (!out[i].is_object()) {
      return reader.FailAt(path, "expected an object, got " + std::string(TypeName(out[i])));
    }
    for (const std::string_view name : required) {
      const auto field = out[i].find(std::string(name));
      if (field == out[i].end() || !field->is_string() || field->get_ref<const std::string&>().empty()) {
        return reader.FailAt(path + "." + std::string(name), "is required");
      }
    }
  }
}

void ReadResources(ObjectReader& reader, json& out) {
  reader.PassObject("resources", out);
  reader.Nested("resources", [](ObjectReader& resources) {
    for (const std::string_view list : {"limits", "requests"}) {
      json quantities = json::object();
      resources.PassObject(list, quantities);
      for (const auto& [name, quantity] : quantities.items()) {
        const std::string path = resources.PathOf(list) + "." + name;
        if (quantity.is_number_integer() && quantity >= 0) continue;
        if (!quantity.is_string()) {
          return resources.FailAt(path, "expected a quantity, got " + std::string(TypeName(quantity)));
        }
        const auto parsed = ParseQuantity(quantity.get<std::string>(), path);
        if (parsed || resources.failed()) continue;
        resources.error() = name == "cpu" ? base::Invalid(path + ": \"" + quantity.get<std::string>() +
                                                          "\" is not a number of cores such as 8 or 500m")
                                          : parsed.error();
      }
    }
  });
}

void ReadEngine(ObjectReader& reader, std::string_view key, std::string& out) {
  reader.Choice(key, kEngines, [&](std::size_t i) { out = kEngines[i]; });
}

void ReadRuntimes(ObjectReader& reader, std::vector<RuntimeSpec>& out) {
  reader.Each("runtimes", kMaxRuntimes, [&](ObjectReader& item) {
    RuntimeSpec runtime;
    ReadRuntime(item, runtime);
    if (!item.failed() && std::ranges::find(out, runtime.name, &RuntimeSpec::name) != out.end()) {
      item.Fail("name", "\"" + runtime.name + "\" is listed twice");
    }
    out.push_back(std::move(runtime));
  });
}

void ReadGpu(ObjectReader& reader, GpuSpec& out) {
  reader.Text("resourceName", out.resource_name, Presence::kRequired, 253);
  if (!reader.failed() && !IsResourceName(out.resource_name)) {
    reader.Fail("resourceName", "\"" + out.resource_name + "\" is not an extended resource such as nvidia.com/gpu");
  }
  reader.Texts("products", out.products, 16, 63);
  for (std::size_t i = 0; i < out.products.size() && !reader.failed(); ++i) {
    if (!IsLabelValue(out.products[i])) {
      reader.Fail("products[" + std::to_string(i) + "]",
                  "\"" + out.products[i] + "\" is not the value of a node label, such as NVIDIA-H100-80GB-HBM3");
    }
  }
  // A quantity may be written without quotes.
  if (const json* memory = reader.Get("minMemory"); memory != nullptr && memory->is_number_integer()) {
    out.min_memory = memory->dump();
    constexpr std::int64_t kLeastBytes = 1'048'576;  // fewer are meant with a unit
    if (memory->get<std::int64_t>() < kLeastBytes) {
      reader.Fail("minMemory", out.min_memory + " bytes are no memory of a GPU: write a unit, such as 70Gi");
    }
  } else {
    reader.Text("minMemory", out.min_memory, Presence::kOptional, 32);
  }
  if (!reader.failed() && !out.min_memory.empty()) {
    const auto bytes = ParseQuantity(out.min_memory, reader.PathOf("minMemory"));
    if (!bytes) reader.error() = bytes.error();
  }
  reader.Text("minComputeCapability", out.min_compute_capability, Presence::kOptional, 5);
  if (!reader.failed() && !out.min_compute_capability.empty() &&
      !quant::ComputeCapability::Parse(out.min_compute_capability)) {
    reader.Fail("minComputeCapability",
                "\"" + out.min_compute_capability + "\" is not a compute capability such as \"8.9\"");
  }
  std::map<std::string, std::string> node_selector;
  reader.TextMap("nodeSelector", node_selector, 32);
  if (!node_selector.empty()) out.node_selector = node_selector;
  ReadPassedItems(reader, "tolerations", out.tolerations, 32, {});
  reader.PassObject("affinity", out.affinity);
  reader.Text("runtimeClassName", out.runtime_class_name, Presence::kOptional, 253);
  reader.Text("priorityClassName", out.priority_class_name, Presence::kOptional, 253);
  reader.Text("schedulerName", out.scheduler_name, Presence::kOptional, 253);
  reader.Text("queueName", out.queue_name, Presence::kOptional, 63);
  reader.DecimalText("pricePerHour", out.price_per_hour);
}

void ReadGpus(ObjectReader& reader, std::vector<GpuSpec>& out) {
  std::vector<GpuSpec> gpus;
  reader.Each("gpus", kMaxGpus, [&](ObjectReader& item) {
    GpuSpec gpu;
    ReadName(item, gpu.name);
    ReadGpu(item, gpu);
    item.TextMap("images", gpu.images, kMaxRuntimes);
    if (!item.failed() && std::ranges::find(gpus, gpu.name, &GpuSpec::name) != gpus.end()) {
      item.Fail("name", "\"" + gpu.name + "\" is listed twice");
    }
    gpus.push_back(std::move(gpu));
  });
  if (reader.failed() || reader.Get("gpus") == nullptr) return;
  if (reader.Get("gpu") != nullptr) return reader.FailAt(reader.path(), "set at most one of gpu and gpus");
  if (gpus.empty()) return reader.Fail("gpus", "must have at least one entry");
  out = std::move(gpus);
}

void ReadPodTemplate(ObjectReader& reader, PodTemplateSpec& out) {
  reader.TextMap("labels", out.labels, 32);
  reader.TextMap("annotations", out.annotations, 32);
  for (const auto& [field, map] : {std::pair("labels", &out.labels), std::pair("annotations", &out.annotations)}) {
    for (const auto& [key, value] : *map) {
      if (key.starts_with("autotuner.io/")) {
        reader.FailAt(reader.PathOf(field) + "." + key, "the prefix autotuner.io/ is reserved");
      }
    }
  }
  reader.PassObject("securityContext", out.security_context);
  reader.Text("serviceAccountName", out.service_account_name, Presence::kOptional, 253);
  ReadPassedItems(reader, "imagePullSecrets", out.image_pull_secrets, 16, {"name"});
  ReadPassedItems(reader, "volumes", out.volumes, 32, {"name"});
  ReadPassedItems(reader, "volumeMounts", out.volume_mounts, 32, {"name", "mountPath"});
  for (std::size_t i = 0; i < out.volume_mounts.size() && !reader.failed(); ++i) {
    const std::string path = out.volume_mounts[i]["mountPath"];
    if (path.front() != '/') {
      reader.FailAt(reader.PathOf("volumeMounts") + "[" + std::to_string(i) + "].mountPath",
                    "\"" + path + "\" is not an absolute path");
    }
  }
}

json ToJson(const RuntimeSpec& runtime) {
  json out = {{"name", runtime.name}, {"engine", runtime.engine}};
  Put(out, "image", runtime.image);
  Put(out, "version", runtime.version);
  PutList(out, "command", runtime.command);
  PutList(out, "args", runtime.args);
  PutPassed(out, "env", runtime.env);
  PutPassed(out, "resources", runtime.resources);
  PutNullable(out, "securityContext", runtime.security_context);
  return out;
}

json ToJson(const GpuSpec& gpu) {
  json out = {{"resourceName", gpu.resource_name}};
  Put(out, "name", gpu.name);
  PutList(out, "products", gpu.products);
  Put(out, "minMemory", gpu.min_memory);
  Put(out, "minComputeCapability", gpu.min_compute_capability);
  PutPassed(out, "nodeSelector", gpu.node_selector);
  PutPassed(out, "tolerations", gpu.tolerations);
  PutPassed(out, "affinity", gpu.affinity);
  Put(out, "runtimeClassName", gpu.runtime_class_name);
  Put(out, "priorityClassName", gpu.priority_class_name);
  Put(out, "schedulerName", gpu.scheduler_name);
  Put(out, "queueName", gpu.queue_name);
  Put(out, "pricePerHour", gpu.price_per_hour);
  PutList(out, "images", gpu.images);
  return out;
}

json ToJson(const PodTemplateSpec& pod) {
  json out = json::object();
  PutList(out, "labels", pod.labels);
  PutList(out, "annotations", pod.annotations);
  PutNullable(out, "securityContext", pod.security_context);
  Put(out, "serviceAccountName", pod.service_account_name);
  PutPassed(out, "imagePullSecrets", pod.image_pull_secrets);
  PutPassed(out, "volumes", pod.volumes);
  PutPassed(out, "volumeMounts", pod.volume_mounts);
  return out;
}

}  // namespace autotune::api
