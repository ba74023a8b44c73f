// Lock discipline that Clang checks at compile time (-Wthread-safety); empty under GCC.
// std::mutex carries no annotations in libstdc++, so guarded classes use base::Mutex with base::MutexLock.
#pragma once

#include <mutex>

#if defined(__clang__)
#define BASE_ATTRIBUTE(x) __attribute__((x))
#else
#define BASE_ATTRIBUTE(x)
#endif

#define GUARDED_BY(x) BASE_ATTRIBUTE(guarded_by(x))
#define REQUIRES(...) BASE_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define EXCLUDES(...) BASE_ATTRIBUTE(locks_excluded(__VA_ARGS__))

namespace base {

// BasicLockable; waits with std::condition_variable_any.
class BASE_ATTRIBUTE(capability("mutex")) Mutex {
 public:
  void lock() BASE_ATTRIBUTE(acquire_capability()) { mutex_.lock(); }
  void unlock() BASE_ATTRIBUTE(release_capability()) { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

class BASE_ATTRIBUTE(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) BASE_ATTRIBUTE(acquire_capability(mutex)) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() BASE_ATTRIBUTE(release_capability()) { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

}  // namespace base
