/* libcurl with its variadic functions given types, since Swift imports no variadics; see docs/adr/0001. */
#include <curl/curl.h>

static inline CURLcode nexo_curl_set_long(CURL *handle, CURLoption option, long value) {
  return curl_easy_setopt(handle, option, value);
}
static inline CURLcode nexo_curl_set_text(CURL *handle, CURLoption option, const char *value) {
  return curl_easy_setopt(handle, option, value);
}
static inline CURLcode nexo_curl_set_pointer(CURL *handle, CURLoption option, void *value) {
  return curl_easy_setopt(handle, option, value);
}
static inline CURLcode nexo_curl_set_list(CURL *handle, CURLoption option, struct curl_slist *value) {
  return curl_easy_setopt(handle, option, value);
}
static inline CURLcode nexo_curl_set_write(CURL *handle, CURLoption option,
                                           size_t (*fn)(char *, size_t, size_t, void *)) {
  return curl_easy_setopt(handle, option, fn);
}
static inline CURLcode nexo_curl_set_progress(CURL *handle,
                                              int (*fn)(void *, curl_off_t, curl_off_t, curl_off_t, curl_off_t)) {
  return curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, fn);
}
static inline CURLcode nexo_curl_get_long(CURL *handle, CURLINFO info, long *value) {
  return curl_easy_getinfo(handle, info, value);
}
