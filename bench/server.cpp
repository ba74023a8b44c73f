#include "bench/server.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <charconv>
#include <cstring>
#include <utility>

namespace autotune::bench {
namespace {

bool IsAddress(const std::string& host) {
  in6_addr address{};
  return ::inet_pton(AF_INET, host.c_str(), &address) == 1 || ::inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

}  // namespace

base::Result<ServerUrl> ServerUrl::Parse(const std::string& text) {
  const auto wrong = [&](const std::string& why) {
    return base::Invalid("\"" + text + "\" is not the URL of a server (" + why + "): http://host:8000 or https://host");
  };
  ServerUrl url;
  std::string_view rest = text;
  if (rest.starts_with("https://")) {
    url.tls = true;
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else {
    return wrong("it begins with neither http:// nor https://");
  }
  for (const char c : rest) {
    if (static_cast<unsigned char>(c) <= ' ' || static_cast<unsigned char>(c) >= 0x7f) {
      return wrong("it contains an invalid character");
    }
  }
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  std::string_view authority = rest.substr(0, slash);
  std::string_view path = rest.substr(slash);
  if (path.find_first_of("?#") != std::string_view::npos || authority.find_first_of("?#") != std::string_view::npos) {
    return wrong("a query or fragment is not possible");
  }
  if (authority.find('@') != std::string_view::npos) {
    return wrong("set the credentials in the environment variable OPENAI_API_KEY");
  }
  url.port = url.tls ? 443 : 80;
  const std::size_t bracket = authority.find(']');
  const std::size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon != std::string_view::npos) {
    const std::string_view port = authority.substr(colon + 1);
    const auto [stop, error] = std::from_chars(port.data(), port.data() + port.size(), url.port);
    if (error != std::errc() || stop != port.data() + port.size() || url.port < 1 || url.port > 65535) {
      return wrong("\"" + std::string(port) + "\" is not a port");
    }
    authority = authority.substr(0, colon);
  }
  if (authority.starts_with('[') && authority.ends_with(']')) authority = authority.substr(1, authority.size() - 2);
  url.host = authority;
  if (url.host.empty()) return wrong("it has no host");
  while (path.ends_with('/')) path.remove_suffix(1);
  // What is copied from a request.
  using measurement::Endpoint;
  const std::pair<std::string_view, std::optional<Endpoint>> kEnds[] = {{"/v1/chat/completions", Endpoint::kChat},
                                                                        {"/v1/completions", Endpoint::kCompletions},
                                                                        {"/v1/models", std::nullopt},
                                                                        {"/v1", std::nullopt}};
  for (const auto& [end, endpoint] : kEnds) {
    if (!path.ends_with(end)) continue;
    path.remove_suffix(end.size());
    url.endpoint = endpoint;
    break;
  }
  url.prefix = path;
  return url;
}

std::string ServerUrl::ToString() const {
  const bool default_port = port == (tls ? 443 : 80);
  const std::string name = host.find(':') == std::string::npos ? host : "[" + host + "]";
  return (tls ? "https://" : "http://") + name + (default_port ? "" : ":" + std::to_string(port)) + prefix;
}

Server::Server(ServerUrl url) : url_(std::move(url)) {
  const std::string name = url_.host.find(':') == std::string::npos ? url_.host : "[" + url_.host + "]";
  const bool default_port = url_.port == (url_.tls ? 443 : 80);
  common_head_ = " HTTP/1.1\r\nHost: " + name + (default_port ? "" : ":" + std::to_string(url_.port)) +
                 "\r\nUser-Agent: autotune-bench\r\nAccept: */*\r\nAccept-Encoding: identity\r\n";
  if (!url_.token.empty()) common_head_ += "Authorization: Bearer " + url_.token + "\r\n";
}

Server::~Server() { SSL_CTX_free(context_); }

base::Result<std::unique_ptr<Server>> Server::Make(ServerUrl url) {
  for (const char c : url.token) {
    // A line end in it would be another header.
    if (static_cast<unsigned char>(c) <= ' ' || static_cast<unsigned char>(c) >= 0x7f) {
      return base::Invalid("the token contains an invalid character (a space or a line end?)");
    }
  }
  std::unique_ptr<Server> server(new Server(std::move(url)));
  const ServerUrl& to = server->url_;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(to.host.c_str(), std::to_string(to.port).c_str(), &hints, &found);
  if (error != 0) return base::Retry(to.ToString() + ": the name cannot be resolved: " + ::gai_strerror(error));
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    Address address;
    std::memcpy(&address.storage, one->ai_addr, one->ai_addrlen);
    address.size = one->ai_addrlen;
    server->addresses_.push_back(address);
  }
  ::freeaddrinfo(found);
  if (to.tls) {
    server->context_ = SSL_CTX_new(TLS_client_method());
    if (server->context_ == nullptr || SSL_CTX_set_min_proto_version(server->context_, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_default_verify_paths(server->context_) != 1) {
      return base::Invalid(
          "TLS cannot be set up: no certificate authorities of the system, and SSL_CERT_FILE is unset");
    }
    SSL_CTX_set_verify(server->context_, SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_mode(server->context_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  }
  return server;
}

std::string Server::Head(std::string_view method, std::string_view path, std::size_t body_bytes) const {
  std::string head;
  head.reserve(common_head_.size() + url_.prefix.size() + path.size() + 128);
  head += method;
  head += ' ';
  head += url_.prefix;
  head += path;
  head += common_head_;
  if (method == "POST") {
    head += "Content-Type: application/json\r\nContent-Length: " + std::to_string(body_bytes) + "\r\n";
  }
  head += "\r\n";
  return head;
}

ssl_st* Server::NewTls() const {
  if (context_ == nullptr) return nullptr;
  SSL* tls = SSL_new(context_);
  SSL_set_connect_state(tls);
  if (IsAddress(url_.host)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls), url_.host.c_str());
  } else {
    SSL_set_hostflags(tls, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    SSL_set1_host(tls, url_.host.c_str());
    SSL_set_tlsext_host_name(tls, url_.host.c_str());
  }
  // Memory on both sides: the connection itself reads the socket, and with it the kernel's time stamps.
  SSL_set_bio(tls, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  return tls;
}

}  // namespace autotune::bench
