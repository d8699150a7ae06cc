//go:build js && wasm

package webusb

import (
	"context"
	"errors"

	"imkey-connect/bridge/interop"
	"imkey-connect/core/errcode"
)

// step is what the link does with the device, for errors.
type step string

const (
	opening     step = "open the device"
	configuring step = "select the configuration"
	claiming    step = "claim the interface"
	sending     step = "send a packet"
	receiving   step = "receive a packet"
	clearing    step = "clear a halted endpoint"
)

// failure gives an exception of a step an error code. The names are those of the WebUSB specification. Chromium's usb_device.cc
// says which of them Chromium uses, and when:
//
//   - open: SecurityError "Access denied." if the operating system denies access (no udev rule, another driver) and, on Windows, if
//     another program holds the device
//   - selectConfiguration, claimInterface: NetworkError "Unable to …" if another program or page holds the device; SecurityError
//     for a protected interface class, which that of imKeys is not
//   - transfers: NetworkError "A transfer error has occurred.", SecurityError "The transfer was not allowed.", AbortError if the
//     device was closed meanwhile
//   - every step: NotFoundError "The device was disconnected." if the device was unplugged or the permission was revoked, which
//     Link.lost tells apart; InvalidStateError if another script of the page opens or closes the device
//
// Other implementations throw a NetworkError in open if access is denied.
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
		// A transfer on a device that the page closed.
		code = errcode.DeviceDisconnected
	}
	e := errcode.Wrap(code, string(at), err)
	if code == errcode.InUseElsewhere {
		e.Data = map[string]any{"holder": "program"}
		if thrown.Name == "InvalidStateError" {
			e.Data["holder"] = "tab" // this page
		}
	}
	return e
}
