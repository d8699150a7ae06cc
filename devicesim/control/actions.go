package control

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"

	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/internal/strictjson"
	"imkey-connect/devicesim/usb"
)

// maxBody is more than the longest valid body, a list of 256 faults.
const maxBody = 64 << 10

// action carries out one POST with its body.
type action func(d Device, body []byte) error

// actions are the calls below device/.
var actions = map[string]action{
	"plug":     plain(Device.Plug),
	"unplug":   plain(Device.Unplug),
	"powercut": plain(Device.PowerCut),
	"reset":    plain(Device.Reset),
	"menu":     plain(Device.Menu),
	"home":     plain(Device.Home),
	"lock":     plain(Device.Lock),
	"press": with(func(d Device, b struct {
		Button device.Button `json:"button"`
		Hold   bool          `json:"hold"`
	}) error {
		if b.Hold {
			return d.Hold(b.Button)
		}
		return d.Press(b.Button)
	}),
	"pin": with(func(d Device, b struct {
		PIN string `json:"pin"`
	}) error {
		return d.SetPIN(b.PIN)
	}),
	"unlock": with(func(d Device, b struct {
		PIN string `json:"pin"`
	}) error {
		return d.Unlock(b.PIN)
	}),
	"battery": with(func(d Device, b struct {
		Percent *int `json:"percent"`
	}) error {
		if b.Percent == nil {
			return missing("percent")
		}
		return d.SetBattery(*b.Percent)
	}),
	"wallet": with(func(d Device, b struct {
		Mnemonic *string `json:"mnemonic"`
		Words    *int    `json:"words"`
	}) error {
		switch {
		case b.Mnemonic != nil && b.Words != nil:
			return &problem{http.StatusBadRequest, "bad-request", "either mnemonic or words, not both"}
		case b.Mnemonic != nil:
			return d.Restore(*b.Mnemonic)
		case b.Words != nil:
			return d.Create(*b.Words)
		}
		return missing("mnemonic or words")
	}),
	"bootloader": with(func(d Device, b struct {
		On *bool `json:"on"`
	}) error {
		if b.On == nil {
			return missing("on")
		}
		return d.SetBootLoader(*b.On)
	}),
	"confirm": with(func(d Device, b struct {
		Binding *bool `json:"binding"`
	}) error {
		if b.Binding == nil {
			return missing("binding")
		}
		return ofSimulated(d, func() { d.SetConfirmBinding(*b.Binding) })
	}),
	"unbound": with(func(d Device, b struct {
		Allow *bool `json:"allow"`
	}) error {
		if b.Allow == nil {
			return missing("allow")
		}
		return ofSimulated(d, func() { d.AllowUnbound(*b.Allow) })
	}),
	"applet": with(func(d Device, b struct {
		Name      string `json:"name"`
		Installed *bool  `json:"installed"`
		Version   string `json:"version"`
	}) error {
		switch {
		case b.Installed != nil && b.Version == "":
			return d.SetInstalled(b.Name, *b.Installed)
		case b.Version == "":
			return missing("installed")
		case b.Installed != nil && !*b.Installed:
			return d.SetInstalled(b.Name, false)
		}
		return d.Install(b.Name, b.Version)
	}),
	"access": with(func(d Device, b usb.Access) error {
		d.Port().SetAccess(b)
		return nil
	}),
}

// ofSimulated changes a setting that a recording does not have.
func ofSimulated(d Device, choose func()) error {
	if _, plays := d.(player); plays {
		return device.ErrRecording
	}
	choose()
	return nil
}

func armFaults(d Device, body []byte) error {
	faults, err := usb.ParseFaults(body)
	if err != nil {
		return err
	}
	return d.Port().SetFaults(faults)
}

func clearFaults(d Device, body []byte) error {
	d.Port().ClearFaults()
	return nil
}

// change returns the handler of an action. It answers the state after the action. name is that of the action in the history;
// "" arms faults.
func change(name string, act action) handler {
	return func(w http.ResponseWriter, r *http.Request, s Simulated) {
		body, err := readBody(w, r)
		start := time.Now()                                                         // before the screens that the action shows
		typesPIN := name == "press" && s.Device.Status().Showing == device.ShowsPIN // their number and times would tell the digits
		if err == nil {
			err = act(s.Device, body)
		}
		if err != nil {
			refused(w, err)
			return
		}
		switch {
		case name == "":
			s.History.Faults(start, s.Device.Port().Faults())
		case !typesPIN:
			s.History.acted(start, name, body)
		}
		answer(w, http.StatusOK, s.state())
	}
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long):
		return nil, &problem{http.StatusRequestEntityTooLarge, "too-large", fmt.Sprintf("the body has more than %d bytes", maxBody)}
	case err != nil:
		return nil, &problem{http.StatusBadRequest, "bad-request", "the body ended too early"}
	}
	return body, nil
}

// plain returns an action without parameters.
func plain(act func(Device) error) action {
	return with(func(d Device, _ struct{}) error { return act(d) })
}

// with returns an action with parameters. Its body is one JSON object of known fields, or empty.
func with[T any](act func(Device, T) error) action {
	return func(d Device, body []byte) error {
		var parameters T
		if len(bytes.TrimSpace(body)) > 0 {
			if err := decode(body, &parameters); err != nil {
				return &problem{http.StatusBadRequest, "bad-request", "the body is wrong for this call: " + err.Error()}
			}
		}
		return act(d, parameters)
	}
}

func decode(body []byte, value any) error {
	if !bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) {
		return errors.New("it must be a JSON object") // Decode accepts null
	}
	return strictjson.Decode(body, value)
}

func missing(field string) error {
	return &problem{http.StatusBadRequest, "bad-request", "the body lacks " + field}
}

func isJSON(contentType []string) bool {
	if len(contentType) != 1 {
		return false
	}
	kind, _, err := mime.ParseMediaType(contentType[0])
	return err == nil && kind == "application/json"
}
