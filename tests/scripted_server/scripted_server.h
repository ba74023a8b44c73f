// ScriptedServer: an HTTPS server that answers as a test says and remembers what it was asked.
//
//   ScriptedServer server;
//   server.On("GET", "/api/v1/pods?watch=1", Reply(200).Chunk(event).Reset());
//   server.Always("GET", "/api/v1/pods", Reply(200).Body(list));
//
// Thread-safe. One thread per connection. Requests that nobody scripted are answered with 599 and listed by
// Unexpected(). Waiting happens at gates and for the peer, not by the clock.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/scripted_server/test_ca.h"

namespace scripted {

// A head and then steps, in the order in which they were added. With a chunk anywhere the body is chunked and ended by
// the last step, unless that is Hold, Reset, Close or CloseNow.
class Reply {
 public:
  explicit Reply(int status = 200) : status_(status) {}

  // The reply itself never comes: the connection is reset, or closed, when the request has been read.
  static Reply ResetAtOnce();
  static Reply CloseAtOnce();
  // A head that does not end: `data` again and again in one of its fields, as Flood does.
  static Reply EndlessHead(std::string data, std::size_t most, std::string gate);
  // These bytes instead of a reply.
  static Reply Garbage(std::string bytes);

  Reply& Header(std::string name, std::string value);
  Reply& Body(std::string body, std::string content_type = "application/json");
  // One HTTP chunk.
  Reply& Chunk(std::string data);
  // Bytes into the stream as they are.
  Reply& Raw(std::string bytes);
  // TLS records of at most this many bytes from here on: a reader sees every split.
  Reply& SplitEvery(std::size_t bytes);
  // Waits for ScriptedServer::Open(gate).
  Reply& Gate(std::string gate);
  // Opens a gate that the test or another reply waits for.
  Reply& Opens(std::string gate);
  // Sends `data` as a chunk again and again, with this real time in between, until the peer closes.
  Reply& Trickle(std::string data, std::chrono::milliseconds interval);
  // Sends `data` as chunks until the peer has taken nothing for 300 ms or `most` bytes are sent, then opens `gate`.
  Reply& Flood(std::string data, std::size_t most, std::string gate);
  // Silent until the peer closes.
  Reply& Hold();
  Reply& Reset();
  // Without the end of the body and without TLS's close_notify.
  Reply& CloseNow();
  // In order, and the connection is not used again.
  Reply& Close();

 private:
  friend class ScriptedServer;
  friend class Connection;
  enum class Kind {
    kBytes,
    kChunk,
    kSplit,
    kGate,
    kOpens,
    kTrickle,
    kFlood,
    kFloodRaw,
    kHold,
    kReset,
    kCloseNow,
    kClose
  };
  struct Step {
    Kind kind;
    std::string text;
    std::size_t number = 0;
    std::string gate;
  };
  int status_;
  bool without_head_ = false;
  bool chunked_ = false;
  std::vector<std::pair<std::string, std::string>> headers_;
  std::optional<std::string> body_;
  std::vector<Step> steps_;
};

struct Recorded {
  std::string method;
  std::string target;
  std::string path;
  std::string query;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  int connection = 0;
  std::string sni;             // server name of the ClientHello; empty: none
  std::string client_subject;  // common name of the client's certificate; empty: none

  // Name in any case; empty when it is missing.
  [[nodiscard]] std::string Header(std::string_view name) const;
  // The decoded value of a query parameter; empty when it is missing.
  [[nodiscard]] std::string Query(const std::string& name) const;
};

struct ServerOptions {
  std::vector<std::string> names = {"IP:127.0.0.1", "DNS:localhost"};
  bool ask_for_client_certificate = false;
  int newest_tls_version = 0;  // as OpenSSL counts: TLS1_1_VERSION; 0: the newest that OpenSSL has
  const TestCa* ca = nullptr;  // nullptr: one of its own
};

class ScriptedServer {
 public:
  explicit ScriptedServer(ServerOptions options = {});
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  // One reply for one request. Several for one pattern come in this order, before that of Always. A pattern is a path,
  // with "?a=b&c=d" where the query has to contain these; of several that fit the longest counts.
  ScriptedServer& On(const std::string& method, const std::string& pattern, Reply reply);
  ScriptedServer& Always(const std::string& method, const std::string& pattern, Reply reply);

  void Open(const std::string& gate);
  void AwaitGate(const std::string& gate);

  [[nodiscard]] std::string url() const;  // https://127.0.0.1:PORT
  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] std::string ca_pem() const;

  [[nodiscard]] std::vector<Recorded> Requests() const;
  // Those whose method and pattern fit.
  [[nodiscard]] std::vector<Recorded> Requests(const std::string& method, const std::string& pattern) const;
  // Blocks until there are this many.
  std::vector<Recorded> AwaitRequests(std::size_t count) const;
  std::vector<Recorded> AwaitRequests(const std::string& method, const std::string& pattern, std::size_t count) const;
  [[nodiscard]] std::vector<std::string> Unexpected() const;
  // TCP connections so far; handshakes that failed count.
  [[nodiscard]] int Connections() const;
  // Bytes of Flood that the peer's side has taken.
  [[nodiscard]] std::size_t Flooded() const;

 private:
  friend class Connection;
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace scripted
