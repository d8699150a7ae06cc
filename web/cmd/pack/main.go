// Command pack makes the npm package. Run it from anywhere inside the repository: go run ./web/cmd/pack
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
	out := flag.String("out", "", "the folder to put it into (default build)")
	flag.Parse()
	if err := run(*out); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
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
	if out == "" {
		out = filepath.Join(module, "build")
	}
	file, err := builder.Pack(ctx, builder.Options{Module: module}, out)
	if err != nil {
		return err
	}
	fmt.Println(file)
	return nil
}
