#include "device.h"

#include "base.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

void device_ref(struct device *d) { d->refs++; }

void device_unref(struct device *d) {
  if (--d->refs) return;
  pthread_mutex_destroy(&d->connection.writing);
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

uint32_t device_next_seq(struct device *d) {
  if (++d->seq == 0) ++d->seq; // 0 means "not unlinked"
  return d->seq;
}

bool urb_add(struct device *d, struct urb *u) {
  if (!d->alive) return false;
  u->seq = device_next_seq(d);
  u->next = d->pending;
  d->pending = u;
  return true;
}

uint32_t urb_unlink(struct device *d, struct urb *u) {
  if (u->unlink_seq || !d->alive) return 0;
  return u->unlink_seq = device_next_seq(d);
}

struct urb *urb_take(struct device *d, uint32_t seq, bool unlinked) {
  for (struct urb **p = &d->pending; *p; p = &(*p)->next) {
    struct urb *u = *p;
    if ((unlinked ? u->unlink_seq : u->seq) == seq) {
      *p = u->next;
      return u;
    }
  }
  return NULL;
}

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
  send_submission(&d->connection, u->seq, submission); // if that fails, the thread of the device notices it too
  struct timespec limit;
  clock_gettime(CLOCK_REALTIME, &limit);
  limit.tv_sec += 5;
  pthread_mutex_lock(&mu);
  while (!u->done && pthread_cond_timedwait(&changed, &mu, &limit) == 0) {
  }
  if (!u->done) { // the thread frees it when the answer comes
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

int device_access(struct device *d) {
  uint8_t bits = 0; // a server that does not know the request stalls it, and then all is allowed
  return device_control(d, 0xC3, 0x69, 0, 0, &bits, 1) == 1 ? bits : 0;
}
