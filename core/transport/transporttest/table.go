package transporttest

import (
	"context"
	"encoding/hex"
	"slices"
	"strings"
	"sync"

	"imkey-connect/core/frame"
)

// Handler answers one command APDU with data and status word. It may use the [Table], for instance to unplug it. A nil answer
// leaves the command pending, as on a device that waits for the user: a CANCEL ends it with ERROR FE, and another command
// meanwhile gets ERROR 06.
type Handler func(cmd []byte) []byte

// Table is a device that answers by a table, for tests of code above a transport.Channel. Its [Pipe] is the link to it. A
// command that begins with no row's prefix gets 6D00, like an instruction that the firmware does not know.
type Table struct {
	*Pipe

	mu      sync.Mutex
	rows    map[string]Handler
	sent    []string
	packets []frame.Packet
}

// NewTable returns a plugged-in device without rows. The caller runs [Table.Play].
func NewTable() *Table { return &Table{Pipe: NewPipe(), rows: map[string]Handler{}} }

// On sets the handler for commands that begin with prefix, in hex. The longest prefix counts. A later call for the same
// prefix replaces the handler.
func (d *Table) On(prefix string, h Handler) {
	if _, err := hex.DecodeString(prefix); err != nil {
		panic(err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.rows[strings.ToUpper(prefix)] = h
}

// Answer sets a fixed answer for commands that begin with prefix. Both are in hex.
func (d *Table) Answer(prefix, answer string) {
	b, err := hex.DecodeString(answer)
	if err != nil {
		panic(err)
	}
	d.On(prefix, func([]byte) []byte { return b })
}

// Sent returns the complete commands that have arrived, in upper-case hex.
func (d *Table) Sent() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.sent)
}

// Packets returns all packets that have arrived, with those of incomplete commands.
func (d *Table) Packets() []frame.Packet {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.packets)
}

// Play runs the device. It returns when ctx ends or the device is unplugged.
func (d *Table) Play(ctx context.Context) {
	var a frame.Assembler
	pending := false
	for {
		p, err := d.Next(ctx)
		if err != nil {
			return
		}
		d.mu.Lock()
		d.packets = append(d.packets, p)
		d.mu.Unlock()
		ev, err := a.Add(p[:])
		switch {
		case err != nil:
			d.Reply(frame.Error(frame.InvalidSequence))
		case ev.Kind == frame.WasCancel && pending:
			pending = false
			d.Reply(frame.Error(frame.Cancelled))
		case ev.Kind == frame.WasCancel:
			d.Reply(frame.Error(frame.InvalidCommand))
		case ev.Kind == frame.Message && pending:
			d.Reply(frame.Error(frame.Busy))
		case ev.Kind == frame.Message:
			answer := d.find(ev.Data)(ev.Data)
			if pending = answer == nil; pending {
				continue
			}
			packets, err := frame.Split(answer)
			if err != nil {
				panic(err)
			}
			d.Reply(packets...)
		}
	}
}

func (d *Table) find(cmd []byte) Handler {
	d.mu.Lock()
	defer d.mu.Unlock()
	text := strings.ToUpper(hex.EncodeToString(cmd))
	d.sent = append(d.sent, text)
	best, found := "", Handler(func([]byte) []byte { return []byte{0x6D, 0x00} })
	for prefix, h := range d.rows {
		if strings.HasPrefix(text, prefix) && len(prefix) > len(best) {
			best, found = prefix, h
		}
	}
	return found
}
