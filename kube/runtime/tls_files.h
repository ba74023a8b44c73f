// TlsFiles: a server's certificate chain and key, as they are now in a mounted Secret (tls.crt, tls.key).
//
// Used on one thread after Open(). The clock is borrowed. A changed pair is taken for the next connection; one that
// cannot be used is logged, and the last good one stays.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"

struct ssl_ctx_st;

namespace kube::runtime {

class TlsFiles {
 public:
  // kInvalid where there is no pair that can be used.
  static base::Result<std::shared_ptr<TlsFiles>> Open(std::string directory, base::Clock& clock);

  // Looks at the files every ten seconds at most.
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
