#include "checkpoint/hub.h"

#include <array>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "checkpoint/http_client.h"
#include "checkpoint/json_keys.h"

namespace autotune::checkpoint {
namespace {

using nlohmann::json;

constexpr int kAttempts = 3;
constexpr std::size_t kMaxListing = 8u << 20;
constexpr int kMaxPages = 20;  // of 1,000 files each

std::string PercentEncoded(const std::string& text, std::string_view keep) {
  std::string out;
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
        keep.find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return out;
}

// Text from a hub in a message: printable ASCII, bounded.
std::string Printable(std::string text) {
  constexpr std::size_t kLongest = 200;
  if (text.size() > kLongest) text.resize(kLongest);
  for (char& c : text) {
    if (c < ' ' || c > '~') c = ' ';
  }
  return text;
}

Size Number(const std::string& text) {
  const json number = json::parse(text, nullptr, false);
  const Size value = number.is_discarded() ? Size() : WholeNumber(number);
  return value >= 0 ? value : Size();
}

class Hub : public CheckpointFiles {
 public:
  explicit Hub(const HubOptions& options)
      : options_(options),
        client_(options.token, options.timeout, options.told_to_end),
        where_(options.model + " at " + options.endpoint) {
    endpoint_ = options.endpoint;
    while (endpoint_.ends_with('/')) endpoint_.pop_back();
    model_ = PercentEncoded(options.model, "/-._~");
    revision_ = PercentEncoded(options.revision.empty() ? "main" : options.revision, "-._~");
  }

  [[nodiscard]] const std::string& where() const override { return where_; }

  [[nodiscard]] std::string Commit() const override { return commit_; }

  [[nodiscard]] std::string NoConfigHint() const override {
    return " has no config.json (HTTP 404): give the model's config in spec.model.facts";
  }

  base::Result<std::vector<FileEntry>> List() override {
    std::vector<FileEntry> files;
    std::string url = endpoint_ + "/api/models/" + model_ + "/tree/" + revision_;
    for (int page = 0; page < kMaxPages && !url.empty(); ++page) {
      const auto answer = Ask({url, false, kMaxListing, std::nullopt});
      if (!answer) return Unreachable(answer.error());
      // Mirrors and proxies may serve files only: then the usual names are asked for.
      if (answer->status >= 400 && answer->status < 500 && answer->status != 429) return Probe();
      if (answer->status != 200) return Refused(*answer);
      const json tree = json::parse(answer->body, nullptr, false);
      if (!tree.is_array()) return Probe();
      for (const json& entry : tree) {
        const std::string path = TextOf(&entry, "path");
        if (TextOf(&entry, "type") != "file" || path.empty()) continue;
        Size size = IntegerOf(&entry, "size");
        if (size < 0) size.reset();
        files.push_back({path, size});
      }
      url = NextPage(answer->Header("link"));
    }
    return files;
  }

  base::Result<std::optional<std::string>> Read(const std::string& name, std::size_t max_bytes) override {
    return File({FileUrl(name), false, max_bytes, std::nullopt}, name);
  }

  base::Result<std::optional<std::string>> ReadStart(const std::string& name, std::size_t bytes) override {
    return File({FileUrl(name), false, bytes, bytes}, name);
  }

 private:
  [[nodiscard]] std::string FileUrl(const std::string& name) const {
    return endpoint_ + "/" + model_ + "/resolve/" + revision_ + "/" + PercentEncoded(name, "/-._~");
  }

  base::Result<std::optional<std::string>> File(const HttpRequest& request, const std::string& name) {
    auto answer = Ask(request);
    if (!answer) return Unreachable(answer.error());
    if (answer->status == 200 || answer->status == 206) {
      // Said with every file. Of files of two commits neither is what the facts are of.
      const std::string commit = answer->Header("x-repo-commit");
      if (!read_any_) commit_ = IsCommit(commit) ? commit : "";
      if (commit != commit_) commit_.clear();
      read_any_ = true;
      return std::optional(std::move(answer->body));
    }
    const std::string code = answer->Header("x-error-code");
    // A hub names the missing entry; plain file servers only say 404.
    const bool missing = answer->status == 404 && (code == "EntryNotFound" || (code.empty() && name != "config.json"));
    if (missing) return std::optional<std::string>();
    return Refused(*answer);
  }

  // <https://hub/api/...?cursor=x>; rel="next"
  [[nodiscard]] std::string NextPage(const std::string& link) const {
    const std::size_t end = link.find('>');
    if (!link.starts_with('<') || end == std::string::npos || !Contains(link.substr(end), "rel=\"next\"")) return "";
    const std::string url = link.substr(1, end - 1);
    // The token goes there, so it has to be the same hub.
    return url.starts_with(endpoint_ + "/") ? url : "";
  }

  base::Result<std::vector<FileEntry>> Probe() {
    static constexpr std::array kNames = {"hf_quant_config.json",     "quantize_config.json",
                                          "quant_config.json",        "params.json",
                                          "tokenizer_config.json",    "model.safetensors.index.json",
                                          "model.safetensors",        "consolidated.safetensors.index.json",
                                          "consolidated.safetensors", "pytorch_model.bin.index.json",
                                          "pytorch_model.bin"};
    std::vector<FileEntry> files;
    for (const char* name : kNames) {
      const auto answer = Ask({FileUrl(name), true, 0, std::nullopt});
      if (!answer) return Unreachable(answer.error());
      if (answer->status == 404) continue;
      if (answer->status != 200) return Refused(*answer);
      Size size = Number(answer->Header("x-linked-size"));
      if (!size) size = Number(answer->Header("content-length"));
      files.push_back({name, size});
    }
    return files;
  }

  base::Result<HttpAnswer> Ask(const HttpRequest& request) {
    auto delay = options_.retry_delay;
    for (int attempt = 1;; ++attempt) {
      auto answer = client_.Send(request);
      const bool again =
          answer ? answer->status == 429 || answer->status >= 500 : answer.error().code == base::Code::kRetry;
      if (!again || attempt == kAttempts || options_.told_to_end()) return answer;
      options_.say(request.url + ": " + (answer ? "HTTP " + std::to_string(answer->status) : answer.error().message) +
                   "; attempt " + std::to_string(attempt) + " of " + std::to_string(kAttempts));
      clock_.SleepFor(delay, {});
      delay *= 2;
    }
  }

  static base::Error Unreachable(const base::Error& error) {
    // Nothing that was asked for is wrong, as far as anybody knows: infrastructure.
    return {error.code, "the hub cannot be read: " + error.message, error.retry_after, 0};
  }

  [[nodiscard]] base::Error Refused(const HttpAnswer& answer) const {
    const std::string status = " (HTTP " + std::to_string(answer.status) + ")";
    const std::string code = answer.Header("x-error-code");
    const std::string token_hint =
        options_.token.empty() ? options_.how_to_give_token : options_.name_of_token + " has no access";
    const auto error = [&](const std::string& message) {
      const bool busy = answer.status == 429 || answer.status >= 500;
      return base::Error{busy ? base::Code::kRetry : base::Code::kInvalid, where_ + message, std::nullopt,
                         answer.status};
    };
    if (code == "GatedRepo" || answer.status == 403)
      return error(" is gated" + status + ": accept its conditions on the hub, and " + token_hint);
    // The hub does not tell strangers whether a private model exists.
    if (answer.status == 401)
      return error(" does not exist or is private" + status + ": check spec.model.idOrPath, or " + token_hint);
    if (answer.status == 404 && code == "RevisionNotFound")
      return error(" has no revision \"" + options_.revision + "\"" + status + ": check spec.model.revision");
    if (answer.status == 404)
      return error(" does not exist" + status + ": check spec.model.idOrPath and spec.model.revision");
    const std::string reason = Printable(answer.Header("x-error-message"));
    return error(" cannot be read" + status + (reason.empty() ? "" : ": " + reason));
  }

  const HubOptions options_;
  HttpClient client_;
  std::string where_, endpoint_, model_, revision_, commit_;
  bool read_any_ = false;
  base::RealClock clock_;
};

}  // namespace

std::unique_ptr<CheckpointFiles> OpenHub(const HubOptions& options) { return std::make_unique<Hub>(options); }

}  // namespace autotune::checkpoint
