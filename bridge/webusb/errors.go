//go:build js && wasm

package webusb

import (
	"context"
	"errors"

	"imkey-connect/bridge/interop"
	"imkey-connect/core/errcode"
)

// step is what was being done with the device when the browser refused.
type step string

const (
	opening     step = "open the device"
	configuring step = "select the configuration"
	claiming    step = "claim the interface"
	sending     step = "send a packet"
	receiving   step = "receive a packet"
	clearing    step = "clear a halted endpoint"
)

// failure says what it means that the browser refused a step. The names are those of the WebUSB specification; which of
// them Chromium gives, and with which words, was read in its usb_device.cc:
//
//   - open: SecurityError "Access denied." both where the operating system's access rights stand in the way (no udev rule,
//     another driver) and, on Windows, where another program holds the device;
//   - selectConfiguration, claimInterface: NetworkError "Unable to …" where another holder is in the way; SecurityError for
//     a protected interface class, which the one that we look for is not;
//   - transfers: NetworkError "A transfer error has occurred.", SecurityError "The transfer was not allowed.", AbortError
//     where the device was closed meanwhile;
//   - anything: NotFoundError "The device was disconnected." where it was unplugged and also where the permission was
//     revoked. Those two are told apart in Link.lost. InvalidStateError where the page itself opens or closes the device
//     meanwhile, or did so behind our back.
//
// A NetworkError from open is what other implementations give for access rights.
func failure(at step, err error) error {
	code := errcode.Protocol
	var thrown *interop.Exception
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return errcode.FromContext(string(at), err)
	case !errors.As(err, &thrown):
		code = errcode.Internal
	case thrown.Name == "NotFoundError":
		code = errcode.DeviceDisconnected
	case thrown.Name == "SecurityError", thrown.Name == "NotAllowedError":
		code = errcode.PermissionDenied
	case thrown.Name == "NetworkError" && at == opening:
		code = errcode.PermissionDenied
	case thrown.Name == "NetworkError" && (at == claiming || at == configuring):
		code = errcode.InUseElsewhere
	case thrown.Name == "InvalidStateError" && (at == opening || at == claiming || at == configuring):
		code = errcode.InUseElsewhere
	case thrown.Name == "InvalidStateError":
		// A transfer on a device that this page closed.
		code = errcode.DeviceDisconnected
	}
	e := errcode.Wrap(code, string(at), err)
	if code == errcode.InUseElsewhere {
		e.Data = map[string]any{"holder": "program"}
		if thrown.Name == "InvalidStateError" {
			e.Data["holder"] = "tab" // this one
		}
	}
	return e
}
