// CredentialSource: the current credential for the API server.
//
// Thread-safe. Sources re-read rotating credentials (service account tokens expire after an hour, exec plugins report
// an expiry). If that fails they keep the old credential: the server's 401 is the more informative error.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "kube/client/environment.h"

namespace kube {

struct Credential {
  std::string token;            // bearer token; empty: none
  std::string certificate_pem;  // client certificate chain; empty: none
  std::string key_pem;
  bool operator==(const Credential&) const = default;
};

class CredentialSource {
 public:
  virtual ~CredentialSource() = default;
  // May block while a plugin runs: do not call on an I/O thread.
  virtual base::Result<Credential> Get() = 0;
  // The last result of Get(), for the TLS set-up of a new connection on the I/O thread. Must not be slower than a local
  // file.
  virtual base::Result<Credential> Current() { return Get(); }
  // The server answered 401 to `used`: the next Get() must not return it from a cache. No effect if the source has a
  // newer one already.
  virtual void Reject(const Credential& used) = 0;
};

// A credential that never changes.
std::shared_ptr<CredentialSource> StaticCredential(Credential credential);

// Re-reads the files at most every 50 seconds. An empty path: that part stays as in `fixed`.
struct CredentialFiles {
  std::string token_file;
  std::string certificate_file;
  std::string key_file;
  Credential fixed;
};
std::shared_ptr<CredentialSource> FileCredential(CredentialFiles files, const Environment& environment,
                                                 base::Clock& clock);

// An exec credential plugin (client.authentication.k8s.io/v1 and v1beta1), run with posix_spawn, not fork,
// because the HTTP library's threads are running by then. Killed after `timeout`, even if it has closed its
// output.
struct ExecPlugin {
  std::string command;  // looked up in PATH if it has no slash; otherwise relative to the kubeconfig's folder
  std::vector<std::string> args;
  std::map<std::string, std::string> env;
  std::string api_version;
  std::string install_hint;
  std::string cluster_info_json;  // spec.cluster of KUBERNETES_EXEC_INFO; empty unless provideClusterInfo
  std::chrono::milliseconds timeout{60'000};
};
std::shared_ptr<CredentialSource> ExecCredential(ExecPlugin plugin, base::Clock& clock);

}  // namespace kube
