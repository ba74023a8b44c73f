#include "operator/deploy/difference.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "base/keys.h"
#include "operator/api/units.h"
#include "operator/deploy/engine_arguments.h"
#include "operator/deploy/image_name.h"
#include "operator/experiment/json_read.h"
#include "text/table.h"

namespace autotune::deploy {
namespace {

using nlohmann::json;
using Part = api::Difference::Part;
using experiment::Member;
using experiment::Text;

std::string TextOf(const json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

std::string TextOr(const json& object, const char* key, const char* absent) {
  const json& value = Member(object, key);
  return value.is_string() ? value.get<std::string>() : absent;
}

class Comparison {
 public:
  explicit Comparison(api::Difference& out) : out_(out) {}

  // `equal`: what decides; `running` and `recommended`: what is shown.
  void Add(Part part, const std::string& field, std::optional<std::string> running,
           std::optional<std::string> recommended, bool equal) {
    if (equal) {
      ++out_.same;
    } else {
      out_.lines.push_back({part, field, std::move(running), std::move(recommended)});
    }
  }
  void Add(Part part, const std::string& field, const std::string& running, const std::string& recommended) {
    if (running.empty() && recommended.empty()) return;
    const auto shown = [](const std::string& text) { return text.empty() ? std::nullopt : std::optional(text); };
    Add(part, field, shown(running), shown(recommended), running == recommended);
  }

  void Maps(Part part, const std::map<std::string, std::string>& running,
            const std::map<std::string, std::string>& recommended) {
    for (const std::string& field : base::KeysOf(running, recommended)) {
      const auto at = [&](const auto& map) {
        const auto found = map.find(field);
        return found == map.end() ? std::string() : found->second;
      };
      Add(part, field, at(running), at(recommended));
    }
  }

 private:
  api::Difference& out_;
};

std::vector<std::string> WordsOf(const json& container) {
  std::vector<std::string> words;
  for (const char* part : {"command", "args"}) {
    for (const json& word : Member(container, part)) words.push_back(TextOf(word));
  }
  return words;
}

// One under another name does the same: "serve" after an entrypoint, "/usr/local/bin/vllm serve".
bool SameProgram(const std::string& a, const std::string& b) {
  return a.empty() || b.empty() || a.ends_with(b) || b.ends_with(a);
}

void CompareArguments(const json& running, const ServerSpec& server, const quant::RuleSet& rules, Comparison& compare) {
  const auto release = [&](const std::string& image) {
    auto found = rules.Resolve(server.engine, image, "");
    return found ? *std::move(found) : quant::EngineRelease{server.engine, {}, ""};
  };
  // Each by the names of its own release.
  const EngineArguments has = ReadEngineArguments(WordsOf(running), release(Text(running, "image")), rules);
  const EngineArguments wants = ReadEngineArguments(server.argv, release(Text(server.Engine(), "image")), rules);
  if (!SameProgram(has.program, wants.program)) compare.Add(Part::kArguments, "program", has.program, wants.program);
  compare.Add(Part::kArguments, "model", has.model, wants.model);
  for (const std::string& name : base::KeysOf(has.flags, wants.flags)) {
    const auto there = has.flags.find(name), wanted = wants.flags.find(name);
    std::optional<std::string> runs, recommended;
    if (there != has.flags.end()) runs = there->second.text;
    if (wanted != wants.flags.end()) recommended = wanted->second.text;
    compare.Add(Part::kArguments, name, runs, recommended,
                runs && recommended && there->second.value == wanted->second.value);
  }
  for (const std::string& word : has.rest) compare.Add(Part::kArguments, word, word, "");
  if (!server.options_yaml.empty()) {
    compare.Add(Part::kArguments, "options file", std::nullopt, server.options_yaml, false);
  }
}

void CompareEnvironment(const json& running, const ServerSpec& server, Comparison& compare) {
  for (const auto& [name, value] : server.env) {
    std::string there;
    for (const json& variable : Member(running, "env")) {
      if (Text(variable, "name") != name) continue;
      there = variable.contains("valueFrom") ? "(from elsewhere)" : Text(variable, "value");
    }
    compare.Add(Part::kEnvironment, name, there, value);
  }
}

// By resource: "8", "request 8, limit 16". A request that is not there is the limit, as the API server has it.
std::map<std::string, std::pair<std::string, std::string>> ResourcesOf(const json& container) {
  std::map<std::string, std::pair<std::string, std::string>> out;
  const json& resources = Member(container, "resources");
  for (const auto& [name, value] : Member(resources, "limits").items()) {
    out[name] = {TextOf(value), TextOf(value)};
  }
  for (const auto& [name, value] : Member(resources, "requests").items()) out[name].first = TextOf(value);
  return out;
}

bool SameQuantity(const std::string& a, const std::string& b) {
  const auto left = api::QuantityValue(a), right = api::QuantityValue(b);
  return left && right ? *left == *right : a == b;
}

void CompareResources(const json& running, const ServerSpec& server, Comparison& compare) {
  const auto has = ResourcesOf(running), wants = ResourcesOf(server.Engine());
  using Amounts = std::pair<std::string, std::string>;
  const auto text = [](const Amounts& amounts) {
    if (SameQuantity(amounts.first, amounts.second)) return amounts.first;
    if (amounts.second.empty()) return "request " + amounts.first;
    return "request " + amounts.first + ", limit " + amounts.second;
  };
  for (const std::string& name : base::KeysOf(has, wants)) {
    const auto there = has.find(name), wanted = wants.find(name);
    std::optional<std::string> runs, recommended;
    if (there != has.end()) runs = text(there->second);
    if (wanted != wants.end()) recommended = text(wanted->second);
    const bool same = runs && recommended && SameQuantity(there->second.first, wanted->second.first) &&
                      SameQuantity(there->second.second, wanted->second.second);
    compare.Add(Part::kResources, name, runs, recommended, same);
  }
}

std::string ExpressionText(const json& expression) {
  const std::string asked = Text(expression, "key") + " " + Text(expression, "operator");
  const json& values = Member(expression, "values");
  if (values.empty()) return asked;
  std::vector<std::string> names;
  for (const json& value : values) names.push_back(TextOf(value));
  std::sort(names.begin(), names.end());
  return asked + " " + text::Joined(names, ", ");
}

// What a pod asks of its node, by field.
std::map<std::string, std::string> NodeSelectionOf(const json& pod) {
  std::map<std::string, std::string> out;
  for (const auto& [label, value] : Member(pod, "nodeSelector").items()) out["nodeSelector " + label] = TextOf(value);
  for (const json& toleration : Member(pod, "tolerations")) {
    const std::string key = TextOr(toleration, "key", "(any taint)");
    std::string text = TextOr(toleration, "operator", "Equal");
    if (const std::string value = Text(toleration, "value"); !value.empty()) text += " " + value;
    if (const std::string effect = Text(toleration, "effect"); !effect.empty()) text += ", " + effect;
    std::string& all = out["toleration " + key];
    all += (all.empty() ? "" : "; ") + text;
  }
  json affinity = Member(pod, "affinity");
  if (affinity.is_object()) {
    json& node = affinity["nodeAffinity"];
    constexpr const char* kRequired = "requiredDuringSchedulingIgnoredDuringExecution";
    std::string terms;
    for (const json& term : Member(Member(node, kRequired), "nodeSelectorTerms")) {
      std::string all;
      for (const char* list : {"matchExpressions", "matchFields"}) {
        for (const json& expression : Member(term, list)) {
          all += (all.empty() ? "" : " and ") + ExpressionText(expression);
        }
      }
      terms += (terms.empty() ? "" : " or ") + all;
    }
    if (!terms.empty()) out["node affinity"] = terms;
    if (node.is_object()) node.erase(kRequired);
    if (node.empty()) affinity.erase("nodeAffinity");
    for (const auto& [kind, value] : affinity.items()) out[kind] = value.dump();
  }
  for (const char* field : {"runtimeClassName", "priorityClassName", "schedulerName"}) {
    const std::string name = Text(pod, field);
    if (!name.empty() && name != "default-scheduler") out[field] = name;
  }
  return out;
}

// The containers that `fits` takes, if that tells one from the others.
template <typename Fits>
const json* Only(const json& containers, const Fits& fits) {
  const json* found = nullptr;
  for (const json& container : containers) {
    if (!fits(container)) continue;
    if (found != nullptr) return nullptr;
    found = &container;
  }
  return found;
}

const json* ContainerOf(const json& containers, const std::string& name, const ServerSpec& server) {
  if (!name.empty()) return Only(containers, [&](const json& c) { return Text(c, "name") == name; });
  if (const json* only = Only(containers, [](const json&) { return true; })) return only;
  if (const json* gpus = Only(containers, [&](const json& c) { return ResourcesOf(c).contains(server.gpu_resource); }))
    return gpus;
  const std::string image = Text(server.Engine(), "image");
  const std::string_view repository = RepositoryOf(image);
  return Only(containers, [&](const json& c) { return RepositoryOf(Text(c, "image")) == repository; });
}

std::string NoContainer(const api::Difference& out, const json& containers, const std::string& name) {
  std::vector<std::string> all;
  for (const json& container : containers) all.push_back(Text(container, "name"));
  const std::string names = text::Joined(all, ", ");
  if (!name.empty()) return "Deployment " + out.deployment + " has no container \"" + name + "\"; it has " + names;
  return "Deployment " + out.deployment + " has several containers (" + names +
         "): set diffAgainst.container to the one that serves the model";
}

}  // namespace

api::Difference DifferenceFrom(const json& deployment, const std::string& container, const ServerSpec& server,
                               const quant::RuleSet& rules) {
  api::Difference out;
  out.deployment = Text(Member(deployment, "metadata"), "name");
  const json& pod = Member(Member(Member(deployment, "spec"), "template"), "spec");
  const json& containers = Member(pod, "containers");
  if (TextOr(deployment, "kind", "Deployment") != "Deployment" || containers.empty()) {
    out.message = out.deployment + " is not a Deployment with containers";
    return out;
  }
  const json* running = ContainerOf(containers, container, server);
  if (running == nullptr) {
    out.message = NoContainer(out, containers, container);
    return out;
  }
  out.container = Text(*running, "name");
  out.experiment = server.experiment;
  Comparison compare(out);
  const std::string image = Text(*running, "image"), recommended = Text(server.Engine(), "image");
  compare.Add(Part::kImage, "image", image, recommended, WithoutHub(image) == WithoutHub(recommended));
  CompareArguments(*running, server, rules, compare);
  CompareEnvironment(*running, server, compare);
  CompareResources(*running, server, compare);
  compare.Maps(Part::kNodeSelection, NodeSelectionOf(pod), NodeSelectionOf(server.pod));
  return out;
}

}  // namespace autotune::deploy
