// Store<T>: the cache of one kind. Holds a small projection of each object, never its JSON.
//
// Thread-safe: one reflector writes, anybody reads. Snapshots are immutable and shared, so a reader keeps its snapshot
// while the cache changes. Keyed by namespace/name and aware of UIDs: an object deleted and created again under one
// name while nobody watched is a deletion and a creation. Handlers run on the writing thread, outside of the lock and
// after the store has changed; they must not block. An object that the projection rejects is logged, and the store
// keeps its last state.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/thread_annotations.h"
#include "operator/runtime/object_key.h"

namespace runtime {

// Interface for a reflector.
class StoreWriter {
 public:
  virtual ~StoreWriter() = default;
  // A full state: BeginReplace, Stage for each object, CommitReplace. Readers see the old state until the commit; it
  // deletes objects that were not staged. BeginReplace discards an earlier, unfinished replace.
  virtual void BeginReplace() = 0;
  virtual void Stage(const nlohmann::json& object) = 0;
  virtual void Unstage(const nlohmann::json& object) = 0;
  virtual void CommitReplace(const std::string& resource_version) = 0;
  // One event. An object older than the one in the store is dropped.
  virtual void Upsert(const nlohmann::json& object) = 0;
  virtual void Remove(const nlohmann::json& object) = 0;
  // The state as of this version is in the store (bookmarks).
  virtual void Advance(const std::string& resource_version) = 0;
};

// Interface for expectations and metrics.
class StoreView {
 public:
  virtual ~StoreView() = default;
  // The version up to which the store has seen everything; empty before the first list.
  [[nodiscard]] virtual std::string ResourceVersion() const = 0;
  // The object is there, under any name, and not being deleted.
  [[nodiscard]] virtual bool HasLive(const std::string& uid) const = 0;
  [[nodiscard]] virtual bool Has(const std::string& uid) const = 0;
  [[nodiscard]] virtual std::size_t Size() const = 0;
};

// The bookkeeping that does not depend on the projected type, with the projection as shared_ptr<const void>.
class UntypedStore : public StoreWriter, public StoreView {
 public:
  using Snapshot = std::shared_ptr<const void>;
  struct Entry {
    ObjectMeta meta;
    Snapshot object;
  };
  using EntryPtr = std::shared_ptr<const Entry>;
  using Project = std::function<base::Result<Snapshot>(const nlohmann::json&)>;
  using Handler = std::function<void(const EntryPtr& before, const EntryPtr& after, bool from_list)>;

  // `kind` names the store in logs.
  UntypedStore(std::string kind, Project project);

  // Call before the reflector starts.
  void SetHandler(Handler handler) { handler_ = std::move(handler); }

  void BeginReplace() override;
  void Stage(const nlohmann::json& object) override;
  void Unstage(const nlohmann::json& object) override;
  void CommitReplace(const std::string& resource_version) override EXCLUDES(mutex_);
  void Upsert(const nlohmann::json& object) override EXCLUDES(mutex_);
  void Remove(const nlohmann::json& object) override EXCLUDES(mutex_);
  void Advance(const std::string& resource_version) override EXCLUDES(mutex_);

  [[nodiscard]] std::string ResourceVersion() const override EXCLUDES(mutex_);
  [[nodiscard]] bool HasLive(const std::string& uid) const override EXCLUDES(mutex_);
  [[nodiscard]] bool Has(const std::string& uid) const override EXCLUDES(mutex_);
  [[nodiscard]] std::size_t Size() const override EXCLUDES(mutex_);

  [[nodiscard]] EntryPtr Find(const ObjectKey& key) const EXCLUDES(mutex_);
  [[nodiscard]] std::vector<EntryPtr> OwnedBy(const std::string& owner_uid) const EXCLUDES(mutex_);
  [[nodiscard]] std::vector<EntryPtr> All() const EXCLUDES(mutex_);

 private:
  // Null when the projection rejects the object.
  [[nodiscard]] EntryPtr MakeEntry(ObjectMeta meta, const nlohmann::json& object) const;
  void Put(const EntryPtr& entry) REQUIRES(mutex_);
  void Erase(const EntryPtr& entry) REQUIRES(mutex_);
  void AdvanceLocked(const std::string& resource_version) REQUIRES(mutex_);
  void Notify(const EntryPtr& before, const EntryPtr& after, bool from_list) const;

  const std::string kind_;
  const Project project_;
  Handler handler_;
  std::map<ObjectKey, EntryPtr> staged_;   // by the writing thread only
  std::set<ObjectKey> staged_unreadable_;  // exist, but their projection failed: keep the last state

  mutable base::Mutex mutex_;
  std::map<ObjectKey, EntryPtr> entries_ GUARDED_BY(mutex_);
  std::unordered_map<std::string, ObjectKey> by_uid_ GUARDED_BY(mutex_);
  std::unordered_map<std::string, std::set<ObjectKey>> by_owner_ GUARDED_BY(mutex_);
  std::string resource_version_ GUARDED_BY(mutex_);
};

template <typename T>
struct Entry {
  ObjectMeta meta;
  std::shared_ptr<const T> object;
};

// before == nullopt: added. after == nullopt: deleted (before is the last state known). A list after a disconnect does
// not call it for unchanged objects.
template <typename T>
struct Change {
  std::optional<Entry<T>> before;
  std::optional<Entry<T>> after;
  bool from_list = false;  // from a full list, not from a user's or controller's edit just now: low priority

  // The entry that exists: `after`, or `before` of a deletion.
  [[nodiscard]] const Entry<T>& any() const { return after ? *after : *before; }
};

template <typename T>
class Store final {
 public:
  using Projection = std::function<base::Result<T>(const nlohmann::json&)>;
  using Handler = std::function<void(const Change<T>&)>;

  Store(std::string kind, Projection projection)
      : store_(
            std::move(kind),
            [projection = std::move(projection)](const nlohmann::json& object) -> base::Result<UntypedStore::Snapshot> {
              base::Result<T> projected = projection(object);
              if (!projected) return projected.error();
              return UntypedStore::Snapshot(std::make_shared<const T>(std::move(projected).value()));
            }) {}

  // Call before the reflector starts.
  void OnChange(Handler handler) {
    store_.SetHandler([handler = std::move(handler)](const UntypedStore::EntryPtr& before,
                                                     const UntypedStore::EntryPtr& after, bool from_list) {
      Change<T> change;
      if (before) change.before = Typed(*before);
      if (after) change.after = Typed(*after);
      change.from_list = from_list;
      handler(change);
    });
  }

  [[nodiscard]] std::optional<Entry<T>> Find(const ObjectKey& key) const {
    const UntypedStore::EntryPtr entry = store_.Find(key);
    if (!entry) return std::nullopt;
    return Typed(*entry);
  }
  // nullptr when there is none.
  [[nodiscard]] std::shared_ptr<const T> Get(const ObjectKey& key) const {
    const UntypedStore::EntryPtr entry = store_.Find(key);
    return entry ? std::static_pointer_cast<const T>(entry->object) : nullptr;
  }
  // Those whose controller owner reference has this UID, by key.
  [[nodiscard]] std::vector<Entry<T>> OwnedBy(const std::string& owner_uid) const {
    return Typed(store_.OwnedBy(owner_uid));
  }
  [[nodiscard]] std::vector<Entry<T>> All() const { return Typed(store_.All()); }

  [[nodiscard]] StoreWriter& writer() { return store_; }
  [[nodiscard]] const StoreView& view() const { return store_; }

 private:
  static Entry<T> Typed(const UntypedStore::Entry& entry) {
    return {entry.meta, std::static_pointer_cast<const T>(entry.object)};
  }
  static std::vector<Entry<T>> Typed(const std::vector<UntypedStore::EntryPtr>& entries) {
    std::vector<Entry<T>> typed;
    typed.reserve(entries.size());
    for (const UntypedStore::EntryPtr& entry : entries) typed.push_back(Typed(*entry));
    return typed;
  }

  UntypedStore store_;
};

}  // namespace runtime
