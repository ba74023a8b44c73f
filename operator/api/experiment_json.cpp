// status.experiments[].
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "measurement/quality.h"
#include "operator/api/autotune_task.h"
#include "operator/api/object_reader.h"
#include "operator/api/status_json.h"

namespace autotune::api {
namespace {

constexpr std::array<std::string_view, 5> kStates = {"Pending", "Starting", "Measuring", "Succeeded", "Failed"};

json ToJson(const quant::QuantConfig& config) {
  return {{"name", config.name},
          {"gemm", config.gemm},
          {"kvcache", config.kvcache},
          {"attention", config.attention},
          {"moe", config.moe}};
}

void ReadQuantConfig(ObjectReader& reader, quant::QuantConfig& out) {
  reader.Text("name", out.name);
  reader.Text("gemm", out.gemm);
  reader.Text("kvcache", out.kvcache);
  reader.Text("attention", out.attention);
  reader.Text("moe", out.moe);
}

constexpr std::pair<const char*, std::string QualityStatus::*> kQualityTexts[] = {
    {"mean", &QualityStatus::mean},
    {"delta", &QualityStatus::delta},
    {"ci", &QualityStatus::ci},
    {"growth", &QualityStatus::growth},
    {"cacheExercised", &QualityStatus::cache},
    {"agreement", &QualityStatus::agreement},
    {"agreementCi", &QualityStatus::agreement_ci},
    {"ownAgreement", &QualityStatus::own_agreement},
    {"passRate", &QualityStatus::pass_rate},
    {"passRateLow", &QualityStatus::pass_low},
    {"passRateHigh", &QualityStatus::pass_high},
    {"pValue", &QualityStatus::p_value},
    {"gate", &QualityStatus::gate}};

json ToJson(const QualityStatus& quality) {
  const measurement::Quality& measured = quality.measured;
  json out = json::object();
  Put(out, "text", measured.text);
  Put(out, "blocks", measurement::EncodeBlocks(measured.blocks));
  Put(out, "tokens", measurement::EncodeTokens(measured.blocks));
  Put(out, "answers", measurement::EncodeAnswers(measured.answers));
  Put(out, "perByte", quality.per_byte);
  if (measured.passes) {
    Put(out, "dataset", measured.passes->dataset);
    Put(out, "passed", measurement::EncodePassed(measured.passes->passed));
    Put(out, "lost", static_cast<std::int64_t>(quality.lost));
    Put(out, "gained", static_cast<std::int64_t>(quality.gained));
  }
  for (const auto& [name, member] : kQualityTexts) Put(out, name, quality.*member);
  return out;
}

void ReadQuality(ObjectReader& reader, QualityStatus& out) {
  std::string blocks, tokens, answers, dataset, passed;
  reader.Text("text", out.measured.text);
  reader.Text("blocks", blocks);
  reader.Text("tokens", tokens);
  reader.Bool("perByte", out.per_byte);
  reader.Text("answers", answers);
  reader.Text("dataset", dataset);
  reader.Text("passed", passed);
  reader.Integer("lost", out.lost);
  reader.Integer("gained", out.gained);
  for (const auto& [name, member] : kQualityTexts) reader.Text(name, out.*member);
  out.measured.blocks = measurement::DecodeBlocks(blocks).value_or(std::vector<measurement::QualityBlock>());
  measurement::DecodeTokens(tokens, out.measured.blocks);
  out.measured.answers = measurement::DecodeAnswers(answers).value_or(std::vector<measurement::GreedyAnswer>());
  if (auto read = measurement::DecodePassed(passed))
    out.measured.passes = measurement::QuestionResults{dataset, *std::move(read)};
}

}  // namespace

std::string_view ExperimentStateName(ExperimentState state) { return kStates[static_cast<std::size_t>(state)]; }

void ReadExperiment(ObjectReader& reader, ExperimentStatus& out) {
  reader.Text("name", out.name);
  reader.Text("hash", out.hash);
  reader.Choice("state", kStates, [&](std::size_t i) { out.state = static_cast<ExperimentState>(i); });
  reader.Text("model", out.model);
  reader.Text("runtime", out.runtime);
  reader.Text("gpu", out.gpu);
  reader.Nested("quant", [&](ObjectReader& config) { ReadQuantConfig(config, out.quant); });
  reader.Bool("baseline", out.baseline);
  reader.Bool("deployed", out.deployed);
  reader.Text("confirms", out.confirms);
  reader.Text("reusedFrom", out.reused_from);
  reader.Decimal("allowedSeconds", out.allowed_seconds);
  reader.Texts("args", out.args, ObjectReader::kUnbounded);
  reader.Text("options", out.options);
  reader.TextMap("env", out.env, ObjectReader::kUnbounded);
  reader.Text("apartFromCache", out.apart_from_cache);
  reader.Integer("gpus", out.gpus);
  reader.Text("node", out.node);
  reader.Text("gpuProduct", out.gpu_product);
  reader.Text("driver", out.driver);
  reader.Text("imageID", out.image_id);
  reader.Text("engineVersion", out.engine_version);
  ReadWarnings(reader, out.warnings);
  reader.Each("loads", ObjectReader::kUnbounded, [&](ObjectReader& item) {
    LoadRow row;
    ReadLoadRow(item, row);
    out.loads.push_back(std::move(row));
  });
  reader.Text("score", out.score);
  reader.Text("scoreCi", out.score_ci);
  reader.Text("scoreBasis", out.score_basis);
  reader.Text("scoreBound", out.score_bound);
  reader.Text("stopped", out.stopped);
  reader.Nested("quality", [&](ObjectReader& quality) { ReadQuality(quality, out.quality.emplace()); });
  // One of before the corpus has nothing that can be compared.
  if (out.quality && out.quality->measured == measurement::Quality()) out.quality.reset();
  reader.Bool("simulated", out.simulated);
  reader.Text("reason", out.reason);
  reader.Text("message", out.message);
  reader.Text("startedAt", out.started_at);
  reader.Text("finishedAt", out.finished_at);
  reader.Decimal("startSeconds", out.start_seconds);
  reader.Decimal("measureSeconds", out.measure_seconds);
  reader.Integer("attempts", out.attempts);
  reader.Integer("failures", out.failures);
  reader.Text("retryAt", out.retry_at);
  reader.Decimal("wastedGpuHours", out.wasted_gpu_hours);
  reader.Bool("truncated", out.truncated);
}

json ToJson(const ExperimentStatus& experiment) {
  json out = {{"name", experiment.name},
              {"hash", experiment.hash},
              {"state", ExperimentStateName(experiment.state)},
              {"runtime", experiment.runtime},
              {"quant", ToJson(experiment.quant)}};
  Put(out, "model", experiment.model);
  Put(out, "gpu", experiment.gpu);
  Put(out, "baseline", experiment.baseline);
  Put(out, "deployed", experiment.deployed);
  Put(out, "confirms", experiment.confirms);
  Put(out, "reusedFrom", experiment.reused_from);
  if (experiment.allowed_seconds != 0) out["allowedSeconds"] = FormatDecimal(experiment.allowed_seconds, 0);
  if (!experiment.args.empty()) out["args"] = experiment.args;
  Put(out, "options", experiment.options);
  if (!experiment.env.empty()) out["env"] = experiment.env;
  Put(out, "apartFromCache", experiment.apart_from_cache);
  Put(out, "gpus", static_cast<std::int64_t>(experiment.gpus));
  Put(out, "node", experiment.node);
  Put(out, "gpuProduct", experiment.gpu_product);
  Put(out, "driver", experiment.driver);
  Put(out, "imageID", experiment.image_id);
  Put(out, "engineVersion", experiment.engine_version);
  for (const quant::Warning& warning : experiment.warnings) out["warnings"].push_back(ToJson(warning));
  for (const LoadRow& row : experiment.loads) out["loads"].push_back(ToJson(row));
  Put(out, "score", experiment.score);
  Put(out, "scoreCi", experiment.score_ci);
  Put(out, "scoreBasis", experiment.score_basis);
  Put(out, "scoreBound", experiment.score_bound);
  Put(out, "stopped", experiment.stopped);
  if (experiment.quality) out["quality"] = ToJson(*experiment.quality);
  Put(out, "simulated", experiment.simulated);
  Put(out, "reason", experiment.reason);
  Put(out, "message", experiment.message);
  Put(out, "startedAt", experiment.started_at);
  Put(out, "finishedAt", experiment.finished_at);
  if (experiment.start_seconds != 0) out["startSeconds"] = FormatDecimal(experiment.start_seconds, 1);
  if (experiment.measure_seconds != 0) out["measureSeconds"] = FormatDecimal(experiment.measure_seconds, 1);
  Put(out, "attempts", static_cast<std::int64_t>(experiment.attempts));
  Put(out, "failures", static_cast<std::int64_t>(experiment.failures));
  Put(out, "retryAt", experiment.retry_at);
  if (experiment.wasted_gpu_hours != 0) out["wastedGpuHours"] = FormatDecimal(experiment.wasted_gpu_hours, 4);
  Put(out, "truncated", experiment.truncated);
  return out;
}

}  // namespace autotune::api
