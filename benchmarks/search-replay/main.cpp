// search_replay: how much of a full sweep a search spends, on measured surfaces. README.md has modes, rules and
// figures.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "benchmarks/search-replay/policy.h"
#include "benchmarks/search-replay/replay.h"
#include "benchmarks/search-replay/serve.h"
#include "benchmarks/search-replay/surface.h"

namespace autotune::search_replay {
namespace {

struct Arguments {
  std::string data, out, task;
  std::vector<std::string> policies = {"product"};
  std::string origin = "all";
  std::uint64_t seeds = 20, seed0 = 0;
  ReplayOptions options;
  int confirmations = 0;
  bool infeasible = false;
  std::string scenario;
};

struct Summary {
  std::vector<RunResult> runs;
  void Print(const std::string& policy) const {
    const auto column = [&](auto field, auto when) {
      std::vector<double> values;
      for (const RunResult& r : runs) {
        if (when(r)) values.push_back(static_cast<double>(r.*field));
      }
      std::sort(values.begin(), values.end());
      return values;
    };
    const auto mean = [](const std::vector<double>& v) {
      double sum = 0;
      for (const double x : v) sum += x;
      return v.empty() ? 0.0 : sum / static_cast<double>(v.size());
    };
    const auto p90 = [](const std::vector<double>& v) {
      return v.empty() ? 0.0 : v[static_cast<std::size_t>(0.9 * static_cast<double>(v.size() - 1))];
    };
    const auto all = [](const RunResult&) { return true; };
    const auto t95 = column(&RunResult::t95_gpu, all);
    const auto wall = column(&RunResult::t95_wall, all);
    const auto stop = column(&RunResult::stop_gpu, all);
    const auto quality = column(&RunResult::stop_quality, [](const RunResult& r) { return r.feasible; });
    std::printf(
        "%-11s runs %5zu  t95 gpu %.3f p90 %.3f  wall %.3f p90 %.3f  hit %.3f  stop gpu %.3f quality %.3f  violates "
        "%.4f  "
        "nothing: false %.4f right %.4f  trials %.1f steps %.1f\n",
        policy.c_str(), runs.size(), mean(t95), p90(t95), mean(wall), p90(wall), mean(column(&RunResult::hit, all)),
        mean(stop), mean(quality), mean(column(&RunResult::violates, all)),
        mean(column(&RunResult::chose_nothing, [](const RunResult& r) { return r.feasible; })),
        mean(column(&RunResult::chose_nothing, [](const RunResult& r) { return !r.feasible; })),
        mean(column(&RunResult::trials, all)), mean(column(&RunResult::steps, all)));
  }
};

int Run(const Arguments& arguments) {
  const base::Result<DataSet> data = ReadDataSet(arguments.data);
  if (!data.ok()) {
    std::cerr << "search_replay: " << data.error().message << "\n";
    return 2;
  }
  nlohmann::json out = nlohmann::json::array();
  for (const std::string& name : arguments.policies) {
    const std::unique_ptr<Policy> policy = MakePolicy(name, arguments.confirmations);
    if (!policy) {
      std::cerr << "search_replay: --policy: \"" << name << "\" is not a policy\n";
      return 2;
    }
    Summary summary;
    for (const SloCase& scenario : data->scenarios) {
      const Surface& surface = data->surfaces[scenario.surface];
      if (arguments.origin != "all" && surface.origin != arguments.origin) continue;
      if (!arguments.task.empty() && surface.task != arguments.task) continue;
      if (!arguments.scenario.empty() && scenario.name != arguments.scenario) continue;
      if ((scenario.name == "infeasible") != arguments.infeasible) continue;
      for (std::uint64_t seed = arguments.seed0; seed < arguments.seed0 + arguments.seeds; ++seed) {
        const RunResult r = Replay(*data, scenario, arguments.options, seed, policy.get());
        summary.runs.push_back(r);
        out.push_back({{"policy", name},
                       {"task", surface.task},
                       {"scenario", scenario.name},
                       {"seed", seed},
                       {"t95_gpu", r.t95_gpu},
                       {"t95_wall", r.t95_wall},
                       {"hit", r.hit ? 1 : 0},
                       {"stop_gpu", r.stop_gpu},
                       {"stop_quality", r.stop_quality},
                       {"violates", r.violates ? 1 : 0},
                       {"stopped", r.stopped ? 1 : 0},
                       {"trials", r.trials},
                       {"steps", r.steps},
                       {"nothing", r.chose_nothing ? 1 : 0},
                       {"feasible", r.feasible ? 1 : 0}});
      }
    }
    summary.Print(name);
  }
  if (!arguments.out.empty()) {
    std::ofstream file(arguments.out);
    file << out.dump(1) << "\n";
    if (!file) {
      std::cerr << "search_replay: --json: cannot write " << arguments.out << "\n";
      return 2;
    }
  }
  return 0;
}

}  // namespace
}  // namespace autotune::search_replay

int main(int argc, char** argv) {
  using namespace autotune::search_replay;  // NOLINT: the program is this namespace
  Arguments arguments;
  bool serve = false;
  CLI::App app{"Replays search policies on measured surfaces, or serves one to a judge."};
  app.add_flag("--serve", serve, "Answer the line protocol on standard input and output");
  app.add_option("--data", arguments.data, "Folder of the CSV files");
  app.add_option("--policy", arguments.policies, "product, sweep, random, prior-rank, oracle, tpe")->delimiter(',');
  app.add_option("--seeds", arguments.seeds, "Runs of each scenario");
  app.add_option("--seed0", arguments.seed0, "The first seed");
  app.add_option("--json", arguments.out, "File for one object per run");
  app.add_option("--origin", arguments.origin)->check(CLI::IsMember({"measured", "derived", "recorded", "all"}));
  app.add_option("--crash", arguments.options.crashes)
      ->transform(CLI::CheckedTransformer(std::map<std::string, Crashes>{
          {"none", Crashes::kNone}, {"iid", Crashes::kIid}, {"class", Crashes::kClass}}));
  app.add_option("--crash-rate", arguments.options.crash_rate)->check(CLI::Range(0.0, 1.0));
  app.add_option("--noise", arguments.options.noise, "Factor on the recorded noise")->check(CLI::NonNegativeNumber);
  app.add_option("--slots", arguments.options.slots)->check(CLI::Range(1, 64));
  app.add_option("--prior", arguments.options.prior)
      ->transform(CLI::CheckedTransformer(std::map<std::string, PriorSource>{
          {"own", PriorSource::kOwn}, {"file", PriorSource::kFile}, {"none", PriorSource::kNone}}));
  app.add_option("--task", arguments.task, "Only this task");
  app.add_option("--scenario", arguments.scenario, "Only this one");
  bool trace = false;
  app.add_flag("--trace", trace, "Write every event to standard error");
  app.add_option("--confirmations", arguments.confirmations, "Fresh starts of the answer before the product stops");
  app.add_flag("--infeasible", arguments.infeasible, "Only the scenarios without a feasible point");
  CLI11_PARSE(app, argc, argv);
  if (trace) arguments.options.trace = &std::cerr;
  if (serve) {
    const std::unique_ptr<Policy> policy = MakePolicy(arguments.policies.front(), arguments.confirmations);
    if (!policy) {
      std::cerr << "search_replay: --policy: \"" << arguments.policies.front() << "\" is not a policy\n";
      return 2;
    }
    return Serve(std::cin, std::cout, std::cerr, policy.get());
  }
  if (arguments.data.empty()) {
    std::cerr << "search_replay: --data is required\n";
    return 2;
  }
  return Run(arguments);
}
