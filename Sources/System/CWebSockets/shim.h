/* What the host uses of libwebsockets; see docs/adr/0001. */
#include <libwebsockets.h>
