//go:build js && wasm

package webusb

import (
	"context"
	"errors"
	"time"

	"imkey-connect/bridge/interop"
	"imkey-connect/core/errcode"
)

// announceWithin is how long the browser may take to report that a device was unplugged, after an operation failed with
// NotFoundError. If it does not, the permission was revoked.
const announceWithin = time.Second

// failed is failure, except for a device that is gone: then it finds out why.
func (l *Link) failed(ctx context.Context, at step, err error) error {
	err = failure(at, err)
	switch {
	case l.opened && interop.NameOf(err) == "NotFoundError":
		return l.lost(ctx, err)
	case at == opening && errors.Is(err, errcode.PermissionDenied) && l.announced(ctx):
		// The system denies access to an unplugged device before the browser reports that it was unplugged.
		return l.Err()
	}
	return err
}

// lost finds out why an open device is gone. Chromium rejects with the same NotFoundError when the device was unplugged and when its
// permission was revoked, but it fires a disconnect event only when the device was unplugged.
func (l *Link) lost(ctx context.Context, err error) error {
	if !l.announced(ctx) {
		if ctx.Err() != nil {
			return failure("look for the device", ctx.Err())
		}
		revoked := errcode.Wrap(errcode.PermissionDenied, "the permission for the device was revoked", err)
		revoked.Data = map[string]any{"reason": "revoked"}
		l.end(revoked)
	}
	return l.Err()
}

// announced waits until the browser reports that the device was unplugged, which may come after the first failure.
func (l *Link) announced(ctx context.Context) bool {
	timer := time.NewTimer(announceWithin)
	defer timer.Stop()
	select {
	case <-l.gone:
		return true
	case <-ctx.Done():
	case <-timer.C:
	}
	return false
}

func (l *Link) unplugged() {
	l.end(errcode.New(errcode.DeviceDisconnected, "unplugged"))
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.detached:
	default:
		close(l.detached)
	}
}
