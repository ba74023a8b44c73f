// LeaderFence: a transport that sends writes only while this process is the leader.
//
// Thread-safe; transport and gate are borrowed. The check stands directly before the bytes go out: a process that was
// stopped in the middle of a reconcile and continues after another one leads must not finish it. A write after a stop
// between check and send is caught by resourceVersion and UID preconditions and by deterministic pod names.
#pragma once

#include <cerrno>

#include "kube/client/http_transport.h"
#include "kube/runtime/leader_gate.h"

namespace kube::runtime {

class LeaderFence final : public kube::HttpTransport {
 public:
  LeaderFence(kube::HttpTransport& transport, const LeaderGate& gate) : transport_(transport), gate_(gate) {}

  kube::HttpResult<kube::Response> Send(const kube::Request& request, const std::stop_token& stop) override {
    if (request.method != "GET" && !gate_.IsLeader()) {
      return kube::HttpError{kube::ErrorKind::kCancelled, ECANCELED, "not sent: this operator does not lead"};
    }
    return transport_.Send(request, stop);
  }
  kube::HttpResult<kube::Response> Stream(const kube::Request& request, const kube::LineSink& sink,
                                          const std::stop_token& stop) override {
    return transport_.Stream(request, sink, stop);
  }

 private:
  kube::HttpTransport& transport_;
  const LeaderGate& gate_;
};

}  // namespace kube::runtime
