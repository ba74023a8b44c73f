// Store<T>: the cache of one resource. Holds a small projection of each object, never its JSON. Receives objects as
// text, so a projection parses only what it keeps. An entry takes about 500 bytes plus its projection.
//
// Thread-safe: one reflector writes, any thread reads. Snapshots are immutable and shared, so a reader keeps its
// snapshot while the cache changes. Keyed by namespace/name, and aware of UIDs: an object that was deleted and created
// again under one name during a disconnect is a deletion and a creation. Handlers run on the writing thread, without
// the lock, after the store has changed; they must not block. If the projection rejects an object, that is logged, and
// the store keeps the last state.
#pragma once

#include <compare>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/json_text.h"
#include "base/packed_texts.h"
#include "base/result.h"
#include "base/thread_annotations.h"
#include "kube/runtime/object_key.h"

namespace kube::runtime {

// Parses an object without the members in `unread`, which its projection does not use. Throws nlohmann's exceptions,
// which a store treats as a failed projection.
nlohmann::json ParseObject(std::string_view object, const base::JsonPaths& unread = {});

// Interface for a reflector. Objects are JSON text.
class StoreWriter {
 public:
  virtual ~StoreWriter() = default;
  // A full state: BeginReplace, Stage for each object, CommitReplace. Readers see the old state until the commit, which
  // deletes objects that were not staged. BeginReplace discards an unfinished replace.
  virtual void BeginReplace() = 0;
  virtual void Stage(std::string_view object) = 0;
  virtual void Unstage(std::string_view object) = 0;
  virtual void CommitReplace(const std::string& resource_version) = 0;
  // One event. An object older than the one in the store is dropped.
  virtual void Upsert(std::string_view object) = 0;
  virtual void Remove(std::string_view object) = 0;
  // The store contains the state as of this version (bookmarks).
  virtual void Advance(const std::string& resource_version) = 0;
};

// Interface for expectations and metrics.
class StoreView {
 public:
  virtual ~StoreView() = default;
  // The version up to which the store has seen everything; empty before the first list.
  [[nodiscard]] virtual std::string ResourceVersion() const = 0;
  // True if the object exists, under any name, and is not being deleted.
  [[nodiscard]] virtual bool HasLive(const std::string& uid) const = 0;
  [[nodiscard]] virtual bool Has(const std::string& uid) const = 0;
  [[nodiscard]] virtual std::size_t Size() const = 0;
};

// An ObjectMeta in one block of memory: seven separate strings take three times as much.
class PackedMeta {
 public:
  explicit PackedMeta(const ObjectMeta& meta);

  [[nodiscard]] ObjectMeta Unpacked() const;
  [[nodiscard]] ObjectKey Key() const { return {std::string(texts_[kNamespace]), std::string(texts_[kName])}; }
  [[nodiscard]] std::string_view uid() const { return texts_[kUid]; }
  [[nodiscard]] std::string_view resource_version() const { return texts_[kVersion]; }
  [[nodiscard]] std::string_view owner_uid() const { return texts_[kOwnerUid]; }
  [[nodiscard]] bool deleting() const { return deleting_; }
  // Orders by namespace, then name.
  [[nodiscard]] std::strong_ordering Compare(std::string_view ns, std::string_view name) const;
  [[nodiscard]] std::strong_ordering Compare(const PackedMeta& other) const {
    return Compare(other.texts_[kNamespace], other.texts_[kName]);
  }

 private:
  enum Part { kNamespace, kName, kUid, kVersion, kOwnerUid, kOwnerKind, kOwnerName, kParts };
  base::PackedTexts<kParts> texts_;
  bool deleting_ = false;
};

// Bookkeeping that is independent of the projected type; projections are shared_ptr<const void>.
class UntypedStore : public StoreWriter, public StoreView {
 public:
  using Snapshot = std::shared_ptr<const void>;
  struct Entry {
    PackedMeta meta;
    Snapshot object;
  };
  using EntryPtr = std::shared_ptr<const Entry>;
  using Project = std::function<base::Result<Snapshot>(std::string_view)>;
  using Handler = std::function<void(const EntryPtr& before, const EntryPtr& after, bool from_list)>;

  // `kind`: name of the store in logs.
  UntypedStore(std::string kind, Project project);

  // REQUIRES: the reflector has not started.
  void SetHandler(Handler handler) { handler_ = std::move(handler); }

  void BeginReplace() override;
  void Stage(std::string_view object) override;
  void Unstage(std::string_view object) override;
  void CommitReplace(const std::string& resource_version) override EXCLUDES(mutex_);
  void Upsert(std::string_view object) override EXCLUDES(mutex_);
  void Remove(std::string_view object) override EXCLUDES(mutex_);
  void Advance(const std::string& resource_version) override EXCLUDES(mutex_);

  [[nodiscard]] std::string ResourceVersion() const override EXCLUDES(mutex_);
  [[nodiscard]] bool HasLive(const std::string& uid) const override EXCLUDES(mutex_);
  [[nodiscard]] bool Has(const std::string& uid) const override EXCLUDES(mutex_);
  [[nodiscard]] std::size_t Size() const override EXCLUDES(mutex_);

  [[nodiscard]] EntryPtr Find(const ObjectKey& key) const EXCLUDES(mutex_);
  [[nodiscard]] EntryPtr FindByUid(std::string_view uid) const EXCLUDES(mutex_);
  [[nodiscard]] std::vector<EntryPtr> OwnedBy(std::string_view owner_uid) const EXCLUDES(mutex_);
  [[nodiscard]] std::vector<EntryPtr> All() const EXCLUDES(mutex_);

  // Replaces the projection of a stored object if it still has this UID and version. Calls no handler.
  void Reproject(const ObjectMeta& meta, Snapshot object) EXCLUDES(mutex_);

 private:
  // Indexes point to the entries and do not copy their keys.
  struct ByKey {
    using is_transparent = void;
    bool operator()(const EntryPtr& a, const EntryPtr& b) const { return a->meta.Compare(b->meta) < 0; }
    bool operator()(const EntryPtr& a, const ObjectKey& b) const { return a->meta.Compare(b.ns, b.name) < 0; }
    bool operator()(const ObjectKey& a, const EntryPtr& b) const { return b->meta.Compare(a.ns, a.name) > 0; }
  };
  struct ByOwner {
    using is_transparent = void;
    bool operator()(const Entry* a, const Entry* b) const {
      const auto order = a->meta.owner_uid() <=> b->meta.owner_uid();
      return order != 0 ? order < 0 : a->meta.Compare(b->meta) < 0;
    }
    bool operator()(const Entry* a, std::string_view owner) const { return a->meta.owner_uid() < owner; }
    bool operator()(std::string_view owner, const Entry* b) const { return owner < b->meta.owner_uid(); }
  };
  using Entries = std::set<EntryPtr, ByKey>;

  // Null when the projection rejects the object.
  [[nodiscard]] EntryPtr MakeEntry(const ObjectMeta& meta, std::string_view object) const;
  void Put(const EntryPtr& entry) REQUIRES(mutex_);
  void Erase(Entries::const_iterator entry) REQUIRES(mutex_);
  void AdvanceLocked(const std::string& resource_version) REQUIRES(mutex_);
  void Notify(const EntryPtr& before, const EntryPtr& after, bool from_list) const;

  const std::string kind_;
  const Project project_;
  Handler handler_;
  Entries staged_;                         // used by the writing thread only
  std::set<ObjectKey> staged_unreadable_;  // objects whose projection failed: their last state is kept

  mutable base::Mutex mutex_;
  Entries entries_ GUARDED_BY(mutex_);
  std::unordered_map<std::string_view, const Entry*> by_uid_ GUARDED_BY(mutex_);
  std::set<const Entry*, ByOwner> by_owner_ GUARDED_BY(mutex_);  // entries that have an owner
  std::string resource_version_ GUARDED_BY(mutex_);
};

template <typename T>
struct Entry {
  ObjectMeta meta;
  std::shared_ptr<const T> object;
};

// before == nullopt: added. after == nullopt: deleted (`before` is the last known state). Unchanged objects of a list
// after a disconnect cause no call.
template <typename T>
struct Change {
  std::optional<Entry<T>> before;
  std::optional<Entry<T>> after;
  bool from_list = false;  // from a full list, not from a current edit: low priority

  // The existing entry: `after`, or `before` for a deletion.
  [[nodiscard]] const Entry<T>& any() const { return after ? *after : *before; }
};

template <typename T>
class Store final {
 public:
  using Projection = std::function<base::Result<T>(std::string_view)>;
  using Handler = std::function<void(const Change<T>&)>;

  Store(std::string kind, Projection projection)
      : store_(std::move(kind),
               [projection = std::move(projection)](std::string_view object) -> base::Result<UntypedStore::Snapshot> {
                 base::Result<T> projected = projection(object);
                 if (!projected) return projected.error();
                 return UntypedStore::Snapshot(std::make_shared<const T>(std::move(projected).value()));
               }) {}

  // REQUIRES: the reflector has not started.
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
  // nullptr when there is none.
  [[nodiscard]] std::shared_ptr<const T> GetByUid(std::string_view uid) const {
    const UntypedStore::EntryPtr entry = store_.FindByUid(uid);
    return entry ? std::static_pointer_cast<const T>(entry->object) : nullptr;
  }
  // Objects whose controller owner reference has this UID, by key.
  [[nodiscard]] std::vector<Entry<T>> OwnedBy(std::string_view owner_uid) const {
    return Typed(store_.OwnedBy(owner_uid));
  }
  [[nodiscard]] std::vector<Entry<T>> All() const { return Typed(store_.All()); }
  // Visits all objects by key, without their metadata: for thousands of objects that would take megabytes for a moment.
  void Each(const std::function<void(const T&)>& visit) const {
    for (const UntypedStore::EntryPtr& entry : store_.All()) visit(*static_cast<const T*>(entry->object.get()));
  }

  // Replaces the projection of an entry unless the object has changed since `entry` was read. Calls no handler.
  void Reproject(const Entry<T>& entry, T object) {
    store_.Reproject(entry.meta, std::make_shared<const T>(std::move(object)));
  }

  [[nodiscard]] StoreWriter& writer() { return store_; }
  [[nodiscard]] const StoreView& view() const { return store_; }

 private:
  static Entry<T> Typed(const UntypedStore::Entry& entry) {
    return {entry.meta.Unpacked(), std::static_pointer_cast<const T>(entry.object)};
  }
  static std::vector<Entry<T>> Typed(const std::vector<UntypedStore::EntryPtr>& entries) {
    std::vector<Entry<T>> typed;
    typed.reserve(entries.size());
    for (const UntypedStore::EntryPtr& entry : entries) typed.push_back(Typed(*entry));
    return typed;
  }

  UntypedStore store_;
};

}  // namespace kube::runtime
