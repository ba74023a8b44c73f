#include "tests/scripted_server/scripted_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <list>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>

#include "base/ascii_case.h"

namespace scripted {

Reply Reply::ResetAtOnce() {
  Reply reply;
  reply.without_head_ = true;
  return reply.Reset();
}

Reply Reply::CloseAtOnce() {
  Reply reply;
  reply.without_head_ = true;
  return reply.Close();
}

Reply Reply::EndlessHead(std::string data, std::size_t most, std::string gate) {
  Reply reply;
  reply.without_head_ = true;
  reply.Raw("HTTP/1.1 200 Scripted\r\nX-Long: ");
  reply.steps_.push_back({Kind::kFloodRaw, std::move(data), most, std::move(gate)});
  return reply;
}

Reply Reply::Garbage(std::string bytes) {
  Reply reply;
  reply.without_head_ = true;
  return reply.Raw(std::move(bytes)).Close();
}

Reply& Reply::Header(std::string name, std::string value) {
  headers_.emplace_back(std::move(name), std::move(value));
  return *this;
}

Reply& Reply::Body(std::string body, std::string content_type) {
  headers_.emplace_back("Content-Type", std::move(content_type));
  body_ = std::move(body);
  return *this;
}

Reply& Reply::Chunk(std::string data) {
  chunked_ = true;
  steps_.push_back({Kind::kChunk, std::move(data), 0, {}});
  return *this;
}
Reply& Reply::Raw(std::string bytes) {
  steps_.push_back({Kind::kBytes, std::move(bytes), 0, {}});
  return *this;
}
Reply& Reply::SplitEvery(std::size_t bytes) {
  steps_.push_back({Kind::kSplit, {}, bytes, {}});
  return *this;
}
Reply& Reply::Gate(std::string gate) {
  steps_.push_back({Kind::kGate, {}, 0, std::move(gate)});
  return *this;
}
Reply& Reply::Opens(std::string gate) {
  steps_.push_back({Kind::kOpens, {}, 0, std::move(gate)});
  return *this;
}
Reply& Reply::Trickle(std::string data, std::chrono::milliseconds interval) {
  chunked_ = true;
  steps_.push_back({Kind::kTrickle, std::move(data), static_cast<std::size_t>(interval.count()), {}});
  return *this;
}
Reply& Reply::Flood(std::string data, std::size_t most, std::string gate) {
  chunked_ = true;
  steps_.push_back({Kind::kFlood, std::move(data), most, std::move(gate)});
  return *this;
}
Reply& Reply::Hold() {
  chunked_ = chunked_ || !body_;
  steps_.push_back({Kind::kHold, {}, 0, {}});
  return *this;
}
Reply& Reply::Reset() {
  steps_.push_back({Kind::kReset, {}, 0, {}});
  return *this;
}
Reply& Reply::CloseNow() {
  steps_.push_back({Kind::kCloseNow, {}, 0, {}});
  return *this;
}
Reply& Reply::Close() {
  steps_.push_back({Kind::kClose, {}, 0, {}});
  return *this;
}

namespace {

std::string Decode(const std::string& text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() + 0 && std::isxdigit(static_cast<unsigned char>(text[i + 1])) != 0) {
      decoded += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
      i += 2;
    } else {
      decoded += text[i] == '+' ? ' ' : text[i];
    }
  }
  return decoded;
}

std::vector<std::string> Split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    if (end > begin) parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

bool Fits(const Recorded& request, const std::string& method, const std::string& pattern) {
  if (request.method != method) return false;
  const std::size_t mark = pattern.find('?');
  if (request.path != pattern.substr(0, mark)) return false;
  if (mark == std::string::npos) return true;
  const std::vector<std::string> have = Split(request.query, '&');
  for (const std::string& want : Split(pattern.substr(mark + 1), '&')) {
    if (std::find(have.begin(), have.end(), want) == have.end()) return false;
  }
  return true;
}

}  // namespace

std::string Recorded::Header(std::string_view name) const {
  for (const auto& [field, value] : headers) {
    if (base::EqualIgnoringCase(field, name)) return value;
  }
  return {};
}

std::string Recorded::Query(const std::string& name) const {
  for (const std::string& pair : Split(query, '&')) {
    const std::size_t equals = pair.find('=');
    if (pair.substr(0, equals) == name && equals != std::string::npos) return Decode(pair.substr(equals + 1));
  }
  return {};
}

struct ScriptedServer::Impl {
  struct Rule {
    std::string method;
    std::string pattern;
    std::deque<Reply> once;
    std::optional<Reply> always;
  };

  SSL_CTX* context = nullptr;
  std::unique_ptr<TestCa> own_ca;
  std::string ca_pem;
  int listener = -1;
  int wake[2] = {-1, -1};  // a byte in here ends the accepting thread
  std::uint16_t port = 0;

  mutable std::mutex mutex;
  mutable std::condition_variable changed;
  bool stopping = false;
  std::list<Rule> rules;
  std::set<std::string> open_gates;
  std::vector<Recorded> requests;
  std::vector<std::string> unexpected;
  int connections = 0;
  std::size_t flooded = 0;
  std::set<int> sockets;
  std::vector<std::thread> threads;
  std::thread acceptor;

  Rule& RuleFor(const std::string& method, const std::string& pattern) {
    for (Rule& rule : rules) {
      if (rule.method == method && rule.pattern == pattern) return rule;
    }
    return rules.emplace_back(Rule{method, pattern, {}, {}});
  }

  Reply Choose(const Recorded& request) {
    const std::lock_guard lock(mutex);
    requests.push_back(request);
    changed.notify_all();
    // The pattern that says most first.
    std::vector<Rule*> fitting;
    for (Rule& rule : rules) {
      if (Fits(request, rule.method, rule.pattern)) fitting.push_back(&rule);
    }
    std::stable_sort(fitting.begin(), fitting.end(),
                     [](const Rule* a, const Rule* b) { return a->pattern.size() > b->pattern.size(); });
    for (Rule* rule : fitting) {
      if (!rule->once.empty()) {
        Reply reply = rule->once.front();
        rule->once.pop_front();
        return reply;
      }
      if (rule->always) return *rule->always;
    }
    unexpected.push_back(request.method + " " + request.target);
    return Reply(599).Body("not scripted", "text/plain");
  }

  bool AwaitGate(const std::string& gate) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return stopping || open_gates.count(gate) != 0; });
    return !stopping;
  }

  void Open(const std::string& gate) {
    const std::lock_guard lock(mutex);
    open_gates.insert(gate);
    changed.notify_all();
  }
};

// One accepted connection, on its own thread.
class Connection {
 public:
  Connection(std::shared_ptr<ScriptedServer::Impl> server, int fd, int number)
      : server_(std::move(server)), fd_(fd), number_(number), ssl_(SSL_new(server_->context)) {
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // as the API server does
    SSL_set_fd(ssl_, fd_);
  }
  ~Connection() {
    SSL_free(ssl_);
    {
      const std::lock_guard lock(server_->mutex);
      server_->sockets.erase(fd_);
    }
    ::close(fd_);
    ERR_clear_error();
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void Serve() {
    if (SSL_accept(ssl_) != 1) return;
    const char* sni = SSL_get_servername(ssl_, TLSEXT_NAMETYPE_host_name);
    sni_ = sni == nullptr ? "" : sni;
    if (X509* peer = SSL_get1_peer_certificate(ssl_)) {
      char name[256] = {};
      X509_NAME_get_text_by_NID(X509_get_subject_name(peer), NID_commonName, name, sizeof name);
      subject_ = name;
      X509_free(peer);
    }
    while (std::optional<Recorded> request = ReadRequest()) {
      if (!Perform(server_->Choose(*request))) return;
    }
  }

 private:
  bool Fill() {
    char data[16384];
    const int count = SSL_read(ssl_, data, sizeof data);
    if (count <= 0) return false;
    buffer_.append(data, static_cast<std::size_t>(count));
    return true;
  }

  std::optional<Recorded> ReadRequest() {
    std::size_t end = 0;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
      if (!Fill()) return std::nullopt;
    }
    Recorded request;
    request.connection = number_;
    request.sni = sni_;
    request.client_subject = subject_;
    const std::string head = buffer_.substr(0, end);
    buffer_.erase(0, end + 4);
    std::size_t length = 0;
    std::size_t begin = 0;
    while (begin < head.size()) {
      const std::size_t line_end = std::min(head.find("\r\n", begin), head.size());
      const std::string line = head.substr(begin, line_end - begin);
      if (request.method.empty()) {
        const std::vector<std::string> words = Split(line, ' ');
        if (words.size() != 3) return std::nullopt;
        request.method = words[0];
        request.target = words[1];
      } else if (const std::size_t colon = line.find(':'); colon != std::string::npos) {
        std::size_t value = colon + 1;
        while (value < line.size() && line[value] == ' ') ++value;
        request.headers.emplace_back(line.substr(0, colon), line.substr(value));
        if (base::EqualIgnoringCase(line.substr(0, colon), "Content-Length")) length = std::stoul(line.substr(value));
      }
      begin = line_end + 2;
    }
    const std::size_t mark = request.target.find('?');
    request.path = request.target.substr(0, mark);
    if (mark != std::string::npos) request.query = request.target.substr(mark + 1);
    while (buffer_.size() < length) {
      if (!Fill()) return std::nullopt;
    }
    request.body = buffer_.substr(0, length);
    buffer_.erase(0, length);
    return request;
  }

  bool Write(std::string_view data) {
    while (!data.empty()) {
      const std::size_t size = split_ == 0 ? data.size() : std::min(split_, data.size());
      const int written = SSL_write(ssl_, data.data(), static_cast<int>(size));
      if (written <= 0) return false;
      data.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
  }

  static std::string AsChunk(const std::string& data) {
    char size[32];
    std::snprintf(size, sizeof size, "%zx\r\n", data.size());
    return size + data + "\r\n";
  }

  void AwaitClose() {
    char data[1024];
    while (SSL_read(ssl_, data, sizeof data) > 0) {
    }
  }

  bool Flood(const Reply::Step& step) {
    // Without blocking, so that a peer that takes no more is seen as such.
    ::fcntl(fd_, F_SETFL, ::fcntl(fd_, F_GETFL) | O_NONBLOCK);
    const std::string chunk = step.kind == Reply::Kind::kFlood ? AsChunk(step.text) : step.text;
    std::size_t total = 0;
    std::string_view rest = chunk;
    bool alive = true;
    while (total < step.number) {
      const int written = SSL_write(ssl_, rest.data(), static_cast<int>(rest.size()));
      if (written > 0) {
        total += static_cast<std::size_t>(written);
        rest.remove_prefix(static_cast<std::size_t>(written));
        if (rest.empty()) rest = chunk;
        continue;
      }
      if (SSL_get_error(ssl_, written) != SSL_ERROR_WANT_WRITE) {
        alive = false;
        break;
      }
      pollfd writable{fd_, POLLOUT, 0};
      if (::poll(&writable, 1, 300) <= 0) break;
    }
    {
      const std::lock_guard lock(server_->mutex);
      server_->flooded += total;
    }
    server_->Open(step.gate);
    // OpenSSL wants a write that blocked to be repeated with the same bytes; that is more than any test needs after it.
    ::fcntl(fd_, F_SETFL, ::fcntl(fd_, F_GETFL) & ~O_NONBLOCK);
    while (alive && rest.size() != chunk.size() && !rest.empty()) {
      const int written = SSL_write(ssl_, rest.data(), static_cast<int>(rest.size()));
      if (written <= 0) return false;
      rest.remove_prefix(static_cast<std::size_t>(written));
    }
    return alive;
  }

  // False: the connection is over.
  bool Perform(const Reply& reply) {
    split_ = 0;
    if (!reply.without_head_) {
      std::string head = "HTTP/1.1 " + std::to_string(reply.status_) + " Scripted\r\n";
      for (const auto& [name, value] : reply.headers_) head += name + ": " + value + "\r\n";
      if (reply.chunked_) {
        head += "Transfer-Encoding: chunked\r\n";
      } else {
        head += "Content-Length: " + std::to_string(reply.body_ ? reply.body_->size() : 0) + "\r\n";
      }
      head += "\r\n";
      if (!Write(head)) return false;
      if (reply.body_ && !reply.chunked_ && reply.steps_.empty() && !Write(*reply.body_)) return false;
    }
    for (const Reply::Step& step : reply.steps_) {
      switch (step.kind) {
        case Reply::Kind::kBytes:
          if (!Write(step.text)) return false;
          break;
        case Reply::Kind::kChunk:
          if (!Write(AsChunk(step.text))) return false;
          break;
        case Reply::Kind::kSplit:
          split_ = step.number;
          break;
        case Reply::Kind::kGate:
          if (!server_->AwaitGate(step.gate)) return false;
          break;
        case Reply::Kind::kOpens:
          server_->Open(step.gate);
          break;
        case Reply::Kind::kTrickle:
          while (Write(AsChunk(step.text))) {
            pollfd readable{fd_, POLLIN, 0};
            if (::poll(&readable, 1, static_cast<int>(step.number)) > 0) return false;  // the peer closed
          }
          return false;
        case Reply::Kind::kFlood:
        case Reply::Kind::kFloodRaw:
          if (!Flood(step)) return false;
          break;
        case Reply::Kind::kHold:
          AwaitClose();
          return false;
        case Reply::Kind::kReset: {
          const linger hard{1, 0};
          ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
          return false;
        }
        case Reply::Kind::kCloseNow:
          return false;
        case Reply::Kind::kClose:
          if (reply.chunked_) Write("0\r\n\r\n");
          SSL_shutdown(ssl_);
          return false;
      }
    }
    if (reply.body_ && !reply.chunked_ && !reply.steps_.empty() && !Write(*reply.body_)) return false;
    return !reply.chunked_ || Write("0\r\n\r\n");
  }

  const std::shared_ptr<ScriptedServer::Impl> server_;
  const int fd_;
  const int number_;
  SSL* const ssl_;
  std::string sni_;
  std::string subject_;
  std::string buffer_;
  std::size_t split_ = 0;
};

ScriptedServer::ScriptedServer(ServerOptions options) : impl_(std::make_shared<Impl>()) {
  std::signal(SIGPIPE, SIG_IGN);
  // cpprestsdk reads all of the system's roots for every connection, on the calling thread and not bounded by any
  // deadline: 100 ms, and many seconds under ThreadSanitizer on a busy machine. No test but the one that is about them
  // (it sets the variable itself) needs any.
  static std::once_flag once;
  std::call_once(once, [] {
    ::setenv("SSL_CERT_FILE", "/dev/null", 1);
    ::setenv("SSL_CERT_DIR", "/dev/null", 1);
  });
  if (options.ca == nullptr) {
    impl_->own_ca = std::make_unique<TestCa>();
    options.ca = impl_->own_ca.get();
  }
  impl_->ca_pem = options.ca->pem();
  const Certificate certificate = options.ca->Issue("scripted server", options.names);
  impl_->context = SSL_CTX_new(TLS_server_method());
  BIO* bio = BIO_new_mem_buf(certificate.certificate_pem.data(), static_cast<int>(certificate.certificate_pem.size()));
  X509* x509 = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  bio = BIO_new_mem_buf(certificate.key_pem.data(), static_cast<int>(certificate.key_pem.size()));
  EVP_PKEY* key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  SSL_CTX_use_certificate(impl_->context, x509);
  SSL_CTX_use_PrivateKey(impl_->context, key);
  X509_free(x509);
  EVP_PKEY_free(key);
  if (options.newest_tls_version != 0) SSL_CTX_set_max_proto_version(impl_->context, options.newest_tls_version);
  if (options.ask_for_client_certificate) {
    SSL_CTX_set_verify(impl_->context, SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
    const unsigned char id[] = "scripted";
    SSL_CTX_set_session_id_context(impl_->context, id, sizeof id - 1);
  }

  impl_->listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(impl_->listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(impl_->listener, 64) != 0) {
    throw std::runtime_error(std::string("scripted server: ") + std::strerror(errno));
  }
  socklen_t size = sizeof address;
  ::getsockname(impl_->listener, reinterpret_cast<sockaddr*>(&address), &size);
  impl_->port = ntohs(address.sin_port);
  if (::pipe2(impl_->wake, O_CLOEXEC) != 0) throw std::runtime_error("pipe");

  impl_->acceptor = std::thread([impl = impl_.get(), shared = std::weak_ptr<Impl>(impl_)] {
    while (true) {
      pollfd polled[2] = {{impl->listener, POLLIN, 0}, {impl->wake[0], POLLIN, 0}};
      ::poll(polled, 2, -1);
      if (polled[1].revents != 0) return;
      const int fd = ::accept4(impl->listener, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) continue;
      const std::lock_guard lock(impl->mutex);
      if (impl->stopping) {
        ::close(fd);
        return;
      }
      impl->sockets.insert(fd);
      const int number = ++impl->connections;
      impl->threads.emplace_back([server = shared.lock(), fd, number] { Connection(server, fd, number).Serve(); });
    }
  });
}

ScriptedServer::~ScriptedServer() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
    impl_->changed.notify_all();
    for (const int fd : impl_->sockets) ::shutdown(fd, SHUT_RDWR);
  }
  if (::write(impl_->wake[1], "x", 1) != 1) std::abort();
  impl_->acceptor.join();
  for (std::thread& thread : impl_->threads) thread.join();
  ::close(impl_->listener);
  ::close(impl_->wake[0]);
  ::close(impl_->wake[1]);
  SSL_CTX_free(impl_->context);
}

ScriptedServer& ScriptedServer::On(const std::string& method, const std::string& pattern, Reply reply) {
  const std::lock_guard lock(impl_->mutex);
  impl_->RuleFor(method, pattern).once.push_back(std::move(reply));
  return *this;
}

ScriptedServer& ScriptedServer::Always(const std::string& method, const std::string& pattern, Reply reply) {
  const std::lock_guard lock(impl_->mutex);
  impl_->RuleFor(method, pattern).always = std::move(reply);
  return *this;
}

void ScriptedServer::Open(const std::string& gate) { impl_->Open(gate); }
void ScriptedServer::AwaitGate(const std::string& gate) { impl_->AwaitGate(gate); }
std::string ScriptedServer::url() const { return "https://127.0.0.1:" + std::to_string(impl_->port); }
std::uint16_t ScriptedServer::port() const { return impl_->port; }
std::string ScriptedServer::ca_pem() const { return impl_->ca_pem; }

std::vector<Recorded> ScriptedServer::Requests() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->requests;
}

std::vector<Recorded> ScriptedServer::Requests(const std::string& method, const std::string& pattern) const {
  const std::lock_guard lock(impl_->mutex);
  std::vector<Recorded> fitting;
  for (const Recorded& request : impl_->requests) {
    if (Fits(request, method, pattern)) fitting.push_back(request);
  }
  return fitting;
}

std::vector<Recorded> ScriptedServer::AwaitRequests(std::size_t count) const {
  std::unique_lock lock(impl_->mutex);
  impl_->changed.wait(lock, [&] { return impl_->requests.size() >= count; });
  return impl_->requests;
}

std::vector<Recorded> ScriptedServer::AwaitRequests(const std::string& method, const std::string& pattern,
                                                    std::size_t count) const {
  std::unique_lock lock(impl_->mutex);
  std::vector<Recorded> fitting;
  impl_->changed.wait(lock, [&] {
    fitting.clear();
    for (const Recorded& request : impl_->requests) {
      if (Fits(request, method, pattern)) fitting.push_back(request);
    }
    return fitting.size() >= count;
  });
  return fitting;
}

std::vector<std::string> ScriptedServer::Unexpected() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->unexpected;
}

int ScriptedServer::Connections() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->connections;
}

std::size_t ScriptedServer::Flooded() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->flooded;
}

}  // namespace scripted
