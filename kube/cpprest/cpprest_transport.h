// CpprestTransport: HttpTransport over cpprestsdk. The only public header of this folder; no other folder uses the
// library.
//
// Thread-safe. Owns two connection pools (calls, streams); only the library's own I/O thread is global. Timeouts are
// real time, which the library's sockets require. Must be destroyed before main returns: the library's pools crash in
// static destruction. Redirects are never followed, because they would leak the bearer token. The system's roots are
// not trusted if the cluster has its own CA. SNI is off for IP addresses.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "kube/client/config.h"
#include "kube/client/http_transport.h"

namespace kube {

// Limits the library to one I/O thread. Call it early in main, after signals are blocked (the thread inherits the
// mask). The library's TLS stream has no strand: with more threads the close of a timeout races with the reads in
// flight. One thread is as fast as the default of 40. Later calls have no effect.
void InitializeHttpThreads();

// For each connection the library reads the system's roots (about a hundred certificates), although the cluster's CA
// replaces them: most of a connection's CPU time. After this call the process reads none, if `config` names a CA. No
// effect if it names an exec plugin, which would inherit the environment variables that do this. REQUIRES: no other
// thread runs.
void SkipSystemRoots(const ClusterConfig& config);

struct TransportOptions {
  std::chrono::milliseconds idle_timeout{30'000};  // Send: no byte moved for this long
  std::chrono::milliseconds stream_idle_timeout{
      120'000};  // Stream: bookmarks come every 60 s, so silence is a dead peer
  std::string user_agent = "kube-cpp";
};

// `credentials` is shared with other transports of the same identity (such as the lease's, with a short idle timeout).
// kInvalid if the configuration cannot work: the server is not a URL, a CA, certificate or key is unreadable, or there
// is no credential.
base::Result<std::unique_ptr<HttpTransport>> MakeCpprestTransport(const ClusterConfig& config,
                                                                  std::shared_ptr<CredentialSource> credentials,
                                                                  const TransportOptions& options);

}  // namespace kube
