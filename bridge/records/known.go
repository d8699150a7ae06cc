//go:build js && wasm

package records

import (
	"encoding/hex"
	"time"

	"github.com/hack-pad/safejs"

	"imkey-connect/bridge/interop"
	"imkey-connect/core/binding"
)

// KnownDevice returns a KnownDevice of imkey.d.ts.
func KnownDevice(k binding.Known) map[string]any {
	d := map[string]any{
		"seid": k.SEID, "serial": k.Serial, "name": nil, "state": "unreadable", "boundAt": Date(k.BoundAt),
		"certificate": nil, "certificateKey": nil, "codeKept": k.HasCode,
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
		d["certificate"], d["certificateKey"] = "verified", hex.EncodeToString(k.CA[:])
	case binding.Accepted:
		d["certificate"] = "unverified"
	}
	return d
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
