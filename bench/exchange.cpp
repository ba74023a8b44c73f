#include "bench/exchange.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <memory>
#include <optional>
#include <system_error>

#include "bench/clean_text.h"
#include "bench/completion_stream.h"
#include "bench/connection.h"

namespace autotune::bench {
namespace {

constexpr std::size_t kMaxBody = 16u << 20;
constexpr std::chrono::milliseconds kInterruptCheck{50};  // at whether to continue

// What all lanes share: which request is next, and what the answers were.
struct Queue {
  EventLoop& loop;
  Server& server;
  std::string_view method, path;
  std::span<const std::string_view> bodies;
  std::chrono::milliseconds timeout;
  std::vector<std::optional<base::Result<Answer>>> answers;
  std::size_t next = 0, ended = 0;

  [[nodiscard]] base::Error Broken(const std::string& why) const {
    return base::Retry(std::string(method) + " " + server.url().ToString() + std::string(path) + ": " + why);
  }
};

// One connection, one request after the other.
class Lane final : public Connection::Listener {
 public:
  explicit Lane(Queue& queue) : queue_(queue), connection_(queue.loop, queue.server, *this) {}
  ~Lane() override { queue_.loop.Cancel(timer_); }
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  void SendNext() {
    if (queue_.next == queue_.bodies.size()) return;
    current_ = queue_.next++;
    answer_ = {};
    timer_ = queue_.loop.At(std::chrono::steady_clock::now() + queue_.timeout, [this] {
      connection_.Close();
      End(queue_.Broken("no complete answer within " + std::to_string(queue_.timeout.count()) + " ms"));
    });
    connection_.Send(queue_.method, queue_.path, queue_.bodies[current_]);
  }

 private:
  void OnHead(const HttpResponse& head) override {
    answer_.status = head.status();
    answer_.location = head.header("location");
    answer_.simulated = IsSimulated(head);
  }
  void OnBody(std::string_view piece, SteadyTime, SteadyTime) override {
    if (answer_.body.size() + piece.size() <= kMaxBody) answer_.body += piece;
  }
  void OnEnd() override { End(std::move(answer_)); }
  void OnBroken(const std::string& why) override { End(queue_.Broken(why)); }

  void End(base::Result<Answer> answer) {
    queue_.loop.Cancel(timer_);
    queue_.answers[current_] = std::move(answer);
    if (++queue_.ended == queue_.bodies.size()) queue_.loop.Stop();
    SendNext();
  }

  Queue& queue_;
  Connection connection_;
  std::size_t current_ = 0;
  Answer answer_;
  EventLoop::TimerId timer_ = 0;
};

std::vector<base::Result<Answer>> RunQueue(Queue& queue, std::size_t in_flight,
                                           const std::function<bool()>& interrupted) {
  queue.answers.resize(queue.bodies.size());
  std::vector<std::unique_ptr<Lane>> lanes;
  for (std::size_t i = 0; i < std::min(in_flight, queue.bodies.size()); ++i) {
    lanes.push_back(std::make_unique<Lane>(queue));
    lanes.back()->SendNext();
  }
  EventLoop::TimerId timer = 0;
  const std::function<void()> look = [&] {
    if (interrupted()) queue.loop.Stop();
    timer = queue.loop.At(std::chrono::steady_clock::now() + kInterruptCheck, look);
  };
  timer = queue.loop.At(std::chrono::steady_clock::now() + kInterruptCheck, look);
  queue.loop.Run();
  queue.loop.Cancel(timer);
  std::vector<base::Result<Answer>> answers;
  for (auto& answer : queue.answers) {
    answers.push_back(answer ? *std::move(answer)
                             : base::Result<Answer>(base::Error{base::Code::kCancelled, "interrupted"}));
  }
  return answers;
}

}  // namespace

std::vector<base::Result<Answer>> ExchangeAll(EventLoop& loop, Server& server, std::string_view method,
                                              std::string_view path, std::span<const std::string> bodies,
                                              std::size_t in_flight, std::chrono::milliseconds timeout,
                                              const std::function<bool()>& interrupted) {
  if (bodies.empty()) return {};
  const std::vector<std::string_view> views(bodies.begin(), bodies.end());
  Queue queue{loop, server, method, path, views, timeout, {}};
  return RunQueue(queue, in_flight, interrupted);
}

base::Result<Answer> Exchange(EventLoop& loop, Server& server, std::string_view method, std::string_view path,
                              std::string_view body, std::chrono::milliseconds timeout) {
  const std::string_view bodies[] = {body};
  Queue queue{loop, server, method, path, bodies, timeout, {}};
  return std::move(RunQueue(queue, 1, [] { return false; }).front());
}

std::string StatusText(int status, std::string_view location, std::string_view body) {
  constexpr std::size_t kMaxUrl = 200;
  const std::string text = "HTTP " + std::to_string(status) + ": ";
  if (status >= 300 && status < 400 && !location.empty()) {
    return text + "it redirects to " + CleanText(location, kMaxUrl) + ": use that URL";
  }
  return text + ErrorMessage(body);
}

std::chrono::milliseconds RetryAfterOf(std::string_view value, std::time_t now) {
  constexpr double kMost = 86400;
  double seconds = 0;
  const auto [stop, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (error != std::errc() || stop != value.data() + value.size()) {
    std::tm date{};
    const std::string text(value);
    const char* end = ::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &date);
    if (end == nullptr || *end != '\0') return {};
    seconds = std::difftime(::timegm(&date), now);
  }
  if (!(seconds > 0)) return {};
  return std::chrono::milliseconds(std::llround(1e3 * std::min(seconds, kMost)));
}

bool IsSimulated(const HttpResponse& head) {
  const std::string_view value = head.header("x-simulated");
  return value == "true" || value == "True" || value == "TRUE";
}

}  // namespace autotune::bench
