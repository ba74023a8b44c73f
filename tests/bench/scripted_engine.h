// A small HTTP server in the test's process that answers as the test says: an engine of exact behaviour.
//
// One thread a connection; the handler is called from all of them. Destroying it ends them all.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace autotune::bench {

class ScriptedEngine {
 public:
  struct Request {
    std::string method, path, body;
    std::string head;    // the whole request head
    int connection = 0;  // counted from 1
    int number = 0;      // of POST requests, counted from 1
  };

  class Answer {
   public:
    // A whole answer.
    void Json(int status, const std::string& body, const std::string& more_headers = "");
    // A streamed one: Begin, Text..., Finish.
    void Begin(const std::string& more_headers = "");
    void Text(const std::string& text);
    void Event(const std::string& json);
    void Finish(int input_tokens, int output_tokens);
    void End();  // the last chunk alone; Finish does it too
    // The usual answer to a completion: `tokens` times " x", `gap` apart, the first after `first`.
    void Completion(int input_tokens, int tokens, std::chrono::milliseconds first = {},
                    std::chrono::milliseconds gap = {});
    // Ends the connection here.
    void Drop() { dropped_ = true; }
    // Time passes on the engine's side; false when the server is being destroyed.
    bool Wait(std::chrono::milliseconds time);

   private:
    friend class ScriptedEngine;
    Answer(ScriptedEngine& engine, int fd) : engine_(engine), fd_(fd) {}
    void Send(const std::string& bytes);
    void Chunk(const std::string& bytes);

    ScriptedEngine& engine_;
    int fd_;
    bool dropped_ = false;
  };
  using Handler = std::function<void(const Request&, Answer&)>;

  explicit ScriptedEngine(Handler handler);
  ~ScriptedEngine();
  ScriptedEngine(const ScriptedEngine&) = delete;
  ScriptedEngine& operator=(const ScriptedEngine&) = delete;

  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] int connections() const { return connections_; }
  [[nodiscard]] int posts() const { return posts_; }
  // The most POST requests that were being answered at the same time.
  [[nodiscard]] int most_in_flight() const { return most_in_flight_; }

 private:
  void Accept();
  void Serve(int fd, int connection);

  Handler handler_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> connections_{0}, posts_{0}, in_flight_{0}, most_in_flight_{0};
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::vector<int> sockets_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace autotune::bench
