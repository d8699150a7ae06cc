// What every file of the library needs: the lock, the C library's own functions, and the log.
#pragma once
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))

// mu guards all data of the library, except that connection.writing guards the
// socket of a connection. No function that may block is called with mu held, and
// neither is close.
extern pthread_mutex_t mu;
// changed is broadcast when a request of the library is answered, when the first
// attempt to plug in a slot is over, and when a device is gone.
extern pthread_cond_t changed;

// activate makes this process the one that has the devices.
void activate(void);
// active reports whether this process has devices. A forked child is another process.
bool active(void);
// real returns the next function with a name, which an exported function replaces.
void *real(const char *name);
// REAL declares next, a pointer to the function that real finds for a name. It is
// looked up once. The call needs a copy of the pointer, because GCC reads an _Atomic
// pointer as an ordinary one when it is called, which races with the lookup of another
// thread.
#define REAL(type, name, ...)                      \
  static type (*_Atomic found)(__VA_ARGS__);       \
  type (*next)(__VA_ARGS__) = found;               \
  if (!next) found = next = real(#name)
extern bool debugging;
// debug logs to standard error if debugging is set.
void debug(const char *format, ...) __attribute__((format(printf, 1, 2)));
