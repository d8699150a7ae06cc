// open, close, ioctl and fopen as the browser calls them. The library has two kinds
// of files: the node of a device, and the file "descriptors" under its sysfs path.
// Calls for other files are passed to the C library.
#include "base.h"
#include "handle.h"
#include "plug.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

static bool is_ours(const char *path) {
  return path && active() &&
         (!strncmp(path, DEVNODE_PREFIX, strlen(DEVNODE_PREFIX)) || !strncmp(path, SYSPATH_PREFIX, strlen(SYSPATH_PREFIX)));
}

// find returns the device with a path, with a reference, or NULL if it is gone.
static struct device *find(const char *path, const char *suffix, size_t field) {
  struct device *found = NULL;
  pthread_mutex_lock(&mu);
  for (int i = 0; i < slot_count && !found; i++) {
    struct device *d = slots[i].now;
    if (!d) continue;
    const char *name = (const char *)d + field;
    size_t n = strlen(name);
    if (!strncmp(path, name, n) && !strcmp(path + n, suffix)) {
      found = d;
      device_ref(d);
    }
  }
  pthread_mutex_unlock(&mu);
  return found;
}

static int open_node(struct device *d) {
  if (device_access(d) & ACCESS_DENIED) return -EACCES;
  pthread_mutex_lock(&mu);
  int fd = d->alive ? handle_open(d) : -ENODEV;
  pthread_mutex_unlock(&mu);
  return fd;
}

static int open_descriptors(const struct device *d) {
  int fd = memfd_create("descriptors", MFD_CLOEXEC);
  if (fd < 0) return -errno;
  if (write(fd, d->descriptors, (size_t)d->descriptors_len) != d->descriptors_len || lseek(fd, 0, SEEK_SET)) {
    close(fd);
    return -EIO;
  }
  return fd;
}

static int open_ours(const char *path) {
  int fd = -ENOENT;
  struct device *d = find(path, "", offsetof(struct device, devnode));
  if (d) {
    fd = open_node(d);
  } else if ((d = find(path, "/descriptors", offsetof(struct device, syspath)))) {
    fd = open_descriptors(d);
  }
  if (d) {
    pthread_mutex_lock(&mu);
    device_unref(d);
    pthread_mutex_unlock(&mu);
  }
  debug("open %s: %d", path, fd);
  if (fd >= 0) return fd;
  errno = -fd;
  return -1;
}

// READ_MODE reads the mode, which is there for a new file alone.
#define READ_MODE                                                      \
  mode_t mode = 0;                                                     \
  if ((flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE) {         \
    va_list arguments;                                                 \
    va_start(arguments, flags);                                        \
    mode = va_arg(arguments, mode_t);                                  \
    va_end(arguments);                                                 \
  }

#define FORWARD_OPEN(name)                                             \
  EXPORT int name(const char *path, int flags, ...) {                  \
    READ_MODE                                                          \
    if (is_ours(path)) return open_ours(path);                         \
    REAL(int, name, const char *, int, ...);                           \
    return next(path, flags, mode);                                    \
  }
FORWARD_OPEN(open)
FORWARD_OPEN(open64)

// The library's paths are absolute, so that the folder does not matter.
#define FORWARD_OPENAT(name)                                           \
  EXPORT int name(int folder, const char *path, int flags, ...) {      \
    READ_MODE                                                          \
    if (is_ours(path)) return open_ours(path);                         \
    REAL(int, name, int, const char *, int, ...);                      \
    return next(folder, path, flags, mode);                            \
  }
FORWARD_OPENAT(openat)
FORWARD_OPENAT(openat64)

// A Chromium that is built with _FORTIFY_SOURCE calls these in their place where it gives no mode.
#define FORWARD_OPEN_2(name)                                           \
  EXPORT int name(const char *path, int flags);                        \
  EXPORT int name(const char *path, int flags) {                       \
    if (is_ours(path)) return open_ours(path);                         \
    REAL(int, name, const char *, int);                                \
    return next(path, flags);                                          \
  }
FORWARD_OPEN_2(__open_2)
FORWARD_OPEN_2(__open64_2)

#define FORWARD_OPENAT_2(name)                                         \
  EXPORT int name(int folder, const char *path, int flags);            \
  EXPORT int name(int folder, const char *path, int flags) {           \
    if (is_ours(path)) return open_ours(path);                         \
    REAL(int, name, int, const char *, int);                           \
    return next(folder, path, flags);                                  \
  }
FORWARD_OPENAT_2(__openat_2)
FORWARD_OPENAT_2(__openat64_2)

#define FORWARD_FOPEN(name)                                            \
  EXPORT FILE *name(const char *path, const char *mode) {              \
    if (is_ours(path)) {                                               \
      int fd = open_ours(path);                                        \
      return fd < 0 ? NULL : fdopen(fd, mode);                         \
    }                                                                  \
    REAL(FILE *, name, const char *, const char *);                    \
    return next(path, mode);                                           \
  }
FORWARD_FOPEN(fopen)
FORWARD_FOPEN(fopen64)

// Chromium has its own close(), which calls __close().
#define FORWARD_CLOSE(name)                                            \
  EXPORT int name(int fd);                                             \
  EXPORT int name(int fd) {                                            \
    handle_close(fd);                                                  \
    REAL(int, name, int);                                              \
    return next(fd);                                                   \
  }
FORWARD_CLOSE(close)
FORWARD_CLOSE(__close)

EXPORT int ioctl(int fd, unsigned long request, ...) {
  va_list arguments;
  va_start(arguments, request);
  void *argument = va_arg(arguments, void *);
  va_end(arguments);
  struct handle *h = _IOC_TYPE(request) == 'U' ? handle_get(fd) : NULL;
  if (!h) {
    REAL(int, ioctl, int, unsigned long, ...);
    return next(fd, request, argument);
  }
  int result = handle_ioctl(h, request, argument);
  handle_put(h);
  if (result >= 0) return result;
  errno = -result;
  return -1;
}
