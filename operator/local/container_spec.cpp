#include "operator/local/container_spec.h"

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>

#include "operator/experiment/json_read.h"

namespace autotune::local {
namespace {

using experiment::Member;
using experiment::Text;
using nlohmann::json;

std::vector<std::string> Texts(const json& list) {
  std::vector<std::string> texts;
  if (!list.is_array()) return texts;
  for (const json& item : list) {
    if (item.is_string()) texts.push_back(item.get<std::string>());
  }
  return texts;
}

// metadata.name, metadata.labels['x'], ... of the pod; nullopt for a field that this machine has no answer to.
std::optional<std::string> PodField(const json& pod, const std::string& path) {
  const json& metadata = Member(pod, "metadata");
  for (const char* name : {"name", "namespace", "uid"}) {
    if (path == std::string("metadata.") + name) return Text(metadata, name);
  }
  for (const char* map : {"annotations", "labels"}) {
    const std::string prefix = std::string("metadata.") + map + "['";
    if (path.starts_with(prefix) && path.ends_with("']")) {
      const std::string key = path.substr(prefix.size(), path.size() - prefix.size() - 2);
      return Text(Member(metadata, map), key.c_str());
    }
  }
  if (path == "status.podIP" || path == "status.hostIP") return "127.0.0.1";
  if (path == "spec.nodeName") return "localhost";
  return std::nullopt;
}

base::Result<std::optional<std::string>> ValueFrom(const json& pod, const std::string& name, const json& source,
                                                   const Environment& parent) {
  if (const json& field = Member(source, "fieldRef"); field.is_object()) {
    const std::string path = Text(field, "fieldPath");
    if (auto value = PodField(pod, path)) return value;
    return base::Invalid("env " + name + ": fieldRef " + path + " has no value in local mode");
  }
  for (const char* kind : {"secretKeyRef", "configMapKeyRef"}) {
    const json& reference = Member(source, kind);
    if (!reference.is_object()) continue;
    if (const auto own = parent.find(name); own != parent.end()) return std::optional(own->second);
    if (Member(reference, "optional") == true) return std::optional<std::string>();
    return base::Invalid((std::string(kind) == "secretKeyRef" ? "secret \"" : "configmap \"") +
                         Text(reference, "name") + "\" does not exist in local mode: set the environment variable " +
                         name + " instead");
  }
  return base::Invalid("env " + name + ": local mode does not support this kind of valueFrom");
}

bool IsName(std::string_view text) { return !text.empty() && text.find_first_of("()$ ") == std::string_view::npos; }

}  // namespace

std::string ExpandVariables(std::string_view text, const Environment& variables) {
  std::string expanded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '$' || i + 1 == text.size()) {
      expanded += text[i];
    } else if (text[i + 1] == '$') {
      expanded += '$';
      ++i;
    } else if (text[i + 1] == '(') {
      const std::size_t end = text.find(')', i);
      const std::string_view name = end == std::string_view::npos ? "" : text.substr(i + 2, end - i - 2);
      const auto found = variables.find(std::string(name));
      if (IsName(name) && found != variables.end()) {
        expanded += found->second;
        i = end;
      } else {
        expanded += '$';
      }
    } else {
      expanded += '$';
    }
  }
  return expanded;
}

base::Result<ContainerCommand> ResolveContainer(const json& pod, const json& container, const Environment& parent,
                                                const Environment& pod_variables) {
  // Only what the pod itself defines can be referred to, as in a cluster; the parent's variables are inherited.
  Environment defined = pod_variables;
  const json& env = Member(container, "env");
  if (env.is_array()) {
    for (const json& entry : env) {
      const std::string name = Text(entry, "name");
      if (name.empty() || pod_variables.contains(name)) continue;
      if (const json& source = Member(entry, "valueFrom"); source.is_object()) {
        auto value = ValueFrom(pod, name, source, parent);
        if (!value) return std::move(value).error();
        if (*value) defined[name] = **value;
      } else {
        defined[name] = ExpandVariables(Text(entry, "value"), defined);
      }
    }
  }
  ContainerCommand command;
  for (const char* part : {"command", "args"}) {
    for (const std::string& text : Texts(Member(container, part))) {
      command.argv.push_back(ExpandVariables(text, defined));
    }
  }
  if (command.argv.empty()) {
    return base::Invalid("container " + Text(container, "name") +
                         " has no command; local mode cannot take it from an image");
  }
  command.environment = std::move(defined);
  command.environment.insert(parent.begin(), parent.end());  // does not replace
  return command;
}

std::string RequestedGpuResource(const json& pod) {
  for (const char* list : {"containers", "initContainers"}) {
    for (const json& container : Member(Member(pod, "spec"), list)) {
      const json& limits = Member(Member(container, "resources"), "limits");
      if (!limits.is_object()) continue;
      for (const auto& [name, quantity] : limits.items()) {
        if (name.find('/') != std::string::npos) return name;
      }
    }
  }
  return "";
}

int RequestedGpus(const json& pod) {
  const std::string resource = RequestedGpuResource(pod);
  int most = 0;
  for (const char* list : {"containers", "initContainers"}) {
    for (const json& container : Member(Member(pod, "spec"), list)) {
      const json& quantity = Member(Member(Member(container, "resources"), "limits"), resource.c_str());
      if (quantity.is_number_integer()) most = std::max(most, quantity.get<int>());
      if (quantity.is_string()) most = std::max(most, std::atoi(quantity.get<std::string>().c_str()));
    }
  }
  return most;
}

std::vector<ProjectedFile> ProjectedFiles(const json& pod, const Environment& pod_variables) {
  std::vector<ProjectedFile> files;
  const json& spec = Member(pod, "spec");
  for (const json& volume : Member(spec, "volumes")) {
    for (const json& item : Member(Member(volume, "downwardAPI"), "items")) {
      const auto content = PodField(pod, Text(Member(item, "fieldRef"), "fieldPath"));
      if (!content) continue;
      for (const char* list : {"containers", "initContainers"}) {
        for (const json& container : Member(spec, list)) {
          for (const json& mount : Member(container, "volumeMounts")) {
            if (Text(mount, "name") != Text(volume, "name")) continue;
            files.push_back(
                {ExpandVariables(Text(mount, "mountPath"), pod_variables) + "/" + Text(item, "path"), *content});
          }
        }
      }
    }
  }
  return files;
}

}  // namespace autotune::local
