#include "simulator/scheduled_server.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <map>
#include <utility>

#include "base/clock.h"
#include "base/result.h"
#include "simulator/http_server.h"
#include "simulator/python_text.h"

namespace autotune::simulator {
namespace {

struct Arguments {
  AnswerSchedule schedule;
  std::string host = "127.0.0.1";
  std::uint16_t port = 8000;
  std::string model = "scheduled";
  int vocabulary = 1 << 20;
  std::string log;
};

base::Result<AnswerSchedule> ReadSchedule(const std::string& text) {
  const std::size_t comma = text.find(',');
  const auto ttft = PythonFloat(text.substr(0, comma));
  const auto itl = comma == std::string::npos ? std::nullopt : PythonFloat(text.substr(comma + 1));
  if (!ttft || !itl || !(*ttft >= 0) || !(*itl >= 0) || !(*ttft < 1e9) || !(*itl < 1e9)) {
    return base::Invalid("--schedule: \"" + text + "\" is not TTFT,ITL in milliseconds, as 50,10");
  }
  return AnswerSchedule{*ttft / 1e3, *itl / 1e3};
}

base::Result<Arguments> Read(const std::vector<std::string>& words) {
  Arguments out;
  for (std::size_t i = 0; i < words.size(); i += 2) {
    const std::string& flag = words[i];
    if (i + 1 == words.size()) return base::Invalid(flag + ": a value is missing");
    const std::string& value = words[i + 1];
    const auto number = PythonInt(value);
    if (flag == "--schedule") {
      base::Result<AnswerSchedule> schedule = ReadSchedule(value);
      if (!schedule) return schedule.error();
      out.schedule = *schedule;
    } else if (flag == "--host") {
      out.host = value;
    } else if (flag == "--port") {
      if (!number || *number < 0 || *number > 65535) return base::Invalid("--port: \"" + value + "\" is not a port");
      out.port = static_cast<std::uint16_t>(*number);
    } else if (flag == "--model") {
      out.model = value;
    } else if (flag == "--vocabulary") {
      if (!number || *number < 1 || *number > 1 << 30) {
        return base::Invalid("--vocabulary: \"" + value + "\" is not a number of token ids");
      }
      out.vocabulary = static_cast<int>(*number);
    } else if (flag == "--log") {
      out.log = value;
    } else {
      return base::Invalid(flag + " is none of --schedule, --host, --port, --model, --vocabulary, --log");
    }
  }
  return out;
}

// It speaks vLLM's dialect; what a model would limit is wide open.
EngineSettings SettingsOf(const Arguments& arguments) {
  EngineSettings settings;
  settings.release = DefaultRelease(Engine::kVllm);
  settings.gpu = *FindGpu("h100");
  settings.shape = ShapeFromName("1B");
  settings.shape.vocabulary = arguments.vocabulary;
  settings.model = settings.served_name = arguments.model;
  settings.dtype = "bfloat16";
  settings.kv_cache_dtype = "auto";
  settings.max_model_len = 1 << 24;
  settings.memory_fraction = 0.9;
  settings.max_sequences = 1 << 16;
  settings.token_budget = 1 << 16;
  settings.prefix_caching = false;
  return settings;
}

std::string Line(const AnswerTimes& times, const AnswerSchedule& schedule) {
  std::string line = "{\"request\":" + std::to_string(times.request) +
                     ",\"received\":" + std::to_string(times.received) +
                     ",\"ttft_ns\":" + std::to_string(static_cast<std::int64_t>(schedule.ttft * 1e9)) +
                     ",\"itl_ns\":" + std::to_string(static_cast<std::int64_t>(schedule.itl * 1e9)) + ",\"written\":[";
  for (std::size_t i = 0; i < times.written.size(); ++i) line += (i > 0 ? "," : "") + std::to_string(times.written[i]);
  return line + "]}\n";
}

}  // namespace

int RunScheduledServer(const std::vector<std::string>& words) {
  const base::Result<Arguments> arguments = Read(words);
  if (!arguments) {
    std::fprintf(stderr, "simulated-engine: %s\n", arguments.error().message.c_str());
    return 2;
  }
  std::ofstream log;
  if (!arguments->log.empty()) {
    log.open(arguments->log, std::ios::app);
    if (!log) {
      std::fprintf(stderr, "simulated-engine: --log: cannot write %s\n", arguments->log.c_str());
      return 2;
    }
  }
  AllowManyConnections();
  base::RealClock clock;
  boost::asio::io_context io{1};
  boost::asio::signal_set signals(io, SIGTERM, SIGINT);
  ServerOptions options;
  options.settings = SettingsOf(*arguments);
  options.schedule = arguments->schedule;
  if (log.is_open()) {
    options.on_answer = [&](const AnswerTimes& times) { log << Line(times, arguments->schedule); };
  }
  SimulatedServer server(
      io, clock, std::move(options), [] {}, nullptr);
  const base::Result<std::uint16_t> port = server.Listen(arguments->host, arguments->port);
  if (!port) {
    std::fprintf(stderr, "simulated-engine: %s\n", port.error().message.c_str());
    return 1;
  }
  std::printf("SIMULATED server of known timing: TTFT %g ms, ITL %g ms; listening on %s:%u\n",
              arguments->schedule.ttft * 1e3, arguments->schedule.itl * 1e3, arguments->host.c_str(),
              static_cast<unsigned>(*port));
  std::fflush(stdout);
  signals.async_wait([&](boost::system::error_code, int) {
    server.Stop();
    io.stop();
  });
  io.run();
  return 0;
}

}  // namespace autotune::simulator
