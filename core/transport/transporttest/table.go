package transporttest

import (
	"context"
	"encoding/hex"
	"slices"
	"strings"
	"sync"

	"imkey-connect/core/frame"
)

// Handler answers one command APDU with data and status word. It may use the [Table], to unplug it for instance. A nil
// answer leaves the command pending, as a device does that waits for its person: a CANCEL ends it with ERROR FE, another
// command meanwhile gets ERROR 06.
type Handler func(cmd []byte) []byte

// Table is a device that answers by a table, for tests of what sits above a transport.Channel. Its [Pipe] is the link
// to it. What no row begins is answered 6D00, as an instruction that a firmware does not know.
type Table struct {
	*Pipe

	mu      sync.Mutex
	rows    map[string]Handler
	sent    []string
	packets []frame.Packet
}

// NewTable returns a plugged-in device without rows; its owner runs [Table.Play].
func NewTable() *Table { return &Table{Pipe: NewPipe(), rows: map[string]Handler{}} }

// On answers commands that begin with prefix, in hex; the longest prefix counts, and a later call replaces an earlier
// one for the same prefix.
func (d *Table) On(prefix string, h Handler) {
	if _, err := hex.DecodeString(prefix); err != nil {
		panic(err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.rows[strings.ToUpper(prefix)] = h
}

// Answer answers commands that begin with prefix always alike; both are hex.
func (d *Table) Answer(prefix, answer string) {
	b, err := hex.DecodeString(answer)
	if err != nil {
		panic(err)
	}
	d.On(prefix, func([]byte) []byte { return b })
}

// Sent lists the whole commands that arrived so far, in upper-case hex.
func (d *Table) Sent() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.sent)
}

// Packets lists every packet that arrived so far, those of unfinished commands included.
func (d *Table) Packets() []frame.Packet {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.packets)
}

// Play is the device; it returns when ctx ends or the cable is pulled.
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
