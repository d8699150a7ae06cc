package device

import (
	"context"
	"errors"

	"imkey-connect/core/errcode"
	"imkey-connect/core/frame"
	"imkey-connect/core/transport"
	"imkey-connect/devicesim/usb"
)

// Link opens the device for a host in the same process. It fails as for any host, with the codes in-use-elsewhere,
// permission-denied and device-disconnected.
func (d *Device) Link(ctx context.Context) (transport.Link, error) {
	return OpenLink(ctx, d.port)
}

// OpenLink is Link for any device that is plugged into a port.
func OpenLink(ctx context.Context, port *usb.Port) (transport.Link, error) {
	if err := ctx.Err(); err != nil {
		return nil, errcode.FromContext("open", err)
	}
	switch access := port.Access(); {
	case access.Denied:
		return nil, errcode.New(errcode.PermissionDenied, "open")
	case access.Claimed:
		return nil, errcode.New(errcode.InUseElsewhere, "open")
	}
	host, err := port.Attach("this process")
	if err != nil {
		return nil, linkError("open", nil, err)
	}
	return &link{host: host}, nil
}

// link is a [transport.Link] on a port.
type link struct {
	host *usb.Host
}

func (l *link) Send(ctx context.Context, p *frame.Packet) error {
	_, err := l.host.Out(ctx, usb.EndpointOut, p[:])
	return linkError("send", ctx, err)
}

// Receive leaves no read outstanding when ctx ends. A packet that comes later waits in the port for the next Receive.
func (l *link) Receive(ctx context.Context) (frame.Packet, error) {
	var p frame.Packet
	b, err := l.host.In(ctx, usb.EndpointIn, frame.PacketSize)
	if err != nil {
		return p, linkError("receive", ctx, err)
	}
	if len(b) != frame.PacketSize {
		return p, errcode.New(errcode.Protocol, "receive: short packet")
	}
	copy(p[:], b)
	return p, nil
}

func (l *link) Reset(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return errcode.FromContext("reset", err)
	}
	return linkError("reset", ctx, l.host.Reset())
}

func (l *link) Close() error { return l.host.Close() }

func linkError(op string, ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, usb.ErrUnplugged), errors.Is(err, usb.ErrClosed):
		return errcode.Wrap(errcode.DeviceDisconnected, op, err)
	case errors.Is(err, usb.ErrInUse):
		return errcode.Wrap(errcode.InUseElsewhere, op, err)
	case ctx != nil && ctx.Err() != nil && errors.Is(err, usb.ErrUnlinked):
		return errcode.FromContext(op, err)
	}
	return errcode.Wrap(errcode.Protocol, op, err)
}
