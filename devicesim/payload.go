package devicesim

import (
	"crypto/sha256"

	"imkey-connect/core/apdu"
	"imkey-connect/devicesim/ecdsa"
)

// maxChunk is the most that one command of a long payload carries (core/PROTOCOL.md section 3).
const maxChunk = 245

// chunks gathers a payload that comes in several commands.
type chunks struct {
	ins  byte // of the payload under way; 0: none is
	data []byte
}

// add takes the next command of a payload of at most limit bytes. It returns the payload with its last command, nil
// before. Whatever is wrong ends the payload under way.
func (p *chunks) add(c apdu.Command, limit int) ([]byte, error) {
	before := *p
	*p = chunks{}
	switch {
	case c.P1 != 0x00 && c.P1 != 0x80 || c.P2 != 0x00 && c.P2 != 0x80:
		return nil, apdu.WrongParameters
	case len(c.Data) == 0 || len(c.Data) > maxChunk || !anyLength(c):
		return nil, apdu.WrongLength
	case c.P1 == 0x00:
		before = chunks{ins: c.INS}
	case before.ins != c.INS:
		return nil, apdu.ConditionsNotSatisfied
	}
	if len(before.data)+len(c.Data) > limit {
		return nil, apdu.WrongData
	}
	before.data = append(before.data, c.Data...)
	if c.P2 == 0x80 {
		return before.data, nil
	}
	*p = before
	return nil, nil
}

// fields reads a payload's tags in their order. After something wrong all that follows is wrong too.
type fields struct {
	rest []byte
	bad  bool
}

// next reads the field with a tag, its length written in so many bytes.
func (f *fields) next(tag byte, lengthBytes int) []byte {
	head := 1 + lengthBytes
	if f.bad || len(f.rest) < head || f.rest[0] != tag {
		f.bad = true
		return nil
	}
	length := 0
	for _, b := range f.rest[1:head] {
		length = length<<8 | int(b)
	}
	if len(f.rest)-head < length {
		f.bad = true
		return nil
	}
	value := f.rest[head : head+length]
	f.rest = f.rest[head+length:]
	return value
}

// end says whether all was right and nothing is left.
func (f *fields) end() error {
	if f.bad || len(f.rest) > 0 {
		return apdu.WrongData
	}
	return nil
}

// checkHost checks the binding signature over a payload: only the bound host makes the device sign. An empty one names no
// host, so while the device is bound it is as good as another host's, unless [Device.AllowUnbound] lets it pass; one that
// was never bound, or was reset, takes it, as recorded devices did.
func (d *Device) checkHost(signature, signed []byte) error {
	app, bound := d.se.AppKey()
	if emptySignature(signature) {
		if bound && !d.allowUnbound {
			return apdu.SignatureFailed
		}
		return nil
	}
	digest := sha256.Sum256(signed)
	if !bound || !ecdsa.Verify(app, sha256.Sum256(digest[:]), signature) {
		return apdu.SignatureFailed
	}
	return nil
}

// emptySignature knows what hosts that are not bound were recorded to send: nothing, or one zero byte.
func emptySignature(s []byte) bool { return len(s) == 0 || len(s) == 1 && s[0] == 0 }
