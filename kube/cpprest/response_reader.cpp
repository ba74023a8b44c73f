#include "kube/cpprest/response_reader.h"

#include <cerrno>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "kube/cpprest/library_error.h"

namespace kube::cpprest {

namespace {

// Cuts what arrives into lines, of which the last one may still be without its end.
class LineCutter {
 public:
  LineCutter(const LineSink& sink, std::size_t longest) : sink_(sink), longest_(longest) {}

  enum class Next { kMore, kSinkHasEnough, kTooLong };

  Next Take(std::string_view rest) {
    for (std::size_t end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
      std::string_view whole = rest.substr(0, end);
      if (begun_.size() + whole.size() > longest_) return Next::kTooLong;
      if (!begun_.empty()) whole = begun_.append(whole);
      const bool more = whole.empty() || sink_(whole);
      begun_.clear();
      rest.remove_prefix(end + 1);
      if (!more) return Next::kSinkHasEnough;
    }
    if (begun_.size() + rest.size() > longest_) return Next::kTooLong;
    begun_ += rest;
    return Next::kMore;
  }
  [[nodiscard]] bool InTheMiddle() const { return !begun_.empty(); }

 private:
  const LineSink& sink_;
  const std::size_t longest_;
  std::string begun_;
};

HttpError TooLarge(const Request& request, const char* what) {
  return {ErrorKind::kTooLarge, 0,
          std::string(what) + " of the answer is larger than " + std::to_string(request.body_limit) + " bytes"};
}

}  // namespace

ReadAnswer ReadResponse(Exchange& exchange, const Request& request, const LineSink* sink,
                        SteadyClock::time_point deadline) {
  Response response;
  std::optional<LineCutter> lines;
  std::string data;
  while (true) {
    switch (exchange.Next(&data, deadline)) {
      case Exchange::What::kHeaders:
        response = exchange.TakeHead();
        if (sink != nullptr && response.status >= 200 && response.status <= 299) {
          lines.emplace(*sink, request.body_limit);
        }
        break;
      case Exchange::What::kData:
        if (!lines) {
          if (response.body.size() + data.size() > request.body_limit) return {TooLarge(request, "body")};
          response.body += data;
          break;
        }
        switch (lines->Take(data)) {
          case LineCutter::Next::kMore:
            break;
          case LineCutter::Next::kSinkHasEnough:
            return {std::move(response)};
          case LineCutter::Next::kTooLong:
            return {TooLarge(request, "line")};
        }
        break;
      case Exchange::What::kFinished: {
        const auto [code, text] = exchange.End();
        if (!text.empty()) return {ClassifyError(code, text), true};
        if (lines && lines->InTheMiddle()) {
          return {HttpError{ErrorKind::kReset, 0, "the stream ended in the middle of a line"}, true};
        }
        return {std::move(response), true};
      }
      case Exchange::What::kDeadline:
        return {HttpError{ErrorKind::kTimeout, ETIMEDOUT,
                          "not done after " + std::to_string(request.deadline.count()) + " ms"}};
      case Exchange::What::kInterrupted:
        return {HttpError{ErrorKind::kCancelled, ECANCELED, "stopped"}};
    }
  }
}

}  // namespace kube::cpprest
