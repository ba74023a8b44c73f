// ClassifyError: an error of the HTTP library as an HttpError. Pure.
#pragma once

#include <string>

#include "kube/client/http_transport.h"

namespace kube::cpprest {

// `code` is the number and `text` the message of the library's exception. The library keeps nothing else: which
// operation failed tells more than the number, whose category is lost (an end of file in Asio's own category is 2,
// ENOENT).
HttpError ClassifyError(int code, const std::string& text);

}  // namespace kube::cpprest
