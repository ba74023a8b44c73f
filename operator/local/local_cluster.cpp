#include "operator/local/local_cluster.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "base/sha256.h"
#include "checkpoint/model_facts.h"
#include "operator/experiment/pod_builder.h"
#include "operator/experiment/pod_view.h"

namespace autotune::local {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

bool IsFree(int port) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener < 0) return false;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  const bool free = bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  close(listener);
  return free;
}

// A port that is free now and that no other pod of ours was given; 0 when there is none. Not from the range that the
// system gives to outgoing connections: one could take it before the engine listens. And low enough for what engines
// derive from it: SGLang listens on the port + 10000 too, and does not start when that is above 65535. Begins at a
// place of this process' own, since several programs may look at the same time.
int FreePort(const std::set<int>& taken) {
  constexpr int kFirst = 20'000, kCount = 2'000;
  constexpr int kDerived = 10'000;
  for (int i = 0; i < kCount; ++i) {
    const int port = kFirst + (getpid() * 37 + i) % kCount;
    if (!taken.contains(port) && IsFree(port) && IsFree(port + kDerived)) return port;
  }
  return 0;
}

std::string Joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ",") + part;
  return text;
}

// Which variable restricts a program to some of the GPUs.
const char* VisibleDevicesVariable(const std::string& resource) {
  return resource.starts_with("amd.com/") ? "HIP_VISIBLE_DEVICES" : "CUDA_VISIBLE_DEVICES";
}

std::string EngineImage(const json& pod) {
  for (const ContainerState& container : ContainersOf(pod)) {
    if (container.name == "engine") return container.image;
  }
  return "";
}

// Facts of the checkpoint that the pod serves, by its name on the command line: a simulated engine has no files of it.
std::string FactsOf(const api::AutotuneTask& task, const json& metadata) {
  const std::string name = metadata.value("labels", json::object()).value(experiment::kModelLabel, "");
  const auto spec = std::ranges::find(task.spec.models, name, &api::ModelSpec::name);
  const auto status = std::ranges::find(task.status.models, name, &api::ModelStatus::name);
  if (spec == task.spec.models.end() || status == task.status.models.end() || !status->facts) return "";
  return json{{spec->id_or_path, checkpoint::ToJson(*status->facts)}}.dump();
}

std::string OwnerUid(const json& metadata) {
  const auto owners = metadata.find("ownerReferences");
  if (owners == metadata.end()) return "";
  for (const json& owner : *owners) {
    if (owner.value("controller", false)) return owner.value("uid", "");
  }
  return "";
}

}  // namespace

LocalCluster::LocalCluster(LocalOptions options, api::AutotuneTask task, base::Clock& clock)
    : options_(std::move(options)), clock_(clock), task_(std::move(task)) {
  for (const Machine& machine : options_.machines) free_devices_.push_back(machine.devices);
  const base::MutexLock lock(mutex_);
  if (task_.metadata.resource_version.empty()) task_.metadata.resource_version = "1";
}

LocalCluster::~LocalCluster() {
  StopAll(milliseconds(0));
  std::error_code ignored;
  std::filesystem::remove_all(options_.directory, ignored);
}

void LocalCluster::Changed() {
  const base::MutexLock lock(mutex_);
  ++version_;
  changed_.notify_all();
}

base::Result<reconcile::WrittenStatus> LocalCluster::PatchStatus(const api::ObjectMeta& task, const json& patch) {
  api::AutotuneTask written;
  {
    const base::MutexLock lock(mutex_);
    if (task.resource_version != task_.metadata.resource_version) {
      return base::Error{base::Code::kConflict, "the task has changed", std::nullopt, 409};
    }
    json status = api::ToJson(task_.status);
    status.merge_patch(patch);
    auto parsed = api::StatusFromJson(status);
    if (!parsed) return std::move(parsed).error();
    task_.status = std::move(*parsed);
    task_.metadata.resource_version = std::to_string(std::stoull(task_.metadata.resource_version) + 1);
    ++version_;
    changed_.notify_all();
    written = task_;
  }
  if (options_.on_status) options_.on_status(written);
  return reconcile::WrittenStatus{written.metadata.resource_version};
}

base::Status LocalCluster::CreatePod(const json& pod) {
  const json& metadata = pod.at("metadata");
  const std::string name = metadata.value("name", "");
  {
    const base::MutexLock lock(mutex_);
    for (const Entry& entry : pods_) {
      if (entry.metadata.value("name", "") != name) continue;
      if (OwnerUid(entry.metadata) == OwnerUid(metadata)) return {};
      return base::Error{base::Code::kAlreadyExists, "pod " + name + " belongs to another object", std::nullopt, 409};
    }
    Entry entry;
    json created = pod;
    created["metadata"]["uid"] =
        base::Sha256Hex(name + "/" + std::to_string(getpid()) + "/" + std::to_string(++created_)).substr(0, 32);
    created["metadata"]["creationTimestamp"] = base::FormatRfc3339(clock_.Wall());
    entry.metadata = created["metadata"];
    const std::string type = metadata.value("labels", json::object()).value(experiment::kGpuLabel, "");
    const auto machine = std::ranges::find(options_.machines, type, &Machine::type);
    if (machine != options_.machines.end()) {
      entry.machine = static_cast<std::size_t>(machine - options_.machines.begin());
    }
    entry.pod = std::make_shared<LocalPod>(std::move(created), options_.environment, clock_, [this] { Changed(); });
    pods_.push_back(std::move(entry));
    ++version_;
    changed_.notify_all();
  }
  Schedule();
  return {};
}

// The task is a file of its user, who keeps it.
base::Status LocalCluster::DeleteTask(const api::ObjectMeta&) { return {}; }

base::Status LocalCluster::DeletePod(const std::string&, const std::string& name, const std::string& uid) {
  std::shared_ptr<LocalPod> pod;
  {
    const base::MutexLock lock(mutex_);
    for (const Entry& entry : pods_) {
      if (entry.metadata.value("name", "") == name && entry.metadata.value("uid", "") == uid) pod = entry.pod;
    }
  }
  if (pod == nullptr) return {};
  const json& spec = pod->pod().at("spec");
  pod->Delete(seconds(spec.value("terminationGracePeriodSeconds", 30)));
  return {};
}

base::Status LocalCluster::ApplyConfigMap(const json& config_map) {
  const base::MutexLock lock(mutex_);
  config_map_ = config_map;
  return {};
}

base::Result<json> LocalCluster::ReadWorkload(const std::string&, const std::string& kind, const std::string& name) {
  return base::Invalid(kind + " \"" + name + "\" is on a cluster, and this runs without one");
}

base::Status LocalCluster::VisitTasks(const std::string&, const std::function<void(const api::AutotuneTask&)>&) {
  return {};  // there is no other task
}

void LocalCluster::Emit(const api::ObjectMeta&, const reconcile::TaskEvent& event) {
  if (options_.on_event) options_.on_event(event);
}

const std::optional<json> LocalCluster::config_map() const {
  const base::MutexLock lock(mutex_);
  return config_map_;
}

json LocalCluster::PodJson(const Entry& entry) const {
  const PodState state = entry.pod->State();
  json pod = entry.pod->pod();
  if (state.deletion_timestamp) pod["metadata"]["deletionTimestamp"] = base::FormatRfc3339(*state.deletion_timestamp);
  if (!state.node.empty()) pod["spec"]["nodeName"] = state.node;
  pod["status"] = PodStatusJson(state);
  return pod;
}

json LocalCluster::GetPod(const std::string& name) const {
  const base::MutexLock lock(mutex_);
  for (const Entry& entry : pods_) {
    if (entry.metadata.value("name", "") == name) return PodJson(entry);
  }
  return nullptr;
}

bool LocalCluster::HasRunningPods() const {
  const base::MutexLock lock(mutex_);
  return std::any_of(pods_.begin(), pods_.end(),
                     [](const Entry& entry) { return entry.pod->WasStarted() && !entry.pod->Ended(); });
}

reconcile::Observed LocalCluster::Observe(std::uint64_t* version) {
  {
    // Before looking: a change meanwhile makes the next wait return at once.
    const base::MutexLock lock(mutex_);
    if (version != nullptr) *version = version_;
  }
  Reap();
  Schedule();
  reconcile::Observed observed;
  const base::MutexLock lock(mutex_);
  observed.task = task_;
  for (const Entry& entry : pods_) {
    if (OwnerUid(entry.metadata) == task_.metadata.uid) {
      observed.pods.push_back(experiment::PodViewFromJson(PodJson(entry)));
    }
  }
  for (std::size_t i = 0; i < options_.machines.size(); ++i) {
    const api::GpuSpec& gpu = task_.spec.gpus[i];
    std::map<std::string, std::string> labels;
    if (gpu.node_selector.is_object()) {
      for (const auto& [name, value] : gpu.node_selector.items()) {
        if (value.is_string()) labels[name] = value.get<std::string>();
      }
    }
    observed.nodes.push_back(NodeOf(options_.machines[i], gpu.resource_name, labels));
  }
  return observed;
}

bool LocalCluster::AwaitChange(std::uint64_t version, std::optional<base::WallTime> deadline,
                               const std::stop_token& stop) {
  const auto wait = deadline ? *deadline - clock_.Wall() : std::chrono::hours(1);
  const auto until = std::chrono::steady_clock::now() + std::max<base::Duration>(wait, milliseconds(0));
  const std::stop_callback wake(stop, [this] {
    const base::MutexLock lock(mutex_);
    changed_.notify_all();
  });
  const base::MutexLock lock(mutex_);
  while (version_ == version && !stop.stop_requested()) {
    if (changed_.wait_until(mutex_, until) == std::cv_status::timeout) break;
  }
  return !stop.stop_requested();
}

std::optional<PodGrant> LocalCluster::Grant(Entry& entry) {
  const json& pod = entry.pod->pod();
  const auto wanted = static_cast<std::size_t>(RequestedGpus(pod));
  std::vector<std::string>& free = free_devices_[entry.machine];
  if (wanted > free.size()) return std::nullopt;
  std::set<int> taken;
  for (const Entry& other : pods_) taken.insert(other.port);
  entry.port = FreePort(taken);
  entry.granted = true;
  entry.devices.assign(free.begin(), free.begin() + static_cast<std::ptrdiff_t>(wanted));
  free.erase(free.begin(), free.begin() + static_cast<std::ptrdiff_t>(wanted));

  PodGrant grant;
  grant.directory = options_.directory / entry.metadata.value("name", "");
  grant.port = entry.port;
  const Machine& machine = options_.machines[entry.machine];
  grant.node = NodeOf(machine, "", {}).name;
  if (const auto found = options_.by_image.find(EngineImage(pod)); found != options_.by_image.end()) {
    grant.variables = found->second;
  }
  for (const auto& [name, value] : machine.variables) grant.variables[name] = value;
  if (std::string facts = machine.simulated ? FactsOf(task_, entry.metadata) : ""; !facts.empty()) {
    grant.variables["AUTOTUNE_SIM_MODELS"] = std::move(facts);
  }
  if (wanted > 0) grant.variables[VisibleDevicesVariable(RequestedGpuResource(pod))] = Joined(entry.devices);
  return grant;
}

// First come, first served: a pod that needs many GPUs is not overtaken forever by those that need one.
void LocalCluster::Schedule() {
  std::vector<std::pair<std::shared_ptr<LocalPod>, PodGrant>> starting;
  std::vector<std::pair<std::shared_ptr<LocalPod>, std::string>> waiting;
  std::vector<std::pair<std::shared_ptr<LocalPod>, std::string>> rejected;
  std::set<std::size_t> queued;  // machines that a pod waits for
  {
    const base::MutexLock lock(mutex_);
    for (Entry& entry : pods_) {
      if (entry.pod->Ended()) Release(entry);
    }
    for (Entry& entry : pods_) {
      if (entry.granted || entry.pod->Ended()) continue;
      const json& pod = entry.pod->pod();
      const auto needed = static_cast<std::size_t>(RequestedGpus(pod));
      const std::size_t all = options_.machines[entry.machine].devices.size();
      if (needed > all) {
        // Never will be: said at once, and in nobody's way.
        rejected.emplace_back(entry.pod, "needs " + std::to_string(needed) + " GPUs, this machine has " +
                                             std::to_string(all) + " for " + RequestedGpuResource(pod));
        continue;
      }
      if (queued.insert(entry.machine).second) {
        if (auto grant = Grant(entry)) {
          starting.emplace_back(entry.pod, std::move(*grant));
          queued.erase(entry.machine);
          continue;
        }
      }
      waiting.emplace_back(entry.pod, std::to_string(needed) + (needed == 1 ? " GPU is" : " GPUs are") + " needed, " +
                                          std::to_string(free_devices_[entry.machine].size()) + " of " +
                                          std::to_string(all) + " are free on this machine");
    }
  }
  for (auto& [pod, grant] : starting) pod->Start(std::move(grant));
  for (const auto& [pod, message] : waiting) pod->SetUnschedulable(message);
  for (const auto& [pod, message] : rejected) pod->Reject(message);
}

void LocalCluster::Release(Entry& entry) {
  std::vector<std::string>& free = free_devices_[entry.machine];
  free.insert(free.end(), entry.devices.begin(), entry.devices.end());
  std::sort(free.begin(), free.end());
  entry.devices.clear();
}

void LocalCluster::Reap() {
  std::vector<Entry> gone;
  {
    const base::MutexLock lock(mutex_);
    for (auto entry = pods_.begin(); entry != pods_.end();) {
      if (entry->pod->Ended() && entry->pod->State().deletion_timestamp) {
        Release(*entry);
        gone.push_back(std::move(*entry));
        entry = pods_.erase(entry);
      } else {
        ++entry;
      }
    }
    if (!gone.empty()) ++version_;
  }
  for (Entry& entry : gone) {
    const std::string name = entry.metadata.value("name", "");
    entry.pod.reset();  // joins its thread, which may be telling us of its last change: not under the lock
    KeepLogs(name);
  }
}

void LocalCluster::KeepLogs(const std::string& pod_name) const {
  std::error_code ignored;
  const std::filesystem::path directory = options_.directory / pod_name;
  if (!options_.logs.empty()) {
    const std::filesystem::path kept = options_.logs / pod_name;
    std::filesystem::create_directories(kept, ignored);
    for (const auto& file : std::filesystem::directory_iterator(directory, ignored)) {
      if (file.path().extension() != ".log") continue;
      std::filesystem::copy_file(file.path(), kept / file.path().filename(),
                                 std::filesystem::copy_options::overwrite_existing, ignored);
    }
  }
  std::filesystem::remove_all(directory, ignored);
}

void LocalCluster::StopAll(milliseconds grace) {
  std::vector<Entry> pods;
  {
    const base::MutexLock lock(mutex_);
    pods = pods_;
  }
  for (const Entry& entry : pods) entry.pod->Delete(grace);
  if (grace > milliseconds(0)) {
    // All at once, not one after the other.
    const auto until = std::chrono::steady_clock::now() + grace;
    const base::MutexLock lock(mutex_);
    changed_.wait_until(mutex_, until, [&] {
      return std::all_of(pods.begin(), pods.end(), [](const Entry& entry) { return entry.pod->Ended(); });
    });
  }
  {
    const base::MutexLock lock(mutex_);
    pods_.clear();
    free_devices_.clear();
    for (const Machine& machine : options_.machines) free_devices_.push_back(machine.devices);
  }
  for (Entry& entry : pods) {
    const std::string name = entry.metadata.value("name", "");
    entry.pod.reset();  // kills what is left, and joins
    KeepLogs(name);
  }
}

void LocalCluster::KillAll() {
  std::vector<Entry> pods;
  {
    const base::MutexLock lock(mutex_);
    pods = pods_;
  }
  for (const Entry& entry : pods) entry.pod->Delete(milliseconds(0));
}

}  // namespace autotune::local
