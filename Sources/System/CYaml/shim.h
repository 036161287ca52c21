/* What the host uses of libyaml; see docs/adr/0001. */
#include <yaml.h>
