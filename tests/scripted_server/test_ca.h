// TestCa: a certificate authority made when a test starts, so that no key is ever committed and none expires.
//
// Immutable after construction.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace scripted {

struct Certificate {
  std::string certificate_pem;
  std::string key_pem;
};

class TestCa {
 public:
  explicit TestCa(const std::string& name = "Test CA");
  ~TestCa();
  TestCa(const TestCa&) = delete;
  TestCa& operator=(const TestCa&) = delete;

  [[nodiscard]] const std::string& pem() const;
  // Subject alternative names in OpenSSL's form: "IP:127.0.0.1", "DNS:localhost". `common_name` names a client.
  [[nodiscard]] Certificate Issue(const std::string& common_name, const std::vector<std::string>& names) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace scripted
