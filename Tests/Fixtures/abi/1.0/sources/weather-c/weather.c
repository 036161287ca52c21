/* The example plugin in C; ../weather-swift is the same in Swift. It invents its weather.
 * SPDX-License-Identifier: Apache-2.0 */
#include <nexo_plugin.h>
#include <stdio.h>
#include <stdlib.h>

NEXO_PLUGIN_NOTE("weather-c", "0.1.0", NEXO_HTTP_1 "," NEXO_METRICS_1 "," NEXO_TOOL_1 "," NEXO_TIME_1 "," NEXO_OP_1);

typedef struct { struct weather *w; nexo_http_x x; int hour; } waiting; /* an exchange that a timer answers */
typedef struct weather { /* one instance; NEXO_PLUGIN_SERIAL: no two calls at once, so it needs no lock */
  const nexo_host_1 *host;
  const nexo_metrics_1 *metrics; const nexo_http_1 *http; const nexo_time_1 *time; const nexo_op_1 *op;
  nexo_counter *requests;
  nexo_gauge *celsius;
  waiting waiting[64];
} weather;

static const nexo_kv json_type = {{"content-type", 12}, {"application/json; charset=utf-8", 31}};
static const nexo_kv events_type = {{"content-type", 12}, {"text/event-stream", 17}};
static int degrees(nexo_str city) { /* the same all day: the city's name decides */
  int sum = 0;
  for (size_t i = 0; i < city.len; i++) sum = (sum * 31 + (unsigned char)city.ptr[i]) % 40;
  return sum - 5;
}
static void on_now(void *ctx, nexo_http_x x, const nexo_http_request_1 *request) { /* answers at once */
  weather *w = ctx;
  char body[64];
  snprintf(body, sizeof body, "{\"celsius\":%d}", degrees(request->params[0].value));
  w->metrics->counter_add(w->requests, 1);
  w->http->respond(w->host, x, 200, &json_type, 1, nexo_text(body));
}
static void wait_for(weather *w, nexo_http_x x, uint64_t delay, uint64_t period, void (*fn)(void *, nexo_timer)) {
  waiting *p = w->waiting;
  while (p < w->waiting + 64 && p->x) p++;
  if (p == w->waiting + 64) return; /* too many at once: the host will answer 504 */
  *p = (waiting){w, x, 0};
  if (!w->time->after(w->host, delay, period, fn, p)) p->x = 0;
}
static void answer_later(void *ctx, nexo_timer timer) { /* x may have ended by now: respond() says so, no harm done */
  waiting *p = ctx;
  p->w->metrics->counter_add(p->w->requests, 1);
  p->w->http->respond(p->w->host, p->x, 200, &json_type, 1, nexo_text("{\"celsius\":7}"));
  p->x = 0;
}
static void on_later(void *ctx, nexo_http_x x, const nexo_http_request_1 *request) { /* answers a second later */
  wait_for(ctx, x, 1000000000u, 0, answer_later);
}
static void send_hour(void *ctx, nexo_timer timer) { /* until a write says that the browser has gone */
  waiting *p = ctx;
  char event[64];
  snprintf(event, sizeof event, "data: {\"hour\":%d}\n\n", p->hour++ % 24);
  if (p->w->http->write(p->w->host, p->x, nexo_text(event)) >= 0) return;
  p->w->time->cancel(p->w->host, timer);
  p->x = 0;
}
static void on_events(void *ctx, nexo_http_x x, const nexo_http_request_1 *request) { /* five events a second */
  weather *w = ctx;
  if (w->http->begin(w->host, x, 200, &events_type, 1) == NEXO_OK) wait_for(w, x, 0, 200000000u, send_hour);
}
static nexo_status invoke(void *ctx, nexo_op op, const nexo_tool_call_1 *call) { /* the tool */
  char result[64];
  snprintf(result, sizeof result, "{\"celsius\":%d}", degrees(call->args_json));
  ((weather *)ctx)->op->done(((weather *)ctx)->host, op, NEXO_OK, nexo_text(result));
  return NEXO_PENDING;
}
static void on_scrape(void *ctx) { ((weather *)ctx)->metrics->gauge_set(((weather *)ctx)->celsius, 7); }
static nexo_status create(const nexo_host_1 *host, nexo_str config, void **inst, nexo_err *err) {
  weather *w = *inst = calloc(1, sizeof *w); /* on failure the host calls destroy() */
  if (!w) return nexo_fail(err, NEXO_E_LIMIT, "out of memory");
  *w = (weather){host, host->service(host, NEXO_METRICS_1), host->service(host, NEXO_HTTP_1),
                 host->service(host, NEXO_TIME_1), host->service(host, NEXO_OP_1), NULL, NULL, {{NULL, 0, 0}}};
  const nexo_tool_1 *tools = host->service(host, NEXO_TOOL_1); /* the note needs them all, so none is NULL */

  nexo_family_1 counter = {sizeof counter, NEXO_COUNTER, "weather_c_requests_total", "Requests.", NULL, 0, NULL, 0};
  nexo_family_1 gauge = {sizeof gauge, NEXO_GAUGE, "weather_c_celsius", "Temperature.", NULL, 0, NULL, 0};
  nexo_family *requests, *celsius; nexo_status s;
  if ((s = w->metrics->family(host, &counter, &requests, err)) < 0 ||
      (s = w->metrics->family(host, &gauge, &celsius, err)) < 0) return s;
  w->metrics->counter(host, requests, NULL, 0, &w->requests); /* over budget the handle counts nowhere: no check */
  w->metrics->gauge(host, celsius, NULL, 0, &w->celsius);
  w->metrics->on_scrape(host, on_scrape, w);
  nexo_http_route_1 r = {.size = sizeof r, .method = "GET", .access = NEXO_ACCESS_PUBLIC, .ctx = w};
  r.pattern = "/weather-c/now/{city}", r.on_request = on_now;
  if ((s = w->http->route(host, &r, err)) < 0) return s;
  r.pattern = "/weather-c/later", r.on_request = on_later;
  if ((s = w->http->route(host, &r, err)) < 0) return s;
  r.pattern = "/weather-c/events", r.on_request = on_events, r.flags = NEXO_HTTP_EVENTS;
  if ((s = w->http->route(host, &r, err)) < 0) return s;
  nexo_tool_impl_1 tool = {.size = sizeof tool, .name = "get_weather_c", .ctx = w, .invoke = invoke,
                           .description = "The weather, in degrees Celsius.", .input_schema = "{\"type\":\"object\"}"};
  return tools->add(host, &tool, err);
}
static nexo_status start(void *inst, nexo_err *err) { return NEXO_OK; }
static void destroy(void *inst) { free(inst); } /* the host has ended the timers */
const nexo_plugin_1 *nexo_plugin_entry_1(const nexo_host_1 *host) {
  static const nexo_plugin_1 plugin = {sizeof plugin, NEXO_ABI_MINOR, NEXO_PLUGIN_SERIAL, "weather-c", "0.1.0",
                                       create, start, NULL, NULL, destroy, NULL};
  return &plugin;
}
