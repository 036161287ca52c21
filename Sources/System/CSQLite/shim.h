/* What the host uses of SQLite; see docs/adr/0001. */
#include <sqlite3.h>
