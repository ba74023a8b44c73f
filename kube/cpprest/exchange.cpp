#include "kube/cpprest/exchange.h"

#include <cerrno>
#include <exception>

namespace kube::cpprest {

namespace {

// Received, not yet taken by the caller: beyond this the library is told to wait, which closes the TCP window.
constexpr std::size_t kReadAhead = std::size_t{256} << 10;
// How long a cancelled call waits for the library to let go of it. Only a name lookup takes longer; it then ends alone.
constexpr std::chrono::seconds kLetGo{2};

// On the I/O thread, so that whatever the library does next stays on its one thread.
void Complete(const pplx::task_completion_event<std::size_t>& room, std::size_t count) {
  crossplat::threadpool::shared_instance().service().post([room, count] { room.set(count); });
}

}  // namespace

Exchange::What Exchange::Next(std::string* data, SteadyClock::time_point deadline) {
  pplx::task_completion_event<std::size_t> room;
  std::size_t count = 0;
  {
    const base::MutexLock lock(mutex_);
    while (true) {
      if (interrupted_) return What::kInterrupted;
      if (SteadyClock::now() >= deadline) return What::kDeadline;
      if (have_headers_ && !told_headers_) {
        told_headers_ = true;
        return What::kHeaders;
      }
      // The library may write the body before it has run the continuation that tells us the headers: hold it back
      // until then, because the status decides what a body is.
      if (!pending_.empty() && told_headers_) {
        *data = std::move(pending_);
        pending_.clear();
        if (blocked_count_ == 0) return What::kData;
        room = blocked_;
        count = std::exchange(blocked_count_, 0);
        break;
      }
      if (finished_) return What::kFinished;
      changed_.wait_until(mutex_, deadline);
    }
  }
  Complete(room, count);
  return What::kData;
}

Response Exchange::TakeHead() {
  const base::MutexLock lock(mutex_);
  return {status_, std::move(headers_), {}};
}

std::pair<int, std::string> Exchange::End() {
  const base::MutexLock lock(mutex_);
  return {error_, text_};
}

void Exchange::Abandon() {
  pplx::task_completion_event<std::size_t> room;
  std::size_t count = 0;
  {
    const base::MutexLock lock(mutex_);
    abandoned_ = true;
    pending_.clear();
    room = blocked_;
    count = std::exchange(blocked_count_, 0);
  }
  if (count != 0) Complete(room, count);
  const auto until = SteadyClock::now() + kLetGo;
  const base::MutexLock lock(mutex_);
  while (!finished_ && SteadyClock::now() < until) changed_.wait_until(mutex_, until);
}

void Exchange::Interrupt() {
  const base::MutexLock lock(mutex_);
  interrupted_ = true;
  changed_.notify_all();
}

void Exchange::SetHeaders(int status, Headers headers) {
  const base::MutexLock lock(mutex_);
  status_ = status;
  headers_ = std::move(headers);
  have_headers_ = true;
  changed_.notify_all();
}

void Exchange::Finish(int error, std::string text) {
  const base::MutexLock lock(mutex_);
  if (finished_) return;
  finished_ = true;
  error_ = error;
  text_ = std::move(text);
  changed_.notify_all();
}

void Exchange::FinishWithCurrentException() {
  try {
    throw;
  } catch (const web::http::http_exception& error) {
    Finish(error.error_code().value(), error.what());
  } catch (const pplx::task_canceled&) {
    Finish(ECANCELED, "cancelled");
  } catch (const std::exception& error) {
    Finish(0, *error.what() == '\0' ? "unknown error" : error.what());
  }
}

bool Exchange::acquire(std::uint8_t*& data, std::size_t& count) {
  data = nullptr;
  count = 0;
  return false;
}

pplx::task<std::size_t> Exchange::_putn(const std::uint8_t* data, std::size_t count) {
  const base::MutexLock lock(mutex_);
  if (abandoned_ || count == 0) return pplx::task_from_result(count);
  pending_.append(reinterpret_cast<const char*>(data), count);
  changed_.notify_all();
  if (pending_.size() < kReadAhead) return pplx::task_from_result(count);
  blocked_ = pplx::task_completion_event<std::size_t>();
  blocked_count_ = count;
  return pplx::create_task(blocked_);
}

pplx::task<Exchange::int_type> Exchange::_putc(std::uint8_t byte) {
  return _putn(&byte, 1).then([byte](std::size_t) { return static_cast<int_type>(byte); });
}

}  // namespace kube::cpprest
