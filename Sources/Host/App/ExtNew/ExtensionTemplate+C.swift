// `agent ext new --lang c`: the source of a plugin in C.
//
// SPDX-License-Identifier: Apache-2.0

extension ExtensionTemplate {
  static func cFiles(_ names: Names) -> [(String, String)] {
    [
      (
        "\(names.identifier).c",
        """
        /* The plugin \(names.id): one route and one counter to begin with. The contract is nexo_plugin.h. */
        #include <nexo_plugin.h>
        #include <stdio.h>
        #include <stdlib.h>

        NEXO_PLUGIN_NOTE("\(names.id)", "0.1.0", NEXO_HTTP_1 "," NEXO_METRICS_1);

        /* One instance. Two are alive at once while the host replaces the library: keep nothing in globals. */
        typedef struct {
          const nexo_host_1 *host;
          const nexo_http_1 *http;
          const nexo_metrics_1 *metrics;
          nexo_counter *hellos;
        } instance;

        static void on_hello(void *ctx, nexo_http_x x, const nexo_http_request_1 *request) {
          instance *self = ctx;
          nexo_str name = request->params[0].value;
          char body[256];
          int length = snprintf(body, sizeof body, "hello, %.*s\\n", (int)(name.len < 200 ? name.len : 200), name.ptr);
          self->metrics->counter_add(self->hellos, 1);
          self->http->respond(self->host, x, 200, NULL, 0, (nexo_str){body, (size_t)length});
        }

        static nexo_status create(const nexo_host_1 *host, nexo_str config, void **inst, nexo_err *err) {
          (void)config;
          instance *self = *inst = calloc(1, sizeof *self); /* on failure the host calls destroy() */
          if (!self) return nexo_fail(err, NEXO_E_LIMIT, "out of memory");
          self->host = host;
          self->http = host->service(host, NEXO_HTTP_1);
          self->metrics = host->service(host, NEXO_METRICS_1);
          if (!self->http || !self->metrics) return nexo_fail(err, NEXO_E_UNSUPPORTED, "needs http and metrics");

          nexo_family_1 spec = {.size = sizeof spec,
                                .kind = NEXO_COUNTER,
                                .name = "\(names.identifier)_hellos_total",
                                .help = "Greetings answered."};
          nexo_family *family;
          nexo_status status = self->metrics->family(host, &spec, &family, err);
          if (status < 0) return status;
          self->metrics->counter(host, family, NULL, 0, &self->hellos);

          nexo_http_route_1 route = {.size = sizeof route,
                                     .method = "GET",
                                     .pattern = "/\(names.id)/hello/{name}",
                                     .access = NEXO_ACCESS_PUBLIC,
                                     .ctx = self,
                                     .on_request = on_hello};
          return self->http->route(host, &route, err);
        }

        static nexo_status start(void *inst, nexo_err *err) {
          (void)inst;
          (void)err;
          return NEXO_OK;
        }

        static void destroy(void *inst) { free(inst); }

        const nexo_plugin_1 *nexo_plugin_entry_1(const nexo_host_1 *host) {
          static const nexo_plugin_1 plugin = {.size = sizeof plugin,
                                               .abi_minor = NEXO_ABI_MINOR,
                                               .id = "\(names.id)",
                                               .version = "0.1.0",
                                               .create = create,
                                               .start = start,
                                               .destroy = destroy};
          (void)host;
          return &plugin;
        }

        """
      )
    ]
  }
}
