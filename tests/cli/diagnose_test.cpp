#include "cli/diagnose.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace autotune::cli {
namespace {

using bench::FailureReason;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Diagnose, FindsTheCauseBeforeTheEngineWasReady) {
  const Diagnosis diagnosis = Diagnose(
      "(EngineCore pid=71) ERROR 11-22 15:53:02 [core.py:842] torch.OutOfMemoryError: CUDA out of memory. Tried to "
      "allocate 2.00 GiB.\n(APIServer pid=1) RuntimeError: Engine core initialization failed. See root cause above.\n",
      1);
  EXPECT_EQ(diagnosis.failure.reason, FailureReason::kOutOfMemory);
  EXPECT_THAT(diagnosis.failure.message, HasSubstr("Tried to allocate 2.00 GiB"));
  EXPECT_FALSE(diagnosis.was_ready);
  EXPECT_TRUE(diagnosis.certain);
  EXPECT_THAT(DiagnosisText(diagnosis), HasSubstr("OutOfMemory, before the engine was ready"));
}

TEST(Diagnose, ForgetsWhatTheEngineSurvived) {
  const Diagnosis diagnosis = Diagnose(
      "ImportError: no flash_attn, falling back\nINFO:     Application startup complete.\n"
      "torch.AcceleratorError: CUDA error: an illegal memory access was encountered\n",
      1);
  EXPECT_EQ(diagnosis.failure.reason, FailureReason::kEngineCrashed);
  EXPECT_THAT(diagnosis.failure.message, HasSubstr("illegal memory access"));
  EXPECT_TRUE(diagnosis.was_ready);
}

// Its web server starts before the first answer of the model.
TEST(Diagnose, SglangIsReadyWhenItSaysSo) {
  const std::string log =
      "sglang is starting\nINFO:     Application startup complete.\nValueError: the warm-up request failed\n";
  EXPECT_FALSE(Diagnose(log, 1).was_ready);
  EXPECT_TRUE(Diagnose("The server is fired up and ready to roll!\n" + log, 1).was_ready);
}

TEST(Diagnose, SaysThatALogHasNoError) {
  const Diagnosis diagnosis = Diagnose("INFO loading weights\n", 137);
  EXPECT_FALSE(diagnosis.certain);
  EXPECT_EQ(diagnosis.failure.exit_code, 137);
  EXPECT_THAT(DiagnosisText(diagnosis), HasSubstr("No line of the log names an error"));
}

TEST(Diagnose, AMachinesFailureIsRetried) {
  const Diagnosis diagnosis = Diagnose("RuntimeError: CUDA error: uncorrectable ECC error encountered\n", 1);
  const nlohmann::json json = DiagnosisJson(diagnosis);
  EXPECT_EQ(json["machine"], true);
  EXPECT_EQ(json["retried"], true);
  EXPECT_THAT(DiagnosisText(diagnosis), Not(HasSubstr("not retried")));
}

}  // namespace
}  // namespace autotune::cli
