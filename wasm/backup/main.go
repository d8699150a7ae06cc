//go:build js && wasm

package main

import (
	"os"

	"imkey-connect/bridge/idb"
	"imkey-connect/bridge/interop"
	"imkey-connect/bridge/records"
	"imkey-connect/wasm/backup/sealed"
)

func main() {
	if len(os.Args) != 2 {
		os.Exit(2)
	}
	ready, err := interop.TakeReady(os.Args[1])
	if err != nil {
		os.Exit(2)
	}
	b := &backup{env: idb.Browser(), locks: records.Locks(), work: sealed.Work, ended: make(chan struct{})}
	object, err := b.object()
	if err != nil {
		os.Exit(1)
	}
	if _, err := ready.Invoke(object); err != nil {
		os.Exit(1)
	}
	<-b.ended
}
