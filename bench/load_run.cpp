#include "bench/load_run.h"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <deque>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "bench/arrival.h"
#include "bench/clean_text.h"
#include "bench/completion_stream.h"
#include "bench/connection.h"
#include "bench/exchange.h"

namespace autotune::bench {
namespace {

using measurement::LoadKind;
using measurement::RequestOutcome;
using std::chrono::milliseconds;

constexpr milliseconds kTimeoutSweep{50};
constexpr milliseconds kPauseAfterError{20};  // a refused connection must not become a busy loop
constexpr milliseconds kLongestPause{1000};   // of a place that is refused again and again
constexpr milliseconds kLongestRetryAfter{60'000};
constexpr std::size_t kMaxErrorBody = 16 * 1024;
constexpr std::size_t kMaxErrorText = 400;

// The server has no room now: the same request may be accepted later.
bool IsRefusedForNow(int status) { return status == 408 || status == 429 || status == 503; }

RequestOutcome OutcomeOfStatus(int status) {
  return status >= 500 ? RequestOutcome::kServerError : RequestOutcome::kRefused;
}

}  // namespace

// An arrival. `waiting`: the record of one that found no free place when it was due.
struct Due {
  SteadyTime time;
  std::optional<std::size_t> waiting;
};

struct LoadRun::State {
  State(EventLoop& the_loop, Server& the_server, const Workload& the_workload, Recorder& the_recorder,
        LoadRunOptions the_options)
      : loop(the_loop), server(the_server), workload(the_workload), recorder(the_recorder), options(the_options) {}

  [[nodiscard]] bool MayStart() const {
    const auto asked = started + static_cast<std::int64_t>(waiting.size());
    return !stopping && (options.max_requests == 0 || asked < options.max_requests);
  }
  void Fail(const std::string& text, int status, milliseconds retry_after) {
    if (status == 429) ++report.rate_limited;
    if (!report.first_error.empty()) return;
    report.first_error = CleanText(text, kMaxErrorText);
    report.first_error_status = status;
    report.first_retry_after = retry_after;
  }
  void LookNow();
  void LookAt(SteadyTime time);
  void Sweep();
  void NextArrival();
  Place& FreePlace();

  EventLoop& loop;
  Server& server;
  const Workload& workload;
  Recorder& recorder;
  LoadRunOptions options;
  LoadRunReport report;
  Look look;
  bool stopping = false;
  std::int64_t started = 0;
  std::vector<std::unique_ptr<Place>> places;
  std::vector<Place*> free;                                            // open loop
  std::deque<Due> waiting;                                             // open loop: due, and no place is free
  std::deque<std::pair<Workload::Conversation, std::string>> talking;  // open loop: next turns, with the last answer
  std::optional<ArrivalTimes> arrivals;
  std::optional<EventLoop::TimerId> look_timer, arrival_timer, sweep_timer;
  // The next new conversation, made before it is due: a long prompt takes longer to write than a request may be late.
  std::optional<std::pair<Workload::Conversation, Request>> prepared;

  void Prepare() {
    if (prepared || !MayStart()) return;
    Workload::Conversation conversation = workload.Start(options.first_conversation + report.conversations++);
    Request request = workload.Next(conversation, "");
    prepared.emplace(std::move(conversation), std::move(request));
  }
};

// Sends one request after the other on its own connection. Its owner keeps it until the loop has stopped.
class LoadRun::Place final : public Connection::Listener {
 public:
  explicit Place(State& state) : state_(state), connection_(state.loop, state.server, *this) {
    stream_.set_keeps_text(state.workload.needs_answers());
  }
  ~Place() override {
    if (pause_) state_.loop.Cancel(*pause_);
  }

  // The next request of the closed loop.
  void Next(SteadyTime due) {
    if (!state_.MayStart()) return;
    if (conversation_ && conversation_->HasNext()) {
      const Request request = state_.workload.Next(*conversation_, stream_.escaped_text());
      Send(request, {due, std::nullopt});
    } else {
      Begin({due, std::nullopt});
    }
  }

  void Begin(const Due& due) {  // a new conversation
    state_.Prepare();
    if (!state_.prepared) return;
    auto [conversation, request] = *std::move(state_.prepared);
    state_.prepared.reset();
    conversation_ = std::move(conversation);
    Send(request, due);
    state_.Prepare();
  }

  // The next turn of a conversation that another place may have begun.
  void Continue(Workload::Conversation conversation, const std::string& answer, const Due& due) {
    conversation_ = std::move(conversation);
    const Request request = state_.workload.Next(*conversation_, answer);
    Send(request, due);
  }

  void GiveUpIfLate(SteadyTime now) {
    if (!record_ || now - start_ <= state_.options.request_timeout) return;
    connection_.Close();
    char text[64];
    std::snprintf(text, sizeof text, "no complete answer within %g s",
                  std::chrono::duration<double>(state_.options.request_timeout).count());
    Failed(RequestOutcome::kTimedOut, text, 0);
  }

  void GiveUp() {
    connection_.Close();
    record_.reset();
  }

 private:
  void Send(const Request& request, const Due& due) {
    ++state_.started;
    stream_.Reset();
    error_body_.clear();
    status_ = 0;
    retry_after_ = {};
    const SteadyTime now = std::chrono::steady_clock::now();
    // Waiting for a place is the server's doing, not this client's lag: the request's clock began when it was due.
    start_ = due.waiting ? due.time : now;
    record_ = due.waiting ? due.waiting : state_.recorder.Start(due.time, start_, request);
    if (due.waiting) state_.recorder.Send(*due.waiting, request, now);
    last_arrived_ = now;
    if (!state_.report.first_answered) sent_ = request;
    connection_.Send("POST", state_.workload.path(), request.body);
  }

  void OnHead(const HttpResponse& head) override {
    status_ = head.status();
    location_ = head.header("location");
    retry_after_ = std::min(RetryAfterOf(head.header("retry-after"), std::time(nullptr)), kLongestRetryAfter);
    encoding_ = head.header("content-encoding");
    type_ = head.header("content-type");
    if (IsSimulated(head)) state_.report.simulated = true;
  }

  void OnBody(std::string_view piece, SteadyTime arrived, SteadyTime seen) override {
    last_arrived_ = arrived;
    const bool document = IsDocument();
    if (status_ != 200 || document) {
      if (error_body_.size() < kMaxErrorBody) error_body_ += piece;
      if (!document) return;
    }
    if (const int events = stream_.Append(piece); events > 0) state_.recorder.Output(*record_, events, arrived, seen);
  }

  void OnEnd() override {
    const auto usage = stream_.usage();
    const std::size_t outputs = state_.recorder.records()[*record_].events.size();
    if (status_ != 200) {
      return Failed(OutcomeOfStatus(status_), StatusText(status_, location_, error_body_), status_);
    }
    if (const std::string error = stream_.error(); !error.empty()) {
      return Failed(RequestOutcome::kErrorEvent, "the engine reported an error within its answer: " + error,
                    stream_.error_code());
    }
    if (!stream_.done()) return Failed(RequestOutcome::kConnectionLost, WhyNotDone(), status_);
    if (!usage) {
      return Failed(
          RequestOutcome::kErrorEvent,
          "the answer has no usage, so the number of tokens is not known: the server, or a gateway before it, ignores "
          "stream_options.include_usage",
          status_);
    }
    if (outputs == 0) {
      return Failed(RequestOutcome::kNoTokens,
                    "the answer has " + std::to_string(usage->output_tokens) + " tokens and no text", status_);
    }
    if (!state_.report.first_answered) {
      state_.report.first_answered = sent_;
      state_.report.first_answered_input_tokens = usage->input_tokens;
    }
    refusals_ = 0;
    state_.recorder.End(*record_, RequestOutcome::kOk, last_arrived_, usage);
    record_.reset();
    Free(last_arrived_);
  }

  [[nodiscard]] bool IsDocument() const { return type_.starts_with("application/json"); }

  // Of an answer with HTTP 200 that is no complete stream.
  [[nodiscard]] std::string WhyNotDone() const {
    if (!encoding_.empty() && encoding_ != "identity") {
      return "the answer is compressed (Content-Encoding: " + encoding_ +
             "), though only plain text is accepted: turn compression of event streams off in the server or its proxy";
    }
    if (IsDocument()) {
      const nlohmann::json document = nlohmann::json::parse(error_body_, nullptr, false);
      return document.is_object() && document.contains("error")
                 ? "the server answers HTTP 200 with an error: " + ErrorMessage(error_body_)
                 : "the server does not stream: its answer is one JSON document, not events (text/event-stream)";
    }
    if (!type_.empty() && !type_.starts_with("text/event-stream")) {
      return "the answer is " + type_ + ", not a stream of events (text/event-stream)";
    }
    return "the answer ended without [DONE]: the server or a proxy before it cut it off, or does not speak OpenAI's "
           "protocol";
  }

  void OnBroken(const std::string& why) override { Failed(RequestOutcome::kConnectionLost, why, 0); }

  void Failed(RequestOutcome outcome, const std::string& text, int status) {
    state_.Fail(text, status, retry_after_);
    state_.recorder.End(*record_, outcome, std::chrono::steady_clock::now(), std::nullopt);
    record_.reset();
    conversation_.reset();  // what comes next would build on an answer that is not there
    const SteadyTime until = std::chrono::steady_clock::now() + PauseAfter(status);
    pause_ = state_.loop.At(until, [this, until] {
      pause_.reset();
      Free(until);
    });
    if (state_.options.max_requests > 0) state_.LookNow();
  }

  // Until this place's next request.
  [[nodiscard]] milliseconds PauseAfter(int status) {
    if (state_.arrivals || !IsRefusedForNow(status)) return kPauseAfterError;
    constexpr int kDoublings = 6;
    const milliseconds pause = std::min((1 << std::min(refusals_++, kDoublings)) * kPauseAfterError, kLongestPause);
    return std::max(pause, retry_after_);
  }

  // The last request has ended: what is due now?
  void Free(SteadyTime since) {
    if (state_.options.max_requests > 0) state_.LookNow();
    if (state_.stopping) return;
    if (!state_.arrivals) return Next(since);
    if (conversation_ && conversation_->HasNext()) {
      state_.talking.emplace_back(*std::move(conversation_), stream_.escaped_text());
    }
    conversation_.reset();
    if (state_.waiting.empty()) {
      state_.free.push_back(this);
      return;
    }
    const Due due = state_.waiting.front();
    state_.waiting.pop_front();
    Serve(due);
  }

 public:
  // One arrival of the open loop: a conversation that continues, else a new one.
  void Serve(const Due& due) {
    if (!state_.talking.empty()) {
      auto [conversation, answer] = std::move(state_.talking.front());
      state_.talking.pop_front();
      Continue(std::move(conversation), answer, due);
    } else {
      Begin(due);
    }
  }

 private:
  State& state_;
  Connection connection_;
  CompletionStream stream_;
  std::optional<Workload::Conversation> conversation_;
  std::optional<std::size_t> record_;  // of the request in flight
  std::optional<EventLoop::TimerId> pause_;
  Request sent_;            // until the first answer of all has come
  std::string error_body_;  // or one document in the place of a stream
  std::string location_, encoding_, type_;
  int status_ = 0;
  int refusals_ = 0;  // since the last answer
  milliseconds retry_after_{};
  SteadyTime start_, last_arrived_;
};

void LoadRun::State::LookNow() {
  if (stopping) return;
  if (look_timer) loop.Cancel(*look_timer);
  look_timer.reset();
  if (const auto again = look(std::chrono::steady_clock::now())) {
    LookAt(*again);
    return;
  }
  stopping = true;
  loop.Stop();
}

void LoadRun::State::LookAt(SteadyTime time) {
  look_timer = loop.At(time, [this] {
    look_timer.reset();
    LookNow();
  });
}

void LoadRun::State::Sweep() {
  sweep_timer = loop.At(std::chrono::steady_clock::now() + kTimeoutSweep, [this] {
    const SteadyTime now = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < places.size() && !stopping; ++i) places[i]->GiveUpIfLate(now);
    Sweep();
  });
}

LoadRun::Place& LoadRun::State::FreePlace() {
  if (free.empty()) {
    places.push_back(std::make_unique<Place>(*this));
    return *places.back();
  }
  // The one that was used last: its connection is the least likely to have been closed meanwhile.
  Place* place = free.back();
  free.pop_back();
  return *place;
}

void LoadRun::State::NextArrival() {
  const SteadyTime due = recorder.origin() + arrivals->Next();
  arrival_timer = loop.At(due, [this, due] {
    arrival_timer.reset();
    if (!MayStart()) return;
    NextArrival();
    if (free.empty() && places.size() >= static_cast<std::size_t>(options.max_in_flight)) {
      waiting.push_back({due, recorder.Hold(due)});
    } else {
      FreePlace().Serve({due, std::nullopt});
    }
  });
}

LoadRun::LoadRun(EventLoop& loop, Server& server, const Workload& workload, Recorder& recorder, LoadRunOptions options)
    : state_(std::make_unique<State>(loop, server, workload, recorder, options)) {}

LoadRun::~LoadRun() = default;

LoadRunReport LoadRun::Run(const Look& look) {
  State& state = *state_;
  state.look = look;
  std::vector<EventLoop::TimerId> starts;
  if (state.options.load.kind == LoadKind::kRequestRate) {
    state.arrivals.emplace(state.options.arrival, state.options.load.value, state.options.seed, state.options.stream,
                           measurement::BlockOfArrivals(state.options.load.value, state.options.expected_e2e),
                           &state.workload.timestamps(), state.options.first_conversation);
    state.Prepare();
    state.NextArrival();
  } else {
    const int count = static_cast<int>(state.options.load.value);
    for (int i = 0; i < count; ++i) state.places.push_back(std::make_unique<Place>(state));
    state.Prepare();
    for (int i = 0; i < count; ++i) {
      const SteadyTime due = state.recorder.origin() + StaggeredStart(i, count, state.options.expected_e2e);
      starts.push_back(
          state.loop.At(due, [place = state.places[static_cast<std::size_t>(i)].get(), due] { place->Next(due); }));
    }
  }
  state.Sweep();
  state.LookNow();
  state.loop.Run();
  state.stopping = true;
  for (const EventLoop::TimerId id : starts) state.loop.Cancel(id);
  for (const auto& timer : {state.look_timer, state.arrival_timer, state.sweep_timer}) {
    if (timer) state.loop.Cancel(*timer);
  }
  for (const auto& place : state.places) place->GiveUp();
  state.places.clear();
  if (state.prepared) --state.report.conversations;  // never sent
  return std::move(state.report);
}

}  // namespace autotune::bench
