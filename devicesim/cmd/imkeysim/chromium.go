package main

import (
	"context"
	"errors"
	"io"
)

func runChromium(ctx context.Context, o options, rest []string, stdout, stderr io.Writer) error {
	return errors.New("not yet")
}
