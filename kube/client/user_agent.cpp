#include "kube/client/user_agent.h"

namespace kube {

std::string UserAgent(const std::string& program, const std::string& version) {
#if defined(__x86_64__)
  constexpr const char* kArchitecture = "amd64";
#elif defined(__aarch64__)
  constexpr const char* kArchitecture = "arm64";
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
  constexpr const char* kArchitecture = "ppc64le";
#elif defined(__s390x__)
  constexpr const char* kArchitecture = "s390x";
#elif defined(__riscv) && __riscv_xlen == 64
  constexpr const char* kArchitecture = "riscv64";
#else
  constexpr const char* kArchitecture = "unknown";
#endif
  return program + "/" + version + " (linux/" + kArchitecture + ")";
}

}  // namespace kube
