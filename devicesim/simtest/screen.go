package simtest

import (
	"context"
	"fmt"
	"strings"

	"imkey-connect/core/bindcode"
	"imkey-connect/devicesim/device"
)

// ReadCode waits until d's screen shows a binding code and returns it, as a person reads it.
func ReadCode(ctx context.Context, d *device.Device) (string, error) {
	var code string
	err := WaitFor(ctx, d, func(s device.Status) bool {
		for _, line := range s.Screen {
			if c, err := bindcode.Parse(line); err == nil && string(c[:]) == line {
				code = line
				return true
			}
		}
		return false
	})
	return code, err
}

// WaitFor waits until d's status satisfies ok.
func WaitFor(ctx context.Context, d *device.Device, ok func(device.Status) bool) error {
	changed, stop := d.Watch()
	defer stop()
	for {
		s := d.Status()
		if ok(s) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("the device never came to it, its screen shows %q: %w", s.Screen, ctx.Err())
		}
	}
}

// ReadQuestion waits until d's screen asks something, turns its pages with the down button, and returns each page's lines
// put together: what the person decides about.
func ReadQuestion(ctx context.Context, d *device.Device) ([]string, error) {
	if err := WaitFor(ctx, d, func(s device.Status) bool { return s.Asking }); err != nil {
		return nil, err
	}
	var pages []string
	for {
		s := d.Status()
		if !s.Asking {
			return nil, fmt.Errorf("the question was withdrawn while it was read, the screen shows %q", s.Screen)
		}
		last := len(s.Screen) - 1 // which page of how many, and what can be pressed
		pages = append(pages, strings.Join(s.Screen[:last], ""))
		if err := d.Press(device.Down); err != nil {
			return nil, err
		}
		if d.Status().Screen[last] == s.Screen[last] {
			return pages, nil
		}
	}
}
