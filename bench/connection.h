// One keep-alive HTTP/1.1 connection, plain or TLS: one request at a time. Delivers the response in pieces, each with
// the time at which it arrived.
//
// The kernel stamps that time (bench/stamped_socket.h), so it stays correct if the client waits for a CPU.
// Single-threaded, driven by its EventLoop. EventLoop, Server and Listener must outlive it. It has no timeouts: the
// owner calls Close(), which ends everything without a callback.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "bench/event_loop.h"
#include "bench/http_response.h"
#include "bench/server.h"

namespace autotune::bench {

// Prefix of the message if the connection ended before a response. A server that expects TLS also ends a plain one so.
inline constexpr std::string_view kNoAnswer = "no answer: ";

class Connection final : private EventLoop::Handler {
 public:
  // Callbacks may call Send() and Close() of the connection, but must not destroy it.
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual void OnHead(const HttpResponse& head) = 0;
    // `arrived`: when the network delivered the last byte of `piece`. `seen`: when it was read here.
    virtual void OnBody(std::string_view piece, SteadyTime arrived, SteadyTime seen) = 0;
    // The response is complete, and the connection is free for the next request.
    virtual void OnEnd() = 0;
    // The connection broke before the response was complete, and is closed now. `why` is for people.
    virtual void OnBroken(const std::string& why) = 0;
  };

  Connection(EventLoop& loop, Server& server, Listener& listener) : loop_(loop), server_(server), listener_(listener) {}
  ~Connection() override { Close(); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Sends one request, over a new connection if none is open. If the server closes a kept connection at that moment,
  // the request never reached it and is sent again, once. REQUIRES: !busy().
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
  // Returns false if the connection was closed or took another request meanwhile: the caller must return at once.
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
