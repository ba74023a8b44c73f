#include "engine_model/closed_form.h"

#include <gtest/gtest.h>

#include "engine_model/gpu_spec.h"
#include "tests/search/surfaces.h"

namespace autotune::engine_model {
namespace {

using tuning::search::testing::Llama70B;
using tuning::search::testing::Llama8B;

ModelShape DeepSeekV3() {
  ModelShape m;
  m.layers = 61;
  m.hidden = 7168;
  m.heads = 128;
  m.kv_heads = 128;
  m.head_dim = 128;
  m.intermediate = 18432;
  m.vocabulary = 129280;
  m.experts = 256;
  m.experts_per_token = 8;
  m.shared_intermediate = 2048;
  m.expert_intermediate = 2048;
  m.dense_layers = 3;
  m.q_lora_rank = 1536;
  m.kv_lora_rank = 512;
  m.rope_head_dim = 64;
  m.nope_head_dim = 128;
  m.v_head_dim = 128;
  return m;
}

// The models' own cards.
TEST(ModelShape, CountsTheParametersOfKnownModels) {
  EXPECT_NEAR(Llama8B().Parameters(), 8.030e9, 0.01e9);
  EXPECT_NEAR(Llama70B().Parameters(), 70.55e9, 0.05e9);
  EXPECT_NEAR(DeepSeekV3().Parameters(), 671e9, 2e9);
}

TEST(ModelShape, CountsTheCacheOfOneToken) {
  EXPECT_EQ(2 * Llama8B().KvElements(1), 131072);  // bf16 bytes
  EXPECT_EQ(2 * Llama70B().KvElements(1), 327680);
  EXPECT_EQ(2 * DeepSeekV3().KvElements(1), 70272);  // the latent, not the heads
}

TEST(ModelShape, ALayerWithAWindowKeepsNoMoreThanTheWindow) {
  ModelShape m = Llama8B();
  m.window = 128;
  m.window_layers = 16;
  EXPECT_EQ(m.KvElements(1024), 2.0 * 8 * 128 * (16 * 1024 + 16 * 128));
}

TEST(GpuSpec, FindsAGpuByItsNames) {
  EXPECT_EQ(FindGpu("h100")->key, "h100");
  EXPECT_EQ(FindGpu("NVIDIA-H100-80GB-HBM3")->key, "h100");
  EXPECT_EQ(FindGpu("NVIDIA-H100-PCIe")->key, "h100-pcie");
  EXPECT_EQ(FindGpu("NVIDIA-L40S")->key, "l40s");
  EXPECT_EQ(FindGpu("H200")->compute_capability, 90);
  EXPECT_FALSE(FindGpu("NVIDIA GeForce RTX 3060"));
  EXPECT_FALSE(FindGpu("gb10"));  // nobody documents its rates
}

GpuSpec PublishedH200() { return {"h200", "", 150754820096.0, 4.8e12, 989e12, 1979e12, 0, 0, 450e9, 90}; }

// Values of the prototype that the search was designed with (docs/search.md), for Llama-3.1-70B in fp8 on H200.
TEST(ClosedForm, GivesThePrototypesValues) {
  const struct {
    int tensor;
    double load, ttft_ms, tpot_ms;
  } rows[] = {{1, 4, 232.763, 21.2298},
              {1, 32, 557.146, 26.0639},
              {2, 8, 183.779, 13.6599},
              {4, 64, 400.91, 12.5227},
              {8, 128, 556.78, 12.3689}};
  for (const auto& row : rows) {
    CandidateShape c;
    c.weights = WeightFormat::kFp8;
    c.gpus = c.tensor_parallel = row.tensor;
    const LatencyPrediction p = ClosedForm(Llama70B(), PublishedH200(), c, {1024, 1024}).Predict(row.load);
    EXPECT_NEAR(p.ttft_seconds * 1e3, row.ttft_ms, 0.002 * row.ttft_ms) << row.tensor << " " << row.load;
    EXPECT_NEAR(p.tpot_seconds * 1e3, row.tpot_ms, 0.002 * row.tpot_ms) << row.tensor << " " << row.load;
  }
}

TEST(ClosedForm, BeyondTheCapTpotStaysAndTheQueueGrows) {
  CandidateShape c;
  c.max_num_seqs = 16;
  const ClosedForm form(Llama8B(), *FindGpu("h100"), c, {1024, 256});
  const LatencyPrediction at = form.Predict(16);
  const LatencyPrediction beyond = form.Predict(64);
  EXPECT_EQ(beyond.running, 16);
  EXPECT_EQ(beyond.tpot_seconds, at.tpot_seconds);
  // Little's law: 48 requests wait at the rate at which 16 run.
  const double rate = 16 / (at.ttft_seconds + 256 * at.tpot_seconds);
  EXPECT_NEAR(beyond.ttft_seconds - at.ttft_seconds, 48 / rate, 1e-9);
}

TEST(ClosedForm, LatenciesDoNotFallWithLoad) {
  for (const ModelShape& model : {Llama8B(), Llama70B(), DeepSeekV3()}) {
    CandidateShape c;
    c.weights = WeightFormat::kFp8;
    c.gpus = c.tensor_parallel = 8;
    c.max_num_seqs = 64;
    const ClosedForm form(model, *FindGpu("b200"), c, {1024, 512});
    LatencyPrediction last;
    for (const double load : {1.0, 2.0, 4.0, 16.0, 64.0, 65.0, 128.0, 512.0}) {
      const LatencyPrediction now = form.Predict(load);
      EXPECT_GE(now.ttft_seconds, last.ttft_seconds) << load;
      EXPECT_GE(now.tpot_seconds, last.tpot_seconds) << load;
      last = now;
    }
  }
}

TEST(ClosedForm, AModelThatDoesNotFitHasNoRoomForOneRequest) {
  CandidateShape c;
  EXPECT_LT(ClosedForm(Llama70B(), *FindGpu("h100"), c, {1024, 256}).CacheSequences(), 1);
  c.weights = WeightFormat::kInt4;
  EXPECT_GT(ClosedForm(Llama70B(), *FindGpu("h100"), c, {1024, 256}).CacheSequences(), 1);
}

TEST(ClosedForm, RequestsInStepWaitLonger) {
  const ClosedForm staggered(Llama8B(), *FindGpu("h100"), {}, {1024, 256, false});
  const ClosedForm in_step(Llama8B(), *FindGpu("h100"), {}, {1024, 256, true});
  EXPECT_GT(in_step.Predict(32).ttft_seconds, 2 * staggered.Predict(32).ttft_seconds);
  EXPECT_EQ(in_step.Predict(32).tpot_seconds, staggered.Predict(32).tpot_seconds);
}

TEST(ClosedForm, EagerModeAndNoFp8CoresCost) {
  CandidateShape graphs;
  graphs.weights = WeightFormat::kFp8;
  CandidateShape eager = graphs;
  eager.eager = true;
  const Workload w{1024, 256};
  EXPECT_GT(ClosedForm(Llama8B(), *FindGpu("h100"), eager, w).Predict(8).tpot_seconds,
            1.5 * ClosedForm(Llama8B(), *FindGpu("h100"), graphs, w).Predict(8).tpot_seconds);
  // An A100 multiplies fp8 weights in bf16.
  GpuSpec with_cores = *FindGpu("a100");
  with_cores.fp8_flops = 2 * with_cores.bf16_flops;
  EXPECT_GT(ClosedForm(Llama8B(), *FindGpu("a100"), graphs, w).Predict(8).ttft_seconds,
            ClosedForm(Llama8B(), with_cores, graphs, w).Predict(8).ttft_seconds);
}

}  // namespace
}  // namespace autotune::engine_model
