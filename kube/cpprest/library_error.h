// ClassifyError: converts an error of the HTTP library to an HttpError. Pure.
#pragma once

#include <string>

#include "kube/client/http_transport.h"

namespace kube::cpprest {

// `code` and `text`: number and message of the library's exception, which keeps nothing else. The text, which names the
// failed operation, is more informative than the number, whose category is lost: 2 is end of file in Asio's own
// category, and ENOENT in the system's.
HttpError ClassifyError(int code, const std::string& text);

}  // namespace kube::cpprest
