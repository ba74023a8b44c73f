// Interpretation of the API server's responses. Pure.
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

// Reads one page from the body of a list. `item` receives each object as unparsed JSON text, valid during the call.
// kRetry if the body is not a list. `what`: the request, for the message.
base::Result<ListPage> ReadList(std::string_view body, const std::function<void(std::string_view)>& item,
                                std::string_view what);

// Converts a v1.Status body (or any error body) with HTTP status `status` to an Error, prefixed with `what`. The code
// is the caller's next action:
// - 409: kAlreadyExists or kConflict, by reason
// - 404: kNotFound; 410: kNotFound with http_status 410
// - 401, 403: kDenied, but kNotFound in a terminating namespace
// - 422: kInvalid for the server's own field validation, kDenied for a policy or a webhook
// - 429, 408, 5xx: kRetry with Retry-After; an object that is too large for etcd is kInvalid
// - all others: kInvalid
base::Error StatusToError(int status, const Headers& headers, std::string_view body, std::string_view what);

}  // namespace kube
