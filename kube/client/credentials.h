// CredentialSource: the current credential for the API server.
//
// Thread-safe. Sources re-read rotating credentials (service account tokens live one hour, exec plugins report an
// expiry) and keep the old credential if that fails: the server's 401 is the more informative error.
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
  // May block for as long as a plugin runs: do not call on an I/O thread.
  virtual base::Result<Credential> Get() = 0;
  // For the TLS set-up of a new connection, on the I/O thread: the last result of Get(). Must not be slower than a
  // local file.
  virtual base::Result<Credential> Current() { return Get(); }
  // The server answered 401 to `used`: the next Get() must not serve it from a cache. Does nothing when the source
  // has a newer one already.
  virtual void Reject(const Credential& used) = 0;
};

// A credential that never changes.
std::shared_ptr<CredentialSource> StaticCredential(Credential credential);

// Reads files at most every 60 seconds, less 10 seconds leeway. Empty path: that part stays as in `fixed`.
struct CredentialFiles {
  std::string token_file;
  std::string certificate_file;
  std::string key_file;
  Credential fixed;
};
std::shared_ptr<CredentialSource> FileCredential(CredentialFiles files, const Environment& environment,
                                                 base::Clock& clock);

// An exec credential plugin (client.authentication.k8s.io/v1 and v1beta1), run with posix_spawn: never fork, because
// the HTTP library's threads are running by then. Killed after `timeout`, whether it still writes or only does not
// exit.
struct ExecPlugin {
  std::string command;  // looked up in PATH unless it has a slash; relative to the kubeconfig's folder then
  std::vector<std::string> args;
  std::map<std::string, std::string> env;
  std::string api_version;
  std::string install_hint;
  std::string cluster_info_json;  // spec.cluster of KUBERNETES_EXEC_INFO; empty unless provideClusterInfo
  std::chrono::milliseconds timeout{60'000};
};
std::shared_ptr<CredentialSource> ExecCredential(ExecPlugin plugin, base::Clock& clock);

}  // namespace kube
