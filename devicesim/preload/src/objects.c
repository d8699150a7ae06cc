#include "objects.h"

#include "base.h"

#include <stdlib.h>
#include <sys/eventfd.h>

static struct object *objects;

struct object *object_add(enum kind kind) { // mu held
  struct object *o = calloc(1, sizeof *o);
  if (!o) abort();
  o->kind = kind;
  o->fd = -1;
  o->next = objects;
  objects = o;
  return o;
}

void object_drop(struct object *o) { // mu held
  for (struct object **p = &objects; *p; p = &(*p)->next) {
    if (*p == o) {
      *p = o->next;
      break;
    }
  }
  if (o->device) device_unref(o->device);
  free(o);
}

struct object *object_find(const void *address, enum kind kind) {
  if (!active()) return NULL;
  pthread_mutex_lock(&mu);
  struct object *o = objects;
  while (o && !(o->kind == kind && (o == address || (kind == ENUMERATE && o->enumerate == address)))) o = o->next;
  pthread_mutex_unlock(&mu);
  return o;
}

struct object *object_new_device(struct device *d, const char *action) { // mu held
  struct object *o = object_add(DEVICE);
  o->device = d;
  o->action = action;
  device_ref(d);
  return o;
}

bool wants_usb(const struct object *o) { return o->usb || !o->filtered; }

void announce(struct device *d, const char *action) {
  for (struct object *m = objects; m; m = m->next) {
    if (m->kind != MONITOR || !wants_usb(m)) continue;
    struct object *o = object_new_device(d, action);
    *m->queue_end = o;
    m->queue_end = &o->link;
    eventfd_write(m->fd, 1);
  }
}
