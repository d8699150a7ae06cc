package control

import (
	"errors"
	"net/http"

	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/usb"
)

// problem is an error as the API answers it.
type problem struct {
	status  int
	code    string
	message string
}

func (p *problem) Error() string { return p.message }

func fail(w http.ResponseWriter, p *problem) { tell(w, p, "") }

// refused answers an action that has failed, with the device's reason if it has one.
func refused(w http.ResponseWriter, err error) {
	p, reason := problemOf(err)
	tell(w, p, reason)
}

func tell(w http.ResponseWriter, p *problem, reason string) {
	var body struct {
		Error struct {
			Code    string `json:"code"`
			Reason  string `json:"reason,omitempty"`
			Message string `json:"message"`
		} `json:"error"`
	}
	body.Error.Code, body.Error.Reason, body.Error.Message = p.code, reason, p.message
	answer(w, p.status, body)
}

// refusals are the reasons why a device refuses an action: "invalid" because of the value that was sent, "conflict" because of
// the device's state. A program shows its own words for a reason.
var refusals = []struct {
	err    error
	code   string
	reason string
}{
	{device.ErrButton, "invalid", "button"},
	{device.ErrPINFormat, "invalid", "pin-format"},
	{device.ErrWordCount, "invalid", "word-count"},
	{device.ErrMnemonic, "invalid", "mnemonic"},
	{device.ErrBattery, "invalid", "battery"},
	{device.ErrApplet, "invalid", "applet"},
	{device.ErrUnplugged, "conflict", "unplugged"},
	{device.ErrClosed, "conflict", "closed"},
	{device.ErrLocked, "conflict", "locked"},
	{device.ErrBusy, "conflict", "asking"},
	{device.ErrRejected, "conflict", "declined"},
	{device.ErrBootLoader, "conflict", "boot-loader"},
	{device.ErrNoPIN, "conflict", "no-pin"},
	{device.ErrPINWiped, "conflict", "pin-wiped"},
	{device.ErrWalletExists, "conflict", "wallet-exists"},
	{device.ErrRecording, "conflict", "recording"},
}

// problemOf returns the answer for an error of the device.
func problemOf(err error) (p *problem, reason string) {
	var wrongPIN *device.WrongPINError
	var fault *usb.FaultError
	switch {
	case errors.As(err, &p):
		return p, ""
	case errors.As(err, &wrongPIN):
		return &problem{http.StatusConflict, "conflict", err.Error()}, "pin-wrong"
	case errors.As(err, &fault):
		return &problem{http.StatusBadRequest, "invalid", err.Error()}, "fault"
	}
	for _, r := range refusals {
		if errors.Is(err, r.err) {
			status := http.StatusConflict
			if r.code == "invalid" {
				status = http.StatusBadRequest
			}
			return &problem{status, r.code, err.Error()}, r.reason
		}
	}
	return &problem{http.StatusInternalServerError, "internal", err.Error()}, ""
}
