// Incremental parser of one HTTP/1.1 response: the head, then the body in pieces. Framing: chunked, by length, or until
// the connection closes.
//
// Pure, not thread-safe. Body pieces are views into the input: no part of a body is copied.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace autotune::bench {

class HttpResponse {
 public:
  // Result of Take(). Call Take() again with the rest of `bytes` until it returns kMore, kEnd or kWrong.
  enum class Event {
    kMore,   // all bytes are parsed, and the response is not complete
    kHead,   // the head is complete: status() and header() are valid
    kBody,   // `piece` is the next part of the body
    kEnd,    // the answer is complete
    kWrong,  // not an HTTP/1.1 response
  };
  // Removes the parsed bytes from the front of `bytes`. REQUIRES: Reset() after kEnd or kWrong.
  Event Take(std::string_view& bytes, std::string_view& piece);
  // Call when the connection closes. True if that completes the response (a body without a length).
  [[nodiscard]] bool EndsHere() const { return state_ == State::kUntilEnd; }

  [[nodiscard]] int status() const { return status_; }
  [[nodiscard]] bool keep_alive() const { return keep_alive_; }
  [[nodiscard]] bool started() const { return started_; }  // at least one byte was parsed
  // After kWrong: true if the bytes begin like a TLS record (an alert or a handshake).
  [[nodiscard]] bool IsTls() const {
    return head_.size() > 1 && (head_[0] == 0x15 || head_[0] == 0x16) && head_[1] == 0x03;
  }
  // Value of a header; "" = absent. REQUIRES: `name` is in lower case.
  [[nodiscard]] std::string_view header(std::string_view name) const;

  void Reset();

 private:
  enum class State { kHead, kLength, kUntilEnd, kChunkSize, kChunk, kChunkEnd, kTrailer, kEnd };
  Event TakeHead(std::string_view& bytes);
  bool TakeLine(std::string_view& bytes);  // into line_; false = incomplete
  bool ReadHead();

  State state_ = State::kHead;
  bool started_ = false;
  std::string head_;
  std::string line_;
  bool line_done_ = false;
  int status_ = 0;
  bool keep_alive_ = true;
  std::uint64_t left_ = 0;  // of the body or of the chunk
};

}  // namespace autotune::bench
