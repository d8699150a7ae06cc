// The environment variable, and the start of the library.
#pragma once
#include "base.h"

// What the library writes to standard output with USBIP_PRELOAD_PROBE, before it ends the process.
#define PROBE_ANSWER "usbip_preload is loaded\n"
// Seconds from SIGTERM to SIGKILL for a browser whose lifeline has ended.
enum { LIFELINE_GRACE = 3 };

// start plugs in the devices of the environment variable at its first call, and
// waits for the first attempt. It returns whether this process has devices.
bool start(void);
