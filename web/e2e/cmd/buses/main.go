// Command buses compares the results that TestBuses wrote to the given directories, and prints the differences between the
// buses. It fails if differences.json does not explain a difference, or if the results of a bus that -want names are missing.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"

	"imkey-connect/web/e2e/buses"
)

func main() {
	want := flag.String("want", "websocket,preload", "buses whose results are needed, separated by commas")
	flag.Parse()
	seen, err := buses.Read(flag.Args()...)
	if err != nil {
		fail(err)
	}
	known, err := buses.Differences()
	if err != nil {
		fail(err)
	}
	rows, stale := buses.Compare(seen, known)
	fmt.Print(buses.Table(seen, rows, stale))
	for _, bus := range strings.Split(*want, ",") {
		if seen[bus] == nil {
			fail(fmt.Errorf("there are no results of the bus %s", bus))
		}
	}
	if !buses.Explained(rows, stale) {
		os.Exit(1)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "buses:", err)
	os.Exit(1)
}
