#include "cli/whole_file.h"

#include <gmock/gmock.h>
#include <stdlib.h>

#include <fstream>
#include <iterator>

namespace autotune::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class WholeFileTest : public ::testing::Test {
 protected:
  WholeFileTest() {
    std::string name = (fs::temp_directory_path() / "whole-file-XXXXXX").string();
    directory_ = mkdtemp(name.data());
  }
  ~WholeFileTest() override { fs::remove_all(directory_); }

  [[nodiscard]] std::ptrdiff_t Entries() const {
    return std::distance(fs::directory_iterator(directory_), fs::directory_iterator());
  }

  fs::path directory_;
};

TEST_F(WholeFileTest, ReplacesWhatIsThere) {
  for (const char* text : {"first", "second"}) {
    ASSERT_TRUE(WriteWholeFile(directory_ / "page.html", text).ok());
    std::ifstream file(directory_ / "page.html");
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), text);
  }
  EXPECT_EQ(Entries(), 1);
}

TEST_F(WholeFileTest, LeavesNothingWhereItCannotWrite) {
  fs::create_directory(directory_ / "page.html");
  const auto written = WriteWholeFile(directory_ / "page.html", "text");
  ASSERT_FALSE(written.ok());
  EXPECT_THAT(written.error().message, HasSubstr("page.html: cannot be written: it is a directory"));
  EXPECT_THAT(CheckWritable(directory_ / "page.html").error().message, HasSubstr("it is a directory"));
  EXPECT_EQ(Entries(), 1);
}

TEST_F(WholeFileTest, NamesTheDirectoryThatIsMissingBeforeThereIsSomethingToWrite) {
  EXPECT_TRUE(CheckWritable(directory_ / "page.html").ok());
  const auto possible = CheckWritable(directory_ / "not-there" / "page.html");
  ASSERT_FALSE(possible.ok());
  EXPECT_THAT(possible.error().message, HasSubstr("cannot be written: No such file or directory"));
}

// As root, a file renamed to /dev/null would take it away from every program.
TEST_F(WholeFileTest, WritesToADeviceAndDoesNotReplaceIt) {
  fs::create_symlink("/dev/null", directory_ / "null");
  EXPECT_TRUE(CheckWritable(directory_ / "null").ok());
  ASSERT_TRUE(WriteWholeFile(directory_ / "null", "text").ok());
  EXPECT_TRUE(fs::is_symlink(directory_ / "null"));
  EXPECT_EQ(Entries(), 1);
}

}  // namespace
}  // namespace autotune::cli
