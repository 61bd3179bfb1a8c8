// The part of DuckDB's stable C API (v1) that Slipway calls, declared from its documentation and found by name at run
// time, so that the program builds and starts without the library and takes any build of it.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct cduck_database_ *cduck_database;
typedef struct cduck_connection_ *cduck_connection;
typedef struct cduck_config_ *cduck_config;
typedef struct cduck_statement_ *cduck_statement;
typedef struct cduck_chunk_ *cduck_chunk;
typedef struct cduck_vector_ *cduck_vector;
typedef struct cduck_type_ *cduck_type;

/// 0 is success.
typedef int32_t cduck_state;

/// Six words of the library's own.
typedef struct {
    void *words[6];
} cduck_result;

typedef struct {
    uint64_t lower;
    int64_t upper;
} cduck_hugeint;

typedef struct {
    uint8_t width;
    uint8_t scale;
    cduck_hugeint value;
} cduck_decimal;

/// Text and blobs inside a vector: up to 12 bytes follow the length in the value itself, longer ones are behind the
/// pointer.
typedef struct {
    uint32_t length;
    char prefix[4];
    const char *pointer;
} cduck_string;

_Static_assert(sizeof(cduck_string) == 16, "DuckDB's string_t");

typedef struct {
    int32_t months;
    int32_t days;
    int64_t micros;
} cduck_interval;

typedef struct {
    uint64_t offset;
    uint64_t length;
} cduck_list_entry;

/// Each entry: result, name without the prefix duckdb_, parameters.
#define CDUCK_API(X)                                                                                                   \
    X(const char *, library_version, (void))                                                                           \
    X(cduck_state, create_config, (cduck_config *))                                                                    \
    X(cduck_state, set_config, (cduck_config, const char *name, const char *value))                                    \
    X(void, destroy_config, (cduck_config *))                                                                          \
    X(cduck_state, open_ext, (const char *path, cduck_database *, cduck_config, char **error))                         \
    X(void, close, (cduck_database *))                                                                                 \
    X(cduck_state, connect, (cduck_database, cduck_connection *))                                                      \
    X(void, disconnect, (cduck_connection *))                                                                          \
    X(void, interrupt, (cduck_connection))                                                                             \
    X(void, free, (void *))                                                                                            \
    X(cduck_state, prepare, (cduck_connection, const char *sql, cduck_statement *))                                    \
    X(const char *, prepare_error, (cduck_statement))                                                                  \
    X(void, destroy_prepare, (cduck_statement *))                                                                      \
    X(uint64_t, nparams, (cduck_statement))                                                                            \
    X(cduck_state, bind_null, (cduck_statement, uint64_t index))                                                       \
    X(cduck_state, bind_boolean, (cduck_statement, uint64_t index, bool))                                              \
    X(cduck_state, bind_int64, (cduck_statement, uint64_t index, int64_t))                                             \
    X(cduck_state, bind_double, (cduck_statement, uint64_t index, double))                                             \
    X(cduck_state, bind_decimal, (cduck_statement, uint64_t index, cduck_decimal))                                     \
    X(cduck_state, bind_varchar_length, (cduck_statement, uint64_t index, const char *, uint64_t length))              \
    X(cduck_state, bind_blob, (cduck_statement, uint64_t index, const void *, uint64_t length))                        \
    X(cduck_state, bind_date, (cduck_statement, uint64_t index, int32_t days))                                         \
    X(cduck_state, bind_time, (cduck_statement, uint64_t index, int64_t micros))                                       \
    X(cduck_state, bind_timestamp, (cduck_statement, uint64_t index, int64_t micros))                                  \
    X(cduck_state, execute_prepared, (cduck_statement, cduck_result *))                                                \
    X(const char *, result_error, (cduck_result *))                                                                    \
    X(void, destroy_result, (cduck_result *))                                                                          \
    X(uint64_t, column_count, (cduck_result *))                                                                        \
    X(const char *, column_name, (cduck_result *, uint64_t column))                                                    \
    X(cduck_type, column_logical_type, (cduck_result *, uint64_t column))                                              \
    X(cduck_chunk, fetch_chunk, (cduck_result))                                                                        \
    X(uint64_t, data_chunk_get_size, (cduck_chunk))                                                                    \
    X(cduck_vector, data_chunk_get_vector, (cduck_chunk, uint64_t column))                                             \
    X(void, destroy_data_chunk, (cduck_chunk *))                                                                       \
    X(void *, vector_get_data, (cduck_vector))                                                                         \
    X(uint64_t *, vector_get_validity, (cduck_vector))                                                                 \
    X(cduck_vector, list_vector_get_child, (cduck_vector))                                                             \
    X(cduck_vector, struct_vector_get_child, (cduck_vector, uint64_t index))                                           \
    X(cduck_vector, array_vector_get_child, (cduck_vector))                                                            \
    X(int32_t, get_type_id, (cduck_type))                                                                              \
    X(char *, logical_type_get_alias, (cduck_type))                                                                    \
    X(uint8_t, decimal_width, (cduck_type))                                                                            \
    X(uint8_t, decimal_scale, (cduck_type))                                                                            \
    X(int32_t, decimal_internal_type, (cduck_type))                                                                    \
    X(int32_t, enum_internal_type, (cduck_type))                                                                       \
    X(uint32_t, enum_dictionary_size, (cduck_type))                                                                    \
    X(char *, enum_dictionary_value, (cduck_type, uint64_t index))                                                     \
    X(cduck_type, list_type_child_type, (cduck_type))                                                                  \
    X(cduck_type, array_type_child_type, (cduck_type))                                                                 \
    X(uint64_t, array_type_array_size, (cduck_type))                                                                   \
    X(cduck_type, map_type_key_type, (cduck_type))                                                                     \
    X(cduck_type, map_type_value_type, (cduck_type))                                                                   \
    X(uint64_t, struct_type_child_count, (cduck_type))                                                                 \
    X(char *, struct_type_child_name, (cduck_type, uint64_t index))                                                    \
    X(cduck_type, struct_type_child_type, (cduck_type, uint64_t index))                                                \
    X(uint64_t, union_type_member_count, (cduck_type))                                                                 \
    X(char *, union_type_member_name, (cduck_type, uint64_t index))                                                    \
    X(cduck_type, union_type_member_type, (cduck_type, uint64_t index))                                                \
    X(void, destroy_logical_type, (cduck_type *))

/// Functions that a library may lack.
#define CDUCK_OPTIONAL_API(X)                                                                                          \
    X(cduck_state, execute_prepared_streaming, (cduck_statement, cduck_result *))

typedef struct {
#define CDUCK_MEMBER(result, name, parameters) result(*name) parameters;
    CDUCK_API(CDUCK_MEMBER)
    CDUCK_OPTIONAL_API(CDUCK_MEMBER)
#undef CDUCK_MEMBER
} cduck_api;

/// Loads a library and fills `api`. `preload`, unless null, is loaded before with its names visible to it.
///
/// Returns 0, or -1 with the reason in `error`: the loader's own words, or the first function that is missing.
int cduck_load(const char *path, const char *preload, cduck_api *api, char *error, size_t error_size);

/// Bounds this process: bytes of address space (0: no bound), no core files, no more privileges than now.
int cduck_confine(uint64_t address_space_bytes);
