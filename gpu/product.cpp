#include "gpu/product.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/ascii_case.h"

namespace autotune::gpu {
namespace {

constexpr double kTera = 1e12;
constexpr double kGiga = 1e9;
constexpr double kPcie3 = 16, kPcie4 = 32, kPcie5 = 64;  // GB/s of sixteen lanes, one direction

// Tera-operations, TB/s and GB/s as data sheets print them.
constexpr Rates Sheet(double bf16, double fp8, double fp4, double int8, double memory_tb, double link_gb) {
  return {bf16 * kTera, fp8 * kTera, fp4 * kTera, int8 * kTera, memory_tb * kTera, link_gb * kGiga};
}

constexpr Product Nvidia(std::string_view name, std::string_view driver, std::string_view words,
                         ComputeCapability capability, std::int64_t mebibytes, Rates rates) {
  return {name, driver, words, capability, "", mebibytes, rates};
}

// A card for workstations or PCs, whose data sheet prints tensor rates with sparsity and boost, or none: only the
// memory's rate is known. Nothing is simulated on it.
constexpr Product Card(std::string_view name, std::string_view driver, std::string_view words,
                       ComputeCapability capability, std::int64_t mebibytes, double memory_gb, double link_gb) {
  return {name, driver, words, capability, "", mebibytes, Sheet(0, 0, 0, 0, memory_gb / 1000, link_gb)};
}

constexpr Product WithSharedMemory(Product product, std::int64_t mebibytes) {
  product.shared_mebibytes = mebibytes;
  return product;
}

constexpr Product Amd(std::string_view name, std::string_view driver, std::string_view words,
                      std::string_view architecture, std::int64_t gibibytes, Rates rates) {
  return {name, driver, words, std::nullopt, architecture, gibibytes * 1024, rates};
}

// Rates: the product's data sheet or architecture whitepaper (nvidia.com, amd.com), halved where it prints rates with
// sparsity; links: NVLink's total halved. Capability: NVIDIA's table of CUDA GPUs. Memory: nvidia-smi's total, as GPU
// Feature Discovery labels it. AMD targets and memory: rocm.docs.amd.com, "GPU hardware specifications"; memory is what
// the driver counts as one GPU, half of an MI250.
constexpr std::array kProducts = {
    // Blackwell: NVIDIA Blackwell architecture brief, DGX B200 and B300, GB200 and GB300 NVL72 data sheets.
    Nvidia("b200", "NVIDIA B200", "b200|180gb 192gb hbm3e sxm sxm6 nvlink", {10, 0}, 183359,
           Sheet(2250, 4500, 9000, 4500, 7.7, 900)),
    Nvidia("gb200", "NVIDIA GB200", "gb200|nvl4 nvl72", {10, 0}, 189471, Sheet(2500, 5000, 10000, 5000, 8.0, 900)),
    Nvidia("b300", "NVIDIA B300 SXM6 AC", "b300|sxm sxm6 ac hbm3e 288gb", {10, 3}, 275040,
           Sheet(2250, 4500, 14000, 0, 7.75, 900)),
    Nvidia("gb300", "NVIDIA GB300", "gb300|nvl72", {10, 3}, 284208, Sheet(2500, 5000, 15000, 0, 8.0, 900)),
    Nvidia("rtx-pro-6000", "NVIDIA RTX PRO 6000 Blackwell Server Edition",
           "rtx pro 6000|blackwell server edition 96gb bse dc", {12, 0}, 97887,
           Sheet(500, 1000, 2000, 1000, 1.597, kPcie5)),
    Nvidia("rtx-pro-6000-workstation", "NVIDIA RTX PRO 6000 Blackwell Workstation Edition",
           "rtx pro 6000|blackwell workstation edition 96gb max q maxq", {12, 0}, 97887,
           Sheet(500, 1000, 2000, 1000, 1.792, kPcie5)),
    // Their memory differs between editions that share the name; tensor rates are not documented for dense matrices.
    Nvidia("rtx-pro-5000", "NVIDIA RTX PRO 5000 Blackwell", "rtx pro 5000|blackwell 48gb 72gb", {12, 0}, 0,
           Sheet(0, 0, 0, 0, 1.344, kPcie5)),
    Nvidia("rtx-pro-4500", "NVIDIA RTX PRO 4500 Blackwell", "rtx pro 4500|blackwell server edition 32gb", {12, 0}, 0,
           Sheet(0, 0, 0, 0, 0.896, kPcie5)),
    Nvidia("rtx-5090", "NVIDIA GeForce RTX 5090", "5090|geforce rtx", {12, 0}, 32607,
           Sheet(209.5, 419, 1676, 838, 1.792, kPcie5)),
    Card("rtx-pro-4000", "NVIDIA RTX PRO 4000 Blackwell", "rtx pro 4000|blackwell 24gb", {12, 0}, 24467, 672, kPcie5),
    Card("rtx-pro-4000-sff", "NVIDIA RTX PRO 4000 Blackwell SFF Edition", "rtx pro 4000 sff|blackwell edition 24gb",
         {12, 0}, 0, 432, kPcie5),
    Card("rtx-pro-2000", "NVIDIA RTX PRO 2000 Blackwell", "rtx pro 2000|blackwell 16gb", {12, 0}, 0, 288, kPcie5),
    Card("rtx-5090-d", "NVIDIA GeForce RTX 5090 D", "5090 d|geforce rtx v2", {12, 0}, 0, 0, kPcie5),
    Card("rtx-5080", "NVIDIA GeForce RTX 5080", "5080|geforce rtx", {12, 0}, 16303, 960, kPcie5),
    Card("rtx-5070-ti", "NVIDIA GeForce RTX 5070 Ti", "5070 ti|geforce rtx", {12, 0}, 16303, 896, kPcie5),
    Card("rtx-5070", "NVIDIA GeForce RTX 5070", "5070|geforce rtx", {12, 0}, 12227, 672, kPcie5),
    // With 8 or 16 GB.
    Card("rtx-5060-ti", "NVIDIA GeForce RTX 5060 Ti", "5060 ti|geforce rtx", {12, 0}, 0, 448, kPcie5 / 2),
    Card("rtx-5060", "NVIDIA GeForce RTX 5060", "5060|geforce rtx", {12, 0}, 8151, 448, kPcie5 / 2),
    Card("rtx-5050", "NVIDIA GeForce RTX 5050", "5050|geforce rtx", {12, 0}, 0, 320, kPcie5 / 2),
    // One memory for CPU and GPU: NVML reports none (NVML_ERROR_NOT_SUPPORTED). DGX Spark: 128 GB; Jetson T5000: 128
    // GB,
    // T4000: 64 GB. Rates are not documented.
    WithSharedMemory(Nvidia("gb10", "NVIDIA GB10", "gb10|", {12, 1}, 0, Sheet(0, 0, 500, 0, 0.273, 0)), 131072),
    WithSharedMemory(Card("thor", "NVIDIA Thor", "thor|jetson agx t5000 t4000", {11, 0}, 0, 273, 0), 131072),
    // Hopper: H100, H200 and GH200 data sheets.
    Nvidia("h100", "NVIDIA H100 80GB HBM3", "h100|80gb hbm3 sxm sxm5 mega nvlink", {9, 0}, 81559,
           Sheet(989.4, 1978.9, 0, 1978.9, 3.35, 450)),
    Nvidia("h100-pcie", "NVIDIA H100 PCIe", "h100|pcie 80gb hbm2e", {9, 0}, 81559,
           Sheet(756, 1513, 0, 1513, 2.0, kPcie5)),
    Nvidia("h100-nvl", "NVIDIA H100 NVL", "h100|nvl 94gb hbm3", {9, 0}, 95830, Sheet(835, 1671, 0, 1671, 3.9, kPcie5)),
    Nvidia("h200", "NVIDIA H200", "h200|141gb hbm3e sxm sxm5 nvlink", {9, 0}, 143771,
           Sheet(989.4, 1978.9, 0, 1978.9, 4.8, 450)),
    Nvidia("h200-nvl", "NVIDIA H200 NVL", "h200|nvl 141gb", {9, 0}, 143771, Sheet(835, 1671, 0, 1671, 4.8, kPcie5)),
    Nvidia("gh200", "NVIDIA GH200 480GB", "gh200|480gb 120gb 96gb hbm3", {9, 0}, 97871,
           Sheet(989.4, 1978.9, 0, 1978.9, 4.0, 450)),
    // 144 GB of HBM3e beside the same memory of the CPU; how much of it the driver reports is not documented.
    Nvidia("gh200-144gb", "NVIDIA GH200 144G HBM3e", "gh200|144g 144gb hbm3e", {9, 0}, 0,
           Sheet(989.4, 1978.9, 0, 1978.9, 4.9, 450)),
    Nvidia("h20-141gb", "NVIDIA H20-3e", "h20 3e|141gb hbm3e,h20 141gb|hbm3e", {9, 0}, 143771,
           Sheet(148, 296, 0, 296, 4.8, 450)),
    Nvidia("h20", "NVIDIA H20", "h20|96gb hbm3", {9, 0}, 97871, Sheet(148, 296, 0, 296, 4.0, 450)),
    Nvidia("h800", "NVIDIA H800", "h800|80gb hbm3 sxm sxm5", {9, 0}, 81559, Sheet(989.4, 1978.9, 0, 1978.9, 3.35, 200)),
    Nvidia("h800-pcie", "NVIDIA H800 PCIe", "h800|pcie 80gb hbm2e", {9, 0}, 81559,
           Sheet(756, 1513, 0, 1513, 2.0, kPcie5)),
    // Ada Lovelace: L4, L40, L40S and RTX 6000 Ada data sheets, Ada whitepaper.
    Nvidia("l40s", "NVIDIA L40S", "l40s|48gb", {8, 9}, 46068, Sheet(362, 733, 0, 733, 0.864, kPcie4)),
    Nvidia("l40", "NVIDIA L40", "l40|48gb", {8, 9}, 46068, Sheet(181, 362, 0, 362, 0.864, kPcie4)),
    Nvidia("l20", "NVIDIA L20", "l20|48gb", {8, 9}, 46068, Sheet(119.5, 239, 0, 239, 0.864, kPcie4)),
    Nvidia("l4", "NVIDIA L4", "l4|24gb", {8, 9}, 23034, Sheet(121, 242, 0, 242, 0.3, kPcie4)),
    Nvidia("rtx-6000-ada", "NVIDIA RTX 6000 Ada Generation", "6000 ada|rtx generation", {8, 9}, 49140,
           Sheet(364.2, 728.5, 0, 728.5, 0.96, kPcie4)),
    Nvidia("rtx-5000-ada", "NVIDIA RTX 5000 Ada Generation", "5000 ada|rtx generation", {8, 9}, 32760,
           Sheet(261.1, 522.1, 0, 522.1, 0.576, kPcie4)),
    Nvidia("rtx-4090", "NVIDIA GeForce RTX 4090", "4090|geforce rtx d", {8, 9}, 24564,
           Sheet(165.2, 330.3, 0, 660.6, 1.008, kPcie4)),
    Card("rtx-5880-ada", "NVIDIA RTX 5880 Ada Generation", "5880 ada|rtx generation", {8, 9}, 49140, 960, kPcie4),
    Card("rtx-4500-ada", "NVIDIA RTX 4500 Ada Generation", "4500 ada|rtx generation", {8, 9}, 24570, 432, kPcie4),
    Card("rtx-4000-ada", "NVIDIA RTX 4000 Ada Generation", "4000 ada|rtx generation", {8, 9}, 20475, 360, kPcie4),
    Card("rtx-4000-sff-ada", "NVIDIA RTX 4000 SFF Ada Generation", "4000 sff ada|rtx generation", {8, 9}, 20475, 280,
         kPcie4),
    Card("rtx-2000-ada", "NVIDIA RTX 2000 Ada Generation", "2000 ada|rtx generation", {8, 9}, 16380, 0, kPcie4 / 2),
    Card("l2", "NVIDIA L2", "l2|24gb", {8, 9}, 0, 0, kPcie4),
    Card("rtx-4080-super", "NVIDIA GeForce RTX 4080 SUPER", "4080 super|geforce rtx", {8, 9}, 16376, 736, kPcie4),
    Card("rtx-4080", "NVIDIA GeForce RTX 4080", "4080|geforce rtx", {8, 9}, 16376, 716.8, kPcie4),
    Card("rtx-4070-ti-super", "NVIDIA GeForce RTX 4070 Ti SUPER", "4070 ti super|geforce rtx", {8, 9}, 16376, 672,
         kPcie4),
    Card("rtx-4070-ti", "NVIDIA GeForce RTX 4070 Ti", "4070 ti|geforce rtx", {8, 9}, 12282, 504, kPcie4),
    Card("rtx-4070-super", "NVIDIA GeForce RTX 4070 SUPER", "4070 super|geforce rtx", {8, 9}, 12282, 504, kPcie4),
    Card("rtx-4070", "NVIDIA GeForce RTX 4070", "4070|geforce rtx", {8, 9}, 12282, 504, kPcie4),
    // With 8 or 16 GB.
    Card("rtx-4060-ti", "NVIDIA GeForce RTX 4060 Ti", "4060 ti|geforce rtx", {8, 9}, 0, 288, kPcie4 / 2),
    Card("rtx-4060", "NVIDIA GeForce RTX 4060", "4060|geforce rtx", {8, 9}, 8188, 272, kPcie4 / 2),
    // Ampere: A100, A30, A10, A40 data sheets, GA102 whitepaper; A10G: AWS's page of G5 instances.
    Nvidia("a100-80gb", "NVIDIA A100-SXM4-80GB", "a100|sxm sxm4 80gb hbm2e nvlink", {8, 0}, 81920,
           Sheet(312, 0, 0, 624, 2.039, 300)),
    Nvidia("a100-40gb", "NVIDIA A100-SXM4-40GB", "a100|sxm sxm4 40gb nvlink", {8, 0}, 40960,
           Sheet(312, 0, 0, 624, 1.555, 300)),
    Nvidia("a100-pcie-80gb", "NVIDIA A100 80GB PCIe", "a100|pcie 80gb hbm2e", {8, 0}, 81920,
           Sheet(312, 0, 0, 624, 1.935, kPcie4)),
    Nvidia("a100-pcie-40gb", "NVIDIA A100-PCIE-40GB", "a100|pcie 40gb", {8, 0}, 40960,
           Sheet(312, 0, 0, 624, 1.555, kPcie4)),
    Nvidia("a800", "NVIDIA A800-SXM4-80GB", "a800|sxm sxm4 80gb", {8, 0}, 81920, Sheet(312, 0, 0, 624, 2.039, 200)),
    Nvidia("a30", "NVIDIA A30", "a30|24gb", {8, 0}, 24576, Sheet(165, 0, 0, 330, 0.933, 100)),
    Nvidia("a40", "NVIDIA A40", "a40|48gb", {8, 6}, 46068, Sheet(149.7, 0, 0, 299.3, 0.696, kPcie4)),
    Nvidia("a10", "NVIDIA A10", "a10|24gb", {8, 6}, 23028, Sheet(125, 0, 0, 250, 0.6, kPcie4)),
    Nvidia("a10g", "NVIDIA A10G", "a10g|24gb", {8, 6}, 23028, Sheet(70, 0, 0, 140, 0.6, kPcie4)),
    Nvidia("rtx-a6000", "NVIDIA RTX A6000", "a6000|rtx 48gb", {8, 6}, 49140, Sheet(154.8, 0, 0, 309.7, 0.768, kPcie4)),
    Nvidia("rtx-3090", "NVIDIA GeForce RTX 3090", "3090|geforce rtx", {8, 6}, 24576,
           Sheet(71, 0, 0, 284, 0.936, kPcie4)),
    // The version with 64 GB of one supercomputer.
    Card("a100-64gb", "NVIDIA A100-SXM-64GB", "a100 64gb|sxm sxm4", {8, 0}, 0, 0, 300),
    Card("a800-pcie", "NVIDIA A800 80GB PCIe", "a800|pcie 80gb", {8, 0}, 81920, 1935, kPcie4),
    Card("a800-40gb", "NVIDIA A800 40GB Active", "a800|40gb active pcie", {8, 0}, 40960, 1555, kPcie4),
    Card("a16", "NVIDIA A16", "a16|64gb 16gb", {8, 6}, 15356, 200, kPcie4),
    Card("a2", "NVIDIA A2", "a2|16gb", {8, 6}, 15356, 200, kPcie4 / 2),
    Card("rtx-a5500", "NVIDIA RTX A5500", "a5500|rtx 24gb", {8, 6}, 24564, 768, kPcie4),
    Card("rtx-a5000", "NVIDIA RTX A5000", "a5000|rtx 24gb", {8, 6}, 24564, 768, kPcie4),
    Card("rtx-a4500", "NVIDIA RTX A4500", "a4500|rtx 20gb", {8, 6}, 20470, 640, kPcie4),
    Card("rtx-a4000", "NVIDIA RTX A4000", "a4000|rtx 16gb", {8, 6}, 16376, 448, kPcie4),
    Card("rtx-a2000", "NVIDIA RTX A2000", "a2000|rtx 6gb 12gb", {8, 6}, 0, 288, kPcie4),
    Card("rtx-3090-ti", "NVIDIA GeForce RTX 3090 Ti", "3090 ti|geforce rtx", {8, 6}, 24564, 1008, kPcie4),
    Card("rtx-3080-ti", "NVIDIA GeForce RTX 3080 Ti", "3080 ti|geforce rtx", {8, 6}, 12288, 912, kPcie4),
    // With 10 or 12 GB, and another rate then; the slower one.
    Card("rtx-3080", "NVIDIA GeForce RTX 3080", "3080|geforce rtx", {8, 6}, 0, 760, kPcie4),
    Card("rtx-3070-ti", "NVIDIA GeForce RTX 3070 Ti", "3070 ti|geforce rtx", {8, 6}, 8192, 608, kPcie4),
    Card("rtx-3070", "NVIDIA GeForce RTX 3070", "3070|geforce rtx", {8, 6}, 8192, 448, kPcie4),
    Card("rtx-3060-ti", "NVIDIA GeForce RTX 3060 Ti", "3060 ti|geforce rtx", {8, 6}, 8192, 448, kPcie4),
    // With 8 or 12 GB, and with 6 or 8.
    Card("rtx-3060", "NVIDIA GeForce RTX 3060", "3060|geforce rtx", {8, 6}, 0, 240, kPcie4),
    Card("rtx-3050", "NVIDIA GeForce RTX 3050", "3050|geforce rtx", {8, 6}, 0, 0, kPcie4 / 2),
    // GPUs of laptops are other chips than the cards of their name. Memory only where all laptops have the same.
    Card("rtx-5090-laptop", "NVIDIA GeForce RTX 5090 Laptop GPU", "5090 laptop|geforce rtx gpu", {12, 0}, 0, 896, 0),
    Card("rtx-5080-laptop", "NVIDIA GeForce RTX 5080 Laptop GPU", "5080 laptop|geforce rtx gpu", {12, 0}, 0, 896, 0),
    Card("rtx-5070-ti-laptop", "NVIDIA GeForce RTX 5070 Ti Laptop GPU", "5070 ti laptop|geforce rtx gpu", {12, 0}, 0,
         672, 0),
    Card("rtx-5070-laptop", "NVIDIA GeForce RTX 5070 Laptop GPU", "5070 laptop|geforce rtx gpu", {12, 0}, 0, 384, 0),
    Card("rtx-5060-laptop", "NVIDIA GeForce RTX 5060 Laptop GPU", "5060 laptop|geforce rtx gpu", {12, 0}, 0, 384, 0),
    Card("rtx-5050-laptop", "NVIDIA GeForce RTX 5050 Laptop GPU", "5050 laptop|geforce rtx gpu", {12, 0}, 0, 0, 0),
    Card("rtx-4090-laptop", "NVIDIA GeForce RTX 4090 Laptop GPU", "4090 laptop|geforce rtx gpu", {8, 9}, 16376, 576, 0),
    Card("rtx-4080-laptop", "NVIDIA GeForce RTX 4080 Laptop GPU", "4080 laptop|geforce rtx gpu", {8, 9}, 12282, 432, 0),
    Card("rtx-4070-laptop", "NVIDIA GeForce RTX 4070 Laptop GPU", "4070 laptop|geforce rtx gpu", {8, 9}, 8188, 256, 0),
    Card("rtx-4060-laptop", "NVIDIA GeForce RTX 4060 Laptop GPU", "4060 laptop|geforce rtx gpu", {8, 9}, 8188, 256, 0),
    Card("rtx-4050-laptop", "NVIDIA GeForce RTX 4050 Laptop GPU", "4050 laptop|geforce rtx gpu", {8, 9}, 6141, 0, 0),
    Card("rtx-3080-ti-laptop", "NVIDIA GeForce RTX 3080 Ti Laptop GPU", "3080 ti laptop|geforce rtx gpu", {8, 6}, 16384,
         512, 0),
    Card("rtx-3080-laptop", "NVIDIA GeForce RTX 3080 Laptop GPU", "3080 laptop|geforce rtx gpu", {8, 6}, 0, 448, 0),
    Card("rtx-3070-ti-laptop", "NVIDIA GeForce RTX 3070 Ti Laptop GPU", "3070 ti laptop|geforce rtx gpu", {8, 6}, 8192,
         448, 0),
    Card("rtx-3070-laptop", "NVIDIA GeForce RTX 3070 Laptop GPU", "3070 laptop|geforce rtx gpu", {8, 6}, 8192, 448, 0),
    Card("rtx-3060-laptop", "NVIDIA GeForce RTX 3060 Laptop GPU", "3060 laptop|geforce rtx gpu", {8, 6}, 6144, 336, 0),
    // Before Ampere: engines start on few of them, and say so less clearly than the compute capability does.
    Card("titan-rtx", "NVIDIA TITAN RTX", "titan rtx|", {7, 5}, 24576, 672, kPcie3),
    Card("quadro-rtx-8000", "Quadro RTX 8000", "quadro 8000|rtx", {7, 5}, 0, 672, kPcie3),
    Card("quadro-rtx-6000", "Quadro RTX 6000", "quadro 6000|rtx", {7, 5}, 0, 672, kPcie3),
    Card("quadro-rtx-5000", "Quadro RTX 5000", "quadro 5000|rtx", {7, 5}, 0, 448, kPcie3),
    Card("quadro-rtx-4000", "Quadro RTX 4000", "quadro 4000|rtx", {7, 5}, 8192, 416, kPcie3),
    Card("rtx-2080-ti", "NVIDIA GeForce RTX 2080 Ti", "2080 ti|geforce rtx", {7, 5}, 11264, 616, kPcie3),
    Card("rtx-2080-super", "NVIDIA GeForce RTX 2080 SUPER", "2080 super|geforce rtx", {7, 5}, 8192, 496, kPcie3),
    Card("rtx-2080", "NVIDIA GeForce RTX 2080", "2080|geforce rtx", {7, 5}, 8192, 448, kPcie3),
    Card("rtx-2070-super", "NVIDIA GeForce RTX 2070 SUPER", "2070 super|geforce rtx", {7, 5}, 8192, 448, kPcie3),
    Card("rtx-2070", "NVIDIA GeForce RTX 2070", "2070|geforce rtx", {7, 5}, 8192, 448, kPcie3),
    Card("rtx-2060-super", "NVIDIA GeForce RTX 2060 SUPER", "2060 super|geforce rtx", {7, 5}, 8192, 448, kPcie3),
    Card("rtx-2060", "NVIDIA GeForce RTX 2060", "2060|geforce rtx", {7, 5}, 0, 336, kPcie3),
    Card("t4g", "NVIDIA T4G", "t4g|16gb", {7, 5}, 0, 0, kPcie3),
    Card("titan-v", "NVIDIA TITAN V", "titan v|", {7, 0}, 0, 652.8, kPcie3),
    Card("gtx-1080-ti", "NVIDIA GeForce GTX 1080 Ti", "1080 ti|geforce gtx", {6, 1}, 11264, 484, kPcie3),
    Card("gtx-1080", "NVIDIA GeForce GTX 1080", "1080|geforce gtx", {6, 1}, 8192, 320, kPcie3),
    Card("gtx-1070", "NVIDIA GeForce GTX 1070", "1070|geforce gtx", {6, 1}, 8192, 256, kPcie3),
    Card("p40", "Tesla P40", "p40|24gb", {6, 1}, 0, 0, kPcie3),
    Card("p4", "Tesla P4", "p4|8gb", {6, 1}, 0, 0, kPcie3),
    Card("m60", "Tesla M60", "m60|", {5, 2}, 0, 0, kPcie3),
    Card("k80", "Tesla K80", "k80|", {3, 7}, 0, 0, kPcie3),
    // Pascal, Turing and Volta: P100, T4 and V100 data sheets.
    Nvidia("p100", "Tesla P100-PCIE-16GB", "p100|pcie sxm2 12gb 16gb", {6, 0}, 0, Sheet(0, 0, 0, 0, 0.732, kPcie3)),
    Card("t10", "Tesla T10", "t10|16gb", {7, 5}, 0, 320, kPcie3),
    Nvidia("t4", "Tesla T4", "t4|16gb", {7, 5}, 15360, Sheet(65, 0, 0, 130, 0.32, kPcie3)),
    Nvidia("v100-16gb", "Tesla V100-SXM2-16GB", "v100|sxm sxm2 dgxs 16gb n ls", {7, 0}, 16160,
           Sheet(125, 0, 0, 0, 0.9, 150)),
    Card("v100-pcie-16gb", "Tesla V100-PCIE-16GB", "v100|pcie 16gb", {7, 0}, 0, 900, kPcie3),
    Nvidia("v100-32gb", "Tesla V100-SXM2-32GB", "v100|sxm sxm2 sxm3 dgxs 32gb n ls h", {7, 0}, 32510,
           Sheet(125, 0, 0, 0, 0.9, 150)),
    Card("v100-pcie-32gb", "Tesla V100-PCIE-32GB", "v100|pcie 32gb", {7, 0}, 0, 900, kPcie3),
    // AMD Instinct data sheets (CDNA 2, 3 and 4). Links: seven Infinity Fabric links a GPU, 64 (MI300) and 76.8 (MI350)
    // GB/s each.
    Amd("mi300x", "AMD Instinct MI300X", "mi300x|*", "gfx942", 192, Sheet(1307.4, 2614.9, 0, 2614.9, 5.3, 448)),
    Amd("mi325x", "AMD Instinct MI325X", "mi325x|*,mi325|*", "gfx942", 256, Sheet(1307.4, 2614.9, 0, 2614.9, 6.0, 448)),
    Amd("mi350x", "AMD Instinct MI350X", "mi350x|*,mi350|*", "gfx950", 288,
        Sheet(2306.9, 4613.7, 9227.5, 4613.7, 8.0, 537.6)),
    Amd("mi355x", "AMD Instinct MI355X", "mi355x|*,mi355|*", "gfx950", 288,
        Sheet(2516.6, 5033.2, 10066.3, 5033.2, 8.0, 537.6)),
    Amd("mi300a", "AMD Instinct MI300A", "mi300a|*", "gfx942", 128, Sheet(980.6, 1961.2, 0, 1961.2, 5.3, 384)),
    Amd("mi308x", "AMD Instinct MI308X", "mi308x|*,mi308|*", "gfx942", 192, Sheet(0, 0, 0, 0, 5.3, 448)),
    Amd("mi250x", "AMD Instinct MI250X", "mi250x|*", "gfx90a", 64, Sheet(191.5, 0, 0, 191.5, 1.638, 0)),
    Amd("mi250", "AMD Instinct MI250", "mi250|*", "gfx90a", 64, Sheet(181, 0, 0, 181, 1.638, 0)),
    Amd("mi210", "AMD Instinct MI210", "mi210|*", "gfx90a", 64, Sheet(181, 0, 0, 181, 1.638, 0)),
};

std::vector<std::string> Split(std::string_view text, std::string_view separators) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(separators), text.size());
    if (end > 0) parts.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

bool Has(const std::vector<std::string>& words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// "rtx3080ti" is "rtx", "3080", "ti", and "rtxa6000" is "rtx", "a6000", as some labellers write them.
void AddCardWords(std::string_view word, std::vector<std::string>& words) {
  const std::string_view series = word.substr(0, 3);
  const bool rtx = series == "rtx" && word.size() > 4 && (IsDigit(word[3]) || (word[3] == 'a' && IsDigit(word[4])));
  if (rtx || (series == "gtx" && word.size() > 4 && IsDigit(word[3]))) {
    words.emplace_back(series);
    word.remove_prefix(3);
  }
  constexpr std::size_t kDigits = 4;
  const bool number = word.size() > kDigits && std::ranges::all_of(word.substr(0, kDigits), IsDigit);
  if (!number) {
    words.emplace_back(word);
    return;
  }
  words.emplace_back(word.substr(0, kDigits));
  word.remove_prefix(kDigits);
  for (const std::string_view part : {"ti", "super", "sff", "ada", "d"}) {
    if (!word.starts_with(part)) continue;
    words.emplace_back(part);
    word.remove_prefix(part.size());
  }
  if (!word.empty()) words.back() += word;  // something else
}

// Boards as NVIDIA vGPU calls them where that is not the product's own name, or is the name of several products.
struct Board {
  std::string_view name, product;
};
// docs.nvidia.com/vgpu and /ai-enterprise, "Virtual GPU Types for Supported GPUs".
constexpr std::array kBoards = {
    Board{"a100", "a100-pcie-40gb"},
    Board{"a100x", "a100-40gb"},
    Board{"a100d", "a100-pcie-80gb"},
    Board{"a100dx", "a100-80gb"},
    Board{"a800", "a800-40gb"},
    Board{"a800d", "a800-pcie"},
    Board{"a800dx", "a800"},
    Board{"h100", "h100-pcie"},
    Board{"h100xm", "h100"},
    Board{"h100l", "h100-nvl"},
    Board{"h200", "h200-nvl"},
    Board{"h200x", "h200"},
    Board{"h800", "h800-pcie"},
    Board{"h800xm", "h800"},
    Board{"h20", "h20"},
    Board{"h20x", "h20-141gb"},
    Board{"rtx6000", "quadro-rtx-6000"},
    Board{"rtx6000p", "quadro-rtx-6000"},
    Board{"rtx8000", "quadro-rtx-8000"},
    Board{"rtx8000p", "quadro-rtx-8000"},
    Board{"v100", "v100-pcie-16gb"},
    Board{"v100x", "v100-16gb"},
    Board{"v100d", "v100-pcie-32gb"},
    Board{"v100dx", "v100-32gb"},
};

// The words of a name that tell products apart.
std::vector<std::string> WordsOf(std::string_view name) {
  constexpr std::array<std::string_view, 6> kVendors = {"nvidia", "amd", "tesla", "instinct", "corporation", "grid"};
  std::vector<std::string> words;
  for (const std::string& word : Split(base::AsciiLower(name), " -_/")) {
    if (std::ranges::find(kVendors, word) == kVendors.end()) AddCardWords(word, words);
  }
  return words;
}

// NVIDIA vGPU's series: for compute, workstations, PCs and applications.
bool IsProfileLetter(char c) { return std::string_view("ABCQabcq").find(c) != std::string_view::npos; }

// Where the profile of NVIDIA vGPU starts in a name in lower case: "nvidia a40-48q", "grid-a100x-1-5c". npos for none.
std::size_t ProfileStart(std::string_view lower) {
  constexpr std::string_view kSeparators = "- _";
  const std::size_t bar = lower.find_last_of(kSeparators);
  if (bar == std::string_view::npos || bar == 0 || lower.size() - bar < 3) return std::string_view::npos;
  const std::string_view last = lower.substr(bar + 1);
  if (!IsProfileLetter(last.back()) || !std::ranges::all_of(last.substr(0, last.size() - 1), IsDigit))
    return std::string_view::npos;
  // Slices of a MIG-backed vGPU.
  const bool slices = bar >= 3 && IsDigit(lower[bar - 1]) && kSeparators.find(lower[bar - 2]) != std::string_view::npos;
  return slices ? bar - 1 : bar + 1;
}

constexpr std::string_view kMebibytes = "mib";

// Where "5722mib" starts in "l4-5722mib". npos for none.
std::size_t MemoryStart(std::string_view lower) {
  const std::size_t bar = lower.rfind('-');
  if (bar == std::string_view::npos || bar == 0 || !lower.ends_with(kMebibytes)) return std::string_view::npos;
  const std::string_view digits = lower.substr(bar + 1, lower.size() - bar - 1 - kMebibytes.size());
  return digits.empty() || !std::ranges::all_of(digits, IsDigit) ? std::string_view::npos : bar + 1;
}

bool Means(const std::vector<std::string>& words, const Product& product) {
  if (words.empty()) return false;
  for (const std::string& alternative : Split(product.words, ",")) {
    const std::size_t bar = alternative.find('|');
    const std::vector<std::string> needed = Split(alternative.substr(0, bar), " ");
    const std::vector<std::string> allowed = Split(alternative.substr(bar + 1), " ");
    const bool has_all = std::ranges::all_of(needed, [&](const std::string& word) { return Has(words, word); });
    const bool no_other = Has(allowed, "*") || std::ranges::all_of(words, [&](const std::string& word) {
                            return Has(needed, word) || Has(allowed, word);
                          });
    if (has_all && no_other) return true;
  }
  return false;
}

}  // namespace

std::span<const Product> Products() { return kProducts; }

NameParts SplitName(std::string_view name) {
  NameParts parts;
  const std::string lower = base::AsciiLower(name);
  std::size_t end = lower.size();
  if (lower.ends_with("-shared")) {
    parts.shared = true;
    end -= std::string_view("-shared").size();
  }
  // CUDA calls a partition "NVIDIA A100-SXM4-40GB MIG 1g.5gb".
  for (const std::string_view mark : {"-mig-", " mig ", "-mig "}) {
    const std::size_t at = lower.substr(0, end).find(mark);
    if (at == std::string::npos) continue;
    parts.partition = lower.substr(at + mark.size(), end - at - mark.size());
    end = at;
    break;
  }
  if (const std::size_t at = ProfileStart(std::string_view(lower).substr(0, end));
      parts.partition.empty() && at != std::string::npos) {
    parts.virtual_gpu = true;
    parts.partition = std::string(name.substr(at, end - at));
    parts.partition.back() = base::AsciiUpper(parts.partition.back());
    end = at - 1;
  }
  if (const std::size_t at = MemoryStart(std::string_view(lower).substr(0, end));
      parts.partition.empty() && at != std::string::npos) {
    parts.virtual_gpu = parts.by_memory = true;
    parts.partition = std::string(name.substr(at, end - at - kMebibytes.size())) + "MiB";
    end = at - 1;
  }
  parts.product = name.substr(0, end);
  return parts;
}

std::string NameOfPart(std::string_view product, std::int64_t mebibytes) {
  return std::string(product) + "-" + std::to_string(mebibytes) + "MiB";
}

std::int64_t PartitionMebibytes(std::string_view partition) {
  if (partition.ends_with("MiB")) {
    partition.remove_suffix(kMebibytes.size());
    std::int64_t mebibytes = 0;
    const auto [stop, error] = std::from_chars(partition.data(), partition.data() + partition.size(), mebibytes);
    constexpr std::int64_t kMost = 4096 * 1024;
    return error == std::errc() && stop == partition.data() + partition.size() && mebibytes <= kMost ? mebibytes : 0;
  }
  // The last number: "3g.20gb", "1c.3g.20gb", "1g.10gb.me", "48Q", "1-10C".
  const std::size_t unit = partition.find("gb");
  const std::size_t end = unit != std::string_view::npos ? unit : partition.empty() ? 0 : partition.size() - 1;
  if (unit == std::string_view::npos && (end == 0 || !IsProfileLetter(partition[end]))) return 0;
  std::size_t start = end;
  while (start > 0 && IsDigit(partition[start - 1])) --start;
  std::int64_t gibibytes = 0;
  const auto [stop, error] = std::from_chars(partition.data() + start, partition.data() + end, gibibytes);
  if (error != std::errc() || stop != partition.data() + end || gibibytes > 4096) return 0;
  return gibibytes * 1024;
}

std::vector<const Product*> ProductsNamed(std::string_view name) {
  const NameParts parts = SplitName(name);
  const std::string& whole = parts.product;
  const std::string lower = base::AsciiLower(whole);
  if (parts.partition == "invalid")
    return {};  // GPU Feature Discovery, of a GPU that is not partitioned as it should be
  // GKE's label of the first A100; that of the larger one is nvidia-a100-80gb.
  if (lower == "nvidia-tesla-a100")
    return {&*std::ranges::find(kProducts, std::string_view("a100-40gb"), &Product::name)};
  if (parts.virtual_gpu && !parts.by_memory) {
    const std::string board = lower.substr(lower.find_last_of(" -_") + 1);
    const auto found = std::ranges::find(kBoards, board, &Board::name);
    if (found != kBoards.end()) return {&*std::ranges::find(kProducts, found->product, &Product::name)};
  }
  const std::vector<std::string> words = WordsOf(whole);
  // What the driver calls a product is that product alone: "NVIDIA H200" is not the H200 NVL.
  for (const Product& product : kProducts) {
    if (base::AsciiLower(whole).find_first_of(" -") != std::string::npos && WordsOf(product.driver) == words &&
        base::AsciiLower(whole).starts_with(Split(base::AsciiLower(product.driver), " -")[0])) {
      return {&product};
    }
  }
  std::vector<const Product*> found;
  for (const Product& product : kProducts) {
    if (Means(words, product)) found.push_back(&product);
  }
  return found;
}

const Product* FindProduct(std::string_view name) {
  const std::vector<const Product*> found = ProductsNamed(name);
  return found.empty() ? nullptr : found.front();
}

bool IsUpperBound(std::string_view name, std::int64_t memory_bytes) {
  const std::vector<const Product*> products = ProductsNamed(name);
  constexpr std::int64_t kMebibyte = std::int64_t{1024} * 1024;
  return memory_bytes > 0 && !products.empty() && std::ranges::all_of(products, [&](const Product* product) {
           return product->shared_mebibytes * kMebibyte == memory_bytes;
         });
}

bool IsKnownAmdArchitecture(std::string_view architecture) {
  return !architecture.empty() &&
         std::ranges::find(kProducts, architecture, &Product::amd_architecture) != kProducts.end();
}

base::Result<const Product*> ReadProduct(std::string_view name) {
  if (const Product* product = FindProduct(name)) return product;
  std::string known;
  for (const Product& product : kProducts) known += (known.empty() ? "" : ", ") + std::string(product.name);
  return base::Invalid("GPU \"" + std::string(name) + "\" is not known; known are " + known);
}

}  // namespace autotune::gpu
