package harness

import (
	"bytes"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/frame"
	"imkey-connect/devicesim/usb"
)

// Recorded returns the bytes that went over the first device's bus and the HTTP requests so far.
func (s *Sim) Recorded() (bus, requests []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.bus), bytes.Clone(s.requests)
}

// follow notes a packet, and counts the answered messages by instruction. The caller holds mu.
func (s *Sim) follow(e usb.TapEvent) {
	if e.Kind != usb.TapPacket || e.Err != nil {
		return
	}
	s.packets = append(s.packets, e.Dir[0])
	if len(e.Data) >= 9 && frame.Command(e.Data[4]) == frame.MSG {
		if e.Dir == "out" {
			s.command = e.Data[8]
		} else {
			s.answers[s.command]++
		}
	}
	close(s.changed)
	s.changed = make(chan struct{})
}

// PacketDirections returns a letter for each packet of the first device so far: o for one to the device, i for one from it.
func (s *Sim) PacketDirections() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.packets)
}

// WaitForPackets waits until the first device has exchanged n packets since the simulator started.
func (s *Sim) WaitForPackets(n int) {
	for {
		s.mu.Lock()
		seen, changed := len(s.packets), s.changed
		s.mu.Unlock()
		if seen >= n {
			return
		}
		select {
		case <-changed:
		case <-s.Ctx.Done():
			require.Failf(s.T, "too few packets", "%d packets of %d", seen, n)
		}
	}
}

// WaitForAnswers waits until the first device has answered a number of messages with this instruction since the simulator
// started.
func (s *Sim) WaitForAnswers(instruction byte, times int) {
	for {
		s.mu.Lock()
		n, changed := s.answers[instruction], s.changed
		s.mu.Unlock()
		if n >= times {
			return
		}
		select {
		case <-changed:
		case <-s.Ctx.Done():
			require.Failf(s.T, "too few messages", "instruction %02X: %d answered", instruction, n)
		}
	}
}

// Answers returns how many messages with this instruction the first device has answered so far.
func (s *Sim) Answers(instruction byte) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.answers[instruction]
}

// BindingInstructions returns the instructions of the binding (0x71 to 0x73) that the first device has answered so far.
func (s *Sim) BindingInstructions() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	var seen []byte
	for instruction, n := range s.answers {
		if n > 0 && instruction >= 0x71 && instruction <= 0x73 {
			seen = append(seen, instruction)
		}
	}
	return seen
}

// BytesOnBus returns how many bytes went over the first device's bus so far.
func (s *Sim) BytesOnBus() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.bus)
}
