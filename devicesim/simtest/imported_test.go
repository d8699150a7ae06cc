package simtest_test

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/binding"
	coredevice "imkey-connect/core/device"
	"imkey-connect/core/errcode"
	"imkey-connect/core/tlv"
	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/fakeca"
)

// stranger is an attacker who made a file for the user's device: the SEID is the device's, and the app key is the attacker's.
type stranger struct {
	*host
	file []byte
}

// newStranger binds a device of the attacker that says it is the user's, and exports that. change, if not nil, changes the fields of the
// file.
func newStranger(t *testing.T, d *device.Device, change map[uint16][]byte) *stranger {
	h := newHost(t, d)
	b, dev := h.connect(d)
	status := h.status(b)
	require.Equal(t, binding.Unbound, status)
	require.NoError(t, b.Bind(h.ctx, h.readCode(d), binding.BindOptions{}))
	require.NoError(t, dev.Close())
	file, err := binding.Export(h.ctx, h.store, d.Status().SEID, nil)
	require.NoError(t, err)
	return &stranger{h, rewrite(t, file, change)}
}

// rewrite changes fields of a record. The tags are those of core/binding.
func rewrite(t *testing.T, record []byte, change map[uint16][]byte) []byte {
	fields, err := tlv.All(record[1:])
	require.NoError(t, err)
	out := record[:1:1]
	for _, f := range fields {
		value, changed := change[f.Tag]
		switch {
		case !changed:
			value = f.Value
		case value == nil:
			continue
		}
		out = tlv.Append(out, f.Tag, value)
	}
	return out
}

func unhex(t *testing.T, s string) []byte {
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return b
}

func (h *host) imports(file []byte, o binding.ImportOptions) binding.Known {
	h.t.Helper()
	known, err := binding.Import(h.ctx, h.store, file, o)
	require.NoError(h.t, err)
	return known
}

// visits opens the device as a host, and closes it again.
func (h *host) visits(d *device.Device, do func(b *binding.Binding)) {
	b, dev := h.connect(d)
	do(b)
	require.NoError(h.t, dev.Close())
}

func (h *host) says(d *device.Device, want binding.Status) {
	h.t.Helper()
	h.visits(d, func(b *binding.Binding) { require.Equal(h.t, want, h.status(b)) })
}

// A user imports a stranger's file and binds with the code. The stranger, who has the app key of the file, is not bound.
func TestAStrangersFileDoesNotBindTheStranger(t *testing.T) {
	for name, before := range map[string]func(*device.Device, *host){
		"a new code since": func(d *device.Device, _ *host) { require.NoError(t, d.Reset()) },
		"bound elsewhere since": func(d *device.Device, h *host) {
			h.visits(d, func(b *binding.Binding) { require.NoError(t, b.Bind(h.ctx, h.readCode(d), binding.BindOptions{})) })
		},
		"bound to the stranger":                       func(*device.Device, *host) {},
		"bound to the stranger, as the user has seen": nil,
	} {
		t.Run(name, func(t *testing.T) {
			d := newDevice(t, device.Options{})
			attacker := newStranger(t, d, nil)
			code := attacker.readPaper(d)
			me := newHost(t, d)
			if before != nil {
				before(d, newHost(t, d))
			}
			me.imports(attacker.file, binding.ImportOptions{})
			if before == nil {
				me.says(d, binding.BoundToThis)
			}
			me.visits(d, func(b *binding.Binding) {
				if me.status(b) == binding.Unbound {
					code = me.readCode(d)
				}
				require.NoError(t, b.Bind(me.ctx, code, binding.BindOptions{}))
			})
			me.says(d, binding.BoundToThis)
			attacker.says(d, binding.BoundElsewhere)
			me.says(d, binding.BoundToThis)
		})
	}
}

// readPaper returns the code of a bound device, which this host may have shown.
func (h *host) readPaper(d *device.Device) (code string) {
	h.visits(d, func(b *binding.Binding) {
		h.status(b)
		require.NoError(h.t, b.ShowCode(h.ctx))
		code = h.readCode(d)
	})
	return code
}

var accepted = binding.Consent{AcceptUnverified: true}

// The fields of a record, as core/binding has them.
const (
	tagApp   = 0x84
	tagSE    = 0x85
	tagTrust = 0x86
	tagCA    = 0x87
	tagName  = 0x8B
)

// A file says that its owner accepted a secure element, which is that of a machine in the middle. That counts for nothing.
func TestAFilesTrustDoesNotCount(t *testing.T) {
	for name, verified := range map[string]bool{"accepted": false, "verified by another CA": true} {
		t.Run(name, func(t *testing.T) {
			d := newDevice(t, device.Options{})
			theirs, err := fakeca.New(rand.Reader)
			require.NoError(t, err)
			evil := newStranger(t, d, nil)
			change := map[uint16][]byte{tagSE: theirs.PublicKey(), tagTrust: {byte(binding.Accepted)}, tagCA: nil}
			if verified {
				change = map[uint16][]byte{tagSE: theirs.PublicKey(), tagCA: theirs.PublicKey()}
			}
			me := newHost(t, d)
			known := me.imports(rewrite(t, evil.file, change), binding.ImportOptions{})
			require.Equal(t, binding.Imported, known.State)
			require.Equal(t, binding.NoTrust, known.Trust, "the file's words")
			require.Zero(t, known.CA)

			// The machine in the middle shows the secure element that the file names.
			_, dev := me.connect(d)
			genuine := dev.Info().Certificate
			require.NoError(t, dev.Close())
			link, err := d.Link(me.ctx)
			require.NoError(t, err)
			swapped := theirs.Issue(fakeca.Params{SEID: unhex(t, known.SEID), SEPublicKey: theirs.PublicKey()})
			m := &middle{tap: tap{Link: link}, genuine: genuine, forge: func([]byte) []byte { return swapped }}
			b, dev := me.open(m)
			require.Equal(t, binding.BoundToThis, me.status(b), "the device's words")
			require.ErrorIs(t, b.Bind(me.ctx, "22222222", binding.BindOptions{}), errcode.UntrustedDevice)
			require.Zero(t, m.instructions(t, 0x73))
			_, _, err = b.RevealCode(me.ctx, binding.Consent{})
			require.ErrorIs(t, err, errcode.UntrustedDevice)
			now, err := binding.Look(me.ctx, me.store, known.SEID)
			require.NoError(t, err)
			require.Equal(t, known, now, "it stays imported")

			// The device itself has another secure element than the file says. Nothing happens until the user forgets the file.
			sent := m.instructions(t, 0x73)
			require.NoError(t, dev.Close())
			link, err = d.Link(me.ctx)
			require.NoError(t, err)
			m = &middle{tap: tap{Link: link}}
			b, _ = me.open(m)
			for _, do := range []func() error{
				func() error { _, err := b.Status(me.ctx); return err },
				func() error { return b.Bind(me.ctx, "22222222", binding.BindOptions{Consent: accepted}) },
				func() error { _, _, err := b.RevealCode(me.ctx, accepted); return err },
			} {
				err := do()
				require.ErrorIs(t, err, errcode.DeviceMismatch)
				var e *errcode.Error
				require.ErrorAs(t, err, &e)
				require.Equal(t, "imported", e.Data["reason"])
			}
			require.Zero(t, sent+m.instructions(t, 0x73))
			require.NoError(t, b.Forget(me.ctx, nil))
			require.Equal(t, binding.BoundElsewhere, me.status(b))
		})
	}
}

// An imported binding of a device that cannot be verified stays imported until the user of this browser accepts the device. A device
// that a trusted CA of this browser verifies needs no yes.
func TestAnImportedBindingNeedsThisUsersYes(t *testing.T) {
	d := newDevice(t, device.Options{})
	mine := newHost(t, d)
	mine.trustedCAs = nil
	var code string
	mine.visits(d, func(b *binding.Binding) {
		mine.status(b)
		code = mine.readCode(d)
		require.NoError(t, b.Bind(mine.ctx, code, binding.BindOptions{Consent: accepted, RememberCode: true}))
	})
	file, err := binding.Export(mine.ctx, mine.store, d.Status().SEID, nil)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		verified bool // the new browser verifies the device
		do       func(h *host, b *binding.Binding, yes bool) error
		renews   bool
	}{
		"status": {do: func(h *host, b *binding.Binding, yes bool) error {
			status, err := b.Accept(h.ctx, binding.Consent{AcceptUnverified: yes})
			require.Equal(h.t, binding.BoundToThis, status)
			return err
		}},
		"reveal": {do: func(h *host, b *binding.Binding, yes bool) error {
			got, ok, err := b.RevealCode(h.ctx, binding.Consent{AcceptUnverified: yes})
			if err == nil {
				require.True(h.t, ok)
				require.Equal(h.t, code, string(got[:]))
			}
			return err
		}},
		"sign": {do: func(h *host, b *binding.Binding, yes bool) error { return h.signs(d, yes) }},
		"bind": {renews: true, do: func(h *host, b *binding.Binding, yes bool) error {
			return b.Bind(h.ctx, code, binding.BindOptions{Consent: binding.Consent{AcceptUnverified: yes}})
		}},
		"verified": {verified: true, do: func(h *host, b *binding.Binding, yes bool) error { h.status(b); return nil }},
	} {
		t.Run(name, func(t *testing.T) {
			me := newHost(t, d)
			if !c.verified {
				me.trustedCAs = nil
			}
			me.imports(file, binding.ImportOptions{})
			state := func() binding.Known {
				known, err := binding.Look(me.ctx, me.store, d.Status().SEID)
				require.NoError(t, err)
				return known
			}
			do := func(yes bool) (err error) {
				if name == "sign" {
					return c.do(me, nil, yes)
				}
				me.visits(d, func(b *binding.Binding) { err = c.do(me, b, yes) })
				return err
			}
			require.Equal(t, binding.Imported, state().State)
			if !c.verified {
				err := do(false)
				if name != "status" {
					require.ErrorIs(t, err, errcode.UntrustedDevice)
				}
				require.Equal(t, binding.Imported, state().State, "without the user's yes")
				require.Equal(t, binding.NoTrust, state().Trust)
			}
			if name == "reveal" || name == "sign" {
				// These repeat the yes at the binding, which the user of this browser has not given.
				err := do(true)
				require.ErrorIs(t, err, errcode.UntrustedDevice)
				var e *errcode.Error
				require.ErrorAs(t, err, &e)
				require.Equal(t, "imported", e.Data["reason"])
				require.Equal(t, binding.Imported, state().State)
				me.visits(d, func(b *binding.Binding) {
					_, err := b.Accept(me.ctx, accepted)
					require.NoError(t, err)
				})
			}
			require.NoError(t, do(true))
			known := state()
			require.Equal(t, binding.Bound, known.State)
			require.Equal(t, !c.renews, known.FromFile, "the key of the file, until a binding by code")
			if c.verified {
				require.Equal(t, []any{binding.Verified, me.trustedCAs[0]}, []any{known.Trust, known.CA})
			} else {
				require.Equal(t, binding.Accepted, known.Trust)
			}
			if c.renews {
				mine.says(d, binding.BoundElsewhere)
				mine.visits(d, func(b *binding.Binding) { // for the next case
					require.NoError(t, b.Bind(mine.ctx, code, binding.BindOptions{Consent: accepted, RememberCode: true}))
				})
				file, err = binding.Export(mine.ctx, mine.store, d.Status().SEID, nil)
				require.NoError(t, err)
			}
		})
	}
}

// signs asks for the keys of a signature.
func (h *host) signs(d *device.Device, accept bool) error {
	b, dev := h.connect(d)
	defer dev.Close()
	return dev.Do(h.ctx, func(s *coredevice.Session) error {
		keys, err := b.SigningKeys(h.ctx, s, binding.SigningOptions{Consent: binding.Consent{AcceptUnverified: accept}})
		keys.Wipe()
		return err
	})
}

// A user imports a file and signs without a binding. The key of the file signs nothing: the device does not know it.
func TestAnImportedKeyDoesNotSignBeforeTheDeviceKnowsIt(t *testing.T) {
	d := newDevice(t, device.Options{})
	attacker := newStranger(t, d, nil)
	require.NoError(t, d.Reset())
	me := newHost(t, d)
	me.imports(attacker.file, binding.ImportOptions{})
	require.ErrorIs(t, me.signs(d, true), errcode.NotBound)
	other := newHost(t, d)
	other.visits(d, func(b *binding.Binding) {
		other.status(b)
		require.NoError(t, b.Bind(other.ctx, other.readCode(d), binding.BindOptions{}))
	})
	require.ErrorIs(t, me.signs(d, true), errcode.BoundElsewhere)
}

// A file that replaces the record of a device keeps what this browser knows of the device: its key, the trust in it, its name. A file
// that names another key is refused.
func TestAnImportOverARecordKeepsItsStanding(t *testing.T) {
	d := newDevice(t, device.Options{})
	theirs, err := fakeca.New(rand.Reader)
	require.NoError(t, err)
	seid := d.Status().SEID
	me := newHost(t, d)
	me.visits(d, func(b *binding.Binding) {
		me.status(b)
		require.NoError(t, b.Bind(me.ctx, me.readCode(d), binding.BindOptions{}))
	})
	require.NoError(t, binding.Rename(me.ctx, me.store, seid, "savings", nil))
	before, err := me.store.Get(me.ctx, seid)
	require.NoError(t, err)
	mine, err := binding.Look(me.ctx, me.store, seid)
	require.NoError(t, err)

	file := rewrite(t, before, map[uint16][]byte{tagTrust: {byte(binding.Accepted)}, tagCA: nil, tagName: []byte("spendings"),
		tagApp: bytes.Repeat([]byte{7}, 32)})
	evil := rewrite(t, file, map[uint16][]byte{tagSE: theirs.PublicKey()})
	for _, c := range []struct {
		file []byte
		o    binding.ImportOptions
		want errcode.Code
	}{
		{file, binding.ImportOptions{}, errcode.RecordExists},
		{evil, binding.ImportOptions{}, errcode.RecordExists},
		{evil, binding.ImportOptions{Replace: true}, errcode.DeviceMismatch},
	} {
		_, err := binding.Import(me.ctx, me.store, c.file, c.o)
		require.ErrorIs(t, err, c.want)
		now, err := me.store.Get(me.ctx, seid)
		require.NoError(t, err)
		require.Equal(t, before, now)
	}
	known := me.imports(file, binding.ImportOptions{Replace: true})
	require.Equal(t, binding.Imported, known.State)
	require.Equal(t, []any{mine.Name, mine.Trust, mine.CA}, []any{known.Name, known.Trust, known.CA})
	// The device is bound to the key of the record that was here, and the file took nothing away.
	me.says(d, binding.BoundToThis)
	known, err = binding.Look(me.ctx, me.store, seid)
	require.NoError(t, err)
	require.Equal(t, []any{binding.Bound, false, mine.Name}, []any{known.State, known.FromFile, known.Name})
}

// A new key, made on demand, locks out each copy of the record. It needs the code, and a wrong one changes nothing.
func TestANewKeyLocksOutACopy(t *testing.T) {
	d := newDevice(t, device.Options{})
	me := newHost(t, d)
	var code string
	me.visits(d, func(b *binding.Binding) {
		me.status(b)
		code = me.readCode(d)
		require.NoError(t, b.Bind(me.ctx, code, binding.BindOptions{RememberCode: true}))
	})
	seid := d.Status().SEID
	file, err := binding.Export(me.ctx, me.store, seid, nil)
	require.NoError(t, err)
	copied := newHost(t, d)
	copied.imports(file, binding.ImportOptions{})
	copied.says(d, binding.BoundToThis)

	before, err := me.store.Get(me.ctx, seid)
	require.NoError(t, err)
	renew := func(code string) (err error) {
		me.visits(d, func(b *binding.Binding) {
			err = b.Bind(me.ctx, code, binding.BindOptions{NewKey: true, RememberCode: true})
		})
		return err
	}
	require.ErrorIs(t, renew(wrong(code)), errcode.WrongCode)
	now, err := me.store.Get(me.ctx, seid)
	require.NoError(t, err)
	require.Equal(t, before, now)
	copied.says(d, binding.BoundToThis)

	require.NoError(t, renew(code))
	copied.says(d, binding.BoundElsewhere)
	me.says(d, binding.BoundToThis)
	me.visits(d, func(b *binding.Binding) {
		kept, ok, err := b.RevealCode(me.ctx, binding.Consent{})
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, code, string(kept[:]))
	})
}
