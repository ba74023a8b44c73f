#include "bench/exchange.h"

#include "bench/connection.h"

namespace autotune::bench {
namespace {

constexpr std::size_t kMaxBody = 16u << 20;

class Once final : public Connection::Listener {
 public:
  explicit Once(EventLoop& loop) : loop_(loop) {}
  void OnHead(const HttpResponse& head) override {
    answer.status = head.status();
    answer.simulated = IsSimulated(head);
  }
  void OnBody(std::string_view piece, SteadyTime, SteadyTime) override {
    if (answer.body.size() + piece.size() <= kMaxBody) answer.body += piece;
  }
  void OnEnd() override { loop_.Stop(); }
  void OnBroken(const std::string& why) override {
    problem = why;
    loop_.Stop();
  }

  Answer answer;
  std::string problem;

 private:
  EventLoop& loop_;
};

}  // namespace

base::Result<Answer> Exchange(EventLoop& loop, Server& server, std::string_view method, std::string_view path,
                              std::string_view body, std::chrono::milliseconds timeout) {
  Once once(loop);
  Connection connection(loop, server, once);
  const auto timer = loop.At(std::chrono::steady_clock::now() + timeout, [&] {
    once.problem = "no complete answer within " + std::to_string(timeout.count()) + " ms";
    loop.Stop();
  });
  connection.Send(method, path, body);
  loop.Run();
  loop.Cancel(timer);
  if (!once.problem.empty()) {
    return base::Retry(std::string(method) + " " + server.url().ToString() + std::string(path) + ": " + once.problem);
  }
  return std::move(once.answer);
}

bool IsSimulated(const HttpResponse& head) {
  const std::string_view value = head.header("x-simulated");
  return value == "true" || value == "True" || value == "TRUE";
}

}  // namespace autotune::bench
