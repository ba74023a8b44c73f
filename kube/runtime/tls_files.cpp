#include "kube/runtime/tls_files.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <utility>

namespace kube::runtime {
namespace {

// The kubelet brings a changed Secret within about a minute: looking much more often gains nothing.
constexpr std::chrono::seconds kLookInterval{10};

std::string ContentOf(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Why the last call of OpenSSL failed: the first of its reasons.
std::string Problem() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* reason = ERR_reason_error_string(code);
  return reason == nullptr ? "unknown" : reason;
}

}  // namespace

base::Result<std::shared_ptr<TlsFiles>> TlsFiles::Open(std::string directory, base::Clock& clock) {
  std::shared_ptr<TlsFiles> files(new TlsFiles(std::move(directory), clock));
  if (auto loaded = files->Load(); !loaded) return loaded.error();
  return files;
}

base::Status TlsFiles::Load() {
  looked_at_ = clock_.Now();
  const std::string certificate = directory_ + "/tls.crt", key = directory_ + "/tls.key";
  std::string content;
  for (const std::string& path : {certificate, key}) {
    const std::string part = ContentOf(path);
    if (part.empty()) return base::Invalid(path + ": is not there or empty");
    content += part;
  }
  if (context_ && content == seen_) return {};
  seen_ = std::move(content);
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (!context) return base::Invalid("TLS: " + Problem());
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  if (SSL_CTX_use_certificate_chain_file(context.get(), certificate.c_str()) != 1) {
    return base::Invalid(certificate + ": " + Problem());
  }
  if (SSL_CTX_use_PrivateKey_file(context.get(), key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context.get()) != 1) {
    return base::Invalid(key + ": " + Problem());
  }
  context_ = std::move(context);
  return {};
}

std::shared_ptr<ssl_ctx_st> TlsFiles::Current() {
  if (clock_.Now() - looked_at_ >= kLookInterval) {
    if (const auto loaded = Load(); !loaded)
      spdlog::error("The certificate stays as it was: {}", loaded.error().message);
  }
  return context_;
}

}  // namespace kube::runtime
