// An open device node: its claims, its transfers and their completion, as in Linux's drivers/usb/core/devio.c.
#pragma once
#include "device.h"

// An open device node. Its descriptor and the running calls have references.
struct handle {
  struct handle *next;
  int refs;
  // fd is an eventfd: the browser polls it, and it is *writable* if there is
  // something to reap, because its counter is not full. It is -1 if the node is
  // closed but calls are running.
  int fd;
  struct device *device;
  struct urb *ready, **ready_end;
};

// handle_open returns a descriptor, or -errno. mu held.
int handle_open(struct device *d);
// handle_get returns the handle of a descriptor with a reference for the caller, or NULL.
struct handle *handle_get(int fd);
void handle_put(struct handle *h);
// handle_close is called before the descriptor itself is closed.
void handle_close(int fd);
// handle_complete ends a transfer. mu held.
void handle_complete(struct urb *u, int status);
// handles_gone wakes up the browser for a device that is gone. mu held.
void handles_gone(struct device *d);
// handle_ioctl returns 0 or more, or -errno.
int handle_ioctl(struct handle *h, unsigned long request, void *argument);
