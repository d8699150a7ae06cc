// Buses prints what differs between the ways to the simulated device, from what TestBuses kept in the directories given,
// and fails if something does that differences.json does not account for, or if a way is missing that -want names.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"

	"imkey-connect/web/e2e/buses"
)

func main() {
	want := flag.String("want", "websocket,preload", "ways that must have been tried, with commas between them")
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
			fail(fmt.Errorf("nothing was seen over %s", bus))
		}
	}
	if !buses.Accounted(rows, stale) {
		os.Exit(1)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "buses:", err)
	os.Exit(1)
}
