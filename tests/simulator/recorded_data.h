// Reads the recordings that the tests compare with. Header only: four test files share it.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "simulator/recorded_parser.h"

namespace autotune::simulator {

inline std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// `name` as in "vllm-0.24.0/kv_f16.log".
inline std::string RecordedLog(std::string_view name) {
  return ReadFile(std::string(TESTDATA_DIR) + "/engines/logs/" + std::string(name));
}

inline RecordedParser Recorded(Engine engine, const std::string& version) {
  base::Result<RecordedParser> parser = RecordedParsers::Embedded().Find({engine, version});
  EXPECT_TRUE(parser.ok()) << (parser.ok() ? "" : parser.error().message);
  return parser.ok() ? *std::move(parser) : RecordedParser{};
}

}  // namespace autotune::simulator
