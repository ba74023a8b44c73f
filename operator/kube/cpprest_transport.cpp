#include "operator/kube/cpprest_transport.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <spdlog/spdlog.h>

// cpprestsdk's headers (and the Asio ones inside them) are not clean under our warnings.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wextra"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
#include <cpprest/astreambuf.h>
#include <cpprest/http_client.h>
#include <pplx/threadpool.h>
#pragma GCC diagnostic pop

#include <arpa/inet.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>

#include "base/thread_annotations.h"

namespace kube {

namespace {

using SteadyClock = std::chrono::steady_clock;

// Received, not yet taken by the caller: beyond this the library is told to wait, which closes the TCP window.
constexpr std::size_t kReadAhead = std::size_t{256} << 10;
// What an answer's head may be. The API server's are a few hundred bytes.
constexpr std::size_t kLargestHead = std::size_t{8} << 20;
// How long a cancelled call waits for the library to let go of it. Only a name lookup takes longer; it then ends alone.
constexpr std::chrono::seconds kLetGo{2};

bool IsAddress(const std::string& host) {
  in_addr v4{};
  in6_addr v6{};
  return inet_pton(AF_INET, host.c_str(), &v4) == 1 || inet_pton(AF_INET6, host.c_str(), &v6) == 1;
}

bool HasControl(const std::string& text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

class Exchange;

// What has come from the server and was not handed on. The library reads the head of an answer into memory until it
// ends, and tells nobody how much that is. It is what its connections have received less what came out as bodies: an
// exchange that still waits for its head is ended when this has grown by more, since it began, than a head may be and
// the bodies of the others, each of which the library may hold back as one chunk. Plain http is not counted.
class Traffic {
 public:
  void Begin(Exchange* exchange, std::size_t body_limit) EXCLUDES(mutex_) {
    const base::MutexLock lock(mutex_);
    in_flight_[exchange] = {undelivered_, static_cast<std::int64_t>(body_limit)};
  }
  // What an exchange that was broken off has left behind is nobody's head.
  void End(Exchange* exchange, bool to_the_end) EXCLUDES(mutex_) {
    const base::MutexLock lock(mutex_);
    const auto ended = in_flight_.extract(exchange);
    if (to_the_end || ended.empty()) return;
    for (auto& [other, share] : in_flight_) share.begun_at += ended.mapped().body_limit;
  }
  void Received(std::size_t bytes) EXCLUDES(mutex_);
  // Twice: the bytes and, generously, their framing.
  void Delivered(std::size_t bytes) EXCLUDES(mutex_) {
    const base::MutexLock lock(mutex_);
    undelivered_ -= 2 * static_cast<std::int64_t>(bytes);
  }

  // Counts the TLS records of this context's connections, for as long as it lives.
  static void Count(const std::shared_ptr<Traffic>& traffic, SSL_CTX* context) {
    static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr,
                                                      [](void*, void* held, CRYPTO_EX_DATA*, int, long, void*) {
                                                        delete static_cast<std::shared_ptr<Traffic>*>(held);
                                                      });
    auto held = std::make_unique<std::shared_ptr<Traffic>>(traffic);
    if (SSL_CTX_set_ex_data(context, index, held.get()) != 1) return;
    held.release();  // NOLINT(bugprone-unused-return-value): the context deletes it
    SSL_CTX_set_msg_callback(context,
                             [](int written, int, int type, const void* data, std::size_t size, SSL*, void* to) {
                               if (written != 0 || type != SSL3_RT_HEADER || size != SSL3_RT_HEADER_LENGTH) return;
                               const auto* header = static_cast<const unsigned char*>(data);
                               static_cast<Traffic*>(to)->Received(std::size_t{header[3]} << 8U | header[4]);
                             });
    SSL_CTX_set_msg_callback_arg(context, traffic.get());
  }

 private:
  struct Share {
    std::int64_t begun_at = 0;
    std::int64_t body_limit = 0;
  };
  base::Mutex mutex_;
  std::int64_t undelivered_ GUARDED_BY(mutex_) = 0;
  std::map<Exchange*, Share> in_flight_ GUARDED_BY(mutex_);
};

// One exchange, between the library's I/O thread (which fills it) and the calling thread (which waits and drains).
//
// It is the response stream that the library writes the body to: a write-only stream buffer whose _putn completes only
// when there is room. That is the only way to real backpressure; the library's own buffers grow without bound.
class Exchange final : public Concurrency::streams::details::streambuf_state_manager<std::uint8_t> {
  using Base = Concurrency::streams::details::streambuf_state_manager<std::uint8_t>;

 public:
  explicit Exchange(std::shared_ptr<Traffic> traffic) : Base(std::ios_base::out), traffic_(std::move(traffic)) {}

  enum class What { kHeaders, kData, kFinished, kDeadline, kInterrupted, kHeadTooLarge };

  // Waits for the next thing. kData moves what has arrived into `data`.
  What Next(std::string* data, SteadyClock::time_point deadline) EXCLUDES(mutex_) {
    pplx::task_completion_event<std::size_t> room;
    std::size_t count = 0;
    {
      const base::MutexLock lock(mutex_);
      while (true) {
        if (interrupted_) return What::kInterrupted;
        if (head_too_large_) return What::kHeadTooLarge;
        if (SteadyClock::now() >= deadline) return What::kDeadline;
        if (have_headers_ && !told_headers_) {
          told_headers_ = true;
          return What::kHeaders;
        }
        // The library may write the body before it has run the continuation that tells us the headers: hold it back
        // until then, because the status decides what a body is.
        if (!pending_.empty() && told_headers_) {
          *data = std::move(pending_);
          pending_.clear();
          if (blocked_count_ == 0) return What::kData;
          room = blocked_;
          count = std::exchange(blocked_count_, 0);
          break;
        }
        if (finished_) return What::kFinished;
        changed_.wait_until(mutex_, deadline);
      }
    }
    Complete(room, count);
    return What::kData;
  }

  // From any thread: makes Next return kInterrupted from now on.
  void Interrupt() EXCLUDES(mutex_) {
    const base::MutexLock lock(mutex_);
    interrupted_ = true;
    changed_.notify_all();
  }

  // From any thread: Next returns kHeadTooLarge from now on, unless the head is there.
  void RefuseHead() EXCLUDES(mutex_) {
    const base::MutexLock lock(mutex_);
    head_too_large_ = !have_headers_ && !finished_;
    changed_.notify_all();
  }

  // The caller takes nothing more: what still arrives is thrown away. Waits a moment for the library's end.
  void Abandon() EXCLUDES(mutex_) {
    pplx::task_completion_event<std::size_t> room;
    std::size_t count = 0;
    {
      const base::MutexLock lock(mutex_);
      abandoned_ = true;
      pending_.clear();
      room = blocked_;
      count = std::exchange(blocked_count_, 0);
    }
    if (count != 0) Complete(room, count);
    const auto until = SteadyClock::now() + kLetGo;
    const base::MutexLock lock(mutex_);
    while (!finished_ && SteadyClock::now() < until) changed_.wait_until(mutex_, until);
  }

  void SetHeaders(int status, Headers headers) EXCLUDES(mutex_) {
    const base::MutexLock lock(mutex_);
    status_ = status;
    headers_ = std::move(headers);
    have_headers_ = true;
    changed_.notify_all();
  }

  void Finish(int error, std::string text) EXCLUDES(mutex_) {
    const base::MutexLock lock(mutex_);
    if (finished_) return;
    finished_ = true;
    error_ = error;
    text_ = std::move(text);
    changed_.notify_all();
  }

  Response TakeHead() EXCLUDES(mutex_) {
    const base::MutexLock lock(mutex_);
    return {status_, std::move(headers_), {}};
  }
  bool HaveHeaders() EXCLUDES(mutex_) {
    const base::MutexLock lock(mutex_);
    return have_headers_;
  }
  // After kFinished: text empty = in order.
  std::pair<int, std::string> End() EXCLUDES(mutex_) {
    const base::MutexLock lock(mutex_);
    return {error_, text_};
  }

  // The stream buffer. On the I/O thread, which must never block.
  bool can_seek() const override { return false; }
  bool has_size() const override { return false; }
  std::size_t buffer_size(std::ios_base::openmode) const override { return 0; }
  void set_buffer_size(std::size_t, std::ios_base::openmode) override {}
  std::size_t in_avail() const override { return 0; }
  pos_type getpos(std::ios_base::openmode) const override { return static_cast<pos_type>(traits::eof()); }
  pos_type seekpos(pos_type, std::ios_base::openmode) override { return static_cast<pos_type>(traits::eof()); }
  pos_type seekoff(off_type, std::ios_base::seekdir, std::ios_base::openmode) override {
    return static_cast<pos_type>(traits::eof());
  }
  bool acquire(std::uint8_t*& data, std::size_t& count) override {
    data = nullptr;
    count = 0;
    return false;
  }
  void release(std::uint8_t*, std::size_t) override {}

 protected:
  pplx::task<std::size_t> _putn(const std::uint8_t* data, std::size_t count) override EXCLUDES(mutex_) {
    traffic_->Delivered(count);
    const base::MutexLock lock(mutex_);
    if (abandoned_ || count == 0) return pplx::task_from_result(count);
    pending_.append(reinterpret_cast<const char*>(data), count);
    changed_.notify_all();
    if (pending_.size() < kReadAhead) return pplx::task_from_result(count);
    blocked_ = pplx::task_completion_event<std::size_t>();
    blocked_count_ = count;
    return pplx::create_task(blocked_);
  }
  pplx::task<int_type> _putc(std::uint8_t byte) override {
    return _putn(&byte, 1).then([byte](std::size_t) { return static_cast<int_type>(byte); });
  }
  pplx::task<bool> _sync() override { return pplx::task_from_result(true); }
  std::uint8_t* _alloc(std::size_t) override { return nullptr; }
  void _commit(std::size_t) override {}
  // Reading: never, can_read() is false.
  pplx::task<int_type> _bumpc() override { return pplx::task_from_result(static_cast<int_type>(traits::eof())); }
  int_type _sbumpc() override { return traits::eof(); }
  pplx::task<int_type> _getc() override { return pplx::task_from_result(static_cast<int_type>(traits::eof())); }
  int_type _sgetc() override { return traits::eof(); }
  pplx::task<int_type> _nextc() override { return pplx::task_from_result(static_cast<int_type>(traits::eof())); }
  pplx::task<int_type> _ungetc() override { return pplx::task_from_result(static_cast<int_type>(traits::eof())); }
  pplx::task<std::size_t> _getn(std::uint8_t*, std::size_t) override { return pplx::task_from_result(std::size_t{0}); }
  std::size_t _scopy(std::uint8_t*, std::size_t) override { return 0; }

 private:
  // On the I/O thread, so that whatever the library does next stays on its one thread.
  static void Complete(const pplx::task_completion_event<std::size_t>& room, std::size_t count) {
    crossplat::threadpool::shared_instance().service().post([room, count] { room.set(count); });
  }

  const std::shared_ptr<Traffic> traffic_;
  base::Mutex mutex_;
  std::condition_variable_any changed_;
  bool head_too_large_ GUARDED_BY(mutex_) = false;
  bool have_headers_ GUARDED_BY(mutex_) = false;
  bool told_headers_ GUARDED_BY(mutex_) = false;
  bool finished_ GUARDED_BY(mutex_) = false;
  bool interrupted_ GUARDED_BY(mutex_) = false;
  bool abandoned_ GUARDED_BY(mutex_) = false;
  int status_ GUARDED_BY(mutex_) = 0;
  Headers headers_ GUARDED_BY(mutex_);
  int error_ GUARDED_BY(mutex_) = 0;
  std::string text_ GUARDED_BY(mutex_);
  std::string pending_ GUARDED_BY(mutex_);
  pplx::task_completion_event<std::size_t> blocked_ GUARDED_BY(mutex_);
  std::size_t blocked_count_ GUARDED_BY(mutex_) = 0;
};

void Traffic::Received(std::size_t bytes) {
  const base::MutexLock lock(mutex_);
  undelivered_ += static_cast<std::int64_t>(bytes);
  auto allowed = static_cast<std::int64_t>(kLargestHead);
  for (const auto& [exchange, share] : in_flight_) allowed += share.body_limit;
  for (const auto& [exchange, share] : in_flight_) {
    if (undelivered_ - share.begun_at > allowed - share.body_limit) exchange->RefuseHead();
  }
}

// The library keeps only a number and a text of an error: which operation failed tells more than the number, whose
// category is lost (an end of file in Asio's own category is 2, ENOENT).
HttpError Classify(int code, const std::string& text) {
  const auto says = [&](std::string_view part) { return text.find(part) != std::string::npos; };
  HttpError error{ErrorKind::kReset, code, text};
  if (code == ETIMEDOUT) {
    error.kind = ErrorKind::kTimeout;
  } else if (code == ECANCELED) {
    error.kind = ErrorKind::kCancelled;
  } else if (says("SSL handshake") || says("certificate")) {
    error.kind = ErrorKind::kTls;
    error.system_errno = 0;
  } else if (says("resolving address") || says("Failed to connect") || says("proxy") || code == EHOSTUNREACH ||
             code == ECONNREFUSED) {
    error.kind = ErrorKind::kConnect;
  } else if (says("arse") || says("nvalid") || says("header")) {
    // "Failed to parse HTTP status line", "Invalid chunk", "Transfer-Encoding header ...". But a connection that ends
    // while headers are read or written is a reset.
    const bool io = says("Failed to read") || says("Failed to write") || says("Retrieving");
    error.kind = io ? ErrorKind::kReset : ErrorKind::kProtocol;
  }
  return error;
}

struct FreeX509 {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};

// How many certificates of `pem` went into `store`.
int AddCertificates(const std::string& pem, X509_STORE* store) {
  const std::unique_ptr<BIO, FreeBio> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  int count = 0;
  while (const std::unique_ptr<X509, FreeX509> certificate{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)}) {
    count += X509_STORE_add_cert(store, certificate.get());
  }
  ERR_clear_error();
  return count;
}

// What a new connection needs. Shared with the library, which may outlive the transport by a name lookup.
struct TlsSetup {
  std::string ca_file;
  std::string ca_pem;
  std::shared_ptr<CredentialSource> credentials;
  std::shared_ptr<Traffic> traffic;
  base::Mutex mutex{};
  Credential last_good GUARDED_BY(mutex){};

  // Must not throw: an exception here would end the I/O thread and with it the process. What cannot be loaded leaves
  // the context without it, so that the handshake fails and says so.
  void SetUp(SSL_CTX* context) noexcept EXCLUDES(mutex) {
    try {
      SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
      Traffic::Count(traffic, context);
      if (!ca_file.empty() || !ca_pem.empty()) {
        // Replaces the store that the library has filled with the system's roots.
        X509_STORE* store = X509_STORE_new();
        SSL_CTX_set_cert_store(context, store);
        std::string pem = ca_pem;
        if (!ca_file.empty()) {
          base::Result<std::string> read = Environment::Real().read_file(ca_file);
          if (read) {
            pem = std::move(read).value();
          } else {
            spdlog::error("Cluster CA could not be read: {}", read.error().message);
          }
        }
        if (AddCertificates(pem, store) == 0) spdlog::error("Cluster CA {} has no certificate", ca_file);
      }
      const base::Result<Credential> credential = credentials->Current();
      if (credential && !credential->certificate_pem.empty()) Identify(context, *credential);
    } catch (const std::exception& error) {
      spdlog::error("TLS set-up failed: {}", error.what());
    }
  }

  // Certificate and key are two files: between the two writes of a rotation they do not belong together. Until they do
  // again, the last pair that did is presented, and the files are read for every connection.
  void Identify(SSL_CTX* context, const Credential& credential) EXCLUDES(mutex) {
    const base::MutexLock lock(mutex);
    if (UseClientCertificate(context, credential)) {
      last_good = credential;
      return;
    }
    spdlog::error("Client certificate and key could not be used{}",
                  last_good.certificate_pem.empty() ? "" : "; the earlier ones are used");
    credentials->Reject(credential);
    if (!last_good.certificate_pem.empty()) UseClientCertificate(context, last_good);
  }

  // False when chain or key cannot be read or do not belong together.
  static bool UseClientCertificate(SSL_CTX* context, const Credential& credential) {
    const std::string& chain = credential.certificate_pem;
    const std::unique_ptr<BIO, FreeBio> bio(BIO_new_mem_buf(chain.data(), static_cast<int>(chain.size())));
    const std::unique_ptr<X509, FreeX509> leaf(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    SSL_CTX_clear_extra_chain_certs(context);
    bool good = leaf != nullptr && SSL_CTX_use_certificate(context, leaf.get()) == 1;
    while (X509* next = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
      SSL_CTX_add_extra_chain_cert(context, next);  // takes ownership
    }
    const std::unique_ptr<BIO, FreeBio> key_bio(
        BIO_new_mem_buf(credential.key_pem.data(), static_cast<int>(credential.key_pem.size())));
    EVP_PKEY* key = PEM_read_bio_PrivateKey(key_bio.get(), nullptr, nullptr, nullptr);
    good =
        good && key != nullptr && SSL_CTX_use_PrivateKey(context, key) == 1 && SSL_CTX_check_private_key(context) == 1;
    EVP_PKEY_free(key);
    ERR_clear_error();
    return good;
  }
};

class CpprestTransport final : public HttpTransport {
 public:
  CpprestTransport(ClusterConfig config, std::shared_ptr<CredentialSource> credentials, TransportOptions options)
      : config_(std::move(config)), credentials_(std::move(credentials)), options_(std::move(options)) {
    if (!config_.basic_user.empty()) {
      const std::string pair = config_.basic_user + ":" + config_.basic_password;
      basic_ = "Basic " + utility::conversions::to_base64(std::vector<unsigned char>(pair.begin(), pair.end()));
    }
    calls_ = std::make_unique<web::http::client::http_client>(web::uri(config_.server), Config(options_.idle_timeout));
    streams_ = std::make_unique<web::http::client::http_client>(web::uri(config_.server),
                                                                Config(options_.stream_idle_timeout));
  }

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
  web::http::client::http_client_config Config(std::chrono::milliseconds idle_timeout) {
    web::http::client::http_client_config result;
    result.set_max_redirects(0);
    result.set_timeout(idle_timeout);
    result.set_validate_certificates(!config_.insecure_skip_tls_verify);
    if (!config_.proxy_url.empty()) result.set_proxy(web::web_proxy(web::uri(config_.proxy_url)));
    const std::string name =
        config_.tls_server_name.empty() ? web::uri(config_.server).host() : config_.tls_server_name;
    result.set_tlsext_sni_enabled(!IsAddress(name));
    // For every new connection, on the I/O thread: what was rotated on disk is picked up.
    const auto tls = std::make_shared<TlsSetup>();
    tls->ca_file = config_.ca_file;
    tls->ca_pem = config_.ca_pem;
    tls->credentials = credentials_;
    tls->traffic = traffic_;
    result.set_ssl_context_callback([tls](boost::asio::ssl::context& context) { tls->SetUp(context.native_handle()); });
    return result;
  }

  HttpResult<Response> Guarded(web::http::client::http_client& client, const Request& request, const LineSink* sink,
                               const std::stop_token& stop) {
    {
      const base::MutexLock lock(mutex_);
      if (closed_) return HttpError{ErrorKind::kCancelled, ECANCELED, "the transport is being closed"};
      ++callers_;
    }
    HttpResult<Response> result = HttpError{};
    try {
      result = SendWithRetries(client, request, sink, stop);
    } catch (const std::exception& error) {
      result = HttpError{ErrorKind::kProtocol, 0, error.what()};
    }
    const base::MutexLock lock(mutex_);
    --callers_;
    idle_.notify_all();  // under the lock: the destructor may continue as soon as it is released
    return result;
  }

  HttpResult<Response> SendWithRetries(web::http::client::http_client& client, const Request& request,
                                       const LineSink* sink, const std::stop_token& stop) {
    const SteadyClock::time_point deadline =
        request.deadline.count() > 0 ? SteadyClock::now() + request.deadline : SteadyClock::time_point::max();
    bool may_resend = request.idempotent && sink == nullptr;
    bool may_refresh = true;
    while (true) {
      const base::Result<Credential> credential = credentials_->Get();
      if (!credential) return HttpError{ErrorKind::kProtocol, 0, "no credential: " + credential.error().message};
      HttpResult<Response> result = SendOnce(client, request, *credential, sink, deadline, stop);
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

  HttpResult<Response> SendOnce(web::http::client::http_client& client, const Request& request,
                                const Credential& credential, const LineSink* sink, SteadyClock::time_point deadline,
                                const std::stop_token& stop) {
    if (stop.stop_requested()) return HttpError{ErrorKind::kCancelled, ECANCELED, "stopped"};
    web::http::http_request message(request.method);
    if (base::Status formed = Form(message, request, credential); !formed) {
      return HttpError{ErrorKind::kProtocol, 0, formed.error().message};
    }

    const auto exchange = std::make_shared<Exchange>(traffic_);
    message.set_response_stream(Concurrency::streams::ostream(Concurrency::streams::streambuf<std::uint8_t>(exchange)));
    Registration registration(*this, exchange.get(), request.body_limit);
    const std::stop_callback on_stop(stop, [exchange] { exchange->Interrupt(); });

    pplx::cancellation_token_source cancel;
    // Continuations that take the task itself see every exception: one that nobody sees ends the process.
    client.request(message, cancel.get_token()).then([exchange](pplx::task<web::http::http_response> answer) {
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
            FinishWithCurrentException(*exchange);
          }
        });
      } catch (...) {
        FinishWithCurrentException(*exchange);
      }
    });

    Drained drained = Drain(*exchange, request, sink, deadline);
    registration.to_the_end = drained.to_the_end;
    if (!drained.to_the_end) {
      // Closes the connection, so that no rest of this body is read as the head of the next one.
      crossplat::threadpool::shared_instance().service().post([cancel] { cancel.cancel(); });
      exchange->Abandon();
    }
    return std::move(drained.result);
  }

  struct Drained {
    HttpResult<Response> result;
    bool to_the_end = false;
  };

  static Drained Drain(Exchange& exchange, const Request& request, const LineSink* sink,
                       SteadyClock::time_point deadline) {
    Response response;
    std::string data;
    std::string line;  // the part of a line that has arrived
    while (true) {
      switch (exchange.Next(&data, deadline)) {
        case Exchange::What::kHeaders:
          response = exchange.TakeHead();
          break;
        case Exchange::What::kData: {
          if (sink == nullptr || response.status < 200 || response.status > 299) {
            if (response.body.size() + data.size() > request.body_limit) return {TooLarge(request, "body")};
            response.body += data;
            break;
          }
          std::string_view rest = data;
          for (std::size_t end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
            std::string_view whole = rest.substr(0, end);
            if (line.size() + whole.size() > request.body_limit) return {TooLarge(request, "line")};
            if (!line.empty()) whole = line.append(whole);
            const bool more = whole.empty() || (*sink)(whole);
            line.clear();
            rest.remove_prefix(end + 1);
            if (!more) return {std::move(response)};
          }
          if (line.size() + rest.size() > request.body_limit) return {TooLarge(request, "line")};
          line += rest;
          break;
        }
        case Exchange::What::kFinished: {
          const auto [code, text] = exchange.End();
          if (!text.empty()) return {Classify(code, text), true};
          if (!line.empty()) return {HttpError{ErrorKind::kReset, 0, "the stream ended in the middle of a line"}, true};
          return {std::move(response), true};
        }
        case Exchange::What::kDeadline:
          return {HttpError{ErrorKind::kTimeout, ETIMEDOUT,
                            "not done after " + std::to_string(request.deadline.count()) + " ms"}};
        case Exchange::What::kHeadTooLarge:
          return {HttpError{ErrorKind::kProtocol, 0, "the head of the answer does not end"}};
        case Exchange::What::kInterrupted:
          return {HttpError{ErrorKind::kCancelled, ECANCELED, "stopped"}};
      }
    }
  }

  static HttpError TooLarge(const Request& request, const char* what) {
    return {ErrorKind::kTooLarge, 0,
            std::string(what) + " of the answer is larger than " + std::to_string(request.body_limit) + " bytes"};
  }

  base::Status Form(web::http::http_request& message, const Request& request, const Credential& credential) const {
    try {
      message.set_request_uri(web::uri(request.target));
    } catch (const std::exception&) {
      return base::Invalid("request target \"" + request.target + "\" is not a percent-encoded path and query");
    }
    const std::optional<std::string> content_type = request.headers.Get("Content-Type");
    if (!request.body.empty()) {
      message.set_body(request.body, content_type.value_or("application/octet-stream"));
    }
    web::http::http_headers& headers = message.headers();
    for (const auto& [name, value] : request.headers.All()) {
      if (HasControl(name) || HasControl(value)) return base::Invalid("header " + name + " has a control character");
      if (!headers.has(name)) headers.add(name, value);
    }
    headers.add("User-Agent", options_.user_agent);
    if (!config_.tls_server_name.empty()) headers.add("Host", config_.tls_server_name);
    if (!credential.token.empty()) {
      if (HasControl(credential.token)) return base::Invalid("the bearer token has a control character");
      headers.add("Authorization", "Bearer " + credential.token);
    } else if (!basic_.empty()) {
      headers.add("Authorization", basic_);
    }
    if (!config_.impersonate_user.empty()) headers.add("Impersonate-User", config_.impersonate_user);
    if (!config_.impersonate_uid.empty()) headers.add("Impersonate-Uid", config_.impersonate_uid);
    // One group: the library joins repeated headers with commas, which the server would read as one name; the loader of
    // configurations rejects more.
    if (!config_.impersonate_groups.empty()) headers.add("Impersonate-Group", config_.impersonate_groups.front());
    return {};
  }

  static void FinishWithCurrentException(Exchange& exchange) {
    try {
      throw;
    } catch (const web::http::http_exception& error) {
      exchange.Finish(error.error_code().value(), error.what());
    } catch (const pplx::task_canceled&) {
      exchange.Finish(ECANCELED, "cancelled");
    } catch (const std::exception& error) {
      exchange.Finish(0, *error.what() == '\0' ? "unknown error" : error.what());
    }
  }

  class Registration {
   public:
    Registration(CpprestTransport& transport, Exchange* exchange, std::size_t body_limit)
        : transport_(transport), exchange_(exchange) {
      transport_.traffic_->Begin(exchange_, body_limit);
      const base::MutexLock lock(transport_.mutex_);
      transport_.in_flight_.insert(exchange_);
      if (transport_.closed_) exchange_->Interrupt();
    }
    ~Registration() {
      transport_.traffic_->End(exchange_, to_the_end);
      const base::MutexLock lock(transport_.mutex_);
      transport_.in_flight_.erase(exchange_);
    }
    Registration(const Registration&) = delete;
    Registration& operator=(const Registration&) = delete;

    bool to_the_end = false;

   private:
    CpprestTransport& transport_;
    Exchange* exchange_;
  };

  const ClusterConfig config_;
  const std::shared_ptr<CredentialSource> credentials_;
  const TransportOptions options_;
  const std::shared_ptr<Traffic> traffic_ = std::make_shared<Traffic>();
  std::string basic_;

  base::Mutex mutex_;
  std::condition_variable_any idle_;
  bool closed_ GUARDED_BY(mutex_) = false;
  int callers_ GUARDED_BY(mutex_) = 0;
  std::set<Exchange*> in_flight_ GUARDED_BY(mutex_);

  std::unique_ptr<web::http::client::http_client> calls_;
  std::unique_ptr<web::http::client::http_client> streams_;
};

}  // namespace

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

void SkipSystemRoots(const ClusterConfig& config) {
  if ((config.ca_file.empty() && config.ca_pem.empty()) || config.exec) return;
  ::setenv(X509_get_default_cert_file_env(), "/dev/null", 1);
}

std::string UserAgent(const std::string& program, const std::string& version) {
#if defined(__x86_64__)
  constexpr const char* kArchitecture = "amd64";
#elif defined(__aarch64__)
  constexpr const char* kArchitecture = "arm64";
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
  constexpr const char* kArchitecture = "ppc64le";
#elif defined(__s390x__)
  constexpr const char* kArchitecture = "s390x";
#elif defined(__riscv) && __riscv_xlen == 64
  constexpr const char* kArchitecture = "riscv64";
#else
  constexpr const char* kArchitecture = "unknown";
#endif
  return program + "/" + version + " (linux/" + kArchitecture + ")";
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
    if (!config.ca_file.empty() || !config.ca_pem.empty()) {
      std::string pem = config.ca_pem;
      if (!config.ca_file.empty()) {
        base::Result<std::string> read = Environment::Real().read_file(config.ca_file);
        if (!read) return base::Invalid("certificate authority: " + read.error().message);
        pem = std::move(read).value();
      }
      X509_STORE* store = X509_STORE_new();
      const int count = AddCertificates(pem, store);
      X509_STORE_free(store);
      if (count == 0) {
        return base::Invalid("certificate authority " + (config.ca_file.empty() ? "data" : config.ca_file) +
                             " contains no PEM certificate");
      }
    }
    // Now, while somebody reads the message: later a missing identity only shows as 401.
    const base::Result<Credential> credential = credentials->Get();
    if (!credential) return base::Invalid("credentials: " + credential.error().message);
    if (!credential->certificate_pem.empty()) {
      SSL_CTX* context = SSL_CTX_new(TLS_client_method());
      const bool good = TlsSetup::UseClientCertificate(context, *credential);
      SSL_CTX_free(context);
      if (!good) return base::Invalid("client certificate and key: not PEM, or they do not belong together");
    }
    return std::unique_ptr<HttpTransport>(std::make_unique<CpprestTransport>(config, std::move(credentials), options));
  } catch (const std::exception& error) {
    return base::Invalid("server: \"" + config.server + "\" is not an http(s) URL: " + error.what());
  }
}

}  // namespace kube
