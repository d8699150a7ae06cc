#include "handle.h"

#include "base.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

static struct handle *handles;
static int handle_count; // read without mu, so that not every close() of the browser takes mu

static void set_writable(struct handle *h, bool writable) {
  if (h->fd < 0) return;
  uint64_t full = UINT64_MAX - 1, drained;
  // The descriptor does not block. An error means that it is in that state already.
  ssize_t ignored = writable ? read(h->fd, &drained, sizeof drained) : write(h->fd, &full, sizeof full);
  (void)ignored;
}

int handle_open(struct device *d) {
  struct handle *h = calloc(1, sizeof *h);
  if (!h) return -ENOMEM;
  h->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (h->fd < 0) {
    free(h);
    return -EMFILE;
  }
  h->refs = 1;
  h->device = d;
  device_ref(d);
  h->ready_end = &h->ready;
  h->next = handles;
  handles = h;
  __atomic_add_fetch(&handle_count, 1, __ATOMIC_SEQ_CST);
  set_writable(h, false);
  return h->fd;
}

struct handle *handle_get(int fd) {
  if (!__atomic_load_n(&handle_count, __ATOMIC_SEQ_CST) || !active()) return NULL;
  pthread_mutex_lock(&mu);
  struct handle *h = handles;
  while (h && h->fd != fd) h = h->next;
  if (h) h->refs++;
  pthread_mutex_unlock(&mu);
  return h;
}

static void put(struct handle *h) { // mu held
  if (--h->refs) return;
  while (h->ready) {
    struct urb *u = h->ready;
    h->ready = u->next;
    urb_free(u);
  }
  device_unref(h->device);
  free(h);
}

void handle_put(struct handle *h) {
  pthread_mutex_lock(&mu);
  put(h);
  pthread_mutex_unlock(&mu);
}

void handle_complete(struct urb *u, int status) {
  struct handle *h = u->handle;
  u->status = status;
  u->next = NULL;
  *h->ready_end = u;
  h->ready_end = &u->next;
  set_writable(h, true);
}

void handles_gone(struct device *d) {
  for (struct handle *h = handles; h; h = h->next)
    if (h->device == d) set_writable(h, true); // the browser reaps and gets ENODEV
}

// A CMD_UNLINK to send when mu is released.
struct unlinking {
  uint32_t seq, victim;
};

// kill_pending unlinks the handle's pending transfers on one interface, or all of
// them (-1). The browser reaps them with -ENOENT, unless the handle is being closed
// (orphan). It returns a list for send_all. mu held.
static struct unlinking *kill_pending(struct handle *h, int interface, bool orphan, int *count) {
  struct device *d = h->device;
  int n = 0;
  for (struct urb *u = d->pending; u; u = u->next) n++;
  struct unlinking *list = calloc((size_t)n + 1, sizeof *list);
  *count = 0;
  for (struct urb *u = d->pending; u; u = u->next) {
    if (u->handle != h || (interface >= 0 && d->endpoint_interface[u->endpoint] != interface)) continue;
    if (orphan) u->handle = NULL;
    uint32_t victim = u->seq, seq = list ? urb_unlink(d, u) : 0;
    if (seq) list[(*count)++] = (struct unlinking){seq, victim};
  }
  if (orphan && d->receiving && d->receiving->handle == h) d->receiving->handle = NULL;
  return list;
}

static void send_all(struct device *d, struct unlinking *list, int count) {
  for (int i = 0; i < count; i++) send_unlink(&d->connection, list[i].seq, list[i].victim);
  free(list);
}

void handle_close(int fd) {
  if (!__atomic_load_n(&handle_count, __ATOMIC_SEQ_CST) || !active()) return;
  int count, before = errno; // a close that succeeds does not change errno
  pthread_mutex_lock(&mu);
  struct handle **p = &handles;
  while (*p && (*p)->fd != fd) p = &(*p)->next;
  struct handle *h = *p;
  if (!h) {
    pthread_mutex_unlock(&mu);
    return;
  }
  struct device *d = h->device;
  *p = h->next;
  h->fd = -1; // another file may get the number soon
  __atomic_sub_fetch(&handle_count, 1, __ATOMIC_SEQ_CST);
  for (int i = 0; i < MAX_INTERFACES; i++)
    if (d->owner[i] == h) d->owner[i] = NULL;
  struct unlinking *list = kill_pending(h, -1, true, &count);
  device_ref(d);
  put(h); // the reference of the descriptor
  pthread_mutex_unlock(&mu);
  send_all(d, list, count);
  pthread_mutex_lock(&mu);
  device_unref(d);
  pthread_mutex_unlock(&mu);
  debug("closed, %d transfers killed", count);
  errno = before;
}

enum { CLASS_HID = 3 };

static int claim(struct handle *h, unsigned interface) {
  struct device *d = h->device;
  bool known = false;
  if (interface >= MAX_INTERFACES) return -EINVAL;
  for (int e = 0; e < 256; e++) known |= d->endpoint_interface[e] == (int)interface;
  if (!known) return -ENOENT;
  if (d->interface_class[interface] == CLASS_HID) return -EBUSY; // the kernel's driver has it
  pthread_mutex_lock(&mu);
  struct handle *owner = d->owner[interface];
  pthread_mutex_unlock(&mu);
  if (owner == h) return 0;
  if (owner || (device_access(d) & ACCESS_CLAIMED)) return -EBUSY;
  pthread_mutex_lock(&mu);
  owner = d->owner[interface]; // another thread may have claimed it meanwhile
  int result = owner && owner != h ? -EBUSY : !d->alive || h->fd < 0 ? -ENODEV : 0;
  if (!result) d->owner[interface] = h;
  pthread_mutex_unlock(&mu);
  return result;
}

static int release(struct handle *h, unsigned interface) {
  struct device *d = h->device;
  int count;
  pthread_mutex_lock(&mu);
  if (interface >= MAX_INTERFACES || d->owner[interface] != h) {
    pthread_mutex_unlock(&mu);
    return -EINVAL;
  }
  d->owner[interface] = NULL;
  struct unlinking *list = kill_pending(h, (int)interface, false, &count);
  pthread_mutex_unlock(&mu);
  send_all(d, list, count);
  return 0;
}

// claim_endpoint claims the interface of an endpoint if it is free, as Linux does.
static int claim_endpoint(struct handle *h, unsigned address) {
  int interface = address < 256 ? h->device->endpoint_interface[address] : -1;
  return interface < 0 ? -ENOENT : claim(h, (unsigned)interface);
}

// check_recipient returns 0 if the handle may send a control request, or -errno. A vendor request needs no claim.
static int check_recipient(struct handle *h, const uint8_t *setup) {
  enum { TYPE = 0x60, VENDOR = 0x40, RECIPIENT = 0x1F, INTERFACE = 1, ENDPOINT = 2 };
  unsigned index = setup[4];
  if ((setup[0] & TYPE) == VENDOR) return 0;
  if ((setup[0] & RECIPIENT) == INTERFACE) return claim(h, index);
  if ((setup[0] & RECIPIENT) == ENDPOINT && (index & 0x7F)) return claim_endpoint(h, index);
  return 0;
}

static int submit(struct handle *h, struct usbdevfs_urb *user) {
  struct device *d = h->device;
  const uint8_t *setup = NULL;
  uint8_t *data = user->buffer;
  uint8_t endpoint = user->endpoint;
  int length = user->buffer_length, refused;
  if (length < 0) return -EINVAL;
  switch (user->type) {
  case USBDEVFS_URB_TYPE_CONTROL:
    if (length < 8) return -EINVAL;
    setup = data;
    data += 8;
    length -= 8;
    if ((setup[6] | setup[7] << 8) > length) return -EINVAL;
    length = setup[6] | setup[7] << 8;
    endpoint = setup[0] & 0x80;
    refused = check_recipient(h, setup);
    break;
  case USBDEVFS_URB_TYPE_BULK:
  case USBDEVFS_URB_TYPE_INTERRUPT:
    refused = claim_endpoint(h, endpoint);
    break;
  default:
    return -EINVAL; // there is no isochronous endpoint
  }
  if (refused) return refused;
  if (length > MAX_TRANSFER) return -ENOMEM;
  struct urb *u = urb_new(length);
  uint8_t *submission = new_submission(endpoint & 0x80, endpoint,
                                       user->flags & (USBDEVFS_URB_SHORT_NOT_OK | USBDEVFS_URB_ZERO_PACKET), setup, data, length);
  if (!u || !submission) {
    free(submission);
    urb_free(u);
    return -ENOMEM;
  }
  u->handle = h;
  u->user = user;
  u->buffer = data;
  u->in = endpoint & 0x80;
  u->endpoint = endpoint;
  pthread_mutex_lock(&mu);
  if (h->fd < 0 || !urb_add(d, u)) {
    pthread_mutex_unlock(&mu);
    free(submission);
    urb_free(u);
    return -ENODEV;
  }
  uint32_t seq = u->seq; // as soon as mu is released, u and the browser's memory may be freed
  pthread_mutex_unlock(&mu);
  send_submission(&d->connection, seq, submission);
  return 0;
}

// tell writes the result of a transfer into the browser's memory, once. mu held.
static void tell(struct urb *u, int status, int actual) {
  if (u->told) return;
  u->told = true;
  u->user->status = status;
  u->user->actual_length = actual;
  if (u->in && actual) memcpy(u->buffer, u->data, (size_t)actual);
}

// discard tells the result at once, because the browser may free the transfer after this call: Chromium does so when it
// closes a device, and may still reap before it closes the node. (Linux then writes into the freed memory.)
static int discard(struct handle *h, struct usbdevfs_urb *user) {
  struct device *d = h->device;
  uint32_t seq = 0, victim = 0;
  int result = -EINVAL; // the transfer has ended
  pthread_mutex_lock(&mu);
  for (struct urb *u = d->pending; u && result; u = u->next) {
    if (u->handle != h || u->user != user) continue;
    victim = u->seq;
    seq = urb_unlink(d, u);
    tell(u, -ENOENT, 0);
    result = 0;
  }
  if (d->receiving && d->receiving->handle == h && d->receiving->user == user) {
    tell(d->receiving, -ENOENT, 0); // the other thread is writing its data
    result = 0;
  }
  for (struct urb *u = h->ready; u && result; u = u->next)
    if (u->user == user) tell(u, u->status, u->actual);
  pthread_mutex_unlock(&mu);
  if (seq) send_unlink(&d->connection, seq, victim);
  return result;
}

// reap gives one ended transfer to the browser, and tells its result unless discard has done so. It tells it with mu
// held: when a call of another thread to discard the transfer, or to close the node, returns, nothing is written any more.
static int reap(struct handle *h, void **user) {
  int result = 0;
  pthread_mutex_lock(&mu);
  bool alive = h->device->alive, closed = h->fd < 0;
  struct urb *u = closed ? NULL : h->ready;
  if (u) {
    h->ready = u->next;
    if (!h->ready) h->ready_end = &h->ready;
    tell(u, u->status, u->actual);
    *user = u->user;
    urb_free(u);
  } else {
    result = alive && !closed ? -EAGAIN : -ENODEV;
  }
  if (!h->ready && alive) set_writable(h, false);
  pthread_mutex_unlock(&mu);
  return result;
}

static int set_configuration(struct handle *h, int value) {
  struct device *d = h->device;
  bool claimed = false;
  pthread_mutex_lock(&mu);
  // Linux refuses while any interface has a driver, and the HID interface has the kernel's.
  for (int i = 0; i < MAX_INTERFACES; i++) claimed |= d->owner[i] || d->interface_class[i] == CLASS_HID;
  pthread_mutex_unlock(&mu);
  return claimed ? -EBUSY : device_control(d, 0x00, 9, (uint16_t)value, 0, NULL, 0);
}

// reset resets the bus. Transfers end and claims are lost, because the kernel unbinds its drivers.
static int reset(struct handle *h) {
  struct device *d = h->device;
  enum { SET_FEATURE = 3, PORT_RESET = 4 };
  int result = device_control(d, 0x23, SET_FEATURE, PORT_RESET, 0, NULL, 0);
  if (result < 0) return result;
  pthread_mutex_lock(&mu);
  memset(d->owner, 0, sizeof d->owner);
  pthread_mutex_unlock(&mu);
  return 0;
}

static int get_driver(struct handle *h, struct usbdevfs_getdriver *g) {
  const char *name = NULL;
  if (g->interface >= MAX_INTERFACES) return -EINVAL;
  pthread_mutex_lock(&mu);
  if (h->device->interface_class[g->interface] == CLASS_HID) name = "usbhid";
  if (h->device->owner[g->interface]) name = "usbfs";
  pthread_mutex_unlock(&mu);
  if (!name) return -ENODATA;
  strcpy(g->driver, name);
  return 0;
}

static int control_ioctl(struct handle *h, struct usbdevfs_ctrltransfer *c) {
  const uint8_t setup[8] = {c->bRequestType, c->bRequest, 0, 0, c->wIndex & 0xFF, 0, 0, 0};
  int refused = check_recipient(h, setup);
  return refused ? refused : device_control(h->device, c->bRequestType, c->bRequest, c->wValue, c->wIndex, c->data, c->wLength);
}

int handle_ioctl(struct handle *h, unsigned long request, void *argument) {
  struct device *d = h->device;
  int result;
  switch (request) {
  case USBDEVFS_REAPURB: // the browser does not use it, so it need not wait
  case USBDEVFS_REAPURBNDELAY:
    return reap(h, argument);
  case USBDEVFS_DISCARDURB:
    return discard(h, argument);
  }
  pthread_mutex_lock(&mu);
  bool alive = d->alive;
  pthread_mutex_unlock(&mu);
  if (!alive) return -ENODEV;
  switch (request) {
  case USBDEVFS_SUBMITURB:
    return submit(h, argument);
  case USBDEVFS_CLAIMINTERFACE:
    return claim(h, *(unsigned *)argument);
  case USBDEVFS_RELEASEINTERFACE:
    return release(h, *(unsigned *)argument);
  case USBDEVFS_SETCONFIGURATION:
    return set_configuration(h, *(int *)argument);
  case USBDEVFS_SETINTERFACE: {
    struct usbdevfs_setinterface *s = argument;
    result = claim(h, s->interface);
    return result ? result : device_control(d, 0x01, 11, (uint16_t)s->altsetting, (uint16_t)s->interface, NULL, 0);
  }
  case USBDEVFS_CLEAR_HALT:
  case USBDEVFS_RESETEP: {
    unsigned address = *(unsigned *)argument;
    result = claim_endpoint(h, address);
    return result || request == USBDEVFS_RESETEP ? result : device_control(d, 0x02, 1, 0, (uint16_t)address, NULL, 0);
  }
  case USBDEVFS_CONTROL:
    return control_ioctl(h, argument);
  case USBDEVFS_RESET:
    return reset(h);
  case USBDEVFS_GETDRIVER:
    return get_driver(h, argument);
  case USBDEVFS_GET_CAPABILITIES:
    *(uint32_t *)argument = USBDEVFS_CAP_ZERO_PACKET | USBDEVFS_CAP_NO_PACKET_SIZE_LIM;
    return 0;
  case USBDEVFS_CONNECTINFO: {
    struct usbdevfs_connectinfo *c = argument;
    *c = (struct usbdevfs_connectinfo){.devnum = (unsigned)d->number + 1};
    return 0;
  }
  case USBDEVFS_IOCTL: {
    struct usbdevfs_ioctl *i = argument;
    return i->ioctl_code == (int)USBDEVFS_DISCONNECT ? -ENODATA : -ENOTTY; // there is no driver to detach
  }
  }
  debug("unknown ioctl %#lx", request);
  return -ENOTTY;
}
