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
	"imkey-connect/devicesim/internal/watch"
	"imkey-connect/devicesim/usb"
)

// Options describe a device that plays a script.
type Options struct {
	// AnyHost accepts a command that differs from the recorded one only in what each host draws for itself: its key, its
	// proof of the code and its signatures.
	AnyHost bool
	// Serial is the USB serial number. An empty one means the serial number in the script.
	Serial     string
	LandingURL string               // of WebUSB; without one the device announces none
	Tap        func(usb.TapEvent)   // see device.Options
	Screen     func(caption string) // see device.Options
}

// Device plays a script behind a USB port. It is safe for concurrent use.
//
// The device answers a command that is not the script's next one with ERROR 01, keeps the reason for Err, and stays at its
// place in the script. A CANCEL ends a command that the script does not answer. A host that attaches after the last command
// starts at the first one again.
//
// The port's lock is taken before mu.
type Device struct {
	script Script
	any    bool
	port   *usb.Port
	seid   string
	screen func(string)
	watch  watch.Set

	mu      sync.Mutex
	send    func([]byte) // nil without a host
	in      frame.Assembler
	next    int     // index of the next exchange
	payload payload // the payload that arrives
	began   int     // index of the exchange at which the payload began
	waiting bool    // the script does not answer the last command
	err     *MismatchError
}

// New returns a device that plays a script. It is plugged in.
func New(script Script, o Options) *Device {
	d := &Device{script: script, any: o.AnyHost, screen: o.Screen}
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

// identity returns the serial number and the SEID that the script answers (core/PROTOCOL.md section 3).
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

// Err returns the first command that was not the next one of the script as a *MismatchError, or nil.
func (d *Device) Err() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err == nil {
		return nil
	}
	return d.err
}

// Done returns nil if all commands of the script were sent and no others, else a *MismatchError or an *UnfinishedError.
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

// Attach is called by the port.
func (d *Device) Attach(send func(packet []byte)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.send = send
	d.idle()
	if d.next == len(d.script.Exchanges) {
		d.next = 0
	}
	d.watch.Notify()
}

// Detach is called by the port.
func (d *Device) Detach() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.send = nil
	d.idle()
}

func (d *Device) idle() {
	d.in.Reset()
	d.payload = payload{}
	d.waiting = false
}

// Packet is called by the port.
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
		d.payload = payload{}
		return []frame.Packet{frame.Error(frame.InvalidCommand)}
	case event.Kind != frame.Message:
		return []frame.Packet{frame.Error(frame.InvalidCommand)}
	case d.waiting:
		return []frame.Packet{frame.Error(frame.Busy)}
	}
	defer d.watch.Notify()
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

// answer returns the script's answer to a command, nil if it has none. ok is false if the command does not match.
func (d *Device) answer(command []byte) (answer []byte, ok bool) {
	if d.next == len(d.script.Exchanges) {
		return d.refuse(&MismatchError{Got: command})
	}
	e := d.script.Exchanges[d.next]
	aid := d.script.selected(d.next)
	c, isChunk := chunk(aid, command)
	if !isChunk {
		d.payload = payload{}
	} else if c.P1 == 0 {
		d.began = d.next
	}
	if bytes.Equal(command, e.Command) {
		if isChunk && d.payload.add(c) {
			d.payload = payload{}
		}
		d.next++
		return e.Answer, true
	}
	mismatch := &MismatchError{Line: e.Line, Want: e.Command, Got: command}
	if d.any {
		mismatch.compared, mismatch.want, mismatch.got = true, canonical(aid, e.Command), canonical(aid, command)
		if isChunk {
			if want, end, ok := d.script.payload(d.began); ok && (c.P1 == 0 || len(d.payload.data) > 0) {
				if !d.payload.add(c) {
					return []byte{0x90, 0x00}, true
				}
				got := d.payload.canonical()
				d.payload = payload{}
				if bytes.Equal(got, want) {
					d.next = end + 1
					return d.script.Exchanges[end].Answer, true
				}
				if got[0] == want[0] { // the same instruction
					mismatch.payload, mismatch.want, mismatch.got = true, want[1:], got[1:]
				}
			}
		} else if bytes.Equal(canonical(aid, command), canonical(aid, e.Command)) {
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

// Link opens the device for a host in the same process.
func (d *Device) Link(ctx context.Context) (transport.Link, error) {
	return device.OpenLink(ctx, d.port)
}
