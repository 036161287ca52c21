/* nexo_test_host.h - a host for tests of plugins: all services of ABI 1.0 in memory, driven by the test.
 *
 * Works for a plugin in any language: link nexo_test_*.c into a test program, or load the plugin's library with
 * nexo_test_load(). It opens no socket and writes no file. It checks what the contract forbids and counts it as faults.
 * Not part of the ABI, and not for production: nothing it allocates is freed before the process ends.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NEXO_TEST_HOST_H
#define NEXO_TEST_HOST_H

#include <nexo_plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nexo_test nexo_test; /* one instance of a plugin and its host */

/* ---- life. One thread drives a nexo_test; the plugin may call its host from any. ---- */

/* Loads a library and calls its entry. NULL: why says what is wrong. [control] */
const nexo_plugin_1 *nexo_test_load(const char *path, const char **why);
/* A host for one instance. Nothing is called yet. [any-thread] */
nexo_test *nexo_test_new(const nexo_plugin_1 *plugin);
/* This service is answered NULL, as if it were not granted. Before nexo_test_create(). [control] */
void nexo_test_deny(nexo_test *t, const char *service);
/* Sets a variable that the plugin may read. [any-thread] */
void nexo_test_env(nexo_test *t, const char *name, const char *value);
nexo_status nexo_test_create(nexo_test *t, const char *config_json);      /* [control] */
nexo_status nexo_test_start(nexo_test *t);                                /* [control] */
nexo_status nexo_test_reconfigure(nexo_test *t, const char *config_json); /* [control] */
/* quiesce, wait for idle(), end what is open, destroy. Whether idle() came in time. [control] */
bool nexo_test_stop(nexo_test *t, uint32_t wait_ms);
/* Only quiesce, and only the wait for idle(). [control] */
void nexo_test_quiesce(nexo_test *t);
bool nexo_test_wait_idle(nexo_test *t, uint32_t wait_ms); /* [any-thread] */
/* The words of the last failed create, start or reconfigure. [any-thread] */
const char *nexo_test_error(nexo_test *t);
/* How often the plugin broke the contract, and how the last time. [any-thread] */
uint32_t nexo_test_faults(nexo_test *t, const char **last);
/* Records logged at this level or above, and the last of them as "text key=value ...". [any-thread] */
uint32_t nexo_test_logged(nexo_test *t, int32_t level, const char **last);
/* The words given to nexo.life/1 fatal(), or NULL. [any-thread] */
const char *nexo_test_fatal(nexo_test *t);

/* ---- HTTP ---- */

/* Every later request carries this header, up to 8 of them; a value of NULL takes it away. [control] */
void nexo_test_request_header(nexo_test *t, const char *name, const char *value);
/* Sends a request, "/path?query"; headers may be NULL. 0: no route has it, or it is not owned by this plugin. The plugin
 * is called on this thread. [control] */
nexo_http_x nexo_test_request(nexo_test *t, const char *method, const char *target, const char *body);
/* Waits for the end of the exchange. [any-thread] */
bool nexo_test_wait_end(nexo_test *t, nexo_http_x x, uint32_t wait_ms);
/* Waits until the body has so many bytes. [any-thread] */
bool nexo_test_wait_body(nexo_test *t, nexo_http_x x, size_t bytes, uint32_t wait_ms);
uint32_t nexo_test_status(nexo_test *t, nexo_http_x x);                         /* 0: none yet [any-thread] */
const char *nexo_test_body(nexo_test *t, nexo_http_x x);                        /* so far [any-thread] */
const char *nexo_test_header(nexo_test *t, nexo_http_x x, const char *name);    /* or NULL [any-thread] */
void nexo_test_high_mark(nexo_test *t, size_t bytes); /* write() answers NEXO_FULL past this [any-thread] */
void nexo_test_drain(nexo_test *t, nexo_http_x x);    /* the client has read everything [control] */
void nexo_test_leave(nexo_test *t, nexo_http_x x);    /* the client closes the connection [control] */

/* ---- metrics ---- */

void nexo_test_scrape(nexo_test *t); /* [control] */
/* A value; labels "a,b" in the order of their names, "" for none. Of a histogram: its sum. NaN: no such series.
 * [any-thread] */
double nexo_test_value(nexo_test *t, const char *family, const char *labels);

/* ---- work: tools, channels, credential sources ---- */

/* Each starts one operation and waits for its end. Returns its status, NEXO_E_TIMEOUT when it did not end, and in *result
 * (which may be NULL) what it gave. [control] */
nexo_status nexo_test_tool(nexo_test *t, const char *name, const char *args, uint32_t wait_ms, const char **result);
nexo_status nexo_test_send(nexo_test *t, const char *channel, const char *account, const char *chat, const char *text,
                           uint32_t wait_ms, const char **result);
nexo_status nexo_test_command(nexo_test *t, const char *kind, const char *verb, const char *args, uint32_t wait_ms,
                              const char **result);
nexo_status nexo_test_fetch(nexo_test *t, const char *reference, uint32_t wait_ms, const char **result);
/* Starts a tool call, then asks it to stop; returns how it ended. [control] */
nexo_status nexo_test_tool_cancelled(nexo_test *t, const char *name, const char *args, uint32_t wait_ms);
/* "1 connected ", "3 disconnected link.down": health, state and reason of an account; NULL: not declared. [any-thread] */
const char *nexo_test_account(nexo_test *t, const char *kind, const char *label);
/* What inbound() answers from now on: NEXO_OK, NEXO_FULL, NEXO_E_AGAIN. Back to NEXO_OK calls resume(). [control] */
void nexo_test_inbound_answers(nexo_test *t, nexo_status status);
uint32_t nexo_test_inbound(nexo_test *t, const char **last_text); /* messages taken [any-thread] */
uint32_t nexo_test_ack(nexo_test *t); /* acknowledges all that were taken; how many that were [control] */

#ifdef __cplusplus
}
#endif
#endif
