#include "wire.h"

#include "base.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

void put32(uint8_t *p, uint32_t v) {
  v = htonl(v);
  memcpy(p, &v, sizeof v);
}

uint32_t get32(const uint8_t *p) {
  uint32_t v;
  memcpy(&v, p, sizeof v);
  return ntohl(v);
}

bool receive(int socket, void *buffer, size_t n) {
  for (uint8_t *p = buffer; n;) {
    ssize_t got = recv(socket, p, n, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    p += got;
    n -= (size_t)got;
  }
  return true;
}

static bool transmit(int socket, const void *buffer, size_t n) {
  for (const uint8_t *p = buffer; n;) {
    ssize_t sent = send(socket, p, n, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    p += sent;
    n -= (size_t)sent;
  }
  return true;
}

static int dial(const struct address *to) {
  struct addrinfo wanted = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *found;
  if (getaddrinfo(to->host, to->port, &wanted, &found)) return -1;
  int s = -1, one = 1;
  for (struct addrinfo *a = found; a && s < 0; a = a->ai_next) {
    s = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s >= 0 && connect(s, a->ai_addr, a->ai_addrlen)) {
      close(s);
      s = -1;
    }
  }
  freeaddrinfo(found);
  if (s >= 0) setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return s;
}

int import(const struct address *from, uint32_t *devid) {
  enum { HEAD = 8, RECORD = 312, BUSNUM = 288, DEVNUM = 292 };
  int s = dial(from);
  if (s < 0) return -1;
  uint8_t request[HEAD + 32] = {0x01, 0x11, 0x80, 0x03}, reply[HEAD + RECORD];
  memcpy(request + HEAD, from->busid, strlen(from->busid)); // at most 31 bytes, the others are 0
  struct timeval limit = {.tv_sec = 5};
  setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit); // plug.c removes the limit when the device is enumerated
  if (transmit(s, request, sizeof request) && receive(s, reply, HEAD) && !memcmp(reply, "\x01\x11\x00\x03", 4)) {
    if (!get32(reply + 4) && receive(s, reply + HEAD, RECORD)) {
      *devid = get32(reply + HEAD + BUSNUM) << 16 | get32(reply + HEAD + DEVNUM);
      return s;
    }
    debug("%s: import refused, status %u", from->busid, get32(reply + 4));
  }
  close(s);
  return -1;
}

uint8_t *new_submission(bool in, uint8_t endpoint, uint32_t flags, const uint8_t *setup, const uint8_t *data, int length) {
  // One buffer for one write: a second write would wait for an acknowledgement.
  uint8_t *m = calloc(1, HEADER_SIZE + (in ? 0 : (size_t)length));
  if (!m) return NULL;
  put32(m, CMD_SUBMIT);
  put32(m + 12, in);
  put32(m + 16, endpoint & 0x0F);
  put32(m + 20, flags);
  put32(m + 24, (uint32_t)length);
  put32(m + 32, 0xFFFFFFFF); // not isochronous
  if (setup) memcpy(m + 40, setup, 8);
  if (!in && length) memcpy(m + HEADER_SIZE, data, (size_t)length);
  return m;
}

bool send_submission(struct connection *c, uint32_t seq, uint8_t *m) {
  if (!m) return false;
  size_t n = HEADER_SIZE + (get32(m + 12) ? 0 : get32(m + 24));
  put32(m + 4, seq);
  put32(m + 8, c->devid);
  pthread_mutex_lock(&c->writing);
  bool ok = transmit(c->socket, m, n);
  pthread_mutex_unlock(&c->writing);
  free(m);
  return ok;
}

bool send_unlink(struct connection *c, uint32_t seq, uint32_t victim) {
  uint8_t m[HEADER_SIZE] = {0};
  put32(m, CMD_UNLINK);
  put32(m + 4, seq);
  put32(m + 8, c->devid);
  put32(m + 20, victim);
  pthread_mutex_lock(&c->writing);
  bool ok = transmit(c->socket, m, sizeof m);
  pthread_mutex_unlock(&c->writing);
  return ok;
}
