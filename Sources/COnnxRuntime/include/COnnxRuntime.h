#pragma once
// The part of ONNX Runtime's C API that Slipway calls, declared by us: no package that can be installed here ships the
// upstream header, and the library is found at run time with dlopen, so that any release from 1.17 on will do.
//
// The API is one struct of function pointers to which upstream only ever appends (upstream asserts positions in its own
// source). Members that are not called are gaps; CORT_AT asserts the position of every member that is.

#include <stddef.h>
#include <stdint.h>

/// The API version that is asked for; releases from 1.17 on answer.
enum { CORT_API_VERSION = 17 };

/// Kinds of a value, as GetValueType and GetOnnxTypeFromTypeInfo report them.
enum { CORT_KIND_TENSOR = 1, CORT_KIND_SEQUENCE = 2, CORT_KIND_MAP = 3 };

/// Element types of a tensor (the numbers of ONNX's TensorProto.DataType).
enum {
  CORT_FLOAT = 1, CORT_UINT8 = 2, CORT_INT8 = 3, CORT_UINT16 = 4, CORT_INT16 = 5, CORT_INT32 = 6, CORT_INT64 = 7,
  CORT_STRING = 8, CORT_BOOL = 9, CORT_FLOAT16 = 10, CORT_DOUBLE = 11, CORT_UINT32 = 12, CORT_UINT64 = 13
};

/// Codes of a status.
enum {
  CORT_FAIL = 1, CORT_INVALID_ARGUMENT = 2, CORT_NO_SUCH_FILE = 3, CORT_NO_MODEL = 4, CORT_RUNTIME_EXCEPTION = 6,
  CORT_INVALID_PROTOBUF = 7, CORT_NOT_IMPLEMENTED = 9, CORT_INVALID_GRAPH = 10
};

typedef struct OrtStatus OrtStatus;
typedef struct OrtEnv OrtEnv;
typedef struct OrtSession OrtSession;
typedef struct OrtSessionOptions OrtSessionOptions;
typedef struct OrtRunOptions OrtRunOptions;
typedef struct OrtMemoryInfo OrtMemoryInfo;
typedef struct OrtAllocator OrtAllocator;
typedef struct OrtValue OrtValue;
typedef struct OrtTypeInfo OrtTypeInfo;
typedef struct OrtTensorTypeAndShapeInfo OrtTensorTypeAndShapeInfo;
typedef struct OrtSequenceTypeInfo OrtSequenceTypeInfo;
typedef struct OrtMapTypeInfo OrtMapTypeInfo;

#pragma clang assume_nonnull begin

/// A member that returns a status: NULL is success, anything else must be released.
#define CORT_FN(name, ...) OrtStatus *_Nullable (*_Nonnull name)(__VA_ARGS__)
#define CORT_RELEASE(name, type) void (*_Nonnull name)(type *_Nullable)
#define CORT_OUT(type) type *_Nullable *_Nonnull
#define CORT_GAP(at, count) const void *_Nullable _gap##at[count]

typedef struct OrtApi {
  CORT_GAP(0, 1);
  int32_t (*_Nonnull GetErrorCode)(const OrtStatus *);
  const char *_Nonnull (*_Nonnull GetErrorMessage)(const OrtStatus *);
  CORT_FN(CreateEnv, int32_t level, const char *name, CORT_OUT(OrtEnv));
  CORT_GAP(4, 2);
  CORT_FN(DisableTelemetryEvents, const OrtEnv *);
  CORT_FN(CreateSession, const OrtEnv *, const char *path, const OrtSessionOptions *, CORT_OUT(OrtSession));
  CORT_GAP(8, 1);
  CORT_FN(Run, OrtSession *, const OrtRunOptions *_Nullable, const char *_Nonnull const *_Nonnull inputNames,
          const OrtValue *_Nonnull const *_Nullable inputs, size_t inputCount,
          const char *_Nonnull const *_Nonnull outputNames, size_t outputCount, CORT_OUT(OrtValue) outputs);
  CORT_FN(CreateSessionOptions, CORT_OUT(OrtSessionOptions));
  CORT_GAP(11, 13);
  CORT_FN(SetIntraOpNumThreads, OrtSessionOptions *, int32_t);
  CORT_FN(SetInterOpNumThreads, OrtSessionOptions *, int32_t);
  CORT_GAP(26, 4);
  CORT_FN(SessionGetInputCount, const OrtSession *, size_t *);
  CORT_FN(SessionGetOutputCount, const OrtSession *, size_t *);
  CORT_GAP(32, 1);
  CORT_FN(SessionGetInputTypeInfo, const OrtSession *, size_t, CORT_OUT(OrtTypeInfo));
  CORT_FN(SessionGetOutputTypeInfo, const OrtSession *, size_t, CORT_OUT(OrtTypeInfo));
  CORT_GAP(35, 1);
  CORT_FN(SessionGetInputName, const OrtSession *, size_t, OrtAllocator *, CORT_OUT(char));
  CORT_FN(SessionGetOutputName, const OrtSession *, size_t, OrtAllocator *, CORT_OUT(char));
  CORT_GAP(38, 1);
  CORT_FN(CreateRunOptions, CORT_OUT(OrtRunOptions));
  CORT_GAP(40, 6);
  CORT_FN(RunOptionsSetTerminate, OrtRunOptions *);
  CORT_GAP(47, 1);
  CORT_FN(CreateTensorAsOrtValue, OrtAllocator *, const int64_t *_Nullable shape, size_t rank, int32_t type,
          CORT_OUT(OrtValue));
  CORT_FN(CreateTensorWithDataAsOrtValue, const OrtMemoryInfo *, void *data, size_t bytes,
          const int64_t *_Nullable shape, size_t rank, int32_t type, CORT_OUT(OrtValue));
  CORT_GAP(50, 1);
  CORT_FN(GetTensorMutableData, OrtValue *, void *_Nullable *_Nonnull);
  CORT_FN(FillStringTensor, OrtValue *, const char *_Nonnull const *_Nonnull, size_t count);
  CORT_FN(GetStringTensorDataLength, const OrtValue *, size_t *);
  CORT_FN(GetStringTensorContent, const OrtValue *, void *buffer, size_t bytes, size_t *offsets, size_t count);
  CORT_FN(CastTypeInfoToTensorInfo, const OrtTypeInfo *, const OrtTensorTypeAndShapeInfo *_Nullable *_Nonnull);
  CORT_FN(GetOnnxTypeFromTypeInfo, const OrtTypeInfo *, int32_t *);
  CORT_GAP(57, 3);
  CORT_FN(GetTensorElementType, const OrtTensorTypeAndShapeInfo *, int32_t *);
  CORT_FN(GetDimensionsCount, const OrtTensorTypeAndShapeInfo *, size_t *);
  CORT_FN(GetDimensions, const OrtTensorTypeAndShapeInfo *, int64_t *, size_t count);
  CORT_GAP(63, 1);
  CORT_FN(GetTensorShapeElementCount, const OrtTensorTypeAndShapeInfo *, size_t *);
  CORT_FN(GetTensorTypeAndShape, const OrtValue *, CORT_OUT(OrtTensorTypeAndShapeInfo));
  CORT_GAP(66, 1);
  CORT_FN(GetValueType, const OrtValue *, int32_t *);
  CORT_GAP(68, 1);
  CORT_FN(CreateCpuMemoryInfo, int32_t allocator, int32_t memory, CORT_OUT(OrtMemoryInfo));
  CORT_GAP(70, 6);
  CORT_FN(AllocatorFree, OrtAllocator *, void *_Nullable);
  CORT_GAP(77, 1);
  CORT_FN(GetAllocatorWithDefaultOptions, CORT_OUT(OrtAllocator));
  CORT_GAP(79, 1);
  CORT_FN(GetValue, const OrtValue *, int32_t index, OrtAllocator *, CORT_OUT(OrtValue));
  CORT_FN(GetValueCount, const OrtValue *, size_t *);
  CORT_GAP(82, 10);
  CORT_RELEASE(ReleaseEnv, OrtEnv);
  CORT_RELEASE(ReleaseStatus, OrtStatus);
  CORT_RELEASE(ReleaseMemoryInfo, OrtMemoryInfo);
  CORT_RELEASE(ReleaseSession, OrtSession);
  CORT_RELEASE(ReleaseValue, OrtValue);
  CORT_RELEASE(ReleaseRunOptions, OrtRunOptions);
  CORT_RELEASE(ReleaseTypeInfo, OrtTypeInfo);
  CORT_RELEASE(ReleaseTensorTypeAndShapeInfo, OrtTensorTypeAndShapeInfo);
  CORT_RELEASE(ReleaseSessionOptions, OrtSessionOptions);
  CORT_GAP(101, 2);
  CORT_FN(CastTypeInfoToMapTypeInfo, const OrtTypeInfo *, const OrtMapTypeInfo *_Nullable *_Nonnull);
  CORT_FN(CastTypeInfoToSequenceTypeInfo, const OrtTypeInfo *, const OrtSequenceTypeInfo *_Nullable *_Nonnull);
  CORT_FN(GetMapKeyType, const OrtMapTypeInfo *, int32_t *);
  CORT_FN(GetMapValueType, const OrtMapTypeInfo *, CORT_OUT(OrtTypeInfo));
  CORT_FN(GetSequenceElementType, const OrtSequenceTypeInfo *, CORT_OUT(OrtTypeInfo));
  CORT_GAP(108, 22);
  CORT_FN(AddSessionConfigEntry, OrtSessionOptions *, const char *key, const char *value);
  CORT_GAP(131, 34);
  CORT_FN(AddRunConfigEntry, OrtRunOptions *, const char *key, const char *value);
} OrtApi;

/// What the library's one exported entry, OrtGetApiBase, returns.
typedef struct OrtApiBase {
  const OrtApi *_Nullable (*_Nonnull GetApi)(uint32_t version);
  const char *_Nonnull (*_Nonnull GetVersionString)(void);
} OrtApiBase;

#pragma clang assume_nonnull end

typedef const OrtApiBase *_Nullable (*CortGetApiBase)(void);

#define CORT_AT(member, index) _Static_assert(offsetof(OrtApi, member) == (index) * sizeof(void *), #member)
CORT_AT(GetErrorCode, 1);
CORT_AT(GetErrorMessage, 2);
CORT_AT(CreateEnv, 3);
CORT_AT(DisableTelemetryEvents, 6);
CORT_AT(CreateSession, 7);
CORT_AT(Run, 9);
CORT_AT(CreateSessionOptions, 10);
CORT_AT(SetIntraOpNumThreads, 24);
CORT_AT(SetInterOpNumThreads, 25);
CORT_AT(SessionGetInputCount, 30);
CORT_AT(SessionGetOutputCount, 31);
CORT_AT(SessionGetInputTypeInfo, 33);
CORT_AT(SessionGetOutputTypeInfo, 34);
CORT_AT(SessionGetInputName, 36);
CORT_AT(SessionGetOutputName, 37);
CORT_AT(CreateRunOptions, 39);
CORT_AT(RunOptionsSetTerminate, 46);
CORT_AT(CreateTensorAsOrtValue, 48);
CORT_AT(CreateTensorWithDataAsOrtValue, 49);
CORT_AT(GetTensorMutableData, 51);
CORT_AT(FillStringTensor, 52);
CORT_AT(GetStringTensorDataLength, 53);
CORT_AT(GetStringTensorContent, 54);
CORT_AT(CastTypeInfoToTensorInfo, 55);
CORT_AT(GetOnnxTypeFromTypeInfo, 56);
CORT_AT(GetTensorElementType, 60);
CORT_AT(GetDimensionsCount, 61);
CORT_AT(GetDimensions, 62);
CORT_AT(GetTensorShapeElementCount, 64);
CORT_AT(GetTensorTypeAndShape, 65);
CORT_AT(GetValueType, 67);
CORT_AT(CreateCpuMemoryInfo, 69);
CORT_AT(AllocatorFree, 76);
CORT_AT(GetAllocatorWithDefaultOptions, 78);
CORT_AT(GetValue, 80);
CORT_AT(GetValueCount, 81);
CORT_AT(ReleaseEnv, 92);
CORT_AT(ReleaseStatus, 93);
CORT_AT(ReleaseMemoryInfo, 94);
CORT_AT(ReleaseSession, 95);
CORT_AT(ReleaseValue, 96);
CORT_AT(ReleaseRunOptions, 97);
CORT_AT(ReleaseTypeInfo, 98);
CORT_AT(ReleaseTensorTypeAndShapeInfo, 99);
CORT_AT(ReleaseSessionOptions, 100);
CORT_AT(CastTypeInfoToMapTypeInfo, 103);
CORT_AT(CastTypeInfoToSequenceTypeInfo, 104);
CORT_AT(GetMapKeyType, 105);
CORT_AT(GetMapValueType, 106);
CORT_AT(GetSequenceElementType, 107);
CORT_AT(AddSessionConfigEntry, 130);
CORT_AT(AddRunConfigEntry, 165);
