// Package device opens an imKey over a transport, identifies it, and runs one operation on it at a time.
package device

import (
	"context"
	"errors"
	"sync"
	"time"

	"imkey-connect/core/apdu"
	"imkey-connect/core/errcode"
	"imkey-connect/core/transport"
)

// Applet identifies an applet for SELECT: core/PROTOCOL.md section 3. Except for the card manager and the boot loader, it is
// the AID without the prefix "i_".
type Applet string

// The applets that this project talks to.
const (
	CardManager Applet = ""
	IMK         Applet = "imk"
	BootLoader  Applet = "\xD0Bootloader"
)

// aid returns the bytes that SELECT carries.
func (a Applet) aid() []byte {
	switch a {
	case CardManager, BootLoader:
		return []byte(a)
	}
	return append([]byte("i_"), a...)
}

// Device is an open imKey. Its methods may be called from any goroutine. Operations run one after another.
type Device struct {
	// slot holds a token while an operation runs. Order of locks: slot before mu.
	slot    chan struct{}
	channel *transport.Channel
	waiting func(bool)
	info    Info // as Open left it

	// What this host believes about the device, so that it need not ask again. It belongs to the operation that has the slot.
	selected *selection // nil if unknown
	facts    map[string]any
	links    int // how many links of this plug-in were given up before

	mu     sync.Mutex
	closed bool
}

// Open brings the device behind link to idle and identifies it. On failure it closes the link. Errors have the codes not-imkey
// and boot-loader, or come from the exchange. waiting, if not nil, is called with true when the device begins to wait for the
// user and with false when it stops. A device reports that it waits, or is silent after a command that asks the user (see
// [Session.Ask]). waiting must return at once.
func Open(ctx context.Context, link transport.Link, waiting func(bool)) (*Device, error) {
	return OpenKnown(ctx, link, waiting, nil)
}

// OpenKnown is Open for a caller that knows some devices. known gets what was read: the SEID first, and then also the serial number and
// the certificate. If it returns true, nothing else is read. It may set Serial and leave Certificate empty. The other fields of Info
// then stay empty, and Battery is -1.
func OpenKnown(ctx context.Context, link transport.Link, waiting func(bool), known func(*Info) bool) (*Device, error) {
	ch, err := transport.Open(ctx, link)
	if err != nil {
		link.Close()
		return nil, err
	}
	if waiting == nil {
		waiting = func(bool) {}
	}
	d := &Device{slot: make(chan struct{}, 1), channel: ch, waiting: waiting}
	err = d.Do(ctx, func(s *Session) (err error) {
		d.info, err = identify(ctx, s, known)
		return err
	})
	if err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// Resume opens the device behind link, which was open as before and was not unplugged since. It brings the device to idle and asks
// nothing: Info and the facts are those of before. So the caller must look at what the device answers later: core/PROTOCOL.md
// section 8. On failure it closes the link.
func Resume(ctx context.Context, link transport.Link, waiting func(bool), before *Device) (*Device, error) {
	ch, err := transport.Open(ctx, link)
	if err != nil {
		link.Close()
		return nil, err
	}
	if waiting == nil {
		waiting = func(bool) {}
	}
	d := &Device{slot: make(chan struct{}, 1), channel: ch, waiting: waiting, info: before.info, facts: map[string]any{}}
	select {
	case before.slot <- struct{}{}:
	case <-ctx.Done():
		d.Close()
		return nil, errcode.FromContext("waiting for the device", ctx.Err())
	}
	for name, fact := range before.facts {
		d.facts[name] = fact
	}
	d.links = before.links + 1
	<-before.slot
	return d, nil
}

// Info returns what the device reported about itself when it was opened first.
func (d *Device) Info() Info { return d.info }

// Close releases the device. An operation under way ends with device-disconnected.
func (d *Device) Close() error {
	d.mu.Lock()
	d.closed = true
	d.mu.Unlock()
	return d.channel.Close()
}

// Do waits for its turn and runs one operation. While op runs, no other operation uses the device.
func (d *Device) Do(ctx context.Context, op func(*Session) error) error {
	select {
	case d.slot <- struct{}{}:
	case <-ctx.Done():
		return errcode.FromContext("waiting for the device", ctx.Err())
	}
	defer func() { <-d.slot }()
	d.mu.Lock()
	closed := d.closed
	d.mu.Unlock()
	if closed {
		return errcode.New(errcode.DeviceDisconnected, "the device is closed")
	}
	return op(&Session{d: d})
}

// selection is the applet that this host selected last, and its answer.
type selection struct {
	applet Applet
	answer []byte
}

// Session exchanges APDUs with the device during one operation.
type Session struct {
	d      *Device
	waited bool
}

// Waited reports whether the device has waited for the user in this operation.
func (s *Session) Waited() bool { return s.waited }

// SEID returns the secure element's id; see [Info].
func (s *Session) SEID() string { return s.d.Info().SEID }

// Remember stores a fact about the device until [Session.Forget]. The link has not been given up in between, so the device is the
// same one as far as USB can tell; see core/PROTOCOL.md section 8 for what that proves.
func (s *Session) Remember(name string, fact any) {
	if s.d.facts == nil {
		s.d.facts = map[string]any{}
	}
	s.d.facts[name] = fact
}

// Links returns how many links to this device were given up since it was plugged in.
func (s *Session) Links() int { return s.d.links }

// Remembered returns the fact with a name, or nil.
func (s *Session) Remembered(name string) any { return s.d.facts[name] }

// Selected returns what the selected applet answered to SELECT: its version, or nothing. It is nil if it is not known which applet is
// selected.
func (s *Session) Selected() []byte {
	if s.d.selected == nil {
		return nil
	}
	return s.d.selected.answer
}

// Forget drops the facts and the belief about the selected applet. The next operation asks again.
func (s *Session) Forget() { s.d.selected, s.d.facts = nil, nil }

// Ensure selects an applet unless this host selected it last and nothing failed since.
func (s *Session) Ensure(ctx context.Context, a Applet) error {
	if s.d.selected != nil && s.d.selected.applet == a {
		return nil
	}
	return s.Select(ctx, a)
}

// Select selects an applet. For a missing applet the error is applet-missing, or boot-loader if the device is in its boot
// loader.
func (s *Session) Select(ctx context.Context, a Applet) error {
	s.d.selected = nil
	resp, err := s.Transmit(ctx, apdu.New(0x00, 0xA4, 0x04, 0x00, a.aid()), 0)
	if err != nil {
		return err
	}
	if resp.SW == apdu.NotFound && a != BootLoader {
		if boot, err := s.inBootLoader(ctx); err != nil {
			return err
		} else if boot {
			return errcode.New(errcode.BootLoader, "the device is in its boot loader")
		}
	}
	if err := resp.SW.Err("SELECT"); err != nil {
		return err
	}
	s.d.selected = &selection{a, resp.Data}
	return nil
}

func (s *Session) inBootLoader(ctx context.Context) (bool, error) {
	err := s.Select(ctx, BootLoader)
	var status apdu.StatusWord
	switch {
	case err == nil:
		return true, nil
	case errors.As(err, &status):
		return false, nil
	}
	return false, err
}

// longest bounds every exchange, so that a device which sends keep-alives without end does not block the host.
const longest = 10 * time.Minute

// UserTimeout bounds the wait for the answer, or for the next keep-alive, of a command that the user may have to confirm. That
// real devices send keep-alives is not publicly known.
const UserTimeout = 240 * time.Second

// Ask is [Session.Transmit] for a command with which the device asks the user. A device that is silent then counts as waiting
// for the user.
func (s *Session) Ask(ctx context.Context, cmd apdu.Command, within time.Duration) (apdu.Response, error) {
	s.d.channel.Silence = transport.SilenceTimeout
	resp, err := s.Transmit(ctx, cmd, within)
	s.d.channel.Silence = 0
	return resp, err
}

// Transmit exchanges one APDU. within bounds the wait for the answer or the next keep-alive; 0 means
// [transport.AnswerTimeout]. A status word other than 9000 is not an error here: the caller checks it.
func (s *Session) Transmit(ctx context.Context, cmd apdu.Command, within time.Duration) (apdu.Response, error) {
	b, err := cmd.Bytes()
	if err != nil {
		return apdu.Response{}, err
	}
	ctx, stop := context.WithTimeout(ctx, longest)
	defer stop()
	waited := false
	answer, err := s.d.channel.Exchange(ctx, b, within, func() {
		waited = true
		s.d.waiting(true)
	})
	if waited {
		s.waited = true
		s.d.waiting(false)
	}
	if err != nil {
		s.d.selected = nil // the link may have been reset
		return apdu.Response{}, err
	}
	return apdu.ParseResponse(answer)
}
