#include "benchmarks/search-replay/serve.h"

#include <charconv>
#include <cmath>
#include <istream>
#include <optional>
#include <ostream>
#include <sstream>
#include <vector>

namespace autotune::search_replay {
namespace {

namespace search = tuning::search;

struct Line {
  std::vector<std::string> words;

  [[nodiscard]] std::optional<double> Number(std::size_t at) const {
    if (at >= words.size()) return std::nullopt;
    const std::string& word = words[at];
    double value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    return error == std::errc{} && end == word.data() + word.size() ? std::optional(value) : std::nullopt;
  }
  // "-" = not known.
  [[nodiscard]] double Or(std::size_t at, double otherwise) const { return Number(at).value_or(otherwise); }
  [[nodiscard]] int Int(std::size_t at, int otherwise) const { return static_cast<int>(Or(at, otherwise)); }
  [[nodiscard]] std::string Text(std::size_t at) const {
    return at < words.size() && words[at] != "-" ? words[at] : "";
  }
};

Line Read(const std::string& text) {
  Line line;
  std::istringstream in(text);
  for (std::string word; in >> word;) line.words.push_back(word);
  return line;
}

// A task while its candidates arrive.
struct Arriving {
  TaskView view;
  std::size_t expected = 0;
  std::vector<std::vector<search::LoadPrior>> prior;
  bool prior_complete = true;
};

// new TASK MODEL GPU isl osl slots seed slo_ttft_ms slo_tpot_ms start_s step_s n
std::optional<Arriving> New(const Line& line) {
  if (line.words.size() < 13) return std::nullopt;
  Arriving task;
  task.view.space.workload.input_tokens = line.Or(4, 1);
  task.view.space.workload.output_tokens = line.Or(5, 1);
  task.view.slots = std::max(1, line.Int(6, 1));
  task.view.seed = static_cast<std::uint64_t>(line.Or(7, 0));
  if (line.Or(8, -1) > 0) task.view.bounds.ttft_ms = line.Or(8, 0);
  if (line.Or(9, -1) > 0) task.view.bounds.tpot_ms = line.Or(9, 0);
  task.view.space.step_seconds = line.Or(11, 0);
  task.expected = static_cast<std::size_t>(line.Or(12, 0));
  return task;
}

// cand i engine precision kv gpus tp pp dp ep max_num_seqs max_batched_tokens spec eager start_s k load:ttft:tpot ...
bool AddCandidate(const Line& line, Arriving* task) {
  constexpr std::size_t kFirstLoad = 16;
  const std::optional<double> loads = line.Number(15);
  if (!loads || *loads < 1 || line.words.size() < kFirstLoad + static_cast<std::size_t>(*loads)) return false;
  if (line.Or(1, -1) != static_cast<double>(task->view.space.candidates.size())) return false;
  search::Candidate c;
  c.features.engine = line.Text(2);
  c.features.precision = line.Text(3);
  c.features.cache_dtype = line.Text(4);
  c.features.draft = line.Text(12) == "none" ? "" : line.Text(12);
  engine_model::CandidateShape& shape = c.features.shape;
  shape.weights = WeightFormatOf(c.features.precision);
  shape.cache_bytes_per_element = c.features.cache_dtype.empty() ? 0 : c.features.cache_dtype == "bf16" ? 2 : 1;
  shape.gpus = line.Int(5, 1);
  shape.tensor_parallel = line.Int(6, 1);
  shape.pipeline_parallel = line.Int(7, 1);
  shape.data_parallel = line.Int(8, 1);
  shape.expert_parallel = line.Int(9, 1);
  shape.max_num_seqs = line.Int(10, 0);
  shape.max_batched_tokens = line.Int(11, 0);
  shape.draft_tokens = c.features.draft.empty() ? 0 : 3;
  shape.eager = line.Text(13) == "1" || line.Text(13) == "true";
  c.start_seconds = line.Or(14, 0);
  std::vector<search::LoadPrior> prior;
  for (std::size_t j = 0; j < static_cast<std::size_t>(*loads); ++j) {
    std::string word = line.words[kFirstLoad + j];
    for (char& ch : word) {
      if (ch == ':') ch = ' ';
    }
    const Line parts = Read(word);
    const std::optional<double> load = parts.Number(0);
    if (!load) return false;
    c.loads.push_back(*load);
    const double ttft = parts.Or(1, 0);
    const double tpot = parts.Or(2, 0);
    task->prior_complete &= ttft > 0 && tpot > 0;
    prior.push_back({std::log(std::max(ttft, 1e-9)), std::log(std::max(tpot, 1e-9)), 0});
  }
  task->view.space.candidates.push_back(std::move(c));
  task->prior.push_back(std::move(prior));
  return true;
}

void Write(std::ostream& out, const Answer& answer) {
  switch (answer.kind) {
    case Answer::Kind::kStart:
      out << "start " << answer.candidate;
      break;
    case Answer::Kind::kStep:
      out << "step " << answer.load;
      break;
    case Answer::Kind::kWait:
      out << "wait";
      break;
    case Answer::Kind::kStop:
      out << "stop";
      if (answer.has_choice) out << " " << answer.candidate << " " << answer.load;
      break;
  }
  out << std::endl;  // the judge waits for it
}

}  // namespace

int Serve(std::istream& in, std::ostream& out, std::ostream& errors, Policy* policy) {
  std::optional<Arriving> task;
  bool begun = false;
  const auto begin = [&] {
    TaskView& view = task->view;
    KeyByContent(&view.space);
    view.prior = task->prior_complete ? search::PriorFromLatencies(view.space, view.bounds, std::move(task->prior))
                                      : search::PriceSpace(view.space, view.bounds, std::nullopt, {});
    policy->Begin(std::move(view));
    begun = true;
  };
  std::size_t candidates = 0;
  for (std::string text; std::getline(in, text);) {
    const Line line = Read(text);
    if (line.words.empty()) continue;
    const std::string& verb = line.words[0];
    const auto index = [&](std::size_t at) {
      const double number = line.Or(at, -1);
      return number >= 0 && number < static_cast<double>(candidates) ? std::optional(static_cast<std::size_t>(number))
                                                                     : std::nullopt;
    };
    bool understood = false;
    if (verb == "quit") return 0;
    if (verb == "new") {
      task = New(line);
      begun = false;
      understood = task.has_value();
    } else if (verb == "cand" && task && !begun) {
      understood = AddCandidate(line, &*task);
      if (understood && task->view.space.candidates.size() == task->expected) {
        candidates = task->expected;
        begin();
      }
    } else if (verb == "obs" && begun && line.words.size() >= 4) {
      const std::optional<std::size_t> i = index(2);
      if (i && line.words[1] == "start") {
        policy->OnStart(*i, line.words[3] == "ok");
        understood = true;
      } else if (i && line.words[1] == "step" && line.words.size() >= 8) {
        policy->OnStep({*i, line.Or(3, 0), line.Or(4, 0), line.Or(5, 0), line.Or(6, 0), line.Int(7, 1)});
        understood = true;
      }
    } else if (verb == "ask" && begun && line.words.size() >= 3) {
      Write(out, policy->Ask(static_cast<std::size_t>(line.Or(1, 0)), index(2)));
      understood = true;
    } else if (verb == "more" && begun) {
      Write(out, policy->More(static_cast<std::size_t>(line.Or(1, 0))));
      understood = true;
    }
    if (!understood) {
      errors << "search_replay: cannot understand the line: " << text << "\n";
      return 2;
    }
  }
  return 0;
}

}  // namespace autotune::search_replay
