#include "plug.h"

#include "base.h"
#include "handle.h"
#include "objects.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct slot *slots;
int slot_count;

// complete ends a transfer. mu held.
static void complete(struct urb *u, int status) {
  if (u->own) {
    u->status = status;
    u->done = true;
    pthread_cond_broadcast(&changed);
  } else if (u->handle) {
    handle_complete(u, status);
  } else {
    urb_free(u); // its handle is closed
  }
}

// receive_data reads the data of an answer into u, up to its capacity. If the server
// sends more, the status is -EOVERFLOW, as for a device that babbles.
static bool receive_data(int socket, struct urb *u, uint32_t n, int *status) {
  uint32_t fits = n < (uint32_t)u->capacity ? n : (uint32_t)u->capacity;
  u->actual = (int)fits;
  if (n > fits) *status = -EOVERFLOW;
  if (!u->in) return true; // n is the number of bytes sent, and no data follows
  if (n > 16 * MAX_TRANSFER || !receive(socket, u->data, fits)) return false;
  for (uint8_t rest[4096]; n > fits;) {
    uint32_t part = n - fits < sizeof rest ? n - fits : (uint32_t)sizeof rest;
    if (!receive(socket, rest, part)) return false;
    n -= part;
  }
  return true;
}

// answer reads one answer. It returns false if the connection is gone or the answer is wrong.
static bool answer(struct device *d) {
  uint8_t h[HEADER_SIZE];
  if (!receive(d->connection.socket, h, sizeof h)) return false;
  uint32_t command = get32(h), seq = get32(h + 4);
  int status = (int)get32(h + 20);
  if (command != RET_SUBMIT && command != RET_UNLINK) return false;
  pthread_mutex_lock(&mu);
  struct urb *u = urb_take(d, seq, command == RET_UNLINK);
  d->receiving = u;
  pthread_mutex_unlock(&mu);
  if (command == RET_UNLINK) status = -ENOENT; // the status of a URB that was killed
  // RET_UNLINK with status 0 means that the transfer was answered before: then u is
  // NULL. An answer to no request cannot be skipped, because only the request says
  // whether data follows.
  if (!u) return command == RET_UNLINK;
  // u is on no list now, so only this thread uses its data. If its handle is closed
  // meanwhile, handle_close finds u as d->receiving.
  bool ok = command == RET_UNLINK || receive_data(d->connection.socket, u, get32(h + 24), &status);
  pthread_mutex_lock(&mu);
  d->receiving = NULL;
  complete(u, ok ? status : -ESHUTDOWN);
  pthread_mutex_unlock(&mu);
  return ok;
}

// early_control makes a control transfer before the device is announced, when no other thread uses the socket.
static int early_control(struct device *d, uint8_t type, uint8_t request, uint16_t value, uint16_t index, uint8_t *data,
                         uint16_t length) {
  const uint8_t setup[8] = {type,          request,           value & 0xFF,  value >> 8,
                            index & 0xFF, index >> 8, length & 0xFF, length >> 8};
  struct urb u = {.in = type & 0x80, .capacity = length, .data = data};
  uint8_t h[HEADER_SIZE];
  uint32_t seq = device_next_seq(d);
  if (!send_submission(&d->connection, seq, new_submission(u.in, 0, 0, setup, data, length)) || !receive(d->connection.socket, h, sizeof h) ||
      get32(h) != RET_SUBMIT || get32(h + 4) != seq)
    return -EPROTO;
  int status = (int)get32(h + 20);
  if (!receive_data(d->connection.socket, &u, get32(h + 24), &status)) return -EPROTO;
  return status ? status : u.actual;
}

// read_string reads a string descriptor as UTF-8, or "" if the device has none.
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

// read_interfaces reads the interfaces and their endpoints from a configuration descriptor.
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

// enumerate reads the descriptors of a new device and sets its configuration, as the kernel does.
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

// plug returns a device that is connected and enumerated, or NULL.
static struct device *plug(const struct slot *slot) {
  static int counter;
  uint32_t devid = 0;
  int s = import(&slot->address, &devid);
  if (s < 0) return NULL;
  struct device *d = calloc(1, sizeof *d);
  if (!d) {
    close(s);
    return NULL;
  }
  pthread_mutex_init(&d->connection.writing, NULL);
  d->refs = 1;
  d->connection.socket = s;
  d->connection.devid = devid;
  if (!enumerate(d)) {
    debug("%s: cannot be enumerated", slot->address.busid);
    close(s);
    pthread_mutex_destroy(&d->connection.writing);
    free(d);
    return NULL;
  }
  struct timeval forever = {0};
  setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &forever, sizeof forever);
  pthread_mutex_lock(&mu);
  d->number = ++counter; // as in the kernel, a device that is plugged in again has a new number
  pthread_mutex_unlock(&mu);
  snprintf(d->sysname, sizeof d->sysname, "%s", slot->address.busid);
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
    announce(d, "add"); // to the current monitors; later ones enumerate
  }
  slot->tried = true;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&mu);
}

static void sleep_ms(int ms) {
  struct timespec pause = {.tv_nsec = ms * 1000000L};
  nanosleep(&pause, NULL);
}

// unplug ends the pending transfers of a device whose connection is gone, as when its cable is unplugged.
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
  // On Linux transfers fail first, and the event comes later from the udev daemon. If
  // both came at once, the browser would report its reads as aborted.
  sleep_ms(20);
  pthread_mutex_lock(&mu);
  announce(d, "remove");
  pthread_mutex_unlock(&mu);
  pthread_mutex_lock(&d->connection.writing); // a thread that writes gets an error, and does not write to another file
  int s = d->connection.socket;
  d->connection.socket = -1;
  pthread_mutex_unlock(&d->connection.writing);
  close(s);
  pthread_mutex_lock(&mu);
  device_unref(d);
  pthread_mutex_unlock(&mu);
}

void *slot_thread(void *argument) {
  struct slot *slot = argument;
  enum { FIRST_MS = 10, LAST_MS = 100 };
  for (int wait = FIRST_MS;;) {
    struct device *d = plug(slot);
    set_current(slot, d);
    if (d) {
      debug("%s plugged in as %s", slot->address.busid, d->devnode);
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
