// Incremental parser of one HTTP/1.1 response: head, then the body in pieces, with any framing (chunked, by length,
// until the connection ends).
//
// Pure, not thread-safe. Body pieces are views into the bytes that were given: nothing of a body is copied.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace autotune::bench {

class HttpResponse {
 public:
  // Next part of `bytes`. Call Take() again with the rest until `kMore` or an end.
  enum class Event {
    kMore,   // everything was read, and more has to come
    kHead,   // the head is complete: status() and header() are there
    kBody,   // `piece` is the next part of the body
    kEnd,    // the answer is complete
    kWrong,  // not an HTTP/1.1 response
  };
  // Removes the parsed bytes from the front of `bytes`. REQUIRES: Reset() after kEnd or kWrong.
  Event Take(std::string_view& bytes, std::string_view& piece);
  // The connection has ended. True where that completes the answer (a body without a length).
  [[nodiscard]] bool EndsHere() const { return state_ == State::kUntilEnd; }

  [[nodiscard]] int status() const { return status_; }
  [[nodiscard]] bool keep_alive() const { return keep_alive_; }
  [[nodiscard]] bool started() const { return started_; }  // at least one byte came
  // After kWrong: it begins as a TLS record does (an alert, or a handshake).
  [[nodiscard]] bool IsTls() const {
    return head_.size() > 1 && (head_[0] == 0x15 || head_[0] == 0x16) && head_[1] == 0x03;
  }
  // The value of a header, "" = none. `name` in lower case.
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
