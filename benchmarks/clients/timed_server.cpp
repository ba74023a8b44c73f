// A server of known timing: every answer's first token leaves TTFT after its request was read, the others ITL apart,
// however many requests there are. It keeps what it really did, so that a client can be compared with the truth and not
// with the plan.
//
//   timed_server PORT TTFT_MS ITL_MS
//   GET /truth -> {"requests", "tokens", "ttft_ms": {"mean", "p50", "p99"}, "itl_ms": {...}, "e2e_ms": {...},
//                  "tokens_per_second", "busy_seconds"} of what was sent since the last GET /reset, and "all_tokens"
//
// Single-threaded, on the bench's event loop.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <queue>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/ascii_case.h"
#include "bench/event_loop.h"
#include "bench/priority.h"
#include "bench/stamped_socket.h"

namespace {

using autotune::bench::EventLoop;
using autotune::bench::SteadyTime;
using std::chrono::nanoseconds;

double Milliseconds(nanoseconds time) { return std::chrono::duration<double, std::milli>(time).count(); }

class Truth {
 public:
  void Reset() {
    const std::size_t all = all_tokens_;
    *this = Truth();
    all_tokens_ = all;
  }
  void First(nanoseconds after) { ttft_.push_back(Milliseconds(after)); }
  void Gap(nanoseconds gap) { itl_.push_back(Milliseconds(gap)); }
  void End(nanoseconds after) { e2e_.push_back(Milliseconds(after)); }
  void Token(SteadyTime at) {
    ++all_tokens_;
    if (tokens_++ == 0) first_ = at;
    last_ = at;
  }
  std::string Json() {
    const double seconds = Milliseconds(last_ - first_) / 1e3;
    char head[256];
    std::snprintf(
        head, sizeof head,
        "{\"all_tokens\":%zu,\"requests\":%zu,\"tokens\":%zu,\"tokens_per_second\":%.3f,\"busy_seconds\":%.3f",
        all_tokens_, e2e_.size(), tokens_, seconds > 0 ? static_cast<double>(tokens_) / seconds : 0.0, seconds);
    return head + Distribution("ttft_ms", ttft_) + Distribution("itl_ms", itl_) + Distribution("e2e_ms", e2e_) + "}";
  }

 private:
  static std::string Distribution(const char* name, std::vector<double>& values) {
    std::sort(values.begin(), values.end());
    double sum = 0;
    for (const double value : values) sum += value;
    const auto quantile = [&](double share) {  // type 7
      if (values.empty()) return 0.0;
      const double rank = share * static_cast<double>(values.size() - 1);
      const auto below = static_cast<std::size_t>(rank);
      const std::size_t above = std::min(below + 1, values.size() - 1);
      return values[below] + (values[above] - values[below]) * (rank - static_cast<double>(below));
    };
    char text[160];
    std::snprintf(text, sizeof text, ",\"%s\":{\"mean\":%.4f,\"p50\":%.4f,\"p99\":%.4f}", name,
                  values.empty() ? 0 : sum / static_cast<double>(values.size()), quantile(0.5), quantile(0.99));
    return text;
  }
  std::vector<double> ttft_, itl_, e2e_;
  std::size_t tokens_ = 0, all_tokens_ = 0;
  SteadyTime first_, last_;
};

class TimedServer;

class Peer final : public EventLoop::Handler {
 public:
  Peer(TimedServer& server, int fd, std::uint64_t serial) : server_(server), fd_(fd), serial_(serial) {}
  void OnReady(std::uint32_t events) override;
  // The token that is due now; false when it was the last.
  bool Token();
  [[nodiscard]] SteadyTime next() const { return next_; }
  [[nodiscard]] std::uint64_t serial() const { return serial_; }

 private:
  void Request(std::string_view head, std::string_view body);
  void Send(std::string_view bytes);

  TimedServer& server_;
  int fd_;
  std::uint64_t serial_;
  std::string received_;
  bool chat_ = false;
  int tokens_ = 0, sent_ = 0, prompt_tokens_ = 0;
  SteadyTime read_, next_, last_sent_;
};

class TimedServer final : public EventLoop::Handler {
 public:
  TimedServer(int port, nanoseconds first, nanoseconds gap) : ttft(first), itl(gap) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener_, 4096) != 0) {
      std::perror("timed_server");
      std::exit(1);
    }
    loop.Watch(listener_, EPOLLIN, *this);
  }

  void OnReady(std::uint32_t) override {
    for (;;) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) return;
      const int on = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      autotune::bench::EnableStamps(fd);
      auto peer = std::make_unique<Peer>(*this, fd, ++serials_);
      loop.Watch(fd, EPOLLIN, *peer);
      peers_[fd] = std::move(peer);
    }
  }

  void Due(Peer& peer, int fd) {
    due_.push({peer.next(), fd, peer.serial()});
    Arm();
  }

  void Close(int fd, Peer& peer) {
    loop.Forget(fd, peer);
    ::close(fd);
    // Not here: its own handler called.
    std::shared_ptr<Peer> gone = std::move(peers_[fd]);
    peers_.erase(fd);
    loop.At(std::chrono::steady_clock::now(), [gone] {});
  }

  EventLoop loop;
  const nanoseconds ttft, itl;
  Truth truth;

 private:
  struct Entry {
    SteadyTime time;
    int fd;
    std::uint64_t serial;
    bool operator<(const Entry& other) const { return time > other.time; }  // the earliest on top
  };
  void Arm() {
    if (due_.empty() || (armed_ && armed_time_ <= due_.top().time)) return;
    if (armed_) loop.Cancel(timer_);
    armed_ = true;
    armed_time_ = due_.top().time;
    timer_ = loop.At(armed_time_, [this] {
      armed_ = false;
      while (!due_.empty() && due_.top().time <= std::chrono::steady_clock::now()) {
        const Entry entry = due_.top();
        due_.pop();
        const auto peer = peers_.find(entry.fd);
        if (peer == peers_.end() || peer->second->serial() != entry.serial) continue;  // its client is gone
        if (peer->second->Token()) due_.push({peer->second->next(), entry.fd, entry.serial});
      }
      Arm();
    });
  }

  int listener_;
  std::uint64_t serials_ = 0;
  std::unordered_map<int, std::unique_ptr<Peer>> peers_;
  std::priority_queue<Entry> due_;
  bool armed_ = false;
  SteadyTime armed_time_;
  EventLoop::TimerId timer_ = 0;
};

void Peer::OnReady(std::uint32_t) {
  char buffer[65536];
  for (;;) {
    const auto read = autotune::bench::ReadStamped(fd_, buffer, server_.loop.wall_offset());
    if (read.count == 0 || (read.count < 0 && errno != EAGAIN)) return server_.Close(fd_, *this);
    if (read.count < 0) break;
    received_.append(buffer, static_cast<std::size_t>(read.count));
    read_ = read.arrived;
  }
  const std::size_t end = received_.find("\r\n\r\n");
  if (end == std::string::npos) return;
  const std::string head = base::AsciiLower(received_.substr(0, end));
  const std::size_t at = head.find("content-length:");
  const std::size_t length = at == std::string::npos ? 0 : std::strtoul(head.c_str() + at + 15, nullptr, 10);
  if (received_.size() < end + 4 + length) return;
  const std::string body = received_.substr(end + 4, length);
  received_.erase(0, end + 4 + length);
  Request(head, body);
}

void Peer::Send(std::string_view bytes) {
  // Small and rare enough for the socket's buffer: what does not fit would be a client that does not read.
  if (::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0) return;
}

void Peer::Request(std::string_view head, std::string_view body) {
  const auto answer = [&](const std::string& json) {
    Send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(json.size()) +
         "\r\n\r\n" + json);
  };
  if (head.starts_with("get")) {
    if (head.find(" /truth ") != std::string_view::npos) return answer(server_.truth.Json());
    if (head.find(" /reset ") != std::string_view::npos) server_.truth.Reset();
    if (head.find(" /v1/models ") != std::string_view::npos) {
      return answer(R"({"object":"list","data":[{"id":"timed","object":"model","owned_by":"timed"}]})");
    }
    return answer("{}");
  }
  chat_ = head.find("/chat/") != std::string_view::npos;
  tokens_ = 16;
  for (const std::string_view key : {"\"max_tokens\":", "\"max_completion_tokens\":"}) {
    const std::size_t at = body.find(key);
    if (at != std::string_view::npos) tokens_ = std::atoi(std::string(body.substr(at + key.size(), 12)).c_str());
  }
  tokens_ = std::max(tokens_, 1);
  prompt_tokens_ = static_cast<int>(body.size() / 5);
  sent_ = 0;
  next_ = read_ + server_.ttft;
  server_.Due(*this, fd_);
}

bool Peer::Token() {
  std::string event = chat_
                          ? R"(data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"timed",)"
                            R"("choices":[{"index":0,"delta":{"content":" x"},"logprobs":null,"finish_reason":null}]})"
                          : R"(data: {"id":"cmpl-1","object":"text_completion","created":1,"model":"timed",)"
                            R"("choices":[{"index":0,"text":" x","logprobs":null,"finish_reason":null}]})";
  event += "\n\n";
  const auto chunk = [](const std::string& data) {
    char size[24];
    std::snprintf(size, sizeof size, "%zx\r\n", data.size());
    return size + data + "\r\n";
  };
  std::string out;
  if (sent_ == 0) {
    out = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n";
  }
  out += chunk(event);
  const bool last = ++sent_ == tokens_;
  if (last) {
    const std::string usage = "{\"prompt_tokens\":" + std::to_string(prompt_tokens_) +
                              ",\"completion_tokens\":" + std::to_string(tokens_) +
                              ",\"total_tokens\":" + std::to_string(prompt_tokens_ + tokens_) + "}";
    out +=
        chunk(std::string("data: {\"id\":\"x\",\"object\":\"") + (chat_ ? "chat.completion.chunk" : "text_completion") +
              "\",\"created\":1,\"model\":\"timed\",\"choices\":[],\"usage\":" + usage + "}\n\n");
    out += chunk("data: [DONE]\n\n") + "0\r\n\r\n";
  }
  // The time of the send is the truth: on the loopback the bytes are in the client's socket when it returns.
  const SteadyTime now = std::chrono::steady_clock::now();
  Send(out);
  server_.truth.Token(now);
  if (sent_ == 1) {
    server_.truth.First(now - read_);
  } else {
    server_.truth.Gap(now - last_sent_);
  }
  if (last) server_.truth.End(now - read_);
  last_sent_ = now;
  next_ = read_ + server_.ttft + sent_ * server_.itl;
  return !last;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: timed_server PORT TTFT_MS ITL_MS\n");
    return 2;
  }
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  const auto time = [](const char* text) { return nanoseconds(std::llround(std::atof(text) * 1e6)); };
  autotune::bench::AskForPriority();  // it is the clock of the comparison: no client gets better by its lateness
  TimedServer server(std::atoi(argv[1]), time(argv[2]), time(argv[3]));
  server.loop.Run();
}
