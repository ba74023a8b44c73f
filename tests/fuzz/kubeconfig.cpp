// A kubeconfig: people's and tools' files, which say who is talked to and as whom.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "kube/client/config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const kube::Environment environment{[](const std::string&) { return std::nullopt; },
                                      [&](const std::string& path) -> base::Result<std::string> {
                                        if (path == "/k/config") return text;
                                        if (path.ends_with("token")) return std::string("a-token\n");
                                        return base::Error{base::Code::kNotFound, path + ": no such file"};
                                      }};
  const auto config = kube::KubeconfigConfig({"/k/config", ""}, environment);
  if (config && config->server.empty()) abort();
  if (!config && config.error().message.empty()) abort();
  return 0;
}
