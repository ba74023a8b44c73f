#include "simulator/token_source.h"

#include <queue>
#include <unordered_map>
#include <vector>

namespace autotune::simulator {
namespace {

using engine_model::NewRequest;
using engine_model::RequestId;
using engine_model::TokenEvent;

class OfEngine final : public TokenSource {
 public:
  explicit OfEngine(const engine_model::Deployment& deployment)
      : scheduler_(engine_model::Roofline(deployment), LimitsOf(deployment)) {}

  void Add(const NewRequest& request, double now) override { scheduler_.Add(request, now); }
  void Abort(RequestId id) override { scheduler_.Abort(id); }
  [[nodiscard]] std::optional<double> NextEvent() const override { return scheduler_.NextEvent(); }
  std::span<const TokenEvent> AdvanceTo(double now) override { return scheduler_.AdvanceTo(now); }
  [[nodiscard]] State Now() const override {
    return {scheduler_.running(),  scheduler_.waiting(),        scheduler_.free_places(),
            scheduler_.kv_usage(), scheduler_.kv_tokens_used(), scheduler_.totals()};
  }

 private:
  engine_model::Scheduler scheduler_;
};

class OnSchedule final : public TokenSource {
 public:
  OnSchedule(double ttft, double itl) : ttft_(ttft), itl_(itl) {}

  void Add(const NewRequest& request, double now) override {
    answers_[request.id] = {now + ttft_, 0, request.output_tokens};
    due_.push({now + ttft_, request.id});
  }
  void Abort(RequestId id) override { answers_.erase(id); }

  [[nodiscard]] std::optional<double> NextEvent() const override {
    return due_.empty() ? std::nullopt : std::optional<double>(due_.top().at);
  }

  std::span<const TokenEvent> AdvanceTo(double now) override {
    left_.clear();
    while (!due_.empty() && due_.top().at <= now) {
      const Due due = due_.top();
      due_.pop();
      const auto found = answers_.find(due.id);
      if (found == answers_.end()) continue;  // aborted
      Answer& answer = found->second;
      const bool last = ++answer.sent >= answer.tokens;
      left_.push_back({due.id, due.at, 1, last});
      if (last) {
        answers_.erase(found);
      } else {
        // From the first token on, not from the one before: no error adds up.
        due_.push({answer.first + answer.sent * itl_, due.id});
      }
    }
    return left_;
  }

  [[nodiscard]] State Now() const override { return {static_cast<int>(answers_.size()), 0, 0, 0, 0, {}}; }

 private:
  struct Answer {
    double first = 0;
    int sent = 0;
    int tokens = 0;
  };
  struct Due {
    double at = 0;
    RequestId id = 0;
    bool operator>(const Due& other) const { return at != other.at ? at > other.at : id > other.id; }
  };

  double ttft_, itl_;
  std::unordered_map<RequestId, Answer> answers_;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
  std::vector<TokenEvent> left_;
};

}  // namespace

std::unique_ptr<TokenSource> EngineTokens(const engine_model::Deployment& deployment) {
  return std::make_unique<OfEngine>(deployment);
}

std::unique_ptr<TokenSource> ScheduledTokens(double ttft, double itl) {
  return std::make_unique<OnSchedule>(ttft, itl);
}

}  // namespace autotune::simulator
