#include "simulator/engine_settings.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/ascii_case.h"
#include "simulator/options_file.h"
#include "simulator/python_text.h"

namespace autotune::simulator {
namespace {

using nlohmann::json;

// Typed reads of parsed arguments; a value that argparse would have rejected never gets here.
class Reader {
 public:
  Reader(const RecordedParser* parser, const ParsedArguments& arguments) : parser_(parser), arguments_(arguments) {}

  [[nodiscard]] std::string Text(std::string_view key, std::string_view fallback = "") const {
    if (arguments_.Has(key)) return arguments_.Text(key, fallback);
    const std::string recorded = Default(key);
    return recorded.empty() ? std::string(fallback) : recorded;
  }
  [[nodiscard]] std::optional<std::int64_t> Integer(std::string_view key) const {
    const std::string text = Text(key);
    return text.empty() ? std::nullopt : ParseHumanReadableInt(text).value;
  }
  [[nodiscard]] int Int(std::string_view key, int fallback) const {
    return static_cast<int>(Integer(key).value_or(fallback));
  }
  [[nodiscard]] double Number(std::string_view key, double fallback) const {
    return PythonFloat(Text(key)).value_or(fallback);
  }
  [[nodiscard]] bool On(std::string_view key, bool fallback = false) const { return arguments_.On(key, fallback); }
  [[nodiscard]] bool Given(std::string_view key) const { return arguments_.Has(key); }

 private:
  [[nodiscard]] std::string Default(std::string_view key) const {
    if (parser_ == nullptr) return "";
    for (const RecordedArgument& argument : parser_->arguments) {
      if (argument.Key() == key) return argument.default_text == "==SUPPRESS==" ? "" : argument.default_text;
    }
    return "";
  }
  const RecordedParser* parser_;
  const ParsedArguments& arguments_;
};

std::string ResolveDtype(const std::string& flag, const ModelShape& shape) {
  if (flag == "half" || flag == "float16") return "float16";
  if (flag == "float" || flag == "float32") return "float32";
  if (flag == "bfloat16") return "bfloat16";
  // auto: a float32 checkpoint is loaded in half precision by every engine.
  return shape.dtype == "float32" ? "float16" : shape.dtype;
}

// A member of --quantization-config is a name, or an object whose weight names it.
std::string OnlineMember(const json& config, const char* member) {
  if (!config.is_object() || !config.contains(member)) return "";
  const json& value = config[member];
  if (value.is_string()) return value.get<std::string>();
  if (value.is_object()) return value.value("weight", "");
  return "";
}

int IntegerMember(const json& object, const char* name, int fallback) {
  const auto found = object.find(name);
  return found != object.end() && found->is_number_integer() ? found->get<int>() : fallback;
}

// Proposals from the text so far cost nothing, those of a model do.
void Speculate(int draft_tokens, std::string_view method, EngineSettings* s) {
  s->speculation.draft_tokens = std::max(0, draft_tokens);
  if (method.find("gram") != std::string_view::npos || method == "NGRAM") s->speculation.draft_cost = 0;
}

void ResolveVllm(const Reader& read, EngineSettings* s) {
  s->host = read.Text("host", "0.0.0.0");
  s->port = read.Int("port", 8000);
  s->served_name = read.Text("served-model-name", s->model);
  s->quantization = read.Text("quantization");
  if (s->quantization == "None") s->quantization.clear();
  const std::string config = read.Text("quantization-config");
  if (!config.empty() && config != "None") {
    s->has_quantization_config = true;
    const json parsed = json::parse(config, nullptr, false);
    s->online_linear = OnlineMember(parsed, "linear");
    s->online_moe = OnlineMember(parsed, "moe");
  }
  s->kv_cache_dtype = read.Text("kv-cache-dtype", "auto");
  s->attention_backend = base::AsciiUpper(read.Text("attention-backend"));
  if (s->attention_backend == "AUTO" || s->attention_backend == "NONE") s->attention_backend.clear();
  s->moe_backend = read.Text("moe-backend");
  std::replace(s->moe_backend.begin(), s->moe_backend.end(), '-', '_');
  if (s->moe_backend == "auto") s->moe_backend.clear();
  s->tensor_parallel = read.Int("tensor-parallel-size", 1);
  s->pipeline_parallel = read.Int("pipeline-parallel-size", 1);
  s->data_parallel = read.Int("data-parallel-size", 1);
  // "auto" and -1 ask for what fits; then the derived length is as good a bound as any.
  const std::optional<std::int64_t> length = read.Integer("max-model-len");
  s->max_model_len_given = length && *length > 0;
  s->max_model_len = s->max_model_len_given ? *length : s->shape.max_positions;
  s->memory_fraction = read.Number("gpu-memory-utilization", 0.9);
  s->kv_cache_bytes = read.Integer("kv-cache-memory-bytes");
  // Server defaults by GPU (vllm/engine/arg_utils.py): large ones get more, the A100 does not.
  const bool large = s->gpu.memory_gib >= 70 && !s->gpu.key.starts_with("a100");
  s->max_sequences = read.Int("max-num-seqs", large ? 1024 : 256);
  if (s->max_sequences <= 0) s->max_sequences = large ? 1024 : 256;
  const int budget = s->gpu.memory_gib >= 160 ? 16384 : large ? 8192 : 2048;
  s->token_budget = read.Int("max-num-batched-tokens", budget);
  if (s->token_budget <= 0) s->token_budget = budget;
  s->eager = read.On("enforce-eager");
  s->chunked_prefill = read.On("enable-chunked-prefill", true);
  s->prefix_caching = read.On("enable-prefix-caching", true);
  s->block_tokens = std::max(1, read.Int("block-size", 16));
  s->stream_interval = std::max(1, read.Int("stream-interval", 1));
  const json speculation = json::parse(read.Text("speculative-config"), nullptr, false);
  int drafts = read.Int("spec-tokens", 0);
  std::string method = read.Text("spec-method");
  if (speculation.is_object()) {
    if (drafts == 0) drafts = IntegerMember(speculation, "num_speculative_tokens", 0);
    if (method.empty()) method = speculation.value("method", "");
  }
  Speculate(drafts, method, s);
}

void ResolveSglang(const Reader& read, EngineSettings* s) {
  s->host = read.Text("host", "127.0.0.1");
  s->port = read.Int("port", 30000);
  s->served_name = read.Text("served-model-name", s->model);
  s->quantization = read.Text("quantization");
  if (s->quantization == "unquant") s->quantization.clear();
  s->kv_cache_dtype = read.Text("kv-cache-dtype", "auto");
  s->attention_backend = read.Text("attention-backend");
  s->moe_backend = read.Text("moe-runner-backend");
  if (s->moe_backend == "auto") s->moe_backend.clear();
  s->torchao_config = read.Text("torchao-config");
  s->tensor_parallel = read.Int("tp-size", read.Int("tensor-parallel-size", 1));
  s->pipeline_parallel = read.Int("pp-size", read.Int("pipeline-parallel-size", 1));
  // With data-parallel attention the replicas share the tensor-parallel GPUs.
  s->data_parallel = read.On("enable-dp-attention") ? 1 : read.Int("dp-size", read.Int("data-parallel-size", 1));
  const std::optional<std::int64_t> length = read.Integer("context-length");
  s->max_model_len_given = length.has_value();
  s->max_model_len = length.value_or(s->shape.max_positions);
  // Chosen by the engine; observed on an H100 with either model, 64 and 256 requests.
  s->memory_fraction = read.Number("mem-fraction-static", 0.83);
  s->kv_cache_tokens = read.Integer("max-total-tokens");
  s->max_sequences = read.Int("max-running-requests", 4096);
  if (s->max_sequences <= 0) s->max_sequences = 4096;
  const int chunk = s->gpu.memory_gib >= 160  ? 16384
                    : s->gpu.memory_gib >= 60 ? 8192
                    : s->gpu.memory_gib >= 30 ? 4096
                                              : 2048;
  s->token_budget = read.Int("chunked-prefill-size", chunk);
  if (s->token_budget <= 0) s->token_budget = read.Int("max-prefill-tokens", 16384);  // -1: no chunks
  s->mixed_steps = read.On("enable-mixed-chunk");
  s->eager = read.On("disable-cuda-graph");
  s->own_warmup = !read.On("skip-server-warmup");
  s->metrics = read.On("enable-metrics");
  s->prefix_caching = !read.On("disable-radix-cache");
  s->block_tokens = std::max(1, read.Int("page-size", 1));
  s->stream_interval = std::max(1, read.Int("stream-interval", 1));
  if (const auto queued = read.Integer("max-queued-requests")) s->max_queued = static_cast<int>(*queued);
  const std::string algorithm = read.Text("speculative-algorithm");
  if (!algorithm.empty() && algorithm != "NONE" && algorithm != "None") {
    // Without numbers the engine chooses by model: usually a chain of 3 steps (srt/server_args.py).
    const int steps = read.Int("speculative-num-steps", 3);
    Speculate(read.Int("speculative-num-draft-tokens", steps + 1) - 1, algorithm, s);
  }
}

base::Status ResolveTrtllm(const Reader& read, EngineSettings* s) {
  s->host = read.Text("host", "localhost");
  s->port = read.Int("port", 8000);
  s->served_name = read.Text("served_model_name", s->model);
  s->tensor_parallel = read.Int("tp_size", read.Int("tensor_parallel_size", 1));
  s->pipeline_parallel = read.Int("pp_size", read.Int("pipeline_parallel_size", 1));
  s->kv_cache_dtype = read.Text("kv_cache_dtype", "auto");
  s->memory_fraction = read.Number("kv_cache_free_gpu_memory_fraction", read.Number("free_gpu_memory_fraction", 0.9));
  s->max_sequences = read.Int("max_batch_size", 2048);
  s->token_budget = read.Int("max_num_tokens", 8192);
  const std::optional<std::int64_t> length = read.Integer("max_seq_len");
  s->max_model_len_given = length.has_value();
  s->max_model_len = length.value_or(s->shape.max_positions);
  s->metrics = false;
  s->chunked_prefill = read.On("enable_chunked_prefill");
  s->block_tokens = 32;
  const std::string path = read.Text("extra_llm_api_options", read.Text("config"));
  if (path.empty()) return {};
  base::Result<json> options = ReadOptionsFile(path);
  if (!options) return base::Invalid("FileNotFoundError: " + options.error().message);
  s->options_set_quantization = options->contains("quant_config");
  const json cache = options->value("kv_cache_config", json::object());
  if (cache.is_object()) {
    s->kv_cache_dtype = cache.value("dtype", s->kv_cache_dtype);
    s->prefix_caching = cache.value("enable_block_reuse", true);
    s->block_tokens = std::max(1, IntegerMember(cache, "tokens_per_block", 32));
    if (cache.contains("free_gpu_memory_fraction") && cache["free_gpu_memory_fraction"].is_number()) {
      s->memory_fraction = cache["free_gpu_memory_fraction"].get<double>();
    }
  }
  if (options->contains("dtype") && (*options)["dtype"].is_string()) {
    s->dtype = ResolveDtype((*options)["dtype"].get<std::string>(), s->shape);
  }
  const auto integer = [&](const char* key, int fallback) { return IntegerMember(*options, key, fallback); };
  const auto on = [&](const char* key, bool fallback) {
    return options->contains(key) && (*options)[key].is_boolean() ? (*options)[key].get<bool>() : fallback;
  };
  s->chunked_prefill = on("enable_chunked_prefill", s->chunked_prefill);
  s->metrics = on("return_perf_metrics", false);
  s->iteration_statistics = on("enable_iter_perf_stats", false);
  s->stream_interval = std::max(1, integer("stream_interval", 1));
  const json speculation = options->value("speculative_config", json());
  if (speculation.is_object()) {
    Speculate(IntegerMember(speculation, "max_draft_len", 3), speculation.value("decoding_type", ""), s);
  }
  s->tensor_parallel = integer("tensor_parallel_size", s->tensor_parallel);
  s->pipeline_parallel = integer("pipeline_parallel_size", s->pipeline_parallel);
  s->max_sequences = integer("max_batch_size", s->max_sequences);
  s->token_budget = integer("max_num_tokens", s->token_budget);
  if (options->contains("attn_backend") && (*options)["attn_backend"].is_string()) {
    s->attention_backend = (*options)["attn_backend"].get<std::string>();
  }
  if (options->contains("cuda_graph_config")) s->eager = (*options)["cuda_graph_config"].is_null();
  return {};
}

}  // namespace

std::string EngineSettings::EffectiveKvCache() const {
  const bool automatic = kv_cache_dtype.empty() || kv_cache_dtype == "auto";
  return automatic && shape.checkpoint_fp8_kv ? "fp8" : kv_cache_dtype;
}

std::string EngineSettings::EffectiveQuantization() const {
  return quantization.empty() ? shape.checkpoint_quantization : quantization;
}

std::string EngineSettings::EffectiveAttentionBackend() const {
  switch (release.engine) {
    case Engine::kVllm: {
      if (!attention_backend.empty()) return attention_backend;
      if (!gpu.nvidia()) return "TRITON_ATTN";
      if (dtype == "float32") return "TRITON_ATTN";
      if (kv_cache_dtype.ends_with("per_token_head")) return "TRITON_ATTN";
      if (kv_cache_dtype.starts_with("turboquant")) return "TURBOQUANT";
      if (kv_cache_dtype == "fp8_e5m2" || kv_cache_dtype.starts_with("nvfp4")) return "FLASHINFER";
      if (gpu.capability >= 100) return "FLASHINFER";
      // FlashAttention 3 reads an fp8 cache only on Hopper.
      if (kv_cache_dtype.starts_with("fp8") && gpu.capability < 90) return "FLASHINFER";
      return "FLASH_ATTN";
    }
    case Engine::kSglang: {
      std::string backend = attention_backend;
      if (backend.empty() && !gpu.nvidia()) return "aiter";
      if (backend.empty()) backend = gpu.capability >= 100 ? "trtllm_mha" : gpu.capability >= 90 ? "fa3" : "flashinfer";
      // Recorded: FlashAttention 3 is overridden even where it was asked for.
      if (backend == "fa3" && kv_cache_dtype == "fp8_e5m2") return "triton";
      return backend;
    }
    case Engine::kTensorRtLlm:
      return attention_backend.empty() ? "TRTLLM" : attention_backend;
  }
  return "";
}

base::Result<EngineSettings> ResolveSettings(const SettingsInput& input, const ParsedArguments& arguments) {
  EngineSettings settings;
  settings.release = input.release;
  settings.gpu = input.gpu;
  settings.visible_gpus = input.visible_gpus;
  const Reader read(input.parser, arguments);
  switch (input.release.engine) {
    case Engine::kVllm:
      // The parser's own default model, which `vllm serve` without a model starts.
      settings.model = arguments.Text("model_tag", read.Text("model", "Qwen/Qwen3-0.6B"));
      break;
    case Engine::kSglang:
      settings.model = read.Text("model-path");
      break;
    case Engine::kTensorRtLlm:
      settings.model = read.Text("model");
      break;
  }
  base::Result<ModelShape> shape = LoadModelShape(settings.model, input.models);
  if (!shape) return std::move(shape).error();
  settings.shape = *std::move(shape);
  settings.dtype = ResolveDtype(read.Text("dtype", "auto"), settings.shape);
  if (input.parser != nullptr) settings.quantization_methods = input.parser->quantization_methods;
  switch (input.release.engine) {
    case Engine::kVllm:
      ResolveVllm(read, &settings);
      break;
    case Engine::kSglang:
      ResolveSglang(read, &settings);
      break;
    case Engine::kTensorRtLlm:
      if (base::Status status = ResolveTrtllm(read, &settings); !status) return status.error();
      break;
  }
  for (const auto& [key, given] : arguments.given) {
    settings.default_text += (settings.default_text.empty() ? "" : ", ") + PythonRepr(key) + ": ";
    settings.default_text +=
        given.values.empty() ? std::string(given.on ? "True" : "False") : PythonRepr(given.values.front());
  }
  return settings;
}

}  // namespace autotune::simulator
