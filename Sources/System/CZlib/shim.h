/* What the host uses of zlib; see docs/adr/0001. */
#include <zlib.h>
