#include "bench/cause_rules.h"

#include <algorithm>
#include <cctype>

namespace autotune::bench {
namespace {

using C = Cause;
using W = Worth;

// The order decides where a line has several of these texts. Lower case.
constexpr CauseRule kRules[] = {
    // Texts that hold a more general one of those below.
    {"unable to find address for", C::kMachine, W::kTelling},
    {"connectfullmesh", C::kMachine, W::kTelling},
    {"failed to listen on any local network address", C::kMachine, W::kTelling},
    {"gloo/transport*timed out waiting", C::kMachine, W::kVague},
    {"client socket has timed out", C::kMachine, W::kVague},
    {"illegal memory access", C::kCrash, W::kTelling},
    {"inotify_add_watch", C::kMachine, W::kVague},  // a limit of watches, which UCX does without
    {"openblas blas_thread_init", C::kMachine, W::kDecisive},
    // A rank that waits does not know why the other one is late: its own lines say so, if they are there.
    {"collective operation timeout", C::kWaiting, W::kVague},
    {"milliseconds before timing out", C::kWaiting, W::kVague},
    {"watchdog got stuck", C::kWaiting, W::kVague},
    {"timeout at nccl work", C::kWaiting, W::kVague},
    {"detected by watchdog at work", C::kWaiting, W::kWrapper},
    {"stack trace of the failed collective", C::kWaiting, W::kWrapper},
    {"processgroupnccl preparing to dump", C::kWaiting, W::kWrapper},
    {"received a dump signal due to a collective timeout", C::kWaiting, W::kWrapper},
    {"some nccl operations have failed or timed out", C::kWaiting, W::kWrapper},
    {"to avoid data inconsistency, we are taking the entire process down", C::kWaiting, W::kWrapper},
    {"should dump\" flag on tcpstore", C::kConsequence, W::kNothing},
    {"terminate called*distbackenderror", C::kMachine, W::kWrapper},
    // Two ranks on one GPU: the launch, not the machine.
    {"duplicate gpu detected", C::kCrash, W::kDecisive},
    // A server's own first request: somebody else says why nobody answers.
    {"host='127.0.0.1'", C::kConsequence, W::kNothing},
    {"host='localhost'", C::kConsequence, W::kNothing},
    {"host='0.0.0.0'", C::kConsequence, W::kNothing},
    {"warmup error", C::kConsequence, W::kNothing},
    {"res=<response [", C::kCrash, W::kVague},

    // Somebody else failed: parents and other ranks. vLLM's.
    {"see root cause above", C::kConsequence, W::kNothing},
    {"see stack trace", C::kConsequence, W::kNothing},
    {"please check the stack trace above", C::kConsequence, W::kNothing},
    {"^runtimeerror: cancelled", C::kConsequence, W::kNothing},
    {"enginedeaderror", C::kConsequence, W::kNothing},
    {"engine core proc", C::kConsequence, W::kNothing},
    {"enginecore failed to start", C::kConsequence, W::kNothing},
    {"enginecore encountered", C::kConsequence, W::kNothing},
    {"enginecore hit an exception", C::kConsequence, W::kNothing},
    {"workerproc failed to start", C::kConsequence, W::kNothing},
    {"workerproc initialization failed", C::kConsequence, W::kNothing},
    {"workerproc hit an exception", C::kConsequence, W::kNothing},
    {"worker proc * died unexpectedly", C::kConsequence, W::kNothing},
    {"asyncllm output_handler failed", C::kConsequence, W::kNothing},
    {"error in * stream generator", C::kConsequence, W::kNothing},
    {"runtimeerror: executor failed.", C::kConsequence, W::kNothing},
    {"dumping input data", C::kConsequence, W::kNothing},
    {"dumping scheduler", C::kConsequence, W::kNothing},
    {"executor is not running", C::kConsequence, W::kNothing},
    {"one or more workers failed", C::kConsequence, W::kNothing},
    {"dp coordinator process failed", C::kConsequence, W::kNothing},
    {"did not receive response from front-end process", C::kConsequence, W::kNothing},
    {"input socket thread died during startup", C::kConsequence, W::kNothing},
    {") died with exit code", C::kConsequence, W::kNothing},
    {"engine process failed to start", C::kConsequence, W::kNothing},
    {"engine loop is not running", C::kConsequence, W::kNothing},
    {"background loop has errored", C::kConsequence, W::kNothing},
    {"got fatal signal from worker", C::kConsequence, W::kNothing},
    {"error executing method", C::kConsequence, W::kNothing},
    {"exception in asgi application", C::kConsequence, W::kNothing},
    // SGLang's.
    {"crashed with exit code", C::kConsequence, W::kNothing},
    {"scheduler hit an exception", C::kConsequence, W::kNothing},
    {"manager hit an exception", C::kConsequence, W::kNothing},
    {"received sigquit", C::kConsequence, W::kNothing},
    {"scheduler is dead", C::kConsequence, W::kNothing},
    {"initialization failed. please see the error messages above", C::kConsequence, W::kNothing},
    {"scheduler or dp controller", C::kConsequence, W::kNothing},
    {"pyspy failed", C::kConsequence, W::kNothing},
    {"dumping requests before crash", C::kConsequence, W::kNothing},
    // TensorRT-LLM's, Triton's and MPI's.
    {"executor worker returned error", C::kConsequence, W::kNothing},
    {"executor worker died", C::kConsequence, W::kNothing},
    {"mpi_abort was invoked", C::kConsequence, W::kNothing},
    {"error: creating server: internal - failed to load all models", C::kConsequence, W::kNothing},
    // Ray's and multiprocessing's.
    {"a worker died or was killed while executing", C::kConsequence, W::kNothing},
    {"actordiederror", C::kConsequence, W::kNothing},
    {"the actor died", C::kConsequence, W::kNothing},
    {"rayactorerror", C::kConsequence, W::kNothing},
    {"processraisedexception", C::kConsequence, W::kNothing},
    {"processexitedexception", C::kConsequence, W::kNothing},
    {"brokenprocesspool", C::kConsequence, W::kNothing},
    {"worker died", C::kConsequence, W::kNothing},
    {"is dead", C::kConsequence, W::kNothing},
    {"died unexpectedly", C::kConsequence, W::kNothing},
    {"systemexit", C::kConsequence, W::kNothing},
    {"keyboardinterrupt", C::kConsequence, W::kNothing},
    {"cancellederror", C::kConsequence, W::kNothing},
    // Libraries, when the process at the other end is gone.
    {"gloo/transport", C::kConsequence, W::kNothing},
    {"distnetworkerror", C::kConsequence, W::kNothing},
    {"^eoferror", C::kConsequence, W::kNothing},
    {"brokenpipeerror", C::kConsequence, W::kNothing},
    {"connectionreseterror", C::kConsequence, W::kNothing},
    {"ncclremoteerror", C::kConsequence, W::kNothing},
    {"remote process exited or there was a network error", C::kConsequence, W::kNothing},
    // pydantic's first line: the second one says what is wrong.
    {"1 validation error for", C::kConsequence, W::kNothing},
    {"validation errors for", C::kConsequence, W::kNothing},

    // Request slots, the GPU's shared memory and the like are no memory that could be larger.
    {"alloc_req_slots runs out of memory", C::kCrash, W::kTelling},
    {"out of resource*shared memory", C::kConfiguration, W::kDecisive},
    {"outofresources", C::kConfiguration, W::kDecisive},
    // Kernels that this GPU, or a layer of this width, does not have: Triton's, below "CompilationError: at 1:0:", and
    // Marlin's.
    {"not supported in this architecture", C::kConfiguration, W::kDecisive},
    {"invalid thread config", C::kConfiguration, W::kTelling},

    // Host memory.
    {"[errno 12]", C::kHostMemory, W::kDecisive},
    {"cannot allocate memory", C::kHostMemory, W::kDecisive},
    {"can't allocate memory", C::kHostMemory, W::kDecisive},
    {"std::bad_alloc", C::kHostMemory, W::kDecisive},
    {"unable to allocate * for an array", C::kHostMemory, W::kDecisive},
    {"host memory allocation of", C::kHostMemory, W::kDecisive},
    {"host memory exhausted", C::kHostMemory, W::kDecisive},
    {"host pool failed", C::kHostMemory, W::kDecisive},  // hipHostMalloc
    {"numpy*memoryerror", C::kHostMemory, W::kDecisive},
    {"^memoryerror", C::kHostMemory, W::kDecisive},
    // The GPU's: frameworks, and engines whose weights leave no room for a KV cache or that share the GPU.
    {"out of memory", C::kDeviceMemory, W::kDecisive},
    {"outofmemory", C::kDeviceMemory, W::kDecisive},
    {"cudaerrormemoryallocation", C::kDeviceMemory, W::kDecisive},
    {"cublas_status_alloc_failed", C::kDeviceMemory, W::kDecisive},
    {"memoryerror", C::kDeviceMemory, W::kDecisive},
    {"no available memory for the cache blocks", C::kDeviceMemory, W::kDecisive},
    {"insufficient gpu memory", C::kDeviceMemory, W::kDecisive},
    {"not enough gpu memory", C::kDeviceMemory, W::kDecisive},
    {"hbm is free", C::kDeviceMemory, W::kDecisive},
    {"insufficient memory", C::kDeviceMemory, W::kDecisive},
    {"not enough memory", C::kDeviceMemory, W::kDecisive},
    {"leave no gpu memory for the kv cache", C::kDeviceMemory, W::kDecisive},
    // A memory fraction beyond what a GPU has. root_cause.cpp: the machine's where somebody else holds the rest.
    {"free memory on device", C::kConfiguration, W::kDecisive},

    // What the image lacks. Compilers print what they lack, or do not know, near a wrapper's "build failed".
    {"libcuda.so.1: cannot open shared object", C::kImage, W::kDecisive},
    {"ld: cannot find", C::kImage, W::kDecisive},
    {"ptxas fatal", C::kImage, W::kDecisive},
    {"nvcc fatal", C::kImage, W::kDecisive},
    {"could not find nvcc", C::kImage, W::kDecisive},
    {"fatal error:*no such file or directory", C::kImage, W::kDecisive},
    {": fatal error: ", C::kImage, W::kDecisive},
    {"internal compiler error", C::kImage, W::kDecisive},
    {"failed to find c compiler", C::kImage, W::kDecisive},
    {"unsupported gpu architecture", C::kImage, W::kDecisive},
    {"no kernel image is available", C::kImage, W::kDecisive},
    {"device kernel image is invalid", C::kImage, W::kDecisive},
    {"invalid device function", C::kImage, W::kDecisive},
    {"nobinaryforgpu", C::kImage, W::kDecisive},
    {"not compiled with cuda enabled", C::kImage, W::kDecisive},
    {"nvcc: not found", C::kImage, W::kDecisive},
    {"nvcc version should be", C::kImage, W::kDecisive},
    {"ninja: not found", C::kImage, W::kDecisive},
    {"ninja is required to load", C::kImage, W::kDecisive},
    {"no such file or directory: 'ninja'", C::kImage, W::kDecisive},
    {"no such file or directory*nvcc'", C::kImage, W::kDecisive},
    {"error while loading shared libraries", C::kImage, W::kTelling},
    {"cannot open shared object file", C::kImage, W::kTelling},
    {"could not load any common_ops library", C::kImage, W::kVague},  // SGLang's; a list of what was tried follows
    {"undefined symbol", C::kImage, W::kTelling},
    {"version `glibc", C::kImage, W::kTelling},
    {"python3: no module named", C::kImage, W::kTelling},
    {"exec format error", C::kImage, W::kTelling},
    {"permissionerror", C::kImage, W::kTelling},
    {"getpwuid(): uid not found", C::kImage, W::kTelling},
    {"permission denied", C::kImage, W::kTelling},
    {"llvm error", C::kImage, W::kTelling},
    {"ld returned", C::kImage, W::kWrapper},
    {"internal triton ptx codegen error", C::kImage, W::kWrapper},
    {"ptxas error", C::kImage, W::kWrapper},
    {"ninja build failed", C::kImage, W::kWrapper},
    {"ninja: build stopped", C::kImage, W::kWrapper},
    {"error building extension", C::kImage, W::kWrapper},
    {"calledprocesserror", C::kImage, W::kWrapper},
    {"^failed: *.o", C::kImage, W::kWrapper},
    {"compilation terminated", C::kImage, W::kWrapper},
    {"detected in the compilation of", C::kImage, W::kWrapper},
    {"no valid triton configs", C::kImage, W::kWrapper},

    // The driver and the GPUs.
    {"unexpected error from cudagetdevicecount", C::kMachine, W::kDecisive},
    {"unsupported display driver", C::kMachine, W::kDecisive},
    {"system not yet initialized", C::kMachine, W::kDecisive},
    {"driver version is insufficient", C::kMachine, W::kDecisive},
    {"nvidia driver on your system is too old", C::kMachine, W::kDecisive},
    {"found no nvidia driver", C::kMachine, W::kDecisive},
    {"driver/library version mismatch", C::kMachine, W::kDecisive},
    {"forward compatibility was attempted", C::kMachine, W::kDecisive},
    {"ecc error", C::kMachine, W::kDecisive},
    {"no cuda gpus are available", C::kMachine, W::kDecisive},
    {"no hip gpus are available", C::kMachine, W::kDecisive},
    {"compiled with an unsupported toolchain", C::kMachine, W::kDecisive},  // the driver is older than the image
    {"cuda call failed lazily", C::kMachine, W::kDecisive},
    {"invalid device ordinal", C::kMachine, W::kDecisive},
    {"cuda_error_system_not_ready", C::kMachine, W::kDecisive},
    {"nvidia-smi has failed", C::kMachine, W::kDecisive},
    {"failed to initialize nvml", C::kMachine, W::kDecisive},
    {"or a hardware error", C::kMachine, W::kDecisive},
    {"mps client", C::kMachine, W::kDecisive},
    {"mps server", C::kMachine, W::kDecisive},
    {"error in memory profiling", C::kMachine, W::kTelling},
    {"no cuda-capable device", C::kMachine, W::kDecisive},
    {"no cuda devices found", C::kMachine, W::kDecisive},
    {"no ib devices found", C::kMachine, W::kDecisive},
    {"failed to infer device type", C::kMachine, W::kDecisive},
    {"no accelerator * is available", C::kMachine, W::kDecisive},
    {"has no gpu available", C::kMachine, W::kDecisive},
    {"does not allocate any gpus", C::kMachine, W::kDecisive},
    {"cuda unknown error", C::kMachine, W::kDecisive},
    {"cuda driver initialization failed", C::kMachine, W::kDecisive},
    {"cuda initialization error", C::kMachine, W::kDecisive},
    {"cuda error: initialization error", C::kMachine, W::kDecisive},
    {"cuda error: unknown error", C::kMachine, W::kDecisive},
    {"cuda-capable device(s) is/are busy", C::kMachine, W::kDecisive},
    {"nvmlerror", C::kMachine, W::kDecisive},
    {"nvml_error", C::kMachine, W::kDecisive},
    {"gpu is lost", C::kMachine, W::kDecisive},
    {"fallen off the bus", C::kMachine, W::kDecisive},
    {"hardware stack error", C::kMachine, W::kDecisive},
    {"uncorrectable nvlink error", C::kMachine, W::kDecisive},
    {"os call failed or operation not supported", C::kMachine, W::kTelling},
    {"cuda runtime error in *operation not supported", C::kMachine, W::kTelling},
    {"cudnn_status", C::kMachine, W::kTelling},
    // Between GPUs and between processes.
    {"nccl warn*error while creating shared memory segment", C::kMachine, W::kDecisive},
    {"nccl", C::kMachine, W::kTelling},
    {"error while creating shared memory segment", C::kMachine, W::kVague},
    {"distbackenderror", C::kMachine, W::kTelling},
    {"nvshmem api called before", C::kMachine, W::kVague},
    {"nvshmem", C::kMachine, W::kTelling},
    {"ibv_", C::kMachine, W::kTelling},
    {"nixl_err", C::kMachine, W::kTelling},
    {"ucx  error", C::kMachine, W::kTelling},
    {"mpi error", C::kMachine, W::kTelling},
    {"diststoreerror", C::kMachine, W::kTelling},
    {"transfer engine", C::kMachine, W::kTelling},
    {"failed to setup mooncake", C::kMachine, W::kTelling},
    {"mooncake memory registration failed", C::kMachine, W::kTelling},
    {"failed to connect to metadata server", C::kMachine, W::kTelling},
    {"failed to connect to gcs", C::kMachine, W::kTelling},
    {"cannot assign requested address", C::kMachine, W::kTelling},
    {"can't start new thread", C::kMachine, W::kTelling},
    {"resource temporarily unavailable", C::kMachine, W::kTelling},
    {"thread creation failed", C::kMachine, W::kTelling},
    {"pthread_create failed", C::kMachine, W::kTelling},
    {"address already in use", C::kMachine, W::kTelling},
    {"etcd server", C::kMachine, W::kTelling},
    {"nats:", C::kMachine, W::kTelling},
    {"serviceunavailableerror", C::kMachine, W::kTelling},
    // Disks.
    {"no space left on device", C::kMachine, W::kTelling},
    {"disk quota exceeded", C::kMachine, W::kTelling},
    {"transport endpoint is not connected", C::kMachine, W::kTelling},
    {"stale file handle", C::kMachine, W::kTelling},
    {"input/output error", C::kMachine, W::kTelling},
    {"read-only file system", C::kImage, W::kTelling},
    {"too many open files", C::kMachine, W::kTelling},
    // The hub: what it refuses is the configuration's, what it does not answer the network's.
    {"outgoing traffic has been disabled", C::kConfiguration, W::kTelling},
    {"gatedrepoerror", C::kConfiguration, W::kTelling},
    {"gated repo", C::kConfiguration, W::kTelling},
    {"repositorynotfounderror", C::kConfiguration, W::kTelling},
    {"httperror: 401", C::kConfiguration, W::kVague},
    {"httperror: 403", C::kConfiguration, W::kVague},
    {"httperror: 404", C::kConfiguration, W::kVague},
    {"nameresolutionerror", C::kMachine, W::kTelling},
    {"temporary failure in name resolution", C::kMachine, W::kVague},
    {"failed to resolve '*'*caused by", C::kMachine, W::kVague},
    {"gaierror", C::kMachine, W::kVague},
    {"name or service not known", C::kMachine, W::kVague},
    {"max retries exceeded", C::kMachine, W::kTelling},
    {"couldn't connect to", C::kMachine, W::kTelling},
    {"connection timed out", C::kMachine, W::kTelling},
    {"no route to host", C::kMachine, W::kTelling},
    {"network is unreachable", C::kMachine, W::kTelling},
    {"connection refused", C::kMachine, W::kTelling},
    {"connectionerror", C::kMachine, W::kTelling},
    {"connecterror", C::kMachine, W::kTelling},
    {"connecttimeout", C::kMachine, W::kTelling},
    {"readtimeout", C::kMachine, W::kTelling},
    {"read timed out", C::kMachine, W::kTelling},
    {"remotedisconnected", C::kMachine, W::kVague},
    {"protocolerror", C::kMachine, W::kTelling},
    {"incompleteread", C::kMachine, W::kTelling},
    {"chunkedencodingerror", C::kMachine, W::kTelling},
    {"certificate verify failed", C::kMachine, W::kTelling},
    {"sslerror", C::kMachine, W::kTelling},
    {"proxyerror", C::kMachine, W::kTelling},
    {"429 client error", C::kMachine, W::kTelling},
    // The same in httpx's words.
    {"client error '408", C::kMachine, W::kTelling},
    {"client error '416", C::kMachine, W::kTelling},
    {"client error '429", C::kMachine, W::kTelling},
    {"server error '5", C::kMachine, W::kTelling},
    {"too many requests", C::kMachine, W::kTelling},
    {" server error: ", C::kMachine, W::kTelling},
    {"cas service error", C::kMachine, W::kTelling},
    {"file reconstruction error", C::kMachine, W::kTelling},
    {"please check your connection", C::kMachine, W::kTelling},
    {"error downloading", C::kMachine, W::kTelling},

    // The engine's own code is at fault, or does not fit what is installed beside it: no setting says such a thing.
    {"assertion error (*exit_code == 0", C::kImage, W::kTelling},
    {"assertion error (*nvcc", C::kImage, W::kTelling},
    {"assertion error (*arch", C::kConfiguration, W::kTelling},
    {"assertion error (", C::kCrash, W::kTelling},
    {"assertionerror: assert *.shape", C::kCrash, W::kTelling},
    {"assertionerror: assert *.size(", C::kCrash, W::kTelling},
    {"assertionerror: assert *.numel(", C::kCrash, W::kTelling},
    {"assertionerror: assert *.stride(", C::kCrash, W::kTelling},
    {"assertionerror: assert *.is_contiguous(", C::kCrash, W::kTelling},
    {"assertionerror: assert len(", C::kCrash, W::kTelling},
    {"assertionerror: *buffer", C::kCrash, W::kTelling},
    {"attributeerror: 'nonetype' object", C::kCrash, W::kTelling},
    {"typeerror: 'nonetype' object", C::kCrash, W::kTelling},
    {"attributeerror: module '", C::kImage, W::kTelling},
    {"_opnamespace", C::kImage, W::kTelling},
    {"values to unpack", C::kCrash, W::kTelling},
    {"error in event loop: ", C::kCrash, W::kVague},  // TensorRT-LLM's, before the exception itself
    {"^unboundlocalerror", C::kCrash, W::kTelling},
    {"^nameerror", C::kCrash, W::kTelling},
    {"^indexerror", C::kCrash, W::kTelling},
    {"^recursionerror", C::kCrash, W::kTelling},
    {"failed to import transformers", C::kImage, W::kVague},
    {"cannot import name", C::kImage, W::kTelling},
    {"^importerror", C::kImage, W::kTelling},
    {"partially initialized module", C::kImage, W::kTelling},
    {"operator torchvision::", C::kImage, W::kTelling},
    {"no working c++ compiler", C::kImage, W::kTelling},
    {"cuda_home", C::kImage, W::kTelling},
    {"no such file or directory: 'g++'", C::kImage, W::kTelling},
    {"no such file or directory: 'gcc'", C::kImage, W::kTelling},
    {"api call failed", C::kCrash, W::kVague},  // PyTorch's stable interface, for whatever failed behind it
    {"expand(cuda", C::kCrash, W::kTelling},
    {"tvm.error.internalerror*unsupported architecture", C::kConfiguration, W::kTelling},
    {"tvm.error.internalerror*dynamic shared memory", C::kConfiguration, W::kTelling},
    {"tvm.error.internalerror", C::kCrash, W::kTelling},
    {"runtimeerror: error internal", C::kCrash, W::kTelling},  // CUTLASS
    {"expected all tensors to be on the same device", C::kCrash, W::kTelling},
    {"cannot copy out of meta tensor", C::kCrash, W::kTelling},
    {"inplace update to inference tensor", C::kCrash, W::kTelling},
    {"symbolically trace a dynamo-optimized function", C::kCrash, W::kTelling},
    {"memory capacity is unbalanced", C::kMachine, W::kTelling},  // somebody else is on one of the GPUs
    {"modulenotfounderror", C::kImage, W::kTelling},
    {"compilationerror", C::kCrash, W::kTelling},
    {"inductorerror", C::kCrash, W::kTelling},
    {"backendcompilerfailed", C::kCrash, W::kTelling},
    {"torch._dynamo.exc.", C::kCrash, W::kTelling},
    {"nvrtc", C::kImage, W::kTelling},
    {"dslruntimeerror", C::kCrash, W::kTelling},
    {"passmanager::run failed", C::kCrash, W::kTelling},

    // Refusals in other words than those of root_cause.cpp.
    {"could not locate*in the tokenizer", C::kConfiguration, W::kTelling},
    {"' was requested*, but", C::kConfiguration, W::kTelling},
    {"' was requested but", C::kConfiguration, W::kTelling},
    {"was never loaded", C::kConfiguration, W::kTelling},
    {"appears to be a uri", C::kCrash, W::kTelling},  // VLLM_PORT of a Service called "vllm"
    {"does not declare an architecture", C::kConfiguration, W::kTelling},

    // Crashes of native code and kernels.
    {"assertion failed: ", C::kConfiguration, W::kTelling},
    {"assertion `*failed", C::kCrash, W::kTelling},
    {"[json.exception", C::kConfiguration, W::kTelling},
    {"error occurred when running", C::kCrash, W::kTelling},
    {"memory access fault by gpu", C::kCrash, W::kDecisive},
    {"memory critical error by agent", C::kCrash, W::kDecisive},
    {"hw exception by gpu*reason*ecc", C::kMachine, W::kDecisive},
    {"hw exception by gpu", C::kCrash, W::kDecisive},
    {"hsa_status_error_out_of_resources", C::kDeviceMemory, W::kDecisive},
    {"hsa_status_error", C::kCrash, W::kDecisive},
    {"watchdog timeout", C::kCrash, W::kTelling},
    {"re-initialize cuda in forked subprocess", C::kCrash, W::kTelling},
    {"triton error [cuda]", C::kCrash, W::kTelling},
    {"device-side assert", C::kCrash, W::kVague},
    {"cuda error", C::kCrash, W::kTelling},
    {"cuda driver error", C::kCrash, W::kTelling},
    {"cuda runtime error", C::kCrash, W::kTelling},
    {"hip error", C::kCrash, W::kTelling},
    {"caught signal", C::kCrash, W::kDecisive},
    {"segmentation fault", C::kCrash, W::kTelling},
    {"bus error", C::kCrash, W::kTelling},
    {"illegal instruction", C::kCrash, W::kTelling},
    {"double free or corruption", C::kCrash, W::kTelling},
    {"corrupted size vs. prev_size", C::kCrash, W::kTelling},
    {"malloc(): ", C::kCrash, W::kTelling},
    {"free(): ", C::kCrash, W::kTelling},
    {"called `result::unwrap()`", C::kCrash, W::kTelling},
    {"' panicked at ", C::kCrash, W::kWrapper},
    {"fatal python error: aborted", C::kCrash, W::kWrapper},
    {"fatal python error", C::kCrash, W::kTelling},
    {"sigabrt received", C::kCrash, W::kWrapper},
    {"terminate called", C::kCrash, W::kWrapper},
    {"what():", C::kCrash, W::kTelling},
    {"mpirun noticed", C::kCrash, W::kOther},
    {"failed to start model server", C::kCrash, W::kOther},
    {"^timeouterror: raise", C::kCrash, W::kOther},
    {"rpc call to * timed out", C::kCrash, W::kVague},  // a worker hangs, or has said why it ended
    {"timeouterror", C::kCrash, W::kTelling},
    {"timed out", C::kCrash, W::kOther},
    // TensorRT-LLM's own sentence about whatever was raised; what it quotes has a row above if it is known.
    {"failed to initialize executor on rank", C::kConfiguration, W::kTelling},
    // Mostly a lookup that failed first; what was raised because of it says more.
    {"^keyerror:", C::kConfiguration, W::kVague},
};

char Lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

std::string_view::size_type FindIgnoringCase(std::string_view text, std::string_view lower) {
  const auto found =
      std::search(text.begin(), text.end(), lower.begin(), lower.end(), [](char a, char b) { return Lower(a) == b; });
  return found == text.end() ? std::string_view::npos : static_cast<std::size_t>(found - text.begin());
}

}  // namespace

bool MatchesPattern(std::string_view line, std::string_view pattern) {
  const bool anchored = pattern.starts_with('^');
  if (anchored) pattern.remove_prefix(1);
  for (bool first = true; !pattern.empty(); first = false) {
    const std::size_t star = std::min(pattern.find('*'), pattern.size());
    const std::string_view part = pattern.substr(0, star);
    const std::size_t at = FindIgnoringCase(line, part);
    if (at == std::string_view::npos || (first && anchored && at != 0)) return false;
    line.remove_prefix(at + part.size());
    pattern.remove_prefix(std::min(star + 1, pattern.size()));
  }
  return true;
}

const CauseRule* FindCauseRule(std::string_view line) {
  const auto rule =
      std::ranges::find_if(kRules, [&](const CauseRule& candidate) { return MatchesPattern(line, candidate.pattern); });
  return rule == std::end(kRules) ? nullptr : &*rule;
}

}  // namespace autotune::bench
