#include "operator/local/local_pod.h"

#include <signal.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

namespace autotune::local {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

// A kubelet's back-off for containers that end again and again: at once, then 10 s, 20 s, ... 5 min.
constexpr seconds kFirstBackOff{10};
constexpr seconds kLongestBackOff{300};
// Probing costs one tiny process here; a kubelet's whole seconds would only make a user wait.
constexpr milliseconds kProbePeriod{500};
constexpr std::size_t kMaxTerminationMessage = 4096;
// The exit code of a container whose process could not start, as container runtimes report it.
constexpr int kStartErrorExitCode = 128;

base::TimePoint Now() { return std::chrono::steady_clock::now(); }

std::int64_t Integer(const json& object, const char* name, std::int64_t otherwise) {
  const auto found = object.is_object() ? object.find(name) : object.end();
  return object.is_object() && found != object.end() && found->is_number() ? found->get<std::int64_t>() : otherwise;
}

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> Entries(const Environment& environment) {
  std::vector<std::string> entries;
  entries.reserve(environment.size());
  for (const auto& [name, value] : environment) entries.push_back(name + "=" + value);
  return entries;
}

}  // namespace

LocalPod::LocalPod(json pod, Environment parent, base::Clock& clock, std::function<void()> changed)
    : pod_(std::move(pod)), parent_(std::move(parent)), clock_(clock), changed_(std::move(changed)) {
  const base::MutexLock lock(mutex_);
  state_.containers = ContainersOf(pod_);
}

LocalPod::~LocalPod() {
  Delete(milliseconds(0));
  if (thread_.joinable()) thread_.join();
}

void LocalPod::Start(PodGrant grant) {
  {
    const base::MutexLock lock(mutex_);
    if (started_ || deleted_) return;
    started_ = true;
    state_.scheduled = true;
    state_.unschedulable_message.clear();
    state_.scheduled_at = clock_.Wall();
    state_.node = grant.node;
  }
  grant_ = std::move(grant);
  thread_ = std::thread([this] { Run(); });
  changed_();
}

void LocalPod::Delete(milliseconds grace) {
  {
    const base::MutexLock lock(mutex_);
    if (!deleted_ || grace < delete_grace_) delete_grace_ = grace;
    if (!deleted_) state_.deletion_timestamp = clock_.Wall();
    deleted_ = true;
    if (!started_) ended_ = true;
    ++pokes_;
    wake_.notify_all();
  }
  changed_();
}

void LocalPod::SetUnschedulable(const std::string& message) {
  {
    const base::MutexLock lock(mutex_);
    if (started_ || state_.unschedulable_message == message) return;
    state_.unschedulable_message = message;
  }
  changed_();
}

void LocalPod::Reject(const std::string& message) {
  {
    const base::MutexLock lock(mutex_);
    if (state_.scheduled || deleted_) return;
    state_.scheduled = true;
    state_.scheduled_at = clock_.Wall();
    EndUnstarted(message, state_);
    ended_ = true;
  }
  changed_();
}

void LocalPod::EndUnstarted(const std::string& message, PodState& state) const {
  state.phase = "Failed";
  if (state.containers.empty()) return;
  ContainerState::Termination end;
  end.exit_code = kStartErrorExitCode;
  end.reason = "StartError";
  end.message = message;
  end.started_at = end.finished_at = clock_.Wall();
  state.containers.front().phase = ContainerState::Phase::kTerminated;
  state.containers.front().terminated = std::move(end);
}

base::Status LocalPod::CheckContainers() const {
  for (const char* list : {"initContainers", "containers"}) {
    for (const json& container : pod_.at("spec").value(list, json::array())) {
      const auto command = ResolveContainer(pod_, container, parent_, pod_variables_);
      if (!command) return base::Invalid("container " + container.value("name", "") + ": " + command.error().message);
    }
  }
  return {};
}

PodState LocalPod::State() const {
  const base::MutexLock lock(mutex_);
  return state_;
}

bool LocalPod::WasStarted() const {
  const base::MutexLock lock(mutex_);
  return started_;
}

bool LocalPod::Ended() const {
  const base::MutexLock lock(mutex_);
  return ended_;
}

void LocalPod::Update(const std::function<void(PodState&)>& change) {
  {
    const base::MutexLock lock(mutex_);
    change(state_);
  }
  changed_();
}

void LocalPod::Poke() {
  const base::MutexLock lock(mutex_);
  ++pokes_;
  wake_.notify_all();
}

std::filesystem::path LocalPod::TerminationLog(const json& container) const {
  const std::string path = container.value("terminationMessagePath", "");
  if (path.empty() || path == "/dev/termination-log") return grant_.directory / "termination-log";
  return ExpandVariables(path, pod_variables_);
}

base::Status LocalPod::Prepare() {
  pod_variables_ = grant_.variables;
  pod_variables_[kPodDirVariable] = grant_.directory.string();
  pod_variables_[kPortVariable] = std::to_string(grant_.port);
  pod_variables_[kPodUidVariable] = pod_.at("metadata").value("uid", "");
  const json& spec = pod_.at("spec");
  if (const std::int64_t limit = Integer(spec, "activeDeadlineSeconds", 0); limit > 0) {
    deadline_ = Now() + seconds(limit);
  }
  std::error_code error;
  std::filesystem::create_directories(grant_.directory, error);
  for (const ProjectedFile& file : ProjectedFiles(pod_, pod_variables_)) {
    std::filesystem::create_directories(std::filesystem::path(file.path).parent_path(), error);
    std::ofstream out(file.path, std::ios::binary);
    out << file.content;
    if (!out.flush()) return base::Invalid(file.path + ": cannot be written");
  }
  if (error) return base::Invalid(grant_.directory.string() + ": " + error.message());
  return {};
}

void LocalPod::Run() {
  std::string phase = "Failed";
  std::string reason;
  std::string message;
  if (const base::Status prepared = Prepare(); !prepared) {
    reason = "UnexpectedAdmissionError";
    message = prepared.error().message;
  } else if (const base::Status possible = CheckContainers(); !possible) {
    Update([&](PodState& state) { EndUnstarted(possible.error().message, state); });
  } else {
    milliseconds grace = seconds(Integer(pod_.at("spec"), "terminationGracePeriodSeconds", 30));
    switch (RunContainers()) {
      case Wake::kDone: {
        const bool failed = std::any_of(mains_.begin(), mains_.end(), [this](const Running& running) {
          const PodState state = State();
          const auto& end = state.containers[running.state].terminated;
          return !end || end->exit_code != 0;
        });
        if (!mains_.empty() && !failed) phase = "Succeeded";
        break;
      }
      case Wake::kDeleted:
        grace = milliseconds(0);  // EndProcesses takes the deletion's
        break;
      case Wake::kDeadline:
        reason = "DeadlineExceeded";
        message = "Pod was active on the node longer than the specified deadline";
        break;
    }
    EndProcesses(grace);
  }
  KillMarked(std::string(kPodUidVariable) + "=" + pod_variables_[kPodUidVariable]);
  Update([&](PodState& state) {
    state.phase = phase;
    state.reason = reason;
    state.message = message;
  });
  {
    const base::MutexLock lock(mutex_);
    ended_ = true;
  }
  changed_();
}

LocalPod::Wake LocalPod::RunContainers() {
  const json& spec = pod_.at("spec");
  const json none = json::array();
  const json& inits = spec.contains("initContainers") ? spec.at("initContainers") : none;
  const json& mains = spec.contains("containers") ? spec.at("containers") : none;
  sidecars_.reserve(inits.size());
  mains_.reserve(mains.size());

  std::size_t index = 0;
  for (const json& container : inits) {
    Running running;
    running.spec = &container;
    running.state = index++;
    if (container.value("restartPolicy", "") == "Always") {
      Running& sidecar = sidecars_.emplace_back(std::move(running));
      StartContainer(sidecar);  // where it cannot, SuperviseSidecar tries again
      if (const Wake wake = WaitUntil([&] { return sidecar.started; }); wake != Wake::kDone) return wake;
      continue;
    }
    if (!StartContainer(running)) return Wake::kDone;
    const Wake wake = WaitUntil([&] { return running.process->exit().has_value(); });
    if (wake != Wake::kDone) {
      mains_.push_back(std::move(running));  // EndProcesses ends it
      return wake;
    }
    const ProcessExit exit = *running.process->exit();
    RecordExit(running, exit);
    if (exit.exit_code != 0) return Wake::kDone;  // restartPolicy Never: the pod has failed
  }

  for (const json& container : mains) {
    Running& running = mains_.emplace_back();
    running.spec = &container;
    running.state = index++;
  }
  for (Running& running : mains_) StartContainer(running);
  Update([](PodState& state) { state.phase = "Running"; });
  return WaitUntil([this] {
    for (Running& running : mains_) {
      if (running.process == nullptr) continue;
      if (const auto exit = running.process->exit()) RecordExit(running, *exit);
    }
    return std::all_of(mains_.begin(), mains_.end(), [](const Running& running) { return running.process == nullptr; });
  });
}

bool LocalPod::StartContainer(Running& running) {
  const json& container = *running.spec;
  const std::string name = container.value("name", "");
  const bool sidecar = container.value("restartPolicy", "") == "Always";
  std::error_code ignored;
  if (!sidecar) std::filesystem::remove(TerminationLog(container), ignored);

  const auto start = [&]() -> base::Result<std::unique_ptr<Process>> {
    auto command = ResolveContainer(pod_, container, parent_, pod_variables_);
    if (!command) return std::move(command).error();
    ProcessSpec process;
    process.argv = command->argv;
    process.environment = Entries(command->environment);
    process.directory = grant_.directory;
    process.log_file = grant_.directory / (name + ".log");
    return Process::Start(process, [this] { Poke(); });
  };
  auto started = start();
  running.next_probe = Now();
  running.failed_probes = 0;
  running.started = false;
  running.probe.reset();
  if (!started) {
    ContainerState::Termination end;
    end.exit_code = kStartErrorExitCode;
    end.reason = "StartError";
    end.message = "cannot start container " + name + ": " + started.error().message;
    end.started_at = end.finished_at = clock_.Wall();
    Update([&](PodState& state) {
      state.containers[running.state].phase = ContainerState::Phase::kTerminated;
      state.containers[running.state].terminated = end;
    });
    if (sidecar) {
      running.restart_at = Now() + kFirstBackOff;
    }
    return false;
  }
  running.process = std::move(*started);
  Update([&](PodState& state) {
    ContainerState& own = state.containers[running.state];
    own.phase = ContainerState::Phase::kRunning;
    own.started_at = clock_.Wall();
    own.started = !sidecar;
    own.terminated.reset();
  });
  return true;
}

void LocalPod::RecordExit(Running& running, ProcessExit exit) {
  const json& container = *running.spec;
  const bool sidecar = container.value("restartPolicy", "") == "Always";
  ContainerState::Termination end;
  end.exit_code = exit.exit_code;
  end.signal = exit.signal;
  end.reason = exit.exit_code == 0 ? "Completed" : "Error";
  end.finished_at = clock_.Wall();
  if (!sidecar) {
    end.message = ReadFile(TerminationLog(container));
    if (end.message.size() > kMaxTerminationMessage) end.message.resize(kMaxTerminationMessage);
  }
  running.process.reset();
  running.probe.reset();
  running.started = false;
  Update([&](PodState& state) {
    ContainerState& own = state.containers[running.state];
    end.started_at = own.started_at;
    own.phase = ContainerState::Phase::kTerminated;
    own.started = false;
    own.terminated = end;
  });
}

void LocalPod::SuperviseSidecar(Running& running) {
  if (running.process != nullptr) {
    const auto exit = running.process->exit();
    if (!exit) {
      if (!running.started) Probe(running);
      return;
    }
    RecordExit(running, *exit);
    const auto back_off = running.restarts == 0
                              ? seconds(0)
                              : std::min(kLongestBackOff, kFirstBackOff * (1 << std::min(running.restarts - 1, 5)));
    running.restart_at = Now() + back_off;
  }
  if (Now() >= running.restart_at) {
    ++running.restarts;
    Update([&](PodState& state) {
      ContainerState& own = state.containers[running.state];
      own.last_terminated = own.terminated;
      own.restarts = running.restarts;
    });
    StartContainer(running);
    return;
  }
  if (State().containers[running.state].phase == ContainerState::Phase::kWaiting) return;
  Update([&](PodState& state) {
    ContainerState& own = state.containers[running.state];
    own.last_terminated = own.terminated;
    own.phase = ContainerState::Phase::kWaiting;
    own.waiting_reason = "CrashLoopBackOff";
    own.waiting_message = "back-off restarting failed container " + own.name;
  });
}

void LocalPod::Probe(Running& running) {
  const auto pass = [&] {
    running.probe.reset();
    running.started = true;
    Update([&](PodState& state) { state.containers[running.state].started = true; });
  };
  const auto found = running.spec->find("startupProbe");
  if (found == running.spec->end()) return pass();
  const json& probe = *found;
  const base::TimePoint now = Now();
  const seconds period(std::max<std::int64_t>(Integer(probe, "periodSeconds", 10), 1));

  if (running.probe != nullptr) {
    const auto exit = running.probe->exit();
    if (exit && exit->exit_code == 0) return pass();
    if (!exit && now < running.probe_started + running.probe_timeout) return;
    running.probe.reset();
    running.next_probe = running.probe_started + std::min<base::Duration>(period, kProbePeriod);
    ++running.failed_probes;
  }
  if (running.failed_probes >= Integer(probe, "failureThreshold", 3)) {
    running.process->Signal(SIGKILL);  // what a kubelet does; its exit is seen next
    return;
  }
  if (now < running.next_probe) return;
  json container = *running.spec;  // the probe runs in the container: same environment
  container["command"] = probe.value("/exec/command"_json_pointer, json::array());
  container.erase("args");
  const auto command = ResolveContainer(pod_, container, parent_, pod_variables_);
  running.probe_started = now;
  running.probe_timeout = seconds(std::max<std::int64_t>(Integer(probe, "timeoutSeconds", 1), 1));
  running.next_probe = now + std::min<base::Duration>(period, kProbePeriod);
  if (!command) return;
  auto process =
      Process::Start({command->argv, Entries(command->environment), grant_.directory, ""}, [this] { Poke(); });
  if (process) running.probe = std::move(*process);
}

base::TimePoint LocalPod::NextLook(const Running& running) const {
  if (running.started) return base::TimePoint::max();
  if (running.process == nullptr) return running.restart_at;
  if (running.probe != nullptr) return running.probe_started + running.probe_timeout;
  return running.next_probe;
}

LocalPod::Wake LocalPod::WaitUntil(const std::function<bool()>& done) {
  while (true) {
    std::uint64_t seen = 0;
    {
      const base::MutexLock lock(mutex_);
      if (deleted_) return Wake::kDeleted;
      seen = pokes_;
    }
    for (Running& sidecar : sidecars_) SuperviseSidecar(sidecar);
    if (done()) return Wake::kDone;
    const base::TimePoint now = Now();
    if (deadline_ && now >= *deadline_) return Wake::kDeadline;
    base::TimePoint next = deadline_.value_or(now + std::chrono::hours(1));
    for (const Running& sidecar : sidecars_) next = std::min(next, NextLook(sidecar));
    const base::MutexLock lock(mutex_);
    const base::TimePoint until = std::max(next, now + milliseconds(1));
    while (pokes_ == seen && wake_.wait_until(mutex_, until) != std::cv_status::timeout) {
    }
  }
}

void LocalPod::EndProcesses(milliseconds grace) {
  std::vector<Running*> alive;
  for (std::vector<Running>* list : {&mains_, &sidecars_}) {
    for (Running& running : *list) {
      running.probe.reset();
      if (running.process != nullptr) alive.push_back(&running);
    }
  }
  for (Running* running : alive) running->process->Signal(SIGTERM);
  const base::TimePoint begin = Now();
  while (true) {
    std::uint64_t seen = 0;
    milliseconds allowed = grace;
    {
      const base::MutexLock lock(mutex_);
      seen = pokes_;
      if (deleted_) allowed = delete_grace_;
    }
    if (std::all_of(alive.begin(), alive.end(), [](const Running* r) { return r->process->exit().has_value(); })) break;
    const base::TimePoint until = begin + allowed;
    if (Now() >= until) {
      for (Running* running : alive) running->process->Signal(SIGKILL);
    }
    const base::MutexLock lock(mutex_);
    while (pokes_ == seen) {
      if (Now() >= until) {
        wake_.wait(mutex_);  // killed: only its exit is left to come
      } else if (wake_.wait_until(mutex_, until) == std::cv_status::timeout) {
        break;
      }
    }
  }
  for (Running* running : alive) RecordExit(*running, *running->process->exit());
}

}  // namespace autotune::local
