#include "bench/http_response.h"

#include <algorithm>
#include <charconv>

#include "base/ascii_case.h"

namespace autotune::bench {
namespace {

constexpr std::size_t kMaxHead = 64 * 1024;
constexpr std::size_t kMaxFramingLine = 4096;  // a chunk's size, or a trailer

std::string_view Trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

}  // namespace

std::string_view HttpResponse::header(std::string_view name) const {
  std::string_view rest = head_;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos && base::EqualIgnoringCase(line.substr(0, colon), name)) {
      return Trimmed(line.substr(colon + 1));
    }
  }
  return {};
}

void HttpResponse::Reset() {
  state_ = State::kHead;
  started_ = false;
  head_.clear();
  line_.clear();
  line_done_ = false;
  status_ = 0;
  keep_alive_ = true;
  left_ = 0;
}

bool HttpResponse::TakeLine(std::string_view& bytes) {
  if (line_done_) {
    line_.clear();
    line_done_ = false;
  }
  const std::size_t end = bytes.find('\n');
  const std::string_view piece = bytes.substr(0, end);
  if (line_.size() + piece.size() <= kMaxFramingLine) line_ += piece;
  bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
  if (end == std::string_view::npos) return false;
  if (line_.ends_with('\r')) line_.pop_back();
  line_done_ = true;
  return true;
}

// "HTTP/1.1 200 OK" and the headers that say how long the body is.
bool HttpResponse::ReadHead() {
  const std::string_view head = head_;
  if (!head.starts_with("HTTP/1.") || head.size() < 12 || head[8] != ' ') return false;
  const auto [stop, error] = std::from_chars(head.data() + 9, head.data() + 12, status_);
  if (error != std::errc() || stop != head.data() + 12 || status_ < 100) return false;
  const std::string_view connection = header("connection");
  keep_alive_ = head[7] == '1' ? !base::ContainsIgnoringCase(connection, "close")
                               : base::ContainsIgnoringCase(connection, "keep-alive");
  if (status_ == 204 || status_ == 304) {
    state_ = State::kEnd;
  } else if (base::ContainsIgnoringCase(header("transfer-encoding"), "chunked")) {
    state_ = State::kChunkSize;
  } else if (const std::string_view length = header("content-length"); !length.empty()) {
    const auto number = std::from_chars(length.data(), length.data() + length.size(), left_);
    if (number.ec != std::errc() || number.ptr != length.data() + length.size()) return false;
    state_ = left_ == 0 ? State::kEnd : State::kLength;
  } else {
    keep_alive_ = false;
    state_ = State::kUntilEnd;
  }
  return true;
}

HttpResponse::Event HttpResponse::TakeHead(std::string_view& bytes) {
  // The empty line may be cut anywhere: look at what is there together with what was.
  const std::size_t had = head_.size();
  head_ += bytes.substr(0, kMaxHead + 1 - std::min(had, kMaxHead));
  std::size_t end = head_.find("\r\n\r\n", had > 3 ? had - 3 : 0);
  std::size_t blank = 4;
  if (end == std::string::npos) {
    end = head_.find("\n\n", had > 1 ? had - 1 : 0);
    blank = 2;
  }
  if (end == std::string::npos) {
    if (head_.size() > kMaxHead) return Event::kWrong;
    // What cannot become an answer any more is told at once, not after 64 KiB.
    constexpr std::string_view kStart = "HTTP/1.";
    if (std::string_view(head_).substr(0, kStart.size()) != kStart.substr(0, head_.size())) return Event::kWrong;
    bytes = {};
    return Event::kMore;
  }
  bytes.remove_prefix(end + blank - had);
  head_.resize(end);
  if (!ReadHead()) return Event::kWrong;
  if (status_ < 200 && status_ != 101) {  // an interim answer (100 Continue): the true one follows
    head_.clear();
    state_ = State::kHead;
    return Event::kMore;
  }
  return Event::kHead;
}

HttpResponse::Event HttpResponse::Take(std::string_view& bytes, std::string_view& piece) {
  for (;;) {
    if (state_ == State::kEnd) return Event::kEnd;
    if (bytes.empty()) return Event::kMore;
    started_ = true;
    switch (state_) {
      case State::kHead: {
        const Event event = TakeHead(bytes);
        if (event == Event::kMore && !bytes.empty()) break;
        return event;
      }
      case State::kLength:
      case State::kChunk: {
        piece = bytes.substr(0, std::min<std::uint64_t>(left_, bytes.size()));
        bytes.remove_prefix(piece.size());
        left_ -= piece.size();
        if (left_ == 0) state_ = state_ == State::kChunk ? State::kChunkEnd : State::kEnd;
        return Event::kBody;
      }
      case State::kUntilEnd:
        piece = bytes;
        bytes = {};
        return Event::kBody;
      case State::kChunkSize: {
        if (!TakeLine(bytes)) return Event::kMore;
        const std::string_view size = Trimmed(std::string_view(line_).substr(0, line_.find(';')));
        const auto number = std::from_chars(size.data(), size.data() + size.size(), left_, 16);
        if (size.empty() || number.ec != std::errc() || number.ptr != size.data() + size.size()) return Event::kWrong;
        state_ = left_ == 0 ? State::kTrailer : State::kChunk;
        break;
      }
      case State::kChunkEnd:
        if (!TakeLine(bytes)) return Event::kMore;
        if (!line_.empty()) return Event::kWrong;
        state_ = State::kChunkSize;
        break;
      case State::kTrailer:
        if (!TakeLine(bytes)) return Event::kMore;
        if (line_.empty()) state_ = State::kEnd;
        break;
      case State::kEnd:
        break;
    }
  }
}

}  // namespace autotune::bench
