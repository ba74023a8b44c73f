// A line of a watch, into the caches that the operator decides from.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "operator/controller/cached_pod.h"
#include "operator/controller/cached_task.h"
#include "operator/experiment/node_view.h"
#include "operator/runtime/store.h"
#include "operator/runtime/watch_event.h"

namespace {

using namespace autotune;  // NOLINT(google-build-using-namespace): a test
template <typename T>
void Feed(runtime::Store<T>& store, const runtime::WatchEvent& event) {
  runtime::StoreWriter& writer = store.writer();
  switch (event.type) {
    case runtime::WatchEventType::kAdded:
    case runtime::WatchEventType::kModified:
      writer.Upsert(event.object);
      break;
    case runtime::WatchEventType::kDeleted:
      writer.Remove(event.object);
      break;
    case runtime::WatchEventType::kBookmark:
      writer.Advance(event.meta.resource_version);
      break;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto event = runtime::ParseWatchEvent({reinterpret_cast<const char*>(data), size});
  if (!event) {
    if (event.error().message.empty()) abort();
    return 0;
  }
  runtime::Store<controller::CachedTask> tasks("autotunetasks", controller::CachedTask::FromText);
  runtime::Store<controller::CachedPod> pods("pods", [](std::string_view pod) -> base::Result<controller::CachedPod> {
    return controller::CachedPod(controller::PodViewFromText(pod)).Ended();
  });
  runtime::Store<experiment::NodeView> nodes("nodes", [](std::string_view node) -> base::Result<experiment::NodeView> {
    return experiment::NodeViewFromJson(runtime::ParseObject(node));
  });
  Feed(tasks, *event);
  Feed(pods, *event);
  Feed(nodes, *event);
  return 0;
}
