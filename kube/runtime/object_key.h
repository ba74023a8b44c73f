// ObjectKey: namespace and name of one object. ObjectMeta: metadata that a cache reads of every object. Plain values.
#pragma once

#include <compare>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace kube::runtime {

struct ObjectKey {
  std::string ns;  // empty for cluster-scoped objects
  std::string name;

  auto operator<=>(const ObjectKey&) const = default;
  // "ns/name", or "name".
  [[nodiscard]] std::string ToString() const { return ns.empty() ? name : ns + "/" + name; }
};

struct ObjectMeta {
  ObjectKey key;
  std::string uid;
  std::string resource_version;
  std::string owner_uid;   // of the controller owner reference; empty: none
  std::string owner_kind;  // "AutotuneTask"
  std::string owner_name;
  bool deleting = false;  // deletionTimestamp is set
};

// Never throws; missing fields stay empty.
ObjectMeta ReadObjectMeta(const nlohmann::json& object);
// The same from JSON text; nothing else is read. Returns nullopt if the text is not an object or its metadata is not
// JSON.
std::optional<ObjectMeta> ReadObjectMeta(std::string_view object);

// True if `have` is certainly at least `want`. Resource versions are compared as integers if both are integers
// (guaranteed by the API server since 1.35, and true in practice before); otherwise only equality is certain.
bool ReachedVersion(const std::string& have, const std::string& want);
// True if `candidate` is certainly older than `reference`.
bool OlderVersion(const std::string& candidate, const std::string& reference);

}  // namespace kube::runtime

template <>
struct std::hash<kube::runtime::ObjectKey> {
  std::size_t operator()(const kube::runtime::ObjectKey& key) const noexcept {
    return std::hash<std::string>()(key.ns) * 31 + std::hash<std::string>()(key.name);
  }
};
