#include "kube/cpprest/traffic.h"

#include "kube/cpprest/exchange.h"

namespace kube::cpprest {

namespace {

// What an answer's head may be. The API server's are a few hundred bytes.
constexpr std::size_t kLargestHead = std::size_t{8} << 20;

}  // namespace

void Traffic::Begin(Exchange* exchange, std::size_t body_limit) {
  const base::MutexLock lock(mutex_);
  in_flight_[exchange] = {undelivered_, static_cast<std::int64_t>(body_limit)};
}

void Traffic::End(Exchange* exchange, bool to_the_end) {
  const base::MutexLock lock(mutex_);
  const auto ended = in_flight_.extract(exchange);
  if (to_the_end || ended.empty()) return;
  for (auto& [other, share] : in_flight_) share.begun_at += ended.mapped().body_limit;
}

void Traffic::Received(std::size_t bytes) {
  const base::MutexLock lock(mutex_);
  undelivered_ += static_cast<std::int64_t>(bytes);
  auto allowed = static_cast<std::int64_t>(kLargestHead);
  for (const auto& [exchange, share] : in_flight_) allowed += share.body_limit;
  for (const auto& [exchange, share] : in_flight_) {
    if (undelivered_ - share.begun_at > allowed - share.body_limit) exchange->RefuseHead();
  }
}

void Traffic::Delivered(std::size_t bytes) {
  const base::MutexLock lock(mutex_);
  undelivered_ -= 2 * static_cast<std::int64_t>(bytes);
}

void Traffic::Count(const std::shared_ptr<Traffic>& traffic, SSL_CTX* context) {
  static const int index =
      SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, [](void*, void* held, CRYPTO_EX_DATA*, int, long, void*) {
        delete static_cast<std::shared_ptr<Traffic>*>(held);
      });
  auto held = std::make_unique<std::shared_ptr<Traffic>>(traffic);
  if (SSL_CTX_set_ex_data(context, index, held.get()) != 1) return;
  held.release();  // NOLINT(bugprone-unused-return-value): the context deletes it
  SSL_CTX_set_msg_callback(context, [](int written, int, int type, const void* data, std::size_t size, SSL*, void* to) {
    if (written != 0 || type != SSL3_RT_HEADER || size != SSL3_RT_HEADER_LENGTH) return;
    const auto* header = static_cast<const unsigned char*>(data);
    static_cast<Traffic*>(to)->Received(std::size_t{header[3]} << 8U | header[4]);
  });
  SSL_CTX_set_msg_callback_arg(context, traffic.get());
}

}  // namespace kube::cpprest
