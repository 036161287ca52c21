/* What the host uses of libcurl; see docs/adr/0001. */
#include <curl/curl.h>
