#include "cli/import.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "base/ascii_case.h"
#include "checkpoint/quantization.h"
#include "measurement/scenario.h"
#include "operator/api/autotune_task.h"
#include "quant/engine_table.h"
#include "quant/rules.h"
#include "text/yaml_json.h"

namespace autotune::cli {
namespace {

using nlohmann::json;
using text::ToYaml;

// Where the predecessor looked for models that are named without an owner.
constexpr std::string_view kModelBase = "/mnt/data/models";
constexpr std::size_t kMaxIntegerRange = 16;

std::string Quoted(const std::string& text) { return "\"" + text + "\""; }

// A scalar is a list of one.
json AsList(const json& value) { return value.is_array() ? value : json::array({value}); }

// One import. The first error wins and makes every later step a no-op.
class Importer {
 public:
  Importer(json task, quant::RuleSet rules) : task_(std::move(task)), rules_(std::move(rules)) {}

  base::Result<ImportResult> Run() {
    ReadTask();
    if (error_) return *std::move(error_);
    json object = {{"apiVersion", api::kApiVersion}, {"kind", api::kKind}, {"metadata", metadata_}, {"spec", spec_}};
    if (const auto task = api::TaskFromJson(object); !task) {
      return base::Invalid("the converted task is not a valid AutotuneTask: " + task.error().message);
    }
    return ImportResult{ToYaml(object), std::move(notes_)};
  }

 private:
  void Fail(const std::string& key, const std::string& message) {
    if (!error_) error_ = base::Invalid(key + ": " + message);
  }
  void Note(std::string text) { notes_.push_back(std::move(text)); }

  // The keys of an object, each of which must be in `known` or is rejected by name.
  bool Known(const json& object, const std::string& path, const std::set<std::string, std::less<>>& known) {
    if (!object.is_object()) {
      Fail(path.empty() ? "the file" : path, "is not an object");
      return false;
    }
    for (const auto& [key, value] : object.items()) {
      if (!known.contains(key)) Fail((path.empty() ? "" : path + ".") + key, "is not a supported key");
    }
    return !error_;
  }

  // Null when absent, null or the wrong type (which is an error).
  const json* Get(const json& object, const std::string& path, const char* key, json::value_t type) {
    const auto found = object.find(key);
    if (found == object.end() || found->is_null()) return nullptr;
    if (found->type() != type) {
      Fail((path.empty() ? "" : path + ".") + key, found->dump() + " has the wrong type");
      return nullptr;
    }
    return &*found;
  }
  std::string Text(const json& object, const std::string& path, const char* key) {
    const json* value = Get(object, path, key, json::value_t::string);
    return value == nullptr ? "" : value->get<std::string>();
  }
  // Numbers were written as such or as strings.
  std::optional<double> Number(const json& object, const std::string& path, const char* key) {
    const auto found = object.find(key);
    if (found == object.end() || found->is_null()) return std::nullopt;
    if (found->is_number()) return found->get<double>();
    if (found->is_string() && quant::FlagValue::IsNumber(found->get<std::string>())) {
      return std::stod(found->get<std::string>());
    }
    Fail((path.empty() ? "" : path + ".") + key, found->dump() + " is not a number");
    return std::nullopt;
  }
  const json& Object(const char* key) {
    static const json kNone = json::object();
    const json* value = Get(task_, "", key, json::value_t::object);
    return value == nullptr ? kNone : *value;
  }

  void ReadTask() {
    if (!Known(task_, "",
               {"task_name", "description", "deployment_mode", "model", "base_runtime", "runtime_image_tag",
                "parameters", "quant_config", "parallel_config", "optimization", "benchmark", "slo", "storage",
                "clusterbasemodel_config", "clusterservingruntime_config"})) {
      return;
    }
    ReadName();
    const std::string description = Text(task_, "", "description");
    if (!description.empty()) spec_["description"] = description;
    for (const char* key : {"clusterbasemodel_config", "clusterservingruntime_config"}) {
      if (task_.contains(key)) Note(std::string(key) + ": not needed, because experiments are plain pods");
    }
    ReadRuntime();
    ReadModel();
    ReadQuant();
    ReadParameters();
    ReadParallel();
    ReadOptimization();
    ReadBenchmark();
    ReadSlo();
  }

  void ReadName() {
    const std::string name = Text(task_, "", "task_name");
    std::string label;
    for (const char c : base::AsciiLower(name)) {
      const bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
      if (good || (!label.empty() && label.back() != '-')) label += good ? c : '-';
    }
    label.resize(std::min<std::size_t>(label.size(), 63));
    while (!label.empty() && label.back() == '-') label.pop_back();
    if (label.empty()) return Fail("task_name", "is required");
    if (label != name) Note("task_name: " + Quoted(name) + " becomes " + Quoted(label) + ", a valid Kubernetes name");
    metadata_["name"] = label;
  }

  void ReadRuntime() {
    const std::string mode = Text(task_, "", "deployment_mode");
    const std::string name = Text(task_, "", "base_runtime"), lower = base::AsciiLower(name);
    static const std::map<std::string, std::string, std::less<>> kEngines = {{"vllm", "vllm"},
                                                                             {"sglang", "sglang"},
                                                                             {"tensorrt_llm", "tensorrt-llm"},
                                                                             {"tensorrt-llm", "tensorrt-llm"},
                                                                             {"trtllm", "tensorrt-llm"}};
    if (const auto known = kEngines.find(lower); known != kEngines.end()) {
      engine_ = known->second;
    } else if (mode == "docker" && (lower.starts_with("vllm") || lower.starts_with("sglang"))) {
      // Docker mode took what begins with an engine's name for that engine.
      engine_ = lower.starts_with("vllm") ? "vllm" : "sglang";
      Note("base_runtime: " + Quoted(name) + " is converted to " + engine_ + ", as in docker mode");
    }
    if (error_) return;
    if (engine_.empty()) {
      return Fail("base_runtime", name.empty() ? "is required: vllm, sglang or tensorrt-llm"
                                               : Quoted(name) +
                                                     " is an OME ClusterServingRuntime, which does not contain the "
                                                     "engine; set vllm, sglang or tensorrt-llm instead");
    }
    if (!mode.empty()) Note("deployment_mode: " + Quoted(mode) + " is not needed; `autotune run` is the local mode");

    table_ = rules_.Find(engine_);
    if (table_ == nullptr) return Fail("base_runtime", "there is no compatibility table for " + engine_);
    const std::string tag = Text(task_, "", "runtime_image_tag");
    std::string image = table_->traits().default_image;
    if (tag.empty()) {
      spec_["baseRuntime"] = engine_;
    } else {
      image = image.substr(0, image.rfind(':')) + ":" + tag;
      spec_["runtimes"] = {{{"name", engine_}, {"engine", engine_}, {"image", image}}};
    }
    const auto release = rules_.Resolve(engine_, image, "");
    if (!release) return Fail("runtime_image_tag", release.error().message);
    version_ = release->version;
    if (!release->assumption.empty()) Note("runtime_image_tag: " + release->assumption);
  }

  void ReadModel() {
    const json& model = Object("model");
    const std::set<std::string, std::less<>> known = {"id_or_path", "name", "namespace", "quantization",
                                                      "quantization_config"};
    if (error_ || !Known(model, "model", known)) return;
    std::string id = Text(model, "model", "id_or_path");
    if (id.empty()) id = Text(model, "model", "name");
    if (id.empty()) return Fail("model.id_or_path", "is required");
    const std::string ns = Text(model, "model", "namespace");
    if (!ns.empty()) metadata_["namespace"] = ns;

    json out;
    const json& storage = Object("storage");
    if (!storage.empty()) {
      if (!Known(storage, "storage", {"type", "pvc_name", "pvc_subpath", "mount_path"})) return;
      const std::string type = Text(storage, "storage", "type"), claim = Text(storage, "storage", "pvc_name");
      if (type != "pvc") return Fail("storage.type", Quoted(type) + " is not pvc");
      if (claim.empty()) return Fail("storage.pvc_name", "is required");
      out["volume"]["persistentVolumeClaim"]["claimName"] = claim;
      std::string sub_path = Text(storage, "storage", "pvc_subpath");
      sub_path.erase(0, sub_path.find_first_not_of('/'));
      if (!sub_path.empty()) out["volume"]["persistentVolumeClaim"]["subPath"] = sub_path;
      const std::string mount = Text(storage, "storage", "mount_path");
      if (!mount.empty() && id.starts_with(mount)) id.erase(0, mount.size());
      if (!id.starts_with('/')) id.insert(0, "/");
    } else if (id.starts_with('/') || id.find('/') == std::string::npos) {
      // A path, or a name below the base path: files of the machine.
      const bool named = !id.starts_with('/');
      const std::string path = named ? std::string(kModelBase) + "/" + id : id;
      const std::size_t slash = path.find_last_of('/');
      const std::string directory = slash == 0 ? "/" : path.substr(0, slash);
      out["volume"]["hostPath"]["path"] = directory;
      id = path.substr(slash);
      Note("model: " + path + " is read from the node's directory " + directory +
           ", which the operator must allow (--allow-host-path); prefer a PersistentVolumeClaim" +
           (named ? ". If it is an id on the Hugging Face Hub, write owner/name" : ""));
    }
    out["idOrPath"] = id;

    std::string method = Text(model, "model", "quantization");
    if (const json* config = Get(model, "model", "quantization_config", json::value_t::object);
        config && method.empty()) {
      method = Text(*config, "model.quantization_config", "quant_method");
    }
    if (!method.empty()) {
      checkpoint::ModelFacts facts;
      if (const auto known_method = checkpoint::OverrideQuantization(facts, method); !known_method) {
        return Fail("model.quantization", known_method.error().message);
      }
      out["quantization"] = method;
      Note("model.quantization: " + Quoted(method) +
           " overrides the method in the checkpoint's files; remove it to use theirs");
    }
    spec_["model"] = std::move(out);
  }

  static const std::map<std::string, std::string>& QuantFields() {
    static const std::map<std::string, std::string> kFields = {{"gemm_dtype", "gemmDtype"},
                                                               {"kvcache_dtype", "kvcacheDtype"},
                                                               {"attention_dtype", "attentionDtype"},
                                                               {"moe_dtype", "moeDtype"}};
    return kFields;
  }

  void CheckPreset(const std::string& key, const json& name) {
    if (!name.is_string()) return Fail(key, name.dump() + " is not the name of a preset");
    if (quant::FindPreset(name.get<std::string>()) != nullptr) return;
    std::string presets;
    for (const quant::QuantConfig& preset : quant::Presets()) presets += (presets.empty() ? "" : ", ") + preset.name;
    Fail(key, name.dump() + " is not a preset; there are " + presets);
  }

  void ReadQuant() {
    const json& quant = Object("quant_config");
    if (error_ || quant.empty()) return;
    if (!Known(quant, "quant_config",
               {"preset", "presets", "gemm_dtype", "kvcache_dtype", "attention_dtype", "moe_dtype"})) {
      return;
    }
    const auto present = [&](const std::string& key) { return quant.contains(key) && !quant[key].is_null(); };
    json names = present("presets") ? AsList(quant["presets"]) : json::array();
    // A presets that is one name was one preset.
    const bool single = present("preset") || (present("presets") && quant["presets"].is_string());
    if (present("preset")) {
      if (!names.empty()) return Fail("quant_config", "preset and presets exclude each other");
      names = AsList(quant["preset"]);
    }
    bool other_than_default = false;
    for (const json& name : names) {
      CheckPreset(present("preset") ? "quant_config.preset" : "quant_config.presets", name);
      other_than_default = other_than_default || name != "default";
    }
    if (error_) return;
    if (other_than_default) {
      Note(
          "quant_config: presets ask for the engine's own fp8 KV cache instead of fp8_e5m2, which engines refuse "
          "together "
          "with fp8 weights and which costs them FlashAttention 3; for e5m2 set kvcacheDtype: fp8_e5m2");
    }

    json fields = json::object();
    bool several = false;
    for (const auto& [key, name] : QuantFields()) {
      if (!present(key)) continue;
      fields[name] = quant[key];
      several = several || (quant[key].is_array() && quant[key].size() > 1);
      if (quant[key].is_array() && quant[key].empty()) return Fail("quant_config." + key, "is an empty list");
    }
    json out = json::object();
    if (!names.empty() && !single) {
      if (!fields.empty()) Note("quant_config: the four fields are removed, because presets took precedence over them");
      out["presets"] = names;
    } else if (several) {
      // Lists are a sweep; a preset contributes the values of the other fields.
      const quant::QuantConfig* preset = names.empty() ? nullptr : quant::FindPreset(names[0].get<std::string>());
      for (const quant::Field field : quant::kFields) {
        const std::string name(quant::FieldName(field));
        if (fields.contains(name)) {
          out["sweep"][name] = AsList(fields[name]);
        } else if (preset != nullptr && preset->Get(field) != "auto") {
          out["sweep"][name] = json::array({preset->Get(field)});
        }
      }
    } else {
      if (!names.empty()) out["preset"] = names[0];
      for (const auto& [name, value] : fields.items()) out[name] = value.is_array() ? value[0] : value;
    }
    if (!out.empty()) spec_["quantConfig"] = std::move(out);
  }

  // The values of one parameter, in any of the forms that it had; null after an error or for "skip it".
  json ParameterValues(const std::string& key, const json& value) {
    if (!value.is_object()) return AsList(value);
    const std::string type = Text(value, key, "type");
    if (type == "choice" || type == "categorical") {
      for (const char* list : {"values", "choices"}) {
        if (value.contains(list)) return AsList(value[list]);
      }
      Fail(key, "has no values");
      return nullptr;
    }
    if (type == "integer") {
      const auto low = Number(value, key, "low"), high = Number(value, key, "high");
      if (error_) return nullptr;
      if (low && high && *low == std::floor(*low) && *high == std::floor(*high) && *low <= *high &&
          *high - *low < static_cast<double>(kMaxIntegerRange) && !value.value("log", false)) {
        json values = json::array();
        for (auto i = static_cast<std::int64_t>(*low); i <= static_cast<std::int64_t>(*high); ++i) values.push_back(i);
        return values;
      }
    }
    Fail(key, "a range (" + value.dump() + ") is not supported; list the values to compare");
    return nullptr;
  }

  // A flag that the engine has, in the spelling of the command line; fails by name otherwise.
  std::string Flag(const std::string& path, const std::string& spelling) {
    std::string flag = quant::EngineTable::Normalise(spelling);
    // Variables of the predecessor's templates, which stood for the engine's own flag.
    if (flag == "mem-frac") flag = "mem-fraction-static";
    if (flag == "tp-size") flag = table_->tensor_flag();
    if (table_->Reserved(flag)) {
      Fail(path, "cannot be a parameter: " + table_->WhyReserved(flag));
    } else if (!table_->Find(flag, version_)) {
      const std::string hint = table_->Hint(flag, version_);
      Fail(path, table_->traits().title + " " + version_.ToString() + " has no flag " + flag +
                     (hint.empty() ? "" : "; " + hint));
    }
    return flag;
  }

  void SetParameter(const std::string& path, const std::string& flag, json values) {
    if (error_) return;
    if (spec_.contains("parameters") && spec_["parameters"].contains(flag)) {
      return Fail(path, "the flag " + flag + " is listed twice");
    }
    spec_["parameters"][flag] = values.is_array() && values.size() == 1 ? values[0] : std::move(values);
  }

  void ReadParameters() {
    for (const auto& [key, value] : Object("parameters").items()) {
      const std::string path = "parameters." + key;
      json values = ParameterValues(path, value);
      if (error_) return;
      if (values.empty()) {
        Note(path + ": an empty list, removed");
        continue;
      }
      SetParameter(path, Flag(path, key), std::move(values));
    }
  }

  void ReadParallel() {
    json parallel = Object("parallel_config");
    if (error_ || parallel.empty()) return;
    static const std::set<std::string, std::less<>> kKeys = {
        "tp",     "pp",     "dp",          "cp",           "dcp",     "enable_expert_parallel",
        "moe_tp", "moe_ep", "moe_cluster", "moe_dense_tp", "presets", "preset"};
    if (!Known(parallel, "parallel_config", kKeys)) return;
    for (const char* key : {"preset", "presets"}) {
      if (!parallel.contains(key)) continue;
      const json names = AsList(parallel[key]);
      parallel.erase(key);
      if (names.size() != 1 || !names[0].is_string()) {
        return Fail(std::string("parallel_config.") + key,
                    "several presets cannot be converted to lists of sizes; set one preset, or the sizes");
      }
      const json sizes = ParallelPreset(names[0].get<std::string>());
      if (sizes.is_null()) {
        return Fail(std::string("parallel_config.") + key, names[0].dump() + " is not a parallel preset of " + engine_);
      }
      for (const auto& [name, size] : sizes.items()) {
        if (!parallel.contains(name)) parallel[name] = size;
      }
    }
    static const std::map<std::string, std::string> kSizes = {
        {"tp", "tensorParallel"}, {"pp", "pipelineParallel"}, {"dp", "dataParallel"}};
    // The flag of each of the others; where an engine has none, its flag table rejects it by name.
    static const std::map<std::string, std::string> kFlags = {{"cp", "context-parallel-size"},
                                                              {"dcp", "decode-context-parallel-size"},
                                                              {"enable_expert_parallel", "enable-expert-parallel"},
                                                              {"moe_tp", "moe-tensor-parallel-size"},
                                                              {"moe_ep", "moe-expert-parallel-size"},
                                                              {"moe_cluster", "moe-cluster-parallel-size"},
                                                              {"moe_dense_tp", "moe-dense-tp-size"}};
    for (const auto& [key, value] : parallel.items()) {
      if (value.is_null()) continue;
      const std::string path = "parallel_config." + key;
      const json values = AsList(value);
      if (const auto size = kSizes.find(key); size != kSizes.end()) {
        spec_["parallelConfig"][size->second] = values;
        continue;
      }
      // One means "not split", which is what leaving the flag out means.
      if (values == json::array({1}) || values == json::array({false})) continue;
      SetParameter(path, Flag(path, kFlags.at(key)), values);
    }
  }

  // The sizes behind a preset's name; null when the engine had none of this name.
  [[nodiscard]] json ParallelPreset(const std::string& name) const {
    static const json kPresets = json::parse(R"({
      "single-gpu": {"vllm": {"tp": 1, "pp": 1, "dp": 1}, "sglang": {"tp": 1, "pp": 1, "dp": 1},
                     "tensorrt-llm": {"tp": 1, "pp": 1}},
      "high-throughput": {"vllm": {"tp": 1, "pp": 1, "dp": 8}, "sglang": {"tp": 1, "pp": 1, "dp": 8}},
      "large-model-tp": {"vllm": {"tp": 8, "pp": 1, "dp": 1}, "sglang": {"tp": 8, "pp": 1, "dp": 1},
                         "tensorrt-llm": {"tp": 8, "pp": 1}},
      "large-model-tp-pp": {"vllm": {"tp": 8, "pp": 2, "dp": 1}, "sglang": {"tp": 8, "pp": 2, "dp": 1},
                            "tensorrt-llm": {"tp": 8, "pp": 2}},
      "moe-optimized": {"vllm": {"tp": 2, "pp": 1, "dp": 8, "enable_expert_parallel": true},
                        "sglang": {"tp": 2, "pp": 1, "dp": 8, "moe_dense_tp": 2},
                        "tensorrt-llm": {"tp": 4, "pp": 1, "moe_tp": 2, "moe_ep": 8}},
      "long-context": {"vllm": {"tp": 4, "pp": 1, "dp": 1, "dcp": 4}, "tensorrt-llm": {"tp": 8, "pp": 1, "cp": 2}},
      "balanced": {"vllm": {"tp": 2, "pp": 1, "dp": 4}, "sglang": {"tp": 2, "pp": 1, "dp": 4}}
    })");
    const auto preset = kPresets.find(name);
    if (preset == kPresets.end() || !preset->contains(engine_)) return nullptr;
    return (*preset)[engine_];
  }

  void ReadOptimization() {
    const json& optimization = Object("optimization");
    if (error_ || !Known(optimization, "optimization",
                         {"strategy", "objective", "max_iterations", "timeout_per_iteration", "n_initial_random",
                          "study_name", "storage", "seed"})) {
      return;
    }
    json out = json::object();
    const std::string strategy = Text(optimization, "optimization", "strategy");
    if (strategy == "grid_search" || strategy == "grid") {
      out["strategy"] = "Grid";
    } else if (strategy == "random" || strategy == "random_search") {
      out["strategy"] = "Random";
    } else if (strategy == "bayesian") {
      Note("optimization.strategy: bayesian becomes the default, Adaptive");
    } else if (!strategy.empty()) {
      return Fail("optimization.strategy", Quoted(strategy) + " is not one of grid_search, random, bayesian");
    }
    static const std::map<std::string, std::string> kObjectives = {{"maximize_throughput", "MaximizeThroughput"},
                                                                   {"minimize_latency", "MinimizeLatency"},
                                                                   {"minimize_ttft", "MinimizeTTFT"},
                                                                   {"minimize_tpot", "MinimizeTPOT"}};
    const std::string objective = Text(optimization, "optimization", "objective");
    if (!objective.empty()) {
      const auto known = kObjectives.find(objective);
      if (known == kObjectives.end()) {
        return Fail(
            "optimization.objective",
            Quoted(objective) + " is not one of maximize_throughput, minimize_latency, minimize_ttft, minimize_tpot");
      }
      out["objective"] = known->second;
    }
    const double iterations = Number(optimization, "optimization", "max_iterations").value_or(100);
    if (!(iterations >= 1)) return Fail("optimization.max_iterations", "is less than one");
    out["maxExperiments"] = static_cast<int>(std::min(iterations, static_cast<double>(api::kMaxExperiments)));
    if (iterations > static_cast<double>(api::kMaxExperiments)) {
      Note("optimization.max_iterations: " + std::to_string(api::kMaxExperiments) + " is the maximum of a task");
    }
    const double timeout = Number(optimization, "optimization", "timeout_per_iteration").value_or(1800);
    if (!(timeout >= 1 && timeout <= 7 * 24 * 3600)) {
      return Fail("optimization.timeout_per_iteration", "is not between one second and a week");
    }
    const std::string duration =
        api::FormatDuration(std::chrono::seconds(static_cast<std::int64_t>(std::ceil(timeout))));
    out["startupTimeout"] = out["experimentTimeout"] = duration;
    if (optimization.contains("timeout_per_iteration")) {
      Note("optimization.timeout_per_iteration: " + duration +
           " now limit the engine's start and the measurement separately, not together");
    }
    if (const auto seed = Number(optimization, "optimization", "seed")) {
      if (*seed < 0 || *seed > 9e15) return Fail("optimization.seed", "is not a non-negative integer");
      out["seed"] = static_cast<std::int64_t>(*seed);
    }
    for (const char* key : {"n_initial_random", "study_name", "storage"}) {
      if (optimization.contains(key)) {
        Note(std::string("optimization.") + key +
             ": is removed; the status of the task contains the state of the search");
      }
    }
    spec_["optimization"] = std::move(out);
  }

  void ReadBenchmark() {
    const json& benchmark = Object("benchmark");
    if (error_ || !Known(benchmark, "benchmark",
                         {"task", "model_name", "model_tokenizer", "traffic_scenarios", "num_concurrency",
                          "max_time_per_iteration", "max_requests_per_iteration", "additional_params", "dataset_url",
                          "dataset_deduplicate"})) {
      return;
    }
    const std::string task = Text(benchmark, "benchmark", "task");
    if (!task.empty() && task != "text-to-text") {
      return Fail("benchmark.task", Quoted(task) + " is not supported; only text-to-text is");
    }
    json out = json::object();
    const auto list = [&](const char* key, json fallback) {
      const auto found = benchmark.find(key);
      return found == benchmark.end() || found->is_null() ? fallback : AsList(*found);
    };
    out["scenarios"] = json::array();
    for (const json& scenario : list("traffic_scenarios", json::array({"D(100,100)"}))) {
      const std::string text = scenario.is_string() ? scenario.get<std::string>() : scenario.dump();
      if (const auto parsed = measurement::Scenario::Parse(text); !parsed) {
        return Fail("benchmark.traffic_scenarios", parsed.error().message);
      }
      if (std::ranges::find(out["scenarios"], scenario) == out["scenarios"].end()) out["scenarios"].push_back(text);
    }
    std::set<std::int64_t> steps;
    for (const json& step : list("num_concurrency", json::array({1}))) {
      if (!step.is_number_integer()) return Fail("benchmark.num_concurrency", step.dump() + " is not an integer");
      steps.insert(step.get<std::int64_t>());
    }
    out["load"]["concurrency"] = steps;
    // The unit is minutes, whatever its web form said.
    const double minutes = Number(benchmark, "benchmark", "max_time_per_iteration").value_or(10);
    if (!(minutes > 0 && minutes <= 240)) {
      return Fail("benchmark.max_time_per_iteration", "is not between zero and 240 minutes");
    }
    out["duration"] = api::FormatDuration(std::chrono::seconds(static_cast<std::int64_t>(std::ceil(minutes * 60))));
    if (benchmark.contains("max_time_per_iteration")) {
      Note("benchmark.max_time_per_iteration: read as minutes, " + out["duration"].get<std::string>() +
           "; the web form of inference-autotuner called them seconds");
    }
    if (benchmark.contains("max_requests_per_iteration")) {
      Note("benchmark.max_requests_per_iteration: removed, because a load is measured until its result is certain");
    }
    for (const char* key : {"model_name", "model_tokenizer"}) {
      if (benchmark.contains(key))
        Note(std::string("benchmark.") + key + ": not needed, because it is read from the engine");
    }
    if (const json* params = Get(benchmark, "benchmark", "additional_params", json::value_t::object)) {
      for (const auto& [key, value] : params->items()) {
        const bool greedy =
            key == "temperature" && Number(*params, "benchmark.additional_params", "temperature") == 0.0;
        if (!greedy) Note("benchmark.additional_params." + key + ": " + value.dump() + " is removed");
      }
    }
    if (benchmark.contains("dataset_url")) {
      Note(
          "benchmark.dataset_url: put the dataset into a ConfigMap or a volume, and set spec.benchmark.dataset; "
          "until then the load is synthetic, with the lengths in scenarios");
    }
    spec_["benchmark"] = std::move(out);
  }

  void ReadBound(const json& bound, const std::string& path, const char* metric, const std::string& percentile) {
    if (!Known(bound, path, {"threshold", "weight", "hard_fail", "fail_ratio"})) return;
    const auto threshold = Number(bound, path, "threshold");
    if (error_) return;
    if (!threshold || !(*threshold > 0)) return Fail(path + ".threshold", "is not a number of seconds above zero");
    for (const char* key : {"weight", "hard_fail", "fail_ratio"}) weighted_slo_ = weighted_slo_ || bound.contains(key);
    const double milliseconds = *threshold * 1000;
    spec_["slo"][metric][percentile] = api::FormatDecimal(milliseconds, 3) + "ms";
  }

  void ReadSlo() {
    const json& slo = Object("slo");
    if (error_ || slo.empty() || !Known(slo, "slo", {"latency", "ttft", "tpot", "steepness"})) return;
    weighted_slo_ = slo.contains("steepness");
    for (const auto& [key, metric] : {std::pair("latency", "e2eLatency"), {"ttft", "ttft"}, {"tpot", "tpot"}}) {
      const json* bounds = Get(slo, "slo", key, json::value_t::object);
      if (bounds == nullptr) continue;
      const std::string path = std::string("slo.") + key;
      if (bounds->contains("threshold")) {
        // Without a percentile it was compared with the mean.
        ReadBound(*bounds, path, metric, "mean");
        continue;
      }
      for (const auto& [percentile, bound] : bounds->items()) {
        if (percentile != "p50" && percentile != "p90" && percentile != "p99") {
          return Fail(path + "." + percentile, "is not one of p50, p90, p99");
        }
        ReadBound(bound, path + "." + percentile, metric, percentile);
      }
    }
    if (weighted_slo_) {
      Note("slo: a limit is met or missed; steepness, weight, hard_fail and fail_ratio are removed");
    }
  }

  json task_;
  quant::RuleSet rules_;
  const quant::EngineTable* table_ = nullptr;
  quant::Version version_;
  std::string engine_;
  json metadata_ = json::object(), spec_ = json::object();
  std::vector<std::string> notes_;
  bool weighted_slo_ = false;
  std::optional<base::Error> error_;
};

}  // namespace

base::Result<ImportResult> Import(const std::string& text) {
  json task = json::parse(text, nullptr, false);
  if (task.is_discarded()) {
    const bool ours = text.find("kind: AutotuneTask") != std::string::npos;
    return base::Invalid(ours ? "the file is already an AutotuneTask"
                              : "not JSON, the format of task files of inference-autotuner");
  }
  auto rules = quant::RuleSet::BuiltIn();
  if (!rules) return std::move(rules).error();
  return Importer(std::move(task), *std::move(rules)).Run();
}

}  // namespace autotune::cli
