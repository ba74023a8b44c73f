#include "simulator/http_server.h"

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_map>
#include <utility>

#include "engine_model/roofline.h"
#include "simulator/completion_api.h"
#include "simulator/deployment.h"
#include "simulator/metrics_page.h"
#include "simulator/token_source.h"

namespace autotune::simulator {
namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using engine_model::RequestId;
using engine_model::TokenEvent;
using nlohmann::json;

namespace {

constexpr std::size_t kMaxBody = std::size_t{64} << 20;
// Tokens leave a few microseconds apart; waking up for each would cost more than the engine itself.
constexpr double kPumpGrain = 0.5e-3;

const char* ReasonOf(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 503:
      return "Service Unavailable";
    default:
      return "Error";
  }
}

std::string Hex(std::string& out, std::size_t value) {
  std::array<char, 20> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%zx", value);
  out += buffer.data();
  return out;
}

std::string Chunk(const std::string& text) {
  std::string out;
  Hex(out, text.size());
  return out + "\r\n" + text + "\r\n";
}

}  // namespace

class SimulatedServer::Impl : public std::enable_shared_from_this<SimulatedServer::Impl> {
 public:
  Impl(asio::io_context& io, const base::Clock& clock, ServerOptions options, std::function<void()> on_death,
       std::function<void(const std::string&)> log)
      : clock_(clock),
        options_(std::move(options)),
        on_death_(std::move(on_death)),
        log_(std::move(log)),
        acceptor_(io),
        timer_(io),
        deployment_(DeploymentOf(options_.settings)),
        plan_(PlanMemory(deployment_)),
        tokens_(options_.schedule ? ScheduledTokens(options_.schedule->ttft, options_.schedule->itl)
                                  : EngineTokens(deployment_)),
        pump_grain_(options_.schedule ? 0 : kPumpGrain),
        started_(clock.Now()),
        created_(std::chrono::duration_cast<std::chrono::seconds>(clock.Wall().time_since_epoch()).count()),
        ready_(!options_.settings.own_warmup) {}

  base::Result<std::uint16_t> Listen(const std::string& host, std::uint16_t port) {
    boost::system::error_code error;
    std::string address = host;
    if (host.empty() || host == "localhost") address = host.empty() ? "0.0.0.0" : "127.0.0.1";
    const asio::ip::address ip = asio::ip::make_address(address, error);
    if (error) return base::Invalid("host \"" + host + "\" is not an address");
    const tcp::endpoint endpoint(ip, port);
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error) {
      return base::Invalid("OSError: [Errno " + std::to_string(error.value()) +
                           "] error while attempting to bind on address ('" + address + "', " + std::to_string(port) +
                           "): " + error.message());
    }
    Accept();
    return acceptor_.local_endpoint().port();
  }

  void Warmup(std::function<void()> done) {
    // Four input and eight output tokens, about what SGLang's own warm-up sends.
    engine_model::NewRequest request;
    request.prompt_tokens = 4;
    request.output_tokens = 8;
    Generate(request, false, clock_.Now(), {}, [self = shared_from_this(), done = std::move(done)] {
      self->ready_ = true;
      done();
    });
  }

  void Stop();

 private:
  class Session;
  struct Generation {
    std::function<void(int tokens, bool last)> on_tokens;
    std::function<void()> on_done;
    double came = 0;
    double last_left = -1;
    bool stops = false;
  };

  [[nodiscard]] double Now() const { return std::chrono::duration<double>(clock_.Now() - started_).count(); }

  [[nodiscard]] bool TurnsAway() const {
    // Those on their way to a free place do not wait.
    const TokenSource::State state = tokens_->Now();
    const int waiting = state.waiting - state.free_places;
    return (options_.most_waiting && waiting >= *options_.most_waiting) ||
           (options_.settings.max_queued && waiting >= *options_.settings.max_queued);
  }

  // Queues a generation; the callbacks run on the io_context. Returns its id.
  RequestId Generate(engine_model::NewRequest request, bool stops, base::TimePoint came,
                     std::function<void(int, bool)> on_tokens, std::function<void()> on_done) {
    if (dead_ || stopped_) return 0;
    if (options_.dies_on_first_request) {
      dead_ = true;
      on_death_();
      return 0;
    }
    const double now = std::chrono::duration<double>(came - started_).count();
    if (!first_request_served_from_) first_request_served_from_ = now + options_.first_request_delay;
    request.id = ++last_id_;
    const double from = std::max(now, *first_request_served_from_);
    generations_.emplace(request.id, Generation{std::move(on_tokens), std::move(on_done), now, -1, stops});
    tokens_->Add(request, from);
    totals_.prompt_tokens += request.prompt_tokens;
    const RequestId id = last_id_;
    if (!pumping_) Arm();
    return id;
  }

  void Abort(RequestId id) {
    if (generations_.erase(id) > 0) {
      tokens_->Abort(id);
      ++totals_.aborted;
    }
  }

  void Count(const TokenEvent& event, Generation* generation) {
    totals_.generation_tokens += event.tokens;
    if (generation->last_left < 0) {
      totals_.ttft.Add(event.at - generation->came);
    } else {
      totals_.itl.Add(event.at - generation->last_left);
    }
    generation->last_left = event.at;
    if (!event.last) return;
    totals_.e2e.Add(event.at - generation->came);
    ++(generation->stops ? totals_.finished_stop : totals_.finished_length);
  }

  void Pump() {
    if (pumping_ || stopped_) return;
    pumping_ = true;
    for (const TokenEvent& event : tokens_->AdvanceTo(Now())) {
      const auto found = generations_.find(event.request);
      if (found == generations_.end()) continue;
      Count(event, &found->second);
      if (!event.last) {
        // The callback may end the session, never the map's other entries.
        if (found->second.on_tokens) found->second.on_tokens(event.tokens, false);
        continue;
      }
      const Generation generation = std::move(found->second);
      generations_.erase(found);
      if (generation.on_tokens) generation.on_tokens(event.tokens, true);
      if (generation.on_done) generation.on_done();
    }
    pumping_ = false;
    Arm();
  }

  // Wakes up when the next token is due, or a little later: tokens that leave in the same go cost less.
  void Arm() {
    const std::optional<double> next = tokens_->NextEvent();
    if (!next || stopped_) return;
    const double now = Now();
    const double wake = std::max(now + pump_grain_, *next);
    if (armed_for_ && *armed_for_ <= wake) return;
    armed_for_ = wake;
    timer_.expires_after(
        std::chrono::duration_cast<std::chrono::steady_clock::duration>(std::chrono::duration<double>(wake - now)));
    timer_.async_wait([self = shared_from_this()](boost::system::error_code error) {
      if (error) return;
      self->armed_for_.reset();
      self->Pump();
    });
  }

  // On a schedule nothing has to fit.
  [[nodiscard]] std::int64_t most_request_tokens() const {
    return options_.schedule ? options_.settings.max_model_len : plan_.kv_tokens;
  }

  void Accept();

  std::string ModelsBody() const {
    const EngineSettings& s = options_.settings;
    const json model = {{"id", s.served_name},     {"object", "model"}, {"created", created_},
                        {"owned_by", "simulated"}, {"root", s.model},   {"max_model_len", s.max_model_len}};
    return json{{"object", "list"}, {"data", json::array({model})}}.dump();
  }

  std::string ServerInfoBody() const {
    const EngineSettings& s = options_.settings;
    return json{{"simulated", true},
                {"version", s.release.version},
                {"model_path", s.model},
                {"served_model_name", s.served_name},
                {"dtype", s.dtype},
                {"quantization", s.EffectiveQuantization().empty() ? json() : json(s.EffectiveQuantization())},
                {"kv_cache_dtype", s.kv_cache_dtype},
                {"attention_backend", s.EffectiveAttentionBackend()},
                {"tp_size", s.tensor_parallel},
                {"max_total_num_tokens", plan_.kv_tokens}}
        .dump();
  }

  std::string MetricsBody() {
    // Tokens a second since the page was last asked for.
    const double now = Now();
    if (now > rate_from_) {
      totals_.recent_tokens_per_second =
          static_cast<double>(totals_.generation_tokens - rate_tokens_) / (now - rate_from_);
    }
    rate_from_ = now;
    rate_tokens_ = totals_.generation_tokens;
    return MetricsText(options_.settings, plan_, tokens_->Now(), totals_);
  }

  const base::Clock& clock_;
  ServerOptions options_;
  std::function<void()> on_death_;
  std::function<void(const std::string&)> log_;
  tcp::acceptor acceptor_;
  asio::steady_timer timer_;
  engine_model::Deployment deployment_;
  engine_model::MemoryPlan plan_;
  std::unique_ptr<TokenSource> tokens_;
  double pump_grain_;
  std::optional<double> armed_for_;
  base::TimePoint started_;
  std::int64_t created_ = 0;
  bool ready_ = true;
  bool dead_ = false;
  bool stopped_ = false;
  bool pumping_ = false;
  std::optional<double> first_request_served_from_;
  RequestId last_id_ = 0;
  std::unordered_map<RequestId, Generation> generations_;
  std::map<std::uint64_t, std::weak_ptr<Session>> sessions_;
  std::uint64_t last_session_ = 0;
  ServerTotals totals_;
  double rate_from_ = 0;
  std::int64_t rate_tokens_ = 0;
};

// One connection, one request after the other.
class SimulatedServer::Impl::Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, std::shared_ptr<Impl> server, std::uint64_t id)
      : socket_(std::move(socket)), server_(std::move(server)), id_(id) {
    boost::system::error_code ignored;
    socket_.set_option(tcp::no_delay(true), ignored);
  }

  void Read() {
    parser_.emplace();
    parser_->body_limit(kMaxBody);
    http::async_read(socket_, buffer_, *parser_,
                     [self = shared_from_this()](boost::system::error_code error, std::size_t) {
                       if (error) {
                         self->Close();
                       } else {
                         self->Handle();
                       }
                     });
  }

  void Close() {
    if (generation_ != 0) server_->Abort(generation_);
    generation_ = 0;
    boost::system::error_code ignored;
    socket_.close(ignored);
    server_->sessions_.erase(id_);
  }

 private:
  void Handle() {
    const http::request<http::string_body>& request = parser_->get();
    keep_alive_ = request.keep_alive();
    const bool get = request.method() == http::verb::get || request.method() == http::verb::head;
    std::string path(request.target());
    path.resize(std::min(path.find('?'), path.size()));
    const EngineSettings& s = server_->options_.settings;
    const Engine engine = s.release.engine;

    if (path == "/v1/completions") {
      if (get) return Respond(405, "application/json", R"({"detail":"Method Not Allowed"})");
      return Complete(Endpoint::kCompletions, request.body());
    }
    if (path == "/v1/chat/completions") {
      if (get) return Respond(405, "application/json", R"({"detail":"Method Not Allowed"})");
      return Complete(Endpoint::kChat, request.body());
    }
    if (path == "/health" || (path == "/health_generate" && engine != Engine::kVllm)) {
      const bool generates = (engine == Engine::kSglang && server_->options_.health_generates) || path != "/health";
      if (!server_->ready_) return Respond(503, "text/plain", "");
      if (!generates) return Respond(200, "text/plain", "");
      received_ = server_->clock_.Now();
      return Generate({}, false, nullptr, [self = shared_from_this()] { self->Respond(200, "text/plain", ""); });
    }
    if (path == "/v1/models") return Respond(200, "application/json", server_->ModelsBody());
    if (path == "/version" && engine != Engine::kSglang) {
      return Respond(200, "application/json", json{{"version", s.release.version}, {"simulated", true}}.dump());
    }
    if (path == "/ping" && engine == Engine::kVllm) return Respond(200, "text/plain", "");
    if (path == "/metrics" && engine == Engine::kTensorRtLlm) {
      return Respond(200, "application/json", IterationStatistics(s, server_->plan_, server_->tokens_->Now()));
    }
    if (path == MetricsPath(s)) {
      return Respond(200, "text/plain; version=0.0.4; charset=utf-8", server_->MetricsBody());
    }
    if ((path == "/server_info" || path == "/get_server_info") && engine != Engine::kVllm) {
      return Respond(200, "application/json", server_->ServerInfoBody());
    }
    Respond(404, "application/json", R"({"detail":"Not Found"})");
  }

  void Complete(Endpoint endpoint, const std::string& body) {
    received_ = server_->clock_.Now();
    const EngineSettings& settings = server_->options_.settings;
    auto parsed = ParseCompletion(endpoint, body, settings, server_->most_request_tokens());
    if (const auto* error = std::get_if<ApiError>(&parsed)) {
      return Respond(error->status, "application/json", error->body);
    }
    request_ = std::get<CompletionRequest>(std::move(parsed));
    if (request_.stream_error.empty() && server_->TurnsAway()) {
      ApiError full = QueueFull(settings.release.engine);
      // SGLang's scheduler turns it away, when the stream has begun.
      if (settings.release.engine != Engine::kSglang || !request_.stream) {
        return Respond(full.status, "application/json", full.body);
      }
      request_.stream_error = std::move(full.body);
    }
    const bool chat = endpoint == Endpoint::kChat;
    identity_ = {(chat ? "chatcmpl-sim" : "cmpl-sim") + std::to_string(server_->last_id_ + 1), server_->created_,
                 request_.model};
    tokens_ = 0;
    times_ = {};
    unchanged_event_.clear();
    if (server_->log_) {
      server_->log_(std::string("\"POST /v1/") + (chat ? "chat/" : "") + "completions HTTP/1.1\" " +
                    std::to_string(request_.prompt_tokens) + " in " + std::to_string(request_.output_tokens) + " out");
    }
    engine_model::NewRequest generation;
    generation.prompt_tokens = request_.prompt_tokens;
    generation.output_tokens = std::max(1, request_.output_tokens);
    generation.text = request_.text;
    generation.reads_cache = request_.reads_cache;
    if (!request_.stream) {
      return Generate(generation, request_.stops, nullptr, [self = shared_from_this()] {
        self->Respond(200, "application/json",
                      CompletionBody(self->identity_, self->request_, self->server_->options_.settings));
      });
    }
    Send(StatusLine(200) + "Content-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n",
         false);
    if (!request_.stream_error.empty()) {
      return Send(Chunk(ErrorEventText(request_.stream_error)) + "0\r\n\r\n", true);
    }
    Generate(
        generation, request_.stops,
        [self = shared_from_this()](int tokens, bool last) { self->StreamTokens(tokens, last); }, nullptr);
  }

  void Generate(const engine_model::NewRequest& request, bool stops, std::function<void(int, bool)> on_tokens,
                std::function<void()> on_done) {
    WatchForDisconnect();
    generation_ =
        server_->Generate(request, stops, received_, std::move(on_tokens), [self = shared_from_this(), on_done] {
          self->generation_ = 0;
          if (on_done) on_done();
        });
  }

  void StreamTokens(int tokens, bool last) {
    const EngineSettings& settings = server_->options_.settings;
    const bool first = tokens_ == 0;
    tokens_ += tokens;
    unsent_ += tokens;
    // The first token leaves at once, whatever the interval.
    if (!first && !last && unsent_ < settings.stream_interval) return;
    const int events = std::exchange(unsent_, 0);
    std::string text = first ? OpeningEventText(identity_, request_) : "";
    if (request_.output_tokens == 0) {
      // Only the prompt was asked for.
    } else if (events == 1 && !last && !request_.continuous_usage) {
      // Written once: this is the hot path, tens of thousands of times a second.
      if (unchanged_event_.empty()) {
        unchanged_event_ = Chunk(TokenEventText(identity_, request_, settings, 1, tokens_, false));
      }
      Send(text.empty() ? unchanged_event_ : Chunk(text) + unchanged_event_, false);
      return Written();
    } else {
      text += TokenEventText(identity_, request_, settings, events, tokens_, last);
    }
    if (last) text += ClosingEventText(identity_, request_);
    std::string out = Chunk(text);
    if (last) out += "0\r\n\r\n";
    Send(out, last);
    Written();
    if (last && server_->options_.on_answer && server_->options_.schedule) {
      times_.request = generation_;
      times_.received = Nanoseconds(received_);
      server_->options_.on_answer(times_);
    }
  }

  static std::int64_t Nanoseconds(base::TimePoint at) {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(at.time_since_epoch()).count();
  }

  void Written() {
    if (server_->options_.schedule) times_.written.push_back(Nanoseconds(server_->clock_.Now()));
  }

  // A client that goes away takes its request with it, as the engines do.
  void WatchForDisconnect() {
    if (watching_) return;
    watching_ = true;
    socket_.async_wait(tcp::socket::wait_read, [self = shared_from_this()](boost::system::error_code error) {
      self->watching_ = false;
      if (error || self->generation_ == 0) return;
      boost::system::error_code ignored;
      if (self->socket_.available(ignored) == 0) self->Close();
    });
  }

  std::string StatusLine(int status) const {
    return "HTTP/1.1 " + std::to_string(status) + " " + ReasonOf(status) +
           "\r\nServer: simulated-engine\r\nX-Simulated: true\r\nConnection: " +
           (keep_alive_ ? "keep-alive" : "close") + "\r\n";
  }

  void Respond(int status, const std::string& type, const std::string& body) {
    const bool head = parser_->get().method() == http::verb::head;
    Send(StatusLine(status) + "Content-Type: " + type + "\r\nContent-Length: " + std::to_string(body.size()) +
             "\r\n\r\n" + (head ? "" : body),
         true);
  }

  // Appends to what is being written; `end` completes the response.
  void Send(const std::string& text, bool end) {
    pending_ += text;
    response_complete_ = response_complete_ || end;
    if (!writing_) Write();
  }

  void Write() {
    writing_ = true;
    in_flight_.swap(pending_);
    pending_.clear();
    asio::async_write(socket_, asio::buffer(in_flight_),
                      [self = shared_from_this()](boost::system::error_code error, std::size_t) {
                        self->writing_ = false;
                        if (error) return self->Close();
                        if (!self->pending_.empty()) return self->Write();
                        if (!self->response_complete_) return;
                        self->response_complete_ = false;
                        if (!self->keep_alive_) return self->Close();
                        // The wait for a disconnect must not swallow the next request's readiness.
                        boost::system::error_code ignored;
                        if (self->watching_) self->socket_.cancel(ignored);
                        self->Read();
                      });
  }

  tcp::socket socket_;
  std::shared_ptr<Impl> server_;
  std::uint64_t id_;
  boost::beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  CompletionRequest request_;
  CompletionIdentity identity_;
  RequestId generation_ = 0;
  int tokens_ = 0;
  int unsent_ = 0;  // of them: the engine collects a few (--stream-interval)
  std::string unchanged_event_;
  base::TimePoint received_;
  AnswerTimes times_;
  bool keep_alive_ = true;
  bool watching_ = false;
  bool writing_ = false;
  bool response_complete_ = false;
  std::string pending_;
  std::string in_flight_;
};

void SimulatedServer::Impl::Accept() {
  acceptor_.async_accept([self = shared_from_this()](boost::system::error_code error, tcp::socket socket) {
    if (self->stopped_ || error == asio::error::operation_aborted) return;
    if (!error) {
      const std::uint64_t id = ++self->last_session_;
      auto session = std::make_shared<Session>(std::move(socket), self, id);
      self->sessions_.emplace(id, session);
      session->Read();
    }
    self->Accept();
  });
}

void SimulatedServer::Impl::Stop() {
  stopped_ = true;
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  timer_.cancel(ignored);
  // Both are moved out first: closing a session takes it out of them.
  const auto sessions = std::exchange(sessions_, {});
  const auto generations = std::exchange(generations_, {});
  for (const auto& [id, session] : sessions) {
    if (const auto alive = session.lock()) alive->Close();
  }
}

SimulatedServer::SimulatedServer(asio::io_context& io, const base::Clock& clock, ServerOptions options,
                                 std::function<void()> on_death, std::function<void(const std::string&)> log)
    : impl_(std::make_shared<Impl>(io, clock, std::move(options), std::move(on_death), std::move(log))) {}

SimulatedServer::~SimulatedServer() { Stop(); }

base::Result<std::uint16_t> SimulatedServer::Listen(const std::string& host, std::uint16_t port) {
  return impl_->Listen(host, port);
}
void SimulatedServer::Warmup(std::function<void()> done) { impl_->Warmup(std::move(done)); }
void SimulatedServer::Stop() { impl_->Stop(); }

void AllowManyConnections() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace autotune::simulator
