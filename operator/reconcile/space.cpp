#include "operator/reconcile/space.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>

#include "checkpoint/checkpoint.h"
#include "checkpoint/quantization.h"
#include "gpu/product.h"
#include "operator/deploy/image_name.h"
#include "operator/experiment/context_limit.h"
#include "operator/experiment/gpu_labels.h"
#include "operator/experiment/node_affinity.h"
#include "operator/experiment/node_fit.h"
#include "operator/reconcile/answer.h"
#include "operator/reconcile/deployed_baseline.h"
#include "operator/reconcile/gpu_prices.h"
#include "quant/engine_table.h"
#include "quant/memory_need.h"
#include "text/table.h"
#include "tuning/search.h"

namespace autotune::reconcile {
namespace {

using nlohmann::json;

// Newer than every release: asks for the traits of the newest rules.
constexpr quant::Version kNewest{9999, 0, 0, 0};

bool Allowed(const api::GpuSpec& spec, const experiment::NodeView& node, const experiment::GpuInfo& gpu) {
  return !node.unschedulable && node.allocatable.contains(spec.resource_name) && experiment::Admits(spec, gpu) &&
         experiment::MayRunOn(spec, node);
}

bool IsPartition(const api::GpuSpec& spec) { return !experiment::PartitionOfResource(spec.resource_name).empty(); }

bool IsShared(const api::GpuSpec& spec, const GpuChoice& gpu) {
  return gpu.shared || experiment::IsSharedGpu(spec.resource_name, gpu.product);
}

// What the rules are asked about: the GPU that was chosen, else what the resource says of it.
std::string AmdArchitecture(const api::GpuSpec& spec, const GpuChoice& gpu) {
  if (!gpu.amd_architecture.empty() || gpu.capability) return gpu.amd_architecture;
  return experiment::IsAmdResource(spec.resource_name) ? experiment::AmdArchitectureOf(gpu.product) : "";
}

// On AMD GPUs: runtimes whose image is the engine's build for NVIDIA. An image that nobody here knows is the user's.
void WarnOfImagesForNvidia(const api::TaskSpec& spec, const std::vector<tuning::GpuInput>& gpus, Space& space) {
  const std::size_t runtimes = space.runtimes.size() / gpus.size();
  for (std::size_t i = 0; i < space.runtimes.size(); ++i) {
    const ResolvedRuntime& runtime = space.runtimes[i];
    if (runtime.deployed || gpus[runtime.gpu].amd_architecture.empty()) continue;
    const std::string& image = runtime.spec.image;
    const std::string& type = spec.gpus[runtime.gpu].name;
    const std::string path = type.empty() ? "spec.runtimes[" + std::to_string(i % runtimes) + "].image"
                                          : api::GpuPath(spec, runtime.gpu) + ".images." + runtime.spec.name;
    const bool nvidia = deploy::RepositoryOf(image) == deploy::RepositoryOf(runtime.traits.default_image) &&
                        image.find("rocm") == std::string::npos;
    // What cannot run on AMD at all has said so.
    const bool runs = std::ranges::any_of(space.expansion.candidates, [&](const auto& c) { return c.runtime == i; });
    if (!nvidia || !runs) continue;
    space.warnings.push_back({"runtimes." + runtime.spec.name, "ImageIsForNvidia",
                              "image " + image + " is " + runtime.traits.title +
                                  "'s build for NVIDIA GPUs, and the task runs on AMD GPUs: set a ROCm build of " +
                                  runtime.traits.title + " in " + path +
                                  (runtime.traits.rocm_image.empty() ? "" : ", such as " + runtime.traits.rocm_image)});
  }
}

quant::Prompts PromptsOf(const api::BenchmarkSpec& benchmark) {
  if (benchmark.dataset && benchmark.scenarios.empty()) return quant::Prompts::kRecorded;
  const bool shared = benchmark.prefix.tokens > 0 || benchmark.turns.mean > 1;
  return shared ? quant::Prompts::kShared : quant::Prompts::kRandom;
}

// "gpu", with several types "gpus.l40s": what a warning is about.
std::string GpuField(const api::TaskSpec& spec, std::size_t gpu) {
  const std::string& name = spec.gpus[gpu].name;
  return name.empty() ? "gpu" : "gpus." + name;
}

// A number of bytes that lacks its unit: "80" where 80Gi is meant.
void WarnOfBytes(const std::string& field, const std::string& quantity, Space& space) {
  constexpr std::int64_t kLeast = std::int64_t{1024} * 1024;
  const auto bytes = quantity.empty() ? base::Result<std::int64_t>(kLeast) : api::ParseQuantity(quantity, field);
  if (!bytes || *bytes >= kLeast) return;
  space.warnings.push_back({field, "TooFewBytes",
                            quantity + " is " + std::to_string(*bytes) + (*bytes == 1 ? " byte" : " bytes") +
                                ", less than any model requires; add the unit, such as 80Gi"});
}

void WarnOfUnits(const api::TaskSpec& spec, Space& space) {
  for (std::size_t i = 0; i < spec.gpus.size(); ++i)
    WarnOfBytes(GpuField(spec, i) + ".minMemory", spec.gpus[i].min_memory, space);
  for (const ResolvedRuntime& runtime : space.runtimes) {
    if (runtime.gpu > 0) break;
    for (const char* list : {"limits", "requests"}) {
      const auto memory = runtime.spec.resources.find(list) == runtime.spec.resources.end()
                              ? json()
                              : runtime.spec.resources[list].value("memory", json());
      if (memory.is_null()) continue;
      WarnOfBytes("runtimes." + runtime.spec.name + ".resources." + list + ".memory",
                  memory.is_string() ? memory.get<std::string>() : memory.dump(), space);
    }
  }
}

// Only `autotune plan` asks about GPUs that the task's pods would not get.
void WarnOfTheOtherVendor(const api::TaskSpec& spec, std::size_t index, Space& space) {
  const GpuChoice& gpu = space.gpus[index];
  const std::string& resource = spec.gpus[index].resource_name;
  const bool amd = experiment::IsAmdResource(resource);
  if (amd ? !gpu.capability : gpu.amd_architecture.empty()) return;
  space.warnings.push_back({GpuField(spec, index), "GpuOfAnotherVendor",
                            "this is a plan for " + std::string(amd ? "NVIDIA" : "AMD") + " GPUs, but " +
                                api::GpuPath(spec, index) + ".resourceName is " + resource +
                                (amd ? "" : ": with amd.com/gpu the task gets AMD GPUs and images for them")});
}

// A product that neither the catalogue nor a node has: new, or mistyped.
void WarnOfUnknownProducts(const api::TaskSpec& spec, Space& space) {
  for (std::size_t i = 0; i < spec.gpus.size(); ++i) {
    if (!space.gpus[i].product.empty()) continue;
    for (const std::string& product : spec.gpus[i].products) {
      const std::string unknown = UnknownProductText(product);
      if (unknown.empty()) continue;
      space.warnings.push_back({GpuField(spec, i) + ".products", "UnknownGpuProduct",
                                unknown + (unknown.ends_with('?') ? " " : ": ") +
                                    "Pods select nodes that have exactly this value as the label of their GPU"});
    }
  }
}

void WarnOfSharedGpus(const api::TaskSpec& spec, Space& space) {
  for (std::size_t i = 0; i < spec.gpus.size(); ++i) {
    const std::string& resource = spec.gpus[i].resource_name;
    if (!IsShared(spec.gpus[i], space.gpus[i])) continue;
    space.warnings.push_back({GpuField(spec, i), "GpuIsShared",
                              (space.gpus[i].product.empty() ? resource : space.gpus[i].product) +
                                  " is a share of a card that other pods use at the same time: measured values depend "
                                  "on what these do, and nothing is predicted"});
  }
}

// The name is the product's, else the resource's.
void WarnOfSeveralParts(const api::TaskSpec& spec, Space& space) {
  for (std::size_t i = 0; i < spec.gpus.size(); ++i) {
    int most = 1;
    for (const tuning::Candidate& candidate : space.expansion.candidates) {
      if (candidate.gpu == i) most = std::max(most, candidate.plan.gpus);
    }
    gpu::NameParts parts = gpu::SplitName(space.gpus[i].product);
    if (parts.partition.empty()) parts.partition = experiment::PartitionOfResource(spec.gpus[i].resource_name);
    if (most > 1 && !parts.partition.empty())
      space.warnings.push_back({GpuField(spec, i), "GpuIsPartition", experiment::SeveralPartsText(most, parts)});
  }
}

// NVML reports no memory where CPU and GPU share it, and labellers then write no label.
void WarnOfUnknownMemory(const api::TaskSpec& spec, Space& space) {
  for (std::size_t i = 0; i < spec.gpus.size(); ++i) {
    const GpuChoice& gpu = space.gpus[i];
    const std::string doubt = quant::MemoryDoubt(gpu.product, gpu.capability, gpu.amd_architecture, gpu.memory_bytes);
    if (!doubt.empty()) space.warnings.push_back({GpuField(spec, i), "GpuMemoryNotKnown", doubt});
  }
}

// The checkpoint's note, where nothing of the fit is checked.
std::string NoteOf(const std::string& note, const checkpoint::ModelFacts& facts, const Space& space) {
  if (note != checkpoint::kWeightsNotKnown) return note;
  const bool checked = quant::LeastWeightBytes(facts) > 0 &&
                       std::ranges::any_of(space.gpus, [](const GpuChoice& gpu) { return gpu.memory_bytes > 0; });
  return checked ? note : "the size of the weights is not known; whether they fit is not checked";
}

// Two types that turned out to be the same GPUs: their difference is their nodes', or none.
void WarnOfTheSameGpus(const api::TaskSpec& spec, Space& space) {
  for (std::size_t i = 0; i < space.gpus.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (space.gpus[i].product.empty() || space.gpus[i].product != space.gpus[j].product) continue;
      if (spec.gpus[i].resource_name != spec.gpus[j].resource_name) continue;
      space.warnings.push_back({GpuField(spec, i), "SameGpuProduct",
                                "is " + space.gpus[i].product + ", as " + api::GpuTitle(spec, j) +
                                    " is: every configuration is measured on both"});
    }
  }
}

// The GPUs of the container that is deployed, and those that its arguments use.
void WarnOfDeployedGpus(const api::TaskSpec& spec, const std::optional<tuning::NamedBaseline>& baseline, Space& space) {
  if (!baseline || baseline->gpus == 0) return;
  for (const tuning::Candidate& candidate : space.expansion.candidates) {
    const int used = candidate.plan.gpus - candidate.idle_gpus;
    if (!candidate.deployed || used == baseline->gpus) continue;
    space.warnings.push_back({"optimization.baseline.deploymentRef", "DeployedGpusDiffer",
                              "the container has " + std::to_string(baseline->gpus) + " " +
                                  spec.gpus[candidate.gpu].resource_name + ", and its arguments use " +
                                  std::to_string(used) + ": the baseline runs with " +
                                  std::to_string(candidate.plan.gpus) +
                                  (candidate.idle_gpus > 0 ? ", and its throughput is per GPU of all of them" : "")});
  }
}

// A type of several on which nothing can run is a mistake, and told before the others are measured.
base::Status CheckEveryGpuIsUsed(const api::TaskSpec& spec, const Space& space) {
  if (spec.gpus.size() == 1) return {};
  for (std::size_t i = 0; i < spec.gpus.size(); ++i) {
    const auto on_it = [&](const tuning::Candidate& candidate) { return candidate.gpu == i; };
    if (std::ranges::any_of(space.expansion.candidates, on_it)) continue;
    // The most frequent reason.
    std::map<std::string, std::pair<int, const tuning::Pruned*>> reasons;
    for (const tuning::Pruned& pruned : space.expansion.pruned) {
      if (pruned.gpu != spec.gpus[i].name) continue;
      auto& [count, example] = reasons[pruned.rejection.reason];
      ++count;
      if (example == nullptr) example = &pruned;
    }
    const auto most =
        std::ranges::max_element(reasons, [](const auto& a, const auto& b) { return a.second.first < b.second.first; });
    if (most == reasons.end()) continue;  // duplicates of another type's
    const tuning::Pruned& example = *most->second.second;
    return base::Invalid(api::GpuTitle(spec, i) + ": no configuration of the task can run on it: " + example.runtime +
                         " + " + api::ConfigurationName(example.model, example.quant.name, "") + ": " +
                         example.rejection.message + "; remove the entry, or add a configuration that it can run");
  }
  return {};
}

// A parameter that no runtime of the task has is a mistake, too: without this only the baseline would be measured.
base::Status CheckEveryParameterIsKnown(const api::TaskSpec& spec, const Space& space) {
  if (space.expansion.candidates.empty()) return {};  // told with all reasons where the task ends
  for (const auto& parameter : spec.parameters) {
    const std::string& name = parameter.first;
    const auto has = [&](const auto& one) { return one.parameters.contains(name); };
    if (std::ranges::any_of(space.expansion.candidates, has)) continue;
    const quant::Rejection* unknown = nullptr;
    bool other = false;
    for (const tuning::Pruned& pruned : space.expansion.pruned) {
      if (!has(pruned)) continue;
      if (pruned.rejection.reason == "UnknownFlag" && pruned.rejection.field == "parameters." + name)
        unknown = &pruned.rejection;
      else
        other = true;
    }
    if (unknown != nullptr && !other) return base::Invalid("spec." + unknown->field + ": " + unknown->message);
  }
  return {};
}

}  // namespace

std::vector<GpuChoice> GpuChoices(const api::GpuSpec& spec, const std::vector<experiment::NodeView>& nodes) {
  struct Pool {
    std::int64_t gpus = 0;
    experiment::GpuInfo info;
  };
  std::map<std::string, Pool> pools;
  for (const experiment::NodeView& node : nodes) {
    const experiment::GpuInfo gpu = experiment::GpuOfNode(node, spec.resource_name);
    const bool known = !gpu.product.empty() || (IsPartition(spec) && (gpu.memory_bytes > 0 || gpu.capability));
    if (!known || !Allowed(spec, node, gpu)) continue;
    const auto [at, first] = pools.try_emplace(gpu.product);
    Pool& pool = at->second;
    pool.gpus += node.allocatable.at(spec.resource_name);
    const bool shared = pool.info.shared || gpu.shared;
    const experiment::GpuInfo before = std::exchange(pool.info, gpu);
    pool.info.shared = shared;
    if (first) continue;
    // A labelled product whose memory one node does not tell has that of the others.
    if (gpu.product.empty() || (before.memory_bytes > 0 && gpu.memory_bytes > 0)) {
      pool.info.memory_bytes = std::min(before.memory_bytes, gpu.memory_bytes);
    } else {
      pool.info.memory_bytes = std::max(before.memory_bytes, gpu.memory_bytes);
    }
    if (!gpu.product.empty()) continue;
    if (before.capability != gpu.capability) pool.info.capability.reset();
  }
  std::vector<std::pair<std::int64_t, GpuChoice>> counted;
  for (const auto& [product, pool] : pools)
    counted.push_back(
        {pool.gpus,
         {product, pool.info.capability, pool.info.memory_bytes, pool.info.amd_architecture, pool.info.shared}});
  // Stable: the map is ordered by name.
  std::stable_sort(counted.begin(), counted.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<GpuChoice> choices;
  for (auto& [gpus, choice] : counted) choices.push_back(std::move(choice));
  return choices;
}

bool StillAllowed(const api::GpuSpec& spec, const GpuChoice& chosen, const std::vector<experiment::NodeView>& nodes) {
  const bool amd = experiment::IsAmdResource(spec.resource_name);
  const bool known_amd = experiment::AmdProductOf(chosen.product) != nullptr;
  if (amd ? chosen.capability.has_value() : known_amd) return false;
  if (!experiment::Admits(spec, {chosen.product, chosen.memory_bytes, chosen.capability, chosen.amd_architecture})) {
    return false;
  }
  bool selected = false, left_out = false;
  for (const experiment::NodeView& node : nodes) {
    if (experiment::GpuOfNode(node, spec.resource_name).product != chosen.product) continue;
    (experiment::SelectsNode(spec, node) ? selected : left_out) = true;
  }
  return selected || !left_out;
}

bool HasNodeBesides(const api::GpuSpec& spec, const std::string& product,
                    const std::vector<experiment::NodeView>& nodes, const std::string& name) {
  return std::ranges::any_of(NodesFor(spec, product, nodes), [&](const auto* node) { return node->name != name; });
}

std::vector<const experiment::NodeView*> NodesFor(const api::GpuSpec& spec, const std::string& product,
                                                  const std::vector<experiment::NodeView>& nodes) {
  std::vector<const experiment::NodeView*> out;
  for (const experiment::NodeView& node : nodes) {
    const experiment::GpuInfo gpu = experiment::GpuOfNode(node, spec.resource_name);
    if ((product.empty() || gpu.product == product) && Allowed(spec, node, gpu)) out.push_back(&node);
  }
  return out;
}

std::string IdentityOf(const api::RuntimeSpec& runtime) {
  return json{{"engine", runtime.engine},       {"image", runtime.image},
              {"command", runtime.command},     {"env", runtime.env},
              {"resources", runtime.resources}, {"securityContext", runtime.security_context}}
      .dump();
}

namespace {

// What decides on which nodes the pods of a type run.
auto Selection(const api::GpuSpec& gpu) {
  return std::tie(gpu.resource_name, gpu.products, gpu.min_memory, gpu.min_compute_capability, gpu.node_selector,
                  gpu.affinity);
}

base::Status CheckTypesDiffer(const api::TaskSpec& spec) {
  for (std::size_t i = 0; i < spec.gpus.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (Selection(spec.gpus[i]) != Selection(spec.gpus[j])) continue;
      return base::Invalid(api::GpuTitle(spec, i) + ": selects the same GPUs as " + api::GpuTitle(spec, j) +
                           "; set products, nodeSelector or another field that tells them apart");
    }
  }
  return {};
}

// Images of types of GPU: of runtimes that exist, and none for two vendors.
base::Status CheckImages(const api::TaskSpec& spec) {
  std::vector<std::string> names = {spec.base_runtime};
  if (!spec.runtimes.empty()) names.clear();
  for (const api::RuntimeSpec& runtime : spec.runtimes) names.push_back(runtime.name);
  for (std::size_t i = 0; i < spec.gpus.size(); ++i) {
    for (const auto& [runtime, image] : spec.gpus[i].images) {
      if (std::ranges::find(names, runtime) != names.end()) continue;
      return base::Invalid(api::GpuPath(spec, i) + ".images." + runtime + ": the task has no runtime \"" + runtime +
                           "\"; it has " + text::Joined(names, ", "));
    }
  }
  for (std::size_t i = 0; i < spec.runtimes.size(); ++i) {
    if (spec.runtimes[i].image.empty()) continue;
    std::optional<std::size_t> nvidia, amd;  // types that would use it
    for (std::size_t gpu = 0; gpu < spec.gpus.size(); ++gpu) {
      if (spec.gpus[gpu].images.contains(spec.runtimes[i].name)) continue;
      (experiment::IsAmdResource(spec.gpus[gpu].resource_name) ? amd : nvidia) = gpu;
    }
    if (!nvidia || !amd) continue;
    return base::Invalid("spec.runtimes[" + std::to_string(i) + "].image: " + spec.runtimes[i].image +
                         " cannot be for NVIDIA and for AMD GPUs; set the other one's in " + api::GpuPath(spec, *amd) +
                         ".images." + spec.runtimes[i].name + " or " + api::GpuPath(spec, *nvidia) + ".images." +
                         spec.runtimes[i].name);
  }
  return {};
}

}  // namespace

base::Result<std::vector<ResolvedRuntime>> ResolveRuntimes(const api::TaskSpec& spec, const quant::RuleSet& rules) {
  if (const auto differ = CheckTypesDiffer(spec); !differ) return differ.error();
  if (const auto checked = CheckImages(spec); !checked) return checked.error();
  std::vector<api::RuntimeSpec> wanted = spec.runtimes;
  const bool from_base = wanted.empty();
  if (from_base) {
    api::RuntimeSpec runtime;
    runtime.name = spec.base_runtime;
    runtime.engine = spec.base_runtime;
    wanted.push_back(std::move(runtime));
  }
  std::vector<ResolvedRuntime> resolved;
  for (std::size_t place = 0; place < wanted.size() * spec.gpus.size(); ++place) {
    const std::size_t i = place % wanted.size(), gpu = place / wanted.size();
    const std::string path = from_base ? "spec.baseRuntime" : "spec.runtimes[" + std::to_string(i) + "]";
    api::RuntimeSpec runtime = wanted[i];
    runtime.image = NamedImage(spec, wanted[i], gpu);
    const auto newest = rules.Traits(runtime.engine, kNewest);
    if (!newest) return base::Invalid(path + (from_base ? ": " : ".engine: ") + newest.error().message);
    const bool rocm = experiment::IsAmdResource(spec.gpus[gpu].resource_name) && !newest->rocm_image.empty();
    if (runtime.image.empty()) runtime.image = rocm ? newest->rocm_image : newest->default_image;
    auto release = rules.Resolve(runtime.engine, runtime.image, runtime.version);
    if (!release) return base::Invalid(path + ".version: " + release.error().message);
    auto traits = rules.Traits(runtime.engine, release->version);
    if (!traits) return base::Invalid(path + ".version: " + traits.error().message);
    resolved.push_back({gpu, std::move(runtime), std::move(*traits), std::move(*release)});
  }
  if (auto deployed = DeployedRuntime(spec, resolved, rules)) {
    const std::string& name = deployed->spec.name;
    if (std::ranges::any_of(wanted, [&](const api::RuntimeSpec& runtime) { return runtime.name == name; })) {
      return base::Invalid("spec.runtimes: the name " + name +
                           " is that of the image that is deployed; give the runtime another name");
    }
    resolved.push_back(*std::move(deployed));
  }
  return resolved;
}

const ResolvedRuntime* RuntimeOf(const std::vector<ResolvedRuntime>& runtimes, const api::TaskSpec& spec,
                                 const api::ExperimentStatus& experiment) {
  const auto gpu = api::FindGpu(spec, experiment.gpu);
  const auto found = std::ranges::find_if(runtimes, [&](const ResolvedRuntime& runtime) {
    return runtime.spec.name == experiment.runtime && runtime.gpu == gpu;
  });
  return found == runtimes.end() ? nullptr : &*found;
}

const std::string& NamedImage(const api::TaskSpec& spec, const api::RuntimeSpec& runtime, std::size_t gpu) {
  const auto& images = spec.gpus[gpu].images;
  const auto own = images.find(runtime.name);
  return own == images.end() ? runtime.image : own->second;
}

base::Result<std::optional<checkpoint::ModelFacts>> InlineFacts(const api::TaskSpec& spec, std::size_t model) {
  const api::ModelSpec& own = spec.models[model];
  const std::string path = api::ModelPath(spec, model);
  if (!own.facts.is_object() || own.facts.empty()) return std::optional<checkpoint::ModelFacts>();
  auto facts = checkpoint::FactsOfConfig(own.facts, path + ".facts");
  if (!facts) return facts.error();
  if (!own.quantization.empty()) {
    const base::Status status = checkpoint::OverrideQuantization(*facts, own.quantization);
    if (!status) return base::Invalid(path + ".quantization: " + status.error().message);
  }
  return std::optional(std::move(*facts));
}

namespace {

// Requests that no experiment could serve.
base::Status CheckLengths(const api::TaskSpec& spec, std::size_t model, const Space& space) {
  auto measured = experiment::BenchSpecOf(spec);
  if (!measured) return {};  // said elsewhere
  measured->max_model_len = experiment::ContextLimitOf(spec).With(space.models[model].facts);
  const auto fits = bench::CheckBenchSpec(*measured);
  if (fits) return {};
  const std::string& name = spec.models[model].name;
  return base::Invalid((name.empty() ? "" : api::ModelTitle(spec, model) + ": ") +
                       experiment::BenchmarkPath(fits.error().message));
}

// How many entries vocabularies of one model differ by at most: checkpoints pad theirs and add tokens for chats.
constexpr std::int64_t kAddedTokens = 1024;

// By what a checkpoint is one of another model than the reference; "" = nothing that both say.
std::string DifferenceOf(const checkpoint::ModelFacts& reference, const checkpoint::ModelFacts& model) {
  const auto differ = [](const char* what, const std::string& there, const std::string& here) {
    return std::string(what) + " is " + here + ", not " + there;
  };
  const bool types = !reference.model_type.empty() && !model.model_type.empty();
  if (types && reference.model_type != model.model_type) {
    return differ("its type", reference.model_type, model.model_type);
  }
  if (!types && !reference.architecture.empty() && !model.architecture.empty() &&
      reference.architecture != model.architecture) {
    return differ("its architecture", reference.architecture, model.architecture);
  }
  const auto size = [&](const char* what, const checkpoint::Size& there, const checkpoint::Size& here,
                        std::int64_t most = 0) {
    const bool same = !there || !here || std::abs(*there - *here) <= most;
    return same ? "" : differ(what, std::to_string(*there), std::to_string(*here));
  };
  using Facts = checkpoint::ModelFacts;
  // Not the width of the MLP: quantized checkpoints pad it to whole groups.
  constexpr std::pair<const char*, checkpoint::Size Facts::*> kSizes[] = {
      {"its number of layers", &Facts::layers},
      {"its hidden size", &Facts::hidden_size},
      {"its number of attention heads", &Facts::attention_heads},
      {"its number of KV heads", &Facts::kv_heads},
      {"the size of its heads", &Facts::head_dim},
      {"its number of experts", &Facts::experts}};
  for (const auto& [what, member] : kSizes) {
    if (std::string text = size(what, reference.*member, model.*member); !text.empty()) return text;
  }
  return size("the size of its vocabulary", reference.vocab_size, model.vocab_size, kAddedTokens);
}

base::Status CheckSameModel(const api::TaskSpec& spec, Space& space) {
  const std::size_t reference = api::ReferenceModel(spec);
  const checkpoint::ModelFacts& there = space.models[reference].facts;
  for (std::size_t i = 0; i < space.models.size(); ++i) {
    const checkpoint::ModelFacts& here = space.models[i].facts;
    if (const std::string difference = DifferenceOf(there, here); !difference.empty()) {
      return base::Invalid(api::ModelTitle(spec, i) + ": is not a checkpoint of the same model as " +
                           api::ModelTitle(spec, reference) + ": " + difference);
    }
    for (std::size_t j = 0; j < i; ++j) {
      const bool same = spec.models[i].id_or_path == spec.models[j].id_or_path && !here.commit.empty() &&
                        here.commit == space.models[j].facts.commit;
      if (!same) continue;
      return base::Invalid(api::ModelTitle(spec, i) + ": is the same checkpoint as " + api::ModelTitle(spec, j) +
                           ": both revisions are commit " + here.commit);
    }
    if (there.vocab_size && here.vocab_size && *there.vocab_size != *here.vocab_size) {
      space.warnings.push_back({"models." + spec.models[i].name, "VocabulariesDiffer",
                                "its vocabulary has " + std::to_string(*here.vocab_size) + " entries, that of " +
                                    spec.models[reference].name + " " + std::to_string(*there.vocab_size)});
    }
    if (there.max_position && here.max_position && *there.max_position != *here.max_position) {
      space.warnings.push_back(
          {"models." + spec.models[i].name, "ContextLengthsDiffer",
           "has " + std::to_string(*here.max_position) + " positions, and " + spec.models[reference].name + " " +
               std::to_string(*there.max_position) +
               ": engines reserve memory for another longest request unless max-model-len is set"});
    }
  }
  return {};
}

std::vector<tuning::ModelInput> ModelInputs(const api::TaskSpec& spec, const Space& space) {
  std::vector<tuning::ModelInput> inputs;
  for (std::size_t i = 0; i < space.models.size(); ++i) {
    const api::ModelSpec& own = spec.models[i];
    tuning::ModelInput input{own.name, space.models[i].facts, "", {}};
    for (std::size_t gpu = 0; gpu < spec.gpus.size(); ++gpu) {
      input.contexts.push_back(experiment::HashedContext(spec, i, gpu));
    }
    // A directory has no revisions.
    const bool from_hub = !own.volume.is_object() && !own.id_or_path.starts_with('/');
    if (from_hub) input.revision = own.OwnRevision();
    inputs.push_back(std::move(input));
  }
  return inputs;
}

}  // namespace

base::Result<Space> BuildSpace(const api::TaskSpec& spec, const std::vector<checkpoint::ModelFacts>& models,
                               const std::vector<GpuChoice>& gpus, const quant::RuleSet& rules,
                               const experiment::PodEnvironment& environment) {
  if (models.size() != spec.models.size()) return base::Invalid("spec.models: not all checkpoints were inspected");
  Space space;
  for (std::size_t i = 0; i < models.size(); ++i) space.models.push_back({spec.models[i].name, models[i]});
  space.gpus = gpus;
  space.gpus.resize(spec.gpus.size());
  for (const api::GpuSpec& gpu : spec.gpus) space.gpu_names.push_back(gpu.name);
  if (!rules.refusal().empty()) {
    space.warnings.push_back(
        {"rules", "RuleTablesRefused",
         "the built-in compatibility tables are used, because the mounted ones are invalid: " + rules.refusal()});
  }
  auto runtimes = ResolveRuntimes(spec, rules);
  if (!runtimes) return std::move(runtimes).error();
  space.runtimes = std::move(*runtimes);

  std::vector<quant::EngineTraits> traits;
  for (const ResolvedRuntime& runtime : space.runtimes) {
    if (runtime.gpu == 0 && !runtime.deployed) traits.push_back(runtime.traits);
  }
  if (const auto checked = experiment::CheckPodInputs(spec, traits, environment); !checked) return checked.error();

  if (const auto same = CheckSameModel(spec, space); !same) return same.error();
  for (std::size_t i = 0; i < models.size(); ++i) {
    if (const auto fits = CheckLengths(spec, i, space); !fits) return fits.error();
  }

  auto quants = quant::ExpandPresets(spec.quant);
  if (!quants) return std::move(quants).error();

  tuning::SpaceInput input;
  if (spec.optimization.budget_gpu_hours && !IsAdaptive(spec)) {
    space.warnings.push_back(
        {"optimization.budget.gpuHours", "BudgetNotKept",
         "has an effect only with strategy Adaptive; every experiment of this strategy runs, up to "
         "maxExperiments, and budget.deadline ends them"});
  }
  std::ptrdiff_t place = 0;
  for (const ResolvedRuntime& runtime : space.runtimes) {
    if (runtime.gpu > 0 || runtime.traits.prompt_logprobs || !spec.quality.dataset) continue;
    space.warnings.push_back({"quality.dataset", kChoicesNotCompared,
                              runtime.spec.name + " reports no log-probabilities of a prompt: there is no result for "
                                                  "questions by choices, only for those with a reference"});
  }
  for (const ResolvedRuntime& runtime : space.runtimes) {
    const api::RuntimeSpec& own = runtime.spec;
    tuning::RuntimeInput one{own.name, runtime.release, own.args, IdentityOf(own), runtime.gpu, runtime.deployed};
    input.runtimes.push_back(std::move(one));
    // What was said of an image is not repeated for another type, or for what is deployed.
    const std::string name = api::WithoutDeployed(own.name);
    const bool told = std::any_of(space.runtimes.begin(), space.runtimes.begin() + place, [&](const auto& earlier) {
      return (earlier.spec.name == own.name || (runtime.deployed && earlier.spec.name == name)) &&
             earlier.spec.image == own.image;
    });
    ++place;
    if (told) continue;
    for (const json& variable : own.env) {
      const std::string why = rules.Find(own.engine)->WhyIgnored(variable.value("name", ""), runtime.release.version);
      if (!why.empty()) space.warnings.push_back({"runtimes." + own.name + ".env", "VariableNotRead", why});
    }
    if (!own.command.empty() && std::ranges::none_of(own.command, [](const std::string& word) {
          return word.find("{model}") != std::string::npos;
        })) {
      space.warnings.push_back(
          {"runtimes." + own.name + ".command", "CommandNamesNoModel",
           "does not contain {model}, so it is not known whether it serves " + spec.models.front().id_or_path});
    }
    if (!runtime.release.assumption.empty()) {
      space.warnings.push_back({"runtimes." + own.name, "UnknownEngineVersion", runtime.release.assumption});
    }
  }
  input.quants = std::move(*quants);
  if (const auto measured = experiment::BenchSpecOf(spec)) {
    for (const measurement::Scenario& scenario : measured->scenarios) {
      input.longest_request =
          std::max(input.longest_request, std::int64_t{scenario.input.Max()} + scenario.output.Max());
    }
  }
  input.parameters = spec.parameters;
  input.tensor_parallel = spec.tensor_parallel;
  input.pipeline_parallel = spec.pipeline_parallel;
  input.data_parallel = spec.data_parallel;
  input.expert_parallel = spec.expert_parallel;
  if (const auto& baseline = spec.optimization.baseline) {
    const auto named = [&](const ResolvedRuntime& runtime) {
      return !runtime.deployed && runtime.spec.name == baseline->runtime;
    };
    if (!baseline->runtime.empty() && std::ranges::none_of(space.runtimes, named)) {
      return base::Invalid("spec.optimization.baseline.runtime: there is no runtime \"" + baseline->runtime + "\"");
    }
    if (!baseline->gpu.empty() && !api::FindGpu(spec, baseline->gpu)) {
      return base::Invalid("spec.optimization.baseline.gpu: there is no entry \"" + baseline->gpu + "\" in spec.gpus");
    }
    const bool only_gpu = baseline->runtime.empty() && baseline->preset.empty() && baseline->parameters.empty();
    if (baseline->IsDeployed() || !only_gpu) input.baseline = tuning::NamedBaseline{};
    if (baseline->IsDeployed()) {
      auto deployed = DeployedBaseline(spec, space.runtimes, rules, space.warnings);
      if (!deployed) return deployed.error();
      input.baseline = *std::move(deployed);
    } else if (!only_gpu) {
      input.baseline->runtime = baseline->runtime;
      input.baseline->parameters = baseline->parameters;
      if (!baseline->preset.empty()) input.baseline->quant = *quant::FindPreset(baseline->preset);
    }
  }
  input.models = ModelInputs(spec, space);
  input.reference = api::ReferenceModel(spec);
  input.gpus.clear();
  for (std::size_t i = 0; i < spec.gpus.size(); ++i) {
    const GpuChoice& gpu = space.gpus[i];
    input.gpus.push_back({spec.gpus[i].name, gpu.capability, gpu.memory_bytes, AmdArchitecture(spec.gpus[i], gpu),
                          IsShared(spec.gpus[i], gpu), gpu::IsUpperBound(gpu.product, gpu.memory_bytes)});
  }
  input.baseline_gpu = api::BaselineGpu(spec);
  input.prompts = PromptsOf(spec.benchmark);
  auto expansion = tuning::ExpandCandidates(rules, input);
  if (!expansion) return std::move(expansion).error();
  space.expansion = std::move(*expansion);
  WarnOfDeployedGpus(spec, input.baseline, space);
  if (const auto used = CheckEveryGpuIsUsed(spec, space); !used) return used.error();
  if (const auto known = CheckEveryParameterIsKnown(spec, space); !known) return known.error();
  WarnOfImagesForNvidia(spec, input.gpus, space);
  for (std::size_t i = 0; i < spec.gpus.size(); ++i) WarnOfTheOtherVendor(spec, i, space);
  WarnOfTheSameGpus(spec, space);
  WarnOfUnknownProducts(spec, space);
  WarnOfSharedGpus(spec, space);
  WarnOfSeveralParts(spec, space);
  WarnOfUnknownMemory(spec, space);
  WarnOfUnits(spec, space);

  for (std::size_t i = 0; i < models.size(); ++i) {
    const std::string& name = spec.models[i].name;
    const std::string field = name.empty() ? "model" : "models." + name;
    for (const std::string& note : models[i].notes)
      space.warnings.push_back({field, "ModelNote", NoteOf(note, models[i], space)});
  }
  const bool random = spec.optimization.strategy == api::Strategy::kRandom;
  space.schedule = tuning::Schedule(space.expansion.candidates, random ? tuning::Order::kRandom : tuning::Order::kGrid,
                                    static_cast<std::uint64_t>(spec.optimization.seed),
                                    IsAdaptive(spec) ? space.expansion.candidates.size()
                                                     : static_cast<std::size_t>(spec.optimization.max_experiments));
  return space;
}

bool IsAdaptive(const api::TaskSpec& spec) {
  return spec.optimization.strategy.value_or(api::Strategy::kAdaptive) == api::Strategy::kAdaptive;
}

GpuChoice ChooseGpu(const api::TaskSpec& spec, std::size_t gpu, const std::vector<checkpoint::ModelFacts>& models,
                    const std::vector<GpuChoice>& choices, const quant::RuleSet& rules,
                    const experiment::PodEnvironment& environment) {
  if (choices.empty()) return {};
  const GpuChoice* best = &choices.front();
  if (choices.size() == 1) return *best;
  std::size_t most = 0;
  api::TaskSpec only = spec;
  only.gpus = {spec.gpus[gpu]};
  if (only.optimization.baseline) only.optimization.baseline->gpu.clear();
  for (const GpuChoice& choice : choices) {
    const auto space = BuildSpace(only, models, {choice}, rules, environment);
    if (!space) break;  // the spec is wrong, whatever the GPU: expanding it says how
    // Combinations and not candidates: on some GPUs more of them run the same.
    const std::size_t runnable = static_cast<std::size_t>(space->expansion.total) - space->expansion.pruned.size();
    if (runnable <= most) continue;
    most = runnable;
    best = &choice;
  }
  return *best;
}

experiment::Experiment ExperimentOf(const Space& space, const tuning::Candidate& candidate, int attempt) {
  const ResolvedRuntime& runtime = space.runtimes[candidate.runtime];
  return {candidate.hash, attempt, candidate.model, candidate.gpu, runtime.spec, runtime.traits, candidate.plan};
}

experiment::Placement PlacementOf(const Space& space, std::size_t gpu) {
  experiment::Placement placement;
  placement.pinned_product = space.gpus[gpu].product;
  placement.nodes_are_labelled = !placement.pinned_product.empty();
  for (const std::size_t index : space.schedule) {
    if (space.expansion.candidates[index].gpu != gpu) continue;
    const auto& needed = space.expansion.candidates[index].plan.min_capability;
    if (needed && (!placement.min_capability || *placement.min_capability < *needed)) placement.min_capability = needed;
  }
  return placement;
}

std::string MissingPrice(const api::TaskSpec& spec, const api::TaskStatus& status) {
  if (spec.optimization.objective != api::Objective::kMinimizeCost) return "";
  for (std::size_t i = 0; i < spec.gpus.size(); ++i) {
    const std::optional<double> price = PricePerHour(spec, status, spec.gpus[i].name);
    if (price == 0)
      return api::GpuPath(spec, i) + ".pricePerHour: must be more than 0, because MinimizeCost compares prices";
    if (price || spec.gpus.size() == 1) continue;
    return api::GpuPath(spec, i) +
           ".pricePerHour: is required, because MinimizeCost compares types of GPU by price and " + spec.gpus[i].name +
           " has none; the operator's prices can also name its product";
  }
  return "";
}

}  // namespace autotune::reconcile
