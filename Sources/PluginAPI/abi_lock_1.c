/* ABI 1.0, locked: every offset, type and enum value of nexo_plugin.h as it was released.
 * Compiled with the package, so a header that breaks a plugin built today does not build.
 * NEVER EDITED: fields, functions and services added later get lines of their own below "1.1", "1.2", ...
 *
 * AT pins a field's offset and its type; for a function pointer the type is the whole signature. FROZEN pins the size of a
 * struct without a `size` field; GROWS says how large a sized struct was, which it may exceed but never fall below.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "nexo_plugin.h"

#include <limits.h>

_Static_assert(CHAR_BIT == 8 && sizeof(void *) == 8, "the offsets below are those of 64-bit Linux");

#define AT(type, field, offset, ...)                                                                 \
  _Static_assert(offsetof(type, field) == (offset), #type "." #field " has moved");                  \
  _Static_assert(_Generic(&((type *)0)->field, __VA_ARGS__: 1, default: 0), #type "." #field " has another type")
#define FROZEN(type, bytes) _Static_assert(sizeof(type) == (bytes), #type " is frozen")
#define GROWS(type, bytes) _Static_assert(sizeof(type) >= (bytes), #type " has shrunk")
#define VALUE(name, value) _Static_assert((name) == (value), #name " has another value")
#define TYPE(name, ...) _Static_assert(_Generic((name *)0, __VA_ARGS__ *: 1, default: 0), #name " is another type")

/* ---- 1.0 ---- */

TYPE(nexo_status, int32_t);
TYPE(nexo_op, uint64_t);
TYPE(nexo_http_x, uint64_t);
TYPE(nexo_timer, uint64_t);
_Static_assert(_Generic(&nexo_plugin_entry_1, nexo_plugin_entry_1_fn: 1, default: 0), "the entry has another type");
_Static_assert(
    _Generic((nexo_plugin_entry_1_fn)0, const nexo_plugin_1 *(*)(const nexo_host_1 *): 1, default: 0),
    "the entry has another type");
VALUE(NEXO_ABI_MAJOR, 1);
VALUE(NEXO_NOTE_TYPE, 0x4e580001);

FROZEN(nexo_str, 16);
AT(nexo_str, ptr, 0, const char **);
AT(nexo_str, len, 8, size_t *);

FROZEN(nexo_kv, 32);
AT(nexo_kv, key, 0, nexo_str *);
AT(nexo_kv, value, 16, nexo_str *);

FROZEN(nexo_err, 256);
AT(nexo_err, code, 0, int32_t *);
AT(nexo_err, len, 4, uint32_t *);
AT(nexo_err, text, 8, char (*)[248]);

GROWS(nexo_host_1, 32);
AT(nexo_host_1, size, 0, uint32_t *);
AT(nexo_host_1, abi_minor, 4, uint32_t *);
AT(nexo_host_1, name, 8, const char **);
AT(nexo_host_1, version, 16, const char **);
AT(nexo_host_1, service, 24, const void * (**)(const struct nexo_host_1 *host, const char *id));

GROWS(nexo_plugin_1, 80);
AT(nexo_plugin_1, size, 0, uint32_t *);
AT(nexo_plugin_1, abi_minor, 4, uint32_t *);
AT(nexo_plugin_1, flags, 8, uint64_t *);
AT(nexo_plugin_1, id, 16, const char **);
AT(nexo_plugin_1, version, 24, const char **);
AT(nexo_plugin_1, create, 32, nexo_status (**)(const nexo_host_1 *host, nexo_str config, void **inst, nexo_err *err));
AT(nexo_plugin_1, start, 40, nexo_status (**)(void *inst, nexo_err *err));
AT(nexo_plugin_1, reconfigure, 48, nexo_status (**)(void *inst, nexo_str config, nexo_err *err));
AT(nexo_plugin_1, quiesce, 56, void (**)(void *inst, uint64_t deadline_ns));
AT(nexo_plugin_1, destroy, 64, void (**)(void *inst));
AT(nexo_plugin_1, query, 72, const void * (**)(void *inst, const char *id));

GROWS(nexo_log_1, 24);
AT(nexo_log_1, size, 0, uint32_t *);
AT(nexo_log_1, enabled, 8, bool (**)(const nexo_host_1 *host, int32_t level));
AT(nexo_log_1, write, 16, void (**)(const nexo_host_1 *host, int32_t level, nexo_str text, const nexo_kv *fields,
   size_t field_count));

GROWS(nexo_family_1, 56);
AT(nexo_family_1, size, 0, uint32_t *);
AT(nexo_family_1, kind, 4, int32_t *);
AT(nexo_family_1, name, 8, const char **);
AT(nexo_family_1, help, 16, const char **);
AT(nexo_family_1, labels, 24, const char *const **);
AT(nexo_family_1, label_count, 32, size_t *);
AT(nexo_family_1, bounds, 40, const double **);
AT(nexo_family_1, bound_count, 48, size_t *);

GROWS(nexo_metrics_1, 88);
AT(nexo_metrics_1, size, 0, uint32_t *);
AT(nexo_metrics_1, family, 8, nexo_status (**)(const nexo_host_1 *host, const nexo_family_1 *spec, nexo_family **out,
   nexo_err *err));
AT(nexo_metrics_1, counter, 16, nexo_status (**)(const nexo_host_1 *host, nexo_family *f, const nexo_str *values,
   size_t n, nexo_counter **out));
AT(nexo_metrics_1, gauge, 24, nexo_status (**)(const nexo_host_1 *host, nexo_family *f, const nexo_str *values, size_t
   n, nexo_gauge **out));
AT(nexo_metrics_1, histogram, 32, nexo_status (**)(const nexo_host_1 *host, nexo_family *f, const nexo_str *values,
   size_t n, nexo_histogram **out));
AT(nexo_metrics_1, remove, 40, nexo_status (**)(const nexo_host_1 *host, nexo_family *f, const nexo_str *values,
   size_t n));
AT(nexo_metrics_1, counter_add, 48, void (**)(nexo_counter *c, uint64_t step));
AT(nexo_metrics_1, gauge_set, 56, void (**)(nexo_gauge *g, double value));
AT(nexo_metrics_1, gauge_add, 64, void (**)(nexo_gauge *g, double step));
AT(nexo_metrics_1, histogram_observe, 72, void (**)(nexo_histogram *h, double value));
AT(nexo_metrics_1, on_scrape, 80, nexo_status (**)(const nexo_host_1 *host, void (*fn)(void *ctx), void *ctx));

GROWS(nexo_http_request_1, 136);
AT(nexo_http_request_1, size, 0, uint32_t *);
AT(nexo_http_request_1, flags, 4, uint32_t *);
AT(nexo_http_request_1, method, 8, nexo_str *);
AT(nexo_http_request_1, path, 24, nexo_str *);
AT(nexo_http_request_1, query, 40, nexo_str *);
AT(nexo_http_request_1, peer, 56, nexo_str *);
AT(nexo_http_request_1, headers, 72, const nexo_kv **);
AT(nexo_http_request_1, header_count, 80, size_t *);
AT(nexo_http_request_1, params, 88, const nexo_kv **);
AT(nexo_http_request_1, param_count, 96, size_t *);
AT(nexo_http_request_1, body, 104, nexo_str *);
AT(nexo_http_request_1, content_length, 120, uint64_t *);
AT(nexo_http_request_1, deadline_ns, 128, uint64_t *);

GROWS(nexo_http_route_1, 88);
AT(nexo_http_route_1, size, 0, uint32_t *);
AT(nexo_http_route_1, flags, 4, uint32_t *);
AT(nexo_http_route_1, method, 8, const char **);
AT(nexo_http_route_1, pattern, 16, const char **);
AT(nexo_http_route_1, access, 24, uint32_t *);
AT(nexo_http_route_1, timeout_ms, 28, uint32_t *);
AT(nexo_http_route_1, max_body, 32, uint64_t *);
AT(nexo_http_route_1, max_inflight, 40, uint32_t *);
AT(nexo_http_route_1, reserved, 44, uint32_t *);
AT(nexo_http_route_1, ctx, 48, void **);
AT(nexo_http_route_1, on_request, 56, void (**)(void *ctx, nexo_http_x x, const nexo_http_request_1 *request));
AT(nexo_http_route_1, on_body, 64, nexo_status (**)(void *ctx, nexo_http_x x, nexo_str chunk, int32_t last));
AT(nexo_http_route_1, on_writable, 72, void (**)(void *ctx, nexo_http_x x));
AT(nexo_http_route_1, on_end, 80, void (**)(void *ctx, nexo_http_x x, int32_t why));

GROWS(nexo_http_1, 56);
AT(nexo_http_1, size, 0, uint32_t *);
AT(nexo_http_1, route, 8, nexo_status (**)(const nexo_host_1 *host, const nexo_http_route_1 *route, nexo_err *err));
AT(nexo_http_1, respond, 16, nexo_status (**)(const nexo_host_1 *host, nexo_http_x x, uint32_t status, const nexo_kv
   *headers, size_t header_count, nexo_str body));
AT(nexo_http_1, begin, 24, nexo_status (**)(const nexo_host_1 *host, nexo_http_x x, uint32_t status, const nexo_kv
   *headers, size_t header_count));
AT(nexo_http_1, write, 32, nexo_status (**)(const nexo_host_1 *host, nexo_http_x x, nexo_str chunk));
AT(nexo_http_1, end, 40, nexo_status (**)(const nexo_host_1 *host, nexo_http_x x));
AT(nexo_http_1, body_resume, 48, nexo_status (**)(const nexo_host_1 *host, nexo_http_x x));

GROWS(nexo_message_1, 144);
AT(nexo_message_1, size, 0, uint32_t *);
AT(nexo_message_1, flags, 4, uint32_t *);
AT(nexo_message_1, account, 8, nexo_str *);
AT(nexo_message_1, id, 24, nexo_str *);
AT(nexo_message_1, chat, 40, nexo_str *);
AT(nexo_message_1, sender, 56, nexo_str *);
AT(nexo_message_1, reply_to, 72, nexo_str *);
AT(nexo_message_1, kind, 88, nexo_str *);
AT(nexo_message_1, text, 104, nexo_str *);
AT(nexo_message_1, extra, 120, nexo_str *);
AT(nexo_message_1, time_unix_ms, 136, int64_t *);

GROWS(nexo_channel_impl_1, 72);
AT(nexo_channel_impl_1, size, 0, uint32_t *);
AT(nexo_channel_impl_1, flags, 4, uint32_t *);
AT(nexo_channel_impl_1, kind, 8, const char **);
AT(nexo_channel_impl_1, page, 16, const char **);
AT(nexo_channel_impl_1, ctx, 24, void **);
AT(nexo_channel_impl_1, send, 32, nexo_status (**)(void *ctx, nexo_op op, const nexo_message_1 *m));
AT(nexo_channel_impl_1, cancel, 40, void (**)(void *ctx, nexo_op op));
AT(nexo_channel_impl_1, acked, 48, void (**)(void *ctx, uint64_t token));
AT(nexo_channel_impl_1, resume, 56, void (**)(void *ctx));
AT(nexo_channel_impl_1, command, 64, nexo_status (**)(void *ctx, nexo_op op, nexo_str verb, nexo_str args_json));

GROWS(nexo_channel_1, 48);
AT(nexo_channel_1, size, 0, uint32_t *);
AT(nexo_channel_1, add, 8, nexo_status (**)(const nexo_host_1 *host, const nexo_channel_impl_1 *impl, nexo_channel
   **out, nexo_err *err));
AT(nexo_channel_1, account, 16, nexo_status (**)(const nexo_host_1 *host, nexo_channel *c, nexo_str label, nexo_str
   declaration_json));
AT(nexo_channel_1, account_gone, 24, nexo_status (**)(const nexo_host_1 *host, nexo_channel *c, nexo_str label));
AT(nexo_channel_1, state, 32, nexo_status (**)(const nexo_host_1 *host, nexo_channel *c, nexo_str label, int32_t
   health, nexo_str state, nexo_str reason, nexo_str detail_json));
AT(nexo_channel_1, inbound, 40, nexo_status (**)(const nexo_host_1 *host, nexo_channel *c, const nexo_message_1 *m,
   uint64_t token));

GROWS(nexo_tool_call_1, 128);
AT(nexo_tool_call_1, size, 0, uint32_t *);
AT(nexo_tool_call_1, flags, 4, uint32_t *);
AT(nexo_tool_call_1, name, 8, nexo_str *);
AT(nexo_tool_call_1, args_json, 24, nexo_str *);
AT(nexo_tool_call_1, agent, 40, nexo_str *);
AT(nexo_tool_call_1, session, 56, nexo_str *);
AT(nexo_tool_call_1, channel, 72, nexo_str *);
AT(nexo_tool_call_1, account, 88, nexo_str *);
AT(nexo_tool_call_1, sender, 104, nexo_str *);
AT(nexo_tool_call_1, deadline_ns, 120, uint64_t *);

GROWS(nexo_tool_impl_1, 64);
AT(nexo_tool_impl_1, size, 0, uint32_t *);
AT(nexo_tool_impl_1, flags, 4, uint32_t *);
AT(nexo_tool_impl_1, name, 8, const char **);
AT(nexo_tool_impl_1, description, 16, const char **);
AT(nexo_tool_impl_1, input_schema, 24, const char **);
AT(nexo_tool_impl_1, timeout_ms, 32, uint32_t *);
AT(nexo_tool_impl_1, max_inflight, 36, uint32_t *);
AT(nexo_tool_impl_1, ctx, 40, void **);
AT(nexo_tool_impl_1, invoke, 48, nexo_status (**)(void *ctx, nexo_op op, const nexo_tool_call_1 *call));
AT(nexo_tool_impl_1, cancel, 56, void (**)(void *ctx, nexo_op op));

GROWS(nexo_tool_1, 16);
AT(nexo_tool_1, size, 0, uint32_t *);
AT(nexo_tool_1, add, 8, nexo_status (**)(const nexo_host_1 *host, const nexo_tool_impl_1 *impl, nexo_err *err));

GROWS(nexo_credential_impl_1, 48);
AT(nexo_credential_impl_1, size, 0, uint32_t *);
AT(nexo_credential_impl_1, flags, 4, uint32_t *);
AT(nexo_credential_impl_1, kind, 8, const char **);
AT(nexo_credential_impl_1, page, 16, const char **);
AT(nexo_credential_impl_1, ctx, 24, void **);
AT(nexo_credential_impl_1, fetch, 32, nexo_status (**)(void *ctx, nexo_op op, nexo_str reference));
AT(nexo_credential_impl_1, command, 40, nexo_status (**)(void *ctx, nexo_op op, nexo_str verb, nexo_str args_json));

GROWS(nexo_credential_1, 48);
AT(nexo_credential_1, size, 0, uint32_t *);
AT(nexo_credential_1, add, 8, nexo_status (**)(const nexo_host_1 *host, const nexo_credential_impl_1 *impl,
   nexo_credential **out, nexo_err *err));
AT(nexo_credential_1, account, 16, nexo_status (**)(const nexo_host_1 *host, nexo_credential *c, nexo_str label,
   nexo_str declaration_json));
AT(nexo_credential_1, account_gone, 24, nexo_status (**)(const nexo_host_1 *host, nexo_credential *c, nexo_str label));
AT(nexo_credential_1, state, 32, nexo_status (**)(const nexo_host_1 *host, nexo_credential *c, nexo_str label, int32_t
   health, nexo_str state, nexo_str reason, nexo_str detail_json));
AT(nexo_credential_1, get, 40, nexo_status (**)(const nexo_host_1 *host, nexo_str reference, void (*done)(void *ctx,
   nexo_status status, nexo_str secret), void *ctx));

GROWS(nexo_op_1, 24);
AT(nexo_op_1, size, 0, uint32_t *);
AT(nexo_op_1, done, 8, nexo_status (**)(const nexo_host_1 *host, nexo_op op, nexo_status status, nexo_str result));
AT(nexo_op_1, progress, 16, nexo_status (**)(const nexo_host_1 *host, nexo_op op, nexo_str json));

GROWS(nexo_time_1, 40);
AT(nexo_time_1, size, 0, uint32_t *);
AT(nexo_time_1, mono_ns, 8, uint64_t (**)(const nexo_host_1 *host));
AT(nexo_time_1, unix_ms, 16, int64_t (**)(const nexo_host_1 *host));
AT(nexo_time_1, after, 24, nexo_timer (**)(const nexo_host_1 *host, uint64_t delay_ns, uint64_t period_ns, void
   (*fn)(void *ctx, nexo_timer t), void *ctx));
AT(nexo_time_1, cancel, 32, nexo_status (**)(const nexo_host_1 *host, nexo_timer t));

GROWS(nexo_life_1, 24);
AT(nexo_life_1, size, 0, uint32_t *);
AT(nexo_life_1, idle, 8, void (**)(const nexo_host_1 *host));
AT(nexo_life_1, fatal, 16, void (**)(const nexo_host_1 *host, nexo_str why));

GROWS(nexo_state_1, 24);
AT(nexo_state_1, size, 0, uint32_t *);
AT(nexo_state_1, load, 8, nexo_status (**)(const nexo_host_1 *host, nexo_str key, void (*fn)(void *ctx, nexo_str
   bytes), void *ctx));
AT(nexo_state_1, save, 16, nexo_status (**)(const nexo_host_1 *host, nexo_str key, nexo_str bytes));

GROWS(nexo_config_1, 32);
AT(nexo_config_1, size, 0, uint32_t *);
AT(nexo_config_1, json, 8, nexo_status (**)(const nexo_host_1 *host, void (*fn)(void *ctx, nexo_str json), void *ctx));
AT(nexo_config_1, env, 16, nexo_status (**)(const nexo_host_1 *host, nexo_str name, void (*fn)(void *ctx, nexo_str
   value), void *ctx));
AT(nexo_config_1, folder, 24, nexo_status (**)(const nexo_host_1 *host, int32_t which, void (*fn)(void *ctx, nexo_str
   path), void *ctx));

VALUE(NEXO_OK, 0);
VALUE(NEXO_PENDING, 1);
VALUE(NEXO_FULL, 2);
VALUE(NEXO_E_INVALID, -1);
VALUE(NEXO_E_GONE, -2);
VALUE(NEXO_E_AGAIN, -3);
VALUE(NEXO_E_UNSUPPORTED, -4);
VALUE(NEXO_E_LIMIT, -5);
VALUE(NEXO_E_RESTART, -6);
VALUE(NEXO_E_DENIED, -7);
VALUE(NEXO_E_TIMEOUT, -8);
VALUE(NEXO_E_PEER_DIED, -9);
VALUE(NEXO_E_TAKEN, -10);
VALUE(NEXO_E_RATE_LIMITED, -11);
VALUE(NEXO_E_UNAVAILABLE, -12);
VALUE(NEXO_E_REJECTED, -13);
VALUE(NEXO_E_NOT_FOUND, -14);
VALUE(NEXO_E_OTHER, -100);
VALUE(NEXO_PLUGIN_SERIAL, 1);
VALUE(NEXO_TRACE, 0);
VALUE(NEXO_DEBUG, 1);
VALUE(NEXO_INFO, 2);
VALUE(NEXO_WARN, 3);
VALUE(NEXO_ERROR, 4);
VALUE(NEXO_COUNTER, 1);
VALUE(NEXO_GAUGE, 2);
VALUE(NEXO_HISTOGRAM, 3);
VALUE(NEXO_HTTP_EVENTS, 1);
VALUE(NEXO_ACCESS_OWNER, 0);
VALUE(NEXO_ACCESS_PUBLIC, 1);
VALUE(NEXO_END_DONE, 0);
VALUE(NEXO_END_CLIENT_GONE, 1);
VALUE(NEXO_END_TIMEOUT, 2);
VALUE(NEXO_END_STOPPING, 3);
VALUE(NEXO_END_ERROR, 4);
VALUE(NEXO_MESSAGE_GROUP, 1);
VALUE(NEXO_MESSAGE_FROM_ME, 2);
VALUE(NEXO_UP, 1);
VALUE(NEXO_DEGRADED, 2);
VALUE(NEXO_DOWN, 3);
VALUE(NEXO_TOOL_READ_ONLY, 1);
VALUE(NEXO_TOOL_PARALLEL_SAFE, 2);
VALUE(NEXO_TOOL_SHARED, 4);
VALUE(NEXO_FOLDER_STATE, 1);
VALUE(NEXO_FOLDER_EXTENSION, 2);
VALUE(NEXO_FOLDER_CONFIG, 3);
