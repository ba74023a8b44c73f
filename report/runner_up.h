// Why the second-best configuration of a task is not the best, from measurements. Pure.
#pragma once

#include <string>
#include <vector>

#include "operator/api/autotune_task.h"
#include "quant/rules.h"
#include "report/result_view.h"

namespace autotune::report {

// The experiment with the highest score after the best one; null if there is none. Ignores fresh starts.
const ResultRow* RunnerUp(const std::vector<ResultRow>& rows);

// One to four sentences: the distance of the second to the best with its interval; a tie, or the limit that stopped it
// and the reason in the engine; configurations that were faster and lose too much quality; one that is cheaper.
//   "e4-1f0c9a (dynamic-fp8, --max-num-seqs 128): 31.2% (29.2% to 33.1%) below the best. It met the SLO up to 128 in
//   flight (the best: 224); 256 in flight missed slo.ttft.p99 (612 ms, allowed 500 ms). There 121 requests waited for a
//   place in the batch while the KV cache was 34% full."
// "" without a best configuration, or if it is the only experiment.
std::string RunnerUpText(const api::AutotuneTask& task, const std::vector<ResultRow>& rows,
                         const quant::RuleSet& rules);

}  // namespace autotune::report
