//go:build !linux

package main

import (
	"context"
	"errors"
	"io"

	"imkey-connect/devicesim/chromium"
)

const (
	keeperCommand = "keep-browser"
	guardCommand  = "guard-browser"
)

func runBrowser(context.Context, []string, io.Writer, io.Writer) error {
	return errors.Join(chromium.ErrUnsupported, errors.New("the WebSocket device works here: docs/testing.md"))
}

func runKeeper(context.Context, io.Writer) error { return chromium.ErrUnsupported }

func runGuard() error { return chromium.ErrUnsupported }
