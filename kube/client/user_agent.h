// UserAgent: what a program is called in the API server's audit log.
#pragma once

#include <string>

namespace kube {

// "autotune-operator/0.1.0 (linux/arm64)": with the platform that the program was compiled for, in Go's words, as other
// clients have it in the audit log.
std::string UserAgent(const std::string& program, const std::string& version);

}  // namespace kube
