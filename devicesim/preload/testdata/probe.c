// A program that uses libudev and usbfs as a browser does. For each line with a
// command it writes one line with the answer:
//
//   list              the devnodes and serial numbers that udev enumerates
//   open N            the descriptor of the N-th of them, or an error
//   ways N            the functions of the C library that do not open its devnode and its descriptors
//   descriptors N     the length of its sysfs file in bytes
//   claim FD I, release FD I, setconf FD V, halt FD EP, reset FD, driver FD I
//   in FD LEN         submits an IN transfer; its buffer is followed by guard bytes
//   out FD LEN        submits an OUT transfer
//   reap FD           waits for a transfer that has ended: status, length, whether the guard bytes are intact
//   idle FD           1 if there is nothing to reap, else 0
//   discard FD        the transfer that was submitted last
//   forget FD         discards it and frees its memory
//   ended FD          waits until there is something to reap
//   begin ...         claim or in, in another thread
//   end               the answer of that thread
//   close FD
//   event             waits for the next udev event
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/usbdevice_fs.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "udev.h"

enum { GUARD = 4096 };
static struct udev *udev;
static struct usbdevfs_urb *last;
static struct usbdevfs_urb *forgotten; // freed; must not be used any more

// Opens a file by each function that a program may be linked to: with a mode or without, with 64 bits, relative to a folder, and those that
// a compiler puts in their place with _FORTIFY_SOURCE. Prints the functions that fail, or are not there.
static void open_by_all(const char *path, int flags) {
  const char *names[] = {"open", "open64", "__open_2", "__open64_2", "openat", "openat64", "__openat_2", "__openat64_2"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    void *f = dlsym(RTLD_DEFAULT, names[i]);
    if (!f) {
      printf("%s:none ", names[i]);
      continue;
    }
    int fd = strstr(names[i], "at") ? ((int (*)(int, const char *, int, ...))f)(AT_FDCWD, path, flags) : ((int (*)(const char *, int, ...))f)(path, flags);
    if (fd < 0) printf("%s ", names[i]);
    else close(fd);
  }
}

// Returns the N-th device of the library, from 1 on, or NULL. 0 prints all of them.
static struct udev_device *nth(int n) {
  struct udev_device *found = NULL;
  struct udev_enumerate *e = udev_enumerate_new(udev);
  udev_enumerate_add_match_subsystem(e, "usb");
  udev_enumerate_scan_devices(e);
  int i = 0;
  for (struct udev_list_entry *l = udev_enumerate_get_list_entry(e); l; l = udev_list_entry_get_next(l)) {
    struct udev_device *d = udev_device_new_from_syspath(udev, udev_list_entry_get_name(l));
    const char *node = d ? udev_device_get_devnode(d) : NULL;
    if (!node || !strstr(node, "usbip-preload-")) {
      if (d) udev_device_unref(d);
      continue;
    }
    if (n == 0) printf("%s ", udev_device_get_sysattr_value(d, "serial"));
    if (++i == n)
      found = d;
    else
      udev_device_unref(d);
  }
  udev_enumerate_unref(e);
  return found;
}

static size_t size_of(int length) { return sizeof(struct usbdevfs_urb) + (size_t)length + GUARD; }

static struct usbdevfs_urb *transfer(int endpoint, int length) {
  struct usbdevfs_urb *u = mmap(NULL, size_of(length), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  unsigned char *b = (unsigned char *)(u + 1);
  memset(b, 0x5A, (size_t)length + GUARD);
  u->type = USBDEVFS_URB_TYPE_BULK;
  u->endpoint = (unsigned char)endpoint;
  u->buffer = b;
  u->buffer_length = length;
  return last = u;
}

static void result(int r) {
  if (r < 0)
    printf("%s\n", strerrorname_np(errno));
  else
    printf("%d\n", r);
}

static void reap(int fd) {
  struct usbdevfs_urb *u = NULL;
  struct pollfd p = {.fd = fd, .events = POLLOUT};
  if (poll(&p, 1, 20000) != 1) {
    printf("nothing\n");
    return;
  }
  if (ioctl(fd, USBDEVFS_REAPURBNDELAY, &u)) {
    result(-1);
    return;
  }
  if (u == forgotten) {
    printf("forgotten\n");
    return;
  }
  int intact = 1;
  for (int i = 0; i < GUARD; i++) intact &= ((unsigned char *)u->buffer)[u->buffer_length + i] == 0x5A;
  printf("status %d length %d %s\n", u->status, u->actual_length, intact ? "intact" : "OVERRUN");
  munmap(u, size_of(u->buffer_length));
}

static struct call {
  pthread_t thread;
  int fd, n, result, error;
  char what[32];
} call;

static void *make_call(void *unused) {
  (void)unused;
  call.result = !strcmp(call.what, "claim") ? ioctl(call.fd, USBDEVFS_CLAIMINTERFACE, &call.n)
                                            : ioctl(call.fd, USBDEVFS_SUBMITURB, transfer(0x85, call.n));
  call.error = errno;
  return NULL;
}

int main(int argc, char **argv) {
  char line[128], command[32];
  // A browser's child replaces its command line by a title without separators.
  for (char *c = argv[0]; c < argv[argc - 1]; c++)
    if (!*c) *c = ' ';
  udev = udev_new();
  struct udev_monitor *monitor = udev_monitor_new_from_netlink(udev, "udev");
  udev_monitor_filter_add_match_subsystem_devtype(monitor, "usb", "usb_device");
  udev_monitor_enable_receiving(monitor);
  while (fgets(line, sizeof line, stdin)) {
    int fd = 0, n = 0;
    if (sscanf(line, "%31s %d %d", command, &fd, &n) < 1) continue;
    if (!strcmp(command, "list")) {
      nth(0);
      printf("\n");
    } else if (!strcmp(command, "open")) {
      struct udev_device *d = nth(fd);
      errno = ENODEV;
      result(d ? open(udev_device_get_devnode(d), O_RDWR) : -1);
      if (d) udev_device_unref(d);
    } else if (!strcmp(command, "ways")) {
      char path[256];
      struct udev_device *d = nth(fd);
      if (d) {
        open_by_all(udev_device_get_devnode(d), O_RDWR);
        snprintf(path, sizeof path, "%s/descriptors", udev_device_get_syspath(d));
        open_by_all(path, O_RDONLY);
        udev_device_unref(d);
      }
      open_by_all("/dev/null", O_RDONLY);
      printf(".\n");
    } else if (!strcmp(command, "descriptors")) {
      char path[256], b[4096];
      struct udev_device *d = nth(fd);
      snprintf(path, sizeof path, "%s/descriptors", d ? udev_device_get_syspath(d) : "");
      FILE *f = fopen(path, "r");
      result(f ? (int)fread(b, 1, sizeof b, f) : -1);
      if (f) fclose(f);
      if (d) udev_device_unref(d);
    } else if (!strcmp(command, "claim")) {
      result(ioctl(fd, USBDEVFS_CLAIMINTERFACE, &n));
    } else if (!strcmp(command, "release")) {
      result(ioctl(fd, USBDEVFS_RELEASEINTERFACE, &n));
    } else if (!strcmp(command, "setconf")) {
      result(ioctl(fd, USBDEVFS_SETCONFIGURATION, &n));
    } else if (!strcmp(command, "halt")) {
      result(ioctl(fd, USBDEVFS_CLEAR_HALT, &n));
    } else if (!strcmp(command, "reset")) {
      result(ioctl(fd, USBDEVFS_RESET, NULL));
    } else if (!strcmp(command, "driver")) {
      struct usbdevfs_getdriver g = {.interface = (unsigned)n};
      int r = ioctl(fd, USBDEVFS_GETDRIVER, &g);
      if (r)
        result(r);
      else
        printf("%s\n", g.driver);
    } else if (!strcmp(command, "in")) {
      result(ioctl(fd, USBDEVFS_SUBMITURB, transfer(0x85, n)));
    } else if (!strcmp(command, "out")) {
      result(ioctl(fd, USBDEVFS_SUBMITURB, transfer(0x04, n)));
    } else if (!strcmp(command, "discard")) {
      result(ioctl(fd, USBDEVFS_DISCARDURB, last));
    } else if (!strcmp(command, "forget")) {
      forgotten = last;
      result(ioctl(fd, USBDEVFS_DISCARDURB, forgotten));
      mprotect(forgotten, size_of(forgotten->buffer_length), PROT_NONE);
    } else if (!strcmp(command, "ended")) {
      struct pollfd p = {.fd = fd, .events = POLLOUT};
      result(poll(&p, 1, 20000) == 1);
    } else if (sscanf(line, "begin %31s %d %d", call.what, &call.fd, &call.n) == 3) {
      result(pthread_create(&call.thread, NULL, make_call, NULL));
    } else if (!strcmp(command, "end")) {
      pthread_join(call.thread, NULL);
      errno = call.error;
      result(call.result);
    } else if (!strcmp(command, "idle")) {
      struct pollfd p = {.fd = fd, .events = POLLOUT};
      result(poll(&p, 1, 0) == 0);
    } else if (!strcmp(command, "reap")) {
      reap(fd);
    } else if (!strcmp(command, "close")) {
      result(close(fd));
    } else if (!strcmp(command, "event")) {
      struct pollfd p = {.fd = udev_monitor_get_fd(monitor), .events = POLLIN};
      if (poll(&p, 1, 20000) == 1) {
        struct udev_device *d = udev_monitor_receive_device(monitor);
        printf("%s %s\n", udev_device_get_action(d), udev_device_get_sysattr_value(d, "serial"));
        udev_device_unref(d);
      } else {
        printf("nothing\n");
      }
    } else {
      printf("what?\n");
    }
    fflush(stdout);
  }
  return 0;
}
