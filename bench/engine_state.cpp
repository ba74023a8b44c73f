#include "bench/engine_state.h"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <optional>
#include <string_view>
#include <utility>

// A JSON writer and a reader for exactly this document: the launcher must stay static and small, and the document is
// flat (numbers, booleans, texts, lists of texts).

namespace autotune::bench {
namespace {

using Phase = EngineState::Phase;

constexpr std::pair<Phase, std::string_view> kPhases[] = {
    {Phase::kStarting, "Starting"}, {Phase::kReady, "Ready"},
    {Phase::kExited, "Exited"},     {Phase::kStartupTimeout, "StartupTimeout"},
    {Phase::kKilled, "Killed"},     {Phase::kNotStarted, "NotStarted"},
};

std::string_view PhaseName(Phase phase) {
  for (const auto& [value, name] : kPhases) {
    if (value == phase) return name;
  }
  return "Starting";
}

void AppendText(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char buffer[8];
      std::snprintf(buffer, sizeof buffer, "\\u%04x", static_cast<unsigned>(c));
      out += buffer;
    } else {
      out += c;
    }
  }
  out += '"';
}

void AppendList(std::string& out, const std::vector<std::string>& items) {
  out += '[';
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out += ',';
    out += "\n  ";
    AppendText(out, items[i]);
  }
  out += ']';
}

void AppendUtf8(std::string& out, unsigned code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0 | (code >> 6));
    out += static_cast<char>(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xe0 | (code >> 12));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
    out += static_cast<char>(0x80 | (code & 0x3f));
  } else {
    out += static_cast<char>(0xf0 | (code >> 18));
    out += static_cast<char>(0x80 | ((code >> 12) & 0x3f));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
    out += static_cast<char>(0x80 | (code & 0x3f));
  }
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  base::Result<EngineState> Read() {
    EngineState state;
    if (!Take('{')) return Fail("expected an object");
    if (!Take('}')) {
      do {
        const std::optional<std::string> key = Text();
        if (!key || !Take(':') || !Value(*key, state)) return Fail("unreadable value of \"" + key.value_or("?") + "\"");
      } while (Take(','));
      if (!Take('}')) return Fail("expected , or }");
    }
    Skip();
    if (at_ != text_.size()) return Fail("text after the document");
    if (!saw_phase_) return Fail("no phase");
    return state;
  }

 private:
  base::Error Fail(const std::string& what) const {
    return base::Invalid("engine.json: byte " + std::to_string(at_) + ": " + what);
  }
  void Skip() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t'))
      ++at_;
  }
  bool Take(char c) {
    Skip();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool TakeWord(std::string_view word) {
    Skip();
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  std::optional<unsigned> Hex4() {
    if (at_ + 4 > text_.size()) return std::nullopt;
    unsigned value = 0;
    const char* end = text_.data() + at_ + 4;
    const auto [stop, error] = std::from_chars(text_.data() + at_, end, value, 16);
    if (error != std::errc() || stop != end) return std::nullopt;
    at_ += 4;
    return value;
  }
  std::optional<std::string> Text() {
    if (!Take('"')) return std::nullopt;
    std::string out;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '"') return out;
      if (static_cast<unsigned char>(c) < 0x20) return std::nullopt;
      if (c != '\\') {
        out += c;
        continue;
      }
      if (at_ >= text_.size()) return std::nullopt;
      switch (const char escape = text_[at_++]) {
        case '"':
        case '\\':
        case '/':
          out += escape;
          break;
        case 'b':
          out += '\b';
          break;
        case 'f':
          out += '\f';
          break;
        case 'n':
          out += '\n';
          break;
        case 'r':
          out += '\r';
          break;
        case 't':
          out += '\t';
          break;
        case 'u': {
          std::optional<unsigned> code = Hex4();
          if (!code) return std::nullopt;
          if (*code >= 0xd800 && *code < 0xdc00) {  // high surrogate: the low one must follow
            if (!text_.substr(at_).starts_with("\\u")) return std::nullopt;
            at_ += 2;
            const std::optional<unsigned> low = Hex4();
            if (!low || *low < 0xdc00 || *low > 0xdfff) return std::nullopt;
            code = 0x10000 + ((*code - 0xd800) << 10) + (*low - 0xdc00);
          } else if (*code >= 0xdc00 && *code <= 0xdfff) {
            return std::nullopt;
          }
          AppendUtf8(out, *code);
          break;
        }
        default:
          return std::nullopt;
      }
    }
    return std::nullopt;
  }
  template <typename T>
  bool Number(T& out) {
    Skip();
    const auto [stop, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), out);
    if (error != std::errc()) return false;
    at_ = static_cast<std::size_t>(stop - text_.data());
    return true;
  }
  bool Boolean(bool& out) {
    if (TakeWord("true")) {
      out = true;
      return true;
    }
    if (TakeWord("false")) {
      out = false;
      return true;
    }
    return false;
  }
  bool List(std::vector<std::string>& out) {
    out.clear();
    if (!Take('[')) return false;
    if (Take(']')) return true;
    do {
      std::optional<std::string> item = Text();
      if (!item) return false;
      out.push_back(*std::move(item));
    } while (Take(','));
    return Take(']');
  }
  bool Value(const std::string& key, EngineState& state) {
    if (key == "phase") {
      const std::optional<std::string> name = Text();
      for (const auto& [value, known] : kPhases) {
        if (name && *name == known) {
          state.phase = value;
          return saw_phase_ = true;
        }
      }
      return false;
    }
    if (key == "exitCode") return Number(state.exit_code);
    if (key == "signal") return Number(state.signal);
    if (key == "startSeconds") return Number(state.start_seconds);
    if (key == "wasReady") return Boolean(state.was_ready);
    if (key == "oomKills") return Number(state.oom_kills);
    if (key == "errorLines") return List(state.error_lines);
    if (key == "lastLines") return List(state.last_lines);
    if (key == "gpuProduct" || key == "driver") {
      std::optional<std::string> text = Text();
      if (!text) return false;
      (key == "driver" ? state.driver : state.gpu_product) = *std::move(text);
      return true;
    }
    return SkipValue();  // a newer launcher may say more
  }
  bool SkipValue() {
    Skip();
    if (at_ >= text_.size()) return false;
    if (text_[at_] == '"') return Text().has_value();
    if (text_[at_] == '[') {
      std::vector<std::string> ignored;
      return List(ignored);
    }
    bool flag = false;
    double number = 0;
    return Boolean(flag) || TakeWord("null") || Number(number);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool saw_phase_ = false;
};

}  // namespace

std::string EncodeEngineState(const EngineState& state) {
  std::string out = "{\"phase\":";
  AppendText(out, PhaseName(state.phase));
  out += ",\"exitCode\":" + std::to_string(state.exit_code);
  out += ",\"signal\":" + std::to_string(state.signal);
  char seconds[48];
  std::snprintf(seconds, sizeof seconds, "%.3f", std::isfinite(state.start_seconds) ? state.start_seconds : 0.0);
  out += ",\"startSeconds\":";
  out += seconds;
  out += ",\"wasReady\":";
  out += state.was_ready ? "true" : "false";
  out += ",\"oomKills\":" + std::to_string(state.oom_kills);
  out += ",\"gpuProduct\":";
  AppendText(out, state.gpu_product);
  out += ",\"driver\":";
  AppendText(out, state.driver);
  out += ",\n \"errorLines\":";
  AppendList(out, state.error_lines);
  out += ",\n \"lastLines\":";
  AppendList(out, state.last_lines);
  out += "}\n";
  return out;
}

base::Result<EngineState> DecodeEngineState(const std::string& text) { return Reader(text).Read(); }

}  // namespace autotune::bench
