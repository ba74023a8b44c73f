// The files of quant/engines/, compiled in. Immutable, thread-safe. Internal to quant/.
#pragma once

#include <span>
#include <string_view>

namespace autotune::quant {

struct BuiltInTable {
  std::string_view name;  // "vllm.yaml", "vllm.flags.yaml"
  std::string_view text;
};

std::span<const BuiltInTable> BuiltInTables();

}  // namespace autotune::quant
