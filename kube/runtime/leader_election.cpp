#include "kube/runtime/leader_election.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "kube/runtime/micro_time.h"

namespace kube::runtime {

namespace {

using nlohmann::json;
using std::chrono::duration_cast;
using std::chrono::seconds;

// Between the end of our own time and the beginning of anybody else's: a request that was begun in the last moment has
// this long to reach the server.
constexpr seconds kFence{2};
// client-go's default for its health check.
constexpr seconds kHangs{20};

const kube::Resource& LeaseResource() {
  static const kube::Resource resource{"coordination.k8s.io", "v1", "leases", true};
  return resource;
}

const json& SpecOf(const json& lease) {
  static const json nothing = json::object();
  if (!lease.is_object()) return nothing;
  const auto spec = lease.find("spec");
  return spec == lease.end() || !spec->is_object() ? nothing : *spec;
}

std::string HolderOf(const json& lease) {
  const json& spec = SpecOf(lease);
  const auto holder = spec.find("holderIdentity");
  return holder == spec.end() || !holder->is_string() ? "" : holder->get<std::string>();
}

std::int64_t LeaseNumber(const json& lease, const char* name) {
  const json& spec = SpecOf(lease);
  const auto number = spec.find(name);
  return number == spec.end() || !number->is_number_integer() ? 0 : number->get<std::int64_t>();
}

}  // namespace

base::Status CheckLeaderElection(const LeaderElectionOptions& options) {
  const auto text = [](base::Duration duration) {
    return std::to_string(duration_cast<std::chrono::milliseconds>(duration).count()) + " ms";
  };
  if (options.lease < seconds(1) || options.lease % seconds(1) != base::Duration::zero()) {
    return base::Invalid("lease duration " + text(options.lease) + ": must be a whole number of seconds");
  }
  if (options.retry_period <= base::Duration::zero()) {
    return base::Invalid("retry period " + text(options.retry_period) + ": must be positive");
  }
  if (options.lease < options.renew_deadline + kFence) {
    return base::Invalid("lease duration " + text(options.lease) +
                         ": must be at least 2 s longer than the renew deadline " + text(options.renew_deadline));
  }
  if (options.renew_deadline * 5 <= options.retry_period * 6) {
    return base::Invalid("renew deadline " + text(options.renew_deadline) +
                         ": must be longer than 1.2 times the retry period " + text(options.retry_period));
  }
  if (options.identity.empty() || options.name.empty() || options.ns.empty()) {
    return base::Invalid("leader election: requires a namespace, a name and an identity");
  }
  return {};
}

LeaderElection::LeaderElection(LeaderElectionOptions options, kube::Client& client, base::Clock& clock,
                               std::function<void(bool)> changed)
    : options_(std::move(options)),
      client_(client),
      clock_(clock),
      changed_(std::move(changed)),
      random_(options_.seed) {}

LeaderElection::~LeaderElection() { Stop(); }

void LeaderElection::Start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { Run(stop); });
}

void LeaderElection::Stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
  Release();
}

void LeaderElection::Run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    if (!clock_.SleepFor(Step(stop), stop)) return;
  }
}

bool LeaderElection::IsLeader() const {
  const base::MutexLock lock(mutex_);
  return leading_ && clock_.Now() < renewed_ + options_.lease - kFence;
}

bool LeaderElection::AwaitLeadership(const std::stop_token& stop) {
  std::stop_source either;
  const std::stop_callback on_stop(stop, [&either] { either.request_stop(); });
  const std::stop_callback on_lead(leads_.get_token(), [&either] { either.request_stop(); });
  // Woken by one of the two; the time is only a bound.
  while (!either.stop_requested()) clock_.SleepFor(std::chrono::hours(1), either.get_token());
  return !stop.stop_requested();
}

std::string LeaderElection::Leader() const {
  const base::MutexLock lock(mutex_);
  return holder_;
}

base::Status LeaderElection::Alive() const {
  const base::MutexLock lock(mutex_);
  const base::Duration silent = clock_.Now() - renewed_;
  if (!leading_ || silent < options_.lease + kHangs) return {};
  return base::Retry("is the leader, but has not renewed its Lease for " +
                     std::to_string(duration_cast<seconds>(silent).count()) + " s");
}

base::Duration LeaderElection::Step(const std::stop_token& stop) {
  attempt_began_ = clock_.Now();
  const bool ours = TryAcquireOrRenew(stop);
  bool begins = false;
  bool lost = false;
  bool leads = false;
  {
    const base::MutexLock lock(mutex_);
    holder_ = HolderOf(observed_);
    if (ours) {
      begins = !leading_;
      leading_ = true;
      renewed_ = attempt_began_;
    } else if (leading_ && (holder_ != options_.identity || clock_.Now() >= renewed_ + options_.renew_deadline)) {
      lost = true;
      leading_ = false;
    }
    leads = leading_;
  }
  if (begins) {
    spdlog::info("Became the leader as {}", options_.identity);
    leads_.request_stop();
  }
  if (lost) {
    spdlog::error("The lease {}/{} was lost{}", options_.ns, options_.name,
                  HolderOf(observed_) == options_.identity ? ": it could not be renewed in time"
                                                           : " to \"" + HolderOf(observed_) + "\"");
  }
  if (changed_ && (begins || lost)) changed_(begins);
  if (leads) return options_.retry_period;
  // Half to three quarters of the period, and so several tries are spread: client-go waits 1 to 2.2 periods, which
  // would be most of what a failover takes when a lease is given back.
  const base::Duration::rep quarter = options_.retry_period.count() / 4;
  const base::Duration wait = options_.retry_period / 2 +
                              base::Duration(std::uniform_int_distribution<base::Duration::rep>(0, quarter)(random_));
  // A lease that ends before is tried for at its end.
  const base::Duration valid = Expiry() - clock_.Now();
  return valid > base::Duration::zero() ? std::min(wait, valid) : wait;
}

base::TimePoint LeaderElection::Expiry() const {
  return observed_at_ + seconds(LeaseNumber(observed_, "leaseDurationSeconds"));
}

// client-go's tryAcquireOrRenew.
bool LeaderElection::TryAcquireOrRenew(const std::stop_token& stop) {
  bool leading = false;
  {
    const base::MutexLock lock(mutex_);
    leading = leading_;
  }
  // The holder writes over what it last wrote; a conflict says that it should look.
  if (leading && HolderOf(observed_) == options_.identity && Write(Record(/*keep=*/true), stop)) return true;

  auto read = client_.Get(LeaseResource(), options_.ns, options_.name, stop);
  if (!read) {
    if (read.error().code != base::Code::kNotFound) {
      spdlog::warn("Lease {}/{} could not be read: {}", options_.ns, options_.name, read.error().message);
      return false;
    }
    json lease = {{"apiVersion", LeaseResource().ApiVersion()},
                  {"kind", "Lease"},
                  {"metadata", {{"namespace", options_.ns}, {"name", options_.name}}}};
    observed_ = nullptr;
    lease["spec"] = Record(/*keep=*/false)["spec"];
    auto created = client_.Create(LeaseResource(), options_.ns, lease, {}, stop);
    if (!created) {
      // Of replicas that start together, one creates it.
      if (created.error().code == base::Code::kAlreadyExists) return false;
      spdlog::warn("Lease {}/{} could not be created: {}", options_.ns, options_.name, created.error().message);
      return false;
    }
    Observe(*std::move(created));
    return true;
  }
  if (SpecOf(*read) != SpecOf(observed_)) {
    Observe(*std::move(read));
  } else {
    observed_ = *std::move(read);  // the same record, perhaps with another resourceVersion
  }
  const std::string holder = HolderOf(observed_);
  const bool mine = holder == options_.identity;
  const bool valid = clock_.Now() < Expiry();
  if (!holder.empty() && !mine && valid) return false;
  return Write(Record(/*keep=*/mine), stop);
}

bool LeaderElection::Write(const json& lease, const std::stop_token& stop) {
  auto written = client_.Replace(LeaseResource(), options_.ns, options_.name, lease, {}, stop);
  if (!written) {
    if (written.error().code != base::Code::kConflict) {
      spdlog::warn("Lease {}/{} could not be written: {}", options_.ns, options_.name, written.error().message);
    }
    return false;
  }
  Observe(*std::move(written));
  return true;
}

// The observed Lease with us as its holder; what newer versions of the API have in it stays. `keep`: it is ours
// already.
json LeaderElection::Record(bool keep) const {
  json lease = observed_.is_object() ? observed_ : json::object();
  json& spec = lease["spec"];
  if (!spec.is_object()) spec = json::object();
  const std::string now = FormatMicroTime(clock_.Wall());
  spec["holderIdentity"] = options_.identity;
  spec["leaseDurationSeconds"] = duration_cast<seconds>(options_.lease).count();
  spec["renewTime"] = now;
  if (!keep || !spec.contains("acquireTime")) spec["acquireTime"] = now;
  // A first holder is no transition.
  const std::int64_t transitions = LeaseNumber(observed_, "leaseTransitions");
  spec["leaseTransitions"] = keep || !observed_.is_object() ? transitions : transitions + 1;
  return lease;
}

void LeaderElection::Observe(json lease) {
  observed_ = std::move(lease);
  observed_at_ = clock_.Now();
}

void LeaderElection::Release() {
  {
    const base::MutexLock lock(mutex_);
    if (!std::exchange(leading_, false)) return;
  }
  // A conflict means that the renewal that was cut off has arrived after all.
  for (int attempt = 0; attempt < 2; ++attempt) {
    json lease = observed_;
    lease["spec"]["holderIdentity"] = "";
    lease["spec"]["leaseDurationSeconds"] = 1;
    lease["spec"]["renewTime"] = lease["spec"]["acquireTime"] = FormatMicroTime(clock_.Wall());
    auto written = client_.Replace(LeaseResource(), options_.ns, options_.name, lease);
    if (written) {
      spdlog::info("Released the lease {}/{}", options_.ns, options_.name);
      return;
    }
    if (written.error().code != base::Code::kConflict) {
      spdlog::warn("Lease {}/{} could not be released: {}", options_.ns, options_.name, written.error().message);
      return;
    }
    auto read = client_.Get(LeaseResource(), options_.ns, options_.name);
    if (!read || HolderOf(*read) != options_.identity) return;
    observed_ = *std::move(read);
  }
}

}  // namespace kube::runtime
