// Command cmd builds a target. It can be run anywhere in the repository:
//
//	go run ./web/build/cmd [-out folder] [-debug] [-host] target
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"

	"imkey-connect/web/build"
)

func main() {
	out := flag.String("out", "", "the folder to build into, instead of the target's own")
	debug := flag.Bool("debug", false, "build for developers: names, line tables and source maps, nothing made small")
	host := flag.Bool("host", false, "build programs for this machine alone, fast")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: go run ./web/build/cmd [-out folder] [-debug] [-host] target")
		flag.PrintDefaults()
		fmt.Fprintln(flag.CommandLine.Output(), "targets:")
		for _, t := range build.Targets {
			fmt.Fprintf(flag.CommandLine.Output(), "  %-8s %s\n", t.Name, t.About)
		}
	}
	flag.Parse()
	i := slices.IndexFunc(build.Targets, func(t build.Target) bool { return t.Name == flag.Arg(0) })
	if i < 0 || flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(build.Targets[i], build.Options{Out: *out, Debug: *debug, Quick: *debug, Host: *host}); err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		os.Exit(1)
	}
}

func run(target build.Target, o build.Options) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	module, err := build.Root(ctx)
	if err != nil {
		return err
	}
	o.Module, o.Reuse = module, filepath.Join(module, "web", "dist")
	if o.Out == "" {
		o.Out = filepath.Join(module, filepath.FromSlash(target.Out))
	}
	made, err := target.Make(ctx, o)
	if err == nil {
		fmt.Println(made)
	}
	return err
}
