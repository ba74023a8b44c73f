// autotune-launch: the small static program that runs inside any engine image. Subcommands: install, run, ready.
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "bench/supervisor.h"

namespace {

constexpr int kUsage = 2;

int Usage(const std::string& problem) {
  std::fprintf(stderr,
               "autotune-launch: %s\n"
               "usage: autotune-launch install --dir DIR\n"
               "       autotune-launch run --dir DIR --port PORT [--health-path PATH] [--startup-timeout SECONDS]\n"
               "                           [--grace SECONDS] -- COMMAND [ARGUMENT...]\n"
               "       autotune-launch ready --dir DIR [--wait SECONDS]\n",
               problem.c_str());
  return kUsage;
}

bool ParseSeconds(const char* text, std::chrono::milliseconds& out) {
  char* end = nullptr;
  const double seconds = std::strtod(text, &end);
  if (end == text || *end != '\0' || !(seconds > 0) || seconds > 1e7) return false;
  out = std::chrono::milliseconds(std::llround(seconds * 1000));
  return true;
}

bool ParsePort(std::string_view text, int& out) {
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && stop == text.data() + text.size() && out > 0 && out < 65536;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return Usage("a subcommand is missing");
  const std::string_view command = argv[1];
  const bool run = command == "run";
  std::chrono::milliseconds wait{0};
  if (!run && command != "install" && command != "ready")
    return Usage("unknown subcommand \"" + std::string(command) + "\"");

  autotune::bench::LaunchOptions options;
  int i = 2;
  for (; i < argc; i += 2) {
    const std::string_view flag = argv[i];
    if (run && flag == "--") break;
    if (i + 1 >= argc) return Usage(std::string(flag) + ": a value is missing");
    const char* value = argv[i + 1];
    if (flag == "--dir") {
      options.dir = value;
    } else if (run && flag == "--port") {
      if (!ParsePort(value, options.port)) return Usage("--port: \"" + std::string(value) + "\" is not a port");
    } else if (run && flag == "--health-path") {
      options.health_path = value;
      if (options.health_path.empty() || options.health_path[0] != '/')
        return Usage("--health-path: must start with /");
    } else if ((run && (flag == "--startup-timeout" || flag == "--grace")) ||
               (command == "ready" && flag == "--wait")) {
      std::chrono::milliseconds& seconds = flag == "--wait"    ? wait
                                           : flag == "--grace" ? options.grace
                                                               : options.startup_timeout;
      if (!ParseSeconds(value, seconds)) {
        return Usage(std::string(flag) + ": \"" + value + "\" is not a number of seconds");
      }
    } else {
      return Usage("unknown flag \"" + std::string(flag) + "\"");
    }
  }
  if (options.dir.empty()) return Usage("--dir is missing");
  if (command == "install") return autotune::bench::Install(options.dir);
  if (command == "ready") return autotune::bench::Ready(options.dir, wait);
  for (++i; i < argc; ++i) options.argv.emplace_back(argv[i]);
  if (options.port == 0) return Usage("--port is missing");
  if (options.argv.empty()) return Usage("no command after --");
  return autotune::bench::Supervise(options);
}
