// spec of an AutotuneTask <-> C++ values. Bounds and defaults are those of crds/autotunetask.yaml; what the schema
// checks on a cluster is checked here for files (local mode), and once more for objects of an older schema.
#include <algorithm>
#include <array>
#include <set>
#include <tuple>
#include <utility>

#include "operator/api/autotune_task.h"
#include "operator/api/object_reader.h"
#include "operator/api/task_json.h"
#include "operator/api/units.h"
#include "quant/version.h"

namespace autotune::api {
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

namespace {

using Presence = ObjectReader::Presence;
using std::chrono::hours;
using std::chrono::seconds;

constexpr std::array<std::string_view, 3> kEngines = {"vllm", "sglang", "tensorrt-llm"};
constexpr std::array<std::string_view, 2> kReuses = {"None", "Namespace"};
constexpr std::array<std::string_view, 3> kStrategies = {"Adaptive", "Grid", "Random"};
constexpr std::array<std::string_view, 6> kObjectives = {"MaximizeThroughput", "MaximizeGoodput", "MinimizeCost",
                                                         "MinimizeLatency",    "MinimizeTTFT",    "MinimizeTPOT"};
constexpr std::array<std::string_view, 2> kQualityMeasures = {"Auto", "Off"};
constexpr std::array<std::string_view, 3> kKeepPods = {"Never", "OnFailure", "Always"};
constexpr std::array<std::string_view, 3> kPullPolicies = {"Always", "IfNotPresent", "Never"};
constexpr std::array<std::string_view, 5> kPercentiles = {"mean", "p50", "p90", "p95", "p99"};

constexpr std::size_t kMaxRuntimes = 8, kMaxModels = 8, kMaxGpus = 8;
constexpr std::size_t kMaxParameters = 32;
constexpr std::size_t kMaxAxisValues = 64;
constexpr std::size_t kMaxQuantConfigs = 32;

bool IsAlphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

// [a-z0-9]([-a-z0-9]*[a-z0-9])?, at most `max`: names of runtimes and configurations, which end in labels.
bool IsDnsLabel(const std::string& text, std::size_t max) {
  const auto good = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  return !text.empty() && text.size() <= max && std::ranges::all_of(text, good) && text.front() != '-' &&
         text.back() != '-';
}

// An engine flag as the CRD's documentation describes it: up to two dashes, a letter, then letters, digits, "-_.".
bool IsFlagName(std::string_view text) {
  if (text.size() > 100) return false;
  while (!text.empty() && text.front() == '-') text.remove_prefix(1);
  return !text.empty() && IsAlphanumeric(text.front()) && !(text.front() >= '0' && text.front() <= '9') &&
         std::ranges::all_of(text, [](char c) { return IsAlphanumeric(c) || c == '-' || c == '_' || c == '.'; });
}

// [A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?, at most 63: the value of a label.
bool IsLabelValue(const std::string& text) {
  const auto good = [](char c) { return IsAlphanumeric(c) || c == '-' || c == '_' || c == '.'; };
  return !text.empty() && text.size() <= 63 && std::ranges::all_of(text, good) && IsAlphanumeric(text.front()) &&
         IsAlphanumeric(text.back());
}

// "owner/name" or "name".
bool IsHubId(const std::string& text) {
  const auto part = [](std::string_view name) {
    const auto good = [](char c) { return IsAlphanumeric(c) || c == '-' || c == '_' || c == '.'; };
    return !name.empty() && IsAlphanumeric(name.front()) && std::ranges::all_of(name, good);
  };
  const std::string_view view = text;
  const std::size_t slash = view.find('/');
  return slash == std::string_view::npos ? part(view) : part(view.substr(0, slash)) && part(view.substr(slash + 1));
}

// nvidia.com/gpu: an extended resource has a domain.
bool IsResourceName(const std::string& text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string::npos || slash == 0) return false;
  const auto good = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.'; };
  return std::ranges::all_of(text.substr(0, slash), good) && IsLabelValue(text.substr(slash + 1));
}

void ReadVolume(ObjectReader& reader, json& out) {
  int members = 0;
  const auto text = [](ObjectReader& member, std::string_view key, Presence presence) {
    std::string value;
    member.Text(key, value, presence, 512);
    return value;
  };
  json volume = json::object();
  reader.Nested("persistentVolumeClaim", [&](ObjectReader& member) {
    ++members;
    volume["persistentVolumeClaim"]["claimName"] = text(member, "claimName", Presence::kRequired);
    const std::string sub_path = text(member, "subPath", Presence::kOptional);
    if (!sub_path.empty()) volume["persistentVolumeClaim"]["subPath"] = sub_path;
  });
  reader.Nested("image", [&](ObjectReader& member) {
    ++members;
    volume["image"]["reference"] = text(member, "reference", Presence::kRequired);
    member.Choice("pullPolicy", kPullPolicies,
                  [&](std::size_t i) { volume["image"]["pullPolicy"] = kPullPolicies[i]; });
  });
  reader.Nested("hostPath", [&](ObjectReader& member) {
    ++members;
    const std::string path = text(member, "path", Presence::kRequired);
    if (!member.failed() && path.front() != '/') member.Fail("path", "\"" + path + "\" is not an absolute path");
    volume["hostPath"]["path"] = path;
  });
  if (members != 1 && !reader.failed()) {
    reader.FailAt(reader.path(), "set exactly one of persistentVolumeClaim, image and hostPath");
  }
  out = std::move(volume);
}

void ReadModel(ObjectReader& reader, ModelSpec& out) {
  reader.Text("idOrPath", out.id_or_path, Presence::kRequired, 512);
  const bool path = out.id_or_path.starts_with('/');
  if (!reader.failed() && !path && !IsHubId(out.id_or_path)) {
    reader.Fail("idOrPath", "\"" + out.id_or_path + "\" is neither a hub id (owner/name) nor an absolute path");
  }
  reader.Text("revision", out.revision, Presence::kOptional, 128);
  reader.Nested("volume", [&](ObjectReader& volume) { ReadVolume(volume, out.volume); });
  // The converse, a path without a volume, is for the API server alone: local mode has the machine's own files.
  if (!reader.failed() && !path && !out.volume.is_null()) {
    reader.Fail("idOrPath", "must be an absolute path, because " + reader.PathOf("volume") + " is set");
  }
  reader.Nested("huggingFace", [&](ObjectReader& hub) {
    hub.Nested("tokenSecretRef", [&](ObjectReader& secret) {
      out.hugging_face.token_secret_key = "token";
      secret.Text("name", out.hugging_face.token_secret_name, Presence::kRequired, 253);
      secret.Text("key", out.hugging_face.token_secret_key, Presence::kRequired, 253);
    });
    hub.Text("endpoint", out.hugging_face.endpoint, Presence::kRequired, 512);
    if (!out.hugging_face.endpoint.starts_with("https://") && !out.hugging_face.endpoint.starts_with("http://")) {
      hub.Fail("endpoint", "\"" + out.hugging_face.endpoint + "\" does not begin with https:// or http://");
    }
    hub.Text("cacheClaim", out.hugging_face.cache_claim, Presence::kOptional, 253);
  });
  reader.PassObject("facts", out.facts);
  reader.Text("quantization", out.quantization, Presence::kOptional, 64);
}

// What identifies the files that a checkpoint's pods load.
auto Files(const ModelSpec& model) {
  return std::make_tuple(model.id_or_path, model.OwnRevision(), model.volume, model.hugging_face.endpoint);
}

void ReadModels(ObjectReader& reader, std::vector<ModelSpec>& out) {
  std::vector<ModelSpec> models;
  reader.Each("models", kMaxModels, [&](ObjectReader& item) {
    ModelSpec model;
    item.Text("name", model.name, Presence::kRequired);
    if (!item.failed() && !IsDnsLabel(model.name, 40)) {
      item.Fail("name", "\"" + model.name + "\" is not a name of at most 40 lower-case letters, digits and \"-\"");
    }
    item.Bool("reference", model.reference);
    ReadModel(item, model);
    if (!item.failed() && std::ranges::find(models, model.name, &ModelSpec::name) != models.end()) {
      item.Fail("name", "\"" + model.name + "\" is listed twice");
    }
    for (const ModelSpec& other : models) {
      if (!item.failed() && Files(other) == Files(model)) {
        item.Fail("idOrPath", "\"" + model.id_or_path + "\" is already listed as checkpoint \"" + other.name + "\"");
      }
      if (!item.failed() && other.reference && model.reference) {
        item.Fail("reference", "\"" + other.name + "\" is already the reference");
      }
    }
    models.push_back(std::move(model));
  });
  const bool one = reader.Get("model") != nullptr;
  if (reader.failed()) return;
  if (!one && reader.Get("models") == nullptr) return reader.Fail("model", "set exactly one of model and models");
  if (one && reader.Get("models") != nullptr)
    return reader.FailAt(reader.path(), "set exactly one of model and models");
  if (!one && models.empty()) return reader.Fail("models", "must have at least one entry");
  if (!one) out = std::move(models);
}

void ReadRuntime(ObjectReader& reader, RuntimeSpec& out) {
  reader.Text("name", out.name, Presence::kRequired);
  if (!reader.failed() && !IsDnsLabel(out.name, 40)) {
    reader.Fail("name", "\"" + out.name + "\" is not a name of at most 40 lower-case letters, digits and \"-\"");
  }
  reader.Choice("engine", kEngines, [&](std::size_t i) { out.engine = kEngines[i]; });
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

void ReadFieldValues(ObjectReader& reader, quant::FieldValues& out) {
  for (const quant::Field field : quant::kFields) {
    const auto allowed = quant::AllowedValues(field);
    reader.Choice(quant::FieldName(field), allowed,
                  [&](std::size_t i) { out.values[field] = std::string(allowed[i]); });
  }
}

void ReadQuant(ObjectReader& reader, quant::QuantSpec& out) {
  std::vector<std::string_view> presets;
  for (const quant::QuantConfig& preset : quant::Presets()) presets.push_back(preset.name);

  reader.Choice("preset", presets, [&](std::size_t i) { out.preset = std::string(presets[i]); });
  reader.Texts("presets", out.presets, kMaxQuantConfigs);
  if (reader.Get("presets") != nullptr && out.presets.empty()) reader.Fail("presets", "is empty");
  for (std::size_t i = 0; i < out.presets.size(); ++i) {
    const std::string path = "presets[" + std::to_string(i) + "]";
    if (quant::FindPreset(out.presets[i]) == nullptr) {
      std::string allowed;
      for (const std::string_view name : presets) allowed += (allowed.empty() ? "" : ", ") + std::string(name);
      return reader.Fail(path, "\"" + out.presets[i] + "\" is not one of " + allowed);
    }
    if (std::find(out.presets.begin(), out.presets.begin() + static_cast<std::ptrdiff_t>(i), out.presets[i]) !=
        out.presets.begin() + static_cast<std::ptrdiff_t>(i)) {
      return reader.Fail(path, "\"" + out.presets[i] + "\" is listed twice");
    }
  }
  ReadFieldValues(reader, out.fields);
  reader.Each("custom", kMaxQuantConfigs, [&](ObjectReader& item) {
    quant::NamedConfig config;
    item.Text("name", config.name, Presence::kRequired);
    if (!item.failed() && !IsDnsLabel(config.name, 63)) {
      item.Fail("name", "\"" + config.name + "\" is not a name of at most 63 lower-case letters, digits and \"-\"");
    }
    if (!item.failed() && quant::FindPreset(config.name) != nullptr) {
      item.Fail("name", "\"" + config.name + "\" is the name of a preset");
    }
    if (!item.failed() && std::ranges::find(out.custom, config.name, &quant::NamedConfig::name) != out.custom.end()) {
      item.Fail("name", "\"" + config.name + "\" is listed twice");
    }
    ReadFieldValues(item, config.fields);
    out.custom.push_back(std::move(config));
  });
  reader.Nested("sweep", [&](ObjectReader& sweep) {
    for (const quant::Field field : quant::kFields) {
      const std::string key(quant::FieldName(field));
      std::vector<std::string> values;
      const bool present = sweep.Get(key) != nullptr;
      sweep.Texts(key, values, 16);
      if (sweep.failed() || !present) continue;
      if (values.empty()) sweep.Fail(key, "is empty; remove it or list values");
      const auto allowed = quant::AllowedValues(field);
      std::set<std::string> seen;
      for (std::size_t i = 0; i < values.size(); ++i) {
        const std::string path = key + "[" + std::to_string(i) + "]";
        if (std::ranges::find(allowed, values[i]) == allowed.end()) {
          std::string names;
          for (const std::string_view name : allowed) names += (names.empty() ? "" : ", ") + std::string(name);
          sweep.Fail(path, "\"" + values[i] + "\" is not one of " + names);
        } else if (!seen.insert(values[i]).second) {
          sweep.Fail(path, "\"" + values[i] + "\" is listed twice");
        }
      }
      out.sweep[field] = std::move(values);
    }
    if (!sweep.failed() && out.sweep.empty()) sweep.FailAt(sweep.path(), "must set at least one field");
  });
  if (reader.failed()) return;

  // docs/api.md, "Search space": which forms of quantConfig exclude each other.
  const bool preset = out.preset.has_value(), several = !out.presets.empty(), fields = !out.fields.values.empty(),
             custom = !out.custom.empty(), sweep = !out.sweep.empty();
  const char* allowed =
      "use one form: preset (the four fields override it), presets and custom, the four fields, or sweep";
  const std::string& self = reader.path();
  if (preset && several) reader.FailAt(self, std::string("preset and presets exclude each other; ") + allowed);
  if (preset && custom) reader.FailAt(self, std::string("preset and custom exclude each other; ") + allowed);
  if (fields && several) reader.FailAt(self, std::string("the four fields and presets exclude each other; ") + allowed);
  if (fields && custom) reader.FailAt(self, std::string("the four fields and custom exclude each other; ") + allowed);
  if (sweep && (preset || several || fields || custom)) {
    reader.FailAt(self, std::string("sweep excludes the other forms; ") + allowed);
  }
}

// A list is an axis, one experiment value an element; anything else is an axis of one value.
void ReadParameters(ObjectReader& reader, std::map<std::string, std::vector<quant::FlagValue>>& out) {
  json parameters = json::object();
  reader.PassObject("parameters", parameters);
  if (parameters.size() > kMaxParameters) {
    return reader.Fail("parameters", std::to_string(parameters.size()) + " flags, at most " +
                                         std::to_string(kMaxParameters) + " are allowed");
  }
  for (const auto& [flag, value] : parameters.items()) {
    const std::string path = reader.PathOf("parameters") + "." + flag;
    if (!IsFlagName(flag)) return reader.FailAt(path, "is not the name of an engine flag, such as max-num-seqs");
    std::vector<quant::FlagValue> axis;
    const bool list = value.is_array();
    if (list && value.empty()) return reader.FailAt(path, "is an empty list; remove it or list values");
    if (list && value.size() > kMaxAxisValues) {
      return reader.FailAt(
          path, std::to_string(value.size()) + " values, at most " + std::to_string(kMaxAxisValues) + " are allowed");
    }
    for (std::size_t i = 0; i < (list ? value.size() : 1); ++i) {
      const std::string item_path = list ? path + "[" + std::to_string(i) + "]" : path;
      auto item = quant::FlagValue::FromJson(list ? value[i] : value, item_path);
      if (!item) {
        if (!reader.failed()) reader.error() = item.error();
        return;
      }
      axis.push_back(*std::move(item));
    }
    out[flag] = std::move(axis);
  }
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
    item.Text("name", gpu.name, Presence::kRequired);
    if (!item.failed() && !IsDnsLabel(gpu.name, 40)) {
      item.Fail("name", "\"" + gpu.name + "\" is not a name of at most 40 lower-case letters, digits and \"-\"");
    }
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

void ReadWorkloadRef(ObjectReader& reader, WorkloadRef& out) {
  reader.Choice("kind", kWorkloadKinds, [&](std::size_t i) { out.kind = kWorkloadKinds[i]; });
  reader.Text("name", out.name, Presence::kRequired, 253);
  reader.Text("container", out.container, Presence::kOptional, 63);
}

void ReadBaseline(ObjectReader& reader, BaselineSpec& out) {
  const bool names_nothing = !reader.Get("runtime") && !reader.Get("gpu") && !reader.Get("preset") &&
                             !reader.Get("parameters") && !reader.Get("command") && !reader.Get("deploymentRef");
  if (names_nothing)
    return reader.FailAt(reader.path(), "sets no field; remove it to compare with the engine's defaults");
  reader.Text("runtime", out.runtime, Presence::kOptional, 63);
  reader.Text("gpu", out.gpu, Presence::kOptional, 40);
  reader.Text("preset", out.preset, Presence::kOptional, 63);
  if (!reader.failed() && !out.preset.empty() && quant::FindPreset(out.preset) == nullptr) {
    reader.Fail("preset", "\"" + out.preset + "\" is not a preset of quantConfig");
  }
  reader.Text("command", out.command, Presence::kOptional, 8192);
  reader.Nested("deploymentRef", [&](ObjectReader& ref) { ReadWorkloadRef(ref, out.deployment_ref.emplace()); });
  const int ways = static_cast<int>(!out.command.empty()) + static_cast<int>(out.deployment_ref.has_value()) +
                   static_cast<int>(reader.Get("preset") || reader.Get("parameters"));
  if (ways > 1) {
    return reader.FailAt(reader.path(), "set one of command, deploymentRef, and preset with parameters");
  }
  std::map<std::string, std::vector<quant::FlagValue>> parameters;
  ReadParameters(reader, parameters);
  for (auto& [flag, values] : parameters) {
    if (values.size() > 1)
      return reader.FailAt(reader.PathOf("parameters") + "." + flag, "must have one value in a baseline");
    out.parameters[flag] = std::move(values.front());
  }
}

void ReadOptimization(ObjectReader& reader, OptimizationSpec& out) {
  constexpr seconds kWeek = hours(24 * 7);
  reader.Choice("strategy", kStrategies, [&](std::size_t i) { out.strategy = static_cast<Strategy>(i); });
  reader.Choice("objective", kObjectives, [&](std::size_t i) { out.objective = static_cast<Objective>(i); });
  reader.Nested("baseline", [&](ObjectReader& baseline) {
    out.baseline = BaselineSpec{};  // Clang 14 finds no default constructor in emplace()
    ReadBaseline(baseline, *out.baseline);
  });
  if (reader.Get("confirmations") != nullptr) {
    out.confirmations = 0;
    reader.Integer("confirmations", *out.confirmations, 0, 5);
  }
  reader.Choice("reuse", kReuses, [&](std::size_t i) { out.reuse = static_cast<Reuse>(i); });
  reader.Integer("maxExperiments", out.max_experiments, 1, static_cast<std::int64_t>(kMaxExperiments));
  reader.Integer("seed", out.seed, 0);
  reader.Nested("budget", [&](ObjectReader& budget) {
    budget.Decimal("gpuHours", out.budget_gpu_hours, 0, 1e6);
    if (!budget.failed() && out.budget_gpu_hours == 0.0) budget.Fail("gpuHours", "must be more than zero");
    if (budget.Get("deadline") != nullptr) {
      budget.Duration("deadline", out.budget_deadline.emplace(), seconds(1), 4 * kWeek);
    }
  });
  reader.Duration("experimentTimeout", out.experiment_timeout, seconds(1), kWeek);
  reader.Duration("startupTimeout", out.startup_timeout, seconds(1), kWeek);
  reader.Duration("schedulingTimeout", out.scheduling_timeout, seconds(1), kWeek);
  reader.Duration("imagePullTimeout", out.image_pull_timeout, seconds(1), kWeek);
  reader.Integer("retries", out.retries, 0, 10);
}

void ReadRetention(ObjectReader& reader, RetentionSpec& out) {
  const auto read = [&](const char* key, std::optional<Seconds>& time, Seconds least) {
    if (reader.Get(key) != nullptr) reader.Duration(key, time.emplace(), least, kLongestRetention);
  };
  read("pods", out.pods, Seconds(0));
  read("task", out.task, Seconds(1));
}

void ReadBounds(ObjectReader& reader, std::string_view key, std::map<std::string, double>& out) {
  reader.Nested(key, [&](ObjectReader& bounds) {
    for (const std::string_view percentile : kPercentiles) {
      double limit = -1;
      bounds.Milliseconds(percentile, limit);
      if (bounds.failed() || limit == -1) continue;
      if (limit == 0) bounds.Fail(percentile, "must be more than zero");
      out.emplace(percentile, limit);
    }
  });
}

// A bound on a percentile that a tighter one on a higher percentile makes impossible to reach: two of them are swapped,
// or one has the wrong unit.
void RefuseContradictions(ObjectReader& reader, std::string_view key, const std::map<std::string, double>& bounds) {
  constexpr std::array<std::string_view, 4> kAscending = {"p50", "p90", "p95", "p99"};
  const double* lower = nullptr;
  std::string_view lower_name;
  for (const std::string_view name : kAscending) {
    const auto bound = bounds.find(std::string(name));
    if (bound == bounds.end()) continue;
    if (lower != nullptr && *lower > bound->second && !reader.failed()) {
      reader.FailAt(reader.PathOf(key) + "." + std::string(name),
                    FormatBound(bound->second) + " is below the limit of " + std::string(lower_name) + ", " +
                        FormatBound(*lower) + ": " + std::string(lower_name) + " is never above " + std::string(name));
    }
    lower = &bound->second;
    lower_name = name;
  }
}

void ReadSlo(ObjectReader& reader, SloSpec& out) {
  ReadBounds(reader, "ttft", out.ttft);
  ReadBounds(reader, "tpot", out.tpot);
  ReadBounds(reader, "itl", out.itl);
  ReadBounds(reader, "e2eLatency", out.e2e_latency);
  RefuseContradictions(reader, "ttft", out.ttft);
  RefuseContradictions(reader, "tpot", out.tpot);
  RefuseContradictions(reader, "itl", out.itl);
  RefuseContradictions(reader, "e2eLatency", out.e2e_latency);
  std::optional<double> share;
  reader.Decimal("errorRate", share, 0, 1);
  if (share) out.error_rate = *share;
  reader.Decimal("attainment", out.attainment, 0, 1);
  if (reader.failed() || !out.attainment) return;
  if (*out.attainment == 0) reader.Fail("attainment", "must be more than zero");
  if (!out.HasBound()) reader.Fail("attainment", "requires a limit on ttft, tpot, itl or e2eLatency");
}

void ReadQuality(ObjectReader& reader, QualitySpec& out) {
  reader.Choice("measure", kQualityMeasures, [&](std::size_t i) { out.measure = i == 0; });
  reader.Decimal("maxDegradation", out.max_degradation, 0, 10);
  reader.Nested("dataset", [&](ObjectReader& dataset) {
    QuestionsSpec& questions = out.dataset.emplace();
    ReadFileSource(dataset, questions.config_map, questions.claim, questions.file);
    dataset.Integer("answerTokens", questions.answer_tokens, 1, 8192);
  });
  if (!reader.failed() && out.max_degradation && !out.measure) {
    reader.Fail("maxDegradation", "requires measure: Auto");
  }
  if (!reader.failed() && out.dataset && !out.measure) reader.Fail("dataset", "requires measure: Auto");
}

void ReadRecommendation(ObjectReader& reader, RecommendationSpec& out) {
  std::vector<std::string> targets;
  reader.Texts("targets", targets, kRecommendationTargets.size());
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const std::string path = reader.PathOf("targets") + "[" + std::to_string(i) + "]";
    if (std::ranges::find(kRecommendationTargets, targets[i]) == kRecommendationTargets.end()) {
      std::string known;
      for (const std::string_view name : kRecommendationTargets)
        known += (known.empty() ? "" : ", ") + std::string(name);
      reader.FailAt(path, "\"" + targets[i] + "\" is not one of " + known);
    }
    if (std::find(targets.begin(), targets.begin() + static_cast<std::ptrdiff_t>(i), targets[i]) !=
        targets.begin() + static_cast<std::ptrdiff_t>(i)) {
      reader.FailAt(path, "\"" + targets[i] + "\" is listed twice");
    }
  }
  if (reader.Get("targets") != nullptr) {
    if (targets.empty()) reader.Fail("targets", "must have at least one entry");
    out.targets = std::move(targets);
  }
  reader.Nested("diffAgainst", [&](ObjectReader& running) {
    RecommendationSpec::DiffAgainst& named = out.diff_against.emplace();
    running.Text("deployment", named.deployment, ObjectReader::Presence::kRequired, 253);
    running.Text("container", named.container, ObjectReader::Presence::kOptional, 63);
  });
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

// --- to JSON ------------------------------------------------------------------------------------------------------

void PutText(json& out, const char* key, const std::string& value) {
  if (!value.empty()) out[key] = value;
}

json ToJson(const RecommendationSpec& recommendation) {
  json out = {{"targets", recommendation.targets}};
  if (recommendation.diff_against) {
    out["diffAgainst"] = {{"deployment", recommendation.diff_against->deployment}};
    PutText(out["diffAgainst"], "container", recommendation.diff_against->container);
  }
  return out;
}

// Objects and lists that a pod gets as they are: absent when there is nothing in them.
void PutPassed(json& out, const char* key, const json& value) {
  if (!value.is_null() && !value.empty()) out[key] = value;
}

// As PutPassed, but an empty object is not the same as none ("no security context at all").
void PutNullable(json& out, const char* key, const json& value) {
  if (!value.is_null()) out[key] = value;
}

template <typename List>
void PutList(json& out, const char* key, const List& value) {
  if (!value.empty()) out[key] = value;
}

json ToJson(const ModelSpec& model) {
  json out = {{"idOrPath", model.id_or_path}};
  PutText(out, "name", model.name);
  if (model.reference) out["reference"] = true;
  PutText(out, "revision", model.revision);
  PutNullable(out, "volume", model.volume);
  json hub = {{"endpoint", model.hugging_face.endpoint}};
  if (!model.hugging_face.token_secret_name.empty()) {
    hub["tokenSecretRef"] = {{"name", model.hugging_face.token_secret_name},
                             {"key", model.hugging_face.token_secret_key}};
  }
  PutText(hub, "cacheClaim", model.hugging_face.cache_claim);
  out["huggingFace"] = std::move(hub);
  PutNullable(out, "facts", model.facts);
  PutText(out, "quantization", model.quantization);
  return out;
}

json ToJson(const RuntimeSpec& runtime) {
  json out = {{"name", runtime.name}, {"engine", runtime.engine}};
  PutText(out, "image", runtime.image);
  PutText(out, "version", runtime.version);
  PutList(out, "command", runtime.command);
  PutList(out, "args", runtime.args);
  PutPassed(out, "env", runtime.env);
  PutPassed(out, "resources", runtime.resources);
  PutNullable(out, "securityContext", runtime.security_context);
  return out;
}

void PutFields(json& out, const quant::FieldValues& fields) {
  for (const auto& [field, value] : fields.values) out[std::string(quant::FieldName(field))] = value;
}

json ToJson(const quant::QuantSpec& spec) {
  json out = json::object();
  if (spec.preset) out["preset"] = *spec.preset;
  PutList(out, "presets", spec.presets);
  PutFields(out, spec.fields);
  for (const quant::NamedConfig& config : spec.custom) {
    json item = {{"name", config.name}};
    PutFields(item, config.fields);
    out["custom"].push_back(std::move(item));
  }
  for (const auto& [field, values] : spec.sweep) out["sweep"][std::string(quant::FieldName(field))] = values;
  return out;
}

json ToJson(const std::map<std::string, std::vector<quant::FlagValue>>& parameters) {
  json out = json::object();
  for (const auto& [flag, axis] : parameters) {
    // One list value has to stay in its axis, or it would read as an axis of its elements.
    if (axis.size() == 1 && axis.front().kind != quant::FlagValue::Kind::kList) {
      out[flag] = axis.front().ToJson();
      continue;
    }
    json values = json::array();
    for (const quant::FlagValue& value : axis) values.push_back(value.ToJson());
    out[flag] = std::move(values);
  }
  return out;
}

json ToJson(const GpuSpec& gpu) {
  json out = {{"resourceName", gpu.resource_name}};
  PutText(out, "name", gpu.name);
  PutList(out, "products", gpu.products);
  PutText(out, "minMemory", gpu.min_memory);
  PutText(out, "minComputeCapability", gpu.min_compute_capability);
  PutPassed(out, "nodeSelector", gpu.node_selector);
  PutPassed(out, "tolerations", gpu.tolerations);
  PutPassed(out, "affinity", gpu.affinity);
  PutText(out, "runtimeClassName", gpu.runtime_class_name);
  PutText(out, "priorityClassName", gpu.priority_class_name);
  PutText(out, "schedulerName", gpu.scheduler_name);
  PutText(out, "queueName", gpu.queue_name);
  PutText(out, "pricePerHour", gpu.price_per_hour);
  PutList(out, "images", gpu.images);
  return out;
}

json ToJson(const OptimizationSpec& optimization) {
  json out = {{"objective", ObjectiveName(optimization.objective)},
              {"maxExperiments", optimization.max_experiments},
              {"seed", optimization.seed},
              {"experimentTimeout", FormatDuration(optimization.experiment_timeout)},
              {"startupTimeout", FormatDuration(optimization.startup_timeout)},
              {"schedulingTimeout", FormatDuration(optimization.scheduling_timeout)},
              {"imagePullTimeout", FormatDuration(optimization.image_pull_timeout)},
              {"retries", optimization.retries}};
  if (optimization.baseline) {
    const BaselineSpec& baseline = *optimization.baseline;
    json named = json::object();
    PutText(named, "runtime", baseline.runtime);
    PutText(named, "gpu", baseline.gpu);
    PutText(named, "preset", baseline.preset);
    PutText(named, "command", baseline.command);
    if (const auto& ref = baseline.deployment_ref) {
      named["deploymentRef"] = {{"kind", ref->kind}, {"name", ref->name}};
      PutText(named["deploymentRef"], "container", ref->container);
    }
    for (const auto& [flag, value] : baseline.parameters) named["parameters"][flag] = value.ToJson();
    out["baseline"] = std::move(named);
  }
  if (optimization.confirmations) out["confirmations"] = *optimization.confirmations;
  if (optimization.reuse != Reuse::kNone) out["reuse"] = kReuses[static_cast<std::size_t>(optimization.reuse)];
  if (optimization.budget_gpu_hours) out["budget"]["gpuHours"] = FormatDecimal(*optimization.budget_gpu_hours, 6);
  if (optimization.budget_deadline) out["budget"]["deadline"] = FormatDuration(*optimization.budget_deadline);
  if (optimization.strategy) out["strategy"] = kStrategies[static_cast<std::size_t>(*optimization.strategy)];
  return out;
}

json ToJson(const SloSpec& slo) {
  json out = json::object();
  const auto put = [&](const char* key, const std::map<std::string, double>& bounds) {
    for (const auto& [percentile, limit] : bounds) out[key][percentile] = FormatBound(limit);
  };
  put("ttft", slo.ttft);
  put("tpot", slo.tpot);
  put("itl", slo.itl);
  put("e2eLatency", slo.e2e_latency);
  out["errorRate"] = FormatDecimal(slo.error_rate, 6);
  if (slo.attainment) out["attainment"] = FormatDecimal(*slo.attainment, 6);
  return out;
}

json ToJson(const QualitySpec& quality) {
  json out = {{"measure", kQualityMeasures[quality.measure ? 0 : 1]}};
  if (quality.max_degradation) out["maxDegradation"] = FormatDecimal(*quality.max_degradation, 6);
  if (const auto& dataset = quality.dataset) {
    out["dataset"] = FileSourceJson(dataset->config_map, dataset->claim, dataset->file);
    out["dataset"]["answerTokens"] = dataset->answer_tokens;
  }
  return out;
}

json ToJson(const PodTemplateSpec& pod) {
  json out = json::object();
  PutList(out, "labels", pod.labels);
  PutList(out, "annotations", pod.annotations);
  PutNullable(out, "securityContext", pod.security_context);
  PutText(out, "serviceAccountName", pod.service_account_name);
  PutPassed(out, "imagePullSecrets", pod.image_pull_secrets);
  PutPassed(out, "volumes", pod.volumes);
  PutPassed(out, "volumeMounts", pod.volume_mounts);
  return out;
}

}  // namespace

std::string_view ObjectiveName(Objective objective) { return kObjectives[static_cast<std::size_t>(objective)]; }

base::Result<TaskSpec> SpecFromJson(const json& value) {
  TaskSpec out;
  std::optional<base::Error> error;
  ObjectReader reader(value, "spec", error, ObjectReader::Unknown::kRefuse);

  reader.Text("description", out.description, Presence::kOptional, 1024);
  reader.Bool("suspend", out.suspend);
  if (reader.Get("parallelism") != nullptr) reader.Integer("parallelism", out.parallelism.emplace(1), 1, 64);
  reader.Nested("model", [&](ObjectReader& model) { ReadModel(model, out.models.front()); });
  ReadModels(reader, out.models);
  reader.Choice("baseRuntime", kEngines, [&](std::size_t i) { out.base_runtime = kEngines[i]; });
  reader.Each("runtimes", kMaxRuntimes, [&](ObjectReader& item) {
    RuntimeSpec runtime;
    ReadRuntime(item, runtime);
    if (!item.failed() && std::ranges::find(out.runtimes, runtime.name, &RuntimeSpec::name) != out.runtimes.end()) {
      item.Fail("name", "\"" + runtime.name + "\" is listed twice");
    }
    out.runtimes.push_back(std::move(runtime));
  });
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
  PutText(out, "description", spec.description);
  PutText(out, "baseRuntime", spec.base_runtime);
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
