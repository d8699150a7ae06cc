package simtest

import (
	"context"
	"fmt"
	"strings"

	"imkey-connect/core/bindcode"
	"imkey-connect/devicesim/device"
)

// ReadCode waits until the screen of a device shows a binding code, and returns the code.
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

// WaitFor waits until the status of a device satisfies ok.
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
			return fmt.Errorf("the device did not reach that state, its screen shows %q: %w", s.Screen, ctx.Err())
		}
	}
}

// ReadQuestion waits until the screen of a device asks a question, turns its pages with the down button, and returns the text of
// each page, with its lines joined.
func ReadQuestion(ctx context.Context, d *device.Device) ([]string, error) {
	if err := WaitFor(ctx, d, func(s device.Status) bool { return s.Asking }); err != nil {
		return nil, err
	}
	var pages []string
	for {
		s := d.Status()
		if !s.Asking {
			return nil, fmt.Errorf("the question has disappeared, the screen shows %q", s.Screen)
		}
		last := len(s.Screen) - 1 // the line with the buttons and the number of the page
		pages = append(pages, strings.Join(s.Screen[:last], ""))
		if err := d.Press(device.Down); err != nil {
			return nil, err
		}
		if d.Status().Screen[last] == s.Screen[last] {
			return pages, nil
		}
	}
}
