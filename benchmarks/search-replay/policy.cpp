#include "benchmarks/search-replay/policy.h"

#include <map>
#include <string>

#include "base/keyed_random.h"
#include "benchmarks/search-replay/baseline_policies.h"
#include "benchmarks/search-replay/product_policy.h"

namespace autotune::search_replay {

engine_model::WeightFormat WeightFormatOf(std::string_view precision) {
  if (precision == "fp8") return engine_model::WeightFormat::kFp8;
  if (precision == "fp4") return engine_model::WeightFormat::kFp4;
  if (precision == "int8") return engine_model::WeightFormat::kInt8;
  if (precision == "int4") return engine_model::WeightFormat::kInt4;
  return engine_model::WeightFormat::kBf16;
}

void KeyByContent(tuning::search::Space* space) {
  std::map<std::string, std::uint64_t> copies;
  for (tuning::search::Candidate& c : space->candidates) {
    const auto& f = c.features;
    const auto& s = f.shape;
    std::string content = f.engine + '|' + f.precision + '|' + f.cache_dtype + '|' + f.draft;
    for (const int number : {s.gpus, s.tensor_parallel, s.pipeline_parallel, s.data_parallel, s.expert_parallel,
                             s.max_num_seqs, s.max_batched_tokens, static_cast<int>(s.eager)}) {
      content += '|' + std::to_string(number);
    }
    for (const double load : c.loads) content += '|' + std::to_string(load);
    c.key = base::Key({base::Fnv1a(content), copies[content]++});
  }
}

std::unique_ptr<Policy> MakePolicy(std::string_view name, int confirmations) {
  if (name == "product") return std::make_unique<ProductPolicy>(confirmations);
  return MakeBaselinePolicy(name);
}

}  // namespace autotune::search_replay
