// One kept-alive HTTP/1.1 connection, plain or TLS: one request at a time, its answer piece by piece, each with the
// time at which it arrived.
//
// The kernel stamps that time (bench/stamped_socket.h), so a client that waits for a CPU does not distort it.
// Single-threaded, driven by its EventLoop, which must outlive it, as must server and listener. Time-outs are the
// owner's task: Close() ends everything without a callback.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "bench/event_loop.h"
#include "bench/http_response.h"
#include "bench/server.h"

namespace autotune::bench {

// Begins the message of a connection that ended before an answer: as a server with TLS also ends one without.
inline constexpr std::string_view kNoAnswer = "no answer: ";

class Connection final : private EventLoop::Handler {
 public:
  // May call Send() and Close() of the connection, and must not destroy it.
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual void OnHead(const HttpResponse& head) = 0;
    // `arrived`: when the network delivered the last byte of `piece`. `seen`: when it was read here.
    virtual void OnBody(std::string_view piece, SteadyTime arrived, SteadyTime seen) = 0;
    // The answer is complete: the connection is free.
    virtual void OnEnd() = 0;
    // There is no complete answer; `why` is for people. The connection is closed.
    virtual void OnBroken(const std::string& why) = 0;
  };

  Connection(EventLoop& loop, Server& server, Listener& listener) : loop_(loop), server_(server), listener_(listener) {}
  ~Connection() override { Close(); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Sends one request, on a new connection where there is none. A request on a kept connection that the server closed
  // at that moment never reached it: it is sent again, once. REQUIRES: !busy().
  void Send(std::string_view method, std::string_view path, std::string_view body);
  void Close();
  [[nodiscard]] bool busy() const { return busy_; }
  [[nodiscard]] bool connected() const { return state_ == State::kOpen; }

 private:
  enum class State { kClosed, kConnecting, kHandshake, kOpen };

  void OnReady(std::uint32_t events) override;
  void Connect();
  bool TryNextAddress();
  void Opened();
  void Handshake();
  void Queue();
  void Flush();
  void Read();
  // False where the connection was closed or took another request meanwhile: the caller returns at once.
  bool Deliver(std::string_view bytes, SteadyTime arrived, SteadyTime seen);
  bool DeliverTls(SteadyTime arrived, SteadyTime seen);
  void Ended();
  void Broken(const std::string& why);
  [[nodiscard]] std::string WhyNoMore() const;
  std::string TlsProblem(const char* what) const;

  EventLoop& loop_;
  Server& server_;
  Listener& listener_;
  State state_ = State::kClosed;
  int fd_ = -1;
  ssl_st* tls_ = nullptr;
  bool wants_out_ = false;
  bool busy_ = false, reused_ = false;
  std::size_t address_ = 0, addresses_tried_ = 0;
  std::string request_;  // head and body, kept until the answer begins
  std::string out_;      // bytes that are not sent yet; encrypted with TLS
  std::size_t out_sent_ = 0;
  std::size_t tls_written_ = 0;  // of request_
  HttpResponse response_;
  std::uint64_t exchange_ = 0;  // counts requests and closings
};

}  // namespace autotune::bench
