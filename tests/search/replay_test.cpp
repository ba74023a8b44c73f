#include "benchmarks/search-replay/replay.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <sstream>

#include "base/keyed_random.h"
#include "benchmarks/search-replay/serve.h"

namespace autotune::search_replay {
namespace {

// The published test vector of the replay data: one candidate of a real task, at one load.
Surface PublishedSurface() {
  Surface s;
  s.task = "llama-3.1-70b.h200.1024.1024";
  s.isl = s.osl = 1024;
  s.start_seconds = 480;
  s.step_seconds = 120;
  s.crash_seconds = 240;
  SurfaceCandidate c;
  c.name = "trtllm-fp8-g4-tp4";
  c.engine = "trtllm";
  c.precision = "fp8";
  c.gpus = c.tensor_parallel = 4;
  c.start_seconds = 480;
  SurfacePoint p;
  p.load = 64;
  p.step_seconds = 120;
  c.points.push_back(p);
  s.candidates.push_back(c);
  return s;
}

TEST(Replay, DrawsThePublishedRandomNumbers) {
  const std::uint64_t task = NameKey("llama-3.1-70b.h200.1024.1024");
  const std::uint64_t candidate = NameKey("trtllm-fp8-g4-tp4");
  EXPECT_EQ(task, 0x146308209ccc8ea3ULL);
  EXPECT_EQ(candidate, 0xc6f30b160e7e20a2ULL);
  EXPECT_NEAR(base::Uniform(base::Key({task, 0, candidate, 1})), 0.916996437898, 1e-12);
  EXPECT_NEAR(NoiseDraw(base::Key({task, 0, candidate, 1, 2})), 0.797838719411, 1e-12);
  EXPECT_NEAR(NoiseDraw(base::Key({task, 0, candidate, 1, 64, 0, 4})), -0.279487402895, 1e-12);
  EXPECT_NEAR(NoiseDraw(base::Key({task, 0, candidate, 1, 64, 0, 5})), -2.466800755530, 1e-12);
}

TEST(Replay, NoiseMovesLatencyByItsDeviationAndThroughputWithIt) {
  Surface s = PublishedSurface();
  SurfacePoint& p = s.candidates[0].points[0];
  p.ttft_ms = p.ttft_mean_ms = 500;
  p.tpot_ms = p.tpot_mean_ms = 12;
  p.out_tok_s = 64 * 1024 / (0.5 + 1023 * 0.012);
  p.sd_ttft = 0.1;
  p.sd_tpot = 0.02;
  const ReplayOptions options;
  const Surfaces surfaces{s, 0, options};
  const Surfaces::Measurement m = surfaces.Measure(0, 1, 0, 0);
  EXPECT_NEAR(m.ttft_ms, 500 * std::exp(0.1 * (std::sqrt(0.3) * 0.797838719411 - std::sqrt(0.7) * 0.279487402895)),
              1e-6);
  EXPECT_NEAR(m.tok_s_gpu, 64 * 1024 / (m.ttft_ms / 1e3 + 1023 * m.tpot_ms / 1e3) / 4, 1e-6);
  EXPECT_NE(surfaces.Measure(0, 1, 0, 1).ttft_ms, m.ttft_ms);
  EXPECT_NE(surfaces.Measure(0, 2, 0, 0).ttft_ms, m.ttft_ms);
  EXPECT_EQ(surfaces.Measure(0, 1, 0, 0).ttft_ms, m.ttft_ms);
  EXPECT_FALSE(surfaces.CrashesAtStart(0));
}

// Two candidates, two loads each, no noise: costs can be checked by hand.
DataSet HandMadeData() {
  DataSet data;
  Surface s;
  s.task = "hand";
  s.origin = "measured";
  s.isl = 128;
  s.osl = 100;
  s.start_seconds = 100;
  s.step_seconds = 20;
  s.crash_seconds = 50;
  for (const int gpus : {1, 2}) {
    SurfaceCandidate c;
    c.name = "g" + std::to_string(gpus);
    c.engine = "vllm";
    c.precision = "fp8";
    c.gpus = c.tensor_parallel = gpus;
    c.start_seconds = 100;
    for (const double load : {4.0, 8.0}) {
      SurfacePoint p;
      p.load = load;
      p.ttft_ms = p.ttft_mean_ms = 50;
      p.tpot_ms = p.tpot_mean_ms = gpus == 1 ? 10 : 8;
      p.out_tok_s = load * 100 / (0.05 + 99 * p.tpot_ms / 1e3);
      p.step_seconds = 20;
      c.points.push_back(p);
    }
    s.candidates.push_back(c);
  }
  data.surfaces.push_back(s);
  data.scenarios.push_back({0, "loose", 1000.0, 100.0});
  return data;
}

TEST(Replay, AFullSweepCostsOne) {
  const DataSet data = HandMadeData();
  ReplayOptions options;
  options.crashes = Crashes::kNone;
  const std::unique_ptr<Policy> sweep = MakePolicy("sweep", 0);
  const RunResult r = Replay(data, data.scenarios[0], options, 0, sweep.get());
  EXPECT_NEAR(r.stop_gpu, 1, 1e-12);
  EXPECT_EQ(r.stop_quality, 1);
  EXPECT_EQ(r.trials, 2);
  EXPECT_EQ(r.steps, 4);
  EXPECT_TRUE(r.hit);
}

TEST(Replay, TheOracleStartsTheBestAtItsBestLoad) {
  const DataSet data = HandMadeData();
  ReplayOptions options;
  options.crashes = Crashes::kNone;
  const std::unique_ptr<Policy> oracle = MakePolicy("oracle", 0);
  const RunResult r = Replay(data, data.scenarios[0], options, 0, oracle.get());
  // One GPU: 100 + 20 of (100 + 40) * 3 GPU-seconds.
  EXPECT_NEAR(r.t95_gpu, 120.0 / 420, 1e-12);
  EXPECT_NEAR(r.t95_wall, 120.0 / 280, 1e-12);
}

TEST(Replay, EveryPolicyIsDeterministicAndFindsTheBest) {
  const DataSet data = HandMadeData();
  ReplayOptions options;
  options.crashes = Crashes::kNone;
  for (const std::string_view name : kPolicies) {
    for (const int slots : {1, 2}) {
      options.slots = slots;
      const RunResult a = Replay(data, data.scenarios[0], options, 3, MakePolicy(name, 0).get());
      const RunResult b = Replay(data, data.scenarios[0], options, 3, MakePolicy(name, 0).get());
      EXPECT_TRUE(a.hit) << name;
      EXPECT_EQ(a.t95_gpu, b.t95_gpu) << name;
      EXPECT_EQ(a.stop_gpu, b.stop_gpu) << name;
      EXPECT_LE(a.stop_gpu, 1 + 1e-9) << name;
    }
  }
}

TEST(Serve, AnswersTheLineProtocol) {
  std::istringstream in(
      "new 7 - - 128 100 1 0 1000 100 100 20 2\n"
      "cand 0 vllm fp8 - 1 1 1 1 1 0 0 none 0 100 2 4:40:9 8:50:9.5\n"
      "cand 1 vllm fp8 - 2 2 1 1 1 0 0 none 0 100 2 4:40:7 8:50:7.5\n"
      "ask 0 -1\n"
      "obs start 0 ok\n"
      "ask 0 0\n"
      "obs step 0 8 50 10 766 1\n"
      "ask 0 0\n"
      "quit\n");
  std::ostringstream out;
  std::ostringstream errors;
  EXPECT_EQ(Serve(in, out, errors, MakePolicy("product", 0).get()), 0) << errors.str();
  std::istringstream answers(out.str());
  std::string line;
  ASSERT_TRUE(std::getline(answers, line));
  EXPECT_EQ(line, "start 0");  // the same latency class on half the GPUs
  ASSERT_TRUE(std::getline(answers, line));
  EXPECT_EQ(line, "step 8");
  ASSERT_TRUE(std::getline(answers, line));
  EXPECT_TRUE(line.starts_with("start") || line.starts_with("stop") || line.starts_with("step")) << line;
}

TEST(Serve, NamesTheLineThatItCannotUnderstand) {
  for (const char* text :
       {"ask 0 -1\n", "new 1 2 3\n", "hello\n", "new 7 - - 128 100 1 0 -1 -1 1 1 1\ncand 0 vllm fp8\n"}) {
    std::istringstream in(text);
    std::ostringstream out;
    std::ostringstream errors;
    EXPECT_EQ(Serve(in, out, errors, MakePolicy("random", 0).get()), 2) << text;
    EXPECT_NE(errors.str().find("cannot understand"), std::string::npos);
  }
}

TEST(DataSet, NamesTheMissingFile) {
  const auto data = ReadDataSet("/nowhere");
  ASSERT_FALSE(data.ok());
  EXPECT_NE(data.error().message.find("/nowhere/tasks.csv"), std::string::npos);
}

}  // namespace
}  // namespace autotune::search_replay
