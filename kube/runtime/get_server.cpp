#include "kube/runtime/get_server.h"

#include <spdlog/spdlog.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast.hpp>
#include <boost/beast/ssl.hpp>
#pragma GCC diagnostic pop

#include <list>
#include <map>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

namespace kube::runtime {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;

constexpr std::uint32_t kHeaderLimit = 8192;

using Response = http::response<http::string_body>;

Response ResponseOf(Page page) {
  Response response(static_cast<http::status>(page.status), 11);
  response.set(http::field::content_type, page.content_type);
  for (const auto& [name, value] : page.headers) response.set(name, value);
  response.body() = std::move(page.body);
  return response;
}

std::string BearerOf(std::string_view header) {
  constexpr std::string_view kScheme = "bearer ";
  if (header.size() <= kScheme.size() ||
      !beast::iequals({header.data(), kScheme.size()}, {kScheme.data(), kScheme.size()}))
    return "";
  return std::string(header.substr(kScheme.size()));
}

// One connection, as the server sees it.
class Session {
 public:
  Session() = default;
  virtual ~Session() = default;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  virtual void Start() = 0;
  // Ends what waits on this connection with an error, which drops it.
  virtual void Close() = 0;
  virtual void Write(Response response) = 0;
};

struct Content {
  GetServerOptions options;
  GetServer::Quick quick;

  // On the loop's thread only.
  std::list<Session*> open;  // the oldest first
  std::function<void(std::shared_ptr<Session>, GetServer::Request)> want;

  // Nullopt: the page has to be rendered.
  [[nodiscard]] std::optional<Response> Answer(http::verb method, const GetServer::Request& request) const {
    if (method == http::verb::get) {
      std::optional<Page> page = quick(request);
      return page ? std::optional(ResponseOf(*std::move(page))) : std::nullopt;
    }
    Page refused{405, "only GET\n"};
    refused.headers["Allow"] = "GET";
    return ResponseOf(std::move(refused));
  }
};

using Plain = beast::tcp_stream;
using Tls = beast::ssl_stream<beast::tcp_stream>;

template <typename Stream>
class SessionOn final : public Session, public std::enable_shared_from_this<SessionOn<Stream>> {
 public:
  SessionOn(Stream stream, std::shared_ptr<Content> content)
      : stream_(std::move(stream)),
        content_(std::move(content)),
        place_(content_->open.insert(content_->open.end(), this)) {}
  ~SessionOn() override { content_->open.erase(place_); }

  void Start() override {
    if constexpr (std::is_same_v<Stream, Tls>) {
      Lowest().expires_after(content_->options.request_timeout);
      stream_.async_handshake(asio::ssl::stream_base::server,
                              [self = this->shared_from_this()](beast::error_code error) {
                                if (!error) self->Read();
                              });
    } else {
      Read();
    }
  }

  void Close() override { Lowest().close(); }

  void Write(Response response) override {
    response.keep_alive(keep_alive_);
    response.prepare_payload();
    response_ = std::move(response);
    Lowest().expires_after(content_->options.request_timeout);
    http::async_write(stream_, response_, [self = this->shared_from_this()](beast::error_code error, std::size_t) {
      if (error) return;
      if (self->response_.keep_alive()) {
        self->Read();
      } else {
        self->End();
      }
    });
  }

 private:
  beast::tcp_stream& Lowest() { return beast::get_lowest_layer(stream_); }

  void Read() {
    parser_.emplace();
    parser_->header_limit(kHeaderLimit);
    parser_->body_limit(0);
    // Of the whole request: a client that sends a byte now and then gets no more time than one that sends none.
    Lowest().expires_after(content_->options.request_timeout);
    http::async_read(stream_, buffer_, *parser_,
                     [self = this->shared_from_this()](beast::error_code error, std::size_t) { self->OnRead(error); });
  }

  // Says that nothing more comes; the peer closes, or the time-out does.
  void End() {
    if constexpr (std::is_same_v<Stream, Tls>) {
      stream_.async_shutdown([self = this->shared_from_this()](beast::error_code) {});
    } else {
      beast::error_code ignored;
      stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    }
  }

  void OnRead(beast::error_code error) {
    if (error == http::error::header_limit) {
      Refuse(431, "headers are larger than 8 KiB\n");
    } else if (error == http::error::body_limit) {
      Refuse(413, "requests with a body are not supported\n");
    } else if (error && error.category() == http::make_error_code(http::error::bad_target).category() &&
               error != http::error::end_of_stream && error != http::error::partial_message) {
      Refuse(400, error.message() + "\n");
    } else if (!error) {
      keep_alive_ = parser_->keep_alive();
      const std::string target(parser_->get().target());
      const auto authorization = parser_->get()[http::field::authorization];
      GetServer::Request request{target.substr(0, target.find('?')),
                                 BearerOf({authorization.data(), authorization.size()})};
      if (std::optional<Response> response = content_->Answer(parser_->get().method(), request)) {
        Write(*std::move(response));
      } else {
        Lowest().expires_never();  // the time-out is the client's
        content_->want(this->shared_from_this(), std::move(request));
      }
    }
    // Every other error: the peer is gone or too slow; dropping the last reference closes the socket.
  }

  void Refuse(int status, std::string body) {
    keep_alive_ = false;
    Write(ResponseOf({status, std::move(body)}));
  }

  Stream stream_;
  std::shared_ptr<Content> content_;
  const std::list<Session*>::iterator place_;
  beast::flat_buffer buffer_{kHeaderLimit * 2};
  std::optional<http::request_parser<http::empty_body>> parser_;
  bool keep_alive_ = false;
  Response response_;
};

std::shared_ptr<Session> NewSession(tcp::socket socket, const std::shared_ptr<Content>& content) {
  if (!content->options.tls) return std::make_shared<SessionOn<Plain>>(Plain(std::move(socket)), content);
  ssl_ctx_st* context = content->options.tls->Current().get();
  SSL_CTX_up_ref(context);
  asio::ssl::context shared(context);  // lets go of its reference when the connection has its own
  return std::make_shared<SessionOn<Tls>>(Tls(Plain(std::move(socket)), shared), content);
}

// Dual-stack where there is IPv6; some kernels and clusters have it switched off.
void Listen(tcp::acceptor& acceptor, const tcp::endpoint& endpoint) {
  acceptor.open(endpoint.protocol());
  acceptor.set_option(tcp::acceptor::reuse_address(true));
  if (endpoint.address().is_v6()) acceptor.set_option(asio::ip::v6_only(false));
  acceptor.bind(endpoint);
  acceptor.listen();
}

}  // namespace

base::Result<GetServerOptions> ParseListenAddress(const std::string& text) {
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
  GetServerOptions options;
  options.address = host;
  options.port = static_cast<std::uint16_t>(number);
  return options;
}

struct GetServer::Impl {
  std::shared_ptr<Content> content = std::make_shared<Content>();
  asio::io_context loop{1};
  tcp::acceptor acceptor{loop};
  std::uint16_t port = 0;
  Slow slow;
  // Rendering may take long. It has its own thread, one page at a time, and everybody who asked for that page before it
  // began gets the same answer: they never keep a quick one waiting, however many they are.
  asio::thread_pool renderer{1};
  bool rendering = false;
  std::map<Request, std::vector<std::shared_ptr<Session>>> waiting;
  Request rendered;  // the last one: the next in order comes after it, so that none waits forever
  std::jthread thread;

  void Want(std::shared_ptr<Session> session, Request request) {
    waiting[std::move(request)].push_back(std::move(session));
    if (!rendering) Render();
  }

  Page Rendered(const Request& request) {
    try {
      return slow(request);
    } catch (const std::exception& failure) {
      return {500, std::string(failure.what()) + "\n"};
    }
  }

  void Render() {
    rendering = true;
    auto after = waiting.upper_bound(rendered);
    auto next = waiting.extract(after == waiting.end() ? waiting.begin() : after);
    rendered = next.key();
    asio::post(renderer, [this, request = next.key(), sessions = std::move(next.mapped())]() mutable {
      Response response = ResponseOf(Rendered(request));
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
      NewSession(std::move(socket), content)->Start();
      Accept();
    });
  }

  asio::steady_timer pause{loop};
};

base::Result<std::unique_ptr<GetServer>> GetServer::Start(const GetServerOptions& options, Quick quick, Slow slow) {
  auto impl = std::make_unique<Impl>();
  impl->content->options = options;
  impl->content->quick = std::move(quick);
  impl->content->want = [raw = impl.get()](std::shared_ptr<Session> session, Request request) {
    raw->Want(std::move(session), std::move(request));
  };
  impl->slow = std::move(slow);
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
          spdlog::error("HTTP server continues after: {}", error.what());
        }
      }
    });
  } catch (const std::exception& error) {
    return base::Invalid("listening on \"" + options.address + "\" port " + std::to_string(options.port) + ": " +
                         error.what());
  }
  return std::unique_ptr<GetServer>(new GetServer(std::move(impl)));
}

GetServer::GetServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

GetServer::~GetServer() {
  impl_->loop.stop();
  impl_->thread.join();
  impl_->renderer.join();
}

std::uint16_t GetServer::port() const { return impl_->port; }

}  // namespace kube::runtime
