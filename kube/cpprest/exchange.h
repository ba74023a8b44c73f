// Exchange: one request and its answer, between the library's I/O thread (which fills it) and the calling thread (which
// waits and drains).
//
// Thread-safe. It is the response stream to which the library writes the body: a write-only stream buffer whose
// _putn completes only when there is room. Only this gives real backpressure; the library's own buffers grow without
// limit.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <ios>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/thread_annotations.h"
#include "kube/client/http_transport.h"
#include "kube/cpprest/library.h"

namespace kube::cpprest {

using base::SteadyClock;

class Exchange final : public Concurrency::streams::details::streambuf_state_manager<std::uint8_t> {
  using Base = Concurrency::streams::details::streambuf_state_manager<std::uint8_t>;

 public:
  Exchange() : Base(std::ios_base::out) {}

  enum class What { kHeaders, kData, kFinished, kDeadline, kInterrupted };

  // ---- The calling thread

  // Waits for the next event. For kData, moves the received bytes into `data`.
  What Next(std::string* data, SteadyClock::time_point deadline) EXCLUDES(mutex_);
  // After kHeaders: status and headers, without a body.
  Response TakeHead() EXCLUDES(mutex_);
  // After kFinished: the library's error number and text; an empty text means success.
  std::pair<int, std::string> End() EXCLUDES(mutex_);
  // The caller reads no further: data that still arrives is discarded. Waits briefly for the library to finish.
  void Abandon() EXCLUDES(mutex_);

  // ---- Any thread

  // Makes Next return kInterrupted from now on.
  void Interrupt() EXCLUDES(mutex_);

  // ---- The I/O thread, which must never block

  void SetHeaders(int status, Headers headers) EXCLUDES(mutex_);
  void Finish(int error, std::string text) EXCLUDES(mutex_);
  // Calls Finish with the exception that is being handled. REQUIRES: called in a catch block.
  void FinishWithCurrentException() EXCLUDES(mutex_);

  // The stream buffer.
  bool can_seek() const override { return false; }
  bool has_size() const override { return false; }
  std::size_t buffer_size(std::ios_base::openmode) const override { return 0; }
  void set_buffer_size(std::size_t, std::ios_base::openmode) override {}
  std::size_t in_avail() const override { return 0; }
  pos_type getpos(std::ios_base::openmode) const override { return static_cast<pos_type>(traits::eof()); }
  pos_type seekpos(pos_type, std::ios_base::openmode) override { return static_cast<pos_type>(traits::eof()); }
  pos_type seekoff(off_type, std::ios_base::seekdir, std::ios_base::openmode) override {
    return static_cast<pos_type>(traits::eof());
  }
  bool acquire(std::uint8_t*& data, std::size_t& count) override;
  void release(std::uint8_t*, std::size_t) override {}

 protected:
  pplx::task<std::size_t> _putn(const std::uint8_t* data, std::size_t count) override EXCLUDES(mutex_);
  pplx::task<int_type> _putc(std::uint8_t byte) override;
  pplx::task<bool> _sync() override { return pplx::task_from_result(true); }
  std::uint8_t* _alloc(std::size_t) override { return nullptr; }
  void _commit(std::size_t) override {}
  // Reading is not supported: can_read() is false.
  pplx::task<int_type> _bumpc() override { return pplx::task_from_result(static_cast<int_type>(traits::eof())); }
  int_type _sbumpc() override { return traits::eof(); }
  pplx::task<int_type> _getc() override { return pplx::task_from_result(static_cast<int_type>(traits::eof())); }
  int_type _sgetc() override { return traits::eof(); }
  pplx::task<int_type> _nextc() override { return pplx::task_from_result(static_cast<int_type>(traits::eof())); }
  pplx::task<int_type> _ungetc() override { return pplx::task_from_result(static_cast<int_type>(traits::eof())); }
  pplx::task<std::size_t> _getn(std::uint8_t*, std::size_t) override { return pplx::task_from_result(std::size_t{0}); }
  std::size_t _scopy(std::uint8_t*, std::size_t) override { return 0; }

 private:
  base::Mutex mutex_;
  std::condition_variable_any changed_;
  bool have_headers_ GUARDED_BY(mutex_) = false;
  bool told_headers_ GUARDED_BY(mutex_) = false;
  bool finished_ GUARDED_BY(mutex_) = false;
  bool interrupted_ GUARDED_BY(mutex_) = false;
  bool abandoned_ GUARDED_BY(mutex_) = false;
  int status_ GUARDED_BY(mutex_) = 0;
  Headers headers_ GUARDED_BY(mutex_);
  int error_ GUARDED_BY(mutex_) = 0;
  std::string text_ GUARDED_BY(mutex_);
  std::string pending_ GUARDED_BY(mutex_);
  pplx::task_completion_event<std::size_t> blocked_ GUARDED_BY(mutex_);
  std::size_t blocked_count_ GUARDED_BY(mutex_) = 0;
};

}  // namespace kube::cpprest
