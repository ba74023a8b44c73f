// The catalogue of GPUs: data sheet and driver values of each product, and its names.
//
// Pure data, thread-safe. The only such table of the project; node labels of platforms are in
// operator/experiment/gpu_labels.h. A product that is missing here is not an error: nothing is assumed about it.
// Sources stand beside the rows.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gpu/compute_capability.h"

namespace autotune::gpu {

// Rates of one GPU: dense rates of the data sheet. 0 = the GPU has no such units, or the vendor does not publish the
// rate.
struct Rates {
  double bf16 = 0;  // FLOP/s; fp16 for GPUs without bf16 (V100, T4)
  double fp8 = 0;   // FLOP/s
  double fp4 = 0;   // FLOP/s, NVFP4 or MXFP4
  double int8 = 0;  // operations/s
  double memory_bytes = 0;
  // bytes/s to all other GPUs of the node together, one direction: NVLink or Infinity Fabric, else PCIe.
  double link_bytes = 0;
};

struct Product {
  std::string_view name;    // unique, as users write it: "h100", "a100-40gb", "mi300x"
  std::string_view driver;  // as the driver names it: "NVIDIA H100 80GB HBM3"
  // Words of a name that mean this product, then "|" and optional words. "," separates alternatives.
  std::string_view words;
  std::optional<ComputeCapability> capability;  // NVIDIA only
  std::string_view amd_architecture;            // LLVM target, "gfx942"; "" = not an AMD GPU
  std::int64_t mebibytes = 0;  // as the driver reports (nvidia-smi's total); 0 = differs between cards of this name
  Rates rates;
  // Memory that the CPU and the GPU share, if the driver reports none for the GPU: an upper bound. 0 = the GPU has its
  // own memory.
  std::int64_t shared_mebibytes = 0;

  [[nodiscard]] bool nvidia() const { return amd_architecture.empty(); }
};

// CUDA reports a little less total memory than nvidia-smi: 79.19 of 79.65 GiB on an H100 (recorded).
inline constexpr double kCudaShare = 79.19 / (81559 / 1024.0);

// Among products that share a name, the most common one comes first.
std::span<const Product> Products();

// A name without what drivers and labellers append for a share of a GPU: "-MIG-1g.10gb" for a partition (Multi-Instance
// GPU), "-48Q" for a profile of NVIDIA vGPU, "-SHARED" for a GPU that several containers share. "-5722MiB" is this
// project's own: the virtual GPU of a cloud's instance that has only a part of a card, under the whole card's name.
struct NameParts {
  std::string product;       // spelled as in the input; for a vGPU the name of its board: "GRID-A100X", "NVIDIA H100XM"
  std::string partition;     // "1g.10gb"; for a vGPU "48Q", "1-10C", "5722MiB"; "" = a whole GPU
  bool virtual_gpu = false;  // partition is a profile of NVIDIA vGPU, or the memory of a virtual GPU
  bool by_memory = false;    // the latter
  bool shared = false;
};
NameParts SplitName(std::string_view name);

// The name of a virtual GPU by its memory: "l4" and 5722 give "l4-5722MiB".
std::string NameOfPart(std::string_view product, std::int64_t mebibytes);

// Memory of a partition in MiB, from its name; 0 = the name has none.
std::int64_t PartitionMebibytes(std::string_view partition);

// Every product that `name` may mean, in any spelling: "h100" means H100s of all shapes; "NVIDIA-H100-80GB-HBM3" and
// "nvidia-h100-mega-80gb" mean one. Suffixes for sharing and partitions are ignored: rates and memory are those of the
// whole GPU (see SplitName). Empty for an unknown name.
std::vector<const Product*> ProductsNamed(std::string_view name);

// The most common product of that name; null for an unknown name.
const Product* FindProduct(std::string_view name);

// True if `architecture` ("gfx942") belongs to an AMD GPU of the catalogue.
bool IsKnownAmdArchitecture(std::string_view architecture);

// True if `memory_bytes` is only an upper bound for this product: the CPU shares the memory (shared_mebibytes).
bool IsUpperBound(std::string_view name, std::int64_t memory_bytes);

// FindProduct for user input: kInvalid lists the known names.
base::Result<const Product*> ReadProduct(std::string_view name);

}  // namespace autotune::gpu
