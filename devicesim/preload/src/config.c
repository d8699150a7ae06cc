#include "config.h"

#include "base.h"
#include "plug.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *devices; // the environment variable; NULL if it is not set, or not for this process

// parse_slot parses "host:port/busid". The host may be in brackets.
static bool parse_slot(char *text, struct slot *s) {
  char *slash = strchr(text, '/');
  if (!slash) return false;
  *slash = 0;
  char *colon = strrchr(text, ':');
  if (!colon) return false;
  *colon = 0;
  size_t n = strlen(text);
  if (text[0] == '[' && n > 1 && text[n - 1] == ']') {
    text[n - 1] = 0;
    text++;
  }
  return snprintf(s->address.host, sizeof s->address.host, "%s", text) < (int)sizeof s->address.host &&
         snprintf(s->address.port, sizeof s->address.port, "%s", colon + 1) < (int)sizeof s->address.port &&
         snprintf(s->address.busid, sizeof s->address.busid, "%s", slash + 1) < (int)sizeof s->address.busid;
}

// is_child reports whether this is a child process of the browser: a renderer, the
// zygote, the crash handler. Children inherit the environment but have no devices.
static bool is_child(void) {
  char line[4096];
  FILE *f = fopen("/proc/self/cmdline", "r");
  if (!f) return false;
  size_t n = fread(line, 1, sizeof line - 1, f);
  fclose(f);
  line[n] = 0;
  for (size_t i = 0; i < n; i += strlen(line + i) + 1)
    if (!strncmp(line + i, "--type=", 7)) return true;
  return false;
}

// outlive waits until no process holds the other end of the socket, and ends the browser then. The browser gets time to write
// its profile.
static void *outlive(void *argument) {
  struct pollfd socket = {.fd = (int)(intptr_t)argument};
  while (poll(&socket, 1, -1) < 0 && errno == EINTR) {
  }
  kill(getpid(), SIGTERM);
  sleep(LIFELINE_GRACE);
  kill(getpid(), SIGKILL);
  return NULL;
}

// hold_lifeline watches the socket that USBIP_PRELOAD_LIFELINE names as "descriptor/process". Other processes inherit the
// variable, and may have another file under the number.
static void hold_lifeline(const char *text) {
  int fd, process;
  if (sscanf(text, "%d/%d", &fd, &process) != 2 || process != getpid()) return;
  fcntl(fd, F_SETFD, FD_CLOEXEC);
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before); // the thread must not run the browser's signal handlers
  pthread_t thread;
  if (pthread_create(&thread, NULL, outlive, (void *)(intptr_t)fd) == 0)
    pthread_detach(thread);
  else
    fprintf(stderr, "usbip_preload: no thread, so the browser does not end with its simulator\n");
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

// loaded runs before main(). Later, other threads may change the environment during
// getenv(), and children replace their command line by a title.
__attribute__((constructor)) static void loaded(void) {
  if (getenv("USBIP_PRELOAD_PROBE")) { // the program must not run: the caller asks whether the library can be loaded
    ssize_t ignored = write(STDOUT_FILENO, PROBE_ANSWER, sizeof PROBE_ANSWER - 1);
    (void)ignored;
    _exit(0);
  }
  debugging = getenv("USBIP_PRELOAD_DEBUG");
  devices = getenv("USBIP_PRELOAD");
  const char *lifeline = getenv("USBIP_PRELOAD_LIFELINE");
  if ((devices || lifeline) && is_child()) devices = lifeline = NULL;
  if (lifeline) hold_lifeline(lifeline);
}

static void read_configuration(void) {
  if (!devices || !*devices) return;
  size_t most = 1;
  for (const char *c = devices; *c; c++) most += *c == ',';
  slots = calloc(most, sizeof *slots);
  char *list = strdup(devices), *rest = list, *one;
  if (!slots || !list) {
    fprintf(stderr, "usbip_preload: not enough memory for %zu devices\n", most);
    free(list);
    return;
  }
  while ((one = strsep(&rest, ","))) {
    if (parse_slot(one, &slots[slot_count]))
      slot_count++;
    else
      fprintf(stderr, "usbip_preload: USBIP_PRELOAD must be host:port/busid,..., not %s\n", devices);
  }
  free(list);
  if (!slot_count) return;
  activate();
  for (int i = 0; i < slot_count; i++) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, slot_thread, &slots[i]) == 0)
      pthread_detach(thread);
    else {
      fprintf(stderr, "usbip_preload: no thread for %s:%s/%s, so it is not plugged in\n", slots[i].address.host, slots[i].address.port, slots[i].address.busid);
      slots[i].tried = true;
    }
  }
}

bool start(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, read_configuration);
  if (!active()) return false;
  struct timespec limit;
  clock_gettime(CLOCK_REALTIME, &limit);
  limit.tv_sec += 3; // a server that does not answer must not block the browser
  pthread_mutex_lock(&mu);
  for (int i = 0; i < slot_count; i++)
    while (!slots[i].tried && pthread_cond_timedwait(&changed, &mu, &limit) == 0) {
    }
  pthread_mutex_unlock(&mu);
  return true;
}
