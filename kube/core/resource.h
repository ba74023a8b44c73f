// Resource: one resource type of the Kubernetes API, and the paths of its collections and objects. Pure.
#pragma once

#include <string>
#include <string_view>

namespace kube {

struct Resource {
  std::string group;  // "" for the core group
  std::string version;
  std::string plural;
  bool namespaced = true;

  // "group/version", or "version" for the core group: the apiVersion of its objects.
  [[nodiscard]] std::string ApiVersion() const;
};

// Path of the collection, or of an object if `name` is set: "/apis/batch/v1/namespaces/ns/jobs/name/status". An empty
// namespace of a namespaced resource means all namespaces.
std::string ResourcePath(const Resource& resource, std::string_view ns, std::string_view name = {},
                         std::string_view subresource = {});
// Percent-encodes all but the unreserved characters of RFC 3986.
std::string PercentEncode(std::string_view text);

}  // namespace kube
