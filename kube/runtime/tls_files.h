// TlsFiles: a server's current certificate chain and key from a mounted Secret (tls.crt, tls.key).
//
// Used on one thread after Open(). The clock is borrowed. A changed pair applies from the next connection on. An
// unusable pair is logged, and the last good one stays.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"

struct ssl_ctx_st;

namespace kube::runtime {

class TlsFiles {
 public:
  // kInvalid if there is no usable pair.
  static base::Result<std::shared_ptr<TlsFiles>> Open(std::string directory, base::Clock& clock);

  // Returns the current pair. Checks the files at most every ten seconds.
  std::shared_ptr<ssl_ctx_st> Current();

 private:
  TlsFiles(std::string directory, base::Clock& clock) : directory_(std::move(directory)), clock_(clock) {}
  base::Status Load();

  const std::string directory_;
  base::Clock& clock_;
  base::TimePoint looked_at_{};
  std::string seen_;  // contents of both files
  std::shared_ptr<ssl_ctx_st> context_;
};

}  // namespace kube::runtime
