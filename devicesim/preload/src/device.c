// A device that is plugged in: how it gets there, what is known of it, the
// transfers on their way, and the thread that takes in the answers.
#include "preload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

void device_ref(struct device *d) { d->refs++; }

void device_unref(struct device *d) {
  if (--d->refs) return;
  pthread_mutex_destroy(&d->writing);
  free(d);
}

struct urb *urb_new(int capacity) {
  struct urb *u = calloc(1, sizeof *u);
  if (u && capacity && !(u->data = calloc(1, (size_t)capacity))) {
    free(u);
    return NULL;
  }
  if (u) u->capacity = capacity;
  return u;
}

void urb_free(struct urb *u) {
  if (!u) return;
  free(u->data);
  free(u);
}

static uint32_t next_seq(struct device *d) {
  if (++d->seq == 0) ++d->seq; // 0 means "not unlinked"
  return d->seq;
}

bool urb_add(struct device *d, struct urb *u) {
  if (!d->alive) return false;
  u->seq = next_seq(d);
  u->next = d->pending;
  d->pending = u;
  return true;
}

uint32_t urb_unlink(struct device *d, struct urb *u) {
  if (u->unlink_seq || !d->alive) return 0;
  return u->unlink_seq = next_seq(d);
}

// Takes the transfer with this number (of its submission, or of its unlinking) off the pending ones; mu held.
static struct urb *take(struct device *d, uint32_t seq, bool unlinked) {
  for (struct urb **p = &d->pending; *p; p = &(*p)->next) {
    struct urb *u = *p;
    if ((unlinked ? u->unlink_seq : u->seq) == seq) {
      *p = u->next;
      return u;
    }
  }
  return NULL;
}

// The transfer has ended; mu held.
static void complete(struct urb *u, int status) {
  if (u->own) {
    u->status = status;
    u->done = true;
    pthread_cond_broadcast(&changed);
  } else if (u->handle) {
    handle_complete(u, status);
  } else {
    urb_free(u); // nobody waits for it any more
  }
}

// Reads the data of an answer into u, never more than there is room for. A server
// that sends more gets the status that a babbling device gets: -EOVERFLOW.
static bool receive_data(int socket, struct urb *u, uint32_t n, int *status) {
  uint32_t fits = n < (uint32_t)u->capacity ? n : (uint32_t)u->capacity;
  u->actual = (int)fits;
  if (n > fits) *status = -EOVERFLOW;
  if (!u->in) return true; // then n is a count and no data follows
  if (n > 16 * MAX_TRANSFER || !receive(socket, u->data, fits)) return false;
  for (uint8_t rest[4096]; n > fits;) {
    uint32_t part = n - fits < sizeof rest ? n - fits : (uint32_t)sizeof rest;
    if (!receive(socket, rest, part)) return false;
    n -= part;
  }
  return true;
}

// Takes in one answer; false when the connection is gone or makes no sense any more.
static bool answer(struct device *d) {
  uint8_t h[HEADER_SIZE];
  if (!receive(d->socket, h, sizeof h)) return false;
  uint32_t command = get32(h), seq = get32(h + 4);
  int status = (int)get32(h + 20);
  if (command != RET_SUBMIT && command != RET_UNLINK) return false;
  pthread_mutex_lock(&mu);
  struct urb *u = take(d, seq, command == RET_UNLINK);
  d->receiving = u;
  pthread_mutex_unlock(&mu);
  if (command == RET_UNLINK) status = -ENOENT; // what a killed URB ends with
  // Status 0 of an unlinking means that the answer came before it: then u is gone. An
  // answer to nothing cannot be skipped, as only the question says whether data follows.
  if (!u) return command == RET_UNLINK;
  // u is on no list now, so that its data is this thread's alone; should its handle be
  // closed meanwhile, handle_close finds it as d->receiving.
  bool ok = command == RET_UNLINK || receive_data(d->socket, u, get32(h + 24), &status);
  pthread_mutex_lock(&mu);
  d->receiving = NULL;
  complete(u, ok ? status : -ESHUTDOWN);
  pthread_mutex_unlock(&mu);
  return ok;
}

// One control transfer before the device is announced, when nobody else uses the socket.
static int early_control(struct device *d, uint8_t type, uint8_t request, uint16_t value, uint16_t index, uint8_t *data,
                         uint16_t length) {
  const uint8_t setup[8] = {type,          request,           value & 0xFF,  value >> 8,
                            index & 0xFF, index >> 8, length & 0xFF, length >> 8};
  struct urb u = {.in = type & 0x80, .capacity = length, .data = data};
  uint8_t h[HEADER_SIZE];
  uint32_t seq = next_seq(d);
  if (!send_submission(d, seq, new_submission(u.in, 0, 0, setup, data, length)) || !receive(d->socket, h, sizeof h) ||
      get32(h) != RET_SUBMIT || get32(h + 4) != seq)
    return -EPROTO;
  int status = (int)get32(h + 20);
  if (!receive_data(d->socket, &u, get32(h + 24), &status)) return -EPROTO;
  return status ? status : u.actual;
}

// A string descriptor as UTF-8; "" when the device has none.
static void read_string(struct device *d, uint8_t index, char *text, size_t size) {
  uint8_t b[255];
  int n = index ? early_control(d, 0x80, 6, 0x0300 | index, 0x0409, b, sizeof b) : 0;
  size_t o = 0;
  for (int i = 2; i + 1 < n; i += 2) {
    uint32_t c = b[i] | (uint32_t)b[i + 1] << 8;
    if (c >= 0xD800 && c < 0xDC00 && i + 3 < n) { // a surrogate pair
      uint32_t low = b[i + 2] | (uint32_t)b[i + 3] << 8;
      c = 0x10000 + ((c - 0xD800) << 10) + ((low - 0xDC00) & 0x3FF);
      i += 2;
    }
    if (o + 5 > size) break;
    if (c < 0x80) {
      text[o++] = (char)c;
    } else if (c < 0x800) {
      text[o++] = (char)(0xC0 | c >> 6);
      text[o++] = (char)(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
      text[o++] = (char)(0xE0 | c >> 12);
      text[o++] = (char)(0x80 | (c >> 6 & 0x3F));
      text[o++] = (char)(0x80 | (c & 0x3F));
    } else {
      text[o++] = (char)(0xF0 | c >> 18);
      text[o++] = (char)(0x80 | (c >> 12 & 0x3F));
      text[o++] = (char)(0x80 | (c >> 6 & 0x3F));
      text[o++] = (char)(0x80 | (c & 0x3F));
    }
  }
  text[o] = 0;
}

// Which endpoint belongs to which interface, out of a configuration descriptor.
static bool read_interfaces(struct device *d, const uint8_t *c, int n) {
  int interface = -1;
  memset(d->endpoint_interface, -1, sizeof d->endpoint_interface);
  for (int i = 0; i < n; i += c[i]) {
    if (c[i] < 2 || i + c[i] > n) return false;
    if (c[i + 1] == 4 && c[i] >= 9) {
      interface = c[i + 2];
      if (interface >= MAX_INTERFACES) return false;
      d->interface_class[interface] = c[i + 5];
    } else if (c[i + 1] == 5 && c[i] >= 7 && interface >= 0) {
      d->endpoint_interface[c[i + 2]] = (int8_t)interface;
    }
  }
  return true;
}

// What the kernel does when a device appears: read its descriptors, pick a configuration.
static bool enumerate(struct device *d) {
  uint8_t *b = d->descriptors, head[9];
  if (early_control(d, 0x80, 6, 0x0100, 0, b, 18) != 18) return false;
  d->descriptors_len = 18;
  for (int i = 0; i < b[17]; i++) {
    if (early_control(d, 0x80, 6, (uint16_t)(0x0200 | i), 0, head, sizeof head) != sizeof head) return false;
    int n = head[2] | head[3] << 8;
    if (n < 9 || n > DESCRIPTORS_MAX - d->descriptors_len) return false;
    uint8_t *c = b + d->descriptors_len;
    if (early_control(d, 0x80, 6, (uint16_t)(0x0200 | i), 0, c, (uint16_t)n) != n) return false;
    if (i == 0) {
      snprintf(d->configuration, sizeof d->configuration, "%u", c[5]);
      if (!read_interfaces(d, c, n)) return false;
    }
    d->descriptors_len += n;
  }
  read_string(d, b[14], d->manufacturer, sizeof d->manufacturer);
  read_string(d, b[15], d->product, sizeof d->product);
  read_string(d, b[16], d->serial, sizeof d->serial);
  return early_control(d, 0x00, 9, (uint16_t)atoi(d->configuration), 0, NULL, 0) == 0;
}

// A connected, enumerated device, or NULL.
static struct device *plug(const struct slot *slot) {
  static int counter;
  uint32_t devid = 0;
  int s = import(slot, &devid);
  if (s < 0) return NULL;
  struct device *d = calloc(1, sizeof *d);
  if (!d) {
    close(s);
    return NULL;
  }
  pthread_mutex_init(&d->writing, NULL);
  d->refs = 1;
  d->socket = s;
  d->devid = devid;
  if (!enumerate(d)) {
    debug("%s: cannot be enumerated", slot->busid);
    close(s);
    pthread_mutex_destroy(&d->writing);
    free(d);
    return NULL;
  }
  struct timeval forever = {0};
  setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &forever, sizeof forever);
  pthread_mutex_lock(&mu);
  d->number = ++counter; // each plugging in is a device of its own, as the kernel numbers them
  pthread_mutex_unlock(&mu);
  snprintf(d->sysname, sizeof d->sysname, "%s", slot->busid);
  snprintf(d->syspath, sizeof d->syspath, SYSPATH_PREFIX "%d", d->number);
  snprintf(d->devnode, sizeof d->devnode, DEVNODE_PREFIX "%d", d->number);
  snprintf(d->number_text, sizeof d->number_text, "%d", d->number + 1);
  return d;
}

static void set_current(struct slot *slot, struct device *d) {
  pthread_mutex_lock(&mu);
  slot->now = d;
  if (d) {
    d->alive = true;
    announce(d, "add"); // to the monitors there are; later ones find it by enumerating
  }
  slot->tried = true;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&mu);
}

static void sleep_ms(int ms) {
  struct timespec pause = {.tv_nsec = ms * 1000000L};
  nanosleep(&pause, NULL);
}

// The connection is gone: everything pending ends as it does when a cable is pulled.
static void unplug(struct slot *slot, struct device *d) {
  pthread_mutex_lock(&mu);
  slot->now = NULL;
  d->alive = false;
  while (d->pending) {
    struct urb *u = d->pending;
    d->pending = u->next;
    complete(u, -ESHUTDOWN);
  }
  handles_gone(d);
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&mu);
  // Transfers fail first, then udev tells, by way of a daemon: the browser would see
  // reads of an unplugged device as aborted if it heard both at once.
  sleep_ms(20);
  pthread_mutex_lock(&mu);
  announce(d, "remove");
  pthread_mutex_unlock(&mu);
  pthread_mutex_lock(&d->writing); // whoever is writing sees an error rather than another file's descriptor
  int s = d->socket;
  d->socket = -1;
  pthread_mutex_unlock(&d->writing);
  close(s);
  pthread_mutex_lock(&mu);
  device_unref(d);
  pthread_mutex_unlock(&mu);
}

// Keeps one device plugged in for as long as there is a server that gives it out.
void *slot_thread(void *argument) {
  struct slot *slot = argument;
  enum { FIRST_MS = 10, LAST_MS = 100 };
  for (int wait = FIRST_MS;;) {
    struct device *d = plug(slot);
    set_current(slot, d);
    if (d) {
      debug("%s plugged in as %s", slot->busid, d->devnode);
      while (answer(d)) {
      }
      debug("%s is gone", d->devnode);
      unplug(slot, d);
      wait = FIRST_MS;
    }
    sleep_ms(wait);
    wait = wait * 2 < LAST_MS ? wait * 2 : LAST_MS;
  }
  return NULL;
}

// A control transfer of our own, as the kernel makes them: waits at most 5 s.
int device_control(struct device *d, uint8_t type, uint8_t request, uint16_t value, uint16_t index, uint8_t *data,
                   uint16_t length) {
  const uint8_t setup[8] = {type,          request,           value & 0xFF,  value >> 8,
                            index & 0xFF, index >> 8, length & 0xFF, length >> 8};
  struct urb *u = urb_new(length);
  uint8_t *submission = new_submission(type & 0x80, 0, 0, setup, data, length);
  if (!u || !submission) {
    free(submission);
    urb_free(u);
    return -ENOMEM;
  }
  u->own = true;
  u->in = type & 0x80;
  pthread_mutex_lock(&mu);
  if (!urb_add(d, u)) {
    pthread_mutex_unlock(&mu);
    free(submission);
    urb_free(u);
    return -ENODEV;
  }
  pthread_mutex_unlock(&mu);
  send_submission(d, u->seq, submission); // if that fails, the thread sees it too
  struct timespec limit;
  clock_gettime(CLOCK_REALTIME, &limit);
  limit.tv_sec += 5;
  pthread_mutex_lock(&mu);
  while (!u->done && pthread_cond_timedwait(&changed, &mu, &limit) == 0) {
  }
  if (!u->done) { // leave it to the thread, which frees it when its answer comes
    u->own = false;
    pthread_mutex_unlock(&mu);
    return -ETIMEDOUT;
  }
  pthread_mutex_unlock(&mu);
  int result = u->status ? u->status : u->actual;
  if (result > 0 && u->in) memcpy(data, u->data, (size_t)result);
  urb_free(u);
  return result == -ESHUTDOWN ? -ENODEV : result;
}

// What the simulator wants the operating system to say (package usbip); a server
// that does not know the question stalls it, and then everything is allowed.
int device_access(struct device *d) {
  uint8_t bits = 0;
  return device_control(d, 0xC3, 0x69, 0, 0, &bits, 1) == 1 ? bits : 0;
}
