// Command build makes web/dist. Run it from anywhere inside the repository: go run ./web/cmd/build
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"

	"imkey-connect/web/builder"
)

func main() {
	out := flag.String("out", "", "the folder to make (default web/dist)")
	flag.Parse()
	if err := run(*out); err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		os.Exit(1)
	}
}

func run(out string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	module, err := builder.Root(ctx)
	if err != nil {
		return err
	}
	dist := filepath.Join(module, "web", "dist")
	if out == "" {
		out = dist
	}
	m, err := builder.Build(ctx, builder.Options{Module: module, Out: out, Reuse: dist})
	if err != nil {
		return err
	}
	first := 0
	for _, name := range m.FirstPairing {
		first += m.Files[name].Brotli.Size
	}
	fmt.Printf("%s: %d files; imkey.js %d bytes, a first pairing %d bytes (brotli)\n",
		out, len(m.Files), m.Files["imkey.js"].Brotli.Size, first)
	return nil
}
