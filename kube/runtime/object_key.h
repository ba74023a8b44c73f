// ObjectKey: namespace and name of one object; and the metadata that a cache reads of every object. Plain values.
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

// Does not throw; missing fields stay empty.
ObjectMeta ReadObjectMeta(const nlohmann::json& object);
// The same from JSON text, of which nothing else is read. nullopt if the text is not an object or its metadata are not
// JSON.
std::optional<ObjectMeta> ReadObjectMeta(std::string_view object);

// Resource versions are ordered as integers where both are (the API server guarantees it since 1.35, and did so in
// practice before); otherwise only equality is known. True when `have` is certainly at least `want`.
bool ReachedVersion(const std::string& have, const std::string& want);
// True when `candidate` is certainly older than `reference`.
bool OlderVersion(const std::string& candidate, const std::string& reference);

}  // namespace kube::runtime

template <>
struct std::hash<kube::runtime::ObjectKey> {
  std::size_t operator()(const kube::runtime::ObjectKey& key) const noexcept {
    return std::hash<std::string>()(key.ns) * 31 + std::hash<std::string>()(key.name);
  }
};
