#include "bench/http_response.h"

#include <gmock/gmock.h>

#include <random>
#include <vector>

namespace autotune::bench {
namespace {

using Event = HttpResponse::Event;

struct Read {
  std::string body;
  Event end = Event::kMore;
  int heads = 0;
  std::string rest;
};

// Gives the bytes in pieces of `size`.
Read ReadAll(HttpResponse& response, const std::string& bytes, std::size_t size) {
  Read out;
  for (std::size_t at = 0; at < bytes.size(); at += size) {
    const std::string copy = bytes.substr(at, size);
    std::string_view left = copy, piece;
    for (;;) {
      const Event event = response.Take(left, piece);
      if (event == Event::kMore) break;
      if (event == Event::kHead) ++out.heads;
      if (event == Event::kBody) out.body += piece;
      if (event == Event::kEnd || event == Event::kWrong) {
        out.end = event;
        out.rest = std::string(left) + bytes.substr(std::min(at + size, bytes.size()));
        return out;
      }
    }
  }
  return out;
}

TEST(HttpResponse, ReadsEveryFramingInPiecesOfAnySize) {
  const struct {
    const char* what;
    std::string bytes, body;
  } kCases[] = {
      {"length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello"},
      {"length 0", "HTTP/1.1 503 x\r\ncontent-length:0\r\n\r\n", ""},
      {"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=1\r\n0123456789\r\n0\r\n\r\n",
       "abc0123456789"},
      {"chunked with a trailer",
       "HTTP/1.1 200 OK\r\nTRANSFER-ENCODING: Chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Checksum: 1\r\n\r\n", "hi"},
      {"an interim answer first", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok"},
      {"line ends without CR", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok", "ok"},
      {"no body", "HTTP/1.1 204 No Content\r\n\r\n", ""},
  };
  for (const auto& row : kCases) {
    for (std::size_t size = 1; size <= row.bytes.size(); ++size) {
      SCOPED_TRACE(std::string(row.what) + ", pieces of " + std::to_string(size));
      HttpResponse response;
      const Read read = ReadAll(response, row.bytes, size);
      EXPECT_EQ(read.end, Event::kEnd);
      EXPECT_EQ(read.body, row.body);
      EXPECT_EQ(read.heads, 1);
      EXPECT_TRUE(response.keep_alive());
    }
  }
}

TEST(HttpResponse, LeavesWhatComesAfterTheAnswer) {
  HttpResponse response;
  const Read read = ReadAll(response, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200", 1000);
  EXPECT_EQ(read.rest, "HTTP/1.1 200");
}

TEST(HttpResponse, WithoutALengthTheConnectionsEndIsTheAnswers) {
  HttpResponse response;
  const Read read = ReadAll(response, "HTTP/1.1 200 OK\r\n\r\nsome", 7);
  EXPECT_EQ(read.end, Event::kMore);
  EXPECT_EQ(read.body, "some");
  EXPECT_TRUE(response.EndsHere());
  EXPECT_FALSE(response.keep_alive());
}

TEST(HttpResponse, AHalfAnswerDoesNotEndWithTheConnection) {
  HttpResponse response;
  ReadAll(response, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", 100);
  EXPECT_FALSE(response.EndsHere());
  EXPECT_TRUE(response.started());
}

TEST(HttpResponse, FindsHeadersWhateverTheirCase) {
  HttpResponse response;
  ReadAll(response,
          "HTTP/1.1 429 Too Many Requests\r\nX-Simulated:  true \r\nConnection: Close\r\nContent-Length: 0\r\n\r\n",
          100);
  EXPECT_EQ(response.status(), 429);
  EXPECT_EQ(response.header("x-simulated"), "true");
  EXPECT_EQ(response.header("x-other"), "");
  EXPECT_FALSE(response.keep_alive());
}

TEST(HttpResponse, HttpOneZeroClosesUnlessItSaysOtherwise) {
  HttpResponse response;
  ReadAll(response, "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", 100);
  EXPECT_FALSE(response.keep_alive());
  response.Reset();
  ReadAll(response, "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n", 100);
  EXPECT_TRUE(response.keep_alive());
}

TEST(HttpResponse, RefusesWhatIsNoAnswer) {
  for (const std::string bytes :
       {"SSH-2.0-OpenSSH_9\r\n", "HTTP/2 200 OK\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "\x15\x03\x01",
        "HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n"}) {
    HttpResponse response;
    EXPECT_EQ(ReadAll(response, bytes, 1000).end, Event::kWrong) << bytes;
  }
  HttpResponse endless;
  EXPECT_EQ(ReadAll(endless, "HTTP/1.1 200 OK\r\nX: " + std::string(1 << 20, 'x'), 4096).end, Event::kWrong);
}

TEST(HttpResponse, SurvivesRandomBytes) {
  std::mt19937_64 random(5);
  const std::string seed = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = seed;
    for (std::uint64_t edits = random() % 6; edits > 0; --edits) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    HttpResponse response;
    const Read read = ReadAll(response, bytes, 1 + random() % bytes.size());
    EXPECT_LE(read.body.size(), bytes.size());
  }
}

TEST(HttpResponse, KnowsATlsRecord) {
  HttpResponse alert, text;
  EXPECT_EQ(ReadAll(alert, std::string("\x15\x03\x01\x00\x02\x02\x46", 7), 100).end, Event::kWrong);
  EXPECT_TRUE(alert.IsTls());
  EXPECT_EQ(ReadAll(text, "SSH-2.0-OpenSSH\r\n", 100).end, Event::kWrong);
  EXPECT_FALSE(text.IsTls());
}

}  // namespace
}  // namespace autotune::bench
