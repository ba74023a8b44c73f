#include "bench/load_generator.h"

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <limits>
#include <optional>
#include <utility>

#include "bench/clean_text.h"
#include "bench/completion_stream.h"

namespace autotune::bench {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Clock = std::chrono::steady_clock;
using boost::system::error_code;
using std::chrono::milliseconds;

constexpr milliseconds kInterruptInterval{50};
constexpr milliseconds kLoopInterval{10};
constexpr milliseconds kPauseAfterError{20};  // a refused connection must not become a busy loop
constexpr std::size_t kMaxErrorBody = 16 * 1024;
constexpr std::size_t kMaxAnswerBody = 4u << 20;

bool IsTrue(beast::string_view value) { return beast::iequals(value, "true"); }

double Milliseconds(Clock::duration time) { return std::chrono::duration<double, std::milli>(time).count(); }

std::string Seconds(milliseconds time) {
  std::string text = std::to_string(static_cast<double>(time.count()) / 1000);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text + " s";
}

// What all users of a running step share.
struct StepState {
  const LoadStep& step;
  StepReport report;
  std::vector<double> issue_lag, loop_lag;
  Clock::time_point origin, deadline;
  std::uint64_t next_index = 0;
  bool stopping = false;
  int active = 0;

  [[nodiscard]] bool MayIssue() const {
    return !stopping && next_index < static_cast<std::uint64_t>(step.max_requests) && Clock::now() < deadline;
  }
  void Fail(const std::string& text, int status) {
    if (report.errors++ == 0) {
      report.first_error = CleanText(text, 400);
      report.first_error_status = status;
    }
    // An engine that refuses everything refuses quickly: do not repeat it thousands of times.
    const std::int64_t enough = std::max<std::int64_t>(2 * step.concurrency, 16);
    if (report.completed.empty() && report.errors >= enough) report.hopeless = stopping = true;
  }
};

// One place of the closed loop: sends a request, reads its answer, sends the next. Its owner keeps it until the event
// loop has run dry, so handlers may hold `this`.
class User {
 public:
  User(asio::io_context& io, StepState& state, asio::ip::tcp::endpoint endpoint)
      : stream_(io), pause_(io), state_(state), endpoint_(std::move(endpoint)) {}

  void Start() {
    free_since_ = Clock::now();
    Next();
  }

  void Cancel() {
    pause_.cancel();
    stream_.close();
  }

 private:
  void Next() {
    if (!state_.MayIssue()) {
      stream_.close();
      if (--state_.active == 0 && on_idle) on_idle();
      return;
    }
    request_.method(http::verb::post);
    request_.target("/v1/completions");
    request_.version(11);
    request_.set(http::field::host, "127.0.0.1");
    request_.set(http::field::user_agent, "autotune-bench");
    request_.set(http::field::content_type, "application/json");
    request_.set(http::field::accept, "text/event-stream");
    request_.body() = CompletionBody(state_.step.series, state_.next_index++);
    request_.prepare_payload();
    completion_.Reset();
    first_token_.reset();
    retried_ = false;
    start_ = Clock::now();
    stream_.expires_after(state_.step.request_timeout);
    if (connected_) {
      reused_ = true;
      Send();
    } else {
      Connect();
    }
  }

  void Connect() {
    reused_ = false;
    stream_.async_connect(endpoint_, [this](error_code error) {
      if (error) return Broken("cannot connect: ", error);
      connected_ = true;
      error_code ignored;
      stream_.socket().set_option(asio::ip::tcp::no_delay(true), ignored);
      Send();
    });
  }

  void Send() {
    if (!retried_) state_.issue_lag.push_back(Milliseconds(Clock::now() - free_since_));
    parser_.emplace();
    // Not boost::none: in Boost 1.74 that refuses every body with a Content-Length.
    parser_->body_limit(std::numeric_limits<std::uint64_t>::max());
    error_body_.clear();
    http::async_write(stream_, request_, [this](error_code error, std::size_t) {
      if (error) return Broken("cannot send: ", error);
      http::async_read_header(stream_, buffer_, *parser_, [this](error_code read_error, std::size_t) {
        if (read_error) return Broken("no answer: ", read_error);
        if (IsTrue(parser_->get()["X-Simulated"])) state_.report.simulated = true;
        parser_->is_done() ? Finish() : Read();
      });
    });
  }

  void Read() {
    parser_->get().body().data = piece_.data();
    parser_->get().body().size = piece_.size();
    parser_->get().body().more = true;
    http::async_read_some(stream_, buffer_, *parser_, [this](error_code error, std::size_t) {
      if (error == http::error::need_buffer) error = {};
      if (error) return Broken("answer broke off: ", error);
      const std::string_view bytes(piece_.data(), piece_.size() - parser_->get().body().size);
      if (parser_->get().result() == http::status::ok) {
        if (completion_.Append(bytes).text) {
          last_token_ = Clock::now();
          if (!first_token_) first_token_ = last_token_;
        }
      } else if (error_body_.size() < kMaxErrorBody) {
        error_body_ += bytes;
      }
      parser_->is_done() ? Finish() : Read();
    });
  }

  void Finish() {
    if (!parser_->keep_alive()) Close();
    const int status = static_cast<int>(parser_->get().result_int());
    const std::string error = completion_.error();
    const auto usage = completion_.usage();
    if (status != 200) {
      state_.Fail("HTTP " + std::to_string(status) + ": " + ErrorMessage(error_body_), status);
    } else if (!error.empty()) {
      state_.Fail("the engine gave up in the middle of its answer: " + error, status);
    } else if (!completion_.done()) {
      state_.Fail("the answer ended without [DONE]", status);
    } else if (!usage) {
      state_.Fail("the answer has no usage: the number of tokens is not known", status);
    } else if (!first_token_) {
      state_.Fail("the answer has " + std::to_string(usage->output_tokens) + " tokens and no text", status);
    } else {
      state_.report.completed.push_back({start_ - state_.origin, *first_token_ - state_.origin,
                                         last_token_ - state_.origin, usage->input_tokens, usage->output_tokens});
    }
    free_since_ = Clock::now();
    Next();
  }

  void Close() {
    stream_.close();
    connected_ = false;
    buffer_.clear();
  }

  void Broken(const char* what, error_code error) {
    const bool nothing_received = !parser_ || !parser_->got_some();
    Close();
    // Not the engine's fault. Whatever the error: an operation that had succeeded when Cancel() closed its connection
    // makes the next one fail with a bad descriptor, and that must not send the request again.
    if (state_.report.interrupted) return Next();
    // The engine may close an idle connection at the moment it is used again: that request never reached it.
    if (reused_ && !retried_ && nothing_received && error != beast::error::timeout) {
      retried_ = true;
      return Connect();
    }
    state_.Fail(error == beast::error::timeout ? "no complete answer within " + Seconds(state_.step.request_timeout)
                                               : what + error.message(),
                0);
    pause_.expires_after(kPauseAfterError);
    pause_.async_wait([this](error_code) {
      free_since_ = Clock::now();
      Next();
    });
  }

 public:
  std::function<void()> on_idle;  // after the last user of the step has ended

 private:
  beast::tcp_stream stream_;
  asio::steady_timer pause_;
  StepState& state_;
  asio::ip::tcp::endpoint endpoint_;
  http::request<http::string_body> request_;
  std::optional<http::response_parser<http::buffer_body>> parser_;
  beast::flat_buffer buffer_;
  std::array<char, 16 * 1024> piece_;
  std::string error_body_;
  CompletionStream completion_;
  Clock::time_point start_, last_token_, free_since_;
  std::optional<Clock::time_point> first_token_;
  bool connected_ = false, reused_ = false, retried_ = false;
};

}  // namespace

struct LoadGenerator::Impl {
  explicit Impl(int port)
      : endpoint(asio::ip::address_v4::loopback(), static_cast<std::uint16_t>(port)), io(1), watch(io), pulse(io) {}

  void Watch(StepState& state, std::vector<std::unique_ptr<User>>& users) {
    watch.expires_after(kInterruptInterval);
    watch.async_wait([this, &state, &users](error_code error) {
      // A timer that expired together with the last answer is past cancelling: without the second condition it would
      // wait again, and the step would never end.
      if (error || state.active == 0) return;
      if (interrupted && interrupted()) {
        state.report.interrupted = state.stopping = true;
        for (const auto& user : users) user->Cancel();
        return;
      }
      Watch(state, users);
    });
  }

  void Pulse(StepState& state) {
    pulse.expires_after(kLoopInterval);
    pulse.async_wait([this, &state](error_code error) {
      if (error || state.active == 0) return;  // as in Watch()
      state.loop_lag.push_back(Milliseconds(Clock::now() - pulse.expiry()));
      Pulse(state);
    });
  }

  base::Result<Answer> Exchange(http::request<http::string_body> request, milliseconds timeout) {
    request.set(http::field::host, "127.0.0.1");
    request.set(http::field::user_agent, "autotune-bench");
    request.set(http::field::connection, "close");
    request.prepare_payload();
    beast::tcp_stream stream(io);
    http::response_parser<http::string_body> parser;
    parser.body_limit(kMaxAnswerBody);
    beast::flat_buffer buffer;
    error_code result = asio::error::would_block;
    stream.expires_after(timeout);
    stream.async_connect(endpoint, [&](error_code error) {
      if ((result = error)) return;
      http::async_write(stream, request, [&](error_code write_error, std::size_t) {
        if ((result = write_error)) return;
        http::async_read(stream, buffer, parser, [&](error_code read_error, std::size_t) { result = read_error; });
      });
    });
    io.restart();
    io.run();
    if (result) {
      return base::Retry(std::string(request.method_string()) + " " + std::string(request.target()) + ": " +
                         result.message());
    }
    return Answer{static_cast<int>(parser.get().result_int()), std::move(parser.get().body()),
                  IsTrue(parser.get()["X-Simulated"])};
  }

  asio::ip::tcp::endpoint endpoint;
  asio::io_context io;
  asio::steady_timer watch, pulse;
  std::function<bool()> interrupted;
};

LoadGenerator::LoadGenerator(int port) : impl_(std::make_unique<Impl>(port)) {}
LoadGenerator::~LoadGenerator() = default;

void LoadGenerator::set_interrupted(std::function<bool()> interrupted) { impl_->interrupted = std::move(interrupted); }

StepReport LoadGenerator::RunStep(const LoadStep& step) {
  StepState state{step, {}, {}, {}, Clock::now(), Clock::now() + step.duration};
  std::vector<std::unique_ptr<User>> users;
  const auto places = std::min<std::int64_t>(step.concurrency, step.max_requests);
  for (std::int64_t i = 0; i < places; ++i) {
    users.push_back(std::make_unique<User>(impl_->io, state, impl_->endpoint));
    users.back()->on_idle = [this] {
      impl_->watch.cancel();
      impl_->pulse.cancel();
    };
  }
  state.active = static_cast<int>(places);
  impl_->io.restart();
  impl_->Watch(state, users);
  impl_->Pulse(state);
  for (const auto& user : users) user->Start();
  impl_->io.run();
  state.report.issue_lag = Summarize(std::move(state.issue_lag));
  state.report.loop_lag = Summarize(std::move(state.loop_lag));
  return std::move(state.report);
}

base::Result<LoadGenerator::Answer> LoadGenerator::Get(const std::string& path, milliseconds timeout) {
  return impl_->Exchange({http::verb::get, path, 11}, timeout);
}

base::Result<LoadGenerator::Answer> LoadGenerator::Post(const std::string& path, const std::string& body,
                                                        milliseconds timeout) {
  http::request<http::string_body> request(http::verb::post, path, 11);
  request.set(http::field::content_type, "application/json");
  request.body() = body;
  return impl_->Exchange(std::move(request), timeout);
}

}  // namespace autotune::bench
