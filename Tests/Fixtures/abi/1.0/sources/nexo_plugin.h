/* nexo_plugin.h - the whole contract between the nexo host and a plugin. ABI 1.0.
 *
 * Plain C11 (and C++17), nothing but the three headers below; usable from C++, Swift, Rust, Zig, Go.
 * A plugin compiled against this file loads in every later host. docs/plugin-authors.md is the guide, this is the law.
 *
 * TRUST    A plugin runs inside the host's process with all its rights. The checks here protect against mistakes, not
 *          against malice: install only what you would run yourself.
 *
 * RULES THAT HOLD EVERYWHERE (a comment below repeats one only to tighten it)
 *
 *   names    `name_N` is revision N of a thing. A released revision never changes in place.
 *   growth   A struct whose first field is `size` may gain fields at its end, nowhere else. Who fills one in sets
 *            size = sizeof it. Who reads one reads a field only if NEXO_HAS(ptr, field). A larger size than the reader
 *            knows is normal. Structs without `size` are frozen for ever. A sized struct is never embedded by value
 *            in another, put in an array, or copied whole from the other side's pointer.
 *            Fields and flag bits that this version does not name are zero.
 *   enums    An open set unless said otherwise: a reader takes an unknown value as the comment at the enum says.
 *   strings  nexo_str: UTF-8 unless said otherwise, pointer and length, NOT NUL-terminated; {NULL, 0} is empty.
 *            const char *: UTF-8, NUL-terminated.
 *   memory   OWNERSHIP: everything passed to a call, in either direction, is borrowed until that call returns. The
 *            receiver copies what it wants to keep. Nobody ever frees what the other side allocated.
 *            Exceptions, which live as long as the library: the nexo_plugin_1 table and its id and version.
 *            A `ctx` pointer stays the plugin's; the host only hands it back.
 *   handles  Pointers to opaque types (nexo_counter *), nexo_host_1 and the service tables are valid until the process
 *            ends. After destroy() every call through them is answered NEXO_E_GONE or does nothing.
 *            64-bit ids (nexo_op, nexo_http_x, nexo_timer) carry a generation: a stale one is answered NEXO_E_GONE,
 *            from any thread, years later. 0 is no id.
 *   threads  Every function carries one tag, in the comment above it or behind it on its line.
 *            [control]     calls that make, start and end an instance. The host makes one at a time per instance; they
 *                          may block up to their deadline (10 s unless said otherwise); not always the same OS thread.
 *            [event]       calls that carry work in. They may come on several threads at once, unless the plugin sets
 *                          NEXO_PLUGIN_SERIAL. They should return within 1 ms and must not wait for the network or for
 *                          people: keep the id, return, and answer later from any thread. The host measures them; one
 *                          that does not return costs only its plugin.
 *            [any-thread]  may be called from every thread, at once, also from inside a callback. Never blocks unless
 *                          said so, never calls back into the plugin before it returns unless said so.
 *            The host calls no plugin function from a signal handler, nor while it holds a lock.
 *            The plugin's own threads block all signals but those of a crash (SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT,
 *            SIGTRAP), and have ended when destroy() returns.
 *   errors   nexo_status: 0 done; > 0 done, with a remark; < 0 failed, and nothing happened.
 *   unwind   No exception, panic, longjmp or pthread_exit crosses this boundary.
 *   process  A plugin leaves alone what belongs to the process: signal dispositions and masks of others' threads,
 *            working directory, umask, locale, environment, descriptors 0 to 2; it does not fork, nor call exit().
 *
 * LIFE OF AN INSTANCE
 *
 *   entry ──▶ create ──▶ start ──▶ running ──▶ quiesce ──▶ idle() or deadline ──▶ destroy
 *               │           │ fails
 *               └───────────┴─────▶ destroy (if create gave an instance), registrations undone by the host
 *
 *   Before it trusts a library the host walks this line once in a short-lived PROBE PROCESS: constructors, entry,
 *   create, start, quiesce, destroy; with every service present but connected to nothing, without network, with an
 *   empty state folder. So neither create() nor start() may have an effect outside the process that it would regret
 *   having twice, and each has 2 s there. What start() *returns* in the probe is not held against it.
 *   Two generations of one plugin are alive at once while the host replaces its library.
 *   A library is never unloaded.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NEXO_PLUGIN_H
#define NEXO_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NEXO_ABI_MAJOR 1u
#define NEXO_ABI_MINOR 0u /* for logs only: ask for services and use NEXO_HAS instead */

#if defined(__GNUC__) || defined(__clang__)
#define NEXO_EXPORT __attribute__((visibility("default")))
#define NEXO_UNUSED __attribute__((unused))
#else
#define NEXO_EXPORT
#define NEXO_UNUSED
#endif

/* Whether the struct at p, as its producer knew it, has the field. p may be NULL. */
#define NEXO_HAS(p, field) ((p) && (p)->size >= offsetof(__typeof__(*(p)), field) + sizeof((p)->field))

typedef struct nexo_str { const char *ptr; size_t len; } nexo_str; /* frozen */
typedef struct nexo_kv { nexo_str key; nexo_str value; } nexo_kv;  /* frozen */

/* A NUL-terminated string as nexo_str; NULL is empty. */
NEXO_UNUSED static inline nexo_str nexo_text(const char *text) {
  nexo_str s = {text, 0};
  while (text && text[s.len]) s.len++;
  return s;
}

typedef int32_t nexo_status;
enum { /* unknown > 0: as NEXO_OK; unknown < 0: as NEXO_E_OTHER */
  NEXO_OK = 0,
  NEXO_PENDING = 1,           /* accepted; exactly one completion follows */
  NEXO_FULL = 2,              /* accepted, but send no more until the writable or resume callback */
  NEXO_E_INVALID = -1,        /* an argument breaks this contract: a bug of the caller */
  NEXO_E_GONE = -2,           /* stale id: completed, cancelled, past its deadline, or the instance has ended */
  NEXO_E_AGAIN = -3,          /* not accepted now; try again after the resume callback */
  NEXO_E_UNSUPPORTED = -4,    /* no such verb, kind, or feature */
  NEXO_E_LIMIT = -5,          /* a size, number or budget is used up */
  NEXO_E_RESTART = -6,        /* from reconfigure: cannot be applied live, make a new instance */
  NEXO_E_DENIED = -7,         /* not granted to this plugin, or refused by policy */
  NEXO_E_TIMEOUT = -8,        /* the deadline passed */
  NEXO_E_PEER_DIED = -9,      /* the other process of an isolated plugin ended */
  NEXO_E_TAKEN = -10,         /* the name, route or kind belongs to another; the text says whom */
  NEXO_E_RATE_LIMITED = -11,  /* delivery: the service asks to slow down (429); counts against the account */
  NEXO_E_UNAVAILABLE = -12,   /* delivery: disconnected or 5xx; worth another try; counts against the account */
  NEXO_E_REJECTED = -13,      /* delivery: this message will never be accepted; the account is well */
  NEXO_E_NOT_FOUND = -14,     /* no such account, chat, key, object */
  NEXO_E_OTHER = -100,        /* see the text */
};

/* Why a call failed, in words for the operator. Filled in by the callee, owned by the caller. Frozen. */
typedef struct nexo_err { int32_t code; uint32_t len; char text[248]; } nexo_err;

/* Sets *e (which may be NULL) and gives the code back: `return nexo_fail(err, NEXO_E_INVALID, "no key");` */
NEXO_UNUSED static inline nexo_status nexo_fail(nexo_err *e, nexo_status code, const char *text) {
  if (e) {
    uint32_t n = 0;
    for (; text && text[n] && n < sizeof e->text; n++) e->text[n] = text[n];
    e->code = code;
    e->len = n;
  }
  return code;
}

typedef uint64_t nexo_op;     /* one asynchronous operation that the host asked for; ended by nexo.op/1 done() */
typedef uint64_t nexo_http_x; /* one HTTP exchange */
typedef uint64_t nexo_timer;

/* ---- the host ---------------------------------------------------------------------------------------------------- */

typedef struct nexo_host_1 { /* one per instance; entry gets one that only names the host */
  uint32_t size;
  uint32_t abi_minor;
  const char *name;    /* "nexo" */
  const char *version; /* semver, for logs */
  /* The table of a service, or NULL: this host has no such service or revision, or does not grant it to this plugin.
   * Ids are "nexo.<name>/<revision>": NEXO_LOG_1 and so on below. Look them up once, in create(). [any-thread] */
  const void *(*service)(const struct nexo_host_1 *host, const char *id);
} nexo_host_1;

#define NEXO_LOG_1 "nexo.log/1"
#define NEXO_METRICS_1 "nexo.metrics/1"
#define NEXO_HTTP_1 "nexo.http/1"
#define NEXO_CHANNEL_1 "nexo.channel/1"
#define NEXO_TOOL_1 "nexo.tool/1"
#define NEXO_CREDENTIAL_1 "nexo.credential/1"
#define NEXO_OP_1 "nexo.op/1"
#define NEXO_TIME_1 "nexo.time/1"
#define NEXO_LIFE_1 "nexo.life/1"
#define NEXO_STATE_1 "nexo.state/1"
#define NEXO_CONFIG_1 "nexo.config/1"

/* ---- the plugin -------------------------------------------------------------------------------------------------- */

enum { /* nexo_plugin_1.flags */
  NEXO_PLUGIN_SERIAL = 1u << 0 /* at most one [event] call at a time per instance */
};

typedef struct nexo_plugin_1 {
  uint32_t size;
  uint32_t abi_minor;  /* NEXO_ABI_MINOR */
  uint64_t flags;
  const char *id;      /* the manifest's id, and the note's */
  const char *version; /* the manifest's version, and the note's */
  /* Makes one instance and stores its pointer in *inst (NULL is allowed). Look up services, read config, register
   * routes, channels, tools and families here. No [event] call comes before start() has returned NEXO_OK, and what was
   * registered is visible to nobody until then. config: the plugin's configuration, a JSON object, {} if there is none.
   * On failure set err; if *inst was set, destroy(*inst) follows. [control] */
  nexo_status (*create)(const nexo_host_1 *host, nexo_str config, void **inst, nexo_err *err);
  /* Begin: connect, start threads. NEXO_OK makes the registrations live. [control] */
  nexo_status (*start)(void *inst, nexo_err *err);
  /* Optional. The configuration changed: apply all of it or nothing. NEXO_E_RESTART: make a new instance. [control] */
  nexo_status (*reconfigure)(void *inst, nexo_str config, nexo_err *err);
  /* Optional. No new [event] calls follow, but those for exchanges and operations in flight. Finish or abandon them and
   * call nexo.life/1 idle(). At deadline_ns (CLOCK_MONOTONIC) the host goes on without. [control] */
  void (*quiesce)(void *inst, uint64_t deadline_ns);
  /* Ends the instance. When it returns, no thread executes code on its behalf. [control] */
  void (*destroy)(void *inst);
  /* Optional. What later headers let a plugin offer, by id; NULL for what it does not know. [any-thread] */
  const void *(*query)(void *inst, const char *id);
} nexo_plugin_1;

/* The only symbol that a plugin exports. Returns a static table, or NULL to decline this host. Does nothing else: no
 * thread, no I/O, nothing kept. May be called several times. [control] */
NEXO_EXPORT const nexo_plugin_1 *nexo_plugin_entry_1(const nexo_host_1 *host);
typedef const nexo_plugin_1 *(*nexo_plugin_entry_1_fn)(const nexo_host_1 *host);

/* ---- nexo.log/1 -------------------------------------------------------------------------------------------------- */

enum { NEXO_TRACE = 0, NEXO_DEBUG = 1, NEXO_INFO = 2, NEXO_WARN = 3, NEXO_ERROR = 4 }; /* others: as NEXO_INFO */

typedef struct nexo_log_1 {
  uint32_t size;
  /* Whether a record of this level would be written. Costs an atomic load. [any-thread] */
  bool (*enabled)(const nexo_host_1 *host, int32_t level);
  /* Writes one record; the host adds time and plugin id. text: constant, lower case; what varies goes into fields, with
   * dotted keys. Never a secret, a message text, a number or an address. Cut at 8 KiB; past 1,000 records a second the
   * rest is dropped and counted. [any-thread] */
  void (*write)(const nexo_host_1 *host, int32_t level, nexo_str text, const nexo_kv *fields, size_t field_count);
} nexo_log_1;

/* ---- nexo.metrics/1 -------------------------------------------------------------------------------------------------
 *
 * Declare a family once, take a handle per label set, keep it, and count. Names outside the plugin's own prefix (its id
 * with '-' as '_', then '_') need an entry in the manifest's `metrics`. Over the plugin's budget of series (1,000
 * unless the operator says otherwise), and after any refusal, *out is still a valid handle, one that counts nowhere:
 * the hot path needs no check. The next generation of a plugin gets the same cells, so counters go on across a
 * replacement. */

enum { NEXO_COUNTER = 1, NEXO_GAUGE = 2, NEXO_HISTOGRAM = 3 }; /* closed */

typedef struct nexo_family nexo_family;
typedef struct nexo_counter nexo_counter;
typedef struct nexo_gauge nexo_gauge;
typedef struct nexo_histogram nexo_histogram;

typedef struct nexo_family_1 {
  uint32_t size;
  int32_t kind;
  const char *name;          /* [a-zA-Z_:][a-zA-Z0-9_:]*; a counter's ends in _total */
  const char *help;          /* one sentence */
  const char *const *labels; /* label names; le, quantile and __* are reserved */
  size_t label_count;        /* at most 16 */
  const double *bounds;      /* histograms: upper bounds, ascending, without +Inf */
  size_t bound_count;        /* at most 64 */
} nexo_family_1;

typedef struct nexo_metrics_1 {
  uint32_t size;
  /* NEXO_E_TAKEN, NEXO_E_INVALID, NEXO_E_DENIED (not in the manifest), NEXO_E_LIMIT; err says more. The same
   * declaration again gives the same family. [any-thread] */
  nexo_status (*family)(const nexo_host_1 *host, const nexo_family_1 *spec, nexo_family **out, nexo_err *err);
  /* The child with these label values, in the order of the label names; made when new. values are cut at 256 bytes.
   * NEXO_E_INVALID: another kind of family, or another number of values. NEXO_E_LIMIT: over budget. */
  nexo_status (*counter)(const nexo_host_1 *host, nexo_family *f, const nexo_str *values, size_t n,
                         nexo_counter **out); /* [any-thread] */
  nexo_status (*gauge)(const nexo_host_1 *host, nexo_family *f, const nexo_str *values, size_t n,
                       nexo_gauge **out); /* [any-thread] */
  nexo_status (*histogram)(const nexo_host_1 *host, nexo_family *f, const nexo_str *values, size_t n,
                           nexo_histogram **out); /* [any-thread] */
  /* Takes a child out of the exposition, until it is asked for again. Its handle stays valid. [any-thread] */
  nexo_status (*remove)(const nexo_host_1 *host, nexo_family *f, const nexo_str *values, size_t n);
  /* Hot path: no lock, no allocation, no look-up, about the price of one atomic addition. The handle is never NULL.
   * A step past INT64_MAX (a negative number that was cast) is ignored and counted against the plugin. */
  void (*counter_add)(nexo_counter *c, uint64_t step);        /* [any-thread] */
  void (*gauge_set)(nexo_gauge *g, double value);             /* [any-thread] */
  void (*gauge_add)(nexo_gauge *g, double step);              /* [any-thread] */
  void (*histogram_observe)(nexo_histogram *h, double value); /* [any-thread] */
  /* fn is called before each scrape, at most one at a time per instance, to set gauges from state. It has 100 ms; a
   * scrape does not wait longer and shows the last values. One fn per instance. [control] to register, [event] fn */
  nexo_status (*on_scrape)(const nexo_host_1 *host, void (*fn)(void *ctx), void *ctx);
} nexo_metrics_1;

/* ---- nexo.http/1 ----------------------------------------------------------------------------------------------------
 *
 * Routes live on the public listener (port 8080), below the patterns that the manifest lists in `routes`.
 *
 *   on_request ──┬─ respond ───────────────────────▶ on_end(DONE)
 *                └─ begin ─▶ write ... write ─▶ end ─▶ on_end(DONE)
 *   at any time: client gone, deadline, stop ────────▶ on_end(why), after which x is stale
 */

enum { /* nexo_http_route_1.flags */
  NEXO_HTTP_EVENTS = 1u << 0 /* server-sent events: one write is one whole event, and the host puts `: ping` comments
                                between them when it is quiet for 15 s; no time limit */
};
enum { /* nexo_http_route_1.access; unknown: as NEXO_ACCESS_OWNER */
  NEXO_ACCESS_OWNER = 0, /* from this machine, or with a session of the owner; the host refuses everybody else */
  NEXO_ACCESS_PUBLIC = 1 /* everybody */
};
enum { /* on_end's why; unknown: as NEXO_END_ERROR */
  NEXO_END_DONE = 0,
  NEXO_END_CLIENT_GONE = 1,
  NEXO_END_TIMEOUT = 2,
  NEXO_END_STOPPING = 3,
  NEXO_END_ERROR = 4
};

typedef struct nexo_http_request_1 { /* everything in it is borrowed until on_request returns */
  uint32_t size;
  uint32_t flags;          /* none yet */
  nexo_str method;         /* "GET"; HEAD arrives as HEAD, and the host drops the body of its answer */
  nexo_str path;           /* percent-decoded once, no dot segments */
  nexo_str query;          /* raw, without '?' */
  nexo_str peer;           /* address without port: "127.0.0.1", "::1" */
  const nexo_kv *headers;  /* names in lower case, in the order received */
  size_t header_count;
  const nexo_kv *params;   /* from the pattern; the rest matched by a final '*' has the key "*" */
  size_t param_count;
  nexo_str body;           /* the whole body, unless the route has on_body; any bytes */
  uint64_t content_length; /* UINT64_MAX: not known yet */
  uint64_t deadline_ns;    /* CLOCK_MONOTONIC; UINT64_MAX: none */
} nexo_http_request_1;

typedef struct nexo_http_route_1 {
  uint32_t size;
  uint32_t flags;
  const char *method;    /* "GET" (answers HEAD as well), "POST", ...; "*" is every method */
  const char *pattern;   /* "/weather/{city}/today": {name} is one segment; a final segment '*' is everything below */
  uint32_t access;
  uint32_t timeout_ms;   /* to the end of the response; 0: the host's default, 30 s. Too late is answered 504 */
  uint64_t max_body;     /* bytes; more is answered 413; 0: the host's default, 1 MiB */
  uint32_t max_inflight; /* more at once are answered 503; 0: the host's default, 256 */
  uint32_t reserved;     /* 0 */
  void *ctx;
  /* One request. Answer with respond(), or begin(), now or later. [event] */
  void (*on_request)(void *ctx, nexo_http_x x, const nexo_http_request_1 *request);
  /* Optional. The body arrives here instead, after on_request; last is 1 once. Return NEXO_FULL to pause until
   * body_resume(). [event] */
  nexo_status (*on_body)(void *ctx, nexo_http_x x, nexo_str chunk, int32_t last);
  /* Optional. After a write() that returned NEXO_FULL: room again. [event] */
  void (*on_writable)(void *ctx, nexo_http_x x);
  /* Optional. Exactly once per on_request, after every other callback of x, whatever happened: the place to free what
   * belongs to x. [event] */
  void (*on_end)(void *ctx, nexo_http_x x, int32_t why);
} nexo_http_route_1;

typedef struct nexo_http_1 {
  uint32_t size;
  /* Registers a route; only inside create(). NEXO_E_TAKEN, NEXO_E_DENIED (not under a pattern of the manifest),
   * NEXO_E_INVALID. [control] */
  nexo_status (*route)(const nexo_host_1 *host, const nexo_http_route_1 *route, nexo_err *err);
  /* Answers. Each of these returns NEXO_E_GONE once x has ended, and NEXO_E_INVALID, with nothing sent, for a status
   * outside 200..599, a header that is not one (CR, LF, a bad name), one that is the host's business (content-length,
   * transfer-encoding, connection, date), or a call out of order. Calls for one x must not overlap each other.
   * content-type is text/plain; charset=utf-8 unless given. From inside on_request or years later. */
  nexo_status (*respond)(const nexo_host_1 *host, nexo_http_x x, uint32_t status, const nexo_kv *headers,
                         size_t header_count, nexo_str body); /* [any-thread] */
  nexo_status (*begin)(const nexo_host_1 *host, nexo_http_x x, uint32_t status, const nexo_kv *headers,
                       size_t header_count); /* [any-thread] */
  /* NEXO_OK; NEXO_FULL: taken, but 256 KiB are waiting: stop until on_writable (at 64 KiB), or NEXO_E_LIMIT comes.
   * [any-thread] */
  nexo_status (*write)(const nexo_host_1 *host, nexo_http_x x, nexo_str chunk);
  nexo_status (*end)(const nexo_host_1 *host, nexo_http_x x);         /* [any-thread] */
  nexo_status (*body_resume)(const nexo_host_1 *host, nexo_http_x x); /* [any-thread] */
} nexo_http_1;

/* ---- nexo.channel/1 -------------------------------------------------------------------------------------------------
 *
 * A channel brings messages of one kind ("whatsapp") over any number of accounts. An account is known by its label, the
 * operator's name for it ("personal"); its number or address goes into `identity` below and is shown by fingerprint
 * only. */

enum { /* nexo_message_1.flags */
  NEXO_MESSAGE_GROUP = 1u << 0,  /* the chat has more than two members */
  NEXO_MESSAGE_FROM_ME = 1u << 1 /* sent by the account itself, from another device */
};
enum { /* health of an account; unknown: as NEXO_DOWN */
  NEXO_UP = 1,       /* messages flow */
  NEXO_DEGRADED = 2, /* they flow, with trouble */
  NEXO_DOWN = 3      /* they do not; `reason` says why */
};

typedef struct nexo_message_1 { /* borrowed for the call, both directions */
  uint32_t size;
  uint32_t flags;
  nexo_str account;     /* label */
  nexo_str id;          /* inbound: the service's, unique in the chat. Outbound: the host's idempotency key: after a
                           crash the same id may be sent again, and must reach the chat once */
  nexo_str chat;        /* where: the conversation's address */
  nexo_str sender;      /* inbound: who; outbound: empty */
  nexo_str reply_to;    /* id of the message answered, or empty */
  nexo_str kind;        /* "text", "media", "reaction", ...: an open set; unknown outbound kinds: NEXO_E_UNSUPPORTED */
  nexo_str text;
  nexo_str extra;       /* a JSON object for what the fields cannot say; unknown keys are kept */
  int64_t time_unix_ms; /* the message's own time */
} nexo_message_1;

typedef struct nexo_channel nexo_channel;

typedef struct nexo_channel_impl_1 { /* given by the plugin */
  uint32_t size;
  uint32_t flags;   /* 0 */
  const char *kind; /* "whatsapp": an entry of the manifest's `channels` */
  const char *page; /* path of the page where the owner links an account, "/whatsapp/pair"; NULL: there is none */
  void *ctx;
  /* Deliver m. NEXO_PENDING, then exactly one done(op) when the service has taken or refused it: that report feeds the
   * account's breaker. Or an error at once. [event] */
  nexo_status (*send)(void *ctx, nexo_op op, const nexo_message_1 *m);
  void (*cancel)(void *ctx, nexo_op op); /* optional, a wish; done(op) may still follow [event] */
  /* The inbound message with this token is on the host's disk: now acknowledge it upstream. [event] */
  void (*acked)(void *ctx, uint64_t token);
  void (*resume)(void *ctx); /* optional: after NEXO_FULL or NEXO_E_AGAIN, inbound may go on [event] */
  /* Optional. Rare verbs with JSON, so that a new one needs no new ABI; NEXO_PENDING and done(op, status, result), or
   * an error at once. NEXO_E_UNSUPPORTED for a verb it does not know. [event]
   *   "sender.normalize" {"sender"}                                -> {"sender"}: the one spelling of an address
   *   "challenge" {"account","chat","sender","code","expires_in_s"} -> {}: tell a stranger the pairing code
   *   "link" {"account"?,...}                                       -> {"path"?,"url"?,"user_code"?}: begin linking
   *   "unlink" {"account"}                                          -> {} */
  nexo_status (*command)(void *ctx, nexo_op op, nexo_str verb, nexo_str args_json);
} nexo_channel_impl_1;

typedef struct nexo_channel_1 { /* given by the host */
  uint32_t size;
  /* Only inside create(). NEXO_E_TAKEN, NEXO_E_DENIED (not in the manifest), NEXO_E_INVALID. [control] */
  nexo_status (*add)(const nexo_host_1 *host, const nexo_channel_impl_1 *impl, nexo_channel **out, nexo_err *err);
  /* Declares an account, or declares it anew. declaration: a JSON object; the host knows "identity" (number or
   * address), "allow_agents" [ids; empty: all], "session_dir", "secret_files" [paths], "page"; {} is fine.
   * [any-thread] */
  nexo_status (*account)(const nexo_host_1 *host, nexo_channel *c, nexo_str label, nexo_str declaration_json);
  nexo_status (*account_gone)(const nexo_host_1 *host, nexo_channel *c, nexo_str label); /* [any-thread] */
  /* How an account is. state: the channel's own word ("waiting_qr"). reason: a dotted code, empty when NEXO_UP.
   * detail: a JSON object for people, without secrets. [any-thread] */
  nexo_status (*state)(const nexo_host_1 *host, nexo_channel *c, nexo_str label, int32_t health, nexo_str state,
                       nexo_str reason, nexo_str detail_json);
  /* Hands in one message. NEXO_OK or NEXO_FULL: taken, and acked(token) follows once it is on disk. NEXO_E_AGAIN: not
   * taken, wait for resume(). The same account, chat and id again is taken and acked, but answered once.
   * [any-thread] */
  nexo_status (*inbound)(const nexo_host_1 *host, nexo_channel *c, const nexo_message_1 *m, uint64_t token);
} nexo_channel_1;

/* ---- nexo.tool/1 ------------------------------------------------------------------------------------------------- */

enum { /* nexo_tool_impl_1.flags: what the operator's policy may rely on */
  NEXO_TOOL_READ_ONLY = 1u << 0,     /* changes nothing anywhere */
  NEXO_TOOL_PARALLEL_SAFE = 1u << 1, /* calls of one turn may run side by side */
  NEXO_TOOL_SHARED = 1u << 2         /* the result does not depend on who asks: a cached one serves everybody */
};

typedef struct nexo_tool_call_1 { /* borrowed until invoke returns */
  uint32_t size;
  uint32_t flags;
  nexo_str name;
  nexo_str args_json; /* valid against the tool's schema */
  nexo_str agent;     /* id of the agent that calls */
  nexo_str session;   /* of the conversation; the three below are empty when there is none */
  nexo_str channel;
  nexo_str account;
  nexo_str sender;
  uint64_t deadline_ns;
} nexo_tool_call_1;

typedef struct nexo_tool_impl_1 {
  uint32_t size;
  uint32_t flags;
  const char *name;         /* "get_weather": an entry of the manifest's `tools` */
  const char *description;  /* for the model */
  const char *input_schema; /* JSON Schema of the arguments, an object */
  uint32_t timeout_ms;      /* 0: the host's default, 30 s */
  uint32_t max_inflight;    /* 0: the host's default, 16 */
  void *ctx;
  /* NEXO_PENDING, then exactly one done(op, status, result JSON); or an error at once. [event] */
  nexo_status (*invoke)(void *ctx, nexo_op op, const nexo_tool_call_1 *call);
  void (*cancel)(void *ctx, nexo_op op); /* optional, a wish [event] */
} nexo_tool_impl_1;

typedef struct nexo_tool_1 {
  uint32_t size;
  /* Only inside create(). NEXO_E_TAKEN, NEXO_E_DENIED, NEXO_E_INVALID (schema is not JSON, ...). [control] */
  nexo_status (*add)(const nexo_host_1 *host, const nexo_tool_impl_1 *impl, nexo_err *err);
} nexo_tool_1;

/* ---- nexo.credential/1 ----------------------------------------------------------------------------------------------
 *
 * A source keeps accounts of one kind ("google") that agents use but no messages come over. */

typedef struct nexo_credential nexo_credential;

typedef struct nexo_credential_impl_1 {
  uint32_t size;
  uint32_t flags;   /* 0 */
  const char *kind; /* "google": serves references "google:<label>"; an entry of the manifest's `providers` */
  const char *page; /* path of the page where the owner consents; NULL: there is none */
  void *ctx;
  /* The secret behind a reference: done(op, NEXO_OK, bytes). The host wipes its copy after use. [event] */
  nexo_status (*fetch)(void *ctx, nexo_op op, nexo_str reference);
  /* Optional; as in nexo_channel_impl_1: "link", "unlink". [event] */
  nexo_status (*command)(void *ctx, nexo_op op, nexo_str verb, nexo_str args_json);
} nexo_credential_impl_1;

typedef struct nexo_credential_1 {
  uint32_t size;
  /* Only inside create(). [control] */
  nexo_status (*add)(const nexo_host_1 *host, const nexo_credential_impl_1 *impl, nexo_credential **out, nexo_err *err);
  /* As in nexo.channel/1. */
  nexo_status (*account)(const nexo_host_1 *host, nexo_credential *c, nexo_str label,
                         nexo_str declaration_json);                                        /* [any-thread] */
  nexo_status (*account_gone)(const nexo_host_1 *host, nexo_credential *c, nexo_str label); /* [any-thread] */
  nexo_status (*state)(const nexo_host_1 *host, nexo_credential *c, nexo_str label, int32_t health, nexo_str state,
                       nexo_str reason, nexo_str detail_json); /* [any-thread] */
  /* Asks for a secret of this or another plugin. done is called exactly once if NEXO_PENDING is returned; secret is
   * wiped when done returns. NEXO_E_DENIED: the operator has not granted this reference to this plugin. [any-thread];
   * done: [event] */
  nexo_status (*get)(const nexo_host_1 *host, nexo_str reference,
                     void (*done)(void *ctx, nexo_status status, nexo_str secret), void *ctx);
} nexo_credential_1;

/* ---- nexo.op/1, nexo.time/1, nexo.life/1, nexo.state/1, nexo.config/1 -------------------------------------------- */

typedef struct nexo_op_1 {
  uint32_t size;
  /* Ends op. The second call, one for a cancelled op or one past its deadline: NEXO_E_GONE, and no harm done.
   * result: JSON, or for fetch the bytes; on failure text for the operator. At most 1 MiB. [any-thread] */
  nexo_status (*done)(const nexo_host_1 *host, nexo_op op, nexo_status status, nexo_str result);
  /* Still at it: moves nothing but a watcher's display. [any-thread] */
  nexo_status (*progress)(const nexo_host_1 *host, nexo_op op, nexo_str json);
} nexo_op_1;

typedef struct nexo_time_1 {
  uint32_t size;
  uint64_t (*mono_ns)(const nexo_host_1 *host); /* CLOCK_MONOTONIC [any-thread] */
  int64_t (*unix_ms)(const nexo_host_1 *host);  /* [any-thread] */
  /* Calls fn after delay_ns, and then every period_ns if that is not 0 (at least 1 ms). 0: too many timers (1,024) or
   * the instance has ended. [any-thread]; fn: [event] */
  nexo_timer (*after)(const nexo_host_1 *host, uint64_t delay_ns, uint64_t period_ns,
                      void (*fn)(void *ctx, nexo_timer t), void *ctx);
  /* After it returns fn is not running and will not run, unless it was called from fn itself. So it may wait for fn:
   * hold no lock that fn takes. [any-thread], may block */
  nexo_status (*cancel)(const nexo_host_1 *host, nexo_timer t);
} nexo_time_1;

typedef struct nexo_life_1 {
  uint32_t size;
  void (*idle)(const nexo_host_1 *host); /* the answer to quiesce(): nothing is in flight any more [any-thread] */
  void (*fatal)(const nexo_host_1 *host, nexo_str why); /* this instance cannot go on: the host ends it [any-thread] */
} nexo_life_1;

typedef struct nexo_state_1 { /* small state that outlives the instance: replacement, restart, crash */
  uint32_t size;
  /* Calls fn with the bytes before it returns NEXO_OK. NEXO_E_NOT_FOUND: never saved. [any-thread], may block on the
   * disk; fn: on the caller's thread */
  nexo_status (*load)(const nexo_host_1 *host, nexo_str key, void (*fn)(void *ctx, nexo_str bytes), void *ctx);
  /* Replaces the whole value, atomically and synced, 0600. key: [a-z0-9_.-], 1..64 bytes, at most 64 keys. bytes: at
   * most 1 MiB; empty ones remove it. [any-thread], may block on the disk */
  nexo_status (*save)(const nexo_host_1 *host, nexo_str key, nexo_str bytes);
} nexo_state_1;

enum { /* nexo_config_1.folder */
  NEXO_FOLDER_STATE = 1,     /* the plugin's own, 0700, kept across restarts and replacements */
  NEXO_FOLDER_EXTENSION = 2, /* where plugin.toml lies; read only */
  NEXO_FOLDER_CONFIG = 3     /* the operator's configuration; read only */
};

typedef struct nexo_config_1 {
  uint32_t size;
  /* Each calls fn once, on the caller's thread, before it returns NEXO_OK. */
  /* The configuration, as create() got it or newer. [any-thread] */
  nexo_status (*json)(const nexo_host_1 *host, void (*fn)(void *ctx, nexo_str json), void *ctx);
  /* A variable of the environment that the manifest lists in `requires.env`; NEXO_E_DENIED for any other,
   * NEXO_E_NOT_FOUND when it is not set. Do not call getenv(). [any-thread] */
  nexo_status (*env)(const nexo_host_1 *host, nexo_str name, void (*fn)(void *ctx, nexo_str value), void *ctx);
  /* The absolute path of a folder; which: NEXO_FOLDER_*, NEXO_E_INVALID for another. [any-thread] */
  nexo_status (*folder)(const nexo_host_1 *host, int32_t which, void (*fn)(void *ctx, nexo_str path), void *ctx);
} nexo_config_1;

/* ---- the ELF note ---------------------------------------------------------------------------------------------------
 *
 * Each library carries one, so that the host knows what it is before any of its code runs (readelf -n lib.so shows it):
 * owner "NEXO", type 0x4e580001, description: NUL-terminated `key=value` strings. Keys: abi, id, version, needs (a
 * comma list of the services that create() cannot do without). Unknown keys are kept and shown.
 *
 *   NEXO_PLUGIN_NOTE("weather", "0.1.0", NEXO_HTTP_1 "," NEXO_METRICS_1);
 *
 * Languages without this macro put the same bytes into a section ".note.nexo.plugin" of type SHT_NOTE, flag SHF_ALLOC,
 * aligned to 4: docs/plugin-authors.md has it for Rust. */
#define NEXO_NOTE_TYPE 0x4e580001u
#if defined(__ELF__) && (defined(__GNUC__) || defined(__clang__)) && !defined(__swift__)
#define NEXO_PLUGIN_NOTE(id, version, needs)                                              \
  __asm__(".pushsection .note.nexo.plugin, \"aR\", %note\n\t.balign 4\n\t"                \
          ".long 882f - 881f\n\t.long 884f - 883f\n\t.long 0x4e580001\n"                  \
          "881:\t.asciz \"NEXO\"\n882:\t.balign 4\n"                                      \
          "883:\t.asciz \"abi=1\"\n\t.asciz \"id=" id "\"\n\t.asciz \"version=" version   \
          "\"\n\t.asciz \"needs=" needs "\"\n884:\t.balign 4\n\t.popsection\n")
#endif

#ifdef __cplusplus
}
#endif
#endif
