#include "tuning/candidate.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/sha256.h"

namespace autotune::tuning {
namespace {

// What an engine replaces in a duplicate's values.
std::string WhyTheSame(const quant::LaunchPlan& plan) {
  std::string why;
  for (const quant::Warning& warning : plan.warnings) {
    if (warning.reason == "ValueOverwritten") why += (why.empty() ? "" : "; ") + warning.message;
  }
  return why;
}

// Length-prefixed, so that no two different configurations have the same text.
void Append(std::string& text, std::string_view part) {
  text += std::to_string(part.size());
  text += ':';
  text += part;
}

std::string ContentHash(const quant::LaunchPlan& plan, const RuntimeInput& runtime, std::string_view context) {
  std::string text;
  Append(text, runtime.release.engine);
  Append(text, runtime.identity);
  Append(text, context);
  Append(text, plan.distinct_yaml);
  text += std::to_string(plan.distinct_args.size()) + ';';
  for (const std::string& arg : plan.distinct_args) Append(text, arg);
  for (const auto& [name, value] : plan.env) {
    Append(text, name);
    Append(text, value);
  }
  return base::Sha256Hex(text).substr(0, 16);
}

// One axis of the product: `size` values, the chosen one written into a launch request.
struct Axis {
  std::size_t size = 1;
  const std::string* parameter = nullptr;
  const std::vector<quant::FlagValue>* values = nullptr;
  std::optional<int> quant::ParallelSizes::*parallel = nullptr;
  const std::vector<int>* sizes = nullptr;

  void Choose(std::size_t index, quant::LaunchRequest& request) const {
    if (parameter != nullptr) {
      request.parameters[*parameter] = (*values)[index];
    } else {
      request.parallel.*parallel = (*sizes)[index];
    }
  }
};

std::vector<Axis> AxesOf(const SpaceInput& input) {
  std::vector<Axis> axes;
  const auto add = [&axes](std::optional<int> quant::ParallelSizes::*member, const std::vector<int>& sizes) {
    if (!sizes.empty()) axes.push_back({sizes.size(), nullptr, nullptr, member, &sizes});
  };
  add(&quant::ParallelSizes::tensor, input.tensor_parallel);
  add(&quant::ParallelSizes::pipeline, input.pipeline_parallel);
  add(&quant::ParallelSizes::data, input.data_parallel);
  add(&quant::ParallelSizes::expert, input.expert_parallel);
  for (const auto& [name, values] : input.parameters) axes.push_back({values.size(), &name, &values, nullptr, nullptr});
  return axes;
}

std::size_t SearchedRuntimes(const SpaceInput& input) {
  return static_cast<std::size_t>(
      std::ranges::count_if(input.runtimes, [](const RuntimeInput& runtime) { return !runtime.only_deployed; }));
}

// "3 runtimes x 5 quantization configurations x 400 values of parameters.max-num-seqs": what to make smaller.
std::string ProductText(const SpaceInput& input, std::size_t quants, const std::vector<Axis>& axes) {
  std::string text = input.models.size() == 1 ? "" : std::to_string(input.models.size()) + " models x ";
  if (input.gpus.size() > 1) text += std::to_string(input.gpus.size()) + " GPU types x ";
  text += std::to_string(SearchedRuntimes(input) / input.gpus.size()) + " runtimes x " + std::to_string(quants) +
          " quantization configurations";
  for (const Axis& axis : axes) {
    if (axis.size == 1) continue;
    text += " x " + std::to_string(axis.size) + " values of ";
    text += axis.parameter != nullptr ? "parameters." + *axis.parameter : "parallelConfig";
  }
  return text;
}

class Expander {
 public:
  Expander(const quant::RuleSet& rules, const SpaceInput& input) : rules_(rules), input_(input), axes_(AxesOf(input)) {}

  base::Result<Expansion> Run() {
    for (const auto& [name, values] : input_.parameters) {
      if (values.empty()) return base::Invalid("spec.parameters." + name + ": has no values");
    }
    if (const base::Status status = CheckSize(); !status) return status.error();

    const quant::QuantConfig& default_quant = *quant::FindPreset("default");
    const auto asked = std::find_if(input_.quants.begin(), input_.quants.end(),
                                    [&](const quant::QuantConfig& quant) { return quant.SameValues(default_quant); });
    const quant::QuantConfig& baseline = asked == input_.quants.end() ? default_quant : *asked;

    // The reference first: with one checkpoint that is the order of all others.
    std::vector<std::size_t> models = {input_.reference};
    for (std::size_t model = 0; model < input_.models.size(); ++model) {
      if (model != input_.reference) models.push_back(model);
    }
    for (const std::size_t model : models) {
      for (std::size_t runtime = 0; runtime < input_.runtimes.size(); ++runtime) {
        const Server server{model, runtime};
        bool is_first = false;
        const bool deployed = input_.baseline && input_.baseline->deployed && input_.baseline->model == model &&
                              input_.baseline->runtime == input_.runtimes[runtime].name;
        const bool only_deployed = input_.runtimes[runtime].only_deployed;
        const bool of_reference = model == input_.reference && !only_deployed;
        if ((of_reference || deployed) && runtime == BaselinePlace(model, input_.runtimes[runtime].name, baseline)) {
          const auto visited = VisitBaseline(server, baseline);
          if (!visited) return visited.error();
          is_first = *visited;
        }
        if (!only_deployed) VisitGrid(server, is_first ? &baseline : nullptr);
      }
    }
    return std::move(expansion_);
  }

 private:
  enum class Role { kOfGrid, kBaseline, kNamed };

  // What serves: indices into the input.
  struct Server {
    std::size_t model = 0, runtime = 0;
  };

  // `first_visited`: the configuration whose first combination was a baseline; null = none.
  void VisitGrid(const Server& server, const quant::QuantConfig* first_visited) {
    for (const quant::QuantConfig& quant : input_.quants) {
      std::vector<std::size_t> point(axes_.size(), 0);
      bool visited = &quant == first_visited;
      // One request for all of them: what a model is known by is long.
      quant::LaunchRequest request = RequestOf(server, quant, &point);
      do {
        for (std::size_t i = 0; i < axes_.size(); ++i) axes_[i].Choose(point[i], request);
        if (!visited) Visit(server, request, Role::kOfGrid);
        visited = false;
      } while (Next(point));
    }
  }

  // The configuration of a runtime's baseline, where it is the spec's or has no sweeps to choose from.
  quant::LaunchRequest BaselineRequest(const Server& server, const quant::QuantConfig& quant) const {
    const std::optional<NamedBaseline>& named = input_.baseline;
    const bool of_model = named && (!named->deployed || named->model == server.model);
    const bool is_named =
        of_model && (named->runtime.empty() || named->runtime == input_.runtimes[server.runtime].name);
    quant::LaunchRequest request = RequestOf(server, is_named && named->quant ? *named->quant : quant, nullptr);
    if (!is_named) return request;
    if (named->deployed) {
      request.parameters.clear();
      request.parallel = {};
      request.extra_args.clear();
    }
    for (const auto& [flag, value] : named->parameters) request.parameters[flag] = value;
    return request;
  }

  // Index into `runtimes` of the type of GPU that the baseline of this runtime runs on: `baseline_gpu` comes first.
  std::size_t BaselinePlace(std::size_t model, const std::string& name, const quant::QuantConfig& quant) const {
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < input_.runtimes.size(); ++i) {
      if (input_.runtimes[i].name != name) continue;
      places.insert(input_.runtimes[i].gpu == input_.baseline_gpu ? places.begin() : places.end(), i);
    }
    if (places.size() == 1) return places.front();
    const auto starts = std::find_if(places.begin(), places.end(), [&](std::size_t place) {
      return !quant::PlanLaunch(rules_, BaselineRequest({model, place}, quant)).rejection;
    });
    return starts == places.end() ? places.front() : *starts;
  }

  // The runtime's baseline. True: it was the first combination of `quant`, which need not be visited again.
  base::Result<bool> VisitBaseline(const Server& server, const quant::QuantConfig& quant) {
    const std::vector<std::size_t> first(axes_.size(), 0);
    const std::string& name = input_.runtimes[server.runtime].name;
    const std::optional<NamedBaseline>& named = input_.baseline;
    const bool of_model = named && (!named->deployed || named->model == server.model);
    if (of_model && (named->runtime.empty() || named->runtime == name)) {
      quant::LaunchRequest request = BaselineRequest(server, quant);
      if (const auto refused = quant::PlanLaunch(rules_, request).rejection) {
        // Parameters are not how a command was typed.
        const std::string field = named->deployed ? "" : refused->field + ": ";
        return base::Invalid(named->field + ": runtime " + name + " is not started with it: " + field +
                             refused->message);
      }
      if (named->deployed) request.quant = TypedQuant(request);
      Visit(server, request, Role::kNamed);
      return false;
    }
    const bool swept = std::any_of(axes_.begin(), axes_.end(), [](const Axis& axis) { return axis.size > 1; });
    const quant::LaunchRequest defaults = RequestOf(server, quant, nullptr);
    if (swept && !quant::PlanLaunch(rules_, defaults).rejection) {
      Visit(server, defaults, Role::kBaseline);
      return false;
    }
    Visit(server, RequestOf(server, quant, &first), Role::kBaseline);
    return true;
  }

  // The configuration whose flags are all among what was typed: "--quantization fp8" is dynamic-fp8. Of several the one
  // that says the most; the request's own where there is none.
  quant::QuantConfig TypedQuant(quant::LaunchRequest request) const {
    const quant::LaunchPlan typed = quant::PlanLaunch(rules_, request);
    quant::QuantConfig best = request.quant;
    std::ptrdiff_t most = 0;
    for (const quant::QuantConfig& one : input_.quants) {
      request.quant = one;
      const quant::LaunchPlan plan = quant::PlanLaunch(rules_, request);
      const bool same = !plan.rejection && plan.overrides.empty() && plan.args == typed.args &&
                        plan.options_yaml == typed.options_yaml && plan.env == typed.env;
      const auto says = std::count_if(plan.verdicts.begin(), plan.verdicts.end(), [](const quant::Verdict& verdict) {
        return verdict.value != "auto" && verdict.kind == quant::VerdictKind::kMap;
      });
      if (!same || says <= most) continue;
      most = says;
      best = one;
    }
    return best;
  }

  base::Status CheckSize() const {
    std::size_t product = 1;
    bool too_many = false;
    const auto multiply = [&](std::size_t factor) {
      if (factor != 0 && product > kMaxCombinations / factor) too_many = true;
      if (!too_many) product *= factor;
    };
    multiply(input_.models.size());
    multiply(SearchedRuntimes(input_));
    multiply(std::max<std::size_t>(input_.quants.size(), 1));
    for (const Axis& axis : axes_) multiply(axis.size);
    if (!too_many) return {};
    return base::Invalid("spec: " + ProductText(input_, input_.quants.size(), axes_) + " are more than " +
                         std::to_string(kMaxCombinations) + " combinations; remove values");
  }

  // The next point, the last axis fastest; false after the last one.
  bool Next(std::vector<std::size_t>& point) const {
    for (std::size_t i = axes_.size(); i-- > 0;) {
      if (++point[i] < axes_[i].size) return true;
      point[i] = 0;
    }
    return false;
  }

  // Null: the axes that have one value, and the engine's own defaults for the others.
  quant::LaunchRequest RequestOf(const Server& server, const quant::QuantConfig& quant,
                                 const std::vector<std::size_t>* point) const {
    const ModelInput& model = input_.models[server.model];
    quant::LaunchRequest request;
    request.release = input_.runtimes[server.runtime].release;
    request.model = model.facts;
    const GpuInput& gpu = input_.gpus[input_.runtimes[server.runtime].gpu];
    request.gpu = gpu.capability;
    request.gpu_memory_bytes = gpu.memory_bytes;
    request.gpu_memory_bound = gpu.memory_bound;
    request.gpu_shared = gpu.shared;
    request.amd_architecture = gpu.amd_architecture;
    request.revision = model.revision;
    request.prompts = input_.prompts;
    request.longest_request = input_.longest_request;
    request.quant = quant;
    request.extra_args = input_.runtimes[server.runtime].extra_args;
    for (std::size_t i = 0; i < axes_.size(); ++i) {
      if (point != nullptr || axes_[i].size == 1) axes_[i].Choose(point != nullptr ? (*point)[i] : 0, request);
    }
    return request;
  }

  void Visit(const Server& server, const quant::LaunchRequest& request, Role role) {
    const bool baseline = role != Role::kOfGrid, deployed = role == Role::kNamed && input_.baseline->deployed;
    const RuntimeInput& runtime = input_.runtimes[server.runtime];
    const ModelInput& model = input_.models[server.model];
    const GpuInput& gpu = input_.gpus[runtime.gpu];
    const quant::QuantConfig& quant = request.quant;
    ++expansion_.total;
    quant::LaunchPlan plan = quant::PlanLaunch(rules_, request);
    if (plan.rejection) {
      expansion_.pruned.push_back({model.name, gpu.name, runtime.name, quant, request.parameters, request.parallel,
                                   *std::move(plan.rejection), baseline});
      return;
    }
    int idle = 0;
    std::string context = model.contexts[runtime.gpu];
    if (deployed) {
      for (const auto& [variable, value] : input_.baseline->env) plan.env[variable] = value;
      idle = std::max(0, input_.baseline->gpus - plan.gpus);
      plan.gpus += idle;
      if (idle > 0) context += "; " + std::to_string(plan.gpus) + " GPUs";
    }
    std::string hash = ContentHash(plan, runtime, context);
    const auto [found, is_new] = index_.try_emplace(hash, expansion_.candidates.size());
    if (!is_new) {
      ++expansion_.duplicates;
      ++expansion_.candidates[found->second].duplicates;
      if (expansion_.duplicate_of.size() < kMaxListedDuplicates) {
        expansion_.duplicate_of.push_back({model.name, gpu.name, runtime.name, quant, request.parameters,
                                           request.parallel, found->second, WhyTheSame(plan)});
      }
      return;
    }
    Candidate candidate;
    candidate.hash = std::move(hash);
    candidate.model = server.model;
    candidate.gpu = runtime.gpu;
    candidate.runtime = server.runtime;
    candidate.quant = quant;
    candidate.parameters = request.parameters;
    candidate.parallel = request.parallel;
    candidate.plan = std::move(plan);
    candidate.baseline = baseline;
    candidate.deployed = deployed;
    candidate.idle_gpus = idle;
    expansion_.candidates.push_back(std::move(candidate));
  }

  const quant::RuleSet& rules_;
  const SpaceInput& input_;
  const std::vector<Axis> axes_;
  std::unordered_map<std::string, std::size_t> index_;  // hash -> candidate
  Expansion expansion_;
};

}  // namespace

base::Result<Expansion> ExpandCandidates(const quant::RuleSet& rules, const SpaceInput& input) {
  return Expander(rules, input).Run();
}

}  // namespace autotune::tuning
