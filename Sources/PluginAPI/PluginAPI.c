#include "nexo_plugin.h"
