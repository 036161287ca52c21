/* The crash handler of ccrash.h. Order matters inside: header first, then the addresses, then the end mark, so that a
 * second fault while the stack is walked costs only the addresses.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ccrash.h"

#include <errno.h>
#include <execinfo.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

static _Thread_local ncr_frame current;

ncr_frame ncr_enter(const ncr_who *who, const char *call, const void *instance) {
  ncr_frame before = current;
  current.instance = instance;
  current.call = call;
  current.who = who;
  return before;
}
void ncr_leave(ncr_frame before) { current = before; }
ncr_frame ncr_current(void) { return current; }
const void *ncr_instance(void) { return current.instance; }

static void copy_text(char *to, const char *from) {
  size_t n = from ? strnlen(from, 64) : 0;
  memcpy(to, from ? from : "", n);
  to[n] = 0;
}

const ncr_who *ncr_who_new(const char *plugin, const char *version, const char *build) {
  ncr_who *who = calloc(1, sizeof *who);
  if (!who) return NULL;
  copy_text(who->plugin, plugin);
  copy_text(who->version, version);
  copy_text(who->build, build);
  return who;
}

/* ---- images ------------------------------------------------------------------------------------------------------ */

static struct image {
  uintptr_t start, end;
  const ncr_who *_Atomic who; /* set last: NULL is an entry that is not there yet */
} images[NCR_IMAGES];
static atomic_size_t image_count;

void ncr_image_add(uintptr_t start, uintptr_t end, const ncr_who *who) {
  size_t index = atomic_fetch_add(&image_count, 1);
  if (index >= NCR_IMAGES) return;
  images[index].start = start;
  images[index].end = end;
  atomic_store_explicit(&images[index].who, who, memory_order_release);
}

static const ncr_who *owner_of(uintptr_t address, uintptr_t *offset) {
  size_t count = atomic_load(&image_count);
  if (count > NCR_IMAGES) count = NCR_IMAGES;
  for (size_t i = 0; i < count; i++) {
    const ncr_who *who = atomic_load_explicit(&images[i].who, memory_order_acquire);
    if (who && address >= images[i].start && address < images[i].end) {
      *offset = address - images[i].start;
      return who;
    }
  }
  return NULL;
}

/* ---- writing the report ------------------------------------------------------------------------------------------ */

static int report_fd = -1;
static char host_build[65];
static atomic_flag reporting = ATOMIC_FLAG_INIT;
static atomic_bool armed;

struct line {
  char text[512];
  size_t length;
};
static void add_text(struct line *line, const char *text) {
  while (*text && line->length < sizeof line->text) line->text[line->length++] = *text++;
}
static void add_number(struct line *line, uint64_t value, unsigned base) {
  char digits[24];
  size_t n = 0;
  do digits[n++] = "0123456789abcdef"[value % base];
  while (value /= base);
  while (n && line->length < sizeof line->text) line->text[line->length++] = digits[--n];
}
static void flush(struct line *line) {
  size_t done = 0;
  while (done < line->length) {
    ssize_t n = write(report_fd, line->text + done, line->length - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    done += (size_t)n;
  }
  line->length = 0;
}
static void put_text(const char *key, const char *value) {
  struct line line = {.length = 0};
  add_text(&line, key);
  add_text(&line, "=");
  add_text(&line, value ? value : "");
  add_text(&line, "\n");
  flush(&line);
}
static void put_number(const char *key, uint64_t value, unsigned base) {
  struct line line = {.length = 0};
  add_text(&line, key);
  add_text(&line, base == 16 ? "=0x" : "=");
  add_number(&line, value, base);
  add_text(&line, "\n");
  flush(&line);
}

static void put_address(void *address) {
  uintptr_t offset = 0;
  const ncr_who *who = owner_of((uintptr_t)address, &offset);
  struct line line = {.length = 0};
  add_text(&line, "frame=0x");
  add_number(&line, (uintptr_t)address, 16);
  if (who) {
    add_text(&line, " ");
    add_text(&line, who->plugin);
    add_text(&line, "+0x");
    add_number(&line, offset, 16);
  }
  add_text(&line, "\n");
  flush(&line);
}

static void put_who(const ncr_who *who, const char *call, const char *blame) {
  put_text("plugin", who->plugin);
  put_text("version", who->version);
  put_text("build", who->build);
  put_text("call", call);
  put_text("blame", blame);
}

enum { FRAMES = 64 };

/* The first frame that lies in a plugin, when no call says whom to blame. */
static const ncr_who *blamed_by_stack(void **frames, int count) {
  uintptr_t offset;
  for (int i = 0; i < count; i++) {
    const ncr_who *who = owner_of((uintptr_t)frames[i], &offset);
    if (who) return who;
  }
  return NULL;
}

/* pc 0: not known. */
static void report(const char *kind, int number, int code, uintptr_t address, uintptr_t pc) {
  static void *frames[FRAMES];
  uintptr_t offset;
  ncr_frame frame = current;
  put_text("nexo-crash", "1");
  put_text("kind", kind);
  put_number("signal", (uint64_t)number, 10);
  put_number("code", (uint64_t)(uint32_t)code, 10);
  put_number("address", address, 16);
  put_number("pc", pc, 16);
  put_number("thread", (uint64_t)syscall(SYS_gettid), 10);
  put_text("host", host_build);
  const ncr_who *by_pc = pc ? owner_of(pc, &offset) : NULL;
  if (frame.who) {
    put_who(frame.who, frame.call, "call");
  } else if (by_pc) {
    put_who(by_pc, "own thread", "address");
  }
  int count = backtrace(frames, FRAMES);
  if (!frame.who && !by_pc) {
    const ncr_who *who = blamed_by_stack(frames, count);
    if (who) put_who(who, "own thread", "stack");
  }
  if (pc) put_address((void *)pc);
  for (int i = 0; i < count; i++) put_address(frames[i]);
  put_text("end", "1");
  fsync(report_fd);
}

/* ---- signals and exit -------------------------------------------------------------------------------------------- */

static const int fatal_signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP};
enum { FATAL_SIGNALS = sizeof fatal_signals / sizeof *fatal_signals };
static struct sigaction previous[FATAL_SIGNALS];

static uintptr_t program_counter(const void *context) {
  const ucontext_t *machine = context;
#if defined(__x86_64__)
  return (uintptr_t)machine->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
  return (uintptr_t)machine->uc_mcontext.pc;
#else
  (void)machine;
  return 0;
#endif
}

static void on_signal(int number, siginfo_t *info, void *context) {
  int saved = errno;
  bool first = !atomic_flag_test_and_set(&reporting);
  for (int i = 0; i < FATAL_SIGNALS; i++) sigaction(fatal_signals[i], &previous[i], NULL);
  if (first) {
    bool faulted = info->si_code > 0 && info->si_code != SI_KERNEL;
    report("signal", number, info->si_code, faulted ? (uintptr_t)info->si_addr : 0, program_counter(context));
  } else {
    sleep(2); /* another thread writes its report and then ends the process */
  }
  /* A fault comes again when the instruction is run again; a signal that was sent does not. */
  if (info->si_code <= 0) syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), number);
  errno = saved;
}

/* exit() inside a plugin call, or on a thread of a plugin. */
static void on_exit_hook(void) {
  if (!atomic_load(&armed)) return;
  void *frames[FRAMES];
  bool blamed = current.who != NULL || blamed_by_stack(frames, backtrace(frames, FRAMES)) != NULL;
  if (blamed && !atomic_flag_test_and_set(&reporting)) report("exit", 0, 0, 0, 0);
}

int ncr_install(int fd, const char *host) {
  static atomic_flag installed = ATOMIC_FLAG_INIT;
  void *warm[4];
  copy_text(host_build, host);
  report_fd = fd;
  (void)backtrace(warm, 4); /* loads libgcc now, not in the handler */
  atomic_store(&armed, true);
  if (atomic_flag_test_and_set(&installed)) return 0;
  if (atexit(on_exit_hook) != 0) return -1;
  ncr_prepare_thread();
  struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
  sigemptyset(&action.sa_mask);
  for (int i = 0; i < FATAL_SIGNALS; i++)
    if (sigaction(fatal_signals[i], &action, &previous[i]) != 0) return -1;
  return 0;
}

void ncr_disarm(void) { atomic_store(&armed, false); }

/* ---- alternate stacks -------------------------------------------------------------------------------------------- */

enum { ALTERNATE_STACK = 64 << 10 }; /* backtrace(3) wants some 10 KiB; the kernel's frame with AVX-512 some 3 */
static pthread_key_t stack_key;
static pthread_once_t stack_once = PTHREAD_ONCE_INIT;

static void free_stack(void *memory) {
  stack_t off = {.ss_flags = SS_DISABLE};
  sigaltstack(&off, NULL);
  munmap(memory, ALTERNATE_STACK);
}
static void make_key(void) { pthread_key_create(&stack_key, free_stack); }

void ncr_prepare_thread(void) {
  /* A fault whose signal is blocked kills at once, past every handler. */
  sigset_t fatal;
  sigemptyset(&fatal);
  for (int i = 0; i < FATAL_SIGNALS; i++) sigaddset(&fatal, fatal_signals[i]);
  pthread_sigmask(SIG_UNBLOCK, &fatal, NULL);
  pthread_once(&stack_once, make_key);
  stack_t now;
  if (pthread_getspecific(stack_key) || (sigaltstack(NULL, &now) == 0 && !(now.ss_flags & SS_DISABLE))) return;
  void *memory = mmap(NULL, ALTERNATE_STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return;
  stack_t stack = {.ss_sp = memory, .ss_size = ALTERNATE_STACK};
  if (sigaltstack(&stack, NULL) != 0 || pthread_setspecific(stack_key, memory) != 0) {
    stack_t off = {.ss_flags = SS_DISABLE};
    sigaltstack(&off, NULL);
    munmap(memory, ALTERNATE_STACK);
  }
}
