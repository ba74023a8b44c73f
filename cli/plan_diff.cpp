#include "cli/plan_diff.h"

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>
#include <utility>

#include "base/ascii_case.h"
#include "base/keys.h"
#include "operator/deploy/engine_arguments.h"
#include "report/result_view.h"
#include "text/table.h"

namespace autotune::cli {
namespace {

using nlohmann::json;

// Paths with their values; a list of plain values is one value.
void Flatten(const json& value, const std::string& path, std::map<std::string, std::string>& out) {
  const bool plain_list = value.is_array() && std::none_of(value.begin(), value.end(),
                                                           [](const json& item) { return item.is_structured(); });
  if (value.is_object() && !value.empty()) {
    for (const auto& [key, member] : value.items()) Flatten(member, path + "." + key, out);
  } else if (value.is_array() && !plain_list) {
    for (std::size_t i = 0; i < value.size(); ++i) {
      Flatten(value[i], path + "[" + std::to_string(i) + "]", out);
    }
  } else if (!value.is_null()) {
    out[path] = value.is_string() ? value.get<std::string>() : value.dump();
  }
}

using Fields = std::map<std::string, std::string>;

// The field `path`; nullopt = there is none. Keys in a command or a variable are not shown: "--api-key ***",
// "HF_TOKEN=***".
std::optional<std::string> ShownField(const Fields& fields, const std::string& path) {
  const auto found = fields.find(path);
  if (found == fields.end()) return std::nullopt;
  const std::string& value = found->second;
  const auto secret = [](const std::string& name) {
    std::string flag = base::AsciiLower(name);
    std::ranges::replace(flag, '_', '-');
    return deploy::IsSecretFlag(flag);
  };
  if (path.ends_with(".value")) {  // of a variable
    const auto name = fields.find(path.substr(0, path.rfind('.')) + ".name");
    return name != fields.end() && secret(name->second) ? "***" : value;
  }
  if (!path.ends_with("command")) return value;
  std::string out;
  bool hide = false;
  for (std::size_t at = 0; at < value.size();) {
    const std::size_t begin = value.find_first_not_of(" \t\n", at);
    out += value.substr(at, begin == std::string::npos ? begin : begin - at);
    if (begin == std::string::npos) break;
    at = std::min(value.find_first_of(" \t\n", begin), value.size());
    const std::string word = value.substr(begin, at - begin);
    const std::size_t equals = word.find('=');
    const bool named = secret(word.substr(0, equals));
    out += hide ? "***" : named && equals != std::string::npos ? word.substr(0, equals + 1) + "***" : word;
    hide = !hide && named && equals == std::string::npos && word.starts_with("-");
  }
  return out;
}

std::vector<PlanChange::Field> ChangedFields(const api::TaskSpec& from, const api::TaskSpec& to) {
  Fields before, after;
  Flatten(api::ToJson(from), "spec", before);
  Flatten(api::ToJson(to), "spec", after);
  std::vector<PlanChange::Field> changed;
  for (const std::string& path : base::KeysOf(before, after)) {
    const auto was = before.find(path), is = after.find(path);
    if (was != before.end() && is != after.end() && was->second == is->second) continue;
    changed.push_back({path, ShownField(before, path), ShownField(after, path)});
  }
  return changed;
}

std::string NameOf(const TaskPlan& plan, const tuning::Candidate& candidate) {
  return api::ConfigurationName(plan.space.models[candidate.model].name, candidate.quant.name,
                                plan.space.gpu_names[candidate.gpu]);
}

// What an engine is started with and where, whatever it is measured for and whatever the names are.
auto ConfigurationOf(const TaskPlan& plan, const tuning::Candidate& candidate) {
  const api::ModelSpec& model = plan.task.spec.models[candidate.model];
  const api::GpuSpec& gpu = plan.task.spec.gpus[candidate.gpu];
  // The type's own products where it names some: of two specs on one cluster the same GPU is chosen for others.
  std::set<std::string> products(gpu.products.begin(), gpu.products.end());
  if (products.empty()) products.insert(plan.gpus[candidate.gpu].product);
  return std::make_tuple(plan.space.runtimes[candidate.runtime].release.engine, model.id_or_path, model.quantization,
                         gpu.resource_name, products, candidate.plan.args, candidate.plan.options_yaml,
                         candidate.plan.env);
}

// Names that a candidate goes by, with their kinds.
std::array<std::pair<const char*, std::string>, 4> NamesOf(const TaskPlan& plan, const tuning::Candidate& candidate) {
  return {{{"checkpoint", plan.space.models[candidate.model].name},
           {"GPU type", plan.space.gpu_names[candidate.gpu]},
           {"runtime", plan.space.runtimes[candidate.runtime].spec.name},
           {"preset", candidate.quant.name}}};
}

std::string SettingsOf(const TaskPlan& plan, std::size_t index, bool runtimes) {
  const tuning::Candidate& candidate = plan.space.expansion.candidates[index];
  std::string text = runtimes ? plan.space.runtimes[candidate.runtime].spec.name + "  " : "";
  return text + NameOf(plan, candidate) + "  " + report::SettingsText(candidate.plan.args, candidate.plan.options_yaml);
}

// At most this many of a list: an edit of a large grid changes thousands.
constexpr std::size_t kListed = 20;

std::string ListText(const char* sign, const TaskPlan& plan, const std::vector<std::size_t>& indices, bool runtimes) {
  std::string text;
  for (std::size_t i = 0; i < std::min(kListed, indices.size()); ++i) {
    text += std::string("  ") + sign + " " + SettingsOf(plan, indices[i], runtimes) + "\n";
  }
  if (indices.size() > kListed) {
    text += std::string("  ") + sign + " ... and " + std::to_string(indices.size() - kListed) +
            " more (-o json lists all)\n";
  }
  return text;
}

json ListJson(const TaskPlan& plan, const std::vector<std::size_t>& indices) {
  json list = json::array();
  for (const std::size_t index : indices) {
    const tuning::Candidate& candidate = plan.space.expansion.candidates[index];
    list.push_back({{"hash", candidate.hash},
                    {"runtime", plan.space.runtimes[candidate.runtime].spec.name},
                    {"quantization", NameOf(plan, candidate)},
                    {"args", candidate.plan.args},
                    {"options", candidate.plan.options_yaml}});
  }
  return list;
}

}  // namespace

PlanChange Compare(const TaskPlan& from, const TaskPlan& to) {
  PlanChange change;
  change.fields = ChangedFields(from.task.spec, to.task.spec);
  const std::vector<tuning::Candidate>&before = from.space.expansion.candidates, &after = to.space.expansion.candidates;
  std::map<std::string, const tuning::Candidate*> old_hashes;
  std::set<std::string> new_hashes;
  for (const tuning::Candidate& candidate : before) old_hashes.emplace(candidate.hash, &candidate);
  for (const tuning::Candidate& candidate : after) new_hashes.insert(candidate.hash);
  using Configuration = decltype(ConfigurationOf(from, before.front()));
  std::set<Configuration> gone, there;
  for (const tuning::Candidate& candidate : before) {
    if (!new_hashes.contains(candidate.hash)) gone.insert(ConfigurationOf(from, candidate));
  }
  for (std::size_t i = 0; i < after.size(); ++i) {
    if (const auto old = old_hashes.find(after[i].hash); old != old_hashes.end()) {
      ++change.kept;
      const auto was = NamesOf(from, *old->second), is = NamesOf(to, after[i]);
      for (std::size_t kind = 0; kind < is.size(); ++kind) {
        PlanChange::Renamed renamed{is[kind].first, was[kind].second, is[kind].second};
        if (renamed.from == renamed.to || std::ranges::find(change.renamed, renamed) != change.renamed.end()) continue;
        // Of presets that run the same, another one may now be the first.
        const std::vector<std::string>& presets = to.task.spec.quant.presets;
        const bool both_there = renamed.kind == "preset" && std::ranges::find(presets, renamed.from) != presets.end();
        if (!both_there) change.renamed.push_back(std::move(renamed));
      }
      continue;
    }
    const Configuration configuration = ConfigurationOf(to, after[i]);
    if (gone.contains(configuration)) {
      change.again.push_back(i);
      there.insert(configuration);
    } else {
      change.added.push_back(i);
    }
  }
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (!new_hashes.contains(before[i].hash) && !there.contains(ConfigurationOf(from, before[i]))) {
      change.removed.push_back(i);
    }
  }
  return change;
}

std::string PlanChangeText(const TaskPlan& from, const TaskPlan& to, const PlanChange& change,
                           const SearchPreview* before, const SearchPreview* after) {
  std::string text;
  for (const PlanChange::Field& field : change.fields) {
    text += field.path + ": " + field.from.value_or("(not set)") + " -> " + field.to.value_or("(not set)") + "\n";
  }
  if (change.fields.empty()) text = "The specs are the same.\n";
  const bool runtimes = from.space.runtimes.size() > 1 || to.space.runtimes.size() > 1;
  const auto count = [](const std::vector<std::size_t>& list) { return std::to_string(list.size()); };
  text += "\nCandidates: " + std::to_string(from.space.expansion.candidates.size()) + " -> " +
          std::to_string(to.space.expansion.candidates.size()) + "; " + count(change.added) + " added, " +
          count(change.removed) + " removed, " + std::to_string(change.kept) + " kept, " + count(change.again) +
          " measured again\n";
  const auto quoted = [](const std::string& name) { return name.empty() ? "(no name)" : name; };
  for (const PlanChange::Renamed& one : change.renamed) {
    text += "  = " + one.kind + " " + quoted(one.from) + " is renamed to " + quoted(one.to) +
            ": what was measured under the old name is kept\n";
  }
  text += ListText("+", to, change.added, runtimes) + ListText("-", from, change.removed, runtimes) +
          ListText("~", to, change.again, runtimes);
  if (!change.again.empty()) {
    text +=
        "  ~: the same configuration of the same model and GPUs, which is measured again, because workload, revision, "
        "image or placement change\n";
  }
  if (before != nullptr) text += "\nEstimate before: " + EstimateText(*before) + "\n";
  if (after != nullptr)
    text += std::string(before == nullptr ? "\n" : "") + "Estimate after:  " + EstimateText(*after) + "\n";
  if (before != nullptr && after != nullptr && change.kept > 0) {
    text +=
        "  Both estimates are for a new task: results of kept candidates are not measured "
        "again.\n";
  }
  return text;
}

json PlanChangeJson(const TaskPlan& from, const TaskPlan& to, const PlanChange& change, const SearchPreview* before,
                    const SearchPreview* after) {
  json fields = json::array();
  for (const PlanChange::Field& field : change.fields) {
    fields.push_back({{"path", field.path}});
    if (field.from) fields.back()["from"] = *field.from;
    if (field.to) fields.back()["to"] = *field.to;
  }
  json renamed = json::array();
  for (const PlanChange::Renamed& one : change.renamed) {
    renamed.push_back({{"kind", one.kind}, {"from", one.from}, {"to", one.to}});
  }
  json out = {{"fields", fields},
              {"candidates",
               {{"before", from.space.expansion.candidates.size()},
                {"after", to.space.expansion.candidates.size()},
                {"kept", change.kept},
                {"renamed", renamed},
                {"added", ListJson(to, change.added)},
                {"removed", ListJson(from, change.removed)},
                {"again", ListJson(to, change.again)}}}};
  if (before != nullptr) out["searchBefore"] = SearchJson(from, *before);
  if (after != nullptr) out["searchAfter"] = SearchJson(to, *after);
  return out;
}

}  // namespace autotune::cli
