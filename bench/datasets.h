// The files that a bench reads: the requests of its workload, and questions with references.
//
// Blocking; no state. The inspection reads them before an experiment gets a GPU, and each bench before its engine is
// ready.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "bench/bench_spec.h"
#include "measurement/questions.h"
#include "measurement/workload.h"

namespace autotune::bench {

// The entries of the spec's dataset. kInvalid, with the file and the line or entry: a line that cannot be read, a
// request that the endpoint does not take or the context does not hold, timestamps that no rate can be made of.
// REQUIRES: spec.dataset.
base::Result<std::vector<measurement::DatasetEntry>> ReadDatasetOf(const BenchSpec& spec);

// Empty without questions; kInvalid names file and line.
base::Result<std::vector<measurement::Question>> ReadQuestionsOf(const BenchSpec& spec);

// The last part of a path, as messages name it.
std::string FileName(const std::string& path);

}  // namespace autotune::bench
