#include "checkpoint/hub.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "checkpoint/http_client.h"
#include "tests/checkpoint/tls_hub.h"

namespace autotune::checkpoint {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using Request = TlsHub::Request;
using Answer = TlsHub::Answer;

constexpr const char* kLlama =
    R"({"architectures":["LlamaForCausalLM"],"model_type":"llama","torch_dtype":"bfloat16","num_hidden_layers":16,)"
    R"("hidden_size":2048,"intermediate_size":8192,"num_attention_heads":32,"num_key_value_heads":8,"vocab_size":128256})";

const std::string kCommit(40, 'a');

Answer Missing(const std::string& code, int status = 404) { return {status, "{}", {{"X-Error-Code", code}}}; }

std::string File(const std::string& name, std::int64_t size) {
  return R"({"type":"file","path":")" + name + R"(","size":)" + std::to_string(size) + "}";
}

// As huggingface.co answers: files under /resolve/, their list under /api/.
Answer Hub(const Request& request) {
  const auto& path = request.path;
  const auto is = [&](const char* what) { return path == what; };
  if (is("/org/public/resolve/main/config.json")) return {200, kLlama, {}};
  if (path.starts_with("/org/pinned/resolve/main/")) {
    const std::map<std::string, std::string> commit = {{"X-Repo-Commit", kCommit}};
    if (path.ends_with("/config.json")) return {200, kLlama, commit};
    if (path.ends_with("/hf_quant_config.json")) return {302, "", {{"Location", "/cdn/quant"}, *commit.begin()}};
    return Missing("EntryNotFound");
  }
  if (is("/cdn/quant")) return {200, R"({"quantization":{"quant_algo":"FP8"}})", {}};
  if (path.starts_with("/org/moving/resolve/main/")) {
    // Somebody pushes between two files.
    if (path.ends_with("/config.json")) return {200, kLlama, {{"X-Repo-Commit", kCommit}}};
    if (path.ends_with("/hf_quant_config.json"))
      return {200, R"({"quantization":{"quant_algo":"FP8"}})", {{"X-Repo-Commit", std::string(40, 'b')}}};
    return Missing("EntryNotFound");
  }
  if (is("/org/odd/resolve/main/config.json")) return {200, kLlama, {{"X-Repo-Commit", "--trust-remote-code"}}};
  if (path.starts_with("/org/odd/")) return Missing("EntryNotFound");
  if (is("/org/public/resolve/refs%2Fpr%2F7/config.json")) return {200, kLlama, {}};
  if (is("/org/public/resolve/main/model.safetensors.index.json"))
    return {
        200,
        R"({"metadata":{"total_size":90},"weight_map":{"a":"model-1-of-2.safetensors","b":"model-2-of-2.safetensors"}})",
        {}};
  if (path.starts_with("/api/models/org/public/tree/")) {
    // Mistral's copy of the same weights does not count.
    return {200,
            "[" + File("config.json", 500) + "," + File("model.safetensors.index.json", 90) + "," +
                File("model-1-of-2.safetensors", 60) + "," + File("model-2-of-2.safetensors", 40) + "," +
                File("consolidated.safetensors", 100) + R"(,{"type":"directory","path":"original","size":0}])",
            {}};
  }
  if (path.starts_with("/org/public/resolve/no-such/")) return Missing("RevisionNotFound");
  if (path.starts_with("/org/public/")) return Missing("EntryNotFound");

  // A mirror that serves files and nothing else. One weight file, kept elsewhere: the size comes with the redirect.
  if (is("/org/files/resolve/main/config.json")) return {200, kLlama, {}};
  if (is("/org/files/resolve/main/hf_quant_config.json"))
    return {
        200, R"({"producer":{"name":"modelopt"},"quantization":{"quant_algo":"FP8","kv_cache_quant_algo":"FP8"}})", {}};
  if (is("/org/files/resolve/main/model.safetensors"))
    return {302, "", {{"Location", "/cdn/x?sig=1"}, {"X-Linked-Size", "777"}}};
  if (path.starts_with("/cdn/")) return {200, "w", {}};

  if (path.starts_with("/org/gated/") || path.starts_with("/api/models/org/gated/")) {
    if (request.authorization == "Bearer hf_good" && path.ends_with("/config.json")) return {200, kLlama, {}};
    if (request.authorization == "Bearer hf_good") return Missing("EntryNotFound");
    return Missing("GatedRepo", request.authorization.empty() ? 401 : 403);
  }
  if (path.starts_with("/org/private/")) return Missing("RepoNotFound", 401);
  if (is("/org/garbage/resolve/main/config.json")) return {200, "<!DOCTYPE html><html>", {}};
  if (is("/org/huge/resolve/main/config.json")) return {200, std::string(33u << 20, ' '), {}};
  if (is("/org/busy/resolve/main/config.json")) return {503, "busy", {}};

  // A repository of GGUF files in two pages, without config.json.
  if (is("/org/gguf/resolve/main/config.json")) return Missing("EntryNotFound");
  if (is("/api/models/org/gguf/tree/main")) {
    return {200,
            "[" + File("README.md", 5) + "]",
            {{"Link", "<https://" + request.host + "/api/models/org/gguf/tree/main?cursor=2>; rel=\"next\""}}};
  }
  if (is("/api/models/org/gguf/tree/main?cursor=2")) return {200, "[" + File("model-Q4_K_M.gguf", 5000) + "]", {}};
  if (is("/org/gguf/resolve/main/model-Q4_K_M.gguf")) {
    // Version 3, no tensors, two entries: general.architecture = "llama", llama.block_count = 7.
    std::string gguf("GGUF\3\0\0\0\0\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0", 24);
    gguf += std::string("\x14\0\0\0\0\0\0\0", 8) + "general.architecture" +
            std::string("\10\0\0\0\5\0\0\0\0\0\0\0", 12) + "llama";
    gguf += std::string("\x11\0\0\0\0\0\0\0", 8) + "llama.block_count" + std::string("\4\0\0\0\7\0\0\0", 8);
    return {200, gguf + std::string(1u << 20, 'w'), {}};
  }
  return Missing("RepoNotFound");
}

class FromHub : public testing::Test {
 protected:
  FromHub() {
    ::setenv("SSL_CERT_FILE", hub_.authority_file().c_str(), 1);
    options_.endpoint = hub_.endpoint();
    options_.retry_delay = std::chrono::milliseconds(1);
  }
  ~FromHub() override { ::unsetenv("SSL_CERT_FILE"); }

  base::Result<ModelFacts> Of(const std::string& model) {
    options_.model = model;
    return ReadCheckpoint(*OpenHub(options_));
  }

  TlsHub hub_{Hub};
  HubOptions options_;
};

TEST_F(FromHub, ReadsAPublicModel) {
  const auto facts = Of("org/public");
  ASSERT_TRUE(facts.ok()) << facts.error().message;
  EXPECT_EQ(facts->architecture, "LlamaForCausalLM");
  EXPECT_EQ(facts->layers, 16);
  EXPECT_EQ(facts->quantization, "none");
  EXPECT_EQ(facts->weight_bytes, 100) << "the files of the index, once";
  EXPECT_THAT(facts->notes, IsEmpty());
  for (const Request& request : hub_.requests()) EXPECT_EQ(request.authorization, "");
}

TEST_F(FromHub, RemembersTheCommitOfAllFilesOrNone) {
  auto facts = Of("org/pinned");
  ASSERT_TRUE(facts.ok()) << facts.error().message;
  EXPECT_EQ(facts->family, "fp8");
  EXPECT_EQ(facts->commit, kCommit) << "also of a file that is kept elsewhere";
  EXPECT_EQ(Of("org/moving")->commit, "");
  EXPECT_EQ(Of("org/odd")->commit, "");
  EXPECT_EQ(Of("org/public")->commit, "");
}

TEST_F(FromHub, ReadsAHubThatOnlyServesFiles) {
  const auto facts = Of("org/files");
  ASSERT_TRUE(facts.ok()) << facts.error().message;
  EXPECT_EQ(facts->family, "fp8");
  EXPECT_EQ(facts->kv_cache, "fp8");
  EXPECT_EQ(facts->weight_bytes, 777);
}

TEST_F(FromHub, ReadsTheHeaderOfAGgufFileWithoutTheRest) {
  const auto facts = Of("org/gguf");
  ASSERT_TRUE(facts.ok()) << facts.error().message;
  EXPECT_EQ(facts->family, "gguf");
  EXPECT_EQ(facts->layers, 7);
  EXPECT_EQ(facts->weight_bytes, 5000);
  EXPECT_EQ(hub_.requests().back().range, "bytes=0-262143");
}

TEST_F(FromHub, ARevisionMayContainSlashes) {
  options_.revision = "refs/pr/7";
  const auto facts = Of("org/public");
  ASSERT_TRUE(facts.ok()) << facts.error().message;
  EXPECT_EQ(facts->layers, 16);
}

TEST_F(FromHub, AModelThatCannotBeReadSaysWhatToDo) {
  const struct {
    const char *model, *revision, *token;
    int http_status;
    base::Code code;
    const char *what, *hint;
  } kCases[] = {
      {"org/gated", "main", "", 401, base::Code::kInvalid, "is gated (HTTP 401)",
       "spec.model.huggingFace.tokenSecretRef"},
      {"org/gated", "main", "hf_bad", 403, base::Code::kInvalid, "is gated (HTTP 403)", "has no access"},
      {"org/private", "main", "", 401, base::Code::kInvalid, "does not exist or is private (HTTP 401)",
       "spec.model.idOrPath"},
      {"org/missing", "main", "", 404, base::Code::kInvalid, "does not exist (HTTP 404)", "spec.model.idOrPath"},
      {"org/public", "no-such", "", 404, base::Code::kInvalid, "has no revision \"no-such\"", "spec.model.revision"},
      {"org/garbage", "main", "", 0, base::Code::kInvalid, "config.json: line 1, column 1: is not JSON", "org/garbage"},
      {"org/huge", "main", "", 0, base::Code::kInvalid, "larger than allowed", "config.json"},
      {"org/busy", "main", "", 503, base::Code::kRetry, "cannot be read (HTTP 503)", ""},
  };
  for (const auto& row : kCases) {
    options_.revision = row.revision;
    options_.token = row.token;
    const auto facts = Of(row.model);
    ASSERT_FALSE(facts.ok()) << row.model;
    EXPECT_EQ(facts.error().http_status, row.http_status) << row.model;
    EXPECT_EQ(facts.error().code, row.code) << row.model;
    EXPECT_THAT(facts.error().message, AllOf(HasSubstr(row.what), HasSubstr(row.hint)));
  }
}

TEST_F(FromHub, ATokenOpensAGatedModel) {
  options_.token = "hf_good";
  EXPECT_TRUE(Of("org/gated").ok());
}

TEST_F(FromHub, ABusyHubIsAskedAgain) {
  std::vector<std::string> said;
  options_.say = [&](const std::string& line) { said.push_back(line); };
  EXPECT_FALSE(Of("org/busy").ok());
  EXPECT_THAT(hub_.requests(), SizeIs(3));
  ASSERT_THAT(said, SizeIs(2)) << "the third attempt is the error";
  EXPECT_THAT(said.front(), HasSubstr("/org/busy/resolve/main/config.json: HTTP 503"));
  EXPECT_THAT(said.front(), HasSubstr("; attempt 1 of 3"));
}

TEST_F(FromHub, AnUntrustedCertificateIsRefused) {
  ::setenv("SSL_CERT_FILE", "/etc/hostname", 1);
  const auto facts = Of("org/public");
  ASSERT_FALSE(facts.ok());
  EXPECT_EQ(facts.error().code, base::Code::kInvalid);
  EXPECT_THAT(facts.error().message, HasSubstr("certificate"));
  EXPECT_THAT(hub_.requests(), IsEmpty());
}

TEST_F(FromHub, ACertificateForAnotherNameIsRefused) {
  options_.endpoint = hub_.endpoint("127.0.0.2");
  const auto facts = Of("org/public");
  ASSERT_FALSE(facts.ok());
  EXPECT_THAT(facts.error().message, HasSubstr("certificate subject name"));
  EXPECT_THAT(hub_.requests(), IsEmpty());
}

TEST_F(FromHub, StopsWhenTold) {
  options_.told_to_end = [] { return true; };
  const auto facts = Of("org/public");
  ASSERT_FALSE(facts.ok());
  EXPECT_EQ(facts.error().code, base::Code::kCancelled);
}

TEST(HttpClient, SendsTheTokenToNobodyElse) {
  TlsHub hub([](const Request& request) -> Answer {
    if (request.path == "/a") return {307, "", {{"Location", "/b"}}};
    const std::string port = request.host.substr(request.host.find(':'));
    if (request.path == "/b") return {302, "", {{"Location", "https://127.0.0.1" + port + "/c"}}};
    return {200, "content", {}};
  });
  ::setenv("SSL_CERT_FILE", hub.authority_file().c_str(), 1);
  const auto answer = HttpClient("hf_secret", std::chrono::seconds(60)).Send({hub.endpoint() + "/a", false, 100, {}});
  ::unsetenv("SSL_CERT_FILE");
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(answer->body, "content");
  const auto requests = hub.requests();
  ASSERT_THAT(requests, SizeIs(3));
  EXPECT_EQ(requests[0].authorization, "Bearer hf_secret");
  EXPECT_EQ(requests[1].authorization, "Bearer hf_secret") << "the same origin";
  EXPECT_EQ(requests[2].path, "/c");
  EXPECT_EQ(requests[2].authorization, "") << "another host";
}

TEST(HttpClient, FollowsNoEndlessNorInsecureRedirects) {
  TlsHub hub([](const Request& request) -> Answer {
    if (request.path == "/plain") return {302, "", {{"Location", "http://127.0.0.1/x"}}};
    return {302, "", {{"Location", "/again"}}};
  });
  ::setenv("SSL_CERT_FILE", hub.authority_file().c_str(), 1);
  HttpClient client("", std::chrono::seconds(60));
  EXPECT_THAT(client.Send({hub.endpoint() + "/loop", false, 100, {}}).error().message,
              HasSubstr("more than 5 redirects"));
  EXPECT_THAT(client.Send({hub.endpoint() + "/plain", false, 100, {}}).error().message,
              HasSubstr("redirected from https"));
  ::unsetenv("SSL_CERT_FILE");
}

TEST(HttpClient, KeepsTheFirstBytesOfAServerWithoutRanges) {
  TlsHub hub([](const Request&) -> Answer { return {200, std::string(1u << 20, 'x'), {}}; });
  for (const char* name : {"REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"}) ::unsetenv(name);  // of this machine
  ::setenv("CURL_CA_BUNDLE", hub.authority_file().c_str(), 1);
  const auto answer = HttpClient("", std::chrono::seconds(60)).Send({hub.endpoint() + "/f", false, 0, 10});
  ::unsetenv("CURL_CA_BUNDLE");
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(answer->body, "xxxxxxxxxx");
}

TEST(HttpClient, RefusesWhatIsNoUrl) {
  HttpClient client("", std::chrono::seconds(1));
  for (const char* url :
       {"", "hub.example", "ftp://x", "file:///etc/passwd", "https://user@host/", "https://h/\r\nX: y"}) {
    const auto answer = client.Send({url, false, 10, {}});
    ASSERT_FALSE(answer.ok()) << url;
    EXPECT_EQ(answer.error().code, base::Code::kInvalid) << url;
  }
}

TEST(HttpClient, ReportsAHubThatIsNotThereAsTransient) {
  const auto answer = HttpClient("", std::chrono::seconds(5)).Send({"http://127.0.0.1:1/x", false, 10, {}});
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, base::Code::kRetry);
  EXPECT_THAT(answer.error().message, HasSubstr("onnect"));
}

// Answers one plain HTTP request.
class OneAnswer {
 public:
  OneAnswer() {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 1) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
      std::abort();
    url_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    thread_ = std::thread([this] {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      char buffer[4096];
      ssize_t n = 0;
      while (fd >= 0 && head_.find("\r\n\r\n") == std::string::npos && (n = ::read(fd, buffer, sizeof buffer)) > 0)
        head_.append(buffer, static_cast<std::size_t>(n));
      const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
      if (fd >= 0 && ::write(fd, answer.data(), answer.size()) > 0) ::close(fd);
    });
  }
  ~OneAnswer() {
    ::shutdown(listener_, SHUT_RDWR);
    if (thread_.joinable()) thread_.join();
    ::close(listener_);
  }
  [[nodiscard]] const std::string& url() const { return url_; }
  std::string Head() {
    thread_.join();
    return head_;
  }

 private:
  int listener_ = -1;
  std::string url_, head_;
  std::thread thread_;
};

TEST(HttpClient, GoesThroughTheProxyOfTheEnvironment) {
  OneAnswer proxy;
  ::setenv("http_proxy", proxy.url().c_str(), 1);
  const auto answer = HttpClient("", std::chrono::seconds(60)).Send({"http://hub.invalid/file", false, 10, {}});
  ::unsetenv("http_proxy");
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(answer->body, "ok");
  EXPECT_THAT(proxy.Head(), AllOf(HasSubstr("GET http://hub.invalid/file HTTP/1.1"), Not(HasSubstr("Authorization"))));
}

}  // namespace
}  // namespace autotune::checkpoint
