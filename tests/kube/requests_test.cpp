// Requests as values: what goes over the wire for each, without a client.
#include "kube/core/requests.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace kube {
namespace {

using nlohmann::json;

const Resource kJobs{"batch", "v1", "jobs", true};

struct Row {
  Request request;
  std::string line;          // method and target
  std::string content_type;  // "": none
  bool idempotent;
};

TEST(Requests, AreWhatTheApiServerReads) {
  const json object = {{"kind", "Job"}};
  const WriteOptions dry{.field_manager = "me", .dry_run = true};
  PatchOptions by_operations{.type = PatchType::kJson, .subresource = "status", .field_manager = "", .dry_run = false};
  ListOptions page;
  page.label_selector = "a=b,c";
  page.limit = 500;
  WatchOptions watch;
  watch.resource_version = "7";
  DeleteOptions of_uid;
  of_uid.uid = "u-1";
  const Row rows[] = {
      {GetRequest(kJobs, "ns", "x"), "GET /apis/batch/v1/namespaces/ns/jobs/x", "", true},
      {ListRequest(kJobs, "", page), "GET /apis/batch/v1/jobs?labelSelector=a%3Db%2Cc&limit=500", "", true},
      {WatchRequest(kJobs, "ns", watch),
       "GET /apis/batch/v1/namespaces/ns/jobs?watch=1&resourceVersion=7&allowWatchBookmarks=true&timeoutSeconds=300",
       "", false},
      {CreateRequest(kJobs, "ns", object, dry),
       "POST /apis/batch/v1/namespaces/ns/jobs?fieldValidation=Strict&fieldManager=me&dryRun=All", "application/json",
       false},
      {ReplaceRequest(kJobs, "ns", "x", object, {}), "PUT /apis/batch/v1/namespaces/ns/jobs/x?fieldValidation=Strict",
       "application/json", true},
      {PatchRequest(kJobs, "ns", "x", object, {}), "PATCH /apis/batch/v1/namespaces/ns/jobs/x",
       "application/merge-patch+json", true},
      {PatchRequest(kJobs, "ns", "x", json::array(), by_operations), "PATCH /apis/batch/v1/namespaces/ns/jobs/x/status",
       "application/json-patch+json", false},
      {DeleteRequest(kJobs, "ns", "x", {}), "DELETE /apis/batch/v1/namespaces/ns/jobs/x", "application/json", false},
      {DeleteRequest(kJobs, "ns", "x", of_uid), "DELETE /apis/batch/v1/namespaces/ns/jobs/x", "application/json", true},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(row.request.method + " " + row.request.target, row.line);
    EXPECT_EQ(row.request.headers.Get("Content-Type").value_or(""), row.content_type) << row.line;
    EXPECT_EQ(row.request.headers.Get("Accept"), "application/json") << row.line;
    EXPECT_EQ(row.request.idempotent, row.idempotent) << row.line;
  }
}

TEST(Requests, TheOptionsOfADeleteAreItsBody) {
  DeleteOptions options;
  options.uid = "u-1";
  options.resource_version = "7";
  options.propagation = Propagation::kForeground;
  options.grace_period_seconds = 0;
  EXPECT_EQ(json::parse(DeleteRequest(kJobs, "ns", "x", options).body),
            json({{"apiVersion", "v1"},
                  {"kind", "DeleteOptions"},
                  {"propagationPolicy", "Foreground"},
                  {"preconditions", {{"uid", "u-1"}, {"resourceVersion", "7"}}},
                  {"gracePeriodSeconds", 0}}));
}

TEST(Requests, AMessageNamesMethodAndPathOnly) {
  EXPECT_EQ(MethodAndPath(CreateRequest(kJobs, "ns", json::object(), {})), "POST /apis/batch/v1/namespaces/ns/jobs");
}

}  // namespace
}  // namespace kube
