#include "bench/log_digest.h"

#include <gmock/gmock.h>

#include "bench/clean_text.h"

namespace autotune::bench {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using Level = LogLine::Level;

TEST(LogLine, LosesWhatItsWritersPutInFront) {
  const struct {
    const char *raw, *tag;
    Level level;
    std::size_t indent;
    const char* text;
  } kCases[] = {
      {"plain text", "", Level::kNone, 0, "plain text"},
      {"    assert x", "", Level::kNone, 4, "assert x"},
      {"(APIServer pid=1293) RuntimeError: x", "APIServer pid=1293", Level::kNone, 0, "RuntimeError: x"},
      {"(APIServer pid=2998)   Value error, x", "APIServer pid=2998", Level::kNone, 2, "Value error, x"},
      {"(EngineCore pid=7859) ERROR 11-22 15:53:02 [core.py:1231]     raise ValueError(", "EngineCore pid=7859",
       Level::kError, 4, "raise ValueError("},
      {"INFO 11-22 15:53:02 [core.py:1] up", "", Level::kInfo, 0, "up"},
      {"INFO:     Application startup complete.", "", Level::kInfo, 4, "Application startup complete."},
      {"[2026-11-22 16:43:34 TP0] Load weight begin.", "", Level::kNone, 0, "Load weight begin."},
      {"[rank0]:[W1122 16:43:35.102817488 ProcessGroupNCCL.cpp:1575] Warning: x", "rank0", Level::kWarning, 0,
       "Warning: x"},
      {"[11/22/2026-16:43:35] [TRT-LLM] [E] Failed to load", "", Level::kError, 0, "Failed to load"},
      {"[TensorRT-LLM][ERROR] Assertion failed", "", Level::kError, 0, "Assertion failed"},
      {"2026-11-22 16:43:34,123 - ERROR - boom", "", Level::kError, 0, "boom"},
      {"\x1b[0;36m(EngineCore pid=7)\x1b[0;0m WARNING 11-22 15:53:02 [a.py:1] y", "EngineCore pid=7", Level::kWarning,
       0, "y"},
      {"(choose from 'a', 'b')", "", Level::kNone, 0, "(choose from 'a', 'b')"},
      {"[1, 2, 3]", "", Level::kNone, 0, "[1, 2, 3]"},
  };
  for (const auto& row : kCases) {
    const LogLine line = ParseLogLine(row.raw);
    EXPECT_EQ(line.tag, row.tag) << row.raw;
    EXPECT_EQ(line.level, row.level) << row.raw;
    EXPECT_EQ(line.indent, row.indent) << row.raw;
    EXPECT_EQ(line.text, row.text) << row.raw;
  }
}

TEST(LogDigest, ReadsTheSameInPiecesOfAnySize) {
  const std::string log =
      "(A pid=1) Traceback (most recent call last):\n(B pid=2)     other = 1\r\n(A pid=1)     assert x\n"
      "(A pid=1)            ^^^\n(A pid=1) AssertionError\nbar 1%\rbar 2%\rbar 3%\nlast";
  for (std::size_t size = 1; size <= log.size(); ++size) {
    LogDigest digest;
    for (std::size_t at = 0; at < log.size(); at += size) digest.Append(std::string_view(log).substr(at, size));
    digest.Finish();
    EXPECT_THAT(digest.error_lines(), ElementsAre("AssertionError: assert x")) << size;
    EXPECT_THAT(digest.last_lines(), ElementsAre("Traceback (most recent call last):", "other = 1", "assert x", "^^^",
                                                 "AssertionError", "bar 3%", "last"))
        << size;
  }
}

TEST(LogDigest, StaysWithinItsBoundsAndKeepsTheFirstErrors) {
  LogDigest digest;
  for (int i = 0; i < 5'000; ++i) {
    digest.Append("ValueError: number " + std::to_string(i) + std::string(static_cast<std::size_t>(i % 700), 'x') +
                  "\n");
  }
  digest.Append(std::string(5'000'000, 'y'));  // a line without an end
  digest.Finish();
  const auto errors = digest.error_lines();
  ASSERT_THAT(errors, SizeIs(LogDigest::kMaxErrorLines));
  EXPECT_EQ(errors[0], "ValueError: number 0");
  EXPECT_TRUE(errors.back().starts_with("ValueError: number 4999"));
  EXPECT_THAT(digest.last_lines(), SizeIs(LogDigest::kMaxLastLines));
  for (const std::string& line : digest.last_lines()) EXPECT_LE(line.size(), LogDigest::kMaxLineBytes);
  for (const std::string& line : errors) EXPECT_LE(line.size(), LogDigest::kMaxLineBytes);
}

TEST(LogDigest, RepeatsNothing) {
  LogDigest digest;
  for (int i = 0; i < 100; ++i) digest.Append("(EngineCore pid=1) ERROR 11-22 15:53:02 [a.py:1] ValueError: x\n");
  digest.Append("ValueError: x\n");
  EXPECT_THAT(digest.error_lines(), ElementsAre("ValueError: x"));
}

TEST(LogDigest, WhatWarningsQuoteIsNoError) {
  LogDigest digest;
  digest.Append(
      "WARNING 11-22 15:47:23 [a.py:1] OSError: [Errno 24] Too many open files\n"
      "(EngineCore pid=1) INFO 11-22 15:47:23 [a.py:1] ValueError: quoted\n"
      "[2026-11-22 16:40:08] Ignore import error when loading x: No module named 'cutlass'\n"
      "  ValueError: inside an indented block\n");
  EXPECT_THAT(digest.error_lines(), IsEmpty());
}

TEST(LogDigest, ForgetsWhatTheEngineSurvived) {
  LogDigest digest;
  digest.Append("ValueError: caught\n");
  digest.ForgetErrors();
  EXPECT_THAT(digest.error_lines(), IsEmpty());
  digest.Append("ValueError: fatal\n");
  EXPECT_THAT(digest.error_lines(), ElementsAre("ValueError: fatal"));
}

TEST(LogDigest, ArbitraryBytesBecomeCleanLines) {
  LogDigest digest;
  std::string bytes;
  for (int i = 0; i < 100'000; ++i) bytes += static_cast<char>((i * 7919) >> 3);
  digest.Append(bytes);
  digest.Finish();
  for (const std::string& line : digest.last_lines()) EXPECT_EQ(CleanText(line, LogDigest::kMaxLineBytes), line);
}

}  // namespace
}  // namespace autotune::bench
