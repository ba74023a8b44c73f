#include "bench/connection.h"

#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "bench/stamped_socket.h"

namespace autotune::bench {
namespace {

constexpr std::size_t kReadBytes = 64 * 1024;
constexpr std::chrono::microseconds kPatience{100};

constexpr char kNotTls[] = "; if the server has no TLS, use http:// instead of https://";
constexpr char kTlsRecord[] = "the server speaks TLS: use https:// instead of http://";

std::string Errno(int error) { return std::strerror(error); }

const char* HowToTrust(long verified) {
  switch (verified) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "use the host name that the certificate is for";
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "renew it, or check this machine's clock";
    default:
      return "set SSL_CERT_FILE to a file with the certificate of its authority";
  }
}

}  // namespace

void Connection::Send(std::string_view method, std::string_view path, std::string_view body) {
  busy_ = true;
  ++exchange_;
  request_ = server_.Head(method, path, body.size());
  request_ += body;
  response_.Reset();
  addresses_tried_ = 0;
  reused_ = state_ == State::kOpen;
  if (reused_) {
    Queue();
  } else {
    Close();
    busy_ = true;
    address_ = server_.preferred_address;
    Connect();
  }
}

void Connection::Close() {
  ++exchange_;
  busy_ = false;
  if (fd_ >= 0) {
    loop_.Forget(fd_, *this);
    ::close(fd_);
    fd_ = -1;
  }
  SSL_free(tls_);
  tls_ = nullptr;
  state_ = State::kClosed;
  out_.clear();
  out_sent_ = tls_written_ = 0;
}

void Connection::Connect() {
  const Server::Address& to = server_.addresses()[address_ % server_.addresses().size()];
  ++addresses_tried_;
  fd_ = ::socket(to.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return Broken("cannot open a socket: " + Errno(errno));
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  EnableStamps(fd_);
  state_ = State::kConnecting;
  wants_out_ = true;
  const int result = ::connect(fd_, reinterpret_cast<const sockaddr*>(&to.storage), to.size);
  const int error = result == 0 ? 0 : errno;
  loop_.Watch(fd_, EPOLLIN | EPOLLOUT, *this);
  if (error != 0 && error != EINPROGRESS && !TryNextAddress()) Broken("cannot connect: " + Errno(error));
}

// False where all were tried.
bool Connection::TryNextAddress() {
  if (addresses_tried_ >= server_.addresses().size()) return false;
  Close();
  busy_ = true;
  ++address_;
  Connect();
  return true;
}

void Connection::Opened() {
  server_.preferred_address = address_ % server_.addresses().size();
  tls_ = server_.NewTls();
  if (tls_ != nullptr) {
    state_ = State::kHandshake;
    Handshake();
  } else {
    state_ = State::kOpen;
    Queue();
  }
}

std::string Connection::TlsProblem(const char* what) const {
  const long verified = SSL_get_verify_result(tls_);
  std::string text = what;
  if (verified != X509_V_OK) {
    text += std::string(": the server's certificate is not accepted: ") + X509_verify_cert_error_string(verified) +
            "; " + HowToTrust(verified);
  } else if (const unsigned long error = ERR_peek_last_error(); error != 0) {
    const char* reason = ERR_reason_error_string(error);
    text += std::string(": ") + (reason != nullptr ? reason : "unknown error");
  }
  ERR_clear_error();
  return text;
}

void Connection::Handshake() {
  const int result = SSL_do_handshake(tls_);
  if (result == 1) {
    state_ = State::kOpen;
    Queue();
    return;
  }
  if (SSL_get_error(tls_, result) != SSL_ERROR_WANT_READ) {
    const bool certificate = SSL_get_verify_result(tls_) != X509_V_OK;
    return Broken(TlsProblem("TLS handshake failed") + (certificate ? "" : kNotTls));
  }
  Flush();
}

// Hands the whole request over, encrypted where it must be.
void Connection::Queue() {
  if (tls_ == nullptr) {
    out_ = request_;
    out_sent_ = 0;
  } else {
    while (tls_written_ < request_.size()) {
      const int written = SSL_write(tls_, request_.data() + tls_written_,
                                    static_cast<int>(std::min<std::size_t>(request_.size() - tls_written_, 1u << 20)));
      if (written <= 0) return Broken(TlsProblem("cannot send"));
      tls_written_ += static_cast<std::size_t>(written);
    }
    tls_written_ = 0;
  }
  Flush();
}

void Connection::Flush() {
  if (tls_ != nullptr) {
    BIO* produced = SSL_get_wbio(tls_);
    if (const std::size_t size = BIO_ctrl_pending(produced); size > 0) {
      out_.erase(0, out_sent_);
      out_sent_ = 0;
      const std::size_t had = out_.size();
      out_.resize(had + size);
      BIO_read(produced, out_.data() + had, static_cast<int>(size));
    }
  }
  while (out_sent_ < out_.size()) {
    const ssize_t sent = ::send(fd_, out_.data() + out_sent_, out_.size() - out_sent_, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) break;
      // The answer may have come before the end of the request (413): reading tells. A reset shows there, too.
      out_sent_ = out_.size();
      break;
    }
    out_sent_ += static_cast<std::size_t>(sent);
  }
  const bool wants_out = out_sent_ < out_.size();
  if (!wants_out) {
    out_.clear();
    out_sent_ = 0;
  }
  if (wants_out != wants_out_) {
    wants_out_ = wants_out;
    loop_.Change(fd_, wants_out ? EPOLLIN | EPOLLOUT : EPOLLIN, *this);
  }
}

void Connection::OnReady(std::uint32_t events) {
  if (state_ == State::kConnecting) {
    if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) == 0) return;
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error == 0) return Opened();
    if (!TryNextAddress()) Broken("cannot connect: " + Errno(error));
    return;
  }
  const std::uint64_t exchange = exchange_;
  if ((events & EPOLLOUT) != 0) Flush();
  if (exchange == exchange_ && (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) Read();
}

void Connection::Read() {
  // One buffer for all connections of a thread: nothing is kept in it.
  static thread_local std::array<char, kReadBytes> buffer;
  for (;;) {
    const StampedRead read = ReadStamped(fd_, buffer, loop_.wall_offset());
    if (read.count < 0) {
      if (errno == EAGAIN) return;
      const int error = errno;
      return Broken(WhyNoMore() + Errno(error));
    }
    if (read.count == 0) return Ended();
    // Where the kernel notes the times, nothing is lost by looking a little later.
    loop_.set_patience(read.arrived == read.seen ? std::chrono::microseconds(0) : kPatience);
    const auto size = static_cast<std::size_t>(read.count);
    if (tls_ != nullptr) {
      BIO_write(SSL_get_rbio(tls_), buffer.data(), static_cast<int>(size));
      if (!DeliverTls(read.arrived, read.seen)) return;
    } else if (!Deliver({buffer.data(), size}, read.arrived, read.seen)) {
      return;
    }
    if (size < buffer.size()) return;  // the socket is empty, else the loop tells
  }
}

bool Connection::DeliverTls(SteadyTime arrived, SteadyTime seen) {
  if (state_ == State::kHandshake) {
    const std::uint64_t exchange = exchange_;
    Handshake();
    if (exchange != exchange_ || state_ != State::kOpen) return exchange == exchange_;
  }
  static thread_local std::array<char, kReadBytes> plain;
  for (;;) {
    const int count = SSL_read(tls_, plain.data(), static_cast<int>(plain.size()));
    if (count > 0) {
      if (!Deliver({plain.data(), static_cast<std::size_t>(count)}, arrived, seen)) return false;
      continue;
    }
    const int error = SSL_get_error(tls_, count);
    if (error == SSL_ERROR_WANT_READ) {
      Flush();  // a new key's message may have to be answered
      return true;
    }
    if (error == SSL_ERROR_ZERO_RETURN) {
      Ended();
    } else {
      Broken(TlsProblem("the answer broke off"));
    }
    return false;
  }
}

bool Connection::Deliver(std::string_view bytes, SteadyTime arrived, SteadyTime seen) {
  if (!busy_) {  // nothing was asked: whatever this is, the connection cannot be used again
    Close();
    return false;
  }
  const std::uint64_t exchange = exchange_;
  std::string_view piece;
  for (;;) {
    switch (response_.Take(bytes, piece)) {
      case HttpResponse::Event::kMore:
        return true;
      case HttpResponse::Event::kHead:
        listener_.OnHead(response_);
        break;
      case HttpResponse::Event::kBody:
        listener_.OnBody(piece, arrived, seen);
        break;
      case HttpResponse::Event::kEnd:
        if (!response_.keep_alive() || !bytes.empty()) Close();
        busy_ = false;
        listener_.OnEnd();
        return false;
      case HttpResponse::Event::kWrong:
        Broken(response_.IsTls() ? kTlsRecord : "the answer is not HTTP/1.1");
        return false;
    }
    if (exchange != exchange_) return false;
  }
}

std::string Connection::WhyNoMore() const {
  return response_.started() ? "the answer broke off: " : std::string(kNoAnswer);
}

// The server has closed the connection.
void Connection::Ended() {
  if (!busy_) return Close();
  if (response_.EndsHere()) {
    Close();
    listener_.OnEnd();
    return;
  }
  if (state_ == State::kHandshake) {
    return Broken(std::string("TLS handshake failed: the server closed the connection") + kNotTls);
  }
  Broken(WhyNoMore() + "the server closed the connection");
}

void Connection::Broken(const std::string& why) {
  const bool was_busy = busy_;
  const bool again = busy_ && reused_ && !response_.started();
  Close();
  if (again) {
    reused_ = false;
    busy_ = true;
    address_ = server_.preferred_address;
    addresses_tried_ = 0;
    Connect();
    return;
  }
  if (was_busy) listener_.OnBroken(why);
}

}  // namespace autotune::bench
