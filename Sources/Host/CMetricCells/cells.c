#include "cmetriccells.h"
