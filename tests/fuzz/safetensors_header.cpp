// Any bytes as the beginning of a safetensors file.

#include "checkpoint/safetensors_header.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace autotune::checkpoint;
  const auto header = ReadSafetensorsHeader({reinterpret_cast<const char*>(data), size}, "model.safetensors");
  if (header) (void)FloatDtype(*header).size();
  return 0;
}
