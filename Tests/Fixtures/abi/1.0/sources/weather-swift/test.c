/* Runs the library in a host in memory: its routes, its stream, its counter and gauge, its tool.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <nexo_test_host.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void expect(bool holds, const char *what) {
  printf("%s %s\n", holds ? "ok  " : "FAIL", what);
  if (!holds) exit(1);
}

int main(int argc, char **argv) {
  const char *why = "";
  const nexo_plugin_1 *plugin = argc > 1 ? nexo_test_load(argv[1], &why) : NULL;
  if (!plugin) return fprintf(stderr, "%s\n", why), 1;
  nexo_test *t = nexo_test_new(plugin);
  expect(nexo_test_create(t, "{}") == NEXO_OK, "create");
  expect(nexo_test_start(t) == NEXO_OK, "start");

  nexo_http_x now = nexo_test_request(t, "GET", "/weather-swift/now/oslo", NULL);
  expect(nexo_test_wait_end(t, now, 5000) && nexo_test_status(t, now) == 200, "an answer at once");
  expect(strstr(nexo_test_body(t, now), "\"celsius\":") != NULL, "with the weather in it");

  nexo_http_x later = nexo_test_request(t, "GET", "/weather-swift/later", NULL);
  expect(nexo_test_status(t, later) == 0, "no answer yet");
  expect(nexo_test_wait_end(t, later, 5000) && nexo_test_status(t, later) == 200, "an answer a second later");

  nexo_http_x events = nexo_test_request(t, "GET", "/weather-swift/events", NULL);
  expect(nexo_test_wait_body(t, events, 60, 5000), "a stream of events");
  nexo_test_leave(t, events);

  const char *result;
  nexo_status status = nexo_test_tool(t, "get_weather_swift", "{\"city\":\"Oslo\"}", 5000, &result);
  expect(status == NEXO_OK && strstr(result, "celsius"), "the tool");
  nexo_test_scrape(t);
  expect(nexo_test_value(t, "weather_swift_celsius", "") != 0, "a gauge set on scrape");
  expect(nexo_test_faults(t, &why) == 0, "nothing against the contract");
  nexo_test_stop(t, 2000);
  puts("ok   stop");
  return 0;
}
