// The environment variable, and the start of the library.
#pragma once
#include "base.h"

// start plugs in the devices of the environment variable at its first call, and
// waits for the first attempt. It returns whether this process has devices.
bool start(void);
