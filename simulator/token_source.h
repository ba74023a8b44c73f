// Times at which a request's tokens leave: from the engine model, or on a fixed schedule. Not thread-safe; one owner.
#pragma once

#include <memory>
#include <optional>
#include <span>

#include "engine_model/scheduler.h"

namespace autotune::simulator {

class TokenSource {
 public:
  struct State {
    int running = 0;
    int waiting = 0;
    int free_places = 0;  // for sequences in the batch
    double kv_usage = 0;  // share of the cache
    std::int64_t kv_tokens_used = 0;
    engine_model::Scheduler::Totals totals;
  };

  TokenSource() = default;
  TokenSource(const TokenSource&) = delete;
  TokenSource& operator=(const TokenSource&) = delete;
  virtual ~TokenSource() = default;

  // Like engine_model::Scheduler's functions of these names. REQUIRES: `now` does not decrease.
  virtual void Add(const engine_model::NewRequest& request, double now) = 0;
  virtual void Abort(engine_model::RequestId id) = 0;
  [[nodiscard]] virtual std::optional<double> NextEvent() const = 0;
  virtual std::span<const engine_model::TokenEvent> AdvanceTo(double now) = 0;
  [[nodiscard]] virtual State Now() const = 0;
};

std::unique_ptr<TokenSource> EngineTokens(const engine_model::Deployment& deployment);

// The first token of each request leaves `ttft` seconds after its arrival, the others `itl` seconds apart, at any load.
std::unique_ptr<TokenSource> ScheduledTokens(double ttft, double itl);

}  // namespace autotune::simulator
