// USB/IP 1.1.1 on a socket (Documentation/usb/usbip_protocol.rst of the Linux kernel). All numbers are big-endian.
#pragma once
#include "base.h"

enum { CMD_SUBMIT = 1, CMD_UNLINK = 2, RET_SUBMIT = 3, RET_UNLINK = 4, HEADER_SIZE = 48 };
enum { MAX_TRANSFER = 1 << 20 }; // bytes that the server accepts

// A device of a USB/IP server.
struct address {
  char host[64], port[8], busid[32];
};

// The connection to an imported device.
struct connection {
  int socket;
  uint32_t devid;
  pthread_mutex_t writing; // guards the socket for writing; taken without mu
};

void put32(uint8_t *p, uint32_t v);
uint32_t get32(const uint8_t *p);
// receive reads n bytes. It returns false if the connection is gone.
bool receive(int socket, void *buffer, size_t n);
// import takes a device until the socket is closed, and returns the socket. It
// returns -1 if there is no server, or if the server refuses because another host
// has the device (status 2) or the device is not plugged in (4).
int import(const struct address *from, uint32_t *devid);
// new_submission makes a CMD_SUBMIT. It has no number yet: as soon as it has one,
// the browser may reap the transfer and free its memory.
uint8_t *new_submission(bool in, uint8_t endpoint, uint32_t flags, const uint8_t *setup, const uint8_t *data, int length);
// send_submission sends a submission and frees it. It returns false for NULL.
bool send_submission(struct connection *c, uint32_t seq, uint8_t *submission);
bool send_unlink(struct connection *c, uint32_t seq, uint32_t victim);
