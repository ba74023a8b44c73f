// Reads the dataset files of a bench run: the requests of its workload, and questions with reference answers.
//
// Blocking, stateless. The inspection pod reads the files before an experiment gets a GPU; each bench run reads them
// before its engine is ready.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bench/bench_spec.h"
#include "measurement/questions.h"
#include "measurement/workload.h"

namespace autotune::bench {

// Returns the entries of spec.dataset. kInvalid, with file and line or entry: not parsable, a request that the endpoint
// does not support or that exceeds the context, or no rate in the timestamps. REQUIRES: spec.dataset is set.
base::Result<std::vector<measurement::DatasetEntry>> ReadDatasetOf(const BenchSpec& spec);

// Returns the questions of the spec; empty if it has none. kInvalid, with file and line: a row is invalid, or certainly
// exceeds the context.
base::Result<measurement::QuestionSet> ReadQuestionsOf(const BenchSpec& spec);

// The same for the content of a file. `name`: name of the file, for messages. REQUIRES: spec.dataset or
// spec.quality.questions is set, respectively.
base::Result<std::vector<measurement::DatasetEntry>> DatasetOfText(const BenchSpec& spec, std::string_view bytes,
                                                                   const std::string& name);
base::Result<measurement::QuestionSet> QuestionsOfText(const BenchSpec& spec, std::string_view bytes,
                                                       const std::string& name);

// How the questions are judged, for people: "exam.jsonl: 120 questions: 80 by choices (likelihood), 40 by number; not
// sent: type".
std::string QuestionsText(const BenchSpec& spec, const measurement::QuestionSet& questions);

// Returns the last component of a path, for messages.
std::string FileName(const std::string& path);

}  // namespace autotune::bench
