#define _GNU_SOURCE
#include "CDuckDB.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

static int fail(char *error, size_t error_size, const char *text) {
    snprintf(error, error_size, "%s", text ? text : "unknown reason");
    return -1;
}

int cduck_load(const char *path, const char *preload, cduck_api *api, char *error, size_t error_size) {
    memset(api, 0, sizeof *api);
    if (preload && !dlopen(preload, RTLD_NOW | RTLD_GLOBAL)) return fail(error, error_size, dlerror());
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!handle) return fail(error, error_size, dlerror());
#define CDUCK_FIND(result, name, parameters)                                                                           \
    *(void **)&api->name = dlsym(handle, "duckdb_" #name);                                                             \
    if (!api->name) return fail(error, error_size, "it has no function duckdb_" #name);
    CDUCK_API(CDUCK_FIND)
#undef CDUCK_FIND
#define CDUCK_FIND(result, name, parameters) *(void **)&api->name = dlsym(handle, "duckdb_" #name);
    CDUCK_OPTIONAL_API(CDUCK_FIND)
#undef CDUCK_FIND
    return 0;
}

int cduck_confine(uint64_t address_space_bytes) {
    struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_CORE, &none) != 0) return -1;
    if (address_space_bytes) {
        struct rlimit limit = {address_space_bytes, address_space_bytes};
        if (setrlimit(RLIMIT_AS, &limit) != 0) return -1;
    }
#ifdef __linux__
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
#endif
    return 0;
}
