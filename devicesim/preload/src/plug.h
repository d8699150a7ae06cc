// Plugs devices in: imports and enumerates them, reads the server's answers, and unplugs them when the connection ends.
#pragma once
#include "device.h"

// A device of the environment variable, plugged in or not.
struct slot {
  struct address address;
  struct device *now; // the device while it is plugged in, or NULL
  bool tried;         // the first attempt to plug it in is over
};

extern struct slot *slots; // slot_count of them; they stay until the process ends
extern int slot_count;

// slot_thread keeps the device of a slot plugged in while the server serves it.
void *slot_thread(void *slot);
