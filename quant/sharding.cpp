#include "quant/sharding.h"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <utility>

namespace autotune::quant {
namespace {

class Sharding {
 public:
  Sharding(const checkpoint::ModelFacts& model, const Shares& shares, const EngineTable& table, const Version& release,
           const FactSource& facts)
      : model_(model), shares_(shares), table_(table), release_(release), facts_(facts) {}

  ShardingFindings Check() {
    findings_.heads_fit = CheckHeads() && CheckKvHeads();
    if (!findings_.heads_fit) return std::move(findings_);
    const int parts = shares_.attention;
    if (parts > 1 && !model_.attention_heads && !model_.query_heads_divisor &&
        model_.caches != std::vector<checkpoint::KvCacheGroup>())
      NotKnown("the number of attention heads", "whether they can be split over " + std::to_string(parts) + " GPUs");
    CheckWidths();
    CheckNvfp4Scales();
    CheckTiles();
    return std::move(findings_);
  }

 private:
  void Reject(Rejection rejection) {
    if (!findings_.rejection) findings_.rejection = std::move(rejection);
  }
  void NotKnown(const std::string& what, const std::string& so) {
    findings_.not_known.push_back({shares_.field, what, so});
  }

  // False = rejected.
  bool CheckHeads() {
    if (model_.query_heads_divisor && *model_.query_heads_divisor % shares_.attention != 0) {
      Reject({shares_.field, "TensorParallelDoesNotDivide",
              "layers differ in their number of attention heads, and not all of these can be split evenly over " +
                  std::to_string(shares_.attention) + " GPUs: only what divides " +
                  std::to_string(*model_.query_heads_divisor) + " does"});
      return false;
    }
    if (!model_.attention_heads || *model_.attention_heads % shares_.attention == 0) return true;
    Reject({shares_.field, "TensorParallelDoesNotDivide",
            std::to_string(*model_.attention_heads) + " attention heads cannot be split evenly over " +
                std::to_string(shares_.attention) + " GPUs"});
    return false;
  }

  // Fewer KV heads than GPUs are replicated; MLA has one cache that every GPU holds. False = rejected.
  bool CheckKvHeads() {
    const int parts = shares_.attention;
    std::vector<std::int64_t> kinds;
    if (model_.caches) {
      for (const checkpoint::KvCacheGroup& group : *model_.caches) kinds.push_back(group.kv_heads);
    } else if (model_.kv_heads && !model_.latent_attention()) {
      kinds.push_back(*model_.kv_heads);
    } else if (parts > 1 && !model_.latent_attention()) {
      NotKnown("the number of KV heads", "whether they can be split over " + std::to_string(parts) + " GPUs");
    }
    const bool may_tear =
        std::ranges::any_of(table_.torn_keys(), [&](const GuardedRule& rule) { return rule.Holds(release_, facts_); });
    const bool attention_in_blocks = !may_tear && model_.weight_block && model_.weight_block->rows > 1 &&
                                     model_.linear_format != "none" && model_.head_dim && parts > 1 &&
                                     !model_.ignores("attention");
    for (const std::int64_t heads : kinds) {
      const std::int64_t rows = std::max<std::int64_t>(1, heads / parts) * model_.head_dim.value_or(0);
      if (heads > 0 && attention_in_blocks && rows % model_.weight_block->rows != 0) {
        Reject({shares_.field, "TensorParallelDoesNotDivide",
                "keys of " + std::to_string(rows) + " on each of " + std::to_string(parts) +
                    " GPUs are not a multiple of the " + std::to_string(model_.weight_block->rows) +
                    " weights that share a scale (" + model_.weight_block->ToString() + ")"});
        return false;
      }
      if (heads == 0 || (heads >= parts ? heads % parts == 0 : parts % heads == 0)) continue;
      Reject({shares_.field, "TensorParallelDoesNotDivide",
              std::to_string(heads) + " KV heads can be neither split nor replicated evenly over " +
                  std::to_string(parts) + " GPUs"});
      return false;
    }
    return true;
  }

  // What has a scale of its own along a layer's width.
  enum class Scales { kEach, kBlocks, kBlocksOfExperts };

  // Tensor parallelism splits the hidden layer of the MLP too, and that of every expert among the GPUs that share it.
  void CheckWidths() {
    const auto torn = [&](const checkpoint::Size& width, int parts, const std::string& what, Scales scales) {
      if (parts <= 1) return;
      if (!width) {
        // A layer whose width is not in the file may be no layer of this model.
        if (scales != Scales::kEach)
          NotKnown("the width of " + what, "whether it can be split over " + std::to_string(parts) + " GPUs in blocks");
        return;
      }
      if (*width % parts != 0)
        return Reject({shares_.field, "TensorParallelDoesNotDivide",
                       what + " of " + std::to_string(*width) + " cannot be split evenly over " +
                           std::to_string(parts) + " GPUs"});
      const std::int64_t part = *width / parts;
      std::int64_t block = scales == Scales::kEach ? 1 : BlockAlongWidth();
      if (scales == Scales::kBlocksOfExperts)
        block = table_.ExpertBlock(release_, model_.quantization, block, part, model_.hidden_size.value_or(0));
      if (part % block == 0) return;
      Reject({shares_.field, "TensorParallelDoesNotDivide",
              what + " of " + std::to_string(*width) + " over " + std::to_string(parts) + " GPUs is " +
                  std::to_string(part) + " on each, which is not a multiple of the " + std::to_string(block) +
                  " weights that share a scale (" + model_.weight_block->ToString() + ")"});
    };
    const bool linear_blocks = model_.weight_block && model_.linear_format != "none";
    const Scales linear = linear_blocks ? Scales::kBlocks : Scales::kEach;
    // Kernels for experts regroup what shares a scale along one dimension; a block of two stays whole. It is not that
    // of 4-bit floats, which have groups.
    const bool groups = model_.expert_format == "nvfp4" || model_.expert_format == "mxfp4";
    const bool expert_blocks =
        model_.weight_block && model_.expert_format != "none" && !groups && model_.weight_block->rows > 1;
    // Beside experts, intermediate_size may be that of layers that this model does not have.
    if (model_.experts == 0) return torn(model_.intermediate_size, shares_.tensor, "an MLP", linear);
    if (model_.dense_layers > 0 && model_.moe_intermediate_size)
      torn(model_.intermediate_size, shares_.tensor, "an MLP", linear);
    if (linear_blocks && !model_.plain_shared_experts) CheckSharedExperts(torn);
    const ParallelRule* expert = table_.Parallel("expert");
    if (expert == nullptr) return;
    torn(model_.moe_intermediate_size, shares_.expert, "an expert",
         expert_blocks ? Scales::kBlocksOfExperts : Scales::kEach);
  }

  // A linear layer as one GPU has it.
  struct Layer {
    std::string what;
    std::int64_t outputs = 0, inputs = 0;
    std::int64_t whole_outputs = 0, whole_inputs = 0;  // of all GPUs together
  };

  // Both matrices of an MLP; none where a size is not known or cannot be split, which is said elsewhere.
  static void AddMlp(const std::string& what, const checkpoint::Size& width, int parts, std::int64_t matrices,
                     std::int64_t hidden, std::vector<Layer>& layers) {
    if (!width || *width <= 0 || *width % parts != 0) return;
    const std::int64_t part = *width / parts;
    layers.push_back({what + "'s first matrix", part * (matrices - 1), hidden, *width * (matrices - 1), hidden});
    layers.push_back({what + "'s last matrix", hidden, part, hidden, *width});
  }

  // The quantized layers whose widths follow from the facts alone.
  [[nodiscard]] std::vector<Layer> LinearLayers() const {
    std::vector<Layer> layers;
    const std::int64_t hidden = model_.hidden_size.value_or(0);
    if (hidden == 0) return layers;
    const std::int64_t matrices = model_.mlp_matrices.value_or(0);
    const bool dense = model_.experts == 0 || (model_.dense_layers > 0 && model_.moe_intermediate_size);
    // Beside experts, the dense layers are the first ones.
    const bool ignored = model_.ignores("mlp") || (model_.experts != 0 && model_.ignores("firstLayer"));
    if (matrices > 1 && dense && !ignored)
      AddMlp("an MLP", model_.intermediate_size, shares_.tensor, matrices, hidden, layers);
    // One kind of attention, of which nothing but heads decides the widths.
    const bool plain = model_.attention_heads && model_.kv_heads && model_.head_dim && !model_.v_head_dim &&
                       !model_.latent_attention() && !model_.qkv_parts && !(model_.linear_attention_layers > 0) &&
                       !(model_.mamba_layers > 0) && model_.caches && model_.caches->size() == 1;
    if (!plain || *model_.attention_heads % shares_.attention != 0 || model_.ignores("attention")) return layers;
    const std::int64_t heads = *model_.attention_heads / shares_.attention;
    const std::int64_t kv_heads = std::max<std::int64_t>(1, *model_.kv_heads / shares_.attention);
    const std::int64_t dim = *model_.head_dim, all_heads = *model_.attention_heads;
    layers.push_back({"the matrix of queries, keys and values", (heads + 2 * kv_heads) * dim, hidden,
                      (all_heads + 2 * *model_.kv_heads) * dim, hidden});
    layers.push_back({"the output matrix of attention", hidden, heads * dim, hidden, all_heads * dim});
    return layers;
  }

  // in_proj_b and in_proj_a of a gated delta net: one output each for a value head.
  void AddGates(TileRule::Gates gates, std::vector<Layer>& layers) const {
    const int parts = gates == TileRule::Gates::kSplit ? shares_.attention : 1;
    const checkpoint::Size& heads = model_.linear_value_heads;
    if (gates == TileRule::Gates::kNot || !heads || !model_.hidden_size || model_.ignores("linearGates")) return;
    if (*heads % parts == 0)
      layers.push_back({"the matrix of linear attention's gates (in_proj_b and in_proj_a)", 2 * (*heads / parts),
                        *model_.hidden_size, 2 * *heads, *model_.hidden_size});
  }

  [[nodiscard]] std::vector<Layer> LayersOf(TileRule::Part part, int parts) const {
    std::vector<Layer> layers;
    switch (part) {
      case TileRule::Part::kLinear:
        return LinearLayers();
      case TileRule::Part::kExperts: {
        const checkpoint::Size& inputs = model_.moe_latent_size ? model_.moe_latent_size : model_.hidden_size;
        if (inputs && model_.mlp_matrices > 1 && model_.experts > 0)
          AddMlp("an expert", model_.moe_intermediate_size, parts, *model_.mlp_matrices, *inputs, layers);
        break;
      }
      case TileRule::Part::kVision: {
        // With a gate or without: where two matrices do not fit, three do not either.
        constexpr std::int64_t kWithoutGate = 2;
        if (model_.vision_hidden_size && !model_.ignores("vision"))
          AddMlp("a vision MLP", model_.vision_intermediate_size, parts, kWithoutGate, *model_.vision_hidden_size,
                 layers);
        break;
      }
    }
    return layers;
  }

  // Every release of every engine cuts scales as it cuts weights; NVFP4 has one for 16 weights along the input.
  void CheckNvfp4Scales() {
    constexpr std::int64_t kGroup = 16;
    const auto torn = [&](const checkpoint::Size& width, int parts, const std::string& what) {
      if (parts <= 1 || !width || *width % parts != 0 || *width / parts % kGroup == 0) return;
      Reject({shares_.field, "TensorParallelDoesNotDivide",
              what + " of " + std::to_string(*width) + " over " + std::to_string(parts) + " GPUs is " +
                  std::to_string(*width / parts) + " on each, which is not a multiple of the " +
                  std::to_string(kGroup) + " weights of NVFP4 that share a scale"});
    };
    if (model_.experts == 0 && model_.linear_format == "nvfp4" && !model_.ignores("mlpOutput"))
      torn(model_.intermediate_size, shares_.tensor, "an MLP");
    if (model_.experts > 0 && model_.expert_format == "nvfp4")
      torn(model_.moe_intermediate_size, shares_.expert, "an expert");
  }

  // What remains of a layer on one GPU must be a width that the kernel for its weights has.
  void CheckTiles() {
    for (const TileRule& rule : table_.tiles()) {
      if (!rule.Holds(release_, facts_)) continue;
      const int parts = rule.part == TileRule::Part::kExperts ? shares_.expert : shares_.tensor;
      std::vector<Layer> layers = LayersOf(rule.part, parts);
      if (rule.part == TileRule::Part::kLinear) AddGates(rule.gates, layers);
      for (const Layer& layer : layers) {
        const auto fits = [&](std::int64_t outputs, std::int64_t inputs) {
          return std::ranges::any_of(rule.tiles, [&](const checkpoint::WeightBlock& tile) {
            return outputs % tile.rows == 0 && inputs % tile.columns == 0;
          });
        };
        if (fits(layer.outputs, layer.inputs)) continue;
        if (rule.falls_back && !fits(layer.whole_outputs, layer.whole_inputs)) continue;
        std::string tiles;
        for (const checkpoint::WeightBlock& tile : rule.tiles)
          tiles += (tiles.empty() ? "" : ", or ") + std::to_string(tile.rows) + " and " + std::to_string(tile.columns);
        return Reject({parts > 1 ? shares_.field : "model", "WidthNotSupported",
                       layer.what + " has " + std::to_string(layer.outputs) + " outputs and " +
                           std::to_string(layer.inputs) + " inputs" +
                           (parts > 1 ? " on each of " + std::to_string(parts) + " GPUs" : "") + ": " + rule.kernel +
                           ", the kernel for these weights on this GPU, requires multiples of " + tiles});
      }
    }
  }

  // Shared experts are one MLP, split by tensor parallelism whatever becomes of the routed ones, except where the
  // engine's table says otherwise.
  template <typename Torn>
  void CheckSharedExperts(const Torn& torn) const {
    checkpoint::Size width = model_.shared_intermediate_size;
    if (!width && model_.shared_experts && model_.moe_intermediate_size)
      width = *model_.shared_experts * *model_.moe_intermediate_size;
    for (const SharedExpertRule& rule : table_.shared_experts()) {
      if (!rule.Holds(release_, facts_)) continue;
      // A routed one of another width could not be computed with the others.
      if (!rule.routed || width == model_.moe_intermediate_size) return;
    }
    if (width > 0) torn(width, shares_.tensor, "the shared experts' MLP", Scales::kBlocks);
  }

  // An MLP's width is the rows of its first matrices and the columns of its last one.
  [[nodiscard]] std::int64_t BlockAlongWidth() const {
    return std::lcm(model_.weight_block->rows, model_.weight_block->columns);
  }

  const checkpoint::ModelFacts& model_;
  const Shares& shares_;
  const EngineTable& table_;
  const Version& release_;
  const FactSource& facts_;
  ShardingFindings findings_;
};

}  // namespace

ShardingFindings CheckSharding(const checkpoint::ModelFacts& model, const Shares& shares, const EngineTable& table,
                               const Version& release, const FactSource& facts) {
  return Sharding(model, shares, table, release, facts).Check();
}

}  // namespace autotune::quant
