// Credentials that rotate: files that are read again, plugins that are run again. Time is simulated; the plugins are
// shell scripts.
#include "kube/client/credentials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

namespace kube {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

struct FakeFiles {
  std::map<std::string, std::string> files;
  int reads = 0;
  Environment environment() {
    return {[](const std::string&) { return std::nullopt; },
            [this](const std::string& path) -> base::Result<std::string> {
              ++reads;
              const auto found = files.find(path);
              if (found == files.end()) return base::Error{base::Code::kNotFound, path + ": gone"};
              return found->second;
            }};
  }
};

class FileCredentialTest : public ::testing::Test {
 protected:
  FakeFiles files;
  base::SimulatedClock clock;
};

TEST_F(FileCredentialTest, AReplacedTokenIsUsedWithinAMinute) {
  files.files["/token"] = "old\n";
  const auto source = FileCredential({"/token", "", "", {}}, files.environment(), clock);
  EXPECT_EQ(source->Get()->token, "old");
  files.files["/token"] = "new\n";
  clock.Advance(10s);
  EXPECT_EQ(source->Get()->token, "old") << "not read for every request";
  clock.Advance(50s);
  EXPECT_EQ(source->Get()->token, "new");
  EXPECT_EQ(files.reads, 2);
}

TEST_F(FileCredentialTest, TheOldTokenIsKeptWhenTheFileCannotBeRead) {
  files.files["/token"] = "old";
  const auto source = FileCredential({"/token", "", "", {}}, files.environment(), clock);
  ASSERT_TRUE(source->Get());
  files.files.clear();
  clock.Advance(5min);
  EXPECT_EQ(source->Get()->token, "old");
}

TEST_F(FileCredentialTest, AnEmptyTokenFileIsNotAToken) {
  files.files["/token"] = "old";
  const auto source = FileCredential({"/token", "", "", {}}, files.environment(), clock);
  ASSERT_TRUE(source->Get());
  files.files["/token"] = "\n";  // a writer has truncated it and not yet written
  clock.Advance(5min);
  EXPECT_EQ(source->Get()->token, "old");
}

TEST_F(FileCredentialTest, WithoutAnyTokenThereIsAnError) {
  const auto source = FileCredential({"/token", "", "", {}}, files.environment(), clock);
  const auto credential = source->Get();
  ASSERT_FALSE(credential);
  EXPECT_THAT(credential.error().message, HasSubstr("/token"));
}

TEST_F(FileCredentialTest, ARejectedTokenIsReadAgainAtOnce) {
  files.files["/token"] = "old";
  const auto source = FileCredential({"/token", "", "", {}}, files.environment(), clock);
  const Credential used = *source->Get();
  files.files["/token"] = "new";
  source->Reject(used);
  EXPECT_EQ(source->Get()->token, "new");
}

TEST_F(FileCredentialTest, ARejectionOfAnOlderTokenChangesNothing) {
  files.files["/token"] = "current";
  const auto source = FileCredential({"/token", "", "", {}}, files.environment(), clock);
  ASSERT_TRUE(source->Get());
  source->Reject({"from before", "", ""});
  ASSERT_TRUE(source->Get());
  EXPECT_EQ(files.reads, 1);
}

TEST_F(FileCredentialTest, FixedPartsStayWhileFilesAreRead) {
  files.files["/cert"] = "cert-1";
  files.files["/key"] = "key-1";
  const auto source = FileCredential({"", "/cert", "/key", {"fixed", "", ""}}, files.environment(), clock);
  EXPECT_EQ(*source->Get(), (Credential{"fixed", "cert-1", "key-1"}));
}

class ExecCredentialTest : public ::testing::Test {
 protected:
  ExecCredentialTest() : folder(std::filesystem::temp_directory_path() / ("exec-test-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(folder);
  }
  ~ExecCredentialTest() override { std::filesystem::remove_all(folder); }

  ExecPlugin Plugin(const std::string& script) const {
    const auto path = folder / "plugin.sh";
    std::ofstream(path) << "#!/bin/sh\n" << script;
    ::chmod(path.c_str(), 0755);
    ExecPlugin plugin;
    plugin.command = path;
    plugin.api_version = "client.authentication.k8s.io/v1";
    return plugin;
  }
  std::string Read(const char* name) const {
    std::ifstream file(folder / name);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  // Counts its runs in a file and answers with the number.
  ExecPlugin CountingPlugin(const std::string& expiry) const {
    return Plugin("echo x >> " + (folder / "runs").string() + "\nn=$(wc -l < " + (folder / "runs").string() +
                  ")\necho '{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\","
                  "\"status\":{\"token\":\"token-'$n'\"" +
                  (expiry.empty() ? "" : ",\"expirationTimestamp\":\"" + expiry + "\"") + "}}'\n");
  }

  const std::filesystem::path folder;
  base::SimulatedClock clock;
};

TEST_F(ExecCredentialTest, RunsThePluginOnceUntilItsCredentialExpires) {
  const std::string expiry = base::FormatRfc3339(clock.Wall() + 10min);
  const auto source = ExecCredential(CountingPlugin(expiry), clock);
  EXPECT_EQ(source->Get()->token, "token-1");
  clock.Advance(9min);
  EXPECT_EQ(source->Get()->token, "token-1");
  clock.Advance(2min);
  EXPECT_EQ(source->Get()->token, "token-2");
}

TEST_F(ExecCredentialTest, RunsThePluginAgainAfterARejection) {
  const auto source = ExecCredential(CountingPlugin(""), clock);
  const Credential used = *source->Get();
  clock.Advance(24h);
  EXPECT_EQ(source->Get()->token, "token-1") << "without an expiry it holds";
  source->Reject(used);
  EXPECT_EQ(source->Get()->token, "token-2");
}

TEST_F(ExecCredentialTest, PassesArgumentsEnvironmentAndClusterInfo) {
  ExecPlugin plugin = Plugin("printf '%s' \"$1|$PROFILE\" > " + (folder / "args").string() +
                             "\nprintf '%s' \"$KUBERNETES_EXEC_INFO\" > " + (folder / "info").string() +
                             "\necho '{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"status\":"
                             "{\"clientCertificateData\":\"CERT\",\"clientKeyData\":\"KEY\"}}'\n");
  plugin.args = {"--with space"};
  plugin.env["PROFILE"] = "dev";
  plugin.cluster_info_json = R"({"server":"https://a:1","certificate-authority-data":"pem text"})";
  const auto credential = ExecCredential(plugin, clock)->Get();
  ASSERT_TRUE(credential) << credential.error().message;
  EXPECT_EQ(*credential, (Credential{"", "CERT", "KEY"}));
  EXPECT_EQ(Read("args"), "--with space|dev");
  EXPECT_THAT(Read("info"), HasSubstr(R"("server":"https://a:1")"));
  EXPECT_THAT(Read("info"), HasSubstr(R"("certificate-authority-data":"cGVtIHRleHQ=")"));
  EXPECT_THAT(Read("info"), HasSubstr(R"("interactive":false)"));
}

TEST_F(ExecCredentialTest, SaysWhyAPluginFailed) {
  struct Row {
    const char* script;
    const char* message;
  };
  const Row rows[] = {
      {"echo 'session expired, log in' >&2; exit 3", "exit code 3: session expired, log in"},
      {"echo not json", "not JSON"},
      {"echo '{\"apiVersion\":\"client.authentication.k8s.io/v1beta1\",\"status\":{\"token\":\"a\"}}'",
       "instead of client.authentication.k8s.io/v1"},
      {"echo '{\"apiVersion\":\"client.authentication.k8s.io/v1\"}'", "no status"},
      {"echo '{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"status\":{}}'", "neither token nor"},
      {"kill -9 $$", "signal 9"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.script);
    const auto credential = ExecCredential(Plugin(row.script), clock)->Get();
    ASSERT_FALSE(credential);
    EXPECT_THAT(credential.error().message, HasSubstr(row.message));
  }
}

TEST_F(ExecCredentialTest, AMissingPluginShowsItsInstallHint) {
  ExecPlugin plugin;
  plugin.command = "/no/such/plugin";
  plugin.api_version = "client.authentication.k8s.io/v1";
  plugin.install_hint = "ask the platform team";
  const auto credential = ExecCredential(plugin, clock)->Get();
  ASSERT_FALSE(credential);
  EXPECT_THAT(credential.error().message, HasSubstr("ask the platform team"));
}

TEST_F(ExecCredentialTest, APluginThatHangsIsKilledWithWhatItStarted) {
  // The inner process keeps the output open; only the death of the whole group ends the wait.
  ExecPlugin plugin = Plugin("cat /dev/zero > /dev/null &\ncat /dev/zero > /dev/null\n");
  plugin.timeout = 300ms;
  const auto credential = ExecCredential(plugin, clock)->Get();
  ASSERT_FALSE(credential);
  EXPECT_THAT(credential.error().message, HasSubstr("300 ms"));
}

TEST_F(ExecCredentialTest, APluginThatClosesItsOutputAndStaysIsKilled) {
  ExecPlugin plugin = Plugin("echo '{}'\nexec >&- 2>&-\nkill -STOP $$\n");
  plugin.timeout = 300ms;
  const auto credential = ExecCredential(plugin, clock)->Get();
  ASSERT_FALSE(credential);
  EXPECT_THAT(credential.error().message, HasSubstr("300 ms"));
}

TEST_F(ExecCredentialTest, TheLastCredentialIsAtHandWhileThePluginRuns) {
  // The second run says that it has begun and waits for a line of the test.
  const std::string begun = (folder / "begun").string();
  const std::string go = (folder / "go").string();
  ASSERT_EQ(::mkfifo(begun.c_str(), 0600), 0);
  ASSERT_EQ(::mkfifo(go.c_str(), 0600), 0);
  ExecPlugin plugin = CountingPlugin("");
  const auto source = ExecCredential(plugin, clock);
  EXPECT_FALSE(source->Current()) << "nothing is known before the first run";
  const Credential first = *source->Get();
  (void)Plugin("echo x > " + begun + "\nread line < " + go +
               "\necho '{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"status\":{\"token\":\"second\"}}'\n");
  source->Reject(first);
  std::string second;
  std::thread slow([&] { second = source->Get()->token; });
  std::string line;
  std::ifstream signal(begun);
  std::getline(signal, line);
  EXPECT_EQ(*source->Current(), first);
  std::ofstream(go) << "go" << std::endl;
  slow.join();
  EXPECT_EQ(second, "second");
  EXPECT_EQ(source->Current()->token, "second");
}

TEST_F(ExecCredentialTest, AFailingPluginIsNotRunForEachRequestOfABurst) {
  const auto source = ExecCredential(Plugin("echo x >> " + (folder / "runs").string() + "\nexit 1\n"), clock);
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(source->Get());
  EXPECT_EQ(Read("runs"), "x\n");
  clock.Advance(6s);
  EXPECT_FALSE(source->Get());
  EXPECT_EQ(Read("runs"), "x\nx\n");
}

}  // namespace
}  // namespace kube
