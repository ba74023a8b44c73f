// LeaderFence: a transport that sends writes only while this process is the leader.
//
// Thread-safe; transport and gate are borrowed. The check is directly before sending: a process that was suspended
// during a reconcile must not finish it after another process became leader. If it is suspended between check and send,
// the write fails by resourceVersion and UID preconditions and deterministic pod names.
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
