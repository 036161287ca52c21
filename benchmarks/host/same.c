/* A plugin that answers byte for byte what the host's own /health answers, for the comparison of measure.py.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <nexo_plugin.h>

NEXO_PLUGIN_NOTE("same", "1.0.0", NEXO_HTTP_1);

static const nexo_host_1 *host;
static const nexo_http_1 *http;

static void health(void *ctx, nexo_http_x x, const nexo_http_request_1 *request) {
  nexo_kv fields[] = {{nexo_text("content-type"), nexo_text("application/json; charset=utf-8")},
                      {nexo_text("cache-control"), nexo_text("no-store")}};
  (void)ctx, (void)request;
  http->respond(host, x, 200, fields, 2, nexo_text("{\"status\":\"ok\"}\n"));
}
static nexo_status create(const nexo_host_1 *given, nexo_str config, void **inst, nexo_err *err) {
  nexo_http_route_1 route = {.size = sizeof route, .method = "GET", .pattern = "/same/health",
                             .access = NEXO_ACCESS_PUBLIC, .on_request = health};
  (void)config;
  host = given;
  http = given->service(given, NEXO_HTTP_1);
  *inst = NULL;
  return http->route(given, &route, err);
}
static nexo_status start(void *inst, nexo_err *err) { return (void)inst, (void)err, NEXO_OK; }
static void destroy(void *inst) { (void)inst; }

const nexo_plugin_1 *nexo_plugin_entry_1(const nexo_host_1 *given) {
  static const nexo_plugin_1 plugin = {.size = sizeof plugin, .abi_minor = NEXO_ABI_MINOR, .id = "same",
                                       .version = "1.0.0", .create = create, .start = start, .destroy = destroy};
  return (void)given, &plugin;
}
