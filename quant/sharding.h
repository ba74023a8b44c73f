// Whether GPUs can split a model's matrices: attention heads, widths, the blocks that share a scale, and the tiles of
// the kernels for quantized weights. No engine starts where they cannot.
//
// Pure, thread-safe. Sources: the parallel layers of vLLM and SGLang; what differs between engines and releases is in
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

// How many GPUs split one of each; 1 = a GPU has it whole.
struct Shares {
  int tensor = 1;     // a layer that is neither attention nor an expert
  int attention = 1;  // the attention heads
  int expert = 1;
  std::string field;  // what sets the tensor parallel size, for messages
};

// A size that a rule needs and that the checkpoint's files do not have: "so" was not checked.
struct NotKnownSize {
  std::string field, what, so;
};

struct ShardingFindings {
  std::optional<Rejection> rejection;  // the first
  std::vector<NotKnownSize> not_known;
  bool heads_fit = true;  // false: nothing behind the heads was checked
};

// `facts`: what the guards of tiles ask for.
ShardingFindings CheckSharding(const checkpoint::ModelFacts& model, const Shares& shares, const EngineTable& table,
                               const Version& release, const FactSource& facts);

}  // namespace autotune::quant
