// A device that is plugged in: its descriptors, its pending transfers, and the library's own control transfers.
#pragma once
#include "wire.h"

#include <linux/usbdevice_fs.h>

enum { MAX_INTERFACES = 32, DESCRIPTORS_MAX = 4096 };

struct handle; // see handle.h

// A transfer, from its submission until the browser reaps it.
struct urb {
  struct urb *next;
  uint32_t seq, unlink_seq;  // unlink_seq is 0 until the transfer is unlinked
  struct handle *handle;     // NULL if the handle is closed, or for a request of the library
  struct usbdevfs_urb *user; // the browser's memory; used only while the browser submits, reaps or discards
  uint8_t *buffer;           // the browser's buffer
  bool told;                 // user has the result and is not written any more
  bool own, done;            // a request of the library, and whether it is answered
  bool in;
  uint8_t endpoint; // address
  int status, actual, capacity;
  uint8_t *data; // capacity bytes
};

// A device while it is plugged in. The slot, handles and udev objects have references.
struct device {
  int refs, number;
  bool alive;
  uint32_t seq;
  struct connection connection;
  struct urb *pending;   // sent and not answered
  struct urb *receiving; // the thread reads its answer
  struct handle *owner[MAX_INTERFACES]; // the handle that has claimed the interface
  uint8_t interface_class[MAX_INTERFACES];
  int8_t endpoint_interface[256]; // by address; -1 if there is none
  uint8_t descriptors[DESCRIPTORS_MAX];
  int descriptors_len;
  char syspath[96], devnode[96], sysname[48], number_text[12], configuration[8];
  char manufacturer[256], product[256], serial[256];
};

#define SYSPATH_PREFIX "/sys/bus/usb/devices/usbip-preload-"
#define DEVNODE_PREFIX "/dev/bus/usb/usbip-preload-"

void device_ref(struct device *d);   // mu held
void device_unref(struct device *d); // mu held
uint32_t device_next_seq(struct device *d);
// device_control makes a control transfer as the kernel does, and waits for at most
// 5 s. It returns the number of bytes, or -errno.
int device_control(struct device *d, uint8_t type, uint8_t request, uint16_t value, uint16_t index, uint8_t *data,
                   uint16_t length);
enum { ACCESS_DENIED = 1, ACCESS_CLAIMED = 2 };
// device_access asks the server how the operating system answers (package usbip).
int device_access(struct device *d);

struct urb *urb_new(int capacity);
void urb_free(struct urb *u);
// urb_add adds a transfer to the pending ones. It returns false if the device is gone. mu held.
bool urb_add(struct device *d, struct urb *u);
// urb_unlink returns a number for send_unlink, or 0 if the transfer was unlinked before. mu held.
uint32_t urb_unlink(struct device *d, struct urb *u);
// urb_take removes the pending transfer with a number, which is that of its
// submission or of its unlinking. mu held.
struct urb *urb_take(struct device *d, uint32_t seq, bool unlinked);
