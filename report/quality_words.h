// Texts about quality: the change against the baseline, whether it meets quality.maxDegradation, and what the words of
// both mean. Pure.
#pragma once

#include <string>
#include <vector>

#include "operator/api/autotune_task.h"
#include "quant/launch_plan.h"
#include "report/result_view.h"

namespace autotune::report {

// Quality against the baseline of the runtime, each with its measure: "perplexity +0.21% ±0.09%", "answers agree 93%
// (baseline with itself 97%)"; "reference" for the baseline itself; "" where it was not measured.
std::string QualityOf(const ResultRow& row);
// "7.389"; "" where it was not measured.
std::string AbsolutePerplexity(const api::ExperimentStatus& experiment);

// "quality undecided: +0.091% ±0.050%, allowed 0.09%": where neither side of quality.maxDegradation is certain, whether
// the row counts as within it or not; else "".
std::string UndecidedOf(const ResultRow& row);
// Why a row fails quality.maxDegradation: "exceeds maxDegradation of 0.1%", UndecidedOf(), "quality not known:
// no baseline to compare with"; "" if it counts as within the limit.
std::string LostQualityOf(const ResultRow& row);
// The same without numbers. REQUIRES: it fails.
std::string LostQualityWords(const ResultRow& row);

// What stands below a table with QualityOf() and LostQualityOf(): the reference, the limit, the words that occur, and
// what was not measured. "" if nothing of it is there.
std::string QualityNote(const api::AutotuneTask& task, const std::vector<ResultRow>& rows);
// Warnings of an experiment that the note or the row itself has.
bool IsInQualityNote(const quant::Warning& warning);

}  // namespace autotune::report
