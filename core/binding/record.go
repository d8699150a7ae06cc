package binding

import (
	"time"

	"imkey-connect/core/bindcode"
	"imkey-connect/core/device"
	"imkey-connect/core/errcode"
	"imkey-connect/core/secp256k1"
	"imkey-connect/core/tlv"
)

// State is the state of a binding, as the app knows it. See the package comment.
type State byte

// The states.
const (
	// Pending means that the app key is stored and that the device was not asked to bind.
	Pending State = 1
	// VerifySent means that IDENTITY_VERIFY may have been sent. Only the device knows whether it bound.
	VerifySent State = 2
	// Bound means that the device said that it is bound to this key, and has said nothing else since.
	Bound State = 3
	// Imported means that another app bound the device with this key and that the record came from its file. The device has not
	// confirmed it to this app.
	Imported State = 4
	// Former means that the binding was bound or imported, and that the device said since that it is not bound to this key. The
	// device may lie, so the key is kept.
	Former State = 5
)

// String returns the state as the package comment names it, or unknown.
func (s State) String() string {
	switch s {
	case Pending:
		return "pending"
	case VerifySent:
		return "verify-sent"
	case Bound:
		return "bound"
	case Imported:
		return "imported"
	case Former:
		return "former"
	}
	return "unknown"
}

// Trust says why the app accepted the secure element's key.
type Trust byte

// The kinds of trust.
const (
	// NoTrust means that no key was accepted.
	NoTrust Trust = 0
	// Verified means that a trusted CA signed the certificate.
	Verified Trust = 1
	// Accepted means that the user knowingly accepted a device that could not be verified.
	Accepted Trust = 2
)

// Record is what an app stores about a binding to one device. It holds secrets: the store encrypts it, and its owner wipes it.
type Record struct {
	// SEID is the secure element's id: 16 bytes as upper-case hex. The store keeps the record under it.
	SEID string
	// Serial is the imKey's serial number, which the user knows it by.
	Serial string
	State  State
	// App is the app key for this device.
	App secp256k1.PrivateKey
	// SE is the public key of the accepted secure element. HasSE reports whether there is one.
	SE    secp256k1.PublicKey
	HasSE bool
	Trust Trust
	// CA is the trusted CA that signed the certificate, if Trust is Verified.
	CA secp256k1.PublicKey
	// Created and BoundAt are in whole seconds, UTC. BoundAt is zero before the first binding.
	Created, BoundAt time.Time
	// Name is the user's name for the device, as [CleanName] returns it, or empty.
	Name string
	// Code is the binding code, if the user allowed to keep it. HasCode reports whether there is one. In state verify-sent the
	// code is not confirmed yet.
	Code    bindcode.Code
	HasCode bool
}

// Wipe overwrites the secrets.
func (r *Record) Wipe() {
	if r == nil {
		return
	}
	r.App.Wipe()
	r.Code.Wipe()
	r.HasCode = false
}

// recordVersion is the first byte of an encoded record. Records of all earlier versions stay readable, and are written in this
// version. A record of a later version is record-corrupt, and only the user's decision overwrites it.
//
// Version 2 adds the name and the states imported and former to version 1.
const recordVersion = 2

// The tags of the fields. A record has each field at most once, in ascending order.
const (
	tagSEID    = 0x81
	tagSerial  = 0x82
	tagState   = 0x83
	tagApp     = 0x84
	tagSE      = 0x85
	tagTrust   = 0x86
	tagCA      = 0x87
	tagCreated = 0x88
	tagBoundAt = 0x89
	tagCode    = 0x8A
	tagName    = 0x8B // since version 2
)

// lastSecond is the last second after 1970 that a JavaScript Date can hold, and minus lastSecond the first before. A file made
// by an attacker may have other times.
const lastSecond = 8_640_000_000_000

func (r *Record) encode() []byte {
	b := []byte{recordVersion}
	b = tlv.Append(b, tagSEID, []byte(r.SEID))
	b = tlv.Append(b, tagSerial, []byte(r.Serial))
	b = tlv.Append(b, tagState, []byte{byte(r.State)})
	b = tlv.Append(b, tagApp, r.App[:])
	if r.HasSE {
		b = tlv.Append(b, tagSE, r.SE[:])
		b = tlv.Append(b, tagTrust, []byte{byte(r.Trust)})
		if r.Trust == Verified {
			b = tlv.Append(b, tagCA, r.CA[:])
		}
	}
	b = tlv.Append(b, tagCreated, seconds(r.Created))
	if !r.BoundAt.IsZero() {
		b = tlv.Append(b, tagBoundAt, seconds(r.BoundAt))
	}
	if r.HasCode {
		b = tlv.Append(b, tagCode, r.Code[:])
	}
	if r.Name != "" {
		b = tlv.Append(b, tagName, []byte(r.Name))
	}
	return b
}

func corrupt(why string) error { return errcode.New(errcode.RecordCorrupt, "record: "+why) }

// errVersion is the error for a record of a later version.
var errVersion = corrupt("unknown version")

// decodeRecord reads a record of any version up to recordVersion. Errors have code record-corrupt.
func decodeRecord(b []byte) (_ *Record, err error) {
	if len(b) == 0 {
		return nil, corrupt("empty")
	}
	version := b[0]
	switch {
	case version == 0:
		return nil, corrupt("malformed")
	case version > recordVersion:
		return nil, errVersion
	}
	fields, err := tlv.All(b[1:])
	if err != nil {
		return nil, corrupt("malformed")
	}
	r := &Record{}
	defer func() {
		if err != nil {
			r.Wipe()
		}
	}()
	seen := map[uint16]bool{}
	last := uint16(0)
	for _, f := range fields {
		if f.Tag <= last {
			return nil, corrupt("fields out of order")
		}
		last = f.Tag
		seen[f.Tag] = true
		if err := r.set(f); err != nil {
			return nil, err
		}
	}
	if version == 1 && (r.State > Bound || seen[tagName]) {
		return nil, corrupt("a field of a later version")
	}
	for _, tag := range []uint16{tagSEID, tagSerial, tagState, tagApp, tagCreated} {
		if !seen[tag] {
			return nil, corrupt("a field is missing")
		}
	}
	switch {
	case seen[tagSE] != seen[tagTrust], seen[tagCA] != (r.Trust == Verified), r.State != Pending && !r.HasSE,
		r.State >= Bound && r.BoundAt.IsZero():
		return nil, corrupt("contradictory")
	}
	return r, nil
}

func (r *Record) set(f tlv.TLV) error {
	switch f.Tag {
	case tagSEID:
		if !ValidSEID(string(f.Value)) {
			return corrupt("SEID")
		}
		r.SEID = string(f.Value)
	case tagSerial:
		if !device.ValidSerial(string(f.Value)) {
			return corrupt("serial number")
		}
		r.Serial = string(f.Value)
	case tagState:
		if len(f.Value) != 1 || f.Value[0] < byte(Pending) || f.Value[0] > byte(Former) {
			return corrupt("state")
		}
		r.State = State(f.Value[0])
	case tagApp:
		key, err := secp256k1.ParsePrivateKey(f.Value)
		if err != nil {
			return err
		}
		r.App = key
	case tagSE, tagCA:
		key, err := secp256k1.ParsePublicKey(f.Value)
		if err != nil {
			return corrupt("public key")
		}
		if f.Tag == tagSE {
			r.SE, r.HasSE = key, true
		} else {
			r.CA = key
		}
	case tagTrust:
		if len(f.Value) != 1 || f.Value[0] != byte(Verified) && f.Value[0] != byte(Accepted) {
			return corrupt("trust")
		}
		r.Trust = Trust(f.Value[0])
	case tagCreated, tagBoundAt:
		if len(f.Value) != 8 {
			return corrupt("time")
		}
		var n int64
		for _, v := range f.Value {
			n = n<<8 | int64(v)
		}
		t := time.Unix(n, 0).UTC()
		switch {
		case n < -lastSecond, n > lastSecond:
			return corrupt("time")
		case f.Tag == tagCreated:
			r.Created = t
		case t.IsZero():
			return corrupt("time") // the zero time means "never" and is not written
		default:
			r.BoundAt = t
		}
	case tagCode:
		if len(f.Value) != bindcode.Length {
			return corrupt("code")
		}
		code, err := bindcode.Parse(string(f.Value))
		if err != nil || string(code[:]) != string(f.Value) {
			return corrupt("code")
		}
		r.Code, r.HasCode = code, true
	case tagName:
		name, err := CleanName(string(f.Value))
		if err != nil || name == "" || name != string(f.Value) {
			return corrupt("name")
		}
		r.Name = name
	default:
		return corrupt("unknown field")
	}
	return nil
}

func seconds(t time.Time) []byte {
	n := t.Unix()
	return []byte{byte(n >> 56), byte(n >> 48), byte(n >> 40), byte(n >> 32), byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}
}

// ErrSEID is the error for a string that is not an SEID; see [ValidSEID].
var ErrSEID error = errcode.Invalid("seid", "not 32 upper-case hex digits")

// ValidSEID reports whether s is a secure element's id: 32 upper-case hex digits.
func ValidSEID(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'A' || c > 'F') {
			return false
		}
	}
	return len(s) == 32
}
