// metav1.MicroTime: the time format of events and leases. Pure.
#pragma once

#include <string>

#include "base/clock.h"

namespace kube::runtime {

// RFC 3339 in UTC with exactly six decimals: "2026-11-22T17:46:05.123000Z".
std::string FormatMicroTime(base::WallTime time);

}  // namespace kube::runtime
