//go:build js && wasm

package records

import (
	"encoding/hex"
	"time"

	"github.com/hack-pad/safejs"

	"imkey-connect/bridge/interop"
	"imkey-connect/core/attestation"
	"imkey-connect/core/binding"
	"imkey-connect/core/secp256k1"
)

// KnownDevice returns a KnownDevice of imkey.d.ts.
func KnownDevice(k binding.Known) map[string]any {
	d := map[string]any{
		"seid": k.SEID, "serial": k.Serial, "name": nil, "state": "unreadable", "boundAt": Date(k.BoundAt),
		"secureElementKey": Key(k.SE), "certificate": nil, "certificateKey": nil, "codeKept": k.HasCode,
	}
	if !k.Readable {
		return d
	}
	if k.Name != "" {
		d["name"] = k.Name
	}
	switch k.State {
	case binding.Bound, binding.Imported, binding.Former:
		d["state"] = k.State.String()
	default:
		d["state"] = "unfinished"
	}
	switch k.Trust {
	case binding.Verified:
		d["certificate"], d["certificateKey"] = "verified", Key(k.CA)
	case binding.Accepted:
		d["certificate"] = "unverified"
	}
	return d
}

// Key returns a public key in hex, or null for none.
func Key(key secp256k1.PublicKey) any {
	if key == (secp256k1.PublicKey{}) {
		return nil
	}
	return hex.EncodeToString(key[:])
}

// ReadShown reads the option shown: what the user was shown of a device, as a DeviceInfo or KnownDevice of imkey.d.ts. It returns
// nil if the option is absent.
func ReadShown(options *interop.Object) *binding.Identity {
	v := options.Value("shown")
	if v.IsUndefined() {
		return nil
	}
	o := interop.ReadObject(v, options.At("shown"))
	shown := &binding.Identity{SEID: o.String("seid"), Serial: o.String("serial")}
	for name, key := range map[string]*secp256k1.PublicKey{"secureElementKey": &shown.SE, "certificateKey": &shown.CA} {
		if v := o.Value(name); !v.IsNull() {
			text, _ := interop.Text(v, 2*len(key))
			b, err := hex.DecodeString(text)
			if err != nil || len(b) != len(key) {
				o.Refuse(name, "a public key in hex, or null")
			} else {
				copy(key[:], b)
			}
		}
	}
	if v := o.Value("certificate"); !v.IsNull() {
		text, _ := interop.Text(v, 16)
		for shown.Standing.String() != text {
			if shown.Standing == attestation.Verified {
				o.Refuse("certificate", "verified, unverified, invalid or null")
				break
			}
			shown.Standing++
		}
	}
	if o.Err() != nil {
		options.Adopt(o.Err())
	}
	return shown
}

// Date returns a JavaScript Date, or null for the zero time.
func Date(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	class, err := interop.Get(safejs.Global(), "Date")
	if err != nil {
		return nil
	}
	v, err := interop.Construct(class, t.UnixMilli())
	if err != nil {
		return nil
	}
	return safejs.Unsafe(v)
}
