#include "operator/controller/task_pages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/cli/fake_transport.h"

namespace autotune::controller {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class TaskPagesTest : public ::testing::Test {
 protected:
  static nlohmann::json Object(const std::string& name, const std::string& state) {
    return {{"apiVersion", "autotuner.io/v1alpha1"},
            {"kind", "AutotuneTask"},
            {"metadata", {{"name", name}, {"namespace", "ml"}, {"uid", "u-" + name}, {"resourceVersion", "5"}}},
            {"spec", {{"baseRuntime", "vllm"}, {"model", {{"idOrPath", "org/m"}}}}},
            {"status", {{"state", state}, {"progress", "2/5"}}}};
  }

  base::RealClock clock_;
  cli::FakeTransport transport_;
  kube::Client client_{transport_, clock_};
  std::unique_ptr<RuleSource> rules_ = *RuleSource::Open("", clock_);
  std::vector<TaskPages::Listed> listed_ = {
      {{"ml", "llama"}, "Complete", {"5/5", "dynamic-fp8", "1413", "+41.3%", "0.2"}},
      {{"ml", "<b>"}, "Searching", {"1/5", "", "", "", "0"}}};
  TaskPages pages_{[this] { return listed_; }, [](const std::string& ns) { return ns == "ml"; }, client_, *rules_};
};

TEST_F(TaskPagesTest, ListEveryTaskWithALinkToItsReport) {
  const kube::runtime::Page page = pages_.Of("/");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.content_type, "text/html; charset=utf-8");
  EXPECT_THAT(page.body, HasSubstr("<a href=\"ml/llama\">llama</a>"));
  EXPECT_THAT(page.body, HasSubstr("dynamic-fp8"));
  EXPECT_THAT(page.body, HasSubstr("+41.3%"));
  EXPECT_THAT(page.body, Not(HasSubstr("<b>"))) << "a name is text, whatever it is";
  EXPECT_TRUE(transport_.requests.empty()) << "the list is in the cache";
  listed_.clear();
  EXPECT_THAT(pages_.Of("/").body, HasSubstr("There are none."));
}

TEST_F(TaskPagesTest, ShowTheReportOfTheTaskAsItIsNow) {
  const std::string path = "/apis/autotuner.io/v1alpha1/namespaces/ml/autotunetasks/";
  transport_.On("GET " + path + "llama", 200, Object("llama", "Searching"));
  transport_.On("GET " + path + "done", 200, Object("done", "Failed"));
  const kube::runtime::Page page = pages_.Of("/ml/llama");
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(page.body, HasSubstr("<h1>llama"));
  EXPECT_EQ(page.headers.at("Refresh"), "10") << "it goes on";
  EXPECT_THAT(page.headers.at("Content-Security-Policy"), HasSubstr("default-src 'none'"));
  EXPECT_FALSE(pages_.Of("/ml/done").headers.contains("Refresh"));
}

TEST_F(TaskPagesTest, AnswerForNothingElse) {
  for (const char* path : {"/favicon.ico", "/ml", "/ml/", "/ml/none", "/other/llama", "//llama", "/ml/llama/status",
                           "/ml/..", "/ml/%2e%2e", "/ml/LLAMA"}) {
    EXPECT_EQ(pages_.Of(path).status, 404) << path;
  }
  for (const auto& request : transport_.requests) {
    EXPECT_EQ(request.method, "GET");
    EXPECT_THAT(request.target, HasSubstr("/namespaces/ml/autotunetasks/"));
  }
  transport_.refuses_connections = true;
  EXPECT_EQ(pages_.Of("/ml/llama").status, 502);
}

}  // namespace
}  // namespace autotune::controller
