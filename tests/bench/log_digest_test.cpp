#include "bench/log_digest.h"

#include <gmock/gmock.h>

#include "bench/clean_text.h"

namespace autotune::bench {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using Level = LogLine::Level;

TEST(LogDigest, JoinsAWrappedTextAndTheFreeMemoryBelowIt) {
  const auto errors = [](std::string_view log) {
    LogDigest digest;
    digest.Append(log);
    digest.Finish();
    return digest.error_lines();
  };
  EXPECT_THAT(
      errors("AssertionError: Error in profiling. Initial free memory 80.94 GiB,\n"
             "current free memory 90.17 GiB. It happens when other processes that share the\n"
             "same GPU release memory.\nwhat follows\n"),
      ElementsAre("AssertionError: Error in profiling. Initial free memory 80.94 GiB, current free memory 90.17 "
                  "GiB. It happens when other processes that share the same GPU release memory."));
  // Other sentences, and lines of other writers, do not belong to it.
  EXPECT_THAT(errors("RuntimeError: pool has 1, wants 2,\nReceived sigquit from a child\n"),
              ElementsAre("RuntimeError: pool has 1, wants 2,"));
  EXPECT_THAT(errors("ValueError: too short\nand then it went on\n"), ElementsAre("ValueError: too short"));
  EXPECT_THAT(errors("ValueError: a, b,\nINFO 11-22 15:53:02 [core.py:1] c\n"), ElementsAre("ValueError: a, b,"));
  EXPECT_THAT(errors("RuntimeError: Executor creation failed due to insufficient GPU memory.\n\n"
                     "The following component could not be created: KV cache\nTotal GPU memory (GiB): 100.00\n"
                     "Free GPU memory before component creation attempt (GiB): 80.00\n\nmodel: 99.0 / 80.0\n"),
              ElementsAre("RuntimeError: Executor creation failed due to insufficient GPU memory. The following "
                          "component could not be created: KV cache; Total GPU memory (GiB): 100.00; Free GPU memory "
                          "before component creation attempt (GiB): 80.00"));
}

TEST(LogLine, LosesWhatItsWritersPutInFront) {
  const struct {
    const char *raw, *tag;
    Level level;
    std::size_t indent;
    const char* text;
  } kCases[] = {
      {"plain text", "", Level::kNone, 0, "plain text"},
      {"    assert x", "", Level::kNone, 4, "assert x"},
      {"(APIServer pid=1293) RuntimeError: x", "APIServer pid=1293", Level::kNone, 0, "RuntimeError: x"},
      {"(APIServer pid=2998)   Value error, x", "APIServer pid=2998", Level::kNone, 2, "Value error, x"},
      {"(EngineCore pid=7859) ERROR 11-22 15:53:02 [core.py:1231]     raise ValueError(", "EngineCore pid=7859",
       Level::kError, 4, "raise ValueError("},
      {"INFO 11-22 15:53:02 [core.py:1] up", "", Level::kInfo, 0, "up"},
      {"INFO:     Application startup complete.", "", Level::kInfo, 0, "Application startup complete."},
      {"[2026-11-22 16:43:34 TP0] Load weight begin.", "", Level::kNone, 0, "Load weight begin."},
      {"[rank0]:[W1122 16:43:35.102817488 ProcessGroupNCCL.cpp:1575] Warning: x", "rank0", Level::kWarning, 0,
       "Warning: x"},
      {"[11/22/2026-16:43:35] [TRT-LLM] [E] Failed to load", "", Level::kError, 0, "Failed to load"},
      {"[TensorRT-LLM][ERROR] Assertion failed", "", Level::kError, 0, "Assertion failed"},
      {"2026-11-22 16:43:34,123 - ERROR - boom", "", Level::kError, 0, "boom"},
      {"\x1b[0;36m(EngineCore pid=7)\x1b[0;0m WARNING 11-22 15:53:02 [a.py:1] y", "EngineCore pid=7", Level::kWarning,
       0, "y"},
      {"ERROR:    [Errno 98] in use", "", Level::kError, 0, "[Errno 98] in use"},
      {"[11/18/2025-09:33:30] [TRT-LLM] [RANK 0] [E] Failed", "RANK 0", Level::kError, 0, "Failed"},
      {"[11/18/2025-09:33:30] [TRT-LLM] [RANK 0] [W] out of memory", "RANK 0", Level::kWarning, 0, "out of memory"},
      {"[06/09/2026-22:33:59] [TRT-LLM] [E] [executor][RANK 3] Failed", "RANK 3", Level::kError, 0, "Failed"},
      {"[06/09/2026-22:33:59] [TRT-LLM] [I] [_torch][RANK 0] KV cache", "RANK 0", Level::kInfo, 0, "KV cache"},
      {"[stats][1] x", "", Level::kNone, 0, "[stats][1] x"},
      {"(Worker_PP1) ERROR KeyError: 'x'", "Worker_PP1", Level::kError, 0, "KeyError: 'x'"},
      {"(Worker_PP1) ERROR     code()", "Worker_PP1", Level::kError, 4, "code()"},
      {"(Eng pid=7) KeyError: 'x' [repeated 2x across cluster]", "Eng pid=7", Level::kNone, 0, "KeyError: 'x'"},
      {"(W pid=7, ip=10.0.0.7)     f() [repeated 12x across cluster] (Ray deduplicates logs by default.)",
       "W pid=7, ip=10.0.0.7", Level::kNone, 4, "f()"},
      {"KeyError: 'x'\\n", "", Level::kNone, 0, "KeyError: 'x'"},
      {"**(Worker_TP4 pid=2) ERROR 12-29 15:21:11 [m.py:7] ValueError: x.**", "Worker_TP4 pid=2", Level::kError, 0,
       "ValueError: x."},
      {"ERROR 2025-04-07T19:13:52.317869663Z KeyError: 'x'", "", Level::kNone, 0, "KeyError: 'x'"},
      {"ERROR 05-30 22:22:26 [p.py:153] [DEBUG] init failed", "", Level::kError, 0, "init failed"},
      {"(APIServer pid=1) (EngineCore_DP0 pid=68) ERROR 02-06 16:34:06 [core.py:936] x", "EngineCore_DP0 pid=68",
       Level::kError, 0, "x"},
      {"ERROR [core.py:1330] x", "", Level::kError, 0, "x"},
      {"ERROR 02-09 02:31:11 engine.py:389] x", "", Level::kError, 0, "x"},
      {"2025-06-06T09:52:01.729Z ERROR multiproc_executor.worker_main: x", "", Level::kError, 0, "x"},
      {"2025-06-06T09:52:01.729Z ERROR torch.OutOfMemoryError: x", "", Level::kError, 0, "torch.OutOfMemoryError: x"},
      {"2024-07-01 07:28:04.488 1 kserve ERROR [__main__.py:<module>():254] x", "", Level::kError, 0, "x"},
      {"svc-1  | 2024-02-20 21:46:23 | ERROR | stderr |     x", "", Level::kError, 4, "x"},
      {"2024-11-18T16:43:45,496 [INFO ] W-9000-model_1.0-stdout MODEL_LOG - x", "", Level::kInfo, 0, "x"},
      {"Aug 19 18:34:27 host vllm[8727]: (EngineCore pid=8727)   x", "EngineCore pid=8727", Level::kNone, 2, "x"},
      {"2026-03-09T15:09:17.644Z stderr F ERROR 03-09 15:09:17 [core.py:1] x", "", Level::kError, 0, "x"},
      {"#033[1;36m(VllmWorker TP1 pid=413)#033[0;0m ERROR 09-01 04:36:17 [a.py:5] x#015", "VllmWorker TP1 pid=413",
       Level::kError, 0, "x"},
      {"[2026-03-12 15:02:38,361 W 301 301] x", "", Level::kWarning, 0, "x"},
      {"E1008 10:13:07.989955   452   452 gcs.cc:389] x", "", Level::kError, 0, "x"},
      {"host-0:3663:4044 [0] misc/shmutils.cc:129 NCCL WARN Error", "", Level::kError, 0, "NCCL WARN Error"},
      {"[1746690477.974497] [llm206:611  :0]     ucp_context.c:1268 UCX  WARN  x", "", Level::kWarning, 0,
       "UCX  WARN  x"},
      {R"({"time":"2026","level":"error","target":"a","message":"say \"x\""})", "", Level::kError, 0, "say \"x\""},
      {"(choose from 'a', 'b')", "", Level::kNone, 0, "(choose from 'a', 'b')"},
      {"[1, 2, 3]", "", Level::kNone, 0, "[1, 2, 3]"},
      {"[] x", "", Level::kNone, 0, "[] x"},
  };
  for (const auto& row : kCases) {
    const LogLine line = ParseLogLine(row.raw);
    EXPECT_EQ(line.tag, row.tag) << row.raw;
    EXPECT_EQ(line.level, row.level) << row.raw;
    EXPECT_EQ(line.indent, row.indent) << row.raw;
    EXPECT_EQ(line.text, row.text) << row.raw;
  }
}

TEST(LogDigest, ReadsTheSameInPiecesOfAnySize) {
  const std::string log =
      "(A pid=1) Traceback (most recent call last):\n(B pid=2)     other = 1\r\n(A pid=1)     assert x\n"
      "(A pid=1)            ^^^\n(A pid=1) AssertionError\nbar 1%\rbar 2%\rbar 3%\nlast";
  for (std::size_t size = 1; size <= log.size(); ++size) {
    LogDigest digest;
    for (std::size_t at = 0; at < log.size(); at += size) digest.Append(std::string_view(log).substr(at, size));
    digest.Finish();
    EXPECT_THAT(digest.error_lines(), ElementsAre("AssertionError: assert x")) << size;
    EXPECT_THAT(digest.last_lines(), ElementsAre("Traceback (most recent call last):", "other = 1", "assert x", "^^^",
                                                 "AssertionError", "bar 3%", "last"))
        << size;
  }
}

TEST(LogDigest, StaysWithinItsBoundsAndKeepsTheFirstErrors) {
  LogDigest digest;
  digest.Append(
      "Exception in thread Thread-2:\nTraceback (most recent call last):\n  File \"a.py\", line 1\nKeyError: 1\n");
  for (int i = 0; i < 5'000; ++i) {
    digest.Append("ValueError: number " + std::to_string(i) + std::string(static_cast<std::size_t>(i % 700), 'x') +
                  "\n");
  }
  digest.Append(std::string(5'000'000, 'y'));  // a line without an end
  digest.Finish();
  const auto errors = digest.error_lines();
  ASSERT_THAT(errors, SizeIs(LogDigest::kMaxErrorLines));
  EXPECT_EQ(errors[0], "ValueError: number 0");
  EXPECT_TRUE(errors.back().starts_with("ValueError: number 4999"));
  EXPECT_THAT(digest.last_lines(), SizeIs(LogDigest::kMaxLastLines));
  for (const std::string& line : digest.last_lines()) EXPECT_LE(line.size(), LogDigest::kMaxLineBytes);
  for (const std::string& line : errors) EXPECT_LE(line.size(), LogDigest::kMaxLineBytes);
}

TEST(LogDigest, RepeatsNothing) {
  LogDigest digest;
  for (int i = 0; i < 100; ++i) digest.Append("(EngineCore pid=1) ERROR 11-22 15:53:02 [a.py:1] ValueError: x\n");
  digest.Append("ValueError: x\n");
  EXPECT_THAT(digest.error_lines(), ElementsAre("ValueError: x"));
}

TEST(LogDigest, WhatWarningsQuoteIsNoError) {
  LogDigest digest;
  digest.Append(
      "WARNING 11-22 15:47:23 [a.py:1] OSError: [Errno 24] Too many open files\n"
      "(EngineCore pid=1) INFO 11-22 15:47:23 [a.py:1] ValueError: quoted\n"
      "[2026-11-22 16:40:08] Ignore import error when loading x: No module named 'cutlass'\n"
      "  ValueError: inside an indented block\n");
  EXPECT_THAT(digest.error_lines(), IsEmpty());
}

// ROCm's runtime does not begin a new line.
TEST(LogDigest, AFaultOfAnAmdGpuIsAnErrorWhereverItStands) {
  for (const char* line :
       {"Memory access fault by GPU node-3 (Agent handle: 0x13e852f0) on address 0x77d445e00000.",
        "Capturing CUDA graphs:  88%|##  | 45/51Memory access fault by GPU node-5 (Agent handle: 0x1)",
        "HW Exception by GPU node-9 (Agent handle: 0x631351bb5a20) reason :GPU Hang",
        "Memory critical error by agent node-0 (Agent handle: 0x1) on address 0x2. Reason: Memory in use.",
        "HSA_STATUS_ERROR_EXCEPTION: An HSAIL operation resulted in a hardware exception. code: 0x1016",
        "c10::AcceleratorError: CUDA error: unspecified launch failure"}) {
    LogDigest digest;
    digest.Append(std::string(line) + "\n");
    EXPECT_THAT(digest.error_lines(), ElementsAre(line));
  }
}

TEST(LogDigest, ForgetsWhatTheEngineSurvived) {
  LogDigest digest;
  digest.Append("ValueError: caught\n");
  digest.ForgetErrors();
  EXPECT_THAT(digest.error_lines(), IsEmpty());
  digest.Append("ValueError: fatal\n");
  EXPECT_THAT(digest.error_lines(), ElementsAre("ValueError: fatal"));
}

TEST(LogDigest, ForgetsAnErrorThatDidNotStopTheEngine) {
  const std::string error = "(EngineCore pid=7) ERROR 11-22 15:53:02 [a.py:1] RuntimeError: of one request\n";
  const auto tokens = [](const char* engine, const char* rate) {
    return "(APIServer pid=1) INFO 11-22 15:53:12 [loggers.py:127] Engine " + std::string(engine) +
           ": Avg prompt throughput: 0.0 tokens/s, Avg generation throughput: " + rate + " tokens/s, Running: 4 reqs\n";
  };
  LogDigest digest;
  // A window may begin before the error, nothing may come out of an engine that hangs, and another one is no proof.
  digest.Append(error + tokens("000", "31.4") + tokens("000", "0.0") + tokens("001", "12.0"));
  EXPECT_THAT(digest.error_lines(), ElementsAre("RuntimeError: of one request"));
  digest.Append(tokens("000", "12.0"));
  EXPECT_THAT(digest.error_lines(), IsEmpty());
  // The same error again counts, and starts the count anew.
  digest.Append(error + tokens("000", "31.4") + error);
  EXPECT_THAT(digest.error_lines(), ElementsAre("RuntimeError: of one request"));
  digest.Append(tokens("000", "31.4"));
  EXPECT_THAT(digest.error_lines(), ElementsAre("RuntimeError: of one request"));

  LogDigest sglang;
  const std::string decoded =
      "[2026-11-22 16:40:08 TP0] Decode batch, #running-req: 4, #token: 90, token usage: 0.01, "
      "cuda graph: True, gen throughput (token/s): 120.00, #queue-req: 0\n";
  sglang.Append("[2026-11-22 16:40:07] ERROR: ValueError: image of one request\n" + decoded + decoded);
  EXPECT_THAT(sglang.error_lines(), IsEmpty());
  sglang.Append(
      "[2026-11-22 16:41:08 TP0] Scheduler hit an exception: Traceback (most recent call last):\n"
      "  File \"a.py\", line 1, in f\n    g()\nRuntimeError: the end\n");
  EXPECT_THAT(sglang.error_lines(), Contains("RuntimeError: the end"));
}

TEST(LogDigest, ALineThatAnnouncesTheNextOneIsCompletedByIt) {
  LogDigest rust;
  rust.Append(
      "2026-05-23T03:02:01.100Z ERROR dynamo_runtime::worker: Application shutdown with error: cannot connect\n\n"
      "Caused by:\n    0: creating primary lease\n    1: tcp connect error: Connection refused (os error 111)\n"
      "Error: cannot connect\n\nCaused by:\n    Connection refused");
  rust.Finish();
  EXPECT_THAT(rust.error_lines(),
              ElementsAre("Application shutdown with error: cannot connect; caused by: tcp connect error: Connection "
                          "refused (os error 111)",
                          "Error: cannot connect; caused by: Connection refused"));
  LogDigest python;
  const std::string ranks =
      "(EngineCore pid=7) ERROR 11-22 15:53:02 [a.py:1] RuntimeError: Error(s) in loading state_dict for Llama:\n"
      "(EngineCore pid=7) ERROR 11-22 15:53:02 [a.py:1] \tsize mismatch for lm_head.weight\n"
      "Traceback (most recent call last):\nValueError: Not supported:\nRuntimeError: the next\n";
  python.Append(ranks + ranks);
  EXPECT_THAT(python.error_lines(),
              ElementsAre("RuntimeError: Error(s) in loading state_dict for Llama: size mismatch for lm_head.weight",
                          "ValueError: Not supported:", "RuntimeError: the next"));
}

// A colon behind the exception's name: its text begins with a line end.
TEST(LogDigest, ATextThatBeginsWithALineEndIsNotItsRaiseStatement) {
  const auto errors = [](const std::string& log) {
    LogDigest digest;
    digest.Append(log);
    digest.Finish();
    return digest.error_lines();
  };
  const std::string frames = "Traceback (most recent call last):\n  File \"load.py\", line 8, in load\n";
  EXPECT_THAT(errors(frames + "    raise ImportError(error_msg)\nImportError: \n[kernels] no library was loaded\n"),
              ElementsAre("ImportError: [kernels] no library was loaded"));
  const std::string of_313 = frames + "    raise ImportError(\n    ...<2 lines>...\n    )\n";
  EXPECT_THAT(errors(of_313 + "ImportError: \n[kernels] no library was loaded\n"),
              ElementsAre("ImportError: [kernels] no library was loaded"));
  EXPECT_THAT(errors(frames + "    assert all(\n        x\n    )\nAssertionError\n"), ElementsAre("AssertionError: x"));
  EXPECT_THAT(errors(frames + "    assert count > 0\nAssertionError\n"),
              ElementsAre("AssertionError: assert count > 0"));
  EXPECT_THAT(errors(frames + "    raise ValueError\nValueError\nnext line\n"),
              ElementsAre("ValueError: raise ValueError"));
}

TEST(LogDigest, ItemsOfAListBelowAnErrorAreErrors) {
  const auto errors = [](const std::string& log) {
    LogDigest digest;
    digest.Append(log);
    digest.Finish();
    return digest.error_lines();
  };
  const std::string list =
      "Tried:\n- ImportError: libx.so.3: cannot open shared object file\n  * OSError: [Errno 5] y\n- a word: no error\n"
      "- ValueError\n";
  EXPECT_THAT(errors("RuntimeError: nothing fits\n" + list),
              ElementsAre("RuntimeError: nothing fits", "ImportError: libx.so.3: cannot open shared object file",
                          "OSError: [Errno 5] y"));
  EXPECT_THAT(errors(list), IsEmpty()) << "nothing failed before";
  EXPECT_THAT(
      errors("RuntimeError: nothing fits\n1. ImportError: a\n 2) OSError: b\n(3) KeyError: c\n2026. OSError: d\n"
             "(4. OSError: e\n1.OSError: f\n"),
      ElementsAre("RuntimeError: nothing fits", "ImportError: a", "OSError: b", "KeyError: c"));
}

std::vector<std::string> ErrorsOf(const std::string& log) {
  LogDigest digest;
  digest.Append(log);
  digest.Finish();
  return digest.error_lines();
}

// raise RuntimeError(traceback.format_exc()): the text says nothing, the traceback's own end does.
TEST(LogDigest, ATextThatIsATracebackIsNoError) {
  const std::string inner =
      "Traceback (most recent call last):\n  File \"engine.py\", line 3, in start\n    raise ValueError(\n"
      "ValueError: not enough GPUs\n";
  EXPECT_THAT(ErrorsOf("    raise RuntimeError(traceback.format_exc()) from None\nRuntimeError: " + inner),
              ElementsAre("ValueError: not enough GPUs"));
  EXPECT_THAT(ErrorsOf("RuntimeError: RuntimeError: " + inner), ElementsAre("ValueError: not enough GPUs"));
  EXPECT_THAT(ErrorsOf("multiprocessing.pool.RemoteTraceback: \n\"\"\"\n" + inner +
                       "\"\"\"\n\nThe above exception was the direct cause of the following exception:\n\n" + inner),
              ElementsAre("ValueError: not enough GPUs"));
  EXPECT_THAT(ErrorsOf("ERROR:    Server failed: " + inner), ElementsAre("ValueError: not enough GPUs"));
}

// Its line ends are two characters: in JSON, in what Python prints of a string, in both.
TEST(LogDigest, ATracebackInOneLineIsReadAsItsLines) {
  const std::string inner =
      R"(Traceback (most recent call last):\n  File \"e.py\", line 3, in start\n    raise KeyError(name)\n)"
      R"(KeyError: 'layers.0.w'\n)";
  for (const std::string& line :
       {R"({"time":"t","level":"ERROR","message":"load failed","exc_info":")" + inner + R"(","pathname":"e.py:3"})",
        R"({"levelname":"error","stack":")" + inner + R"("})",
        R"({"msg":"child failed: )" + inner + R"(","level":"error"})"}) {
    EXPECT_THAT(ErrorsOf(line + "\n"), Contains("KeyError: 'layers.0.w'")) << line;
    for (const std::string& error : ErrorsOf(line + "\n"))
      EXPECT_EQ(error.find("File"), std::string::npos) << line << ": " << error;
  }
  const std::string printed =
      R"(Traceback (most recent call last):\n  File "e.py", line 3, in start\n    import deep_ep\n)"
      R"(ModuleNotFoundError: No module named 'deep_ep'\n)";
  EXPECT_THAT(ErrorsOf("(Worker pid=7) ERROR 11-22 15:53:02 [a.py:1] child said: b'" + printed + "'\n"),
              ElementsAre("ModuleNotFoundError: No module named 'deep_ep'"));
  EXPECT_THAT(ErrorsOf("RuntimeError: " + printed + "\n"), Contains("ModuleNotFoundError: No module named 'deep_ep'"));
  // Ray's has no header, and stands in the text of an error.
  EXPECT_THAT(ErrorsOf(R"(ValueError: Error code: 400 - {'detail': 'ray::Worker.init() (pid=7, ip=10.0.0.7)\n)"
                       R"(  File "w.py", line 4, in init\n    model = cls(config)\n)"
                       R"(TypeError: Llama.__init__() got an unexpected keyword argument \'rope\''})"
                       "\n"),
              ElementsAre("TypeError: Llama.__init__() got an unexpected keyword argument 'rope'"));
  EXPECT_THAT(ErrorsOf(R"({"level":"INFO","message":"ok","note":")" + inner + "\"}\n"), IsEmpty());
}

// journald's copies have no indentation.
TEST(LogDigest, SourceLinesOfAFlatTracebackAreNoErrors) {
  const std::string flat =
      "Traceback (most recent call last):\n"
      "File \"/usr/lib/process.py\", line 314, in _bootstrap\n"
      "self.run()\n"
      "File \"/usr/lib/core.py\", line 846, in run_engine_core\n"
      "raise e\n"
      "File \"/usr/lib/core.py\", line 835, in check\n"
      "assert tokens > 0\n"
      "^^^^^^^^^^\n";
  EXPECT_THAT(ErrorsOf(flat + "RuntimeError: Triton Error [CUDA]: an illegal memory access was encountered\n"),
              ElementsAre("RuntimeError: Triton Error [CUDA]: an illegal memory access was encountered"));
  EXPECT_THAT(ErrorsOf(flat + "AssertionError\n"), ElementsAre("AssertionError: assert tokens > 0"));
  EXPECT_THAT(ErrorsOf(flat + "triton.runtime.errors.OutOfResources: out of resource: shared memory\n"),
              ElementsAre("triton.runtime.errors.OutOfResources: out of resource: shared memory"));
  // A frame without its source: that of compiled code.
  EXPECT_THAT(ErrorsOf("Traceback (most recent call last):\nFile \"x.pyx\", line 1, in f\nValueError: no\n"),
              ElementsAre("ValueError: no"));
  std::string logged;
  for (const char* line : {"Traceback (most recent call last):", "File \"a.py\", line 3, in run", "self.run()",
                           "^^^^^^^^", "ValueError: no"})
    logged += "ERROR 11-22 15:53:02 [core.py:1231] " + std::string(line) + "\n";
  EXPECT_THAT(ErrorsOf(logged), ElementsAre("ValueError: no"));
}

TEST(LogDigest, WhatAFailureFollowsFromIsKeptAtAnyLevel) {
  EXPECT_THAT(ErrorsOf("WARNING 07-08 06:56:10 [_custom_ops.py:21] Failed to import from vllm._C with "
                       "ImportError('/usr/lib/libcuda.so.1: file too short')\n"
                       "INFO 07-08 06:56:08 [__init__.py:248] No platform detected, vLLM is running on "
                       "UnspecifiedPlatform\n"),
              ElementsAre("Failed to import from vllm._C with ImportError('/usr/lib/libcuda.so.1: file too short')",
                          "No platform detected, vLLM is running on UnspecifiedPlatform"));
}

TEST(LogDigest, AGroupOfExceptionsIsATree) {
  EXPECT_THAT(ErrorsOf("  + Exception Group Traceback (most recent call last):\n"
                       "  |   File \"a.py\", line 1, in run\n  |     raise BaseExceptionGroup(\n"
                       "  | ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)\n"
                       "  +-+---------------- 1 ----------------\n    | Traceback (most recent call last):\n"
                       "    |   File \"b.py\", line 2, in load\n    |     raise ValueError(\n"
                       "    | ValueError: no such quantization\n    +------------------------------------\n"
                       "| model | 1 | READY |\n"),
              ElementsAre("ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)",
                          "ValueError: no such quantization"));
}

TEST(LogDigest, ArbitraryBytesBecomeCleanLines) {
  LogDigest digest;
  std::string bytes;
  for (int i = 0; i < 100'000; ++i) bytes += static_cast<char>((i * 7919) >> 3);
  digest.Append(bytes);
  digest.Finish();
  for (const std::string& line : digest.last_lines()) EXPECT_EQ(CleanText(line, LogDigest::kMaxLineBytes), line);
}

}  // namespace
}  // namespace autotune::bench
