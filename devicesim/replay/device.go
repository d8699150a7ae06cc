package replay

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"strings"
	"sync"

	"imkey-connect/core/frame"
	"imkey-connect/core/transport"
	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/usb"
)

// Options are what a script leaves open.
type Options struct {
	// AnyHost takes commands for the recorded ones that differ only in what every host draws for itself: its key, its
	// proof of the code, its signatures.
	AnyHost bool
	// Serial is the USB serial number; empty takes the one that the script answers with.
	Serial     string
	LandingURL string             // of WebUSB; empty leaves it out
	Tap        func(usb.TapEvent) // sees everything on the bus; see device.Options
	Screen     func(caption string)
}

// Device plays a script behind a USB port. It is safe for concurrent use.
//
// A command that is not the script's next is answered with ERROR 01, the reason kept in Err; the place in the script stays.
// A CANCEL ends a command that was never answered. Who attaches after the last command begins with the first one again.
//
// Locks: the port's before mu.
type Device struct {
	script Script
	any    bool
	port   *usb.Port
	seid   string
	screen func(string)

	mu       sync.Mutex
	send     func([]byte) // nil: no host
	in       frame.Assembler
	next     int
	pieces   gathered
	began    int  // the exchange at which they did
	waiting  bool // the command under way was never answered
	err      *MismatchError
	watchers map[chan struct{}]struct{}
}

// New returns a device that plays script, plugged in.
func New(script Script, o Options) *Device {
	d := &Device{script: script, any: o.AnyHost, screen: o.Screen, watchers: map[chan struct{}]struct{}{}}
	serial, seid := script.identity()
	if o.Serial != "" {
		serial = o.Serial
	}
	d.seid = seid
	d.port = usb.NewPort(usb.Identity{
		Serial: serial, Manufacturer: "imKey", Product: "imKey (recorded)", LandingURL: o.LandingURL,
	}, d, o.Tap)
	return d
}

// identity is what the script answers to who asks for serial number and SEID (core/PROTOCOL.md section 3).
func (s Script) identity() (serial, seid string) {
	serial = "imKeyRecorded"
	for _, e := range s.Exchanges {
		if len(e.Answer) <= 2 || !bytes.HasSuffix(e.Answer, []byte{0x90, 0x00}) {
			continue
		}
		value := e.Answer[:len(e.Answer)-2]
		switch hex.EncodeToString(e.Command) {
		case "80ca004400":
			if text := string(value); len(text) <= 16 && !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
				serial = text
			}
		case "80cb800005dfff028101":
			seid = strings.ToUpper(hex.EncodeToString(value))
		}
	}
	return serial, seid
}

// Err is the first command that the script did not have at its place, as a *MismatchError; nil if there was none.
func (d *Device) Err() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err == nil {
		return nil
	}
	return d.err
}

// Done is nil once the whole script was played and nothing else; *MismatchError or *UnfinishedError otherwise.
func (d *Device) Done() error {
	if err := d.Err(); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.next < len(d.script.Exchanges) {
		e := d.script.Exchanges[d.next]
		return &UnfinishedError{Played: d.next, Of: len(d.script.Exchanges), Line: e.Line, Command: e.Command}
	}
	return nil
}

// Attach is the port's to call.
func (d *Device) Attach(send func(packet []byte)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.send = send
	d.idle()
	if d.next == len(d.script.Exchanges) {
		d.next = 0
	}
	d.changed()
}

// Detach is the port's to call.
func (d *Device) Detach() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.send = nil
	d.idle()
}

func (d *Device) idle() {
	d.in.Reset()
	d.pieces = gathered{}
	d.waiting = false
}

// Packet is the port's to call.
func (d *Device) Packet(p []byte) {
	d.mu.Lock()
	send := d.send
	var answers []frame.Packet
	if send != nil {
		answers = d.packet(p)
	}
	d.mu.Unlock()
	for i := range answers {
		send(answers[i][:])
	}
}

func (d *Device) packet(p []byte) []frame.Packet {
	event, err := d.in.Add(p)
	if err != nil {
		code := frame.Other
		var format *frame.FormatError
		if errors.As(err, &format) {
			code = format.Code
		}
		return []frame.Packet{frame.Error(code)}
	}
	switch {
	case event.Kind == frame.None:
		return nil
	case event.Kind == frame.WasCancel && d.waiting:
		d.idle()
		return []frame.Packet{frame.Error(frame.Cancelled)}
	case event.Kind == frame.WasCancel:
		d.pieces = gathered{}
		return []frame.Packet{frame.Error(frame.InvalidCommand)}
	case event.Kind != frame.Message:
		return []frame.Packet{frame.Error(frame.InvalidCommand)}
	case d.waiting:
		return []frame.Packet{frame.Error(frame.Busy)}
	}
	defer d.changed()
	answer, ok := d.answer(event.Data)
	switch {
	case !ok:
		return []frame.Packet{frame.Error(frame.InvalidCommand)}
	case answer == nil:
		d.waiting = true
		return nil
	}
	packets, err := frame.Split(answer)
	if err != nil {
		return []frame.Packet{frame.Error(frame.Other)}
	}
	return packets
}

// answer finds what the script answers to a command; nil for nothing.
func (d *Device) answer(command []byte) (answer []byte, ok bool) {
	if d.next == len(d.script.Exchanges) {
		return d.refuse(&MismatchError{Got: command})
	}
	e := d.script.Exchanges[d.next]
	c, isPiece := piece(command)
	if !isPiece {
		d.pieces = gathered{}
	} else if c.P1 == 0 {
		d.began = d.next
	}
	if bytes.Equal(command, e.Command) {
		if isPiece && d.pieces.add(c) {
			d.pieces = gathered{}
		}
		d.next++
		return e.Answer, true
	}
	mismatch := &MismatchError{Line: e.Line, Want: e.Command, Got: command}
	if d.any {
		mismatch.compared, mismatch.want, mismatch.got = true, canonical(e.Command), canonical(command)
		if isPiece {
			if want, end, ok := d.script.payload(d.began); ok && (c.P1 == 0 || len(d.pieces.data) > 0) {
				if !d.pieces.add(c) {
					return []byte{0x90, 0x00}, true
				}
				got := d.pieces.canonical()
				d.pieces = gathered{}
				if bytes.Equal(got, want) {
					d.next = end + 1
					return d.script.Exchanges[end].Answer, true
				}
				if got[0] == want[0] { // the same instruction
					mismatch.payload, mismatch.want, mismatch.got = true, want[1:], got[1:]
				}
			}
		} else if bytes.Equal(canonical(command), canonical(e.Command)) {
			d.next++
			return e.Answer, true
		}
	}
	return d.refuse(mismatch)
}

func (d *Device) refuse(e *MismatchError) ([]byte, bool) {
	if d.err == nil {
		d.err = e
	}
	if d.screen != nil {
		d.screen(e.Error())
	}
	return nil, false
}

// Link takes the device for a host in the same process.
func (d *Device) Link(ctx context.Context) (transport.Link, error) {
	return device.OpenLink(ctx, d.port)
}
