#include "benchmarks/search-replay/surface.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <initializer_list>
#include <sstream>

namespace autotune::search_replay {
namespace {

base::Error Invalid(std::string message) { return {base::Code::kInvalid, std::move(message), std::nullopt, 0}; }

std::vector<std::string> Split(const std::string& line) {
  std::vector<std::string> out(1);
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      out.emplace_back();
    } else if (c != '\r') {
      out.back() += c;
    }
  }
  return out;
}

class Table {
 public:
  struct Row {
    const Table* table;
    std::vector<std::string> fields;
    [[nodiscard]] std::string Text(const std::string& column) const {
      const auto found = table->columns_.find(column);
      return found == table->columns_.end() || found->second >= fields.size() ? "" : fields[found->second];
    }
    [[nodiscard]] std::optional<double> Number(const std::string& column) const {
      const std::string text = Text(column);
      if (text.empty()) return std::nullopt;
      double value = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
      return error == std::errc{} && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
    }
    [[nodiscard]] double Or(const std::string& column, double otherwise) const {
      return Number(column).value_or(otherwise);
    }
    [[nodiscard]] int Int(const std::string& column, int otherwise) const {
      return static_cast<int>(Or(column, otherwise));
    }
  };

  static base::Result<Table> Read(const std::string& path, std::initializer_list<const char*> required) {
    std::ifstream in(path);
    if (!in) return base::Error{base::Code::kNotFound, path + ": no such file", std::nullopt, 0};
    Table table;
    std::string line;
    std::getline(in, line);
    const std::vector<std::string> names = Split(line);
    for (std::size_t i = 0; i < names.size(); ++i) table.columns_[names[i]] = i;
    for (const char* name : required) {
      if (!table.columns_.contains(name)) return Invalid(path + ": no column " + name);
    }
    while (std::getline(in, line)) {
      if (!line.empty()) table.rows_.push_back(Split(line));
    }
    return table;
  }
  [[nodiscard]] std::vector<Row> Rows() const {
    std::vector<Row> out;
    for (const auto& fields : rows_) out.push_back({this, fields});
    return out;
  }

 private:
  std::map<std::string, std::size_t> columns_;
  std::vector<std::vector<std::string>> rows_;
};

engine_model::ModelShape ModelOf(const Table::Row& row) {
  engine_model::ModelShape m;
  m.layers = row.Int("layers", 0);
  m.hidden = row.Int("hidden", 0);
  m.heads = row.Int("heads", 0);
  m.kv_heads = row.Int("kv_heads", 0);
  m.head_dim = row.Int("head_dim", 0);
  m.intermediate = row.Int("ffn", 0);
  m.vocabulary = row.Int("vocab", 0);
  m.tied_embeddings = row.Int("tied", 0) != 0;
  m.experts = row.Int("experts", 0);
  m.experts_per_token = row.Int("experts_per_token", 0);
  m.expert_intermediate = row.Int("expert_ffn", 0);
  m.shared_intermediate = row.Int("shared_experts", 0) * m.expert_intermediate;
  m.dense_layers = row.Int("dense_layers", 0);
  if (row.Text("attention") == "mla") {
    m.q_lora_rank = row.Int("q_lora", 0);
    m.kv_lora_rank = row.Int("kv_lora", 0);
    m.rope_head_dim = row.Int("rope_dim", 0);
    m.nope_head_dim = row.Int("nope_dim", 0);
    m.v_head_dim = row.Int("v_dim", 0);
  }
  m.window = row.Int("window", 0);
  m.window_layers = row.Int("window_layers", 0);
  m.linear_parameters_per_layer = row.Or("linear_params_per_layer", 0);
  m.linear_state_bytes_per_layer = row.Or("linear_state_bytes", 0);
  // What is neither full nor windowed attention keeps a state of fixed size.
  if (m.linear_state_bytes_per_layer > 0) {
    m.linear_layers = std::max(0, m.layers - row.Int("full_attention_layers", m.layers) - m.window_layers);
  }
  m.expert_only_quantization = row.Int("expert_only_quant", 0) != 0;
  return m;
}

engine_model::GpuSpec GpuOf(const Table::Row& row) {
  engine_model::GpuSpec g;
  g.key = row.Text("gpu");
  g.memory_bytes = row.Or("mem_bytes", 0);
  g.memory_bandwidth = row.Or("mem_bw", 0);
  g.bf16_flops = row.Or("flops_bf16", 0);
  g.fp8_flops = row.Or("flops_fp8", 0);
  g.int8_ops = g.fp8_flops;
  g.fp4_flops = row.Or("flops_fp4", 0);
  g.link_bandwidth = row.Or("link_bw", 0);
  return g;
}

}  // namespace

base::Result<DataSet> ReadDataSet(const std::string& directory) {
  const auto path = [&](const char* file) { return directory + "/" + file; };
  auto tasks =
      Table::Read(path("tasks.csv"), {"task", "model", "gpu", "isl", "osl", "origin", "start_s", "step_s", "crash_s"});
  if (!tasks.ok()) return tasks.error();
  auto candidates =
      Table::Read(path("candidates.csv"), {"task", "cand", "engine", "precision", "kv_dtype", "gpus", "tp", "pp", "dp",
                                           "ep", "max_num_seqs", "max_batched_tokens", "spec", "eager", "start_s"});
  if (!candidates.ok()) return candidates.error();
  auto points = Table::Read(path("points.csv"), {"task", "cand", "load", "ttft_ms", "tpot_ms", "ttft_mean_ms",
                                                 "tpot_mean_ms", "out_tok_s", "sd_ttft", "sd_tpot", "step_s"});
  if (!points.ok()) return points.error();
  auto scenarios = Table::Read(path("scenarios.csv"), {"task", "scenario", "slo_ttft_ms", "slo_tpot_ms"});
  if (!scenarios.ok()) return scenarios.error();
  auto models =
      Table::Read(path("models.csv"), {"model", "layers", "hidden", "heads", "kv_heads", "head_dim", "ffn", "vocab"});
  if (!models.ok()) return models.error();
  auto gpus =
      Table::Read(path("gpus.csv"), {"gpu", "mem_bytes", "mem_bw", "flops_bf16", "flops_fp8", "flops_fp4", "link_bw"});
  if (!gpus.ok()) return gpus.error();
  auto prior = Table::Read(path("prior.csv"), {"task", "cand", "load", "prior_ttft_ms", "prior_tpot_ms"});
  if (!prior.ok() && prior.error().code != base::Code::kNotFound) return prior.error();

  DataSet data;
  std::map<std::string, std::size_t> surface_of;
  for (const Table::Row& row : tasks->Rows()) {
    Surface s;
    s.task = row.Text("task");
    s.origin = row.Text("origin");
    s.model = row.Text("model");
    s.gpu = row.Text("gpu");
    s.isl = row.Or("isl", 0);
    s.osl = row.Or("osl", 0);
    s.start_seconds = row.Or("start_s", 0);
    s.step_seconds = row.Or("step_s", 0);
    s.crash_seconds = row.Or("crash_s", 0);
    surface_of[s.task] = data.surfaces.size();
    data.surfaces.push_back(std::move(s));
  }
  std::map<std::pair<std::string, std::string>, std::size_t> candidate_of;
  for (const Table::Row& row : candidates->Rows()) {
    const auto task = surface_of.find(row.Text("task"));
    if (task == surface_of.end()) return Invalid("candidates.csv: task " + row.Text("task") + " is not in tasks.csv");
    Surface& s = data.surfaces[task->second];
    SurfaceCandidate c;
    c.name = row.Text("cand");
    c.engine = row.Text("engine");
    c.precision = row.Text("precision");
    c.cache_dtype = row.Text("kv_dtype");
    c.draft = row.Text("spec") == "none" ? "" : row.Text("spec");
    c.gpus = row.Int("gpus", 1);
    c.tensor_parallel = row.Int("tp", 1);
    c.pipeline_parallel = row.Int("pp", 1);
    c.data_parallel = row.Int("dp", 1);
    c.expert_parallel = row.Int("ep", 1);
    c.max_num_seqs = row.Int("max_num_seqs", 0);
    c.max_batched_tokens = row.Int("max_batched_tokens", 0);
    c.eager = row.Int("eager", 0) != 0;
    c.start_seconds = row.Or("start_s", s.start_seconds);
    candidate_of[{s.task, c.name}] = s.candidates.size();
    s.candidates.push_back(std::move(c));
  }
  const auto find = [&](const Table::Row& row) -> SurfaceCandidate* {
    const auto found = candidate_of.find({row.Text("task"), row.Text("cand")});
    return found == candidate_of.end() ? nullptr
                                       : &data.surfaces[surface_of[row.Text("task")]].candidates[found->second];
  };
  for (const Table::Row& row : points->Rows()) {
    SurfaceCandidate* c = find(row);
    if (c == nullptr) return Invalid("points.csv: candidate " + row.Text("cand") + " is not in candidates.csv");
    SurfacePoint p;
    for (const auto& [column, field] : {std::pair("load", &p.load), {"ttft_ms", &p.ttft_ms}, {"tpot_ms", &p.tpot_ms}}) {
      const std::optional<double> number = row.Number(column);
      if (!number)
        return Invalid("points.csv: " + row.Text("cand") + ": " + column + " \"" + row.Text(column) +
                       "\" is not a number");
      *field = *number;
    }
    p.ttft_mean_ms = row.Or("ttft_mean_ms", p.ttft_ms);
    p.tpot_mean_ms = row.Or("tpot_mean_ms", p.tpot_ms);
    p.out_tok_s = row.Or("out_tok_s", 0);
    p.sd_ttft = row.Or("sd_ttft", 0);
    p.sd_tpot = row.Or("sd_tpot", 0);
    p.step_seconds = row.Or("step_s", data.surfaces[surface_of[row.Text("task")]].step_seconds);
    c->points.push_back(p);
  }
  for (Surface& s : data.surfaces) {
    for (SurfaceCandidate& c : s.candidates) {
      if (c.points.empty()) return Invalid("points.csv: candidate " + c.name + " of " + s.task + " has no point");
      std::sort(c.points.begin(), c.points.end(),
                [](const SurfacePoint& a, const SurfacePoint& b) { return a.load < b.load; });
    }
  }
  if (prior.ok()) {
    for (const Table::Row& row : prior->Rows()) {
      SurfaceCandidate* c = find(row);
      if (c == nullptr) continue;
      for (SurfacePoint& p : c->points) {
        if (p.load != row.Or("load", 0)) continue;
        p.prior_ttft_ms = row.Number("prior_ttft_ms");
        p.prior_tpot_ms = row.Number("prior_tpot_ms");
      }
    }
  }
  for (const Table::Row& row : scenarios->Rows()) {
    const auto task = surface_of.find(row.Text("task"));
    if (task == surface_of.end()) return Invalid("scenarios.csv: task " + row.Text("task") + " is not in tasks.csv");
    data.scenarios.push_back(
        {task->second, row.Text("scenario"), row.Number("slo_ttft_ms"), row.Number("slo_tpot_ms")});
  }
  for (const Table::Row& row : models->Rows()) data.models[row.Text("model")] = ModelOf(row);
  for (const Table::Row& row : gpus->Rows()) data.gpus[row.Text("gpu")] = GpuOf(row);
  return data;
}

double TrueValue(const SloCase& scenario, const SurfaceCandidate& candidate, const SurfacePoint& point) {
  if (scenario.ttft_ms && point.ttft_ms > *scenario.ttft_ms) return 0;
  if (scenario.tpot_ms && point.tpot_ms > *scenario.tpot_ms) return 0;
  return point.out_tok_s / candidate.gpus;
}

double Truth(const SloCase& scenario, const SurfaceCandidate& candidate) {
  double best = 0;
  for (const SurfacePoint& point : candidate.points) best = std::max(best, TrueValue(scenario, candidate, point));
  return best;
}

}  // namespace autotune::search_replay
