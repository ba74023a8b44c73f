#include "kube/cpprest/cpprest_transport.h"

#include <arpa/inet.h>
#include <spdlog/spdlog.h>

#include <cerrno>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <set>
#include <utility>

#include "base/thread_annotations.h"
#include "kube/cpprest/exchange.h"
#include "kube/cpprest/library.h"
#include "kube/cpprest/request_message.h"
#include "kube/cpprest/response_reader.h"
#include "kube/cpprest/tls_setup.h"

namespace kube {

namespace cpprest {

namespace {

bool IsAddress(const std::string& host) {
  in_addr v4{};
  in6_addr v6{};
  return inet_pton(AF_INET, host.c_str(), &v4) == 1 || inet_pton(AF_INET6, host.c_str(), &v6) == 1;
}

// One of the library's clients, each of which has a pool of connections of its own.
std::unique_ptr<web::http::client::http_client> MakePool(const ClusterConfig& config,
                                                         std::chrono::milliseconds idle_timeout,
                                                         const std::shared_ptr<TlsSetup>& tls) {
  web::http::client::http_client_config options;
  options.set_max_redirects(0);
  options.set_timeout(idle_timeout);
  options.set_validate_certificates(!config.insecure_skip_tls_verify);
  if (!config.proxy_url.empty()) options.set_proxy(web::web_proxy(web::uri(config.proxy_url)));
  const std::string name = config.tls_server_name.empty() ? web::uri(config.server).host() : config.tls_server_name;
  options.set_tlsext_sni_enabled(!IsAddress(name));
  // For every new connection, on the I/O thread.
  options.set_ssl_context_callback([tls](boost::asio::ssl::context& context) { tls->SetUp(context.native_handle()); });
  return std::make_unique<web::http::client::http_client>(web::uri(config.server), options);
}

// Begins to send. The library then fills `exchange` from its I/O thread.
void Begin(web::http::client::http_client& pool, web::http::http_request& message,
           const std::shared_ptr<Exchange>& exchange, const pplx::cancellation_token& cancelled) {
  message.set_response_stream(Concurrency::streams::ostream(Concurrency::streams::streambuf<std::uint8_t>(exchange)));
  // Continuations that take the task itself see every exception: one that nobody sees ends the process.
  pool.request(message, cancelled).then([exchange](pplx::task<web::http::http_response> answer) {
    try {
      const web::http::http_response response = answer.get();
      Headers headers;
      for (const auto& [name, value] : response.headers()) headers.Add(name, value);
      exchange->SetHeaders(response.status_code(), std::move(headers));
      response.content_ready().then([exchange](pplx::task<web::http::http_response> body) {
        try {
          body.get();
          exchange->Finish(0, {});
        } catch (...) {
          exchange->FinishWithCurrentException();
        }
      });
    } catch (...) {
      exchange->FinishWithCurrentException();
    }
  });
}

class CpprestTransport final : public HttpTransport {
 public:
  CpprestTransport(const ClusterConfig& config, std::shared_ptr<CredentialSource> credentials,
                   const TransportOptions& options)
      : credentials_(std::move(credentials)),
        messages_(config, options.user_agent),
        calls_(MakePool(config, options.idle_timeout, NewTls(config))),
        streams_(MakePool(config, options.stream_idle_timeout, NewTls(config))) {}

  ~CpprestTransport() override {
    const base::MutexLock lock(mutex_);
    closed_ = true;
    for (Exchange* exchange : in_flight_) exchange->Interrupt();
    while (callers_ != 0) idle_.wait(mutex_);
  }

  HttpResult<Response> Send(const Request& request, const std::stop_token& stop) override {
    return Guarded(*calls_, request, nullptr, stop);
  }
  HttpResult<Response> Stream(const Request& request, const LineSink& sink, const std::stop_token& stop) override {
    return Guarded(*streams_, request, &sink, stop);
  }

 private:
  [[nodiscard]] std::shared_ptr<TlsSetup> NewTls(const ClusterConfig& config) const {
    return std::make_shared<TlsSetup>(config, credentials_);
  }

  HttpResult<Response> Guarded(web::http::client::http_client& pool, const Request& request, const LineSink* sink,
                               const std::stop_token& stop) {
    {
      const base::MutexLock lock(mutex_);
      if (closed_) return HttpError{ErrorKind::kCancelled, ECANCELED, "the transport is being closed"};
      ++callers_;
    }
    HttpResult<Response> result = HttpError{};
    try {
      result = SendWithRetries(pool, request, sink, stop);
    } catch (const std::exception& error) {
      result = HttpError{ErrorKind::kProtocol, 0, error.what()};
    }
    const base::MutexLock lock(mutex_);
    --callers_;
    idle_.notify_all();  // under the lock: the destructor may continue as soon as it is released
    return result;
  }

  HttpResult<Response> SendWithRetries(web::http::client::http_client& pool, const Request& request,
                                       const LineSink* sink, const std::stop_token& stop) {
    const SteadyClock::time_point deadline =
        request.deadline.count() > 0 ? SteadyClock::now() + request.deadline : SteadyClock::time_point::max();
    bool may_resend = request.idempotent && sink == nullptr;
    bool may_refresh = true;
    while (true) {
      const base::Result<Credential> credential = credentials_->Get();
      if (!credential) return HttpError{ErrorKind::kProtocol, 0, "no credential: " + credential.error().message};
      HttpResult<Response> result = SendOnce(pool, request, *credential, sink, deadline, stop);
      if (result.ok() && result->status == 401 && may_refresh) {
        // A request that was answered with 401 was not executed: it may go again, whatever it is.
        may_refresh = false;
        credentials_->Reject(*credential);
        const base::Result<Credential> fresh = credentials_->Get();
        if (fresh && *fresh != *credential) continue;
      }
      const bool broken =
          !result.ok() && (result.error().kind == ErrorKind::kReset || result.error().kind == ErrorKind::kConnect);
      if (broken && may_resend) {
        may_resend = false;
        continue;
      }
      return result;
    }
  }

  HttpResult<Response> SendOnce(web::http::client::http_client& pool, const Request& request,
                                const Credential& credential, const LineSink* sink, SteadyClock::time_point deadline,
                                const std::stop_token& stop) {
    if (stop.stop_requested()) return HttpError{ErrorKind::kCancelled, ECANCELED, "stopped"};
    base::Result<web::http::http_request> message = messages_.Form(request, credential);
    if (!message) return HttpError{ErrorKind::kProtocol, 0, message.error().message};

    const auto exchange = std::make_shared<Exchange>();
    const Registration registration(*this, exchange.get());
    const std::stop_callback on_stop(stop, [exchange] { exchange->Interrupt(); });
    const pplx::cancellation_token_source cancel;
    Begin(pool, *message, exchange, cancel.get_token());

    ReadAnswer answer = ReadResponse(*exchange, request, sink, deadline);
    if (!answer.to_the_end) {
      // Closes the connection, so that no rest of this body is read as the head of the next one.
      crossplat::threadpool::shared_instance().service().post([cancel] { cancel.cancel(); });
      exchange->Abandon();
    }
    return std::move(answer.result);
  }

  // An exchange while it is in flight: the destructor of the transport interrupts it.
  class Registration {
   public:
    Registration(CpprestTransport& transport, Exchange* exchange) : transport_(transport), exchange_(exchange) {
      const base::MutexLock lock(transport_.mutex_);
      transport_.in_flight_.insert(exchange_);
      if (transport_.closed_) exchange_->Interrupt();
    }
    ~Registration() {
      const base::MutexLock lock(transport_.mutex_);
      transport_.in_flight_.erase(exchange_);
    }
    Registration(const Registration&) = delete;
    Registration& operator=(const Registration&) = delete;

   private:
    CpprestTransport& transport_;
    Exchange* exchange_;
  };

  const std::shared_ptr<CredentialSource> credentials_;
  const RequestMessage messages_;

  base::Mutex mutex_;
  std::condition_variable_any idle_;
  bool closed_ GUARDED_BY(mutex_) = false;
  int callers_ GUARDED_BY(mutex_) = 0;
  std::set<Exchange*> in_flight_ GUARDED_BY(mutex_);

  const std::unique_ptr<web::http::client::http_client> calls_;
  const std::unique_ptr<web::http::client::http_client> streams_;
};

}  // namespace

}  // namespace cpprest

void InitializeHttpThreads() {
  static std::once_flag once;
  std::call_once(once, [] {
    try {
      crossplat::threadpool::initialize_with_threads(1);
      // Made at its first use otherwise, under a lock that ThreadSanitizer cannot see inside the library.
      pplx::get_ambient_scheduler();
    } catch (const std::exception& error) {
      spdlog::warn("HTTP library's threads were started before they could be limited: {}", error.what());
    }
  });
}

base::Result<std::unique_ptr<HttpTransport>> MakeCpprestTransport(const ClusterConfig& config,
                                                                  std::shared_ptr<CredentialSource> credentials,
                                                                  const TransportOptions& options) {
  InitializeHttpThreads();
  try {
    const web::uri server(config.server);
    if ((server.scheme() != "https" && server.scheme() != "http") || server.host().empty()) {
      return base::Invalid("server: \"" + config.server + "\" is not an http(s) URL");
    }
    if (server.host().front() == '[') {
      return base::Invalid("server: \"" + config.server +
                           "\" is an IPv6 address; give a host name that resolves to it (/etc/hosts will do)");
    }
    if (const base::Status trusted = cpprest::CheckAuthority(config); !trusted) return trusted.error();
    // Now, while somebody reads the message: later a missing identity only shows as 401.
    const base::Result<Credential> credential = credentials->Get();
    if (!credential) return base::Invalid("credentials: " + credential.error().message);
    if (const base::Status good = cpprest::CheckClientCertificate(*credential); !good) return good.error();
    return std::unique_ptr<HttpTransport>(
        std::make_unique<cpprest::CpprestTransport>(config, std::move(credentials), options));
  } catch (const std::exception& error) {
    return base::Invalid("server: \"" + config.server + "\" is not an http(s) URL: " + error.what());
  }
}

}  // namespace kube
