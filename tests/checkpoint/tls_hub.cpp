#include "tests/checkpoint/tls_hub.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace autotune::checkpoint {
namespace {

EVP_PKEY* NewKey() { return EVP_EC_gen("P-256"); }

void Extend(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

X509* NewCertificate(const char* name, EVP_PKEY* key, X509* issuer, EVP_PKEY* issuer_key) {
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), issuer == nullptr ? 1 : 2);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
  X509* by = issuer == nullptr ? certificate : issuer;
  X509_set_issuer_name(certificate, X509_get_subject_name(by));
  if (issuer == nullptr) {
    Extend(certificate, by, NID_basic_constraints, "critical,CA:TRUE");
  } else {
    Extend(certificate, by, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
  }
  X509_sign(certificate, issuer_key, EVP_sha256());
  return certificate;
}

}  // namespace

struct TlsHub::Tls {
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  ~Tls() { SSL_CTX_free(context); }
};

TlsHub::TlsHub(Handler handler) : handler_(std::move(handler)), tls_(new Tls) {
  ::signal(SIGPIPE, SIG_IGN);
  EVP_PKEY* authority_key = NewKey();
  X509* authority = NewCertificate("test authority", authority_key, nullptr, authority_key);
  EVP_PKEY* key = NewKey();
  X509* certificate = NewCertificate("localhost", key, authority, authority_key);
  SSL_CTX_use_certificate(tls_->context, certificate);
  SSL_CTX_use_PrivateKey(tls_->context, key);
  char path[] = "/tmp/autotune-hub-ca-XXXXXX";
  const int fd = ::mkstemp(path);
  FILE* file = ::fdopen(fd, "w");
  PEM_write_X509(file, authority);
  std::fclose(file);
  authority_file_ = path;
  X509_free(certificate);
  EVP_PKEY_free(key);
  X509_free(authority);
  EVP_PKEY_free(authority_key);

  ::signal(SIGPIPE, SIG_IGN);  // a client may end the transfer
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_ANY);  // also as 127.0.0.2, which the certificate does not name
  socklen_t size = sizeof address;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 16) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    std::abort();
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { Serve(); });
}

TlsHub::~TlsHub() {
  ::shutdown(listener_, SHUT_RDWR);
  thread_.join();
  ::close(listener_);
  ::unlink(authority_file_.c_str());
  delete tls_;
}

std::vector<TlsHub::Request> TlsHub::requests() {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void TlsHub::Serve() {
  for (;;) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    SSL* ssl = SSL_new(tls_->context);
    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) == 1) ServeOne(ssl);
    SSL_free(ssl);
    ::close(fd);
  }
}

void TlsHub::ServeOne(ssl_st* ssl) {
  std::string head;
  char buffer[4096];
  int n = 0;
  while (head.find("\r\n\r\n") == std::string::npos && (n = SSL_read(ssl, buffer, sizeof buffer)) > 0) {
    head.append(buffer, static_cast<std::size_t>(n));
  }
  if (head.empty()) return;  // a client that refuses the certificate sends nothing
  const auto header = [&](const std::string& name) {
    const std::size_t at = head.find("\r\n" + name + ": ");
    if (at == std::string::npos) return std::string();
    const std::size_t begin = at + 2 + name.size() + 2;
    return head.substr(begin, head.find("\r\n", begin) - begin);
  };
  Request request;
  request.method = head.substr(0, head.find(' '));
  const std::size_t path = request.method.size() + 1;
  request.path = head.substr(path, head.find(' ', path) - path);
  request.host = header("Host");
  request.authorization = header("Authorization");
  request.range = header("Range");
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
  }
  const Answer answer = handler_(request);
  std::string out = "HTTP/1.1 " + std::to_string(answer.status) +
                    " X\r\nContent-Length: " + std::to_string(answer.body.size()) + "\r\nConnection: close\r\n";
  for (const auto& [name, value] : answer.headers) out += name + ": " + value + "\r\n";
  out += "\r\n";
  if (request.method != "HEAD") out += answer.body;
  SSL_write(ssl, out.data(), static_cast<int>(out.size()));
  SSL_shutdown(ssl);
}

}  // namespace autotune::checkpoint
