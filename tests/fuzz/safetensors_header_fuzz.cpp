// Any bytes as the beginning of a safetensors file.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "checkpoint/safetensors_header.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace autotune::checkpoint;
  const auto header = ReadSafetensorsHeader({reinterpret_cast<const char*>(data), size}, "model.safetensors");
  if (header) (void)FloatDtype(*header).size();
  return 0;
}
