// Texts about quality: the change from the baseline, whether it meets quality.maxDegradation, and explanations of both.
// Pure.
#pragma once

#include <string>
#include <vector>

#include "operator/api/autotune_task.h"
#include "quant/launch_plan.h"
#include "report/result_view.h"

namespace autotune::report {

// Quality relative to the runtime's baseline, by measure: "perplexity +0.21% ±0.09%", "answers agree 93% (baseline with
// itself 97%)"; "reference" for the baseline itself; "" if it was not measured.
std::string QualityOf(const ResultRow& row);
// The perplexity, "7.389"; "" if it was not measured.
std::string AbsolutePerplexity(const api::ExperimentStatus& experiment);

// "quality undecided: +0.091% ±0.050%, allowed 0.09%" if quality.maxDegradation is within the interval, whether or not
// the row counts as meeting it; else "".
std::string UndecidedOf(const ResultRow& row);
// Why a row fails quality.maxDegradation: "exceeds maxDegradation of 0.1%", UndecidedOf(), or "quality not known: no
// baseline to compare with"; "" if it does not fail.
std::string LostQualityOf(const ResultRow& row);
// The same without numbers. REQUIRES: the row fails quality.maxDegradation.
std::string LostQualityWords(const ResultRow& row);

// Note below a table with QualityOf() and LostQualityOf(): the reference, the limit, the terms used, and what was not
// measured. "" if none of these apply.
std::string QualityNote(const api::AutotuneTask& task, const std::vector<ResultRow>& rows);
// True for warnings of an experiment that the note or the row already contains.
bool IsInQualityNote(const quant::Warning& warning);

}  // namespace autotune::report
