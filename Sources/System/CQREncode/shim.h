/* What the host uses of libqrencode; see docs/adr/0001. */
#include <qrencode.h>
