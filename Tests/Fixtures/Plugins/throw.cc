// A plugin in C++ that lets an exception out of create().
//
// SPDX-License-Identifier: Apache-2.0

#include <stdexcept>

#include "nexo_plugin.h"

NEXO_PLUGIN_NOTE("life", "1.0.0", "");

static nexo_status create(const nexo_host_1 *, nexo_str, void **, nexo_err *) { throw std::runtime_error("oops"); }
static nexo_status start(void *, nexo_err *) { return NEXO_OK; }
static void destroy(void *) {}

extern "C" NEXO_EXPORT const nexo_plugin_1 *nexo_plugin_entry_1(const nexo_host_1 *) {
  static const nexo_plugin_1 plugin = [] {
    nexo_plugin_1 p = {};
    p.size = sizeof p;
    p.id = "life";
    p.version = "1.0.0";
    p.create = create;
    p.start = start;
    p.destroy = destroy;
    return p;
  }();
  return &plugin;
}
