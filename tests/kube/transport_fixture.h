// What the transport tests share: a transport that trusts a scripted server.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <stop_token>
#include <string>
#include <utility>

#include "kube/cpprest/cpprest_transport.h"
#include "tests/scripted_server/scripted_server.h"

namespace kube::testing {

inline ClusterConfig ConfigFor(const scripted::ScriptedServer& server) {
  ClusterConfig config;
  config.server = server.url();
  config.ca_pem = server.ca_pem();
  config.credentials.fixed.token = "secret-token-1";
  return config;
}

inline std::unique_ptr<HttpTransport> MakeTransport(const ClusterConfig& config, TransportOptions options = {}) {
  auto made = MakeCpprestTransport(config, StaticCredential(config.credentials.fixed), options);
  EXPECT_TRUE(made) << (made ? "" : made.error().message);
  return made ? std::move(made).value() : nullptr;
}

inline Request Get(std::string target) {
  Request request;
  request.target = std::move(target);
  return request;
}

}  // namespace kube::testing
