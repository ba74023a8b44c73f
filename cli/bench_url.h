// `autotune bench URL`: measures the highest load of a running server and prints it.
//
// BenchUrl blocks until the measurement ends. ResultTable, ResultJson, PointText and LiveText are pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "bench/bench_spec.h"
#include "bench/result.h"
#include "cli/bench_options.h"
#include "measurement/window.h"

namespace autotune::cli {

// Exit code: 0 measured (with an SLO: a load meets it), 1 no load meets the SLO or the server does not respond, 2
// invalid input, 130 interrupted. Results before an error or an interruption are printed. The token is read from
// OPENAI_API_KEY.
int BenchUrl(const BenchOptions& options);

// Points as a table, and a sentence with the limit of each scenario.
std::string ResultTable(const bench::BenchSpec& spec, const bench::RunResult& result);
nlohmann::json ResultJson(const bench::BenchSpec& spec, const bench::RunResult& result, const std::string& url,
                          const std::string& model);
// One line for a complete point.
std::string PointText(const measurement::Slo& slo, const measurement::Point& point);
// One line for a point that is being measured.
std::string LiveText(const measurement::PointSpec& spec, const measurement::Progress& progress);

}  // namespace autotune::cli
