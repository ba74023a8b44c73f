#include "tuning/search/crash_model.h"

#include <algorithm>

#include "tuning/search/constants.h"

namespace autotune::tuning::search {

std::string ClassOf(const Features& features) {
  std::string out = features.engine;
  for (const std::string* part : {&features.precision, &features.cache_dtype, &features.draft}) out += '|' + *part;
  if (features.gpu > 0) out += '|' + std::to_string(features.gpu);
  return out;
}

CrashModel::CrashModel(const Space& space, const std::vector<Start>& starts) : space_(&space) {
  // A candidate counts once, however often it was started.
  std::map<std::size_t, bool> survived;
  for (const Start& start : starts) {
    if (start.outcome == StartOutcome::kInfrastructure) continue;
    survived[start.candidate] |= start.outcome == StartOutcome::kOk;
  }
  for (const auto& [candidate, ok] : survived) {
    const Features& f = space.candidates[candidate].features;
    for (Count* count : {&engines_[f.engine], &classes_[ClassOf(f)]}) {
      count->tried += 1;
      count->ok += ok ? 1 : 0;
    }
  }
}

CrashModel::Count CrashModel::CountOf(const std::map<std::string, Count>& counts, const std::string& key) {
  const auto found = counts.find(key);
  return found == counts.end() ? Count{} : found->second;
}

bool CrashModel::Suspended(std::size_t candidate) const {
  const Count of_class = CountOf(classes_, ClassOf(space_->candidates[candidate].features));
  return of_class.ok == 0 && of_class.tried >= constants::kCrashesOfClass;
}

double CrashModel::StartProbability(std::size_t candidate) const {
  const Features& f = space_->candidates[candidate].features;
  const Count engine = CountOf(engines_, f.engine);
  const Count of_class = CountOf(classes_, ClassOf(f));
  const double of_engine = (constants::kEngineSuccesses + engine.ok) / (constants::kEngineTrials + engine.tried);
  const double p = (constants::kClassTrials * of_engine + of_class.ok) / (constants::kClassTrials + of_class.tried);
  return Suspended(candidate) ? std::min(p, constants::kSuspendedProbability) : p;
}

}  // namespace autotune::tuning::search
