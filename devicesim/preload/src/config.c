// The environment variable, start-up, and the functions that the library stands in front of.
#include "preload.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
struct slot *slots;
int slot_count;

static _Atomic pid_t owner; // the process that start() has started in; 0: none
static const char *devices; // the environment variable; NULL: none, or not for this process
static bool debugging;

void *real(const char *name) {
  void *f = dlsym(RTLD_NEXT, name);
  if (!f) {
    fprintf(stderr, "usbip_preload: no %s to stand in front of\n", name);
    abort();
  }
  return f;
}

void debug(const char *format, ...) {
  if (!debugging) return;
  char line[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  fprintf(stderr, "usbip_preload: %s\n", line);
}

// "host:port/busid", host perhaps in brackets
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
  return snprintf(s->host, sizeof s->host, "%s", text) < (int)sizeof s->host &&
         snprintf(s->port, sizeof s->port, "%s", colon + 1) < (int)sizeof s->port &&
         snprintf(s->busid, sizeof s->busid, "%s", slash + 1) < (int)sizeof s->busid;
}

// A browser's children (renderers, the zygote, the crash handler) inherit the
// environment; the devices belong to the browser process alone.
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

// Before main(), because later other threads may change the environment under
// getenv(), and children have put a title where their command line was.
__attribute__((constructor)) static void loaded(void) {
  debugging = getenv("USBIP_PRELOAD_DEBUG");
  devices = getenv("USBIP_PRELOAD");
  if (devices && is_child()) devices = NULL;
}

static void read_configuration(void) {
  if (!devices || !*devices) return;
  size_t most = 1;
  for (const char *c = devices; *c; c++) most += *c == ',';
  slots = calloc(most, sizeof *slots);
  char *list = strdup(devices), *rest = list, *one;
  if (!slots || !list) {
    fprintf(stderr, "usbip_preload: no memory for %zu devices\n", most);
    free(list);
    return;
  }
  while ((one = strsep(&rest, ","))) {
    if (parse_slot(one, &slots[slot_count]))
      slot_count++;
    else
      fprintf(stderr, "usbip_preload: USBIP_PRELOAD wants host:port/busid,... and has %s\n", devices);
  }
  free(list);
  if (!slot_count) return;
  owner = getpid();
  for (int i = 0; i < slot_count; i++) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, slot_thread, &slots[i]) == 0)
      pthread_detach(thread);
    else {
      fprintf(stderr, "usbip_preload: no thread for %s:%s/%s, which is not plugged in\n", slots[i].host, slots[i].port, slots[i].busid);
      slots[i].tried = true;
    }
  }
}

bool active(void) { return owner && owner == getpid(); } // a forked child is another process

bool start(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, read_configuration);
  if (!active()) return false;
  struct timespec limit;
  clock_gettime(CLOCK_REALTIME, &limit);
  limit.tv_sec += 3; // a server that does not answer must not hold up the browser
  pthread_mutex_lock(&mu);
  for (int i = 0; i < slot_count; i++)
    while (!slots[i].tried && pthread_cond_timedwait(&changed, &mu, &limit) == 0) {
    }
  pthread_mutex_unlock(&mu);
  return true;
}
