// What the API server's answers mean. Pure.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "kube/core/http_message.h"

namespace kube {

struct ListPage {
  std::string resource_version;
  std::string continue_token;  // empty: the last page
};

// One page from the body of a list. `item` gets each object as the JSON text that came, unparsed and valid during the
// call. kRetry if the body is not a list; `what` is the request, for the message.
base::Result<ListPage> ReadList(std::string_view body, const std::function<void(std::string_view)>& item,
                                std::string_view what);

// A v1.Status body (or any error body) of HTTP status `status` as an Error, prefixed with `what`. The code is the
// caller's next action:
// - 409: kAlreadyExists or kConflict, by reason
// - 404: kNotFound; 410: kNotFound with http_status 410
// - 401, 403: kDenied, but on a terminating namespace kNotFound
// - 422: kInvalid where it is the server's own validation of fields, kDenied where a policy or webhook says so
// - 429, 408, 5xx: kRetry with Retry-After; an object that is too large for etcd is kInvalid
// - all other: kInvalid
base::Error StatusToError(int status, const Headers& headers, std::string_view body, std::string_view what);

}  // namespace kube
