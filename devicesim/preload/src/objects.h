// The library's own libudev objects, and the events for monitors.
#pragma once
#include "device.h"

struct udev_enumerate;
struct udev_list_entry;

enum kind { DEVICE, MONITOR, ENUMERATE, ENTRY };

// An object of the library, or its notes about an enumeration of the real libudev.
struct object {
  struct object *next;
  enum kind kind;
  bool filtered, usb; // MONITOR, ENUMERATE: whether a filter is set, and whether it accepts usb
  // DEVICE
  struct device *device;
  const char *action;
  // MONITOR
  int fd; // an eventfd that counts the queue
  struct object *queue, **queue_end; // linked by `link`
  struct object *link;
  // ENUMERATE
  struct udev_enumerate *enumerate;
  struct object *entries; // linked by `link`
  // ENTRY
  char name[96];
  struct udev_list_entry *following;
};

struct object *object_add(enum kind kind); // mu held
void object_drop(struct object *o);        // mu held
// object_find returns the object at an address, or NULL for an object of the real libudev.
struct object *object_find(const void *address, enum kind kind);
struct object *object_new_device(struct device *d, const char *action); // mu held
// wants_usb reports whether the filter of a monitor or enumeration accepts usb.
bool wants_usb(const struct object *o);
// announce queues an event, "add" or "remove", for all monitors. mu held.
void announce(struct device *d, const char *action);
