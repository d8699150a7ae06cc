#include "base.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
bool debugging;

static _Atomic pid_t owner; // the process that has devices, or 0

void activate(void) { owner = getpid(); }

bool active(void) { return owner && owner == getpid(); }

void *real(const char *name) {
  void *f = dlsym(RTLD_NEXT, name);
  if (!f) {
    fprintf(stderr, "usbip_preload: there is no function %s to replace\n", name);
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
