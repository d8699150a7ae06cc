package control

import (
	"errors"
	"net/http"

	"imkey-connect/devicesim"
	"imkey-connect/devicesim/usb"
)

// problem is an error as a client sees it.
type problem struct {
	status  int
	code    string
	message string
}

func (p *problem) Error() string { return p.message }

func fail(w http.ResponseWriter, p *problem) {
	var body struct {
		Error struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	body.Error.Code, body.Error.Message = p.code, p.message
	answer(w, p.status, body)
}

// invalid are errors of the value that was sent; conflicts, of the state in which the device is.
var (
	invalid = []error{
		devicesim.ErrButton, devicesim.ErrPINFormat, devicesim.ErrWordCount, devicesim.ErrMnemonic, devicesim.ErrBattery,
		devicesim.ErrApplet,
	}
	conflicts = []error{
		devicesim.ErrUnplugged, devicesim.ErrClosed, devicesim.ErrLocked, devicesim.ErrBusy, devicesim.ErrDeclined,
		devicesim.ErrBootLoader, devicesim.ErrNoPIN, devicesim.ErrPINWiped, devicesim.ErrWalletExists,
		devicesim.ErrRecording,
	}
)

// problemOf says how an error of the device is answered.
func problemOf(err error) *problem {
	var p *problem
	var wrongPIN *devicesim.WrongPINError
	var fault *usb.FaultError
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &wrongPIN):
		return &problem{http.StatusConflict, "conflict", err.Error()}
	case errors.As(err, &fault):
		return &problem{http.StatusBadRequest, "invalid", err.Error()}
	}
	for _, e := range invalid {
		if errors.Is(err, e) {
			return &problem{http.StatusBadRequest, "invalid", err.Error()}
		}
	}
	for _, e := range conflicts {
		if errors.Is(err, e) {
			return &problem{http.StatusConflict, "conflict", err.Error()}
		}
	}
	return &problem{http.StatusInternalServerError, "internal", err.Error()}
}
