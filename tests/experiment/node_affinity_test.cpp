#include "operator/experiment/node_affinity.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "operator/experiment/gpu_labels.h"
#include "sample_task.h"

namespace autotune::experiment {
namespace {

using nlohmann::json;
using Labels = std::map<std::string, std::string>;

// What the scheduler does with one expression (k8s.io/component-helpers, nodeaffinity).
bool Holds(const json& expression, const Labels& labels) {
  const auto label = labels.find(expression["key"].get<std::string>());
  const bool present = label != labels.end();
  const std::string op = expression["operator"];
  const json& values = expression.contains("values") ? expression["values"] : json::array();
  const bool listed = present && std::find(values.begin(), values.end(), label->second) != values.end();
  if (op == "In") return listed;
  if (op == "NotIn") return !listed;
  if (op == "Exists") return present;
  if (op == "DoesNotExist") return !present;
  if (op == "Gt") return present && std::stoll(label->second) > std::stoll(values.at(0).get<std::string>());
  ADD_FAILURE() << "unknown operator " << op;
  return false;
}

bool Matches(const json& affinity, const Labels& labels) {
  if (affinity.is_null()) return true;
  const json& terms = affinity["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"];
  return std::any_of(terms.begin(), terms.end(), [&](const json& term) {
    const json& expressions = term["matchExpressions"];
    EXPECT_FALSE(expressions.empty()) << "a term without expressions matches no node";
    return std::all_of(expressions.begin(), expressions.end(), [&](const json& e) { return Holds(e, labels); });
  });
}

Labels Gfd(const std::string& product, const std::string& mebibytes, const std::string& major,
           const std::string& minor) {
  return {{"nvidia.com/gpu.product", product},
          {"nvidia.com/gpu.memory", mebibytes},
          {"nvidia.com/gpu.compute.major", major},
          {"nvidia.com/gpu.compute.minor", minor}};
}

const std::map<std::string, Labels> kNodes = {
    {"h100", Gfd("NVIDIA-H100-80GB-HBM3", "81559", "9", "0")},
    {"h200", Gfd("NVIDIA-H200", "143771", "9", "0")},
    {"b200", Gfd("NVIDIA-B200", "183359", "10", "0")},
    {"l4", Gfd("NVIDIA-L4", "23034", "8", "9")},
    {"a100-40", Gfd("NVIDIA-A100-SXM4-40GB", "40960", "8", "0")},
    {"a100-40 pcie", Gfd("NVIDIA-A100-PCIE-40GB", "39538", "8", "0")},
    {"t4", Gfd("Tesla-T4", "15360", "7", "5")},
    {"workstation", Gfd("NVIDIA-RTX-A6000", "49140", "8", "6")},
    {"gke h100", {{"cloud.google.com/gke-accelerator", "nvidia-h100-80gb"}}},
    {"gke h100 mega", {{"cloud.google.com/gke-accelerator", "nvidia-h100-mega-80gb"}}},
    {"gke l4", {{"cloud.google.com/gke-accelerator", "nvidia-l4"}}},
    {"gke newer", {{"cloud.google.com/gke-accelerator", "nvidia-x900"}}},
    {"aws a100-40",
     {{"karpenter.k8s.aws/instance-gpu-manufacturer", "nvidia"},
      {"karpenter.k8s.aws/instance-gpu-name", "a100"},
      {"karpenter.k8s.aws/instance-gpu-memory", "40960"}}},
    {"aws a100-80",
     {{"karpenter.k8s.aws/instance-gpu-manufacturer", "nvidia"},
      {"karpenter.k8s.aws/instance-gpu-name", "a100"},
      {"karpenter.k8s.aws/instance-gpu-memory", "81920"}}},
    {"eks h100",
     {{"eks.amazonaws.com/instance-gpu-manufacturer", "nvidia"},
      {"eks.amazonaws.com/instance-gpu-name", "h100"},
      {"eks.amazonaws.com/instance-gpu-memory", "81920"}}},
    {"aws l4",
     {{"karpenter.k8s.aws/instance-gpu-manufacturer", "nvidia"},
      {"karpenter.k8s.aws/instance-gpu-name", "l4"},
      {"karpenter.k8s.aws/instance-gpu-count", "4"},
      {"karpenter.k8s.aws/instance-gpu-memory", "91553"}}},
    {"aws l4 quarter",
     {{"karpenter.k8s.aws/instance-gpu-manufacturer", "nvidia"},
      {"karpenter.k8s.aws/instance-gpu-name", "l4"},
      {"karpenter.k8s.aws/instance-gpu-memory", "5722"}}},
    {"azure a10 sixth",
     {{"karpenter.azure.com/sku-gpu-name", "A10"}, {"node.kubernetes.io/instance-type", "Standard_NV6ads_A10_v5"}}},
    {"gke rtx eighth",
     {{"cloud.google.com/gke-accelerator", "nvidia-rtx-pro-6000"},
      {"node.kubernetes.io/instance-type", "g4-standard-6"}}},
    {"node group a10 sixth", {{"node.kubernetes.io/instance-type", "Standard_NV6ads_A10_v5"}}},
    {"azure t4", {{"karpenter.azure.com/sku-gpu-name", "T4"}}},
    {"azure a100", {{"karpenter.azure.com/sku-gpu-name", "A100"}}},
    {"no gpu", {{"kubernetes.io/hostname", "web-1"}}},
    {"h100 nvl", Gfd("NVIDIA-H100-NVL", "95830", "9", "0")},
    {"h100 shared", Gfd("NVIDIA-H100-80GB-HBM3-SHARED", "81559", "9", "0")},
    {"gke b200", {{"cloud.google.com/gke-accelerator", "nvidia-b200"}}},
    {"gke gb200", {{"cloud.google.com/gke-accelerator", "nvidia-gb200"}}},
    {"gke rtx", {{"cloud.google.com/gke-accelerator", "nvidia-rtx-pro-6000"}}},
    {"gke a100 slice",
     {{"cloud.google.com/gke-accelerator", "nvidia-tesla-a100"},
      {"cloud.google.com/gke-gpu-partition-size", "3g.20gb"}}},
    {"gfd rtx", Gfd("NVIDIA-RTX-PRO-6000-Blackwell-Server-Edition", "97887", "12", "0")},
    {"eks b200",
     {{"eks.amazonaws.com/instance-gpu-manufacturer", "nvidia"},
      {"eks.amazonaws.com/instance-gpu-name", "b200"},
      {"eks.amazonaws.com/instance-gpu-memory", "183296"}}},
    {"azure h100", {{"karpenter.azure.com/sku-gpu-name", "H100"}}},
    {"node group b200", {{"node.kubernetes.io/instance-type", "p6-b200.48xlarge"}}},
    {"node group h100", {{"node.kubernetes.io/instance-type", "Standard_ND96isr_H100_v5"}}},
    {"labelled node group",
     {{"node.kubernetes.io/instance-type", "p4d.24xlarge"},
      {"nvidia.com/gpu.product", "NVIDIA-A100-SXM4-40GB-MIG-1g.5gb"},
      {"nvidia.com/gpu.memory", "4864"},
      {"nvidia.com/gpu.compute.major", "8"},
      {"nvidia.com/gpu.compute.minor", "0"}}},
};

struct Row {
  const char* what;
  const char* gpu;  // spec.gpu
  Placement placement;
  std::vector<std::string> nodes;  // those that match, in the map's order
};

const Row kRows[] = {
    {"a pinned product, on every platform that sells it",
     "{}",
     {std::nullopt, "NVIDIA-H100-80GB-HBM3", true},
     {"eks h100", "gke h100", "gke h100 mega", "h100", "node group h100"}},
    {"pinned by a platform's own name",
     "{}",
     {std::nullopt, "nvidia-h100-80gb", true},
     {"eks h100", "gke h100", "gke h100 mega", "h100", "node group h100"}},
    {"pinned by what the driver says",
     "{}",
     {std::nullopt, "NVIDIA H100 80GB HBM3", true},
     {"eks h100", "gke h100", "gke h100 mega", "h100", "node group h100"}},
    {"a pinned product stands for what it was chosen by",
     R"({"products": ["NVIDIA-L4", "NVIDIA-H200"], "minMemory": "20Gi"})",
     {quant::ComputeCapability{8, 9}, "NVIDIA-H200", true},
     {"h200"}},
    {"a card is not one of its parts, although they have its label",
     R"({"products": ["l4", "a10", "nvidia-rtx-pro-6000"]})",
     {},
     {"aws l4", "gfd rtx", "gke l4", "gke rtx", "l4"}},
    {"a part has a name of its own",
     R"({"products": ["l4-5722MiB", "A10-4096MiB", "nvidia-rtx-pro-6000-12288MiB"]})",
     {},
     {"aws l4 quarter", "azure a10 sixth", "gke rtx eighth", "node group a10 sixth"}},
    {"pinned to a part", "{}", {std::nullopt, "l4-5722MiB", true}, {"aws l4 quarter"}},
    {"a part is too small like a card",
     R"({"products": ["l4-5722MiB", "A10-4096MiB", "nvidia-rtx-pro-6000-12288MiB"], "minMemory": "8Gi"})",
     {},
     {"gke rtx eighth"}},
    {"two cards of one name on AWS", R"({"products": ["NVIDIA-A100-SXM4-40GB"]})", {}, {"a100-40", "aws a100-40"}},
    {"a product that only GPU Feature Discovery knows", R"({"products": ["NVIDIA-RTX-A6000"]})", {}, {"workstation"}},
    {"a slice is not the whole card", R"({"products": ["NVIDIA-H100-80GB-HBM3-MIG-1g.10gb"]})", {}, {}},
    {"nor is a virtual GPU", R"({"products": ["NVIDIA-H100XM-40C", "NVIDIA-A100-40C"]})", {}, {}},
    {"memory by the name of the class: cards report a little less",
     R"({"minMemory": "40Gi"})",
     {},
     {"a100-40",     "a100-40 pcie",  "aws a100-40",     "aws a100-80",     "azure a100", "azure h100",
      "b200",        "eks b200",      "eks h100",        "gfd rtx",         "gke b200",   "gke gb200",
      "gke h100",    "gke h100 mega", "gke newer",       "gke rtx",         "h100",       "h100 nvl",
      "h100 shared", "h200",          "node group b200", "node group h100", "workstation"}},
    {"80 GB is an H100 too",
     R"({"minMemory": "80Gi"})",
     {},
     {"aws a100-80", "azure a100", "azure h100", "b200", "eks b200", "eks h100", "gfd rtx", "gke b200", "gke gb200",
      "gke h100", "gke h100 mega", "gke newer", "gke rtx", "h100", "h100 nvl", "h100 shared", "h200", "node group b200",
      "node group h100"}},
    {"capability with a minor number",
     R"({"minComputeCapability": "8.9"})",
     {},
     {"aws l4",         "aws l4 quarter", "azure h100", "b200",          "eks b200", "eks h100",  "gfd rtx",
      "gke b200",       "gke gb200",      "gke h100",   "gke h100 mega", "gke l4",   "gke newer", "gke rtx",
      "gke rtx eighth", "h100",           "h100 nvl",   "h100 shared",   "h200",     "l4",        "node group b200",
      "node group h100"}},
    {"capability without one",
     R"({"minComputeCapability": "9.0"})",
     {},
     {"azure h100", "b200", "eks b200", "eks h100", "gfd rtx", "gke b200", "gke gb200", "gke h100", "gke h100 mega",
      "gke newer", "gke rtx", "gke rtx eighth", "h100", "h100 nvl", "h100 shared", "h200", "node group b200",
      "node group h100"}},
    {"what the quantization needs raises what the user asked for",
     R"({"minComputeCapability": "8.0", "minMemory": "80Gi"})",
     {quant::ComputeCapability{10, 0}, "", true},
     {"b200", "eks b200", "gfd rtx", "gke b200", "gke gb200", "gke newer", "gke rtx", "node group b200"}},
    {"also where no node is there yet, since the user counts on labels",
     R"({"minComputeCapability": "8.0"})",
     {quant::ComputeCapability{8, 9}, "", false},
     {"aws l4",         "aws l4 quarter", "azure h100", "b200",          "eks b200", "eks h100",  "gfd rtx",
      "gke b200",       "gke gb200",      "gke h100",   "gke h100 mega", "gke l4",   "gke newer", "gke rtx",
      "gke rtx eighth", "h100",           "h100 nvl",   "h100 shared",   "h200",     "l4",        "node group b200",
      "node group h100"}},
    {"what it needs is left out where nodes carry no labels",
     "{}",
     {quant::ComputeCapability{9, 0}, "", false},
     {"a100-40",
      "a100-40 pcie",
      "aws a100-40",
      "aws a100-80",
      "aws l4",
      "aws l4 quarter",
      "azure a10 sixth",
      "azure a100",
      "azure h100",
      "azure t4",
      "b200",
      "eks b200",
      "eks h100",
      "gfd rtx",
      "gke a100 slice",
      "gke b200",
      "gke gb200",
      "gke h100",
      "gke h100 mega",
      "gke l4",
      "gke newer",
      "gke rtx",
      "gke rtx eighth",
      "h100",
      "h100 nvl",
      "h100 shared",
      "h200",
      "l4",
      "labelled node group",
      "no gpu",
      "node group a10 sixth",
      "node group b200",
      "node group h100",
      "t4",
      "workstation"}},
    {"a short name is every shape of it, on every platform",
     R"({"products": ["h100"]})",
     {},
     {"azure h100", "eks h100", "gke h100", "gke h100 mega", "h100", "h100 nvl", "node group h100"}},
    {"b200", R"({"products": ["b200"]})", {}, {"b200", "eks b200", "gke b200", "node group b200"}},
    {"GKE's own names",
     R"({"products": ["nvidia-gb200", "nvidia-rtx-pro-6000"]})",
     {},
     {"gfd rtx", "gke gb200", "gke rtx"}},
    {"a name that nobody here knows is looked for as it is, everywhere",
     R"({"products": ["nvidia-x900"]})",
     {},
     {"gke newer"}},
    {"a shared GPU only by its own name", R"({"products": ["NVIDIA-H100-80GB-HBM3-SHARED"]})", {}, {"h100 shared"}},
    {"a partition on GKE by the pool's label",
     R"({"products": ["nvidia-tesla-a100"], "nodeSelector": {"cloud.google.com/gke-gpu-partition-size": "3g.20gb"}})",
     {},
     {"gke a100 slice"}},
    {"pinned to a partition", "{}", {std::nullopt, "nvidia-tesla-a100-MIG-3g.20gb", true}, {"gke a100 slice"}},
    {"what the user asked for is not",
     R"({"products": ["NVIDIA-L4"]})",
     {quant::ComputeCapability{9, 0}, "", false},
     {"aws l4", "gke l4", "l4"}},
};

TEST(NodeAffinity, AdmitsTheNodesThatAPersonWouldPick) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.what);
    const api::GpuSpec gpu = SampleTask(std::string(R"({"gpu": )") + row.gpu + "}").spec.gpus.front();
    const json affinity = AffinityOf(gpu, row.placement);
    std::vector<std::string> matching;
    for (const auto& [name, labels] : kNodes) {
      if (Matches(affinity, labels)) matching.push_back(name);
    }
    EXPECT_EQ(matching, row.nodes) << affinity.dump(1);
  }
}

TEST(NodeAffinity, ASharedGpuOfGkeIsOnlyMeantByItsOwnName) {
  const std::map<std::string, std::string> shared = {{"cloud.google.com/gke-accelerator", "nvidia-l4"},
                                                     {"cloud.google.com/gke-gpu-sharing-strategy", "time-sharing"}};
  const auto matches = [&](const std::string& product) {
    const api::GpuSpec gpu = SampleTask(R"({"gpu": {"products": [")" + product + R"("]}})").spec.gpus.front();
    return Matches(AffinityOf(gpu, {}), shared);
  };
  EXPECT_FALSE(matches("nvidia-l4"));
  EXPECT_TRUE(matches("nvidia-l4-SHARED"));
}

// The choice of a product and the scheduler's choice of a node must not contradict each other.
TEST(NodeAffinity, AgreesWithWhatTheTaskIsExpandedFor) {
  for (const Row& row : kRows) {
    const api::GpuSpec gpu = SampleTask(std::string(R"({"gpu": )") + row.gpu + "}").spec.gpus.front();
    const json affinity = AffinityOf(gpu, {});
    for (const auto& [name, labels] : kNodes) {
      NodeView node;
      node.labels = labels;
      const GpuInfo info = GpuOfNode(node, "nvidia.com/gpu");
      if (info.product.empty()) continue;
      EXPECT_EQ(Admits(gpu, info), Matches(affinity, labels)) << row.what << ": " << name;
    }
  }
}

TEST(NodeAffinity, EveryAlternativeOfTheUserIsNarrowed) {
  const api::GpuSpec gpu = SampleTask(R"({"gpu": {"products": ["NVIDIA-L4"], "affinity": {
      "podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []},
      "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
        {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]},
        {"matchExpressions": [{"key": "rack", "operator": "Exists"}]}]}}}}})")
                               .spec.gpus.front();
  const json affinity = AffinityOf(gpu, {});
  EXPECT_TRUE(affinity.contains("podAntiAffinity"));
  Labels l4 = kNodes.at("l4");
  EXPECT_FALSE(Matches(affinity, l4));
  l4["zone"] = "a";
  EXPECT_TRUE(Matches(affinity, l4));
  l4["zone"] = "b";
  EXPECT_FALSE(Matches(affinity, l4));
  l4["rack"] = "7";
  EXPECT_TRUE(Matches(affinity, l4));
  Labels h100 = kNodes.at("h100");
  h100["zone"] = "a";
  EXPECT_FALSE(Matches(affinity, h100));
}

TEST(NodeAffinity, AsksForNothingWithoutAReason) {
  EXPECT_TRUE(AffinityOf(SampleTask().spec.gpus.front(), {}).is_null());
}

TEST(NodeAffinity, KnowsTheLabelsOfSlices) {
  const json mig = AffinityOf(
      SampleTask(R"({"gpu": {"resourceName": "nvidia.com/mig-3g.40gb", "minMemory": "20Gi"}})").spec.gpus.front(), {});
  EXPECT_TRUE(Matches(mig, {{"nvidia.com/gpu.memory", "1"}, {"nvidia.com/mig-3g.40gb.memory", "40192"}}));
  EXPECT_FALSE(Matches(mig, {{"nvidia.com/gpu.memory", "81920"}, {"nvidia.com/mig-3g.40gb.memory", "9728"}}));
}

// The mixed MIG strategy: whole cards and two kinds of partitions on one node.
TEST(NodeAffinity, PartitionsAreThoseOfTheirOwnResource) {
  const Labels labels = {{"nvidia.com/gpu.product", "NVIDIA-H100-80GB-HBM3"},
                         {"nvidia.com/gpu.memory", "81559"},
                         {"nvidia.com/gpu.compute.major", "9"},
                         {"nvidia.com/gpu.compute.minor", "0"},
                         {"nvidia.com/mig-1g.10gb.product", "NVIDIA-H100-80GB-HBM3-MIG-1g.10gb"},
                         {"nvidia.com/mig-1g.10gb.memory", "9856"},
                         {"nvidia.com/mig-3g.40gb.product", "NVIDIA-H100-80GB-HBM3-MIG-3g.40gb"},
                         {"nvidia.com/mig-3g.40gb.memory", "40320"}};
  NodeView node;
  node.labels = labels;
  struct Case {
    const char* gpu;
    bool admitted;
  };
  const Case cases[] = {
      {R"({"resourceName": "nvidia.com/mig-1g.10gb", "products": ["h100"]})", true},
      {R"({"resourceName": "nvidia.com/mig-1g.10gb", "products": ["NVIDIA-H100-80GB-HBM3"]})", true},
      {R"({"resourceName": "nvidia.com/mig-1g.10gb", "products": ["NVIDIA-H100-80GB-HBM3-MIG-1g.10gb"]})", true},
      {R"({"resourceName": "nvidia.com/mig-1g.10gb", "products": ["a100"]})", false},
      {R"({"resourceName": "nvidia.com/mig-1g.10gb", "products": ["NVIDIA-H100-80GB-HBM3-MIG-3g.40gb"]})", false},
      {R"({"resourceName": "nvidia.com/mig-1g.10gb", "minMemory": "20Gi"})", false},
      {R"({"resourceName": "nvidia.com/mig-3g.40gb", "minMemory": "20Gi"})", true},
      {R"({"resourceName": "nvidia.com/gpu", "products": ["h100"]})", true},
  };
  for (const Case& test : cases) {
    const api::GpuSpec spec = SampleTask(std::string(R"({"gpu": )") + test.gpu + "}").spec.gpus.front();
    const GpuInfo info = GpuOfNode(node, spec.resource_name);
    EXPECT_EQ(Admits(spec, info), test.admitted) << test.gpu;
    EXPECT_EQ(Matches(AffinityOf(spec, {}), labels), test.admitted) << test.gpu;
    // The pinned product is found again.
    Placement pinned;
    pinned.pinned_product = info.product;
    EXPECT_TRUE(Matches(AffinityOf(spec, pinned), labels)) << test.gpu;
  }
  // Time slices of partitions have a resource of their own, and the labels of the partitions.
  const api::GpuSpec slices =
      SampleTask(R"({"gpu": {"resourceName": "nvidia.com/mig-1g.10gb.shared", "products": ["h100"]}})")
          .spec.gpus.front();
  EXPECT_TRUE(Matches(AffinityOf(slices, {}), labels));
  EXPECT_TRUE(Admits(slices, GpuOfNode(node, slices.resource_name)));
  EXPECT_EQ(GpuOfNode(node, "nvidia.com/mig-1g.10gb.shared").product, "NVIDIA-H100-80GB-HBM3-MIG-1g.10gb");
  EXPECT_EQ(GpuOfNode(node, "nvidia.com/mig-1g.10gb.shared").memory_bytes, std::int64_t{9856} << 20);
  EXPECT_EQ(PartitionOfResource("nvidia.com/mig-1g.10gb.shared"), "1g.10gb");
  EXPECT_EQ(PartitionOfResource("nvidia.com/gpu.shared"), "");
  EXPECT_TRUE(IsSharedGpu("nvidia.com/mig-1g.10gb.shared", ""));
  const GpuInfo small = GpuOfNode(node, "nvidia.com/mig-1g.10gb");
  EXPECT_EQ(small.product, "NVIDIA-H100-80GB-HBM3-MIG-1g.10gb");
  EXPECT_EQ(small.memory_bytes, std::int64_t{9856} << 20);
  EXPECT_EQ(small.capability, (quant::ComputeCapability{9, 0}));
  EXPECT_EQ(GpuOfNode(node, "nvidia.com/gpu").product, "NVIDIA-H100-80GB-HBM3");
  EXPECT_EQ(GpuOfNode(node, "nvidia.com/mig-7g.80gb").product, "") << "no label names it";
}

TEST(GpuOfNode, TellsPartsOfCardsFromCards) {
  for (const char* part : {"NVIDIA-L40S-SHARED", "NVIDIA-H100-80GB-HBM3-MIG-1g.10gb", "NVIDIA-A40-48Q", "GRID-A100-40C",
                           "NVIDIA-H100-80GB-HBM3-MIG-1g.10gb-SHARED"}) {
    EXPECT_TRUE(IsPartOfGpu("nvidia.com/gpu", part)) << part;
  }
  for (const char* card : {"NVIDIA-L40S", "NVIDIA-H100-80GB-HBM3", "AMD_Instinct_MI300X_OAM", ""}) {
    EXPECT_FALSE(IsPartOfGpu("nvidia.com/gpu", card)) << card;
  }
  EXPECT_TRUE(IsPartOfGpu("nvidia.com/mig-1g.10gb", ""));
  EXPECT_TRUE(IsPartOfGpu("nvidia.com/gpu.shared", ""));
}

const std::map<std::string, Labels> kAmdNodes = {
    {"mi210",
     {{"amd.com/gpu.family", "AI"}, {"amd.com/gpu.product-name", "Instinct_MI210"}, {"amd.com/gpu.vram", "64G"}}},
    {"mi300x",
     {{"amd.com/gpu.family", "AI"},
      {"amd.com/gpu.device-id", "74a1"},
      {"amd.com/gpu.product-name", "AMD_Instinct_MI300X_OAM"},
      {"amd.com/gpu.vram", "192G"},
      {"beta.amd.com/gpu.device-id.74a1", "8"},
      {"beta.amd.com/gpu.product-name.AMD_Instinct_MI300X_OAM", "8"},
      {"beta.amd.com/gpu.vram.192G", "8"}}},
    {"mi300x in vm", {{"amd.com/gpu.family", "AI"}, {"amd.com/gpu.device-id", "74b5"}, {"amd.com/gpu.vram", "192G"}}},
    {"mi355x, old labeller", {{"beta.amd.com/gpu.device-id.75a3", "8"}, {"beta.amd.com/gpu.vram.288G", "8"}}},
    {"two products",
     {{"amd.com/gpu.family", "AI"},
      {"amd.com/gpu.product-name.AMD_Instinct_MI300X_OAM", "4"},
      {"amd.com/gpu.product-name.Instinct_MI210", "4"},
      {"beta.amd.com/gpu.product-name.AMD_Instinct_MI300X_OAM", "4"},
      {"beta.amd.com/gpu.product-name.Instinct_MI210", "4"}}},
};

const Row kAmdRows[] = {
    {"a product", R"({"products": ["AMD_Instinct_MI300X_OAM"]})", {}, {"mi300x"}},
    {"a short name, with the virtual functions of VMs", R"({"products": ["mi300x"]})", {}, {"mi300x", "mi300x in vm"}},
    {"cards without a name by their device id",
     R"({"products": ["74b5", "75a3"]})",
     {},
     {"mi300x in vm", "mi355x, old labeller"}},
    {"memory", R"({"minMemory": "192Gi"})", {}, {"mi300x", "mi300x in vm", "mi355x, old labeller"}},
    {"memory and product", R"({"products": ["74b5", "75a3"], "minMemory": "250G"})", {}, {"mi355x, old labeller"}},
    {"more than there is: no node, and a term that the API server takes", R"({"minMemory": "1Ti"})", {}, {}},
    {"what the quantization needs of an NVIDIA GPU says nothing about AMD's",
     "{}",
     {quant::ComputeCapability{9, 0}, "", true},
     {"mi210", "mi300x", "mi300x in vm", "mi355x, old labeller", "two products"}},
    {"a pinned product as the driver spells it", "{}", {std::nullopt, "AMD Instinct MI300X OAM", true}, {"mi300x"}},
    {"a pinned product",
     R"({"products": ["AMD_Instinct_MI300X_OAM", "75a3"], "minMemory": "64Gi"})",
     {quant::ComputeCapability{9, 0}, "75a3", true},
     {"mi355x, old labeller"}},
};

TEST(NodeAffinity, AdmitsTheAmdNodesThatAPersonWouldPick) {
  for (const Row& row : kAmdRows) {
    SCOPED_TRACE(row.what);
    api::GpuSpec gpu = SampleTask(std::string(R"({"gpu": )") + row.gpu + "}").spec.gpus.front();
    gpu.resource_name = "amd.com/gpu";
    const json affinity = AffinityOf(gpu, row.placement);
    EXPECT_EQ(affinity.dump().find("nvidia"), std::string::npos) << affinity.dump(1);
    std::vector<std::string> matching;
    for (const auto& [name, labels] : kAmdNodes) {
      if (Matches(affinity, labels)) matching.push_back(name);
      NodeView node;
      node.labels = labels;
      const GpuInfo info = GpuOfNode(node, "nvidia.com/gpu");
      if (!row.placement.pinned_product.empty() || info.product.empty()) continue;
      EXPECT_EQ(Admits(gpu, info), Matches(affinity, labels)) << name;
    }
    EXPECT_EQ(matching, row.nodes) << affinity.dump(1);
  }
}

}  // namespace
}  // namespace autotune::experiment
