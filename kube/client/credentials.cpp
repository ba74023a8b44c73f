#include "kube/client/credentials.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "base/thread_annotations.h"

namespace kube {

namespace {

// client-go's transport/token_source.go: a minute, less 10 seconds so that the file is read before the minute is over.
constexpr std::chrono::seconds kPeriod{50};

class Static final : public CredentialSource {
 public:
  explicit Static(Credential credential) : credential_(std::move(credential)) {}
  base::Result<Credential> Get() override { return credential_; }
  void Reject(const Credential&) override {}

 private:
  const Credential credential_;
};

class Files final : public CredentialSource {
 public:
  Files(CredentialFiles files, Environment environment, base::Clock& clock)
      : files_(std::move(files)), environment_(std::move(environment)), clock_(clock) {}

  base::Result<Credential> Get() override EXCLUDES(mutex_) {
    const base::MutexLock lock(mutex_);
    const base::TimePoint now = clock_.Now();
    if (have_ && now < refresh_at_) return current_;
    base::Result<Credential> read = Read();
    if (!read) {
      if (!have_) return read;
      spdlog::warn("Credential could not be read again, using the old one: {}", read.error().message);
    } else {
      current_ = std::move(read).value();
      have_ = true;
    }
    refresh_at_ = now + kPeriod;
    return current_;
  }

  void Reject(const Credential& used) override EXCLUDES(mutex_) {
    const base::MutexLock lock(mutex_);
    if (have_ && used == current_) refresh_at_ = clock_.Now();
  }

 private:
  [[nodiscard]] base::Result<Credential> Read() const {
    Credential credential = files_.fixed;
    const std::pair<const std::string*, std::string*> parts[] = {
        {&files_.token_file, &credential.token},
        {&files_.certificate_file, &credential.certificate_pem},
        {&files_.key_file, &credential.key_pem}};
    for (const auto& [path, text] : parts) {
      if (path->empty()) continue;
      base::Result<std::string> file = environment_.read_file(*path);
      if (!file) return file.error();
      *text = std::move(file).value();
    }
    while (!credential.token.empty() &&
           (credential.token.back() == '\n' || credential.token.back() == '\r' || credential.token.back() == ' ')) {
      credential.token.pop_back();
    }
    if (!files_.token_file.empty() && credential.token.empty()) return base::Invalid(files_.token_file + ": is empty");
    return credential;
  }

  const CredentialFiles files_;
  const Environment environment_;
  base::Clock& clock_;
  base::Mutex mutex_;
  bool have_ GUARDED_BY(mutex_) = false;
  Credential current_ GUARDED_BY(mutex_);
  base::TimePoint refresh_at_ GUARDED_BY(mutex_);
};

}  // namespace

std::shared_ptr<CredentialSource> StaticCredential(Credential credential) {
  return std::make_shared<Static>(std::move(credential));
}

std::shared_ptr<CredentialSource> FileCredential(CredentialFiles files, const Environment& environment,
                                                 base::Clock& clock) {
  return std::make_shared<Files>(std::move(files), environment, clock);
}

}  // namespace kube
