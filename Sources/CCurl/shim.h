#include <curl/curl.h>

// curl_easy_setopt and curl_easy_getinfo are variadic macros, which Swift does not import: one typed function each.
static inline CURLcode slipway_setopt_long(CURL *handle, CURLoption option, long value) {
    return curl_easy_setopt(handle, option, value);
}
static inline CURLcode slipway_setopt_offset(CURL *handle, CURLoption option, curl_off_t value) {
    return curl_easy_setopt(handle, option, value);
}
static inline CURLcode slipway_setopt_string(CURL *handle, CURLoption option, const char *value) {
    return curl_easy_setopt(handle, option, value);
}
static inline CURLcode slipway_setopt_pointer(CURL *handle, CURLoption option, void *value) {
    return curl_easy_setopt(handle, option, value);
}
// The write, header and read callbacks share one type.
static inline CURLcode slipway_setopt_data(CURL *handle, CURLoption option, size_t (*value)(char *, size_t, size_t, void *)) {
    return curl_easy_setopt(handle, option, value);
}
static inline CURLcode slipway_setopt_progress(
    CURL *handle, CURLoption option, int (*value)(void *, curl_off_t, curl_off_t, curl_off_t, curl_off_t)) {
    return curl_easy_setopt(handle, option, value);
}
static inline CURLcode slipway_setopt_seek(CURL *handle, CURLoption option, int (*value)(void *, curl_off_t, int)) {
    return curl_easy_setopt(handle, option, value);
}
static inline CURLcode slipway_setopt_opensocket(
    CURL *handle, CURLoption option, curl_socket_t (*value)(void *, curlsocktype, struct curl_sockaddr *)) {
    return curl_easy_setopt(handle, option, value);
}
static inline CURLcode slipway_setopt_prerequest(
    CURL *handle, CURLoption option, int (*value)(void *, char *, char *, int, int)) {
    return curl_easy_setopt(handle, option, value);
}
static inline CURLcode slipway_getinfo_long(CURL *handle, CURLINFO info, long *value) {
    return curl_easy_getinfo(handle, info, value);
}
static inline CURLcode slipway_getinfo_string(CURL *handle, CURLINFO info, char **value) {
    return curl_easy_getinfo(handle, info, value);
}
// The address that follows the head of a curl_sockaddr: longer than the `struct sockaddr` that the field is declared as.
static inline const void *slipway_sockaddr(const struct curl_sockaddr *address) { return &address->addr; }
