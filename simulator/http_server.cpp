#include "simulator/http_server.h"

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

#include "engine_model/scheduler.h"
#include "simulator/completion_api.h"
#include "simulator/deployment.h"

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
        scheduler_(engine_model::Roofline(deployment_), LimitsOf(deployment_)),
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
    Generate(4, 8, {}, [self = shared_from_this(), done = std::move(done)] {
      self->ready_ = true;
      done();
    });
  }

  void Stop();

 private:
  class Session;
  struct Generation {
    std::function<void(bool last)> on_token;
    std::function<void()> on_done;
  };

  [[nodiscard]] double Now() const { return std::chrono::duration<double>(clock_.Now() - started_).count(); }

  // Queues a generation; the callbacks run on the io_context. Returns its id.
  RequestId Generate(int prompt, int output, std::function<void(bool)> on_token, std::function<void()> on_done) {
    if (dead_ || stopped_) return 0;
    if (options_.dies_on_first_request) {
      dead_ = true;
      on_death_();
      return 0;
    }
    const double now = Now();
    if (!first_request_served_from_) first_request_served_from_ = now + options_.first_request_delay;
    const RequestId id = ++last_id_;
    generations_.emplace(id, Generation{std::move(on_token), std::move(on_done)});
    scheduler_.Add(id, prompt, output, std::max(now, *first_request_served_from_));
    prompt_tokens_ += prompt;
    Pump();
    return id;
  }

  void Abort(RequestId id) {
    if (generations_.erase(id) > 0) {
      scheduler_.Abort(id);
      ++aborted_;
    }
  }

  void Pump() {
    if (pumping_ || stopped_) return;
    pumping_ = true;
    for (const TokenEvent& event : scheduler_.AdvanceTo(Now())) {
      const auto found = generations_.find(event.request);
      if (found == generations_.end()) continue;
      ++generation_tokens_;
      // The callback may end the session and with it this entry.
      Generation generation = event.last ? std::move(found->second) : found->second;
      if (event.last) {
        generations_.erase(found);
        ++finished_;
      }
      if (generation.on_token) generation.on_token(event.last);
      if (event.last && generation.on_done) generation.on_done();
    }
    pumping_ = false;
    const std::optional<double> next = scheduler_.NextEvent();
    if (!next || stopped_) return;
    const double wait = std::max(kPumpGrain, *next - Now());
    timer_.expires_after(
        std::chrono::duration_cast<std::chrono::steady_clock::duration>(std::chrono::duration<double>(wait)));
    timer_.async_wait([self = shared_from_this()](boost::system::error_code error) {
      if (!error) self->Pump();
    });
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

  std::string MetricsBody() const {
    const EngineSettings& s = options_.settings;
    const std::string name = "model_name=\"" + s.served_name + "\"";
    const std::string prefix = s.release.engine == Engine::kVllm ? "vllm:" : "sglang:";
    std::string out =
        "# HELP simulated_engine 1: every number here comes from a simulated engine.\n"
        "# TYPE simulated_engine gauge\nsimulated_engine 1\n";
    const auto metric = [&](const std::string& metric_name, const char* type, const std::string& labels, double value) {
      std::array<char, 40> number{};
      std::snprintf(number.data(), number.size(), "%.17g", value);
      out += "# TYPE " + prefix + metric_name + " " + type + "\n";
      out += prefix + metric_name + "{" + labels + "} " + number.data() + "\n";
    };
    if (s.release.engine == Engine::kVllm) {
      metric("cache_config_info", "gauge",
             "block_size=\"16\",cache_dtype=\"" + s.kv_cache_dtype + "\",engine=\"0\",gpu_memory_utilization=\"" +
                 json(s.memory_fraction).dump() + "\",num_gpu_blocks=\"" + std::to_string(plan_.kv_tokens / 16) + "\"",
             1);
      metric("num_requests_running", "gauge", name, scheduler_.running());
      metric("num_requests_waiting", "gauge", name, scheduler_.waiting());
      metric("kv_cache_usage_perc", "gauge", name,
             plan_.kv_tokens > 0
                 ? static_cast<double>(scheduler_.kv_tokens_used()) / static_cast<double>(plan_.kv_tokens)
                 : 0);
      metric("num_preemptions_total", "counter", name, static_cast<double>(scheduler_.totals().preemptions));
      metric("prompt_tokens_total", "counter", name, static_cast<double>(prompt_tokens_));
      metric("generation_tokens_total", "counter", name, static_cast<double>(generation_tokens_));
      metric("request_success_total", "counter", "finished_reason=\"length\"," + name, static_cast<double>(finished_));
    } else {
      metric("num_running_reqs", "gauge", name, scheduler_.running());
      metric("num_queue_reqs", "gauge", name, scheduler_.waiting());
      metric("prompt_tokens_total", "counter", name, static_cast<double>(prompt_tokens_));
      metric("generation_tokens_total", "counter", name, static_cast<double>(generation_tokens_));
      metric("num_requests_total", "counter", name, static_cast<double>(finished_));
    }
    return out;
  }

  const base::Clock& clock_;
  ServerOptions options_;
  std::function<void()> on_death_;
  std::function<void(const std::string&)> log_;
  tcp::acceptor acceptor_;
  asio::steady_timer timer_;
  engine_model::Deployment deployment_;
  engine_model::MemoryPlan plan_;
  engine_model::Scheduler scheduler_;
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
  std::int64_t prompt_tokens_ = 0;
  std::int64_t generation_tokens_ = 0;
  std::int64_t finished_ = 0;
  std::int64_t aborted_ = 0;
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
      return Complete(request.body());
    }
    if (path == "/health" || (path == "/health_generate" && engine != Engine::kVllm)) {
      const bool generates = (engine == Engine::kSglang && server_->options_.health_generates) || path != "/health";
      if (!server_->ready_) return Respond(503, "text/plain", "");
      if (!generates) return Respond(200, "text/plain", "");
      return Generate(1, 1, nullptr, [self = shared_from_this()] { self->Respond(200, "text/plain", ""); });
    }
    if (path == "/v1/models") return Respond(200, "application/json", server_->ModelsBody());
    if (path == "/version" && engine != Engine::kSglang) {
      return Respond(200, "application/json", json{{"version", s.release.version}, {"simulated", true}}.dump());
    }
    if (path == "/ping" && engine == Engine::kVllm) return Respond(200, "text/plain", "");
    if (path == "/metrics" && s.metrics) {
      return Respond(200, "text/plain; version=0.0.4; charset=utf-8", server_->MetricsBody());
    }
    if ((path == "/server_info" || path == "/get_server_info") && engine != Engine::kVllm) {
      return Respond(200, "application/json", server_->ServerInfoBody());
    }
    Respond(404, "application/json", R"({"detail":"Not Found"})");
  }

  void Complete(const std::string& body) {
    auto parsed = ParseCompletion(body, server_->options_.settings, server_->plan_.kv_tokens);
    if (const auto* error = std::get_if<ApiError>(&parsed)) {
      return Respond(error->status, "application/json", error->body);
    }
    request_ = std::get<CompletionRequest>(std::move(parsed));
    identity_ = {"cmpl-sim" + std::to_string(server_->last_id_ + 1), server_->created_, request_.model};
    tokens_ = 0;
    if (server_->log_) {
      server_->log_("\"POST /v1/completions HTTP/1.1\" " + std::to_string(request_.prompt_tokens) + " in " +
                    std::to_string(request_.output_tokens) + " out");
    }
    if (!request_.stream) {
      return Generate(request_.prompt_tokens, request_.output_tokens, nullptr, [self = shared_from_this()] {
        self->Respond(200, "application/json",
                      CompletionBody(self->identity_, self->request_, self->server_->options_.settings));
      });
    }
    Send(StatusLine(200) + "Content-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n",
         false);
    Generate(
        request_.prompt_tokens, request_.output_tokens,
        [self = shared_from_this()](bool last) { self->StreamToken(last); }, nullptr);
  }

  void Generate(int prompt, int output, std::function<void(bool)> on_token, std::function<void()> on_done) {
    WatchForDisconnect();
    generation_ = server_->Generate(prompt, output, std::move(on_token), [self = shared_from_this(), on_done] {
      self->generation_ = 0;
      if (on_done) on_done();
    });
  }

  void StreamToken(bool last) {
    std::string text = TokenEventText(identity_, request_, ++tokens_, last);
    if (last) text += ClosingEventText(identity_, request_);
    std::string out = Chunk(text);
    if (last) out += "0\r\n\r\n";
    Send(std::move(out), last);
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
  void Send(std::string text, bool end) {
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

}  // namespace autotune::simulator
