#include "operator/deploy/running_server.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "operator/deploy/engine_arguments.h"
#include "operator/experiment/json_read.h"
#include "text/shell_words.h"
#include "text/table.h"

namespace autotune::deploy {
namespace {

using nlohmann::json;
using Words = std::vector<std::string>;
using experiment::Member;
using experiment::Text;

template <std::size_t N>
bool IsOneOf(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

template <std::size_t N>
bool EndsLikeOneOf(const std::array<std::string_view, N>& ends, std::string_view name) {
  return std::any_of(ends.begin(), ends.end(), [&](std::string_view end) { return name.ends_with(end); });
}

// Variables that a pod of an experiment has for itself: keys, where it listens, which GPUs and network interfaces it
// has, where it keeps files and where it gets them from. With HF_HUB_OFFLINE=1 a pod whose cache is empty could not
// start.
bool IsPodsOwnVariable(const std::string& name) {
  static constexpr std::array<std::string_view, 22> kNames = {"HOME",
                                                              "USER",
                                                              "LOGNAME",
                                                              "PATH",
                                                              "TMPDIR",
                                                              "PWD",
                                                              "HF_HOME",
                                                              "HF_ENDPOINT",
                                                              "CUDA_VISIBLE_DEVICES",
                                                              "NVIDIA_VISIBLE_DEVICES",
                                                              "ROCR_VISIBLE_DEVICES",
                                                              "HIP_VISIBLE_DEVICES",
                                                              "NVIDIA_DRIVER_CAPABILITIES",
                                                              "FLASHINFER_WORKSPACE_BASE",
                                                              "HF_HUB_OFFLINE",
                                                              "TRANSFORMERS_OFFLINE",
                                                              "HF_DATASETS_OFFLINE",
                                                              "VLLM_USE_MODELSCOPE",
                                                              "SGLANG_USE_MODELSCOPE",
                                                              "NCCL_SOCKET_IFNAME",
                                                              "GLOO_SOCKET_IFNAME",
                                                              "TP_SOCKET_IFNAME"};
  static constexpr std::array<std::string_view, 13> kEnds = {
      "_TOKEN", "_KEY",   "_PASSWORD",  "_SECRET",     "_PORT",       "_HOST",      "_HOST_IP",
      "_ADDR",  "_CACHE", "_CACHE_DIR", "_CACHE_ROOT", "_CACHE_PATH", "_CACHE_HOME"};
  return IsOneOf(kNames, name) || EndsLikeOneOf(kEnds, name) || name.starts_with("XDG_");
}

// "postgres://user:password@host": an address with a password.
bool HasPassword(const std::string& value) {
  const std::size_t scheme = value.find("://");
  return scheme != std::string::npos && value.find('@', scheme) != std::string::npos;
}

void AddVariable(const std::string& name, std::string value, api::DeployedServer& out) {
  if (IsPodsOwnVariable(name) || HasPassword(value)) {
    out.left_out.push_back(name);
  } else {
    out.env[name] = std::move(value);
  }
}

// --- a container engine's command line ----------------------------------------------------------------------------

// Options of `docker run` that take no value; every other one takes one.
constexpr std::array<std::string_view, 15> kSwitches = {"--detach",
                                                        "--disable-content-trust",
                                                        "--init",
                                                        "--interactive",
                                                        "--no-healthcheck",
                                                        "--no-hosts",
                                                        "--oom-kill-disable",
                                                        "--privileged",
                                                        "--publish-all",
                                                        "--quiet",
                                                        "--read-only",
                                                        "--rm",
                                                        "--sig-proxy",
                                                        "--tty",
                                                        "--use-api-socket"};
constexpr std::string_view kShortSwitches = "ditPq";

class DockerRun {
 public:
  explicit DockerRun(const Words& words) : words_(words) {}

  base::Result<api::DeployedServer> Read(std::size_t at) {
    at_ = at;
    while (at_ < words_.size() && words_[at_].starts_with('-') && words_[at_].size() > 1) {
      if (!TakeOption()) return base::Invalid(words_.back() + " of docker run has no value");
    }
    if (at_ == words_.size()) return base::Invalid("names no image");
    out_.image = words_[at_++];
    if (!entrypoint_.empty()) out_.words.push_back(entrypoint_);
    out_.words.insert(out_.words.end(), words_.begin() + static_cast<std::ptrdiff_t>(at_), words_.end());
    return std::move(out_);
  }

 private:
  // False: the line ends before its value.
  bool TakeOption() {
    const std::string word = words_[at_++];
    if (!word.starts_with("--")) return TakeShort(word);
    const std::size_t equals = word.find('=');
    const std::string name = word.substr(0, equals);
    if (IsOneOf(kSwitches, name)) return true;
    return equals == std::string::npos ? TakeNext(name) : Keep(name, word.substr(equals + 1));
  }

  // "-it", "-p 8000:8000", "-p8000:8000".
  bool TakeShort(const std::string& word) {
    for (std::size_t i = 1; i < word.size(); ++i) {
      if (kShortSwitches.find(word[i]) != std::string_view::npos) continue;
      const std::string name = {'-', word[i]};
      std::string value = word.substr(i + 1);
      if (value.starts_with('=')) value.erase(0, 1);
      return value.empty() ? TakeNext(name) : Keep(name, value);
    }
    return true;
  }

  bool TakeNext(const std::string& name) {
    if (at_ == words_.size()) return false;
    return Keep(name, words_[at_++]);
  }

  bool Keep(const std::string& name, const std::string& value) {
    if (name == "--entrypoint") {
      entrypoint_ = value;
    } else if (name != "-e" && name != "--env") {
      if (std::find(out_.left_out.begin(), out_.left_out.end(), name) == out_.left_out.end()) {
        out_.left_out.push_back(name);
      }
    } else if (const std::string variable = AssignedName(value); !variable.empty()) {
      AddVariable(variable, value.substr(variable.size() + 1), out_);
    } else {
      out_.left_out.push_back(value);  // its value is that of whoever types the line
    }
    return true;
  }

  const Words& words_;
  std::size_t at_ = 0;
  std::string entrypoint_;
  api::DeployedServer out_;
};

// --- a workload's container ---------------------------------------------------------------------------------------

// The spec of the pod that serves.
base::Result<const json*> PodOf(const json& workload, const std::string& kind) {
  const json& spec = Member(workload, "spec");
  if (kind == "Deployment") return &Member(Member(spec, "template"), "spec");
  if (kind == "LLMInferenceService") {
    if (Member(spec, "worker").is_object()) return base::Invalid("serves on several nodes, and experiments on one");
    return &Member(spec, "template");
  }
  const json& group = Member(spec, "leaderWorkerTemplate");
  const json& size = Member(group, "size");
  if (size.is_number_integer() && size.get<std::int64_t>() > 1) {
    return base::Invalid("serves on " + size.dump() + " nodes, and experiments on one");
  }
  const char* const part = Member(group, "leaderTemplate").is_object() ? "leaderTemplate" : "workerTemplate";
  return &Member(Member(group, part), "spec");
}

bool HasResource(const json& container, const std::string& resource) {
  const json& resources = Member(container, "resources");
  return Member(resources, "limits").contains(resource) || Member(resources, "requests").contains(resource);
}

base::Result<const json*> ContainerOf(const json& containers, const std::string& name,
                                      const std::string& gpu_resource) {
  std::vector<const json*> found, with_gpus;
  Words names;
  for (const json& container : containers) {
    names.push_back(Text(container, "name"));
    if (!name.empty() && names.back() != name) continue;
    found.push_back(&container);
    if (HasResource(container, gpu_resource)) with_gpus.push_back(&container);
  }
  if (found.size() == 1) return found.front();
  if (with_gpus.size() == 1) return with_gpus.front();
  const std::string all = text::Joined(names, ", ");
  if (found.empty() && !name.empty()) return base::Invalid("has no container \"" + name + "\"; it has " + all);
  if (found.empty()) return base::Invalid("has no containers");
  return base::Invalid("has several containers that may serve the model (" + all +
                       "): deploymentRef.container says which");
}

// A word as the kubelet passes it on: $(NAME) is a variable's value, $$ a dollar. kInvalid names a variable whose value
// is elsewhere.
base::Result<std::string> Expanded(const std::string& word, const std::map<std::string, std::string>& values,
                                   const std::set<std::string>& elsewhere) {
  std::string out;
  for (std::size_t i = 0; i < word.size(); ++i) {
    out += word[i];
    if (word[i] != '$' || i + 1 == word.size()) continue;
    if (word[i + 1] == '$') {
      ++i;
      continue;
    }
    const std::size_t end = word.find(')', i);
    if (word[i + 1] != '(' || end == std::string::npos) continue;
    const std::string name = word.substr(i + 2, end - i - 2);
    if (elsewhere.contains(name)) {
      return base::Invalid("the variable " + name + " in its command has its value from elsewhere");
    }
    const auto value = values.find(name);
    if (value == values.end()) continue;
    out.pop_back();
    out += value->second;
    i = end;
  }
  return out;
}

// sh -c SCRIPT where the script is one command and nothing beyond words. `values`: the container's variables.
base::Result<Words> OnlyCommand(Words words, const std::map<std::string, std::string>& values,
                                api::DeployedServer& out) {
  static constexpr std::array<std::string_view, 4> kShells = {"sh", "bash", "dash", "ash"};
  if (words.size() < 3 || !IsOneOf(kShells, ProgramName(words[0])) || !words[1].starts_with('-') ||
      words[1].find('c') == std::string::npos) {
    return words;
  }
  text::ShellScript script = text::ReadShell(words[2]);
  constexpr std::string_view kParameters = " \"$@\"";
  Words behind;
  if (words[2].ends_with(kParameters)) {  // exec vllm serve M "$@": the words behind the script's own name
    script = text::ReadShell(words[2].substr(0, words[2].size() - kParameters.size()));
    if (words.size() > 4) behind.assign(words.begin() + 4, words.end());
  }
  const auto refuse = [](const std::string& why) {
    return base::Invalid("its command is a shell script with " + why +
                         ": paste what it comes to as baseline.command instead");
  };
  if (!script.beyond.empty()) return refuse(script.beyond);
  if (script.commands.size() != 1) return refuse("no command");
  Words& command = script.commands.front();
  for (std::string& word : command) {
    // Variables of the container.
    for (std::string name = text::FilledIn(word); !name.empty(); name = text::FilledIn(word)) {
      const bool braces = name.starts_with("${");
      const auto value = values.find(braces ? name.substr(2, name.size() - 3) : name.substr(1));
      if (value == values.end()) return refuse(script.filled_in);
      word.replace(word.find(name), name.size(), value->second);
      if (!text::FilledIn(value->second).empty()) return refuse(script.filled_in);
    }
  }
  const std::size_t prefix = PrefixWords(command);
  for (std::size_t i = 0; i < prefix; ++i) {
    const std::string name = AssignedName(command[i]);
    if (!name.empty()) AddVariable(name, command[i].substr(name.size() + 1), out);
  }
  command.erase(command.begin(), command.begin() + static_cast<std::ptrdiff_t>(prefix));
  command.insert(command.end(), behind.begin(), behind.end());
  return std::move(command);
}

// Programs that start another one with what it needs around it: "uv run --with vllm vllm serve M", "mpirun -n 1
// trtllm-serve M". A pod has its own surroundings.
void LeaveOutLauncher(api::DeployedServer& server) {
  static constexpr std::array<std::string_view, 11> kLaunchers = {
      "uv",   "uvx",       "poetry", "pixi",   "mpirun", "mpiexec", "trtllm-llmapi-launch",
      "tini", "dumb-init", "nice",   "numactl"};
  Words& words = server.words;
  if (words.empty() || !IsOneOf(kLaunchers, ProgramName(words.front()))) return;
  for (auto program = words.begin() + 1; program != words.end(); ++program) {
    if (EngineStartOf({program, words.end()}).engine.empty()) continue;
    server.left_out.push_back(ProgramName(words.front()));
    words.erase(words.begin(), program);
    return;
  }
}

// Values of secret flags are not kept.
void HideSecrets(Words& words) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (!words[i].starts_with("--")) continue;
    const std::size_t equals = words[i].find('=');
    std::string name = words[i].substr(2, equals == std::string::npos ? equals : equals - 2);
    std::replace(name.begin(), name.end(), '_', '-');
    if (!IsSecretFlag(name)) continue;
    if (equals != std::string::npos) {
      words[i] = words[i].substr(0, equals + 1) + "***";
    } else {
      for (std::size_t j = i + 1; j < words.size() && !words[j].starts_with('-'); ++j) words[j] = "***";
    }
  }
}

// Set to something: the API server fills in {} and false.
bool IsSet(const json& value) {
  return value.is_boolean() ? value.get<bool>() : !value.is_null() && !(value.is_structured() && value.empty());
}

void LeaveOut(const json& object, const std::vector<const char*>& fields, api::DeployedServer& out) {
  for (const char* field : fields) {
    if (IsSet(Member(object, field))) out.left_out.emplace_back(field);
  }
}

void TakeResources(const json& container, api::DeployedServer& out) {
  const json& resources = Member(container, "resources");
  const auto take = [&](const char* list, std::map<std::string, std::string>& to) {
    for (const auto& [name, value] : Member(resources, list).items()) {
      to[name] = value.is_string() ? value.get<std::string>() : value.dump();
    }
  };
  take("limits", out.limits);
  take("requests", out.requests);
  LeaveOut(resources, {"claims"}, out);
}

// What else the pod gives to the container. `container`: the one that serves.
void LeaveOutOfPod(const json& pod, const json& container, api::DeployedServer& out) {
  for (const json& secret : Member(pod, "imagePullSecrets")) out.pull_secrets.push_back(Text(secret, "name"));
  LeaveOut(container, {"volumeMounts", "volumeDevices", "securityContext", "workingDir", "lifecycle"}, out);
  LeaveOut(pod,
           {"initContainers", "nodeSelector", "affinity", "tolerations", "runtimeClassName", "hostNetwork", "hostIPC",
            "hostPID", "resourceClaims"},
           out);
  for (const json& other : Member(pod, "containers")) {
    if (&other != &container) out.left_out.push_back("container " + Text(other, "name"));
  }
}

base::Result<api::DeployedServer> ServerOf(const json& container) {
  api::DeployedServer out;
  out.image = Text(container, "image");
  TakeResources(container, out);
  std::map<std::string, std::string> values;
  std::set<std::string> elsewhere;
  for (const json& variable : Member(container, "env")) {
    const std::string name = Text(variable, "name");
    if (variable.contains("valueFrom")) {
      elsewhere.insert(name);
      out.left_out.push_back(name);
    } else {
      values[name] = Text(variable, "value");
      AddVariable(name, values[name], out);
    }
  }
  if (!Member(container, "envFrom").empty()) out.left_out.push_back("envFrom");
  Words words;
  for (const char* part : {"command", "args"}) {
    for (const json& word : Member(container, part)) {
      auto expanded = Expanded(word.is_string() ? word.get<std::string>() : word.dump(), values, elsewhere);
      if (!expanded) return expanded.error();
      words.push_back(*std::move(expanded));
    }
  }
  auto plain = OnlyCommand(std::move(words), values, out);
  if (!plain) return plain.error();
  out.words = *std::move(plain);
  LeaveOutLauncher(out);
  HideSecrets(out.words);
  return out;
}

// "hf://org/name:revision", "pvc://claim/path".
struct Served {
  std::string model, revision;
};
Served ServedOf(std::string uri) {
  constexpr std::string_view kHub = "hf://", kClaim = "pvc://";
  if (uri.starts_with(kClaim)) {
    const std::size_t slash = uri.find('/', kClaim.size());
    return {slash == std::string::npos ? "/" : uri.substr(slash), ""};
  }
  if (!uri.starts_with(kHub)) return {uri, ""};
  uri.erase(0, kHub.size());
  const std::size_t colon = uri.find(':');
  return {uri.substr(0, colon), colon == std::string::npos ? "" : uri.substr(colon + 1)};
}

// KServe starts the engine itself, with fields of the service; args and VLLM_ADDITIONAL_ARGS are words for its shell.
base::Result<api::DeployedServer> StartedByKServe(const json& workload, api::DeployedServer server) {
  const json& spec = Member(workload, "spec");
  const json& model = Member(spec, "model");
  const Served served = ServedOf(Text(model, "uri"));
  Words words = {"vllm", "serve", served.model};
  const auto add = [&](const char* flag, const std::string& value) {
    if (!value.empty()) words.insert(words.end(), {flag, value});
  };
  add("--revision", served.revision);
  add("--served-model-name", Text(model, "name"));
  constexpr std::pair<const char*, const char*> kSizes[] = {
      {"tensor", "--tensor-parallel-size"}, {"pipeline", "--pipeline-parallel-size"}, {"data", "--data-parallel-size"}};
  for (const auto& [size, flag] : kSizes) {
    const json& value = Member(Member(spec, "parallelism"), size);
    add(flag, value.is_number_integer() ? value.dump() : "");
  }
  Words args = {server.env["VLLM_ADDITIONAL_ARGS"]};
  server.env.erase("VLLM_ADDITIONAL_ARGS");
  args.insert(args.end(), server.words.begin(), server.words.end());
  for (const std::string& arg : args) {
    const auto own = text::ShellWords(arg);
    if (!own) return base::Invalid("an argument " + own.error().message);
    const auto open =
        std::find_if(own->begin(), own->end(), [](const auto& word) { return !text::FilledIn(word).empty(); });
    if (open != own->end())
      return base::Invalid("an argument has " + text::FilledIn(*open) + ", which a shell fills in");
    words.insert(words.end(), own->begin(), own->end());
  }
  server.words = std::move(words);
  return server;
}

// Words of one command: variables, a program or a container engine's run, and what that starts.
base::Result<api::DeployedServer> ReadWords(Words words) {
  api::DeployedServer out;
  const std::size_t prefix = PrefixWords(words);
  for (std::size_t i = 0; i < prefix; ++i) {
    const std::string name = AssignedName(words[i]);
    if (!name.empty()) AddVariable(name, words[i].substr(name.size() + 1), out);
  }
  words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(prefix));
  if (words.empty()) return base::Invalid("names no program");
  static constexpr std::array<std::string_view, 3> kContainers = {"docker", "podman", "nerdctl"};
  if (!IsOneOf(kContainers, words.front())) {
    out.words = std::move(words);
    LeaveOutLauncher(out);
    return out;
  }
  const std::size_t run = words.size() > 2 && words[1] == "container" ? 2 : 1;
  if (words.size() <= run || words[run] != "run") {
    return base::Invalid("begins with \"" + words.front() + "\", and only " + words.front() + " run starts a server");
  }
  return DockerRun(words).Read(run + 1);
}

base::Error NotInTheLine(const std::string& what, const std::string& open) {
  return base::Invalid("has " + open + " for " + what + ", but the command is parsed without a shell: write the value");
}

}  // namespace

std::vector<ServedAs> WorkloadApis(const std::string& kind) {
  if (kind == "LeaderWorkerSet") return {{"leaderworkerset.x-k8s.io", "v1", "leaderworkersets"}};
  if (kind == "LLMInferenceService") {
    return {{"serving.kserve.io", "v1alpha2", "llminferenceservices"},
            {"serving.kserve.io", "v1alpha1", "llminferenceservices"}};
  }
  return {{"apps", "v1", "deployments"}};
}

EngineStart EngineStartOf(const Words& words) {
  struct Known {
    Words words;
    const char* engine;
  };
  static const std::vector<Known> kKnown = {{{"vllm", "serve"}, "vllm"},
                                            {{"python", "-m", "vllm.entrypoints.openai.api_server"}, "vllm"},
                                            {{"sglang", "serve"}, "sglang"},
                                            {{"python", "-m", "sglang.launch_server"}, "sglang"},
                                            {{"trtllm-serve", "serve"}, "tensorrt-llm"},
                                            {{"trtllm-serve"}, "tensorrt-llm"}};
  for (const Known& known : kKnown) {
    if (words.size() < known.words.size()) continue;
    std::string program = ProgramName(words[0]);
    if (program.starts_with("python")) program = "python";  // python3, python3.12
    const bool rest = std::equal(known.words.begin() + 1, known.words.end(), words.begin() + 1);
    if (program == known.words[0] && rest) return {known.engine, known.words.size()};
  }
  return {};
}

base::Result<api::DeployedServer> ReadPastedCommand(std::string_view line) {
  auto words = text::ShellWords(line);
  if (!words) return words.error();
  auto out = ReadWords(*std::move(words));
  if (!out) return out;
  // A value that a shell fills in is not in the line. Of what is left out it is not missed.
  for (const auto& [name, value] : out->env) {
    if (const std::string open = text::FilledIn(value); !open.empty()) return NotInTheLine(name, open);
  }
  if (const std::string open = text::FilledIn(out->image); !open.empty()) return NotInTheLine("the image", open);
  return out;
}
base::Result<RunningContainer> ReadWorkloadContainer(const json& workload, const api::WorkloadRef& ref,
                                                     const std::string& gpu_resource) {
  const auto pod = PodOf(workload, ref.kind);
  if (!pod) return pod.error();
  const bool kserve = ref.kind == "LLMInferenceService";
  const json& containers = Member(**pod, "containers");
  static const json kKServesOwn = {{"name", "main"}};
  const auto container = kserve && containers.empty() ? base::Result<const json*>(&kKServesOwn)
                                                      : ContainerOf(containers, ref.container, gpu_resource);
  if (!container) return container.error();
  auto server = ServerOf(**container);
  if (server && kserve && EngineStartOf(server->words).engine.empty()) {
    server = StartedByKServe(workload, *std::move(server));
  }
  if (!server) return server.error();
  LeaveOutOfPod(**pod, **container, *server);
  return RunningContainer{Text(**container, "name"), *std::move(server)};
}

}  // namespace autotune::deploy
