#include "checkpoint/http_client.h"

#include <curl/curl.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "base/ascii_case.h"

namespace autotune::checkpoint {
namespace {

constexpr long kMaxRedirects = 5;

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// Once in the process, before the first handle.
bool Initialised() {
  static const bool kDone = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  return kDone;
}

struct Transfer {
  HttpAnswer answer;
  std::size_t max_bytes = 0;
  std::optional<std::size_t> first;
  bool too_long = false, enough = false;
  const std::function<bool()>* told_to_end = nullptr;
};

std::size_t OnBody(char* data, std::size_t one, std::size_t size, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::size_t bytes = one * size;
  std::string& body = transfer.answer.body;
  if (transfer.first) {
    // A server that ignores ranges sends everything: what is needed is kept, and the transfer ended.
    const std::size_t kept = std::min(bytes, *transfer.first - std::min(*transfer.first, body.size()));
    body.append(data, kept);
    transfer.enough = body.size() >= *transfer.first;
    return kept == bytes ? bytes : 0;
  }
  if (body.size() + bytes > transfer.max_bytes) {
    transfer.too_long = true;
    return 0;
  }
  body.append(data, bytes);
  return bytes;
}

std::size_t OnHeader(char* data, std::size_t one, std::size_t size, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  std::string_view line(data, one * size);
  auto& headers = transfer.answer.headers;
  if (line.starts_with("HTTP/")) {
    // The next answer, after a redirect.
    std::erase_if(headers, [](const auto& header) {
      return header.first != "x-linked-size" && header.first != "x-error-code" && header.first != "x-repo-commit";
    });
    transfer.answer.body.clear();
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return one * size;
  const std::string name = base::AsciiLower(line.substr(0, colon));
  std::string_view value = line.substr(colon + 1);
  while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
  while (!value.empty() && std::isspace(static_cast<unsigned char>(value.back())) != 0) value.remove_suffix(1);
  headers[name] = std::string(value);
  return one * size;
}

int OnProgress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const auto& transfer = *static_cast<const Transfer*>(user);
  return transfer.told_to_end != nullptr && *transfer.told_to_end && (*transfer.told_to_end)() ? 1 : 0;
}

// Without what must not be in a message: a query may hold a signature.
std::string WithoutQuery(const std::string& url) { return url.substr(0, url.find_first_of("?#")); }

}  // namespace

std::string HttpAnswer::Header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

struct HttpClient::Curl {
  CURL* handle = nullptr;
  std::string token;
  std::chrono::milliseconds timeout{0};
  std::function<bool()> told_to_end;
};

HttpClient::HttpClient(std::string token, std::chrono::milliseconds timeout, std::function<bool()> told_to_end)
    : curl_(std::make_unique<Curl>()) {
  curl_->handle = Initialised() ? curl_easy_init() : nullptr;
  curl_->token = std::move(token);
  curl_->timeout = timeout;
  curl_->told_to_end = std::move(told_to_end);
}

HttpClient::~HttpClient() {
  if (curl_->handle != nullptr) curl_easy_cleanup(curl_->handle);
}

base::Result<HttpAnswer> HttpClient::Send(const HttpRequest& request) {
  CURL* curl = curl_->handle;
  if (curl == nullptr) return base::Invalid("libcurl cannot be used");
  const std::string& url = request.url;
  const bool tls = url.starts_with("https://");
  const bool clean = std::ranges::all_of(url, [](unsigned char c) { return c > ' ' && c < 0x7f; });
  // A user's name in a URL would travel in every message about it.
  const std::size_t scheme = url.find("://");
  const std::size_t host = scheme == std::string::npos ? url.size() : scheme + 3;
  const bool user = std::string_view(url).substr(host, url.find('/', host) - host).find('@') != std::string_view::npos;
  if ((!tls && !url.starts_with("http://")) || !clean || user)
    return base::Invalid("\"" + WithoutQuery(url) +
                         "\" is not a URL: https://host or http://host, with an optional port and path");

  Transfer transfer;
  transfer.max_bytes = request.max_bytes;
  transfer.first = request.first;
  transfer.told_to_end = &curl_->told_to_end;
  curl_easy_reset(curl);
  char reason[CURL_ERROR_SIZE] = "";
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason);
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "autotune/" AUTOTUNE_VERSION);
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl, CURLOPT_MAXREDIRS, kMaxRedirects);
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, tls ? "https" : "http,https");
  curl_easy_setopt(curl, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  curl_easy_setopt(curl, CURLOPT_NOBODY, request.head ? 1L : 0L);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, OnBody);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, OnHeader);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, OnProgress);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &transfer);
  // A large index over a slow line may take long, silence may not.
  const auto seconds =
      std::max<long>(1, static_cast<long>(std::chrono::ceil<std::chrono::seconds>(curl_->timeout).count()));
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(curl_->timeout.count()));
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, seconds);
  const std::string range = "0-" + std::to_string(request.first.value_or(1) - 1);
  if (request.first) curl_easy_setopt(curl, CURLOPT_RANGE, range.c_str());
  if (!curl_->token.empty()) {
    curl_easy_setopt(curl, CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BEARER));
    curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, curl_->token.c_str());
  }
  for (const char* name : {"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"}) {
    if (const std::string file = Environment(name); !file.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, file.c_str());
  }
  if (const std::string folder = Environment("SSL_CERT_DIR"); !folder.empty())
    curl_easy_setopt(curl, CURLOPT_CAPATH, folder.c_str());

  const CURLcode code = curl_easy_perform(curl);
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  transfer.answer.status = static_cast<int>(status);
  if (code == CURLE_OK || (code == CURLE_WRITE_ERROR && transfer.enough)) return std::move(transfer.answer);

  const std::string where = WithoutQuery(url) + ": ";
  std::string message = reason[0] != '\0' ? reason : curl_easy_strerror(code);
  switch (code) {
    case CURLE_WRITE_ERROR:
      if (transfer.too_long)
        return base::Invalid(where + "the answer is larger than allowed (" + std::to_string(request.max_bytes) +
                             " bytes)");
      break;
    case CURLE_ABORTED_BY_CALLBACK:
      return base::Error{base::Code::kCancelled, where + "stopped", std::nullopt, 0};
    case CURLE_TOO_MANY_REDIRECTS:
      return base::Invalid(where + "more than " + std::to_string(kMaxRedirects) + " redirects");
    case CURLE_UNSUPPORTED_PROTOCOL:
      return base::Invalid(where + "redirected from https to something else (" + message + ")");
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_URL_MALFORMAT:
      return base::Invalid(where + message);
    default:
      break;
  }
  return base::Retry(where + message);
}

}  // namespace autotune::checkpoint
