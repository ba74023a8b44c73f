// Whether GPUs can split a model's matrices: attention heads, widths, blocks that share a scale, and tiles of the
// kernels for quantized weights. Engines do not start otherwise.
//
// Pure, thread-safe. Sources: the parallel layers of vLLM and SGLang. Differences between engines and releases are in
// their tables (ExpertBlock, tiles).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "checkpoint/model_facts.h"
#include "quant/condition.h"
#include "quant/engine_table.h"
#include "quant/launch_plan.h"

namespace autotune::quant {

// Number of GPUs that split each of these; 1 = each GPU has it whole.
struct Shares {
  int tensor = 1;     // a layer that is neither attention nor an expert
  int attention = 1;  // the attention heads
  int expert = 1;
  std::string field;  // field that sets the tensor parallel size, for messages
};

// A size that a rule needs and the checkpoint's files do not contain: `so` was not checked.
struct NotKnownSize {
  std::string field, what, so;
};

struct ShardingFindings {
  std::optional<Rejection> rejection;  // the first one found
  std::vector<NotKnownSize> not_known;
  bool heads_fit = true;  // false: later checks were skipped
};

// `facts`: input of the tiles' guards.
ShardingFindings CheckSharding(const checkpoint::ModelFacts& model, const Shares& shares, const EngineTable& table,
                               const Version& release, const FactSource& facts);

}  // namespace autotune::quant
