#include "kube/cpprest/tls_setup.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <exception>

#include "kube/client/environment.h"
#include "kube/cpprest/cpprest_transport.h"

namespace kube {

namespace cpprest {

namespace {

struct FreeX509 {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};

std::unique_ptr<BIO, FreeBio> ReaderOf(const std::string& pem) {
  return std::unique_ptr<BIO, FreeBio>(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

// How many certificates of `pem` went into `store`.
int AddCertificates(const std::string& pem, X509_STORE* store) {
  const auto bio = ReaderOf(pem);
  int count = 0;
  while (const std::unique_ptr<X509, FreeX509> certificate{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)}) {
    count += X509_STORE_add_cert(store, certificate.get());
  }
  ERR_clear_error();
  return count;
}

// False when chain or key cannot be read or do not belong together.
bool UseClientCertificate(SSL_CTX* context, const Credential& credential) {
  const auto bio = ReaderOf(credential.certificate_pem);
  const std::unique_ptr<X509, FreeX509> leaf(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  SSL_CTX_clear_extra_chain_certs(context);
  bool good = leaf != nullptr && SSL_CTX_use_certificate(context, leaf.get()) == 1;
  while (X509* next = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    SSL_CTX_add_extra_chain_cert(context, next);  // takes ownership
  }
  EVP_PKEY* key = PEM_read_bio_PrivateKey(ReaderOf(credential.key_pem).get(), nullptr, nullptr, nullptr);
  good = good && key != nullptr && SSL_CTX_use_PrivateKey(context, key) == 1 && SSL_CTX_check_private_key(context) == 1;
  EVP_PKEY_free(key);
  ERR_clear_error();
  return good;
}

}  // namespace

void TlsSetup::SetUp(SSL_CTX* context) noexcept {
  try {
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    if (!ca_file_.empty() || !ca_pem_.empty()) TrustCluster(context);
    const base::Result<Credential> credential = credentials_->Current();
    if (credential && !credential->certificate_pem.empty()) Identify(context, *credential);
  } catch (const std::exception& error) {
    spdlog::error("TLS set-up failed: {}", error.what());
  }
}

void TlsSetup::TrustCluster(SSL_CTX* context) const {
  // Replaces the store that the library has filled with the system's roots.
  X509_STORE* store = X509_STORE_new();
  SSL_CTX_set_cert_store(context, store);
  std::string pem = ca_pem_;
  if (!ca_file_.empty()) {
    base::Result<std::string> read = Environment::Real().read_file(ca_file_);
    if (read) {
      pem = std::move(read).value();
    } else {
      spdlog::error("Cluster CA could not be read: {}", read.error().message);
    }
  }
  if (AddCertificates(pem, store) == 0) spdlog::error("Cluster CA {} has no certificate", ca_file_);
}

void TlsSetup::Identify(SSL_CTX* context, const Credential& credential) {
  const base::MutexLock lock(mutex_);
  if (UseClientCertificate(context, credential)) {
    last_good_ = credential;
    return;
  }
  spdlog::error("Client certificate and key could not be used{}",
                last_good_.certificate_pem.empty() ? "" : "; the earlier ones are used");
  credentials_->Reject(credential);
  if (!last_good_.certificate_pem.empty()) UseClientCertificate(context, last_good_);
}

base::Status CheckAuthority(const ClusterConfig& config) {
  if (config.ca_file.empty() && config.ca_pem.empty()) return {};
  std::string pem = config.ca_pem;
  if (!config.ca_file.empty()) {
    base::Result<std::string> read = Environment::Real().read_file(config.ca_file);
    if (!read) return base::Invalid("certificate authority: " + read.error().message);
    pem = std::move(read).value();
  }
  X509_STORE* store = X509_STORE_new();
  const int count = AddCertificates(pem, store);
  X509_STORE_free(store);
  if (count == 0) {
    return base::Invalid("certificate authority " + (config.ca_file.empty() ? "data" : config.ca_file) +
                         " contains no PEM certificate");
  }
  return {};
}

base::Status CheckClientCertificate(const Credential& credential) {
  if (credential.certificate_pem.empty()) return {};
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  const bool good = UseClientCertificate(context, credential);
  SSL_CTX_free(context);
  if (!good) return base::Invalid("client certificate and key: not PEM, or they do not belong together");
  return {};
}

}  // namespace cpprest

void SkipSystemRoots(const ClusterConfig& config) {
  if ((config.ca_file.empty() && config.ca_pem.empty()) || config.exec) return;
  ::setenv(X509_get_default_cert_file_env(), "/dev/null", 1);
}

}  // namespace kube
