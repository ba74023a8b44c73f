#include "bench/engine_reader.h"

namespace autotune::bench {
namespace {

constexpr std::chrono::seconds kInterval{5};
constexpr std::size_t kMaxText = 16u << 20;

}  // namespace

void EngineReader::ReadNow() {
  if (path_.empty() || connection_.busy()) return;
  last_ = std::chrono::steady_clock::now();
  text_.clear();
  connection_.Send("GET", path_, "");
}

void EngineReader::ReadSometimes(SteadyTime now) {
  if (now - last_ >= kInterval) ReadNow();
}

void EngineReader::OnHead(const HttpResponse& head) { status_ = head.status(); }

void EngineReader::OnBody(std::string_view piece, SteadyTime, SteadyTime) {
  if (text_.size() + piece.size() <= kMaxText) text_ += piece;
}

void EngineReader::OnEnd() {
  if (status_ == 200) readings_.push_back(ReadEngineMetrics(text_));
}

void EngineReader::OnBroken(const std::string&) {}

}  // namespace autotune::bench
