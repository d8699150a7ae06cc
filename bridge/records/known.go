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
		"keyFromFile": k.FromFile,
	}
	if !k.Readable {
		return d
	}
	if k.Name != "" {
		d["name"] = k.Name
	}
	switch {
	case k.State == binding.Bound, k.State == binding.Imported, k.State == binding.Former && !k.Unfinished:
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
	shown := &binding.Identity{SEID: o.String("seid"), Serial: o.String("serial"), SE: readKey(o, "secureElementKey"), CA: readKey(o, "certificateKey")}
	switch text, _ := interop.String(o.Value("certificate")); text {
	case "verified":
		shown.Standing = attestation.Verified
	case "unverified":
		shown.Standing = attestation.Unverified
	}
	options.Adopt(o.Err())
	return shown
}

func readKey(o *interop.Object, name string) (key secp256k1.PublicKey) {
	v := o.Value(name)
	if v.IsNull() {
		return key
	}
	text, _ := interop.Text(v, 2*len(key))
	if n, err := hex.Decode(key[:], []byte(text)); n != len(key) || err != nil {
		o.Refuse(name, "a public key in hex, or null")
	}
	return key
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
