// A line of a watch, into the caches that the operator decides from.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "kube/runtime/store.h"
#include "kube/runtime/watch_event.h"
#include "operator/controller/cached_pod.h"
#include "operator/controller/cached_task.h"
#include "operator/experiment/node_view.h"

namespace {

using namespace autotune;  // NOLINT(google-build-using-namespace): a test
template <typename T>
void Feed(kube::runtime::Store<T>& store, const kube::runtime::WatchEvent& event) {
  kube::runtime::StoreWriter& writer = store.writer();
  switch (event.type) {
    case kube::runtime::WatchEventType::kAdded:
    case kube::runtime::WatchEventType::kModified:
      writer.Upsert(event.object);
      break;
    case kube::runtime::WatchEventType::kDeleted:
      writer.Remove(event.object);
      break;
    case kube::runtime::WatchEventType::kBookmark:
      writer.Advance(event.meta.resource_version);
      break;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto event = kube::runtime::ParseWatchEvent({reinterpret_cast<const char*>(data), size});
  if (!event) {
    if (event.error().message.empty()) abort();
    return 0;
  }
  kube::runtime::Store<controller::CachedTask> tasks("autotunetasks", controller::CachedTask::FromText);
  kube::runtime::Store<controller::CachedPod> pods(
      "pods", [](std::string_view pod) -> base::Result<controller::CachedPod> {
        return controller::CachedPod(controller::PodViewFromText(pod)).Ended();
      });
  kube::runtime::Store<experiment::NodeView> nodes(
      "nodes", [](std::string_view node) -> base::Result<experiment::NodeView> {
        return experiment::NodeViewFromJson(kube::runtime::ParseObject(node));
      });
  Feed(tasks, *event);
  Feed(pods, *event);
  Feed(nodes, *event);
  return 0;
}
