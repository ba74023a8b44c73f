// TlsSetup: trusted CA and client certificate of a new TLS connection. OpenSSL only, independent of the HTTP library.
//
// Thread-safe. Shared with the library, which during a name lookup may outlive the transport. Files are read for every
// connection, so rotated files take effect.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <utility>

#include "base/result.h"
#include "base/thread_annotations.h"
#include "kube/client/config.h"
#include "kube/client/credentials.h"

namespace kube::cpprest {

class TlsSetup {
 public:
  TlsSetup(const ClusterConfig& config, std::shared_ptr<CredentialSource> credentials)
      : ca_file_(config.ca_file), ca_pem_(config.ca_pem), credentials_(std::move(credentials)) {}

  // Never throws: an exception here would end the I/O thread and the process. Parts that cannot be loaded are left out
  // of the context, so the handshake fails with an error.
  void SetUp(SSL_CTX* context) noexcept EXCLUDES(mutex_);

 private:
  void TrustCluster(SSL_CTX* context) const;
  // Certificate and key are two files: during a rotation they may not match. Until they match again, the last matching
  // pair is used.
  void Identify(SSL_CTX* context, const Credential& credential) EXCLUDES(mutex_);

  const std::string ca_file_, ca_pem_;
  const std::shared_ptr<CredentialSource> credentials_;
  base::Mutex mutex_;
  Credential last_good_ GUARDED_BY(mutex_);
};

// kInvalid if the cluster's own CA cannot be read or contains no certificate.
base::Status CheckAuthority(const ClusterConfig& config);
// kInvalid if the client certificate or its key cannot be read, or if they do not match. Success without a certificate.
base::Status CheckClientCertificate(const Credential& credential);

}  // namespace kube::cpprest
