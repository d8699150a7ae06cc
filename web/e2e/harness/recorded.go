package harness

import (
	"bytes"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/frame"
	"imkey-connect/devicesim/usb"
)

// Recorded is all that went over the bus and over HTTP so far.
func (s *Sim) Recorded() (bus, requests []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.bus), bytes.Clone(s.requests)
}

// follow notes every packet, and counts answered messages by instruction; mu is held.
func (s *Sim) follow(e usb.TapEvent) {
	if e.Kind != usb.TapPacket || e.Err != nil {
		return
	}
	s.wire = append(s.wire, e.Dir[0])
	if len(e.Data) >= 9 && frame.Command(e.Data[4]) == frame.MSG {
		if e.Dir == "out" {
			s.asked = e.Data[8]
		} else {
			s.done[s.asked]++
		}
	}
	close(s.moved)
	s.moved = make(chan struct{})
}

// PacketDirections is the direction of every packet since the simulator started, each o or i.
func (s *Sim) PacketDirections() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.wire)
}

// WaitForPackets waits until so many packets went over the wire since the simulator started.
func (s *Sim) WaitForPackets(n int) {
	for {
		s.mu.Lock()
		seen, moved := len(s.wire), s.moved
		s.mu.Unlock()
		if seen >= n {
			return
		}
		select {
		case <-moved:
		case <-s.Ctx.Done():
			require.Failf(s.T, "the wire is quiet", "%d packets of %d", seen, n)
		}
	}
}

// WaitForAnswers waits until so many messages with this instruction were answered since the simulator started.
func (s *Sim) WaitForAnswers(instruction byte, times int) {
	for {
		s.mu.Lock()
		n, moved := s.done[instruction], s.moved
		s.mu.Unlock()
		if n >= times {
			return
		}
		select {
		case <-moved:
		case <-s.Ctx.Done():
			require.Failf(s.T, "the host never asked", "instruction %02X: %d times", instruction, n)
		}
	}
}

// Answers counts the messages with this instruction that were answered so far.
func (s *Sim) Answers(instruction byte) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.done[instruction]
}

// BindingInstructions returns the instructions of the IMK applet that reached the device.
func (s *Sim) BindingInstructions() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []byte
	for ins, n := range s.done {
		if n > 0 && ins >= 0x71 && ins <= 0x73 {
			all = append(all, ins)
		}
	}
	return all
}

// BytesOnBus counts the bytes that went over the bus so far.
func (s *Sim) BytesOnBus() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.bus)
}
