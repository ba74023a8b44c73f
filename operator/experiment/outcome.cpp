#include "operator/experiment/outcome.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "bench/exit_code.h"
#include "operator/experiment/pod_builder.h"

namespace autotune::experiment {
namespace {

using bench::Failure;
using bench::FailureReason;
using std::chrono::seconds;
using State = ContainerView::State;
using Kind = PodOutcome::Kind;

// Launcher and bench end what takes too long and say so. Only where they hang does the pod's own record decide, this
// much later.
constexpr seconds kReportSlack{120};
// The kubelet stops the sidecars after bench has ended: the grace period of 30 s and time to report it.
constexpr seconds kStopSlack{90};
// Every pod waits a moment for the scheduler, and for its images where the node has them: that is no news, and telling
// it would cost a write of the status for each experiment. After five seconds people ask what a task is waiting for.
constexpr seconds kSchedulerSlack{4};
constexpr seconds kPrepareSlack{4};
// A hub that answers does so within a second or two.
constexpr seconds kInspectSlack{4};
// What the kubelet calls an error in a container's configuration is often an object that comes a moment later, or a
// cache of its own that has not seen it: a Secret, a ConfigMap, "failed to sync secret cache: timed out".
constexpr seconds kConfigurationPatience{180};

std::string Seconds(seconds duration) { return api::FormatDuration(duration); }

bool IsOver(const PodView& pod) { return pod.phase == "Succeeded" || pod.phase == "Failed"; }

bool Contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

// "what: detail", or what alone.
std::string With(std::string what, const std::string& detail) {
  if (!detail.empty()) what += ": " + detail;
  return what;
}

Failure Because(FailureReason reason, std::string message, int exit_code = 0) {
  return {reason, std::move(message), exit_code, 0};
}

std::string ExitText(const ContainerView::Termination& end) {
  std::string text = "exit code " + std::to_string(end.exit_code);
  if (end.exit_code > 128 && end.exit_code < 160) text += " (signal " + std::to_string(end.exit_code - 128) + ")";
  if (!end.reason.empty() && end.reason != "Error" && end.reason != "Completed") text += ", " + end.reason;
  return text;
}

// Killed for memory at any time: cgroup v2 kills the whole container, which then restarts and keeps it in lastState;
// cgroup v1 kills one process, and the runtime marks the container when it ends.
bool WasOutOfMemory(const ContainerView* container) {
  if (container == nullptr) return false;
  const auto killed = [](const auto& end) { return end && end->reason == "OOMKilled"; };
  return killed(container->terminated) || killed(container->last_terminated);
}

Failure OutOfHostMemory(const ContainerView& engine, const std::string& also) {
  const bool last = engine.last_terminated && engine.last_terminated->reason == "OOMKilled";
  const auto& end = last ? engine.last_terminated : engine.terminated;
  std::string message =
      "host memory: the kubelet reports OOMKilled for the engine's container (limit: "
      "runtimes[].resources.limits.memory, /dev/shm included)";
  if (!also.empty()) message += "; last message: " + also;
  return Because(FailureReason::kOutOfMemory, message, end ? end->exit_code : 0);
}

// ---- What happened to the pod as a whole ----

// Evictions that the pod's own limits ask for. The kubelet has no reason of its own for them: these are its texts
// (kubernetes/pkg/kubelet/eviction/helpers.go).
bool IsOwnStorageLimit(const std::string& message) {
  constexpr std::array<std::string_view, 3> kTexts = {"exceeded its local ephemeral storage limit",
                                                      "ephemeral local storage usage exceeds the total limit",
                                                      "Usage of EmptyDir volume"};
  return std::any_of(kTexts.begin(), kTexts.end(), [&](std::string_view text) { return Contains(message, text); });
}

bool IsNodeGone(const PodView& pod) {
  return pod.reason == "NodeLost" || pod.reason == "NodeShutdown" || pod.reason == "Shutdown" ||
         pod.reason == "Terminated" || pod.disruption_reason == "DeletionByTaintManager" ||
         pod.disruption_reason == "DeletionByPodGC" || Contains(pod.disruption_message, "node shutdown");
}

std::string Stage(const PodView& pod) {
  if (!pod.scheduled) return "waiting for a node";
  const ContainerView* bench = pod.Container("bench");
  if (bench != nullptr && (bench->state == State::kRunning || bench->terminated)) return "measuring";
  const ContainerView* engine = pod.Container("engine");
  if (engine != nullptr && (engine->state != State::kWaiting || engine->last_terminated)) return "starting the engine";
  return "pulling images";
}

std::optional<Failure> PodFailure(const PodView& pod) {
  // A disruption is announced before it happens and may be called off; it counts once the pod goes.
  const bool disrupted = !pod.disruption_reason.empty() && (pod.deleting || IsOver(pod));
  const std::string node = pod.node.empty() ? "" : " on node " + pod.node;
  if (pod.reason == "Evicted" && IsOwnStorageLimit(pod.message)) {
    return Because(FailureReason::kStorageLimitExceeded, pod.message);
  }
  if (IsNodeGone(pod) && (disrupted || !pod.reason.empty())) {
    const std::string& words = pod.message.empty() ? pod.disruption_message : pod.message;
    return Because(FailureReason::kNodeLost, With("the node was lost" + node, words));
  }
  if (pod.reason == "DeadlineExceeded") {
    return Because(
        FailureReason::kExperimentTimeout,
        "the pod exceeded activeDeadlineSeconds, the sum of the timeouts of the experiment, while " + Stage(pod));
  }
  if (pod.reason == "Evicted" || pod.reason == "Preempting" || disrupted) {
    const std::string& words = pod.message.empty() ? pod.disruption_message : pod.message;
    const std::string why = pod.disruption_reason.empty() ? pod.reason : pod.disruption_reason;
    return Because(FailureReason::kEvicted, With(why + node, words));
  }
  const bool ran =
      std::any_of(pod.init_containers.begin(), pod.init_containers.end(),
                  [](const ContainerView& c) { return c.state != State::kWaiting || c.last_terminated; }) ||
      std::any_of(pod.containers.begin(), pod.containers.end(),
                  [](const ContainerView& c) { return c.state != State::kWaiting; });
  if (pod.phase == "Failed" && !ran) {
    // UnexpectedAdmissionError, OutOfcpu, NodeAffinity, ... Another node, or this one later, may not.
    return Because(FailureReason::kNodeRefused, With("the kubelet rejected the pod" + node + ", " +
                                                         (pod.reason.empty() ? "no reason given" : pod.reason),
                                                     pod.message));
  }
  return std::nullopt;
}

// ---- What keeps a container from running ----

bool IsImageProblem(const std::string& reason) {
  constexpr std::array<std::string_view, 6> kReasons = {
      "ErrImagePull",        "ImagePullBackOff",          "ImageInspectError",
      "RegistryUnavailable", "SignatureValidationFailed", "ErrImageNeverPull"};
  return std::find(kReasons.begin(), kReasons.end(), reason) != kReasons.end();
}

bool CannotStart(const base::Rare<ContainerView::Termination>& end) {
  return end && (end->reason == "StartError" || end->reason == "ContainerCannotRun");
}

// Nobody knows how the container ended, because its runtime or kubelet was away meanwhile: kubernetes
// pkg/kubelet/kubelet_pods.go, containerd pkg/cri/store/container (exit code 255, reason Unknown).
bool IsLost(const base::Rare<ContainerView::Termination>& end) {
  return end && (end->reason == "ContainerStatusUnknown" || (end->reason == "Unknown" && end->exit_code == 255));
}

Failure LostContainer(const std::string& name, const ContainerView::Termination& end) {
  return Because(FailureReason::kNodeLost, With("the node lost track of container " + name, end.message));
}

std::vector<const ContainerView*> AllContainers(const PodView& pod) {
  std::vector<const ContainerView*> all;
  for (const ContainerView& container : pod.init_containers) all.push_back(&container);
  for (const ContainerView& container : pod.containers) all.push_back(&container);
  return all;
}

// A failure that waiting does not mend.
std::optional<Failure> ContainerFailure(const PodView& pod) {
  for (const ContainerView* container : AllContainers(pod)) {
    const std::string named = "container " + container->name;
    const std::string& waits = container->waiting_reason;
    if (waits == "InvalidImageName" || waits == "ErrImageNeverPull") {
      return Because(FailureReason::kImagePullFailed, With(named + ": " + waits, container->waiting_message));
    }
    // kubernetes/pkg/kubelet/kuberuntime/security_context.go: the image's user does not change.
    if (waits == "CreateContainerConfigError" && Contains(container->waiting_message, "runAsNonRoot")) {
      return Because(FailureReason::kInvalidPodConfiguration, With(named, container->waiting_message));
    }
  }
  for (const ContainerView& container : pod.init_containers) {
    const std::string named = "init container " + container.name;
    // The kubelet starts sidecars again, the engine among them; and what it ends in a pod that goes has not failed.
    if (container.restarts || container.name == "engine" || pod.deleting) continue;
    if (IsLost(container.terminated)) return LostContainer(container.name, *container.terminated);
    if (CannotStart(container.terminated)) {
      return Because(FailureReason::kInvalidPodConfiguration,
                     With(named + " cannot be started", container.terminated->message));
    }
    if (container.terminated && container.terminated->exit_code != 0) {
      return Because(FailureReason::kInvalidPodConfiguration,
                     With(named + " failed with " + ExitText(*container.terminated), container.terminated->message));
    }
  }
  const ContainerView* engine = pod.Container("engine");
  // A launcher that was killed once is started again and reports. More than that is a container that cannot live.
  if (engine != nullptr && engine->restart_count >= 2 && engine->last_terminated) {
    const ContainerView::Termination& last = *engine->last_terminated;
    if (CannotStart(engine->last_terminated)) {
      return Because(FailureReason::kInvalidPodConfiguration, With("container engine cannot be started", last.message));
    }
    if (last.reason == "OOMKilled") return OutOfHostMemory(*engine, last.message);
    return Because(FailureReason::kEngineCrashed,
                   With("the engine's container ended " + std::to_string(engine->restart_count) + " times, last with " +
                            ExitText(last),
                        last.message),
                   last.exit_code);
  }
  return std::nullopt;
}

// ---- How bench ended ----

// What is known where bench left no usable message.
Failure SilentEnd(const PodView& pod, const ContainerView::Termination& end, const std::string& tool,
                  const std::string& decode_error) {
  const ContainerView* engine = pod.Container("engine");
  const std::string message = "autotune-bench ended with " + ExitText(end);
  if (CannotStart(end)) {
    return Because(FailureReason::kInvalidPodConfiguration,
                   With("container " + tool + " cannot be started", end.message));
  }
  if (IsLost(end)) return LostContainer(tool, end);
  if (end.reason == "OOMKilled") {
    return Because(FailureReason::kBenchmarkFailed,
                   "autotune-bench ran out of host memory (OOMKilled): raise spec.benchmark.resources.limits.memory",
                   end.exit_code);
  }
  if (WasOutOfMemory(engine)) return OutOfHostMemory(*engine, "");
  if (engine != nullptr && engine->last_terminated) {
    const ContainerView::Termination& died = *engine->last_terminated;
    if (IsLost(died)) return LostContainer("engine", died);
    std::string text = "the engine's container ended with " + ExitText(died) + " before a result was written";
    if (died.exit_code == 137) {
      text +=
          "; killed, but nothing reports memory exhaustion (engines also kill themselves after a configuration error)";
    }
    return Because(FailureReason::kEngineCrashed, With(text, died.message), died.exit_code);
  }
  if (end.message.empty())
    return Because(FailureReason::kBenchmarkFailed, message + " without a result", end.exit_code);
  std::string text = message + "; its result is invalid: " + decode_error;
  if (Contains(decode_error, "truncated")) {
    text += " (the kubelet divides 12 KiB among all containers of a pod, and this one has " +
            std::to_string(pod.containers.size() + pod.init_containers.size()) +
            "; a sidecar injector may have added some)";
  }
  return Because(FailureReason::kBenchmarkFailed, text, end.exit_code);
}

// What bench could see is less than what the kubelet saw.
Failure Refined(Failure failure, const PodView& pod) {
  const ContainerView* engine = pod.Container("engine");
  const bool died =
      failure.reason == FailureReason::kEngineCrashed || failure.reason == FailureReason::kBenchmarkFailed;
  if (died && WasOutOfMemory(engine)) return OutOfHostMemory(*engine, failure.message);
  if (died && engine != nullptr && IsLost(engine->last_terminated)) {
    return LostContainer("engine", *engine->last_terminated);
  }
  // An error that was logged before is the cause: SGLang's parent process ends everything, itself too, by SIGKILL.
  if (failure.reason == FailureReason::kEngineCrashed && failure.exit_code == 137 &&
      !Contains(failure.message, "memory") && !Contains(failure.message, "Error")) {
    failure.message = With("killed (exit code 137), but nothing reports memory exhaustion", failure.message);
  }
  return failure;
}

// ---- Where a living pod stands ----

class Reader {
 public:
  Reader(const PodView& pod, const api::OptimizationSpec& limits, base::WallTime now)
      : pod_(pod), limits_(limits), now_(now) {}

  PodOutcome Read(bool experiment) {
    out_.gpu_since = experiment && pod_.scheduled ? pod_.scheduled_at : base::WallTime{};
    const std::string tool = experiment ? "bench" : "inspect";
    const ContainerView* reporter = pod_.Container(tool);
    const ContainerView::Termination* end =
        reporter != nullptr && reporter->terminated ? &*reporter->terminated : nullptr;

    std::string decode_error;
    std::optional<Failure> reported;
    if (end != nullptr && !end->message.empty()) decode_error = Decode(experiment, end->message, reported);
    // A whole result is a result, whatever happened to the pod afterwards.
    if ((out_.run || out_.inspect) && !reported) return Ended(Kind::kSucceeded, end);
    if (auto failure = PodFailure(pod_)) return Failed(*std::move(failure), end);
    // Told to end, not failed: what an operator finds that was away while somebody deleted the pod.
    const bool told_to_end = pod_.deleting && end != nullptr && end->exit_code == bench::kExitInfrastructure;
    if (told_to_end) return Failed(Deleted(), end);
    if (end != nullptr) {
      Failure failure = reported ? Refined(*std::move(reported), pod_) : SilentEnd(pod_, *end, tool, decode_error);
      return Ended(Kind::kFailed, end, std::move(failure));
    }
    if (auto failure = ContainerFailure(pod_)) return Failed(*std::move(failure), nullptr);
    if (IsOver(pod_)) {
      return Failed(Because(FailureReason::kEvicted,
                            With("the pod ended (" + pod_.phase + ") without a result from " + tool, pod_.message)),
                    nullptr);
    }
    if (pod_.deleting) return Failed(Deleted(), nullptr);
    if (!pod_.scheduled) return Unscheduled();
    return experiment ? Scheduled() : Inspecting(reporter);
  }

 private:
  std::string Decode(bool experiment, const std::string& message, std::optional<Failure>& reported) {
    if (experiment) {
      auto run = bench::DecodeRun(message);
      if (!run) return run.error().message;
      out_.run = *std::move(run);
      reported = out_.run->failure;
    } else {
      auto inspect = bench::DecodeInspect(message);
      if (!inspect) return inspect.error().message;
      out_.inspect = *std::move(inspect);
      reported = out_.inspect->failure;
    }
    return "";
  }

  Failure Deleted() const { return Because(FailureReason::kEvicted, "the pod was deleted while " + Stage(pod_)); }

  PodOutcome Failed(Failure failure, const ContainerView::Termination* end) {
    out_.kind = Kind::kFailed;
    out_.failure = std::move(failure);
    out_.ended_at = EndedAt(end);
    return std::move(out_);
  }

  // bench has ended, and the engine is being stopped: GPUs are held and logs are written until the pod itself ends,
  // which it does without help. A sidecar that does not go does not hold the result up forever.
  PodOutcome Ended(Kind kind, const ContainerView::Termination* end, std::optional<Failure> failure = std::nullopt) {
    const base::WallTime patience = end->finished_at + kStopSlack;
    if (!IsOver(pod_) && !pod_.deleting && now_ < patience) {
      out_.run.reset();
      out_.inspect.reset();
      return Now(Kind::kMeasuring, patience);
    }
    out_.kind = kind;
    out_.failure = std::move(failure);
    out_.ended_at = EndedAt(end);
    return std::move(out_);
  }

  // Epoch where the pod still lives: its GPUs are held until whoever reads this lets them go.
  base::WallTime EndedAt(const ContainerView::Termination* end) const {
    if (!IsOver(pod_)) return end != nullptr ? end->finished_at : base::WallTime{};
    base::WallTime last{};
    bool whole = true;
    for (const ContainerView* container : AllContainers(pod_)) {
      if (container->terminated) last = std::max(last, container->terminated->finished_at);
      const bool no_end = container->terminated && container->terminated->finished_at == base::WallTime{};
      whole = whole && !no_end && container->state != State::kRunning;
    }
    // A node that went away reports no ends; then the pod's own conditions are the next best.
    return whole && last != base::WallTime{} ? last : std::max(last, pod_.last_transition);
  }

  PodOutcome Now(Kind kind, std::optional<base::WallTime> deadline, std::string waiting = "") {
    out_.kind = kind;
    out_.next_deadline = deadline;
    out_.waiting_message = std::move(waiting);
    return std::move(out_);
  }

  // Which pod waits for what, since when, and the command that says more ("" = none does).
  PodOutcome Waits(std::optional<base::WallTime> deadline, base::WallTime since, const std::string& words,
                   const std::string& command) {
    const std::string more = command.empty() ? "" : " (" + command + " -n " + pod_.ns + ")";
    return Now(Kind::kWaiting, deadline,
               "pod " + pod_.name + " since " + base::FormatRfc3339(since) + ": " + words + more);
  }
  [[nodiscard]] std::string Describe() const { return "kubectl describe pod " + pod_.name; }

  PodOutcome Unscheduled() {
    if (pod_.scheduling_gated) {
      out_.queued = true;
      return Waits(std::nullopt, pod_.created_at, With("waiting for quota", pod_.unscheduled_message),
                   "kubectl get workloads");
    }
    const base::WallTime since = std::max(pod_.created_at, pod_.schedulable_since);
    const base::WallTime deadline = since + limits_.scheduling_timeout;
    const std::string words =
        pod_.unscheduled_message.empty() ? "no scheduler has processed the pod yet" : pod_.unscheduled_message;
    if (now_ >= deadline) {
      return Failed(Because(FailureReason::kUnschedulable,
                            "no node within " + Seconds(limits_.scheduling_timeout) + ": " + words),
                    nullptr);
    }
    if (pod_.unscheduled_message.empty() && now_ < since + kSchedulerSlack) {
      return Now(Kind::kWaiting, std::min(deadline, since + kSchedulerSlack));
    }
    // Another reason is that of local mode, where nobody could be asked.
    const bool scheduler = pod_.unscheduled_reason.empty() || pod_.unscheduled_reason == "Unschedulable";
    return Waits(deadline, since, words, scheduler ? Describe() : "");
  }

  PodOutcome Scheduled() {
    const ContainerView* bench = pod_.Container("bench");
    const ContainerView* engine = pod_.Container("engine");
    if (bench != nullptr && bench->state == State::kRunning) {
      const base::WallTime deadline = bench->running_since + limits_.experiment_timeout + kReportSlack;
      if (now_ < deadline) return Now(Kind::kMeasuring, deadline);
      return Failed(
          Because(FailureReason::kExperimentTimeout, "autotune-bench has been running for more than " +
                                                         Seconds(limits_.experiment_timeout) + " without a result"),
          nullptr);
    }
    base::WallTime started{};
    if (engine != nullptr && engine->state == State::kRunning) started = engine->running_since;
    if (engine != nullptr && engine->last_terminated && engine->last_terminated->started_at != base::WallTime{}) {
      started = engine->last_terminated->started_at;
    }
    if (started == base::WallTime{}) return Preparing(PreparingSince(), limits_.image_pull_timeout);

    // Loading; or ready, while bench's image, which `install` has used on this node before, is fetched once more.
    const bool pulls = bench != nullptr && IsImageProblem(bench->waiting_reason);
    if (pulls) return Preparing(started, limits_.startup_timeout + limits_.image_pull_timeout);
    const base::WallTime deadline = started + limits_.startup_timeout + kReportSlack;
    if (now_ < deadline) return Now(Kind::kStarting, deadline);
    return Failed(
        Because(FailureReason::kStartupTimeout, "the engine is not ready after " + Seconds(limits_.startup_timeout) +
                                                    ", and its launcher has reported nothing"),
        nullptr);
  }

  base::WallTime PreparingSince() const {
    base::WallTime since = pod_.scheduled_at == base::WallTime{} ? pod_.created_at : pod_.scheduled_at;
    const ContainerView* install = pod_.Container("install");
    if (install != nullptr && install->terminated) since = std::max(since, install->terminated->finished_at);
    return since;
  }

  // Images are pulled, volumes mounted, containers created.
  PodOutcome Preparing(base::WallTime since, seconds allowed) {
    const ContainerView* stuck = nullptr;
    for (const ContainerView* container : AllContainers(pod_)) {
      const bool ordinary = container->waiting_reason.empty() || container->waiting_reason == "PodInitializing" ||
                            container->waiting_reason == "ContainerCreating";
      if (stuck == nullptr && container->state == State::kWaiting && !ordinary) stuck = container;
    }
    std::string words;
    if (stuck != nullptr) {
      words = "container " + stuck->name + ": " + With(stuck->waiting_reason, stuck->waiting_message);
      if (stuck->last_terminated && stuck->waiting_message != stuck->last_terminated->message) {
        words = With(words, stuck->last_terminated->message);
      }
    }
    const bool configuration = stuck != nullptr && stuck->waiting_reason == "CreateContainerConfigError";
    if (configuration) allowed = std::min(allowed, kConfigurationPatience);
    const base::WallTime deadline = since + allowed;
    const base::WallTime quiet_until = std::min(deadline, since + kPrepareSlack);
    if (words.empty() && now_ < quiet_until) return Now(Kind::kWaiting, quiet_until);
    if (now_ < deadline) {
      // A container that ends again and again has a log, and describing its pod says no more than these words.
      const bool described = stuck == nullptr || configuration || IsImageProblem(stuck->waiting_reason);
      if (words.empty()) words = "images are being pulled or volumes mounted on node " + pod_.node;
      return Waits(deadline, since, words, described ? Describe() : "");
    }
    const bool image = stuck == nullptr || IsImageProblem(stuck->waiting_reason);
    if (words.empty()) {
      words = "an image is still being pulled, or a volume cannot be mounted (kubectl describe pod shows the events)";
    }
    return Failed(Because(image ? FailureReason::kImagePullFailed : FailureReason::kInvalidPodConfiguration,
                          "not started within " + Seconds(allowed) + " on node " + pod_.node + ": " + words),
                  nullptr);
  }

  PodOutcome Inspecting(const ContainerView* inspect) {
    if (inspect == nullptr || inspect->state != State::kRunning) {
      return Preparing(PreparingSince(), limits_.image_pull_timeout);
    }
    const base::WallTime deadline = inspect->running_since + kInspectTimeout;
    const base::WallTime quiet_until = inspect->running_since + kInspectSlack;
    if (now_ < quiet_until) return Now(Kind::kMeasuring, quiet_until);
    if (now_ < deadline) {
      return Now(Kind::kMeasuring, deadline,
                 "pod " + pod_.name + " since " + base::FormatRfc3339(inspect->running_since));
    }
    return Failed(Because(FailureReason::kModelUnreadable,
                          "the model's files could not be read within " + Seconds(kInspectTimeout)),
                  nullptr);
  }

  const PodView& pod_;
  const api::OptimizationSpec& limits_;
  const base::WallTime now_;
  PodOutcome out_;
};

}  // namespace

PodOutcome ReadExperimentOutcome(const PodView& pod, const api::OptimizationSpec& limits, base::WallTime now) {
  return Reader(pod, limits, now).Read(true);
}

PodOutcome ReadInspectOutcome(const PodView& pod, const api::OptimizationSpec& limits, base::WallTime now) {
  PodOutcome outcome = Reader(pod, limits, now).Read(false);
  // Benchmarks and experiments are words that mean nothing to somebody whose model cannot be read.
  if (outcome.failure && (outcome.failure->reason == FailureReason::kBenchmarkFailed ||
                          outcome.failure->reason == FailureReason::kExperimentTimeout)) {
    outcome.failure->reason = FailureReason::kModelUnreadable;
  }
  return outcome;
}

}  // namespace autotune::experiment
