#include "bench/hub_client.h"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <cctype>
#include <charconv>
#include <utility>

namespace autotune::bench {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace ssl = asio::ssl;
using boost::system::error_code;

constexpr int kMaxRedirects = 5;

bool IsRedirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

std::optional<std::int64_t> Number(beast::string_view text) {
  std::int64_t value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || stop != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

struct RawAnswer {
  HubAnswer answer;
  std::string location;
};

// One request on one connection. Every asynchronous step leaves its error in `result`; the stream's timeout bounds all.
class Exchange {
 public:
  Exchange(const HubUrl& url, bool head, std::size_t max_bytes, const std::string& token,
           std::chrono::milliseconds timeout)
      : url_(url),
        resolver_(io_),
        max_bytes_(max_bytes),
        timeout_(timeout),
        request_(head ? http::verb::head : http::verb::get, url.target, 11) {
    const bool default_port = url.port == (url.tls ? "443" : "80");
    request_.set(http::field::host, default_port ? url.host : url.host + ":" + url.port);
    request_.set(http::field::user_agent, "autotune-bench");
    request_.set(http::field::accept, "*/*");
    request_.set(http::field::accept_encoding, "identity");
    request_.set(http::field::connection, "close");
    if (!token.empty()) request_.set(http::field::authorization, "Bearer " + token);
    parser_.body_limit(max_bytes);
    parser_.skip(head);
  }

  base::Result<RawAnswer> Run() {
    if (url_.tls) {
      context_.emplace(ssl::context::tls_client);
      error_code error;
      context_->set_default_verify_paths(error);  // honours SSL_CERT_FILE and SSL_CERT_DIR
      context_->set_options(ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1);
      tls_.emplace(io_, *context_);
      tls_->set_verify_mode(ssl::verify_peer);
      tls_->set_verify_callback(ssl::host_name_verification(url_.host));
      if (SSL_set_tlsext_host_name(tls_->native_handle(), url_.host.c_str()) != 1) {
        return base::Invalid(url_.ToString() + ": cannot set the TLS server name");
      }
    } else {
      tcp_.emplace(io_);
    }
    resolver_.async_resolve(url_.host, url_.port, [this](error_code error, const auto& endpoints) {
      if (Failed("resolving " + url_.host, error)) return;
      Tcp().expires_after(timeout_);
      Tcp().async_connect(endpoints, [this](error_code connect_error, const auto&) {
        if (Failed("connecting", connect_error)) return;
        if (!url_.tls) return Send(*tcp_);
        tls_->async_handshake(ssl::stream_base::client, [this](error_code handshake_error) {
          if (!Failed("TLS handshake", handshake_error)) Send(*tls_);
        });
      });
    });
    // Resolving has no timeout of its own.
    io_.run_for(2 * timeout_);
    if (!finished_ && result_.empty()) return base::Retry(url_.ToString() + ": no answer in time");
    if (!result_.empty()) {
      return permanent_ ? base::Invalid(url_.ToString() + ": " + result_)
                        : base::Retry(url_.ToString() + ": " + result_);
    }
    const auto& message = parser_.get();
    RawAnswer raw;
    raw.answer.status = static_cast<int>(message.result_int());
    raw.answer.body = message.body();
    raw.answer.error_code = std::string(message["X-Error-Code"]);
    raw.answer.error_message = std::string(message["X-Error-Message"]);
    raw.answer.linked_size = Number(message["X-Linked-Size"]);
    raw.answer.length = Number(message[http::field::content_length]);
    raw.location = std::string(message[http::field::location]);
    return raw;
  }

 private:
  beast::tcp_stream& Tcp() { return url_.tls ? tls_->next_layer() : *tcp_; }

  template <typename Stream>
  void Send(Stream& stream) {
    http::async_write(stream, request_, [this, &stream](error_code error, std::size_t) {
      if (Failed("sending", error)) return;
      http::async_read_header(stream, buffer_, parser_, [this, &stream](error_code head_error, std::size_t) {
        // Boost 1.74 forgets that a Content-Length is beyond the limit when a part of the body came with the head.
        const bool too_long =
            !head_error && request_.method() != http::verb::head && parser_.content_length().value_or(0) > max_bytes_;
        if (Failed("reading", too_long ? make_error_code(http::error::body_limit) : head_error)) return;
        http::async_read(stream, buffer_, parser_, [this](error_code read_error, std::size_t) {
          if (!Failed("reading", read_error)) finished_ = true;
        });
      });
    });
  }

  bool Failed(const std::string& what, error_code error) {
    if (!error) return false;
    result_ = what + ": " + error.message();
    // Another attempt meets the same body and the same certificate.
    permanent_ = error == http::error::body_limit || error.category() == asio::error::get_ssl_category();
    if (error == http::error::body_limit) result_ = "the answer is larger than allowed";
    return true;
  }

  const HubUrl& url_;
  asio::io_context io_{1};
  asio::ip::tcp::resolver resolver_;
  const std::size_t max_bytes_;
  std::chrono::milliseconds timeout_;
  http::request<http::empty_body> request_;
  http::response_parser<http::string_body> parser_;
  beast::flat_buffer buffer_;
  std::optional<ssl::context> context_;
  std::optional<beast::ssl_stream<beast::tcp_stream>> tls_;
  std::optional<beast::tcp_stream> tcp_;
  std::string result_;
  bool finished_ = false, permanent_ = false;
};

}  // namespace

base::Result<HubUrl> HubUrl::Parse(const std::string& text) {
  const auto wrong = [&] {
    return base::Invalid("\"" + text + "\" is not a URL: https://host or http://host, with an optional port and path");
  };
  HubUrl url;
  std::string_view rest = text;
  if (rest.starts_with("https://")) {
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
    url.tls = false;
  } else {
    return wrong();
  }
  const std::size_t path = std::min(rest.find_first_of("/?#"), rest.size());
  std::string_view authority = rest.substr(0, path);
  url.target = rest.substr(path, rest.find('#') - path);
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  const std::size_t colon = authority.rfind(':');
  url.port = url.tls ? "443" : "80";
  if (colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos) {
    url.port = authority.substr(colon + 1);
    authority = authority.substr(0, colon);
    const auto port = Number({url.port.data(), url.port.size()});
    if (!port || *port < 1 || *port > 65535) return wrong();
  }
  url.host = authority;
  if (url.host.empty()) return wrong();
  for (const char c : text) {
    // User names in URLs, spaces and line ends: nothing of that belongs into a request line.
    if (static_cast<unsigned char>(c) <= ' ' || static_cast<unsigned char>(c) >= 0x7f) return wrong();
  }
  if (url.host.find('@') != std::string::npos) return wrong();
  return url;
}

base::Result<HubUrl> HubUrl::Resolve(const std::string& location) const {
  if (location.starts_with("//")) return Parse((tls ? "https:" : "http:") + location);
  if (location.find("://") != std::string::npos && !location.starts_with('/')) return Parse(location);
  const std::string origin = (tls ? "https://" : "http://") + host + ":" + port;
  if (location.starts_with('/')) return Parse(origin + location);
  const std::string path = target.substr(0, target.find('?'));
  return Parse(origin + path.substr(0, path.rfind('/') + 1) + location);
}

bool HubUrl::SameOrigin(const HubUrl& other) const {
  return tls == other.tls && port == other.port && host.size() == other.host.size() && beast::iequals(host, other.host);
}

std::string HubUrl::ToString() const {
  const bool default_port = port == (tls ? "443" : "80");
  return (tls ? "https://" : "http://") + host + (default_port ? "" : ":" + port) + target.substr(0, target.find('?'));
}

base::Result<HubAnswer> HubClient::Get(const std::string& url, std::size_t max_bytes) {
  return Request(url, false, max_bytes);
}

base::Result<HubAnswer> HubClient::Head(const std::string& url) { return Request(url, true, 0); }

base::Result<HubAnswer> HubClient::Request(const std::string& text, bool head, std::size_t max_bytes) {
  auto first = HubUrl::Parse(text);
  if (!first) return first.error();
  HubUrl url = *first;
  std::optional<std::int64_t> linked_size;
  for (int redirects = 0;; ++redirects) {
    auto raw = Exchange(url, head, max_bytes, url.SameOrigin(*first) ? token_ : "", timeout_).Run();
    if (!raw) return raw.error();
    if (!linked_size) linked_size = raw->answer.linked_size;
    if (!IsRedirect(raw->answer.status) || raw->location.empty()) {
      raw->answer.linked_size = linked_size;
      return std::move(raw->answer);
    }
    if (redirects == kMaxRedirects) {
      return base::Invalid(text + ": more than " + std::to_string(kMaxRedirects) + " redirects");
    }
    auto next = url.Resolve(raw->location);
    if (!next) return base::Invalid(text + ": redirected to something that is no URL");
    if (url.tls && !next->tls)
      return base::Invalid(text + ": redirected from https to http (" + next->ToString() + ")");
    url = *next;
  }
}

}  // namespace autotune::bench
