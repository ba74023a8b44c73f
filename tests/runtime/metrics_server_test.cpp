// Metrics over TLS for who may read them: certificates that rotate, tokens that the API server judges.
#include "kube/runtime/metrics_server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <deque>
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace kube::runtime {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// A directory as the kubelet mounts a Secret, with a new pair of a certificate and its key.
class Secret {
 public:
  Secret() { Rotate("first"); }
  ~Secret() { std::filesystem::remove_all(directory_); }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;

  void Rotate(const char* name) {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
    X509_sign(certificate, key, EVP_sha256());
    std::FILE* file = std::fopen((directory() + "/tls.crt").c_str(), "w");
    PEM_write_X509(file, certificate);
    std::fclose(file);
    file = std::fopen((directory() + "/tls.key").c_str(), "w");
    PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(file);
    X509_free(certificate);
    EVP_PKEY_free(key);
  }
  void Break() {
    std::FILE* file = std::fopen((directory() + "/tls.crt").c_str(), "w");
    std::fputs("half a certificate", file);
    std::fclose(file);
  }
  [[nodiscard]] std::string directory() const { return directory_.string(); }

 private:
  static std::filesystem::path NewDirectory() {
    std::string path = "/tmp/autotune-tls-XXXXXX";
    return ::mkdtemp(path.data()) == nullptr ? "" : path;
  }
  std::filesystem::path directory_ = NewDirectory();
};

struct Answer {
  std::string text;  // the whole answer; "" = no TLS
  std::string name;  // of the certificate
};

int Connected(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  const timeval limit{20, 0};  // a broken server must fail the test, not hang it
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  return fd;
}

Answer Get(std::uint16_t port, const std::string& path, const std::string& token = "") {
  Answer answer;
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL* ssl = SSL_new(context);
  const int fd = Connected(port);
  SSL_set_fd(ssl, fd);
  if (SSL_connect(ssl) == 1) {
    X509* certificate = SSL_get1_peer_certificate(ssl);
    char name[64] = "";
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof name);
    X509_free(certificate);
    answer.name = name;
    std::string request = "GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
    if (!token.empty()) request += "Authorization: Bearer " + token + "\r\n";
    request += "\r\n";
    SSL_write(ssl, request.data(), static_cast<int>(request.size()));
    char buffer[4096];
    int count = 0;
    while ((count = SSL_read(ssl, buffer, sizeof buffer)) > 0) {
      answer.text.append(buffer, static_cast<std::size_t>(count));
    }
    SSL_shutdown(ssl);
  }
  SSL_free(ssl);
  ::close(fd);
  SSL_CTX_free(context);
  return answer;
}

// Answers reviews as an API server that knows two tokens, one of which may read metrics.
class ReviewApi final : public kube::HttpTransport {
 public:
  kube::HttpResult<kube::Response> Send(const kube::Request& request, const std::stop_token&) override {
    const std::lock_guard lock(mutex_);
    if (away) return kube::HttpError{kube::ErrorKind::kConnect, 0, "the API server is away"};
    const json body = json::parse(request.body);
    asked.push_back(body["kind"]);
    json status;
    if (body["kind"] == "TokenReview") {
      const std::string token = body["spec"]["token"];
      status["authenticated"] = token == "scraper" || token == "other";
      if (status["authenticated"]) status["user"] = {{"username", token}, {"groups", {"system:authenticated"}}};
    } else {
      EXPECT_EQ(body["spec"]["nonResourceAttributes"], json({{"path", "/metrics"}, {"verb", "get"}}));
      EXPECT_EQ(body["spec"]["groups"], json({"system:authenticated"}));
      status["allowed"] = body["spec"]["user"] == "scraper";
    }
    return kube::Response{201, {{"Content-Type", "application/json"}}, json{{"status", status}}.dump()};
  }
  kube::HttpResult<kube::Response> Stream(const kube::Request&, const kube::LineSink&,
                                          const std::stop_token&) override {
    return kube::HttpError{kube::ErrorKind::kConnect, 0, "nothing is watched here"};
  }
  std::vector<std::string> asked;
  bool away = false;

 private:
  std::mutex mutex_;
};

class MetricsServerTest : public ::testing::Test {
 protected:
  std::uint16_t Start(bool reviewed) {
    auto files = TlsFiles::Open(secret_.directory(), clock_);
    EXPECT_TRUE(files) << files.error().message;
    GetServerOptions options;
    options.address = "127.0.0.1";
    options.port = 0;
    options.tls = *files;
    auto started = StartMetricsServer(
        options, [] { return std::string("a_metric 1\n"); },
        reviewed ? std::make_unique<AccessReview>(client_, clock_) : nullptr);
    EXPECT_TRUE(started) << started.error().message;
    server_ = *std::move(started);
    return server_->port();
  }

  Secret secret_;
  base::SimulatedClock clock_;
  ReviewApi api_;
  kube::Client client_{api_, clock_};
  std::unique_ptr<GetServer> server_;
};

TEST_F(MetricsServerTest, ServesMetricsOverTlsAndNothingElse) {
  const auto port = Start(false);
  const Answer answer = Get(port, "/metrics");
  EXPECT_THAT(answer.text, StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(answer.text, HasSubstr("text/plain; version=0.0.4"));
  EXPECT_THAT(answer.text, HasSubstr("\r\n\r\na_metric 1\n"));
  EXPECT_EQ(answer.name, "first");
  EXPECT_THAT(Get(port, "/healthz").text, StartsWith("HTTP/1.1 404"));
}

TEST_F(MetricsServerTest, PlainHttpGetsNoAnswer) {
  const int fd = Connected(Start(false));
  const std::string request = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
  ASSERT_EQ(::send(fd, request.data(), request.size(), MSG_NOSIGNAL), static_cast<ssize_t>(request.size()));
  std::string text;
  char buffer[256];
  ssize_t count = 0;
  while ((count = ::recv(fd, buffer, sizeof buffer, 0)) > 0) text.append(buffer, static_cast<std::size_t>(count));
  ::close(fd);
  EXPECT_EQ(text.find("a_metric"), std::string::npos);
}

TEST_F(MetricsServerTest, ARotatedCertificateIsTakenAndABrokenOneIsNot) {
  const auto port = Start(false);
  secret_.Rotate("second");
  EXPECT_EQ(Get(port, "/metrics").name, "first") << "the files were looked at just now";
  clock_.Advance(10s);
  EXPECT_EQ(Get(port, "/metrics").name, "second");
  secret_.Break();
  clock_.Advance(10s);
  EXPECT_EQ(Get(port, "/metrics").name, "second");
  secret_.Rotate("third");
  clock_.Advance(10s);
  EXPECT_EQ(Get(port, "/metrics").name, "third");
}

TEST_F(MetricsServerTest, OnlyWhoMayReadThemGetsMetrics) {
  const auto port = Start(true);
  EXPECT_THAT(Get(port, "/metrics", "scraper").text, HasSubstr("a_metric 1"));
  const Answer forbidden = Get(port, "/metrics", "other");
  EXPECT_THAT(forbidden.text, StartsWith("HTTP/1.1 403"));
  EXPECT_THAT(forbidden.text, HasSubstr("needs the verb get on the nonResourceURL /metrics"));
  EXPECT_THAT(Get(port, "/metrics", "nobody").text, StartsWith("HTTP/1.1 401"));
  const std::size_t asked = api_.asked.size();
  EXPECT_THAT(Get(port, "/metrics").text, HasSubstr("WWW-Authenticate: Bearer"));
  EXPECT_EQ(api_.asked.size(), asked) << "without a token there is nothing to ask";
}

TEST_F(MetricsServerTest, AnswersOfTheApiServerAreKeptForAWhile) {
  const auto port = Start(true);
  for (int scrape = 0; scrape < 3; ++scrape) EXPECT_THAT(Get(port, "/metrics", "scraper").text, HasSubstr("a_metric"));
  EXPECT_THAT(api_.asked, ElementsAre("TokenReview", "SubjectAccessReview"));
  clock_.Advance(60s);
  api_.away = true;
  const Answer unknown = Get(port, "/metrics", "scraper");
  EXPECT_THAT(unknown.text, StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(unknown.text, HasSubstr("the API server is away"));
  api_.away = false;
  EXPECT_THAT(Get(port, "/metrics", "scraper").text, HasSubstr("a_metric"));
  EXPECT_EQ(api_.asked.size(), 4U);
}

TEST_F(MetricsServerTest, FilesThatAreNoCertificateAreAnErrorThatNamesThem) {
  secret_.Break();
  const auto broken = TlsFiles::Open(secret_.directory(), clock_);
  ASSERT_FALSE(broken);
  EXPECT_THAT(broken.error().message, StartsWith(secret_.directory() + "/tls.crt: "));
  const auto missing = TlsFiles::Open("/no/such/directory", clock_);
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message, HasSubstr("/no/such/directory/tls.crt: is not there or empty"));
  Secret other;
  std::filesystem::copy_file(other.directory() + "/tls.crt", secret_.directory() + "/tls.crt",
                             std::filesystem::copy_options::overwrite_existing);
  const auto mismatch = TlsFiles::Open(secret_.directory(), clock_);
  ASSERT_FALSE(mismatch);
  EXPECT_THAT(mismatch.error().message, HasSubstr("tls.key: key values mismatch"));
}

}  // namespace
}  // namespace kube::runtime
