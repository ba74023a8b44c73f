#include "operator/runtime/health_server.h"

#include <spdlog/spdlog.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include <boost/asio.hpp>
#include <boost/beast.hpp>
#pragma GCC diagnostic pop

#include <list>
#include <optional>
#include <thread>
#include <utility>

namespace runtime {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;

constexpr std::uint32_t kHeaderLimit = 8192;

using Response = http::response<http::string_body>;

// Every check on a line, as the API server's own /readyz?verbose does.
Response Checked(const std::vector<HealthCheck>& checks) {
  bool good = true;
  std::string body;
  for (const HealthCheck& check : checks) {
    base::Status status;
    try {
      status = check.check();
    } catch (const std::exception& error) {
      status = base::Retry(error.what());
    }
    good = good && status.ok();
    body +=
        status.ok() ? "[+]" + check.name + " ok\n" : "[-]" + check.name + " failed: " + status.error().message + "\n";
  }
  body += good ? "ok\n" : "failed\n";
  Response response(good ? http::status::ok : http::status::internal_server_error, 11);
  response.set(http::field::content_type, "text/plain; charset=utf-8");
  response.body() = std::move(body);
  return response;
}

Response Plain(http::status status, std::string body) {
  Response response(status, 11);
  response.set(http::field::content_type, "text/plain; charset=utf-8");
  response.body() = std::move(body);
  return response;
}

Response MetricsAnswer(const std::function<std::string()>& render) {
  try {
    Response response = Plain(http::status::ok, render());
    response.set(http::field::content_type, "text/plain; version=0.0.4; charset=utf-8");
    return response;
  } catch (const std::exception& failure) {
    return Plain(http::status::internal_server_error, std::string(failure.what()) + "\n");
  }
}

class Session;

struct Content {
  HealthServerOptions options;
  std::vector<HealthCheck> liveness;
  std::vector<HealthCheck> readiness;
  bool has_metrics = false;

  // On the loop's thread only.
  std::list<Session*> open;  // the oldest first
  std::function<void(std::shared_ptr<Session>)> want_metrics;

  // Nullopt: the metrics are wanted.
  [[nodiscard]] std::optional<Response> Answer(const http::request<http::empty_body>& request) const {
    if (request.method() != http::verb::get) {
      Response response = Plain(http::status::method_not_allowed, "only GET\n");
      response.set(http::field::allow, "GET");
      return response;
    }
    const std::string target(request.target());
    const std::string path = target.substr(0, target.find('?'));
    if (path == "/healthz") return Checked(liveness);
    if (path == "/readyz") return Checked(readiness);
    if (path == "/metrics" && has_metrics) return std::nullopt;
    return Plain(http::status::not_found, "one of /healthz, /readyz, /metrics\n");
  }
};

class Session final : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, std::shared_ptr<Content> content)
      : stream_(std::move(socket)),
        content_(std::move(content)),
        place_(content_->open.insert(content_->open.end(), this)) {}
  ~Session() { content_->open.erase(place_); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void Read() {
    parser_.emplace();
    parser_->header_limit(kHeaderLimit);
    parser_->body_limit(0);
    // Of the whole request: a client that sends a byte now and then gets no more time than one that sends none.
    stream_.expires_after(content_->options.request_timeout);
    http::async_read(stream_, buffer_, *parser_,
                     [self = shared_from_this()](beast::error_code error, std::size_t) { self->OnRead(error); });
  }

  // Ends what waits on this connection with an error, which drops it.
  void Close() { stream_.close(); }

  void Write(Response response) {
    response.keep_alive(keep_alive_);
    response.prepare_payload();
    response_ = std::move(response);
    stream_.expires_after(content_->options.request_timeout);
    http::async_write(stream_, response_, [self = shared_from_this()](beast::error_code error, std::size_t) {
      if (error) return;
      if (self->response_.keep_alive()) {
        self->Read();
      } else {
        beast::error_code ignored;
        self->stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
      }
    });
  }

 private:
  void OnRead(beast::error_code error) {
    if (error == http::error::header_limit) {
      Refuse(http::status::request_header_fields_too_large, "headers are larger than 8 KiB\n");
    } else if (error == http::error::body_limit) {
      Refuse(http::status::payload_too_large, "no body is read here\n");
    } else if (error && error.category() == http::make_error_code(http::error::bad_target).category() &&
               error != http::error::end_of_stream && error != http::error::partial_message) {
      Refuse(http::status::bad_request, error.message() + "\n");
    } else if (!error) {
      keep_alive_ = parser_->keep_alive();
      if (std::optional<Response> response = content_->Answer(parser_->get())) {
        Write(*std::move(response));
      } else {
        stream_.expires_never();  // the time-out is the client's
        content_->want_metrics(shared_from_this());
      }
    }
    // Every other error: the peer is gone or too slow; dropping the last reference closes the socket.
  }

  void Refuse(http::status status, std::string body) {
    keep_alive_ = false;
    Write(Plain(status, std::move(body)));
  }

  beast::tcp_stream stream_;
  std::shared_ptr<Content> content_;
  const std::list<Session*>::iterator place_;
  beast::flat_buffer buffer_{kHeaderLimit * 2};
  std::optional<http::request_parser<http::empty_body>> parser_;
  bool keep_alive_ = false;
  Response response_;
};

// Dual-stack where there is IPv6; some kernels and clusters have it switched off.
void Listen(tcp::acceptor& acceptor, const tcp::endpoint& endpoint) {
  acceptor.open(endpoint.protocol());
  acceptor.set_option(tcp::acceptor::reuse_address(true));
  if (endpoint.address().is_v6()) acceptor.set_option(asio::ip::v6_only(false));
  acceptor.bind(endpoint);
  acceptor.listen();
}

}  // namespace

base::Result<HealthServerOptions> ParseListenAddress(const std::string& text) {
  const auto wrong = [&] {
    return base::Invalid("\"" + text + "\" is not an address such as :8081, 127.0.0.1:8081 or [::1]:8081");
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return wrong();
  const std::string port = text.substr(colon + 1);
  if (port.empty() || port.size() > 5 || port.find_first_not_of("0123456789") != std::string::npos) return wrong();
  const int number = std::stoi(port);
  if (number > 65535) return wrong();
  std::string host = text.substr(0, colon);
  // Without its brackets an IPv6 address cannot be told from its port.
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (!host.empty()) {
    beast::error_code error;
    const asio::ip::address address = asio::ip::make_address(host, error);
    if (error || address.is_v6() != bracketed) return wrong();
  }
  HealthServerOptions options;
  options.address = host;
  options.port = static_cast<std::uint16_t>(number);
  return options;
}

struct HealthServer::Impl {
  std::shared_ptr<Content> content = std::make_shared<Content>();
  asio::io_context loop{1};
  tcp::acceptor acceptor{loop};
  std::uint16_t port = 0;
  std::function<std::string()> metrics;
  // Rendering takes as long as there are tasks. It has its own thread, one at a time, and everybody who asked before it
  // began gets the same text: scrapers never keep a probe waiting, however many they are.
  asio::thread_pool renderer{1};
  bool rendering = false;
  std::vector<std::shared_ptr<Session>> waiting;
  std::jthread thread;

  void WantMetrics(std::shared_ptr<Session> session) {
    waiting.push_back(std::move(session));
    if (!rendering) Render();
  }

  void Render() {
    rendering = true;
    asio::post(renderer, [this, sessions = std::exchange(waiting, {})]() mutable {
      Response response = MetricsAnswer(metrics);
      // The sessions end on the loop's thread, never on this one.
      asio::post(loop, [this, response = std::move(response), sessions = std::move(sessions)] {
        rendering = false;
        for (const auto& session : sessions) session->Write(response);
        if (!waiting.empty()) Render();
      });
    });
  }

  void Accept() {
    acceptor.async_accept([this](beast::error_code error, tcp::socket socket) {
      if (error == asio::error::operation_aborted) return;
      if (error) {
        // Out of descriptors, say: without a pause this would be a busy loop.
        pause.expires_after(std::chrono::milliseconds(100));
        pause.async_wait([this](beast::error_code stopped) {
          if (!stopped) Accept();
        });
        return;
      }
      // Beyond the limit the oldest goes. A probe is answered within milliseconds and so is never that one; clients
      // that keep connections open, idle or slow, would shut it out otherwise.
      if (static_cast<int>(content->open.size()) >= content->options.max_connections) content->open.front()->Close();
      std::make_shared<Session>(std::move(socket), content)->Read();
      Accept();
    });
  }

  asio::steady_timer pause{loop};
};

base::Result<std::unique_ptr<HealthServer>> HealthServer::Start(HealthServerOptions options,
                                                                std::vector<HealthCheck> liveness,
                                                                std::vector<HealthCheck> readiness,
                                                                std::function<std::string()> metrics) {
  auto impl = std::make_unique<Impl>();
  impl->content->options = options;
  impl->content->liveness = std::move(liveness);
  impl->content->readiness = std::move(readiness);
  impl->content->has_metrics = metrics != nullptr;
  impl->content->want_metrics = [raw = impl.get()](std::shared_ptr<Session> session) {
    raw->WantMetrics(std::move(session));
  };
  impl->metrics = std::move(metrics);
  try {
    if (options.address.empty()) {
      try {
        Listen(impl->acceptor, tcp::endpoint(tcp::v6(), options.port));
      } catch (const boost::system::system_error& no_ipv6) {
        beast::error_code ignored;
        impl->acceptor.close(ignored);
        Listen(impl->acceptor, tcp::endpoint(tcp::v4(), options.port));
      }
    } else {
      Listen(impl->acceptor, tcp::endpoint(asio::ip::make_address(options.address), options.port));
    }
    impl->port = impl->acceptor.local_endpoint().port();
    impl->Accept();
    impl->thread = std::jthread([&loop = impl->loop] {
      while (true) {
        try {
          loop.run();
          return;
        } catch (const std::exception& error) {
          spdlog::error("Health server went on after: {}", error.what());
        }
      }
    });
  } catch (const std::exception& error) {
    return base::Invalid("health server on \"" + options.address + "\" port " + std::to_string(options.port) + ": " +
                         error.what());
  }
  return std::unique_ptr<HealthServer>(new HealthServer(std::move(impl)));
}

HealthServer::HealthServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

HealthServer::~HealthServer() {
  impl_->loop.stop();
  impl_->thread.join();
  impl_->renderer.join();
}

std::uint16_t HealthServer::port() const { return impl_->port; }

}  // namespace runtime
