package binding

import (
	"strings"
	"time"
	"unicode/utf8"

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
	// Imported means that the record came from a file. It stays imported until a trusted device says that it is bound to this
	// key or that it is not. A device is trusted if a trusted CA of this app signed its certificate or the user of this app
	// accepted it. What the file says about trust does not count.
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
	// FromFile reports that App came from a file, so that others may have it. Binding with the code replaces it.
	FromFile bool
	// Next is the app key that replaces App as soon as the device says that it is bound to it. HasNext reports whether there is
	// one: an IDENTITY_VERIFY with it may have been sent, and only the device knows which key it is bound to.
	Next    secp256k1.PrivateKey
	HasNext bool
	// NextKept reports that Next is the app key of a record that an import replaced: the device may still be bound to it. NextFromFile
	// reports that this key came from a file.
	NextKept, NextFromFile bool
	// SE is the public key of the secure element that this app accepted. HasSE reports whether there is one.
	SE    secp256k1.PublicKey
	HasSE bool
	Trust Trust
	// CA is the trusted CA that signed the certificate, if Trust is Verified.
	CA secp256k1.PublicKey
	// Claim is the secure element's key according to the file of an imported record, until there is an accepted one. It never
	// replaces a check: a device with another key is refused, and a device with this key is not trusted for it.
	Claim    secp256k1.PublicKey
	HasClaim bool
	// Created and BoundAt are in whole seconds, UTC. BoundAt is zero before the first binding.
	Created, BoundAt time.Time
	// Name is the user's name for the device, as [CleanName] returns it, or empty.
	Name string
	// Code is the binding code, if the user allowed to keep it. HasCode reports whether there is one. In state verify-sent the
	// code is not confirmed yet.
	Code    bindcode.Code
	HasCode bool
	// NextCode replaces Code when Next replaces App. HasNextCode reports whether there is one.
	NextCode    bindcode.Code
	HasNextCode bool
}

// Wipe overwrites the secrets.
func (r *Record) Wipe() {
	if r == nil {
		return
	}
	r.App.Wipe()
	r.Code.Wipe()
	r.HasCode = false
	r.dropNext()
}

// fresh reports that App belongs to this app alone and that the device was never bound to it, so that a binding may use it.
func (r *Record) fresh() bool { return r.BoundAt.IsZero() && !r.FromFile }

// promote makes Next the app key: the device said that it is bound to it.
func (r *Record) promote() {
	r.App.Wipe()
	r.App, r.Code, r.HasCode, r.FromFile = r.Next, r.NextCode, r.HasNextCode, r.NextFromFile
	r.dropNext()
}

// dropNext removes Next: the device said that it is not bound to it.
func (r *Record) dropNext() {
	r.Next.Wipe()
	r.NextCode.Wipe()
	r.HasNext, r.HasNextCode, r.NextKept, r.NextFromFile = false, false, false, false
}

// distrust turns the trust in a record into a claim, since the record came from a file.
func (r *Record) distrust() {
	if r.HasSE {
		r.Claim, r.HasClaim = r.SE, true
	}
	r.State, r.FromFile = Imported, true
	r.SE, r.HasSE, r.Trust, r.CA = secp256k1.PublicKey{}, false, NoTrust, secp256k1.PublicKey{}
}

// recordVersion is the first byte of an encoded record. Records of all earlier versions stay readable, and are written in this
// version. A record of a later version is record-corrupt, and only the user's decision overwrites it.
//
// Version 2 adds the name and the states imported and former to version 1. Version 3 adds the fields from tagNext on. An
// imported record of version 2 trusts what its file says. Reading it turns that into a claim.
const recordVersion = 3

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

	// Since version 3.
	tagNext     = 0x8C
	tagNextCode = 0x8D
	tagClaim    = 0x8E
	tagFromFile = 0x8F // without a value
	tagNextKept = 0x90 // 1 if the key came from a file, 0 otherwise; until the device was asked, release 0.1.0 cannot read the record
)

// lastSecond is the last second after 1970 that a JavaScript Date can hold, and minus lastSecond the first before. A file made
// by an attacker may have other times.
const lastSecond = 8_640_000_000_000

// mostEncoded is the room for an encoded record. A buffer that grew would leave secrets in the smaller ones.
const mostEncoded = 1024

func (r *Record) encode() []byte {
	b := make([]byte, 0, mostEncoded)
	b = append(b, recordVersion)
	// A list, since calls of tlv.Append in a row are much larger in the WebAssembly. A field without a value is nil.
	for _, f := range [...]tlv.TLV{
		{Tag: tagSEID, Value: []byte(r.SEID)},
		{Tag: tagSerial, Value: []byte(r.Serial)},
		{Tag: tagState, Value: []byte{byte(r.State)}},
		{Tag: tagApp, Value: r.App[:]},
		{Tag: tagSE, Value: when(r.HasSE, r.SE[:])},
		{Tag: tagTrust, Value: when(r.HasSE, []byte{byte(r.Trust)})},
		{Tag: tagCA, Value: when(r.Trust == Verified, r.CA[:])},
		{Tag: tagCreated, Value: seconds(r.Created)},
		{Tag: tagBoundAt, Value: when(!r.BoundAt.IsZero(), seconds(r.BoundAt))},
		{Tag: tagCode, Value: when(r.HasCode, r.Code[:])},
		{Tag: tagName, Value: when(r.Name != "", []byte(r.Name))},
		{Tag: tagNext, Value: when(r.HasNext, r.Next[:])},
		{Tag: tagNextCode, Value: when(r.HasNextCode, r.NextCode[:])},
		{Tag: tagClaim, Value: when(r.HasClaim, r.Claim[:])},
		{Tag: tagFromFile, Value: when(r.FromFile, []byte{})},
		{Tag: tagNextKept, Value: when(r.NextKept, []byte{flag(r.NextFromFile)})},
	} {
		if f.Value != nil {
			b = tlv.Append(b, f.Tag, f.Value)
		}
	}
	return b
}

// when returns the value of an optional field, or nil if the record does not have the field.
func when(has bool, value []byte) []byte {
	if has {
		return value
	}
	return nil
}

func flag(b bool) byte {
	if b {
		return 1
	}
	return 0
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
		if err := r.set(f, version); err != nil {
			return nil, err
		}
	}
	if version == 1 && (r.State > Bound || seen[tagName]) || version < 3 && last >= tagNext {
		return nil, corrupt("a field of a later version")
	}
	for _, tag := range []uint16{tagSEID, tagSerial, tagState, tagApp, tagCreated} {
		if !seen[tag] {
			return nil, corrupt("a field is missing")
		}
	}
	imported := r.State == Imported
	switch {
	case seen[tagSE] != seen[tagTrust], seen[tagCA] != (r.Trust == Verified),
		r.State != Pending && !r.HasSE && (!imported || version < 3),
		r.State >= Bound && r.BoundAt.IsZero(),
		r.HasNext && (r.State < Bound || !r.HasSE), (r.HasNextCode || r.NextKept) && !r.HasNext,
		r.HasClaim && (!imported || r.HasSE), r.FromFile && r.State < Bound, imported && !r.FromFile && version >= 3:
		return nil, corrupt("contradictory")
	}
	if imported && version < 3 {
		r.distrust()
	}
	return r, nil
}

func (r *Record) set(f tlv.TLV, version byte) error {
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
	case tagApp, tagNext:
		key, err := secp256k1.ParsePrivateKey(f.Value)
		if err != nil {
			return err
		}
		if f.Tag == tagApp {
			r.App = key
		} else {
			r.Next, r.HasNext = key, true
		}
	case tagSE, tagCA, tagClaim:
		key, err := secp256k1.ParsePublicKey(f.Value)
		if err != nil {
			return corrupt("public key")
		}
		switch f.Tag {
		case tagSE:
			r.SE, r.HasSE = key, true
		case tagCA:
			r.CA = key
		default:
			r.Claim, r.HasClaim = key, true
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
	case tagCode, tagNextCode:
		if len(f.Value) != bindcode.Length {
			return corrupt("code")
		}
		for _, c := range f.Value {
			if strings.IndexByte(bindcode.Alphabet, c) < 0 {
				return corrupt("code")
			}
		}
		if f.Tag == tagCode {
			r.Code, r.HasCode = bindcode.Code(f.Value), true
		} else {
			r.NextCode, r.HasNextCode = bindcode.Code(f.Value), true
		}
	case tagFromFile:
		if len(f.Value) != 0 {
			return corrupt("origin of the key")
		}
		r.FromFile = true
	case tagNextKept:
		if len(f.Value) != 1 || f.Value[0] > 1 {
			return corrupt("origin of the next key")
		}
		r.NextKept, r.NextFromFile = true, f.Value[0] == 1
	case tagName:
		text := string(f.Value)
		if version < 3 && utf8.ValidString(text) {
			text, _ = Legible(text) // version 2 allowed more characters
		}
		name, err := CleanName(text)
		if err != nil || name != text || name == "" && version >= 3 {
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
