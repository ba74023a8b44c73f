#include "kube/runtime/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <list>
#include <map>
#include <sstream>
#include <utility>

#include "base/thread_annotations.h"
#include "kube/client/client_observer.h"

namespace kube::runtime {

namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;

double Seconds(base::Duration duration) { return std::chrono::duration<double>(duration).count(); }

// controller-runtime, pkg/internal/controller/metrics/metrics.go.
const Histogram::BucketBoundaries kReconcileBuckets = {
    0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.25, 1.5,
    1.75,  2.0,  2.5,   3.0,  3.5, 4.0,  4.5, 5,    6,   7,    8,   9,    10,  15,  20,  25,  30,  40,  50,   60};
// controller-runtime, pkg/metrics/workqueue.go: ExponentialBuckets(10e-9, 10, 12).
const Histogram::BucketBoundaries kQueueBuckets = {1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10, 100, 1000};
// client-go, rest client.
const Histogram::BucketBoundaries kClientBuckets = {0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60};

class QueueMetrics final : public WorkQueueObserver {
 public:
  QueueMetrics(Gauge& depth, Counter& adds, Counter& retries, Histogram& queued, Histogram& worked)
      : depth_(depth), adds_(adds), retries_(retries), queued_(queued), worked_(worked) {}
  void OnAdd() override { adds_.Increment(); }
  void OnDepth(std::size_t depth) override { depth_.Set(static_cast<double>(depth)); }
  void OnStart(base::Duration queued) override { queued_.Observe(Seconds(queued)); }
  void OnDone(base::Duration worked) override { worked_.Observe(Seconds(worked)); }
  void OnRetry() override { retries_.Increment(); }

 private:
  Gauge& depth_;
  Counter& adds_;
  Counter& retries_;
  Histogram& queued_;
  Histogram& worked_;
};

struct ReconcileCounters {
  Counter& success;
  Counter& requeue_after;
  Counter& error;
  Counter& errors_total;
  Counter& terminal;
  Counter& panics;
  Histogram& time;
  Gauge& active;
};

class ControllerMetrics final : public ControllerObserver {
 public:
  explicit ControllerMetrics(ReconcileCounters counters) : counters_(counters) {}
  void OnReconcileStart() override { counters_.active.Increment(); }
  void OnReconcileEnd(ReconcileOutcome outcome, base::Duration duration) override {
    counters_.active.Decrement();
    counters_.time.Observe(Seconds(duration));
    switch (outcome) {
      case ReconcileOutcome::kSuccess:
        counters_.success.Increment();
        return;
      case ReconcileOutcome::kRequeueAfter:
        counters_.requeue_after.Increment();
        return;
      case ReconcileOutcome::kTerminalError:
        counters_.terminal.Increment();
        break;
      case ReconcileOutcome::kPanic:
        counters_.panics.Increment();
        break;
      case ReconcileOutcome::kError:
        break;
    }
    counters_.error.Increment();
    counters_.errors_total.Increment();
  }

 private:
  const ReconcileCounters counters_;
};

class ClientMetrics final : public kube::ClientObserver {
 public:
  ClientMetrics(std::string host, Family<Counter>& requests, Family<Histogram>& durations)
      : host_(std::move(host)), requests_(requests), durations_(durations) {}
  void OnRequest(std::string_view method, std::string_view code, base::Duration duration) override {
    requests_.Add({{"code", std::string(code)}, {"method", std::string(method)}, {"host", host_}}).Increment();
    if (method == "WATCH") return;  // lasts as long as it likes
    durations_.Add({{"verb", std::string(method)}, {"host", host_}}, kClientBuckets).Observe(Seconds(duration));
  }

 private:
  const std::string host_;
  Family<Counter>& requests_;
  Family<Histogram>& durations_;
};

class ReflectorMetrics final : public ReflectorObserver {
 public:
  ReflectorMetrics(Family<Counter>& lists, Family<Counter>& watches, Family<Counter>& errors)
      : lists_(lists), watches_(watches), errors_(errors) {}
  void OnList(const std::string& name, bool) override { lists_.Add({{"name", name}}).Increment(); }
  void OnWatchStart(const std::string& name) override { watches_.Add({{"name", name}}).Increment(); }
  void OnError(const std::string& name, const base::Error& error) override {
    errors_.Add({{"name", name}, {"code", std::string(base::CodeName(error.code))}}).Increment();
  }

 private:
  Family<Counter>& lists_;
  Family<Counter>& watches_;
  Family<Counter>& errors_;
};

}  // namespace

struct Metrics::Impl {
  template <typename T>
  Family<T>& Make(const char* name, const char* help) {
    if constexpr (std::is_same_v<T, Counter>) {
      return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
    } else if constexpr (std::is_same_v<T, Gauge>) {
      return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
    } else {
      return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
    }
  }

  prometheus::Registry registry;

  Family<Counter>& reconcile_total =
      Make<Counter>("controller_runtime_reconcile_total", "Reconciliations per controller and result");
  Family<Counter>& reconcile_errors =
      Make<Counter>("controller_runtime_reconcile_errors_total", "Reconciliation errors per controller");
  Family<Counter>& terminal_errors =
      Make<Counter>("controller_runtime_terminal_reconcile_errors_total", "Terminal errors per controller");
  Family<Counter>& panics = Make<Counter>("controller_runtime_reconcile_panics_total", "Exceptions per controller");
  Family<Counter>& timeouts =
      Make<Counter>("controller_runtime_reconcile_timeouts_total", "Timeouts of reconciliations per controller");
  Family<Histogram>& reconcile_time =
      Make<Histogram>("controller_runtime_reconcile_time_seconds", "Length of time per reconciliation");
  Family<Gauge>& max_concurrent = Make<Gauge>("controller_runtime_max_concurrent_reconciles", "Workers per controller");
  Family<Gauge>& active_workers = Make<Gauge>("controller_runtime_active_workers", "Busy workers per controller");

  Family<Gauge>& depth = Make<Gauge>("workqueue_depth", "Current depth of the queue");
  Family<Counter>& adds = Make<Counter>("workqueue_adds_total", "Adds handled by the queue");
  Family<Counter>& retries = Make<Counter>("workqueue_retries_total", "Retries handled by the queue");
  Family<Histogram>& queued = Make<Histogram>("workqueue_queue_duration_seconds", "Time that a key waits in the queue");
  Family<Histogram>& worked =
      Make<Histogram>("workqueue_work_duration_seconds", "Time that the processing of a key takes");
  Family<Gauge>& unfinished =
      Make<Gauge>("workqueue_unfinished_work_seconds", "Time that keys in process have taken so far, summed");
  Family<Gauge>& longest =
      Make<Gauge>("workqueue_longest_running_processor_seconds", "Time that the longest running worker has run");

  Family<Counter>& requests =
      Make<Counter>("rest_client_requests_total", "HTTP requests by status code, method and host");
  Family<Histogram>& request_time = Make<Histogram>("rest_client_request_duration_seconds", "Request latency by verb");

  Family<Counter>& lists = Make<Counter>("reflector_lists_total", "Lists by the reflectors");
  Family<Counter>& watches = Make<Counter>("reflector_watches_total", "Watches by the reflectors");
  Family<Counter>& errors = Make<Counter>("reflector_errors_total", "Errors of the reflectors by code");

  Family<Gauge>& leader = Make<Gauge>("leader_election_master_status", "1 if this process is the leader");

  Counter& cpu = Make<Counter>("process_cpu_seconds_total", "User and system CPU time").Add({});
  Gauge& resident = Make<Gauge>("process_resident_memory_bytes", "Resident memory").Add({});
  Gauge& virtual_memory = Make<Gauge>("process_virtual_memory_bytes", "Virtual memory").Add({});
  Gauge& open_fds = Make<Gauge>("process_open_fds", "Open file descriptors").Add({});
  Gauge& max_fds = Make<Gauge>("process_max_fds", "Maximum number of open file descriptors").Add({});
  Gauge& start = Make<Gauge>("process_start_time_seconds", "Start of the process since the epoch").Add({});

  base::Mutex mutex;
  // Lists: their elements keep their addresses.
  std::list<QueueMetrics> queue_metrics GUARDED_BY(mutex);
  std::list<ControllerMetrics> controller_metrics GUARDED_BY(mutex);
  std::list<ClientMetrics> client_metrics GUARDED_BY(mutex);
  ReflectorMetrics reflector_metrics{lists, watches, errors};
  std::map<std::string, const WorkQueue*> queues GUARDED_BY(mutex);

  static prometheus::Labels OfQueue(const std::string& name) { return {{"name", name}, {"controller", name}}; }

  void ReadProcess() REQUIRES(mutex) {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
      return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
    };
    cpu.Increment(seconds(usage.ru_utime) + seconds(usage.ru_stime) - cpu.Value());
    std::ifstream statm("/proc/self/statm");
    double pages = 0;
    double resident_pages = 0;
    const auto page_size = static_cast<double>(sysconf(_SC_PAGESIZE));
    if (statm >> pages >> resident_pages) {
      virtual_memory.Set(pages * page_size);
      resident.Set(resident_pages * page_size);
    }
    std::error_code error;
    double count = 0;
    for (std::filesystem::directory_iterator it("/proc/self/fd", error), end; !error && it != end;
         it.increment(error)) {
      ++count;
    }
    open_fds.Set(count);
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) max_fds.Set(static_cast<double>(limit.rlim_cur));
  }
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) { impl_->start.Set(static_cast<double>(std::time(nullptr))); }

Metrics::~Metrics() = default;

prometheus::Registry& Metrics::registry() { return impl_->registry; }

WorkQueueObserver& Metrics::ForQueue(const std::string& name) {
  const base::MutexLock lock(impl_->mutex);
  const prometheus::Labels labels = Impl::OfQueue(name);
  impl_->unfinished.Add(labels);
  impl_->longest.Add(labels);
  return impl_->queue_metrics.emplace_back(impl_->depth.Add(labels), impl_->adds.Add(labels),
                                           impl_->retries.Add(labels), impl_->queued.Add(labels, kQueueBuckets),
                                           impl_->worked.Add(labels, kQueueBuckets));
}

void Metrics::WatchQueue(const std::string& name, const WorkQueue* queue) {
  const base::MutexLock lock(impl_->mutex);
  if (queue == nullptr) {
    impl_->queues.erase(name);
  } else {
    impl_->queues[name] = queue;
  }
}

ControllerObserver& Metrics::ForController(const std::string& name, int workers) {
  const base::MutexLock lock(impl_->mutex);
  const prometheus::Labels labels = {{"controller", name}};
  const auto result = [&](const char* value) -> Counter& {
    return impl_->reconcile_total.Add({{"controller", name}, {"result", value}});
  };
  result("requeue");  // dashboards expect it; nothing here requeues without a time or an error
  impl_->timeouts.Add(labels);
  impl_->max_concurrent.Add(labels).Set(workers);
  return impl_->controller_metrics.emplace_back(ReconcileCounters{
      result("success"), result("requeue_after"), result("error"), impl_->reconcile_errors.Add(labels),
      impl_->terminal_errors.Add(labels), impl_->panics.Add(labels),
      impl_->reconcile_time.Add(labels, kReconcileBuckets), impl_->active_workers.Add(labels)});
}

kube::ClientObserver& Metrics::ForClient(const std::string& host) {
  const base::MutexLock lock(impl_->mutex);
  return impl_->client_metrics.emplace_back(host, impl_->requests, impl_->request_time);
}

ReflectorObserver& Metrics::ForReflectors() { return impl_->reflector_metrics; }

void Metrics::SetLeader(const std::string& name, bool leader) {
  impl_->leader.Add({{"name", name}}).Set(leader ? 1 : 0);
}

std::string Metrics::Render() {
  const base::MutexLock lock(impl_->mutex);
  for (const auto& [name, queue] : impl_->queues) {
    const WorkQueue::Processing processing = queue->InProcess();
    impl_->unfinished.Add(Impl::OfQueue(name)).Set(Seconds(processing.sum));
    impl_->longest.Add(Impl::OfQueue(name)).Set(Seconds(processing.longest));
  }
  impl_->ReadProcess();
  return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

}  // namespace kube::runtime
