// TlsSetup: what a new TLS connection trusts and presents. OpenSSL only; nothing of the HTTP library.
//
// Thread-safe. Shared with the library, which may outlive the transport by a name lookup. Files are read for every
// connection: what was rotated on disk is picked up.
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

  // Must not throw: an exception here would end the I/O thread and with it the process. What cannot be loaded leaves
  // the context without it, so that the handshake fails and says so.
  void SetUp(SSL_CTX* context) noexcept EXCLUDES(mutex_);

 private:
  void TrustCluster(SSL_CTX* context) const;
  // Certificate and key are two files: between the two writes of a rotation they do not belong together. Until they do
  // again, the last pair that did is presented.
  void Identify(SSL_CTX* context, const Credential& credential) EXCLUDES(mutex_);

  const std::string ca_file_, ca_pem_;
  const std::shared_ptr<CredentialSource> credentials_;
  base::Mutex mutex_;
  Credential last_good_ GUARDED_BY(mutex_);
};

// kInvalid when the cluster's own CA cannot be read or has no certificate.
base::Status CheckAuthority(const ClusterConfig& config);
// kInvalid when the client certificate, if there is one, and its key cannot be read or do not belong together.
base::Status CheckClientCertificate(const Credential& credential);

}  // namespace kube::cpprest
