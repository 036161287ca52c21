/* The contract is the header; this file only makes the module have an object.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "nexo_plugin.h"
