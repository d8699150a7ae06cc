// What the parts of the library share. See the Go package's comment for what it is,
// and each file's head for what is in it:
//
//   config.c   the environment variable, start-up, the lookup of the functions that are replaced
//   wire.c     USB/IP: bytes on a socket, connecting, importing
//   device.c   a device that is plugged in: its descriptors, its pending transfers, its thread
//   handle.c   what an open device node is: claims, URBs, completion
//   usbfs.c    open, close, ioctl and fopen as the browser calls them
//   udev.c     libudev as the browser calls it
#pragma once
#define _GNU_SOURCE
#include <errno.h>
#include <linux/usbdevice_fs.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))

enum {
  MAX_INTERFACES = 32,
  MAX_TRANSFER = 1 << 20, // what the server accepts
  DESCRIPTORS_MAX = 4096,
};

// One device of the environment variable, plugged in or not.
struct slot {
  char host[64], port[8], busid[32];
  struct device *now; // plugged in; NULL if not
  bool tried;         // the first attempt to plug it in is over
};

// A transfer, from submission until the browser has reaped it.
struct urb {
  struct urb *next;
  uint32_t seq, unlink_seq;      // unlink_seq 0: not unlinked
  struct handle *handle;         // NULL: its handle is closed, or it is a request of our own
  struct usbdevfs_urb *user;     // the browser's; touched only while it is submitted, reaped or discarded
  uint8_t *buffer;               // where the browser wants the data
  bool told;                     // user says how it ended, and is not touched any more
  bool own, done;                // a request of our own; and its answer is there
  bool in;
  uint8_t endpoint;              // address
  int status, actual, capacity;
  uint8_t *data;                 // capacity bytes
};

// An open device node. Counted references: the descriptor's own, and those of calls under way.
struct handle {
  struct handle *next;
  int refs;
  int fd; // an eventfd; writable = there is something to reap. -1: closed, with calls still under way
  struct device *device;
  struct urb *ready, **ready_end;
};

// A device while it is plugged in. Counted references: the slot's, handles', udev objects'.
struct device {
  int refs, number;
  int socket;
  bool alive;
  uint32_t devid, seq;
  pthread_mutex_t writing; // one command at a time on the socket; taken without mu
  struct urb *pending;   // sent, not answered
  struct urb *receiving; // its answer is being read by the device's thread
  struct handle *owner[MAX_INTERFACES]; // who has claimed it
  uint8_t interface_class[MAX_INTERFACES];
  int8_t endpoint_interface[256]; // by address; -1: none
  uint8_t descriptors[DESCRIPTORS_MAX];
  int descriptors_len;
  char syspath[96], devnode[96], sysname[48], number_text[12], configuration[8];
  char manufacturer[256], product[256], serial[256];
};

// mu guards everything above but device.writing. Nothing that may block (and no
// close) is called with it held.
extern pthread_mutex_t mu;
extern pthread_cond_t changed; // an own request is answered, a slot was tried, a device is gone
extern struct slot *slots; // slot_count of them, for as long as the process runs
extern int slot_count;

#define SYSPATH_PREFIX "/sys/bus/usb/devices/usbip-preload-"
#define DEVNODE_PREFIX "/dev/bus/usb/usbip-preload-"

// config.c
bool start(void); // true: this process has devices; waits for the first attempt to plug them in
bool active(void);
void *real(const char *name);
void debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

// wire.c
enum { CMD_SUBMIT = 1, CMD_UNLINK = 2, RET_SUBMIT = 3, RET_UNLINK = 4, HEADER_SIZE = 48 };
void put32(uint8_t *p, uint32_t v);
uint32_t get32(const uint8_t *p);
bool receive(int socket, void *buffer, size_t n);
int import(const struct slot *slot, uint32_t *devid); // a socket, or -1
// A submission is made before it has a number: from then on the browser may reap it, and free what it is made of.
uint8_t *new_submission(bool in, uint8_t endpoint, uint32_t flags, const uint8_t *setup, const uint8_t *data, int length);
bool send_submission(struct device *d, uint32_t seq, uint8_t *submission); // and frees it; NULL is no memory
bool send_unlink(struct device *d, uint32_t seq, uint32_t victim);

// device.c
void *slot_thread(void *slot);
void device_ref(struct device *d);   // mu held
void device_unref(struct device *d); // mu held
int device_control(struct device *d, uint8_t type, uint8_t request, uint16_t value, uint16_t index, uint8_t *data,
                   uint16_t length); // bytes, or -errno; waits
enum { ACCESS_DENIED = 1, ACCESS_CLAIMED = 2 };
int device_access(struct device *d);
struct urb *urb_new(int capacity);
void urb_free(struct urb *u);
bool urb_add(struct device *d, struct urb *u);                  // to the pending ones; false: the device is gone; mu held
uint32_t urb_unlink(struct device *d, struct urb *u);           // a number for send_unlink, 0 if it was unlinked before; mu held

// handle.c
int handle_open(struct device *d);               // mu held; a descriptor, or -errno
struct handle *handle_get(int fd);               // with a reference for the caller; NULL: not one of ours
void handle_put(struct handle *h);
void handle_close(int fd);                       // before the descriptor itself is closed
void handle_complete(struct urb *u, int status); // mu held
void handles_gone(struct device *d);             // mu held
int handle_ioctl(struct handle *h, unsigned long request, void *argument); // 0 or more, or -errno

// udev.c
void announce(struct device *d, const char *action); // mu held
