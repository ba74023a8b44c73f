// `autotune bench URL`: what load does a running server sustain, on the terminal.
//
// ResultTable, ResultJson and LiveText are pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "bench/bench_spec.h"
#include "bench/result.h"
#include "cli/bench_options.h"
#include "measurement/window.h"

namespace autotune::cli {

// Exit code: 0 measured (with an SLO: something keeps it), 1 nothing keeps the SLO or the server does not answer, 2
// wrong input, 130 interrupted (what was measured is shown). The token comes from OPENAI_API_KEY.
int BenchUrl(const BenchOptions& options);

// Points as a table, and for each scenario a sentence with the limit.
std::string ResultTable(const bench::BenchSpec& spec, const bench::RunResult& result);
nlohmann::json ResultJson(const bench::BenchSpec& spec, const bench::RunResult& result, const std::string& url,
                          const std::string& model);
// One line, while a point is measured.
std::string LiveText(const measurement::PointSpec& spec, const measurement::Progress& progress);

}  // namespace autotune::cli
