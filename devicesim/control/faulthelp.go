package control

// FaultHelp documents the shape of faults for a person; usb.Fault is the reference.
const FaultHelp = `Faults are a JSON list, given to -fault (a file or the list itself) or by POST
to /sim/v1/faults:

  [{"on":"in", "packet":3, "do":"stall"},
   {"on":"out", "packet":1, "do":"delay", "ms":200, "count":5}]

  on      "in" (device to host) or "out" (host to device)
  packet  which packet of that direction is hit, counted from 1 since arming
  do      stall     the endpoint halts until the host clears it
          short     the packet is cut to "bytes" bytes (0 to 63)
          babble    the device sends more than the host has room for ("in" only)
          drop      the packet vanishes
          delay     the packet, and what is behind it, waits "ms" milliseconds
          unplug    the cable is pulled in place of the packet
          powercut  the device loses power in place of the packet
          corrupt   "hex" overwrites the packet from byte "bytes" on; without
                    "hex" one bit of that byte flips
          zero      a zero-length packet comes in its place
  count   how many packets in a row are hit; 1 if absent
`
