// Memory of the cache for finished tasks, and the CPU time that it takes to fill it: whole, and as the operator keeps
// them.  usage: task_cache [TASKS [EXPERIMENTS]]
//
// Each task is JSON text, as one event of a watch brings it, and fed to a store. The memory is what malloc has in use:
// the resident size also counts what parsing left behind.
#include <malloc.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "kube/runtime/store.h"
#include "operator/controller/cached_task.h"

namespace {

using namespace autotune;  // NOLINT(google-build-using-namespace): a program
using nlohmann::json;

json FinishedTask(int number, int experiments) {
  const std::string name = "task-" + std::to_string(number);
  json rows = json::array();
  for (int load = 1; load <= 256; load *= 4) {
    const json latency = {{"mean", "61ms"}, {"p50", "60ms"}, {"p90", "80ms"}, {"p95", "85ms"}, {"p99", "120ms"}};
    rows.push_back({{"scenario", "D(512,128)"},
                    {"concurrency", load},
                    {"requests", 100},
                    {"outputTokensPerSecond", "1821.5"},
                    {"requestsPerSecond", "14.23"},
                    {"ttft", latency},
                    {"tpot", latency},
                    {"e2e", latency}});
  }
  json list = json::array();
  for (int i = 0; i < experiments; ++i) {
    char hash[17];
    std::snprintf(hash, sizeof hash, "%016x", static_cast<unsigned>(number * 1000 + i));
    list.push_back({{"name", "e" + std::to_string(i)},
                    {"hash", hash},
                    {"state", "Succeeded"},
                    {"runtime", "vllm"},
                    {"attempts", 1},
                    {"gpus", 2},
                    {"node", "gpu-node-17"},
                    {"args", {"--tensor-parallel-size", "2", "--max-num-seqs", "256", "--kv-cache-dtype", "fp8"}},
                    {"loads", rows},
                    {"score", "1821.5"}});
  }
  return {{"apiVersion", "autotuner.io/v1alpha1"},
          {"kind", "AutotuneTask"},
          {"metadata",
           {{"name", name},
            {"namespace", "team-a"},
            {"uid", "5daad8df-d0dd-4baf-9dee-" + std::to_string(100000000000 + number)},
            {"resourceVersion", std::to_string(1000 + number)},
            {"generation", 1}}},
          {"spec", {{"model", {{"idOrPath", "meta-llama/Llama-3.1-8B-Instruct"}}}, {"baseRuntime", "vllm"}}},
          {"status",
           {{"observedGeneration", 1},
            {"state", "Complete"},
            {"best", {{"experiment", "e0"}, {"runtime", "vllm"}}},
            {"recommendation", {{"configMap", name + "-best"}}},
            {"experiments", list}}}};
}

double CpuSeconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

template <typename T>
void Measure(const char* what, typename kube::runtime::Store<T>::Projection projection, int tasks, int experiments) {
  kube::runtime::Store<T> store("autotunetasks", std::move(projection));
  const std::size_t before = mallinfo2().uordblks;
  double seconds = 0;
  for (int i = 0; i < tasks; ++i) {
    const std::string text = FinishedTask(i, experiments).dump();
    const double begin = CpuSeconds();
    store.writer().Upsert(text);
    seconds += CpuSeconds() - begin;
  }
  const std::size_t used = mallinfo2().uordblks - before;
  std::printf("| %s | %.1f | %.2f | %.2f |\n", what, static_cast<double>(used) / (1 << 20),
              static_cast<double>(used) / tasks / 1024, 1000 * seconds / tasks);
}

}  // namespace

int main(int argc, char** argv) {
  const int tasks = argc > 1 ? std::atoi(argv[1]) : 1000;
  const int experiments = argc > 2 ? std::atoi(argv[2]) : 40;
  std::printf(
      "%d finished tasks of %d experiments; %zu bytes each as JSON\n\n| cache | MiB | KiB per task | ms of CPU per "
      "task "
      "|\n|---|---|---|---|\n",
      tasks, experiments, FinishedTask(0, experiments).dump().size());
  Measure<reconcile::ObservedTask>(
      "whole", [](std::string_view text) { return reconcile::ObserveTask(kube::runtime::ParseObject(text)); }, tasks,
      experiments);
  Measure<controller::CachedTask>("as the operator keeps them", controller::CachedTask::FromText, tasks, experiments);
  return 0;
}
