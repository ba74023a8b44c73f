// UserAgent: name of a program in the API server's audit log.
#pragma once

#include <string>

namespace kube {

// "autotune-operator/0.1.0 (linux/arm64)": the platform is the one that the program was compiled for, in Go's terms, as
// other clients write it.
std::string UserAgent(const std::string& program, const std::string& version);

}  // namespace kube
