// CpprestTransport: HttpTransport over cpprestsdk. The only public header of this folder, which alone knows the
// library.
//
// Thread-safe. Owns two connection pools (calls, streams); nothing is global but the library's own I/O thread. Timeouts
// are real time: the library's sockets know no other. Must be destroyed before main returns (the library's pools crash
// in static destruction). Redirects are never followed (they would carry the bearer token away), the system's roots are
// not trusted when the cluster has a CA of its own, SNI is off for addresses.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "kube/client/config.h"
#include "kube/client/http_transport.h"

namespace kube {

// Early in main, after signals are blocked (the thread keeps the mask): limits the library to one I/O thread. Its TLS
// stream has no strand, so with more threads a timeout's close races with the reads in flight; and one thread is as
// fast (40 is its default). Later calls do nothing.
void InitializeHttpThreads();

// The library reads the system's roots, a hundred certificates, for each connection, before they are replaced by the
// cluster's CA: most of the CPU time that a connection takes. From now on this process reads none, if `config` names
// such a CA. If it names an exec plugin, nothing changes: the plugin inherits the environment that says so. REQUIRES:
// no other thread runs.
void SkipSystemRoots(const ClusterConfig& config);

struct TransportOptions {
  std::chrono::milliseconds idle_timeout{30'000};  // Send: no byte moved for this long
  std::chrono::milliseconds stream_idle_timeout{
      120'000};  // Stream: bookmarks come every 60 s, so silence is a dead peer
  std::string user_agent = "kube-cpp";
};

// `credentials` is shared with other transports of the same identity (calls, and one with a short idle timeout for the
// lease). kInvalid when the configuration cannot work: a server that is not a URL, an unreadable
// CA, certificate or key, no credential to be had.
base::Result<std::unique_ptr<HttpTransport>> MakeCpprestTransport(const ClusterConfig& config,
                                                                  std::shared_ptr<CredentialSource> credentials,
                                                                  const TransportOptions& options);

}  // namespace kube
