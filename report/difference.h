// Text of the differences between a running Deployment and the best configuration. Pure.
#pragma once

#include <string>

#include "operator/api/autotune_task.h"

namespace autotune::report {

// "image", "arguments", "node selection".
std::string PartText(api::Difference::Part part);
// One side of a line: "--max-num-seqs 64", "cpu: 8".
std::string SideText(const api::Difference::Line& line, const std::string& value);
// "3 settings differ, 9 are the same".
std::string DifferenceSummary(const api::Difference& difference);

// In the format of `diff`: removed lines with "-", added lines with "+". REQUIRES: difference.compared().
std::string DifferenceText(const api::Difference& difference, const std::string& task);

}  // namespace autotune::report
