// Uses the library in the worst way in which a browser may: in many threads at once, closing nodes during calls of other
// threads, freeing transfers as early as Linux allows, forking, and ending while the library's threads run. It is compiled
// together with the library, so that a sanitizer checks both.
//
//   stress ROUNDS     writes "again" when the test must unplug and plug in the devices, and "well" at its end
//   stress fault      makes a fault on purpose, which the sanitizer must report
//   stress claim      claims the interface of one node in two threads at once
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/usbdevice_fs.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../src/base.h"
#include "udev.h"

enum { USERS = 3, EACH = 8, SHARED = 4096 };
static struct udev *udev;
static int rounds;
static atomic_uint done, finished, reaped; // rounds, users, transfers
static atomic_int shared = -1;             // a node that other threads use too, also while it is closed

static struct transfer {
  struct usbdevfs_urb urb; // first, so that its address is the transfer's
  uint8_t data[64];
} forever[SHARED]; // transfers of the shared node, never freed, because any thread may reap them
static atomic_uint used;

static void fail(const char *what) {
  fprintf(stderr, "stress: %s\n", what);
  _exit(1);
}

// These replace functions that the library calls (ld --wrap). They give other threads time where a race is possible:
// while the library looks up a function, and after it has released a lock.
void *__real_dlsym(void *handle, const char *name);
void *__wrap_dlsym(void *handle, const char *name);
void *__wrap_dlsym(void *handle, const char *name) {
  poll(NULL, 0, 2);
  return __real_dlsym(handle, name);
}

int __real_pthread_mutex_unlock(pthread_mutex_t *lock);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *lock);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *lock) {
  static _Thread_local unsigned seed; // an atomic one would order the threads, and hide races
  int result = __real_pthread_mutex_unlock(lock);
  if (rand_r(&seed) % 16 == 0) usleep(1000);
  return result;
}

static bool over(void) { return finished == USERS; }

static int open_any(unsigned *seed) {
  char node[128] = "";
  struct udev_enumerate *e = udev_enumerate_new(udev);
  udev_enumerate_add_match_subsystem(e, "usb");
  for (struct udev_list_entry *l = udev_enumerate_get_list_entry(e); l; l = udev_list_entry_get_next(l)) {
    const char *path = udev_list_entry_get_name(l);
    if (!strstr(path, "usbip-preload-")) break;
    struct udev_device *d = udev_device_new_from_syspath(udev, path);
    if (!d) continue; // the device was unplugged
    snprintf(node, sizeof node, "%s", udev_device_get_devnode(d));
    udev_device_unref(d);
    if (rand_r(seed) % 2) break;
  }
  udev_enumerate_unref(e);
  return *node ? open(node, O_RDWR) : -1;
}

static bool submit(int fd, struct transfer *t, bool in) {
  t->urb.type = USBDEVFS_URB_TYPE_BULK;
  t->urb.endpoint = in ? 0x85 : 0x04;
  t->urb.buffer = t->data;
  t->urb.buffer_length = sizeof t->data;
  return !ioctl(fd, USBDEVFS_SUBMITURB, &t->urb);
}

// Uses its own node, as a tab does.
static void *user(void *argument) {
  unsigned seed = (unsigned)(uintptr_t)argument;
  struct udev_monitor *monitor = udev_monitor_new_from_netlink(udev, "udev");
  udev_monitor_filter_add_match_subsystem_devtype(monitor, "usb", "usb_device");
  udev_monitor_enable_receiving(monitor);
  for (int i = 0; i < rounds; i++) {
    int fd = open_any(&seed), zero = 0;
    struct pollfd event = {.fd = udev_monitor_get_fd(monitor), .events = POLLIN}, ended = {.fd = fd, .events = POLLOUT};
    if (poll(&event, 1, fd < 0 ? 20 : 0) == 1) {
      struct udev_device *d = udev_monitor_receive_device(monitor);
      if (!udev_device_get_sysattr_value(d, "serial")) fail("an event of a device without a serial number");
      udev_device_unref(d);
    }
    if (++done % 30 == 0) {
      printf("again\n");
      fflush(stdout);
    }
    if (fd < 0) continue;
    if (rand_r(&seed) % 2) shared = fd; // other threads reap from it too
    struct transfer *mine[EACH];
    struct usbdevfs_urb *u;
    ioctl(fd, USBDEVFS_CLAIMINTERFACE, &zero);
    for (int j = 0; j < EACH; j++) {
      mine[j] = calloc(1, sizeof *mine[j]);
      if (submit(fd, mine[j], rand_r(&seed) % 2)) continue;
      free(mine[j]);
      mine[j] = NULL;
    }
    poll(&ended, 1, rand_r(&seed) % 3);
    for (int j = 0; j < EACH; j++) {
      if (!mine[j] || rand_r(&seed) % 2) continue;
      ioctl(fd, USBDEVFS_DISCARDURB, &mine[j]->urb);
      free(mine[j]); // and reaps it later
      mine[j] = NULL;
    }
    bool leave = rand_r(&seed) % 4 == 0; // close the node with transfers that have ended
    while (!leave && !ioctl(fd, USBDEVFS_REAPURBNDELAY, &u)) {
      reaped++;
      for (int j = 0; j < EACH; j++) {
        if (!mine[j] || &mine[j]->urb != u) continue;
        free(mine[j]);
        mine[j] = NULL;
      }
    }
    if (rand_r(&seed) % 2) ioctl(fd, USBDEVFS_RELEASEINTERFACE, &zero);
    close(fd);
    for (int j = 0; j < EACH; j++) free(mine[j]);
  }
  udev_monitor_unref(monitor);
  finished++;
  return NULL;
}

static void *closer(void *argument) {
  for (unsigned seed = (unsigned)(uintptr_t)argument; !over();) {
    int fd = open_any(&seed);
    shared = fd;
    poll(NULL, 0, fd < 0 ? 20 : (int)(rand_r(&seed) % 2));
    if (fd >= 0) close(fd);
  }
  return NULL;
}

static void *caller(void *argument) {
  unsigned seed = (unsigned)(uintptr_t)argument;
  while (!over()) {
    int fd = shared, zero = 0;
    struct usbdevfs_urb *u;
    unsigned n = used < SHARED ? used++ : SHARED;
    if (n < SHARED) submit(fd, &forever[n], rand_r(&seed) % 2);
    if (n < SHARED && rand_r(&seed) % 2) ioctl(fd, USBDEVFS_DISCARDURB, &forever[n].urb);
    while (!ioctl(fd, USBDEVFS_REAPURBNDELAY, &u)) {
    }
    ioctl(fd, rand_r(&seed) % 2 ? USBDEVFS_CLAIMINTERFACE : USBDEVFS_RELEASEINTERFACE, &zero);
    poll(NULL, 0, 1);
  }
  return NULL;
}

// Opens files that get the descriptors of nodes that were just closed. The library must not write to them.
static void *bystander(void *argument) {
  (void)argument;
  while (!over()) {
    int ends[2];
    char c;
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK)) fail("no pipe");
    poll(NULL, 0, 1);
    if (read(ends[0], &c, 1) != -1 || errno != EAGAIN) fail("a thread has written into the file of another one");
    close(ends[0]);
    close(ends[1]);
  }
  return NULL;
}

static void *forker(void *argument) {
  (void)argument;
  while (!over()) {
    int status;
    pid_t child = fork();
    if (!child) {
      for (int fd = 3; fd < 64; fd++) close(fd);
      _exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status) fail("a child does not end well");
    poll(NULL, 0, 5);
  }
  return NULL;
}

// Uses memory that it has freed, as a fault in the library would: with a node open and the library's lock held.
static void fault(void) {
  unsigned seed = 1;
  if (open_any(&seed) < 0) fail("no node");
  volatile char *volatile freed = malloc(1);
  free((char *)freed);
  pthread_mutex_lock(&mu);
  *freed = 1;
  pthread_mutex_unlock(&mu);
}

static void *claimer(void *barrier) {
  for (int i = 0, zero = 0; i < 20; i++) {
    pthread_barrier_wait(barrier);
    if (ioctl(shared, USBDEVFS_CLAIMINTERFACE, &zero)) fail("the interface that a node has is busy for the same node");
    if (pthread_barrier_wait(barrier)) ioctl(shared, USBDEVFS_RELEASEINTERFACE, &zero); // in one of the two threads
  }
  return NULL;
}

static void claim(void) {
  unsigned seed = 1;
  pthread_barrier_t barrier;
  pthread_t other;
  shared = open_any(&seed);
  pthread_barrier_init(&barrier, NULL, 2);
  if (pthread_create(&other, NULL, claimer, &barrier)) fail("no thread");
  claimer(&barrier);
  pthread_join(other, NULL);
}

int main(int argc, char **argv) {
  void *(*others[])(void *) = {closer, caller, caller, bystander, bystander, forker};
  enum { OTHERS = sizeof others / sizeof *others };
  pthread_t threads[USERS + OTHERS];
  udev = udev_new();
  if (argc != 2) fail("one argument");
  if (!strcmp(argv[1], "fault")) {
    fault();
    return 0;
  }
  if (!strcmp(argv[1], "claim")) {
    claim();
    return 0;
  }
  rounds = atoi(argv[1]);
  for (uintptr_t i = 0; i < USERS + OTHERS; i++)
    if (pthread_create(&threads[i], NULL, i < USERS ? user : others[i - USERS], (void *)(i + 1))) fail("no thread");
  for (int i = 0; i < USERS + OTHERS; i++) pthread_join(threads[i], NULL);
  if (!reaped) fail("nothing was transferred");
  printf("well\n");
  return 0; // while the library's threads run
}
