/* What the host uses of libsodium; see docs/adr/0001. */
#include <sodium.h>
