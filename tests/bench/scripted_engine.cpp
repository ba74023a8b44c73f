#include "tests/bench/scripted_engine.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace autotune::bench {

ScriptedEngine::ScriptedEngine(Handler handler) : handler_(std::move(handler)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 512) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    std::abort();
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { Accept(); });
}

ScriptedEngine::~ScriptedEngine() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const int fd : sockets_) ::shutdown(fd, SHUT_RDWR);
  }
  changed_.notify_all();
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  for (std::thread& thread : threads_) thread.join();
  for (const int fd : sockets_) ::close(fd);
  ::close(listener_);
}

void ScriptedEngine::Accept() {
  for (;;) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    const std::lock_guard lock(mutex_);
    if (fd < 0 || stopping_) {
      if (fd >= 0) ::close(fd);
      return;
    }
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockets_.push_back(fd);  // closed at the end: a descriptor's number is not reused while the test runs
    threads_.emplace_back([this, fd, connection = ++connections_] { Serve(fd, connection); });
  }
}

void ScriptedEngine::Serve(int fd, int connection) {
  std::string received;
  for (;;) {
    std::size_t head = 0;
    std::size_t length = 0;
    for (;;) {
      head = received.find("\r\n\r\n");
      if (head != std::string::npos) {
        const std::size_t at = received.find("Content-Length: ");
        length = at < head ? std::strtoul(received.c_str() + at + 16, nullptr, 10) : 0;
        if (received.size() >= head + 4 + length) break;
      }
      char buffer[16384];
      const ssize_t n = ::recv(fd, buffer, sizeof buffer, 0);
      if (n <= 0) return;
      received.append(buffer, static_cast<std::size_t>(n));
    }
    Request request;
    request.head = received.substr(0, head);
    request.method = received.substr(0, received.find(' '));
    const std::size_t path = request.method.size() + 1;
    request.path = received.substr(path, received.find(' ', path) - path);
    request.body = received.substr(head + 4, length);
    received.erase(0, head + 4 + length);
    request.connection = connection;
    Answer answer(*this, fd);
    if (request.method == "POST") {
      request.number = ++posts_;
      const int now = ++in_flight_;
      for (int most = most_in_flight_; now > most && !most_in_flight_.compare_exchange_weak(most, now);) {
      }
    }
    handler_(request, answer);
    if (request.method == "POST") --in_flight_;
    if (answer.dropped_ || request.head.find("Connection: close") != std::string::npos) {
      ::shutdown(fd, SHUT_RDWR);
      return;
    }
  }
}

void ScriptedEngine::Answer::Send(const std::string& bytes) {
  for (std::size_t at = 0; at < bytes.size();) {
    const ssize_t n = ::send(fd_, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
    if (n <= 0) return;
    at += static_cast<std::size_t>(n);
  }
}

void ScriptedEngine::Answer::Chunk(const std::string& bytes) {
  char size[24];
  std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
  Send(size + bytes + "\r\n");
}

void ScriptedEngine::Answer::Json(int status, const std::string& body, const std::string& more_headers) {
  Send("HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Type: application/json\r\nContent-Length: " +
       std::to_string(body.size()) + "\r\n" + more_headers + "\r\n" + body);
}

void ScriptedEngine::Answer::Begin(const std::string& more_headers) {
  Send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n" + more_headers + "\r\n");
}

void ScriptedEngine::Answer::Event(const std::string& json) { Chunk("data: " + json + "\n\n"); }

void ScriptedEngine::Answer::Text(const std::string& text) {
  Event(R"({"id":"cmpl-1","object":"text_completion","choices":[{"index":0,"text":")" + text +
        R"(","logprobs":null,"finish_reason":null}],"usage":null})");
}

void ScriptedEngine::Answer::Finish(int input_tokens, int output_tokens) {
  Event(R"({"choices":[],"usage":{"prompt_tokens":)" + std::to_string(input_tokens) + R"(,"completion_tokens":)" +
        std::to_string(output_tokens) + "}}");
  // The end of the stream and the last chunk in one piece, so that a client is never between the two.
  const std::string done = "data: [DONE]\n\n";
  Send("e\r\n" + done + "\r\n0\r\n\r\n");
}

void ScriptedEngine::Answer::End() { Send("0\r\n\r\n"); }

void ScriptedEngine::Answer::Completion(int input_tokens, int tokens, std::chrono::milliseconds first,
                                        std::chrono::milliseconds gap) {
  Begin();
  for (int i = 0; i < tokens; ++i) {
    if (!Wait(i == 0 ? first : gap)) return;
    Text(" x");
  }
  Finish(input_tokens, tokens);
}

bool ScriptedEngine::Answer::Wait(std::chrono::milliseconds time) {
  std::unique_lock lock(engine_.mutex_);
  if (time.count() == 0) return !engine_.stopping_;
  return !engine_.changed_.wait_for(lock, time, [this] { return engine_.stopping_; });
}

}  // namespace autotune::bench
