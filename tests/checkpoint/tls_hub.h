// A model hub on https://localhost in the test's process, with a certificate authority of its own.
//
// One thread, one connection at a time. The handler answers; destroying the hub ends it.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

struct ssl_st;  // OpenSSL's SSL

namespace autotune::checkpoint {

class TlsHub {
 public:
  struct Request {
    std::string method, path;
    std::string host;           // of the Host header
    std::string authorization;  // "" = not sent
    std::string range;          // "" = not sent
  };
  struct Answer {
    int status = 200;
    std::string body;
    std::map<std::string, std::string> headers;
  };
  using Handler = std::function<Answer(const Request&)>;

  explicit TlsHub(Handler handler);
  ~TlsHub();
  TlsHub(const TlsHub&) = delete;
  TlsHub& operator=(const TlsHub&) = delete;

  [[nodiscard]] std::string endpoint(const std::string& host = "localhost") const {
    return "https://" + host + ":" + std::to_string(port_);
  }
  [[nodiscard]] const std::string& authority_file() const { return authority_file_; }  // PEM, for SSL_CERT_FILE
  [[nodiscard]] std::vector<Request> requests();

 private:
  struct Tls;
  void Serve();
  void ServeOne(ssl_st* ssl);

  Handler handler_;
  std::string authority_file_;
  int listener_ = -1;
  int port_ = 0;
  Tls* tls_;
  std::mutex mutex_;
  std::vector<Request> requests_;
  std::thread thread_;
};

}  // namespace autotune::checkpoint
