// libudev as the browser calls it. Enumerations also list the library's devices.
// Monitors report only these devices, because a container has no udev. The getters
// know the library's objects by their address; objects of the real libudev are
// passed to the real functions.
#include "base.h"
#include "config.h"
#include "objects.h"
#include "plug.h"

#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct udev;
struct udev_device;
struct udev_monitor;

static void filter(struct object *o, const char *subsystem, const char *type) {
  o->filtered = true;
  if (subsystem && !strcmp(subsystem, "usb") && (!type || !strcmp(type, "usb_device"))) o->usb = true;
}

// ---- monitors

EXPORT struct udev_monitor *udev_monitor_new_from_netlink(struct udev *udev, const char *name) {
  if (!start()) {
    REAL(struct udev_monitor *, udev_monitor_new_from_netlink, struct udev *, const char *);
    return next(udev, name);
  }
  int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);
  if (fd < 0) return NULL;
  pthread_mutex_lock(&mu);
  struct object *m = object_add(MONITOR);
  m->fd = fd;
  m->queue_end = &m->queue;
  pthread_mutex_unlock(&mu);
  return (struct udev_monitor *)m;
}

EXPORT int udev_monitor_filter_add_match_subsystem_devtype(struct udev_monitor *monitor, const char *subsystem, const char *type) {
  REAL(int, udev_monitor_filter_add_match_subsystem_devtype, struct udev_monitor *, const char *, const char *);
  struct object *m = object_find(monitor, MONITOR);
  if (!m) return next(monitor, subsystem, type);
  pthread_mutex_lock(&mu);
  filter(m, subsystem, type);
  pthread_mutex_unlock(&mu);
  return 0;
}

EXPORT int udev_monitor_enable_receiving(struct udev_monitor *monitor) {
  REAL(int, udev_monitor_enable_receiving, struct udev_monitor *);
  return object_find(monitor, MONITOR) ? 0 : next(monitor);
}

EXPORT int udev_monitor_get_fd(struct udev_monitor *monitor) {
  REAL(int, udev_monitor_get_fd, struct udev_monitor *);
  struct object *m = object_find(monitor, MONITOR);
  return m ? m->fd : next(monitor);
}

EXPORT struct udev_device *udev_monitor_receive_device(struct udev_monitor *monitor) {
  REAL(struct udev_device *, udev_monitor_receive_device, struct udev_monitor *);
  struct object *m = object_find(monitor, MONITOR);
  if (!m) return next(monitor);
  eventfd_t one;
  pthread_mutex_lock(&mu);
  struct object *o = m->queue;
  if (o) {
    eventfd_read(m->fd, &one);
    m->queue = o->link;
    if (!m->queue) m->queue_end = &m->queue;
  }
  pthread_mutex_unlock(&mu);
  return (struct udev_device *)o;
}

EXPORT struct udev_monitor *udev_monitor_unref(struct udev_monitor *monitor) {
  REAL(struct udev_monitor *, udev_monitor_unref, struct udev_monitor *);
  struct object *m = object_find(monitor, MONITOR);
  if (!m) return next(monitor);
  int fd = m->fd;
  pthread_mutex_lock(&mu);
  while (m->queue) {
    struct object *o = m->queue;
    m->queue = o->link;
    object_drop(o);
  }
  object_drop(m);
  pthread_mutex_unlock(&mu);
  close(fd);
  return NULL;
}

// ---- enumeration

EXPORT struct udev_enumerate *udev_enumerate_new(struct udev *udev) {
  REAL(struct udev_enumerate *, udev_enumerate_new, struct udev *);
  struct udev_enumerate *e = next(udev);
  if (e && start()) {
    pthread_mutex_lock(&mu);
    object_add(ENUMERATE)->enumerate = e;
    pthread_mutex_unlock(&mu);
  }
  return e;
}

EXPORT int udev_enumerate_add_match_subsystem(struct udev_enumerate *e, const char *subsystem) {
  REAL(int, udev_enumerate_add_match_subsystem, struct udev_enumerate *, const char *);
  struct object *o = object_find(e, ENUMERATE);
  if (o) {
    pthread_mutex_lock(&mu);
    filter(o, subsystem, NULL);
    pthread_mutex_unlock(&mu);
  }
  return next(e, subsystem);
}

EXPORT struct udev_list_entry *udev_enumerate_get_list_entry(struct udev_enumerate *e) {
  REAL(struct udev_list_entry *, udev_enumerate_get_list_entry, struct udev_enumerate *);
  struct udev_list_entry *head = next(e);
  struct object *o = object_find(e, ENUMERATE);
  if (!o) return head;
  pthread_mutex_lock(&mu);
  for (int i = slot_count - 1; i >= 0 && wants_usb(o); i--) { // the library's devices come first, in the order of the slots
    if (!slots[i].now) continue;
    struct object *entry = object_add(ENTRY);
    strcpy(entry->name, slots[i].now->syspath);
    entry->following = head;
    entry->link = o->entries;
    o->entries = entry;
    head = (struct udev_list_entry *)entry;
  }
  pthread_mutex_unlock(&mu);
  return head;
}

EXPORT struct udev_enumerate *udev_enumerate_unref(struct udev_enumerate *e) {
  REAL(struct udev_enumerate *, udev_enumerate_unref, struct udev_enumerate *);
  struct object *o = object_find(e, ENUMERATE);
  if (o) {
    pthread_mutex_lock(&mu);
    while (o->entries) {
      struct object *entry = o->entries;
      o->entries = entry->link;
      object_drop(entry);
    }
    object_drop(o);
    pthread_mutex_unlock(&mu);
  }
  return next(e);
}

EXPORT struct udev_list_entry *udev_list_entry_get_next(struct udev_list_entry *entry) {
  REAL(struct udev_list_entry *, udev_list_entry_get_next, struct udev_list_entry *);
  struct object *o = object_find(entry, ENTRY);
  return o ? o->following : next(entry);
}

EXPORT const char *udev_list_entry_get_name(struct udev_list_entry *entry) {
  REAL(const char *, udev_list_entry_get_name, struct udev_list_entry *);
  struct object *o = object_find(entry, ENTRY);
  return o ? o->name : next(entry);
}

// ---- devices

EXPORT struct udev_device *udev_device_new_from_syspath(struct udev *udev, const char *path) {
  REAL(struct udev_device *, udev_device_new_from_syspath, struct udev *, const char *);
  struct object *o = NULL;
  if (active()) {
    pthread_mutex_lock(&mu);
    for (int i = 0; i < slot_count && path && !o; i++)
      if (slots[i].now && !strcmp(slots[i].now->syspath, path)) o = object_new_device(slots[i].now, NULL);
    pthread_mutex_unlock(&mu);
  }
  return o ? (struct udev_device *)o : next(udev, path);
}

EXPORT struct udev_device *udev_device_unref(struct udev_device *device) {
  REAL(struct udev_device *, udev_device_unref, struct udev_device *);
  struct object *o = object_find(device, DEVICE);
  if (!o) return next(device);
  pthread_mutex_lock(&mu);
  object_drop(o);
  pthread_mutex_unlock(&mu);
  return NULL;
}

#define GETTER(name, value)                                                \
  EXPORT const char *name(struct udev_device *device) {                    \
    REAL(const char *, name, struct udev_device *);                        \
    struct object *o = object_find(device, DEVICE);                               \
    return o ? (value) : next(device);                                     \
  }
GETTER(udev_device_get_action, o->action)
GETTER(udev_device_get_devnode, o->device->devnode)
GETTER(udev_device_get_devtype, "usb_device")
GETTER(udev_device_get_driver, "usb")
GETTER(udev_device_get_subsystem, "usb")
GETTER(udev_device_get_sysname, o->device->sysname)
GETTER(udev_device_get_syspath, o->device->syspath)

static const char *attribute(const struct device *d, const char *name) {
  const struct {
    const char *name, *value;
  } known[] = {
      {"manufacturer", d->manufacturer}, {"product", d->product}, {"serial", d->serial},
      {"bConfigurationValue", d->configuration}, {"busnum", "1"}, {"devnum", d->number_text},
  };
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (!strcmp(known[i].name, name)) return *known[i].value ? known[i].value : NULL;
  return NULL;
}

EXPORT const char *udev_device_get_sysattr_value(struct udev_device *device, const char *name) {
  REAL(const char *, udev_device_get_sysattr_value, struct udev_device *, const char *);
  struct object *o = object_find(device, DEVICE);
  return o ? attribute(o->device, name) : next(device, name);
}

EXPORT const char *udev_device_get_property_value(struct udev_device *device, const char *key) {
  REAL(const char *, udev_device_get_property_value, struct udev_device *, const char *);
  return object_find(device, DEVICE) ? NULL : next(device, key);
}

EXPORT struct udev_list_entry *udev_device_get_properties_list_entry(struct udev_device *device) {
  REAL(struct udev_list_entry *, udev_device_get_properties_list_entry, struct udev_device *);
  return object_find(device, DEVICE) ? NULL : next(device);
}

EXPORT struct udev_device *udev_device_get_parent(struct udev_device *device) {
  REAL(struct udev_device *, udev_device_get_parent, struct udev_device *);
  return object_find(device, DEVICE) ? NULL : next(device);
}

EXPORT struct udev_device *udev_device_get_parent_with_subsystem_devtype(struct udev_device *device, const char *subsystem,
                                                                         const char *type) {
  REAL(struct udev_device *, udev_device_get_parent_with_subsystem_devtype, struct udev_device *, const char *, const char *);
  return object_find(device, DEVICE) ? NULL : next(device, subsystem, type);
}
