#include "operator/experiment/node_fit.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "operator/experiment/json_read.h"

namespace autotune::experiment {
namespace {

using nlohmann::json;

bool Tolerates(const json& toleration, const Taint& taint) {
  const std::string effect = Text(toleration, "effect"), key = Text(toleration, "key");
  if (!effect.empty() && effect != taint.effect) return false;
  const bool exists = Text(toleration, "operator") == "Exists";
  if (key.empty()) return exists;
  return key == taint.key && (exists || Text(toleration, "value") == taint.value);
}

std::optional<std::int64_t> Integer(const std::string& text) {
  std::int64_t value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && stop == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

// `value`: null = the node has no such label.
bool Holds(const json& expression, const std::string* value) {
  const std::string op = Text(expression, "operator");
  const json& values = Member(expression, "values");
  const bool listed = value != nullptr && values.is_array() && std::ranges::any_of(values, [&](const json& one) {
                        return one.is_string() && one.get_ref<const std::string&>() == *value;
                      });
  if (op == "In") return listed;
  if (op == "NotIn") return !listed;
  if (op == "Exists") return value != nullptr;
  if (op == "DoesNotExist") return value == nullptr;
  if (op != "Gt" && op != "Lt") return false;
  const bool one = values.is_array() && values.size() == 1 && values[0].is_string();
  if (value == nullptr || !one) return false;
  const auto has = Integer(*value), bound = Integer(values[0].get<std::string>());
  return has && bound && (op == "Gt" ? *has > *bound : *has < *bound);
}

bool AllHold(const json& expressions, const auto& value_of) {
  return !expressions.is_array() ||
         std::ranges::all_of(expressions, [&](const json& one) { return Holds(one, value_of(Text(one, "key"))); });
}

bool MatchesSelector(const json& selector, const std::map<std::string, std::string>& labels) {
  if (!selector.is_object()) return true;
  return std::all_of(selector.items().begin(), selector.items().end(), [&](const auto& item) {
    const auto label = labels.find(item.key());
    return label != labels.end() && item.value().is_string() &&
           label->second == item.value().template get<std::string>();
  });
}

bool MatchesAffinity(const json& affinity, const NodeView& node) {
  const json& terms = Member(Member(Member(affinity, "nodeAffinity"), "requiredDuringSchedulingIgnoredDuringExecution"),
                             "nodeSelectorTerms");
  if (!terms.is_array() || terms.empty()) return true;
  return std::ranges::any_of(terms, [&](const json& term) {
    const json& labels = Member(term, "matchExpressions");
    const json& fields = Member(term, "matchFields");
    if (labels.empty() && fields.empty()) return false;  // matches no node
    return AllHold(labels,
                   [&](const std::string& key) {
                     const auto label = node.labels.find(key);
                     return label == node.labels.end() ? nullptr : &label->second;
                   }) &&
           AllHold(fields, [&](const std::string& key) { return key == "metadata.name" ? &node.name : nullptr; });
  });
}

}  // namespace

json TolerationsOf(const api::GpuSpec& spec) {
  // Taints carry the vendor's common name, also where slices are requested (nvidia.com/mig-1g.5gb).
  std::string key = spec.resource_name;
  if (key.starts_with("nvidia.com/")) key = "nvidia.com/gpu";
  json tolerations = json::array();
  if (!key.empty()) tolerations.push_back({{"key", key}, {"operator", "Exists"}, {"effect", "NoSchedule"}});
  if (!spec.tolerations.is_array()) return tolerations;
  for (const json& toleration : spec.tolerations) {
    if (std::find(tolerations.begin(), tolerations.end(), toleration) == tolerations.end())
      tolerations.push_back(toleration);
  }
  return tolerations;
}

std::vector<Taint> UntoleratedTaints(const api::GpuSpec& spec, const NodeView& node) {
  std::vector<Taint> taints;
  if (node.taints.empty()) return taints;
  const json tolerations = TolerationsOf(spec);
  for (const Taint& taint : node.taints) {
    if (std::ranges::none_of(tolerations, [&](const json& one) { return Tolerates(one, taint); }))
      taints.push_back(taint);
  }
  return taints;
}

bool SelectsNode(const api::GpuSpec& spec, const NodeView& node) {
  return MatchesSelector(spec.node_selector, node.labels) && MatchesAffinity(spec.affinity, node);
}

bool MayRunOn(const api::GpuSpec& spec, const NodeView& node) {
  return SelectsNode(spec, node) && UntoleratedTaints(spec, node).empty();
}

}  // namespace autotune::experiment
