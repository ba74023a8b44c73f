#include "operator/deploy/running_server.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "base/ascii_case.h"
#include "operator/deploy/container_command.h"
#include "operator/deploy/engine_arguments.h"
#include "operator/deploy/image_name.h"
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

constexpr std::array<std::string_view, 3> kContainerEngines = {"docker", "podman", "nerdctl"};

template <std::size_t N>
bool EndsLikeOneOf(const std::array<std::string_view, N>& ends, std::string_view name) {
  return std::any_of(ends.begin(), ends.end(), [&](std::string_view end) { return name.ends_with(end); });
}

// "1", "true", "off": what a switch of an engine is set to, and neither a directory nor a secret.
bool IsSwitch(const std::string& value) {
  static constexpr std::array<std::string_view, 8> kWords = {"0", "1", "true", "false", "on", "off", "yes", "no"};
  return IsOneOf(kWords, base::AsciiLower(value));
}

// Variables that a pod of an experiment has for itself: keys, where it listens, which GPUs and network interfaces it
// has, where it keeps files and where it gets them from. With HF_HUB_OFFLINE=1 a pod whose cache is empty could not
// start. VLLM_DISABLE_COMPILE_CACHE=1 and TORCHINDUCTOR_FX_GRAPH_CACHE=0 are switches of the engine, which their values
// tell from directories.
bool IsPodsOwnVariable(const std::string& name, const std::string& value) {
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
  static constexpr std::array<std::string_view, 8> kEnds = {"_PORT",      "_HOST",       "_HOST_IP",    "_ADDR",
                                                            "_CACHE_DIR", "_CACHE_ROOT", "_CACHE_PATH", "_CACHE_HOME"};
  static constexpr std::array<std::string_view, 5> kEndsOfSwitchesToo = {"_TOKEN", "_KEY", "_PASSWORD", "_SECRET",
                                                                         "_CACHE"};
  return IsOneOf(kNames, name) || EndsLikeOneOf(kEnds, name) || name.starts_with("XDG_") || name.ends_with("API_KEY") ||
         (EndsLikeOneOf(kEndsOfSwitchesToo, name) && !IsSwitch(value));
}

// "postgres://user:password@host": an address with a password.
bool HasPassword(const std::string& value) {
  const std::size_t scheme = value.find("://");
  return scheme != std::string::npos && value.find('@', scheme) != std::string::npos;
}

void AddVariable(const std::string& name, std::string value, api::DeployedServer& out) {
  if (IsPodsOwnVariable(name, value) || HasPassword(value)) {
    out.left_out.push_back(name);
  } else {
    out.env[name] = std::move(value);
  }
}

void LeaveOutOnce(const std::string& name, api::DeployedServer& out) {
  if (std::find(out.left_out.begin(), out.left_out.end(), name) == out.left_out.end()) out.left_out.push_back(name);
}

// --- a shell's script ---------------------------------------------------------------------------------------------

// The script of sh -c, and the words behind the script's own name, its "$@".
struct Script {
  std::string text;
  Words behind;
};
std::optional<Script> ScriptOf(const Words& words) {
  static constexpr std::array<std::string_view, 5> kShells = {"sh", "bash", "dash", "ash", "zsh"};
  if (words.empty() || !IsOneOf(kShells, ProgramName(words[0]))) return std::nullopt;
  for (std::size_t i = 1; i + 1 < words.size(); ++i) {
    const std::string& option = words[i];
    if (option.size() < 2 || (option[0] != '-' && option[0] != '+')) return std::nullopt;
    if (option.starts_with("--")) continue;
    if (option.find('c') != std::string::npos) {
      Script script{words[i + 1], {}};
      if (i + 3 < words.size()) script.behind.assign(words.begin() + static_cast<std::ptrdiff_t>(i) + 3, words.end());
      return script;
    }
    if (option.ends_with('o')) ++i;  // -euo pipefail
  }
  return std::nullopt;
}

// Commands that change nothing of a server that an experiment takes over.
bool OnlyPrepares(const Words& command) {
  static constexpr std::array<std::string_view, 19> kBuiltIns = {
      "cd",   "set",  "source", ".",     "ulimit", "umask", "true",   "echo",   "sleep",     "date",
      "wait", "trap", "shopt",  "mkdir", "conda",  "ls",    "module", "printf", "nvidia-smi"};
  static constexpr std::array<std::string_view, 8> kOfContainers = {"pull", "login",   "stop",   "rm",
                                                                    "kill", "network", "volume", "logs"};
  if (IsOneOf(kBuiltIns, ProgramName(command[0]))) return true;
  if (command.size() < 2 || !IsOneOf(kContainerEngines, ProgramName(command[0]))) return false;
  const bool grouped = command.size() > 2 && (command[1] == "container" || command[1] == "image");
  return IsOneOf(kOfContainers, command[grouped ? 2 : 1]);
}

// The variables before a program, and what only starts it.
void TakePrefix(Words& words, api::DeployedServer& out) {
  const std::size_t prefix = PrefixWords(words);
  for (std::size_t i = 0; i < prefix; ++i) {
    const std::string name = AssignedName(words[i]);
    if (!name.empty()) AddVariable(name, words[i].substr(name.size() + 1), out);
  }
  words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(prefix));
}

// The one command of a script that serves, with the variables that the script sets. kInvalid names what the script has
// beside it. `values`: variables that it may use; `defaults`: text::WithValues.
base::Result<Words> OneCommand(const text::ShellScript& script, const Words& behind,
                               std::map<std::string, std::string> values, bool defaults, api::DeployedServer& out) {
  if (!script.beyond.empty()) return base::Invalid(script.beyond);
  Words found;
  for (Words command : script.commands) {
    for (std::string& word : command) word = text::WithValues(word, values, defaults);
    if (command.size() > 1 && command[0] == "$") command.erase(command.begin());  // a prompt
    const bool exports = command[0] == "export";
    const auto is_assignment = [](const std::string& word) { return !AssignedName(word).empty(); };
    if (exports || std::all_of(command.begin(), command.end(), is_assignment)) {
      for (const std::string& word : Words(command.begin() + (exports ? 1 : 0), command.end())) {
        const std::string name = AssignedName(word);
        if (!name.empty()) values[name] = word.substr(name.size() + 1);
        if (!exports) continue;
        const auto value = values.find(name.empty() ? word : name);
        if (value == values.end()) {
          out.left_out.push_back(word);
        } else {
          AddVariable(value->first, value->second, out);
        }
      }
    } else if (command[0] == "unset") {
      for (const std::string& name : command) {
        values.erase(name);
        out.env.erase(name);
      }
    } else if (OnlyPrepares(command)) {
      LeaveOutOnce(ProgramName(command[0]), out);
    } else if (found.empty()) {
      found = std::move(command);
    } else {
      Words bare = found;
      bare.erase(bare.begin(), bare.begin() + static_cast<std::ptrdiff_t>(PrefixWords(bare)));
      const bool serves = !EngineStartOf(bare).engine.empty() || (!bare.empty() && IsOneOf(kContainerEngines, bare[0]));
      return base::Invalid("another command, \"" + text::Shortened(ShellLine(serves ? command : found), 60) + "\"");
    }
  }
  for (const char* all : {"$@", "$*"}) {
    const auto place = std::find(found.begin(), found.end(), all);
    if (place == found.end()) continue;
    const auto at = found.erase(place);
    found.insert(at, behind.begin(), behind.end());
  }
  return found;
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
    if (entrypoint_.empty() && StartsByItself(out_.image) && at_ < words_.size() && IsProgram(words_[at_])) {
      return base::Invalid("runs image " + out_.image + ", which already starts the server: \"" + words_[at_] +
                           "\" would be an argument of it, which it does not have; leave the program out, or set "
                           "--entrypoint");
    }
    if (!entrypoint_.empty()) out_.words.push_back(entrypoint_);
    out_.words.insert(out_.words.end(), words_.begin() + static_cast<std::ptrdiff_t>(at_), words_.end());
    return std::move(out_);
  }

 private:
  // The entrypoint of vLLM's own images is the server: "vllm serve" from 0.11.1 on, its Python module before.
  static bool StartsByItself(std::string_view image) {
    const std::string repository = "/" + std::string(RepositoryOf(image));
    return repository.ends_with("/vllm/vllm-openai") || repository.ends_with("/vllm/vllm-openai-rocm");
  }
  static bool IsProgram(const std::string& word) {
    static constexpr std::array<std::string_view, 5> kPrograms = {"vllm", "python", "python3", "bash", "sh"};
    return IsOneOf(kPrograms, ProgramName(word));
  }

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
    if (name == "-v" || name == "--volume" || name == "--mount") TakeMount(value);
    if (name == "--entrypoint") {
      entrypoint_ = value;
    } else if (name != "-e" && name != "--env") {
      LeaveOutOnce(name, out_);
    } else if (const std::string variable = AssignedName(value); !variable.empty()) {
      AddVariable(variable, value.substr(variable.size() + 1), out_);
    } else {
      out_.left_out.push_back(value);  // its value is that of whoever types the line
    }
    return true;
  }

  // "/data:/models:ro", "type=bind,source=/data,target=/models".
  void TakeMount(const std::string& value) {
    std::map<std::string, std::string> fields;
    const bool named = value.find("target=") != std::string::npos || value.find("dst=") != std::string::npos ||
                       value.find("destination=") != std::string::npos;
    std::size_t count = 0;
    for (std::size_t start = 0; start <= value.size(); ++count) {
      const std::size_t end = std::min(value.find(named ? ',' : ':', start), value.size());
      const std::string field = value.substr(start, end - start);
      const std::size_t equals = field.find('=');
      fields[named ? field.substr(0, equals) : std::to_string(count)] =
          named ? field.substr(equals == std::string::npos ? field.size() : equals + 1) : field;
      start = end + 1;
    }
    const auto first_of = [&](const std::vector<std::string>& names) {
      for (const std::string& name : names) {
        if (const auto found = fields.find(name); found != fields.end()) return found->second;
      }
      return std::string();
    };
    const std::string target = first_of({"target", "dst", "destination", "1"});
    if (target.starts_with('/')) out_.mounts[target] = first_of({"source", "src", "0"});
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

// sh -c SCRIPT where the script has one command that serves. `values`: the container's variables.
base::Result<Words> OnlyCommand(Words words, const std::map<std::string, std::string>& values,
                                api::DeployedServer& out) {
  const std::optional<Script> script = ScriptOf(words);
  if (!script) return words;
  const auto refuse = [](const std::string& why) {
    return base::Invalid("its command is a shell script with " + why +
                         ": paste what it comes to as baseline.command instead");
  };
  const text::ShellScript read = text::ReadShell(script->text);
  auto command = OneCommand(read, script->behind, values, false, out);
  if (!command) return refuse(command.error().message);
  if (command->empty()) return refuse("no command");
  for (const std::string& word : *command) {
    if (!text::FilledIn(word).empty()) return refuse(read.filled_in);
  }
  TakePrefix(*command, out);
  return command;
}

// Programs that start another one with what it needs around it: "uv run --with vllm vllm serve M", "mpirun -n 1
// trtllm-serve M", "nsys profile -o out vllm serve M", "./entrypoint.sh vllm serve M". A pod has its own surroundings.
void LeaveOutLauncher(api::DeployedServer& server) {
  static constexpr std::array<std::string_view, 24> kLaunchers = {
      "uv",      "uvx",       "poetry", "pixi",    "mpirun",  "mpiexec", "trtllm-llmapi-launch",
      "tini",    "dumb-init", "nice",   "numactl", "taskset", "chrt",    "ionice",
      "nsys",    "ncu",       "strace", "ltrace",  "timeout", "stdbuf",  "setarch",
      "prlimit", "catchsegv", "py-spy"};
  Words& words = server.words;
  if (words.empty()) return;
  const std::string first = ProgramName(words.front());
  if (!IsOneOf(kLaunchers, first) && !first.ends_with(".sh")) return;
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

// Takes the shell and the launcher off, in which a pasted command starts the engine.
base::Status Unwrap(api::DeployedServer& out) {
  constexpr int kDeepest = 4;
  for (int depth = 0; depth < kDeepest; ++depth) {
    TakePrefix(out.words, out);
    LeaveOutLauncher(out);
    const std::optional<Script> script = ScriptOf(out.words);
    if (!script) return {};
    auto command = OneCommand(text::ReadShell(script->text), script->behind, out.env, true, out);
    if (!command) return base::Invalid("contains " + command.error().message + ": it is read without a shell");
    out.words = *std::move(command);
  }
  return {};
}

// Words of one command: variables, a program or a container engine's run, and what that starts.
base::Result<api::DeployedServer> ReadWords(Words words, api::DeployedServer out) {
  TakePrefix(words, out);
  if (words.empty()) return base::Invalid("names no program");
  if (IsOneOf(kContainerEngines, words.front())) {
    const std::size_t run = words.size() > 2 && words[1] == "container" ? 2 : 1;
    if (words.size() <= run || words[run] != "run") {
      return base::Invalid("begins with \"" + words.front() + "\", and only " + words.front() + " run starts a server");
    }
    auto container = DockerRun(words).Read(run + 1);
    if (!container) return container;
    // A variable of the shell is one of the container where -e NAME passes it on.
    for (auto name = container->left_out.begin(); name != container->left_out.end();) {
      const auto value = out.env.find(*name);
      if (value != out.env.end()) AddVariable(value->first, value->second, *container);
      name = value == out.env.end() ? name + 1 : container->left_out.erase(name);
    }
    container->left_out.insert(container->left_out.begin(), out.left_out.begin(), out.left_out.end());
    out = *std::move(container);
  } else {
    out.words = std::move(words);
  }
  if (const auto unwrapped = Unwrap(out); !unwrapped) return unwrapped.error();
  return out;
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
                                            {{"trtllm-serve"}, "tensorrt-llm"},
                                            {{"python", "-m", "dynamo.vllm"}, "vllm"},
                                            {{"python", "-m", "dynamo.sglang"}, "sglang"},
                                            {{"python", "-m", "dynamo.trtllm"}, "tensorrt-llm"}};
  for (const Known& known : kKnown) {
    if (words.size() < known.words.size()) continue;
    std::string program = ProgramName(words[0]);
    if (program.starts_with("python")) program = "python";  // python3, python3.12
    const bool rest = std::equal(known.words.begin() + 1, known.words.end(), words.begin() + 1);
    if (program == known.words[0] && rest)
      return {known.engine, known.words.size(), known.words.back().starts_with("dynamo.")};
  }
  return {};
}

base::Result<api::DeployedServer> ReadPastedCommand(std::string_view line) {
  api::DeployedServer started;
  auto words = OneCommand(text::ReadShell(line), {}, {}, true, started);
  if (!words) return base::Invalid("contains " + words.error().message + ": it is read without a shell");
  auto out = ReadWords(*std::move(words), std::move(started));
  if (!out) return out;
  // A value that a shell fills in is not in the line. Of what is left out it is not missed.
  for (const auto& [name, value] : out->env) {
    if (const std::string open = text::FilledIn(value); !open.empty()) return NotInTheLine(name, open);
  }
  if (const std::string open = text::FilledIn(out->image); !open.empty()) return NotInTheLine("the image", open);
  return out;
}

std::string SourceOf(const api::DeployedServer& server, const std::string& path) {
  std::string best, source;
  for (const auto& [target, from] : server.mounts) {
    const bool inside =
        path == target || (path.starts_with(target) && (target.ends_with('/') || path[target.size()] == '/'));
    if (!inside || target.size() < best.size()) continue;
    best = target;
    source = from + path.substr(target.size());
  }
  return source;
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
