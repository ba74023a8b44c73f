#include "bench/inspect.h"

#include <gmock/gmock.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "bench/bench_run.h"
#include "bench/hub_client.h"
#include "tests/bench/launcher_process.h"
#include "tests/bench/tls_hub.h"

namespace autotune::bench {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::SizeIs;
using Request = TlsHub::Request;
using Answer = TlsHub::Answer;

constexpr const char* kLlama =
    R"({"architectures":["LlamaForCausalLM"],"model_type":"llama","torch_dtype":"bfloat16","num_hidden_layers":16,)"
    R"("hidden_size":2048,"intermediate_size":8192,"num_attention_heads":32,"num_key_value_heads":8,"vocab_size":128256})";

Answer Missing(const std::string& code, int status = 404) { return {status, "{}", {{"X-Error-Code", code}}}; }

// As huggingface.co answers.
Answer Hub(const Request& request) {
  const auto& path = request.path;
  const auto is = [&](const char* what) { return path == what; };
  if (is("/org/public/resolve/main/config.json")) return {200, kLlama, {}};
  if (is("/org/public/resolve/main/model.safetensors.index.json")) {
    return {200, R"({"metadata":{"total_size":2471645608},"weight_map":{}})", {}};
  }
  if (is("/org/public/resolve/refs%2Fpr%2F7/config.json")) return {200, kLlama, {}};
  if (path.starts_with("/org/public/resolve/no-such/")) return Missing("RevisionNotFound");
  if (path.starts_with("/org/public/")) return Missing("EntryNotFound");

  // One weight file, kept elsewhere: the size is announced with the redirect.
  if (is("/org/single/resolve/main/config.json")) return {200, kLlama, {}};
  if (is("/org/single/resolve/main/hf_quant_config.json")) {
    return {
        200, R"({"producer":{"name":"modelopt"},"quantization":{"quant_algo":"FP8","kv_cache_quant_algo":"FP8"}})", {}};
  }
  if (is("/org/single/resolve/main/model.safetensors")) {
    return {302, "", {{"Location", "/cdn/x?sig=1"}, {"X-Linked-Size", "777"}}};
  }
  if (path.starts_with("/cdn/")) return {200, "w", {}};
  if (path.starts_with("/org/single/")) return Missing("EntryNotFound");

  if (path.starts_with("/org/gated/")) {
    if (request.authorization == "Bearer hf_good" && path.ends_with("/config.json")) return {200, kLlama, {}};
    if (request.authorization == "Bearer hf_good") return Missing("EntryNotFound");
    return Missing("GatedRepo", request.authorization.empty() ? 401 : 403);
  }
  if (path.starts_with("/org/private/")) return Missing("RepoNotFound", 401);
  if (is("/org/garbage/resolve/main/config.json")) return {200, "<!DOCTYPE html><html>", {}};
  if (is("/org/array/resolve/main/config.json")) return {200, "[]", {}};
  if (is("/org/huge/resolve/main/config.json")) return {200, std::string(5u << 20, ' '), {}};
  if (is("/org/busy/resolve/main/config.json")) return {503, "busy", {}};
  return Missing("RepoNotFound");
}

class InspectHub : public testing::Test {
 protected:
  explicit InspectHub(TlsHub::Handler handler = Hub) : hub_(std::move(handler)) {
    ::setenv("SSL_CERT_FILE", hub_.authority_file().c_str(), 1);
    options_.endpoint = hub_.endpoint();
    options_.retry_delay = std::chrono::milliseconds(1);
  }
  ~InspectHub() override { ::unsetenv("SSL_CERT_FILE"); }

  InspectOutcome Of(const std::string& model) {
    options_.model = model;
    return Inspect(options_);
  }

  TlsHub hub_;
  InspectOptions options_;
};

TEST_F(InspectHub, ReadsAPublicModel) {
  const InspectOutcome outcome = Of("org/public");
  ASSERT_FALSE(outcome.result.failure.has_value()) << outcome.result.failure->message;
  EXPECT_EQ(outcome.exit_code, kExitResult);
  EXPECT_EQ(outcome.result.model.architecture, "LlamaForCausalLM");
  EXPECT_EQ(outcome.result.model.layers, 16);
  EXPECT_EQ(outcome.result.model.quantization, "none");
  EXPECT_EQ(outcome.result.model.weight_bytes, 2471645608);
  for (const Request& request : hub_.requests()) EXPECT_EQ(request.authorization, "");
}

TEST_F(InspectHub, ReadsModelOptsQuantizationAndTheSizeBehindARedirect) {
  const InspectOutcome outcome = Of("org/single");
  ASSERT_FALSE(outcome.result.failure.has_value()) << outcome.result.failure->message;
  EXPECT_EQ(outcome.result.model.family, "fp8");
  EXPECT_EQ(outcome.result.model.kv_cache, "fp8");
  EXPECT_EQ(outcome.result.model.weight_bytes, 777);
}

TEST_F(InspectHub, ARevisionMayContainSlashes) {
  options_.revision = "refs/pr/7";
  const InspectOutcome outcome = Of("org/public");
  ASSERT_FALSE(outcome.result.failure.has_value()) << outcome.result.failure->message;
  EXPECT_EQ(outcome.result.model.layers, 16);
}

TEST_F(InspectHub, AModelThatCannotBeReadSaysWhatToDo) {
  const struct {
    const char *model, *revision, *token;
    int http_status, exit_code;
    const char *what, *hint;
  } kCases[] = {
      {"org/gated", "main", "", 401, 10, "is gated (HTTP 401)", "spec.model.huggingFace.tokenSecretRef"},
      {"org/gated", "main", "hf_bad", 403, 10, "is gated (HTTP 403)", "has no access"},
      {"org/private", "main", "", 401, 10, "does not exist or is private (HTTP 401)", "spec.model.idOrPath"},
      {"org/missing", "main", "", 404, 10, "does not exist (HTTP 404)", "spec.model.idOrPath"},
      {"org/public", "no-such", "", 404, 10, "has no revision \"no-such\"", "spec.model.revision"},
      {"org/garbage", "main", "", 0, 10, "config.json is not a JSON object", "<!DOCTYPE html>"},
      {"org/array", "main", "", 0, 10, "config.json is not a JSON object", "[]"},
      {"org/huge", "main", "", 0, 10, "larger than allowed", "config.json"},
      {"org/busy", "main", "", 503, 20, "cannot be read (HTTP 503)", ""},
  };
  for (const auto& row : kCases) {
    options_.revision = row.revision;
    options_.token = row.token;
    const InspectOutcome outcome = Of(row.model);
    ASSERT_TRUE(outcome.result.failure.has_value()) << row.model;
    EXPECT_EQ(outcome.result.failure->reason, FailureReason::kModelUnreadable);
    EXPECT_EQ(outcome.result.failure->http_status, row.http_status) << row.model;
    EXPECT_EQ(outcome.exit_code, row.exit_code) << row.model;
    EXPECT_THAT(outcome.result.failure->message, AllOf(HasSubstr(row.what), HasSubstr(row.hint)));
  }
}

TEST_F(InspectHub, ATokenOpensAGatedModel) {
  options_.token = "hf_good";
  EXPECT_FALSE(Of("org/gated").result.failure.has_value());
}

TEST_F(InspectHub, ABusyHubIsAskedAgain) {
  Of("org/busy");
  EXPECT_THAT(hub_.requests(), SizeIs(3));
}

TEST_F(InspectHub, AnUntrustedCertificateIsRefused) {
  ::setenv("SSL_CERT_FILE", "/dev/null", 1);
  const InspectOutcome outcome = Of("org/public");
  ASSERT_TRUE(outcome.result.failure.has_value());
  EXPECT_THAT(outcome.result.failure->message, HasSubstr("certificate verify failed"));
  EXPECT_THAT(hub_.requests(), SizeIs(0));
}

TEST_F(InspectHub, ACertificateForAnotherNameIsRefused) {
  options_.endpoint = hub_.endpoint("127.0.0.2");
  EXPECT_TRUE(Of("org/public").result.failure.has_value());
}

TEST(Inspect, AHubThatIsNotThereIsInfrastructure) {
  InspectOptions options;
  options.model = "org/public";
  options.endpoint = "http://127.0.0.1:" + std::to_string(FreePort());
  options.retry_delay = std::chrono::milliseconds(1);
  const InspectOutcome outcome = Inspect(options);
  EXPECT_EQ(outcome.exit_code, kExitInfrastructure);
  ASSERT_TRUE(outcome.result.failure.has_value());
  EXPECT_EQ(outcome.result.failure->http_status, 0);
  EXPECT_THAT(outcome.result.failure->message, HasSubstr("Connection refused"));
}

TEST(HubClient, SendsTheTokenToNobodyElse) {
  TlsHub hub([](const Request& request) -> Answer {
    if (request.path == "/a") return {307, "", {{"Location", "/b"}}};
    const std::string port = request.host.substr(request.host.find(':'));
    if (request.path == "/b") return {302, "", {{"Location", "https://127.0.0.1" + port + "/c"}}};
    return {200, "content", {}};
  });
  ::setenv("SSL_CERT_FILE", hub.authority_file().c_str(), 1);
  const auto answer = HubClient("hf_secret", std::chrono::seconds(60)).Get(hub.endpoint() + "/a", 100);
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

TEST(HubClient, FollowsNoEndlessNorInsecureRedirects) {
  TlsHub hub([](const Request& request) -> Answer {
    if (request.path == "/plain") return {302, "", {{"Location", "http://127.0.0.1/x"}}};
    return {302, "", {{"Location", "/again"}}};
  });
  ::setenv("SSL_CERT_FILE", hub.authority_file().c_str(), 1);
  HubClient client("", std::chrono::seconds(60));
  EXPECT_THAT(client.Get(hub.endpoint() + "/loop", 100).error().message, HasSubstr("more than 5 redirects"));
  EXPECT_THAT(client.Get(hub.endpoint() + "/plain", 100).error().message, HasSubstr("from https to http"));
  ::unsetenv("SSL_CERT_FILE");
}

TEST(HubUrl, ReadsAndResolves) {
  const struct {
    const char *base, *location, *expected;
  } kCases[] = {
      {"https://hub.example/a/b", "/c", "https://hub.example/c"},
      {"https://hub.example:8443/a/b?x=1", "c", "https://hub.example:8443/a/c"},
      {"https://hub.example/a", "https://cdn.example/x?y=https://z", "https://cdn.example/x"},
      {"https://hub.example/a", "//cdn.example/x", "https://cdn.example/x"},
      {"http://hub.example", "/c#part", "http://hub.example/c"},
  };
  for (const auto& row : kCases) {
    const auto base = HubUrl::Parse(row.base);
    ASSERT_TRUE(base.ok()) << row.base;
    const auto next = base->Resolve(row.location);
    ASSERT_TRUE(next.ok()) << row.location;
    EXPECT_EQ(next->ToString(), row.expected);
  }
  for (const char* text : {"", "hub.example", "ftp://x", "https://", "https://user@host/", "https://h:0/",
                           "https://h:x/", "https://h/\r\nX: y"}) {
    EXPECT_FALSE(HubUrl::Parse(text).ok()) << text;
  }
}

class InspectDirectory : public testing::Test {
 protected:
  InspectDirectory() {
    char path[] = "/tmp/autotune-model-XXXXXX";
    options_.model = ::mkdtemp(path);
  }
  ~InspectDirectory() override { std::filesystem::remove_all(options_.model); }
  void Write(const std::string& name, const std::string& text) { std::ofstream(options_.model + "/" + name) << text; }

  InspectOptions options_;
};

TEST_F(InspectDirectory, AddsUpTheWeightFiles) {
  Write("config.json", kLlama);
  Write("model-00001-of-00002.safetensors", std::string(100, 'w'));
  Write("model-00002-of-00002.safetensors", std::string(50, 'w'));
  Write("pytorch_model.bin", std::string(7, 'w'));  // the same weights in another format
  EXPECT_EQ(Inspect(options_).result.model.weight_bytes, 150);
  Write("model.safetensors.index.json", R"({"metadata":{"total_size":149}})");
  EXPECT_EQ(Inspect(options_).result.model.weight_bytes, 149) << "the index knows best";
}

TEST_F(InspectDirectory, SaysWhenTheSizeIsNotKnown) {
  Write("config.json", kLlama);
  const InspectOutcome outcome = Inspect(options_);
  EXPECT_EQ(outcome.result.model.weight_bytes, 0);
  EXPECT_THAT(outcome.result.model.notes, testing::Contains("the size of the weights is not known"));
}

TEST_F(InspectDirectory, FailsWithAHintWhereThereIsNoModel) {
  EXPECT_THAT(Inspect(options_).result.failure->message, HasSubstr("has no config.json: it is not a model directory"));
  Write("model.gguf", "GGUF");
  EXPECT_THAT(Inspect(options_).result.failure->message, HasSubstr("give its config in spec.model.facts"));
  Write("config.json", "{");
  EXPECT_THAT(Inspect(options_).result.failure->message, HasSubstr("config.json is not a JSON object"));
  Write("config.json", kLlama);
  Write("hf_quant_config.json", "oops");
  EXPECT_THAT(Inspect(options_).result.failure->message, HasSubstr("hf_quant_config.json is not a JSON object"));
  options_.model += "/missing";
  const InspectOutcome outcome = Inspect(options_);
  EXPECT_EQ(outcome.exit_code, kExitConfigurationFailed);
  EXPECT_THAT(outcome.result.failure->message, HasSubstr("spec.model.volume"));
}

}  // namespace
}  // namespace autotune::bench
